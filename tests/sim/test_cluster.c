/*
 * test_cluster.c - clusters that work as they should: joining, spreading, leaving, over good and
 * over bad links.
 */
#include "sim.h"

static void test_the_same_seed_repeats_a_run(void)
{
    uint64_t traces[3], events[3];
    for (int i = 0; i < 3; i++) {
        struct sim *s = sim_new(6, i < 2 ? 7 : 8);
        sim_loss(s, SIM_ALL, SIM_ALL, 0.1);
        sim_duplicate(s, 0.1);
        sim_reorder(s, 0.1, 50 * MS);
        sim_join_all(s);
        sim_run(s, 20 * SEC);
        sim_kill(s, 3);
        sim_run(s, 10 * SEC);
        sim_restart(s, 3);
        sim_join(s, 3, 1);
        sim_run(s, 40 * SEC);
        traces[i] = sim_trace(s);
        events[i] = sim_events(s);
        sim_free(s);
    }
    CU_ASSERT_EQUAL(traces[0], traces[1]);
    CU_ASSERT_EQUAL(events[0], events[1]);
    if (!getenv("KITH_SEED")) CU_ASSERT_NOT_EQUAL(traces[0], traces[2]);
}

static void test_a_hundred_nodes_join(void)
{
    struct sim *s = sim_new(100, 1);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    sim_run(s, 5 * SEC);
    CU_ASSERT(sim_wait_mesh(s, 0));
    for (int i = 0; i < 100; i++) {
        CU_ASSERT_EQUAL(sim_counts(s, i)->joins, 100);
        CU_ASSERT_EQUAL(sim_health(s, i), 0);
    }
    sim_free(s);
}

static void test_two_clusters_become_one(void)
{
    struct sim *s = sim_new(20, 2);
    for (int i = 1; i < 10; i++) sim_join(s, i, 0);
    for (int i = 11; i < 20; i++) sim_join(s, i, 10);
    sim_run(s, 10 * SEC);
    CU_ASSERT_EQUAL(sim_state(s, 3, 13), -1);
    sim_join(s, 4, 14);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    sim_free(s);
}

static void test_a_quiet_cluster_stays_so(void)
{
    struct sim *s = sim_new(8, 3);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    sim_run(s, 300 * SEC);
    for (int i = 0; i < 8; i++) {
        CU_ASSERT_EQUAL(sim_counts(s, i)->joins, 8);
        CU_ASSERT_EQUAL(sim_counts(s, i)->leaves, 0);
        CU_ASSERT_EQUAL(sim_counts(s, i)->updates, 0);
        for (int k = 0; k < 8; k++) CU_ASSERT_EQUAL(sim_incarnation(s, i, k), 1);
    }
    sim_free(s);
}

/* Some may miss a refutation and take a live one for dead; no more than `wrong` times in all, and
 * not for long. */
static void lossy(double p, uint64_t seed, unsigned wrong)
{
    struct sim *s = sim_new(10, seed);
    sim_loss(s, SIM_ALL, SIM_ALL, p);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    sim_run(s, 120 * SEC);
    unsigned leaves = 0;
    for (int i = 0; i < 10; i++) leaves += sim_counts(s, i)->leaves;
    CU_ASSERT(leaves <= wrong);
    sim_loss(s, SIM_ALL, SIM_ALL, 0);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    sim_run(s, 60 * SEC);
    CU_ASSERT(sim_wait_mesh(s, 0));
    for (int i = 0; i < 10; i++) CU_ASSERT_EQUAL(sim_health(s, i), 0);
    sim_free(s);
}

static void test_lost_packets_kill_nobody_for_good(void)
{
    lossy(0.1, 11, 0);
    lossy(0.2, 12, 10);
    lossy(0.3, 13, 40);
}

static void test_doubled_late_and_overtaking_packets(void)
{
    struct sim *s = sim_new(8, 21);
    sim_delay(s, 5 * MS, 20 * MS);
    sim_duplicate(s, 0.3);
    sim_reorder(s, 0.3, 200 * MS);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    sim_run(s, 60 * SEC);
    CU_ASSERT(sim_wait_mesh(s, 0));
    sim_free(s);
}

static bool all_have_meta(struct sim *s, const void *meta)
{
    for (int i = 0; i < 20; i++)
        if (!sim_meta_is(s, i, 7, meta)) return false;
    return true;
}

