/*
 * test_host.c - the services an instance gets, as a plugin would use them: log, loop, memory, keys;
 * and what happens to what it leaves behind.
 */
#include "../../test.h"
#include "crash_note.h"
#include "slow.h"
#include "fixture.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdalign.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int calls;

static void count(void *arg) { calls += *(int *)arg; }
static void on_fd(void *arg, unsigned events) { calls++; }

static void release(struct world *w) { w->maker.release(w->maker.ctx, w->host, "stop"); }

static uint64_t breaches(struct world *w)
{
    return *w->host->counter(w->host, "contract_breaches", NULL, NULL, 0);
}

static void test_table_complete(void)
{
    struct world w;
    world_begin(&w, false, NULL);
    CU_ASSERT_EQUAL(w.host->size, sizeof(struct kith_host));
    const void *const *functions = (const void *const *)&w.host->log;
    size_t n = (sizeof *w.host - offsetof(struct kith_host, log)) / sizeof *functions;
    for (size_t i = 0; i < n; i++) CU_ASSERT_PTR_NOT_NULL(functions[i]);
    CU_ASSERT(!w.host->node && !w.host->uplink);
    CU_ASSERT_PTR_EQUAL(w.maker.asks, &w.asks);
    world_end(&w);
}

/* ---------------------------------------------------------------------------------------- log */

static void test_log(void)
{
    struct world w;
    world_begin(&w, false, NULL);
    w.entry.name = "second";
    struct kith_host *second = world_host(&w);
    w.entry.name = NULL; /* made by code: the plugin's name */
    struct kith_host *third = world_host(&w);
    w.host->log(w.host, KITH_LOG_INFO, "n=%d", 7);
    second->log(second, KITH_LOG_ERROR, "x");
    third->log(third, KITH_LOG_ERROR, "y");
    CU_ASSERT_STRING_EQUAL(w.lines, "thing: n=7|second: x|thing: y|");
    world_free_host(&w, &second);
    world_free_host(&w, &third);
    world_end(&w);
}

static void test_log_cut(void)
{
    static char text[2000], want[1100];
    struct world w;
    world_begin(&w, false, NULL);
    memset(text, 'x', sizeof text - 1);
    w.host->log(w.host, KITH_LOG_WARN, "%s", text);
    snprintf(want, sizeof want, "thing: %.1023s|", text);
    CU_ASSERT_STRING_EQUAL(w.lines, want);
    world_end(&w);
}

/* Held-back lines are summed up without anybody logging again. */
static void test_log_summary(void)
{
    struct world w;
    world_begin(&w, false, NULL);
    for (int i = 0; i < 3; i++) w.host->log(w.host, KITH_LOG_WARN, "again");
    CU_ASSERT_TRUE(kith_log_holding(w.log));
    CU_ASSERT_FALSE(kith_loop_turn(w.loop, 0));
    kith_services_turn_ended(w.services);
    CU_ASSERT_TRUE(kith_loop_turn(w.loop, 0)); /* a timer waits for it */
    world_end(&w);
    CU_ASSERT_STRING_EQUAL(w.lines, "thing: again|thing: again (repeated 2 times)|");
}

/* -------------------------------------------------------------------------------------- posts */

static void test_post_stopped(void)
{
    struct world w;
    int one = 1, ten = 10;
    world_begin(&w, true, NULL);
    struct kith_host *second = world_host(&w);
    calls = 0;
    w.host->post(w.host, count, &one);
    second->post(second, count, &ten);
    second->post(second, count, &ten);
    w.host->post(w.host, count, &one);
    w.maker.release(w.maker.ctx, second, "stop");
    CU_ASSERT_EQUAL(second->post(second, count, &ten), -KITH_ECLOSED);
    kith_loop_turn(w.loop, UINT64_MAX);
    CU_ASSERT_EQUAL(calls, 2);
    w.maker.revive(w.maker.ctx, second);
    CU_ASSERT_EQUAL(second->post(second, count, &ten), 0);
    kith_loop_turn(w.loop, UINT64_MAX);
    CU_ASSERT_EQUAL(calls, 12);
    world_free_host(&w, &second);
    world_end(&w);
}

static void stop_it(void *arg)
{
    calls++;
    release(arg);
}

