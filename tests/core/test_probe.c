/*
 * test_probe.c - failure detection: the probe cycle, relays, the stream fallback, health score
 * (PROTOCOL.md 2.7, 2.8).
 */
#include "core_rig.h"

/* A core that knows m2..m<n>, with gossip and push/pull off, so that all it sends are probes. The
 * clock stands at the first probe, whose target is *target. */
static void probing(struct rig *r, unsigned n)
{
    rig_init(r);
    r->config.settings.gossip_interval = 0;
    r->config.settings.push_pull_interval = 0;
    rig_start(r);
    rig_populate(r, 2, n);
    r->events[0] = 0;
}

static const char *first_probe(struct rig *r)
{
    static char name[32];
    rig_run(r, RIG_EPOCH + SEC);
    const struct rig_sent *s = rig_find(r, KITH_MSG_PING, NULL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    snprintf(name, sizeof name, "%.*s", (int)s->msg.node.len, (const char *)s->msg.node.data);
    return name;
}

static uint32_t probe_seq(const struct rig *r)
{
    return rig_find(r, KITH_MSG_PING, NULL, 0)->msg.seq_no;
}
static unsigned number(const char *name) { return (unsigned)atoi(name + 1); }

static void test_first_probe_comes_after_one_interval(void)
{
    struct rig r;
    probing(&r, 2);
    rig_clear(&r);
    rig_run(&r, RIG_EPOCH + SEC - 1);
    CU_ASSERT_EQUAL(r.outs_n, 0);
    CU_ASSERT_STRING_EQUAL(first_probe(&r), "m2");
    const struct rig_sent *s = rig_find(&r, KITH_MSG_PING, "m2", 0);
    CU_ASSERT_EQUAL(s->msg.seq_no, 1);
    CU_ASSERT_EQUAL(r.outs[s->out].at, RIG_EPOCH + SEC);
    struct kith_addr a = rig_addr(2);
    CU_ASSERT(kith_addr_equal(&r.outs[s->out].to, &a));
    CU_ASSERT_STRING_EQUAL(r.outs[s->out].name, "m2");
    rig_fini(&r);
}

/* PROTOCOL.md T1, T11, T12 */
static void test_pings_say_where_to_answer(void)
{
    struct rig r;
    probing(&r, 2);
    for (int i = 0; i < 10; i++) rig_flush(&r); /* nothing left to piggyback */
    rig_clear(&r);
    first_probe(&r);
    /* PROTOCOL.md T1, too: byte for byte what go-msgpack writes, keys sorted. */
    static const char want[] = "\x00\x85\xa4"
                               "Node\xa2m2\xa5"
                               "SeqNo\x01\xaa"
                               "SourceAddr\xa4\x0a\x00\x00\x01\xaa"
                               "SourceNode\xa4self\xaa"
                               "SourcePort\xcd\x1f\x0a";
    const struct rig_out *o = rig_out(&r, KITH_OUT_PACKET, 0);
    CU_ASSERT_EQUAL(o->len, sizeof want - 1);
    CU_ASSERT_EQUAL(memcmp(o->data, want, sizeof want - 1), 0);
    CU_ASSERT_EQUAL(o->pmax,
                    0); /* PROTOCOL.md T9: memberlist would not know the peer's protocol here */
    rig_fini(&r);
}

static void test_every_member_is_probed_once_a_round(void)
{
    struct rig r;
    probing(&r, 9);
    r.answer_pings = true;
    rig_dead(&r, "m8", 1, "x");
    rig_dead(&r, "m9", 1, "m9");
    rig_suspect(&r, "m7", 1, "x");
    for (unsigned round = 1; round <= 3; round++) {
        rig_run(&r, RIG_EPOCH + round * 6 * SEC + 500 * MS);
        for (unsigned i = 2; i <= 7; i++) {
            char name[8];
            snprintf(name, sizeof name, "m%u", i);
            if (i == 7 && round == 3) continue; /* its suspicion may have run out */
            CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, name), round);
        }
    }
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "m8"), 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "m9"), 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, "self"), 0);
    rig_fini(&r);
}

