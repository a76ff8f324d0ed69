/*
 * test_every_transport.c - what the header says of every transport, asked of each of ours: udp_tcp
 * over IPv4 and IPv6, and loopback on a real loop and in a virtual world, there also over a bad
 * link.
 */
#include "ends.h"
#include "raw.h"

/* Settings of two ends that can reach each other, and of one that takes the second one's place. */
struct kind {
    bool world; /* virtual */
    bool bad;   /* loses packets */
    const char *a, *b, *changed;
};

#define LOOPBACK(name) "use: loopback, address: " name
#define DELAYS         ", delay: 3ms, jitter: 2ms, reorder: 0.1, reorder_late: 9ms"
#define BAD            DELAYS ", loss: 0.1, duplicate: 0.1, bandwidth: 4MiB, backlog: 1MiB"

static const struct kind kind_udp4 = {.a = "bind: '127.0.0.1:0'",
                                      .b = "bind: '127.0.0.1:0'",
                                      .changed = "bind: '127.0.0.1:0', max_connections: 9"};
static const struct kind kind_udp6 = {.a = "bind: '[::1]:0'",
                                      .b = "bind: '[::1]:0'",
                                      .changed = "bind: '[::1]:0', max_connections: 9"};
static const struct kind kind_real = {
    .a = LOOPBACK("a"), .b = LOOPBACK("b"), .changed = LOOPBACK("b") ", mtu: 1400"};
static const struct kind kind_world = {
    .world = true, .a = LOOPBACK("a") DELAYS, .b = LOOPBACK("b") DELAYS, .changed = LOOPBACK("b")};
static const struct kind kind_bad = {.world = true,
                                     .bad = true,
                                     .a = LOOPBACK("a") BAD,
                                     .b = LOOPBACK("b") BAD,
                                     .changed = LOOPBACK("b")};

static void begin(const struct kind *kind)
{
    if (kind->world)
        ends_begin_world(1);
    else
        ends_begin(true);
}

/* ----------------------------------------------------------------------------------- packets */

static void test_packets(const struct kind *kind)
{
    static const size_t sizes[] = {1,    2,    100,   1400,  1472,  1473,
                                   8192, 9000, 32768, 65000, 65506, 65507};
    begin(kind);
    struct end *a = end_new(kind->a), *b = end_new(kind->b);
    CU_ASSERT_FATAL(a && b);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CU_ASSERT_EQUAL(end_send(a, &b->addr, sizes[i]), 0);
        end_flush(a);
        CU_ASSERT_EQUAL(b->packets, i); /* not from inside a call */
        UNTIL(b->packets == i + 1);
        CU_ASSERT_EQUAL(b->packet_len, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            if (b->packet[k] != pattern(k)) CU_FAIL_FATAL("bytes differ");
        CU_ASSERT(kith_addr_equal(&b->packet_from, &a->addr));
    }
    CU_ASSERT_EQUAL(end_send(a, &b->addr, 65508), -KITH_ETOOBIG);
    CU_ASSERT_EQUAL(end_counter(b, "packets_received"), sizeof sizes / sizeof *sizes);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* More than any batch, in one turn each way. */
static void test_packet_bursts(const struct kind *kind)
{
    begin(kind);
    struct end *a = end_new(kind->a), *b = end_new(kind->b);
    CU_ASSERT_FATAL(a && b);
    size_t sent = 0;
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 300; i++) sent += end_send(a, &b->addr, 1 + (size_t)(i * 7 % 150)) == 0;
        end_flush(a);
        UNTIL(b->packets == sent); /* small ones: they fit any system's buffer */
    }
    CU_ASSERT_EQUAL(sent, 3000);
    CU_ASSERT_EQUAL(end_counter(a, "packets_sent"), 3000);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* ----------------------------------------------------------------------------------- streams */

static void test_ten_mebibytes(const struct kind *kind)
{
    enum { SIZE = 10 << 20 };
    begin(kind);
    struct end *a = end_new(kind->a), *b = end_new(kind->b);
    CU_ASSERT_FATAL(a && b);
    a->to_send = b->to_send = SIZE; /* both ways at once */
    struct end_stream *s = end_open(a, &b->addr), *t = &b->streams[0];
    UNTIL(s->closed && t->closed);
    CU_ASSERT_EQUAL(s->reason, 0);
    CU_ASSERT_EQUAL(t->reason, 0);
    CU_ASSERT_TRUE(s->ended && t->ended && s->opened && t->accepted);
    CU_ASSERT_EQUAL(s->got, SIZE);
    CU_ASSERT_EQUAL(t->got, SIZE);
    CU_ASSERT_EQUAL(s->sum, pattern_sum(SIZE));
    CU_ASSERT_EQUAL(t->sum, pattern_sum(SIZE));
    CU_ASSERT_TRUE(s->writable); /* somebody had to wait */
    end_free(a);
    end_free(b);
    ends_finish();
}

