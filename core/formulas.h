/*
 * formulas.h - how memberlist's times and limits follow from the size of the cluster and its
 * settings: numbers in, a number out. Knows no core.
 */
#ifndef KITH_FORMULAS_H
#define KITH_FORMULAS_H

#include <stddef.h>
#include <stdint.h>

/* How often a broadcast is sent: mult * ceil(log10(n + 1)) (PROTOCOL.md 2.17). */
unsigned kith_retransmit_limit(unsigned mult, size_t n);

/* How long a suspect has at least, in the unit of interval, and how much of that is left after
 * `count` of the k confirmations that are wanted (PROTOCOL.md 2.6). */
uint64_t kith_suspicion_min(uint32_t mult, size_t n, uint64_t interval);
int64_t kith_suspicion_remaining(uint32_t count, uint32_t k, uint64_t elapsed, uint64_t min,
                                 uint64_t max);

/* The local health score after `delta`, 0 to max_multiplier - 1 (PROTOCOL.md 2.7). */
unsigned kith_awareness_apply(unsigned score, int delta, unsigned max_multiplier);

/* Bytes that all members may have in a state, so that it can always be sent: three quarters. The
 * rest is for what delegates exchange, and for layers. */
uint64_t kith_members_most(uint64_t max_stream_size);

/* Between two push/pulls lie interval times this (PROTOCOL.md 2.10). */
uint32_t kith_push_pull_scale(size_t n);

#endif
