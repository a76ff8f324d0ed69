/*
 * suspicion.h - how long a suspect has to refute (Lifeguard; PROTOCOL.md 2.6). Does not know what
 * follows when time is up: whoever begins a suspicion says what to call.
 */
#ifndef KITH_SUSPICION_H
#define KITH_SUSPICION_H

#include "alarms.h"
#include "record.h"

/* The timer of one suspect. It lives exactly as long as its member is in state suspect:
 *
 *     begin    alive -> suspect     the timer runs: `max`, or `min` when nobody could confirm
 *     confirm  another accuser      the timer is shortened towards `min`; after k it stays
 *     fire     time is up           merge.c declares the member dead, which forgets the suspicion;
 *                                   when a delegate is against it the timer is set again
 *     forget   suspect -> anything  the timer is cleared and freed
 */
struct kith_suspicion {
    struct kith_alarm alarm;
    struct kith_record *record;
    bool asked; /* it has answered a ping, and was asked for its state */
    uint64_t start, min, max;
    uint32_t k, count; /* confirmations wanted, and had */
    uint64_t from[];   /* hashes of the 1 + k accusers, the first one's included */
};

/* Since when a member is in its state. */
static inline uint64_t kith_record_since(const struct kith_record *p)
{
    return p->suspected ? p->suspicion->start : p->since;
}

int kith_suspicion_begin(struct kith_core *, struct kith_record *, struct kith_bytes from,
                         void (*fire)(struct kith_core *, struct kith_alarm *));
void kith_suspicion_forget(struct kith_core *, struct kith_record *);
/* Is this accuser new, and are there not enough yet? */
bool kith_suspicion_counts(const struct kith_core *, const struct kith_record *,
                           struct kith_bytes from);
/* One that counts. */
void kith_suspicion_confirm(struct kith_core *, struct kith_record *, struct kith_bytes from);

#endif
