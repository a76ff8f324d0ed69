/*
 * test_requests.c - commands, and that each of them ends exactly once (PROTOCOL.md 2.14, 2.15;
 * core.h).
 */
#include "core_rig.h"

/* And leaves by gossip alone: test_farewell.c has the rest. */
static void no_probes(struct rig *r)
{
    rig_init(r);
    r->config.settings.probe_interval = r->config.settings.push_pull_interval = 0;
    r->config.settings.leave_direct = 0;
    rig_start(r);
    r->events[0] = 0;
}

/* The stream that was dialled last. */
static uint32_t dialled(struct rig *r)
{
    rig_poll(r);
    const struct rig_out *d = rig_out(r, KITH_OUT_DIAL, rig_outs(r, KITH_OUT_DIAL) - 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    return d->stream;
}

#define ENDED(r, q, want) \
    do { \
        rig_poll(&(r)); \
        CU_ASSERT((q) > 0); \
        CU_ASSERT_EQUAL(rig_dones(&(r), q), 1); \
        CU_ASSERT(rig_done(&(r), q) && rig_done(&(r), q)->status == (want)); \
    } while (0)
#define GOES_ON(r, q) \
    do { \
        rig_poll(&(r)); \
        CU_ASSERT_EQUAL(rig_dones(&(r), q), 0); \
    } while (0)

/* -------------------------------------------------------------------------------------- join */

static int64_t join(struct rig *r, unsigned n, const char *name)
{
    struct kith_addr a = rig_addr(n);
    int64_t q = kith_core_join(r->core, r->now, WHOM(name, &a));
    CU_ASSERT(q > 0);
    rig_poll(r);
    return q;
}

static void answer(struct rig *r, uint32_t stream, const struct rig_entry *e, size_t n,
                   const char *state)
{
    struct rig_bytes b;
    rig_push_pull(&b, true, e, n, state);
    rig_data(r, stream, b.buf.data, b.buf.len);
}

static void test_join(void)
{
    struct rig r;
    no_probes(&r);
    int64_t q = join(&r, 9, "m9");
    const struct rig_out *d = rig_out(&r, KITH_OUT_DIAL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    CU_ASSERT_STRING_EQUAL(d->name, "m9");
    CU_ASSERT_EQUAL(d->to.bytes[3], 9);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
    uint32_t s = rig_is_there(&r, d->stream);
    kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
    rig_poll(&r);
    const struct rig_out *w = rig_out(&r, KITH_OUT_WRITE, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    struct rig_state_list l;
    rig_read_push_pull(&l, w->data, w->len);
    CU_ASSERT(l.whole && l.header.join && l.header.nodes == 1);
    CU_ASSERT(rig_is(l.nodes[0].node, "self"));
    GOES_ON(r, q);
    struct rig_entry e[] = {{"m9", KITH_ALIVE, 1, 9}, {"m8", KITH_ALIVE, 1, 8}};
    answer(&r, s, e, 2, "st");
    ENDED(r, q, 0);
    TOLD(r, "local_state join;merge m9 alive;merge m8 alive;join m9;join m8;remote_state st join;");
    CU_ASSERT(rig_gone(&r, s));
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_RESET), 0);
    rig_fini(&r);
}

static void test_ways_for_a_join_to_fail(void)
{
    struct rig r;
    no_probes(&r);
    struct rig_entry e = {"m9", KITH_ALIVE, 1, 9};
    /* refused */
    int64_t q = join(&r, 9, "");
    uint32_t s = dialled(&r);
    kith_core_stream_closed(r.core, r.now, s, -KITH_EREFUSED);
    ENDED(r, q, -KITH_EREFUSED);
    /* closed without an answer, reset, ended in the middle */
    for (int i = 0; i < 3; i++) {
        q = join(&r, 9, "");
        s = dialled(&r);
        kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
        rig_poll(&r);
        if (i == 2) rig_data(&r, s, "\6\x83", 2);
        if (i == 1)
            kith_core_stream_closed(r.core, r.now, s, -KITH_ECLOSED);
        else
            kith_core_stream_end(r.core, r.now, s);
        rig_poll(&r);
        CU_ASSERT_EQUAL(rig_dones(&r, q), 1);
        CU_ASSERT(rig_done(&r, q) && rig_done(&r, q)->status < 0);
    }
    /* an err message of the other side */
    q = join(&r, 9, "");
    s = dialled(&r);
    kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
    struct rig_bytes b;
    rig_bytes_init(&b);
    kith_wire_write_message(&b.buf,
                            &(struct kith_msg){.type = KITH_MSG_ERR, .error = rig_str("no")});
    rig_data(&r, s, b.buf.data, b.buf.len);
    CU_ASSERT_EQUAL(rig_dones(&r, q), 1);
    CU_ASSERT(rig_done(&r, q) && rig_done(&r, q)->status < 0);
    /* an answer of another kind */
    q = join(&r, 9, "");
    s = dialled(&r);
    kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
    rig_ack(&r, 9, 1);
    rig_data(&r, s, "\2\x80", 2);
    CU_ASSERT_EQUAL(rig_dones(&r, q), 1);
    CU_ASSERT(rig_done(&r, q) && rig_done(&r, q)->status < 0);
    /* upstream: Join_Cancel */
    r.veto_merge = true;
    q = join(&r, 9, "");
    s = dialled(&r);
    kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
    rig_poll(&r);
    answer(&r, s, &e, 1, NULL);
    ENDED(r, q, -KITH_EACCES);
    CU_ASSERT_EQUAL(kith_core_size(r.core), 1);
    r.veto_merge = false;
    /* versions that don't go together */
    e.vsn = "\3\5\3\0\0\0", e.vsn_len = 6;
    q = join(&r, 9, "");
    s = dialled(&r);
    kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
    rig_poll(&r);
    answer(&r, s, &e, 1, NULL);
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_dones(&r, q), 1);
    CU_ASSERT(rig_done(&r, q) && rig_done(&r, q)->status < 0);
    CU_ASSERT_EQUAL(kith_core_size(r.core), 1);
    rig_fini(&r);
}

