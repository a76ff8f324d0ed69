/*
 * suspicion.c - how long a suspect has to refute (Lifeguard; PROTOCOL.md 2.6).
 *
 * The more members suspect it independently, the shorter. Each accuser counts once and is
 * remembered by a hash of its name only.
 */
#include "suspicion.h"
#include "state.h"

#include <math.h>
#include <stdlib.h>

uint64_t kith_suspicion_min(uint32_t mult, size_t n, uint64_t interval)
{
    double scale = log10((double)(n ? n : 1));
    uint64_t thousandths = (uint64_t)(1000.0 * (scale > 1.0 ? scale : 1.0));
    unsigned __int128 min = (unsigned __int128)mult * thousandths * interval / 1000;
    return min > INT64_MAX ? INT64_MAX : (uint64_t)min;
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

static uint64_t who(const struct kith_core *c, struct kith_bytes from)
{
    return kith_hash(~c->members.seed, from.data, from.len);
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
    kith_alarm_set(&c->alarms, &s->alarm, kith_later(c->now, k < 1 ? s->min : s->max));
    return 0;
}

void kith_suspicion_forget(struct kith_core *c, struct kith_record *p)
{
    if (!p->suspicion) return;
    kith_alarm_clear(&c->alarms, &p->suspicion->alarm);
    kith_alarms_release(&c->alarms, 1);
    free(p->suspicion);
    p->suspicion = NULL;
}

bool kith_suspicion_confirm(struct kith_core *c, struct kith_record *p, struct kith_bytes from)
{
    struct kith_suspicion *s = p->suspicion;
    uint64_t hash = who(c, from);
    if (s->count >= s->k) return false;
    for (uint32_t i = 0; i <= s->count; i++)
        if (s->from[i] == hash) return false;
    s->from[++s->count] = hash;
    int64_t left = kith_suspicion_remaining(s->count, s->k, c->now - s->start, s->min, s->max);
    /* Nothing left: it fires with the next tick, after all that has already arrived was fed. */
    kith_alarm_set(&c->alarms, &s->alarm, left > 0 ? kith_later(c->now, (uint64_t)left) : c->now);
    return true;
}
