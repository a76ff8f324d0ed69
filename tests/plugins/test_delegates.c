/* The delegate fan-out with delegates made by hand: who hears what, what goes on the wire, what a
 * reload keeps. */
#include "delegates_parts.h"
#include "fake.h"
#include "test.h"

#include <time.h>

/* -------------------------------------------------------------------------------- a delegate */

/* Writes every callback it gets into a diary that all share: "name:event(detail) ". */
struct probe {
    const char *tag; /* parameter */
    const struct kith_host *host;
    const struct kith_node *node;
};

static char diary[8192];
static bool veto, greedy;
static const char *state_text = "", *broadcast_text = "";
static int broadcast_rc;
static bool fail_start, dawdle;
static int attach_rc;

static void note(const struct probe *p, const char *fmt, ...) KITH_PRINTF(2, 3);
static void note(const struct probe *p, const char *fmt, ...)
{
    size_t used = strlen(diary);
    used += (size_t)snprintf(diary + used, sizeof diary - used, "%s:", p->tag ? p->tag : "?");
    va_list ap;
    va_start(ap, fmt);
    used += (size_t)vsnprintf(diary + used, sizeof diary - used, fmt, ap);
    va_end(ap);
    snprintf(diary + used, sizeof diary - used, " ");
}

static int probe_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct probe *p = self;
    p->host = host;
    note(p, "init");
    return 0;
}
static int probe_adopt(void *self, void *old, struct kith_error *err)
{
    note(self, "adopt(%s)", ((struct probe *)old)->tag);
    return 0;
}
static int probe_start(void *self, struct kith_error *err)
{
    note(self, "start");
    return fail_start ? kith_fail(err, KITH_EIO, "no luck") : 0;
}
static void probe_stop(void *self) { note(self, "stop"); }
static void probe_fini(void *self) { note(self, "fini"); }
static int probe_attach(void *self, const struct kith_node *node, struct kith_error *err)
{
    ((struct probe *)self)->node = node;
    note(self, "attach");
    return attach_rc;
}
static void probe_join(void *self, const struct kith_member *m)
{
    note(self, "join");
    struct timespec held_up = {0, 210000000};
    if (dawdle) nanosleep(&held_up, NULL);
}
static void probe_msg(void *self, struct kith_bytes b, bool reliable)
{
    note(self, "msg(%.*s%s)", (int)b.len, (const char *)b.data, reliable ? ",stream" : "");
}
static int probe_alive(void *self, const struct kith_member *m, struct kith_error *err)
{
    note(self, "alive");
    return veto ? kith_fail(err, KITH_EREFUSED, "never") : 0;
}
static int probe_meta(void *self, uint8_t *out, size_t cap)
{
    if (greedy) return (int)cap + 1;
    memcpy(out, "mine", 4);
    return 4;
}
static void probe_broadcasts(void *self, size_t overhead, size_t limit,
                             const struct kith_sink *sink)
{
    if (*broadcast_text)
        broadcast_rc = sink->write(sink->ctx, broadcast_text, strlen(broadcast_text));
}
static void probe_state(void *self, bool join, const struct kith_sink *sink)
{
    size_t half = strlen(state_text) / 2;
    sink->write(sink->ctx, state_text, half);
    sink->write(sink->ctx, state_text + half, strlen(state_text) - half);
}
static void probe_merge(void *self, struct kith_bytes b, bool join)
{
    note(self, "state(%.*s%s)", (int)b.len, (const char *)b.data, join ? ",join" : "");
}

static const struct kith_param probe_params[] = {
    {.name = "tag", .type = KITH_PARAM_STRING, .offset = offsetof(struct probe, tag), .doc = "who"},
    {0}};

#define PROBE(ops_) \
    { \
        .size = sizeof(struct kith_plugin), .kind = KITH_DELEGATE, \
        .param_size = sizeof(struct kith_param), .name = "probe", \
        .instance_size = sizeof(struct probe), .params = probe_params, .ops = ops_, \
        .init = probe_init, .adopt = probe_adopt, .start = probe_start, .stop = probe_stop, \
        .fini = probe_fini \
    }

