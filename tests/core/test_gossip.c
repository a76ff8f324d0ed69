/*
 * test_gossip.c - who is told, how often, in how large packets; and how names are forgotten
 * (PROTOCOL.md 1.5, 1.13, 2.9, 2.11, 2.17).
 */
#include "core_rig.h"

static void gossiping(struct rig *r, unsigned n)
{
    rig_init(r);
    r->config.settings.probe_interval = 0;
    r->config.settings.push_pull_interval = 0;
    rig_start(r);
    rig_populate(r, 2, n);
}

/* Let everything queued be sent. */
static void quiet(struct rig *r)
{
    rig_run(r, r->now + 20 * SEC);
    rig_clear(r);
}

/* A ping of our own to m2; forget what was sent before. */
static void ping(struct rig *r)
{
    rig_clear(r);
    CU_ASSERT(kith_core_ping(r->core, r->now, WHOM("m2", NULL)) > 0);
    rig_poll(r);
    CU_ASSERT_EQUAL(rig_count(r, KITH_MSG_PING, "m2"), 1);
}

static void test_a_message_is_sent_as_often_as_the_limit_says(void)
{
    static const struct {
        unsigned n, mult, want;
    } t[] = {{2, 4, 4},  {9, 4, 4},    {10, 4, 8}, {30, 4, 8},
             {99, 4, 8}, {100, 4, 12}, {5, 2, 2},  {5, 1, 1}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct rig r;
        rig_init(&r);
        r.config.settings.probe_interval = r.config.settings.push_pull_interval = 0;
        r.config.settings.retransmit_mult = t[i].mult;
        rig_start(&r);
        rig_populate(&r, 2, t[i].n);
        quiet(&r);
        rig_alive(&r, "m2", 2, 2);
        rig_run(&r, r.now + 20 * SEC);
        CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "m2"), t[i].want);
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), t[i].want);
        rig_fini(&r);
    }
}

/* PROTOCOL.md T26 */
static void test_each_target_of_a_tick_costs_one_transmission(void)
{
    struct rig r;
    gossiping(&r, 9);
    quiet(&r);
    uint64_t t0 = r.now;
    rig_alive(&r, "m2", 2, 2);
    rig_run(&r, t0 + 200 * MS);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "m2"), 3);
    for (unsigned i = 0; i < 3; i++) /* three different ones */
        for (unsigned k = 0; k < i; k++)
            CU_ASSERT(!kith_addr_equal(&rig_out(&r, KITH_OUT_PACKET, i)->to,
                                       &rig_out(&r, KITH_OUT_PACKET, k)->to));
    rig_run(&r, t0 + 400 * MS);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "m2"), 4);
    rig_run(&r, t0 + 10 * SEC);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "m2"), 4);
    rig_fini(&r);
}

/* PROTOCOL.md T9 */
static void test_one_message_goes_bare_several_in_a_compound(void)
{
    struct rig r;
    gossiping(&r, 2);
    quiet(&r);
    rig_alive(&r, "m2", 2, 2);
    rig_run(&r, r.now + 200 * MS);
    CU_ASSERT_EQUAL(r.sent_n, 1);
    CU_ASSERT_EQUAL(r.outs[0].data[0], KITH_MSG_ALIVE);
    CU_ASSERT_EQUAL(
        r.outs[0].pmax,
        5); /* PROTOCOL.md T9: gossip is for a known node, so a checksum may go around it */
    CU_ASSERT_STRING_EQUAL(r.outs[0].name, "m2");
    quiet(&r);
    rig_alive(&r, "m2", 3, 2);
    rig_suspect(&r, "self", 1, "x");
    rig_run(&r, r.now + 200 * MS);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 1);
    CU_ASSERT_EQUAL(r.outs[0].data[0], KITH_MSG_COMPOUND);
    CU_ASSERT_EQUAL(r.sent_n, 2);
    rig_fini(&r);
}

static void test_nothing_to_say_nothing_sent(void)
{
    struct rig r;
    gossiping(&r, 5);
    quiet(&r);
    rig_run(&r, r.now + 60 * SEC);
    CU_ASSERT_EQUAL(r.outs_n, 0);
    rig_fini(&r);
}