static void test_half_close(const struct kind *kind)
{
    begin(kind);
    struct end *a = end_new(kind->a), *b = end_new(kind->b);
    CU_ASSERT_FATAL(a && b);
    struct end_stream *s = end_open(a, &b->addr), *t = &b->streams[0];
    UNTIL(s->opened);
    CU_ASSERT_EQUAL(end_write(a, s, "question", 8), 8);
    end_finish(a, s);
    CU_ASSERT_EQUAL(end_write(a, s, "x", 1), -KITH_ECLOSED);
    UNTIL(t->ended);
    CU_ASSERT_EQUAL(t->got, 8);
    CU_ASSERT_EQUAL(memcmp(t->head, "question", 8), 0);
    CU_ASSERT_FALSE(t->closed);
    CU_ASSERT_EQUAL(end_write(b, t, "answer", 6), 6); /* the other way is still open */
    end_finish(b, t);
    CU_ASSERT_FALSE(t->closed); /* said in a turn of its own */
    UNTIL(s->closed && t->closed);
    CU_ASSERT_EQUAL(s->got, 6);
    CU_ASSERT_EQUAL(s->reason, 0);
    CU_ASSERT_EQUAL(t->reason, 0);
    CU_ASSERT_EQUAL(end_write(b, t, "x", 1), -KITH_ECLOSED);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* Both sides finish, whoever dialled and whoever is first: each hears end, and then closed with 0.
 */
static void finish_both(const struct kind *kind, bool dialler_first)
{
    begin(kind);
    struct end *a = end_new(kind->a), *b = end_new(kind->b);
    struct end_stream *s = end_open(a, &b->addr), *t = &b->streams[0];
    UNTIL(s->opened && b->stream_count == 1);
    CU_ASSERT(kith_addr_equal(&s->from, &b->addr)); /* to whom */
    struct end *first = dialler_first ? a : b, *second = dialler_first ? b : a;
    struct end_stream *of_first = dialler_first ? s : t, *of_second = dialler_first ? t : s;
    CU_ASSERT_EQUAL(end_write(first, of_first, "bye", 3), 3);
    end_finish(first, of_first);
    UNTIL(of_second->ended);
    CU_ASSERT_EQUAL(of_second->got, 3);
    CU_ASSERT_FALSE(of_first->closed || of_second->closed);
    CU_ASSERT_EQUAL(end_write(second, of_second, "and you", 7), 7);
    end_finish(second, of_second);
    CU_ASSERT_FALSE(of_second->closed); /* said later, not in the call */
    UNTIL(s->closed && t->closed);
    CU_ASSERT_EQUAL(of_first->got, 7);
    CU_ASSERT(s->reason == 0 && t->reason == 0);
    end_free(a);
    end_free(b);
    ends_finish();
}

static void test_finish_both(const struct kind *kind)
{
    finish_both(kind, true);
    finish_both(kind, false);
}

static void test_pause(const struct kind *kind)
{
    enum { SIZE = 8 << 20 };
    begin(kind);
    struct end *a = end_new(kind->a), *b = end_new(kind->b);
    CU_ASSERT_FATAL(a && b);
    struct end_stream *s = end_open(a, &b->addr), *t = &b->streams[0];
    UNTIL(s->opened && b->stream_count == 1);
    end_read(b, t, false);
    a->to_send = SIZE;
    end_go_on(a, s);
    size_t stuck;
    do {
        stuck = s->sent;
        for (int i = 0; i < 20; i++) ends_turn(1000000);
    } while (s->sent != stuck);
    CU_ASSERT(stuck < SIZE); /* the sender is held back */
    CU_ASSERT_EQUAL(t->got, 0);
    end_read(b, t, true);
    UNTIL(t->ended);
    CU_ASSERT_EQUAL(t->got, SIZE);
    CU_ASSERT_EQUAL(t->sum, pattern_sum(SIZE));
    end_free(a);
    end_free(b);
    ends_finish();
}

static void test_reset(const struct kind *kind)
{
    begin(kind);
    struct end *a = end_new(kind->a), *b = end_new(kind->b);
    CU_ASSERT_FATAL(a && b);
    struct end_stream *s = end_open(a, &b->addr), *t = &b->streams[0];
    UNTIL(s->opened && b->stream_count == 1);
    size_t upcalls = a->upcalls;
    end_reset(a, s);
    UNTIL(t->closed);
    CU_ASSERT_EQUAL(t->reason, -KITH_ECLOSED);
    CU_ASSERT_EQUAL(a->upcalls, upcalls); /* no closed for the one who asked */
    CU_ASSERT_EQUAL(end_write(a, s, "x", 1), -KITH_ECLOSED);
    end_reset(a, s); /* dead ids are harmless */
    end_finish(a, s);
    a->ops->stream_read(a->self, 12345, false);

    /* Reset while its end was still to be said: it is not said. */
    struct end_stream *u = end_open(a, &b->addr);
    UNTIL(u->opened && b->stream_count == 2);
    end_finish(b, &b->streams[1]);
    UNTIL(u->ended);
    end_finish(a, u);
    upcalls = a->upcalls;
    end_reset(a, u);
    UNTIL(b->streams[1].closed);
    CU_ASSERT_EQUAL(a->upcalls, upcalls);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* The node does not want it: the other one hears that there is no stream, or that it broke. */
static void test_refused_by_node(const struct kind *kind)
{
    begin(kind);
    struct end *a = end_new(kind->a), *b = end_new(kind->b);
    b->refuse = true;
    struct end_stream *s = end_open(a, &b->addr);
    UNTIL(s->closed);
    CU_ASSERT(s->reason == -KITH_ECLOSED || s->reason == -KITH_EREFUSED);
    CU_ASSERT_EQUAL(b->stream_count, 0);
    b->refuse = false;
    s = end_open(a, &b->addr);
    UNTIL(s->opened && b->stream_count == 1);
    end_free(a);
    end_free(b);
    ends_finish();
}

static void test_thousand_connects(const struct kind *kind)
{
    enum { ROUNDS = 20, EACH = 50 };
    begin(kind);
    struct end *a = end_new(kind->a), *b = end_new(kind->b);
    int before = open_fds();
    a->to_send = 100;
    for (int r = 0; r < ROUNDS; r++) {
        size_t from = a->stream_count, closed = 0;
        for (int i = 0; i < EACH; i++) end_open(a, &b->addr);
        UNTIL(b->stream_count == (size_t)(r + 1) * EACH);
        for (size_t i = from; i < b->stream_count; i++) {
            UNTIL(b->streams[i].ended);
            CU_ASSERT_EQUAL(b->streams[i].got, 100);
            end_finish(b, &b->streams[i]);
        }
        for (size_t i = from; i < a->stream_count; i++) {
            UNTIL(a->streams[i].closed && b->streams[i].closed);
            closed += a->streams[i].reason == 0;
        }
        CU_ASSERT_EQUAL(closed, EACH);
    }
    CU_ASSERT_EQUAL(open_fds(), before);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* -------------------------------------------------------------------------------------- life */

/* As when another transport was to take its place and could not start. */
static void test_stop_and_start(const struct kind *kind)
{
    begin(kind);
    int before = open_fds();
    struct end *a = end_new(kind->a), *b = end_new(kind->b);
    struct kith_addr was = b->addr;
    struct end_stream *s = end_open(a, &b->addr);
    UNTIL(s->opened && b->stream_count == 1);
    struct kith_error err = {.size = sizeof err};
    for (int i = 0; i < 2; i++) {
        size_t upcalls = b->upcalls;
        b->in_call = true;
        b->in->plugin->stop(b->self);
        CU_ASSERT_EQUAL(b->in->plugin->start(b->self, &err), 0);
        CU_ASSERT_EQUAL(b->ops->advertise(b->self, &b->addr, &err), 0);
        b->in_call = false;
        CU_ASSERT_EQUAL(b->upcalls, upcalls);
    }
    CU_ASSERT(kith_addr_equal(&was, &b->addr)); /* others know it by this port */
    UNTIL(s->closed);
    end_send(a, &b->addr, 9);
    end_flush(a);
    s = end_open(a, &b->addr);
    struct end_stream *t = end_open(b, &a->addr); /* ends see to it that no id comes back */
    UNTIL(b->packets == 1 && s->opened && t->opened && b->stream_count == 3);
    end_free(a);
    end_free(b);
    CU_ASSERT_EQUAL(open_fds(), before);
    ends_finish();
}

/* Streams in every state go over, with their ids and states. */
static void test_adopt_streams(const struct kind *kind)
{
    enum { SIZE = 4 << 20 };
    begin(kind);
    struct end *a = end_new(kind->a), *old = end_new(kind->b);
    struct end_stream *s[5];
    for (int i = 0; i < 4; i++) {
        s[i] = end_open(a, &old->addr);
        UNTIL(s[i]->opened && old->stream_count == (size_t)i + 1);
    }
    end_read(old, &old->streams[0], false); /* 0: paused */
    CU_ASSERT_EQUAL(end_write(a, s[0], "wait", 4), 4);
    end_finish(old, &old->streams[1]); /* 1: finished by us */
    UNTIL(s[1]->ended);
    old->to_send = SIZE; /* 2: a write took less */
    end_read(a, s[2], false);
    end_go_on(old, &old->streams[2]);
    CU_ASSERT_TRUE_FATAL(old->streams[2].waits);
    end_finish(a, s[3]); /* 3: over, but it is still to be said */
    UNTIL(old->streams[3].ended);
    end_finish(old, &old->streams[3]);
    CU_ASSERT_FALSE(old->streams[3].closed);
    s[4] = end_open(old, &a->addr); /* 4: connecting */
    size_t dialled = old->stream_count - 1;
    size_t upcalls = old->upcalls;

    struct end *next = end_adopting(kind->changed, old);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    CU_ASSERT_EQUAL(next->upcalls, 0); /* nothing from inside adopt */
    CU_ASSERT_EQUAL(old->upcalls, upcalls);
    size_t sent = old->streams[2].sent;
    end_free(old);
    CU_ASSERT(kith_addr_equal(&next->addr, &s[1]->from));
    next->to_send = SIZE;
    next->streams[2].sent = sent;
    UNTIL(next->streams[3].closed && next->streams[dialled].opened);
    CU_ASSERT_EQUAL(next->streams[3].reason, 0);
    CU_ASSERT_EQUAL(next->streams[0].got, 0); /* still paused */
    end_read(next, &next->streams[0], true);
    end_read(a, s[2], true);
    UNTIL(next->streams[0].got == 4 && s[2]->ended);
    CU_ASSERT_EQUAL(s[2]->got, SIZE);
    CU_ASSERT_EQUAL(s[2]->sum, pattern_sum(SIZE));
    CU_ASSERT_EQUAL(end_write(next, &next->streams[1], "x", 1), -KITH_ECLOSED);
    end_finish(a, s[1]);
    UNTIL(next->streams[1].closed && s[1]->closed);
    CU_ASSERT_EQUAL(next->streams[1].reason, 0);
    struct end_stream *more = end_open(next, &a->addr); /* with an id that never was */
    UNTIL(more->opened);
    CU_ASSERT_EQUAL(next->changed, 0); /* the address is as before */
    end_free(a);
    end_free(next);
    ends_finish();
}

/* Each for each. Where the test needs packets to arrive, not over the bad link. */
#define ON(fn, kind) \
    static void fn##_##kind(void) { fn(&kind_##kind); }
#define SOUND(fn) ON(fn, udp4) ON(fn, udp6) ON(fn, real) ON(fn, world)
#define ALL(fn)   SOUND(fn) ON(fn, bad)
#define SOUND_TESTS(words, fn) \
    {words ": udp_tcp", fn##_udp4}, {words ": udp_tcp, IPv6", fn##_udp6}, \
        {words ": loopback", fn##_real}, \
    { \
        words ": loopback in a virtual world", fn##_world \
    }
#define ALL_TESTS(words, fn) \
    SOUND_TESTS(words, fn), { words ": loopback over a bad link", fn##_bad }

SOUND(test_packets)
SOUND(test_packet_bursts)
ALL(test_ten_mebibytes)
ALL(test_half_close)
ALL(test_finish_both)
ALL(test_pause)
ALL(test_reset)
ALL(test_refused_by_node)
ALL(test_thousand_connects)
SOUND(test_stop_and_start)
ALL(test_adopt_streams)

KITH_TESTS("transports/every", SOUND_TESTS("packets of all sizes", test_packets),
           SOUND_TESTS("packets in bursts", test_packet_bursts),
           ALL_TESTS("ten mebibytes both ways", test_ten_mebibytes),
           ALL_TESTS("half-close", test_half_close),
           ALL_TESTS("both finish, both orders", test_finish_both), ALL_TESTS("pause", test_pause),
           ALL_TESTS("reset", test_reset), ALL_TESTS("not wanted", test_refused_by_node),
           ALL_TESTS("a thousand connects", test_thousand_connects),
           SOUND_TESTS("stop, then start again", test_stop_and_start),
           ALL_TESTS("adopt: streams in every state", test_adopt_streams))
