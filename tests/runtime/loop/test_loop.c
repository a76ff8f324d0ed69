/*
 * test_loop.c - the order of a turn, timers, watches, posts from other threads; each for both loops
 * where it makes sense.
 */
#include "../../test.h"
#include "loop.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS 1000000u

static char trace[64];

static void note(char c)
{
    size_t n = strlen(trace);
    if (n + 1 < sizeof trace) trace[n] = c, trace[n + 1] = 0;
}

static void note_arg(void *arg) { note(*(const char *)arg); }

static void each(void (*test)(struct kith_loop *))
{
    struct kith_loop *loops[] = {kith_loop_new(), kith_loop_new_virtual(1, 5)};
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(loops[i]);
        trace[0] = 0;
        test(loops[i]);
        kith_loop_free(loops[i]);
    }
}

struct pipe_end {
    struct kith_loop *loop;
    int fd;
    struct kith_watch *watch;
    unsigned events;
    int calls;
};

static void read_one(void *arg, unsigned events)
{
    struct pipe_end *p = arg;
    char c;
    p->events |= events;
    p->calls++;
    if (events & KITH_READABLE && read(p->fd, &c, 1) == 1) note(c);
}

/* ------------------------------------------------------------------------------------- order */

static void order(struct kith_loop *loop)
{
    int fds[2];
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct pipe_end p = {loop, fds[0]};
    p.watch = kith_loop_watch(loop, fds[0], KITH_READABLE, read_one, &p);
    struct kith_idle *idle = kith_loop_idle(loop, note_arg, (void *)"i");
    struct kith_timer *due = kith_loop_timer(loop, note_arg, (void *)"t");
    kith_loop_timer_set(due, 1);
    kith_loop_post(loop, note_arg, (void *)"p");
    CU_ASSERT_EQUAL(write(fds[1], "d", 1), 1);
    kith_loop_idle_mark(idle);
    kith_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "dpti");

    /* Who is not marked is not called, whatever happens. */
    kith_loop_post(loop, note_arg, (void *)"p");
    kith_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "dptip");
    kith_loop_timer_free(due);
    kith_loop_idle_free(idle);
    kith_loop_watch_free(p.watch);
    close(fds[0]);
    close(fds[1]);
}

static void test_order(void) { each(order); }

/* The process was stopped, or a delegate slow: the answer is in the socket, and its timeout came
 * due as well. */
static void test_readable_before_timeout(void)
{
    struct kith_loop *loop = kith_loop_new();
    int fds[2];
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct pipe_end p = {loop, fds[0]};
    p.watch = kith_loop_watch(loop, fds[0], KITH_READABLE, read_one, &p);
    struct kith_timer *timer = kith_loop_timer(loop, note_arg, (void *)"t");
    for (int i = 0; i < 20; i++) {
        trace[0] = 0;
        kith_loop_timer_set(timer, kith_loop_now(loop) + MS / 5);
        struct pollfd none = {.fd = -1};
        poll(&none, 1, 1); /* makes the timer due; nothing is waited for */
        CU_ASSERT_EQUAL(write(fds[1], "d", 1), 1);
        kith_loop_turn(loop, UINT64_MAX);
        CU_ASSERT_STRING_EQUAL(trace, "dt");
    }
    kith_loop_timer_free(timer);
    kith_loop_watch_free(p.watch);
    kith_loop_free(loop);
    close(fds[0]);
    close(fds[1]);
}

/* ------------------------------------------------------------------------------------ timers */

static void timers_sorted(struct kith_loop *loop)
{
    uint64_t now = kith_loop_now(loop);
    struct kith_timer *a = kith_loop_timer(loop, note_arg, (void *)"a"),
                      *b = kith_loop_timer(loop, note_arg, (void *)"b");
    struct kith_timer *c = kith_loop_timer(loop, note_arg, (void *)"c"),
                      *d = kith_loop_timer(loop, note_arg, (void *)"d");
    kith_loop_timer_set(d, now + 4 * MS);
    kith_loop_timer_set(b, now + 2 * MS);
    kith_loop_timer_set(c, now + 2 * MS); /* same time: in the order of setting */
    kith_loop_timer_set(a, now + 9 * MS);
    kith_loop_timer_set(a, now + 1 * MS); /* moved */
    struct kith_timer *never = kith_loop_timer(loop, note_arg, (void *)"n");
    kith_loop_timer_set(never, now + 1 * MS);
    kith_loop_timer_set(never, UINT64_MAX);
    while (kith_loop_turn(loop, UINT64_MAX)) continue;
    CU_ASSERT_STRING_EQUAL(trace, "abcd");
    CU_ASSERT(kith_loop_now(loop) >= now + 4 * MS);
    CU_ASSERT_EQUAL(kith_loop_timeout(loop), UINT64_MAX);
    struct kith_timer *all[] = {a, b, c, d, never};
    for (size_t i = 0; i < 5; i++) kith_loop_timer_free(all[i]);
}

