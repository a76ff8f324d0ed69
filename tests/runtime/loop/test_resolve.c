/*
 * test_resolve.c - names, over a nameserver of the test's own.
 */
#include "../../test.h"
#include "dns_server.h"
#include "resolve.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

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

static struct kith_addr ip(const char *text, uint16_t port)
{
    struct kith_addr a = {.port = port};
    if (inet_pton(AF_INET, text, a.bytes) == 1)
        a.len = 4;
    else if (inet_pton(AF_INET6, text, a.bytes) == 1)
        a.len = 16;
    CU_ASSERT_FATAL(a.len);
    return a;
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
    struct kith_resolver_setup setup = {.dns_config_path = f->path, .system_servers = servers};
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
    CU_ASSERT_EQUAL_FATAL(kith_resolve(f->resolver, kith_text(host), 7946, done, f), 0);
    CU_ASSERT_EQUAL(f->done, before); /* never from inside the call */
    while (f->done == before) kith_loop_turn(f->loop, 100000000);
    CU_ASSERT_EQUAL_FATAL(f->done, before + 1);
    CU_ASSERT_EQUAL(late, f->server.silent ? 2 : 0);
}

static bool has(const struct fixture *f, const char *text, uint16_t port)
{
    struct kith_addr a = ip(text, port);
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
    CU_ASSERT_EQUAL(f.server.tcp + f.server.udp, 0);
    tear_down(&f);
}

static void test_no_host(void)
{
    static const struct kith_bytes refused[] = {{NULL, 0},
                                                {(const uint8_t *)"a\0b", 3},
                                                {(const uint8_t *)"not a name", 10},
                                                {(const uint8_t *)"bell\a", 5},
                                                {(const uint8_t *)"\x7f", 1}};
    struct fixture f;
    char text[KITH_HOST_TEXT_MAX];
    set_up(&f, false, false);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CU_ASSERT_EQUAL(kith_resolve(f.resolver, refused[i], 1, done, &f), -KITH_EINVAL);
    memset(text, 'a', sizeof text);
    struct kith_bytes host = kith_bytes_of(text, sizeof text);
    CU_ASSERT_EQUAL(kith_resolve(f.resolver, host, 1, done, &f), -KITH_EINVAL);
    host.len--;
    CU_ASSERT_EQUAL(kith_resolve(f.resolver, host, 1, done, &f), 0);
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

/* Whether it is not there, or a pipe that nobody writes to. */
static void without_dns_config(bool pipe)
{
    struct fixture f;
    set_up(&f, true, true);
    unlink(f.path);
    if (pipe) CU_ASSERT_EQUAL(mkfifo(f.path, 0600), 0);
    resolve(&f, "seeds.example.org");
    check_seeds(&f);
    CU_ASSERT_EQUAL(f.server.tcp, 0);
    CU_ASSERT_EQUAL(f.server.udp, 2);
    tear_down(&f);
}

static void test_no_dns_config(void) { without_dns_config(false); }
static void test_dns_config_is_a_pipe(void) { without_dns_config(true); }

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
    set_up(&f, true, true);
    f.server.silent = true;
    int before = open_fds();
    for (int i = 0; i < 10; i++)
        kith_resolve(f.resolver, kith_text("seeds.example.org"), 1, done, &f);
    kith_resolve(f.resolver, kith_text("10.0.0.1"), 1, done, &f);
    for (int i = 0; i < 1000 && f.server.tcp < 5; i++) kith_loop_turn(f.loop, 100000000);
    f.done = 0;
    kith_resolver_free(f.resolver); /* with questions open */
    f.resolver = NULL;
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(f.done, 0);
    for (int i = 0; i < 1000 && f.server.clients; i++) kith_loop_turn(f.loop, 100000000);
    CU_ASSERT_EQUAL(open_fds(), before);
    tear_down(&f);
}

static void test_limit(void)
{
    struct fixture f;
    int rc, n = 0;
    set_up(&f, true, true);
    while ((rc = kith_resolve(f.resolver, kith_text("10.0.0.1"), 1, done, &f)) == 0 && n < 10000)
        n++;
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
    kith_resolve(f.resolver, kith_text("10.0.0.1"), 1, free_inside, &f);
    kith_resolve(f.resolver, kith_text("10.0.0.2"), 1, free_inside, &f);
    for (int i = 0; i < 3; i++) kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(f.done, 1);
    tear_down(&f);
}

KITH_TESTS("runtime/resolve", {"literals", test_literal}, {"no name", test_no_host},
           {"TCP first", test_tcp_first}, {"ANY refused", test_any_refused},
           {"no TCP", test_no_tcp}, {"no DNS config", test_no_dns_config},
           {"the DNS config is a pipe", test_dns_config_is_a_pipe},
           {"a plain name", test_plain_name}, {"not found", test_not_found},
           {"services", test_service}, {"timeout", test_timeout}, {"cancel", test_cancel},
           {"limit", test_limit}, {"freed from inside", test_free_inside})
