/*
 * broadcast.c - the transmit-limited queue (PROTOCOL.md 2.17).
 *
 * A *lane* holds what has the same priority, was sent equally often and is equally long: a list,
 * the newest first. The lanes stand in an array in the order of sending. However much waits, they
 * are few, as members' messages are much alike. So "the longest that still fits in this tier, the
 * newest of those" is a short binary search, and what follows it is a step down a list. (Lists by
 * length, found by a bitmap, would take memory for each length of each tier, and priorities are as
 * many as delegates like.)
 *
 * What was sent goes to the lane of the next tier, to its place by age. That is nearly always
 * beside the one that came there last, so it is looked for from there; and it can't be far, because
 * a lane takes entries of one generation only, some thousand that were queued after each other.
 *
 * Entries and lanes are recycled: a queue that fills and drains stops allocating. What is kept for
 * that is trimmed from time to time to twice what was in use.
 */
#include "broadcast.h"
#include "formulas.h"

#include <stdlib.h>

enum {
    SMALLEST = 96,         /* bytes of the smallest block, the next ones are twice as large each */
    SPARE_MAX = 64 * 1024, /* bytes to keep for later, of a size */
    SPARE_FEW = 8,         /* blocks of a size that are always kept */
    BUCKETS_FIRST = 64,
    BUCKETS_KEPT = 1024, /* a larger table goes when it is empty */
    LANES_FIRST = 16,
    LANES_KEPT = 256,
    GENERATION = 4096, /* ids that may be in one lane */
    CLASSES = 8,       /* of sizes that are kept for reuse: up to 12 KiB */
    LARGE = CLASSES
};

/* What a fetch looks at comes first, to be in one cache line more often. */
struct kith_broadcast {
    struct kith_broadcast *newer, *older; /* in its lane */
    struct kith_broadcast_lane *lane;
    int64_t id;
    struct kith_broadcast *chain; /* of its bucket */
    uint64_t tag;
    uint32_t hash;
    uint16_t name_len;
    uint8_t class;
    uint8_t bytes[]; /* the message, then the name */
};

/* Where in the order of sending a lane stands: tier up, length down, generation down. */
struct place {
    uint64_t tier; /* priority, then transmits in the low 32 bits */
    size_t len;    /* of the messages */
    int64_t generation;
};

struct kith_broadcast_lane {
    struct place place;
    struct kith_broadcast *newest, *oldest;
    struct kith_broadcast *near; /* who came last, or a neighbour */
    size_t count;                /* entries that are in it, or on their way */
};

/* ------------------------------------------------------------------------------------- blocks */

/* Memory of an entry or a lane while it is neither. */
struct kith_broadcast_spare {
    struct kith_broadcast_spare *next;
};

static unsigned class_of(size_t size)
{
    unsigned class = 0;
    while (class < LARGE && size > (size_t)SMALLEST << class) class ++;
    return class;
}

static void *block_take(struct kith_broadcasts *q, unsigned class, size_t size)
{
    if (class == LARGE) return malloc(size);
    struct kith_broadcasts_size *of = &q->sizes[class];
    struct kith_broadcast_spare *block = of->first;
    if (block) {
        of->first = block->next;
        q->spare_bytes -= (size_t)SMALLEST << class;
        if (--of->spare < of->idle) of->idle = of->spare;
    } else {
        block = malloc((size_t)SMALLEST << class);
        if (block) of->all++;
    }
    return block;
}

static void block_free(struct kith_broadcasts *q, unsigned class, void *block)
{
    if (class < LARGE) q->sizes[class].all--;
    free(block);
}

static void block_give(struct kith_broadcasts *q, unsigned class, void *block)
{
    struct kith_broadcast_spare *spare = block;
    struct kith_broadcasts_size *of = &q->sizes[class];
    size_t size = (size_t)SMALLEST << class;
    if (class == LARGE || (of->spare + 1) * size > SPARE_MAX) {
        block_free(q, class, block);
        return;
    }
    spare->next = of->first;
    of->first = spare;
    of->spare++;
    q->spare_bytes += size;
}

/* Have some more of the smallest: how many lanes there are varies. */
static void blocks_ahead(struct kith_broadcasts *q)
{
    for (int i = 0; i < SPARE_FEW; i++) {
        void *block = malloc(SMALLEST);
        if (!block) return;
        q->sizes[0].all++;
        block_give(q, 0, block);
    }
}

