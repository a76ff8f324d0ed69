/*
 * idle.c - what a node costs when nothing happens: nodes of profile lan over loopback sockets, in
 * one process and on one loop, that all know each other and have nothing to say.
 *
 *     make tests/bench/idle && tests/bench/idle [NODES [SECONDS]]       50, 30
 *
 * Prints "idle_node_us": microseconds of CPU time a node and second, the system's share included.
 * `strace -c -f` counts the system calls. The peer's side: go/idle.go.
 */
#include "node.h"

#include <stdlib.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)
#define SETTLE (20 * SECOND) /* until what a mass join leads to is over */

static struct kith_error err = {.size = sizeof err};
static struct kith_world *world;
static struct kith **nodes;
static int count;

static void check(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "idle: %s\n", what);
    exit(1);
}

static uint64_t clock_of(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void run(uint64_t ns)
{
    uint64_t until = clock_of(CLOCK_MONOTONIC) + ns;
    kith_loop_run_until(kith_world_loop(world), until);
}

/* Node i, which joins the one with that port; 0: nobody. */
static void begin(int i, unsigned port)
{
    char text[512], join[64] = "";
    if (port) snprintf(join, sizeof join, "join: [ 127.0.0.1:%u ]\n", port);
    int len = snprintf(text, sizeof text,
                       "node: { name: n%d, log: { level: error } }\n"
                       "transport: { use: udp_tcp, bind: 127.0.0.1:0, max_per_source: 32768 }\n%s",
                       i, join);
    struct kith_node_setup setup = {
        .path = "idle.yaml", .text = text, .len = (size_t)len, .world = world, .problems = stderr};
    struct kith_options options = {.size = sizeof options, .control = ""};
    check(kith_node_open(&nodes[i], &setup, &options, &err) == 0, err.text);
    check(kith_start(nodes[i], &err) == 0, err.text);
}

static bool all_know_all(void)
{
    for (int i = 0; i < count; i++)
        if (!kith_node_ready(nodes[i]) || kith_node_count(nodes[i], KITH_ALIVE) != (size_t)count)
            return false;
    return true;
}

static void begin_all(void)
{
    struct kith_member seed = {.size = sizeof seed};
    begin(0, 0);
    while (!kith_node_ready(nodes[0])) run(SECOND / 100);
    kith_table(nodes[0])->local(kith_table(nodes[0]), &seed);
    for (int i = 1; i < count; i++) {
        begin(i, seed.addr.port);
        run(SECOND / 50); /* their ticks come at different times, as those of any cluster */
    }
    for (int i = 0; !all_know_all(); i++) {
        check(i < 600, "not all know all");
        run(SECOND / 10);
    }
    run(SETTLE);
}

int main(int argc, char **argv)
{
    count = argc > 1 ? atoi(argv[1]) : 50;
    int seconds = argc > 2 ? atoi(argv[2]) : 30;
    nodes = calloc((size_t)count, sizeof *nodes);
    world = kith_world_new(NULL);
    check(nodes && world && count > 1 && seconds > 0, "idle [NODES [SECONDS]]");
    begin_all();
    uint64_t before = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    run((uint64_t)seconds * SECOND);
    uint64_t used = clock_of(CLOCK_PROCESS_CPUTIME_ID) - before;
    check(all_know_all(), "something did happen");
    printf("idle_node_us %.2f\n", (double)used / 1000 / count / seconds);
    for (int i = 0; i < count; i++) kith_close(nodes[i]);
    kith_world_unref(world);
    free(nodes);
    return 0;
}
