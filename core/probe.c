/*
 * probe.c - is that member there? Direct ping, indirect pings and a stream ping, nacks, the buddy
 * system (PROTOCOL.md 2.8). One probe at a time, through the phases that probe.h names.
 */
#include "probe.h"
#include "awareness.h"
#include "choose.h"
#include "compare.h"
#include "core_log.h"
#include "exchange.h"
#include "hearsay.h"
#include "merge.h"
#include "notify.h"
#include "packet.h"
#include "peer.h"
#include "self.h"
#include "state.h"
#include "suspicion.h"
#include "view.h"

static struct kith_bytes target(const struct kith_probe *pr)
{
    return kith_bytes_of(pr->name, pr->name_len);
}

static void probe_next(struct kith_core *c);

/* The probe is over; delta changes the health score (PROTOCOL.md 2.7). */
static void probe_end(struct kith_core *c, int delta)
{
    struct kith_probe *pr = &c->probe;
    struct kith_exchange *s = pr->stream ? kith_exchange_find(c, pr->stream) : NULL;
    kith_pending_remove(c, &pr->pending);
    pr->phase = KITH_PROBE_IDLE;
    pr->stream = 0;
    if (s) kith_exchange_finish(c, s, -KITH_ETIMEOUT, 0);
    kith_observe(c, KITH_HIST_PROBE, (double)(c->now - pr->begun) / 1e9);
    kith_awareness_change(c, delta);
}

static void probe_again(struct kith_core *c)
{
    if (!c->probe.missed) return;
    c->probe.missed = false;
    probe_next(c);
}

/* Our accusation of the target. */
static void suspicion_of_target(const struct kith_core *c, struct kith_msg *msg)
{
    *msg = (struct kith_msg){.type = KITH_MSG_SUSPECT,
                             .incarnation = c->probe.incarnation,
                             .node = target(&c->probe),
                             .from = kith_self_name(c)};
}

/* A suspect that answers has not heard that it is one, or we not that it is none: one push/pull
 * with it settles that, where memberlist lets the time run out. Not in the first interval, while
 * gossip may still do it. */
static void ask_suspect(struct kith_core *c)
{
    struct kith_record *p = kith_members_named(&c->members, target(&c->probe));
    if (!c->set.suspicion_ask || !p || !p->suspected || p->suspicion->asked) return;
    if (c->now - p->suspicion->start <= c->set.probe_interval) return;
    p->suspicion->asked = true;
    kith_count(c, KITH_COUNT_SUSPECTS_ASKED);
    kith_doubt(c, p, NULL);
}

/* Penalty for a failed probe: the missing nacks, or 1 if none could come. */
static int blame(const struct kith_probe *pr)
{
    return pr->expected_nacks ? (int)(pr->expected_nacks - pr->nacks) : 1;
}

/* The deadline has come (PROTOCOL.md 2.8.e). */
static void probe_judge(struct kith_core *c)
{
    struct kith_probe *pr = &c->probe;
    struct kith_msg suspect;
    if (pr->contact) {
        kith_count(c, KITH_COUNT_PROBES_STREAM_ONLY);
        kith_core_log(c, KITH_LOG_WARN, &pr->to,
                      "Was able to connect to %.*s over TCP but UDP probes failed, network may be "
                      "misconfigured",
                      KITH_STR(target(pr)));
        ask_suspect(c);
        probe_end(c, -1);
        probe_again(c);
        return;
    }
    kith_count(c, KITH_COUNT_PROBES_FAILED);
    kith_core_log(c, KITH_LOG_INFO, &pr->to, "Suspect %.*s has failed, no acks received",
                  KITH_STR(target(pr)));
    suspicion_of_target(c, &suspect);
    probe_end(c, blame(pr));
    kith_suspect(c, &suspect, NULL);
    probe_again(c);
}

static bool may_relay(struct kith_core *c, const struct kith_record *p)
{
    return p != c->self && p->state == KITH_ALIVE &&
           !kith_short_equal(kith_record_name(p), target(&c->probe));
}

static bool may_stream(const struct kith_core *c, struct kith_bytes name, uint8_t pmax)
{
    if (c->set.disable_tcp_pings || pmax < 3) return false;
    for (size_t i = 0; i < c->set.disable_tcp_pings_for.count; i++) {
        const char *item = c->set.disable_tcp_pings_for.items[i];
        if (kith_short_equal(kith_bytes_of(item, strlen(item)), name)) return false;
    }
    return true;
}

/* The stream ping has ended. If the probe ended it, nothing is left to note. */
static void stream_ended(struct kith_core *c, struct kith_exchange *s, int status)
{
    struct kith_probe *pr = &c->probe;
    if (status < 0)
        kith_core_log(c, KITH_LOG_DEBUG, &s->to, "Failed fallback TCP ping: %.*s: %s",
                      KITH_STR(kith_bytes_of(s->name, s->name_len)), kith_status_text(status));
    if (pr->phase == KITH_PROBE_IDLE || pr->pending.seq_no != s->seq_no) return;
    pr->stream = 0;
    pr->contact = status == 0;
}

