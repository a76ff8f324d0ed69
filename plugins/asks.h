/*
 * asks.h - what was asked of an entry and is not answered yet, by id: commands, events that were
 * emitted, the word before a leave. The other side of host->reply and host->finish.
 *
 * An id leads to an asker as long as both want it. It is never used again, so one that came too
 * late, was made up, or belongs to another entry is refused and can do no harm. Knows nothing of
 * plugins: an owner is a host table, and only its address counts.
 */
#ifndef KITH_ASKS_H
#define KITH_ASKS_H

#include <kith/plugin.h>

struct kith_asks;
#define KITH_ASKS_MAX 4096 /* open at a time; more are refused */

/* Who waits. Copied. All is called from the node's thread, at any place where ids are answered,
 * ended or closed: from within calls of plugins, too. It may open, cancel and end others. */
struct kith_asker {
    void *arg;
    /* A piece of the answer: 0; -KITH_EAGAIN: not taken, come again; -KITH_ETOOBIG: not taken, it
     * never will be; -KITH_ECLOSED: this asker has gone, and hears nothing more, not even `end`.
     * NULL: pieces are not wanted, and dropped. */
    int (*piece)(void *arg, struct kith_bytes);
    /* Once, at last: how it ended; text: why not, or NULL. The id is dead already. */
    void (*end)(void *arg, int status, const char *text);
};

/* seed: random; where the ids of this table begin, so that one of another table is not met. NULL:
 * no memory. */
struct kith_asks *kith_asks_new(uint64_t seed);
/* Ends what is open with -KITH_ECLOSED. NULL is fine. */
void kith_asks_free(struct kith_asks *);

/* Open an id of owner's. deadline: `now`'s clock, or UINT64_MAX. 0: no memory or too many; then
 * nothing of asker is called. */
uint64_t kith_asks_open(struct kith_asks *, const struct kith_host *owner,
                        const struct kith_asker *, uint64_t deadline);
/* What host->reply and host->finish do: what `piece` says; -KITH_ECLOSED for an id that is dead,
 * zero or not this owner's. A positive status ends as -KITH_EIO and is answered -KITH_EINVAL. */
int kith_asks_reply(struct kith_asks *, const struct kith_host *owner, uint64_t id,
                    struct kith_bytes);
int kith_asks_finish(struct kith_asks *, const struct kith_host *owner, uint64_t id, int status,
                     const char *text);

/* Is it open, and owner's? */
bool kith_asks_waits(const struct kith_asks *, const struct kith_host *owner, uint64_t id);

/* All ids of one owner are another's from now on. */
void kith_asks_move(struct kith_asks *, const struct kith_host *from, const struct kith_host *to);
/* All ids of owner end with -KITH_ECLOSED; text says why, to people. */
void kith_asks_close_owner(struct kith_asks *, const struct kith_host *owner, const char *text);
/* The asker has gone: nothing of it is called any more. A dead id is fine. */
void kith_asks_cancel(struct kith_asks *, uint64_t id);

/* This one's deadline, if that is earlier than what it has. A dead id is fine. */
void kith_asks_hasten(struct kith_asks *, uint64_t id, uint64_t deadline);
/* End with -KITH_ETIMEOUT what should have been answered by now. */
void kith_asks_expire(struct kith_asks *, uint64_t now);
/* When to call expire next; never too late, UINT64_MAX: nothing waits for a time. */
uint64_t kith_asks_deadline(const struct kith_asks *);
size_t kith_asks_open_count(const struct kith_asks *);

#endif
