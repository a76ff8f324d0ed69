/*
 * loop.c - the turn of a loop, whatever its clock: descriptors, posts, timers, idle.
 *
 * The clock is read once, between waking and looking at the descriptors, and stands still for the
 * turn. So whatever was readable when a timeout came due is fed before that timeout fires, however
 * long the process was stopped or a delegate took; and all that a turn does happens at one time.
 */
#include "loop_private.h"
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

struct kith_idle {
    struct kith_loop *loop;
    struct kith_idle *next, **link; /* among the marked; link NULL: it is not */
    void (*fn)(void *arg);
    void *arg;
};

int kith_loop_setup(struct kith_loop *loop, const struct kith_loop_ops *ops)
{
    loop->ops = ops;
    loop->last_marked = &loop->marked;
    return pthread_mutex_init(&loop->lock, NULL) ? -KITH_ENOMEM : 0;
}

void kith_loop_teardown(struct kith_loop *loop)
{
    kith_timers_fini(&loop->timers);
    free(loop->posted.items);
    free(loop->running.items);
    free(loop->watched);
    kith_memory_fini(&loop->memory);
    pthread_mutex_destroy(&loop->lock);
}

void kith_loop_free(struct kith_loop *loop)
{
    if (loop) loop->ops->free(loop);
}

/* -------------------------------------------------------------------------- time, randomness */

uint64_t kith_loop_now(const struct kith_loop *loop)
{
    /* Between turns (an embedder calls in) the time of the last turn may be long past. */
    return loop->in_turn ? loop->now : loop->ops->clock(loop);
}

uint64_t kith_loop_wall(const struct kith_loop *loop) { return loop->ops->wall(loop); }

void kith_loop_random(struct kith_loop *loop, void *out, size_t len)
{
    loop->ops->random(loop, out, len);
}

bool kith_loop_is_virtual(const struct kith_loop *loop) { return loop->ops->is_virtual; }

uint64_t kith_loop_world(const struct kith_loop *loop) { return loop->world; }

void *kith_loop_scratch(struct kith_loop *loop, unsigned slot, size_t len)
{
    return kith_memory_scratch(&loop->memory, slot, len);
}

void kith_loop_keep(struct kith_loop *loop, struct kith_kept *kept)
{
    kith_memory_keep(&loop->memory, kept);
}

/* --------------------------------------------------------------------- watches, timers, idle */

enum { EVENTS = KITH_READABLE | KITH_WRITABLE };

bool kith_loop_lose(struct kith_watch *watch)
{
    void (*lost)(void *arg) = watch->lost;
    void *arg = watch->arg;
    if (!lost) return false;
    kith_loop_watch_free(watch);
    lost(arg);
    return true;
}

/* Is the number that of another file now? */
static bool is_lost(const struct kith_watch *watch)
{
    struct stat s;
    if (fstat(watch->fd, &s) != 0 || s.st_dev != watch->device || s.st_ino != watch->inode)
        return true;
    const struct kith_loop_ops *ops = watch->loop->ops;
    return ops->watch_lost && ops->watch_lost(watch);
}

bool kith_loop_watched(struct kith_loop *loop, int fd)
{
    struct kith_watch *watch = fd >= 0 && fd < loop->watched_cap ? loop->watched[fd] : NULL;
    return watch && !(is_lost(watch) && kith_loop_lose(watch));
}

void kith_loop_watch_lost(struct kith_watch *watch, void (*lost)(void *arg)) { watch->lost = lost; }

/* Files and folders are always ready; the kernel refuses to wait for them. */
static bool can_be_watched(int fd, struct stat *s)
{
    return fd >= 0 && fstat(fd, s) == 0 && !S_ISREG(s->st_mode) && !S_ISDIR(s->st_mode);
}

