/*
 * test_param.c - types of values that no plugin of today has yet, ranges with fractions and signs,
 * and blocks of parameters copied.
 */
#include "param.h"
#include "config.h"
#include "test.h"

struct block {
    int32_t bias;
    double ratio, share;
    struct kith_strings labels, list;
    const char *name, *file;
    uint32_t count;
    uint64_t size;
};

#define AT(m) offsetof(struct block, m)
static const char *const bias_range[] = {"-10", "20"};
static const char *const ratio_range[] = {"-0.5", "1.25"};
static const struct kith_param bias = {"bias",   KITH_PARAM_INT, 0,
                                       AT(bias), "-3",           .choices = bias_range},
                               free_int = {"bias", KITH_PARAM_INT, 0, AT(bias)},
                               ratio = {"ratio", KITH_PARAM_FLOAT, 0, AT(ratio),
                                        .choices = ratio_range},
                               share = {"share", KITH_PARAM_FLOAT, 0, AT(share), .max = 1},
                               labels = {"labels",   KITH_PARAM_MAP, 0,
                                         AT(labels), "b=2, a=1",     .max = 8},
                               count = {"count", KITH_PARAM_UINT, 0, AT(count)},
                               size = {"size", KITH_PARAM_SIZE, 0, AT(size), .min = 1024};

static struct kith_complaint why;

static int parse(const struct kith_param *p, const char *text, struct block *b,
                 struct kith_arena *arena)
{
    const struct kith_param_in in = {arena, "", &why};
    why = (struct kith_complaint){"", ""};
    return kith_param_parse(p, text, (char *)b + p->offset, &in);
}

static void prints(const struct kith_param *p, const struct block *b, const char *text)
{
    char *got = kith_param_text(p, (const char *)b + p->offset);
    CU_ASSERT_STRING_EQUAL(got, text);
    free(got);
}

static void refused(const struct kith_param *p, const char *text, const char *words,
                    const char *help)
{
    struct block b = {0};
    CU_ASSERT_EQUAL(parse(p, text, &b, NULL), -KITH_EINVAL);
    CU_ASSERT_STRING_EQUAL(why.text, words);
    CU_ASSERT_STRING_EQUAL(why.help, help);
}

static void test_signed_numbers(void)
{
    static const char *const good[] = {"-10", "20", "0", "-1"};
    struct block b = {0};
    for (size_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(parse(&bias, good[i], &b, NULL), 0);
        prints(&bias, &b, good[i]);
    }
    CU_ASSERT_EQUAL(parse(&free_int, "-2147483648", &b, NULL), 0);
    CU_ASSERT_EQUAL(b.bias, INT32_MIN);
    CU_ASSERT_EQUAL(parse(&free_int, "2147483647", &b, NULL), 0);
    CU_ASSERT_EQUAL(b.bias, INT32_MAX);
    refused(&bias, "-11", "'bias' is out of range: -11", "use -10 to 20");
    refused(&bias, "21", "'bias' is out of range: 21", "use -10 to 20");
    refused(&free_int, "2147483648", "'bias' is out of range: 2147483648",
            "use -2147483648 to 2147483647");
    refused(&free_int, "-99999999999999999999", "'bias' is out of range: -99999999999999999999",
            "use -2147483648 to 2147483647");
    refused(&bias, "-", "'bias' is a whole number, not '-'", "write decimal digits");
    refused(&bias, "--1", "'bias' is a whole number, not '--1'", "write decimal digits");
    refused(&bias, "+1", "'bias' is a whole number, not '+1'", "write decimal digits");
    refused(&bias, "1.5", "'bias' is a whole number, not '1.5'", "write decimal digits");
    refused(&bias, "-07", "'bias' begins with 0, which some read as octal: -07", "write -7");
    refused(&count, "-1", "'count' is a whole number, not '-1'", "write decimal digits");
    refused(&count, "4294967296", "'count' is out of range: 4294967296", "use 0 to 4294967295");
}

static void test_ranges_of_fractions(void)
{
    static const char *const good[] = {"-0.5", "1.25", "0", "0.000001", "-0.499999999999999"};
    struct block b = {0};
    for (size_t i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(parse(&ratio, good[i], &b, NULL), 0);
        prints(&ratio, &b, good[i]);
    }
    refused(&ratio, "-0.51", "'ratio' is out of range: -0.51", "use -0.5 to 1.25");
    refused(&ratio, "1.26", "'ratio' is out of range: 1.26", "use -0.5 to 1.25");
    refused(&ratio, "1e3", "'ratio' is a number, not '1e3'", "write digits, as 0.5");
    refused(&share, "1.000001", "'share' is out of range: 1.000001", "use 0 to 1");
    refused(&share, "-0.1", "'share' is out of range: -0.1", "use 0 to 1");
}

/* config show is a file again: what is printed must read as the same value. */
static void test_fractions_read_back(void)
{
    static const char *const texts[] = {
        "0.1", "0.3", "123456789.9", "0.000000000000001", "9007199254740993", "3.141592653589793",
        "100"};
    static const struct kith_param any = {"ratio", KITH_PARAM_FLOAT, 0, AT(ratio)};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct block b = {0}, again = {0};
        CU_ASSERT_EQUAL(parse(&any, texts[i], &b, NULL), 0);
        char *text = kith_param_text(&any, &b.ratio);
        CU_ASSERT_EQUAL(parse(&any, text, &again, NULL), 0);
        CU_ASSERT_EQUAL(b.ratio, again.ratio);
        CU_ASSERT(strlen(text) <= strlen(texts[i]));
        free(text);
    }
}

static void range_is(const struct kith_param *p, const char *words)
{
    char text[100];
    kith_param_range(p, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, words);
}

