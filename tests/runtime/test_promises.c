/*
 * test_promises.c - what the header promises to codecs, transports and delegates, looked at from
 * inside a whole node: a codec that notes what it is shown, and a transport without a network.
 */
#include "nodes.h"
#include "peek.h"
#include "../transports/odd_transport.h"

/* ------------------------------------------------------------------------------------- the node */

static const struct kith_plugin *find(void *ctx, enum kith_kind kind, const char *name,
                                      struct kith_error *err)
{
    static struct kith_plugin lone; /* it can't take over */
    lone = odd_transport;
    lone.name = "lone";
    lone.adopt = NULL;
    static const struct kith_plugin *const mine[] = {&odd_transport, &peek_plugin, &lone};
    for (size_t i = 0; i < sizeof mine / sizeof *mine; i++)
        if (mine[i]->kind == kind && strcmp(mine[i]->name, name) == 0) return mine[i];
    struct kith_config_finder rest = kith_registry_finder(kith_world_registry(world));
    return rest.find(rest.ctx, kind, name, err);
}

static const char *const *names(void *ctx, enum kith_kind kind)
{
    static const char *const none[] = {NULL};
    return none;
}

static const struct kith_config_finder finder = {.find = find, .names = names};

#define PLAIN   "pipeline: { send: [], accept: [], require: [] }\n"
#define PEEKED  KEY_A UNKEYED
#define UNKEYED "pipeline: { send: [ { use: peek } ], require: [] }\n"

static void write_config(struct node *n, const char *more_node, const char *extra)
{
    char text[2048];
    snprintf(n->path, sizeof n->path, "%s/odd.yaml", dir);
    snprintf(text, sizeof text,
             "node: { name: n0, profile: local, control: '', log: { level: error }%s }\n%s%s",
             more_node, strstr(extra, "transport:") ? "" : "transport: { use: odd }\n", extra);
    write_file(n->path, text);
}

static const struct kith_node_setup *setup(const struct node *n)
{
    static struct kith_node_setup s;
    s = (struct kith_node_setup){
        .path = n->path, .world = world, .finder = &finder, .problems = stderr};
    return &s;
}

/* In virtual time: nothing happens but what the test does. */
static void begin_here(void)
{
    begin();
    begin_world(kith_world_new_virtual(NULL, 1));
    memset(&nodes[0], 0, sizeof nodes[0]);
    memset(&peek, 0, sizeof peek);
    set_keys();
    odd_reset();
    odd.self = NULL;
    odd.host = NULL;
}

static void turn(void)
{
    kith_node_wake(nodes[0].k);
    kith_loop_turn(loop, 0);
}

static void open_here(const char *extra)
{
    write_config(&nodes[0], "", extra);
    start_node(&nodes[0], setup(&nodes[0]));
    turn();
}

static int reload(const char *extra)
{
    struct kith_error err = {.size = sizeof err};
    write_config(&nodes[0], "", extra);
    int rc = kith_reload(nodes[0].k, NULL, NULL, &err);
    return rc;
}

static const struct kith_bytes nothing;

static struct kith_bytes ping(void)
{
    static const char wire[] = "\x00\x82\xa5SeqNo\x01\xa4Node\xa2n0";
    return kith_bytes_of(wire, sizeof wire - 1);
}

/* A layer of peek's around nothing but itself. */
static struct kith_bytes peeked(struct kith_bytes message)
{
    static uint8_t wire[128];
    wire[0] = 0xB0;
    memcpy(wire + 1, message.data, message.len);
    return kith_bytes_of(wire, message.len + 1);
}

static struct kith_bytes peeked_stream(struct kith_bytes message)
{
    static uint8_t wire[128];
    memcpy(wire, (uint8_t[]){0xB0, 0, 0, 0, (uint8_t)message.len}, 5);
    memcpy(wire + 5, message.data, message.len);
    return kith_bytes_of(wire, message.len + 5);
}

/* ----------------------------------------------------------------------------------------- text */

/* A peer whose identity has no NUL, as a transport may lend it. */
static struct kith_peer lent_peer(void)
{
    static char identity[] = "spiffe://b and more";
    static struct kith_addr addr = {.len = 5, .bytes = "odd/b"};
    return (struct kith_peer){
        .size = sizeof(struct kith_peer), .addr = &addr, .identity = {(uint8_t *)identity, 10}};
}

