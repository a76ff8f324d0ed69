/*
 * test_streams.c - what comes in on streams, and how a stream ends (PROTOCOL.md 1.8, 1.12), with
 * Kith's limits on them.
 */
#include "core_rig.h"

static void message(struct rig_bytes *b, const struct kith_msg *m)
{
    rig_bytes_init(b);
    CU_ASSERT_EQUAL_FATAL(kith_wire_write_message(&b->buf, m), 0);
}

static void user_message(struct rig_bytes *b, int64_t len, const char *payload)
{
    rig_bytes_init(b);
    *kith_buf_put(&b->buf, 1) = KITH_MSG_USER;
    CU_ASSERT_EQUAL_FATAL(
        kith_wire_write(&b->buf, KITH_BODY_USER_HEADER, &(struct kith_msg){.user_msg_len = len}),
        0);
    size_t n = strlen(payload);
    if (n) memcpy(kith_buf_put(&b->buf, n), payload, n);
}

/* Upstream: TCPPing, the acceptor's side. */
static void test_a_stream_ping_is_answered(void)
{
    struct rig r;
    rig_new(&r);
    r.ack_payload = "not on streams";
    struct rig_bytes b;
    message(&b, &(struct kith_msg){.type = KITH_MSG_PING, .seq_no = 99, .node = rig_str("self")});
    uint32_t s = rig_request(&r, 9, &b);
    CU_ASSERT_EQUAL_FATAL(rig_outs(&r, KITH_OUT_WRITE), 1);
    const struct rig_out *w = rig_out(&r, KITH_OUT_WRITE, 0);
    CU_ASSERT_EQUAL(w->stream, s);
    CU_ASSERT(w->last);
    CU_ASSERT_EQUAL(w->data[0], KITH_MSG_ACK);
    struct kith_msg ack;
    size_t used;
    CU_ASSERT_EQUAL(kith_wire_read(&ack, KITH_BODY_ACK, w->data + 1, w->len - 1, &used), 0);
    CU_ASSERT_EQUAL(ack.seq_no, 99);
    CU_ASSERT_PTR_NULL(ack.payload.data);
    CU_ASSERT(rig_gone(&r, s));
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_RESET), 0); /* the answer must arrive */
    rig_clear(&r);
    message(&b, &(struct kith_msg){.type = KITH_MSG_PING, .seq_no = 99, .node = rig_str("other")});
    s = rig_request(&r, 9, &b);
    CU_ASSERT(rig_gone(&r, s));
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
    rig_clear(&r);
    message(&b, &(struct kith_msg){.type = KITH_MSG_PING, .seq_no = 98});
    rig_request(&r, 9, &b);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 1); /* no name: anyone */
    rig_fini(&r);
}

static void test_user_messages_on_streams(void)
{
    struct rig r;
    rig_new(&r);
    struct rig_bytes b;
    user_message(&b, 5, "hello");
    uint32_t s = rig_request(&r, 9, &b);
    TOLD(r, "msg hello reliable;");
    CU_ASSERT(rig_gone(&r, s));
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
    s = rig_accept(&r, 9); /* byte by byte */
    for (size_t i = 0; i < b.buf.len; i++) {
        TOLD(r, "");
        rig_data(&r, s, b.buf.data + i, 1);
    }
    TOLD(r, "msg hello reliable;");
    user_message(&b, 0, "");
    rig_request(&r, 9, &b);
    TOLD(r, ""); /* an empty one does not reach the delegate */
    for (size_t len = 0; len < b.buf.len; len++) {
        s = rig_accept(&r, 9);
        if (len) rig_data(&r, s, b.buf.data, len);
        kith_core_stream_end(r.core, r.now, s);
        rig_poll(&r);
        CU_ASSERT(rig_gone(&r, s));
    }
    rig_fini(&r);
}

