/*
 * test_stack_repeats.c - a hundred nodes through churn: all agree at the end, and the same seed
 * tells the same, byte for byte: again in this process, and in another one, whose memory lies
 * elsewhere.
 */
#include "stack.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CROWD = 100, ACTS = 120 };

struct run {
    struct kith_world *world;
    struct kith_config *file, config;
    struct kith_cluster *cluster;
    uint64_t chance;
    unsigned told[KITH_CLUSTER_NETWORK + 1]; /* acts, by kind */
};

static struct kith_error err = {.size = sizeof err};

static void count_act(void *ctx, enum kith_cluster_act act, int node, const char *words)
{
    struct run *r = ctx;
    r->told[act]++;
}

static void begin(struct run *r, uint64_t seed, FILE *trace)
{
    static const char text[] = "node: { name: nobody, label: churn }\n"
                               "secret_key: AAECAwQFBgcICQoLDA0ODw==\n"
                               "transport: { use: loopback, delay: 2ms, jitter: 1ms, loss: 0.02 }\n"
                               "delegates: [ { use: log } ]\n";
    *r = (struct run){.world = kith_world_new_virtual(NULL, seed), .chance = seed};
    struct kith_registry *registry = kith_world_registry(r->world);
    struct kith_config_finder finder = kith_registry_finder(registry);
    struct kith_diag *diag = kith_diag_new();
    r->file = kith_config_parse("stack", text, sizeof text - 1, &finder, diag);
    kith_diag_print(diag, stdout);
    kith_diag_free(diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r->file);
    CU_ASSERT_EQUAL_FATAL(kith_cluster_config(&r->config, r->file, registry, NULL, NULL, &err), 0);
    struct kith_cluster_setup setup = {
        .world = r->world, .config = &r->config, .trace = trace, .ctx = r, .act = count_act};
    CU_ASSERT_EQUAL_FATAL(kith_cluster_new(&r->cluster, &setup, &err), 0);
}

static void end(struct run *r)
{
    kith_cluster_free(r->cluster);
    kith_cluster_config_fini(&r->config);
    kith_config_free(r->file);
    kith_world_unref(r->world);
}

static uint64_t draw(struct run *r, uint64_t n)
{
    uint64_t z = r->chance += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (z ^ z >> 31) % n;
}

static void pass(struct run *r, uint64_t time)
{
    kith_cluster_run(r->cluster, kith_cluster_now(r->cluster) + time);
}

static void join(struct run *r, int node)
{
    char seed[16];
    snprintf(seed, sizeof seed, "n%d", (int)draw(r, (uint64_t)kith_cluster_size(r->cluster)));
    CU_ASSERT_EQUAL(kith_cluster_join(r->cluster, node, seed, NULL, NULL, &err), 0);
}

static void change_network(struct run *r)
{
    char words[64];
    int a = (int)draw(r, CROWD / 10), b = (int)draw(r, CROWD);
    if (draw(r, 3))
        snprintf(words, sizeof words, "heal");
    else if (draw(r, 2))
        snprintf(words, sizeof words, "cut n%d* n%d", a, b);
    else
        snprintf(words, sizeof words, "partition n%d*", a);
    CU_ASSERT_EQUAL(kith_cluster_network(r->cluster, words, NULL, NULL, &err), 0);
}

static void act(struct run *r)
{
    struct kith_cluster *c = r->cluster;
    int node = (int)draw(r, CROWD), to = (int)draw(r, CROWD);
    struct kith_bytes text = kith_text("whatever is said");
    if (!kith_cluster_node(c, node)) {
        CU_ASSERT_EQUAL(kith_cluster_start(c, node, &err), 0);
        join(r, node);
        return;
    }
    switch (draw(r, 8)) {
    case 0: CU_ASSERT_EQUAL(kith_cluster_kill(c, node, &err), 0); break;
    case 1: kith_cluster_leave(c, node, 5 * SEC, NULL, NULL, &err); break;
    case 2: kith_cluster_pause(c, node, true, &err); break;
    case 3: kith_cluster_pause(c, node, false, &err); break;
    case 4: change_network(r); break;
    case 5:
        kith_cluster_meta(c, node, kith_bytes_of(text.data, draw(r, 17)), NULL, NULL, &err);
        break;
    case 6: kith_cluster_send(c, node, to, text, draw(r, 2), NULL, NULL, &err); break;
    case 7: kith_cluster_send(c, node, -1, text, false, NULL, NULL, &err); break;
    }
}

static bool agrees(void *arg)
{
    struct run *r = arg;
    return kith_cluster_agrees(r->cluster);
}

/* All that run again, and nothing between them. */
static void calm(struct run *r)
{
    struct kith_cluster *c = r->cluster;
    CU_ASSERT_EQUAL(kith_cluster_network(c, "heal", NULL, NULL, &err), 0);
    for (int i = 0; i < CROWD; i++)
        if (kith_cluster_node(c, i)) kith_cluster_pause(c, i, false, &err);
    pass(r, 10 * SEC); /* who is leaving has left */
    for (int i = 0; i < CROWD; i++)
        if (!kith_cluster_node(c, i)) CU_ASSERT_EQUAL(kith_cluster_start(c, i, &err), 0);
    for (int i = 1; i < CROWD; i++)
        CU_ASSERT_EQUAL(kith_cluster_join(c, i, "n0", NULL, NULL, &err), 0);
    for (int i = 0; i < 60 && !agrees(r); i++) pass(r, 10 * SEC);
    CU_ASSERT(agrees(r));
}

