/*
 * test_stack_life.c - what is done to a cluster from outside, and what it says to that: names,
 * lives, goodbyes, the network's commands, the trace.
 */
#include "cluster.h"

#include "../lan_settings.h"
#include "../test.h"

static struct kith_error err = {.size = sizeof err};
static struct kith_world *world;
static struct kith_config *file, config;
static struct kith_cluster *cluster;
static char *trace_text;
static size_t trace_len;
static FILE *trace;

static void begin(int nodes)
{
    static const char text[] = "node: { name: nobody }\n"
                               "transport: { use: loopback, delay: 1ms }\n";
    world = kith_world_new_virtual(NULL, 5);
    struct kith_registry *registry = kith_world_registry(world);
    struct kith_config_finder finder = kith_registry_finder(registry);
    struct kith_diag *diag = kith_diag_new();
    file = kith_config_parse("file", text, strlen(text), &finder, diag);
    kith_diag_free(diag);
    CU_ASSERT_EQUAL_FATAL(kith_cluster_config(&config, file, registry, NULL, NULL, &err), 0);
    trace = open_memstream(&trace_text, &trace_len);
    struct kith_cluster_setup setup = {.world = world, .config = &config, .trace = trace};
    CU_ASSERT_EQUAL_FATAL(kith_cluster_new(&cluster, &setup, &err), 0);
    for (int i = 0; i < nodes; i++)
        CU_ASSERT_EQUAL_FATAL(kith_cluster_add(cluster, NULL, NULL, &err), i);
}

static void start(int first, int last)
{
    for (int i = first; i <= last; i++)
        CU_ASSERT_EQUAL_FATAL(kith_cluster_start(cluster, i, &err), 0);
}

static void end(void)
{
    kith_cluster_free(cluster);
    kith_cluster_config_fini(&config);
    kith_config_free(file);
    kith_world_unref(world);
    fclose(trace);
    free(trace_text);
}

static void pass(uint64_t time) { kith_cluster_run(cluster, kith_cluster_now(cluster) + time); }

static bool traced(const char *line)
{
    fflush(trace);
    return strstr(trace_text, line) != NULL;
}

static void joined(int nodes)
{
    begin(nodes);
    start(0, nodes - 1);
    for (int i = 1; i < nodes; i++)
        CU_ASSERT_EQUAL(kith_cluster_join(cluster, i, "n0", NULL, NULL, &err), 0);
    pass(10 * SEC);
    CU_ASSERT(kith_cluster_agrees(cluster));
}

static void test_names(void)
{
    begin(40); /* more than it has room for at first */
    CU_ASSERT_EQUAL(kith_cluster_add(cluster, "web", NULL, &err), 40);
    CU_ASSERT_EQUAL(kith_cluster_add(cluster, "web", NULL, &err), 41);
    CU_ASSERT_STRING_EQUAL(kith_cluster_name(cluster, 39), "n39");
    CU_ASSERT_EQUAL(kith_cluster_find(cluster, kith_text("n39")), 39);
    CU_ASSERT_EQUAL(kith_cluster_find(cluster, kith_text("web")), 40); /* the first */
    CU_ASSERT_EQUAL(kith_cluster_find(cluster, kith_text("n42")), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(kith_cluster_size(cluster), 42);
    end();
}

static void test_a_real_world_is_refused(void)
{
    struct kith_world *real = kith_world_new(NULL);
    struct kith_cluster_setup setup = {.world = real, .config = &config};
    struct kith_cluster *none = cluster;
    CU_ASSERT_EQUAL(kith_cluster_new(&none, &setup, &err), -KITH_EINVAL);
    CU_ASSERT_PTR_NULL(none);
    kith_world_unref(real);
}

static void test_lives(void)
{
    begin(2);
    CU_ASSERT_EQUAL(kith_cluster_start(cluster, 2, &err), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 0, &err), -KITH_ECLOSED);
    CU_ASSERT_EQUAL(kith_cluster_pause(cluster, 0, true, &err), -KITH_ECLOSED);
    CU_ASSERT_EQUAL(kith_cluster_join(cluster, 0, "n1", NULL, NULL, &err), -KITH_ECLOSED);
    start(0, 1);
    CU_ASSERT_EQUAL(kith_cluster_start(cluster, 0, &err), -KITH_EEXIST);
    CU_ASSERT_EQUAL(kith_cluster_running(cluster), 2);
    CU_ASSERT_EQUAL(kith_cluster_pause(cluster, 0, true, &err), 0);
    CU_ASSERT_TRUE(kith_cluster_is_paused(cluster, 0));
    CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 0, &err), 0); /* SIGKILL needs no SIGCONT */
    CU_ASSERT_PTR_NULL(kith_cluster_node(cluster, 0));
    CU_ASSERT_EQUAL(kith_cluster_state(cluster, 0, 0), -1);
    CU_ASSERT_EQUAL(kith_cluster_running(cluster), 1);
    start(0, 0);
    CU_ASSERT_FALSE(kith_cluster_is_paused(cluster, 0));
    CU_ASSERT_EQUAL(kith_cluster_lives(cluster, 0), 2);
    CU_ASSERT_EQUAL(kith_cluster_lives(cluster, 1), 1);
    end();
}