static void test_large_user_messages(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.max_stream_size = 100000;
    rig_start(&r);
    r.events[0] = 0;
    struct rig_bytes b;
    user_message(&b, 100001, "");
    uint32_t s = rig_request(&r, 9, &b);
    CU_ASSERT(rig_gone(&r, s)); /* at once, before any of it is there */
    user_message(&b, INT64_MAX, "");
    s = rig_request(&r, 9, &b);
    CU_ASSERT(rig_gone(&r, s));
    rig_clear(&r);
    s = rig_accept(&r, 9); /* negative */
    rig_data(&r, s, "\x08\x81\xaaUserMsgLen\xff", 14);
    CU_ASSERT(rig_gone(&r, s));
    user_message(&b, 90000, "");
    rig_clear(&r);
    s = rig_request(&r, 9, &b);
    char piece[1000];
    memset(piece, 'p', sizeof piece);
    for (int i = 0; i < 90; i++) {
        CU_ASSERT(!rig_gone(&r, s));
        rig_data(&r, s, piece, sizeof piece);
    }
    CU_ASSERT(rig_gone(&r, s));
    CU_ASSERT_PTR_NOT_NULL(strstr(r.events, "msg ppp"));
    rig_fini(&r);
}

static void test_all_streams_together_have_a_limit(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.max_stream_size = 1000000;
    r.config.settings.max_stream_memory = 300000;
    rig_start(&r);
    struct rig_bytes b;
    user_message(&b, 200000, "");
    static char piece[60000];
    unsigned refused = 0;
    for (int i = 0; i < 50; i++) {
        rig_clear(&r);
        uint32_t s = rig_accept(&r, 9);
        CU_ASSERT_FATAL(s != 0);
        rig_data(&r, s, b.buf.data, b.buf.len);
        if (!rig_gone(&r, s)) rig_data(&r, s, piece, sizeof piece);
        refused += rig_gone(&r, s);
    }
    CU_ASSERT(refused >= 45 && refused < 50);
    rig_run(&r, r.now + 11 * SEC); /* those time out, then there is room again */
    user_message(&b, 5, "hello");
    r.events[0] = 0;
    rig_request(&r, 9, &b);
    TOLD(r, "msg hello reliable;");
    rig_fini(&r);
}

/* PROTOCOL.md T22 */
static void test_what_can_t_be_understood_is_closed_in_silence(void)
{
    static const struct {
        const char *data;
        size_t len;
    } t[] = {{"\x63", 1},     {"\1\x80", 2},
             {"\2\x80", 2},   {"\3\x80", 2},
             {"\4\x80", 2},   {"\5\x80", 2},
             {"\7\0", 2},     {"\xf4\1x", 3},
             {"\x0b\x80", 2}, {"\x0c\0\0\0\0", 5},
             {"\0\xc1", 2},   {"\6\xc1", 2},
             {"\x08\xc1", 2}, {"\x08\x81\xaaUserMsgLen\xa1x", 15}};
    struct rig r;
    rig_new(&r);
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        rig_clear(&r);
        uint32_t s = rig_accept(&r, 9);
        rig_data(&r, s, t[i].data, t[i].len);
        CU_ASSERT(rig_gone(&r, s));
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
    }
    CU_ASSERT_EQUAL(kith_core_size(r.core), 1);
    CU_ASSERT_EQUAL(kith_core_health(r.core), 0);
    rig_fini(&r);
}

/* PROTOCOL.md T22 */
static void test_a_failed_outer_layer_is_answered(void)
{
    struct rig r;
    rig_new(&r);
    uint32_t s = rig_accept(&r, 9);
    kith_core_stream_error(r.core, r.now, s, -KITH_EAUTH,
                           "no installed keys could decrypt the message");
    rig_poll(&r);
    CU_ASSERT_EQUAL_FATAL(rig_outs(&r, KITH_OUT_WRITE), 1);
    const struct rig_out *w = rig_out(&r, KITH_OUT_WRITE, 0);
    CU_ASSERT_EQUAL(w->data[0], KITH_MSG_ERR);
    struct kith_msg m;
    size_t used;
    CU_ASSERT_EQUAL(kith_wire_read(&m, KITH_BODY_ERR, w->data + 1, w->len - 1, &used), 0);
    CU_ASSERT(rig_is(m.error, "no installed keys could decrypt the message"));
    CU_ASSERT(rig_gone(&r, s));
    /* A peer with the wrong label is sent no message. */
    s = rig_accept(&r, 9);
    rig_clear(&r);
    kith_core_stream_error(r.core, r.now, s, -KITH_EPOLICY, "");
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
    CU_ASSERT(rig_gone(&r, s));
    /* Not the one who dialled. */
    struct kith_addr a = rig_addr(9);
    int64_t q = kith_core_join(r.core, r.now, WHOM("", &a));
    rig_clear(&r);
    rig_poll(&r);
    CU_ASSERT_EQUAL_FATAL(rig_outs(&r, KITH_OUT_DIAL), 1);
    s = rig_opened(&r);
    rig_clear(&r);
    kith_core_stream_error(r.core, r.now, s, -KITH_EAUTH, "cannot decrypt");
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
    CU_ASSERT_EQUAL(rig_dones(&r, q), 1);
    CU_ASSERT_EQUAL(rig_done(&r, q)->status, -KITH_EAUTH);
    rig_fini(&r);
}

