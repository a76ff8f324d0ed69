/*
 * hearsay.h - what others say of a member far up (docs/WIRE.md, "Claims about members"): who
 * is to be asked for its own word, and in which order; how often it may be lifted. Knows no rule
 * that says what is believed.
 */
#ifndef KITH_HEARSAY_H
#define KITH_HEARSAY_H

#include "record.h"

#include <stdbool.h>

struct kith_core;

enum { KITH_HEARSAY_LATEST = 16, KITH_HEARSAY_LIFTS = 4096 };

struct kith_hearsay {
    uint64_t latest[KITH_HEARSAY_LATEST]; /* serials of who spoke up itself, the latest last */
    unsigned count;
    uint64_t lifted[KITH_HEARSAY_LIFTS / 64]; /* bits by hash of the name; forgotten then: */
    uint64_t lifts_until;
};

/* The member's own word is wanted. from: who brought what contradicts what is known, or NULL. */
void kith_doubt(struct kith_core *, struct kith_record *, const struct kith_peer *from);
/* The latest who spoke up, so it seems, and is doubted. NULL: nobody. */
struct kith_record *kith_doubted_latest(struct kith_core *);
/* Who is the next of all. NULL: nobody is doubted. */
struct kith_record *kith_doubted_first(const struct kith_core *);

/* May hearsay lift this one now? Once in each KITH_LIFT_PAUSE; by chance, another one of 4096 may
 * have had its turn. */
bool kith_may_lift(struct kith_core *, const struct kith_record *);

#endif
