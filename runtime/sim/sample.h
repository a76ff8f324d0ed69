/*
 * sample.h - values one by one into a distribution, in bounded memory.
 */
#ifndef KITH_SAMPLE_H
#define KITH_SAMPLE_H

#include "result.h"

enum { KITH_SAMPLE_KEPT = 20000 };

struct kith_sample {
    size_t count, kept, room;
    double sum, min, max, *values;
    uint64_t chance;
};

/* All zero: empty. false: no memory for more; then what is there stands for it. */
bool kith_sample_add(struct kith_sample *, double value);
/* The values are the spread's from here on, and the sample is empty. */
void kith_sample_end(struct kith_sample *, struct kith_spread *out);

#endif
