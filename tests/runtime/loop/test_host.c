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

static void release(struct fixture *f) { f->maker.release(f->maker.ctx, f->host, "stop"); }

static uint64_t breaches(struct fixture *f)
{
    return *f->host->counter(f->host, "contract_breaches", NULL, NULL, 0);
}

static void test_table_complete(void)
{
    struct fixture f;
    fixture_begin(&f, false, NULL);
    CU_ASSERT_EQUAL(f.host->size, sizeof(struct kith_host));
    const void *const *functions = (const void *const *)&f.host->log;
    size_t n = (sizeof *f.host - offsetof(struct kith_host, log)) / sizeof *functions;
    for (size_t i = 0; i < n; i++) CU_ASSERT_PTR_NOT_NULL(functions[i]);
    CU_ASSERT(!f.host->node && !f.host->uplink);
    CU_ASSERT_PTR_EQUAL(f.maker.asks, &f.asks);
    fixture_end(&f);
}

/* ---------------------------------------------------------------------------------------- log */

static void test_log(void)
{
    struct fixture f;
    fixture_begin(&f, false, NULL);
    f.entry.name = "second";
    struct kith_host *second = fixture_host(&f);
    f.entry.name = NULL; /* made by code: the plugin's name */
    struct kith_host *third = fixture_host(&f);
    f.host->log(f.host, KITH_LOG_INFO, "n=%d", 7);
    second->log(second, KITH_LOG_ERROR, "x");
    third->log(third, KITH_LOG_ERROR, "y");
    CU_ASSERT_STRING_EQUAL(f.lines, "thing: n=7|second: x|thing: y|");
    fixture_free_host(&f, &second);
    fixture_free_host(&f, &third);
    fixture_end(&f);
}

static void test_log_cut(void)
{
    static char text[2000], want[1100];
    struct fixture f;
    fixture_begin(&f, false, NULL);
    memset(text, 'x', sizeof text - 1);
    f.host->log(f.host, KITH_LOG_WARN, "%s", text);
    snprintf(want, sizeof want, "thing: %.1023s|", text);
    CU_ASSERT_STRING_EQUAL(f.lines, want);
    fixture_end(&f);
}

/* Held-back lines are summed up without anybody logging again. */
static void test_log_summary(void)
{
    struct fixture f;
    fixture_begin(&f, false, NULL);
    for (int i = 0; i < 3; i++) f.host->log(f.host, KITH_LOG_WARN, "again");
    CU_ASSERT_NOT_EQUAL(kith_log_due(f.log), 0);
    CU_ASSERT_FALSE(kith_loop_turn(f.loop, 0));
    kith_services_turn_ended(f.services);
    CU_ASSERT_TRUE(kith_loop_turn(f.loop, 0)); /* a timer waits for it */
    fixture_end(&f);
    CU_ASSERT_STRING_EQUAL(f.lines, "thing: again|thing: again (repeated 2 times)|");
}

/* -------------------------------------------------------------------------------------- posts */

static void test_post_stopped(void)
{
    struct fixture f;
    int one = 1, ten = 10;
    fixture_begin(&f, true, NULL);
    struct kith_host *second = fixture_host(&f);
    calls = 0;
    f.host->post(f.host, count, &one);
    second->post(second, count, &ten);
    second->post(second, count, &ten);
    f.host->post(f.host, count, &one);
    f.maker.release(f.maker.ctx, second, "stop");
    CU_ASSERT_EQUAL(second->post(second, count, &ten), -KITH_ECLOSED);
    kith_loop_turn(f.loop, UINT64_MAX);
    CU_ASSERT_EQUAL(calls, 2);
    f.maker.revive(f.maker.ctx, second);
    CU_ASSERT_EQUAL(second->post(second, count, &ten), 0);
    kith_loop_turn(f.loop, UINT64_MAX);
    CU_ASSERT_EQUAL(calls, 12);
    fixture_free_host(&f, &second);
    fixture_end(&f);
}

static void stop_it(void *arg)
{
    calls++;
    release(arg);
}