/* Of that size, keep so many at most; in use or spare. */
static void blocks_keep(struct kith_broadcasts *q, unsigned class, size_t keep)
{
    struct kith_broadcasts_size *of = &q->sizes[class];
    while (of->all > keep && of->spare) {
        struct kith_broadcast_spare *block = of->first;
        of->first = block->next;
        of->spare--;
        q->spare_bytes -= (size_t)SMALLEST << class;
        block_free(q, class, block);
    }
    of->idle = of->spare;
}

/* -------------------------------------------------------------------------------------- lanes */

static bool before(const struct place *a, const struct place *b)
{
    if (a->tier != b->tier) return a->tier < b->tier;
    if (a->len != b->len) return a->len > b->len;
    return a->generation > b->generation;
}

/* Index of the first lane at that place or behind it. */
static size_t lane_index(const struct kith_broadcasts *q, struct place at)
{
    size_t first = 0;
    for (size_t n = q->lane_count; n;) {
        size_t half = n / 2;
        bool behind = before(&q->lanes[first + half]->place, &at);
        first += behind ? half + 1 : 0;
        n = behind ? n - half - 1 : half;
    }
    return first;
}

static bool resize_lanes(struct kith_broadcasts *q, size_t cap)
{
    struct kith_broadcast_lane **lanes = realloc(q->lanes, cap * sizeof *lanes);
    if (!lanes) return false;
    q->lanes = lanes;
    q->lane_cap = cap;
    return true;
}

/* Have what one more lane takes. */
static bool lane_ready(struct kith_broadcasts *q)
{
    if (q->lane_count == q->lane_cap && !resize_lanes(q, LANES_FIRST + 2 * q->lane_cap))
        return false;
    if (!q->next_lane && !q->sizes[0].first) blocks_ahead(q);
    if (!q->next_lane) q->next_lane = block_take(q, 0, sizeof *q->next_lane);
    return q->next_lane != NULL;
}

/* The lane of that place, made if it has to be: after lane_ready(). */
static struct kith_broadcast_lane *lane_at(struct kith_broadcasts *q, struct place at)
{
    size_t i = lane_index(q, at);
    struct kith_broadcast_lane *lane = i < q->lane_count ? q->lanes[i] : NULL;
    if (lane && !before(&at, &lane->place)) return lane;
    lane = q->next_lane;
    q->next_lane = NULL;
    *lane = (struct kith_broadcast_lane){.place = at};
    memmove(q->lanes + i + 1, q->lanes + i, (q->lane_count - i) * sizeof *q->lanes);
    q->lanes[i] = lane;
    q->lane_count++;
    return lane;
}

/* An empty one goes. */
static void lane_end(struct kith_broadcasts *q, size_t i)
{
    block_give(q, 0, q->lanes[i]);
    q->lane_count--;
    memmove(q->lanes + i, q->lanes + i + 1, (q->lane_count - i) * sizeof *q->lanes);
}

/* Into its lane, by age; it was counted there. */
static void link_lane(struct kith_broadcast *b)
{
    struct kith_broadcast_lane *lane = b->lane;
    struct kith_broadcast *at = lane->near; /* becomes the next newer one */
    if (!at || b->id > lane->newest->id) {
        at = NULL;
    } else if (b->id < lane->oldest->id) {
        at = lane->oldest;
    } else {
        while (at->id < b->id) at = at->newer;
        while (at->older->id > b->id) at = at->older;
    }
    b->newer = at;
    b->older = at ? at->older : lane->newest;
    *(b->newer ? &b->newer->older : &lane->newest) = b;
    *(b->older ? &b->older->newer : &lane->oldest) = b;
    lane->near = b;
}

/* Out of its lane. */
static void unlink_lane(struct kith_broadcast *b)
{
    struct kith_broadcast_lane *lane = b->lane;
    *(b->newer ? &b->newer->older : &lane->newest) = b->older;
    *(b->older ? &b->older->newer : &lane->oldest) = b->newer;
    if (lane->near == b) lane->near = b->older ? b->older : b->newer;
    lane->count--;
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
                  memcmp(b->bytes + b->lane->place.len, name.data, name.len) == 0))
        b = b->chain;
    return b;
}

static void link_name(struct kith_broadcasts *q, struct kith_broadcast *b)
{
    struct kith_broadcast **at = bucket_of(q, b->hash);
    b->chain = *at;
    *at = b;
    if (++q->named > q->most_named) q->most_named = q->named;
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
    return resize_names(q, q->bucket_count ? 4 * q->bucket_count : BUCKETS_FIRST);
}

