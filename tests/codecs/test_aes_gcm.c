/* aes_gcm: memberlist's tolerance, keys, padding, nonces. */
#include "pipeline_rig.h"
#include "test.h"
#include "vectors.h"

static int open_hex(struct rig *r, const uint8_t *data, size_t n, struct rig_buf *b)
{
    *b = rig_buf(r, data, n);
    return kith_pipeline_open_packet(r->p, &b->buf, NULL, NULL);
}

/* vectors.json's table, but for one case: a version byte that was flipped is found by its padding.
 */
static void test_tolerance(void)
{
    json_t *one, *cases = json_object_get(json_object_get(vectors(), "decrypt_tolerance"), "cases");
    size_t i;
    CU_ASSERT(json_array_size(cases) >= 10);
    json_array_foreach(cases, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "name"));
        const char *hex = json_string_value(json_object_get(one, "hex"));
        const char *plain = json_string_value(
            json_object_get(json_array_get(json_object_get(one, "results"), 0), "plain_hex"));
        struct rig r;
        struct rig_buf b;
        size_t n, len = 0;
        uint8_t *data = from_hex(hex, &n), *want = plain ? from_hex(plain, &len) : NULL;
        rig_init(&r);
        if (strcmp(name, "wrong_key") == 0 || strcmp(name, "ok_second_key") == 0)
            rig_key(&r, 77, 16);
        if (strcmp(name, "wrong_key") != 0) rig_key(&r, 0, 16);
        if (strcmp(name, "wrong_aad") == 0) {
            r.config.chain.label = "x";
            r.config.chain.skip_inbound_label_check = true;
        }
        rig_must(&r, "aes_gcm", NULL, KITH_ENCRYPTS);
        int rc = open_hex(&r, data, n, &b);
        if (strncmp(name, "version_byte_flip", 17) == 0)
            CU_ASSERT_EQUAL(rc, -KITH_EMALFORMED)
        else if (!plain)
            CU_ASSERT(rc < 0)
        else if (!len)
            CU_ASSERT_EQUAL(rc, -KITH_EMALFORMED) /* opened, but then there is no message */
        else
            CU_ASSERT(rc == 0 && b.buf.len == len && memcmp(b.buf.data, want, len) == 0)
        rig_buf_free(&b);
        free(data);
        free(want);
        rig_fini(&r);
    }
}

static void seal(struct rig *r, const void *msg, size_t len, struct rig_buf *b)
{
    *b = rig_buf(r, msg, len);
    CU_ASSERT_EQUAL(kith_pipeline_seal_packet(r->p, &b->buf, NULL), 0);
}

static void test_lengths_and_keys(void)
{
    static const size_t keys[] = {16, 24, 32};
    uint8_t msg[300];
    rig_fill(msg, sizeof msg);
    msg[0] = 8;
    for (unsigned protocol = 1; protocol <= 2; protocol++)
        for (size_t k = 0; k < 3; k++) {
            struct rig r;
            rig_init(&r);
            r.config.chain.protocol = protocol;
            rig_key(&r, 3, keys[k]);
            rig_must(&r, "aes_gcm", NULL, KITH_ENCRYPTS);
            for (size_t n = 1; n <= sizeof msg; n++) {
                struct rig_buf b;
                seal(&r, msg, n, &b);
                CU_ASSERT_EQUAL(b.buf.len, n + 29 + (protocol == 1 ? 16 - n % 16 : 0));
                CU_ASSERT_EQUAL(b.buf.data[0], protocol - 1);
                CU_ASSERT_EQUAL(kith_pipeline_open_packet(r.p, &b.buf, NULL, NULL), 0);
                CU_ASSERT(b.buf.len == n && memcmp(b.buf.data, msg, n) == 0);
                rig_buf_free(&b);
            }
            rig_fini(&r);
        }
}

/* One bit anywhere but in the version byte, and that too unless it says the other version with
 * right padding. */
