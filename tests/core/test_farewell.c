/*
 * test_farewell.c - a leave that is told to each member directly, until it says that it has heard
 * (docs/WIRE.md, "Leaving").
 */
#include "core_rig.h"

/* Nothing but the leave sends packets. Members are m2 to m<last>. */
static void begin_by(struct rig *r, uint64_t seed, unsigned last, uint32_t direct)
{
    rig_init(r);
    r->seed = seed;
    r->config.settings.probe_interval = r->config.settings.push_pull_interval = 0;
    r->config.settings.gossip_interval = 0;
    r->config.settings.leave_direct = direct;
    rig_start(r);
    rig_populate(r, 2, last);
    rig_clear(r);
}

static void begin(struct rig *r, unsigned last, uint32_t direct) { begin_by(r, 1, last, direct); }

static void gossips(struct rig *r, uint32_t direct)
{
    rig_init(r);
    r->config.settings.probe_interval = r->config.settings.push_pull_interval = 0;
    r->config.settings.leave_direct = direct;
    rig_start(r);
    rig_populate(r, 2, 5);
    rig_run(r, r->now + 10 * SEC);
    rig_clear(r);
}

static int64_t leave(struct rig *r, uint64_t timeout)
{
    int64_t q = kith_core_leave(r->core, r->now, timeout);
    rig_poll(r);
    return q;
}

/* How many have been told since the last look. */
static unsigned told(struct rig *r)
{
    unsigned n = rig_count(r, KITH_MSG_PING, NULL);
    rig_clear(r);
    return n;
}

static void ack(struct rig *r, const char *name)
{
    const struct rig_sent *s = rig_find(r, KITH_MSG_PING, name, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    rig_ack(r, r->outs[s->out].to.bytes[3], s->msg.seq_no);
}

static int status(struct rig *r, int64_t q)
{
    const struct rig_out *d = rig_done(r, q);
    return d ? d->status : 1;
}

static void test_what_is_sent(void)
{
    struct rig r;
    begin(&r, 3, KITH_LEAVE_ALL);
    int64_t q = leave(&r, 0);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 2);
    for (unsigned i = 0; i < 2; i++) {
        const char *name = i ? "m3" : "m2";
        const struct rig_sent *ping = rig_find(&r, KITH_MSG_PING, name, 0);
        CU_ASSERT_PTR_NOT_NULL_FATAL(ping);
        const struct rig_out *out = &r.outs[ping->out];
        struct kith_buf buf = {.cap = 1400};
        uint8_t bytes[1400] = {KITH_MSG_COMPOUND, 2, 0, 0, 0, 0};
        buf.base = buf.data = bytes;
        buf.len = 6;
        struct kith_msg dead = rig_accusation(KITH_MSG_DEAD, "self", 1, "self");
        struct kith_msg want = {.type = KITH_MSG_PING,
                                .seq_no = ping->msg.seq_no,
                                .node = rig_str(name),
                                .source_addr = kith_bytes_of("\x0a\0\0\1", 4),
                                .source_port = 7946,
                                .source_node = rig_str("self")};
        kith_wire_write_message(&buf, &dead);
        bytes[3] = (uint8_t)(buf.len - 6);
        kith_wire_write_message(&buf, &want);
        bytes[5] = (uint8_t)(buf.len - 6 - bytes[3]);
        CU_ASSERT_EQUAL_FATAL(out->len, buf.len);
        CU_ASSERT_EQUAL(memcmp(out->data, bytes, buf.len), 0);
        CU_ASSERT_STRING_EQUAL(out->name, name);
        CU_ASSERT_EQUAL(out->to.bytes[3], 2 + i);
        CU_ASSERT_EQUAL(out->pmax, 5);
    }
    CU_ASSERT_NOT_EQUAL(rig_find(&r, KITH_MSG_PING, "m2", 0)->msg.seq_no,
                        rig_find(&r, KITH_MSG_PING, "m3", 0)->msg.seq_no);
    ack(&r, "m2");
    CU_ASSERT_EQUAL(status(&r, q), 1);
    ack(&r, "m2"); /* twice is once */
    CU_ASSERT_EQUAL(status(&r, q), 1);
    ack(&r, "m3");
    CU_ASSERT_EQUAL(status(&r, q), 0); /* without gossip, and at once */
    CU_ASSERT_EQUAL(rig_stat(&r, "leaves_told", NULL), 2);
    CU_ASSERT_EQUAL(rig_stat(&r, "leaves_acked", NULL), 2);
    CU_ASSERT_EQUAL(rig_drops(&r), 0);
    CU_ASSERT(kith_core_deadline(r.core) > r.now + 5 * SEC); /* it is over */
    CU_ASSERT_EQUAL(kith_core_health(r.core), 0);
    rig_fini(&r);
}

