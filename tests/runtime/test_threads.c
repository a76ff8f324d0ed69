/*
 * test_threads.c - plugins that call the node from a thread of their own: whoever does is named,
 * and nothing comes of it.
 */
#include "odd_nodes.h"
#include <pthread.h>

static void *run(void *arg)
{
    void (*const *fn)(void) = arg;
    (*fn)();
    return NULL;
}

/* The node's thread does nothing meanwhile: what is tested is who is heard. */
static void from_a_thread(void (*fn)(void))
{
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, run, &fn), 0);
    pthread_join(thread, NULL);
}

static unsigned upcall;

static void tell(void)
{
    odd_up((enum odd_upcall)upcall, "odd/b", 0, upcall == ODD_PACKET_IN ? ping() : nothing, 0);
}

static void test_no_upcall_is_heard_from_another_thread(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    odd_up(ODD_ACCEPTED, "odd/b", 0, nothing, 0);
    turn();
    size_t limits = odd.call[ODD_LIMITS].calls;
    for (upcall = ODD_PACKET_IN; upcall < ODD_UPCALLS; upcall++) {
        uint64_t packets = nodes[0].k->packets_in;
        double before = breaches();
        from_a_thread(tell);
        turn();
        CU_ASSERT(breaches() > before);
        CU_ASSERT_EQUAL(nodes[0].k->packets_in, packets);
        CU_ASSERT_EQUAL(odd.accepted_refused, upcall >= ODD_ACCEPTED);
    }
    CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, 0);
    CU_ASSERT_EQUAL(odd.call[ODD_LIMITS].calls, limits);
    CU_ASSERT_EQUAL(kith_streams_count(nodes[0].k), 1);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(nodes[0].logged, "odd: broke its contract: packet_in from another thread"));
    CU_ASSERT_EQUAL(nodes[0].k->told, 0);
    end();
}

/* ------------------------------------------------------------------------------ of a delegate */

static bool see(void *arg, const struct kith_member *m)
{
    CU_FAIL("a member was shown");
    return true;
}
static void count_stat(void *arg, const struct kith_stat *s) { CU_FAIL("a number was shown"); }
static void on_done(void *arg, int status, uint64_t value) { CU_FAIL("it was carried out"); }

enum { ASKS = 13 };

static void ask_all(void)
{
    const struct kith_node *n = spy.delegate->node;
    const struct kith_addr addr = {.len = 5, .bytes = "odd/b"};
    const struct kith_peer peer = {.size = sizeof peer, .addr = &addr};
    const struct kith_message m = {.size = sizeof m, .bytes = kith_text("x")};
    struct kith_member member = {.size = sizeof member, .flags = KITH_MEMBER_LOCAL};
    uint64_t cursor = 0;
    char text[32];
    CU_ASSERT_EQUAL(n->members(n, &cursor, SIZE_MAX, see, NULL), 0);
    CU_ASSERT_EQUAL(cursor, UINT64_MAX);
    CU_ASSERT_EQUAL(n->member(n, kith_text("n0"), &member), -KITH_EINVAL);
    n->local(n, &member);
    CU_ASSERT(member.size == sizeof member && !member.name.len && !member.flags);
    n->stats(n, count_stat, NULL);
    CU_ASSERT_EQUAL(n->format(n, &addr, text, sizeof text), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->fits(n, KITH_FITS_PACKET, NULL), 0);
    CU_ASSERT_EQUAL(n->join(n, &peer, on_done, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->leave(n, 0, on_done, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->stop(n, 0, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->set_meta(n, NULL, on_done, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->send(n, &m, on_done, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->ping(n, &peer, on_done, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->key(n, KITH_KEY_USE, kith_text("x"), on_done, NULL), -KITH_EINVAL);
}

static void test_no_delegate_asks_from_another_thread(void)
{
    int code;
    begin_odd();
    open_odd(PLAIN SPY_DELEGATE);
    turn();
    from_a_thread(ask_all);
    turn();
    CU_ASSERT_EQUAL(stat_of(&nodes[0], "contract_breaches", "spy"), ASKS);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(nodes[0].logged, "spy: broke its contract: key from another thread"));
    CU_ASSERT(!kith_node_ended(nodes[0].k, &code));
    end();
}

/* Whichever thread the program runs its node in is the node's. */
static void run_on(void)
{
    const struct kith_node *n = spy.delegate->node;
    turn();
    CU_ASSERT(n->fits(n, KITH_FITS_PACKET, NULL) > 0);
}

static void test_a_node_may_run_in_another_thread_than_it_was_opened_in(void)
{
    begin_odd();
    open_odd(PLAIN SPY_DELEGATE);
    from_a_thread(run_on);
    kith_close(nodes[0].k); /* and be closed here again */
    nodes[0].k = NULL;
    CU_ASSERT_STRING_EQUAL(nodes[0].logged, "");
    end();
}

KITH_TESTS("runtime/threads",
           {"no upcall is heard from another thread", test_no_upcall_is_heard_from_another_thread},
           {"no delegate asks from another thread", test_no_delegate_asks_from_another_thread},
           {"a node may run in another thread than it was opened in",
            test_a_node_may_run_in_another_thread_than_it_was_opened_in})
