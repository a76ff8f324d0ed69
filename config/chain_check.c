/*
 * chain_check.c - what must hold for a pipeline: each codec has its byte, layers are in a sound
 * order, a receiver can tell them apart, and `require` can be met.
 *
 * Errors for what can't work, warnings for what surely is not meant. Knows of codecs only what
 * their tables say.
 */
#include "schema.h"

enum { LAYERS = 8 };

static const struct kith_codec_ops *ops_of(const struct kith_entry *e) { return e->plugin->ops; }

/* ------------------------------------------------------------------------------------ one entry */

/* One that is given and wrong has been reported. */
static void check_layer_byte(struct kith_reading *r, const char *path, size_t i,
                             const struct kith_entry *e)
{
    const struct kith_param layer_byte = {.name = "layer_byte"};
    const struct kith_provenance *given = kith_provenance_given(
        r->config, kith_arena_printf(r->arena, "%s[%zu].layer_byte", path, i));
    bool open = kith_entry_takes(e->plugin, &layer_byte);
    if (open && !given)
        kith_diag_error(r->diag, e->pos,
                        "add `layer_byte:` with a number from 0xC0 to 0xEF, the same on every node",
                        "codec '%s' has no layer byte of its own", e->plugin->name);
    if (!open && given)
        kith_diag_error(r->diag, given->key, "leave `layer_byte` out",
                        "codec '%s' has a layer byte of its own", e->plugin->name);
}

/* ---------------------------------------------------------------------------------------- order */

static int rank(const struct kith_entry *e)
{
    uint32_t p = ops_of(e)->provides;
    return p & KITH_ENCRYPTS                        ? 3
           : p & (KITH_CHECKS | KITH_AUTHENTICATES) ? 2
           : p & KITH_COMPRESSES                    ? 1
                                                    : 0;
}

static const char *reason(int outer, int inner)
{
    if (outer == 1 && inner == 3) return "compressing what is encrypted gains nothing";
    if (outer == 1) return "a receiver should check what came before it unpacks it";
    return "a checksum belongs inside, where the cipher protects it too";
}

/* One pair of send, `before` further in than `e`. False: said that e can't stay where it is. */
static bool check_pair(struct kith_reading *r, const struct kith_entry *before,
                       const struct kith_entry *e)
{
    static const char *const does[] = {"", "compresses", "checks", "encrypts"};
    int inner = rank(before), outer = rank(e);
    if (e->plugin == before->plugin) {
        kith_diag_error(r->diag, e->pos, "leave one of them out",
                        "codec '%s' is in 'pipeline.send' twice", e->plugin->name);
        return false;
    }
    if (outer == 1 && inner == 1)
        kith_diag_warning(r->diag, e->pos, "keep one",
                          "'%s' compresses what '%s' has compressed already", e->plugin->name,
                          before->plugin->name);
    char help[200];
    if (outer && inner > outer) {
        snprintf(help, sizeof help, "compress, then check, then encrypt: put '%s' before '%s'",
                 e->plugin->name, before->plugin->name);
        kith_diag_error(r->diag, e->pos, help, "'%s' %s after '%s' %s: %s", e->plugin->name,
                        does[outer], before->plugin->name, does[inner], reason(outer, inner));
        return false;
    }
    if (!ops_of(before)->packet.tentative) return true;
    snprintf(help, sizeof help, "put '%s' last", before->plugin->name);
    kith_diag_error(r->diag, e->pos, help,
                    "'%s' is outside of '%s', whose packets are recognised only outermost",
                    e->plugin->name, before->plugin->name);
    return false;
}

static void check_order(struct kith_reading *r)
{
    const struct kith_entries *send = &r->config->chain.send;
    if (send->count > LAYERS)
        kith_diag_error(r->diag, send->items[LAYERS].pos, NULL,
                        "more than %d layers in 'pipeline.send'", LAYERS);
    for (size_t i = 0; i < send->count; i++)
        for (size_t k = 0; k < i; k++)
            if (!check_pair(r, &send->items[k], &send->items[i])) break;
}

/* ---------------------------------------------------------------------------------------- bytes */

struct range {
    unsigned first, last;
};

static bool form_range(const struct kith_entry *e, const struct kith_form *f, struct range *out)
{
    if (f->framing == KITH_NONE) return false;
    unsigned byte = f->first ? f->first : e->layer_byte;
    *out = (struct range){f->framing == KITH_OWN ? f->first : byte,
                          f->framing == KITH_OWN ? f->last : byte};
    return f->framing == KITH_OWN || byte;
}

static bool overlap(const struct kith_entry *a, const struct kith_entry *b)
{
    struct range x, y;
    const struct kith_codec_ops *m = ops_of(a), *n = ops_of(b);
    bool packets = form_range(a, &m->packet, &x) && form_range(b, &n->packet, &y) &&
                   x.first <= y.last && y.first <= x.last;
    return packets || (form_range(a, &m->stream, &x) && form_range(b, &n->stream, &y) &&
                       x.first <= y.last && y.first <= x.last);
}

