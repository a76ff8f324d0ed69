/*
 * test_bounds.c - what strangers can fill: names, and the bytes of all members together. Whatever
 * they do, a full state can be sent, and newcomers can join.
 */
#include "bounds.h"
#include "core_rig.h"

static double members_bytes(const struct rig *r) { return rig_stat(r, "members_bytes", NULL); }

static bool add_up(void *arg, const struct kith_member *m)
{
    *(double *)arg += (double)(KITH_ENTRY_MAX + m->name.len + m->addr.len + m->meta.len);
    return true;
}

static double added_up(const struct rig *r)
{
    double sum = 0;
    uint64_t cursor = 0;
    while (cursor != UINT64_MAX) kith_core_visit(r->core, &cursor, 100, add_up, &sum);
    return sum;
}

/* No entry is longer than it is taken for. */
static void test_an_entry_is_no_longer(void)
{
    static const uint8_t bytes[KITH_META_LIMIT];
    const struct kith_msg longest = {.node = {bytes, KITH_NAME_LIMIT},
                                     .addr = {bytes, KITH_ADDR_MAX},
                                     .meta = {bytes, KITH_META_LIMIT},
                                     .vsn = {bytes, 6},
                                     .port = UINT16_MAX,
                                     .incarnation = UINT32_MAX,
                                     .state = KITH_LEFT};
    CU_ASSERT_EQUAL(kith_wire_size(KITH_BODY_NODE_STATE, &longest),
                    KITH_ENTRY_MAX + KITH_NAME_LIMIT + KITH_ADDR_MAX + KITH_META_LIMIT);
}

static void flood(struct rig *r, unsigned names, size_t meta_len)
{
    static uint8_t meta[KITH_META_LIMIT], bytes[KITH_META_LIMIT + 512];
    char name[16];
    struct kith_addr from = rig_addr(9);
    struct kith_peer peer = rig_peer(NULL, &from);
    for (size_t i = 0; i < sizeof meta; i++) meta[i] = (uint8_t)(i * 167 >> 3);
    for (unsigned i = 0; i < names; i++) {
        snprintf(name, sizeof name, "f%u", i);
        struct kith_addr a = rig_addr(10 + i % 60000);
        struct kith_msg m = rig_alive_msg(name, 1, &a, NULL);
        m.meta = kith_bytes_of(meta, meta_len);
        struct kith_buf buf = {bytes, bytes, 0, sizeof bytes};
        CU_ASSERT_EQUAL_FATAL(kith_wire_write_message(&buf, &m), 0);
        kith_core_packet(r->core, r->now, r->now, &peer, buf.data, buf.len, buf.len);
    }
}

static void without_ticks(struct rig *r)
{
    rig_init(r);
    r->config.settings.probe_interval = r->config.settings.gossip_interval = 0;
    r->config.settings.max_members = 200000;
}

static void test_a_state_can_always_be_sent(void)
{
    struct rig r, newcomer;
    without_ticks(&r);
    CU_ASSERT_EQUAL_FATAL(rig_start(&r), 0);
    rig_alive(&r, "friend", 1, 2);
    flood(&r, 100000, KITH_META_LIMIT);
    size_t known = kith_core_size(r.core);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "max_state"), 100002 - (double)known);
    CU_ASSERT(known > 3000);
    CU_ASSERT(r.logged > 0 && r.logged < 20);

    struct rig_bytes b; /* somebody joins */
    rig_push_pull(&b, true, NULL, 0, NULL);
    uint32_t s = rig_request(&r, 3, &b);
    const struct rig_out *state = rig_out(&r, KITH_OUT_WRITE, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(state);
    CU_ASSERT(state->stream == s && state->len <= r.config.settings.max_stream_size / 4 * 3);
    without_ticks(&newcomer);
    newcomer.config.settings.name = "new";
    CU_ASSERT_EQUAL_FATAL(rig_start(&newcomer), 0);
    rig_data(&newcomer, rig_accept(&newcomer, 1), state->data, state->len);
    CU_ASSERT_EQUAL(kith_core_size(newcomer.core), known + 1);
    CU_ASSERT_EQUAL(rig_state(&newcomer, "friend"), KITH_ALIVE);
    rig_fini(&newcomer);

    rig_alive(&r, "friend", 2, 2); /* those it knows are still heard, */
    CU_ASSERT_EQUAL(rig_inc(&r, "friend"), 2);
    memset(r.meta, 'm', r.meta_len = KITH_META_MAX); /* and it may say what it likes */
    CU_ASSERT(kith_core_update(r.core, r.now, 0) > 0);
    rig_fini(&r);
}

