/*
 * delegates.c - all delegates of a node as one: what the core calls goes to each of them, in the
 * order of the file.
 *
 * Raw delegates see memberlist's bytes, those with a channel see their channel only (docs/WIRE.md,
 * Channels). What a delegate puts on the wire is the same whatever else is loaded. Life and reload
 * are in delegates_life.c.
 */
#include "delegates_parts.h"

#include <stdlib.h>

enum { KEPT = 1 << 20 }; /* bytes of scratch memory that are kept for the next time */

/* -------------------------------------------------------------------------------- one by one */

static struct kith_listener *listener_at(const struct kith_delegates_shared *shared, size_t i)
{
    size_t n = shared->active->count;
    if (i < n) return shared->active->listeners[i];
    return i - n < shared->own_count ? shared->own[i - n] : NULL;
}

/* Run `call` for each listener that has the callback `fn`; inside, `l` is the one. */
#define EACH(shared, fn, call) \
    do { \
        struct kith_listener *l; \
        for (size_t i_ = 0; (l = listener_at(shared, i_)); i_++) { \
            if (!l->ops.fn) continue; \
            uint64_t entered_ = kith_listener_enter(l); \
            call; \
            kith_listener_leave(l, entered_, #fn); \
        } \
    } while (0)

static bool same(struct kith_bytes a, struct kith_bytes b)
{
    return a.len == b.len && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

/* ------------------------------------------------------------------------------------ events */

static void all_join(void *self, const struct kith_member *m)
{
    struct kith_delegates_shared *shared = self;
    EACH(shared, notify_join, l->ops.notify_join(l->self, m));
}

static void all_leave(void *self, const struct kith_member *m)
{
    struct kith_delegates_shared *shared = self;
    EACH(shared, notify_leave, l->ops.notify_leave(l->self, m));
}

static void all_update(void *self, const struct kith_member *m)
{
    struct kith_delegates_shared *shared = self;
    EACH(shared, notify_update, l->ops.notify_update(l->self, m));
}

static void all_suspect(void *self, const struct kith_member *m)
{
    struct kith_delegates_shared *shared = self;
    EACH(shared, notify_suspect, l->ops.notify_suspect(l->self, m));
}

static void all_conflict(void *self, const struct kith_member *ours,
                         const struct kith_member *other)
{
    struct kith_delegates_shared *shared = self;
    EACH(shared, notify_conflict, l->ops.notify_conflict(l->self, ours, other));
}

static void all_ping_complete(void *self, const struct kith_member *m, uint64_t rtt,
                              struct kith_bytes payload)
{
    struct kith_delegates_shared *shared = self;
    EACH(shared, ping_complete, l->ops.ping_complete(l->self, m, rtt, payload));
}

/* ------------------------------------------------------------------------------------ vetoes */

/* A veto. The core logs err: it should say whose veto it was. */
static int refused(const struct kith_listener *l, struct kith_error *err)
{
    if (err) {
        char text[sizeof err->text];
        memcpy(text, err->text, sizeof text);
        text[sizeof text - 1] = 0;
        snprintf(err->text, sizeof err->text, "%s: %.400s", kith_listener_name(l),
                 *text ? text : "refused");
        err->code = -KITH_EREFUSED;
    }
    return -KITH_EREFUSED;
}

static int all_merge(void *self, const struct kith_member *members, size_t count, size_t size,
                     struct kith_error *err)
{
    struct kith_delegates_shared *shared = self;
    int rc = 0;
    if (err) err->text[0] = 0;
    EACH(shared, notify_merge, {
        if (!rc && l->ops.notify_merge(l->self, members, count, size, err)) rc = refused(l, err);
    });
    return rc;
}

static int all_alive(void *self, const struct kith_member *m, struct kith_error *err)
{
    struct kith_delegates_shared *shared = self;
    int rc = 0;
    if (err) err->text[0] = 0;
    EACH(shared, notify_alive, {
        if (!rc && l->ops.notify_alive(l->self, m, err)) rc = refused(l, err);
    });
    return rc;
}

/* -------------------------------------------------------------------------------- meta, acks */

static int all_meta(void *self, uint8_t *out, size_t cap)
{
    struct kith_delegates_shared *shared = self;
    int n = -KITH_ENOTFOUND;
    bool asked = false;
    EACH(shared, node_meta, {
        if (!asked) n = l->ops.node_meta(l->self, out, cap);
        if (!asked && n > 0 && (size_t)n > cap) {
            kith_listener_broke(
                l, "node_meta() returned more than there was room for: meta stays as it is");
            n = -KITH_ETOOBIG;
        }
        asked = true;
    });
    if (asked) return n;
    if (shared->meta_len > cap) return -KITH_ETOOBIG;
    if (shared->meta_len) memcpy(out, shared->meta, shared->meta_len);
    return (int)shared->meta_len;
}

static int all_ack(void *self, uint8_t *out, size_t cap)
{
    struct kith_delegates_shared *shared = self;
    int n = -KITH_ENOTFOUND;
    bool asked = false;
    EACH(shared, ack_payload, {
        if (!asked) n = l->ops.ack_payload(l->self, out, cap);
        if (!asked && n > 0 && (size_t)n > cap) {
            kith_listener_broke(
                l, "ack_payload() returned more than there was room for: nothing is sent");
            n = -KITH_ETOOBIG;
        }
        asked = true;
    });
    return n;
}

/* -------------------------------------------------------------------------------- broadcasts */

/* One delegate adding to a packet: what it writes is framed when it has a channel, and handed to
 * the core's sink. */
struct adding {
    struct kith_listener *l;
    const struct kith_sink *to;
    size_t overhead, left;
};

static int add_broadcast(void *ctx, const void *data, size_t len)
{
    struct adding *a = ctx;
    const struct kith_listener *l = a->l;
    size_t head = l->channel.len ? kith_channel_head(l->channel.len) : 0;
    if (len > a->left || head + len + a->overhead > a->left) return -KITH_ETOOBIG;
    if (head) {
        struct kith_channel_frame frame = {.kind = KITH_CHANNEL_DIRECT, .name = l->channel};
        l->instance->host->random(l->instance->host, &frame.id, sizeof frame.id);
        uint8_t *out = kith_scratch(&l->shared->frame, head + len);
        if (!out) return -KITH_ENOMEM;
        kith_channel_write_head(out, &frame);
        if (len) memcpy(out + head, data, len);
        data = out;
    }
    int rc = a->to->write(a->to->ctx, data, head + len);
    if (!rc) a->left -= head + len + a->overhead;
    return rc;
}

static void ask_broadcasts(struct kith_listener *l, struct adding *a)
{
    if (!l->ops.get_broadcasts || a->left <= a->overhead) return;
    size_t head = l->channel.len ? kith_channel_head(l->channel.len) : 0;
    a->l = l;
    struct kith_sink sink = {.size = sizeof sink, .ctx = a, .write = add_broadcast};
    uint64_t entered = kith_listener_enter(l);
    l->ops.get_broadcasts(l->self, a->overhead + head, a->left, &sink);
    kith_listener_leave(l, entered, "get_broadcasts");
}

/* The raw one first: its bytes are what a Go node would send. Then the channels, each time
 * beginning with another one, so that a busy one can't starve the rest. */
static void all_broadcasts(void *self, size_t overhead, size_t limit, const struct kith_sink *sink)
{
    struct kith_delegates_shared *shared = self;
    struct adding a = {.to = sink, .overhead = overhead, .left = limit};
    struct kith_listener *l;
    size_t n = 0;
    for (; (l = listener_at(shared, n)); n++)
        if (!l->channel.len) ask_broadcasts(l, &a);
    for (size_t i = 0; i < n; i++) {
        l = listener_at(shared, (shared->turn + i) % n);
        if (l && l->channel.len) ask_broadcasts(l, &a);
    }
    shared->turn++;
}

/* ------------------------------------------------------------------------------------- state */

/* One channel's state in the making, at the end of the shared scratch. */
struct gathering {
    struct kith_delegates_shared *shared;
    size_t used;
    int rc;
};

static int gather(void *ctx, const void *data, size_t len)
{
    struct gathering *g = ctx;
    if (g->used > g->shared->max_state || len > g->shared->max_state - g->used)
        return g->rc = -KITH_ETOOBIG;
    uint8_t *out = kith_scratch(&g->shared->state, g->used + len);
    if (!out) return g->rc = -KITH_ENOMEM;
    if (len) memcpy(out + g->used, data, len);
    g->used += len;
    return 0;
}

/* Append a piece, or nothing when there is no state or too much of it. */
static void gather_piece(struct kith_listener *l, bool join, struct gathering *g)
{
    const size_t start = g->used, head = kith_channel_piece_head(l->channel.len);
    struct kith_sink sink = {.size = sizeof sink, .ctx = g, .write = gather};
    if (!kith_scratch(&g->shared->state, start + head)) return;
    g->used = start + head;
    g->rc = 0;
    uint64_t entered = kith_listener_enter(l);
    l->ops.local_state(l->self, join, &sink);
    kith_listener_leave(l, entered, "local_state");
    size_t body = g->used - start - head;
    if (g->rc) kith_listener_broke(l, "local_state() wrote more than fits: its state is not sent");
    if (g->rc || !body)
        g->used = start;
    else
        kith_channel_write_piece_head(g->shared->state.data + start, l->channel, body);
}

/* The raw state as it is; behind it, when there is any, the section with the states of the
 * channels. */
static void all_local_state(void *self, bool join, const struct kith_sink *sink)
{
    struct kith_delegates_shared *shared = self;
    struct gathering g = {.shared = shared, .used = KITH_CHANNEL_SECTION_HEAD};
    EACH(shared, local_state, {
        if (!l->channel.len) l->ops.local_state(l->self, join, sink);
    });
    struct kith_listener *l;
    for (size_t i = 0; (l = listener_at(shared, i)); i++)
        if (l->channel.len && l->ops.local_state) gather_piece(l, join, &g);
    if (g.used == KITH_CHANNEL_SECTION_HEAD ||
        !kith_scratch(&shared->state, g.used + KITH_CHANNEL_SECTION_FOOT))
        return;
    g.used += KITH_CHANNEL_SECTION_FOOT;
    kith_channel_write_section(shared->state.data, g.used);
    sink->write(sink->ctx, shared->state.data, g.used);
    if (shared->state.cap > KEPT) kith_scratch_free(&shared->state);
}

static void all_remote_state(void *self, struct kith_bytes state, bool join)
{
    struct kith_delegates_shared *shared = self;
    struct kith_bytes raw, pieces, name, body;
    kith_channel_split(state, &raw, &pieces);
    if (raw.len) {
        EACH(shared, merge_remote_state, {
            if (!l->channel.len) l->ops.merge_remote_state(l->self, raw, join);
        });
    }
    int more;
    while ((more = kith_channel_next(&pieces, &name, &body)) > 0) {
        EACH(shared, merge_remote_state, {
            if (same(l->channel, name)) l->ops.merge_remote_state(l->self, body, join);
        });
    }
    if (more < 0) shared->malformed++;
}

/* ---------------------------------------------------------------------------------- messages */

static void all_msg(void *self, struct kith_bytes msg, bool reliable)
{
    struct kith_delegates_shared *shared = self;
    struct kith_channel_frame frame;
    struct kith_seen *seen = NULL;
    if (kith_channel_is(msg)) {
        if (kith_channel_parse(msg, &frame) != 0) {
            shared->malformed++;
            return;
        }
        seen = frame.kind == KITH_CHANNEL_RELAYED ? &shared->relayed : &shared->direct;
        if (kith_seen_has(seen, frame.id)) {
            shared->repeated++;
            return;
        }
    }
    /* Only a message that was queued counts as seen: one that was dropped may come again. */
    if (kith_handoff_add(&shared->waiting, &shared->limits, msg, reliable) != 0)
        shared->dropped++;
    else if (seen)
        kith_seen_add(seen, frame.id);
}

/* A relayed message is passed on also by nodes without a delegate on its channel: so it reaches
 * all, whatever is loaded where. */
static void pass_on(struct kith_delegates_shared *shared, uint8_t *msg, size_t len, uint8_t hops)
{
    if (!hops) return;
    kith_channel_set_hops(msg, (uint8_t)(hops - 1));
    if (shared->base->broadcast(shared->base, kith_bytes_of(msg, len), NULL, NULL) < 0)
        shared->not_passed_on++;
    else
        shared->passed_on++;
}

static void deliver(struct kith_delegates_shared *shared, uint8_t *data, size_t len, bool reliable)
{
    struct kith_channel_frame frame = {.body = kith_bytes_of(data, len)};
    if (kith_channel_is(frame.body)) kith_channel_parse(kith_bytes_of(data, len), &frame);
    EACH(shared, notify_msg, {
        if (same(l->channel, frame.name)) l->ops.notify_msg(l->self, frame.body, reliable);
    });
    if (frame.kind == KITH_CHANNEL_RELAYED) pass_on(shared, data, len, frame.hops);
}

void kith_delegates_deliver(struct kith_delegates *d)
{
    struct kith_delegates_shared *shared = d->shared;
    struct kith_handoff now = shared->waiting;
    shared->waiting = shared->spare;
    shared->spare = (struct kith_handoff){0};
    for (size_t i = 0; i < now.count; i++)
        deliver(shared, now.bytes.data + now.items[i].offset, now.items[i].len,
                now.items[i].reliable);
    kith_handoff_clear(&now);
    shared->spare = now;
}

static const struct kith_delegate_ops all_ops = {
    .size = sizeof all_ops,
    .node_meta = all_meta,
    .notify_msg = all_msg,
    .get_broadcasts = all_broadcasts,
    .local_state = all_local_state,
    .merge_remote_state = all_remote_state,
    .notify_join = all_join,
    .notify_leave = all_leave,
    .notify_update = all_update,
    .notify_suspect = all_suspect,
    .notify_conflict = all_conflict,
    .notify_merge = all_merge,
    .notify_alive = all_alive,
    .ack_payload = all_ack,
    .ping_complete = all_ping_complete,
};

const struct kith_delegate_ops *kith_delegates_ops(struct kith_delegates *d, void **self)
{
    *self = d->shared;
    return &all_ops;
}