/* Upstream: Join_Cancel_Passive. */
static void test_an_alive_veto_does_not_fail_a_join(void)
{
    struct rig r;
    rig_init(&r);
    r.veto_alive = "m9";
    rig_start(&r);
    int64_t q = join(&r, 9, "");
    uint32_t s = dialled(&r);
    kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
    rig_poll(&r);
    struct rig_entry e = {"m9", KITH_ALIVE, 1, 9};
    answer(&r, s, &e, 1, NULL);
    ENDED(r, q, 0);
    CU_ASSERT_EQUAL(rig_state(&r, "m9"), -1);
    rig_fini(&r);
}

/* Upstream: Join_DeadNode. */
static void test_a_join_times_out(void)
{
    struct rig r;
    no_probes(&r);
    int64_t never = join(&r, 9, ""), silent = join(&r, 8, "");
    uint32_t s = dialled(&r);
    rig_run(&r, RIG_EPOCH + 4 * SEC);
    kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
    rig_run(&r, RIG_EPOCH + 10 * SEC + 1);
    ENDED(r, never, -KITH_ETIMEOUT);
    GOES_ON(r, silent); /* its time began anew with the connection */
    rig_run(&r, RIG_EPOCH + 14 * SEC + 1);
    ENDED(r, silent, -KITH_ETIMEOUT);
    CU_ASSERT(rig_gone(&r, s));
    int64_t drip =
        join(&r, 7, ""); /* an answer that comes a byte at a time has no more than two waits */
    s = dialled(&r);
    kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
    uint64_t t0 = r.now;
    rig_data(&r, s, "\6", 1);
    for (int i = 0; i < 30 && !rig_done(&r, drip); i++) {
        rig_data(&r, s, i ? "\xc0" : "\xdc\x7f\xff", i ? 1 : 3);
        rig_run(&r, r.now + SEC);
    }
    ENDED(r, drip, -KITH_ETIMEOUT);
    CU_ASSERT(r.now <= t0 + 21 * SEC);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------------- leave */

static void test_leave(void)
{
    struct rig r;
    no_probes(&r);
    rig_populate(&r, 2, 5);
    rig_run(&r, r.now + 10 * SEC);
    rig_clear(&r);
    r.events[0] = 0;
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_ALIVE);
    int64_t q = kith_core_leave(r.core, r.now, 0);
    GOES_ON(r, q);
    TOLD(r, "leave self left;");
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_LEFT);
    rig_run(&r, r.now + SEC);
    ENDED(r, q, 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_DEAD, "self"), 4);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_DEAD, "self", 0);
    CU_ASSERT(rig_is(s->msg.from, "self")); /* PROTOCOL.md T10 */
    CU_ASSERT_EQUAL(s->msg.incarnation, 1);
    /* It goes on answering, but is not brought back, and defends itself no more. */
    CU_ASSERT(rig_answers(&r, 250));
    struct kith_msg m = rig_alive_msg("self", 99, &r.config.advertise, NULL);
    rig_feed(&r, 2, &m);
    rig_suspect(&r, "self", 100, "x");
    rig_dead(&r, "self", 101, "x");
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_LEFT);
    rig_flush(&r);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "self"), 0);
    q = kith_core_leave(r.core, r.now, 0); /* again: nothing */
    ENDED(r, q, 0);
    TOLD(r, "");
    rig_fini(&r);
}

