/*
 * test_batches.c - what becomes of a batch of datagrams when the system takes some of it, none of
 * it, or refuses one; and what is done without system calls that it denies. The files under test
 * are compiled in with system calls of the test's own, because loopback never says that it is full.
 */
#include "test.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct sockaddr;
static int fake_sendmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags);
static int fake_recvmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags,
                         struct timespec *timeout);
static ssize_t fake_sendmsg(int fd, const struct msghdr *m, int flags);
static ssize_t fake_recvmsg(int fd, struct msghdr *m, int flags);
static int fake_accept4(int fd, struct sockaddr *from, socklen_t *len, int flags);
static int fake_socket(int family, int type, int protocol);
static int fake_accept(int fd, struct sockaddr *from, socklen_t *len);
#define sendmmsg fake_sendmmsg
#define recvmmsg fake_recvmmsg
#define sendmsg  fake_sendmsg
#define recvmsg  fake_recvmsg
#define accept4  fake_accept4
#define accept   fake_accept
#include "../../transports/udp_tcp/address.c"
#include "../../transports/udp_tcp/calls.c"
#include "../../transports/udp_tcp/connection.c"
#include "../../transports/udp_tcp/connection_life.c"
#include "../../transports/udp_tcp/failures.c"
#include "../../transports/udp_tcp/stream_io.c"
#include "../../transports/udp_tcp/later.c"
#define socket fake_socket
#include "../../transports/udp_tcp/listen.c"
#undef socket
#include "../../transports/udp_tcp/datagrams.c"
#undef sendmmsg
#undef recvmmsg
#undef sendmsg
#undef recvmsg
#undef accept4
#undef accept

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

/* What the other calls fail with; 0: they do what they are asked for. */
static struct {
    int recvmmsg, recvmsg, errors, sendmsg, accept4, accept;
    int recvmmsgs, recvmsgs, accept4s, accepts; /* calls */
    bool no_ipv6;
    int waiting; /* packets to be read, or connections to be taken */
} net;

static int fails(int error)
{
    errno = error;
    return -1;
}

static int fake_recvmmsg(int fd, struct mmsghdr *headers, unsigned n, int flags,
                         struct timespec *timeout)
{
    net.recvmmsgs++;
    if (net.recvmmsg) return fails(net.recvmmsg);
    if (!net.waiting) return fails(EAGAIN);
    for (int i = 0; i < net.waiting; i++) headers[i].msg_len = 0;
    return (int)n < net.waiting ? (int)n : net.waiting;
}

static ssize_t fake_recvmsg(int fd, struct msghdr *m, int flags)
{
    if (flags & MSG_ERRQUEUE) return fails(net.errors ? net.errors : EAGAIN);
    net.recvmsgs++;
    m->msg_controllen = 0;
    if (net.recvmsg) return fails(net.recvmsg);
    return net.waiting ? (net.waiting--, 0) : fails(EAGAIN);
}

static ssize_t fake_sendmsg(int fd, const struct msghdr *m, int flags)
{
    if (net.sendmsg) return fails(net.sendmsg);
    sent[sent_count++] = *(uint8_t *)m->msg_iov->iov_base;
    return (ssize_t)m->msg_iov->iov_len;
}

static int take_one(int error, struct sockaddr *from)
{
    if (error || !net.waiting) return fails(error ? error : EAGAIN);
    net.waiting--;
    memset(from, 0, sizeof(struct sockaddr_in));
    from->sa_family = AF_INET;
    return open("/dev/null", O_RDONLY);
}

static int fake_accept4(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
    net.accept4s++;
    return take_one(net.accept4, from);
}

static int fake_socket(int family, int type, int protocol)
{
    if (net.no_ipv6 && family == AF_INET6) return fails(EAFNOSUPPORT);
    return socket(family, type, protocol);
}

static int fake_accept(int fd, struct sockaddr *from, socklen_t *len)
{
    net.accepts++;
    return take_one(net.accept, from);
}

static unsigned watched;
static char said[400];
static int lines;

static void log_line(const struct kith_host *host, enum kith_log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(said, sizeof said, fmt, ap);
    va_end(ap);
    lines++;
}

static void watch_set(struct kith_watch *w, unsigned events) { watched = events; }

