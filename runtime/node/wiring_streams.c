/*
 * wiring_streams.c - the way of a stream between transport, layers and core. A stream is three
 * things: the transport's id, the core's handle, and between them the layers: an inflow that opens
 * what comes, and a queue of sealed bytes that the transport has not taken yet.
 *
 * Knows nothing of what the bytes mean.
 */
#include "inside.h"
#include <assert.h>
#include <stdlib.h>

enum { BUCKETS = 256, SCRATCH_KEPT = 1 << 20 };

/*
 * The life of a stream:
 *
 *   dialled   the core asked for it; the transport connects; what is written waits in the queue
 *             -> open      the transport says opened
 *   open      here at once when a peer opened it: both sides may send
 *             -> released  the core says CLOSE
 *   released  the core has forgotten it (handle 0): the queue is sent and the stream finished, what
 *             still comes is discarded. It counts towards max_streams until it ends, so that a peer
 *             that asks and never reads can't pile up answers.
 *             -> gone      at its deadline, one tcp_timeout later, it is reset
 *
 * From each state it goes when the transport says closed, the core says RESET or a message can't be
 * queued; the core is told, unless it said so itself or has released it.
 *
 * Beside that each direction has an end of its own. In: `broken`, a layer could not be opened or
 * was cut short; the core was told, nothing more is fed. Out: `ending`, the last message is in the
 * queue; `finished`, the queue is out and the transport was told that nothing follows.
 */
struct stream {
    struct stream *by_id, *by_handle; /* the next in the bucket */
    struct stream *older, *newer;     /* among the released, oldest first */
    uint32_t id, handle;              /* handle 0: the core has released it */
    bool ours;                        /* we opened it */
    bool opened, released;
    bool broken;
    bool labelled, ending, finished; /* labelled: our label went out */
    uint64_t deadline;               /* of a released one */
    struct kith_addr peer;
    struct kith_pipeline *pipeline;
    struct kith_inflow *in;
    uint8_t *queue;
    size_t head, tail, cap;
};

struct kith_streams {
    struct stream *ids[BUCKETS], *handles[BUCKETS];
    struct stream *oldest, *newest; /* released */
    size_t count;
    uint64_t queued; /* bytes in all queues */
    struct kith_buf scratch;
    const struct stream *feeding; /* the one whose bytes are being opened */
};

int kith_streams_new(struct kith *k)
{
    k->streams = calloc(1, sizeof *k->streams);
    return k->streams ? 0 : -KITH_ENOMEM;
}

size_t kith_streams_count(const struct kith *k) { return k->streams->count; }

static struct stream *by_id(struct kith *k, uint32_t id)
{
    struct stream *s = k->streams->ids[id % BUCKETS];
    while (s && s->id != id) s = s->by_id;
    return s;
}

static struct stream *by_handle(struct kith *k, uint32_t handle)
{
    struct stream *s = k->streams->handles[handle % BUCKETS];
    while (s && s->handle != handle) s = s->by_handle;
    return s;
}

static struct stream *stream_new(struct kith *k, uint32_t id, const struct kith_addr *peer,
                                 bool ours)
{
    struct stream *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->in = kith_inflow_new(k->pipeline, !ours);
    if (!s->in) {
        free(s);
        return NULL;
    }
    s->id = id;
    s->peer = *peer;
    s->ours = ours;
    s->pipeline = kith_pipeline_ref(k->pipeline);
    s->by_id = k->streams->ids[id % BUCKETS];
    k->streams->ids[id % BUCKETS] = s;
    k->streams->count++;
    return s;
}

static void stream_handle(struct kith *k, struct stream *s, uint32_t handle)
{
    s->handle = handle;
    s->by_handle = k->streams->handles[handle % BUCKETS];
    k->streams->handles[handle % BUCKETS] = s;
}

/* The core's handle is dead. */
static void stream_detach(struct kith *k, struct stream *s)
{
    if (!s->handle) return;
    struct stream **p = &k->streams->handles[s->handle % BUCKETS];
    while (*p != s) p = &(*p)->by_handle;
    *p = s->by_handle;
    s->handle = 0;
}

