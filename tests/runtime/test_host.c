/*
 * test_host.c - the services an instance gets, as a plugin would use them. The keyring is the
 * test's own.
 */
#include "../test.h"
#include "host.h"
#include <pthread.h>

struct kith_keyring {
    size_t count;
};

size_t kith_keyring_count(const struct kith_keyring *ring) { return ring->count; }

int kith_keyring_key(struct kith_keyring *ring, size_t i, const char *codec, struct kith_key *out)
{
    out->len = codec ? 32 : 16;
    out->data = (const uint8_t *)(codec ? codec : "raw");
    return 0;
}

static char lines[4096];

static void keep(void *ctx, enum kith_log_level level, const char *line)
{
    strcat(lines, line);
    strcat(lines, "|");
}

static const struct kith_codec_ops raw_ops = {.size = sizeof raw_ops, .flags = KITH_CODEC_RAW_KEYS};
static const struct kith_codec_ops derived_ops = {.size = sizeof derived_ops};
static const struct kith_plugin raw_codec = {KITH_HEADER(CODEC), .name = "raw", .ops = &raw_ops};
static const struct kith_plugin derived_codec = {KITH_HEADER(CODEC), .name = "derived",
                                                 .ops = &derived_ops};

struct fixture {
    struct kith_loop *loop;
    struct kith_log *log;
    struct kith_services *services;
    struct kith_host_maker maker;
    struct kith_entry entry;
    struct kith_keyring ring;
    struct kith_host *host;
};

static void set_up(struct fixture *f, bool real)
{
    struct kith_log_setup setup = {.level = KITH_LOG_TRACE, .hook = keep};
    lines[0] = 0;
    f->loop = real ? kith_loop_new() : kith_loop_new_virtual(3, 1000);
    CU_ASSERT_EQUAL_FATAL(kith_log_new(&f->log, &setup, NULL), 0);
    f->services = kith_services_new(f->loop, f->log);
    f->maker = kith_services_maker(f->services);
    f->entry = (struct kith_entry){.use = "raw", .kind = KITH_CODEC, .plugin = &raw_codec};
    f->ring.count = 2;
    f->host = f->maker.make(f->maker.ctx, &f->entry, &f->ring);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->host);
}

static void tear_down(struct fixture *f)
{
    f->maker.free(f->maker.ctx, f->host);
    kith_services_free(f->services);
    kith_loop_free(f->loop);
    kith_log_free(f->log);
}

static int calls;

static void count(void *arg) { calls += *(int *)arg; }

static void test_table_complete(void)
{
    struct fixture f;
    set_up(&f, false);
    CU_ASSERT_EQUAL(f.host->size, sizeof(struct kith_host));
    const void *const *functions = (const void *const *)&f.host->log;
    size_t n = (sizeof *f.host - offsetof(struct kith_host, log)) / sizeof *functions;
    for (size_t i = 0; i < n; i++) CU_ASSERT_PTR_NOT_NULL(functions[i]);
    tear_down(&f);
}

static void test_log(void)
{
    struct fixture f;
    set_up(&f, false);
    f.entry.channel = "news";
    struct kith_host *second = f.maker.make(f.maker.ctx, &f.entry, NULL);
    f.host->log(f.host, KITH_LOG_INFO, "n=%d", 7);
    second->log(second, KITH_LOG_ERROR, "x");
    CU_ASSERT_STRING_EQUAL(lines, "raw: n=7|raw[news]: x|");
    f.maker.free(f.maker.ctx, second);
    tear_down(&f);
}

/* Held-back lines are summed up without anybody logging again. */
static void test_log_summary(void)
{
    struct fixture f;
    set_up(&f, false);
    int one = 1;
    for (int i = 0; i < 3; i++) f.host->log(f.host, KITH_LOG_WARN, "again");
    f.host->post(f.host, count, &one);
    CU_ASSERT_TRUE(kith_log_holding(f.log));
    CU_ASSERT_TRUE(kith_loop_turn(f.loop, 0)); /* a timer waits for it */
    tear_down(&f);
    CU_ASSERT_STRING_EQUAL(lines, "raw: again|raw: again (repeated 2 times)|");
}

