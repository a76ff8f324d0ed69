/*
 * test_addressing.c - what udp_tcp makes of `bind`, `advertise` and addresses as text, and what it
 * says when it can't.
 */
#include "ends.h"
#include "raw.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define V4 "bind: '127.0.0.1:0'"

#define SAYS(settings, ...) \
    do { \
        struct end *e_ = end_new(settings); \
        CU_ASSERT_PTR_NULL(e_); \
        end_free(e_); \
        const char *words_[] = {__VA_ARGS__}; \
        for (size_t w_ = 0; w_ < sizeof words_ / sizeof *words_; w_++) \
            if (!strstr(err_text, words_[w_])) { \
                fprintf(stderr, "\n%s\n  lacks: %s\n", err_text, words_[w_]); \
                CU_FAIL("error text"); \
            } \
    } while (0)

/* A port that is taken for UDP, and for TCP is ours: held by a socket that does not listen, so that
 * it may be shared. */
static void take_udp(int *tcp, int *udp, uint16_t *port)
{
    for (;;) {
        struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
        socklen_t len = sizeof sa;
        int on = 1;
        *tcp = socket(AF_INET, SOCK_STREAM, 0);
        *udp = raw_socket(SOCK_DGRAM, port);
        getsockname(*udp, (struct sockaddr *)&sa, &len);
        setsockopt(*tcp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(*tcp, (struct sockaddr *)&sa, sizeof sa) == 0) return;
        close(*tcp);
        close(*udp);
    }
}

static void test_bad_settings(void)
{
    char settings[100];
    uint16_t port;
    ends_begin(true);
    struct end *a = end_new(V4);
    snprintf(settings, sizeof settings, "bind: '127.0.0.1:%u'", a->addr.port);
    SAYS(settings, "TCP port", "127.0.0.1:", "in use by another program",
         "choose another port in `bind`");
    int tcp, udp;
    take_udp(&tcp, &udp, &port);
    snprintf(settings, sizeof settings, "bind: '127.0.0.1:%u'", port);
    SAYS(settings, "UDP port", "in use by another program");
    close(tcp);
    close(udp);
    SAYS("bind: '192.0.2.77:0'", "this machine has no such address", "`advertise`");
    SAYS("bind: 'example.org:7946'", "'example.org' is not an IP address");
    SAYS("bind: '127.0.0.1:70000'", "'127.0.0.1:70000' is not an address", "192.0.2.1:7946");
    SAYS("bind: '[::1'", "is not an address");
    SAYS("bind: [ '127.0.0.1:0', '127.0.0.1:0' ]", "twice");
    SAYS("bind: '127.0.0.1:0', advertise: 0.0.0.0", "nobody can reach 0.0.0.0",
         "stands for every address");
    SAYS("bind: '127.0.0.1:0', advertise: '::'", "nobody can reach ::");
    SAYS("bind: '127.0.0.1:0', advertise: '224.0.0.1:7946'", "multicast");
    SAYS("bind: '127.0.0.1:0', advertise: '255.255.255.255'", "reserved");
    SAYS("bind: '127.0.0.1:0', advertise: web.example.org", "not a name");
    SAYS("bind: '127.0.0.1:0', advertise: '10.0.0.1:x'", "is not an address");
    SAYS("bind: '0.0.0.0:0', interface: nosuchif0", "'nosuchif0' has no address",
         "127.0.0.1 on lo");
    end_free(a);
    ends_finish();
}

static void test_privileged_port(void)
{
    unsigned first = 1024;
    FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
    if (f && fscanf(f, "%u", &first) != 1) first = 1024;
    if (f) fclose(f);
    if (first < 80) return; /* every port is free for all here */
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        ends_begin(true);
        end_free(end_new("bind: '127.0.0.1:0'")); /* load the plugin while its folder can be read */
        if (geteuid() == 0 && seteuid(65534)) _exit(2);
        struct end *e = end_new("bind: '127.0.0.1:79'");
        _exit(e                                                                           ? 3
              : strstr(err_text, "no permission for port 79") && strstr(err_text, "1024") ? 0
                                                                                          : 4);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
}

static void test_advertise(void)
{
    ends_begin(true);
    struct end *e = end_new("bind: '127.0.0.1:0', advertise: '203.0.113.9'");
    CU_ASSERT_PTR_NOT_NULL_FATAL(e);
    CU_ASSERT(e->addr.len == 4 && e->addr.bytes[0] == 203 && e->addr.port > 0);
    end_free(e);
    e = end_new("bind: '127.0.0.1:0', advertise: '[2001:db8::5]:81'");
    CU_ASSERT(e && e->addr.len == 16 && e->addr.bytes[15] == 5 && e->addr.port == 81);
    end_free(e);
    e = end_new("bind: '0.0.0.0:0', interface: lo");
    CU_ASSERT(e && e->addr.len == 4 && e->addr.bytes[0] == 127);
    end_free(e);
    e = end_new("bind: ':0', advertise: '::ffff:10.0.0.1'"); /* one form for one place */
    CU_ASSERT(e && e->addr.len == 4 && e->addr.bytes[0] == 10);
    end_free(e);
    /* A wildcard alone is guessed, if the machine has a private address; else the error says what
     * to do. */
    e = end_new("bind: '0.0.0.0:0'");
    if (e) CU_ASSERT(e->addr.len == 4 && e->addr.bytes[0] != 0 && e->addr.bytes[0] != 127);
    if (!e) CU_ASSERT_PTR_NOT_NULL(strstr(err_text, "set `advertise`"));
    end_free(e);
    ends_finish();
}

