/*
 * self.c - what this node says of itself: its meta, its alive message, its pings.
 */
#include "self.h"
#include "packet.h"
#include "state.h"
#include "view.h"
#include "words.h"

int kith_self_meta(struct kith_core *c, uint8_t *buf, struct kith_bytes *meta)
{
    int n = 0;
    if (c->ops.node_meta)
        KITH_ASK(c, n = c->ops.node_meta(c->env.delegate_self, buf, KITH_META_MAX));
    if (n > KITH_META_MAX) n = -KITH_ETOOBIG;
    *meta = kith_bytes_of(c->ops.node_meta ? buf : NULL, n > 0 ? (size_t)n : 0);
    return n < 0 ? n : 0;
}

/* Where others shall know us: while we move, still where they do. */
static const struct kith_addr *address(const struct kith_core *c)
{
    return c->moving.state == KITH_MOVING_SETTLED ? &c->advertise : &c->moving.from;
}

bool kith_self_away(struct kith_core *c, uint32_t incarnation)
{
    if (c->moving.state != KITH_MOVING_AWAY) return false;
    if (incarnation > c->moving.claimed) c->moving.claimed = incarnation;
    return true;
}

/* Our alive message, its meta as it is given. */
static void bare_alive(const struct kith_core *c, struct kith_msg *msg, uint32_t incarnation,
                       struct kith_bytes meta)
{
    memset(msg, 0, sizeof *msg);
    msg->type = KITH_MSG_ALIVE;
    msg->incarnation = incarnation;
    msg->node = kith_self_name(c);
    const struct kith_addr *where = address(c);
    msg->addr = kith_bytes_of(where->bytes, where->len);
    msg->port = where->port;
    msg->meta = meta;
    msg->vsn = kith_bytes_of(c->versions, sizeof c->versions);
}

/* Largest size of our alive message with `meta` bytes of meta. */
static size_t alive_size(const struct kith_core *c, size_t meta)
{
    struct kith_msg alive;
    bare_alive(c, &alive, UINT32_MAX, kith_bytes_of(c->meta, meta));
    return kith_wire_size(KITH_BODY_ALIVE, &alive) + 1;
}

size_t kith_self_meta_max(const struct kith_core *c)
{
    size_t max = kith_packet_broadcast_max(kith_packet_budget(c, NULL).bytes);
    size_t len = alive_size(c, KITH_META_MAX), meta = KITH_META_MAX;
    if (len > max) meta -= len - max < meta ? len - max : meta;
    while (meta < KITH_META_MAX && alive_size(c, meta + 1) <= max) meta++; /* a shorter header */
    return meta;
}

/* Let the delegate append its trailer to the meta of len bytes in buf; the new length. */
static size_t seal(struct kith_core *c, const struct kith_msg *alive, uint8_t *buf, size_t len)
{
    char name[KITH_NAME_LIMIT + 1];
    struct kith_member view;
    uint8_t bare[KITH_META_MAX];
    size_t cap = kith_self_meta_max(c);
    int n;
    if (!c->ops.seal_meta || cap <= len) return len;
    kith_view_message(c, alive, name, &view);
    memcpy(bare, buf, len);
    KITH_ASK(c, n = c->ops.seal_meta(c->env.delegate_self, &view, buf, len, cap));
    if (n >= 0 && (size_t)n <= cap) return (size_t)n;
    memcpy(buf, bare, len); /* announced as it is */
    return len;
}

void kith_self_alive(struct kith_core *c, struct kith_msg *msg, uint32_t incarnation,
                     struct kith_bytes meta, uint8_t *buf)
{
    if (meta.len) memmove(buf, meta.data, meta.len);
    if (meta.data) meta.data = buf;
    bare_alive(c, msg, incarnation, meta);
    size_t len = seal(c, msg, buf, meta.len);
    if (len) msg->meta = kith_bytes_of(buf, len);
}

void kith_self_said(const struct kith_core *c, struct kith_msg *msg)
{
    bare_alive(c, msg, c->self->incarnation, kith_record_meta(c->self));
    msg->vsn = kith_bytes_of(c->self->versions, sizeof c->self->versions);
}

uint32_t kith_self_next(const struct kith_core *c)
{
    uint32_t now = c->self->incarnation;
    return now < UINT32_MAX ? now + 1 : now;
}

void kith_self_keep(struct kith_core *c, struct kith_bytes meta)
{
    c->meta_set = meta.data != NULL;
    c->meta_len = (uint16_t)meta.len;
    if (meta.len) memcpy(c->meta, meta.data, meta.len);
}

struct kith_bytes kith_self_kept(const struct kith_core *c)
{
    return kith_bytes_of(c->meta_set ? c->meta : NULL, c->meta_len);
}

void kith_self_ping(struct kith_core *c, struct kith_msg *msg, uint32_t seq_no,
                    struct kith_bytes name)
{
    memset(msg, 0, sizeof *msg);
    msg->type = KITH_MSG_PING;
    msg->seq_no = seq_no;
    msg->node = name;
    msg->source_addr = kith_bytes_of(c->advertise.bytes, c->advertise.len);
    msg->source_port = c->advertise.port;
    msg->source_node = kith_self_name(c);
    kith_kin_say(c, msg);
}

int kith_self_fits(const struct kith_core *c, struct kith_bytes meta,
                   struct kith_core_budget budget, char *why)
{
    size_t len = alive_size(c, meta.len);
    if (len <= kith_packet_broadcast_max(budget.bytes)) return 0;
    *why = 0;
    kith_words_number(why, KITH_SELF_WHY, len, " bytes of alive message, ");
    kith_words_number(why, KITH_SELF_WHY, meta.len,
                      " of them meta, can't be gossiped in packets of ");
    kith_words_number(why, KITH_SELF_WHY, budget.bytes, " bytes (the limit is ");
    kith_words(why, KITH_SELF_WHY, budget.limit);
    kith_words(why, KITH_SELF_WHY, "), which take ");
    kith_words_number(why, KITH_SELF_WHY, kith_packet_broadcast_max(budget.bytes), "");
    return -KITH_ETOOBIG;
}
