/* Messages and state of delegates: what is on the wire, who gets it, what is passed on, which ids
 * were seen. */
#include "fan.h"

static void test_messages_wait_for_the_end_of_the_turn(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", NULL);
    open_fan();
    CU_ASSERT(!kith_delegates_waiting(fan));
    arrives("one", 3, false);
    arrives("two", 3, true);
    CU_ASSERT(kith_delegates_waiting(fan));
    CU_ASSERT_STRING_EQUAL(diary, "");
    CU_ASSERT(!kith_delegates_deliver(fan));
    CU_ASSERT_STRING_EQUAL(diary, "a:msg(one) b:msg(one) a:msg(two,stream) b:msg(two,stream) ");
    for (int i = 0; i < 6; i++) arrives("x", 1, false);
    CU_ASSERT_EQUAL(counter("user_messages_dropped"), 2);
    diary[0] = 0;
    kith_delegates_deliver(fan);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(
        diary, "a:msg(x) b:msg(x) a:msg(x) b:msg(x) a:msg(x) b:msg(x) a:msg(x) b:msg(x) ");
    close_fan();
}

static void dawdle_first(void *who, const struct kith_message *m)
{
    struct timespec held_up = {0, 210000000};
    if (m->bytes.len == 4) nanosleep(&held_up, NULL);
}

/* Who is slow is blamed for it, not whoever comes next. */
static void test_slow_ones_are_told_apart(void)
{
    static const struct kith_delegate_ops slow = {.size = sizeof slow, .message = dawdle_first};
    static const struct kith_plugin plugin = PROBE(&slow, NULL);
    file();
    entry(&plugin, "a", NULL);
    entry(&listener, "b", NULL);
    open_fan();
    arrives("slow", 4, false);
    arrives("x", 1, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(counted("a", "slow_calls"), 1);
    CU_ASSERT_EQUAL(counted("b", "slow_calls"), 0);
    close_fan();
}

static void test_waiting_bytes_are_bounded(void)
{
    file();
    config.settings.max_stream_memory = 64; /* a quarter; three more a message than it has bytes */
    entry(&listener, "a", NULL);
    open_fan();
    arrives("12345678", 8, true);
    arrives("123", 3, true);
    arrives("12", 2, true);
    CU_ASSERT_EQUAL(counter("user_messages_dropped"), 1);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "a:msg(12345678,stream) a:msg(12,stream) ");
    close_fan();
}

static struct kith_message got;
static struct kith_peer got_peer;
static struct kith_addr got_addr;
static char got_text[3][64];
static void keep_message(void *who, const struct kith_message *m)
{
    if (got.peer) return; /* the first is kept */
    got = *m;
    got_peer = *m->peer;
    got_addr = *m->peer->addr;
    snprintf(got_text[0], sizeof *got_text, "%s", (const char *)m->peer->identity.data);
    snprintf(got_text[1], sizeof *got_text, "%s", (const char *)m->peer->name.data);
    snprintf(got_text[2], sizeof *got_text, "%.*s", (int)m->bytes.len, (const char *)m->bytes.data);
}

/* Whose hands it came from is still known at the end of the turn, when its memory is another's. */
static void test_messages_keep_their_peer(void)
{
    static const struct kith_delegate_ops keeper = {.size = sizeof keeper, .message = keep_message};
    static struct kith_plugin plugin = PROBE(&keeper, NULL);
    struct kith_addr addr = {7946, 3, {'b', '/', 'c'}};
    char identity[] = "CN=b", name[] = "bee", bytes[] = "hello";
    struct kith_peer peer = {.size = sizeof peer,
                             .provides = KITH_ENCRYPTS,
                             .protocol_max = 5,
                             .addr = &addr,
                             .name = kith_text(name),
                             .identity = kith_text(identity)};
    struct kith_message m = {
        .size = sizeof m, .flags = KITH_RELIABLE, .bytes = kith_text(bytes), .peer = &peer};
    file();
    got = (struct kith_message){0};
    entry(&plugin, "a", NULL);
    open_fan();
    ops->message(self, &m);
    memset(identity, '!', sizeof identity);
    memset(name, '!', sizeof name);
    memset(bytes, '!', sizeof bytes);
    memset(&addr, 0, sizeof addr);
    memset(&peer, 0, sizeof peer);
    arrives("second", 6, false); /* memory may move */
    kith_delegates_deliver(fan);
    const struct kith_addr was = {7946, 3, {'b', '/', 'c'}};
    CU_ASSERT_STRING_EQUAL(got_text[0], "CN=b");
    CU_ASSERT_STRING_EQUAL(got_text[1], "bee");
    CU_ASSERT_STRING_EQUAL(got_text[2], "hello");
    CU_ASSERT(got.flags == KITH_RELIABLE && got_peer.provides == KITH_ENCRYPTS);
    CU_ASSERT(got_peer.protocol_max == 5 && kith_addr_equal(&got_addr, &was));
    close_fan();
}

