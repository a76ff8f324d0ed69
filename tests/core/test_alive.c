/*
 * test_alive.c - what an alive message does to the member list (PROTOCOL.md 2.3), one rule a test.
 */
#include "core_rig.h"

/* --------------------------------------------------------------------------------- 2.3 alive */

static void test_alive_adds_a_member(void)
{
    struct rig r;
    rig_new(&r);
    struct kith_addr a = rig_addr(2);
    struct kith_msg m = rig_alive_msg("b", 7, &a, "red");
    rig_feed(&r, 2, &m);
    TOLD(r, "join b;");
    CU_ASSERT_STRING_EQUAL(r.last_meta, "red");
    struct kith_member b = {.size = sizeof b};
    CU_ASSERT_EQUAL_FATAL(kith_core_find(r.core, rig_str("b"), &b), 0);
    CU_ASSERT_EQUAL(b.state, KITH_ALIVE);
    CU_ASSERT_EQUAL(b.incarnation, 7);
    CU_ASSERT_EQUAL(b.since, r.now);
    CU_ASSERT(kith_addr_equal(&b.addr, &a));
    CU_ASSERT(rig_is(b.meta, "red"));
    CU_ASSERT_EQUAL(memcmp(b.versions, RIG_VSN, 6), 0);
    CU_ASSERT_EQUAL(kith_core_size(r.core), 2);
    CU_ASSERT_EQUAL(kith_core_alive(r.core), 2);
    rig_flush(&r);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_ALIVE, "b", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(s->msg.incarnation, 7);
    CU_ASSERT(rig_is(s->msg.meta, "red"));
    rig_fini(&r);
}

static void test_self_is_alive_from_the_start(void)
{
    struct rig r;
    rig_init(&r);
    memcpy(r.meta, "role=x", 6);
    r.meta_len = 6;
    r.config.settings.delegate_protocol_min = 2;
    r.config.settings.delegate_protocol_max = 5;
    r.config.settings.delegate_protocol_version = 4;
    CU_ASSERT_EQUAL(rig_start(&r), 0);
    TOLD(r, "join self;");
    struct kith_member m = {.size = sizeof m};
    kith_core_self(r.core, &m);
    CU_ASSERT_EQUAL(m.incarnation, 1);
    CU_ASSERT(rig_is(m.name, "self"));
    CU_ASSERT(rig_is(m.meta, "role=x"));
    CU_ASSERT_EQUAL(memcmp(m.versions, "\1\5\2\2\5\4", 6), 0);
    CU_ASSERT(kith_addr_equal(&m.addr, &r.config.advertise));
    rig_flush(&r);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_ALIVE, "self", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(s->msg.incarnation, 1);
    CU_ASSERT_EQUAL(s->msg.vsn.len, 6);
    rig_fini(&r);
}

static void test_old_and_equal_incarnations_are_ignored(void)
{
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "b", 5, 2);
    TOLD(r, "join b;");
    struct kith_addr a = rig_addr(2);
    struct kith_msg m = rig_alive_msg("b", 5, &a, "new");
    rig_feed(&r, 2, &m);
    m.incarnation = 4;
    rig_feed(&r, 2, &m);
    TOLD(r, "");
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), 5);
    m.incarnation = 6;
    rig_feed(&r, 2, &m);
    TOLD(r, "update b;");
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), 6);
    rig_fini(&r);
}

/* Upstream: AliveNode_Idempotent. */
static void test_higher_incarnation_alone_is_no_event(void)
{
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "b", 1, 2);
    struct kith_member before = {.size = sizeof before}, after = before;
    kith_core_find(r.core, rig_str("b"), &before);
    r.now += SEC;
    rig_alive(&r, "b", 2, 2);
    kith_core_find(r.core, rig_str("b"), &after);
    TOLD(r, "join b;");
    CU_ASSERT_EQUAL(after.since, RIG_EPOCH);
    rig_flush(&r);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "b"), 1);
    CU_ASSERT_EQUAL(rig_find(&r, KITH_MSG_ALIVE, "b", 0)->msg.incarnation, 2);
    rig_fini(&r);
}

static void test_alive_at_incarnation_0_leaves_a_dead_entry(void)
{
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "b", 0, 2);
    TOLD(r, "");
    CU_ASSERT_EQUAL(kith_core_size(r.core), 2);
    CU_ASSERT_EQUAL(kith_core_alive(r.core), 1);
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_DEAD);
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), 0);
    rig_alive(&r, "b", 1, 2);
    TOLD(r, "join b;");
    rig_fini(&r);
}

