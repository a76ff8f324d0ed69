/*
 * test_reload_entries.c - what becomes of the entries that a reload starts: who is told to read its
 * files again, and a transport that starts and then can't carry what the file asks for.
 */
#include "odd_nodes.h"

static void keep_line(void *arg, const char *line)
{
    struct node *n = arg;
    strncat(n->report, line, sizeof n->report - strlen(n->report) - 2);
    strcat(n->report, "\n");
}

static int reload(const char *name, const char *extra, struct kith_error *err)
{
    struct node *n = &nodes[0];
    n->report[0] = n->logged[0] = 0;
    config_odd(n, name, extra);
    return kith_reload(n->k, keep_line, n, err);
}

/* Files are read in start and in adopt: who comes from there has nothing to read again. */
static void test_who_is_new_is_not_refreshed(void)
{
    struct kith_error err = {.size = sizeof err};
    begin_odd();
    open_odd(PLAIN);
    turn();
    CU_ASSERT_EQUAL(reload("odd/a", PLAIN SPY_DELEGATE, &err), 0);
    CU_ASSERT_EQUAL(spy.calls[SPY_START], 1);
    CU_ASSERT_EQUAL(spy.calls[SPY_REFRESH], 0);
    CU_ASSERT_EQUAL(odd.call[ODD_REFRESH].calls, 1);
    CU_ASSERT_EQUAL(reload("odd/a", PLAIN SPY_DELEGATE, &err), 0);
    CU_ASSERT_EQUAL(spy.calls[SPY_REFRESH], 1);
    CU_ASSERT_EQUAL(odd.call[ODD_REFRESH].calls, 2);
    CU_ASSERT_EQUAL(reload("odd/b", PLAIN "delegates: [ { use: spy, take: 1 } ]\n", &err), 0);
    CU_ASSERT_EQUAL(spy.calls[SPY_ADOPT], 1);
    CU_ASSERT_EQUAL(spy.calls[SPY_REFRESH], 1);
    CU_ASSERT_EQUAL(odd.call[ODD_REFRESH].calls, 2);
    end();
}

/* ----------------------------------------------------------------- a transport that can't carry */

static void narrow(void) { odd.limits.packet = 64; } /* too small for the node's own alive */

/* The first to start is narrow, the one after it is as before. */
static void narrow_once(void)
{
    if (odd.limits.packet == 64)
        odd.limits.packet = 0;
    else
        narrow();
}

/* That is known when it runs. Then the file's other settings are not in force yet. */
static int reload_narrow(bool adopts, void (*starting)(void))
{
    struct kith_error err = {.size = sizeof err};
    begin_odd();
    if (!adopts) odd_plugin.adopt = NULL;
    open_odd(PLAIN);
    turn();
    odd.call[adopts ? ODD_ADOPT : ODD_START].also = starting;
    int rc = reload("odd/b", PLAIN "gossip: { interval: 150ms }\n", &err);
    CU_ASSERT(rc < 0 && err.code == rc);
    return rc;
}

static uint64_t interval(void) { return nodes[0].k->config->settings.gossip_interval; }
static bool says(const char *words) { return strstr(nodes[0].report, words); }
static bool logs(const char *words) { return strstr(nodes[0].logged, words); }

static void test_a_transport_that_took_over_and_cannot_carry_stays_alone(void)
{
    struct kith_error err = {.size = sizeof err};
    CU_ASSERT_EQUAL(reload_narrow(true, narrow), -KITH_ETOOBIG);
    const struct kith_instance *new = nodes[0].k->transport;
    CU_ASSERT_PTR_EQUAL(new->self, odd.self);
    CU_ASSERT_TRUE(says("transport: the new one runs, and can't go back: "));
    CU_ASSERT_FALSE(says("gossip.interval"));
    CU_ASSERT_TRUE(logs("refused, nothing but the transport changed: "));
    CU_ASSERT_NOT_EQUAL(interval(), 150000000);
    CU_ASSERT_EQUAL(nodes[0].reloaded, 0);
    CU_ASSERT_EQUAL(kith_dispatch(nodes[0].k), 0);

    odd.limits.packet = 0; /* what holds it back is mended: the file's other settings follow */
    CU_ASSERT_EQUAL(reload("odd/b", PLAIN "gossip: { interval: 150ms }\n", &err), 0);
    CU_ASSERT_PTR_EQUAL(nodes[0].k->transport, new);
    CU_ASSERT_TRUE(says("transport: runs as the file says now"));
    CU_ASSERT_TRUE(says("gossip.interval: 100ms -> 150ms"));
    CU_ASSERT_EQUAL(interval(), 150000000);
    end();
}