static void test_ranges_in_words(void)
{
    range_is(&bias, "-10 to 20");
    range_is(&free_int, "");
    range_is(&ratio, "-0.5 to 1.25");
    range_is(&share, "0 to 1");
    range_is(&count, "");
    range_is(&size, "at least 1KiB");
    range_is(&labels, "");
    long double v;
    CU_ASSERT(kith_param_limit(&ratio, true, &v) && v == 1.25L);
    CU_ASSERT(kith_param_limit(&bias, false, &v) && v == -10);
    CU_ASSERT_FALSE(kith_param_limit(&size, true, &v));
}

static void test_maps(void)
{
    struct kith_arena *arena = kith_arena_new();
    const struct kith_param_in in = {arena, "", &why};
    struct block b = {0};
    CU_ASSERT_EQUAL(kith_param_parse_pair(&labels, "zone", "b 1", &b.labels, &in), 0);
    CU_ASSERT_EQUAL(kith_param_parse_pair(&labels, "a", "=", &b.labels, &in), 0);
    CU_ASSERT_EQUAL(kith_param_parse_pair(&labels, "none", "", &b.labels, &in), 0);
    prints(&labels, &b, "{zone: \"b 1\", a: \"=\", none: \"\"}");
    CU_ASSERT_EQUAL(kith_param_parse_pair(&labels, "a=b", "x", &b.labels, &in), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_param_parse_pair(&labels, "", "x", &b.labels, &in), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_param_parse_pair(&labels, "a", "ninebytes", &b.labels, &in), -KITH_EINVAL);
    CU_ASSERT_EQUAL(b.labels.count, 3);
    b.labels = (struct kith_strings){0};
    CU_ASSERT_EQUAL(kith_param_set_default(&labels, KITH_PROFILE_LAN, &b.labels, &in), 0);
    prints(&labels, &b, "{b: 2, a: 1}"); /* in their order */
    CU_ASSERT_EQUAL(parse(&labels, "word", &b, arena), -KITH_EINVAL);
    kith_arena_free(arena);
}

static void test_copies_own_what_they_point_to(void)
{
    static const struct kith_param table[] = {
        {"bias", KITH_PARAM_INT, 0, AT(bias)},     {"labels", KITH_PARAM_MAP, 0, AT(labels)},
        {"list", KITH_PARAM_STRINGS, 0, AT(list)}, {"name", KITH_PARAM_STRING, 0, AT(name)},
        {"file", KITH_PARAM_PATH, 0, AT(file)},    {"count", KITH_PARAM_UINT, 0, AT(count)},
        {"ratio", KITH_PARAM_FLOAT, 0, AT(ratio)}, {NULL}};
    struct kith_arena *arena = kith_arena_new();
    struct block from = {.bias = -1, .count = 7, .ratio = 0.25}, to;
    parse(&table[1], "a=1", &from, arena);
    parse(&table[2], "one", &from, arena);
    parse(&table[2], "two", &from, arena);
    parse(&table[2], "three", &from, arena);
    parse(&table[3], "ada", &from, arena);
    void *memory;
    CU_ASSERT_EQUAL_FATAL(kith_params_copy(table, &from, &to, sizeof to, &memory), 0);
    kith_arena_free(arena); /* wipes */
    CU_ASSERT_EQUAL(to.bias, -1);
    CU_ASSERT_EQUAL(to.count, 7);
    CU_ASSERT_EQUAL(to.ratio, 0.25);
    CU_ASSERT_STRING_EQUAL(to.name, "ada");
    CU_ASSERT_PTR_NULL(to.file);
    CU_ASSERT_EQUAL_FATAL(to.list.count, 3);
    CU_ASSERT_STRING_EQUAL(to.list.items[0], "one");
    CU_ASSERT_STRING_EQUAL(to.list.items[2], "three");
    CU_ASSERT_EQUAL_FATAL(to.labels.count, 1);
    CU_ASSERT_STRING_EQUAL(to.labels.items[0], "a=1");
    kith_params_free(memory);

    const struct block plain = {.count = 3};
    CU_ASSERT_EQUAL(kith_params_copy(table, &plain, &to, sizeof to, &memory), 0);
    CU_ASSERT_PTR_NULL(memory); /* nothing to own */
    CU_ASSERT_EQUAL(to.count, 3);
    CU_ASSERT_EQUAL(kith_params_copy(NULL, &plain, &to, sizeof to, &memory), 0);
    CU_ASSERT_PTR_NULL(memory);
    kith_params_free(memory);
}

static void test_tables_that_can_not_be(void)
{
    struct kith_param p = {"x", KITH_PARAM_SIZE, 0, 8};
    CU_ASSERT_TRUE(kith_param_sound(&p, 16));
    CU_ASSERT_FALSE(kith_param_sound(&p, 15));
    CU_ASSERT_FALSE(kith_param_sound(&p, 0));
    p.offset = SIZE_MAX - 7;
    CU_ASSERT_FALSE(kith_param_sound(&p, 16));
    p.offset = 4; /* not where a uint64_t may lie */
    CU_ASSERT_FALSE(kith_param_sound(&p, 16));
    p.type = KITH_PARAM_ENUM;
    CU_ASSERT_FALSE(kith_param_sound(&p, 16)); /* no choices */
    p.type = 9999;
    CU_ASSERT_FALSE(kith_param_sound(&p, 16));
}

KITH_TESTS("config/param", {"signed numbers", test_signed_numbers},
           {"ranges of fractions", test_ranges_of_fractions},
           {"fractions read back", test_fractions_read_back},
           {"ranges in words", test_ranges_in_words}, {"maps", test_maps},
           {"copies own what they point to", test_copies_own_what_they_point_to},
           {"tables that can't be", test_tables_that_can_not_be})
