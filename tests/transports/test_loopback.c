/*
 * test_loopback.c - what loopback does beyond what every transport does: names, worlds, links that
 * are bad on purpose and for how long, who counts what, reload. In a virtual world, so that times
 * are exact.
 */
#include "ends.h"

#define MS     UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
/* `as`: numbers belong to an entry, by its name. */
#define L(name) "use: loopback, as: " name ", address: " name

static uint64_t now(void) { return kith_loop_now(loop); }

/* What happens at the end of that time happens, too, and what it leads to at once. */
static void run(uint64_t ns)
{
    kith_loop_run_until(loop, now() + ns);
    for (int i = 0; i < 4; i++) ends_turn(0);
}

/* Numbers are shown at the end of a node's turn. */
static uint64_t counted(struct end *e, const char *name)
{
    end_flush(e);
    return end_counter(e, name);
}

static uint64_t drops(struct end *e, const char *reason)
{
    end_flush(e);
    return end_dropped(e, reason);
}

static uint64_t all_drops(struct end *e)
{
    static const char *const reasons[] = {"loss",      "cut",    "backlog",       "nobody",
                                          "in_flight", "memory", "receive_buffer"};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) sum += drops(e, reasons[i]);
    return sum;
}

/* ---------------------------------------------------------------------------- names and worlds */

static void check_text(struct end *e, const char *text, int rc)
{
    struct kith_addr addr;
    struct kith_bytes host = {NULL, 0};
    char back[200];
    CU_ASSERT_EQUAL(e->ops->parse(e->self, kith_text(text), &addr, &host), rc);
    if (rc) return;
    CU_ASSERT_EQUAL(addr.port, 0);
    CU_ASSERT_EQUAL(e->ops->format(e->self, &addr, back, sizeof back), (int)strlen(text));
    CU_ASSERT_STRING_EQUAL(back, text);
}

static void test_addresses(void)
{
    char longest[KITH_ADDR_MAX + 2] = "";
    struct kith_addr odd = {.len = 4, .bytes = {'a', 27, 0, 'b'}};
    struct kith_limits limits = {.size = sizeof limits};
    char text[8];
    ends_begin_world(1);
    struct end *e = end_made(L("web-1") ", mtu: 1400"); /* init is enough */
    check_text(e, "n1", 0);
    check_text(e, "n1:7946", 0);
    check_text(e, "a b \xc3\xa4", 0);
    check_text(e, "", -KITH_EINVAL);
    check_text(e, "name/n1", -KITH_EINVAL); /* the node takes NAME/ off */
    check_text(e, "a,b", -KITH_EINVAL);
    check_text(e, "a*", -KITH_EINVAL); /* a rule would mean something else */
    check_text(e, "a?b", -KITH_EINVAL);
    check_text(e, "!a", -KITH_EINVAL);
    check_text(e, "--both", -KITH_EINVAL);
    check_text(e, "all", -KITH_EINVAL);
    check_text(e, "a!-all", 0);
    check_text(e, "a\nb", -KITH_EINVAL);
    memset(longest, 'x', KITH_ADDR_MAX);
    check_text(e, longest, 0);
    memset(longest, 'x', KITH_ADDR_MAX + 1);
    check_text(e, longest, -KITH_EINVAL);
    CU_ASSERT_EQUAL(e->ops->format(e->self, &odd, text, sizeof text), 4);
    CU_ASSERT_STRING_EQUAL(text, "a??b"); /* another's: nothing moves the cursor */
    CU_ASSERT_EQUAL(e->ops->format(e->self, &odd, text, 3), 4);
    CU_ASSERT_STRING_EQUAL(text, "a?");
    e->ops->limits(e->self, &limits);
    CU_ASSERT(limits.packet == 1400 && limits.provides == 0 && limits.stream_window == 0);
    end_free(e);
    CU_ASSERT_PTR_NULL(end_made("use: loopback")); /* these tests' nodes have no name */
    CU_ASSERT_PTR_NOT_NULL(strstr(err_text, "say an `address`"));
    CU_ASSERT_PTR_NULL(end_made("use: loopback, address: a/b"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err_text, "without `/ , * ?`"));
    ends_finish();
}

