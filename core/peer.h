/*
 * peer.h - whom a message goes to, put together from what is known of it.
 */
#ifndef KITH_PEER_H
#define KITH_PEER_H

#include <kith/plugin.h>

/* Lends addr and name. pmax: 0 where memberlist would not know it. */
static inline struct kith_peer kith_peer_of(const struct kith_addr *addr, struct kith_bytes name,
                                            uint8_t pmax)
{
    struct kith_peer peer = {.size = sizeof peer, .protocol_max = pmax, .addr = addr, .name = name};
    return peer;
}

/* Copy the bytes that count: most of the struct is room for the longest address. */
static inline void kith_addr_copy(struct kith_addr *to, const struct kith_addr *from)
{
    to->port = from->port;
    to->len = from->len;
    memcpy(to->bytes, from->bytes, from->len);
}

#endif
