/*
 * chain.c - the pipeline of a file: memberlist's short forms expanded, what was left out filled in,
 * and all that must hold.
 *
 *     secret_key                 keyring of that key, aes_gcm at the end of send
 *     enable_compression         whether lzw begins send
 *     gossip_verify_outgoing     false: aes_gcm in accept, not in send
 *     gossip_verify_incoming     false: require nothing
 *
 * A keyring without pipeline.send means the same as secret_key, because in memberlist a ring that
 * holds a key is what turns encryption on; a file that names keys and is then silent about the
 * pipeline must not mean plaintext. Knows of codecs only what their tables say. How messages go
 * through is the plugin host's part.
 */
#include "schema.h"
#include "secret.h"

enum { LAYERS = 8 };

static const struct kith_codec_ops *ops_of(const struct kith_entry *e) { return e->plugin->ops; }

static const struct kith_origin *given(const struct kith_reading *r, const char *path)
{
    const struct kith_origin *o = kith_origin_find(r->config->origins, path);
    return o && o->kind == KITH_FROM_FILE ? o : NULL;
}

static struct kith_entry *by_name(const struct kith_entries *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].plugin->name, name) == 0) return &list->items[i];
    return NULL;
}

/* ------------------------------------------------------------------------------- short forms */

static void refuse_both(struct kith_reading *r)
{
    static const struct {
        const char *form, *key, *both;
    } same[] = {{"secret_key", "keyring", "which key seals"},
                {"secret_key", "pipeline.send", "what is sent"},
                {"enable_compression", "pipeline.send", "what is sent"},
                {"gossip_verify_incoming", "pipeline.require", "what is required"},
                {"gossip_verify_outgoing", "pipeline.send", "what is sent"},
                {"gossip_verify_outgoing", "pipeline.accept", "what is accepted"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const struct kith_origin *form = given(r, same[i].form), *key = given(r, same[i].key);
        if (!form || !key) continue;
        kith_diag_error(r->diag, form->key,
                        "keep one of them; `kith config show` writes a short form out in full",
                        "'%s' (line %u) and '%s' (line %u) both say %s", same[i].form,
                        form->key.line, same[i].key, key->key.line, same[i].both);
    }
}

static void free_keys(void *secrets) { kith_secrets_free(secrets); }

/* Whether the file says anything about keys; a ring that could not be read counts, or its error
 * would bring others. */
static bool take_keys(struct kith_reading *r, const struct kith_yaml *root)
{
    const struct kith_yaml *ring = kith_yaml_get(root, "keyring");
    if (given(r, "secret_key") && !ring) {
        r->config->keyring = r->forms.key;
        r->forms.key = (struct kith_secrets){0};
        kith_arena_defer(r->arena, free_keys, &r->config->keyring);
        const struct kith_origin *form = given(r, "secret_key");
        kith_origin_set(
            r->config->origins, "keyring", KITH_FROM_NOTE, form->pos, form->key,
            kith_arena_printf(r->arena, "short form secret_key, line %u", form->key.line));
        return true;
    }
    return given(r, "secret_key") || (ring && !(ring->kind == KITH_YAML_LIST && ring->count == 0));
}

/* ------------------------------------------------------------------------- what was left out */

static void add_default(struct kith_reading *r, struct kith_entries *list, const char *path,
                        const char *name, const char *form, const char *note)
{
    const struct kith_origin *o = form ? given(r, form) : NULL;
    const char *at = kith_arena_printf(r->arena, "%s[%zu]", path, list->count);
    if (o) note = kith_arena_printf(r->arena, "short form %s, line %u", form, o->key.line);
    if (kith_entry_default(r, KITH_CODEC, name, at, o ? o->key : (struct kith_pos){0}, note,
                           &list->items[list->count]))
        list->count++;
}

static void default_send(struct kith_reading *r, bool keyed)
{
    struct kith_entries *send = &r->config->chain.send;
    send->items = kith_arena_alloc(r->arena, 3 * sizeof *send->items);
    if (r->forms.compression)
        add_default(r, send, "pipeline.send", "lzw", "enable_compression", "default");
    add_default(r, send, "pipeline.send", "crc32", NULL, "default");
    if (keyed && r->forms.verify_outgoing)
        add_default(r, send, "pipeline.send", "aes_gcm", "secret_key",
                    "because there is a keyring");
}

/* memberlist opens lzw and crc32 whatever its own settings are. */
static void default_accept(struct kith_reading *r, bool keyed)
{
    struct kith_entries *accept = &r->config->chain.accept, *send = &r->config->chain.send;
    accept->items = kith_arena_alloc(r->arena, (send->count + 3) * sizeof *accept->items);
    for (size_t i = 0; i < send->count; i++) {
        if (by_name(accept, send->items[i].plugin->name)) continue; /* sent twice: reported there */
        kith_origin_set(r->config->origins,
                        kith_arena_printf(r->arena, "pipeline.accept[%zu]", accept->count),
                        KITH_FROM_NOTE, send->items[i].pos, send->items[i].pos, "as in send");
        accept->items[accept->count++] = send->items[i];
    }
    if (!by_name(accept, "lzw")) add_default(r, accept, "pipeline.accept", "lzw", NULL, "default");
    if (!by_name(accept, "crc32"))
        add_default(r, accept, "pipeline.accept", "crc32", NULL, "default");
    if (keyed && !r->forms.verify_outgoing && !by_name(accept, "aes_gcm"))
        add_default(r, accept, "pipeline.accept", "aes_gcm", "gossip_verify_outgoing", "default");
}

static uint32_t provided(const struct kith_entries *list)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < list->count; i++) bits |= ops_of(&list->items[i])->provides;
    return bits;
}

