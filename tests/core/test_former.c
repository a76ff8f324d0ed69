/*
 * test_former.c - a name that comes back from another address, and what is said of its former life
 * (docs/WIRE.md, "Claims about members").
 */
#include "core_rig.h"

enum { WAS = 20, IS = 30 }; /* where x lived, and lives */

static void begin(struct rig *r, void (*tune)(struct kith_settings *))
{
    rig_init(r);
    r->config.settings.gossip_interval = r->config.settings.push_pull_interval = 0;
    r->config.settings.probe_interval = 0;
    if (tune) tune(&r->config.settings);
    rig_start(r);
    rig_populate(r, 2, 5);
}

/* x comes back; whoever is at that address brings it. How many packets does that lead to? */
static unsigned back(struct rig *r, uint32_t inc, unsigned bringer)
{
    struct kith_addr a = rig_addr(IS);
    struct kith_msg m = rig_alive_msg("x", inc, &a, NULL);
    rig_clear(r);
    rig_feed(r, bringer, &m);
    CU_ASSERT_EQUAL(rig_state(r, "x"), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_inc(r, "x"), inc);
    return rig_outs(r, KITH_OUT_PACKET);
}

/* It left with one incarnation, and begins anew with another. */
static unsigned returned(struct rig *r, void (*tune)(struct kith_settings *), uint32_t was,
                         uint32_t is)
{
    begin(r, tune);
    rig_alive(r, "x", was, WAS);
    rig_dead(r, "x", was, "x");
    CU_ASSERT_EQUAL(rig_state(r, "x"), KITH_LEFT);
    return back(r, is, IS);
}

static void never(struct kith_settings *set) { set->suspicion_doubt_former = false; }

static void test_it_is_told(void)
{
    struct rig r;
    CU_ASSERT_EQUAL(returned(&r, NULL, 7, 1), 1);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_SUSPECT, "x", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(s->parts, 1);
    CU_ASSERT_EQUAL(s->msg.incarnation, 7);
    CU_ASSERT(rig_is(s->msg.from, "self"));
    CU_ASSERT_EQUAL(r.outs[s->out].to.bytes[3], IS);
    CU_ASSERT_EQUAL(rig_stat(&r, "returns_told", NULL), 1);
    rig_fini(&r);
    CU_ASSERT_EQUAL(returned(&r, NULL, 7, 7), 1);
    rig_fini(&r);
    CU_ASSERT_EQUAL(returned(&r, NULL, 7, 8), 0); /* it knows */
    rig_fini(&r);
    CU_ASSERT_EQUAL(returned(&r, never, 7, 1), 0);
    rig_fini(&r);
}

/* Each of a few tells it; of many, some. */
static void test_not_by_all_who_hear_of_it(void)
{
    unsigned tellers = 0;
    for (unsigned run = 0; run < 200; run++) {
        struct rig r;
        rig_init(&r);
        r.seed = run;
        r.config.settings.gossip_interval = r.config.settings.probe_interval = 0;
        rig_start(&r);
        rig_populate(&r, 50, 150);
        rig_alive(&r, "x", 7, WAS);
        rig_dead(&r, "x", 7, "x");
        tellers += back(&r, 1, 51);
        rig_fini(&r);
    }
    CU_ASSERT(tellers > 5 && tellers < 40); /* 10 of 103 */
}

static void test_its_former_life_is_not_believed(void)
{
    struct rig r;
    struct rig_bytes b;
    struct rig_entry left = {"x", KITH_LEFT, 7, WAS}, dead = {"x", KITH_DEAD, 6, WAS};
    returned(&r, NULL, 7, 1);
    rig_clear(&r);
    rig_dead(&r, "x", 7, "m3");
    rig_dead(&r, "x", 7, "x");
    rig_suspect(&r, "x", 2, "m3");
    rig_push_pull(&b, false, &left, 1, "");
    rig_request(&r, 3, &b);
    rig_push_pull(&b, false, &dead, 1, "");
    rig_request(&r, 4, &b);
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_inc(&r, "x"), 1);
    CU_ASSERT_EQUAL(rig_stat(&r, "former_lives", NULL), 5);
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 0); /* it was told a moment ago */
    r.now += SEC;
    rig_dead(&r, "x", 7, "m3");
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_SUSPECT, "x"), 1);
    rig_flush(&r); /* nor is it passed on */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_DEAD, "x"), 0);
    rig_fini(&r);
    returned(&r, never, 7, 1);
    rig_dead(&r, "x", 7, "m3");
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_DEAD);
    rig_fini(&r);
    returned(&r, never, 7, 1);
    rig_dead(&r, "x", 7, "x");
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_LEFT);
    rig_fini(&r);
}

/* What is said of the life it has now. */
static int then(uint32_t was, uint32_t is, uint32_t refuted, uint32_t inc, const char *from)
{
    struct rig r;
    returned(&r, NULL, was, is);
    if (refuted) rig_alive(&r, "x", refuted, IS);
    rig_dead(&r, "x", inc, from);
    int state = rig_state(&r, "x");
    CU_ASSERT_EQUAL(rig_stat(&r, "former_lives", NULL), 0);
    rig_fini(&r);
    return state;
}