static void test_networks(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a")), *b = end_new(L("b") ", network: other");
    struct end *same = end_new(L("a") ", network: other");
    CU_ASSERT_FATAL(a && b && same);
    CU_ASSERT_PTR_NULL(end_new(L("a"))); /* taken */
    CU_ASSERT_PTR_NOT_NULL(strstr(err_text, "\"default\" has the address \"a\""));
    end_send(a, &b->addr, 10);
    run(SECOND);
    CU_ASSERT_EQUAL(b->packets, 0);
    CU_ASSERT_EQUAL(drops(a, "nobody"), 1);
    end_send(same, &b->addr, 10);
    run(SECOND);
    CU_ASSERT_EQUAL(b->packets, 1);
    end_free(a);
    a = end_new(L("a")); /* free again */
    CU_ASSERT_PTR_NOT_NULL(a);
    end_free(a);
    end_free(b);
    end_free(same);
    ends_finish();
}

/* ---------------------------------------------------------------------------------- the link */

static void test_times(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a") ", delay: 5ms"), *b = end_new(L("b"));
    uint64_t t = now();
    end_send(a, &b->addr, 100);
    run(5 * MS - 1);
    CU_ASSERT_EQUAL(b->packets, 0);
    run(1);
    CU_ASSERT_EQUAL(b->packets, 1);
    CU_ASSERT_EQUAL(now(), t + 5 * MS);
    end_send(b, &a->addr, 100); /* its own link: no delay */
    run(1);
    CU_ASSERT_EQUAL(a->packets, 1);

    /* There in 5 ms, back in none. */
    struct end_stream *s = end_open(a, &b->addr);
    run(5 * MS - 1);
    CU_ASSERT_FALSE(s->opened);
    run(1);
    CU_ASSERT_TRUE(s->opened);
    CU_ASSERT_EQUAL(end_write(a, s, "x", 1), 1);
    run(5 * MS - 1);
    CU_ASSERT_EQUAL(b->streams[0].got, 0);
    run(1);
    CU_ASSERT_EQUAL(b->streams[0].got, 1);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* What is sent, doubled, told and dropped adds up; over a bad link, with somebody who does not
 * read. */
static void test_numbers_add_up(void)
{
    enum { N = 20000 };
    ends_begin_world(3);
    struct end *a = end_new(L("a") ", delay: 1ms, loss: 0.1, duplicate: 0.2");
    struct end *b = end_new(L("b") ", receive_buffer: 64KiB");
    for (int i = 0; i < N; i++) {
        end_send(a, &b->addr, 1 + (size_t)i % 1400);
        if (i % 500 == 0) run(10 * MS);
    }
    run(10 * SECOND);
    uint64_t lost = drops(a, "loss"), full = drops(b, "receive_buffer");
    CU_ASSERT_EQUAL(counted(a, "packets_sent"), N);
    CU_ASSERT(lost > N * 0.09 && lost < N * 0.11);
    CU_ASSERT(counted(a, "packets_doubled") > N * 0.16);
    CU_ASSERT(full > 0 && b->packets > 0);
    CU_ASSERT_EQUAL(counted(b, "packets_received"), b->packets);
    CU_ASSERT_EQUAL(all_drops(a), lost);
    CU_ASSERT_EQUAL(all_drops(b), full);
    CU_ASSERT_EQUAL(N + counted(a, "packets_doubled"), b->packets + lost + full);
    end_free(a);
    end_free(b);
    ends_finish();
}

static void test_the_smallest_buffer_takes_the_largest_packet(void)
{
    ends_begin_world(3);
    struct end *a = end_new(L("a")), *b = end_new(L("b") ", receive_buffer: 64KiB");
    for (int i = 0; i < 10; i++) {
        end_send(a, &b->addr, 65507);
        run(SECOND);
    }
    CU_ASSERT_EQUAL(b->packets, 10);
    CU_ASSERT_EQUAL(all_drops(b), 0);
    end_free(a);
    end_free(b);
    ends_finish();
}

static void test_bandwidth(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a") ", bandwidth: 100000, backlog: 4000"), *b = end_new(L("b"));
    for (int i = 0; i < 10; i++) end_send(a, &b->addr, 1000); /* 10 ms each */
    run(39 * MS);
    CU_ASSERT_EQUAL(b->packets, 3);
    run(100 * MS);
    CU_ASSERT_EQUAL(b->packets, 4);
    CU_ASSERT_EQUAL(drops(a, "backlog"), 6);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* When each packet came, and how the ends' streams went. */
static uint64_t trace(uint64_t world, const char *seed)
{
    char settings[160];
    uint64_t sum = 0;
    ends_begin_world(world);
    snprintf(settings, sizeof settings, L("a") ", jitter: 5ms, loss: 0.2, duplicate: 0.1%s", seed);
    struct end *a = end_new(settings), *b = end_new(L("b"));
    a->to_send = 100000;
    end_open(a, &b->addr);
    for (int i = 0; i < 500; i++) {
        end_send(a, &b->addr, 100);
        run(MS);
        sum = sum * 31 + b->packets + b->streams[0].got;
    }
    end_free(a);
    end_free(b);
    ends_finish();
    return sum;
}

static void test_seeds(void)
{
    CU_ASSERT_EQUAL(trace(1, ""), trace(1, ""));
    CU_ASSERT_NOT_EQUAL(trace(1, ""), trace(2, "")); /* the world's */
    CU_ASSERT_EQUAL(trace(1, ", seed: 7"), trace(2, ", seed: 7"));
    CU_ASSERT_NOT_EQUAL(trace(1, ", seed: 7"), trace(1, ", seed: 8"));
}

/* ------------------------------------------------------------------------------ nobody is there */

static void test_nobody(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a") ", delay: 4ms"), *b = end_new(L("b") ", delay: 3ms");
    struct kith_addr never, gone = b->addr;
    struct kith_bytes host;
    a->ops->parse(a->self, kith_text("never"), &never, &host);
    end_free(b);

    /* A name that never was: silence for packets. */
    end_send(a, &never, 10);
    run(SECOND);
    CU_ASSERT_EQUAL(a->unreachable_count, 0);
    struct kith_addr none = {0};
    CU_ASSERT_EQUAL(end_send(a, &none, 10), -KITH_EINVAL);
    CU_ASSERT_PTR_NULL(end_open(a, &none));
    CU_ASSERT_EQUAL(open_status, -KITH_EINVAL);
    /* A host that lost its process says so, after a way there and back. */
    end_send(a, &gone, 10);
    run(7 * MS - 1);
    CU_ASSERT_EQUAL(a->unreachable_count, 0);
    run(1);
    CU_ASSERT_EQUAL(a->unreachable_count, 1);
    CU_ASSERT(kith_addr_equal(&a->unreachable, &gone));
    CU_ASSERT_EQUAL(drops(a, "nobody"), 2);
    struct end_stream *s = end_open(a, &gone);
    run(7 * MS - 1);
    CU_ASSERT_FALSE(s->closed);
    run(1);
    CU_ASSERT_TRUE(s->closed && s->reason == -KITH_EREFUSED);
    CU_ASSERT_EQUAL(a->unreachable_count, 2);
    s = end_open(a, &never);
    run(4 * MS);
    CU_ASSERT_TRUE(s->closed && s->reason == -KITH_EREFUSED);
    CU_ASSERT_EQUAL(counted(a, "streams_failed"), 2);
    end_free(a);
    ends_finish();
}

static void test_silence(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a") ", refuses: false"), *b = end_new(L("b") ", refuses: false");
    struct kith_addr gone = b->addr, never = {.len = 1, .bytes = {'x'}};
    end_free(b);
    struct end_stream *s = end_open(a, &gone), *t = end_open(a, &never);
    end_send(a, &gone, 10);
    tcp_timeout = 2 * SECOND; /* a reload: what is opened from now on has this */
    struct end_stream *u = end_open(a, &gone);
    run(2 * SECOND);
    CU_ASSERT_TRUE(u->closed && u->reason == -KITH_ETIMEOUT);
    CU_ASSERT_FALSE(s->closed || t->closed);
    run(8 * SECOND);
    CU_ASSERT_TRUE(s->closed && s->reason == -KITH_ETIMEOUT);
    CU_ASSERT_TRUE(t->closed && t->reason == -KITH_ETIMEOUT);
    CU_ASSERT_EQUAL(a->unreachable_count, 0);
    end_free(a);
    ends_finish();
}

/* What is under way to a node that stops: packets are counted, streams hear of it, also those that
 * had not been accepted. */
static void test_stop_with_all_under_way(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a") ", delay: 5ms"), *b = end_new(L("b") ", delay: 5ms");
    struct end_stream *open = end_open(a, &b->addr), *dialled;
    run(10 * MS);
    CU_ASSERT_TRUE(open->opened);
    for (int i = 0; i < 3; i++) end_send(a, &b->addr, 100);
    CU_ASSERT_EQUAL(end_write(a, open, "x", 1), 1);
    dialled = end_open(a, &b->addr);
    end_open(b, &a->addr);
    end_free(b);
    run(5 * MS);
    CU_ASSERT_TRUE(open->closed && open->reason == -KITH_ECLOSED);
    CU_ASSERT_TRUE(dialled->closed && dialled->reason == -KITH_EREFUSED);
    run(20 * SECOND);
    CU_ASSERT_EQUAL(a->stream_count, 3); /* it was asked, and left alone */
    CU_ASSERT_EQUAL(a->streams[2].closed, true);
    b = end_new(L("b"));
    run(SECOND);
    CU_ASSERT_EQUAL(b->upcalls, 0); /* nothing of its former life */
    end_free(a);
    end_free(b);
    ends_finish();
}

/* ------------------------------------------------------------------------------------- limits */

/* 64 MiB of memory under way to one node; what has arrived makes room. */
static void test_limit_of_what_flies(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a") ", delay: 1s"), *b = end_new(L("b") ", receive_buffer: 1GiB");
    for (int i = 0; i < 2000; i++) end_send(a, &b->addr, 65507);
    uint64_t over = drops(a, "in_flight");
    CU_ASSERT(over > 900 && over < 1100);
    for (int i = 0; i < 10; i++) run(SECOND);
    CU_ASSERT_EQUAL(b->packets, 2000 - over);
    end_send(a, &b->addr, 65507);
    run(SECOND);
    CU_ASSERT_EQUAL(b->packets, 2001 - over);
    CU_ASSERT_EQUAL(drops(a, "in_flight"), over);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* As many names as a network has numbers: who has gone makes room for who is called now. */
static void test_limit_of_names(void)
{
    struct kith_addr to = {.len = 5};
    struct kith_peer peer = {.size = sizeof peer, .addr = &to};
    uint64_t id;
    ends_begin_world(1);
    struct end *a = end_new(L("a") ", delay: 1h");
    end_free(end_new(L("gone")));
    int opened = 0;
    for (int i = 0; i < 65534; i++) {
        for (int k = 0; k < 5; k++) to.bytes[k] = (uint8_t)('0' + (i >> 4 * k) % 16);
        opened += a->ops->stream_open(a->self, &peer, &id) == 0;
    }
    CU_ASSERT_EQUAL(opened, 65534);
    to.bytes[0] = 'x';
    CU_ASSERT_EQUAL(a->ops->stream_open(a->self, &peer, &id), 0); /* in the place of "gone" */
    to.bytes[0] = 'y';
    CU_ASSERT_EQUAL(a->ops->stream_open(a->self, &peer, &id), -KITH_ENOMEM);
    CU_ASSERT_EQUAL(counted(a, "streams_failed"), 1);
    end_free(a);
    ends_finish();
}

/* -------------------------------------------------------------------------------------- turns */

static void test_packets_of_a_turn(void)
{
    enum { N = 10000 };
    ends_begin_world(1);
    struct end *a = end_new(L("a")), *b = end_new(L("b") ", receive_buffer: 64MiB");
    for (int i = 0; i < N; i++) end_send(a, &b->addr, 100);
    size_t had = 0, most = 0;
    while (b->packets < N) {
        ends_turn(0);
        if (b->packets - had > most) most = b->packets - had;
        had = b->packets;
    }
    CU_ASSERT_EQUAL(most, 2048);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* 512 KiB of streams a turn at most, 64 KiB of one, and nobody has more than a share while another
 * waits for his. */
static void test_bytes_of_a_turn(void)
{
    enum { STREAMS = 40, SHARE = 65536, SIZE = 200000 };
    ends_begin_world(1);
    struct end *a = end_new(L("a")), *b = end_new(L("b"));
    for (int i = 0; i < STREAMS; i++) end_open(a, &b->addr);
    UNTIL(b->stream_count == STREAMS);
    a->to_send = SIZE;
    for (int i = 0; i < STREAMS; i++) {
        end_read(b, &b->streams[i], false);
        end_go_on(a, &a->streams[i]);
    }
    run(SECOND);
    for (int i = 0; i < STREAMS; i++) CU_ASSERT_EQUAL(b->streams[i].got, 0);
    for (int i = 0; i < STREAMS; i++) end_read(b, &b->streams[i], true);
    size_t had = 0, all = 0;
    for (; all < (size_t)STREAMS * SIZE; had = all) {
        size_t least = SIZE_MAX, most = 0;
        ends_turn(0);
        all = 0;
        for (int i = 0; i < STREAMS; i++) {
            size_t got = b->streams[i].got;
            all += got;
            if (got < least) least = got;
            if (got > most) most = got;
        }
        CU_ASSERT(all - had <= 512 << 10);
        CU_ASSERT(all > had); /* and each turn brings something */
        CU_ASSERT(most - least <= 2 * SHARE);
        if (all == had) break;
    }
    for (int i = 0; i < STREAMS; i++) CU_ASSERT_EQUAL(b->streams[i].sum, pattern_sum(SIZE));
    end_free(a);
    end_free(b);
    ends_finish();
}

/* Who does not read holds up who writes; a stream that is gone is heard of all the same. */
static void test_paused_streams(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a")), *b = end_new(L("b"));
    struct end_stream *s = end_open(a, &b->addr), *t = end_open(a, &b->addr);
    UNTIL(b->stream_count == 2 && s->opened && t->opened);
    for (int i = 0; i < 2; i++) end_read(b, &b->streams[i], false);
    end_reset(a, t);
    a->to_send = 1 << 20;
    end_go_on(a, s);
    run(SECOND);
    CU_ASSERT_EQUAL(s->sent, 256 << 10);
    CU_ASSERT_TRUE(b->streams[1].closed && b->streams[1].reason == -KITH_ECLOSED);
    end_reset(a, s); /* its words are still there, and come before the end */
    run(SECOND);
    CU_ASSERT_FALSE(b->streams[0].closed);
    end_read(b, &b->streams[0], true);
    run(SECOND);
    CU_ASSERT_EQUAL(b->streams[0].got, 256 << 10);
    CU_ASSERT_TRUE(b->streams[0].closed && b->streams[0].reason == -KITH_ECLOSED);
    CU_ASSERT_EQUAL(counted(b, "streams_broken"), 2);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* ------------------------------------------------------------------------------------- reload */

static void test_reload_takes_all_along(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a") ", delay: 5ms"), *b = end_new(L("b") ", delay: 5ms");
    struct end_stream *s = end_open(a, &b->addr);
    run(10 * MS);
    uint64_t seen = counted(b, "streams_accepted");
    end_send(a, &b->addr, 100);
    end_send(b, &a->addr, 100);
    CU_ASSERT_EQUAL(end_write(a, s, "x", 1), 1);
    struct end *next = end_adopting(L("b") ", delay: 1ms, mtu: 500", b);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    CU_ASSERT_EQUAL(next->upcalls, 0);
    end_free(b);
    run(4 * MS);
    CU_ASSERT_EQUAL(a->packets, 0); /* sent before: as it was then */
    run(MS);
    CU_ASSERT(a->packets == 1 && next->packets == 1 && next->streams[0].got == 1);
    end_send(next, &a->addr, 100);
    CU_ASSERT_EQUAL(end_send(next, &a->addr, 501), -KITH_ETOOBIG);
    run(MS);
    CU_ASSERT_EQUAL(a->packets, 2);
    CU_ASSERT_EQUAL(counted(next, "streams_accepted"), seen);
    CU_ASSERT_EQUAL(counted(next, "packets_received"), 1);
    CU_ASSERT_EQUAL(counted(next, "packets_sent"), 2);

    CU_ASSERT_PTR_NULL(end_adopting("use: loopback, as: b, address: c", next));
    CU_ASSERT_PTR_NOT_NULL(strstr(err_text, "restart only"));
    CU_ASSERT_TRUE(kith_instance_runs(next->in));
    CU_ASSERT_PTR_NULL(end_adopting(L("b") ", network: x", next));
    end_send(a, &next->addr, 7);
    run(5 * MS);
    CU_ASSERT_EQUAL(next->packets, 2);
    end_free(a);
    end_free(next);
    ends_finish();
}

/* Its own sequence goes on over a reload that does not touch the seed. */
static uint64_t lost_of(bool reload, const char *changed)
{
    uint64_t sum = 0;
    ends_begin_world(1);
    struct end *a = end_new(L("a") ", loss: 0.5, seed: 1"), *b = end_new(L("b")), *next;
    for (int i = 0; i < 100; i++) {
        if (reload && i == 50) {
            next = end_adopting(changed, a);
            CU_ASSERT_PTR_NOT_NULL_FATAL(next);
            end_free(a);
            a = next;
        }
        end_send(a, &b->addr, 10);
        run(1);
        sum = sum * 31 + b->packets;
    }
    end_free(a);
    end_free(b);
    ends_finish();
    return sum;
}

static void test_seed_over_a_reload(void)
{
    uint64_t plain = lost_of(false, NULL);
    CU_ASSERT_EQUAL(lost_of(true, L("a") ", loss: 0.5, seed: 1, mtu: 1400"), plain);
    CU_ASSERT_NOT_EQUAL(lost_of(true, L("a") ", loss: 0.5, seed: 2"), plain);
}

static int timers_left;
static struct kith_timer *(*true_timer)(const struct kith_host *, void (*)(void *), void *);

static struct kith_timer *few_timers(const struct kith_host *h, void (*fn)(void *), void *arg)
{
    return timers_left-- > 0 ? true_timer(h, fn, arg) : NULL;
}

static struct end *made_with_timers(const char *settings, int timers)
{
    struct end *e = end_made(settings);
    true_timer = e->in->host->timer;
    e->in->host->timer = few_timers;
    timers_left = timers;
    return e;
}

static void test_no_timers(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a")), *b = end_new(L("b"));
    struct end_stream *s = end_open(a, &b->addr);
    for (int timers = 0; timers < 2; timers++) {
        struct end *e = made_with_timers(L("c"), timers);
        CU_ASSERT_FALSE(end_start(e, NULL));
        end_free(e);
        e = made_with_timers(L("b"), timers);
        CU_ASSERT_FALSE(end_start(e, b));
        CU_ASSERT_TRUE(kith_instance_runs(b->in));
        end_free(e);
    }
    UNTIL(s->opened);
    end_free(a);
    end_free(b);
    ends_finish();
}

KITH_TESTS("transports/loopback", {"addresses", test_addresses},
           {"networks are apart, names are taken once", test_networks},
           {"times are exact", test_times}, {"numbers add up", test_numbers_add_up},
           {"the smallest buffer takes the largest packet",
            test_the_smallest_buffer_takes_the_largest_packet},
           {"bandwidth and backlog", test_bandwidth}, {"the same seed, the same run", test_seeds},
           {"a host that refuses", test_nobody}, {"a host that is silent", test_silence},
           {"stop with all under way", test_stop_with_all_under_way},
           {"what is under way has a limit", test_limit_of_what_flies},
           {"names have a limit", test_limit_of_names},
           {"packets of one turn", test_packets_of_a_turn},
           {"stream bytes of one turn", test_bytes_of_a_turn},
           {"paused streams", test_paused_streams},
           {"reload takes all along", test_reload_takes_all_along},
           {"chance goes on over a reload", test_seed_over_a_reload},
           {"without timers nothing is left behind", test_no_timers})