static void test_every_bit(void)
{
    for (unsigned protocol = 1; protocol <= 2; protocol++) {
        struct rig r;
        struct rig_buf b, c;
        rig_init(&r);
        r.config.chain.protocol = protocol;
        rig_key(&r, 3, 16);
        rig_must(&r, "aes_gcm", NULL, KITH_ENCRYPTS);
        seal(&r, "\x08hello, who is there?", 21, &b);
        for (size_t bit = 1; bit < b.buf.len * 8; bit++) {
            b.buf.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            CU_ASSERT(open_hex(&r, b.buf.data, b.buf.len, &c) < 0);
            b.buf.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            rig_buf_free(&c);
        }
        b.buf.data[0] ^= 1;
        int rc = open_hex(&r, b.buf.data, b.buf.len, &c);
        CU_ASSERT_EQUAL(rc, protocol == 2
                                ? -KITH_EMALFORMED
                                : 0); /* read as version 1 the padding is part of the message */
        rig_buf_free(&c);
        rig_buf_free(&b);
        rig_fini(&r);
    }
}

/* Authentic, but padded wrongly: made with version 1, sent as version 0. */
static void test_padding_is_checked(void)
{
    static const struct {
        uint8_t last[4];
        bool good;
    } cases[] = {
        {{'a', 'b', 'c', 1}, true},  {{'a', 'b', 2, 2}, true},     {{'a', 'b', 1, 2}, false},
        {{'a', 'b', 'c', 0}, false}, {{'a', 'b', 'c', 17}, false}, {{4, 4, 4, 4}, true},
        {{5, 4, 4, 4}, false},       {{4, 5, 4, 4}, false},        {{16, 16, 16, 16}, false}};
    struct rig r;
    rig_init(&r);
    rig_key(&r, 3, 16);
    rig_must(&r, "aes_gcm", NULL, KITH_ENCRYPTS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t len = 31; len <= 32; len++) {
            uint8_t msg[32];
            struct rig_buf b;
            memset(msg, 'm', sizeof msg);
            memcpy(msg + len - 4, cases[i].last, 4);
            seal(&r, msg, len, &b);
            b.buf.data[0] = 0;
            int rc = kith_pipeline_open_packet(r.p, &b.buf, NULL, NULL);
            CU_ASSERT_EQUAL(rc, cases[i].good && len == 32 ? 0 : -KITH_EMALFORMED);
            if (rc == 0) CU_ASSERT_EQUAL(b.buf.len, len - cases[i].last[3]);
            rig_buf_free(&b);
        }
    rig_fini(&r);
}

/* Keys are tried in the ring's order; a change reaches the codec at once. */
static void test_ring(void)
{
    struct rig a, b;
    struct rig_buf m, c;
    uint8_t second[16];
    bool saved;
    for (int i = 0; i < 16; i++) second[i] = (uint8_t)(200 + i);
    rig_init(&a);
    rig_key(&a, 1, 16);
    rig_must(&a, "aes_gcm", NULL, KITH_ENCRYPTS);
    rig_init(&b);
    rig_key(&b, 1, 16);
    rig_must(&b, "aes_gcm", NULL, KITH_ENCRYPTS);

    CU_ASSERT_EQUAL(kith_keyring_install(a.ring, second, 16, &saved, &a.err), 0);
    CU_ASSERT_EQUAL(kith_keyring_use(a.ring, 1, &saved, &a.err), 0);
    seal(&a, "\x08x", 2, &m);
    CU_ASSERT_EQUAL(open_hex(&b, m.buf.data, m.buf.len, &c), -KITH_EAUTH);
    rig_buf_free(&c);
    CU_ASSERT_EQUAL(kith_keyring_install(b.ring, second, 16, &saved, &b.err), 0);
    CU_ASSERT_EQUAL(open_hex(&b, m.buf.data, m.buf.len, &c), 0);
    rig_buf_free(&c);
    rig_buf_free(&m);

    seal(&b, "\x08x", 2, &m); /* still the first key */
    CU_ASSERT_EQUAL(open_hex(&a, m.buf.data, m.buf.len, &c), 0);
    rig_buf_free(&c);
    CU_ASSERT_EQUAL(kith_keyring_remove(a.ring, 1, &saved, &a.err), 0);
    CU_ASSERT_EQUAL(open_hex(&a, m.buf.data, m.buf.len, &c), -KITH_EAUTH);
    rig_buf_free(&c);
    rig_buf_free(&m);
    rig_fini(&a);
    rig_fini(&b);
}

