/* The keyring: memberlist's semantics, fingerprints, subkeys, listeners, and the file it came from.
 */
#include "keyring.h"
#include "test.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static struct kith_error err;
static const uint8_t K1[] = "0123456789abcdef", K2[] = "abcdefghijklmnopqrstuvwx",
                     K3[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

static struct kith_secret items[4];
static struct kith_key_source source;

/* Secrets as config makes them; file NULL: from the environment. */
static struct kith_secrets secrets(size_t count, const uint8_t *const *keys, const uint32_t *lens,
                                   const char *file)
{
    for (size_t i = 0; i < count; i++)
        items[i] = (struct kith_secret){.data = (uint8_t *)keys[i], .len = lens[i]};
    source = (struct kith_key_source){.kind = file ? KITH_KEYS_FILE : KITH_KEYS_ENV,
                                      .where = file ? file : "KEY"};
    err = (struct kith_error){.size = sizeof err};
    return (struct kith_secrets){
        .sources = &source, .source_count = 1, .items = items, .count = count};
}

static struct kith_keyring *ring_of(size_t count, const char *file)
{
    const uint8_t *const keys[] = {K1, K2, K3};
    const uint32_t lens[] = {sizeof K1 - 1, sizeof K2 - 1, sizeof K3 - 1};
    struct kith_secrets s = secrets(count, keys, lens, file);
    struct kith_keyring *ring = kith_keyring_new(&s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ring);
    return ring;
}

static bool key_at(struct kith_keyring *ring, size_t i, const uint8_t *key, size_t len)
{
    struct kith_key k = {.size = sizeof k};
    return kith_keyring_key(ring, i, NULL, &k) == 0 && k.len == len &&
           memcmp(k.data, key, len) == 0;
}

static void test_semantics(void)
{
    bool saved = true;
    struct kith_keyring *ring = ring_of(0, NULL);
    CU_ASSERT_EQUAL(kith_keyring_count(ring), 0);
    CU_ASSERT_EQUAL(kith_keyring_install(ring, K1, 15, &saved, &err), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_keyring_install(ring, K1, 16, &saved, &err), 0);
    CU_ASSERT(!saved);
    CU_ASSERT_EQUAL(kith_keyring_install(ring, K2, 24, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_keyring_install(ring, K3, 32, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_keyring_install(ring, K2, 24, NULL, &err), 0); /* there already */
    CU_ASSERT_EQUAL(kith_keyring_count(ring), 3);
    CU_ASSERT(key_at(ring, 0, K1, 16)); /* the first became primary */
    CU_ASSERT_EQUAL(kith_keyring_use(ring, 2, NULL, &err), 0);
    CU_ASSERT(key_at(ring, 0, K3, 32) && key_at(ring, 1, K1, 16) &&
              key_at(ring, 2, K2, 24)); /* the rest keeps its order */
    CU_ASSERT_EQUAL(kith_keyring_use(ring, 3, NULL, &err), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(kith_keyring_remove(ring, 0, NULL, &err), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_keyring_remove(ring, 1, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_keyring_remove(ring, 2, NULL, &err), -KITH_ENOTFOUND);
    CU_ASSERT(key_at(ring, 0, K3, 32) && key_at(ring, 1, K2, 24));
    CU_ASSERT_EQUAL(kith_keyring_count(ring), 2);
    kith_keyring_unref(ring);
}

static void test_repetitions_are_ignored(void)
{
    const uint8_t *const keys[] = {K1, K3, K1};
    const uint32_t lens[] = {16, 32, 16};
    struct kith_secrets s = secrets(3, keys, lens, NULL);
    struct kith_keyring *ring = kith_keyring_new(&s);
    CU_ASSERT_EQUAL(kith_keyring_count(ring), 2);
    kith_keyring_unref(ring);
}

static void test_fingerprints(void)
{
    struct kith_keyring *ring = ring_of(3, NULL);
    uint8_t sum[32];
    char want[17], got[KITH_FINGERPRINT];
    crypto_generichash(sum, sizeof sum, K2, sizeof K2 - 1, NULL, 0);
    for (int i = 0; i < 8; i++) snprintf(want + 2 * i, 3, "%02x", sum[i]);
    kith_keyring_fingerprint(ring, 1, got);
    CU_ASSERT_STRING_EQUAL(got, want);
    CU_ASSERT_EQUAL(kith_keyring_find(ring, want), 1);
    CU_ASSERT_EQUAL(kith_keyring_find(ring, "0000000000000000"), -KITH_ENOTFOUND);
    kith_keyring_unref(ring);
}

static void test_subkeys(void)
{
    struct kith_keyring *ring = ring_of(3, NULL);
    struct kith_key a = {.size = sizeof a}, b = a, c = a, again = a;
    CU_ASSERT_EQUAL(kith_keyring_key(ring, 0, "xchacha20poly1305", &a), 0);
    CU_ASSERT_EQUAL(kith_keyring_key(ring, 0, "blake2b", &b), 0);
    CU_ASSERT_EQUAL(kith_keyring_key(ring, 1, "blake2b", &c), 0);
    CU_ASSERT_EQUAL(kith_keyring_key(ring, 0, "blake2b", &again), 0);
    CU_ASSERT_EQUAL(kith_keyring_key(ring, 3, "blake2b", &again), -KITH_ENOTFOUND);
    CU_ASSERT(a.len == 32 && b.len == 32 && c.len == 32);
    CU_ASSERT(memcmp(a.data, b.data, 32) && memcmp(b.data, c.data, 32));
    CU_ASSERT_PTR_EQUAL(b.data, again.data);
    uint8_t want[32]; /* as docs/WIRE.md says */
    static const char text[] = "kith subkey 1: blake2b";
    crypto_generichash(want, 32, (const uint8_t *)text, sizeof text - 1, K1, sizeof K1 - 1);
    CU_ASSERT_EQUAL(memcmp(want, b.data, 32), 0);
    kith_keyring_unref(ring);
}

/* Whose keys an entry sees, and for which name they are derived. */
static void test_whose_keys(void)
{
    static const struct {
        enum kith_kind kind;
        uint32_t flags, allow;
        bool own;
        char sees; /* n: the node's, o: its own, -: none */
        const char *name;
    } cases[] = {
        {KITH_CODEC, 0, 0, false, '-', "x"},
        {KITH_CODEC, KITH_KEYED, 0, false, 'n', "x"},
        {KITH_CODEC, KITH_KEYED, 0, true, 'o', "x"},
        {KITH_CODEC, KITH_KEYED | KITH_RAW_KEYS, 0, false, 'n', NULL},
        {KITH_TRANSPORT, KITH_KEYED, 0, false, 'n', "x"},
        {KITH_TRANSPORT, KITH_KEYED, 0, true, 'o', "x"},
        {KITH_TRANSPORT, 0, KITH_ALLOW_KEYS, false, '-', "x"}, /* only a delegate may */
        {KITH_DELEGATE, 0, 0, false, '-', NULL},
        {KITH_DELEGATE, 0, KITH_ALLOW_KEYS, false, 'n', NULL},
        {KITH_DELEGATE, KITH_KEYED, 0, false, '-', NULL},
        {KITH_DELEGATE, KITH_KEYED, KITH_ALLOW_KEYS, true, 'o', "x"},
    };
    const uint8_t *const keys[] = {K3};
    const uint32_t lens[] = {32};
    struct kith_keyring *node = ring_of(1, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_plugin plugin = {.kind = cases[i].kind, .flags = cases[i].flags, .name = "x"};
        struct kith_entry entry = {
            .plugin = &plugin, .allow = cases[i].allow, .has_keys = cases[i].own};
        if (cases[i].own) entry.keys = secrets(1, keys, lens, NULL);
        struct kith_keyring *ring = kith_keyring_of(&entry, node);
        CU_ASSERT_EQUAL(!ring, cases[i].sees == '-');
        CU_ASSERT_EQUAL(ring == node, cases[i].sees == 'n');
        if (cases[i].sees == 'o') CU_ASSERT(key_at(ring, 0, K3, 32));
        const char *name = kith_keyring_name(&entry);
        CU_ASSERT(name && cases[i].name ? strcmp(name, cases[i].name) == 0 : name == cases[i].name);
        kith_keyring_unref(ring);
    }
    kith_keyring_unref(node);
}

static struct {
    struct kith_keyring *ring;
    const uint8_t *held;
    unsigned calls;
    uint8_t first;
} ear;

/* A codec may still hold the old bytes while it is told. */
static int on_change(void *arg, struct kith_error *e)
{
    ear.calls++;
    ear.first = ear.held[0];
    struct kith_key k = {.size = sizeof k};
    ear.held = kith_keyring_key(ear.ring, 0, "codec", &k) == 0 ? k.data : NULL;
    return 0;
}

static void join_next(struct kith_keyring *ring, const struct kith_secrets *keys)
{
    struct kith_keyring *next = kith_keyring_next(ring, keys);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    CU_ASSERT_EQUAL(kith_keyring_join(next, &err), 0);
    kith_keyring_unref(next);
}

static void test_listeners(void)
{
    struct kith_keyring *ring = ring_of(2, NULL);
    struct kith_key k = {.size = sizeof k};
    memset(&ear, 0, sizeof ear);
    ear.ring = ring;
    kith_keyring_key(ring, 1, "codec", &k);
    ear.held = k.data;
    kith_keyring_listen(ring, on_change, &ear);
    CU_ASSERT_EQUAL(kith_keyring_remove(ring, 1, NULL, &err), 0);
    CU_ASSERT_EQUAL(ear.calls, 1);
    kith_keyring_install(ring, K1, 16, NULL, &err); /* nothing new: nobody is told */
    kith_keyring_use(ring, 0, NULL, &err);
    CU_ASSERT_EQUAL(ear.calls, 1);

    const uint8_t *const keys[] = {K1};
    const uint32_t lens[] = {16};
    struct kith_secrets same = secrets(1, keys, lens, NULL);
    join_next(ring, &same);
    CU_ASSERT_EQUAL(ear.calls, 1);
    const uint8_t *const others[] = {K3, K1};
    const uint32_t other_lens[] = {32, 16};
    struct kith_secrets other = secrets(2, others, other_lens, NULL);
    join_next(ring, &other);
    CU_ASSERT_EQUAL(ear.calls, 2);
    CU_ASSERT(key_at(ring, 0, K3, 32) && key_at(ring, 1, K1, 16));
    kith_keyring_unlisten(ring, on_change, &ear);
    kith_keyring_use(ring, 1, NULL, &err);
    CU_ASSERT_EQUAL(ear.calls, 2);
    kith_keyring_unref(ring);
}

static int count_call(void *arg, struct kith_error *e)
{
    ++*(unsigned *)arg;
    return 0;
}

/* What a reload makes sees the new keys at once, who runs sees them when the rings are joined, and
 * never when they are not; bytes that both have stay where they are. */
static void test_a_second_ring(void)
{
    struct kith_keyring *ring = ring_of(2, NULL);
    struct kith_key before = {.size = sizeof before}, after = {.size = sizeof after};
    unsigned ears = 0, late = 0;
    const uint8_t *const keys[] = {K3, K1};
    const uint32_t lens[] = {32, 16};
    struct kith_secrets news = secrets(2, keys, lens, NULL);
    CU_ASSERT_EQUAL(kith_keyring_key(ring, 0, "x", &before), 0);
    kith_keyring_listen(ring, count_call, &ears);

    struct kith_keyring *next = kith_keyring_next(ring, &news);
    CU_ASSERT(kith_keyring_same(next, ring) && kith_keyring_same(ring, next));
    CU_ASSERT(key_at(next, 0, K3, 32) && key_at(ring, 0, K1, 16) && key_at(ring, 1, K2, 24));
    kith_keyring_unref(next); /* the reload failed */
    CU_ASSERT(key_at(ring, 0, K1, 16) && key_at(ring, 1, K2, 24));
    CU_ASSERT_EQUAL(ears, 0);

    next = kith_keyring_next(ring, &news);
    kith_keyring_listen(next, count_call, &late);
    CU_ASSERT_EQUAL(kith_keyring_join(next, &err), 0);
    CU_ASSERT_EQUAL(ears, 1);
    CU_ASSERT_EQUAL(late, 0); /* it has read the new ones */
    CU_ASSERT(key_at(next, 0, K3, 32) && key_at(ring, 0, K3, 32) && key_at(ring, 1, K1, 16));
    CU_ASSERT_EQUAL(kith_keyring_key(next, 1, "x", &after), 0);
    CU_ASSERT_PTR_EQUAL(before.data, after.data);
    CU_ASSERT_EQUAL(kith_keyring_use(ring, 1, NULL, &err), 0); /* one ring from now on */
    CU_ASSERT(late == 1 && ears == 2 && key_at(next, 0, K1, 16));
    kith_keyring_unlisten(next, count_call, &late);
    kith_keyring_unlisten(ring, count_call, &ears);
    kith_keyring_unref(ring);
    CU_ASSERT(key_at(next, 0, K1, 16)); /* whoever holds one of them holds both */
    kith_keyring_unref(next);
}

static int refuse(void *arg, struct kith_error *e)
{
    ++*(unsigned *)arg;
    return kith_fail(e, KITH_EIO, "not these");
}

static void count_change(void *arg) { ++*(unsigned *)arg; }

/* Whoever can't take a change over keeps the whole ring from it: all are told what it is again. */
static void test_who_refuses_keeps_the_ring_as_it_was(void)
{
    struct kith_keyring *ring = ring_of(2, NULL);
    unsigned first = 0, refusals = 0, last = 0, changes = 0;
    const uint8_t *const keys[] = {K3, K1};
    const uint32_t lens[] = {32, 16};
    struct kith_secrets news = secrets(2, keys, lens, NULL);
    kith_keyring_listen(ring, count_call, &first);
    kith_keyring_listen(ring, refuse, &refusals);
    kith_keyring_listen(ring, count_call, &last);
    kith_keyring_watch(ring, count_change, &changes);
    CU_ASSERT_EQUAL(kith_keyring_install(ring, K3, 32, NULL, &err), -KITH_EIO);
    CU_ASSERT_STRING_EQUAL(err.text, "not these");
    CU_ASSERT_EQUAL(kith_keyring_use(ring, 1, NULL, &err), -KITH_EIO);
    CU_ASSERT_EQUAL(kith_keyring_remove(ring, 1, NULL, &err), -KITH_EIO);
    struct kith_keyring *next = kith_keyring_next(ring, &news);
    CU_ASSERT_EQUAL(kith_keyring_join(next, &err), -KITH_EIO);
    CU_ASSERT(key_at(next, 0, K3, 32)); /* what was made for it is still to be ended */
    kith_keyring_unref(next);
    CU_ASSERT_EQUAL(kith_keyring_count(ring), 2);
    CU_ASSERT(key_at(ring, 0, K1, 16) && key_at(ring, 1, K2, 24));
    CU_ASSERT(first == 8 && refusals == 8 && last == 0 && changes == 0);
    kith_keyring_unlisten(ring, refuse, &refusals);
    CU_ASSERT_EQUAL(kith_keyring_use(ring, 1, NULL, &err), 0);
    CU_ASSERT(last == 1 && changes == 1);
    kith_keyring_unref(ring);
}

/* ---------------------------------------------------------------------------------- the file */

static char dir[] = "/tmp/kith-keys-XXXXXX", path[64];

static void put(const void *data, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
    CU_ASSERT_FATAL(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    fchmod(fd, mode);
    close(fd);
}

static const char *contents(size_t *len)
{
    static char text[1024];
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    if (len) *len = n > 0 ? (size_t)n : 0;
    return text;
}

static void test_file_in_serf_form(void)
{
    bool saved = false;
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/keys", dir);
    static const char serf[] = "[\n  \"MDEyMzQ1Njc4OWFiY2RlZg==\"\n]\n";
    put(serf, sizeof serf - 1, 0644);
    struct kith_keyring *ring = ring_of(1, path);
    CU_ASSERT_EQUAL(kith_keyring_install(ring, K2, 24, &saved, &err), 0);
    CU_ASSERT(saved);
    CU_ASSERT_STRING_EQUAL(
        contents(NULL),
        "[\n  \"MDEyMzQ1Njc4OWFiY2RlZg==\",\n  \"YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4\"\n]\n");
    struct stat st;
    CU_ASSERT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
    CU_ASSERT_EQUAL(kith_keyring_use(ring, 1, &saved, &err), 0);
    CU_ASSERT_EQUAL(kith_keyring_remove(ring, 1, &saved, &err), 0);
    CU_ASSERT_STRING_EQUAL(contents(NULL), "[\n  \"YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4\"\n]\n");
    kith_keyring_unref(ring);
    unlink(path);
    CU_ASSERT_EQUAL(rmdir(dir), 0); /* nothing left beside it */
}

static void test_file_keeps_its_form(void)
{
    static const struct {
        const char *was, *becomes;
        size_t len;
    } cases[] = {
        {"MDEyMzQ1Njc4OWFiY2RlZg==\n", "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4\n", 25},
        {"30313233343536373839616263646566", "6162636465666768696a6b6c6d6e6f707172737475767778\n",
         32},
        {"0123456789abcdef", "abcdefghijklmnopqrstuvwx", 16},
    };
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/keys", dir);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool saved = false;
        put(cases[i].was, cases[i].len, 0600);
        struct kith_keyring *ring = ring_of(1, path);
        const uint8_t *const keys[] = {K2};
        const uint32_t lens[] = {24};
        struct kith_secrets next = secrets(1, keys, lens, path);
        join_next(ring, &next);
        CU_ASSERT_EQUAL(kith_keyring_install(ring, K2, 24, &saved, &err),
                        0); /* nothing to do, nothing written */
        CU_ASSERT(saved);
        size_t len;
        CU_ASSERT(strncmp(contents(&len), cases[i].was, cases[i].len) == 0 && len == cases[i].len);
        kith_keyring_unref(ring);

        ring = ring_of(1, path); /* two keys need Serf's form */
        CU_ASSERT_EQUAL(kith_keyring_install(ring, K2, 24, &saved, &err), 0);
        CU_ASSERT(saved && contents(NULL)[0] == '[');
        kith_keyring_unref(ring);
    }
    unlink(path);
    rmdir(dir);
}

static void test_unwritable_file(void)
{
    bool saved = true;
    struct kith_keyring *ring = ring_of(1, "/nonexistent/kith/keys");
    CU_ASSERT_EQUAL(kith_keyring_install(ring, K2, 24, &saved, &err), 0);
    CU_ASSERT(!saved);
    CU_ASSERT(err.code == -KITH_EIO && strstr(err.text, "/nonexistent/kith/keys"));
    CU_ASSERT_EQUAL(kith_keyring_count(ring), 2);
    kith_keyring_unref(ring);
}

KITH_TESTS("plugins/keyring", {"memberlist's semantics", test_semantics},
           {"repetitions are ignored", test_repetitions_are_ignored},
           {"fingerprints", test_fingerprints}, {"subkeys", test_subkeys},
           {"whose keys", test_whose_keys}, {"listeners", test_listeners},
           {"a second ring", test_a_second_ring},
           {"who refuses keeps the ring as it was", test_who_refuses_keeps_the_ring_as_it_was},
           {"file in Serf's form", test_file_in_serf_form},
           {"file keeps its form", test_file_keeps_its_form},
           {"file that can't be written", test_unwritable_file})