static void test_this_life_is(void)
{
    CU_ASSERT_EQUAL(then(7, 1, 0, 1, "m3"), KITH_DEAD); /* nobody said that of the former one */
    CU_ASSERT_EQUAL(then(7, 1, 0, 8, "m3"), KITH_DEAD);
    CU_ASSERT_EQUAL(then(7, 1, 8, 8, "m3"), KITH_DEAD);
    CU_ASSERT_EQUAL(then(7, 1, 8, 8, "x"), KITH_LEFT);
    CU_ASSERT_EQUAL(then(7, 1, 8, 7, "x"), KITH_ALIVE); /* stale, as ever */
    CU_ASSERT_EQUAL(then(7, 8, 0, 8, "m3"), KITH_DEAD);
}

/* The same incarnation in both lives: it may still be there, and is asked to say so. */
static void test_either_life(void)
{
    struct rig r;
    CU_ASSERT_EQUAL(then(7, 7, 0, 7, "m3"), KITH_SUSPECT);
    CU_ASSERT_EQUAL(then(1, 1, 0, 1, "x"), KITH_SUSPECT);
    returned(&r, NULL, 1, 1);
    struct kith_msg m = rig_accusation(KITH_MSG_DEAD, "x", 1, "x");
    rig_feed(&r, 3, &m);
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_SUSPECT);
    CU_ASSERT_PTR_NOT_NULL(strstr(r.log, "it may be of its former life"));
    rig_fini(&r);
    returned(&r, NULL, 1, 1);
    uint8_t bytes[200];
    struct kith_buf buf = {bytes, bytes, 0, sizeof bytes};
    struct kith_addr beside = rig_addr(IS);
    beside.port++; /* somebody else on its machine */
    kith_wire_write_message(&buf, &m);
    rig_packet(&r, &beside, buf.data, buf.len);
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_SUSPECT);
    rig_feed(&r, IS, &m); /* from where it is: its word */
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_LEFT);
    rig_fini(&r);
    returned(&r, never, 1, 1);
    rig_dead(&r, "x", 1, "m3");
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_DEAD);
    rig_fini(&r);
}

static void test_who_does_not_answer_is_found_dead(void)
{
    struct rig r;
    returned(&r, NULL, 7, 1);
    rig_suspect(&r, "x", 1, "m3");
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_SUSPECT);
    rig_run(&r, r.now + 60 * SEC);
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_DEAD);
    rig_fini(&r);
}

static void reclaims(struct kith_settings *set) { set->dead_node_reclaim_time = 5 * SEC; }

/* Whoever was dead, and not gone: the same. */
static void test_the_dead_that_come_back(void)
{
    struct rig r;
    begin(&r, reclaims);
    rig_alive(&r, "x", 7, WAS);
    rig_dead(&r, "x", 7, "m3");
    r.now += 6 * SEC;
    CU_ASSERT_EQUAL(back(&r, 1, IS), 1);
    rig_dead(&r, "x", 7, "m3");
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_ALIVE);
    rig_alive(&r, "x", 8, IS);
    rig_dead(&r, "x", 8, "m3");
    r.now += SEC;
    rig_alive(&r, "x", 9, IS); /* at the same address: no other life */
    rig_dead(&r, "x", 9, "m3");
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_DEAD);
    rig_fini(&r);
}

/* It comes and goes: of all its lives. */
static void test_several_lives(void)
{
    struct rig r;
    returned(&r, NULL, 7, 1);
    rig_alive(&r, "x", 8, IS);
    rig_dead(&r, "x", 8, "x");
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_LEFT);
    rig_alive(&r, "x", 1, WAS);
    CU_ASSERT_EQUAL(rig_inc(&r, "x"), 1);
    rig_dead(&r, "x", 8, "m3");
    rig_dead(&r, "x", 7, "m3");
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_ALIVE);
    rig_fini(&r);
}

static void test_it_is_forgotten(void)
{
    struct rig r;
    returned(&r, NULL, 7, 1);
    r.now += 60 * SEC - 1; /* twice gossip.to_the_dead_time */
    rig_dead(&r, "x", 7, "m3");
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_ALIVE);
    r.now += 1;
    rig_dead(&r, "x", 7, "m3");
    CU_ASSERT_EQUAL(rig_state(&r, "x"), KITH_DEAD);
    rig_fini(&r);
}

/* Of so many at once the first is forgotten; and no more than ten are told in a second. */
static void test_many_come_back(void)
{
    struct rig r;
    char name[8];
    begin(&r, NULL);
    for (unsigned i = 40; i < 73; i++) {
        snprintf(name, sizeof name, "y%u", i);
        rig_alive(&r, name, 7, i);
        rig_dead(&r, name, 7, name);
        rig_alive(&r, name, 1, 100 + i);
    }
    CU_ASSERT_EQUAL(rig_stat(&r, "returns_told", NULL), 10);
    for (unsigned i = 40; i < 73; i++) {
        snprintf(name, sizeof name, "y%u", i);
        rig_dead(&r, name, 7, "m3");
        CU_ASSERT_EQUAL(rig_state(&r, name), i == 40 ? KITH_DEAD : KITH_ALIVE);
    }
    rig_fini(&r);
}

KITH_TESTS("core/former", {"it is told", test_it_is_told},
           {"not by all who hear of it", test_not_by_all_who_hear_of_it},
           {"its former life is not believed", test_its_former_life_is_not_believed},
           {"this life is", test_this_life_is}, {"either life", test_either_life},
           {"who does not answer is found dead", test_who_does_not_answer_is_found_dead},
           {"the dead that come back", test_the_dead_that_come_back},
           {"several lives", test_several_lives}, {"it is forgotten", test_it_is_forgotten},
           {"many come back", test_many_come_back})
