/*
 * slow.c - see slow.h.
 */
#include "slow.h"

#include <time.h>

static _Thread_local uint64_t blamed; /* by this thread, so far */

uint64_t kith_slow_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

struct kith_slow kith_slow_begin(void) { return (struct kith_slow){kith_slow_clock(), blamed}; }

uint64_t kith_slow_end(struct kith_slow call)
{
    uint64_t took = kith_slow_clock() - call.began, others = blamed - call.blamed;
    return took > others && took - others > KITH_SLOW_NS ? took - others : 0;
}

void kith_slow_blamed(uint64_t ns) { blamed += ns; }
