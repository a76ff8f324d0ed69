/*
 * cmd_run.c - `kith run FILE`: a node from its file until a signal ends it; with --together one
 * from each of several files, all in one world.
 *
 * SIGTERM and SIGINT leave and exit 0, a second one stops at once; SIGHUP reloads; SIGPIPE is
 * ignored. All of it goes to all nodes; one that ends by itself leaves the others alone. A service
 * manager that asks for it is told when all are up (service.h).
 */
#include "cmd.h"

#include "control.h"
#include "fail.h"
#include "observer.h"
#include "service.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define LEAVE_TIMEOUT 5000000000u /* ns: as Serf's broadcast time-out */

static const char help[] =
    "Usage: kith run [OPTIONS] FILE\n"
    "       kith run --together [OPTIONS] FILE...\n\n"
    "Run the node that FILE describes until SIGTERM or SIGINT: it leaves the cluster\n"
    "and exits 0; a second signal stops it at once. SIGHUP reads the file again, as\n"
    "'kith reload' does. Exit 2: a file has errors, nothing was started.\n\n"
    "      --together           a node from each FILE, all in this process; signals go\n"
    "                           to all. When one ends the others run on; exit 1: any\n"
    "                           of them failed\n"
    "      --name NAME          node name instead of the file's\n"
    "      --socket PATH        control socket instead of the file's; '' for none\n"
    "      --plugin-path DIRS   look for plugins here first, colon separated\n"
    "  -h, --help\n";

/* Opened, started, closed: k is NULL before and after. */
struct run_node {
    struct kith *k;
    struct kith_observer observer;
    struct run *run;
};

struct run {
    struct kith_world *world;
    char **files; /* one for each node */
    struct run_node *nodes;
    size_t count, open;
    int pipe[2];
    struct kith_watch *watch;
    struct kith_service service;
    bool leaving, ended; /* ended: a node has, and is to be closed */
    int code;            /* not 0: one has failed */
};

/* What came, counted: a pipe may be full of it. The pipe wakes the loop, no more. */
static atomic_uint ends_asked, reloads_asked;
static int signal_pipe = -1;

static void on_signal(int number)
{
    int e = errno;
    atomic_fetch_add(number == SIGHUP ? &reloads_asked : &ends_asked, 1);
    if (write(signal_pipe, "", 1) < 0) { /* full: it wakes as it is */
    }
    errno = e;
}

/* ------------------------------------------------------------------------------------- signals */

static void stop(struct run_node *n)
{
    if (!n->k) return; /* it is being closed, and that told us */
    kith_stop(n->k);
    n->run->ended = true;
}

static void left(void *arg, int status, uint64_t value) { stop(arg); }

static void leave(struct run_node *n)
{
    const struct kith_node *node = kith_table(n->k);
    bool member = kith_node_ready(n->k); /* else there is nobody to say goodbye to */
    int rc = member ? node->leave(node, LEAVE_TIMEOUT, left, n) : 0;
    if (rc)
        kith_log_write(kith_node_logger(n->k), KITH_LOG_ERROR, "", "stops without a leave: %s",
                       kith_code_text(rc));
    if (rc || !member) stop(n);
}

/* What changed, or why nothing did, is in the log. */
static void reload(struct run_node *n) { kith_reload(n->k, NULL, NULL, NULL); }

static void each(struct run *run, void (*fn)(struct run_node *))
{
    for (size_t i = 0; i < run->count; i++)
        if (run->nodes[i].k) fn(&run->nodes[i]);
}

static void reload_all(struct run *run)
{
    char text[128];
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld\n",
             (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
    kith_service_say(&run->service, true, text);
    each(run, reload);
    kith_service_say(&run->service, false, "READY=1\n");
}

/* The end goes before a reload, of which there is one a turn: signals that come as fast as reloads
 * end hold up neither the nodes nor each other. */
static void signalled(void *arg, unsigned events)
{
    struct run *run = arg;
    char drained[4096];
    if (read(run->pipe[0], drained, sizeof drained) < 0) return;
    unsigned ends = atomic_exchange(&ends_asked, 0);
    bool reloads = atomic_exchange(&reloads_asked, 0) > 0;
    if (ends && (run->leaving || ends > 1)) {
        each(run, stop);
    } else if (ends) {
        run->leaving = true;
        kith_service_say(&run->service, true, "STOPPING=1\n");
        each(run, leave);
    } else if (reloads && !run->leaving) {
        reload_all(run);
    }
}

static int watch_signals(struct run *run)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    if (pipe2(run->pipe, O_CLOEXEC | O_NONBLOCK) < 0) return -1;
    signal_pipe = run->pipe[1];
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    run->watch =
        kith_loop_watch(kith_world_loop(run->world), run->pipe[0], KITH_READABLE, signalled, run);
    return run->watch ? 0 : -1;
}

/* --------------------------------------------------------------------------------------- nodes */