static const struct kith_delegate_ops listener_ops = {.size = sizeof listener_ops,
                                                      .attach = probe_attach,
                                                      .notify_join = probe_join,
                                                      .notify_msg = probe_msg,
                                                      .notify_alive = probe_alive,
                                                      .merge_remote_state = probe_merge};
static const struct kith_delegate_ops producer_ops = {.size = sizeof producer_ops,
                                                      .attach = probe_attach,
                                                      .notify_join = probe_join,
                                                      .notify_msg = probe_msg,
                                                      .get_broadcasts = probe_broadcasts,
                                                      .local_state = probe_state,
                                                      .merge_remote_state = probe_merge};
static const struct kith_delegate_ops meta_ops = {.size = sizeof meta_ops, .node_meta = probe_meta};
static const struct kith_plugin listener = PROBE(&listener_ops), producer = PROBE(&producer_ops),
                                provider = PROBE(&meta_ops);

/* ------------------------------------------------------------------------------------ a node */

static struct {
    uint8_t bytes[512];
    size_t len;
    unsigned broadcasts, sends;
    kith_done_fn *done;
    void *arg;
    int rc;
} asked;

static int base_broadcast(const struct kith_node *n, struct kith_bytes b, kith_done_fn *done,
                          void *arg)
{
    asked.broadcasts++;
    memcpy(asked.bytes, b.data, b.len);
    asked.len = b.len;
    asked.done = done;
    asked.arg = arg;
    return asked.rc;
}
static int base_send(const struct kith_node *n, const char *name, struct kith_bytes b,
                     bool reliable, kith_done_fn *done, void *arg)
{
    asked.sends++;
    memcpy(asked.bytes, b.data, b.len);
    asked.len = b.len;
    return 0;
}
static const struct kith_node base = {
    .size = sizeof base, .broadcast = base_broadcast, .send = base_send};

/* ------------------------------------------------------------------------------------ a file */

static struct kith_config config;
static struct kith_entry entries[8];
static struct probe filled[8];
static char words[8][2][16]; /* the config's strings: overwritten by the next file, as if freed */
static struct kith_delegates *fan;
static const struct kith_delegate_ops *ops;
static void *self;
static struct kith_error err;

static void file(void)
{
    memset(&config, 0, sizeof config);
    memset(words, '!', sizeof words - 1);
    config.settings.handoff_queue_depth = 4;
    config.settings.max_stream_memory = config.settings.max_stream_size = 1 << 20;
    config.delegates.items = entries;
    diary[0] = fake_log_text[0] = 0;
    veto = greedy = fail_start = dawdle = false;
    attach_rc = 0;
    state_text = broadcast_text = "";
    memset(&asked, 0, sizeof asked);
    err = (struct kith_error){.size = sizeof err};
}

static void entry(const struct kith_plugin *plugin, const char *tag, const char *channel)
{
    size_t i = config.delegates.count++;
    snprintf(words[i][0], sizeof words[i][0], "%s", tag);
    snprintf(words[i][1], sizeof words[i][1], "%s", channel ? channel : "");
    filled[i] = (struct probe){.tag = words[i][0]};
    entries[i] = (struct kith_entry){.use = "probe",
                                     .kind = KITH_DELEGATE,
                                     .pos = {(unsigned)(10 + i), 5},
                                     .plugin = plugin,
                                     .params = &filled[i],
                                     .channel = channel ? words[i][1] : NULL};
    snprintf((char *)entries[i].digest, sizeof entries[i].digest, "%s", tag);
}

static void open_fan(void)
{
    fan = kith_delegates_new(&config, &fake_maker, &base, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fan);
    CU_ASSERT_EQUAL_FATAL(kith_delegates_start(fan, &err), 0);
    ops = kith_delegates_ops(fan, &self);
    diary[0] = 0;
}

