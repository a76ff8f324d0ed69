/*
 * test_uplink.c - the line between a node and its transport: what a transport tells at the wrong
 * time, about a stream that is not there, or from inside a call costs it a line with its name and
 * nothing else; what it is called for is what the header promises.
 */
#include "odd_nodes.h"

/* -------------------------------------------------------------------- everything that it can do */

enum { FLOOD = KITH_TURN_MOST_BYTES + 100000 };

/* More in one turn than a node takes: the stream is paused, and goes on in the next. */
static void flood(void)
{
    static uint8_t bytes[FLOOD];
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    odd_up(ODD_DATA, "", 0, user_head(FLOOD), 0);
    odd_up(ODD_DATA, "", 0, kith_bytes_of(bytes, FLOOD), 0);
    odd_up(ODD_END, "", 0, nothing, 0);
    turn();
    turn();
    odd_up(ODD_CLOSED, "", 0, nothing, 0);
    turn();
}

static void ask_on_a_stream(void)
{
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    odd_up(ODD_DATA, "", 0, ping(), 0);
    turn();
    odd_up(ODD_WRITABLE, "", 0, nothing, 0);
    odd_up(ODD_END, "", 0, nothing, 0);
    turn();
    odd_up(ODD_CLOSED, "", 0, nothing, 0);
    turn();
}

static void dial(int64_t write)
{
    CU_ASSERT_EQUAL(kith_join(nodes[0].k, "odd/c", done, &nodes[0]), 0);
    turn();
    turn();
    int before = odd.call[ODD_STREAM_WRITE].rc;
    if (write) odd.call[ODD_STREAM_WRITE].rc = (int)write;
    odd_up(ODD_OPENED, "odd/c", 0, nothing, 0);
    turn();
    odd.call[ODD_STREAM_WRITE].rc = before;
    if (!write) odd_up(ODD_CLOSED, "", 0, nothing, -KITH_ECLOSED);
    turn();
}

static void ended(void *arg, int status, const char *text) {}

/* All of a life; each call of the transport is made at least once. */
static void live_on(const char *more)
{
    struct node *n = &nodes[0];
    struct kith_error err = {.size = sizeof err};
    struct kith_bytes word = kith_text("hello");
    const struct kith_asker asker = {.end = ended};
    turn();
    packet(ping());
    packet(alive());
    packet(dead());
    ask_on_a_stream();
    dial(0);
    dial(-KITH_EIO); /* and it is reset */
    flood();
    char text[KITH_ADDR_TEXT];
    where_is(n, text, sizeof text);
    (void)kith_node_call(n->k, kith_text("odd"), &word, 1, 0, UINT64_MAX, &asker, NULL, &err);
    config_odd(n, "odd/a", more);
    CU_ASSERT_EQUAL(kith_reload(n->k, NULL, NULL, &err), 0); /* left alone: refreshed */
    config_odd(n, "odd/b", more);
    (void)kith_reload(n->k, NULL, NULL, &err); /* another: adopts */
    turn();
}

static void test_a_transport_of_good_manners_is_never_blamed(void)
{
    begin_odd();
    open_odd(PLAIN);
    live_on(PLAIN);
    CU_ASSERT_EQUAL(breaches(), 0);
    CU_ASSERT_STRING_EQUAL(nodes[0].logged, "");
    CU_ASSERT_STRING_EQUAL(odd.gone, "odd/b");
    CU_ASSERT_EQUAL(nodes[0].streams, 1);
    CU_ASSERT_EQUAL(nodes[0].bytes, FLOOD);
    end();
    for (int call = 0; call < ODD_CALLS; call++) {
        CU_ASSERT(odd.call[call].calls > 0);
        if (!odd.call[call].calls) printf("\nnever called: %d\n", call);
    }
}

/* Every upcall from inside every call: blamed once for each, and the node goes on. Under
 * AddressSanitizer this is where a stream that is closed inside its own write would show. */
