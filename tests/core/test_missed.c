/*
 * test_missed.c - what is done about a refutation that somebody has missed: the accused reminds,
 * the accuser asks, and who stood still believes no old death. Each can be turned off.
 */
#include "core_rig.h"

static void begin(struct rig *r, void (*tune)(struct kith_settings *))
{
    rig_init(r);
    r->config.settings.gossip_interval = r->config.settings.push_pull_interval = 0;
    if (tune) tune(&r->config.settings);
    rig_start(r);
    rig_populate(r, 2, 20);
    rig_suspect(r, "self", rig_inc(r, "self"), "m2"); /* which we refute */
    rig_clear(r);
}

/* Accused by m<from> of what we have refuted: how many packets go out for that? */
static unsigned told(struct rig *r, enum kith_msg_type type, unsigned from)
{
    char name[16];
    unsigned before = rig_outs(r, KITH_OUT_PACKET);
    snprintf(name, sizeof name, "m%u", from);
    struct kith_msg m = rig_accusation(type, "self", rig_inc(r, "self") - 1, name);
    rig_feed(r, 3, &m); /* whoever brings it */
    return rig_outs(r, KITH_OUT_PACKET) - before;
}

/* ------------------------------------------------------------------------------- the accused */

static void test_an_accuser_is_reminded(void)
{
    struct rig r;
    begin(&r, NULL);
    uint32_t inc = rig_inc(&r, "self");
    CU_ASSERT_EQUAL(told(&r, KITH_MSG_SUSPECT, 5), 1);
    const struct rig_sent *s = rig_find(&r, KITH_MSG_ALIVE, "self", 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(s->parts, 1);
    CU_ASSERT_EQUAL(s->msg.incarnation, inc); /* no new one, and no worse health */
    CU_ASSERT_EQUAL(r.outs[s->out].to.bytes[3], 5);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), inc);
    CU_ASSERT_EQUAL(told(&r, KITH_MSG_DEAD, 6), 1);
    CU_ASSERT_EQUAL(rig_stat(&r, "reminders_sent", NULL), 2);
    rig_fini(&r);
}

static void test_nobody_is_reminded_too_often(void)
{
    struct rig r;
    begin(&r, NULL);
    uint64_t t0 = r.now;
    CU_ASSERT_EQUAL(told(&r, KITH_MSG_SUSPECT, 4), 1);
    r.now += 10 * MS;
    CU_ASSERT_EQUAL(told(&r, KITH_MSG_SUSPECT, 4), 0);
    CU_ASSERT_EQUAL(told(&r, KITH_MSG_DEAD, 4), 0);
    for (unsigned i = 5; i < 14; i++) CU_ASSERT_EQUAL(told(&r, KITH_MSG_SUSPECT, i), 1);
    CU_ASSERT_EQUAL(told(&r, KITH_MSG_SUSPECT, 14), 0); /* the eleventh in a second */
    r.now = t0 + SEC;
    CU_ASSERT_EQUAL(told(&r, KITH_MSG_SUSPECT, 14), 1);
    CU_ASSERT_EQUAL(told(&r, KITH_MSG_SUSPECT, 15), 0);
    rig_fini(&r);
}

static void never(struct kith_settings *set)
{
    set->suspicion_remind = set->suspicion_ask = set->suspicion_doubt_backlog = false;
}

static void test_who_is_not_reminded(void)
{
    struct rig r;
    begin(&r, never);
    CU_ASSERT_EQUAL(told(&r, KITH_MSG_SUSPECT, 5), 0);
    rig_fini(&r);

    begin(&r, NULL);
    CU_ASSERT_EQUAL(told(&r, KITH_MSG_SUSPECT, 77), 0); /* a name that nobody knows */
    struct kith_msg own = rig_accusation(KITH_MSG_SUSPECT, "self", 1, "self");
    rig_clear(&r);
    rig_feed(&r, 3, &own); /* an echo of what we said */
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_PACKET), 0);
    CU_ASSERT(kith_core_leave(r.core, r.now, SEC) > 0);
    rig_poll(&r);
    CU_ASSERT_EQUAL(told(&r, KITH_MSG_SUSPECT, 5), 0); /* we are going */
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------- the accuser */

