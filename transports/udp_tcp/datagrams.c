/*
 * datagrams.c - datagrams in batches: as many as are there in one call, a loop turn's worth in
 * another (calls.c).
 *
 * What the system can't take at once waits in the batch until the socket is writable; when the
 * batch is full the newest is dropped and counted. A batch grows to what a turn of this node sends;
 * then nothing is allocated any more. What is received lies in the world's scratch: only while it
 * is handed on.
 */
#include "connection.h"
#include <errno.h>
#include <time.h> /* before errqueue.h, which needs it and does not say so */
#include <linux/errqueue.h>
#include <stdlib.h>
#include <sys/uio.h>

enum {
    RECEIVE_BATCH = 32,
    ROOM = 128, /* before and after a datagram, for whoever changes it in place */
    SLOT = ROOM + 65536 + ROOM,
    ERRORS_TURN = 64,   /* errors of packets sent, read at once */
    READ_FAILURES = 16, /* in a row, before a socket is held */
    SEND_BATCH = 128,
    SEND_BYTES = 256 * 1024,
    SEND_BATCH_FIRST = 8, /* of a new batch */
    SEND_BYTES_FIRST = 4096
};
#define HELD_FOR UINT64_C(1000000000)

struct kith_ut_ring {
    struct mmsghdr headers[RECEIVE_BATCH];
    struct iovec vectors[RECEIVE_BATCH];
    union kith_ut_sockaddr from[RECEIVE_BATCH];
    struct {
        _Alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(uint32_t))];
    } control[RECEIVE_BATCH];
    uint8_t *slots; /* where the vectors point: scratch */
};

struct kith_ut_batch {
    struct kith_ut_socket *socket;
    size_t first, count, used; /* sent up to first; bytes used */
    bool stuck;                /* the socket is full; writable follows */
    size_t cap, bytes_cap;
    struct mmsghdr *headers;
    struct kith_ut_packet {
        struct iovec vector;
        union kith_ut_sockaddr to;
    } * packets;
    uint8_t *bytes;
};

/* ------------------------------------------------------------------------------------- in */

/* The system tells how many datagrams it had to drop before this one, ever; 32 bits that may wrap.
 */
static void note_drops(struct kith_ut_socket *s, struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL) continue;
        uint32_t total;
        memcpy(&total, CMSG_DATA(c), sizeof total);
        *s->owner->count.packets_dropped_system += (uint32_t)(total - s->dropped);
        s->dropped = total;
    }
}

static void deliver(struct kith_ut_socket *s, size_t i)
{
    struct kith_ut *u = s->owner;
    struct mmsghdr *h = &u->ring->headers[i];
    note_drops(s, &h->msg_hdr);
    ++*u->count.packets_received;
    *u->count.bytes_received += h->msg_len;
    if (!h->msg_len) {
        ++*u->count.packets_dropped_empty;
        return;
    }
    struct kith_addr from;
    uint8_t *slot = u->ring->slots + i * SLOT;
    struct kith_buf buf = {.base = slot, .data = slot + ROOM, .len = h->msg_len, .cap = SLOT};
    struct kith_peer peer = {.size = sizeof peer, .addr = &from};
    kith_ut_from_sockaddr(&u->ring->from[i], &from);
    u->up->packet_in(u->up, &peer, &buf, u->host->now(u->host));
}

static void note_failure(struct kith_ut *u, const union kith_ut_sockaddr *to, int error)
{
    struct kith_addr a;
    int code = kith_ut_stream_code(error);
    if (to->sa.sa_family != AF_INET && to->sa.sa_family != AF_INET6) return;
    kith_ut_from_sockaddr(to, &a);
    kith_ut_failed(u, KITH_UT_PACKETS, &a, error);
    if (code == -KITH_EREFUSED || code == -KITH_EUNREACHABLE) kith_ut_say_unreachable(u, &a);
}

/* Without IP_RECVERR the errors that wait are forgotten; else the socket would be ready for ever.
 */
static void hear_no_errors(struct kith_ut_socket *s, int why)
{
    int off = 0;
    setsockopt(s->udp, IPPROTO_IP, IP_RECVERR, &off, sizeof off);
    if (s->local.sa.sa_family == AF_INET6)
        setsockopt(s->udp, IPPROTO_IPV6, IPV6_RECVERR, &off, sizeof off);
    s->owner->host->log(
        s->owner->host, KITH_LOG_WARN,
        "what becomes of packets can't be read (%s): nobody is known to refuse them",
        strerror(why));
}