/* Transports lend names without one; joins and streams keep copies. */
static void test_names_have_a_nul_wherever_they_come_from(void)
{
    begin_here();
    open_here(PEEKED);
    const struct kith_uplink *up = odd.host->uplink;
    struct kith_peer from = lent_peer();
    uint8_t room[64];
    struct kith_bytes sent = peeked(ping());
    struct kith_buf buf = {.base = room, .data = room, .len = sent.len, .cap = sizeof room};
    memcpy(room, sent.data, sent.len);
    up->packet_in(up, &from, &buf, 0);
    CU_ASSERT_EQUAL(peek.opens, 1);
    CU_ASSERT_STRING_EQUAL(peek.identity, "spiffe://b");
    peek.identity[0] = 0;
    CU_ASSERT_EQUAL(up->stream_accepted(up, 77, &from), 0);
    sent = peeked_stream(ping());
    up->stream_data(up, 77, sent);
    CU_ASSERT_EQUAL(peek.opens, 2);
    CU_ASSERT_STRING_EQUAL(peek.identity, "spiffe://b");
    turn();

    CU_ASSERT_EQUAL(kith_join(nodes[0].k, "!aaaaaaaaaaaaaaaaaaaaaaa/odd-b", done, &nodes[0]), 0);
    turn();
    turn();
    odd_up(ODD_OPENED, "odd-b", 0, nothing, 0);
    turn();
    CU_ASSERT_STRING_EQUAL(peek.name, "!aaaaaaaaaaaaaaaaaaaaaaa");
    CU_ASSERT_FALSE(peek.unended);
    end();
}

/* ------------------------------------------------------------------------------- every instance */

static int emit_rc;

static int emit_and_reply(const struct kith_host *host, const struct kith_call *call)
{
    const struct kith_event e = {.size = sizeof e, .name = kith_text("asked")};
    emit_rc = host->emit(host, &e, NULL, NULL);
    CU_ASSERT_EQUAL(host->reply(host, call->id, call->words[0]), 0);
    return 0;
}

static char answer[64];

static int piece(void *arg, struct kith_bytes bytes)
{
    snprintf(answer, sizeof answer, "%.*s", (int)bytes.len, (const char *)bytes.data);
    return 0;
}

static void ended(void *arg, int status, const char *text) { *(int *)arg = status; }

static int ask(const char *entry)
{
    struct kith_error err = {.size = sizeof err};
    struct kith_bytes word = kith_text("hello");
    int status = 1;
    const struct kith_asker asker = {.arg = &status, .piece = piece, .end = ended};
    answer[0] = 0;
    int rc =
        kith_node_call(nodes[0].k, kith_text(entry), &word, 1, 0, UINT64_MAX, &asker, NULL, &err);
    return rc ? rc : status;
}

/* Also under the name that `as` gives it, and after a reload the new one. */
static void test_codecs_take_commands_and_emit(void)
{
    begin_here();
    peek.command = emit_and_reply;
    open_here(PEEKED);
    CU_ASSERT_EQUAL(ask("peek"), 0);
    CU_ASSERT_STRING_EQUAL(answer, "hello");
    CU_ASSERT_EQUAL(emit_rc, 0);
    turn();
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "events_emitted", NULL), 1);
    CU_ASSERT_EQUAL(ask("look"), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(
        reload(KEY_A "pipeline: { send: [ { use: peek, as: look, number: 2 } ], require: [] }\n"),
        0);
    CU_ASSERT_EQUAL(ask("peek"), -KITH_ENOTFOUND);
    CU_ASSERT_EQUAL(ask("look"), 0);
    CU_ASSERT_STRING_EQUAL(answer, "hello");
    end();
}

/* In adopt the node still has the former instance. */
static void test_a_transport_emits_in_start_and_in_adopt(void)
{
    begin_here();
    odd.emits = true;
    open_here(PLAIN);
    CU_ASSERT_EQUAL(odd.emit_rc, 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "events_emitted", NULL), 1);
    odd.emit_rc = 1;
    CU_ASSERT_EQUAL(reload("transport: { use: odd, name: odd/b }\n" PLAIN), 0);
    turn();
    CU_ASSERT_EQUAL(odd.call[ODD_ADOPT].calls, 1);
    CU_ASSERT_EQUAL(odd.emit_rc, 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "events_emitted", NULL), 2);
    end();
}

static void test_a_positive_result_is_a_breach_in_every_slow_call(void)
{
    static const enum odd_call calls[] = {ODD_ADOPT, ODD_REFRESH};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        begin_here();
        open_here(PLAIN);
        odd.call[calls[i]].rc = 4;
        int rc =
            reload(calls[i] == ODD_ADOPT ? "transport: { use: odd, name: odd/b }\n" PLAIN : PLAIN);
        CU_ASSERT_EQUAL(rc, -KITH_EIO);
        CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "odd"), 1);
        CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "it returned 4"));
        end();
    }
}