static void put(void *arg, struct kith_bytes text) { fwrite(text.data, 1, text.len, arg); }

static void churn(uint64_t seed, FILE *trace, struct run *r)
{
    begin(r, seed, trace);
    for (int i = 0; i < CROWD; i++) {
        CU_ASSERT_EQUAL_FATAL(kith_cluster_add(r->cluster, NULL, NULL, &err), i);
        CU_ASSERT_EQUAL_FATAL(kith_cluster_start(r->cluster, i, &err), 0);
        if (i) CU_ASSERT_EQUAL(kith_cluster_join(r->cluster, i, "n0", NULL, NULL, &err), 0);
        pass(r, draw(r, SEC / 10));
    }
    for (int i = 0; i < ACTS; i++) {
        act(r);
        pass(r, draw(r, 2 * SEC));
    }
    calm(r);
    /* And every packet that was sent. */
    CU_ASSERT_EQUAL(kith_cluster_network(r->cluster, "stats", put, trace, &err), 0);
    end(r);
}

static char *trace_of(uint64_t seed, size_t *len)
{
    struct run r;
    char *text = NULL;
    FILE *trace = open_memstream(&text, len);
    churn(seed, trace, &r);
    fclose(trace);
    return text;
}

static void test_a_hundred_nodes_churn(void)
{
    struct run r;
    FILE *nowhere = fopen("/dev/null", "w");
    for (uint64_t seed = 1; seed <= 3; seed++) {
        churn(seed, nowhere, &r);
        for (int i = KITH_CLUSTER_START; i <= KITH_CLUSTER_NETWORK; i++) CU_ASSERT(r.told[i] > 0);
    }
    fclose(nowhere);
}

static void test_the_same_seed_tells_the_same(void)
{
    size_t len[3];
    char *text[3];
    for (int i = 0; i < 3; i++) text[i] = trace_of(i < 2 ? 7 : 8, &len[i]);
    CU_ASSERT(len[0] > 100000);
    CU_ASSERT_EQUAL_FATAL(len[0], len[1]);
    CU_ASSERT_EQUAL(memcmp(text[0], text[1], len[0]), 0);
    CU_ASSERT(len[0] != len[2] || memcmp(text[0], text[2], len[0]) != 0);
    for (int i = 0; i < 3; i++) free(text[i]);
}

/* ------------------------------------------------------------------------- in another process */

static char *read_all(FILE *f, size_t *len)
{
    char *text = NULL, block[4096];
    FILE *out = open_memstream(&text, len);
    for (size_t n; (n = fread(block, 1, sizeof block, f));) fwrite(block, 1, n, out);
    fclose(out);
    return text;
}

/* The same test is run there; it sees by its environment that it is the other one. */
static void run_elsewhere(const char *path, const char *more)
{
    extern char **environ;
    char into[256], program[] = "test", only[] = "in another process";
    char *argv[] = {program, only, NULL}, *env[512];
    size_t n = 0;
    posix_spawn_file_actions_t silent;
    pid_t child;
    int status;
    snprintf(into, sizeof into, "KITH_TRACE_TO=%s", path);
    env[n++] = into;
    env[n++] = (char *)(uintptr_t)more;
    for (char **e = environ; *e && n < 511; e++) env[n++] = *e;
    env[n] = NULL;
    posix_spawn_file_actions_init(&silent);
    posix_spawn_file_actions_addopen(&silent, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    CU_ASSERT_EQUAL_FATAL(posix_spawn(&child, "/proc/self/exe", &silent, NULL, argv, env), 0);
    posix_spawn_file_actions_destroy(&silent);
    CU_ASSERT_EQUAL_FATAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
}

static void test_the_same_in_another_process(void)
{
    const char *to = getenv("KITH_TRACE_TO");
    struct run r;
    if (to) {
        FILE *trace = fopen(to, "w");
        CU_ASSERT_PTR_NOT_NULL_FATAL(trace);
        churn(9, trace, &r);
        fclose(trace);
        return;
    }
    char path[] = "/tmp/kith-stack-XXXXXX";
    size_t here_len, there_len;
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    run_elsewhere(path, "LANG=tr_TR.UTF-8");
    char *here = trace_of(9, &here_len);
    FILE *f = fdopen(fd, "r");
    char *there = read_all(f, &there_len);
    fclose(f);
    unlink(path);
    CU_ASSERT_EQUAL_FATAL(here_len, there_len);
    CU_ASSERT_EQUAL(memcmp(here, there, here_len), 0);
    free(here);
    free(there);
}

KITH_TESTS("stack/repeats", {"a hundred nodes churn", test_a_hundred_nodes_churn},
           {"the same seed tells the same", test_the_same_seed_tells_the_same},
           {"the same in another process", test_the_same_in_another_process})
