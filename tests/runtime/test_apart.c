/*
 * test_apart.c - several worlds in one process: what they have to do with each other, which is
 * nothing, and that each may have a thread.
 */
#include "nodes.h"
#include <pthread.h>

static void test_worlds_with_one_seed_are_alike_and_apart(void)
{
    struct kith_world *w[3] = {kith_world_new_virtual(NULL, 5), kith_world_new_virtual("", 5),
                               kith_world_new_virtual(NULL, 6)};
    struct kith_loop *l[3];
    uint8_t bytes[3][32];
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(w[i]);
        l[i] = kith_world_loop(w[i]);
        CU_ASSERT_TRUE(kith_loop_is_virtual(l[i]));
        CU_ASSERT_NOT_EQUAL(kith_loop_world(l[i]), 0);
        kith_loop_random(l[i], bytes[i], sizeof bytes[i]);
    }
    CU_ASSERT_NOT_EQUAL(kith_loop_world(l[0]), kith_loop_world(l[1]));
    CU_ASSERT_EQUAL(kith_loop_now(l[0]), kith_loop_now(l[1]));
    CU_ASSERT_EQUAL(memcmp(bytes[0], bytes[1], sizeof bytes[0]), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(bytes[0], bytes[2], sizeof bytes[0]), 0);
    uint64_t began = kith_loop_now(l[0]);
    kith_loop_run_until(l[0], began + 7);
    CU_ASSERT_EQUAL(kith_loop_now(l[0]), began + 7);
    CU_ASSERT_EQUAL(kith_loop_now(l[1]), began);
    CU_ASSERT_PTR_NOT_EQUAL(kith_world_registry(w[0]), kith_world_registry(w[1]));
    for (int i = 0; i < 3; i++) kith_world_unref(w[i]);
}

static void see_folder(void *arg, const char *path)
{
    size_t have = strlen(arg);
    snprintf((char *)arg + have, 256 - have, "%s|", path);
}

static void test_a_world_looks_for_plugins_where_it_is_told_first(void)
{
    char folders[256] = "", usual[256] = "", both[300];
    struct kith_world *told = kith_world_new("/first:/second"), *not = kith_world_new("");
    CU_ASSERT_FATAL(told && not );
    CU_ASSERT_EQUAL(kith_loop_world(kith_world_loop(told)), 0);
    kith_registry_folders(kith_world_registry(told), see_folder, folders);
    kith_registry_folders(kith_world_registry(not ), see_folder, usual);
    snprintf(both, sizeof both, "/first|/second|%s", usual);
    CU_ASSERT_STRING_EQUAL(folders, both);
    CU_ASSERT_STRING_NOT_EQUAL(usual, "");
    kith_world_unref(told);
    kith_world_unref(not );
    kith_world_unref(NULL);
    CU_ASSERT_PTR_NULL(kith_world_ref(NULL));
}

/* A life of two nodes, told to nobody but by what is returned. */
struct life {
    pthread_t thread;
    char text[2][256];
    const char *failed; /* NULL: all went well */
};

static bool sees(const struct kith *k, const char *name)
{
    struct kith_member m = {.size = sizeof m};
    return kith_table(k)->member(kith_table(k), kith_text(name), &m) == 0 && m.state == KITH_ALIVE;
}

static const char *live(struct life *l, struct kith_world *w, struct kith *k[2])
{
    char where[64];
    struct kith_member self = {.size = sizeof self};
    struct kith_options options = {.size = sizeof options, .control = ""};
    for (int i = 0; i < 2; i++) {
        snprintf(l->text[i], sizeof l->text[i],
                 "node: { name: t%d, profile: local, log: { level: error } }\n"
                 "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n",
                 i);
        struct kith_node_setup setup = {
            .path = "life.yaml", .text = l->text[i], .len = strlen(l->text[i]), .world = w};
        if (kith_node_open(&k[i], &setup, &options, NULL) || kith_start(k[i], NULL)) return "start";
    }
    const struct kith_node *first = kith_table(k[0]);
    first->local(first, &self);
    first->format(first, &self.addr, where, sizeof where);
    if (kith_join(k[1], where, NULL, NULL)) return "join";
    for (uint64_t until = seconds() + PATIENCE_SECONDS; !sees(k[0], "t1") || !sees(k[1], "t0");) {
        if (seconds() > until) return "meet";
        kith_loop_turn(kith_world_loop(w), 100000000);
    }
    return NULL;
}

static void *live_apart(void *arg)
{
    struct life *l = arg;
    struct kith *k[2] = {NULL, NULL};
    struct kith_world *w = kith_world_new(NULL);
    l->failed = w ? live(l, w, k) : "memory";
    for (int i = 0; i < 2; i++) kith_close(k[i]);
    kith_world_unref(w);
    return NULL;
}

static void test_each_world_may_have_a_thread(void)
{
    struct life lives[3];
    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&lives[i].thread, NULL, live_apart, &lives[i]), 0);
    for (int i = 0; i < 3; i++) {
        pthread_join(lives[i].thread, NULL);
        if (lives[i].failed) printf("\n%s failed\n", lives[i].failed);
        CU_ASSERT_PTR_NULL(lives[i].failed);
    }
}

KITH_TESTS("runtime/apart",
           {"worlds with one seed are alike, and apart",
            test_worlds_with_one_seed_are_alike_and_apart},
           {"a world looks for plugins where it is told first",
            test_a_world_looks_for_plugins_where_it_is_told_first},
           {"each world may have a thread", test_each_world_may_have_a_thread})