static void test_timers(void) { each(timers_sorted); }

struct again {
    struct kith_timer *self, *other;
    int calls;
};

static void set_again(void *arg)
{
    struct again *a = arg;
    a->calls++;
    kith_loop_timer_set(a->self, 0);
}

static void greedy_timer(struct kith_loop *loop)
{
    struct again a = {0};
    a.self = kith_loop_timer(loop, set_again, &a);
    a.other = kith_loop_timer(loop, note_arg, (void *)"o");
    kith_loop_timer_set(a.self, 0);
    kith_loop_timer_set(a.other, kith_loop_now(loop));
    for (int i = 0; i < 3; i++) kith_loop_turn(loop, UINT64_MAX);
    CU_ASSERT_EQUAL(a.calls, 3);
    CU_ASSERT_STRING_EQUAL(trace, "o");
    kith_loop_timer_free(a.self);
    kith_loop_timer_free(a.other);
}

static void test_greedy_timer(void) { each(greedy_timer); }

static void free_both(void *arg)
{
    struct again *a = arg;
    note('f');
    kith_loop_timer_free(a->self);
    kith_loop_timer_free(a->other);
}

static void free_in_callback(struct kith_loop *loop)
{
    struct again a = {0};
    a.self = kith_loop_timer(loop, free_both, &a);
    a.other = kith_loop_timer(loop, note_arg, (void *)"o");
    kith_loop_timer_set(a.self, 1);
    kith_loop_timer_set(a.other, 1);
    CU_ASSERT_FALSE(kith_loop_turn(loop, UINT64_MAX));
    CU_ASSERT_STRING_EQUAL(trace, "f");
}

static void test_free_in_callback(void) { each(free_in_callback); }

/* Against a plain list, with many timers moved at random. */
static void test_heap(void)
{
    enum { N = 500 };
    static char names[N];
    struct kith_loop *loop = kith_loop_new_virtual(7, 0);
    struct kith_timer *timers[N];
    uint64_t at[N];
    for (int i = 0; i < N; i++) {
        names[i] = 'x';
        timers[i] = kith_loop_timer(loop, note_arg, &names[i]);
        at[i] = UINT64_MAX;
    }
    for (int step = 0; step < 20000; step++) {
        uint32_t r[2];
        kith_loop_random(loop, r, sizeof r);
        int i = (int)(r[0] % N);
        at[i] = r[1] % 7 ? kith_loop_now(loop) + 1 + r[1] % 100000 : UINT64_MAX;
        kith_loop_timer_set(timers[i], at[i]);
        if (step % 20) continue;
        uint64_t next = UINT64_MAX;
        size_t due = 0;
        for (int k = 0; k < N; k++) next = at[k] < next ? at[k] : next;
        for (int k = 0; k < N; k++) {
            if (at[k] != next || next == UINT64_MAX) continue;
            due++;
            at[k] = UINT64_MAX;
        }
        trace[0] = 0;
        kith_loop_turn(loop, UINT64_MAX);
        if (strlen(trace) != due || (due && kith_loop_now(loop) != next)) {
            CU_FAIL_FATAL("the heap and the list differ");
        }
    }
    for (int i = 0; i < N; i++) kith_loop_timer_free(timers[i]);
    kith_loop_free(loop);
}

/* ------------------------------------------------------------------------------ virtual time */

