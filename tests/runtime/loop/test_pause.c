/*
 * test_pause.c - services that are paused: nothing of an instance runs, nothing is lost, and what
 * came due comes in its order afterwards. In virtual time.
 */
#include "../../test.h"
#include "fixture.h"
#include <sys/socket.h>
#include <unistd.h>

static char trace[64];

static void note(char c)
{
    size_t n = strlen(trace);
    if (n + 1 < sizeof trace) trace[n] = c, trace[n + 1] = 0;
}

static void note_arg(void *arg) { note(*(const char *)arg); }

static void begin(struct world *w, const struct kith_services_setup *setup)
{
    world_begin(w, false, setup);
    trace[0] = 0;
}

static void pass(struct world *w, uint64_t ns)
{
    kith_loop_run_until(w->loop, kith_loop_now(w->loop) + ns);
}

static void resume(struct world *w)
{
    kith_services_pause(w->services, false);
    kith_loop_turn(w->loop, 0);
}

static struct kith_timer *timer(const struct kith_host *h, const char *name, uint64_t at)
{
    struct kith_timer *t = h->timer(h, note_arg, (void *)(uintptr_t)name);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    h->timer_set(t, h->now(h) + at);
    return t;
}

/* --------------------------------------------------------------------------- timers and posts */

/* Of two instances; set in another order than they come due. */
static void test_what_came_due_comes_in_its_order(void)
{
    struct world w;
    begin(&w, NULL);
    struct kith_host *other = world_host(&w), *hosts[] = {w.host, other, w.host, other, w.host};
    struct kith_timer *timers[5];
    static const uint64_t at[] = {50, 20, 40, 10, 500};
    kith_services_pause(w.services, true);
    for (int i = 0; i < 5; i++) timers[i] = timer(hosts[i], &"abcde"[i], at[i]);
    pass(&w, 30);
    other->post(other, note_arg, (void *)"p");
    w.host->post(w.host, note_arg, (void *)"q");
    other->post(other, note_arg, (void *)"r");
    pass(&w, 70);
    CU_ASSERT_STRING_EQUAL(trace, "");
    CU_ASSERT_NOT_EQUAL(kith_loop_timeout(w.loop), 0); /* and nothing spins */
    w.host->post(w.host, note_arg, (void *)"s");

    kith_services_pause(w.services, false);
    CU_ASSERT_STRING_EQUAL(trace, ""); /* not from inside of the call */
    CU_ASSERT_EQUAL(kith_loop_timeout(w.loop), 0);
    kith_loop_turn(w.loop, 0);
    /* Posts of one host run together, when the first of them does. */
    CU_ASSERT_STRING_EQUAL(trace, "dbprqsca");
    pass(&w, 500);
    CU_ASSERT_STRING_EQUAL(trace, "dbprqscae");
    for (int i = 0; i < 5; i++) hosts[i]->timer_free(timers[i]);
    world_free_host(&w, &other);
    world_end(&w);
}

static struct world *paused_again;

static void pause_again(void *arg)
{
    note('!');
    kith_services_pause(paused_again->services, true);
}

/* What comes due when it goes on lines up behind what waits; and a pause may come amid of it. */
static void test_late_ones_come_first(void)
{
    struct world w;
    begin(&w, NULL);
    paused_again = &w;
    struct kith_timer *a = timer(w.host, "a", 10), *b = timer(w.host, "b", 30);
    struct kith_timer *stop = w.host->timer(w.host, pause_again, NULL), *c = timer(w.host, "c", 20);
    w.host->timer_set(stop, w.host->now(w.host) + 15);
    kith_services_pause(w.services, true);
    pass(&w, 25);
    kith_services_pause(w.services, false);
    w.host->post(w.host, note_arg,
                 (void *)"p"); /* posts come before timers, but not before those */
    kith_loop_turn(w.loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "a!");
    pass(&w, 25);
    CU_ASSERT_STRING_EQUAL(trace, "a!");
    resume(&w);
    CU_ASSERT_STRING_EQUAL(trace, "a!cpb");
    struct kith_timer *all[] = {a, b, c, stop};
    for (int i = 0; i < 4; i++) w.host->timer_free(all[i]);
    world_end(&w);
}

/* A timer that is set anew or freed does not fire for the time before. */
static void test_late_timers_can_be_changed(void)
{
    struct world w;
    begin(&w, NULL);
    struct kith_timer *later = timer(w.host, "l", 10), *never = timer(w.host, "n", 10);
    struct kith_timer *freed = timer(w.host, "f", 10), *kept = timer(w.host, "k", 10);
    kith_services_pause(w.services, true);
    pass(&w, 20);
    w.host->timer_set(later, w.host->now(w.host) + 10);
    w.host->timer_set(never, UINT64_MAX);
    w.host->timer_free(freed);
    resume(&w);
    CU_ASSERT_STRING_EQUAL(trace, "k");
    pass(&w, 10);
    CU_ASSERT_STRING_EQUAL(trace, "kl");
    w.host->timer_free(later);
    w.host->timer_free(never);
    w.host->timer_free(kept);
    world_end(&w);
}

