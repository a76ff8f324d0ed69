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
#include <stdbool.h>
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

void kith_lzw_init(struct lzw_encoder *e, uint64_t seed)
{
    for (int i = 0; i < 256; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        e->mix[i] = (uint16_t)(seed >> 49);
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

/* One message on its way to codes. */
struct encoding {
    struct lzw_encoder *e;
    const uint8_t *in, *end;
    unsigned mask;         /* slots in use, less one */
    unsigned codes, width; /* the last code that was given to a string; bits of a code */
};

/* The longest string that is known, at one place of the input. */
struct match {
    const uint8_t *from, *at; /* its bytes, up to at */
    uint32_t code;
    uint16_t *newest; /* where strings that begin so are noted; NULL: too near to the end */
    uint32_t key;     /* of the string with the byte at `at` behind it, which is new; */
    unsigned slot;    /* and where that goes. Both only where the input goes on */
};

static inline void forget_strings(struct encoding *c)
{
    memset(c->e->slots, EMPTY, (c->mask + 1) * sizeof *c->e->slots);
    c->codes = LZW_EOF;
    c->width = LZW_WIDTH;
}

/* The newest string that began like this, or the part of it that is the same here. False: there is
 * none, or too little of it. */
static inline bool guess(const struct encoding *c, struct match *m)
{
    const struct lzw_encoder *e = c->e;
    uint32_t code = *m->newest;
    if (code <= LZW_EOF || code > c->codes) return false;
    unsigned whole = e->length[code];
    if ((size_t)(c->end - m->from) < whole + 8u) return false;
    unsigned same = common(m->from, c->in + e->start[code], whole);
    if (same < GUESS) return false;
    for (unsigned i = same; i < whole; i++) code = e->parent[code];
    m->code = code;
    m->at = m->from + same;
    return true;
}

static inline struct match begin(const struct encoding *c, const uint8_t *from)
{
    struct match m = {.from = from};
    if (c->end - from >= 8)
        m.newest = &c->e->newest[(load64(from) << (64 - 8 * GUESS)) * 0x9E3779B97F4A7C15u >> 51];
    if (!m.newest || !guess(c, &m)) {
        m.code = *from;
        m.at = from + 1;
    }
    return m;
}

/* Byte by byte, until the string with one more of them is not known. */
static inline void extend(const struct encoding *c, struct match *m)
{
    const struct lzw_encoder *e = c->e;
    for (; m->at < c->end; m->at++) {
        m->key = m->code << 8 | *m->at;
        m->slot = (m->code ^ e->mix[*m->at]) & c->mask;
        while (e->slots[m->slot] >> 12 != m->key && e->slots[m->slot] != UINT32_MAX)
            m->slot = (m->slot + 1) & c->mask;
        if (e->slots[m->slot] == UINT32_MAX) return;
        m->code = e->slots[m->slot] & LZW_LAST;
    }
}

/* The string with the byte behind it gets the code that was counted for it. */
static inline void remember(struct encoding *c, const struct match *m)
{
    struct lzw_encoder *e = c->e;
    e->slots[m->slot] = m->key << 12 | c->codes;
    e->start[c->codes] = (uint32_t)(m->from - c->in);
    e->length[c->codes] = (uint16_t)(m->at - m->from + 1);
    e->parent[c->codes] = (uint16_t)m->code;
    if (m->newest && m->at - m->from >= GUESS - 1) *m->newest = (uint16_t)c->codes;
}

size_t kith_lzw_encode(struct lzw_encoder *e, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    struct encoding c = {.e = e, .in = in, .end = in + n};
    struct writer w = {.out = out};
    const uint8_t *full = out + cap;
    c.mask = n <= SMALL ? LZW_SLOTS_SMALL - 1 : LZW_SLOTS - 1;
    forget_strings(&c);
    put(&w, LZW_CLEAR, c.width);
    for (const uint8_t *at = in; at < c.end;) {
        struct match m = begin(&c, at);
        extend(&c, &m);
        at = m.at;
        put(&w, m.code, c.width);
        if (w.out > full) return 0;
        if (++c.codes == 1u << c.width) c.width++;
        if (c.codes == LZW_LAST) {
            put(&w, LZW_CLEAR, c.width);
            forget_strings(&c);
        } else if (at < c.end) {
            remember(&c, &m);
        }
    }
    put(&w, LZW_EOF, c.width);
    if (w.count) *w.out++ = (uint8_t)w.bits;
    return w.out <= full ? (size_t)(w.out - out) : 0;
}
