/*
 * test_reload.c - a new reading of the file comes into force at once, or nothing changes, and what
 * is said about it is true.
 */
#include "nodes.h"
#include <sys/stat.h>
#include <unistd.h>

static void keep_line(void *arg, const char *line)
{
    struct node *n = arg;
    strncat(n->report, line, sizeof n->report - strlen(n->report) - 2);
    strcat(n->report, "\n");
}

static uint32_t incarnation(const struct node *n)
{
    struct kith_member self = {.size = sizeof self};
    kith_table(n->k)->local(kith_table(n->k), &self);
    return self.incarnation;
}

static int reload(struct node *n, const char *extra, struct kith_error *err)
{
    config(n, extra);
    n->report[0] = 0;
    return kith_reload(n->k, keep_line, n, err);
}

/* Numbered messages both ways, both kinds; all of them arrive. */
static void exchange(void)
{
    unsigned packets = nodes[1].packets, streams = nodes[1].streams, back = nodes[0].streams;
    CU_ASSERT_EQUAL(say(&nodes[0], "n1", "p", 1, false), 0);
    CU_ASSERT_EQUAL(say(&nodes[0], "n1", "s", 1, true), 0);
    CU_ASSERT_EQUAL(say(&nodes[1], "n0", "s", 1, true), 0);
    UNTIL(nodes[1].packets == packets + 1 && nodes[1].streams == streams + 1 &&
          nodes[0].streams == back + 1);
}

static void test_a_cluster_becomes_encrypted_by_reloads_alone(void)
{
    static const char *const steps[] = {
        KEY_A "pipeline: { send: [ { use: lzw }, { use: crc32 } ], accept: [ { use: lzw }, { use: "
              "crc32 }, { use: aes_gcm } ] }\n",
        KEY_A
        "pipeline: { send: [ { use: lzw }, { use: crc32 }, { use: aes_gcm } ], require: [] }\n",
        KEY_A SEALED,
    };
    struct kith_error err = {.size = sizeof err};
    set_keys();
    begin();
    open_node(&nodes[0], "");
    open_node(&nodes[1], "");
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    UNTIL(count(&nodes[0], KITH_ALIVE) == 2);
    exchange();
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++)
        for (int i = 0; i < 2; i++) {
            int rc = reload(&nodes[i], steps[s], &err);
            if (rc) printf("\n%s\n", err.text);
            CU_ASSERT_EQUAL_FATAL(rc, 0);
            CU_ASSERT_PTR_NOT_NULL(strstr(nodes[i].report, "pipeline"));
            exchange();
        }
    CU_ASSERT_EQUAL(nodes[0].deaths + nodes[1].deaths, 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "messages_refused", NULL) +
                        stat_of(&nodes[1], "messages_refused", NULL),
                    0);
    CU_ASSERT(stat_of(&nodes[0], "codec_opened", "aes_gcm") > 0);

    open_node(&nodes[2], ""); /* the door is closed */
    CU_ASSERT_NOT_EQUAL(join(&nodes[2], &nodes[0]), 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "messages_refused", "policy"), 1);
    end();
}

static void test_a_bad_file_changes_nothing(void)
{
    struct kith_error err = {.size = sizeof err};
    set_keys();
    begin();
    open_node(&nodes[0], "");
    open_node(&nodes[1], "");
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    UNTIL(count(&nodes[0], KITH_ALIVE) == 2);
    const struct kith_config *before = nodes[0].k->config;
    CU_ASSERT_EQUAL(reload(&nodes[0], "gosip: { interval: 1s }\n", &err), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "gosip"));
    CU_ASSERT_NOT_EQUAL(reload(&nodes[0], SEALED, &err), 0); /* no key */
    CU_ASSERT_PTR_EQUAL(nodes[0].k->config, before);
    exchange();
    CU_ASSERT_EQUAL(reload(&nodes[0], "", &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].report, "nothing changed"));
    exchange();
    end();
}

