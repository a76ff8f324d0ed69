/*
 * test_stack_measure.c - what a measurement says of a cluster to which a test did things whose
 * outcome is known.
 */
#include "measure.h"

#include "../lan_settings.h"
#include "../test.h"
#include "sample.h"

enum { NODES = 20 };

static struct kith_error err = {.size = sizeof err};
static struct kith_world *world;
static struct kith_config *file, config;
static struct kith_cluster *cluster;
static struct kith_measure *m;
static struct kith_result r;
static unsigned passed_on;
static struct kith_bytes got; /* the last message's, malloc'd */

static void count(void *ctx, enum kith_cluster_act act, int node, const char *words)
{
    ++*(unsigned *)ctx;
}

static void keep(void *ctx, int node, const struct kith_message *message)
{
    free((void *)(uintptr_t)got.data);
    uint8_t *copy = malloc(message->bytes.len + 1);
    memcpy(copy, message->bytes.data, message->bytes.len);
    got = kith_bytes_of(copy, message->bytes.len);
}

static void begin_traced(FILE *trace, bool measured, int nodes)
{
    static const char text[] = "node: { name: nobody, metric_labels: { site: here } }\n"
                               "transport: { use: loopback, delay: 1ms, jitter: 1ms }\n";
    world = kith_world_new_virtual(NULL, 1);
    struct kith_registry *registry = kith_world_registry(world);
    struct kith_config_finder finder = kith_registry_finder(registry);
    struct kith_diag *diag = kith_diag_new();
    file = kith_config_parse("file", text, strlen(text), &finder, diag);
    kith_diag_free(diag);
    CU_ASSERT_EQUAL_FATAL(kith_cluster_config(&config, file, registry, NULL, NULL, &err), 0);
    struct kith_cluster_setup setup = {.world = world,
                                       .config = &config,
                                       .trace = trace,
                                       .ctx = &passed_on,
                                       .message = keep,
                                       .act = count};
    passed_on = 0;
    m = kith_measure_new();
    if (measured) kith_measure_watch(m, &setup);
    CU_ASSERT_EQUAL_FATAL(kith_cluster_new(&cluster, &setup, &err), 0);
    for (int i = 0; i < nodes; i++) {
        CU_ASSERT_EQUAL_FATAL(kith_cluster_add(cluster, NULL, NULL, &err), i);
        CU_ASSERT_EQUAL_FATAL(kith_cluster_start(cluster, i, &err), 0);
    }
    if (measured) kith_measure_begin(m, cluster, SEC);
}

static void pass(uint64_t time) { kith_measure_run(m, kith_cluster_now(cluster) + time); }

static void join_all(void)
{
    kith_measure_happening(m, "join", "join all");
    for (int i = 1; i < NODES; i++)
        CU_ASSERT_EQUAL(kith_cluster_join(cluster, i, "n0", NULL, NULL, &err), 0);
    pass(30 * SEC);
    CU_ASSERT(kith_cluster_agrees(cluster));
}

static void begin(void)
{
    begin_traced(NULL, true, NODES);
    join_all();
}

static void finish(void)
{
    CU_ASSERT_EQUAL(kith_measure_end(m, &r), 0);
    kith_cluster_free(cluster);
    kith_measure_free(m);
    kith_cluster_config_fini(&config);
    kith_config_free(file);
    kith_world_unref(world);
}

static const struct kith_happening *happening(const char *kind)
{
    for (size_t i = 0; i < r.happening_count; i++)
        if (strcmp(r.happenings[i].kind, kind) == 0) return &r.happenings[i];
    CU_FAIL_FATAL("no such happening");
    return NULL;
}

static double at(const char *curve, size_t i)
{
    const struct kith_curve *c = kith_result_curve(&r, curve);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    CU_ASSERT_FATAL(i < c->count);
    return c->values[i];
}

