/*
 * lzw_decode.c - the decoder, see lzw.h. It accepts what Go's does: a missing first clear, repeated
 * clears, a clear that comes later than the table is full. The string of each code is a piece of
 * the output already written (that of the code before it and one byte more), so that no chain of
 * bytes has to be followed backwards.
 *
 * Two passes: the first finds the length and everything that could be wrong, so that nothing is
 * written, nor memory taken, for input that would be refused.
 */
#include "lzw.h"

#include <endian.h>
#include <string.h>

struct reader {
    uint64_t bits;
    unsigned count;
    const uint8_t *in, *end;
};

static inline int take(struct reader *r, unsigned width)
{
    while (r->count < width) {
        if (r->in == r->end) return -1;
        if (r->end - r->in >= 4) {
            uint32_t next;
            memcpy(&next, r->in, 4);
            r->bits |= (uint64_t)le32toh(next) << r->count;
            r->in += 4;
            r->count += 32;
        } else {
            r->bits |= (uint64_t)*r->in++ << r->count;
            r->count += 8;
        }
    }
    int code = (int)(r->bits & ((1u << width) - 1));
    r->bits >>= width;
    r->count -= width;
    return code;
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

int64_t kith_lzw_measure(struct lzw_decoder *d, const uint8_t *in, size_t n, uint64_t limit)
{
    if (!n) return -1; /* a Buf that is nil: there is no `in` */
    struct reader r = {.in = in, .end = in + n};
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
        if (code > (int)s.hi || (code == (int)s.hi && s.last < 0 && s.hi != LZW_LAST)) return -1;
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

void kith_lzw_decode(struct lzw_decoder *d, const uint8_t *in, size_t n, uint8_t *out, size_t len)
{
    struct reader r = {.in = in, .end = in + n};
    struct state s;
    uint8_t *o = out, *before = out; /* where the string of the last code begins */
    int code;

    clear(&s);
    while ((code = take(&r, s.width)) != LZW_EOF && code >= 0) {
        if (code == LZW_CLEAR) {
            clear(&s);
            continue;
        }
        if (s.last >= 0) {
            d->start[s.hi] = (uint32_t)(before - out);
            d->length[s.hi] = (uint16_t)(o - before + 1);
        }
        before = o;
        if (code < LZW_CLEAR) {
            *o++ = (uint8_t)code;
        } else {
            o = repeat(o, out + d->start[code], d->length[code], out + len);
        }
        advance(&s, code);
    }
}
