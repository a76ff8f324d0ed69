/*
 * test_thousand.c - a cluster of a thousand: too many for the stack ring.
 */
#include "sim.h"

enum { N = 1000 };

static void test_a_thousand_nodes_join_one_seed(void)
{
    struct sim *s = sim_new(N, 1);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    for (int i = 0; i < N; i++) {
        CU_ASSERT_EQUAL(sim_counts(s, i)->joins, N);
        CU_ASSERT_EQUAL(sim_counts(s, i)->leaves, 0);
        CU_ASSERT_EQUAL(sim_health(s, i), 0);
    }
    sim_free(s);
}

KITH_TESTS("sim/thousand", {"a thousand nodes join one seed", test_a_thousand_nodes_join_one_seed})