static double sum(const char *curve)
{
    double s = 0;
    const struct kith_curve *c = kith_result_curve(&r, curve);
    for (size_t i = 0; i < c->count; i++) s += c->values[i];
    return s;
}

/* ----------------------------------------------------------------------------- distributions */

static void test_a_sample(void)
{
    struct kith_sample s = {0};
    struct kith_spread out;
    kith_sample_end(&s, &out);
    CU_ASSERT_EQUAL(out.count, 0);
    CU_ASSERT_PTR_NULL(out.values);
    for (int i = 100; i > 0; i--) CU_ASSERT(kith_sample_add(&s, i));
    kith_sample_end(&s, &out);
    CU_ASSERT_EQUAL(out.count, 100);
    CU_ASSERT_EQUAL(out.min, 1);
    CU_ASSERT_EQUAL(out.p50, 51);
    CU_ASSERT_EQUAL(out.p95, 96);
    CU_ASSERT_EQUAL(out.p99, 100);
    CU_ASSERT_EQUAL(out.max, 100);
    CU_ASSERT_EQUAL(out.mean, 50.5);
    CU_ASSERT_EQUAL(out.value_count, 100);
    CU_ASSERT_EQUAL(out.values[1], 2);
    free(out.values);
}

static void test_a_sample_of_more_than_it_keeps(void)
{
    enum { MANY = 50 * KITH_SAMPLE_KEPT };
    struct kith_sample s = {0};
    struct kith_spread out;
    bool ok = true;
    for (int i = 0; i < MANY; i++) ok &= kith_sample_add(&s, i);
    CU_ASSERT(ok);
    kith_sample_end(&s, &out);
    CU_ASSERT_EQUAL(out.count, MANY);
    CU_ASSERT_EQUAL(out.value_count, KITH_SAMPLE_KEPT);
    CU_ASSERT_EQUAL(out.max, MANY - 1);
    CU_ASSERT_EQUAL(out.mean, (MANY - 1) / 2.0);
    CU_ASSERT_DOUBLE_EQUAL(out.p50 / MANY, 0.5, 0.02);
    CU_ASSERT_DOUBLE_EQUAL(out.p95 / MANY, 0.95, 0.01);
    free(out.values);
}

/* -------------------------------------------------------------------------------------- views */

static void test_a_join(void)
{
    begin();
    finish();
    CU_ASSERT_EQUAL(r.nodes, NODES);
    CU_ASSERT_EQUAL(r.lives, NODES);
    CU_ASSERT_EQUAL(r.full_view.count, NODES);
    CU_ASSERT(r.full_view.min > 0);
    CU_ASSERT(r.full_view.max < 30);
    CU_ASSERT_DOUBLE_EQUAL(r.time, 30, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(r.node_seconds, 30 * NODES, 1e-6);
    const struct kith_happening *h = happening("join");
    CU_ASSERT_STRING_EQUAL(h->text, "join all");
    CU_ASSERT_EQUAL(h->at, 0);
    CU_ASSERT_EQUAL(h->about, NODES - 1);
    CU_ASSERT_EQUAL(h->to_tell, (NODES - 1) * (NODES - 1));
    CU_ASSERT_EQUAL(h->told.count, h->to_tell);
    CU_ASSERT_EQUAL(h->noticed.count, h->about);
    CU_ASSERT(h->noticed.max <= h->told.max);
    CU_ASSERT_EQUAL(at("members_least", 29), NODES);
    CU_ASSERT_EQUAL(r.at_end.running, NODES);
    CU_ASSERT_EQUAL(r.at_end.right, NODES);
    CU_ASSERT_EQUAL(r.at_end.least, NODES);
    CU_ASSERT_EQUAL(at("running", 0), NODES);
    CU_ASSERT_EQUAL(r.suspicions + r.deaths + r.refutations, 0);
    kith_result_free(&r);
}

/* Whole; without one that is paused, whatever is thought of it; and split for good. */
static void test_views_at_the_end(void)
{
    enum { FEW = 5 };
    begin();
    kith_measure_happening(m, "stop", "stop n3");
    CU_ASSERT_EQUAL(kith_cluster_pause(cluster, 3, true, &err), 0);
    pass(60 * SEC);
    finish();
    CU_ASSERT_EQUAL(r.at_end.running, NODES - 1);
    CU_ASSERT_EQUAL(r.at_end.right, NODES - 1);
    CU_ASSERT_EQUAL(r.at_end.least, NODES - 1);
    CU_ASSERT_EQUAL(r.at_end.most, NODES - 1);
    kith_result_free(&r);

    begin();
    for (int i = 0; i < FEW; i++) {
        char cut[64];
        for (int j = FEW; j < NODES; j++) {
            snprintf(cut, sizeof cut, "cut n%d n%d --both", i, j);
            CU_ASSERT_EQUAL(kith_cluster_network(cluster, cut, NULL, NULL, &err), 0);
        }
    }
    pass(90 * SEC);
    finish();
    CU_ASSERT_EQUAL(r.at_end.running, NODES);
    CU_ASSERT_EQUAL(r.at_end.right, 0);
    CU_ASSERT_EQUAL(r.at_end.least, FEW);
    CU_ASSERT_EQUAL(r.at_end.most, NODES - FEW);
    kith_result_free(&r);
}

/* Nobody has heard yet that it is gone. */
static void test_views_of_who_is_gone(void)
{
    begin();
    CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 7, &err), 0);
    finish();
    CU_ASSERT_EQUAL(r.at_end.running, NODES - 1);
    CU_ASSERT_EQUAL(r.at_end.right, 0);
    CU_ASSERT_EQUAL(r.at_end.least, NODES - 1);
    kith_result_free(&r);
}

