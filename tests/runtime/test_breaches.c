/*
 * test_breaches.c - plugins that do what they like when they like: whoever breaks the contract is
 * named, and costs the node nothing else.
 */
#include "odd_nodes.h"

/* ------------------------------------------------------------------------- when the node closes */

static int emitted, resolved;

static void on_resolved(void *arg, int status, const struct kith_addr *addrs, size_t n) {}

static void ask(const struct kith_host *host)
{
    struct kith_event e = {.size = sizeof e, .name = kith_text("late")};
    emitted = host->emit(host, &e, NULL, NULL);
    resolved = host->resolve(host, kith_text("?somewhere"), on_resolved, NULL);
}

static void ask_as_transport(void) { ask(odd.host); }
static void ask_as_codec(void) { ask(spy.codec); }

static void ask_as_delegate(void)
{
    const struct kith_node *n = spy.delegate->node;
    struct kith_message m = {.size = sizeof m, .bytes = kith_text("late")};
    ask(spy.delegate);
    CU_ASSERT_EQUAL(n->send(n, &m, NULL, NULL), -KITH_ECLOSED);
}

/* The parts that would carry it out are gone, or going. */
static void test_who_is_stopped_at_the_end_asks_for_nothing(void)
{
    for (int who = 0; who < 3; who++) {
        begin_odd();
        odd.call[ODD_STOP].also = who == 0 ? ask_as_transport : NULL;
        spy.in[SPY_CODEC_STOP] = who == 1 ? ask_as_codec : NULL;
        spy.in[SPY_STOP] = who == 2 ? ask_as_delegate : NULL;
        open_odd(SPY_LAYER SPY_DELEGATE);
        turn();
        emitted = resolved = 0;
        end();
        CU_ASSERT_EQUAL(emitted, -KITH_ECLOSED);
        CU_ASSERT_EQUAL(resolved, -KITH_ECLOSED);
    }
}

/* ---------------------------------------------------------------------------- after a failure */

static size_t calls_but_fini(void)
{
    size_t n = 0;
    for (int call = 0; call < ODD_CALLS; call++)
        if (call != ODD_FINI) n += odd.call[call].calls;
    return n;
}

static void reload_odd(const char *name, const char *extra, int expected)
{
    struct kith_error err = {.size = sizeof err};
    config_odd(&nodes[0], name, extra);
    CU_ASSERT_EQUAL(kith_reload(nodes[0].k, NULL, NULL, &err), expected);
}

/* New and former one are both lost, in the two ways there are; streams and packets wait. */
static void test_a_transport_that_is_lost_is_not_called_again(void)
{
    char where[KITH_ADDR_TEXT];
    for (int adopts = 0; adopts < 2; adopts++) {
        begin_odd();
        if (!adopts) odd_plugin.adopt = NULL;
        open_odd(PLAIN);
        turn();
        odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
        odd_up(ODD_DATA, "", 0, ping(), 0);
        odd_up(ODD_PACKET_IN, "odd/b", 0, ping(), 0);
        odd.call[adopts ? ODD_ADOPT : ODD_START].rc = adopts ? -KITH_ECLOSED : -KITH_EIO;
        reload_odd("odd/b", PLAIN, adopts ? -KITH_ECLOSED : -KITH_EIO);
        CU_ASSERT_NOT_EQUAL(nodes[0].k->failed, 0);
        size_t before = calls_but_fini();
        turn();
        kith_node_format(nodes[0].k, &(struct kith_addr){.len = 1}, where, sizeof where);
        CU_ASSERT_STRING_EQUAL(where, "?");
        end();
        CU_ASSERT_EQUAL(calls_but_fini(), before);
    }
}

static unsigned answers;
static const struct kith_host *curious;

static void answered(void *arg, struct kith_bytes by, int status, struct kith_bytes bytes)
{
    answers++;
}

