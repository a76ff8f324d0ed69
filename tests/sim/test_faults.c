/*
 * test_faults.c - what breaks: links, processes, names; and that the cluster agrees again
 * afterwards.
 */
#include "sim.h"

static struct sim *meshed(unsigned n, uint64_t seed)
{
    struct sim *s = sim_new(n, seed);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC)); /* gossip may miss somebody; push/pull does not */
    sim_run(s, 5 * SEC);
    return s;
}

/* ------------------------------------------------------------------------------------- links */

static void test_a_one_way_cut_between_two_is_bridged(void)
{
    struct sim *s = meshed(5, 1);
    sim_cut(s, 1, 2);
    sim_run(s, 120 * SEC);
    CU_ASSERT(sim_wait_mesh(s, 0));
    for (int i = 0; i < 5; i++) CU_ASSERT_EQUAL(sim_counts(s, i)->leaves, 0);
    sim_heal(s, 1, 2);
    sim_run(s, 30 * SEC);
    CU_ASSERT(sim_wait_mesh(s, 0));
    sim_free(s);
}

static void test_a_node_that_hears_nothing_is_declared_dead_and_takes_nobody_along(void)
{
    struct sim *s = meshed(7, 2);
    sim_cut(s, SIM_ALL, 3);
    CU_ASSERT(sim_wait_state(s, SIM_ALL, 3, KITH_DEAD, 60 * SEC));
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < 7; k++)
            if (i != 3 && k != 3)
                CU_ASSERT(sim_state(s, i, k) == KITH_ALIVE || sim_state(s, i, k) == KITH_SUSPECT);
    CU_ASSERT(sim_health(s, 3) > 0); /* it is the first it should suspect */
    sim_run(s, 10 * SEC);
    for (int i = 0; i < 7; i++)
        for (int k = 0; k < 7; k++)
            if (i != 3 && k != 3) CU_ASSERT_NOT_EQUAL(sim_state(s, i, k), KITH_DEAD);
    sim_heal(s, SIM_ALL, 3);
    sim_join(s, 3, 0);
    CU_ASSERT(sim_wait_mesh(s, 90 * SEC));
    sim_free(s);
}

static const int half[] = {0, 1, 2, 3, 4};

static struct sim *parted(uint64_t seed)
{
    struct sim *s = meshed(10, seed);
    sim_partition(s, half, 5);
    for (int i = 0; i < 5; i++)
        for (int k = 5; k < 10; k++) {
            CU_ASSERT(sim_wait_state(s, i, k, KITH_DEAD, 90 * SEC));
            CU_ASSERT(sim_wait_state(s, k, i, KITH_DEAD, 90 * SEC));
        }
    for (int i = 0; i < 10; i++)
        for (int k = 0; k < 10; k++)
            if ((i < 5) == (k < 5)) CU_ASSERT_NOT_EQUAL(sim_state(s, i, k), KITH_DEAD);
    return s;
}

static void test_a_partition_heals_by_a_join(void)
{
    struct sim *s = parted(3);
    sim_heal(s, SIM_ALL, SIM_ALL);
    sim_join(s, 7, 2);
    CU_ASSERT(sim_wait_mesh(s, 200 * SEC));
    sim_free(s);
}

/* Gossip goes to the lately dead; news of one of them is enough to begin with (PROTOCOL.md 2.9). */
static void test_a_short_partition_heals_by_gossip_to_the_dead(void)
{
    struct sim *s = parted(4);
    sim_heal(s, SIM_ALL, SIM_ALL);
    sim_set_meta(s, 1, "news");
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    for (int i = 0; i < 10; i++) CU_ASSERT(sim_meta_is(s, i, 1, "news"));
    sim_free(s);
}

/* memberlist promises no more: names are forgotten, and nobody contacts them again. A join still
 * mends it. */
static void test_a_long_partition_is_forgotten_until_somebody_joins(void)
{
    struct sim *s = parted(5);
    sim_run(s, 60 * SEC);
    sim_heal(s, SIM_ALL, SIM_ALL);
    sim_set_meta(s, 1, "news");
    sim_run(s, 60 * SEC);
    CU_ASSERT_EQUAL(sim_state(s, 1, 7), -1);
    CU_ASSERT_EQUAL(sim_state(s, 7, 1), -1);
    sim_join(s, 8, 0);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    sim_free(s);
}

/* --------------------------------------------------------------------------------- processes */

/* Somebody who misses the refutation in spite of all gossip may still take it for dead, until the
 * next push/pull: that is memberlist's way, and rare. */
