/*
 * delegates.h - all delegates of a node as one. Knows the channels of docs/WIRE.md; knows nothing
 * of the core but the callbacks that it takes.
 */
#ifndef KITH_DELEGATES_H
#define KITH_DELEGATES_H

#include "instance.h"

/* All delegates of a node as one. Raw ones see memberlist's bytes; those with a channel send and
 * receive on it (docs/WIRE.md, Channels). User messages wait here until kith_delegates_deliver(),
 * and so do the events that plugins emit: at most handoff_queue_depth of them (newest dropped and
 * counted), one that is as long as can be or else a quarter of max_stream_memory together; relayed
 * ones are never dropped. */
struct kith_delegates;

/* What `kith broadcast` and `kith send` say is on this channel. */
#define KITH_USER_CHANNEL "user"

/* What surrounds them. Copied; what it points to must outlive the delegates. */
struct kith_delegates_setup {
    const struct kith_host_maker *maker; /* with `random` and `asks` */
    /* What the delegates may ask; each gets a table of its own on top of it (host->node), bound to
     * its channel and to what its entry allows. It takes `done` of its own: never called inside of
     * the call, at most once, and not at all when the call was refused. */
    const struct kith_node *node;
    struct kith_keyring *ring; /* the node's, or NULL */
    void *ctx;
    uint64_t (*now)(void *ctx);  /* the loop's clock: kith_host's */
    uint64_t (*wall)(void *ctx); /* the same in nanoseconds since 1970 */
    /* Which instance has this host table; NULL: unknown. The function itself may be NULL: then
     * only delegates emit. */
    struct kith_instance *(*instance_of)(void *ctx, const struct kith_host *);
};

/* What can't be together: two raw delegates (or two of one channel) that produce messages or state,
 * two that provide meta, seal it, or provide the ack payload; two of one name. The entry that is
 * one too many, err naming both lines; or NULL. kith_delegates_new() refuses it too. */
const struct kith_entry *kith_delegates_clash(const struct kith_config *, struct kith_error *);

/* ---------------------------------------------------------------------------- life and reload */

/* Make the instances; nothing is started. old: NULL, or in a reload the one in force. Delegates
 * whose entry did not change are shared with it. It stays in force until kith_delegates_start() of
 * the new one; if that is not to be, free the new one. A node that has not begun frees the old one
 * without it. */
struct kith_delegates *kith_delegates_new(const struct kith_config *,
                                          const struct kith_delegates_setup *,
                                          struct kith_delegates *old, struct kith_error *);
/* Start what does not run yet, in the order of the file. Returns the first error; err names it.
 *   without old  nothing goes on after an error: free it
 *   with old     first the entries that the new file has no more are stopped. Then the new one is
 *                in force in every case, and the old one is to be freed: an entry that fails keeps
 *                its old instance, or, when it had none, is left out; the others go on. Of several
 *                that fail, those after the first are logged. */
int kith_delegates_start(struct kith_delegates *, struct kith_error *);
/* The same for a reload that wants to hear of each: none is logged. A new one that wants a part
 * which an old instance keeps, because its own successor failed, is refused like one that fails. */
int kith_delegates_follow(struct kith_delegates *, const struct kith_failures *,
                          struct kith_error *);
/* A reload before the start: it takes the place of the old one, which was not started either and is
 * to be freed; kith_delegates_start() is still to come. */
void kith_delegates_put(struct kith_delegates *);
/* Ends the delegates that no other kith_delegates shares. After the last one was freed, no `done`
 * that the delegates gave to `node` may be called any more. */
void kith_delegates_free(struct kith_delegates *);
/* Ring or files are to be read again (enum kith_refresh): told to every delegate that runs and,
 * for KITH_REFRESH_FILES, was left alone by the last reload. Keys need no call: the instances
 * listen to the ring themselves. */
void kith_delegates_refresh(struct kith_delegates *, uint32_t what, const struct kith_failures *);

/* The program's own delegates (control socket, monitor, embedder) take part like raw ones behind
 * those of the file, over all reloads. They have no node table, and get events with id 0: they
 * can't answer, nor hold up a leave. Where only one can play a part (kith_delegates_clash) and
 * somebody does: -KITH_EEXIST. unlisten may be called from inside a callback. */
int kith_delegates_listen(struct kith_delegates *, const struct kith_delegate_ops *, void *self);
void kith_delegates_unlisten(struct kith_delegates *, void *self);

/* --------------------------------------------------------------------------------- the core's */

