/*
 * loopback_links.c - the commands about what holds between nodes: links, set, cut, partition, heal.
 * They are about the network, whichever of its nodes is asked.
 */
#include "loopback.h"
#include <stdlib.h>

enum { ALL_FIELDS = 2 * KITH_NETWORK_CUT - 1 };

static bool is(struct kith_bytes word, const char *text)
{
    return kith_bytes_equal(word, kith_text(text));
}

/* How it is used; and what is wrong with an option of `kith` itself, which is not for us to read.
 */
static int bad_words(const struct kith_call *call, const char *usage, struct kith_error *err)
{
    for (size_t i = 1; i < call->count; i++) {
        const char *word = (const char *)call->words[i].data;
        if (call->words[i].len < 2 || memcmp(word, "--", 2)) continue;
        if (is(call->words[i], "--both") || is(call->words[i], "--keep")) continue;
        return kith_fail(err, KITH_EINVAL,
                         "usage: %s; `%s` is unknown here (options of kith come before the words)",
                         usage, word);
    }
    return kith_fail(err, KITH_EINVAL, "usage: %s", usage);
}

/* -------------------------------------------------------------------------------------- print */

static void print_name(struct kith_lo_text *t, struct kith_bytes name, bool json)
{
    if (json)
        kith_lo_print_json(t, name);
    else
        kith_lo_print_plain(t, name);
}

static void print_sets(struct kith_lo_text *t, const struct kith_network *net,
                       const struct kith_network_rule *r)
{
    const char *between = r->shape == KITH_NETWORK_ONE_WAY     ? " -> "
                          : r->shape == KITH_NETWORK_BOTH_WAYS ? " <-> "
                                                               : " | ";
    for (size_t i = 0; i < r->set_count; i++) {
        kith_lo_print(t, "%s", i ? between : "");
        kith_lo_print_plain(t, kith_text(r->sets[i]));
        kith_lo_print(t, " (%zu)", kith_network_rule_members(net, r, i));
    }
    if (r->set_count == 1) kith_lo_print(t, " | all others");
}

static void print_sets_json(struct kith_lo_text *t, const struct kith_network *net,
                            const struct kith_network_rule *r)
{
    static const char *const shapes[] = {"one_way", "both_ways", "apart"};
    kith_lo_print(t, ",\"shape\":\"%s\",\"sets\":[", shapes[r->shape]);
    for (size_t i = 0; i < r->set_count; i++) {
        kith_lo_print(t, "%s{\"set\":", i ? "," : "");
        kith_lo_print_json(t, kith_text(r->sets[i]));
        kith_lo_print(t, ",\"nodes\":%zu}", kith_network_rule_members(net, r, i));
    }
    kith_lo_print(t, "]");
}

static void print_rule(struct kith_lo_text *t, const struct kith_network *net,
                       const struct kith_network_rule *r, bool json)
{
    if (json) {
        kith_lo_print(t, "{\"rule\":%u", r->id);
        print_sets_json(t, net, r);
    } else {
        kith_lo_print(t, "rule %u: ", r->id);
        print_sets(t, net, r);
        kith_lo_print(t, ": ");
    }
    kith_lo_print_link(t, &r->link, r->fields, json);
    kith_lo_print(t, json ? "}\n" : "\n");
}

/* ------------------------------------------------------------------------------------- links */

static bool same_link(const struct kith_network_link *a, const struct kith_network_link *b)
{
    return a->delay == b->delay && a->jitter == b->jitter && a->loss == b->loss &&
           a->duplicate == b->duplicate && a->reorder == b->reorder &&
           a->reorder_late == b->reorder_late && a->bandwidth == b->bandwidth &&
           a->backlog == b->backlog && a->cut == b->cut;
}

/* Do all that listen have the same one? Then it is said once. */
static bool all_alike(const struct kith_lo *l, const struct kith_network_link *own)
{
    struct kith_network_link other;
    for (int i = 0; i < l->net->port_room; i++) {
        if (!l->net->ports[i] || !l->net->ports[i]->node) continue;
        kith_network_link(l->net->network, i, i, &other);
        if (!same_link(own, &other)) return false;
    }
    return true;
}

static void print_own(struct kith_lo_text *t, const struct kith_lo_port *p,
                      const struct kith_network_link *link, bool json)
{
    struct kith_bytes name = kith_bytes_of(p->addr.bytes, p->addr.len);
    kith_lo_print(t, json ? "{\"node\":" : "of ");
    print_name(t, name, json);
    if (!json) kith_lo_print(t, ": ");
    kith_lo_print_link(t, link, ALL_FIELDS & ~KITH_NETWORK_CUT, json);
    kith_lo_print(t, json ? "}\n" : "\n");
}

