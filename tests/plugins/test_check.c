/* What the plugins themselves say about a file, each with its place. */
#include "plugins_check.h"
#include "registry.h"
#include "test.h"
#include <time.h>

/* A delegate whose init uses what a check has to offer. */
static int init(void *self, const struct kith_host *host, struct kith_error *err)
{
    char *first = host->scratch(host, 100), *second = host->scratch(host, 100000);
    memset(first, 'a', 100);
    memset(second, 'b', 100000);
    CU_ASSERT(first[99] == 'a' && second[99999] == 'b');
    host->log(host, KITH_LOG_WARN, "%s is old", "this");
    host->log(host, KITH_LOG_INFO, "nobody needs this");
    return 0;
}

static struct {
    uint64_t now, wall, world;
    uint8_t chance[16];
} seen;

static int look(void *self, const struct kith_host *host, struct kith_error *err)
{
    seen.now = host->now(host);
    seen.wall = host->wall(host);
    seen.world = host->world(host);
    host->random(host, seen.chance, sizeof seen.chance);
    return init(self, host, err);
}

static const struct kith_delegate_ops ops = {.size = sizeof ops};
static const struct kith_plugin speaker = {
    KITH_HEADER(DELEGATE), .name = "speaker", .version = "1", .summary = "speaks in init",
    .instance_size = 1,    .ops = &ops,       .init = look,
};

static struct kith_config_finder rest;

static const struct kith_plugin *find(void *ctx, enum kith_kind kind, const char *name,
                                      struct kith_error *err)
{
    if (kind == KITH_DELEGATE && strcmp(name, "speaker") == 0) return &speaker;
    return rest.find(rest.ctx, kind, name, err);
}

static const struct kith_check_world *world; /* NULL: the system's */

static char *problems(const char *text, bool *ok)
{
    struct kith_registry *registry = kith_registry_new(NULL);
    struct kith_config_finder finder = kith_registry_finder(registry);
    rest = finder;
    finder.find = find;
    struct kith_diag *diag = kith_diag_new();
    struct kith_config *config = kith_config_parse("t.yaml", text, strlen(text), &finder, diag);
    *ok = config != NULL;
    if (config) kith_plugins_check(config, world, diag, true);
    char *said = kith_diag_text(diag);
    kith_config_free(config);
    kith_diag_free(diag);
    kith_registry_free(registry);
    return said;
}

static void test_init_speaks(void)
{
    bool ok;
    char *said = problems("node: { name: a }\n"
                          "transport: { use: udp_tcp, bind: \"127.0.0.1:0\" }\n"
                          "delegates:\n"
                          "  - { use: log }\n"
                          "  - { use: log, as: second, events: [ join, arrive ] }\n"
                          "  - { use: log, as: third, events: [ part ] }\n",
                          &ok);
    CU_ASSERT(ok);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "t.yaml:5:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "error: second: events: `arrive` is none of"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "t.yaml:6:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "error: third: events: `part` is none of"));
    CU_ASSERT_PTR_NULL(strstr(said, "t.yaml:4:"));
    free(said);
}

static void test_init_logs(void)
{
    bool ok;
    char *said = problems("node: { name: a }\n"
                          "transport: { use: udp_tcp, bind: \"127.0.0.1:0\" }\n"
                          "delegates: [ { use: speaker, as: loud } ]\n",
                          &ok);
    CU_ASSERT(ok);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "t.yaml:3:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "warning: loud: this is old"));
    CU_ASSERT_PTR_NULL(strstr(said, "nobody"));
    free(said);
}

static void test_nothing_to_say(void)
{
    bool ok;
    char *said = problems("node: { name: a }\nsecret_key: MDEyMzQ1Njc4OWFiY2RlZg==\n"
                          "transport: { use: udp_tcp, bind: \"127.0.0.1:0\" }\n"
                          "delegates: [ { use: log }, { use: log, as: news, channel: news } ]\n",
                          &ok);
    CU_ASSERT(ok);
    CU_ASSERT_PTR_NULL(strstr(said, "error"));
    free(said);
}

/* -------------------------------------------------------------------------------- time, chance */

static const char speaks[] = "node: { name: a }\n"
                             "transport: { use: udp_tcp, bind: \"127.0.0.1:0\" }\n"
                             "delegates: [ { use: speaker } ]\n";

/* Not time(): it reads a coarser clock, which may be a tick behind. */
static uint64_t wall(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A certificate may have come to its end. */
static void test_init_knows_the_time(void)
{
    static const uint8_t zeroes[16];
    bool ok;
    memset(&seen, 0, sizeof seen);
    uint64_t before = wall();
    free(problems(speaks, &ok));
    CU_ASSERT(seen.wall >= before && seen.wall <= wall());
    CU_ASSERT(seen.now > 0);
    CU_ASSERT_EQUAL(seen.world, 0);
    CU_ASSERT_NOT_EQUAL(memcmp(seen.chance, zeroes, sizeof zeroes), 0);
}

static uint64_t virtual_now(void *ctx) { return 11; }
static uint64_t virtual_wall(void *ctx) { return 12; }
static uint64_t virtual_number(void *ctx) { return 13; }
static void always_four(void *ctx, void *out, size_t len) { memset(out, 4, len); }

/* What needs files and sockets is refused in a check, too. */
static void test_init_sees_the_nodes_world(void)
{
    static const struct kith_check_world node = {NULL, virtual_now, virtual_wall, virtual_number,
                                                 always_four};
    bool ok;
    world = &node;
    char *said = problems(speaks, &ok);
    world = NULL;
    CU_ASSERT(seen.now == 11 && seen.wall == 12 && seen.world == 13);
    CU_ASSERT(seen.chance[0] == 4 && seen.chance[15] == 4);
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "t.yaml:2:"));
    CU_ASSERT_PTR_NOT_NULL(strstr(said, "not in a simulation"));
    free(said);
}

KITH_TESTS("plugins/check", {"each init speaks", test_init_speaks},
           {"what init logs is shown, and scratch lasts", test_init_logs},
           {"nothing to say", test_nothing_to_say},
           {"init knows the time", test_init_knows_the_time},
           {"init sees the node's world", test_init_sees_the_nodes_world})
