/*
 * test_addresses.c - which address is guessed, and what happens when it is gone. The files under
 * test are compiled in with a getifaddrs() of the test's own, because a test can't change the
 * machine's addresses. What else of the transport they need is in test_batches.c.
 */
#include "test.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

static int fake_getifaddrs(struct ifaddrs **out);
static void fake_freeifaddrs(struct ifaddrs *all) {}
#define getifaddrs  fake_getifaddrs
#define freeifaddrs fake_freeifaddrs
#include "../../transports/udp_tcp/advertise.c"
#undef getifaddrs
#undef freeifaddrs
#include "../../transports/udp_tcp/address_watch.c"

static struct ifaddrs machine[8];
static union kith_ut_sockaddr addresses[8];
static char logged[600];
static bool list_fails;

static int fake_getifaddrs(struct ifaddrs **out)
{
    *out = machine;
    return list_fails ? -1 : 0;
}

/* "10.0.0.1", "fd00::1" on interfaces that no default route of this machine goes over. */
static void machine_has(const char *const *list)
{
    for (size_t i = 0; list[i]; i++) {
        struct kith_bytes text = kith_text(list[i]);
        CU_ASSERT_EQUAL_FATAL(kith_ut_literal(text, 0, &addresses[i]), 0);
        machine[i] = (struct ifaddrs){.ifa_name = (char *)"test-if",
                                      .ifa_flags = IFF_UP,
                                      .ifa_addr = &addresses[i].sa,
                                      .ifa_next = list[i + 1] ? &machine[i + 1] : NULL};
    }
}
#define HAS(...) machine_has((const char *const[]){"127.0.0.1", __VA_ARGS__, NULL})

static void log_line(const struct kith_host *host, enum kith_log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(logged, sizeof logged, fmt, ap);
    va_end(ap);
}
static void timer_set(struct kith_timer *t, uint64_t at) {}
static const char *ill;
static void degraded(const struct kith_host *host, const char *why) { ill = why; }
static const struct kith_host host = {
    .size = sizeof host, .log = log_line, .timer_set = timer_set, .degraded = degraded};

static struct kith_ut *bound_to(const char *text)
{
    static const char *items[1];
    struct kith_ut *u = calloc(1, sizeof *u);
    struct kith_bytes name;
    uint16_t port = 0;
    items[0] = text;
    u->host = &host;
    u->bind = (struct kith_list){items, 1};
    u->socket_count = 1;
    kith_ut_split(kith_text(text), &name, &port);
    kith_ut_literal(name, port, &u->sockets[0].local);
    u->sockets[0].dual =
        u->sockets[0].local.sa.sa_family == AF_INET6 && kith_ut_wildcard(&u->sockets[0].local);
    *logged = 0;
    return u;
}

static const char *advertised(const struct kith_ut *u)
{
    static char text[KITH_UT_HOST_MAX];
    kith_ut_format(NULL, &u->advertised, text, sizeof text);
    return text;
}

static void test_guess(void)
{
    static const struct {
        const char *bind, *advertised;
    } cases[] = {
        {"0.0.0.0:7946", "10.0.0.1:7946"},
        {":7946", "10.0.0.1:7946"},
        {"[::]:7946", "[fd00::1]:7946"},
    };
    HAS("192.0.2.1", "169.254.1.1", "10.0.0.1", "2001:db8::1", "fd00::1");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_ut *u = bound_to(cases[i].bind);
        CU_ASSERT_EQUAL(kith_ut_advertise_find(u, NULL), 0);
        CU_ASSERT_STRING_EQUAL(advertised(u), cases[i].advertised);
        CU_ASSERT_TRUE(u->address.guessed);
        free(u);
    }
    struct kith_ut *u = bound_to("10.0.0.1:7946");
    CU_ASSERT_EQUAL(kith_ut_advertise_find(u, NULL), 0);
    CU_ASSERT_FALSE(u->address.guessed); /* nothing to watch */
    free(u);
    HAS("169.254.1.1", "fe80::1");
    struct kith_error err = {.size = sizeof err};
    u = bound_to(":7946");
    CU_ASSERT_EQUAL(kith_ut_advertise_find(u, &err), -KITH_ENOTFOUND);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "169.254.1.1 on test-if"));
    free(u);
}

