/*
 * active.h - what of the lives is told to others: those of which something came lately, and one
 * number that sums all up. Knows no packets.
 */
#ifndef KITH_RELAY_ACTIVE_H
#define KITH_RELAY_ACTIVE_H

#include "lives.h"

#define KITH_DIGEST_INTERVAL 200000000u /* ns: between two rounds of telling */

/* `next` of a life goes to another number: in the summary, too. */
void kith_active_move(struct kith_core *, struct kith_life *, uint64_t next);
/* Something new came of it: it is told to others some times. */
void kith_active_tell(struct kith_core *, struct kith_life *);
/* It was learned that others last heard of it so long ago (ns). */
void kith_active_since(struct kith_core *, struct kith_life *, uint64_t idle);
/* It has been still for long: out of the summary. */
void kith_active_cool(struct kith_core *, struct kith_life *);

#endif
