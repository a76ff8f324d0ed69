/*
 * test_answer.c - what a node does for the probes of others: answers, relays, nacks
 * (PROTOCOL.md 2.8).
 */
#include "core_rig.h"

/* A core that knows m2..m<n> and sends probes only. */
static void probing(struct rig *r, unsigned n)
{
    rig_init(r);
    r->config.settings.gossip_interval = 0;
    r->config.settings.push_pull_interval = 0;
    rig_start(r);
    rig_populate(r, 2, n);
    r->events[0] = 0;
}

/* --------------------------------------------------------------------------------- answering */

static void ping(struct rig *r, const char *node, const struct kith_addr *source,
                 const char *source_node)
{
    struct kith_msg m = {.type = KITH_MSG_PING, .seq_no = 12345, .node = rig_str(node)};
    if (source) {
        m.source_addr = kith_bytes_of(source->bytes, source->len);
        m.source_port = source->port;
        m.source_node = rig_str(source_node);
    }
    rig_clear(r);
    rig_feed(r, 60, &m);
}

static bool carries_news(const struct rig *r)
{
    return rig_count(r, KITH_MSG_ALIVE, NULL) + rig_count(r, KITH_MSG_USER, NULL) > 0;
}

static void test_pings_are_answered(void)
{
    struct rig r;
    rig_new(&r);
    for (int i = 0; i < 10; i++) rig_flush(&r);
    ping(&r, "self", NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(rig_count(&r, KITH_MSG_ACK, NULL), 1);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_ACK, NULL, 0);
    CU_ASSERT_EQUAL(s->msg.seq_no, 12345);
    CU_ASSERT_PTR_NULL(s->msg.payload.data);
    CU_ASSERT_EQUAL(r.outs[s->out].to.bytes[3], 60);
    CU_ASSERT_EQUAL(r.outs[s->out].pmax, 0);
    ping(&r, "", NULL, NULL); /* anyone */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ACK, NULL), 1);
    ping(&r, "other", NULL, NULL); /* upstream: HandlePing_WrongNode */
    CU_ASSERT_EQUAL(r.outs_n, 0);
    rig_fini(&r);
}

/* Who asks from an address that is no member's gets a bare answer. */
static void test_news_and_payload_are_for_members(void)
{
    struct rig r;
    probing(&r, 5);
    r.ack_payload = "coordinate";
    ping(&r, "self", NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(rig_count(&r, KITH_MSG_ACK, NULL), 1);
    CU_ASSERT_PTR_NULL(rig_find(&r, KITH_MSG_ACK, NULL, 0)->msg.payload.data);
    CU_ASSERT(!carries_news(&r));
    rig_alive(&r, "m60", 1, 60);
    ping(&r, "self", NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(rig_count(&r, KITH_MSG_ACK, NULL), 1);
    CU_ASSERT(rig_is(rig_find(&r, KITH_MSG_ACK, NULL, 0)->msg.payload, "coordinate"));
    CU_ASSERT(carries_news(&r));
    struct kith_addr elsewhere = rig_addr(61); /* what counts is who gets it */
    ping(&r, "self", &elsewhere, "m60");
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ACK, NULL), 1);
    CU_ASSERT(!carries_news(&r));
    ping(&r, "self", &r.config.advertise, "self"); /* nor are we a member to ourselves */
    CU_ASSERT(!carries_news(&r));
    rig_dead(&r, "m60", 1, "m2");
    ping(&r, "self", NULL, NULL);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ACK, NULL), 1);
    CU_ASSERT(!carries_news(&r));
    rig_clear(&r);
    CU_ASSERT(kith_core_ping(r.core, r.now, WHOM(NULL, &elsewhere)) > 0);
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, NULL), 1); /* a ping of our own */
    CU_ASSERT(!carries_news(&r));
    rig_fini(&r);
}

