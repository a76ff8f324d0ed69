/*
 * lzw.h - LZW as Go's compress/lzw writes it with LSB order and 8-bit literals (the flavour of
 * GIF); memberlist's only compression (docs/WIRE.md; PROTOCOL.md 1.6). The encoder gives the same
 * bytes as Go's.
 *
 * Bytes to bytes: knows nothing of messages, layers or the host.
 */
#ifndef KITH_LZW_H
#define KITH_LZW_H

#include <stddef.h>
#include <stdint.h>

enum {
    LZW_CLEAR = 256, /* forget all strings */
    LZW_EOF = 257,
    LZW_WIDTH = 9,     /* of codes after a clear; they grow to 12 bits */
    LZW_LAST = 4095,   /* the largest code */
    LZW_SLOTS = 32768, /* of the encoder's hash table: at most 3837 are in use */
    /* ...of which smaller messages use these, so that they are cleared quickly */
    LZW_SLOTS_SMALL = 4096,
    LZW_SLOTS_LEAST = 256,
    LZW_SLACK = 16 /* bytes that the encoder may write beyond what it returns */
};

/* Working memory of the encoder. Whatever is in it before a call, the result is the same, so others
 * may have it between calls: only slots are cleared, as many as the message needs. Strings are
 * found by (code of all but the last byte, last byte). */
struct lzw_encoder {
    uint32_t slots[LZW_SLOTS];     /* code << 20 | byte << 12 | code of both; or all ones */
    uint16_t newest[8192];         /* by a hash of the first bytes: the last string that began so */
    uint32_t start[LZW_LAST + 1];  /* by code: where in the input its string is, */
    uint16_t length[LZW_LAST + 1]; /* how long, */
    uint16_t parent[LZW_LAST + 1]; /* and the code of all but the last byte */
};

/* What a byte adds to a slot's number: a secret, so that nobody can choose bytes whose strings take
 * long to find. */
struct lzw_mix {
    uint16_t of[256];
};
void kith_lzw_mix(struct lzw_mix *, uint64_t seed);

/* Most that encoding n bytes can give: each byte a code of 12 bits, and the clears, about one in
 * 3837 codes. */
static inline size_t lzw_bound(size_t n) { return (n + n / 3000 + 4) * 3 / 2 + LZW_SLACK; }

/* How long the result is; 0: longer than cap. out has room for cap + LZW_SLACK. */
size_t kith_lzw_encode(struct lzw_encoder *, const struct lzw_mix *, const uint8_t *in, size_t n,
                       uint8_t *out, size_t cap);

/* Likewise of the decoder: where in the output the string of a code begins, and its length. */
struct lzw_decoder {
    uint32_t start[LZW_LAST + 1];
    uint16_t length[LZW_LAST + 1];
};

/* How many bytes `in` decodes to, which checks every code; -1: not LZW; -2: more than limit. What
 * follows the end code is ignored. */
int64_t kith_lzw_measure(struct lzw_decoder *, const uint8_t *in, size_t n, uint64_t limit);
/* The same, and the bytes; cap is the limit. */
int64_t kith_lzw_decode(struct lzw_decoder *, const uint8_t *in, size_t n, uint8_t *out,
                        size_t cap);

#endif
