/*
 * test_sync.c - push/pull: what is exchanged, what a merge makes of it, who is refused
 * (PROTOCOL.md 1.12, 2.10, 2.13).
 */
#include "core_rig.h"

/* A remote node that lists itself and `n` others pushes its state; the reply, taken apart. */
static struct rig_state_list reply;

static uint32_t pushed(struct rig *r, bool join, const struct rig_entry *e, size_t n,
                       const char *user_state)
{
    struct rig_bytes b;
    rig_push_pull(&b, join, e, n, user_state);
    rig_clear(r);
    uint32_t s = rig_request(r, 9, &b);
    const struct rig_out *w = rig_out(r, KITH_OUT_WRITE, 0);
    if (w)
        rig_read_push_pull(&reply, w->data, w->len);
    else
        reply.whole = false;
    return s;
}

static const struct kith_msg *listed(const char *name)
{
    for (int64_t i = 0; i < reply.header.nodes; i++)
        if (rig_is(reply.nodes[i].node, name)) return &reply.nodes[i];
    return NULL;
}

static void test_everything_known_is_pushed(void)
{
    struct rig r;
    rig_new(&r);
    struct kith_addr a = rig_addr(2);
    struct kith_msg m = rig_alive_msg("m2", 7, &a, "meta");
    rig_feed(&r, 2, &m);
    rig_populate(&r, 3, 5);
    rig_suspect(&r, "m3", 2, "x");
    rig_dead(&r, "m4", 3, "x");
    rig_dead(&r, "m5", 4, "m5");
    r.local_state = "my state";
    r.events[0] = 0;
    struct rig_entry me = {"m9", KITH_ALIVE, 1, 9};
    uint32_t s = pushed(&r, false, &me, 1, "your state");
    CU_ASSERT(reply.whole);
    CU_ASSERT_EQUAL(reply.header.nodes, 6); /* what the peer brought, too */
    CU_ASSERT(!reply.header.join);
    CU_ASSERT(rig_is(reply.user_state, "my state"));
    CU_ASSERT_EQUAL(listed("self")->state, KITH_ALIVE);
    CU_ASSERT_EQUAL(listed("m2")->incarnation, 7);
    CU_ASSERT(rig_is(listed("m2")->meta, "meta"));
    CU_ASSERT_EQUAL(listed("m2")->addr.data[3], 2);
    CU_ASSERT_EQUAL(listed("m2")->port, 7946);
    CU_ASSERT_EQUAL(listed("m3")->state, KITH_SUSPECT);
    CU_ASSERT_EQUAL(listed("m4")->state, KITH_DEAD);
    CU_ASSERT_EQUAL(listed("m5")->state, KITH_LEFT);
    for (int i = 0; i < 5; i++) CU_ASSERT_EQUAL(reply.nodes[i].vsn.len, 6); /* PROTOCOL.md T6 */
    CU_ASSERT(rig_gone(&r, s));
    CU_ASSERT(rig_out(&r, KITH_OUT_WRITE, 0)->last);
    TOLD(r, "join m9;remote_state your state;local_state;");
    rig_fini(&r);
}

static void test_no_user_state_no_calls(void)
{
    struct rig r;
    rig_new(&r);
    struct rig_entry me = {"m9", KITH_ALIVE, 1, 9};
    pushed(&r, true, &me, 1, NULL);
    CU_ASSERT(reply.whole && reply.header.join); /* copied from the request */
    CU_ASSERT_EQUAL(reply.header.user_state_len, 0);
    TOLD(r, "merge m9 alive;join m9;local_state join;");
    rig_fini(&r);
}

