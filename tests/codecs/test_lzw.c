/* LZW: the bytes of Go's compress/lzw, its tolerance, and the msgpack around it. */
#include "pipeline_rig.h"
#include "test.h"
#include "vectors.h"
#include "../../codecs/lzw.h"

static struct lzw_encoder encoder;
static struct lzw_mix mix;
static struct lzw_decoder decoder;

__attribute__((constructor)) static void setup(void) { kith_lzw_mix(&mix, 1); }

/* Encode, decode, compare; the length of the encoding. */
static size_t round_trip(const uint8_t *in, size_t n)
{
    size_t cap = lzw_bound(n);
    uint8_t *out = malloc(cap + LZW_SLACK), *back = malloc(n ? n : 1);
    size_t len = kith_lzw_encode(&encoder, &mix, in, n, out, cap);
    CU_ASSERT(len > 0 && len <= cap - LZW_SLACK);
    uint8_t *exact = malloc(len); /* for sanitizers: nothing is read beyond */
    memcpy(exact, out, len);
    CU_ASSERT_EQUAL(kith_lzw_measure(&decoder, exact, len, n), (int64_t)n);
    if (n) CU_ASSERT_EQUAL(kith_lzw_measure(&decoder, exact, len, n - 1), -2);
    CU_ASSERT_EQUAL(kith_lzw_decode(&decoder, exact, len, back, n), (int64_t)n);
    CU_ASSERT(memcmp(in, back, n) == 0);
    if (n) CU_ASSERT_EQUAL(kith_lzw_decode(&decoder, exact, len, back, n - 1), -2);
    free(exact);
    free(out);
    free(back);
    return len;
}

static void test_every_length(void)
{
    uint8_t in[2000] = {0};
    for (unsigned kind = 0; kind < 3; kind++)
        for (size_t n = 0; n <= sizeof in; n++) {
            if (kind == 0) rig_fill(in, n);
            if (kind == 1) rig_fill_state(in, n);
            if (kind == 2) memset(in, 'x', n);
            round_trip(in, n);
        }
}

static void test_large(void)
{
    static const size_t sizes[] = {4096, 65536, 1 << 20, 5 << 20};
    for (size_t i = 0; i < 4; i++) {
        uint8_t *in = malloc(sizes[i]);
        rig_fill(in, sizes[i]);
        size_t worst = round_trip(in, sizes[i]);
        CU_ASSERT(worst > sizes[i]);
        rig_fill_state(in, sizes[i]);
        CU_ASSERT(round_trip(in, sizes[i]) < sizes[i]);
        memset(in, 0, sizes[i]);
        CU_ASSERT(round_trip(in, sizes[i]) < sizes[i] / 10);
        free(in);
    }
}

/* What is in the encoder's memory never shows: not other messages, nor other seeds, nor what
 * somebody else has left there, be it anything or what looks like tables in use. */
static void spoil(unsigned how)
{
    uint16_t *words = (uint16_t *)(void *)&encoder;
    if (how == 0) rig_fill((uint8_t *)words, sizeof encoder);
    for (size_t i = 0; how && i < sizeof encoder / 2; i++)
        words[i] = (uint16_t)(how == 1 ? rig_random() % 4096 : how == 2 ? 258 : i);
}

static void test_memory_does_not_show(void)
{
    enum { N = 3000 };
    static uint8_t in[N], noise[N], first[2 * N], again[2 * N];
    rig_fill_state(in, N);
    size_t n = kith_lzw_encode(&encoder, &mix, in, N, first, sizeof first - LZW_SLACK);
    for (unsigned i = 0; i < 200; i++) {
        if (i % 3 == 0) kith_lzw_mix(&mix, rig_random());
        if (i % 4 == 0) spoil(i / 4 % 4);
        size_t other = rig_random() % N;
        if (i % 2)
            rig_fill(noise, other);
        else
            rig_fill_state(noise, other);
        if (i % 8) kith_lzw_encode(&encoder, &mix, noise, other, again, sizeof again - LZW_SLACK);
        CU_ASSERT(kith_lzw_encode(&encoder, &mix, in, N, again, sizeof again - LZW_SLACK) == n &&
                  memcmp(first, again, n) == 0);
    }
}

