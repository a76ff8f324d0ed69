/*
 * probe.c - is that member there? Direct ping, indirect pings and a stream ping, nacks, the buddy
 * system (PROTOCOL.md 2.8), and the answers to the pings of others.
 *
 * One probe at a time. A tick that falls into a probe is kept, one of them, and starts the next
 * probe at its end: that is what a Go ticker does.
 */
#include "node.h"

uint32_t kith_next_seq_no(struct kith_core *c) { return ++c->seq_no; }

void kith_ping_message(const struct kith_core *c, struct kith_msg *msg, uint32_t seq_no,
                       struct kith_bytes name)
{
    memset(msg, 0, sizeof *msg);
    msg->type = KITH_MSG_PING;
    msg->seq_no = seq_no;
    msg->node = name;
    msg->source_addr = kith_bytes_of(c->advertise.bytes, c->advertise.len);
    msg->source_port = c->advertise.port;
    msg->source_node = kith_self_name(c);
}

static struct kith_bytes target(const struct kith_probe *pr)
{
    return kith_bytes_of(pr->name, pr->name_len);
}

static void probe_next(struct kith_core *c);

/* The probe is over: by `delta` we think better or worse of ourselves (PROTOCOL.md 2.7). */
static void probe_end(struct kith_core *c, int delta)
{
    struct kith_probe *pr = &c->probe;
    struct kith_stream *s = pr->stream ? kith_stream_find(c, pr->stream) : NULL;
    kith_pending_remove(c, &pr->pending);
    pr->active = false;
    pr->stream = 0;
    if (s) kith_stream_finish(c, s, -KITH_ETIMEOUT, 0);
    kith_stats_observe(&c->stats, KITH_HIST_PROBE, (double)(c->now - pr->begun) / 1e9);
    kith_awareness(c, delta);
}

static void probe_again(struct kith_core *c)
{
    if (!c->probe.missed) return;
    c->probe.missed = false;
    probe_next(c);
}

/* 2.8.e, the deadline has come. */
static void probe_judge(struct kith_core *c)
{
    struct kith_probe *pr = &c->probe;
    if (pr->contact) {
        kith_count(c, KITH_COUNT_PROBES_STREAM_ONLY);
        kith_log(c, KITH_LOG_WARN, &pr->to,
                 "Was able to connect to %.*s over TCP but UDP probes failed, network may be "
                 "misconfigured",
                 KITH_STR(target(pr)));
        probe_end(c, -1);
        probe_again(c);
        return;
    }
    int delta = 1;
    if (pr->expected_nacks)
        delta = pr->nacks < pr->expected_nacks ? (int)(pr->expected_nacks - pr->nacks) : 0;
    struct kith_msg suspect = {.type = KITH_MSG_SUSPECT,
                               .incarnation = pr->incarnation,
                               .node = target(pr),
                               .from = kith_self_name(c)};
    kith_count(c, KITH_COUNT_PROBES_FAILED);
    kith_log(c, KITH_LOG_INFO, &pr->to, "Suspect %.*s has failed, no acks received",
             KITH_STR(target(pr)));
    probe_end(c, delta);
    kith_suspect(c, &suspect, KITH_FROM_SELF);
    probe_again(c);
}

static bool may_relay(struct kith_core *c, const struct kith_peer *p)
{
    return p != c->self && p->state == KITH_ALIVE &&
           !kith_bytes_equal(kith_peer_name(p), target(&c->probe));
}

static bool may_stream(const struct kith_core *c, struct kith_bytes name, uint8_t pmax)
{
    if (c->set.disable_tcp_pings || pmax < 3) return false;
    for (size_t i = 0; i < c->set.disable_tcp_pings_for.count; i++) {
        const char *item = c->set.disable_tcp_pings_for.items[i];
        if (kith_bytes_equal(kith_bytes_of(item, strlen(item)), name)) return false;
    }
    return true;
}