static void test_a_reload_says_what_needs_a_restart(void)
{
    struct kith_error err = {.size = sizeof err};
    begin();
    open_node(&nodes[0], "");
    char text[512];
    snprintf(text, sizeof text,
             "node: { name: other, profile: local, control: %s/n0.sock, log: { to: stderr, level: "
             "error } }\n"
             "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\ngossip: { interval: 150ms }\n",
             dir);
    write_file(nodes[0].path, text);
    CU_ASSERT_EQUAL(kith_reload(nodes[0].k, keep_line, &nodes[0], &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].report, "gossip.interval: 100ms -> 150ms\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].report, "node.name: n0 -> other (needs a restart)"));
    CU_ASSERT_STRING_EQUAL(nodes[0].k->config->settings.name, "n0");
    end();
}

static int reload_transport(struct node *n, const char *settings)
{
    char text[512];
    struct kith_error err = {.size = sizeof err};
    snprintf(text, sizeof text,
             "node: { name: n0, profile: local, control: %s/n0.sock, log: { to: stderr, level: "
             "error } }\n"
             "transport: { use: udp_tcp, %s }\n",
             dir, settings);
    write_file(n->path, text);
    n->report[0] = 0;
    return kith_reload(n->k, keep_line, n, &err);
}

/* Sockets and open streams go over to the new instance; where it listens does not change. */
static void test_a_transport_is_reloaded_but_for_its_bind(void)
{
    begin();
    open_node(&nodes[0], "");
    open_node(&nodes[1], "");
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    UNTIL(count(&nodes[0], KITH_ALIVE) == 2);
    struct kith_instance *first = nodes[0].k->transport;
    uint8_t digest[sizeof first->entry->digest];
    memcpy(digest, first->entry->digest, sizeof digest);
    unsigned streams = nodes[1].streams;
    struct kith_peer n1 = {.size = sizeof n1, .name = kith_text("n1")};
    struct kith_message m = {
        .size = sizeof m, .flags = KITH_RELIABLE, .bytes = kith_text("on its way"), .peer = &n1};
    CU_ASSERT_EQUAL(nodes[0].k->own.table.send(&nodes[0].k->own.table, &m, done, &nodes[0]), 0);
    UNTIL(kith_streams_count(nodes[0].k) > 0);
    CU_ASSERT_EQUAL(reload_transport(&nodes[0], "bind: 127.0.0.1:0, max_connections: 77"), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(nodes[0].k->transport->entry->digest, digest, sizeof digest), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].report, "transport.max_connections: 1024 -> 77\n"));
    CU_ASSERT_PTR_NULL(strstr(nodes[0].report, "restart"));
    UNTIL(nodes[1].streams == streams + 1);
    exchange();

    first = nodes[0].k->transport;
    CU_ASSERT_EQUAL(reload_transport(&nodes[0], "bind: 127.0.0.2:0, max_connections: 78"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].report, "(needs a restart)\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].report, "transport.bind: "));
    CU_ASSERT_PTR_EQUAL(nodes[0].k->transport, first);
    CU_ASSERT_EQUAL(reload_transport(&nodes[0], "bind: 127.0.0.2:0, max_connections: 79"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].report, "transport: stays as it was until a restart"));
    exchange();
    CU_ASSERT_EQUAL(reload_transport(&nodes[0], "bind: 127.0.0.1:0, max_connections: 77"), 0);
    CU_ASSERT_PTR_NULL(strstr(nodes[0].report, "restart"));
    exchange();
    CU_ASSERT_EQUAL(nodes[0].deaths + nodes[1].deaths, 0);
    end();
}

/* What was done to the ring at run time is neither a change of the file nor forgotten when the file
 * says it too. */
static void test_a_reload_compares_keys_with_the_ring(void)
{
    struct kith_error err = {.size = sizeof err};
    uint8_t key[32] = "a key that came at run time";
    set_keys();
    begin();
    open_node(&nodes[0], KEY_A SEALED);
    CU_ASSERT_EQUAL(kith_keyring_install(nodes[0].k->ring, key, sizeof key, NULL, &err), 0);
    CU_ASSERT_EQUAL(reload(&nodes[0], KEY_A SEALED, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(nodes[0].report, "keyring: ")); /* from memory only: the file's ring replaces it */
    CU_ASSERT_EQUAL(kith_keyring_count(nodes[0].k->ring), 1);
    CU_ASSERT_EQUAL(reload(&nodes[0], KEY_A SEALED, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].report, "nothing changed"));
    end();
}

/* ------------------------------------------------------------------------------ what refuses */

/* A delegate refuses the own alive message with the new versions, which comes last of all that the
 * core checks. */
