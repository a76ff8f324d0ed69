/*
 * former.c - see former.h.
 *
 * memberlist takes a name that has left, or that was dead long enough, from another address with
 * any incarnation. A node that begins anew begins with 1. Whoever has missed its return, or its
 * leave, still tells of the former life at a higher one, and that kills it everywhere; after a
 * leave nobody gossips to it, so nobody tells it before its next push/pull. As soon as it hears of
 * the former life, it refutes, and is above that.
 */
#include "former.h"
#include "compare.h"
#include "core_log.h"
#include "packet.h"
#include "peer.h"
#include "remind.h"
#include "self.h"
#include "state.h"

enum { TELLERS = 10 }; /* of those who hear of it from others, on average */

/* How long: others forget the former life in that time, as far as they know that it has ended. */
static uint64_t memory(const struct kith_core *c)
{
    uint64_t dead = c->set.gossip_to_the_dead_time, reclaim = c->set.dead_node_reclaim_time;
    return kith_later(kith_later(dead, dead), reclaim);
}

/* The highest incarnation of a former life that could be taken for this one; 0: there is none. */
static uint32_t former(const struct kith_core *c, const struct kith_record *p)
{
    uint32_t highest = 0;
    for (unsigned i = 0; i < KITH_FORMERS; i++)
        if (c->formers.last[i].born == p->born && c->now < c->formers.last[i].until &&
            c->formers.last[i].incarnation > highest)
            highest = c->formers.last[i].incarnation;
    return highest >= p->incarnation ? highest : 0;
}

/* That it is suspected of that incarnation, as a probe would say it: it will be above. */
static void tell(struct kith_core *c, const struct kith_record *p, uint32_t incarnation)
{
    struct kith_msg suspect = {.type = KITH_MSG_SUSPECT,
                               .incarnation = incarnation,
                               .node = kith_record_name(p),
                               .from = kith_self_name(c)};
    struct kith_addr to;
    struct kith_packer pk;
    if (!kith_may_remind(c, p)) return;
    kith_record_address(p, &to);
    struct kith_peer peer = kith_peer_of(&to, suspect.node, p->versions[1]);
    kith_packer_begin(&pk, c, &peer);
    kith_packer_add_message(&pk, &suspect);
    kith_packer_end(&pk);
    kith_count(c, KITH_COUNT_RETURNS_TOLD);
}

/* Did the packet, or the stream, come from where it is? */
static bool from_there(const struct kith_record *p, const struct kith_peer *from, bool port)
{
    if (!from || !from->addr || (port && from->addr->port != p->port)) return false;
    struct kith_bytes source = {from->addr->bytes, from->addr->len};
    return kith_short_equal(kith_addr_short(source), kith_addr_short(kith_record_addr(p)));
}

void kith_former_life(struct kith_core *c, const struct kith_record *p, uint32_t incarnation,
                      const struct kith_peer *from)
{
    struct kith_formers *f = &c->formers;
    if (!c->set.suspicion_doubt_former) return;
    f->last[f->next].born = p->born;
    f->last[f->next].until = kith_later(c->now, memory(c));
    f->last[f->next].incarnation = incarnation;
    f->next = (f->next + 1) % KITH_FORMERS;
    if (from_there(p, from, false) || kith_random_below(&c->random, c->members.count) < TELLERS)
        tell(c, p, incarnation);
}

bool kith_former_accused(struct kith_core *c, const struct kith_record *p,
                         const struct kith_msg *msg)
{
    if (kith_record_gone(p) || msg->incarnation <= p->incarnation) return false;
    uint32_t incarnation = former(c, p);
    if (msg->incarnation > incarnation) return false;
    kith_count(c, KITH_COUNT_FORMER_LIVES);
    tell(c, p, incarnation);
    return true;
}

bool kith_former_perhaps(struct kith_core *c, const struct kith_record *p,
                         const struct kith_msg *msg, const struct kith_peer *from)
{
    if (msg->incarnation != p->incarnation || from_there(p, from, true)) return false;
    return former(c, p) == msg->incarnation;
}
