/*
 * test_relay.c - broadcasts that reach every Kith member: the frames, who gets them, what is asked
 * for, what is given up, and what strangers can do (docs/WIRE.md, Channels). That all of them
 * arrive is tests/sim's.
 */
#include "core_rig.h"

#include <frames.h>
#include <lives.h>

enum { M2 = 2, LIFE = 77 };

static struct kith_bytes said(void)
{
    return kith_bytes_of("\1\0\0\0\0\0\0\0\0", 9); /* a version, and that there is nothing */
}

/* It runs Kith, and says so in a ping. */
static void is_kin(struct rig *r, unsigned from)
{
    rig_feed(r, from,
             &(struct kith_msg){
                 .type = KITH_MSG_PING, .seq_no = 9, .node = rig_str("self"), .kith = said()});
}

/* m2 to m<n> at their addresses; m2 to m<kin> run Kith. Without probes, push/pulls and gossip. */
static void cluster(struct rig *r, unsigned n, unsigned kin, uint64_t window)
{
    rig_init(r);
    r->config.settings.relay_window = window;
    r->config.settings.relay_age = 300 * SEC;
    r->config.settings.probe_interval = 0;
    r->config.settings.push_pull_interval = 0;
    r->config.settings.gossip_interval = 0;
    r->config.settings.gossip_nodes = 0;
    r->config.wall = 5 * SEC;
    rig_start(r);
    rig_populate(r, 2, n);
    for (unsigned i = 2; i <= kin; i++) is_kin(r, i);
    rig_run(r, r->now + SEC);
    rig_clear(r);
    r->events[0] = 0;
}

static bool is_member_at(const struct rig_out *o, unsigned n)
{
    struct kith_addr a = rig_addr(n);
    return kith_addr_equal(&o->to, &a);
}

static void feed_frame(struct rig *r, unsigned from, struct kith_bytes frame)
{
    uint8_t packet[1500] = {KITH_MSG_USER};
    struct kith_addr a = rig_addr(from);
    memcpy(packet + 1, frame.data, frame.len);
    rig_packet(r, &a, packet, frame.len + 1);
}

/* A message of that life, from a member that passes it on. */
static void numbered(struct rig *r, unsigned from, const char *origin, uint64_t life,
                     uint64_t number, const char *text)
{
    uint8_t bytes[1400];
    struct kith_relay_frame f = {.life = life,
                                 .number = number,
                                 .origin = rig_str(origin),
                                 .channel = rig_str("c"),
                                 .body = rig_str(text)};
    feed_frame(r, from, kith_bytes_of(bytes, kith_relay_write(bytes, &f)));
}

static void list(struct rig *r, unsigned from, enum kith_relay_kind kind, uint64_t life, uint64_t a,
                 uint64_t b)
{
    struct kith_relay_list l;
    kith_relay_list(&l, kind, sizeof l.bytes);
    CU_ASSERT(kith_relay_add(&l, life, a, b));
    feed_frame(r, from, kith_bytes_of(l.bytes, l.len));
}

/* The i-th frame of that kind that was sent. */
static bool frame(const struct rig *r, enum kith_relay_kind kind, unsigned i,
                  struct kith_relay_frame *f, unsigned *to)
{
    for (size_t k = 0; k < r->sent_n; k++) {
        if (r->sent[k].msg.type != KITH_MSG_USER) continue;
        if (kith_relay_parse(r->sent[k].msg.payload, f) || f->kind != kind || i--) continue;
        if (to) *to = r->outs[r->sent[k].out].to.bytes[3];
        return true;
    }
    return false;
}

static unsigned frames(const struct rig *r, enum kith_relay_kind kind)
{
    struct kith_relay_frame f;
    unsigned n = 0;
    while (frame(r, kind, n, &f, NULL)) n++;
    return n;
}

/* --------------------------------------------------------------------------------------- bytes */

static void test_the_bytes_of_each_frame(void)
{
    uint8_t bytes[100];
    struct kith_relay_frame f = {.life = 0x0102030405060708,
                                 .number = 300,
                                 .age = 5,
                                 .origin = rig_str("web-1"),
                                 .channel = rig_str("user"),
                                 .body = rig_str("hi")};
    static const char want[] = "\xF2kc1\2\0\1\2\3\4\5\6\7\x08\xAC\2\5\5web-1\4userhi";
    CU_ASSERT_EQUAL(kith_relay_write(bytes, &f), sizeof want - 1);
    CU_ASSERT(memcmp(bytes, want, sizeof want - 1) == 0);
    struct kith_relay_list l;
    struct kith_relay_entry e;
    kith_relay_list(&l, KITH_RELAY_ASK, 40);
    CU_ASSERT(kith_relay_add(&l, 1, 128, 2));
    static const char asks[] = "\xF2kc1\4\0\0\0\0\0\0\0\0\1\x80\1\2";
    CU_ASSERT(l.len == sizeof asks - 1 && memcmp(l.bytes, asks, l.len) == 0);
    CU_ASSERT(!kith_relay_add(&l, 1, 1, 1)); /* there may be no room */
    CU_ASSERT_EQUAL(kith_relay_parse(kith_bytes_of(l.bytes, l.len), &f), 0);
    CU_ASSERT_EQUAL(kith_relay_next(&f.entries, &e), 1);
    CU_ASSERT(e.life == 1 && e.a == 128 && e.b == 2);
    CU_ASSERT_EQUAL(kith_relay_next(&f.entries, &e), 0);
}

