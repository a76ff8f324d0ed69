/*
 * merge.h - what a claim about a member changes: alive, suspect, dead (PROTOCOL.md 2.3 to 2.5).
 */
#ifndef KITH_MERGE_H
#define KITH_MERGE_H

#include "wire.h"

struct kith_core;
struct kith_request;

enum kith_claim_source {
    KITH_FROM_PEER, /* a message from outside */
    KITH_FROM_LIST, /* an entry of a peer's full state */
    KITH_FROM_SELF  /* our own finding or doing */
};

/* Each returns whether the claim was taken. request: whom to tell when the broadcast has ended, or
 * NULL; its `queued` says whether there is a broadcast to wait for. */
bool kith_alive(struct kith_core *, const struct kith_msg *, enum kith_claim_source,
                struct kith_request *);
bool kith_suspect(struct kith_core *, const struct kith_msg *, enum kith_claim_source);
bool kith_dead(struct kith_core *, const struct kith_msg *, enum kith_claim_source,
               struct kith_request *);

#endif
