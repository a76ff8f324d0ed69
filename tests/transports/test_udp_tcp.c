/*
 * test_udp_tcp.c - the real plugin on loopback: packets, streams, limits, deadlines (in virtual
 * time), reload.
 */
#include "ends.h"
#include "raw.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define V4     "bind: '127.0.0.1:0'"
#define V6     "bind: '[::1]:0'"
#define SECOND UINT64_C(1000000000)

/* ----------------------------------------------------------------------------------- packets */

static void packets(const char *settings, size_t address_len)
{
    static const size_t sizes[] = {1,    2,    100,   1400,  1472,  1473,
                                   8192, 9000, 32768, 65000, 65506, 65507};
    ends_begin(true);
    struct end *a = end_new(settings), *b = end_new(settings);
    CU_ASSERT_FATAL(a && b);
    CU_ASSERT_EQUAL(a->addr.len, address_len);
    CU_ASSERT_NOT_EQUAL(a->addr.port, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CU_ASSERT_EQUAL(end_send(a, &b->addr, sizes[i]), 0);
        end_flush(a);
        UNTIL(b->packets == i + 1);
        CU_ASSERT_EQUAL(b->packet_len, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            if (b->packet[k] != pattern(k)) CU_FAIL_FATAL("bytes differ");
        CU_ASSERT(kith_addr_equal(&b->packet_from, &a->addr));
    }
    CU_ASSERT_EQUAL(end_send(a, &b->addr, 65508), -KITH_ETOOBIG);
    CU_ASSERT_EQUAL(end_counter(b, "packets_received"), sizeof sizes / sizeof *sizes);
    end_free(a);
    end_free(b);
    ends_finish();
}

static void test_packets_v4(void) { packets(V4, 4); }

static void test_packets_v6(void) { packets(V6, 16); }

static void test_packets_refused(void)
{
    uint16_t port;
    ends_begin(true);
    struct end *a = end_new(V4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    struct kith_addr v6 = {.port = 1, .len = 16, .bytes = {[15] = 1}}, odd = {.port = 1, .len = 5},
                     none = {.port = 1};
    struct kith_addr no_port = v4(0), mapped = {.port = a->addr.port,
                                                .len = 16,
                                                .bytes = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1}};
    CU_ASSERT_EQUAL(end_send(a, &v6, 10), -KITH_EUNREACHABLE);
    CU_ASSERT_EQUAL(end_send(a, &odd, 10), -KITH_EINVAL);
    CU_ASSERT_EQUAL(end_send(a, &none, 10), -KITH_EINVAL);
    CU_ASSERT_EQUAL(end_send(a, &no_port, 10), -KITH_EINVAL);
    CU_ASSERT_EQUAL(end_send(a, &mapped, 10),
                    0); /* IPv4 in IPv6's clothes, as memberlist's default emits it */
    end_flush(a);
    UNTIL(a->packets == 1);

    /* An empty datagram is dropped and counted. */
    int fd = raw_socket(SOCK_DGRAM, &port);
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_addr = {htonl(INADDR_LOOPBACK)},
                             .sin_port = htons(a->addr.port)};
    CU_ASSERT_EQUAL(sendto(fd, "", 0, 0, (struct sockaddr *)&sa, sizeof sa), 0);
    CU_ASSERT_EQUAL(sendto(fd, "x", 1, 0, (struct sockaddr *)&sa, sizeof sa), 1);
    UNTIL(a->packets == 2);
    CU_ASSERT_EQUAL(end_counter(a, "packets_dropped_empty"), 1);

    /* One bad destination costs the others nothing. */
    struct kith_addr broadcast = {.port = 9, .len = 4, .bytes = {255, 255, 255, 255}};
    CU_ASSERT_EQUAL(end_send(a, &broadcast, 10), 0);
    CU_ASSERT_EQUAL(end_send(a, &a->addr, 10), 0);
    end_flush(a);
    UNTIL(a->packets == 3);
    CU_ASSERT_EQUAL(end_counter(a, "packets_dropped_send_failed"), 1);
    close(fd);
    end_free(a);
    ends_finish();
}

