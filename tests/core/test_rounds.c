/*
 * test_rounds.c - when gossip goes out: at its beat, and nobody is woken for a round in which there
 * is nothing to say.
 */
#include "core_rig.h"
#include "output.h"

#define BEAT (200 * MS)

/* Nothing but gossip would wake this node, and all has been said. */
static void begin(struct rig *r, bool reticent, unsigned members)
{
    rig_init(r);
    r->config.settings.probe_interval = r->config.settings.push_pull_interval = 0;
    r->config.settings.queue_check_interval = 0;
    r->reticent = reticent;
    rig_start(r);
    if (members) rig_populate(r, 2, members);
    rig_run(r, r->now + 300 * BEAT);
    rig_clear(r);
}

static void test_nobody_is_woken_for_nothing(void)
{
    for (unsigned members = 0; members < 5; members += 4) {
        struct rig r;
        begin(&r, true, members);
        CU_ASSERT_EQUAL(kith_core_deadline(r.core), UINT64_MAX);
        rig_fini(&r);
    }
}

static void test_rounds_keep_their_beat(void)
{
    for (unsigned beats = 0; beats < 3; beats++) {
        struct rig r;
        begin(&r, true, 4);
        uint64_t beat = r.now + beats * BEAT;
        r.now = beat + 30 * MS; /* nobody has asked since */
        rig_alive(&r, "m2", 2, 2);
        CU_ASSERT_EQUAL(kith_core_deadline(r.core), beat + BEAT);
        rig_run(&r, beat + BEAT - 1);
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 0);
        rig_run(&r, beat + BEAT);
        CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "m2"), 3);
        rig_fini(&r);
    }
}

static void test_what_comes_with_the_beat_goes_out_with_it(void)
{
    struct rig r;
    begin(&r, true, 4);
    r.now += 7 * BEAT;
    rig_alive(&r, "m2", 2, 2);
    rig_run(&r, r.now);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "m2"), 3);
    rig_fini(&r);
}

static void test_a_delegate_is_asked_at_each_beat(void)
{
    struct rig r;
    begin(&r, false, 4);
    CU_ASSERT_EQUAL(kith_core_deadline(r.core), r.now + BEAT);
    rig_fini(&r);
}

/* A reload changes what delegates want, in the table that the core has already. */
static void test_what_delegates_want_may_change(void)
{
    struct rig r;
    begin(&r, true, 4);
    kith_core_tick(r.core, r.now);
    r.reticent = false;
    r.judges = r.vetoes = KITH_CLAIM_SUSPECT;
    rig_delegate(&r);
    CU_ASSERT(kith_core_deadline(r.core) <= r.now + BEAT);
    r.user_broadcast = "news";
    r.broadcasts_left = 1;
    rig_run(&r, r.now + BEAT);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_USER, NULL), 1);
    rig_suspect(&r, "m2", 1, "m3");
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_ALIVE);
    r.reticent = true;
    rig_delegate(&r);
    CU_ASSERT_EQUAL(kith_core_deadline(r.core), UINT64_MAX);
    rig_fini(&r);
}

/* So many packets at a time. */
static void burst(struct kith_items *q, unsigned n)
{
    struct kith_item *items[64];
    for (unsigned i = 0; i < n; i++) items[i] = kith_item_packet(q, 0, 1400, 0);
    for (unsigned i = 0; i < n; i++) kith_item_drop(q, items[i]);
}

static void test_packets_of_a_burst_are_given_back(void)
{
    struct kith_account memory = {.limit = 1 << 20};
    struct kith_items q;
    kith_items_init(&q, &memory);
    burst(&q, 64);
    kith_items_trim(&q); /* all of them were needed */
    CU_ASSERT_EQUAL(q.spare_packet_count, 64);
    for (int i = 0; i < 10; i++) {
        burst(&q, 10);
        CU_ASSERT(q.spare_packet_count >= 10);
        kith_items_trim(&q);
    }
    CU_ASSERT(q.spare_packet_count <= 14);
    kith_items_fini(&q);
}

KITH_TESTS("core/rounds", {"nobody is woken for nothing", test_nobody_is_woken_for_nothing},
           {"rounds keep their beat", test_rounds_keep_their_beat},
           {"what comes with the beat goes out with it",
            test_what_comes_with_the_beat_goes_out_with_it},
           {"a delegate is asked at each beat", test_a_delegate_is_asked_at_each_beat},
           {"what delegates want may change", test_what_delegates_want_may_change},
           {"packets of a burst are given back", test_packets_of_a_burst_are_given_back})
