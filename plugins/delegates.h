/*
 * delegates.h - all delegates of a node as one. Knows the channels of docs/WIRE.md; knows nothing
 * of the core but the callbacks that it takes.
 */
#ifndef KITH_DELEGATES_H
#define KITH_DELEGATES_H

#include "instance.h"

/* All delegates of a node as one. Raw ones see memberlist's bytes; those with a channel send and
 * receive framed (docs/WIRE.md, Channels). User messages wait here, at most handoff_queue_depth of
 * them (newest dropped and counted) and at most max_stream_memory bytes, until
 * kith_delegates_deliver(). */
struct kith_delegates;

/* What can't be together: two raw delegates (or two of one channel) that produce messages or state,
 * two that provide meta, two that provide the ack payload. The entry that is one too many, err
 * naming both lines; or NULL. kith_delegates_new() refuses it too. */
const struct kith_entry *kith_delegates_clash(const struct kith_config *, struct kith_error *);

/* Make the instances; nothing is attached or started. The maker must have `random`. node: what the
 * delegates may ask; each gets a table of its own on top of it, bound to its channel.
 *
 * old: NULL, or in a reload the one in force. Delegates whose entry did not change are shared with
 * it. It stays in force until kith_delegates_start() of the new one has succeeded; then free it.
 * When that or a later step of the reload fails, free the new one: the old one is in force again.
 */
struct kith_delegates *kith_delegates_new(const struct kith_config *,
                                          const struct kith_host_maker *, const struct kith_node *,
                                          struct kith_delegates *old, struct kith_error *);
int kith_delegates_start(struct kith_delegates *, struct kith_error *);
/* Ends the delegates that no other kith_delegates shares. After the last one was freed, no `done`
 * that the delegates gave to `node` may be called any more. */
void kith_delegates_free(struct kith_delegates *);
/* What the core calls, and with which self: both stay the same over reloads. */
const struct kith_delegate_ops *kith_delegates_ops(struct kith_delegates *, void **self);
/* The end of a turn: hand the queued user messages over, in order. */
void kith_delegates_deliver(struct kith_delegates *);
/* The program's own delegates (control socket, monitor, embedder) take part like raw ones behind
 * those of the file, over all reloads. Where only one can play a part (kith_delegates_clash) and
 * somebody does: -KITH_EEXIST. unlisten may be called from inside a callback. */
int kith_delegates_listen(struct kith_delegates *, const struct kith_delegate_ops *, void *self);
void kith_delegates_unlisten(struct kith_delegates *, void *self);
/* Fixed meta, copied; used when no delegate provides any. */
void kith_delegates_meta(struct kith_delegates *, struct kith_bytes);
/* By the name that the file uses, or by that and the channel: "kv", "kv:orders". NULL: none. */
struct kith_instance *kith_delegates_find(struct kith_delegates *, const char *name);
/* Counters of the messages that went through, for the node's statistics. */
void kith_delegates_stats(const struct kith_delegates *,
                          void (*visit)(void *arg, const struct kith_stat *), void *arg);

#endif
