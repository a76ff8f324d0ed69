/*
 * loop_uv.c - the loop in real time: libuv watches the descriptors and wakes up for other threads.
 *
 * libuv's own timers are not used: they fire before its descriptors, count milliseconds, and time
 * stands still between its runs. We sleep on its backend descriptor instead, exactly as a foreign
 * loop that embeds us does, and then let it dispatch without waiting.
 */
#include "loop_private.h"
#include "standard.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

struct uv_loop {
    struct kith_loop loop;
    uv_loop_t uv;
    uv_async_t async;
    struct uv_watch *armed; /* since the last dispatch: the kernel does not know them yet */
    bool quiet;             /* we have waited, and no descriptor was ready: libuv need not look */
};

struct uv_watch {
    struct kith_watch watch;
    uv_poll_t poll;
    struct uv_watch *next, **link; /* in `armed`; link NULL: not there */
};

static struct uv_loop *real(const struct kith_loop *loop) { return (struct uv_loop *)loop; }

static uint64_t clock_of(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t uv_clock(const struct kith_loop *loop) { return clock_of(CLOCK_MONOTONIC); }

static uint64_t uv_wall(const struct kith_loop *loop) { return clock_of(CLOCK_REALTIME); }

static void uv_random_bytes(struct kith_loop *loop, void *out, size_t len)
{
    randombytes_buf(out, len);
}

/* libuv registers new handles with the kernel in its next run only; it says so by a timeout of 0.
 */
static bool uv_fresh(const struct kith_loop *loop)
{
    return uv_backend_timeout(&real(loop)->uv) == 0;
}

static int uv_fd(const struct kith_loop *loop) { return uv_backend_fd(&real(loop)->uv); }

static void uv_wait(struct kith_loop *loop, uint64_t until)
{
    struct pollfd p = {.fd = uv_fd(loop), .events = POLLIN};
    uint64_t now = uv_clock(loop), left = until > now ? until - now : 0;
    struct timespec t = {.tv_sec = (time_t)(left / 1000000000u),
                         .tv_nsec = (long)(left % 1000000000u)};
    real(loop)->quiet = left && ppoll(&p, 1, until == UINT64_MAX ? NULL : &t, NULL) == 0;
    loop->now = uv_clock(loop);
}

static void take_off(struct uv_watch *w)
{
    if (!w->link) return;
    *w->link = w->next;
    if (w->next) w->next->link = w->link;
    w->link = NULL;
}

static void put_on(struct uv_watch *w)
{
    struct uv_loop *u = real(w->watch.loop);
    if (w->link) return;
    w->next = u->armed;
    w->link = &u->armed;
    if (w->next) w->next->link = &w->next;
    u->armed = w;
}

/* libuv aborts when the kernel refuses a descriptor. One that was closed under its watch is lost,
 * or never ready. */
static void uv_dispatch(struct kith_loop *loop)
{
    while (real(loop)->armed) {
        struct uv_watch *w = real(loop)->armed;
        take_off(w);
        if (fcntl(w->watch.fd, F_GETFD) < 0 && !kith_loop_lose(&w->watch)) uv_poll_stop(&w->poll);
    }
    if (!real(loop)->quiet || uv_fresh(loop)) uv_run(&real(loop)->uv, UV_RUN_NOWAIT);
}

static void uv_wake(struct kith_loop *loop) { uv_async_send(&real(loop)->async); }

/* The posts themselves run after all descriptors, in the turn. */
static void on_wake(uv_async_t *async) {}

/* ----------------------------------------------------------------------------------- watches */

static void on_poll(uv_poll_t *poll, int status, int events);

static void arm(struct uv_watch *w, unsigned events)
{
    int flags =
        (events & KITH_READABLE ? UV_READABLE : 0) | (events & KITH_WRITABLE ? UV_WRITABLE : 0);
    int rc = flags ? uv_poll_start(&w->poll, flags, on_poll) : uv_poll_stop(&w->poll);
    assert(!rc);
    if (flags)
        put_on(w);
    else
        take_off(w);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct uv_watch *w = poll->data;
    unsigned ready =
        (events & UV_READABLE ? KITH_READABLE : 0) | (events & UV_WRITABLE ? KITH_WRITABLE : 0);
    if (status < 0) {
        /* An error waits on the descriptor and libuv stopped watching. Reading or writing tells
         * which one. */
        ready = KITH_READABLE | KITH_WRITABLE;
        arm(w, w->watch.events);
    }
    kith_loop_ready(&w->watch, ready);
}

static struct kith_watch *uv_watch(struct kith_loop *loop, int fd, unsigned events)
{
    struct uv_watch *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    if (uv_poll_init(&real(loop)->uv, &w->poll, fd)) {
        free(w);
        return NULL;
    }
    w->watch.loop = loop;
    w->watch.fd = fd;
    w->poll.data = w;
    if (events) arm(w, events);
    return &w->watch;
}

static void uv_watch_set(struct kith_watch *watch, unsigned events)
{
    arm((struct uv_watch *)watch, events);
}

/* Was the descriptor closed, and its number perhaps given to another one? Timer and event
 * descriptors share one inode, so ask epoll: if it accepts the number, it no longer watches it. */
static bool uv_watch_lost(const struct kith_watch *watch)
{
    const struct uv_watch *w = (const struct uv_watch *)watch;
    if (w->link || !watch->events) return false; /* it can't know it yet, or any more */
    struct epoll_event nothing = {0};
    int kernel = uv_fd(watch->loop);
    if (epoll_ctl(kernel, EPOLL_CTL_ADD, watch->fd, &nothing)) return false;
    epoll_ctl(kernel, EPOLL_CTL_DEL, watch->fd, &nothing);
    return true;
}

static void on_closed(uv_handle_t *handle) { free(handle->data); }

static void uv_watch_free(struct kith_watch *watch)
{
    /* Takes the descriptor out of the kernel's set at once, so that it may be closed now; frees in
     * the next run. */
    struct uv_watch *w = (struct uv_watch *)watch;
    take_off(w);
    uv_close((uv_handle_t *)&w->poll, on_closed);
}

/* ------------------------------------------------------------------------------------- life */

static void uv_free(struct kith_loop *loop)
{
    struct uv_loop *u = real(loop);
    uv_close((uv_handle_t *)&u->async, NULL);
    uv_run(&u->uv, UV_RUN_DEFAULT);
    int rc = uv_loop_close(&u->uv);
    assert(!rc); /* else somebody left a watch */
    kith_loop_teardown(loop);
    free(u);
}

static const struct kith_loop_ops ops = {
    .wait = uv_wait,
    .dispatch = uv_dispatch,
    .wake = uv_wake,
    .clock = uv_clock,
    .wall = uv_wall,
    .random = uv_random_bytes,
    .fresh = uv_fresh,
    .fd = uv_fd,
    .free = uv_free,
    .watch = uv_watch,
    .watch_set = uv_watch_set,
    .watch_free = uv_watch_free,
    .watch_lost = uv_watch_lost,
};

/* libuv aborts without a pipe for its signals, or when the kernel lets it watch nothing, and leaves
 * a descriptor behind when it gets no event descriptor. So all that it opens is tried first. */
static int try_kernel(void)
{
    int fds[6] = {epoll_create1(EPOLL_CLOEXEC), eventfd(0, EFD_CLOEXEC), -1, -1, -1, -1}, rc = 0;
    struct epoll_event nothing = {0};
    if (fds[0] < 0 || fds[1] < 0 || pipe2(fds + 2, O_CLOEXEC) || pipe2(fds + 4, O_CLOEXEC) ||
        epoll_ctl(fds[0], EPOLL_CTL_ADD, fds[1], &nothing))
        rc = -errno;
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0) close(fds[i]);
    return rc;
}

static int set_up(struct uv_loop *u)
{
    int rc = try_kernel();
    if (!rc) rc = uv_loop_init(&u->uv); /* libuv's errors are negated errnos, too */
    if (rc) return rc;
    rc = uv_async_init(&u->uv, &u->async, on_wake);
    if (!rc && kith_loop_setup(&u->loop, &ops)) {
        uv_close((uv_handle_t *)&u->async, NULL);
        uv_run(&u->uv, UV_RUN_DEFAULT);
        rc = -ENOMEM;
    }
    if (rc) uv_loop_close(&u->uv);
    return rc;
}

struct kith_loop *kith_loop_new(void)
{
    kith_standard_hold();
    struct uv_loop *u = calloc(1, sizeof *u);
    int rc = !u ? -ENOMEM : sodium_init() < 0 ? -ENOSYS : set_up(u);
    if (rc) {
        free(u);
        errno = -rc;
        return NULL;
    }
    u->loop.now = uv_clock(&u->loop);
    return &u->loop;
}
