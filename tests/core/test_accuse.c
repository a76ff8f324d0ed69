/*
 * test_accuse.c - what suspect and dead messages do, how a node defends itself
 * (PROTOCOL.md 2.4, 2.5), and what floods, odd names and misbehaving delegates can't do.
 */
#include "core_rig.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void alive_at(struct rig *r, const char *node, uint32_t inc, struct kith_addr a)
{
    struct kith_msg m = rig_alive_msg(node, inc, &a, NULL);
    rig_feed(r, 2, &m);
}

/* -------------------------------------------------------------------------------- refutation */

static void test_alive_about_ourselves(void)
{
    struct rig r;
    rig_new(&r);
    struct kith_msg m = rig_alive_msg("self", 1, &r.config.advertise, NULL);
    rig_feed(&r, 2, &m); /* our own words coming back */
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 1);
    m.meta = rig_str("forged"); /* upstream: AliveNode_Refute */
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 2);
    CU_ASSERT_EQUAL(kith_core_health(r.core), 1);
    m.incarnation = 1;
    rig_feed(&r, 2, &m); /* lower than ours: nothing */
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 2);
    m.incarnation = 40; /* an earlier life of ours */
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 41);
    struct kith_member self = {.size = sizeof self};
    kith_core_self(r.core, &self);
    CU_ASSERT_EQUAL(self.meta.len, 0);
    TOLD(r, "");
    rig_flush(&r);
    bool seen = false;
    for (unsigned i = 0; i < rig_count(&r, KITH_MSG_ALIVE, "self"); i++)
        seen |= rig_find(&r, KITH_MSG_ALIVE, "self", i)->msg.incarnation == 41;
    CU_ASSERT(seen);
    rig_fini(&r);
}

static void test_accusations_of_ourselves_are_refuted(void)
{
    struct rig r;
    rig_new(&r);
    rig_suspect(&r, "self", 0, "b"); /* old news */
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 1);
    rig_suspect(&r, "self", 1, "b");
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 2);
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_ALIVE);
    rig_dead(&r, "self", 2, "b");
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 3);
    rig_dead(&r, "self", 10, "self"); /* not from us, whoever it says it is from */
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 11);
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_ALIVE);
    CU_ASSERT_EQUAL(kith_core_health(r.core), 3);
    for (int i = 0; i < 10; i++) rig_suspect(&r, "self", rig_inc(&r, "self"), "b");
    CU_ASSERT_EQUAL(kith_core_health(r.core), 7); /* clamped below awareness_max_multiplier */
    TOLD(r, "");
    CU_ASSERT_STRING_EQUAL(r.suspicions, "");
    rig_fini(&r);
}

/* PROTOCOL.md T18 */
static void test_a_refutation_travels_beside_other_news_of_ourselves(void)
{
    struct rig r;
    rig_new(&r);
    rig_suspect(&r, "self", 1, "b");
    rig_suspect(&r, "self", 2, "b");
    rig_flush(&r);
    /* The first alive and the newest refutation: a refutation replaces only refutations. */
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "self"), 2);
    bool seen1 = false, seen3 = false;
    for (unsigned i = 0; i < rig_count(&r, KITH_MSG_ALIVE, "self"); i++) {
        uint32_t inc = rig_find(&r, KITH_MSG_ALIVE, "self", i)->msg.incarnation;
        seen1 |= inc == 1;
        seen3 |= inc == 3;
    }
    CU_ASSERT(seen1 && seen3);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------- 2.4 suspect */

static void test_suspect(void)
{
    struct rig r;
    rig_new(&r);
    rig_suspect(&r, "b", 1, "x"); /* nobody we know */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), -1);
    rig_alive(&r, "b", 5, 2);
    rig_suspect(&r, "b", 4, "x"); /* upstream: OldSuspect */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    r.now += SEC;
    rig_suspect(&r, "b", 6, "x");
    struct kith_member m = {.size = sizeof m};
    kith_core_find(r.core, rig_str("b"), &m);
    CU_ASSERT_EQUAL(m.state, KITH_SUSPECT);
    CU_ASSERT_EQUAL(m.incarnation, 6);
    CU_ASSERT_EQUAL(m.since, r.now);
    CU_ASSERT(rig_is(m.accuser, "x"));
    CU_ASSERT_EQUAL(kith_core_alive(r.core), 2);
    TOLD(r, "join b;");
    CU_ASSERT_STRING_EQUAL(r.suspicions, "b suspect;");
    rig_flush(&r);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_SUSPECT, "b"), 1);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "b"),
                    0);       /* replaced: one pending message a member */
    rig_alive(&r, "b", 6, 2); /* the same incarnation does not clear it */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_SUSPECT);
    rig_alive(&r, "b", 7, 2); /* upstream: AliveNode_SuspectNode; no join event */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    TOLD(r, "");
    CU_ASSERT_STRING_EQUAL(r.suspicions, "b suspect;b alive;");
    rig_run(&r, r.now + 500 * MS);
    rig_dead(&r, "b", 7, "x");
    rig_suspect(&r, "b", 8, "y"); /* a dead one is not suspected */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_DEAD);
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), 7);
    rig_fini(&r);
}

