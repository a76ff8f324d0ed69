/* The chain: memberlist's layers both ways against vectors.json, policy, labels, limits, streams. */
#include "rig.h"
#include "test.h"
#include "vectors.h"

enum { AUTH = KITH_ENCRYPTS | KITH_AUTHENTICATES };

/* Seal as a packet and compare. */
static void packet_is(struct rig *r, const uint8_t *msg, size_t len, uint8_t pmax, const char *vector)
{
    struct rig_buf b = rig_buf(r, msg, len);
    size_t n;
    uint8_t *want = vector_bytes(vector, &n);
    CU_ASSERT_EQUAL(kith_pipeline_seal_packet(r->p, &b.buf, pmax), 0);
    CU_ASSERT_EQUAL(b.buf.len, n);
    CU_ASSERT(b.buf.len == n && memcmp(b.buf.data, want, n) == 0);
    free(want);
    rig_buf_free(&b);
}

/* Open a copy of the bytes; compare with msg when it should open. */
static enum kith_refusal opened;
static int open_copy(struct rig *r, const uint8_t *data, size_t n, const uint8_t *msg, size_t len)
{
    struct rig_buf b = rig_buf(r, data, n);
    opened = KITH_REFUSED_COUNT;
    int rc = kith_pipeline_open_packet(r->p, &b.buf, &opened);
    if (rc == 0 && msg) CU_ASSERT(b.buf.len == len && memcmp(b.buf.data, msg, len) == 0);
    CU_ASSERT_EQUAL(rc == 0, opened == KITH_REFUSED_COUNT);
    rig_buf_free(&b);
    return rc;
}

static void both_ways(struct rig *r, const char *plain, uint8_t pmax, const char *sealed)
{
    size_t len, n;
    uint8_t *msg = vector_bytes(plain, &len), *data = vector_bytes(sealed, &n);
    packet_is(r, msg, len, pmax, sealed);
    CU_ASSERT_EQUAL(open_copy(r, data, n, msg, len), 0);
    free(msg);
    free(data);
}

static void test_vectors_packets(void)
{
    struct rig r;
    rig_init(&r);
    rig_must(&r, "crc32", "lzw crc32", 0);
    both_ways(&r, "user", 5, "crc_user");
    both_ways(&r, "compound_2", 5, "crc_compound_2");
    both_ways(&r, "ping", 4, "packet_ping_no_crc");
    both_ways(&r, "ping", 0, "ping");
    rig_must(&r, "lzw crc32", NULL, 0);
    both_ways(&r, "ping", 5, "crc_ping_compression_on");
    both_ways(&r, "compound_2", 4, "compound_2");            /* not smaller: sent as it is */
    r.config.settings.label = "blah";
    rig_must(&r, "lzw crc32", NULL, 0);
    both_ways(&r, "ping", 0, "label_ping");
    rig_fini(&r);
}

static void test_vectors_encrypted_packets(void)
{
    static const struct {
        size_t key;
        unsigned protocol;
        const char *vector;
    } cases[] = {{16, 2, "enc_v1_ping"}, {16, 1, "enc_v0_ping"}, {32, 2, "enc_v1_ping_aes256"}};
    for (size_t i = 0; i < 3; i++) {
        struct rig r;
        rig_init(&r);
        fake.vector_nonce = true;
        r.config.settings.protocol_version = cases[i].protocol;
        rig_key(&r, 0, cases[i].key);
        rig_must(&r, "aes_gcm", NULL, AUTH);
        both_ways(&r, "ping", 0, cases[i].vector);
        rig_fini(&r);
    }
}

static void stream_both_ways(struct rig *r, const char *plain, const char *sealed)
{
    size_t len, n;
    uint8_t *msg = vector_bytes(plain, &len), *data = vector_bytes(sealed, &n);
    struct kith_buf out = {0};
    CU_ASSERT_EQUAL(kith_pipeline_seal_stream(r->p, kith_bytes_of(msg, len), true, &out), 0);
    CU_ASSERT(out.len == n && memcmp(out.data, data, n) == 0);
    free(out.base);
    for (size_t chop = 0; chop < 20; chop++) {
        struct rig_plain got;
        CU_ASSERT_EQUAL(rig_feed(r->p, true, kith_bytes_of(data, n), chop, &got), 0);
        CU_ASSERT(got.len == len && memcmp(got.data, msg, len) == 0);
        rig_plain_free(&got);
    }
    free(msg);
    free(data);
}

static void test_vectors_streams(void)
{
    struct rig r;
    rig_init(&r);
    fake.vector_nonce = true;
    rig_key(&r, 0, 16);
    rig_must(&r, "", "lzw", 0);
    stream_both_ways(&r, "pushpull_plain", "pushpull_plain");
    rig_must(&r, "lzw crc32", NULL, 0);
    stream_both_ways(&r, "pushpull_plain", "pushpull_compressed");
    stream_both_ways(&r, "ping", "stream_tcp_ping_compressed");              /* always, even if larger */
    stream_both_ways(&r, "stream_user_5", "stream_user_5_compressed");
    rig_must(&r, "crc32 aes_gcm", NULL, AUTH);
    stream_both_ways(&r, "pushpull_plain", "pushpull_enc_v1");
    stream_both_ways(&r, "ping", "stream_tcp_ping_enc_v1");
    rig_fini(&r);
}

KITH_TESTS("plugins/pipeline",
           {"vectors: packets", test_vectors_packets},
           {"vectors: encrypted packets", test_vectors_encrypted_packets},
           {"vectors: streams", test_vectors_streams}, )