static void test_an_ack_ends_the_probe(void)
{
    struct rig r;
    probing(&r, 5);
    rig_suspect(&r, "self", 1, "x"); /* score 1 */
    CU_ASSERT_EQUAL(kith_core_health(r.core), 1);
    const char *target = first_probe(&r);
    struct kith_addr from =
        rig_addr(99); /* any ack with the right number counts, whoever sends it */
    struct rig_bytes b;
    rig_bytes_init(&b);
    struct kith_msg ack = {
        .type = KITH_MSG_ACK, .seq_no = probe_seq(&r), .payload = rig_str("load")};
    kith_wire_write_message(&b.buf, &ack);
    r.now += 40 * MS;
    kith_core_packet(r.core, r.now, r.now - 15 * MS, WHOM(NULL, &from), b.buf.data, b.buf.len,
                     b.buf.len);
    rig_poll(&r);
    char want[64];
    snprintf(want, sizeof want, "ping %s load;", target);
    TOLD(r, want);
    CU_ASSERT_EQUAL(r.ping_rtt, 25 * MS); /* as of the read, not of the handling */
    CU_ASSERT_EQUAL(kith_core_health(r.core), 0);
    rig_packet(&r, &from, b.buf.data, b.buf.len); /* a duplicate */
    TOLD(r, "");
    rig_clear(&r);
    rig_run(&r, RIG_EPOCH + 2 * SEC - 1);
    CU_ASSERT_EQUAL(r.outs_n, 0); /* no relays, no stream */
    rig_fini(&r);
}

static void test_silence_brings_relays_and_a_stream_then_suspicion(void)
{
    struct rig r;
    probing(&r, 8);
    rig_suspect(&r, "m8", 1, "x");
    rig_dead(&r, "m7", 1, "x");
    for (int i = 0; i < 20; i++) rig_flush(&r);
    rig_clear(&r);
    char target[32];
    snprintf(target, sizeof target, "%s", first_probe(&r));
    uint32_t seq = probe_seq(&r);
    rig_run(&r, RIG_EPOCH + 1500 * MS - 1);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_INDIRECT_PING, NULL), 0);
    rig_run(&r, RIG_EPOCH + 1500 * MS);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_INDIRECT_PING, target), 3);
    for (unsigned i = 0; i < 3; i++) {
        const struct rig_sent *s = rig_find(&r, KITH_MSG_INDIRECT_PING, target, i);
        const struct rig_out *o = &r.outs[s->out];
        CU_ASSERT_EQUAL(s->msg.seq_no, seq);
        CU_ASSERT(s->msg.nack);
        CU_ASSERT_EQUAL(s->msg.target.len, 4);
        CU_ASSERT_EQUAL(s->msg.target.data[3], number(target));
        CU_ASSERT_EQUAL(s->msg.port, 7946);
        CU_ASSERT(rig_is(s->msg.source_node, "self"));
        CU_ASSERT_EQUAL(s->msg.source_port, 7946);
        unsigned relay = o->to.bytes[3];
        CU_ASSERT(relay != 1 && relay != 7 && relay != 8 && relay != number(target));
        for (unsigned k = 0; k < i; k++)
            CU_ASSERT(!kith_addr_equal(
                &o->to, &r.outs[rig_find(&r, KITH_MSG_INDIRECT_PING, target, k)->out].to));
    }
    const struct rig_out *dial = rig_out(&r, KITH_OUT_DIAL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dial);
    CU_ASSERT_EQUAL(dial->at, RIG_EPOCH + 1500 * MS);
    CU_ASSERT_EQUAL(dial->to.bytes[3], number(target));
    CU_ASSERT_STRING_EQUAL(dial->name, target);
    uint32_t stream = dial->stream;
    rig_run(&r, RIG_EPOCH + 2 * SEC - 1);
    if (strcmp(target, "m8")) CU_ASSERT_EQUAL(rig_state(&r, target), KITH_ALIVE);
    rig_run(&r, RIG_EPOCH + 2 * SEC);
    CU_ASSERT_EQUAL(rig_state(&r, target), KITH_SUSPECT);
    CU_ASSERT(rig_gone(&r, stream)); /* a stream that never opened is given up at the deadline */
    rig_flush(&r);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_SUSPECT, target, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(rig_is(s->msg.from, "self"));
    CU_ASSERT_EQUAL(s->msg.incarnation, 1);
    rig_fini(&r);
}

