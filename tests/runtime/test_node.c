/*
 * test_node.c - whole nodes in one process: YAML, plugins from their .so files, pipeline, core,
 * sockets on loopback, one real loop. Every wait is for an event, bounded by patience; ports are
 * the system's choice.
 */
#include "control.h"
#include "runtime.h"
#include "../test.h"
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 3, PATIENCE_SECONDS = 30 };

static char dir[] = "/tmp/kith-test-XXXXXX";
static struct kith_loop *loop;
static struct kith_registry *registry;

/* A node and what its delegate saw. */
struct node {
    struct kith *k;
    unsigned joins, leaves, updates, packets, streams, deaths;
    size_t bytes;
    char last[64];
    int status;
    unsigned done;
    uint64_t value;
    char path[128], report[4096];
};

static struct node nodes[NODES];

static void on_join(void *self, const struct kith_member *m) { ((struct node *)self)->joins++; }

static void on_leave(void *self, const struct kith_member *m)
{
    ((struct node *)self)->leaves++;
    ((struct node *)self)->deaths += m->state == KITH_DEAD;
}

static void on_update(void *self, const struct kith_member *m) { ((struct node *)self)->updates++; }

static void on_message(void *self, struct kith_bytes bytes, bool reliable)
{
    struct node *n = self;
    *(reliable ? &n->streams : &n->packets) += 1;
    n->bytes += bytes.len;
    snprintf(n->last, sizeof n->last, "%.*s", (int)(bytes.len < 60 ? bytes.len : 60),
             (const char *)bytes.data);
}

static const struct kith_delegate_ops watcher = {
    .size = sizeof watcher,
    .notify_join = on_join,
    .notify_leave = on_leave,
    .notify_update = on_update,
    .notify_msg = on_message,
};

static void done(void *arg, int status, uint64_t value)
{
    struct node *n = arg;
    n->status = status;
    n->value = value;
    n->done++;
}

/* Turn the loop until it holds. */
static uint64_t seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

#define UNTIL(condition) \
    do { \
        uint64_t end_ = seconds() + PATIENCE_SECONDS; \
        while (!(condition) && seconds() < end_) kith_loop_turn(loop, 100000000); \
        CU_ASSERT_FATAL(condition); \
    } while (0)

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
    chmod(path, 0600);
}

static void config(struct node *n, const char *extra)
{
    char text[2048];
    snprintf(n->path, sizeof n->path, "%s/n%d.yaml", dir, (int)(n - nodes));
    snprintf(text, sizeof text,
             "node: { name: n%d, profile: local, control: %s/n%d.sock, log: { to: stderr, level: "
             "error } }\n"
             "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n%s",
             (int)(n - nodes), dir, (int)(n - nodes), extra);
    write_file(n->path, text);
}

static void quiet(void *ctx, enum kith_log_level level, const char *line) {}