static void test_a_transport_that_cannot_carry_goes_for_the_one_before(void)
{
    CU_ASSERT_EQUAL(reload_narrow(false, narrow_once), -KITH_ETOOBIG);
    CU_ASSERT_EQUAL(odd.call[ODD_START].calls, 3);
    CU_ASSERT_PTR_EQUAL(nodes[0].k->transport->self, odd.self);
    CU_ASSERT_TRUE(says("transport: goes on as it was: "));
    CU_ASSERT_TRUE(says("gossip.interval: 100ms -> 150ms"));
    CU_ASSERT_TRUE(logs("all else is as the file says: "));
    CU_ASSERT_EQUAL(interval(), 150000000);
    CU_ASSERT_EQUAL(nodes[0].reloaded, 1);
    CU_ASSERT_EQUAL(kith_dispatch(nodes[0].k), 0);
    end();
}

static void test_if_neither_can_carry_nothing_changes(void)
{
    (void)reload_narrow(false, narrow);
    CU_ASSERT_EQUAL(odd.call[ODD_START].calls, 3);
    CU_ASSERT_TRUE(says("transport: goes on as it was: "));
    CU_ASSERT_FALSE(says("gossip.interval"));
    CU_ASSERT_TRUE(logs("refused, nothing changed: "));
    CU_ASSERT_NOT_EQUAL(interval(), 150000000);
    CU_ASSERT_EQUAL(nodes[0].reloaded, 0);
    CU_ASSERT_EQUAL(kith_dispatch(nodes[0].k), 0);
    end();
}

static void poor(void) { odd.limits.provides = 0; }

/* Nothing else would notice: the node would refuse all that comes. */
static void test_if_neither_gives_what_is_required_nothing_changes(void)
{
    struct kith_error err = {.size = sizeof err};
    begin_odd();
    odd_plugin.adopt = NULL;
    open_odd(PLAIN);
    turn();
    odd.limits.provides = KITH_ENCRYPTS; /* it promises, and does not keep it */
    odd.call[ODD_START].also = poor;
    CU_ASSERT_EQUAL(
        reload("odd/b", "pipeline: { send: [], accept: [], require: [ encrypt ] }\n", &err),
        -KITH_EINVAL);
    CU_ASSERT_TRUE(says("transport: goes on as it was: "));
    CU_ASSERT_TRUE(logs("refused, nothing changed: "));
    CU_ASSERT_EQUAL(nodes[0].k->config->chain.require, 0);
    end();
}

static void narrow_then_fail(void)
{
    if (odd.limits.packet == 64) odd.fails_once = ODD_START;
    narrow();
}

static void test_if_the_one_before_does_not_start_again_the_node_ends(void)
{
    int rc = reload_narrow(false, narrow_then_fail);
    CU_ASSERT_EQUAL(odd.call[ODD_START].calls, 3);
    CU_ASSERT_TRUE(says("transport: runs no more: "));
    CU_ASSERT_TRUE(logs("the node ends: "));
    CU_ASSERT_EQUAL(kith_dispatch(nodes[0].k), rc);
    end();
}

KITH_TESTS("runtime/reload_entries",
           {"who is new is not refreshed", test_who_is_new_is_not_refreshed},
           {"a transport that took over and can't carry stays alone",
            test_a_transport_that_took_over_and_cannot_carry_stays_alone},
           {"a transport that can't carry goes for the one before",
            test_a_transport_that_cannot_carry_goes_for_the_one_before},
           {"if neither can carry nothing changes", test_if_neither_can_carry_nothing_changes},
           {"if neither gives what is required nothing changes",
            test_if_neither_gives_what_is_required_nothing_changes},
           {"if the one before does not start again the node ends",
            test_if_the_one_before_does_not_start_again_the_node_ends})
