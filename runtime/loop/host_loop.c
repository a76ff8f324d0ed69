/*
 * host_loop.c - what an instance asks of the loop: posts, watches, timers. Each is known to be its
 * own, so that nothing of it outlives the instance.
 */
#include "host_parts.h"
#include <fcntl.h>
#include <stdlib.h>

/*
 * A watch or a timer. The plugin has it as an opaque handle, and frees it:
 *
 *   live     `watch` or `timer` is set; in its host's list
 *            -> freed  the plugin did
 *            -> ended  the instance stopped, or could not start: it leads to nothing any more
 *   ended    -> freed  the plugin did: fini may, when start has failed
 *            -> left   fini is over, or the instance starts again: it is blamed
 *   left     `host` is NULL; a plugin that still hands it in does no harm. Freed with the services
 */
struct host_held {
    struct host_held *next, **link;
    struct host *host;
    struct kith_watch *watch;
    struct kith_timer *timer;
    struct host_late late; /* of a timer: it fired while the node was paused */
    int fd;                /* -1: a timer */
    unsigned events;       /* of a watch, when the node is not paused */
    void (*ready)(void *arg, unsigned events);
    void (*due)(void *arg);
    void *arg;
};

/* -------------------------------------------------------------------------------------- posts */

static void run_posts(struct host_late *late)
{
    struct host *h = (struct host *)((char *)late - offsetof(struct host, late));
    pthread_mutex_lock(&h->lock);
    struct host_queue q = h->running;
    h->running = h->posted;
    h->posted = q;
    pthread_mutex_unlock(&h->lock);
    struct host_call call = kith_host_enter(h);
    /* One of them may lead to release, which empties the queue. */
    for (size_t i = 0; i < h->running.count; i++) h->running.items[i].fn(h->running.items[i].arg);
    h->running.count = 0;
    kith_host_leave(h, call, "post");
}

static void on_posted(void *arg)
{
    struct host *h = arg;
    kith_host_due(h->services, &h->late, run_posts);
}

static bool room_in(struct host_queue *q)
{
    if (q->count < q->cap) return true;
    size_t cap = q->cap ? 2 * q->cap : 16;
    struct host_post *items = realloc(q->items, cap * sizeof *items);
    if (!items) return false;
    q->items = items;
    q->cap = cap;
    return true;
}

/* Any thread may post, and only the node's may blame. */
static void blame_post(void *arg) { kith_host_blame(arg, "post without a function"); }

int kith_host_post(const struct kith_host *table, void (*fn)(void *arg), void *arg)
{
    struct host *h = host_of(table);
    int rc = 0;
    if (!fn) {
        (void)kith_host_post(table, blame_post, h);
        return -KITH_EINVAL;
    }
    pthread_mutex_lock(&h->lock);
    if (h->closed)
        rc = -KITH_ECLOSED;
    else if (!room_in(&h->posted))
        rc = -KITH_ENOMEM;
    else if (!h->posted.count)
        rc = kith_loop_post(h->loop, on_posted, h);
    if (!rc) h->posted.items[h->posted.count++] = (struct host_post){fn, arg};
    pthread_mutex_unlock(&h->lock);
    return rc;
}

/* ---------------------------------------------------------------------------- watches, timers */

static void link_held(struct host_held **list, struct host_held *held)
{
    held->next = *list;
    held->link = list;
    if (held->next) held->next->link = &held->next;
    *list = held;
}

static void unlink_held(struct host_held *held)
{
    *held->link = held->next;
    if (held->next) held->next->link = held->link;
}

static struct host_held *hold(struct host *h, int fd, void *arg)
{
    struct host_held *held = h->closed ? NULL : calloc(1, sizeof *held);
    if (!held) return NULL;
    *held = (struct host_held){.host = h, .fd = fd, .arg = arg};
    link_held(&h->held, held);
    return held;
}

static void end_held(struct host_held *held)
{
    if (held->host) kith_host_not_due(held->host->services, &held->late);
    kith_loop_watch_free(held->watch);
    kith_loop_timer_free(held->timer);
    held->watch = NULL;
    held->timer = NULL;
}

static void drop_held(struct host_held *held)
{
    end_held(held);
    unlink_held(held);
    free(held);
}

static void on_ready(void *arg, unsigned events)
{
    const struct host_held *held = arg;
    struct host *h = held->host;
    struct host_call call = kith_host_enter(h);
    held->ready(held->arg, events); /* may free it */
    kith_host_leave(h, call, "watch");
}

static void run_timer(struct host_late *late)
{
    const struct host_held *held =
        (struct host_held *)((char *)late - offsetof(struct host_held, late));
    struct host *h = held->host;
    struct host_call call = kith_host_enter(h);
    held->due(held->arg);
    kith_host_leave(h, call, "timer");
}

static void on_due(void *arg)
{
    struct host_held *held = arg;
    kith_host_due(held->host->services, &held->late, run_timer);
}

/* A handle that a plugin hands in: of nobody any more, or from another thread. */
static bool strange(const struct host_held *held, const char *service)
{
    return !held || !held->host || kith_host_foreign(&held->host->table, service);
}

/* Blamed now, as what was closed may be another file soon, of somebody else. */
static void on_lost(void *arg)
{
    struct host_held *held = arg;
    held->watch = NULL;
    kith_host_blame(held->host, "closed descriptor %d before its watch", held->fd);
}

