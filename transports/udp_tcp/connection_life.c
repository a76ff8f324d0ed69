/*
 * connection_life.c - the life of connections: open, accept, deadlines, adoption.
 *
 * Strangers can open connections, so what they cost is bounded: max_connections in all (over it the
 * system's backlog holds them, until the node has reset some), max_per_source from one source (over
 * it they are reset), idle_timeout without a byte moving on each. When no descriptor is left one
 * more comes in on a reserve, and the node hears that it is crowded.
 */
#include "connection.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

enum { ACCEPT_TURN = 64 };
#define MS UINT64_C(1000000)

/* ------------------------------------------------------------------------------------- begin */

/* The node's setting, asked for each time: a reload may change it. */
static uint64_t connect_timeout(const struct kith_ut *u)
{
    struct kith_value v;
    KITH_ZERO(&v);
    if (u->host->setting(u->host, "node.tcp_timeout", &v) || v.number <= 0) return u->idle_timeout;
    return (uint64_t)v.number;
}

/* Connecting has tcp_timeout in all; later the clock starts again with each byte. The timer is not
 * moved each time: when it fires it looks whether it is time. */
static void on_deadline(void *arg)
{
    struct kith_ut_stream *s = arg;
    struct kith_ut *u = s->owner;
    uint64_t at = s->moved + (s->connecting ? s->timeout : u->idle_timeout);
    if (u->host->now(u->host) < at)
        u->host->timer_set(s->timer, at);
    else
        kith_ut_stream_end(s, -KITH_ETIMEOUT);
}

static void on_connected(struct kith_ut_stream *s)
{
    struct kith_ut *u = s->owner;
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len)) error = errno;
    if (error) {
        kith_ut_stream_end(s, kith_ut_stream_failed(s, error));
        return;
    }
    s->connecting = false;
    s->moved = u->host->now(u->host);
    u->host->timer_set(s->timer, s->moved + u->idle_timeout);
    ++*u->count.streams_opened;
    if (s->finished) shutdown(s->fd, SHUT_WR);
    uint64_t id = s->id;
    struct kith_peer to = {.size = sizeof to, .addr = &s->peer};
    kith_ut_stream_arm(s);
    u->up->stream_opened(u->up, id, &to);
}

static void on_stream(void *arg, unsigned events)
{
    struct kith_ut_stream *s = arg;
    if (s->connecting)
        on_connected(s);
    else
        kith_ut_stream_ready(s, events);
}

/* Takes the fd, also when it fails. */
static struct kith_ut_stream *new_stream(struct kith_ut *u, int fd, const struct kith_addr *peer,
                                         bool inbound)
{
    int on = 1;
    struct kith_ut_stream *s = calloc(1, sizeof *s);
    if (!s || !kith_ut_stream_add(u, s)) goto fail;
    uint64_t id = s->id;
    *s = (struct kith_ut_stream){
        .owner = u, .id = id, .fd = fd, .peer = *peer, .connecting = !inbound};
    if (!inbound) s->timeout = connect_timeout(u);
    s->moved = u->host->now(u->host);
    s->watch = u->host->watch(u->host, fd, inbound ? KITH_READABLE : KITH_WRITABLE, on_stream, s);
    s->timer = u->host->timer(u->host, on_deadline, s);
    if (!s->watch || !s->timer) {
        kith_ut_stream_hang_up(s, true);
        kith_ut_stream_forget(s);
        return NULL;
    }
    u->host->timer_set(s->timer, s->moved + (inbound ? u->idle_timeout : s->timeout));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return s;

fail:
    free(s);
    close(fd);
    return NULL;
}

/* Link-local addresses come without a scope: ours. */
static void add_scope(const struct kith_ut *u, union kith_ut_sockaddr *sa)
{
    if (sa->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_LINKLOCAL(&sa->in6.sin6_addr)) return;
    for (size_t i = 0; i < u->socket_count && !sa->in6.sin6_scope_id; i++)
        if (u->sockets[i].local.sa.sa_family == AF_INET6)
            sa->in6.sin6_scope_id = u->sockets[i].local.in6.sin6_scope_id;
}

