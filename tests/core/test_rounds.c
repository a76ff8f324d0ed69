/*
 * test_rounds.c - when gossip goes out: at its beat, and nobody is woken for a round in which there
 * is nothing to say.
 */
#include "core_rig.h"

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

KITH_TESTS("core/rounds", {"nobody is woken for nothing", test_nobody_is_woken_for_nothing},
           {"rounds keep their beat", test_rounds_keep_their_beat},
           {"what comes with the beat goes out with it",
            test_what_comes_with_the_beat_goes_out_with_it},
           {"a delegate is asked at each beat", test_a_delegate_is_asked_at_each_beat},
           {"what delegates want may change", test_what_delegates_want_may_change})
