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

bool kith_bits_cover(const struct kith_bits *a, const struct kith_bits *b)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->words[i] & ~(i < a->count ? a->words[i] : 0)) return false;
    return true;
}

bool kith_bits_copy(struct kith_bits *to, const struct kith_bits *from)
{
    kith_bits_clear(to);
    if (to->count < from->count) {
        uint64_t *words = realloc(to->words, from->count * sizeof *words);
        if (!words) return false;
        to->words = words;
        to->count = from->count;
    }
    if (!from->count) return true;
    memcpy(to->words, from->words, from->count * sizeof *to->words);
    return true;
}

void kith_bits_clear(struct kith_bits *b)
{
    if (b->count) memset(b->words, 0, b->count * sizeof *b->words);
}

void kith_bits_free(struct kith_bits *b)
{
    free(b->words);
    *b = (struct kith_bits){0};
}