static void check_accept(struct kith_reading *r)
{
    const struct kith_entries *accept = &r->config->chain.accept, *send = &r->config->chain.send;
    for (size_t i = 0; i < accept->count; i++)
        for (size_t k = 0; k < i; k++) {
            const struct kith_entry *a = &accept->items[k], *b = &accept->items[i];
            if (a->plugin == b->plugin)
                kith_diag_error(r->diag, b->pos, "one entry opens with every key of its ring",
                                "codec '%s' is in 'pipeline.accept' twice", b->plugin->name);
            else if (overlap(a, b))
                kith_diag_error(r->diag, b->pos, "give one of them another byte with `layer_byte:`",
                                "'%s' and '%s' (line %u) have the same layer byte: a receiver "
                                "could not tell them apart",
                                b->plugin->name, a->plugin->name, a->pos.line);
        }
    for (size_t i = 0; i < send->count; i++)
        if (!kith_entries_find(accept, send->items[i].plugin->name))
            kith_diag_warning(
                r->diag, kith_pos_of(r->config, "pipeline.accept"),
                "add it to 'accept', unless this is one step of a change",
                "'%s' is sent but not accepted: a node with this same file would not be understood",
                send->items[i].plugin->name);
}

/* --------------------------------------------------------------------------------------- policy */

static uint32_t opened_on(const struct kith_entries *list, bool stream)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct kith_codec_ops *ops = ops_of(&list->items[i]);
        if ((stream ? ops->stream : ops->packet).framing != KITH_NONE) bits |= ops->provides;
    }
    return kith_implied(bits);
}

/* What the bit asks for must come off packets and streams alike, or nobody gets through. */
static void check_required(const struct kith_config *c, unsigned bit, struct kith_diag *diag)
{
    const struct kith_chain *chain = &c->chain;
    const char *word = kith_requirements[bit];
    struct kith_pos pos = kith_pos_of(c, "pipeline.require");
    bool packet = opened_on(&chain->accept, false) & 1u << bit,
         stream = opened_on(&chain->accept, true) & 1u << bit;
    if (!packet || !stream) {
        const char *where = packet ? "streams" : stream ? "packets" : "packets and streams";
        kith_diag_error(
            diag, pos, "add such a codec to 'accept', or take the word out of 'require'",
            "'require' has %s, but no codec in 'accept' does so on %s: %s would be refused", word,
            where, packet || stream ? "those" : "everybody");
    } else if (!(kith_entries_provide(&chain->send) & 1u << bit)) {
        kith_diag_warning(diag, pos,
                          "right for one step of a change; else add such a codec to 'send'",
                          "'require' has %s, but nothing in 'send' does so: a node with this "
                          "same file would refuse us",
                          word);
    }
}

void kith_config_check_require(const struct kith_config *c, uint32_t given, struct kith_diag *diag)
{
    for (unsigned bit = 0; kith_requirements[bit]; bit++)
        if (c->chain.require & ~kith_implied(given) & 1u << bit) check_required(c, bit, diag);
}

static void check_require(struct kith_reading *r)
{
    const struct kith_config *c = r->config;
    uint32_t require = c->chain.require, sent = kith_entries_provide(&c->chain.send);
    bool given = kith_provenance_given(c, "pipeline.require");
    bool authenticates_only = (sent & KITH_AUTHENTICATES) && !(sent & KITH_ENCRYPTS);
    if (authenticates_only && !(require & KITH_AUTHENTICATES) && !given)
        kith_diag_warning(r->diag, kith_pos_of(c, "pipeline.send"),
                          "add `require: [ authenticate ]`, or `require: []` to say so",
                          "'send' authenticates, but nothing requires it of others");
    if ((require & KITH_COMPRESSES) && given)
        kith_diag_warning(
            r->diag, kith_pos_of(c, "pipeline.require"), "take compress out",
            "'require' has compress: messages that are too small to gain would be refused");
}

void kith_chain_check(struct kith_reading *r)
{
    const struct kith_entries *send = &r->config->chain.send, *accept = &r->config->chain.accept;
    for (size_t i = 0; i < send->count; i++)
        check_layer_byte(r, "pipeline.send", i, &send->items[i]);
    for (size_t i = 0; i < accept->count; i++) {
        const struct kith_entry *e = &accept->items[i],
                                *sent = kith_entries_find(send, e->plugin->name);
        if (!sent || sent->params != e->params) /* else the same entry */
            check_layer_byte(r, "pipeline.accept", i, e);
    }
    check_order(r);
    check_accept(r);
    check_require(r);
}
