/*
 * core.c - the life of a node: made, started, changed; what it hears in packets; time.
 */
#include "node.h"

#include <stdlib.h>

enum { OWN_ALARMS = 5, LINES_A_SECOND = 10 };

/* ------------------------------------------------------------------------------- log */

static void log_line(struct kith_core *c, enum kith_log_level level, const struct kith_addr *peer,
                     const char *fmt, va_list ap)
{
    if (c->env.log) c->env.log(c->env.ctx, level, peer, fmt, ap);
}

void kith_log(struct kith_core *c, enum kith_log_level level, const struct kith_addr *peer,
              const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_line(c, level, peer, fmt, ap);
    va_end(ap);
}

void kith_log_some(struct kith_core *c, enum kith_log_level level, const struct kith_addr *peer,
                   const char *fmt, ...)
{
    va_list ap;
    if (c->now >= c->quiet_until) {
        c->quiet_until = kith_later(c->now, 1000000000);
        c->quiet_lines = 0;
    }
    if (c->quiet_lines >= LINES_A_SECOND) return;
    c->quiet_lines++;
    va_start(ap, fmt);
    log_line(c, level, peer, fmt, ap);
    va_end(ap);
}

/* -------------------------------------------------------------------------- made and changed */

static int fail(struct kith_error *err, enum kith_code code, const char *text)
{
    if (err) {
        err->code = -(int32_t)code;
        strncpy(err->text, text, sizeof err->text - 1);
        err->text[sizeof err->text - 1] = 0;
    }
    return -(int)code;
}

static int check(const struct kith_settings *s, struct kith_error *err)
{
    if (s->protocol_version < 1 || s->protocol_version > 5)
        return fail(err, KITH_EINVAL, "protocol_version must be 1 to 5");
    if (s->delegate_protocol_min > 255 || s->delegate_protocol_max > 255 ||
        s->delegate_protocol_version > 255)
        return fail(err, KITH_EINVAL, "delegate protocol versions must be 0 to 255");
    if (s->awareness_max_multiplier < 1)
        return fail(err, KITH_EINVAL, "awareness_max_multiplier must be at least 1");
    return 0;
}

static void take_settings(struct kith_core *c, const struct kith_settings *s)
{
    c->set = *s;
    c->set.name = c->name;
    c->versions[0] = 1;
    c->versions[1] = 5;
    c->versions[2] = (uint8_t)s->protocol_version;
    c->versions[3] = (uint8_t)s->delegate_protocol_min;
    c->versions[4] = (uint8_t)s->delegate_protocol_max;
    c->versions[5] = (uint8_t)s->delegate_protocol_version;
    c->queue.retransmit_mult = c->user_queue.retransmit_mult = s->retransmit_mult;
    c->user_queue.max = s->max_broadcasts;
}

static void take_delegate(struct kith_core *c)
{
    const struct kith_delegate_ops *ops = c->env.delegate;
    if (!ops) return;
    memcpy(&c->ops, ops, ops->size < sizeof c->ops ? ops->size : sizeof c->ops);
}

int kith_core_new(struct kith_core **out, const struct kith_core_config *cfg,
                  const struct kith_core_env *env, uint64_t seed, uint64_t now,
                  struct kith_error *err)
{
    const char *name = cfg->settings.name;
    int res = check(&cfg->settings, err);
    if (res < 0) return res;
    if (!name || !*name || strlen(name) > KITH_NAME_LIMIT)
        return fail(err, KITH_EINVAL, "name must have 1 to 255 bytes");
    if (cfg->advertise.len == 0 || cfg->advertise.len > KITH_ADDR_MAX)
        return fail(err, KITH_EINVAL, "no address to advertise");
    struct kith_core *c = calloc(1, sizeof *c);
    if (!c) return fail(err, KITH_ENOMEM, "out of memory");
    c->env = *env;
    take_delegate(c);
    c->name_len = (uint8_t)strlen(name);
    memcpy(c->name, name, c->name_len);
    c->advertise = cfg->advertise;
    if (c->advertise.port == 0) c->advertise.port = cfg->default_port;
    c->default_port = cfg->default_port;
    c->headroom = cfg->headroom;
    c->tailroom = cfg->tailroom;
    c->first_incarnation = cfg->incarnation ? cfg->incarnation : 1;
    c->now = now;
    c->random.state = seed;
    kith_items_init(&c->items);
    kith_broadcasts_init(&c->queue, 0, 0, kith_request_broadcast_end, c);
    kith_broadcasts_init(&c->user_queue, 0, 0, kith_request_broadcast_end, c);
    take_settings(c, &cfg->settings);
    c->probe_alarm.fire = kith_probe_tick;
    c->gossip_alarm.fire = kith_gossip_tick;
    c->sync_alarm.fire = kith_sync_tick;
    c->queue_alarm.fire = kith_queue_tick;
    c->probe.pending.alarm.fire = kith_probe_alarm;
    if (kith_members_init(&c->members, kith_random_next(&c->random)) < 0 ||
        kith_pendings_init(&c->pendings) < 0 || kith_alarms_reserve(&c->alarms, OWN_ALARMS) < 0) {
        kith_core_free(c);
        return fail(err, KITH_ENOMEM, "out of memory");
    }
    *out = c;
    return 0;
}

