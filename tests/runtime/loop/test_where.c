/*
 * test_where.c - places as people write them.
 */
#include "../../test.h"
#include "where.h"

static bool is(struct kith_bytes b, const char *text)
{
    return kith_bytes_equal(b, kith_text(text));
}

static void test_name(void)
{
    static const struct {
        const char *text, *name, *rest; /* name NULL: nothing is cut */
    } cases[] = {
        {"web-1/10.0.0.1:80", "web-1", "10.0.0.1:80"},
        {"a/b/c", "a", "b/c"}, /* at the first slash */
        {"n//tmp/x.sock", "n", "/tmp/x.sock"},
        {"10.0.0.1", NULL, NULL},
        {"/host", NULL, NULL},
        {"web-1/", NULL, NULL},
        {"/", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_bytes name, rest;
        bool cut = kith_where_cut_name(kith_text(cases[i].text), &name, &rest);
        CU_ASSERT_EQUAL(cut, cases[i].name != NULL);
        if (cut) CU_ASSERT(is(name, cases[i].name) && is(rest, cases[i].rest));
    }
}

static void test_host(void)
{
    static const struct {
        const char *text, *host; /* host NULL: refused */
        uint16_t port;
    } cases[] = {
        {"10.0.0.1", "10.0.0.1", 7946},
        {"10.0.0.1:80", "10.0.0.1", 80},
        {"seed.example.org:8301", "seed.example.org", 8301},
        {"::1", "::1", 7946},
        {"fe80::1:7946", "fe80::1:7946", 7946}, /* unbracketed IPv6 has no port */
        {"[::1]", "::1", 7946},
        {"[::1]:99", "::1", 99},
        {"[2001:db8::1]:99", "2001:db8::1", 99},
        {"[10.0.0.1]:99", "10.0.0.1", 99},
        {"host:0", "host", 0},
        {"host:65535", "host", 65535},
        {"host:65536", NULL, 0},
        {"host:99999", NULL, 0},
        {"host:", NULL, 0},
        {"host:-1", NULL, 0},
        {"host:+1", NULL, 0},
        {"host:80x", NULL, 0},
        {"host:000000080", NULL, 0},
        {":80", NULL, 0},
        {"", NULL, 0},
        {"[::1", NULL, 0},
        {"[]:80", NULL, 0},
        {"[", NULL, 0},
        {"]", NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_bytes host;
        struct kith_error err = {.size = sizeof err};
        uint16_t port = 7946;
        int rc = kith_where_host(kith_text(cases[i].text), &host, &port, &err);
        if (cases[i].host) {
            CU_ASSERT_EQUAL_FATAL(rc, 0);
            CU_ASSERT_TRUE(is(host, cases[i].host));
            CU_ASSERT_EQUAL(port, cases[i].port);
        } else {
            CU_ASSERT_EQUAL(rc, -KITH_EINVAL);
            CU_ASSERT_EQUAL(port, 7946); /* not touched */
            CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].text));
        }
    }
}

/* Bytes with a length: what is behind them is not looked at, and they may be many. */
static void test_bytes(void)
{
    struct kith_bytes host = {0};
    struct kith_error err = {.size = sizeof err};
    uint16_t port = 1;
    CU_ASSERT_EQUAL(kith_where_host(kith_bytes_of("host:8099", 7), &host, &port, NULL), 0);
    CU_ASSERT(is(host, "host") && port == 80);
    char text[KITH_HOST_TEXT_MAX];
    memset(text, 'a', sizeof text);
    struct kith_bytes longest = kith_bytes_of(text, sizeof text);
    CU_ASSERT_EQUAL(kith_where_host(longest, &host, &port, &err), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "too long"));
    longest.len--;
    CU_ASSERT_EQUAL(kith_where_host(longest, &host, &port, NULL), 0);
    CU_ASSERT_EQUAL(host.len, longest.len);
}

KITH_TESTS("runtime/where", {"the name before an address", test_name}, {"host and port", test_host},
           {"bytes", test_bytes})
