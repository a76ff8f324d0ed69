/* Streams: opening piece by piece, labels of one direction, words for the peer, memory. */
#include "pipeline_rig.h"
#include "test.h"
#include "vectors.h"

enum { AUTH = KITH_ENCRYPTS | KITH_AUTHENTICATES };

static struct kith_buf sealed(struct rig *r, const void *msg, size_t len, bool initiator)
{
    struct kith_buf out = {0};
    CU_ASSERT_EQUAL_FATAL(
        kith_pipeline_seal_stream(r->p, kith_bytes_of(msg, len), initiator, NULL, &out), 0);
    return out;
}

static void opens(struct rig *r, bool acceptor, struct kith_buf in, size_t chop, const void *msg,
                  size_t len)
{
    struct rig_plain got;
    CU_ASSERT_EQUAL(rig_feed(r->p, acceptor, kith_bytes_of(in.data, in.len), chop, &got), 0);
    CU_ASSERT(got.len == len && memcmp(got.data, msg, len) == 0);
    rig_plain_free(&got);
}

static void refused(struct rig *r, bool acceptor, const void *data, size_t len, int rc,
                    enum kith_refusal why, const char *text)
{
    for (size_t chop = 1; chop <= 64; chop *= 4) {
        struct rig_plain got;
        int was = rig_feed(r->p, acceptor, kith_bytes_of(data, len), chop, &got);
        CU_ASSERT_EQUAL(was, rc);
        CU_ASSERT_EQUAL(got.len, 0);
        if (text) CU_ASSERT_EQUAL(got.why, why);
        if (text) CU_ASSERT_STRING_EQUAL(got.text, text);
        rig_plain_free(&got);
    }
}

/* Large and small, in random chops, both directions, with everything that streams can have. */
static void test_chops(void)
{
    static const char *const chains[] = {"", "lzw", "aes_gcm", "lzw crc32 aes_gcm"};
    static const size_t sizes[] = {1, 100, 5000, 300000, 3 << 20};
    for (size_t c = 0; c < 4; c++) {
        struct rig r;
        rig_init(&r);
        rig_key(&r, 0, 32);
        r.config.chain.label = c % 2 ? "blah" : "";
        rig_must(&r, chains[c], NULL, c >= 2 ? AUTH : 0);
        for (size_t i = 0; i < 5; i++) {
            uint8_t *msg = malloc(sizes[i]);
            rig_fill_state(msg, sizes[i]);
            msg[0] = 6;
            struct kith_buf ask = sealed(&r, msg, sizes[i], true),
                            answer = sealed(&r, msg, sizes[i], false);
            for (unsigned n = 0; n < 5; n++) {
                opens(&r, true, ask, 0, msg, sizes[i]);
                opens(&r, false, answer, 0, msg, sizes[i]);
            }
            if (sizes[i] <= 5000) opens(&r, true, ask, 1, msg, sizes[i]);
            free(ask.base);
            free(answer.base);
            free(msg);
        }
        rig_fini(&r);
    }
}

/* Up to the limit, and not one byte more. */
static void test_largest(void)
{
    struct rig r;
    rig_init(&r);
    rig_key(&r, 0, 16);
    r.config.chain.max_stream_size = 1 << 20;
    rig_must(&r, "aes_gcm", NULL, AUTH);
    size_t most = (1 << 20) - 29;
    uint8_t *msg = calloc(1, most + 1);
    struct kith_buf out = sealed(&r, msg, most, true);
    opens(&r, true, out, 0, msg, most);
    CU_ASSERT_EQUAL(kith_pipeline_seal_stream(r.p, kith_bytes_of(msg, most + 1), true, NULL, &out),
                    -KITH_ETOOBIG);
    free(out.base);
    free(msg);
    rig_fini(&r);
}

/* PROTOCOL.md T7: the label stands in front of what an opener sends, not of a reply; but the reply
 * authenticates it. */