static void ask_all(void)
{
    struct kith_event e = {.size = sizeof e, .name = kith_text("question")};
    CU_ASSERT_EQUAL(curious->emit(curious, &e, answered, NULL), 0);
}
static void ask_all_as_transport(void)
{
    curious = odd.host;
    ask_all();
}
static void ask_all_as_delegate(void)
{
    curious = spy.delegate;
    ask_all();
}

/* Its successor does not start, it is started again: what it asked before, and in its stop, was for
 * memory that it may have freed. */
static void test_who_was_stopped_hears_no_answers(void)
{
    for (int transport = 0; transport < 2; transport++) {
        begin_odd();
        odd_plugin.adopt = NULL;
        open_odd(transport ? PLAIN : PLAIN SPY_DELEGATE);
        turn();
        answers = 0;
        transport ? ask_all_as_transport() : ask_all_as_delegate();
        turn();
        turn();
        CU_ASSERT_EQUAL(answers, 1); /* that was the end of it: nobody has answered */
        transport ? ask_all_as_transport() : ask_all_as_delegate();
        odd.call[ODD_STOP].also = transport ? ask_all_as_transport : NULL;
        spy.in[SPY_STOP] = transport ? NULL : ask_all_as_delegate;
        odd.fails_once = ODD_START;
        reload_odd(transport ? "odd/b" : "odd/a", PLAIN, transport ? -KITH_EIO : 0);
        CU_ASSERT_EQUAL(odd.call[ODD_START].calls, transport ? 3 : 1);
        odd.call[ODD_STOP].also = NULL;
        turn();
        turn();
        CU_ASSERT_EQUAL(answers, 1);
        end();
    }
}

/* ------------------------------------------------------------------------- from inside of calls */

static unsigned told;

/* As by a table that the transport offers: whoever has it may call it where it likes. */
static void tell_all(void)
{
    uint64_t open = odd.id;
    if (!odd.self) return;
    for (int upcall = ODD_PACKET_IN; upcall < ODD_UPCALLS; upcall++) {
        odd_up((enum odd_upcall)upcall, "odd/b", upcall == ODD_ACCEPTED ? 0 : open, ping(), 0);
        odd.id = open;
        told++;
    }
}

static void ended(void *arg, int status, const char *text) {}

static void live_with_spies(void)
{
    struct kith_error err = {.size = sizeof err};
    const struct kith_asker asker = {.end = ended};
    static const char user[] = "\xC1\x08hello", layered[] = "\xC1\0\0\0\x07\x08hello!";
    struct kith *k = nodes[0].k;
    turn();
    packet(alive());
    packet(kith_bytes_of(user, sizeof user - 1));
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    odd_up(ODD_DATA, "", 0, kith_bytes_of(layered, sizeof layered - 1), 0);
    packet(ping());
    odd_up(ODD_CLOSED, "", 0, nothing, 0);
    (void)kith_node_call(k, kith_text("spy"), NULL, 0, 0, UINT64_MAX, &asker, NULL, &err);
    reload_odd("odd/a", SPY_LAYER SPY_DELEGATE, 0); /* left alone: refreshed */
    reload_odd("odd/a", SPY_LAYER "delegates: [ { use: spy, take: 1 } ]\n", 0);
    reload_odd("odd/a", PLAIN, 0);
    reload_odd("odd/a", PLAIN SPY_DELEGATE, 0);
    spy.rc[SPY_LEAVE] = KITH_LATER;
    CU_ASSERT_EQUAL(kith_table(k)->leave(kith_table(k), 0, done, &nodes[0]), 0);
    turn();
}

/* The transport is blamed for each, the node goes on. A stream that is closed while its bytes are
 * opened, and a core that is fed while it asks for a verdict, are not survived otherwise. */
