/*
 * test_resolve.c - what users write after `join`, and names over a nameserver of the test's own.
 */
#include "../test.h"
#include "dns_server.h"
#include "resolve.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

/* ----------------------------------------------------------------------------------- entries */

static void test_where(void)
{
    static const struct {
        const char *text, *name, *host;
        int port; /* -1: refused */
    } cases[] = {
        {"10.0.0.1", "", "10.0.0.1", 7946},
        {"10.0.0.1:80", "", "10.0.0.1", 80},
        {"seed.example.org:8301", "", "seed.example.org", 8301},
        {"web-1/10.0.0.1:80", "web-1", "10.0.0.1", 80},
        {"web-1/seed", "web-1", "seed", 7946},
        {"a/b/c", "a", "b/c", 7946}, /* cut at the first slash */
        {"::1", "", "::1", 7946},
        {"fe80::1:7946", "", "fe80::1:7946", 7946}, /* unbracketed IPv6 has no port */
        {"[::1]", "", "::1", 7946},
        {"[::1]:99", "", "::1", 99},
        {"n/[2001:db8::1]:99", "n", "2001:db8::1", 99},
        {"[10.0.0.1]:99", "", "10.0.0.1", 99},
        {"host:0", "", "host", 0},
        {"host:65535", "", "host", 65535},
        {"/host", NULL, NULL, -1},
        {"host:65536", NULL, NULL, -1},
        {"host:", NULL, NULL, -1},
        {"host:-1", NULL, NULL, -1},
        {"host:+1", NULL, NULL, -1},
        {"host:80x", NULL, NULL, -1},
        {"host:000000080", NULL, NULL, -1},
        {":80", NULL, NULL, -1},
        {"", NULL, NULL, -1},
        {"web-1/", NULL, NULL, -1},
        {"[::1", NULL, NULL, -1},
        {"[]:80", NULL, NULL, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct kith_where w;
        struct kith_error err = {.size = sizeof err};
        int rc = kith_where_parse(&w, cases[i].text, 7946, &err);
        if (cases[i].port < 0) {
            CU_ASSERT_EQUAL(rc, -KITH_EINVAL);
            CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].text));
            continue;
        }
        CU_ASSERT_EQUAL_FATAL(rc, 0);
        CU_ASSERT(w.name.len == strlen(cases[i].name) &&
                  memcmp(w.name.data, cases[i].name, w.name.len) == 0);
        CU_ASSERT_STRING_EQUAL(w.host, cases[i].host);
        CU_ASSERT_EQUAL(w.port, cases[i].port);
    }
    char text[600];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = 0;
    struct kith_where w;
    CU_ASSERT_EQUAL(kith_where_parse(&w, text, 1, NULL), -KITH_EINVAL);
}

/* ----------------------------------------------------------------------------------- fixture */

static const struct dns_record records[] = {
    {"seeds.example.org", DNS_A, "10.0.0.1"},
    {"seeds.example.org", DNS_A, "10.0.0.2"},
    {"seeds.example.org", DNS_A, "10.0.0.1"},
    {"seeds.example.org", DNS_AAAA, "2001:db8::1"},
    {"seeds.example.org", DNS_CNAME, "other.example.org"},
    {"plain", DNS_A, "10.0.0.9"},
    {"empty.example.org", DNS_CNAME, "nowhere.example.org"},
    {"_kith._tcp.example.org", DNS_SRV, "two.example.org", 8002, 20},
    {"_kith._tcp.example.org", DNS_SRV, "one.example.org", 8001, 10},
    {"_kith._tcp.example.org", DNS_SRV, "gone.example.org", 8003, 30},
    {"one.example.org", DNS_A, "10.0.1.1"},
    {"two.example.org", DNS_AAAA, "2001:db8::2"},
};

struct fixture {
    struct kith_loop *loop;
    struct kith_log *log;
    struct dns_server server;
    struct kith_resolver *resolver;
    char path[40];
    int done, status;
    size_t count;
    struct kith_addr addrs[64];
};

static int late; /* steps that ended by their deadline */

static void watch_log(void *ctx, enum kith_log_level level, const char *line)
{
    late += strstr(line, "no answer in time") != NULL;
}

static int parse(void *ctx, const char *host, uint16_t port, struct kith_addr *out)
{
    *out = (struct kith_addr){.port = port};
    if (strchr(host, ' ')) return -KITH_EINVAL;
    if (inet_pton(AF_INET, host, out->bytes) == 1)
        out->len = 4;
    else if (inet_pton(AF_INET6, host, out->bytes) == 1)
        out->len = 16;
    else
        return -KITH_ENAME;
    return 0;
}

static void done(void *arg, int status, const struct kith_addr *addrs, size_t n)
{
    struct fixture *f = arg;
    CU_ASSERT_FATAL(n <= 64);
    f->done++;
    f->status = status;
    f->count = n;
    if (n) memcpy(f->addrs, addrs, n * sizeof *addrs);
}