static void test_gossip_may_be_off(void)
{
    for (int i = 0; i < 2; i++) {
        struct rig r;
        rig_init(&r);
        r.config.settings.probe_interval = r.config.settings.push_pull_interval = 0;
        if (i)
            r.config.settings.gossip_interval = 0;
        else
            r.config.settings.gossip_nodes = 0;
        rig_start(&r);
        rig_populate(&r, 2, 5);
        rig_clear(&r);
        rig_run(&r, r.now + 60 * SEC);
        CU_ASSERT_EQUAL(r.outs_n, 0);
        ping(&r); /* piggybacking goes on */
        CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, NULL), 5);
        rig_fini(&r);
    }
}

/* ---------------------------------------------------------------------------------- the dead */

static unsigned packets_to(const struct rig *r, unsigned n)
{
    unsigned found = 0;
    const struct rig_out *o;
    for (unsigned i = 0; (o = rig_out(r, KITH_OUT_PACKET, i)); i++) found += o->to.bytes[3] == n;
    return found;
}

/* Upstream: GossipToDead. */
static void test_the_lately_dead_are_told_the_left_never(void)
{
    struct rig r;
    gossiping(&r, 4);
    quiet(&r);
    rig_dead(&r, "m2", 1, "x");
    rig_dead(&r, "m3", 1, "m3");
    uint64_t died = r.now;
    rig_run(&r, died + 10 * SEC);
    CU_ASSERT(packets_to(&r, 2) > 0);
    CU_ASSERT_EQUAL(packets_to(&r, 3), 0);
    rig_run(&r, died + 29 * SEC);
    rig_clear(&r);
    rig_alive(&r, "m4", 2, 4);
    rig_run(&r, died + 30 * SEC);
    CU_ASSERT(packets_to(&r, 2) > 0);
    rig_run(&r, died + 31 * SEC);
    rig_clear(&r);
    for (uint32_t inc = 3; inc < 20; inc++) {
        rig_alive(&r, "m4", inc, 4);
        rig_run(&r, r.now + SEC);
    }
    CU_ASSERT_EQUAL(packets_to(&r, 2), 0);
    CU_ASSERT_EQUAL(packets_to(&r, 3), 0);
    CU_ASSERT(packets_to(&r, 4) > 0);
    rig_fini(&r);
}

/* Upstream: ResetNodes, MoveDeadNodes. */
static void test_the_long_dead_are_forgotten_at_the_end_of_a_round(void)
{
    struct rig r;
    rig_new(&r);
    r.answer_pings = true;
    rig_populate(&r, 2, 6);
    rig_dead(&r, "m2", 1, "x");
    rig_dead(&r, "m3", 1, "m3");
    uint64_t died = r.now;
    rig_run(&r, died + 30 * SEC);
    CU_ASSERT_EQUAL(kith_core_size(r.core), 6);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_DEAD);
    r.events[0] = 0;
    rig_run(&r, died + 36 * SEC); /* three live peers: a round is over by then */
    CU_ASSERT_EQUAL(kith_core_size(r.core), 4);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), -1);
    CU_ASSERT_EQUAL(rig_state(&r, "m3"), -1);
    CU_ASSERT_PTR_NULL(strstr(r.events, "leave"));
    r.events[0] = 0;
    rig_alive(&r, "m2", 1, 2); /* a stale alive brings the name back */
    TOLD(r, "join m2;");
    rig_fini(&r);
}

/* PROTOCOL.md T21 */
static void test_nothing_is_forgotten_without_probing(void)
{
    struct rig r;
    gossiping(&r, 6);
    rig_dead(&r, "m2", 1, "x");
    rig_run(&r, r.now + 600 * SEC);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_DEAD);
    CU_ASSERT_EQUAL(kith_core_size(r.core), 6);
    rig_fini(&r);
}

/* ----------------------------------------------------------------------------------- budgets */

