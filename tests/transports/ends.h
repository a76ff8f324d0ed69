/*
 * ends.h - ends of a transport under test: instances of the real plugin on a real or virtual loop
 * with the real services, and an uplink that remembers what it was told.
 *
 * An end plays the node, and holds both to the contract: no upcall from inside a call, no call from
 * inside an upcall (what upcalls lead to is done when the turn has ended), every id alive and
 * unknown when it is new, a stream opened or accepted once, its end once, nothing after closed.
 */
#ifndef KITH_TEST_ENDS_H
#define KITH_TEST_ENDS_H

#include "host.h"
#include "test.h"

enum { STREAMS_MAX = 4096, KEEP = 256 };

struct end_stream {
    uint64_t id;
    bool accepted, opened, writable, ended, closed;
    bool waits;    /* the last write took less */
    bool finished; /* by this end */
    bool paused;
    size_t reads; /* upcalls of data */
    int reason;
    size_t got, sent;
    uint64_t sum;       /* of the bytes got, position and all */
    uint8_t head[KEEP]; /* the first bytes got */
    struct kith_addr from;
};

struct end {
    struct kith_uplink up; /* first: an upcall finds its end by it */
    struct kith_config *config;
    struct kith_instance *in;
    const struct kith_transport_ops *ops;
    void *self;
    struct kith_addr addr;

    size_t packets;
    uint8_t packet[65536];
    size_t packet_len;
    struct kith_addr packet_from;

    struct end_stream streams[STREAMS_MAX];
    size_t stream_count;
    uint64_t last_id;
    bool refuse;    /* accept no stream */
    size_t to_send; /* bytes to send on each stream, from opened on; then finish */
    bool in_call;   /* an upcall from inside a downcall is an error */
    size_t upcalls;
    uint32_t changed; /* bits that were said */
    struct kith_addr unreachable;
    size_t unreachable_count;
    size_t later[STREAMS_MAX]; /* streams to go on sending on when the turn has ended */
    size_t later_count;
    struct end *next;
};

extern struct kith_loop *loop;

/* A loop and services; real or virtual. Time may be virtual, the sockets are not: the instances see
 * the real world. */
void ends_begin(bool real);
/* A virtual world as they see it, too; it begins with this seed. */
void ends_begin_world(uint64_t seed);
void ends_finish(void);
/* An instance from the transport's part of a node file: "bind: ..., max_connections: 5", of udp_tcp
 * or, "use: unix_socket, path: ...", of the example. NULL when
 * it can't be had: err_text says why. adopting: the end it replaces, whose streams it has then; who
 * is to be freed by the caller in any case. */
struct end *end_new(const char *settings);
struct end *end_adopting(const char *settings, struct end *old);
/* Made, but not started: what may be asked after init alone. */
struct end *end_made(const char *settings);
/* Start it, also again after kith_instance... stop. False: err_text says why. */
bool end_start(struct end *, struct end *former);
void end_free(struct end *);
extern char err_text[512];

int end_send(struct end *, const struct kith_addr *to, size_t len);
struct end_stream *end_open(struct end *,
                            const struct kith_addr *to); /* NULL: refused at once; open_status */
extern int open_status;
int64_t end_write(struct end *, struct end_stream *, const void *data, size_t len);
void end_finish(struct end *, struct end_stream *);
void end_reset(struct end *, struct end_stream *);
void end_read(struct end *, struct end_stream *, bool on);
void end_flush(struct end *);
/* Begin to send e->to_send bytes on a stream that is open. */
void end_go_on(struct end *, struct end_stream *);
/* One turn of the loop, and what its upcalls led to. */
void ends_turn(uint64_t wait);
/* What the setting node.tcp_timeout is for new connections, ns; 10 s at the beginning. */
extern uint64_t tcp_timeout;
uint64_t end_counter(struct end *, const char *name);
/* Of a counter with the label reason. */
uint64_t end_dropped(struct end *, const char *reason);
/* Byte `at` of what streams carry in these tests, and what the sum over n of them must be. */
uint8_t pattern(size_t at);
uint64_t pattern_sum(size_t n);
bool before_deadline(bool first);

/* How long a turn may wait while a test turns until something holds. With virtual time and real
 * sockets it stands still meanwhile. */
uint64_t ends_patience(void);

/* Turn until cond holds. Half a minute without it fails the
 * test; nothing depends on how long it takes. */
#define UNTIL(cond) \
    do { \
        before_deadline(true); \
        while (!(cond) && before_deadline(false)) ends_turn(ends_patience()); \
        CU_ASSERT_TRUE_FATAL(cond); \
    } while (0)

#endif
