/*
 * awareness.c - Lifeguard's local health score (PROTOCOL.md 2.7).
 */
#include "awareness.h"
#include "formulas.h"
#include "state.h"

void kith_awareness_change(struct kith_core *c, int delta)
{
    c->health = kith_awareness_apply(c->health, delta, c->set.awareness_max_multiplier);
}
