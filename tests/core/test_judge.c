/*
 * test_judge.c - what delegates may refuse: asked about what would change something, told whose
 * hands it came from and what would be; what they refuse is dropped, counted, not passed on.
 */
#include "core_rig.h"

enum { ALL = KITH_CLAIM_ALIVE | KITH_CLAIM_SUSPECT | KITH_CLAIM_DEAD | KITH_CLAIM_LEAVE };
#define CLAIMS(r, want) CU_ASSERT(rig_same((r).claims, want))

/* m2 to m6, everything judged, no probes and no gossip of our own. */
static void begin(struct rig *r, uint64_t judges)
{
    rig_init(r);
    r->judges = judges;
    r->config.settings.probe_interval = 0;
    r->config.settings.gossip_interval = 0;
    CU_ASSERT_EQUAL_FATAL(rig_start(r), 0);
    rig_populate(r, 2, 6);
    r->claims[0] = r->events[0] = 0;
}

/* Refused: the state is as before, it is counted, and nobody else hears of it. */
static void refused(struct rig *r, enum kith_msg_type type, const char *name, int state)
{
    CU_ASSERT_EQUAL(rig_state(r, name), state);
    CU_ASSERT_EQUAL(rig_stat(r, "dropped", "vetoed"), 1);
    TOLD(*r, "");
    rig_flush(r);
    for (unsigned i = 0; rig_find(r, type, name, i); i++)
        CU_ASSERT(rig_find(r, type, name, i)->msg.incarnation < 7);
}

static void test_alive(void)
{
    struct rig r;
    begin(&r, ALL);
    rig_alive(&r, "b", 7, 9);
    CLAIMS(r, "alive b:alive 7 by  from 9;");
    CU_ASSERT_EQUAL(r.asked.flags, 0);
    CU_ASSERT_EQUAL(r.asked.since, r.now);
    rig_alive(&r, "b", 7, 9);    /* known */
    rig_alive(&r, "b", 8, 3);    /* a conflict: changes nothing */
    rig_alive(&r, "self", 9, 1); /* contradicted, whatever it says */
    CLAIMS(r, "");
    TOLD(r, "join b;conflict b;");
    r.vetoes = KITH_CLAIM_ALIVE;
    rig_alive(&r, "stranger", 7, 10);
    CLAIMS(r, "alive stranger:alive 7 by  from 10;");
    refused(&r, KITH_MSG_ALIVE, "stranger", -1);
    rig_fini(&r);
}

static void test_our_own_alive(void)
{
    struct rig r;
    rig_init(&r);
    r.judges = KITH_CLAIM_ALIVE;
    CU_ASSERT_EQUAL(rig_start(&r), 0);
    CLAIMS(r, "alive self:alive 1 by  from self;");
    CU_ASSERT_EQUAL(r.asked.flags, KITH_MEMBER_LOCAL);
    r.vetoes = KITH_CLAIM_ALIVE;
    CU_ASSERT_EQUAL(kith_core_update(r.core, r.now, 0), -KITH_EREFUSED);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 1);
    rig_fini(&r);
}

static void test_suspect(void)
{
    struct rig r;
    begin(&r, ALL);
    rig_suspect(&r, "m2", 1, "m3");
    CLAIMS(r, "suspect m2:suspect 1 by m3 from 200;");
    rig_suspect(&r, "m2", 1, "m3");
    rig_suspect(&r, "m2", 0, "m5");
    rig_suspect(&r, "nobody", 1, "m3");
    rig_suspect(&r, "self", 1, "m3");
    CLAIMS(r, "");
    rig_suspect(&r, "m2", 1, "m4"); /* a confirmation shortens the wait */
    CLAIMS(r, "suspect m2:suspect 1 by m4 from 200;");
    r.vetoes = KITH_CLAIM_SUSPECT;
    rig_suspect(&r, "m3", 7, "m4");
    CLAIMS(r, "suspect m3:suspect 7 by m4 from 200;");
    refused(&r, KITH_MSG_SUSPECT, "m3", KITH_ALIVE);
    rig_fini(&r);
}

/* A confirmation that is refused shortens nothing and is not passed on. */
static void test_a_refused_confirmation(void)
{
    struct rig with, without;
    begin(&with, ALL);
    begin(&without, ALL);
    rig_suspect(&with, "m2", 1, "m3");
    rig_suspect(&without, "m2", 1, "m3");
    with.vetoes = KITH_CLAIM_SUSPECT;
    rig_suspect(&with, "m2", 1, "m4");
    rig_suspect(&with, "m2", 1, "m5");
    CU_ASSERT_EQUAL(rig_stat(&with, "dropped", "vetoed"), 2);
    CU_ASSERT_EQUAL(kith_core_deadline(with.core), kith_core_deadline(without.core));
    rig_flush(&with);
    CU_ASSERT_EQUAL(rig_count(&with, KITH_MSG_SUSPECT, "m2"), 1);
    CU_ASSERT(rig_is(rig_find(&with, KITH_MSG_SUSPECT, "m2", 0)->msg.from, "m3"));
    rig_fini(&with);
    rig_fini(&without);
}

static void test_dead(void)
{
    struct rig r;
    begin(&r, ALL);
    rig_dead(&r, "m2", 1, "m3");
    CLAIMS(r, "dead m2:dead 1 by m3 from 200;");
    rig_dead(&r, "m2", 1, "m4");
    rig_dead(&r, "m2", 2, "m2");
    rig_dead(&r, "self", 1, "m3");
    CLAIMS(r, "");
    TOLD(r, "leave m2 dead;");
    r.vetoes = KITH_CLAIM_DEAD;
    rig_dead(&r, "m3", 7, "m4");
    CLAIMS(r, "dead m3:dead 7 by m4 from 200;");
    refused(&r, KITH_MSG_DEAD, "m3", KITH_ALIVE);
    rig_fini(&r);
}

