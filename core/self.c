/*
 * self.c - what this node says of itself: its meta, its alive message, its pings.
 */
#include "self.h"
#include "packet.h"
#include "state.h"

int kith_self_meta(struct kith_core *c, uint8_t *buf, struct kith_bytes *meta)
{
    int n = 0;
    if (c->ops.node_meta)
        KITH_ASK(c, n = c->ops.node_meta(c->env.delegate_self, buf, KITH_META_MAX));
    if (n > KITH_META_MAX) n = -KITH_ETOOBIG;
    *meta = kith_bytes_of(c->ops.node_meta ? buf : NULL, n > 0 ? (size_t)n : 0);
    return n < 0 ? n : 0;
}

void kith_self_alive(const struct kith_core *c, struct kith_msg *msg, uint32_t incarnation,
                     struct kith_bytes meta)
{
    memset(msg, 0, sizeof *msg);
    msg->type = KITH_MSG_ALIVE;
    msg->incarnation = incarnation;
    msg->node = kith_self_name(c);
    msg->addr = kith_bytes_of(c->advertise.bytes, c->advertise.len);
    msg->port = c->advertise.port;
    msg->meta = meta;
    msg->vsn = kith_bytes_of(c->versions, sizeof c->versions);
}

void kith_self_ping(const struct kith_core *c, struct kith_msg *msg, uint32_t seq_no,
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

/* Append a number and what it counts: printf is not for a pure core. */
static void say(char *text, size_t number, const char *unit)
{
    char digits[24], *p = digits + sizeof digits - 1;
    *p = 0;
    do {
        *--p = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    size_t len = strlen(text);
    strncpy(text + len, p, KITH_SELF_WHY - len - 1);
    len = strlen(text);
    strncpy(text + len, unit, KITH_SELF_WHY - len - 1);
}

int kith_self_fits(const struct kith_core *c, struct kith_bytes meta, size_t budget, char *why)
{
    struct kith_msg alive;
    kith_self_alive(c, &alive, UINT32_MAX, meta); /* as long as it may ever be */
    size_t len = kith_wire_size(KITH_BODY_ALIVE, &alive) + 1;
    if (len <= kith_packet_broadcast_max(budget)) return 0;
    memset(why, 0, KITH_SELF_WHY);
    say(why, len, " bytes of alive message, ");
    say(why, meta.len, " of them meta, can't be gossiped in packets of ");
    say(why, budget, " bytes, which take ");
    say(why, kith_packet_broadcast_max(budget), "");
    return -KITH_ETOOBIG;
}