/* The first of three leads to a stop: the others don't run. */
static void test_post_stops(void)
{
    struct fixture f;
    fixture_begin(&f, true, NULL);
    calls = 0;
    for (int i = 0; i < 3; i++) f.host->post(f.host, stop_it, &f);
    kith_loop_turn(f.loop, UINT64_MAX);
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(calls, 1);
    fixture_end(&f);
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
    struct fixture f;
    pthread_t threads[2];
    fixture_begin(&f, true, NULL);
    calls = 0;
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, post_thread, f.host);
    while (calls < 2000) kith_loop_turn(f.loop, UINT64_MAX);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(calls, 2000);
    fixture_end(&f);
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
    struct fixture f;
    struct shown shown = {.count = 0};
    int fd = eventfd(0, EFD_CLOEXEC), one = 1;
    fixture_begin(&f, true, NULL);
    struct stray s = {.host = f.host,
                      .timer = f.host->timer(f.host, count, &one),
                      .watch = f.host->watch(f.host, fd, KITH_READABLE, on_fd, NULL)};
    kith_loop_turn(f.loop, 0);
    stray(&s);
    CU_ASSERT_STRING_EQUAL(f.lines, "");
    kith_services_turn_ended(f.services);
    CU_ASSERT_STRING_EQUAL(f.lines, "thing: broke its contract: offer from another thread|");
    CU_ASSERT_EQUAL(breaches(&f), CALLS);
    kith_services_stats(f.services, fixture_show, &shown);
    CU_ASSERT_PTR_NULL(strstr(shown.text, "stray"));
    f.host->timer_free(s.timer); /* still there */
    f.host->watch_free(s.watch);
    s.timer = NULL;
    s.watch = NULL;
    stray(&s);
    release(&f); /* no turn will end for it */
    CU_ASSERT_EQUAL(breaches(&f), 2 * CALLS - WITH_HANDLE);
    stray(&s);
    fixture_end(&f);
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
    struct fixture f;
    struct late l = {0};
    pthread_t thread;
    fixture_begin(&f, true, NULL);
    l.host = f.host;
    pthread_barrier_init(&l.barrier, NULL, 2);
    pthread_create(&thread, NULL, late_thread, &l);
    pthread_barrier_wait(&l.barrier);
    calls = 0;
    while (!calls) kith_loop_turn(f.loop, UINT64_MAX);
    int before = calls;
    release(&f);
    fixture_end_services(&f);
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(calls, before);
    pthread_barrier_wait(&l.barrier);
    pthread_join(thread, NULL);
    CU_ASSERT(l.taken >= before && l.refused == 2 && l.other == 0);
    CU_ASSERT_PTR_NULL(strstr(f.lines, "too late"));
    pthread_barrier_destroy(&l.barrier);
    fixture_end(&f);
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
    struct fixture f;
    int fds[2], one = 1;
    char line[200];
    fixture_begin(&f, real, NULL);
    pair_of(fds);
    calls = 0;
    struct kith_watch *watch = f.host->watch(f.host, fds[0], KITH_READABLE, on_fd, NULL);
    struct kith_watch *freed = f.host->watch(f.host, fds[1], KITH_READABLE, on_fd, NULL);
    struct kith_timer *timer = f.host->timer(f.host, count, &one);
    struct kith_timer *second = f.host->timer(f.host, count, &one);
    CU_ASSERT_FATAL(watch && freed && timer && second);
    f.host->watch_free(freed);
    f.host->timer_set(timer, 0);
    CU_ASSERT_EQUAL(write(fds[1], "x", 1), 1);
    release(&f);
    f.host->watch_set(watch, KITH_WRITABLE); /* nothing comes of it */
    f.host->timer_set(timer, 0);
    CU_ASSERT_PTR_NULL(f.host->watch(f.host, fds[0], KITH_READABLE, on_fd, NULL));
    CU_ASSERT_PTR_NULL(f.host->timer(f.host, count, &one));
    CU_ASSERT_FALSE(kith_loop_turn(f.loop, 0)); /* so `kith run` ends */
    CU_ASSERT_EQUAL(calls, 0);
    f.lines[0] = 0;
    struct kith_host *next = fixture_host(&f), *old = f.host;
    fixture_free_host(&f, &f.host);
    f.host = next;
    snprintf(line, sizeof line,
             "thing: broke its contract: left 1 watch (descriptor %d) and 2 timers behind after "
             "stop|",
             fds[0]);
    CU_ASSERT_STRING_EQUAL(f.lines, line);
    CU_ASSERT_EQUAL(breaches(&f), 1);
    /* Who adopted, and took the old one's handles along. */
    old->watch_free(watch);
    old->timer_set(timer, 0);
    old->timer_free(timer);
    fixture_end(&f); /* which would abort if a timer were left */
    close(fds[0]);
    close(fds[1]);
}