/* A second encoder, step by step as docs/WIRE.md has it: no tables, no tricks. */
static size_t plain_encode(const uint8_t *in, size_t n, uint8_t *out)
{
    static uint16_t child[4096][256];
    uint64_t bits = 0;
    unsigned count = 0, width = 9, hi = 257, overflow = 512;
    size_t len = 0;
    int code = -1;
#define EMIT(c) \
    for (bits |= (uint64_t)(c) << count, count += width; count >= 8; count -= 8, bits >>= 8) \
    out[len++] = (uint8_t)bits
#define NEXT() \
    do { \
        if (++hi == overflow) width++, overflow *= 2; \
    } while (0)
    memset(child, 0, sizeof child);
    EMIT(256);
    for (size_t i = 0; i < n; i++) {
        if (code >= 0 && child[code][in[i]]) {
            code = child[code][in[i]];
            continue;
        }
        if (code >= 0) {
            EMIT(code);
            NEXT();
            if (hi == 4095) {
                EMIT(256);
                width = 9, hi = 257, overflow = 512;
                memset(child, 0, sizeof child);
            } else {
                child[code][in[i]] = (uint16_t)hi;
            }
        }
        code = in[i];
    }
    if (code >= 0) {
        EMIT(code);
        NEXT();
        if (hi == 4095) {
            EMIT(256);
            width = 9;
        }
    }
    EMIT(257);
    if (count) out[len++] = (uint8_t)bits;
    return len;
}

static void test_like_the_plain_algorithm(void)
{
    static uint8_t in[60000], want[100000], got[100000];
    for (unsigned i = 0; i < 36; i++) {
        size_t n = i < 30 ? rig_random() % 6000 : 10000 + rig_random() % 50000;
        if (i % 3 == 0) rig_fill(in, n);
        if (i % 3 == 1) rig_fill_state(in, n);
        if (i % 3 == 2)
            for (size_t k = 0; k < n; k++) in[k] = (uint8_t)(rig_random() % 3);
        size_t len = plain_encode(in, n, want);
        CU_ASSERT_EQUAL(kith_lzw_encode(&encoder, &mix, in, n, got, sizeof got - LZW_SLACK), len);
        CU_ASSERT(memcmp(want, got, len) == 0);
    }
}

static void test_encoder_stops_at_its_room(void)
{
    uint8_t in[600], out[1024];
    rig_fill(in, sizeof in);
    size_t n = kith_lzw_encode(&encoder, &mix, in, sizeof in, out, 1000);
    CU_ASSERT(n > 0);
    for (size_t cap = 0; cap <= n; cap++) {
        memset(out, 0xEE, sizeof out);
        CU_ASSERT_EQUAL(kith_lzw_encode(&encoder, &mix, in, sizeof in, out, cap), cap < n ? 0 : n);
        for (size_t i = cap + LZW_SLACK; i < sizeof out; i++)
            if (out[i] != 0xEE) CU_FAIL("wrote beyond");
    }
}

/* The vectors that Go's encoder wrote, byte for byte, both ways. */
static void test_vectors(void)
{
    static const struct {
        const char *name, *plain;
    } cases[] = {{"compress_a", "a"},
                 {"compress_testing", "testing"},
                 {"compress_compound_2", NULL},
                 {"compress_repeat_33000", NULL}};
    struct rig r;
    rig_init(&r);
    rig_must(&r, "lzw", NULL, 0);
    for (size_t i = 0; i < 4; i++) {
        size_t len, n;
        uint8_t *want = vector_bytes(cases[i].name, &len), *plain;
        if (cases[i].plain) {
            n = strlen(cases[i].plain);
            plain = memcpy(malloc(n), cases[i].plain, n);
        } else if (i == 2) {
            plain = vector_bytes("compound_2", &n);
        } else {
            plain = malloc(n = 33000);
            for (size_t k = 0; k < n; k++) plain[k] = (uint8_t) "memberlist-"[k % 11];
        }
        struct kith_buf out = {0}; /* streams are compressed even where it does not pay */
        CU_ASSERT_EQUAL(kith_pipeline_seal_stream(r.p, kith_bytes_of(plain, n), false, NULL, &out),
                        0);
        CU_ASSERT(out.len == len && memcmp(out.data, want, len) == 0);
        struct rig_buf b = rig_buf(&r, want, len);
        CU_ASSERT_EQUAL(kith_pipeline_open_packet(r.p, &b.buf, NULL, NULL), 0);
        CU_ASSERT(b.buf.len == n && memcmp(b.buf.data, plain, n) == 0);
        rig_buf_free(&b);
        free(out.base);
        free(want);
        free(plain);
    }
    rig_fini(&r);
}