/* The receive buffer overflows: what the system dropped is counted. */
static void test_system_drops(void)
{
    ends_begin(true);
    struct end *a = end_new(V4), *b = end_new("bind: '127.0.0.1:0', receive_buffer: 64KiB");
    CU_ASSERT_FATAL(a && b);
    for (int i = 0; i < 1000; i++) {
        CU_ASSERT_EQUAL(end_send(a, &b->addr, 1400), 0);
    }
    end_flush(a);
    UNTIL(b->packets > 0);
    end_send(a, &b->addr, 3); /* carries the count */
    end_flush(a);
    UNTIL(b->packet_len == 3);
    CU_ASSERT(end_counter(b, "packets_dropped_system") > 0);
    CU_ASSERT_EQUAL(end_counter(b, "packets_dropped_system") + b->packets, 1001);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* PROTOCOL.md T20 */
static void test_dual_stack(void)
{
    ends_begin(true);
    struct end *both = end_new("bind: '[::]:0', advertise: '127.0.0.1'"), *four = end_new(V4),
               *six = end_new(V6);
    CU_ASSERT_FATAL(both && four && six);
    CU_ASSERT_EQUAL(both->addr.len, 4);
    struct kith_addr both6 = {.port = both->addr.port, .len = 16, .bytes = {[15] = 1}};
    end_send(four, &both->addr, 4);
    end_flush(four);
    UNTIL(both->packets == 1);
    CU_ASSERT(kith_addr_equal(&both->packet_from, &four->addr)); /* 4 bytes, not ::ffff:127.0.0.1 */
    end_send(both, &four->addr, 5);
    end_send(both, &six->addr, 6);
    end_flush(both);
    UNTIL(four->packets == 1 && six->packets == 1);
    CU_ASSERT(kith_addr_equal(&four->packet_from, &both->addr)); /* source port is the bound one */
    CU_ASSERT(kith_addr_equal(&six->packet_from, &both6));
    struct end_stream *s = end_open(four, &both->addr);
    UNTIL(s->opened && both->stream_count == 1);
    CU_ASSERT_EQUAL(both->streams[0].from.len, 4);
    end_free(both);
    end_free(four);
    end_free(six);
    ends_finish();
}

static void test_several_binds(void)
{
    ends_begin(true);
    struct end *a = end_new("bind: [ '127.0.0.1:0', '[::1]:0', '127.0.0.2:0' ]"), *b = end_new(V6);
    CU_ASSERT_FATAL(a && b);
    struct kith_addr six = {.port = a->addr.port, .len = 16, .bytes = {[15] = 1}},
                     other = v4(a->addr.port);
    other.bytes[3] = 2;
    end_send(b, &six, 1);
    end_flush(b);
    UNTIL(a->packets == 1);
    end_send(a, &b->addr, 1);
    end_send(a, &other, 1); /* to itself, from the first of the family */
    end_flush(a);
    UNTIL(b->packets == 1 && a->packets == 2);
    CU_ASSERT(kith_addr_equal(&b->packet_from, &six));
    CU_ASSERT(kith_addr_equal(&a->packet_from, &a->addr));
    struct end_stream *s = end_open(a, &other), *t = end_open(b, &six);
    UNTIL(s->opened && t->opened && a->stream_count == 3);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* ----------------------------------------------------------------------------------- streams */

static void test_refused(void)
{
    uint16_t port;
    ends_begin(true);
    struct end *a = end_new(V4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    int fd = raw_socket(SOCK_STREAM, &port); /* bound, nobody listens */
    struct kith_addr to = v4(port), bad = {.port = 1, .len = 7};
    struct end_stream *s = end_open(a, &to);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    UNTIL(s->closed && a->unreachable_count);
    CU_ASSERT_EQUAL(s->reason, -KITH_EREFUSED);
    CU_ASSERT_FALSE(s->opened);
    CU_ASSERT(kith_addr_equal(&a->unreachable, &to));
    CU_ASSERT_PTR_NULL(end_open(a, &bad));
    CU_ASSERT_EQUAL(open_status, -KITH_EINVAL);
    CU_ASSERT_EQUAL(end_counter(a, "streams_failed"), 1);
    close(fd);

    struct end *b = end_new(V4);
    b->refuse = true; /* the node does not want it */
    s = end_open(a, &b->addr);
    UNTIL(s->closed);
    CU_ASSERT_EQUAL(s->reason, -KITH_ECLOSED);
    CU_ASSERT_EQUAL(end_counter(b, "streams_refused_by_node"), 1);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* The peer says no and hangs up while we are still writing: its words are heard before the end is.
 */
static void test_last_words(void)
{
    uint16_t port;
    ends_begin(true);
    int listener = raw_socket(SOCK_STREAM, &port);
    CU_ASSERT_EQUAL(listen(listener, 5), 0);
    struct end *a = end_new(V4);
    struct kith_addr to = v4(port);
    struct end_stream *s = end_open(a, &to);
    a->to_send = 64 << 20;
    int fd = accept(listener, NULL, NULL);
    UNTIL(s->sent > 0);
    CU_ASSERT_EQUAL(write(fd, "no", 2), 2);
    close(fd); /* with unread bytes: a reset */
    UNTIL(s->closed);
    CU_ASSERT_EQUAL(s->reason, -KITH_ECLOSED);
    CU_ASSERT_EQUAL(s->got, 2);
    CU_ASSERT_EQUAL(memcmp(s->head, "no", 2), 0);

    /* Who pauses a stream that broke does not wait for words: closed comes at once. */
    a->to_send = 0;
    s = end_open(a, &to);
    fd = accept(listener, NULL, NULL);
    UNTIL(s->opened);
    struct linger reset = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    CU_ASSERT(end_write(a, s, "x", 1) <= 0);
    end_read(a, s, false);
    UNTIL(s->closed);
    CU_ASSERT_EQUAL(s->reason, -KITH_ECLOSED);
    close(listener);
    end_free(a);
    ends_finish();
}

static void test_connect_timeout(void)
{
    uint16_t port;
    int fillers[64];
    ends_begin(false);
    int listener = raw_socket(SOCK_STREAM, &port);
    CU_ASSERT_EQUAL(listen(listener, 0), 0);
    for (int i = 0; i < 64; i++)
        fillers[i] = raw_connect(port); /* the backlog is full: nobody answers any more */
    struct end *a = end_new(V4);
    struct kith_addr to = v4(port);
    uint64_t began = kith_loop_now(loop);
    struct end_stream *s = end_open(a, &to);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    kith_loop_run_until(loop, began + 10 * SECOND - 1);
    CU_ASSERT_FALSE(s->closed);
    kith_loop_run_until(loop, began + 10 * SECOND + 1);
    CU_ASSERT_TRUE(s->closed);
    CU_ASSERT_EQUAL(s->reason, -KITH_ETIMEOUT);
    for (int i = 0; i < 64; i++) close(fillers[i]);
    close(listener);
    end_free(a);
    ends_finish();
}

static void test_idle_timeout(void)
{
    ends_begin(false);
    struct end *a = end_new(V4), *b = end_new("bind: '127.0.0.1:0', idle_timeout: 3s");
    struct end_stream *s = end_open(a, &b->addr), *t = &b->streams[0];
    UNTIL(s->opened && b->stream_count == 1);
    uint64_t began = kith_loop_now(loop);
    for (int i = 1; i <= 4; i++) { /* a byte every two seconds keeps it */
        kith_loop_run_until(loop, began + 2 * (uint64_t)i * SECOND);
        CU_ASSERT_EQUAL(end_write(a, s, "x", 1), 1);
        UNTIL(t->got == (size_t)i);
    }
    uint64_t last = kith_loop_now(loop);
    kith_loop_run_until(loop, last + 3 * SECOND - 1);
    CU_ASSERT_FALSE(t->closed);
    kith_loop_run_until(loop, last + 3 * SECOND + 1);
    CU_ASSERT_TRUE(t->closed);
    CU_ASSERT_EQUAL(t->reason, -KITH_ETIMEOUT);
    UNTIL(s->closed);
    CU_ASSERT_EQUAL(end_counter(b, "streams_timed_out"), 1);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* ------------------------------------------------------------------------------------ limits */

static void test_per_source(void)
{
    ends_begin(true);
    struct end *a = end_new(V4), *c = end_new("bind: '127.0.0.3:0'");
    struct end *b = end_new("bind: '127.0.0.1:0', max_per_source: 2");
    struct end_stream *s[3];
    for (int i = 0; i < 2; i++) s[i] = end_open(a, &b->addr);
    UNTIL(b->stream_count == 2);
    s[2] = end_open(a, &b->addr);
    UNTIL(s[2]->closed);
    CU_ASSERT_EQUAL(s[2]->reason, -KITH_ECLOSED);
    CU_ASSERT_EQUAL(end_counter(b, "streams_refused_per_source"), 1);
    end_reset(a, s[0]); /* a place is free again */
    UNTIL(b->streams[0].closed || b->streams[1].closed);
    struct end_stream *next = end_open(a, &b->addr);
    UNTIL(b->stream_count == 3);
    CU_ASSERT_FALSE(next->closed);
    end_free(a);
    end_free(b);
    end_free(c);
    ends_finish();
}

static void test_in_all(void)
{
    ends_begin(true);
    struct end *a = end_new(V4), *b = end_new("bind: '127.0.0.1:0', max_connections: 2");
    struct end_stream *s[4];
    for (int i = 0; i < 4; i++) s[i] = end_open(a, &b->addr);
    UNTIL(s[0]->opened && s[1]->opened && s[2]->opened && s[3]->opened &&
          end_counter(b, "accepts_paused") > 0);
    CU_ASSERT_EQUAL(b->stream_count, 2); /* the others wait in the backlog */
    UNTIL(b->changed & KITH_CHANGED_CROWDED);
    end_reset(b, &b->streams[0]);
    UNTIL(b->stream_count == 3);
    end_reset(b, &b->streams[1]);
    UNTIL(b->stream_count == 4);
    CU_ASSERT_EQUAL(end_counter(b, "streams_accepted"), 4);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* Out of descriptors: no busy loop, and it goes on when there are some again. Virtual time, so the
 * wait costs none. */
static void test_out_of_descriptors(void)
{
    struct rlimit was, now;
    ends_begin(false);
    struct end *b = end_new(V4);
    int client = raw_connect(b->addr.port), highest = dup(client);
    close(highest);
    getrlimit(RLIMIT_NOFILE, &was);
    now = was;
    now.rlim_cur = (rlim_t)highest;
    setrlimit(RLIMIT_NOFILE, &now);
    UNTIL(b->stream_count == 1); /* it has the descriptor that was kept for it */
    CU_ASSERT(b->changed & KITH_CHANGED_CROWDED);
    setrlimit(RLIMIT_NOFILE, &was);
    int second = raw_connect(b->addr.port);
    setrlimit(RLIMIT_NOFILE, &now);
    UNTIL(end_counter(b, "accept_errors") > 0);
    uint64_t errors = end_counter(b, "accept_errors"), at = kith_loop_now(loop);
    kith_loop_run_until(loop, at + 10 * SECOND);
    CU_ASSERT(end_counter(b, "accept_errors") - errors < 20); /* 5 ms doubling to 1 s */
    CU_ASSERT(end_counter(b, "accept_errors") - errors > 5);
    end_reset(b, &b->streams[0]); /* as soon as one is free */
    UNTIL(b->stream_count == 2);
    setrlimit(RLIMIT_NOFILE, &was);
    close(client);
    close(second);
    end_free(b);
    ends_finish();
}

static void test_stop_in_flight(void)
{
    int before = open_fds();
    ends_begin(true);
    int with_loop = open_fds();
    struct end *a = end_new(V4), *b = end_new(V4);
    a->to_send = 32 << 20;
    for (int i = 0; i < 5; i++) end_open(a, &b->addr);
    UNTIL(b->stream_count == 5 && b->streams[4].got > 0);
    for (int i = 0; i < 50; i++) end_send(a, &b->addr, 1000);
    struct kith_addr to = b->addr;
    end_open(a, &to); /* still connecting */
    end_free(b);
    CU_ASSERT(open_fds() < with_loop + 20);
    UNTIL(a->streams[0].closed);
    end_free(a);
    CU_ASSERT_EQUAL(open_fds(), with_loop); /* stopped means closed, at once */
    ends_turn(0);
    ends_finish();
    CU_ASSERT_EQUAL(open_fds(), before);
}

/* ------------------------------------------------------------------------------------ reload */

static void test_adopt(void)
{
    char settings[160];
    ends_begin(true);
    struct end *a = end_new(V4), *b = end_new(V4);
    struct end_stream *s = end_open(a, &b->addr);
    UNTIL(s->opened && b->stream_count == 1);
    uint64_t opened = end_counter(a, "streams_opened");

    /* A new setting that can't be had leaves the old instance whole. */
    snprintf(settings, sizeof settings, "bind: [ '127.0.0.1:%u', '192.0.2.77:0' ]", b->addr.port);
    CU_ASSERT_PTR_NULL(end_adopting(settings, b));
    CU_ASSERT_EQUAL(end_write(a, s, "1", 1), 1);
    end_send(a, &b->addr, 7);
    end_flush(a);
    UNTIL(b->streams[0].got == 1 && b->packets == 1);

    /* Same port, other limits, one address more (one where nobody else has taken the port): socket
     * and stream go on. */
    struct end *next =
        end_adopting("bind: [ '127.0.0.1:0', '127.93.7.2:0' ], max_connections: 5", b);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    CU_ASSERT(kith_addr_equal(&next->addr, &b->addr));
    end_free(b);
    CU_ASSERT_EQUAL(end_write(a, s, "2", 1), 1);
    end_send(a, &next->addr, 8);
    end_flush(a);
    UNTIL(next->streams[0].got == 2 && next->packets == 1);
    struct end_stream *t = end_open(a, &next->addr);
    UNTIL(t->opened && next->stream_count == 2);
    struct kith_addr second = v4(next->addr.port);
    memcpy(second.bytes, (const uint8_t[]){127, 93, 7, 2}, 4);
    t = end_open(a, &second);
    UNTIL(t->opened && next->stream_count == 3);
    CU_ASSERT_EQUAL(end_counter(a, "streams_opened"), opened + 2);
    end_finish(a, s);
    UNTIL(next->streams[0].ended);
    end_finish(next, &next->streams[0]);
    UNTIL(s->closed && next->streams[0].closed);
    end_free(a);
    end_free(next);
    ends_finish();
}

KITH_TESTS("transports/udp_tcp", {"packets of all sizes, IPv4", test_packets_v4},
           {"packets of all sizes, IPv6", test_packets_v6},
           {"packets that can't be sent or are nothing", test_packets_refused},
           {"drops of the system", test_system_drops},
           {"dual stack, IPv4 peers keep 4 bytes", test_dual_stack},
           {"several binds on one port", test_several_binds}, {"refused", test_refused},
           {"last words of who hangs up", test_last_words},
           {"connect timeout", test_connect_timeout}, {"idle timeout", test_idle_timeout},
           {"limit per source", test_per_source}, {"limit in all", test_in_all},
           {"out of descriptors", test_out_of_descriptors},
           {"stop with traffic in flight", test_stop_in_flight},
           {"reload takes over sockets and streams", test_adopt})