/* ------------------------------------------------------------------------------------ watches */

static void on_readable(void *arg, unsigned events)
{
    char c;
    if (read(*(int *)arg, &c, 1) == 1) note(c);
}

static void test_watches_are_off(void)
{
    struct world w;
    int fds[2], more[2];
    begin(&w, NULL);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, more), 0);
    struct kith_watch *before = w.host->watch(w.host, fds[0], KITH_READABLE, on_readable, &fds[0]);
    struct kith_timer *t = timer(w.host, "t", 5);
    kith_services_pause(w.services, true);
    struct kith_watch *within = w.host->watch(w.host, more[0], 0, on_readable, &more[0]);
    w.host->watch_set(within, KITH_READABLE);
    CU_ASSERT_EQUAL(write(fds[1], "w", 1), 1);
    CU_ASSERT_EQUAL(write(more[1], "v", 1), 1);
    pass(&w, 10);
    CU_ASSERT_STRING_EQUAL(trace, "");
    resume(&w);
    CU_ASSERT_STRING_EQUAL(trace, "wvt"); /* what was readable is read first, as always */
    kith_services_pause(w.services, true);
    w.host->watch_set(before, 0);
    CU_ASSERT_EQUAL(write(fds[1], "w", 1), 1);
    resume(&w);
    CU_ASSERT_STRING_EQUAL(trace, "wvt");
    w.host->watch_free(before);
    w.host->watch_free(within);
    w.host->timer_free(t);
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(more[i]);
    }
    world_end(&w);
}

/* -------------------------------------------------------------------------------------- names */

static kith_resolved_fn *tell;
static void *tell_arg;

static int resolve(void *ctx, struct kith_bytes text, kith_resolved_fn *fn, void *arg)
{
    tell = fn;
    tell_arg = arg;
    return 0;
}

static void resolved(void *arg, int status, const struct kith_addr *addrs, size_t count)
{
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    note((char)addrs[0].bytes[0]);
}

/* The addresses are lent for the call of the one who found them. */
static void find(char c)
{
    struct kith_addr addr = {.len = 1, .bytes = {(uint8_t)c}};
    tell(tell_arg, 0, &addr, 1);
    memset(&addr, 0, sizeof addr);
}

static void test_names_wait_with_their_addresses(void)
{
    struct world w;
    struct kith_services_setup setup = {.resolve = resolve};
    begin(&w, &setup);
    CU_ASSERT_EQUAL(w.host->resolve(w.host, kith_text("a"), resolved, NULL), 0);
    kith_services_pause(w.services, true);
    find('x');
    CU_ASSERT_STRING_EQUAL(trace, "");
    resume(&w);
    CU_ASSERT_STRING_EQUAL(trace, "x");
    CU_ASSERT_EQUAL(w.host->resolve(w.host, kith_text("b"), resolved, NULL), 0);
    find('y');
    CU_ASSERT_STRING_EQUAL(trace, "xy");
    world_end(&w);
}

/* --------------------------------------------------------------------------------------- ends */

/* It stops, or all is taken down, with everything waiting. */
static void test_who_stops_while_paused_is_not_called(void)
{
    struct world w;
    struct kith_services_setup setup = {.resolve = resolve};
    for (int stops = 0; stops < 2; stops++) {
        begin(&w, &setup);
        struct kith_host *other = world_host(&w);
        struct kith_timer *mine = timer(w.host, "m", 5), *others = timer(other, "o", 5);
        CU_ASSERT_EQUAL(w.host->resolve(w.host, kith_text("a"), resolved, NULL), 0);
        kith_services_pause(w.services, true);
        w.host->post(w.host, note_arg, (void *)"p");
        find('x');
        pass(&w, 10);
        w.host->timer_free(mine);
        if (stops) {
            w.maker.release(w.maker.ctx, w.host, "stop");
            resume(&w);
            CU_ASSERT_STRING_EQUAL(trace, "o");
        }
        other->timer_free(others);
        world_free_host(&w, &other);
        world_end(&w);
        CU_ASSERT_STRING_EQUAL(trace, stops ? "o" : "");
    }
}

KITH_TESTS("runtime/pause",
           {"what came due comes in its order", test_what_came_due_comes_in_its_order},
           {"late ones come first", test_late_ones_come_first},
           {"late timers can be changed", test_late_timers_can_be_changed},
           {"watches are off", test_watches_are_off},
           {"names wait with their addresses", test_names_wait_with_their_addresses},
           {"who stops while paused is not called", test_who_stops_while_paused_is_not_called})