static void close_fan(void)
{
    kith_delegates_free(fan);
    fan = NULL;
    CU_ASSERT_EQUAL(fake_hosts_alive, 0);
}

static void arrives(const void *data, size_t len, bool reliable)
{
    ops->notify_msg(self, kith_bytes_of(data, len), reliable);
}

static uint8_t collected[4096];
static size_t collected_len, collected_pieces;
static int collect(void *ctx, const void *data, size_t len)
{
    if (collected_len + len > sizeof collected) return -KITH_ETOOBIG;
    memcpy(collected + collected_len, data, len);
    collected_len += len;
    collected_pieces++;
    return 0;
}
static const struct kith_sink collector = {.size = sizeof collector, .write = collect};
static void collect_nothing(void) { collected_len = collected_pieces = 0; }

/* The node table of the listener i: what that delegate got in attach. */
static const struct kith_node *table_of(size_t i)
{
    char name[80];
    snprintf(name, sizeof name, "probe%s%s", entries[i].channel ? ":" : "",
             entries[i].channel ? entries[i].channel : "");
    return ((struct probe *)kith_delegates_find(fan, name)->self)->node;
}

static const char *wanted;
static double found;
static void find_stat(void *arg, const struct kith_stat *stat)
{
    if (strcmp(stat->name, wanted) == 0) found = stat->value;
}
static uint64_t counter(const char *name)
{
    wanted = name;
    found = 1e9;
    kith_delegates_stats(fan, find_stat, NULL);
    return (uint64_t)found;
}

/* ------------------------------------------------------------------------------------- tests */

static void test_life_and_order(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", "news");
    fan = kith_delegates_new(&config, &fake_maker, &base, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fan);
    CU_ASSERT_EQUAL(kith_delegates_start(fan, &err), 0);
    ops = kith_delegates_ops(fan, &self);
    struct kith_member m = {.size = sizeof m};
    ops->notify_join(self, &m);
    close_fan();
    CU_ASSERT_STRING_EQUAL(diary, "a:init b:init a:attach a:start b:attach b:start a:join b:join "
                                  "b:stop b:fini a:stop a:fini ");
}