static void test_suspect_again_by_another_is_passed_on_by_the_same_is_not(void)
{
    struct rig r;
    rig_new(&r);
    r.answer_pings = true;
    rig_populate(&r, 2, 10);
    rig_suspect(&r, "m2", 1, "x");
    rig_run(&r,
            r.now +
                900 *
                    MS); /* gossip ticks send the first suspicion often enough to be done with it */
    while (rig_flush(&r), rig_count(&r, KITH_MSG_SUSPECT, "m2")) {}
    rig_suspect(&r, "m2", 1, "x"); /* upstream: DoubleSuspect */
    rig_flush(&r);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_SUSPECT, "m2"), 0);
    rig_suspect(&r, "m2", 9, "y");
    rig_flush(&r);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_SUSPECT, "m2"), 1);
    CU_ASSERT(rig_is(rig_find(&r, KITH_MSG_SUSPECT, "m2", 0)->msg.from, "y"));
    CU_ASSERT_EQUAL(rig_inc(&r, "m2"), 1); /* a confirmation does not raise it */
    rig_fini(&r);
}

/* ---------------------------------------------------------------------------------- 2.5 dead */

static void test_dead(void)
{
    struct rig r;
    rig_new(&r);
    rig_dead(&r, "b", 1, "x");
    CU_ASSERT_EQUAL(rig_state(&r, "b"), -1);
    rig_alive(&r, "b", 5, 2);
    rig_dead(&r, "b", 4, "x"); /* upstream: OldDead */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    rig_dead(&r, "b", 6, "x"); /* accepted without a suspicion before */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_DEAD);
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), 6);
    struct kith_member m = {.size = sizeof m};
    kith_core_find(r.core, rig_str("b"), &m);
    CU_ASSERT(rig_is(m.accuser, "x"));
    TOLD(r, "join b;leave b dead;");
    CU_ASSERT_EQUAL(kith_core_size(r.core), 2);
    CU_ASSERT_EQUAL(kith_core_alive(r.core), 1);
    rig_flush(&r);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_DEAD, "b"), 1);
    CU_ASSERT_EQUAL(rig_count(&r, KITH_MSG_ALIVE, "b"), 0);
    rig_dead(&r, "b", 7, "x"); /* upstream: DeadNode_Double */
    rig_dead(&r, "b", 7, "b"); /* a dead one never becomes left */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_DEAD);
    rig_alive(&r, "b", 6, 2); /* upstream: AliveReplay */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_DEAD);
    TOLD(r, "");
    rig_alive(&r, "b", 8, 2);
    TOLD(r, "join b;");
    rig_fini(&r);
}

/* An alive that is older than the news of its death brings nobody back (WIRE.md). */
static void test_the_dead_are_dead_at_the_highest_incarnation(void)
{
    for (int left = 0; left < 2; left++) {
        struct rig r;
        rig_new(&r);
        rig_alive(&r, "b", 5, 2);
        rig_dead(&r, "b", 5, left ? "b" : "x");
        rig_flush(&r);
        rig_dead(&r, "b", 10, "y");
        CU_ASSERT_EQUAL(rig_inc(&r, "b"), 10);
        rig_dead(&r, "b", 9, "z");
        rig_suspect(&r, "b", 12, "z"); /* no news of a death */
        CU_ASSERT_EQUAL(rig_inc(&r, "b"), 10);
        rig_alive(&r, "b", 7, 2);
        rig_alive(&r, "b", 10, 2);
        CU_ASSERT_EQUAL(rig_state(&r, "b"), left ? KITH_LEFT : KITH_DEAD);
        struct rig_entry e[] = {{"b", KITH_DEAD, 11, 2}, {"b", KITH_LEFT, 12, 2}};
        struct rig_bytes b;
        for (unsigned i = 0; i < 2; i++) {
            rig_push_pull(&b, false, &e[i], 1, NULL);
            rig_request(&r, 3, &b);
            CU_ASSERT_EQUAL(rig_inc(&r, "b"), 11 + i);
        }
        CU_ASSERT_PTR_NULL(strstr(r.events + 1, "join"));
        rig_alive(&r, "b", 13, 2);
        CU_ASSERT_PTR_NOT_NULL(strstr(r.events + 1, "join b;"));
        rig_fini(&r);
    }
}

