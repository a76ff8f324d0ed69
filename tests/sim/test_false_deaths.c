/*
 * test_false_deaths.c - nobody is declared dead because a refutation was lost, or by somebody who
 * stood still. The same clusters with memberlist's rules show what is gained.
 */
#include "sim.h"

enum { NODES = 10, RUNS = 150, PAUSE_RUNS = 30 };

static void as_memberlist(struct kith_settings *set)
{
    set->suspicion_remind = set->suspicion_ask = set->suspicion_doubt_backlog = false;
}

static void no_doubt(struct kith_settings *set) { set->suspicion_doubt_backlog = false; }

static struct sim *cluster(uint64_t seed, void (*tune)(struct kith_settings *))
{
    struct sim *s = sim_new_tuned(NODES, seed, tune);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    return s;
}

/* How often somebody who is there was taken for dead. */
static unsigned end(struct sim *s)
{
    unsigned wrong = 0;
    for (int i = 0; i < NODES; i++) wrong += sim_counts(s, i)->wrong;
    sim_free(s);
    return wrong;
}

/* 120 s in which 30 % of all packets are lost; streams are whole. */
static unsigned by_loss(uint64_t seed, void (*tune)(struct kith_settings *))
{
    unsigned wrong = 0;
    for (unsigned run = 0; run < RUNS; run++) {
        struct sim *s = cluster(seed + run, tune);
        sim_loss(s, SIM_ALL, SIM_ALL, 0.3);
        sim_run(s, 120 * SEC);
        wrong += end(s);
    }
    return wrong;
}

static void test_by_loss(void)
{
    unsigned fixed = by_loss(1, NULL), others = by_loss(5000, NULL),
             before = by_loss(1, as_memberlist);
    printf("\n    false deaths at 30 %% loss: %u and %u; with memberlist's rules %u ", fixed,
           others, before);
    CU_ASSERT(fixed <= 6 && others <= 8);
    CU_ASSERT(before > 2 * fixed);
}

/* 120 s in which two at a time are stopped, each for 1 to 20 s. */
static unsigned by_pauses(uint64_t seed, void (*tune)(struct kith_settings *))
{
    unsigned wrong = 0;
    for (unsigned run = 0; run < PAUSE_RUNS; run++) {
        struct sim *s = cluster(seed + run, tune);
        uint64_t chance = seed + run, until[2] = {0, 0};
        int who[2] = {0, 1};
        for (uint64_t end_at = sim_now(s) + 120 * SEC; sim_now(s) < end_at; sim_run(s, SEC))
            for (int i = 0; i < 2; i++) {
                if (until[i] > sim_now(s)) continue;
                sim_resume(s, who[i]);
                chance = chance * 6364136223846793005u + 1442695040888963407u; /* Knuth */
                who[i] = (int)(chance >> 33) % (NODES / 2) * 2 + i; /* never both the same */
                until[i] = sim_now(s) + (1 + (chance >> 40) % 20) * SEC;
                sim_pause(s, who[i]);
            }
        for (int i = 0; i < 2; i++) sim_resume(s, who[i]);
        wrong += end(s);
    }
    return wrong;
}

static void test_by_pauses(void)
{
    unsigned now = by_pauses(1, NULL), believing = by_pauses(1, no_doubt);
    printf("\n    by who was stopped: %u; when it believes its backlog %u ", now, believing);
    CU_ASSERT(now * 10 < believing);
}

KITH_TESTS("sim/false_deaths", {"nobody dies of a lost refutation", test_by_loss},
           {"who stood still takes nobody for dead", test_by_pauses})