static void test_left_behind(void) { each(left_behind); }

/* After a start that failed it is for fini to free: no breach. */
static void test_left_to_fini(void)
{
    struct fixture f;
    int fds[2], one = 1;
    fixture_begin(&f, false, NULL);
    pair_of(fds);
    struct kith_watch *watch = f.host->watch(f.host, fds[0], KITH_READABLE, on_fd, NULL);
    struct kith_timer *timer = f.host->timer(f.host, count, &one);
    release(&f);
    f.lines[0] = 0;
    close(fds[0]);
    f.host->watch_free(watch);
    f.host->timer_free(timer);
    fixture_end(&f);
    CU_ASSERT_STRING_EQUAL(f.lines, "");
    close(fds[1]);
}

/* Stopped, and started again: what is from before counts as left. */
static void test_left_by_former_life(void)
{
    struct fixture f;
    int one = 1;
    fixture_begin(&f, false, NULL);
    struct kith_timer *timer = f.host->timer(f.host, count, &one);
    release(&f);
    f.maker.revive(f.maker.ctx, f.host);
    CU_ASSERT_STRING_EQUAL(f.lines, "thing: broke its contract: left 1 timer behind after stop|");
    f.host->timer_free(timer);
    timer = f.host->timer(f.host, count, &one);
    CU_ASSERT_PTR_NOT_NULL(timer);
    f.host->timer_free(timer);
    f.lines[0] = 0;
    fixture_end(&f);
    CU_ASSERT_STRING_EQUAL(f.lines, "");
}

/* Without a stop in between: init failed. */
static void test_left_by_init(void)
{
    struct fixture f;
    int one = 1;
    fixture_begin(&f, false, NULL);
    f.host->timer(f.host, count, &one);
    fixture_end(&f);
    CU_ASSERT_STRING_EQUAL(f.lines, "thing: broke its contract: left 1 timer behind after init|");
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
    struct fixture f;
    int fds[2];
    fixture_begin(&f, real, NULL);
    pair_of(fds);
    calls = 0;
    struct own o = {.host = f.host};
    o.watch = f.host->watch(f.host, fds[0], KITH_WRITABLE, free_watch, &o);
    o.timer = f.host->timer(f.host, free_timer, &o);
    f.host->timer_set(o.timer, 0);
    for (int i = 0; i < 3; i++) kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(calls, 2);
    f.host->watch_free(NULL);
    f.host->timer_free(NULL);
    fixture_end(&f);
    CU_ASSERT_STRING_EQUAL(f.lines, ""); /* nothing was left */
    close(fds[0]);
    close(fds[1]);
}

static void test_freed_inside(void) { each(freed_inside); }

static void watched_once(bool real)
{
    struct fixture f;
    int fds[2];
    char line[200];
    fixture_begin(&f, real, NULL);
    f.entry.name = "other";
    struct kith_host *other = fixture_host(&f);
    pair_of(fds);
    struct kith_watch *watch = f.host->watch(f.host, fds[0], 0, on_fd, NULL);
    CU_ASSERT_PTR_NOT_NULL(watch);
    CU_ASSERT_PTR_NULL(other->watch(other, fds[0], KITH_READABLE, on_fd, NULL));
    CU_ASSERT_PTR_NULL(f.host->watch(f.host, fds[0], KITH_READABLE, on_fd, NULL));
    snprintf(line, sizeof line,
             "other: descriptor %d is watched already, by thing|"
             "thing: descriptor %d is watched already, by this entry|",
             fds[0], fds[0]);
    CU_ASSERT_STRING_EQUAL(f.lines, line);
    f.host->watch_free(watch);
    f.lines[0] = 0;
    struct kith_watch *own = kith_loop_watch(f.loop, fds[0], 0, on_fd, NULL);
    CU_ASSERT_PTR_NULL(other->watch(other, fds[0], KITH_READABLE, on_fd, NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.lines, "is watched already, by none of this node's entries"));
    kith_loop_watch_free(own);
    watch = other->watch(other, fds[0], KITH_READABLE, on_fd, NULL); /* adopt: one at a time */
    CU_ASSERT_PTR_NOT_NULL(watch);
    other->watch_free(watch);
    fixture_free_host(&f, &other);
    fixture_end(&f);
    close(fds[0]);
    close(fds[1]);
}