/* ----------------------------------------------------------------------------------- entries */

/* Make a whole entry; its links are the caller's. */
static struct kith_broadcast *entry_new(struct kith_broadcasts *q, struct kith_bytes name,
                                        struct kith_bytes msg, uint64_t tag)
{
    size_t size = sizeof(struct kith_broadcast) + msg.len + name.len;
    unsigned class = class_of(size);
    if (msg.len > UINT32_MAX || name.len > UINT16_MAX) return NULL;
    struct kith_broadcast *b = block_take(q, class, size);
    if (!b) return NULL;
    b->tag = tag;
    b->class = (uint8_t) class;
    b->name_len = (uint16_t)name.len;
    if (msg.len) memcpy(b->bytes, msg.data, msg.len);
    if (name.len) memcpy(b->bytes + msg.len, name.data, name.len);
    return b;
}

/* b is in neither a lane nor the names. */
static void entry_end(struct kith_broadcasts *q, struct kith_broadcast *b, size_t len,
                      enum kith_broadcast_end how)
{
    q->count--;
    q->bytes -= len;
    if (!q->count) q->last_id = 0;
    if (b->tag && q->finished) q->finished(q->ctx, b->tag, how);
    block_give(q, b->class, b);
}

static void drop(struct kith_broadcasts *q, struct kith_broadcast *b, enum kith_broadcast_end how)
{
    struct kith_broadcast_lane *lane = b->lane;
    size_t len = lane->place.len;
    unlink_lane(b);
    unlink_name(q, b);
    if (!lane->count) lane_end(q, lane_index(q, lane->place));
    entry_end(q, b, len, how);
}

static struct kith_broadcast *last(const struct kith_broadcasts *q)
{
    return q->lanes[q->lane_count - 1]->oldest;
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
    while (q->count) drop(q, last(q), KITH_BROADCAST_DROPPED);
    if (q->next_lane) block_give(q, 0, q->next_lane);
    for (unsigned class = 0; class < CLASSES; class ++) blocks_keep(q, class, 0);
    free(q->lanes);
    free(q->buckets);
    *q = (struct kith_broadcasts){.lanes = NULL};
}

static void enqueue(struct kith_broadcasts *q, struct kith_broadcast *b, uint32_t priority,
                    size_t len)
{
    while (q->max && q->count >= q->max) {
        drop(q, last(q), KITH_BROADCAST_DROPPED);
        q->dropped++;
    }
    q->last_id = q->last_id == INT64_MAX ? 1 : q->last_id + 1;
    b->id = q->last_id;
    b->lane = lane_at(q, (struct place){(uint64_t)priority << 32, len, b->id / GENERATION});
    b->lane->count++;
    link_lane(b);
    q->count++;
    q->bytes += len;
}

bool kith_broadcasts_has(const struct kith_broadcasts *q, struct kith_bytes name)
{
    return name.len && find_name(q, name, name_hash(q, name));
}

int kith_broadcasts_add(struct kith_broadcasts *q, struct kith_bytes name, uint32_t priority,
                        struct kith_bytes msg, uint64_t tag)
{
    if ((name.len && grow_names(q)) || !lane_ready(q)) return -KITH_ENOMEM;
    struct kith_broadcast *b = entry_new(q, name, msg, tag);
    if (!b) return -KITH_ENOMEM;
    if (name.len) {
        b->hash = name_hash(q, name);
        struct kith_broadcast *old = find_name(q, name, b->hash);
        if (old) drop(q, old, KITH_BROADCAST_REPLACED);
    }
    enqueue(q, b, priority, msg.len);
    if (name.len) link_name(q, b);
    return 0;
}

typedef void take_fn(void *arg, struct kith_bytes msg);

/* A packet's worth on its way out. */
struct fetch {
    struct kith_broadcasts *q;
    size_t overhead, limit, used;
    take_fn *take;
    void *arg;
    struct kith_broadcast *again; /* put back at the end, so that no entry is taken twice */
};

static size_t room(const struct fetch *f)
{
    size_t used = f->used + f->overhead;
    return used < f->limit ? f->limit - used : 0;
}

static void give(struct fetch *f, const struct kith_broadcast *b, size_t len)
{
    f->take(f->arg, kith_bytes_of(b->bytes, len));
    f->used += f->overhead + len;
}

