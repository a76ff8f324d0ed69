/*
 * relay.h - broadcasts that reach every Kith member (docs/WIRE.md, Channels): what the rest of the
 * core knows of them.
 *
 * A message is pushed down a tree when it is new, so it is everywhere in a few hops. What is lost
 * on the way shows in digests of what each node has, in a summary of these in pings and acks, and
 * in full states; who misses some asks. The files, each standing on those before it:
 *
 *     kin.c     who runs Kith, the tree    frames.c  bytes             post.c   packets
 *     active.c  what is told to others    lives.c   what is kept      deliver.c  in order, once
 *     repair.c  what is missing           digest.c  comparing         push.c   passing on
 *     relay.c   what comes in, and what this node says itself
 */
#ifndef KITH_RELAY_H
#define KITH_RELAY_H

#include "wire.h"
#include "digest.h"
#include "kin.h"
#include "lives.h"
#include "push.h"
#include "repair.h"

struct kith_relay {
    struct kith_lives lives;
    struct kith_kin kin;
    struct kith_pushes pushes;
    struct kith_life *active, *lacking; /* lists */
    struct kith_alarm flush, repair, digest, sweep;
    struct kith_asker *askers; /* KITH_ASKERS of them, from the first question on */
    uint64_t summary;
    uint64_t compared_at;
    /* what this node broadcasts */
    struct kith_life *own; /* NULL: nothing yet, or the next begins a new life */
    uint64_t above;        /* its id is to be above this: a life of our name */
    uint64_t own_since;    /* when counting began of... */
    size_t own_bytes;
    uint64_t epoch, epoch_wall; /* ns: of our clock, and of the same moment since 1970 */
};

void kith_relay_init(struct kith_core *, uint64_t wall);
void kith_relay_fini(struct kith_core *);
/* A reload turned it off: what is known and kept is forgotten. */
void kith_relay_stop(struct kith_core *);

/* What a ping or ack from there says; an entry of a state. */
void kith_relay_said(struct kith_core *, const struct kith_addr *from, const struct kith_msg *);
void kith_relay_entry(struct kith_core *, const struct kith_msg *);

void kith_relay_sweep(struct kith_core *, struct kith_alarm *);
size_t kith_relay_fits(const struct kith_core *); /* bytes of a channel's name and a message */

/* A user message came in a packet: true when it was ours. */
bool kith_relay_packet(struct kith_core *, const struct kith_peer *from, struct kith_bytes);

#endif