static void test_who_is_silent_is_told_thrice(void)
{
    struct rig r;
    begin(&r, 4, KITH_LEAVE_ALL);
    int64_t q = leave(&r, 5 * SEC);
    uint64_t t0 = r.now;
    uint32_t seq = rig_find(&r, KITH_MSG_PING, "m3", 0)->msg.seq_no;
    ack(&r, "m2");
    CU_ASSERT_EQUAL(told(&r), 3);
    rig_run(&r, t0 + 200 * MS - 1);
    CU_ASSERT_EQUAL(told(&r), 0);
    rig_run(&r, t0 + 200 * MS);
    CU_ASSERT_PTR_NULL(rig_find(&r, KITH_MSG_PING, "m2", 0));
    CU_ASSERT_EQUAL_FATAL(rig_count(&r, KITH_MSG_PING, "m3"), 1);
    CU_ASSERT_EQUAL(rig_find(&r, KITH_MSG_PING, "m3", 0)->msg.seq_no, seq); /* a late ack counts */
    CU_ASSERT_EQUAL(rig_find(&r, KITH_MSG_DEAD, "self", 0)->parts, 2);
    ack(&r, "m4");
    CU_ASSERT_EQUAL(told(&r), 2);
    rig_run(&r, t0 + 600 * MS);
    CU_ASSERT_EQUAL(told(&r), 1);
    rig_run(&r, t0 + 5 * SEC - 1);
    CU_ASSERT_EQUAL(told(&r), 0);
    CU_ASSERT_EQUAL(status(&r, q), 1);
    rig_run(&r, t0 + 5 * SEC);
    CU_ASSERT_EQUAL(status(&r, q), -KITH_ETIMEOUT); /* without gossip, as ever */
    CU_ASSERT_EQUAL(rig_stat(&r, "leaves_told", NULL), 6);
    CU_ASSERT_EQUAL(rig_stat(&r, "leaves_acked", NULL), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.log, "1 of 3 members did not say"));
    rig_ack(&r, 3, seq); /* too late */
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "ack_not_expected"), 1);
    rig_fini(&r);
}

/* Gossip does its part as before; and when nobody answers, the leave takes as long as the repeats
 * do, and ends well as ever. */
static void test_gossip_goes_on(void)
{
    struct rig r;
    gossips(&r, 0);
    int64_t q = leave(&r, 0);
    uint64_t t0 = r.now;
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 0);
    while (status(&r, q) == 1) rig_run(&r, r.now + MS);
    uint64_t took = r.now - t0;
    CU_ASSERT_EQUAL(status(&r, q), 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_DEAD, "self"), 4);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, NULL), 0);
    rig_fini(&r);

    gossips(&r, KITH_LEAVE_ALL);
    q = leave(&r, 0);
    t0 = r.now;
    while (status(&r, q) == 1) rig_run(&r, r.now + MS);
    CU_ASSERT_EQUAL(status(&r, q), 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_DEAD, "self"), 4 + 3 * 4);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, NULL), 3 * 4);
    CU_ASSERT(r.now - t0 >= took && r.now - t0 <= took + SEC);
    rig_fini(&r);

    gossips(&r, KITH_LEAVE_ALL); /* and when all do, it has ended before gossip has */
    r.answer_pings = true;
    q = leave(&r, 0);
    CU_ASSERT_EQUAL(status(&r, q), 0);
    rig_run(&r, r.now + 5 * SEC);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_DEAD, "self"), 4 + 4);
    CU_ASSERT_EQUAL(rig_dones(&r, q), 1);
    q = leave(&r, 0); /* again: nothing */
    CU_ASSERT_EQUAL(status(&r, q), 0);
    CU_ASSERT_EQUAL(rig_stat(&r, "leaves_told", NULL), 4);
    rig_fini(&r);
}

