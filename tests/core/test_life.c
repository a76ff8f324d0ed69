/*
 * test_life.c - a core as a whole: made, started, changed by a reload, freed; that requests end
 * exactly once, that drops are counted, and addresses that are not IP addresses.
 */
#include "bounds.h"
#include "core_rig.h"

static void test_before_the_start(void)
{
    struct rig r;
    rig_init(&r);
    struct kith_error err = {.size = sizeof err};
    CU_ASSERT_EQUAL_FATAL(kith_core_new(&r.core, &r.config, &r.env, 1, r.now, &err), 0);
    struct kith_addr a = rig_addr(2);
    CU_ASSERT_EQUAL(kith_core_stream_accepted(r.core, r.now, WHOM(NULL, &a)), 0);
    CU_ASSERT(kith_core_join(r.core, r.now, WHOM("", &a)) < 0);
    CU_ASSERT(kith_core_leave(r.core, r.now, 0) < 0);
    CU_ASSERT(kith_core_update(r.core, r.now, 0) < 0);
    CU_ASSERT(kith_core_broadcast(r.core, r.now, rig_str("x"), NO_KEY, 0) < 0);
    rig_alive(&r, "m2", 1, 2);
    rig_run(&r, r.now + 10 * SEC);
    CU_ASSERT_EQUAL(r.outs_n, 0);
    CU_ASSERT_EQUAL(kith_core_alive(r.core), 0);
    CU_ASSERT_EQUAL(kith_core_start(r.core, r.now, &err), 0);
    TOLD(r, "join self;");
    CU_ASSERT(kith_core_start(r.core, r.now, &err) < 0);
    rig_fini(&r);
}

/* A delegate that was built when there were fewer functions: behind its size is something else. */
static void test_an_older_delegate(void)
{
    struct rig r;
    rig_init(&r);
    struct kith_error err = {.size = sizeof err};
    struct kith_delegate_ops older = *r.env.delegate;
    older.size = offsetof(struct kith_delegate_ops, message);
    r.env.delegate = &older;
    CU_ASSERT_EQUAL_FATAL(kith_core_new(&r.core, &r.config, &r.env, 1, r.now, &err), 0);
    CU_ASSERT_EQUAL(kith_core_start(r.core, r.now, &err), 0);
    struct kith_addr a = rig_addr(9);
    rig_packet(&r, &a, "\x08yes", 4);
    TOLD(r, "join self;");
    rig_fini(&r);
}

static int refusal(void (*spoil)(struct rig *))
{
    struct rig r;
    rig_init(&r);
    spoil(&r);
    struct kith_error err = {.size = sizeof err};
    int rc = kith_core_new(&r.core, &r.config, &r.env, 1, r.now, &err);
    if (rc == 0) {
        rc = kith_core_start(r.core, r.now, &err);
        kith_core_free(r.core);
    }
    CU_ASSERT_EQUAL(err.code, rc);
    CU_ASSERT(err.text[0] != 0);
    return rc;
}

static void small_packets(struct rig *r)
{
    r->meta_len = 512;
    r->budget = 580;
}

static void version_0(struct rig *r) { r->config.settings.protocol_version = 0; }
static void version_6(struct rig *r) { r->config.settings.protocol_version = 6; }
static void no_name(struct rig *r) { r->config.settings.name = ""; }
static void no_address(struct rig *r) { r->config.advertise.len = 0; }
static const struct kith_cidr elsewhere = {.bytes = {192, 168}, .len = 4, .prefix = 16};
static void outside(struct rig *r)
{
    r->config.settings.cidrs_allowed = &elsewhere;
    r->config.settings.cidrs_count = 1;
}

/* Upstream: Create_protocolVersion, and what crashes there later. */
static void test_what_can_t_start(void)
{
    CU_ASSERT_EQUAL(refusal(version_0), -KITH_EINVAL);
    CU_ASSERT_EQUAL(refusal(version_6), -KITH_EINVAL);
    CU_ASSERT_EQUAL(refusal(no_name), -KITH_EINVAL);
    CU_ASSERT_EQUAL(refusal(no_address), -KITH_EINVAL);
    CU_ASSERT_EQUAL(refusal(outside), -KITH_EREFUSED);
    CU_ASSERT_EQUAL(refusal(small_packets), -KITH_ETOOBIG);
}

