/*
 * network_rules.c - sets of endpoints by patterns, and the rules that say what holds between them.
 *
 * A rule remembers of each endpoint on which side it stands, so a packet costs two look-ups a rule,
 * however many endpoints there are. Patterns are looked at when a rule or an endpoint comes.
 */
#include "network_parts.h"
#include <stdlib.h>

enum { FROM = 1, TO = 2 }; /* sides of rules that are no partition */

#define HOUR UINT64_C(3600000000000)

/* ---------------------------------------------------------------------------------- patterns */

/* `*` any bytes, `?` one. Goes back to the last star only, which is enough. */
static bool glob(struct kith_bytes pattern, struct kith_bytes name)
{
    size_t p = 0, n = 0, star = SIZE_MAX, from = 0;
    while (n < name.len) {
        if (p < pattern.len && pattern.data[p] == '*') {
            star = p++;
            from = n;
        } else if (p < pattern.len && (pattern.data[p] == '?' || pattern.data[p] == name.data[n])) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.data[p] == '*') p++;
    return p == pattern.len;
}

/* Takes the next pattern off the list; false: there is none. */
static bool next_pattern(struct kith_bytes *list, struct kith_bytes *pattern, bool *leaves_out)
{
    if (!list->data) return false;
    const uint8_t *comma = list->len ? memchr(list->data, ',', list->len) : NULL;
    size_t len = comma ? (size_t)(comma - list->data) : list->len;
    *pattern = kith_bytes_of(list->data, len);
    *list = comma ? kith_bytes_of(comma + 1, list->len - len - 1) : (struct kith_bytes){NULL, 0};
    *leaves_out = pattern->len && pattern->data[0] == '!';
    if (*leaves_out) *pattern = kith_bytes_of(pattern->data + 1, pattern->len - 1);
    if (kith_bytes_equal(*pattern, kith_text("all"))) *pattern = kith_text("*");
    return true;
}

static bool matches(struct kith_bytes set, struct kith_bytes name)
{
    struct kith_bytes pattern;
    bool leaves_out, in = set.len && set.data[0] == '!';
    while (next_pattern(&set, &pattern, &leaves_out))
        if (glob(pattern, name)) in = !leaves_out;
    return in;
}

static int check_set(struct kith_bytes set, struct kith_error *err)
{
    struct kith_bytes list = set, pattern;
    bool leaves_out;
    if (!set.len) return kith_fail(err, KITH_EINVAL, "a set of nodes is empty");
    if (memchr(set.data, 0, set.len))
        return kith_fail(err, KITH_EINVAL, "a set of nodes has a NUL in it");
    while (next_pattern(&list, &pattern, &leaves_out))
        if (!pattern.len)
            return kith_fail(err, KITH_EINVAL, "%.*s: a name or pattern is missing",
                             (int)(set.len < 200 ? set.len : 200), (const char *)set.data);
    return 0;
}

/* ------------------------------------------------------------------------------------- links */

static bool is_part(double p) { return p >= 0 && p <= 1; }

static int check_link(uint32_t fields, const struct kith_network_link *l, struct kith_error *err)
{
    if ((fields & KITH_NETWORK_LOSS && !is_part(l->loss)) ||
        (fields & KITH_NETWORK_DUPLICATE && !is_part(l->duplicate)) ||
        (fields & KITH_NETWORK_REORDER && !is_part(l->reorder)))
        return kith_fail(err, KITH_EINVAL, "loss, duplicate and reorder are between 0 and 1");
    if ((fields & KITH_NETWORK_DELAY && l->delay > HOUR) ||
        (fields & KITH_NETWORK_JITTER && l->jitter > HOUR) ||
        (fields & KITH_NETWORK_REORDER_LATE && l->reorder_late > HOUR))
        return kith_fail(err, KITH_EINVAL, "delay, jitter and reorder_late are at most 1h");
    return 0;
}

static void apply(struct kith_network_link *to, uint32_t fields,
                  const struct kith_network_link *from)
{
    if (fields & KITH_NETWORK_DELAY) to->delay = from->delay;
    if (fields & KITH_NETWORK_JITTER) to->jitter = from->jitter;
    if (fields & KITH_NETWORK_LOSS) to->loss = from->loss;
    if (fields & KITH_NETWORK_DUPLICATE) to->duplicate = from->duplicate;
    if (fields & KITH_NETWORK_REORDER) to->reorder = from->reorder;
    if (fields & KITH_NETWORK_REORDER_LATE) to->reorder_late = from->reorder_late;
    if (fields & KITH_NETWORK_BANDWIDTH) to->bandwidth = from->bandwidth;
    if (fields & KITH_NETWORK_BACKLOG) to->backlog = from->backlog;
    if (fields & KITH_NETWORK_CUT) to->cut = from->cut;
}