/* The first of three leads to a stop: the others don't run. */
static void test_post_stops(void)
{
    struct world w;
    world_begin(&w, true, NULL);
    calls = 0;
    for (int i = 0; i < 3; i++) w.host->post(w.host, stop_it, &w);
    kith_loop_turn(w.loop, UINT64_MAX);
    kith_loop_turn(w.loop, 0);
    CU_ASSERT_EQUAL(calls, 1);
    world_end(&w);
}

static void *post_thread(void *arg)
{
    static int one = 1;
    struct kith_host *host = arg;
    for (int i = 0; i < 1000; i++) host->post(host, count, &one);
    return NULL;
}

static void test_post_from_threads(void)
{
    struct world w;
    pthread_t threads[2];
    world_begin(&w, true, NULL);
    calls = 0;
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, post_thread, w.host);
    while (calls < 2000) kith_loop_turn(w.loop, UINT64_MAX);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(calls, 2000);
    world_end(&w);
}

static void on_name(void *arg, int status, const struct kith_addr *addrs, size_t n) {}

/* What stray_thread() calls: all but log, post and observe; four of it with a handle. */
enum { CALLS = 23, WITH_HANDLE = 4 };

struct stray {
    const struct kith_host *host;
    struct kith_timer *timer;
    struct kith_watch *watch;
};

