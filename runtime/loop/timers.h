/*
 * timers.h - one-shot timers in a binary heap, shared by both loops. Knows no clock: the loop says
 * what time it is. Equal times fire in the order in which they were set, so that a simulation
 * repeats exactly. One thread.
 */
#ifndef KITH_TIMERS_H
#define KITH_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kith_timer;

/* Start with zeroes. There is a place in the heap for every timer that exists, so that arming one
 * cannot fail. */
struct kith_timers {
    struct kith_timer **heap;
    size_t armed, existing, cap;
    uint64_t sequence;
    uint64_t now; /* nothing is set before this */
};

/* NULL: no memory. */
struct kith_timer *kith_timers_add(struct kith_timers *, void (*fn)(void *arg), void *arg);
void kith_timers_set(struct kith_timer *, uint64_t at); /* UINT64_MAX: disarm */
void kith_timers_remove(struct kith_timer *);           /* NULL is fine; also from inside fn */
uint64_t kith_timers_next(const struct kith_timers *);  /* UINT64_MAX: none is armed */
/* Fire what is due; what is set meanwhile waits for the next call, even when it is due at once. */
void kith_timers_run(struct kith_timers *, uint64_t now);
void kith_timers_fini(struct kith_timers *);

#endif