static void test_virtual_time(void)
{
    struct kith_loop *loop = kith_loop_new_virtual(42, 100);
    struct kith_timer *timer = kith_loop_timer(loop, note_arg, (void *)"t");
    trace[0] = 0;
    CU_ASSERT_TRUE(kith_loop_is_virtual(loop));
    CU_ASSERT_EQUAL(kith_loop_now(loop), 100);
    kith_loop_timer_set(timer, 3600000 * (uint64_t)MS);
    kith_loop_run_until(loop, 1000);
    CU_ASSERT_EQUAL(kith_loop_now(loop), 1000);
    CU_ASSERT_STRING_EQUAL(trace, "");
    CU_ASSERT_FALSE(kith_loop_turn(loop, UINT64_MAX));
    CU_ASSERT_EQUAL(kith_loop_now(loop), 3600000 * (uint64_t)MS);
    CU_ASSERT_STRING_EQUAL(trace, "t");
    uint64_t wall = kith_loop_wall(loop);
    kith_loop_run_until(loop, kith_loop_now(loop) + 5);
    CU_ASSERT_EQUAL(kith_loop_wall(loop), wall + 5);

    uint8_t a[40], b[40], c[40];
    struct kith_loop *same = kith_loop_new_virtual(42, 7), *other = kith_loop_new_virtual(43, 7);
    kith_loop_random(loop, a, sizeof a);
    kith_loop_random(same, b, sizeof b);
    kith_loop_random(other, c, sizeof c);
    CU_ASSERT_EQUAL(memcmp(a, b, sizeof a), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(a, c, sizeof a), 0);
    kith_loop_timer_free(timer);
    kith_loop_free(loop);
    kith_loop_free(same);
    kith_loop_free(other);
}

/* ----------------------------------------------------------------------------------- watches */

static void watch_events(struct kith_loop *loop)
{
    int fds[2];
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    struct pipe_end p = {loop, fds[0]};
    p.watch = kith_loop_watch(loop, fds[0], 0, read_one, &p);
    CU_ASSERT_EQUAL(write(fds[1], "ab", 2), 2);
    kith_loop_turn(loop, 0);
    CU_ASSERT_EQUAL(p.calls, 0); /* paused */
    kith_loop_watch_set(p.watch, KITH_WRITABLE);
    kith_loop_turn(loop, UINT64_MAX);
    CU_ASSERT_EQUAL(p.events, KITH_WRITABLE);
    kith_loop_watch_set(p.watch, KITH_READABLE);
    kith_loop_turn(loop, UINT64_MAX);
    kith_loop_turn(loop, UINT64_MAX); /* level-triggered: the second byte without another write */
    CU_ASSERT_STRING_EQUAL(trace, "ab");
    p.calls = 0;
    close(fds[1]);
    kith_loop_turn(loop, UINT64_MAX); /* hang-up is something to read */
    kith_loop_turn(loop, UINT64_MAX);
    CU_ASSERT_EQUAL(p.calls, 2);
    kith_loop_watch_free(p.watch);
    close(fds[0]);
}

static void test_watch(void) { each(watch_events); }

/* An error on the descriptor (nobody listens there) must reach the watch, each turn until it is
 * read. */
static void watch_error(struct kith_loop *loop)
{
    int fds[2];
    CU_ASSERT_EQUAL_FATAL(pipe(fds), 0);
    struct pipe_end p = {loop, fds[1]};
    p.watch = kith_loop_watch(loop, fds[1], KITH_WRITABLE, read_one, &p);
    close(fds[0]); /* POLLERR on the writing end */
    kith_loop_turn(loop, UINT64_MAX);
    kith_loop_turn(loop, UINT64_MAX);
    CU_ASSERT_EQUAL(p.calls, 2);
    CU_ASSERT_EQUAL(p.events, KITH_WRITABLE);
    kith_loop_watch_free(p.watch);
    close(fds[1]);
}

static void test_watch_error(void) { each(watch_error); }

/* Frees itself and the other; the descriptors' numbers are taken again at once. */
static void free_two(void *arg, unsigned events)
{
    struct pipe_end *p = arg;
    for (int i = 0; i < 2; i++) {
        kith_loop_watch_free(p[i].watch);
        close(p[i].fd);
        int other[2];
        CU_ASSERT_EQUAL(pipe(other), 0);
        CU_ASSERT_EQUAL(other[0], p[i].fd);
        close(other[1]);
        p[i].watch = kith_loop_watch(p[i].loop, p[i].fd, KITH_READABLE, read_one, &p[i]);
        p[i].calls = 0;
    }
    note('f');
}