static void ask_relays(struct kith_core *c)
{
    struct kith_probe *pr = &c->probe;
    struct kith_record **relays;
    struct kith_msg msg;
    size_t n = kith_choose(c, c->set.indirect_checks, may_relay, &relays);
    kith_self_ping(c, &msg, pr->pending.seq_no, target(pr));
    msg.type = KITH_MSG_INDIRECT_PING;
    msg.target = kith_bytes_of(pr->to.bytes, pr->to.len);
    msg.port = pr->to.port;
    for (size_t i = 0; i < n; i++) {
        struct kith_addr to;
        msg.nack = relays[i]->versions[1] >= 4;
        pr->expected_nacks += msg.nack;
        kith_record_address(relays[i], &to);
        kith_send_piggyback(c, &to, kith_record_name(relays[i]), &msg);
    }
}

static void ask_by_stream(struct kith_core *c)
{
    struct kith_probe *pr = &c->probe;
    if (!may_stream(c, target(pr), pr->pmax)) return;
    struct kith_peer peer = kith_peer_of(&pr->to, target(pr), pr->pmax);
    struct kith_exchange *s =
        kith_exchange_dial(c, KITH_EXCHANGE_PING, &peer, pr->deadline, stream_ended);
    if (!s) return;
    s->seq_no = pr->pending.seq_no;
    pr->stream = kith_exchange_handle(s);
}

/* No answer yet. Others may reach it, or a stream may (PROTOCOL.md 2.8.d). */
static void probe_ask_others(struct kith_core *c)
{
    struct kith_probe *pr = &c->probe;
    pr->phase = KITH_PROBE_INDIRECT;
    kith_count(c, KITH_COUNT_PROBES_INDIRECT);
    kith_core_log(c, KITH_LOG_DEBUG, &pr->to, "Failed UDP ping: %.*s (timeout reached)",
                  KITH_STR(target(pr)));
    ask_relays(c);
    if (c->now >= pr->deadline) {
        probe_judge(c);
        return;
    }
    ask_by_stream(c);
    kith_alarm_set(&c->alarms, &pr->pending.alarm, pr->deadline);
}

void kith_probe_alarm(struct kith_core *c, struct kith_alarm *alarm)
{
    if (c->probe.phase == KITH_PROBE_INDIRECT)
        probe_judge(c);
    else
        probe_ask_others(c);
}

/* A new probe of this member, as it is known now. */
static void take_target(struct kith_core *c, const struct kith_record *p)
{
    struct kith_probe *pr = &c->probe;
    struct kith_bytes name = kith_record_name(p);
    pr->contact = false;
    pr->expected_nacks = pr->nacks = 0;
    pr->stream = 0;
    pr->state = p->state;
    pr->pmax = p->versions[1];
    pr->incarnation = p->incarnation;
    memcpy(pr->name, name.data, name.len);
    pr->name_len = (uint8_t)name.len;
    kith_record_address(p, &pr->to);
}

/* When it is judged: an interval later, or more when we are not well ourselves. */
static uint64_t deadline_of(const struct kith_core *c)
{
    uint64_t interval = c->set.probe_interval, times = (uint64_t)c->health + 1;
    return kith_later(c->now, interval > INT64_MAX / times ? INT64_MAX : interval * times);
}

/* Ping a member (PROTOCOL.md 2.8.a and b). */
static void probe_begin(struct kith_core *c, const struct kith_record *p)
{
    struct kith_probe *pr = &c->probe;
    struct kith_msg ping, suspect;
    take_target(c, p);
    pr->phase = KITH_PROBE_DIRECT;
    pr->begun = c->now;
    pr->deadline = deadline_of(c);
    pr->pending.seq_no = kith_pendings_next_seq_no(&c->pendings);
    kith_pending_add(&c->pendings, &pr->pending);
    kith_count(c, KITH_COUNT_PROBES);
    if (c->health) kith_count(c, KITH_COUNT_PROBES_DEGRADED);

    kith_self_ping(c, &ping, pr->pending.seq_no, target(pr));
    if (pr->state == KITH_ALIVE) {
        kith_send_piggyback(c, &pr->to, target(pr), &ping);
    } else { /* the buddy system: tell it that it is suspected */
        struct kith_peer peer = kith_peer_of(&pr->to, target(pr), pr->pmax);
        struct kith_packer pk;
        suspicion_of_target(c, &suspect);
        kith_packer_begin(&pk, c, &peer);
        kith_packer_add_message(&pk, &ping);
        kith_packer_add_message(&pk, &suspect);
        kith_packer_end(&pk);
    }
    uint64_t patience = kith_later(c->now, c->set.probe_timeout);
    kith_alarm_set(&c->alarms, &pr->pending.alarm,
                   patience < pr->deadline ? patience : pr->deadline);
}

