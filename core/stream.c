/*
 * stream.c - exchanges on byte streams (PROTOCOL.md 1.12): where a message ends, what it was, what
 * is answered, and how long all that may take.
 *
 * A message is gathered whole before anything of it is believed. Its end is found value by value,
 * each byte looked at once, whatever pieces it comes in; nothing is allocated because a length says
 * so. Full states are sync.c's.
 */
#include "node.h"

#include <stdlib.h>

enum { SLACK = 64, FIRST_BUFFER = 512, ERROR_TEXT_MAX = 1024 };

uint32_t kith_stream_handle(const struct kith_stream *s)
{
    return (uint32_t)s->generation << 16 | (s->index + 1u);
}

struct kith_stream *kith_stream_find(struct kith_core *c, uint32_t handle)
{
    uint32_t index = (handle & 0xffff) - 1u;
    struct kith_stream *s = index < c->streams.cap ? c->streams.table[index] : NULL;
    return s && s->kind && s->generation == handle >> 16 ? s : NULL;
}

static void stream_alarm(struct kith_core *, struct kith_alarm *);

static struct kith_stream *make(struct kith_core *c)
{
    struct kith_streams *t = &c->streams;
    struct kith_stream **table = realloc(t->table, (t->cap + 1u) * sizeof *table);
    if (!table) return NULL;
    t->table = table;
    struct kith_stream *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    if (kith_alarms_reserve(&c->alarms, 1) < 0) {
        free(s);
        return NULL;
    }
    s->alarm.fire = stream_alarm;
    s->index = (uint16_t)t->cap;
    s->generation = 1;
    table[t->cap++] = s;
    return s;
}

static struct kith_stream *stream_new(struct kith_core *c, enum kith_stream_kind kind,
                                      const struct kith_addr *peer, struct kith_bytes name,
                                      uint64_t deadline)
{
    struct kith_streams *t = &c->streams;
    uint32_t max = c->set.max_streams;
    if (kind == KITH_STREAM_INBOUND) max -= max / 16; /* a crowd at the door does not keep us in */
    if (t->open >= max || t->open >= 0xfff0) {
        kith_drop(c, KITH_DROP_MAX_STREAMS);
        return NULL;
    }
    struct kith_stream *s = t->free_list;
    struct kith_item *closing = kith_item_new(&c->items);
    if (!s && closing) {
        s = make(c);
    } else if (closing) {
        t->free_list = s->next_free;
    }
    if (!s || !closing) {
        kith_item_drop(&c->items, closing);
        kith_drop(c, KITH_DROP_NO_MEMORY);
        return NULL;
    }
    t->open++;
    s->closing = closing;
    s->kind = (uint8_t)kind;
    s->phase = kind == KITH_STREAM_INBOUND ? KITH_PHASE_TYPE : KITH_PHASE_DIAL;
    s->begun = c->now;
    s->to = *peer;
    s->name_len = (uint8_t)name.len;
    if (name.len) memcpy(s->name, name.data, name.len);
    kith_alarm_set(&c->alarms, &s->alarm, deadline);
    return s;
}

struct kith_stream *kith_stream_dial(struct kith_core *c, enum kith_stream_kind kind,
                                     const struct kith_addr *to, struct kith_bytes name,
                                     uint64_t deadline)
{
    if (c->set.require_node_names && name.len == 0) {
        kith_drop(c, KITH_DROP_NO_NODE_NAME);
        return NULL;
    }
    struct kith_item *item = kith_item_new(&c->items);
    struct kith_stream *s = item ? stream_new(c, kind, to, name, deadline) : NULL;
    if (!s) {
        kith_item_drop(&c->items, item);
        return NULL;
    }
    item->out.kind = KITH_OUT_DIAL;
    item->out.stream = kith_stream_handle(s);
    kith_item_address(item, to, name);
    kith_items_push(&c->items, item);
    kith_count(c, KITH_COUNT_STREAMS_DIALED);
    return s;
}

