/*
 * test_tables.c - the core's formulas against memberlist's own numbers (tests/data/vectors.json),
 * and the small parts that need no node: awareness, networks, random, hash, alarms.
 */
#include "formulas.h"
#include "allowed.h"
#include "awareness.h"
#include "state.h"
#include "suspicion.h"
#include "sync.h"
#include "test.h"

#include <jansson.h>

static json_t *tables(void)
{
    static json_t *all;
    const char *dir = getenv("srcdir");
    char path[1024];
    if (all) return all;
    snprintf(path, sizeof path, "%s/tests/data/vectors.json", dir ? dir : ".");
    json_t *file = json_load_file(path, 0, NULL);
    all = json_incref(json_object_get(file, "numeric_tables"));
    json_decref(file);
    if (!all) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    return all;
}

static void table(const char *name, uint64_t (*formula)(size_t n))
{
    const char *key;
    json_t *value, *object = json_object_get(tables(), name);
    CU_ASSERT(json_object_size(object) > 5);
    json_object_foreach(object, key, value)
    {
        uint64_t got = formula((size_t)strtoull(key, NULL, 10));
        if (got != (uint64_t)json_integer_value(value))
            printf("%s, n = %s: %llu\n", name, key, (unsigned long long)got);
        CU_ASSERT_EQUAL(got, (uint64_t)json_integer_value(value));
    }
}

static uint64_t suspicion_us(size_t n) { return kith_suspicion_min(4, n, 1000000000) / 1000; }
static uint64_t retransmits(size_t n) { return kith_retransmit_limit(4, n); }
static uint64_t scale(size_t n) { return kith_push_pull_scale(n); }

static void test_suspicion_timeout(void)
{
    table("suspicionTimeout_us(mult=4,interval=1s)", suspicion_us);
    CU_ASSERT_EQUAL(kith_suspicion_min(4, 1, 1001), 4004);
    CU_ASSERT_EQUAL(kith_suspicion_min(3, 10000, 999), 11988);
    CU_ASSERT_EQUAL(kith_suspicion_min(UINT32_MAX, 1, 1ull << 31), (1ull << 63) - (1ull << 31));
    CU_ASSERT_EQUAL(kith_suspicion_min(UINT32_MAX, 1, (1ull << 31) + 1), INT64_MAX);
    CU_ASSERT_EQUAL(kith_suspicion_min(UINT32_MAX, SIZE_MAX, UINT64_MAX), INT64_MAX);
}
static void test_retransmit_limit(void) { table("retransmitLimit(mult=4)", retransmits); }
static void test_push_pull_scale(void) { table("pushPullScale(1s)_s", scale); }

static int64_t field(json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

static void test_remaining_suspicion(void)
{
    size_t i;
    json_t *row, *rows = json_object_get(tables(), "remainingSuspicionTime");
    const int64_t second = 1000000000;
    CU_ASSERT(json_array_size(rows) > 5);
    json_array_foreach(rows, i, row)
    {
        int64_t left = kith_suspicion_remaining(
            (uint32_t)field(row, "n"), (uint32_t)field(row, "k"),
            (uint64_t)(field(row, "elapsed_s") * second), (uint64_t)(field(row, "min_s") * second),
            (uint64_t)(field(row, "max_s") * second));
        CU_ASSERT_EQUAL(left, field(row, "remaining_ms") * 1000000);
    }
}

static void test_awareness(void)
{
    static const struct {
        int delta;
        unsigned score;
    } steps[] = {{0, 0},  {-1, 0}, {-10, 0}, {1, 1},  {-1, 0}, {10, 7}, {-1, 6},
                 {-1, 5}, {-1, 4}, {-1, 3},  {-1, 2}, {-1, 1}, {-1, 0}, {-1, 0}};
    unsigned score = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        score = kith_awareness_apply(score, steps[i].delta, 8);
        CU_ASSERT_EQUAL(score, steps[i].score);
    }
    CU_ASSERT_EQUAL(kith_awareness_apply(5, 0, 3), 2); /* fewer steps after a reload */
    CU_ASSERT_EQUAL(kith_awareness_apply(0, 1, 1), 0);
}

static bool inside(const char *net, uint8_t len, uint8_t prefix, uint8_t addr_len, const char *addr)
{
    struct kith_core core = {0};
    struct kith_cidr cidr = {.len = len, .prefix = prefix};
    memcpy(cidr.bytes, net, len);
    core.set.cidrs_allowed = &cidr;
    core.set.cidrs_count = 1;
    return kith_allowed(&core, kith_bytes_of(addr, addr_len));
}

