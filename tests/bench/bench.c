/*
 * bench.c - what the hot paths of a node cost: the same work as go/main.go, byte for byte, on one
 * core. Prints "name value" lines; values are nanoseconds of CPU time an operation, or bytes.
 * tests/bench/run puts both side by side. An argument selects by name.
 */
#include "broadcast.h"
#include "core.h"
#include "pipeline_rig.h"
#include "wire.h"

#include <malloc.h>
#include <stdlib.h>
#include <time.h>

enum { REPETITIONS = 5, PER_PACKET = 20, FRESH = 10, STALE = 5, PINGS = 50000 };

static void check(bool ok, const char *what)
{
    if (ok) return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static void *allocate(size_t n)
{
    void *p = malloc(n);
    check(p != NULL, "out of memory");
    return p;
}

/* --------------------------------------------------------------------------------- measuring */

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v)
{
    qsort(v, REPETITIONS, sizeof *v, compare);
    return v[REPETITIONS / 2];
}

static void report(const char *name, long n, double v)
{
    if (n)
        printf("%s_%ld %.2f\n", name, n, v);
    else
        printf("%s %.2f\n", name, v);
    fflush(stdout);
}

/* ----------------------------------------------------------------- the same bytes as main.go */

static size_t name_of(char out[16], int i) { return (size_t)snprintf(out, 16, "node-%05d", i); }

static void entry(struct kith_buf *buf, int i, uint32_t incarnation, bool state)
{
    char name[16];
    uint8_t addr[4] = {10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i},
            vsn[6] = {1, 5, 2, 0, 0, 0};
    struct kith_msg m = {.type = KITH_MSG_ALIVE,
                         .incarnation = incarnation,
                         .addr = {addr, 4},
                         .port = 7946,
                         .vsn = {vsn, 6}};
    m.node = kith_bytes_of(name, name_of(name, i));
    int e =
        state ? kith_wire_write(buf, KITH_BODY_NODE_STATE, &m) : kith_wire_write_message(buf, &m);
    check(e == 0, "an entry does not fit");
}

struct packets {
    struct kith_bytes *all;
    size_t count;
};

/* Compounds of 20 alive messages. */
static struct packets alive_packets(int members, uint32_t incarnation)
{
    struct packets p = {allocate((size_t)(members / PER_PACKET) * sizeof *p.all), 0};
    for (int i = 0; i < members; i += PER_PACKET) {
        uint8_t *storage = allocate(2000);
        struct kith_buf buf = {storage, storage, 2 + 2 * PER_PACKET, 2000};
        storage[0] = KITH_MSG_COMPOUND;
        storage[1] = PER_PACKET;
        for (int k = 0; k < PER_PACKET; k++) {
            size_t before = buf.len;
            entry(&buf, i + k, incarnation, false);
            storage[2 + 2 * k] = (uint8_t)((buf.len - before) >> 8);
            storage[3 + 2 * k] = (uint8_t)(buf.len - before);
        }
        p.all[p.count++] = kith_bytes_of(storage, buf.len);
    }
    return p;
}

static void packets_free(struct packets p)
{
    for (size_t i = 0; i < p.count; i++) free((void *)p.all[i].data);
    free(p.all);
}

static size_t ping(uint8_t out[32], uint32_t seq)
{
    static const uint8_t head[] = {0,   0x82, 0xa4, 'N', 'o', 'd', 'e', 0xa4, 's', 'e',
                                   'l', 'f',  0xa5, 'S', 'e', 'q', 'N', 'o',  0xce};
    memcpy(out, head, sizeof head);
    for (int i = 0; i < 4; i++) out[sizeof head + i] = (uint8_t)(seq >> (24 - 8 * i));
    return sizeof head + 4;
}

/* ------------------------------------------------------------------ a node without a runtime */

static struct rig rig; /* the pipeline */
static struct kith_core *core;
static uint64_t now = 1000000000;
static bool sealed;              /* with a key */
static uint64_t gossip_interval; /* 0: nothing is sent but answers */
static size_t sent, sent_bytes;
static uint8_t room_for_packet[70000];

