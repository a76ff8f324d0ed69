/*
 * test_leaks.c - instances that leave something behind, on the real services: at the end, when they
 * are replaced, when they are taken over, when they can't start.
 */
#include "../test.h"
#include "host.h"
#include <sys/socket.h>
#include <unistd.h>

/* What the plugin does wrong in the test at hand. */
static struct {
    bool keeps_watch, keeps_timer;
    int no_start; /* starts that fail */
} wrong;

static struct {
    int posted;
} saw;

struct leaky {
    const struct kith_host *host;
    int fds[2]; /* -1: none */
    struct kith_watch *watch;
    struct kith_timer *timer;
};

static void on_fd(void *arg, unsigned events) {}
static void on_time(void *arg) {}
static void on_post(void *arg) { saw.posted++; }

static int leaky_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct leaky *l = self;
    l->host = host;
    l->fds[0] = l->fds[1] = -1;
    return 0;
}

static int listen_on(struct leaky *l, struct kith_error *err)
{
    l->watch = l->host->watch(l->host, l->fds[0], KITH_READABLE, on_fd, l);
    l->timer = l->host->timer(l->host, on_time, l);
    if (!l->watch || !l->timer) return kith_fail(err, KITH_ENOMEM, "no watch");
    l->host->timer_set(l->timer, UINT64_MAX - 1);
    return l->host->post(l->host, on_post, l);
}

static int leaky_start(void *self, struct kith_error *err)
{
    struct leaky *l = self;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, l->fds)) return -KITH_EIO;
    int rc = listen_on(l, err);
    if (rc || !wrong.no_start) return rc;
    wrong.no_start--;
    return kith_fail(err, KITH_EADDRINUSE, "in use");
}

static void let_go(struct leaky *l)
{
    if (!wrong.keeps_watch) {
        l->host->watch_free(l->watch);
        l->watch = NULL;
    }
    if (!wrong.keeps_timer) {
        l->host->timer_free(l->timer);
        l->timer = NULL;
    }
}

static int leaky_adopt(void *self, void *former, struct kith_error *err)
{
    struct leaky *l = self, *old = former;
    let_go(old);
    memcpy(l->fds, old->fds, sizeof l->fds);
    int rc = listen_on(l, err);
    if (rc) {
        l->fds[0] = l->fds[1] = -1; /* still the former one's */
        return rc;
    }
    old->fds[0] = old->fds[1] = -1;
    return 0;
}

static void close_all(struct leaky *l)
{
    for (int i = 0; i < 2; i++)
        if (l->fds[i] >= 0) close(l->fds[i]);
    l->fds[0] = l->fds[1] = -1;
}

static void leaky_stop(void *self)
{
    let_go(self);
    close_all(self);
}

/* What a start that failed has made. */
static void leaky_fini(void *self)
{
    let_go(self);
    close_all(self);
}

static const struct kith_delegate_ops ops = {.size = sizeof ops};
static const struct kith_plugin leaky = {
    KITH_HEADER(DELEGATE), .name = "leaky",    .instance_size = sizeof(struct leaky),
    .ops = &ops,           .init = leaky_init, .start = leaky_start,
    .stop = leaky_stop,    .fini = leaky_fini};

/* ------------------------------------------------------------------------------------ fixture */

struct fixture {
    struct kith_loop *loop;
    struct kith_log *log;
    struct kith_services *services;
    struct kith_host_maker maker;
    struct kith_plugin plugin;
    struct kith_entry entry;
    struct kith_error err;
    int watches, timers; /* lines that blame for one, or for both */
    int adopts;          /* those of them that say so */
    double breaches;
};

static void keep(void *ctx, enum kith_log_level level, const char *line)
{
    struct fixture *f = ctx;
    if (strstr(line, "leaky: broke its contract: left ") != line) return;
    f->watches += strstr(line, " 1 watch (descriptor ") != NULL;
    f->timers += strstr(line, " 1 timer behind after ") != NULL;
    f->adopts += strstr(line, " behind after adopt") != NULL;
}

static void set_up(struct fixture *f, bool adopts)
{
    memset(f, 0, sizeof *f);
    memset(&wrong, 0, sizeof wrong);
    memset(&saw, 0, sizeof saw);
    struct kith_log_setup log = {.level = KITH_LOG_TRACE, .hook = keep, .hook_ctx = f};
    f->loop = kith_loop_new();
    CU_ASSERT_EQUAL_FATAL(kith_log_new(&f->log, &log, NULL), 0);
    f->services = kith_services_new(f->loop, f->log, NULL);
    f->maker = kith_services_maker(f->services);
    f->plugin = leaky;
    if (adopts) f->plugin.adopt = leaky_adopt;
    f->err.size = sizeof f->err;
    CU_ASSERT_EQUAL_FATAL(
        kith_entry_init(&f->entry, &f->plugin, KITH_PROFILE_LAN, NULL, 0, &f->err), 0);
}

