/*
 * delegates.c - all delegates of a node as one: what the core calls goes to each of them, in the
 * order of the file.
 *
 * Raw delegates see memberlist's bytes, those with a channel see their channel only (docs/WIRE.md,
 * Channels). What a delegate puts on the wire is the same whatever else is loaded. Life and reload
 * are in delegates_life.c.
 */
#include "codes.h"
#include "delegates_parts.h"

#include <stdlib.h>

enum { KEPT = 1 << 20 }; /* bytes of scratch memory that are kept for the next time */

/* ------------------------------------------------------------------------------------ events */

static void tell_all(struct kith_delegates_shared *shared, const struct kith_event *given)
{
    struct kith_event event = *given;
    if (!event.wall) event.wall = shared->setup.wall(shared->setup.ctx);
    KITH_EACH(shared, event, l->ops.event(l->self, &event));
}

static void all_event(void *self, const struct kith_event *event)
{
    struct kith_delegates_shared *shared = self;
    if (event->kind <= KITH_EVENT_UPDATE) kith_strangers_changed(&shared->strangers);
    tell_all(shared, event);
}

void kith_delegates_event(struct kith_delegates *d, const struct kith_event *event)
{
    tell_all(d->shared, event);
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

static int all_judge(void *self, const struct kith_claim *claim, struct kith_error *err)
{
    struct kith_delegates_shared *shared = self;
    int rc = 0;
    kith_error_clear(err);
    KITH_EACH(shared, judge, {
        bool asked = !rc && (l->ops.judges & claim->kind);
        if (asked && l->ops.judge(l->self, claim, err)) rc = refused(l, err);
    });
    return rc;
}

/* -------------------------------------------------------------------------------- meta, acks */

/* What fits into a packet: with more than that a node can't start. */
static size_t room_for_meta(const struct kith_delegates_shared *shared, size_t cap)
{
    const struct kith_node *node = shared->setup.node;
    size_t fits = node->fits(node, KITH_FITS_META, NULL);
    return fits < cap ? fits : cap;
}

/* The core keeps the meta that it had. */
static int no_meta(struct kith_listener *l, int n)
{
    if (n >= 0) {
        kith_listener_blame(
            l, "node_meta() returned more than there was room for: meta stays as it is");
        return -KITH_ETOOBIG;
    }
    if (l->instance)
        l->instance->host->log(l->instance->host, KITH_LOG_WARN,
                               "node_meta() gave none: meta stays as it is (%s)",
                               kith_code_text(n));
    return n;
}

static int all_meta(void *self, uint8_t *out, size_t cap)
{
    struct kith_delegates_shared *shared = self;
    size_t room = room_for_meta(shared, cap);
    int n = -KITH_ENOTFOUND;
    bool asked = false;
    KITH_EACH(shared, node_meta, {
        if (!asked) n = l->ops.node_meta(l->self, out, room);
        if (!asked && (n < 0 || (size_t)n > room)) n = no_meta(l, n);
        asked = true;
    });
    if (asked) return n;
    if (shared->meta.len > cap) return -KITH_ETOOBIG;
    if (shared->meta.len) memcpy(out, shared->meta.bytes, shared->meta.len);
    return (int)shared->meta.len;
}

static int all_seal(void *self, const struct kith_member *local, uint8_t *meta, size_t len,
                    size_t cap)
{
    struct kith_delegates_shared *shared = self;
    int n = (int)len;
    bool asked = false;
    KITH_EACH(shared, seal_meta, {
        if (!asked) n = l->ops.seal_meta(l->self, local, meta, len, cap);
        if (!asked && n >= 0 && ((size_t)n > cap || (size_t)n < len)) {
            kith_listener_blame(
                l, "seal_meta() returned no length of meta with a trailer: none is sent");
            n = -KITH_ETOOBIG;
        }
        asked = true;
    });
    return n;
}

static int all_ack(void *self, uint8_t *out, size_t cap)
{
    struct kith_delegates_shared *shared = self;
    int n = -KITH_ENOTFOUND;
    bool asked = false;
    KITH_EACH(shared, ack_payload, {
        if (!asked) n = l->ops.ack_payload(l->self, out, cap);
        if (!asked && n > 0 && (size_t)n > cap) {
            kith_listener_blame(
                l, "ack_payload() returned more than there was room for: nothing is sent");
            n = -KITH_ETOOBIG;
        }
        asked = true;
    });
    return n;
}

/* ------------------------------------------------------------------------------------ frames */

static int frame_for(struct kith_delegates_shared *shared, struct kith_bytes channel,
                     struct kith_bytes *msg)
{
    const struct kith_host_maker *maker = shared->setup.maker;
    if (!channel.len || channel.len > KITH_CHANNEL_NAME_MAX) return -KITH_EINVAL;
    struct kith_channel_frame frame = {.name = channel, .sender = kith_delegates_name(shared)};
    size_t head = kith_channel_head(channel.len, frame.sender.len);
    if (msg->len > SIZE_MAX - head) return -KITH_ENOMEM;
    uint8_t *out = kith_scratch_room(&shared->frame, head + msg->len);
    if (!out) return -KITH_ENOMEM;
    maker->random(maker->ctx, &frame.id, sizeof frame.id);
    kith_channel_write_head(out, &frame);
    if (msg->len) memcpy(out + head, msg->data, msg->len);
    *msg = kith_bytes_of(out, head + msg->len);
    return 0;
}

int kith_delegates_frame(struct kith_delegates *d, struct kith_bytes channel,
                         struct kith_bytes *msg)
{
    return frame_for(d->shared, channel, msg);
}

/* -------------------------------------------------------------------------------- broadcasts */

/* One delegate adding to a packet: what it writes is framed when it has a channel, and handed to
 * the core's sink. */
struct adding {
    struct kith_sink sink; /* first: what the delegate writes to */
    struct kith_listener *l;
    const struct kith_sink *to;
    size_t overhead, left;
};

static int add_broadcast(const struct kith_sink *sink, struct kith_bytes msg)
{
    struct adding *a = (struct adding *)sink;
    size_t head = kith_listener_head(a->l);
    if (msg.len > a->left || head + msg.len + a->overhead > a->left) return -KITH_ETOOBIG;
    int rc = head ? frame_for(a->l->shared, a->l->channel, &msg) : 0;
    if (!rc) rc = a->to->write(a->to, msg);
    if (!rc) a->left -= msg.len + a->overhead;
    return rc;
}

static void ask_broadcasts(struct kith_listener *l, struct adding *a)
{
    if (!l->ops.get_broadcasts || a->left <= a->overhead) return;
    size_t head = kith_listener_head(l);
    a->l = l;
    uint64_t entered = kith_listener_enter(l);
    l->ops.get_broadcasts(l->self, a->overhead + head, a->left, &a->sink);
    kith_listener_leave(l, entered, "get_broadcasts");
}

static struct adding adding(size_t overhead, size_t limit, const struct kith_sink *sink)
{
    return (struct adding){.sink = {.size = sizeof(struct kith_sink), .write = add_broadcast},
                           .to = sink,
                           .overhead = overhead,
                           .left = limit};
}

/* Of the raw one: its bytes are what a Go node would send. */
static void all_broadcasts(void *self, size_t overhead, size_t limit, const struct kith_sink *sink)
{
    struct kith_delegates_shared *shared = self;
    struct adding a = adding(overhead, limit, sink);
    struct kith_listener *l;
    for (size_t i = 0; (l = kith_listener_at(shared, i)); i++)
        if (!l->channel.len) ask_broadcasts(l, &a);
}

/* Each time beginning with another channel, so that a busy one can't starve the rest. */
void kith_delegates_channel_broadcasts(struct kith_delegates *d, size_t overhead, size_t limit,
                                       const struct kith_sink *sink)
{
    struct kith_delegates_shared *shared = d->shared;
    struct adding a = adding(overhead, limit, sink);
    struct kith_listener *l;
    size_t n = 0;
    while (kith_listener_at(shared, n)) n++;
    for (size_t i = 0; i < n; i++) {
        l = kith_listener_at(shared, (shared->turn + i) % n);
        if (l && l->channel.len) ask_broadcasts(l, &a);
    }
    shared->turn++;
}

/* ------------------------------------------------------------------------------------- state */

#define STATE_TOO_BIG "local_state() wrote more than fits: its state is not sent"

/* One delegate's state in the making, at the end of the shared scratch. */
struct gathering {
    struct kith_sink sink; /* first: what the delegate writes to */
    struct kith_delegates_shared *shared;
    size_t used;
    int rc;
};

static int gather(const struct kith_sink *sink, struct kith_bytes bytes)
{
    struct gathering *g = (struct gathering *)sink;
    if (g->used > g->shared->max_state || bytes.len > g->shared->max_state - g->used)
        return g->rc = -KITH_ETOOBIG;
    uint8_t *out = kith_scratch_room(&g->shared->state, g->used + bytes.len);
    if (!out) return g->rc = -KITH_ENOMEM;
    if (bytes.len) memcpy(out + g->used, bytes.data, bytes.len);
    g->used += bytes.len;
    return 0;
}

/* Make room for the head of a piece; where its body begins, or 0: no memory. */
static size_t begin_piece(struct gathering *g, struct kith_bytes name)
{
    const size_t body = g->used + kith_channel_piece_head(name.len);
    return kith_scratch_room(&g->shared->state, body) ? body : 0;
}

/* Append a piece, or nothing when there is no state or too much of it. */
static void gather_piece(struct kith_listener *l, bool join, struct gathering *g)
{
    const size_t start = g->used, body = begin_piece(g, l->channel);
    if (!body) return;
    g->used = body;
    g->rc = 0;
    uint64_t entered = kith_listener_enter(l);
    l->ops.local_state(l->self, join, &g->sink);
    kith_listener_leave(l, entered, "local_state");
    if (g->rc) kith_listener_blame(l, STATE_TOO_BIG);
    if (g->rc || g->used == body)
        g->used = start;
    else
        kith_channel_write_piece_head(g->shared->state.data + start, l->channel, g->used - body);
}

/* The piece that says who sends them all. */
static void gather_sender(struct gathering *g)
{
    static const struct kith_bytes piece = {(const uint8_t *)KITH_CHANNEL_SENDER_PIECE, 1};
    const struct kith_bytes name = kith_delegates_name(g->shared);
    const size_t start = g->used, body = begin_piece(g, piece);
    if (!body || !name.len) return;
    g->used = body;
    if (gather(&g->sink, name) != 0)
        g->used = start;
    else
        kith_channel_write_piece_head(g->shared->state.data + start, piece, name.len);
}

/* All of the raw state, or nothing: half of it would be read as a whole one. */
static void write_raw(struct kith_listener *l, bool join, struct gathering *g,
                      const struct kith_sink *sink)
{
    g->used = 0;
    g->rc = 0;
    uint64_t entered = kith_listener_enter(l);
    l->ops.local_state(l->self, join, &g->sink);
    kith_listener_leave(l, entered, "local_state");
    if (!g->rc && g->used) g->rc = sink->write(sink, kith_bytes_of(g->shared->state.data, g->used));
    if (g->rc) kith_listener_blame(l, STATE_TOO_BIG);
}

/* Too little room is left beside the members: drop the last piece and blame its delegate. Where
 * that piece began; 0: none is left. */
static size_t take_back_piece(struct kith_delegates_shared *shared, size_t begin, size_t end)
{
    struct kith_bytes pieces = kith_bytes_of(shared->state.data + begin, end - begin);
    struct kith_bytes name = {0}, body;
    const uint8_t *last = pieces.data, *next = last;
    while (kith_channel_next(&pieces, &name, &body) > 0) {
        last = next;
        next = pieces.data;
    }
    struct kith_listener *l = NULL;
    for (size_t i = 0; (l = kith_listener_at(shared, i)); i++)
        if (kith_bytes_equal(l->channel, name)) break;
    if (l) kith_listener_blame(l, STATE_TOO_BIG);
    size_t at = (size_t)(last - shared->state.data);
    return at > begin ? at : 0;
}

/* The pieces that begin behind that of the sender, at `begin`, up to `end`, as a section. */
static void write_section(struct kith_delegates_shared *shared, size_t begin, size_t end,
                          const struct kith_sink *sink)
{
    int rc = -KITH_ETOOBIG;
    while (rc == -KITH_ETOOBIG && end > begin) {
        size_t len = end + KITH_CHANNEL_SECTION_FOOT;
        if (!kith_scratch_room(&shared->state, len)) return;
        kith_channel_write_section(shared->state.data, len);
        rc = sink->write(sink, kith_bytes_of(shared->state.data, len));
        if (rc == -KITH_ETOOBIG) end = take_back_piece(shared, begin, end);
    }
}

static struct gathering gathering(struct kith_delegates_shared *shared)
{
    return (struct gathering){.sink = {.size = sizeof(struct kith_sink), .write = gather},
                              .shared = shared};
}

static void end_gathering(struct kith_delegates_shared *shared)
{
    if (shared->state.cap > KEPT) kith_scratch_free(&shared->state);
}

/* The raw state as it is. */
static void all_local_state(void *self, bool join, const struct kith_sink *sink)
{
    struct kith_delegates_shared *shared = self;
    struct gathering g = gathering(shared);
    struct kith_listener *l;
    for (size_t i = 0; (l = kith_listener_at(shared, i)); i++)
        if (!l->channel.len && l->ops.local_state) write_raw(l, join, &g, sink);
    end_gathering(shared);
}

/* What stands behind the raw state, when there is any: the section with the states of the
 * channels. */
void kith_delegates_channel_state(struct kith_delegates *d, bool join, const struct kith_sink *sink)
{
    struct kith_delegates_shared *shared = d->shared;
    struct gathering g = gathering(shared);
    struct kith_listener *l;
    g.used = KITH_CHANNEL_SECTION_HEAD;
    gather_sender(&g);
    const size_t begin = g.used;
    for (size_t i = 0; (l = kith_listener_at(shared, i)); i++)
        if (l->channel.len && l->ops.local_state) gather_piece(l, join, &g);
    write_section(shared, begin, g.used, sink);
    end_gathering(shared);
}

/* ----------------------------------------------------------- what others say on a channel */

/* The name that the sender claims, with the NUL that names have, goes into peer. */
static void claim(struct kith_delegates_shared *shared, struct kith_bytes sender,
                  struct kith_peer *peer)
{
    if (!sender.len || !kith_scratch_room(&shared->sender, sender.len + 1)) return;
    memcpy(shared->sender.data, sender.data, sender.len);
    shared->sender.data[sender.len] = 0;
    peer->name = kith_bytes_of(shared->sender.data, sender.len);
}

static void all_remote_state(void *self, const struct kith_message *given)
{
    struct kith_delegates_shared *shared = self;
    struct kith_message m = *given;
    struct kith_peer peer = given->peer ? *given->peer : (struct kith_peer){.size = sizeof peer};
    struct kith_bytes pieces, name, body;
    kith_channel_split(given->bytes, &m.bytes, &pieces);
    if (m.bytes.len) {
        KITH_EACH(shared, remote_state, {
            if (!l->channel.len) l->ops.remote_state(l->self, &m);
        });
    }
    m.peer = &peer;
    int more;
    while ((more = kith_channel_next(&pieces, &name, &body)) > 0) {
        m.bytes = body;
        if (name.len == 1 && !name.data[0]) {
            claim(shared, body, &peer);
            continue;
        }
        KITH_EACH(shared, remote_state, {
            if (kith_bytes_equal(l->channel, name)) l->ops.remote_state(l->self, &m);
        });
    }
    if (more < 0) shared->malformed++;
}

/* ---------------------------------------------------------------------------------- messages */

/* A direct frame, as what it holds. False: nobody hears it. */
static bool open_frame(struct kith_delegates_shared *shared, struct kith_message *m,
                       struct kith_peer *peer, uint64_t *id)
{
    struct kith_channel_frame frame;
    int rc = kith_channel_parse(m->bytes, &frame);
    bool repeated = !rc && kith_seen_has(&shared->seen, frame.id);
    shared->unknown += rc == -KITH_EUNSUPPORTED;
    shared->malformed += rc == -KITH_EMALFORMED;
    shared->repeated += repeated;
    if (rc || repeated) return false;
    *id = frame.id;
    if (m->peer) *peer = *m->peer;
    peer->name = frame.sender;
    m->channel = frame.name;
    m->bytes = frame.body;
    m->peer = peer;
    return true;
}

/* What was relayed comes opened, and once. */
static void all_message(void *self, const struct kith_message *given)
{
    struct kith_delegates_shared *shared = self;
    struct kith_message m = *given;
    struct kith_peer peer = {.size = sizeof peer};
    uint64_t id = 0;
    bool framed = !(m.flags & KITH_RELAYED) && kith_channel_is(m.bytes);
    if (framed && !open_frame(shared, &m, &peer, &id)) return;
    /* Only a message that was queued counts as seen: one that was dropped may come again. */
    if (kith_handoff_add(&shared->waiting, &shared->limits, &m) != 0)
        shared->dropped++;
    else if (framed)
        kith_seen_add(&shared->seen, id);
}

static bool hears(const struct kith_listener *l, struct kith_bytes channel)
{
    if (kith_bytes_equal(l->channel, channel)) return true;
    return !l->channel.len && l->ops.flags & KITH_DELEGATE_USER &&
           kith_bytes_equal(channel, kith_text(KITH_USER_CHANNEL));
}

static void deliver(struct kith_delegates_shared *shared, const struct kith_handoff *q, size_t i)
{
    struct kith_message m;
    struct kith_peer peer;
    kith_handoff_get(q, i, &m, &peer);
    KITH_EACH(shared, message, {
        if (hears(l, m.channel)) l->ops.message(l->self, &m);
    });
}

static void deliver_messages(struct kith_delegates_shared *shared)
{
    struct kith_handoff now = shared->waiting;
    if (!now.count) return;
    shared->waiting = shared->spare;
    shared->spare = (struct kith_handoff){.memory = now.memory};
    kith_listeners_in_a_row(shared, true);
    for (size_t i = 0; i < now.count; i++) deliver(shared, &now, i);
    kith_listeners_in_a_row(shared, false);
    kith_handoff_clear(&now);
    shared->spare = now;
}

bool kith_delegates_full(const struct kith_delegates *d)
{
    const struct kith_delegates_shared *shared = d->shared;
    return kith_handoff_full(&shared->waiting, &shared->limits, shared->max_state);
}

bool kith_delegates_waiting(const struct kith_delegates *d)
{
    const struct kith_delegates_shared *shared = d->shared;
    return shared->waiting.count || kith_emitted_waiting(shared) || kith_leaving_waiting(shared);
}

bool kith_delegates_deliver(struct kith_delegates *d)
{
    struct kith_delegates_shared *shared = d->shared;
    deliver_messages(shared);
    kith_emitted_deliver(shared);
    kith_leaving_deliver(shared);
    return kith_delegates_waiting(d);
}

const struct kith_delegate_ops kith_all_ops = {
    .size = sizeof kith_all_ops,
    .event = all_event,
    .message = all_message,
    .remote_state = all_remote_state,
    .judge = all_judge,
    .node_meta = all_meta,
    .seal_meta = all_seal,
    .get_broadcasts = all_broadcasts,
    .local_state = all_local_state,
    .ack_payload = all_ack,
};
