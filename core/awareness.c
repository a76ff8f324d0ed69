/*
 * awareness.c - how well this node itself seems to do: Lifeguard's local health score
 * (PROTOCOL.md 2.7), and the other small formula of the sheet, how push/pulls thin out as a cluster
 * grows (PROTOCOL.md 2.10).
 */
#include "node.h"

unsigned kith_awareness_apply(unsigned score, int delta, unsigned max_multiplier)
{
    int top = max_multiplier > 0 ? (int)(max_multiplier - 1) : 0;
    int next = (int)score + delta;
    return (unsigned)(next < 0 ? 0 : next > top ? top : next);
}

void kith_awareness(struct kith_core *c, int delta)
{
    c->health = kith_awareness_apply(c->health, delta, c->set.awareness_max_multiplier);
}

uint32_t kith_push_pull_scale(size_t n)
{
    uint32_t times = 1;
    for (uint64_t limit = 32; n > limit; limit *= 2) times++;
    return times;
}
