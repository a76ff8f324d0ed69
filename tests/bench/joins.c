/*
 * joins.c - how long a mass join takes over real sockets: nodes of profile lan in one process, on
 * one loop, all of which start at once and join the first one. As memberlist does it, and as Kith
 * does; what it costs stands beside.
 *
 *     make tests/bench/joins && tests/bench/joins [NODES [RUNS]]       200, 5
 *
 * Seconds from the first start until all know all, the least, the median and the most of the runs;
 * then, a node and join: push/pulls sent, kB of full states, kB of packets, CPU seconds of all. On
 * virtual time, with many seeds: tests/sim/test_joins.c.
 */
#include "node.h"

#include <stdlib.h>
#include <time.h>

#define SECOND  UINT64_C(1000000000)
#define FOREVER (90 * SECOND)

static struct kith_error err = {.size = sizeof err};
static struct kith_world *world;
static struct kith **nodes;
static int count;

struct figures {
    double seconds, push_pulls, stream_kb, packet_kb, cpu;
};

static void check(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "joins: %s\n", what);
    exit(1);
}

static uint64_t clock_of(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* All come from one address, and none is to be refused for that. */
static struct kith *open_node(int i, const char *extra)
{
    char text[512];
    struct kith *node;
    int len = snprintf(text, sizeof text,
                       "node: { name: n%d, log: { level: error } }\n"
                       "transport: { use: udp_tcp, bind: 127.0.0.1:0, max_per_source: 32768 }\n%s",
                       i, extra);
    struct kith_node_setup setup = {
        .path = "joins.yaml", .text = text, .len = (size_t)len, .world = world, .problems = stderr};
    struct kith_options options = {.size = sizeof options, .control = ""};
    check(kith_node_open(&node, &setup, &options, &err) == 0, err.text);
    return node;
}

/* They are open, and nobody but the seed has begun. */
static void open_all(const char *settings)
{
    char extra[256];
    struct kith_member seed = {.size = sizeof seed};
    world = kith_world_new(NULL);
    check(world != NULL, "no memory");
    nodes[0] = open_node(0, settings);
    check(kith_start(nodes[0], &err) == 0, err.text);
    while (!kith_node_ready(nodes[0])) kith_loop_turn(kith_world_loop(world), SECOND);
    kith_table(nodes[0])->local(kith_table(nodes[0]), &seed);
    snprintf(extra, sizeof extra, "%sjoin: [ 127.0.0.1:%u ]\n", settings, (unsigned)seed.addr.port);
    for (int i = 1; i < count; i++) nodes[i] = open_node(i, extra);
}

/* Who knew all goes on to: nobody leaves. */
static bool all_know_all(int *first)
{
    while (*first < count && kith_node_ready(nodes[*first]) &&
           kith_node_count(nodes[*first], KITH_ALIVE) == (size_t)count)
        ++*first;
    return *first == count;
}

static void add_stat(void *arg, const struct kith_stat *st)
{
    struct figures *f = arg;
    if (strcmp(st->name, "push_pulls_sent") == 0) f->push_pulls += st->value / count;
    if (strcmp(st->name, "stream_bytes_sent") == 0) f->stream_kb += st->value / count / 1e3;
    if (strcmp(st->name, "packet_bytes_sent") == 0) f->packet_kb += st->value / count / 1e3;
}

static struct figures measure(const char *settings)
{
    struct figures f = {0};
    int first = 0;
    open_all(settings);
    uint64_t from = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 1; i < count; i++) check(kith_start(nodes[i], &err) == 0, err.text);
    while (!all_know_all(&first) && clock_of(CLOCK_MONOTONIC) - from < FOREVER)
        kith_loop_turn(kith_world_loop(world), SECOND / 100);
    f.seconds = (double)(clock_of(CLOCK_MONOTONIC) - from) / (double)SECOND;
    f.cpu = (double)(clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)SECOND;
    for (int i = 0; i < count; i++) kith_table(nodes[i])->stats(kith_table(nodes[i]), add_stat, &f);
    for (int i = 0; i < count; i++) kith_close(nodes[i]);
    kith_world_unref(world);
    return f;
}

static int by_seconds(const void *a, const void *b)
{
    double x = ((const struct figures *)a)->seconds, y = ((const struct figures *)b)->seconds;
    return (x > y) - (x < y);
}

static void row(const char *title, const char *settings, int runs)
{
    struct figures *all = calloc((size_t)runs, sizeof *all), sum = {0};
    check(all != NULL, "no memory");
    for (int i = 0; i < runs; i++) {
        all[i] = measure(settings);
        sum.push_pulls += all[i].push_pulls / runs;
        sum.stream_kb += all[i].stream_kb / runs;
        sum.packet_kb += all[i].packet_kb / runs;
        sum.cpu += all[i].cpu / runs;
    }
    qsort(all, (size_t)runs, sizeof *all, by_seconds);
    printf("%-12s %6d %5d %7.2f %7.2f %7.2f %10.2f %10.1f %10.1f %8.2f\n", title, count, runs,
           all[0].seconds, all[runs / 2].seconds, all[runs - 1].seconds, sum.push_pulls,
           sum.stream_kb, sum.packet_kb, sum.cpu);
    free(all);
}

int main(int argc, char **argv)
{
    int runs = argc > 2 ? atoi(argv[2]) : 5;
    count = argc > 1 ? atoi(argv[1]) : 200;
    nodes = calloc((size_t)count, sizeof *nodes);
    check(nodes && count > 1 && runs > 0, "joins [NODES [RUNS]]");
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("%-12s %6s %5s %7s %7s %7s %10s %10s %10s %8s\n", "", "nodes", "runs", "least", "median",
           "most", "push/pulls", "stream kB", "packet kB", "CPU s");
    if (!getenv("KITH_ONLY"))
        row("memberlist's", "push_pull: { young: 0 }\ngossip: { burst: 1 }\n", runs);
    row("Kith's", "", runs);
    free(nodes);
    return 0;
}
