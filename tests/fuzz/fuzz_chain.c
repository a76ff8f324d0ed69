/*
 * fuzz_chain.c - chains of up to 8 codecs in any order, also twice the same. The first four bytes
 * are the chain, a half byte each; the fifth chooses plane, label and who opened the stream; the
 * sixth and seventh damage one byte of what was sealed; the rest is the message.
 *
 * What was sealed is opened again by somebody who accepts all there is, as it was. Damaged, it is
 * refused or opened; but when something in the chain authenticates, and that is required, nothing
 * that was not sealed is ever opened.
 */
#include "pipeline_parts.h"
#include "pipeline_rig.h"

#include "fuzz.h"

enum { STREAM = 1, ACCEPTOR = 2, LABEL = 4, MESSAGE_MAX = 3000 };

static const struct {
    const char *name;
    uint32_t provides;
} codecs[] = {
    {"lzw", 0},
    {"zstd:min_size=0", 0},
    {"lz4:min_size=0", 0},
    {"crc32", KITH_CHECKS},
    {"blake2b", KITH_CHECKS | KITH_AUTHENTICATES},
    {"aes_gcm", KITH_CHECKS | KITH_AUTHENTICATES | KITH_ENCRYPTS},
    {"xchacha20poly1305", KITH_CHECKS | KITH_AUTHENTICATES | KITH_ENCRYPTS},
};
enum { AES_GCM = 5, CODECS = sizeof codecs / sizeof *codecs };

/* It accepts all that it may be told to send, so that another chain has the same codecs: to make
 * them takes longer than to use them. */
struct sealer {
    struct rig rig;
    char send[200];
};
static struct sealer sealers[2]; /* by label */
static char all[200];
static struct rig openers[2][2]; /* by what is required, label */

static void prepare(struct rig *r, uint32_t require, bool label)
{
    rig_init(r);
    rig_key(r, 1, 16);
    rig_key(r, 99, 32);
    r->config.chain.max_stream_size = 1 << 20;
    r->config.chain.max_stream_memory = 8 << 20;
    if (label) r->config.chain.label = "east";
    rig_must(r, "", all, require);
}

static void prepare_all(void)
{
    for (size_t i = 0, len = 0; i < CODECS; i++)
        len +=
            (size_t)snprintf(all + len, sizeof all - len, "%s%s", len ? " " : "", codecs[i].name);
    for (int label = 0; label < 2; label++) {
        prepare(&sealers[label].rig, 0, label);
        prepare(&openers[0][label], 0, label);
        prepare(&openers[1][label], KITH_AUTHENTICATES, label);
    }
}

static struct rig *sealer_for(const char *send, bool label)
{
    struct sealer *s = &sealers[label];
    if (strcmp(s->send, send)) rig_must(&s->rig, send, all, 0);
    snprintf(s->send, sizeof s->send, "%s", send);
    return &s->rig;
}

/* What was read of a chain. */
struct chain {
    char send[200];
    bool authentic;
    bool packed; /* outside of what authenticates: refused when that is required */
};

static void append(struct chain *c, unsigned which)
{
    size_t len = strlen(c->send);
    snprintf(c->send + len, sizeof c->send - len, "%s%s", len ? " " : "", codecs[which].name);
    bool authenticates = codecs[which].provides & KITH_AUTHENTICATES;
    c->authentic |= authenticates;
    c->packed = !authenticates && (c->packed || !codecs[which].provides);
}

/* A half byte of 7 or more is no codec. aes_gcm goes last, once: nothing else can be made. */
static void read_chain(struct fuzz_input *in, struct chain *c)
{
    bool aes = false;
    *c = (struct chain){.authentic = false};
    for (int i = 0, both = 0; i < KITH_LAYERS_MAX; i++) {
        both = i % 2 ? both >> 4 : fuzz_byte(in);
        unsigned which = both & 15;
        if (which == AES_GCM)
            aes = true;
        else if (which < CODECS)
            append(c, which);
    }
    if (aes) append(c, AES_GCM);
}

/* What peels one layer more than was put on is none of ours. */
static bool comes_back(const uint8_t *data, size_t len)
{
    return len && data[0] > 1 && data[0] != KITH_LABEL_BYTE && !kith_is_layer(data[0]);
}

struct damage {
    size_t at;
    uint8_t flip; /* 0: none */
};

static void harm(const struct damage *d, uint8_t *data, size_t len)
{
    if (len) data[d->at % len] ^= d->flip;
}

static void check_opened(const struct damage *d, const struct chain *c, int rc,
                         struct kith_bytes sent, struct kith_bytes got)
{
    bool equal = got.len == sent.len && !memcmp(got.data, sent.data, sent.len);
    if (!comes_back(sent.data, sent.len)) return;
    if (!d->flip && !(c->authentic && c->packed)) FUZZ_CHECK(rc == 0 && equal);
    if (rc == 0 && c->authentic) FUZZ_CHECK(equal);
}

static void packet(struct rig *opener, struct rig *sealer, struct kith_bytes sent,
                   const struct damage *d, const struct chain *c)
{
    struct rig_buf b = rig_buf(sealer, sent.data, sent.len);
    size_t room = kith_pipeline_room(sealer->p).head + kith_pipeline_room(sealer->p).tail;
    if (sent.len && kith_pipeline_seal_packet(sealer->p, &b.buf, rig_peer(5)) == 0) {
        FUZZ_CHECK(b.buf.len <= sent.len + room);
        struct rig_buf in = rig_buf(opener, b.buf.data, b.buf.len);
        enum kith_refusal why = KITH_REFUSED_COUNT;
        harm(d, in.buf.data, in.buf.len);
        int rc = kith_pipeline_open_packet(opener->p, &in.buf, NULL, &why);
        FUZZ_CHECK(rc == 0 || (rc < 0 && why < KITH_REFUSED_COUNT));
        check_opened(d, c, rc, sent, kith_bytes_of(in.buf.data, in.buf.len));
        rig_buf_free(&in);
    }
    rig_buf_free(&b);
}

static void stream(struct rig *opener, struct rig *sealer, bool acceptor, struct kith_bytes sent,
                   const struct damage *d, const struct chain *c)
{
    struct kith_buf out = {0};
    struct rig_plain got;
    if (!sent.len || kith_pipeline_seal_stream(sealer->p, sent, acceptor, NULL, &out)) {
        free(out.base);
        return;
    }
    harm(d, out.data, out.len);
    int rc = rig_feed(opener->p, acceptor, kith_bytes_of(out.data, out.len), 100, &got);
    FUZZ_CHECK(rc <= 0);
    check_opened(d, c, rc, sent, kith_bytes_of(got.data, got.len));
    FUZZ_CHECK(opener->p->shared->memory->held == 0);
    rig_plain_free(&got);
    free(out.base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct fuzz_input in = {data, data + len};
    struct chain c;
    if (!openers[0][0].p) prepare_all();
    fake.scratch_lasts = len % 16; /* else it is filled: that takes longer than all the rest */
    read_chain(&in, &c);
    uint8_t how = fuzz_byte(&in);
    struct damage d = {fuzz_byte(&in), fuzz_byte(&in)};
    size_t n = (size_t)(in.end - in.p);
    struct kith_bytes sent = kith_bytes_of(in.p, n < MESSAGE_MAX ? n : MESSAGE_MAX);
    bool label = how & LABEL;
    struct rig *sealer = sealer_for(c.send, label), *opener = &openers[c.authentic][label];
    if (how & STREAM)
        stream(opener, sealer, how & ACCEPTOR, sent, &d, &c);
    else
        packet(opener, sealer, sent, &d, &c);
    return 0;
}