static void test_an_ack_by_a_relay_saves_it(void)
{
    struct rig r;
    probing(&r, 6);
    char target[32];
    snprintf(target, sizeof target, "%s", first_probe(&r));
    rig_run(&r, RIG_EPOCH + 1800 * MS);
    rig_ack(&r, 99, probe_seq(&r));
    rig_run(&r, RIG_EPOCH + 2 * SEC);
    CU_ASSERT_EQUAL(rig_state(&r, target), KITH_ALIVE);
    TOLD(r, ""); /* NotifyPingComplete is for direct answers in time only */
    rig_fini(&r);
}

static void test_a_tick_missed_during_a_probe_is_made_up_for(void)
{
    struct rig r;
    probing(&r, 6);
    rig_suspect(&r, "self", 1, "x"); /* score 1: until 3 s */
    first_probe(&r);
    rig_run(&r, RIG_EPOCH + 2300 * MS);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, NULL), 1);
    rig_ack(&r, 99, probe_seq(&r));
    rig_run(&r, r.now);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, NULL), 2);
    rig_fini(&r);
}

static void test_a_probe_timeout_over_the_interval(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.gossip_interval = r.config.settings.push_pull_interval = 0;
    r.config.settings.probe_timeout = 3 * SEC;
    rig_start(&r);
    rig_populate(&r, 2, 2);
    rig_run(&r, RIG_EPOCH + 2 * SEC - 1);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_ALIVE);
    rig_run(&r, RIG_EPOCH + 2 * SEC); /* the interval is what counts */
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_SUSPECT);
    rig_fini(&r);
}

static void test_an_ack_that_waited_in_the_socket_counts(void)
{
    struct rig r;
    probing(&r, 3);
    char target[32];
    snprintf(target, sizeof target, "%s", first_probe(&r));
    uint32_t seq = probe_seq(&r);
    struct rig_bytes b;
    rig_bytes_init(&b);
    kith_wire_write_message(&b.buf, &(struct kith_msg){.type = KITH_MSG_ACK, .seq_no = seq});
    /* Stopped for 20 s; on waking other packets are read first. Time moves on only with the tick.
     */
    uint64_t read_at = r.now + 10 * MS;
    r.now += 20 * SEC;
    rig_alive(&r, "m9", 1, 9);
    rig_clear(&r);
    struct kith_addr from = rig_addr(number(target));
    kith_core_packet(r.core, r.now, read_at, WHOM(NULL, &from), b.buf.data, b.buf.len, b.buf.len);
    rig_poll(&r);
    kith_core_tick(r.core, r.now);
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_state(&r, target), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_SUSPECT, NULL), 0);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_INDIRECT_PING, NULL), 0);
    rig_fini(&r);
}