static void test_no_upcall_is_heard_from_inside_another_plugin(void)
{
    for (int call = 0; call < SPY_CALLS; call++) {
        begin_odd();
        told = 0;
        spy.in[call] = tell_all;
        open_odd(SPY_LAYER SPY_DELEGATE);
        live_with_spies();
        CU_ASSERT_EQUAL(breaches(), (double)told);
        CU_ASSERT(spy.calls[call] > 0);
        if (call != SPY_CODEC_START) CU_ASSERT(told > 0);
        if (!spy.calls[call]) printf("\nnever called: %d\n", call);
        CU_ASSERT_EQUAL(count(&nodes[0], KITH_ALIVE), 2);
        end();
    }
}

/* ------------------------------------------------------------------------ what was not promised */

static uint8_t odd_len; /* of the addresses that it gives */

static int parse_odd_len(void *self, struct kith_bytes text, struct kith_addr *out,
                         struct kith_bytes *host)
{
    out->len = odd_len;
    return 0;
}

static int advertise_odd_len(void *self, struct kith_addr *out, struct kith_error *err)
{
    out->len = odd_len;
    return 0;
}

static void test_an_address_of_a_transport_has_1_to_128_bytes(void)
{
    static const uint8_t wrong[] = {0, KITH_ADDR_MAX + 1, UINT8_MAX};
    for (size_t i = 0; i < sizeof wrong; i++) {
        char text[64];
        begin_odd();
        open_odd(PLAIN);
        turn();
        odd_len = wrong[i];
        odd_ops.parse = parse_odd_len;
        CU_ASSERT_EQUAL(kith_join(nodes[0].k, "odd/c", NULL, NULL), -KITH_EINVAL);
        double by_parse = breaches(); /* the text may be `odd/` and an address: asked twice */
        CU_ASSERT(by_parse > 0);
        odd_ops.advertise = advertise_odd_len;
        odd_up(ODD_CHANGED, "", 0, nothing, KITH_CHANGED_ADDRESS);
        turn();
        CU_ASSERT_EQUAL(breaches(), by_parse + 1);
        snprintf(text, sizeof text, "parse gave an address of %u bytes", wrong[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, text));
        char where[KITH_ADDR_TEXT];
        where_is(&nodes[0], where, sizeof where);
        CU_ASSERT_STRING_EQUAL(where, "odd/a");
        end();
    }
}

static void test_a_transport_of_packets_only_has_no_streams(void)
{
    begin_odd();
    odd_ops.stream_open = NULL;
    odd_ops.stream_write = NULL;
    odd_ops.stream_finish = NULL;
    odd_ops.stream_reset = NULL;
    odd_ops.stream_read = NULL;
    open_odd(PLAIN);
    turn();
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    CU_ASSERT_EQUAL(odd.accepted_refused, 1);
    CU_ASSERT_EQUAL(breaches(), 1);
    odd_up(ODD_DATA, "", 0, ping(), 0);
    odd_up(ODD_CLOSED, "", 0, nothing, 0);
    turn();
    CU_ASSERT_EQUAL(breaches(), 3);
    packet(ping());
    CU_ASSERT(odd.call[ODD_SEND_PACKET].calls > 0);
    end();
}

static void test_a_text_has_an_end(void)
{
    char text[16];
    begin_odd();
    open_odd(PLAIN);
    turn();
    const struct kith_node *n = kith_table(nodes[0].k);
    const struct kith_addr addr = {.len = 1};
    odd.format_fills = true;
    CU_ASSERT_EQUAL(n->format(n, &addr, text, sizeof text), 3);
    CU_ASSERT_EQUAL(strnlen(text, sizeof text), 3);
    CU_ASSERT_EQUAL(n->format(n, &addr, text, 2), 3); /* as snprintf: what it would be */
    CU_ASSERT_EQUAL(strnlen(text, 2), 1);
    CU_ASSERT_EQUAL(n->format(n, &addr, NULL, 0), 3);
    CU_ASSERT_EQUAL(breaches(), 2);
    end();
}

/* An address is 128 bytes, and its length may say 255: by the delegate's table, where it is blamed,
 * and by the program's. */
