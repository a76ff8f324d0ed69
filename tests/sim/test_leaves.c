/*
 * test_leaves.c - when a leave has returned, who still holds the one that left to be alive? It is
 * stopped then, as a process is that has left.
 */
#include "sim.h"

enum { NODES = 120, LEAVES = 10 };

/* The profile local, where a leave is done after two rounds of gossip. */
static void local(struct kith_settings *set)
{
    set->gossip_interval = 100 * MS;
    set->retransmit_mult = 2;
    set->suspicion_mult = 3;
    set->probe_timeout = 200 * MS;
    set->indirect_checks = 1;
}

static void by_gossip(struct kith_settings *set)
{
    local(set);
    set->leave_direct = 0;
}

static bool ended(struct sim *s, const void *request)
{
    return sim_status(s, *(const int *)request) != 1;
}

struct outcome {
    unsigned unheard; /* of LEAVES * (NODES - 1), fewer as more have left */
    uint64_t longest;
};

/* One after the other. */
static struct outcome leaves(uint64_t seed, void (*tune)(struct kith_settings *), double loss)
{
    struct outcome o = {0};
    struct sim *s = sim_new_tuned(NODES, seed, tune);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    if (loss > 0) sim_loss(s, SIM_ALL, SIM_ALL, loss);
    for (int who = 1; who <= LEAVES; who++) {
        uint64_t from = sim_now(s);
        int q = sim_leave(s, who, 5 * SEC);
        CU_ASSERT(sim_wait(s, ended, &q, 6 * SEC));
        CU_ASSERT_EQUAL(sim_status(s, q), 0);
        if (sim_now(s) - from > o.longest) o.longest = sim_now(s) - from;
        sim_kill(s, who);
        for (int i = 0; i < NODES; i++) {
            if (i > 0 && i <= who) continue;
            int state = sim_state(s, i, who);
            o.unheard += state == KITH_ALIVE || state == KITH_SUSPECT;
        }
        sim_run(s, SEC);
    }
    sim_free(s);
    return o;
}

static void test_all_have_heard(void)
{
    struct outcome o = leaves(1, local, 0), before = leaves(1, by_gossip, 0);
    printf("\n    not heard: %u in %.0f ms; by gossip %u in %.0f ms ", o.unheard,
           (double)o.longest / 1e6, before.unheard, (double)before.longest / 1e6);
    CU_ASSERT_EQUAL(o.unheard, 0);
    CU_ASSERT(o.longest <= before.longest);
    CU_ASSERT(before.unheard > 200);
}

/* Of three tries and what the others pass on, all but nothing is lost. */
static void test_nearly_all_where_packets_are_lost(void)
{
    struct outcome o = leaves(2, local, 0.2), before = leaves(2, by_gossip, 0.2);
    printf("\n    not heard at 20 %% loss: %u in %.0f ms; by gossip %u in %.0f ms ", o.unheard,
           (double)o.longest / 1e6, before.unheard, (double)before.longest / 1e6);
    CU_ASSERT(o.unheard <= 5);
    CU_ASSERT(o.longest <= before.longest + SEC);
    CU_ASSERT(before.unheard > 200);
}

/* Members that have crashed answer nothing: the leave does not wait for them any longer than it
 * takes to tell them thrice. */
static void test_the_silent_are_not_waited_for(void)
{
    struct sim *s = sim_new(10, 3);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    for (int i = 1; i < 10; i++) sim_kill(s, i);
    uint64_t from = sim_now(s);
    int q = sim_leave(s, 0, 0);
    CU_ASSERT(sim_wait(s, ended, &q, 6 * SEC));
    CU_ASSERT_EQUAL(sim_status(s, q), 0);
    CU_ASSERT(sim_now(s) - from <= 1020 * MS);
    sim_free(s);
}

KITH_TESTS("sim/leaves", {"all have heard", test_all_have_heard},
           {"nearly all where packets are lost", test_nearly_all_where_packets_are_lost},
           {"the silent are not waited for", test_the_silent_are_not_waited_for})