/* -------------------------------------------------------------------------------------- streams */

enum { FLOOD = KITH_TURN_MOST_BYTES + 100000, WINDOW = 1000 };

/* Of a long user message. */
static struct kith_bytes more(size_t len)
{
    static uint8_t zeroes[FLOOD];
    return kith_bytes_of(zeroes, len);
}

static void flood(void)
{
    static const char head[] = "\x08\x81\xaaUserMsgLen\xce\x00\x80\x00\x00";
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    odd_up(ODD_DATA, "", 0, kith_bytes_of(head, sizeof head - 1), 0);
    odd_up(ODD_DATA, "", 0, more(FLOOD), 0);
    turn();
    CU_ASSERT_FALSE(odd.reading);
}

static void test_a_paused_stream_brings_its_window_and_no_more(void)
{
    begin_here();
    odd.limits.stream_window = WINDOW;
    open_here(PLAIN);
    flood();
    odd_up(ODD_DATA, "", 0, more(WINDOW - 1), 0);
    odd_up(ODD_DATA, "", 0, more(1), 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "odd"), 0);
    odd_up(ODD_DATA, "", 0, more(1), 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "odd"), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "1001 bytes on a paused stream"));
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_RESET].calls, 0); /* not inside the upcall */
    turn();
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_RESET].calls, 1);
    CU_ASSERT_EQUAL(kith_streams_count(nodes[0].k), 0);

    flood(); /* one that waits for its turn goes on */
    odd_up(ODD_DATA, "", 0, more(WINDOW), 0);
    turn();
    turn();
    CU_ASSERT_TRUE(odd.reading);
    odd_up(ODD_DATA, "", 0, more(2 * WINDOW), 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "odd"), 1);
    end();
}

/* Behind the innermost layer there is room for the transport too: nothing is copied. */
static void test_the_transports_room_is_around_each_layer(void)
{
    begin_here();
    odd.limits.headroom = 1000;
    odd.limits.tailroom = 700;
    peek.head = peek.tail = 16;
    open_here(PEEKED);
    uint8_t layer[64] = {0xB0};
    struct kith_bytes sent = ping();
    memset(layer + 1, 'h', 16);
    memcpy(layer + 17, sent.data, sent.len);
    odd_up(ODD_PACKET_IN, "odd/b", 0, kith_bytes_of(layer, 17 + sent.len + 16), 0);
    turn();
    CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, 1);
    CU_ASSERT(peek.headroom >= 1000);
    CU_ASSERT(peek.tailroom >= 700);
    CU_ASSERT(odd.headroom >= 1000);
    CU_ASSERT(odd.tailroom >= 700);

    odd.limits.headroom = 5000; /* another one wants more */
    CU_ASSERT_EQUAL(reload("transport: { use: odd, name: odd/b }\n" PEEKED), 0);
    peek.headroom = 0;
    odd_up(ODD_PACKET_IN, "odd/b", 0, kith_bytes_of(layer, 17 + sent.len + 16), 0);
    turn();
    CU_ASSERT(peek.headroom >= 5000);
    end();
}

/* More than 16 bits count, at the start and after a reload. */
static void test_the_room_of_all_is_added_up(void)
{
    struct kith_error err = {.size = sizeof err};
    static uint8_t layer[4000] = {0xB0};
    struct kith_bytes sent = ping();
    begin_here();
    odd.limits.packet = 9000;
    odd.limits.headroom = odd.limits.tailroom = 65000;
    peek.head = 2500;
    peek.tail = 1000;
    size_t len = 1 + peek.head + sent.len + peek.tail;
    write_config(&nodes[0], ", udp_buffer_size: 9000", PEEKED);
    start_node(&nodes[0], setup(&nodes[0]));
    turn();
    memset(layer + 1, 'h', peek.head);
    memcpy(layer + 1 + peek.head, sent.data, sent.len);
    for (size_t i = 1; i <= 2; i++) {
        odd_up(ODD_PACKET_IN, "odd/b", 0, kith_bytes_of(layer, len), 0);
        turn();
        CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, i);
        CU_ASSERT(peek.headroom >= 65000 && peek.tailroom >= 65000); /* nothing is copied */
        CU_ASSERT(odd.headroom >= 65000 && odd.tailroom >= 65000);
        CU_ASSERT_EQUAL(kith_reload(nodes[0].k, NULL, NULL, &err), 0);
    }
    end();
}