static void test_two_ask_and_one_has_no_time(void)
{
    struct rig r;
    gossips(&r, KITH_LEAVE_ALL);
    int64_t hasty = leave(&r, 10 * MS), other = leave(&r, 0);
    uint64_t t0 = r.now;
    rig_run(&r, t0 + 10 * MS);
    CU_ASSERT_EQUAL(status(&r, hasty), -KITH_ETIMEOUT);
    CU_ASSERT_EQUAL(status(&r, other), 1);
    rig_run(&r, t0 + 999 * MS);
    CU_ASSERT_EQUAL(status(&r, other), 1); /* gossip is through; the others may yet say that... */
    rig_run(&r, t0 + SEC);
    CU_ASSERT_EQUAL(status(&r, other), 0);
    CU_ASSERT_EQUAL(rig_dones(&r, hasty), 1);
    rig_fini(&r);
    gossips(&r, KITH_LEAVE_ALL);
    leave(&r, 0);
    rig_run(&r, r.now + 950 * MS);
    rig_fini(&r); /* in the middle of it: nothing is lost */
}

static void test_who_dies_is_waited_for_no_more(void)
{
    struct rig r;
    begin(&r, 5, KITH_LEAVE_ALL);
    rig_suspect(&r, "m5", 1, "x"); /* a suspect may hear it */
    rig_clear(&r);
    int64_t q = leave(&r, 0);
    ack(&r, "m2");
    ack(&r, "m5");
    CU_ASSERT_EQUAL(told(&r), 4);
    rig_dead(&r, "m3", 1, "x");
    CU_ASSERT_EQUAL(status(&r, q), 1);
    rig_run(&r, r.now + 200 * MS);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "m4"), 1);
    CU_ASSERT_EQUAL(told(&r), 1);
    rig_dead(&r, "m4", 1, "m4");
    CU_ASSERT_EQUAL(status(&r, q), 0);
    rig_run(&r, r.now + 5 * SEC);
    CU_ASSERT_EQUAL(told(&r), 0);
    rig_fini(&r);
}

static void test_only_some(void)
{
    struct rig r;
    unsigned often[10] = {0};
    for (unsigned run = 0; run < 200; run++) {
        begin_by(&r, run, 9, 2);
        int64_t q = leave(&r, 0);
        CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, NULL), 2);
        for (unsigned i = 0; i < 2; i++) {
            const struct rig_sent *s = rig_find(&r, KITH_MSG_PING, NULL, i);
            often[r.outs[s->out].to.bytes[3]]++;
            rig_ack(&r, 2, s->msg.seq_no);
        }
        CU_ASSERT_EQUAL(status(&r, q), 1); /* the others hear it by gossip */
        rig_fini(&r);
    }
    for (unsigned i = 2; i <= 9; i++) CU_ASSERT(often[i] > 30 && often[i] < 70);
    gossips(&r, 2);
    r.answer_pings = true;
    int64_t q = leave(&r, 0);
    CU_ASSERT_EQUAL(status(&r, q), 1);
    rig_run(&r, r.now + SEC);
    CU_ASSERT_EQUAL(status(&r, q), 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_DEAD, "self"), 4 + 2);
    rig_fini(&r);
}