static struct kith_core_budget budget(void *ctx, const struct kith_peer *to)
{
    struct kith_room room = kith_pipeline_room(rig.p);
    return (struct kith_core_budget){1400 - room.head - room.tail, "the benchmark"};
}

/* Who sends us everything. */
static const struct kith_addr from_addr = {.port = 9, .len = 4, .bytes = {127, 0, 0, 1}};
static const struct kith_peer from = {.size = sizeof from, .addr = &from_addr};

static void start(const char *chain, bool key)
{
    rig_init(&rig);
    fake.scratch_lasts = true;
    sealed = key;
    if (key) rig_key(&rig, 0, 32);
    rig_must(&rig, chain, NULL, 0);
    struct kith_room room = kith_pipeline_room(rig.p);
    struct kith_core_config config = {
        .advertise = {.port = 7946, .len = 4, .bytes = {127, 0, 0, 1}},
        .default_port = 7946,
        .headroom = (uint16_t)room.head,
        .tailroom = (uint16_t)room.tail};
    struct kith_core_env env = {.packet_budget = budget};
    struct kith_config defaults;
    kith_config_init(&defaults, KITH_PROFILE_LAN);
    config.settings = defaults.settings;
    config.settings.name = "self";
    config.settings.probe_interval = config.settings.push_pull_interval = 0;
    config.settings.gossip_interval = gossip_interval;
    config.settings.max_members = 200000;
    struct kith_error err = {.size = sizeof err};
    check(kith_core_new(&core, &config, &env, 1, now, &err) == 0, err.text);
    check(kith_core_start(core, now, &err) == 0, err.text);
}

static void stop(void)
{
    kith_core_free(core);
    rig_fini(&rig);
}

static bool carry_out(void)
{
    struct kith_output out;
    bool closed = false;
    while (kith_core_poll(core, &out)) {
        if (out.kind == KITH_OUT_PACKET) {
            check(kith_pipeline_seal_packet(rig.p, out.buf, &out.peer) >= 0,
                  "a packet can't be sealed");
            sent++;
            sent_bytes += out.buf->len;
        } else if (out.kind == KITH_OUT_WRITE) {
            sent_bytes += out.bytes.len;
        } else if (out.kind == KITH_OUT_CLOSE || out.kind == KITH_OUT_RESET) {
            closed = true;
            kith_core_stream_closed(core, now, out.stream, 0);
        }
    }
    return closed;
}

/* A copy: it is opened in place. */
static void receive(struct kith_bytes packet)
{
    enum kith_refusal why;
    struct kith_buf buf = {room_for_packet, room_for_packet, packet.len, sizeof room_for_packet};
    memcpy(buf.data, packet.data, packet.len);
    check(kith_pipeline_open_packet(rig.p, &buf, &from, &why) == 0, "a packet can't be opened");
    kith_core_packet(core, now, now, &from, buf.data, buf.len, packet.len);
    carry_out();
}

/* As they come from a node with the same chain and key. */
static void seal_all(struct packets *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct rig_buf b = rig_buf(&rig, p->all[i].data, p->all[i].len);
        check(kith_pipeline_seal_packet(rig.p, &b.buf, NULL) >= 0, "a packet can't be sealed");
        free((void *)p->all[i].data);
        p->all[i] = kith_bytes_of(memcpy(allocate(b.buf.len), b.buf.data, b.buf.len), b.buf.len);
        rig_buf_free(&b);
    }
}

static void receive_all(struct packets p, int rounds)
{
    for (int r = 0; r < rounds; r++)
        for (size_t i = 0; i < p.count; i++) receive(p.all[i]);
}

static void introduce(int members)
{
    struct packets p = alive_packets(members, FRESH);
    if (sealed) seal_all(&p);
    receive_all(p, 1);
    packets_free(p);
    check(kith_core_size(core) == (size_t)members + 1, "members are missing");
}