/* A member that is known may not grow over the bound either, nor become larger by moving. */
static void test_known_members_do_not_grow_over_it(void)
{
    struct rig r;
    without_ticks(&r);
    r.config.settings.max_stream_size = 64 * 1024;
    CU_ASSERT_EQUAL_FATAL(rig_start(&r), 0);
    rig_alive(&r, "b", 1, 2);
    flood(&r, 1000, 8);
    double most = 64 * 1024 / 4 * 3;
    CU_ASSERT(members_bytes(&r) <= most && members_bytes(&r) > most - 100);
    size_t known = kith_core_size(r.core);
    double drops = rig_stat(&r, "dropped", "max_state");
    struct kith_addr a = rig_addr(2);
    static char meta[200];
    memset(meta, 'x', sizeof meta - 1);
    struct kith_msg m = rig_alive_msg("b", 2, &a, meta);
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), 1);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "max_state"), drops + 1);
    rig_dead(&r, "b", 1, "b");
    m = rig_alive_msg("b", 2, &a, NULL);
    m.addr = kith_bytes_of(meta, KITH_ADDR_MAX);
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_LEFT);
    rig_alive(&r, "b", 2, 2); /* as large as before it may come back */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    CU_ASSERT_EQUAL(kith_core_size(r.core), known);
    CU_ASSERT_EQUAL(members_bytes(&r), added_up(&r));
    rig_fini(&r);
}

/* The sum follows all that happens. */
static void test_the_bytes_add_up(void)
{
    struct rig r;
    rig_init(&r);
    r.meta_len = 5;
    r.seals = true;
    CU_ASSERT_EQUAL_FATAL(rig_start(&r), 0);
    rig_populate(&r, 2, 20);
    CU_ASSERT_EQUAL(members_bytes(&r), added_up(&r));
    struct kith_addr a = rig_addr(3), other = rig_addr(33);
    struct kith_msg m = rig_alive_msg("m3", 2, &a, "longer");
    rig_feed(&r, 3, &m);
    CU_ASSERT_EQUAL(members_bytes(&r), added_up(&r));
    m = rig_alive_msg("m3", 3, &a, "l");
    rig_feed(&r, 3, &m);
    rig_dead(&r, "m3", 3, "m3");
    m = rig_alive_msg("m3", 1, &other, "it moved");
    rig_feed(&r, 3, &m);
    rig_suspect(&r, "m3", 1, "an accuser");
    rig_suspect(&r, "self", 1, "an accuser"); /* our own meta is sealed anew */
    CU_ASSERT_EQUAL(members_bytes(&r), added_up(&r));
    rig_run(&r, r.now + 200 * SEC); /* nobody answers: all are forgotten */
    CU_ASSERT_EQUAL(kith_core_size(r.core), 1);
    CU_ASSERT_EQUAL(members_bytes(&r), added_up(&r));
    rig_fini(&r);
}

/* A limit that leaves no room for those that are known is refused. */
static void test_a_smaller_limit(void)
{
    struct rig r;
    without_ticks(&r);
    CU_ASSERT_EQUAL_FATAL(rig_start(&r), 0);
    flood(&r, 1000, 100);
    struct kith_settings s = r.config.settings;
    struct kith_error err = {.size = sizeof err};
    s.max_stream_size = 128 * 1024;
    CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &s, 0, 0, r.now, &err), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "max_stream_size"));
    s.max_stream_size = 512 * 1024;
    CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &s, 0, 0, r.now, &err), 0);
    rig_fini(&r);
}

KITH_TESTS("core/bounds", {"an entry is no longer", test_an_entry_is_no_longer},
           {"a state can always be sent", test_a_state_can_always_be_sent},
           {"known members do not grow over it", test_known_members_do_not_grow_over_it},
           {"the bytes add up", test_the_bytes_add_up}, {"a smaller limit", test_a_smaller_limit})