/* Byte for byte as it came: an empty meta is not nil, and a member that moved has its new port. */
static void test_others_bytes_are_theirs(void)
{
    struct rig r;
    struct kith_addr a = rig_addr(2), moved = rig_addr(2);
    struct rig_entry me = {"m9", KITH_ALIVE, 1, 9};
    rig_new(&r);
    for (int i = 0; i < 4; i++) {
        struct kith_msg m = rig_alive_msg("m2", 1 + (uint32_t)i, &a, i & 1 ? "" : NULL);
        rig_feed(&r, 2, &m);
        pushed(&r, false, &me, 1, NULL);
        CU_ASSERT_EQUAL(listed("m2")->meta.data != NULL, i & 1);
        CU_ASSERT_EQUAL(listed("m2")->meta.len, 0);
    }
    rig_dead(&r, "m2", 4, "m2");
    moved.port = 77;
    struct kith_msg m = rig_alive_msg("m2", 1, &moved, NULL);
    rig_feed(&r, 2, &m);
    pushed(&r, false, &me, 1, NULL);
    CU_ASSERT_EQUAL(listed("m2")->state, KITH_ALIVE);
    CU_ASSERT_EQUAL(listed("m2")->port, 77);
    rig_fini(&r);
}

/* Upstream: MergeState (PROTOCOL.md T10). */
static void test_what_a_merge_makes_of_each_state(void)
{
    struct rig r;
    rig_new(&r);
    rig_populate(&r, 2, 6);
    r.events[0] = 0;
    struct rig_entry e[] = {{"m2", KITH_ALIVE, 2, 2, "new"},
                            {"m3", KITH_SUSPECT, 1, 3},
                            {"m4", KITH_DEAD, 1, 4},
                            {"m5", KITH_LEFT, 1, 5},
                            {"m6", 4, 9, 6},
                            {"m6", -1, 9, 6},
                            {"m7", KITH_ALIVE, 1, 7},
                            {"u1", KITH_SUSPECT, 1, 21},
                            {"u2", KITH_DEAD, 1, 22},
                            {"u3", KITH_LEFT, 1, 23}};
    pushed(&r, false, e, sizeof e / sizeof *e, NULL);
    TOLD(r, "update m2;leave m5 left;join m7;local_state;");
    CU_ASSERT_EQUAL(rig_state(&r, "m3"), KITH_SUSPECT);
    CU_ASSERT_EQUAL(rig_state(&r, "m4"), KITH_SUSPECT);
    CU_ASSERT_EQUAL(rig_state(&r, "m5"), KITH_LEFT); /* PROTOCOL.md T10 */
    CU_ASSERT_EQUAL(rig_state(&r, "m6"), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_inc(&r, "m6"), 1);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "unknown_state"), 2);
    for (int i = 1; i <= 3; i++)
        CU_ASSERT_EQUAL(rig_state(&r, (char[]){'u', (char)('0' + i), 0}), -1);
    rig_fini(&r);
}

/* A list is asked for its addresses, too: of who is new, and of who comes from another one. */
static void test_a_list_may_not_bring_what_is_not_allowed(void)
{
    static const uint8_t ten[] = {10, 0, 0, 0};
    struct kith_cidr net = {.len = 4, .prefix = 28};
    struct rig r;
    rig_init(&r);
    memcpy(net.bytes, ten, sizeof ten);
    r.config.settings.cidrs_allowed = &net;
    r.config.settings.cidrs_count = 1;
    CU_ASSERT_EQUAL_FATAL(rig_start(&r), 0);
    rig_populate(&r, 2, 3);
    rig_dead(&r, "m2", 1, "m2");
    struct rig_entry e[] = {{"m2", KITH_ALIVE, 2, 99}, {"m9", KITH_ALIVE, 1, 99}};
    pushed(&r, false, e, 2, NULL);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_LEFT);
    CU_ASSERT_EQUAL(rig_state(&r, "m9"), -1);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "address_not_allowed"), 2);
    e[0].addr = 9;
    pushed(&r, false, e, 1, NULL);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_ALIVE);
    rig_fini(&r);
}