/* Until all of it has been gossiped, and what that took was given back. */
static void settle(void)
{
    for (int quiet = 0; quiet < 1000; quiet++) {
        size_t before = sent;
        kith_core_tick(core, now += gossip_interval);
        carry_out();
        if (sent != before) quiet = 0;
    }
}

/* ---------------------------------------------------------------------------- the benchmarks */

static void stale(const char *name, int members)
{
    double v[REPETITIONS];
    introduce(members);
    struct packets p = alive_packets(members, STALE);
    if (sealed) seal_all(&p);
    int rounds = 2000000 / members;
    receive_all(p, rounds);
    for (int r = 0; r < REPETITIONS; r++) {
        double begin = cpu_now();
        receive_all(p, rounds);
        v[r] = (cpu_now() - begin) / ((double)members * rounds);
    }
    packets_free(p);
    stop();
    report(name, members, median(v));
}

static void stale_alives(int members)
{
    start("lzw crc32", false);
    stale("stale_alive", members);
}

static void sealed_stale_alives(int members)
{
    start("lzw aes_gcm", true);
    stale("sealed_stale_alive", members);
}

/* Each is news: taken, stored, queued to be passed on instead of the one before. */
static void fresh_alives(int members)
{
    double v[REPETITIONS];
    int rounds = members < 10000 ? 10 : 1;
    uint32_t incarnation = FRESH;
    start("lzw crc32", false);
    introduce(members);
    for (int r = -1; r < REPETITIONS; r++) {
        double ns = 0;
        for (int k = 0; k < rounds; k++) {
            struct packets p = alive_packets(members, ++incarnation);
            double begin = cpu_now();
            receive_all(p, 1);
            ns += cpu_now() - begin;
            packets_free(p);
        }
        if (r >= 0) v[r] = ns / rounds / members;
    }
    stop();
    report("fresh_alive", members, median(v));
}

static void pings(const char *name, const char *chain)
{
    double v[REPETITIONS];
    struct packets p = {allocate(PINGS * sizeof *p.all), PINGS};
    start(chain, true);
    for (uint32_t i = 0; i < PINGS; i++) {
        uint8_t *bytes = allocate(32);
        p.all[i] = kith_bytes_of(bytes, ping(bytes, i + 70000));
    }
    seal_all(&p);
    for (int r = -1; r < REPETITIONS; r++) {
        sent = 0;
        double begin = cpu_now();
        receive_all(p, 1);
        if (r >= 0) v[r] = (cpu_now() - begin) / PINGS;
        check(sent == PINGS, "pings went unanswered");
    }
    packets_free(p);
    stop();
    report(name, 0, median(v));
}

static void encrypted_pings(int unused) { pings("encrypted_ping", "crc32 aes_gcm"); }

static void sealed_pings(int unused) { pings("sealed_ping", "lzw aes_gcm"); }

static void count(void *arg, struct kith_bytes msg) { ++*(size_t *)arg; }

static void queue(int depth)
{
    double fill[REPETITIONS], drain[REPETITIONS];
    static uint8_t bytes[68];
    char(*names)[16] = allocate((size_t)depth * sizeof *names);
    size_t len = 0;
    memset(bytes, KITH_MSG_ALIVE, sizeof bytes);
    for (int i = 0; i < depth; i++) len = name_of(names[i], i);
    for (int r = -1; r < REPETITIONS; r++) {
        struct kith_broadcasts q;
        size_t taken = 0;
        kith_broadcasts_init(&q, 4, 0, NULL, NULL);
        double begin = cpu_now();
        for (int i = 0; i < depth; i++) {
            struct kith_bytes msg = kith_bytes_of(bytes, 60 + (size_t)i % 8);
            check(kith_broadcasts_add(&q, kith_bytes_of(names[i], len), 0, msg, 0) == 0,
                  "out of memory");
        }
        double filled = cpu_now();
        while (kith_broadcasts_fetch(&q, 99, 2, 1400, count, &taken)) continue;
        double end = cpu_now();
        check(taken == (size_t)depth * 8 && kith_broadcasts_count(&q) == 0, "not all was sent");
        kith_broadcasts_fini(&q);
        if (r < 0) continue;
        fill[r] = (filled - begin) / depth;
        drain[r] = (end - filled) / ((double)depth * 8);
    }
    free(names);
    report("queue_fill", depth, median(fill));
    report("queue_drain", depth, median(drain));
}