static void test_no_upcall_is_heard_from_inside_a_call(void)
{
    for (int call = ODD_START; call < ODD_CALLS; call++) {
        if (call == ODD_FINI) continue; /* it stopped before */
        for (int upcall = ODD_PACKET_IN; upcall < ODD_UPCALLS; upcall++) {
            begin_odd();
            odd.call[call].upcall = (enum odd_upcall)upcall;
            open_odd(PLAIN);
            live_on(PLAIN);
            CU_ASSERT_FALSE(nodes[0].k->failed);
            CU_ASSERT_EQUAL(count(&nodes[0], KITH_ALIVE), 1);
            CU_ASSERT_EQUAL(breaches(), (double)odd.upcalls_made);
            if (breaches() != (double)odd.upcalls_made)
                printf("\nupcall %d in call %d: %g of %zu, %s\n", upcall, call, breaches(),
                       odd.upcalls_made, nodes[0].logged);
            if (call != ODD_STOP) CU_ASSERT(odd.upcalls_made > 0);
            if (odd.upcalls_made) CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "odd"));
            size_t refused = odd.accepted_refused;
            if (upcall == ODD_ACCEPTED && call != ODD_STOP) CU_ASSERT(refused > 0);
            end();
        }
    }
}

/* ------------------------------------------------------------------------------------ streams */

/* Counted, and said unless it was said a moment ago. */
static void blamed(enum odd_upcall what, uint64_t id, const char *words)
{
    double before = breaches();
    odd_up(what, "odd/b", id, ping(), 0);
    CU_ASSERT_EQUAL(breaches(), before + 1);
    if (words) CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, words));
}

static void test_ids_that_are_dead_zero_or_doubled_are_blamed(void)
{
    static const enum odd_upcall all[] = {ODD_DATA, ODD_OPENED, ODD_WRITABLE, ODD_END, ODD_CLOSED};
    begin_odd();
    open_odd(PLAIN);
    turn();
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    uint64_t gone = odd.id;
    odd_up(ODD_CLOSED, "", gone, nothing, -KITH_ECLOSED);
    turn();
    blamed(ODD_ACCEPTED, gone, "stream_accepted with id");
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "ids only grow"));
    odd.id = gone;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        blamed(all[i], gone, NULL);
        blamed(all[i], 987654321, NULL);
    }
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    uint64_t open = odd.id;
    blamed(ODD_ACCEPTED, open, NULL);
    blamed(ODD_OPENED, open, NULL);
    odd_up(ODD_END, "", open, nothing, 0);
    blamed(ODD_DATA, open, NULL);
    blamed(ODD_END, open, NULL);
    CU_ASSERT_EQUAL(odd.accepted_refused, 2);
    end();
}

static void user_packet(void)
{
    static const char user[] = "\x08in a packet";
    odd_up(ODD_PACKET_IN, "odd/b", 0, kith_bytes_of(user, sizeof user - 1), 0);
}

static void user_stream(void)
{
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    odd_up(ODD_DATA, "", 0, user_head(5), 0);
    odd_up(ODD_DATA, "", 0, kith_text("hello"), 0);
    odd_up(ODD_END, "", 0, nothing, 0);
}

/* What came reliably waits for the delegates, whatever came before it, and comes before what is
 * read in the next turn. */
static void test_streams_wait_for_room_in_the_delegates_queue(void)
{
    begin_odd();
    open_odd(PLAIN "limits: { handoff_queue_depth: 2 }\n");
    turn();
    for (unsigned i = 0; i < 3; i++) user_packet(); /* one is dropped */
    for (unsigned i = 0; i < 5; i++) user_stream();
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "user_messages_dropped", NULL), 1);
    CU_ASSERT_EQUAL(nodes[0].streams, 0);
    for (unsigned turns = 1; turns <= 4; turns++) {
        turn();
        CU_ASSERT_EQUAL(nodes[0].streams, turns == 4 ? 5 : 2 * (turns - 1));
        CU_ASSERT_EQUAL(nodes[0].packets, 2);
        if (turns < 3) user_packet(); /* there is no end of them */
    }
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "user_messages_dropped", NULL), 3);
    CU_ASSERT_EQUAL(breaches(), 0);
    end();
}