/* PROTOCOL.md T14 */
static void test_a_dead_entry_of_a_push_pull_is_our_own_suspicion(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.gossip_interval = r.config.settings.push_pull_interval = 0;
    rig_start(&r);
    r.answer_pings = true;
    rig_populate(&r, 2, 10); /* k = 2, 4 s to 24 s */
    uint64_t t0 = r.now;
    struct rig_entry e = {"m4", KITH_DEAD, 1, 4};
    pushed(&r, false, &e, 1, NULL);
    struct kith_member m = {.size = sizeof m};
    kith_core_find(r.core, rig_str("m4"), &m);
    CU_ASSERT_EQUAL(m.state, KITH_SUSPECT);
    CU_ASSERT(rig_is(m.accuser, "self"));
    rig_flush(&r);
    CU_ASSERT(rig_is(rig_find(&r, KITH_MSG_SUSPECT, "m4", 0)->msg.from, "self"));
    /* Whoever else lists it as dead confirms nothing: all of them count as us. */
    e.state = KITH_SUSPECT;
    pushed(&r, false, &e, 1, NULL);
    e.state = KITH_DEAD;
    pushed(&r, false, &e, 1, NULL);
    rig_run(&r, t0 + 24 * SEC - 1);
    CU_ASSERT_EQUAL(rig_state(&r, "m4"), KITH_SUSPECT);
    rig_run(&r, t0 + 24 * SEC + 1);
    CU_ASSERT_EQUAL(rig_state(&r, "m4"), KITH_DEAD);
    rig_fini(&r);
}

static void test_we_refute_what_a_list_says_of_us(void)
{
    struct rig r;
    rig_new(&r);
    struct rig_entry e[] = {{"self", KITH_DEAD, 5, 1}};
    pushed(&r, false, e, 1, NULL);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 6);
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_ALIVE);
    e[0] = (struct rig_entry){"self", KITH_LEFT, 6, 1}; /* an earlier life that left */
    pushed(&r, false, e, 1, NULL);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 7);
    e[0] = (struct rig_entry){"self", KITH_ALIVE, 20, 1, "old meta"};
    pushed(&r, false, e, 1, NULL);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 21);
    rig_fini(&r);
}

/* Whatever a delegate writes, header and members still fit beside it. */
static void test_state_leaves_room(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.max_stream_size = 5000;
    rig_start(&r);
    rig_populate(&r, 2, 20);
    r.greedy = true;
    struct rig_entry me = {"m99", KITH_ALIVE, 1, 99};
    pushed(&r, true, &me, 1, NULL);
    size_t len = rig_out(&r, KITH_OUT_WRITE, 0)->len;
    CU_ASSERT(reply.whole && reply.header.nodes == 21);
    CU_ASSERT(reply.header.user_state_len > 1000 && len <= 5000 && len > 5000 - 100);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------------ vetoes */

static void test_merge_veto(void)
{
    struct rig r;
    rig_new(&r);
    rig_populate(&r, 2, 3);
    r.veto_merge = true;
    r.local_state = "ours";
    r.events[0] = 0;
    struct rig_entry e[] = {{"m9", KITH_ALIVE, 1, 9}, {"m3", KITH_DEAD, 5, 3}};
    pushed(&r, true, e, 2, "theirs");
    CU_ASSERT(reply.whole); /* the peer does not see the veto */
    TOLD(r, "merge m9 alive;merge m3 dead;local_state join;");
    CU_ASSERT_EQUAL(r.merged.incarnation, 1);
    CU_ASSERT_EQUAL(r.merged.since, 0);
    CU_ASSERT_EQUAL(memcmp(r.merged.versions, RIG_VSN, 6), 0);
    CU_ASSERT_EQUAL(r.merged.addr.bytes[3], 9);
    CU_ASSERT_EQUAL(rig_state(&r, "m9"), -1);
    CU_ASSERT_EQUAL(rig_state(&r, "m3"), KITH_ALIVE);
    pushed(&r, false, e, 2, "theirs"); /* asked about joins only */
    TOLD(r, "join m9;remote_state theirs;local_state;");
    CU_ASSERT_EQUAL(rig_state(&r, "m3"), KITH_SUSPECT);
    rig_fini(&r);
}

/* Our delegate versions and those of an alive entry; whether the two go together. */
static bool merges(const char *delegate, const char *pushed_vsn)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.delegate_protocol_min = (uint8_t)delegate[0];
    r.config.settings.delegate_protocol_max = (uint8_t)delegate[1];
    r.config.settings.delegate_protocol_version = (uint8_t)delegate[2];
    rig_start(&r);
    struct rig_entry e = {"p1", KITH_ALIVE, 1, 11, NULL, pushed_vsn, 6};
    r.events[0] = 0;
    pushed(&r, false, &e, 1, "x");
    CU_ASSERT(reply.whole);
    bool ok = strstr(r.events, "remote_state") != NULL;
    CU_ASSERT_EQUAL(rig_state(&r, "p1") == KITH_ALIVE, ok);
    CU_ASSERT_EQUAL(rig_stat(&r, "merges_refused", NULL), !ok);
    CU_ASSERT_EQUAL(rig_drops(&r), !ok);
    rig_fini(&r);
    return ok;
}