static void default_require(struct kith_reading *r, bool keyed)
{
    struct kith_config *c = r->config;
    const struct kith_origin *off =
        r->forms.verify_incoming ? NULL : given(r, "gossip_verify_incoming");
    uint32_t sent = provided(&c->chain.send);
    /* memberlist verifies what comes in whenever it has a key, whether it encrypts itself or not.
     */
    bool forms = keyed && !given(r, "pipeline.send") && !given(r, "pipeline.accept");
    const char *note = "follows from send";
    c->chain.require = forms                  ? KITH_ENCRYPTS | KITH_AUTHENTICATES
                       : sent & KITH_ENCRYPTS ? KITH_ENCRYPTS | (sent & KITH_AUTHENTICATES)
                                              : 0;
    if (off) {
        c->chain.require = 0;
        note = kith_arena_printf(r->arena, "short form gossip_verify_incoming, line %u",
                                 off->key.line);
    }
    kith_origin_set(c->origins, "pipeline.require", KITH_FROM_NOTE,
                    off ? off->pos : (struct kith_pos){0}, off ? off->key : (struct kith_pos){0},
                    note);
}

/* ----------------------------------------------------------------- what must hold: one entry */

static void check_wire(struct kith_reading *r, const struct kith_entry *e)
{
    const struct kith_codec_ops *ops = ops_of(e);
    bool open = (ops->packet.framing == KITH_FRAMED && !ops->packet.first) ||
                (ops->stream.framing == KITH_FRAMED && !ops->stream.first);
    if (open && !e->wire)
        kith_diag_error(r->diag, e->pos,
                        "add `wire:` with a number from 0xC0 to 0xEF, the same on every node",
                        "codec '%s' has no layer byte of its own", e->plugin->name);
    if (!open && e->wire)
        kith_diag_error(r->diag, e->pos, "leave `wire` out",
                        "codec '%s' has a layer byte of its own", e->plugin->name);
}

static void check_keys(struct kith_reading *r, const struct kith_entry *e, bool keyed)
{
    bool uses = ops_of(e)->flags & KITH_CODEC_KEYED;
    if (uses && !keyed && !e->has_keys && !kith_diag_errors(r->diag))
        kith_diag_error(r->diag, e->pos,
                        "add `keyring: [ { file: /etc/kith/key } ]`; make a key: head -c 32 "
                        "/dev/urandom | base64",
                        "codec '%s' needs a key, and there is none", e->plugin->name);
    if (!uses && e->has_keys)
        kith_diag_error(r->diag, e->pos, "leave `keys` out", "codec '%s' uses no keys",
                        e->plugin->name);
}

/* --------------------------------------------------------------------- what must hold: order */

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

static void check_order(struct kith_reading *r)
{
    static const char *const does[] = {"", "compresses", "checks", "encrypts"};
    const struct kith_entries *send = &r->config->chain.send;
    if (send->count > LAYERS)
        kith_diag_error(r->diag, send->items[LAYERS].pos, NULL,
                        "more than %d layers in 'pipeline.send'", LAYERS);
    for (size_t i = 0; i < send->count; i++) {
        const struct kith_entry *e = &send->items[i];
        for (size_t k = 0; k < i; k++) {
            const struct kith_entry *before = &send->items[k];
            char help[200];
            if (e->plugin == before->plugin) {
                kith_diag_error(r->diag, e->pos, "leave one of them out",
                                "codec '%s' is in 'pipeline.send' twice", e->plugin->name);
                break;
            }
            if (!rank(e) || rank(before) <= rank(e)) {
                if (rank(e) == 1 && rank(before) == 1)
                    kith_diag_warning(r->diag, e->pos, "keep one",
                                      "'%s' compresses what '%s' has compressed already",
                                      e->plugin->name, before->plugin->name);
                continue;
            }
            snprintf(help, sizeof help, "%s: put '%s' before '%s'",
                     "compress, then check, then encrypt", e->plugin->name, before->plugin->name);
            kith_diag_error(r->diag, e->pos, help, "'%s' %s after '%s' %s: %s", e->plugin->name,
                            does[rank(e)], before->plugin->name, does[rank(before)],
                            reason(rank(e), rank(before)));
            break;
        }
    }
}

/* --------------------------------------------------------------------- what must hold: bytes */

struct range {
    unsigned first, last;
};

