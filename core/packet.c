/*
 * packet.c - packets on their way out: one message bare, several in a compound, in buffers that the
 * pipeline can seal in place. Never over the budget: beside an answer memberlist exceeds it by
 * two bytes (PROTOCOL.md 1.13), which a transport with a hard limit would refuse.
 *
 * Parts are written where they will stay. The compound header, whose length is known last, goes
 * right in front of them.
 */
#include "packet.h"
#include "peer.h"
#include "state.h"

struct kith_core_budget kith_packet_budget(const struct kith_core *c, const struct kith_peer *to)
{
    if (c->env.packet_budget) return c->env.packet_budget(c->env.ctx, to);
    return (struct kith_core_budget){(size_t)c->set.udp_buffer_size, "udp_buffer_size"};
}

size_t kith_packet_broadcast_max(size_t budget) { return budget > 4 ? budget - 4 : 0; }

void kith_packer_begin(struct kith_packer *pk, struct kith_core *c, const struct kith_peer *to)
{
    pk->core = c;
    pk->to = to;
    pk->size = kith_packet_budget(c, to).bytes;
    pk->item = NULL;
    pk->parts = 0;
}

static size_t room(const struct kith_packer *pk)
{
    if (!pk->item) return 0;
    size_t tail = kith_buf_tailroom(&pk->item->buf);
    return tail > pk->core->tailroom ? tail - pk->core->tailroom : 0;
}

/* Make room for a part of `len` bytes, in the next packet when this one is full. */
static bool ensure(struct kith_packer *pk, size_t len)
{
    struct kith_core *c = pk->core;
    if (pk->item && (pk->parts == KITH_COMPOUND_MAX || room(pk) < len)) kith_packer_end(pk);
    if (pk->item) return true;
    pk->parts = 0;
    pk->item =
        kith_item_packet(&c->items, c->headroom, len > pk->size ? len : pk->size, c->tailroom);
    if (!pk->item) kith_count_drop(c, KITH_DROP_NO_MEMORY);
    return pk->item != NULL;
}

static bool add(struct kith_packer *pk, struct kith_bytes part)
{
    if (!ensure(pk, part.len)) return false;
    memcpy(kith_buf_put(&pk->item->buf, part.len), part.data, part.len);
    pk->lengths[pk->parts++] = (uint16_t)part.len;
    return true;
}

bool kith_packer_add_user(struct kith_packer *pk, struct kith_bytes payload)
{
    if (!ensure(pk, payload.len + 1)) return false;
    uint8_t *to = kith_buf_put(&pk->item->buf, payload.len + 1);
    to[0] = KITH_MSG_USER;
    if (payload.len) memcpy(to + 1, payload.data, payload.len);
    pk->lengths[pk->parts++] = (uint16_t)(payload.len + 1);
    return true;
}

bool kith_packer_add_message(struct kith_packer *pk, const struct kith_msg *msg)
{
    size_t len = kith_wire_size((enum kith_body)msg->type, msg) + 1;
    if (!ensure(pk, len) || kith_wire_write_message(&pk->item->buf, msg) < 0) return false;
    pk->lengths[pk->parts++] = (uint16_t)len;
    return true;
}

static void take(void *arg, struct kith_bytes msg) { add(arg, msg); }

struct guest {
    struct kith_sink sink; /* first: the delegate hands it back */
    struct kith_packer *pk;
    size_t left;
};

/* The delegate's messages: a byte of type and two of length each (PROTOCOL.md 2.17). */
static int guest_write(const struct kith_sink *sink, struct kith_bytes msg)
{
    struct guest *g = (struct guest *)(uintptr_t)sink;
    if (g->left < 3 || msg.len > g->left - 3) return -KITH_ETOOBIG;
    if (!kith_packer_add_user(g->pk, msg)) return -KITH_ENOMEM;
    g->left -= msg.len + 3;
    return 0;
}

/* The raw ones first, then those of channels where they are understood. */
static size_t fill_by_delegates(struct kith_packer *pk, size_t used, size_t limit)
{
    struct kith_core *c = pk->core;
    struct guest g = {{sizeof g.sink, guest_write}, pk, limit - used};
    if (g.left > 3)
        KITH_ASK(c, c->env.delegate->get_broadcasts(c->env.delegate_self, 3, g.left, &g.sink));
    if (g.left > 3 && c->env.channel_broadcasts && kith_kin_hears(c, kith_peer_at(c, pk->to->addr)))
        KITH_ASK(c, c->env.channel_broadcasts(c->env.ctx, 3, g.left, &g.sink));
    return limit - g.left;
}

