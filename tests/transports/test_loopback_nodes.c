/*
 * test_loopback_nodes.c - whole nodes over loopback in a virtual world: YAML, the .so, pipeline and
 * core. They meet by name, talk, lose each other over cuts and find back, are stopped and go on,
 * read their files again; the same seed gives the same run.
 */
#include "node.h"
#include "test.h"
#include <unistd.h>

#define MS     UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

enum { NODES = 8 };

struct peer {
    struct kith *k;
    char name[16], path[96];
    uint64_t trace; /* of all that it was told */
    size_t heard, bytes, joins, leaves, deaths;
};

static struct kith_world *world;
static struct peer peers[NODES];
static char dir[64], answer[8192];

static uint64_t now(void) { return kith_loop_now(kith_world_loop(world)); }
static void run(uint64_t ns) { kith_loop_run_until(kith_world_loop(world), now() + ns); }

/* ------------------------------------------------------------------------------ the delegates */

static void note(struct peer *p, const void *data, size_t len)
{
    uint64_t when = now();
    for (size_t i = 0; i < sizeof when; i++)
        p->trace = (p->trace ^ ((const uint8_t *)&when)[i]) * 0x100000001b3u;
    for (size_t i = 0; i < len; i++)
        p->trace = (p->trace ^ ((const uint8_t *)data)[i]) * 0x100000001b3u;
}

static void message(void *self, const struct kith_message *m)
{
    struct peer *p = self;
    p->heard++;
    p->bytes += m->bytes.len;
    note(p, m->bytes.data, m->bytes.len);
}

static void event(void *self, const struct kith_event *e)
{
    struct peer *p = self;
    note(p, &e->kind, sizeof e->kind);
    if (e->member) note(p, e->member->name.data, e->member->name.len);
    p->joins += e->kind == KITH_EVENT_JOIN;
    p->leaves += e->kind == KITH_EVENT_LEAVE && e->member->state == KITH_LEFT;
    p->deaths += e->kind == KITH_EVENT_LEAVE && e->member->state == KITH_DEAD;
}

static const struct kith_delegate_ops listens = {
    .size = sizeof listens, .event = event, .message = message};

/* ----------------------------------------------------------------------------------- the nodes */

