/*
 * test_steady.c - once a node has warmed up, no packet in or out costs an allocation; and what a
 * member costs.
 *
 * malloc and its kin are wrapped by the linker and counted here.
 */
#include "core.h"
#include "lan_settings.h"
#include "test.h"
#include "wire.h"

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);

static unsigned long calls;

void *__wrap_malloc(size_t n)
{
    calls++;
    return __real_malloc(n);
}
void *__wrap_calloc(size_t n, size_t size)
{
    calls++;
    return __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t n)
{
    calls++;
    return __real_realloc(p, n);
}

enum { MEMBERS = 200 };

static struct kith_core *core;
static uint64_t now;
static unsigned long heard;

static struct kith_core_budget budget(void *ctx, const struct kith_peer *to)
{
    return (struct kith_core_budget){1400, "udp_buffer_size"};
}
static void on_message(void *self, const struct kith_message *msg) { heard++; }
static int payload(void *self, uint8_t *out, size_t cap)
{
    memset(out, 7, 40);
    return 40;
}
static void gossip(void *self, size_t overhead, size_t limit, const struct kith_sink *sink)
{
    sink->write(sink, kith_text("from the delegate"));
}

static const struct kith_delegate_ops ops = {
    .size = sizeof ops, .message = on_message, .ack_payload = payload, .get_broadcasts = gossip};

