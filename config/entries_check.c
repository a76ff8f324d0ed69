/*
 * entries_check.c - what must hold between the entries that name plugins: each has a name of its
 * own, those that use keys have some, and what one delegate alone may do is not claimed by two.
 *
 * The layers of the pipeline have their own rules in chain_check.c.
 */
#include "schema.h"

enum { ENTRIES = 256 };

/* ------------------------------------------------------------------------------------- names */

/* A layer is in `send` and in `accept` under one name: it is the same to whoever asks for it. */
static bool same_layer(const struct kith_entry *a, const struct kith_entry *b)
{
    return a->kind == KITH_CODEC && a->plugin == b->plugin;
}

static void check_name(struct kith_reading *r, const struct kith_entry *a,
                       const struct kith_entry *b)
{
    if (!a->plugin || !b->plugin || strcmp(a->name, b->name) != 0 || same_layer(a, b)) return;
    kith_diag_error(r->diag, b->pos, "add `as: NAME` to one of them",
                    "%s '%s' (line %u) and %s '%s' (line %u) are both called '%s'",
                    kith_kind_words[a->kind], a->plugin->name, a->pos.line,
                    kith_kind_words[b->kind], b->plugin->name, b->pos.line, b->name);
}

/* In `accept` because it is in `send`. */
static bool is_among(const struct kith_entry *const *all, size_t n, const struct kith_entry *e)
{
    for (size_t i = 0; i < n; i++)
        if (all[i]->params == e->params) return true;
    return false;
}

static void check_names(struct kith_reading *r)
{
    struct kith_config *c = r->config;
    const struct kith_entries transport = {&c->transport, 1};
    const struct kith_entries *const lists[] = {&transport, &c->chain.send, &c->chain.accept,
                                                &c->delegates};
    const struct kith_entry *all[ENTRIES];
    size_t n = 0;
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (size_t i = 0; i < lists[l]->count; i++) {
            const struct kith_entry *e = &lists[l]->items[i];
            if (is_among(all, n, e)) continue;
            if (n == ENTRIES) {
                kith_diag_error(r->diag, e->pos, NULL, "more than %d entries that name plugins",
                                ENTRIES);
                return;
            }
            for (size_t k = 0; k < n; k++) check_name(r, all[k], e);
            all[n++] = e;
        }
}

/* -------------------------------------------------------------------------------------- keys */

/* The node's ring is a delegate's only where its entry says so. */
static bool may_use_ring(const struct kith_entry *e)
{
    return e->kind != KITH_DELEGATE || e->allow & KITH_ALLOW_KEYS;
}

static void check_keys(struct kith_reading *r, const char *path, const struct kith_entry *e,
                       bool keyed)
{
    if (!e->plugin) return;
    bool uses = e->plugin->flags & KITH_KEYED;
    bool ring = keyed && may_use_ring(e);
    if (uses && !ring && !e->has_keys && !kith_diag_errors(r->diag))
        kith_diag_error(r->diag, e->pos,
                        keyed
                            ? "add `allow: [ keys ]` for the node's keyring, or `keys:` of its own"
                            : "add `keyring: [ { file: /etc/kith/key } ]`; make a key: head -c 32 "
                              "/dev/urandom | base64",
                        "%s '%s' needs a key, and there is none%s", kith_kind_words[e->kind],
                        e->name, keyed ? " that it may use" : "");
    if (!uses && e->has_keys)
        kith_diag_error(
            r->diag,
            kith_provenance_given(r->config, kith_arena_printf(r->arena, "%s.keys", path))->key,
            "leave `keys` out", "%s '%s' uses no keys", kith_kind_words[e->kind], e->name);
}

/* Whether the node's ring is of use to the entry. */
static bool uses_ring(const struct kith_entry *e)
{
    if (!e->plugin || !may_use_ring(e)) return false;
    return e->kind == KITH_DELEGATE || (e->plugin->flags & KITH_KEYED && !e->has_keys);
}

/* Checks the keys of all; whether one of them uses the node's ring. */
static bool check_list(struct kith_reading *r, const char *path, const struct kith_entries *list,
                       bool keyed)
{
    bool used = false;
    for (size_t i = 0; i < list->count; i++) {
        check_keys(r, kith_arena_printf(r->arena, "%s[%zu]", path, i), &list->items[i], keyed);
        used |= uses_ring(&list->items[i]);
    }
    return used;
}

