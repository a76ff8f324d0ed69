/*
 * fuzz_lzw.c - the LZW coder itself, and the codec with its msgpack map around it. The input is
 * taken three times: as codes to decode, as a packet to open, and as text to encode and decode
 * again.
 */
#include "pipeline_rig.h"

#include "fuzz.h"
#include "lzw.h"

enum { LIMIT = 1 << 20, TEXT_MAX = 70000 };

static struct rig rig;
static struct lzw_decoder decoder;
static struct lzw_encoder encoder;
static struct lzw_mix mix;

/* What was measured is what is written, to the byte. */
static void decode(const uint8_t *data, size_t len)
{
    int64_t n = kith_lzw_measure(&decoder, data, len, LIMIT);
    FUZZ_CHECK(n >= -2 && n <= LIMIT);
    if (n < 0) return;
    uint8_t *out = malloc((size_t)n + !n);
    if (!out) exit(2);
    FUZZ_CHECK(kith_lzw_decode(&decoder, data, len, out, (size_t)n) == n);
    free(out);
}

static void open_packet(const uint8_t *data, size_t len)
{
    struct rig_buf b = rig_buf(&rig, data, len);
    enum kith_refusal why;
    if (kith_pipeline_open_packet(rig.p, &b.buf, NULL, &why) == 0) FUZZ_CHECK(b.buf.len <= 65536);
    rig_buf_free(&b);
}

static void there_and_back(const uint8_t *data, size_t len)
{
    size_t cap = lzw_bound(len);
    uint8_t *packed = malloc(cap + LZW_SLACK), *back = malloc(len + !len);
    if (!packed || !back) exit(2);
    size_t n = kith_lzw_encode(&encoder, &mix, data, len, packed, cap);
    FUZZ_CHECK(n > 0 && n <= cap);
    FUZZ_CHECK(kith_lzw_measure(&decoder, packed, n, len) == (int64_t)len);
    FUZZ_CHECK(kith_lzw_decode(&decoder, packed, n, back, len) == (int64_t)len);
    FUZZ_CHECK(len == 0 || memcmp(back, data, len) == 0);
    free(packed);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!rig.p) {
        rig_init(&rig);
        rig_must(&rig, "lzw", NULL, 0);
        kith_lzw_mix(&mix, 1);
    }
    fake.scratch_lasts = len % 16; /* else it is filled: that takes longer than all the rest */
    decode(data, len);
    open_packet(data, len < TEXT_MAX ? len : TEXT_MAX);
    there_and_back(data, len < TEXT_MAX ? len : TEXT_MAX);
    return 0;
}