static void test_label_on_one_direction(void)
{
    struct rig a, b;
    rig_init(&a);
    rig_key(&a, 0, 16);
    a.config.chain.label = "east";
    rig_must(&a, "aes_gcm", NULL, AUTH);
    rig_init(&b);
    rig_key(&b, 0, 16);
    rig_must(&b, "aes_gcm", NULL, AUTH);
    struct kith_buf ask = sealed(&a, "\x08x", 2, true), reply = sealed(&a, "\x08x", 2, false);
    CU_ASSERT_EQUAL(ask.len, reply.len + 6);
    CU_ASSERT_EQUAL(reply.data[0], 10);
    opens(&a, true, ask, 3, "\x08x", 2);
    opens(&a, false, reply, 3, "\x08x", 2);
    refused(&b, false, reply.data, reply.len, -KITH_EAUTH, KITH_REFUSED_AUTH,
            "No installed keys could decrypt the message");
    refused(&a, false, ask.data, ask.len, -KITH_EPOLICY, KITH_REFUSED_POLICY,
            "Encryption is configured but remote state is not encrypted");
    refused(&a, true, reply.data, reply.len, -KITH_EPOLICY, KITH_REFUSED_LABEL, "");
    refused(&b, true, ask.data, ask.len, -KITH_EPOLICY, KITH_REFUSED_LABEL, "");
    refused(&a, true, "\xF4\x00", 2, -KITH_EMALFORMED, KITH_REFUSED_LABEL, "");
    refused(&a, true,
            "\xF4\x04"
            "easT...........",
            12, -KITH_EPOLICY, KITH_REFUSED_LABEL, "");
    /* Stripped on the way. */
    a.config.chain.skip_inbound_label_check = true;
    rig_must(&a, "aes_gcm", NULL, AUTH);
    opens(&a, true, reply, 1, "\x08x", 2);
    refused(&a, true, ask.data, ask.len, -KITH_EPOLICY, KITH_REFUSED_DOUBLE_LABEL, "");
    free(ask.base);
    free(reply.base);
    rig_fini(&a);
    rig_fini(&b);
}

/* memberlist's own words: operators and programs look for them. */
static void test_words_for_the_peer(void)
{
    struct rig plain, keyed;
    size_t n, len, small;
    uint8_t *enc = vector_bytes("pushpull_enc_v1", &n),
            *ping = vector_bytes("stream_tcp_ping", &len);
    uint8_t *packed = vector_bytes("pushpull_compressed", &small);
    rig_init(&plain);
    rig_must(&plain, "lzw crc32", NULL, 0);
    refused(&plain, true, enc, n, -KITH_EPOLICY, KITH_REFUSED_POLICY,
            "Remote state is encrypted and encryption is not configured");
    packed[small - 1] = packed[small - 2] = packed[small - 3] = 0;
    refused(&plain, true, packed, small, -KITH_EMALFORMED, KITH_REFUSED_MALFORMED,
            "Failed to decompress payload");
    rig_init(&keyed);
    rig_key(&keyed, 50, 16);
    rig_must(&keyed, "lzw crc32 aes_gcm", NULL, AUTH);
    refused(&keyed, true, enc, n, -KITH_EAUTH, KITH_REFUSED_AUTH,
            "No installed keys could decrypt the message");
    refused(&keyed, true, ping, len, -KITH_EPOLICY, KITH_REFUSED_POLICY,
            "Encryption is configured but remote state is not encrypted");
    refused(&keyed, true, packed, small, -KITH_EPOLICY, KITH_REFUSED_POLICY,
            "Encryption is configured but remote state is not encrypted");
    refused(&keyed, true, "\x0A\x01\x40\x00\x01zzzzzz", 11, -KITH_ETOOBIG, KITH_REFUSED_TOO_BIG,
            "Remote node state is larger than limit (20971520)");
    refused(&plain, true, "\x0C\x01\x40\x00\x01zzzzzz", 11, -KITH_EPOLICY, KITH_REFUSED_POLICY,
            "Remote state has a layer that is not configured");
    free(enc);
    free(ping);
    free(packed);
    rig_fini(&plain);
    rig_fini(&keyed);
}

static void test_truncation(void)
{
    struct rig r;
    rig_init(&r);
    rig_key(&r, 0, 16);
    r.config.chain.label = "x";
    rig_must(&r, "lzw aes_gcm", NULL, AUTH);
    struct kith_buf out = sealed(&r, "\x08hello", 6, true);
    for (size_t len = 1; len < out.len; len++) {
        struct rig_plain got;
        int rc = rig_feed(r.p, true, kith_bytes_of(out.data, len), 0, &got);
        CU_ASSERT_EQUAL(
            rc, len == 3 ? 0 : -KITH_EMALFORMED); /* a label and nothing: no message was begun */
        CU_ASSERT_EQUAL(got.len, 0);
        rig_plain_free(&got);
    }
    free(out.base);
    rig_fini(&r);
}