/* As in upstream's VerifyProtocol, for two nodes. */
static void test_versions_must_agree(void)
{
    CU_ASSERT(merges("\0\0\0", "\1\5\2\0\0\0"));
    CU_ASSERT(merges("\0\0\0", "\1\5\5\0\0\0"));
    CU_ASSERT(!merges("\0\0\0", "\3\5\3\0\0\0")); /* our 2 is under its minimum */
    CU_ASSERT(!merges("\0\0\0", "\1\1\1\0\0\0")); /* our 2 is over its maximum */
    CU_ASSERT(!merges("\0\0\0", "\1\6\6\0\0\0")); /* its current one is over ours */
    CU_ASSERT(!merges("\0\0\0", "\1\5\2\2\5\5")); /* Serf against a plain memberlist */
    CU_ASSERT(merges("\2\5\4", "\1\5\2\2\5\5"));
    CU_ASSERT(!merges("\2\5\4", "\1\5\2\2\6\6"));
    CU_ASSERT(!merges("\2\5\4", "\1\5\2\1\6\1"));
    CU_ASSERT(!merges("\2\5\4", "\1\5\2\5\5\5"));
    CU_ASSERT(!merges("\0\0\0", "\1\5\2\0\1\1"));
}

/* One entry that does not fit, or can't be, costs the others nothing. A Go node would refuse the
 * whole, for a dead one too (PROTOCOL.md 2.13, T24). */
static void test_who_does_not_fit_is_left_out(void)
{
    struct rig_entry e[] = {{"good", KITH_ALIVE, 1, 11},
                            {"new", KITH_ALIVE, 1, 12, NULL, "\1\5\2\0\377\362", 6},
                            {"odd", KITH_ALIVE, 1, 13, NULL, "\2\1\7\0\0\362", 6},
                            {"none", KITH_ALIVE, 1, 14, NULL, "", 0},
                            {"m2", KITH_DEAD, 1, 2, NULL, "\7\7\7\7\7\7", 6},
                            {"m3", KITH_LEFT, 1, 3, NULL, "", 0},
                            {"m4", KITH_SUSPECT, 1, 4, NULL, "\0\0\0\0\0\1", 6}};
    for (int join = 0; join < 2; join++) {
        struct rig r;
        rig_new(&r);
        rig_populate(&r, 2, 4);
        r.events[0] = 0;
        unsigned logged = r.logged;
        pushed(&r, join, e, sizeof e / sizeof *e, "x");
        CU_ASSERT_EQUAL(rig_state(&r, "good"), KITH_ALIVE);
        CU_ASSERT_EQUAL(rig_state(&r, "new"), -1);
        CU_ASSERT_EQUAL(rig_state(&r, "odd"), -1);
        CU_ASSERT_EQUAL(rig_state(&r, "none"), -1);
        CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_SUSPECT);
        CU_ASSERT_EQUAL(rig_state(&r, "m3"), KITH_LEFT);
        CU_ASSERT_EQUAL(rig_state(&r, "m4"), KITH_SUSPECT);
        CU_ASSERT_PTR_NOT_NULL(strstr(r.events, "remote_state"));
        CU_ASSERT_PTR_NULL(strstr(r.events, "merge new")); /* nor is it to be judged */
        CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "incompatible_versions"), 1);
        CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "bad_versions"), 2);
        CU_ASSERT(r.logged >= logged + 3);
        /* Alone with the dead they are another cluster's. */
        r.events[0] = 0;
        pushed(&r, join, e + 1, sizeof e / sizeof *e - 1, "x");
        CU_ASSERT_PTR_NULL(strstr(r.events, "remote_state"));
        CU_ASSERT_EQUAL(rig_stat(&r, "merges_refused", NULL), 1);
        rig_fini(&r);
    }
}