static void test_two_ask_to_leave(void)
{
    struct rig r;
    no_probes(&r);
    rig_populate(&r, 2, 5);
    int64_t a = kith_core_leave(r.core, r.now, 0), b = kith_core_leave(r.core, r.now, 0);
    int64_t c = kith_core_leave(r.core, r.now, 10 * MS);
    GOES_ON(r, a);
    GOES_ON(r, b);
    rig_run(&r, r.now + 20 * MS);
    ENDED(r, c, -KITH_ETIMEOUT);
    rig_run(&r, r.now + 5 * SEC);
    ENDED(r, a, 0);
    ENDED(r, b, 0);
    CU_ASSERT_EQUAL(rig_dones(&r, c), 1);
    r.events[0] = 0;
    CU_ASSERT(kith_core_update(r.core, r.now, 0) < 0); /* gone is gone */
    TOLD(r, "");
    rig_fini(&r);
}

static void test_leave_alone_or_in_a_hurry(void)
{
    struct rig r;
    no_probes(&r);
    int64_t q = kith_core_leave(r.core, r.now, 0);
    ENDED(r, q, 0); /* nobody to tell */
    rig_fini(&r);

    rig_init(&r);
    r.config.settings.gossip_interval = r.config.settings.probe_interval = 0;
    rig_start(&r);
    rig_populate(&r, 2, 3);
    q = kith_core_leave(r.core, r.now, 3 * SEC);
    rig_run(&r, r.now + 3 * SEC - 1);
    GOES_ON(r, q);
    rig_run(&r, r.now + 2);
    ENDED(r, q, -KITH_ETIMEOUT);
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_LEFT);
    for (int i = 0; i < 10; i++) rig_flush(&r); /* the broadcast ends later: not a second DONE */
    CU_ASSERT_EQUAL(rig_dones(&r, q), 0);
    rig_fini(&r);
}

/* All leave at once: whom we would tell is gone, and gossip skips who has left (PROTOCOL.md 2.9).
 * Dead members are gossiped to, but their ears are not waited for either. */
static void test_nobody_is_left_to_hear_it(void)
{
    static const bool dies[] = {false, true};
    for (int i = 0; i < 2; i++) {
        struct rig r;
        no_probes(&r);
        rig_populate(&r, 2, 3);
        int64_t a = kith_core_leave(r.core, r.now, 5 * SEC);
        int64_t b = kith_core_leave(r.core, r.now, 0);
        rig_dead(&r, "m2", 1, "m2");
        GOES_ON(r, a);
        GOES_ON(r, b);
        rig_dead(&r, "m3", 1, dies[i] ? "x" : "m3");
        ENDED(r, a, 0);
        ENDED(r, b, 0);
        rig_alive(&r, "m4", 1, 4); /* what is queued is for whoever comes, and ends once only */
        rig_run(&r, r.now + 10 * SEC);
        CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_DEAD, "self"), 4);
        CU_ASSERT_EQUAL(rig_dones(&r, a), 1);
        CU_ASSERT_EQUAL(rig_dones(&r, b), 1);
        rig_fini(&r);
    }
}