/* 2.8.d: no answer yet. Others may reach it, or a stream may. */
static void probe_ask_others(struct kith_core *c)
{
    struct kith_probe *pr = &c->probe;
    struct kith_peer **relays;
    struct kith_msg msg;
    pr->indirect = true;
    kith_count(c, KITH_COUNT_PROBES_INDIRECT);
    kith_log(c, KITH_LOG_DEBUG, &pr->to, "Failed UDP ping: %.*s (timeout reached)",
             KITH_STR(target(pr)));
    size_t n = kith_members_choose(c, c->set.indirect_checks, may_relay, &relays);
    kith_ping_message(c, &msg, pr->pending.seq_no, target(pr));
    msg.type = KITH_MSG_INDIRECT_PING;
    msg.target = kith_bytes_of(pr->to.bytes, pr->to.len);
    msg.port = pr->to.port;
    for (size_t i = 0; i < n; i++) {
        struct kith_addr to;
        msg.nack = relays[i]->versions[1] >= 4;
        pr->expected_nacks += msg.nack;
        kith_peer_address(relays[i], &to);
        kith_send_piggyback(c, &to, kith_peer_name(relays[i]), &msg);
    }
    if (c->now >= pr->deadline) {
        probe_judge(c);
        return;
    }
    if (may_stream(c, target(pr), pr->pmax)) {
        struct kith_stream *s =
            kith_stream_dial(c, KITH_STREAM_PING, &pr->to, target(pr), pr->deadline);
        if (s) {
            s->seq_no = pr->pending.seq_no;
            pr->stream = kith_stream_handle(s);
        }
    }
    kith_alarm_set(&c->alarms, &pr->pending.alarm, pr->deadline);
}

void kith_probe_alarm(struct kith_core *c, struct kith_alarm *alarm)
{
    if (c->probe.indirect)
        probe_judge(c);
    else
        probe_ask_others(c);
}

void kith_probe_stream(struct kith_core *c, uint32_t seq_no, bool contact)
{
    struct kith_probe *pr = &c->probe;
    if (!pr->active || pr->pending.seq_no != seq_no) return;
    pr->stream = 0;
    pr->contact = contact;
}

/* 2.8.a and b. */
static void probe_begin(struct kith_core *c, const struct kith_peer *p)
{
    struct kith_probe *pr = &c->probe;
    struct kith_bytes name = kith_peer_name(p);
    uint64_t interval = c->set.probe_interval;
    uint64_t span = interval > INT64_MAX / (c->health + 1) ? INT64_MAX : interval * (c->health + 1);
    pr->active = true;
    pr->indirect = pr->contact = false;
    pr->expected_nacks = pr->nacks = 0;
    pr->stream = 0;
    pr->state = p->state;
    pr->pmax = p->versions[1];
    pr->incarnation = p->incarnation;
    memcpy(pr->name, name.data, name.len);
    pr->name_len = (uint8_t)name.len;
    kith_peer_address(p, &pr->to);
    pr->begun = pr->sent = c->now;
    pr->deadline = kith_later(c->now, span);
    pr->pending.seq_no = kith_next_seq_no(c);
    kith_pending_add(&c->pendings, &pr->pending);
    kith_count(c, KITH_COUNT_PROBES);
    if (c->health) kith_count(c, KITH_COUNT_PROBES_DEGRADED);

    struct kith_msg ping;
    kith_ping_message(c, &ping, pr->pending.seq_no, target(pr));
    if (pr->state == KITH_ALIVE) {
        kith_send_piggyback(c, &pr->to, target(pr), &ping);
    } else { /* the buddy system: tell it first */
        struct kith_packer pk;
        struct kith_msg suspect = {.type = KITH_MSG_SUSPECT,
                                   .incarnation = pr->incarnation,
                                   .node = target(pr),
                                   .from = kith_self_name(c)};
        kith_packer_begin(&pk, c, &pr->to, target(pr), pr->pmax);
        kith_packer_add_message(&pk, &ping);
        kith_packer_add_message(&pk, &suspect);
        kith_packer_end(&pk);
    }
    uint64_t patience = kith_later(c->now, c->set.probe_timeout);
    kith_alarm_set(&c->alarms, &pr->pending.alarm,
                   patience < pr->deadline ? patience : pr->deadline);
}

static bool forgotten(struct kith_core *c, const struct kith_peer *p)
{
    return p != c->self && kith_peer_gone(p) && c->now - p->since > c->set.gossip_to_the_dead_time;
}

/* The next one in the list that may be probed; at its end the long dead are reaped and the rest is
 * shuffled (PROTOCOL.md 2.11). */
