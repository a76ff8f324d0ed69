/*
 * fuzz_packet.c - datagrams into a started node: through the pipeline (lzw, crc32, aes_gcm; nothing
 * required) into the core. The input is records: a byte of time to pass (each 50 ms), a length of
 * two bytes, a packet.
 */
#include "pipeline_rig.h"
#include "victim.h"

enum { RECORDS_MAX = 300 };

static struct rig rig;

static void datagram(struct victim *v, const uint8_t *data, size_t len)
{
    struct rig_buf b = rig_buf(&rig, data, len);
    enum kith_refusal why = KITH_REFUSED_COUNT;
    int e = kith_pipeline_open_packet(rig.p, &b.buf, NULL, &why);
    FUZZ_CHECK(e == 0 || why < KITH_REFUSED_COUNT);
    if (!e) victim_packet(v, b.buf.data, b.buf.len);
    rig_buf_free(&b);
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
    for (int i = 0; i < RECORDS_MAX && in.p < in.end; i++) {
        const uint8_t *packet;
        uint64_t pause = fuzz_byte(&in) * UINT64_C(50000000);
        size_t n = fuzz_bytes(&in, &packet);
        if (pause) victim_pass(&v, pause);
        datagram(&v, packet, n);
    }
    victim_pass(&v, 1000000000);
    victim_end(&v);
    return 0;
}
