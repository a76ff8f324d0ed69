/*
 * test_changes.c - changes that somebody asks of a node by its table: what they end in, and what
 * is left of those that end in an error.
 */
#include "odd_nodes.h"

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

KITH_TESTS("runtime/changes", {"meta that was refused is not announced later",
                               test_meta_that_was_refused_is_not_announced_later})
