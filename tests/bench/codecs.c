/*
 * codecs.c - what the codecs cost: sealing and opening through the whole pipeline beside the bare
 * library call on the same bytes, and Go's compress/lzw beside ours. usage: codecs [GO-LZW]: the
 * program of tests/bench/go-lzw, when there is Go. codecs --streams: of 10 MiB only, a line each
 * of name and microseconds there and back, ours and the library's.
 *
 * Each figure is the fastest of many short runs, ours and theirs in turn: what a machine does
 * beside only ever costs time.
 */
#include <lz4.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "pipeline_rig.h"
#include "samples.h"
#include "../../codecs/lzw.h"

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ----------------------------------------------------------------------- the libraries, bare */

struct bare {
    const uint8_t *in;
    size_t len, packed;
    uint8_t *out, *back; /* len + len / 2 + 1 KiB each */
};

static const uint8_t key[32] = {1, 2, 3}, nonce[24] = {4, 5, 6};

static void aes_seal(struct bare *b)
{
    static EVP_CIPHER_CTX *ctx;
    int n;
    if (!ctx) EVP_EncryptInit_ex(ctx = EVP_CIPHER_CTX_new(), EVP_aes_256_gcm(), NULL, key, NULL);
    EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, nonce);
    EVP_EncryptUpdate(ctx, b->out, &n, b->in, (int)b->len);
    EVP_EncryptFinal_ex(ctx, b->out + b->len, &n);
    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, b->out + b->len);
    b->packed = b->len + 16;
}

static void aes_open(struct bare *b)
{
    static EVP_CIPHER_CTX *ctx;
    int n;
    if (!ctx) EVP_DecryptInit_ex(ctx = EVP_CIPHER_CTX_new(), EVP_aes_256_gcm(), NULL, key, NULL);
    EVP_DecryptInit_ex(ctx, NULL, NULL, NULL, nonce);
    EVP_DecryptUpdate(ctx, b->back, &n, b->out, (int)b->len);
    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, b->out + b->len);
    if (EVP_DecryptFinal_ex(ctx, b->back + b->len, &n) != 1) abort();
}

static void xchacha_seal(struct bare *b)
{
    crypto_aead_xchacha20poly1305_ietf_encrypt_detached(b->out, b->out + b->len, NULL, b->in,
                                                        b->len, NULL, 0, NULL, nonce, key);
    b->packed = b->len + 16;
}

static void xchacha_open(struct bare *b)
{
    if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(b->back, NULL, b->out, b->len,
                                                            b->out + b->len, NULL, 0, nonce, key))
        abort();
}

static void blake2b_both(struct bare *b)
{
    crypto_generichash(b->out, 16, b->in, b->len, key, 32);
    b->packed = b->len + 16;
}

static void crc32_both(struct bare *b)
{
    volatile uint32_t sum = (uint32_t)crc32(0, b->in, (uInt)b->len);
    (void)sum;
    b->packed = b->len + 5;
}

static struct lzw_encoder encoder;
static struct lzw_mix mix;
static struct lzw_decoder decoder;
static void lzw_seal(struct bare *b)
{
    b->packed = kith_lzw_encode(&encoder, &mix, b->in, b->len, b->out, b->len + b->len / 2 + 500);
}
static void lzw_open(struct bare *b)
{
    int64_t n = kith_lzw_measure(&decoder, b->out, b->packed, b->len);
    kith_lzw_decode(&decoder, b->out, b->packed, b->back, (size_t)n);
}

static int level = 1;
static void zstd_seal(struct bare *b)
{
    static ZSTD_CCtx *ctx;
    if (!ctx) ctx = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, level);
    b->packed = ZSTD_compress2(ctx, b->out, b->len + 1000, b->in, b->len);
}
static void zstd_open(struct bare *b)
{
    static ZSTD_DCtx *ctx;
    if (!ctx) ctx = ZSTD_createDCtx();
    if (ZSTD_decompressDCtx(ctx, b->back, b->len, b->out, b->packed) != b->len) abort();
}

static void lz4_seal(struct bare *b)
{
    static void *state;
    if (!state) state = malloc((size_t)LZ4_sizeofState());
    b->packed = (size_t)LZ4_compress_fast_extState(state, (const char *)b->in, (char *)b->out,
                                                   (int)b->len, (int)b->len + 1000, 1);
}
static void lz4_open(struct bare *b)
{
    if (LZ4_decompress_safe((const char *)b->out, (char *)b->back, (int)b->packed, (int)b->len) !=
        (int)b->len)
        abort();
}

static void deflate_seal(struct bare *b)
{
    uLongf n = b->len + 1000;
    compress2(b->out, &n, b->in, b->len, level);
    b->packed = n;
}
static void deflate_open(struct bare *b)
{
    uLongf n = b->len;
    if (uncompress(b->back, &n, b->out, b->packed) != Z_OK) abort();
}

/* ---------------------------------------------------------------------- through the pipeline */

struct through {
    struct rig rig;
    const uint8_t *in;
    size_t len, sealed;
    struct kith_buf buf, out;
    uint8_t *storage;
};

