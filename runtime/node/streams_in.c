/*
 * streams_in.c - streams, what comes: bytes of the transport are opened and fed to the core, as
 * many as one turn may bring; the rest is kept, and the stream paused, until the next turn. Calls
 * no transport: most of it runs inside upcalls.
 */
#include "node_streams.h"
#include <stdlib.h>

int kith_stream_accepted(struct kith *k, uint64_t id, const struct kith_peer *from)
{
    struct kith_stream *s =
        kith_stream_new(k, id, from, false, !kith_core_is_member(k->core, kith_node_now(k), from));
    if (!s) return -KITH_ENOMEM;
    uint32_t handle = kith_core_stream_accepted(k->core, kith_node_now(k), &s->peer);
    if (!handle) {
        kith_stream_free(k, s);
        return -KITH_EREFUSED;
    }
    s->opened = true;
    kith_stream_handle(k, s, handle);
    return 0;
}

void kith_stream_opened(struct kith *k, struct kith_stream *s, const struct kith_peer *to)
{
    struct kith_peer met = *to;
    s->opened = true;
    if (!met.name.len) met.name = s->peer.name; /* whom the core asked for */
    if (!met.protocol_max) met.protocol_max = s->peer.protocol_max;
    if (!met.addr) met.addr = &s->addr;
    if (kith_stream_meet(s, &met)) {
        s->broken = true; /* who it is can't be kept: not to be listened to */
        if (s->handle)
            kith_core_stream_error(k->core, kith_node_now(k), s->handle, -KITH_ENOMEM, "");
        return;
    }
    if (s->handle) kith_core_stream_opened(k->core, kith_node_now(k), s->handle, &s->peer);
    kith_stream_due(k, s);
}

/* ------------------------------------------------------------------------------------- bytes */

static void plain(void *ctx, const uint8_t *data, size_t len)
{
    struct kith *k = ctx;
    const struct kith_stream *s = k->streams->feeding;
    if (k->traffic_watched)
        kith_traffic_end(
            k, &(struct kith_traffic){.plane = KITH_STREAM, .peer = &s->peer, .plain = len});
    kith_core_stream_data(k->core, kith_node_now(k), s->handle, data, len);
}

static bool wanted(const struct kith_stream *s) { return s->handle && !s->broken && !s->released; }

/* A log line for a person; the log itself limits how many. */
static void refused(struct kith *k, const struct kith_stream *s, enum kith_refusal why)
{
    char from[KITH_ADDR_TEXT];
    if (!kith_log_wanted(k->log, KITH_LOG_WARN)) return;
    kith_node_format(k, &s->addr, from, sizeof from);
    kith_node_log(k, KITH_LOG_WARN, "stream %s %s refused: %s", s->ours ? "to" : "from", from,
                  kith_refusal_text(why));
}

static void feed(struct kith *k, struct kith_stream *s, const uint8_t *data, size_t len)
{
    char text[KITH_INFLOW_TEXT] = "";
    enum kith_refusal why = KITH_REFUSED_MALFORMED;
    if (!wanted(s)) return;
    k->streams->feeding = s;
    kith_core_stream_moved(k->core, kith_node_now(k), s->handle);
    if (k->traffic_watched) kith_traffic_begin(k);
    int rc = kith_inflow_feed(s->in, &s->peer, data, len, plain, k, &why, text);
    if (rc >= 0) return;
    if (k->traffic_watched)
        kith_traffic_end(k, &(struct kith_traffic){
                                .plane = KITH_STREAM, .peer = &s->peer, .status = rc, .why = why});
    s->broken = true;
    if (!*text) refused(k, s, why); /* else the core says it, to the peer as well */
    kith_core_stream_error(k->core, kith_node_now(k), s->handle, rc, text);
}

static void feed_end(struct kith *k, struct kith_stream *s)
{
    if (!wanted(s)) return;
    int rc = kith_inflow_end(s->in);
    if (rc < 0) {
        s->broken = true;
        refused(k, s, KITH_REFUSED_MALFORMED); /* it ended within a layer */
        kith_core_stream_error(k->core, kith_node_now(k), s->handle, rc, "");
    } else {
        kith_core_stream_end(k->core, kith_node_now(k), s->handle);
    }
}

