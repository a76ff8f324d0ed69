/*
 * random.c - splitmix64.
 */
#include "random.h"

/* splitmix64 (Steele, Lea, Flood 2014) */
static inline uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t next(struct kith_random *r) { return mix(r->state += 0x9e3779b97f4a7c15u); }

/* The upper half of a * b, where no type holds 128 bits. */
static uint64_t upper_product(uint64_t a, uint64_t b)
{
    uint64_t ah = a >> 32, al = (uint32_t)a, bh = b >> 32, bl = (uint32_t)b;
    uint64_t one = ah * bl + (al * bl >> 32), other = al * bh + (uint32_t)one;
    return ah * bh + (one >> 32) + (other >> 32);
}

uint64_t kith_random_below(struct kith_random *r, uint64_t n) { return upper_product(next(r), n); }