static void stream_free(struct kith_core *c, struct kith_stream *s)
{
    struct kith_streams *t = &c->streams;
    uint16_t index = s->index, generation = (uint16_t)(s->generation + 1);
    kith_alarm_clear(&c->alarms, &s->alarm);
    if (s->push_pull) t->push_pulls--;
    t->memory -= s->cap + s->out_len;
    t->open--;
    free(s->data);
    free(s->out);
    memset(s, 0, sizeof *s);
    s->alarm.fire = stream_alarm;
    s->index = index;
    s->generation = generation ? generation : 1;
    s->next_free = t->free_list;
    t->free_list = s;
}

/* Tell whoever waits for this exchange. */
static void tell(struct kith_core *c, struct kith_stream *s, int status, uint64_t value)
{
    if (s->kind == KITH_STREAM_PING) {
        if (status < 0)
            kith_log(c, KITH_LOG_DEBUG, &s->to, "Failed fallback TCP ping: %.*s", (int)s->name_len,
                     s->name);
        kith_probe_stream(c, s->seq_no, status == 0);
    }
    if (s->kind == KITH_STREAM_JOIN || s->kind == KITH_STREAM_PUSH_PULL) {
        kith_stats_observe(&c->stats, KITH_HIST_PUSH_PULL, (double)(c->now - s->begun) / 1e9);
        if (status < 0) {
            kith_count(c, KITH_COUNT_PUSH_PULLS_FAILED);
            bool join = s->kind == KITH_STREAM_JOIN; /* whoever asked for it is told, and tells */
            kith_log(c, join ? KITH_LOG_DEBUG : KITH_LOG_ERROR, &s->to,
                     "Push/Pull with %.*s failed", s->name_len ? (int)s->name_len : 17,
                     s->name_len ? s->name : "an unnamed member");
        }
    }
    if (s->request) kith_request_done(c, s->request, status, value);
    s->request = NULL;
}

static void end(struct kith_core *c, struct kith_stream *s, enum kith_out_kind how, int status,
                uint64_t value)
{
    struct kith_item *closing = s->closing;
    s->closing = NULL;
    closing->out.kind = how;
    closing->out.stream = kith_stream_handle(s);
    kith_items_push(&c->items, closing);
    tell(c, s, status, value);
    stream_free(c, s);
}

void kith_stream_finish(struct kith_core *c, struct kith_stream *s, int status, uint64_t value)
{
    bool reset = status == -KITH_ETIMEOUT || (status < 0 && s->kind != KITH_STREAM_INBOUND);
    end(c, s, reset ? KITH_OUT_RESET : KITH_OUT_CLOSE, status, value);
}

static void refuse(struct kith_core *c, struct kith_stream *s, enum kith_drop why, int status)
{
    kith_drop(c, why);
    kith_stream_finish(c, s, status, 0);
}

static void stream_alarm(struct kith_core *c, struct kith_alarm *alarm)
{
    refuse(c, KITH_OF(alarm, struct kith_stream, alarm), KITH_DROP_STREAM_TIMEOUT, -KITH_ETIMEOUT);
}

void kith_stream_write(struct kith_core *c, struct kith_stream *s, uint8_t *owned, size_t len,
                       bool last)
{
    struct kith_item *item = owned ? kith_item_new(&c->items) : NULL;
    if (!item) {
        free(owned);
        kith_drop(c, KITH_DROP_NO_MEMORY);
        return;
    }
    item->bytes = owned;
    item->out.kind = KITH_OUT_WRITE;
    item->out.stream = kith_stream_handle(s);
    item->out.bytes = kith_bytes_of(owned, len);
    item->out.last = last;
    kith_items_push(&c->items, item);
    c->stats.counters[KITH_COUNT_STREAM_BYTES_SENT] += len;
}

static void write_message(struct kith_core *c, struct kith_stream *s, const struct kith_msg *msg,
                          bool last)
{
    size_t cap = kith_wire_size((enum kith_body)msg->type, msg) + 1;
    struct kith_buf buf = {0};
    buf.base = buf.data = malloc(cap);
    buf.cap = cap;
    if (buf.base && kith_wire_write_message(&buf, msg) < 0)
        assert(!"wire_size and wire_write agree");
    kith_stream_write(c, s, buf.base, buf.len, last);
}

/* ---------------------------------------------------------------------------- whole messages */

