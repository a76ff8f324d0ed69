/*
 * completion.h - requests that have not ended, and how they end: each in exactly one KITH_OUT_DONE.
 * Knows nothing of what was asked for.
 */
#ifndef KITH_COMPLETION_H
#define KITH_COMPLETION_H

#include "alarms.h"
#include "broadcast.h"
#include "output.h"

enum kith_request_kind {
    KITH_REQUEST_LEAVE = 1,
    KITH_REQUEST_UPDATE,
    KITH_REQUEST_BROADCAST,
    KITH_REQUEST_OTHER
};

/* A request of the core's owner. It lives until it is answered and no queue knows it any more:
 *
 *     new                            waiting: `done` is its answer, allocated beforehand
 *     waiting  --done or timeout-->  answered: KITH_OUT_DONE is among the outputs
 *     waiting  --alone------------>  likewise, when its broadcast has no hearer left
 *     waiting  --cancel----------->  answered without a word; the call fails instead
 *     answered, not queued           freed at once
 *     answered, queued               freed when the broadcast queue ends its entry
 */
struct kith_request {
    struct kith_alarm alarm;           /* the timeout; not every request has one */
    struct kith_request *next, **link; /* among those that wait for a broadcast */
    struct kith_item *done;            /* NULL: answered */
    uint32_t id;
    uint8_t kind;
    bool queued; /* a broadcast queue has an entry with its tag */
    int refused; /* why no queue has: a negative KITH_E code; 0: there was nothing to queue */
};

struct kith_request *kith_request_new(struct kith_core *, enum kith_request_kind);
void kith_request_cancel(struct kith_core *, struct kith_request *);
void kith_request_timeout(struct kith_core *, struct kith_request *, uint64_t timeout);
void kith_request_done(struct kith_core *, struct kith_request *, int status, uint64_t value);
/* Is there another live member, who could hear a broadcast? Without one nobody waits for its end.
 */
bool kith_request_company(const struct kith_core *);
/* Another member died or has left. If it was the last, who waits for a broadcast is answered; what
 * is queued stays, for members that join later. */
void kith_request_gone(struct kith_core *);
/* All that wait for the node's leave end together. */
void kith_request_leave_done(struct kith_core *, int status);
/* For the broadcast queues: the entry whose tag is a request has ended. */
void kith_request_broadcast_end(void *core, uint64_t tag, enum kith_broadcast_end);

#endif
