/* What holds for every codec, and for chains of them. */
#include "pipeline_rig.h"
#include "test.h"

#include <unistd.h>
#include <zdict.h>

static const struct codec {
    const char *name;
    uint32_t require; /* what can be asked for */
    unsigned rank;    /* place in a chain: compress, check, encrypt */
    bool packets_only;
} codecs[] = {
    {"lzw", 0, 0, false},
    {"zstd", 0, 0, false},
    {"lz4", 0, 0, false},
    {"crc32", 0, 1, true},
    {"blake2b", KITH_AUTHENTICATES, 1, false},
    {"aes_gcm", KITH_AUTHENTICATES | KITH_ENCRYPTS, 2, false},
    {"xchacha20poly1305", KITH_AUTHENTICATES | KITH_ENCRYPTS, 2, false},
};
enum { CODECS = sizeof codecs / sizeof *codecs };

static void make(struct rig *r, const char *chain, uint32_t require, const char *label)
{
    rig_init(r);
    rig_key(r, 5, 32);
    r->config.chain.label = label;
    rig_must(r, chain, NULL, require);
}

static uint8_t *message(size_t len, unsigned kind)
{
    uint8_t *msg = malloc(len + 1);
    if (kind == 0) rig_fill(msg, len);
    if (kind == 1) rig_fill_state(msg, len);
    if (kind == 2) memset(msg, 'x', len);
    if (len) msg[0] = 8;
    return msg;
}

/* There and back, never longer than room says. */
static void packet_trip(struct rig *r, const uint8_t *msg, size_t len)
{
    struct rig_buf b = rig_buf(r, msg, len), c;
    struct kith_room room = kith_pipeline_room(r->p);
    CU_ASSERT_EQUAL(kith_pipeline_seal_packet(r->p, &b.buf, rig_peer(5)), 0);
    CU_ASSERT(b.buf.len <= len + room.head + room.tail);
    c = rig_buf(r, b.buf.data, b.buf.len);
    CU_ASSERT_EQUAL(kith_pipeline_open_packet(r->p, &c.buf, NULL, NULL),
                    len ? 0 : -KITH_EMALFORMED);
    if (len) CU_ASSERT(c.buf.len == len && memcmp(c.buf.data, msg, len) == 0);
    rig_buf_free(&c);
    rig_buf_free(&b);
}

static void stream_trip(struct rig *r, const uint8_t *msg, size_t len)
{
    struct kith_buf out = {0};
    struct rig_plain got;
    CU_ASSERT_EQUAL(kith_pipeline_seal_stream(r->p, kith_bytes_of(msg, len), true, NULL, &out), 0);
    CU_ASSERT_EQUAL(rig_feed(r->p, true, kith_bytes_of(out.data, out.len), 0, &got), 0);
    CU_ASSERT(got.len == len && memcmp(got.data, msg, len) == 0);
    rig_plain_free(&got);
    free(out.base);
}

static void test_every_length(void)
{
    for (size_t c = 0; c < CODECS; c++)
        for (unsigned kind = 0; kind < 3; kind++) {
            struct rig r;
            make(&r, codecs[c].name, codecs[c].require, kind ? "" : "label");
            for (size_t len = 0; len <= 2000; len++) {
                uint8_t *msg = message(len, kind);
                packet_trip(&r, msg, len);
                if (len) stream_trip(&r, msg, len);
                free(msg);
            }
            rig_fini(&r);
        }
}

static void test_large(void)
{
    static const size_t packets[] = {2001, 9000, 30000, 65000},
                        streams[] = {65000, 1 << 20, (20 << 20) - 100};
    for (size_t c = 0; c < CODECS; c++) {
        struct rig r;
        make(&r, codecs[c].name, codecs[c].require, "");
        for (unsigned kind = 0; kind < 3; kind++) {
            for (size_t i = 0; i < 4; i++) {
                uint8_t *msg = message(packets[i], kind);
                packet_trip(&r, msg, packets[i]);
                free(msg);
            }
            for (size_t i = 0; i < 3; i++) {
                if (i == 2 && kind != c % 3)
                    continue; /* the largest with one kind: it takes a while */
                uint8_t *msg = message(streams[i], kind);
                stream_trip(&r, msg, streams[i]);
                free(msg);
            }
        }
        rig_fini(&r);
    }
}