/* Whoever says other versions of us is told better, and does not count as somebody who fits. */
static void test_our_own_versions_in_a_list(void)
{
    struct rig_entry e[] = {{"self", KITH_ALIVE, 7, 1, NULL, "\1\5\2\0\377\362", 6},
                            {"new", KITH_ALIVE, 1, 12, NULL, "\1\5\2\0\377\362", 6}};
    struct rig r;
    rig_new(&r);
    pushed(&r, false, e, 1, NULL);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 8);
    pushed(&r, false, e, 2, NULL);
    CU_ASSERT_EQUAL(rig_stat(&r, "merges_refused", NULL), 1);
    rig_fini(&r);
}

/* Whom gossip brought in may speak what it likes: it stands in nobody's way. */
static void test_members_that_do_not_fit_block_nothing(void)
{
    struct rig r;
    rig_new(&r);
    struct kith_addr a = rig_addr(2);
    struct kith_msg m = rig_alive_msg("m2", 1, &a, NULL);
    m.vsn = kith_bytes_of("\3\7\7\0\377\362", 6);
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_ALIVE);
    struct rig_entry e = {"good", KITH_ALIVE, 1, 11};
    pushed(&r, true, &e, 1, NULL);
    CU_ASSERT_EQUAL(rig_state(&r, "good"), KITH_ALIVE);
    rig_fini(&r);
}

/* ----------------------------------------------------------------------------- odd encodings */

#define RAW(b, literal) \
    memcpy(kith_buf_put(&(b).buf, sizeof literal - 1), literal, sizeof literal - 1)

/* PROTOCOL.md T3 */
static void test_signed_forms_of_numbers(void)
{
    struct rig r;
    rig_init(&r);
    rig_start(&r);
    rig_populate(&r, 2, 2);
    r.events[0] = 0;
    struct rig_bytes b;
    rig_bytes_init(&b);
    /* Nodes 1 as D1, UserStateLen 200 as D1, State 0 as D0, Incarnation as D2, Port as D2. */
    RAW(b, "\6\x83\xa4Join\xc2\xa5Nodes\xd1\0\1\xacUserStateLen\xd1\0\xc8");
    RAW(b, "\x87\xa4"
           "Addr\xa4\x0a\0\0\x09\xab"
           "Incarnation\xd2\0\0\0\5\xa4Meta\xc0\xa4Name\xa2m9\xa4Port");
    RAW(b, "\xd2\0\0\x1f\x0a\xa5State\xd0\0\xa3Vsn\xa6\1\5\2\0\0\0");
    char state[200];
    memset(state, 's', sizeof state);
    memcpy(kith_buf_put(&b.buf, sizeof state), state, sizeof state);
    uint32_t s = rig_request(&r, 9, &b);
    CU_ASSERT(rig_gone(&r, s));
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 1);
    CU_ASSERT_EQUAL(rig_state(&r, "m9"), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_inc(&r, "m9"), 5);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.events, "remote_state sssss"));
    rig_fini(&r);
}

