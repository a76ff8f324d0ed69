/*
 * delegates.c - all delegates of a node as one: what the core calls goes to each of them, in the
 * order of the file.
 *
 * Raw delegates see the bytes of memberlist, those with a channel see their channel only
 * (docs/WIRE.md, Channels). What a delegate puts on the wire is the same whatever else is loaded.
 * Life and reload are in delegates_life.c.
 */
#include "fanout.h"

#include <stdlib.h>

enum { KEPT = 1 << 20 }; /* scratch memory that is kept for the next time */

/* -------------------------------------------------------------------------------- one by one */

static struct kith_seat *seat_at(const struct kith_hub *hub, size_t i)
{
    size_t n = hub->active->count;
    if (i < n) return hub->active->seats[i];
    return i - n < hub->listener_count ? hub->listeners[i - n] : NULL;
}

/* Run `call` for each seat that has the callback `fn`; inside, `seat` is the one. */
#define EACH(hub, fn, call) \
    do { \
        struct kith_seat *seat; \
        for (size_t i_ = 0; (seat = seat_at(hub, i_)); i_++) { \
            if (!seat->ops.fn) continue; \
            uint64_t entered_ = kith_seat_enter(seat); \
            call; \
            kith_seat_leave(seat, entered_, #fn); \
        } \
    } while (0)

static bool same(struct kith_bytes a, struct kith_bytes b)
{
    return a.len == b.len && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

uint8_t *kith_scratch(struct kith_scratch *s, size_t n)
{
    if (n <= s->cap) return s->data;
    size_t cap = 2 * s->cap > n ? 2 * s->cap : n;
    uint8_t *data = realloc(s->data, cap);
    if (!data) return NULL;
    s->data = data;
    s->cap = cap;
    return data;
}

void kith_scratch_fini(struct kith_scratch *s)
{
    free(s->data);
    *s = (struct kith_scratch){0};
}

/* ------------------------------------------------------------------------------------ events */

static void hub_join(void *self, const struct kith_member *m)
{
    struct kith_hub *hub = self;
    EACH(hub, notify_join, seat->ops.notify_join(seat->self, m));
}

static void hub_leave(void *self, const struct kith_member *m)
{
    struct kith_hub *hub = self;
    EACH(hub, notify_leave, seat->ops.notify_leave(seat->self, m));
}

static void hub_update(void *self, const struct kith_member *m)
{
    struct kith_hub *hub = self;
    EACH(hub, notify_update, seat->ops.notify_update(seat->self, m));
}

static void hub_suspect(void *self, const struct kith_member *m)
{
    struct kith_hub *hub = self;
    EACH(hub, notify_suspect, seat->ops.notify_suspect(seat->self, m));
}

static void hub_conflict(void *self, const struct kith_member *ours,
                         const struct kith_member *other)
{
    struct kith_hub *hub = self;
    EACH(hub, notify_conflict, seat->ops.notify_conflict(seat->self, ours, other));
}

static void hub_ping_complete(void *self, const struct kith_member *m, uint64_t rtt,
                              struct kith_bytes payload)
{
    struct kith_hub *hub = self;
    EACH(hub, ping_complete, seat->ops.ping_complete(seat->self, m, rtt, payload));
}

/* ------------------------------------------------------------------------------------ vetoes */

/* Whose no it was belongs into the log line that the core writes. */
static int refused(const struct kith_seat *seat, struct kith_error *err)
{
    if (err) {
        char text[sizeof err->text];
        memcpy(text, err->text, sizeof text);
        text[sizeof text - 1] = 0;
        snprintf(err->text, sizeof err->text, "%s: %.400s", kith_seat_name(seat),
                 *text ? text : "refused");
        err->code = -KITH_EREFUSED;
    }
    return -KITH_EREFUSED;
}

static int hub_merge(void *self, const struct kith_member *members, size_t count, size_t size,
                     struct kith_error *err)
{
    struct kith_hub *hub = self;
    int rc = 0;
    if (err) err->text[0] = 0;
    EACH(hub, notify_merge, {
        if (!rc && seat->ops.notify_merge(seat->self, members, count, size, err))
            rc = refused(seat, err);
    });
    return rc;
}

static int hub_alive(void *self, const struct kith_member *m, struct kith_error *err)
{
    struct kith_hub *hub = self;
    int rc = 0;
    if (err) err->text[0] = 0;
    EACH(hub, notify_alive, {
        if (!rc && seat->ops.notify_alive(seat->self, m, err)) rc = refused(seat, err);
    });
    return rc;
}

/* -------------------------------------------------------------------------------- meta, acks */

static int hub_meta(void *self, uint8_t *out, size_t cap)
{
    struct kith_hub *hub = self;
    int n = -KITH_ENOTFOUND;
    bool asked = false;
    EACH(hub, node_meta, {
        if (!asked) n = seat->ops.node_meta(seat->self, out, cap);
        if (!asked && n > 0 && (size_t)n > cap) {
            kith_seat_broke(
                seat, "node_meta() returned more than there was room for: meta stays as it is");
            n = -KITH_ETOOBIG;
        }
        asked = true;
    });
    if (asked) return n;
    if (hub->meta_len > cap) return -KITH_ETOOBIG;
    if (hub->meta_len) memcpy(out, hub->meta, hub->meta_len);
    return (int)hub->meta_len;
}

static int hub_ack(void *self, uint8_t *out, size_t cap)
{
    struct kith_hub *hub = self;
    int n = -KITH_ENOTFOUND;
    bool asked = false;
    EACH(hub, ack_payload, {
        if (!asked) n = seat->ops.ack_payload(seat->self, out, cap);
        if (!asked && n > 0 && (size_t)n > cap) {
            kith_seat_broke(seat,
                            "ack_payload() returned more than there was room for: nothing is sent");
            n = -KITH_ETOOBIG;
        }
        asked = true;
    });
    return n;
}

/* -------------------------------------------------------------------------------- broadcasts */

/* What a delegate adds to one packet: counted, framed when it has a channel, handed to the core's
 * sink. */
struct adding {
    struct kith_seat *seat;
    const struct kith_sink *to;
    size_t overhead, left;
};

static int add_broadcast(void *ctx, const void *data, size_t len)
{
    struct adding *a = ctx;
    const struct kith_seat *seat = a->seat;
    size_t head = seat->channel.len ? kith_channel_head(seat->channel.len) : 0;
    if (len > a->left || head + len + a->overhead > a->left) return -KITH_ETOOBIG;
    if (head) {
        struct kith_channel_frame frame = {.kind = KITH_CHANNEL_DIRECT, .name = seat->channel};
        seat->instance->host->random(seat->instance->host, &frame.id, sizeof frame.id);
        uint8_t *out = kith_scratch(&seat->hub->frame, head + len);
        if (!out) return -KITH_ENOMEM;
        kith_channel_write_head(out, &frame);
        if (len) memcpy(out + head, data, len);
        data = out;
    }
    int rc = a->to->write(a->to->ctx, data, head + len);
    if (!rc) a->left -= head + len + a->overhead;
    return rc;
}

static void ask_broadcasts(struct kith_seat *seat, struct adding *a)
{
    if (!seat->ops.get_broadcasts || a->left <= a->overhead) return;
    size_t head = seat->channel.len ? kith_channel_head(seat->channel.len) : 0;
    a->seat = seat;
    struct kith_sink sink = {.size = sizeof sink, .ctx = a, .write = add_broadcast};
    uint64_t entered = kith_seat_enter(seat);
    seat->ops.get_broadcasts(seat->self, a->overhead + head, a->left, &sink);
    kith_seat_leave(seat, entered, "get_broadcasts");
}

/* The raw one first: its bytes are what a Go node would send. Then the channels, each time
 * beginning with another one, so that a busy one can't starve the rest. */
static void hub_broadcasts(void *self, size_t overhead, size_t limit, const struct kith_sink *sink)
{
    struct kith_hub *hub = self;
    struct adding a = {.to = sink, .overhead = overhead, .left = limit};
    struct kith_seat *seat;
    size_t n = 0;
    for (; (seat = seat_at(hub, n)); n++)
        if (!seat->channel.len) ask_broadcasts(seat, &a);
    for (size_t i = 0; i < n; i++) {
        seat = seat_at(hub, (hub->turn + i) % n);
        if (seat && seat->channel.len) ask_broadcasts(seat, &a);
    }
    hub->turn++;
}

/* ------------------------------------------------------------------------------------- state */

/* One channel's state in the making, at the end of the hub's scratch. */
struct gathering {
    struct kith_hub *hub;
    size_t used;
    int rc;
};

static int gather(void *ctx, const void *data, size_t len)
{
    struct gathering *g = ctx;
    if (g->used > g->hub->max_state || len > g->hub->max_state - g->used)
        return g->rc = -KITH_ETOOBIG;
    uint8_t *out = kith_scratch(&g->hub->state, g->used + len);
    if (!out) return g->rc = -KITH_ENOMEM;
    if (len) memcpy(out + g->used, data, len);
    g->used += len;
    return 0;
}

/* Append a piece, or nothing when there is no state or too much of it. */
static void gather_piece(struct kith_seat *seat, bool join, struct gathering *g)
{
    const size_t start = g->used, head = kith_channel_piece_head(seat->channel.len);
    struct kith_sink sink = {.size = sizeof sink, .ctx = g, .write = gather};
    if (!kith_scratch(&g->hub->state, start + head)) return;
    g->used = start + head;
    g->rc = 0;
    uint64_t entered = kith_seat_enter(seat);
    seat->ops.local_state(seat->self, join, &sink);
    kith_seat_leave(seat, entered, "local_state");
    size_t body = g->used - start - head;
    if (g->rc) kith_seat_broke(seat, "local_state() wrote more than fits: its state is not sent");
    if (g->rc || !body)
        g->used = start;
    else
        kith_channel_write_piece_head(g->hub->state.data + start, seat->channel, body);
}

/* The raw state as it is; behind it, when there is any, the section with the states of the
 * channels. */
static void hub_local_state(void *self, bool join, const struct kith_sink *sink)
{
    struct kith_hub *hub = self;
    struct gathering g = {.hub = hub, .used = KITH_CHANNEL_SECTION_HEAD};
    EACH(hub, local_state, {
        if (!seat->channel.len) seat->ops.local_state(seat->self, join, sink);
    });
    struct kith_seat *seat;
    for (size_t i = 0; (seat = seat_at(hub, i)); i++)
        if (seat->channel.len && seat->ops.local_state) gather_piece(seat, join, &g);
    if (g.used == KITH_CHANNEL_SECTION_HEAD ||
        !kith_scratch(&hub->state, g.used + KITH_CHANNEL_SECTION_FOOT))
        return;
    g.used += KITH_CHANNEL_SECTION_FOOT;
    kith_channel_write_section(hub->state.data, g.used);
    sink->write(sink->ctx, hub->state.data, g.used);
    if (hub->state.cap > KEPT) kith_scratch_fini(&hub->state);
}

static void hub_remote_state(void *self, struct kith_bytes state, bool join)
{
    struct kith_hub *hub = self;
    struct kith_bytes raw, pieces, name, body;
    kith_channel_split(state, &raw, &pieces);
    if (raw.len) {
        EACH(hub, merge_remote_state, {
            if (!seat->channel.len) seat->ops.merge_remote_state(seat->self, raw, join);
        });
    }
    int more;
    while ((more = kith_channel_next(&pieces, &name, &body)) > 0) {
        EACH(hub, merge_remote_state, {
            if (same(seat->channel, name)) seat->ops.merge_remote_state(seat->self, body, join);
        });
    }
    if (more < 0) hub->malformed++;
}

/* ---------------------------------------------------------------------------------- messages */

static void hub_msg(void *self, struct kith_bytes msg, bool reliable)
{
    struct kith_hub *hub = self;
    struct kith_channel_frame frame;
    struct kith_seen *seen = NULL;
    if (kith_channel_is(msg)) {
        if (kith_channel_parse(msg, &frame) != 0) {
            hub->malformed++;
            return;
        }
        seen = frame.kind == KITH_CHANNEL_RELAYED ? &hub->relayed : &hub->direct;
        if (kith_seen_has(seen, frame.id)) {
            hub->repeated++;
            return;
        }
    }
    /* Only what was taken counts as seen: a repeat of what was dropped may still make it. */
    if (kith_handoff_add(&hub->waiting, &hub->limits, msg, reliable) != 0)
        hub->dropped++;
    else if (seen)
        kith_seen_add(seen, frame.id);
}

/* Everybody passes a relayed message on, also who has no such channel: so it reaches all, whatever
 * is loaded where. */
static void pass_on(struct kith_hub *hub, uint8_t *msg, size_t len, uint8_t hops)
{
    if (!hops) return;
    kith_channel_set_hops(msg, (uint8_t)(hops - 1));
    if (hub->base->broadcast(hub->base, kith_bytes_of(msg, len), NULL, NULL) < 0)
        hub->not_passed_on++;
    else
        hub->passed_on++;
}

static void deliver(struct kith_hub *hub, uint8_t *data, size_t len, bool reliable)
{
    struct kith_channel_frame frame = {.body = kith_bytes_of(data, len)};
    if (kith_channel_is(frame.body)) kith_channel_parse(kith_bytes_of(data, len), &frame);
    EACH(hub, notify_msg, {
        if (same(seat->channel, frame.name)) seat->ops.notify_msg(seat->self, frame.body, reliable);
    });
    if (frame.kind == KITH_CHANNEL_RELAYED) pass_on(hub, data, len, frame.hops);
}

void kith_delegates_deliver(struct kith_delegates *d)
{
    struct kith_hub *hub = d->hub;
    struct kith_handoff now = hub->waiting;
    hub->waiting = hub->spare;
    hub->spare = (struct kith_handoff){0};
    for (size_t i = 0; i < now.count; i++)
        deliver(hub, now.bytes + now.items[i].offset, now.items[i].len, now.items[i].reliable);
    kith_handoff_clear(&now);
    hub->spare = now;
}

static const struct kith_delegate_ops hub_ops = {
    .size = sizeof hub_ops,
    .node_meta = hub_meta,
    .notify_msg = hub_msg,
    .get_broadcasts = hub_broadcasts,
    .local_state = hub_local_state,
    .merge_remote_state = hub_remote_state,
    .notify_join = hub_join,
    .notify_leave = hub_leave,
    .notify_update = hub_update,
    .notify_suspect = hub_suspect,
    .notify_conflict = hub_conflict,
    .notify_merge = hub_merge,
    .notify_alive = hub_alive,
    .ack_payload = hub_ack,
    .ping_complete = hub_ping_complete,
};

const struct kith_delegate_ops *kith_delegates_ops(struct kith_delegates *d, void **self)
{
    *self = d->hub;
    return &hub_ops;
}
