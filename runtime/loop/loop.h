/*
 * loop.h - the seam between a node and time, descriptors and randomness. Two implementations:
 * loop_uv.c (libuv) and loop_virtual.c (virtual time, seeded). Several nodes may share one loop.
 *
 * ORDER OF A TURN. Descriptors first, then what was posted, then due timers, then the `idle`
 * callbacks that were marked (a node drains its core there and flushes its transport). So after a
 * stop, or a slow delegate, what was readable on waking is fed before any timeout fires; and of a
 * thousand nodes only those to whom something happened are looked at.
 */
#ifndef KITH_LOOP_H
#define KITH_LOOP_H

#include <kith/plugin.h>

struct kith_loop;

/* libuv, real time. NULL: errno says why. */
struct kith_loop *kith_loop_new(void);
/* Time begins at `start` and moves when nothing is to do. */
struct kith_loop *kith_loop_new_virtual(uint64_t seed, uint64_t start);
void kith_loop_free(struct kith_loop *);

uint64_t kith_loop_now(const struct kith_loop *);  /* monotonic ns, as of this turn */
uint64_t kith_loop_wall(const struct kith_loop *); /* ns since 1970 */
void kith_loop_random(struct kith_loop *, void *out, size_t len);
bool kith_loop_is_virtual(const struct kith_loop *);
/* 0 for a real loop; for a virtual one its number, which no other one of this process has. */
uint64_t kith_loop_world(const struct kith_loop *);

/* NULL: no memory, watched already (by anybody on this loop), or not to be watched: no descriptor,
 * a plain file, a folder. Bits of events that are not known are ignored. */
struct kith_watch *kith_loop_watch(struct kith_loop *, int fd, unsigned events,
                                   void (*fn)(void *arg, unsigned events), void *arg);
/* Is it watched? Finds out whether the descriptor was closed under its watch, and is another file
 * now: then that watch is lost. */
bool kith_loop_watched(struct kith_loop *, int fd);
/* Be told when that was found out: the watch has been freed then. Without it such a watch stays,
 * and keeps others from the number. */
void kith_loop_watch_lost(struct kith_watch *, void (*lost)(void *arg));
void kith_loop_watch_set(struct kith_watch *, unsigned events);
void kith_loop_watch_free(struct kith_watch *);

struct kith_timer *kith_loop_timer(struct kith_loop *, void (*fn)(void *arg), void *arg);
void kith_loop_timer_set(struct kith_timer *, uint64_t at); /* UINT64_MAX: disarm */
void kith_loop_timer_free(struct kith_timer *);

/* Working memory that all who run on this loop share, one block a slot: at least len bytes, aligned
 * for anything, contents as the last left them. It grows when more is asked for than ever before;
 * the block from before stays valid, too. NULL: no memory. */
enum { KITH_SCRATCH_SLOTS = 18 };
void *kith_loop_scratch(struct kith_loop *, unsigned slot, size_t len);

/* What must stay as long as the loop, although its owner has gone: a member of the owner, who is
 * freed by `end` when the loop is. */
struct kith_kept {
    struct kith_kept *next;
    void (*end)(struct kith_kept *);
};
void kith_loop_keep(struct kith_loop *, struct kith_kept *);

/* Called at the end of the turn in which it is marked, once however often it is, in the order of
 * marking. Marked outside of a turn, or while these callbacks run after it has had its call: a turn
 * comes at once. The loop's thread. */
struct kith_idle;
struct kith_idle *kith_loop_idle(struct kith_loop *, void (*fn)(void *arg), void *arg);
void kith_loop_idle_mark(struct kith_idle *);
void kith_loop_idle_free(struct kith_idle *); /* also from inside fn */

/* This thread runs it from now on. A turn says so itself; who calls, outside of a turn, into what
 * stands on the loop says it before. */
void kith_loop_enter(struct kith_loop *);
/* Does another thread run it than the one that asks, which may be any? */
bool kith_loop_foreign(const struct kith_loop *);

int kith_loop_post(struct kith_loop *, void (*fn)(void *arg), void *arg); /* any thread */
/* Take back what was posted with this fn and arg and did not run yet. The loop's thread. */
void kith_loop_unpost(struct kith_loop *, void (*fn)(void *arg), void *arg);

/* One turn, waiting at most `wait` ns (0: not at all); whether anything is left to wait for. When
 * nothing is, virtual time never moves again. */
bool kith_loop_turn(struct kith_loop *, uint64_t wait);
/* Turns until the time has come; in virtual time that is how far it moves. */
void kith_loop_run_until(struct kith_loop *, uint64_t until);
/* A turn that waits ends its wait, or the next one does not begin to: somebody has changed what its
 * caller looks at between turns. Any thread; also from a signal handler. */
void kith_loop_wake(struct kith_loop *);

/* Embedding in somebody else's loop: poll this descriptor for reading, at most `timeout` ns long
 * (UINT64_MAX: for ever), then kith_loop_turn(loop, 0). Read the timeout again after every call
 * into Kith. */
int kith_loop_fd(const struct kith_loop *);
uint64_t kith_loop_timeout(const struct kith_loop *);

#endif
