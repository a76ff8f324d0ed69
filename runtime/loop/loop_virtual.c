/*
 * loop_virtual.c - the loop in virtual time: the clock jumps to the next timer as soon as nothing
 * else is to do, and randomness comes from a seed. A run repeats exactly.
 *
 * Real descriptors may be watched too; they are asked without waiting before every jump. What goes
 * through the kernel's loopback is there at once, so a node with real sockets can be tested in
 * virtual time.
 */
#include "loop_private.h"
#include <poll.h>
#include <stdlib.h>

/* 2023-11-14: some past date, the same in every run. */
#define EPOCH 1700000000000000000u

/* How many of these loops there were: their numbers. */
static atomic_uint_fast64_t worlds;

struct virtual_watch {
    struct kith_watch watch;
    size_t place;
};

struct virtual_loop {
    struct kith_loop loop;
    uint64_t random;
    struct pollfd *fds;             /* one per watch; fd -1: paused, or freed */
    struct virtual_watch **watches; /* NULL: freed while dispatching */
    size_t count, cap;
    bool dispatching;
};

static struct virtual_loop *real(const struct kith_loop *loop)
{
    return (struct virtual_loop *)loop;
}

static uint64_t virtual_clock(const struct kith_loop *loop) { return loop->now; }

static uint64_t virtual_wall(const struct kith_loop *loop) { return EPOCH + loop->now; }

/* SplitMix64 (Steele, Lea, Flood; OOPSLA 2014). */
static void virtual_random(struct kith_loop *loop, void *out, size_t len)
{
    for (uint8_t *at = out; len;) {
        uint64_t z = real(loop)->random += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        z ^= z >> 31;
        size_t n = len < sizeof z ? len : sizeof z;
        memcpy(at, &z, n);
        at += n;
        len -= n;
    }
}

static void virtual_wait(struct kith_loop *loop, uint64_t until)
{
    struct virtual_loop *v = real(loop);
    /* Without a timer there is nowhere to jump: somebody outside must act, and is given some real
     * time for it. */
    bool ready = loop->watches && poll(v->fds, (nfds_t)v->count, until == UINT64_MAX ? 10 : 0) > 0;
    if (!ready && until != UINT64_MAX && until > loop->now) loop->now = until;
}

/* Forget the watches that were freed while the list was walked. */
static void sweep(struct virtual_loop *v)
{
    size_t n = 0;
    for (size_t i = 0; i < v->count; i++) {
        if (!v->watches[i]) continue;
        v->watches[n] = v->watches[i];
        v->fds[n] = v->fds[i];
        v->watches[n]->place = n;
        n++;
    }
    v->count = n;
}

static void virtual_dispatch(struct kith_loop *loop)
{
    struct virtual_loop *v = real(loop);
    if (!loop->watches) return;
    v->dispatching = true;
    size_t n = v->count; /* those made meanwhile wait for the next turn */
    for (size_t i = 0; i < n; i++) {
        short got = v->fds[i].revents;
        if (!got || !v->watches[i]) continue;
        v->fds[i].revents = 0;
        unsigned ready = (got & (POLLIN | POLLHUP | POLLERR) ? KITH_READABLE : 0) |
                         (got & (POLLOUT | POLLHUP | POLLERR) ? KITH_WRITABLE : 0);
        kith_loop_ready(&v->watches[i]->watch, ready);
    }
    v->dispatching = false;
    sweep(v);
}

static void virtual_wake(struct kith_loop *loop) {}

static bool virtual_fresh(const struct kith_loop *loop) { return false; }

static int virtual_fd(const struct kith_loop *loop) { return -1; }

static void aim(struct pollfd *p, int fd, unsigned events)
{
    p->fd = events ? fd : -1 - fd; /* poll() leaves negative ones alone */
    p->events =
        (short)((events & KITH_READABLE ? POLLIN : 0) | (events & KITH_WRITABLE ? POLLOUT : 0));
    p->revents = 0;
}

static bool grow(struct virtual_loop *v)
{
    if (v->count < v->cap) return true;
    size_t cap = v->cap ? 2 * v->cap : 16;
    struct pollfd *fds = realloc(v->fds, cap * sizeof *fds);
    if (fds) v->fds = fds;
    struct virtual_watch **watches = fds ? realloc(v->watches, cap * sizeof *watches) : NULL;
    if (!watches) return false;
    v->watches = watches;
    v->cap = cap;
    return true;
}

static struct kith_watch *virtual_watch(struct kith_loop *loop, int fd, unsigned events)
{
    struct virtual_loop *v = real(loop);
    struct virtual_watch *w = grow(v) ? calloc(1, sizeof *w) : NULL;
    if (!w) return NULL;
    w->place = v->count++;
    v->watches[w->place] = w;
    aim(&v->fds[w->place], fd, events);
    return &w->watch;
}

static void virtual_watch_set(struct kith_watch *watch, unsigned events)
{
    struct pollfd *p = &real(watch->loop)->fds[((struct virtual_watch *)watch)->place];
    aim(p, p->fd < 0 ? -1 - p->fd : p->fd, events);
}

static void virtual_watch_free(struct kith_watch *watch)
{
    struct virtual_loop *v = real(watch->loop);
    size_t place = ((struct virtual_watch *)watch)->place;
    v->watches[place] = NULL;
    v->fds[place].fd = -1;
    free(watch);
    if (!v->dispatching) sweep(v);
}

static void virtual_free(struct kith_loop *loop)
{
    struct virtual_loop *v = real(loop);
    kith_loop_teardown(loop);
    free(v->fds);
    free(v->watches);
    free(v);
}

static const struct kith_loop_ops ops = {
    .wait = virtual_wait,
    .dispatch = virtual_dispatch,
    .wake = virtual_wake,
    .clock = virtual_clock,
    .wall = virtual_wall,
    .random = virtual_random,
    .fresh = virtual_fresh,
    .fd = virtual_fd,
    .free = virtual_free,
    .watch = virtual_watch,
    .watch_set = virtual_watch_set,
    .watch_free = virtual_watch_free,
    .is_virtual = true,
};

struct kith_loop *kith_loop_new_virtual(uint64_t seed, uint64_t start)
{
    struct virtual_loop *v = calloc(1, sizeof *v);
    if (!v) return NULL;
    if (kith_loop_setup(&v->loop, &ops)) {
        free(v);
        return NULL;
    }
    v->loop.now = start;
    v->loop.world = atomic_fetch_add(&worlds, 1) + 1;
    v->random = seed;
    return &v->loop;
}
