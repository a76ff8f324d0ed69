/*
 * lzw.h - LZW as Go's compress/lzw writes it with LSB order and 8-bit literals (the flavour of GIF); memberlist's only
 * compression (docs/WIRE.md; memberlist 1.6). The encoder gives the same bytes as Go's.
 *
 * Bytes to bytes: knows nothing of messages, layers or the host.
 */
#ifndef KITH_LZW_H
#define KITH_LZW_H

#include <stddef.h>
#include <stdint.h>

enum {
    LZW_CLEAR = 256,             /* forget all strings */
    LZW_EOF = 257,
    LZW_WIDTH = 9,               /* of codes after a clear; they grow to 12 bits */
    LZW_LAST = 4095,             /* the largest code */
    LZW_SLOTS = 8192,            /* of the encoder's hash table: at most 3837 are in use */
    LZW_SLACK = 8                /* bytes that the encoder may write beyond what it returns */
};

/* Strings are found by (code of all but the last byte, last byte). A slot is in use when its tag bears the current
 * generation, so that a clear costs nothing. */
struct lzw_encoder {
    uint32_t generation;         /* 1..4095 */
    uint32_t tags[LZW_SLOTS];    /* generation << 20 | code << 8 | byte */
    uint16_t codes[LZW_SLOTS];
};

/* Most that encoding n bytes can give: each byte a code of 12 bits, and the clears, about one in 3837 codes. */
static inline size_t lzw_bound(size_t n) { return (n + n / 3000 + 4) * 3 / 2 + LZW_SLACK; }

/* How long the result is; 0: longer than cap. out has room for cap + LZW_SLACK. */
size_t kith_lzw_encode(struct lzw_encoder *, const uint8_t *in, size_t n, uint8_t *out, size_t cap);

/* Scratch of the decoder: where in the output the string of a code begins, and its length. */
struct lzw_decoder {
    uint32_t start[LZW_LAST + 1];
    uint16_t length[LZW_LAST + 1];
};

/* How many bytes `in` decodes to, which checks every code; -1: not LZW; -2: more than limit. What follows the end code is
 * ignored. */
int64_t kith_lzw_measure(struct lzw_decoder *, const uint8_t *in, size_t n, uint64_t limit);
/* Decode what was measured. */
void kith_lzw_decode(struct lzw_decoder *, const uint8_t *in, size_t n, uint8_t *out);

#endif
