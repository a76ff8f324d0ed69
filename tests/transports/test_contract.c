/*
 * test_contract.c - what the header says of every transport, where it takes sockets to ask for it,
 * so of udp_tcp: hints, what is told later, bounded turns, failures of the host. The rest is in
 * test_every_transport.c.
 */
#include "ends.h"
#include "raw.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define V4     "bind: '127.0.0.1:0'"
#define SECOND UINT64_C(1000000000)

/* ------------------------------------------------------------------------------------ limits */

static void test_limits(void)
{
    ends_begin(true);
    struct end *e = end_made(V4); /* init is enough */
    struct kith_limits l;
    KITH_ZERO(&l);
    e->ops->limits(e->self, &l);
    CU_ASSERT_EQUAL(l.packet, 65507);
    CU_ASSERT_EQUAL(l.provides, 0);
    CU_ASSERT_EQUAL(l.stream_window, 0);
    CU_ASSERT_EQUAL(l.headroom + l.tailroom, 0);
    CU_ASSERT_EQUAL(e->ops->default_port, 7946);
    end_free(e);
    ends_finish();
}

/* ------------------------------------------------------------------------------------- hints */

/* A packet to a port where nobody is: the system says so a moment later. */
static void packet_refused(const char *settings, struct kith_addr nobody, struct kith_addr shown)
{
    ends_begin(true);
    struct end *a = end_new(settings);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_EQUAL(end_send(a, &nobody, 10), 0);
    end_flush(a);
    CU_ASSERT_EQUAL(a->unreachable_count, 0); /* not from inside a call */
    UNTIL(a->unreachable_count > 0);
    CU_ASSERT(kith_addr_equal(&a->unreachable, &shown));

    /* What one destination refuses costs the next nothing, though the system says it there. */
    for (int i = 0; i < 20; i++) {
        size_t had = a->packets;
        CU_ASSERT_EQUAL(end_send(a, &nobody, 10), 0);
        end_flush(a);
        CU_ASSERT_EQUAL(end_send(a, &a->addr, 20), 0);
        end_flush(a);
        UNTIL(a->packets == had + 1);
    }
    CU_ASSERT_EQUAL(end_counter(a, "packets_dropped_send_failed"), 0);
    CU_ASSERT_EQUAL(end_counter(a, "packets_sent"), 41);
    end_free(a);
    ends_finish();
}

static void test_packet_refused(void)
{
    uint16_t port, port6;
    int fd = raw_socket(SOCK_STREAM, &port); /* held for TCP, free for UDP */
    port6 = port;
    struct kith_addr six = {.port = port6, .len = 16, .bytes = {[15] = 1}};
    packet_refused(V4, v4(port), v4(port));
    packet_refused("bind: '[::1]:0'", six, six);
    /* IPv4 over a socket for both: in its short form. */
    packet_refused("bind: '[::]:0', advertise: '127.0.0.1'", v4(port), v4(port));
    close(fd);
}

/* A dial that the system refuses in the call itself has an id, and ends like any other. */
static void test_dial_fails_at_once(void)
{
    ends_begin(true);
    struct end *a = end_new(V4);
    struct kith_addr broadcast = {.port = 9, .len = 4, .bytes = {255, 255, 255, 255}};
    struct end_stream *s = end_open(a, &broadcast);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(a->upcalls, 0);
    UNTIL(s->closed);
    CU_ASSERT_FALSE(s->opened);
    CU_ASSERT(s->reason < 0);
    CU_ASSERT_EQUAL(a->unreachable_count, s->reason == -KITH_EUNREACHABLE);
    CU_ASSERT_EQUAL(end_counter(a, "streams_failed"), 1);

    /* And one that the node gave up meanwhile is not spoken of. */
    s = end_open(a, &broadcast);
    size_t upcalls = a->upcalls;
    end_reset(a, s);
    struct kith_addr self = a->addr;
    s = end_open(a, &self);
    UNTIL(s->opened);
    CU_ASSERT(a->upcalls <= upcalls + 3); /* opened, accepted, perhaps the hint */
    end_free(a);
    ends_finish();
}

