/*
 * test_top.c - incarnations near their top, where nobody can outdo a claim (WIRE.md, "Claims about
 * members"; PROTOCOL.md 2.5.8, T19).
 */
#include "bounds.h"
#include "core_rig.h"

#define HIGH  KITH_INCARNATION_HIGH
#define STEEP KITH_INCARNATION_STEEP
#define STEP  KITH_INCARNATION_STEP
#define PAUSE KITH_LIFT_PAUSE

static void quiet_from(struct rig *r, uint32_t incarnation)
{
    rig_init(r);
    r->config.incarnation = incarnation;
    r->config.settings.probe_interval = r->config.settings.gossip_interval = 0;
    r->config.settings.push_pull_interval = 5 * SEC;
    rig_start(r);
    rig_alive(r, "b", 1, 2);
}

static void quiet(struct rig *r) { quiet_from(r, 1); }

/* Who dials nobody of its own accord. */
static void silent(struct rig *r)
{
    quiet(r);
    r->config.settings.push_pull_interval = 0;
    CU_ASSERT_EQUAL(kith_core_reconfigure(r->core, &r->config.settings, 0, 0, r->now, NULL), 0);
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
    rig_suspect(&r, "self", HIGH - 1, "b"); /* nor do those far below it, */
    rig_suspect(&r, "self", STEEP, "b");
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), 1);
    CU_ASSERT_EQUAL(drops(&r), 6);
    rig_suspect(&r, "self", STEEP - 1, "b"); /* but from there on by a few */
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), STEEP);
    rig_suspect(&r, "self", STEEP + STEP + 1, "b");
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), STEEP);
    rig_suspect(&r, "self", STEEP + STEP, "b");
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), STEEP + STEP + 1);
    CU_ASSERT_EQUAL(drops(&r), 7);
    rig_fini(&r);

    quiet_from(&r, HIGH); /* who is up there answers up there */
    rig_suspect(&r, "self", HIGH + 9, "b");
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), HIGH + 10);
    m.incarnation = HIGH + 10;
    rig_feed(&r, 2, &m);
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), HIGH + 11);
    CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_ALIVE);
    CU_ASSERT_EQUAL(drops(&r), 0);
    rig_fini(&r);
}

/* However much is in a packet, or in a state: one lift in each pause. */
static void test_hearsay_lifts_once_in_a_while(void)
{
    struct rig r;
    struct kith_addr a = rig_addr(2);
    quiet(&r);
    rig_suspect(&r, "self", STEEP - 1, "b");
    CU_ASSERT_EQUAL(rig_inc(&r, "self"), STEEP);
    for (uint32_t n = 0; n < 3; n++) {
        uint32_t before = rig_inc(&r, "self");
        for (uint32_t i = 0; i < 100; i++) {
            uint32_t ours = rig_inc(&r, "self");
            struct kith_msg m = rig_alive_msg("self", ours + i % STEP, &a, "forged");
            m.addr = kith_bytes_of(r.config.advertise.bytes, r.config.advertise.len);
            rig_suspect(&r, "self", ours + i % STEP, "b");
            rig_dead(&r, "self", ours + STEP, "b");
            rig_feed(&r, 2, &m);
        }
        CU_ASSERT(rig_inc(&r, "self") > before && rig_inc(&r, "self") <= before + STEP + 1);
        CU_ASSERT_EQUAL(rig_state(&r, "self"), KITH_ALIVE);
        rig_run(&r, r.now + PAUSE);
    }
    says(&r, STEEP - 1, NULL);
    for (uint32_t n = 0; n < 3; n++) {
        uint32_t before = rig_inc(&r, "b");
        for (uint32_t i = 1; i < 100; i++) {
            says(&r, before + i, NULL);
            rig_suspect(&r, "b", before + i, "x");
            rig_dead(&r, "b", before + i + 1, "b");
        }
        CU_ASSERT_EQUAL(rig_inc(&r, "b"), before + 1);
        CU_ASSERT_NOT_EQUAL(rig_state(&r, "b"), KITH_LEFT);
        rig_run(&r, r.now + PAUSE);
    }
    while (strcmp(answered(&r, &(struct rig_entry){"b", KITH_ALIVE, 1, 2, "true"}, 1), "b")) {}
    CU_ASSERT(meta_is(&r, "true"));
    rig_fini(&r);
}

