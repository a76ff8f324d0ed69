/*
 * series.c - see series.h.
 */
#include "series.h"
#include <math.h>
#include <sodium.h>
#include <stdlib.h>

enum { BUCKETS_FIRST = 8 };

/* One block, with all that it points to behind it. */
struct series {
    struct series *next;    /* in the order of asking */
    struct series *sibling; /* in its bucket */
    uint64_t hash;
    uint32_t kind, label_count;
    const char *name, *help;
    struct kith_pair *labels;
    union kith_number number;
};

struct kith_series_set {
    struct series *first, **end;
    size_t count;
    struct series **buckets;
    size_t bucket_count; /* a power of two */
    uint8_t key[16];     /* of the hash: values of labels may come from the wire */
};

void kith_histogram_observe(struct kith_histogram *h, double value)
{
    if (!h || isnan(value)) return;
    h->sum += value;
    h->count++;
    for (size_t i = h->bound_count; i && value <= h->bounds[i - 1]; i--) h->up_to[i - 1]++;
}

/* ------------------------------------------------------------------------------------ finding */

static uint64_t hash_bytes(const struct kith_series_set *set, struct kith_bytes bytes)
{
    uint64_t hash;
    crypto_shorthash((uint8_t *)&hash, bytes.data, bytes.len, set->key);
    return hash;
}

/* The labels' hashes are added up, so that their order does not count. */
static uint64_t hash_of(const struct kith_series_set *set, const struct kith_series_asked *a)
{
    uint64_t sum = hash_bytes(set, kith_text(a->name));
    for (size_t i = 0; i < a->label_count; i++) {
        const uint64_t label[2] = {hash_bytes(set, a->labels[i].name),
                                   hash_bytes(set, a->labels[i].value)};
        sum += hash_bytes(set, kith_bytes_of(label, sizeof label));
    }
    return sum;
}

static const struct kith_pair *label(const struct kith_pair *labels, size_t count,
                                     struct kith_bytes name)
{
    for (size_t i = 0; i < count; i++)
        if (kith_bytes_equal(labels[i].name, name)) return &labels[i];
    return NULL;
}

static bool same(const struct series *s, const struct kith_series_asked *a)
{
    if (strcmp(s->name, a->name) != 0 || s->label_count != a->label_count) return false;
    for (size_t i = 0; i < a->label_count; i++) {
        const struct kith_pair *l = label(s->labels, s->label_count, a->labels[i].name);
        if (!l || !kith_bytes_equal(l->value, a->labels[i].value)) return false;
    }
    return true;
}

/* ----------------------------------------------------------------------------------- checking */

static bool is_identifier(struct kith_bytes b)
{
    if (!b.len || b.data[0] < 'a' || b.data[0] > 'z') return false;
    for (size_t i = 1; i < b.len; i++) {
        uint8_t c = b.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') return false;
    }
    return true;
}

static int check_labels(const struct kith_series_asked *a, struct kith_error *err)
{
    if (a->label_count > KITH_LABELS_MAX)
        return kith_fail(err, KITH_EINVAL, "%s: more than %d labels", a->name, KITH_LABELS_MAX);
    for (size_t i = 0; i < a->label_count; i++) {
        struct kith_bytes name = a->labels[i].name;
        if (!is_identifier(name))
            return kith_fail(err, KITH_EINVAL, "%s: label '%.*s' is not snake case", a->name,
                             (int)(name.len < 64 ? name.len : 64), (const char *)name.data);
        if (kith_bytes_equal(name, kith_text("entry")))
            return kith_fail(err, KITH_EINVAL, "%s: label 'entry' is the host's", a->name);
        if (label(a->labels, i, name))
            return kith_fail(err, KITH_EINVAL, "%s: label '%.*s' twice", a->name, (int)name.len,
                             (const char *)name.data);
    }
    return 0;
}

static int check(const struct kith_series_asked *a, struct kith_error *err)
{
    if (!is_identifier(kith_text(a->name)))
        return kith_fail(err, KITH_EINVAL, "'%.64s' is not snake case", a->name);
    if (a->bound_count > KITH_BOUNDS_MAX)
        return kith_fail(err, KITH_EINVAL, "%s: more than %d bounds", a->name, KITH_BOUNDS_MAX);
    for (size_t i = 0; i < a->bound_count; i++)
        if (!isfinite(a->bounds[i]) || (i && !(a->bounds[i] > a->bounds[i - 1])))
            return kith_fail(err, KITH_EINVAL, "%s: the bounds don't rise", a->name);
    return check_labels(a, err);
}

/* ------------------------------------------------------------------------------------- making */

static struct kith_bytes keep(uint8_t **at, struct kith_bytes from)
{
    struct kith_bytes kept = kith_bytes_of(*at, from.len);
    if (from.len) memcpy(*at, from.data, from.len);
    *at += from.len;
    *(*at)++ = 0;
    return kept;
}