/* Which entry of the node watches it; NULL: none, but the node itself or another one. */
static const char *watcher_of(const struct kith_services *s, int fd)
{
    for (const struct host *h = s->hosts; h; h = h->next)
        for (const struct host_held *held = h->held; held; held = held->next)
            if (held->watch && held->fd == fd) return h->name;
    return NULL;
}

struct kith_watch *kith_host_watch(const struct kith_host *table, int fd, unsigned events,
                                   void (*fn)(void *arg, unsigned events), void *arg)
{
    if (kith_host_foreign(table, "watch")) return NULL;
    struct host *h = host_of(table);
    if (!fn) {
        kith_host_blame(h, "watch without a function");
        return NULL;
    }
    if (kith_loop_watched(h->loop, fd)) {
        const char *by = watcher_of(h->services, fd);
        table->log(table, KITH_LOG_WARN, "descriptor %d is watched already, by %s", fd,
                   !by                        ? "none of this node's entries"
                   : strcmp(by, h->name) == 0 ? "this entry"
                                              : by);
        return NULL;
    }
    struct host_held *held = hold(h, fd, arg);
    if (!held) return NULL;
    held->ready = fn;
    held->events = events;
    held->watch = kith_loop_watch(h->loop, fd, h->services->paused ? 0 : events, on_ready, held);
    if (held->watch) {
        kith_loop_watch_lost(held->watch, on_lost);
        return (struct kith_watch *)held;
    }
    table->log(table, KITH_LOG_WARN, "descriptor %d can't be watched", fd);
    drop_held(held);
    return NULL;
}

void kith_host_watch_set(struct kith_watch *watch, unsigned events)
{
    struct host_held *held = (struct host_held *)watch;
    if (strange(held, "watch_set") || !held->watch) return;
    held->events = events;
    if (!held->host->services->paused) kith_loop_watch_set(held->watch, events);
}

void kith_host_watch_free(struct kith_watch *watch)
{
    struct host_held *held = (struct host_held *)watch;
    if (strange(held, "watch_free")) return;
    if (held->watch && fcntl(held->fd, F_GETFD) < 0)
        kith_host_blame(held->host, "closed descriptor %d before its watch", held->fd);
    drop_held(held);
}

struct kith_timer *kith_host_timer(const struct kith_host *table, void (*fn)(void *arg), void *arg)
{
    if (kith_host_foreign(table, "timer")) return NULL;
    struct host *h = host_of(table);
    if (!fn) kith_host_blame(h, "timer without a function");
    struct host_held *held = fn ? hold(h, -1, arg) : NULL;
    if (!held) return NULL;
    held->due = fn;
    held->timer = kith_loop_timer(h->loop, on_due, held);
    if (held->timer) return (struct kith_timer *)held;
    drop_held(held);
    return NULL;
}

void kith_host_timer_set(struct kith_timer *timer, uint64_t at)
{
    struct host_held *held = (struct host_held *)timer;
    if (strange(held, "timer_set") || !held->timer) return;
    kith_host_not_due(held->host->services, &held->late); /* that time is over */
    kith_loop_timer_set(held->timer, at);
}

void kith_host_timer_free(struct kith_timer *timer)
{
    struct host_held *held = (struct host_held *)timer;
    if (!strange(held, "timer_free")) drop_held(held);
}

void kith_host_loop_pause(struct host *h, bool paused)
{
    for (const struct host_held *held = h->held; held; held = held->next)
        if (held->watch) kith_loop_watch_set(held->watch, paused ? 0 : held->events);
}

/* --------------------------------------------------------------------------------------- ends */

void kith_host_loop_release(struct host *h)
{
    kith_host_not_due(h->services, &h->late);
    pthread_mutex_lock(&h->lock);
    h->closed = true;
    h->posted.count = 0;
    pthread_mutex_unlock(&h->lock);
    h->running.count = 0;
    kith_loop_unpost(h->loop, on_posted, h);
    for (struct host_held *held = h->held; held; held = held->next) end_held(held);
}

/* One line for all of it. */
static void blame_left(struct host *h)
{
    size_t watches = 0, timers = 0;
    char watched[64] = "", timed[32] = "";
    int fd = -1;
    while (h->held) {
        struct host_held *held = h->held;
        ++*(held->fd < 0 ? &timers : &watches);
        if (held->fd >= 0) fd = held->fd;
        unlink_held(held);
        link_held(&h->services->left, held);
        held->host = NULL;
    }
    if (watches)
        snprintf(watched, sizeof watched, "%zu watch%s (descriptor %d%s)", watches,
                 watches > 1 ? "es" : "", fd, watches > 1 ? " and others" : "");
    if (timers) snprintf(timed, sizeof timed, "%zu timer%s", timers, timers > 1 ? "s" : "");
    if (watches || timers)
        kith_host_blame(h, "left %s%s%s behind after %s", watched, watches && timers ? " and " : "",
                        timed, h->after);
}

void kith_host_loop_revive(struct host *h)
{
    blame_left(h);
    pthread_mutex_lock(&h->lock);
    h->closed = false;
    pthread_mutex_unlock(&h->lock);
}

void kith_host_loop_free(struct host *h)
{
    blame_left(h);
    free(h->posted.items);
    free(h->running.items);
    h->posted = h->running = (struct host_queue){0};
}

void kith_host_loop_free_left(struct kith_services *s)
{
    while (s->left) drop_held(s->left);
}
