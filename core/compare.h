/*
 * compare.h - are two short byte strings equal, two addresses the same? They are compared on every
 * packet and are not worth a call.
 */
#ifndef KITH_COMPARE_H
#define KITH_COMPARE_H

#include <kith/plugin.h>

static inline bool kith_short_equal(struct kith_bytes a, struct kith_bytes b)
{
    uint64_t x, y;
    uint32_t v, w;
    if (a.len != b.len) return false;
    if (a.len > 16) return memcmp(a.data, b.data, a.len) == 0;
    if (a.len >= 8) {
        memcpy(&x, a.data, 8);
        memcpy(&y, b.data, 8);
        if (x != y) return false;
        memcpy(&x, a.data + a.len - 8, 8);
        memcpy(&y, b.data + b.len - 8, 8);
        return x == y;
    }
    if (a.len >= 4) {
        memcpy(&v, a.data, 4);
        memcpy(&w, b.data, 4);
        if (v != w) return false;
        memcpy(&v, a.data + a.len - 4, 4);
        memcpy(&w, b.data + b.len - 4, 4);
        return v == w;
    }
    for (size_t i = 0; i < a.len; i++)
        if (a.data[i] != b.data[i]) return false;
    return true;
}

/* A mapped IPv4 address in its short form; any other as it is. */
static inline struct kith_bytes kith_addr_short(struct kith_bytes addr)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (addr.len != 16 || memcmp(addr.data, mapped, 12) != 0) return addr;
    return kith_bytes_of(addr.data + 12, 4);
}

#endif
