/*
 * streams_out.c - streams, what goes: messages of the core are sealed and given to the transport;
 * what it does not take waits in a queue. Also what upcalls left to be done, at the end of a turn.
 */
#include "node_streams.h"
#include <stdlib.h>

enum { SCRATCH_KEPT = 4096 };

static void stream_reset(struct kith *k, struct kith_stream *s)
{
    if (!s->closed) kith_link_reset(k->link, s->id);
    kith_stream_free(k, s);
}

/* It is broken on our side: reset it, and tell the core if that still wants to know. */
static void stream_fail(struct kith *k, struct kith_stream *s, int rc)
{
    uint32_t handle = s->handle;
    stream_reset(k, s);
    if (handle) kith_core_stream_closed(k->core, kith_node_now(k), handle, rc);
}

static void forget_queue(struct kith *k, struct kith_stream *s)
{
    kith_account_give(&k->memory, s->stranger, s->cap);
    free(s->queue);
    s->queue = NULL;
    s->head = s->tail = s->cap = 0;
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
        kith_core_stream_moved(k->core, kith_node_now(k), s->handle);
    }
    forget_queue(k, s);
    if (s->ending) {
        s->finished = true;
        kith_link_finish(k->link, s->id);
    }
    return 0;
}

/* What is long becomes the queue, memory and all; else it is copied behind what waits. */
static int stream_queue(struct kith *k, struct kith_stream *s, struct kith_buf *sealed, size_t done)
{
    const size_t len = sealed->len - done, left = s->tail - s->head;
    const bool whole = !left && sealed->cap > SCRATCH_KEPT;
    const size_t cap = whole ? sealed->cap : left + len;
    uint8_t *queue = whole ? sealed->base : NULL;
    if (!kith_account_grow(&k->memory, s->stranger, 0, cap)) return -KITH_ENOMEM;
    if (!queue && !(queue = malloc(cap))) {
        kith_account_give(&k->memory, s->stranger, cap);
        return -KITH_ENOMEM;
    }
    const size_t head = whole ? (size_t)(sealed->data - sealed->base) + done : 0;
    if (!whole) {
        if (left) memcpy(queue, s->queue + s->head, left);
        memcpy(queue + left, sealed->data + done, len);
    } else {
        *sealed = (struct kith_buf){0};
    }
    forget_queue(k, s);
    s->queue = queue;
    s->cap = cap;
    s->head = head;
    s->tail = head + left + len;
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
static int stream_write(struct kith *k, struct kith_stream *s, struct kith_buf *sealed)
{
    size_t done = 0;
    if (s->opened && s->head == s->tail && !s->finished) {
        int64_t n = kith_link_write(k->link, s->id, kith_bytes_of(sealed->data, sealed->len));
        if (n < 0) return (int)n;
        done = (size_t)n;
    }
    return done < sealed->len ? stream_queue(k, s, sealed, done) : 0;
}

static int stream_send(struct kith *k, struct kith_stream *s, struct kith_bytes message, bool last)
{
    struct kith_buf *sealed = &k->streams->scratch;
    int rc = seal(k, s, message, sealed);
    if (rc >= 0) rc = stream_write(k, s, sealed);
    if (sealed->cap > SCRATCH_KEPT) {
        free(sealed->base);
        *sealed = (struct kith_buf){0};
    }
    if (rc < 0) return rc;
    s->ending |= last;
    return s->head == s->tail ? stream_push(k, s) : 0;
}

/* The core needs it no longer: send what is queued, then finish. */
static int stream_release(struct kith *k, struct kith_stream *s)
{
    s->ending = s->released = true;
    return stream_push(k, s);
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
        struct kith_stream *s = kith_stream_new(k, id, &out->peer, true, false);
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
    int rc = 0;
    switch (out->kind) {
    case KITH_OUT_WRITE: rc = s->closed ? 0 : stream_send(k, s, out->bytes, out->last); break;
    case KITH_OUT_CLOSE: rc = s->closed ? -KITH_ECLOSED : stream_release(k, s); break;
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
