/*
 * test_announce.c - what this node says of itself: sealed meta, another address, what fits, and
 * the events of its own.
 */
#include "core_rig.h"

static bool meta_is(struct rig *r, const char *want)
{
    struct kith_member m = {.size = sizeof m};
    kith_core_self(r->core, &m);
    if (!rig_is(m.meta, want))
        printf("\n    meta %.*s\n", (int)m.meta.len, (const char *)m.meta.data);
    return rig_is(m.meta, want);
}

/* The alive about us that is gossiped last. */
static const struct kith_msg *gossiped(struct rig *r, uint32_t inc)
{
    rig_flush(r);
    for (unsigned i = 0;; i++) {
        const struct rig_sent *s = rig_find(r, KITH_MSG_ALIVE, "self", i);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        if (s->msg.incarnation == inc) return &s->msg;
    }
}

static void begin(struct rig *r, const char *meta)
{
    rig_init(r);
    r->seals = true;
    r->config.settings.probe_interval = 0;
    r->config.settings.gossip_interval = 0;
    r->meta_len = (int)strlen(meta);
    memcpy(r->meta, meta, strlen(meta));
    CU_ASSERT_EQUAL_FATAL(rig_start(r), 0);
}

/* The trailer depends on the incarnation: each alive of our own is sealed anew, from the bare meta.
 */
static void test_every_alive_is_sealed(void)
{
    struct rig r;
    struct kith_error err = {.size = sizeof err};
    struct kith_addr elsewhere = rig_addr(77);
    begin(&r, "hi");
    CU_ASSERT(meta_is(&r, "hi#1"));
    rig_populate(&r, 2, 3);
    CU_ASSERT(rig_is(gossiped(&r, 1)->meta, "hi#1"));
    memcpy(r.meta, "ho", 2);
    CU_ASSERT(kith_core_update(r.core, r.now, 0) > 0);
    CU_ASSERT(meta_is(&r, "ho#2"));
    rig_suspect(&r, "self", 2, "m3");
    CU_ASSERT(meta_is(&r, "ho#3"));
    CU_ASSERT(rig_is(gossiped(&r, 3)->meta, "ho#3"));
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &elsewhere, &err), 0);
    CU_ASSERT(rig_is(gossiped(&r, 4)->meta, "ho#4"));
    struct kith_settings s = r.config.settings;
    s.delegate_protocol_max = 4;
    CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &s, 64, 32, r.now, &err), 0);
    CU_ASSERT(rig_is(gossiped(&r, 5)->meta, "ho#5"));
    CU_ASSERT(meta_is(&r, "ho#5"));
    rig_fini(&r);
}

/* What we hear of ourselves is what we said, trailer and all: nothing to answer. */
static void test_our_echo_is_no_accusation(void)
{
    struct rig r;
    begin(&r, "hi");
    rig_populate(&r, 2, 3);
    rig_suspect(&r, "self", 1, "m3");
    CU_ASSERT(rig_same(r.own, "joined;refuted 2;"));
    struct kith_addr a = rig_addr(1);
    struct kith_msg echo = rig_alive_msg("self", 2, &a, "hi#2");
    rig_feed(&r, 2, &echo);
    CU_ASSERT(rig_same(r.own, ""));
    echo.meta = rig_str("hi#1");
    rig_feed(&r, 2, &echo);
    CU_ASSERT(rig_same(r.own, "refuted 3;"));
    rig_fini(&r);
}

/* No room, or no success: announced as it is. */
static void test_meta_without_room_for_a_trailer(void)
{
    struct rig r;
    char meta[512];
    memset(meta, 'x', 511);
    meta[511] = 0;
    begin(&r, meta);
    CU_ASSERT(meta_is(&r, meta));
    rig_fini(&r);
    memset(meta + 100, 0, 1);
    rig_init(&r);
    r.seals = true;
    r.budget = 100; /* not enough for our alive: find the budget that just is */
    r.meta_len = 100;
    memcpy(r.meta, meta, 100);
    while (rig_start(&r) == -KITH_ETOOBIG) {
        kith_core_free(r.core);
        r.budget++;
    }
    CU_ASSERT(meta_is(&r, meta));
    CU_ASSERT_EQUAL(kith_core_fits(r.core, KITH_FITS_META, NULL), 100);
    rig_fini(&r);
}