static void test_a_paused_node_refutes_and_accuses_nobody(void)
{
    unsigned wrong = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct sim *s = meshed(10, 100 + seed);
        sim_run(s, seed * 83 * MS); /* stop it in another part of its probe cycle each time */
        sim_pause(s, 2);
        sim_run(s, 4 * SEC);
        sim_resume(s, 2);
        CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
        sim_run(s, 30 * SEC);
        CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
        CU_ASSERT_EQUAL(sim_counts(s, 2)->accusations, 0);
        for (int i = 0; i < 10; i++) wrong += sim_counts(s, i)->leaves;
        sim_free(s);
    }
    CU_ASSERT(wrong <= 2);
}

static void test_a_long_paused_node_comes_back(void)
{
    struct sim *s = meshed(6, 200);
    sim_pause(s, 4);
    CU_ASSERT(sim_wait_state(s, SIM_ALL, 4, KITH_DEAD, 60 * SEC));
    sim_run(s, 10 * SEC);
    sim_resume(s, 4);
    CU_ASSERT(sim_wait_mesh(s, 60 * SEC));
    CU_ASSERT_EQUAL(sim_counts(s, 4)->accusations, 0);
    sim_free(s);
}

static void test_a_killed_node_is_suspected_then_dead(void)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct sim *s = meshed(5, 300 + seed);
        uint64_t t0 = sim_now(s);
        sim_kill(s, 3);
        CU_ASSERT(sim_wait_state(s, SIM_ALL, 3, KITH_SUSPECT, 15 * SEC));
        CU_ASSERT(sim_wait_state(s, SIM_ALL, 3, KITH_DEAD, 40 * SEC));
        CU_ASSERT(sim_now(s) - t0 >=
                  5 * SEC); /* a probe of 1 s, then no less than 4 s of suspicion */
        CU_ASSERT(sim_now(s) - t0 <= 30 * SEC); /* two others confirm within their rounds */
        for (int i = 0; i < 5; i++)
            if (i != 3) CU_ASSERT_EQUAL(sim_counts(s, i)->leaves, 1);
        CU_ASSERT(sim_wait_mesh(s, 0));
        CU_ASSERT(sim_wait_state(s, SIM_ALL, 3, -1, 60 * SEC));
        sim_run(s, 60 * SEC);
        CU_ASSERT_EQUAL(sim_state(s, 0, 3), -1); /* nobody brings the name back */
        sim_free(s);
    }
}

static void test_half_of_them_are_killed(void)
{
    struct sim *s = meshed(16, 400);
    for (int i = 8; i < 16; i++) sim_kill(s, i);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 8; k++) CU_ASSERT_EQUAL(sim_state(s, i, k), KITH_ALIVE);
    sim_free(s);
}

/* What others remember of the earlier life has a higher incarnation; the new one hears of it and
 * goes beyond. */
static bool risen_again(struct sim *s, const void *arg)
{
    for (int i = 0; i < 5; i++)
        if (sim_state(s, i, 1) != KITH_ALIVE || sim_incarnation(s, i, 1) < 6) return false;
    return true;
}

static void restarted(uint64_t seed, bool forgotten_as_dead)
{
    struct sim *s = meshed(5, seed);
    for (int i = 0; i < 4; i++) {
        sim_set_meta(s, 1, i & 1 ? "odd" : "");
        sim_run(s, 2 * SEC);
    }
    CU_ASSERT_EQUAL(sim_incarnation(s, 1, 1), 5);
    sim_run(s, 60 * SEC);
    CU_ASSERT_EQUAL(sim_incarnation(s, 0, 1), 5);
    sim_kill(s, 1);
    if (forgotten_as_dead) CU_ASSERT(sim_wait_state(s, SIM_ALL, 1, KITH_DEAD, 60 * SEC));
    sim_restart(s, 1);
    CU_ASSERT_EQUAL(sim_incarnation(s, 1, 1), 1);
    sim_join(s, 1, 0);
    CU_ASSERT(sim_wait(s, risen_again, NULL, 200 * SEC));
    CU_ASSERT(sim_wait_mesh(s, 200 * SEC));
    sim_free(s);
}

static void test_a_restarted_node_refutes_its_earlier_life(void)
{
    restarted(501, true);
    restarted(502, false);
}

static void test_a_left_node_comes_back(void)
{
    struct sim *s = meshed(5, 600);
    sim_leave(s, 1, 5 * SEC);
    sim_run(s, 3 * SEC);
    sim_kill(s, 1);
    sim_restart(s, 1);
    sim_join(s, 1, 0);
    CU_ASSERT(sim_wait_mesh(s, 200 * SEC));
    sim_free(s);
}

