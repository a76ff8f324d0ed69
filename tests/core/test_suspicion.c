/*
 * test_suspicion.c - how long a suspicion lasts (PROTOCOL.md 2.6, Lifeguard's local health aware
 * suspicion).
 */
#include "core_rig.h"
#include "state.h"

static void cluster(struct rig *r, unsigned n, uint64_t interval, unsigned mult, unsigned max_mult)
{
    rig_init(r);
    r->config.settings.gossip_interval = r->config.settings.push_pull_interval = 0;
    r->config.settings.probe_interval = interval;
    r->config.settings.probe_timeout = interval / 2;
    r->config.settings.suspicion_mult = mult;
    r->config.settings.suspicion_max_timeout_mult = max_mult;
    r->config.settings.max_members = 2000;
    rig_start(r);
    r->answer_pings = true; /* so that no probe of our own confirms anything */
    rig_populate(r, 2, n);
}

/* Does m2, suspected now with so many confirmations at once, die after exactly `ms`? */
static void dies_after(unsigned n, uint64_t interval, unsigned mult, unsigned max_mult,
                       unsigned confirms, uint64_t us)
{
    struct rig r;
    cluster(&r, n, interval, mult, max_mult);
    r.now += 3 * MS;
    uint64_t t0 = r.now;
    rig_suspect(&r, "m2", 1, "x");
    rig_suspect(&r, "m2", 1, "x"); /* the first accuser can't confirm itself */
    for (unsigned i = 0; i < confirms; i++) {
        char from[16];
        snprintf(from, sizeof from, "y%u", i);
        rig_suspect(&r, "m2", 1, from);
        rig_suspect(&r, "m2", 1, from); /* nor anybody twice */
    }
    rig_run(&r, t0 + us * 1000 - 1);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_SUSPECT);
    rig_run(&r, t0 + us * 1000 + 1);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_DEAD);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.events, "leave m2 dead;"));
    rig_flush(&r);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_DEAD, "m2", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(rig_is(s->msg.from, "self"));
    CU_ASSERT_EQUAL(s->msg.incarnation, 1);
    rig_fini(&r);
}

/* Upstream: ProbeNode_Suspect_Dogpile and Suspicion_Timer. */
static void test_timeouts_by_confirmations(void)
{
    dies_after(2, 100 * MS, 5, 2, 0, 500000); /* too few to confirm: the minimum at once */
    dies_after(4, 100 * MS, 5, 2, 0, 500000);
    dies_after(5, 100 * MS, 5, 2, 0, 1000000);
    dies_after(5, 100 * MS, 5, 2, 1, 750000);
    dies_after(5, 100 * MS, 5, 2, 2, 603000); /* cut to whole milliseconds */
    dies_after(5, 100 * MS, 5, 2, 3, 500000);
    dies_after(5, 100 * MS, 5, 2, 9, 500000); /* no more than k count */
}

static void test_timeouts_of_the_lan_profile(void)
{
    dies_after(3, SEC, 4, 6, 0, 4000000);
    dies_after(4, SEC, 4, 6, 0, 24000000);
    dies_after(4, SEC, 4, 6, 2, 4000000);
    dies_after(10, SEC, 4, 6, 2, 4000000);
    dies_after(50, SEC, 4, 6, 2, 6792000); /* 4 x floor(1000 log10 50) ms */
    dies_after(100, SEC, 4, 6, 2, 8000000);
    dies_after(3, SEC, 3, 6, 0, 18000000); /* the local profile: k = 1 */
    dies_after(3, SEC, 3, 6, 1, 3000000);
    dies_after(9, SEC, 2, 6, 0, 2000000); /* k = 0 however many there are */
}

static void test_a_late_confirmation_may_end_it_at_once(void)
{
    struct rig r;
    cluster(&r, 5, 100 * MS, 5, 2);
    uint64_t t0 = r.now;
    rig_suspect(&r, "m2", 1, "x");
    rig_run(&r, t0 + 700 * MS);
    rig_suspect(&r, "m2", 1, "y"); /* 750 in all: 50 left */
    rig_run(&r, r.now);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_SUSPECT);
    rig_suspect(&r, "m2", 1, "z"); /* 603 in all: over */
    rig_run(&r, r.now);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_DEAD);
    rig_fini(&r);
}