static void test_meta_reaches_everybody(void)
{
    struct sim *s = sim_new(20, 31);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    sim_set_meta(s, 7, "role=db");
    CU_ASSERT(sim_wait(s, all_have_meta, "role=db", 120 * SEC));
    sim_set_meta(s, 7, "role=web");
    CU_ASSERT(sim_wait(s, all_have_meta, "role=web", 120 * SEC));
    for (int i = 0; i < 20; i++)
        CU_ASSERT(sim_counts(s, i)->updates >= 1 && sim_counts(s, i)->updates <= 2);
    sim_run(s, 10 * SEC);
    sim_free(s);
}

static void test_user_state_goes_both_ways(void)
{
    struct sim *s = sim_new(5, 41);
    sim_join_all(s);
    CU_ASSERT(sim_counts(s, 0)->states >= 4);
    for (int i = 1; i < 5; i++) CU_ASSERT(sim_counts(s, i)->states >= 1);
    unsigned before = sim_counts(s, 2)->states;
    sim_run(s, 300 * SEC);
    CU_ASSERT(sim_counts(s, 2)->states >=
              before + 8); /* about one a 30 s of its own, as many of others */
    sim_free(s);
}

static void test_user_messages(void)
{
    struct sim *s = sim_new(10, 51);
    sim_join_all(s);
    sim_run(s, 5 * SEC);
    int a = sim_send(s, 1, 2, "a packet", false), b = sim_send(s, 1, 3, "a stream", true);
    sim_run(s, SEC);
    CU_ASSERT_EQUAL(sim_status(s, a), 0);
    CU_ASSERT_EQUAL(sim_status(s, b), 0);
    CU_ASSERT_EQUAL(sim_counts(s, 2)->messages, 1);
    CU_ASSERT_EQUAL(sim_counts(s, 3)->messages, 1);
    int c = sim_broadcast(s, 1, "to some");
    sim_run(s, 10 * SEC);
    CU_ASSERT_EQUAL(sim_status(s, c), 0);
    unsigned got = 0;
    for (int i = 0; i < 10; i++) got += sim_counts(s, i)->messages;
    CU_ASSERT_EQUAL(got, 2 + 8); /* 4 x ceil(log10 11) transmissions, by the origin only */
    sim_free(s);
}

static void test_leaving(void)
{
    struct sim *s = sim_new(12, 61);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    int q = sim_leave(s, 5, 5 * SEC);
    CU_ASSERT(sim_wait_state(s, SIM_ALL, 5, KITH_LEFT, 25 * SEC));
    sim_run(s, 5 * SEC);
    CU_ASSERT_EQUAL(sim_status(s, q), 0);
    sim_kill(s, 5);
    sim_run(s, 20 * SEC);
    CU_ASSERT(sim_wait_state(s, SIM_ALL, 5, KITH_LEFT, 0)); /* a left one never becomes dead */
    CU_ASSERT(sim_wait_mesh(s, 0));
    for (int i = 0; i < 12; i++)
        if (i != 5) CU_ASSERT_EQUAL(sim_counts(s, i)->leaves, 1);
    CU_ASSERT(sim_wait_state(s, SIM_ALL, 5, -1, 60 * SEC)); /* and is forgotten in the end */
    sim_free(s);
}

static void test_everybody_leaves_at_once(void)
{
    struct sim *s = sim_new(6, 71);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    for (int i = 0; i < 6; i++) sim_leave(s, i, 10 * SEC);
    sim_run(s, 30 * SEC); /* sim_free: each request has ended */
    sim_free(s);
}

KITH_TESTS(SIM_RING "/cluster", {"the same seed repeats a run", test_the_same_seed_repeats_a_run},
           {"a hundred nodes join", test_a_hundred_nodes_join},
           {"two clusters become one", test_two_clusters_become_one},
           {"a quiet cluster stays so", test_a_quiet_cluster_stays_so},
           {"lost packets kill nobody for good", test_lost_packets_kill_nobody_for_good},
           {"doubled, late and overtaking packets", test_doubled_late_and_overtaking_packets},
           {"meta reaches everybody", test_meta_reaches_everybody},
           {"user state goes both ways", test_user_state_goes_both_ways},
           {"user messages", test_user_messages}, {"leaving", test_leaving},
           {"everybody leaves at once", test_everybody_leaves_at_once})
