/*
 * suspicion.c - how long a suspect has to refute (Lifeguard; PROTOCOL.md 2.6).
 *
 * The more members suspect it independently, the shorter. Each accuser counts once and is
 * remembered by a hash of its name only.
 */
#include "suspicion.h"
#include "formulas.h"
#include "state.h"

#include <stdlib.h>

static uint64_t who(const struct kith_core *c, struct kith_bytes from)
{
    return kith_hash(&c->members.key, from.data, from.len);
}

int kith_suspicion_begin(struct kith_core *c, struct kith_record *p, struct kith_bytes from,
                         void (*fire)(struct kith_core *, struct kith_alarm *))
{
    size_t n = c->members.count;
    uint32_t k = c->set.suspicion_mult > 2 ? c->set.suspicion_mult - 2 : 0;
    if (n < 2 || n - 2 < k) k = 0;
    struct kith_suspicion *s = malloc(sizeof *s + (k + 1) * sizeof s->from[0]);
    if (!s) return -KITH_ENOMEM;
    if (kith_alarms_reserve(&c->alarms, 1) < 0) {
        free(s);
        return -KITH_ENOMEM;
    }
    memset(s, 0, sizeof *s);
    s->alarm.fire = fire;
    s->record = p;
    s->start = c->now;
    s->k = k;
    s->min = kith_suspicion_min(c->set.suspicion_mult, n, c->set.probe_interval);
    uint32_t times = c->set.suspicion_max_timeout_mult;
    s->max = times && s->min > INT64_MAX / times ? INT64_MAX : s->min * times;
    s->from[0] = who(c, from);
    p->suspicion = s;
    p->suspected = 1;
    kith_alarm_set(&c->alarms, &s->alarm, kith_later(c->now, k < 1 ? s->min : s->max));
    return 0;
}

void kith_suspicion_forget(struct kith_core *c, struct kith_record *p)
{
    if (!p->suspected) return;
    struct kith_suspicion *s = p->suspicion;
    kith_alarm_clear(&c->alarms, &s->alarm);
    kith_alarms_release(&c->alarms, 1);
    p->suspected = 0;
    p->since = s->start;
    free(s);
}

bool kith_suspicion_counts(const struct kith_core *c, const struct kith_record *p,
                           struct kith_bytes from)
{
    const struct kith_suspicion *s = p->suspicion;
    uint64_t hash = who(c, from);
    if (s->count >= s->k) return false;
    for (uint32_t i = 0; i <= s->count; i++)
        if (s->from[i] == hash) return false;
    return true;
}

void kith_suspicion_confirm(struct kith_core *c, struct kith_record *p, struct kith_bytes from)
{
    struct kith_suspicion *s = p->suspicion;
    s->from[++s->count] = who(c, from);
    int64_t left = kith_suspicion_remaining(s->count, s->k, c->now - s->start, s->min, s->max);
    /* Time is already up: fire at the next tick, after waiting packets were fed. */
    kith_alarm_set(&c->alarms, &s->alarm, left > 0 ? kith_later(c->now, (uint64_t)left) : c->now);
}