static void test_silent_streams_time_out(void)
{
    struct rig r;
    rig_new(&r);
    uint32_t a = rig_accept(&r, 9), b = rig_accept(&r, 9);
    CU_ASSERT(a && b && a != b);
    rig_data(&r, b, "\6", 1);
    rig_run(&r, RIG_EPOCH + 10 * SEC - 1);
    rig_data(&r, b, "\x83", 1); /* dripping does not help */
    CU_ASSERT(!rig_gone(&r, a));
    CU_ASSERT(!rig_gone(&r, b));
    rig_run(&r, RIG_EPOCH + 10 * SEC + 1);
    CU_ASSERT(rig_gone(&r, a));
    CU_ASSERT(rig_gone(&r, b));
    rig_fini(&r);
}

static void test_too_many_streams(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.max_streams = 8;
    rig_start(&r);
    rig_alive(&r, "m9", 1, 9); /* strangers have fewer */
    uint32_t first = 0;
    for (int i = 0; i < 8; i++) {
        uint32_t s = rig_accept(&r, 9);
        CU_ASSERT(s != 0);
        if (!first) first = s;
    }
    CU_ASSERT_EQUAL(rig_accept(&r, 9), 0);
    kith_core_stream_closed(r.core, r.now, first, 0);
    CU_ASSERT(rig_accept(&r, 9) != 0);
    CU_ASSERT_EQUAL(rig_accept(&r, 9), 0);
    rig_fini(&r);
}

/* All that peers open together leaves one in sixteen to what we open. */
static void test_peers_leave_room_for_our_own_streams(void)
{
    struct rig r;
    struct kith_addr m9 = rig_addr(9);
    rig_init(&r);
    r.config.settings.max_streams = 32;
    rig_start(&r);
    rig_alive(&r, "m9", 1, 9);
    for (int i = 0; i < 30; i++) CU_ASSERT(rig_accept(&r, 9) != 0);
    CU_ASSERT_EQUAL(rig_accept(&r, 9), 0);
    rig_clear(&r);
    for (unsigned i = 1; i <= 2; i++) {
        CU_ASSERT(kith_core_join(r.core, r.now, WHOM("m9", &m9)) > 0);
        rig_poll(&r);
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_DIAL), i);
    }
    rig_fini(&r);
}

static unsigned crowded_out(const struct rig *r)
{
    return (unsigned)rig_stat(r, "dropped", "crowded_out");
}

/* A stranger at 2001:db8:0:NET::HOST. */
static uint32_t accept_ipv6(struct rig *r, uint8_t net, uint8_t host)
{
    struct kith_addr a = {.len = 16, .port = 7946, .bytes = {0x20, 1, 0xd, 0xb8}};
    a.bytes[7] = net;
    a.bytes[15] = host;
    uint32_t s = kith_core_stream_accepted(r->core, r->now, WHOM(NULL, &a));
    rig_poll(r);
    return s;
}

/* One host may use all addresses of an IPv6 /64. */
static void test_an_ipv6_network_is_one_source(void)
{
    struct rig r;
    uint32_t of_one[4];
    rig_init(&r);
    r.config.settings.max_streams = 8; /* 6 for strangers */
    rig_start(&r);
    for (uint8_t i = 0; i < 4; i++) CU_ASSERT((of_one[i] = accept_ipv6(&r, 1, i + 1)) != 0);
    for (uint8_t i = 0; i < 2; i++) CU_ASSERT(accept_ipv6(&r, i + 2, 1) != 0);
    CU_ASSERT_EQUAL(accept_ipv6(&r, 1, 9), 0); /* its network has enough */
    CU_ASSERT(accept_ipv6(&r, 4, 1) != 0);     /* this one has none */
    CU_ASSERT(rig_gone(&r, of_one[0]));
    rig_fini(&r);
}

