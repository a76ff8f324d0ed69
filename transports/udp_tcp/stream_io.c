/*
 * stream_io.c - bytes of connections.
 *
 * There is no buffer of ours: what the system's takes is written, the rest stays with the node
 * until the stream is writable. So what was taken still arrives after finish, and the memory of a
 * stream is bounded by the system.
 */
#include "connection.h"
#include <errno.h>

/* One read a turn: then the others have theirs. What is left is told of again. */
static void read_stream(struct kith_ut_stream *s)
{
    struct kith_ut *u = s->owner;
    uint64_t id = s->id;
    uint8_t *buffer = u->host->scratch(u->host, KITH_UT_READ);
    size_t share = buffer ? kith_ut_stream_share(s, KITH_UT_READ) : 0;
    if (!share) return;
    ssize_t n = recv(s->fd, buffer, share, MSG_DONTWAIT);
    u->turn.bytes_left += share - (n > 0 ? (size_t)n : 0);
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) kith_ut_stream_end(s, kith_ut_stream_code(errno));
        return;
    }
    if (!n && s->broken) {
        kith_ut_stream_end(s, s->broken);
        return;
    }
    s->moved = u->host->now(u->host);
    if (n) {
        u->up->stream_data(u->up, id, kith_bytes_of(buffer, (size_t)n));
        return;
    }
    s->got_end = true;
    kith_ut_stream_arm(s);
    u->up->stream_end(u->up, id);
    if ((s = kith_ut_stream_find(u, id)) && s->finished) kith_ut_stream_end(s, 0);
}

void kith_ut_stream_ready(struct kith_ut_stream *s, unsigned events)
{
    struct kith_ut *u = s->owner;
    uint64_t id = s->id;
    if (events & KITH_WRITABLE && s->blocked) {
        s->blocked = false;
        s->moved = u->host->now(u->host);
        kith_ut_stream_arm(s);
        u->up->stream_writable(u->up, id);
        s = kith_ut_stream_find(u, id);
    }
    if (s && events & KITH_READABLE && !s->paused && !s->got_end) read_stream(s);
}

/* The peer may have hung up because it said no; its words may still wait here and are heard before
 * closed is. */
static void write_failed(struct kith_ut_stream *s, int code)
{
    s->broken = code;
    s->blocked = false;
    if (s->paused || s->got_end)
        kith_ut_stream_end(s, code);
    else
        kith_ut_stream_arm(s);
}

/* How much the kernel takes now. *error: why it will take no more, ever. */
static size_t send_now(int fd, struct kith_bytes bytes, int *error)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t n = send(fd, bytes.data + done, bytes.len - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno != EINTR) {
            if (errno != EAGAIN) *error = errno;
            break;
        }
    }
    return done;
}

int64_t kith_ut_stream_write(void *self, uint64_t id, struct kith_bytes bytes)
{
    struct kith_ut *u = self;
    struct kith_ut_stream *s = kith_ut_stream_find(u, id);
    if (!s || s->finished) return -KITH_ECLOSED;
    if (s->broken) return 0;
    int error = 0;
    size_t done = s->connecting ? 0 : send_now(s->fd, bytes, &error);
    if (error) {
        write_failed(s, kith_ut_stream_code(error));
        return (int64_t)done;
    }
    if (done) s->moved = u->host->now(u->host);
    if (done < bytes.len && !s->blocked) {
        s->blocked = true;
        kith_ut_stream_arm(s);
    }
    return (int64_t)done;
}

void kith_ut_stream_finish(void *self, uint64_t id)
{
    struct kith_ut_stream *s = kith_ut_stream_find(self, id);
    if (!s || s->finished) return;
    s->finished = true;
    s->blocked = false;
    if (s->connecting) return; /* nothing was written; done once connected */
    kith_ut_stream_arm(s);
    shutdown(s->fd, SHUT_WR);
    if (s->got_end) kith_ut_stream_end(s, 0);
}

void kith_ut_stream_read(void *self, uint64_t id, bool on)
{
    struct kith_ut_stream *s = kith_ut_stream_find(self, id);
    if (!s || s->paused == !on) return;
    s->paused = !on;
    s->moved = s->owner->host->now(s->owner->host);
    if (s->broken && !on)
        kith_ut_stream_end(s, s->broken); /* its last words are not wanted */
    else
        kith_ut_stream_arm(s);
}
