/*
 * answer.h - pings, relays, acks and nacks that arrive in packets.
 */
#ifndef KITH_ANSWER_H
#define KITH_ANSWER_H

#include "wire.h"

struct kith_core;

void kith_on_ping(struct kith_core *, const struct kith_addr *from, const struct kith_msg *);
void kith_on_indirect_ping(struct kith_core *, const struct kith_addr *from,
                           const struct kith_msg *);
void kith_on_ack(struct kith_core *, const struct kith_msg *, uint64_t received_at);
void kith_on_nack(struct kith_core *, const struct kith_msg *);
/* Bytes of the longest ack payload towards `to`; NULL: towards everybody. */
size_t kith_answer_payload_max(const struct kith_core *, const struct kith_peer *to);

#endif
