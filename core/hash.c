/*
 * hash.c - SipHash-1-3: one round a word, three at the end.
 */
#include "hash.h"

struct lanes {
    uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t x, unsigned by) { return x << by | x >> (64 - by); }

static inline void round_of(struct lanes *v)
{
    v->a += v->b;
    v->c += v->d;
    v->b = rotate(v->b, 13) ^ v->a;
    v->d = rotate(v->d, 16) ^ v->c;
    v->a = rotate(v->a, 32) + v->d;
    v->c += v->b;
    v->d = rotate(v->d, 21) ^ v->a;
    v->b = rotate(v->b, 17) ^ v->c;
    v->c = rotate(v->c, 32);
}

static inline void absorb(struct lanes *v, uint64_t word)
{
    v->d ^= word;
    round_of(v);
    v->a ^= word;
}

/* Little-endian, whatever the machine; compilers make one load of it. */
static inline uint64_t load32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t load64(const uint8_t *p) { return load32(p) | load32(p + 4) << 32; }

/* Up to seven bytes. Those that are loaded twice stand in the same place both times. */
static inline uint64_t load_few(const uint8_t *p, size_t len)
{
    if (len >= 4) return load32(p) | load32(p + len - 4) << 8 * (len - 4);
    if (len == 0) return 0;
    return p[0] | (uint64_t)p[len / 2] << 8 * (len / 2) | (uint64_t)p[len - 1] << 8 * (len - 1);
}

uint64_t kith_hash(const struct kith_hash_key *key, const void *data, size_t len)
{
    const uint64_t k = key->words[0], l = key->words[1];
    struct lanes v = {k ^ 0x736f6d6570736575u, l ^ 0x646f72616e646f6du, k ^ 0x6c7967656e657261u,
                      l ^ 0x7465646279746573u};
    const uint8_t *p = data;
    size_t left = len;
    for (; left >= 8; p += 8, left -= 8) absorb(&v, load64(p));
    absorb(&v, load_few(p, left) | (uint64_t)len << 56);
    v.c ^= 0xff;
    for (int i = 0; i < 3; i++) round_of(&v);
    return v.a ^ v.b ^ v.c ^ v.d;
}