/* PROTOCOL.md 1.2: structs as arrays, unknown keys with anything under them, map16, str8, bin. */
static void test_other_forms_of_the_same(void)
{
    struct rig r;
    rig_new(&r);
    struct rig_bytes b;
    rig_bytes_init(&b);
    RAW(b, "\6\x93\3\0\xc2"); /* header: Nodes, UserStateLen, Join */
    RAW(b, "\x97\xa2m8\xa4\x0a\0\0\x08\xcd\x1f\x0a\xc0\7\0\xa6\1\5\2\0\0\0");
    RAW(b, "\xde\0\x08\xa4Name\xa2m9\xa4"
           "Addr\xc4\4\x0a\0\0\x09\xa4Port\xcd\x1f\x0a\xab"
           "Incarnation\5");
    RAW(b, "\xa6"
           "future\x82\1\x93\1\x81\xa1x\xcb\0\0\0\0\0\0\0\0\xd6\1"
           "abcd\xa1y\x90");
    RAW(b, "\xa5"
           "other\xdc\0\2\xe0\xcf\0\0\0\0\0\0\0\1\xa5State\0\xa3Vsn\x96\1\5\2\0\0\0");
    RAW(b, "\x82\xa4Name\xd9\2m7\xa5State\2"); /* unknown and dead: nothing */
    rig_data(&r, rig_accept(&r, 9), b.buf.data, b.buf.len);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 1);
    CU_ASSERT_EQUAL(rig_state(&r, "m8"), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_inc(&r, "m8"), 7);
    CU_ASSERT_EQUAL(rig_state(&r, "m9"), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_inc(&r, "m9"), 5);
    rig_fini(&r);
}

static void test_it_may_come_in_any_pieces(void)
{
    static const size_t sizes[] = {1, 2, 3, 7, 50};
    struct rig_entry e[] = {
        {"m2", KITH_ALIVE, 1, 2, "a"}, {"m3", KITH_ALIVE, 1, 3}, {"m4", KITH_ALIVE, 9, 4, "meta"}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct rig r;
        rig_new(&r);
        struct rig_bytes b;
        rig_push_pull(&b, false, e, 3, "the user's state");
        uint32_t s = rig_accept(&r, 9);
        for (size_t at = 0; at < b.buf.len; at += sizes[i]) {
            CU_ASSERT_EQUAL(kith_core_size(r.core), 1); /* nothing before all is there */
            CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
            rig_data(&r, s, b.buf.data + at, b.buf.len - at < sizes[i] ? b.buf.len - at : sizes[i]);
        }
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 1);
        TOLD(r, "join m2;join m3;join m4;remote_state the user's state;local_state;");
        rig_fini(&r);
    }
}

static void test_an_entry_without_a_port_has_ours(void)
{
    struct rig r;
    rig_init(&r);
    r.config.default_port = 99;
    rig_start(&r);
    struct rig_bytes b;
    rig_bytes_init(&b);
    RAW(b, "\6\x93\2\0\xc2");
    RAW(b, "\x97\xa2m8\xa4\x0a\0\0\x08\0\xc0\7\0\xa6\1\5\2\0\0\0");
    RAW(b, "\x97\xa2m9\xa4\x0a\0\0\x09\x21\xc0\7\0\xa6\1\5\2\0\0\0");
    rig_data(&r, rig_accept(&r, 9), b.buf.data, b.buf.len);
    struct kith_member m = {.size = sizeof m};
    CU_ASSERT(kith_core_find(r.core, rig_str("m8"), &m) == 0 && m.addr.port == 99);
    CU_ASSERT(kith_core_find(r.core, rig_str("m9"), &m) == 0 && m.addr.port == 0x21);
    rig_fini(&r);
}

