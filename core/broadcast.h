/*
 * broadcast.h - what waits to be gossiped: memberlist's TransmitLimitedQueue (PROTOCOL.md 2.17).
 *
 * Each message goes out RetransmitMult * ceil(log10(n + 1)) times. Smaller priorities come first;
 * among equal ones those sent least, then longer ones, then newer ones. What an operation costs
 * depends on how many priorities, transmits and lengths there are, hardly on how many entries; only
 * more of them than ever before make a fetch allocate. Knows neither packets nor time.
 */
#ifndef KITH_BROADCAST_H
#define KITH_BROADCAST_H

#include "hash.h"

#include <kith/plugin.h>

/* A queued message; a list of them; memory for either. */
struct kith_broadcast;
struct kith_broadcast_lane;
struct kith_broadcast_spare;

/* How an entry ended: for whoever waits for a leave, an update or a broadcast. */
enum kith_broadcast_end {
    KITH_BROADCAST_SENT,     /* RetransmitMult * ceil(log10(n + 1)) times */
    KITH_BROADCAST_REPLACED, /* by a newer entry of its name */
    KITH_BROADCAST_DROPPED   /* the bound, a new limit, or the end of the queue */
};

struct kith_broadcasts {
    /* Called when an entry is finished, whichever way, before its memory goes. It must not call
     * into the queue. May be NULL. */
    void (*finished)(void *ctx, uint64_t tag, enum kith_broadcast_end);
    void *ctx;
    unsigned retransmit_mult;
    struct kith_hash_key key; /* of the names' hash; set before the first is added */
    size_t max;               /* most entries; 0: no bound */
    uint64_t dropped;         /* entries that the bound cost */
    /* private */
    struct kith_broadcast_lane **lanes;    /* in the order of sending */
    struct kith_broadcast_lane *next_lane; /* for the next one that has to be made */
    struct kith_broadcast **buckets;       /* named entries */
    struct kith_broadcasts_size {
        struct kith_broadcast_spare *first; /* memory to use again */
        /* blocks that there are; that are spare; that were never in use since the last trim */
        uint32_t all, spare, idle;
    } sizes[8];
    size_t count, named, bucket_count, lane_count, lane_cap, spare_bytes;
    size_t bytes;      /* of all messages */
    size_t most_named; /* since the last trim */
    int64_t last_id;
};

void kith_broadcasts_init(struct kith_broadcasts *, unsigned retransmit_mult, size_t max,
                          void (*finished)(void *ctx, uint64_t tag, enum kith_broadcast_end),
                          void *ctx);
void kith_broadcasts_fini(struct kith_broadcasts *); /* finishes what is left */

/* Queue a copy of msg. name empty: unique, replaces nothing; else it replaces the one of that
 * name. tag: for `finished`, 0 when nobody waits (finished is not called then). At the bound the
 * last in order makes room. 0 or -KITH_ENOMEM. */
int kith_broadcasts_add(struct kith_broadcasts *, struct kith_bytes name, uint32_t priority,
                        struct kith_bytes msg, uint64_t tag);
/* Does one of that name wait? */
bool kith_broadcasts_has(const struct kith_broadcasts *, struct kith_bytes name);
/* Fetch messages whose lengths, each plus `overhead`, sum up to at most `limit`; n: members known,
 * for the retransmit limit. take() gets each in order, its bytes valid for the call; it must not
 * call into the queue. Returns the bytes used, overheads included. */
size_t kith_broadcasts_fetch(struct kith_broadcasts *, size_t n, size_t overhead, size_t limit,
                             void (*take)(void *arg, struct kith_bytes msg), void *arg);
/* The same messages, and it does not count as sent: for packets that others can provoke. */
size_t kith_broadcasts_show(struct kith_broadcasts *, size_t overhead, size_t limit,
                            void (*take)(void *arg, struct kith_bytes msg), void *arg);

/* Give back what is kept for later and was not needed since the last call: twice as much as was in
 * use stays. Now and then. */
void kith_broadcasts_trim(struct kith_broadcasts *);
/* Might it give something back, sooner or later, when nothing is queued until then? */
bool kith_broadcasts_can_trim(const struct kith_broadcasts *);

size_t kith_broadcasts_count(const struct kith_broadcasts *);
/* Of all of them, each with `overhead`. */
size_t kith_broadcasts_bytes(const struct kith_broadcasts *, size_t overhead);
/* Drop the entries longer than `len`, those that no fetch can give. Returns how many. */
size_t kith_broadcasts_limit(struct kith_broadcasts *, size_t len);

#endif
