/*
 * view.c - a member as delegates and the owner of the core see it.
 */
#include "view.h"
#include "compare.h"
#include "suspicion.h"
#include "state.h"

void kith_view_record(const struct kith_core *c, const struct kith_record *p,
                      struct kith_member *out)
{
    memset(out, 0, sizeof *out); /* what is behind an address, too: no bytes of our stack */
    out->size = sizeof *out;
    out->state = p->state;
    out->incarnation = p->incarnation;
    out->flags = p == c->self ? KITH_MEMBER_LOCAL : 0;
    memcpy(out->versions, p->versions, sizeof p->versions);
    out->name = kith_record_name(p);
    out->meta = kith_record_meta(p);
    kith_record_address(p, &out->addr);
    out->since = kith_record_since(p);
    out->accuser = kith_record_accuser(p);
}

void kith_view_message(const struct kith_core *c, const struct kith_msg *msg, char *name_copy,
                       struct kith_member *out)
{
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    out->incarnation = msg->incarnation;
    out->state = (uint32_t)msg->state;
    if (kith_short_equal(msg->node, kith_self_name(c))) out->flags = KITH_MEMBER_LOCAL;
    if (msg->vsn.len >= 6) memcpy(out->versions, msg->vsn.data, 6);
    if (msg->node.len) memcpy(name_copy, msg->node.data, msg->node.len);
    name_copy[msg->node.len] = 0;
    out->name = kith_bytes_of(name_copy, msg->node.len);
    out->meta = msg->meta;
    out->addr.len = (uint8_t)msg->addr.len;
    out->addr.port = msg->port;
    if (msg->addr.len) memcpy(out->addr.bytes, msg->addr.data, msg->addr.len);
}

void kith_view_give(const struct kith_member *full, struct kith_member *out)
{
    uint32_t size = out->size < sizeof *full ? out->size : (uint32_t)sizeof *full;
    if (size < sizeof size) return;
    memcpy(out, full, size);
    out->size = size;
}
