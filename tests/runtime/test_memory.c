/*
 * test_memory.c - what a node costs in a world of many, and what each member that it knows: bytes
 * of the heap, all of them, divided. No timing: the figures are the same each time, and have some
 * room up to what is asserted. They are printed as "name value"; tests/bench/run shows them.
 */
#include "odd_nodes.h"
#include "wire.h"
#include <malloc.h>

enum {
    MEMBERS = 1000,
    FEW = 100,
    PER_PACKET = 20,
    RESTARTS = 1000,
    RESTARTS_MOST = 4096, /* all of them together */
    NODE_MOST = 40000,    /* over a transport that takes next to nothing, its own file included */
    UDP_MOST = 60000,
    MEMBER_MOST = 120
};

#define SECOND UINT64_C(1000000000)

static size_t heap(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

/* Sanitizers and valgrind have a heap of their own, of which mallinfo2() knows nothing. */
static bool can_count(void) { return heap() > 0; }

static void costs(size_t bytes, size_t most, const char *what, const char *with)
{
    printf("\n%s_bytes%s%s %zu\n", what, *with ? "_" : "", with, bytes);
    CU_ASSERT(bytes <= most);
    CU_ASSERT(bytes > 0);
}

/* ------------------------------------------------------------------------------------- a node */

/* The first one brings along what exists once: plugins, and the world's memory to work in. */
static size_t second_odd(const char *extra)
{
    size_t before = 0;
    begin_odd();
    for (int i = 0; i < 2; i++) {
        before = heap();
        memset(&nodes[i], 0, sizeof nodes[i]);
        config_odd(&nodes[i], "odd/a", extra);
        start_node(&nodes[i], setup_odd(&nodes[i]));
    }
    return heap() - before;
}

static void test_a_node(void)
{
    static const char *const compressors[] = {"lzw", "lz4", "zstd"};
    if (!can_count()) return;
    for (size_t i = 0; i < sizeof compressors / sizeof *compressors; i++) {
        char extra[200];
        snprintf(extra, sizeof extra,
                 "delegates: [ { use: log } ]\n"
                 "pipeline: { send: [ { use: %s }, { use: crc32 } ] }\n",
                 compressors[i]);
        costs(second_odd(extra), NODE_MOST, "node", compressors[i]);
        end();
    }
}

/* In virtual time nodes come and go by the thousand, in one world. */
static void test_restarts(void)
{
    enum { WARM = 10 };
    size_t before = 0;
    if (!can_count()) return;
    begin_odd();
    for (int i = 0; i < WARM + RESTARTS; i++) {
        if (i == WARM) before = heap();
        memset(&nodes[0], 0, sizeof nodes[0]);
        config_odd(&nodes[0], "odd/a",
                   "delegates: [ { use: log } ]\n"
                   "pipeline: { send: [ { use: lzw }, { use: crc32 } ] }\n");
        start_node(&nodes[0], setup_odd(&nodes[0]));
        kith_close(nodes[0].k);
        nodes[0].k = NULL;
    }
    size_t after = heap();
    CU_ASSERT(after <= before + RESTARTS_MOST);
    if (after > before + RESTARTS_MOST) printf("\n    grew by %zu\n", after - before);
    end();
}

static void test_a_node_on_sockets(void)
{
    size_t before = 0;
    if (!can_count()) return;
    begin();
    for (int i = 0; i < 2; i++) {
        before = heap();
        open_node(&nodes[i], "delegates: [ { use: log } ]\n");
    }
    costs(heap() - before, UDP_MOST, "node", "udp_tcp");
    end();
}

/* ----------------------------------------------------------------------------------- a member */

static size_t alive_of(uint8_t *out, size_t cap, unsigned i)
{
    static const uint8_t versions[6] = {1, 5, 2};
    char name[16];
    snprintf(name, sizeof name, "node-%05u", i);
    struct kith_buf buf = {out, out, 0, cap};
    struct kith_msg m = {.type = KITH_MSG_ALIVE,
                         .incarnation = 1,
                         .node = kith_text(name),
                         .addr = kith_text(name),
                         .vsn = kith_bytes_of(versions, 6)};
    CU_ASSERT_EQUAL_FATAL(kith_wire_write_message(&buf, &m), 0);
    return buf.len;
}

/* A compound of alive messages, as gossip brings them. */
static void introduce(unsigned from)
{
    uint8_t bytes[4000] = {KITH_MSG_COMPOUND, PER_PACKET};
    size_t at = 2 + 2 * PER_PACKET;
    for (unsigned i = 0; i < PER_PACKET; i++) {
        size_t len = alive_of(bytes + at, sizeof bytes - at, from + i);
        bytes[2 + 2 * i] = (uint8_t)(len >> 8);
        bytes[3 + 2 * i] = (uint8_t)len;
        at += len;
    }
    packet(kith_bytes_of(bytes, at));
}

/* Until all was gossiped, and what that took was given back: what is left is for the members. */
static void settle(void)
{
    uint64_t now = kith_node_now(nodes[0].k), end = now + 3600 * SECOND;
    while (stat_of(&nodes[0], "broadcasts_queued", NULL) > 0 && now < end)
        kith_loop_run_until(kith_node_loop(nodes[0].k), now += SECOND);
    CU_ASSERT(now < end);
    kith_loop_run_until(kith_node_loop(nodes[0].k), now + 60 * SECOND);
}

static void test_a_member(void)
{
    if (!can_count()) return;
    begin_odd();
    open_odd("probe: { interval: 0 }\npush_pull: { interval: 0 }\n");
    for (unsigned i = 0; i < FEW; i += PER_PACKET) introduce(i);
    settle(); /* what packets and a queue need is there now */
    size_t before = heap();
    for (unsigned i = FEW; i < MEMBERS; i += PER_PACKET) introduce(i);
    CU_ASSERT_EQUAL_FATAL(count(&nodes[0], KITH_ALIVE), MEMBERS + 1);
    settle();
    costs((heap() - before) / (MEMBERS - FEW), MEMBER_MOST, "known_member", "");
    end();
}

KITH_TESTS("runtime/memory", {"a node", test_a_node}, {"a node on sockets", test_a_node_on_sockets},
           {"a member", test_a_member}, {"restarts", test_restarts})