/* Who keeps all slots busy and says nothing gives way to others: the fullest source loses the
 * stream that has been silent for longest. */
static void test_silent_strangers_give_way(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.max_streams = 64; /* 48 for strangers */
    rig_start(&r);
    rig_alive(&r, "m2", 1, 2);
    uint32_t silent[48];
    for (unsigned i = 0; i < 48; i++) {
        r.now += MS;
        silent[i] = rig_accept(&r, i < 40 ? 10 : 11 + i); /* 40 of one source, one each of others */
        CU_ASSERT_FATAL(silent[i] != 0);
    }
    rig_data(&r, silent[0], "\6", 1); /* this one has said something */
    CU_ASSERT_EQUAL(crowded_out(&r), 0);
    CU_ASSERT_EQUAL(rig_accept(&r, 10), 0); /* not for one of its own, before a second is over */
    for (unsigned i = 1; i < 10; i++) {
        CU_ASSERT(rig_accept(&r, 100 + i) != 0);
        CU_ASSERT_EQUAL(crowded_out(&r), i);
        CU_ASSERT(rig_gone(&r, silent[i]));
    }
    CU_ASSERT(!rig_gone(&r, silent[0]) && !rig_gone(&r, silent[10]) && !rig_gone(&r, silent[47]));
    r.now += SEC;
    CU_ASSERT(rig_accept(&r, 10) != 0);
    CU_ASSERT(rig_gone(&r, silent[10]));
    unsigned before = crowded_out(&r); /* members have slots of their own */
    for (unsigned i = 0; i < 12; i++) CU_ASSERT(rig_accept(&r, 2) != 0);
    CU_ASSERT_EQUAL(crowded_out(&r), before);
    kith_core_crowded(r.core, r.now); /* whoever carries them has too many */
    rig_poll(&r);
    CU_ASSERT_EQUAL(crowded_out(&r), before + 1 + 48 / 16);
    rig_fini(&r);
}

/* Who has said everything and waits for our answer is not silent, however long that takes; who
 * has sent one half is. */
static void test_who_waits_for_us_is_not_silent(void)
{
    struct rig r;
    struct rig_bytes b;
    struct kith_output out;
    rig_init(&r);
    r.lingers = true;
    r.config.settings.max_streams = 8;    /* 6 for strangers */
    r.config.settings.max_push_pulls = 5; /* 4 for strangers */
    rig_start(&r);
    rig_push_pull(&b, true, NULL, 0, NULL);
    uint32_t s[6];
    for (unsigned i = 0; i < 6; i++) { /* one and two are halves; five has no place */
        struct kith_addr a = rig_addr(10 + i);
        s[i] = kith_core_stream_accepted(r.core, r.now, WHOM(NULL, &a));
        size_t len = i == 1 || i == 2 ? b.buf.len - 1 : b.buf.len;
        kith_core_stream_data(r.core, r.now, s[i], b.buf.data, len);
        r.now += MS;
    }
    r.now += 5 * SEC; /* nobody polled: nothing is answered */
    for (unsigned i = 0; i < 2; i++) {
        struct kith_addr a = rig_addr(20 + i);
        CU_ASSERT(kith_core_stream_accepted(r.core, r.now, WHOM(NULL, &a)) != 0);
        CU_ASSERT_EQUAL(crowded_out(&r), i + 1);
    }
    struct kith_addr a = rig_addr(22); /* those that came last are not silent yet */
    CU_ASSERT_EQUAL(kith_core_stream_accepted(r.core, r.now, WHOM(NULL, &a)), 0);
    unsigned answers = 0;
    while (kith_core_poll(r.core, &out)) {
        if (out.kind == KITH_OUT_RESET) CU_ASSERT(out.stream == s[1] || out.stream == s[2]);
        answers += out.kind == KITH_OUT_WRITE;
    }
    CU_ASSERT_EQUAL(answers, 4); /* also the one that waited for a place */
    rig_accept(&r, 23);
    CU_ASSERT_EQUAL(crowded_out(&r), 2);
    r.now += SEC; /* who does not take its answer is silent then */
    CU_ASSERT(rig_accept(&r, 24) != 0);
    CU_ASSERT_EQUAL(crowded_out(&r), 3);
    rig_fini(&r);
}