static uint64_t counters[32];
static void timer_set(struct kith_timer *t, uint64_t at) {}
static uint64_t clock_now;
static uint64_t now(const struct kith_host *h) { return clock_now; }
static uint64_t failed[KITH_UT_REASONS];
static uint64_t *counter(const struct kith_host *h, const char *name, const char *help,
                         const struct kith_pair *labels, size_t count)
{
    for (int i = 0; i < KITH_UT_REASONS; i++)
        if (!strcmp((const char *)labels->value.data, names[i])) return &failed[i];
    return NULL;
}
static void *scratch(const struct kith_host *h, size_t len)
{
    static uint8_t memory[RECEIVE_BATCH * SLOT];
    return memory;
}
static const struct kith_host host = {.size = sizeof host,
                                      .watch_set = watch_set,
                                      .timer_set = timer_set,
                                      .now = now,
                                      .scratch = scratch,
                                      .counter = counter,
                                      .log = log_line};

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
    u->ring = new_ring();
    memset(failed, 0, sizeof failed);
    kith_ut_failures_init(u);
    clock_now = 1;
    watched = KITH_READABLE;
    sent_count = 0;
    lines = 0;
    *said = 0;
    memset(&net, 0, sizeof net);
    return u;
}

static void tear_down(struct kith_ut *u)
{
    batch_free(u->batches[0]);
    free(u->ring);
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
    net.sendmsg = EPERM; /* a firewall: neither call sends it */
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

/* A cause is said with an address, and then no more for a while: with how many there were. */
static void test_failures(void)
{
    static const struct {
        int error;
        enum kith_ut_reason reason;
        int code;
    } cases[] = {{ENETUNREACH, KITH_UT_NO_ROUTE, KITH_EUNREACHABLE},
                 {EHOSTUNREACH, KITH_UT_NO_ROUTE, KITH_EUNREACHABLE},
                 {ENETDOWN, KITH_UT_NO_NETWORK, KITH_EUNREACHABLE},
                 {EPERM, KITH_UT_FORBIDDEN, KITH_EACCES},
                 {EMSGSIZE, KITH_UT_TOO_BIG, KITH_EIO},
                 {ENOBUFS, KITH_UT_NO_MEANS, KITH_ENOMEM},
                 {EINVAL, KITH_UT_OTHER, KITH_EUNREACHABLE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_ut *u = set_up();
        struct kith_addr to = {.port = 9, .len = 4, .bytes = {10, 0, 0, 1}};
        char expected[200];
        CU_ASSERT_EQUAL(kith_ut_stream_code(cases[i].error), -cases[i].code);
        for (int k = 0; k < 3; k++) kith_ut_failed(u, KITH_UT_STREAMS, &to, cases[i].error);
        CU_ASSERT_EQUAL(failed[cases[i].reason], 3);
        CU_ASSERT_EQUAL(lines, 1);
        snprintf(expected, sizeof expected, "no connection to 10.0.0.1:9: %s",
                 strerror(cases[i].error));
        CU_ASSERT_STRING_EQUAL(said, expected);
        clock_now += QUIET_FOR;
        kith_ut_failed(u, KITH_UT_STREAMS, &to, cases[i].error);
        CU_ASSERT_EQUAL(lines, 2);
        snprintf(expected, sizeof expected,
                 "no connection to 10.0.0.1:9: %s (2 more since the last time)",
                 strerror(cases[i].error));
        CU_ASSERT_STRING_EQUAL(said, expected);
        kith_ut_failed(u, KITH_UT_PACKETS, &to, cases[i].error); /* which nobody has told yet */
        CU_ASSERT_EQUAL(lines, 3);
        snprintf(expected, sizeof expected, "no packet to 10.0.0.1:9: %s",
                 strerror(cases[i].error));
        CU_ASSERT_STRING_EQUAL(said, expected);
        tear_down(u);
    }
    struct kith_ut *u = set_up();
    send_byte(u, 1, 10);
    SCRIPT(-ENETDOWN);
    kith_ut_flush(u);
    CU_ASSERT_STRING_EQUAL(said, "no packet to 127.0.0.1:9: Network is down");
    CU_ASSERT_EQUAL(u->later.hint_count, 1);
    tear_down(u);
}

/* The interface that one of them leaves by is full: the others don't wait for it, and the socket,
 * which is ready all the time, does not make us try for ever. */
static void test_a_full_interface(void)
{
    struct kith_ut *u = set_up();
    for (uint8_t i = 1; i <= 3; i++) send_byte(u, i, 10);
    SCRIPT(1, -ENOBUFS, 1);
    kith_ut_flush(u);
    CU_ASSERT_EQUAL(calls, 3);
    CU_ASSERT_EQUAL(memcmp(sent, "\1\3", 2), 0);
    CU_ASSERT(!u->batches[0]->stuck);
    CU_ASSERT_EQUAL(watched, KITH_READABLE);
    CU_ASSERT_EQUAL(failed[KITH_UT_NO_MEANS], 1);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_EQUAL(u->later.hint_count, 0); /* nothing is said of who is there */
    tear_down(u);
}

/* -------------------------------------------------------------------------------- denied calls */

static void test_sendmmsg_denied(void)
{
    struct kith_ut *u = set_up();
    for (uint8_t i = 1; i <= 3; i++) send_byte(u, i, 10);
    SCRIPT(-ENOSYS);
    kith_ut_flush(u);
    CU_ASSERT_EQUAL(sent_count, 3);
    CU_ASSERT_EQUAL(memcmp(sent, "\1\2\3", 3), 0);
    CU_ASSERT_EQUAL(*u->count.packets_sent, 3);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "denies sendmmsg (Function not implemented)"));
    for (uint8_t i = 4; i <= 6; i++) send_byte(u, i, 10);
    kith_ut_flush(u); /* not tried again: the script has no answer for it */
    CU_ASSERT_EQUAL(sent_count, 6);
    CU_ASSERT_EQUAL(lines, 1);
    tear_down(u);
}

