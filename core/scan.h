/*
 * scan.h - where a msgpack value ends, in bytes that come in pieces. Each byte is looked at once,
 * and a length on the wire costs nothing before its bytes are there. Knows no message.
 */
#ifndef KITH_SCAN_H
#define KITH_SCAN_H

#include <kith/plugin.h>

struct kith_scan {
    size_t at;       /* everything before is whole values, or a part of the current one */
    uint64_t skip;   /* bytes of the current value still to come */
    uint64_t values; /* values still to come until the one that was begun is whole */
};

/* The next value begins at scan->at. */
void kith_scan_begin(struct kith_scan *);
/* Go on over data (from its first byte, len in all) until the value has ended: 1, at is behind it.
 * 0: more bytes are needed. -KITH_EMALFORMED; -KITH_ETOOBIG: it announces more than limit. */
int kith_scan_value(struct kith_scan *, const uint8_t *data, size_t len, uint64_t limit);

#endif
