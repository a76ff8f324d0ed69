/*
 * random.c - splitmix64 and a hash made of its mixing step.
 */
#include "random.h"

#include <string.h>

/* splitmix64 (Steele, Lea, Flood 2014) */
static inline uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t kith_random_next(struct kith_random *r) { return mix(r->state += 0x9e3779b97f4a7c15u); }

/* The upper half of a * b, where no type holds 128 bits. */
static uint64_t upper_product(uint64_t a, uint64_t b)
{
    uint64_t ah = a >> 32, al = (uint32_t)a, bh = b >> 32, bl = (uint32_t)b;
    uint64_t one = ah * bl + (al * bl >> 32), other = al * bh + (uint32_t)one;
    return ah * bh + (one >> 32) + (other >> 32);
}

uint64_t kith_random_below(struct kith_random *r, uint64_t n)
{
    return upper_product(kith_random_next(r), n);
}

uint64_t kith_hash(uint64_t seed, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t h = seed ^ len * 0x9e3779b97f4a7c15u;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        h = (h ^ w) * 0xbf58476d1ce4e5b9u;
        h ^= h >> 32;
    }
    uint64_t w = 0;
    for (size_t i = 0; i < len; i++) w |= (uint64_t)p[i] << 8 * i;
    return mix(h ^ w);
}
