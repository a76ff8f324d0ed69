/*
 * simulate.c - what a cluster in virtual time costs: all nodes join one seed, then the cluster is
 * left alone. Prints "name value" lines: CPU seconds for each part, and bytes a node.
 *
 *     tests/bench/simulate [NODES [SECONDS [SEED]]]       1000, 60, 1
 */
#include "cluster.h"

#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)

static struct kith_error err = {.size = sizeof err};
static struct kith_config *file, config;
static struct kith_cluster *cluster;

static void check(int rc)
{
    if (rc >= 0) return;
    fprintf(stderr, "simulate: %s\n", err.text);
    exit(1);
}

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double memory(void)
{
    struct mallinfo2 m = mallinfo2();
    return (double)(m.uordblks + m.hblkhd);
}

/* What `kith run` has without a pipeline in its file. */
static void read_config(struct kith_world *world)
{
    static const char text[] = "node: { name: any }\ntransport: { use: loopback, delay: 500us, "
                               "jitter: 500us }\n";
    struct kith_registry *registry = kith_world_registry(world);
    struct kith_config_finder finder = kith_registry_finder(registry);
    struct kith_diag *diag = kith_diag_new();
    file = kith_config_parse("bench", text, sizeof text - 1, &finder, diag);
    kith_diag_print(diag, stderr);
    kith_diag_free(diag);
    if (!file) exit(1);
    check(kith_cluster_config(&config, file, registry, NULL, NULL, &err));
}

static void begin(struct kith_world *world, int nodes)
{
    read_config(world);
    struct kith_cluster_setup setup = {.world = world, .config = &config};
    check(kith_cluster_new(&cluster, &setup, &err));
    double before = memory(), from = cpu();
    for (int i = 0; i < nodes; i++) check(kith_cluster_add(cluster, NULL, NULL, &err));
    for (int i = 0; i < nodes; i++) check(kith_cluster_start(cluster, i, &err));
    printf("start_cpu_seconds %.2f\n", cpu() - from);
    printf("node_bytes %.0f\n", (memory() - before) / nodes);
}

static bool agrees(void *arg)
{
    uint64_t *next = arg, now = kith_cluster_now(cluster);
    if (now < *next) return false;
    *next = now + SECOND / 10;
    return kith_cluster_agrees(cluster);
}

static void join(int nodes, uint64_t seconds)
{
    double before = memory(), from = cpu();
    uint64_t next = 0, until = kith_cluster_now(cluster) + seconds * SECOND;
    for (int i = 1; i < nodes; i++) check(kith_cluster_join(cluster, i, "n0", NULL, NULL, &err));
    bool all = kith_cluster_run_till(cluster, until, agrees, &next);
    printf("full_view_seconds %.1f%s\n", (double)kith_cluster_now(cluster) / 1e9,
           all ? "" : " (not yet)");
    printf("full_view_cpu_seconds %.2f\n", cpu() - from);
    kith_cluster_run(cluster, until);
    printf("join_cpu_seconds %.2f\n", cpu() - from);
    printf("member_bytes %.0f\n", (memory() - before) / nodes / nodes);
}

static void steady(uint64_t seconds)
{
    double from = cpu();
    kith_cluster_run(cluster, kith_cluster_now(cluster) + seconds * SECOND);
    printf("steady_cpu_seconds %.2f\n", cpu() - from);
    printf("agrees %d\n", kith_cluster_agrees(cluster));
}

int main(int argc, char **argv)
{
    int nodes = argc > 1 ? atoi(argv[1]) : 1000;
    uint64_t seconds = argc > 2 ? strtoull(argv[2], NULL, 10) : 60;
    setvbuf(stdout, NULL, _IOLBF, 0);
    struct kith_world *world =
        kith_world_new_virtual(NULL, argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
    if (!world) return 1;
    begin(world, nodes);
    join(nodes, seconds);
    steady(seconds);
    kith_cluster_free(cluster);
    kith_cluster_config_fini(&config);
    kith_config_free(file);
    kith_world_unref(world);
    return 0;
}
