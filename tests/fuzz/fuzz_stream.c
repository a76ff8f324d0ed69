/*
 * fuzz_stream.c - the bytes of one stream into a started core. First byte, bit 0: the peer opened it (else the node did, to
 * join); bit 1: it ends without being closed properly. Second: bytes a piece, 0 for all at once.
 */
#include "rig.h"

static uint32_t open_stream(struct rig *r, bool accepted)
{
    static const struct kith_addr from = {.port = 999, .len = 4, .bytes = {127, 0, 0, 9}};
    if (accepted) return kith_core_stream_accepted(r->core, r->now, &from);
    if (kith_core_join(r->core, r->now, &from, "") < 0) return 0;
    rig_drain(r);
    kith_core_stream_opened(r->core, r->now, r->dialled);
    rig_drain(r);
    return r->dialled;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct fuzz_input in = {data, data + len};
    struct rig r;
    rig_begin(&r);
    uint8_t how = fuzz_byte(&in);
    size_t piece = fuzz_byte(&in);
    uint32_t stream = open_stream(&r, how & 1);
    FUZZ_CHECK(stream != 0);
    while (in.p < in.end) {
        size_t n = (size_t)(in.end - in.p);
        if (piece && piece < n) n = piece;
        uint8_t *copy = malloc(n);
        if (!copy) exit(2);
        memcpy(copy, in.p, n);
        kith_core_stream_data(r.core, r.now, stream, copy, n);
        free(copy);
        in.p += n;
        rig_drain(&r);
    }
    if (how & 2) kith_core_stream_closed(r.core, r.now, stream, -KITH_EIO);
    else kith_core_stream_end(r.core, r.now, stream);
    rig_drain(&r);
    rig_pass(&r, 1000000000);
    rig_end(&r);
    return 0;
}
