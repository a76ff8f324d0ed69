/*
 * test_node_streams.c - streams between transport and core: what is kept for later turns, who is at
 * the other end, ids that nobody wanted.
 */
#include "odd_nodes.h"

/* ----------------------------------------------------------------------- more than a turn takes */

enum { MIB = 1 << 20, LONG = 10 * MIB }; /* of a user message: more than two turns take */

static void send_long(void)
{
    static uint8_t zeroes[MIB];
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    odd_up(ODD_DATA, "", 0, user_head(LONG), 0);
    for (int i = 0; i < LONG / MIB; i++) odd_up(ODD_DATA, "", 0, kith_bytes_of(zeroes, MIB), 0);
    odd_up(ODD_END, "", 0, nothing, 0);
}

/* Calls about streams. */
static size_t calls(void)
{
    return odd.call[ODD_STREAM_WRITE].calls + odd.call[ODD_STREAM_FINISH].calls +
           odd.call[ODD_STREAM_RESET].calls + odd.call[ODD_STREAM_READ].calls;
}

static void test_what_is_kept_of_a_closed_stream_comes_in_later_turns(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    send_long();
    CU_ASSERT_EQUAL(nodes[0].k->turn_bytes, KITH_TURN_MOST_BYTES);
    odd_up(ODD_CLOSED, "", 0, nothing, 0);
    CU_ASSERT_EQUAL(nodes[0].k->turn_bytes, KITH_TURN_MOST_BYTES); /* not inside of the upcall */
    CU_ASSERT_EQUAL(breaches(), 0);
    odd_up(ODD_WRITABLE, "", 0, nothing, 0); /* its id is dead */
    CU_ASSERT_EQUAL(breaches(), 1);
    turn();
    CU_ASSERT_EQUAL(nodes[0].streams, 0);
    CU_ASSERT_EQUAL(kith_streams_count(nodes[0].k), 1);
    for (int i = 0; i < 3; i++) turn();
    CU_ASSERT_EQUAL(nodes[0].streams, 1);
    CU_ASSERT_EQUAL(nodes[0].bytes, LONG);
    CU_ASSERT_EQUAL(kith_streams_count(nodes[0].k), 0);
    CU_ASSERT_EQUAL(calls(), 0);
    end();
}

static void test_what_is_kept_of_a_broken_stream_is_not_fed(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    send_long();
    odd_up(ODD_CLOSED, "", 0, nothing, -KITH_ECLOSED);
    CU_ASSERT_EQUAL(kith_streams_count(nodes[0].k), 0);
    for (int i = 0; i < 4; i++) turn();
    CU_ASSERT_EQUAL(nodes[0].streams, 0);
    CU_ASSERT_EQUAL(calls(), 0);
    end();
}

/* A peer that says what nobody can read: the core has done with it before all is fed. */
static void test_a_closed_stream_that_nobody_wants_is_forgotten(void)
{
    static const char wire[] = "\x08\xff not a head";
    static uint8_t zeroes[MIB];
    begin_odd();
    open_odd(PLAIN);
    turn();
    send_long();
    odd_up(ODD_CLOSED, "", 0, nothing, 0);
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0); /* behind the other one all of it is kept */
    odd_up(ODD_DATA, "", 0, kith_bytes_of(wire, sizeof wire - 1), 0);
    for (int i = 0; i < 9; i++) odd_up(ODD_DATA, "", 0, kith_bytes_of(zeroes, MIB), 0);
    odd_up(ODD_CLOSED, "", 0, nothing, 0);
    CU_ASSERT_EQUAL(kith_streams_count(nodes[0].k), 2);
    for (int i = 0; i < 4; i++) turn(); /* fewer than all of it would take */
    CU_ASSERT_EQUAL(kith_streams_count(nodes[0].k), 0);
    CU_ASSERT_EQUAL(nodes[0].streams, 1);
    CU_ASSERT_EQUAL(calls(), 0);
    end();
}

/* --------------------------------------------------------------------------- ids, the other end */

/* Nobody took it, and its id is dead all the same. */
static void test_the_id_of_a_refused_stream_is_dead(void)
{
    begin_odd();
    open_odd(PLAIN "limits: { max_streams: 2 }\n");
    turn();
    for (uint64_t id = 999; id <= 1001; id++) odd_up(ODD_ACCEPTED, "odd/b", id, nothing, 0);
    CU_ASSERT_EQUAL(odd.accepted_refused, 1);
    CU_ASSERT_EQUAL(breaches(), 0);
    odd_up(ODD_CLOSED, "", 1000, nothing, 0); /* there is room now */
    odd_up(ODD_DATA, "", 1001, ping(), 0);
    CU_ASSERT_EQUAL(breaches(), 1);
    odd_up(ODD_ACCEPTED, "odd/b", 1001, nothing, 0);
    CU_ASSERT_EQUAL(breaches(), 2);
    CU_ASSERT_EQUAL(odd.accepted_refused, 2);
    odd_up(ODD_ACCEPTED, "odd/b", 1002, nothing, 0);
    CU_ASSERT_EQUAL(odd.accepted_refused, 2);
    end();
}

