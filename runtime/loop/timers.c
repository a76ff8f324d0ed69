/*
 * timers.c - see timers.h.
 */
#include "timers.h"
#include <assert.h>
#include <stdlib.h>

#define NOWHERE SIZE_MAX

struct kith_timer {
    struct kith_timers *owner;
    void (*fn)(void *arg);
    void *arg;
    uint64_t at, sequence;
    size_t place; /* in the heap; NOWHERE: not armed */
};

static bool before(const struct kith_timer *a, const struct kith_timer *b)
{
    return a->at != b->at ? a->at < b->at : a->sequence < b->sequence;
}

static void put(struct kith_timers *t, size_t place, struct kith_timer *timer)
{
    t->heap[place] = timer;
    timer->place = place;
}

static void rise(struct kith_timers *t, size_t place, struct kith_timer *timer)
{
    while (place && before(timer, t->heap[(place - 1) / 2])) {
        put(t, place, t->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(t, place, timer);
}

static void sink(struct kith_timers *t, size_t place, struct kith_timer *timer)
{
    for (size_t child; (child = 2 * place + 1) < t->armed; place = child) {
        if (child + 1 < t->armed && before(t->heap[child + 1], t->heap[child])) child++;
        if (!before(t->heap[child], timer)) break;
        put(t, place, t->heap[child]);
    }
    put(t, place, timer);
}

static void disarm(struct kith_timers *t, struct kith_timer *timer)
{
    if (timer->place == NOWHERE) return;
    size_t place = timer->place;
    struct kith_timer *last = t->heap[--t->armed];
    timer->place = NOWHERE;
    if (last == timer) return;
    sink(t, place, last);
    rise(t, last->place, last);
}

struct kith_timer *kith_timers_add(struct kith_timers *t, void (*fn)(void *arg), void *arg)
{
    if (t->existing == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 16;
        struct kith_timer **heap = realloc(t->heap, cap * sizeof *heap);
        if (!heap) return NULL;
        t->heap = heap;
        t->cap = cap;
    }
    struct kith_timer *timer = malloc(sizeof *timer);
    if (!timer) return NULL;
    *timer = (struct kith_timer){.owner = t, .fn = fn, .arg = arg, .place = NOWHERE};
    t->existing++;
    return timer;
}

void kith_timers_set(struct kith_timer *timer, uint64_t at)
{
    struct kith_timers *t = timer->owner;
    disarm(t, timer);
    if (at == UINT64_MAX) return;
    /* Never before now: a timer that sets itself to the past again and again would always come
     * first and starve others. */
    timer->at = at < t->now ? t->now : at;
    timer->sequence = t->sequence++;
    rise(t, t->armed++, timer);
}

void kith_timers_remove(struct kith_timer *timer)
{
    if (!timer) return;
    disarm(timer->owner, timer);
    timer->owner->existing--;
    free(timer);
}

uint64_t kith_timers_next(const struct kith_timers *t)
{
    return t->armed ? t->heap[0]->at : UINT64_MAX;
}

void kith_timers_run(struct kith_timers *t, uint64_t now)
{
    uint64_t until = t->sequence;
    t->now = now;
    while (t->armed && t->heap[0]->at <= now && t->heap[0]->sequence < until) {
        struct kith_timer *timer = t->heap[0];
        disarm(t, timer);
        timer->fn(timer->arg);
    }
}

void kith_timers_fini(struct kith_timers *t)
{
    /* Whoever made a timer frees it, before the loop. */
    assert(!t->existing);
    free(t->heap);
}