static bool room_for(struct kith_loop *loop, int fd)
{
    if (fd < loop->watched_cap) return true;
    int cap = loop->watched_cap ? loop->watched_cap : 64;
    while (cap <= fd) cap = cap > INT_MAX / 2 ? INT_MAX : 2 * cap;
    struct kith_watch **watched = realloc(loop->watched, (size_t)cap * sizeof *watched);
    if (!watched) return false;
    memset(watched + loop->watched_cap, 0, (size_t)(cap - loop->watched_cap) * sizeof *watched);
    loop->watched = watched;
    loop->watched_cap = cap;
    return true;
}

struct kith_watch *kith_loop_watch(struct kith_loop *loop, int fd, unsigned events,
                                   void (*fn)(void *arg, unsigned events), void *arg)
{
    struct stat s;
    if (!can_be_watched(fd, &s) || kith_loop_watched(loop, fd) || !room_for(loop, fd)) return NULL;
    events &= EVENTS;
    struct kith_watch *watch = loop->ops->watch(loop, fd, events);
    if (!watch) return NULL;
    watch->loop = loop;
    watch->fn = fn;
    watch->arg = arg;
    watch->events = events;
    watch->fd = fd;
    watch->device = s.st_dev;
    watch->inode = s.st_ino;
    loop->watched[fd] = watch;
    loop->watches += events != 0;
    return watch;
}

void kith_loop_watch_set(struct kith_watch *watch, unsigned events)
{
    events &= EVENTS;
    if (watch->events == events) return;
    watch->loop->watches += (events != 0) - (size_t)(watch->events != 0);
    watch->events = events;
    watch->loop->ops->watch_set(watch, events);
}

void kith_loop_watch_free(struct kith_watch *watch)
{
    if (!watch) return;
    watch->loop->watches -= watch->events != 0;
    watch->loop->watched[watch->fd] = NULL;
    watch->events = 0;
    watch->loop->ops->watch_free(watch);
}

void kith_loop_ready(struct kith_watch *watch, unsigned events)
{
    events &= watch->events;
    if (events) watch->fn(watch->arg, events);
}

struct kith_timer *kith_loop_timer(struct kith_loop *loop, void (*fn)(void *arg), void *arg)
{
    return kith_timers_add(&loop->timers, fn, arg);
}

void kith_loop_timer_set(struct kith_timer *timer, uint64_t at) { kith_timers_set(timer, at); }

void kith_loop_timer_free(struct kith_timer *timer) { kith_timers_remove(timer); }

struct kith_idle *kith_loop_idle(struct kith_loop *loop, void (*fn)(void *arg), void *arg)
{
    struct kith_idle *idle = malloc(sizeof *idle);
    if (idle) *idle = (struct kith_idle){.loop = loop, .fn = fn, .arg = arg};
    return idle;
}

void kith_loop_idle_mark(struct kith_idle *idle)
{
    struct kith_loop *loop = idle->loop;
    if (idle->link) return;
    idle->next = NULL;
    idle->link = loop->last_marked;
    *idle->link = idle;
    loop->last_marked = &idle->next;
}

static void unmark(struct kith_idle *idle)
{
    if (!idle->link) return;
    *idle->link = idle->next;
    if (idle->next)
        idle->next->link = idle->link;
    else if (idle->loop->last_marked == &idle->next)
        idle->loop->last_marked = idle->link;
    idle->link = NULL;
}

void kith_loop_idle_free(struct kith_idle *idle)
{
    if (idle) unmark(idle);
    free(idle);
}

/* Those marked until now; who is marked meanwhile, and is not among them, waits for the next turn.
 */
static void run_idles(struct kith_loop *loop)
{
    if (!loop->marked) return;
    loop->calling = loop->marked;
    loop->calling->link = &loop->calling;
    loop->marked = NULL;
    loop->last_marked = &loop->marked;
    for (struct kith_idle *idle; (idle = loop->calling);) {
        unmark(idle);
        idle->fn(idle->arg); /* may free it, or any other */
    }
}

/* ------------------------------------------------------------------------------------- posts */

