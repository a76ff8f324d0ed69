/*
 * udp_tcp.h - what the files of this transport share.
 *
 *   udp_tcp.c          the plugin: parameters, life, reload
 *   address.c          addresses: text, kith_addr and sockaddr
 *   listen.c           binding sockets, with errors that say what to change
 *   advertise.c        which address others shall use
 *   address_watch.c    notices that it is gone
 *   calls.c            system calls that may be denied, and older ones for them
 *   failures.c         what the system refuses to send: counted and said
 *   datagrams.c        packets, in batches both ways
 *   connection.c       the table of connections, and how one ends
 *   stream_io.c        their bytes
 *   connection_life.c  how they begin: open, accept, limits, deadlines
 *   later.c            what is told after a call of the node; what one turn may read
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
    KITH_UT_READ = 65536,  /* bytes read from a stream at once */
    KITH_UT_HOST_MAX = 80, /* longest text of an address, with its scope */
    KITH_UT_HINTS_MAX = 64 /* addresses said to be unreachable, of one turn */
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
    unsigned packets_left;        /* to read in this turn */
    unsigned read_failures;       /* in a row */
    bool held;                    /* not read, because that fails: until the timer */
    uint32_t dropped; /* the system's own count of datagrams dropped, as of the last one received */
    struct kith_watch *udp_watch, *tcp_watch;
};

/* Datagrams waiting to be sent from one socket. */
struct kith_ut_batch;

struct kith_ut_stream;

struct kith_ut_slot {
    struct kith_ut_stream *stream; /* NULL: free */
    size_t next_free;              /* from 1; 0: none */
};

/* Why something was not sent. */
enum kith_ut_reason {
    KITH_UT_OTHER,
    KITH_UT_REFUSED,
    KITH_UT_NO_ROUTE,
    KITH_UT_NO_NETWORK,
    KITH_UT_FORBIDDEN,
    KITH_UT_TOO_BIG,
    KITH_UT_NO_FAMILY,
    KITH_UT_NO_MEANS,
    KITH_UT_REASONS
};

enum kith_ut_plane { KITH_UT_PACKETS, KITH_UT_STREAMS };

/* A line now and then. */
struct kith_ut_quiet {
    uint64_t unsaid, until;
};

/* For one reason; a plane that fails is said whatever the other one does. */
struct kith_ut_failures {
    uint64_t *count;
    struct kith_ut_quiet planes[2];
};

#define KITH_UT_COUNTERS(X) \
    X(packets_received, "Datagrams received.") \
    X(packets_sent, "Datagrams handed to the system.") \
    X(bytes_received, "Bytes of datagrams received.") \
    X(bytes_sent, "Bytes of datagrams handed to the system.") \
    X(packets_dropped_empty, "Datagrams received without any byte.") \
    X(packets_dropped_system, \
      "Datagrams that the system dropped because the receive buffer was full.") \
    X(receive_errors, "Calls of the system for datagrams that failed.") \
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
    X(accept_errors, "Errors of the system while accepting connections.") \
    X(hints_dropped, "Addresses that refused and were not reported, as a turn had too many.")

struct kith_ut {
    /* parameters */
    struct kith_list bind;
    const char *advertise, *interface;
    bool follow_address;
    uint32_t max_connections, max_per_source;
    uint64_t idle_timeout, receive_buffer;

    const struct kith_host *host;
    const struct kith_uplink *up;

    struct kith_ut_socket sockets[KITH_UT_BINDS_MAX];
    size_t socket_count;
    uint16_t last_port;                  /* of entries with port 0, kept over a stop */
    struct kith_addr wanted, advertised; /* from `advertise`, len 0: none; in force */
    struct {
        bool guessed; /* the one in force is */
        bool lost;    /* it is gone, and that was said */
        int fd;       /* tells of changes; 0 or -1: none */
        struct kith_watch *watch;
        struct kith_timer *timer;
    } address;

    struct kith_ut_ring *ring;        /* buffers for receiving */
    struct kith_ut_batch *batches[2]; /* to IPv4, to IPv6; NULL: no socket for it */
    struct kith_timer *read_timer;    /* sockets that are held are read again */
    struct {
        unsigned recvmmsg, sendmmsg, accept4; /* times that it failed where an older one did not */
    } misses;

    struct kith_ut_slot *slots; /* streams by id; see connection.c */
    size_t slot_count, slot_cap, free_slot;
    uint64_t last_stream;                /* streams there ever were; kept over a stop */
    struct kith_ut_stream *sources[256]; /* inbound ones by source */
    uint64_t source_key[3];              /* of their hash */
    struct kith_ut_stream *ended;        /* closed is still to be said */
    uint32_t inbound;
    bool accept_paused;
    uint64_t accept_delay; /* it failed: how long it waits now; 0: it did not */
    int reserve;           /* for a connection when no descriptor is left; 0 or -1: none */
    struct kith_timer *accept_timer;
    bool running;

    struct {
        struct kith_timer *timer;
        bool open;         /* something was read in this turn */
        uint64_t round;    /* of passing the turns on, from 1 */
        uint32_t waiting;  /* streams that had to wait in this round */
        size_t bytes_left; /* of streams, in this turn */
    } turn;
    struct {
        struct kith_timer *timer;
        struct kith_addr *hints; /* KITH_UT_HINTS_MAX; NULL before the first */
        size_t hint_count;
        uint32_t changed; /* enum kith_changed */
    } later;