static void probe_next(struct kith_core *c)
{
    struct kith_probe *pr = &c->probe;
    if (c->set.probe_interval == 0) return;
    bool wrapped = false;
    for (uint32_t looked = 0; looked < c->members.count; looked++) {
        if (pr->index >= c->members.count) {
            if (wrapped) return;
            uint32_t reaped = kith_members_reap(&c->members, &c->random, c, forgotten);
            c->stats.counters[KITH_COUNT_MEMBERS_REAPED] += reaped;
            pr->index = 0;
            wrapped = true;
            looked = 0;
        }
        struct kith_peer *p = c->members.list[pr->index++];
        if (p == c->self || kith_peer_gone(p)) continue;
        probe_begin(c, p);
        return;
    }
}

void kith_probe_tick(struct kith_core *c, struct kith_alarm *alarm)
{
    if (c->set.probe_interval == 0) return;
    kith_alarm_set(&c->alarms, alarm, kith_next_tick(alarm->at, c->set.probe_interval, c->now));
    if (c->probe.active)
        c->probe.missed = true;
    else
        probe_next(c);
}

/* --------------------------------------------------------------------------- answers to ours */

static void probe_complete(struct kith_core *c, const struct kith_msg *ack, uint64_t rtt)
{
    struct kith_probe *pr = &c->probe;
    struct kith_member view;
    struct kith_bytes name = target(pr);
    struct kith_peer *p =
        kith_members_find(&c->members, name, kith_members_hash(&c->members, name));
    kith_stats_observe(&c->stats, KITH_HIST_PROBE_RTT, (double)rtt / 1e9);
    if (!c->ops.ping_complete || !p) return;
    kith_peer_view(p, &view);
    KITH_ASK(c, c->ops.ping_complete(c->env.delegate_self, &view, rtt, ack->payload));
}

void kith_on_ack(struct kith_core *c, const struct kith_msg *msg, uint64_t received_at)
{
    struct kith_pending *p = kith_pending_find(&c->pendings, msg->seq_no);
    if (!p) {
        kith_drop(c, KITH_DROP_ACK_NOT_EXPECTED);
        return;
    }
    if (p->kind == KITH_PENDING_PROBE) {
        uint64_t rtt = received_at > c->probe.sent ? received_at - c->probe.sent : 0;
        if (!c->probe.indirect) probe_complete(c, msg, rtt);
        probe_end(c, -1);
        probe_again(c);
        return;
    }
    kith_pending_remove(c, p);
    if (p->kind == KITH_PENDING_RELAY) {
        struct kith_msg ack = {.type = KITH_MSG_ACK, .seq_no = p->their_seq_no};
        kith_send_piggyback(c, &p->to, kith_bytes_of(p->name, p->name_len), &ack);
    } else {
        kith_request_done(c, p->request, 0, received_at > p->sent ? received_at - p->sent : 0);
    }
    kith_pending_free(c, p);
}

void kith_on_nack(struct kith_core *c, const struct kith_msg *msg)
{
    struct kith_pending *p = kith_pending_find(&c->pendings, msg->seq_no);
    if (!p || p->kind != KITH_PENDING_PROBE) return;
    c->probe.nacks++;
    kith_count(c, KITH_COUNT_NACKS_RECEIVED);
}

/* ----------------------------------------------------------------------- the pings of others */

/* Where the answer goes: what the ping says of its sender, else where it came from (memberlist
 * T11). */
static bool reply_to(struct kith_core *c, const struct kith_msg *msg, const struct kith_addr *from,
                     struct kith_addr *to)
{
    if (msg->source_node.len > KITH_NAME_LIMIT || msg->source_addr.len > KITH_ADDR_MAX) {
        kith_drop(c, KITH_DROP_BAD_ADDRESS);
        return false;
    }
    if (c->replies++ >= KITH_REPLIES_MAX) {
        kith_drop(c, KITH_DROP_MAX_REPLIES);
        return false;
    }
    *to = *from;
    if (msg->source_addr.len == 0 || msg->source_port == 0) return true;
    to->port = msg->source_port;
    to->len = (uint8_t)msg->source_addr.len;
    memcpy(to->bytes, msg->source_addr.data, to->len);
    return true;
}