static void open_node(struct node *n, const char *extra)
{
    memset(n, 0, sizeof *n);
    config(n, extra);
    struct kith_error err = {.size = sizeof err};
    struct kith_origin origin = {
        .path = n->path, .loop = loop, .registry = registry, .problems = stderr};
    struct kith_options options = {
        .size = sizeof options, .delegate = &watcher, .delegate_self = n, .log = quiet};
    int rc = kith_node_open(&n->k, &origin, &options, &err);
    if (!rc) rc = kith_start(n->k, &err);
    if (rc) printf("\n%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

static void begin(void)
{
    strcpy(dir, "/tmp/kith-test-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    loop = kith_loop_new();
    registry = kith_registry_new(NULL);
}

static void end(void)
{
    char command[64];
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].k) kith_close(nodes[i].k);
        nodes[i].k = NULL;
    }
    kith_registry_free(registry);
    kith_loop_free(loop);
    snprintf(command, sizeof command, "rm -r %s", dir);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void where_is(const struct node *n, char *out, size_t cap)
{
    struct kith_member self = {.size = sizeof self};
    const struct kith_node *t = kith_node(n->k);
    t->local(t, &self);
    t->format(t, &self.addr, out, cap);
}

static size_t count(const struct node *n, enum kith_state state)
{
    return kith_report_count(n->k, state);
}

static int join(struct node *n, const struct node *to)
{
    char where[64];
    where_is(to, where, sizeof where);
    unsigned before = n->done;
    const struct kith_node *t = kith_node(n->k);
    CU_ASSERT_EQUAL_FATAL(t->join(t, where, done, n), 0);
    UNTIL(n->done > before);
    return n->status;
}

static int say(struct node *n, const char *to, const void *data, size_t len, bool reliable)
{
    const struct kith_node *t = kith_node(n->k);
    unsigned before = n->done;
    int rc = t->send(t, to, kith_bytes_of(data, len), reliable, done, n);
    if (rc < 0) return rc;
    UNTIL(n->done > before);
    return n->status;
}

static double stat_value;
static const char *stat_name, *stat_label;

static void look(void *arg, const struct kith_stat *s)
{
    if (!strcmp(s->name, stat_name) &&
        (!stat_label || (s->label_value && !strcmp(s->label_value, stat_label))))
        stat_value += s->value;
}

static double stat_of(const struct node *n, const char *name, const char *label)
{
    stat_name = name;
    stat_label = label;
    stat_value = 0;
    kith_node(n->k)->stats(kith_node(n->k), look, NULL);
    return stat_value;
}

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

    const struct kith_node *t = kith_node(nodes[1].k);
    CU_ASSERT_EQUAL(t->set_meta(t, kith_bytes_of("blue", 4), done, &nodes[1]), 0);
    UNTIL(nodes[0].updates && nodes[2].updates);
    struct kith_member m = {.size = sizeof m};
    CU_ASSERT_EQUAL(kith_node(nodes[0].k)->member(kith_node(nodes[0].k), "n1", &m), 0);
    CU_ASSERT_EQUAL_FATAL(m.meta.len, 4);
    CU_ASSERT_EQUAL(memcmp(m.meta.data, "blue", 4), 0);

    unsigned before = nodes[2].done;
    t = kith_node(nodes[2].k);
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

#define KEY_A  "keyring: [ { env: KITH_TEST_KEY_A } ]\n"
#define KEY_B  "keyring: [ { env: KITH_TEST_KEY_B } ]\n"
#define SEALED "pipeline: { send: [ { use: lzw }, { use: crc32 }, { use: aes_gcm } ] }\n"

static void set_keys(void)
{
    setenv("KITH_TEST_KEY_A", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
           1);
    setenv("KITH_TEST_KEY_B", "f00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
           1);
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

/* ------------------------------------------------------------------------------------ reload */

static void keep_line(void *arg, const char *line)
{
    struct node *n = arg;
    strncat(n->report, line, sizeof n->report - strlen(n->report) - 2);
    strcat(n->report, "\n");
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
    CU_ASSERT_EQUAL(nodes[0].k->table.send(&nodes[0].k->table, "n1",
                                           kith_bytes_of("on its way", 10), true, done, &nodes[0]),
                    0);
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

/* ------------------------------------------------------------------------ embedding, control */

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
    CU_ASSERT_EQUAL_FATAL(kith_start(n->k, &err), 0);
    CU_ASSERT(kith_fd(n->k) >= 0);
    CU_ASSERT(kith_timeout(n->k) < UINT64_MAX);
    CU_ASSERT_EQUAL(kith_dispatch(n->k), 0);
    CU_ASSERT_EQUAL(n->joins, 1);
    struct kith_member self = {.size = sizeof self};
    kith_node(n->k)->local(kith_node(n->k), &self);
    CU_ASSERT_STRING_EQUAL((const char *)self.name.data, "embedded");
    kith_stop(n->k);
    CU_ASSERT_EQUAL(kith_run(n->k), 0);
    CU_ASSERT_EQUAL(kith_dispatch(n->k), -KITH_ECLOSED);
    end();
}

static int dial(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    return fd;
}

/* One line in, one object out; NULL when the node closed the connection instead. */
static json_t *ask(int fd, const char *line, size_t len)
{
    static char answer[1 << 20];
    size_t have = 0, sent = 0;
    uint64_t last = seconds() + PATIENCE_SECONDS;
    while (seconds() < last) {
        if (sent < len) {
            ssize_t n = write(fd, line + sent, len - sent);
            if (n > 0) sent += (size_t)n;
        }
        ssize_t n = read(fd, answer + have, sizeof answer - have);
        if (n == 0) return NULL;
        if (n > 0) have += (size_t)n;
        if (have && answer[have - 1] == '\n') return json_loadb(answer, have, 0, NULL);
        kith_loop_turn(loop, 10000000);
    }
    return NULL;
}

static const char *code_of(json_t *answer)
{
    const char *code = json_string_value(json_object_get(answer, "code"));
    static char copy[64];
    snprintf(copy, sizeof copy, "%s",
             code                                          ? code
             : json_is_true(json_object_get(answer, "ok")) ? "ok"
                                                           : "?");
    json_decref(answer);
    return copy;
}

#define ASK(fd, text) code_of(ask(fd, text "\n", sizeof text))

static void test_the_control_socket_takes_anything(void)
{
    begin();
    open_node(&nodes[0], "");
    int fd = dial(nodes[0].k->control_path);
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"members\"}"), "ok");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "nonsense"), "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "[1]"), "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"fly\"}"), "unsupported");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"send\",\"to\":\"x\",\"text\":\"y\"}"), "not_found");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"send\",\"to\":\"n0\",\"payload\":\"*\"}"),
                           "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"join\",\"where\":[\"/\"]}"), "ok");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"join\",\"where\":[1]}"), "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"monitor\",\"events\":[\"x\"]}"), "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"command\",\"instance\":\"x\"}"), "not_found");
    CU_ASSERT_STRING_EQUAL(
        ASK(fd, "{\"cmd\":\"members\",\"wait\":{\"what\":\"alive\",\"count\":2},\"timeout\":0.01}"),
        "timeout");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"members\",\"wait\":{\"what\":\"odd\",\"count\":2}}"),
                           "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"keys\",\"do\":\"install\",\"key\":\"short\"}"),
                           "invalid");
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"keys\",\"do\":\"use\",\"fingerprint\":\"00\"}"),
                           "not_found");
    char *flood = malloc(KITH_CONTROL_LINE_MAX + 2);
    memset(flood, 'x', KITH_CONTROL_LINE_MAX + 2);
    CU_ASSERT_PTR_NULL(ask(fd, flood, KITH_CONTROL_LINE_MAX + 2));
    free(flood);
    close(fd);
    end();
}

