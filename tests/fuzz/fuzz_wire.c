/*
 * fuzz_wire.c - the reader and writer of messages. First byte: which map; the rest: its bytes. What
 * was read must be written again and read back alike, to the very bytes if they are said to be
 * exact; a compound's parts must lie inside it.
 */
#include "fuzz.h"

#include "wire.h"

#include <string.h>

static void both_ways(enum kith_body body, const uint8_t *data, size_t len)
{
    struct kith_msg first, second;
    size_t used;
    int e = kith_wire_read(&first, body, data, len, &used);
    FUZZ_CHECK(used <= len);
    if (e) {
        FUZZ_CHECK(e == -KITH_EAGAIN || e == -KITH_EMALFORMED || e == -KITH_EINVAL);
        return;
    }
    size_t size = kith_wire_size(body, &first), used_again;
    uint8_t *storage = malloc(2 * size);
    if (!storage) exit(2);
    struct kith_buf a = {storage, storage, 0, size}, b = {storage + size, storage + size, 0, size};
    FUZZ_CHECK(kith_wire_write(&a, body, &first) == 0 && a.len == size);
    FUZZ_CHECK(!first.exact || (used == size && memcmp(a.data, data, size) == 0));
    FUZZ_CHECK(kith_wire_read(&second, body, a.data, a.len, &used_again) == 0 &&
               used_again == a.len);
    FUZZ_CHECK(kith_wire_write(&b, body, &second) == 0 && b.len == size);
    FUZZ_CHECK(memcmp(a.data, b.data, size) == 0);
    free(storage);
}

static void take_apart(const uint8_t *data, size_t len)
{
    struct kith_compound c;
    struct kith_bytes part;
    if (kith_compound_open(&c, data, len)) return;
    unsigned parts = 0;
    for (; kith_compound_next(&c, &part); parts++)
        FUZZ_CHECK(part.data >= data && part.data + part.len <= data + len);
    FUZZ_CHECK(parts + c.truncated == data[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!len) return 0;
    if (data[0] == KITH_MSG_COMPOUND)
        take_apart(data + 1, len - 1);
    else
        both_ways((enum kith_body)data[0], data + 1, len - 1);
    return 0;
}