/* However long ago one was there, or if none ever was: until another instance starts. */
static void test_ids_of_streams_only_grow(void)
{
    static const struct kith_addr addr = {.len = 5, .bytes = "odd/b"};
    struct kith_peer from = {.size = sizeof from, .addr = &addr};
    for (int adopts = 0; adopts < 2; adopts++) {
        begin_odd();
        if (!adopts) odd_plugin.adopt = NULL;
        open_odd(PLAIN);
        turn();
        const struct kith_uplink *up = odd.host->uplink;
        CU_ASSERT_EQUAL(up->stream_accepted(up, 0, &from), -KITH_EINVAL);
        CU_ASSERT_EQUAL(breaches(), 1);
        for (uint64_t id = 7; id < 70000; id += 7) {
            odd_up(ODD_ACCEPTED, "odd/b", id, nothing, 0);
            odd_up(ODD_CLOSED, "", id, nothing, 0);
        }
        CU_ASSERT_EQUAL(breaches(), 1);
        CU_ASSERT_EQUAL(odd.accepted_refused, 0);
        blamed(ODD_ACCEPTED, 7, NULL);
        blamed(ODD_ACCEPTED, 8, NULL);
        config_odd(&nodes[0], "odd/b", PLAIN);
        CU_ASSERT_EQUAL(kith_reload(nodes[0].k, NULL, NULL, NULL), 0);
        turn();
        double before = breaches();
        odd_up(ODD_ACCEPTED, "odd/b", 1, nothing, 0);
        CU_ASSERT_EQUAL(breaches(), before + adopts);
        end();
    }
}

static void test_a_stream_tells_nothing_before_it_is_open(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    CU_ASSERT_EQUAL(kith_join(nodes[0].k, "odd/c", done, &nodes[0]), 0);
    turn();
    turn();
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_OPEN].calls, 1);
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_WRITE].calls, 0); /* and nothing is written */
    double before = breaches();
    odd_up(ODD_DATA, "", 0, ping(), 0);
    odd_up(ODD_END, "", 0, nothing, 0);
    CU_ASSERT_EQUAL(breaches(), before + 2);
    odd_up(ODD_OPENED, "odd/c", 0, nothing, 0);
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_WRITE].calls, 0); /* not inside the upcall */
    turn();
    CU_ASSERT(odd.call[ODD_STREAM_WRITE].calls > 0);
    end();
}

static void test_ids_of_opened_streams_are_checked_too(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    odd.next_id = odd.id;
    unsigned asked = nodes[0].done;
    CU_ASSERT_EQUAL(kith_join(nodes[0].k, "odd/c", done, &nodes[0]), 0);
    while (nodes[0].done == asked) turn();
    CU_ASSERT_EQUAL(nodes[0].status, -KITH_EIO);
    CU_ASSERT_EQUAL(breaches(), 1);
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_RESET].calls, 0); /* it is the other's id */
    odd_up(ODD_CLOSED, "", odd.next_id, nothing, 0);
    asked = nodes[0].done;
    CU_ASSERT_EQUAL(kith_join(nodes[0].k, "odd/c", done, &nodes[0]), 0);
    turn();
    turn();
    CU_ASSERT_EQUAL(nodes[0].done, asked + 1);
    CU_ASSERT_EQUAL(nodes[0].status, -KITH_EIO);
    CU_ASSERT_EQUAL(breaches(), 2);
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_RESET].calls, 1); /* nobody's any more */
    end();
}

static void test_a_number_that_was_not_promised_is_blamed(void)
{
    static const enum odd_call calls[] = {ODD_SEND_PACKET, ODD_STREAM_OPEN, ODD_STREAM_WRITE};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        begin_odd();
        open_odd(PLAIN);
        turn();
        odd.call[calls[i]].rc = KITH_LATER << 10;
        packet(ping());
        CU_ASSERT_EQUAL(kith_join(nodes[0].k, "odd/c", done, &nodes[0]), 0);
        turn();
        turn();
        if (calls[i] == ODD_STREAM_WRITE) odd_up(ODD_OPENED, "odd/c", 0, nothing, 0);
        turn();
        CU_ASSERT(breaches() > 0);
        if (calls[i] == ODD_STREAM_WRITE) CU_ASSERT_EQUAL(odd.call[ODD_STREAM_RESET].calls, 1);
        end();
    }
}

/* ------------------------------------------------------------------------------------- packets */