static void start_and_join(int node)
{
    CU_ASSERT_EQUAL_FATAL(kith_cluster_add(cluster, NULL, NULL, &err), node);
    CU_ASSERT_EQUAL(kith_cluster_start(cluster, node, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_join(cluster, node, "n0", NULL, NULL, &err), 0);
}

/* Each comes some time after the one before. Who knows all that run in between, as all of them do
 * at once, does not know all that come; and n4, which goes before the last, never does. */
static void test_a_join_spread_over_time(void)
{
    enum { COME = 9 };
    begin_traced(NULL, true, 1);
    int joining = kith_measure_happening(m, "join", "join all over 9s");
    for (int i = 1; i <= COME; i++) {
        kith_measure_again(m, joining);
        start_and_join(i);
        if (i < COME) pass(SEC);
        if (i != 4) continue;
        CU_ASSERT(kith_cluster_agrees(cluster));
        kith_measure_happening(m, "kill", "kill n4");
        CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 4, &err), 0);
    }
    uint64_t last = kith_cluster_now(cluster);
    for (int i = 0; i < 1000 && kith_cluster_state(cluster, 1, COME) != KITH_ALIVE; i++)
        pass(SEC / 100);
    double n1 = (double)(kith_cluster_now(cluster) - last) / 1e9;
    pass(30 * SEC);
    kith_measure_happening(m, "leave", "leave n3");
    CU_ASSERT_EQUAL(kith_cluster_leave(cluster, 3, 0, NULL, NULL, &err), 0);
    pass(10 * SEC); /* what it knew when counts on */
    finish();
    CU_ASSERT_EQUAL(r.lives, COME + 1);
    CU_ASSERT_EQUAL(r.full_view.count, COME);
    CU_ASSERT_EQUAL(r.full_view.min, 0); /* n0, which was alone when it began */
    CU_ASSERT(r.full_view.values[1] > 0.001);
    CU_ASSERT(r.full_view.max >= n1 - 0.01);
    CU_ASSERT(r.full_view.max < 10);
    /* Each of the nine that stay of the eight others, but for n0, which does not come; and what n4
     * was told, and others of it, before it was gone. */
    const struct kith_happening *h = happening("join");
    CU_ASSERT_EQUAL(h->about, COME);
    CU_ASSERT_EQUAL(h->to_tell, 8 * 8 + 3 + 4);
    CU_ASSERT_EQUAL(h->told.count, h->to_tell);
    CU_ASSERT(h->told.max < 5); /* who comes last does not wait eight seconds for the first */
    CU_ASSERT(h->noticed.max < 1);
    kith_result_free(&r);
}