static void dial(void)
{
    CU_ASSERT_EQUAL(kith_join(nodes[0].k, "odd/c", done, &nodes[0]), 0);
    turn();
    turn();
    odd_up(ODD_OPENED, "odd/c", 0, nothing, 0);
    turn();
}

/* The length in front of a layer is what the codec said, which is less than len and room. */
static void test_a_sealed_size_is_exact(void)
{
    begin_here();
    peek.tail = 10;
    peek.tail_left = 7;
    open_here(PEEKED);
    dial();
    const uint8_t *w = odd.written;
    CU_ASSERT(odd.written_len > 5);
    CU_ASSERT_EQUAL((size_t)w[1] << 24 | w[2] << 16 | w[3] << 8 | w[4], odd.written_len - 5);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "peek"), 0);
    odd.written_len = 0;
    peek.sealed_size = 12;
    dial();
    CU_ASSERT_EQUAL(odd.written_len, 0);
    CU_ASSERT(stat_of(&nodes[0], "contract_breaches", "peek") > 0);
    end();
}

static void test_what_a_peer_has_of_its_transport_reaches_codecs(void)
{
    begin_here();
    open_here(PEEKED);
    odd_peer_is(KITH_ENCRYPTS, "");
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    odd_up(ODD_DATA, "", 0, peeked_stream(ping()), 0);
    CU_ASSERT_EQUAL(peek.opens, 1);
    CU_ASSERT_EQUAL(peek.provides, KITH_ENCRYPTS);
    odd_peer_is(KITH_CHECKS, "");
    dial();
    odd_up(ODD_DATA, "", 0, peeked_stream(ping()), 0);
    CU_ASSERT_EQUAL(peek.opens, 2);
    CU_ASSERT_EQUAL(peek.provides, KITH_CHECKS);
    end();
}

/* Nothing behind its size is read. */
static void test_a_peer_from_before_identities(void)
{
    begin_here();
    open_here(PEEKED);
    const struct kith_uplink *up = odd.host->uplink;
    struct kith_peer from = lent_peer();
    struct kith_bytes sent = peeked(ping());
    uint8_t room[64];
    struct kith_buf buf = {.base = room, .data = room, .len = sent.len, .cap = sizeof room};
    memcpy(room, sent.data, sent.len);
    from.size = offsetof(struct kith_peer, identity);
    up->packet_in(up, &from, &buf, 0);
    CU_ASSERT_EQUAL(peek.opens, 1);
    CU_ASSERT_STRING_EQUAL(peek.identity, "");
    /* Half a pointer is of no header. */
    from.size = offsetof(struct kith_peer, addr) + sizeof(void *) / 2;
    up->packet_in(up, &from, &buf, 0);
    CU_ASSERT_EQUAL(peek.opens, 1);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "odd"), 1);
    end();
}

/* They wait for the next probe, a few of them; those over that are counted. */
static void test_hints_reach_the_core(void)
{
    char where[16];
    begin_here();
    open_here(PLAIN);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "dropped", "max_hints"), 0);
    for (int i = 0; i < 100; i++) {
        snprintf(where, sizeof where, "odd/%d", i);
        odd_up(ODD_UNREACHABLE, where, 0, nothing, 0);
    }
    CU_ASSERT(stat_of(&nodes[0], "dropped", "max_hints") > 0);
    odd_up(ODD_UNREACHABLE, "", 0, nothing, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "peer_unreachable without an address"));
    end();
}

/* -------------------------------------------------------------------------------------- reloads */

/* They began without a layer that is required now. */
static void test_open_streams_must_meet_a_new_require(void)
{
    begin_here();
    open_here(KEY_A PLAIN);
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    CU_ASSERT_EQUAL(
        reload(KEY_A "pipeline: { send: [ { use: peek } ], require: [ authenticate ] }\n"), 0);
    odd_up(ODD_DATA, "", 0, ping(), 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "messages_refused", "policy"), 1);
    end();
}

static void test_streams_end_with_a_transport_that_hands_over_nothing(void)
{
    begin_here();
    open_here("transport: { use: lone }\n" PLAIN);
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    dial();
    CU_ASSERT_EQUAL(kith_streams_count(nodes[0].k), 2);
    unsigned before = nodes[0].done;
    CU_ASSERT_EQUAL(reload("transport: { use: lone, name: odd/b }\n" PLAIN), 0);
    turn();
    CU_ASSERT_EQUAL(kith_streams_count(nodes[0].k), 0);
    CU_ASSERT_EQUAL(nodes[0].done, before + 1);
    CU_ASSERT_EQUAL(nodes[0].status, -KITH_ECLOSED);
    end();
}

