/*
 * echo.c - a join that leads back to this node: by a balancer, or another address of its machine.
 *
 * A push/pull does not say who sends it. But what we say on a join's stream then comes in on
 * another one, byte for byte. Two nodes that know the same members in the same order, and join each
 * other in the same moment, look like that, too: both joins fail, and nothing is lost, as they know
 * each other.
 */
#include "echo.h"
#include "state.h"

static uint64_t print_of(const struct kith_core *c, struct kith_bytes members)
{
    return kith_hash(&c->members.key, members.data, members.len) | 1; /* 0: nothing was said */
}

void kith_echo_said(const struct kith_core *c, struct kith_exchange *s, struct kith_bytes members)
{
    if (s->kind == KITH_EXCHANGE_JOIN) s->said = print_of(c, members);
}

void kith_echo_heard(struct kith_core *c, struct kith_bytes members)
{
    uint64_t print = 0;
    for (uint32_t i = 0; i < c->exchanges.cap; i++) {
        struct kith_exchange *s = c->exchanges.table[i];
        if (s->kind != KITH_EXCHANGE_JOIN || !s->said) continue;
        if (!print) print = print_of(c, members);
        if (s->said == print) s->came_back = true;
    }
}