/* Nothing is left to wait for, so `kith run` ends; and nothing aborts. */
static void tear_down(struct fixture *f)
{
    kith_loop_turn(f->loop, 0);
    CU_ASSERT_FALSE(kith_loop_turn(f->loop, 0));
    kith_entry_fini(&f->entry);
    kith_services_free(f->services);
    kith_loop_free(f->loop);
    kith_log_free(f->log);
}

static struct kith_instance *make(struct fixture *f)
{
    struct kith_instance *in = NULL;
    CU_ASSERT_EQUAL_FATAL(kith_instance_new(&in, &f->entry, &f->maker, NULL, &f->err), 0);
    return in;
}

static void read_breaches(void *arg, const struct kith_stat *stat)
{
    struct fixture *f = arg;
    if (strcmp(stat->name, "contract_breaches") == 0) f->breaches = stat->value;
}

static struct kith_instance *started(struct fixture *f, struct kith_instance *former)
{
    struct kith_instance *in = make(f);
    CU_ASSERT_EQUAL_FATAL(kith_instance_start(in, former, &f->err), 0);
    return in;
}

/* -------------------------------------------------------------------------------------- tests */

static void test_tidy(void)
{
    struct fixture f;
    set_up(&f, true);
    struct kith_instance *first = started(&f, NULL), *second = started(&f, first);
    kith_instance_free(first);
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(saw.posted, 1); /* what the first one posted ended with it */
    kith_instance_free(second);
    tear_down(&f);
    CU_ASSERT_EQUAL(f.watches + f.timers, 0);
}

static void test_at_the_end(void)
{
    struct fixture f;
    set_up(&f, false);
    wrong.keeps_watch = wrong.keeps_timer = true;
    kith_instance_free(started(&f, NULL));
    tear_down(&f);
    CU_ASSERT(f.watches == 1 && f.timers == 1);
}

static void test_replaced(void)
{
    struct fixture f;
    set_up(&f, false);
    wrong.keeps_timer = wrong.keeps_watch = true;
    struct kith_instance *first = started(&f, NULL), *second = started(&f, first);
    kith_instance_free(first);
    CU_ASSERT(f.watches == 1 && f.timers == 1);
    kith_services_stats(f.services, read_breaches, &f);
    CU_ASSERT_EQUAL(f.breaches, 1);
    kith_instance_free(second);
    tear_down(&f);
    CU_ASSERT(f.watches == 2 && f.timers == 2);
}

static void test_taken_over(void)
{
    struct fixture f;
    set_up(&f, true);
    wrong.keeps_timer = true;
    struct kith_instance *first = started(&f, NULL), *second = started(&f, first);
    kith_instance_free(first);
    CU_ASSERT(f.watches == 0 && f.timers == 1 && f.adopts == 1);
    kith_instance_free(second);
    tear_down(&f);
    CU_ASSERT(f.timers == 2 && f.adopts == 1);
}

/* Who adopts without ending the former one's watch gets none: a descriptor is watched once. The
 * former one goes on. */
static void test_adopt_fails(void)
{
    struct fixture f;
    set_up(&f, true);
    struct kith_instance *first = started(&f, NULL), *second = make(&f);
    wrong.keeps_watch = wrong.keeps_timer = true;
    CU_ASSERT_NOT_EQUAL(kith_instance_start(second, first, &f.err), 0);
    CU_ASSERT_TRUE(kith_instance_runs(first));
    kith_instance_free(second);
    CU_ASSERT_EQUAL(f.timers, 1); /* that of the one who failed */
    wrong.keeps_watch = wrong.keeps_timer = false;
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(saw.posted, 1);
    kith_instance_free(first);
    tear_down(&f);
    CU_ASSERT_EQUAL(f.watches, 0);
}

/* A start that fails is no breach when fini frees; and the former one, which was stopped for it,
 * comes back and may post again. */
static void test_start_fails(void)
{
    struct fixture f;
    set_up(&f, false);
    struct kith_instance *first = started(&f, NULL), *second = make(&f);
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(saw.posted, 1);
    wrong.no_start = 1;
    CU_ASSERT_EQUAL(kith_instance_start(second, first, &f.err), -KITH_EADDRINUSE);
    CU_ASSERT_TRUE(kith_instance_runs(first));
    kith_instance_free(second);
    kith_loop_turn(f.loop, 0);
    CU_ASSERT_EQUAL(saw.posted, 2);
    kith_instance_free(first);
    tear_down(&f);
    CU_ASSERT_EQUAL(f.watches + f.timers, 0);
}

KITH_TESTS("runtime/leaks", {"who leaves nothing", test_tidy}, {"at the end", test_at_the_end},
           {"replaced", test_replaced}, {"taken over", test_taken_over},
           {"adopt fails", test_adopt_fails}, {"start fails", test_start_fails})