static void user_message(struct kith_core *c, struct kith_bytes payload)
{
    if (payload.len == 0) return;
    kith_count(c, KITH_COUNT_USER_MESSAGES_RECEIVED);
    if (c->ops.notify_msg) KITH_ASK(c, c->ops.notify_msg(c->env.delegate_self, payload, true));
}

static void error_message(struct kith_core *c, struct kith_stream *s, const struct kith_msg *msg)
{
    struct kith_bytes text = msg->error;
    if (text.len > 200) text.len = 200;
    kith_count(c, KITH_COUNT_STREAM_ERRORS_RECEIVED);
    kith_log_some(c, KITH_LOG_ERROR, &s->to, "remote error: %.*s", KITH_STR(text));
    kith_stream_finish(c, s, -KITH_EREFUSED, 0);
}

/* ping, ack and err: one map after the type byte */
static void complete_map(struct kith_core *c, struct kith_stream *s, const struct kith_msg *msg)
{
    if (s->type == KITH_MSG_ERR) {
        error_message(c, s, msg);
    } else if (s->type == KITH_MSG_ACK) {
        if (msg->seq_no != s->seq_no)
            refuse(c, s, KITH_DROP_ACK_NOT_EXPECTED, -KITH_EMALFORMED);
        else
            kith_stream_finish(c, s, 0, 0);
    } else if (msg->node.len && !kith_bytes_equal(msg->node, kith_self_name(c))) {
        kith_log_some(c, KITH_LOG_WARN, &s->to, "Got ping for unexpected node '%.*s'",
                      KITH_STR(msg->node));
        refuse(c, s, KITH_DROP_PING_FOR_ANOTHER, -KITH_EREFUSED);
    } else {
        struct kith_msg ack = {.type = KITH_MSG_ACK, .seq_no = msg->seq_no};
        write_message(c, s, &ack, true);
        kith_stream_finish(c, s, 0, 0);
    }
}

static void complete(struct kith_core *c, struct kith_stream *s)
{
    if (s->type == KITH_MSG_USER) {
        user_message(c, kith_bytes_of(s->data + s->tail, (size_t)s->header.user_msg_len));
        kith_stream_finish(c, s, 0, 0);
        return;
    }
    kith_stats_observe(&c->stats, KITH_HIST_REMOTE_STATE, (double)s->len);
    if (s->kind == KITH_STREAM_INBOUND) {
        kith_count(c, KITH_COUNT_PUSH_PULLS_RECEIVED);
        kith_sync_send(c, s, s->header.join, true);
    }
    int err = kith_sync_merge(c, s);
    kith_stream_finish(c, s, err, err == 0);
}

/* ------------------------------------------------------------------------- finding their end */

static uint64_t big_endian(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    while (n--) v = v << 8 | *p++;
    return v;
}

/* What a msgpack head byte promises: bytes of the head, and then bytes or values. */
struct promise {
    uint8_t head;      /* 0: no such value */
    uint8_t count_len; /* of the count, within the head */
    uint8_t values;    /* per count: 0 it counts bytes, 1 array, 2 map */
    uint8_t fixed;     /* bytes that follow in any case, or the count when count_len is 0 */
};

static struct promise promise_of(uint8_t b)
{
    static const struct promise high[32] = {
        {1, 0, 0, 0}, {0, 0, 0, 0}, {1, 0, 0, 0}, {1, 0, 0, 0}, /* nil, never, false, true */
        {2, 1, 0, 0}, {3, 2, 0, 0}, {5, 4, 0, 0},               /* bin */
        {2, 1, 0, 1}, {3, 2, 0, 1}, {5, 4, 0, 1},               /* ext: a byte of type */
        {1, 0, 0, 4}, {1, 0, 0, 8},                             /* float */
        {1, 0, 0, 1}, {1, 0, 0, 2}, {1, 0, 0, 4}, {1, 0, 0, 8}, /* uint */
        {1, 0, 0, 1}, {1, 0, 0, 2}, {1, 0, 0, 4}, {1, 0, 0, 8}, /* int */
        {1, 0, 0, 2}, {1, 0, 0, 3}, {1, 0, 0, 5}, {1, 0, 0, 9}, {1, 0, 0, 17}, /* fixext */
        {2, 1, 0, 0}, {3, 2, 0, 0}, {5, 4, 0, 0},                              /* raw */
        {3, 2, 1, 0}, {5, 4, 1, 0}, {3, 2, 2, 0}, {5, 4, 2, 0},                /* array, map */
    };
    if (b >= 0xc0 && b < 0xe0) return high[b - 0xc0];
    if (b < 0x80 || b >= 0xe0) return (struct promise){1, 0, 0, 0};
    if (b < 0x90) return (struct promise){1, 0, 2, b & 0x0f};
    if (b < 0xa0) return (struct promise){1, 0, 1, b & 0x0f};
    return (struct promise){1, 0, 0, b & 0x1f};
}