static void test_messages_wait_for_the_end_of_the_turn(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", NULL);
    open_fan();
    arrives("one", 3, false);
    arrives("two", 3, true);
    CU_ASSERT_STRING_EQUAL(diary, "");
    kith_delegates_deliver(fan);
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

static void test_waiting_bytes_are_bounded(void)
{
    file();
    config.settings.max_stream_memory = 10;
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

static void test_raw_goes_out_as_it_is(void)
{
    file();
    entry(&producer, "a", NULL);
    open_fan();
    const struct kith_node *n = table_of(0);
    CU_ASSERT_EQUAL(n->broadcast(n, kith_bytes_of("hello", 5), NULL, NULL), 0);
    CU_ASSERT(asked.len == 5 && memcmp(asked.bytes, "hello", 5) == 0);
    CU_ASSERT_EQUAL(n->send(n, "x", kith_bytes_of("", 0), true, NULL, NULL), 0);
    CU_ASSERT_EQUAL(asked.len, 0);
    state_text = "state", broadcast_text = "casts";
    collect_nothing();
    ops->local_state(self, true, &collector);
    CU_ASSERT(collected_len == 5 && memcmp(collected, "state", 5) == 0);
    collect_nothing();
    ops->get_broadcasts(self, 3, 8, &collector);
    CU_ASSERT(collected_len == 5 && memcmp(collected, "casts", 5) == 0);
    collect_nothing();
    ops->get_broadcasts(self, 3, 7, &collector);
    CU_ASSERT_EQUAL(collected_len, 0);
    CU_ASSERT_EQUAL(broadcast_rc, -KITH_ETOOBIG);
    close_fan();
}

static void test_channel_frames(void)
{
    file();
    entry(&listener, "raw", NULL);
    entry(&listener, "kv", "kv");
    entry(&listener, "other", "other");
    open_fan();
    const struct kith_node *n = table_of(1);
    CU_ASSERT_EQUAL(n->send(n, "x", kith_bytes_of("hi", 2), false, NULL, NULL), 0);
    static const uint8_t begin[] = {0xF2, 0x6B, 0x63, 0x31, 0, 0};
    static const uint8_t end[] = {2, 'k', 'v', 'h', 'i'};
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
    CU_ASSERT_STRING_EQUAL(diary, "kv:msg(hi) raw:msg(plain) ");
    CU_ASSERT_EQUAL(asked.broadcasts, 0);

    diary[0] = 0;
    for (size_t cut = 4; cut < 17; cut++)
        arrives(msg, cut, false); /* truncated frames are nobody's */
    msg[4] = 9;                   /* a kind of the future */
    arrives(msg, len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "");
    close_fan();
}

static void test_relay(void)
{
    file();
    entry(&listener, "raw", NULL);
    entry(&listener, "kv", "kv");
    open_fan();
    const struct kith_node *n = table_of(1);
    CU_ASSERT_EQUAL(n->broadcast(n, kith_bytes_of("all", 3), NULL, NULL), 0);
    uint8_t own[64], theirs[64];
    size_t len = asked.len;
    memcpy(own, asked.bytes, len);
    CU_ASSERT_EQUAL(own[4], KITH_CHANNEL_RELAYED);
    CU_ASSERT_EQUAL(own[5], KITH_CHANNEL_HOPS);
    arrives(own, len, false); /* comes back to us: nothing */
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "");
    CU_ASSERT_EQUAL(asked.broadcasts, 1);

    memcpy(theirs, own, len);
    theirs[13] ^= 1; /* another id */
    arrives(theirs, len, false);
    arrives(theirs, len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "kv:msg(all) ");
    CU_ASSERT_EQUAL(asked.broadcasts, 2);
    CU_ASSERT_EQUAL(asked.bytes[5], KITH_CHANNEL_HOPS - 1);
    theirs[5]--;
    CU_ASSERT(asked.len == len && memcmp(asked.bytes, theirs, len) == 0);

    theirs[13] ^= 2;
    theirs[5] = 0; /* came far enough */
    arrives(theirs, len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "kv:msg(all) kv:msg(all) ");
    CU_ASSERT_EQUAL(asked.broadcasts, 2);
    close_fan();
}

static void test_relay_without_the_channel(void)
{
    file();
    entry(&listener, "kv", "kv");
    open_fan();
    const struct kith_node *n = table_of(0);
    n->broadcast(n, kith_bytes_of("all", 3), NULL, NULL);
    uint8_t msg[64];
    size_t len = asked.len;
    memcpy(msg, asked.bytes, len);
    close_fan();
    file(); /* a node without any delegate */
    open_fan();
    arrives(msg, len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(asked.broadcasts, 1);
    arrives(msg, len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_EQUAL(asked.broadcasts, 1);
    close_fan();
}

static void test_what_was_dropped_may_come_again(void)
{
    file();
    config.settings.handoff_queue_depth = 1;
    entry(&listener, "kv", "kv");
    open_fan();
    const struct kith_node *n = table_of(0);
    n->send(n, "x", kith_bytes_of("late", 4), false, NULL, NULL);
    arrives("first", 5, false);
    arrives(asked.bytes, asked.len, false);
    CU_ASSERT_EQUAL(counter("user_messages_dropped"), 1);
    kith_delegates_deliver(fan);
    arrives(asked.bytes, asked.len, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "kv:msg(late) ");
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
    state_text = "abcdef";
    collect_nothing();
    ops->local_state(self, false, &collector);
    CU_ASSERT(memcmp(collected, "abcdef", 6) == 0);
    CU_ASSERT(collected[6] == 0xF2 && collected[7] == 0x6B);
    ops->merge_remote_state(self, kith_bytes_of(collected, collected_len), true);
    CU_ASSERT_STRING_EQUAL(diary, "raw:state(abcdef,join) kv:state(abcdef,join) "
                                  "ear:state(abcdef,join) x:state(abcdef,join) ");

    diary[0] = 0; /* a Go peer's state is the raw ones' alone, byte for byte */
    ops->merge_remote_state(self, kith_bytes_of("zzz", 3), false);
    CU_ASSERT_STRING_EQUAL(diary, "raw:state(zzz) ");

    diary[0] = 0; /* cut or changed at any place: never more than was there */
    for (size_t cut = 0; cut < collected_len; cut++)
        ops->merge_remote_state(self, kith_bytes_of(collected, cut), false);
    CU_ASSERT_PTR_NULL(strstr(diary, "kv:"));
    for (size_t at = 0; at < collected_len; at++) {
        collected[at] ^= 0xFF;
        ops->merge_remote_state(self, kith_bytes_of(collected, collected_len), false);
        collected[at] ^= 0xFF;
        diary[0] = 0;
    }
    state_text = ""; /* no state, no section */
    collect_nothing();
    ops->local_state(self, false, &collector);
    CU_ASSERT_EQUAL(collected_len, 0);
    close_fan();
}

/* What a delegate puts on the wire does not depend on what else is loaded. */
static void test_same_bytes_alone_and_together(void)
{
    uint8_t alone[256], casts[256];
    size_t alone_len, casts_len;
    for (int together = 0; together < 2; together++) {
        file();
        state_text = "S", broadcast_text = "B";
        if (together) entry(&listener, "a", NULL);
        entry(&producer, "kv", "kv");
        if (together) entry(&listener, "b", "else");
        fake_random_state = 7;
        open_fan();
        collect_nothing();
        ops->local_state(self, false, &collector);
        if (!together) memcpy(alone, collected, alone_len = collected_len);
        CU_ASSERT(collected_len == alone_len && memcmp(collected, alone, alone_len) == 0);
        collect_nothing();
        ops->get_broadcasts(self, 3, 1000, &collector);
        if (!together) memcpy(casts, collected, casts_len = collected_len);
        CU_ASSERT(collected_len == casts_len && memcmp(collected, casts, casts_len) == 0);
        close_fan();
    }
}

static void test_exclusions_name_both_lines(void)
{
    static const struct {
        const struct kith_plugin *a, *b;
        const char *channel_a, *channel_b;
        const char *says; /* NULL: fine together */
    } cases[] = {
        {&producer, &producer, NULL, NULL, "both produce messages without a channel"},
        {&producer, &producer, "kv", "kv", "both produce messages on the same channel"},
        {&producer, &producer, "kv", NULL, NULL},
        {&producer, &producer, "kv", "kw", NULL},
        {&producer, &listener, NULL, NULL, NULL},
        {&provider, &provider, "kv", "kw", "both provide meta"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        file();
        entry(cases[i].a, "a", cases[i].channel_a);
        entry(cases[i].b, "b", cases[i].channel_b);
        CU_ASSERT_PTR_EQUAL(kith_delegates_clash(&config, &err),
                            cases[i].says ? &entries[1] : NULL);
        if (!cases[i].says) continue;
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].says));
        CU_ASSERT(strstr(err.text, "line 10") && strstr(err.text, "line 11"));
        CU_ASSERT_PTR_NULL(kith_delegates_new(&config, &fake_maker, &base, NULL, &err));
    }
}

static void test_first_veto_wins(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", NULL);
    open_fan();
    struct kith_member m = {.size = sizeof m};
    CU_ASSERT_EQUAL(ops->notify_alive(self, &m, &err), 0);
    CU_ASSERT_STRING_EQUAL(diary, "a:alive b:alive ");
    veto = true;
    diary[0] = 0;
    CU_ASSERT_EQUAL(ops->notify_alive(self, &m, &err), -KITH_EREFUSED);
    CU_ASSERT_STRING_EQUAL(diary, "a:alive ");
    CU_ASSERT_STRING_EQUAL(err.text, "probe: never");
    close_fan();
}

static void test_meta(void)
{
    uint8_t out[16];
    file();
    open_fan();
    CU_ASSERT_EQUAL(ops->node_meta(self, out, sizeof out), 0);
    kith_delegates_meta(fan, kith_bytes_of("fixed", 5));
    CU_ASSERT_EQUAL(ops->node_meta(self, out, sizeof out), 5);
    CU_ASSERT_EQUAL(ops->node_meta(self, out, 4), -KITH_ETOOBIG);
    close_fan();
    file();
    entry(&provider, "m", NULL);
    open_fan();
    kith_delegates_meta(fan, kith_bytes_of("fixed", 5));
    CU_ASSERT(ops->node_meta(self, out, sizeof out) == 4 && memcmp(out, "mine", 4) == 0);
    greedy = true;
    CU_ASSERT_EQUAL(ops->node_meta(self, out, sizeof out), -KITH_ETOOBIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, "node_meta() returned more"));
    struct kith_instance *in = kith_delegates_find(fan, "probe");
    CU_ASSERT_EQUAL(*in->host->counter(in->host, "broken_calls", ""), 1);
    close_fan();
}

