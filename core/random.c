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

uint64_t kith_random_below(struct kith_random *r, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)next(r) * n) >> 64);
}
