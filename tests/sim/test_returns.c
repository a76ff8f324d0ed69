/*
 * test_returns.c - a name that has left and comes back from another address is not killed by news
 * of its former life, whose incarnation was higher: nobody who took it in loses it again.
 */
#include "sim.h"

enum { NODES = 20, WHO = 5, SEEDS = 12, WATCHED = 60 };

static void gossiped(struct kith_settings *set) { set->leave_direct = 0; }

static void as_memberlist(struct kith_settings *set)
{
    set->leave_direct = 0;
    set->suspicion_doubt_former = false;
}

/* It has said something new a few times, as any node does that lives long. */
static struct sim *cluster(uint64_t seed, void (*tune)(struct kith_settings *))
{
    struct sim *s = sim_new_tuned(NODES, seed, tune);
    sim_join_all(s);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    for (int i = 0; i < 6; i++) {
        sim_set_meta(s, WHO, i % 2 ? "a" : "b");
        sim_run(s, SEC);
    }
    return s;
}

static void leave(struct sim *s)
{
    sim_leave(s, WHO, 5 * SEC);
    sim_run(s, 1500 * MS);
    sim_kill(s, WHO);
}

static void come_back(struct sim *s) { sim_join(s, sim_add(s, "n5"), 0); }

/* How many who had taken it in hold it for dead, or to have left, at some time. The first `others`
 * behind it had not, but know its former life. */
static unsigned losses(struct sim *s, int others)
{
    bool has[NODES] = {false}, lost[NODES] = {false};
    unsigned n = 0;
    for (unsigned i = 0; i < WATCHED * 10; i++) {
        for (int k = 0; k < NODES; k++) {
            if ((k >= WHO && k <= WHO + others) || lost[k]) continue;
            int state = sim_state(s, k, WHO);
            has[k] |= state == KITH_ALIVE;
            lost[k] = has[k] && (state == KITH_DEAD || state == KITH_LEFT);
            n += lost[k];
        }
        sim_run(s, 100 * MS);
    }
    sim_free(s);
    return n;
}

/* Three have missed that it left, and suspect it where it was. While it is away nobody else hears
 * that, so it does not refute when it is back; and when its time is over they tell all others that
 * it is dead. */
static unsigned by_who_heard_no_leave(uint64_t seed, void (*tune)(struct kith_settings *))
{
    static const int side[] = {6, 7, 8};
    struct sim *s = cluster(seed, tune);
    sim_partition(s, side, 3);
    leave(s);
    sim_heal(s, SIM_ALL, SIM_ALL);
    sim_run(s, 6 * SEC);
    come_back(s);
    return losses(s, 3);
}

/* One was cut off when it came back, and says in each push/pull that it has left. Who has left is
 * not gossiped to, and so does not hear of that. */
static unsigned by_who_heard_no_return(uint64_t seed, void (*tune)(struct kith_settings *))
{
    static const int side[] = {6};
    struct sim *s = cluster(seed, tune);
    leave(s);
    sim_partition(s, side, 1);
    come_back(s);
    sim_run(s, 3 * SEC);
    sim_heal(s, SIM_ALL, SIM_ALL);
    return losses(s, 1);
}

static void compare(unsigned (*schedule)(uint64_t, void (*)(struct kith_settings *)),
                    unsigned least)
{
    unsigned fixed = 0, before = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        fixed += schedule(seed, gossiped);
        before += schedule(seed, as_memberlist);
    }
    printf("\n    lost by members that had it: %u; with memberlist's rules %u ", fixed, before);
    CU_ASSERT_EQUAL(fixed, 0);
    CU_ASSERT(before >= least);
}

static void test_by_who_heard_no_leave(void) { compare(by_who_heard_no_leave, 16); }
static void test_by_who_heard_no_return(void) { compare(by_who_heard_no_return, 36); }

KITH_TESTS("sim/returns", {"not killed by who heard of no leave", test_by_who_heard_no_leave},
           {"not killed by who heard of no return", test_by_who_heard_no_return})
