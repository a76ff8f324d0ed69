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
    struct kith_map labels;
    struct kith_list list;
    const char *name, *file;
    uint32_t count, mode;
    uint64_t size, delay;
    bool on;
};

static const char *const modes[] = {"fast", "dense", "both", NULL};

static const struct kith_param bias =
    KITH_PARAM(struct block, bias, INT, 0, "-3", "-10", "20", ".");
static const struct kith_param free_int =
    KITH_PARAM(struct block, bias, INT, 0, NULL, NULL, NULL, ".");
static const struct kith_param ratio =
    KITH_PARAM(struct block, ratio, FLOAT, 0, NULL, "-0.5", "1.25", ".");
static const struct kith_param share =
    KITH_PARAM(struct block, share, FLOAT, 0, NULL, "0", "1", ".");
static const struct kith_param labels =
    KITH_PARAM(struct block, labels, MAP, 0, "{b: 2, a: 1}", NULL, "8", ".");
static const struct kith_param list =
    KITH_PARAM(struct block, list, LIST, 0, "[x, \"y, z\"]", "1", "8", ".");
static const struct kith_param name =
    KITH_PARAM(struct block, name, STRING, 0, NULL, "2", "4", ".");
static const struct kith_param file = KITH_PARAM(struct block, file, PATH, 0, NULL, "2", NULL, ".");
static const struct kith_param count =
    KITH_PARAM(struct block, count, UINT, 0, NULL, NULL, NULL, ".");
static const struct kith_param size =
    KITH_PARAM(struct block, size, SIZE, 0, NULL, "1KiB", NULL, ".");
static const struct kith_param delay =
    KITH_PARAM(struct block, delay, DURATION, 0, NULL, NULL, "1h", ".");
static const struct kith_param on = KITH_PARAM(struct block, on, BOOL, 0, NULL, NULL, NULL, ".");
static const struct kith_param mode = KITH_PARAM_CHOICE(struct block, mode, 0, NULL, modes, ".");

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
    refused(&bias, "-", "'bias' is a whole number, not '-'", "write decimal digits");
    refused(&bias, "--1", "'bias' is a whole number, not '--1'", "write decimal digits");
    refused(&bias, "+1", "'bias' is a whole number, not '+1'", "write decimal digits");
    refused(&bias, "1.5", "'bias' is a whole number, not '1.5'", "write decimal digits");
    refused(&bias, "-07", "'bias' begins with 0, which some read as octal: -07", "write -7");
    refused(&count, "-1", "'count' is a whole number, not '-1'", "write decimal digits");
}

static void test_fractions(void)
{
    static const char *const good[] = {"-0.5", "1.25", "0", "0.000001", "-0.499999999999999"};
    struct block b = {0};
    for (size_t i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(parse(&ratio, good[i], &b, NULL), 0);
        prints(&ratio, &b, good[i]);
    }
    refused(&ratio, "1e3", "'ratio' is a number, not '1e3'", "write digits, as 0.5");
}

