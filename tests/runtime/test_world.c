/*
 * test_world.c - several nodes in one world: what they share, who gets a turn, who ends. In virtual
 * time, and without ticks, nothing happens but what a test does.
 */
#include "letters.h"
#include "nodes.h"
#include <pthread.h>
#include <signal.h>

/* ---------------------------------------------------------------------- one config, many nodes */

static struct kith_config shared;

/* No ticks: nothing happens but what a test does. */
static void share_config(void)
{
    struct kith_error err = {.size = sizeof err};
    kith_config_init(&shared, KITH_PROFILE_LOCAL);
    shared.settings.name = "nobody";
    shared.settings.probe_interval = shared.settings.gossip_interval = 0;
    shared.settings.push_pull_interval = shared.settings.queue_check_interval = 0;
    kith_chain_settings(&shared.chain, &shared.settings);
    CU_ASSERT_EQUAL_FATAL(
        kith_entry_init(&shared.transport, &letters_plugin, KITH_PROFILE_LOCAL, NULL, 0, &err), 0);
}

static struct counted {
    struct kith_observer observer;
    unsigned turns;
} counted[NODES];

static void count_turn(void *self) { ((struct counted *)self)->turns++; }

static void keep_line(void *ctx, enum kith_log_level level, const char *line)
{
    struct node *n = ctx;
    size_t have = strlen(n->logged);
    snprintf(n->logged + have, sizeof n->logged - have, "%s\n", line);
}

static void open_shared(int i)
{
    static const char *const names[NODES] = {"n0", "n1", "n2"};
    struct kith_error err = {.size = sizeof err};
    struct kith_node_setup setup = {.config = &shared, .world = world, .problems = stderr};
    struct kith_options options = {.size = sizeof options,
                                   .name = names[i],
                                   .delegate = &watcher,
                                   .delegate_self = &nodes[i],
                                   .log = keep_line,
                                   .log_ctx = &nodes[i]};
    memset(&nodes[i], 0, sizeof nodes[i]);
    CU_ASSERT_EQUAL_FATAL(kith_node_open(&nodes[i].k, &setup, &options, &err), 0);
    struct counted *c = &counted[i];
    *c = (struct counted){.observer = {.self = c, .turn_ended = count_turn}};
    kith_observer_add(nodes[i].k, &c->observer);
    CU_ASSERT_EQUAL_FATAL(kith_start(nodes[i].k, &err), 0);
}

/* All that is under way is done; time stands still. */
static void settle(void)
{
    while (kith_loop_timeout(loop) == 0) kith_loop_turn(loop, 0);
    for (int i = 0; i < NODES; i++) counted[i].turns = 0;
}

static void begin_shared(uint64_t seed)
{
    begin();
    begin_world(kith_world_new_virtual(NULL, seed));
    share_config();
    for (int i = 0; i < NODES; i++) open_shared(i);
    settle();
}

static void end_shared(void)
{
    end();
    kith_entry_fini(&shared.transport);
    kith_config_free(&shared);
}

static void check_turns(unsigned n0, unsigned n1, unsigned n2)
{
    CU_ASSERT_EQUAL(counted[0].turns, n0);
    CU_ASSERT_EQUAL(counted[1].turns, n1);
    CU_ASSERT_EQUAL(counted[2].turns, n2);
    for (int i = 0; i < NODES; i++) counted[i].turns = 0;
}

static struct kith_bytes ping_of(char digit)
{
    static char wire[] = "\x00\x82\xa5SeqNo\x01\xa4Node\xa2n0";
    wire[sizeof wire - 2] = digit;
    return kith_bytes_of(wire, sizeof wire - 1);
}

/* Each has its own name, and says so wherever it is asked; nothing is written into what they share.
 */
static void test_one_config_serves_many_nodes(void)
{
    struct kith_config before;
    begin();
    begin_world(kith_world_new_virtual(NULL, 1));
    share_config();
    before = shared;
    for (int i = 0; i < NODES; i++) open_shared(i);
    for (int i = 0; i < NODES; i++) {
        char name[] = {'n', (char)('0' + i), 0};
        struct kith_member self = {.size = sizeof self};
        const struct kith_node *table = kith_table(nodes[i].k);
        CU_ASSERT_PTR_NOT_NULL(office(name, 2));
        CU_ASSERT_STRING_EQUAL(kith_node_config(nodes[i].k)->settings.name, name);
        table->local(table, &self);
        CU_ASSERT_TRUE(kith_bytes_equal(self.name, kith_text(name)));
        CU_ASSERT_EQUAL(kith_reload(nodes[i].k, NULL, NULL, NULL), -KITH_EUNSUPPORTED);
    }
    kith_close(nodes[1].k); /* what it held is its own */
    nodes[1].k = NULL;
    open_shared(1);
    CU_ASSERT_EQUAL(memcmp(&before, &shared, sizeof shared), 0);
    end_shared();
}

/* ------------------------------------------------------------------------------------- turns */

