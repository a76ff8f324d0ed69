/*
 * lzw_encode.c - the encoder, see lzw.h.
 *
 * What costs time in LZW are the branches that no processor can foresee, and following a string
 * byte by byte, each step waiting for the one before. So the table of strings is sparse (a
 * collision is a branch too), codes are packed without branches, and a guess skips most steps:
 * strings are pieces of the input, and the newest one that began with the same six bytes is
 * compared as a whole. Where it differs, the string up to there is one of its ancestors.
 */
#include "lzw.h"

#include <endian.h>
#include <string.h>

enum { GUESS = 6, SMALL = 2048, EMPTY = 0xFF };

/* Codes are packed from the least significant bit up. */
struct writer {
    uint64_t bits;
    unsigned count; /* bits in `bits`, < 8 between calls */
    uint8_t *out;
};

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return le64toh(v);
}

static inline void store64(uint8_t *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, 8);
}

static inline void put(struct writer *w, uint32_t code, unsigned width)
{
    w->bits |= (uint64_t)code << w->count;
    w->count += width;
    store64(w->out, w->bits);
    w->out += w->count / 8;
    w->bits >>= w->count / 8 * 8;
    w->count %= 8;
}

void kith_lzw_mix(struct lzw_mix *mix, uint64_t seed)
{
    for (int i = 0; i < 256; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        mix->of[i] = (uint16_t)(seed >> 49);
    }
}

/* How many of the first n bytes are the same. 8 bytes beyond n are read. */
static inline unsigned common(const uint8_t *a, const uint8_t *b, unsigned n)
{
    for (unsigned i = 0; i < n; i += 8) {
        uint64_t differ = load64(a + i) ^ load64(b + i);
        if (differ && (i += (unsigned)__builtin_ctzll(differ) / 8) < n) return i;
        if (differ) break;
    }
    return n;
}

/* A string that `from` begins with, by guessing; *length of it, or 0. */
static inline uint32_t guess(const struct lzw_encoder *e, const uint8_t *in, const uint8_t *from,
                             const uint8_t *end, unsigned hi, uint16_t *const newest,
                             unsigned *length)
{
    uint32_t code = *newest;
    *length = 0;
    if (code <= LZW_EOF || code > hi || (size_t)(end - from) < e->length[code] + 8u) return 0;
    unsigned whole = e->length[code], same = common(from, in + e->start[code], whole);
    if (same < GUESS) return 0;
    for (unsigned i = same; i < whole; i++) code = e->parent[code];
    *length = same;
    return code;
}

/* How many slots: so many that hardly two strings want the same one, and no more are cleared. */
static unsigned slots_for(size_t n)
{
    unsigned slots = LZW_SLOTS_LEAST;
    if (n > SMALL) return LZW_SLOTS;
    while (slots < 8 * n && slots < LZW_SLOTS_SMALL) slots *= 2;
    return slots;
}

size_t kith_lzw_encode(struct lzw_encoder *e, const struct lzw_mix *mix, const uint8_t *in,
                       size_t n, uint8_t *out, size_t cap)
{
    struct writer w = {.out = out};
    unsigned hi = LZW_EOF, width = LZW_WIDTH, mask = slots_for(n) - 1;
    const uint8_t *at = in, *end = in + n, *full = out + cap;

    memset(e->slots, EMPTY, (mask + 1) * sizeof *e->slots);
    put(&w, LZW_CLEAR, width);
    while (at < end) {
        const uint8_t *from = at;
        uint16_t none = 0, *newest = &none;
        unsigned length = 0, slot = 0;
        uint32_t code = 0, key = 0;
        if (end - from >= 8) {
            newest = &e->newest[(load64(from) << (64 - 8 * GUESS)) * 0x9E3779B97F4A7C15u >> 51];
            code = guess(e, in, from, end, hi, newest, &length);
        }
        if (!length) code = *from;
        for (at += length ? length : 1; at < end; at++) { /* the longest string that is known */
            key = code << 8 | *at;
            slot = (code ^ mix->of[*at]) & mask;
            while (e->slots[slot] >> 12 != key && e->slots[slot] != UINT32_MAX)
                slot = (slot + 1) & mask;
            if (e->slots[slot] == UINT32_MAX) break;
            code = e->slots[slot] & LZW_LAST;
        }
        put(&w, code, width);
        if (w.out > full) return 0;
        if (++hi == 1u << width) width++;
        if (hi == LZW_LAST) {
            put(&w, LZW_CLEAR, width);
            width = LZW_WIDTH;
            hi = LZW_EOF;
            memset(e->slots, EMPTY, (mask + 1) * sizeof *e->slots);
        } else if (at < end) {
            e->slots[slot] = key << 12 | hi;
            e->start[hi] = (uint32_t)(from - in);
            e->length[hi] = (uint16_t)(at - from + 1);
            e->parent[hi] = (uint16_t)code;
            if (at - from >= GUESS - 1) *newest = (uint16_t)hi;
        }
    }
    put(&w, LZW_EOF, width);
    if (w.count) *w.out++ = (uint8_t)w.bits;
    return w.out <= full ? (size_t)(w.out - out) : 0;
}