static void test_a_core_that_refuses_settings_keeps_the_old_ones(void)
{
    struct kith_error err = {.size = sizeof err};
    begin();
    open_node(&nodes[0], "");
    open_node(&nodes[1], "");
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    UNTIL(count(&nodes[0], KITH_ALIVE) == 2);
    const struct kith_config *before = nodes[0].k->config;
    const struct kith_pipeline *chain = nodes[0].k->pipeline;
    char text[512];
    snprintf(text, sizeof text,
             "node: { name: n0, profile: local, control: %s/n0.sock, log: { to: stderr, level: "
             "error }, delegate_protocol: { min: 2, max: 5, version: 4 } }\n"
             "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n"
             "pipeline: { send: [ { use: crc32 } ] }\n",
             dir);
    write_file(nodes[0].path, text);
    nodes[0].veto = true;
    CU_ASSERT_EQUAL(kith_reload(nodes[0].k, keep_line, &nodes[0], &err), -KITH_EREFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "refused"));
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "nothing changed"));
    CU_ASSERT_STRING_EQUAL(nodes[0].report, "");
    CU_ASSERT_PTR_EQUAL(nodes[0].k->config, before);
    CU_ASSERT_PTR_EQUAL(nodes[0].k->pipeline, chain);
    struct kith_member self = {.size = sizeof self};
    kith_table(nodes[0].k)->local(kith_table(nodes[0].k), &self);
    CU_ASSERT_EQUAL(self.versions[5], 0);
    nodes[0].veto = false;
    exchange();
    CU_ASSERT_EQUAL(kith_reload(nodes[0].k, keep_line, &nodes[0], &err), 0);
    kith_table(nodes[0].k)->local(kith_table(nodes[0].k), &self);
    CU_ASSERT_EQUAL(self.versions[5], 4);
    exchange();
    end();
}

/* brittle.c: a transport that fails where its settings say so. */
static void config_brittle(struct node *n, const char *plugin, const char *fails, const char *extra)
{
    char text[1024];
    snprintf(n->path, sizeof n->path, "%s/n0.yaml", dir);
    snprintf(text, sizeof text,
             "node: { name: n0, profile: local, control: '' }\n"
             "transport: { use: %s/tests/runtime/.libs/%s.so, fails: %s }\n%s",
             getenv("builddir"), plugin, fails, extra);
    write_file(n->path, text);
}

static void open_brittle(struct node *n, const char *plugin, const char *fails)
{
    struct kith_error err = {.size = sizeof err};
    struct kith_node_setup setup = {.path = n->path, .world = world, .problems = stderr};
    memset(n, 0, sizeof *n);
    config_brittle(n, plugin, fails, "");
    start_node(n, &setup);
}

static int reload_brittle(struct node *n, const char *plugin, const char *fails,
                          struct kith_error *err)
{
    config_brittle(n, plugin, fails, "gossip: { interval: 150ms }\n");
    n->report[0] = n->logged[0] = 0;
    return kith_reload(n->k, keep_line, n, err);
}

/* Before anything is swapped. */
static void test_a_transport_that_can_send_nothing_is_refused(void)
{
    struct kith_error err = {.size = sizeof err};
    begin();
    struct node *n = &nodes[0];
    open_brittle(n, "brittle", "nowhere");
    const struct kith_instance *first = n->k->transport;
    uint64_t interval = n->k->config->settings.gossip_interval;
    CU_ASSERT_EQUAL(reload_brittle(n, "brittle", "limits", &err), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "brittle"));
    CU_ASSERT_PTR_NOT_NULL(strstr(n->logged, "nothing changed"));
    CU_ASSERT_STRING_EQUAL(n->report, "");
    CU_ASSERT_PTR_EQUAL(n->k->transport, first);
    CU_ASSERT_EQUAL(n->k->config->settings.gossip_interval, interval);
    CU_ASSERT_EQUAL(n->reloaded, 0);
    end();
}

/* Who fails is named and goes on as it was; all else is as the file says. */
static void fails_and_goes_on(const char *plugin, const char *fails)
{
    struct kith_error err = {.size = sizeof err};
    begin();
    struct node *n = &nodes[0];
    open_brittle(n, plugin, "nowhere");
    struct kith_instance *first = n->k->transport;
    uint64_t interval = n->k->config->settings.gossip_interval;
    CU_ASSERT_EQUAL(reload_brittle(n, plugin, fails, &err), -KITH_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, plugin));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, fails));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, n->path)); /* and the place of its entry */
    CU_ASSERT_PTR_NOT_NULL(strstr(n->logged, "goes on as it was"));
    CU_ASSERT_PTR_EQUAL(n->k->transport, first);
    CU_ASSERT(kith_instance_runs(first));
    CU_ASSERT_NOT_EQUAL(n->k->config->settings.gossip_interval, interval);
    CU_ASSERT_EQUAL(kith_dispatch(n->k), 0);
    /* the next reload tries again, though the file is the same */
    CU_ASSERT_EQUAL(reload_brittle(n, plugin, fails, &err), -KITH_EIO);
    CU_ASSERT_EQUAL(reload_brittle(n, plugin, "later", &err), 0);
    CU_ASSERT_PTR_NOT_EQUAL(n->k->transport, first);
    CU_ASSERT_EQUAL(n->reloaded, 3);
    CU_ASSERT_EQUAL(kith_dispatch(n->k), 0);
    end();
}