static void test_an_address_is_no_longer_than_it_is(void)
{
    char text[KITH_ADDR_TEXT];
    begin_odd();
    open_odd(PLAIN SPY_DELEGATE);
    turn();
    struct kith_member member = {.size = sizeof member, .addr.len = UINT8_MAX};
    struct kith_peer to = {.size = sizeof to, .addr = &member.addr};
    struct kith_message m = {.size = sizeof m, .bytes = kith_text("x"), .peer = &to};
    struct kith_event e = {.size = sizeof e, .name = kith_text("x"), .member = &member};
    const struct kith_node *tables[] = {kith_table(nodes[0].k), spy.delegate->node};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const struct kith_node *n = tables[i];
        CU_ASSERT_EQUAL(n->join(n, &to, NULL, NULL), -KITH_EINVAL);
        CU_ASSERT_EQUAL(n->ping(n, &to, NULL, NULL), -KITH_EINVAL);
        CU_ASSERT_EQUAL(n->send(n, &m, NULL, NULL), -KITH_EINVAL);
        CU_ASSERT_EQUAL(n->format(n, &member.addr, text, sizeof text), -KITH_EINVAL);
        CU_ASSERT_EQUAL(n->fits(n, KITH_FITS_PACKET, &to), 0);
        CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "spy"), i ? 5 : 0);
    }
    CU_ASSERT_EQUAL(spy.delegate->emit(spy.delegate, &e, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "spy"), 6);
    member.addr.len = 0; /* a member without one may be told of */
    CU_ASSERT_EQUAL(spy.delegate->emit(spy.delegate, &e, NULL, NULL), 0);
    end();
}

/* Also where the lower half of the number is 0. */
static void test_a_write_that_failed_is_no_success(void)
{
    begin_odd();
    odd.writes = -(INT64_C(1) << 32);
    open_odd(PLAIN);
    turn();
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    odd_up(ODD_DATA, "", 0, ping(), 0);
    turn();
    CU_ASSERT(odd.call[ODD_STREAM_WRITE].calls > 0);
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_RESET].calls, 1);
    CU_ASSERT_EQUAL(kith_streams_count(nodes[0].k), 0);
    end();
}

/* ---------------------------------------------------------------------- what became of promises */

static char degraded[512];

static void keep_degraded(void *arg, struct kith_bytes entry, const char *why)
{
    size_t used = strlen(degraded);
    snprintf(degraded + used, sizeof degraded - used, "%.*s: %s\n", (int)entry.len,
             (const char *)entry.data, why);
}

static const char *see_degraded(void)
{
    degraded[0] = 0;
    kith_node_degraded(nodes[0].k, keep_degraded, NULL);
    return degraded;
}

static void change_provides(uint32_t provides)
{
    odd.limits.provides = provides;
    odd_up(ODD_CHANGED, "", 0, nothing, KITH_CHANGED_LIMITS);
    turn();
}

static const uint32_t secure = KITH_ENCRYPTS | KITH_AUTHENTICATES;
#define SECURE "pipeline: { send: [], accept: [], require: [ encrypt, authenticate ] }\n"

/* The file was taken because the transport encrypts: without that nothing is sent, by packet or
 * stream, that is there or new, until it does again. */
static void test_nothing_is_sent_in_plain_where_the_transport_was_to_encrypt(void)
{
    begin_odd();
    odd.limits.provides = secure;
    odd_peer_is(secure, "");
    open_odd(SECURE);
    turn();
    packet(alive());
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    CU_ASSERT_STRING_EQUAL(see_degraded(), "");
    change_provides(KITH_AUTHENTICATES);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "odd: the transport gives no encryption"));
    CU_ASSERT_PTR_NOT_NULL(strstr(see_degraded(), "odd: the transport gives no encryption"));
    size_t packets = odd.call[ODD_SEND_PACKET].calls;
    odd_up(ODD_DATA, "", 0, ping(), 0);
    packet(ping());
    unsigned asked = nodes[0].done;
    CU_ASSERT_EQUAL(kith_join(nodes[0].k, "odd/c", done, &nodes[0]), 0);
    turn();
    turn();
    CU_ASSERT_EQUAL(nodes[0].done, asked + 1);
    CU_ASSERT_EQUAL(nodes[0].status, -KITH_EPOLICY);
    CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, packets);
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_WRITE].calls, 0);
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_OPEN].calls, 0);
    change_provides(secure);
    CU_ASSERT_STRING_EQUAL(see_degraded(), "");
    packet(ping());
    CU_ASSERT(odd.call[ODD_SEND_PACKET].calls > packets);
    end();
}

