/*
 * compound.c - take a compound packet apart (PROTOCOL.md 1.5). Knows nothing of what the parts are.
 */
#include "wire.h"

int kith_compound_open(struct kith_compound *c, const uint8_t *data, size_t len)
{
    memset(c, 0, sizeof *c);
    if (len < 1 || len - 1 < 2 * (size_t)data[0]) return -KITH_EMALFORMED;
    c->count = data[0];
    c->lengths = data + 1;
    c->part = c->lengths + 2 * (size_t)c->count;
    c->end = data + len;
    return 0;
}

bool kith_compound_next(struct kith_compound *c, struct kith_bytes *part)
{
    if (c->next == c->count) return false;
    const uint8_t *two = c->lengths + 2 * (size_t)c->next;
    size_t len = (size_t)two[0] << 8 | two[1];
    if ((size_t)(c->end - c->part) < len) {
        /* All after a part that is cut off count as cut off, even empty ones. */
        c->truncated = c->count - c->next;
        c->next = c->count;
        return false;
    }
    *part = kith_bytes_of(c->part, len);
    c->part += len;
    c->next++;
    return true;
}
