/*
 * inspect.c - what the core knows, told to its owner: members, itself, its numbers. Changes
 * nothing.
 */
#include "answer.h"
#include "packet.h"
#include "peer.h"
#include "self.h"
#include "state.h"
#include "view.h"

size_t kith_core_size(const struct kith_core *c) { return c->members.count; }

size_t kith_core_alive(const struct kith_core *c)
{
    return c->members.in_state[KITH_ALIVE] + c->members.in_state[KITH_SUSPECT];
}

size_t kith_core_count(const struct kith_core *c, enum kith_state state)
{
    return c->members.in_state[state & 3];
}

int kith_core_find(const struct kith_core *c, struct kith_bytes name, struct kith_member *out)
{
    struct kith_member view;
    const struct kith_record *p = kith_members_named(&c->members, name);
    if (!p) return -KITH_ENOTFOUND;
    kith_view_record(c, p, &view);
    kith_view_give(&view, out);
    return 0;
}

void kith_core_self(const struct kith_core *c, struct kith_member *out)
{
    struct kith_member view = {.size = sizeof view, .state = KITH_LEFT};
    if (c->self) {
        kith_view_record(c, c->self, &view);
    } else {
        view.flags = KITH_MEMBER_LOCAL;
        memcpy(view.versions, c->versions, sizeof c->versions);
        view.name = kith_self_name(c);
        view.addr = c->advertise;
    }
    kith_view_give(&view, out);
}

/* In the order in which members became known. The cursor is a serial number, so forgetting members
 * does not move it. */
size_t kith_core_visit(const struct kith_core *c, uint64_t *cursor, size_t max,
                       bool (*visit)(void *arg, const struct kith_member *), void *arg)
{
    const struct kith_members *m = &c->members;
    uint32_t i = kith_members_since(m, *cursor);
    size_t seen = 0;
    bool more = true;
    while (more && i < m->count && seen < max) {
        struct kith_member view;
        kith_view_record(c, m->by_age[i], &view);
        *cursor = m->by_age[i++]->born + 1;
        seen++;
        more = visit(arg, &view);
    }
    if (i == m->count) *cursor = UINT64_MAX;
    return seen;
}

size_t kith_core_fits(const struct kith_core *c, enum kith_fits what, const struct kith_peer *to)
{
    struct kith_addr addr;
    struct kith_peer peer;
    if (to && !to->addr) {
        const struct kith_record *p = kith_members_named(&c->members, to->name);
        if (p) {
            kith_record_address(p, &addr);
            peer = kith_peer_of(&addr, to->name, p->versions[1]);
        }
        to = p ? &peer : NULL;
    }
    size_t budget = kith_packet_budget(c, to).bytes;
    size_t gossip = kith_packet_broadcast_max(kith_packet_budget(c, NULL).bytes);
    switch (what) {
    case KITH_FITS_PACKET: return budget ? budget - 1 : 0;
    case KITH_FITS_STREAM: return kith_exchange_most(c);
    case KITH_FITS_BROADCAST: return gossip ? gossip - 1 : 0;
    case KITH_FITS_META: return kith_self_meta_max(c);
    case KITH_FITS_ACK: return kith_answer_payload_max(c, to);
    case KITH_FITS_RELAYED: return kith_relay_fits(c);
    }
    return 0;
}

bool kith_core_speaks(const struct kith_core *c, const struct kith_peer *peer)
{
    const struct kith_record *p =
        peer->name.len ? kith_members_named(&c->members, peer->name) : kith_peer_at(c, peer->addr);
    return p == c->self || kith_kin_hears(c, p) || (p && !p->heard);
}

unsigned kith_core_health(const struct kith_core *c) { return c->health; }

size_t kith_core_queued(const struct kith_core *c)
{
    return kith_broadcasts_count(&c->queue) + kith_broadcasts_count(&c->user_queue);
}

/* --------------------------------------------------------------------------------- numbers */

static const struct {
    const char *name, *help;
} histograms[KITH_HIST_MAX] = {
    [KITH_HIST_PROBE_RTT] = {"probe_rtt_seconds",
                             "Round trips of probes that were answered directly"},
    [KITH_HIST_PROBE] = {"probe_seconds", "How long probes took, failed ones included"},
    [KITH_HIST_PUSH_PULL] = {"push_pull_seconds",
                             "How long full state exchanges begun by this node took"},
    [KITH_HIST_GOSSIP] = {"gossip_packet_bytes", "Gossip sent to one member in one round"},
    [KITH_HIST_QUEUE] = {"broadcast_queue_depth", "Messages waiting for gossip, sampled"},
    [KITH_HIST_STATE] = {"local_state_bytes", "Full states sent"},
    [KITH_HIST_REMOTE_STATE] = {"remote_state_bytes", "Full states received"},
};

struct visitor {
    void (*visit)(void *arg, const struct kith_stat *);
    void *arg;
};

static void visit_one(const struct visitor *t, enum kith_stat_kind kind, const char *name,
                      const char *help, const char *label, const char *label_value, double value)
{
    struct kith_pair pair = {.name = {NULL, 0}};
    struct kith_stat stat = {
        .size = sizeof stat, .kind = kind, .name = name, .help = help, .value = value};
    if (label) {
        pair = (struct kith_pair){kith_text(label), kith_text(label_value)};
        stat.labels = &pair;
        stat.label_count = 1;
    }
    t->visit(t->arg, &stat);
}