/* When the dead before them in the list are forgotten, the others keep their addresses. */
static void test_members_keep_their_addresses(void)
{
    struct rig r;
    rig_new(&r);
    r.answer_pings = true;
    rig_populate(&r, 2, 9);
    rig_alive(&r, "m60", 1, 60);
    for (unsigned i = 2; i < 10; i++) {
        char name[8];
        snprintf(name, sizeof name, "m%u", i);
        rig_dead(&r, name, 1, "x");
    }
    rig_run(&r, r.now + 40 * SEC);
    CU_ASSERT_EQUAL(kith_core_size(r.core), 2);
    rig_populate(&r, 70, 80);
    r.ack_payload = "coordinate";
    ping(&r, "self", NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(rig_count(&r, KITH_MSG_ACK, NULL), 1);
    CU_ASSERT(rig_is(rig_find(&r, KITH_MSG_ACK, NULL, 0)->msg.payload, "coordinate"));
    struct kith_addr other = rig_addr(5);
    ping(&r, "self", &other, "m5");
    CU_ASSERT_EQUAL_FATAL(rig_count(&r, KITH_MSG_ACK, NULL), 1);
    CU_ASSERT_PTR_NULL(rig_find(&r, KITH_MSG_ACK, NULL, 0)->msg.payload.data);
    rig_fini(&r);
}

/* However many there are, each is found at its address: before its table grows, and after. */
static void test_many_members_are_known(void)
{
    static const unsigned sizes[] = {39, 80, 160, 640, 990};
    struct rig r;
    rig_new(&r);
    r.answer_pings = true;
    r.ack_payload = "coordinate";
    unsigned from = 2, missing = 0;
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; from = sizes[k++] + 1) {
        rig_populate(&r, from, sizes[k]);
        for (unsigned i = 2; i <= sizes[k]; i++) {
            struct kith_addr at = rig_addr(i);
            char name[8];
            snprintf(name, sizeof name, "m%u", i);
            ping(&r, "self", &at, name);
            const struct rig_sent *ack = rig_find(&r, KITH_MSG_ACK, NULL, 0);
            missing += !ack || !ack->msg.payload.data;
        }
        CU_ASSERT_EQUAL(missing, 0);
    }
    rig_fini(&r);
}

/* A mapped IPv4 address is the same as its short form. */
static void test_a_member_is_known_by_either_form_of_its_address(void)
{
    struct rig r;
    rig_new(&r);
    struct kith_addr a = {.len = 16, .bytes = {[10] = 0xff, 0xff, 10, 0, 0, 60}, .port = 7946};
    struct kith_msg m = rig_alive_msg("m60", 1, &a, NULL);
    rig_feed(&r, 60, &m);
    ping(&r, "self", NULL, NULL);
    CU_ASSERT(carries_news(&r));
    rig_fini(&r);
}

static void test_a_payload_that_is_too_long_is_counted(void)
{
    struct rig r;
    static char payload[1400];
    rig_new(&r);
    rig_alive(&r, "m60", 1, 60);
    memset(payload, 'p', sizeof payload - 1);
    r.ack_payload = payload;
    ping(&r, "self", NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(rig_count(&r, KITH_MSG_ACK, NULL), 1);
    CU_ASSERT_PTR_NULL(rig_find(&r, KITH_MSG_ACK, NULL, 0)->msg.payload.data);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "ack_payload_too_long"), 1);
    rig_fini(&r);
}

/* Whoever pings, and in whose name: the rounds of gossip have all transmissions left, and of the
 * answers in the time of one no more carry news than it has packets. */