static void alive_with_vsn(struct rig *r, const char *node, uint32_t inc, const char *vsn,
                           size_t len)
{
    struct kith_addr a = rig_addr(2);
    struct kith_msg m = rig_alive_msg(node, inc, &a, NULL);
    m.vsn = kith_bytes_of(vsn, len);
    rig_feed(r, 2, &m);
}

/* PROTOCOL.md 2.3.2, T6; WIRE.md, "Claims about members" */
static void test_unsound_versions_are_refused(void)
{
    static const char *const unsound[] = {
        "\0\5\2\0\0\0",                                 /* no lowest */
        "\1\0\2\0\0\0", "\5\1\2\0\0\0", "\0\0\0\0\0\0", /* upstream: ProbeNode_Wrong_VSN */
        "\2\5\1\0\0\0", "\1\5\6\0\0\0",                 /* the current one is outside */
        "\1\5\2\3\4\5", "\1\5\2\3\4\2", "\1\5\2\5\2\3"};
    struct rig r;
    rig_new(&r);
    for (size_t i = 0; i < sizeof unsound / sizeof *unsound; i++)
        alive_with_vsn(&r, "b", 1, unsound[i], 6);
    for (size_t len = 0; len < 6; len++) alive_with_vsn(&r, "b", 1, "\1\5\2\2\5\4", len);
    CU_ASSERT_EQUAL(kith_core_size(r.core), 1);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "bad_versions"), 9 + 6);
    alive_with_vsn(&r, "b", 1, "\2\2\2\0\377\377", 6);
    TOLD(r, "join b;");
    /* Nor do they change a member that is known. */
    alive_with_vsn(&r, "b", 2, "\1\4", 2);
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), 1);
    rig_fini(&r);
}

/* More bytes than six: the first six are kept, relayed and compared. A Go node would refuse a state
 * in which the member had none. */
static void test_bytes_after_the_versions_are_cut(void)
{
    struct rig r;
    struct kith_member m = {.size = sizeof m};
    rig_new(&r);
    alive_with_vsn(&r, "b", 1, "\1\5\2\0\3\1xyz", 9);
    CU_ASSERT_EQUAL_FATAL(kith_core_find(r.core, rig_str("b"), &m), 0);
    CU_ASSERT(memcmp(m.versions, "\1\5\2\0\3\1", 6) == 0);
    rig_flush(&r);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_ALIVE, "b", 0);
    CU_ASSERT(s && s->msg.vsn.len == 6 && memcmp(s->msg.vsn.data, m.versions, 6) == 0);
    struct kith_addr ours = rig_addr(1);
    struct kith_msg self = rig_alive_msg("self", 1, &ours, NULL);
    self.vsn = kith_bytes_of(RIG_VSN "x", 7);
    rig_feed(&r, 2, &self);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 1); /* it says what we say */
    self.vsn = kith_bytes_of("\1\5\3\0\0\0", 6);
    rig_feed(&r, 2, &self);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 2);
    rig_fini(&r);
}

/* Whatever form a message came in, it goes on in the one that everybody reads. */
static void test_odd_forms_are_not_passed_on(void)
{
    /* clang-format off */
#define ADDR "\xa4" "Addr" "\xa4\x0a\0\0\2"
#define INC  "\xab" "Incarnation"
#define META "\xa4" "Meta" "\xc0"
#define NODE "\xa4" "Node"
#define PORT "\xa4" "Port"
#define VSN  "\xa3" "Vsn" "\xa6\1\5\2\0\0\0"
#define ODD(b) {b, sizeof(b) - 1}
    static const struct {
        const char *bytes;
        size_t len;
    } forms[] = {
        /* ours; with a tail; with longer integers, strings, heads */
        ODD("\4\x86" ADDR INC "\1" META NODE "\xa1" "b" PORT "\xcd\x1f\x0a" VSN),
        ODD("\4\x86" ADDR INC "\1" META NODE "\xa1" "b" PORT "\xcd\x1f\x0a" VSN "tail"),
        ODD("\4\x86" ADDR INC "\xcc\1" META NODE "\xa1" "b" PORT "\xcd\x1f\x0a" VSN),
        ODD("\4\x86" ADDR INC "\xcd\0\1" META NODE "\xa1" "b" PORT "\xcd\x1f\x0a" VSN),
        ODD("\4\x86" ADDR INC "\1" META NODE "\xd9\1" "b" PORT "\xcd\x1f\x0a" VSN),
        ODD("\4\xde\0\6" ADDR INC "\1" META NODE "\xa1" "b" PORT "\xcd\x1f\x0a" VSN),
        /* another order; a field that we don't know; no port, said and not said */
        ODD("\4\x86" INC "\1" ADDR META NODE "\xa1" "b" PORT "\xcd\x1f\x0a" VSN),
        ODD("\4\x87" ADDR INC "\1" META NODE "\xa1" "b" PORT "\xcd\x1f\x0a" VSN "\xa1" "X\1"),
        ODD("\4\x86" ADDR INC "\1" META NODE "\xa1" "b" PORT "\0" VSN),
        ODD("\4\x85" ADDR INC "\1" META NODE "\xa1" "b" VSN)
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct rig r;
        struct kith_addr from = rig_addr(2);
        rig_new(&r);
        rig_packet(&r, &from, forms[i].bytes, forms[i].len);
        rig_flush(&r);
        const struct rig_sent *s = rig_find(&r, KITH_MSG_ALIVE, "b", 0);
        CU_ASSERT_FATAL(s != NULL);
        CU_ASSERT(s->msg.exact && s->msg.port == 7946 && s->msg.incarnation == 1);
        rig_fini(&r);
    }
}

