/*
 * test_node_streams.c - streams between transport and core: what is kept for later turns, who is at
 * the other end, ids that nobody wanted.
 */
#include "odd_nodes.h"

/* ------------------------------------------------------------------------ more than a turn takes
 */

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

KITH_TESTS("runtime/node_streams",
           {"what is kept of a closed stream comes in later turns",
            test_what_is_kept_of_a_closed_stream_comes_in_later_turns},
           {"what is kept of a broken stream is not fed",
            test_what_is_kept_of_a_broken_stream_is_not_fed},
           {"a closed stream that nobody wants is forgotten",
            test_a_closed_stream_that_nobody_wants_is_forgotten})
