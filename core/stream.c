/*
 * stream.c - what happens on streams (PROTOCOL.md 1.12): where a message ends, what it was, what is
 * answered.
 *
 * A message is gathered whole before anything of it is believed. A map that is all there when it
 * begins is just read. The end of another is found value by value, each byte looked at once,
 * whatever pieces it comes in. Full states are sync.c's.
 */
#include "compare.h"
#include "core_log.h"
#include "crowd.h"
#include "exchange.h"
#include "notify.h"
#include "peer.h"
#include "self.h"
#include "state.h"
#include "sync.h"

enum { ERROR_TEXT_MAX = 1024, ERROR_SHOWN_MAX = 200 };

/* ---------------------------------------------------------------------------- whole messages */

static void user_message(struct kith_core *c, const struct kith_exchange *s)
{
    struct kith_bytes payload = {s->data + s->tail, (size_t)s->header.user_msg_len};
    struct kith_peer peer = kith_exchange_peer(s);
    if (kith_relay_is(payload))
        kith_count_drop(c, KITH_DROP_RELAY_UNKNOWN); /* they come in packets only */
    else if (payload.len)
        kith_notify_message(c, &peer, payload, KITH_RELIABLE);
}

static void on_error(struct kith_core *c, struct kith_exchange *s, const struct kith_msg *msg)
{
    struct kith_bytes text = msg->error;
    if (text.len > ERROR_SHOWN_MAX) text.len = ERROR_SHOWN_MAX;
    kith_count(c, KITH_COUNT_STREAM_ERRORS_RECEIVED);
    kith_request_because(c, KITH_LOG_ERROR, s->request, &s->to, "remote error: %.*s",
                         KITH_STR(text));
    kith_exchange_finish(c, s, -KITH_EACCES, 0);
}

static void on_ack(struct kith_core *c, struct kith_exchange *s, const struct kith_msg *msg)
{
    if (msg->seq_no == s->seq_no)
        kith_exchange_finish(c, s, 0, 0);
    else
        kith_exchange_refuse(c, s, KITH_DROP_ACK_NOT_EXPECTED, -KITH_EMALFORMED);
}

static void on_ping(struct kith_core *c, struct kith_exchange *s, const struct kith_msg *msg)
{
    if (msg->node.len && !kith_short_equal(msg->node, kith_self_name(c))) {
        kith_core_log_some(c, KITH_LOG_WARN, &s->to, "Got ping for unexpected node '%.*s'",
                           KITH_STR(msg->node));
        kith_exchange_refuse(c, s, KITH_DROP_PING_FOR_ANOTHER, -KITH_EREFUSED);
        return;
    }
    struct kith_msg ack = {.type = KITH_MSG_ACK, .seq_no = msg->seq_no};
    kith_exchange_write_message(c, s, &ack, true);
    kith_exchange_finish(c, s, 0, 0);
}

static void deadline_anew(struct kith_core *c, struct kith_exchange *s)
{
    kith_alarm_set(&c->alarms, &s->alarm, kith_later(c->now, c->set.tcp_timeout));
}

/* Bytes that follow the maps: a user message, or user state. */
static int64_t bytes_announced(const struct kith_exchange *s)
{
    return s->type == KITH_MSG_USER ? s->header.user_msg_len : s->header.user_state_len;
}

/* It is whole. Its type is one that is expected on streams. */
static void count_message(struct kith_core *c, const struct kith_exchange *s, size_t len)
{
    c->counters.stream_messages[s->type]++;
    c->counters.stream_message_bytes[s->type] += len;
}

/* A user message or a full state is whole. */
static void complete(struct kith_core *c, struct kith_exchange *s)
{
    count_message(c, s, s->tail + (size_t)bytes_announced(s));
    if (s->type == KITH_MSG_USER) {
        user_message(c, s);
        kith_exchange_finish(c, s, 0, 0);
        return;
    }
    kith_observe(c, KITH_HIST_REMOTE_STATE, (double)s->len);
    int err = kith_sync_merge(c, s);
    if (s->kind != KITH_EXCHANGE_INBOUND) {
        kith_exchange_finish(c, s, err, err == 0);
        return;
    }
    kith_count(c, KITH_COUNT_PUSH_PULLS_RECEIVED);
    kith_exchange_forget(c, s);
    s->phase = KITH_PHASE_ANSWER;
    s->verdict = err;
    deadline_anew(c, s);
    kith_exchange_owe(c, s);
}

