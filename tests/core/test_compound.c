/*
 * test_compound.c - several messages in one packet: what decoders take, and how many there may be.
 */
#include "test.h"

#include "vectors.h"
#include "wire.h"

static void count_parts(struct kith_bytes bytes, unsigned *parts, unsigned *truncated, int *error)
{
    struct kith_compound c;
    struct kith_bytes part;
    *parts = 0;
    *error = kith_compound_open(&c, bytes.data, bytes.len);
    while (*error == 0 && kith_compound_next(&c, &part)) ++*parts;
    *truncated = c.truncated;
}

static void test_compound_tolerance(void)
{
    size_t i, done = 0;
    json_t *c;
    unsigned parts, truncated;
    int error;
    json_array_foreach(
        json_object_get(json_object_get(vectors(), "compound_decode_tolerance"), "cases"), i, c)
    {
        const char *hex = json_string_value(json_object_get(c, "hex"));
        if (strstr(hex, "...")) continue;
        json_t *results = json_object_get(c, "results"),
               *newest = json_array_get(results, json_array_size(results) - 1);
        struct kith_bytes bytes = unhex(hex);
        count_parts(bytes, &parts, &truncated, &error);
        CU_ASSERT_EQUAL(error, json_object_get(newest, "error") ? -KITH_EMALFORMED : 0);
        CU_ASSERT_EQUAL(parts, json_integer_value(json_object_get(newest, "parts")));
        CU_ASSERT_EQUAL(truncated, json_integer_value(json_object_get(newest, "trunc")));
        drop(bytes);
        done++;
    }
    CU_ASSERT_EQUAL(done, 7);
}

/* PROTOCOL.md T5: more than 127 parts, which old libraries can't count. */
static void test_compound_of_many_parts(void)
{
    for (unsigned n = 126; n < 256; n++) {
        uint8_t data[1 + 255 * 4];
        struct kith_compound c;
        struct kith_bytes part;
        unsigned i = 0;
        data[0] = (uint8_t)n;
        for (unsigned k = 0; k < n; k++) {
            memcpy(data + 1 + 2 * k, "\0\2", 2);
            data[1 + 2 * n + 2 * k] = (uint8_t)k;
            data[2 + 2 * n + 2 * k] = (uint8_t)~k;
        }
        CU_ASSERT_EQUAL(kith_compound_open(&c, data, 1 + 4 * (size_t)n), 0);
        for (; kith_compound_next(&c, &part); i++)
            CU_ASSERT(part.len == 2 && part.data[0] == i && part.data[1] == (uint8_t)~i);
        CU_ASSERT_EQUAL(i, n);
        CU_ASSERT_EQUAL(c.truncated, 0);
        CU_ASSERT_EQUAL(kith_compound_open(&c, data, 3 + 2 * (size_t)n), 0);
        CU_ASSERT(kith_compound_next(&c, &part));
        CU_ASSERT_FALSE(kith_compound_next(&c, &part));
        CU_ASSERT_EQUAL(c.truncated, n - 1);
    }
}

static void test_compound_vector(void)
{
    struct kith_bytes bytes = vector("compound_2"), ping = vector("ping"),
                      suspect = vector("suspect"), part;
    struct kith_compound c;
    CU_ASSERT_EQUAL(kith_compound_open(&c, bytes.data + 1, bytes.len - 1), 0);
    CU_ASSERT(kith_compound_next(&c, &part) && kith_bytes_equal(part, ping));
    CU_ASSERT(kith_compound_next(&c, &part) && kith_bytes_equal(part, suspect));
    CU_ASSERT_FALSE(kith_compound_next(&c, &part));
    drop(bytes);
    drop(ping);
    drop(suspect);
}

KITH_TESTS("core/compound", {"compound: what decoders take", test_compound_tolerance},
           {"compound of many parts", test_compound_of_many_parts},
           {"compound both ways", test_compound_vector})