static void test_raw_goes_out_as_it_is(void)
{
    file();
    entry(&producer, "a", NULL);
    open_fan();
    const struct kith_node *n = table_of("a");
    CU_ASSERT_EQUAL(send_to(n, NULL, "hello", NULL, NULL), 0);
    CU_ASSERT(asked.relays == 1 && asked.len == 5 && memcmp(asked.bytes, "hello", 5) == 0);
    CU_ASSERT_EQUAL(send_to(n, "x", "", NULL, NULL), 0);
    CU_ASSERT_EQUAL(asked.len, 0);
    with.state = "state", with.broadcast = "casts";
    collect_nothing();
    ops->local_state(self, true, &collector);
    CU_ASSERT(collected_len == 5 && memcmp(collected, "state", 5) == 0);
    collect_nothing();
    ops->get_broadcasts(self, 3, 8, &collector);
    CU_ASSERT(collected_len == 5 && memcmp(collected, "casts", 5) == 0);
    collect_nothing();
    ops->get_broadcasts(self, 3, 7, &collector);
    CU_ASSERT_EQUAL(collected_len, 0);
    CU_ASSERT_EQUAL(with.broadcast_rc, -KITH_ETOOBIG);
    close_fan();
}

/* As docs/WIRE.md has it: kind 2, the channel, the sender, the body. */
static void test_channel_frames(void)
{
    file();
    entry(&listener, "raw", NULL);
    entry(&listener, "kv", "kv");
    entry(&listener, "other", "other");
    open_fan();
    CU_ASSERT_EQUAL(send_to(table_of("kv"), "x", "hi", NULL, NULL), 0);
    static const uint8_t begin[] = {0xF2, 0x6B, 0x63, 0x31, 2, 0};
    static const uint8_t end[] = {2, 'k', 'v', 0, 2, 'm', 'e', 'h', 'i'};
    CU_ASSERT_EQUAL_FATAL(asked.len, sizeof begin + 8 + sizeof end);
    CU_ASSERT(memcmp(asked.bytes, begin, sizeof begin) == 0 &&
              memcmp(asked.bytes + 14, end, sizeof end) == 0);
    uint8_t msg[64];
    size_t len = asked.len;
    memcpy(msg, asked.bytes, len);

    arrives(msg, len, false);
    arrives(msg, len, false); /* the network doubled it */
    arrives("plain", 5, false);
    kith_delegates_deliver(fan);
    arrives(msg, len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "kv:msg(hi by me) raw:msg(plain) ");
    CU_ASSERT_EQUAL(asked.relays, 0);

    diary[0] = 0;
    for (size_t cut = 4; cut < 21; cut++)
        arrives(msg, cut, false); /* truncated frames are nobody's */
    msg[4] = 9;                   /* a kind of the future */
    arrives(msg, len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "");
    CU_ASSERT_EQUAL(counter("channel_malformed"), 18);
    close_fan();
}

/* Kinds 0 and 1 have no sender: who sends them is not known. */
static void test_frames_without_a_sender(void)
{
    static const uint8_t direct[] = {0xF2, 0x6B, 0x63, 0x31, 0, 0,   1,   2,   3,  4,
                                     5,    6,    7,    8,    2, 'k', 'v', 'h', 'i'};
    uint8_t relayed[sizeof direct];
    memcpy(relayed, direct, sizeof direct);
    relayed[4] = 1, relayed[5] = 3;
    file();
    entry(&listener, "kv", "kv");
    open_fan();
    arrives(direct, sizeof direct, false);
    arrives(relayed, sizeof relayed, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "kv:msg(hi) kv:msg(hi,relayed) ");
    relayed[5] = 2; /* passed on as it was */
    CU_ASSERT(asked.relays == 1 && asked.len == sizeof relayed);
    CU_ASSERT(memcmp(asked.bytes, relayed, sizeof relayed) == 0);
    close_fan();
}