static void test_alive_veto(void)
{
    struct rig r;
    rig_init(&r);
    r.veto_alive = "evil";
    CU_ASSERT_EQUAL(rig_start(&r), 0);
    CU_ASSERT_EQUAL(r.alive_asked, 1); /* asked about ourselves too */
    rig_alive(&r, "evil", 1, 2);
    CU_ASSERT_EQUAL(rig_state(&r, "evil"), -1);
    rig_alive(&r, "b", 2, 3);
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    CU_ASSERT_EQUAL(r.asked.incarnation, 2);
    CU_ASSERT_EQUAL(memcmp(r.asked.versions, RIG_VSN, 6), 0);
    CU_ASSERT(kith_addr_equal(&r.asked.addr, &(struct kith_addr){7946, 4, {10, 0, 0, 3}}));
    unsigned asked = r.alive_asked;
    rig_alive(&r, "b", 1, 3); /* stale: would change nothing, so nobody is asked */
    rig_alive(&r, "b", 2, 3);
    CU_ASSERT_EQUAL(r.alive_asked, asked);
    r.veto_alive = "b";
    rig_alive(&r, "b", 9, 3); /* never removes, only ignores */
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), 2);
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    rig_fini(&r);
}

static void test_alive_veto_of_ourselves_stops_the_start(void)
{
    struct rig r;
    rig_init(&r);
    r.veto_alive = "self";
    CU_ASSERT_EQUAL(rig_start(&r), -KITH_EREFUSED);
    rig_fini(&r);
}

static void alive_at(struct rig *r, const char *node, uint32_t inc, struct kith_addr a)
{
    struct kith_msg m = rig_alive_msg(node, inc, &a, NULL);
    rig_feed(r, 2, &m);
}

static void test_conflicting_address_is_refused_while_alive(void)
{
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "b", 1, 2);
    TOLD(r, "join b;");
    alive_at(&r, "b", 9, rig_addr(3));
    TOLD(r, "conflict b;");
    CU_ASSERT_EQUAL(r.conflict.addr.bytes[3], 3);
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), 1);
    struct kith_addr other_port = rig_addr(2);
    other_port.port = 1;
    alive_at(&r, "b", 9, other_port);
    TOLD(r, "conflict b;");
    rig_suspect(&r, "b", 1, "x");
    alive_at(&r, "b", 9, rig_addr(3));
    TOLD(r, "conflict b;");
    rig_dead(&r, "b", 1, "x"); /* dead_node_reclaim_time is 0: never */
    TOLD(r, "leave b dead;");
    rig_run(&r, r.now + SEC);
    r.events[0] = 0;
    alive_at(&r, "b", 9, rig_addr(3));
    TOLD(r, "conflict b;");
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_DEAD);
    rig_fini(&r);
}

static void test_dead_name_is_reclaimed_after_a_time(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.dead_node_reclaim_time = 10 * SEC;
    rig_start(&r);
    rig_alive(&r, "b", 5, 2);
    rig_dead(&r, "b", 5, "x");
    TOLD(r, "join self;join b;leave b dead;");
    rig_run(&r, r.now + 10 * SEC); /* not longer than the time: still refused */
    alive_at(&r, "b", 9, rig_addr(3));
    TOLD(r, "conflict b;");
    rig_run(&r, r.now + SEC);
    alive_at(&r, "b", 1, rig_addr(3)); /* the incarnation does not count when the address moves */
    TOLD(r, "join b;");
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), 1);
    rig_fini(&r);
}