static void test_what_is_no_frame(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        int code;
    } t[] = {
        {"\xF2kc1\2\0\0\0\0\0\0\0\0\1\1\0\1o\1c", 20, 0},                    /* no body */
        {"\xF2kc1\2\x0F\0\0\0\0\0\0\0\1\1\0\1o\1c", 20, 0},                  /* flags to ignore */
        {"\xF2kc1\2\x10\0\0\0\0\0\0\0\1\1\0\1o\1c", 20, -KITH_EUNSUPPORTED}, /* one to know */
        {"\xF2kc1\6\0", 6, -KITH_EUNSUPPORTED},                              /* a later kind */
        {"\xF2kc1\1\0", 6, -KITH_EUNSUPPORTED},                              /* an earlier one */
        {"\xF2kc1\2", 5, -KITH_EMALFORMED},                                  /* cut */
        {"\xF2kc1\2\0\0\0\0\0\0\0\0\1\1\0\1o\0c", 20, -KITH_EMALFORMED},     /* no channel */
        {"\xF2kc1\2\0\0\0\0\0\0\0\0\1\1\0\2o", 18, -KITH_EMALFORMED},        /* cut name */
        {"\xF2kc1\2\0\0\0\0\0\0\0\0\0\1\0\1o\1c", 20, -KITH_EMALFORMED},     /* life 0 */
        {"\xF2kc1\2\0\0\0\0\0\0\0\0\1\0\0\1o\1c", 20, -KITH_EMALFORMED},     /* number 0 */
        {"\xF2kc1\2\0\0\0\0\0\0\0\0\1\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\2", 24,
         -KITH_EMALFORMED}, /* over 64 bits */
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct kith_relay_frame f;
        CU_ASSERT_EQUAL(kith_relay_parse(kith_bytes_of(t[i].bytes, t[i].len), &f), t[i].code);
    }
    CU_ASSERT(!kith_relay_is(kith_bytes_of("\xF2kc1\0\0", 6))); /* direct: the delegates' */
    CU_ASSERT(!kith_relay_is(kith_bytes_of("hello", 5)));
}

static void test_frames_that_are_not_taken(void)
{
    struct rig r;
    cluster(&r, 3, 3, 8 << 20);
    feed_frame(&r, M2, kith_bytes_of("\xF2kc1\6\0", 6));
    feed_frame(&r, M2, kith_bytes_of("\xF2kc1\2\0", 6));
    feed_frame(&r, M2, kith_bytes_of("\xF2kc1\3\0\1", 7));
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "relay_unknown"), 1);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "relay_malformed"), 2);
    numbered(&r, 99, "m2", LIFE, 1, "from nobody");
    numbered(&r, M2, "m99", LIFE, 1, "of nobody");
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "relay_stranger"), 2);
    TOLD(r, "");
    CU_ASSERT_EQUAL(r.outs_n, 0);
    rig_fini(&r);
}

static void test_off_there_is_nothing(void)
{
    struct rig r;
    cluster(&r, 3, 3, 0);
    CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str("x")), -KITH_EUNSUPPORTED);
    CU_ASSERT_EQUAL(kith_core_fits(r.core, KITH_FITS_RELAYED, NULL), 0);
    CU_ASSERT(kith_core_speaks(r.core, WHOM("m2", NULL))); /* nobody knows */
    numbered(&r, M2, "m2", LIFE, 1, "x");
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "relay_unknown"), 1);
    is_kin(&r, M2);
    CU_ASSERT_EQUAL(rig_find(&r, KITH_MSG_ACK, NULL, 0)->msg.kith.len, 0);
    TOLD(r, "");
    rig_fini(&r);
}

/* --------------------------------------------------------------------------------- who gets it */

static void test_who_says_so_runs_kith(void)
{
    struct rig r;
    cluster(&r, 3, 2, 8 << 20);
    CU_ASSERT(kith_core_speaks(r.core, WHOM("m2", NULL)));
    CU_ASSERT(kith_core_speaks(r.core, WHOM("m3", NULL))); /* nobody knows */
    CU_ASSERT(rig_answers(&r, 3));
    CU_ASSERT(!kith_core_speaks(r.core, WHOM("m3", NULL)));
    rig_clear(&r);
    CU_ASSERT(!kith_core_speaks(r.core, WHOM("m9", NULL)));
    is_kin(&r, 3);
    CU_ASSERT(kith_core_speaks(r.core, WHOM(NULL, &(struct kith_addr[1]){rig_addr(3)}[0])));
    CU_ASSERT(rig_is(rig_find(&r, KITH_MSG_ACK, NULL, 0)->msg.kith, "\1") == false);
    CU_ASSERT_EQUAL(rig_find(&r, KITH_MSG_ACK, NULL, 0)->msg.kith.len, 9);
    CU_ASSERT_EQUAL(rig_find(&r, KITH_MSG_ACK, NULL, 0)->msg.kith.data[0], 1);
    CU_ASSERT(rig_answers(&r, M2)); /* it pings without saying so: another program by now */
    CU_ASSERT(!kith_core_speaks(r.core, WHOM("m2", NULL)));
    rig_fini(&r);
}