static void watch_freed_inside(struct kith_loop *loop)
{
    struct pipe_end ends[2];
    int peers[2];
    for (int i = 0; i < 2; i++) {
        int fds[2];
        CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        ends[i] = (struct pipe_end){loop, fds[0]};
        peers[i] = fds[1];
    }
    ends[0].watch = kith_loop_watch(loop, ends[0].fd, KITH_READABLE, free_two, ends);
    ends[1].watch = kith_loop_watch(loop, ends[1].fd, KITH_READABLE, free_two, ends);
    for (int i = 0; i < 2; i++) CU_ASSERT_EQUAL(write(peers[i], "x", 1), 1);
    kith_loop_turn(loop, UINT64_MAX);
    CU_ASSERT_STRING_EQUAL(trace, "f"); /* the one freed was ready too, but is not called */
    for (int i = 0; i < 2; i++) {
        kith_loop_watch_free(ends[i].watch);
        close(ends[i].fd);
        close(peers[i]);
    }
}

static void test_watch_freed(void) { each(watch_freed_inside); }

static void test_watch_refused(void)
{
    struct kith_loop *loop = kith_loop_new();
    CU_ASSERT_PTR_NULL(kith_loop_watch(loop, -1, KITH_READABLE, read_one, NULL));
    kith_loop_free(loop);
}

/* -------------------------------------------------------------------- posts, stop, embedding */

struct poster {
    struct kith_loop *loop;
    int count;
};

static void post_more(void *arg)
{
    struct poster *p = arg;
    note('m');
    if (--p->count) kith_loop_post(p->loop, post_more, p);
}

static void posts(struct kith_loop *loop)
{
    struct poster p = {loop, 2};
    kith_loop_post(loop, post_more, &p);
    kith_loop_post(loop, note_arg, (void *)"a");
    kith_loop_post(loop, note_arg, (void *)"b");
    kith_loop_post(loop, note_arg, (void *)"c");
    kith_loop_unpost(loop, note_arg, (void *)"b");
    CU_ASSERT_EQUAL(kith_loop_timeout(loop), 0);
    CU_ASSERT_TRUE(kith_loop_turn(loop, UINT64_MAX));
    CU_ASSERT_STRING_EQUAL(trace, "mac"); /* what a post posts waits for the next turn */
    CU_ASSERT_FALSE(kith_loop_turn(loop, UINT64_MAX));
    CU_ASSERT_STRING_EQUAL(trace, "macm");
}

static void test_posts(void) { each(posts); }

static int arrived;

static void arrive(void *arg) { arrived++; }

static void *post_many(void *arg)
{
    for (int i = 0; i < 1000; i++) kith_loop_post(arg, arrive, NULL);
    return NULL;
}

static atomic_bool woken;

static void *post_and_wake(void *arg)
{
    post_many(arg);
    atomic_store(&woken, true);
    kith_loop_wake(arg);
    return NULL;
}

/* Each turn waits for ever, so the last thing that happens is seen only because it woke the loop.
 */
static void test_threads(void)
{
    struct kith_loop *loop = kith_loop_new();
    pthread_t a, b;
    arrived = 0;
    atomic_store(&woken, false);
    pthread_create(&a, NULL, post_many, loop);
    pthread_create(&b, NULL, post_and_wake, loop);
    while (!atomic_load(&woken)) kith_loop_turn(loop, UINT64_MAX);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    while (kith_loop_turn(loop, 0)) continue;
    CU_ASSERT_EQUAL(arrived, 2000);

    kith_loop_wake(loop);
    kith_loop_turn(loop, UINT64_MAX); /* woken before it: it does not wait */
    kith_loop_free(loop);
}

static void test_embedding(void)
{
    struct kith_loop *loop = kith_loop_new();
    struct pollfd p = {.fd = kith_loop_fd(loop), .events = POLLIN};
    int fds[2];
    trace[0] = 0;
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    struct pipe_end end = {loop, fds[0]};
    end.watch = kith_loop_watch(loop, fds[0], KITH_READABLE, read_one, &end);
    CU_ASSERT_EQUAL(kith_loop_timeout(loop), 0); /* a new watch is not in the descriptor yet */
    kith_loop_turn(loop, 0);
    CU_ASSERT_EQUAL(kith_loop_timeout(loop), UINT64_MAX);
    CU_ASSERT_EQUAL(poll(&p, 1, 0), 0);

    CU_ASSERT_EQUAL(write(fds[1], "d", 1), 1);
    CU_ASSERT_EQUAL(poll(&p, 1, -1), 1);
    kith_loop_turn(loop, 0);
    kith_loop_post(loop, note_arg, (void *)"p");
    CU_ASSERT_EQUAL(poll(&p, 1, -1), 1); /* a post wakes a foreign loop */
    kith_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "dp");

    struct kith_timer *timer = kith_loop_timer(loop, note_arg, (void *)"t");
    kith_loop_timer_set(timer, kith_loop_now(loop) + 3600000 * (uint64_t)MS);
    CU_ASSERT(kith_loop_timeout(loop) > 3599000 * (uint64_t)MS);
    kith_loop_timer_free(timer);
    kith_loop_watch_free(end.watch);
    kith_loop_free(loop);
    close(fds[0]);
    close(fds[1]);
}