/* A stream that is over keeps its slot until it is gone, and is reset when that takes too long. */
static void test_a_closed_stream_keeps_its_slot(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.max_streams = 8; /* 6 for strangers */
    rig_start(&r);
    r.lingers = true;
    struct rig_bytes b;
    uint32_t s[6];
    message(&b, &(struct kith_msg){.type = KITH_MSG_PING, .seq_no = 1, .node = rig_str("self")});
    for (unsigned i = 0; i < 6; i++) s[i] = rig_request(&r, 10 + i, &b);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_CLOSE), 6);
    CU_ASSERT_EQUAL(rig_accept(&r, 20), 0);
    kith_core_stream_closed(r.core, r.now, s[3], 0);
    CU_ASSERT(rig_accept(&r, 20) != 0);
    CU_ASSERT_EQUAL(rig_accept(&r, 21), 0);
    rig_clear(&r);
    rig_run(&r, r.now + 10 * SEC);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_RESET), 6); /* those five, and the silent one */
    CU_ASSERT_EQUAL(rig_stat(&r, "streams_open", NULL), 0);
    kith_core_stream_closed(r.core, r.now, s[0], 0); /* late: nothing */
    rig_fini(&r);
}

/* Bytes and ends that were under way when the core closed the stream are ignored. */
static void test_late_news_of_dead_handles(void)
{
    struct rig r;
    rig_new(&r);
    uint32_t s = rig_accept(&r, 9);
    rig_data(&r, s, "\x63", 1);
    CU_ASSERT(rig_gone(&r, s));
    rig_clear(&r);
    rig_data(&r, s, "\6\x83", 2);
    kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
    kith_core_stream_end(r.core, r.now, s);
    kith_core_stream_error(r.core, r.now, s, -KITH_EAUTH, "late");
    kith_core_stream_closed(r.core, r.now, s, -KITH_ECLOSED);
    kith_core_stream_closed(r.core, r.now, 0, 0);
    kith_core_stream_closed(r.core, r.now, 4000000000u, 0);
    rig_poll(&r);
    CU_ASSERT_EQUAL(r.outs_n, 0);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "stream_stale"), 1); /* the bytes, not the ends */
    uint32_t t = rig_accept(&r, 9); /* a new one is not mixed up with it */
    CU_ASSERT_NOT_EQUAL(t, s);
    rig_fini(&r);
}

static void test_nothing_is_written_to_a_closed_stream(void)
{
    struct rig r;
    rig_new(&r);
    uint32_t s = rig_accept(&r, 9);
    rig_data(&r, s, "\6\x83", 2);
    kith_core_stream_closed(r.core, r.now, s, -KITH_ECLOSED);
    rig_clear(&r);
    rig_run(&r, r.now + 30 * SEC);
    for (size_t i = 0; i < r.outs_n; i++) CU_ASSERT_NOT_EQUAL(r.outs[i].stream, s);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------- bad packets */

static void test_packets_of_other_types_are_dropped(void)
{
    struct rig r;
    rig_new(&r);
    struct kith_addr from = rig_addr(9);
    rig_packet(&r, &from, "", 0); /* upstream: HandleCommand */
    for (int type = 0; type < 256; type++) {
        uint8_t b[2] = {(uint8_t)type, 0x80};
        if (type == KITH_MSG_USER || type == KITH_MSG_ALIVE) continue;
        rig_packet(&r, &from, b, 1);
        if (type != KITH_MSG_PING && type != KITH_MSG_INDIRECT_PING) rig_packet(&r, &from, b, 2);
    }
    TOLD(r, "");
    CU_ASSERT_EQUAL(kith_core_size(r.core), 1);
    CU_ASSERT_EQUAL(r.sent_n, 0);
    CU_ASSERT(r.logged < 300);
    rig_packet(&r, &from, "\x08", 1); /* a user message may be empty */
    TOLD(r, "msg ;");
    rig_fini(&r);
}

static void test_every_message_cut_at_every_byte(void)
{
    struct kith_addr a = rig_addr(2), from = rig_addr(9);
    struct kith_msg m[7] = {rig_alive_msg("m2", 9, &a, "meta"),
                            rig_accusation(KITH_MSG_SUSPECT, "self", 9, "x"),
                            rig_accusation(KITH_MSG_DEAD, "self", 9, "x"),
                            {.type = KITH_MSG_PING, .seq_no = 5, .node = rig_str("self")},
                            {.type = KITH_MSG_INDIRECT_PING,
                             .seq_no = 5,
                             .node = rig_str("x"),
                             .target = kith_bytes_of(a.bytes, 4),
                             .port = 1},
                            {.type = KITH_MSG_ACK, .seq_no = 1000},
                            {.type = KITH_MSG_NACK, .seq_no = 1000}};
    struct rig r;
    rig_new(&r);
    for (int i = 0; i < 7; i++) {
        struct rig_bytes b;
        message(&b, &m[i]);
        for (size_t len = 0; len < b.buf.len; len++) {
            uint8_t *exact = malloc(len + 1); /* so that a read past the end is seen */
            if (len) memcpy(exact, b.buf.data, len);
            rig_packet(&r, &from, exact, len);
            free(exact);
        }
    }
    CU_ASSERT_EQUAL(kith_core_size(r.core), 1);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 1);
    CU_ASSERT_EQUAL(r.sent_n, 0);
    rig_fini(&r);
}