static void test_a_transport_that_fails_to_take_over_keeps_the_old_one(void)
{
    fails_and_goes_on("brittle", "adopt");
}

static void test_a_transport_that_does_not_start_starts_the_old_one_again(void)
{
    fails_and_goes_on("stubborn", "start");
}

/* The old one can't go on: the node ends, and says so. */
static void fails_and_ends(const char *plugin, const char *before, const char *fails)
{
    struct kith_error err = {.size = sizeof err};
    begin();
    struct node *n = &nodes[0];
    open_brittle(n, plugin, before);
    int rc = reload_brittle(n, plugin, fails, &err);
    CU_ASSERT(rc < 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, plugin));
    CU_ASSERT_PTR_NOT_NULL(strstr(n->logged, "the node ends: "));
    CU_ASSERT_PTR_NULL(strstr(n->logged, "nothing changed"));
    CU_ASSERT_EQUAL(kith_dispatch(n->k), rc);
    CU_ASSERT_EQUAL(kith_run(n->k), rc);
    end();
}

static void test_a_transport_that_has_lost_what_it_took_ends_the_node(void)
{
    fails_and_ends("brittle", "nowhere", "taken");
}

static void test_a_transport_that_starts_neither_anew_nor_again_ends_the_node(void)
{
    fails_and_ends("stubborn", "again", "start");
}

static void test_before_the_start_a_transport_is_simply_another(void)
{
    struct kith_error err = {.size = sizeof err};
    begin();
    struct node *n = &nodes[0];
    memset(n, 0, sizeof *n);
    config(n, "");
    struct kith_node_setup setup = {.path = n->path, .world = world};
    CU_ASSERT_EQUAL_FATAL(kith_node_open(&n->k, &setup, NULL, &err), 0);
    CU_ASSERT_EQUAL(reload_brittle(n, "stubborn", "later", &err), 0);
    CU_ASSERT_STRING_EQUAL(n->k->transport->plugin->name, "stubborn");
    CU_ASSERT_EQUAL(kith_start(n->k, &err), 0);
    end();
}

/* ----------------------------------------------------------------------------- who stays behind */

/* fickle.c: a delegate that fails where a file of its name in the folder says. */
static int reload_fickle(struct node *n, const char *delegates, struct kith_error *err)
{
    char extra[1024], plugin[256];
    snprintf(plugin, sizeof plugin, "%s/tests/runtime/.libs", getenv("builddir"));
    snprintf(extra, sizeof extra, delegates, plugin, plugin);
    return reload(n, extra, err);
}

