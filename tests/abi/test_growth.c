/* Structs that grow: who fills one writes no more than the size it finds, who reads one looks no
 * further than the size it finds. Both ways, with what the host reads and fills them with; members
 * are core's and node's to test. */
#include "instance.h"
#include "test.h"

#include <stddef.h>

enum { ROOM = 512, CANARY = 0xA5 };

/* A struct of a plugin that knew only its first `size` bytes, and what lies behind. */
union any {
    uint32_t size;
    struct kith_key key;
    struct kith_value value;
    struct kith_limits limits;
    struct kith_peer peer;
    uint8_t bytes[ROOM];
};

static union any any;

static void of_size(uint32_t size)
{
    memset(&any, CANARY, sizeof any);
    any.size = size;
}

/* Nothing behind `size` was touched, and size says what was written. */
static void untouched(uint32_t size, size_t today)
{
    size_t from = size < sizeof any.size ? sizeof any.size : size;
    for (size_t i = from < today ? from : today; i < ROOM; i++)
        CU_ASSERT_EQUAL(any.bytes[i], CANARY);
    CU_ASSERT_EQUAL(any.size, size < today ? size : today);
}

static const uint32_t sizes[] = {0,         1, 3, 4, 16, 20, 24, 28, 40, 200, 204, UINT32_MAX - 7,
                                 UINT32_MAX};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void test_key(void)
{
    static uint8_t bytes[] = "0123456789abcdef";
    static struct kith_secret secret = {.data = bytes, .len = 16};
    const struct kith_secrets secrets = {.items = &secret, .count = 1};
    struct kith_keyring *ring = kith_keyring_new(&secrets);
    const char *const names[] = {NULL, "codec"};
    for (size_t i = 0; i < SIZES * 2; i++) {
        of_size(sizes[i / 2]);
        CU_ASSERT_EQUAL(kith_keyring_key(ring, 0, names[i % 2], &any.key), 0);
        untouched(sizes[i / 2], sizeof any.key);
        if (sizes[i / 2] >= sizeof any.key) CU_ASSERT_EQUAL(any.key.len, i % 2 ? 32 : 16);
    }
    kith_keyring_unref(ring);
}

static void test_value(void)
{
    struct kith_config config;
    memset(&config, 0, sizeof config);
    kith_config_init(&config, KITH_PROFILE_LAN);
    config.settings.name = "ada";
    for (size_t i = 0; i < SIZES; i++) {
        of_size(sizes[i]);
        CU_ASSERT_EQUAL(kith_config_setting(&config, "node.name", &any.value), 0);
        untouched(sizes[i], sizeof any.value);
        if (sizes[i] >= sizeof any.value)
            CU_ASSERT(kith_bytes_equal(any.value.text, kith_text("ada")));
    }
    kith_config_free(&config);
}

/* What a plugin hands over, from an older or a newer header, at today's size; nothing of what no
 * header can have made. */
static void test_read(void)
{
    for (size_t i = 0; i < SIZES; i++) {
        struct kith_peer peer;
        size_t known = sizes[i] % _Alignof(struct kith_peer) ? 0 : sizes[i];
        of_size(sizes[i]);
        if (sizes[i] >= 8) any.peer.provides = KITH_ENCRYPTS;
        memset(&peer, CANARY, sizeof peer);
        CU_ASSERT_EQUAL(KITH_TAKE(&peer, &any.peer), known > 0);
        CU_ASSERT_EQUAL(peer.size, sizeof peer);
        CU_ASSERT_EQUAL(peer.provides, known >= 8 ? KITH_ENCRYPTS : 0);
        for (size_t at = known < 4 ? 4 : known; at < sizeof peer; at++)
            CU_ASSERT_EQUAL(((const uint8_t *)&peer)[at], 0);
        CU_ASSERT_EQUAL(KITH_KNOWS(&any.peer, identity), sizes[i] >= sizeof peer);
    }
}

/* What is lent to be filled has room for what no header of today knows. */
struct newer_limits {
    struct kith_limits now;
    uint64_t more[40];
};
static void newer_limits(void *self, struct kith_limits *out)
{
    struct newer_limits *mine = (struct newer_limits *)(void *)out;
    mine->now.packet = 1400;
    memset(mine->more, CANARY, sizeof mine->more);
    mine->now.size = sizeof *mine;
}

static void test_lent(void)
{
    KITH_LEND(kith_limits, lent);
    for (size_t i = 4; i < sizeof lent; i++) CU_ASSERT_EQUAL(((uint8_t *)&lent)[i], 0);
    CU_ASSERT_EQUAL(lent.out.size, KITH_LENT);
    newer_limits(NULL, &lent.out);
    CU_ASSERT_EQUAL(lent.out.packet, 1400);
    CU_ASSERT(sizeof lent == KITH_LENT && sizeof(struct newer_limits) <= sizeof lent);
}

/* What the header asks of everybody: no code of an error is one of a success, whatever its sign. */
static void test_codes(void)
{
    for (int code = KITH_EINVAL; code <= KITH_ENAME; code++) {
        CU_ASSERT(code != KITH_PASS && code != KITH_LATER);
        CU_ASSERT_EQUAL(kith_code_of(-code), -code);
        CU_ASSERT_EQUAL(kith_code_of(code), -KITH_EIO);
    }
    CU_ASSERT_EQUAL(kith_code_of(0), 0);
    CU_ASSERT_EQUAL(kith_code_of(KITH_PASS), -KITH_EIO);
    CU_ASSERT_EQUAL(kith_code_of(-KITH_PASS), -KITH_EIO);
    CU_ASSERT_EQUAL(kith_code_of(INT32_MIN), -KITH_EIO);
}

KITH_TESTS("abi/growth", {"a key", test_key}, {"a value", test_value},
           {"what a plugin hands over", test_read}, {"what is lent", test_lent},
           {"codes", test_codes})