/* PROTOCOL.md T10 */
static void test_a_leave_names_itself_an_old_leave_names_nobody(void)
{
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "b", 1, 2);
    rig_alive(&r, "c", 1, 3);
    rig_dead(&r, "b", 1, "b");
    rig_dead(&r, "c", 1, ""); /* v0.1.5 */
    TOLD(r, "join b;join c;leave b left;leave c dead;");
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_LEFT);
    CU_ASSERT_EQUAL(rig_state(&r, "c"), KITH_DEAD);
    rig_dead(&r, "b", 2, "x"); /* a left one never becomes dead */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_LEFT);
    alive_at(&r, "b", 1, rig_addr(9)); /* so its name may move at once, the other one's not */
    alive_at(&r, "c", 2, rig_addr(9));
    TOLD(r, "join b;conflict c;");
    rig_fini(&r);
}

static void test_dead_ends_the_suspicion(void)
{
    struct rig r;
    rig_new(&r);
    rig_alive(&r, "b", 1, 2);
    rig_suspect(&r, "b", 1, "x");
    rig_dead(&r, "b", 1, "y");
    TOLD(r, "join b;leave b dead;");
    rig_run(&r, r.now + 60 * SEC);
    CU_ASSERT_PTR_NULL(strstr(r.events, "leave"));
    rig_fini(&r);
}

/* ----------------------------------------------------------------------------- order, floods */

static void compound_of(struct rig *r, const struct kith_msg *msgs, size_t n)
{
    struct rig_bytes parts, all;
    rig_bytes_init(&parts);
    rig_bytes_init(&all);
    uint8_t *head = kith_buf_put(&all.buf, 2 + 2 * n);
    head[0] = KITH_MSG_COMPOUND;
    head[1] = (uint8_t)n;
    for (size_t i = 0; i < n; i++) {
        size_t before = parts.buf.len;
        kith_wire_write_message(&parts.buf, &msgs[i]);
        head[2 + 2 * i] = (uint8_t)((parts.buf.len - before) >> 8);
        head[3 + 2 * i] = (uint8_t)(parts.buf.len - before);
    }
    memcpy(kith_buf_put(&all.buf, parts.buf.len), parts.buf.data, parts.buf.len);
    struct kith_addr from = rig_addr(2);
    rig_packet(r, &from, all.buf.data, all.buf.len);
}

/* PROTOCOL.md T23 */
static void test_the_order_within_a_packet_does_not_matter(void)
{
    struct kith_addr a = rig_addr(2);
    for (int swap = 0; swap < 2; swap++) {
        struct rig r;
        rig_new(&r);
        rig_alive(&r, "b", 5, 2);
        struct kith_msg m[2] = {rig_accusation(KITH_MSG_DEAD, "b", 5, "x"),
                                rig_alive_msg("b", 6, &a, NULL)};
        struct kith_msg turned[2] = {m[1], m[0]};
        compound_of(&r, swap ? turned : m, 2);
        CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
        CU_ASSERT_EQUAL(rig_inc(&r, "b"), 6);
        rig_fini(&r);
    }
}

static void test_a_flood_of_fresh_names_stops_at_max_members(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.max_members = 50;
    rig_start(&r);
    rig_alive(&r, "friend", 1, 2);
    rig_populate(&r, 3, 300);
    CU_ASSERT(kith_core_size(r.core) <= 50);
    CU_ASSERT_EQUAL(rig_state(&r, "friend"), KITH_ALIVE);
    CU_ASSERT(r.logged < 100);
    rig_alive(&r, "friend", 2, 2); /* those it knows are still heard */
    CU_ASSERT_EQUAL(rig_inc(&r, "friend"), 2);
    CU_ASSERT(rig_answers(&r, 250));
    rig_fini(&r);
}

static void test_odd_names(void)
{
    struct rig r;
    rig_new(&r);
    struct kith_addr a = rig_addr(2);
    struct kith_msg m = rig_alive_msg("", 1, &a, NULL);
    rig_feed(&r, 2, &m); /* must not upset anything */
    m.node = kith_bytes_of("x\0y", 3);
    rig_feed(&r, 2, &m);
    char big[2000];
    memset(big, 'n', sizeof big);
    m.node = kith_bytes_of(big, sizeof big);
    rig_feed(&r, 2, &m);
    rig_alive(&r, "c", 1, 3); /* an accuser's name has a limit, too */
    m = rig_accusation(KITH_MSG_SUSPECT, "c", 1, NULL);
    m.from = kith_bytes_of(big, 256);
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(rig_state(&r, "c"), KITH_ALIVE);
    m.from = kith_bytes_of(big, 255);
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(rig_state(&r, "c"), KITH_SUSPECT);
    m = rig_alive_msg("b", 1, &a, NULL);
    m.addr = kith_bytes_of(big, 200); /* longer than any address */
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(rig_state(&r, "b"), -1);
    m.addr = kith_bytes_of(NULL, 0);
    rig_feed(&r, 2, &m);
    CU_ASSERT(rig_answers(&r, 250));
    rig_run(&r, r.now + 5 * SEC);
    rig_fini(&r);
}

