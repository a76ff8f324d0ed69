/*
 * test_reload_half.c - a reload on its way: what entries see of the new file before it is in force,
 * what is on its way then, and what one that fails in the middle leaves behind.
 */
#include "odd_nodes.h"

#define READS_KEYS "delegates: [ { use: spy, allow: [ keys ] } ]\n"

static int reload(const char *name, const char *extra)
{
    struct kith_error err = {.size = sizeof err};
    config_odd(&nodes[0], name, extra);
    return kith_reload(nodes[0].k, NULL, NULL, &err);
}

/* ------------------------------------------------------------------------------------- its keys */

enum { KEY = 32 }; /* bytes of a derived one */

static struct kith_bytes transport_key(void)
{
    struct kith_key key = {.size = sizeof key};
    CU_ASSERT_EQUAL_FATAL(odd.host->keys(odd.host, 0, &key), 1);
    CU_ASSERT_EQUAL_FATAL(key.len, KEY);
    return kith_bytes_of(key.data, key.len);
}

static void refuse_keys(void) { spy.rc[SPY_REFRESH] = -KITH_EIO; }
static void narrow(void) { odd.limits.packet = 64; }
static void be_narrow(void) { odd.call[ODD_ADOPT].also = narrow; }

/* Other versions have to be announced. */
static void veto(void)
{
    more_node = "delegate_protocol: { min: 2, max: 5, version: 4 }";
    nodes[0].veto = true;
}

/* What is wrong is only seen when the new transport runs, which has read the new keys. */
static void fail_half_way(void (*prepare)(void), uint8_t former[KEY])
{
    begin_odd();
    set_keys();
    odd_plugin.flags = KITH_KEYED;
    open_odd(KEY_A PLAIN READS_KEYS);
    turn();
    memcpy(former, transport_key().data, KEY);
    prepare();
    CU_ASSERT(reload("odd/b", KEY_B PLAIN READS_KEYS) < 0);
    CU_ASSERT_EQUAL(odd.call[ODD_ADOPT].calls, 1);
    CU_ASSERT_PTR_EQUAL(nodes[0].k->transport->self, odd.self);
}

static void test_a_transport_that_took_over_alone_has_the_nodes_keys(void)
{
    static void (*const ways[])(void) = {refuse_keys, be_narrow, veto};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        uint8_t former[KEY];
        fail_half_way(ways[i], former);
        CU_ASSERT_EQUAL(odd.call[ODD_REFRESH].calls, 1);
        CU_ASSERT_EQUAL(memcmp(transport_key().data, former, KEY), 0);

        spy.rc[SPY_REFRESH] = 0;
        CU_ASSERT_EQUAL(
            kith_node_key(nodes[0].k, KITH_KEY_INSTALL, kith_bytes_of(former, 16), NULL), 0);
        CU_ASSERT_EQUAL(odd.call[ODD_REFRESH].calls, 2);
        CU_ASSERT_EQUAL(odd.host->keys(odd.host, 0, NULL), 2);
        odd.limits.packet = 0;
        nodes[0].veto = false;
        CU_ASSERT_EQUAL(reload("odd/b", KEY_B PLAIN READS_KEYS), 0);
        CU_ASSERT_EQUAL(odd.call[ODD_ADOPT].calls, 1);
        CU_ASSERT_NOT_EQUAL(memcmp(transport_key().data, former, KEY), 0);
        end();
    }
}

static const uint8_t *read_in_adopt;
static uint8_t as_read[KEY];
static void read_key(void)
{
    read_in_adopt = transport_key().data;
    memcpy(as_read, read_in_adopt, KEY);
    narrow();
}
static void keep_keys(void)
{
    odd.call[ODD_ADOPT].also = read_key;
    odd.call[ODD_REFRESH].rc = -KITH_EIO;
}