static void test_answers_use_up_no_transmissions(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.probe_interval = r.config.settings.push_pull_interval = 0;
    rig_start(&r);
    rig_alive(&r, "m60", 1, 60);
    rig_run(&r, r.now + 5 * SEC);
    int64_t q = kith_core_broadcast(r.core, r.now, rig_str("news"), NO_KEY, 0);
    unsigned carried = 0, answered = 0;
    for (int i = 0; i < 1000; i++) {
        ping(&r, "self", NULL, NULL);
        answered += rig_count(&r, KITH_MSG_ACK, NULL);
        carried += rig_count(&r, KITH_MSG_USER, NULL);
    }
    CU_ASSERT_EQUAL(answered, 1000);
    CU_ASSERT_EQUAL(carried, 3);
    CU_ASSERT_PTR_NULL(rig_done(&r, q));
    rig_clear(&r);
    rig_run(&r, r.now + 5 * SEC);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_USER, NULL), 4); /* 4 * ceil(log10(3)) */
    CU_ASSERT_PTR_NOT_NULL(rig_done(&r, q));
    q = kith_core_broadcast(r.core, r.now, rig_str("more"), NO_KEY, 0);
    ping(&r, "self", NULL, NULL); /* another round */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_USER, NULL), 1);
    rig_fini(&r);
}

/* What a delegate gives it counts as sent itself: others must not make it give. */
static void test_delegates_are_asked_for_broadcasts_in_rounds_only(void)
{
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "m60", 1, 60);
    r.user_broadcast = "theirs";
    r.broadcasts_left = 3;
    for (int i = 0; i < 100; i++) ping(&r, "self", NULL, NULL);
    CU_ASSERT_EQUAL(r.broadcasts_left, 3);
    rig_run(&r, r.now + SEC);
    CU_ASSERT_EQUAL(r.broadcasts_left, 0);
    rig_fini(&r);
}

/* Several messages of one kind in a packet, from that address; what it sent before is forgotten. */
static void many(struct rig *r, unsigned from, const struct kith_msg *m, unsigned count,
                 size_t wire)
{
    struct rig_bytes one, all;
    rig_bytes_init(&one);
    rig_bytes_init(&all);
    CU_ASSERT_EQUAL_FATAL(kith_wire_write_message(&one.buf, m), 0);
    uint8_t *head = kith_buf_put(&all.buf, 2 + 2 * (size_t)count);
    *head++ = KITH_MSG_COMPOUND;
    *head++ = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        *head++ = (uint8_t)(one.buf.len >> 8);
        *head++ = (uint8_t)one.buf.len;
        memcpy(kith_buf_put(&all.buf, one.buf.len), one.buf.data, one.buf.len);
    }
    struct kith_addr a = rig_addr(from);
    rig_clear(r);
    kith_core_packet(r->core, r->now, r->now, WHOM(NULL, &a), all.buf.data, all.buf.len,
                     wire ? wire : all.buf.len);
    rig_poll(r);
}

static size_t bytes_to(const struct rig *r, unsigned n)
{
    size_t bytes = 0;
    const struct rig_out *o;
    for (unsigned i = 0; (o = rig_out(r, KITH_OUT_PACKET, i)); i++)
        if (o->to.bytes[3] == n) bytes += o->len;
    return bytes;
}

static void test_a_stranger_gets_at_most_twice_what_came(void)
{
    struct rig r;
    rig_new(&r);
    struct kith_msg m = {.type = KITH_MSG_PING, .seq_no = 1};
    struct kith_addr victim = rig_addr(61);
    many(&r, 60, &m, 127, 0);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 2);
    CU_ASSERT(rig_stat(&r, "dropped", "stranger_answers") > 0);
    m.source_addr = kith_bytes_of(victim.bytes, 4); /* wherever it is to go */
    m.source_port = 7946;
    many(&r, 60, &m, 127, 0);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 2);
    many(&r, 60, &m, 127, 17); /* what it opens to does not count */
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 1);
    CU_ASSERT(bytes_to(&r, 61) <= 34);
    rig_clear(&r);
    struct kith_addr a = rig_addr(60);
    rig_packet(&r, &a, "\0\x80", 2); /* an ack has 18 bytes and more */
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 0);
    rig_alive(&r, "m61", 1, 61);
    many(&r, 60, &m, 127, 0); /* a member gets more, and not without end */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ACK, NULL), 8);
    rig_fini(&r);
}