/* Messages one after the other; policy holds for each. */
static void test_several_messages(void)
{
    struct rig r;
    struct rig_plain got;
    rig_init(&r);
    rig_key(&r, 0, 16);
    rig_must(&r, "aes_gcm", "lzw aes_gcm", AUTH);
    struct kith_buf one = sealed(&r, "\x08one", 4, false), two = sealed(&r, "\x08two", 4, false);
    uint8_t *both = malloc(one.len + two.len + 2);
    memcpy(both, one.data, one.len);
    memcpy(both + one.len, two.data, two.len);
    memcpy(both + one.len + two.len, "\x08x", 2);
    CU_ASSERT_EQUAL(rig_feed(r.p, true, kith_bytes_of(both, one.len + two.len), 7, &got), 0);
    CU_ASSERT(got.len == 8 && memcmp(got.data, "\x08one\x08two", 8) == 0);
    rig_plain_free(&got);
    CU_ASSERT_EQUAL(rig_feed(r.p, true, kith_bytes_of(both, one.len + two.len + 2), 7, &got),
                    -KITH_EPOLICY);
    CU_ASSERT_EQUAL(got.len, 8);
    rig_plain_free(&got);
    free(both);
    free(one.base);
    free(two.base);
    rig_fini(&r);
}

/* A stream ends with the chain it began with, but has to meet what is required meanwhile. */
static void ignore(void *arg, const uint8_t *data, size_t len) { *(size_t *)arg += len; }

static void test_reload_in_the_middle(void)
{
    struct rig r;
    rig_init(&r);
    rig_key(&r, 0, 16);
    rig_must(&r, "lzw", NULL, 0);
    struct kith_buf out = sealed(&r, "\x08hello", 6, true);
    struct kith_inflow *f = kith_inflow_new(r.p, true), *g = kith_inflow_new(r.p, true);
    size_t got = 0;
    CU_ASSERT_EQUAL(kith_inflow_feed(f, NULL, out.data, 5, ignore, &got, NULL, NULL), 0);
    CU_ASSERT_EQUAL(kith_inflow_feed(g, NULL, out.data, 5, ignore, &got, NULL, NULL), 0);
    rig_must(&r, "aes_gcm", NULL, AUTH);
    kith_inflow_require(g, AUTH);
    CU_ASSERT_EQUAL(kith_inflow_feed(f, NULL, out.data + 5, out.len - 5, ignore, &got, NULL, NULL),
                    0);
    CU_ASSERT_EQUAL(got, 6);
    CU_ASSERT_EQUAL(kith_inflow_feed(g, NULL, out.data + 5, out.len - 5, ignore, &got, NULL, NULL),
                    -KITH_EPOLICY);
    CU_ASSERT_EQUAL(kith_inflow_feed(g, NULL, out.data, 1, ignore, &got, NULL, NULL),
                    -KITH_EPOLICY); /* for good */
    CU_ASSERT_EQUAL(kith_inflow_end(g), -KITH_EPOLICY);
    CU_ASSERT_EQUAL(got, 6);
    kith_inflow_free(f);
    kith_inflow_free(g);
    rig_must(&r, "lzw", NULL, 0); /* plaintext, partly handed on already */
    f = kith_inflow_new(r.p, true);
    got = 0;
    CU_ASSERT_EQUAL(
        kith_inflow_feed(f, NULL, (const uint8_t *)"\x08hel", 4, ignore, &got, NULL, NULL), 0);
    CU_ASSERT_EQUAL(got, 4);
    kith_inflow_require(f, AUTH);
    CU_ASSERT_EQUAL(kith_inflow_feed(f, NULL, (const uint8_t *)"lo", 2, ignore, &got, NULL, NULL),
                    -KITH_EPOLICY);
    CU_ASSERT_EQUAL(got, 4);
    kith_inflow_free(f);
    free(out.base);
    rig_fini(&r);
}

/* All inflows share one limit; a length alone takes nothing. */
static void test_memory_is_shared(void)
{
    enum { N = 64 };
    struct rig r;
    rig_init(&r);
    rig_key(&r, 0, 16);
    r.config.chain.max_stream_memory = 1 << 20;
    rig_must(&r, "aes_gcm", NULL, 0);
    struct kith_inflow *f[N];
    static uint8_t data[60000] = {0x0A, 0x01, 0x00, 0x00, 0x00}; /* says 16 MiB */
    size_t got = 0, held = 0, refused_ = 0;
    enum kith_refusal why;
    char text[KITH_INFLOW_TEXT];
    for (size_t i = 0; i < N; i++) {
        f[i] = kith_inflow_new(r.p, true);
        CU_ASSERT_EQUAL(kith_inflow_feed(f[i], NULL, data, 5, ignore, &got, &why, text), 0);
    }
    for (size_t i = 0; i < N; i++) {
        int rc = kith_inflow_feed(f[i], NULL, data + 5, sizeof data - 5, ignore, &got, &why, text);
        if (rc == 0) {
            held++;
            continue;
        }
        CU_ASSERT_EQUAL(rc, -KITH_ENOMEM);
        CU_ASSERT_EQUAL(why, KITH_REFUSED_MEMORY);
        CU_ASSERT_STRING_EQUAL(text, "");
        refused_++;
    }
    CU_ASSERT(held >= 8 && held <= 17);
    CU_ASSERT_EQUAL(kith_pipeline_refused(r.p, KITH_REFUSED_MEMORY), refused_);
    for (size_t i = 0; i < N; i++) kith_inflow_free(f[i]);
    /* All of it came back. */
    data[0] = 8;
    struct kith_buf out = sealed(&r, data, sizeof data, true);
    for (unsigned i = 0; i < 50; i++) opens(&r, true, out, 0, data, sizeof data);
    free(out.base);
    CU_ASSERT_EQUAL(kith_pipeline_refused(r.p, KITH_REFUSED_MEMORY), refused_);
    rig_fini(&r);
}

