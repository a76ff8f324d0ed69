/*
 * test_top.c - incarnations near their top, where nobody can outdo a claim (WIRE.md, "Claims about
 * members"; PROTOCOL.md 2.5.8, T19).
 */
#include "bounds.h"
#include "core_rig.h"

#define HIGH KITH_INCARNATION_HIGH

static void quiet(struct rig *r)
{
    rig_init(r);
    r->config.settings.probe_interval = r->config.settings.gossip_interval = 0;
    r->config.settings.push_pull_interval = 5 * SEC;
    rig_start(r);
    rig_alive(r, "b", 1, 2);
}

/* An alive of b at its address. */
static void says(struct rig *r, uint32_t inc, const char *meta)
{
    struct kith_addr a = rig_addr(2);
    struct kith_msg m = rig_alive_msg("b", inc, &a, meta);
    rig_feed(r, 3, &m);
}

static bool meta_is(const struct rig *r, const char *meta)
{
    struct kith_member m = {.size = sizeof m};
    return kith_core_find(r->core, rig_str("b"), &m) == 0 && rig_is(m.meta, meta);
}

/* The next push/pull that is dialled, and its answer: one entry. Whom it was with. */
static const char *answered(struct rig *r, const struct rig_entry *e, size_t n)
{
    static char name[260];
    struct rig_bytes b;
    rig_clear(r);
    while (!rig_outs(r, KITH_OUT_DIAL)) rig_run(r, kith_core_deadline(r->core));
    const struct rig_out *d = rig_out(r, KITH_OUT_DIAL, rig_outs(r, KITH_OUT_DIAL) - 1);
    uint32_t stream = d->stream;
    strcpy(name, d->name);
    kith_core_stream_opened(r->core, r->now, stream, WHOM(NULL, NULL));
    rig_push_pull(&b, false, e, n, NULL);
    rig_data(r, stream, b.buf.data, b.buf.len);
    return name;
}

static double drops(const struct rig *r) { return rig_stat(r, "dropped", "max_incarnation"); }

static void test_claims_about_us_lift_us_no_higher(void)
{
    struct rig r;
    quiet(&r);
    rig_suspect(&r, "self", UINT32_MAX, "b");
    rig_dead(&r, "self", UINT32_MAX, "self");
    rig_dead(&r, "self", HIGH, "b");
    struct kith_msg m = rig_alive_msg("self", UINT32_MAX, &r.config.advertise, "forged");
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(drops(&r), 4);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 1);
    CU_ASSERT_EQUAL(kith_core_health(r.core), 0);
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_ALIVE);
    rig_suspect(&r, "self", HIGH - 1, "b"); /* below it they are answered, */
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), HIGH);
    rig_suspect(&r, "self", HIGH + 9, "b"); /* and from then on above, too */
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), HIGH + 10);
    m.incarnation = HIGH + 10;
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), HIGH + 11);
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_ALIVE);
    CU_ASSERT_EQUAL(drops(&r), 4);
    rig_fini(&r);
}

/* Where no incarnation is higher we still refute, and our meta still changes. */
static void test_at_the_very_top_life_goes_on(void)
{
    struct rig r;
    quiet(&r);
    rig_suspect(&r, "self", HIGH - 1, "b");
    rig_suspect(&r, "self", UINT32_MAX, "b");
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), UINT32_MAX);
    rig_flush(&r);
    rig_suspect(&r, "self", UINT32_MAX, "b");
    rig_flush(&r);
    CU_ASSERT_PTR_NOT_NULL(rig_find(&r, KITH_MSG_ALIVE, "self", 0));
    strcpy(r.meta, "new");
    r.meta_len = 3;
    CU_ASSERT(kith_core_update(r.core, r.now, SEC) > 0);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), UINT32_MAX);
    rig_flush(&r);
    bool seen = false;
    for (unsigned i = 0; i < rig_count(&r, KITH_MSG_ALIVE, "self"); i++)
        seen |= rig_is(rig_find(&r, KITH_MSG_ALIVE, "self", i)->msg.meta, "new");
    CU_ASSERT(seen);
    struct kith_settings set = r.config.settings; /* so do our versions and our address */
    set.protocol_version = 3;
    CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &set, 0, 0, r.now, NULL), 0);
    struct kith_addr moved = rig_addr(77);
    CU_ASSERT_EQUAL(kith_core_advertise(r.core, r.now, &moved, NULL), 0);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), UINT32_MAX);
    rig_fini(&r);
}