/* Who can't take the node's keys over goes on with those that it has read. */
static void test_keys_that_are_not_given_back_stay_readable(void)
{
    uint8_t former[KEY];
    fail_half_way(keep_keys, former);
    CU_ASSERT_EQUAL(odd.call[ODD_REFRESH].calls, 1);
    CU_ASSERT_EQUAL(memcmp(read_in_adopt, as_read, KEY), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "the former ones stay"));
    end();
}

/* --------------------------------------------------------------------------------- its settings */

static const struct kith_host *const *asker; /* of whoever looks */
static int64_t interval;                     /* ms, as seen last */
static unsigned looks;

static void look(void)
{
    struct kith_value value = {.size = sizeof value};
    looks++;
    CU_ASSERT_EQUAL((*asker)->setting(*asker, "gossip.interval", &value), 0);
    interval = value.number / 1000000;
}

static void look_from(const struct kith_host *const *host)
{
    asker = host;
    looks = 0;
}

#define SLOWER "gossip: { interval: 300ms }\n"

static void test_entries_that_a_reload_makes_see_its_settings(void)
{
    static const struct {
        enum spy_call spied;
        enum odd_call odd; /* when not 0 */
        const struct kith_host *const *host;
        bool adopts;
    } calls[] = {
        {SPY_INIT, 0, &spy.made, true},      {SPY_CODEC_START, 0, &spy.codec, true},
        {SPY_START, 0, &spy.delegate, true}, {0, ODD_ADOPT, &odd.host, true},
        {0, ODD_START, &odd.host, false},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        begin_odd();
        if (!calls[i].adopts) odd_plugin.adopt = NULL;
        open_odd(PLAIN);
        turn();
        look_from(calls[i].host);
        if (calls[i].odd)
            odd.call[calls[i].odd].also = look;
        else
            spy.in[calls[i].spied] = look;
        CU_ASSERT_EQUAL(reload("odd/b", SLOWER SPY_LAYER SPY_DELEGATE), 0);
        CU_ASSERT(looks > 0);
        CU_ASSERT_EQUAL(interval, 300);
        end();
    }
}

/* What never came into force is seen by nobody any more. */
static void test_after_a_reload_that_failed_settings_are_as_before(void)
{
    static void (*const ways[])(void) = {be_narrow, veto};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        begin_odd();
        open_odd(PLAIN);
        turn();
        ways[i]();
        CU_ASSERT(reload("odd/b", SLOWER PLAIN) < 0);
        look_from(&odd.host);
        look();
        CU_ASSERT_EQUAL(interval, 100);
        end();
    }
}

static struct kith_bytes label;

static void read_label(void)
{
    struct kith_value value = {.size = sizeof value};
    CU_ASSERT_EQUAL(odd.host->setting(odd.host, "node.label", &value), 0);
    label = value.text;
}

/* Of the one that was in force, and of one that never was. */
static void test_texts_are_lent_until_the_turn_ends(void)
{
    static const char name[] = "a label that is long enough for a block of its own";
    char more[128];
    begin_odd();
    snprintf(more, sizeof more, "label: '%s'", name);
    more_node = more;
    open_odd(PLAIN);
    turn();
    read_label();
    CU_ASSERT_EQUAL(reload("odd/a", SLOWER PLAIN), 0);
    CU_ASSERT_EQUAL(reload("odd/a", PLAIN), 0);
    CU_ASSERT_TRUE(kith_bytes_equal(label, kith_text(name)));
    turn();

    odd.call[ODD_ADOPT].also = read_label;
    odd.call[ODD_ADOPT].rc = -KITH_EIO;
    CU_ASSERT_EQUAL(reload("odd/b", PLAIN), -KITH_EIO);
    CU_ASSERT_TRUE(kith_bytes_equal(label, kith_text(name)));
    CU_ASSERT_EQUAL(reload("odd/b", PLAIN), -KITH_EIO);
    CU_ASSERT_TRUE(kith_bytes_equal(label, kith_text(name)));
    CU_ASSERT_PTR_NOT_NULL(nodes[0].k->former);
    turn();
    CU_ASSERT_PTR_NULL(nodes[0].k->former);
    end();
}

