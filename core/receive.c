/*
 * receive.c - what a packet holds, and who hears of it.
 */
#include "allowed.h"
#include "answer.h"
#include "core_log.h"
#include "merge.h"
#include "notify.h"
#include "state.h"

static void on_alive(struct kith_core *c, const struct kith_peer *from, struct kith_msg *msg,
                     uint32_t hash)
{
    if (c->set.cidrs_count) { /* PROTOCOL.md 2.12 */
        if (!kith_allowed(c, kith_bytes_of(from->addr->bytes, from->addr->len))) {
            kith_count_drop(c, KITH_DROP_SOURCE_NOT_ALLOWED);
            return;
        }
        if (!kith_allowed(c, msg->addr)) {
            kith_count_drop(c, KITH_DROP_ADDRESS_NOT_ALLOWED);
            return;
        }
    }
    if (c->set.protocol_version < 2 || msg->port == 0) {
        msg->port = c->default_port;
        msg->whole.data = NULL;
    }
    kith_alive_hashed(c, msg, hash, from);
}

/* Where a message came from: alone in its packet, or inside compounds. */
struct arrival {
    const struct kith_peer *from;
    uint64_t at;
    unsigned depth;
};

static void message(struct kith_core *, const struct arrival *, struct kith_bytes);

static void count_message(struct kith_core *c, uint8_t type, size_t len)
{
    if (type >= sizeof c->counters.messages / sizeof *c->counters.messages) return;
    c->counters.messages[type]++;
    c->counters.message_bytes[type] += len;
}

/* Alive messages that follow each other: read, and not looked into yet. */
enum { AHEAD = 8 };
struct alives {
    struct kith_msg items[AHEAD];
    uint32_t hashes[AHEAD];
    size_t count;
};

/* The map behind a type byte. */
static bool read_message(struct kith_msg *msg, struct kith_bytes bytes)
{
    size_t used;
    msg->type = bytes.data[0];
    if (kith_wire_read(msg, (enum kith_body)msg->type, bytes.data + 1, bytes.len - 1, &used) < 0)
        return false;
    if (msg->exact) msg->whole = kith_bytes_of(bytes.data, 1 + used);
    return true;
}

/* False: it is no alive message, or not well-formed, or there are enough. */
static bool read_ahead(struct kith_core *c, struct alives *all, struct kith_bytes part)
{
    if (all->count == AHEAD || !part.len || part.data[0] != KITH_MSG_ALIVE) return false;
    struct kith_msg *msg = &all->items[all->count];
    if (!read_message(msg, part)) return false;
    count_message(c, msg->type, part.len);
    all->hashes[all->count++] = kith_members_hash(&c->members, msg->node);
    return true;
}

/* In a large cluster each of them waits for memory, so all have it come at once. */
static void take_alives(struct kith_core *c, const struct arrival *in, struct alives *all)
{
    if (all->count > 1) kith_members_expect(&c->members, all->hashes, all->count);
    for (size_t i = 0; i < all->count; i++) on_alive(c, in->from, &all->items[i], all->hashes[i]);
    all->count = 0;
}

static void parts_of(struct kith_core *c, const struct arrival *in, struct kith_compound *parts)
{
    struct kith_bytes part;
    struct alives alives;
    alives.count = 0;
    while (kith_compound_next(parts, &part)) {
        if (read_ahead(c, &alives, part)) continue;
        take_alives(c, in, &alives);
        if (!read_ahead(c, &alives, part)) message(c, in, part);
    }
    take_alives(c, in, &alives);
}

static void compound(struct kith_core *c, const struct arrival *in, struct kith_bytes body)
{
    struct arrival inner = {in->from, in->at, in->depth + 1};
    struct kith_compound parts;
    if (inner.depth > KITH_NESTING_MAX) {
        kith_count_drop(c, KITH_DROP_NESTED_TOO_DEEP);
        return;
    }
    if (kith_compound_open(&parts, body.data, body.len) < 0) {
        kith_count_drop(c, KITH_DROP_MALFORMED);
        return;
    }
    parts_of(c, &inner, &parts);
    if (parts.truncated) {
        c->counters.drops[KITH_DROP_TRUNCATED_PART] += parts.truncated;
        kith_core_log_some(c, KITH_LOG_WARN, in->from->addr,
                           "Compound request had %u truncated messages", parts.truncated);
    }
}