static void test_leave(void)
{
    struct rig r;
    begin(&r, ALL);
    rig_dead(&r, "m2", 1, "m2");
    CLAIMS(r, "leave m2:left 1 by m2 from 200;");
    r.vetoes = KITH_CLAIM_LEAVE;
    r.events[0] = 0;
    rig_dead(&r, "m3", 7, "m3");
    CLAIMS(r, "leave m3:left 7 by m3 from 200;");
    refused(&r, KITH_MSG_DEAD, "m3", KITH_ALIVE);
    CU_ASSERT(kith_core_leave(r.core, r.now, 0) > 0); /* nobody is asked whether we may go */
    CLAIMS(r, "");
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_LEFT);
    rig_fini(&r);
}

/* What an entry of a list amounts to is judged as what it amounts to, with the peer that sent it.
 */
static void test_entries_of_a_list(void)
{
    static const struct rig_entry e[] = {{"m9", KITH_ALIVE, 1, 9, NULL, NULL, 0},
                                         {"m2", KITH_DEAD, 1, 2, NULL, NULL, 0},
                                         {"m3", KITH_SUSPECT, 1, 3, NULL, NULL, 0},
                                         {"m4", KITH_LEFT, 1, 4, NULL, NULL, 0},
                                         {"m5", KITH_ALIVE, 1, 5, NULL, NULL, 0}};
    struct rig_bytes b;
    struct rig r;
    begin(&r, ALL);
    rig_push_pull(&b, false, e, 5, NULL);
    rig_request(&r, 9, &b);
    CLAIMS(r, "alive m9:alive 1 by  from 9;suspect m2:suspect 1 by self from 9;"
              "suspect m3:suspect 1 by self from 9;leave m4:left 1 by m4 from 9;");
    rig_fini(&r);
}

/* Our own findings are judged too: nobody brought them. A suspect whose death is refused stays one,
 * and the delegate is asked again. */
static void test_own_findings(void)
{
    struct rig r;
    begin(&r, ALL);
    rig_suspect(&r, "m2", 1, "m3");
    r.claims[0] = 0;
    r.vetoes = KITH_CLAIM_DEAD;
    uint64_t first = kith_core_deadline(r.core);
    rig_run(&r, first);
    CLAIMS(r, "dead m2:dead 1 by self from self;");
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_SUSPECT);
    CU_ASSERT_EQUAL(rig_stat(&r, "suspicions_expired", NULL), 0);
    uint64_t again = kith_core_deadline(r.core);
    CU_ASSERT(again >= first + SEC && again < first + 60 * SEC);
    r.vetoes = 0;
    rig_run(&r, again);
    CLAIMS(r, "dead m2:dead 1 by self from self;");
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_DEAD);
    CU_ASSERT_EQUAL(rig_stat(&r, "suspicions_expired", NULL), 1);
    rig_fini(&r);
}

static void test_own_probing(void)
{
    struct rig r;
    rig_init(&r);
    r.judges = r.vetoes = KITH_CLAIM_SUSPECT;
    CU_ASSERT_EQUAL(rig_start(&r), 0);
    rig_populate(&r, 2, 2);
    rig_run(&r, r.now + 3 * SEC);
    CU_ASSERT(strncmp(r.claims, "suspect m2:suspect 1 by self from self;", 39) == 0);
    CU_ASSERT_EQUAL(rig_state(&r, "m2"), KITH_ALIVE);
    CU_ASSERT_STRING_EQUAL(r.suspicions, "");
    rig_fini(&r);
}

static void test_merge(void)
{
    static const struct rig_entry e[] = {{"m9", KITH_ALIVE, 1, 9, NULL, NULL, 0}};
    struct rig_bytes b;
    struct rig r;
    begin(&r, 0);
    r.veto_merge = true;
    rig_push_pull(&b, true, e, 1, NULL);
    rig_request(&r, 9, &b);
    CU_ASSERT_EQUAL(r.merge_asked, 1);
    CU_ASSERT_EQUAL(rig_state(&r, "m9"), -1);
    CU_ASSERT_EQUAL(rig_stat(&r, "dropped", "vetoed"), 1);
    CU_ASSERT_EQUAL(rig_stat(&r, "merges_refused", NULL), 1);
    rig_fini(&r);
}

/* Nobody is asked about kinds that are not among `judges`. */
static void test_only_the_kinds_that_are_wanted(void)
{
    struct rig r;
    begin(&r, KITH_CLAIM_LEAVE); /* the rig checks the kind */
    rig_alive(&r, "b", 1, 9);
    rig_suspect(&r, "m2", 1, "m3");
    rig_dead(&r, "m2", 1, "m3");
    CLAIMS(r, "");
    rig_dead(&r, "b", 1, "b");
    CLAIMS(r, "leave b:left 1 by b from 200;");
    rig_fini(&r);
}

KITH_TESTS("core/judge", {"alive", test_alive}, {"our own alive", test_our_own_alive},
           {"suspect", test_suspect}, {"a refused confirmation", test_a_refused_confirmation},
           {"dead", test_dead}, {"leave", test_leave},
           {"entries of a list", test_entries_of_a_list}, {"own findings", test_own_findings},
           {"own probing", test_own_probing}, {"merge", test_merge},
           {"only the kinds that are wanted", test_only_the_kinds_that_are_wanted})
