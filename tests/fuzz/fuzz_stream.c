/*
 * fuzz_stream.c - the bytes of one stream into a started node: through an inflow of the pipeline
 * (lzw, crc32, aes_gcm; nothing required) into the core. First byte, bit 0: the peer opened it
 * (else the node did, to join); bit 1: it breaks instead of ending. Second: bytes a piece, 0 for
 * all at once.
 */
#include "pipeline_rig.h"
#include "victim.h"

static struct rig rig;

struct feeding {
    struct victim *v;
    uint32_t stream;
};

static void plain(void *arg, const uint8_t *data, size_t len)
{
    struct feeding *f = arg;
    uint8_t *copy = malloc(len + !len);
    if (!copy) exit(2);
    if (len) memcpy(copy, data, len);
    kith_core_stream_data(f->v->core, f->v->now, f->stream, copy, len);
    free(copy);
    victim_drain(f->v);
}

static uint32_t open_stream(struct victim *v, bool accepted)
{
    static const struct kith_addr from = {.port = 999, .len = 4, .bytes = {127, 0, 0, 9}};
    static const struct kith_peer peer = {.size = sizeof peer, .addr = &from};
    if (accepted) return kith_core_stream_accepted(v->core, v->now, &peer);
    if (kith_core_join(v->core, v->now, &peer) < 0) return 0;
    victim_drain(v);
    kith_core_stream_opened(v->core, v->now, v->dialled, &peer);
    victim_drain(v);
    return v->dialled;
}

/* 0, or what the inflow said. */
static int feed(struct feeding *to, struct kith_inflow *inflow, struct fuzz_input *in, size_t piece)
{
    while (in->p < in->end) {
        char text[KITH_INFLOW_TEXT];
        enum kith_refusal why;
        size_t n = (size_t)(in->end - in->p);
        if (piece && piece < n) n = piece;
        int e = kith_inflow_feed(inflow, NULL, in->p, n, plain, to, &why, text);
        if (e) {
            kith_core_stream_error(to->v->core, to->v->now, to->stream, e, text);
            return e;
        }
        in->p += n;
    }
    return kith_inflow_end(inflow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct fuzz_input in = {data, data + len};
    struct victim v;
    if (!rig.p) {
        rig_init(&rig);
        rig_key(&rig, 0, 16); /* of the vectors */
        rig_must(&rig, "lzw crc32", "lzw crc32 aes_gcm", 0);
    }
    fake.scratch_lasts = len % 16; /* else it is filled: that takes longer than all the rest */
    victim_begin(&v);
    uint8_t how = fuzz_byte(&in);
    size_t piece = fuzz_byte(&in);
    struct feeding to = {&v, open_stream(&v, how & 1)};
    FUZZ_CHECK(to.stream != 0);
    struct kith_inflow *inflow = kith_inflow_new(rig.p, how & 1);
    if (!inflow) exit(2);
    int e = feed(&to, inflow, &in, piece);
    victim_drain(&v);
    if (how & 2)
        kith_core_stream_closed(v.core, v.now, to.stream, -KITH_EIO);
    else if (!e)
        kith_core_stream_end(v.core, v.now, to.stream);
    kith_inflow_free(inflow);
    victim_drain(&v);
    victim_pass(&v, 1000000000);
    victim_end(&v);
    return 0;
}
