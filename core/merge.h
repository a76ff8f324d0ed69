/*
 * merge.h - what a claim about a member changes: alive, suspect, dead (PROTOCOL.md 2.3 to 2.5).
 */
#ifndef KITH_MERGE_H
#define KITH_MERGE_H

#include "wire.h"

struct kith_core;
struct kith_request;

/* A result says whether the claim was taken. from: who brought it; NULL: our own finding or doing.
 * request: whom to tell when the broadcast has ended, or NULL; its `queued` says whether there is a
 * broadcast to wait for. */
bool kith_alive(struct kith_core *, const struct kith_msg *, const struct kith_peer *from,
                struct kith_request *);
/* Of others; hash: kith_members_hash() of the name. */
void kith_alive_hashed(struct kith_core *, const struct kith_msg *, uint32_t hash,
                       const struct kith_peer *from);
void kith_suspect(struct kith_core *, const struct kith_msg *, const struct kith_peer *from);
bool kith_dead(struct kith_core *, const struct kith_msg *, const struct kith_peer *from,
               struct kith_request *);
/* An alive, or a leave, that a member says of itself on a stream that we opened to its address. */
void kith_own_word(struct kith_core *, const struct kith_msg *, const struct kith_peer *from);
/* Who was doubted has been asked, in vain perhaps: if it is still said to have left, it has. */
void kith_was_asked(struct kith_core *, struct kith_bytes name);

#endif