int kith_loop_post(struct kith_loop *loop, void (*fn)(void *arg), void *arg)
{
    int rc = 0;
    pthread_mutex_lock(&loop->lock);
    struct kith_posts *p = &loop->posted;
    if (p->count == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 16;
        struct kith_post *items = realloc(p->items, cap * sizeof *items);
        if (items) {
            p->items = items;
            p->cap = cap;
        } else {
            rc = -KITH_ENOMEM;
        }
    }
    bool first = !p->count;
    if (!rc) p->items[p->count++] = (struct kith_post){fn, arg};
    pthread_mutex_unlock(&loop->lock);
    if (!rc && first) loop->ops->wake(loop);
    return rc;
}

static void take_back(struct kith_posts *p, void (*fn)(void *arg), void *arg)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].fn == fn && p->items[i].arg == arg) p->items[i].fn = NULL;
}

void kith_loop_unpost(struct kith_loop *loop, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&loop->lock);
    take_back(&loop->posted, fn, arg);
    pthread_mutex_unlock(&loop->lock);
    take_back(&loop->running, fn, arg);
}

static bool any_posted(const struct kith_loop *loop)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&loop->lock;
    pthread_mutex_lock(lock);
    bool any = loop->posted.count > 0;
    pthread_mutex_unlock(lock);
    return any;
}

/* What is posted meanwhile runs in the next turn, so that a turn ends. */
static void run_posts(struct kith_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct kith_posts p = loop->running;
    loop->running = loop->posted;
    loop->posted = p;
    pthread_mutex_unlock(&loop->lock);
    for (size_t i = 0; i < loop->running.count; i++) {
        struct kith_post post = loop->running.items[i];
        if (post.fn) post.fn(post.arg);
    }
    loop->running.count = 0;
}

/* ------------------------------------------------------------------------------------- turns */

/* A number that no other thread has at this time. */
static uintptr_t this_thread(void)
{
    static _Thread_local char mine;
    return (uintptr_t)&mine;
}

void kith_loop_enter(struct kith_loop *loop)
{
    atomic_store_explicit(&loop->thread, this_thread(), memory_order_relaxed);
}

bool kith_loop_foreign(const struct kith_loop *loop)
{
    uintptr_t thread = atomic_load_explicit(&loop->thread, memory_order_relaxed);
    return thread && thread != this_thread();
}

/* Has the next turn something to do already? */
static bool restless(const struct kith_loop *loop)
{
    return loop->marked || any_posted(loop) || loop->ops->fresh(loop);
}

bool kith_loop_turn(struct kith_loop *loop, uint64_t wait)
{
    kith_loop_enter(loop);
    uint64_t now = kith_loop_now(loop), next = kith_timers_next(&loop->timers);
    uint64_t until = wait > UINT64_MAX - now ? UINT64_MAX : now + wait;
    if (next < until) until = next;
    if (restless(loop)) until = now;
    loop->ops->wait(loop, until);

    loop->in_turn = true;
    loop->timers.now = loop->now;
    loop->ops->dispatch(loop);
    run_posts(loop);
    kith_timers_run(&loop->timers, loop->now);
    run_idles(loop);
    loop->in_turn = false;
    return loop->watches || loop->timers.armed || loop->marked || any_posted(loop);
}

void kith_loop_run_until(struct kith_loop *loop, uint64_t until)
{
    uint64_t now;
    while ((now = kith_loop_now(loop)) < until) kith_loop_turn(loop, until - now);
}

void kith_loop_wake(struct kith_loop *loop) { loop->ops->wake(loop); }

int kith_loop_fd(const struct kith_loop *loop) { return loop->ops->fd(loop); }

uint64_t kith_loop_timeout(const struct kith_loop *loop)
{
    uint64_t now = loop->ops->clock(loop), next = kith_timers_next(&loop->timers);
    if (restless(loop) || next <= now) return 0;
    return next == UINT64_MAX ? UINT64_MAX : next - now;
}