struct sync_times {
    double decode, encode; /* what a peer says is read and merged; what we say is written */
};

static void exchange(struct kith_bytes request, struct sync_times *t)
{
    uint32_t stream = kith_core_stream_accepted(core, now, &from);
    check(stream != 0, "no stream");
    sent_bytes = 0;
    kith_core_tick(core, now);
    double begin = cpu_now();
    for (size_t at = 0; at < request.len; at += 65536) {
        size_t n = request.len - at < 65536 ? request.len - at : 65536;
        kith_core_stream_data(core, now, stream, request.data + at, n);
    }
    double decoded = cpu_now();
    bool closed = carry_out();
    t->decode += decoded - begin;
    t->encode += cpu_now() - decoded;
    check(closed && sent_bytes >= request.len, "push/pull failed");
}

static void push_pull(int members)
{
    enum { ENTRIES = 50000 };
    double decode[REPETITIONS], encode[REPETITIONS], both[REPETITIONS];
    size_t cap = 100 + 100 * (size_t)members;
    uint8_t *storage = allocate(cap);
    struct kith_buf buf = {storage, storage, 0, cap};
    struct kith_msg header = {.type = KITH_MSG_PUSH_PULL, .nodes = members};
    int rounds = members < ENTRIES ? ENTRIES / members : 1;
    start("lzw crc32", false);
    introduce(members);
    check(kith_wire_write_message(&buf, &header) == 0, "no room");
    for (int i = 0; i < members; i++) entry(&buf, i, STALE, true);
    for (int r = -1; r < REPETITIONS; r++) {
        struct sync_times t = {0, 0};
        for (int k = 0; k < rounds; k++) exchange(kith_bytes_of(buf.data, buf.len), &t);
        if (r < 0) continue;
        decode[r] = t.decode / rounds / members;
        encode[r] = t.encode / rounds / members;
        both[r] = decode[r] + encode[r];
    }
    free(storage);
    stop();
    report("push_pull_decode", members, median(decode));
    report("push_pull_encode", members, median(encode));
    report("push_pull", members, median(both));
}

/* Its name of 10 bytes and its address included. */
static void memory(int members)
{
    gossip_interval = 200000000;
    start("lzw crc32", false);
    introduce(PER_PACKET);
    settle();
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    introduce(members);
    settle();
    size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
    report("member_bytes", members, (double)(after - before) / (members - PER_PACKET));
    stop();
    gossip_interval = 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(int);
        int n;
    } all[] = {
        {"member_bytes", memory, 1000},
        {"member_bytes", memory, 10000},
        {"member_bytes", memory, 100000},
        {"stale_alive", stale_alives, 1000},
        {"stale_alive", stale_alives, 10000},
        {"stale_alive", stale_alives, 100000},
        {"fresh_alive", fresh_alives, 1000},
        {"fresh_alive", fresh_alives, 10000},
        {"sealed_stale_alive", sealed_stale_alives, 10000},
        {"encrypted_ping", encrypted_pings, 0},
        {"sealed_ping", sealed_pings, 0},
        {"queue", queue, 100},
        {"queue", queue, 1000},
        {"queue", queue, 10000},
        {"queue", queue, 100000},
        {"push_pull", push_pull, 1000},
        {"push_pull", push_pull, 10000},
        {"push_pull", push_pull, 100000},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (argc < 2 || strstr(all[i].name, argv[1])) all[i].run(all[i].n);
    return 0;
}
