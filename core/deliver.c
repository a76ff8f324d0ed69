/*
 * deliver.c - see deliver.h. Lives of one name follow each other, but not for ever: the next one
 * begins when the one before it is whole, or has been waited for.
 */
#include "deliver.h"
#include "notify.h"
#include "peer.h"
#include "state.h"
#include "active.h"

#define WAIT_FOR_OLDER 5000000000u /* ns */

bool kith_deliver_waits(const struct kith_core *c, const struct kith_life *life)
{
    const struct kith_origin *o = life->origin;
    if (c->now - life->seen >= WAIT_FOR_OLDER) return false;
    for (unsigned i = 0; i < o->count && o->lives[i] != life; i++)
        if (o->lives[i]->lacking.at) return true;
    return false;
}

static void hand_over(struct kith_core *c, const struct kith_life *life,
                      const struct kith_kept *kept, const struct kith_addr *from)
{
    struct kith_relay_frame f;
    struct kith_peer peer = kith_peer_of(from, kith_life_name(life), 0);
    if (kith_relay_parse(kith_bytes_of(kept->frame, kept->len), &f) < 0) return;
    kith_count(c, KITH_COUNT_RELAYS_RECEIVED);
    kith_notify_relayed(c, &peer, f.channel, f.body);
}

void kith_deliver(struct kith_core *c, struct kith_life *life, const struct kith_addr *from)
{
    const struct kith_kept *kept;
    uint64_t next = life->next;
    if (life != c->relay.own && kith_deliver_waits(c, life)) return;
    for (; (kept = kith_life_kept(life, next)); next++)
        if (life != c->relay.own) hand_over(c, life, kept, from);
    if (next == life->next) return;
    kith_active_move(c, life, next);
    kith_active_tell(c, life);
}

void kith_deliver_without(struct kith_core *c, struct kith_life *life, uint64_t below)
{
    uint64_t lost = 0;
    for (uint64_t n = life->next; n < below && n < life->high; n++)
        lost += !kith_life_kept(life, n);
    if (below > life->high) lost += below - (life->high > life->next ? life->high : life->next);
    if (lost) kith_deliver_lost(c, life, lost, NULL);
    for (uint64_t n = life->next; n < below && n < life->high; n++) {
        const struct kith_kept *kept = kith_life_kept(life, n);
        if (kept) hand_over(c, life, kept, NULL);
    }
    kith_active_move(c, life, below);
    kith_deliver(c, life, NULL);
    kith_active_tell(c, life);
}

void kith_deliver_lost(struct kith_core *c, const struct kith_life *life, uint64_t count,
                       const struct kith_addr *asker)
{
    struct kith_peer peer = kith_peer_of(asker, kith_bytes_of(NULL, 0), 0);
    struct kith_event event = {
        .number = count, .data = kith_life_name(life), .peer = asker ? &peer : NULL};
    c->counters.counts[asker ? KITH_COUNT_RELAYS_GONE : KITH_COUNT_RELAYS_LOST] += count;
    kith_notify_event(c, KITH_EVENT_LOST, &event);
}
