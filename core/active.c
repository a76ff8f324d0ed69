/*
 * active.c - see active.h. The summary is an exclusive or over the hot lives of a hash of id and
 * next: nodes that have all the same have the same one.
 */
#include "active.h"
#include "formulas.h"
#include "state.h"

static uint64_t share(const struct kith_life *life)
{
    static const struct kith_hash_key none;
    uint8_t bytes[16];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(life->id >> (56 - 8 * i));
        bytes[8 + i] = (uint8_t)(life->next >> (56 - 8 * i));
    }
    return kith_hash(&none, bytes, sizeof bytes);
}

static void heat(struct kith_core *c, struct kith_life *life)
{
    if (life->hot || life->next == 1) return;
    life->hot = true;
    c->relay.summary ^= share(life);
}

void kith_active_cool(struct kith_core *c, struct kith_life *life)
{
    if (!life->hot) return;
    life->hot = false;
    c->relay.summary ^= share(life);
}

void kith_active_move(struct kith_core *c, struct kith_life *life, uint64_t next)
{
    kith_active_cool(c, life);
    kith_life_skip(life, next);
    life->changed = c->now;
    heat(c, life);
}

void kith_active_tell(struct kith_core *c, struct kith_life *life)
{
    life->tells = kith_retransmit_limit(c->set.retransmit_mult, c->members.count);
    if (!life->active.at)
        kith_life_link(life, offsetof(struct kith_life, active), &c->relay.active);
    if (!c->relay.digest.place)
        kith_alarm_set(&c->alarms, &c->relay.digest, kith_later(c->now, KITH_DIGEST_INTERVAL));
}

void kith_active_since(struct kith_core *c, struct kith_life *life, uint64_t idle)
{
    life->changed = idle < c->now ? c->now - idle : 0;
    if (idle < c->set.relay_age) heat(c, life);
}
