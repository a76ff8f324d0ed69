/*
 * test_serving.c - push/pulls that peers begin: how many at a time, whose answer is made next, and
 * who makes room for others.
 */
#include "core_rig.h"

static void test_too_many_push_pulls_at_a_time(void)
{
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "m9", 1, 9); /* strangers have fewer */
    struct rig_entry e = {"m9", KITH_ALIVE, 1, 9};
    struct rig_bytes b;
    rig_push_pull(&b, false, &e, 1, NULL);
    uint32_t streams[130];
    for (int i = 0; i < 129; i++) {
        rig_clear(&r);
        streams[i] = rig_accept(&r, 9);
        CU_ASSERT_FATAL(streams[i] != 0);
        rig_data(&r, streams[i], b.buf.data, 5); /* begun, not finished */
        CU_ASSERT(!rig_gone(&r, streams[i]));    /* from the 128th on they wait */
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
    }
    rig_clear(&r); /* a stream ping is no push/pull */
    struct rig_bytes p;
    rig_bytes_init(&p);
    kith_wire_write_message(
        &p.buf, &(struct kith_msg){.type = KITH_MSG_PING, .seq_no = 3, .node = rig_str("self")});
    rig_request(&r, 9, &p);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 1);
    rig_clear(&r); /* who waits may be whole: it has no answer until another one has ended */
    rig_data(&r, streams[127], b.buf.data + 5, b.buf.len - 5);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
    kith_core_stream_closed(r.core, r.now, streams[1], -KITH_ECLOSED);
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 1);
    CU_ASSERT_EQUAL(rig_out(&r, KITH_OUT_WRITE, 0)->stream, streams[127]);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "max_push_pulls"), 0);
    rig_run(&r, r.now + 11 * SEC); /* not for ever */
    CU_ASSERT(rig_gone(&r, streams[128]));
    rig_fini(&r);
}

/* A large state is made when it is polled for, one at a time, and lent until the next poll: a
 * hundred short questions take no more memory than one. */
static void test_answers_are_made_one_at_a_time(void)
{
    struct rig r;
    struct kith_account memory = {.limit = 24 << 20};
    rig_init(&r);
    r.lingers = true;
    r.env.memory = &memory;
    r.config.settings.max_push_pulls = 100; /* 75 for strangers */
    r.config.settings.max_members = 10000;
    rig_start(&r);
    char meta[512];
    memset(meta, 'm', sizeof meta - 1);
    meta[sizeof meta - 1] = 0;
    for (unsigned i = 0; i < 4000; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%u", i);
        struct kith_addr a = rig_addr(1000 + i);
        struct kith_msg m = rig_alive_msg(name, 1, &a, meta);
        rig_feed(&r, 9, &m);
    }
    rig_clear(&r);
    struct rig_bytes b;
    rig_push_pull(&b, false, NULL, 0, NULL);
    uint32_t s[75];
    for (unsigned i = 0; i < 75; i++) {
        struct kith_addr a = rig_addr(20000 + i);
        s[i] = kith_core_stream_accepted(r.core, r.now, WHOM(NULL, &a));
        kith_core_stream_data(r.core, r.now, s[i], b.buf.data, b.buf.len);
    }
    CU_ASSERT_EQUAL(memory.held, 0);
    struct kith_output out;
    unsigned answers = 0;
    uint64_t most = 0, len = 0;
    for (unsigned turn = 0; turn < 200 && answers < 75; turn++) {
        unsigned now = 0;
        while (kith_core_poll(r.core, &out)) {
            if (out.kind != KITH_OUT_WRITE) continue;
            len = out.bytes.len;
            if (memory.held > most) most = memory.held;
            now++;
        }
        CU_ASSERT(now <= 1); /* a turn: they are over a MiB each */
        answers += now;
        CU_ASSERT_EQUAL(memory.held, 0);
        CU_ASSERT(answers == 75 || kith_core_deadline(r.core) <= r.now);
        kith_core_tick(r.core, r.now);
    }
    CU_ASSERT_EQUAL(answers, 75);
    CU_ASSERT(len > 2000000 && most < len + len / 4 + 4096);
    struct kith_addr a = rig_addr(30000); /* they hold their slots until they are gone */
    uint32_t next = kith_core_stream_accepted(r.core, r.now, WHOM(NULL, &a));
    kith_core_stream_data(r.core, r.now, next, b.buf.data, b.buf.len);
    CU_ASSERT_FALSE(kith_core_poll(r.core, &out));
    kith_core_stream_closed(r.core, r.now, s[0], 0);
    CU_ASSERT(kith_core_poll(r.core, &out) && out.kind == KITH_OUT_WRITE && out.stream == next);
    rig_fini(&r);
}

/* While answers that nobody reads fill the memory that is there for strangers, the next one waits;
 * one of whoever has most streams goes, and whoever has least is served. */
static void test_whoever_reads_nothing_makes_room(void)
{
    struct rig r;
    struct kith_account memory = {.limit = 1 << 20};
    rig_init(&r);
    r.lingers = true;
    r.env.memory = &memory;
    rig_start(&r);
    rig_populate(&r, 2, 180); /* more than what everybody finds */
    struct rig_bytes b;
    rig_push_pull(&b, false, NULL, 0, NULL);
    uint32_t first = rig_request(&r, 200, &b); /* now it is known how long an answer is */
    uint32_t second = rig_request(&r, 200, &b);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 2);
    memory.held = memory.strangers = memory.limit / 2; /* both wait to be sent */
    rig_clear(&r);
    uint32_t s = rig_request(&r, 201, &b);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
    CU_ASSERT(rig_gone(&r, first) && !rig_gone(&r, second) && !rig_gone(&r, s));
    memory.held = memory.strangers = 0; /* so its memory is free again */
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 1);
    CU_ASSERT_EQUAL(rig_out(&r, KITH_OUT_WRITE, 0)->stream, s);
    rig_fini(&r);
}

/* Of those that wait for memory, the next is of the source that has the fewest streams. */
static void test_whoever_has_few_is_served_first(void)
{
    struct rig r;
    struct kith_account memory = {.limit = 1 << 20};
    rig_init(&r);
    r.lingers = true;
    r.env.memory = &memory;
    rig_start(&r);
    rig_populate(&r, 2, 180);
    struct rig_bytes b;
    rig_push_pull(&b, false, NULL, 0, NULL);
    rig_request(&r, 202, &b); /* now it is known how long an answer is */
    memory.held = memory.strangers = memory.limit / 2;
    rig_clear(&r);
    uint32_t many[3];
    for (int i = 0; i < 3; i++) many[i] = rig_request(&r, 200, &b);
    uint32_t one = rig_request(&r, 201, &b);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
    memory.held = memory.strangers = 0;
    rig_poll(&r);
    CU_ASSERT_EQUAL_FATAL(rig_outs(&r, KITH_OUT_WRITE), 4);
    CU_ASSERT_EQUAL(rig_out(&r, KITH_OUT_WRITE, 0)->stream, one);
    for (size_t i = 0; i < 3; i++) /* and of one source in the order in which they came */
        CU_ASSERT_EQUAL(rig_out(&r, KITH_OUT_WRITE, i + 1)->stream, many[i]);
    rig_fini(&r);
}

KITH_TESTS("core/serving", {"too many push/pulls at a time", test_too_many_push_pulls_at_a_time},
           {"answers are made one at a time", test_answers_are_made_one_at_a_time},
           {"whoever reads nothing makes room", test_whoever_reads_nothing_makes_room},
           {"whoever has few is served first", test_whoever_has_few_is_served_first})
