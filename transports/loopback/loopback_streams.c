/*
 * loopback_streams.c - what the node asks of streams. Nothing is told from here: what a call leads
 * to goes into a mailbox, the node's own one too.
 */
#include "loopback.h"

#define SECOND UINT64_C(1000000000)

static uint64_t connect_time(const struct kith_lo *l)
{
    struct kith_value v = {.size = sizeof v};
    return l->host->setting(l->host, "node.tcp_timeout", &v) ? 10 * SECOND : (uint64_t)v.number;
}

int kith_lo_stream_open(void *self, const struct kith_peer *to, uint64_t *id)
{
    struct kith_lo *l = self;
    uint64_t now = l->host->now(l->host), patience = connect_time(l);
    int rc = -KITH_ENOMEM;
    if (!to->addr || !to->addr->len) return -KITH_EINVAL;
    kith_lo_lock(l->net);
    struct kith_lo_port *port = kith_lo_port_get(l->net, to->addr);
    struct kith_lo_stream *s = port ? kith_lo_stream_new(l->port, port) : NULL;
    if (s && (*id = kith_lo_end_add(l, s, 0))) {
        kith_lo_tell_self(l->net, s, 0, KITH_LO_TIMEOUT, 0, now + patience, now);
        kith_lo_say(l->net, s, 0, KITH_LO_OPEN, 0, 0, now);
        rc = 0;
    }
    if (rc) l->port->count[KITH_LO_N_FAILED]++;
    if (s) kith_lo_stream_drop(l->net, s);
    kith_lo_unlock(l->net);
    return rc;
}

/* The bytes leave in pieces, so that a long message does not arrive all at once. */
static size_t send_pieces(struct kith_lo *l, struct kith_lo_stream *s, unsigned end,
                          struct kith_bytes bytes)
{
    uint64_t now = l->host->now(l->host);
    size_t done = 0;
    while (done < bytes.len) {
        size_t len = bytes.len - done < KITH_LO_PIECE ? bytes.len - done : KITH_LO_PIECE;
        struct kith_lo_item *item = kith_lo_item_new(l->net, KITH_LO_DATA, len);
        if (!item) break;
        memcpy(kith_lo_item_bytes(item), bytes.data + done, len);
        done += len;
        kith_lo_put(l->net, s, end, item, now);
    }
    return done;
}

static int64_t write_locked(struct kith_lo *l, uint64_t id, struct kith_bytes bytes)
{
    unsigned end;
    struct kith_lo_stream *s = kith_lo_end_find(l, id, &end);
    struct kith_lo_end *e = s ? &s->end[end] : NULL;
    if (!e || e->finished || e->state != KITH_LO_IS_UP) return -KITH_ECLOSED;
    size_t room = KITH_LO_WINDOW - e->under_way, want = bytes.len < room ? bytes.len : room;
    size_t done = send_pieces(l, s, end, kith_bytes_of(bytes.data, want));
    e->under_way += done;
    l->port->count[KITH_LO_N_STREAM_SENT] += done;
    if (done < want) return -KITH_ENOMEM;
    e->waits = done < bytes.len;
    return (int64_t)done;
}

int64_t kith_lo_stream_write(void *self, uint64_t id, struct kith_bytes bytes)
{
    struct kith_lo *l = self;
    kith_lo_lock(l->net);
    int64_t done = write_locked(l, id, bytes);
    kith_lo_unlock(l->net);
    return done;
}

void kith_lo_stream_finish(void *self, uint64_t id)
{
    struct kith_lo *l = self;
    uint64_t now = l->host->now(l->host);
    unsigned end;
    kith_lo_lock(l->net);
    struct kith_lo_stream *s = kith_lo_end_find(l, id, &end);
    struct kith_lo_end *e = s ? &s->end[end] : NULL;
    if (e && !e->finished) {
        e->finished = true;
        e->waits = false;
        if (e->state == KITH_LO_IS_UP) kith_lo_say(l->net, s, end, KITH_LO_END, 0, 0, now);
        if (e->got_end) kith_lo_tell_self(l->net, s, end, KITH_LO_OVER, 0, now, now);
    }
    kith_lo_unlock(l->net);
}

void kith_lo_stream_reset(void *self, uint64_t id)
{
    struct kith_lo *l = self;
    unsigned end;
    kith_lo_lock(l->net);
    struct kith_lo_stream *s = kith_lo_end_find(l, id, &end);
    if (s) kith_lo_end_reset(l, s, end);
    kith_lo_unlock(l->net);
}

void kith_lo_stream_read(void *self, uint64_t id, bool on)
{
    struct kith_lo *l = self;
    uint64_t now = l->host->now(l->host);
    unsigned end;
    kith_lo_lock(l->net);
    struct kith_lo_stream *s = kith_lo_end_find(l, id, &end);
    struct kith_lo_end *e = s ? &s->end[end] : NULL;
    if (e) e->paused = !on;
    if (e && on && e->kept.first && !e->going_on)
        e->going_on = kith_lo_tell_self(l->net, s, end, KITH_LO_GO_ON, 0, now, now);
    kith_lo_unlock(l->net);
}
