/*
 * digest.h - telling others how far we are, and comparing with how far they are.
 */
#ifndef KITH_RELAY_DIGEST_H
#define KITH_RELAY_DIGEST_H

#include "alarms.h"
#include "lives.h"

struct kith_record;

/* The active lives, to some members. */
void kith_digest_tick(struct kith_core *, struct kith_alarm *);
/* What changed last, to one whose summary is another. */
void kith_digest_newest(struct kith_core *, const struct kith_record *);
/* A member tells. */
void kith_digest_told(struct kith_core *, const struct kith_addr *from, const struct kith_record *,
                      struct kith_bytes entries);
/* Where to begin with a life that this node never heard of: a message of that number came, when it
 * had lasted so long (s). Those that began before this node met others are older than it. */
uint64_t kith_digest_start(const struct kith_core *, uint64_t age, uint64_t number);

/* All lives, behind a state for a member that runs Kith; and what such a one tells: the rest of the
 * state is left. asked: we opened the stream. */
void kith_digest_write(struct kith_core *, const struct kith_sink *);
void kith_digest_read(struct kith_core *, const struct kith_record *, bool asked,
                      struct kith_bytes *state);

#endif