/* Another program may take over the place of one that has left. */
static void test_who_comes_back_has_to_say_so_again(void)
{
    struct rig r;
    cluster(&r, 3, 3, 8 << 20);
    rig_dead(&r, "m2", 1, "m2");
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_LEFT);
    rig_alive(&r, "m2", 2, 2);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_ALIVE);
    for (int i = 0; i < 2; i++) {
        rig_clear(&r);
        for (int k = 0; k < 20; k++) {
            CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str("x")), 0);
            rig_run(&r, r.now + 100 * MS);
        }
        unsigned to_m2 = 0;
        for (size_t k = 0; k < r.outs_n; k++)
            to_m2 += r.outs[k].kind == KITH_OUT_PACKET && is_member_at(&r.outs[k], M2);
        CU_ASSERT_EQUAL(to_m2 > 0, i);
        is_kin(&r, M2);
    }
    rig_fini(&r);
}

/* Go members get neither messages nor digests nor questions. */
static void test_only_kith_members_get_frames(void)
{
    struct rig r;
    cluster(&r, 60, 4, 8 << 20);
    for (int i = 0; i < 50; i++) {
        CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str("hello")), 0);
        numbered(&r, M2, "m2", LIFE, (uint64_t)(3 * i + 1), "hi");
        rig_run(&r, r.now + 100 * MS);
    }
    CU_ASSERT(frames(&r, KITH_RELAY_NUMBERED) >= 150 && frames(&r, KITH_RELAY_HAVE) > 20);
    CU_ASSERT(frames(&r, KITH_RELAY_ASK) > 10);
    for (size_t i = 0; i < r.outs_n; i++)
        if (r.outs[i].kind == KITH_OUT_PACKET)
            CU_ASSERT(is_member_at(&r.outs[i], 2) || is_member_at(&r.outs[i], 3) ||
                      is_member_at(&r.outs[i], 4));
    rig_fini(&r);
}

/* With nobody there who runs Kith, or nothing new to say, a node is not woken. */
static void test_nothing_to_tell_wakes_nobody(void)
{
    for (unsigned kin = 1; kin <= 3; kin += 2) {
        struct rig r;
        cluster(&r, 3, kin, 8 << 20);
        CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str("x")), 0);
        rig_run(&r, r.now + 10 * SEC);
        for (int i = 0; i < 20; i++) { /* but for the sweep */
            rig_run(&r, kith_core_deadline(r.core));
        }
        CU_ASSERT(r.now >= RIG_EPOCH + 60 * SEC);
        rig_fini(&r);
    }
}

static void test_a_message_goes_out_at_once_and_what_follows_together(void)
{
    struct rig r;
    struct kith_relay_frame f;
    cluster(&r, 4, 4, 8 << 20);
    uint64_t from = r.now;
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str("hello")), 0);
        rig_run(&r, r.now + MS);
    }
    rig_run(&r, from + 2 * MS);
    CU_ASSERT(frame(&r, KITH_RELAY_NUMBERED, 0, &f, NULL));
    CU_ASSERT(f.number == 1 && f.life >> 16 > 6000 && rig_is(f.origin, "self"));
    CU_ASSERT(rig_is(f.channel, "c") && rig_is(f.body, "hello"));
    unsigned first = rig_outs(&r, KITH_OUT_PACKET);
    CU_ASSERT_EQUAL(first, 3 + 2); /* its three children, and two more */
    rig_run(&r, from + 11 * MS);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 2 * first);
    CU_ASSERT_EQUAL(frames(&r, KITH_RELAY_NUMBERED), 3 * first); /* two in each of the later */
    rig_fini(&r);
}

/* --------------------------------------------------------------------------- in order, once */

static void test_in_order_and_once(void)
{
    struct rig r;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    numbered(&r, 3, "m2", LIFE, 3, "c");
    numbered(&r, 3, "m2", LIFE, 1, "a");
    numbered(&r, 3, "m4", LIFE, 2, "another's life");
    TOLD(r, "m2: a;");
    numbered(&r, 3, "m2", LIFE, 2, "b");
    TOLD(r, "m2: b;m2: c;");
    numbered(&r, M2, "m2", LIFE, 3, "c");
    TOLD(r, "");
    CU_ASSERT_EQUAL(rig_stat(&r, "relays_received", NULL), 3);
    CU_ASSERT_EQUAL(rig_stat(&r, "relays_repeated", NULL), 2);
    rig_fini(&r);
}