static void test_packets_are_filled_to_the_budget_and_not_over(void)
{
    static const size_t budgets[] = {1400, 512, 300, 150};
    for (size_t i = 0; i < sizeof budgets / sizeof *budgets; i++) {
        struct rig r;
        rig_init(&r);
        r.budget = budgets[i];
        r.config.settings.push_pull_interval = 0;
        rig_start(&r);
        r.answer_pings = true;
        char meta[101] = {0};
        for (unsigned k = 2; k <= 120; k++) {
            memset(meta, 'x', k % 100);
            meta[k % 100] = 0;
            char name[8];
            snprintf(name, sizeof name, "m%u", k);
            struct kith_addr a = rig_addr(k);
            struct kith_msg m = rig_alive_msg(name, 1, &a, meta);
            rig_feed(&r, k, &m);
        }
        rig_clear(&r);
        rig_run(&r,
                r.now +
                    10 * SEC); /* rig checks each packet: gossip, pings and acks with piggybacks */
        CU_ASSERT(rig_outs(&r, KITH_OUT_PACKET) > 20);
        CU_ASSERT(r.outs[0].len + 100 > r.budget || r.budget == 150);
        rig_flush(&r);
        rig_fini(&r);
    }
}

static void test_what_never_fits_is_never_sent_and_blocks_nothing(void)
{
    struct rig r;
    rig_init(&r);
    r.budget = 200;
    r.config.settings.probe_interval = r.config.settings.push_pull_interval = 0;
    rig_start(&r);
    char meta[401];
    memset(meta, 'x', 400);
    meta[400] = 0;
    struct kith_addr a = rig_addr(2);
    struct kith_msg m = rig_alive_msg("m2", 1, &a, meta);
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_ALIVE);
    rig_populate(&r, 3, 5);
    rig_run(&r, r.now + 10 * SEC);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "m2"), 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "m3"), 4);
    rig_fini(&r);
}

/* PROTOCOL.md T5 */
static void test_no_more_than_127_parts(void)
{
    struct rig r;
    gossiping(&r, 4);
    quiet(&r);
    r.user_broadcast = "u";
    r.broadcasts_left = 1000;
    rig_run(&r, r.now + 200 * MS); /* rig checks the number of parts */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_USER, NULL),
                    1000 - r.broadcasts_left); /* what was taken was sent */
    CU_ASSERT(r.broadcasts_left < 1000);
    r.broadcasts_left = 1000;
    ping(&r); /* the same beside a ping of our own */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_USER, NULL), 1000 - r.broadcasts_left);
    rig_fini(&r);
}

static void test_user_broadcasts_fill_what_is_left(void)
{
    struct rig r;
    gossiping(&r, 2);
    quiet(&r);
    r.user_broadcast = "some news";
    r.broadcasts_left = 1;
    rig_run(&r, r.now + 200 * MS);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_USER, NULL), 1);
    CU_ASSERT(rig_is(rig_find(&r, KITH_MSG_USER, NULL, 0)->msg.payload, "some news"));
    CU_ASSERT_EQUAL(r.limit_seen,
                    1400 - 2); /* all but the compound's header; each costs 3 beside its bytes */
    rig_alive(&r, "m2", 2, 2); /* membership first */
    r.broadcasts_left = 1;
    rig_clear(&r);
    rig_run(&r, r.now + 200 * MS);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 1);
    CU_ASSERT_EQUAL(r.sent_n, 2);
    CU_ASSERT_EQUAL(r.sent[0].msg.type, KITH_MSG_ALIVE);
    CU_ASSERT(r.limit_seen < 1398);
    r.broadcasts_left = 1;
    ping(&r);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_USER, NULL), 1);
    rig_fini(&r);
}

static void test_a_greedy_delegate_gets_no_more_than_its_share(void)
{
    struct rig r;
    gossiping(&r, 2);
    quiet(&r);
    r.user_broadcast = "a message of some thirty bytes";
    r.greedy = true;
    for (int i = 0; i < 2; i++) {
        r.broadcasts_left = 1000;
        rig_clear(&r);
        if (i)
            ping(&r);
        else
            rig_run(&r, r.now + 200 * MS);
        unsigned n = rig_count(&r, KITH_MSG_USER, NULL);
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 1);
        CU_ASSERT(n >= 40 && n <= 1398 / 33);
        CU_ASSERT_EQUAL(n, 1000 - r.broadcasts_left);
    }
    rig_fini(&r);
}

