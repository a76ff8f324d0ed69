/*
 * scan.c - where a msgpack value ends, in bytes that come in pieces.
 */
#include "scan.h"

/* What a head byte announces: the bytes of the head itself, and then bytes or values. */
struct head {
    uint8_t len;       /* 0: no such value */
    uint8_t count_len; /* bytes of the count, within the head */
    uint8_t values;    /* per count: 0 it counts bytes, 1 array, 2 map */
    uint8_t fixed;     /* bytes that follow in any case, or the count when count_len is 0 */
};

static struct head head_of(uint8_t b)
{
    static const struct head high[32] = {
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
    if (b < 0x80 || b >= 0xe0) return (struct head){1, 0, 0, 0};
    if (b < 0x90) return (struct head){1, 0, 2, b & 0x0f};
    if (b < 0xa0) return (struct head){1, 0, 1, b & 0x0f};
    return (struct head){1, 0, 0, b & 0x1f};
}

static uint64_t big_endian(const uint8_t *p, unsigned n)
{
    uint64_t v = 0;
    while (n--) v = v << 8 | *p++;
    return v;
}

void kith_scan_begin(struct kith_scan *s)
{
    s->values = 1;
    s->skip = 0;
}

/* Pass what is there of the current value's bytes. Whether it is whole. */
static bool pass_bytes(struct kith_scan *s, size_t len)
{
    uint64_t there = len - s->at, n = there < s->skip ? there : s->skip;
    s->at += n;
    s->skip -= n;
    if (s->skip) return false;
    s->values--;
    return true;
}

/* Pass a head. 1; 0: it is not all there; -KITH_EMALFORMED. */
static int pass_head(struct kith_scan *s, const uint8_t *data, size_t len)
{
    if (s->at == len) return 0;
    struct head h = head_of(data[s->at]);
    if (h.len == 0) return -KITH_EMALFORMED;
    if (len - s->at < h.len) return 0;
    uint64_t n = h.fixed;
    if (h.count_len) n += big_endian(data + s->at + 1, h.count_len);
    s->at += h.len;
    if (h.values)
        s->values += n * h.values - 1;
    else if (n)
        s->skip = n;
    else
        s->values--;
    return 1;
}

int kith_scan_value(struct kith_scan *s, const uint8_t *data, size_t len, uint64_t limit)
{
    while (s->values > 0) {
        if (s->skip) {
            if (!pass_bytes(s, len)) return 0;
            continue;
        }
        int got = pass_head(s, data, len);
        if (got <= 0) return got;
        if (s->skip > limit || s->values > limit) return -KITH_ETOOBIG;
    }
    return 1;
}
