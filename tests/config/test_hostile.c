/*
 * test_hostile.c - files that mean harm, or are simply broken: an answer, and quickly, whatever
 * they hold.
 */
#include "fake_finder.h"
#include "test.h"

static const char good[] =
    "node: { name: web-1, label: \"pr\\u00e9d\", meta: { tags: { a: b } }, cidrs_allowed: [ "
    "10.0.0.0/8 ] }\n"
    "transport: { use: udp_tcp, bind: [ 0.0.0.0:7946, \"[::]:7946\" ], idle_timeout: 1m30s }\n"
    "keyring: [ AAECAwQFBgcICQoLDA0ODw== ]\n"
    "pipeline:\n"
    "  send:\n"
    "    - { use: zstd, level: 3, ratio: 0.5, mode: dense }\n"
    "    - use: aes_gcm\n"
    "      keys: [ 000102030405060708090a0b0c0d0e0f ]\n"
    "  accept: [ { use: zstd }, { use: aes_gcm }, { use: private, layer_byte: 0xC1 } ]\n"
    "  require: [ encrypt ]\n"
    "delegates: [ { use: app, channel: x, command: 'a ''b''' } ]\n"
    "join: [ a, b:1 ]\n";

/* True: accepted. Everything about it is printed too, to see that it can be. */
static bool feed(const char *text, size_t len)
{
    struct kith_diag *diag = kith_diag_new();
    struct kith_config *c = kith_config_parse("f", text, len, &fake_finder, diag);
    char *words = kith_diag_text(diag), *shown = NULL;
    size_t n;
    CU_ASSERT_EQUAL(c == NULL, kith_diag_errors(diag) != 0);
    if (c) {
        FILE *f = open_memstream(&shown, &n);
        kith_config_show(c, f);
        fclose(f);
    }
    free(shown);
    free(words);
    kith_config_free(c);
    kith_diag_free(diag);
    return c != NULL;
}

static bool repeat(const char *head, const char *part, size_t times, const char *tail)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    fputs(head, f);
    for (size_t i = 0; i < times; i++) fputs(part, f);
    fputs(tail, f);
    fclose(f);
    bool accepted = feed(text, len);
    free(text);
    return accepted;
}

static void test_cut_short_at_every_byte(void)
{
    CU_ASSERT(feed(good, strlen(good)));
    for (size_t i = 0; i < strlen(good); i++) feed(good, i);
}

static void test_every_byte_replaced(void)
{
    static const char with[] = {'\0', '\n', '\t', ' ', ':', '-',  '[',    '{',    '"', '\'',
                                '*',  '&',  '!',  '#', '|', '\\', '\x7f', '\xff', '9'};
    char text[sizeof good];
    for (size_t i = 0; i + 1 < sizeof good; i++)
        for (size_t k = 0; k < sizeof with; k++) {
            memcpy(text, good, sizeof good);
            text[i] = with[k];
            feed(text, sizeof good - 1);
        }
}

static void test_depth_and_breadth(void)
{
    CU_ASSERT_FALSE(repeat("a: ", "[", 500000, ""));
    CU_ASSERT_FALSE(repeat("a: ", "{a: ", 200000, ""));
    CU_ASSERT_FALSE(repeat("", "- ", 400000, "x"));
    CU_ASSERT_FALSE(repeat("", "? ", 400000, "x"));
    CU_ASSERT_FALSE(repeat("", "a: 1\n", 200000, ""));
    CU_ASSERT_FALSE(repeat("a: &x b\nb: [", "*x, ", 200000, "]"));
    CU_ASSERT_FALSE(repeat("", "x", 1 << 20, ": 1"));
    CU_ASSERT_FALSE(repeat("node: { name: \"", "\\u00e9", 100000, "\" }"));
    CU_ASSERT(repeat("join:\n", "- a\n", 200000, ""));
    CU_ASSERT_FALSE(repeat("delegates:\n", "- { use: kv }\n", 2000, ""));
    CU_ASSERT_FALSE(repeat("pipeline:\n  send:\n", "  - { use: lzw }\n", 2000, ""));
    CU_ASSERT_FALSE(repeat("", "\n", 1100000, "node: { name: a }"));
}

static void test_odd_beginnings(void)
{
    CU_ASSERT(feed("\xEF\xBB\xBFnode: { name: a }", 20)); /* a byte order mark, in flow and block */
    CU_ASSERT(feed("\xEF\xBB\xBFnode:\n  name: a\ngossip:\n  nodes: 4\n", 38));
    CU_ASSERT_FALSE(feed("\xFF\xFEn\0o\0d\0e\0", 10)); /* UTF-16 */
    CU_ASSERT(feed("%YAML 1.1\n---\nnode: { name: a }\n...\n", 36));
    CU_ASSERT_FALSE(feed("\0", 1));
    CU_ASSERT_FALSE(feed("*", 1));
    CU_ASSERT_FALSE(feed("node: { name: a }\r\x85", 19));
    CU_ASSERT(feed("node: { name: a }\r\ngossip: { nodes: 4 }\r\n", 40));
    CU_ASSERT_FALSE(feed("%TAG ! tag:x,2000:\n---\nnode: !a { name: a }\n", 43));
}

KITH_TESTS("config/hostile", {"cut short at every byte", test_cut_short_at_every_byte},
           {"every byte replaced", test_every_byte_replaced},
           {"depth and breadth", test_depth_and_breadth}, {"odd beginnings", test_odd_beginnings})