/* PROTOCOL.md T22 */
static void test_cut_anywhere_it_changes_nothing(void)
{
    struct rig_entry e[] = {{"m2", KITH_ALIVE, 1, 2, "a"}, {"m3", KITH_DEAD, 1, 3}};
    struct rig_bytes b;
    rig_push_pull(&b, true, e, 2, "state");
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "m3", 1, 3);
    r.events[0] = 0;
    for (size_t len = 0; len < b.buf.len; len++) {
        rig_clear(&r);
        uint32_t s = rig_accept(&r, 9);
        CU_ASSERT_FATAL(s != 0);
        if (len) rig_data(&r, s, b.buf.data, len);
        kith_core_stream_end(r.core, r.now, s);
        rig_poll(&r);
        CU_ASSERT(rig_gone(&r, s));
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0); /* PROTOCOL.md T22: silence */
    }
    TOLD(r, "");
    CU_ASSERT_EQUAL(kith_core_size(r.core), 2);
    CU_ASSERT_EQUAL(rig_state(&r, "m3"), KITH_ALIVE);
    rig_fini(&r);
}

static void test_absurd_headers_are_refused_at_once(void)
{
    static const struct {
        int64_t nodes, state;
    } t[] = {{1024 * 1024 + 1, 0}, {INT64_MAX, 0}, {(int64_t)1 << 40, 0},
             {1, (20 << 20) + 1},  {1, INT64_MAX}, {0, (int64_t)1 << 40}};
    struct rig r;
    rig_new(&r);
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct rig_bytes b;
        rig_bytes_init(&b);
        kith_wire_write_message(&b.buf, &(struct kith_msg){.type = KITH_MSG_PUSH_PULL,
                                                           .nodes = t[i].nodes,
                                                           .user_state_len = t[i].state});
        rig_clear(&r);
        uint32_t s = rig_request(&r, 9, &b);
        CU_ASSERT(rig_gone(&r, s));
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), t[i].state > 0); /* it is told the limit */
    }
    /* Negative ones, which crash Go. */
    static const char negative[2][30] = {"\6\x82\xa5Nodes\xff\xacUserStateLen\0",
                                         "\6\x82\xa5Nodes\0\xacUserStateLen\xff"};
    for (int i = 0; i < 2; i++) {
        rig_clear(&r);
        uint32_t s = rig_accept(&r, 9);
        rig_data(&r, s, negative[i], 23);
        CU_ASSERT(rig_gone(&r, s));
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_WRITE), 0);
    }
    rig_fini(&r);
}

/* ----------------------------------------------------------------------------------- our own */

static void test_a_push_pull_of_our_own(void)
{
    struct rig r;
    rig_init(&r);
    r.local_state = "mine";
    r.config.settings.probe_interval = r.config.settings.gossip_interval = 0;
    r.config.settings.push_pull_interval = 5 * SEC;
    rig_start(&r);
    rig_populate(&r, 2, 5);
    rig_suspect(&r, "m3", 1, "x"); /* never chosen: suspects, dead and left ones */
    rig_dead(&r, "m4", 1, "x");
    rig_dead(&r, "m5", 1, "m5");
    rig_clear(&r);
    rig_run(&r, RIG_EPOCH + 5 * SEC - 1);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_DIAL), 0);
    rig_run(&r, RIG_EPOCH + 10 * SEC); /* one interval after a random part of one */
    const struct rig_out *d = rig_out(&r, KITH_OUT_DIAL, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(d);
    CU_ASSERT(!memcmp(d->name, "m2", 3));
    CU_ASSERT_EQUAL(d->to.bytes[3], 2);
    rig_fini(&r);

    rig_init(&r); /* from the start, with the exchange */
    r.local_state = "mine";
    r.config.settings.probe_interval = r.config.settings.gossip_interval = 0;
    rig_start(&r);
    rig_populate(&r, 2, 2);
    while (!rig_outs(&r, KITH_OUT_DIAL)) rig_run(&r, kith_core_deadline(r.core));
    r.events[0] = 0;
    uint32_t s = rig_opened(&r);
    const struct rig_out *w = rig_out(&r, KITH_OUT_WRITE, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    rig_read_push_pull(&reply, w->data, w->len);
    CU_ASSERT(reply.whole && !reply.header.join && reply.header.nodes == 2);
    CU_ASSERT(rig_is(reply.user_state, "mine"));
    struct rig_entry e[] = {{"m2", KITH_ALIVE, 1, 2}, {"m7", KITH_ALIVE, 1, 7}};
    struct rig_bytes b;
    rig_push_pull(&b, false, e, 2, "yours");
    rig_data(&r, s, b.buf.data, b.buf.len);
    CU_ASSERT(rig_gone(&r, s));
    TOLD(r, "local_state;join m7;remote_state yours;");
    rig_fini(&r);
}

static uint64_t gap_between_push_pulls(unsigned n)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.probe_interval = r.config.settings.gossip_interval = 0;
    rig_start(&r);
    rig_populate(&r, 2, n);
    uint64_t at[2];
    for (int i = 0; i < 2; i++) {
        rig_clear(&r);
        while (!rig_outs(&r, KITH_OUT_DIAL)) rig_run(&r, kith_core_deadline(r.core));
        at[i] = r.now;
        kith_core_stream_closed(r.core, r.now, rig_out(&r, KITH_OUT_DIAL, 0)->stream,
                                -KITH_EREFUSED);
        rig_poll(&r);
    }
    rig_fini(&r);
    return at[1] - at[0];
}

