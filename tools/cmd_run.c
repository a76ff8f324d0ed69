/*
 * cmd_run.c - `kith run FILE`: a node from its file until a signal ends it.
 *
 * SIGTERM and SIGINT leave and exit 0, a second one stops at once; SIGHUP reloads; SIGPIPE is
 * ignored. A service manager that asks for it is told when the node is up (sd_notify's datagram).
 */
#include "cmd.h"

#include "fail.h"
#include "node.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LEAVE_TIMEOUT 5000000000u /* ns: as Serf's broadcast time-out */

static const char help[] =
    "Usage: kith run [OPTIONS] FILE\n\n"
    "Run the node that FILE describes until SIGTERM or SIGINT: it leaves the cluster\n"
    "and exits 0; a second signal stops it at once. SIGHUP reads the file again, as\n"
    "'kith reload' does. Exit 2: the file has errors, nothing was started.\n\n"
    "      --name NAME          node name instead of the file's\n"
    "      --socket PATH        control socket instead of the file's; '' for none\n"
    "      --plugin-path DIRS   look for plugins here first, colon separated\n"
    "  -h, --help\n";

struct run {
    struct kith *k;
    int pipe[2];
    struct kith_watch *watch;
    bool leaving;
};

static int signal_pipe = -1;

static void on_signal(int number)
{
    int e = errno;
    unsigned char byte = (unsigned char)number;
    if (write(signal_pipe, &byte, 1) < 0) { /* full: enough signals are waiting */
    }
    errno = e;
}

static void notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof sa.sun_path) return;
    strcpy(sa.sun_path, path);
    if (*path == '@') sa.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (fd < 0) return;
    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&sa, len);
    close(fd);
}

static void left(void *arg, int status, uint64_t value)
{
    struct run *run = arg;
    kith_stop(run->k);
}

static void reload(struct run *run)
{
    char text[128];
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld\n",
             (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
    notify(text);
    kith_reload(run->k, NULL, NULL, NULL); /* what changed, or why nothing did, is in the log */
    notify("READY=1\n");
}

static void signalled(void *arg, unsigned events)
{
    struct run *run = arg;
    unsigned char number;
    while (read(run->pipe[0], &number, 1) == 1) {
        if (number == SIGHUP) {
            reload(run);
        } else if (run->leaving) {
            kith_stop(run->k);
        } else {
            run->leaving = true;
            notify("STOPPING=1\n");
            const struct kith_node *node = kith_table(run->k);
            if (node->leave(node, LEAVE_TIMEOUT, left, run) < 0) kith_stop(run->k);
        }
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
        kith_loop_watch(kith_node_loop(run->k), run->pipe[0], KITH_READABLE, signalled, run);
    return run->watch ? 0 : -1;
}

static int run_node(struct run *run, const char *file, const struct kith_options *options)
{
    struct kith_error err = {.size = sizeof err};
    if (kith_open(&run->k, file, options, &err) < 0) return KITH_EXIT_USAGE; /* it has said why */
    int code = KITH_EXIT_FAILED;
    if (watch_signals(run) < 0)
        kith_tool_fail("run", code, "signals: %s", strerror(errno));
    else if (kith_start(run->k, &err) < 0)
        kith_tool_fail("run", code, "%s", err.text);
    else {
        notify("READY=1\n");
        code = kith_run(run->k) < 0 ? KITH_EXIT_FAILED : KITH_EXIT_OK;
    }
    if (run->watch) kith_loop_watch_free(run->watch);
    kith_close(run->k);
    return code;
}

int kith_cmd_run(int argc, char **argv)
{
    static const struct option options[] = {{"name", required_argument, NULL, 'n'},
                                            {"socket", required_argument, NULL, 's'},
                                            {"plugin-path", required_argument, NULL, 'p'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct kith_options with = {.size = sizeof with};
    struct run run = {.pipe = {-1, -1}};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case 'n': with.name = optarg; break;
        case 's': with.control = optarg; break;
        case 'p': with.plugin_path = optarg; break;
        case 'h': fputs(help, stdout); return KITH_EXIT_OK;
        default: return kith_tool_wrong_option("run");
        }
    }
    if (argc - optind != 1)
        return kith_tool_usage("run", argc == optind ? "which file?" : "one file only");
    return run_node(&run, argv[optind], &with);
}