static void test_what_is_missing_is_asked_for_after_a_while(void)
{
    struct rig r;
    struct kith_relay_frame f;
    struct kith_relay_entry e;
    unsigned to;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    numbered(&r, 3, "m2", LIFE, 5, "e");
    rig_run(&r, r.now + 35 * MS);
    CU_ASSERT_EQUAL(frames(&r, KITH_RELAY_ASK), 0); /* it may only be late */
    rig_run(&r, r.now + 30 * MS);
    CU_ASSERT(frame(&r, KITH_RELAY_ASK, 0, &f, &to) && to == 3);
    CU_ASSERT(kith_relay_next(&f.entries, &e) == 1 && e.life == LIFE && e.a == 2 && e.b == 3);
    rig_run(&r, r.now + 100 * MS);
    CU_ASSERT_EQUAL(frames(&r, KITH_RELAY_ASK), 2); /* again, as nothing came */
    for (unsigned i = 2; i < 5; i++) numbered(&r, 3, "m2", LIFE, i, "x");
    TOLD(r, "m2: a;m2: x;m2: x;m2: x;m2: e;");
    rig_clear(&r);
    rig_run(&r, r.now + SEC);
    CU_ASSERT_EQUAL(frames(&r, KITH_RELAY_ASK), 0);
    rig_fini(&r);
}

static void test_who_asks_is_answered(void)
{
    struct rig r;
    struct kith_relay_frame f;
    unsigned to;
    cluster(&r, 4, 4, 8 << 20);
    for (uint64_t i = 1; i <= 5; i++) numbered(&r, M2, "m2", LIFE, i, "x");
    rig_run(&r, r.now + SEC);
    rig_clear(&r);
    list(&r, 3, KITH_RELAY_ASK, LIFE, 4, 10);
    CU_ASSERT_EQUAL(frames(&r, KITH_RELAY_NUMBERED), 2);
    CU_ASSERT(frame(&r, KITH_RELAY_NUMBERED, 0, &f, &to) && to == 3 && f.number == 4);
    list(&r, 99, KITH_RELAY_ASK, LIFE, 1, 10);
    CU_ASSERT_EQUAL(frames(&r, KITH_RELAY_NUMBERED), 2); /* not a stranger */
    rig_fini(&r);
}

static void test_who_tells_more_is_asked_and_who_tells_less_is_told(void)
{
    struct rig r;
    struct kith_relay_frame f;
    struct kith_relay_entry e;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    numbered(&r, M2, "m2", LIFE, 2, "b");
    list(&r, 3, KITH_RELAY_HAVE, LIFE, 4, 0);
    rig_run(&r, r.now + 70 * MS);
    CU_ASSERT(frame(&r, KITH_RELAY_ASK, 0, &f, NULL));
    CU_ASSERT(kith_relay_next(&f.entries, &e) == 1 && e.a == 3 && e.b == 1);
    rig_run(&r, r.now + 5 * SEC);
    rig_clear(&r);
    list(&r, 3, KITH_RELAY_HAVE, LIFE, 2, 0);
    CU_ASSERT(frame(&r, KITH_RELAY_HAVE, 0, &f, NULL));
    CU_ASSERT(kith_relay_next(&f.entries, &e) == 1 && e.life == LIFE && e.a == 3);
    rig_fini(&r);
}

/* An ack with another summary is answered with what changed last; one with ours is not. */
static void test_summaries_are_compared(void)
{
    struct rig r;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    rig_run(&r, r.now + 20 * SEC);
    is_kin(&r, M2);
    uint8_t ours[9];
    memcpy(ours, rig_find(&r, KITH_MSG_ACK, NULL, 0)->msg.kith.data, 9);
    struct kith_msg ack = {.type = KITH_MSG_ACK, .seq_no = 1, .kith = kith_bytes_of(ours, 9)};
    rig_clear(&r);
    rig_feed(&r, M2, &ack);
    CU_ASSERT_EQUAL(frames(&r, KITH_RELAY_HAVE), 0);
    ours[8] ^= 1;
    rig_feed(&r, M2, &ack);
    CU_ASSERT_EQUAL(frames(&r, KITH_RELAY_HAVE), 1);
    rig_feed(&r, M2, &ack);
    CU_ASSERT_EQUAL(frames(&r, KITH_RELAY_HAVE), 1); /* not more than five a second */
    rig_fini(&r);
}