static void test_watched_once(void) { each(watched_once); }

static void not_watchable(bool real)
{
    struct fixture f;
    char path[] = "/tmp/kith-host-XXXXXX";
    int file = mkstemp(path), folder = open("/tmp", O_RDONLY | O_DIRECTORY), closed = dup(file);
    close(closed);
    int all[] = {-1, file, folder, closed};
    fixture_begin(&f, real, NULL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char line[100];
        f.lines[0] = 0;
        CU_ASSERT_PTR_NULL(f.host->watch(f.host, all[i], KITH_READABLE, on_fd, NULL));
        snprintf(line, sizeof line, "thing: descriptor %d can't be watched|", all[i]);
        CU_ASSERT_STRING_EQUAL(f.lines, line);
        CU_ASSERT_FALSE(kith_loop_watched(f.loop, all[i]));
    }
    fixture_end(&f);
    unlink(path);
    close(file);
    close(folder);
}

static void test_not_watchable(void) { each(not_watchable); }

/* The kernel would refuse it, and libuv abort. */
static void closed_first(bool real)
{
    struct fixture f;
    int fds[2];
    char line[100];
    fixture_begin(&f, real, NULL);
    pair_of(fds);
    calls = 0;
    struct kith_watch *watch = f.host->watch(f.host, fds[0], KITH_READABLE, on_fd, NULL);
    close(fds[0]);
    kith_loop_turn(f.loop, 0);
    f.host->watch_set(watch, KITH_READABLE | KITH_WRITABLE);
    kith_loop_turn(f.loop, 0);
    f.host->watch_free(watch);
    snprintf(line, sizeof line, "thing: broke its contract: closed descriptor %d before its watch|",
             fds[0]);
    CU_ASSERT_STRING_EQUAL(f.lines, line);
    fixture_end(&f);
    close(fds[1]);
}

static void test_closed_first(void) { each(closed_first); }

/* Its number is another file's soon: whoever watches that one must not suffer. */
static void number_taken(bool real)
{
    struct fixture f;
    int fds[2], next[2];
    char line[100];
    fixture_begin(&f, real, NULL);
    struct kith_host *other = fixture_host(&f);
    pair_of(fds);
    pair_of(next);
    calls = 0;
    struct kith_watch *dead = f.host->watch(f.host, fds[0], KITH_READABLE, on_fd, NULL);
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL_FATAL(dup2(next[0], fds[0]), fds[0]); /* closes it first */
    struct kith_watch *watch = other->watch(other, fds[0], KITH_READABLE, on_fd, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(watch);
    snprintf(line, sizeof line, "thing: broke its contract: closed descriptor %d before its watch|",
             fds[0]);
    CU_ASSERT_STRING_EQUAL(f.lines, line);
    kith_loop_turn(f.loop, 0);
    f.host->watch_set(dead, KITH_WRITABLE); /* the handle does no harm */
    f.host->watch_free(dead);
    CU_ASSERT_EQUAL(write(next[1], "x", 1), 1);
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(calls, 1);
    other->watch_free(watch);
    CU_ASSERT_EQUAL(breaches(&f), 1);
    fixture_free_host(&f, &other);
    fixture_end(&f);
    close(fds[0]);
    close(fds[1]);
    close(next[0]);
    close(next[1]);
}

static void test_number_taken(void) { each(number_taken); }

/* All these files have one inode. */
static void test_number_taken_by_its_like(void)
{
    struct fixture f;
    int first = eventfd(0, 0), second = eventfd(1, 0);
    fixture_begin(&f, true, NULL);
    calls = 0;
    struct kith_watch *dead = f.host->watch(f.host, first, KITH_READABLE, on_fd, NULL);
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_PTR_NULL(f.host->watch(f.host, first, KITH_READABLE, on_fd, NULL)); /* it is alive */
    CU_ASSERT_EQUAL(breaches(&f), 0);
    CU_ASSERT_EQUAL_FATAL(dup2(second, first), first);
    struct kith_watch *watch = f.host->watch(f.host, first, KITH_READABLE, on_fd, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(watch);
    CU_ASSERT_EQUAL(breaches(&f), 1);
    kith_loop_turn(f.loop, 0);
    kith_loop_turn(f.loop, 0);
    CU_ASSERT(calls > 0);
    f.host->watch_free(dead);
    f.host->watch_free(watch);
    fixture_end(&f);
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
    struct fixture f;
    int fds[2];
    fixture_begin(&f, true, NULL);
    pair_of(fds);
    struct own o = {.host = f.host};
    struct kith_host *timed = fixture_host(&f), *posts = fixture_host(&f); /* a line for each */
    o.timer = timed->timer(timed, dawdle, NULL);
    o.watch = f.host->watch(f.host, fds[0], KITH_WRITABLE, dawdle_ready, &o);
    f.host->timer_set(o.timer, 0);
    posts->post(posts, dawdle, NULL);
    kith_loop_turn(f.loop, 0);
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_PTR_NULL(kith_crash_noted);
    CU_ASSERT_STRING_EQUAL(noted->doing, "called");
    CU_ASSERT_PTR_NOT_NULL(strstr(f.lines, "thing: a watch callback took "));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.lines, "thing: a timer callback took "));
    CU_ASSERT_PTR_NOT_NULL(strstr(f.lines, "thing: a post callback took "));
    CU_ASSERT_EQUAL(*f.host->counter(f.host, "slow_calls", NULL, NULL, 0), 3);
    f.host->post(f.host, blames_another, NULL); /* its time is somebody else's */
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(*f.host->counter(f.host, "slow_calls", NULL, NULL, 0), 3);
    f.host->timer_free(o.timer);
    fixture_free_host(&f, &timed);
    fixture_free_host(&f, &posts);
    fixture_end(&f);
    close(fds[0]);
    close(fds[1]);
}