static void set_up(struct fixture *f, bool real, bool with_tcp)
{
    char servers[40];
    struct kith_log_setup log = {.level = KITH_LOG_TRACE, .hook = watch_log};
    memset(f, 0, sizeof *f);
    late = 0;
    f->loop = real ? kith_loop_new() : kith_loop_new_virtual(1, SECOND);
    CU_ASSERT_EQUAL_FATAL(kith_log_new(&f->log, &log, NULL), 0);
    f->server.records = records;
    f->server.count = sizeof records / sizeof *records;
    dns_server_start(&f->server, f->loop, with_tcp);
    snprintf(f->path, sizeof f->path, "/tmp/kith-resolv-XXXXXX");
    int fd = mkstemp(f->path);
    dprintf(fd,
            "# a comment\nsearch example.org\nnameserver nonsense\n  nameserver "
            "127.0.0.1:%u\nnameserver 192.0.2.1\n",
            f->server.port);
    close(fd);
    snprintf(servers, sizeof servers, "127.0.0.1:%u", f->server.port);
    struct kith_resolver_setup setup = {
        .dns_config_path = f->path, .system_servers = servers, .parse = parse};
    f->resolver = kith_resolver_new(f->loop, f->log, &setup);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->resolver);
}

static void tear_down(struct fixture *f)
{
    kith_resolver_free(f->resolver);
    dns_server_stop(&f->server);
    kith_loop_free(f->loop);
    kith_log_free(f->log);
    unlink(f->path);
}

static void resolve(struct fixture *f, const char *host)
{
    int before = f->done;
    CU_ASSERT_EQUAL_FATAL(kith_resolve(f->resolver, host, 7946, done, f, NULL), 0);
    CU_ASSERT_EQUAL(f->done, before); /* never from inside the call */
    while (f->done == before) kith_loop_turn(f->loop, 100000000);
    CU_ASSERT_EQUAL_FATAL(f->done, before + 1);
    CU_ASSERT_EQUAL(late, f->server.silent ? 2 : 0);
}

static bool has(const struct fixture *f, const char *ip, uint16_t port)
{
    struct kith_addr a;
    CU_ASSERT_EQUAL(parse(NULL, ip, port, &a), 0);
    for (size_t i = 0; i < f->count; i++)
        if (kith_addr_equal(&f->addrs[i], &a)) return true;
    return false;
}

/* ------------------------------------------------------------------------------------- names */

static void test_literal(void)
{
    struct fixture f;
    set_up(&f, true, true);
    resolve(&f, "10.9.8.7");
    CU_ASSERT(f.status == 0 && f.count == 1 && has(&f, "10.9.8.7", 7946));
    resolve(&f, "2001:db8::9");
    CU_ASSERT(f.status == 0 && f.count == 1 && has(&f, "2001:db8::9", 7946));
    resolve(&f, "not an address");
    CU_ASSERT_EQUAL(f.status, -KITH_EINVAL);
    CU_ASSERT_EQUAL(f.server.tcp + f.server.udp, 0);
    CU_ASSERT_EQUAL(kith_resolve(f.resolver, "", 1, done, &f, NULL), -KITH_EINVAL);
    tear_down(&f);
}

static void check_seeds(const struct fixture *f)
{
    CU_ASSERT_EQUAL(f->status, 0);
    CU_ASSERT_EQUAL(f->count, 3); /* no repeats, no CNAME */
    CU_ASSERT(has(f, "10.0.0.1", 7946) && has(f, "10.0.0.2", 7946) && has(f, "2001:db8::1", 7946));
}

static void test_tcp_first(void)
{
    struct fixture f;
    set_up(&f, true, true);
    resolve(&f, "seeds.example.org");
    check_seeds(&f);
    CU_ASSERT_EQUAL(f.server.tcp, 1); /* one question, ANY */
    CU_ASSERT_EQUAL(f.server.any, 1);
    CU_ASSERT_EQUAL(f.server.udp, 0);
    tear_down(&f);
}

static void test_any_refused(void)
{
    struct fixture f;
    set_up(&f, true, true);
    f.server.refuse_any = true;
    resolve(&f, "seeds.example.org");
    check_seeds(&f);
    CU_ASSERT_EQUAL(f.server.tcp, 3); /* ANY, A, AAAA */
    CU_ASSERT_EQUAL(f.server.udp, 0);
    tear_down(&f);
}

static void test_no_tcp(void)
{
    struct fixture f;
    set_up(&f, true, false);
    resolve(&f, "seeds.example.org");
    check_seeds(&f);
    CU_ASSERT_EQUAL(f.server.udp, 2); /* the system's way */
    tear_down(&f);
}

static void test_no_dns_config(void)
{
    struct fixture f;
    set_up(&f, true, true);
    unlink(f.path);
    resolve(&f, "seeds.example.org");
    check_seeds(&f);
    CU_ASSERT_EQUAL(f.server.tcp, 0);
    CU_ASSERT_EQUAL(f.server.udp, 2);
    tear_down(&f);
}

