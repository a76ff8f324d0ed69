/* Messages and state of delegates: what is on the wire, who gets it, which ids were seen. */
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
    config.settings.max_stream_memory = 72; /* a quarter; four more a message than it has bytes */
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

/* The node is told the channel; what goes there in a packet is as docs/WIRE.md has it. */
static void test_channel_frames(void)
{
    static const uint8_t begin[] = {0xF2, 0x6B, 0x63, 0x31, 0, 0};
    static const uint8_t end[] = {2, 'k', 'v', 2, 'm', 'e', 'h', 'i'};
    file();
    entry(&listener, "raw", NULL);
    entry(&listener, "kv", "kv");
    entry(&listener, "other", "other");
    open_fan();
    CU_ASSERT_EQUAL(send_to(table_of("kv"), "x", "hi", NULL, NULL), 0);
    CU_ASSERT(asked.len == 2 && kith_bytes_equal(asked.message.channel, kith_text("kv")));
    struct kith_bytes frame = framed("kv", "hi");
    CU_ASSERT_EQUAL_FATAL(frame.len, sizeof begin + 8 + sizeof end);
    CU_ASSERT(memcmp(frame.data, begin, sizeof begin) == 0 &&
              memcmp(frame.data + 14, end, sizeof end) == 0);

    arrives(frame.data, frame.len, false);
    arrives(frame.data, frame.len, false); /* the network doubled it */
    arrives("plain", 5, false);
    kith_delegates_deliver(fan);
    arrives(frame.data, frame.len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "kv:msg(hi by me) raw:msg(plain) ");
    CU_ASSERT_EQUAL(counter("channel_repeated"), 2);
    close_fan();
}

static void test_no_channel_is_called_that(void)
{
    char name[KITH_CHANNEL_NAME_MAX + 2] = "";
    struct kith_bytes msg = kith_text("hi");
    file();
    open_fan();
    CU_ASSERT_EQUAL(kith_delegates_frame(fan, kith_text(name), &msg), -KITH_EINVAL);
    memset(name, 'n', KITH_CHANNEL_NAME_MAX + 1);
    CU_ASSERT_EQUAL(kith_delegates_frame(fan, kith_text(name), &msg), -KITH_EINVAL);
    name[KITH_CHANNEL_NAME_MAX] = 0;
    CU_ASSERT_EQUAL(kith_delegates_frame(fan, kith_text(name), &msg), 0);
    close_fan();
}

/* A copy of a frame in which one byte is another. */
static void changed_arrives(struct kith_bytes frame, size_t at, uint8_t byte)
{
    uint8_t msg[64];
    CU_ASSERT_FATAL(frame.len <= sizeof msg);
    memcpy(msg, frame.data, frame.len);
    msg[at] = byte;
    arrives(msg, frame.len, false);
}

/* Frames that were cut are nobody's; so are those of other kinds, which the core takes or a later
 * version knows, and with a flag that must be understood. Other flags say nothing to us. */
static void test_frames_that_nobody_hears(void)
{
    enum { KIND = 4, FLAGS = 5, NAME_LEN = 14, SENDER_LEN = 17 };
    file();
    entry(&listener, "raw", NULL);
    entry(&listener, "kv", "kv");
    open_fan();
    struct kith_bytes frame = framed("kv", "hi");
    for (size_t cut = 4; cut < 20; cut++) arrives(frame.data, cut, false);
    changed_arrives(frame, NAME_LEN, 0);
    changed_arrives(frame, NAME_LEN, KITH_CHANNEL_NAME_MAX + 1);
    changed_arrives(frame, SENDER_LEN, 0x84); /* longer than any */
    CU_ASSERT_EQUAL(counter("channel_malformed"), 19);
    for (uint8_t kind = 1; kind < 10; kind++) changed_arrives(frame, KIND, kind);
    for (unsigned bit = 4; bit < 8; bit++) changed_arrives(frame, FLAGS, (uint8_t)(1u << bit));
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "");
    CU_ASSERT_EQUAL(counter("channel_malformed"), 19);
    CU_ASSERT_EQUAL(counter("channel_unknown"), 13);
    changed_arrives(frame, FLAGS, 0x0F);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "kv:msg(hi by me) ");
    close_fan();
}

