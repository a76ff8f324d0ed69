/*
 * test_node.c - nodes meet, talk and part, with and without layers; the public calls drive one.
 */
#include "nodes.h"

/* ----------------------------------------------------------------------------- the whole way */

static void three_nodes(const char *extra)
{
    begin();
    for (int i = 0; i < NODES; i++) open_node(&nodes[i], extra);
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    CU_ASSERT_EQUAL(nodes[1].value, 1);
    CU_ASSERT_EQUAL(join(&nodes[2], &nodes[0]), 0);
    for (int i = 0; i < NODES; i++) UNTIL(count(&nodes[i], KITH_ALIVE) == NODES);
    CU_ASSERT_EQUAL(nodes[0].joins, NODES);

    CU_ASSERT_EQUAL(say(&nodes[0], "n1", "by packet", 9, false), 0);
    UNTIL(nodes[1].packets == 1);
    CU_ASSERT_STRING_EQUAL(nodes[1].last, "by packet");
    CU_ASSERT_EQUAL(say(&nodes[0], "n2", "by stream", 9, true), 0);
    UNTIL(nodes[2].streams == 1);
    CU_ASSERT_STRING_EQUAL(nodes[2].last, "by stream");
    CU_ASSERT_EQUAL(say(&nodes[0], "nobody", "x", 1, false), -KITH_ENOTFOUND);
    char big[2000] = {0};
    CU_ASSERT_EQUAL(say(&nodes[0], "n1", big, sizeof big, false), -KITH_ETOOBIG);

    const struct kith_node *t = kith_table(nodes[1].k);
    struct kith_bytes blue = kith_text("blue");
    CU_ASSERT_EQUAL(t->set_meta(t, &blue, done, &nodes[1]), 0);
    UNTIL(nodes[0].updates && nodes[2].updates);
    struct kith_member m = {.size = sizeof m};
    CU_ASSERT_EQUAL(kith_table(nodes[0].k)->member(kith_table(nodes[0].k), kith_text("n1"), &m), 0);
    CU_ASSERT_EQUAL_FATAL(m.meta.len, 4);
    CU_ASSERT_EQUAL(memcmp(m.meta.data, "blue", 4), 0);

    unsigned before = nodes[2].done;
    t = kith_table(nodes[2].k);
    CU_ASSERT_EQUAL(t->leave(t, 0, done, &nodes[2]), 0);
    UNTIL(nodes[2].done > before);
    CU_ASSERT_EQUAL(nodes[2].status, 0);
    UNTIL(count(&nodes[0], KITH_LEFT) == 1 && count(&nodes[1], KITH_LEFT) == 1);
    CU_ASSERT_EQUAL(nodes[0].deaths, 0);
}

static void test_three_nodes_meet_talk_and_part(void)
{
    three_nodes("");
    end();
}

static void test_the_same_encrypted_and_compressed(void)
{
    set_keys();
    three_nodes(KEY_A SEALED);
    CU_ASSERT(stat_of(&nodes[0], "codec_sealed", "aes_gcm") > 0);
    CU_ASSERT(stat_of(&nodes[0], "codec_opened", "aes_gcm") > 0);
    CU_ASSERT(stat_of(&nodes[0], "codec_sealed", "lzw") > 0);
    end();
}

static void test_a_wrong_key_is_refused_and_counted(void)
{
    set_keys();
    begin();
    open_node(&nodes[0], KEY_A SEALED);
    open_node(&nodes[1], KEY_B SEALED);
    open_node(&nodes[2], "");
    CU_ASSERT_NOT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "messages_refused", "auth"), 1);
    CU_ASSERT_NOT_EQUAL(join(&nodes[2], &nodes[0]), 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "messages_refused", "policy"), 1);
    for (int i = 0; i < NODES; i++) CU_ASSERT_EQUAL(count(&nodes[i], KITH_ALIVE), 1);
    end();
}

static void test_large_messages_go_through_in_pieces(void)
{
    enum { BIG = 3 << 20 };
    set_keys();
    begin();
    open_node(&nodes[0], KEY_A SEALED);
    open_node(&nodes[1], KEY_A SEALED);
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    uint8_t *big = malloc(BIG);
    kith_loop_random(loop, big, BIG);
    CU_ASSERT_EQUAL(say(&nodes[0], "n1", big, BIG, true), 0);
    UNTIL(nodes[1].streams == 1);
    CU_ASSERT_EQUAL(nodes[1].bytes, BIG);
    free(big);
    end();
}

static void test_the_join_list_is_tried_from_the_start(void)
{
    begin();
    open_node(&nodes[0], "");
    char where[64], extra[128];
    where_is(&nodes[0], where, sizeof where);
    snprintf(extra, sizeof extra, "join: [ %s ]\n", where);
    open_node(&nodes[1], extra);
    UNTIL(count(&nodes[0], KITH_ALIVE) == 2 && count(&nodes[1], KITH_ALIVE) == 2);
    end();
}

/* ------------------------------------------------------------------------ embedding --------- */

/* Before the start nothing is known of the node itself, and no more of that is written than fits.
 */
