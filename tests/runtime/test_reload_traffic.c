/*
 * test_reload_traffic.c - reloads in the middle of what goes on: pairs of nodes, each pair on a
 * thread of its own, speak while they are given other codecs and another key to seal with, again
 * and again. Nothing that was said is lost.
 *
 * KITH_RELOADS is how often each pair is reloaded (20); .ci/long asks for 1,000.
 */
#include "nodes.h"
#include <pthread.h>

enum { PAIRS = 3 };

struct pair {
    pthread_t thread;
    struct kith_world *world;
    struct kith *k[2];
    char path[2][64];
    unsigned said, sent, refused, heard; /* messages; those sent are through or refused */
    const char *failed;                  /* NULL: all went well. CUnit is the main thread's alone */
};

static void on_message(void *self, const struct kith_message *m)
{
    struct pair *p = self;
    p->heard++;
}
static const struct kith_delegate_ops ears = {.size = sizeof ears, .message = on_message};

static void on_sent(void *arg, int status, uint64_t value)
{
    struct pair *p = arg;
    p->sent++;
    p->refused += status != 0;
}

/* The nth file of a node: whatever the other one sends meanwhile can be opened. */
static void write_nth(const struct pair *p, int i, unsigned n)
{
    static const char *const chains[] = {"{ use: lzw }, { use: crc32 }",
                                         "{ use: lzw }, { use: crc32 }, { use: aes_gcm }",
                                         "{ use: aes_gcm }", "{ use: crc32 }, { use: aes_gcm }"};
    const char *first = n / 2 % 2 ? "A" : "B", *second = n / 2 % 2 ? "B" : "A";
    FILE *f = fopen(p->path[i], "w");
    if (!f) return;
    fprintf(f,
            "node: { name: t%d, profile: local, tcp_timeout: 20s, control: %s.sock, "
            "log: { to: stderr, level: error } }\n"
            "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n"
            "keyring: [ { env: KITH_TEST_KEY_%s }, { env: KITH_TEST_KEY_%s } ]\n"
            "pipeline: { send: [ %s ], require: [], "
            "accept: [ { use: lzw }, { use: crc32 }, { use: aes_gcm } ] }\n",
            i, p->path[i], first, second, chains[n % (sizeof chains / sizeof *chains)]);
    fclose(f);
}

static bool turn_until(const struct pair *p, bool (*holds)(const struct pair *))
{
    for (uint64_t end = seconds() + PATIENCE_SECONDS; !holds(p);) {
        if (seconds() > end) return false;
        kith_loop_turn(kith_world_loop(p->world), 100000000);
    }
    return true;
}
static bool all_is_heard(const struct pair *p) { return p->sent == p->said && p->heard == p->said; }

static bool have_met(const struct pair *p)
{
    struct kith_member m = {.size = sizeof m};
    for (int i = 0; i < 2; i++)
        if (kith_table(p->k[i])->member(kith_table(p->k[i]), kith_text(i ? "t0" : "t1"), &m) ||
            m.state != KITH_ALIVE)
            return false;
    return true;
}

static const char *meet(struct pair *p)
{
    char where[64];
    struct kith_member self = {.size = sizeof self};
    struct kith_options options = {
        .size = sizeof options, .control = "", .delegate = &ears, .delegate_self = p};
    for (int i = 0; i < 2; i++) {
        struct kith_node_setup setup = {.path = p->path[i], .world = p->world};
        write_nth(p, i, 0);
        if (kith_node_open(&p->k[i], &setup, &options, NULL) || kith_start(p->k[i], NULL))
            return "start";
    }
    const struct kith_node *first = kith_table(p->k[0]);
    first->local(first, &self);
    first->format(first, &self.addr, where, sizeof where);
    if (kith_join(p->k[1], where, NULL, NULL)) return "join";
    return turn_until(p, have_met) ? NULL : "meet";
}

/* Both ways and by both ways; nobody waits for it here. */
static int speak(struct pair *p)
{
    int rc = 0;
    for (int i = 0; i < 4; i++) {
        const struct kith_node *t = kith_table(p->k[i & 1]);
        struct kith_peer peer = {.size = sizeof peer, .name = kith_text(i & 1 ? "t0" : "t1")};
        struct kith_message m = {.size = sizeof m,
                                 .flags = i & 2 ? KITH_RELIABLE : 0,
                                 .bytes = kith_text("while you are reloaded"),
                                 .peer = &peer};
        if (!rc) rc = t->send(t, &m, on_sent, p);
        p->said++;
    }
    return rc;
}

static void no_line(void *arg, const char *line) {}

static const char *reload_all_the_time(struct pair *p)
{
    const char *often = getenv("KITH_RELOADS");
    unsigned reloads = often ? (unsigned)atoi(often) : 20;
    for (unsigned n = 1; n <= reloads; n++) {
        int i = n & 1;
        if (speak(p)) return "speak";
        if (n % 3) kith_loop_turn(kith_world_loop(p->world), 0); /* some of it is on its way */
        write_nth(p, i, n);
        if (kith_reload(p->k[i], no_line, NULL, NULL)) return "reload";
        if (speak(p)) return "speak afterwards";
        if (n % 4 == 0 && (!turn_until(p, all_is_heard) || p->refused)) return "hear";
    }
    return have_met(p) ? NULL : "stay together";
}

static void *live(void *arg)
{
    struct pair *p = arg;
    p->failed = meet(p);
    if (!p->failed) p->failed = reload_all_the_time(p);
    for (int i = 0; i < 2; i++) kith_close(p->k[i]);
    return NULL;
}

static void test_nothing_is_lost_by_reloads(void)
{
    struct pair pairs[PAIRS];
    set_keys();
    begin();
    for (int i = 0; i < PAIRS; i++) {
        pairs[i] = (struct pair){.world = kith_world_new(NULL)};
        CU_ASSERT_PTR_NOT_NULL_FATAL(pairs[i].world);
        for (int k = 0; k < 2; k++)
            snprintf(pairs[i].path[k], sizeof pairs[i].path[k], "%s/p%d-%d", dir, i, k);
        CU_ASSERT_EQUAL_FATAL(pthread_create(&pairs[i].thread, NULL, live, &pairs[i]), 0);
    }
    for (int i = 0; i < PAIRS; i++) {
        pthread_join(pairs[i].thread, NULL);
        if (pairs[i].failed)
            printf("\npair %d could not %s; %u said, %u sent, %u refused, %u heard\n", i,
                   pairs[i].failed, pairs[i].said, pairs[i].sent, pairs[i].refused, pairs[i].heard);
        CU_ASSERT_PTR_NULL(pairs[i].failed);
        kith_world_unref(pairs[i].world);
    }
    end();
}

KITH_TESTS("runtime/reload_traffic",
           {"nothing is lost by reloads in the middle of it", test_nothing_is_lost_by_reloads})