static void *stray_thread(void *arg)
{
    const struct stray *s = arg;
    const struct kith_host *host = s->host;
    struct kith_value value = {.size = sizeof value};
    const struct kith_event event = {.size = sizeof event, .name = kith_text("x")};
    uint8_t byte;
    CU_ASSERT(host->now(host) > 0);
    host->wall(host);
    host->world(host);
    host->random(host, &byte, 1);
    CU_ASSERT_PTR_NULL(host->watch(host, 0, KITH_READABLE, on_fd, NULL));
    host->watch_set(s->watch, 0);
    host->watch_free(s->watch);
    CU_ASSERT_PTR_NULL(host->timer(host, count, NULL));
    host->timer_set(s->timer, 0);
    host->timer_free(s->timer);
    ++*host->counter(host, "strays", "Strays.", NULL, 0);
    *host->gauge(host, "stray", "Stray.", NULL, 0) = 1;
    host->observe(host->histogram(host, "stray_seconds", "Stray.", NULL, 0, NULL, 0), 1);
    host->degraded(host, "why not");
    CU_ASSERT_PTR_NULL(host->scratch(host, 1));
    CU_ASSERT_EQUAL(host->keys(host, 0, NULL), 0);
    CU_ASSERT_EQUAL(host->setting(host, KITH_SETTING_ENTRY_NAME, &value), -KITH_EINVAL);
    CU_ASSERT_EQUAL(host->resolve(host, kith_text("x"), on_name, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(host->reply(host, 1, kith_text("x")), -KITH_EINVAL);
    CU_ASSERT_EQUAL(host->finish(host, 1, 0, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(host->emit(host, &event, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_PTR_NULL(host->query(host, "x"));
    CU_ASSERT_EQUAL(host->offer(host, "x", host), -KITH_EINVAL);
    return NULL;
}

static void stray(struct stray *s)
{
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, stray_thread, s), 0);
    pthread_join(thread, NULL);
}

/* Everything else is the node's thread's: refused, and blamed when that comes by. */
static void test_other_threads(void)
{
    struct world w;
    struct shown shown = {.count = 0};
    int fd = eventfd(0, EFD_CLOEXEC), one = 1;
    world_begin(&w, true, NULL);
    struct stray s = {.host = w.host,
                      .timer = w.host->timer(w.host, count, &one),
                      .watch = w.host->watch(w.host, fd, KITH_READABLE, on_fd, NULL)};
    kith_loop_turn(w.loop, 0);
    stray(&s);
    CU_ASSERT_STRING_EQUAL(w.lines, "");
    kith_services_turn_ended(w.services);
    CU_ASSERT_STRING_EQUAL(w.lines, "thing: broke its contract: offer from another thread|");
    CU_ASSERT_EQUAL(breaches(&w), CALLS);
    kith_services_stats(w.services, world_show, &shown);
    CU_ASSERT_PTR_NULL(strstr(shown.text, "stray"));
    w.host->timer_free(s.timer); /* still there */
    w.host->watch_free(s.watch);
    s.timer = NULL;
    s.watch = NULL;
    stray(&s);
    release(&w); /* no turn will end for it */
    CU_ASSERT_EQUAL(breaches(&w), 2 * CALLS - WITH_HANDLE);
    stray(&s);
    world_end(&w);
    close(fd);
}

struct late {
    const struct kith_host *host;
    pthread_barrier_t barrier;
    int taken, refused, other;
};

static void *late_thread(void *arg)
{
    static int one = 1;
    struct late *l = arg;
    pthread_barrier_wait(&l->barrier);
    do {
        int rc = l->host->post(l->host, count, &one);
        l->taken += rc == 0;
        l->refused += rc == -KITH_ECLOSED;
        l->other += rc != 0 && rc != -KITH_ECLOSED;
    } while (!l->refused);
    pthread_barrier_wait(&l->barrier); /* everything but the loop is gone now */
    l->refused += l->host->post(l->host, count, &one) == -KITH_ECLOSED;
    l->host->log(l->host, KITH_LOG_ERROR, "too late");
    return NULL;
}

/* A thread that does not hear of the end: after stop, after fini, after the node. */
static void test_post_too_late(void)
{
    struct world w;
    struct late l = {0};
    pthread_t thread;
    world_begin(&w, true, NULL);
    l.host = w.host;
    pthread_barrier_init(&l.barrier, NULL, 2);
    pthread_create(&thread, NULL, late_thread, &l);
    pthread_barrier_wait(&l.barrier);
    calls = 0;
    while (!calls) kith_loop_turn(w.loop, UINT64_MAX);
    int before = calls;
    release(&w);
    world_end_services(&w);
    kith_loop_turn(w.loop, 0);
    CU_ASSERT_EQUAL(calls, before);
    pthread_barrier_wait(&l.barrier);
    pthread_join(thread, NULL);
    CU_ASSERT(l.taken >= before && l.refused == 2 && l.other == 0);
    CU_ASSERT_PTR_NULL(strstr(w.lines, "too late"));
    pthread_barrier_destroy(&l.barrier);
    world_end(&w);
}

/* ---------------------------------------------------------------------------- watches, timers */

static void pair_of(int fds[2])
{
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static void each(void (*test)(bool real))
{
    test(false);
    test(true);
}

static void left_behind(bool real)
{
    struct world w;
    int fds[2], one = 1;
    char line[200];
    world_begin(&w, real, NULL);
    pair_of(fds);
    calls = 0;
    struct kith_watch *watch = w.host->watch(w.host, fds[0], KITH_READABLE, on_fd, NULL);
    struct kith_watch *freed = w.host->watch(w.host, fds[1], KITH_READABLE, on_fd, NULL);
    struct kith_timer *timer = w.host->timer(w.host, count, &one);
    struct kith_timer *second = w.host->timer(w.host, count, &one);
    CU_ASSERT_FATAL(watch && freed && timer && second);
    w.host->watch_free(freed);
    w.host->timer_set(timer, 0);
    CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
    release(&w);
    w.host->watch_set(watch, KITH_WRITABLE); /* nothing comes of it */
    w.host->timer_set(timer, 0);
    CU_ASSERT_PTR_NULL(w.host->watch(w.host, fds[0], KITH_READABLE, on_fd, NULL));
    CU_ASSERT_PTR_NULL(w.host->timer(w.host, count, &one));
    CU_ASSERT_FALSE(kith_loop_turn(w.loop, 0)); /* so `kith run` ends */
    CU_ASSERT_EQUAL(calls, 0);
    w.lines[0] = 0;
    struct kith_host *next = world_host(&w), *old = w.host;
    world_free_host(&w, &w.host);
    w.host = next;
    snprintf(line, sizeof line,
             "thing: broke its contract: left 1 watch (descriptor %d) and 2 timers behind after "
             "stop|",
             fds[0]);
    CU_ASSERT_STRING_EQUAL(w.lines, line);
    CU_ASSERT_EQUAL(breaches(&w), 1);
    /* Who adopted, and took the old one's handles along. */
    old->watch_free(watch);
    old->timer_set(timer, 0);
    old->timer_free(timer);
    world_end(&w); /* which would abort if a timer were left */
    close(fds[0]);
    close(fds[1]);
}

static void test_left_behind(void) { each(left_behind); }

/* After a start that failed it is for fini to free: no breach. */
static void test_left_to_fini(void)
{
    struct world w;
    int fds[2], one = 1;
    world_begin(&w, false, NULL);
    pair_of(fds);
    struct kith_watch *watch = w.host->watch(w.host, fds[0], KITH_READABLE, on_fd, NULL);
    struct kith_timer *timer = w.host->timer(w.host, count, &one);
    release(&w);
    w.lines[0] = 0;
    close(fds[0]);
    w.host->watch_free(watch);
    w.host->timer_free(timer);
    world_end(&w);
    CU_ASSERT_STRING_EQUAL(w.lines, "");
    close(fds[1]);
}

/* Stopped, and started again: what is from before counts as left. */
static void test_left_by_former_life(void)
{
    struct world w;
    int one = 1;
    world_begin(&w, false, NULL);
    struct kith_timer *timer = w.host->timer(w.host, count, &one);
    release(&w);
    w.maker.revive(w.maker.ctx, w.host);
    CU_ASSERT_STRING_EQUAL(w.lines, "thing: broke its contract: left 1 timer behind after stop|");
    w.host->timer_free(timer);
    timer = w.host->timer(w.host, count, &one);
    CU_ASSERT_PTR_NOT_NULL(timer);
    w.host->timer_free(timer);
    w.lines[0] = 0;
    world_end(&w);
    CU_ASSERT_STRING_EQUAL(w.lines, "");
}

/* Without a stop in between: init failed. */
static void test_left_by_init(void)
{
    struct world w;
    int one = 1;
    world_begin(&w, false, NULL);
    w.host->timer(w.host, count, &one);
    world_end(&w);
    CU_ASSERT_STRING_EQUAL(w.lines, "thing: broke its contract: left 1 timer behind after init|");
}

struct own {
    const struct kith_host *host;
    struct kith_watch *watch;
    struct kith_timer *timer;
};

static void free_watch(void *arg, unsigned events)
{
    struct own *o = arg;
    calls++;
    o->host->watch_free(o->watch);
}

static void free_timer(void *arg)
{
    struct own *o = arg;
    calls++;
    o->host->timer_free(o->timer);
}

static void freed_inside(bool real)
{
    struct world w;
    int fds[2];
    world_begin(&w, real, NULL);
    pair_of(fds);
    calls = 0;
    struct own o = {.host = w.host};
    o.watch = w.host->watch(w.host, fds[0], KITH_WRITABLE, free_watch, &o);
    o.timer = w.host->timer(w.host, free_timer, &o);
    w.host->timer_set(o.timer, 0);
    for (int i = 0; i < 3; i++) kith_loop_turn(w.loop, 0);
    CU_ASSERT_EQUAL(calls, 2);
    w.host->watch_free(NULL);
    w.host->timer_free(NULL);
    world_end(&w);
    CU_ASSERT_STRING_EQUAL(w.lines, ""); /* nothing was left */
    close(fds[0]);
    close(fds[1]);
}

static void test_freed_inside(void) { each(freed_inside); }

static void watched_once(bool real)
{
    struct world w;
    int fds[2];
    char line[200];
    world_begin(&w, real, NULL);
    w.entry.name = "other";
    struct kith_host *other = world_host(&w);
    pair_of(fds);
    struct kith_watch *watch = w.host->watch(w.host, fds[0], 0, on_fd, NULL);
    CU_ASSERT_PTR_NOT_NULL(watch);
    CU_ASSERT_PTR_NULL(other->watch(other, fds[0], KITH_READABLE, on_fd, NULL));
    CU_ASSERT_PTR_NULL(w.host->watch(w.host, fds[0], KITH_READABLE, on_fd, NULL));
    snprintf(line, sizeof line,
             "other: descriptor %d is watched already, by thing|"
             "thing: descriptor %d is watched already, by this entry|",
             fds[0], fds[0]);
    CU_ASSERT_STRING_EQUAL(w.lines, line);
    w.host->watch_free(watch);
    w.lines[0] = 0;
    struct kith_watch *own = kith_loop_watch(w.loop, fds[0], 0, on_fd, NULL);
    CU_ASSERT_PTR_NULL(other->watch(other, fds[0], KITH_READABLE, on_fd, NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(w.lines, "is watched already, by none of this node's entries"));
    kith_loop_watch_free(own);
    watch = other->watch(other, fds[0], KITH_READABLE, on_fd, NULL); /* adopt: one at a time */
    CU_ASSERT_PTR_NOT_NULL(watch);
    other->watch_free(watch);
    world_free_host(&w, &other);
    world_end(&w);
    close(fds[0]);
    close(fds[1]);
}

static void test_watched_once(void) { each(watched_once); }

static void not_watchable(bool real)
{
    struct world w;
    char path[] = "/tmp/kith-host-XXXXXX";
    int file = mkstemp(path), folder = open("/tmp", O_RDONLY | O_DIRECTORY), closed = dup(file);
    close(closed);
    int all[] = {-1, file, folder, closed};
    world_begin(&w, real, NULL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char line[100];
        w.lines[0] = 0;
        CU_ASSERT_PTR_NULL(w.host->watch(w.host, all[i], KITH_READABLE, on_fd, NULL));
        snprintf(line, sizeof line, "thing: descriptor %d can't be watched|", all[i]);
        CU_ASSERT_STRING_EQUAL(w.lines, line);
        CU_ASSERT_FALSE(kith_loop_watched(w.loop, all[i]));
    }
    world_end(&w);
    unlink(path);
    close(file);
    close(folder);
}

static void test_not_watchable(void) { each(not_watchable); }

/* The kernel would refuse it, and libuv abort. */
static void closed_first(bool real)
{
    struct world w;
    int fds[2];
    char line[100];
    world_begin(&w, real, NULL);
    pair_of(fds);
    calls = 0;
    struct kith_watch *watch = w.host->watch(w.host, fds[0], KITH_READABLE, on_fd, NULL);
    close(fds[0]);
    kith_loop_turn(w.loop, 0);
    w.host->watch_set(watch, KITH_READABLE | KITH_WRITABLE);
    kith_loop_turn(w.loop, 0);
    w.host->watch_free(watch);
    snprintf(line, sizeof line, "thing: broke its contract: closed descriptor %d before its watch|",
             fds[0]);
    CU_ASSERT_STRING_EQUAL(w.lines, line);
    world_end(&w);
    close(fds[1]);
}

static void test_closed_first(void) { each(closed_first); }

/* Its number is another file's soon: whoever watches that one must not suffer. */
static void number_taken(bool real)
{
    struct world w;
    int fds[2], next[2];
    char line[100];
    world_begin(&w, real, NULL);
    struct kith_host *other = world_host(&w);
    pair_of(fds);
    pair_of(next);
    calls = 0;
    struct kith_watch *dead = w.host->watch(w.host, fds[0], KITH_READABLE, on_fd, NULL);
    kith_loop_turn(w.loop, 0);
    CU_ASSERT_EQUAL_FATAL(dup2(next[0], fds[0]), fds[0]); /* closes it first */
    struct kith_watch *watch = other->watch(other, fds[0], KITH_READABLE, on_fd, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(watch);
    snprintf(line, sizeof line, "thing: broke its contract: closed descriptor %d before its watch|",
             fds[0]);
    CU_ASSERT_STRING_EQUAL(w.lines, line);
    kith_loop_turn(w.loop, 0);
    w.host->watch_set(dead, KITH_WRITABLE); /* the handle does no harm */
    w.host->watch_free(dead);
    CU_ASSERT_EQUAL(write(next[1], "x", 1), 1);
    kith_loop_turn(w.loop, 0);
    CU_ASSERT_EQUAL(calls, 1);
    other->watch_free(watch);
    CU_ASSERT_EQUAL(breaches(&w), 1);
    world_free_host(&w, &other);
    world_end(&w);
    close(fds[0]);
    close(fds[1]);
    close(next[0]);
    close(next[1]);
}

static void test_number_taken(void) { each(number_taken); }

/* All these files have one inode. */
static void test_number_taken_by_its_like(void)
{
    struct world w;
    int first = eventfd(0, 0), second = eventfd(1, 0);
    world_begin(&w, true, NULL);
    calls = 0;
    struct kith_watch *dead = w.host->watch(w.host, first, KITH_READABLE, on_fd, NULL);
    kith_loop_turn(w.loop, 0);
    CU_ASSERT_PTR_NULL(w.host->watch(w.host, first, KITH_READABLE, on_fd, NULL)); /* it is alive */
    CU_ASSERT_EQUAL(breaches(&w), 0);
    CU_ASSERT_EQUAL_FATAL(dup2(second, first), first);
    struct kith_watch *watch = w.host->watch(w.host, first, KITH_READABLE, on_fd, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(watch);
    CU_ASSERT_EQUAL(breaches(&w), 1);
    kith_loop_turn(w.loop, 0);
    kith_loop_turn(w.loop, 0);
    CU_ASSERT(calls > 0);
    w.host->watch_free(dead);
    w.host->watch_free(watch);
    world_end(&w);
    close(first);
    close(second);
}

static const struct kith_crash_note *noted;
static void dawdle(void *arg)
{
    const struct timespec held_up = {0, 210000000};
    nanosleep(&held_up, NULL);
    noted = kith_crash_noted;
}
static void dawdle_ready(void *arg, unsigned events)
{
    struct own *o = arg;
    dawdle(NULL);
    o->host->watch_free(o->watch);
}
static void blames_another(void *arg)
{
    dawdle(NULL);
    kith_slow_blamed(210000000);
}

/* Each callback is watched: whose it is, should it crash, and for how long the node waited. */
static void test_callbacks_are_watched(void)
{
    struct world w;
    int fds[2];
    world_begin(&w, true, NULL);
    pair_of(fds);
    struct own o = {.host = w.host};
    struct kith_host *timed = world_host(&w), *posts = world_host(&w); /* a line for each */
    o.timer = timed->timer(timed, dawdle, NULL);
    o.watch = w.host->watch(w.host, fds[0], KITH_WRITABLE, dawdle_ready, &o);
    w.host->timer_set(o.timer, 0);
    posts->post(posts, dawdle, NULL);
    kith_loop_turn(w.loop, 0);
    kith_loop_turn(w.loop, 0);
    CU_ASSERT_PTR_NULL(kith_crash_noted);
    CU_ASSERT_STRING_EQUAL(noted->doing, "called");
    CU_ASSERT_PTR_NOT_NULL(strstr(w.lines, "thing: a watch callback took "));
    CU_ASSERT_PTR_NOT_NULL(strstr(w.lines, "thing: a timer callback took "));
    CU_ASSERT_PTR_NOT_NULL(strstr(w.lines, "thing: a post callback took "));
    CU_ASSERT_EQUAL(*w.host->counter(w.host, "slow_calls", NULL, NULL, 0), 3);
    w.host->post(w.host, blames_another, NULL); /* its time is somebody else's */
    kith_loop_turn(w.loop, 0);
    CU_ASSERT_EQUAL(*w.host->counter(w.host, "slow_calls", NULL, NULL, 0), 3);
    w.host->timer_free(o.timer);
    world_free_host(&w, &timed);
    world_free_host(&w, &posts);
    world_end(&w);
    close(fds[0]);
    close(fds[1]);
}

/* All are counted; a line a second says how many there were. */
static void test_breaches_do_not_flood_the_log(void)
{
    struct world w;
    world_begin(&w, false, NULL);
    for (int i = 0; i < 5; i++) CU_ASSERT_PTR_NULL(w.host->query(w.host, NULL));
    CU_ASSERT_STRING_EQUAL(w.lines, "thing: broke its contract: query without an id|");
    kith_loop_run_until(w.loop, kith_loop_now(w.loop) + 1000000000);
    w.lines[0] = 0;
    CU_ASSERT_PTR_NULL(w.host->timer(w.host, NULL, NULL));
    CU_ASSERT_STRING_EQUAL(w.lines, "thing: broke its contract: timer without a function (and 4 "
                                    "more since the last line)|");
    CU_ASSERT_EQUAL(breaches(&w), 6);
    world_end(&w);
}

/* What could only be called, or read, at NULL: refused, and its name is in the log. */
static void test_null(void)
{
    struct world w;
    int fds[2];
    struct kith_value value = {.size = sizeof value};
    struct kith_event event = {.size = sizeof event, .field_count = 1};
    struct kith_member member = {.size = sizeof member, .addr.len = KITH_ADDR_MAX + 1};
    world_begin(&w, true, NULL);
    const struct kith_host *h = w.host;
    pair_of(fds);
    CU_ASSERT_EQUAL(h->post(h, NULL, &w), -KITH_EINVAL);
    CU_ASSERT_EQUAL(breaches(&w), 0); /* other threads post, too: it is blamed on this one */
    kith_loop_turn(w.loop, 0);
    CU_ASSERT_STRING_EQUAL(w.lines, "thing: broke its contract: post without a function|");
    CU_ASSERT_PTR_NULL(h->watch(h, fds[0], KITH_READABLE, NULL, NULL));
    CU_ASSERT_PTR_NULL(h->timer(h, NULL, NULL));
    CU_ASSERT_EQUAL(h->resolve(h, kith_text("x"), NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(h->setting(h, NULL, &value), -KITH_EINVAL);
    CU_ASSERT_EQUAL(h->setting(h, "node.name", NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(h->reply(h, 1, kith_bytes_of(NULL, 1)), -KITH_EINVAL);
    CU_ASSERT_EQUAL(h->emit(h, NULL, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(h->emit(h, &event, NULL, NULL), -KITH_EINVAL);
    event = (struct kith_event){.size = sizeof event, .member = &member};
    CU_ASSERT_EQUAL(h->emit(h, &event, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_PTR_NULL(h->query(h, NULL));
    CU_ASSERT_EQUAL(h->offer(h, NULL, &w), -KITH_EINVAL);
    CU_ASSERT_EQUAL(breaches(&w), 12);
    ++*h->counter(h, NULL, NULL, NULL, 0); /* never NULL */
    ++*h->gauge(h, "x", NULL, NULL, 1);
    h->observe(h->histogram(h, "x", NULL, NULL, 0, NULL, 1), 1);
    h->observe(NULL, 1);
    CU_ASSERT_EQUAL(breaches(&w), 15);
    world_end(&w);
    close(fds[0]);
    close(fds[1]);
}

/* ------------------------------------------------------------------- time, worlds, randomness */

static void test_time(void)
{
    struct world w;
    int one = 1;
    world_begin(&w, false, NULL);
    calls = 0;
    CU_ASSERT_EQUAL(w.host->now(w.host), 1000);
    CU_ASSERT_EQUAL(w.host->wall(w.host), kith_loop_wall(w.loop));
    struct kith_timer *timer = w.host->timer(w.host, count, &one);
    w.host->timer_set(timer, 5000);
    w.host->timer_set(timer, UINT64_MAX);
    w.host->timer_set(timer, 5500);
    kith_loop_run_until(w.loop, 6000);
    CU_ASSERT_EQUAL(calls, 1);
    CU_ASSERT_EQUAL(w.host->now(w.host), 6000);
    w.host->timer_free(timer);
    world_end(&w);
}

static void test_worlds(void)
{
    struct world real, a, b;
    uint8_t x[32], y[32], z[32];
    world_begin(&real, true, NULL);
    world_begin(&a, false, NULL);
    world_begin(&b, false, NULL);
    CU_ASSERT_EQUAL(real.host->world(real.host), 0);
    uint64_t first = a.host->world(a.host), second = b.host->world(b.host);
    CU_ASSERT(first && second && first != second);
    CU_ASSERT_EQUAL(a.host->world(a.host), first);
    real.host->random(real.host, x, sizeof x);
    real.host->random(real.host, y, sizeof y);
    CU_ASSERT_NOT_EQUAL(memcmp(x, y, sizeof x), 0);
    a.host->random(a.host, y, sizeof y); /* the same seed */
    b.host->random(b.host, z, sizeof z);
    CU_ASSERT_EQUAL(memcmp(y, z, sizeof y), 0);
    world_end(&b);
    world_begin(&b, false, NULL);
    CU_ASSERT(b.host->world(b.host) != first && b.host->world(b.host) != second);
    world_end(&b);
    world_end(&a);
    world_end(&real);
}

/* ------------------------------------------------------------------------------- memory, keys */

static void test_scratch(void)
{
    struct world w;
    world_begin(&w, false, NULL);
    struct kith_plugin plugins[] = {w.plugin, w.plugin};
    struct kith_entry entries[] = {w.entry, w.entry};
    plugins[0].kind = KITH_TRANSPORT;
    plugins[1].kind = KITH_CODEC;
    for (int i = 0; i < 2; i++) entries[i].plugin = &plugins[i];
    struct kith_host *same = world_host(&w);
    struct kith_host *outer = w.maker.make(w.maker.ctx, &entries[0], NULL);
    struct kith_host *inner = w.maker.make(w.maker.ctx, &entries[1], NULL);
    uint8_t *small = w.host->scratch(w.host, 10);
    CU_ASSERT_PTR_NOT_NULL_FATAL(small);
    CU_ASSERT_EQUAL((uintptr_t)small % alignof(max_align_t), 0);
    memset(small, 7, 10);
    uint8_t *large = w.host->scratch(w.host, 100000);
    memset(large, 8, 100000);
    CU_ASSERT_EQUAL(small[9], 7); /* asked for earlier in this call: still there */
    CU_ASSERT_PTR_EQUAL(w.host->scratch(w.host, 10), large); /* what was asked for is kept */
    CU_ASSERT_PTR_EQUAL(same->scratch(same, 100000), large); /* and shared */
    CU_ASSERT_EQUAL(large[99999], 8);
    /* A transport's call leads into codecs and delegates: none takes another's. */
    uint8_t *a = outer->scratch(outer, 100), *b = inner->scratch(inner, 100);
    CU_ASSERT(a && b && a != b && a != large && b != large);
    CU_ASSERT_PTR_NOT_NULL(inner->scratch(inner, 0));
    CU_ASSERT_PTR_NULL(inner->scratch(inner, SIZE_MAX));
    CU_ASSERT_PTR_EQUAL(inner->scratch(inner, 100), b);
    world_free_host(&w, &same);
    world_free_host(&w, &inner);
    world_free_host(&w, &outer);
    world_end(&w);
}

static void test_keys(void)
{
    struct world w;
    struct kith_key key = {.size = sizeof key};
    world_begin(&w, false, NULL);
    CU_ASSERT_EQUAL(w.host->keys(w.host, 0, NULL), 2);
    CU_ASSERT_EQUAL(w.host->keys(w.host, 1, &key), 2);
    CU_ASSERT_EQUAL(key.len, 32);
    CU_ASSERT_STRING_EQUAL((const char *)key.data, "thing");
    key.len = 1;
    CU_ASSERT_EQUAL(w.host->keys(w.host, 2, &key), 2);
    CU_ASSERT_EQUAL(key.len, 1); /* there is no such one */
    w.plugin.flags = KITH_RAW_KEYS;
    struct kith_host *raw = world_host(&w);
    CU_ASSERT_EQUAL(raw->keys(raw, 0, &key), 2);
    CU_ASSERT_EQUAL(key.len, 16);
    struct kith_host *none = w.maker.make(w.maker.ctx, &w.entry, NULL);
    CU_ASSERT_EQUAL(none->keys(none, 0, &key), 0);
    world_free_host(&w, &raw);
    world_free_host(&w, &none);
    world_end(&w);
}

KITH_TESTS("runtime/host", {"every service is there", test_table_complete},
           {"log lines carry the entry's name", test_log},
           {"a line is cut at 1023 bytes", test_log_cut},
           {"held-back lines are summed up", test_log_summary},
           {"nothing is posted after a stop", test_post_stopped},
           {"a post that stops the instance", test_post_stops},
           {"posts from threads", test_post_from_threads}, {"other threads", test_other_threads},
           {"a thread that is too late", test_post_too_late},
           {"watches and timers left behind", test_left_behind},
           {"left to fini", test_left_to_fini}, {"left by a former life", test_left_by_former_life},
           {"a timer left by a failed init", test_left_by_init},
           {"freed from inside", test_freed_inside},
           {"a descriptor is watched once", test_watched_once},
           {"what can't be watched", test_not_watchable},
           {"a descriptor closed before its watch", test_closed_first},
           {"a closed number is taken", test_number_taken},
           {"by a file of its kind", test_number_taken_by_its_like}, {"what is NULL", test_null},
           {"callbacks are watched", test_callbacks_are_watched},
           {"breaches do not flood the log", test_breaches_do_not_flood_the_log},
           {"breaches do not flood the log", test_breaches_do_not_flood_the_log},
           {"time", test_time}, {"worlds and their randomness", test_worlds},
           {"scratch", test_scratch}, {"keys", test_keys})