static void test_what_came_is_answered_at_the_end_of_the_turn(void)
{
    begin_odd();
    odd.limits.headroom = 40;
    odd.limits.tailroom = 24;
    open_odd("pipeline: { send: [ { use: lzw }, { use: crc32 } ], require: [] }\n");
    turn();
    odd_up(ODD_PACKET_IN, "odd/b", 0, ping(), 0);
    CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, 0);
    CU_ASSERT_EQUAL(odd.call[ODD_FLUSH].calls, 1);
    turn();
    CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, 1);
    CU_ASSERT_EQUAL(odd.call[ODD_FLUSH].calls, 2);
    CU_ASSERT_STRING_EQUAL(odd.to, "odd/b");
    CU_ASSERT(odd.headroom >= 40);
    CU_ASSERT(odd.tailroom >= 24);
    end();
}

static void test_one_turn_takes_so_many_packets_and_no_more(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    for (int i = 0; i < KITH_TURN_MOST_PACKETS + 10; i++)
        odd_up(ODD_PACKET_IN, "odd/b", 0, ping(), 0);
    turn();
    CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, KITH_TURN_MOST_PACKETS);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "transport_packets_over_turn", NULL), 10);
    packet(ping());
    CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, KITH_TURN_MOST_PACKETS + 1);
    end();
}

/* A turn that brought much may have left acks unread: no time-out fires before they are fed; but
 * whoever never stops sending can't stop the clock. */
static void test_time_waits_for_what_is_unread_but_not_for_ever(void)
{
    unsigned waited = 0, passed = 0;
    begin_odd();
    open_odd(PLAIN);
    turn();
    CU_ASSERT_EQUAL(nodes[0].k->turns_held, 0);
    for (int i = 0; i < 3 * KITH_TURNS_HELD; i++) {
        for (int p = 0; p < KITH_TURN_BUSY_PACKETS; p++)
            odd_up(ODD_PACKET_IN, "odd/b", 0, ping(), 0);
        turn();
        *(nodes[0].k->turns_held ? &waited : &passed) += 1;
        CU_ASSERT(nodes[0].k->turns_held <= KITH_TURNS_HELD);
    }
    CU_ASSERT(passed >= 2);
    CU_ASSERT(waited > passed);
    kith_loop_turn(loop, 0); /* it comes by itself */
    CU_ASSERT_EQUAL(nodes[0].k->turns_held, 0);
    end();
}

static void test_packets_of_no_bytes_are_refused_with_the_name(void)
{
    struct kith_error err = {.size = sizeof err};
    begin_odd();
    odd.packet_is_zero = true;
    config_odd(&nodes[0], "odd/a", PLAIN);
    CU_ASSERT_EQUAL(kith_node_open(&nodes[0].k, setup_odd(&nodes[0]), NULL, &err), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "odd"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "0 bytes"));
    nodes[0].k = NULL;
    end();
}

/* A packet that can't carry the node's own meta: the words say whose limit it is. */
static void too_small(const char *extra, const char *whose)
{
    struct kith_error err = {.size = sizeof err};
    config_odd(&nodes[0], "odd/a", extra);
    CU_ASSERT_EQUAL_FATAL(kith_node_open(&nodes[0].k, setup_odd(&nodes[0]), NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_start(nodes[0].k, &err), -KITH_ETOOBIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, whose));
    if (!strstr(err.text, whose)) printf("\n%s\n", err.text);
    kith_close(nodes[0].k);
    nodes[0].k = NULL;
}

static void test_who_limits_a_packet_is_said(void)
{
    begin_odd();
    odd.limits.packet = 60;
    too_small(PLAIN, "transport");
    odd_reset();
    char tag[480] = "", text[600];
    memset(tag, 'x', sizeof tag - 1);
    snprintf(text, sizeof text, "udp_buffer_size: 512, meta: { tags: { t: %s } }", tag);
    more_node = text;
    too_small(PLAIN, "udp_buffer_size");
    end();
}

static void test_limits_are_asked_again_when_they_changed(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    const struct kith_node *t = kith_table(nodes[0].k);
    size_t before = t->fits(t, KITH_FITS_PACKET, NULL);
    odd.limits.packet = 600;
    odd_up(ODD_CHANGED, "", 0, nothing, KITH_CHANGED_LIMITS);
    turn();
    CU_ASSERT_EQUAL(t->fits(t, KITH_FITS_PACKET, NULL), before - 800);
    odd.packet_is_zero = true;
    odd_up(ODD_CHANGED, "", 0, nothing, KITH_CHANGED_LIMITS);
    turn();
    CU_ASSERT_EQUAL(t->fits(t, KITH_FITS_PACKET, NULL), before - 800); /* as it was */
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "0 bytes"));
    end();
}