static void test_only_who_is_touched_gets_a_turn(void)
{
    begin_shared(1);
    kith_loop_turn(loop, 0);
    check_turns(0, 0, 0);

    /* Asked for from outside: a turn comes at once, however often it was. */
    kith_node_wake(nodes[1].k);
    kith_node_wake(nodes[1].k);
    CU_ASSERT_EQUAL(kith_timeout(nodes[0].k), 0);
    kith_loop_turn(loop, 0);
    kith_loop_turn(loop, 0);
    check_turns(0, 1, 0);

    /* A ping from n1 to n2, and the answer. */
    mail("n1", office("n2", 2), ping_of('2'));
    kith_loop_turn(loop, 0);
    check_turns(0, 0, 1);
    kith_loop_turn(loop, 0);
    check_turns(0, 1, 0);
    CU_ASSERT_NOT_EQUAL(kith_loop_timeout(loop), 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[2], "transport_packets_sent", NULL), 1);
    CU_ASSERT_EQUAL(stat_of(&nodes[1], "transport_packets_received", NULL), 1);

    /* A deadline that only one has. */
    kith_loop_timer_set(nodes[2].k->timer, kith_loop_now(loop) + 5);
    kith_loop_run_until(loop, kith_loop_now(loop) + 5);
    check_turns(0, 0, 1);

    /* A command of one of them. */
    const struct kith_node *table = kith_table(nodes[0].k);
    struct kith_bytes meta = kith_text("new");
    CU_ASSERT_EQUAL(table->set_meta(table, &meta, NULL, NULL), 0);
    kith_loop_turn(loop, 0);
    check_turns(1, 0, 0);
    end_shared();
}

static char order[16];

static void note_turn(void *self)
{
    const struct counted *c = self;
    size_t n = strlen(order);
    if (n + 1 < sizeof order) order[n] = (char)('0' + (c - counted)), order[n + 1] = 0;
}

/* So that a run in virtual time repeats exactly. */
static void test_turns_come_in_the_order_of_touching(void)
{
    begin_shared(1);
    for (int i = 0; i < NODES; i++) counted[i].observer.turn_ended = note_turn;
    order[0] = 0;
    kith_node_wake(nodes[2].k);
    kith_node_wake(nodes[0].k);
    kith_node_wake(nodes[2].k);
    kith_node_wake(nodes[1].k);
    kith_loop_turn(loop, 0);
    CU_ASSERT_STRING_EQUAL(order, "201");
    end_shared();
}

/* ------------------------------------------------------------------------------------- pause */

static void test_a_paused_node_stands_still(void)
{
    begin_shared(1);
    struct letters *n0 = office("n0", 2);
    kith_node_wake(nodes[0].k); /* this turn is not to come, either */
    kith_node_pause(nodes[0].k, true);
    kith_node_pause(nodes[0].k, true);
    mail("n1", n0, ping_of('0'));
    kith_loop_timer_set(nodes[0].k->timer, kith_loop_now(loop) + 5);
    kith_node_wake(nodes[0].k);
    struct kith_bytes meta = kith_text("new");
    const struct kith_node *table = kith_table(nodes[0].k);
    CU_ASSERT_EQUAL(table->set_meta(table, &meta, done, &nodes[0]), 0);
    kith_loop_run_until(loop, kith_loop_now(loop) + 10);
    CU_ASSERT_NOT_EQUAL(kith_loop_timeout(loop), 0); /* nobody waits for it in circles */
    check_turns(0, 0, 0);
    CU_ASSERT_EQUAL(nodes[0].done, 0);

    /* The others live on. */
    mail("n1", office("n2", 2), ping_of('2'));
    while (kith_loop_timeout(loop) == 0) kith_loop_turn(loop, 0);
    check_turns(0, 1, 1);

    kith_node_pause(nodes[0].k, false);
    CU_ASSERT_EQUAL(kith_loop_timeout(loop), 0);
    kith_loop_turn(loop, 0);
    check_turns(1, 0, 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "transport_packets_sent", NULL), 1);
    UNTIL(nodes[0].done == 1);
    CU_ASSERT_EQUAL(nodes[0].status, 0);
    end_shared();
}

/* n1 pings n0 and is stopped; the answer comes in time, but n1 goes on long after. */
static void test_what_arrived_counts_before_what_timed_out(void)
{
    begin_shared(1);
    const struct kith_node *table = kith_table(nodes[1].k);
    struct kith_addr addr = address_of("n0");
    struct kith_peer to = {.size = sizeof to, .addr = &addr, .name = kith_text("n0")};
    for (int late = 0; late < 2; late++) {
        CU_ASSERT_EQUAL(table->ping(table, &to, done, &nodes[1]), 0);
        kith_node_pause(nodes[0].k, late); /* no answer: it does time out */
        kith_loop_turn(loop, 0);
        kith_node_pause(nodes[1].k, true);
        kith_loop_run_until(loop, kith_loop_now(loop) + 60000000000u);
        CU_ASSERT_EQUAL(nodes[1].done, (unsigned)late);
        kith_node_pause(nodes[1].k, false);
        kith_loop_turn(loop, 0);
        CU_ASSERT_EQUAL(nodes[1].done, (unsigned)late + 1);
        CU_ASSERT_EQUAL(nodes[1].status, late ? -KITH_ETIMEOUT : 0);
    }
    end_shared();
}

