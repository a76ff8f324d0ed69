/*
 * test_forged.c - an outsider who can send packets forges claims about a member of an unencrypted
 * cluster. While it does, it may do harm; once it has ended, nothing of it stays.
 */
#include "engine.h"

#include <bounds.h>
#include <wire.h>

/* To all nodes, as from n1. */
static void forge(struct sim *s, const struct kith_msg *msg)
{
    uint8_t bytes[256];
    struct kith_buf buf = {bytes, bytes, 0, sizeof bytes};
    CU_ASSERT_EQUAL_FATAL(kith_wire_write_message(&buf, msg), 0);
    for (int i = 0; i < s->n; i++) {
        struct event *e = sim_event(EV_PACKET, i, buf.data, buf.len);
        e->from = 1;
        sim_push(s, e, sim_now(s) + 1 * MS);
    }
}

/* n0 is what it is not, and leaves. */
static void forge_all(struct sim *s, uint32_t incarnation)
{
    const struct kith_addr *addr = &s->nodes[0]->addr;
    struct kith_msg m = {.type = KITH_MSG_ALIVE,
                         .incarnation = incarnation,
                         .node = kith_text("n0"),
                         .addr = {addr->bytes, addr->len},
                         .port = addr->port,
                         .meta = kith_text("forged"),
                         .vsn = kith_bytes_of("\1\5\2\0\0\0", 6)};
    forge(s, &m);
    sim_run(s, 50 * MS);
    m.type = KITH_MSG_DEAD;
    m.from = m.node;
    forge(s, &m);
    sim_run(s, 50 * MS);
    m.type = KITH_MSG_SUSPECT;
    m.from = kith_text("n1");
    forge(s, &m);
    sim_run(s, 100 * MS);
}

static bool all_see(struct sim *s, const void *meta)
{
    for (int i = 0; i < s->n; i++)
        if (sim_state(s, i, 0) != KITH_ALIVE || !sim_meta_is(s, i, 0, meta)) return false;
    return true;
}

static uint32_t at_the_top(const struct sim *s) { return UINT32_MAX; }
static uint32_t below_the_limit(const struct sim *s) { return KITH_INCARNATION_HIGH - 1; }
static uint32_t where_it_is_steep(const struct sim *s) { return KITH_INCARNATION_STEEP; }
static uint32_t before_it_is_steep(const struct sim *s) { return KITH_INCARNATION_STEEP - 1; }
static uint32_t a_step_higher(const struct sim *s)
{
    return sim_incarnation(s, 0, 0) + KITH_INCARNATION_STEP;
}
static uint32_t at_the_limit(const struct sim *s) { return KITH_INCARNATION_HIGH; }
static uint32_t one_higher(const struct sim *s) { return sim_incarnation(s, 0, 0) + 1; }
static uint32_t halfway(const struct sim *s)
{
    uint32_t now = sim_incarnation(s, 0, 0);
    return now + (UINT32_MAX - now) / 2;
}

static void test_what_was_forged_does_not_stay(void)
{
    static uint32_t (*const heights[])(const struct sim *) = {
        at_the_top, below_the_limit,   at_the_limit,       one_higher,
        halfway,    where_it_is_steep, before_it_is_steep, a_step_higher};
    for (size_t i = 0; i < sizeof heights / sizeof *heights; i++) {
        struct sim *s = sim_new(6, 70 + i);
        sim_join_all(s);
        CU_ASSERT(sim_wait_mesh(s, 60 * SEC));
        for (int k = 0; k < 200; k++) forge_all(s, heights[i](s));
        sim_set_meta(s, 0, "true");
        /* One interval of push/pulls, and what gossip and connecting take. */
        CU_ASSERT(sim_wait(s, all_see, "true", 32 * SEC));
        sim_set_meta(s, 0, "truer");
        CU_ASSERT(sim_wait(s, all_see, "truer", 32 * SEC));
        sim_run(s, 60 * SEC);
        CU_ASSERT(all_see(s, "truer"));
        CU_ASSERT(sim_wait_mesh(s, 0));
        sim_free(s);
    }
}

KITH_TESTS("sim/forged", {"what was forged does not stay", test_what_was_forged_does_not_stay})