/* The same for whatever is gossiped while we stay. */
static void test_the_last_other_member_goes(void)
{
    struct rig r;
    no_probes(&r);
    rig_populate(&r, 2, 3);
    int64_t a = kith_core_update(r.core, r.now, 5 * SEC);
    int64_t b = kith_core_broadcast(r.core, r.now, rig_str("one"), NO_KEY, 0);
    int64_t c = kith_core_broadcast(r.core, r.now, rig_str("two"), rig_str("key"), 0);
    rig_suspect(&r, "m2", 1, "x");
    rig_dead(&r, "m3", 1, "m3");
    GOES_ON(r, a); /* a suspect may hear it */
    GOES_ON(r, b);
    GOES_ON(r, c);
    rig_dead(&r, "m2", 1, "m2");
    ENDED(r, a, 0);
    ENDED(r, b, 0);
    ENDED(r, c, 0);
    int64_t d = kith_core_broadcast(r.core, r.now, rig_str("three"), rig_str("key"), 0);
    ENDED(r, d, 0); /* it takes the place of the second, which has ended before */
    CU_ASSERT_EQUAL(rig_dones(&r, c), 1);
    CU_ASSERT(kith_core_queued(r.core) >= 3);
    rig_fini(&r); /* with entries whose requests were answered */
}

/* ------------------------------------------------------------------------------------ update */

static void test_update(void)
{
    struct rig r;
    no_probes(&r);
    rig_populate(&r, 2, 5);
    rig_run(&r, r.now + 10 * SEC);
    rig_clear(&r);
    r.events[0] = 0;
    memcpy(r.meta, "blue", 4);
    r.meta_len = 4;
    int64_t q = kith_core_update(r.core, r.now, 0);
    GOES_ON(r, q);
    TOLD(r, "update self;");
    CU_ASSERT_STRING_EQUAL(r.last_meta, "blue");
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 2);
    rig_run(&r, r.now + SEC);
    ENDED(r, q, 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "self"), 4);
    CU_ASSERT(rig_is(rig_find(&r, KITH_MSG_ALIVE, "self", 0)->msg.meta, "blue"));
    CU_ASSERT_EQUAL(kith_core_health(r.core), 0);
    rig_fini(&r);
    no_probes(&r);
    q = kith_core_update(r.core, r.now, 0);
    ENDED(r, q, 0); /* alone */
    rig_fini(&r);
}

/* PROTOCOL.md T18 */
static void test_a_replaced_broadcast_ends_its_request_too(void)
{
    struct rig r;
    no_probes(&r);
    rig_populate(&r, 2, 5);
    int64_t a = kith_core_update(r.core, r.now, 0);
    GOES_ON(r, a);
    int64_t b = kith_core_update(r.core, r.now, 0);
    ENDED(r, a, 0);
    GOES_ON(r, b);
    int64_t c = kith_core_leave(r.core, r.now, 0);
    ENDED(r, b, 0);
    GOES_ON(r, c);
    rig_run(&r, r.now + 5 * SEC);
    ENDED(r, c, 0);
    CU_ASSERT_EQUAL(rig_dones(&r, a), 1);
    CU_ASSERT_EQUAL(rig_dones(&r, b), 1);
    rig_fini(&r);
}

static void test_meta_that_is_too_long(void)
{
    struct rig r;
    no_probes(&r);
    r.meta_len = 513;
    int64_t q = kith_core_update(r.core, r.now, 0);
    rig_poll(&r);
    CU_ASSERT(q < 0 || (rig_done(&r, q) && rig_done(&r, q)->status < 0));
    r.meta_len = -1;
    q = kith_core_update(r.core, r.now, 0);
    rig_poll(&r);
    CU_ASSERT(q < 0 || (rig_done(&r, q) && rig_done(&r, q)->status < 0));
    struct kith_member m = {.size = sizeof m};
    kith_core_self(r.core, &m);
    CU_ASSERT_EQUAL(m.meta.len, 0);
    CU_ASSERT_EQUAL(m.incarnation, 1);
    r.meta_len = 512;
    memset(r.meta, 'x', 512);
    q = kith_core_update(r.core, r.now, 0);
    ENDED(r, q, 0);
    kith_core_self(r.core, &m);
    CU_ASSERT_EQUAL(m.meta.len, 512);
    rig_fini(&r);
}

static void test_meta_that_no_packet_carries(void)
{
    struct rig r;
    no_probes(&r);
    rig_populate(&r, 2, 3);
    r.meta_len = 300;
    r.budget = 300;
    unsigned lines = r.logged;
    CU_ASSERT_EQUAL(kith_core_update(r.core, r.now, 0), -KITH_ETOOBIG);
    CU_ASSERT_EQUAL(r.logged, lines + 1);
    struct kith_member m = {.size = sizeof m};
    kith_core_self(r.core, &m);
    CU_ASSERT_EQUAL(m.meta.len, 0);
    CU_ASSERT_EQUAL(m.incarnation, 1);
    r.budget = 400;
    int64_t q = kith_core_update(r.core, r.now, 0);
    rig_run(&r, r.now + 5 * SEC);
    ENDED(r, q, 0);
    rig_fini(&r);
}