static void test_relay(void)
{
    file();
    entry(&listener, "raw", NULL);
    entry(&listener, "kv", "kv");
    open_fan();
    CU_ASSERT_EQUAL(send_to(table_of("kv"), NULL, "all", NULL, NULL), 0);
    uint8_t own[64], theirs[64];
    size_t len = asked.len;
    memcpy(own, asked.bytes, len);
    CU_ASSERT_EQUAL(own[4], 3);
    CU_ASSERT_EQUAL(own[5], KITH_CHANNEL_HOPS);
    arrives(own, len, false); /* comes back to us: nothing */
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "");
    CU_ASSERT_EQUAL(asked.relays, 1);

    memcpy(theirs, own, len);
    theirs[13] ^= 1; /* another id */
    arrives(theirs, len, false);
    arrives(theirs, len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "kv:msg(all,relayed by me) ");
    CU_ASSERT_EQUAL(asked.relays, 2);
    CU_ASSERT_EQUAL(asked.bytes[5], KITH_CHANNEL_HOPS - 1);
    theirs[5]--;
    CU_ASSERT(asked.len == len && memcmp(asked.bytes, theirs, len) == 0);

    theirs[13] ^= 2;
    theirs[5] = 0; /* came far enough */
    arrives(theirs, len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "kv:msg(all,relayed by me) kv:msg(all,relayed by me) ");
    CU_ASSERT_EQUAL(asked.relays, 2);

    theirs[13] ^= 4;
    theirs[5] = 255; /* more than anybody has */
    arrives(theirs, len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(asked.relays, 3);
    CU_ASSERT_EQUAL(asked.bytes[5], KITH_CHANNEL_HOPS - 1);
    close_fan();
}