static void test_a_kill_and_a_restart(void)
{
    begin();
    kith_measure_happening(m, "kill", "kill n7 n8");
    CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 7, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 8, &err), 0);
    pass(40 * SEC);
    kith_measure_happening(m, "restart", "restart n7");
    CU_ASSERT_EQUAL(kith_cluster_start(cluster, 7, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_join(cluster, 7, "n1", NULL, NULL, &err), 0);
    pass(30 * SEC);
    finish();
    const struct kith_happening *kill = happening("kill"), *restart = happening("restart");
    CU_ASSERT_EQUAL(kill->at, 30);
    CU_ASSERT_EQUAL(kill->about, 2);
    CU_ASSERT_EQUAL(kill->noticed.count, 2);
    CU_ASSERT(kill->noticed.min > 0.1); /* a probe has to fail */
    CU_ASSERT_EQUAL(kill->told.count, 2 * (NODES - 2));
    CU_ASSERT_EQUAL(kill->to_tell, kill->told.count); /* neither of the other */
    CU_ASSERT_EQUAL(kill->silent, 2);
    CU_ASSERT_EQUAL(kill->dead, 2);
    CU_ASSERT(kill->suspected_by > 0);
    CU_ASSERT(kill->suspected_by <= kill->to_suspect);
    CU_ASSERT_EQUAL(kill->to_suspect, 2 * (NODES - 2));
    CU_ASSERT(kill->told.min >= kill->noticed.min + 3); /* and a suspicion to expire */
    CU_ASSERT(kill->told.max < 40);
    CU_ASSERT_EQUAL(restart->about, 1);
    CU_ASSERT_EQUAL(restart->told.count, NODES - 2);
    CU_ASSERT_EQUAL(restart->to_tell, NODES - 2);
    CU_ASSERT_EQUAL(restart->silent, 0);
    CU_ASSERT_EQUAL(r.lives, NODES + 1);
    CU_ASSERT_EQUAL(r.full_view.count, NODES + 1);
    CU_ASSERT(r.suspicions >= 2);
    CU_ASSERT(r.deaths >= 2);
    CU_ASSERT_EQUAL(r.false_suspicions, 0);
    CU_ASSERT_EQUAL(r.false_deaths, 0);
    CU_ASSERT_EQUAL(sum("deaths"), (double)r.deaths);
    CU_ASSERT_EQUAL(at("running", 35), NODES - 2);
    CU_ASSERT_EQUAL(at("members_most", 69), NODES - 2);
    CU_ASSERT_DOUBLE_EQUAL(r.node_seconds, 30.0 * NODES + 40 * (NODES - 2) + 30 * (NODES - 1),
                           1e-6);
    kith_result_free(&r);
}