static void drop_encryption(void) { odd.limits.provides = 0; }

static void test_a_promise_that_the_start_breaks_is_an_error(void)
{
    struct kith_error err = {.size = sizeof err};
    begin_odd();
    odd.limits.provides = secure;
    odd.call[ODD_START].also = drop_encryption;
    config_odd(&nodes[0], "odd/a", SECURE);
    CU_ASSERT_EQUAL_FATAL(kith_node_open(&nodes[0].k, setup_odd(&nodes[0]), NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_start(nodes[0].k, &err), -KITH_EPOLICY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "odd: "));
    CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, 0);
    end();
}

/* As at the start and in a reload: what can't carry the node's own message is not taken. */
static void test_packets_too_small_for_the_node_itself_are_said(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    const struct kith_node *n = kith_table(nodes[0].k);
    size_t before = n->fits(n, KITH_FITS_PACKET, NULL);
    odd.limits.packet = 1;
    change_provides(0);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "odd: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(see_degraded(), "odd: its new limits are not taken"));
    CU_ASSERT_EQUAL(n->fits(n, KITH_FITS_PACKET, NULL), before);
    odd.limits.packet = 0;
    change_provides(0);
    CU_ASSERT_STRING_EQUAL(see_degraded(), "");
    end();
}

/* A delegate that neither its successor nor it itself carries on is missed, until a reload brings
 * one that starts; one that goes on is not. */
static void test_what_a_failed_reload_has_lost_is_said(void)
{
    static const int codes[] = {-KITH_EIO, KITH_LATER, -KITH_ECLOSED};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        bool lost = codes[i] == -KITH_ECLOSED;
        begin_odd();
        open_odd(PLAIN SPY_DELEGATE);
        turn();
        spy.rc[SPY_ADOPT] = codes[i];
        reload_odd("odd/a", PLAIN "delegates: [ { use: spy, take: 1 } ]\n",
                   lost ? -KITH_ECLOSED : -KITH_EIO);
        CU_ASSERT_EQUAL(!strstr(nodes[0].logged, "goes on as it was"), lost);
        CU_ASSERT_STRING_EQUAL(see_degraded(), lost ? "spy: it does not run\n" : "");
        if (!lost)
            CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "spy"), codes[i] > 0 ? 1 : 0);
        spy.rc[SPY_ADOPT] = 0;
        reload_odd("odd/a", PLAIN "delegates: [ { use: spy, take: 2 } ]\n", 0);
        CU_ASSERT_STRING_EQUAL(see_degraded(), "");
        end();
    }
}

static size_t own_meta(void)
{
    struct kith_member self = {.size = sizeof self};
    kith_table(nodes[0].k)->local(kith_table(nodes[0].k), &self);
    return self.meta.len;
}

/* It costs the meta, not the node; who gives more than a packet of this transport can carry was
 * told how much that is, and is blamed. */
static void test_meta_that_a_delegate_can_t_give(void)
{
    for (int small = 0; small < 2; small++) {
        static const int given[] = {-KITH_EIO, 10, 300, 513, INT32_MAX};
        for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
            begin_odd();
            odd.limits.packet = small ? 300 : 1400;
            spy.meta = given[i];
            open_odd(PLAIN SPY_GIVES_META);
            turn();
            bool breach = given[i] > 0 && (size_t)given[i] > spy.meta_cap;
            CU_ASSERT(spy.meta_cap <= 512 && (spy.meta_cap < 300) == small);
            CU_ASSERT_EQUAL(own_meta(), breach || given[i] < 0 ? 0 : (size_t)given[i]);
            CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "spy"), breach);
            CU_ASSERT_EQUAL(!strstr(nodes[0].logged, "spy: broke its contract: node_meta()"),
                            !breach);
            end();
        }
    }
}