static void write_config(struct peer *p, const char *settings)
{
    FILE *f = fopen(p->path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fprintf(f,
            "node: { log: { level: error } }\n"
            "transport: { use: loopback, %s }\n",
            settings);
    fclose(f);
}

static void up(int i, const char *settings)
{
    struct peer *p = &peers[i];
    struct kith_options options = {.size = sizeof options,
                                   .control = "",
                                   .delegate = &listens,
                                   .delegate_self = p,
                                   .name = p->name};
    struct kith_node_setup setup = {.path = p->path, .world = world, .problems = stderr};
    struct kith_error err = {.size = sizeof err};
    snprintf(p->name, sizeof p->name, "n%d", i);
    snprintf(p->path, sizeof p->path, "%s/n%d.yaml", dir, i);
    write_config(p, settings);
    if (kith_node_open(&p->k, &setup, &options, &err) || kith_start(p->k, &err))
        CU_FAIL_FATAL(err.text);
}

static void begin(uint64_t seed, const char *settings)
{
    snprintf(dir, sizeof dir, "/tmp/kith-test-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    world = kith_world_new_virtual(NULL, seed);
    memset(peers, 0, sizeof peers);
    for (int i = 0; i < NODES; i++) up(i, settings);
    for (int i = 1; i < NODES; i++) CU_ASSERT_EQUAL(kith_join(peers[i].k, "n0", NULL, NULL), 0);
}

static void end(void)
{
    for (int i = 0; i < NODES; i++) {
        kith_close(peers[i].k);
        unlink(peers[i].path);
    }
    kith_world_unref(world);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

static int state(int observer, const char *name)
{
    struct kith_member m = {.size = sizeof m};
    const struct kith_node *node = kith_table(peers[observer].k);
    return node->member(node, kith_text(name), &m) ? -1 : (int)m.state;
}

static bool all_alive(void)
{
    for (int i = 0; i < NODES; i++)
        for (int k = 0; k < NODES; k++)
            if (peers[i].k && peers[k].k && state(i, peers[k].name) != KITH_ALIVE) return false;
    return true;
}

/* A minute of their time at most. */
#define UNTIL(cond) \
    do { \
        for (uint64_t end_ = now() + 60 * SECOND; !(cond) && now() < end_;) run(10 * MS); \
        CU_ASSERT_TRUE_FATAL(cond); \
    } while (0)

static int take_piece(void *arg, struct kith_bytes piece)
{
    size_t had = strlen(answer);
    snprintf(answer + had, sizeof answer - had, "%.*s", (int)piece.len, (const char *)piece.data);
    return 0;
}

static void answered(void *arg, int status, const char *text) { *(int *)arg = status; }

static void ask(int i, const char *a, const char *b, const char *c)
{
    struct kith_bytes words[] = {kith_text(a), kith_text(b ? b : ""), kith_text(c ? c : "")};
    int status = 1;
    struct kith_asker asker = {.arg = &status, .piece = take_piece, .end = answered};
    struct kith_error err = {.size = sizeof err};
    uint64_t id;
    answer[0] = '\0';
    CU_ASSERT_EQUAL(kith_node_call(peers[i].k, kith_text("loopback"), words,
                                   c   ? 3
                                   : b ? 2
                                       : 1,
                                   0, UINT64_MAX, &asker, &id, &err),
                    0);
    CU_ASSERT_EQUAL(status, 0);
}

static void say(int from, const char *to, size_t len, uint32_t flags)
{
    static uint8_t data[300000];
    struct kith_peer peer = {.size = sizeof peer, .name = kith_text(to)};
    struct kith_message m = {
        .size = sizeof m, .flags = flags, .bytes = kith_bytes_of(data, len), .peer = &peer};
    memset(data, 'x', len);
    const struct kith_node *node = kith_table(peers[from].k);
    CU_ASSERT_EQUAL(node->send(node, &m, NULL, NULL), 0);
}

static double stat_now;
static const char *stat_name, *stat_reason;

static void see_stat(void *arg, const struct kith_stat *s)
{
    if (strcmp(s->name, stat_name)) return;
    for (size_t i = 0; i < s->label_count; i++)
        if (stat_reason && kith_bytes_equal(s->labels[i].value, kith_text(stat_reason)))
            stat_now += s->value;
    if (!stat_reason) stat_now += s->value;
}

static double stat_of(int i, const char *name, const char *reason)
{
    const struct kith_node *node = kith_table(peers[i].k);
    stat_now = 0;
    stat_name = name;
    stat_reason = reason;
    node->stats(node, see_stat, NULL);
    return stat_now;
}

/* -------------------------------------------------------------------------------------- tests */

static void test_they_meet_and_talk(void)
{
    char text[64];
    struct kith_member m = {.size = sizeof m};
    begin(1, "delay: 2ms, jitter: 3ms, loss: 0.02");
    UNTIL(all_alive());
    const struct kith_node *node = kith_table(peers[3].k);
    CU_ASSERT_EQUAL(node->member(node, kith_text("n5"), &m), 0);
    CU_ASSERT_EQUAL(node->format(node, &m.addr, text, sizeof text), 2);
    CU_ASSERT_STRING_EQUAL(text, "n5");
    for (int i = 0; i < 20 && !peers[5].heard; i++) { /* a packet may be lost */
        say(3, "n5", 100, 0);
        run(200 * MS);
    }
    say(3, "n6", 300000, KITH_RELIABLE); /* more than a window */
    UNTIL(peers[5].heard == 1 && peers[6].heard == 1);
    CU_ASSERT_EQUAL(peers[6].bytes, 300000);
    UNTIL(stat_of(3, "packets_dropped", "loss") > 0);
    CU_ASSERT(stat_of(0, "streams_accepted", NULL) >= NODES - 1);

    kith_close(peers[7].k); /* killed */
    peers[7].k = NULL;
    UNTIL(state(0, "n7") == KITH_DEAD);
    node = kith_table(peers[6].k);
    CU_ASSERT_EQUAL(node->leave(node, 5 * SECOND, NULL, NULL), 0);
    UNTIL(state(0, "n6") == KITH_LEFT);
    up(7, "delay: 0");
    CU_ASSERT_EQUAL(kith_join(peers[7].k, "n0", NULL, NULL), 0);
    UNTIL(state(0, "n7") == KITH_ALIVE && state(7, "n0") == KITH_ALIVE);
    end();
}

static void test_a_partition_and_back(void)
{
    begin(2, "delay: 1ms, jitter: 1ms");
    UNTIL(all_alive());
    ask(4, "partition", "n0,n1,n2", "n3,n4,n5,n6,n7");
    CU_ASSERT_STRING_EQUAL(answer, "rule 1: n0,n1,n2 (3) | n3,n4,n5,n6,n7 (5): cut=true\n");
    UNTIL(state(0, "n5") == KITH_DEAD && state(5, "n0") == KITH_DEAD);
    CU_ASSERT_EQUAL(state(0, "n1"), KITH_ALIVE);
    ask(0, "heal", NULL, NULL);
    CU_ASSERT_EQUAL(kith_join(peers[7].k, "n1", NULL, NULL), 0);
    UNTIL(all_alive());
    end();
}

/* A node that is stopped, as by SIGSTOP, does not read: what comes waits, up to its buffer. */
static void test_a_stopped_node(void)
{
    begin(3, "delay: 1ms, receive_buffer: 64KiB");
    UNTIL(all_alive());
    run(5 * SECOND);
    kith_node_pause(peers[2].k, true);
    for (int i = 0; i < 200; i++) {
        say(0, "n2", 1000, 0);
        run(MS);
    }
    CU_ASSERT_EQUAL(peers[2].heard, 0);
    run(SECOND);
    kith_node_pause(peers[2].k, false);
    UNTIL(peers[2].heard > 0);
    run(SECOND);
    CU_ASSERT(peers[2].heard < 200);
    CU_ASSERT(peers[2].heard + stat_of(2, "packets_dropped", "receive_buffer") >= 200);
    UNTIL(all_alive());
    CU_ASSERT_EQUAL(peers[2].deaths, 0);
    end();
}

static void test_a_reload(void)
{
    struct kith_error err = {.size = sizeof err};
    begin(4, "delay: 1ms");
    UNTIL(all_alive());
    say(1, "n2", 200000, KITH_RELIABLE);
    run(MS);
    write_config(&peers[1], "delay: 1ms, loss: 1.0");
    CU_ASSERT_EQUAL(kith_reload(peers[1].k, NULL, NULL, &err), 0);
    ask(0, "links", "n1", "n2");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "delay=1ms jitter=0 loss=1 "));
    ask(0, "links", "n2", "n1");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "loss=0 ")); /* its own only */
    run(SECOND);
    CU_ASSERT_EQUAL(peers[2].heard, 0);
    write_config(&peers[1], "delay: 1ms");
    CU_ASSERT_EQUAL(kith_reload(peers[1].k, NULL, NULL, &err), 0);
    UNTIL(peers[2].heard == 1); /* the stream went over two reloads */
    CU_ASSERT_EQUAL(peers[2].bytes, 200000);

    write_config(&peers[1], "delay: 1ms, address: other"); /* waits for a restart */
    CU_ASSERT_EQUAL(kith_reload(peers[1].k, NULL, NULL, &err), 0);
    say(0, "n1", 10, 0);
    UNTIL(peers[1].heard == 1);
    end();
}

static uint64_t life(uint64_t seed)
{
    uint64_t sum = 0;
    begin(seed, "delay: 1ms, jitter: 4ms, loss: 0.05, duplicate: 0.02, reorder: 0.05");
    run(5 * SECOND);
    kith_node_pause(peers[4].k, true);
    ask(0, "cut", "n0,n1", "n5");
    run(3 * SECOND);
    kith_node_pause(peers[4].k, false);
    kith_close(peers[2].k);
    peers[2].k = NULL;
    run(10 * SECOND);
    for (int i = 0; i < NODES; i++) sum = sum * 31 + peers[i].trace;
    end();
    return sum;
}

static void test_the_same_seed_the_same_run(void)
{
    CU_ASSERT_EQUAL(life(7), life(7));
    CU_ASSERT_NOT_EQUAL(life(7), life(8));
}

KITH_TESTS("transports/loopback_nodes",
           {"they meet, talk, die, leave and come back", test_they_meet_and_talk},
           {"a partition and back", test_a_partition_and_back},
           {"a node that is stopped", test_a_stopped_node},
           {"reload, with a stream under way", test_a_reload},
           {"the same seed, the same run", test_the_same_seed_the_same_run})
