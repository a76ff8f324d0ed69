/*
 * tcp_streams.h - the TCP connections of a capture, put together again from their segments.
 */
#ifndef KITH_TOOLS_TCP_STREAMS_H
#define KITH_TOOLS_TCP_STREAMS_H

#include <kith/plugin.h>

struct kith_endpoint {
    uint8_t ip[16], len; /* 4 or 16 bytes */
    uint16_t port;
};

/* One direction of a connection, from its first byte on. */
struct kith_half {
    struct kith_endpoint from, to;
    uint64_t began;
    bool opener; /* of the side that connected, as far as that was seen */
    bool holes;  /* bytes are missing behind these */
    struct kith_bytes bytes;
};

struct kith_tcp_streams;
struct kith_tcp_streams *kith_tcp_streams_new(void); /* NULL: no memory */
void kith_tcp_streams_free(struct kith_tcp_streams *);
/* A segment, with its TCP header; the ports of from and to are read from it. */
void kith_tcp_streams_add(struct kith_tcp_streams *, uint64_t at, struct kith_endpoint *from,
                          struct kith_endpoint *to, struct kith_bytes segment);
/* All there were, in the order in which they began; their bytes are gone behind each call. */
void kith_tcp_streams_each(struct kith_tcp_streams *,
                           void (*fn)(void *arg, const struct kith_half *), void *arg);

#endif