static void test_the_next_life_waits_for_the_one_before_it(void)
{
    struct rig r;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    numbered(&r, M2, "m2", LIFE, 3, "c");
    numbered(&r, M2, "m2", LIFE + 1, 1, "A");
    TOLD(r, "m2: a;");
    rig_run(&r, r.now + 4 * SEC);
    TOLD(r, "");
    numbered(&r, M2, "m2", LIFE, 2, "b");
    rig_run(&r, r.now + 100 * MS);
    TOLD(r, "m2: b;m2: c;m2: A;");
    numbered(&r, M2, "m2", LIFE + 1, 3, "C");
    numbered(&r, M2, "m2", LIFE + 2, 1, "1");
    TOLD(r, "");
    rig_run(&r, r.now + 6 * SEC);
    TOLD(r, "m2: 1;"); /* it has waited long enough */
    numbered(&r, M2, "m2", LIFE + 1, 2, "B");
    TOLD(r, "m2: B;m2: C;"); /* late, and not lost */
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------ what is lost */

static void test_what_all_have_dropped_is_given_up_and_said(void)
{
    struct rig r;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    numbered(&r, 3, "m2", LIFE, 10, "j");
    rig_run(&r, r.now + SEC);
    list(&r, 3, KITH_RELAY_GONE, LIFE, 8, 11);
    rig_run(&r, r.now + 3 * SEC);
    TOLD(r, "m2: a;lost m2 6;");
    numbered(&r, 3, "m2", LIFE, 8, "h");
    numbered(&r, 3, "m2", LIFE, 9, "i");
    TOLD(r, "m2: h;m2: i;m2: j;");
    CU_ASSERT_EQUAL(rig_stat(&r, "relays_lost", NULL), 6);
    rig_fini(&r);
}

static void test_one_that_still_has_it_is_waited_for(void)
{
    struct rig r;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    numbered(&r, 3, "m2", LIFE, 10, "j");
    list(&r, 4, KITH_RELAY_HAVE, LIFE, 11, 0);
    list(&r, 3, KITH_RELAY_GONE, LIFE, 8, 11);
    rig_run(&r, r.now + 3 * SEC);
    TOLD(r, "m2: a;");
    for (uint64_t i = 2; i < 10; i++) numbered(&r, 4, "m2", LIFE, i, "x");
    CU_ASSERT_EQUAL(rig_stat(&r, "relays_lost", NULL), 0);
    rig_fini(&r);
}

/* The only one that had it is gone: that is said, and what came behind it is delivered. */
static void test_what_nobody_is_left_to_have_is_given_up(void)
{
    struct rig r;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    numbered(&r, M2, "m2", LIFE, 3, "c");
    TOLD(r, "m2: a;");
    rig_run(&r, r.now + 290 * SEC); /* it answers nothing */
    TOLD(r, "");
    rig_run(&r, r.now + 20 * SEC);
    TOLD(r, "lost m2 1;m2: c;");
    rig_run(&r, r.now + 310 * SEC);
    CU_ASSERT_EQUAL(rig_stat(&r, "relay_window_bytes", NULL), 0);
    rig_fini(&r);
}

static void test_what_is_kept_has_a_bound_and_who_asks_for_more_is_told(void)
{
    struct rig r;
    static char text[1001];
    struct kith_relay_frame f;
    struct kith_relay_entry e;
    memset(text, 'x', sizeof text - 1);
    cluster(&r, 4, 4, 100000);
    for (uint64_t i = 1; i <= 500; i++) numbered(&r, M2, "m2", LIFE, i, text);
    double kept = rig_stat(&r, "relay_window_bytes", NULL);
    CU_ASSERT(kept > 90000 && kept <= 100000);
    rig_run(&r, r.now + SEC);
    rig_clear(&r);
    r.events[0] = 0;
    list(&r, 3, KITH_RELAY_ASK, LIFE, 1, 10);
    CU_ASSERT(frame(&r, KITH_RELAY_GONE, 0, &f, NULL));
    CU_ASSERT(kith_relay_next(&f.entries, &e) == 1 && e.life == LIFE && e.a > 390 && e.b == 501);
    TOLD(r, "gone m2 10;");
    rig_run(&r, r.now + 310 * SEC); /* and it does not stay for ever */
    CU_ASSERT_EQUAL(rig_stat(&r, "relay_window_bytes", NULL), 0);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------ who lies */

static void test_a_claim_goes_when_nothing_comes_of_it(void)
{
    struct rig r;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    list(&r, 3, KITH_RELAY_HAVE, LIFE, UINT64_MAX, 0);
    rig_run(&r, r.now + 60 * SEC);
    unsigned asked = frames(&r, KITH_RELAY_ASK);
    CU_ASSERT(asked >= 7 && asked <= 7 * (1 + 4));
    rig_run(&r, r.now + 600 * SEC);
    CU_ASSERT_EQUAL(frames(&r, KITH_RELAY_ASK), asked);
    numbered(&r, M2, "m2", LIFE, 2, "b");
    TOLD(r, "m2: a;m2: b;");
    rig_fini(&r);
}

static void test_numbers_far_ahead_are_not_kept(void)
{
    struct rig r;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    numbered(&r, 3, "m2", LIFE, 1 + KITH_RELAY_HOLD + 1, "x");
    numbered(&r, 3, "m2", LIFE, UINT64_MAX, "x");
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "relay_ahead"), 2);
    numbered(&r, 3, "m2", LIFE, 1 + KITH_RELAY_HOLD, "x");
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "relay_ahead"), 2);
    rig_fini(&r);
}

/* No number is behind the last one, and what was given up may be most of all numbers: neither keeps
 * us busy. */
