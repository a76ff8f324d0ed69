/*
 * lzw_encode.c - the encoder, see lzw.h.
 */
#include "lzw.h"

#include <string.h>

/* Codes are packed from the least significant bit up. */
struct writer {
    uint64_t bits;
    unsigned count;              /* bits in `bits`, < 32 between calls */
    uint8_t *out;
};

static inline void put(struct writer *w, uint32_t code, unsigned width)
{
    w->bits |= (uint64_t)code << w->count;
    w->count += width;
    if (w->count >= 32) {
        for (int i = 0; i < 4; i++) w->out[i] = (uint8_t)(w->bits >> 8 * i);
        w->out += 4;
        w->bits >>= 32;
        w->count -= 32;
    }
}

static void forget(struct lzw_encoder *e)
{
    if (++e->generation < 4096) return;
    memset(e->tags, 0, sizeof e->tags);
    e->generation = 1;
}

static inline unsigned slot_of(uint32_t key) { return key * 0x9E3779B1u >> 19; }

size_t kith_lzw_encode(struct lzw_encoder *e, const uint8_t *in, size_t n, uint8_t *out, size_t cap)
{
    struct writer w = {.out = out};
    unsigned hi = LZW_EOF, width = LZW_WIDTH;
    const uint8_t *end = in + n, *full = out + cap;
    uint32_t code, stamp;

    forget(e);
    stamp = e->generation << 20;
    put(&w, LZW_CLEAR, width);
    if (!n) goto finish;
    code = *in++;
    for (;;) {
        unsigned slot = 0;
        uint32_t tag = 0;
        for (; in < end; in++) {         /* the longest string that is known */
            tag = stamp | code << 8 | *in;
            slot = slot_of(tag & 0xFFFFF);
            while (e->tags[slot] != tag && e->tags[slot] >= stamp) slot = (slot + 1) % LZW_SLOTS;
            if (e->tags[slot] != tag) break;
            code = e->codes[slot];
        }
        put(&w, code, width);
        if (w.out > full) return 0;
        if (++hi == 1u << width) width++;
        if (hi == LZW_LAST) {
            put(&w, LZW_CLEAR, width);
            width = LZW_WIDTH;
            hi = LZW_EOF;
            forget(e);
            stamp = e->generation << 20;
        } else if (in < end) {
            e->tags[slot] = tag;
            e->codes[slot] = (uint16_t)hi;
        }
        if (in == end) break;
        code = *in++;
    }
finish:
    put(&w, LZW_EOF, width);
    for (; w.count; w.count = w.count > 8 ? w.count - 8 : 0, w.bits >>= 8) *w.out++ = (uint8_t)w.bits;
    return w.out <= full ? (size_t)(w.out - out) : 0;
}
