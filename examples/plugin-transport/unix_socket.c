/*
 * unix_socket.c - a whole transport outside of Kith's tree: the nodes of one machine and one user,
 * over Unix sockets.
 *
 *   address   the path of a node's socket, "/run/user/1000/a.sock", without a port
 *   packets   datagrams between the paths
 *   streams   connections to PATH.s, records of one kind byte and data, so that a peer that
 *             finished (a record) can be told from one that went away (none)
 *
 * A stream that is opened binds itself to PATH#ID first, which tells the other side whose it is;
 * the file goes as soon as both are connected.
 *
 * The sockets are for their user alone (mode 0600), and bytes between them never leave the kernel:
 * that is why it may say that it authenticates and encrypts.
 *
 * Read from the bottom: the plugin, its life, then packets, then streams.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4, strnlen, SOCK_CLOEXEC */
#endif
#include <errno.h>
#include <kith/plugin.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    PATH_LIMIT = 80, /* with ".s" or "#ID" behind it, in sun_path */
    PACKET = 32768,
    ROOM = 64,         /* before and after a packet: for who changes it in place */
    PACKETS_TURN = 64, /* read at once; then the others have their turn */
    RECORD = 16384,    /* data in a record of a stream; one is read a turn */
    STREAMS = 64,
    STREAMS_IN = 48, /* of these, opened by others: some are left for ours */
    HINTS = 16,
    BACKLOG = 64
};
enum { DATA = 'D', END = 'E' };

struct transport;

/* free -> waiting (opened is still to be said) -> open -> over (closed is still to be said) ->
 * free. A stream of others begins open. */
enum stream_state { FREE, WAITING, OPEN, OVER };

struct stream {
    struct transport *owner;
    enum stream_state state;
    uint64_t id;
    int fd; /* -1 when over */
    struct kith_watch *watch;
    struct kith_addr peer;
    bool inbound;
    bool paused;               /* by the node */
    bool peer_ended;           /* its END came */
    bool finished, end_is_due; /* by the node; END still to be sent */
    bool blocked;              /* a write took less */
    int reason;                /* when over */
};

struct transport {
    const char *path; /* parameter */

    const struct kith_host *host;
    const struct kith_uplink *up;
    struct kith_addr address;
    int packets, listener; /* descriptors, -1: none */
    struct kith_watch *packet_watch, *listener_watch;
    struct kith_timer *later;
    struct stream streams[STREAMS];
    uint64_t last_id;
    struct kith_addr hints[HINTS]; /* that refused; still to be said */
    size_t hint_count;
    uint64_t *received, *sent, *no_sender, *bad_size, *not_sent;
    uint8_t packet[ROOM + PACKET + ROOM], record[1 + RECORD];
};

/* --------------------------------------------------------------------------------- addresses */

static bool is_path(const uint8_t *bytes, size_t len)
{
    return len > 1 && len <= PATH_LIMIT && bytes[0] == '/' && !memchr(bytes, 0, len);
}

static int parse(void *self, struct kith_bytes text, struct kith_addr *out, struct kith_bytes *host)
{
    (void)self, (void)host;
    if (!is_path(text.data, text.len)) return -KITH_EINVAL;
    memset(out, 0, sizeof *out);
    out->len = (uint8_t)text.len;
    memcpy(out->bytes, text.data, text.len);
    return 0;
}

static int format(void *self, const struct kith_addr *a, char *out, size_t cap)
{
    (void)self;
    char hex[2 * KITH_ADDR_MAX + 1] = "";
    if (is_path(a->bytes, a->len))
        return snprintf(out, cap, "%.*s", a->len, (const char *)a->bytes);
    /* Another transport's. */
    for (size_t i = 0; i < a->len; i++) snprintf(hex + 2 * i, 3, "%02x", a->bytes[i]);
    return snprintf(out, cap, "%s", hex);
}

static socklen_t to_sockaddr(const struct kith_addr *a, const char *suffix, struct sockaddr_un *out)
{
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    snprintf(out->sun_path, sizeof out->sun_path, "%.*s%s", a->len, (const char *)a->bytes, suffix);
    return (socklen_t)sizeof *out;
}