static struct kith_addr address(unsigned i)
{
    return (struct kith_addr){
        .port = 7946, .len = 4, .bytes = {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
}

static struct kith_bytes text(const char *s) { return kith_bytes_of(s, strlen(s)); }

static void packet(unsigned from, const uint8_t *data, size_t len)
{
    struct kith_addr addr = address(from);
    struct kith_peer peer = {.size = sizeof peer, .addr = &addr};
    kith_core_packet(core, now, now, &peer, data, len, len);
}

static void feed(const struct kith_msg *msg, unsigned from)
{
    uint8_t bytes[2048];
    struct kith_buf buf = {bytes, bytes, 0, sizeof bytes};
    CU_ASSERT_EQUAL_FATAL(kith_wire_write_message(&buf, msg), 0);
    packet(from, buf.data, buf.len);
}

static void feed_member(unsigned i, uint32_t incarnation)
{
    static const uint8_t versions[6] = {1, 5, 2};
    char name[16];
    struct kith_addr addr = address(i);
    snprintf(name, sizeof name, "node-%05u", i);
    struct kith_msg msg = {.type = KITH_MSG_ALIVE,
                           .incarnation = incarnation,
                           .node = text(name),
                           .addr = kith_bytes_of(addr.bytes, 4),
                           .port = 7946,
                           .vsn = kith_bytes_of(versions, 6)};
    feed(&msg, i);
}

/* Poll all; answer our pings as their targets would; leave the buffer as sealing may, with memory
 * that is not the core's. Packets seen. */
static unsigned long drain(void)
{
    static uint8_t pipelines[64];
    struct kith_output out;
    unsigned long n = 0;
    while (kith_core_poll(core, &out)) {
        if (out.kind != KITH_OUT_PACKET) continue;
        n++;
        struct kith_bytes msg = kith_bytes_of(out.buf->data, out.buf->len);
        *out.buf = (struct kith_buf){pipelines, pipelines, sizeof pipelines, sizeof pipelines};
        struct kith_compound parts;
        if (msg.data[0] == KITH_MSG_COMPOUND) {
            CU_ASSERT_EQUAL_FATAL(kith_compound_open(&parts, msg.data + 1, msg.len - 1), 0);
            if (!kith_compound_next(&parts, &msg)) continue;
        }
        struct kith_msg ping;
        size_t used;
        if (msg.data[0] != KITH_MSG_PING) continue;
        CU_ASSERT_EQUAL_FATAL(
            kith_wire_read(&ping, KITH_BODY_PING, msg.data + 1, msg.len - 1, &used), 0);
        struct kith_msg ack = {.type = KITH_MSG_ACK, .seq_no = ping.seq_no};
        feed(&ack, 1);
    }
    return n;
}

static void begin(void)
{
    struct kith_core_env env = {.packet_budget = budget, .delegate = &ops};
    struct kith_core_config cfg = {
        .advertise = address(0), .default_port = 7946, .headroom = 40, .tailroom = 40};
    cfg.settings = lan_settings("self");
    cfg.settings.push_pull_interval = 0; /* full states do allocate */
    CU_ASSERT_EQUAL_FATAL(kith_core_new(&core, &cfg, &env, 1, now, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(kith_core_start(core, now, NULL), 0);
}

/* A second of a node's life: everything that packets can bring, and its own probes and gossip. */
static unsigned long live(uint32_t incarnation)
{
    static const uint8_t user[] = "\x08user message";
    unsigned long packets = 0;
    struct kith_msg ping = {.type = KITH_MSG_PING, .seq_no = 5, .node = text("self")};
    struct kith_msg relay = {.type = KITH_MSG_INDIRECT_PING,
                             .seq_no = 6,
                             .node = text("node-00004"),
                             .target = kith_bytes_of("\x0a\0\0\x04", 4),
                             .port = 7946,
                             .nack = true,
                             .source_addr = kith_bytes_of("\x0a\0\0\x03", 4),
                             .source_port = 7946,
                             .source_node = text("node-00003")};
    struct kith_msg old = {
        .type = KITH_MSG_SUSPECT, .incarnation = 0, .node = text("node-00005"), .from = text("x")};
    for (unsigned i = 0; i < 50; i++) {
        feed(&ping, 3);
        feed(&relay, 3);
        feed(&old, 3);
        feed_member(1 + i % MEMBERS, incarnation);
        packet(3, user, sizeof user - 1);
        packets += drain();
        now += SEC / 50;
        kith_core_tick(core, now);
        packets += drain();
    }
    return packets;
}

static void test_packets_cost_no_allocation(void)
{
    begin();
    for (unsigned i = 1; i <= MEMBERS; i++) feed_member(i, 1);
    uint32_t incarnation = 2;
    for (int i = 0; i < 40; i++) live(++incarnation);
    unsigned long before = calls, packets = 0, messages = heard;
    for (int i = 0; i < 20; i++) packets += live(++incarnation);
    CU_ASSERT_EQUAL(calls - before, 0);
    CU_ASSERT(packets > 20 * 150);
    CU_ASSERT_EQUAL(heard - messages, 20 * 50);
    CU_ASSERT_EQUAL(kith_core_alive(core), MEMBERS + 1);
    CU_ASSERT_EQUAL(kith_core_health(core), 0);
    kith_core_free(core);
}

/* Nobody polls before the end of a turn: what all the packets of a turn lead to waits until then.
 */
static void test_a_whole_turn_costs_no_allocation(void)
{
    enum { TURN = 400 };
    struct kith_msg ping = {.type = KITH_MSG_PING, .seq_no = 5, .node = text("self")};
    begin();
    for (unsigned i = 1; i <= MEMBERS; i++) feed_member(i, 1);
    drain();
    unsigned long before = 0, packets = 0;
    for (unsigned turn = 0; turn < 20; turn++) {
        if (turn == 10) before = calls;
        for (unsigned i = 0; i < TURN; i++) feed(&ping, 3);
        packets += drain();
    }
    CU_ASSERT_EQUAL(packets, 20 * TURN);
    CU_ASSERT_EQUAL(calls - before, 0);
    kith_core_free(core);
}

/* Telling all of a leave takes one list for the whole of it; nobody answers here. */
static void test_a_leave_costs_no_allocation_per_packet(void)
{
    struct kith_msg ping = {.type = KITH_MSG_PING, .seq_no = 5, .node = text("self")};
    unsigned long packets = 0;
    begin();
    for (unsigned i = 1; i <= MEMBERS; i++) feed_member(i, 1);
    for (unsigned i = 0; i < 100; i++) feed(&ping, 3);
    drain();
    CU_ASSERT(kith_core_leave(core, now, 0) > 0);
    packets += drain();
    for (int i = 0; i < 5; i++) { /* gossip warms up */
        kith_core_tick(core, now += 2 * MS);
        packets += drain();
    }
    unsigned long before = calls;
    for (int i = 0; i < 90; i++) {
        kith_core_tick(core, now += 2 * MS);
        packets += drain();
    }
    CU_ASSERT_EQUAL(calls - before, 0);
    CU_ASSERT_EQUAL(packets, MEMBERS);
    kith_core_free(core);
}

static void test_the_counters_do_count(void)
{
    begin();
    unsigned long before = calls;
    feed_member(1, 1);
    CU_ASSERT(calls > before);
    drain();
    kith_core_free(core);
}

KITH_TESTS("core/steady", {"packets cost no allocation", test_packets_cost_no_allocation},
           {"a whole turn costs no allocation", test_a_whole_turn_costs_no_allocation},
           {"a leave costs no allocation per packet", test_a_leave_costs_no_allocation_per_packet},
           {"the counters do count", test_the_counters_do_count})
