/*
 * transports.c - what a packet costs on its way through a transport, from send_packet to packet_in:
 * loopback in a virtual world and in the real one, and udp_tcp beside it in the same run.
 *
 *     make tests/bench/transports && tests/bench/transports
 *
 * CPU time of the process, the system's share included: median of some runs. The last column is how
 * many times as many packets a second loopback carries. "A turn for each": over a link with delay,
 * jitter, reordering and bandwidth no two packets arrive at once, so the loop turns for each one.
 */
#include "host.h"
#include "registry.h"

#include <stdlib.h>
#include <time.h>

enum { RUNS = 7, PACKETS = 200000, BURST = 250 };

struct place {
    struct kith_uplink up; /* first: an upcall finds its place by it */
    struct kith_config *config;
    struct kith_instance *in;
    const struct kith_transport_ops *ops;
    struct kith_addr addr;
    size_t got;
};

static struct kith_loop *loop;
static struct kith_log *logger;
static struct kith_services *services;
static struct kith_registry *registry;

static void check(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "transports: %s\n", what);
    exit(1);
}

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ------------------------------------------------------------------------------------ places */

static void packet_in(const struct kith_uplink *up, const struct kith_peer *from,
                      struct kith_buf *buf, uint64_t received_at)
{
    ((struct place *)(uintptr_t)up)->got++;
}

static void unreachable(const struct kith_uplink *up, const struct kith_addr *addr) {}

static void begin(bool world)
{
    struct kith_log_setup setup = {.level = KITH_LOG_ERROR};
    struct kith_services_setup hooks = {0};
    loop = world ? kith_loop_new_virtual(1, 1000000000) : kith_loop_new();
    registry = kith_registry_new(NULL);
    check(loop && registry && !kith_log_new(&logger, &setup, NULL), "no loop");
    services = kith_services_new(loop, logger, &hooks);
    check(services != NULL, "no services");
}

static void end(void)
{
    kith_services_free(services);
    kith_loop_free(loop);
    kith_log_free(logger);
    kith_registry_free(registry);
}

static struct place *place_new(const char *settings)
{
    char text[256];
    struct place *p = calloc(1, sizeof *p);
    struct kith_host_maker maker = kith_services_maker(services);
    struct kith_config_finder finder = kith_registry_finder(registry);
    struct kith_diag *diag = kith_diag_new();
    struct kith_error err = {.size = sizeof err};
    check(p != NULL, "no memory");
    snprintf(text, sizeof text, "node: { name: x }\ntransport: { %s }\n", settings);
    p->config = kith_config_parse("bench.yaml", text, strlen(text), &finder, diag);
    if (!p->config) kith_diag_print(diag, stderr);
    check(p->config != NULL, "no config");
    kith_diag_free(diag);
    p->up = (struct kith_uplink){
        .size = sizeof p->up, .packet_in = packet_in, .peer_unreachable = unreachable};
    check(!kith_instance_new(&p->in, &p->config->transport, &maker, NULL, &err), err.text);
    p->ops = p->in->plugin->ops;
    p->in->host->uplink = &p->up;
    check(!kith_instance_start(p->in, NULL, &err), err.text);
    check(!p->ops->advertise(p->in->self, &p->addr, &err), err.text);
    return p;
}

static void place_free(struct place *p)
{
    kith_instance_free(p->in);
    kith_config_free(p->config);
    free(p);
}

/* ----------------------------------------------------------------------------------- measuring */

/* Nanoseconds of CPU a packet. A turn of a busy node's: a burst is sent, flushed, and read. */
static double run(struct place *a, struct place *b, size_t len)
{
    static uint8_t data[2048];
    struct kith_peer to = {.size = sizeof to, .addr = &b->addr};
    b->got = 0;
    double began = cpu_now();
    for (size_t sent = 0; sent < PACKETS;) {
        for (int i = 0; i < BURST; i++, sent++) {
            struct kith_buf buf = {.base = data, .data = data + 64, .len = len, .cap = sizeof data};
            check(a->ops->send_packet(a->in->self, &to, &buf) == 0, "a packet is refused");
        }
        a->ops->flush(a->in->self);
        for (int turns = 0; b->got < sent; turns++) {
            check(turns < 100000, "packets are lost");
            kith_loop_turn(loop, 1000000000);
        }
    }
    return (cpu_now() - began) / PACKETS;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double measure(bool world, const char *first, const char *second, size_t len)
{
    double took[RUNS];
    begin(world);
    struct place *a = place_new(first), *b = place_new(second);
    for (int i = 0; i < RUNS; i++) took[i] = run(a, b, len);
    place_free(a);
    place_free(b);
    end();
    qsort(took, RUNS, sizeof *took, compare);
    return took[RUNS / 2];
}

#define LOOPBACK(name) "use: loopback, address: " name ", receive_buffer: 16MiB"
#define LINK           ", delay: 1ms, jitter: 1ms, reorder: 0.1, bandwidth: 1GiB, backlog: 16MiB"
#define UDP            "use: udp_tcp, bind: '127.0.0.1:0'"

static void row(const char *name, size_t len, double ns, double udp)
{
    printf("%-36s %5zu B %8.0f ns %7.2f M/s", name, len, ns, 1000 / ns);
    if (udp > 0) printf(" %6.1fx", udp / ns);
    putchar('\n');
    fflush(stdout);
}

int main(void)
{
    static const size_t sizes[] = {100, 1400};
    printf("%-36s %7s %11s %11s %7s\n", "packets", "", "a packet", "a second", "udp_tcp");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t len = sizes[i];
        double udp = measure(false, UDP, UDP, len);
        row("loopback, virtual world", len, measure(true, LOOPBACK("a"), LOOPBACK("b"), len), udp);
        row("loopback, real world", len, measure(false, LOOPBACK("a"), LOOPBACK("b"), len), udp);
        row("loopback, and a turn for each", len,
            measure(true, LOOPBACK("a") LINK, LOOPBACK("b"), len), udp);
        row("udp_tcp", len, udp, 0);
    }
    return 0;
}
