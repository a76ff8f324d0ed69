/*
 * sync.h - full states: writing ours, judging and merging a peer's, the push/pull tick
 * (PROTOCOL.md 2.10, 2.13).
 */
#ifndef KITH_SYNC_H
#define KITH_SYNC_H

#include "alarms.h"
#include "exchange.h"

struct kith_record;

/* Begin a push/pull: kind is KITH_EXCHANGE_JOIN or KITH_EXCHANGE_PUSH_PULL. NULL: as for any dial.
 */
struct kith_exchange *kith_sync_dial(struct kith_core *, enum kith_exchange_kind,
                                     const struct kith_peer *);
/* Of the exchanges that are to send our state, make it for the one whose turn it is; or reset
 * another one for its sake. False: nothing to do now. */
bool kith_sync_send_next(struct kith_core *);
uint64_t kith_sync_deadline(const struct kith_core *); /* when there is again; UINT64_MAX */
int kith_sync_merge(struct kith_core *, struct kith_exchange *);

void kith_sync_tick(struct kith_core *, struct kith_alarm *);
/* One that comes earlier, as the last one taught names (young.h). */
void kith_sync_young(struct kith_core *, struct kith_alarm *);
/* Ask who is doubted for their own word. */
void kith_sync_ask(struct kith_core *, struct kith_alarm *);
/* Set the alarm for the next push/pull; the first one is spread over an interval. */
void kith_sync_schedule(struct kith_core *, bool first);
/* How many intervals lie between two push/pulls in a cluster of n (PROTOCOL.md 2.10). */

#endif