static void test_few_at_once(void)
{
    struct rig r;
    begin(&r, 201, KITH_LEAVE_ALL);
    uint64_t t0 = r.now;
    leave(&r, 0);
    CU_ASSERT_EQUAL(told(&r), 64);
    rig_run(&r, t0 + 10 * MS - 1);
    CU_ASSERT_EQUAL(told(&r), 0);
    rig_run(&r, t0 + 10 * MS);
    CU_ASSERT_EQUAL(told(&r), 64);
    rig_run(&r, t0 + 20 * MS);
    CU_ASSERT_EQUAL(told(&r), 64);
    rig_run(&r, t0 + 30 * MS);
    CU_ASSERT_EQUAL(told(&r), 8);
    rig_run(&r, t0 + 230 * MS - 1);
    CU_ASSERT_EQUAL(told(&r), 0);
    rig_run(&r, t0 + 230 * MS); /* each has had its time to answer */
    CU_ASSERT_EQUAL(told(&r), 64);
    rig_run(&r, t0 + 5 * SEC);
    CU_ASSERT_EQUAL(told(&r), 3 * 200 - 64 - 200);
    rig_fini(&r);
}

/* Numbers can be guessed: an ack counts when its ping was sent, not before. */
static void test_no_ack_before_its_ping(void)
{
    struct rig r;
    begin(&r, 101, KITH_LEAVE_ALL);
    leave(&r, 0);
    uint32_t first = rig_find(&r, KITH_MSG_PING, NULL, 0)->msg.seq_no;
    for (uint32_t i = 64; i < 100; i++) rig_ack(&r, 250, first + i);
    CU_ASSERT_EQUAL(rig_stat(&r, "leaves_acked", NULL), 0);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "ack_not_expected"), 36);
    CU_ASSERT_EQUAL(told(&r), 64);
    rig_run(&r, r.now + 10 * MS);
    CU_ASSERT_EQUAL(told(&r), 36);
    rig_fini(&r);
}

/* What no packet takes together is not told: an ack would not say that the leave was heard. */
static void test_too_long_a_name(void)
{
    struct rig r;
    char name[256];
    memset(name, 'x', 255);
    name[255] = 0;
    rig_init(&r);
    r.config.settings.probe_interval = r.config.settings.push_pull_interval = 0;
    r.config.settings.name = name;
    r.budget_towards[2] = 800;
    rig_start(&r);
    rig_populate(&r, 2, 3);
    rig_clear(&r);
    int64_t q = leave(&r, 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "m2"), 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "m3"), 1);
    ack(&r, "m3");
    CU_ASSERT_EQUAL(status(&r, q), 1);
    rig_run(&r, r.now + SEC);
    CU_ASSERT_EQUAL(status(&r, q), 0); /* gossip said it */
    rig_fini(&r);
}

/* Who leaves one address to come back at another is heard, too: until it is there. */
static void test_a_move_is_told(void)
{
    struct rig r;
    struct kith_addr elsewhere = rig_addr(77);
    begin(&r, 3, KITH_LEAVE_ALL);
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &elsewhere, NULL), 0);
    CU_ASSERT_EQUAL(told(&r), 0); /* it claims its former address first */
    rig_run(&r, r.now + SEC);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, NULL), 2);
    const struct rig_sent *dead = rig_find(&r, KITH_MSG_DEAD, "self", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dead);
    CU_ASSERT_EQUAL(dead->msg.incarnation, 2);
    ack(&r, "m2");
    CU_ASSERT_EQUAL(told(&r), 2);
    rig_run(&r, r.now + 990 * MS);
    CU_ASSERT_EQUAL(told(&r), 2); /* m3, twice */
    rig_run(&r, r.now + SEC);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 3); /* back */
    CU_ASSERT_EQUAL(told(&r), 0);
    leave(&r, 0);
    CU_ASSERT_EQUAL(rig_find(&r, KITH_MSG_DEAD, "self", 0)->msg.incarnation, 3);
    CU_ASSERT_EQUAL(told(&r), 2);
    rig_fini(&r);
}

KITH_TESTS("core/farewell", {"what is sent", test_what_is_sent},
           {"who is silent is told thrice", test_who_is_silent_is_told_thrice},
           {"gossip goes on", test_gossip_goes_on},
           {"two ask, and one has no time", test_two_ask_and_one_has_no_time},
           {"who dies is waited for no more", test_who_dies_is_waited_for_no_more},
           {"only some", test_only_some}, {"few at once", test_few_at_once},
           {"no ack before its ping", test_no_ack_before_its_ping},
           {"too long a name", test_too_long_a_name}, {"a move is told", test_a_move_is_told})
