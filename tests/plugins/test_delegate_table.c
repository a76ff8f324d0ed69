/* What delegates ask of their node: what is passed on, what is refused, when the answer comes. */
#include "fan.h"

static struct kith_addr addr(uint8_t last)
{
    return (struct kith_addr){.port = 7946, .len = 4, .bytes = {10, 0, 0, last}};
}

static int send_to_addr(const struct kith_node *n, const struct kith_addr *to)
{
    const struct kith_peer peer = {.size = sizeof peer, .addr = to};
    const struct kith_message m = {.size = sizeof m, .bytes = kith_text("x"), .peer = &peer};
    return n->send(n, &m, NULL, NULL);
}

static void test_fits_without_the_frame(void)
{
    file();
    entry(&producer, "raw", NULL);
    entry(&producer, "kv", "kv");
    open_fan();
    const struct kith_node *raw = table_of("raw"), *kv = table_of("kv");
    const size_t head = 15 + strlen("kv") + 1 + strlen("me");
    for (int what = KITH_FITS_PACKET; what <= KITH_FITS_ACK; what++) {
        bool has_frame = what < KITH_FITS_META;
        CU_ASSERT_EQUAL(raw->fits(raw, (enum kith_fits)what, NULL), 100);
        CU_ASSERT_EQUAL(kv->fits(kv, (enum kith_fits)what, NULL), has_frame ? 100 - head : 100);
    }
    CU_ASSERT_EQUAL(framed("kv", "").len, head);
    asked.fits_relayed = 50; /* broadcasts on channels reach all: their name counts alone */
    CU_ASSERT_EQUAL(raw->fits(raw, KITH_FITS_BROADCAST, NULL), 100);
    CU_ASSERT_EQUAL(kv->fits(kv, KITH_FITS_BROADCAST, NULL), 48);
    CU_ASSERT_EQUAL(kv->fits(kv, KITH_FITS_RELAYED, NULL), 50);
    CU_ASSERT_EQUAL(kv->fits(kv, KITH_FITS_PACKET, NULL), 100 - head);
    asked.fits_relayed = 1;
    CU_ASSERT_EQUAL(kv->fits(kv, KITH_FITS_BROADCAST, NULL), 0);
    close_fan();
}

static void test_only_producers_speak_raw(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&sender, "b", NULL);
    entry(&listener, "kv", "kv");
    open_fan();
    CU_ASSERT_EQUAL(send_to(table_of("a"), "x", "hi", NULL, NULL), -KITH_EACCES);
    CU_ASSERT_EQUAL(asked.sends, 0);
    CU_ASSERT_EQUAL(counted("a", "contract_breaches"), 1);
    CU_ASSERT_EQUAL(send_to(table_of("b"), "x", "hi", NULL, NULL), 0);
    CU_ASSERT_EQUAL(send_to(table_of("kv"), "x", "hi", NULL, NULL), 0);
    CU_ASSERT_EQUAL(asked.sends, 2);
    close_fan();
}

static void say_goodbye(struct probe *p) { send_to(p->host->node, "x", "bye", NULL, NULL); }

/* Who says that it sends may do so to the end; who does not is blamed there, too. */
static void test_last_words(void)
{
    const struct kith_plugin *const who[] = {&sender, &producer, &listener};
    for (size_t i = 0; i < 3; i++) {
        file();
        entry(who[i], "a", NULL);
        open_fan();
        with.on_stop = say_goodbye;
        close_fan();
        CU_ASSERT_EQUAL(asked.sends, i < 2);
        CU_ASSERT_EQUAL(strstr(fake_log_text, "broke its contract") != NULL, i == 2);
    }
}

