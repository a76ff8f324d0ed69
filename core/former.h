/*
 * former.h - names that came back from another address while news of their former life is still
 * about (docs/WIRE.md, "Claims about members"): what is said of that life is not believed of this
 * one, and the member is told, so that it takes a higher incarnation.
 */
#ifndef KITH_FORMER_H
#define KITH_FORMER_H

#include "wire.h"

struct kith_core;
struct kith_record;

enum { KITH_FORMERS = 32 };

/* The last ones, the oldest at `next`. */
struct kith_formers {
    struct {
        uint64_t born, until; /* the member's serial; 0: nobody's */
        uint32_t incarnation; /* of the former life, at or above the one that it came back with */
    } last[KITH_FORMERS];
    unsigned next;
};

/* It was taken in at another address, with no higher incarnation than it had. from: who brought it.
 */
void kith_former_life(struct kith_core *, const struct kith_record *, uint32_t incarnation,
                      const struct kith_peer *from);
/* Is an accusation that others bring of the former life? Then it is counted, and answered. */
bool kith_former_accused(struct kith_core *, const struct kith_record *, const struct kith_msg *);
/* A death or a leave: may it be of either life? */
bool kith_former_perhaps(struct kith_core *, const struct kith_record *, const struct kith_msg *,
                         const struct kith_peer *from);

#endif
