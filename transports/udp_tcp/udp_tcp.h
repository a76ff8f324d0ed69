/*
 * udp_tcp.h - what the files of this transport share.
 *
 *   udp_tcp.c    the plugin: parameters, life, reload
 *   address.c    addresses: text, kith_addr and sockaddr
 *   listen.c     binding sockets, with errors that say what to change
 *   advertise.c  which address others shall use
 *   packets.c    datagrams, in batches both ways
 *   connection.c the table of connections, and how one ends
 *   stream_io.c  their bytes
 *   streams.c    their life: open, accept, limits, deadlines
 *
 * Everything runs on the node's thread and nothing blocks.
 */
#ifndef KITH_UDP_TCP_H
#define KITH_UDP_TCP_H

#include <kith/plugin.h>
#include <netinet/in.h>
#include <sys/socket.h>

enum {
    KITH_UT_PORT = 7946,        /* memberlist's */
    KITH_UT_PACKET_MAX = 65507, /* of UDP over IPv4 */
    KITH_UT_BINDS_MAX = 16,
    KITH_UT_READ = 65536, /* bytes read from a stream at once */
    KITH_UT_HOST_MAX = 80 /* longest text of an address, with its scope */
};

struct kith_ut;

union kith_ut_sockaddr {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* One entry of `bind`: a TCP listener and a UDP socket on the same port. */
struct kith_ut_socket {
    struct kith_ut *owner;
    union kith_ut_sockaddr local; /* as configured, with the real port once bound */
    bool any_port;                /* port 0 was asked for */
    bool dual;                    /* IPv6 wildcard that takes IPv4 too */
    int udp, tcp;                 /* -1: none */
    uint32_t dropped; /* the system's own count of datagrams dropped, as of the last one received */
    struct kith_watch *udp_watch, *tcp_watch;
};

/* Datagrams waiting to be sent from one socket. */
struct kith_ut_batch;

struct kith_ut_stream;

struct kith_ut_slot {
    struct kith_ut_stream *stream; /* NULL: free */
    size_t next_free;              /* from 1; 0: none */
    uint16_t uses;
};

#define KITH_UT_COUNTERS(X) \
    X(packets_received, "Datagrams received.") \
    X(packets_sent, "Datagrams handed to the system.") \
    X(bytes_received, "Bytes of datagrams received.") \
    X(bytes_sent, "Bytes of datagrams handed to the system.") \
    X(packets_dropped_empty, "Datagrams received without any byte.") \
    X(packets_dropped_system, \
      "Datagrams that the system dropped because the receive buffer was full.") \
    X(packets_dropped_send_full, "Datagrams not sent because the send buffer was full.") \
    X(packets_dropped_send_failed, "Datagrams that the system refused to send.") \
    X(streams_accepted, "Connections accepted.") \
    X(streams_opened, "Connections made to others.") \
    X(streams_failed, "Connections to others that could not be made.") \
    X(streams_timed_out, "Connections closed because nothing moved on them.") \
    X(streams_refused_per_source, \
      "Connections refused because one source had max_per_source open.") \
    X(streams_refused_by_node, "Connections that the node did not want.") \
    X(accepts_paused, "Times that max_connections were open and new ones had to wait.") \
    X(accept_errors, "Errors of the system while accepting connections.")

struct kith_ut {
    /* parameters */
    struct kith_strings bind;
    const char *advertise, *interface;
    uint32_t max_connections, max_per_source;
    uint64_t idle_timeout, receive_buffer;

    const struct kith_host *host;
    const struct kith_uplink *up;
    uint64_t connect_timeout;

    struct kith_ut_socket sockets[KITH_UT_BINDS_MAX];
    size_t socket_count;
    struct kith_addr wanted, advertised; /* from `advertise`, len 0: none; in force */

    struct kith_ut_ring *ring;        /* buffers for receiving */
    struct kith_ut_batch *batches[2]; /* to IPv4, to IPv6; NULL: no socket for it */

    struct kith_ut_slot *slots; /* streams by id; see connection.c */
    size_t slot_count, slot_cap, free_slot;
    struct kith_ut_stream *sources[256]; /* inbound ones by source */
    struct kith_ut_stream *ended;        /* closed is still to be said */
    uint32_t inbound;
    bool accept_paused;
    uint64_t accept_delay;
    struct kith_timer *accept_timer, *ended_timer;
    uint8_t *read_buffer;
    bool running;

    struct {
#define X(name, help) uint64_t *name;
        KITH_UT_COUNTERS(X)
#undef X
    } count;
};

/* address.c */
int kith_ut_parse(void *self, const char *host, uint16_t port, struct kith_addr *out);
int kith_ut_format(void *self, const struct kith_addr *, char *out, size_t cap);
/* False: not an address of ours. IPv4 in IPv6's clothes becomes IPv4. */
bool kith_ut_to_sockaddr(const struct kith_addr *, union kith_ut_sockaddr *);
void kith_ut_from_sockaddr(const union kith_ut_sockaddr *, struct kith_addr *);
socklen_t kith_ut_sockaddr_len(const union kith_ut_sockaddr *);
uint16_t kith_ut_port(const union kith_ut_sockaddr *);
void kith_ut_set_port(union kith_ut_sockaddr *, uint16_t port);
bool kith_ut_wildcard(const union kith_ut_sockaddr *);
const char *kith_ut_text(const union kith_ut_sockaddr *, char out[KITH_UT_HOST_MAX]);
/* "host:port", "[v6]:port", "host", ":port"; *port stays as it is without one. host:
 * KITH_UT_HOST_MAX bytes. */
int kith_ut_split(const char *text, char *host, uint16_t *port);
/* A literal, scope allowed; "" is the IPv6 wildcard. */
int kith_ut_literal(const char *host, uint16_t port, union kith_ut_sockaddr *);

/* listen.c: init parses `bind`; open binds what has no sockets yet, all or nothing. */
int kith_ut_listen_init(struct kith_ut *, struct kith_error *);
int kith_ut_listen_open(struct kith_ut *, struct kith_error *);
void kith_ut_socket_close(struct kith_ut_socket *);

/* advertise.c */
int kith_ut_advertise_init(struct kith_ut *, struct kith_error *);
int kith_ut_advertise_find(struct kith_ut *, struct kith_error *);

/* packets.c */
int kith_ut_packets_start(struct kith_ut *, struct kith_error *);
void kith_ut_packets_stop(struct kith_ut *);
int kith_ut_send_packet(void *self, const struct kith_addr *to, const char *name,
                        struct kith_bytes);
void kith_ut_flush(void *self);

/* streams.c */
int kith_ut_streams_start(struct kith_ut *, struct kith_error *);
void kith_ut_streams_stop(struct kith_ut *);
void kith_ut_streams_adopt(struct kith_ut *, struct kith_ut *old);
int kith_ut_stream_open(void *self, const struct kith_addr *to, const char *name, uint32_t *id);

/* connection.c */
void kith_ut_stream_reset(void *self, uint32_t id);

/* stream_io.c */
int64_t kith_ut_stream_write(void *self, uint32_t id, const uint8_t *data, size_t len);
void kith_ut_stream_finish(void *self, uint32_t id);
void kith_ut_stream_read(void *self, uint32_t id, bool on);

#endif