static void test_bad_manners_are_counted(void)
{
    struct kith_member m = {.size = sizeof m};
    file();
    config.settings.max_stream_size = 64;
    entry(&producer, "a", "kv");
    open_fan();
    struct kith_instance *in = kith_delegates_find(fan, "probe");
    dawdle = true;
    ops->notify_join(self, &m);
    CU_ASSERT_EQUAL(*in->host->counter(in->host, "slow_calls", ""), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, "notify_join() held up the node for"));
    state_text =
        "state that is longer than any message may be, by far, whatever else there is in it";
    collect_nothing();
    ops->local_state(self, false, &collector);
    CU_ASSERT_EQUAL(collected_len, 0);
    CU_ASSERT_EQUAL(*in->host->counter(in->host, "broken_calls", ""), 1);
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
    entry(&listener, "a", NULL);
    open_fan();
    const struct kith_node *n = table_of(0);
    n->broadcast(n, kith_bytes_of("x", 1), on_done, NULL);
    asked.done(asked.arg, -KITH_ETIMEOUT, 0);
    CU_ASSERT_EQUAL(done_calls, 1);
    CU_ASSERT_EQUAL(done_status, -KITH_ETIMEOUT);
    asked.rc = -KITH_EAGAIN;
    CU_ASSERT_EQUAL(n->broadcast(n, kith_bytes_of("x", 1), on_done, NULL), -KITH_EAGAIN);
    CU_ASSERT_EQUAL(done_calls, 1);
    asked.rc = 0;
    n->broadcast(n, kith_bytes_of("x", 1), on_done, NULL);
    kith_done_fn *done = asked.done;
    void *arg = asked.arg;
    file(); /* reload to a file without it */
    struct kith_delegates *next = kith_delegates_new(&config, &fake_maker, &base, fan, &err);
    CU_ASSERT_EQUAL(kith_delegates_start(next, &err), 0);
    kith_delegates_free(fan);
    fan = next;
    done(arg, 0, 0);
    CU_ASSERT_EQUAL(done_calls, 1);
    close_fan();
}