static void test_another_address(void)
{
    struct rig r;
    struct kith_addr elsewhere = rig_addr(77), none = {.port = 1};
    struct kith_member m = {.size = sizeof m};
    struct kith_error err = {.size = sizeof err};
    begin(&r, "hi");
    rig_populate(&r, 2, 3);
    r.events[0] = 0;
    elsewhere.port = 0;
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &none, &err), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &elsewhere, &err), 0);
    /* Whoever takes us for dead takes us back, where it knows us. */
    CU_ASSERT_EQUAL(gossiped(&r, 2)->addr.data[3], 1);
    TOLD(r, "update self;"); /* its seal */
    rig_clear(&r);
    r.events[0] = 0;
    rig_run(&r, r.now + SEC); /* we leave */
    rig_flush(&r);
    const struct rig_sent *left = rig_find(&r, KITH_MSG_DEAD, "self", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(left);
    CU_ASSERT_EQUAL(left->msg.incarnation, 2);
    CU_ASSERT(rig_is(left->msg.from, "self"));
    /* What comes back of it is no accusation, and neither is anything else. */
    rig_clear(&r);
    rig_dead(&r, "self", 2, "self");
    rig_suspect(&r, "self", 5, "m2");
    rig_flush(&r);
    CU_ASSERT_PTR_NULL(rig_find(&r, KITH_MSG_ALIVE, "self", 0));
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 2);
    TOLD(r, "");
    rig_run(&r, r.now + SEC); /* and come back, above all that was said */
    TOLD(r, "update self;");
    kith_core_self(r.core, &m);
    CU_ASSERT_EQUAL(m.addr.bytes[3], 77);
    CU_ASSERT_EQUAL(m.addr.port, 7946);
    CU_ASSERT_EQUAL(m.incarnation, 6);
    CU_ASSERT_EQUAL(gossiped(&r, 6)->addr.data[3], 77);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_GONE), 0); /* of ourselves nobody is told */
    /* The same again is no news. */
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &m.addr, &err), 0);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 6);
    /* Our pings say where we are. */
    rig_clear(&r);
    CU_ASSERT(kith_core_ping(r.core, r.now, WHOM("m2", NULL)) > 0);
    rig_poll(&r);
    CU_ASSERT_EQUAL(rig_find(&r, KITH_MSG_PING, "m2", 0)->msg.source_addr.data[3], 77);
    CU_ASSERT(kith_core_leave(r.core, r.now, 0) > 0);
    elsewhere = rig_addr(78);
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &elsewhere, &err), -KITH_ECLOSED);
    rig_fini(&r);
}

/* What is said meanwhile brings the old address back to life: it leaves once more. Others that saw
 * it leave take the new one, and one that joins while it is away is told that it left. */
static void test_moving_and_talking(void)
{
    struct rig r, other;
    struct kith_addr elsewhere = rig_addr(77);
    begin(&r, "hi");
    rig_populate(&r, 2, 2);
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &elsewhere, NULL), 0);
    rig_run(&r, r.now + SEC);
    CU_ASSERT(kith_core_update(r.core, r.now, 0) > 0);
    CU_ASSERT_EQUAL(gossiped(&r, 3)->addr.data[3], 1);
    rig_clear(&r);
    rig_run(&r, r.now + SEC);
    rig_flush(&r);
    CU_ASSERT_PTR_NOT_NULL_FATAL(rig_find(&r, KITH_MSG_DEAD, "self", 0));
    struct kith_msg left = rig_find(&r, KITH_MSG_DEAD, "self", 0)->msg;
    CU_ASSERT_EQUAL(left.incarnation, 3);
    begin(&other, "ho");
    struct kith_addr former = rig_addr(1);
    struct kith_msg was = rig_alive_msg("peer", 3, &former, ""), is = was;
    left.node = left.from = rig_str("peer");
    rig_feed(&other, 2, &was);
    rig_feed(&other, 2, &left);
    CU_ASSERT_EQUAL(rig_state(&other, "peer"), KITH_LEFT);
    is.incarnation = 4;
    is.addr = kith_bytes_of(elsewhere.bytes, elsewhere.len);
    rig_feed(&other, 2, &is);
    CU_ASSERT_EQUAL(rig_state(&other, "peer"), KITH_ALIVE);
    rig_run(&r, r.now + SEC);
    CU_ASSERT_EQUAL(gossiped(&r, 4)->addr.data[3], 77);
    rig_fini(&other);
    rig_fini(&r);
}

