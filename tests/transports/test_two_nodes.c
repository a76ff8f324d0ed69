/*
 * test_two_nodes.c - two whole nodes over a transport that is not about IP at all: the example of
 * Unix sockets. They join by path, talk by packet and by stream, see each other's path, and leave.
 */
#include "node.h"
#include "plugins_check.h"
#include "test.h"
#include <time.h>
#include <unistd.h>

extern const struct kith_plugin kith_plugin_v1_unix_socket;

static struct kith_world *world;
static struct kith_loop *loop;
static char dir[64];

struct peer {
    struct kith *k;
    char text[600];
    size_t heard, reliable, left;
    char last[32], from[128];
    uint32_t provides;
};

static const struct kith_plugin *find(void *ctx, enum kith_kind kind, const char *name,
                                      struct kith_error *err)
{
    struct kith_config_finder rest = kith_registry_finder(kith_world_registry(world));
    if (strcmp(name, "unix_socket") == 0) return &kith_plugin_v1_unix_socket;
    return rest.find(rest.ctx, kind, name, err);
}

static void message(void *self, const struct kith_message *m)
{
    struct peer *p = self;
    p->heard++;
    p->reliable += (m->flags & KITH_RELIABLE) != 0;
    p->provides = m->peer->provides;
    snprintf(p->last, sizeof p->last, "%.*s", (int)m->bytes.len, (const char *)m->bytes.data);
    snprintf(p->from, sizeof p->from, "%.*s", m->peer->addr->len,
             (const char *)m->peer->addr->bytes);
}

static void event(void *self, const struct kith_event *e)
{
    struct peer *p = self;
    p->left += e->kind == KITH_EVENT_LEAVE && e->member->state == KITH_LEFT;
}

static const struct kith_delegate_ops listens = {
    .size = sizeof listens, .event = event, .message = message};

static void start(struct peer *p, const char *name)
{
    struct kith_config_finder finder = {.find = find};
    struct kith_options options = {
        .size = sizeof options, .control = "", .delegate = &listens, .delegate_self = p};
    struct kith_error err = {.size = sizeof err};
    memset(p, 0, sizeof *p);
    snprintf(p->text, sizeof p->text,
             "node: { name: %s, profile: local, log: { level: error } }\n"
             "transport: { use: unix_socket, path: '%s/%s' }\n"
             "pipeline: { send: [], accept: [], require: [ encrypt, authenticate ] }\n",
             name, dir, name);
    struct kith_node_setup setup = {.path = "test.yaml",
                                    .text = p->text,
                                    .len = strlen(p->text),
                                    .world = world,
                                    .finder = &finder,
                                    .problems = stderr};
    CU_ASSERT_EQUAL_FATAL(kith_node_open(&p->k, &setup, &options, &err), 0);
    CU_ASSERT_EQUAL_FATAL(kith_start(p->k, &err), 0);
}

static bool in_time(bool first)
{
    static time_t end;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (first) end = now.tv_sec + 30;
    return now.tv_sec < end;
}

#define UNTIL(cond) \
    do { \
        in_time(true); \
        while (!(cond) && in_time(false)) kith_loop_turn(loop, 100000000); \
        CU_ASSERT_TRUE_FATAL(cond); \
    } while (0)

static size_t alive(struct peer *p)
{
    struct kith_member m;
    static const char *const names[] = {"a", "b"};
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        KITH_ZERO(&m);
        n += kith_table(p->k)->member(kith_table(p->k), kith_text(names[i]), &m) == 0 &&
             m.state == KITH_ALIVE;
    }
    return n;
}

static int ended, status;

static void done(void *arg, int rc, uint64_t value)
{
    ended++;
    status = rc;
}

static void say(struct peer *from, const char *to, const char *text, uint32_t flags)
{
    struct kith_peer peer = {.size = sizeof peer, .name = kith_text(to)};
    struct kith_message m = {
        .size = sizeof m, .flags = flags, .bytes = kith_text(text), .peer = &peer};
    CU_ASSERT_EQUAL(kith_table(from->k)->send(kith_table(from->k), &m, NULL, NULL), 0);
}

static void test_two_nodes(void)
{
    struct peer a, b;
    char path[100], text[KITH_ADDR_TEXT];
    struct kith_member m;
    snprintf(dir, sizeof dir, "/tmp/kith-test-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    world = kith_world_new(NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(world);
    loop = kith_world_loop(world);
    start(&a, "a");
    start(&b, "b");

    /* A path has slashes; so has NAME/ADDRESS. */
    ended = 0;
    snprintf(path, sizeof path, "a/%s/a", dir);
    CU_ASSERT_EQUAL(kith_join(b.k, path, done, NULL), 0);
    UNTIL(ended == 1);
    CU_ASSERT_EQUAL(status, 0);
    UNTIL(alive(&a) == 2 && alive(&b) == 2);

    KITH_ZERO(&m);
    CU_ASSERT_EQUAL(kith_table(b.k)->member(kith_table(b.k), kith_text("a"), &m), 0);
    kith_table(b.k)->format(kith_table(b.k), &m.addr, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, path + 2);

    say(&a, "b", "by packet", 0);
    UNTIL(b.heard == 1);
    CU_ASSERT_STRING_EQUAL(b.last, "by packet");
    CU_ASSERT_STRING_EQUAL(b.from, path + 2);
    CU_ASSERT_EQUAL(b.reliable, 0);
    CU_ASSERT_EQUAL(b.provides, KITH_AUTHENTICATES | KITH_ENCRYPTS);
    say(&b, "a", "by stream", KITH_RELIABLE);
    UNTIL(a.heard == 1);
    CU_ASSERT_STRING_EQUAL(a.last, "by stream");
    CU_ASSERT_EQUAL(a.reliable, 1);

    ended = 0;
    CU_ASSERT_EQUAL(kith_table(b.k)->leave(kith_table(b.k), 5000000000u, done, NULL), 0);
    UNTIL(ended == 1 && a.left == 1);
    kith_close(a.k);
    kith_close(b.k);
    kith_world_unref(world);
    CU_ASSERT_EQUAL(rmdir(dir), 0);
}

KITH_TESTS("transports/two_nodes", {"two nodes over Unix sockets", test_two_nodes})