/* A second one of an address can't start, and leaves nothing behind. */
static void test_a_start_that_fails(void)
{
    begin(1);
    CU_ASSERT_EQUAL(kith_cluster_add(cluster, "n0", NULL, &err), 1);
    start(0, 0);
    CU_ASSERT_EQUAL(kith_cluster_start(cluster, 1, &err), -KITH_EADDRINUSE);
    CU_ASSERT_PTR_NULL(kith_cluster_node(cluster, 1));
    CU_ASSERT_EQUAL(kith_cluster_running(cluster), 1);
    CU_ASSERT_EQUAL(kith_cluster_lives(cluster, 1), 0);
    pass(SEC);
    end();
}

static void note_status(void *arg, int status, uint64_t value) { *(int *)arg = status; }

static void test_a_goodbye_ends_the_node(void)
{
    int status = 1;
    joined(5);
    CU_ASSERT_EQUAL(kith_cluster_leave(cluster, 3, 20 * SEC, note_status, &status, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(kith_cluster_node(cluster, 3)); /* not at once */
    pass(20 * SEC);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_PTR_NULL(kith_cluster_node(cluster, 3));
    CU_ASSERT(traced("n3 leave\n"));
    CU_ASSERT(traced("n3 end left\n"));
    for (int i = 0; i < 5; i++)
        if (i != 3) CU_ASSERT_EQUAL(kith_cluster_state(cluster, i, 3), KITH_LEFT);
    CU_ASSERT(kith_cluster_agrees(cluster));
    start(3, 3);
    CU_ASSERT_FALSE(kith_cluster_agrees(cluster));
    end();
}

static void test_a_goodbye_cut_short(void)
{
    int status = 1;
    joined(3);
    CU_ASSERT_EQUAL(kith_cluster_leave(cluster, 1, 20 * SEC, note_status, &status, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 1, &err), 0);
    CU_ASSERT_EQUAL(status, -KITH_ECLOSED);
    start(1, 1);
    pass(SEC);
    CU_ASSERT_PTR_NOT_NULL(kith_cluster_node(cluster, 1));
    CU_ASSERT_EQUAL(kith_cluster_leave(cluster, 2, 20 * SEC, note_status, &status, &err), 0);
    end(); /* the last one ends with the cluster */
}

/* What a delegate may do: end its node. */
static void test_a_node_that_ends_by_itself(void)
{
    joined(3);
    const struct kith_node *table = kith_table(kith_cluster_node(cluster, 1));
    CU_ASSERT_EQUAL(table->stop(table, -KITH_EIO, "the disk is full"), 0);
    pass(SEC);
    CU_ASSERT_PTR_NULL(kith_cluster_node(cluster, 1));
    CU_ASSERT(traced("n1 end "));
    CU_ASSERT_FALSE(traced("n1 end left"));
    end();
}

/* --------------------------------------------------------------------------------- the network */

static void collect(void *arg, struct kith_bytes text)
{
    char *out = arg;
    size_t have = strlen(out);
    snprintf(out + have, 4096 - have, "%.*s", (int)text.len, (const char *)text.data);
}

static bool links_say(const char *words)
{
    char answer[4096] = "";
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "links", collect, answer, &err), 0);
    return strstr(answer, words) != NULL;
}