/* The next line, as far as it fits. */
static json_t *next_line(int fd)
{
    static char line[8 << 20];
    size_t have = 0;
    uint64_t last = seconds() + PATIENCE_SECONDS;
    while (seconds() < last && have < sizeof line) {
        ssize_t n = read(fd, line + have, 1);
        if (n == 0) break;
        if (n < 0)
            kith_loop_turn(loop, 10000000);
        else if (line[have++] == '\n')
            return json_loadb(line, have, 0, NULL);
    }
    return NULL;
}

static void test_a_monitor_that_does_not_read_is_told_what_it_missed(void)
{
    enum { BIG = 1500000 };
    static char big[BIG];
    begin();
    open_node(&nodes[0], "");
    open_node(&nodes[1], "");
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0);
    int fd = dial(nodes[0].k->control_path);
    CU_ASSERT_STRING_EQUAL(ASK(fd, "{\"cmd\":\"monitor\",\"events\":[\"message\"]}"), "ok");
    for (unsigned i = 1; i <= 3; i++) {
        CU_ASSERT_EQUAL(say(&nodes[1], "n0", big, sizeof big, true), 0);
        UNTIL(nodes[0].streams == i);
    }
    json_t *first = next_line(fd);
    CU_ASSERT_EQUAL(json_string_length(json_object_get(first, "payload")), BIG / 3 * 4);
    json_decref(first);
    CU_ASSERT_EQUAL(say(&nodes[1], "n0", "small", 5, true), 0);
    json_t *missed = next_line(fd), *last = next_line(fd);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(missed, "event")), "dropped");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(missed, "count")), 2);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(last, "payload")), "c21hbGw=");
    json_decref(missed);
    json_decref(last);
    close(fd);
    end();
}