/* compress_compound_8 is a packet that Go did send compressed: opened, it packs to the same bytes
 * again. */
static void test_packet_vector(void)
{
    struct rig r;
    size_t len;
    uint8_t *want = vector_bytes("compress_compound_8", &len);
    rig_init(&r);
    rig_must(&r, "lzw", NULL, 0);
    struct rig_buf b = rig_buf(&r, want, len);
    CU_ASSERT_EQUAL(kith_pipeline_open_packet(r.p, &b.buf, NULL, NULL), 0);
    CU_ASSERT(b.buf.len > len);
    CU_ASSERT_EQUAL(b.buf.data[0], 7);
    struct rig_buf again = rig_buf(&r, b.buf.data, b.buf.len);
    CU_ASSERT_EQUAL(kith_pipeline_seal_packet(r.p, &again.buf, NULL), 0);
    CU_ASSERT(again.buf.len == len && memcmp(again.buf.data, want, len) == 0);
    rig_buf_free(&again);
    rig_buf_free(&b);
    free(want);
    rig_fini(&r);
}

static void test_tolerance(void)
{
    json_t *one,
        *cases = json_object_get(json_object_get(vectors(), "lzw_decode_tolerance"), "cases");
    size_t i;
    CU_ASSERT(json_array_size(cases) >= 10);
    json_array_foreach(cases, i, one)
    {
        size_t n, len = 0;
        uint8_t *in = from_hex(json_string_value(json_object_get(one, "lzw_hex")), &n), out[64],
                *want = NULL;
        const char *plain = json_string_value(
            json_object_get(json_array_get(json_object_get(one, "results"), 0), "plain_hex"));
        int64_t got = kith_lzw_measure(&decoder, in, n, sizeof out);
        if (plain) want = from_hex(plain, &len);
        CU_ASSERT_EQUAL(got, plain ? (int64_t)len : -1);
        if (got >= 0) {
            CU_ASSERT_EQUAL(kith_lzw_decode(&decoder, in, n, out, len), got);
            CU_ASSERT(memcmp(out, want, len) == 0);
        } else {
            CU_ASSERT_EQUAL(kith_lzw_decode(&decoder, in, n, out, sizeof out), got);
        }
        free(want);
        free(in);
    }
}

/* Whatever the bytes are: no crash, and never more than what was measured (the sanitizers look); a
 * packet, which is not measured, is refused for the same reason. */
static void test_noise(void)
{
    enum { LIMIT = 100000 };
    static uint8_t whole[LIMIT];
    uint8_t in[300];
    for (unsigned i = 0; i < 20000; i++) {
        size_t n = rig_random() % sizeof in;
        rig_fill(in, n);
        if (n > 2 && i % 2) in[0] = 0, in[1] &= 0xFE; /* begin with a clear */
        int64_t len = kith_lzw_measure(&decoder, in, n, LIMIT);
        CU_ASSERT_EQUAL(kith_lzw_decode(&decoder, in, n, whole, LIMIT), len);
        if (len < 0) continue;
        uint8_t *out = malloc((size_t)len + 1);
        out[len] = 0xEE;
        CU_ASSERT_EQUAL(kith_lzw_decode(&decoder, in, n, out, (size_t)len), len);
        CU_ASSERT_EQUAL(out[len], 0xEE);
        if (len) {
            CU_ASSERT_EQUAL(kith_lzw_decode(&decoder, in, n, out, (size_t)len - 1), -2);
            CU_ASSERT_EQUAL(out[len], 0xEE);
        }
        free(out);
    }
}

