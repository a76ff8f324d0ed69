/*
 * test_joins.c - mass joins: all join one seed in the same moment, and all know all in seconds.
 *
 * KITH_JOINS="1000 20" in the environment prints what 1,000 nodes take with 20 seeds, as memberlist
 * does it and as Kith does: seconds until all know all, and what a node sends until then and in 60
 * seconds.
 */
#include "sim.h"
#include "engine.h"

enum { MEMBERLIST, KITH, CALM = 60 };

static void tune(struct kith_settings *s)
{
    s->max_members = 10000;
    s->max_streams = 4096; /* of which strangers have three quarters: nobody is refused */
}

static void tune_memberlist(struct kith_settings *s)
{
    tune(s);
    s->push_pull_young = 0;
    s->gossip_burst = 1;
}

/* Of one node, on average. */
struct cost {
    double push_pulls, young, stream_kb, packets, packet_kb, bursts;
};

static void add_stat(void *arg, const struct kith_stat *st)
{
    struct cost *c = arg;
    if (strcmp(st->name, "push_pulls_sent") == 0) c->push_pulls += st->value;
    if (strcmp(st->name, "push_pulls_young") == 0) c->young += st->value;
    if (strcmp(st->name, "stream_bytes_sent") == 0) c->stream_kb += st->value / 1e3;
    if (strcmp(st->name, "packets_sent") == 0) c->packets += st->value;
    if (strcmp(st->name, "packet_bytes_sent") == 0) c->packet_kb += st->value / 1e3;
    if (strcmp(st->name, "gossip_bursts") == 0) c->bursts += st->value;
}

static struct cost cost(const struct sim *s)
{
    struct cost c = {0};
    for (int i = 0; i < s->n; i++) kith_core_stats(s->nodes[i]->core, add_stat, &c);
    return (struct cost){c.push_pulls / s->n, c.young / s->n,     c.stream_kb / s->n,
                         c.packets / s->n,    c.packet_kb / s->n, c.bursts / s->n};
}

/* Seconds. Whom the seed has no room for tries again half a second later, as a node does. */
static double whole_view(struct sim *s)
{
    uint64_t from = sim_now(s);
    int *joins = calloc((size_t)s->n, sizeof *joins);
    for (int i = 1; i < s->n; i++) joins[i] = sim_join(s, i, 0);
    for (int tries = 0; tries < 3 && !sim_wait_mesh(s, 500 * MS); tries++)
        for (int i = 1; i < s->n; i++)
            if (sim_status(s, joins[i]) < 0) joins[i] = sim_join(s, i, 0);
    free(joins);
    CU_ASSERT(sim_wait_mesh(s, 120 * SEC));
    return (double)(sim_now(s) - from) / 1e9;
}

static void test_all_know_all_in_seconds(void)
{
    struct sim *s = sim_new_tuned(1000, 1, tune);
    double seconds = whole_view(s);
    struct cost c = cost(s);
    CU_ASSERT(seconds <= 4);
    CU_ASSERT(c.push_pulls <= 7 && c.bursts > 0);
    sim_free(s);
}

/* Small ones, where nobody has to wait for a push/pull that comes in half a minute. */
static void test_no_straggler(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim *s = sim_new_tuned(50, seed, tune);
        CU_ASSERT(whole_view(s) <= 4);
        sim_free(s);
    }
}

/* In a calm cluster both gains cost nothing: from the end of their youth on nodes send the same. */
static void test_a_calm_cluster_pays_nothing(void)
{
    struct cost c[2];
    for (int i = 0; i < 2; i++) {
        struct sim *s = sim_new_tuned(20, 3, i == KITH ? tune : tune_memberlist);
        whole_view(s);
        sim_run(s, 60 * SEC);
        struct cost before = cost(s);
        sim_run(s, 600 * SEC);
        c[i] = cost(s);
        CU_ASSERT_EQUAL(c[i].young, before.young);
        CU_ASSERT_EQUAL(c[i].bursts, before.bursts);
        c[i].packets -= before.packets;
        c[i].push_pulls -= before.push_pulls;
        sim_free(s);
    }
    CU_ASSERT_DOUBLE_EQUAL(c[KITH].packets, c[MEMBERLIST].packets, 0.01 * c[MEMBERLIST].packets);
    CU_ASSERT_DOUBLE_EQUAL(c[KITH].push_pulls, c[MEMBERLIST].push_pulls, 1);
}

/* ------------------------------------------------------------------------------- the long form */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void add(struct cost *sum, struct cost c, int seeds)
{
    sum->push_pulls += c.push_pulls / seeds;
    sum->stream_kb += c.stream_kb / seeds;
    sum->packet_kb += c.packet_kb / seeds;
}

static void row(int how, unsigned nodes, int seeds)
{
    double *took = calloc((size_t)seeds, sizeof *took);
    struct cost then = {0}, after = {0};
    for (int i = 0; i < seeds; i++) {
        struct sim *s = sim_new_tuned(nodes, (uint64_t)i + 1, how == KITH ? tune : tune_memberlist);
        uint64_t end = sim_now(s) + CALM * SEC;
        took[i] = whole_view(s);
        add(&then, cost(s), seeds);
        if (sim_now(s) < end) sim_run(s, end - sim_now(s));
        add(&after, cost(s), seeds);
        sim_free(s);
    }
    qsort(took, (size_t)seeds, sizeof *took, by_size);
    printf("\n%-12s %5u nodes, %d seeds: %.2f / %.2f / %.2f s; push/pulls %.2f, then %.2f; stream "
           "kB %.0f, then %.0f; packet kB %.0f, then %.0f",
           how == KITH ? "Kith's" : "memberlist's", nodes, seeds, took[0], took[seeds / 2],
           took[seeds - 1], then.push_pulls, after.push_pulls, then.stream_kb, after.stream_kb,
           then.packet_kb, after.packet_kb);
    fflush(stdout);
    free(took);
}

static void test_figures(void)
{
    unsigned nodes;
    int seeds;
    const char *env = getenv("KITH_JOINS");
    if (!env || sscanf(env, "%u %d", &nodes, &seeds) != 2 || seeds < 1) return;
    row(KITH, nodes, seeds);
    row(MEMBERLIST, nodes, seeds);
}

KITH_TESTS("sim/joins", {"all know all in seconds", test_all_know_all_in_seconds},
           {"no straggler", test_no_straggler},
           {"a calm cluster pays nothing", test_a_calm_cluster_pays_nothing},
           {"figures, when asked for", test_figures})
