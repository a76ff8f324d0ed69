/*
 * test_choose.c - chance: who is chosen at random, and in which order members are probed
 * (PROTOCOL.md 2.9, 2.11).
 */
#include "choose.h"
#include "core_rig.h"
#include "state.h"

/* A core that knows n members, itself included: m1 is self, m2 to m<n>. */
static void knows(struct rig *r, unsigned n)
{
    rig_init(r);
    r->config.settings.probe_interval = r->config.settings.gossip_interval = 0;
    rig_start(r);
    rig_populate(r, 2, n);
}

static unsigned number(const struct rig *r, const struct kith_record *p)
{
    return p == r->core->self ? 1 : (unsigned)atoi((const char *)kith_record_name(p).data + 1);
}

static bool not_self(struct kith_core *c, const struct kith_record *p) { return p != c->self; }
static bool is_m2(struct kith_core *c, const struct kith_record *p)
{
    return kith_bytes_equal(kith_record_name(p), kith_text("m2"));
}
static bool nobody(struct kith_core *c, const struct kith_record *p) { return false; }

static void test_as_many_as_there_are_and_nobody_twice(void)
{
    static const unsigned sizes[] = {1, 2, 3, 4, 5, 8, 9, 10, 12, 13, 40};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct rig r;
        unsigned n = sizes[i];
        knows(&r, n);
        for (unsigned k = 1; k <= 4; k++) {
            for (int round = 0; round < 100; round++) {
                struct kith_record **chosen = NULL;
                bool seen[41] = {false};
                size_t got = kith_choose(r.core, k, not_self, &chosen);
                CU_ASSERT_EQUAL_FATAL(got, k < n - 1 ? k : n - 1);
                for (size_t at = 0; at < got; at++) {
                    unsigned who = number(&r, chosen[at]);
                    CU_ASSERT_FATAL(who >= 2 && who <= n && !seen[who]);
                    seen[who] = true;
                }
            }
        }
        struct kith_record **chosen = NULL;
        CU_ASSERT_EQUAL(kith_choose(r.core, 3, nobody, &chosen), 0);
        rig_fini(&r);
    }
}

/* Of few members each is found; of many, the one that may be is looked for 3n times. */
static void test_the_only_one(void)
{
    for (unsigned n = 3; n <= 60; n += 57) {
        struct rig r;
        unsigned found = 0;
        knows(&r, n);
        for (int round = 0; round < 1000; round++) {
            struct kith_record **chosen = NULL;
            found += (unsigned)kith_choose(r.core, 3, is_m2, &chosen);
        }
        /* 1 - (1 - 1/60)^180 = 95.1 % */
        CU_ASSERT(n == 3 ? found == 1000 : found > 910 && found < 985);
        rig_fini(&r);
    }
}

/* Each as often as the others in each place, in small clusters and in large ones. */
static void test_everybody_has_the_same_chance(void)
{
    enum { ROUNDS = 6000, K = 2 };
    static const unsigned sizes[] = {5, 7};
    for (size_t i = 0; i < 2; i++) {
        struct rig r;
        unsigned n = sizes[i], times[K][8] = {{0}};
        knows(&r, n);
        for (int round = 0; round < ROUNDS; round++) {
            struct kith_record **chosen = NULL;
            CU_ASSERT_EQUAL_FATAL(kith_choose(r.core, K, not_self, &chosen), K);
            for (size_t at = 0; at < K; at++) times[at][number(&r, chosen[at])]++;
        }
        unsigned even = ROUNDS / (n - 1);
        for (size_t at = 0; at < K; at++)
            for (unsigned who = 2; who <= n; who++)
                CU_ASSERT(times[at][who] > even - even / 8 && times[at][who] < even + even / 8);
        rig_fini(&r);
    }
}

/* A round of probes ends, nobody is gone: the next one is in another order, any order. */
static void test_each_round_is_shuffled(void)
{
    enum { N = 6, ROUNDS = 6000 };
    struct rig r;
    unsigned times[N][N + 1] = {{0}}, same = 0, before[N];
    knows(&r, N);
    struct kith_members *m = &r.core->members;
    for (int round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < N; i++) before[i] = number(&r, kith_members_at(m, i));
        CU_ASSERT_EQUAL(kith_members_reap(m, &r.core->random, r.core, nobody), 0);
        bool seen[N + 1] = {false}, is_same = true;
        for (unsigned i = 0; i < N; i++) {
            unsigned who = number(&r, kith_members_at(m, i));
            CU_ASSERT_FATAL(who >= 1 && who <= N && !seen[who]);
            seen[who] = true;
            times[i][who]++;
            is_same &= who == before[i];
        }
        same += is_same;
    }
    CU_ASSERT(same < 30); /* one of 720 */
    for (unsigned i = 0; i < N; i++)
        for (unsigned who = 1; who <= N; who++)
            CU_ASSERT(times[i][who] > 850 && times[i][who] < 1150);
    rig_fini(&r);
}

/* Who is new may come anywhere in the order, the first place included. */
static void test_newcomers_come_anywhere(void)
{
    unsigned places[5] = {0};
    for (unsigned seed = 1; seed <= 1000; seed++) {
        struct rig r;
        rig_init(&r);
        r.seed = seed * 7919;
        r.config.settings.probe_interval = r.config.settings.gossip_interval = 0;
        rig_start(&r);
        rig_populate(&r, 2, 5);
        for (unsigned i = 0; i < 5; i++)
            if (number(&r, kith_members_at(&r.core->members, i)) == 5) places[i]++;
        rig_fini(&r);
    }
    /* It changes places with one of the four, and does not keep its own. */
    CU_ASSERT_EQUAL(places[4], 0);
    for (unsigned i = 0; i < 4; i++) CU_ASSERT(places[i] > 200 && places[i] < 300);
}

KITH_TESTS("core/choose",
           {"as many as there are, nobody twice", test_as_many_as_there_are_and_nobody_twice},
           {"the only one", test_the_only_one},
           {"everybody has the same chance", test_everybody_has_the_same_chance},
           {"each round is shuffled", test_each_round_is_shuffled},
           {"newcomers come anywhere", test_newcomers_come_anywhere})