/* Whatever ends a node does so in a turn of its own. */
static void turn_ended(void *self)
{
    struct run_node *n = self;
    int code;
    if (kith_node_ended(n->k, &code)) n->run->ended = true;
}

/* It has said why when it could not. */
static int open_node(struct run *run, size_t i, const struct kith_options *options)
{
    struct run_node *n = &run->nodes[i];
    struct kith_node_setup setup = {.path = run->files[i], .world = run->world, .problems = stderr};
    int rc = kith_node_open(&n->k, &setup, options, NULL);
    if (rc) return rc;
    run->open++;
    n->run = run;
    n->observer = (struct kith_observer){.self = n, .turn_ended = turn_ended};
    rc = kith_control_attach(n->k, NULL);
    if (!rc) kith_observer_add(n->k, &n->observer);
    return rc;
}

/* All files are read, so that all that is wrong is told. */
static int open_all(struct run *run, const struct kith_options *options)
{
    int rc = 0;
    run->nodes = calloc(run->count, sizeof *run->nodes);
    run->world = kith_world_new(options->plugin_path);
    if (!run->nodes || !run->world)
        return kith_tool_fail("run", KITH_EXIT_FAILED, "the event loop can't be made: %s",
                              strerror(errno));
    for (size_t i = 0; i < run->count; i++)
        if (open_node(run, i, options)) rc = KITH_EXIT_USAGE;
    return rc;
}

/* No turn comes between them: nobody has heard of those that started when one does not. */
static int start_all(struct run *run)
{
    struct kith_error err = {.size = sizeof err};
    for (size_t i = 0; i < run->count; i++) {
        if (kith_start(run->nodes[i].k, &err) == 0) continue;
        if (run->count > 1)
            return kith_tool_fail("run", KITH_EXIT_FAILED, "%s: %s", run->files[i], err.text);
        return kith_tool_fail("run", KITH_EXIT_FAILED, "%s", err.text);
    }
    return 0;
}

static void close_node(struct run_node *n)
{
    struct kith *k = n->k;
    n->k = NULL;
    n->run->open--;
    kith_close(k);
}

static void close_if_ended(struct run_node *n)
{
    int code;
    if (!kith_node_ended(n->k, &code)) return;
    if (code) n->run->code = KITH_EXIT_FAILED;
    close_node(n);
}

static void run_all(struct run *run)
{
    kith_service_begin(&run->service, kith_world_loop(run->world));
    kith_service_say(&run->service, true, "READY=1\n");
    while (run->open) {
        kith_loop_turn(kith_world_loop(run->world), UINT64_MAX);
        if (!run->ended) continue;
        run->ended = false;
        each(run, close_if_ended);
    }
    kith_service_end(&run->service);
}

/* Each node has some sockets, and who watches them minds no large number. */
static void want_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int run_files(struct run *run, const struct kith_options *options)
{
    if (run->count > 1) want_descriptors();
    int code = open_all(run, options);
    if (!code && watch_signals(run) < 0)
        code = kith_tool_fail("run", KITH_EXIT_FAILED, "signals: %s", strerror(errno));
    if (!code) code = start_all(run);
    if (!code) {
        run_all(run);
        code = run->code;
    }
    if (run->nodes) each(run, close_node);
    if (run->watch) kith_loop_watch_free(run->watch);
    kith_world_unref(run->world);
    free(run->nodes);
    return code;
}

/* ------------------------------------------------------------------------------------- options */

static int wrong_count(size_t count, bool together, const struct kith_options *with)
{
    if (!count) return kith_tool_usage("run", "which file?");
    if (count == 1) return KITH_GO_ON;
    if (!together) return kith_tool_usage("run", "one file only; --together runs a node from each");
    if (with->name) return kith_tool_usage("run", "--name is for one node");
    if (with->control && *with->control)
        return kith_tool_usage("run", "--socket is for one node, or '' for none");
    return KITH_GO_ON;
}

/* Large buffers of streams go back to the system when they are freed. Once it has freed one, glibc
 * takes the next from the heap, where small ones among them keep it: under a flood that doubled
 * what `max_stream_memory` allows. */
static void return_large_buffers(void)
{
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
}

int kith_cmd_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"together", no_argument, NULL, 't'},     {"name", required_argument, NULL, 'n'},
        {"socket", required_argument, NULL, 's'}, {"plugin-path", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},         {0}};
    struct kith_options with = {.size = sizeof with};
    struct run run = {.pipe = {-1, -1}};
    bool together = false;
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 't': together = true; break;
        case 'n': with.name = optarg; break;
        case 's': with.control = optarg; break;
        case 'p': with.plugin_path = optarg; break;
        case 'h': fputs(help, stdout); return KITH_EXIT_OK;
        default: return kith_tool_wrong_option("run");
        }
    }
    return_large_buffers();
    run.files = argv + optind;
    run.count = (size_t)(argc - optind);
    int code = wrong_count(run.count, together, &with);
    return code == KITH_GO_ON ? run_files(&run, &with) : code;
}
