/*
 * streams_out.c - streams, what goes: messages of the core are sealed and given to the transport;
 * what it does not take waits in a queue. Also what upcalls left to be done, at the end of a turn.
 */
#include "node_streams.h"
#include <stdlib.h>

enum { SCRATCH_KEPT = 4096 };

static void stream_reset(struct kith *k, struct kith_stream *s)
{
    kith_link_reset(k->link, s->id);
    kith_stream_free(k, s);
}

/* It is broken on our side: reset it, and tell the core if that still wants to know. */
static void stream_fail(struct kith *k, struct kith_stream *s, int rc)
{
    uint32_t handle = s->handle;
    stream_reset(k, s);
    if (handle) kith_core_stream_closed(k->core, kith_node_now(k), handle, rc);
}

/* Give the transport what it takes; when all is out and nothing follows, finish. Negative: the
 * transport can send no more of it. */
static int stream_push(struct kith *k, struct kith_stream *s)
{
    if (!s->opened || s->finished) return 0;
    while (s->head < s->tail) {
        int64_t n =
            kith_link_write(k->link, s->id, kith_bytes_of(s->queue + s->head, s->tail - s->head));
        if (n < 0) return (int)n;
        if (!n) return 0; /* writable follows */
        s->head += (size_t)n;
        k->streams->queued -= (size_t)n;
    }
    s->head = s->tail = 0;
    if (s->ending) {
        s->finished = true;
        kith_link_finish(k->link, s->id);
    }
    return 0;
}

static int stream_queue(struct kith *k, struct kith_stream *s, const uint8_t *data, size_t len)
{
    if (k->streams->queued + len > k->config->settings.max_stream_memory) return -KITH_ENOMEM;
    if (s->head) {
        memmove(s->queue, s->queue + s->head, s->tail - s->head);
        s->tail -= s->head;
        s->head = 0;
    }
    if (s->tail + len > s->cap) {
        uint8_t *grown = realloc(s->queue, s->tail + len);
        if (!grown) return -KITH_ENOMEM;
        s->queue = grown;
        s->cap = s->tail + len;
    }
    memcpy(s->queue + s->tail, data, len);
    s->tail += len;
    k->streams->queued += len;
    return 0;
}

static int seal(struct kith *k, struct kith_stream *s, struct kith_bytes message,
                struct kith_buf *out)
{
    if (k->traffic_watched) kith_traffic_begin(k);
    int rc =
        kith_pipeline_seal_stream(s->pipeline, message, s->ours && !s->labelled, &s->peer, out);
    if (k->traffic_watched)
        kith_traffic_end(k, &(struct kith_traffic){.plane = KITH_STREAM,
                                                   .out = true,
                                                   .peer = &s->peer,
                                                   .plain = message.len,
                                                   .wire = out->len,
                                                   .status = rc});
    if (rc >= 0) s->labelled = true;
    return rc;
}

/* Straight to the transport when nothing is before it; what it does not take is queued. */
static int stream_write(struct kith *k, struct kith_stream *s, const uint8_t *data, size_t len)
{
    size_t done = 0;
    if (s->opened && s->head == s->tail && !s->finished) {
        int64_t n = kith_link_write(k->link, s->id, kith_bytes_of(data, len));
        if (n < 0) return (int)n;
        done = (size_t)n;
    }
    return done < len ? stream_queue(k, s, data + done, len - done) : 0;
}

static int stream_send(struct kith *k, struct kith_stream *s, struct kith_bytes message, bool last)
{
    struct kith_buf *sealed = &k->streams->scratch;
    int rc = seal(k, s, message, sealed);
    if (rc >= 0) rc = stream_write(k, s, sealed->data, sealed->len);
    if (sealed->cap > SCRATCH_KEPT) {
        free(sealed->base);
        *sealed = (struct kith_buf){0};
    }
    if (rc < 0) return rc;
    s->ending |= last;
    return s->head == s->tail ? stream_push(k, s) : 0;
}

/* The core needs it no longer: send what is queued, then finish; reset it at the deadline. */
static void stream_release(struct kith *k, struct kith_stream *s)
{
    struct kith_streams *all = k->streams;
    kith_stream_detach(k, s);
    s->ending = s->released = true;
    s->deadline = kith_node_now(k) + k->config->settings.tcp_timeout;
    s->older = all->newest;
    *(all->newest ? &all->newest->newer : &all->oldest) = s;
    all->newest = s;
    if (stream_push(k, s) < 0) stream_reset(k, s);
}

static void stream_dial(struct kith *k, const struct kith_output *out)
{
    uint64_t id = 0;
    int rc = kith_link_open(k->link, &out->peer, &id);
    if (!rc && !kith_stream_id_take(k->link, "stream_open", id)) {
        if (!kith_stream_by_id(k, id)) kith_link_reset(k->link, id); /* else it is the other's */
        rc = -KITH_EIO;
    }
    if (!rc) {
        struct kith_stream *s = kith_stream_new(k, id, &out->peer, true);
        if (s) {
            kith_stream_handle(k, s, out->stream);
            return;
        }
        kith_link_reset(k->link, id);
        rc = -KITH_ENOMEM;
    }
    kith_core_stream_closed(k->core, kith_node_now(k), out->stream, rc);
}

void kith_streams_out(struct kith *k, const struct kith_output *out)
{
    if (out->kind == KITH_OUT_DIAL) {
        stream_dial(k, out);
        return;
    }
    struct kith_stream *s = kith_stream_by_handle(k, out->stream);
    if (!s) return; /* the transport closed it while this was on its way */
    if (s->closed) {
        if (out->kind != KITH_OUT_WRITE) kith_stream_free(k, s);
        return;
    }
    int rc = 0;
    switch (out->kind) {
    case KITH_OUT_WRITE: rc = stream_send(k, s, out->bytes, out->last); break;
    case KITH_OUT_CLOSE: stream_release(k, s); break;
    default: stream_reset(k, s); break;
    }
    if (rc < 0) stream_fail(k, s, rc);
}

void kith_streams_push_due(struct kith *k)
{
    struct kith_stream *s;
    while ((s = k->streams->due) != NULL) {
        kith_stream_not_due(k, s);
        if (s->overrun) {
            stream_fail(k, s, -KITH_EIO);
            continue;
        }
        bool pause = s->kept_len > 0;
        if (pause != s->paused) {
            s->paused = pause;
            s->late = 0;
            kith_link_read(k->link, s->id, !pause);
        }
        int rc = stream_push(k, s);
        if (rc < 0) stream_fail(k, s, rc);
    }
}

uint64_t kith_streams_expire(struct kith *k, uint64_t now)
{
    while (k->streams->oldest && k->streams->oldest->deadline <= now)
        stream_reset(k, k->streams->oldest);
    return k->streams->oldest ? k->streams->oldest->deadline : UINT64_MAX;
}