static void test_another_transport_has_another_address(void)
{
    char where[KITH_ADDR_TEXT];
    begin_here();
    open_here(PLAIN);
    CU_ASSERT_EQUAL(reload("transport: { use: odd, name: odd/moved }\n" PLAIN), 0);
    turn();
    where_is(&nodes[0], where, sizeof where);
    CU_ASSERT_STRING_EQUAL(where, "odd/moved");
    end();
}

/* Who was made anew has read its files in start. */
static void test_files_are_read_again_by_codecs_that_stay(void)
{
    begin_here();
    open_here(PEEKED);
    CU_ASSERT_EQUAL(reload(PEEKED), 0);
    CU_ASSERT_EQUAL(peek.refreshed_files, 1);
    CU_ASSERT_EQUAL(reload(KEY_A "pipeline: { send: [ { use: peek, number: 2 } ], require: [] }\n"),
                    0);
    CU_ASSERT_EQUAL(peek.refreshed_files, 1);
    end();
}

static void test_numbers_have_the_labels_of_the_last_reading(void)
{
    struct kith_error err = {.size = sizeof err};
    begin_here();
    open_here(PLAIN);
    odd_up(ODD_WRITABLE, "", 987654321, nothing, 0); /* something to count */
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "zone-b"), 0);
    write_config(&nodes[0], ", metric_labels: { zone: zone-b }", PLAIN);
    CU_ASSERT_EQUAL(kith_reload(nodes[0].k, NULL, NULL, &err), 0);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "zone-b"), 1);
    end();
}

/* `fails` is made after the keys and the pipeline: what ran goes on with its keys and is not told
 * of others; when the file is right it is told once. */
static void test_a_reload_that_fails_leaves_keys_alone(void)
{
    begin_here();
    open_here(PEEKED);
    CU_ASSERT_EQUAL(nodes[0].keys, 0);
    odd.packet_is_zero = true; /* found when all else is made */
    CU_ASSERT_NOT_EQUAL(reload(KEY_B UNKEYED "transport: { use: odd, name: odd/b }\n"), 0);
    odd.packet_is_zero = false;
    turn();
    CU_ASSERT_EQUAL(peek.refreshed_keys, 0);
    CU_ASSERT_EQUAL(nodes[0].keys, 0);
    CU_ASSERT_EQUAL(reload(KEY_B UNKEYED), 0);
    turn();
    CU_ASSERT_EQUAL(peek.refreshed_keys, 1);
    CU_ASSERT_EQUAL(nodes[0].keys, 1);
    CU_ASSERT_EQUAL(reload("pipeline: { send: [], require: [] }\n"), 0);
    CU_ASSERT_EQUAL(kith_keyring_count(nodes[0].k->ring), 0);
    end();
}

KITH_TESTS(
    "runtime/promises",
    {"names have a NUL, wherever they come from", test_names_have_a_nul_wherever_they_come_from},
    {"codecs take commands and emit", test_codecs_take_commands_and_emit},
    {"a transport emits in start and in adopt", test_a_transport_emits_in_start_and_in_adopt},
    {"a positive result is a breach in every slow call",
     test_a_positive_result_is_a_breach_in_every_slow_call},
    {"a paused stream brings its window and no more",
     test_a_paused_stream_brings_its_window_and_no_more},
    {"the transport's room is around each layer", test_the_transports_room_is_around_each_layer},
    {"the room of all is added up", test_the_room_of_all_is_added_up},
    {"a sealed size is exact", test_a_sealed_size_is_exact},
    {"what a peer has of its transport reaches codecs",
     test_what_a_peer_has_of_its_transport_reaches_codecs},
    {"a peer from before identities", test_a_peer_from_before_identities},
    {"hints reach the core", test_hints_reach_the_core},
    {"open streams must meet a new require", test_open_streams_must_meet_a_new_require},
    {"streams end with a transport that hands over nothing",
     test_streams_end_with_a_transport_that_hands_over_nothing},
    {"another transport has another address", test_another_transport_has_another_address},
    {"files are read again by codecs that stay", test_files_are_read_again_by_codecs_that_stay},
    {"numbers have the labels of the last reading",
     test_numbers_have_the_labels_of_the_last_reading},
    {"a reload that fails leaves keys alone", test_a_reload_that_fails_leaves_keys_alone})
