/*
 * allowed.c - which addresses may be members (PROTOCOL.md 2.12).
 */
#include "allowed.h"
#include "compare.h"
#include "state.h"

bool kith_allowed(const struct kith_core *c, struct kith_bytes addr)
{
    if (c->set.cidrs_count == 0) return true;
    addr = kith_addr_short(addr);
    for (size_t i = 0; i < c->set.cidrs_count; i++) {
        const struct kith_cidr *net = &c->set.cidrs_allowed[i];
        unsigned whole = net->prefix / 8, bits = net->prefix % 8;
        if (net->len != addr.len || memcmp(net->bytes, addr.data, whole) != 0) continue;
        if (bits == 0 || ((net->bytes[whole] ^ addr.data[whole]) >> (8 - bits)) == 0) return true;
    }
    return false;
}