static void look_at_clocks(void)
{
    looks++;
    CU_ASSERT_EQUAL(spy.made->now(spy.made), kith_loop_now(loop));
    CU_ASSERT_EQUAL(spy.made->wall(spy.made), kith_loop_wall(loop));
    CU_ASSERT_EQUAL(spy.made->world(spy.made), kith_loop_world(loop));
}

/* Each is made twice, the first time to look at the file only. */
static void test_each_init_sees_the_nodes_time(void)
{
    begin_odd();
    looks = 0;
    spy.in[SPY_INIT] = look_at_clocks;
    open_odd(SPY_LAYER);
    CU_ASSERT_EQUAL(looks, 2);
    CU_ASSERT_EQUAL(reload("odd/a", SPY_LAYER SPY_DELEGATE), 0);
    CU_ASSERT_EQUAL(looks, 5);
    end();
}

/* ------------------------------------------------------------------------- what is on its way */

/* Packed for the chain that there was, it goes through it: also by the transport that there was. */
static void test_what_was_packed_goes_through_the_old_chain(void)
{
    static const char *const names[] = {"odd/a", "odd/b"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        begin_odd();
        set_keys();
        open_odd(KEY_A "pipeline: { send: [], accept: [ { use: peek } ], require: [] }\n");
        turn();
        odd_up(ODD_PACKET_IN, "odd/b", 0, ping(), 0);
        CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, 0); /* at the end of the turn */
        CU_ASSERT_EQUAL(
            reload(names[i], KEY_A "pipeline: { send: [ { use: peek } ], require: [] }\n"), 0);
        turn();
        CU_ASSERT_EQUAL(odd.call[ODD_SEND_PACKET].calls, 1);
        CU_ASSERT_EQUAL(peek.seals, 0); /* that is the new one */
        end();
    }
}

static void test_a_list_of_seeds_that_changed_is_tried(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    CU_ASSERT_EQUAL(reload("odd/a", PLAIN "join: [ odd/c ]\n"), 0);
    for (int i = 0; i < 3; i++) turn();
    CU_ASSERT_EQUAL(odd.call[ODD_STREAM_OPEN].calls, 1);
    CU_ASSERT_STRING_EQUAL(odd.to, "odd/c");
    end();
}

/* It ends with the resolver that it began with, which goes with the second change. */
static void test_a_lookup_outlives_one_change_of_its_resolver(void)
{
    begin_odd();
    open_odd(PLAIN);
    turn();
    for (unsigned changes = 1; changes <= 2; changes++) {
        nodes[0].done = 0;
        CU_ASSERT_EQUAL(kith_join(nodes[0].k, "?127.0.0.1", done, &nodes[0]), 0);
        for (unsigned i = 0; i < changes; i++) {
            more_node = i ? "dns_config_path: /b" : "dns_config_path: /a";
            CU_ASSERT_EQUAL(reload("odd/a", PLAIN), 0);
        }
        for (int i = 0; i < 3; i++) turn();
        CU_ASSERT_EQUAL(odd.call[ODD_STREAM_OPEN].calls, 1); /* of the first */
        CU_ASSERT_EQUAL(nodes[0].done, changes - 1);
        CU_ASSERT_EQUAL(nodes[0].status, changes == 1 ? 0 : -KITH_ECLOSED);
        more_node = "";
        CU_ASSERT_EQUAL(reload("odd/a", PLAIN), 0);
    }
    end();
}

/* ------------------------------------------------------------------------------------- its meta */

static bool meta_is(const char *text)
{
    struct kith_member me = {.size = sizeof me};
    const struct kith_node *t = kith_table(nodes[0].k);
    t->local(t, &me);
    return kith_bytes_equal(me.meta, kith_text(text));
}