static void test_reload_keeps_what_did_not_change(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", "kv");
    open_fan();
    struct kith_instance *kept = kith_delegates_find(fan, "probe");
    arrives("before", 6, false);
    file(); /* the old config's memory goes: instances keep copies */
    config.settings.handoff_queue_depth = 8;
    entry(&listener, "a", NULL);
    entry(&listener, "B", "kv");
    entry(&listener, "c", NULL);
    struct kith_delegates *next = kith_delegates_new(&config, &fake_maker, &base, fan, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    CU_ASSERT_EQUAL(kith_delegates_start(next, &err), 0);
    kith_delegates_free(fan);
    fan = next;
    CU_ASSERT_STRING_EQUAL(
        diary, "B:init c:init B:attach B:adopt(b) B:start c:attach c:start b:stop b:fini ");
    CU_ASSERT_PTR_EQUAL(kith_delegates_find(fan, "probe"), kept);
    void *self_now;
    CU_ASSERT_PTR_EQUAL(kith_delegates_ops(fan, &self_now), ops);
    CU_ASSERT_PTR_EQUAL(self_now, self);
    diary[0] = 0;
    kith_delegates_deliver(fan); /* what waited is not lost */
    CU_ASSERT_STRING_EQUAL(diary, "a:msg(before) c:msg(before) ");
    close_fan();
}

static void test_failed_reload_changes_nothing(void)
{
    file();
    entry(&listener, "a", NULL);
    open_fan();
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "new", NULL);
    struct kith_delegates *next = kith_delegates_new(&config, &fake_maker, &base, fan, &err);
    fail_start = true;
    CU_ASSERT_EQUAL(kith_delegates_start(next, &err), -KITH_EIO);
    CU_ASSERT_STRING_EQUAL(err.text, "probe: no luck");
    kith_delegates_free(next);
    CU_ASSERT_STRING_EQUAL(diary, "new:init new:attach new:start new:fini ");
    diary[0] = 0;
    struct kith_member m = {.size = sizeof m};
    ops->notify_join(self, &m);
    CU_ASSERT_STRING_EQUAL(diary, "a:join ");

    fail_start = false; /* the reload fails later, elsewhere */
    next = kith_delegates_new(&config, &fake_maker, &base, fan, &err);
    CU_ASSERT_EQUAL(kith_delegates_start(next, &err), 0);
    kith_delegates_free(next);
    diary[0] = 0;
    ops->notify_join(self, &m);
    CU_ASSERT_STRING_EQUAL(diary, "a:join ");
    close_fan();
}