static void test_connect_time(void)
{
    uint16_t port;
    int fillers[64];
    ends_begin(false);
    int listener = raw_socket(SOCK_STREAM, &port);
    CU_ASSERT_EQUAL(listen(listener, 0), 0);
    for (int i = 0; i < 64; i++) fillers[i] = raw_connect(port);
    struct end *a = end_new(V4);
    struct kith_addr to = v4(port);
    struct end_stream *s = end_open(a, &to);
    tcp_timeout = 2 * SECOND; /* a reload: what is dialled from now on has this */
    struct end_stream *t = end_open(a, &to);
    uint64_t began = kith_loop_now(loop);
    kith_loop_run_until(loop, began + 2 * SECOND + 1);
    CU_ASSERT_TRUE(t->closed && t->reason == -KITH_ETIMEOUT);
    CU_ASSERT_FALSE(s->closed);
    kith_loop_run_until(loop, began + 10 * SECOND + 1);
    CU_ASSERT_TRUE(s->closed && s->reason == -KITH_ETIMEOUT);
    for (int i = 0; i < 64; i++) close(fillers[i]);
    close(listener);
    end_free(a);
    ends_finish();
}

/* ------------------------------------------------------------------------------------- turns */

/* A turn reads 4,096 packets at most, shared among the sockets; the rest is there in the next. */
static void test_packets_of_a_turn(void)
{
    enum { BINDS = 16, EACH = 300, ALL = BINDS * EACH };
    char settings[600] = "bind: [ ";
    ends_begin(true);
    for (int i = 1; i <= BINDS; i++)
        snprintf(settings + strlen(settings), sizeof settings - strlen(settings),
                 "'127.77.3.%d:0'%s", i, i < BINDS ? ", " : " ]");
    struct end *a = end_new(V4), *b = end_new(settings);
    CU_ASSERT_FATAL(a && b);
    for (int i = 1; i <= BINDS; i++) {
        struct kith_addr to = {.port = b->addr.port, .len = 4, .bytes = {127, 77, 3, (uint8_t)i}};
        for (int k = 0; k < EACH; k++) CU_ASSERT_EQUAL(end_send(a, &to, 10), 0);
        end_flush(a);
    }
    size_t had = 0, most = 0;
    before_deadline(true);
    while (b->packets < ALL && before_deadline(false)) {
        ends_turn(100000000);
        if (b->packets - had > most) most = b->packets - had;
        had = b->packets;
    }
    CU_ASSERT_EQUAL(b->packets, ALL);
    CU_ASSERT(most <= 4096);
    CU_ASSERT(most >= 2048); /* and is not slow for that */
    end_free(a);
    end_free(b);
    ends_finish();
}