/* ------------------------------------------------------------------------ changed on the way */

static int open_bytes(struct rig *r, const uint8_t *data, size_t len)
{
    struct rig_buf b = rig_buf(r, data, len);
    int rc = kith_pipeline_open_packet(r->p, &b.buf, NULL, NULL);
    rig_buf_free(&b);
    return rc;
}

static uint8_t *seal(struct rig *r, const void *msg, size_t len, size_t *n)
{
    struct rig_buf b = rig_buf(r, msg, len);
    CU_ASSERT_EQUAL(kith_pipeline_seal_packet(r->p, &b.buf, rig_peer(5)), 0);
    uint8_t *copy = memcpy(malloc(b.buf.len), b.buf.data, *n = b.buf.len);
    rig_buf_free(&b);
    return copy;
}

/* Every bit, but for what memberlist leaves open: aes_gcm's version byte, and the byte of a layer
 * nobody asks for. */
static void test_flipped_bits(void)
{
    for (size_t c = 0; c < CODECS; c++) {
        struct rig r;
        size_t n;
        if (codecs[c].rank == 0) continue;
        make(&r, codecs[c].name, codecs[c].require, "");
        uint8_t *data = seal(&r, "\x08 who goes there, and why?", 26, &n);
        bool open_first = strcmp(codecs[c].name, "aes_gcm") == 0 || !codecs[c].require;
        for (size_t bit = open_first ? 8 : 0; bit < n * 8; bit++) {
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            CU_ASSERT(open_bytes(&r, data, n) < 0);
            data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        CU_ASSERT_EQUAL(open_bytes(&r, data, n), 0);
        free(data);
        if (codecs[c].packets_only) {
            rig_fini(&r);
            continue;
        }
        struct kith_buf out = {0};
        CU_ASSERT_EQUAL(
            kith_pipeline_seal_stream(r.p, kith_bytes_of("\x08 hello", 7), false, NULL, &out), 0);
        for (size_t bit = 0; bit < out.len * 8; bit++) {
            struct rig_plain got;
            if (bit / 8 == 5 && strcmp(codecs[c].name, "aes_gcm") == 0) continue;
            out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            CU_ASSERT(rig_feed(r.p, false, kith_bytes_of(out.data, out.len), 0, &got) < 0);
            CU_ASSERT_EQUAL(got.len, 0);
            out.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            rig_plain_free(&got);
        }
        free(out.base);
        rig_fini(&r);
    }
}

static void test_truncation(void)
{
    for (size_t c = 0; c < CODECS; c++) {
        struct rig r;
        size_t n;
        make(&r, codecs[c].name, codecs[c].require, "");
        uint8_t *msg = message(700, 1), *data = seal(&r, msg, 700, &n);
        CU_ASSERT(data[0] != 8);
        for (size_t len = 0; len < n; len++) {
            int rc = open_bytes(&r, data, len);
            CU_ASSERT(rc < 0);
            if (rc == 0) printf("  %s cut to %zu of %zu opens\n", codecs[c].name, len, n);
        }
        free(data);
        struct kith_buf out = {0};
        CU_ASSERT_EQUAL(kith_pipeline_seal_stream(r.p, kith_bytes_of(msg, 700), false, NULL, &out),
                        0);
        for (size_t len = 1; len < out.len && !codecs[c].packets_only; len++) {
            struct rig_plain got;
            CU_ASSERT(rig_feed(r.p, false, kith_bytes_of(out.data, len), 0, &got) < 0);
            CU_ASSERT_EQUAL(got.len, 0);
            rig_plain_free(&got);
        }
        free(out.base);
        free(msg);
        rig_fini(&r);
    }
}

static void test_wrong_key_and_label(void)
{
    for (size_t c = 0; c < CODECS; c++) {
        struct rig a, b;
        size_t n;
        if (!codecs[c].require) continue;
        make(&a, codecs[c].name, codecs[c].require, "");
        uint8_t *data = seal(&a, "\x08 hello", 7, &n);
        rig_init(&b);
        rig_key(&b, 6, 32);
        rig_must(&b, codecs[c].name, NULL, codecs[c].require);
        CU_ASSERT_EQUAL(open_bytes(&b, data, n), -KITH_EAUTH);
        /* With the right key second it opens, and says which one it was. */
        static const uint8_t right[32] = {5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                                          16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
                                          27, 28, 29, 30, 31, 32, 33, 34, 35, 36};
        CU_ASSERT_EQUAL(kith_keyring_install(b.ring, right, 32, NULL, &b.err), 0);
        CU_ASSERT_EQUAL(open_bytes(&b, data, n), 0);
        struct kith_buf out = {0};
        struct rig_plain got;
        CU_ASSERT_EQUAL(kith_pipeline_seal_stream(a.p, kith_bytes_of("\x08 hello again", 13), false,
                                                  NULL, &out),
                        0);
        CU_ASSERT_EQUAL(rig_feed(b.p, false, kith_bytes_of(out.data, out.len), 0, &got), 0);
        CU_ASSERT(got.len == 13 && memcmp(got.data, "\x08 hello again", 13) == 0);
        rig_plain_free(&got);
        free(out.base);
        CU_ASSERT_EQUAL(kith_keyring_use(b.ring, 1, NULL, &b.err), 0);
        CU_ASSERT_EQUAL(open_bytes(&b, data, n), 0);
        CU_ASSERT_EQUAL(kith_keyring_remove(b.ring, 1, NULL, &b.err), 0);
        CU_ASSERT_EQUAL(open_bytes(&b, data, n), 0);
        b.config.chain.label = "other";
        b.config.chain.skip_inbound_label_check = true;
        rig_must(&b, codecs[c].name, NULL, codecs[c].require);
        CU_ASSERT_EQUAL(open_bytes(&b, data, n), -KITH_EAUTH);
        free(data);
        rig_fini(&a);
        rig_fini(&b);
    }
}

/* Keys are derived for each codec, so that one's messages are nothing to another. */
static void test_subkeys_differ(void)
{
    struct rig r;
    size_t n;
    make(&r, "blake2b", KITH_AUTHENTICATES, "");
    uint8_t *data = seal(&r, "\x08 hello hello hello hello hello hello hello hello", 50, &n);
    rig_must(&r, "xchacha20poly1305", "xchacha20poly1305 blake2b", 0);
    data[0] = 0x80;
    CU_ASSERT_EQUAL(open_bytes(&r, data, n), -KITH_EAUTH);
    free(data);
    rig_fini(&r);
}

/* Whatever comes after a layer's byte. */
static void test_noise(void)
{
    static const uint8_t firsts[] = {0, 1, 9, 10, 12, 0x80, 0x81, 0x88, 0x89};
    struct rig r;
    make(&r, "", 0, "");
    rig_must(&r, "", "lzw zstd lz4 crc32 blake2b aes_gcm xchacha20poly1305", 0);
    for (unsigned i = 0; i < 30000; i++) {
        uint8_t data[400];
        struct rig_plain got;
        size_t n = 1 + rig_random() % (sizeof data - 1);
        rig_fill(data, n);
        data[0] = firsts[i % sizeof firsts];
        if (data[0] == 0x88 && n > 6) memcpy(data + 1, "\x28\xB5\x2F\xFD", 4);
        int rc = open_bytes(&r, data, n);
        if (data[0] > 1 && data[0] != 0x89) CU_ASSERT(rc < 0);
        if (i % 8 == 0) {
            if (data[0] == 10 || data[0] >= 0x80)
                data[1] = data[2] = data[3] = 0, data[4] = (uint8_t)(n - 5);
            rig_feed(r.p, false, kith_bytes_of(data, n), 0, &got);
            rig_plain_free(&got);
        }
    }
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------------ chains */

static bool legal(const struct codec *a, const struct codec *b, const struct codec *c)
{
    bool aes_inside = strcmp(a->name, "aes_gcm") == 0 || strcmp(b->name, "aes_gcm") == 0;
    return a != b && b != c && a != c && a->rank <= b->rank && b->rank <= c->rank && !aes_inside;
}

static void test_chains_of_three(void)
{
    unsigned chains = 0;
    for (size_t i = 0; i < CODECS * CODECS * CODECS; i++) {
        const struct codec *a = &codecs[i % CODECS], *b = &codecs[i / CODECS % CODECS],
                           *c = &codecs[i / CODECS / CODECS];
        struct rig r;
        char chain[100];
        if (!legal(a, b, c)) continue;
        snprintf(chain, sizeof chain, "%s %s %s", a->name, b->name, c->name);
        make(&r, chain, a->require | b->require | c->require, chains % 2 ? "east" : "");
        for (size_t len = 1; len < 3000; len += 1 + len / 3)
            for (unsigned kind = 0; kind < 3; kind++) {
                uint8_t *msg = message(len, kind);
                packet_trip(&r, msg, len);
                stream_trip(&r, msg, len);
                free(msg);
            }
        rig_fini(&r);
        chains++;
    }
    CU_ASSERT_EQUAL(chains, 57);
}

/* Private layer bytes. */
static void test_private_byte_is_for_those_without_one(void)
{
    struct rig r;
    rig_init(&r);
    rig_chain(&r, "lz4:layer_byte=0xC7", NULL);
    CU_ASSERT_EQUAL(rig_build(&r), 0);
    uint8_t *msg = message(500, 2);
    size_t n;
    uint8_t *data = seal(&r, msg, 500, &n);
    CU_ASSERT_EQUAL(data[0], 0xC7);
    packet_trip(&r, msg, 500);
    stream_trip(&r, msg, 500);
    free(data);
    free(msg);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------- compressors */

static void test_min_size(void)
{
    static const char *const names[] = {"lzw", "zstd", "lz4"};
    for (size_t i = 0; i < 3; i++)
        for (size_t len = 299; len <= 300; len++) {
            struct rig r;
            char chain[64];
            size_t n;
            snprintf(chain, sizeof chain, "%s:min_size=300", names[i]);
            make(&r, chain, 0, "");
            uint8_t *msg = message(len, 2), *data = seal(&r, msg, len, &n);
            CU_ASSERT_EQUAL(data[0] == 8, len < 300);
            struct kith_buf out = {0};
            CU_ASSERT_EQUAL(
                kith_pipeline_seal_stream(r.p, kith_bytes_of(msg, len), false, NULL, &out), 0);
            CU_ASSERT_EQUAL(out.data[0] == 8, len < 300);
            free(out.base);
            free(data);
            free(msg);
            rig_fini(&r);
        }
}

static void test_bombs(void)
{
    static const char *const names[] = {"zstd", "lz4"};
    for (size_t i = 0; i < 2; i++) {
        struct rig big, small;
        make(&big, names[i], 0, "");
        make(&small, names[i], 0, "");
        uint8_t *msg = message(12 << 20, 2);
        /* Would be 30,000 : 1, and so is sent as it is; LZ4 can't do more than 255 : 1. */
        struct kith_buf out = {0};
        CU_ASSERT_EQUAL(
            kith_pipeline_seal_stream(big.p, kith_bytes_of(msg, 12 << 20), false, NULL, &out), 0);
        CU_ASSERT_EQUAL(out.data[0] == 8, i == 0);
        free(out.base);
        out = (struct kith_buf){0};
        CU_ASSERT_EQUAL(
            kith_pipeline_seal_stream(big.p, kith_bytes_of(msg, 1 << 20), false, NULL, &out), 0);
        CU_ASSERT(out.data[0] != 8);
        struct rig_plain got;
        small.config.chain.max_stream_size = 500000;
        rig_must(&small, names[i], NULL, 0);
        CU_ASSERT_EQUAL(rig_feed(small.p, false, kith_bytes_of(out.data, out.len), 0, &got),
                        -KITH_ETOOBIG);
        CU_ASSERT_EQUAL(got.len, 0);
        rig_plain_free(&got);
        /* As a packet: 1 MiB is more than a packet ever holds. The length is no part of its form.
         */
        memmove(out.data + 1, out.data + 5, out.len - 5);
        CU_ASSERT_EQUAL(open_bytes(&big, out.data, out.len - 4), -KITH_ETOOBIG);
        free(out.base);
        free(msg);
        rig_fini(&big);
        rig_fini(&small);
    }
}

/* LZW makes noise longer. What would be over max_stream_size then, goes out without it. */
static void test_noise_is_not_compressed_over_the_limit(void)
{
    static const char *const chains[] = {"lzw", "lzw aes_gcm"};
    const size_t most = (20u << 20) - 64; /* of a state: the core leaves so much for layers */
    for (size_t i = 0; i < 2; i++) {
        struct rig r;
        make(&r, chains[i], 0, "label");
        uint8_t *msg = message(most, 0);
        struct kith_buf out = {0};
        struct rig_plain got;
        CU_ASSERT_EQUAL(kith_pipeline_seal_stream(r.p, kith_bytes_of(msg, most), true, NULL, &out),
                        0);
        CU_ASSERT(out.len <= (20u << 20) + 64);
        CU_ASSERT_EQUAL(rig_feed(r.p, true, kith_bytes_of(out.data, out.len), 0, &got), 0);
        CU_ASSERT(got.len == most && memcmp(got.data, msg, most) == 0);
        rig_plain_free(&got);
        free(out.base);
        out = (struct kith_buf){0};
        CU_ASSERT_EQUAL(
            kith_pipeline_seal_stream(r.p, kith_bytes_of(msg, 1 << 20), false, NULL, &out), 0);
        CU_ASSERT(out.len > (1 << 20) * 9 / 8); /* below it stays as memberlist's */
        free(out.base);
        free(msg);
        rig_fini(&r);
    }
}

static void test_lies_about_length(void)
{
    static const char lies[][12] = {"\x89\x05\x50hello", "\x89\x07\x50hello",
                                    "\x89\x80\x00\x50hello", "\x89\xFF\xFF\xFF\xFF\x7F", "\x89"};
    struct rig r;
    make(&r, "lz4 zstd", 0, "");
    CU_ASSERT_EQUAL(open_bytes(&r,
                               (const uint8_t *)"\x89\x05\x50\x08"
                                                "ello",
                               8),
                    0);
    for (size_t i = 1; i < 5; i++)
        CU_ASSERT(
            open_bytes(&r, (const uint8_t *)lies[i], strnlen(lies[i], 12) + (i == 2 ? 6 : 0)) < 0);
    /* A frame that does not say how long its content is. */
    CU_ASSERT_EQUAL(
        open_bytes(&r, (const uint8_t *)"\x88\x28\xB5\x2F\xFD\x00\x58\x11\x00\x00\x08x", 12),
        -KITH_EMALFORMED);
    rig_fini(&r);
}

static void test_dictionary(void)
{
    enum { SAMPLES = 400, EACH = 200 };
    static uint8_t samples[SAMPLES * EACH], dictionary[8192];
    size_t sizes[SAMPLES], n, plain;
    char path[] = "/tmp/kith-dictionary-XXXXXX", chain[100];
    int fd = mkstemp(path);
    for (size_t i = 0; i < SAMPLES; i++) rig_fill_state(samples + i * EACH, sizes[i] = EACH);
    size_t len = ZDICT_trainFromBuffer(dictionary, sizeof dictionary, samples, sizes, SAMPLES);
    CU_ASSERT_FATAL(!ZDICT_isError(len) && fd >= 0 && write(fd, dictionary, len) == (ssize_t)len);
    close(fd);

    struct rig with, without;
    make(&without, "zstd", 0, "");
    snprintf(chain, sizeof chain, "zstd:dictionary=%s", path);
    make(&with, chain, 0, "");
    uint8_t *msg = message(EACH, 1);
    free(seal(&without, msg, EACH, &plain));
    uint8_t *data = seal(&with, msg, EACH, &n);
    CU_ASSERT(n < plain);
    CU_ASSERT_EQUAL(open_bytes(&with, data, n), 0);
    CU_ASSERT_EQUAL(open_bytes(&without, data, n), -KITH_EMALFORMED);
    packet_trip(&with, msg, EACH);
    stream_trip(&with, msg, EACH);
    unlink(path);
    rig_chain(&with, chain, NULL);
    strcat(chain, ",level=2");
    rig_chain(&with, chain, NULL);
    CU_ASSERT_EQUAL(rig_build(&with), -KITH_EIO); /* gone; what runs goes on */
    packet_trip(&with, msg, EACH);
    free(data);
    free(msg);
    rig_fini(&with);
    rig_fini(&without);
}

/* ---------------------------------------------------------------------------- nonces, memory */

static int by_nonce(const void *a, const void *b) { return memcmp(a, b, 24); }

static void test_nonces_differ(void)
{
    enum { N = 5000 };
    static uint8_t nonces[N][24];
    struct rig r;
    make(&r, "xchacha20poly1305", 0, "");
    for (size_t i = 0; i < N; i++) {
        size_t n;
        if (i % 500 == 0) { /* over reloads too, which make new instances */
            r.config.chain.protocol = 2 + i / 500 % 2;
            rig_must(&r, "xchacha20poly1305", NULL, 0);
        }
        uint8_t *data = seal(&r, "\x08x", 2, &n);
        memcpy(nonces[i], data + 1, 24);
        free(data);
    }
    qsort(nonces, N, 24, by_nonce);
    for (size_t i = 1; i < N; i++) CU_ASSERT(memcmp(nonces[i - 1], nonces[i], 24) != 0);
    rig_fini(&r);
}

#ifndef RIG_SANITIZED
static size_t allocations;
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *malloc(size_t n)
{
    allocations++;
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t m)
{
    allocations++;
    return __libc_calloc(n, m);
}
void *realloc(void *p, size_t n)
{
    allocations++;
    return __libc_realloc(p, n);
}

/* Law 5: nothing is allocated for a packet, once the libraries' contexts have what they need. */
static void test_no_allocation_on_packets(void)
{
    for (size_t c = 0; c < CODECS; c++) {
        struct rig r;
        static uint8_t storage[4096];
        uint8_t *msg = message(1200, 1);
        make(&r, codecs[c].name, codecs[c].require, "east");
        for (unsigned i = 0; i < 300; i++) {
            struct kith_buf b = {storage, storage + 1000, 1200, sizeof storage};
            memcpy(b.data, msg, 1200);
            if (i == 20) allocations = 0;
            CU_ASSERT_EQUAL(kith_pipeline_seal_packet(r.p, &b, rig_peer(5)), 0);
            memmove(storage + 100, b.data, b.len); /* the pipeline's scratch is only lent */
            struct kith_buf in = {storage, storage + 100, b.len, sizeof storage};
            CU_ASSERT_EQUAL(kith_pipeline_open_packet(r.p, &in, NULL, NULL), 0);
        }
        CU_ASSERT_EQUAL(allocations, 0);
        if (allocations) printf("  %s: %zu allocations\n", codecs[c].name, allocations);
        free(msg);
        rig_fini(&r);
    }
}
#define NO_ALLOCATION {"no allocation on packets", test_no_allocation_on_packets},
#else
#define NO_ALLOCATION
#endif

KITH_TESTS("codecs/matrix", {"every length", test_every_length}, {"large", test_large},
           {"flipped bits", test_flipped_bits}, {"truncation at every byte", test_truncation},
           {"wrong key and label", test_wrong_key_and_label},
           {"subkeys differ", test_subkeys_differ}, {"noise", test_noise},
           {"chains of three", test_chains_of_three},
           {"private byte", test_private_byte_is_for_those_without_one},
           {"min_size", test_min_size}, {"bombs", test_bombs},
           {"noise is not compressed over the limit", test_noise_is_not_compressed_over_the_limit},
           {"lies about length", test_lies_about_length}, {"dictionary", test_dictionary},
           {"nonces differ", test_nonces_differ}, NO_ALLOCATION)