static void test_each_destination_may_have_a_budget_of_its_own(void)
{
    struct rig r;
    rig_init(&r);
    for (int i = 2; i < 60; i += 2) r.budget_towards[i] = 200 + 3 * (size_t)i;
    rig_start(&r);
    r.answer_pings = true;
    rig_populate(&r, 2, 80);
    rig_run(&r, r.now + 30 * SEC); /* rig checks each packet */
    CU_ASSERT(rig_outs(&r, KITH_OUT_PACKET) > 30);
    struct kith_addr a = rig_addr(2);
    static const char big[500] = "";
    CU_ASSERT_EQUAL(kith_core_send(r.core, r.now, WHOM("m2", NULL), kith_bytes_of(big, 206), false),
                    -KITH_ETOOBIG);
    CU_ASSERT(kith_core_send(r.core, r.now, WHOM(NULL, &a), kith_bytes_of(big, 205), false) > 0);
    CU_ASSERT(kith_core_send(r.core, r.now, WHOM("m3", NULL), kith_bytes_of(big, 500), false) > 0);
    rig_poll(&r);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------ compounds in */

static size_t compound(uint8_t *out, unsigned count, const char *const *parts, const size_t *lens,
                       unsigned given)
{
    size_t n = 0;
    out[n++] = KITH_MSG_COMPOUND;
    out[n++] = (uint8_t)count;
    for (unsigned i = 0; i < given; i++) {
        out[n++] = (uint8_t)(lens[i] >> 8);
        out[n++] = (uint8_t)lens[i];
    }
    for (unsigned i = 0; i < given; i++) {
        memcpy(out + n, parts[i], lens[i]);
        n += lens[i];
    }
    return n;
}

static void test_compounds_in(void)
{
    struct rig r;
    rig_new(&r);
    struct kith_addr from = rig_addr(9);
    uint8_t b[4096];
    static const char *const parts[] = {"\x08one", "", "\x08two", "\x63what", "\x08three"};
    static const size_t lens[] = {4, 0, 4, 5, 6};
    size_t n = compound(b, 5, parts, lens, 5);
    rig_packet(&r, &from, b, n);
    TOLD(r, "msg one;msg two;msg three;"); /* empty and unknown parts cost only themselves */
    rig_packet(&r, &from, b, n - 1);       /* the last one is cut, the others are used */
    TOLD(r, "msg one;msg two;");
    b[n] = 'x';
    rig_packet(&r, &from, b, n + 1); /* trailing bytes are ignored */
    TOLD(r, "msg one;msg two;msg three;");
    rig_packet(&r, &from, "\7", 1);
    rig_packet(&r, &from, "\7\0", 2);     /* none: legal */
    rig_packet(&r, &from, "\7\2\0\1", 4); /* lengths missing */
    rig_packet(&r, &from, "\7\x80", 2);   /* upstream: NumberOfPartsOverflow */
    TOLD(r, "");
    rig_fini(&r);
}

static void test_255_parts_in(void)
{
    struct rig r;
    rig_new(&r);
    uint8_t b[4096];
    const char *parts[255];
    size_t lens[255];
    for (int i = 0; i < 255; i++) {
        parts[i] = "\x08.";
        lens[i] = 2;
    }
    struct kith_addr from = rig_addr(9);
    rig_packet(&r, &from, b, compound(b, 255, parts, lens, 255));
    unsigned n = 0;
    for (const char *p = r.events; (p = strstr(p, "msg .;")); p++) n++;
    CU_ASSERT_EQUAL(n, 255);
    rig_fini(&r);
}

/* Upstream: HandleCompoundPing. */
static void test_three_pings_three_acks(void)
{
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "m9", 1, 9);
    struct rig_bytes p;
    rig_bytes_init(&p);
    kith_wire_write_message(
        &p.buf, &(struct kith_msg){.type = KITH_MSG_PING, .seq_no = 9, .node = rig_str("self")});
    const char *parts[3] = {(char *)p.buf.data, (char *)p.buf.data, (char *)p.buf.data};
    size_t lens[3] = {p.buf.len, p.buf.len, p.buf.len};
    uint8_t b[512];
    struct kith_addr from = rig_addr(9);
    rig_packet(&r, &from, b, compound(b, 3, parts, lens, 3));
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ACK, NULL), 3);
    rig_fini(&r);
}