static void test_a_pause_a_leave_and_meta(void)
{
    begin();
    kith_measure_happening(m, "pause", "pause n3");
    CU_ASSERT_EQUAL(kith_cluster_pause(cluster, 3, true, &err), 0);
    pass(40 * SEC);
    kith_measure_happening(m, "resume", "resume n3");
    CU_ASSERT_EQUAL(kith_cluster_pause(cluster, 3, false, &err), 0);
    pass(40 * SEC);
    kith_measure_happening(m, "meta", "meta n2");
    CU_ASSERT_EQUAL(kith_cluster_meta(cluster, 2, kith_text("new"), NULL, NULL, &err), 0);
    pass(20 * SEC);
    kith_measure_happening(m, "leave", "leave n5");
    CU_ASSERT_EQUAL(kith_cluster_leave(cluster, 5, 10 * SEC, NULL, NULL, &err), 0);
    pass(20 * SEC);
    finish();
    CU_ASSERT_EQUAL(happening("pause")->told.count, NODES - 1);
    CU_ASSERT_EQUAL(happening("resume")->told.count, NODES - 1);
    CU_ASSERT_EQUAL(happening("meta")->told.count, NODES - 1);
    CU_ASSERT_EQUAL(happening("leave")->told.count, NODES - 1);
    CU_ASSERT(happening("leave")->told.min < 2);
    CU_ASSERT_EQUAL(r.false_suspicions, 0);
    CU_ASSERT_EQUAL(r.false_deaths, 0);
    CU_ASSERT(r.refutations > 0);
    CU_ASSERT_EQUAL(passed_on, NODES + NODES - 1 + 2 + 1 + 2); /* all acts, whoever wanted them */
    kith_result_free(&r);
}

/* It was not gone for anybody, so nobody has anything to hear. */
static void test_a_restart_at_once(void)
{
    begin();
    kith_measure_happening(m, "restart", "restart n7");
    CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 7, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_start(cluster, 7, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_join(cluster, 7, "n1", NULL, NULL, &err), 0);
    pass(30 * SEC);
    finish();
    CU_ASSERT_EQUAL(happening("restart")->about, 1);
    CU_ASSERT_EQUAL(happening("restart")->silent, 0);
    CU_ASSERT_EQUAL(happening("restart")->to_tell, 0);
    CU_ASSERT_EQUAL(happening("restart")->told.count, 0);
    kith_result_free(&r);
}

/* Nobody is told of a stop that ends before a suspicion does. What comes long after it is of what
 * was done then: a cut owns the deaths that it leads to, and not those of who was killed. */
static void test_who_owns_a_death(void)
{
    begin();
    kith_measure_happening(m, "stop", "stop n3 for 3s");
    CU_ASSERT_EQUAL(kith_cluster_pause(cluster, 3, true, &err), 0);
    pass(3 * SEC);
    kith_measure_happening(m, "continue", "end of stop n3 for 3s");
    CU_ASSERT_EQUAL(kith_cluster_pause(cluster, 3, false, &err), 0);
    pass(10 * SEC);
    kith_measure_happening(m, "cut", "cut all n3");
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "cut all n3", NULL, NULL, &err), 0);
    pass(40 * SEC);
    kith_measure_happening(m, "heal", "heal");
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "heal", NULL, NULL, &err), 0);
    pass(60 * SEC);
    CU_ASSERT(kith_cluster_agrees(cluster));
    kith_measure_happening(m, "set", "set all all delay=2ms");
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "set all all delay=2ms", NULL, NULL, &err), 0);
    kith_measure_happening(m, "kill", "kill n7");
    CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 7, &err), 0);
    pass(40 * SEC);
    finish();
    const struct kith_happening *stop = happening("stop"), *cut = happening("cut");
    CU_ASSERT_EQUAL(stop->about, 1);
    CU_ASSERT_EQUAL(stop->silent, 1);
    CU_ASSERT_EQUAL(stop->noticed.count, 1);
    CU_ASSERT(stop->noticed.max < 3);
    CU_ASSERT(stop->suspected_by > 0);
    CU_ASSERT_EQUAL(stop->to_suspect, NODES - 1);
    CU_ASSERT_EQUAL(stop->dead + stop->to_tell + stop->told.count, 0);
    CU_ASSERT(happening("continue")->told.count > 0);
    CU_ASSERT_EQUAL(happening("continue")->told.count, happening("continue")->to_tell);
    CU_ASSERT(happening("continue")->told.max < 10);
    CU_ASSERT(cut->suspected_by > 0);
    CU_ASSERT(cut->dead > 0);
    CU_ASSERT_EQUAL(cut->told.count, cut->dead);
    CU_ASSERT(cut->told.min > 5); /* a suspicion of twenty nodes takes that long */
    CU_ASSERT_EQUAL(happening("set")->suspected_by + happening("set")->dead, 0);
    CU_ASSERT_EQUAL(happening("set")->noticed.count, 0);
    CU_ASSERT_EQUAL(happening("kill")->dead, 1);
    CU_ASSERT_EQUAL(happening("kill")->told.count, NODES - 1);
    kith_result_free(&r);
}