/* One forged alive that says what is known changes nothing: the member's own, low words go on being
 * heard, by hearsay. */
static void test_claims_about_others_lift_them_no_higher(void)
{
    static const uint32_t claims[] = {UINT32_MAX, HIGH, HIGH - 1, STEEP};
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        struct rig r;
        quiet(&r);
        says(&r, claims[i], NULL);
        rig_suspect(&r, "b", claims[i], "x");
        CU_ASSERT_EQUAL(rig_inc(&r, "b"), 1);
        CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
        says(&r, 2, "true");
        CU_ASSERT(meta_is(&r, "true"));
        rig_dead(&r, "b", 2, "b");
        CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_LEFT);
        rig_fini(&r);
    }
}

/* Where no incarnation is higher we still refute, and our meta still changes. */
static void test_at_the_very_top_life_goes_on(void)
{
    struct rig r;
    quiet_from(&r, HIGH);
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
    rig_suspect(&r, "b", STEEP - 1, "x");
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_SUSPECT);
    says(&r, STEEP, NULL); /* below, its answer is hearsay enough */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), STEEP);
    rig_suspect(&r, "b", STEEP + STEP + 1, "x");
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    CU_ASSERT_EQUAL(drops(&r), 5);
    rig_run(&r, r.now + PAUSE);
    rig_dead(&r, "b", STEEP + STEP, "b"); /* a few more are not many */
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_LEFT);
    rig_fini(&r);
}

/* Our own probing may still find somebody dead there, who is asked, and not cleared by hearsay. */
static void test_our_own_probing_counts_at_the_top(void)
{
    struct rig r;
    rig_init(&r);
    r.config.settings.gossip_interval = r.config.settings.push_pull_interval = 0;
    rig_start(&r);
    struct rig_entry e = {"b", KITH_ALIVE, 1, 2};
    rig_alive(&r, "b", UINT32_MAX, 2); /* new: whoever joins must hear of such members */
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), UINT32_MAX);
    while (rig_state(&r, "b") == KITH_ALIVE) rig_run(&r, kith_core_deadline(r.core));
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_SUSPECT);
    struct kith_settings set = r.config.settings; /* no pings by stream */
    set.probe_interval = 0;
    CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &set, 0, 0, r.now, NULL), 0);
    says(&r, UINT32_MAX, NULL);
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_SUSPECT);
    for (int i = 0; i < 3 && rig_state(&r, "b") == KITH_SUSPECT; i++) answered(&r, &e, 1);
    CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
    CU_ASSERT_EQUAL(rig_inc(&r, "b"), 1);
    CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &r.config.settings, 0, 0, r.now, NULL), 0);
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

/* Known up there, a leave is believed of who says so, or does not answer; who is back is asked. */
static void test_the_living_leave_and_come_back(void)
{
    static const uint32_t claims[] = {UINT32_MAX, HIGH, 1};
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        for (int answers = 0; answers < 3; answers++) {
            struct rig r;
            rig_init(&r);
            r.config.settings.probe_interval = r.config.settings.gossip_interval = 0;
            rig_start(&r);
            struct rig_entry e = {"b", answers == 2 ? KITH_LEFT : KITH_ALIVE, claims[i], 2};
            rig_alive(&r, "b", HIGH, 2);
            rig_dead(&r, "b", claims[i], "b");
            CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
            CU_ASSERT_STRING_EQUAL(answered(&r, &e, answers ? 1 : 0), "b");
            CU_ASSERT_EQUAL(rig_state(&r, "b"), answers == 1 ? KITH_ALIVE : KITH_LEFT);
            if (rig_state(&r, "b") == KITH_LEFT && rig_inc(&r, "b") >= STEEP) {
                says(&r, 1, NULL);
                CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_LEFT);
                e = (struct rig_entry){"b", KITH_ALIVE, 1, 2};
                CU_ASSERT_STRING_EQUAL(answered(&r, &e, 1), "b");
                CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
                CU_ASSERT_EQUAL(rig_inc(&r, "b"), 1);
            }
            rig_fini(&r);
        }
    }
}

