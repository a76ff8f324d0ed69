/*
 * packet.h - packets on their way out: one message bare, several in a compound, broadcasts beside
 * them. Knows no rule that makes a message.
 */
#ifndef KITH_PACKET_H
#define KITH_PACKET_H

#include "output.h"

/* A packet, or several, in the making:
 *
 *     begin        nothing is allocated yet
 *     add_*, fill  parts are appended; one that does not fit ends the packet and begins the next
 *     end          the packet is among the outputs; one without parts is dropped
 */
struct kith_packer {
    struct kith_core *core;
    const struct kith_peer *to;
    size_t size; /* payload to make room for */
    struct kith_item *item;
    unsigned parts;
    uint16_t lengths[KITH_COMPOUND_MAX];
};

/* to: lent until the end; it has an address. */
void kith_packer_begin(struct kith_packer *, struct kith_core *, const struct kith_peer *to);
/* False: dropped and counted. */
bool kith_packer_add_user(struct kith_packer *, struct kith_bytes payload);
bool kith_packer_add_message(struct kith_packer *, const struct kith_msg *);
/* Add what is to be gossiped, within limit bytes, each part with 2 bytes of overhead
 * (PROTOCOL.md 2.17). It counts as sent. Bytes used. */
size_t kith_packer_fill(struct kith_packer *, size_t limit);
void kith_packer_end(struct kith_packer *);

/* The largest packet towards `to`; NULL: towards everybody. */
struct kith_core_budget kith_packet_budget(const struct kith_core *, const struct kith_peer *to);
/* Bytes of the longest message that packets of `budget` bytes can gossip: a compound of one part
 * has 2 bytes in front, and 2 bytes of length. */
size_t kith_packet_broadcast_max(size_t budget);
/* A ping or indirect ping of our own. News rides beside it, as in a round of gossip, if a member is
 * there. */
void kith_send_piggyback(struct kith_core *, const struct kith_addr *to, struct kith_bytes name,
                         const struct kith_msg *);
/* What somebody else makes us send: an ack, a nack, a ping that is relayed. Beside some of them
 * rides news for members, which does not count as sent. A stranger gets no more than is left of
 * what the packet in hand allows; false: nothing was sent. */
bool kith_send_answer(struct kith_core *, const struct kith_addr *to, struct kith_bytes name,
                      const struct kith_msg *);

#endif
