/*
 * test_wire_hostile.c - whatever the bytes: nothing behind them is read, and what was read can be
 * written.
 */
#include "test.h"

#include "wire_fields.h"
#include "wire_vectors.h"

/* A prefix is never an error of its own and never read behind. */
static void test_truncation_at_every_byte(void)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(vectors(), "vectors"), i, v)
    {
        struct kith_bytes bytes = unhex(json_string_value(json_object_get(v, "hex")));
        for (size_t len = 0; is_plain_message(v, bytes) && len + 1 < bytes.len; len++) {
            uint8_t *prefix = malloc(len + !len);
            struct kith_msg m;
            size_t used;
            CU_ASSERT_PTR_NOT_NULL_FATAL(prefix);
            memcpy(prefix, bytes.data + 1, len);
            CU_ASSERT_EQUAL(kith_wire_read(&m, bytes.data[0], prefix, len, &used), -KITH_EAGAIN);
            CU_ASSERT(used <= len);
            free(prefix);
        }
        drop(bytes);
    }
}

/* Whatever the bytes, what was read is inside the input and can be written again and read to the
 * same; if it is said to be exact, its bytes are what is written. */
static void check_any(enum kith_body body, const uint8_t *data, size_t len)
{
    struct kith_msg m, again;
    uint8_t storage[1024], other[1024];
    struct kith_buf buf = {storage, storage, 0, sizeof storage},
                    twice = {other, other, 0, sizeof other};
    size_t used, used_again;
    int e = kith_wire_read(&m, body, data, len, &used);
    CU_ASSERT_FATAL(used <= len);
    CU_ASSERT_FATAL(e == 0 || e == -KITH_EAGAIN || e == -KITH_EMALFORMED);
    if (e) return;
    CU_ASSERT_EQUAL_FATAL(kith_wire_write(&buf, body, &m), 0);
    if (m.exact)
        CU_ASSERT_FATAL(
            kith_bytes_equal(kith_bytes_of(data, used), kith_bytes_of(buf.data, buf.len)));
    CU_ASSERT_EQUAL_FATAL(kith_wire_read(&again, body, buf.data, buf.len, &used_again), 0);
    CU_ASSERT_EQUAL_FATAL(used_again, buf.len);
    CU_ASSERT_EQUAL_FATAL(kith_wire_write(&twice, body, &again), 0);
    CU_ASSERT_FATAL(
        kith_bytes_equal(kith_bytes_of(buf.data, buf.len), kith_bytes_of(twice.data, twice.len)));
}

static void test_every_byte_replaced(void)
{
    size_t i;
    json_t *v;
    json_array_foreach(json_object_get(vectors(), "vectors"), i, v)
    {
        struct kith_bytes bytes = unhex(json_string_value(json_object_get(v, "hex")));
        uint8_t *data = (uint8_t *)bytes.data;
        for (size_t at = 1; is_plain_message(v, bytes) && at < bytes.len; at++) {
            uint8_t was = data[at];
            for (unsigned b = 0; b < 256; b++) {
                data[at] = (uint8_t)b;
                check_any(data[0], data + 1, bytes.len - 1);
            }
            data[at] = was;
        }
        drop(bytes);
    }
}

/* Unknown values may nest as deep as they like: no recursion, no stack. */
static void test_nesting(void)
{
    enum { DEPTH = 1000000 };
    static const uint8_t head[] = {0x82, 0xa1, 'Z'}, tail[] = {0xa5, 'S', 'e', 'q', 'N', 'o', 7};
    uint8_t *data = malloc(sizeof head + DEPTH + 1 + sizeof tail);
    CU_ASSERT_PTR_NOT_NULL_FATAL(data);
    memcpy(data, head, sizeof head);
    memset(data + sizeof head, 0x91, DEPTH);
    data[sizeof head + DEPTH] = 0xc0;
    memcpy(data + sizeof head + DEPTH + 1, tail, sizeof tail);
    size_t len = sizeof head + DEPTH + 1 + sizeof tail, used;
    struct kith_msg m;
    CU_ASSERT_EQUAL(kith_wire_read(&m, KITH_BODY_NACK, data, len, &used), 0);
    CU_ASSERT_EQUAL(m.seq_no, 7);
    CU_ASSERT_EQUAL(used, len);
    CU_ASSERT_EQUAL(kith_wire_read(&m, KITH_BODY_NACK, data, DEPTH / 2, &used), -KITH_EAGAIN);
    free(data);
}

/* An unknown extension ends behind its type and its bytes. */
static void test_extensions(void)
{
    static const char *const values[] = {"c700ff", "c70205aabb", "c8000205aabb", "c90000000105aa",
                                         "d405aa", "d505aabb",   "d605aabbccdd"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char text[64];
        snprintf(text, sizeof text, "82a15a%sa55365714e6f07", values[i]);
        struct kith_bytes bytes = unhex(text);
        struct kith_msg m;
        size_t used;
        CU_ASSERT_EQUAL(kith_wire_read(&m, KITH_BODY_NACK, bytes.data, bytes.len, &used), 0);
        CU_ASSERT_EQUAL(m.seq_no, 7);
        CU_ASSERT_EQUAL(used, bytes.len);
        drop(bytes);
    }
}

/* A count or length is never believed before the bytes are there. */
static void test_huge_counts(void)
{
    static const char *const cases[] = {
        "dfffffffff", /* the struct: a map of 2^32-1 */
        "ddffffffff", /* the struct: an array of 2^32-1 */
        "deffff",
        "81a15adfffffffff", /* unknown: map, array, strings, ext */
        "81a15addffffffff",
        "81a15adbffffffff",
        "81a15ac6ffffffff",
        "81a15ac9ffffffff",
        "81a15addffffffffdfffffffffddffffffff",
        "81dbffffffff", /* a key */
        "81a55365714e6fcf",
        "81a75061796c6f6164ddffffffff", /* our own field */
        "81a75061796c6f6164c6ffffffff",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_bytes bytes = unhex(cases[i]);
        struct kith_msg m;
        size_t used;
        CU_ASSERT_EQUAL(kith_wire_read(&m, KITH_BODY_ACK, bytes.data, bytes.len, &used),
                        -KITH_EAGAIN);
        drop(bytes);
    }
}

KITH_TESTS("core/wire_hostile", {"truncation at every byte", test_truncation_at_every_byte},
           {"every byte replaced", test_every_byte_replaced}, {"nesting", test_nesting},
           {"extensions", test_extensions}, {"huge counts", test_huge_counts})