/* Upstream: PushPullScale. */
static void test_push_pulls_grow_rare_in_large_clusters(void)
{
    CU_ASSERT_EQUAL(gap_between_push_pulls(2), 30 * SEC);
    CU_ASSERT_EQUAL(gap_between_push_pulls(32), 30 * SEC);
    CU_ASSERT_EQUAL(gap_between_push_pulls(33), 60 * SEC);
    CU_ASSERT_EQUAL(gap_between_push_pulls(64), 60 * SEC);
    CU_ASSERT_EQUAL(gap_between_push_pulls(65), 90 * SEC);
    CU_ASSERT_EQUAL(gap_between_push_pulls(129), 120 * SEC);
}

static void test_push_pull_may_be_off(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.push_pull_interval = 0;
    rig_start(&r);
    r.answer_pings = true;
    rig_populate(&r, 2, 3);
    rig_run(&r, r.now + 300 * SEC);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_DIAL), 0);
    rig_fini(&r);
}

KITH_TESTS("core/sync", {"state leaves room", test_state_leaves_room},
           {"everything known is pushed", test_everything_known_is_pushed},
           {"no user state, no calls", test_no_user_state_no_calls},
           {"what a merge makes of each state", test_what_a_merge_makes_of_each_state},
           {"others' bytes are theirs", test_others_bytes_are_theirs},
           {"a list may not bring what is not allowed",
            test_a_list_may_not_bring_what_is_not_allowed},
           {"a dead entry of a push/pull is our own suspicion",
            test_a_dead_entry_of_a_push_pull_is_our_own_suspicion},
           {"we refute what a list says of us", test_we_refute_what_a_list_says_of_us},
           {"merge veto", test_merge_veto}, {"versions must agree", test_versions_must_agree},
           {"who does not fit is left out", test_who_does_not_fit_is_left_out},
           {"our own versions in a list", test_our_own_versions_in_a_list},
           {"members that do not fit block nothing", test_members_that_do_not_fit_block_nothing},
           {"signed forms of numbers", test_signed_forms_of_numbers},
           {"other forms of the same", test_other_forms_of_the_same},
           {"it may come in any pieces", test_it_may_come_in_any_pieces},
           {"an entry without a port has ours", test_an_entry_without_a_port_has_ours},
           {"cut anywhere it changes nothing", test_cut_anywhere_it_changes_nothing},
           {"absurd headers are refused at once", test_absurd_headers_are_refused_at_once},
           {"a push/pull of our own", test_a_push_pull_of_our_own},
           {"push/pulls grow rare in large clusters", test_push_pulls_grow_rare_in_large_clusters},
           {"push/pull may be off", test_push_pull_may_be_off})
