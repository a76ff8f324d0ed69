/*
 * formulas.c - see formulas.h. tests/data/vectors.json has memberlist's own results.
 */
#include "formulas.h"

#include <math.h>

unsigned kith_retransmit_limit(unsigned mult, size_t n)
{
    unsigned digits = 0;
    for (uint64_t power = 1; power <= n; power *= 10) {
        digits++;
        if (power > UINT64_MAX / 10) break;
    }
    uint64_t limit = (uint64_t)mult * digits;
    return limit > UINT32_MAX ? UINT32_MAX : (unsigned)limit;
}

uint64_t kith_suspicion_min(uint32_t mult, size_t n, uint64_t interval)
{
    double scale = log10((double)(n ? n : 1));
    uint64_t thousandths = (uint64_t)(1000.0 * (scale > 1.0 ? scale : 1.0));
    uint64_t times = mult * thousandths, min; /* less than 2^47 */
    if (__builtin_mul_overflow(times, interval / 1000, &min) ||
        __builtin_add_overflow(min, times * (interval % 1000) / 1000, &min) || min > INT64_MAX)
        return INT64_MAX;
    return min;
}

int64_t kith_suspicion_remaining(uint32_t count, uint32_t k, uint64_t elapsed, uint64_t min,
                                 uint64_t max)
{
    const double second = 1e9;
    double fraction = log((double)count + 1.0) / log((double)k + 1.0);
    double raw = (double)max / second - fraction * ((double)max / second - (double)min / second);
    double ms = floor(1000.0 * raw);
    uint64_t total = ms <= 0 ? 0 : ms >= 9e12 ? INT64_MAX : (uint64_t)ms * 1000000;
    if (total < min) total = min;
    return (int64_t)(total - elapsed);
}

unsigned kith_awareness_apply(unsigned score, int delta, unsigned max_multiplier)
{
    int top = max_multiplier > 0 ? (int)(max_multiplier - 1) : 0;
    int next = (int)score + delta;
    return (unsigned)(next < 0 ? 0 : next > top ? top : next);
}

uint64_t kith_members_most(uint64_t max_stream_size) { return max_stream_size / 4 * 3; }

uint32_t kith_push_pull_scale(size_t n)
{
    uint32_t times = 1;
    for (uint64_t limit = 32; n > limit; limit *= 2) times++;
    return times;
}
