/*
 * random.h - the core's own small generator. Not for secrets: it only has to be even, fast and the
 * same for the same seed.
 */
#ifndef KITH_RANDOM_H
#define KITH_RANDOM_H

#include <stdint.h>

struct kith_random {
    uint64_t state;
};

/* Uniform in [0, n); 0 when n is 0. */
uint64_t kith_random_below(struct kith_random *, uint64_t n);

#endif