static void test_requests_are_answered_in_order(void)
{
    static const char text[] = "{\"cmd\":\"info\",\"id\":1}\n{\"cmd\":\"members\",\"wait\":{"
                               "\"what\":\"alive\",\"count\":2},\"id\":2}\n"
                               "{\"cmd\":\"ping\",\"node\":\"n1\",\"id\":3}\n";
    begin();
    open_node(&nodes[0], "");
    open_node(&nodes[1], "");
    int fd = dial(nodes[0].k->control_path);
    json_t *first = ask(fd, text, sizeof text - 1);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(first, "id")), 1);
    json_decref(first);
    CU_ASSERT_EQUAL(join(&nodes[1], &nodes[0]), 0); /* what the second one waits for */
    char lines[65536];
    size_t have = 0;
    int newlines = 0;
    UNTIL(({
        ssize_t n = read(fd, lines + have, sizeof lines - 1 - have);
        for (ssize_t i = 0; i < n; i++) newlines += lines[have + (size_t)i] == '\n';
        if (n > 0) have += (size_t)n;
        newlines == 2;
    }));
    lines[have] = 0;
    char *second = strstr(lines, "\"id\":2"), *third = strstr(lines, "\"id\":3");
    CU_ASSERT(second && third && second < third);
    close(fd);
    end();
}

static void test_stale_sockets_are_replaced_and_live_ones_refused(void)
{
    begin();
    char path[64];
    snprintf(path, sizeof path, "%s/n0.sock", dir);
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    strcpy(sa.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    close(fd); /* as after a crash */
    open_node(&nodes[0], "");
    struct kith_error err = {.size = sizeof err};
    struct kith_origin origin = {.path = nodes[0].path, .loop = loop, .registry = registry};
    struct kith *twin = NULL;
    CU_ASSERT_EQUAL_FATAL(kith_node_open(&twin, &origin, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_start(twin, &err), -KITH_EADDRINUSE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
    kith_close(twin);
    CU_ASSERT_EQUAL(access(path, F_OK), 0); /* the twin took nothing with it */
    kith_close(nodes[0].k);
    nodes[0].k = NULL;
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    end();
}

KITH_TESTS("runtime/node", {"three nodes meet, talk and part", test_three_nodes_meet_talk_and_part},
           {"the same encrypted and compressed", test_the_same_encrypted_and_compressed},
           {"a wrong key is refused and counted", test_a_wrong_key_is_refused_and_counted},
           {"large messages go through in pieces", test_large_messages_go_through_in_pieces},
           {"the join list is tried from the start", test_the_join_list_is_tried_from_the_start},
           {"a cluster becomes encrypted by reloads alone",
            test_a_cluster_becomes_encrypted_by_reloads_alone},
           {"a bad file changes nothing", test_a_bad_file_changes_nothing},
           {"a reload says what needs a restart", test_a_reload_says_what_needs_a_restart},
           {"a transport is reloaded but for its bind",
            test_a_transport_is_reloaded_but_for_its_bind},
           {"a reload compares keys with the ring", test_a_reload_compares_keys_with_the_ring},
           {"the public calls drive a node", test_the_public_calls_drive_a_node},
           {"the control socket takes anything", test_the_control_socket_takes_anything},
           {"a monitor that does not read is told what it missed",
            test_a_monitor_that_does_not_read_is_told_what_it_missed},
           {"requests are answered in order", test_requests_are_answered_in_order},
           {"stale sockets are replaced, live ones refused",
            test_stale_sockets_are_replaced_and_live_ones_refused})