/* Before anybody is there, and over a time without anybody. */
static void test_the_network_remembers(void)
{
    begin(2);
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "links", NULL, NULL, &err), -KITH_ECLOSED);
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "set all n1 loss=20%", NULL, NULL, &err), 0);
    start(0, 1);
    CU_ASSERT(links_say("\"loss\":0.2"));
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "cut n0 n1", NULL, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "cut n0", NULL, NULL, &err), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "usage"));
    CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 0, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 1, &err), 0);
    start(0, 1);
    CU_ASSERT(links_say("\"loss\":0.2"));
    CU_ASSERT(links_say("\"cut\":true"));
    CU_ASSERT_EQUAL(kith_cluster_pause(cluster, 0, true, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_pause(cluster, 1, true, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "heal", NULL, NULL, &err), 0);
    CU_ASSERT_FALSE(links_say("\"cut\":true"));
    CU_ASSERT(traced("- network cut n0 n1\n"));
    CU_ASSERT_FALSE(traced("links"));
    end();
}

static void test_a_wrong_command_fails_the_first_start(void)
{
    begin(1);
    CU_ASSERT_EQUAL(kith_cluster_network(cluster, "set all all loss=much", NULL, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_start(cluster, 0, &err), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "loss"));
    CU_ASSERT_EQUAL(kith_cluster_running(cluster), 0);
    end();
}

/* -------------------------------------------------------------------------------- the trace */

static void test_the_trace_tells_what_happens(void)
{
    struct kith_bytes text = kith_text("hello");
    joined(4);
    CU_ASSERT_EQUAL(kith_cluster_kill(cluster, 2, &err), 0);
    pass(40 * SEC);
    CU_ASSERT_EQUAL(kith_cluster_send(cluster, 0, 1, text, true, NULL, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_send(cluster, 0, -1, text, true, NULL, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_cluster_meta(cluster, 0, text, NULL, NULL, &err), 0);
    pass(10 * SEC);
    CU_ASSERT(traced("0.000000000 n0 start\n0.000000000 n0 joined n0 1\n"));
    CU_ASSERT(traced("0.000000000 n3 join n0\n"));
    CU_ASSERT(traced("10.000000000 n2 kill\n"));
    CU_ASSERT(traced(" suspect n2 1 by n"));
    CU_ASSERT(traced("n0 dead n2 1 by n"));
    CU_ASSERT(traced("50.000000000 n0 send n1 5 reliable\n"));
    CU_ASSERT(traced("n1 message 5 reliable\n"));
    CU_ASSERT(traced("50.000000000 n0 send all 5\n"));
    CU_ASSERT(traced("n3 message 5\n"));
    CU_ASSERT(traced("50.000000000 n0 meta 5\n"));
    CU_ASSERT(traced("n3 update n0 2\n"));
    end();
}

static void count_met(void *arg, int status, uint64_t value)
{
    if (status == 0) ++*(int *)arg;
}

/* More than there are places for push/pulls: they wait for each other, and nobody is refused. */
static void test_all_join_one_seed_in_one_moment(void)
{
    enum { NODES = 300 };
    int met = 0;
    begin(NODES);
    start(0, NODES - 1);
    for (int i = 1; i < NODES; i++)
        CU_ASSERT_EQUAL(kith_cluster_join(cluster, i, "n0", count_met, &met, &err), 0);
    pass(2 * SEC);
    CU_ASSERT_EQUAL(met, NODES - 1);
    end();
}

KITH_TESTS("stack/life", {"names", test_names},
           {"a real world is refused", test_a_real_world_is_refused}, {"lives", test_lives},
           {"all join one seed in one moment", test_all_join_one_seed_in_one_moment},
           {"a start that fails", test_a_start_that_fails},
           {"a goodbye ends the node", test_a_goodbye_ends_the_node},
           {"a goodbye cut short", test_a_goodbye_cut_short},
           {"a node that ends by itself", test_a_node_that_ends_by_itself},
           {"the network remembers", test_the_network_remembers},
           {"a wrong command fails the first start", test_a_wrong_command_fails_the_first_start},
           {"the trace tells what happens", test_the_trace_tells_what_happens})