/* What lzw.c does not try: one byte over and over becomes shortest. */
static void test_too_short_to_become_shorter(void)
{
    enum { AROUND = 13 };
    uint8_t in[26], out[64];
    memset(in, 'x', sizeof in);
    for (size_t n = 1; n < sizeof in; n++) {
        size_t len = kith_lzw_encode(&encoder, &mix, in, n, out, sizeof out - LZW_SLACK);
        CU_ASSERT_EQUAL(AROUND + len < n, n == 25);
    }
}

/* --------------------------------------------------------------------- the msgpack around it */

static void test_message_forms(void)
{
#define BUF "\xAB\x00\xe9\x94\x99\x43\x27\x8d\x9b\x33\x01\x01" /* "testing" */
    static const struct {
        const char *bytes;
        size_t len;
        bool good;
    } cases[] = {
#define C(s, good) {s, sizeof(s) - 1, good}
        C("\x09\x82\xA4"
          "Algo\x00\xA3"
          "Buf" BUF,
          true),
        C("\x09\x82\xA3"
          "Buf" BUF "\xA4"
          "Algo\x00",
          true),
        C("\x09\x81\xA3"
          "Buf" BUF,
          true), /* missing: zero */
        C("\x09\x82\xA4"
          "Algo\xC0\xA3"
          "Buf" BUF,
          true), /* nil: zero */
        C("\x09\x82\xA4"
          "Algo\xCC\x00\xA3"
          "Buf" BUF,
          true),
        C("\x09\x82\xA4"
          "Algo\xD1\x00\x00\xA3"
          "Buf" BUF,
          true),
        C("\x09\x82\xA4"
          "Algo\xCF\0\0\0\0\0\0\0\0\xA3"
          "Buf" BUF,
          true),
        C("\x09\xDE\x00\x02\xA4"
          "Algo\x00\xA3"
          "Buf" BUF,
          true), /* map16 */
        C("\x09\x83\xA3"
          "New\x82\x01\x92\xC4\x01\x00\xC3\x02\xCB\0\0\0\0\0\0\0\0\xA4"
          "Algo\x00\xA3"
          "Buf" BUF,
          true),
        C("\x09\x92\x00" BUF, true), /* a struct as array */
        C("\x09\x93\x00" BUF "\x93\x01\x02\x03", true),
        C("\x09\x82\xA4"
          "Algo\x00\xA3"
          "Buf\xD9\x0B\x00\xe9\x94\x99\x43\x27\x8d\x9b\x33\x01\x01",
          true), /* str8 */
        C("\x09\x82\xA4"
          "Algo\x00\xA3"
          "Buf\xC4\x0B\x00\xe9\x94\x99\x43\x27\x8d\x9b\x33\x01\x01",
          true), /* bin8 */
        C("\x09\x82\xA3"
          "Buf\xA1x\xA3"
          "Buf" BUF,
          true), /* twice: the last */
        C("\x09\x82\xA4"
          "Algo\x00\xA3"
          "Buf" BUF "trailing",
          true),
        C("\x09\x82\xA4"
          "Algo\x01\xA3"
          "Buf" BUF,
          false), /* another algorithm */
        C("\x09\x82\xA4"
          "Algo\xFF\xA3"
          "Buf" BUF,
          false),
        C("\x09\x82\xA4"
          "Algo\xD0\x80\xA3"
          "Buf" BUF,
          false),
        C("\x09\x82\xA4"
          "Algo\xA0\xA3"
          "Buf" BUF,
          false),
        C("\x09\x82\xA4"
          "algo\x01\xA3"
          "Buf" BUF,
          true), /* an unknown key */
        C("\x09\x82\x01\x00\xA3"
          "Buf" BUF,
          false),
        C("\x09\x81\xA4"
          "Algo\x00",
          false), /* no Buf: LZW without an end */
        C("\x09\xC0", false),
        C("\x09\x80", false),
        C("\x09\xA0", false),
        C("\x09", false),
        C("\x09\x81\xA3"
          "Buf\x00",
          false),
        C("\x09\x81\xA3"
          "Buf\xC1",
          false),
        C("\x09\x81\xA3"
          "Buf\xDB\xFF\xFF\xFF\xFF",
          false),
        C("\x09\xDF\xFF\xFF\xFF\xFF\xA4"
          "Algo\x00",
          false),
        C("\x09\x82\xA1x\xDD\xFF\xFF\xFF\xFF\xA3"
          "Buf" BUF,
          false),
    };
    struct rig r;
    rig_init(&r);
    rig_must(&r, "lzw", NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig_buf b = rig_buf(&r, cases[i].bytes, cases[i].len);
        int rc = kith_pipeline_open_packet(r.p, &b.buf, NULL, NULL);
        CU_ASSERT_EQUAL(rc, cases[i].good ? 0 : -KITH_EMALFORMED);
        if (rc == 0) CU_ASSERT(b.buf.len == 7 && memcmp(b.buf.data, "testing", 7) == 0);
        if (rc != (cases[i].good ? 0 : -KITH_EMALFORMED)) printf("  case %zu: %d\n", i, rc);
        rig_buf_free(&b);
    }
    rig_fini(&r);
}

