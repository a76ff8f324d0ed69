/*
 * self.h - what this node says of itself: its meta, its alive message, its pings.
 */
#ifndef KITH_SELF_H
#define KITH_SELF_H

#include "core.h"
#include "wire.h"

/* Ask the delegate for meta; buf takes KITH_META_MAX bytes. Negative: it failed, or gave too much.
 */
int kith_self_meta(struct kith_core *, uint8_t *buf, struct kith_bytes *meta);
/* An alive message of our own, about to be announced: a delegate may append a trailer to the meta.
 * buf takes KITH_META_MAX bytes and the message points into it; meta may stand there already. */
void kith_self_alive(struct kith_core *, struct kith_msg *, uint32_t incarnation,
                     struct kith_bytes meta, uint8_t *buf);
/* The same as it was announced last. */
void kith_self_said(const struct kith_core *, struct kith_msg *);
/* Somebody says this incarnation of us. True: we are away (moving.h), and answer nothing. */
bool kith_self_away(struct kith_core *, uint32_t incarnation);
/* The incarnation of what it says next: one higher, as long as there is one. */
uint32_t kith_self_next(const struct kith_core *);
/* The meta that was announced last, without its trailer: the next alive begins with it. */
void kith_self_keep(struct kith_core *, struct kith_bytes meta);
struct kith_bytes kith_self_kept(const struct kith_core *);
void kith_self_ping(struct kith_core *, struct kith_msg *, uint32_t seq_no, struct kith_bytes name);

enum { KITH_SELF_WHY = 200 };

/* Can our alive message with this meta be gossiped in packets of that budget? -KITH_ETOOBIG: it
 * can't, and why[KITH_SELF_WHY] says so with the sizes and the limit that binds. */
int kith_self_fits(const struct kith_core *, struct kith_bytes meta, struct kith_core_budget,
                   char *why);
/* Bytes of the longest meta of ours that can be gossiped now. */
size_t kith_self_meta_max(const struct kith_core *);

#endif