/* A delegate that gives none, or too much, costs its meta, not the node. */
static void test_starts_without_meta(void)
{
    static const int lengths[] = {-KITH_EIO, 513, 1 << 20};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct kith_member self = {.size = sizeof self};
        struct rig r;
        rig_init(&r);
        r.meta_len = lengths[i];
        CU_ASSERT_EQUAL(rig_start(&r), 0);
        kith_core_self(r.core, &self);
        CU_ASSERT_EQUAL(self.meta.len, 0);
        CU_ASSERT_EQUAL(self.state, KITH_ALIVE);
        rig_fini(&r);
    }
}

/* The smallest budget that a node with this meta can start with. */
static size_t smallest_budget(int meta_len, struct kith_error *err)
{
    size_t budget = 0;
    for (int rc = -1; rc < 0 && budget < 1000;) {
        struct rig r;
        rig_init(&r);
        r.meta_len = meta_len;
        r.budget = ++budget;
        CU_ASSERT_EQUAL_FATAL(kith_core_new(&r.core, &r.config, &r.env, 1, r.now, NULL), 0);
        rc = kith_core_start(r.core, r.now, err);
        rig_fini(&r);
    }
    return budget;
}

/* A node whose alive message no packet can carry would never be known: it says so, with sizes. */
static void test_own_alive_must_fit_a_packet(void)
{
    struct kith_error err = {.size = sizeof err};
    size_t budget = smallest_budget(512, &err);
    char want[80];
    CU_ASSERT(budget > 512 && budget < 700);
    CU_ASSERT_EQUAL(smallest_budget(100, &err), budget - 412);
    CU_ASSERT_EQUAL(err.code, -KITH_ETOOBIG);
    snprintf(want, sizeof want, "100 of them meta, can't be gossiped in packets of %zu bytes",
             budget - 413);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, want));

    struct rig r; /* with the smallest it is gossiped, refutations at any height included */
    rig_init(&r);
    r.meta_len = 512;
    r.budget = budget;
    r.config.incarnation = KITH_INCARNATION_HIGH;
    r.config.settings.probe_interval = 0;
    CU_ASSERT_EQUAL(rig_start(&r), 0);
    rig_populate(&r, 2, 3);
    rig_suspect(&r, "self", UINT32_MAX - 1, "m2");
    rig_clear(&r);
    rig_run(&r, r.now + SEC);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_ALIVE, "self", 0);
    CU_ASSERT(s && s->msg.incarnation == UINT32_MAX && s->msg.meta.len == 512);
    CU_ASSERT_EQUAL(rig_drops(&r), 0);
    rig_fini(&r);
}

/* New settings that would make packets too small change nothing; smaller ones that do cost what is
 * queued and too long. */
static void test_smaller_packets(void)
{
    struct rig r;
    rig_init(&r);
    r.meta_len = 300;
    r.config.settings.probe_interval = 0;
    CU_ASSERT_EQUAL(rig_start(&r), 0);
    rig_populate(&r, 2, 3);
    rig_clear(&r);
    static uint8_t long_text[900];
    int64_t lost =
        kith_core_broadcast(r.core, r.now, kith_bytes_of(long_text, sizeof long_text), NO_KEY, 0);
    int64_t kept = kith_core_broadcast(r.core, r.now, rig_str("short"), NO_KEY, 0);
    struct kith_settings s = r.config.settings;
    struct kith_error err = {.size = sizeof err};
    s.gossip_interval = 0;
    r.budget = 300;
    CU_ASSERT_EQUAL(
        kith_core_check(r.core, &s, (struct kith_core_budget){300, "the transport"}, &err),
        -KITH_ETOOBIG);
    CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &s, 64, 32, r.now, &err), -KITH_ETOOBIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "300 of them meta"));
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_dones(&r, lost), 0);

    r.budget = 500;
    CU_ASSERT_EQUAL(
        kith_core_check(r.core, &r.config.settings, (struct kith_core_budget){500, ""}, &err), 0);
    CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &r.config.settings, 64, 32, r.now, &err), 0);
    rig_poll(&r);
    CU_ASSERT_EQUAL_FATAL(rig_dones(&r, lost), 1);
    CU_ASSERT_EQUAL(rig_done(&r, lost)->status, -KITH_EAGAIN);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "broadcast_too_big"), 1);
    CU_ASSERT_EQUAL(rig_dones(&r, kept), 0);
    rig_run(&r, r.now + 5 * SEC);
    CU_ASSERT_EQUAL_FATAL(rig_dones(&r, kept), 1);
    CU_ASSERT_EQUAL(rig_done(&r, kept)->status, 0);
    rig_fini(&r);
}