static void packet_seal(struct through *t)
{
    t->buf = (struct kith_buf){t->storage, t->storage + 64, t->len, t->len + 128};
    t->buf.data[0] = 8; /* in place, what was sealed is sealed again: any bytes are as good */
    if (kith_pipeline_seal_packet(t->rig.p, &t->buf, rig_peer(5)) != 0) abort();
    t->sealed = t->buf.len;
}

static void packet_open(struct through *t)
{
    if (kith_pipeline_open_packet(t->rig.p, &t->buf, NULL, NULL) != 0 || t->buf.len != t->len)
        abort();
}

static void take(void *arg, const uint8_t *data, size_t len) { *(size_t *)arg += len; }

static void stream_seal(struct through *t)
{
    if (kith_pipeline_seal_stream(t->rig.p, kith_bytes_of(t->in, t->len), true, NULL, &t->out) != 0)
        abort();
    t->sealed = t->out.len;
}

static void stream_open(struct through *t)
{
    struct kith_inflow *f = kith_inflow_new(t->rig.p, true);
    size_t got = 0;
    for (size_t at = 0; at < t->out.len; at += 65536) /* as a socket gives them */
        if (kith_inflow_feed(f, NULL, t->out.data + at,
                             t->out.len - at < 65536 ? t->out.len - at : 65536, take, &got, NULL,
                             NULL))
            abort();
    if (got != t->len) abort();
    kith_inflow_free(f);
}

/* --------------------------------------------------------------------------------- measuring */

struct figures {
    uint64_t seal, open, both, bare_seal, bare_open, bare_both; /* ns a message */
    size_t sealed, bare;
};

static void keep_least(uint64_t *least, uint64_t ns, unsigned reps)
{
    if (ns / reps < *least) *least = ns / reps;
}

static struct figures measure(const char *chain, const uint8_t *in, size_t len,
                              void (*seal)(struct bare *), void (*open)(struct bare *))
{
    struct through t = {.in = in, .len = len};
    struct bare b = {.in = in,
                     .len = len,
                     .out = malloc(len * 3 / 2 + 4096),
                     .back = malloc(len * 3 / 2 + 4096)};
    struct figures f = {
        .seal = UINT64_MAX, .both = UINT64_MAX, .bare_seal = UINT64_MAX, .bare_both = UINT64_MAX};
    bool packet = len <= 65536 - 64;
    unsigned reps = len > 20000 ? 1 : (unsigned)(20000 / (len + 400)) + 1,
             rounds = len > 1 << 20 ? 20 : 1500;
    rig_init(&t.rig);
    fake.scratch_lasts = true;
    rig_key(&t.rig, 0, 32);
    rig_must(&t.rig, chain, NULL, 0);
    t.storage = malloc(len + 128);
    memcpy(t.storage + 64, in, len);
    for (unsigned r = 0; r < rounds; r++) {
        /* There and back, there alone; so a clock is read twice a round and not twice a message. */
        uint64_t start = now();
        for (unsigned i = 0; i < reps; i++)
            packet ? packet_seal(&t) : stream_seal(&t), packet ? packet_open(&t) : stream_open(&t);
        keep_least(&f.both, now() - start, reps);
        start = now();
        for (unsigned i = 0; i < reps; i++) packet ? packet_seal(&t) : stream_seal(&t);
        keep_least(&f.seal, now() - start, reps);
        start = now();
        for (unsigned i = 0; i < reps; i++) seal(&b), open(&b);
        keep_least(&f.bare_both, now() - start, reps);
        start = now();
        for (unsigned i = 0; i < reps; i++) seal(&b);
        keep_least(&f.bare_seal, now() - start, reps);
    }
    f.open = f.both - f.seal;
    f.bare_open = f.bare_both - f.bare_seal;
    f.sealed = t.sealed;
    f.bare = b.packed;
    free(b.out);
    free(b.back);
    free(t.storage);
    free(t.out.base);
    rig_fini(&t.rig);
    return f;
}

static void print(const char *what, size_t len, const struct figures *f)
{
    double over = 100.0 * ((double)f->both / (double)f->bare_both - 1);
    printf("%-22s %9zu %9zu %6.2f %10llu %10llu %11llu %11llu %+7.0f%%\n", what, len, f->sealed,
           (double)len / (double)f->sealed, (unsigned long long)f->seal,
           (unsigned long long)f->open, (unsigned long long)f->bare_seal,
           (unsigned long long)f->bare_open, over);
}

static void heading(const char *title)
{
    printf("\n%s\n%-22s %9s %9s %6s %10s %10s %11s %11s %8s\n", title, "codec", "in", "out",
           "ratio", "seal ns", "open ns", "bare seal", "bare open", "more");
}

/* ------------------------------------------------------------------------------------ tables */

