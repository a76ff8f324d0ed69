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
    r.ack_payload = "coordinate";
    ping(&r, "self", NULL, NULL);
    CU_ASSERT(rig_is(rig_find(&r, KITH_MSG_ACK, NULL, 0)->msg.payload, "coordinate"));
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

static void test_relaying_a_probe(void)
{
    struct rig r;
    probing(&r, 1);
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
    unsigned pings = 0;
    for (int i = 0; i < 500; i++) {
        ask_relay(&r, true, false);
        pings += rig_count(&r, KITH_MSG_PING, "m9");
    }
    CU_ASSERT(pings >= 5 && pings <= 10);
    CU_ASSERT(r.logged < 50);
    rig_clear(&r);
    rig_run(&r, RIG_EPOCH + SEC); /* its own probe goes out nevertheless */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "m2"), 1);
    rig_ack(&r, 2, rig_find(&r, KITH_MSG_PING, "m2", 0)->msg.seq_no);
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
    for (int i = 0; i < 100; i++) ask_relay(&r, true, false);
    CU_ASSERT(kith_core_ping(r.core, r.now, WHOM("m2", NULL)) > 0);
    CU_ASSERT(kith_core_ping(r.core, r.now, WHOM("m2", NULL)) > 0);
    CU_ASSERT_EQUAL(kith_core_ping(r.core, r.now, WHOM("m2", NULL)), -KITH_EAGAIN);
    rig_fini(&r);
}

KITH_TESTS("core/answer", {"pings are answered", test_pings_are_answered},
           {"answers go to the source that the ping names",
            test_answers_go_to_the_source_that_the_ping_names},
           {"a suspect answers and refutes", test_a_suspect_answers_and_refutes},
           {"relaying a probe", test_relaying_a_probe},
           {"a relay without an ack says so", test_a_relay_without_an_ack_says_so},
           {"protocol 1 knows no ports", test_protocol_1_knows_no_ports},
           {"pending relays are bounded", test_pending_relays_are_bounded},
           {"relays leave room for our own pings", test_relays_leave_room_for_our_own_pings})
