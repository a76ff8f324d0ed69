/*
 * answer.c - the pings of others: answered, or relayed to whom they ask about; and the acks and
 * nacks that come back (PROTOCOL.md 2.8).
 */
#include "answer.h"
#include "compare.h"
#include "completion.h"
#include "core_log.h"
#include "farewell.h"
#include "packet.h"
#include "peer.h"
#include "pending.h"
#include "probe.h"
#include "self.h"
#include "state.h"

/* Where the answer goes: what the ping says of its sender, else where it came from
 * (PROTOCOL.md T11). */
static bool reply_to(struct kith_core *c, const struct kith_msg *msg, const struct kith_addr *from,
                     struct kith_addr *to)
{
    if (msg->source_node.len > KITH_NAME_LIMIT || msg->source_addr.len > KITH_ADDR_MAX) {
        kith_count_drop(c, KITH_DROP_BAD_ADDRESS);
        return false;
    }
    if (c->replies == 0) {
        kith_count_drop(c, KITH_DROP_MAX_REPLIES);
        return false;
    }
    c->replies--;
    *to = *from;
    if (msg->source_addr.len == 0 || msg->source_port == 0) return true;
    to->port = msg->source_port;
    to->len = (uint8_t)msg->source_addr.len;
    memcpy(to->bytes, msg->source_addr.data, to->len);
    return true;
}

size_t kith_answer_payload_max(const struct kith_core *c, const struct kith_peer *to)
{
    size_t budget = kith_packet_budget(c, to).bytes, cap = budget > 64 ? budget - 64 : 0;
    return cap < KITH_MESSAGE_MAX ? cap : KITH_MESSAGE_MAX;
}

/* What the delegate wants to say with an ack. buf takes KITH_MESSAGE_MAX bytes. */
static struct kith_bytes ack_payload(struct kith_core *c, const struct kith_peer *to, uint8_t *buf)
{
    size_t cap = kith_answer_payload_max(c, to);
    int n;
    KITH_ASK(c, n = c->ops.ack_payload(c->env.delegate_self, buf, cap));
    if (n >= 0 && (size_t)n <= cap) return kith_bytes_of(buf, (size_t)n);
    if (n >= 0 || n == -KITH_ETOOBIG) kith_count_drop(c, KITH_DROP_ACK_PAYLOAD_TOO_LONG);
    return kith_bytes_of(NULL, 0);
}

void kith_on_ping(struct kith_core *c, const struct kith_addr *from, const struct kith_msg *msg)
{
    struct kith_addr to;
    uint8_t payload[KITH_MESSAGE_MAX];
    if (msg->node.len && !kith_short_equal(msg->node, kith_self_name(c))) {
        kith_count_drop(c, KITH_DROP_PING_FOR_ANOTHER);
        kith_core_log_some(c, KITH_LOG_WARN, from, "Got ping for unexpected node '%.*s'",
                           KITH_STR(msg->node));
        return;
    }
    if (!reply_to(c, msg, from, &to)) return;
    struct kith_msg ack = {.type = KITH_MSG_ACK, .seq_no = msg->seq_no};
    struct kith_peer peer = kith_peer_of(&to, msg->source_node, 0);
    kith_kin_say(c, &ack);
    if (c->ops.ack_payload && kith_peer_at(c, &to)) ack.payload = ack_payload(c, &peer, payload);
    kith_send_answer(c, &to, msg->source_node, &ack);
}

static void relay_expired(struct kith_core *c, struct kith_alarm *alarm)
{
    struct kith_pending *p = KITH_OF(alarm, struct kith_pending, alarm);
    kith_pending_remove(c, p);
    if (p->nack) {
        struct kith_msg nack = {.type = KITH_MSG_NACK, .seq_no = p->their_seq_no};
        kith_send_answer(c, &p->to, kith_bytes_of(p->name, p->name_len), &nack);
    }
    kith_pending_free(c, p);
}

void kith_on_indirect_ping(struct kith_core *c, const struct kith_addr *from,
                           const struct kith_msg *msg)
{
    struct kith_addr requester, to;
    if (msg->target.len == 0 || msg->target.len > KITH_ADDR_MAX) {
        kith_count_drop(c, KITH_DROP_BAD_ADDRESS);
        return;
    }
    if (!reply_to(c, msg, from, &requester)) return;
    if (!kith_peer_at(c, &requester)) {
        kith_count_drop(c, KITH_DROP_STRANGER_INDIRECT_PINGS);
        return;
    }
    struct kith_pending *p = kith_pending_relay(c, &requester);
    if (!p) return;
    p->alarm.fire = relay_expired;
    p->their_seq_no = msg->seq_no;
    p->nack = msg->nack;
    p->name_len = (uint8_t)msg->source_node.len;
    if (p->name_len) memcpy(p->name, msg->source_node.data, p->name_len);
    kith_pending_add(&c->pendings, p);
    kith_alarm_set(&c->alarms, &p->alarm, kith_later(c->now, c->set.probe_timeout));

    struct kith_msg ping;
    kith_self_ping(c, &ping, p->seq_no, msg->node);
    to.len = (uint8_t)msg->target.len;
    memcpy(to.bytes, msg->target.data, to.len);
    to.port = c->set.protocol_version < 2 || msg->port == 0 ? c->default_port : msg->port;
    if (kith_send_answer(c, &to, msg->node, &ping)) {
        kith_count(c, KITH_COUNT_PINGS_RELAYED);
    } else {
        kith_pending_remove(c, p);
        kith_pending_free(c, p);
    }
}

void kith_on_ack(struct kith_core *c, const struct kith_msg *msg, uint64_t received_at)
{
    struct kith_pending *p = kith_pending_find(&c->pendings, msg->seq_no);
    if (!p) {
        if (!kith_farewell_acked(c, msg->seq_no)) kith_count_drop(c, KITH_DROP_ACK_NOT_EXPECTED);
        return;
    }
    if (p->kind == KITH_PENDING_PROBE) {
        kith_probe_acked(c, msg, received_at);
        return;
    }
    kith_pending_remove(c, p);
    if (p->kind == KITH_PENDING_RELAY) {
        struct kith_msg ack = {.type = KITH_MSG_ACK, .seq_no = p->their_seq_no};
        kith_kin_say(c, &ack);
        kith_send_answer(c, &p->to, kith_bytes_of(p->name, p->name_len), &ack);
    } else {
        kith_request_done(c, p->request, 0, received_at > p->sent ? received_at - p->sent : 0);
    }
    kith_pending_free(c, p);
}

void kith_on_nack(struct kith_core *c, const struct kith_msg *msg)
{
    struct kith_pending *p = kith_pending_find(&c->pendings, msg->seq_no);
    if (!p || p->kind != KITH_PENDING_PROBE || !kith_probe_nacked(c))
        kith_count_drop(c, KITH_DROP_NACK_NOT_EXPECTED);
}
