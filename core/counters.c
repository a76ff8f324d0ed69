/*
 * counters.c - a value into its histogram.
 */
#include "counters.h"

static const double times[KITH_BUCKETS] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01,
                                           0.025,  0.05,    0.1,    0.25,  0.5,    1,     5};
static const double sizes[KITH_BUCKETS] = {64,      128,     256,      512,     1024,
                                           1400,    4096,    16384,    65536,   262144,
                                           1048576, 4194304, 16777216, 67108864};
static const double lengths[KITH_BUCKETS] = {0,   1,   2,   5,    10,   20,    50,
                                             100, 200, 500, 1000, 5000, 20000, 100000};

static const double *const bounds[KITH_HIST_MAX] = {
    [KITH_HIST_PROBE_RTT] = times,    [KITH_HIST_PROBE] = times,   [KITH_HIST_PUSH_PULL] = times,
    [KITH_HIST_GOSSIP] = sizes,       [KITH_HIST_QUEUE] = lengths, [KITH_HIST_STATE] = sizes,
    [KITH_HIST_REMOTE_STATE] = sizes,
};

const double *kith_counters_bounds(enum kith_core_histogram which) { return bounds[which]; }

void kith_counters_observe(struct kith_counters *s, enum kith_core_histogram which, double value)
{
    unsigned i = 0;
    while (i < KITH_BUCKETS && value > bounds[which][i]) i++;
    if (i < KITH_BUCKETS) s->histograms[which].buckets[i]++;
    s->histograms[which].count++;
    s->histograms[which].sum += value;
}
