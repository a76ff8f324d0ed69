/*
 * test_loopback_threads.c - nodes on threads of their own, each with a real loop, on one network:
 * while they talk, links change under them, one of them comes and goes, and several want one
 * address. Made for ThreadSanitizer (`.ci/long threads`), but it must hold anywhere.
 */
#include "node.h"
#include "test.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { THREADS = 3, WANTED = 300, LIVES = 5, FIGHTS = 100, PATIENCE_SECONDS = 60 };

struct peer {
    pthread_t thread;
    char name[8], text[256];
    struct kith_world *world;
    struct kith *k;
    size_t packets, streams; /* heard in this life */
    double broken;
    const char *failed;
};

static struct peer peers[THREADS];
static atomic_int ready; /* how many have all they wanted */

static uint64_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

static void message(void *self, const struct kith_message *m)
{
    struct peer *p = self;
    if (m->flags & KITH_RELIABLE)
        p->streams++;
    else
        p->packets++;
}

static const struct kith_delegate_ops listens = {.size = sizeof listens, .message = message};

static const char *up(struct peer *p)
{
    struct kith_options options = {.size = sizeof options,
                                   .control = "",
                                   .delegate = &listens,
                                   .delegate_self = p,
                                   .name = p->name};
    snprintf(p->text, sizeof p->text,
             "node: { profile: local, log: { level: error } }\n"
             "transport: { use: loopback, network: threads, delay: 100us, jitter: 100us, "
             "duplicate: 0.1 }\n"
             "join: [ t0, t1, t2 ]\n");
    struct kith_node_setup setup = {.path = "thread.yaml",
                                    .text = p->text,
                                    .len = strlen(p->text),
                                    .world = p->world,
                                    .problems = stderr};
    p->packets = p->streams = 0;
    if (kith_node_open(&p->k, &setup, &options, NULL)) return "open";
    return kith_start(p->k, NULL) ? "start" : NULL;
}

static void say(struct peer *p, const char *to, size_t len, uint32_t flags)
{
    static const uint8_t data[20000];
    struct kith_peer peer = {.size = sizeof peer, .name = kith_text(to)};
    struct kith_message m = {
        .size = sizeof m, .flags = flags, .bytes = kith_bytes_of(data, len), .peer = &peer};
    /* Nobody of that name yet, or more than is taken: the next time. */
    (void)kith_table(p->k)->send(kith_table(p->k), &m, NULL, NULL);
}

static int ignore_piece(void *arg, struct kith_bytes piece) { return 0; }
static void ignore_end(void *arg, int status, const char *text) {}

static void ask(struct peer *p, const char *command, const char *a, const char *b, const char *c)
{
    struct kith_bytes words[] = {kith_text(command), kith_text(a), kith_text(b), kith_text(c)};
    struct kith_asker asker = {.piece = ignore_piece, .end = ignore_end};
    uint64_t id;
    (void)kith_node_call(p->k, kith_text("loopback"), words,
                         *c   ? 4
                         : *b ? 3
                         : *a ? 2
                              : 1,
                         0, UINT64_MAX, &asker, &id, NULL);
}

/* Talk until there was enough of it; the first one changes links meanwhile. */
static const char *talk(struct peer *p, bool until_all)
{
    struct kith_loop *loop = kith_world_loop(p->world);
    bool said = false;
    uint64_t end = seconds() + PATIENCE_SECONDS;
    for (unsigned round = 0;; round++) {
        bool enough = p->packets >= WANTED && p->streams >= 20;
        if (enough && !said && until_all) atomic_fetch_add(&ready, 1);
        said |= enough;
        if (enough && (!until_all || atomic_load(&ready) == THREADS)) return NULL;
        if (seconds() > end) return "talk";
        for (int i = 0; i < THREADS; i++) {
            if (&peers[i] == p) continue;
            for (int n = 0; n < 5; n++) say(p, peers[i].name, 500, 0);
            if (round % 4 == 0) say(p, peers[i].name, 20000, KITH_RELIABLE);
        }
        if (p == &peers[0] && round % 20 == 0) {
            ask(p, "set", "t0", "t1", "loss=20%");
            ask(p, "cut", "t1", "t2", "");
            ask(p, "links", "", "", "");
        }
        if (p == &peers[0] && round % 20 == 10) ask(p, "heal", "all", "", "");
        if (round % 30 == 5) ask(p, "stats", "", "", "");
        for (int turns = 0; turns < 5; turns++) kith_loop_turn(loop, 1000000);
    }
}

static void *live(void *arg)
{
    struct peer *p = arg;
    int lives = p == &peers[THREADS - 1] ? LIVES : 1;
    p->world = kith_world_new(NULL);
    for (int i = 0; i < lives && !p->failed; i++) {
        p->k = NULL;
        p->failed = up(p);
        if (!p->failed) p->failed = talk(p, i == lives - 1);
        kith_close(p->k);
    }
    kith_world_unref(p->world);
    return NULL;
}

