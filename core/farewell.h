/*
 * farewell.h - our leave, told to each member directly (docs/WIRE.md, "Leaving"): one packet with
 * the dead message and a ping, whose ack says that it was heard. Gossip of the same goes on beside
 * it; what becomes of a request to leave is completion.h's.
 */
#ifndef KITH_FAREWELL_H
#define KITH_FAREWELL_H

#include "alarms.h"

#include <stdbool.h>

struct kith_record;

/*
 *     none      waits is NULL
 *       | begin: whom it is told to is settled, and each has a sequence number of its own
 *     telling   round 0, 64 members in 10 ms, then those of them who have not heard it, twice more
 *       | all have heard it, or are gone; or nobody has answered the last round in time
 *     none
 */
struct kith_farewell {
    struct kith_alarm alarm;
    uint64_t *waits; /* serials of members, in order of age; 0: has heard it, or is gone */
    uint32_t count, deaf;
    uint32_t next; /* of `waits`, in this round; count: the round is over */
    uint32_t first_seq_no, incarnation;
    uint8_t round;
    bool all;      /* nobody was left out: when all have heard it, the leave is done */
    bool gossiped; /* as often as a broadcast is, and the leave waits for us alone */
};

/* Tell that we have left, at the incarnation that we have now. Not without company, or when
 * leave_direct says so. */
void kith_farewell_begin(struct kith_core *);
/* Nobody is told any more. */
void kith_farewell_end(struct kith_core *);
/* An ack. False: of another ping, or of none that was sent. */
bool kith_farewell_acked(struct kith_core *, uint32_t seq_no);
/* A member has died or left. */
void kith_farewell_gone(struct kith_core *, const struct kith_record *);
void kith_farewell_alarm(struct kith_core *, struct kith_alarm *);

#endif
