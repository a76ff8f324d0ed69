/* The chain: memberlist's layers both ways against vectors.json, policy, labels, limits, streams.
 */
#include "pipeline_rig.h"
#include "test.h"
#include "vectors.h"

enum { AUTH = KITH_ENCRYPTS | KITH_AUTHENTICATES };

/* Seal as a packet and compare. */
static void packet_is(struct rig *r, const uint8_t *msg, size_t len, uint8_t pmax,
                      const char *vector)
{
    struct rig_buf b = rig_buf(r, msg, len);
    size_t n;
    uint8_t *want = vector_bytes(vector, &n);
    CU_ASSERT_EQUAL(kith_pipeline_seal_packet(r->p, &b.buf, rig_peer(pmax)), 0);
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
    int rc = kith_pipeline_open_packet(r->p, &b.buf, NULL, &opened);
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
    both_ways(&r, "compound_2", 4, "compound_2"); /* not smaller: sent as it is */
    r.config.chain.label = "blah";
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
        r.config.chain.protocol = cases[i].protocol;
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
    CU_ASSERT_EQUAL(kith_pipeline_seal_stream(r->p, kith_bytes_of(msg, len), true, NULL, &out), 0);
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
    stream_both_ways(&r, "ping", "stream_tcp_ping_compressed"); /* always, even if larger */
    stream_both_ways(&r, "stream_user_5", "stream_user_5_compressed");
    rig_must(&r, "crc32 aes_gcm", NULL, AUTH);
    stream_both_ways(&r, "pushpull_plain", "pushpull_enc_v1");
    stream_both_ways(&r, "ping", "stream_tcp_ping_enc_v1");
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------------ policy */

/* Seal a message with one rig's chain, in malloc'd storage. */
static uint8_t *sealed_by(struct rig *r, const void *msg, size_t len, size_t *n)
{
    struct rig_buf b = rig_buf(r, msg, len);
    CU_ASSERT_EQUAL(kith_pipeline_seal_packet(r->p, &b.buf, rig_peer(5)), 0);
    uint8_t *copy = malloc(b.buf.len);
    memcpy(copy, b.buf.data, *n = b.buf.len);
    rig_buf_free(&b);
    return copy;
}

struct opener {
    const char *accept;
    uint32_t require;
    int rc;
    enum kith_refusal why;
};

static const uint8_t state[] = "\x08 zone zone zone zone zone zone zone zone zone zone zone zone "
                               "zone zone zone zone zone zone";

static void check_openers(const char *send, const struct opener *cases, size_t n)
{
    struct rig a, b;
    rig_init(&a);
    rig_key(&a, 0, 16);
    rig_must(&a, send, NULL, 0);
    size_t len;
    uint8_t *data = sealed_by(&a, state, sizeof state, &len);
    for (size_t i = 0; i < n; i++) {
        rig_init(&b);
        rig_key(&b, 0, 16);
        rig_must(&b, "", cases[i].accept, cases[i].require);
        int rc = open_copy(&b, data, len, state, sizeof state);
        CU_ASSERT_EQUAL(rc, cases[i].rc);
        if (rc < 0) {
            CU_ASSERT_EQUAL(opened, cases[i].why);
            CU_ASSERT_EQUAL(kith_pipeline_refused(b.p, cases[i].why), 1);
        }
        rig_fini(&b);
    }
    free(data);
    rig_fini(&a);
}

/* Nobody gets in by leaving a layer out. */
static void test_downgrade_is_refused(void)
{
    static const struct opener plain[] = {
        {"lzw crc32 aes_gcm", 0, 0, 0},
        {"lzw crc32 aes_gcm", AUTH, -KITH_EPOLICY, KITH_REFUSED_POLICY},
        {"lzw crc32 aes_gcm", KITH_ENCRYPTS, -KITH_EPOLICY, KITH_REFUSED_POLICY},
        {"lzw crc32 aes_gcm", KITH_CHECKS, -KITH_EPOLICY, KITH_REFUSED_POLICY},
    };
    static const struct opener sealed[] = {
        {"lzw crc32 aes_gcm", AUTH | KITH_CHECKS, 0, 0},
        {"lzw crc32 aes_gcm", 0, 0, 0},
        {"crc32 aes_gcm", AUTH, -KITH_EPOLICY, KITH_REFUSED_POLICY}, /* lzw is not accepted */
    };
    check_openers("", plain, 4);
    check_openers("lzw crc32 aes_gcm", sealed, 3);
}

/* Where authentication is asked for, nothing of a stranger's is unpacked. */
static void test_no_unpacking_before_authentication(void)
{
    static const struct opener compressed[] = {
        {"lzw", 0, 0, 0},
        {"lzw aes_gcm", KITH_AUTHENTICATES, -KITH_EPOLICY, KITH_REFUSED_POLICY},
        {"lzw aes_gcm", KITH_ENCRYPTS, -KITH_EPOLICY, KITH_REFUSED_POLICY},
    };
    check_openers("lzw", compressed, 3);

    struct rig r;
    struct kith_codec_stats stats = {0};
    rig_init(&r);
    rig_key(&r, 0, 16);
    rig_must(&r, "", "lzw aes_gcm", AUTH);
    uint8_t bomb[] = {9, 0x82, 0xA4, 'A', 'l', 'g', 'o', 0, 0xA3, 'B', 'u', 'f', 0xA0};
    CU_ASSERT_EQUAL(open_copy(&r, bomb, sizeof bomb, NULL, 0), -KITH_EPOLICY);
    kith_pipeline_stats(r.p, 0, &stats);
    CU_ASSERT_STRING_EQUAL(stats.name, "lzw");
    CU_ASSERT_EQUAL(stats.opened + stats.failed_malformed, 0); /* not even called */
    rig_fini(&r);
}

/* GossipVerifyIncoming=false: bytes 0 and 1 are a ping when no key opens them (PROTOCOL.md T15). */
static void test_ambiguous_bytes_fall_to_plaintext(void)
{
    struct rig r;
    size_t n, len;
    uint8_t *ping = vector_bytes("ping", &n), *nacked = vector_bytes("indirect_ping_nack", &len);
    rig_init(&r);
    rig_key(&r, 0, 16);
    rig_must(&r, "lzw crc32", "lzw crc32 aes_gcm", 0);
    CU_ASSERT_EQUAL(open_copy(&r, ping, n, ping, n), 0);
    CU_ASSERT_EQUAL(open_copy(&r, nacked, len, nacked, len), 0);
    uint8_t *crc = vector_bytes("crc_ping_compression_on",
                                &len); /* inside a layer it is a ping without a doubt */
    CU_ASSERT_EQUAL(open_copy(&r, crc, len, ping, n), 0);
    rig_must(&r, "lzw crc32", "lzw crc32 aes_gcm", KITH_ENCRYPTS);
    CU_ASSERT_EQUAL(open_copy(&r, ping, n, NULL, 0),
                    -KITH_EMALFORMED); /* too short for a sealed one */
    CU_ASSERT_EQUAL(open_copy(&r, nacked, 47, NULL, 0), -KITH_EAUTH);
    CU_ASSERT_EQUAL(opened, KITH_REFUSED_AUTH);
    /* Without a key of ours the bytes go to the core as they are: it sees a broken ping
     * (PROTOCOL.md 1.9). */
    free(crc);
    crc = vector_bytes("enc_v1_ping", &len);
    rig_must(&r, "lzw crc32", NULL, 0);
    CU_ASSERT_EQUAL(open_copy(&r, crc, len, crc, len), 0);
    free(crc);
    free(ping);
    free(nacked);
    rig_fini(&r);
}

static void test_layers_nobody_accepts(void)
{
    struct rig r;
    rig_init(&r);
    rig_must(&r, "", "lzw", 0);
    for (unsigned first = 0; first < 256; first++) {
        uint8_t data[8] = {(uint8_t)first, 1, 2, 3};
        bool layer = first == 10 || first == 12 || (first >= 0x80 && first <= 0xEF);
        int rc = open_copy(&r, data, sizeof data, NULL, 0);
        CU_ASSERT_EQUAL(rc, first == 9               ? -KITH_EMALFORMED
                            : layer || first == 0xF4 ? -KITH_EPOLICY
                                                     : 0);
    }
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------------- label */

static void test_labels(void)
{
    static const struct {
        const char *label, *bytes;
        size_t len;
        bool skip;
        int rc;
        enum kith_refusal why;
    } cases[] = {
        {"blah",
         "\xF4\x04"
         "blah\x08x",
         8, false, 0, 0},
        {"blah",
         "\xF4\x04"
         "blaH\x08x",
         8, false, -KITH_EPOLICY, KITH_REFUSED_LABEL},
        {"blah",
         "\xF4\x03"
         "bla\x08x",
         7, false, -KITH_EPOLICY, KITH_REFUSED_LABEL},
        {"blah", "\x08x", 2, false, -KITH_EPOLICY, KITH_REFUSED_LABEL},
        {"",
         "\xF4\x04"
         "blah\x08x",
         8, false, -KITH_EPOLICY, KITH_REFUSED_LABEL},
        {"", "\x08x", 2, false, 0, 0},
        {"blah", "\xF4", 1, false, -KITH_EMALFORMED, KITH_REFUSED_LABEL},
        {"blah", "\xF4\x00\x08x", 4, false, -KITH_EMALFORMED, KITH_REFUSED_LABEL},
        {"blah",
         "\xF4\x04"
         "bla",
         5, false, -KITH_EMALFORMED, KITH_REFUSED_LABEL},
        {"blah",
         "\xF4\x04"
         "blah",
         6, false, -KITH_EMALFORMED, KITH_REFUSED_EMPTY},
        {"blah", "\x08x", 2, true, 0, 0}, /* a front-end stripped it */
        {"blah",
         "\xF4\x04"
         "blah\x08x",
         8, true, -KITH_EPOLICY, KITH_REFUSED_DOUBLE_LABEL},
        {"blah",
         "\xF4\x01"
         "x\x08x",
         5, true, -KITH_EPOLICY, KITH_REFUSED_DOUBLE_LABEL},
        {"blah", "\xF4\x00\x08x", 4, true, -KITH_EMALFORMED, KITH_REFUSED_LABEL},
        {"", "", 0, false, -KITH_EMALFORMED, KITH_REFUSED_EMPTY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        rig_init(&r);
        r.config.chain.label = cases[i].label;
        r.config.chain.skip_inbound_label_check = cases[i].skip;
        rig_must(&r, "", NULL, 0);
        int rc = open_copy(&r, (const uint8_t *)cases[i].bytes, cases[i].len,
                           (const uint8_t *)"\x08x", 2);
        CU_ASSERT_EQUAL(rc, cases[i].rc);
        if (rc < 0) CU_ASSERT_EQUAL(opened, cases[i].why);
        rig_fini(&r);
    }
}

/* The label is authenticated, also where a front-end stripped it. */
static void test_label_is_associated_data(void)
{
    struct rig a, b;
    size_t n;
    rig_init(&a);
    rig_key(&a, 0, 32);
    a.config.chain.label = "east";
    rig_must(&a, "aes_gcm", NULL, AUTH);
    uint8_t *data = sealed_by(&a, "\x08x", 2, &n);
    CU_ASSERT_EQUAL(n, 2 + 4 + 29 + 2);
    rig_init(&b);
    rig_key(&b, 0, 32);
    rig_must(&b, "aes_gcm", NULL, AUTH);
    CU_ASSERT_EQUAL(open_copy(&b, data + 6, n - 6, NULL, 0), -KITH_EAUTH);
    b.config.chain.label = "east";
    b.config.chain.skip_inbound_label_check = true;
    rig_must(&b, "aes_gcm", NULL, AUTH);
    CU_ASSERT_EQUAL(open_copy(&b, data + 6, n - 6, (const uint8_t *)"\x08x", 2), 0);
    free(data);
    rig_fini(&a);
    rig_fini(&b);
}

/* PROTOCOL.md T8: a packet stays as it is when it would not get smaller, a stream never does. */
static void test_streams_compress_unconditionally(void)
{
    struct rig r;
    uint8_t noise[40];
    size_t n;
    rig_init(&r);
    rig_must(&r, "lzw", NULL, 0);
    rig_fill(noise, sizeof noise);
    noise[0] = 8;
    uint8_t *data = sealed_by(&r, (const char *)noise, sizeof noise, &n);
    CU_ASSERT(n == sizeof noise && memcmp(data, noise, n) == 0);
    free(data);
    struct kith_buf out = {0};
    CU_ASSERT_EQUAL(
        kith_pipeline_seal_stream(r.p, kith_bytes_of(noise, sizeof noise), true, NULL, &out), 0);
    CU_ASSERT(out.len > sizeof noise && out.data[0] == 9);
    free(out.base);
    rig_fini(&r);
}

static void test_longest_label(void)
{
    struct rig r;
    char label[257];
    size_t n;
    memset(label, 'l', 256);
    label[256] = 0;
    rig_init(&r);
    r.config.chain.label = label;
    rig_chain(&r, "", NULL);
    CU_ASSERT_EQUAL(rig_build(&r), -KITH_EINVAL);
    label[255] = 0;
    rig_must(&r, "", NULL, 0);
    CU_ASSERT_EQUAL(kith_pipeline_room(r.p).head, 257);
    uint8_t *data = sealed_by(&r, "\x08x", 2, &n);
    CU_ASSERT_EQUAL(n, 259);
    CU_ASSERT_EQUAL(open_copy(&r, data, n, (const uint8_t *)"\x08x", 2), 0);
    free(data);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------------ limits */

static uint8_t *wrap_crc(const uint8_t *msg, size_t len, size_t *n)
{
    static struct rig r;
    rig_init(&r);
    rig_must(&r, "crc32", NULL, 0);
    uint8_t *out = sealed_by(&r, msg, len, n);
    rig_fini(&r);
    return out;
}

static void test_at_most_eight_layers(void)
{
    struct rig r;
    rig_init(&r);
    rig_must(&r, "crc32", NULL, 0);
    uint8_t *data = malloc(2);
    size_t n = 2;
    memcpy(data, "\x08x", 2);
    for (unsigned layers = 1; layers <= 9; layers++) {
        uint8_t *more = wrap_crc(data, n, &n);
        free(data);
        data = more;
        int rc = open_copy(&r, data, n, (const uint8_t *)"\x08x", 2);
        CU_ASSERT_EQUAL(rc, layers <= 8 ? 0 : -KITH_EMALFORMED);
    }
    CU_ASSERT_EQUAL(opened, KITH_REFUSED_LAYERS);
    free(data);
    rig_fini(&r);
}

static void test_packet_limits(void)
{
    struct rig r;
    rig_init(&r);
    rig_must(&r, "lzw", NULL, 0);
    uint8_t *big = calloc(1, 70000);
    size_t n;
    big[0] = 8;
    struct rig_buf b = rig_buf(&r, big, 65537);
    CU_ASSERT_EQUAL(kith_pipeline_seal_packet(r.p, &b.buf, NULL), -KITH_ETOOBIG);
    rig_buf_free(&b);
    uint8_t *data = sealed_by(&r, big, 65536, &n);
    CU_ASSERT(n < 1000);
    CU_ASSERT_EQUAL(open_copy(&r, data, n, big, 65536), 0);
    free(data);
    CU_ASSERT_EQUAL(open_copy(&r, big, 65537, NULL, 0), -KITH_ETOOBIG);
    CU_ASSERT_EQUAL(opened, KITH_REFUSED_TOO_BIG);
    /* A stream's layer holds more than a packet may. */
    struct kith_buf out = {0};
    CU_ASSERT_EQUAL(kith_pipeline_seal_stream(r.p, kith_bytes_of(big, 65537), false, NULL, &out),
                    0);
    CU_ASSERT_EQUAL(open_copy(&r, out.data, out.len, NULL, 0), -KITH_ETOOBIG);
    free(out.base);
    free(big);
    rig_fini(&r);
}

/* ---------------------------------------------------------------------------------- building */

static void test_what_can_not_be_built(void)
{
    struct rig r;
    rig_init(&r);
    rig_chain(&r, "aes_gcm", NULL);
    CU_ASSERT_EQUAL(rig_build(&r), -KITH_EINVAL);
    CU_ASSERT_STRING_EQUAL(r.err.text,
                           "aes_gcm: needs a key: give it `keys:`, or the node a `keyring:`");
    kith_keyring_unref(r.ring);
    r.ring = NULL;
    rig_key(&r, 0, 16);
    rig_chain(&r, "aes_gcm crc32", NULL);
    CU_ASSERT_EQUAL(rig_build(&r), -KITH_EINVAL);
    CU_ASSERT(strstr(r.err.text, "aes_gcm: must come last") != NULL);
    rig_chain(&r, "lzw:layer_byte=0xC0", NULL);
    CU_ASSERT_EQUAL(rig_build(&r), -KITH_EINVAL);
    rig_fini(&r);
}

/* Sealing a packet with a reload's chain, its parts shared. */
static void test_reload_shares_what_did_not_change(void)
{
    struct rig r;
    struct kith_codec_stats stats = {0};
    size_t n;
    rig_init(&r);
    rig_key(&r, 0, 16);
    rig_must(&r, "lzw crc32", NULL, 0);
    free(sealed_by(&r, state, sizeof state, &n));
    CU_ASSERT_EQUAL(open_copy(&r, (const uint8_t *)"\xF4", 1, NULL, 0), -KITH_EMALFORMED);
    struct kith_pipeline *old = kith_pipeline_ref(r.p);
    rig_must(&r, "lzw aes_gcm", "lzw crc32 aes_gcm", AUTH);
    CU_ASSERT_EQUAL(kith_pipeline_stats(r.p, 0, &stats), 3);
    CU_ASSERT_STRING_EQUAL(stats.name, "lzw");
    CU_ASSERT_EQUAL(stats.sealed, 1);
    CU_ASSERT_EQUAL(stats.seal_in, sizeof state);
    CU_ASSERT_EQUAL(kith_pipeline_refused(r.p, KITH_REFUSED_LABEL), 1);
    uint8_t *data = sealed_by(&r, state, sizeof state, &n);
    CU_ASSERT_EQUAL(open_copy(&r, data, n, state, sizeof state), 0);
    kith_pipeline_stats(r.p, 0, &stats);
    CU_ASSERT_EQUAL(stats.sealed, 2);
    CU_ASSERT_EQUAL(stats.opened, 1);
    CU_ASSERT_EQUAL(stats.seal_timed, 2);
    CU_ASSERT_EQUAL(stats.open_timed, 1);
    for (int i = 0; i < 300; i++) { /* in turn, as a node that is pinged does */
        uint8_t *one = sealed_by(&r, state, sizeof state, &n);
        CU_ASSERT_EQUAL(open_copy(&r, one, n, state, sizeof state), 0);
        free(one);
    }
    kith_pipeline_stats(r.p, 0, &stats);
    CU_ASSERT_EQUAL(stats.sealed, 302);
    CU_ASSERT_EQUAL(stats.seal_timed, 320);
    CU_ASSERT_EQUAL(stats.opened, 301);
    CU_ASSERT_EQUAL(stats.open_timed, 320);
    CU_ASSERT(stats.seal_ns > 0 && stats.open_ns > 0);
    free(data);
    kith_pipeline_unref(old);
    data = sealed_by(&r, state, sizeof state, &n); /* the shared lzw lives on */
    CU_ASSERT_EQUAL(open_copy(&r, data, n, state, sizeof state), 0);
    free(data);
    rig_fini(&r);
}

/* -------------------------------------------------------------------------------- looking on */

struct seen {
    char text[512];
};

static void see(void *arg, const struct kith_layer *l)
{
    struct seen *s = arg;
    size_t n = strlen(s->text);
    snprintf(s->text + n, sizeof s->text - n, "%s%s(%.*s)@%zu %zu>%zu k%d v%d =%d\n",
             l->sealing ? "+" : "", l->name, (int)l->label.len,
             l->label.len ? (const char *)l->label.data : "", l->offset, l->in, l->out, (int)l->key,
             (int)l->version, l->status);
}

static void test_trace(void)
{
    struct rig r;
    struct seen seen = {{0}};
    size_t n;
    rig_init(&r);
    rig_key(&r, 9, 16);
    rig_must(&r, "lzw crc32", "lzw crc32 aes_gcm", 0);
    r.config.chain.label = "blah";
    rig_must(&r, "lzw crc32", "lzw crc32 aes_gcm", 0);
    kith_pipeline_trace(r.p, see, &seen);
    uint8_t *data = sealed_by(&r, state, sizeof state, &n);
    char put_on[256];
    snprintf(put_on, sizeof put_on,
             "+lzw()@0 %zu>%zu k-1 v-1 =0\n+crc32()@0 %zu>%zu k-1 v-1 =0\n+label(blah)@0 %zu>%zu "
             "k-1 v-1 =0\n",
             sizeof state, n - 11, n - 11, n - 6, n - 6, n);
    CU_ASSERT_STRING_EQUAL(seen.text, put_on);
    seen.text[0] = 0;
    CU_ASSERT_EQUAL(open_copy(&r, data, n, state, sizeof state), 0);
    char want[256];
    snprintf(want, sizeof want,
             "label(blah)@0 %zu>%zu k-1 v-1 =0\ncrc32()@6 %zu>%zu k-1 v-1 =0\nlzw()@11 %zu>%zu k-1 "
             "v-1 =0\n",
             n, n - 6, n - 6, n - 11, n - 11, sizeof state);
    CU_ASSERT_STRING_EQUAL(seen.text, want);
    free(data);

    rig_must(&r, "aes_gcm", "lzw crc32 aes_gcm", AUTH);
    data = sealed_by(&r, "\x08x", 2, &n);
    seen.text[0] = 0;
    data[n - 1] ^= 1;
    CU_ASSERT_EQUAL(open_copy(&r, data, n, NULL, 0), -KITH_EAUTH);
    data[n - 1] ^= 1;
    CU_ASSERT_EQUAL(open_copy(&r, data, n, NULL, 0), 0);
    CU_ASSERT_STRING_EQUAL(seen.text,
                           "label(blah)@0 37>31 k-1 v-1 =0\naes_gcm()@6 31>0 k-1 v-1 =-5\n"
                           "label(blah)@0 37>31 k-1 v-1 =0\naes_gcm()@6 31>2 k0 v1 =0\n");
    kith_pipeline_trace(r.p, NULL, NULL);

    free(data);
    rig_fini(&r);
}

/* Room is what the codecs and the label need, and memberlist's overhead exactly. */
static void test_room(void)
{
    struct rig r;
    rig_init(&r);
    rig_key(&r, 0, 16);
    rig_must(&r, "aes_gcm", NULL, 0);
    struct kith_room room = kith_pipeline_room(r.p);
    CU_ASSERT_EQUAL(room.head + room.tail, 29);
    r.config.chain.protocol = 1;
    rig_must(&r, "lzw crc32 aes_gcm", NULL, 0);
    room = kith_pipeline_room(r.p);
    CU_ASSERT_EQUAL(room.head + room.tail, 5 + 45);
    r.config.chain.label = "blah";
    rig_must(&r, "lzw crc32 aes_gcm", NULL, 0);
    CU_ASSERT_EQUAL(kith_pipeline_room(r.p).head, 6 + 5 + 13);
    rig_fini(&r);
}

KITH_TESTS("plugins/pipeline", {"vectors: packets", test_vectors_packets},
           {"vectors: encrypted packets", test_vectors_encrypted_packets},
           {"vectors: streams", test_vectors_streams},
           {"downgrade is refused", test_downgrade_is_refused},
           {"no unpacking before authentication", test_no_unpacking_before_authentication},
           {"ambiguous first bytes fall to plaintext", test_ambiguous_bytes_fall_to_plaintext},
           {"layers nobody accepts", test_layers_nobody_accepts}, {"labels", test_labels},
           {"the label is associated data", test_label_is_associated_data},
           {"streams compress unconditionally, packets when it pays",
            test_streams_compress_unconditionally},
           {"the longest label", test_longest_label},
           {"at most eight layers", test_at_most_eight_layers},
           {"packet limits", test_packet_limits},
           {"what can't be built", test_what_can_not_be_built},
           {"a reload shares what did not change", test_reload_shares_what_did_not_change},
           {"trace", test_trace}, {"room", test_room})