/* k accusers confirm, one after the other; who comes later is no news, and not passed on. */
static void test_no_more_than_k_confirm(void)
{
    struct rig r;
    cluster(&r, 9, SEC, 4, 6); /* k = 2 */
    rig_suspect(&r, "m2", 1, "x");
    rig_flush(&r);
    for (unsigned i = 0; i < 4; i++) {
        char from[8];
        snprintf(from, sizeof from, "y%u", i);
        while (rig_flush(&r), rig_count(&r, KITH_MSG_SUSPECT, "m2")) {}
        rig_suspect(&r, "m2", 1, from);
        rig_flush(&r);
        CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_SUSPECT, "m2"), i < 2);
    }
    rig_fini(&r);
}

static void test_our_own_failed_probe_confirms(void)
{
    struct rig r;
    cluster(&r, 5, SEC, 4, 6); /* k = 2, 4 s to 24 s */
    r.mute = "m2";
    uint64_t t0 = r.now;
    rig_suspect(&r, "m2", 1, "x");
    /* Within five seconds it is probed without an answer. One confirmation: 24 - log2/log3 x 20 s
     * = 11.381 s. */
    rig_run(&r, t0 + 11380 * MS);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_SUSPECT);
    rig_run(&r, t0 + 11382 * MS);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_DEAD);
    rig_fini(&r);
}

static void test_a_new_suspicion_starts_anew(void)
{
    struct rig r;
    cluster(&r, 3, SEC, 4, 6); /* 4 s */
    rig_suspect(&r, "m2", 1, "x");
    rig_run(&r, RIG_EPOCH + 3 * SEC);
    rig_alive(&r, "m2", 2, 2);
    rig_suspect(&r, "m2", 2, "x");
    rig_run(&r, RIG_EPOCH + 7 * SEC - 1);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_SUSPECT);
    rig_run(&r, RIG_EPOCH + 7 * SEC + 1);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_DEAD);
    rig_fini(&r);
}

static void test_a_refuted_suspicion_never_fires(void)
{
    struct rig r;
    cluster(&r, 5, SEC, 4, 6);
    rig_suspect(&r, "m2", 1, "x");
    rig_run(&r, RIG_EPOCH + 2 * SEC);
    rig_alive(&r, "m2", 2, 2);
    rig_run(&r, RIG_EPOCH + 60 * SEC);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_ALIVE);
    CU_ASSERT_PTR_NULL(strstr(r.events, "leave"));
    rig_fini(&r);
}

static void test_many_suspicions_at_once(void)
{
    struct rig r;
    cluster(&r, 250, SEC, 4, 6);
    for (unsigned i = 2; i <= 250; i++) {
        char name[8];
        snprintf(name, sizeof name, "m%u", i);
        rig_suspect(&r, name, 1, "x");
        r.now += MS;
    }
    CU_ASSERT_EQUAL(kith_core_alive(r.core), 250);
    rig_run(&r, r.now + 70 * SEC); /* min 4 x 2.397 s, max six times that */
    CU_ASSERT_EQUAL(kith_core_alive(r.core), 1);
    rig_fini(&r);
}

/* What a suspicion reserves, it gives back. */
static void test_suspicions_leave_nothing_behind(void)
{
    struct rig r;
    cluster(&r, 9, SEC, 4, 6);
    uint32_t owners = r.core->alarms.owners;
    for (uint32_t inc = 1; inc < 20; inc++) {
        rig_suspect(&r, "m2", inc, "x");
        CU_ASSERT_EQUAL(r.core->alarms.owners, owners + 1);
        rig_alive(&r, "m2", inc + 1, 2);
        CU_ASSERT_EQUAL(r.core->alarms.owners, owners);
    }
    rig_fini(&r);
}

KITH_TESTS("core/suspicion", {"timeouts by confirmations", test_timeouts_by_confirmations},
           {"timeouts of the LAN profile", test_timeouts_of_the_lan_profile},
           {"a late confirmation may end it at once", test_a_late_confirmation_may_end_it_at_once},
           {"no more than k confirm", test_no_more_than_k_confirm},
           {"our own failed probe confirms", test_our_own_failed_probe_confirms},
           {"a new suspicion starts anew", test_a_new_suspicion_starts_anew},
           {"a refuted suspicion never fires", test_a_refuted_suspicion_never_fires},
           {"suspicions leave nothing behind", test_suspicions_leave_nothing_behind},
           {"many suspicions at once", test_many_suspicions_at_once})