/* Go on from s->scanned until s->values values have ended: 1; 0: more bytes are needed. */
static int scan(struct kith_stream *s, uint64_t limit)
{
    while (s->values > 0) {
        if (s->skip) {
            uint64_t there = s->len - s->scanned, n = there < s->skip ? there : s->skip;
            s->scanned += n;
            s->skip -= n;
            if (s->skip) return 0;
            s->values--;
            continue;
        }
        if (s->scanned == s->len) return 0;
        struct promise p = promise_of(s->data[s->scanned]);
        if (p.head == 0) return -KITH_EMALFORMED;
        if (s->len - s->scanned < p.head) return 0;
        uint64_t n =
            p.count_len ? big_endian(s->data + s->scanned + 1, p.count_len) + p.fixed : p.fixed;
        s->scanned += p.head;
        if (p.values)
            s->values += n * p.values - 1;
        else if (n)
            s->skip = n;
        else
            s->values--;
        if (s->skip > limit || s->values > limit) return -KITH_ETOOBIG;
    }
    return 1;
}

static void begin_value(struct kith_stream *s)
{
    s->values = 1;
    s->skip = 0;
}

/* Which messages may come on which stream. */
static bool expected(const struct kith_stream *s, uint8_t type)
{
    switch (s->kind) {
    case KITH_STREAM_INBOUND:
        return type == KITH_MSG_PING || type == KITH_MSG_USER || type == KITH_MSG_PUSH_PULL;
    case KITH_STREAM_PING: return type == KITH_MSG_ACK || type == KITH_MSG_ERR;
    case KITH_STREAM_USER: return type == KITH_MSG_ERR;
    default: return type == KITH_MSG_PUSH_PULL || type == KITH_MSG_ERR;
    }
}

/* Each step returns true to go on, false when bytes are missing or the stream is gone. */
static bool step_type(struct kith_core *c, struct kith_stream *s)
{
    if (s->len == 0) return false;
    s->type = s->data[0];
    s->scanned = 1;
    if (!expected(s, s->type)) {
        kith_log_some(c, KITH_LOG_ERROR, &s->to, "stream: msg type (%u) not supported", s->type);
        refuse(c, s, KITH_DROP_STREAM_UNKNOWN_TYPE, -KITH_EMALFORMED);
        return false;
    }
    if (s->kind == KITH_STREAM_INBOUND && s->type == KITH_MSG_PUSH_PULL) {
        s->push_pull = true;
        if (++c->streams.push_pulls >= c->set.max_push_pulls) {
            kith_log_some(c, KITH_LOG_ERROR, &s->to, "Too many pending push/pull requests");
            refuse(c, s, KITH_DROP_MAX_PUSH_PULLS, -KITH_EAGAIN);
            return false;
        }
    }
    s->phase = s->type == KITH_MSG_PUSH_PULL || s->type == KITH_MSG_USER ? KITH_PHASE_HEADER
                                                                         : KITH_PHASE_MAP;
    begin_value(s);
    return true;
}

/* The value from `start` on is complete: read it. */
static bool read_value(struct kith_core *c, struct kith_stream *s, enum kith_body body,
                       size_t start, struct kith_msg *msg)
{
    size_t used;
    int err = scan(s, c->set.max_stream_size + SLACK);
    if (err == 0) return false;
    if (err > 0) err = kith_wire_read(msg, body, s->data + start, s->scanned - start, &used);
    if (err == 0) return true;
    refuse(c, s, err == -KITH_ETOOBIG ? KITH_DROP_MAX_STREAM_SIZE : KITH_DROP_STREAM_MALFORMED,
           -KITH_EMALFORMED);
    return false;
}

