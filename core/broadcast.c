/*
 * broadcast.c - the transmit-limited queue (PROTOCOL.md 2.17).
 *
 * One treap holds all entries in the order of sending: tier (priority, then transmits) up, length
 * down, id down. In that order "the longest that still fits in this tier, the newest of those" is a
 * lower bound, so a fetch costs O(log n) a message. A treap because its two operations are a dozen
 * lines each without recursion or parent links; priorities are a mix of the entry's own address,
 * which nobody outside can choose. Entries are recycled: a queue that fills and drains stops
 * allocating. What is kept for that is trimmed from time to time to twice what was in use.
 */
#include "broadcast.h"
#include "formulas.h"

#include <stdlib.h>

enum {
    SMALLEST = 96,         /* bytes of the smallest entry, the next ones are twice as large each */
    SPARE_MAX = 64 * 1024, /* bytes to keep for later */
    SPARE_FEW = 8,         /* entries of a size that are always kept */
    BUCKETS_FIRST = 64,
    BUCKETS_KEPT = 1024, /* a larger table goes when it is empty */
    CLASSES = 8,         /* of sizes that are kept for reuse: up to 12 KiB */
    LARGE = CLASSES
};

/* What a walk down the tree looks at comes first, to be in one cache line more often. */
struct kith_broadcast {
    struct kith_broadcast *left, *right;
    uint64_t tier; /* priority, then transmits in the low 32 bits */
    uint32_t len, hash;
    int64_t id;
    struct kith_broadcast *chain; /* of its bucket */
    uint64_t tag;
    uint16_t name_len;
    uint8_t class;
    uint8_t bytes[]; /* the message, then the name */
};

/* --------------------------------------------------------------------------------- the treap */

static inline uint64_t mix(uint64_t x)
{
    x *= 0x9e3779b97f4a7c15u;
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9u;
    return x ^ x >> 32;
}

static inline uint64_t priority(const struct kith_broadcast *b) { return mix((uintptr_t)b); }

/* Does a go out before b? */
static inline bool before(const struct kith_broadcast *a, const struct kith_broadcast *b)
{
    if (a->tier != b->tier) return a->tier < b->tier;
    if (a->len != b->len) return a->len > b->len;
    return a->id > b->id;
}

static void tree_add(struct kith_broadcast **at, struct kith_broadcast *b)
{
    while (*at && priority(*at) >= priority(b)) at = before(b, *at) ? &(*at)->left : &(*at)->right;
    /* Split the subtree found here into b's left and right. */
    struct kith_broadcast *rest = *at, **left = &b->left, **right = &b->right;
    *at = b;
    while (rest) {
        if (before(rest, b)) {
            *left = rest;
            left = &rest->right;
            rest = *left;
        } else {
            *right = rest;
            right = &rest->left;
            rest = *right;
        }
    }
    *left = *right = NULL;
}

static void tree_remove(struct kith_broadcast **at, struct kith_broadcast *b)
{
    while (*at != b) at = before(b, *at) ? &(*at)->left : &(*at)->right;
    struct kith_broadcast *left = b->left, *right = b->right;
    while (left && right) {
        if (priority(left) >= priority(right)) {
            *at = left;
            at = &left->right;
            left = *at;
        } else {
            *at = right;
            at = &right->left;
            right = *at;
        }
    }
    *at = left ? left : right;
}

/* A place in the order: where an entry of such a tier, length and id would be. */
struct place {
    uint64_t tier;
    size_t len;
    int64_t id;
};

/* The first entry at that place or behind it. */
static struct kith_broadcast *tree_find(struct kith_broadcast *b, struct place at)
{
    struct kith_broadcast *found = NULL;
    while (b) {
        bool goes_before = b->tier != at.tier ? b->tier < at.tier
                           : b->len != at.len ? b->len > at.len
                                              : b->id > at.id;
        if (goes_before) {
            b = b->right;
        } else {
            found = b;
            b = b->left;
        }
    }
    return found;
}

/* ------------------------------------------------------------------------------------- names */

static uint32_t name_hash(const struct kith_broadcasts *q, struct kith_bytes name)
{
    return (uint32_t)kith_hash(&q->key, name.data, name.len);
}

static struct kith_broadcast **bucket_of(const struct kith_broadcasts *q, uint32_t hash)
{
    return &q->buckets[hash & (q->bucket_count - 1)];
}

static struct kith_broadcast *find_name(const struct kith_broadcasts *q, struct kith_bytes name,
                                        uint32_t hash)
{
    if (!q->bucket_count) return NULL;
    struct kith_broadcast *b = *bucket_of(q, hash);
    while (b && !(b->hash == hash && b->name_len == name.len &&
                  memcmp(b->bytes + b->len, name.data, name.len) == 0))
        b = b->chain;
    return b;
}

