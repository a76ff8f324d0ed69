/*
 * gossip.c - a round of gossip (PROTOCOL.md 2.9): a few members at random get what is queued, the
 * recently dead too, so that they can object.
 */
#include "gossip.h"
#include "choose.h"
#include "packet.h"
#include "peer.h"
#include "state.h"

static bool eligible(struct kith_core *c, const struct kith_record *p)
{
    if (p == c->self || p->state == KITH_LEFT) return false;
    return p->state != KITH_DEAD || c->now - p->since <= c->set.gossip_to_the_dead_time;
}

/* False: there was nothing to gossip. */
static bool gossip_to(struct kith_core *c, const struct kith_record *p)
{
    struct kith_addr to;
    struct kith_packer pk;
    kith_record_address(p, &to);
    struct kith_peer peer = kith_peer_of(&to, kith_record_name(p), p->versions[1]);
    kith_packer_begin(&pk, c, &peer);
    size_t used = pk.size > 2 ? kith_packer_fill(&pk, pk.size - 2) : 0;
    kith_packer_end(&pk);
    if (used) kith_observe(c, KITH_HIST_GOSSIP, (double)used);
    return used > 0;
}

/* To how many times as many members: as packets are needed to say all of it once. */
static size_t times(struct kith_core *c)
{
    size_t packet = kith_packet_broadcast_max(kith_packet_budget(c, NULL).bytes);
    size_t bytes = kith_broadcasts_bytes(&c->queue, 2);
    if (c->set.gossip_burst < 2 || packet == 0 || bytes <= packet) return 1;
    size_t packets = (bytes + packet - 1) / packet;
    kith_count(c, KITH_COUNT_GOSSIP_BURSTS);
    return packets < c->set.gossip_burst ? packets : c->set.gossip_burst;
}

void kith_gossip(struct kith_core *c)
{
    struct kith_record **chosen;
    kith_rounds_trim(c);
    if (!kith_rounds_due(c)) return;
    kith_count(c, KITH_COUNT_GOSSIP_TICKS);
    size_t n = kith_choose(c, (size_t)c->set.gossip_nodes * times(c), eligible, &chosen);
    for (size_t i = 0; i < n && gossip_to(c, chosen[i]); i++) {}
}

/* memberlist's queue.broadcasts sample. */
void kith_queue_tick(struct kith_core *c, struct kith_alarm *alarm)
{
    if (c->set.queue_check_interval == 0) return;
    kith_alarm_set(&c->alarms, alarm,
                   kith_next_tick(alarm->at, c->set.queue_check_interval, c->now));
    kith_observe(c, KITH_HIST_QUEUE, (double)kith_broadcasts_count(&c->queue));
}