/* PROTOCOL.md T11 */
static void test_answers_go_to_the_source_that_the_ping_names(void)
{
    struct rig r;
    rig_new(&r);
    struct kith_addr source = rig_addr(61);
    ping(&r, "self", &source, "m61");
    const struct rig_sent *s = rig_find(&r, KITH_MSG_ACK, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(kith_addr_equal(&r.outs[s->out].to, &source));
    CU_ASSERT_STRING_EQUAL(r.outs[s->out].name, "m61");
    source.port = 0; /* half a source is none */
    ping(&r, "self", &source, "m61");
    s = rig_find(&r, KITH_MSG_ACK, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(r.outs[s->out].to.bytes[3], 60);
    rig_fini(&r);
}

/* Upstream: ProbeNode_Buddy, the suspect's side. */
static void test_a_suspect_answers_and_refutes(void)
{
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "m2", 1, 2);
    struct rig_bytes p, s, all;
    rig_bytes_init(&p);
    rig_bytes_init(&s);
    rig_bytes_init(&all);
    kith_wire_write_message(
        &p.buf, &(struct kith_msg){.type = KITH_MSG_PING, .seq_no = 9, .node = rig_str("self")});
    struct kith_msg m = rig_accusation(KITH_MSG_SUSPECT, "self", 1, "m2");
    kith_wire_write_message(&s.buf, &m);
    memcpy(kith_buf_put(&all.buf, 6),
           (uint8_t[]){7, 2, 0, (uint8_t)p.buf.len, 0, (uint8_t)s.buf.len}, 6);
    memcpy(kith_buf_put(&all.buf, p.buf.len), p.buf.data, p.buf.len);
    memcpy(kith_buf_put(&all.buf, s.buf.len), s.buf.data, s.buf.len);
    rig_clear(&r);
    struct kith_addr from = rig_addr(2);
    rig_packet(&r, &from, all.buf.data, all.buf.len);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ACK, NULL), 1);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 2);
    rig_flush(&r);
    CU_ASSERT(rig_count(&r, KITH_MSG_ALIVE, "self") >= 1);
    rig_fini(&r);
}

/* ---------------------------------------------------------------------------------- relaying */

static void ask_relay(struct rig *r, bool nack, bool source)
{
    struct kith_addr t = rig_addr(9), s = rig_addr(61);
    struct kith_msg m = {.type = KITH_MSG_INDIRECT_PING,
                         .seq_no = 777,
                         .node = rig_str("m9"),
                         .nack = nack,
                         .target = kith_bytes_of(t.bytes, 4),
                         .port = 7000};
    if (source) {
        m.source_addr = kith_bytes_of(s.bytes, 4);
        m.source_port = 7946;
        m.source_node = rig_str("m61");
    }
    rig_clear(r);
    rig_feed(r, 60, &m);
}

/* Whoever asks for a relay is a member. */
static void add_requesters(struct rig *r)
{
    rig_alive(r, "m60", 1, 60);
    rig_alive(r, "m61", 1, 61);
}

static void test_relaying_a_probe(void)
{
    struct rig r;
    probing(&r, 1);
    add_requesters(&r);
    for (int source = 0; source < 2; source++) {
        ask_relay(&r, true, source);
        const struct rig_sent *p = rig_find(&r, KITH_MSG_PING, "m9", 0);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p);
        uint32_t seq = p->msg.seq_no;
        CU_ASSERT_NOT_EQUAL(seq, 777);
        CU_ASSERT_EQUAL(r.outs[p->out].to.port, 7000);
        CU_ASSERT_EQUAL(r.outs[p->out].to.bytes[3], 9);
        CU_ASSERT_STRING_EQUAL(r.outs[p->out].name, "m9");
        rig_clear(&r);
        struct kith_msg ack = {
            .type = KITH_MSG_ACK, .seq_no = seq, .payload = rig_str("not for you")};
        rig_feed(&r, 9, &ack);
        const struct rig_sent *a = rig_find(&r, KITH_MSG_ACK, NULL, 0);
        CU_ASSERT_PTR_NOT_NULL_FATAL(a);
        CU_ASSERT_EQUAL(a->msg.seq_no, 777);
        CU_ASSERT_PTR_NULL(a->msg.payload.data);
        CU_ASSERT_EQUAL(r.outs[a->out].to.bytes[3], source ? 61 : 60);
        rig_clear(&r);
        rig_feed(&r, 9, &ack); /* once is enough */
        rig_run(&r, r.now + 400 * MS);
        CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ACK, NULL) + rig_count(&r, KITH_MSG_NACK, NULL), 0);
    }
    rig_fini(&r);
}