static bool form_range(const struct kith_entry *e, const struct kith_form *f, struct range *out)
{
    if (f->framing == KITH_NONE) return false;
    unsigned byte = f->first ? f->first : e->wire;
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
                kith_diag_error(r->diag, b->pos, "give one of them another byte with `wire:`",
                                "'%s' and '%s' (line %u) have the same layer byte: a receiver "
                                "could not tell them apart",
                                b->plugin->name, a->plugin->name, a->pos.line);
        }
    for (size_t i = 0; i < send->count; i++)
        if (!by_name(accept, send->items[i].plugin->name))
            kith_diag_warning(
                r->diag, kith_pos_of(r->config, "pipeline.accept"),
                "add it to 'accept', unless this is one step of a change",
                "'%s' is sent but not accepted: a node with this same file would not be understood",
                send->items[i].plugin->name);
}

/* -------------------------------------------------------------------- what must hold: policy */

static uint32_t opened_on(const struct kith_entries *list, bool stream)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct kith_codec_ops *ops = ops_of(&list->items[i]);
        if ((stream ? ops->stream : ops->packet).framing != KITH_NONE) bits |= ops->provides;
    }
    return bits;
}

static void check_require(struct kith_reading *r)
{
    const char *const *words = kith_require_words();
    const struct kith_config *c = r->config;
    struct kith_pos pos = kith_pos_of(c, "pipeline.require");
    for (unsigned bit = 0; bit < 4; bit++) {
        if (!(c->chain.require & 1u << bit)) continue;
        bool packet = opened_on(&c->chain.accept, false) & 1u << bit,
             stream = opened_on(&c->chain.accept, true) & 1u << bit;
        if (!packet || !stream)
            kith_diag_error(
                r->diag, pos, "add such a codec to 'accept', or take the word out of 'require'",
                "'require' has %s, but no codec in 'accept' does so on %s: %s would be refused",
                words[bit],
                packet   ? "streams"
                : stream ? "packets"
                         : "packets and streams",
                packet || stream ? "those" : "everybody");
        else if (!(provided(&c->chain.send) & 1u << bit))
            kith_diag_warning(r->diag, pos,
                              "right for one step of a change; else add such a codec to 'send'",
                              "'require' has %s, but nothing in 'send' does so: a node with this "
                              "same file would refuse us",
                              words[bit]);
    }
    uint32_t sent = provided(&c->chain.send);
    if ((sent & KITH_AUTHENTICATES) && !(sent & KITH_ENCRYPTS) &&
        !(c->chain.require & KITH_AUTHENTICATES) && !given(r, "pipeline.require"))
        kith_diag_warning(r->diag, kith_pos_of(c, "pipeline.send"),
                          "add `require: [ authenticate ]`, or `require: []` to say so",
                          "'send' authenticates, but nothing requires it of others");
    if ((c->chain.require & KITH_COMPRESSES) && given(r, "pipeline.require"))
        kith_diag_warning(
            r->diag, pos, "take compress out",
            "'require' has compress: messages that are too small to gain would be refused");
}

static void check_unused_keys(struct kith_reading *r, bool keyed)
{
    const struct kith_config *c = r->config;
    bool used = false;
    for (size_t i = 0; i < c->chain.send.count; i++)
        used |= (ops_of(&c->chain.send.items[i])->flags & KITH_CODEC_KEYED) != 0;
    for (size_t i = 0; i < c->chain.accept.count; i++)
        used |= (ops_of(&c->chain.accept.items[i])->flags & KITH_CODEC_KEYED) != 0;
    if (keyed && !used)
        kith_diag_warning(r->diag, kith_pos_of(c, "keyring"),
                          "add { use: aes_gcm } to the end of 'pipeline.send'",
                          "no codec uses the keyring: nothing is encrypted");
}

void kith_chain_read(struct kith_reading *r, const struct kith_yaml *root)
{
    struct kith_config *c = r->config;
    bool keyed = take_keys(r, root);
    refuse_both(r);
    if (!given(r, "pipeline.send")) default_send(r, keyed);
    if (!given(r, "pipeline.accept")) default_accept(r, keyed);
    if (!given(r, "pipeline.require")) default_require(r, keyed);
    c->gossip_verify_outgoing =
        (provided(&c->chain.send) & KITH_ENCRYPTS) || !(provided(&c->chain.accept) & KITH_ENCRYPTS);

    for (size_t i = 0; i < c->chain.send.count; i++) {
        check_wire(r, &c->chain.send.items[i]);
        check_keys(r, &c->chain.send.items[i], keyed);
    }
    for (size_t i = 0; i < c->chain.accept.count; i++) {
        const struct kith_entry *e = &c->chain.accept.items[i],
                                *sent = by_name(&c->chain.send, e->plugin->name);
        if (sent && sent->params == e->params) continue; /* the same entry */
        check_wire(r, e);
        check_keys(r, e, keyed);
    }
    check_order(r);
    check_accept(r);
    check_require(r);
    check_unused_keys(r, keyed);
    c->chain.protocol = c->settings.protocol_version;
    c->chain.label = c->settings.label;
    c->chain.skip_inbound_label_check = c->settings.skip_inbound_label_check;
    c->chain.max_stream_size = c->settings.max_stream_size;
    c->chain.max_stream_memory = c->settings.max_stream_memory;
}