/* Its place and name, whatever it is that fails. */
static void test_failures_name_the_place(void)
{
    struct kith_host_maker maker = fake_maker;
    maker.file = "node.yaml";
    for (int i = 0; i < 2; i++) {
        file();
        entry(&provider, "a", NULL);
        entry(&listener, "b", "kv");
        fan = kith_delegates_new(&config, &maker, &base, NULL, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(fan);
        attach_rc = i ? 3 : 0;
        fail_start = !i;
        if (i) entries[0].pos.line = 0;
        CU_ASSERT_EQUAL(kith_delegates_start(fan, &err), i ? -KITH_EINVAL : -KITH_EIO);
        CU_ASSERT_STRING_EQUAL(err.text, i ? "node.yaml:11:5: error: probe: failed to take part "
                                             "(with the unknown code 3)"
                                           : "node.yaml:10:5: error: probe: no luck");
        close_fan();
    }
}

/* A reload fails after one delegate was adopted: that one is in force again, also for the next
 * reload. */
static void test_reload_after_a_failed_one(void)
{
    file();
    entry(&listener, "a", NULL);
    open_fan();
    file();
    entry(&listener, "A", NULL);
    struct kith_delegates *next = kith_delegates_new(&config, &fake_maker, &base, fan, &err);
    CU_ASSERT_EQUAL(kith_delegates_start(next, &err), 0);
    kith_delegates_free(next); /* something else of the reload failed */
    file();
    entry(&listener, "a", NULL);
    next = kith_delegates_new(&config, &fake_maker, &base, fan, &err);
    CU_ASSERT_EQUAL(kith_delegates_start(next, &err), 0);
    kith_delegates_free(fan);
    fan = next;
    CU_ASSERT_STRING_EQUAL(diary, "");
    close_fan();
    CU_ASSERT_STRING_EQUAL(diary, "a:stop a:fini ");
}

/* Nothing of a virtual run may depend on where memory lies. */
static void test_seed_comes_from_the_host(void)
{
    uint64_t seeds[3];
    for (int i = 0; i < 3; i++) {
        file();
        fake_random_state = i < 2 ? 11 : 12;
        open_fan();
        seeds[i] = ((struct kith_delegates_shared *)self)->relayed.seed;
        close_fan();
    }
    CU_ASSERT(seeds[0] == seeds[1] && seeds[0] != seeds[2]);
}

static void leaving_join(void *who, const struct kith_member *m)
{
    note(who, "bye");
    kith_delegates_unlisten(fan, who);
}

static void test_listeners(void)
{
    static const struct kith_delegate_ops leaving = {.size = sizeof leaving,
                                                     .notify_join = leaving_join};
    static struct probe one = {.tag = "one"}, two = {.tag = "two"}, three = {.tag = "three"};
    struct kith_member m = {.size = sizeof m};
    file();
    entry(&producer, "a", NULL);
    open_fan();
    CU_ASSERT_EQUAL(kith_delegates_listen(fan, &leaving, &one), 0);
    CU_ASSERT_EQUAL(kith_delegates_listen(fan, &listener_ops, &two), 0);
    CU_ASSERT_EQUAL(kith_delegates_listen(fan, &producer_ops, &three), -KITH_EEXIST);
    diary[0] = 0;
    ops->notify_join(self, &m);
    ops->notify_join(self, &m);
    CU_ASSERT_STRING_EQUAL(diary, "a:join one:bye two:join a:join two:join ");
    kith_delegates_unlisten(fan, &two);
    diary[0] = 0;
    ops->notify_join(self, &m);
    CU_ASSERT_STRING_EQUAL(diary, "a:join ");
    close_fan();
}

/* The program's own came first; the file names a delegate that wants its part. */
static void test_the_programs_own_has_the_part(void)
{
    static struct probe own = {.tag = "own"};
    struct kith_host_maker maker = fake_maker;
    maker.file = "node.yaml";
    file();
    open_fan();
    CU_ASSERT_EQUAL(kith_delegates_listen(fan, &producer_ops, &own), 0);
    file();
    entry(&producer, "a", NULL);
    struct kith_delegates *next = kith_delegates_new(&config, &maker, &base, fan, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    CU_ASSERT_EQUAL(kith_delegates_start(next, &err), -KITH_EEXIST);
    CU_ASSERT_STRING_EQUAL(err.text,
                           "node.yaml:10:5: error: probe: it and the program's own delegate both "
                           "produce messages; only one can");
    kith_delegates_free(next);
    close_fan();
}

static void test_seen_window(void)
{
    struct kith_seen seen = {.seed = 42};
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
        struct kith_seen seen = {.seed = 42};
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

KITH_TESTS("plugins/delegates", {"life and order", test_life_and_order},
           {"messages wait for the end of the turn", test_messages_wait_for_the_end_of_the_turn},
           {"bytes that wait are bounded", test_waiting_bytes_are_bounded},
           {"raw goes out byte for byte", test_raw_goes_out_as_it_is},
           {"channel frames", test_channel_frames}, {"relay", test_relay},
           {"relay without the channel", test_relay_without_the_channel},
           {"what was dropped may come again", test_what_was_dropped_may_come_again},
           {"state of several", test_state_of_several},
           {"same bytes alone and together", test_same_bytes_alone_and_together},
           {"exclusions name both lines", test_exclusions_name_both_lines},
           {"the first veto wins", test_first_veto_wins}, {"meta", test_meta},
           {"bad manners are counted", test_bad_manners_are_counted},
           {"done only while it lives", test_done_only_while_it_lives},
           {"a reload keeps what did not change", test_reload_keeps_what_did_not_change},
           {"a failed reload changes nothing", test_failed_reload_changes_nothing},
           {"failures name the place", test_failures_name_the_place},
           {"a reload after a failed one", test_reload_after_a_failed_one},
           {"the seed comes from the host", test_seed_comes_from_the_host},
           {"the program's own has the part", test_the_programs_own_has_the_part},
           {"listeners", test_listeners}, {"window of ids", test_seen_window},
           {"ids are spread", test_seen_ids_are_spread})