/* ---------------------------------------------------------------------------------- messages */

static void test_broadcast(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.probe_interval = r.config.settings.push_pull_interval = 0;
    r.config.settings.max_broadcasts = 3;
    rig_start(&r);
    rig_populate(&r, 2, 5);
    rig_run(&r, r.now + 10 * SEC);
    rig_clear(&r);
    int64_t q = kith_core_broadcast(r.core, r.now, rig_str("news"), NO_KEY, 0);
    GOES_ON(r, q);
    rig_run(&r, r.now + 5 * SEC);
    ENDED(r, q, 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_USER, NULL), 4);
    CU_ASSERT(rig_is(rig_find(&r, KITH_MSG_USER, NULL, 0)->msg.payload, "news"));
    TOLD(r, "join self;join m2;join m3;join m4;join m5;"); /* nothing of it comes back */
    int64_t all[4];
    for (int i = 0; i < 4; i++)
        all[i] = kith_core_broadcast(r.core, r.now, rig_str("more"), NO_KEY, 0);
    CU_ASSERT(all[0] > 0 && all[1] > 0 && all[2] > 0); /* they don't replace each other */
    CU_ASSERT_EQUAL(all[3], -KITH_EAGAIN);
    rig_run(&r, r.now + 5 * SEC);
    for (int i = 0; i < 3; i++) ENDED(r, all[i], 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_USER, NULL), 16);
    CU_ASSERT(kith_core_broadcast(r.core, r.now, rig_str("again"), NO_KEY, 0) > 0);
    rig_fini(&r);
}

static void test_broadcast_to_nobody(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.probe_interval = r.config.settings.push_pull_interval = 0;
    rig_start(&r);
    int64_t q = kith_core_broadcast(r.core, r.now, rig_str("anybody?"), NO_KEY, 0);
    rig_flush(&r);
    ENDED(r, q, 0); /* nobody there: nothing to wait for */
    rig_populate(&r, 2, 3);
    rig_run(&r, r.now + 5 * SEC);
    CU_ASSERT(rig_count(&r, KITH_MSG_USER, NULL) > 0); /* who comes later still hears it */
    rig_fini(&r);
}

static void test_send(void)
{
    struct rig r;
    no_probes(&r);
    rig_populate(&r, 2, 3);
    rig_clear(&r);
    int64_t q = kith_core_send(r.core, r.now, WHOM("m2", NULL), rig_str("hello"), false);
    ENDED(r, q, 0);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 1);
    const struct rig_out *o = rig_out(&r, KITH_OUT_PACKET, 0);
    CU_ASSERT_EQUAL(o->len, 6); /* bare: nothing is piggybacked */
    CU_ASSERT_EQUAL(memcmp(o->data, "\x08hello", 6), 0);
    CU_ASSERT_EQUAL(o->to.bytes[3], 2);
    CU_ASSERT_STRING_EQUAL(o->name, "m2");
    CU_ASSERT_EQUAL(o->pmax, 5); /* PROTOCOL.md T9 */
    rig_clear(&r);
    struct kith_addr a = rig_addr(77);
    q = kith_core_send(r.core, r.now, WHOM(NULL, &a), rig_str("x"), false);
    ENDED(r, q, 0);
    o = rig_out(&r, KITH_OUT_PACKET, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(o);
    CU_ASSERT_EQUAL(o->to.bytes[3], 77);
    CU_ASSERT_EQUAL(o->pmax, 0);
    CU_ASSERT_EQUAL(kith_core_send(r.core, r.now, WHOM("nobody", NULL), rig_str("x"), false),
                    -KITH_ENOTFOUND);
    static char big[1400];
    CU_ASSERT_EQUAL(
        kith_core_send(r.core, r.now, WHOM("m2", NULL), kith_bytes_of(big, 1400), false),
        -KITH_ETOOBIG);
    q = kith_core_send(r.core, r.now, WHOM("m2", NULL), kith_bytes_of(big, 1399), false);
    ENDED(r, q, 0);
    rig_fini(&r);
}