static void test_numbers_at_the_end_end_nothing(void)
{
    struct rig r;
    uint8_t bytes[100];
    struct kith_relay_frame f = {.number = UINT64_MAX,
                                 .age = 1000000,
                                 .origin = rig_str("m2"),
                                 .channel = rig_str("c"),
                                 .body = rig_str("x")};
    cluster(&r, 4, 4, 8 << 20);
    for (f.life = LIFE; f.life < LIFE + 2 * KITH_LIVES_A_NAME; f.life++)
        feed_frame(&r, M2, kith_bytes_of(bytes, kith_relay_write(bytes, &f)));
    TOLD(r, "");
    CU_ASSERT_EQUAL(rig_stat(&r, "relay_window_bytes", NULL), 0);
    rig_fini(&r);
}

static void test_a_gap_costs_no_more_for_being_wide(void)
{
    const uint64_t far = UINT64_C(1) << 60;
    struct rig r;
    struct kith_relay_frame f;
    struct kith_relay_entry e;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    list(&r, 3, KITH_RELAY_HAVE, LIFE, far + 1, 0);
    for (int i = 0; i < 30; i++) { /* it answers each question */
        list(&r, 3, KITH_RELAY_GONE, LIFE, far, far + 1);
        rig_run(&r, r.now + 100 * MS);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(r.events, "lost m2 "));
    rig_clear(&r);
    r.events[0] = 0;
    list(&r, 3, KITH_RELAY_ASK, LIFE, 2, 10);
    CU_ASSERT(frame(&r, KITH_RELAY_GONE, 0, &f, NULL));
    CU_ASSERT(kith_relay_next(&f.entries, &e) == 1 && e.a == far && e.b == far);
    r.events[0] = 0;
    numbered(&r, M2, "m2", LIFE, far, "b");
    numbered(&r, M2, "m2", LIFE, far + 1, "c");
    TOLD(r, "m2: b;m2: c;");
    rig_fini(&r);
}

/* Some lives of a name, and all lives together, have a bound; those that speak are not pushed out.
 */
static void test_lives_have_a_bound(void)
{
    struct rig r;
    cluster(&r, 4, 4, 8 << 20);
    for (uint64_t i = 0; i < 10; i++) numbered(&r, 3, "m2", LIFE + i, 1, "x");
    CU_ASSERT_EQUAL(rig_stat(&r, "relay_lives", NULL), KITH_LIVES_A_NAME);
    numbered(&r, M2, "m4", LIFE + 50, 1, "x");
    CU_ASSERT_EQUAL(rig_stat(&r, "relay_lives", NULL), KITH_LIVES_A_NAME + 1);
    r.events[0] = 0;
    for (uint64_t i = 0; i < 40; i++) { /* who goes on speaking is not silenced by forged ones */
        rig_run(&r, r.now + MS);
        numbered(&r, M2, "m4", LIFE + 50, 2 + i, "");
        rig_run(&r, r.now + MS);
        numbered(&r, 3, "m4", LIFE + 100 + i, 1000, "");
    }
    CU_ASSERT_EQUAL(rig_stat(&r, "relays_received", NULL), 10 + 1 + 40);
    CU_ASSERT_EQUAL(rig_stat(&r, "relay_lives", NULL), 2 * KITH_LIVES_A_NAME);
    rig_fini(&r);
}

/* What one message far ahead makes us allocate counts, too. */
static void test_holes_cost_no_more_than_the_window(void)
{
    struct rig r;
    cluster(&r, 200, 4, 1 << 20);
    for (unsigned i = 2; i <= 200; i++) {
        char name[8];
        snprintf(name, sizeof name, "m%u", i);
        for (uint64_t k = 0; k < KITH_LIVES_A_NAME; k++) {
            numbered(&r, M2, name, i * 10 + k, 1, "x");
            numbered(&r, M2, name, i * 10 + k, 30000, "x");
        }
    }
    CU_ASSERT(rig_stat(&r, "relay_lives", NULL) > 700);
    CU_ASSERT(rig_stat(&r, "relay_window_bytes", NULL) <= 1 << 20);
    rig_fini(&r);
}

/* A reload turned it off, and on again: what was delivered before is not asked for anew. */
static void test_off_and_on_again_nothing_comes_twice(void)
{
    struct rig r;
    struct kith_error err;
    uint8_t bytes[100];
    struct kith_relay_frame f = {.life = LIFE,
                                 .number = 2,
                                 .age = 100,
                                 .origin = rig_str("m2"),
                                 .channel = rig_str("c"),
                                 .body = rig_str("b")};
    cluster(&r, 4, 4, 8 << 20);
    rig_run(&r, r.now + 1000 * SEC);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    rig_run(&r, r.now + 100 * SEC);
    TOLD(r, "m2: a;");
    struct kith_settings s = r.config.settings;
    for (int on = 0; on < 2; on++) {
        s.relay_window = on ? 8 << 20 : 0;
        CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &s, 0, 0, r.now, &err), 0);
    }
    rig_clear(&r);
    CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str("x")), 0);
    rig_run(&r, r.now + 50 * MS);
    CU_ASSERT_EQUAL(r.outs_n, 0); /* they may be others by now */
    is_kin(&r, 3);
    feed_frame(&r, M2, kith_bytes_of(bytes, kith_relay_write(bytes, &f)));
    numbered(&r, M2, "m2", LIFE, 1, "a");
    TOLD(r, "m2: b;");
    rig_fini(&r);
}

