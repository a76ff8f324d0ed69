/*
 * ends.h - ends of a transport under test: instances of the real plugin on a real or virtual loop
 * with the real services, and an uplink that remembers what it was told.
 */
#ifndef KITH_TEST_ENDS_H
#define KITH_TEST_ENDS_H

#include "host.h"
#include "test.h"

enum { STREAMS_MAX = 4096, KEEP = 256 };

struct end_stream {
    uint32_t id;
    bool accepted, opened, writable, ended, closed;
    int reason;
    size_t got, sent;
    uint64_t sum;       /* of the bytes got, position and all */
    uint8_t head[KEEP]; /* the first bytes got */
    struct kith_addr from;
};

struct end {
    struct kith_config *config;
    struct kith_instance *in;
    const struct kith_transport_ops *ops;
    void *self;
    struct kith_uplink up;
    struct kith_addr addr;

    size_t packets;
    uint8_t packet[65536];
    size_t packet_len;
    struct kith_addr packet_from;

    struct end_stream streams[STREAMS_MAX];
    size_t stream_count;
    bool refuse;    /* accept no stream */
    size_t to_send; /* bytes to send on each stream, from opened on; then finish */
    bool in_call;   /* an upcall from inside a downcall is an error */
    size_t upcalls;
};

extern struct kith_loop *loop;

/* A loop and services; real or virtual. */
void ends_begin(bool real);
void ends_finish(void);
/* An instance from the transport's part of a node file: "bind: ..., max_connections: 5". NULL when
 * it can't be had: err_text says why. adopt: NULL, or the end it replaces. */
struct end *end_new(const char *settings);
struct end *end_adopting(const char *settings, struct end *old);
void end_free(struct end *);
extern char err_text[512];

int end_send(struct end *, const struct kith_addr *to, size_t len);
struct end_stream *end_open(struct end *,
                            const struct kith_addr *to); /* NULL: refused at once; open_status */
extern int open_status;
int64_t end_write(struct end *, struct end_stream *, const void *data, size_t len);
void end_finish(struct end *, struct end_stream *);
void end_reset(struct end *, struct end_stream *);
uint64_t end_counter(struct end *, const char *name);
/* Byte `at` of what streams carry in these tests, and what the sum over n of them must be. */
uint8_t pattern(size_t at);
uint64_t pattern_sum(size_t n);
bool before_deadline(bool first);

/* Turn until cond holds; virtual time stands still meanwhile. Half a minute without it fails the
 * test; nothing depends on how long it takes. */
#define UNTIL(cond) \
    do { \
        before_deadline(true); \
        while (!(cond) && before_deadline(false)) \
            kith_loop_turn(loop, kith_loop_is_virtual(loop) ? 0 : 100000000); \
        CU_ASSERT_TRUE_FATAL(cond); \
    } while (0)

#endif