/* Whatever the type: who is refused is told what is possible. */
static void test_refusals_say_what_is_possible(void)
{
    static const struct {
        const struct kith_param *p;
        const char *text, *words;
    } cases[] = {
        {&bias, "-11", "'bias': -11 is out of range, -10 to 20 are possible"},
        {&bias, "21", "'bias': 21 is out of range, -10 to 20 are possible"},
        {&bias, "9999999999", "'bias': 9999999999 is out of range, -10 to 20 are possible"},
        {&free_int, "2147483648",
         "'bias': 2147483648 is out of range, -2147483648 to 2147483647 are possible"},
        {&free_int, "-99999999999999999999",
         "'bias': -99999999999999999999 is out of range, -2147483648 to 2147483647 are possible"},
        {&ratio, "-0.51", "'ratio': -0.51 is out of range, -0.5 to 1.25 are possible"},
        {&ratio, "1.26", "'ratio': 1.26 is out of range, -0.5 to 1.25 are possible"},
        {&ratio, "99999999999999999999",
         "'ratio': 99999999999999999999 is out of range, -0.5 to 1.25 are possible"},
        {&share, "1.000001", "'share': 1.000001 is out of range, 0 to 1 are possible"},
        {&share, "-0.1", "'share': -0.1 is out of range, 0 to 1 are possible"},
        {&count, "4294967296", "'count': 4294967296 is out of range, 0 to 4294967295 are possible"},
        {&size, "1023", "'size': 1023 is out of range, at least 1KiB is possible"},
        {&size, "17179869184GiB",
         "'size': 17179869184GiB is out of range, 1KiB to 17179869183GiB are possible"},
        {&size, "18446744073709551616",
         "'size': 18446744073709551616 is out of range, 1KiB to 17179869183GiB are possible"},
        {&delay, "1h1ns", "'delay': 1h1ns is out of range, 0 to 1h are possible"},
        {&delay, "9999999999h9s", "'delay': 9999999999h9s is out of range, 0 to 1h are possible"},
        {&mode, "slow", "'mode' is fast, dense or both, not 'slow'"},
        {&on, "maybe", "'on' is true or false, not 'maybe'"},
        {&name, "x", "'name' is 1 byte long, 2 to 4 bytes are possible"},
        {&name, "xxxxx", "'name' is 5 bytes long, 2 to 4 bytes are possible"},
        {&name, "", "'name' is empty, 2 to 4 bytes are possible"},
        {&file, "/", "'file' is 1 byte long, at least 2 bytes are possible"},
        {&list, "ninebytes", "'list' is 9 bytes long, 1 to 8 bytes are possible"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct block b = {0};
        CU_ASSERT_EQUAL(parse(cases[i].p, cases[i].text, &b, NULL), -KITH_EINVAL);
        CU_ASSERT_STRING_EQUAL(why.text, cases[i].words);
        if (strcmp(why.text, cases[i].words) != 0)
            printf("\n  got  %s\n  want %s\n", why.text, cases[i].words);
    }
}

/* The ends that a row gives to its C type are ends that parse, and are the last that do. */
static void test_what_types_can_hold(void)
{
    const struct kith_value_type *t;
    for (uint32_t type = 1; (t = kith_value_type_of(&(struct kith_param){.type = type})); type++) {
        const struct kith_param p = {.name = "x", .type = type};
        struct block b = {0};
        long double low = 0, high = 0;
        bool number = t->number != KITH_NUMBER_NONE;
        CU_ASSERT_EQUAL(number, t->lowest && t->highest);
        if (!number) continue;
        CU_ASSERT_EQUAL(parse(&p, t->lowest, &b, NULL), 0);
        CU_ASSERT_EQUAL(parse(&p, t->highest, &b, NULL), 0);
        CU_ASSERT(kith_param_limit(&p, false, &low) && kith_param_limit(&p, true, &high));
        CU_ASSERT(low < high);
    }
}

/* config show is a file again: what is printed must read as the same value. */
static void test_fractions_read_back(void)
{
    static const char *const texts[] = {
        "0.1", "0.3", "123456789.9", "0.000000000000001", "9007199254740993", "3.141592653589793",
        "100"};
    static const struct kith_param any =
        KITH_PARAM(struct block, ratio, FLOAT, 0, NULL, NULL, NULL, ".");
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
    static const struct kith_param most = {.type = KITH_PARAM_FLOAT, .max = "2.5"},
                                   small = {.type = KITH_PARAM_UINT, .max = "7"};
    range_is(&bias, "-10 to 20");
    range_is(&free_int, "");
    range_is(&ratio, "-0.5 to 1.25");
    range_is(&share, "0 to 1");
    range_is(&most, "at most 2.5");
    range_is(&small, "0 to 7");
    range_is(&count, "");
    range_is(&size, "at least 1KiB");
    range_is(&labels, "0 to 8 bytes");
    range_is(&name, "2 to 4 bytes");
    range_is(&on, "");
    range_is(&mode, "");
    long double v;
    uint64_t n;
    CU_ASSERT(kith_param_limit(&ratio, true, &v) && v == 1.25L);
    CU_ASSERT(kith_param_limit(&bias, false, &v) && v == -10);
    CU_ASSERT(kith_param_limit(&count, true, &v) && v == UINT32_MAX);
    CU_ASSERT_FALSE(kith_param_limit(&name, true, &v));
    CU_ASSERT(kith_param_length(&name, true, &n) && n == 4);
    CU_ASSERT_FALSE(kith_param_length(&file, true, &n));
    CU_ASSERT_FALSE(kith_param_length(&bias, true, &n));
}

static void test_maps(void)
{
    struct kith_arena *arena = kith_arena_new();
    const struct kith_param_in in = {arena, "", &why};
    struct block b = {0};
    CU_ASSERT_EQUAL(kith_param_parse_pair(&labels, "zone", "b 1", &b.labels, &in), 0);
    CU_ASSERT_EQUAL(kith_param_parse_pair(&labels, "a=b", "=", &b.labels, &in), 0);
    CU_ASSERT_EQUAL(kith_param_parse_pair(&labels, "none", "", &b.labels, &in), 0);
    prints(&labels, &b, "{zone: \"b 1\", a=b: \"=\", none: \"\"}");
    CU_ASSERT_EQUAL(kith_param_parse_pair(&labels, "", "x", &b.labels, &in), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_param_parse_pair(&labels, "a", "ninebytes", &b.labels, &in), -KITH_EINVAL);
    CU_ASSERT_EQUAL_FATAL(b.labels.count, 3);
    CU_ASSERT_EQUAL(b.labels.items[0].value.len, 3);
    CU_ASSERT_EQUAL(b.labels.items[0].value.data[3], '\0');
    b.labels = (struct kith_map){0};
    CU_ASSERT_EQUAL(kith_param_set_default(&labels, KITH_PROFILE_LAN, &b.labels, &in), 0);
    prints(&labels, &b, "{b: 2, a: 1}"); /* in their order */
    CU_ASSERT_EQUAL(parse(&labels, "word", &b, arena), -KITH_EINVAL);
    kith_arena_free(arena);
}

static void test_defaults_are_yaml(void)
{
    struct kith_arena *arena = kith_arena_new();
    const struct kith_param_in in = {arena, "", &why};
    struct block b = {0};
    CU_ASSERT_EQUAL(kith_param_set_default(&list, KITH_PROFILE_LAN, &b.list, &in), 0);
    CU_ASSERT_EQUAL_FATAL(b.list.count, 2);
    CU_ASSERT_STRING_EQUAL(b.list.items[1], "y, z");
    b.list = (struct kith_list){0};
    CU_ASSERT_EQUAL(kith_param_parse_all(&list, "one", &b.list, &in), 0);
    CU_ASSERT_EQUAL(b.list.count, 1);
    b.list = (struct kith_list){0};
    CU_ASSERT_EQUAL(kith_param_parse_all(&list, "[]", &b.list, &in), 0);
    CU_ASSERT_EQUAL(b.list.count, 0);
    CU_ASSERT_EQUAL(kith_param_parse_all(&list, "{a: b}", &b.list, &in), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_param_parse_all(&list, "[[a]]", &b.list, &in), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_param_parse_all(&list, "[a", &b.list, &in), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_param_parse_all(&labels, "[a]", &b.labels, &in), -KITH_EINVAL);
    kith_arena_free(arena);
}

static void test_copies_own_what_they_point_to(void)
{
    const struct kith_param table[] = {bias, labels, list, name, file, count, ratio, {0}};
    struct kith_arena *arena = kith_arena_new();
    const struct kith_param_in in = {arena, "", &why};
    struct block from = {.bias = -1, .count = 7, .ratio = 0.25}, to;
    kith_param_parse_pair(&labels, "a", "1", &from.labels, &in);
    kith_param_parse_pair(&labels, "bc", "", &from.labels, &in);
    kith_param_parse_all(&list, "[one, two, three]", &from.list, &in);
    parse(&name, "ada", &from, arena);
    void *memory;
    CU_ASSERT_EQUAL_FATAL(kith_params_copy(table, &from, &to, &memory), 0);
    kith_arena_free(arena); /* wipes */
    CU_ASSERT_EQUAL(to.bias, -1);
    CU_ASSERT_EQUAL(to.count, 7);
    CU_ASSERT_EQUAL(to.ratio, 0.25);
    CU_ASSERT_STRING_EQUAL(to.name, "ada");
    CU_ASSERT_PTR_NULL(to.file);
    CU_ASSERT_EQUAL_FATAL(to.list.count, 3);
    CU_ASSERT_STRING_EQUAL(to.list.items[0], "one");
    CU_ASSERT_STRING_EQUAL(to.list.items[2], "three");
    CU_ASSERT_EQUAL_FATAL(to.labels.count, 2);
    prints(&labels, &to, "{a: 1, bc: \"\"}");
    kith_params_free(memory);

    const struct block plain = {.count = 3};
    CU_ASSERT_EQUAL(kith_params_copy(table, &plain, &to, &memory), 0);
    CU_ASSERT_PTR_NULL(memory); /* nothing to own */
    CU_ASSERT_EQUAL(to.count, 3);
    CU_ASSERT_EQUAL(kith_params_copy(NULL, &plain, &to, &memory), 0);
    CU_ASSERT_PTR_NULL(memory);
    kith_params_free(memory);
}

/* What an entry keeps of an instance ends with the last parameter, in whatever order they are. */
static void test_size(void)
{
    struct big {
        uint32_t first, last;
        uint8_t state[1 << 20];
    };
    const struct kith_param rows[] = {
        {.name = "last", .type = KITH_PARAM_UINT, .offset = offsetof(struct big, last), .width = 4},
        {.name = "first", .type = KITH_PARAM_UINT, .offset = 0, .width = 4},
        KITH_PARAM_END};
    CU_ASSERT_EQUAL(kith_params_size(rows), 8);
    CU_ASSERT_EQUAL(kith_params_size(rows + 1), 4);
    CU_ASSERT_EQUAL(kith_params_size(rows + 2), 0);
    CU_ASSERT_EQUAL(kith_params_size(NULL), 0);
}

/* --------------------------------------------------------------------- tables that can't be */

static void table_is(struct kith_param p, const char *says)
{
    struct kith_error err = {.size = sizeof err};
    int rc = kith_param_check(&p, sizeof(struct block), &err);
    CU_ASSERT_EQUAL(rc, says ? -KITH_EINVAL : 0);
    if (says) CU_ASSERT_PTR_NOT_NULL(strstr(err.text, says));
    if (says ? !strstr(err.text, says) : rc != 0)
        printf("\n  got  %s\n  want %s\n", err.text, says ? says : "");
    CU_ASSERT_EQUAL(kith_param_check(&p, sizeof(struct block), NULL), rc);
}

#define TABLE(says, base, ...) \
    do { \
        struct kith_param p = base; \
        __VA_ARGS__; \
        table_is(p, says); \
    } while (0)

static void test_tables_that_can_be(void)
{
    const struct kith_param all[] = {bias, free_int, ratio, share, labels, list, name,
                                     file, count,    size,  delay, on,     mode};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) table_is(all[i], NULL);
    TABLE(NULL, list, p.def = "x");
    TABLE(NULL, bias, p.min = p.max = "-3");
    TABLE(NULL, size, p.flags = 0xFFFE); /* bits of another day */
}