/* ------------------------------------------------------------------------- finding their end */

/* Which messages may come on which stream. */
static bool expected(const struct kith_exchange *s, uint8_t type)
{
    switch (s->kind) {
    case KITH_EXCHANGE_INBOUND:
        return type == KITH_MSG_PING || type == KITH_MSG_USER || type == KITH_MSG_PUSH_PULL;
    case KITH_EXCHANGE_PING: return type == KITH_MSG_ACK || type == KITH_MSG_ERR;
    case KITH_EXCHANGE_USER: return type == KITH_MSG_ERR;
    default: return type == KITH_MSG_PUSH_PULL || type == KITH_MSG_ERR;
    }
}

/* Each step returns true to go on, false when bytes are missing or the exchange is over. */
static bool step_type(struct kith_core *c, struct kith_exchange *s)
{
    if (s->len == 0) return false;
    s->type = s->data[0];
    if (!expected(s, s->type)) {
        kith_core_log_some(c, KITH_LOG_ERROR, &s->to, "stream: msg type (%u) not supported",
                           s->type);
        kith_exchange_refuse(c, s, KITH_DROP_STREAM_UNKNOWN_TYPE, -KITH_EMALFORMED);
        return false;
    }
    bool asked = s->kind == KITH_EXCHANGE_INBOUND && s->type == KITH_MSG_PUSH_PULL;
    if (asked && !kith_exchange_count_push_pull(c, s))
        kith_core_log_some(c, KITH_LOG_INFO, &s->to,
                           "Too many pending push/pull requests: it waits");
    s->phase = s->type == KITH_MSG_PUSH_PULL || s->type == KITH_MSG_USER ? KITH_PHASE_HEADER
                                                                         : KITH_PHASE_MAP;
    s->scan.at = 1;
    kith_scan_begin(&s->scan);
    return true;
}

/* Read the map that begins at `start`. True: it is whole, and read. */
static bool read_map(struct kith_core *c, struct kith_exchange *s, enum kith_body body,
                     size_t start, struct kith_msg *msg)
{
    size_t used;
    if (s->scan.at == start &&
        kith_wire_read(msg, body, s->data + start, s->len - start, &used) == 0) {
        s->scan.at = start + used;
        return true;
    }
    int err =
        kith_scan_value(&s->scan, s->data, s->len, c->set.max_stream_size + KITH_EXCHANGE_SLACK);
    if (err == 0) return false;
    if (err > 0) err = kith_wire_read(msg, body, s->data + start, s->scan.at - start, &used);
    if (err == 0) return true;
    kith_exchange_refuse(
        c, s, err == -KITH_ETOOBIG ? KITH_DROP_MAX_STREAM_SIZE : KITH_DROP_STREAM_MALFORMED,
        -KITH_EMALFORMED);
    return false;
}

static bool step_map(struct kith_core *c, struct kith_exchange *s)
{
    struct kith_msg msg;
    if (!read_map(c, s, (enum kith_body)s->type, 1, &msg)) return false;
    count_message(c, s, s->scan.at);
    switch (s->type) {
    case KITH_MSG_ERR: on_error(c, s, &msg); break;
    case KITH_MSG_ACK: on_ack(c, s, &msg); break;
    default: on_ping(c, s, &msg); break;
    }
    return false;
}