/* A leave on the way is for good; so is one that is alone, at once. */
static void test_moving_and_leaving(void)
{
    struct rig r;
    struct kith_addr elsewhere = rig_addr(77);
    begin(&r, "hi");
    rig_populate(&r, 2, 2);
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &elsewhere, NULL), 0);
    rig_run(&r, r.now + SEC);
    CU_ASSERT(kith_core_leave(r.core, r.now, 0) > 0);
    rig_run(&r, r.now + 5 * SEC);
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_LEFT);
    rig_fini(&r);
    begin(&r, "hi");
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &elsewhere, NULL), 0);
    CU_ASSERT_EQUAL(gossiped(&r, 2)->addr.data[3], 77);
    rig_fini(&r);
}

static void test_another_address_that_can_not_be(void)
{
    static const struct kith_cidr net = {.bytes = {10, 0, 0, 0}, .len = 4, .prefix = 24};
    struct rig r;
    struct kith_error err = {.size = sizeof err};
    struct kith_addr out = rig_addr(300), in = rig_addr(40);
    struct kith_member m = {.size = sizeof m};
    rig_init(&r);
    r.judges = KITH_CLAIM_ALIVE;
    r.config.settings.cidrs_allowed = &net;
    r.config.settings.cidrs_count = 1;
    CU_ASSERT_EQUAL_FATAL(rig_start(&r), 0);
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &out, &err), -KITH_EREFUSED);
    r.vetoes = KITH_CLAIM_ALIVE;
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &in, &err), -KITH_EREFUSED);
    kith_core_self(r.core, &m);
    CU_ASSERT_EQUAL(m.addr.bytes[3], 1);
    CU_ASSERT_EQUAL(m.incarnation, 1);
    r.vetoes = 0;
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &in, &err), 0);
    rig_fini(&r);
}

/* Before the start it is only noted; the start announces it. */
static void test_another_address_before_the_start(void)
{
    struct rig r;
    struct kith_addr a = rig_addr(9);
    rig_init(&r);
    CU_ASSERT_EQUAL_FATAL(kith_core_new(&r.core, &r.config, &r.env, 1, r.now, NULL), 0);
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &a, NULL), 0);
    CU_ASSERT_EQUAL(kith_core_start(r.core, r.now, NULL), 0);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 1);
    CU_ASSERT_EQUAL(gossiped(&r, 1)->addr.data[3], 9);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------------ what fits */

static void test_what_fits(void)
{
    struct rig r;
    static uint8_t big[1400];
    rig_init(&r);
    r.config.settings.probe_interval = 0;
    r.config.settings.gossip_interval = 0;
    r.budget_towards[5] = 200;
    CU_ASSERT_EQUAL_FATAL(rig_start(&r), 0);
    rig_populate(&r, 5, 6);
    size_t near = kith_core_fits(r.core, KITH_FITS_PACKET, WHOM("m5", NULL));
    struct kith_addr a = rig_addr(5);
    CU_ASSERT_EQUAL(near, 199);
    CU_ASSERT_EQUAL(kith_core_fits(r.core, KITH_FITS_PACKET, WHOM(NULL, &a)), near);
    CU_ASSERT_EQUAL(
        kith_core_send(r.core, r.now, WHOM("m5", NULL), kith_bytes_of(big, near + 1), false),
        -KITH_ETOOBIG);
    CU_ASSERT(kith_core_send(r.core, r.now, WHOM("m5", NULL), kith_bytes_of(big, near), false) > 0);
    CU_ASSERT_EQUAL(kith_core_fits(r.core, KITH_FITS_PACKET, WHOM("nobody", NULL)), 1399);
    size_t all = kith_core_fits(r.core, KITH_FITS_BROADCAST, NULL);
    CU_ASSERT_EQUAL(kith_core_broadcast(r.core, r.now, kith_bytes_of(big, all + 1), NO_KEY, 0),
                    -KITH_ETOOBIG);
    CU_ASSERT(kith_core_broadcast(r.core, r.now, kith_bytes_of(big, all), NO_KEY, 0) > 0);
    size_t most = kith_core_fits(r.core, KITH_FITS_STREAM, NULL); /* with its headers no more */
    CU_ASSERT(most < r.config.settings.max_stream_size &&
              most + 64 >= r.config.settings.max_stream_size);
    uint8_t *huge = calloc(1, most + 1);
    CU_ASSERT_EQUAL(
        kith_core_send(r.core, r.now, WHOM("m5", NULL), kith_bytes_of(huge, most + 1), true),
        -KITH_ETOOBIG);
    CU_ASSERT(kith_core_send(r.core, r.now, WHOM("m5", NULL), kith_bytes_of(huge, most), true) > 0);
    free(huge);
    CU_ASSERT_EQUAL(kith_core_fits(r.core, KITH_FITS_ACK, NULL), 1336);
    CU_ASSERT_EQUAL(kith_core_fits(r.core, KITH_FITS_META, NULL), 512);
    rig_fini(&r);
}