/* What the core calls, and with which self: both stay the same over reloads. `judges` and
 * whether there is `get_broadcasts` say what the delegates of the moment want: read them each time,
 * a copy goes stale. */
const struct kith_delegate_ops *kith_delegates_ops(struct kith_delegates *, void **self);
/* What those with a channel add, for members that understand it: get_broadcasts and local_state of
 * the above are the raw ones' alone. */
void kith_delegates_channel_broadcasts(struct kith_delegates *, size_t overhead, size_t limit,
                                       const struct kith_sink *);
void kith_delegates_channel_state(struct kith_delegates *, bool join, const struct kith_sink *);
/* Frame a direct message for a channel; good until the next call. 0, -KITH_EINVAL: that is no
 * channel's name; -KITH_ENOMEM. */
int kith_delegates_frame(struct kith_delegates *, struct kith_bytes channel,
                         struct kith_bytes *msg);

/* --------------------------------------------------------------------------------- the node's */

/* The end of a turn: hand over the queued user messages and then the emitted events, in order.
 * Events that are emitted meanwhile wait for the next turn: true when there are any, so that it
 * comes at once. */
bool kith_delegates_deliver(struct kith_delegates *);
/* Have they so much to hear that another message from a stream might be dropped? Then it waits on
 * its stream. Not after kith_delegates_deliver(). */
bool kith_delegates_full(const struct kith_delegates *);
/* Is there anything for kith_delegates_deliver()? An event may be emitted outside of every turn. */
bool kith_delegates_waiting(const struct kith_delegates *);
/* An event of the node's own (STARTED, RELOADED, KEYS, LOST), to all and at once. `wall` 0: now. */
void kith_delegates_event(struct kith_delegates *, const struct kith_event *);

/* host->emit: what it says there. by is whose event it is; it does not hear it. The queue holds
 * KITH_EMITTED_MAX events and KITH_EMITTED_BYTES of them all; the rest is dropped, counted and
 * answered -KITH_EAGAIN. answer may be NULL. deadline 0: KITH_ANSWER_TIME from now. */
#define KITH_EMITTED_MAX   1024
#define KITH_EMITTED_BYTES (4u << 20)
#define KITH_ANSWER_TIME   10000000000u
#define KITH_ANSWER_BYTES  (1u << 20) /* longest answer of one listener; more: -KITH_ETOOBIG */
int kith_delegates_emit(struct kith_delegates *, const struct kith_host *by,
                        const struct kith_event *, kith_answer_fn *answer, void *arg);
/* This one has stopped or was taken over (kith_host_maker.release): no `answer` of its is called
 * any more. */
void kith_delegates_forget(struct kith_delegates *, const struct kith_host *);

/* Ask all delegates before a leave. 0: nobody holds it up, done is not called. KITH_LATER: done,
 * once, when the last of them has finished or the deadline is over, from within a call of whoever
 * finished: do no more in it than remember. A second one replaces the first, which is not ended. */
int kith_delegates_before_leave(struct kith_delegates *, uint64_t deadline, void (*done)(void *arg),
                                void *arg);
/* Those that are asked have until this deadline, if it is earlier than the one they were given. */
void kith_delegates_leave_by(struct kith_delegates *, uint64_t deadline);

/* Fixed meta, copied; used when no delegate provides any. 0 or -KITH_ENOMEM. */
int kith_delegates_meta(struct kith_delegates *, struct kith_bytes);
/* It was not taken: as it was before that. */
void kith_delegates_meta_back(struct kith_delegates *);
/* Does a delegate provide meta? Then nobody else can set it: -KITH_EACCES. */
bool kith_delegates_gives_meta(const struct kith_delegates *);
/* Who makes the node's meta and who seals it, to compare: NULL: nobody. */
void kith_delegates_meta_makers(const struct kith_delegates *, const void *makers[2]);
/* Does this entry run, with these settings? */
bool kith_delegates_runs(const struct kith_delegates *, const struct kith_entry *);
/* Those of the file that run, in its order. */
void kith_delegates_running(const struct kith_delegates *,
                            void (*visit)(void *arg, const struct kith_instance *), void *arg);
/* By its name in the file: `as:`, or else the plugin's. NULL: none that runs. */
struct kith_instance *kith_delegates_find(struct kith_delegates *, const char *name);
/* Counters of what went through, for the node's statistics. */
void kith_delegates_stats(const struct kith_delegates *,
                          void (*visit)(void *arg, const struct kith_stat *), void *arg);

#endif