static struct kith_idle *three[3];

static void mark(int i) { kith_loop_idle_mark(three[i]); }

static void note_0(void *arg) { note('0'); }

static void note_1(void *arg) { note('1'); }

static void note_2(void *arg) { note('2'); }

static void set_up_idles(struct kith_loop *loop, void (*first)(void *arg))
{
    void (*fns[])(void *arg) = {first, note_1, note_2};
    trace[0] = 0;
    for (int i = 0; i < 3; i++) three[i] = kith_loop_idle(loop, fns[i], loop);
}

static void free_idles(void)
{
    for (int i = 0; i < 3; i++) kith_loop_idle_free(three[i]);
}

static void idles(struct kith_loop *loop)
{
    set_up_idles(loop, note_0);
    CU_ASSERT_EQUAL(kith_loop_turn(loop, 0), false);
    mark(2);
    mark(0);
    mark(2);
    CU_ASSERT_EQUAL(kith_loop_timeout(loop), 0);
    CU_ASSERT_FALSE(kith_loop_turn(loop, UINT64_MAX)); /* comes at once */
    CU_ASSERT_STRING_EQUAL(trace, "20");

    mark(0);
    mark(1);
    mark(2);
    for (int i = 1; i < 3; i++) { /* from the middle, and the last */
        kith_loop_idle_free(three[i]);
        three[i] = NULL;
    }
    three[1] = kith_loop_idle(loop, note_1, NULL);
    mark(1);
    kith_loop_turn(loop, UINT64_MAX);
    CU_ASSERT_STRING_EQUAL(trace, "2001");
    free_idles();
}

static void test_idles(void) { each(idles); }

/* Marks one that is still to come, itself, and one that is not among those of this turn. */
static void mark_all(void *arg)
{
    note('m');
    for (int i = 0; i < 3; i++) mark(i);
}

static void marked_meanwhile(struct kith_loop *loop)
{
    set_up_idles(loop, mark_all);
    mark(0);
    mark(2);
    CU_ASSERT_TRUE(kith_loop_turn(loop, UINT64_MAX));
    CU_ASSERT_STRING_EQUAL(trace, "m2");
    CU_ASSERT_EQUAL(kith_loop_timeout(loop), 0);
    CU_ASSERT_TRUE(kith_loop_turn(loop, UINT64_MAX));
    CU_ASSERT_STRING_EQUAL(trace, "m2m1");
    free_idles();
}

static void test_marked_meanwhile(void) { each(marked_meanwhile); }

/* Itself, and one behind it. */
static void drop_two(void *arg)
{
    note('d');
    for (int i = 0; i < 2; i++) {
        kith_loop_idle_free(three[i]);
        three[i] = NULL;
    }
}

static void freed_inside(struct kith_loop *loop)
{
    set_up_idles(loop, drop_two);
    for (int i = 0; i < 3; i++) mark(i);
    CU_ASSERT_FALSE(kith_loop_turn(loop, UINT64_MAX));
    CU_ASSERT_STRING_EQUAL(trace, "d2");
    mark(2);
    kith_loop_turn(loop, UINT64_MAX);
    CU_ASSERT_STRING_EQUAL(trace, "d22");
    free_idles();
}

static void test_freed_inside(void) { each(freed_inside); }

KITH_TESTS("runtime/loop", {"a turn has its order", test_order},
           {"what is readable comes before what timed out", test_readable_before_timeout},
           {"timers", test_timers}, {"a timer that sets itself starves nobody", test_greedy_timer},
           {"timers freed while they fire", test_free_in_callback},
           {"heap against a list", test_heap}, {"virtual time and randomness", test_virtual_time},
           {"watch", test_watch}, {"watch errors", test_watch_error},
           {"watches freed", test_watch_freed}, {"no watch on nothing", test_watch_refused},
           {"posts", test_posts}, {"posts and a wake-up from threads", test_threads},
           {"embedding", test_embedding}, {"who is marked is called, in that order", test_idles},
           {"marked while others are called", test_marked_meanwhile},
           {"freed while others are called", test_freed_inside})