/* The length of a sender's name takes one byte, two or three, and no name is longer than a name can
 * be. */
static void test_long_senders(void)
{
    static const size_t lens[] = {0, 1, 127, 128, 16383, 16384, 65535, 65536};
    const struct kith_bytes channel = kith_text("kv");
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        uint8_t *name = calloc(1, lens[i] + 1);
        struct kith_channel_frame made = {
            .id = 7, .name = channel, .sender = kith_bytes_of(name, lens[i])};
        const size_t number = lens[i] < 128 ? 1 : lens[i] < 16384 ? 2 : 3;
        const size_t head = kith_channel_head(channel.len, lens[i]);
        CU_ASSERT_EQUAL(head, 15 + 2 + number + lens[i]);
        uint8_t *msg = malloc(head + 1);
        CU_ASSERT_FATAL(name && msg);
        kith_channel_write_head(msg, &made);
        msg[head] = 'x';
        struct kith_channel_frame read;
        int rc = kith_channel_parse(kith_bytes_of(msg, head + 1), &read);
        CU_ASSERT_EQUAL(rc, lens[i] <= KITH_CHANNEL_SENDER_MAX ? 0 : -KITH_EMALFORMED);
        if (!rc) CU_ASSERT(read.id == 7 && read.sender.len == lens[i] && read.body.len == 1);
        free(msg);
        free(name);
    }
}

/* What was broadcast comes opened, each once: whatever it looks like is its body. */
static void test_relayed(void)
{
    file();
    entry(&listener, "raw", NULL);
    entry(&listener, "kv", "kv");
    entry(&listener, "other", "other");
    open_fan();
    CU_ASSERT_EQUAL(send_to(table_of("kv"), NULL, "all", NULL, NULL), 0);
    CU_ASSERT(asked.relays == 1 && asked.len == 3);
    CU_ASSERT(kith_bytes_equal(asked.message.channel, kith_text("kv")));
    relayed_arrives("kv", "ada", "one");
    relayed_arrives("nobody's", "ada", "x");
    relayed_arrives("kv", "bob", "one");
    relayed_arrives("kv", "ada", "\xF2kc1");
    CU_ASSERT_STRING_EQUAL(diary, "");
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "kv:msg(one,relayed by ada) kv:msg(one,relayed by bob) "
                                  "kv:msg(\xF2kc1,relayed by ada) ");
    CU_ASSERT_EQUAL(counter("channel_unknown") + counter("channel_malformed"), 0);
    close_fan();
}

/* One that was dropped would never come again: no limit is for them, nor do they use one up. */
static void test_relayed_ones_are_not_dropped(void)
{
    static struct kith_account memory;
    char want[16384] = "";
    file();
    config.settings.handoff_queue_depth = 1;
    config.settings.max_stream_memory = 64;
    memory = (struct kith_account){.limit = 100};
    fan_maker.memory = &memory;
    entry(&listener, "kv", "kv");
    open_fan();
    struct kith_bytes frame = framed("kv", "direct");
    relayed_arrives("kv", "ada", "one");
    relayed_arrives("kv", "ada", "two");
    CU_ASSERT(!kith_delegates_full(fan));
    arrives(frame.data, frame.len, false);
    CU_ASSERT(kith_delegates_full(fan));
    snprintf(want, sizeof want,
             "kv:msg(one,relayed by ada) kv:msg(two,relayed by ada) kv:msg(direct by me) ");
    for (int i = 0; i < 100; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        relayed_arrives("kv", "ada", text);
        snprintf(want + strlen(want), sizeof want - strlen(want), "kv:msg(%d,relayed by ada) ", i);
    }
    CU_ASSERT(memory.held > memory.limit);
    arrives("second", 6, false); /* one over the depth */
    CU_ASSERT_EQUAL(counter("user_messages_dropped"), 1);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, want);
    close_fan();
    CU_ASSERT_EQUAL(memory.held, 0);
}

static void keep_channel(void *who, const struct kith_message *m)
{
    snprintf(got_text[0], sizeof *got_text, "%s", (const char *)m->channel.data);
    snprintf(got_text[1], sizeof *got_text, "%s", (const char *)m->peer->name.data);
}