/* Who is cut off is accused with good reason; who hears badly, is not. */
static void test_what_is_false(void)
{
    begin();
    kith_measure_happening(m, "cut", "cut all n3");
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "cut all n3", NULL, NULL, &err), 0);
    pass(20 * SEC);
    finish();
    CU_ASSERT(r.suspicions > 0);
    CU_ASSERT_EQUAL(happening("cut")->about, 0);
    CU_ASSERT_EQUAL(happening("cut")->noticed.count, 1);
    CU_ASSERT_EQUAL(r.false_suspicions, 0);
    kith_result_free(&r);

    begin();
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "set all n3 loss=100%", NULL, NULL, &err), 0);
    pass(20 * SEC);
    finish();
    CU_ASSERT(r.suspicions > 0);
    CU_ASSERT_EQUAL(r.false_suspicions, 0);
    kith_result_free(&r);

    begin();
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "set all n3 loss=95%", NULL, NULL, &err), 0);
    pass(60 * SEC);
    finish();
    CU_ASSERT(r.suspicions > 0);
    CU_ASSERT(r.false_suspicions > 0);
    CU_ASSERT(r.false_suspicions <= r.suspicions);
    kith_result_free(&r);
}

/* ----------------------------------------------------------------------------------- messages */

static void test_messages(void)
{
    begin();
    kith_measure_happening(m, "send", "send n1 n2");
    CU_ASSERT_EQUAL(kith_measure_send(m, 1, 2, 100, true, NULL, NULL, &err), 0);
    pass(5 * SEC);
    kith_measure_happening(m, "broadcast", "broadcast n1");
    CU_ASSERT_EQUAL(kith_measure_send(m, 1, -1, 4, false, NULL, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_measure_send(m, 1, -1, 4, false, NULL, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_measure_send(m, 1, 3, 50, false, NULL, NULL, &err), 0);
    pass(20 * SEC);
    finish();
    CU_ASSERT_EQUAL(r.happening_count, 1); /* the join: of messages others say it all */
    CU_ASSERT_EQUAL_FATAL(r.message_count, 3);
    CU_ASSERT(!r.messages[0].broadcast);
    CU_ASSERT_STRING_EQUAL(r.messages[0].text, "send n1 n2");
    CU_ASSERT_EQUAL(r.messages[0].bytes, 100);
    CU_ASSERT_EQUAL(r.messages[0].to_get, 1);
    CU_ASSERT_EQUAL(r.messages[0].got.count, 1);
    CU_ASSERT(r.messages[0].got.max > 0.001);
    CU_ASSERT(!r.messages[1].broadcast); /* kept apart, though both are of one happening */
    CU_ASSERT_EQUAL(r.messages[1].to_get, 1);
    CU_ASSERT_EQUAL(r.messages[1].got.count, 1);
    CU_ASSERT(r.messages[2].broadcast);
    CU_ASSERT_EQUAL(r.messages[2].messages, 2);
    CU_ASSERT_EQUAL(r.messages[2].bytes, 16);
    CU_ASSERT_EQUAL(r.messages[2].to_get, 2 * (NODES - 1));
    CU_ASSERT(r.messages[2].got.count > 6); /* raw: by its origin alone, some times */
    CU_ASSERT(r.messages[2].got.count <= r.messages[2].to_get);
    kith_result_free(&r);
}

/* Else a codec that makes messages smaller would make nothing of these. */
static void test_what_is_in_a_message(void)
{
    enum { LEN = 1000, MARK = 16 };
    unsigned times[256] = {0}, most = 0;
    begin();
    kith_measure_happening(m, "send", "send n1 n2");
    CU_ASSERT_EQUAL(kith_measure_send(m, 1, 2, LEN, true, NULL, NULL, &err), 0);
    pass(5 * SEC);
    finish();
    CU_ASSERT_EQUAL_FATAL(got.len, LEN);
    for (size_t i = MARK; i < LEN; i++) times[got.data[i]]++;
    for (int i = 0; i < 256; i++)
        if (times[i] > most) most = times[i];
    CU_ASSERT(most < 30);
    kith_result_free(&r);
}

static bool after_some_turns(void *arg) { return ++*(unsigned *)arg > 3; }

static void test_it_stops_in_the_turn(void)
{
    unsigned turns = 0;
    begin();
    CU_ASSERT_TRUE(kith_measure_run_till(m, 90 * SEC, after_some_turns, &turns));
    CU_ASSERT(kith_cluster_now(cluster) < 31 * SEC);
    finish();
    CU_ASSERT(r.time >= 30 && r.time < 31);
    kith_result_free(&r);
}

/* ------------------------------------------------------------------------------------ traffic */

static const struct kith_message_rate *rate(const char *message)
{
    for (size_t i = 0; i < r.traffic_count; i++)
        if (strcmp(r.traffic[i].message, message) == 0) return &r.traffic[i];
    CU_FAIL_FATAL("no such message");
    return NULL;
}

/* Of all nodes, as the network itself counted it. */
static double of_network(const char *stats, const char *number)
{
    double all = 0;
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", number);
    for (const char *at = stats; (at = strstr(at, key));) all += strtod(at += strlen(key), NULL);
    return all;
}

static void append(void *arg, struct kith_bytes text) { fwrite(text.data, 1, text.len, arg); }

/* Each probes somebody once a second, and is answered. */
static void test_traffic(void)
{
    char *stats = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&stats, &len);
    begin();
    pass(90 * SEC);
    kith_measure_happening(m, "kill", "kill n1");
    CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 1, &err), 0); /* what it did counts on */
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "stats", append, out, &err), 0);
    fclose(out);
    finish();
    CU_ASSERT_DOUBLE_EQUAL(r.packets_sent * r.node_seconds, of_network(stats, "packets_sent"), 0.1);
    CU_ASSERT_DOUBLE_EQUAL(r.packet_bytes_sent * r.node_seconds, of_network(stats, "bytes_sent"),
                           0.1);
    CU_ASSERT_DOUBLE_EQUAL(r.stream_bytes_sent * r.node_seconds,
                           of_network(stats, "stream_bytes_sent"), 0.1);
    free(stats);
    CU_ASSERT_DOUBLE_EQUAL(rate("ping")->count, 1, 0.05);
    CU_ASSERT_DOUBLE_EQUAL(rate("ack")->count, rate("ping")->count, 0.05);
    CU_ASSERT(rate("ping")->bytes > 20 * rate("ping")->count);
    CU_ASSERT(rate("alive")->count > 1); /* of the join */
    CU_ASSERT(rate("push_pull")->count > 2.0 * (NODES - 1) / (120 * NODES));
    CU_ASSERT(r.packets_sent >= 2);
    CU_ASSERT(r.packet_bytes_sent > 30 * r.packets_sent);
    CU_ASSERT(r.stream_bytes_sent > 0);
    CU_ASSERT_EQUAL(r.packets_dropped, 0);
    double packets = sum("packets_sent") * NODES; /* of steps of a second */
    CU_ASSERT_DOUBLE_EQUAL(packets / r.node_seconds, r.packets_sent, 0.01);
    CU_ASSERT(at("queue_most", 0) > 0);
    CU_ASSERT_EQUAL(at("queue_most", 119), 0);
    CU_ASSERT(r.cpu > 0);
    CU_ASSERT(r.memory > 1000000);
    kith_result_free(&r);
}