/* What became of packets sent a while ago, with whom they were for. True: there was something, and
 * the last call on the socket may have failed for that alone. */
static bool read_errors(struct kith_ut_socket *s)
{
    union kith_ut_sockaddr to;
    union {
        struct cmsghdr align;
        uint8_t bytes[256];
    } control;
    struct msghdr m = {.msg_name = &to};
    bool any = false;
    for (int i = 0; i < ERRORS_TURN; i++) {
        m.msg_namelen = sizeof to;
        m.msg_control = &control;
        m.msg_controllen = sizeof control;
        memset(&to, 0, sizeof to);
        if (recvmsg(s->udp, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
            if (errno == ENOSYS || errno == EPERM) hear_no_errors(s, errno);
            break;
        }
        any = true;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
            bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
            bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;
            struct sock_extended_err e;
            if (!v4 && !v6) continue;
            memcpy(&e, CMSG_DATA(c), sizeof e);
            note_failure(s->owner, &to, (int)e.ee_errno);
        }
    }
    return any;
}

/* False: no memory. */
static bool ring_ready(struct kith_ut *u)
{
    struct kith_ut_ring *ring = u->ring;
    uint8_t *slots = u->host->scratch(u->host, (size_t)RECEIVE_BATCH * SLOT);
    if (!slots || slots == ring->slots) return slots;
    ring->slots = slots;
    for (size_t i = 0; i < RECEIVE_BATCH; i++)
        ring->vectors[i] =
            (struct iovec){.iov_base = slots + i * SLOT + ROOM, .iov_len = SLOT - 2 * ROOM};
    return true;
}

/* What the socket is watched for, as things are. */
static void arm(struct kith_ut_socket *s)
{
    unsigned events = s->held ? 0 : KITH_READABLE;
    for (int i = 0; i < 2; i++) {
        const struct kith_ut_batch *b = s->owner->batches[i];
        if (b && b->socket == s && b->stuck) events |= KITH_WRITABLE;
    }
    s->owner->host->watch_set(s->udp_watch, events);
}

/* Packets are there and can't be read. An error of the one packet goes away as it is read; one that
 * comes again and again stays, and so would we be called. */
static void read_failed(struct kith_ut_socket *s, int error)
{
    struct kith_ut *u = s->owner;
    char text[KITH_UT_HOST_MAX];
    ++*u->count.receive_errors;
    if (++s->read_failures < READ_FAILURES) return;
    s->held = true;
    arm(s);
    u->host->timer_set(u->read_timer, u->host->now(u->host) + HELD_FOR);
    u->host->log(u->host, KITH_LOG_ERROR, "no packets are received on %s: %s",
                 kith_ut_text(&s->local, text), strerror(error));
}

static void on_read_again(void *arg)
{
    struct kith_ut *u = arg;
    for (size_t i = 0; i < u->socket_count; i++) {
        if (!u->sockets[i].held) continue;
        u->sockets[i].held = false;
        arm(&u->sockets[i]);
    }
}

static void receive(struct kith_ut_socket *s)
{
    struct kith_ut_ring *ring = s->owner->ring;
    bool any = false;
    if (!ring_ready(s->owner)) return;
    kith_ut_turn(s->owner);
    while (s->packets_left) {
        unsigned batch = s->packets_left < RECEIVE_BATCH ? s->packets_left : RECEIVE_BATCH;
        for (size_t i = 0; i < batch; i++) {
            ring->headers[i].msg_hdr.msg_namelen = sizeof ring->from[i];
            ring->headers[i].msg_hdr.msg_controllen = sizeof ring->control[i];
        }
        int n = kith_ut_receive(s->owner, s->udp, ring->headers, batch), error = n < 0 ? errno : 0;
        bool failed = error && error != EAGAIN && error != EINTR;
        for (int i = 0; i < n; i++) deliver(s, (size_t)i);
        /* Ready, but not to be read: there are errors, perhaps. */
        if (error && (!any || failed) && read_errors(s)) failed = false;
        if (failed)
            read_failed(s, error);
        else
            s->read_failures = 0;
        if (n > 0) s->packets_left -= (unsigned)n;
        if (n < (int)batch) break;
        any = true;
    }
}

/* ------------------------------------------------------------------------------------- out */