/* A firewall may have said it: the call is given up only when it never works. */
static void test_sendmmsg_not_permitted(void)
{
    struct kith_ut *u = set_up();
    for (uint8_t i = 1; i <= MISSES + 1; i++) {
        send_byte(u, i, 10);
        SCRIPT(-EPERM);
        kith_ut_flush(u);
        CU_ASSERT_EQUAL(sent_count, i);
        CU_ASSERT_EQUAL(lines, i >= MISSES);
        CU_ASSERT_EQUAL(calls, i <= MISSES);
    }
    tear_down(u);
}

static void test_recvmmsg_denied(void)
{
    struct kith_ut *u = set_up();
    net.recvmmsg = ENOSYS;
    net.waiting = 2 * RECEIVE_BATCH + 1;
    for (int i = 0; i < 3; i++) on_udp(&u->sockets[0], KITH_READABLE);
    CU_ASSERT_EQUAL(*u->count.packets_received, 2 * RECEIVE_BATCH + 1);
    CU_ASSERT_EQUAL(net.recvmmsgs, 1);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_EQUAL(*u->count.receive_errors, 0);
    CU_ASSERT_EQUAL(watched, KITH_READABLE);
    tear_down(u);
}

/* Neither call works: it is said, and the socket, ready for ever, is left alone for a while. */
static void test_no_receiving(void)
{
    struct kith_ut *u = set_up();
    net.recvmmsg = net.recvmsg = EPERM;
    int turns = 0;
    while (watched && turns < 1000) on_udp(&u->sockets[0], KITH_READABLE), turns++;
    CU_ASSERT_EQUAL(turns, READ_FAILURES);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "no packets are received on 0.0.0.0:0: Operation not"));
    send_byte(u, 1, 10); /* sending, full or not, does not change that */
    SCRIPT(-EAGAIN, 1);
    kith_ut_flush(u);
    CU_ASSERT_EQUAL(watched, KITH_WRITABLE);
    on_udp(&u->sockets[0], KITH_WRITABLE);
    CU_ASSERT_EQUAL(watched, 0);
    on_read_again(u);
    CU_ASSERT_EQUAL(watched, KITH_READABLE);
    on_udp(&u->sockets[0], KITH_READABLE); /* once more, and no sixteen times */
    CU_ASSERT_EQUAL(watched, 0);
    net.recvmmsg = 0;
    on_read_again(u);
    on_udp(&u->sockets[0], KITH_READABLE);
    CU_ASSERT_EQUAL(watched, KITH_READABLE);
    CU_ASSERT_EQUAL(u->sockets[0].read_failures, 0);
    tear_down(u);
}

/* Errors that can't be read keep the socket ready: they are switched off. */
static void test_no_errors(void)
{
    struct kith_ut *u = set_up();
    int on = 1;
    socklen_t len = sizeof on;
    u->sockets[0].udp = socket(AF_INET, SOCK_DGRAM, 0);
    CU_ASSERT_FATAL(u->sockets[0].udp >= 0);
    setsockopt(u->sockets[0].udp, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    net.errors = ENOSYS;
    on_udp(&u->sockets[0], KITH_READABLE);
    CU_ASSERT_EQUAL(getsockopt(u->sockets[0].udp, IPPROTO_IP, IP_RECVERR, &on, &len), 0);
    CU_ASSERT_EQUAL(on, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "Function not implemented"));
    close(u->sockets[0].udp);
    tear_down(u);
}

