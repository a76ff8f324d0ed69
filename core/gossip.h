/*
 * gossip.h - the gossip tick (PROTOCOL.md 2.9).
 */
#ifndef KITH_GOSSIP_H
#define KITH_GOSSIP_H

#include "alarms.h"

void kith_gossip_tick(struct kith_core *, struct kith_alarm *);
/* Sample how long the queue is. */
void kith_queue_tick(struct kith_core *, struct kith_alarm *);

#endif