static bool step_header(struct kith_core *c, struct kith_exchange *s)
{
    struct kith_msg *h = &s->header;
    if (!read_map(c, s, (enum kith_body)s->type, 1, h)) return false;
    int64_t bytes = bytes_announced(s);
    bool sane = h->nodes >= 0 && h->nodes <= KITH_NODES_MAX && bytes >= 0;
    if (!sane || (uint64_t)bytes > c->set.max_stream_size) {
        kith_exchange_refuse(c, s, sane ? KITH_DROP_MAX_STREAM_SIZE : KITH_DROP_STREAM_MALFORMED,
                             sane ? -KITH_ETOOBIG : -KITH_EMALFORMED);
        return false;
    }
    s->speaks = s->type == KITH_MSG_PUSH_PULL && kith_kin_speaks(h);
    s->nodes_left = s->type == KITH_MSG_USER ? 0 : h->nodes;
    s->body = s->tail = s->scan.at;
    s->phase = s->nodes_left ? KITH_PHASE_NODES : KITH_PHASE_BYTES;
    kith_scan_begin(&s->scan);
    return true;
}

static bool step_node(struct kith_core *c, struct kith_exchange *s)
{
    struct kith_msg node;
    if (!read_map(c, s, KITH_BODY_NODE_STATE, s->tail, &node)) return false;
    s->tail = s->scan.at;
    if (--s->nodes_left == 0) s->phase = KITH_PHASE_BYTES;
    kith_scan_begin(&s->scan);
    return true;
}

static bool step_bytes(struct kith_core *c, struct kith_exchange *s)
{
    if (s->len - s->tail < (uint64_t)bytes_announced(s)) return false;
    s->whole = s->waits;
    if (!s->whole) complete(c, s);
    return false;
}

static bool step(struct kith_core *c, struct kith_exchange *s)
{
    switch (s->phase) {
    case KITH_PHASE_TYPE: return step_type(c, s);
    case KITH_PHASE_MAP: return step_map(c, s);
    case KITH_PHASE_HEADER: return step_header(c, s);
    case KITH_PHASE_NODES: return step_node(c, s);
    case KITH_PHASE_BYTES: return step_bytes(c, s);
    default: return false;
    }
}

bool kith_streams_go_on(struct kith_core *c)
{
    struct kith_exchange *s = c->exchanges.waiting ? kith_crowd_waiting(c) : NULL;
    if (!s || !kith_exchange_count_push_pull(c, s)) return false;
    while (step(c, s)) {}
    return true;
}

/* -------------------------------------------------------------------- what happens to streams */

/* NULL: nothing more is heard on it. A later `closed` is normal; later bytes are dropped. */
static struct kith_exchange *known(struct kith_core *c, uint64_t now, uint32_t handle)
{
    kith_enter(c, now);
    struct kith_exchange *s = kith_exchange_find(c, handle);
    return s && s->phase < KITH_PHASE_ANSWER && !s->whole ? s : NULL;
}

bool kith_core_is_member(struct kith_core *c, uint64_t now, const struct kith_peer *from)
{
    kith_enter(c, now);
    return kith_known(c, from->addr);
}

uint32_t kith_core_stream_accepted(struct kith_core *c, uint64_t now, const struct kith_peer *from)
{
    kith_enter(c, now);
    if (!c->started) {
        kith_count_drop(c, KITH_DROP_NOT_STARTED);
        return 0;
    }
    struct kith_exchange *s = kith_exchange_accept(c, from);
    return s ? kith_exchange_handle(s) : 0;
}

void kith_core_crowded(struct kith_core *c, uint64_t now)
{
    kith_enter(c, now);
    for (uint32_t n = 1 + c->exchanges.strangers / 16; n; n--) {
        struct kith_exchange *goes = kith_crowd_first(c);
        if (!goes || !kith_exchange_evict(c, goes, KITH_DROP_CROWDED_OUT)) return;
    }
}

void kith_core_stream_opened(struct kith_core *c, uint64_t now, uint32_t handle,
                             const struct kith_peer *to)
{
    struct kith_exchange *s = known(c, now, handle);
    struct kith_msg ping;
    if (!s || s->phase != KITH_PHASE_DIAL) return;
    if (!kith_exchange_identify(s, to)) {
        kith_exchange_refuse(c, s, KITH_DROP_BAD_IDENTITY, -KITH_EAUTH);
        return;
    }
    if (to->addr) kith_addr_copy(&s->to, to->addr);
    s->phase = KITH_PHASE_TYPE;
    switch (s->kind) {
    case KITH_EXCHANGE_PING: /* its deadline is the probe's */
        kith_self_ping(c, &ping, s->seq_no, kith_bytes_of(s->name, s->name_len));
        kith_exchange_write_message(c, s, &ping, false);
        break;
    case KITH_EXCHANGE_USER:
        deadline_anew(c, s);
        kith_exchange_write_prepared(c, s);
        break;
    default: deadline_anew(c, s); kith_exchange_owe(c, s);
    }
}