/* A transport that has no room for another stream says so: strangers lose some. */
static void test_a_crowded_transport_gets_room(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    packet(alive());
    turn();
    CU_ASSERT_EQUAL_FATAL(count(&nodes[0], KITH_ALIVE), 2); /* b is at odd/b */
    odd_up(ODD_CHANGED, "", 0, nothing, KITH_CHANGED_CROWDED);
    turn();
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_RESET].calls, 0); /* there is none */
    for (uint64_t id = 1000; id < 1040; id++)
        odd_up(ODD_ACCEPTED, id < 1020 ? "odd/b" : "odd/x", id, nothing, 0);
    odd_up(ODD_CHANGED, "", 0, nothing, KITH_CHANGED_CROWDED);
    turn();
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_RESET].calls, 1 + 20 / 16);
    CU_ASSERT_EQUAL(kith_streams_count(nodes[0].k), 38);
    for (uint64_t id = 1000; id < 1020; id++) odd_up(ODD_DATA, "", id, nothing, 0); /* all there */
    CU_ASSERT_EQUAL(breaches(), 0);
    end();
}

/* The transport knows whom it is connected to, not what that one speaks. */
static void test_what_is_known_of_a_member_stays_known_on_a_stream(void)
{
    const struct kith_peer to = {.size = sizeof to, .name = kith_text("b")};
    const struct kith_message m = {
        .size = sizeof m, .flags = KITH_RELIABLE, .bytes = kith_text("hello"), .peer = &to};
    begin_odd();
    set_keys();
    open_odd(KEY_A "pipeline: { send: [ { use: peek } ], require: [] }\n");
    turn();
    const struct kith_bytes plain = alive();
    uint8_t layer[256] = {0xB0};
    memcpy(layer + 1, plain.data, plain.len);
    packet(kith_bytes_of(layer, plain.len + 1));
    CU_ASSERT_EQUAL_FATAL(count(&nodes[0], KITH_ALIVE), 2);
    const struct kith_node *t = kith_table(nodes[0].k);
    CU_ASSERT_EQUAL(t->send(t, &m, done, &nodes[0]), 0);
    turn();
    peek.protocol_max = 0;
    size_t seals = peek.seals;
    odd_up(ODD_OPENED, "odd/b", 0, nothing, 0);
    turn();
    CU_ASSERT(peek.seals > seals);
    CU_ASSERT_EQUAL(peek.protocol_max, 5);

    size_t opens = peek.opens; /* nor does it know it of whom an answer is from */
    peek.protocol_max = 0;
    odd_up(ODD_DATA, "", 0, kith_bytes_of(odd.written, odd.written_len), 0);
    CU_ASSERT_EQUAL(peek.opens, opens + 1);
    CU_ASSERT_EQUAL(peek.protocol_max, 5);
    end();
}

/* While the delegates have enough to hear, streams wait that may bring a user message: others'.
 * What we asked for brings none. */
static void test_an_answer_does_not_wait_for_the_delegates(void)
{
    static const char state[] = "\x06";
    begin_odd();
    open_odd(PLAIN "limits: { handoff_queue_depth: 1 }\n");
    turn();
    CU_ASSERT_EQUAL(kith_join(nodes[0].k, "odd/c", done, &nodes[0]), 0);
    turn();
    turn();
    CU_ASSERT_EQUAL_FATAL(odd.call[ODD_STREAM_OPEN].calls, 1);
    odd_up(ODD_OPENED, "odd/c", 0, nothing, 0);
    turn();
    odd_up(ODD_PACKET_IN, "odd/b", 0, kith_text("\x08hello"), 0);
    CU_ASSERT_TRUE(kith_delegates_full(nodes[0].k->delegates));
    odd_up(ODD_DATA, "", 0, kith_bytes_of(state, 1), 0);
    CU_ASSERT_FALSE(kith_streams_kept(nodes[0].k));
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    odd_up(ODD_DATA, "", 0, kith_bytes_of(state, 1), 0);
    CU_ASSERT_TRUE(kith_streams_kept(nodes[0].k));
    turn();
    CU_ASSERT_FALSE(kith_streams_kept(nodes[0].k));
    CU_ASSERT_EQUAL(nodes[0].packets, 1);
    end();
}

KITH_TESTS("runtime/node_streams",
           {"the id of a refused stream is dead", test_the_id_of_a_refused_stream_is_dead},
           {"a crowded transport gets room", test_a_crowded_transport_gets_room},
           {"what is known of a member stays known on a stream",
            test_what_is_known_of_a_member_stays_known_on_a_stream},
           {"an answer does not wait for the delegates",
            test_an_answer_does_not_wait_for_the_delegates},
           {"what is kept of a closed stream comes in later turns",
            test_what_is_kept_of_a_closed_stream_comes_in_later_turns},
           {"what is kept of a broken stream is not fed",
            test_what_is_kept_of_a_broken_stream_is_not_fed},
           {"a closed stream that nobody wants is forgotten",
            test_a_closed_stream_that_nobody_wants_is_forgotten})
