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

static void begin(struct fixture *f, const struct kith_services_setup *setup)
{
    fixture_begin(f, false, setup);
    trace[0] = 0;
}

static void pass(struct fixture *f, uint64_t ns)
{
    kith_loop_run_until(f->loop, kith_loop_now(f->loop) + ns);
}

static void resume(struct fixture *f)
{
    kith_services_pause(f->services, false);
    kith_loop_turn(f->loop, 0);
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
    struct fixture f;
    begin(&f, NULL);
    struct kith_host *other = fixture_host(&f), *hosts[] = {f.host, other, f.host, other, f.host};
    struct kith_timer *timers[5];
    static const uint64_t at[] = {50, 20, 40, 10, 500};
    kith_services_pause(f.services, true);
    for (int i = 0; i < 5; i++) timers[i] = timer(hosts[i], &"abcde"[i], at[i]);
    pass(&f, 30);
    other->post(other, note_arg, (void *)"p");
    f.host->post(f.host, note_arg, (void *)"q");
    other->post(other, note_arg, (void *)"r");
    pass(&f, 70);
    CU_ASSERT_STRING_EQUAL(trace, "");
    CU_ASSERT_NOT_EQUAL(kith_loop_timeout(f.loop), 0); /* and nothing spins */
    f.host->post(f.host, note_arg, (void *)"s");

    kith_services_pause(f.services, false);
    CU_ASSERT_STRING_EQUAL(trace, ""); /* not from inside of the call */
    CU_ASSERT_EQUAL(kith_loop_timeout(f.loop), 0);
    kith_loop_turn(f.loop, 0);
    /* Posts of one host run together, when the first of them does. */
    CU_ASSERT_STRING_EQUAL(trace, "dbprqsca");
    pass(&f, 500);
    CU_ASSERT_STRING_EQUAL(trace, "dbprqscae");
    for (int i = 0; i < 5; i++) hosts[i]->timer_free(timers[i]);
    fixture_free_host(&f, &other);
    fixture_end(&f);
}

static struct fixture *paused_again;

static void pause_again(void *arg)
{
    note('!');
    kith_services_pause(paused_again->services, true);
}

/* What comes due when it goes on lines up behind what waits; and a pause may come amid of it. */
static void test_late_ones_come_first(void)
{
    struct fixture f;
    begin(&f, NULL);
    paused_again = &f;
    struct kith_timer *a = timer(f.host, "a", 10), *b = timer(f.host, "b", 30);
    struct kith_timer *stop = f.host->timer(f.host, pause_again, NULL), *c = timer(f.host, "c", 20);
    f.host->timer_set(stop, f.host->now(f.host) + 15);
    kith_services_pause(f.services, true);
    pass(&f, 25);
    kith_services_pause(f.services, false);
    f.host->post(f.host, note_arg,
                 (void *)"p"); /* posts come before timers, but not before those */
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_STRING_EQUAL(trace, "a!");
    pass(&f, 25);
    CU_ASSERT_STRING_EQUAL(trace, "a!");
    resume(&f);
    CU_ASSERT_STRING_EQUAL(trace, "a!cpb");
    struct kith_timer *all[] = {a, b, c, stop};
    for (int i = 0; i < 4; i++) f.host->timer_free(all[i]);
    fixture_end(&f);
}

/* A timer that is set anew or freed does not fire for the time before. */
static void test_late_timers_can_be_changed(void)
{
    struct fixture f;
    begin(&f, NULL);
    struct kith_timer *later = timer(f.host, "l", 10), *never = timer(f.host, "n", 10);
    struct kith_timer *freed = timer(f.host, "f", 10), *kept = timer(f.host, "k", 10);
    kith_services_pause(f.services, true);
    pass(&f, 20);
    f.host->timer_set(later, f.host->now(f.host) + 10);
    f.host->timer_set(never, UINT64_MAX);
    f.host->timer_free(freed);
    resume(&f);
    CU_ASSERT_STRING_EQUAL(trace, "k");
    pass(&f, 10);
    CU_ASSERT_STRING_EQUAL(trace, "kl");
    f.host->timer_free(later);
    f.host->timer_free(never);
    f.host->timer_free(kept);
    fixture_end(&f);
}

/* ------------------------------------------------------------------------------------ watches */

static void on_readable(void *arg, unsigned events)
{
    char c;
    if (read(*(int *)arg, &c, 1) == 1) note(c);
}

static void test_watches_are_off(void)
{
    struct fixture f;
    int fds[2], more[2];
    begin(&f, NULL);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, more), 0);
    struct kith_watch *before = f.host->watch(f.host, fds[0], KITH_READABLE, on_readable, &fds[0]);
    struct kith_timer *t = timer(f.host, "t", 5);
    kith_services_pause(f.services, true);
    struct kith_watch *within = f.host->watch(f.host, more[0], 0, on_readable, &more[0]);
    f.host->watch_set(within, KITH_READABLE);
    CU_ASSERT_EQUAL(write(fds[1], "w", 1), 1);
    CU_ASSERT_EQUAL(write(more[1], "v", 1), 1);
    pass(&f, 10);
    CU_ASSERT_STRING_EQUAL(trace, "");
    resume(&f);
    CU_ASSERT_STRING_EQUAL(trace, "wvt"); /* what was readable is read first, as always */
    kith_services_pause(f.services, true);
    f.host->watch_set(before, 0);
    CU_ASSERT_EQUAL(write(fds[1], "w", 1), 1);
    resume(&f);
    CU_ASSERT_STRING_EQUAL(trace, "wvt");
    f.host->watch_free(before);
    f.host->watch_free(within);
    f.host->timer_free(t);
    for (int i = 0; i < 2; i++) {
        close(fds[i]);
        close(more[i]);
    }
    fixture_end(&f);
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
    struct fixture f;
    struct kith_services_setup setup = {.resolve = resolve};
    begin(&f, &setup);
    CU_ASSERT_EQUAL(f.host->resolve(f.host, kith_text("a"), resolved, NULL), 0);
    kith_services_pause(f.services, true);
    find('x');
    CU_ASSERT_STRING_EQUAL(trace, "");
    resume(&f);
    CU_ASSERT_STRING_EQUAL(trace, "x");
    CU_ASSERT_EQUAL(f.host->resolve(f.host, kith_text("b"), resolved, NULL), 0);
    find('y');
    CU_ASSERT_STRING_EQUAL(trace, "xy");
    fixture_end(&f);
}

/* --------------------------------------------------------------------------------------- ends */

/* It stops, or all is taken down, with everything waiting. */
static void test_who_stops_while_paused_is_not_called(void)
{
    struct fixture f;
    struct kith_services_setup setup = {.resolve = resolve};
    for (int stops = 0; stops < 2; stops++) {
        begin(&f, &setup);
        struct kith_host *other = fixture_host(&f);
        struct kith_timer *mine = timer(f.host, "m", 5), *others = timer(other, "o", 5);
        CU_ASSERT_EQUAL(f.host->resolve(f.host, kith_text("a"), resolved, NULL), 0);
        kith_services_pause(f.services, true);
        f.host->post(f.host, note_arg, (void *)"p");
        find('x');
        pass(&f, 10);
        f.host->timer_free(mine);
        if (stops) {
            f.maker.release(f.maker.ctx, f.host, "stop");
            resume(&f);
            CU_ASSERT_STRING_EQUAL(trace, "o");
        }
        other->timer_free(others);
        fixture_free_host(&f, &other);
        fixture_end(&f);
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
