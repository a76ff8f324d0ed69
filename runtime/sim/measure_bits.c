/*
 * measure_bits.c - a bit for each node, in as many words as the highest that is set takes.
 */
#include "measure_parts.h"
#include <stdlib.h>

bool kith_bits_set(struct kith_bits *b, int i, bool on)
{
    size_t word = (size_t)i / 64;
    uint64_t bit = UINT64_C(1) << i % 64;
    if (word >= b->count) {
        if (!on) return true;
        uint64_t *words = realloc(b->words, (word + 1) * sizeof *words);
        if (!words) return false;
        memset(words + b->count, 0, (word + 1 - b->count) * sizeof *words);
        b->words = words;
        b->count = word + 1;
    }
    b->words[word] = on ? b->words[word] | bit : b->words[word] & ~bit;
    return true;
}

bool kith_bits_get(const struct kith_bits *b, int i)
{
    size_t word = (size_t)i / 64;
    return word < b->count && b->words[word] >> i % 64 & 1;
}

void kith_bits_free(struct kith_bits *b)
{
    free(b->words);
    *b = (struct kith_bits){0};
}