/* What the core is asked to fill is as long as its size says, not a byte more. */
static void fill(struct rig *r, int how, uint32_t size)
{
    struct {
        struct kith_member m;
        uint8_t canary[16];
    } box;
    struct kith_member full = {.size = sizeof full};
    memset(&box, 0xa5, sizeof box);
    box.m.size = size;
    switch (how) {
    case 0: kith_core_self(r->core, &full), kith_core_self(r->core, &box.m); break;
    default:
        CU_ASSERT_EQUAL(kith_core_find(r->core, rig_str("self"), &full), 0);
        CU_ASSERT_EQUAL(kith_core_find(r->core, rig_str("self"), &box.m), 0);
    }
    const uint8_t *bytes = (const uint8_t *)&box, *want = (const uint8_t *)&full;
    uint32_t written = size < sizeof full ? size : (uint32_t)sizeof full;
    CU_ASSERT_EQUAL(box.m.size, written);
    for (size_t i = sizeof box.m.size; i < sizeof box; i++)
        CU_ASSERT_EQUAL(bytes[i], i < written ? want[i] : 0xa5);
}

static void test_no_byte_behind_the_size(void)
{
    static const uint32_t sizes[] = {0, 4, 16, sizeof(struct kith_member),
                                     sizeof(struct kith_member) + 8};
    struct rig r;
    rig_init(&r);
    r.config.settings.gossip_interval = 0;
    CU_ASSERT_EQUAL_FATAL(kith_core_new(&r.core, &r.config, &r.env, 1, r.now, NULL), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) fill(&r, 0, sizes[i]);
    CU_ASSERT_EQUAL(kith_core_start(r.core, r.now, NULL), 0);
    for (int how = 0; how < 2; how++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) fill(&r, how, sizes[i]);
    rig_fini(&r);
}

static void test_ports_and_incarnations_by_default(void)
{
    struct rig r;
    rig_init(&r);
    r.config.advertise.port = 0;
    r.config.default_port = 1234;
    r.config.incarnation = 17;
    rig_start(&r);
    struct kith_member m = {.size = sizeof m};
    kith_core_self(r.core, &m);
    CU_ASSERT_EQUAL(m.addr.port, 1234);
    CU_ASSERT_EQUAL(m.incarnation, 17);
    struct kith_addr a = rig_addr(9);
    a.port = 0;
    CU_ASSERT(kith_core_join(r.core, r.now, WHOM("", &a)) > 0);
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_out(&r, KITH_OUT_DIAL, 0)->to.port, 1234);
    rig_fini(&r);
}

/* Any transport's addresses: up to 128 bytes, passed on as they are. */
static void test_addresses_are_opaque(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.gossip_interval = r.config.settings.push_pull_interval = 0;
    rig_start(&r);
    struct kith_addr a = {.port = 9, .len = 128};
    for (int i = 0; i < 128; i++) a.bytes[i] = (uint8_t)(i * 7);
    struct kith_msg m = rig_alive_msg("far", 1, &a, NULL);
    rig_feed(&r, 9, &m);
    CU_ASSERT_EQUAL(rig_state(&r, "far"), KITH_ALIVE);
    rig_run(&r, RIG_EPOCH + SEC);
    const struct rig_sent *p = rig_find(&r, KITH_MSG_PING, "far", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT(kith_addr_equal(&r.outs[p->out].to, &a));
    rig_flush(&r);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_ALIVE, "far", 0);
    CU_ASSERT(s && s->msg.addr.len == 128 && memcmp(s->msg.addr.data, a.bytes, 128) == 0);
    rig_fini(&r);
}