/* The join list is the node's own timer, not an instance's. */
static void test_a_paused_node_joins_nobody(void)
{
    static const struct kith_seed seeds[] = {{.address = "n0"}};
    begin_shared(1);
    kith_close(nodes[1].k);
    shared.join = (struct kith_seeds){seeds, 1};
    open_shared(1);
    kith_node_pause(nodes[1].k, true);
    kith_loop_run_until(loop, kith_loop_now(loop) + 60000000000u);
    CU_ASSERT_STRING_EQUAL(nodes[1].logged, "");
    kith_node_pause(nodes[1].k, false);
    settle();
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[1].logged, "join of n0 failed")); /* there are no streams */
    end_shared();
}

/* -------------------------------------------------------------------------------------- ends */

static struct kith *victim;

static void *stop_it(void *arg)
{
    kith_stop(arg);
    return NULL;
}

static void stop_by_signal(int number) { kith_stop(victim); }

static void stop_by_timer(void *arg) { kith_stop(arg); }

static void test_stopping_one_leaves_the_others(void)
{
    pthread_t thread;
    int code = 1;
    begin();
    for (int i = 0; i < NODES; i++) open_node(&nodes[i], "");
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    CU_ASSERT_EQUAL(join(&nodes[2], &nodes[0]), 0);

    /* From a thread, while its own kith_run() waits. */
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, stop_it, nodes[1].k), 0);
    CU_ASSERT_EQUAL(kith_run(nodes[1].k), 0);
    pthread_join(thread, NULL);
    CU_ASSERT_TRUE(kith_node_ended(nodes[1].k, &code));
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_EQUAL(kith_dispatch(nodes[1].k), -KITH_ECLOSED);
    CU_ASSERT_FALSE(kith_node_ended(nodes[0].k, &code));
    CU_ASSERT_EQUAL(kith_dispatch(nodes[0].k), 0);
    kith_close(nodes[1].k);
    nodes[1].k = NULL;

    /* What had ended keeps nobody else from running. */
    struct kith_timer *timer = kith_loop_timer(loop, stop_by_timer, nodes[2].k);
    kith_loop_timer_set(timer, kith_loop_now(loop) + 1);
    CU_ASSERT_EQUAL(kith_run(nodes[2].k), 0);
    kith_loop_timer_free(timer);
    CU_ASSERT_EQUAL(kith_dispatch(nodes[0].k), 0);

    /* From a signal handler, before it runs. */
    victim = nodes[0].k;
    signal(SIGUSR1, stop_by_signal);
    raise(SIGUSR1);
    signal(SIGUSR1, SIG_DFL);
    CU_ASSERT_EQUAL(kith_run(nodes[0].k), 0);
    end();
}

/* A delegate ends its node with a code of its own. */
static void test_each_ends_with_its_own_code(void)
{
    int code = 0;
    begin();
    for (int i = 0; i < 2; i++) open_node(&nodes[i], "");
    const struct kith_node *table = kith_table(nodes[1].k);
    CU_ASSERT_EQUAL(table->stop(table, -KITH_EIO, "the disk is full"), 0);
    CU_ASSERT_EQUAL(kith_run(nodes[1].k), -KITH_EIO);
    CU_ASSERT_FALSE(kith_node_ended(nodes[0].k, &code));
    kith_stop(nodes[0].k);
    CU_ASSERT_EQUAL(kith_run(nodes[0].k), 0);
    end();
}

/* Whoever made it lets go first; nodes close in any order, in the middle of the others' lives. */
static void test_a_world_lasts_as_long_as_its_nodes(void)
{
    begin();
    kith_world_ref(world); /* end() gives back its own */
    for (int i = 0; i < NODES; i++) open_node(&nodes[i], "");
    kith_world_unref(world);
    for (int i = 1; i < NODES; i++) CU_ASSERT_EQUAL(join(&nodes[i], &nodes[0]), 0);
    kith_close(nodes[1].k);
    nodes[1].k = NULL;
    CU_ASSERT_EQUAL(say(&nodes[2], "n0", "still here", 10, true), 0);
    UNTIL(nodes[0].streams == 1);
    kith_world_unref(world);
    world = NULL;
    kith_close(nodes[0].k);
    nodes[0].k = NULL;
    kith_loop_turn(loop, 0);
    end();
}

KITH_TESTS("runtime/world", {"one config serves many nodes", test_one_config_serves_many_nodes},
           {"only who is touched gets a turn", test_only_who_is_touched_gets_a_turn},
           {"turns come in the order of touching", test_turns_come_in_the_order_of_touching},
           {"a paused node stands still", test_a_paused_node_stands_still},
           {"what arrived counts before what timed out",
            test_what_arrived_counts_before_what_timed_out},
           {"a paused node joins nobody", test_a_paused_node_joins_nobody},
           {"stopping one leaves the others", test_stopping_one_leaves_the_others},
           {"each ends with its own code", test_each_ends_with_its_own_code},
           {"a world lasts as long as its nodes", test_a_world_lasts_as_long_as_its_nodes})