/* Meta of exactly that length is taken, of one byte more refused, whatever packets there are. */
static void test_meta_that_fits(void)
{
    struct rig r;
    rig_init(&r);
    CU_ASSERT_EQUAL_FATAL(rig_start(&r), 0);
    for (r.budget = 100; r.budget < 700; r.budget++) {
        size_t most = kith_core_fits(r.core, KITH_FITS_META, NULL);
        r.meta_len = (int)most;
        CU_ASSERT(kith_core_update(r.core, r.now, 0) > 0);
        r.meta_len++;
        CU_ASSERT_EQUAL(kith_core_update(r.core, r.now, 0), -KITH_ETOOBIG);
        rig_poll(&r);
    }
    rig_fini(&r);
}

static void test_errors_name_the_limit_that_binds(void)
{
    struct rig r;
    struct kith_error err = {.size = sizeof err};
    rig_init(&r);
    r.budget = 120;
    r.meta_len = 200;
    CU_ASSERT_EQUAL_FATAL(kith_core_new(&r.core, &r.config, &r.env, 1, r.now, NULL), 0);
    CU_ASSERT_EQUAL(kith_core_start(r.core, r.now, &err), -KITH_ETOOBIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "120 bytes (the limit is the rig's limit)"));
    kith_core_free(r.core);
    r.env.packet_budget = NULL;
    r.config.settings.udp_buffer_size = 130;
    CU_ASSERT_EQUAL_FATAL(kith_core_new(&r.core, &r.config, &r.env, 1, r.now, NULL), 0);
    CU_ASSERT_EQUAL(kith_core_start(r.core, r.now, &err), -KITH_ETOOBIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "130 bytes (the limit is udp_buffer_size)"));
    rig_fini(&r);
}

/* ----------------------------------------------------------------------------------- own events */

static void test_joined_once(void)
{
    struct rig r;
    rig_new(&r);
    CU_ASSERT(rig_same(r.own, "")); /* we are nobody else */
    rig_populate(&r, 2, 3);
    CU_ASSERT(rig_same(r.own, "joined;"));
    rig_dead(&r, "m2", 1, "m2");
    rig_dead(&r, "m3", 1, "m3");
    rig_alive(&r, "m2", 2, 2);
    CU_ASSERT(rig_same(r.own, ""));
    rig_fini(&r);
}

static void test_refuted(void)
{
    struct rig r;
    rig_new(&r);
    rig_suspect(&r, "self", 4, "m2");
    CU_ASSERT(rig_same(r.own, "refuted 5;"));
    rig_dead(&r, "self", 5, "m2");
    CU_ASSERT(rig_same(r.own, "refuted 6;"));
    rig_suspect(&r, "self", 5, "m2"); /* stale: nothing to answer */
    CU_ASSERT(rig_same(r.own, ""));
    rig_fini(&r);
}

/* Update: meta, or versions. */
static void test_updates(void)
{
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "b", 1, 2);
    TOLD(r, "join b;");
    rig_alive(&r, "b", 2, 2);
    TOLD(r, "");
    struct kith_addr a = rig_addr(2);
    struct kith_msg m = rig_alive_msg("b", 3, &a, NULL);
    m.vsn = kith_bytes_of("\1\5\3\0\0\0", 6);
    rig_feed(&r, 2, &m);
    TOLD(r, "update b;");
    m.incarnation = 4;
    m.meta = rig_str("new");
    rig_feed(&r, 2, &m);
    TOLD(r, "update b;");
    rig_fini(&r);
}

KITH_TESTS("core/announce", {"every alive is sealed", test_every_alive_is_sealed},
           {"our echo is no accusation", test_our_echo_is_no_accusation},
           {"meta without room for a trailer", test_meta_without_room_for_a_trailer},
           {"another address", test_another_address},
           {"moving and talking", test_moving_and_talking},
           {"moving and leaving", test_moving_and_leaving},
           {"another address that can not be", test_another_address_that_can_not_be},
           {"another address before the start", test_another_address_before_the_start},
           {"what fits", test_what_fits}, {"meta that fits", test_meta_that_fits},
           {"errors name the limit that binds", test_errors_name_the_limit_that_binds},
           {"joined once", test_joined_once}, {"refuted", test_refuted}, {"updates", test_updates})
