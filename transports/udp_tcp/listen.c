/*
 * listen.c - `bind` read and done: per entry a TCP listener and a UDP socket on the same port.
 *
 * Entries with port 0 share one port that the system chooses; it may be taken for UDP, so that is
 * tried a few times. What goes wrong here goes wrong in front of somebody who has just edited a
 * file: each error says what to change.
 */
#include "udp_tcp.h"
#include <errno.h>
#include <unistd.h>

enum { PORT_TRIES = 10, BACKLOG = 512 };

/* ":7946" is for IPv4 and IPv6, as far as this machine has them. */
static void without_ipv6(struct kith_ut_socket *s)
{
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0) close(fd);
    if (fd >= 0 || errno != EAFNOSUPPORT) return;
    struct in_addr any = {htonl(INADDR_ANY)};
    uint16_t port = kith_ut_port(&s->local);
    memset(&s->local, 0, sizeof s->local);
    s->local.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = any};
    kith_ut_set_port(&s->local, port);
}

int kith_ut_listen_init(struct kith_ut *u, struct kith_error *err)
{
    if (!u->bind.count)
        return kith_fail(err, KITH_EINVAL,
                         "bind: at least one address is needed, such as 0.0.0.0:7946");
    if (u->bind.count > KITH_UT_BINDS_MAX)
        return kith_fail(err, KITH_EINVAL, "bind: %zu addresses; at most %d", u->bind.count,
                         KITH_UT_BINDS_MAX);
    for (size_t i = 0; i < u->bind.count; i++) {
        const char *text = u->bind.items[i];
        struct kith_bytes host;
        uint16_t port = KITH_UT_PORT;
        struct kith_ut_socket *s = &u->sockets[i];
        *s = (struct kith_ut_socket){.owner = u, .udp = -1, .tcp = -1};
        if (kith_ut_split(kith_text(text), &host, &port))
            return kith_fail(
                err, KITH_EINVAL,
                "bind: '%s' is not an address; write it as 192.0.2.1:7946, [2001:db8::1]:7946 "
                "or :7946",
                text);
        if (kith_ut_literal(host, port, &s->local))
            return kith_fail(
                err, KITH_EINVAL,
                "bind: '%.*s' is not an IP address; names are not looked up here, write one of "
                "this machine's addresses",
                (int)host.len, (const char *)host.data);
        if (!host.len) without_ipv6(s);
        s->any_port = !port;
        u->socket_count = i + 1;
        for (size_t k = 0; k < i; k++)
            if (memcmp(&u->sockets[k].local, &s->local, sizeof s->local) == 0)
                return kith_fail(err, KITH_EINVAL, "bind: '%s' is there twice", text);
    }
    /* The IPv6 wildcard takes IPv4 too, unless IPv4 has an entry of its own. */
    for (size_t i = 0; i < u->socket_count; i++) {
        struct kith_ut_socket *s = &u->sockets[i];
        s->dual = s->local.sa.sa_family == AF_INET6 && kith_ut_wildcard(&s->local);
        for (size_t k = 0; k < u->socket_count; k++)
            if (u->sockets[k].local.sa.sa_family == AF_INET) s->dual = false;
    }
    return 0;
}

void kith_ut_socket_close(struct kith_ut_socket *s)
{
    if (s->udp >= 0) close(s->udp);
    if (s->tcp >= 0) close(s->tcp);
    s->udp = s->tcp = -1;
    s->dropped = 0;
    if (s->any_port) kith_ut_set_port(&s->local, 0);
}

static int explain(const struct kith_ut_socket *s, const char *what, int error,
                   struct kith_error *err)
{
    char text[KITH_UT_HOST_MAX];
    kith_ut_text(&s->local, text);
    switch (error) {
    case EADDRINUSE:
        return kith_fail(
            err, KITH_EADDRINUSE,
            "bind: %s port %u of %s is in use by another program; choose another port in "
            "`bind`, or stop that program",
            what, kith_ut_port(&s->local), text);
    case EACCES:
        return kith_fail(
            err, KITH_EACCES,
            "bind: %s: no permission for port %u; choose a port from 1024 on, or give the "
            "program CAP_NET_BIND_SERVICE",
            text, kith_ut_port(&s->local));
    case EADDRNOTAVAIL:
        return kith_fail(
            err, KITH_EINVAL,
            "bind: %s: this machine has no such address; bind one that it has (or 0.0.0.0) and "
            "put the address that others use into `advertise`",
            text);
    case EAFNOSUPPORT:
        return kith_fail(err, KITH_EUNSUPPORTED,
                         "bind: %s: this machine has no %s; bind an address of the other family",
                         text, s->local.sa.sa_family == AF_INET ? "IPv4" : "IPv6");
    case EMFILE:
    case ENFILE:
        return kith_fail(err, KITH_EIO,
                         "bind: %s: too many open files; raise the limit (ulimit -n)", text);
    default: return kith_fail(err, KITH_EIO, "bind: %s %s: %s", what, text, strerror(error));
    }
}