/* m2 is suspected and answers all pings. Dials in so many seconds; nobody is dialled otherwise. */
static unsigned asked(void (*tune)(struct kith_settings *), unsigned secs, bool answers)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.gossip_interval = r.config.settings.push_pull_interval = 0;
    r.config.settings.disable_tcp_pings = true;
    if (tune) tune(&r.config.settings);
    rig_start(&r);
    r.answer_pings = true;
    if (!answers) r.mute = "m2";
    rig_populate(&r, 2, 4);
    rig_suspect(&r, "m2", 1, "m3");
    rig_run(&r, r.now + secs * SEC);
    unsigned dials = rig_outs(&r, KITH_OUT_DIAL);
    const struct rig_out *d = rig_out(&r, KITH_OUT_DIAL, 0);
    if (d) CU_ASSERT(!strcmp(d->name, "m2"));
    CU_ASSERT_EQUAL(rig_stat(&r, "suspects_asked", NULL), dials);
    rig_fini(&r);
    return dials;
}

static void test_a_suspect_that_answers_is_asked_once(void)
{
    CU_ASSERT_EQUAL(asked(NULL, 1, true), 0); /* gossip has its time first */
    CU_ASSERT_EQUAL(asked(NULL, 20, true), 1);
    CU_ASSERT_EQUAL(asked(NULL, 20, false), 0);
    CU_ASSERT_EQUAL(asked(never, 20, true), 0);
}

/* --------------------------------------------------------------------------- who stood still */

/* For so long nobody called us; then m5 is said to be dead. */
static int after(void (*tune)(struct kith_settings *), uint64_t still, uint64_t later,
                 const char *from)
{
    struct rig r;
    begin(&r, tune);
    r.answer_pings = true;
    rig_run(&r, r.now + 3 * SEC);
    r.now += still;
    rig_alive(&r, "m21", 1, 21); /* the first thing that comes */
    rig_run(&r, r.now + later);
    rig_dead(&r, "m5", 1, from);
    int state = rig_state(&r, "m5");
    CU_ASSERT_EQUAL(rig_stat(&r, "deaths_doubted", NULL), state == KITH_SUSPECT);
    CU_ASSERT_EQUAL(rig_stat(&r, "stood_still", NULL), still > 2 * SEC);
    CU_ASSERT_EQUAL(strstr(r.log, "did not run for") != NULL, still > 2 * SEC);
    CU_ASSERT_EQUAL(strstr(r.log, "m5 is said to be dead") != NULL, state == KITH_SUSPECT);
    rig_flush(&r); /* and what is passed on is what we believe */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_DEAD, "m5") > 0, state != KITH_SUSPECT);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_SUSPECT, "m5") > 0, state == KITH_SUSPECT);
    rig_fini(&r);
    return state;
}

static void test_old_deaths_are_suspicions(void)
{
    CU_ASSERT_EQUAL(after(NULL, 5 * SEC, 100 * MS, "m3"), KITH_SUSPECT);
    CU_ASSERT_EQUAL(after(NULL, 5 * SEC, 100 * MS, "m5"), KITH_LEFT); /* its own word */
    CU_ASSERT_EQUAL(after(NULL, 5 * SEC, 1100 * MS, "m3"), KITH_DEAD);
    CU_ASSERT_EQUAL(after(NULL, 500 * MS, 100 * MS, "m3"), KITH_DEAD);
    CU_ASSERT_EQUAL(after(never, 5 * SEC, 100 * MS, "m3"), KITH_DEAD);
}

KITH_TESTS("core/missed", {"an accuser is reminded", test_an_accuser_is_reminded},
           {"nobody is reminded too often", test_nobody_is_reminded_too_often},
           {"who is not reminded", test_who_is_not_reminded},
           {"a suspect that answers is asked once", test_a_suspect_that_answers_is_asked_once},
           {"old deaths are suspicions", test_old_deaths_are_suspicions})