void kith_core_stream_data(struct kith_core *c, uint64_t now, uint32_t handle, const uint8_t *data,
                           size_t len)
{
    struct kith_exchange *s = known(c, now, handle);
    if (!s && len) kith_count_drop(c, KITH_DROP_STREAM_STALE);
    if (!s || s->phase == KITH_PHASE_DIAL || len == 0) return;
    c->counters.counts[KITH_COUNT_STREAM_BYTES_RECEIVED] += len;
    s->heard = c->now;
    if (!kith_exchange_gather(c, s, data, len)) return;
    if (!s->replied && (s->kind == KITH_EXCHANGE_JOIN || s->kind == KITH_EXCHANGE_PUSH_PULL)) {
        s->replied = true; /* the wait for the answer is over, reading it begins */
        deadline_anew(c, s);
    }
    while (step(c, s)) {}
    s = kith_exchange_find(c, handle);
    if (s) kith_exchange_keep(c, s);
}

void kith_core_stream_moved(struct kith_core *c, uint64_t now, uint32_t handle)
{
    kith_enter(c, now);
    struct kith_exchange *s = kith_exchange_find(c, handle);
    if (s) s->heard = c->now;
}

void kith_core_stream_error(struct kith_core *c, uint64_t now, uint32_t handle, int code,
                            const char *text)
{
    struct kith_exchange *s = known(c, now, handle);
    if (!s) return;
    if (*text)
        kith_request_because(c, KITH_LOG_ERROR, s->request, &s->to, "failed to receive: %s", text);
    if (s->kind == KITH_EXCHANGE_INBOUND && *text) {
        struct kith_msg err = {.type = KITH_MSG_ERR, .error = kith_bytes_of(text, strlen(text))};
        if (err.error.len > ERROR_TEXT_MAX) err.error.len = ERROR_TEXT_MAX;
        kith_exchange_write_message(c, s, &err, true);
        kith_count(c, KITH_COUNT_STREAM_ERRORS_SENT);
    } else if (kith_exchange_break(c, s, code < 0 ? code : -KITH_EMALFORMED)) {
        return; /* an orderly end would confirm a user message */
    }
    kith_exchange_finish(c, s, code < 0 ? code : -KITH_EMALFORMED, 0);
}

/* A peer confirms a user message by ending the stream without an error message. */
static bool confirmed(const struct kith_exchange *s)
{
    return s->kind == KITH_EXCHANGE_USER && s->phase == KITH_PHASE_TYPE;
}

void kith_core_stream_end(struct kith_core *c, uint64_t now, uint32_t handle)
{
    struct kith_exchange *s = known(c, now, handle);
    if (!s) return;
    if (confirmed(s)) {
        kith_exchange_finish(c, s, 0, 0);
    } else {
        if (s->len) kith_exchange_say(c, s, KITH_DROP_STREAM_TRUNCATED);
        kith_exchange_finish(c, s, -KITH_ECLOSED, 0);
    }
}

void kith_core_stream_closed(struct kith_core *c, uint64_t now, uint32_t handle, int reason)
{
    kith_enter(c, now);
    struct kith_exchange *s = kith_exchange_find(c, handle);
    if (!s) return;
    if (s->whole)
        kith_exchange_say(c, s, KITH_DROP_MAX_PUSH_PULLS); /* it waited for long enough */
    else if (s->len)
        kith_exchange_say(c, s, KITH_DROP_STREAM_TRUNCATED);
    int status = reason < 0 ? reason : -KITH_ECLOSED;
    if (reason == 0 && confirmed(s)) status = 0;
    kith_exchange_lost(c, s, status);
}