/* A message that is a map. */
static void map(struct kith_core *c, const struct arrival *in, struct kith_bytes bytes)
{
    struct kith_msg msg;
    if (!read_message(&msg, bytes)) {
        kith_count_drop(c, KITH_DROP_MALFORMED);
        kith_core_log_some(c, KITH_LOG_ERROR, in->from->addr, "Failed to decode %s message",
                           kith_msg_name(bytes.data[0]));
        return;
    }
    if (msg.type == KITH_MSG_PING || msg.type == KITH_MSG_ACK)
        kith_relay_said(c, in->from->addr, &msg);
    switch (msg.type) {
    case KITH_MSG_PING: kith_on_ping(c, in->from->addr, &msg); break;
    case KITH_MSG_INDIRECT_PING: kith_on_indirect_ping(c, in->from->addr, &msg); break;
    case KITH_MSG_ACK: kith_on_ack(c, &msg, in->at); break;
    case KITH_MSG_NACK: kith_on_nack(c, &msg); break;
    case KITH_MSG_ALIVE:
        on_alive(c, in->from, &msg, kith_members_hash(&c->members, msg.node));
        break;
    case KITH_MSG_SUSPECT: kith_suspect(c, &msg, in->from); break;
    default: kith_dead(c, &msg, in->from, NULL); break;
    }
}

static void message(struct kith_core *c, const struct arrival *in, struct kith_bytes msg)
{
    if (msg.len == 0) {
        kith_count_drop(c, KITH_DROP_EMPTY_MESSAGE);
        kith_core_log_some(c, KITH_LOG_ERROR, in->from->addr, "missing message type byte");
        return;
    }
    uint8_t type = msg.data[0];
    struct kith_bytes body = {msg.data + 1, msg.len - 1};
    count_message(c, type, msg.len);
    switch (type) {
    case KITH_MSG_PING:
    case KITH_MSG_INDIRECT_PING:
    case KITH_MSG_ACK:
    case KITH_MSG_NACK:
    case KITH_MSG_ALIVE:
    case KITH_MSG_SUSPECT:
    case KITH_MSG_DEAD: map(c, in, msg); break;
    case KITH_MSG_COMPOUND: compound(c, in, body); break;
    case KITH_MSG_USER:
        if (!kith_relay_packet(c, in->from, body)) kith_notify_message(c, in->from, body, 0);
        break;
    default:
        kith_count_drop(c, KITH_DROP_UNKNOWN_TYPE);
        kith_core_log_some(c, KITH_LOG_ERROR, in->from->addr, "msg type (%u) not supported", type);
    }
}

void kith_core_packet(struct kith_core *c, uint64_t now, uint64_t received_at,
                      const struct kith_peer *from, const uint8_t *msg, size_t len, size_t wire)
{
    struct arrival in = {from, received_at, 0};
    kith_enter(c, now);
    kith_count(c, KITH_COUNT_PACKETS_RECEIVED);
    c->counters.counts[KITH_COUNT_PACKET_BYTES_RECEIVED] += len;
    c->replies = KITH_REPLIES_MAX;
    c->stranger_packets = KITH_STRANGER_REPLIES;
    c->stranger_bytes = KITH_STRANGER_RATIO * wire;
    if (!c->started)
        kith_count_drop(c, KITH_DROP_NOT_STARTED);
    else if (from->identity.len > KITH_IDENTITY_LIMIT)
        kith_count_drop(c, KITH_DROP_BAD_IDENTITY);
    else
        message(c, &in, kith_bytes_of(msg, len));
    c->stranger_packets = 0; /* what comes of it later is nobody's answer */
}