static void test_accept4_denied(void)
{
    struct kith_ut *u = set_up();
    union kith_ut_sockaddr from;
    net.accept4 = ENOSYS;
    net.waiting = 2;
    for (int i = 0; i < 2; i++) {
        int fd = kith_ut_accept(u, 3, &from);
        CU_ASSERT_FATAL(fd >= 0);
        CU_ASSERT(fcntl(fd, F_GETFL) & O_NONBLOCK);
        CU_ASSERT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        close(fd);
    }
    CU_ASSERT_EQUAL(net.accept4s, 1);
    CU_ASSERT_EQUAL(net.accepts, 2);
    CU_ASSERT_EQUAL(lines, 1);
    tear_down(u);
}

/* ":0" is for both families, as far as they are there; "[::]:0" means IPv6. */
static void test_no_ipv6(void)
{
    static const char *const all[] = {":0"}, *const v6[] = {"[::]:0"};
    struct kith_ut *u = set_up();
    struct kith_error err = {.size = sizeof err};
    net.no_ipv6 = true;
    u->bind = (struct kith_list){all, 1};
    CU_ASSERT_EQUAL(kith_ut_listen_init(u, &err), 0);
    CU_ASSERT_EQUAL(kith_ut_listen_open(u, &err), 0);
    CU_ASSERT_EQUAL(u->sockets[0].local.sa.sa_family, AF_INET);
    CU_ASSERT_FALSE(u->sockets[0].dual);
    CU_ASSERT(u->sockets[0].udp >= 0 && u->sockets[0].tcp >= 0);
    kith_ut_socket_close(&u->sockets[0]);
    u->bind = (struct kith_list){v6, 1};
    CU_ASSERT_EQUAL(kith_ut_listen_init(u, &err), 0);
    CU_ASSERT_EQUAL(kith_ut_listen_open(u, &err), -KITH_EUNSUPPORTED);
    net.no_ipv6 = false;
    u->bind = (struct kith_list){all, 1};
    CU_ASSERT_EQUAL(kith_ut_listen_init(u, &err), 0);
    CU_ASSERT_EQUAL(u->sockets[0].local.sa.sa_family, AF_INET6);
    CU_ASSERT_TRUE(u->sockets[0].dual);
    tear_down(u);
}

/* Any error that stays makes it wait; one of a single connection does not. */
static void test_no_accepting(void)
{
    static const int stay[] = {EPERM, ENOSYS, EACCES, EBADF, EINVAL, EMFILE, ENFILE, ENOMEM};
    struct kith_ut *u = set_up();
    u->max_connections = 100;
    u->sockets[0].tcp_watch = (struct kith_watch *)u;
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) {
        net.accept4 = net.accept = stay[i];
        watched = KITH_READABLE;
        *u->count.accept_errors = 0;
        on_accept(&u->sockets[0], KITH_READABLE);
        CU_ASSERT_EQUAL(watched, 0);
        CU_ASSERT_EQUAL(*u->count.accept_errors, 1);
        CU_ASSERT_PTR_NOT_NULL(strstr(said, strerror(stay[i])));
    }
    net.accept4 = net.accept = ECONNABORTED;
    watched = KITH_READABLE;
    on_accept(&u->sockets[0], KITH_READABLE);
    CU_ASSERT_EQUAL(watched, KITH_READABLE);
    tear_down(u);
}

KITH_TESTS("transports/batches", {"the system takes some", test_partial},
           {"the system is full", test_full}, {"the batch is full too", test_over_full},
           {"one is refused", test_refused}, {"hints are bounded", test_hints},
           {"what fails is said", test_failures}, {"a full interface", test_a_full_interface},
           {"sendmmsg is denied", test_sendmmsg_denied},
           {"sendmmsg is not permitted", test_sendmmsg_not_permitted},
           {"recvmmsg is denied", test_recvmmsg_denied}, {"no receiving", test_no_receiving},
           {"errors of packets can't be read", test_no_errors},
           {"accept4 is denied", test_accept4_denied}, {"no accepting", test_no_accepting},
           {"no IPv6", test_no_ipv6})