static void stream_free(struct kith *k, struct stream *s)
{
    struct kith_streams *all = k->streams;
    stream_detach(k, s);
    struct stream **p = &all->ids[s->id % BUCKETS];
    while (*p != s) p = &(*p)->by_id;
    *p = s->by_id;
    if (s->released) {
        *(s->older ? &s->older->newer : &all->oldest) = s->newer;
        *(s->newer ? &s->newer->older : &all->newest) = s->older;
    }
    all->count--;
    all->queued -= s->tail - s->head;
    kith_inflow_free(s->in);
    kith_pipeline_unref(s->pipeline);
    free(s->queue);
    free(s);
}

static void stream_reset(struct kith *k, struct stream *s)
{
    k->ops->stream_reset(k->transport->self, s->id);
    stream_free(k, s);
}

void kith_streams_free(struct kith *k)
{
    if (!k->streams) return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (k->streams->ids[i]) stream_free(k, k->streams->ids[i]);
    free(k->streams->scratch.base);
    free(k->streams);
    k->streams = NULL;
}

/* ------------------------------------------------------------------------------------- out */

/* Give the transport what it takes; when all is out and nothing follows, finish. */
static void stream_push(struct kith *k, struct stream *s)
{
    if (!s->opened || s->finished) return;
    while (s->head < s->tail) {
        int64_t n =
            k->ops->stream_write(k->transport->self, s->id, s->queue + s->head, s->tail - s->head);
        if (n <= 0) return; /* writable, or closed, follows */
        s->head += (size_t)n;
        k->streams->queued -= (size_t)n;
    }
    s->head = s->tail = 0;
    if (s->ending) {
        s->finished = true;
        k->ops->stream_finish(k->transport->self, s->id);
    }
}

static int stream_queue(struct kith *k, struct stream *s, const uint8_t *data, size_t len)
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

static int seal(struct kith *k, struct stream *s, struct kith_bytes message, struct kith_buf *out)
{
    if (k->wire_watched) kith_wire_begin(k);
    int rc = kith_pipeline_seal_stream(s->pipeline, message, s->ours && !s->labelled, out);
    if (k->wire_watched)
        kith_wire_end(k, &(struct kith_wire_message){.plane = KITH_STREAM,
                                                     .out = true,
                                                     .peer = &s->peer,
                                                     .plain = message.len,
                                                     .wire = out->len,
                                                     .status = rc});
    if (rc >= 0) s->labelled = true;
    return rc;
}

/* Straight to the transport when nothing is before it; what it does not take is queued. */
static int stream_write(struct kith *k, struct stream *s, const uint8_t *data, size_t len)
{
    size_t done = 0;
    if (s->opened && s->head == s->tail && !s->finished) {
        int64_t n = k->ops->stream_write(k->transport->self, s->id, data, len);
        if (n > 0) done = (size_t)n;
    }
    return done < len ? stream_queue(k, s, data + done, len - done) : 0;
}

static int stream_send(struct kith *k, struct stream *s, struct kith_bytes message, bool last)
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
    if (s->head == s->tail) stream_push(k, s);
    return 0;
}

/* The core needs it no longer: send what is queued, then finish; reset it at the deadline. */
static void stream_release(struct kith *k, struct stream *s)
{
    struct kith_streams *all = k->streams;
    stream_detach(k, s);
    s->ending = s->released = true;
    s->deadline = kith_node_now(k) + k->config->settings.tcp_timeout;
    s->older = all->newest;
    *(all->newest ? &all->newest->newer : &all->oldest) = s;
    all->newest = s;
    stream_push(k, s);
}

uint64_t kith_streams_expire(struct kith *k, uint64_t now)
{
    while (k->streams->oldest && k->streams->oldest->deadline <= now)
        stream_reset(k, k->streams->oldest);
    return k->streams->oldest ? k->streams->oldest->deadline : UINT64_MAX;
}

static void stream_dial(struct kith *k, const struct kith_output *out)
{
    uint32_t handle = out->stream, id = 0;
    int rc = k->ops->stream_open(k->transport->self, out->to, out->name ? out->name : "", &id);
    if (!rc) {
        struct stream *s = stream_new(k, id, out->to, true);
        if (s) {
            stream_handle(k, s, handle);
            return;
        }
        k->ops->stream_reset(k->transport->self, id);
        rc = -KITH_ENOMEM;
    }
    kith_core_stream_closed(k->core, kith_node_now(k), handle, rc);
}