static void test_two_nodes_of_one_name(void)
{
    struct sim *s = meshed(5, 700);
    int other = sim_add(s, "n1");
    sim_join(s, other, 0);
    sim_run(s, 60 * SEC);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(sim_counts(s, i)->leaves, 0); /* the first one stays */
        CU_ASSERT_EQUAL(sim_state(s, i, 1), KITH_ALIVE);
    }
    CU_ASSERT(sim_counts(s, 0)->conflicts > 0);     /* and all who meet the other one say so, */
    CU_ASSERT(sim_counts(s, other)->conflicts > 0); /* the other one, too */
    CU_ASSERT_EQUAL(sim_state(s, other, 3), KITH_ALIVE);
    sim_kill(s, other);
    sim_run(s, 60 * SEC);
    CU_ASSERT(sim_wait_state(s, SIM_ALL, 1, KITH_ALIVE, 0));
    sim_free(s);
}

/* --------------------------------------------------------------------------------- all of it */

static uint64_t draw(uint64_t *x)
{
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x >> 16;
}

static void storm(uint64_t seed)
{
    enum { N = 8 };
    enum { UP, PAUSED, DOWN, LEFT } is[N] = {UP};
    struct sim *s = meshed(N, seed);
    uint64_t x = seed * 0x9E3779B97F4A7C15ull;
    for (int i = 0; i < 60; i++) {
        int a = (int)(draw(&x) % N), b = (int)(draw(&x) % N);
        switch (draw(&x) % 12) {
        case 0: sim_cut(s, a, b); break;
        case 1: sim_cut(s, a, SIM_ALL); break;
        case 2:
        case 3: sim_heal(s, SIM_ALL, SIM_ALL); break;
        case 4: sim_loss(s, SIM_ALL, a, (double)(draw(&x) % 60) / 100); break;
        case 5:
            if (is[a] == UP) sim_pause(s, a), is[a] = PAUSED;
            break;
        case 6:
            if (is[a] == PAUSED) sim_resume(s, a), is[a] = UP;
            break;
        case 7: sim_kill(s, a), is[a] = DOWN; break;
        case 8:
            if (is[a] == DOWN) sim_restart(s, a), is[a] = UP;
            if (is[a] == UP) sim_join(s, a, b);
            break;
        case 9:
            if (is[a] == UP) sim_set_meta(s, a, draw(&x) & 1 ? "x" : "y");
            break;
        case 10:
            if (is[a] == UP && draw(&x) % 4 == 0) sim_leave(s, a, 20 * SEC), is[a] = LEFT;
            break;
        case 11:
            if (is[a] == UP) sim_send(s, a, b, "hello", draw(&x) & 1);
            break;
        }
        sim_run(s, draw(&x) % (4 * SEC));
    }
    sim_heal(s, SIM_ALL, SIM_ALL);
    sim_loss(s, SIM_ALL, SIM_ALL, 0);
    for (int i = 0; i < N; i++) {
        if (is[i] == PAUSED) sim_resume(s, i);
        if (is[i] == LEFT) sim_kill(s, i);
        if (is[i] == LEFT || is[i] == DOWN) sim_restart(s, i);
    }
    for (int i = 1; i < N; i++) sim_join(s, i, 0);
    CU_ASSERT(sim_wait_mesh(
        s, 400 * SEC)); /* the last ones by push/pull or by forgetting: that takes minutes */
    sim_run(s, 60 * SEC);
    /* Who left and is back may have been taken for gone by what its earlier life said, as late as
     * that came; it learns that, and objects, with its next push/pull. */
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    sim_free(s);
}

static void test_after_a_storm_all_agree_again(void)
{
    for (uint64_t seed = 1; seed <= 12; seed++) storm(900 + seed);
}

KITH_TESTS(SIM_RING "/faults",
           {"a one-way cut between two is bridged", test_a_one_way_cut_between_two_is_bridged},
           {"a node that hears nothing takes nobody along",
            test_a_node_that_hears_nothing_is_declared_dead_and_takes_nobody_along},
           {"a partition heals by a join", test_a_partition_heals_by_a_join},
           {"a short partition heals by gossip to the dead",
            test_a_short_partition_heals_by_gossip_to_the_dead},
           {"a long partition is forgotten until somebody joins",
            test_a_long_partition_is_forgotten_until_somebody_joins},
           {"a paused node refutes and accuses nobody",
            test_a_paused_node_refutes_and_accuses_nobody},
           {"a long paused node comes back", test_a_long_paused_node_comes_back},
           {"a killed node is suspected, then dead", test_a_killed_node_is_suspected_then_dead},
           {"half of them are killed", test_half_of_them_are_killed},
           {"a restarted node refutes its earlier life",
            test_a_restarted_node_refutes_its_earlier_life},
           {"a left node comes back", test_a_left_node_comes_back},
           {"two nodes of one name", test_two_nodes_of_one_name},
           {"after a storm all agree again", test_after_a_storm_all_agree_again})
