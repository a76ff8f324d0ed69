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
#include "lan_settings.h"
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

/* The vectors that go with SipHash: key 00 01 .. 0f, messages of 0 to 63 such bytes; with one round
 * a word and three at the end. */
static void test_hash_is_siphash_1_3(void)
{
    static const uint64_t vectors[64] = {
        0xabac0158050fc4dc, 0xc9f49bf37d57ca93, 0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb,
        0xcf75576088d38328, 0xdef9d52f49533b67, 0xc50d2b50c59f22a7, 0xd3927d989bb11140,
        0x369095118d299a8e, 0x25a48eb36c063de4, 0x79de85ee92ff097f, 0x70c118c1f94dc352,
        0x78a384b157b4d9a2, 0x306f760c1229ffa7, 0x605aa111c0f95d34, 0xd320d86d2a519956,
        0xcc4fdd1a7d908b66, 0x9cf2689063dbd80c, 0x8ffc389cb473e63e, 0xf21f9de58d297d1c,
        0xc0dc2f46a6cce040, 0xb992abfe2b45f844, 0x7ffe7b9ba320872e, 0x525a0e7fdae6c123,
        0xf464aeb267349c8c, 0x45cd5928705b0979, 0x3a3e35e3ca9913a5, 0xa91dc74e4ade3b35,
        0xfb0bed02ef6cd00d, 0x88d93cb44ab1e1f4, 0x540f11d643c5e663, 0x2370dd1f8c21d1bc,
        0x81157b6c16a7b60d, 0x4d54b9e57a8ff9bf, 0x759f12781f2a753e, 0xcea1a3bebf186b91,
        0x2cf508d3ada26206, 0xb6101c2da3c33057, 0xb3f47496ae3a36a1, 0x626b57547b108392,
        0xc1d2363299e41531, 0x667cc1923f1ad944, 0x65704ffec8138825, 0x24f280d1c28949a6,
        0xc2ca1cedfaf8876b, 0xc2164bfc9f042196, 0xa16e9c9368b1d623, 0x49fb169c8b5114fd,
        0x9f3143f8df074c46, 0xc6fdaf2412cc86b3, 0x7eaf49d10a52098f, 0x1cf313559d292f9a,
        0xc44a30dda2f41f12, 0x36fae98943a71ed0, 0x318fb34c73f0bce6, 0xa27abf3670a7e980,
        0xb4bcc0db243c6d75, 0x23f8d852fdb71513, 0x8f035f4da67d8a08, 0xd89cd0e5b7e8f148,
        0xf6f4e6bcf7a644ee, 0xaec59ad80f1837f2, 0xc3b2f6154b6694e0, 0x9d199062b7bbb3a8,
    };
    const struct kith_hash_key key = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};
    uint8_t bytes[65], *message = bytes + 1; /* at an odd address, too */
    for (uint8_t i = 0; i < 64; i++) {
        message[i] = i;
        CU_ASSERT_EQUAL(kith_hash(&key, message, i), vectors[i]);
    }
}

static void test_hash_depends_on_all(void)
{
    const char *text = "a name of more than sixteen bytes";
    const struct kith_hash_key key = {{1, 1}}, first = {{2, 1}}, second = {{1, 2}};
    uint64_t whole = kith_hash(&key, text, strlen(text));
    CU_ASSERT_EQUAL(whole, kith_hash(&key, text, strlen(text)));
    CU_ASSERT_NOT_EQUAL(whole, kith_hash(&first, text, strlen(text)));
    CU_ASSERT_NOT_EQUAL(whole, kith_hash(&second, text, strlen(text)));
    for (size_t n = 0; n < strlen(text); n++) CU_ASSERT_NOT_EQUAL(whole, kith_hash(&key, text, n));
}

/* Bit 63 of a word, taken back by bits 63 and 31 of the next: to a hash that multiplies and shifts
 * all these are one name, whatever its seed. */
static void test_chosen_names_are_spread(void)
{
    enum { CHOICES = 12, NAMES = 1 << CHOICES };
    static uint32_t hashes[NAMES];
    const struct kith_members members = {.key = {{7, 8}}};
    unsigned same = 0;
    for (uint32_t i = 0; i < NAMES; i++) {
        uint64_t name[2 * CHOICES] = {0};
        for (unsigned bit = 0; bit < CHOICES; bit++) {
            if (!(i >> bit & 1)) continue;
            name[2 * bit] = UINT64_C(1) << 63;
            name[2 * bit + 1] = UINT64_C(1) << 63 | UINT64_C(1) << 31;
        }
        hashes[i] = kith_members_hash(&members, kith_bytes_of(name, sizeof name));
        for (uint32_t j = 0; j < i; j++) same += hashes[j] == hashes[i];
    }
    CU_ASSERT(same < 4); /* hardly ever one */
}

static void test_every_hash_takes_the_secret_key(void)
{
    struct kith_core_config config = {
        .settings = lan_settings("a"), .advertise = {.len = 4, .port = 1}, .hash_key = {3, 4}};
    const struct kith_core_env env = {0};
    struct kith_core *core;
    CU_ASSERT_EQUAL_FATAL(kith_core_new(&core, &config, &env, 1, 1, NULL), 0);
    CU_ASSERT(memcmp(&core->members.key, config.hash_key, 16) == 0);
    CU_ASSERT(memcmp(&core->queue.key, config.hash_key, 16) == 0);
    CU_ASSERT(memcmp(&core->user_queue.key, config.hash_key, 16) == 0);
    kith_core_free(core);
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

/* -------------------------------------------------------------------------------- addresses */

static const struct kith_hash_key some_key = {{1, 2}};

static struct kith_addr place(uint32_t n)
{
    return (struct kith_addr){
        .len = 4, .bytes = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}, .port = 7946};
}

