/*
 * test_node_packets.c - packets between transport and core: when they came, how big they may be,
 * and the room around them.
 */
#include "odd_nodes.h"

#define MS     UINT64_C(1000000)
#define PEEKED KEY_A "pipeline: { send: [ { use: peek } ], require: [] }\n"

/* The sequence number of the ping that went out last. */
static uint8_t seq_no(void)
{
    static const char key[] = "\xa5SeqNo";
    const uint8_t *at = memmem(odd.packet, odd.packet_len, key, sizeof key - 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    return at[sizeof key - 1];
}

/* What was read before the node got to it is not late. */
static void test_a_round_trip_ends_when_the_ack_was_read(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    const struct kith_node *t = kith_table(nodes[0].k);
    const struct kith_addr there = {.len = 5, .bytes = "odd/c"};
    const struct kith_peer to = {.size = sizeof to, .addr = &there};
    CU_ASSERT_EQUAL(t->ping(t, &to, done, &nodes[0]), 0);
    turn();
    uint64_t sent = kith_loop_now(loop);
    uint8_t ack[] = "\x02\x82\xa5SeqNo?\xa7Payload\xa0";
    ack[8] = seq_no();
    CU_ASSERT(ack[8] < 128);
    unsigned before = nodes[0].done;
    kith_loop_run_until(loop, sent + 50 * MS);
    struct kith_buf buf = {ack, ack, sizeof ack - 1, sizeof ack};
    odd.host->uplink->packet_in(odd.host->uplink, &to, &buf, sent + 20 * MS);
    turn();
    CU_ASSERT_EQUAL_FATAL(nodes[0].done, before + 1);
    CU_ASSERT_EQUAL(nodes[0].status, 0);
    CU_ASSERT_EQUAL(nodes[0].value, 20 * MS);
    end();
}

/* --------------------------------------------------------------------------- how big, what room */

static size_t fits(void)
{
    const struct kith_node *t = kith_table(nodes[0].k);
    return t->fits(t, KITH_FITS_PACKET, NULL);
}

static size_t fits_with(size_t head, size_t tail)
{
    begin_odd();
    set_keys();
    peek.head = head;
    peek.tail = tail;
    open_odd(PEEKED);
    turn();
    size_t fit = fits();
    end();
    return fit;
}

static void test_what_codecs_add_is_taken_off(void)
{
    size_t whole = fits_with(0, 0);
    CU_ASSERT_EQUAL(fits_with(16, 0), whole - 16);
    CU_ASSERT_EQUAL(fits_with(0, 100), whole - 100);
}

static void say_zeroes(void)
{
    static uint8_t zeroes[1000];
    const struct kith_node *t = kith_table(nodes[0].k);
    const struct kith_addr there = {.len = 5, .bytes = "odd/c"};
    const struct kith_peer to = {.size = sizeof to, .addr = &there};
    const struct kith_message m = {
        .size = sizeof m, .bytes = kith_bytes_of(zeroes, sizeof zeroes), .peer = &to};
    CU_ASSERT_EQUAL(t->send(t, &m, done, &nodes[0]), 0);
    turn();
}

/* A codec that writes its result elsewhere knows nothing of the transport's room. */
static void test_the_transport_has_its_room_behind_every_codec(void)
{
    begin_odd();
    odd.limits.headroom = 500;
    odd.limits.tailroom = 400;
    open_odd("pipeline: { send: [ { use: lzw } ], require: [] }\n");
    turn();
    say_zeroes();
    CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, 1);
    CU_ASSERT(odd.packet_len < 500); /* it did not pass */
    CU_ASSERT(odd.headroom >= 500 && odd.tailroom >= 400);
    end();
}

/* What the core has made meanwhile has room for the old ones. */
static void test_limits_that_grew_hold_for_the_next_packet(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    packet(ping());
    odd.limits.headroom = 3000;
    odd.limits.tailroom = 2000;
    odd_up(ODD_CHANGED, "", 0, nothing, KITH_CHANGED_LIMITS);
    turn();
    packet(ping());
    CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, 2);
    CU_ASSERT(odd.headroom >= 3000 && odd.tailroom >= 2000);
    end();
}

KITH_TESTS("runtime/node_packets",
           {"a round trip ends when the ack was read",
            test_a_round_trip_ends_when_the_ack_was_read},
           {"what codecs add is taken off", test_what_codecs_add_is_taken_off},
           {"the transport has its room behind every codec",
            test_the_transport_has_its_room_behind_every_codec},
           {"limits that grew hold for the next packet",
            test_limits_that_grew_hold_for_the_next_packet})