static void test_keys_and_priorities_are_for_raw(void)
{
    struct kith_message m = {
        .size = sizeof m, .bytes = kith_text("x"), .key = kith_text("k"), .priority = 3};
    file();
    entry(&sender, "raw", NULL);
    entry(&listener, "kv", "kv");
    open_fan();
    const struct kith_node *raw = table_of("raw"), *kv = table_of("kv");
    CU_ASSERT_EQUAL(raw->send(raw, &m, NULL, NULL), 0);
    CU_ASSERT(asked.message.priority == 3 && asked.message.key.len == 1);
    CU_ASSERT_EQUAL(kv->send(kv, &m, NULL, NULL), -KITH_EINVAL);
    m.key.len = 0;
    CU_ASSERT_EQUAL(kv->send(kv, &m, NULL, NULL), -KITH_EINVAL);
    m.priority = 0;
    CU_ASSERT_EQUAL(kv->send(kv, &m, NULL, NULL), 0);
    const struct kith_peer nobody = {.size = sizeof nobody};
    m.peer = &nobody;
    CU_ASSERT_EQUAL(kv->send(kv, &m, NULL, NULL), -KITH_EINVAL);
    close_fan();
}

static bool no_more(void *arg, const struct kith_member *m) { return false; }

/* What would be read or written where nothing is: refused and blamed, whatever asks for it. */
static void test_what_is_no_argument(void)
{
    char text[64];
    uint64_t cursor = 0;
    file();
    entry(&sender, "a", NULL);
    open_fan();
    const struct kith_node *n = table_of("a");
    struct kith_addr *long_one = malloc(sizeof *long_one); /* so that a sanitizer sees its end */
    *long_one = addr(1);
    long_one->len = KITH_ADDR_MAX + 1;
    const struct kith_peer there = {.size = sizeof there, .addr = long_one};
    const struct kith_message m = {.size = sizeof m, .bytes = kith_text("x"), .peer = &there};
    const struct kith_message empty = {.size = sizeof empty, .bytes = {NULL, 1}};
    CU_ASSERT_EQUAL(n->join(n, &there, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->ping(n, &there, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->send(n, &m, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->format(n, long_one, text, sizeof text), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->fits(n, KITH_FITS_PACKET, &there), 0);
    CU_ASSERT_EQUAL(counted("a", "contract_breaches"), 5);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, "gave an address that is too long"));
    CU_ASSERT_EQUAL(n->join(n, NULL, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->ping(n, NULL, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->send(n, NULL, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->send(n, &empty, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->format(n, NULL, text, sizeof text), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->member(n, kith_text("x"), NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->members(n, &cursor, 1, NULL, NULL), 0);
    CU_ASSERT_EQUAL(cursor, UINT64_MAX);
    CU_ASSERT_EQUAL(n->members(n, NULL, 1, no_more, NULL), 0);
    n->local(n, NULL);
    n->stats(n, NULL, NULL);
    CU_ASSERT_EQUAL(counted("a", "contract_breaches"), 15);
    long_one->len = 0; /* as a member shows whose address nobody knows: no breach */
    CU_ASSERT_EQUAL(n->ping(n, &there, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(counted("a", "contract_breaches"), 15);
    CU_ASSERT_EQUAL(asked.sends + asked.pings, 0);
    free(long_one);
    close_fan();
}

/* A plugin with an older header: its message ends before the peer, so it is for all. */
static void test_messages_that_end_early(void)
{
    struct kith_message m;
    file();
    entry(&sender, "a", NULL);
    open_fan();
    memset(&m, 0xA5, sizeof m);
    m.size = offsetof(struct kith_message, peer);
    m.flags = m.priority = 0;
    m.bytes = kith_text("x");
    const struct kith_node *n = table_of("a");
    CU_ASSERT_EQUAL(n->send(n, &m, NULL, NULL), 0);
    CU_ASSERT(asked.relays == 1 && asked.message.key.len == 0);
    struct kith_peer peer = {.size = offsetof(struct kith_peer, addr) + sizeof(void *) / 2};
    m.size += sizeof(void *) / 2;
    CU_ASSERT_EQUAL(n->send(n, &m, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(n->ping(n, &peer, NULL, NULL), -KITH_EINVAL);
    CU_ASSERT_EQUAL(counted("a", "contract_breaches"), 2);
    close_fan();
}

static void test_a_status_is_no_exit_code(void)
{
    file();
    entry(&sender, "a", NULL);
    open_fan();
    const struct kith_node *n = table_of("a");
    CU_ASSERT_EQUAL(n->stop(n, 3, "done"), -KITH_EINVAL);
    CU_ASSERT_EQUAL(counted("a", "contract_breaches"), 1);
    close_fan();
}

static void test_strangers_get_a_share(void)
{
    const struct kith_addr member = addr(1), stranger = addr(2);
    file();
    asked.member = member;
    entry(&sender, "a", NULL);
    open_fan();
    const struct kith_node *n = table_of("a");
    for (unsigned i = 0; i < KITH_STRANGER_BURST; i++)
        CU_ASSERT_EQUAL(send_to_addr(n, &stranger), 0);
    CU_ASSERT_EQUAL(send_to_addr(n, &stranger), -KITH_EAGAIN);
    CU_ASSERT_EQUAL(send_to_addr(n, &member), 0);
    const struct kith_peer peer = {.size = sizeof peer, .addr = &stranger};
    CU_ASSERT_EQUAL(n->ping(n, &peer, NULL, NULL), -KITH_EAGAIN);
    CU_ASSERT_EQUAL(asked.pings, 0);
    CU_ASSERT_EQUAL(n->join(n, &peer, NULL, NULL), -KITH_EAGAIN);
    CU_ASSERT_EQUAL(counter("stranger_messages"), KITH_STRANGER_BURST);
    CU_ASSERT_EQUAL(counter("stranger_messages_refused"), 3);
    CU_ASSERT_EQUAL(asked.sends, KITH_STRANGER_BURST + 1);
    fake_clock += 1000000000u / KITH_STRANGER_RATE;
    CU_ASSERT_EQUAL(send_to_addr(n, &stranger), 0);
    CU_ASSERT_EQUAL(send_to_addr(n, &stranger), -KITH_EAGAIN);
    asked.member = stranger; /* it joins, and the other one goes */
    joins();
    CU_ASSERT_EQUAL(send_to_addr(n, &stranger), 0);
    CU_ASSERT_EQUAL(send_to_addr(n, &member), -KITH_EAGAIN);
    fake_clock += 3600000000000u;
    for (unsigned i = 0; i < KITH_STRANGER_BURST; i++) CU_ASSERT_EQUAL(send_to_addr(n, &member), 0);
    CU_ASSERT_EQUAL(send_to_addr(n, &member), -KITH_EAGAIN);
    close_fan();
}

static bool learn_nothing(void *arg, const struct kith_member *m)
{
    ++*(unsigned *)arg;
    return true;
}

/* More members than the table had places at first. */
static size_t many_members(const struct kith_node *n, uint64_t *cursor, size_t max,
                           bool (*visit)(void *arg, const struct kith_member *), void *arg)
{
    size_t i = 0;
    for (; i < max && *cursor < 1000; i++, ++*cursor) {
        struct kith_member m = {.size = sizeof m, .addr = addr((uint8_t)*cursor)};
        m.addr.port = (uint16_t)*cursor;
        if (!visit(arg, &m)) break;
    }
    if (*cursor == 1000) *cursor = UINT64_MAX;
    return i;
}

static void test_many_members_are_known(void)
{
    struct kith_node many = base;
    struct kith_delegates_setup around = setup;
    many.members = many_members;
    around.node = &many;
    file();
    entry(&sender, "a", NULL);
    make_fan(&around);
    CU_ASSERT_EQUAL(kith_delegates_start(fan, &err), 0);
    const struct kith_node *n = table_of("a");
    for (unsigned i = 0; i < 1000; i++) {
        struct kith_addr to = addr((uint8_t)i);
        to.port = (uint16_t)i;
        CU_ASSERT_EQUAL(send_to_addr(n, &to), 0);
    }
    CU_ASSERT_EQUAL(counter("stranger_messages"), 0);
    unsigned visited = 0;
    uint64_t cursor = 0;
    n->members(n, &cursor, 10, learn_nothing, &visited);
    CU_ASSERT(visited == 10 && cursor == 10);
    close_fan();
}

static void test_keys_need_to_be_allowed(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", NULL)->allow = KITH_ALLOW_KEYS;
    open_fan();
    const struct kith_node *a = table_of("a"), *b = table_of("b");
    const struct kith_bytes key = kith_text("0123456789abcdef");
    CU_ASSERT_EQUAL(a->key(a, KITH_KEY_INSTALL, key, NULL, NULL), -KITH_EACCES);
    CU_ASSERT_EQUAL(asked.keys, 0);
    CU_ASSERT_EQUAL(b->key(b, KITH_KEY_INSTALL, key, NULL, NULL), 0);
    CU_ASSERT_EQUAL(asked.keys, 1);
    close_fan();
}

static void test_meta_is_its_givers(void)
{
    const struct kith_bytes meta = kith_text("m");
    file();
    entry(&listener, "a", NULL);
    open_fan();
    const struct kith_node *n = table_of("a");
    CU_ASSERT_EQUAL(n->set_meta(n, &meta, NULL, NULL), 0);
    CU_ASSERT_EQUAL(n->set_meta(n, NULL, NULL, NULL), 0);
    CU_ASSERT_EQUAL(asked.metas, 2);
    close_fan();
    file();
    entry(&listener, "a", NULL);
    entry(&provider, "b", NULL);
    open_fan();
    n = table_of("a");
    CU_ASSERT_EQUAL(n->set_meta(n, &meta, NULL, NULL), -KITH_EACCES);
    n = table_of("b");
    CU_ASSERT_EQUAL(n->set_meta(n, &meta, NULL, NULL), -KITH_EINVAL); /* it is asked for it */
    CU_ASSERT_EQUAL(asked.metas, 0);
    CU_ASSERT_EQUAL(n->set_meta(n, NULL, NULL, NULL), 0);
    close_fan();
}

static unsigned done_calls;
static int done_status;
static void on_done(void *arg, int status, uint64_t value)
{
    done_calls++;
    done_status = status;
}

static void test_done_only_while_it_lives(void)
{
    file();
    done_calls = 0;
    entry(&listener, "a", "kv");
    open_fan();
    const struct kith_node *n = table_of("a");
    send_to(n, NULL, "x", on_done, NULL);
    asked.done(asked.arg, -KITH_ETIMEOUT, 0);
    CU_ASSERT_EQUAL(done_calls, 1);
    CU_ASSERT_EQUAL(done_status, -KITH_ETIMEOUT);
    asked.rc = -KITH_EAGAIN;
    CU_ASSERT_EQUAL(send_to(n, NULL, "x", on_done, NULL), -KITH_EAGAIN);
    CU_ASSERT_EQUAL(done_calls, 1);
    asked.rc = 0;
    send_to(n, NULL, "x", on_done, NULL);
    kith_done_fn *done = asked.done;
    void *arg = asked.arg;
    file(); /* reload to a file without it */
    CU_ASSERT_EQUAL(reload(), 0);
    done(arg, 0, 0);
    CU_ASSERT_EQUAL(done_calls, 1);
    close_fan();
}

/* Stopped and started again, adopted, or left as it is: only in the last case is it still told. */
static void test_done_over_reloads(void)
{
    for (int i = 0; i < 4; i++) {
        file();
        done_calls = 0;
        entry(i < 2 ? &stubborn : &listener, "a", "kv");
        open_fan();
        send_to(table_of("a"), NULL, "x", on_done, NULL);
        kith_done_fn *done = asked.done;
        void *arg = asked.arg;
        file();
        with.fail_start = i == 0;
        with.fail_adopt = i == 2;
        entry(i < 2 ? &stubborn : &listener, "A", "kv");
        CU_ASSERT_EQUAL(reload(), i == 0 || i == 2 ? -KITH_EIO : 0);
        done(arg, 0, 0);
        CU_ASSERT_EQUAL(done_calls, i == 2 ? 1 : 0);
        close_fan();
    }
}

KITH_TESTS("plugins/delegate_table", {"last words", test_last_words},
           {"what is no argument", test_what_is_no_argument},
           {"fits, without the frame", test_fits_without_the_frame},
           {"only producers speak raw", test_only_producers_speak_raw},
           {"keys and priorities are for raw", test_keys_and_priorities_are_for_raw},
           {"messages that end early", test_messages_that_end_early},
           {"a status is no exit code", test_a_status_is_no_exit_code},
           {"strangers get a share", test_strangers_get_a_share},
           {"many members are known", test_many_members_are_known},
           {"keys need to be allowed", test_keys_need_to_be_allowed},
           {"meta is its giver's", test_meta_is_its_givers},
           {"done only while it lives", test_done_only_while_it_lives},
           {"done over reloads", test_done_over_reloads})