static void visit_counters(const struct kith_counters *s, const struct visitor *t)
{
#define VISIT(id, name, help) \
    visit_one(t, KITH_COUNTER, #name, help, NULL, NULL, (double)s->counts[KITH_COUNT_##id]);
    KITH_COUNTERS(VISIT)
#undef VISIT
#define VISIT(id, reason) \
    visit_one(t, KITH_COUNTER, "dropped", "What was not heard, or not said", "reason", #reason, \
              (double)s->drops[KITH_DROP_##id]);
    KITH_DROPS(VISIT)
#undef VISIT
    for (unsigned i = 0; i < sizeof s->messages / sizeof *s->messages; i++) {
        if (i == KITH_MSG_PUSH_PULL || i == KITH_MSG_COMPRESS || i == KITH_MSG_ENCRYPT ||
            i == KITH_MSG_CRC || i == KITH_MSG_ERR)
            continue;
        visit_one(t, KITH_COUNTER, "messages_received", "Messages received in packets", "type",
                  kith_msg_name((uint8_t)i), (double)s->messages[i]);
        visit_one(t, KITH_COUNTER, "message_bytes_received",
                  "Bytes of these messages, layers removed", "type", kith_msg_name((uint8_t)i),
                  (double)s->message_bytes[i]);
    }
    static const uint8_t on_streams[] = {KITH_MSG_PING, KITH_MSG_ACK, KITH_MSG_USER,
                                         KITH_MSG_PUSH_PULL, KITH_MSG_ERR};
    for (size_t i = 0; i < sizeof on_streams; i++) {
        const char *type = kith_msg_name(on_streams[i]);
        visit_one(t, KITH_COUNTER, "stream_messages_received", "Whole messages read from streams",
                  "type", type, (double)s->stream_messages[on_streams[i]]);
        visit_one(t, KITH_COUNTER, "stream_message_bytes_received",
                  "Bytes of these messages, layers removed", "type", type,
                  (double)s->stream_message_bytes[on_streams[i]]);
    }
}

static void visit_gauges(const struct kith_core *c, const struct visitor *t)
{
    static const char *const states[] = {"alive", "suspect", "dead", "left"};
    for (unsigned i = 0; i < 4; i++)
        visit_one(t, KITH_GAUGE, "members", "Members known, by state", "state", states[i],
                  c->members.in_state[i]);
    visit_one(t, KITH_GAUGE, "members_bytes", "Bytes of a full state of them, at most", NULL, NULL,
              (double)c->members.bytes);
    visit_one(t, KITH_GAUGE, "health_score", "Local health score, 0 is best", NULL, NULL,
              c->health);
    visit_one(t, KITH_GAUGE, "incarnation", "Own incarnation", NULL, NULL,
              c->self ? c->self->incarnation : 0);
    visit_one(t, KITH_GAUGE, "broadcasts_queued", "Membership messages waiting for gossip", NULL,
              NULL, (double)kith_broadcasts_count(&c->queue));
    visit_one(t, KITH_GAUGE, "user_broadcasts_queued", "User messages waiting for gossip", NULL,
              NULL, (double)kith_broadcasts_count(&c->user_queue));
    visit_one(t, KITH_GAUGE, "relay_lives", "Processes whose broadcasts are followed", NULL, NULL,
              c->relay.lives.count);
    visit_one(t, KITH_GAUGE, "relay_window_bytes", "Bytes of broadcasts kept for who misses them",
              NULL, NULL, (double)c->relay.lives.bytes);
    visit_one(t, KITH_GAUGE, "streams_open", "Streams open, both directions", NULL, NULL,
              c->exchanges.open);
    visit_one(t, KITH_GAUGE, "stream_memory_bytes", "Bytes held by open streams", NULL, NULL,
              (double)c->memory->held);
    visit_one(t, KITH_GAUGE, "pending_acks", "Relayed probes and pings that wait for an ack", NULL,
              NULL, c->pendings.count);
}

static void visit_histograms(const struct kith_counters *s, const struct visitor *t)
{
    for (unsigned i = 0; i < KITH_HIST_MAX; i++) {
        uint64_t up_to[KITH_BUCKETS], sum = 0;
        for (unsigned b = 0; b < KITH_BUCKETS; b++) up_to[b] = sum += s->histograms[i].buckets[b];
        struct kith_stat stat = {.size = sizeof stat,
                                 .kind = KITH_HISTOGRAM,
                                 .name = histograms[i].name,
                                 .help = histograms[i].help,
                                 .value = s->histograms[i].sum,
                                 .count = s->histograms[i].count,
                                 .bounds = kith_counters_bounds((enum kith_core_histogram)i),
                                 .counts = up_to,
                                 .bound_count = KITH_BUCKETS};
        t->visit(t->arg, &stat);
    }
}

void kith_core_stats(const struct kith_core *c, void (*visit)(void *arg, const struct kith_stat *),
                     void *arg)
{
    struct visitor t = {visit, arg};
    visit_counters(&c->counters, &t);
    visit_gauges(c, &t);
    visit_histograms(&c->counters, &t);
}