/* Better than nothing, but that it is public is said. */
static void test_public(void)
{
    static const struct {
        const char *bind, *advertised;
        const char *has[4];
    } cases[] = {
        {"0.0.0.0:7946", "192.0.2.1:7946", {"192.0.2.1", "169.254.1.1", "2001:db8::1"}},
        {":7946", "[2001:db8::1]:7946", {"2001:db8::1", "fe80::1"}},
        {"[::]:7946", "[2001:db8::1]:7946", {"192.0.2.1", "2001:db8::1"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_ut *u = bound_to(cases[i].bind);
        machine_has(cases[i].has);
        CU_ASSERT_EQUAL(kith_ut_advertise_find(u, NULL), 0);
        CU_ASSERT_STRING_EQUAL(advertised(u), cases[i].advertised);
        CU_ASSERT_PTR_NOT_NULL(strstr(logged, "which is public"));
        *logged = 0;
        HAS("10.0.0.1", "192.0.2.1", "2001:db8::1");
        if (i < 2) {
            CU_ASSERT_EQUAL(kith_ut_advertise_find(u, NULL), 0);
            CU_ASSERT_STRING_EQUAL(advertised(u), "10.0.0.1:7946");
            CU_ASSERT_STRING_EQUAL(logged, "");
        }
        free(u);
    }
}

/* Others take no other address from a node that runs: what is wrong is said, once. */
static void test_lost(void)
{
    struct kith_ut *u = bound_to("0.0.0.0:7946");
    HAS("10.0.0.1");
    CU_ASSERT_EQUAL(kith_ut_advertise_find(u, NULL), 0);
    HAS("192.168.0.1");
    on_quiet(u);
    CU_ASSERT_STRING_EQUAL(advertised(u), "10.0.0.1:7946");
    CU_ASSERT_EQUAL(u->later.changed, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "10.0.0.1:7946 is gone"));
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "follow_address"));
    CU_ASSERT_PTR_NOT_NULL(ill);
    *logged = 0;
    on_quiet(u);
    CU_ASSERT_STRING_EQUAL(logged, "");
    HAS("192.168.0.1", "10.0.0.1");
    on_quiet(u);
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "10.0.0.1:7946 is back"));
    CU_ASSERT_PTR_NULL(ill);
    free(u);
}

static void test_gone(void)
{
    struct kith_ut *u = bound_to("0.0.0.0:7946");
    u->follow_address = true;
    HAS("10.0.0.1");
    CU_ASSERT_EQUAL(kith_ut_advertise_find(u, NULL), 0);

    HAS("10.0.0.0", "10.0.0.1", "192.168.0.1"); /* others beside it: it stays */
    on_quiet(u);
    CU_ASSERT_STRING_EQUAL(advertised(u), "10.0.0.1:7946");
    CU_ASSERT_EQUAL(u->later.changed, 0);

    HAS("192.168.0.1"); /* it is gone: another one, and that is said */
    on_quiet(u);
    CU_ASSERT_STRING_EQUAL(advertised(u), "192.168.0.1:7946");
    CU_ASSERT_EQUAL(u->later.changed, KITH_CHANGED_ADDRESS);
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "10.0.0.1:7946 is gone; it is 192.168.0.1:7946 now"));

    u->later.changed = 0;
    HAS("169.254.1.1"); /* nothing to put in its place */
    on_quiet(u);
    CU_ASSERT_STRING_EQUAL(advertised(u), "192.168.0.1:7946");
    CU_ASSERT_EQUAL(u->later.changed, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(logged, "is gone; bind:"));

    HAS("192.168.0.1"); /* back again: as if nothing had been */
    on_quiet(u);
    CU_ASSERT_EQUAL(u->later.changed, 0);

    list_fails = true;
    HAS("10.9.9.9");
    on_quiet(u);
    CU_ASSERT_EQUAL(u->later.changed, 0);
    list_fails = false;
    free(u);
}

KITH_TESTS("transports/addresses", {"the guess", test_guess}, {"a public one", test_public},
           {"the guess is lost", test_lost}, {"the guess is gone", test_gone})