/* Who has left may come back from anywhere, but not up there: then it is asked where it was. */
static void test_nobody_moves_to_the_top(void)
{
    static const uint32_t claims[] = {UINT32_MAX, HIGH, STEEP + STEP};
    for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
        struct rig r;
        struct kith_addr a = rig_addr(4);
        quiet(&r);
        rig_dead(&r, "b", 1, "b");
        CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_LEFT);
        struct kith_msg m = rig_alive_msg("b", claims[i], &a, "forged");
        rig_feed(&r, 4, &m);
        CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_LEFT);
        CU_ASSERT_STRING_EQUAL(answered(&r, &(struct rig_entry){"b", KITH_ALIVE, 2, 2, "true"}, 1),
                               "b");
        CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
        CU_ASSERT(meta_is(&r, "true"));
        rig_dead(&r, "b", 2, "b");
        m.incarnation = 1;
        rig_feed(&r, 4, &m);
        CU_ASSERT_EQUAL(rig_state(&r, "b"), KITH_ALIVE);
        CU_ASSERT(meta_is(&r, "forged"));
        rig_fini(&r);
    }
}

/* Somebody else's word is hearsay on a stream, too; and whoever dials us may be anybody. */
static void test_whose_word_it_is(void)
{
    struct rig r;
    quiet(&r);
    rig_alive(&r, "c", 1, 3);
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

/* Forgers of many members get four push/pulls more in two seconds, no more; who was met and who is
 * older is asked first. */
static void test_doubts_cost_a_few_push_pulls(void)
{
    struct rig r;
    silent(&r);
    rig_populate(&r, 3, 12);
    for (int met = 0; met < 2; met++) {
        for (unsigned n = 3; n <= 12; n++) {
            char name[8];
            struct kith_addr a = rig_addr(n);
            snprintf(name, sizeof name, "m%u", n);
            struct kith_msg m = rig_alive_msg(name, HIGH + n, &a, "forged");
            for (int i = 0; i < 3; i++) rig_feed(&r, 3, &m);
        }
        struct rig_entry e = {"m3", KITH_ALIVE, 1, 3};
        CU_ASSERT_EQUAL(drops(&r), 30 + 30 * met);
        CU_ASSERT_STRING_EQUAL(answered(&r, &e, 1), "m6");
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_DIAL), 4);
        rig_run(&r, r.now + 10 * SEC);
        CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_DIAL), 10);
    }
    rig_fini(&r);
}

enum { INVENTED = 600 };

/* Members that nobody has, each doubted. */
static void invent(struct rig *r)
{
    struct kith_addr a = rig_addr(99);
    for (int times = 0; times < 2; times++) {
        for (unsigned n = 0; n < INVENTED; n++) {
            char name[8];
            snprintf(name, sizeof name, "i%u", n);
            struct kith_msg m = rig_alive_msg(name, HIGH + 1, &a, times ? "x" : "y");
            rig_feed(r, 98, &m);
        }
    }
}

static bool dialled(struct rig *r, const char *name)
{
    for (unsigned i = 0; i < rig_outs(r, KITH_OUT_DIAL); i++)
        if (strcmp(rig_out(r, KITH_OUT_DIAL, i)->name, name) == 0) return true;
    return false;
}

static void without_ticks(struct rig *r)
{
    rig_init(r);
    r->config.settings.probe_interval = r->config.settings.gossip_interval = 0;
    r->config.settings.push_pull_interval = 0;
    rig_start(r);
    invent(r);
}

/* Whatever was invented before: who speaks up from its address is asked first, even when a forger
 * writes that address into as many packets as it likes. */
static void test_who_speaks_up_is_asked_before_the_invented(void)
{
    for (int by_stream = 0; by_stream < 2; by_stream++) {
        struct rig r;
        without_ticks(&r);
        struct rig_entry e = {"b", KITH_ALIVE, 1, 2, "true"};
        struct rig_bytes b;
        says(&r, UINT32_MAX, "forged");
        invent(&r);
        for (unsigned n = 10; n < 40; n++) {
            struct kith_addr a = rig_addr(n);
            struct kith_msg m = rig_alive_msg((char[]){'m', (char)n, 0}, HIGH, &a, "forged");
            rig_feed(&r, n, &m);
            m.incarnation++;
            rig_feed(&r, n, &m);
        }
        rig_clear(&r);
        struct kith_addr a = rig_addr(2);
        struct kith_msg m = rig_alive_msg("b", 1, &a, "true");
        rig_push_pull(&b, true, &e, 1, NULL);
        if (by_stream)
            rig_request(&r, 2, &b);
        else
            rig_feed(&r, 2, &m);
        rig_run(&r, r.now + 2 * SEC + SEC / 2);
        CU_ASSERT(dialled(&r, "b"));
        CU_ASSERT(!meta_is(&r, "true")); /* which is all that it brings */
        CU_ASSERT(rig_outs(&r, KITH_OUT_DIAL) <= 8);
        rig_fini(&r);
    }
}