/* Nothing is drawn ahead: after a fork, or in a copy of the machine, it would come twice. */
static void test_each_message_draws(void)
{
    struct rig r;
    rig_init(&r);
    rig_key(&r, 1, 16);
    rig_must(&r, "aes_gcm", NULL, KITH_ENCRYPTS);
    for (int i = 0; i < 10; i++) {
        struct rig_buf b;
        size_t before = fake.drawn;
        seal(&r, "\x08x", 2, &b);
        CU_ASSERT_EQUAL(fake.drawn - before, 12);
        rig_buf_free(&b);
    }
    rig_fini(&r);
}

/* A key is good for so many messages: the log says so in time, and begins anew with another key. */
static void test_a_key_wears_out(void)
{
    uint8_t second[16] = {7};
    bool saved;
    struct rig r;
    rig_init(&r);
    rig_key(&r, 1, 16);
    rig_must(&r, "aes_gcm:warn_after=3", NULL, KITH_ENCRYPTS);
    unsigned before = fake.logs;
    for (unsigned i = 1; i <= 12; i++) {
        struct rig_buf b;
        seal(&r, "\x08x", 2, &b);
        rig_buf_free(&b);
        CU_ASSERT_EQUAL(fake.logs - before, (i >= 3) + (i >= 6) + (i >= 12));
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(fake.log, "sealed 12 messages"));
    CU_ASSERT_EQUAL(kith_keyring_install(r.ring, second, 16, &saved, &r.err), 0);
    CU_ASSERT_EQUAL(kith_keyring_use(r.ring, 1, &saved, &r.err), 0);
    for (unsigned i = 1; i <= 3; i++) {
        struct rig_buf b;
        CU_ASSERT_EQUAL(fake.logs - before, 3);
        seal(&r, "\x08x", 2, &b);
        rig_buf_free(&b);
    }
    CU_ASSERT_EQUAL(fake.logs - before, 4);
    CU_ASSERT_EQUAL(kith_keyring_use(r.ring, 1, &saved, &r.err), 0); /* the first is back */
    for (unsigned i = 13; i <= 24; i++) {
        struct rig_buf b;
        CU_ASSERT_EQUAL(fake.logs - before, 4);
        seal(&r, "\x08x", 2, &b);
        rig_buf_free(&b);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(fake.log, "sealed 24 messages"));
    rig_fini(&r);
}

static int by_nonce(const void *a, const void *b) { return memcmp(a, b, 12); }

static void test_nonces_differ(void)
{
    enum { N = 5000 };
    static uint8_t nonces[N][12];
    struct rig r;
    rig_init(&r);
    rig_key(&r, 1, 16);
    for (size_t i = 0; i < N; i++) {
        struct rig_buf b;
        if (i % 500 == 0) { /* a reload with another chain, so another instance now and then */
            r.config.chain.protocol = 2 + i / 500 % 2;
            rig_must(&r, "aes_gcm", NULL, KITH_ENCRYPTS);
        }
        seal(&r, "\x08x", 2, &b);
        memcpy(nonces[i], b.buf.data + 1, 12);
        rig_buf_free(&b);
    }
    qsort(nonces, N, 12, by_nonce);
    for (size_t i = 1; i < N; i++) CU_ASSERT(memcmp(nonces[i - 1], nonces[i], 12) != 0);
    rig_fini(&r);
}

KITH_TESTS("codecs/aes_gcm", {"tolerance", test_tolerance},
           {"lengths and keys", test_lengths_and_keys}, {"every bit", test_every_bit},
           {"padding is checked", test_padding_is_checked}, {"ring", test_ring},
           {"nonces differ", test_nonces_differ},
           {"each message draws its nonce", test_each_message_draws},
           {"a key wears out", test_a_key_wears_out}, )
