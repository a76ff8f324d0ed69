/*
 * gossip.h - a round of gossip (PROTOCOL.md 2.9).
 */
#ifndef KITH_GOSSIP_H
#define KITH_GOSSIP_H

#include "alarms.h"

/* What is due now. */
void kith_gossip(struct kith_core *);
/* Sample how long the queue is. */
void kith_queue_tick(struct kith_core *, struct kith_alarm *);

#endif
