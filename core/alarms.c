/*
 * alarms.c - every wait of a node in one binary heap, so that it has one deadline.
 *
 * Setting one never fails: what owns an alarm reserves its place when it is made.
 */
#include "alarms.h"

#include <kith/plugin.h>

#include <assert.h>
#include <stdlib.h>

int kith_alarms_reserve(struct kith_alarms *a, uint32_t owners)
{
    if (a->owners + owners > a->cap) {
        uint32_t cap = a->cap ? a->cap * 2 : 64;
        while (cap < a->owners + owners) cap *= 2;
        struct kith_alarm **heap = realloc(a->heap, cap * sizeof *heap);
        if (!heap) return -KITH_ENOMEM;
        a->heap = heap;
        a->cap = cap;
    }
    a->owners += owners;
    return 0;
}

void kith_alarms_release(struct kith_alarms *a, uint32_t owners)
{
    assert(a->owners >= owners && a->owners - owners >= a->count);
    a->owners -= owners;
}

static bool before(const struct kith_alarm *a, const struct kith_alarm *b)
{
    return a->at != b->at ? a->at < b->at : (int32_t)(a->order - b->order) < 0;
}

static void put(struct kith_alarms *a, uint32_t place, struct kith_alarm *alarm)
{
    a->heap[place - 1] = alarm;
    alarm->place = place;
}

/* Move the alarm from `place`, which counts as empty, to where it belongs. */
static void settle(struct kith_alarms *a, uint32_t place, struct kith_alarm *alarm)
{
    while (place > 1 && before(alarm, a->heap[place / 2 - 1])) {
        put(a, place, a->heap[place / 2 - 1]);
        place /= 2;
    }
    for (;;) {
        uint32_t child = place * 2;
        if (child > a->count) break;
        if (child < a->count && before(a->heap[child], a->heap[child - 1])) child++;
        if (!before(a->heap[child - 1], alarm)) break;
        put(a, place, a->heap[child - 1]);
        place = child;
    }
    put(a, place, alarm);
}

void kith_alarm_set(struct kith_alarms *a, struct kith_alarm *alarm, uint64_t at)
{
    alarm->at = at;
    alarm->order = a->order++;
    if (!alarm->place) {
        assert(a->count < a->owners);
        alarm->place = ++a->count;
    }
    settle(a, alarm->place, alarm);
}

void kith_alarm_clear(struct kith_alarms *a, struct kith_alarm *alarm)
{
    uint32_t place = alarm->place;
    if (!place) return;
    struct kith_alarm *last = a->heap[--a->count];
    alarm->place = 0;
    if (last != alarm) settle(a, place, last);
}

struct kith_alarm *kith_alarms_due(struct kith_alarms *a, uint64_t now)
{
    if (!a->count || a->heap[0]->at > now) return NULL;
    struct kith_alarm *alarm = a->heap[0];
    kith_alarm_clear(a, alarm);
    return alarm;
}

uint64_t kith_alarms_next(const struct kith_alarms *a)
{
    return a->count ? a->heap[0]->at : UINT64_MAX;
}

void kith_alarms_fini(struct kith_alarms *a)
{
    free(a->heap);
    memset(a, 0, sizeof *a);
}