/* All chance comes from the seed. */
static void test_the_seed_decides(void)
{
    char order[3][400] = {""};
    for (uint64_t i = 0; i < 3; i++) {
        struct rig r;
        rig_init(&r);
        r.seed = 5 + i / 2;
        rig_start(&r);
        r.answer_pings = true;
        rig_populate(&r, 2, 40);
        rig_run(&r, r.now + 39 * SEC);
        const struct rig_sent *p;
        for (unsigned k = 0; (p = rig_find(&r, KITH_MSG_PING, NULL, k)); k++)
            strncat(order[i], (const char *)p->msg.node.data, p->msg.node.len);
        rig_fini(&r);
    }
    CU_ASSERT_STRING_EQUAL(order[0], order[1]);
    CU_ASSERT_STRING_NOT_EQUAL(order[0], order[2]);
}

static void test_drops_are_counted_by_reason(void)
{
    static const struct {
        const char *data;
        size_t len;
        const char *reason;
    } t[] = {{"", 0, "empty_message"},
             {"\x63", 1, "unknown_type"},
             {"\4\xc1", 2, "malformed"},
             {"\7", 1, "malformed"},
             {"\7\1\0\5", 4, "truncated_part"},
             {"\2\x80", 2, "ack_not_expected"},
             {"\0\x81\xa4Node\xa1x", 9, "ping_for_another"},
             {"\1\x80", 2, "bad_address"},
             {"\4\x80", 2, "bad_name"},
             {"\4\x81\xa4Node\xa1x", 9, "bad_address"}};
    struct rig r;
    rig_new(&r);
    struct kith_addr from = rig_addr(9);
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        double before = rig_stat(&r, "dropped", t[i].reason), all = rig_drops(&r);
        rig_packet(&r, &from, t[i].data, t[i].len);
        CU_ASSERT_EQUAL(rig_stat(&r, "dropped", t[i].reason), before + 1);
        CU_ASSERT_EQUAL(rig_drops(&r), all + 1);
    }
    uint32_t s = rig_accept(&r, 9);
    rig_data(&r, s, "\x63", 1);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "stream_unknown_type"), 1);
    s = rig_accept(&r, 9);
    rig_data(&r, s, "\6\x83", 2);
    kith_core_stream_end(r.core, r.now, s);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "stream_truncated"), 1);
    rig_fini(&r);
}

/* ----------------------------------------------------------------------------- names, reload */

/* PROTOCOL.md T12 */
static void test_names_may_be_required(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.require_node_names = true;
    r.config.settings.probe_interval = r.config.settings.push_pull_interval = 0;
    rig_start(&r);
    rig_clear(&r);
    struct kith_addr a = rig_addr(9);
    struct kith_msg m = {.type = KITH_MSG_PING, .seq_no = 4, .node = rig_str("self")};
    rig_feed(&r, 9, &m); /* no SourceNode: whom to answer? */
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 0);
    m.source_addr = kith_bytes_of(a.bytes, 4);
    m.source_port = 7946;
    m.source_node = rig_str("m9");
    rig_feed(&r, 9, &m);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ACK, NULL), 1);
    int64_t q = kith_core_join(r.core, r.now, WHOM("", &a));
    rig_poll(&r);
    CU_ASSERT(q < 0 || (rig_done(&r, q) && rig_done(&r, q)->status < 0));
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_DIAL), 0);
    q = kith_core_send(r.core, r.now, WHOM(NULL, &a), rig_str("x"), false);
    rig_poll(&r);
    CU_ASSERT(q < 0 || (rig_done(&r, q) && rig_done(&r, q)->status < 0));
    CU_ASSERT(kith_core_join(r.core, r.now, WHOM("m9", &a)) > 0);
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_DIAL), 1);
    rig_fini(&r);
}