static void test_a_stream_ping_saves_it_at_the_deadline(void)
{
    struct rig r;
    probing(&r, 5);
    rig_suspect(&r, "self", 1, "x"); /* score 1: the probe may take 2 s */
    char target[32];
    snprintf(target, sizeof target, "%s", first_probe(&r));
    uint32_t seq = probe_seq(&r);
    rig_run(&r, RIG_EPOCH + 1500 * MS);
    const struct rig_out *dial = rig_out(&r, KITH_OUT_DIAL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(dial);
    uint32_t stream = dial->stream;
    kith_core_stream_opened(r.core, r.now, stream, WHOM(NULL, NULL));
    rig_poll(&r);
    const struct rig_out *w = rig_out(&r, KITH_OUT_WRITE, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    struct kith_msg ping;
    size_t used;
    CU_ASSERT_EQUAL(w->data[0], KITH_MSG_PING);
    CU_ASSERT_EQUAL_FATAL(kith_wire_read(&ping, KITH_BODY_PING, w->data + 1, w->len - 1, &used), 0);
    CU_ASSERT_EQUAL(ping.seq_no, seq);
    CU_ASSERT(rig_is(ping.node, target));
    struct rig_bytes b;
    rig_bytes_init(&b);
    kith_wire_write_message(&b.buf, &(struct kith_msg){.type = KITH_MSG_ACK, .seq_no = seq});
    rig_data(&r, stream, b.buf.data, b.buf.len);
    CU_ASSERT(rig_gone(&r, stream));
    rig_run(&r, RIG_EPOCH + 3 * SEC -
                    1); /* looked at only at the deadline: it costs the whole interval */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, NULL), 1);
    CU_ASSERT_EQUAL(kith_core_health(r.core), 1);
    rig_run(&r, RIG_EPOCH + 3 * SEC);
    CU_ASSERT_EQUAL(rig_state(&r, target), KITH_ALIVE);
    CU_ASSERT_EQUAL(kith_core_health(r.core), 0);
    rig_fini(&r);
}

static void test_a_wrong_answer_on_the_stream_does_not(void)
{
    for (int wrong = 0; wrong < 3; wrong++) {
        struct rig r;
        probing(&r, 2);
        first_probe(&r);
        rig_run(&r, RIG_EPOCH + 1500 * MS);
        const struct rig_out *dial = rig_out(&r, KITH_OUT_DIAL, 0);
        CU_ASSERT_PTR_NOT_NULL_FATAL(dial);
        uint32_t stream = dial->stream;
        kith_core_stream_opened(r.core, r.now, stream, WHOM(NULL, NULL));
        rig_poll(&r);
        struct rig_bytes b;
        rig_bytes_init(&b);
        struct kith_msg m = {.type = KITH_MSG_ACK, .seq_no = probe_seq(&r) + 1};
        if (wrong == 1) m = (struct kith_msg){.type = KITH_MSG_NACK, .seq_no = probe_seq(&r)};
        kith_wire_write_message(&b.buf, &m);
        if (wrong < 2)
            rig_data(&r, stream, b.buf.data, b.buf.len);
        else
            kith_core_stream_closed(r.core, r.now, stream, -KITH_EREFUSED);
        rig_run(&r, RIG_EPOCH + 2 * SEC);
        CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_SUSPECT);
        rig_fini(&r);
    }
}

static unsigned dials_after_silence(const char *names, bool off, const char *vsn)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.gossip_interval = r.config.settings.push_pull_interval = 0;
    r.config.settings.disable_tcp_pings = off;
    r.config.settings.disable_tcp_pings_for = (struct kith_list){&names, names ? 1 : 0};
    rig_start(&r);
    struct kith_addr a = rig_addr(2);
    struct kith_msg m = rig_alive_msg("m2", 1, &a, NULL);
    m.vsn = kith_bytes_of(vsn, 6);
    rig_feed(&r, 2, &m);
    rig_run(&r, RIG_EPOCH + 1900 * MS);
    unsigned n = rig_outs(&r, KITH_OUT_DIAL);
    rig_run(&r, RIG_EPOCH + 2 * SEC);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_SUSPECT);
    rig_fini(&r);
    return n;
}

static void test_when_no_stream_is_tried(void)
{
    CU_ASSERT_EQUAL(dials_after_silence(NULL, false, RIG_VSN), 1);
    CU_ASSERT_EQUAL(dials_after_silence("other", false, RIG_VSN), 1);
    CU_ASSERT_EQUAL(dials_after_silence("m2", false, RIG_VSN), 0);
    CU_ASSERT_EQUAL(dials_after_silence(NULL, true, RIG_VSN), 0);
    CU_ASSERT_EQUAL(dials_after_silence(NULL, false, "\1\2\2\0\0\0"), 0);
    CU_ASSERT_EQUAL(dials_after_silence(NULL, false, "\1\3\2\0\0\0"), 1);
}