void kith_on_ping(struct kith_core *c, const struct kith_addr *from, const struct kith_msg *msg)
{
    struct kith_addr to;
    if (msg->node.len && !kith_bytes_equal(msg->node, kith_self_name(c))) {
        kith_drop(c, KITH_DROP_PING_FOR_ANOTHER);
        kith_log_some(c, KITH_LOG_WARN, from, "Got ping for unexpected node '%.*s'",
                      KITH_STR(msg->node));
        return;
    }
    if (!reply_to(c, msg, from, &to)) return;
    struct kith_msg ack = {.type = KITH_MSG_ACK, .seq_no = msg->seq_no};
    if (c->ops.ack_payload) {
        size_t budget = kith_budget(c, &to), cap = budget > 64 ? budget - 64 : 0;
        if (cap > sizeof c->scratch) cap = sizeof c->scratch;
        int n;
        KITH_ASK(c, n = c->ops.ack_payload(c->env.delegate_self, c->scratch, cap));
        if (n >= 0 && (size_t)n <= cap) ack.payload = kith_bytes_of(c->scratch, (size_t)n);
    }
    kith_send_piggyback(c, &to, msg->source_node, &ack);
}

static void relay_expired(struct kith_core *c, struct kith_alarm *alarm)
{
    struct kith_pending *p = KITH_OF(alarm, struct kith_pending, alarm);
    kith_pending_remove(c, p);
    if (p->nack) {
        struct kith_msg nack = {.type = KITH_MSG_NACK, .seq_no = p->their_seq_no};
        kith_send_piggyback(c, &p->to, kith_bytes_of(p->name, p->name_len), &nack);
    }
    kith_pending_free(c, p);
}

void kith_on_indirect_ping(struct kith_core *c, const struct kith_addr *from,
                           const struct kith_msg *msg)
{
    struct kith_addr requester, to;
    if (msg->target.len == 0 || msg->target.len > KITH_ADDR_MAX) {
        kith_drop(c, KITH_DROP_BAD_ADDRESS);
        return;
    }
    if (!reply_to(c, msg, from, &requester)) return;
    struct kith_pending *p = kith_pending_new(c, KITH_PENDING_RELAY);
    if (!p) return;
    p->alarm.fire = relay_expired;
    p->their_seq_no = msg->seq_no;
    p->nack = msg->nack;
    p->to = requester;
    p->name_len = (uint8_t)msg->source_node.len;
    if (p->name_len) memcpy(p->name, msg->source_node.data, p->name_len);
    kith_pending_add(&c->pendings, p);
    kith_alarm_set(&c->alarms, &p->alarm, kith_later(c->now, c->set.probe_timeout));
    kith_count(c, KITH_COUNT_PINGS_RELAYED);

    struct kith_msg ping;
    kith_ping_message(c, &ping, p->seq_no, msg->node);
    to.len = (uint8_t)msg->target.len;
    memcpy(to.bytes, msg->target.data, to.len);
    to.port = c->set.protocol_version < 2 || msg->port == 0 ? c->default_port : msg->port;
    kith_send_piggyback(c, &to, msg->node, &ping);
}

/* ------------------------------------------------------------------------------- on command */

static void ping_expired(struct kith_core *c, struct kith_alarm *alarm)
{
    struct kith_pending *p = KITH_OF(alarm, struct kith_pending, alarm);
    kith_pending_remove(c, p);
    kith_request_done(c, p->request, -KITH_ETIMEOUT, 0);
    kith_pending_free(c, p);
}

int64_t kith_core_ping(struct kith_core *c, uint64_t now, const char *name,
                       const struct kith_addr *addr)
{
    struct kith_addr to;
    struct kith_bytes target_name = kith_bytes_of(name, name ? strlen(name) : 0);
    int err = kith_command(c, now, name, addr, &to);
    if (err < 0) return err;
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_OTHER);
    struct kith_pending *p = r ? kith_pending_new(c, KITH_PENDING_PING) : NULL;
    uint32_t id = r ? r->id : 0;
    if (!p) {
        if (r) kith_request_cancel(c, r);
        return r ? -KITH_EAGAIN : -KITH_ENOMEM;
    }
    p->alarm.fire = ping_expired;
    p->request = r;
    p->sent = c->now;
    kith_pending_add(&c->pendings, p);
    uint64_t wait = c->set.probe_timeout;
    if (c->set.probe_interval && c->set.probe_interval < wait) wait = c->set.probe_interval;
    kith_alarm_set(&c->alarms, &p->alarm, kith_later(c->now, wait));
    struct kith_msg ping;
    kith_ping_message(c, &ping, p->seq_no, target_name);
    kith_send_piggyback(c, &to, target_name, &ping);
    return id;
}