static void test_accusations_by_hearsay_are_dropped(void)
{
    struct rig r;
    quiet(&r);
    rig_suspect(&r, "b", UINT32_MAX, "x");
    rig_suspect(&r, "b", HIGH, "x");
    rig_dead(&r, "b", HIGH, "x");
    rig_dead(&r, "b", HIGH, "b"); /* a leave, too */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), 1);
    CU_ASSERT_EQUAL(drops(&r), 4);
    rig_suspect(&r, "b", HIGH - 1, "x");
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_SUSPECT);
    says(&r, HIGH, NULL); /* its answer says what is known */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), HIGH);
    rig_suspect(&r, "b", HIGH, "x");
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    CU_ASSERT_EQUAL(drops(&r), 5);
    rig_fini(&r);
}

/* Our own probing may still find somebody dead there; and the same height clears a suspicion where
 * there is no other. */
static void test_our_own_probing_counts_at_the_top(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.gossip_interval = r.config.settings.push_pull_interval = 0;
    rig_start(&r);
    rig_alive(&r, "b", UINT32_MAX, 2); /* new: whoever joins must hear of such members */
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), UINT32_MAX);
    while (rig_state(&r, "b") == KITH_ALIVE) rig_run(&r, kith_core_deadline(r.core));
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_SUSPECT);
    says(&r, UINT32_MAX, "other");
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_SUSPECT);
    says(&r, UINT32_MAX, NULL);
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    while (rig_state(&r, "b") != KITH_DEAD) rig_run(&r, kith_core_deadline(r.core));
    rig_fini(&r);
}

/* A forged alive changes nothing; the member is asked, and what it says then is taken. */
static void test_who_is_doubted_is_asked(void)
{
    static const uint32_t heights[] = {HIGH, UINT32_MAX};
    for (int i = 0; i < 2; i++) {
        struct rig r;
        quiet(&r);
        for (unsigned k = 10; k < 40; k++) rig_alive(&r, (char[]){'m', (char)k, 0}, 1, k);
        rig_flush(&r);
        says(&r, heights[i], "forged");
        CU_ASSERT_EQUAL(rig_inc(&r, "b"), 1);
        CU_ASSERT(!meta_is(&r, "forged"));
        CU_ASSERT_EQUAL(drops(&r), 1);
        /* It has followed nobody: what it says is what is known. */
        CU_ASSERT_STRING_EQUAL(answered(&r, &(struct rig_entry){"b", KITH_ALIVE, 1, 2}, 1), "b");
        CU_ASSERT_EQUAL(rig_inc(&r, "b"), 1);
        /* From now on any member may be asked. */
        CU_ASSERT_STRING_NOT_EQUAL(answered(&r, NULL, 0), "b");
        rig_fini(&r);
    }
}

/* Whatever was claimed before, the member's own word ends it: its meta at the same height, or at a
 * lower one after a restart. */
static void test_its_own_word_is_taken_at_any_height(void)
{
    static const struct {
        uint32_t known, own;
    } t[] = {{HIGH - 1, HIGH}, {HIGH, HIGH}, {UINT32_MAX, UINT32_MAX}, {UINT32_MAX, 1}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct rig r;
        rig_init(&r);
        r.config.settings.probe_interval = r.config.settings.gossip_interval = 0;
        rig_start(&r);
        says(&r, t[i].known, "forged");
        rig_flush(&r);
        says(&r, t[i].own, "true"); /* by hearsay */
        CU_ASSERT(meta_is(&r, "forged"));
        struct rig_entry e = {"b", KITH_ALIVE, t[i].own, 2, "true"};
        answered(&r, &e, 1);
        CU_ASSERT(meta_is(&r, "true"));
        CU_ASSERT_EQUAL(rig_inc(&r, "b"), t[i].own);
        rig_flush(&r); /* and is news, once */
        CU_ASSERT_PTR_NOT_NULL(rig_find(&r, KITH_MSG_ALIVE, "b", 0));
        while (rig_flush(&r), rig_count(&r, KITH_MSG_ALIVE, "b")) {}
        answered(&r, &e, 1);
        rig_flush(&r);
        CU_ASSERT_PTR_NULL(rig_find(&r, KITH_MSG_ALIVE, "b", 0));
        rig_fini(&r);
    }
}