int kith_network_set_default(struct kith_network *net, uint32_t fields,
                             const struct kith_network_link *link, struct kith_error *err)
{
    int rc = check_link(fields, link, err);
    if (rc) return rc;
    apply(&net->standard, fields, link);
    for (uint32_t i = 0; i < net->end; i++)
        apply(&net->endpoints[i].link, fields & ~net->endpoints[i].own, link);
    return 0;
}

int kith_network_set_own(struct kith_network *net, int endpoint, uint32_t fields,
                         const struct kith_network_link *link, struct kith_error *err)
{
    struct kith_network_endpoint *e = &net->endpoints[endpoint];
    int rc = check_link(fields, link, err);
    if (rc) return rc;
    apply(&e->link, fields, link);
    e->own |= fields;
    return 0;
}

static bool holds(const struct kith_network_rule *r, int from, int to)
{
    uint8_t a = r->sides[from], b = r->sides[to];
    if (r->shape == KITH_NETWORK_APART) return a != b && ((a && b) || r->set_count == 1);
    return (a & FROM && b & TO) || (r->shape == KITH_NETWORK_BOTH_WAYS && a & TO && b & FROM);
}

struct kith_network_line *kith_network_between(const struct kith_network *net, int from, int to,
                                               struct kith_network_link *out)
{
    struct kith_network_line *line = &net->endpoints[from].line;
    *out = net->endpoints[from].link;
    for (size_t i = 0; i < net->rule_count && from != to; i++) {
        const struct kith_network_rule *r = net->rules[i];
        if (!holds(r, from, to)) continue;
        apply(out, r->fields, &r->link);
        if (r->lines) line = &r->lines[from];
    }
    return line;
}

void kith_network_link(const struct kith_network *net, int from, int to,
                       struct kith_network_link *out)
{
    (void)kith_network_between(net, from, to, out);
}

/* ------------------------------------------------------------------------------------- rules */

static void rule_free(struct kith_network_rule *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->set_count; i++) free(r->sets[i]);
    free(r->sets);
    free(r->sides);
    free(r->lines);
    free(r);
}

static uint8_t side_of(const struct kith_network_rule *r, struct kith_bytes name)
{
    uint8_t side = 0;
    for (size_t i = 0; i < r->set_count; i++) {
        if (!matches(kith_text(r->sets[i]), name)) continue;
        if (r->shape == KITH_NETWORK_APART) return (uint8_t)(i + 1);
        side |= i ? TO : FROM;
    }
    return side;
}

static void place(const struct kith_network *net, struct kith_network_rule *r, uint32_t i)
{
    const struct kith_network_endpoint *e = &net->endpoints[i];
    r->sides[i] = e->name ? side_of(r, kith_bytes_of(e->name, e->len)) : 0;
    if (r->lines) r->lines[i] = (struct kith_network_line){0};
}

bool kith_network_rules_grow(struct kith_network *net, uint32_t room)
{
    for (size_t i = 0; i < net->rule_count; i++) {
        struct kith_network_rule *r = net->rules[i];
        uint8_t *sides = realloc(r->sides, room);
        if (!sides) return false;
        r->sides = sides;
        struct kith_network_line *lines = r->lines ? realloc(r->lines, room * sizeof *lines) : NULL;
        if (r->lines && !lines) return false;
        r->lines = lines;
    }
    return true;
}

void kith_network_rules_place(struct kith_network *net, uint32_t endpoint)
{
    for (size_t i = 0; i < net->rule_count; i++) place(net, net->rules[i], endpoint);
}

void kith_network_rules_free(struct kith_network *net)
{
    for (size_t i = 0; i < net->rule_count; i++) rule_free(net->rules[i]);
    free(net->rules);
}