static bool check_accepted(struct kith_reading *r, bool keyed)
{
    const struct kith_chain *chain = &r->config->chain;
    bool used = false;
    for (size_t i = 0; i < chain->accept.count; i++) {
        const struct kith_entry *e = &chain->accept.items[i],
                                *sent = kith_entries_find(&chain->send, e->plugin->name);
        if (!sent || sent->params != e->params) /* else the same entry */
            check_keys(r, kith_arena_printf(r->arena, "pipeline.accept[%zu]", i), e, keyed);
        used |= uses_ring(e);
    }
    return used;
}

static void check_all_keys(struct kith_reading *r, bool keyed)
{
    const struct kith_config *c = r->config;
    check_keys(r, "transport", &c->transport, keyed);
    bool used = uses_ring(&c->transport);
    used |= check_list(r, "pipeline.send", &c->chain.send, keyed);
    used |= check_accepted(r, keyed);
    used |= check_list(r, "delegates", &c->delegates, keyed);
    if (keyed && !used)
        kith_diag_warning(r->diag, kith_pos_of(c, "keyring"),
                          "add { use: aes_gcm } to the end of 'pipeline.send'",
                          "no entry uses the keyring: nothing is encrypted");
}

/* ----------------------------------------------------------------------- what only one may do */

struct claim {
    const char *what, *help;
    const struct kith_entry *first;
};

/* Only one of the delegates may have it: an error at the second names both. */
static void claim(struct kith_reading *r, struct claim *c, const struct kith_entry *e)
{
    if (!c->first) {
        c->first = e;
        return;
    }
    kith_diag_error(r->diag, e->pos, c->help, "delegates '%s' (line %u) and '%s' (line %u) both %s",
                    c->first->name, c->first->pos.line, e->name, e->pos.line, c->what);
}

static void check_meta(struct kith_reading *r, const struct kith_entry *e)
{
    const struct kith_config *c = r->config;
    if (c->meta.data)
        kith_diag_error(r->diag, e->pos, "keep one of them",
                        "'meta' (line %u) and delegate '%s' (line %u) both provide the node's meta",
                        kith_pos_of(c, "node.meta").line, e->name, e->pos.line);
}

/* Whether an earlier delegate has the channel of the i-th. */
static void check_channel(struct kith_reading *r, size_t i)
{
    const struct kith_entry *all = r->config->delegates.items, *e = &all[i];
    for (size_t k = 0; e->channel && k < i; k++)
        if (all[k].channel && strcmp(all[k].channel, e->channel) == 0)
            kith_diag_error(r->diag, e->pos, "give each a name of its own",
                            "delegates '%s' (line %u) and '%s' (line %u) both use channel '%s'",
                            all[k].name, all[k].pos.line, e->name, e->pos.line, e->channel);
}

static void check_delegates(struct kith_reading *r)
{
    struct claim raw = {"send raw messages or state",
                        "give one of them a `channel: NAME` of its own", NULL};
    struct claim meta = {"provide the node's meta", "keep one of them", NULL};
    struct claim seal = {"seal the node's meta", "keep one of them", NULL};
    struct claim ack = {"provide what goes with acks", "keep one of them", NULL};
    for (size_t i = 0; i < r->config->delegates.count; i++) {
        const struct kith_entry *e = &r->config->delegates.items[i];
        const struct kith_delegate_ops *ops = e->plugin->ops;
        bool sends = ops->get_broadcasts || ops->local_state || ops->flags & KITH_DELEGATE_SENDS;
        if (!e->channel && sends) claim(r, &raw, e);
        if (ops->node_meta) claim(r, &meta, e);
        if (ops->seal_meta) claim(r, &seal, e);
        if (ops->ack_payload) claim(r, &ack, e);
        if (ops->node_meta) check_meta(r, e);
        check_channel(r, i);
    }
}

void kith_entries_check(struct kith_reading *r, bool keyed)
{
    check_names(r);
    check_all_keys(r, keyed);
    check_delegates(r);
}