/* A length that says nearly 4 GiB is larger than any limit: also where size_t has 32 bits, and its
 * sum with the bytes in front of it would be small again. */
static void test_lengths_that_could_wrap(void)
{
    static const uint8_t buf[] = "\x09\x82\xA4"
                                 "Algo"
                                 "\x00\xA3"
                                 "Buf";
    struct rig r;
    char text[] = "Remote node state is larger than limit (20971520)";
    rig_init(&r);
    rig_key(&r, 0, 16);
    rig_must(&r, "lzw aes_gcm", NULL, 0);
    for (unsigned last = 0xF0; last <= 0xFF; last++) {
        uint8_t data[64] = {0x0A, 0xFF, 0xFF, 0xFF, (uint8_t)last};
        refused(&r, true, data, sizeof data, -KITH_ETOOBIG, KITH_REFUSED_TOO_BIG, text);
        for (unsigned kind = 0xC6; kind <= 0xDB; kind += 0xDB - 0xC6) { /* bin32, raw32 */
            memcpy(data, buf, sizeof buf - 1);
            uint8_t *len = data + sizeof buf - 1;
            memcpy(len, (const uint8_t[]){(uint8_t)kind, 0xFF, 0xFF, 0xFF, (uint8_t)last}, 5);
            refused(&r, true, data, sizeof data, -KITH_ETOOBIG, KITH_REFUSED_TOO_BIG, text);
        }
    }
    rig_fini(&r);
}

/* What inflates too much is refused before anything is written, and nobody of ours sends such. */
static void test_bombs(void)
{
    struct rig r, small;
    rig_init(&r);
    rig_must(&r, "lzw", NULL, 0);
    size_t big = 16 << 20;
    uint8_t *msg = calloc(1, big);
    msg[0] = 8;
    struct kith_buf out = sealed(&r, msg, big, false); /* would be 1300 : 1 */
    CU_ASSERT_EQUAL(out.data[0], 8);
    opens(&r, false, out, 0, msg, big);
    free(out.base);
    out = sealed(&r, msg, 1 << 20, false); /* small enough for any ratio */
    CU_ASSERT_EQUAL(out.data[0], 9);
    opens(&r, false, out, 0, msg, 1 << 20);
    free(out.base);

    big = 3 << 20; /* less than that, but more than the receiver takes */
    rig_fill_state(msg, 4096);
    for (size_t at = 4096; at < big; at += 4096) memcpy(msg + at, msg, 4096);
    msg[0] = 8;
    out = sealed(&r, msg, big, false);
    CU_ASSERT_EQUAL(out.data[0], 9);
    CU_ASSERT(out.len < 1 << 20);
    opens(&r, false, out, 0, msg, big);
    rig_init(&small);
    small.config.chain.max_stream_size = 1 << 20;
    rig_must(&small, "lzw", NULL, 0);
    refused(&small, false, out.data, out.len, -KITH_ETOOBIG, KITH_REFUSED_TOO_BIG,
            "Remote node state is larger than limit (1048576)");
    free(out.base);
    free(msg);
    rig_fini(&small);
    rig_fini(&r);
}

static void test_nesting(void)
{
    struct rig r;
    uint8_t msg[1000] = {8, 'x'};
    size_t len = 2;
    rig_init(&r);
    rig_must(&r, "lzw", NULL, 0);
    for (unsigned layers = 1; layers <= 9; layers++) {
        struct kith_buf out = sealed(&r, msg, len, false);
        if (layers <= 8)
            opens(&r, false, out, 0, "\x08x", 2);
        else
            refused(&r, false, out.data, out.len, -KITH_EMALFORMED, KITH_REFUSED_LAYERS,
                    "Failed to decompress payload");
        CU_ASSERT_FATAL(out.len <= sizeof msg);
        memcpy(msg, out.data, len = out.len);
        free(out.base);
    }
    rig_fini(&r);
}