static void test_reconfigure(void)
{
    struct rig r;
    rig_new(&r);
    r.answer_pings = true;
    rig_populate(&r, 2, 5);
    rig_suspect(&r, "m2", 1, "x");
    struct kith_settings s = r.config.settings;
    s.name = "somebody else";
    s.probe_interval = 100 * MS;
    s.probe_timeout = 50 * MS;
    s.gossip_interval = 50 * MS;
    struct kith_error err = {.size = sizeof err};
    CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &s, 64, 32, r.now, &err), 0);
    struct kith_member m = {.size = sizeof m};
    kith_core_self(r.core, &m);
    CU_ASSERT(rig_is(m.name, "self"));
    CU_ASSERT_EQUAL(m.incarnation, 1); /* nothing that others should know has changed */
    CU_ASSERT_EQUAL(kith_core_size(r.core), 5);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_SUSPECT);
    rig_run(&r, r.now + 2 * SEC);
    rig_clear(&r);
    rig_run(&r, r.now + SEC);
    CU_ASSERT(rig_count(&r, KITH_MSG_PING, NULL) >= 9);
    s.gossip_nodes = 0; /* one after the other: off and on again */
    kith_core_reconfigure(r.core, &s, 64, 32, r.now, &err);
    rig_alive(&r, "m3", 2, 3);
    rig_clear(&r);
    rig_run(&r, r.now + 90 * MS);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), rig_count(&r, KITH_MSG_PING, NULL));
    s.gossip_nodes = 3;
    kith_core_reconfigure(r.core, &s, 64, 32, r.now, &err);
    s.probe_interval = 0;
    s.push_pull_interval = 0;
    kith_core_reconfigure(r.core, &s, 64, 32, r.now, &err);
    rig_run(&r, r.now + SEC);
    rig_clear(&r);
    rig_run(&r, r.now + 100 * SEC);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_PING, NULL), 0);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_DIAL), 0);
    s.probe_interval = 100 * MS;
    kith_core_reconfigure(r.core, &s, 64, 32, r.now, &err);
    rig_run(&r, r.now + SEC);
    CU_ASSERT(rig_count(&r, KITH_MSG_PING, NULL) >= 8);
    s.push_pull_interval = 30 * SEC;
    kith_core_reconfigure(r.core, &s, 64, 32, r.now, &err);
    rig_run(&r, r.now + 60 * SEC);
    CU_ASSERT(rig_outs(&r, KITH_OUT_DIAL) >= 1);
    rig_clear(&r); /* what others are told of us changes: they hear of it */
    s.protocol_version = 3;
    s.delegate_protocol_max = 5;
    CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &s, 100, 50, r.now, &err), 0);
    r.config.headroom = 100;
    r.config.tailroom = 50;
    rig_flush(&r);
    const struct rig_sent *a = rig_find(&r, KITH_MSG_ALIVE, "self", 0);
    CU_ASSERT(a && memcmp(a->msg.vsn.data, "\1\5\3\0\5\0", 6) == 0);
    s.protocol_version = 9; /* a bad one changes nothing */
    s.probe_interval = 0;
    CU_ASSERT(kith_core_reconfigure(r.core, &s, 100, 50, r.now, &err) < 0);
    rig_clear(&r);
    rig_run(&r, r.now + SEC);
    CU_ASSERT(rig_count(&r, KITH_MSG_PING, NULL) >= 8);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------ exactly once */

