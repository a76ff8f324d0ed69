/*
 * test_stack_config.c - what becomes of a node's config when it is one of a cluster's: what is
 * kept, what is left out and why.
 */
#include "cluster.h"

#include "../test.h"

static struct kith_error err = {.size = sizeof err};
static struct kith_world *world;
static struct kith_config *file, config;
static char lost[1024];

static void note(void *arg, const char *what, const char *why)
{
    size_t have = strlen(lost);
    CU_ASSERT(*why);
    snprintf(lost + have, sizeof lost - have, "%s\n", what);
}

static int make(const char *text)
{
    world = kith_world_new_virtual(NULL, 1);
    struct kith_registry *registry = kith_world_registry(world);
    struct kith_config_finder finder = kith_registry_finder(registry);
    struct kith_diag *diag = kith_diag_new();
    lost[0] = 0;
    file = kith_config_parse("file", text, strlen(text), &finder, diag);
    kith_diag_print(diag, stdout);
    kith_diag_free(diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    return kith_cluster_config(&config, file, registry, note, NULL, &err);
}

static void drop(void)
{
    kith_cluster_config_fini(&config);
    kith_config_free(file);
    kith_world_unref(world);
}

static void test_what_is_real_is_left_out(void)
{
    CU_ASSERT_EQUAL(make("node: { name: web-1, profile: wan, control: /run/kith.sock,\n"
                         "        log: { to: file, file: /var/log/kith.log } }\n"
                         "transport: { use: udp_tcp, bind: 10.0.0.1 }\n"
                         "pipeline: { send: [ { use: zstd, level: 7 }, { use: crc32 } ] }\n"
                         "delegates:\n"
                         "  - { use: log, as: here }\n"
                         "  - { use: log, as: there, to: events.log }\n"
                         "join: [ 10.0.0.2, seed.example.net ]\n"
                         "gossip: { nodes: 5 }\n"),
                    0);
    CU_ASSERT_STRING_EQUAL(lost,
                           "transport udp_tcp\ndelegate there\nnode.control\nnode.log\njoin\n");
    CU_ASSERT_STRING_EQUAL(config.transport.plugin->name, "loopback");
    CU_ASSERT_STRING_EQUAL(config.control, "");
    CU_ASSERT_EQUAL(config.join.count, 0);
    CU_ASSERT_PTR_NULL(config.log_file);
    CU_ASSERT_EQUAL_FATAL(config.delegates.count, 1);
    CU_ASSERT_STRING_EQUAL(config.delegates.items[0].name, "here");
    CU_ASSERT_EQUAL(config.chain.send.count, 2);
    CU_ASSERT_EQUAL(config.chain.accept.count, file->chain.accept.count);
    CU_ASSERT_EQUAL(config.settings.gossip_nodes, 5);
    CU_ASSERT_EQUAL(config.settings.profile, KITH_PROFILE_WAN);
    drop();
}

static const void *value(const char *name)
{
    const struct kith_param *p = config.transport.plugin->params;
    while (strcmp(p->name, name) != 0) p++;
    return (const char *)config.transport.params + p->offset;
}

static void test_what_a_file_says_of_its_loopback_is_kept(void)
{
    CU_ASSERT_EQUAL(make("node: { name: web-1 }\n"
                         "transport: { use: loopback, address: mine, network: ours, delay: 70ms,\n"
                         "             loss: 0.25, refuses: false }\n"),
                    0);
    CU_ASSERT_STRING_EQUAL(lost, "");
    CU_ASSERT_EQUAL(*(const uint64_t *)value("delay"), 70000000);
    CU_ASSERT_DOUBLE_EQUAL(*(const double *)value("loss"), 0.25, 1e-12);
    CU_ASSERT_FALSE(*(const bool *)value("refuses"));
    CU_ASSERT_TRUE(*(const uint64_t *)value("receive_buffer") > 0);
    CU_ASSERT_PTR_NULL(*(const char *const *)value("address"));
    CU_ASSERT_STRING_EQUAL(*(const char *const *)value("network"), "default");
    drop();
}

static void test_without_loopback_there_is_none(void)
{
    struct kith_registry *empty = kith_registry_new("/nowhere");
    CU_ASSERT_EQUAL(make("node: { name: web-1 }\n"), 0);
    struct kith_config other;
    struct kith_error none = {.size = sizeof none};
    err.text[0] = 0;
    if (kith_registry_find(empty, KITH_TRANSPORT, "loopback", &none)) { /* it is linked in */
        CU_ASSERT_EQUAL(kith_cluster_config(&other, file, empty, NULL, NULL, &err), 0);
        kith_cluster_config_fini(&other);
    } else {
        CU_ASSERT(kith_cluster_config(&other, file, empty, NULL, NULL, &err) < 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "loopback"));
    }
    kith_registry_free(empty);
    drop();
}

KITH_TESTS("stack/config", {"what is real is left out", test_what_is_real_is_left_out},
           {"what a file says of its loopback is kept",
            test_what_a_file_says_of_its_loopback_is_kept},
           {"without loopback there is none", test_without_loopback_there_is_none})