/* Upstream: DeadNodeLeft. */
static void test_left_name_takes_a_new_address_at_once(void)
{
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "b", 5, 2);
    rig_dead(&r, "b", 5, "b");
    TOLD(r, "join b;leave b left;");
    alive_at(&r, "b", 1, rig_addr(3));
    TOLD(r, "join b;");
    struct kith_member m = {.size = sizeof m};
    kith_core_find(r.core, rig_str("b"), &m);
    CU_ASSERT_EQUAL(m.addr.bytes[3], 3);
    CU_ASSERT_EQUAL(m.incarnation, 1);
    rig_fini(&r);
}

static void test_conflict_about_ourselves_is_reported_not_refuted(void)
{
    struct rig r;
    rig_new(&r);
    alive_at(&r, "self", 9, rig_addr(3));
    TOLD(r, "conflict self;");
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 1);
    CU_ASSERT_EQUAL(kith_core_health(r.core), 0);
    rig_fini(&r);
}

/* PROTOCOL.md T4 */
static void test_addresses_are_kept_and_passed_on_verbatim(void)
{
    struct rig r;
    rig_new(&r);
    struct kith_addr mapped = {.port = 7946, .len = 16, .bytes = {[10] = 0xff, 0xff, 10, 0, 0, 9}};
    alive_at(&r, "b", 1, mapped);
    struct kith_member m = {.size = sizeof m};
    CU_ASSERT_EQUAL_FATAL(kith_core_find(r.core, rig_str("b"), &m), 0);
    CU_ASSERT(kith_addr_equal(&m.addr, &mapped));
    rig_flush(&r);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_ALIVE, "b", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(s->msg.addr.len, 16);
    CU_ASSERT_EQUAL(memcmp(s->msg.addr.data, mapped.bytes, 16), 0);
    /* Whatever is made of the other form of it, the stored one stays. */
    alive_at(&r, "b", 2, rig_addr(9));
    kith_core_find(r.core, rig_str("b"), &m);
    CU_ASSERT(kith_addr_equal(&m.addr, &mapped));
    rig_fini(&r);
}

/* PROTOCOL.md T2 */
static void test_long_strings_are_raw_never_bin_or_str8(void)
{
    struct rig r;
    rig_new(&r);
    char name[41], meta[201];
    memset(name, 'n', 40);
    memset(meta, 'm', 200);
    name[40] = meta[200] = 0;
    struct kith_addr a = rig_addr(2);
    struct kith_msg m = rig_alive_msg(name, 1, &a, meta);
    rig_feed(&r, 2, &m);
    rig_flush(&r);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_ALIVE, name, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(memcmp(s->msg.node.data - 3, "\xda\0\x28", 3), 0);
    CU_ASSERT_EQUAL(memcmp(s->msg.meta.data - 3, "\xda\0\xc8", 3), 0);
    rig_fini(&r);
}

static void test_missing_port_means_our_own(void)
{
    struct rig r;
    rig_init(&r);
    r.config.default_port = 4321;
    rig_start(&r);
    struct kith_addr a = rig_addr(2);
    a.port = 0;
    alive_at(&r, "b", 1, a);
    struct kith_member m = {.size = sizeof m};
    CU_ASSERT_EQUAL_FATAL(kith_core_find(r.core, rig_str("b"), &m), 0);
    CU_ASSERT_EQUAL(m.addr.port, 4321);
    rig_fini(&r);
    rig_init(&r); /* protocol 1 has no ports on the wire */
    r.config.default_port = 4321;
    r.config.settings.protocol_version = 1;
    rig_start(&r);
    alive_at(&r, "b", 1, rig_addr(2));
    CU_ASSERT_EQUAL_FATAL(kith_core_find(r.core, rig_str("b"), &m), 0);
    CU_ASSERT_EQUAL(m.addr.port, 4321);
    rig_fini(&r);
}