/* All are counted; a line a second says how many there were. */
static void test_breaches_do_not_flood_the_log(void)
{
    struct fixture f;
    fixture_begin(&f, false, NULL);
    for (int i = 0; i < 5; i++) CU_ASSERT_PTR_NULL(f.host->query(f.host, NULL));
    CU_ASSERT_STRING_EQUAL(f.lines, "thing: broke its contract: query without an id|");
    kith_loop_run_until(f.loop, kith_loop_now(f.loop) + 1000000000);
    f.lines[0] = 0;
    CU_ASSERT_PTR_NULL(f.host->timer(f.host, NULL, NULL));
    CU_ASSERT_STRING_EQUAL(f.lines, "thing: broke its contract: timer without a function (and 4 "
                                    "more since the last line)|");
    CU_ASSERT_EQUAL(breaches(&f), 6);
    fixture_end(&f);
}

/* What could only be called, or read, at NULL: refused, and its name is in the log. */
static void test_null(void)
{
    struct fixture f;
    int fds[2];
    struct kith_value value = {.size = sizeof value};
    struct kith_event event = {.size = sizeof event, .field_count = 1};
    struct kith_member member = {.size = sizeof member, .addr.len = KITH_ADDR_MAX + 1};
    fixture_begin(&f, true, NULL);
    const struct kith_host *h = f.host;
    pair_of(fds);
    CU_ASSERT_EQUAL(h->post(h, NULL, &f), -KITH_EINVAL);
    CU_ASSERT_EQUAL(breaches(&f), 0); /* other threads post, too: it is blamed on this one */
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_STRING_EQUAL(f.lines, "thing: broke its contract: post without a function|");
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
    CU_ASSERT_EQUAL(h->offer(h, NULL, &f), -KITH_EINVAL);
    CU_ASSERT_EQUAL(breaches(&f), 12);
    ++*h->counter(h, NULL, NULL, NULL, 0); /* never NULL */
    ++*h->gauge(h, "x", NULL, NULL, 1);
    h->observe(h->histogram(h, "x", NULL, NULL, 0, NULL, 1), 1);
    h->observe(NULL, 1);
    CU_ASSERT_EQUAL(breaches(&f), 15);
    fixture_end(&f);
    close(fds[0]);
    close(fds[1]);
}

/* ------------------------------------------------------------------- time, worlds, randomness */