static bool step_header(struct kith_core *c, struct kith_stream *s)
{
    struct kith_msg *h = &s->header;
    if (!read_value(c, s, (enum kith_body)s->type, 1, h)) return false;
    int64_t bytes = s->type == KITH_MSG_USER ? h->user_msg_len : h->user_state_len;
    if (h->nodes < 0 || h->nodes > KITH_NODES_MAX || bytes < 0 ||
        (uint64_t)bytes > c->set.max_stream_size) {
        kith_log_some(c, KITH_LOG_ERROR, &s->to, "failed to receive: header over the limits");
        refuse(c, s, KITH_DROP_MAX_STREAM_SIZE, -KITH_EMALFORMED);
        return false;
    }
    s->nodes_left = s->type == KITH_MSG_USER ? 0 : h->nodes;
    s->body = s->tail = s->scanned;
    s->phase = s->nodes_left ? KITH_PHASE_NODES : KITH_PHASE_BYTES;
    begin_value(s);
    return true;
}

static bool step_node(struct kith_core *c, struct kith_stream *s)
{
    struct kith_msg node;
    if (!read_value(c, s, KITH_BODY_NODE_STATE, s->tail, &node)) return false;
    s->tail = s->scanned;
    if (--s->nodes_left == 0) s->phase = KITH_PHASE_BYTES;
    begin_value(s);
    return true;
}

static bool step_bytes(struct kith_core *c, struct kith_stream *s)
{
    int64_t n = s->type == KITH_MSG_USER ? s->header.user_msg_len : s->header.user_state_len;
    if (s->len - s->tail >= (uint64_t)n) complete(c, s);
    return false;
}

static bool step_map(struct kith_core *c, struct kith_stream *s)
{
    struct kith_msg msg;
    if (read_value(c, s, (enum kith_body)s->type, 1, &msg)) complete_map(c, s, &msg);
    return false;
}

static bool step(struct kith_core *c, struct kith_stream *s)
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

/* False: over a limit, and the stream is gone. */
static bool gather(struct kith_core *c, struct kith_stream *s, const uint8_t *data, size_t len)
{
    struct kith_streams *t = &c->streams;
    uint64_t limit = c->set.max_stream_size + SLACK;
    if (len > limit - s->len) {
        refuse(c, s, KITH_DROP_MAX_STREAM_SIZE, -KITH_ETOOBIG);
        return false;
    }
    if (s->len + len > s->cap) {
        size_t cap = s->cap ? s->cap : FIRST_BUFFER;
        while (cap < s->len + len) cap *= 2;
        if (cap > limit) cap = (size_t)limit;
        uint8_t *more =
            t->memory - s->cap + cap > c->set.max_stream_memory ? NULL : realloc(s->data, cap);
        if (!more) {
            refuse(c, s, KITH_DROP_MAX_STREAM_MEMORY, -KITH_ENOMEM);
            return false;
        }
        t->memory += cap - s->cap;
        s->data = more;
        s->cap = cap;
    }
    memcpy(s->data + s->len, data, len);
    s->len += len;
    return true;
}

/* ---------------------------------------------------------------------- what happens to them */

static struct kith_stream *known(struct kith_core *c, uint64_t now, uint32_t handle)
{
    kith_enter(c, now);
    struct kith_stream *s = kith_stream_find(c, handle);
    if (!s) kith_drop(c, KITH_DROP_STREAM_STALE);
    return s;
}

uint32_t kith_core_stream_accepted(struct kith_core *c, uint64_t now, const struct kith_addr *from)
{
    kith_enter(c, now);
    if (!c->started) {
        kith_drop(c, KITH_DROP_NOT_STARTED);
        return 0;
    }
    struct kith_stream *s = stream_new(c, KITH_STREAM_INBOUND, from, kith_bytes_of(NULL, 0),
                                       kith_later(c->now, c->set.tcp_timeout));
    if (!s) return 0;
    kith_count(c, KITH_COUNT_STREAMS_ACCEPTED);
    return kith_stream_handle(s);
}