static void test_tables_that_can_not_be(void)
{
    static const char *const twice[] = {"a", "b", "a", NULL}, *const empty[] = {"a", "", NULL};
    static const char *const latin[] = {"\xe4", NULL}, *const lines[] = {"a\nb", NULL};
    TABLE("has a choice twice: `a`", mode, p.choices = twice, p.def = "b");
    TABLE("choice that is no line of text, number 2", mode, p.choices = empty, p.def = "a");
    TABLE("choice that is no line of text", mode, p.choices = latin, p.def = NULL);
    TABLE("choice that is no line of text", mode, p.choices = lines, p.def = NULL);
    TABLE("has a default that is not valid UTF-8", name, p.def = "\xff\xfe");
    TABLE("has a default that is not valid UTF-8", list, p.def = "[a, \xed\xa0\x80]");
    TABLE("has a default that is not valid UTF-8", file, p.def_wan = "\xc2");
    TABLE("is required, and has a default", size, p.flags = KITH_PARAM_REQUIRED, p.def = "0");
    TABLE("is required, and has a default", name, p.flags = KITH_PARAM_REQUIRED, p.def = NULL,
          p.def_local = "x");
    TABLE("type that this Kith does not know: 9999", size, p.type = 9999);
    TABLE("is stored in 4 bytes, but a SIZE takes 8", size, p.width = 4);
    TABLE("is stored in 8 bytes, but a UINT takes 4", size, p.type = KITH_PARAM_UINT);
    TABLE("lies outside of the instance", size, p.offset = sizeof(struct block));
    TABLE("lies outside of the instance", size, p.offset = sizeof(struct block) - 7);
    TABLE("lies outside of the instance", size, p.offset = SIZE_MAX - 7);
    TABLE("unaligned offset", size, p.offset += 2);
    TABLE("is an ENUM without choices", mode, p.choices = NULL);
    TABLE("is an ENUM without choices", mode, p.choices = modes + 3);
    TABLE("has choices, but is no ENUM", size, p.choices = modes);
    TABLE("minimum over its maximum: `5` and `4`", count, p.min = "5"; p.max = "4");
    TABLE("minimum over its maximum: `2h` and `1h`", delay, p.min = "2h");
    TABLE("minimum over its maximum: `9` and `8`", list, p.min = "9");
    TABLE("minimum that is not valid: `5s`", count, p.min = "5s");
    TABLE("maximum that is not valid: `4294967296`", count, p.max = "4294967296");
    TABLE("maximum that is not valid: `1KiB`", name, p.max = "1KiB"); /* a length is a number */
    TABLE("maximum that is not valid: `-1`", name, p.max = "-1");
    TABLE("has a range, which no BOOL has", on, p.max = "1");
    TABLE("has a range, which no ENUM has", mode, p.min = "0");
    TABLE("has a default that is not valid: 'bias': 21 is out of range", bias, p.def = "21");
    TABLE("has a default that is not valid: 'bias' is a whole number", bias, p.def_wan = "x");
    TABLE("has a default that is not valid: 'mode' is fast, dense or both", mode,
          p.def_local = "slow");
    TABLE("has a default that is not valid: '[a' is no YAML", list, p.def = "[a");
    TABLE("has a default that is not valid: 'list' is 9 bytes long", list, p.def = "[ninebytes]");
    TABLE("has a default that is not valid: 'labels' takes keys", labels, p.def = "a");
    static const char *const reserved[] = {"use", "as", "keys", "layer_byte", "channel", "allow"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        TABLE("is a key that every entry has already", size, p.name = reserved[i]);
}

KITH_TESTS("config/param", {"signed numbers", test_signed_numbers}, {"fractions", test_fractions},
           {"refusals say what is possible", test_refusals_say_what_is_possible},
           {"what types can hold", test_what_types_can_hold},
           {"fractions read back", test_fractions_read_back},
           {"ranges in words", test_ranges_in_words}, {"maps", test_maps},
           {"defaults are YAML", test_defaults_are_yaml},
           {"copies own what they point to", test_copies_own_what_they_point_to},
           {"size", test_size}, {"tables that can be", test_tables_that_can_be},
           {"tables that can't be", test_tables_that_can_not_be})