    struct kith_ut_failures failures[KITH_UT_REASONS];
    struct kith_ut_quiet too_many; /* connections of one source */
    struct {
#define X(name, help) uint64_t *name;
        KITH_UT_COUNTERS(X)
#undef X
    } count;
};

/* address.c */
int kith_ut_parse(void *self, struct kith_bytes text, struct kith_addr *out,
                  struct kith_bytes *host);
int kith_ut_format(void *self, const struct kith_addr *, char *out, size_t cap);
/* False: not an address of ours. IPv4 in IPv6's clothes becomes IPv4. */
bool kith_ut_to_sockaddr(const struct kith_addr *, union kith_ut_sockaddr *);
void kith_ut_from_sockaddr(const union kith_ut_sockaddr *, struct kith_addr *);
socklen_t kith_ut_sockaddr_len(const union kith_ut_sockaddr *);
uint16_t kith_ut_port(const union kith_ut_sockaddr *);
void kith_ut_set_port(union kith_ut_sockaddr *, uint16_t port);
bool kith_ut_wildcard(const union kith_ut_sockaddr *);
const char *kith_ut_text(const union kith_ut_sockaddr *, char out[KITH_UT_HOST_MAX]);
/* "host:port", "[v6]:port", "host", ":port"; *port stays as it is without one. */
int kith_ut_split(struct kith_bytes text, struct kith_bytes *host, uint16_t *port);
/* A literal, scope allowed; "" is the IPv6 wildcard. */
int kith_ut_literal(struct kith_bytes host, uint16_t port, union kith_ut_sockaddr *);

/* listen.c: init parses `bind`; open binds what has no sockets yet, all or nothing. */
int kith_ut_listen_init(struct kith_ut *, struct kith_error *);
int kith_ut_listen_open(struct kith_ut *, struct kith_error *);
void kith_ut_listen_tune(struct kith_ut *);
void kith_ut_socket_close(struct kith_ut_socket *);

/* advertise.c */
int kith_ut_advertise_init(struct kith_ut *, struct kith_error *);
int kith_ut_advertise_find(struct kith_ut *, struct kith_error *);
/* Does this machine still have the address that was guessed? */
bool kith_ut_advertise_holds(const struct kith_ut *);

/* address_watch.c */
void kith_ut_addresses_watch(struct kith_ut *);
void kith_ut_addresses_stop(struct kith_ut *);

/* Of packets and streams: prepare gets what can be had beside another instance that runs; watch
 * makes the watches (a descriptor has one at a time); stop works after either. */

/* calls.c: as recvmmsg, sendmmsg and accept4, without waiting. */
int kith_ut_receive(struct kith_ut *, int fd, struct mmsghdr *, unsigned n);
int kith_ut_send(struct kith_ut *, int fd, struct mmsghdr *, unsigned n);
int kith_ut_accept(struct kith_ut *, int fd, union kith_ut_sockaddr *from);

/* failures.c */
void kith_ut_failures_init(struct kith_ut *);
void kith_ut_failed(struct kith_ut *, enum kith_ut_plane, const struct kith_addr *to, int error);
/* A connection from whoever has max_per_source: count it, and say so now and then. */
void kith_ut_refused_source(struct kith_ut *, const struct kith_addr *from);

/* datagrams.c */
int kith_ut_packets_prepare(struct kith_ut *, struct kith_error *);
int kith_ut_packets_watch(struct kith_ut *, struct kith_error *);
void kith_ut_packets_stop(struct kith_ut *);
int kith_ut_send_packet(void *self, const struct kith_peer *to, struct kith_buf *);
void kith_ut_flush(void *self);

/* connection_life.c */
int kith_ut_streams_prepare(struct kith_ut *, struct kith_error *);
int kith_ut_streams_watch(struct kith_ut *, struct kith_error *);
void kith_ut_streams_stop(struct kith_ut *);
void kith_ut_streams_adopt(struct kith_ut *, struct kith_ut *old);
int kith_ut_stream_open(void *self, const struct kith_peer *to, uint64_t *id);

/* connection.c */
/* Tell the node of all that ended. */
void kith_ut_streams_say_closed(struct kith_ut *);
void kith_ut_stream_reset(void *self, uint64_t id);

/* stream_io.c */
int64_t kith_ut_stream_write(void *self, uint64_t id, struct kith_bytes);
void kith_ut_stream_finish(void *self, uint64_t id);
void kith_ut_stream_read(void *self, uint64_t id, bool on);

/* later.c */
/* tell is due as soon as the node is out of its call; it ends with kith_ut_later_tell(). */
int kith_ut_later_start(struct kith_ut *, void (*tell)(void *arg), struct kith_error *);
void kith_ut_later_stop(struct kith_ut *);
void kith_ut_later(struct kith_ut *);
void kith_ut_later_tell(struct kith_ut *);
/* Before reading: when it is the first time in a turn, the turn's allowances are whole again. */
void kith_ut_turn(struct kith_ut *);
/* These may be called from anywhere; the node hears of it in a call of its own. */
void kith_ut_say_unreachable(struct kith_ut *, const struct kith_addr *);
void kith_ut_say_changed(struct kith_ut *, uint32_t what);

#endif