static void local_fits(struct kith *k)
{
    static const uint32_t sizes[] = {0, 4, 16, sizeof(struct kith_member)};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct {
            struct kith_member m;
            uint8_t after[64];
        } out;
        memset(&out, 0xA5, sizeof out);
        out.m.size = sizes[i];
        kith_table(k)->local(kith_table(k), &out.m);
        CU_ASSERT_EQUAL(out.m.size, sizes[i]);
        const uint8_t *bytes = (const uint8_t *)&out;
        for (size_t n = sizeof out.m.size; n < sizeof out; n++)
            CU_ASSERT_EQUAL(bytes[n], n < sizes[i] ? 0 : 0xA5);
    }
}

static void test_the_public_calls_drive_a_node(void)
{
    begin();
    struct node *n = &nodes[0];
    memset(n, 0, sizeof *n);
    config(n, "");
    struct kith_error err = {.size = sizeof err};
    struct kith_options options = {.size = sizeof options,
                                   .control = "",
                                   .name = "embedded",
                                   .delegate = &watcher,
                                   .delegate_self = n};
    CU_ASSERT_EQUAL_FATAL(kith_open(&n->k, n->path, &options, &err), 0);
    local_fits(n->k);
    CU_ASSERT_EQUAL_FATAL(kith_start(n->k, &err), 0);
    CU_ASSERT(kith_fd(n->k) >= 0);
    CU_ASSERT(kith_timeout(n->k) < UINT64_MAX);
    CU_ASSERT_EQUAL(kith_dispatch(n->k), 0);
    CU_ASSERT_EQUAL(n->joins, 1);
    struct kith_member self = {.size = sizeof self};
    kith_table(n->k)->local(kith_table(n->k), &self);
    CU_ASSERT_STRING_EQUAL((const char *)self.name.data, "embedded");
    kith_stop(n->k);
    CU_ASSERT_EQUAL(kith_run(n->k), 0);
    CU_ASSERT_EQUAL(kith_dispatch(n->k), -KITH_ECLOSED);
    end();
}

/* The first line is kept. */
static void first_line(void *ctx, enum kith_log_level level, const char *line)
{
    if (!*(char *)ctx) snprintf(ctx, 200, "%s", line);
}

static void test_what_does_not_open_is_null(void)
{
    struct kith *k = (struct kith *)(uintptr_t)0xA5A5A5A5;
    struct kith_error err = {.size = sizeof err};
    char first[200] = "";
    struct kith_options quiet = {.size = sizeof quiet, .log = first_line, .log_ctx = first};
    begin();
    char path[128];
    snprintf(path, sizeof path, "%s/nowhere.yaml", dir);
    CU_ASSERT(kith_open(&k, path, &quiet, &err) < 0);
    CU_ASSERT_PTR_NULL(k);
    CU_ASSERT_PTR_NOT_NULL(strstr(first, "nowhere.yaml"));
    kith_close(k);
    end();
}

/* -------------------------------------------------------------------------------- no file */

/* What a file would say, said by code: udp_tcp, no codecs. */
static void values(struct kith_config *c, const char *name)
{
    static const struct kith_setting_text bind = {"bind", "127.0.0.1:0"};
    struct kith_error err = {.size = sizeof err};
    const struct kith_plugin *udp_tcp =
        kith_registry_find(kith_world_registry(world), KITH_TRANSPORT, "udp_tcp", &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(udp_tcp);
    kith_config_init(c, KITH_PROFILE_LOCAL);
    c->settings.name = name;
    kith_chain_settings(&c->chain, &c->settings);
    CU_ASSERT_EQUAL_FATAL(
        kith_entry_init(&c->transport, udp_tcp, KITH_PROFILE_LOCAL, &bind, 1, &err), 0);
}

static void test_a_prepared_config_makes_a_node(void)
{
    struct kith_config c[2];
    struct kith_error err = {.size = sizeof err};
    begin();
    for (int i = 0; i < 2; i++) {
        values(&c[i], i ? "second" : "first");
        memset(&nodes[i], 0, sizeof nodes[i]);
        start_node(&nodes[i], &(struct kith_node_setup){.config = &c[i], .world = world});
    }
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    UNTIL(count(&nodes[0], KITH_ALIVE) == 2 && count(&nodes[1], KITH_ALIVE) == 2);
    CU_ASSERT_EQUAL(say(&nodes[0], "second", "hello", 5, false), 0);
    UNTIL(nodes[1].packets == 1);
    CU_ASSERT_EQUAL(kith_reload(nodes[0].k, NULL, NULL, &err), -KITH_EUNSUPPORTED);
    CU_ASSERT_STRING_EQUAL(err.text, "this node was made by a program, not from a file");
    end();
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_STRING_EQUAL(c[i].settings.name, i ? "second" : "first");
        kith_entry_fini(&c[i].transport);
    }
}

KITH_TESTS("runtime/node", {"three nodes meet, talk and part", test_three_nodes_meet_talk_and_part},
           {"the same encrypted and compressed", test_the_same_encrypted_and_compressed},
           {"a wrong key is refused and counted", test_a_wrong_key_is_refused_and_counted},
           {"large messages go through in pieces", test_large_messages_go_through_in_pieces},
           {"the join list is tried from the start", test_the_join_list_is_tried_from_the_start},
           {"the public calls drive a node", test_the_public_calls_drive_a_node},
           {"what does not open is NULL", test_what_does_not_open_is_null},
           {"a prepared config makes a node", test_a_prepared_config_makes_a_node})