/* Dead or left up there, a member that is back at 1 is asked, and its leave is believed of it. */
static void test_the_dead_come_back_and_the_living_leave(void)
{
    for (int left = 0; left < 2; left++) {
        struct rig r;
        quiet(&r);
        rig_dead(&r, "b", HIGH - 1, left ? "b" : "x");
        struct rig_entry e = {"b", KITH_ALIVE, HIGH, 2};
        says(&r, HIGH, NULL);
        CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE); /* nothing else is new */
        rig_dead(&r, "b", HIGH, "b");
        CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
        e.state = KITH_LEFT;
        CU_ASSERT_STRING_EQUAL(answered(&r, &e, 1), "b");
        CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_LEFT);
        says(&r, 1, NULL);
        CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_LEFT);
        e = (struct rig_entry){"b", KITH_ALIVE, 1, 2};
        CU_ASSERT_STRING_EQUAL(answered(&r, &e, 1), "b");
        CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
        CU_ASSERT_EQUAL(rig_inc(&r, "b"), 1);
        rig_fini(&r);
    }
}

/* Somebody else's word is hearsay on a stream, too; and whoever dials us may be anybody. */
static void test_whose_word_it_is(void)
{
    struct rig r;
    quiet(&r);
    rig_alive(&r, "c", 1, 3);
    says(&r, HIGH, NULL);
    struct rig_entry e[] = {{"c", KITH_ALIVE, 1, 3}, {"b", KITH_ALIVE, HIGH + 1, 2, "forged"}};
    while (strcmp(answered(&r, e, 2), "c") != 0) {}
    CU_ASSERT(!meta_is(&r, "forged"));
    struct rig_bytes b;
    rig_push_pull(&b, false, e, 2, NULL);
    rig_request(&r, 2, &b);
    CU_ASSERT(!meta_is(&r, "forged"));
    e[1].addr = 4; /* not from where we asked */
    while (strcmp(answered(&r, e + 1, 1), "b") != 0) {}
    CU_ASSERT(!meta_is(&r, "forged"));
    rig_fini(&r);
}

/* Forgers of many members get one push/pull more in each interval, no more. */
static void test_doubts_cost_one_push_pull_in_an_interval(void)
{
    struct rig r;
    quiet(&r);
    rig_populate(&r, 3, 12);
    for (unsigned n = 3; n <= 12; n++) {
        char name[8];
        struct kith_addr a = rig_addr(n);
        snprintf(name, sizeof name, "m%u", n);
        struct kith_msg m = rig_alive_msg(name, HIGH + n, &a, "forged");
        for (int i = 0; i < 3; i++) rig_feed(&r, 3, &m);
    }
    CU_ASSERT_EQUAL(drops(&r), 30);
    rig_clear(&r);
    rig_run(&r, r.now + 50 * SEC);
    CU_ASSERT(rig_outs(&r, KITH_OUT_DIAL) >= 9 && rig_outs(&r, KITH_OUT_DIAL) <= 20);
    rig_fini(&r);
}

/* A doubt is forgotten with its member. */
static void test_doubts_go_with_the_forgotten(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.push_pull_interval = 10 * SEC;
    r.config.settings.dead_node_reclaim_time = 0;
    rig_start(&r);
    rig_alive(&r, "b", 1, 2);
    rig_dead(&r, "b", 1, "b");
    says(&r, HIGH, "forged");
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_LEFT);
    rig_run(&r, r.now + 60 * SEC);
    CU_ASSERT_EQUAL(rig_state(&r, "b"), -1);
    rig_clear(&r);
    rig_run(&r, r.now + 30 * SEC);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_DIAL), 0);
    rig_fini(&r);
}

KITH_TESTS(
    "core/top", {"claims about us lift us no higher", test_claims_about_us_lift_us_no_higher},
    {"at the very top life goes on", test_at_the_very_top_life_goes_on},
    {"accusations by hearsay are dropped", test_accusations_by_hearsay_are_dropped},
    {"our own probing counts at the top", test_our_own_probing_counts_at_the_top},
    {"who is doubted is asked", test_who_is_doubted_is_asked},
    {"its own word is taken at any height", test_its_own_word_is_taken_at_any_height},
    {"the dead come back and the living leave", test_the_dead_come_back_and_the_living_leave},
    {"whose word it is", test_whose_word_it_is},
    {"doubts cost one push/pull in an interval", test_doubts_cost_one_push_pull_in_an_interval},
    {"doubts go with the forgotten", test_doubts_go_with_the_forgotten})