/* ------------------------------------------------------------------------------------ addresses */

static void test_a_node_waits_for_its_address_and_follows_it(void)
{
    begin_odd();
    odd.call[ODD_ADVERTISE].rc = -KITH_EAGAIN;
    open_odd(PLAIN);
    turn();
    CU_ASSERT_FALSE(kith_node_ready(nodes[0].k));
    CU_ASSERT_EQUAL(count(&nodes[0], KITH_ALIVE), 0);
    CU_ASSERT_EQUAL(kith_join(nodes[0].k, "odd/c", done, &nodes[0]), -KITH_EAGAIN);
    const struct kith_node *table = kith_table(nodes[0].k);
    CU_ASSERT_EQUAL(table->leave(table, 0, done, &nodes[0]), -KITH_EAGAIN);
    packet(ping()); /* nobody listens yet, and nobody is blamed */
    CU_ASSERT_EQUAL(breaches(), 0);
    odd.call[ODD_ADVERTISE].rc = 0;
    odd_up(ODD_CHANGED, "", 0, nothing, KITH_CHANGED_ADDRESS);
    turn();
    CU_ASSERT_TRUE(kith_node_ready(nodes[0].k));
    CU_ASSERT_EQUAL(nodes[0].started, 1);
    char where[KITH_ADDR_TEXT];
    where_is(&nodes[0], where, sizeof where);
    CU_ASSERT_STRING_EQUAL(where, "odd/a");

    struct kith_member self = {.size = sizeof self};
    kith_table(nodes[0].k)->local(kith_table(nodes[0].k), &self);
    uint32_t incarnation = self.incarnation;
    strcpy(odd.advertise, "odd/moved");
    odd_up(ODD_CHANGED, "", 0, nothing, KITH_CHANGED_ADDRESS);
    turn();
    where_is(&nodes[0], where, sizeof where);
    CU_ASSERT_STRING_EQUAL(where, "odd/moved");
    kith_table(nodes[0].k)->local(kith_table(nodes[0].k), &self);
    CU_ASSERT(self.incarnation > incarnation);

    incarnation = self.incarnation;
    odd.call[ODD_ADVERTISE].rc = -KITH_EAGAIN; /* it has lost it, and will find another */
    odd_up(ODD_CHANGED, "", 0, nothing, KITH_CHANGED_ADDRESS);
    turn();
    kith_table(nodes[0].k)->local(kith_table(nodes[0].k), &self);
    CU_ASSERT_EQUAL(self.incarnation, incarnation);
    CU_ASSERT_STRING_EQUAL(nodes[0].logged, "");
    CU_ASSERT_EQUAL(kith_dispatch(nodes[0].k), 0);
    end();
}

static void test_a_node_that_never_gets_its_address_ends_with_the_error(void)
{
    begin_odd();
    odd.call[ODD_ADVERTISE].rc = -KITH_EAGAIN;
    open_odd(PLAIN);
    odd.call[ODD_ADVERTISE].rc = -KITH_EUNREACHABLE;
    odd_up(ODD_CHANGED, "", 0, nothing, KITH_CHANGED_ADDRESS);
    turn();
    CU_ASSERT_EQUAL(kith_run(nodes[0].k), -KITH_EUNREACHABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "odd"));
    end();
}

/* By name, and at its place in the file. */
static void test_who_fails_at_the_start_is_named(void)
{
    static const enum odd_call calls[] = {ODD_START, ODD_ADVERTISE};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        struct kith_error err = {.size = sizeof err};
        begin_odd();
        config_odd(&nodes[0], "odd/a", PLAIN);
        CU_ASSERT_EQUAL_FATAL(kith_node_open(&nodes[0].k, setup_odd(&nodes[0]), NULL, &err), 0);
        odd.call[calls[i]].rc = -KITH_EACCES;
        CU_ASSERT_EQUAL(kith_start(nodes[0].k, &err), -KITH_EACCES);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "odd.yaml:2:"));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "odd: "));
        end();
    }
}