/* How many of len bytes this turn can take; they count. */
static size_t take(struct kith *k, const struct kith_stream *s, size_t len)
{
    if (!s->ours && kith_delegates_full(k->delegates)) {
        k->streams->held = true;
        return 0;
    }
    size_t left =
        k->turn_bytes < KITH_TURN_MOST_BYTES ? (size_t)(KITH_TURN_MOST_BYTES - k->turn_bytes) : 0;
    size_t n = len < left ? len : left;
    k->turn_bytes += n;
    return n;
}

static void forget_kept(struct kith *k, struct kith_stream *s)
{
    if (!s->kept_len) return;
    kith_account_give(&k->memory, s->stranger, s->kept_len);
    k->streams->keeping--;
    free(s->kept);
    s->kept = NULL;
    s->kept_len = 0;
}

static void keep(struct kith *k, struct kith_stream *s, const uint8_t *data, size_t len)
{
    uint8_t *grown = NULL;
    bool room = kith_account_grow(&k->memory, s->stranger, s->kept_len, s->kept_len + len);
    if (room) grown = realloc(s->kept, s->kept_len + len);
    if (!grown) {
        if (room) kith_account_give(&k->memory, s->stranger, len);
        forget_kept(k, s);
        s->broken = true;
        refused(k, s, KITH_REFUSED_MEMORY);
        kith_core_stream_error(k->core, kith_node_now(k), s->handle, -KITH_ENOMEM, "");
        return;
    }
    if (!s->kept_len) k->streams->keeping++;
    memcpy(grown + s->kept_len, data, len);
    s->kept = grown;
    s->kept_len += len;
    kith_stream_due(k, s);
}

/* A paused stream may bring what was on its way: as much as the transport said, and no more. */
static bool within_window(struct kith *k, struct kith_stream *s, size_t len)
{
    if (!s->paused || !k->link->ops->stream_read) return true;
    s->late += len;
    if (s->late <= k->stream_window) return true;
    kith_instance_blame(k->link->in,
                        "stream_data of %llu bytes on a paused stream; its stream_window is %llu",
                        (unsigned long long)s->late, (unsigned long long)k->stream_window);
    return false;
}

void kith_stream_data(struct kith *k, struct kith_stream *s, struct kith_bytes bytes)
{
    if (!wanted(s)) return;
    if (!within_window(k, s, bytes.len)) {
        forget_kept(k, s);
        s->broken = s->overrun = true;
        kith_stream_due(k, s);
        return;
    }
    size_t now = s->kept_len ? 0 : take(k, s, bytes.len);
    if (now) feed(k, s, bytes.data, now);
    if (now < bytes.len && wanted(s)) keep(k, s, bytes.data + now, bytes.len - now);
}

static void end(struct kith *k, struct kith_stream *s, int reason)
{
    uint32_t handle = s->handle;
    kith_stream_free(k, s);
    if (handle) kith_core_stream_closed(k->core, kith_node_now(k), handle, reason);
}

static void feed_kept(struct kith *k, struct kith_stream *s, size_t len)
{
    uint8_t *kept = s->kept;
    size_t all = s->kept_len;
    s->kept = NULL;
    forget_kept(k, s);
    feed(k, s, kept, len);
    if (len < all && wanted(s)) keep(k, s, kept + len, all - len);
    free(kept);
    if (!s->kept_len && s->finished_in) feed_end(k, s);
    kith_stream_due(k, s);
    if (!s->kept_len && s->closed) end(k, s, 0);
}

bool kith_streams_feed_kept(struct kith *k)
{
    for (size_t i = 0; k->streams->keeping && i < k->streams->buckets; i++) {
        for (struct kith_stream *s = k->streams->ids[i], *next; s; s = next) {
            next = s->by_id;
            if (!s->kept_len) continue;
            size_t len = take(k, s, s->kept_len);
            if (len) feed_kept(k, s, len);
        }
    }
    return kith_streams_kept(k);
}

void kith_streams_feed_held(struct kith *k)
{
    if (!k->streams->held) return;
    k->streams->held = false;
    (void)kith_streams_feed_kept(k);
}

/* ----------------------------------------------------------------------------------- the end */

void kith_stream_end(struct kith *k, struct kith_stream *s)
{
    s->finished_in = true;
    if (!s->kept_len) feed_end(k, s); /* else behind what is kept */
}

void kith_stream_closed(struct kith *k, struct kith_stream *s, int reason)
{
    if (!s->kept_len || reason || !wanted(s)) {
        end(k, s, reason);
        return;
    }
    kith_stream_not_due(k, s);
    s->closed = true;
}