static void test_cidrs_decide_who_may_be_a_member(void)
{
    static const struct kith_cidr nets[] = {{.bytes = {10, 0}, .len = 4, .prefix = 16}};
    struct rig r;
    rig_init(&r);
    r.config.settings.cidrs_allowed = nets;
    r.config.settings.cidrs_count = 1;
    CU_ASSERT_EQUAL(rig_start(&r), 0);
    struct kith_addr out = {.port = 7946, .len = 4, .bytes = {192, 168, 0, 1}};
    alive_at(&r, "b", 1, out); /* the address inside */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), -1);
    struct kith_addr in = rig_addr(5);
    struct kith_msg m = rig_alive_msg("c", 1, &in, NULL);
    struct rig_bytes b;
    rig_bytes_init(&b);
    kith_wire_write_message(&b.buf, &m);
    rig_packet(&r, &out, b.buf.data, b.buf.len); /* the datagram's source */
    CU_ASSERT_EQUAL(rig_state(&r, "c"), -1);
    rig_packet(&r, &in, b.buf.data, b.buf.len);
    CU_ASSERT_EQUAL(rig_state(&r, "c"), KITH_ALIVE);
    rig_dead(&r, "c", 1, "c");
    r.events[0] = 0;
    alive_at(&r, "c", 2, out); /* a change of address; no conflict is reported for it */
    TOLD(r, "");
    CU_ASSERT_EQUAL(rig_state(&r, "c"), KITH_LEFT);
    struct kith_addr mapped = {.port = 7946, .len = 16, .bytes = {[10] = 0xff, 0xff, 10, 0, 0, 9}};
    alive_at(&r, "d", 1, mapped); /* mapped addresses match IPv4 nets */
    CU_ASSERT_EQUAL(rig_state(&r, "d"), KITH_ALIVE);
    rig_suspect(&r, "d", 1, "x"); /* suspects and deads are not filtered by source */
    CU_ASSERT_EQUAL(rig_state(&r, "d"), KITH_SUSPECT);
    rig_fini(&r);
}

static bool allows(struct kith_cidr net, const char *bytes, size_t len)
{
    struct rig r;
    rig_init(&r);
    struct kith_cidr nets[2] = {{.bytes = {10, 0, 0, 1}, .len = 4, .prefix = 32}, net};
    r.config.settings.cidrs_allowed = nets;
    r.config.settings.cidrs_count = 2;
    CU_ASSERT_EQUAL(rig_start(&r), 0);
    struct kith_addr a = {.port = 7946, .len = (uint8_t)len};
    memcpy(a.bytes, bytes, len);
    struct kith_msg m = rig_alive_msg("b", 1, &a, NULL);
    rig_feed(&r, 1, &m);
    bool ok = rig_state(&r, "b") == KITH_ALIVE;
    rig_fini(&r);
    return ok;
}

/* Upstream: IsValidAddressOverride. */
static void test_prefixes_of_any_length(void)
{
    struct kith_cidr net = {.bytes = {172, 16}, .len = 4, .prefix = 12};
    CU_ASSERT(allows(net, "\xac\x10\0\1", 4));
    CU_ASSERT(allows(net, "\xac\x1f\xff\xff", 4));
    CU_ASSERT(!allows(net, "\xac\x20\0\1", 4));
    CU_ASSERT(!allows(net, "\xac\x10\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16));
    net.prefix = 0;
    CU_ASSERT(allows(net, "\1\2\3\4", 4));
    CU_ASSERT(
        !allows(net, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16)); /* v4 and v6 are listed apart */
    net = (struct kith_cidr){.bytes = {0xfd}, .len = 16, .prefix = 127};
    CU_ASSERT(allows(net, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16));
    CU_ASSERT(!allows(net, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16));
}

KITH_TESTS(
    "core/alive", {"alive adds a member", test_alive_adds_a_member},
    {"self is alive from the start", test_self_is_alive_from_the_start},
    {"old and equal incarnations are ignored", test_old_and_equal_incarnations_are_ignored},
    {"a higher incarnation alone is no event", test_higher_incarnation_alone_is_no_event},
    {"alive at incarnation 0 leaves a dead entry", test_alive_at_incarnation_0_leaves_a_dead_entry},
    {"unsound versions are refused", test_unsound_versions_are_refused},
    {"bytes after the versions are cut", test_bytes_after_the_versions_are_cut},
    {"odd forms are not passed on", test_odd_forms_are_not_passed_on},
    {"alive veto", test_alive_veto},
    {"alive veto of ourselves stops the start", test_alive_veto_of_ourselves_stops_the_start},
    {"conflicting address is refused while alive", test_conflicting_address_is_refused_while_alive},
    {"a dead name is reclaimed after a time", test_dead_name_is_reclaimed_after_a_time},
    {"a left name takes a new address at once", test_left_name_takes_a_new_address_at_once},
    {"a conflict about ourselves is reported, not refuted",
     test_conflict_about_ourselves_is_reported_not_refuted},
    {"addresses are kept and passed on verbatim", test_addresses_are_kept_and_passed_on_verbatim},
    {"long strings are raw, never bin or str8", test_long_strings_are_raw_never_bin_or_str8},
    {"a missing port means our own", test_missing_port_means_our_own},
    {"CIDRs decide who may be a member", test_cidrs_decide_who_may_be_a_member},
    {"prefixes of any length", test_prefixes_of_any_length})