static void test_compounds_in_compounds_are_read_to_a_depth(void)
{
    struct rig r;
    rig_new(&r);
    static uint8_t a[65536], b[65536];
    size_t n = 4;
    memcpy(a,
           "\x08"
           "yes",
           n);
    struct kith_addr from = rig_addr(9);
    const char *part = (const char *)a;
    for (int depth = 1; depth <= 10000; depth++) { /* no recursion without an end */
        n = compound(b, 1, &part, &n, 1);
        memcpy(a, b, n);
        if (depth > 9 && depth < 10000) continue;
        rig_packet(&r, &from, b, n);
        TOLD(r, depth <= 8 ? "msg yes;" : "");
        CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "nested_too_deep"), (depth > 8) + (depth > 9));
    }
    CU_ASSERT(rig_answers(&r, 250));
    rig_fini(&r);
}

/* The news is believed, but it can't be passed on: it is counted, and nothing waits for ever. */
static void test_what_no_packet_carries_is_not_kept(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.probe_interval = 0;
    r.budget = 200;
    rig_start(&r);
    rig_populate(&r, 2, 3);
    rig_run(&r, r.now + 10 * SEC);
    char meta[200] = "";
    memset(meta, 'x', sizeof meta - 1);
    struct kith_addr a = rig_addr(9);
    struct kith_msg m = rig_alive_msg("big", 1, &a, meta);
    rig_feed(&r, 9, &m);
    CU_ASSERT_EQUAL(rig_state(&r, "big"), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_stat(&r, "broadcasts_queued", NULL), 0);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "broadcast_too_big"), 1);
    rig_dead(&r, "big", 1, "m2"); /* what fits is passed on as ever */
    rig_run(&r, r.now + SEC);
    CU_ASSERT(rig_count(&r, KITH_MSG_DEAD, "big") > 0);
    rig_fini(&r);
}

KITH_TESTS("core/gossip",
           {"a message is sent as often as the limit says",
            test_a_message_is_sent_as_often_as_the_limit_says},
           {"each target of a tick costs one transmission",
            test_each_target_of_a_tick_costs_one_transmission},
           {"one message goes bare, several in a compound",
            test_one_message_goes_bare_several_in_a_compound},
           {"nothing to say, nothing sent", test_nothing_to_say_nothing_sent},
           {"gossip may be off", test_gossip_may_be_off},
           {"the lately dead are told, the left never",
            test_the_lately_dead_are_told_the_left_never},
           {"the long dead are forgotten at the end of a round",
            test_the_long_dead_are_forgotten_at_the_end_of_a_round},
           {"nothing is forgotten without probing", test_nothing_is_forgotten_without_probing},
           {"packets are filled to the budget and not over",
            test_packets_are_filled_to_the_budget_and_not_over},
           {"what never fits is never sent and blocks nothing",
            test_what_never_fits_is_never_sent_and_blocks_nothing},
           {"no more than 127 parts, none empty", test_no_more_than_127_parts},
           {"user broadcasts fill what is left", test_user_broadcasts_fill_what_is_left},
           {"a greedy delegate gets no more than its share",
            test_a_greedy_delegate_gets_no_more_than_its_share},
           {"each destination may have a budget of its own",
            test_each_destination_may_have_a_budget_of_its_own},
           {"compounds in", test_compounds_in}, {"255 parts in", test_255_parts_in},
           {"three pings, three acks", test_three_pings_three_acks},
           {"compounds in compounds are read to a depth",
            test_compounds_in_compounds_are_read_to_a_depth},
           {"what no packet carries is not kept", test_what_no_packet_carries_is_not_kept})