void kith_core_free(struct kith_core *c)
{
    if (!c) return;
    assert(!c->busy);
    c->dying = true;
    kith_streams_fini(c);
    kith_pendings_fini(c);
    kith_broadcasts_fini(&c->queue);
    kith_broadcasts_fini(&c->user_queue);
    kith_members_fini(&c->members);
    kith_items_fini(&c->items);
    free(c->alarms.heap);
    free(c->chosen);
    free(c->order);
    free(c);
}

static void every(struct kith_core *c, struct kith_alarm *alarm, uint64_t interval)
{
    if (interval)
        kith_alarm_set(&c->alarms, alarm, kith_later(c->now, interval));
    else
        kith_alarm_clear(&c->alarms, alarm);
}

/* The first tick comes one interval after the start (PROTOCOL.md 2.8); only push/pulls are spread
 * (2.10). */
static void begin_ticks(struct kith_core *c, const struct kith_settings *before)
{
    const struct kith_settings *s = &c->set;
    if (!before || before->probe_interval != s->probe_interval)
        every(c, &c->probe_alarm, s->probe_interval);
    if (!before || before->gossip_interval != s->gossip_interval ||
        !before->gossip_nodes != !s->gossip_nodes)
        every(c, &c->gossip_alarm, s->gossip_nodes ? s->gossip_interval : 0);
    if (!before || before->push_pull_interval != s->push_pull_interval) kith_sync_schedule(c, true);
    if (!before || before->queue_check_interval != s->queue_check_interval)
        every(c, &c->queue_alarm, s->queue_check_interval);
}

int kith_own_meta(struct kith_core *c, uint8_t *buf, struct kith_bytes *meta)
{
    int n = 0;
    if (c->ops.node_meta)
        KITH_ASK(c, n = c->ops.node_meta(c->env.delegate_self, buf, KITH_META_MAX));
    if (n > KITH_META_MAX) n = -KITH_ETOOBIG;
    *meta = kith_bytes_of(c->ops.node_meta ? buf : NULL, n > 0 ? (size_t)n : 0);
    return n < 0 ? n : 0;
}

int kith_core_start(struct kith_core *c, uint64_t now, struct kith_error *err)
{
    uint8_t buf[KITH_META_MAX];
    struct kith_bytes meta;
    struct kith_msg alive;
    kith_enter(c, now);
    if (c->started) return fail(err, KITH_EEXIST, "already started");
    if (!kith_allowed(c, kith_bytes_of(c->advertise.bytes, c->advertise.len)))
        return fail(err, KITH_EREFUSED, "the advertised address is not in cidrs_allowed");
    int res = kith_own_meta(c, buf, &meta);
    if (res < 0)
        return fail(err, (enum kith_code) - res,
                    "the delegate gave no meta, or more than 512 bytes");
    kith_self_message(c, &alive, c->first_incarnation, meta);
    c->started = true;
    if (!kith_alive(c, &alive, KITH_FROM_SELF, NULL)) {
        c->started = false;
        return fail(err, KITH_EREFUSED, "a delegate refused this node");
    }
    begin_ticks(c, NULL);
    return 0;
}

int kith_core_reconfigure(struct kith_core *c, const struct kith_settings *s, uint16_t headroom,
                          uint16_t tailroom, uint64_t now, struct kith_error *err)
{
    struct kith_settings before = c->set;
    uint8_t versions[6], meta_copy[KITH_META_MAX];
    kith_enter(c, now);
    int res = check(s, err);
    if (res < 0) return res;
    memcpy(versions, c->versions, sizeof versions);
    take_settings(c, s);
    c->headroom = headroom;
    c->tailroom = tailroom;
    c->health = kith_awareness_apply(c->health, 0, s->awareness_max_multiplier);
    if (!c->started) return 0;
    begin_ticks(c, &before);
    if (memcmp(versions, c->versions, sizeof versions) == 0 || c->left) return 0;
    struct kith_msg alive;
    struct kith_bytes meta = kith_peer_meta(c->self);
    if (meta.data) meta.data = memcpy(meta_copy, meta.data, meta.len);
    if (c->self->incarnation == UINT32_MAX)
        return fail(err, KITH_EREFUSED, "the incarnation is at its end");
    kith_self_message(c, &alive, c->self->incarnation + 1, meta);
    if (!kith_alive(c, &alive, KITH_FROM_SELF, NULL))
        return fail(err, KITH_EREFUSED, "a delegate refused this node");
    return 0;
}

/* ------------------------------------------------------------------------------- packets */

static void on_alive(struct kith_core *c, const struct kith_addr *from, struct kith_msg *msg)
{
    if (c->set.cidrs_count) { /* PROTOCOL.md 2.12 */
        if (!kith_allowed(c, kith_bytes_of(from->bytes, from->len))) {
            kith_drop(c, KITH_DROP_SOURCE_NOT_ALLOWED);
            return;
        }
        if (!kith_allowed(c, msg->addr)) {
            kith_drop(c, KITH_DROP_ADDRESS_NOT_ALLOWED);
            return;
        }
    }
    if (c->set.protocol_version < 2 || msg->port == 0) msg->port = c->default_port;
    kith_alive(c, msg, KITH_FROM_PEER, NULL);
}