static void test_a_delegate_that_fails_is_told_for_what_it_is(void)
{
    struct kith_error err = {.size = sizeof err};
    struct node *n = &nodes[0];
    begin();
    open_node(n, "");
    CU_ASSERT_EQUAL(reload_fickle(n,
                                  "delegates: [ { use: %s/fickle.so, as: a, n: 1 }, "
                                  "{ use: %s/fickle.so, as: b, n: 1 } ]\n",
                                  &err),
                    0);
    uint32_t before = incarnation(n);
    /* both fail: each has a line, the keys they did not take have none */
    CU_ASSERT_EQUAL(reload_fickle(n,
                                  "delegates: [ { use: %s/fickle.so, as: a, n: 2, fails: true }, "
                                  "{ use: %s/fickle.so, as: b, n: 2, fails: true } ]\n",
                                  &err),
                    -KITH_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(n->report, "delegates.a: goes on as it was: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(n->report, "delegates.b: goes on as it was: "));
    CU_ASSERT_PTR_NULL(strstr(n->report, "1 -> 2"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "a: "));
    /* the one that brings them there says so, though the file is nearly the same */
    CU_ASSERT_EQUAL(reload_fickle(n,
                                  "delegates: [ { use: %s/fickle.so, as: a, n: 2 }, "
                                  "{ use: %s/fickle.so, as: b, n: 2 } ]\n",
                                  &err),
                    0);
    CU_ASSERT_PTR_NOT_NULL(strstr(n->report, "delegates.a: runs as the file says now"));
    CU_ASSERT_PTR_NULL(strstr(n->report, "nothing changed"));
    /* another plugin under the same name fails: what was there stays */
    CU_ASSERT_EQUAL(reload_fickle(n,
                                  "delegates: [ { use: %s/fickle.so, as: a, n: 2 }, "
                                  "{ use: %s/fickler.so, as: b, fails: true } ]\n",
                                  &err),
                    -KITH_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(n->report, "delegates.b: goes on as it was: "));
    CU_ASSERT_PTR_NOT_NULL(kith_node_instance(n->k, kith_text("b")));
    CU_ASSERT_EQUAL(kith_dispatch(n->k), 0);
    CU_ASSERT_EQUAL(incarnation(n), before); /* nobody makes meta: nothing new to tell */
    end();
}

/* The old a keeps on producing: b must wait. */
static void test_a_part_that_is_kept_is_not_given_away(void)
{
    struct kith_error err = {.size = sizeof err};
    struct node *n = &nodes[0];
    begin();
    open_node(n, "");
    CU_ASSERT_EQUAL(reload_fickle(n, "delegates: [ { use: %s/fickle_state.so, as: a } ]\n", &err),
                    0);
    CU_ASSERT_EQUAL(
        reload_fickle(n,
                      "delegates: [ { use: %s/fickle_state.so, as: a, channel: x, fails: true },"
                      " { use: %s/fickle_state.so, as: b } ]\n",
                      &err),
        -KITH_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(n->report, "delegates.a: goes on as it was: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(n->report, "delegates.b: does not run: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(n->report, "it and `a`, which goes on as it was, both produce"));
    CU_ASSERT_PTR_NULL(kith_node_instance(n->k, kith_text("b")));
    CU_ASSERT_EQUAL(reload_fickle(n,
                                  "delegates: [ { use: %s/fickle_state.so, as: b }, "
                                  "{ use: %s/fickle_state.so, as: a, channel: x, fails: true } ]\n",
                                  &err),
                    -KITH_EIO);
    CU_ASSERT_PTR_NULL(kith_node_instance(n->k, kith_text("b"))); /* started, and stopped again */
    CU_ASSERT_EQUAL(reload_fickle(n,
                                  "delegates: [ { use: %s/fickle_state.so, as: b }, "
                                  "{ use: %s/fickle_state.so, as: a, channel: x } ]\n",
                                  &err),
                    0);
    CU_ASSERT_PTR_NOT_NULL(kith_node_instance(n->k, kith_text("b")));
    end();
}

/* What the file says of the transport is not what runs. */
static void test_what_waits_gives_nothing_that_is_required(void)
{
    struct kith_error err = {.size = sizeof err};
    struct node *n = &nodes[0];
    begin();
    open_brittle(n, "brittle", "nowhere");
    config_brittle(n, "stubborn", "later", "pipeline: { send: [], require: [ encrypt ] }\n");
    CU_ASSERT_EQUAL(kith_reload(n->k, keep_line, n, &err), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'require' has encrypt"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the transport stays `brittle` until a restart"));
    CU_ASSERT_EQUAL(n->k->config->chain.require, 0);
    end();
}

static void test_what_needs_a_restart_may_come_back(void)
{
    struct kith_error err = {.size = sizeof err};
    struct node *n = &nodes[0];
    char text[512];
    static const char form[] =
        "node: { name: n0, profile: local, control: %s/%s, log: { to: stderr, level: error } }\n"
        "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n";
    begin();
    open_node(n, "");
    snprintf(text, sizeof text, form, dir, "other.sock");
    write_file(n->path, text);
    n->report[0] = 0;
    CU_ASSERT_EQUAL(kith_reload(n->k, keep_line, n, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(n->report, "other.sock (needs a restart)"));
    snprintf(text, sizeof text, form, dir, "n0.sock");
    write_file(n->path, text);
    n->report[0] = 0;
    CU_ASSERT_EQUAL(kith_reload(n->k, keep_line, n, &err), 0);
    CU_ASSERT_PTR_NULL(strstr(n->report, "restart"));
    end();
}

/* A file that is refused opens no log, and its errors are all told, before its warnings. */
static void test_a_refused_file_opens_no_log(void)
{
    struct kith_error err = {.size = sizeof err};
    struct node *n = &nodes[0];
    char extra[512], log[128];
    begin();
    open_node(n, "");
    snprintf(log, sizeof log, "%s/new.log", dir);
    snprintf(extra, sizeof extra,
             "node: { name: n0, log: { to: file, file: %s } }\n"
             "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n"
             "pipeline: { require: [ encrypt ] }\ngosip: {}\n",
             log);
    write_file(n->path, extra);
    n->report[0] = 0;
    CU_ASSERT_EQUAL(kith_reload(n->k, keep_line, n, &err), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, ": error: "));
    CU_ASSERT_EQUAL(access(log, F_OK), -1);
    end();
}

static void copy_plugin(const char *to)
{
    char command[512];
    snprintf(command, sizeof command, "cp %s/tests/runtime/.libs/brittle.so %s/new && mv %s/new %s",
             getenv("builddir"), dir, dir, to);
    CU_ASSERT_EQUAL_FATAL(system(command), 0);
}

/* What runs is never exchanged under a running node: the report says what a restart would do. */
static void test_a_plugin_file_that_was_replaced_is_told(void)
{
    struct kith_error err = {.size = sizeof err};
    struct node *n = &nodes[0];
    char plugin[128], text[512];
    begin();
    memset(n, 0, sizeof *n);
    snprintf(plugin, sizeof plugin, "%s/brittle.so", dir);
    copy_plugin(plugin);
    snprintf(n->path, sizeof n->path, "%s/n0.yaml", dir);
    snprintf(text, sizeof text,
             "node: { name: n0, profile: local, control: '' }\ntransport: { use: %s }\n", plugin);
    write_file(n->path, text);
    struct kith_node_setup setup = {.path = n->path, .world = world, .problems = stderr};
    start_node(n, &setup);
    CU_ASSERT_EQUAL(kith_reload(n->k, keep_line, n, &err), 0);
    CU_ASSERT_PTR_NULL(strstr(n->report, "replaced"));
    copy_plugin(plugin);
    n->report[0] = 0;
    CU_ASSERT_EQUAL(kith_reload(n->k, keep_line, n, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(n->report, "its file was replaced"));
    unlink(plugin); /* the next start will fail, not this reload */
    n->report[0] = 0;
    CU_ASSERT_EQUAL(kith_reload(n->k, keep_line, n, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(n->report, "its file was replaced"));
    end();
}

KITH_TESTS(
    "runtime/reload",
    {"a cluster becomes encrypted by reloads alone",
     test_a_cluster_becomes_encrypted_by_reloads_alone},
    {"a bad file changes nothing", test_a_bad_file_changes_nothing},
    {"a reload says what needs a restart", test_a_reload_says_what_needs_a_restart},
    {"a transport is reloaded but for its bind", test_a_transport_is_reloaded_but_for_its_bind},
    {"a reload compares keys with the ring", test_a_reload_compares_keys_with_the_ring},
    {"a core that refuses settings keeps the old ones",
     test_a_core_that_refuses_settings_keeps_the_old_ones},
    {"a transport that can send nothing is refused",
     test_a_transport_that_can_send_nothing_is_refused},
    {"a transport that fails to take over keeps the old one",
     test_a_transport_that_fails_to_take_over_keeps_the_old_one},
    {"a transport that does not start starts the old one again",
     test_a_transport_that_does_not_start_starts_the_old_one_again},
    {"a transport that has lost what it took ends the node",
     test_a_transport_that_has_lost_what_it_took_ends_the_node},
    {"a transport that starts neither anew nor again ends the node",
     test_a_transport_that_starts_neither_anew_nor_again_ends_the_node},
    {"a delegate that fails is told for what it is",
     test_a_delegate_that_fails_is_told_for_what_it_is},
    {"a part that is kept is not given away", test_a_part_that_is_kept_is_not_given_away},
    {"what waits gives nothing that is required", test_what_waits_gives_nothing_that_is_required},
    {"what needs a restart may come back", test_what_needs_a_restart_may_come_back},
    {"a refused file opens no log", test_a_refused_file_opens_no_log},
    {"a plugin file that was replaced is told", test_a_plugin_file_that_was_replaced_is_told},
    {"before the start a transport is simply another",
     test_before_the_start_a_transport_is_simply_another})
