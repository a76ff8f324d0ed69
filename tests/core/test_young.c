/*
 * test_young.c - push/pulls that come earlier because the last one taught names (docs/WIRE.md,
 * "Mass joins").
 */
#include "core_rig.h"

enum { NEVER = 60 }; /* seconds in which nothing is dialled */

static void begin(struct rig *r, uint32_t most)
{
    rig_init(r);
    r->config.settings.probe_interval = r->config.settings.gossip_interval = 0;
    r->config.settings.push_pull_interval = 3600 * SEC;
    r->config.settings.push_pull_young = most;
    rig_start(r);
}

/* The peer answers with these names, m<from> to m<to>. */
static void answer(struct rig *r, uint32_t stream, unsigned from, unsigned to)
{
    struct rig_entry e[16];
    char names[16][8];
    size_t n = 0;
    struct rig_bytes b;
    kith_core_stream_opened(r->core, r->now, stream, WHOM(NULL, NULL));
    rig_poll(r);
    for (unsigned i = from; i <= to; i++, n++) {
        snprintf(names[n], sizeof names[n], "m%u", i);
        e[n] = (struct rig_entry){names[n], KITH_ALIVE, 1, i};
    }
    rig_push_pull(&b, false, e, n, "");
    rig_data(r, stream, b.buf.data, b.buf.len);
    rig_clear(r);
}

static void join(struct rig *r, unsigned from, unsigned to)
{
    struct kith_addr seed = rig_addr(from);
    CU_ASSERT_FATAL(kith_core_join(r->core, r->now, WHOM(NULL, &seed)) > 0);
    rig_poll(r);
    CU_ASSERT_EQUAL_FATAL(rig_outs(r, KITH_OUT_DIAL), 1);
    answer(r, rig_out(r, KITH_OUT_DIAL, 0)->stream, from, to);
}

/* Milliseconds until the next one is dialled, 0: none is. */
static unsigned next(struct rig *r, uint32_t *stream)
{
    uint64_t from = r->now, until = r->now + NEVER * SEC;
    while (!rig_outs(r, KITH_OUT_DIAL) && kith_core_deadline(r->core) < until)
        rig_run(r, kith_core_deadline(r->core));
    const struct rig_out *dial = rig_out(r, KITH_OUT_DIAL, 0);
    if (!dial) return 0;
    CU_ASSERT_EQUAL(rig_outs(r, KITH_OUT_DIAL), 1);
    *stream = dial->stream;
    rig_clear(r);
    return (unsigned)((r->now - from) / MS);
}

static bool soon(unsigned ms) { return ms >= 656 && ms <= 844; }
static bool later(unsigned ms) { return ms >= 2625 && ms <= 3375; }

static void test_until_three_taught_nothing(void)
{
    struct rig r;
    uint32_t s = 0;
    begin(&r, 6);
    join(&r, 2, 4);
    CU_ASSERT(soon(next(&r, &s)));
    answer(&r, s, 2, 6); /* m5 and m6 are new */
    for (int i = 0; i < 2; i++) {
        CU_ASSERT(soon(next(&r, &s)));
        answer(&r, s, 2, 6);
    }
    CU_ASSERT(later(next(&r, &s)));
    answer(&r, s, 2, 6);
    CU_ASSERT_EQUAL(next(&r, &s), 0);
    CU_ASSERT_EQUAL(rig_stat(&r, "push_pulls_young", NULL), 4);
    rig_fini(&r);
}

static void test_so_many_in_a_life(void)
{
    struct rig r;
    uint32_t s = 0;
    unsigned known = 3;
    begin(&r, 6);
    join(&r, 2, known);
    for (int i = 0; i < 6; i++) {
        CU_ASSERT(soon(next(&r, &s)));
        answer(&r, s, 2, ++known);
    }
    CU_ASSERT_EQUAL(next(&r, &s), 0);
    join(&r, 2, known + 1);
    CU_ASSERT_EQUAL(next(&r, &s), 0);
    rig_fini(&r);
}

static void test_none_as_memberlist(void)
{
    struct rig r;
    uint32_t s = 0;
    begin(&r, 0);
    join(&r, 2, 4);
    CU_ASSERT_EQUAL(next(&r, &s), 0);
    rig_fini(&r);
}

/* One that fails taught nothing, and only one is under way. */
static void test_refused(void)
{
    struct rig r;
    uint32_t s = 0;
    begin(&r, 6);
    join(&r, 2, 4);
    for (int i = 0; i < 3; i++) {
        CU_ASSERT(i < 2 ? soon(next(&r, &s)) : later(next(&r, &s)));
        kith_core_stream_closed(r.core, r.now, s, -KITH_EREFUSED);
        rig_poll(&r);
        rig_clear(&r);
    }
    CU_ASSERT_EQUAL(next(&r, &s), 0);
    rig_fini(&r);
}

/* Names that others bring: whoever is young goes back to the beginning, nobody else begins. */
static void test_names_that_others_bring(void)
{
    struct rig r;
    uint32_t s = 0;
    struct rig_entry more[] = {{"m9", KITH_ALIVE, 1, 9}, {"m10", KITH_ALIVE, 1, 10}};
    struct rig_bytes b;
    begin(&r, 6);
    rig_push_pull(&b, false, more, 1, "");
    rig_request(&r, 9, &b);
    rig_populate(&r, 11, 12);
    CU_ASSERT_EQUAL(next(&r, &s), 0);
    join(&r, 2, 4);
    for (int i = 0; i < 2; i++) {
        CU_ASSERT(soon(next(&r, &s)));
        answer(&r, s, 2, 4);
    }
    rig_push_pull(&b, false, more, 2, "");
    rig_request(&r, 9, &b);
    rig_clear(&r);
    CU_ASSERT(soon(next(&r, &s)));
    rig_fini(&r);
}

KITH_TESTS("core/young", {"until three taught nothing", test_until_three_taught_nothing},
           {"so many in a life", test_so_many_in_a_life},
           {"none, as memberlist", test_none_as_memberlist}, {"refused", test_refused},
           {"names that others bring", test_names_that_others_bring})