static void send_batch(struct kith_ut *u, struct kith_ut_batch *b)
{
    bool again = true; /* what failed may do so for a packet before it: once */
    while (b->first < b->count) {
        int n =
            kith_ut_send(u, b->socket->udp, b->headers + b->first, (unsigned)(b->count - b->first));
        int error = errno;
        if (n < 0 && error == EINTR) continue;
        if (n < 0 && error == EAGAIN) {
            bool was = b->stuck;
            b->stuck = true;
            if (!was) arm(b->socket);
            return;
        }
        if (n < 0 && again && read_errors(b->socket)) {
            again = false;
            continue;
        }
        again = true;
        if (n < 0) {
            /* This one; the next may go elsewhere. ENOBUFS, too: an interface was full and has
             * dropped it, while the socket is ready to take the same again and again. */
            ++*u->count.packets_dropped_send_failed;
            note_failure(u, &b->packets[b->first].to, error);
            b->first++;
            continue;
        }
        for (int i = 0; i < n; i++)
            *u->count.bytes_sent += b->packets[b->first + (size_t)i].vector.iov_len;
        *u->count.packets_sent += (uint64_t)n;
        b->first += (size_t)n;
    }
    b->first = b->count = b->used = 0;
    bool was = b->stuck;
    b->stuck = false;
    if (was) arm(b->socket);
}

/* The system's view of the packets, after something was moved. */
static void link_packets(struct kith_ut_batch *b)
{
    uint8_t *at = b->bytes;
    for (size_t i = 0; i < b->cap; i++) {
        b->headers[i].msg_hdr.msg_name = &b->packets[i].to;
        b->headers[i].msg_hdr.msg_iov = &b->packets[i].vector;
        b->headers[i].msg_hdr.msg_iovlen = 1;
        if (i >= b->count) continue;
        b->packets[i].vector.iov_base = at;
        at += b->packets[i].vector.iov_len;
    }
}

static bool grow_packets(struct kith_ut_batch *b)
{
    size_t cap = b->cap ? 2 * b->cap : SEND_BATCH_FIRST;
    struct mmsghdr *headers = realloc(b->headers, cap * sizeof *headers);
    if (headers) b->headers = headers;
    struct kith_ut_packet *packets = realloc(b->packets, cap * sizeof *packets);
    if (packets) b->packets = packets;
    if (!headers || !packets) return false;
    memset(headers + b->cap, 0, (cap - b->cap) * sizeof *headers);
    b->cap = cap;
    return true;
}

static bool grow_bytes(struct kith_ut_batch *b, size_t need)
{
    size_t cap = b->bytes_cap ? b->bytes_cap : SEND_BYTES_FIRST;
    while (cap < need) cap *= 2;
    uint8_t *bytes = realloc(b->bytes, cap);
    if (!bytes) return false;
    b->bytes = bytes;
    b->bytes_cap = cap;
    return true;
}

/* Room for one more of len bytes. False: the batch may not grow further, or there is no memory. */
static bool make_room(struct kith_ut_batch *b, size_t len)
{
    bool more = b->count == b->cap, longer = b->used + len > b->bytes_cap;
    if (!more && !longer) return true;
    if (b->count == SEND_BATCH || b->used + len > SEND_BYTES) return false;
    bool fits = (!more || grow_packets(b)) && (!longer || grow_bytes(b, b->used + len));
    link_packets(b);
    return fits;
}

int kith_ut_send_packet(void *self, const struct kith_peer *peer, struct kith_buf *packet)
{
    struct kith_ut *u = self;
    union kith_ut_sockaddr sa;
    const struct kith_addr *to = peer->addr;
    if (packet->len > KITH_UT_PACKET_MAX) return -KITH_ETOOBIG;
    if (!to || !kith_ut_to_sockaddr(to, &sa) || !to->port) return -KITH_EINVAL;
    struct kith_ut_batch *b = u->batches[sa.sa.sa_family == AF_INET6];
    if (!b) {
        kith_ut_failed(u, KITH_UT_PACKETS, to, EAFNOSUPPORT);
        return -KITH_EUNREACHABLE;
    }
    bool room = make_room(b, packet->len);
    if (!room && !b->stuck) {
        send_batch(u, b);
        room = make_room(b, packet->len);
    }
    if (!room) {
        ++*u->count.packets_dropped_send_full;
        return -KITH_EAGAIN;
    }
    if (b->socket->local.sa.sa_family == AF_INET6 && sa.sa.sa_family == AF_INET) {
        struct in_addr v4 = sa.in.sin_addr;
        sa.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(to->port)};
        sa.in6.sin6_addr.s6_addr[10] = sa.in6.sin6_addr.s6_addr[11] = 0xff;
        memcpy(sa.in6.sin6_addr.s6_addr + 12, &v4, sizeof v4);
    } else if (sa.sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&sa.in6.sin6_addr)) {
        sa.in6.sin6_scope_id = b->socket->local.in6.sin6_scope_id; /* no scope on the wire: ours */
    }
    b->headers[b->count].msg_hdr.msg_namelen = kith_ut_sockaddr_len(&sa);
    b->packets[b->count] = (struct kith_ut_packet){
        .vector = {.iov_base = b->bytes + b->used, .iov_len = packet->len}, .to = sa};
    memcpy(b->bytes + b->used, packet->data, packet->len);
    b->used += packet->len;
    b->count++;
    return 0;
}

