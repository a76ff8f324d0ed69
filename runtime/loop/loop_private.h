/*
 * loop_private.h - what both loops share (loop.c) and what each brings of its own.
 */
#ifndef KITH_LOOP_PRIVATE_H
#define KITH_LOOP_PRIVATE_H

#include "loop.h"
#include "loop_memory.h"
#include "timers.h"
#include <pthread.h>
#include <stdatomic.h>

struct kith_loop_ops {
    /* Sleep until a descriptor is ready, wake() is called or `until` is reached; then set
     * loop->now. until <= now: don't sleep. Runs nothing. */
    void (*wait)(struct kith_loop *, uint64_t until);
    /* Call the watches that are ready. */
    void (*dispatch)(struct kith_loop *);
    void (*wake)(struct kith_loop *); /* [any] also from a signal handler */
    uint64_t (*clock)(const struct kith_loop *);
    uint64_t (*wall)(const struct kith_loop *);
    void (*random)(struct kith_loop *, void *out, size_t len);
    /* Must something be dispatched before the descriptor can tell? */
    bool (*fresh)(const struct kith_loop *);
    int (*fd)(const struct kith_loop *);
    void (*free)(struct kith_loop *);

    struct kith_watch *(*watch)(struct kith_loop *, int fd, unsigned events);
    void (*watch_set)(struct kith_watch *, unsigned events);
    void (*watch_free)(struct kith_watch *);
    /* The number leads to a file of the same inode: is it another one all the same, which the
     * kernel does not watch? NULL: nobody can tell. */
    bool (*watch_lost)(const struct kith_watch *);
    bool is_virtual;
};

struct kith_watch {
    struct kith_loop *loop;
    void (*fn)(void *arg, unsigned events);
    void *arg;
    unsigned events;
    int fd;
    uint64_t device, inode;  /* of the file, which another one may take the number of */
    void (*lost)(void *arg); /* NULL: nobody wants to be told */
};

struct kith_post {
    void (*fn)(void *arg); /* NULL: taken back */
    void *arg;
};

struct kith_posts {
    struct kith_post *items;
    size_t count, cap;
};

struct kith_loop {
    const struct kith_loop_ops *ops;
    uint64_t now;
    struct kith_timers timers;
    struct kith_idle *marked, **last_marked; /* idles that are to be called, in this order */
    struct kith_idle *calling;               /* those left of this turn */
    size_t watches;                          /* those with events */
    bool in_turn;
    uint64_t world;              /* 0: real time */
    struct kith_watch **watched; /* by descriptor: the kernel's numbers are small */
    int watched_cap;             /* entries of it */
    struct kith_memory memory;
    atomic_uintptr_t thread; /* the one that runs it; 0: none yet */

    pthread_mutex_t lock; /* for `posted` */
    struct kith_posts posted, running;
};

int kith_loop_setup(struct kith_loop *, const struct kith_loop_ops *);
void kith_loop_teardown(struct kith_loop *);
/* A watch is ready. */
void kith_loop_ready(struct kith_watch *, unsigned events);
/* Its descriptor was closed before it. Ends it and tells its owner; false: who does not want to
 * know, and it stays. */
bool kith_loop_lose(struct kith_watch *);

#endif
