/*
 * self.h - what this node says of itself: its meta, its alive message, its pings.
 */
#ifndef KITH_SELF_H
#define KITH_SELF_H

#include "wire.h"

struct kith_core;

/* Ask the delegate for meta; buf takes KITH_META_MAX bytes. Negative: it failed, or gave too much.
 */
int kith_self_meta(struct kith_core *, uint8_t *buf, struct kith_bytes *meta);
void kith_self_alive(const struct kith_core *, struct kith_msg *, uint32_t incarnation,
                     struct kith_bytes meta);
void kith_self_ping(const struct kith_core *, struct kith_msg *, uint32_t seq_no,
                    struct kith_bytes name);
enum { KITH_SELF_WHY = 160 };

/* Can our alive message with this meta be gossiped in packets of `budget` bytes? -KITH_ETOOBIG: it
 * can't, and why[KITH_SELF_WHY] says so with the sizes. */
int kith_self_fits(const struct kith_core *, struct kith_bytes meta, size_t budget, char *why);

#endif