static void on_user(struct kith_core *c, struct kith_bytes payload)
{
    kith_count(c, KITH_COUNT_USER_MESSAGES_RECEIVED);
    if (c->ops.notify_msg) KITH_ASK(c, c->ops.notify_msg(c->env.delegate_self, payload, false));
}

struct arrival {
    const struct kith_addr *from;
    uint64_t at;
    unsigned depth;
};

static void message(struct kith_core *, const struct arrival *, struct kith_bytes);

static void compound(struct kith_core *c, const struct arrival *in, struct kith_bytes body)
{
    struct arrival inner = {in->from, in->at, in->depth + 1};
    struct kith_compound parts;
    struct kith_bytes part;
    if (inner.depth > KITH_NESTING_MAX) {
        kith_drop(c, KITH_DROP_NESTED_TOO_DEEP);
        return;
    }
    if (kith_compound_open(&parts, body.data, body.len) < 0) {
        kith_drop(c, KITH_DROP_MALFORMED);
        return;
    }
    while (kith_compound_next(&parts, &part)) message(c, &inner, part);
    if (parts.truncated) {
        c->stats.drops[KITH_DROP_TRUNCATED_PART] += parts.truncated;
        kith_log_some(c, KITH_LOG_WARN, in->from, "Compound request had %u truncated messages",
                      parts.truncated);
    }
}

/* A message that is a map. */
static void map(struct kith_core *c, const struct arrival *in, uint8_t type, struct kith_bytes body)
{
    struct kith_msg msg;
    size_t used;
    if (kith_wire_read(&msg, (enum kith_body)type, body.data, body.len, &used) < 0) {
        kith_drop(c, KITH_DROP_MALFORMED);
        kith_log_some(c, KITH_LOG_ERROR, in->from, "Failed to decode %s message",
                      kith_msg_name(type));
        return;
    }
    msg.type = type;
    switch (type) {
    case KITH_MSG_PING: kith_on_ping(c, in->from, &msg); break;
    case KITH_MSG_INDIRECT_PING: kith_on_indirect_ping(c, in->from, &msg); break;
    case KITH_MSG_ACK: kith_on_ack(c, &msg, in->at); break;
    case KITH_MSG_NACK: kith_on_nack(c, &msg); break;
    case KITH_MSG_ALIVE: on_alive(c, in->from, &msg); break;
    case KITH_MSG_SUSPECT: kith_suspect(c, &msg, KITH_FROM_PEER); break;
    default: kith_dead(c, &msg, KITH_FROM_PEER, NULL); break;
    }
}

static void message(struct kith_core *c, const struct arrival *in, struct kith_bytes msg)
{
    if (msg.len == 0) {
        kith_drop(c, KITH_DROP_EMPTY_MESSAGE);
        kith_log_some(c, KITH_LOG_ERROR, in->from, "missing message type byte");
        return;
    }
    uint8_t type = msg.data[0];
    struct kith_bytes body = {msg.data + 1, msg.len - 1};
    if (type < sizeof c->stats.messages / sizeof *c->stats.messages) c->stats.messages[type]++;
    switch (type) {
    case KITH_MSG_PING:
    case KITH_MSG_INDIRECT_PING:
    case KITH_MSG_ACK:
    case KITH_MSG_NACK:
    case KITH_MSG_ALIVE:
    case KITH_MSG_SUSPECT:
    case KITH_MSG_DEAD: map(c, in, type, body); break;
    case KITH_MSG_COMPOUND: compound(c, in, body); break;
    case KITH_MSG_USER: on_user(c, body); break;
    default:
        kith_drop(c, KITH_DROP_UNKNOWN_TYPE);
        kith_log_some(c, KITH_LOG_ERROR, in->from, "msg type (%u) not supported", type);
    }
}

void kith_core_packet(struct kith_core *c, uint64_t now, uint64_t received_at,
                      const struct kith_addr *from, const uint8_t *msg, size_t len)
{
    struct arrival in = {from, received_at, 0};
    kith_enter(c, now);
    kith_count(c, KITH_COUNT_PACKETS_RECEIVED);
    c->stats.counters[KITH_COUNT_PACKET_BYTES_RECEIVED] += len;
    c->replies = 0;
    if (c->started)
        message(c, &in, kith_bytes_of(msg, len));
    else
        kith_drop(c, KITH_DROP_NOT_STARTED);
}

/* ------------------------------------------------------------------------------- time */

void kith_core_tick(struct kith_core *c, uint64_t now)
{
    struct kith_alarm *alarm;
    kith_enter(c, now);
    while ((alarm = kith_alarms_due(&c->alarms, c->now))) alarm->fire(c, alarm);
}

uint64_t kith_core_deadline(const struct kith_core *c)
{
    return c->alarms.count ? c->alarms.heap[0]->at : UINT64_MAX;
}
