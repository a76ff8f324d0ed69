/*
 * crowd.h - whose stream goes when many want one. Decides, and changes nothing: exchange.c does.
 *
 * Each inbound exchange belongs to a source: an IPv4 address, an IPv6 /64, or whatever else an
 * address is. Strangers have three quarters of all slots, and of those for inbound push/pulls; all
 * that peers open together leaves one slot in sixteen to what this node opens. When there is one
 * too many, the fullest source loses one: of those that are silent, or else of those that are not,
 * the one on which nothing moved for longest; whose message is whole and waits for us goes last. A
 * source that is as full as the newcomer's only loses one that is silent; one with less loses none.
 *
 * Silent is on whom it is to speak, or to take our answer, and on which nothing has moved for a
 * second. Who has said everything waits for us, for a place or for our turn, and is not silent; the
 * second begins when our answer is written.
 */
#ifndef KITH_CROWD_H
#define KITH_CROWD_H

#include "exchange.h"

/* A stream was opened by a peer: whose is it? Its slot is given back. */
void kith_crowd_enter(struct kith_core *, struct kith_exchange *);
void kith_crowd_leave(struct kith_core *, struct kith_exchange *);

/* What strangers have of `max` slots. */
static inline uint32_t kith_crowd_of_strangers(uint32_t max) { return max - max / 4; }
/* Is there one too many, with this one? */
bool kith_crowd_many(const struct kith_core *, const struct kith_exchange *);
/* The same of inbound push/pulls, of which it is one now. */
bool kith_crowd_many_push_pulls(const struct kith_core *, const struct kith_exchange *);
/* Of those that wait for a place among the push/pulls, whose turn it is: members', then those that
 * are whole, then that of the source with the fewest. NULL: there is no place for any. */
struct kith_exchange *kith_crowd_waiting(const struct kith_core *);
/* Who goes for this one's sake: one of the same kind, a stranger if this one is. NULL: nobody. */
struct kith_exchange *kith_crowd_goes(const struct kith_core *, const struct kith_exchange *,
                                      bool push_pull);
/* The stranger who would go before all others; NULL: there is none. */
struct kith_exchange *kith_crowd_first(const struct kith_core *);

/* Of those that are to send their state, whose turn it is: ours, members', then that of the source
 * with the fewest. NULL: nobody is. */
struct kith_exchange *kith_crowd_next(const struct kith_core *);
/* Is there memory to make a message of that length, seal it, and keep it until it is sent? */
bool kith_crowd_has_memory(const struct kith_core *, const struct kith_exchange *, uint64_t len);

#endif