/* Channel and name are good at the end of the turn, with a NUL behind them. */
static void test_messages_tell_their_channel(void)
{
    static const struct kith_delegate_ops keeper = {.size = sizeof keeper, .message = keep_channel};
    static const struct kith_plugin plugin = PROBE(&keeper, NULL);
    file();
    entry(&plugin, "a", "chat");
    open_fan();
    relayed_arrives("chat", "ada", "all");
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(got_text[0], "chat");
    CU_ASSERT_STRING_EQUAL(got_text[1], "ada");
    struct kith_bytes frame = framed("chat", "you");
    arrives(frame.data, frame.len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(got_text[0], "chat");
    CU_ASSERT_STRING_EQUAL(got_text[1], "me");
    close_fan();
}

/* What people say is on a channel of its own, which raw ones hear if they say so. */
static void test_the_channel_of_users(void)
{
    static const struct kith_delegate_ops hearing = {
        .size = sizeof hearing, .flags = KITH_DELEGATE_USER, .message = probe_message};
    static const struct kith_plugin plugin = PROBE(&hearing, NULL);
    struct probe own = {.tag = "own"};
    file();
    entry(&listener, "deaf", NULL);
    entry(&plugin, "ear", NULL);
    entry(&listener, "user", "user");
    entry(&plugin, "kv", "kv");
    open_fan();
    CU_ASSERT_EQUAL(kith_delegates_listen(fan, &hearing, &own), 0);
    relayed_arrives("user", "ada", "all");
    struct kith_bytes frame = framed("user", "you");
    arrives(frame.data, frame.len, true);
    relayed_arrives("kv", "ada", "no");
    arrives("raw", 3, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "ear:msg(all,relayed by ada) user:msg(all,relayed by ada) "
                                  "own:msg(all,relayed by ada) ear:msg(you,stream by me) "
                                  "user:msg(you,stream by me) own:msg(you,stream by me) "
                                  "kv:msg(no,relayed by ada) "
                                  "deaf:msg(raw) ear:msg(raw) own:msg(raw) ");
    kith_delegates_unlisten(fan, &own);
    close_fan();
}

static void test_what_was_dropped_may_come_again(void)
{
    file();
    config.settings.handoff_queue_depth = 1;
    entry(&listener, "kv", "kv");
    open_fan();
    struct kith_bytes frame = framed("kv", "late");
    arrives("first", 5, false);
    arrives(frame.data, frame.len, false);
    CU_ASSERT_EQUAL(counter("user_messages_dropped"), 1);
    kith_delegates_deliver(fan);
    arrives(frame.data, frame.len, false);
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
    ops->local_state(self, false, &collector); /* for who is not known to run Kith */
    CU_ASSERT(collected_len == 6 && memcmp(collected, "abcdef", 6) == 0);
    collect_state(false);
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
    collect_state(false);
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
    collect_state(false);
    CU_ASSERT(memcmp(collected + KITH_CHANNEL_SECTION_HEAD, first, sizeof first) == 0);
    asked.name = NULL;
    close_fan();
    file();
    asked.name = NULL; /* no name yet: no such piece */
    entry(&producer, "kv", "kv");
    open_fan();
    with.state = "S";
    collect_state(false);
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
        collect_state(false);
        if (!together) memcpy(alone, collected, alone_len = collected_len);
        CU_ASSERT(collected_len && collected_len == alone_len);
        CU_ASSERT(memcmp(collected, alone, alone_len) == 0);
        collect_nothing();
        ops->get_broadcasts(self, 3, 1000, &collector);
        CU_ASSERT_EQUAL(collected_len, 0);
        kith_delegates_channel_broadcasts(fan, 3, 1000, &collector);
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
           {"no channel is called that", test_no_channel_is_called_that},
           {"frames that nobody hears", test_frames_that_nobody_hears},
           {"long senders", test_long_senders}, {"relayed", test_relayed},
           {"relayed ones are not dropped", test_relayed_ones_are_not_dropped},
           {"messages tell their channel", test_messages_tell_their_channel},
           {"the channel of users", test_the_channel_of_users},
           {"what was dropped may come again", test_what_was_dropped_may_come_again},
           {"state of several", test_state_of_several},
           {"state names its sender", test_state_names_its_sender},
           {"same bytes alone and together", test_same_bytes_alone_and_together},
           {"window of ids", test_seen_window}, {"ids are spread", test_seen_ids_are_spread})