void kith_core_stream_opened(struct kith_core *c, uint64_t now, uint32_t handle)
{
    struct kith_stream *s = known(c, now, handle);
    if (!s || s->phase != KITH_PHASE_DIAL) return;
    s->phase = KITH_PHASE_TYPE;
    if (s->kind == KITH_STREAM_PING) {
        struct kith_msg ping;
        kith_ping_message(c, &ping, s->seq_no, kith_bytes_of(s->name, s->name_len));
        write_message(c, s, &ping, false);
        return;
    }
    kith_alarm_set(&c->alarms, &s->alarm, kith_later(c->now, c->set.tcp_timeout));
    if (s->kind == KITH_STREAM_USER) {
        c->streams.memory -= s->out_len;
        kith_stream_write(c, s, s->out, s->out_len, true);
        s->out = NULL;
        s->out_len = 0;
    } else {
        kith_sync_send(c, s, s->kind == KITH_STREAM_JOIN, false);
    }
}

void kith_core_stream_data(struct kith_core *c, uint64_t now, uint32_t handle, const uint8_t *data,
                           size_t len)
{
    struct kith_stream *s = known(c, now, handle);
    if (!s || s->phase == KITH_PHASE_DIAL || len == 0) return;
    c->stats.counters[KITH_COUNT_STREAM_BYTES_RECEIVED] += len;
    if (!gather(c, s, data, len)) return;
    if (!s->replied && (s->kind == KITH_STREAM_JOIN || s->kind == KITH_STREAM_PUSH_PULL)) {
        s->replied = true; /* the wait for the answer is over, reading it begins */
        kith_alarm_set(&c->alarms, &s->alarm, kith_later(c->now, c->set.tcp_timeout));
    }
    while (step(c, s)) {}
}

void kith_core_stream_error(struct kith_core *c, uint64_t now, uint32_t handle, int code,
                            const char *text)
{
    struct kith_stream *s = known(c, now, handle);
    if (!s) return;
    if (*text) kith_log_some(c, KITH_LOG_ERROR, &s->to, "failed to receive: %s", text);
    if (s->kind == KITH_STREAM_INBOUND && *text) {
        struct kith_msg err = {.type = KITH_MSG_ERR, .error = kith_bytes_of(text, strlen(text))};
        if (err.error.len > ERROR_TEXT_MAX) err.error.len = ERROR_TEXT_MAX;
        write_message(c, s, &err, true);
        kith_count(c, KITH_COUNT_STREAM_ERRORS_SENT);
    }
    kith_stream_finish(c, s, code < 0 ? code : -KITH_EMALFORMED, 0);
}

/* A user message has arrived when the peer ends the stream without a word. */
static bool confirmed(const struct kith_stream *s)
{
    return s->kind == KITH_STREAM_USER && s->phase == KITH_PHASE_TYPE;
}

void kith_core_stream_end(struct kith_core *c, uint64_t now, uint32_t handle)
{
    struct kith_stream *s = known(c, now, handle);
    if (!s) return;
    if (confirmed(s)) {
        kith_stream_finish(c, s, 0, 0);
    } else {
        if (s->len) kith_drop(c, KITH_DROP_STREAM_TRUNCATED);
        kith_stream_finish(c, s, -KITH_ECLOSED, 0);
    }
}

void kith_core_stream_closed(struct kith_core *c, uint64_t now, uint32_t handle, int reason)
{
    struct kith_stream *s = known(c, now, handle);
    if (!s) return;
    if (s->len) kith_drop(c, KITH_DROP_STREAM_TRUNCATED);
    kith_item_drop(&c->items, s->closing);
    s->closing = NULL;
    tell(c, s, reason == 0 && confirmed(s) ? 0 : reason < 0 ? reason : -KITH_ECLOSED, 0);
    stream_free(c, s);
}

void kith_streams_fini(struct kith_core *c)
{
    struct kith_streams *t = &c->streams;
    for (uint32_t i = 0; i < t->cap; i++) {
        struct kith_stream *s = t->table[i];
        if (s->kind) {
            kith_item_drop(&c->items, s->closing);
            if (s->request) kith_request_done(c, s->request, -KITH_ECLOSED, 0);
            stream_free(c, s);
        }
        free(s);
    }
    free(t->table);
    memset(t, 0, sizeof *t);
}