static void test_send_reliably(void)
{
    struct rig r;
    no_probes(&r);
    rig_populate(&r, 2, 3);
    rig_clear(&r);
    static char big[100000];
    int64_t q =
        kith_core_send(r.core, r.now, WHOM("m2", NULL), kith_bytes_of(big, sizeof big), true);
    uint32_t s = dialled(&r);
    CU_ASSERT_STRING_EQUAL(rig_out(&r, KITH_OUT_DIAL, 0)->name, "m2");
    GOES_ON(r, q);
    kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
    rig_poll(&r);
    const struct rig_out *w = rig_out(&r, KITH_OUT_WRITE, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    CU_ASSERT(w->last);
    struct kith_msg m;
    size_t used;
    CU_ASSERT_EQUAL(w->data[0], KITH_MSG_USER);
    CU_ASSERT_EQUAL(kith_wire_read(&m, KITH_BODY_USER_HEADER, w->data + 1, w->len - 1, &used), 0);
    CU_ASSERT_EQUAL(m.user_msg_len, (int64_t)sizeof big);
    CU_ASSERT_EQUAL(w->len, 1 + used + sizeof big);
    kith_core_stream_end(r.core, r.now, s);
    kith_core_stream_closed(r.core, r.now, s, 0);
    rig_run(&r, r.now + 30 * SEC);
    ENDED(r, q, 0);
    CU_ASSERT_EQUAL(rig_drops(&r), 0); /* it went well: nothing was dropped */
    q = kith_core_send(r.core, r.now, WHOM("m3", NULL), rig_str("x"), true);
    s = dialled(&r);
    kith_core_stream_closed(r.core, r.now, s, -KITH_EREFUSED);
    ENDED(r, q, -KITH_EREFUSED);
    q = kith_core_send(r.core, r.now, WHOM("m3", NULL), rig_str("x"), true);
    dialled(&r);
    rig_run(&r, r.now + 11 * SEC);
    ENDED(r, q, -KITH_ETIMEOUT);
    rig_fini(&r);
}

/* Upstream: Ping. */
static void test_ping(void)
{
    struct rig r;
    no_probes(&r);
    rig_populate(&r, 2, 3);
    rig_run(&r, r.now + 10 * SEC);
    rig_clear(&r);
    r.events[0] = 0;
    struct kith_addr a = rig_addr(2);
    int64_t q = kith_core_ping(r.core, r.now, WHOM("m2", &a));
    GOES_ON(r, q);
    const struct rig_sent *p = rig_find(&r, KITH_MSG_PING, "m2", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    uint32_t seq = p->msg.seq_no;
    r.now += 7 * MS;
    rig_nack(&r, 2, seq);
    GOES_ON(r, q);
    rig_ack(&r, 2, seq);
    ENDED(r, q, 0);
    CU_ASSERT_EQUAL(rig_done(&r, q)->value, 7 * MS);
    rig_ack(&r, 2, seq);
    q = kith_core_ping(r.core, r.now, WHOM("m2", &a));
    rig_run(&r, r.now + 500 * MS - 1);
    GOES_ON(r, q);
    rig_run(&r, r.now + 1);
    ENDED(r, q, -KITH_ETIMEOUT);
    rig_run(&r, r.now + 10 * SEC);
    CU_ASSERT_EQUAL(rig_dones(&r, q), 1);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_INDIRECT_PING, NULL), 0);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_ALIVE);
    CU_ASSERT_EQUAL(kith_core_health(r.core), 0);
    TOLD(r, ""); /* NotifyPingComplete is for probes */
    rig_fini(&r);
}

KITH_TESTS("core/requests", {"join", test_join},
           {"ways for a join to fail", test_ways_for_a_join_to_fail},
           {"an alive veto does not fail a join", test_an_alive_veto_does_not_fail_a_join},
           {"a join times out", test_a_join_times_out}, {"leave", test_leave},
           {"two ask to leave", test_two_ask_to_leave},
           {"leave alone or in a hurry", test_leave_alone_or_in_a_hurry},
           {"nobody is left to hear it", test_nobody_is_left_to_hear_it},
           {"the last other member goes", test_the_last_other_member_goes}, {"update", test_update},
           {"a replaced broadcast ends its request too",
            test_a_replaced_broadcast_ends_its_request_too},
           {"meta that is too long", test_meta_that_is_too_long},
           {"meta that no packet carries", test_meta_that_no_packet_carries},
           {"broadcast", test_broadcast},
           {"a broadcast with nobody there is done at once", test_broadcast_to_nobody},
           {"send", test_send}, {"send reliably", test_send_reliably}, {"ping", test_ping})