/* Lives of which nothing was kept, too. */
static void test_lives_that_nobody_needs_are_forgotten(void)
{
    struct rig r;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 2 + KITH_RELAY_HOLD, "x");
    numbered(&r, M2, "m2", LIFE + 1, 2 + KITH_RELAY_HOLD, "x");
    CU_ASSERT_EQUAL(rig_stat(&r, "relay_lives", NULL), 2);
    rig_run(&r, r.now + 310 * SEC);
    CU_ASSERT_EQUAL(rig_stat(&r, "relay_lives", NULL), 1);
    rig_fini(&r);
}

static void test_nobody_speaks_in_our_name(void)
{
    struct rig r;
    struct kith_relay_frame f;
    cluster(&r, 4, 4, 8 << 20);
    CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str("one")), 0);
    rig_run(&r, r.now + 20 * MS);
    CU_ASSERT(frame(&r, KITH_RELAY_NUMBERED, 0, &f, NULL));
    uint64_t ours = f.life;
    numbered(&r, M2, "self", ours, 2, "forged");
    list(&r, M2, KITH_RELAY_HAVE, ours, 100, 0);
    rig_run(&r, r.now + 2 * SEC);
    TOLD(r, "");
    CU_ASSERT_EQUAL(frames(&r, KITH_RELAY_ASK), 0);
    numbered(&r, M2, "self", ours + 1000, 1, "a higher life"); /* of a process before us, perhaps */
    rig_run(&r, r.now + 2 * SEC);
    rig_clear(&r);
    CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str("two")), 0);
    rig_run(&r, r.now + 20 * MS);
    CU_ASSERT(frame(&r, KITH_RELAY_NUMBERED, 0, &f, NULL));
    CU_ASSERT(f.life > ours + 1000 && f.number == 1);
    rig_fini(&r);
}

/* A question is a few bytes: what it brings is bounded by packet, and by member and second. */
static void test_questions_bring_no_flood(void)
{
    struct rig r;
    static char text[1001];
    memset(text, 'x', sizeof text - 1);
    cluster(&r, 4, 4, 8 << 20);
    for (uint64_t i = 1; i <= 1000; i++) numbered(&r, M2, "m2", LIFE, i, text);
    rig_run(&r, r.now + SEC);
    rig_clear(&r);
    list(&r, 3, KITH_RELAY_ASK, LIFE, 1, UINT64_MAX);
    CU_ASSERT(frames(&r, KITH_RELAY_NUMBERED) >= 32 && frames(&r, KITH_RELAY_NUMBERED) <= 48);
    for (int i = 0; i < 100; i++) list(&r, 3, KITH_RELAY_ASK, LIFE, 1, 1000);
    CU_ASSERT(frames(&r, KITH_RELAY_NUMBERED) * sizeof text <= 256 << 10);
    CU_ASSERT(rig_stat(&r, "dropped", "max_repairs") > 50);
    rig_clear(&r);
    list(&r, 4, KITH_RELAY_ASK, LIFE, 1, 10);
    CU_ASSERT_EQUAL(frames(&r, KITH_RELAY_NUMBERED), 10); /* another has its own share */
    rig_fini(&r);
}

static void test_we_do_not_push_out_what_others_miss(void)
{
    struct rig r;
    static char text[1001];
    int sent = 0;
    memset(text, 'x', sizeof text - 1);
    cluster(&r, 4, 4, 1 << 20);
    while (kith_core_relay(r.core, r.now, rig_str("c"), rig_str(text)) == 0) sent++;
    CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str(text)), -KITH_EAGAIN);
    CU_ASSERT(sent > 480 && sent < 525);
    rig_run(&r, r.now + 5 * SEC);
    CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str(text)), 0);
    size_t most = kith_core_fits(r.core, KITH_FITS_RELAYED, NULL);
    static char large[1401];
    memset(large, 'y', sizeof large - 1);
    large[most - 1] = 0;
    CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str(large)), 0);
    large[most - 1] = 'y';
    large[most] = 0;
    CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str(large)), -KITH_ETOOBIG);
    CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str(""), rig_str("x")), -KITH_EINVAL);
    rig_fini(&r);
}