static void test_networks(void)
{
    static const char mapped[] = "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\x01\x02\x03";
    static const char v6[] = "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01";
    static const char zero[16];
    CU_ASSERT(inside("\x0a\0\0\0", 4, 8, 4, "\x0a\x01\x02\x03"));
    CU_ASSERT(inside("\x0a\x01\x02\x03", 4, 32, 4, "\x0a\x01\x02\x03"));
    CU_ASSERT(inside(zero, 4, 0, 4, "\x0a\x01\x02\x03"));
    CU_ASSERT(inside("\x0a\x01\x02\0", 4, 23, 4, "\x0a\x01\x03\x03"));
    CU_ASSERT(!inside("\x0a\x01\x02\0", 4, 23, 4, "\x0a\x01\x04\x03"));
    CU_ASSERT(!inside("\x0a\x01\x02\x04", 4, 32, 4, "\x0a\x01\x02\x03"));
    CU_ASSERT(inside("\x0a\0\0\0", 4, 8, 16,
                     mapped)); /* v4-mapped addresses are IPv4 (PROTOCOL.md 2.12) */
    CU_ASSERT(!inside(zero, 16, 0, 16, mapped));
    CU_ASSERT(!inside(zero, 16, 0, 4, "\x0a\x01\x02\x03"));
    CU_ASSERT(inside(v6, 16, 8, 16, v6));
    CU_ASSERT(inside(v6, 16, 128, 16, v6));
    CU_ASSERT(!inside("\xfe\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 8, 16, v6));
    CU_ASSERT(!inside(zero, 4, 0, 16, v6));
    CU_ASSERT(!inside("\x0a\0\0\0", 4, 8, 5, "\x0a\x01\x02\x03\x04"));
    struct kith_core open = {0};
    CU_ASSERT(kith_allowed(&open, kith_bytes_of("anything", 8)));
}

static void test_random_is_even_and_repeats(void)
{
    struct kith_random a = {42}, b = {42};
    unsigned seen[10] = {0};
    for (int i = 0; i < 100000; i++) {
        uint64_t v = kith_random_below(&a, 10);
        CU_ASSERT_EQUAL_FATAL(v, kith_random_below(&b, 10));
        CU_ASSERT_FATAL(v < 10);
        seen[v]++;
    }
    for (int i = 0; i < 10; i++) CU_ASSERT(seen[i] > 9500 && seen[i] < 10500);
    CU_ASSERT_EQUAL(kith_random_below(&a, 0), 0);
    CU_ASSERT_EQUAL(kith_random_below(&a, 1), 0);
    a.state = 42; /* the upper half of 128 bits, on every machine */
    CU_ASSERT_EQUAL(kith_random_below(&a, UINT64_MAX), 13679457532755275412u);
    CU_ASSERT_EQUAL(kith_random_below(&a, 3600000000000), 575677414356);
    CU_ASSERT_EQUAL(kith_random_below(&a, (1ull << 63) + 1), 2569641874231381929);
    CU_ASSERT_EQUAL(kith_random_below(&a, (1ull << 32) + 1), 1478287871);
}

static void test_hash_depends_on_all(void)
{
    const char *text = "a name of more than sixteen bytes";
    uint64_t whole = kith_hash(1, text, strlen(text));
    CU_ASSERT_EQUAL(whole, kith_hash(1, text, strlen(text)));
    CU_ASSERT_NOT_EQUAL(whole, kith_hash(2, text, strlen(text)));
    for (size_t n = 0; n < strlen(text); n++) CU_ASSERT_NOT_EQUAL(whole, kith_hash(1, text, n));
    CU_ASSERT_NOT_EQUAL(kith_hash(1, "\0", 1), kith_hash(1, "\0\0", 2));
}

static void test_alarms_come_in_order(void)
{
    enum { N = 500 };
    struct kith_alarms heap = {0};
    struct kith_alarm alarms[N] = {{0}};
    struct kith_random random = {7};
    CU_ASSERT_EQUAL_FATAL(kith_alarms_reserve(&heap, N), 0);
    for (int i = 0; i < N; i++)
        kith_alarm_set(&heap, &alarms[i], 1 + kith_random_below(&random, 99));
    for (int i = 0; i < N; i += 3) kith_alarm_clear(&heap, &alarms[i]);
    for (int i = 1; i < N; i += 3)
        kith_alarm_set(&heap, &alarms[i], 200 + kith_random_below(&random, 100));
    kith_alarm_set(&heap, &alarms[0], 400);
    CU_ASSERT_PTR_NULL(kith_alarms_due(&heap, heap.heap[0]->at - 1));
    uint64_t last = 0;
    uint32_t order = 0;
    int fired = 0;
    for (struct kith_alarm *a; (a = kith_alarms_due(&heap, UINT64_MAX)); fired++) {
        CU_ASSERT(a->at >= last);
        if (a->at == last && fired) CU_ASSERT(a->order > order);
        CU_ASSERT_EQUAL(a->place, 0);
        CU_ASSERT((a == &alarms[0]) == (heap.count == 0));
        last = a->at;
        order = a->order;
    }
    CU_ASSERT_EQUAL(heap.count, 0);
    CU_ASSERT(fired > N / 2);
    free(heap.heap);
}

static void test_ticks_that_were_missed_are_missed(void)
{
    CU_ASSERT_EQUAL(kith_next_tick(100, 10, 100), 110);
    CU_ASSERT_EQUAL(kith_next_tick(100, 10, 109), 110);
    CU_ASSERT_EQUAL(kith_next_tick(100, 10, 110), 120);
    CU_ASSERT_EQUAL(kith_next_tick(100, 10, 455), 460);
    CU_ASSERT_EQUAL(kith_later(UINT64_MAX - 5, 100), UINT64_MAX - 1);
}

KITH_TESTS("core/tables", {"suspicion timeout", test_suspicion_timeout},
           {"retransmit limit", test_retransmit_limit}, {"push/pull scale", test_push_pull_scale},
           {"remaining suspicion time", test_remaining_suspicion}, {"awareness", test_awareness},
           {"networks", test_networks},
           {"random is even and repeats", test_random_is_even_and_repeats},
           {"hash depends on all", test_hash_depends_on_all},
           {"alarms come in order", test_alarms_come_in_order},
           {"missed ticks are missed", test_ticks_that_were_missed_are_missed})