static void test_text(void)
{
    static const struct {
        const char *text;
        int rc;
        uint16_t port;
        uint8_t len, first, last;
        const char *again; /* of an address: as format has it; of a name: the part to resolve */
    } cases[] = {
        {"127.0.0.1", 0, 0, 4, 127, 1, "127.0.0.1"},
        {"127.0.0.1:99", 0, 99, 4, 127, 1, "127.0.0.1:99"},
        {"127.0.0.1:65535", 0, 65535, 4, 127, 1, "127.0.0.1:65535"},
        {"[::1]:99", 0, 99, 16, 0, 1, "[::1]:99"},
        {"[::1]", 0, 0, 16, 0, 1, "::1"},
        {"::1", 0, 0, 16, 0, 1, "::1"},
        {"fe80::2", 0, 0, 16, 0xfe, 2, "fe80::2"},
        {"[::ffff:10.1.2.3]:99", 0, 99, 4, 10, 3, "10.1.2.3:99"},
        {"web-1.example.org", -KITH_ENAME, 0, .again = "web-1.example.org"},
        {"web-1.example.org:80", -KITH_ENAME, 80, .again = "web-1.example.org"},
        {"127.1", -KITH_ENAME, 0, .again = "127.1"},
        {"_kith._udp.example.org", -KITH_ENAME, 0, .again = "_kith._udp.example.org"},
        {"", -KITH_EINVAL},
        {":80", -KITH_EINVAL},
        {"a b", -KITH_EINVAL},
        {"1.2.3.4/8", -KITH_EINVAL},
        {"web-1/10.0.0.1:80", -KITH_EINVAL},
        {"::1::2", -KITH_EINVAL},
        {"[::1", -KITH_EINVAL},
        {"[::1]x", -KITH_EINVAL},
        {"[::1]:", -KITH_EINVAL},
        {"[web]:80", -KITH_EINVAL},
        {"127.0.0.1:", -KITH_EINVAL},
        {"127.0.0.1:65536", -KITH_EINVAL},
        {"127.0.0.1:99999999999999999999", -KITH_EINVAL},
        {"127.0.0.1:+9", -KITH_EINVAL},
        {"web:8x", -KITH_EINVAL},
    };
    char text[80];
    ends_begin(true);
    struct end *e = end_made(V4); /* init is enough */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_addr a;
        struct kith_bytes host = {NULL, 0};
        char *exact = strdup(cases[i].text); /* so that reading past its end is noticed */
        int rc = e->ops->parse(e->self, kith_bytes_of(exact, strlen(exact)), &a, &host);
        CU_ASSERT_EQUAL(rc, cases[i].rc);
        if (rc == 0 || rc == -KITH_ENAME) CU_ASSERT_EQUAL(a.port, cases[i].port);
        if (rc == -KITH_ENAME) CU_ASSERT_TRUE(kith_bytes_equal(host, kith_text(cases[i].again)));
        free(exact);
        if (rc) continue;
        CU_ASSERT(a.len == cases[i].len && a.bytes[0] == cases[i].first &&
                  a.bytes[a.len - 1] == cases[i].last);
        CU_ASSERT_EQUAL(e->ops->format(e->self, &a, text, sizeof text),
                        (int)strlen(cases[i].again));
        CU_ASSERT_STRING_EQUAL(text, cases[i].again);
    }
    struct kith_addr a, odd = {.len = 3, .bytes = {1, 2, 255}}, host_only = v4(0);
    struct kith_bytes host, nul = {(const uint8_t *)"127.0.0.1\0junk", 14};
    struct kith_addr mapped = {
        .port = 9, .len = 16, .bytes = {[10] = 0xff, [11] = 0xff, 1, 2, 3, 4}};
    CU_ASSERT_EQUAL(e->ops->parse(e->self, nul, &a, &host), -KITH_EINVAL);
    CU_ASSERT_EQUAL(e->ops->parse(e->self, kith_bytes_of(NULL, 0), &a, &host), -KITH_EINVAL);
    e->ops->format(e->self, &odd, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "0102ff");
    e->ops->format(e->self, &host_only, text, sizeof text);
    CU_ASSERT_STRING_EQUAL(text, "127.0.0.1");
    e->ops->format(e->self, &mapped, text, sizeof text); /* others' form is shown as it is */
    CU_ASSERT_STRING_EQUAL(text, "[::ffff:1.2.3.4]:9");
    CU_ASSERT_EQUAL(e->ops->format(e->self, &mapped, text, 5), 18);
    CU_ASSERT_STRING_EQUAL(text, "[::f");
    end_free(e);
    ends_finish();
}

KITH_TESTS("transports/addressing", {"bad settings say what to change", test_bad_settings},
           {"privileged port", test_privileged_port}, {"advertise", test_advertise},
           {"addresses as text", test_text})
