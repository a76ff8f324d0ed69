/*
 * alarms.h - what happens at a time: every wait of the core stands in one heap, so that there is
 * one deadline. Knows no clock and not what an alarm is for: its owner embeds it and sets `fire`
 * when it is made.
 */
#ifndef KITH_ALARMS_H
#define KITH_ALARMS_H

#include <stddef.h>
#include <stdint.h>

struct kith_core;

/* Embedded in what waits; at most once in the heap. */
struct kith_alarm {
    uint64_t at;
    uint32_t place; /* in the heap, from 1; 0: not set */
    uint32_t order; /* first set, first fired, among equals */
    void (*fire)(struct kith_core *, struct kith_alarm *);
};

struct kith_alarms {
    struct kith_alarm **heap;
    uint32_t count, cap, owners, order;
};

/* Each alarm that may be set is announced here, so that setting one can't fail. -KITH_ENOMEM. */
int kith_alarms_reserve(struct kith_alarms *, uint32_t owners);
void kith_alarms_release(struct kith_alarms *, uint32_t owners);
void kith_alarms_fini(struct kith_alarms *);

/* Set it, or move it to another time. */
void kith_alarm_set(struct kith_alarms *, struct kith_alarm *, uint64_t at);
void kith_alarm_clear(struct kith_alarms *, struct kith_alarm *);
/* The first one due by now, taken out; NULL: none. */
struct kith_alarm *kith_alarms_due(struct kith_alarms *, uint64_t now);
/* When the first one is due; UINT64_MAX: none is set. */
uint64_t kith_alarms_next(const struct kith_alarms *);

/* The struct of `type` whose `member` the alarm is. */
#define KITH_OF(alarm, type, member) ((type *)(void *)((char *)(alarm)-offsetof(type, member)))

/* a + b, capped instead of overflowing: durations come from people. */
static inline uint64_t kith_later(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - 1 - a ? UINT64_MAX - 1 : a + b;
}

/* When a ticker that was due `at` is due again. Ticks that were missed are not made up for. */
static inline uint64_t kith_next_tick(uint64_t at, uint64_t interval, uint64_t now)
{
    uint64_t late = now > at ? now - at : 0;
    return kith_later(at, (late / interval + 1) * interval);
}

#endif
