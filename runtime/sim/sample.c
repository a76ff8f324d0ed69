/*
 * sample.c - values one by one into a distribution. Of more than it keeps each has the same chance
 * to be among those that are kept (Vitter's algorithm R), the same in every run.
 */
#include "sample.h"
#include <stdlib.h>

static uint64_t draw(struct kith_sample *s, uint64_t n)
{
    uint64_t z = s->chance += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % n;
}

static bool keep(struct kith_sample *s, double value)
{
    if (s->kept == KITH_SAMPLE_KEPT) {
        uint64_t at = draw(s, s->count);
        if (at < s->kept) s->values[at] = value;
        return true;
    }
    if (s->kept == s->room) {
        size_t room = s->room ? 2 * s->room : 16;
        double *values = realloc(s->values, room * sizeof *values);
        if (!values) return false;
        s->values = values;
        s->room = room;
    }
    s->values[s->kept++] = value;
    return true;
}

bool kith_sample_add(struct kith_sample *s, double value)
{
    if (!s->count || value < s->min) s->min = value;
    if (!s->count || value > s->max) s->max = value;
    s->count++;
    s->sum += value;
    return keep(s, value);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Nearest rank. In whole numbers: how 0.95 is rounded differs from one machine to another. */
static double percentile(const struct kith_sample *s, uint64_t percent)
{
    size_t i = (size_t)(percent * s->kept / 100);
    return s->values[i < s->kept ? i : s->kept - 1];
}

void kith_sample_end(struct kith_sample *s, struct kith_spread *out)
{
    *out = (struct kith_spread){.count = s->count};
    if (s->kept) {
        qsort(s->values, s->kept, sizeof *s->values, compare);
        out->min = s->min;
        out->max = s->max;
        out->mean = s->sum / (double)s->count;
        out->p50 = percentile(s, 50);
        out->p95 = percentile(s, 95);
        out->p99 = percentile(s, 99);
    }
    out->values = s->values;
    out->value_count = s->kept;
    *s = (struct kith_sample){0};
}