/* Fill a connection that nobody reads from. */
static size_t fill(int fd)
{
    static uint8_t data[65536];
    size_t all = 0;
    ssize_t n;
    while ((n = send(fd, data, sizeof data, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0) all += (size_t)n;
    return all;
}

/* A turn reads 1 MiB of streams at most, and nobody reads twice while another waits. */
static void test_bytes_of_a_turn(void)
{
    enum { STREAMS = 40 };
    int fds[STREAMS];
    ends_begin(true);
    struct end *b = end_new(V4);
    for (int i = 0; i < STREAMS; i++) fds[i] = raw_connect(b->addr.port);
    UNTIL(b->stream_count == STREAMS);
    for (int i = 0; i < STREAMS; i++) end_read(b, &b->streams[i], false);
    for (int i = 0; i < STREAMS; i++) CU_ASSERT(fill(fds[i]) >= 2 * 65536);
    for (int i = 0; i < 5; i++) ends_turn(0);
    for (int i = 0; i < STREAMS; i++) CU_ASSERT_EQUAL(b->streams[i].got, 0); /* paused is paused */
    for (int i = 0; i < STREAMS; i++) end_read(b, &b->streams[i], true);
    size_t had = 0, least = 0;
    before_deadline(true);
    while (!least && before_deadline(false)) {
        size_t got = 0, most = 0;
        least = SIZE_MAX;
        ends_turn(100000000);
        for (int i = 0; i < STREAMS; i++) {
            const struct end_stream *s = &b->streams[i];
            got += s->got;
            if (s->reads < least) least = s->reads;
            if (s->reads > most) most = s->reads;
        }
        CU_ASSERT(got - had <= 1 << 20);
        had = got;
        CU_ASSERT(least || most <= 1);
    }
    CU_ASSERT_EQUAL(least, 1);

    /* Who waits and then goes does not hold up the others. */
    end_reset(b, &b->streams[STREAMS - 1]);
    end_read(b, &b->streams[STREAMS - 2], false);
    size_t reads = b->streams[0].reads;
    UNTIL(b->streams[0].reads > reads);
    for (int i = 0; i < STREAMS; i++) close(fds[i]);
    end_free(b);
    ends_finish();
}

/* -------------------------------------------------------------------------------------- life */

static int calls_left; /* of the host, until one fails */
static struct kith_timer *(*true_timer)(const struct kith_host *, void (*)(void *), void *);
static struct kith_watch *(*true_watch)(const struct kith_host *, int, unsigned,
                                        void (*)(void *, unsigned), void *);

static struct kith_timer *few_timers(const struct kith_host *h, void (*fn)(void *), void *arg)
{
    return calls_left-- > 0 ? true_timer(h, fn, arg) : NULL;
}
static struct kith_watch *few_watches(const struct kith_host *h, int fd, unsigned events,
                                      void (*fn)(void *, unsigned), void *arg)
{
    return calls_left-- > 0 ? true_watch(h, fd, events, fn, arg) : NULL;
}

/* Before anything is taken the old one is whole; afterwards neither works, and that is said. */
static void test_adopt_fails(void)
{
    ends_begin(true);
    int before = open_fds();
    struct end *a = end_new(V4), *b = end_new(V4);
    struct end_stream *s = end_open(a, &b->addr);
    UNTIL(s->opened && b->stream_count == 1);
    for (int left = 0; left < 3; left++) {
        struct end *next = end_made("bind: [ '127.0.0.1:0', '127.93.7.2:0' ]");
        true_timer = next->in->host->timer;
        next->in->host->timer = few_timers;
        calls_left = left;
        int fds = open_fds();
        CU_ASSERT_FALSE(end_start(next, b));
        CU_ASSERT_TRUE(kith_instance_runs(b->in));
        CU_ASSERT_EQUAL(open_fds(), fds);
        end_free(next);
        size_t got = b->streams[0].got, had = b->packets;
        CU_ASSERT_EQUAL(end_write(a, s, "1", 1), 1);
        end_send(a, &b->addr, 7);
        end_flush(a);
        UNTIL(b->streams[0].got == got + 1 && b->packets == had + 1);
        struct end_stream *t = end_open(a, &b->addr);
        UNTIL(t->opened);
    }
    struct end *next = end_made(V4);
    true_watch = next->in->host->watch;
    next->in->host->watch = few_watches;
    calls_left = 1;
    CU_ASSERT_FALSE(end_start(next, b));
    CU_ASSERT_FALSE(kith_instance_runs(b->in) || kith_instance_runs(next->in));
    end_free(next);
    end_free(b);
    UNTIL(s->closed); /* the peer hears of it */
    end_free(a);
    CU_ASSERT_EQUAL(open_fds(), before);
    ends_finish();
}

/* One stream that can't be watched does not cost the others. */
static void test_adopt_loses_one(void)
{
    ends_begin(true);
    struct end *a = end_new(V4), *b = end_new(V4);
    struct end_stream *s = end_open(a, &b->addr), *t = end_open(a, &b->addr);
    UNTIL(s->opened && t->opened && b->stream_count == 2);
    struct end *next = end_made(V4);
    true_watch = next->in->host->watch;
    next->in->host->watch = few_watches;
    calls_left = 3; /* UDP, TCP, one stream */
    memcpy(next->streams, b->streams, 2 * sizeof *b->streams);
    next->stream_count = 2;
    CU_ASSERT_TRUE_FATAL(end_start(next, b));
    end_free(b);
    UNTIL(next->streams[1].closed);
    CU_ASSERT_EQUAL(next->streams[1].reason, -KITH_ENOMEM);
    CU_ASSERT_EQUAL(end_write(a, s, "x", 1), 1);
    UNTIL(next->streams[0].got + next->streams[1].got == 1);
    end_free(a);
    end_free(next);
    ends_finish();
}

static void test_start_fails(void)
{
    ends_begin(true);
    int before = open_fds();
    for (int left = 0; left < 5; left++) {
        struct end *e = end_made(V4);
        bool watches = left >= 3;
        true_timer = e->in->host->timer;
        true_watch = e->in->host->watch;
        calls_left = watches ? left - 3 : left;
        if (watches) e->in->host->watch = few_watches;
        if (!watches) e->in->host->timer = few_timers;
        CU_ASSERT_FALSE(end_start(e, NULL));
        end_free(e);
        CU_ASSERT_EQUAL(open_fds(), before);
    }
    ends_finish();
}

static void test_new_address(void)
{
    char settings[120];
    ends_begin(true);
    struct end *old = end_new("bind: '127.0.0.1:0', advertise: '203.0.113.9'");
    struct end *next = end_adopting("bind: '127.0.0.1:0', advertise: '203.0.113.10'", old);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    CU_ASSERT_EQUAL(next->changed, 0); /* not from inside */
    UNTIL(next->changed == KITH_CHANGED_ADDRESS);
    CU_ASSERT_EQUAL(next->addr.bytes[3], 10);
    end_free(old);
    snprintf(settings, sizeof settings, "bind: '127.0.0.1:0', advertise: '203.0.113.10:%u'",
             next->addr.port);
    struct end *same = end_adopting(settings, next);
    CU_ASSERT_PTR_NOT_NULL_FATAL(same);
    for (int i = 0; i < 3; i++) ends_turn(0);
    CU_ASSERT_EQUAL(same->changed, 0);
    end_free(next);
    end_free(same);
    ends_finish();
}

/* The descriptor that tells of new addresses goes over and goes away like any other. */
static void test_guessed_address(void)
{
    ends_begin(true);
    int before = open_fds();
    struct end *old = end_new("bind: '0.0.0.0:0', interface: lo");
    CU_ASSERT_PTR_NOT_NULL_FATAL(old);
    int running = open_fds();
    struct end *next = end_adopting("bind: '0.0.0.0:0', interface: lo, max_connections: 3", old);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    end_free(old);
    CU_ASSERT_EQUAL(open_fds(), running);
    CU_ASSERT(kith_addr_equal(
        &next->addr,
        &(struct kith_addr){.port = next->addr.port, .len = 4, .bytes = {127, 0, 0, 1}}));
    for (int i = 0; i < 3; i++) ends_turn(0);
    CU_ASSERT_EQUAL(next->changed, 0);
    end_free(next);
    CU_ASSERT_EQUAL(open_fds(), before);
    ends_finish();
}

KITH_TESTS("transports/contract", {"limits, after init alone", test_limits},
           {"a packet that is refused is a hint", test_packet_refused},
           {"a dial that fails at once", test_dial_fails_at_once},
           {"the time for connecting is the node's", test_connect_time},
           {"packets of one turn", test_packets_of_a_turn},
           {"stream bytes of one turn", test_bytes_of_a_turn},
           {"adopt that fails, before and after taking", test_adopt_fails},
           {"adopt: a stream that is lost alone", test_adopt_loses_one},
           {"start that fails leaves nothing", test_start_fails},
           {"another address is told", test_new_address},
           {"a guessed address over a reload", test_guessed_address})