static void test_threads(void)
{
    memset(peers, 0, sizeof peers);
    atomic_store(&ready, 0);
    for (int i = 0; i < THREADS; i++) snprintf(peers[i].name, sizeof peers[i].name, "t%d", i);
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&peers[i].thread, NULL, live, &peers[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(peers[i].thread, NULL);
        if (peers[i].failed) printf("\n    %s: %s\n", peers[i].name, peers[i].failed);
        CU_ASSERT_PTR_NULL(peers[i].failed);
    }
}

/* Contracts broken by transports, of which a node that is told the wrong stream blames its own. */
static void add_breaches(void *arg, const struct kith_stat *s)
{
    if (!strcmp(s->name, "contract_breaches")) *(double *)arg += s->value;
}

/* Join t0 in many short lives at an address that others want too. */
static void *fight(void *arg)
{
    struct peer *p = arg;
    uint64_t end = seconds() + PATIENCE_SECONDS;
    struct kith_options options = {.size = sizeof options, .control = "", .name = p->name};
    static const char text[] = "node: { profile: local, log: { level: error } }\n"
                               "transport: { use: loopback, network: threads, address: x }\n";
    struct kith_node_setup setup = {.path = "fight.yaml", .text = text, .len = sizeof text - 1};
    setup.world = p->world = kith_world_new(NULL);
    struct kith_seed seed = {.address = "t0"};
    for (int lives = 0; lives < FIGHTS && !p->failed;) {
        struct kith *k = NULL;
        if (kith_node_open(&k, &setup, &options, NULL)) p->failed = "open";
        bool mine = !p->failed && kith_start(k, NULL) == 0;
        for (int turns = 0; mine && turns < 3; turns++) {
            (void)kith_node_join(k, &seed, NULL, NULL);
            kith_loop_turn(kith_world_loop(p->world), 100000);
        }
        if (k) kith_table(k)->stats(kith_table(k), add_breaches, &p->broken);
        kith_close(k);
        lives += mine;
        if (seconds() > end) p->failed = "fight";
    }
    kith_world_unref(p->world);
    atomic_fetch_add(&ready, 1);
    return NULL;
}

/* Who is joined by them, and joins whoever has the address. */
static void *serve(void *arg)
{
    struct peer *p = arg;
    struct kith_seed seed = {.address = "x"};
    p->world = kith_world_new(NULL);
    p->failed = up(p);
    while (!p->failed && atomic_load(&ready) < THREADS - 1) {
        (void)kith_node_join(p->k, &seed, NULL, NULL);
        kith_loop_turn(kith_world_loop(p->world), 1000000);
    }
    if (p->k) kith_table(p->k)->stats(kith_table(p->k), add_breaches, &p->broken);
    kith_close(p->k);
    kith_world_unref(p->world);
    return NULL;
}

static void test_one_address_for_many(void)
{
    memset(peers, 0, sizeof peers);
    atomic_store(&ready, 0);
    for (int i = 0; i < THREADS; i++) snprintf(peers[i].name, sizeof peers[i].name, "t%d", i);
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&peers[i].thread, NULL, i ? fight : serve, &peers[i]),
                              0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(peers[i].thread, NULL);
        if (peers[i].failed) printf("\n    %s: %s\n", peers[i].name, peers[i].failed);
        CU_ASSERT_PTR_NULL(peers[i].failed);
        CU_ASSERT_EQUAL(peers[i].broken, 0);
    }
}

/* Virtual worlds beside each other: each with networks of its own, whatever they are called. */
static void *count_alive(void *arg)
{
    struct peer *p = arg;
    struct kith *k[2] = {NULL, NULL};
    struct kith_member m = {.size = sizeof m};
    p->world = kith_world_new_virtual(NULL, 1);
    for (int i = 0; i < 2 && !p->failed; i++) {
        snprintf(p->name, sizeof p->name, "t%d", i);
        p->failed = up(p);
        k[i] = p->k;
    }
    struct kith_loop *loop = kith_world_loop(p->world);
    kith_loop_run_until(loop, kith_loop_now(loop) + 20000000000u);
    if (!p->failed && (kith_table(k[0])->member(kith_table(k[0]), kith_text("t1"), &m) || m.state))
        p->failed = "meet";
    for (int i = 0; i < 2; i++) kith_close(k[i]);
    kith_world_unref(p->world);
    return NULL;
}

static void test_virtual_worlds_on_threads(void)
{
    memset(peers, 0, sizeof peers);
    for (int i = 0; i < THREADS; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&peers[i].thread, NULL, count_alive, &peers[i]), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(peers[i].thread, NULL);
        if (peers[i].failed) printf("\n    %d: %s\n", i, peers[i].failed);
        CU_ASSERT_PTR_NULL(peers[i].failed);
    }
}

KITH_TESTS("transports/loopback_threads",
           {"nodes on threads of their own, links that change", test_threads},
           {"one address for many, on threads of their own", test_one_address_for_many},
           {"virtual worlds on threads of their own", test_virtual_worlds_on_threads})