static void show_lane(struct fetch *f, const struct kith_broadcast_lane *lane)
{
    const struct kith_broadcast *b = lane->newest;
    for (; b && room(f) && lane->place.len <= room(f); b = b->older) give(f, b, lane->place.len);
}

static void send_lane(struct fetch *f, struct kith_broadcast_lane *lane, unsigned transmit_limit)
{
    struct place at = lane->place;
    bool often_enough = (uint32_t)++at.tier >= transmit_limit;
    struct kith_broadcast_lane *next = often_enough ? NULL : lane_at(f->q, at);
    struct kith_broadcast *b;
    while ((b = lane->newest) && room(f) && lane->place.len <= room(f)) {
        give(f, b, lane->place.len);
        unlink_lane(b);
        if (often_enough) {
            unlink_name(f->q, b);
            entry_end(f->q, b, lane->place.len, KITH_BROADCAST_SENT);
        } else {
            b->lane = next;
            next->count++;
            b->older = f->again;
            f->again = b;
        }
    }
}

/* Give what fits, and count it as sent if there is a limit to that. */
static size_t walk(struct fetch *f, const unsigned *transmit_limit)
{
    struct kith_broadcasts *q = f->q;
    for (size_t i = 0; i < q->lane_count && room(f);) {
        struct kith_broadcast_lane *lane = q->lanes[i];
        if (lane->place.len > room(f)) {
            i = lane_index(q, (struct place){lane->place.tier, room(f), INT64_MAX});
            continue;
        }
        if (!transmit_limit) {
            show_lane(f, lane);
        } else {
            if (!lane_ready(q)) break;
            if (lane->newest) send_lane(f, lane, *transmit_limit);
        }
        if (lane->count)
            i++;
        else
            lane_end(q, i);
    }
    for (struct kith_broadcast *next; f->again; f->again = next) {
        next = f->again->older;
        link_lane(f->again);
    }
    return f->used;
}

size_t kith_broadcasts_fetch(struct kith_broadcasts *q, size_t n, size_t overhead, size_t limit,
                             take_fn *take, void *arg)
{
    const unsigned transmit_limit = kith_retransmit_limit(q->retransmit_mult, n);
    struct fetch f = {.q = q, .overhead = overhead, .limit = limit, .take = take, .arg = arg};
    return walk(&f, &transmit_limit);
}

size_t kith_broadcasts_show(struct kith_broadcasts *q, size_t overhead, size_t limit, take_fn *take,
                            void *arg)
{
    struct fetch f = {.q = q, .overhead = overhead, .limit = limit, .take = take, .arg = arg};
    return walk(&f, NULL);
}

void kith_broadcasts_trim(struct kith_broadcasts *q)
{
    for (unsigned class = 0; class < CLASSES; class ++) {
        size_t used = q->sizes[class].all - q->sizes[class].idle;
        blocks_keep(q, class, 2 * used + SPARE_FEW);
    }
    if (q->bucket_count > BUCKETS_FIRST && q->most_named < q->bucket_count / 4)
        (void)resize_names(q, q->bucket_count / 2); /* without memory it stays */
    if (q->lane_cap > LANES_KEPT && q->lane_count < q->lane_cap / 4)
        (void)resize_lanes(q, q->lane_cap / 2);
    q->most_named = q->named;
}

bool kith_broadcasts_can_trim(const struct kith_broadcasts *q)
{
    for (unsigned class = 0; class < CLASSES; class ++) {
        size_t all = q->sizes[class].all, used = all - q->sizes[class].spare;
        if (all > 2 * used + SPARE_FEW) return true;
    }
    return q->bucket_count > BUCKETS_FIRST || q->lane_cap > LANES_KEPT;
}

size_t kith_broadcasts_count(const struct kith_broadcasts *q) { return q->count; }

size_t kith_broadcasts_bytes(const struct kith_broadcasts *q, size_t overhead)
{
    return q->bytes + q->count * overhead;
}

size_t kith_broadcasts_limit(struct kith_broadcasts *q, size_t len)
{
    size_t before = q->count;
    for (size_t i = q->lane_count; i--;) {
        const struct kith_broadcast_lane *lane = q->lanes[i];
        if (lane->place.len <= len) continue;
        while (i < q->lane_count && q->lanes[i] == lane)
            drop(q, lane->newest, KITH_BROADCAST_DROPPED);
    }
    return before - q->count;
}