void kith_streams_out(struct kith *k, const struct kith_output *out)
{
    if (out->kind == KITH_OUT_DIAL) {
        stream_dial(k, out);
        return;
    }
    struct stream *s = by_handle(k, out->stream);
    if (!s) return; /* the transport closed it while this was on its way */
    switch (out->kind) {
    case KITH_OUT_WRITE: {
        int rc = stream_send(k, s, out->bytes, out->last);
        if (rc < 0) {
            uint32_t handle = s->handle;
            stream_reset(k, s);
            kith_core_stream_closed(k->core, kith_node_now(k), handle, rc);
        }
        break;
    }
    case KITH_OUT_CLOSE: stream_release(k, s); break;
    default: stream_reset(k, s); break;
    }
}

/* ------------------------------------------------------------------------------------- in */

int kith_streams_accepted(void *ctx, uint32_t id, const struct kith_addr *from)
{
    struct kith *k = ctx;
    if (!k->core || k->streams->count >= k->config->settings.max_streams) return -KITH_EAGAIN;
    struct stream *s = stream_new(k, id, from, false);
    if (!s) return -KITH_ENOMEM;
    uint32_t handle = kith_core_stream_accepted(k->core, kith_node_now(k), from);
    if (!handle) {
        stream_free(k, s);
        return -KITH_EREFUSED;
    }
    s->opened = true;
    stream_handle(k, s, handle);
    return 0;
}

void kith_streams_opened(void *ctx, uint32_t id)
{
    struct kith *k = ctx;
    struct stream *s = by_id(k, id);
    if (!s) return;
    s->opened = true;
    if (s->handle) kith_core_stream_opened(k->core, kith_node_now(k), s->handle);
    stream_push(k, s);
}

static void plain(void *ctx, const uint8_t *data, size_t len)
{
    struct kith *k = ctx;
    const struct stream *s = k->streams->feeding;
    if (k->wire_watched)
        kith_wire_end(
            k, &(struct kith_wire_message){.plane = KITH_STREAM, .peer = &s->peer, .plain = len});
    kith_core_stream_data(k->core, kith_node_now(k), s->handle, data, len);
}

void kith_streams_data(void *ctx, uint32_t id, const uint8_t *data, size_t len)
{
    struct kith *k = ctx;
    struct stream *s = by_id(k, id);
    /* The core released this stream; discard further data. */
    if (!s || !s->handle || s->broken) return;
    char text[KITH_INFLOW_TEXT] = "";
    enum kith_refusal why = KITH_REFUSED_MALFORMED;
    k->streams->feeding = s;
    if (k->wire_watched) kith_wire_begin(k);
    int rc = kith_inflow_feed(s->in, data, len, plain, k, &why, text);
    if (rc >= 0) return;
    if (k->wire_watched)
        kith_wire_end(k, &(struct kith_wire_message){
                             .plane = KITH_STREAM, .peer = &s->peer, .status = rc, .why = why});
    s->broken = true;
    kith_core_stream_error(k->core, kith_node_now(k), s->handle, rc, text);
}

void kith_streams_writable(void *ctx, uint32_t id)
{
    struct kith *k = ctx;
    struct stream *s = by_id(k, id);
    if (s) stream_push(k, s);
}

void kith_streams_end(void *ctx, uint32_t id)
{
    struct kith *k = ctx;
    struct stream *s = by_id(k, id);
    if (!s || !s->handle || s->broken) return;
    int rc = kith_inflow_end(s->in);
    if (rc < 0) {
        s->broken = true;
        kith_core_stream_error(k->core, kith_node_now(k), s->handle, rc, "");
    } else {
        kith_core_stream_end(k->core, kith_node_now(k), s->handle);
    }
}

void kith_streams_closed(void *ctx, uint32_t id, int reason)
{
    struct kith *k = ctx;
    struct stream *s = by_id(k, id);
    if (!s) return;
    uint32_t handle = s->handle;
    stream_free(k, s);
    if (handle) kith_core_stream_closed(k->core, kith_node_now(k), handle, reason);
}

void kith_streams_require(struct kith *k, uint32_t require)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct stream *s = k->streams->ids[i]; s; s = s->by_id)
            kith_inflow_require(s->in, require);
}