/* Whose it is: the path, without what is behind a "#". False: nobody's. */
static bool from_sockaddr(const struct sockaddr_un *sa, socklen_t len, struct kith_addr *out)
{
    size_t begin = offsetof(struct sockaddr_un, sun_path);
    size_t n = len > begin ? strnlen(sa->sun_path, len - begin) : 0;
    const char *hash = memchr(sa->sun_path, '#', n);
    if (hash) n = (size_t)(hash - sa->sun_path);
    return parse(NULL, kith_bytes_of(sa->sun_path, n), out, NULL) == 0;
}

static int code_of(int error)
{
    switch (error) {
    case ECONNREFUSED: return -KITH_EREFUSED;
    case ENOENT: return -KITH_EUNREACHABLE;
    case EPIPE:
    case ECONNRESET: return -KITH_ECLOSED;
    case EAGAIN: return -KITH_EAGAIN;
    case EACCES:
    case EPERM: return -KITH_EACCES;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return -KITH_ENOMEM;
    default: return -KITH_EIO;
    }
}

/* ------------------------------------------------------------------------------------- later */

/* The node must not be called from inside its own call. What is found out there waits for a timer
 * that is due at once. */
static void say_later(struct transport *t) { t->host->timer_set(t->later, 0); }

static void hint(struct transport *t, const struct kith_addr *a, int code)
{
    if (code != -KITH_EREFUSED && code != -KITH_EUNREACHABLE) return;
    if (t->hint_count == HINTS) return; /* only hints */
    t->hints[t->hint_count++] = *a;
    say_later(t);
}

static void watch_stream(struct stream *s)
{
    unsigned events = s->blocked || s->end_is_due ? KITH_WRITABLE : 0;
    if (s->state == OPEN && !s->paused && !s->peer_ended) events |= KITH_READABLE;
    s->owner->host->watch_set(s->watch, events);
}

static void on_later(void *arg)
{
    struct transport *t = arg;
    for (struct stream *s = t->streams; s < t->streams + STREAMS; s++) {
        if (s->state == WAITING) {
            struct kith_peer peer;
            KITH_ZERO(&peer);
            peer.addr = &s->peer;
            peer.provides = KITH_AUTHENTICATES | KITH_ENCRYPTS;
            s->state = OPEN;
            watch_stream(s);
            t->up->stream_opened(t->up, s->id, &peer);
        } else if (s->state == OVER) {
            s->state = FREE;
            t->up->stream_closed(t->up, s->id, s->reason);
        }
    }
    for (size_t i = 0; i < t->hint_count; i++) t->up->peer_unreachable(t->up, &t->hints[i]);
    t->hint_count = 0;
}

/* ----------------------------------------------------------------------------------- streams */

static size_t streams_in(const struct transport *t)
{
    size_t n = 0;
    for (const struct stream *s = t->streams; s < t->streams + STREAMS; s++)
        n += s->state != FREE && s->inbound;
    return n;
}

static struct stream *find(struct transport *t, uint64_t id)
{
    for (struct stream *s = t->streams; s < t->streams + STREAMS; s++)
        if (s->state != FREE && s->id == id) return s;
    return NULL;
}

static void hang_up(struct stream *s)
{
    struct transport *t = s->owner;
    if (s->watch) t->host->watch_free(s->watch);
    if (s->fd >= 0) close(s->fd);
    s->watch = NULL;
    s->fd = -1;
    if (t->listener_watch) t->host->watch_set(t->listener_watch, KITH_READABLE); /* room again */
}

static void over(struct stream *s, int reason)
{
    hang_up(s);
    s->reason = reason;
    s->state = OVER;
    say_later(s->owner);
}