/* Ask for what there is again. */
static int update(void)
{
    const struct kith_node *t = kith_table(nodes[0].k);
    nodes[0].status = 1;
    CU_ASSERT_EQUAL(t->set_meta(t, NULL, done, &nodes[0]), 0);
    turn();
    return nodes[0].status;
}

static void open_with_meta(void)
{
    begin_odd();
    more_node = "meta: old";
    open_odd(PLAIN);
    turn();
}

static void test_meta_that_fits_no_packet_changes_nothing(void)
{
    struct kith_error err = {.size = sizeof err};
    char large[600];
    open_with_meta();
    snprintf(large, sizeof large, "udp_buffer_size: 512, meta: %0480d", 0);
    more_node = large;
    config_odd(&nodes[0], "odd/a", SLOWER PLAIN);
    CU_ASSERT_EQUAL(kith_reload(nodes[0].k, NULL, NULL, &err), -KITH_ETOOBIG);
    CU_ASSERT_PTR_EQUAL(strstr(err.text, "node.meta: "), err.text);
    CU_ASSERT_PTR_NOT_NULL(strstr(nodes[0].logged, "refused, nothing changed: "));
    CU_ASSERT_EQUAL(update(), 0);
    CU_ASSERT_TRUE(meta_is("old"));
    end();
}

static void keep_line(void *arg, const char *line) { strcat(nodes[0].report, line); }

static int reload_with(const char *meta)
{
    struct kith_error err = {.size = sizeof err};
    nodes[0].report[0] = 0;
    more_node = meta;
    config_odd(&nodes[0], "odd/a", PLAIN);
    return kith_reload(nodes[0].k, keep_line, NULL, &err);
}

static bool reported(const char *words) { return strstr(nodes[0].report, words); }

/* Who vetoes is asked only when it is announced. The next reload tries again, also if its file is
 * the same. */
static void test_meta_that_is_vetoed_stays_as_it_was(void)
{
    open_with_meta();
    nodes[0].veto = true;
    CU_ASSERT_EQUAL(reload_with("meta: bad"), -KITH_EREFUSED);
    CU_ASSERT_TRUE(reported("node.meta: stays as it was: "));
    CU_ASSERT_FALSE(reported(" -> "));
    CU_ASSERT_EQUAL(reload_with("meta: bad"), -KITH_EREFUSED);
    nodes[0].veto = false;
    CU_ASSERT_EQUAL(update(), 0);
    CU_ASSERT_TRUE(meta_is("old"));
    CU_ASSERT_EQUAL(reload_with("meta: bad"), 0);
    CU_ASSERT_TRUE(reported("node.meta: is as the file says now"));
    CU_ASSERT_TRUE(meta_is("bad"));
    CU_ASSERT_EQUAL(reload_with("meta: bad"), 0);
    CU_ASSERT_TRUE(reported("nothing changed"));
    end();
}

KITH_TESTS(
    "runtime/reload_half",
    {"a lookup outlives one change of its resolver",
     test_a_lookup_outlives_one_change_of_its_resolver},
    {"meta that fits no packet changes nothing", test_meta_that_fits_no_packet_changes_nothing},
    {"meta that is vetoed stays as it was", test_meta_that_is_vetoed_stays_as_it_was},
    {"what was packed goes through the old chain", test_what_was_packed_goes_through_the_old_chain},
    {"a list of seeds that changed is tried", test_a_list_of_seeds_that_changed_is_tried},
    {"each init sees the node's time", test_each_init_sees_the_nodes_time},
    {"entries that a reload makes see its settings",
     test_entries_that_a_reload_makes_see_its_settings},
    {"after a reload that failed settings are as before",
     test_after_a_reload_that_failed_settings_are_as_before},
    {"texts are lent until the turn ends", test_texts_are_lent_until_the_turn_ends},
    {"a transport that took over alone has the node's keys",
     test_a_transport_that_took_over_alone_has_the_nodes_keys},
    {"keys that are not given back stay readable", test_keys_that_are_not_given_back_stay_readable})