int kith_ut_stream_open(void *self, const struct kith_peer *to, uint64_t *id)
{
    struct kith_ut *u = self;
    union kith_ut_sockaddr sa;
    if (!to->addr || !kith_ut_to_sockaddr(to->addr, &sa) || !to->addr->port) return -KITH_EINVAL;
    add_scope(u, &sa);
    int error = 0, fd = socket(sa.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        ++*u->count.streams_failed;
        error = errno;
        kith_ut_failed(u, KITH_UT_STREAMS, to->addr, error);
        return kith_ut_stream_code(error);
    }
    if (connect(fd, &sa.sa, kith_ut_sockaddr_len(&sa)) && errno != EINPROGRESS) error = errno;
    struct kith_ut_stream *s = new_stream(u, fd, to->addr, false);
    if (!s) return -KITH_ENOMEM;
    *id = s->id;
    if (error) kith_ut_stream_end(s, kith_ut_stream_failed(s, error));
    return 0;
}

/* ------------------------------------------------------------------------------------ accept */

static void on_accept_again(void *arg)
{
    struct kith_ut *u = arg;
    if (!u->accept_paused) kith_ut_listeners_watch(u, true);
}

/* Is this an error of the one connection, which is gone already? */
static bool of_connection(int error)
{
    switch (error) {
    case ECONNABORTED:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case EINTR:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case ENOPROTOOPT:
    case EPROTO:
    case ETIMEDOUT: return true;
    default: return false;
    }
}

static bool lacks(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void give_reserve(struct kith_ut *u)
{
    if (u->reserve > 0) close(u->reserve);
    u->reserve = -1;
}

/* With the reserve when nothing else is left. */
static int accept_one(struct kith_ut *u, int listener, union kith_ut_sockaddr *from)
{
    int fd = kith_ut_accept(u, listener, from), error = errno;
    if (fd >= 0 || !lacks(error)) return fd;
    kith_ut_say_changed(u, KITH_CHANGED_CROWDED);
    if (u->reserve <= 0) return -1;
    give_reserve(u);
    fd = kith_ut_accept(u, listener, from);
    error = errno;
    kith_ut_keep_reserve(u);
    errno = error;
    return fd;
}

/* Out of descriptors or memory, or denied: the connection stays in the backlog, and we would be
 * called at once again. */
static void back_off(struct kith_ut *u, int error)
{
    u->accept_delay = u->accept_delay ? 2 * u->accept_delay : 5 * MS;
    if (u->accept_delay > 1000 * MS) u->accept_delay = 1000 * MS;
    u->host->log(u->host, KITH_LOG_WARN, "accepting connections: %s; trying again in %u ms",
                 strerror(error), (unsigned)(u->accept_delay / MS));
    kith_ut_listeners_watch(u, false);
    u->host->timer_set(u->accept_timer, u->host->now(u->host) + u->accept_delay);
}

static void welcome(struct kith_ut *u, int fd, const union kith_ut_sockaddr *sa)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct kith_addr from;
    kith_ut_from_sockaddr(sa, &from);
    if (kith_ut_streams_from(u, &from) >= u->max_per_source) {
        kith_ut_refused_source(u, &from);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
        return;
    }
    struct kith_ut_stream *s = new_stream(u, fd, &from, true);
    if (!s) {
        ++*u->count.accept_errors;
        return;
    }
    struct kith_ut_stream **list = kith_ut_streams_of(u, &from);
    s->inbound = true;
    s->next_of_source = *list;
    *list = s;
    u->inbound++;
    uint64_t id = s->id;
    struct kith_peer peer = {.size = sizeof peer, .addr = &from};
    if (u->up->stream_accepted(u->up, id, &peer)) {
        ++*u->count.streams_refused_by_node;
        kith_ut_stream_reset(u, id);
        return;
    }
    ++*u->count.streams_accepted;
}