size_t kith_packer_fill(struct kith_packer *pk, size_t limit)
{
    struct kith_core *c = pk->core;
    size_t n = c->members.count;
    size_t used = kith_broadcasts_fetch(&c->queue, n, 2, limit, take, pk);
    if (used + 2 < limit)
        used += kith_broadcasts_fetch(&c->user_queue, n, 2, limit - used, take, pk);
    if (kith_delegate_gossips(c)) used = fill_by_delegates(pk, used, limit);
    return used;
}

void kith_packer_end(struct kith_packer *pk)
{
    struct kith_core *c = pk->core;
    struct kith_item *item = pk->item;
    if (!item) return;
    pk->item = NULL;
    if (pk->parts == 0 || (c->set.require_node_names && pk->to->name.len == 0)) {
        if (pk->parts) kith_count_drop(c, KITH_DROP_NO_NODE_NAME);
        kith_item_drop(&c->items, item);
        return;
    }
    if (pk->parts > 1) {
        uint8_t *head = kith_buf_push(&item->buf, 2 + 2 * (size_t)pk->parts);
        *head++ = KITH_MSG_COMPOUND;
        *head++ = (uint8_t)pk->parts;
        for (unsigned i = 0; i < pk->parts; i++) {
            *head++ = (uint8_t)(pk->lengths[i] >> 8);
            *head++ = (uint8_t)pk->lengths[i];
        }
    }
    kith_item_peer(item, pk->to);
    kith_count(c, KITH_COUNT_PACKETS_SENT);
    c->counters.counts[KITH_COUNT_PACKET_BYTES_SENT] += item->buf.len;
    kith_items_push(&c->items, item);
}

/* One message, and what `fill` puts beside it. */
static void send_with(struct kith_core *c, const struct kith_addr *to, struct kith_bytes name,
                      const struct kith_msg *msg, size_t (*fill)(struct kith_packer *, size_t))
{
    struct kith_peer peer = kith_peer_of(to, name, 0);
    struct kith_packer pk;
    kith_packer_begin(&pk, c, &peer);
    if (kith_packer_add_message(&pk, msg) && fill) {
        size_t taken = pk.item->buf.len + 2 + 2;
        if (pk.size > taken) fill(&pk, pk.size - taken);
    }
    kith_packer_end(&pk);
}

void kith_send_piggyback(struct kith_core *c, const struct kith_addr *to, struct kith_bytes name,
                         const struct kith_msg *msg)
{
    send_with(c, to, name, msg, kith_peer_at(c, to) ? kith_packer_fill : NULL);
}

/* A round's worth of packets for each round: others decide when there is an answer, and to whom. */
static bool answers_may_carry(struct kith_core *c)
{
    const struct kith_settings *s = &c->set;
    if (c->now >= c->carrying_until) {
        uint64_t round = s->gossip_interval ? s->gossip_interval : s->probe_interval;
        c->carrying_until = kith_later(c->now, round);
        c->carrying = s->gossip_nodes ? s->gossip_nodes : 1;
    }
    return c->carrying > 0;
}

/* What others gave us to pass on, and what our delegates keep, waits for a round. */
static size_t show_news(struct kith_packer *pk, size_t limit)
{
    struct kith_core *c = pk->core;
    if (!answers_may_carry(c)) return 0;
    size_t used = kith_broadcasts_show(&c->queue, 2, limit, take, pk);
    if (used + 2 < limit) used += kith_broadcasts_show(&c->user_queue, 2, limit - used, take, pk);
    c->carrying -= used > 0;
    return used;
}

/* Is that much left for strangers? */
static bool strangers_may_have(struct kith_core *c, size_t len)
{
    if (c->stranger_packets == 0 || c->stranger_bytes < len) {
        kith_count_drop(c, KITH_DROP_STRANGER_ANSWERS);
        return false;
    }
    c->stranger_packets--;
    c->stranger_bytes -= len;
    return true;
}

bool kith_send_answer(struct kith_core *c, const struct kith_addr *to, struct kith_bytes name,
                      const struct kith_msg *msg)
{
    bool member = kith_peer_at(c, to) != NULL;
    size_t len = kith_wire_size((enum kith_body)msg->type, msg) + 1;
    if (!member && !strangers_may_have(c, len)) return false;
    send_with(c, to, name, msg, member ? show_news : NULL);
    return true;
}
