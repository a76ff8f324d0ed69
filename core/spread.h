/*
 * spread.h - what this node has gossiped about members.
 */
#ifndef KITH_SPREAD_H
#define KITH_SPREAD_H

#include "wire.h"

struct kith_core;
struct kith_request;

/* Under the name of the member that it is about. request: whom to tell when the broadcast has
 * ended, or NULL; its `queued` says whether there is a broadcast to wait for. */
void kith_spread(struct kith_core *, const struct kith_msg *, struct kith_request *);
/* That we have left; to ourselves we are what we were. */
void kith_say_left(struct kith_core *);
/* That we are alive, above the incarnation of the accusation (PROTOCOL.md 2.5). */
void kith_refute(struct kith_core *, uint32_t accused);

#endif