static char *copy_of(struct kith_bytes text)
{
    char *copy = malloc(text.len + 1);
    if (!copy) return NULL;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

static struct kith_network_rule *rule_new(const struct kith_network *net,
                                          enum kith_network_shape shape,
                                          const struct kith_bytes *sets, size_t set_count,
                                          uint32_t fields, const struct kith_network_link *link)
{
    struct kith_network_rule *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    size_t room = net->room ? net->room : 1;
    r->shape = shape;
    r->fields = fields;
    r->link = *link;
    r->sets = calloc(set_count, sizeof *r->sets);
    r->sides = malloc(room);
    if (fields & KITH_NETWORK_BANDWIDTH) r->lines = malloc(room * sizeof *r->lines);
    bool whole = r->sets && r->sides && (r->lines || !(fields & KITH_NETWORK_BANDWIDTH));
    for (size_t i = 0; whole && i < set_count; i++) {
        r->sets[i] = copy_of(sets[i]);
        whole = r->sets[i] != NULL;
        r->set_count = i + 1;
    }
    if (!whole) {
        rule_free(r);
        return NULL;
    }
    for (uint32_t i = 0; i < net->end; i++) place(net, r, i);
    return r;
}

static void drop(struct kith_network *net, size_t i)
{
    rule_free(net->rules[i]);
    net->rule_count--;
    memmove(&net->rules[i], &net->rules[i + 1], (net->rule_count - i) * sizeof *net->rules);
}

/* Does `r` decide all that `old` had a say in? */
static bool overrules(const struct kith_network_rule *r, const struct kith_network_rule *old)
{
    if (old->shape != r->shape || old->set_count != r->set_count || old->fields & ~r->fields)
        return false;
    for (size_t i = 0; i < r->set_count; i++)
        if (strcmp(r->sets[i], old->sets[i])) return false;
    return true;
}

static void drop_overruled(struct kith_network *net, const struct kith_network_rule *r)
{
    for (size_t i = net->rule_count; i-- > 0;)
        if (overrules(r, net->rules[i])) drop(net, i);
}

static bool reserve(struct kith_network *net)
{
    if (net->rule_count < net->rule_room) return true;
    size_t room = net->rule_room ? 2 * net->rule_room : 8;
    struct kith_network_rule **rules = realloc(net->rules, room * sizeof *rules);
    if (!rules) return false;
    net->rules = rules;
    net->rule_room = room;
    return true;
}

static int rule_add(struct kith_network *net, enum kith_network_shape shape,
                    const struct kith_bytes *sets, size_t set_count, uint32_t fields,
                    const struct kith_network_link *link, bool keep, uint32_t *id,
                    struct kith_error *err)
{
    int rc = check_link(fields, link, err);
    if (!fields) return kith_fail(err, KITH_EINVAL, "a rule that changes nothing");
    if (shape == KITH_NETWORK_APART ? !set_count || set_count > KITH_NETWORK_SETS : set_count != 2)
        return kith_fail(err, KITH_EINVAL, "%zu sets of nodes do not make a rule", set_count);
    for (size_t i = 0; !rc && i < set_count; i++) rc = check_set(sets[i], err);
    if (rc) return rc;
    struct kith_network_rule *r = rule_new(net, shape, sets, set_count, fields, link);
    if (!r || !reserve(net)) {
        rule_free(r);
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    }
    if (!keep) drop_overruled(net, r);
    if (net->rule_count >= KITH_NETWORK_RULES) {
        rule_free(r);
        return kith_fail(err, KITH_ENOMEM, "there are %d rules already", KITH_NETWORK_RULES);
    }
    r->id = ++net->last_id;
    net->rules[net->rule_count++] = r;
    if (id) *id = r->id;
    return 0;
}

int kith_network_rule_add(struct kith_network *net, enum kith_network_shape shape,
                          const struct kith_bytes *sets, size_t set_count, uint32_t fields,
                          const struct kith_network_link *link, uint32_t *id,
                          struct kith_error *err)
{
    return rule_add(net, shape, sets, set_count, fields, link, false, id, err);
}

int kith_network_rule_cover(struct kith_network *net, enum kith_network_shape shape,
                            const struct kith_bytes *sets, size_t set_count, uint32_t fields,
                            const struct kith_network_link *link, uint32_t *id,
                            struct kith_error *err)
{
    return rule_add(net, shape, sets, set_count, fields, link, true, id, err);
}

bool kith_network_rule_remove(struct kith_network *net, uint32_t id)
{
    for (size_t i = 0; i < net->rule_count; i++) {
        if (net->rules[i]->id != id) continue;
        drop(net, i);
        return true;
    }
    return false;
}

size_t kith_network_heal(struct kith_network *net)
{
    size_t healed = 0;
    for (size_t i = net->rule_count; i-- > 0;) {
        struct kith_network_rule *r = net->rules[i];
        if (!(r->fields & KITH_NETWORK_CUT)) continue;
        r->fields &= ~(uint32_t)KITH_NETWORK_CUT; /* what else it says still holds */
        if (!r->fields) drop(net, i);
        healed++;
    }
    return healed;
}

const struct kith_network_rule *kith_network_rule(const struct kith_network *net, size_t i)
{
    return i < net->rule_count ? net->rules[i] : NULL;
}

size_t kith_network_rule_members(const struct kith_network *net, const struct kith_network_rule *r,
                                 size_t i)
{
    size_t n = 0;
    for (uint32_t k = 0; k < net->end; k++)
        n += r->shape == KITH_NETWORK_APART ? r->sides[k] == i + 1
                                            : (r->sides[k] & (i ? TO : FROM)) != 0;
    return n;
}
