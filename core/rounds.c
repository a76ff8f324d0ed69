/*
 * rounds.c - see rounds.h. What is queued is found when somebody asks, so whoever queues something
 * need not tell; rounds that passed meanwhile, before it was queued, are stepped over, so that it
 * goes out at the next beat and not at once.
 */
#include "rounds.h"
#include "state.h"

enum { TRIM_ROUNDS = 64 };

/* Is there something to say, and somebody to say it to? A delegate has to be asked. */
static bool wanted(const struct kith_core *c)
{
    if (c->members.count < 2) return false;
    return kith_broadcasts_count(&c->queue) || kith_broadcasts_count(&c->user_queue) ||
           kith_delegate_gossips(c);
}

static bool can_trim(const struct kith_core *c)
{
    return kith_broadcasts_can_trim(&c->queue) || kith_broadcasts_can_trim(&c->user_queue);
}

void kith_rounds_begin(struct kith_core *c, uint64_t interval)
{
    c->rounds.at = interval ? kith_later(c->now, interval) : UINT64_MAX;
    c->rounds.trim = interval ? kith_later(c->now, interval * TRIM_ROUNDS) : UINT64_MAX;
}

/* One that comes just now has not passed: what this very moment brings goes out with it. */
void kith_rounds_pass(struct kith_core *c, uint64_t now)
{
    if (c->rounds.at < now && !wanted(c))
        c->rounds.at = kith_next_tick(c->rounds.at, c->set.gossip_interval, now - 1);
}

uint64_t kith_rounds_deadline(const struct kith_core *c)
{
    uint64_t trim = can_trim(c) ? c->rounds.trim : UINT64_MAX;
    return wanted(c) && c->rounds.at < trim ? c->rounds.at : trim;
}

bool kith_rounds_due(struct kith_core *c)
{
    if (c->rounds.at > c->now || !wanted(c)) return false;
    c->rounds.at = kith_next_tick(c->rounds.at, c->set.gossip_interval, c->now);
    return true;
}

void kith_rounds_trim(struct kith_core *c)
{
    if (c->rounds.trim > c->now) return;
    c->rounds.trim = kith_later(c->now, c->set.gossip_interval * TRIM_ROUNDS);
    kith_broadcasts_trim(&c->queue);
    kith_broadcasts_trim(&c->user_queue);
    kith_items_trim(&c->items);
}