static void unlink_name(struct kith_broadcasts *q, struct kith_broadcast *b)
{
    if (!b->name_len) return;
    struct kith_broadcast **at = bucket_of(q, b->hash);
    while (*at != b) at = &(*at)->chain;
    *at = b->chain;
    if (--q->named == 0 && q->bucket_count > BUCKETS_KEPT) {
        free(q->buckets);
        q->buckets = NULL;
        q->bucket_count = 0;
    }
}

static int resize_names(struct kith_broadcasts *q, size_t count)
{
    struct kith_broadcasts other = {.bucket_count = count};
    other.buckets = calloc(count, sizeof *other.buckets);
    if (!other.buckets) return -KITH_ENOMEM;
    for (size_t i = 0; i < q->bucket_count; i++) {
        for (struct kith_broadcast *b = q->buckets[i], *next; b; b = next) {
            struct kith_broadcast **at = bucket_of(&other, b->hash);
            next = b->chain;
            b->chain = *at;
            *at = b;
        }
    }
    free(q->buckets);
    q->buckets = other.buckets;
    q->bucket_count = count;
    return 0;
}

static int grow_names(struct kith_broadcasts *q)
{
    if (q->named < q->bucket_count) return 0;
    return resize_names(q, q->bucket_count ? 2 * q->bucket_count : BUCKETS_FIRST);
}

/* ----------------------------------------------------------------------------------- entries */

static struct kith_broadcast *entry_new(struct kith_broadcasts *q, size_t len, size_t name_len)
{
    size_t need = sizeof(struct kith_broadcast) + len + name_len;
    unsigned class = 0;
    while (class < LARGE && need > (size_t)SMALLEST << class) class ++;
    struct kith_broadcast *b = NULL;
    if (class < LARGE) {
        need = (size_t)SMALLEST << class;
        b = q->spare[class];
    }
    if (b) {
        struct kith_broadcasts_size *size = &q->sizes[class];
        q->spare[class] = b->chain;
        q->spare_bytes -= need;
        if (--size->spare < size->idle) size->idle = size->spare;
    } else {
        b = malloc(need);
        if (b && class < LARGE) q->sizes[class].all++;
    }
    if (!b) return NULL;
    memset(b, 0, sizeof *b);
    b->class = (uint8_t) class;
    b->len = (uint32_t)len;
    b->name_len = (uint16_t)name_len;
    return b;
}

/* b is in neither the tree nor the names. */
static void entry_end(struct kith_broadcasts *q, struct kith_broadcast *b,
                      enum kith_broadcast_end how)
{
    q->count--;
    q->bytes -= b->len;
    if (!q->count) q->last_id = 0;
    if (b->tag && q->finished) q->finished(q->ctx, b->tag, how);
    size_t size = (size_t)SMALLEST << b->class;
    if (b->class < LARGE && q->spare_bytes + size <= SPARE_MAX) {
        b->chain = q->spare[b->class];
        q->spare[b->class] = b;
        q->spare_bytes += size;
        q->sizes[b->class].spare++;
    } else {
        if (b->class < LARGE) q->sizes[b->class].all--;
        free(b);
    }
}

static void drop(struct kith_broadcasts *q, struct kith_broadcast *b, enum kith_broadcast_end how)
{
    tree_remove(&q->root, b);
    unlink_name(q, b);
    entry_end(q, b, how);
}

static struct kith_broadcast *last(const struct kith_broadcasts *q)
{
    struct kith_broadcast *b = q->root;
    while (b && b->right) b = b->right;
    return b;
}

/* --------------------------------------------------------------------------------- the queue */

void kith_broadcasts_init(struct kith_broadcasts *q, unsigned retransmit_mult, size_t max,
                          void (*finished)(void *ctx, uint64_t tag, enum kith_broadcast_end),
                          void *ctx)
{
    *q = (struct kith_broadcasts){
        .finished = finished, .ctx = ctx, .retransmit_mult = retransmit_mult, .max = max};
}

void kith_broadcasts_fini(struct kith_broadcasts *q)
{
    while (q->root) drop(q, q->root, KITH_BROADCAST_DROPPED);
    for (size_t i = 0; i < CLASSES; i++) {
        for (struct kith_broadcast *b = q->spare[i], *next; b; b = next) {
            next = b->chain;
            free(b);
        }
    }
    free(q->buckets);
    *q = (struct kith_broadcasts){.root = NULL};
}

/* Make a whole entry and room for it; its tree and name links are the caller's. */
static struct kith_broadcast *prepare(struct kith_broadcasts *q, size_t name_len,
                                      struct kith_bytes msg, uint64_t tag)
{
    if (msg.len > UINT32_MAX || name_len > UINT16_MAX) return NULL;
    struct kith_broadcast *b = entry_new(q, msg.len, name_len);
    if (!b) return NULL;
    if (msg.len) memcpy(b->bytes, msg.data, msg.len);
    b->tag = tag;
    return b;
}

static void enqueue(struct kith_broadcasts *q, struct kith_broadcast *b)
{
    while (q->max && q->count >= q->max) {
        drop(q, last(q), KITH_BROADCAST_DROPPED);
        q->dropped++;
    }
    q->last_id = q->last_id == INT64_MAX ? 1 : q->last_id + 1;
    b->id = q->last_id;
    tree_add(&q->root, b);
    q->count++;
    q->bytes += b->len;
}

