/*
 * awareness.c - Lifeguard's local health score (PROTOCOL.md 2.7).
 */
#include "awareness.h"
#include "state.h"

unsigned kith_awareness_apply(unsigned score, int delta, unsigned max_multiplier)
{
    int top = max_multiplier > 0 ? (int)(max_multiplier - 1) : 0;
    int next = (int)score + delta;
    return (unsigned)(next < 0 ? 0 : next > top ? top : next);
}

void kith_awareness_change(struct kith_core *c, int delta)
{
    c->health = kith_awareness_apply(c->health, delta, c->set.awareness_max_multiplier);
}
