/*
 * test_batches.c - what becomes of a batch of datagrams when the system takes some of it, none of
 * it, or refuses one. The file under test is compiled in with a sendmmsg() of the test's own,
 * because loopback never says that it is full.
 */
#include "test.h"
#include <errno.h>
#include <sys/socket.h>

static int fake_sendmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags);
#define sendmmsg fake_sendmmsg
#include "../../transports/udp_tcp/address.c"
#include "../../transports/udp_tcp/connection.c"
#include "../../transports/udp_tcp/later.c"
#include "../../transports/udp_tcp/datagrams.c"
#undef sendmmsg

/* What the next calls answer: a count, or a negated errno. */
static int answers[64], answer_count, calls;
static size_t sent_count;
static uint8_t sent[1000]; /* the first byte of each */

static int fake_sendmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags)
{
    CU_ASSERT_FATAL(calls < answer_count);
    int answer = answers[calls++];
    CU_ASSERT(flags & MSG_DONTWAIT);
    if (answer < 0) {
        errno = -answer;
        return -1;
    }
    CU_ASSERT_FATAL((unsigned)answer <= n);
    for (int i = 0; i < answer; i++)
        sent[sent_count++] = *(uint8_t *)headers[i].msg_hdr.msg_iov->iov_base;
    return answer;
}

static void script(int n, const int *list)
{
    memcpy(answers, list, (size_t)n * sizeof *list);
    answer_count = n;
    calls = 0;
}
#define SCRIPT(...) script((int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)), (int[]){__VA_ARGS__})

static unsigned watched;

static void watch_set(struct kith_watch *w, unsigned events) { watched = events; }

static uint64_t counters[32];
static void timer_set(struct kith_timer *t, uint64_t at) {}
static const struct kith_host host = {
    .size = sizeof host, .watch_set = watch_set, .timer_set = timer_set};

static struct kith_ut *set_up(void)
{
    struct kith_ut *u = calloc(1, sizeof *u);
    uint64_t **c = (uint64_t **)&u->count;
    memset(counters, 0, sizeof counters);
    for (size_t i = 0; i < sizeof u->count / sizeof *c; i++) c[i] = &counters[i];
    u->host = &host;
    u->socket_count = 1;
    u->sockets[0] =
        (struct kith_ut_socket){.owner = u, .local.in.sin_family = AF_INET, .udp = -1, .tcp = -1};
    u->batches[0] = new_batch(&u->sockets[0]);
    watched = KITH_READABLE;
    sent_count = 0;
    return u;
}

static void tear_down(struct kith_ut *u)
{
    batch_free(u->batches[0]);
    free(u->later.hints);
    free(u);
}

static int send_byte(struct kith_ut *u, uint8_t byte, size_t len)
{
    static uint8_t data[KITH_UT_PACKET_MAX];
    struct kith_addr to = {.port = 9, .len = 4, .bytes = {127, 0, 0, 1}};
    data[0] = byte;
    struct kith_peer peer = {.size = sizeof peer, .addr = &to};
    struct kith_buf buf = {.base = data, .data = data, .len = len, .cap = sizeof data};
    return kith_ut_send_packet(u, &peer, &buf);
}

static void test_partial(void)
{
    struct kith_ut *u = set_up();
    for (uint8_t i = 1; i <= 5; i++) CU_ASSERT_EQUAL(send_byte(u, i, 10), 0);
    SCRIPT(2, 1, 2);
    kith_ut_flush(u);
    CU_ASSERT_EQUAL(calls, 3);
    CU_ASSERT_EQUAL(sent_count, 5);
    CU_ASSERT_EQUAL(memcmp(sent, "\1\2\3\4\5", 5), 0);
    CU_ASSERT_EQUAL(*u->count.packets_sent, 5);
    CU_ASSERT_EQUAL(*u->count.bytes_sent, 50);
    tear_down(u);
}