/* The transport has the whole text; only what it refuses is read as a name and an address. */
static void test_addresses_may_hold_slashes(void)
{
    struct kith_place p;
    struct kith_error err = {.size = sizeof err};
    begin_odd();
    open_odd(PLAIN);
    struct kith *k = nodes[0].k;
    CU_ASSERT_EQUAL(kith_place_parse(k, kith_text("/tmp/x.sock"), &p, &err), 0);
    CU_ASSERT_EQUAL(p.name.len, 0);
    CU_ASSERT_EQUAL(p.addr.len, 11);
    CU_ASSERT_EQUAL(kith_place_parse(k, kith_text("!/b"), &p, &err), 0); /* refused, then cut */
    CU_ASSERT(kith_bytes_equal(p.name, kith_text("!")));
    CU_ASSERT_EQUAL(p.addr.len, 1);
    CU_ASSERT_EQUAL(kith_place_parse(k, kith_text("!/?host"), &p, &err), 0);
    CU_ASSERT_EQUAL(p.status, -KITH_ENAME);
    CU_ASSERT(kith_bytes_equal(p.host, kith_text("host")));
    CU_ASSERT_EQUAL(kith_place_parse(k, kith_text("!b"), &p, &err), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "!b"));
    CU_ASSERT_EQUAL(kith_place_parse(k, kith_text("!/!"), &p, &err), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_place_parse(k, kith_text(""), &p, &err), -KITH_EINVAL);
    end();
}

/* ---------------------------------------------------------------------------------- identities */

static void test_what_the_transport_gives_counts(void)
{
    static const char user[] = "\x08hello";
    begin_odd();
    odd.limits.provides = KITH_ENCRYPTS | KITH_AUTHENTICATES;
    open_odd("pipeline: { send: [], accept: [], require: [ encrypt, authenticate ] }\n");
    turn();
    struct kith_bytes hello = kith_bytes_of(user, sizeof user - 1);
    packet(hello);
    CU_ASSERT_EQUAL(nodes[0].packets, 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "messages_refused", "policy"), 1);
    odd_peer_is(KITH_ENCRYPTS | KITH_AUTHENTICATES, "spiffe://b");
    packet(hello);
    CU_ASSERT_EQUAL(nodes[0].packets, 1);
    CU_ASSERT_STRING_EQUAL(nodes[0].last, "hello");
    CU_ASSERT_STRING_EQUAL(nodes[0].from, "spiffe://b");
    end();
}

KITH_TESTS(
    "runtime/uplink",
    {"a transport of good manners is never blamed",
     test_a_transport_of_good_manners_is_never_blamed},
    {"no upcall is heard from inside a call", test_no_upcall_is_heard_from_inside_a_call},
    {"ids that are dead, zero or doubled are blamed",
     test_ids_that_are_dead_zero_or_doubled_are_blamed},
    {"streams wait for room in the delegates' queue",
     test_streams_wait_for_room_in_the_delegates_queue},
    {"ids of streams only grow", test_ids_of_streams_only_grow},
    {"a stream tells nothing before it is open", test_a_stream_tells_nothing_before_it_is_open},
    {"ids of opened streams are checked too", test_ids_of_opened_streams_are_checked_too},
    {"a number that was not promised is blamed", test_a_number_that_was_not_promised_is_blamed},
    {"what came is answered at the end of the turn",
     test_what_came_is_answered_at_the_end_of_the_turn},
    {"one turn takes so many packets and no more", test_one_turn_takes_so_many_packets_and_no_more},
    {"time waits for what is unread, but not for ever",
     test_time_waits_for_what_is_unread_but_not_for_ever},
    {"packets of no bytes are refused, with the name",
     test_packets_of_no_bytes_are_refused_with_the_name},
    {"who limits a packet is said", test_who_limits_a_packet_is_said},
    {"limits are asked again when they changed", test_limits_are_asked_again_when_they_changed},
    {"a node waits for its address, and follows it",
     test_a_node_waits_for_its_address_and_follows_it},
    {"a node that never gets its address ends with the error",
     test_a_node_that_never_gets_its_address_ends_with_the_error},
    {"who fails at the start is named", test_who_fails_at_the_start_is_named},
    {"addresses may hold slashes", test_addresses_may_hold_slashes},
    {"what the transport gives counts", test_what_the_transport_gives_counts})
