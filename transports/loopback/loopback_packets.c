/*
 * loopback_packets.c - packets, both ways, and the hint that nobody was there to take one.
 */
#include "loopback.h"

static int drop_number(int fate)
{
    return fate == KITH_NETWORK_LOST     ? KITH_LO_N_LOST
           : fate == KITH_NETWORK_IS_CUT ? KITH_LO_N_CUT
                                         : KITH_LO_N_BACKLOG;
}

/* One copy. Which number counts it, if it can't be. */
static int carry(struct kith_lo *l, struct kith_lo_port *to, const struct kith_buf *buf,
                 uint64_t at, uint64_t now)
{
    struct kith_lo_item *item = kith_lo_item_new(l->net, KITH_LO_A_PACKET, buf->len);
    if (!item) return KITH_LO_N_MEMORY;
    item->addr = l->addr;
    if (buf->len) memcpy(kith_lo_item_bytes(item), buf->data, buf->len);
    return kith_lo_push(l->net, to, item, at, now);
}

/* Say to the node, with the delay of an answer, that nobody was there at `at`. */
static void hint(struct kith_lo *l, struct kith_lo_port *nobody, uint64_t at, uint64_t now)
{
    uint64_t back[2];
    if (l->port->hints >= KITH_LO_HINTS) return;
    if (kith_network_packet(l->net->network, nobody->index, l->port->index, 0, at, back) < 1)
        return;
    struct kith_lo_item *item = kith_lo_item_new(l->net, KITH_LO_A_HINT, 0);
    if (!item) return;
    item->addr = nobody->addr;
    if (!kith_lo_push(l->net, l->port, item, back[0], now)) l->port->hints++;
}

static void send_to(struct kith_lo *l, struct kith_lo_port *to, const struct kith_buf *buf,
                    uint64_t now)
{
    uint64_t *count = l->port->count, at[2];
    int n = kith_network_packet(l->net->network, l->port->index, to->index, buf->len, now, at);
    if (n < 0) {
        count[drop_number(n)]++;
        return;
    }
    if (n == 2) count[KITH_LO_N_DOUBLED]++;
    for (int i = 0; i < n; i++) {
        int dropped = to->node ? carry(l, to, buf, at[i], now) : KITH_LO_N_NOBODY;
        if (dropped) count[dropped]++;
    }
    if (!to->node && to->refuses) hint(l, to, at[0], now);
}

int kith_lo_send_packet(void *self, const struct kith_peer *to, struct kith_buf *buf)
{
    struct kith_lo *l = self;
    if (!to->addr || !to->addr->len) return -KITH_EINVAL;
    if (buf->len > l->mtu) return -KITH_ETOOBIG;
    uint64_t now = l->host->now(l->host);
    kith_lo_lock(l->net);
    l->port->count[KITH_LO_N_SENT]++;
    l->port->count[KITH_LO_N_SENT_BYTES] += buf->len;
    struct kith_lo_port *port = kith_lo_port_find(l->net, to->addr);
    if (port)
        send_to(l, port, buf, now);
    else
        l->port->count[KITH_LO_N_NOBODY]++;
    kith_lo_unlock(l->net);
    return 0;
}

void kith_lo_packet_arrived(struct kith_lo *l, struct kith_lo_item *item)
{
    struct kith_peer from = {.size = sizeof from, .addr = &item->addr};
    uint8_t *bytes = kith_lo_item_bytes(item);
    struct kith_buf buf = {.base = bytes - KITH_LO_ROOM,
                           .data = bytes,
                           .len = item->len,
                           .cap = item->len + 2 * KITH_LO_ROOM};
    l->up->packet_in(l->up, &from, &buf, l->host->now(l->host));
}