/* What is not Buf has a bound: on a stream a sender could make us look at it again with every byte.
 */
static void test_foreign_keys_are_bounded(void)
{
    struct rig r;
    struct rig_plain got;
    static uint8_t nested[5000] = {9, 0x81, 0xA1, 'x'};
    rig_init(&r);
    rig_must(&r, "lzw", NULL, 0);
    memset(nested + 4, 0x91, sizeof nested - 4);
    CU_ASSERT_EQUAL(rig_feed(r.p, true, kith_bytes_of(nested, sizeof nested), 1, &got),
                    -KITH_EMALFORMED);
    rig_plain_free(&got);
    rig_fini(&r);
}

static void test_truncation(void)
{
    struct rig r;
    uint8_t state[600];
    rig_init(&r);
    rig_must(&r, "lzw", NULL, 0);
    rig_fill_state(state, sizeof state);
    struct rig_buf b = rig_buf(&r, state, sizeof state);
    CU_ASSERT_EQUAL(kith_pipeline_seal_packet(r.p, &b.buf, NULL), 0);
    CU_ASSERT(b.buf.data[0] == 9);
    size_t n = b.buf.len;
    uint8_t *data = memcpy(malloc(n), b.buf.data, n);
    for (size_t len = 1; len < n; len++) {
        uint8_t *cut = memcpy(malloc(len), data, len);
        struct kith_buf buf = {cut, cut, len, len};
        CU_ASSERT_EQUAL(kith_pipeline_open_packet(r.p, &buf, NULL, NULL), -KITH_EMALFORMED);
        struct rig_plain got;
        CU_ASSERT_EQUAL(rig_feed(r.p, true, kith_bytes_of(cut, len), 0, &got), -KITH_EMALFORMED);
        CU_ASSERT_EQUAL(got.len, 0);
        rig_plain_free(&got);
        free(cut);
    }
    free(data);
    rig_buf_free(&b);
    rig_fini(&r);
}

KITH_TESTS("codecs/lzw", {"every length", test_every_length}, {"large", test_large},
           {"memory does not show", test_memory_does_not_show},
           {"like the plain algorithm", test_like_the_plain_algorithm},
           {"the encoder stops at its room", test_encoder_stops_at_its_room},
           {"vectors", test_vectors}, {"packet vector", test_packet_vector},
           {"tolerance", test_tolerance}, {"noise", test_noise},
           {"too short to become shorter", test_too_short_to_become_shorter},
           {"forms of the message", test_message_forms},
           {"foreign keys are bounded", test_foreign_keys_are_bounded},
           {"truncation at every byte", test_truncation}, )
