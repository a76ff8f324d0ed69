/*
 * account.h - what a node may hold for its streams: one account of bytes, which core, pipeline and
 * node share (limits.max_stream_memory). Whoever allocates for a stream asks first and gives back
 * when it frees; what is counted is memory that is held, not what is in it.
 *
 * Strangers get one half. What is opened or sealed takes three times its size for a moment, as it
 * came, as it becomes, and where it goes. The limit is at least five times max_stream_size, of
 * which a state takes three quarters: it finds room beside all that strangers hold. Not
 * installed.
 */
#ifndef KITH_ACCOUNT_H
#define KITH_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

struct kith_account {
    uint64_t limit;
    uint64_t held;
    uint64_t strangers; /* of these, for strangers */
};

/* So much each stream of a stranger finds as long as there is any: who asks for little is heard
 * although others have taken their half. */
#define KITH_ACCOUNT_SMALL 8192u

/* Is there room for `more`? The buffer that it is for has `to` bytes then. */
static inline bool kith_account_has(const struct kith_account *a, bool stranger, uint64_t more,
                                    uint64_t to)
{
    if (a->held > a->limit || more > a->limit - a->held) return false;
    return !stranger || to <= KITH_ACCOUNT_SMALL || a->strangers + more <= a->limit / 2;
}

/* A buffer of `from` bytes is to have `to`: noted, when there is room. */
static inline bool kith_account_grow(struct kith_account *a, bool stranger, uint64_t from,
                                     uint64_t to)
{
    if (!kith_account_has(a, stranger, to - from, to)) return false;
    a->held += to - from;
    if (stranger) a->strangers += to - from;
    return true;
}

/* Noted whether there is room or not: what may not be dropped. */
static inline void kith_account_take(struct kith_account *a, uint64_t bytes) { a->held += bytes; }

static inline void kith_account_give(struct kith_account *a, bool stranger, uint64_t bytes)
{
    a->held -= bytes;
    if (stranger) a->strangers -= bytes;
}

#endif