/* Looking at a reply with `kith dissect --reply --label`. */
static size_t layers_seen;
static void count_layers(void *arg, const struct kith_layer *l)
{
    CU_ASSERT_EQUAL(l->status, 0);
    if (layers_seen == 0) CU_ASSERT_STRING_EQUAL(l->name, "label");
    if (layers_seen == 1)
        CU_ASSERT(strcmp(l->name, "aes_gcm") == 0 && l->offset == 6 && l->key == 0 &&
                  l->version == 1);
    if (layers_seen == 2) CU_ASSERT(strcmp(l->name, "lzw") == 0 && l->out == 6);
    layers_seen++;
}

static int odd_rc;
static size_t odd_need;
static int odd_extent(const void *self, const uint8_t *data, size_t len, size_t *need)
{
    *need = odd_need;
    return odd_rc;
}
static void odd_room(const void *self, struct kith_room *room) {}
static int odd_layer(void *self, struct kith_buf *b, struct kith_frame *f) { return -KITH_EIO; }
static const struct kith_codec_ops odd_ops = {
    .size = sizeof odd_ops,
    .provides = KITH_COMPRESSES,
    .packet = {.framing = KITH_NONE},
    .stream = {.framing = KITH_OWN, .first = 0x91, .last = 0x91},
    .room = odd_room,
    .seal = odd_layer,
    .open = odd_layer,
    .extent = odd_extent,
};
static const struct kith_plugin odd = {KITH_HEADER(CODEC), .name = "odd", .instance_size = 1,
                                       .ops = &odd_ops};

/* A codec that contradicts itself about the end of a layer ends the stream: it neither spins nor
 * reads what is not there. */
static void test_odd_extents(void)
{
    static const struct {
        int rc;
        size_t need;
        enum kith_refusal why;
    } cases[] = {{0, 0, KITH_REFUSED_BREACH},  {0, 1, KITH_REFUSED_BREACH},
                 {1, 2, KITH_REFUSED_BREACH},  {2, 1, KITH_REFUSED_BREACH},
                 {7, 50, KITH_REFUSED_BREACH}, {-KITH_EINVAL, 1, KITH_REFUSED_MALFORMED}};
    struct rig r;
    rig_init(&r);
    r.config.chain.accept.count = 1;
    r.accept[0] = (struct kith_entry){.use = "odd", .kind = KITH_CODEC, .plugin = &odd};
    CU_ASSERT_EQUAL_FATAL(rig_build(&r), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig_plain got;
        odd_rc = cases[i].rc;
        odd_need = cases[i].need;
        CU_ASSERT(rig_feed(r.p, false, kith_bytes_of("\x91 some bytes", 12), 12, &got) < 0);
        CU_ASSERT_EQUAL(got.why, cases[i].why);
        CU_ASSERT_EQUAL(got.len, 0);
        rig_plain_free(&got);
    }
    rig_fini(&r);
}

static void test_decoder(void)
{
    struct rig r, d;
    rig_init(&r);
    rig_key(&r, 0, 16);
    r.config.chain.label = "east";
    rig_must(&r, "lzw aes_gcm", NULL, AUTH);
    struct kith_buf ask = sealed(&r, "\x08hello", 6, true),
                    reply = sealed(&r, "\x08hello", 6, false);
    rig_init(&d);
    rig_key(&d, 0, 16);
    d.config.chain.label = "east";
    rig_must(&d, "", "lzw crc32 aes_gcm", 0);
    kith_pipeline_trace(d.p, count_layers, NULL);
    opens(&d, true, ask, 0, "\x08hello", 6);
    CU_ASSERT_EQUAL(layers_seen, 3);
    kith_pipeline_trace(d.p, NULL, NULL);
    opens(&d, false, reply, 0, "\x08hello", 6);
    free(ask.base);
    free(reply.base);
    rig_fini(&r);
    rig_fini(&d);
}

KITH_TESTS("plugins/inflow", {"chops", test_chops}, {"largest", test_largest},
           {"the label goes one way, its bytes authenticate both", test_label_on_one_direction},
           {"words for the peer", test_words_for_the_peer},
           {"truncation at every byte", test_truncation},
           {"several messages", test_several_messages},
           {"reload in the middle", test_reload_in_the_middle},
           {"memory is shared", test_memory_is_shared},
           {"lengths that could wrap", test_lengths_that_could_wrap}, {"bombs", test_bombs},
           {"nesting", test_nesting}, {"odd extents", test_odd_extents},
           {"decoder", test_decoder}, )