static void ciphers(void)
{
    static const size_t sizes[] = {64, 256, 1400, 65000, 10 << 20};
    uint8_t *in = malloc(10 << 20);
    rig_fill(in, 10 << 20);
    in[0] = 8;
    heading("Sealing and opening, bytes in the message");
    for (size_t i = 0; i < 5; i++) {
        struct figures f = measure("aes_gcm", in, sizes[i], aes_seal, aes_open);
        print("aes_gcm (256)", sizes[i], &f);
        f = measure("xchacha20poly1305", in, sizes[i], xchacha_seal, xchacha_open);
        print("xchacha20poly1305", sizes[i], &f);
        f = measure("blake2b", in, sizes[i], blake2b_both, blake2b_both);
        print("blake2b", sizes[i], &f);
        if (sizes[i] <= 65000) {
            f = measure("crc32", in, sizes[i], crc32_both, crc32_both);
            print("crc32", sizes[i], &f);
        }
    }
    free(in);
}

static void compressors(const char *title, const uint8_t *in, size_t len)
{
    struct figures f;
    char chain[32], name[32];
    heading(title);
    f = measure("lzw", in, len, lzw_seal, lzw_open);
    print("lzw", len, &f);
    f = measure("lz4", in, len, lz4_seal, lz4_open);
    print("lz4", len, &f);
    for (int i = 0; i < 3; i++) {
        level = i == 0 ? 1 : i == 1 ? 3 : 9;
        snprintf(chain, sizeof chain, "zstd:level=%d", level);
        snprintf(name, sizeof name, "zstd, level %d", level);
        f = measure(chain, in, len, zstd_seal, zstd_open);
        print(name, len, &f);
    }
    for (level = 1; level <= 6; level += 5) {
        struct figures d = measure("lzw", in, len, deflate_seal, deflate_open);
        printf("%-22s %9zu %9zu %6.2f %10s %10s %11llu %11llu\n",
               level == 1 ? "(zlib, level 1)" : "(zlib, level 6)", len, d.bare,
               (double)len / (double)d.bare, "", "", (unsigned long long)d.bare_seal,
               (unsigned long long)d.bare_open);
    }
}

/* Of members' states, as those are what makes a stream long. */
static void streams(void)
{
    static const struct {
        const char *chain;
        void (*seal)(struct bare *), (*open)(struct bare *);
    } all[] = {
        {"aes_gcm", aes_seal, aes_open},
        {"xchacha20poly1305", xchacha_seal, xchacha_open},
        {"blake2b", blake2b_both, blake2b_both},
        {"lzw", lzw_seal, lzw_open},
        {"lz4", lz4_seal, lz4_open},
        {"zstd:level=1", zstd_seal, zstd_open},
    };
    const size_t len = 10 << 20;
    uint8_t *in = malloc(len);
    rig_fill_state(in, len);
    in[0] = 8; /* a message, not a layer */
    level = 1;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct figures f = measure(all[i].chain, in, len, all[i].seal, all[i].open);
        printf("stream_%.*s_us %.1f %.1f\n", (int)strcspn(all[i].chain, ":"), all[i].chain,
               (double)f.both / 1e3, (double)f.bare_both / 1e3);
        fflush(stdout);
    }
    free(in);
}

/* Go's encoder and decoder on the same bytes. */
static void beside_go(const char *go, const uint8_t *in, size_t len, const char *what)
{
    char path[] = "/tmp/kith-bench-XXXXXX", command[4200], line[4200];
    unsigned long long n, packed, seal, open;
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, in, len) != (ssize_t)len) return;
    close(fd);
    snprintf(command, sizeof command, "'%s' %s", go, path);
    FILE *p = popen(command, "r");
    if (p && fgets(line, sizeof line, p) &&
        sscanf(line, "%*s %llu %llu %llu %llu", &n, &packed, &seal, &open) == 4) {
        struct figures f = measure("lzw", in, len, lzw_seal, lzw_open);
        printf("%-22s %9zu %9llu  Go: compress %7llu ns, decompress %7llu; ours: %7llu, %7llu: "
               "%.1f and %.1f times as fast\n",
               what, len, packed, seal, open, (unsigned long long)f.bare_seal,
               (unsigned long long)f.bare_open, (double)seal / (double)f.bare_seal,
               (double)open / (double)f.bare_open);
    }
    if (p) pclose(p);
    unlink(path);
}

int main(int argc, char **argv)
{
    static uint8_t gossip[1400], state[1 << 20];
    size_t packet = sample_gossip(gossip, 1362), members = sample_state(state, sizeof state, 1000);
    kith_lzw_mix(&mix, 1);
    if (sodium_init() < 0) return 1;
    if (argc == 2 && strcmp(argv[1], "--streams") == 0) {
        streams();
        return 0;
    }
    ciphers();
    compressors("A gossip packet of alive messages", gossip, packet);
    compressors("A push/pull of 1,000 members", state, members);
    if (argc < 2) return 0;
    printf("\nLZW beside Go's compress/lzw, as memberlist uses it\n");
    beside_go(argv[1], gossip, packet, "gossip packet");
    beside_go(argv[1], state, members, "1,000 members");
    return 0;
}