static void test_relay_without_the_channel(void)
{
    file();
    entry(&listener, "kv", "kv");
    open_fan();
    send_to(table_of("kv"), NULL, "all", NULL, NULL);
    uint8_t msg[64];
    size_t len = asked.len;
    memcpy(msg, asked.bytes, len);
    close_fan();
    file(); /* a node without any delegate */
    open_fan();
    arrives(msg, len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(asked.relays, 1);
    arrives(msg, len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(asked.relays, 1);
    close_fan();
}

static void test_what_was_dropped_may_come_again(void)
{
    file();
    config.settings.handoff_queue_depth = 1;
    entry(&listener, "kv", "kv");
    open_fan();
    send_to(table_of("kv"), "x", "late", NULL, NULL);
    arrives("first", 5, false);
    arrives(asked.bytes, asked.len, false);
    CU_ASSERT_EQUAL(counter("user_messages_dropped"), 1);
    kith_delegates_deliver(fan);
    arrives(asked.bytes, asked.len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "kv:msg(late by me) ");
    close_fan();
}

static void test_state_of_several(void)
{
    file();
    entry(&producer, "raw", NULL);
    entry(&producer, "kv", "kv");
    entry(&listener, "ear", "kv");
    entry(&producer, "x", "x");
    open_fan();
    with.state = "abcdef";
    collect_nothing();
    ops->local_state(self, false, &collector);
    CU_ASSERT(memcmp(collected, "abcdef", 6) == 0);
    CU_ASSERT(collected[6] == 0xF2 && collected[7] == 0x6B);
    state_arrives(collected, collected_len, true);
    CU_ASSERT_STRING_EQUAL(diary, "raw:state(abcdef,join) kv:state(abcdef,join by me) "
                                  "ear:state(abcdef,join by me) x:state(abcdef,join by me) ");

    diary[0] = 0; /* a Go peer's state is the raw ones' alone, byte for byte */
    state_arrives("zzz", 3, false);
    CU_ASSERT_STRING_EQUAL(diary, "raw:state(zzz) ");

    diary[0] = 0; /* cut or changed at any place: never more than was there */
    for (size_t cut = 0; cut < collected_len; cut++) state_arrives(collected, cut, false);
    CU_ASSERT_PTR_NULL(strstr(diary, "kv:"));
    for (size_t at = 0; at < collected_len; at++) {
        collected[at] ^= 0xFF;
        state_arrives(collected, collected_len, false);
        collected[at] ^= 0xFF;
        diary[0] = 0;
    }
    with.state = ""; /* no state, no section */
    collect_nothing();
    ops->local_state(self, false, &collector);
    CU_ASSERT_EQUAL(collected_len, 0);
    close_fan();
}

/* The first piece is named by one zero byte, which no channel is. */
static void test_state_names_its_sender(void)
{
    static const uint8_t first[] = {1, 0, 0, 0, 0, 2, 'm', 'e', 2, 'k', 'v'};
    file();
    entry(&producer, "kv", "kv");
    open_fan();
    with.state = "S";
    collect_nothing();
    ops->local_state(self, false, &collector);
    CU_ASSERT(memcmp(collected + KITH_CHANNEL_SECTION_HEAD, first, sizeof first) == 0);
    asked.name = NULL;
    close_fan();
    file();
    asked.name = NULL; /* no name yet: no such piece */
    entry(&producer, "kv", "kv");
    open_fan();
    with.state = "S";
    collect_nothing();
    ops->local_state(self, false, &collector);
    CU_ASSERT(memcmp(collected + KITH_CHANNEL_SECTION_HEAD, "\2kv", 3) == 0);
    close_fan();
}

/* What a delegate puts on the wire does not depend on what else is loaded. */
static void test_same_bytes_alone_and_together(void)
{
    uint8_t alone[256], casts[256];
    size_t alone_len = 0, casts_len = 0;
    for (int together = 0; together < 2; together++) {
        file();
        with.state = "S", with.broadcast = "B";
        if (together) entry(&listener, "a", NULL);
        entry(&producer, "kv", "kv");
        if (together) entry(&listener, "b", "else");
        fake_random_state = 7;
        open_fan();
        collect_nothing();
        ops->local_state(self, false, &collector);
        if (!together) memcpy(alone, collected, alone_len = collected_len);
        CU_ASSERT(collected_len && collected_len == alone_len);
        CU_ASSERT(memcmp(collected, alone, alone_len) == 0);
        collect_nothing();
        ops->get_broadcasts(self, 3, 1000, &collector);
        if (!together) memcpy(casts, collected, casts_len = collected_len);
        CU_ASSERT(collected_len && collected_len == casts_len);
        CU_ASSERT(memcmp(collected, casts, casts_len) == 0);
        close_fan();
    }
}

static void test_seen_window(void)
{
    struct kith_seen seen = {.key = {42}};
    CU_ASSERT(!kith_seen_add(&seen, 0));
    CU_ASSERT(kith_seen_add(&seen, 0));
    for (uint64_t id = 10; id < 10 + KITH_SEEN_WINDOW; id++) CU_ASSERT(!kith_seen_add(&seen, id));
    CU_ASSERT(kith_seen_has(&seen, 11));
    for (uint64_t id = 100000; id < 100000 + 10 * KITH_SEEN_WINDOW; id++) {
        kith_seen_add(&seen, id);
        if (id >= 100000 + KITH_SEEN_WINDOW)
            CU_ASSERT(kith_seen_has(&seen, id - KITH_SEEN_WINDOW + 1));
    }
    CU_ASSERT(!kith_seen_has(&seen, 11));
    kith_seen_fini(&seen);
}

/* Ids that differ at one end only must not crowd in one place of the table: each lookup would walk
 * all of them. */
static void test_seen_ids_are_spread(void)
{
    for (unsigned shift = 0; shift <= 52; shift += 4) {
        struct kith_seen seen = {.key = {42}};
        size_t run = 0, longest = 0;
        for (uint64_t id = 1; id < KITH_SEEN_WINDOW; id++) kith_seen_add(&seen, id << shift);
        for (size_t i = 0; i < 2 * KITH_SEEN_WINDOW; i++) {
            run = seen.young[i] ? run + 1 : 0;
            if (run > longest) longest = run;
        }
        CU_ASSERT(longest < 200);
        kith_seen_fini(&seen);
    }
}

KITH_TESTS("plugins/channels",
           {"messages wait for the end of the turn", test_messages_wait_for_the_end_of_the_turn},
           {"slow ones are told apart", test_slow_ones_are_told_apart},
           {"bytes that wait are bounded", test_waiting_bytes_are_bounded},
           {"messages keep their peer", test_messages_keep_their_peer},
           {"raw goes out byte for byte", test_raw_goes_out_as_it_is},
           {"channel frames", test_channel_frames},
           {"frames without a sender", test_frames_without_a_sender}, {"relay", test_relay},
           {"relay without the channel", test_relay_without_the_channel},
           {"what was dropped may come again", test_what_was_dropped_may_come_again},
           {"state of several", test_state_of_several},
           {"state names its sender", test_state_names_its_sender},
           {"same bytes alone and together", test_same_bytes_alone_and_together},
           {"window of ids", test_seen_window}, {"ids are spread", test_seen_ids_are_spread})