static int open_one(const struct kith_ut_socket *s, int type)
{
    int on = 1, off = 0;
    int fd = socket(s->local.sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (s->local.sa.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, s->dual ? &off : &on, sizeof on);
    /* Connections of our former self may still be dying away. */
    if (type == SOCK_STREAM) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, &s->local.sa, kith_ut_sockaddr_len(&s->local)) == 0 &&
        (type == SOCK_DGRAM || listen(fd, BACKLOG) == 0))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void learn_port(struct kith_ut_socket *s)
{
    union kith_ut_sockaddr real;
    socklen_t len = sizeof real;
    if (getsockname(s->tcp, &real.sa, &len) == 0) kith_ut_set_port(&s->local, kith_ut_port(&real));
}

/* As large a receive buffer as we get: a burst must wait there while the node is busy. The system
 * counts twice what it was asked for. Errors of packets come on a queue, with whom they were for;
 * of a socket for both families each family has its own switch. */
static void tune(const struct kith_ut_socket *s)
{
    const struct kith_ut *u = s->owner;
    int on = 1, want = (int)u->receive_buffer, got = 0;
    socklen_t len = sizeof got;
    setsockopt(s->udp, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    setsockopt(s->udp, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    if (s->local.sa.sa_family == AF_INET6)
        setsockopt(s->udp, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
    if (setsockopt(s->udp, SOL_SOCKET, SO_RCVBUFFORCE, &want,
                   sizeof want)) /* for the privileged, over the system's limit */
        for (int size = want;
             size >= 65536 && setsockopt(s->udp, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
             size /= 2)
            continue;
    if (getsockopt(s->udp, SOL_SOCKET, SO_RCVBUF, &got, &len) == 0 && got / 2 < want)
        u->host->log(u->host, KITH_LOG_INFO,
                     "receive buffer is %d KiB instead of %d; raise net.core.rmem_max to get more",
                     got / 2048, want / 1024);
}

/* shared: the port that entries with port 0 are to have; 0: any. */
static int try_all(struct kith_ut *u, const bool *wanted, uint16_t shared, bool *again,
                   struct kith_error *err)
{
    for (size_t i = 0; i < u->socket_count; i++)
        if (u->sockets[i].any_port && u->sockets[i].tcp >= 0)
            shared = kith_ut_port(&u->sockets[i].local);
    for (size_t i = 0; i < u->socket_count; i++) {
        struct kith_ut_socket *s = &u->sockets[i];
        if (!wanted[i]) continue;
        bool first = s->any_port && !shared;
        if (s->any_port) kith_ut_set_port(&s->local, shared);
        const char *what = "TCP";
        s->tcp = open_one(s, SOCK_STREAM);
        if (s->tcp >= 0) {
            learn_port(s);
            if (first) shared = kith_ut_port(&s->local);
            what = "UDP";
            s->udp = open_one(s, SOCK_DGRAM);
        }
        if (s->udp < 0) {
            *again = s->any_port && errno == EADDRINUSE;
            return explain(s, what, errno, err);
        }
    }
    return 0;
}

int kith_ut_listen_open(struct kith_ut *u, struct kith_error *err)
{
    bool wanted[KITH_UT_BINDS_MAX];
    int rc = 0;
    for (size_t i = 0; i < u->socket_count; i++) wanted[i] = u->sockets[i].udp < 0;
    for (int i = 0; i < PORT_TRIES; i++) {
        bool again = false;
        /* Others know this node by its port: after a stop the same one, if it is still free. */
        rc = try_all(u, wanted, i ? 0 : u->last_port, &again, err);
        if (!rc) break;
        for (size_t k = 0; k < u->socket_count; k++)
            if (wanted[k]) kith_ut_socket_close(&u->sockets[k]);
        if (!again) break;
    }
    for (size_t i = 0; !rc && i < u->socket_count; i++)
        if (u->sockets[i].any_port) u->last_port = kith_ut_port(&u->sockets[i].local);
    return rc;
}

void kith_ut_listen_tune(struct kith_ut *u)
{
    for (size_t i = 0; i < u->socket_count; i++) tune(&u->sockets[i]);
}