static void test_time(void)
{
    struct fixture f;
    int one = 1;
    fixture_begin(&f, false, NULL);
    calls = 0;
    CU_ASSERT_EQUAL(f.host->now(f.host), 1000);
    CU_ASSERT_EQUAL(f.host->wall(f.host), kith_loop_wall(f.loop));
    struct kith_timer *timer = f.host->timer(f.host, count, &one);
    f.host->timer_set(timer, 5000);
    f.host->timer_set(timer, UINT64_MAX);
    f.host->timer_set(timer, 5500);
    kith_loop_run_until(f.loop, 6000);
    CU_ASSERT_EQUAL(calls, 1);
    CU_ASSERT_EQUAL(f.host->now(f.host), 6000);
    f.host->timer_free(timer);
    fixture_end(&f);
}

static void test_worlds(void)
{
    struct fixture real, a, b;
    uint8_t x[32], y[32], z[32];
    fixture_begin(&real, true, NULL);
    fixture_begin(&a, false, NULL);
    fixture_begin(&b, false, NULL);
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
    fixture_end(&b);
    fixture_begin(&b, false, NULL);
    CU_ASSERT(b.host->world(b.host) != first && b.host->world(b.host) != second);
    fixture_end(&b);
    fixture_end(&a);
    fixture_end(&real);
}

/* ------------------------------------------------------------------------------- memory, keys */

static void test_scratch(void)
{
    struct fixture f;
    fixture_begin(&f, false, NULL);
    struct kith_plugin plugins[] = {f.plugin, f.plugin};
    struct kith_entry entries[] = {f.entry, f.entry};
    plugins[0].kind = KITH_TRANSPORT;
    plugins[1].kind = KITH_CODEC;
    for (int i = 0; i < 2; i++) entries[i].plugin = &plugins[i];
    struct kith_host *same = fixture_host(&f);
    struct kith_host *outer = f.maker.make(f.maker.ctx, &entries[0], NULL);
    struct kith_host *inner = f.maker.make(f.maker.ctx, &entries[1], NULL);
    uint8_t *small = f.host->scratch(f.host, 10);
    CU_ASSERT_PTR_NOT_NULL_FATAL(small);
    CU_ASSERT_EQUAL((uintptr_t)small % alignof(max_align_t), 0);
    memset(small, 7, 10);
    uint8_t *large = f.host->scratch(f.host, 100000);
    memset(large, 8, 100000);
    CU_ASSERT_EQUAL(small[9], 7); /* asked for earlier in this call: still there */
    CU_ASSERT_PTR_EQUAL(f.host->scratch(f.host, 10), large); /* what was asked for is kept */
    CU_ASSERT_PTR_EQUAL(same->scratch(same, 100000), large); /* and shared */
    CU_ASSERT_EQUAL(large[99999], 8);
    /* A transport's call leads into codecs and delegates: none takes another's. */
    uint8_t *a = outer->scratch(outer, 100), *b = inner->scratch(inner, 100);
    CU_ASSERT(a && b && a != b && a != large && b != large);
    CU_ASSERT_PTR_NOT_NULL(inner->scratch(inner, 0));
    CU_ASSERT_PTR_NULL(inner->scratch(inner, SIZE_MAX));
    CU_ASSERT_PTR_EQUAL(inner->scratch(inner, 100), b);
    fixture_free_host(&f, &same);
    fixture_free_host(&f, &inner);
    fixture_free_host(&f, &outer);
    fixture_end(&f);
}

static void test_keys(void)
{
    struct fixture f;
    struct kith_key key = {.size = sizeof key};
    fixture_begin(&f, false, NULL);
    CU_ASSERT_EQUAL(f.host->keys(f.host, 0, NULL), 2);
    CU_ASSERT_EQUAL(f.host->keys(f.host, 1, &key), 2);
    CU_ASSERT_EQUAL(key.len, 32);
    CU_ASSERT_STRING_EQUAL((const char *)key.data, "thing");
    key.len = 1;
    CU_ASSERT_EQUAL(f.host->keys(f.host, 2, &key), 2);
    CU_ASSERT_EQUAL(key.len, 1); /* there is no such one */
    f.plugin.flags = KITH_RAW_KEYS;
    struct kith_host *raw = fixture_host(&f);
    CU_ASSERT_EQUAL(raw->keys(raw, 0, &key), 2);
    CU_ASSERT_EQUAL(key.len, 16);
    struct kith_host *none = f.maker.make(f.maker.ctx, &f.entry, NULL);
    CU_ASSERT_EQUAL(none->keys(none, 0, &key), 0);
    fixture_free_host(&f, &raw);
    fixture_free_host(&f, &none);
    fixture_end(&f);
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