static void test_every_request_ends_once_whatever_happens(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rig r;
        rig_init(&r);
        r.seed = seed;
        rig_start(&r);
        rig_populate(&r, 2, 6);
        int64_t q[200];
        int n = 0;
        uint64_t x = seed * 0x9E3779B97F4A7C15ull;
        size_t seen = 0;
        for (int step = 0; step < 300; step++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            struct kith_addr a = rig_addr(2 + x % 5);
            int64_t got = 0;
            if (n < 150) {
                switch (x >> 8 & 15) {
                case 0: got = kith_core_join(r.core, r.now, WHOM("", &a)); break;
                case 1: got = kith_core_update(r.core, r.now, x >> 16 & 1 ? SEC : 0); break;
                case 2: got = kith_core_broadcast(r.core, r.now, rig_str("b"), NO_KEY, 0); break;
                case 3:
                    got = kith_core_send(r.core, r.now, WHOM("m2", NULL), rig_str("s"), true);
                    break;
                case 4:
                    got = kith_core_send(r.core, r.now, WHOM(NULL, &a), rig_str("s"), false);
                    break;
                case 5: got = kith_core_ping(r.core, r.now, WHOM("m3", &a)); break;
                case 6:
                    if (step > 150) got = kith_core_leave(r.core, r.now, 0);
                    break;
                }
                if (got > 0) q[n++] = got;
            }
            rig_poll(&r);
            for (; seen < r.outs_n;
                 seen++) { /* streams: opened, refused, reset, or never heard of again */
                uint32_t s = r.outs[seen].stream;
                if (r.outs[seen].kind != KITH_OUT_DIAL) continue;
                if (x >> 20 & 1) kith_core_stream_opened(r.core, r.now, s, WHOM(NULL, NULL));
                if (x >> 21 & 1) kith_core_stream_closed(r.core, r.now, s, -KITH_ECLOSED);
                if (x >> 22 & 1) kith_core_stream_end(r.core, r.now, s);
            }
            for (size_t i = 0; i < r.sent_n; i++)
                if (r.sent[i].msg.type == KITH_MSG_PING && (x >> (i % 20) & 1))
                    rig_ack(&r, 2, r.sent[i].msg.seq_no);
            rig_run(&r, r.now + (x >> 30) % (300 * MS));
        }
        rig_run(&r, r.now + 100 * SEC);
        for (uint32_t inc = 2; inc < 40;
             inc++) { /* whoever was lost is back, so that broadcasts end */
            for (unsigned i = 2; i <= 6; i++)
                rig_alive(&r, (char[]){'m', (char)('0' + i), 0}, 100 + inc, i);
            rig_run(&r, r.now + SEC);
        }
        for (int i = 0; i < n; i++) CU_ASSERT_EQUAL(rig_dones(&r, q[i]), 1);
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_DONE), (unsigned)n);
        rig_fini(&r);
    }
}

static void test_free_with_everything_under_way(void)
{
    struct rig r;
    rig_new(&r);
    rig_populate(&r, 2, 6);
    struct kith_addr a = rig_addr(2);
    kith_core_join(r.core, r.now, WHOM("", &a));
    kith_core_update(r.core, r.now, 0);
    kith_core_broadcast(r.core, r.now, rig_str("b"), NO_KEY, 0);
    kith_core_send(r.core, r.now, WHOM("m2", NULL), rig_str("s"), true);
    kith_core_ping(r.core, r.now, WHOM("m3", &a));
    kith_core_leave(r.core, r.now, 0);
    rig_accept(&r, 9);
    uint32_t s = rig_accept(&r, 9);
    kith_core_stream_data(r.core, r.now, s, (const uint8_t *)"\6\x83\xa4Join\xc2", 8);
    rig_fini(&r); /* outputs not polled, too: the sanitizer looks */
}

KITH_TESTS("core/life", {"starts without meta", test_starts_without_meta},
           {"before the start", test_before_the_start},
           {"an older delegate", test_an_older_delegate},
           {"what can't start", test_what_can_t_start},
           {"our own alive must fit a packet", test_own_alive_must_fit_a_packet},
           {"smaller packets", test_smaller_packets},
           {"no byte behind the size", test_no_byte_behind_the_size},
           {"ports and incarnations by default", test_ports_and_incarnations_by_default},
           {"addresses are opaque", test_addresses_are_opaque},
           {"the seed decides", test_the_seed_decides},
           {"drops are counted by reason", test_drops_are_counted_by_reason},
           {"names may be required", test_names_may_be_required}, {"reconfigure", test_reconfigure},
           {"every request ends once, whatever happens",
            test_every_request_ends_once_whatever_happens},
           {"free with everything under way", test_free_with_everything_under_way})