/* While a forger writes members' addresses into its packets, the others have their turn. */
static void test_those_who_speak_up_leave_room(void)
{
    struct rig r;
    silent(&r);
    rig_populate(&r, 3, 60);
    says(&r, HIGH, "forged");
    rig_clear(&r);
    for (int turn = 0; turn < 10; turn++) {
        for (unsigned n = 3; n <= 60; n++) {
            char name[8];
            struct kith_addr a = rig_addr(n);
            snprintf(name, sizeof name, "m%u", n);
            struct kith_msg m = rig_alive_msg(name, HIGH, &a, "forged");
            rig_feed(&r, n, &m);
        }
        rig_run(&r, r.now + 2 * SEC);
    }
    CU_ASSERT(dialled(&r, "b"));
    CU_ASSERT(dialled(&r, "m60"));
    CU_ASSERT(rig_outs(&r, KITH_OUT_DIAL) <= 44);
    rig_fini(&r);
}

/* So is who answers our pings. */
static void test_who_answers_is_asked_before_the_invented(void)
{
    struct rig r;
    struct kith_addr a = rig_addr(2);
    without_ticks(&r);
    r.config.settings.probe_interval = SEC;
    CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &r.config.settings, 0, 0, r.now, NULL), 0);
    rig_alive(&r, "b", 1, 2);
    kith_core_unreachable(r.core, r.now, &a); /* so it is probed now */
    r.answer_pings = true;
    rig_run(&r, r.now + 2 * SEC);
    r.answer_pings = false;
    says(&r, UINT32_MAX, "forged");
    rig_clear(&r);
    rig_run(&r, r.now + 2 * SEC + SEC / 2);
    CU_ASSERT(dialled(&r, "b"));
    rig_fini(&r);
}

/* Who is asked in vain goes behind those who were not yet, and is not
 * doubted for what our own probing finds. */
static void test_who_is_silent_is_asked_last(void)
{
    struct rig r;
    quiet(&r);
    r.config.settings.push_pull_interval = 0;
    r.config.settings.probe_interval = SEC;
    r.config.settings.disable_tcp_pings = true;
    CU_ASSERT_EQUAL(kith_core_reconfigure(r.core, &r.config.settings, 0, 0, r.now, NULL), 0);
    invent(&r);
    rig_run(&r, r.now + 10 * SEC);
    invent(&r); /* again: nobody is asked twice before each was */
    rig_clear(&r);
    rig_run(&r, r.now + 60 * SEC);
    CU_ASSERT(!dialled(&r, "i0"));
    rig_run(&r, r.now + 2 * INVENTED * SEC);
    CU_ASSERT(dialled(&r, "i0"));
    rig_clear(&r);
    rig_run(&r, r.now + 60 * SEC); /* they are suspected, and that is that */
    CU_ASSERT_EQUAL(rig_outs(&r, KITH_OUT_DIAL), 0);
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
    {"hearsay lifts once in a while", test_hearsay_lifts_once_in_a_while},
    {"claims about others lift them no higher", test_claims_about_others_lift_them_no_higher},
    {"accusations by hearsay are dropped", test_accusations_by_hearsay_are_dropped},
    {"our own probing counts at the top", test_our_own_probing_counts_at_the_top},
    {"who is doubted is asked", test_who_is_doubted_is_asked},
    {"its own word is taken at any height", test_its_own_word_is_taken_at_any_height},
    {"the living leave and come back", test_the_living_leave_and_come_back},
    {"nobody moves to the top", test_nobody_moves_to_the_top},
    {"whose word it is", test_whose_word_it_is},
    {"doubts cost a few push/pulls", test_doubts_cost_a_few_push_pulls},
    {"who speaks up is asked before the invented", test_who_speaks_up_is_asked_before_the_invented},
    {"those who speak up leave room", test_those_who_speak_up_leave_room},
    {"who answers is asked before the invented", test_who_answers_is_asked_before_the_invented},
    {"who is silent is asked last", test_who_is_silent_is_asked_last},
    {"doubts go with the forgotten", test_doubts_go_with_the_forgotten})