/* However many others fill the window with one small message each. */
static void test_what_we_say_goes_out_before_it_is_forgotten(void)
{
    struct rig r;
    static char text[1301];
    struct kith_relay_frame f;
    cluster(&r, 200, 4, KITH_RELAY_WINDOW_MIN);
    memset(text, 'x', 600);
    for (unsigned i = 5; i <= 200; i++) {
        char name[8];
        snprintf(name, sizeof name, "m%u", i);
        numbered(&r, M2, name, LIFE + i, 1, text);
    }
    rig_run(&r, r.now + 20 * MS);
    rig_clear(&r);
    memset(text, 'y', sizeof text - 1);
    CU_ASSERT_EQUAL(kith_core_relay(r.core, r.now, rig_str("c"), rig_str(text)), 0);
    rig_run(&r, r.now + 20 * MS);
    CU_ASSERT(frame(&r, KITH_RELAY_NUMBERED, 0, &f, NULL) && rig_is(f.origin, "self"));
    CU_ASSERT(rig_stat(&r, "relay_window_bytes", NULL) <= KITH_RELAY_WINDOW_MIN);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------------- states */

/* A member that says in its header that it runs Kith is told of the lives behind the state; others
 * are not, as they may reject bytes that they do not know. */
static void test_states_tell_of_lives_to_kith_only(void)
{
    struct rig r;
    cluster(&r, 4, 4, 8 << 20);
    numbered(&r, M2, "m2", LIFE, 1, "a");
    for (int kith = 0; kith < 2; kith++) {
        struct rig_bytes b;
        struct rig_state_list state;
        rig_bytes_init(&b);
        struct kith_msg h = {.type = KITH_MSG_PUSH_PULL,
                             .kith = kith ? said() : kith_bytes_of(NULL, 0)};
        CU_ASSERT_EQUAL_FATAL(kith_wire_write_message(&b.buf, &h), 0);
        rig_clear(&r);
        rig_request(&r, 3, &b);
        const struct rig_out *o = rig_out(&r, KITH_OUT_WRITE, 0);
        CU_ASSERT_PTR_NOT_NULL_FATAL(o);
        rig_read_push_pull(&state, o->data, o->len);
        CU_ASSERT_EQUAL(state.header.kith.len, 9);
        struct kith_bytes user = state.user_state;
        struct kith_bytes entries = kith_trailer_split(&user);
        struct kith_relay_told told;
        CU_ASSERT_EQUAL(user.len, 0);
        CU_ASSERT_EQUAL(kith_trailer_next(&entries, &told), kith);
        if (kith) CU_ASSERT(told.life == LIFE && told.next == 2 && rig_is(told.origin, "m2"));
        for (int i = 0; i < state.header.nodes; i++)
            CU_ASSERT_EQUAL(state.nodes[i].kith.len, 1); /* all of them are, as we have heard */
    }
    rig_fini(&r);
}

KITH_TESTS(
    "core/relay", {"the bytes of each frame", test_the_bytes_of_each_frame},
    {"what is no frame", test_what_is_no_frame},
    {"frames that are not taken", test_frames_that_are_not_taken},
    {"off there is nothing", test_off_there_is_nothing},
    {"who says so runs Kith", test_who_says_so_runs_kith},
    {"who comes back has to say so again", test_who_comes_back_has_to_say_so_again},
    {"only Kith members get frames", test_only_kith_members_get_frames},
    {"nothing to tell wakes nobody", test_nothing_to_tell_wakes_nobody},
    {"a message goes out at once, and what follows together",
     test_a_message_goes_out_at_once_and_what_follows_together},
    {"in order and once", test_in_order_and_once},
    {"what is missing is asked for after a while", test_what_is_missing_is_asked_for_after_a_while},
    {"who asks is answered", test_who_asks_is_answered},
    {"who tells more is asked, and who tells less is told",
     test_who_tells_more_is_asked_and_who_tells_less_is_told},
    {"summaries are compared", test_summaries_are_compared},
    {"the next life waits for the one before it", test_the_next_life_waits_for_the_one_before_it},
    {"what all have dropped is given up, and said",
     test_what_all_have_dropped_is_given_up_and_said},
    {"one that still has it is waited for", test_one_that_still_has_it_is_waited_for},
    {"what nobody is left to have is given up", test_what_nobody_is_left_to_have_is_given_up},
    {"what is kept has a bound, and who asks for more is told",
     test_what_is_kept_has_a_bound_and_who_asks_for_more_is_told},
    {"a claim goes when nothing comes of it", test_a_claim_goes_when_nothing_comes_of_it},
    {"numbers far ahead are not kept", test_numbers_far_ahead_are_not_kept},
    {"numbers at the end end nothing", test_numbers_at_the_end_end_nothing},
    {"a gap costs no more for being wide", test_a_gap_costs_no_more_for_being_wide},
    {"lives have a bound", test_lives_have_a_bound},
    {"off and on again nothing comes twice", test_off_and_on_again_nothing_comes_twice},
    {"lives that nobody needs are forgotten", test_lives_that_nobody_needs_are_forgotten},
    {"holes cost no more than the window", test_holes_cost_no_more_than_the_window},
    {"nobody speaks in our name", test_nobody_speaks_in_our_name},
    {"questions bring no flood", test_questions_bring_no_flood},
    {"we do not push out what others miss", test_we_do_not_push_out_what_others_miss},
    {"what we say goes out before it is forgotten",
     test_what_we_say_goes_out_before_it_is_forgotten},
    {"states tell of lives to Kith only", test_states_tell_of_lives_to_kith_only})