static struct series *series_new(const struct kith_series_asked *a, uint64_t hash)
{
    struct kith_bytes name = kith_text(a->name), help = kith_text(a->help ? a->help : "");
    size_t bounds = a->kind == KITH_HISTOGRAM ? a->bound_count : 0;
    size_t bytes = sizeof(struct series) + a->label_count * sizeof *a->labels +
                   bounds * (sizeof(double) + sizeof(uint64_t)) + name.len + help.len + 2;
    for (size_t i = 0; i < a->label_count; i++)
        bytes += a->labels[i].name.len + a->labels[i].value.len + 2;
    struct series *s = calloc(1, bytes);
    if (!s) return NULL;
    s->hash = hash;
    s->kind = a->kind;
    s->label_count = (uint32_t)a->label_count;
    s->labels = (struct kith_pair *)(s + 1);
    double *rise = (double *)(s->labels + a->label_count);
    uint64_t *up_to = (uint64_t *)(void *)(rise + bounds);
    uint8_t *at = (uint8_t *)(up_to + bounds);
    s->name = (const char *)keep(&at, name).data;
    s->help = (const char *)keep(&at, help).data;
    for (size_t i = 0; i < a->label_count; i++) {
        s->labels[i].name = keep(&at, a->labels[i].name);
        s->labels[i].value = keep(&at, a->labels[i].value);
    }
    if (!bounds) return s;
    memcpy(rise, a->bounds, bounds * sizeof *rise);
    s->number.histogram.bounds = rise;
    s->number.histogram.up_to = up_to;
    s->number.histogram.bound_count = bounds;
    return s;
}

static bool grow(struct kith_series_set *set)
{
    if (set->count < set->bucket_count) return true;
    size_t count = set->bucket_count ? 2 * set->bucket_count : BUCKETS_FIRST;
    struct series **buckets = calloc(count, sizeof *buckets);
    if (!buckets) return false;
    free(set->buckets);
    set->buckets = buckets;
    set->bucket_count = count;
    for (struct series *s = set->first; s; s = s->next) {
        s->sibling = buckets[s->hash & (count - 1)];
        buckets[s->hash & (count - 1)] = s;
    }
    return true;
}

static int add(struct kith_series_set *set, const struct kith_series_asked *a, uint64_t hash,
               struct series **out, struct kith_error *err)
{
    int rc = check(a, err);
    if (rc) return rc;
    if (set->count == KITH_SERIES_MAX)
        return kith_fail(err, KITH_ETOOBIG, "%s: there are %d series already", a->name,
                         KITH_SERIES_MAX);
    struct series *s = grow(set) ? series_new(a, hash) : NULL;
    if (!s) return kith_fail(err, KITH_ENOMEM, "%s: no memory", a->name);
    s->sibling = set->buckets[hash & (set->bucket_count - 1)];
    set->buckets[hash & (set->bucket_count - 1)] = s;
    *set->end = s;
    set->end = &s->next;
    set->count++;
    *out = s;
    return 0;
}

int kith_series_find(struct kith_series_set *set, const struct kith_series_asked *a,
                     union kith_number **out, struct kith_error *err)
{
    uint64_t hash = hash_of(set, a);
    struct series *s = set->bucket_count ? set->buckets[hash & (set->bucket_count - 1)] : NULL;
    while (s && (s->hash != hash || !same(s, a))) s = s->sibling;
    int rc = s ? 0 : add(set, a, hash, &s, err);
    if (rc) return rc;
    if (s->kind != a->kind)
        return kith_fail(err, KITH_EINVAL, "%s: is another kind of number already", a->name);
    *out = &s->number;
    return 0;
}

struct kith_series_set *kith_series_set_new(const uint8_t key[16])
{
    struct kith_series_set *set = calloc(1, sizeof *set);
    if (!set) return NULL;
    set->end = &set->first;
    memcpy(set->key, key, sizeof set->key);
    return set;
}

void kith_series_set_free(struct kith_series_set *set)
{
    if (!set) return;
    for (struct series *s = set->first, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    free(set->buckets);
    free(set);
}

/* ------------------------------------------------------------------------------------ showing */

static void fill_value(struct kith_stat *stat, const struct series *s)
{
    const struct kith_histogram *h = &s->number.histogram;
    switch (s->kind) {
    case KITH_COUNTER: stat->value = (double)s->number.counter; break;
    case KITH_GAUGE: stat->value = s->number.gauge; break;
    default:
        stat->value = h->sum;
        stat->count = h->count;
        stat->bounds = h->bounds;
        stat->counts = h->up_to;
        stat->bound_count = h->bound_count;
    }
}

void kith_series_visit(const struct kith_series_set *set, const struct kith_pair *common,
                       size_t count, void (*visit)(void *arg, const struct kith_stat *), void *arg)
{
    struct kith_pair *labels = malloc((count + KITH_LABELS_MAX) * sizeof *labels);
    if (!labels) return;
    for (const struct series *s = set->first; s; s = s->next) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++)
            if (!label(s->labels, s->label_count, common[i].name)) labels[n++] = common[i];
        for (size_t i = 0; i < s->label_count; i++) labels[n++] = s->labels[i];
        struct kith_stat stat = {.size = sizeof stat,
                                 .kind = s->kind,
                                 .name = s->name,
                                 .help = s->help,
                                 .labels = labels,
                                 .label_count = n};
        fill_value(&stat, s);
        visit(arg, &stat);
    }
    free(labels);
}