/* Upstream: ProbeNode_Buddy, the probing side (PROTOCOL.md T9). */
static void test_a_suspect_is_told_so_with_the_ping(void)
{
    struct rig r;
    probing(&r, 2);
    rig_suspect(&r, "m2", 5, "x");
    rig_clear(&r);
    rig_run(&r, RIG_EPOCH + SEC);
    CU_ASSERT_EQUAL_FATAL(r.outs_n, 1);
    CU_ASSERT_EQUAL_FATAL(r.sent_n, 2); /* [ping, suspect], nothing else */
    CU_ASSERT_EQUAL(r.sent[0].msg.type, KITH_MSG_PING);
    CU_ASSERT_EQUAL(r.sent[1].msg.type, KITH_MSG_SUSPECT);
    CU_ASSERT_EQUAL(r.sent[1].msg.incarnation, 5);
    CU_ASSERT(rig_is(r.sent[1].msg.node, "m2"));
    CU_ASSERT(rig_is(r.sent[1].msg.from, "self"));
    CU_ASSERT_EQUAL(r.outs[0].pmax, 5); /* PROTOCOL.md T9: here memberlist knows whom it sends to */
    rig_fini(&r);
}

/* --------------------------------------------------------------------------------- awareness */

/* Let the first probe fail with so many nacks from relays of that protocol maximum; the score after
 * it. */
static unsigned score_after(unsigned members, unsigned nacks, const char *vsn,
                            unsigned score_before)
{
    struct rig r;
    probing(&r, 1);
    for (unsigned i = 2; i <= members; i++) {
        char name[8];
        snprintf(name, sizeof name, "m%u", i);
        struct kith_addr a = rig_addr(i);
        struct kith_msg m = rig_alive_msg(name, 1, &a, NULL);
        m.vsn = kith_bytes_of(vsn, 6);
        rig_feed(&r, i, &m);
    }
    for (unsigned i = 0; i < score_before; i++) rig_suspect(&r, "self", rig_inc(&r, "self"), "x");
    first_probe(&r);
    rig_run(&r, RIG_EPOCH + 1600 * MS);
    bool wants = true;
    for (unsigned i = 0; i < rig_count(&r, KITH_MSG_INDIRECT_PING, NULL); i++)
        wants &= rig_find(&r, KITH_MSG_INDIRECT_PING, NULL, i)->msg.nack;
    CU_ASSERT_EQUAL(wants, (uint8_t)vsn[1] >= 4);
    for (unsigned i = 0; i < nacks; i++) rig_nack(&r, 50 + i, probe_seq(&r));
    rig_run(&r, RIG_EPOCH + SEC + (score_before + 1) * SEC);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, NULL) >= 1, 1);
    unsigned score = kith_core_health(r.core);
    rig_fini(&r);
    return score;
}

static void test_health_score_of_failed_probes(void)
{
    CU_ASSERT_EQUAL(score_after(6, 3, RIG_VSN, 0), 0); /* all relays said no: the target's fault */
    CU_ASSERT_EQUAL(score_after(6, 3, RIG_VSN, 1), 1); /* upstream: Awareness_Degraded */
    CU_ASSERT_EQUAL(score_after(6, 2, RIG_VSN, 0), 1); /* upstream: Awareness_MissedNack */
    CU_ASSERT_EQUAL(score_after(2, 0, RIG_VSN, 0), 1); /* no relays at all */
    CU_ASSERT_EQUAL(score_after(6, 0, "\1\3\2\0\0\0", 0), 1); /* upstream: Awareness_OldProtocol */
    CU_ASSERT_EQUAL(score_after(4, 2, RIG_VSN, 0),
                    0); /* as many nacks as relays, not as indirect_checks */
}

