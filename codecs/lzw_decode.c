/*
 * lzw_decode.c - the decoder, see lzw.h. It accepts what Go's does: a missing first clear, repeated
 * clears, a clear that comes later than the table is full. The string of each code is a piece of
 * the output already written (that of the code before it and one byte more), so that no chain of
 * bytes has to be followed backwards.
 *
 * Where the output is long there are two passes: the first finds the length and everything that
 * could be wrong, so that no memory is taken for input that would be refused.
 */
#include "lzw.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

/* Each code is loaded from where it begins, so that none waits for the one before. */
struct reader {
    const uint8_t *in;
    size_t len;
    uint64_t at; /* in bits */
};

/* The bytes from there on; there may be fewer than eight. */
static inline uint64_t load_last(const struct reader *r, size_t from)
{
    uint64_t bits = 0;
    for (size_t i = from; i < r->len; i++) bits |= (uint64_t)r->in[i] << 8 * (i - from);
    return bits;
}

static inline int take(struct reader *r, unsigned width)
{
    size_t from = (size_t)(r->at / 8);
    uint64_t bits;
    if (r->len - from >= sizeof bits) {
        memcpy(&bits, r->in + from, sizeof bits);
        bits = le64toh(bits);
    } else {
        if (r->at + width > (uint64_t)r->len * 8) return -1;
        bits = load_last(r, from);
    }
    bits >>= r->at % 8;
    r->at += width;
    return (int)(bits & ((1u << width) - 1));
}

/* What both passes know after each code. */
struct state {
    unsigned hi, width; /* the code that the next string gets */
    int last;           /* the code before; -1: none, the next one adds no string */
};

static void clear(struct state *s)
{
    *s = (struct state){.hi = LZW_EOF, .width = LZW_WIDTH, .last = -1};
}

static inline void advance(struct state *s, int code)
{
    s->last = code;
    if (s->hi == LZW_LAST)
        s->last = -1; /* full: only a clear makes room again */
    else if (++s->hi == 1u << s->width)
        s->width++;
}

/* Or the one that gets its string just now. */
static inline bool is_known(const struct state *s, int code)
{
    return code < (int)s->hi || (code == (int)s->hi && (s->last >= 0 || s->hi == LZW_LAST));
}

int64_t kith_lzw_measure(struct lzw_decoder *d, const uint8_t *in, size_t n, uint64_t limit)
{
    if (!n) return -1; /* a Buf that is nil: there is no `in` */
    struct reader r = {.in = in, .len = n};
    struct state s;
    uint64_t total = 0;
    int code;

    clear(&s);
    while ((code = take(&r, s.width)) != LZW_EOF) {
        if (code < 0) return -1;
        if (code == LZW_CLEAR) {
            clear(&s);
            continue;
        }
        if (!is_known(&s, code)) return -1;
        if (s.last >= 0)
            d->length[s.hi] = s.last < LZW_CLEAR ? 2 : (uint16_t)(d->length[s.last] + 1);
        total += code < LZW_CLEAR ? 1 : d->length[code];
        if (total > limit) return -2;
        advance(&s, code);
    }
    return (int64_t)total;
}

/* Copy a piece of the output to its end. Wide when nothing overlaps and there is room to write
 * beyond. */
static inline uint8_t *repeat(uint8_t *o, const uint8_t *from, size_t len, const uint8_t *end)
{
    if (o - from < 8 || (size_t)(end - o) < len + 8) {
        while (len--) *o++ = *from++; /* may overlap: a string that begins with itself */
        return o;
    }
    for (size_t i = 0; i < len; i += 8) memcpy(o + i, from + i, 8);
    return o + len;
}

int64_t kith_lzw_decode(struct lzw_decoder *d, const uint8_t *in, size_t n, uint8_t *out,
                        size_t cap)
{
    if (!n) return -1;
    struct reader r = {.in = in, .len = n};
    struct state s;
    uint8_t *o = out, *before = out; /* where the string of the last code begins */
    const uint8_t *end = out + cap;
    int code;

    clear(&s);
    while ((code = take(&r, s.width)) != LZW_EOF) {
        if (code < 0) return -1;
        if (code == LZW_CLEAR) {
            clear(&s);
            continue;
        }
        if (!is_known(&s, code)) return -1;
        if (s.last >= 0) {
            d->start[s.hi] = (uint32_t)(before - out);
            d->length[s.hi] = (uint16_t)(o - before + 1);
        }
        size_t len = code < LZW_CLEAR ? 1 : d->length[code];
        if ((size_t)(end - o) < len) return -2;
        before = o;
        if (code < LZW_CLEAR)
            *o++ = (uint8_t)code;
        else
            o = repeat(o, out + d->start[code], len, end);
        advance(&s, code);
    }
    return o - out;
}