/* One record, whole or not at all. 1: sent, 0: not now, negative: broken. */
static int send_record(struct stream *s, uint8_t kind, struct kith_bytes data)
{
    struct iovec parts[2] = {{&kind, 1}, {(void *)(uintptr_t)data.data, data.len}};
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
    if (sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 1;
    return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? 0 : code_of(errno);
}

static void send_end(struct stream *s)
{
    int rc = send_record(s, END, kith_bytes_of(NULL, 0));
    s->end_is_due = rc == 0;
    if (rc < 0)
        over(s, rc);
    else if (rc && s->peer_ended)
        over(s, 0); /* both have finished: it is the transport that closes */
    else
        watch_stream(s);
}

static void read_record(struct stream *s)
{
    struct transport *t = s->owner;
    ssize_t n = recv(s->fd, t->record, sizeof t->record, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0 || n > (ssize_t)sizeof t->record) {
        over(s, n < 0 ? code_of(errno) : -KITH_ECLOSED); /* it left without END, or is no Kith */
    } else if (t->record[0] == DATA && n > 1) {
        t->up->stream_data(t->up, s->id, kith_bytes_of(t->record + 1, (size_t)n - 1));
    } else if (t->record[0] == END) {
        uint64_t id = s->id;
        s->peer_ended = true;
        watch_stream(s);
        t->up->stream_end(t->up, id);
        if (s->finished && !s->end_is_due) over(s, 0);
    }
}

static void on_stream(void *arg, unsigned events)
{
    struct stream *s = arg;
    struct transport *t = s->owner;
    if (events & KITH_WRITABLE && s->end_is_due) send_end(s);
    if (events & KITH_WRITABLE && s->state == OPEN && s->blocked) {
        s->blocked = false;
        watch_stream(s);
        t->up->stream_writable(t->up, s->id);
    }
    if (events & KITH_READABLE && s->state == OPEN && !s->peer_ended) read_record(s);
}

/* Takes the descriptor, also when it returns NULL: no memory, or too many. */
static struct stream *add_stream(struct transport *t, int fd, const struct kith_addr *peer,
                                 enum stream_state state, unsigned events)
{
    struct stream *s = t->streams;
    while (s < t->streams + STREAMS && s->state != FREE) s++;
    if (s == t->streams + STREAMS) {
        close(fd);
        return NULL;
    }
    memset(s, 0, sizeof *s);
    s->owner = t;
    s->fd = fd;
    s->peer = *peer;
    s->watch = t->host->watch(t->host, fd, events, on_stream, s);
    if (!s->watch) {
        close(fd);
        return NULL;
    }
    s->id = ++t->last_id;
    s->state = state;
    return s;
}

static void on_listener(void *arg, unsigned events)
{
    (void)events;
    struct transport *t = arg;
    struct sockaddr_un sa;
    socklen_t len = sizeof sa;
    struct kith_peer peer;
    struct kith_addr from;
    if (streams_in(t) >= STREAMS_IN) { /* others wait in the backlog */
        t->host->watch_set(t->listener_watch, 0);
        return;
    }
    int fd = accept4(t->listener, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (!from_sockaddr(&sa, len, &from)) { /* not one of ours */
        close(fd);
        return;
    }
    struct stream *s = add_stream(t, fd, &from, OPEN, KITH_READABLE);
    if (!s) return;
    s->inbound = true;
    KITH_ZERO(&peer);
    peer.addr = &s->peer;
    peer.provides = KITH_AUTHENTICATES | KITH_ENCRYPTS;
    if (t->up->stream_accepted(t->up, s->id, &peer)) {
        hang_up(s);
        s->state = FREE;
    }
}

/* 0, or an error of the system. Connecting needs no waiting here: it is there or it is not. */
static int dial(struct transport *t, int fd, const struct kith_addr *to)
{
    struct sockaddr_un own, sa;
    char suffix[24];
    snprintf(suffix, sizeof suffix, "#%llu", (unsigned long long)t->last_id + 1);
    socklen_t len = to_sockaddr(&t->address, suffix, &own);
    if (bind(fd, (struct sockaddr *)&own, len)) return errno;
    len = to_sockaddr(to, ".s", &sa);
    int error = connect(fd, (struct sockaddr *)&sa, len) ? errno : 0;
    unlink(own.sun_path);
    return error;
}

static int stream_open(void *self, const struct kith_peer *to, uint64_t *id)
{
    struct transport *t = self;
    if (!to->addr || !is_path(to->addr->bytes, to->addr->len)) return -KITH_EINVAL;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return code_of(errno);
    int error = dial(t, fd, to->addr);
    struct stream *s = add_stream(t, fd, to->addr, WAITING, 0);
    if (!s) return -KITH_ENOMEM;
    *id = s->id;
    if (error) over(s, code_of(error));
    if (error) hint(t, to->addr, code_of(error));
    say_later(t);
    return 0;
}

static int64_t stream_write(void *self, uint64_t id, struct kith_bytes bytes)
{
    struct stream *s = find(self, id);
    size_t done = 0;
    if (!s || s->state == OVER || s->finished) return -KITH_ECLOSED;
    while (done < bytes.len) {
        size_t n = bytes.len - done < RECORD ? bytes.len - done : RECORD;
        int rc = send_record(s, DATA, kith_bytes_of(bytes.data + done, n));
        if (rc < 0) return rc; /* the node resets it */
        if (!rc) break;
        done += n;
    }
    if (done < bytes.len) {
        s->blocked = true;
        watch_stream(s);
    }
    return (int64_t)done;
}

static void stream_finish(void *self, uint64_t id)
{
    struct stream *s = find(self, id);
    if (!s || s->state == OVER || s->finished) return;
    s->finished = true;
    s->blocked = false;
    send_end(s);
}

static void stream_reset(void *self, uint64_t id)
{
    struct stream *s = find(self, id);
    if (!s) return;
    hang_up(s);
    s->state = FREE; /* nothing is said of it any more */
}

static void stream_read(void *self, uint64_t id, bool on)
{
    struct stream *s = find(self, id);
    if (!s || s->state == OVER) return;
    s->paused = !on;
    watch_stream(s);
}

/* ----------------------------------------------------------------------------------- packets */

static void on_packets(void *arg, unsigned events)
{
    (void)events;
    struct transport *t = arg;
    for (int i = 0; i < PACKETS_TURN; i++) {
        struct sockaddr_un sa;
        socklen_t len = sizeof sa;
        struct kith_addr from;
        struct kith_peer peer;
        ssize_t n = recvfrom(t->packets, t->packet + ROOM, PACKET, MSG_DONTWAIT | MSG_TRUNC,
                             (struct sockaddr *)&sa, &len);
        if (n < 0) return;
        if (n == 0 || n > PACKET) {
            ++*t->bad_size;
            continue;
        }
        if (!from_sockaddr(&sa, len, &from)) {
            ++*t->no_sender;
            continue;
        }
        ++*t->received;
        KITH_ZERO(&peer);
        peer.addr = &from;
        peer.provides = KITH_AUTHENTICATES | KITH_ENCRYPTS;
        struct kith_buf buf = {t->packet, t->packet + ROOM, (size_t)n, sizeof t->packet};
        t->up->packet_in(t->up, &peer, &buf, t->host->now(t->host));
    }
}

static int send_packet(void *self, const struct kith_peer *to, struct kith_buf *buf)
{
    struct transport *t = self;
    struct sockaddr_un sa;
    if (!to->addr || !is_path(to->addr->bytes, to->addr->len)) return -KITH_EINVAL;
    if (buf->len > PACKET) return -KITH_ETOOBIG;
    socklen_t len = to_sockaddr(to->addr, "", &sa);
    if (sendto(t->packets, buf->data, buf->len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&sa,
               len) >= 0) {
        ++*t->sent;
        return 0;
    }
    int code = code_of(errno);
    ++*t->not_sent;
    hint(t, to->addr, code);
    return code;
}

/* -------------------------------------------------------------------------------------- life */

static uint64_t *dropped(const struct kith_host *host, const char *reason)
{
    struct kith_pair label = {kith_text("reason"), kith_text(reason)};
    return host->counter(host, "packets_dropped", "Packets that went nowhere.", &label, 1);
}

static int init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct transport *t = self;
    t->host = host;
    t->packets = t->listener = -1;
    for (size_t i = 0; i < STREAMS; i++) t->streams[i].fd = -1;
    t->received = host->counter(host, "packets_received", "Packets received.", NULL, 0);
    t->sent = host->counter(host, "packets_sent", "Packets sent.", NULL, 0);
    t->no_sender = dropped(host, "no_sender");
    t->bad_size = dropped(host, "size");
    t->not_sent = dropped(host, "not_sent");
    if (parse(t, kith_text(t->path), &t->address, NULL) || strchr(t->path, '#'))
        return kith_fail(err, KITH_EINVAL,
                         "path: '%s' is no absolute path of at most %d bytes without '#'; "
                         "choose another",
                         t->path, PATH_LIMIT);
    return 0;
}

/* A file of somebody who is gone is taken over, one where somebody answers is not. */
static int bind_to(struct transport *t, int fd, int type, const char *suffix,
                   struct kith_error *err)
{
    struct sockaddr_un sa;
    socklen_t len = to_sockaddr(&t->address, suffix, &sa);
    fchmod(fd, 0600); /* on a socket: the mode of the file to come */
    if (bind(fd, (struct sockaddr *)&sa, len) == 0) return 0;
    if (errno == EADDRINUSE) {
        int probe = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        bool stale = connect(probe, (struct sockaddr *)&sa, len) && errno == ECONNREFUSED;
        close(probe);
        if (stale && unlink(sa.sun_path) == 0 && bind(fd, (struct sockaddr *)&sa, len) == 0)
            return 0;
        return kith_fail(err, KITH_EADDRINUSE, "path: %s is in use; choose another", sa.sun_path);
    }
    return kith_fail(err, KITH_EIO, "path: %s: %s", sa.sun_path, strerror(errno));
}

static void stop(void *self)
{
    struct transport *t = self;
    struct sockaddr_un sa;
    for (struct stream *s = t->streams; s < t->streams + STREAMS; s++) {
        if (s->state != FREE) hang_up(s);
        s->state = FREE;
    }
    if (t->packet_watch) t->host->watch_free(t->packet_watch);
    if (t->listener_watch) t->host->watch_free(t->listener_watch);
    if (t->later) t->host->timer_free(t->later);
    if (t->packets >= 0 && t->packet_watch) unlink(t->path);
    to_sockaddr(&t->address, ".s", &sa);
    if (t->listener >= 0 && t->listener_watch) unlink(sa.sun_path);
    if (t->packets >= 0) close(t->packets);
    if (t->listener >= 0) close(t->listener);
    t->packet_watch = t->listener_watch = NULL;
    t->later = NULL;
    t->packets = t->listener = -1;
    t->hint_count = 0;
}

static int start(void *self, struct kith_error *err)
{
    struct transport *t = self;
    int rc = 0;
    t->up = t->host->uplink;
    t->packets = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    t->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (t->packets < 0 || t->listener < 0)
        rc = kith_fail(err, KITH_EIO, "no socket: %s", strerror(errno));
    if (!rc) rc = bind_to(t, t->packets, SOCK_DGRAM, "", err);
    if (!rc) t->packet_watch = t->host->watch(t->host, t->packets, KITH_READABLE, on_packets, t);
    if (!rc) rc = bind_to(t, t->listener, SOCK_SEQPACKET, ".s", err);
    if (!rc && listen(t->listener, BACKLOG))
        rc = kith_fail(err, KITH_EIO, "listening: %s", strerror(errno));
    if (!rc) {
        t->listener_watch = t->host->watch(t->host, t->listener, KITH_READABLE, on_listener, t);
        t->later = t->host->timer(t->host, on_later, t);
        if (!t->packet_watch || !t->listener_watch || !t->later)
            rc = kith_fail(err, KITH_ENOMEM, "out of memory");
    }
    if (rc) stop(t);
    return rc;
}

/* When the node pauses a stream nothing more is read: nothing is on its way. */
static void limits(void *self, struct kith_limits *out)
{
    (void)self;
    out->provides = KITH_AUTHENTICATES | KITH_ENCRYPTS;
    out->packet = PACKET;
    out->stream_window = 0;
}

static int advertise(void *self, struct kith_addr *out, struct kith_error *err)
{
    (void)err;
    const struct transport *t = self;
    *out = t->address;
    return 0;
}

static const struct kith_transport_ops ops = {
    .size = sizeof ops,
    .limits = limits,
    .advertise = advertise,
    .parse = parse,
    .format = format,
    .send_packet = send_packet,
    .stream_open = stream_open,
    .stream_write = stream_write,
    .stream_finish = stream_finish,
    .stream_reset = stream_reset,
    .stream_read = stream_read,
};

static const struct kith_param params[] = {
    KITH_PARAM(struct transport, path, PATH, KITH_PARAM_REQUIRED | KITH_PARAM_RESTART, NULL, "2",
               "80", "This node's socket, and its address: an absolute path"),
    KITH_PARAM_END,
};

KITH_PLUGIN(unix_socket) = {
    KITH_HEADER(TRANSPORT),
    .flags = KITH_OUTSIDE,
    .name = "unix_socket",
    .version = "1.0",
    .summary = "packets and streams between the nodes of one user, over Unix sockets",
    .instance_size = sizeof(struct transport),
    .params = params,
    .ops = &ops,
    .init = init,
    .start = start,
    .stop = stop,
};