static void on_accept(void *arg, unsigned events)
{
    struct kith_ut_socket *l = arg;
    struct kith_ut *u = l->owner;
    for (int i = 0; i < ACCEPT_TURN; i++) {
        if (u->inbound >= u->max_connections) {
            ++*u->count.accepts_paused;
            u->accept_paused = true;
            kith_ut_listeners_watch(u, false);
            kith_ut_say_changed(u, KITH_CHANGED_CROWDED);
            return;
        }
        union kith_ut_sockaddr sa;
        int fd = accept_one(u, l->tcp, &sa);
        if (fd >= 0) {
            u->accept_delay = 0;
            welcome(u, fd, &sa);
            continue;
        }
        if (errno == EAGAIN) return;
        ++*u->count.accept_errors;
        if (!of_connection(errno)) {
            back_off(u, errno);
            return;
        }
    }
}

/* ------------------------------------------------------------------------------------- life */

int kith_ut_streams_prepare(struct kith_ut *u, struct kith_error *err)
{
    u->accept_timer = u->host->timer(u->host, on_accept_again, u);
    return u->accept_timer ? 0 : kith_fail(err, KITH_ENOMEM, "out of memory");
}

int kith_ut_streams_watch(struct kith_ut *u, struct kith_error *err)
{
    u->running = true;
    u->accept_paused = u->inbound >= u->max_connections;
    kith_ut_keep_reserve(u);
    for (size_t i = 0; i < u->socket_count; i++) {
        struct kith_ut_socket *s = &u->sockets[i];
        s->tcp_watch =
            u->host->watch(u->host, s->tcp, u->accept_paused ? 0 : KITH_READABLE, on_accept, s);
        if (!s->tcp_watch) return kith_fail(err, KITH_ENOMEM, "can't watch a socket");
    }
    for (size_t i = 0; i < u->slot_count; i++) { /* adopted */
        struct kith_ut_stream *s = u->slots[i].stream;
        if (!s || s->fd < 0) continue;
        s->watch = u->host->watch(u->host, s->fd, KITH_WRITABLE, on_stream, s);
        s->timer = u->host->timer(u->host, on_deadline, s);
        if (s->watch && s->timer) {
            kith_ut_stream_arm(s);
            u->host->timer_set(s->timer, 0);
        } else {
            kith_ut_stream_end(s, -KITH_ENOMEM);
        }
    }
    if (u->ended) kith_ut_later(u);
    return 0;
}

static void drop_watches(struct kith_ut *u)
{
    for (size_t i = 0; i < u->socket_count; i++) {
        if (u->sockets[i].tcp_watch) u->host->watch_free(u->sockets[i].tcp_watch);
        u->sockets[i].tcp_watch = NULL;
    }
    if (u->accept_timer) u->host->timer_free(u->accept_timer);
    u->accept_timer = NULL;
    u->running = false;
    give_reserve(u);
}

void kith_ut_streams_stop(struct kith_ut *u)
{
    drop_watches(u);
    for (size_t i = 0; i < u->slot_count; i++) {
        struct kith_ut_stream *s = u->slots[i].stream;
        if (!s) continue;
        kith_ut_stream_hang_up(s, !s->finished);
        free(s);
    }
    free(u->slots);
    u->slots = NULL;
    u->ended = NULL;
    u->accept_delay = 0;
    u->slot_count = u->slot_cap = u->free_slot = 0;
}

void kith_ut_streams_adopt(struct kith_ut *u, struct kith_ut *old)
{
    drop_watches(old);
    for (size_t i = 0; i < old->slot_count; i++) {
        struct kith_ut_stream *s = old->slots[i].stream;
        if (!s) continue;
        if (s->watch) old->host->watch_free(s->watch);
        if (s->timer) old->host->timer_free(s->timer);
        s->watch = NULL;
        s->timer = NULL;
        s->waits_in = 0;
        s->owner = u;
    }
    u->slots = old->slots;
    u->slot_count = old->slot_count;
    u->slot_cap = old->slot_cap;
    u->free_slot = old->free_slot;
    u->last_stream = old->last_stream;
    u->ended = old->ended;
    u->inbound = old->inbound;
    memcpy(u->sources, old->sources, sizeof u->sources);
    memcpy(u->source_key, old->source_key, sizeof u->source_key);
    memset(old->sources, 0, sizeof old->sources);
    old->slots = NULL;
    old->ended = NULL;
    old->slot_count = old->slot_cap = old->free_slot = 0;
    old->inbound = 0;
}
