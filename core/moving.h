/*
 * moving.h - how this node comes to be known at another address: memberlist's nodes take one for a
 * name only while they hold it to have left (PROTOCOL.md 2.3.5). So it says that it leaves, and
 * comes back.
 */
#ifndef KITH_MOVING_H
#define KITH_MOVING_H

#include "alarms.h"

#include <kith/plugin.h>

/*
 *     settled   others shall know us at c->advertise
 *       | the address is another
 *     claiming  alive, at the address that is known: whoever holds us to be dead, because nothing
 *       |       reached us there, must take us back before it can see us leave
 *       | news have spread
 *     away      left; nothing that is said of us is answered
 *       | news have spread, and we have said nothing else meanwhile (else again)
 *     settled   alive, at the new address
 *
 * A leave ends it in any state.
 */
struct kith_moving {
    enum { KITH_MOVING_SETTLED, KITH_MOVING_CLAIMING, KITH_MOVING_AWAY } state;
    struct kith_alarm alarm;
    struct kith_addr from; /* where others know us */
    uint32_t left_at;      /* the incarnation that has left */
    uint32_t claimed;      /* the highest that was said of us while away */
};

/* Others know us at `from`, and c->advertise says another. */
void kith_moving_begin(struct kith_core *, const struct kith_addr *from);
/* For good, when the node leaves. */
void kith_moving_end(struct kith_core *);
void kith_moving_alarm(struct kith_core *, struct kith_alarm *);

#endif
