/*
 * fuzz_open.c - the whole opening side with every codec loaded. The first byte chooses: plane,
 * direction, what is required, and a chain that the rest is sealed with first, so that what stands
 * behind a right tag is reached too; the second byte is the size of the pieces of a stream.
 */
#include "pipeline_parts.h"
#include "pipeline_rig.h"

#include "fuzz.h"

#define ALL "lzw zstd lz4 crc32 blake2b aes_gcm xchacha20poly1305"

enum { STREAM = 1, ACCEPTOR = 2, REQUIRE = 4, LABEL = 8, LIMIT = 1 << 20 };

/* Sealed from the inside out; the fuzzer's bytes are the message. */
static const struct {
    const char *chain;
    uint32_t provides;
} wraps[] = {
    {"", 0},
    {"crc32", KITH_CHECKS},
    {"blake2b", KITH_CHECKS | KITH_AUTHENTICATES},
    {"aes_gcm", KITH_CHECKS | KITH_AUTHENTICATES | KITH_ENCRYPTS},
    {"xchacha20poly1305", KITH_CHECKS | KITH_AUTHENTICATES | KITH_ENCRYPTS},
    {"lz4:min_size=0 xchacha20poly1305", KITH_CHECKS | KITH_AUTHENTICATES | KITH_ENCRYPTS},
    {"zstd:min_size=0 crc32", KITH_CHECKS},
    {"lzw blake2b aes_gcm", KITH_CHECKS | KITH_AUTHENTICATES | KITH_ENCRYPTS},
};
enum { WRAPS = sizeof wraps / sizeof *wraps };

static struct rig sealers[WRAPS][2], openers[2][2]; /* by label; by require, label */

static void prepare(struct rig *r, const char *send, uint32_t require, bool label)
{
    rig_init(r);
    rig_key(r, 1, 16);
    rig_key(r, 99, 32);
    r->config.chain.max_stream_size = LIMIT;
    r->config.chain.max_stream_memory = 8 * LIMIT;
    if (label) r->config.chain.label = "east";
    rig_must(r, send, ALL, require);
}

static void prepare_all(void)
{
    for (int label = 0; label < 2; label++) {
        for (int w = 0; w < WRAPS; w++) prepare(&sealers[w][label], wraps[w].chain, 0, label);
        prepare(&openers[0][label], "", 0, label);
        prepare(&openers[1][label], "", KITH_AUTHENTICATES | KITH_ENCRYPTS, label);
    }
}

/* What was sealed comes back as it was: unless it is not asked for, or looks like one layer more.
 */
static bool comes_back(const struct rig *opener, const struct rig *sealer, const uint8_t *data,
                       size_t len, uint32_t provides)
{
    if (!sealer->config.chain.send.count || !len || opener->config.chain.require & ~provides)
        return false;
    return data[0] > 1 && data[0] != KITH_LABEL_BYTE && !kith_is_layer(data[0]);
}

static void packet(struct rig *opener, struct rig *sealer, const uint8_t *data, size_t len,
                   uint32_t provides)
{
    if (len > 60000) len = 60000;
    struct rig_buf b = rig_buf(sealer, data, len);
    if (sealer->config.chain.send.count == 0 ||
        kith_pipeline_seal_packet(sealer->p, &b.buf, rig_peer(5)) == 0) {
        struct rig_buf in = rig_buf(opener, b.buf.data, b.buf.len);
        enum kith_refusal why = KITH_REFUSED_COUNT;
        int rc = kith_pipeline_open_packet(opener->p, &in.buf, NULL, &why);
        FUZZ_CHECK(rc == 0 ? in.buf.len > 0 && in.buf.len <= 65536
                           : rc < 0 && why < KITH_REFUSED_COUNT);
        if (rc == 0) FUZZ_CHECK((opener->config.chain.require & ~provides) == 0);
        if (comes_back(opener, sealer, data, len, provides))
            FUZZ_CHECK(rc == 0 && in.buf.len == len && memcmp(in.buf.data, data, len) == 0);
        rig_buf_free(&in);
    }
    rig_buf_free(&b);
}

static void stream(struct rig *opener, struct rig *sealer, bool acceptor, const uint8_t *data,
                   size_t len, size_t chop, uint32_t provides)
{
    struct kith_buf out = {0};
    struct rig_plain got;
    struct kith_bytes in = kith_bytes_of(data, len);
    bool sealed = sealer->config.chain.send.count &&
                  kith_pipeline_seal_stream(sealer->p, in, acceptor, NULL, &out) == 0;
    if (sealed) in = kith_bytes_of(out.data, out.len);
    int rc = rig_feed(opener->p, acceptor, in, chop, &got);
    FUZZ_CHECK(rc <= 0 && got.len <= len + 4 * LIMIT);
    if (sealed && comes_back(opener, sealer, data, len, provides))
        FUZZ_CHECK(rc == 0 && got.len == len && memcmp(got.data, data, len) == 0);
    FUZZ_CHECK(opener->p->shared->memory->held == 0);
    rig_plain_free(&got);
    free(out.base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!openers[0][0].p) prepare_all();
    fake.scratch_lasts = len % 16; /* else it is filled: that takes longer than all the rest */
    struct fuzz_input in = {data, data + len};
    uint8_t how = fuzz_byte(&in), chop = fuzz_byte(&in);
    unsigned wrap = how >> 4 & 7;
    bool label = how & LABEL;
    struct rig *opener = &openers[how & REQUIRE ? 1 : 0][label], *sealer = &sealers[wrap][label];
    size_t n = (size_t)(in.end - in.p);
    /* Not sealed by us, nothing of the fuzzer's opens a cipher: what it claims to have it does not.
     */
    if (how & STREAM)
        stream(opener, sealer, how & ACCEPTOR, in.p, n, chop ? chop : 4096, wraps[wrap].provides);
    else
        packet(opener, sealer, in.p, n, wraps[wrap].provides);
    return 0;
}