/* Some bytes changed at random; the real fuzzing is in tests/fuzz. */
static void test_changed_bytes(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.max_members = 100;
    rig_start(&r);
    rig_populate(&r, 2, 10);
    struct rig_entry e[] = {{"m2", KITH_ALIVE, 1, 2, "a"}, {"m3", KITH_DEAD, 1, 3}};
    struct rig_bytes pp, al;
    rig_push_pull(&pp, true, e, 2, "state");
    struct kith_addr a = rig_addr(2);
    struct kith_msg m = rig_alive_msg("m2", 9, &a, "meta");
    message(&al, &m);
    uint64_t x = 88172645463325252ull;
    for (int i = 0; i < 20000; i++) {
        struct rig_bytes *src = i & 1 ? &pp : &al;
        uint8_t b[512];
        memcpy(b, src->buf.data, src->buf.len);
        for (int k = 0; k < 1 + i % 3; k++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            b[x % src->buf.len] = (uint8_t)(x >> 32);
        }
        if (src == &al) {
            rig_packet(&r, &a, b, src->buf.len);
        } else {
            uint32_t s = rig_accept(&r, 9);
            CU_ASSERT_FATAL(s != 0);
            rig_data(&r, s, b, src->buf.len);
            kith_core_stream_end(r.core, r.now, s);
            rig_poll(&r);
            CU_ASSERT(rig_gone(&r, s));
        }
        if (i % 64 == 0) {
            rig_clear(&r);
            r.events[0] = 0;
            rig_run(&r, r.now + 50 * MS);
        }
    }
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_ALIVE);
    CU_ASSERT(rig_answers(&r, 250));
    rig_fini(&r);
}

KITH_TESTS("core/streams", {"a stream ping is answered", test_a_stream_ping_is_answered},
           {"user messages on streams", test_user_messages_on_streams},
           {"large user messages", test_large_user_messages},
           {"all streams together have a limit", test_all_streams_together_have_a_limit},
           {"what can't be understood is closed in silence",
            test_what_can_t_be_understood_is_closed_in_silence},
           {"a failed outer layer is answered", test_a_failed_outer_layer_is_answered},
           {"silent streams time out", test_silent_streams_time_out},
           {"too many streams", test_too_many_streams},
           {"peers leave room for our own streams", test_peers_leave_room_for_our_own_streams},
           {"an IPv6 network is one source", test_an_ipv6_network_is_one_source},
           {"silent strangers give way", test_silent_strangers_give_way},
           {"who waits for us is not silent", test_who_waits_for_us_is_not_silent},
           {"a closed stream keeps its slot", test_a_closed_stream_keeps_its_slot},
           {"late news of dead handles", test_late_news_of_dead_handles},
           {"nothing is written to a closed stream", test_nothing_is_written_to_a_closed_stream},
           {"packets of other types are dropped", test_packets_of_other_types_are_dropped},
           {"every message cut at every byte", test_every_message_cut_at_every_byte},
           {"changed bytes", test_changed_bytes})