/* Each came once, whole, with a head of its own. */
static void test_traffic_on_streams(void)
{
    begin();
    double users = 3, bytes = 3 * 2000;
    kith_measure_happening(m, "send", "send n1 to n2, n3, n4");
    for (int to = 2; to < 5; to++)
        CU_ASSERT_EQUAL(kith_measure_send(m, 1, to, 2000, true, NULL, NULL, &err), 0);
    pass(5 * SEC);
    finish();
    CU_ASSERT_DOUBLE_EQUAL(rate("user")->count * r.node_seconds, users, 1e-6);
    CU_ASSERT(rate("user")->bytes * r.node_seconds >= bytes);
    CU_ASSERT(rate("user")->bytes * r.node_seconds < bytes + 3 * 40);
    kith_result_free(&r);
}

static char *trace_of(bool measured, size_t *len)
{
    char *text;
    FILE *trace = open_memstream(&text, len);
    begin_traced(trace, measured, NODES);
    for (int i = 1; i < NODES; i++)
        CU_ASSERT_EQUAL(kith_cluster_join(cluster, i, "n0", NULL, NULL, &err), 0);
    for (int i = 1; i < 10; i++) {
        if (measured)
            pass(5 * SEC);
        else
            kith_cluster_run(cluster, kith_cluster_now(cluster) + 5 * SEC);
        CU_ASSERT_EQUAL(kith_cluster_kill(cluster, i, &err), 0);
    }
    if (measured) {
        finish();
        kith_result_free(&r);
    } else {
        kith_cluster_free(cluster);
        kith_measure_free(m);
        kith_cluster_config_fini(&config);
        kith_config_free(file);
        kith_world_unref(world);
    }
    fclose(trace);
    return text;
}

