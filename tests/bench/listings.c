/*
 * listings.c - what `kith members` costs, the node and the client, and for how long it holds the
 * node's loop at a time.
 *
 *     make tests/bench/listings && tests/bench/listings [MEMBERS]
 *
 * CPU time, the system's share included; of some listings the one whose longest turn was shortest.
 * The last column is by how much the node's memory has grown at most. Of that many
 * MEMBERS: "name value" lines in microseconds, for tests/bench/run.
 */
#include "control.h"
#include "inside.h"
#include "wire.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LISTINGS = 5 };

static struct kith *node;
static struct kith_loop *loop;

static void check(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "listings: %s\n", what);
    exit(1);
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void begin(const char *socket)
{
    char text[512];
    int len = snprintf(text, sizeof text,
                       "node: { name: self, control: %s, log: { level: error } }\n"
                       "transport: { use: udp_tcp, bind: 127.0.0.1:0 }\n"
                       "gossip: { interval: 0 }\nprobe: { interval: 1h }\n"
                       "push_pull: { interval: 24h }\n",
                       socket);
    struct kith_world *world = kith_world_new(NULL);
    struct kith_node_setup setup = {
        .path = "bench.yaml", .text = text, .len = (size_t)len, .world = world};
    struct kith_options options = {.size = sizeof options};
    struct kith_error err = {.size = sizeof err};
    check(world && kith_node_open(&node, &setup, &options, &err) == 0 &&
              kith_control_attach(node, &err) == 0 && kith_start(node, &err) == 0,
          err.text);
    loop = kith_world_loop(world);
    kith_world_unref(world);
    while (!kith_node_ready(node)) kith_loop_turn(loop, 1000000);
}

static void meet(unsigned i, size_t meta)
{
    static const uint8_t versions[6] = {1, 5, 2};
    static uint8_t out[8192], bytes[4096];
    const uint8_t addr[4] = {127, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
    char name[32];
    snprintf(name, sizeof name, "node-%06u.example.net", i);
    struct kith_buf buf = {out, out, 0, sizeof out};
    struct kith_addr from = {.len = 4, .port = 7, .bytes = {127, 0, 0, 1}};
    struct kith_peer peer = {.size = sizeof peer, .addr = &from};
    struct kith_msg m = {.type = KITH_MSG_ALIVE,
                         .incarnation = 1,
                         .node = kith_text(name),
                         .addr = kith_bytes_of(addr, 4),
                         .port = 7946,
                         .meta = kith_bytes_of(bytes, meta),
                         .vsn = kith_bytes_of(versions, 6)};
    check(kith_wire_write_message(&buf, &m) == 0, "no message");
    uint64_t now = kith_node_now(node);
    kith_core_packet(node->core, now, now, &peer, out, buf.len, buf.len);
}

struct cost {
    double node, longest, client; /* ms */
};

static struct cost list(const char *socket)
{
    const char *kith = getenv("KITH");
    struct cost c = {0};
    struct rusage before, after;
    int status;
    getrusage(RUSAGE_CHILDREN, &before);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout)) _exit(1);
        execl(kith ? kith : "tools/kith", "kith", "members", "--socket", socket, (char *)NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        double from = cpu_ms();
        kith_loop_turn(loop, 1000000);
        double took = cpu_ms() - from;
        c.node += took;
        if (took > c.longest) c.longest = took;
    }
    check(status == 0, "`kith members` failed; $KITH says which program it is");
    getrusage(RUSAGE_CHILDREN, &after);
    c.client = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1e3 +
               (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1e3 +
               (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1e3 +
               (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e3;
    return c;
}

static long peak_kb(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static struct cost measure(const char *socket, unsigned members, size_t meta, long *grown)
{
    begin(socket);
    for (unsigned i = 1; i < members; i++) meet(i, meta);
    kith_loop_turn(loop, 0);
    check(kith_node_count(node, KITH_ALIVE) == members, "not all members were taken");
    long before = peak_kb();
    struct cost best = list(socket);
    for (int i = 1; i < LISTINGS; i++) {
        struct cost c = list(socket);
        if (c.longest < best.longest) best = c;
    }
    *grown = peak_kb() - before;
    kith_close(node);
    return best;
}

static void row(const char *socket, unsigned members, size_t meta)
{
    long grown;
    struct cost c = measure(socket, members, meta, &grown);
    printf("%7u %6zu %10.1f %10.2f %10.1f %8ld\n", members, meta, c.node, c.longest, c.client,
           grown);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    char socket[64];
    snprintf(socket, sizeof socket, "/tmp/kith-bench-%d.sock", (int)getpid());
    if (argc > 1) {
        long grown;
        int n = atoi(argv[1]);
        check(n > 1, "listings [MEMBERS]");
        struct cost c = measure(socket, (unsigned)n, 20, &grown);
        printf("list_client_us_%d %.1f\nlist_longest_us_%d %.1f\n", n, c.client * 1e3, n,
               c.longest * 1e3);
        return 0;
    }
    printf("members   meta    node ms  longest ms  client ms  node +kB\n");
    fflush(stdout);
    row(socket, 1000, 20);
    row(socket, 10000, 20);
    row(socket, 100000, 20);
    row(socket, 2000, 4000);
    return 0;
}
