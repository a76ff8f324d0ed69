/*
 * test_shown.c - others' bytes as text and back (<kith/shown.h>), and Serf's tags read from a meta
 * that anybody made.
 */
#include "config.h"
#include "test.h"

#include <kith/shown.h>

static void shows(const char *bytes, size_t len, const char *wanted)
{
    char out[200];
    uint8_t back[200];
    CU_ASSERT_EQUAL(kith_show(out, sizeof out, kith_bytes_of(bytes, len)), strlen(wanted));
    CU_ASSERT_STRING_EQUAL(out, wanted);
    CU_ASSERT_EQUAL_FATAL(kith_unshow(back, kith_text(out)), (int)len);
    CU_ASSERT_FALSE(memcmp(back, bytes, len));
}

#define SHOWS(bytes, wanted) shows(bytes, sizeof bytes - 1, wanted)

static void test_shown(void)
{
    SHOWS("", "");
    SHOWS("web-1", "web-1");
    SHOWS("a b\"c'", "a b\"c'");
    SHOWS("caf\xc3\xa9 \xf0\x9f\x90\x95", "caf\xc3\xa9 \xf0\x9f\x90\x95");
    SHOWS("a\0b", "a\\x00b");
    SHOWS("\\x41", "\\\\x41"); /* and no "A" */
    SHOWS("\t\n\x1b[2J\x7f", "\\x09\\x0a\\x1b[2J\\x7f");
    SHOWS("\xff\xfe\xc3", "\\xff\\xfe\\xc3");
    SHOWS("\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80", /* overlong, a surrogate, over U+10FFFF */
          "\\xc0\\x80\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
    SHOWS("\xc2\x9b", "\\xc2\\x9b");                   /* C1 */
    SHOWS("\xe2\x80\xae", "\\xe2\\x80\\xae");          /* U+202E: from the right to the left */
    SHOWS("\xe2\x80\xa8", "\\xe2\\x80\\xa8");          /* U+2028: a line's end */
    SHOWS("\xe2\x80\x8b", "\\xe2\\x80\\x8b");          /* U+200B: of no width */
    SHOWS("\xe2\x81\xa6", "\\xe2\\x81\\xa6");          /* U+2066 */
    SHOWS("\xef\xbb\xbf", "\\xef\\xbb\\xbf");          /* U+FEFF */
    SHOWS("\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"); /* U+E0041: a tag */
}

/* Whatever it is, what is shown can be shown, and gives the bytes back. */
static void test_all_bytes(void)
{
    uint8_t bytes[64], back[64];
    char out[KITH_SHOWN_ROOM(64)];
    uint32_t x = 1;
    for (int round = 0; round < 20000; round++) {
        size_t len = (size_t)round % sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            x = x * 1664525 + 1013904223;
            bytes[i] = (uint8_t)(x >> (round % 2 ? 24 : 27));
            if (x >> 30 == 3) bytes[i] = "\\x\xe2\x80\xaa\xc2\x85"[x >> 16 & 7];
        }
        size_t n = kith_show(out, sizeof out, kith_bytes_of(bytes, len)), used;
        for (size_t i = 0; i < n; i += used)
            if (!(used = kith_shown_char((uint8_t *)out + i, n - i))) break;
        CU_ASSERT_EQUAL_FATAL(kith_unshow(back, kith_text(out)), (int)len);
        CU_ASSERT_FALSE_FATAL(memcmp(back, bytes, len));
    }
}

static void test_cut(void)
{
    char out[8];
    struct kith_bytes name = kith_text("ab\ncd\xc3\xa9"), accents = kith_text("\xc3\xa9\xc3\xa9");
    CU_ASSERT_EQUAL(kith_show(out, 8, name), 7);
    CU_ASSERT_STRING_EQUAL(out, "ab\\x0ac");
    CU_ASSERT_EQUAL(kith_show(out, 6, name), 2);
    CU_ASSERT_STRING_EQUAL(out, "ab"); /* no half of \x0a */
    CU_ASSERT_EQUAL(kith_show(out, 4, accents), 2);
    CU_ASSERT_STRING_EQUAL(out, "\xc3\xa9");
    CU_ASSERT_EQUAL(kith_show(out, 1, name), 0);
    CU_ASSERT_STRING_EQUAL(out, "");
}

static void test_not_shown(void)
{
    static const char *const texts[] = {"\\",    "a\\",   "\\x", "\\x4",
                                        "\\xg0", "\\x0g", "\\n", "\\X41"};
    uint8_t out[8];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CU_ASSERT_EQUAL(kith_unshow(out, kith_text(texts[i])), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_unshow(out, kith_text("\\xAb\\\\")), 2);
    CU_ASSERT(out[0] == 0xab && out[1] == '\\');
}

static bool has_tags(const char *meta, size_t len)
{
    struct kith_tags tags;
    return kith_tags_begin(&tags, kith_bytes_of(meta, len));
}

#define HAS_TAGS(meta) has_tags(meta, sizeof meta - 1)

static void test_tags(void)
{
    static const char meta[] = "\xff\x82\xa4role\xda\x00\x03web\xd9\x02"
                               "dc\xa0";
    struct kith_tags tags;
    struct kith_pair tag;
    CU_ASSERT_FATAL(kith_tags_begin(&tags, kith_bytes_of(meta, sizeof meta - 1)));
    CU_ASSERT_FATAL(kith_tags_next(&tags, &tag));
    CU_ASSERT(kith_bytes_equal(tag.name, kith_text("role")));
    CU_ASSERT(kith_bytes_equal(tag.value, kith_text("web")));
    CU_ASSERT_FATAL(kith_tags_next(&tags, &tag));
    CU_ASSERT(kith_bytes_equal(tag.name, kith_text("dc")) && tag.value.len == 0);
    CU_ASSERT_FALSE(kith_tags_next(&tags, &tag));
    for (size_t len = 0; len < sizeof meta - 1; len++) CU_ASSERT_FALSE(has_tags(meta, len));

    CU_ASSERT(HAS_TAGS("\xff\x80"));
    CU_ASSERT_FALSE(HAS_TAGS("\xff\x80x"));         /* more behind it */
    CU_ASSERT_FALSE(HAS_TAGS("\xff\x81\xa1k\x01")); /* a number */
    CU_ASSERT_FALSE(HAS_TAGS("\xff\x91\xa1k"));     /* a list */
    CU_ASSERT_FALSE(HAS_TAGS("plain"));
    /* Lengths that nobody has: nothing is made of them. */
    CU_ASSERT_FALSE(HAS_TAGS("\xff\xdf\xff\xff\xff\xff\xa1k\xa1v"));
    CU_ASSERT_FALSE(HAS_TAGS("\xff\x81\xdb\xff\xff\xff\xffkkk"));
    CU_ASSERT_FALSE(HAS_TAGS("\xff\xdd\xff\xff\xff\xff"));
}

KITH_TESTS("config/shown", {"shown, and read back", test_shown}, {"all bytes", test_all_bytes},
           {"cut between characters", test_cut}, {"what is no shown name", test_not_shown},
           {"Serf's tags, from anybody", test_tags})
