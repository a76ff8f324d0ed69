/*
 * merge.h - what a claim about a member changes: alive, suspect, dead (PROTOCOL.md 2.3 to 2.5).
 */
#ifndef KITH_MERGE_H
#define KITH_MERGE_H

#include "wire.h"

struct kith_core;
struct kith_request;

/* Each returns whether the claim was taken. from: who brought it; NULL: our own finding or doing.
 * request: whom to tell when the broadcast has ended, or NULL; its `queued` says whether there is a
 * broadcast to wait for. */
bool kith_alive(struct kith_core *, const struct kith_msg *, const struct kith_peer *from,
                struct kith_request *);
/* The same; hash: kith_members_hash() of the name. */
bool kith_alive_hashed(struct kith_core *, const struct kith_msg *, uint32_t hash,
                       const struct kith_peer *from, struct kith_request *);
bool kith_suspect(struct kith_core *, const struct kith_msg *, const struct kith_peer *from);
bool kith_dead(struct kith_core *, const struct kith_msg *, const struct kith_peer *from,
               struct kith_request *);

#endif