/* ------------------------------------------------------------------------------- re-entrancy */

static void reads_only(struct rig *r)
{
    struct kith_member m = {.size = sizeof m};
    CU_ASSERT(kith_core_size(r->core) >= 1);
    kith_core_self(r->core, &m);
    CU_ASSERT(rig_state(r, "self") == KITH_ALIVE);
}

static void changes_inside(struct rig *r) { kith_core_tick(r->core, r->now); }

/* PROTOCOL.md T17 */
static void test_a_delegate_may_read_but_not_change(void)
{
    struct rig r;
    rig_new(&r);
    r.inside = reads_only;
    rig_alive(&r, "b", 1, 2);
    TOLD(r, "join b;");
    r.inside = changes_inside;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(2);
        rig_alive(&r, "c", 1, 3);
        _exit(0);
    }
    int status = 0;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    r.inside = NULL;
    rig_fini(&r);
}

/* ----------------------------------------------------------------------------------- counting */

static bool counted(const struct rig *r, double alive, double suspect, double dead)
{
    return rig_stat(r, "alive_changes", NULL) == alive &&
           rig_stat(r, "suspect_changes", NULL) == suspect &&
           rig_stat(r, "dead_changes", NULL) == dead;
}

/* What changed something counts, once; what did not, does not. */
static void test_changes_are_counted(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.probe_interval = SEC;
    r.answer_pings = true;
    rig_start(&r);
    CU_ASSERT(counted(&r, 1, 0, 0)); /* ourselves */
    rig_alive(&r, "b", 1, 2);
    rig_alive(&r, "b", 1, 2);
    CU_ASSERT(counted(&r, 2, 0, 0));
    rig_suspect(&r, "b", 1, "x");
    rig_suspect(&r, "b", 1, "x");
    CU_ASSERT(counted(&r, 2, 1, 0));
    rig_dead(&r, "b", 1, "x");
    rig_dead(&r, "b", 1, "x");
    CU_ASSERT(counted(&r, 2, 1, 1));
    rig_alive(&r, "b", 2, 2);
    alive_at(&r, "b", 3, rig_addr(9));
    CU_ASSERT(counted(&r, 3, 1, 1));
    CU_ASSERT_EQUAL(rig_stat(&r, "conflicts", NULL), 1);
    rig_suspect(&r, "self", 1, "b");
    CU_ASSERT_EQUAL(rig_stat(&r, "refuted", NULL), 1);
    CU_ASSERT(counted(&r, 3, 1, 1));
    struct kith_msg m = rig_alive_msg("self", 2, &r.config.advertise, "forged");
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(rig_stat(&r, "refuted", NULL), 2);
    CU_ASSERT(counted(&r, 4, 1, 1)); /* what others say of us changed our incarnation */
    rig_suspect(&r, "b", 2, "x");    /* two members: nobody could confirm, so it is not degraded */
    rig_run(&r, r.now + 5 * SEC);
    CU_ASSERT_EQUAL(rig_stat(&r, "suspicions_expired", NULL), 1);
    CU_ASSERT_EQUAL(rig_stat(&r, "suspicions_degraded", NULL), 0);
    rig_populate(&r, 10, 20);
    rig_suspect(&r, "m10", 1, "x");
    rig_run(&r, r.now + 40 * SEC);
    CU_ASSERT_EQUAL(rig_stat(&r, "suspicions_expired", NULL), 2);
    CU_ASSERT_EQUAL(rig_stat(&r, "suspicions_degraded", NULL), 1);
    rig_fini(&r);
}

KITH_TESTS("core/accuse", {"alive about ourselves", test_alive_about_ourselves},
           {"accusations of ourselves are refuted", test_accusations_of_ourselves_are_refuted},
           {"a refutation travels beside other news",
            test_a_refutation_travels_beside_other_news_of_ourselves},
           {"suspect", test_suspect},
           {"a suspicion by another is passed on, by the same not",
            test_suspect_again_by_another_is_passed_on_by_the_same_is_not},
           {"dead", test_dead},
           {"the dead are dead at the highest incarnation",
            test_the_dead_are_dead_at_the_highest_incarnation},
           {"a leave names itself, an old leave names nobody",
            test_a_leave_names_itself_an_old_leave_names_nobody},
           {"dead ends the suspicion", test_dead_ends_the_suspicion},
           {"the order within a packet does not matter",
            test_the_order_within_a_packet_does_not_matter},
           {"a flood of fresh names stops at max_members",
            test_a_flood_of_fresh_names_stops_at_max_members},
           {"odd names", test_odd_names},
           {"a delegate may read but not change", test_a_delegate_may_read_but_not_change},
           {"changes are counted", test_changes_are_counted})
