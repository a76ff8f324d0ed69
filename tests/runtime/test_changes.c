/*
 * test_changes.c - changes that somebody asks of a node by its table: what they end in, and what
 * is left of those that end in an error.
 */
#include "odd_nodes.h"
#include <sys/stat.h>
#include <unistd.h>

/* What it ended in. */
static int ended(int rc)
{
    if (rc) return rc;
    unsigned before = nodes[0].done;
    for (int i = 0; i < 3 && nodes[0].done == before; i++) turn();
    CU_ASSERT_EQUAL_FATAL(nodes[0].done, before + 1);
    return nodes[0].status;
}

/* ----------------------------------------------------------------------------------------- meta */

static int set_meta(const struct kith_bytes *meta)
{
    const struct kith_node *t = kith_table(nodes[0].k);
    return ended(t->set_meta(t, meta, done, &nodes[0]));
}

static bool meta_is(const char *text)
{
    struct kith_member me = {.size = sizeof me};
    const struct kith_node *t = kith_table(nodes[0].k);
    t->local(t, &me);
    return kith_bytes_equal(me.meta, kith_text(text));
}

static void test_meta_that_was_refused_is_not_announced_later(void)
{
    static uint8_t long_one[600];
    const struct kith_bytes good = kith_text("good"), bad = kith_text("bad");
    const struct kith_bytes too_long = kith_bytes_of(long_one, sizeof long_one);
    begin_odd();
    open_odd(PLAIN);
    turn();
    CU_ASSERT_EQUAL(set_meta(&good), 0);
    CU_ASSERT_EQUAL(set_meta(&too_long), -KITH_ETOOBIG);
    CU_ASSERT_EQUAL(set_meta(NULL), 0);
    CU_ASSERT_TRUE(meta_is("good"));
    nodes[0].veto = true;
    CU_ASSERT_EQUAL(set_meta(&bad), -KITH_EREFUSED);
    CU_ASSERT_EQUAL(set_meta(&bad), -KITH_EREFUSED);
    nodes[0].veto = false;
    CU_ASSERT_EQUAL(set_meta(NULL), 0);
    CU_ASSERT_TRUE(meta_is("good"));
    end();
}

/* ----------------------------------------------------------------------------------------- keys */

/* The ring has changed, and whoever asked is told that its file has not. */
static void test_a_key_whose_file_cannot_be_written(void)
{
    static const char key[] = "0123456789abcdef";
    char folder[64], file[80], extra[256];
    begin_odd();
    snprintf(folder, sizeof folder, "%s/keys", dir);
    snprintf(file, sizeof file, "%s/key", folder);
    CU_ASSERT_EQUAL_FATAL(mkdir(folder, 0700), 0);
    write_file(file, "000102030405060708090a0b0c0d0e0f\n");
    snprintf(extra, sizeof extra, "keyring: [ { file: %s } ]\n" PLAIN, file);
    open_odd(extra);
    turn();
    CU_ASSERT_EQUAL(unlink(file), 0);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
    const struct kith_node *t = kith_table(nodes[0].k);
    CU_ASSERT_EQUAL(ended(t->key(t, KITH_KEY_INSTALL, kith_text(key), done, &nodes[0])), -KITH_EIO);
    CU_ASSERT_EQUAL(kith_keyring_count(nodes[0].k->ring), 2);
    end();
}

/* --------------------------------------------------------------------------- a leave, and turns */

/* Half of its time is for the delegates' word, the rest for the others to hear of it. */
static void test_delegates_have_half_of_the_time_for_a_leave(void)
{
    const uint64_t second = 1000000000;
    begin_odd();
    open_odd(PLAIN SPY_DELEGATE);
    turn();
    spy.rc[SPY_LEAVE] = KITH_LATER;
    const struct kith_node *t = kith_table(nodes[0].k);
    uint64_t now = kith_loop_now(loop);
    CU_ASSERT_EQUAL(t->leave(t, 10 * second, done, &nodes[0]), 0);
    turn();
    CU_ASSERT_EQUAL(spy.calls[SPY_LEAVE], 1);
    CU_ASSERT_EQUAL(spy.leave_by, now + 5 * second);
    CU_ASSERT_EQUAL(nodes[0].done, 0);
    kith_loop_run_until(loop, now + 6 * second);
    CU_ASSERT_EQUAL(nodes[0].done, 1);
    CU_ASSERT_EQUAL(count(&nodes[0], KITH_LEFT), 1);
    end();
}

/* For ever, whether delegates hold it up or not: it ends when the others were told. */
static void test_the_longest_time_for_a_leave_is_not_over_at_once(void)
{
    static const int words[] = {KITH_LATER, 0};
    const uint64_t second = 1000000000;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        begin_odd();
        open_odd(PLAIN SPY_DELEGATE);
        kith_loop_run_until(loop, kith_loop_now(loop) + second);
        packet(alive());
        CU_ASSERT_EQUAL_FATAL(count(&nodes[0], KITH_ALIVE), 2);
        spy.rc[SPY_LEAVE] = words[i];
        nodes[1].done = 0;
        const struct kith_node *t = kith_table(nodes[0].k);
        CU_ASSERT_EQUAL(t->leave(t, UINT64_MAX, done, &nodes[0]), 0);
        CU_ASSERT_EQUAL(t->leave(t, 20 * second, done, &nodes[1]), 0);
        turn();
        CU_ASSERT_EQUAL(nodes[0].done, 0);
        kith_loop_run_until(loop, kith_loop_now(loop) + 19 * second);
        CU_ASSERT_EQUAL(nodes[1].done, 1); /* the delegates' time was over */
        CU_ASSERT_EQUAL(nodes[0].done, 1);
        CU_ASSERT_EQUAL(nodes[0].status, 0);
        end();
    }
}

static unsigned asked;

/* More than one turn carries out. */
static void ask_again(void *arg, int status, uint64_t value)
{
    const struct kith_node *t = kith_table(nodes[0].k);
    if (status == 0 && ++asked < 100) CU_ASSERT_EQUAL(t->set_meta(t, NULL, ask_again, NULL), 0);
}

static void test_each_turn_ends_with_a_flush(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    asked = 0;
    ask_again(NULL, 0, 0);
    for (unsigned i = 0; i < 3; i++) {
        size_t flushed = odd.call[ODD_FLUSH].calls;
        turn();
        CU_ASSERT_EQUAL(odd.call[ODD_FLUSH].calls, flushed + 1);
        CU_ASSERT_TRUE(kith_commands_pending(nodes[0].k));
    }
    end();
}

KITH_TESTS("runtime/changes",
           {"meta that was refused is not announced later",
            test_meta_that_was_refused_is_not_announced_later},
           {"a key whose file can't be written", test_a_key_whose_file_cannot_be_written},
           {"delegates have half of the time for a leave",
            test_delegates_have_half_of_the_time_for_a_leave},
           {"the longest time for a leave is not over at once",
            test_the_longest_time_for_a_leave_is_not_over_at_once},
           {"each turn ends with a flush", test_each_turn_ends_with_a_flush})