/* PROTOCOL.md T13 */
static void test_late_nacks_raise_the_score_and_nobody_waits_for_them(void)
{
    CU_ASSERT_EQUAL(score_after(6, 0, RIG_VSN, 0), 3);
    CU_ASSERT_EQUAL(score_after(6, 0, RIG_VSN, 6), 7); /* clamped */
    struct rig r;
    probing(&r, 6);
    char target[32];
    snprintf(target, sizeof target, "%s", first_probe(&r));
    rig_run(&r, RIG_EPOCH + 2 * SEC); /* the interval is over: later nacks change nothing */
    CU_ASSERT_EQUAL(rig_state(&r, target), KITH_SUSPECT);
    rig_fini(&r);
}

static void test_the_score_stretches_the_deadline_only(void)
{
    struct rig r;
    probing(&r, 3);
    rig_suspect(&r, "self", 1, "x");
    rig_suspect(&r, "self", 2, "x"); /* score 2 */
    char target[32];
    snprintf(target, sizeof target, "%s", first_probe(&r));
    rig_run(&r, RIG_EPOCH + 1500 * MS);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_INDIRECT_PING, target),
                    1); /* probe_timeout is not scaled */
    rig_run(&r, RIG_EPOCH + 4 * SEC - 1);
    CU_ASSERT_EQUAL(rig_state(&r, target), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, NULL), 1); /* one probe at a time */
    rig_run(&r, RIG_EPOCH + 4 * SEC);
    CU_ASSERT_EQUAL(rig_state(&r, target), KITH_SUSPECT);
    rig_run(&r, RIG_EPOCH + 5 * SEC);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, NULL), 2);
    rig_fini(&r);
}

static void test_stray_answers_do_nothing(void)
{
    struct rig r;
    probing(&r, 4);
    char target[32];
    snprintf(target, sizeof target, "%s", first_probe(&r));
    rig_ack(&r, 2, probe_seq(&r) + 1000);
    rig_nack(&r, 2, probe_seq(&r) + 1000);
    for (int i = 0; i < 50; i++) rig_nack(&r, 2, probe_seq(&r)); /* a nack is no answer */
    rig_run(&r, RIG_EPOCH + 1500 * MS);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_INDIRECT_PING, target), 2);
    for (int i = 0; i < 50; i++) rig_nack(&r, 2, probe_seq(&r));
    rig_run(&r, RIG_EPOCH + 2 * SEC);
    CU_ASSERT_EQUAL(rig_state(&r, target), KITH_SUSPECT);
    CU_ASSERT_EQUAL(kith_core_health(r.core),
                    0); /* more nacks than relays don't make us healthier */
    CU_ASSERT_EQUAL(rig_stat(&r, "nacks_received", NULL), 2);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "nack_not_expected"), 1 + 50 + 48);
    rig_fini(&r);
}

KITH_TESTS("core/probe",
           {"the first probe comes after one interval", test_first_probe_comes_after_one_interval},
           {"pings say where to answer, with sorted keys", test_pings_say_where_to_answer},
           {"every member is probed once a round", test_every_member_is_probed_once_a_round},
           {"an ack ends the probe", test_an_ack_ends_the_probe},
           {"silence brings relays and a stream, then suspicion",
            test_silence_brings_relays_and_a_stream_then_suspicion},
           {"an ack by a relay saves it", test_an_ack_by_a_relay_saves_it},
           {"a tick missed during a probe is made up for",
            test_a_tick_missed_during_a_probe_is_made_up_for},
           {"a probe timeout over the interval", test_a_probe_timeout_over_the_interval},
           {"an ack that waited in the socket counts",
            test_an_ack_that_waited_in_the_socket_counts},
           {"a stream ping saves it, at the deadline", test_a_stream_ping_saves_it_at_the_deadline},
           {"a wrong answer on the stream does not", test_a_wrong_answer_on_the_stream_does_not},
           {"when no stream is tried", test_when_no_stream_is_tried},
           {"a suspect is told so with the ping", test_a_suspect_is_told_so_with_the_ping},
           {"health score of failed probes", test_health_score_of_failed_probes},
           {"late nacks raise the score, nobody waits for them",
            test_late_nacks_raise_the_score_and_nobody_waits_for_them},
           {"the score stretches the deadline only", test_the_score_stretches_the_deadline_only},
           {"stray answers do nothing", test_stray_answers_do_nothing})