/* What does not fit waits for the socket, in order; meanwhile no call is wasted. */
static void test_full(void)
{
    struct kith_ut *u = set_up();
    for (uint8_t i = 1; i <= 3; i++) send_byte(u, i, 10);
    SCRIPT(1, -EAGAIN);
    kith_ut_flush(u);
    CU_ASSERT_EQUAL(watched, KITH_READABLE | KITH_WRITABLE);
    CU_ASSERT_EQUAL(send_byte(u, 4, 10), 0);
    kith_ut_flush(u); /* still full: not tried */
    CU_ASSERT_EQUAL(calls, 2);
    SCRIPT(-EAGAIN, 3);
    on_udp(&u->sockets[0], KITH_WRITABLE); /* full again at once */
    CU_ASSERT_EQUAL(watched, KITH_READABLE | KITH_WRITABLE);
    on_udp(&u->sockets[0], KITH_WRITABLE);
    CU_ASSERT_EQUAL(watched, KITH_READABLE);
    CU_ASSERT_EQUAL(sent_count, 4);
    CU_ASSERT_EQUAL(memcmp(sent, "\1\2\3\4", 4), 0);
    tear_down(u);
}

/* Bounded: when the batch is full too, the newest are refused and counted. */
static void test_over_full(void)
{
    struct kith_ut *u = set_up();
    send_byte(u, 0, 10);
    SCRIPT(-EAGAIN);
    kith_ut_flush(u);
    int rc = 0, n = 1;
    for (; n < 100000 && !(rc = send_byte(u, (uint8_t)n, 10)); n++) continue;
    CU_ASSERT_EQUAL(rc, -KITH_EAGAIN);
    CU_ASSERT_EQUAL(n, SEND_BATCH);
    CU_ASSERT_EQUAL(*u->count.packets_dropped_send_full, 1);
    SCRIPT(SEND_BATCH);
    on_udp(&u->sockets[0], KITH_WRITABLE);
    CU_ASSERT_EQUAL(sent_count, SEND_BATCH);
    CU_ASSERT_EQUAL(send_byte(u, 1, 10), 0); /* room again */
    SCRIPT(1);
    kith_ut_flush(u);

    /* By bytes: large ones go out before the next is taken. */
    size_t large = SEND_BYTES / KITH_UT_PACKET_MAX;
    for (size_t i = 0; i < large; i++) CU_ASSERT_EQUAL(send_byte(u, 1, KITH_UT_PACKET_MAX), 0);
    SCRIPT((int)large, 1);
    CU_ASSERT_EQUAL(send_byte(u, 2, KITH_UT_PACKET_MAX), 0);
    CU_ASSERT_EQUAL(calls, 1);
    kith_ut_flush(u);
    tear_down(u);
}

/* A datagram that the system refuses costs the others nothing. */
static void test_refused(void)
{
    struct kith_ut *u = set_up();
    for (uint8_t i = 1; i <= 4; i++) send_byte(u, i, 10);
    SCRIPT(1, -EPERM, -ENETUNREACH, -EINTR, 1);
    kith_ut_flush(u);
    CU_ASSERT_EQUAL(sent_count, 2);
    CU_ASSERT_EQUAL(memcmp(sent, "\1\4", 2), 0);
    CU_ASSERT_EQUAL(*u->count.packets_dropped_send_failed, 2);
    CU_ASSERT_EQUAL(u->later.hint_count, 1); /* no route: the node shall look; it hears later */
    SCRIPT(0);
    kith_ut_flush(u); /* nothing left, nothing called */
    CU_ASSERT_EQUAL(calls, 0);
    tear_down(u);
}

/* One hint for an address, however many packets; and room for a bounded number of addresses. */
static void test_hints(void)
{
    struct kith_ut *u = set_up();
    struct kith_addr a = {.port = 9, .len = 4, .bytes = {10}};
    for (int round = 0; round < 2; round++)
        for (uint8_t i = 0; i < KITH_UT_HINTS_MAX; i++) {
            a.bytes[3] = i;
            kith_ut_say_unreachable(u, &a);
        }
    CU_ASSERT_EQUAL(u->later.hint_count, KITH_UT_HINTS_MAX);
    CU_ASSERT_EQUAL(*u->count.hints_dropped, 0);
    a.bytes[2] = 1;
    kith_ut_say_unreachable(u, &a);
    CU_ASSERT_EQUAL(u->later.hint_count, KITH_UT_HINTS_MAX);
    CU_ASSERT_EQUAL(*u->count.hints_dropped, 1);
    tear_down(u);
}

KITH_TESTS("transports/batches", {"the system takes some", test_partial},
           {"the system is full", test_full}, {"the batch is full too", test_over_full},
           {"one is refused", test_refused}, {"hints are bounded", test_hints})