static void test_post_after_stop(void)
{
    struct fixture f;
    int one = 1, ten = 10;
    set_up(&f, true);
    struct kith_host *second = f.maker.make(f.maker.ctx, &f.entry, NULL);
    calls = 0;
    f.host->post(f.host, count, &one);
    second->post(second, count, &ten);
    second->post(second, count, &ten);
    f.host->post(f.host, count, &one);
    f.maker.free(f.maker.ctx, second);
    kith_loop_turn(f.loop, UINT64_MAX);
    CU_ASSERT_EQUAL(calls, 2);
    tear_down(&f);
}

static void *post_thread(void *arg)
{
    static int one = 1;
    struct kith_host *host = arg;
    for (int i = 0; i < 1000; i++) host->post(host, count, &one);
    return NULL;
}

static void test_post_from_threads(void)
{
    struct fixture f;
    pthread_t threads[2];
    set_up(&f, true);
    calls = 0;
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, post_thread, f.host);
    while (calls < 2000) kith_loop_turn(f.loop, UINT64_MAX);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    CU_ASSERT_EQUAL(calls, 2000);
    tear_down(&f);
}

static void visit(void *arg, const struct kith_stat *stat)
{
    char *out = arg;
    sprintf(out + strlen(out), "%s.%s=%.0f %s|", stat->label_value, stat->name, stat->value,
            stat->help);
}

static void test_counters(void)
{
    struct fixture f;
    char text[200] = "";
    set_up(&f, false);
    uint64_t *drops = f.host->counter(f.host, "drops", "Packets dropped.");
    *drops += 5;
    CU_ASSERT_PTR_EQUAL(f.host->counter(f.host, "drops", NULL), drops);
    /* The instance of after a reload goes on with it. */
    struct kith_host *next = f.maker.make(f.maker.ctx, &f.entry, NULL);
    f.maker.free(f.maker.ctx, f.host);
    f.host = next;
    ++*f.host->counter(f.host, "drops", "Packets dropped.");
    f.host->counter(f.host, "other", "Else.");
    kith_services_stats(f.services, visit, text);
    CU_ASSERT_STRING_EQUAL(text, "raw.drops=6 Packets dropped.|raw.other=0 Else.|");
    tear_down(&f);
}

static void test_keys(void)
{
    struct fixture f;
    struct kith_key key = {.size = sizeof key};
    set_up(&f, false);
    CU_ASSERT_EQUAL(f.host->keys(f.host, 1, &key), 2);
    CU_ASSERT_EQUAL(key.len, 16);
    CU_ASSERT_EQUAL(f.host->keys(f.host, 2, &key), 2);
    f.entry.plugin = &derived_codec;
    struct kith_host *derived = f.maker.make(f.maker.ctx, &f.entry, &f.ring);
    CU_ASSERT_EQUAL(derived->keys(derived, 0, &key), 2);
    CU_ASSERT_EQUAL(key.len, 32);
    CU_ASSERT_STRING_EQUAL((const char *)key.data, "derived");
    f.maker.free(f.maker.ctx, derived);
    struct kith_host *none = f.maker.make(f.maker.ctx, &f.entry, NULL);
    CU_ASSERT_EQUAL(none->keys(none, 0, &key), 0);
    f.maker.free(f.maker.ctx, none);
    tear_down(&f);
}

static void test_time_and_query(void)
{
    struct fixture f;
    int one = 1;
    set_up(&f, false);
    calls = 0;
    CU_ASSERT_EQUAL(f.host->now(f.host), 1000);
    struct kith_timer *timer = f.host->timer(f.host, count, &one);
    f.host->timer_set(timer, 5000);
    kith_loop_run_until(f.loop, 6000);
    CU_ASSERT_EQUAL(calls, 1);
    CU_ASSERT_EQUAL(f.host->now(f.host), 6000);
    f.host->timer_free(timer);
    CU_ASSERT_PTR_NULL(f.host->query(f.host, "kith.thing/1"));
    tear_down(&f);
}

KITH_TESTS("runtime/host", {"every service is there", test_table_complete},
           {"log lines carry the instance", test_log},
           {"held-back lines are summed up", test_log_summary},
           {"nothing posted runs after the end", test_post_after_stop},
           {"posts from threads", test_post_from_threads},
           {"counters survive a reload", test_counters}, {"keys", test_keys},
           {"time, timers, query", test_time_and_query})