static void test_a_relay_without_an_ack_says_so(void)
{
    struct rig r;
    probing(&r, 1);
    add_requesters(&r);
    ask_relay(&r, true, false);
    uint64_t asked = r.now;
    rig_run(&r, asked + 500 * MS - 1);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_NACK, NULL), 0);
    uint32_t seq = rig_find(&r, KITH_MSG_PING, "m9", 0)->msg.seq_no;
    rig_run(&r, asked + 500 * MS);
    const struct rig_sent *n = rig_find(&r, KITH_MSG_NACK, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(n);
    CU_ASSERT_EQUAL(n->msg.seq_no, 777);
    CU_ASSERT_EQUAL(r.outs[n->out].to.bytes[3], 60);
    rig_clear(&r);
    rig_ack(&r, 9, seq); /* too late: the handler is gone */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ACK, NULL), 0);
    ask_relay(&r, false, false); /* protocol < 4: does not know nacks */
    rig_run(&r, r.now + SEC);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_NACK, NULL), 0);
    rig_fini(&r);
}

static void test_protocol_1_knows_no_ports(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.protocol_version = 1;
    rig_start(&r);
    add_requesters(&r);
    ask_relay(&r, true, false);
    const struct rig_sent *p = rig_find(&r, KITH_MSG_PING, "m9", 0);
    CU_ASSERT(p && r.outs[p->out].to.port == 7946);
    rig_fini(&r);
}

static void test_pending_relays_are_bounded(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.gossip_interval = r.config.settings.push_pull_interval = 0;
    r.config.settings.max_pending = 10;
    rig_start(&r);
    rig_alive(&r, "m2", 1, 2);
    add_requesters(&r);
    unsigned pings = 0;
    for (int i = 0; i < 500; i++) {
        ask_relay(&r, true, false);
        pings += rig_count(&r, KITH_MSG_PING, "m9");
    }
    CU_ASSERT(pings >= 5 && pings <= 10);
    CU_ASSERT(r.logged < 50);
    rig_clear(&r);
    rig_run(&r, RIG_EPOCH + SEC); /* its own probe goes out nevertheless */
    CU_ASSERT_EQUAL_FATAL(rig_count(&r, KITH_MSG_PING, NULL), 1);
    rig_ack(&r, 2, rig_find(&r, KITH_MSG_PING, NULL, 0)->msg.seq_no);
    rig_run(&r, RIG_EPOCH + 1900 * MS);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_INDIRECT_PING, NULL), 0);
    ask_relay(&r, true, false); /* room again */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "m9"), 1);
    rig_fini(&r);
}

static void test_relays_leave_room_for_our_own_pings(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.gossip_interval = r.config.settings.push_pull_interval = 0;
    r.config.settings.max_pending = 32;
    rig_start(&r);
    rig_alive(&r, "m2", 1, 2);
    add_requesters(&r);
    for (int i = 0; i < 100; i++) ask_relay(&r, true, false);
    CU_ASSERT(kith_core_ping(r.core, r.now, WHOM("m2", NULL)) > 0);
    CU_ASSERT(kith_core_ping(r.core, r.now, WHOM("m2", NULL)) > 0);
    CU_ASSERT_EQUAL(kith_core_ping(r.core, r.now, WHOM("m2", NULL)), -KITH_EAGAIN);
    rig_fini(&r);
}