static void print_own_links(struct kith_lo *l, struct kith_lo_text *t, bool json)
{
    struct kith_network_link link;
    kith_network_link(l->net->network, l->port->index, l->port->index, &link);
    if (!json && all_alike(l, &link)) {
        kith_lo_print(t, "of all: ");
        kith_lo_print_link(t, &link, ALL_FIELDS & ~KITH_NETWORK_CUT, false);
        kith_lo_print(t, "\n");
        return;
    }
    for (int i = 0; i < l->net->port_room; i++) {
        if (!l->net->ports[i] || !l->net->ports[i]->node) continue;
        kith_network_link(l->net->network, i, i, &link);
        print_own(t, l->net->ports[i], &link, json);
    }
}

static int endpoint_of(struct kith_lo *l, struct kith_bytes name, struct kith_error *err)
{
    int i = kith_network_find(l->net->network, name);
    if (i >= 0) return i;
    return kith_fail(err, KITH_ENOTFOUND, "network \"%s\" has no node `%s`", l->net->name,
                     (const char *)name.data);
}

static int print_between(struct kith_lo *l, const struct kith_bytes names[2],
                         struct kith_lo_text *t, bool json, struct kith_error *err)
{
    struct kith_network_link link;
    int from = endpoint_of(l, names[0], err), to = from < 0 ? from : endpoint_of(l, names[1], err);
    if (from < 0 || to < 0) return from < 0 ? from : to;
    kith_network_link(l->net->network, from, to, &link);
    kith_lo_print(t, json ? "{\"from\":" : "");
    print_name(t, names[0], json);
    kith_lo_print(t, json ? ",\"to\":" : " -> ");
    print_name(t, names[1], json);
    if (!json) kith_lo_print(t, ": ");
    kith_lo_print_link(t, &link, ALL_FIELDS, json);
    kith_lo_print(t, json ? "}\n" : "\n");
    return 0;
}

int kith_lo_links(struct kith_lo *l, const struct kith_call *call, struct kith_lo_text *t,
                  struct kith_error *err)
{
    bool json = call->flags & KITH_CALL_JSON;
    if (call->count == 3) return print_between(l, call->words + 1, t, json, err);
    if (call->count != 1) return bad_words(call, "links [FROM TO]", err);
    if (json) {
        kith_lo_print(t, "{\"network\":");
        kith_lo_print_json(t, kith_text(l->net->name));
        kith_lo_print(t, ",\"nodes\":%zu}\n", l->net->nodes);
    } else {
        kith_lo_print(t, "network \"");
        kith_lo_print_plain(t, kith_text(l->net->name));
        kith_lo_print(t, "\": %zu nodes\n", l->net->nodes);
    }
    print_own_links(l, t, json);
    const struct kith_network_rule *r;
    for (size_t i = 0; (r = kith_network_rule(l->net->network, i)); i++)
        print_rule(t, l->net->network, r, json);
    return 0;
}

/* ------------------------------------------------------------------------------------- rules */

/* The words behind a command, but for those that begin with "--". */
struct words {
    struct kith_bytes word[KITH_NETWORK_SETS];
    size_t count; /* also of those for which there was no room */
    bool both, keep;
};

/* They may come later; or it is a mistake. */
static void warn_of_nobody(struct kith_lo_text *t, const struct kith_network *net,
                           const struct kith_network_rule *r)
{
    for (size_t i = 0; i < r->set_count; i++) {
        if (kith_network_rule_members(net, r, i)) continue;
        kith_lo_print(t, "warning: there is no node `");
        kith_lo_print_plain(t, kith_text(r->sets[i]));
        kith_lo_print(t, "` yet\n");
    }
}

static int add_rule(struct kith_lo *l, enum kith_network_shape shape, const struct words *w,
                    size_t set_count, uint32_t fields, const struct kith_network_link *link,
                    bool json, struct kith_lo_text *t, struct kith_error *err)
{
    const struct kith_network_rule *r = NULL, *last;
    int rc = (w->keep ? kith_network_rule_cover : kith_network_rule_add)(
        l->net->network, shape, w->word, set_count, fields, link, NULL, err);
    for (size_t i = 0; !rc && (last = kith_network_rule(l->net->network, i)); i++) r = last;
    if (r) print_rule(t, l->net->network, r, json);
    if (r && !json) warn_of_nobody(t, l->net->network, r);
    return rc;
}

