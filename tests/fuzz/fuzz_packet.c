/*
 * fuzz_packet.c - packets into a started core. The input is records: a byte of time to pass (each 50 ms), a length of two
 * bytes, a packet.
 */
#include "rig.h"

enum { RECORDS_MAX = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct fuzz_input in = {data, data + len};
    struct rig r;
    rig_begin(&r);
    for (int i = 0; i < RECORDS_MAX && in.p < in.end; i++) {
        const uint8_t *packet;
        uint64_t pause = fuzz_byte(&in) * UINT64_C(50000000);
        size_t n = fuzz_bytes(&in, &packet);
        if (pause) rig_pass(&r, pause);
        rig_packet(&r, packet, n);
    }
    rig_pass(&r, 1000000000);
    rig_end(&r);
    return 0;
}