bool kith_broadcasts_has(const struct kith_broadcasts *q, struct kith_bytes name)
{
    return name.len && find_name(q, name, name_hash(q, name));
}

int kith_broadcasts_add(struct kith_broadcasts *q, struct kith_bytes name, uint32_t priority,
                        struct kith_bytes msg, uint64_t tag)
{
    if (name.len && grow_names(q)) return -KITH_ENOMEM;
    struct kith_broadcast *b = prepare(q, name.len, msg, tag);
    if (!b) return -KITH_ENOMEM;
    b->tier = (uint64_t)priority << 32;
    if (!name.len) {
        enqueue(q, b);
        return 0;
    }
    memcpy(b->bytes + b->len, name.data, name.len);
    b->hash = name_hash(q, name);
    struct kith_broadcast *old = find_name(q, name, b->hash);
    if (old) drop(q, old, KITH_BROADCAST_REPLACED);
    enqueue(q, b);
    struct kith_broadcast **at = bucket_of(q, b->hash);
    b->chain = *at;
    *at = b;
    if (++q->named > q->most_named) q->most_named = q->named;
    return 0;
}

typedef void take_fn(void *arg, struct kith_bytes msg);

/* Give what fits to `take`, and count it as sent if there is a limit to that. */
static size_t walk(struct kith_broadcasts *q, const unsigned *transmit_limit, size_t overhead,
                   size_t limit, take_fn *take, void *arg)
{
    struct kith_broadcast *again = NULL; /* put back at the end, so that no entry is taken twice */
    struct place at = {0, SIZE_MAX, INT64_MAX};
    size_t used = 0;
    while (used + overhead < limit) {
        size_t room = limit - used - overhead;
        if (at.len > room) at = (struct place){at.tier, room, INT64_MAX};
        struct kith_broadcast *b = tree_find(q->root, at);
        if (!b) break;
        at = (struct place){b->tier, b->len, b->id - 1};
        if (b->len > room) continue; /* the first of a later tier is too long: search that tier */
        take(arg, kith_bytes_of(b->bytes, b->len));
        used += overhead + b->len;
        if (!transmit_limit) continue;
        tree_remove(&q->root, b);
        b->tier++;
        if ((uint32_t)b->tier >= *transmit_limit) {
            unlink_name(q, b);
            entry_end(q, b, KITH_BROADCAST_SENT);
        } else {
            b->left = again;
            again = b;
        }
    }
    for (struct kith_broadcast *next; again; again = next) {
        next = again->left;
        tree_add(&q->root, again);
    }
    return used;
}

size_t kith_broadcasts_fetch(struct kith_broadcasts *q, size_t n, size_t overhead, size_t limit,
                             take_fn *take, void *arg)
{
    const unsigned transmit_limit = kith_retransmit_limit(q->retransmit_mult, n);
    return walk(q, &transmit_limit, overhead, limit, take, arg);
}

size_t kith_broadcasts_show(struct kith_broadcasts *q, size_t overhead, size_t limit, take_fn *take,
                            void *arg)
{
    return walk(q, NULL, overhead, limit, take, arg);
}

static void trim_size(struct kith_broadcasts *q, unsigned class)
{
    struct kith_broadcasts_size *size = &q->sizes[class];
    size_t used = size->all - size->idle, keep = 2 * used + SPARE_FEW;
    while (size->all > keep && size->spare) {
        struct kith_broadcast *b = q->spare[class];
        q->spare[class] = b->chain;
        q->spare_bytes -= (size_t)SMALLEST << class;
        size->spare--;
        size->all--;
        free(b);
    }
    size->idle = size->spare;
}

void kith_broadcasts_trim(struct kith_broadcasts *q)
{
    for (unsigned class = 0; class < CLASSES; class ++) trim_size(q, class);
    if (q->bucket_count > BUCKETS_FIRST && q->most_named < q->bucket_count / 4)
        (void)resize_names(q, q->bucket_count / 2); /* without memory it stays */
    q->most_named = q->named;
}

size_t kith_broadcasts_count(const struct kith_broadcasts *q) { return q->count; }

size_t kith_broadcasts_bytes(const struct kith_broadcasts *q, size_t overhead)
{
    return q->bytes + q->count * overhead;
}

size_t kith_broadcasts_limit(struct kith_broadcasts *q, size_t len)
{
    size_t dropped = 0;
    /* The longest of each tier come first in it. */
    struct kith_broadcast *b = tree_find(q->root, (struct place){0, SIZE_MAX, INT64_MAX});
    while (b) {
        uint64_t tier = b->tier;
        if (b->len > len) {
            drop(q, b, KITH_BROADCAST_DROPPED);
            dropped++;
        } else {
            tier++;
        }
        b = tree_find(q->root, (struct place){tier, SIZE_MAX, INT64_MAX});
    }
    return dropped;
}