static void test_plain_name(void)
{
    struct fixture f;
    set_up(&f, true, true);
    resolve(&f, "localhost"); /* the hosts file, or what the standard says */
    CU_ASSERT(f.status == 0 && (has(&f, "127.0.0.1", 7946) || has(&f, "::1", 7946)));
    CU_ASSERT_EQUAL(f.server.tcp, 0); /* no dot, no TCP */
    tear_down(&f);
}

static void test_not_found(void)
{
    struct fixture f;
    set_up(&f, true, true);
    resolve(&f, "missing.example.org");
    CU_ASSERT_EQUAL(f.status, -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(f.count, 0);
    CU_ASSERT(f.server.tcp > 0 && f.server.udp > 0); /* both ways were tried */
    resolve(&f, "empty.example.org");
    CU_ASSERT_EQUAL(f.status, -KITH_ENOTFOUND);
    tear_down(&f);
}

static void test_service(void)
{
    struct fixture f;
    set_up(&f, true, true);
    resolve(&f, "_kith._tcp.example.org");
    CU_ASSERT_EQUAL(f.status, 0);
    CU_ASSERT_EQUAL_FATAL(f.count, 2); /* one target does not resolve: the others do */
    CU_ASSERT(has(&f, "10.0.1.1", 8001) && has(&f, "2001:db8::2", 8002));
    CU_ASSERT_EQUAL(f.addrs[0].port, 8001); /* by priority */
    resolve(&f, "_none._tcp.example.org");
    CU_ASSERT_EQUAL(f.status, -KITH_ENOTFOUND);
    tear_down(&f);
}

/* Nobody answers: both ways have their time, then it is over. */
static void test_timeout(void)
{
    struct fixture f;
    set_up(&f, false, true);
    f.server.silent = true;
    uint64_t began = kith_loop_now(f.loop);
    resolve(&f, "seeds.example.org");
    CU_ASSERT_EQUAL(f.status, -KITH_ETIMEOUT);
    CU_ASSERT_EQUAL(kith_loop_now(f.loop) - began, 14 * SECOND);
    CU_ASSERT(f.server.tcp > 0 && f.server.udp > 0);
    tear_down(&f);
}

static int open_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

static void test_cancel(void)
{
    struct fixture f;
    struct kith_lookup *lookup;
    set_up(&f, true, true);
    f.server.silent = true;
    CU_ASSERT_EQUAL(kith_resolve(f.resolver, "seeds.example.org", 1, done, &f, &lookup), 0);
    kith_lookup_cancel(lookup); /* before anything happened */
    int before = open_fds();
    CU_ASSERT_EQUAL(kith_resolve(f.resolver, "seeds.example.org", 1, done, &f, &lookup), 0);
    for (int i = 0; i < 1000 && !f.server.tcp; i++) kith_loop_turn(f.loop, 100000000);
    kith_lookup_cancel(lookup); /* asked, not answered */
    for (int i = 0; i < 1000 && f.server.clients; i++) kith_loop_turn(f.loop, 100000000);
    CU_ASSERT_EQUAL(open_fds(), before);
    for (int i = 0; i < 10; i++) kith_resolve(f.resolver, "seeds.example.org", 1, done, &f, NULL);
    kith_resolve(f.resolver, "10.0.0.1", 1, done, &f, NULL);
    for (int i = 0; i < 1000 && f.server.tcp < 5; i++) kith_loop_turn(f.loop, 100000000);
    f.done = 0;
    kith_resolver_free(f.resolver); /* with questions open */
    f.resolver = NULL;
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(f.done, 0);
    tear_down(&f);
}

static void test_limit(void)
{
    struct fixture f;
    int rc, n = 0;
    set_up(&f, true, true);
    while ((rc = kith_resolve(f.resolver, "10.0.0.1", 1, done, &f, NULL)) == 0 && n < 10000) n++;
    CU_ASSERT_EQUAL(rc, -KITH_EAGAIN);
    for (int i = 0; i < 10 && f.done < n; i++) kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(f.done, n);
    tear_down(&f);
}

static void free_inside(void *arg, int status, const struct kith_addr *addrs, size_t n)
{
    struct fixture *f = arg;
    kith_resolver_free(f->resolver);
    f->resolver = NULL;
    f->done++;
}

static void test_free_inside(void)
{
    struct fixture f;
    set_up(&f, true, true);
    kith_resolve(f.resolver, "10.0.0.1", 1, free_inside, &f, NULL);
    kith_resolve(f.resolver, "10.0.0.2", 1, free_inside, &f, NULL);
    for (int i = 0; i < 3; i++) kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(f.done, 1);
    tear_down(&f);
}

KITH_TESTS("runtime/resolve", {"entries of join", test_where}, {"literals", test_literal},
           {"TCP first", test_tcp_first}, {"ANY refused", test_any_refused},
           {"no TCP", test_no_tcp}, {"no DNS config", test_no_dns_config},
           {"a plain name", test_plain_name}, {"not found", test_not_found},
           {"services", test_service}, {"timeout", test_timeout}, {"cancel", test_cancel},
           {"limit", test_limit}, {"freed from inside", test_free_inside})