struct town {
    struct kith_members members;
    struct kith_addresses addresses;
    struct kith_random random;
};

static void town_init(struct town *t)
{
    memset(t, 0, sizeof *t);
    t->random.state = 1;
    CU_ASSERT_EQUAL_FATAL(kith_members_init(&t->members, &some_key), 0);
    CU_ASSERT_EQUAL_FATAL(kith_addresses_init(&t->addresses), 0);
}

static void town_fini(struct town *t)
{
    kith_addresses_fini(&t->addresses);
    kith_members_fini(&t->members);
}

static struct kith_record *settle(struct town *t, uint32_t name, struct kith_addr at)
{
    struct kith_bytes bytes = kith_bytes_of(&name, sizeof name);
    struct kith_record *p =
        kith_members_add(&t->members, &t->random, bytes, kith_members_hash(&t->members, bytes),
                         kith_bytes_of(at.bytes, at.len), at.port, kith_bytes_of(NULL, 0));
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    kith_members_state(&t->members, p, KITH_ALIVE, 1);
    kith_addresses_put(&t->addresses, &t->members, p);
    return p;
}

static struct kith_record *at(const struct town *t, struct kith_addr where)
{
    return kith_addresses_find(&t->addresses, &t->members, &where);
}

static bool is_gone(struct kith_core *c, const struct kith_record *p)
{
    (void)c;
    return kith_record_gone(p);
}

static void test_members_are_found_by_address(void)
{
    enum { N = 5000 };
    static struct kith_record *all[N];
    struct town t;
    town_init(&t);
    for (uint32_t i = 0; i < N; i++) all[i] = settle(&t, i, place(i));
    for (uint32_t i = 0; i < N; i++) CU_ASSERT_PTR_EQUAL(at(&t, place(i)), all[i]);
    CU_ASSERT_PTR_NULL(at(&t, place(N)));
    struct kith_addr other = place(7);
    other.port++;
    CU_ASSERT_PTR_NULL(at(&t, other));
    other = (struct kith_addr){.len = 16, .bytes = {[10] = 0xff, 0xff, 10, 0, 0, 7}, .port = 7946};
    CU_ASSERT_PTR_EQUAL(at(&t, other), all[7]);
    for (uint32_t i = 0; i < N; i += 2) kith_members_state(&t.members, all[i], KITH_DEAD, 2);
    CU_ASSERT_PTR_NULL(at(&t, place(4)));
    kith_members_state(&t.members, all[4], KITH_ALIVE, 3); /* back again */
    kith_addresses_put(&t.addresses, &t.members, all[4]);
    CU_ASSERT_PTR_EQUAL(at(&t, place(4)), all[4]);
    kith_members_reap(&t.members, &t.random, NULL, is_gone);
    kith_addresses_rebuild(&t.addresses, &t.members);
    for (uint32_t i = 0; i < N; i++)
        CU_ASSERT_PTR_EQUAL(at(&t, place(i)), i % 2 || i == 4 ? all[i] : NULL);
    town_fini(&t);
}

/* Any number of names may claim one address: the others are found as before, and the table stays
 * as small as it would be without them. */
static void test_an_address_that_all_claim(void)
{
    struct town t;
    town_init(&t);
    for (uint32_t i = 0; i < 3000; i++) settle(&t, i, place(0));
    CU_ASSERT_PTR_NOT_NULL(at(&t, place(0)));
    CU_ASSERT(t.addresses.used <= 4);
    for (uint32_t i = 1; i < 3000; i++) {
        struct kith_record *p = settle(&t, 10000 + i, place(i));
        CU_ASSERT_PTR_EQUAL(at(&t, place(i)), p);
    }
    town_fini(&t);
}

/* Who goes and comes back takes the place that it had. */
static void test_coming_and_going_fills_no_table(void)
{
    struct town t;
    town_init(&t);
    struct kith_record *p = settle(&t, 1, place(1)), *q = settle(&t, 2, place(2));
    for (unsigned i = 0; i < 1000; i++) {
        kith_members_state(&t.members, p, KITH_LEFT, i);
        kith_members_state(&t.members, p, KITH_ALIVE, i);
        kith_addresses_put(&t.addresses, &t.members, p);
    }
    CU_ASSERT_EQUAL(t.addresses.used, 2);
    CU_ASSERT_PTR_EQUAL(at(&t, place(1)), p);
    CU_ASSERT_PTR_EQUAL(at(&t, place(2)), q);
    town_fini(&t);
}

KITH_TESTS("core/tables", {"suspicion timeout", test_suspicion_timeout},
           {"retransmit limit", test_retransmit_limit}, {"push/pull scale", test_push_pull_scale},
           {"remaining suspicion time", test_remaining_suspicion}, {"awareness", test_awareness},
           {"networks", test_networks},
           {"random is even and repeats", test_random_is_even_and_repeats},
           {"hash is SipHash-1-3", test_hash_is_siphash_1_3},
           {"hash depends on all", test_hash_depends_on_all},
           {"chosen names are spread", test_chosen_names_are_spread},
           {"every hash takes the secret key", test_every_hash_takes_the_secret_key},
           {"alarms come in order", test_alarms_come_in_order},
           {"missed ticks are missed", test_ticks_that_were_missed_are_missed},
           {"members are found by address", test_members_are_found_by_address},
           {"an address that all claim", test_an_address_that_all_claim},
           {"coming and going fills no table", test_coming_and_going_fills_no_table})