static void read_words(const struct kith_call *call, struct words *w)
{
    w->count = 0;
    w->both = w->keep = false;
    for (size_t i = 1; i < call->count; i++) {
        if (is(call->words[i], "--both"))
            w->both = true;
        else if (is(call->words[i], "--keep"))
            w->keep = true;
        else if (w->count++ < KITH_NETWORK_SETS)
            w->word[w->count - 1] = call->words[i];
    }
}

int kith_lo_set(struct kith_lo *l, const struct kith_call *call, struct kith_lo_text *t,
                struct kith_error *err)
{
    struct words w;
    struct kith_network_link link = {0};
    uint32_t fields = 0;
    read_words(call, &w);
    if (w.count < 3 || w.count > KITH_NETWORK_SETS)
        return bad_words(call, "set FROM TO [--both] [--keep] NAME=VALUE...", err);
    for (size_t i = 2; i < w.count; i++) {
        int rc = kith_lo_read_value(w.word[i], &link, &fields, err);
        if (rc) return rc;
    }
    return add_rule(l, w.both ? KITH_NETWORK_BOTH_WAYS : KITH_NETWORK_ONE_WAY, &w, 2, fields, &link,
                    call->flags & KITH_CALL_JSON, t, err);
}

int kith_lo_cut(struct kith_lo *l, const struct kith_call *call, struct kith_lo_text *t,
                struct kith_error *err)
{
    struct words w;
    struct kith_network_link link = {.cut = true};
    read_words(call, &w);
    if (w.count != 2) return bad_words(call, "cut FROM TO [--both] [--keep]", err);
    return add_rule(l, w.both ? KITH_NETWORK_BOTH_WAYS : KITH_NETWORK_ONE_WAY, &w, 2,
                    KITH_NETWORK_CUT, &link, call->flags & KITH_CALL_JSON, t, err);
}

int kith_lo_partition(struct kith_lo *l, const struct kith_call *call, struct kith_lo_text *t,
                      struct kith_error *err)
{
    struct words w;
    struct kith_network_link link = {.cut = true};
    read_words(call, &w);
    if (!w.count || w.both) return bad_words(call, "partition [--keep] SET [SET...]", err);
    return add_rule(l, KITH_NETWORK_APART, &w, w.count, KITH_NETWORK_CUT, &link,
                    call->flags & KITH_CALL_JSON, t, err);
}

static size_t remove_all(struct kith_network *net)
{
    size_t n = 0;
    for (const struct kith_network_rule *r; (r = kith_network_rule(net, 0)); n++)
        kith_network_rule_remove(net, r->id);
    return n;
}

static bool number_of(struct kith_bytes word, uint32_t *out)
{
    char *end;
    unsigned long n = strtoul((const char *)word.data, &end, 10);
    *out = (uint32_t)n;
    return word.len && word.data[0] >= '0' && word.data[0] <= '9' && !*end && n <= UINT32_MAX;
}

static bool has_rule(const struct kith_network *net, uint32_t id)
{
    const struct kith_network_rule *r;
    for (size_t i = 0; (r = kith_network_rule(net, i)); i++)
        if (r->id == id) return true;
    return false;
}

/* All of them are there, or none is taken back. */
static int remove_these(struct kith_network *net, const struct kith_call *call, size_t *removed,
                        struct kith_error *err)
{
    uint32_t id;
    for (size_t i = 1; i < call->count; i++) {
        const char *word = (const char *)call->words[i].data;
        if (!number_of(call->words[i], &id))
            return is(call->words[i], "all") || word[0] == '-'
                       ? bad_words(call, "heal [RULE...|all], `all` alone", err)
                       : kith_fail(err, KITH_EINVAL,
                                   "usage: heal [RULE...|all]; `%s` is no rule's number", word);
        if (!has_rule(net, id))
            return kith_fail(err, KITH_ENOTFOUND, "there is no rule %s; `links` shows all", word);
    }
    for (size_t i = 1; i < call->count; i++)
        if (number_of(call->words[i], &id)) *removed += kith_network_rule_remove(net, id);
    return 0;
}

int kith_lo_heal(struct kith_lo *l, const struct kith_call *call, struct kith_lo_text *t,
                 struct kith_error *err)
{
    struct kith_network *net = l->net->network;
    size_t n = 0;
    int rc = 0;
    if (call->count == 1)
        n = kith_network_heal(net);
    else if (call->count == 2 && is(call->words[1], "all"))
        n = remove_all(net);
    else
        rc = remove_these(net, call, &n, err);
    if (rc) return rc;
    if (call->flags & KITH_CALL_JSON)
        kith_lo_print(t, "{\"removed\":%zu}\n", n);
    else
        kith_lo_print(t, "%zu rule%s taken back\n", n, n == 1 ? "" : "s");
    return 0;
}