void kith_ut_flush(void *self)
{
    struct kith_ut *u = self;
    for (int i = 0; i < 2; i++)
        if (u->batches[i] && !u->batches[i]->stuck) send_batch(u, u->batches[i]);
}

/* ------------------------------------------------------------------------------------- life */

static void on_udp(void *arg, unsigned events)
{
    struct kith_ut_socket *s = arg;
    struct kith_ut *u = s->owner;
    if (events & KITH_READABLE) receive(s);
    for (int i = 0; events & KITH_WRITABLE && i < 2; i++)
        if (u->batches[i] && u->batches[i]->socket == s) send_batch(u, u->batches[i]);
}

static void batch_free(struct kith_ut_batch *b)
{
    if (!b) return;
    free(b->headers);
    free(b->packets);
    free(b->bytes);
    free(b);
}

static struct kith_ut_batch *new_batch(struct kith_ut_socket *socket)
{
    struct kith_ut_batch *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    b->socket = socket;
    if (make_room(b, 1)) return b;
    batch_free(b);
    return NULL;
}

static struct kith_ut_ring *new_ring(void)
{
    struct kith_ut_ring *ring = calloc(1, sizeof *ring);
    if (!ring) return NULL;
    for (size_t i = 0; i < RECEIVE_BATCH; i++) {
        ring->headers[i].msg_hdr.msg_name = &ring->from[i];
        ring->headers[i].msg_hdr.msg_iov = &ring->vectors[i];
        ring->headers[i].msg_hdr.msg_iovlen = 1;
        ring->headers[i].msg_hdr.msg_control = &ring->control[i];
    }
    return ring;
}

int kith_ut_packets_prepare(struct kith_ut *u, struct kith_error *err)
{
    u->ring = new_ring();
    u->read_timer = u->host->timer(u->host, on_read_again, u);
    if (!u->ring || !u->read_timer || !ring_ready(u))
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    for (size_t i = 0; i < u->socket_count; i++) {
        struct kith_ut_socket *s = &u->sockets[i];
        bool v6 = s->local.sa.sa_family == AF_INET6;
        /* Packets leave from the first socket of their family, so that peers see one source. */
        if (!u->batches[v6] && !(u->batches[v6] = new_batch(s)))
            return kith_fail(err, KITH_ENOMEM, "out of memory");
        if (s->dual && !u->batches[0] && !(u->batches[0] = new_batch(s)))
            return kith_fail(err, KITH_ENOMEM, "out of memory");
    }
    return 0;
}

int kith_ut_packets_watch(struct kith_ut *u, struct kith_error *err)
{
    for (size_t i = 0; i < u->socket_count; i++) {
        struct kith_ut_socket *s = &u->sockets[i];
        s->udp_watch = u->host->watch(u->host, s->udp, KITH_READABLE, on_udp, s);
        if (!s->udp_watch) return kith_fail(err, KITH_ENOMEM, "can't watch a socket");
    }
    return 0;
}

void kith_ut_packets_stop(struct kith_ut *u)
{
    for (int i = 0; i < 2; i++) {
        if (u->batches[i]) send_batch(u, u->batches[i]);
        batch_free(u->batches[i]);
        u->batches[i] = NULL;
    }
    for (size_t i = 0; i < u->socket_count; i++) {
        if (u->sockets[i].udp_watch) u->host->watch_free(u->sockets[i].udp_watch);
        u->sockets[i].udp_watch = NULL;
        u->sockets[i].held = false;
    }
    if (u->read_timer) u->host->timer_free(u->read_timer);
    u->read_timer = NULL;
    free(u->ring);
    u->ring = NULL;
}