static void test_measuring_changes_nothing(void)
{
    size_t len[2];
    char *text[] = {trace_of(true, &len[0]), trace_of(false, &len[1])};
    CU_ASSERT_EQUAL_FATAL(len[0], len[1]);
    CU_ASSERT(len[0] > 1000);
    CU_ASSERT_EQUAL(memcmp(text[0], text[1], len[0]), 0);
    free(text[0]);
    free(text[1]);
}

/* It has no memory and no numbers, and was there for no time. */
static void test_a_node_that_can_not_be_opened(void)
{
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    begin_traced(NULL, true, 2);
    CU_ASSERT_EQUAL(kith_cluster_add(cluster, name, NULL, &err), 2);
    CU_ASSERT(kith_cluster_start(cluster, 2, &err) < 0);
    CU_ASSERT_PTR_NULL(kith_cluster_node(cluster, 2));
    CU_ASSERT_STRING_NOT_EQUAL(err.text, "");
    pass(5 * SEC);
    finish();
    CU_ASSERT_EQUAL(at("running", 4), 2);
    kith_result_free(&r);
}

KITH_TESTS("stack/measure", {"a sample", test_a_sample},
           {"a sample of more than it keeps", test_a_sample_of_more_than_it_keeps},
           {"a join", test_a_join}, {"views at the end", test_views_at_the_end},
           {"views of who is gone", test_views_of_who_is_gone},
           {"a join spread over time", test_a_join_spread_over_time},
           {"a kill and a restart", test_a_kill_and_a_restart},
           {"a pause, a leave and meta", test_a_pause_a_leave_and_meta},
           {"a restart at once", test_a_restart_at_once},
           {"who owns a death", test_who_owns_a_death}, {"what is false", test_what_is_false},
           {"messages", test_messages}, {"what is in a message", test_what_is_in_a_message},
           {"it stops in the turn", test_it_stops_in_the_turn}, {"traffic", test_traffic},
           {"traffic of messages on streams", test_traffic_on_streams},
           {"a node that can't be opened", test_a_node_that_can_not_be_opened},
           {"measuring changes nothing", test_measuring_changes_nothing})