static bool forgotten(struct kith_core *c, const struct kith_record *p)
{
    return p != c->self && kith_record_gone(p) &&
           c->now - p->since > c->set.gossip_to_the_dead_time;
}

static bool may_probe(const struct kith_core *c, const struct kith_record *p)
{
    return p != c->self && !kith_record_gone(p);
}

/* The member a hint points to, or NULL. At most every second probe follows a hint, so hints can't
 * keep us from probing the others. Whoever is a suspect needs none: its time runs. Each probe of it
 * would have relays ask it too, who get hints of their own from that, and so the more of them the
 * more there are. */
static struct kith_record *hinted(struct kith_core *c)
{
    struct kith_probe *pr = &c->probe;
    if (pr->by_hint) {
        pr->by_hint = false;
        return NULL;
    }
    while (pr->hint_count) {
        struct kith_record *p = kith_peer_at(c, &pr->hints[--pr->hint_count]);
        pr->by_hint = p && p->state == KITH_ALIVE;
        if (pr->by_hint) return p;
    }
    return NULL;
}

void kith_core_unreachable(struct kith_core *c, uint64_t now, const struct kith_addr *addr)
{
    struct kith_probe *pr = &c->probe;
    kith_enter(c, now);
    if (!c->started || c->set.probe_interval == 0 || addr->len > KITH_ADDR_MAX) return;
    for (unsigned i = 0; i < pr->hint_count; i++)
        if (kith_addr_equal(&pr->hints[i], addr)) return;
    if (pr->hint_count == KITH_PROBE_HINTS)
        kith_count_drop(c, KITH_DROP_MAX_HINTS);
    else
        kith_addr_copy(&pr->hints[pr->hint_count++], addr);
}

/* Whoever was hinted at, else the next one in the list that may be probed; at its end the long dead
 * are reaped and the rest is shuffled (PROTOCOL.md 2.11). */
static void probe_next(struct kith_core *c)
{
    struct kith_probe *pr = &c->probe;
    if (c->set.probe_interval == 0) return;
    struct kith_record *hint = hinted(c);
    if (hint) {
        probe_begin(c, hint);
        return;
    }
    bool wrapped = false;
    for (uint32_t looked = 0; looked < c->members.count; looked++) {
        if (pr->index >= c->members.count) {
            if (wrapped) return;
            uint32_t reaped = kith_members_reap(&c->members, &c->random, c, forgotten);
            c->counters.counts[KITH_COUNT_MEMBERS_REAPED] += reaped;
            if (reaped) kith_addresses_rebuild(&c->addresses, &c->members);
            pr->index = 0;
            wrapped = true;
            looked = 0;
        }
        struct kith_record *p = kith_members_at(&c->members, pr->index++);
        if (!may_probe(c, p)) continue;
        probe_begin(c, p);
        return;
    }
}

void kith_probe_tick(struct kith_core *c, struct kith_alarm *alarm)
{
    if (c->set.probe_interval == 0) return;
    kith_alarm_set(&c->alarms, alarm, kith_next_tick(alarm->at, c->set.probe_interval, c->now));
    if (c->probe.phase != KITH_PROBE_IDLE)
        c->probe.missed = true;
    else
        probe_next(c);
}

/* Tell the delegate how long the answer took. */
static void answered(struct kith_core *c, const struct kith_msg *ack, uint64_t rtt)
{
    struct kith_member view;
    struct kith_event event = {.number = rtt, .member = &view, .data = ack->payload};
    struct kith_record *p = kith_members_named(&c->members, target(&c->probe));
    kith_observe(c, KITH_HIST_PROBE_RTT, (double)rtt / 1e9);
    if (!p) return;
    p->met = true;
    p->asked = false;
    if (!c->ops.event) return;
    kith_view_record(c, p, &view);
    kith_notify_event(c, KITH_EVENT_PING, &event);
}

void kith_probe_acked(struct kith_core *c, const struct kith_msg *ack, uint64_t received_at)
{
    const struct kith_probe *pr = &c->probe;
    if (pr->phase == KITH_PROBE_DIRECT)
        answered(c, ack, received_at > pr->begun ? received_at - pr->begun : 0);
    ask_suspect(c);
    probe_end(c, -1);
    probe_again(c);
}

bool kith_probe_nacked(struct kith_core *c)
{
    if (c->probe.nacks == c->probe.expected_nacks) return false;
    c->probe.nacks++;
    kith_count(c, KITH_COUNT_NACKS_RECEIVED);
    return true;
}