/* ------------------------------------------------------------------------- what is no breach */

static void send_last_words(void)
{
    const struct kith_node *n = spy.delegate->node;
    struct kith_message m = {.size = sizeof m, .bytes = kith_text("last words")};
    CU_ASSERT_EQUAL(n->send(n, &m, NULL, NULL), 0);
}

/* It said that it sends (KITH_DELEGATE_SENDS), and is no part of the new file. */
static void test_a_delegate_may_send_while_it_stops(void)
{
    struct kith_error err = {.size = sizeof err};
    begin_odd();
    spy.in[SPY_STOP] = send_last_words;
    open_odd(PLAIN SPY_DELEGATE);
    turn();
    config_odd(&nodes[0], "odd/a", PLAIN);
    CU_ASSERT_EQUAL(kith_reload(nodes[0].k, NULL, NULL, &err), 0);
    CU_ASSERT_EQUAL(spy.calls[SPY_STOP], 1);
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "spy"), 0);
    CU_ASSERT_STRING_EQUAL(nodes[0].logged, "");
    end();
}

static unsigned ends;

static void on_end(void *arg, int status, const struct kith_addr *addrs, size_t n) { ends++; }

/* An address, and a name that needs no question. */
static void resolve_as_codec(void)
{
    CU_ASSERT_EQUAL(spy.codec->resolve(spy.codec, kith_text("odd/b"), on_end, NULL), 0);
    CU_ASSERT_EQUAL(spy.codec->resolve(spy.codec, kith_text("?127.0.0.1"), on_end, NULL), 0);
}

/* Its first start comes before most of the node is there. */
static void test_a_codec_may_resolve_while_it_starts(void)
{
    begin_odd();
    ends = 0;
    spy.in[SPY_CODEC_START] = resolve_as_codec;
    open_odd(SPY_LAYER);
    turn();
    turn();
    CU_ASSERT_EQUAL(ends, 2);
    end();
}

KITH_TESTS(
    "runtime/breaches", {"meta that a delegate can't give", test_meta_that_a_delegate_can_t_give},
    {"a codec may resolve while it starts", test_a_codec_may_resolve_while_it_starts},
    {"a delegate may send while it stops", test_a_delegate_may_send_while_it_stops},
    {"a transport that is lost is not called again",
     test_a_transport_that_is_lost_is_not_called_again},
    {"an address of a transport has 1 to 128 bytes",
     test_an_address_of_a_transport_has_1_to_128_bytes},
    {"a transport of packets only has no streams", test_a_transport_of_packets_only_has_no_streams},
    {"a text has an end", test_a_text_has_an_end},
    {"a write that failed is no success", test_a_write_that_failed_is_no_success},
    {"an address is no longer than it is", test_an_address_is_no_longer_than_it_is},
    {"no upcall is heard from inside another plugin",
     test_no_upcall_is_heard_from_inside_another_plugin},
    {"who was stopped hears no answers", test_who_was_stopped_hears_no_answers},
    {"nothing is sent in plain where the transport was to encrypt",
     test_nothing_is_sent_in_plain_where_the_transport_was_to_encrypt},
    {"a promise that the start breaks is an error",
     test_a_promise_that_the_start_breaks_is_an_error},
    {"packets too small for the node itself are said",
     test_packets_too_small_for_the_node_itself_are_said},
    {"what a failed reload has lost is said", test_what_a_failed_reload_has_lost_is_said},
    {"who is stopped at the end asks for nothing", test_who_is_stopped_at_the_end_asks_for_nothing})
