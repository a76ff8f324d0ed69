/*
 * young.c - when a node that may not know everybody yet does its next push/pull (docs/WIRE.md,
 * "Mass joins").
 *
 * Of many that join at once each is told of those that came before it. The others it hears of by
 * gossip, which takes half a minute for a thousand names and loses some. So whoever was taught
 * names asks again soon, somebody else each time, and more seldom when nothing new came. Chance
 * spreads these, as all began at one moment.
 */
#include "young.h"
#include "state.h"

/* ns, give or take an eighth, when so many in a row taught nothing; after the last it is enough. */
static const uint64_t waits[] = {750000000, 750000000, 3000000000};
enum { STEPS = sizeof waits / sizeof *waits };

static bool allowed(const struct kith_core *c)
{
    const struct kith_settings *s = &c->set;
    return s->push_pull_interval && !c->left && c->young.begun < s->push_pull_young;
}

static void schedule(struct kith_core *c)
{
    struct kith_young *y = &c->young;
    uint64_t wait = waits[y->step], most = wait / 8;
    uint64_t at = kith_later(c->now, wait - most + kith_random_below(&c->random, 2 * most));
    if (!y->alarm.place || at < y->alarm.at) kith_alarm_set(&c->alarms, &y->alarm, at);
}

void kith_young_learned(struct kith_core *c)
{
    struct kith_young *y = &c->young;
    bool soon = y->alarm.place && y->step == 0;
    if (soon || !allowed(c)) return;
    y->step = 0;
    schedule(c);
}

void kith_young_heard(struct kith_core *c)
{
    if (c->young.alarm.place) kith_young_learned(c);
}

bool kith_young_begin(struct kith_core *c)
{
    struct kith_young *y = &c->young;
    if (y->under_way || !allowed(c)) return false;
    y->under_way = true;
    return true;
}

void kith_young_dialled(struct kith_core *c)
{
    c->young.begun++;
    kith_count(c, KITH_COUNT_PUSH_PULLS_YOUNG);
}

void kith_young_ended(struct kith_core *c)
{
    struct kith_young *y = &c->young;
    y->under_way = false;
    if (y->alarm.place || ++y->step >= STEPS || !allowed(c)) return;
    schedule(c);
}