static void test_relays_are_for_members(void)
{
    struct rig r;
    probing(&r, 5);
    ask_relay(&r, true, false);
    ask_relay(&r, true, true);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 0);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "stranger_indirect_pings"), 2);
    rig_run(&r, r.now + 500 * MS); /* nor is there a nack */
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 0);
    rig_fini(&r);
}

/* Views differ: the target need not be known. But it may be anybody's address. */
static void test_a_target_is_a_stranger_or_a_member(void)
{
    struct rig r;
    probing(&r, 5);
    add_requesters(&r);
    struct kith_addr t = rig_addr(9);
    struct kith_msg m = {.type = KITH_MSG_INDIRECT_PING,
                         .seq_no = 777,
                         .node = rig_str("m9"),
                         .nack = true,
                         .target = kith_bytes_of(t.bytes, 4),
                         .port = 7946};
    many(&r, 60, &m, 100, 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "m9"), 2);
    CU_ASSERT_EQUAL(rig_stat(&r, "pings_relayed", NULL), 2);
    CU_ASSERT(!carries_news(&r));
    many(&r, 60, &m, 100, 20);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 0);
    rig_alive(&r, "m9", 1, 9);
    many(&r, 60, &m, 100, 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "m9"), 8);
    rig_run(&r, r.now + 500 * MS); /* those that went out, and no others, are spoken of */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_NACK, NULL), 10);
    rig_fini(&r);
}

/* One member, or whoever writes its address, leaves room for the others. */
/* Who has died meanwhile is told nothing more. */
static void test_no_nack_for_the_dead(void)
{
    struct rig r;
    probing(&r, 5);
    add_requesters(&r);
    ask_relay(&r, true, false);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "m9"), 1);
    rig_dead(&r, "m60", 1, "m2");
    rig_run(&r, r.now + 500 * MS);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_NACK, NULL), 0);
    rig_fini(&r);
}

static void test_each_member_has_its_share_of_relays(void)
{
    struct rig r;
    probing(&r, 5);
    add_requesters(&r);
    unsigned pings = 0;
    for (int i = 0; i < 500; i++) {
        ask_relay(&r, true, false);
        pings += rig_count(&r, KITH_MSG_PING, "m9");
    }
    CU_ASSERT_EQUAL(pings, 32);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "max_indirect_pings"), 500 - 32);
    ask_relay(&r, true, true);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "m9"), 1);
    rig_run(&r, r.now + 500 * MS);
    ask_relay(&r, true, false); /* they have ended */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "m9"), 1);
    rig_fini(&r);
}

KITH_TESTS("core/answer", {"pings are answered", test_pings_are_answered},
           {"news and payload are for members", test_news_and_payload_are_for_members},
           {"members keep their addresses", test_members_keep_their_addresses},
           {"many members are known", test_many_members_are_known},
           {"a member is known by either form of its address",
            test_a_member_is_known_by_either_form_of_its_address},
           {"a payload that is too long is counted", test_a_payload_that_is_too_long_is_counted},
           {"answers use up no transmissions", test_answers_use_up_no_transmissions},
           {"delegates are asked for broadcasts in rounds only",
            test_delegates_are_asked_for_broadcasts_in_rounds_only},
           {"a stranger gets at most twice what came",
            test_a_stranger_gets_at_most_twice_what_came},
           {"answers go to the source that the ping names",
            test_answers_go_to_the_source_that_the_ping_names},
           {"a suspect answers and refutes", test_a_suspect_answers_and_refutes},
           {"relaying a probe", test_relaying_a_probe},
           {"a relay without an ack says so", test_a_relay_without_an_ack_says_so},
           {"protocol 1 knows no ports", test_protocol_1_knows_no_ports},
           {"pending relays are bounded", test_pending_relays_are_bounded},
           {"relays leave room for our own pings", test_relays_leave_room_for_our_own_pings},
           {"relays are for members", test_relays_are_for_members},
           {"a target is a stranger or a member", test_a_target_is_a_stranger_or_a_member},
           {"no nack for the dead", test_no_nack_for_the_dead},
           {"each member has its share of relays", test_each_member_has_its_share_of_relays})
