/* The delegate fan-out with delegates made by hand: who hears what, who has which part, what a
 * reload keeps. */
#include "fan.h"

/* -------------------------------------------------------------------------------------- life */

static void test_life_and_order(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", "news");
    make_fan(&setup);
    CU_ASSERT_EQUAL(kith_delegates_start(fan, &err), 0);
    ops = kith_delegates_ops(fan, &self);
    joins();
    close_fan();
    CU_ASSERT_STRING_EQUAL(
        diary, "a:init b:init a:start b:start a:join b:join b:stop b:fini a:stop a:fini ");
}

static void test_events_of_every_kind(void)
{
    file();
    entry(&listener, "a", NULL);
    open_fan();
    for (uint32_t kind = KITH_EVENT_LEAVE; kind <= 99; kind++) { /* also those of the future */
        const struct kith_event e = {.size = sizeof e, .kind = kind};
        char want[32];
        if (kind == KITH_EVENT_EMITTED) continue;
        snprintf(want, sizeof want, "a:event(%u) ", kind);
        diary[0] = 0;
        if (kind < KITH_EVENT_STARTED)
            ops->event(self, &e);
        else
            kith_delegates_event(fan, &e);
        CU_ASSERT_STRING_EQUAL(diary, want);
    }
    close_fan();
}

static uint64_t seen_wall;
static void look_at_wall(struct probe *p, const struct kith_event *e) { seen_wall = e->wall; }

static void test_events_say_when(void)
{
    struct kith_event e = {.size = sizeof e, .kind = KITH_EVENT_JOIN};
    file();
    entry(&listener, "a", NULL);
    open_fan();
    with.on_event = look_at_wall;
    ops->event(self, &e);
    CU_ASSERT_EQUAL(seen_wall, 77);
    e.wall = 5;
    ops->event(self, &e);
    CU_ASSERT_EQUAL(seen_wall, 5);
    close_fan();
}

static void test_bad_manners_are_counted(void)
{
    file();
    config.settings.max_stream_size = 64;
    entry(&producer, "a", "kv");
    open_fan();
    with.dawdle = true;
    joins();
    CU_ASSERT_EQUAL(counted("a", "slow_calls"), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, "event() took "));
    with.state =
        "state that is longer than any message may be, by far, whatever else there is in it";
    collect_state(false);
    CU_ASSERT_EQUAL(collected_len, 0);
    CU_ASSERT_EQUAL(counted("a", "contract_breaches"), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, "local_state() wrote more than fits"));
    close_fan();
}

/* A sink that takes less than the configuration lets a delegate write: members need room, too. */
static size_t room;
static int collect_some(const struct kith_sink *sink, struct kith_bytes b)
{
    return collected_len + b.len > room ? -KITH_ETOOBIG : collect(sink, b);
}

/* What does not fit there is left out as a whole, its delegate is named, and the rest is sent. */
static void test_state_beside_members(void)
{
    const struct kith_sink some = {.size = sizeof some, .write = collect_some};
    file();
    entry(&producer, "raw", NULL);
    entry(&producer, "a", "a");
    entry(&producer, "b", "b");
    open_fan();
    with.state = "0123456789";
    room = 1000;
    collect_nothing();
    ops->local_state(self, false, &some);
    kith_delegates_channel_state(fan, false, &some);
    const size_t all = collected_len;
    CU_ASSERT_EQUAL(counted("b", "contract_breaches"), 0);
    room = all - 1;
    collect_nothing();
    ops->local_state(self, false, &some);
    kith_delegates_channel_state(fan, false, &some);
    CU_ASSERT(counted("b", "contract_breaches") == 1 && counted("a", "contract_breaches") == 0);
    CU_ASSERT(collected_len > 10 && collected_len <= all - 10);
    diary[0] = 0;
    state_arrives(collected, collected_len, false);
    CU_ASSERT_STRING_EQUAL(diary, "raw:state(0123456789) a:state(0123456789 by me) ");
    room = 9; /* half of a raw state is none */
    collect_nothing();
    ops->local_state(self, false, &some);
    kith_delegates_channel_state(fan, false, &some);
    CU_ASSERT_EQUAL(collected_len, 0);
    CU_ASSERT_EQUAL(counted("raw", "contract_breaches"), 1);
    CU_ASSERT_EQUAL(counted("a", "contract_breaches"), 1);
    close_fan();
}

/* Nothing of a virtual run may depend on where memory lies. */
static void test_key_comes_from_the_host(void)
{
    uint8_t keys[3][16];
    for (int i = 0; i < 3; i++) {
        file();
        fake_random_state = i < 2 ? 11 : 12;
        open_fan();
        memcpy(keys[i], ((struct kith_delegates_shared *)self)->seen.key, sizeof keys[i]);
        close_fan();
    }
    CU_ASSERT(memcmp(keys[0], keys[1], sizeof keys[0]) == 0);
    CU_ASSERT(memcmp(keys[0], keys[2], sizeof keys[0]) != 0);
}

/* ------------------------------------------------------------------------------------- parts */

static void test_exclusions_name_both_lines(void)
{
    static const struct {
        const struct kith_plugin *a, *b;
        const char *channel_a, *channel_b;
        const char *says; /* NULL: fine together */
    } cases[] = {
        {&producer, &producer, NULL, NULL, "both produce messages or state without a channel"},
        {&producer, &sender, NULL, NULL, "both produce messages or state without a channel"},
        {&sender, &sender, NULL, NULL, "both produce messages or state without a channel"},
        {&producer, &producer, "kv", "kv", "both produce messages or state on the same channel"},
        {&sender, &sender, "kv", "kv", NULL},
        {&producer, &producer, "kv", NULL, NULL},
        {&producer, &producer, "kv", "kw", NULL},
        {&producer, &listener, NULL, NULL, NULL},
        {&provider, &provider, "kv", "kw", "both provide meta"},
        {&sealer, &sealer, "kv", NULL, "both seal meta"},
        {&sealer, &provider, NULL, NULL, NULL},
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
        CU_ASSERT_PTR_NULL(kith_delegates_new(&config, &setup, NULL, &err));
    }
}

static void test_names_differ(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&sender, "a", "kv");
    CU_ASSERT_PTR_EQUAL(kith_delegates_clash(&config, &err), &entries[1]);
    CU_ASSERT_STRING_EQUAL(
        err.text, "two delegates are called `a` (line 10 and line 11); give one `as: NAME`");
}

static void test_first_veto_wins(void)
{
    struct kith_claim claim = {.size = sizeof claim, .kind = KITH_CLAIM_ALIVE};
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", NULL);
    open_fan();
    CU_ASSERT_EQUAL(ops->judge(self, &claim, &err), 0);
    CU_ASSERT_STRING_EQUAL(diary, "a:judge(1) b:judge(1) ");
    with.veto = true;
    diary[0] = 0;
    CU_ASSERT_EQUAL(ops->judge(self, &claim, &err), -KITH_EREFUSED);
    CU_ASSERT_STRING_EQUAL(diary, "a:judge(1) ");
    CU_ASSERT_STRING_EQUAL(err.text, "a: never");
    diary[0] = 0;
    claim.kind = KITH_CLAIM_DEAD; /* nobody wants to judge these */
    CU_ASSERT_EQUAL(ops->judge(self, &claim, &err), 0);
    CU_ASSERT_STRING_EQUAL(diary, "");
    close_fan();
}

/* The core need not ask what nobody judges, at any time. */
static void test_judges_are_those_of_the_moment(void)
{
    static const struct kith_delegate_ops strict = {
        .size = sizeof strict, .judges = KITH_CLAIM_DEAD, .judge = probe_judge};
    static const struct kith_delegate_ops lazy = {.size = sizeof lazy, .judges = KITH_CLAIM_MERGE};
    static struct probe one = {.tag = "one"}, two = {.tag = "two"};
    file();
    open_fan();
    CU_ASSERT_EQUAL(ops->judges, 0);
    CU_ASSERT_EQUAL(kith_delegates_listen(fan, &strict, &one), 0);
    CU_ASSERT_EQUAL(kith_delegates_listen(fan, &lazy, &two), 0); /* bits, but no judge */
    CU_ASSERT_EQUAL(ops->judges, KITH_CLAIM_DEAD);
    file();
    entry(&listener, "a", NULL);
    CU_ASSERT_EQUAL(reload(), 0);
    CU_ASSERT_EQUAL(ops->judges, KITH_CLAIM_DEAD | KITH_CLAIM_ALIVE);
    kith_delegates_unlisten(fan, &one);
    CU_ASSERT_EQUAL(ops->judges, KITH_CLAIM_ALIVE);
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
    CU_ASSERT(!kith_delegates_gives_meta(fan));
    close_fan();
    file();
    entry(&provider, "a", NULL);
    open_fan();
    kith_delegates_meta(fan, kith_bytes_of("fixed", 5));
    CU_ASSERT(kith_delegates_gives_meta(fan));
    CU_ASSERT(ops->node_meta(self, out, sizeof out) == 4 && memcmp(out, "mine", 4) == 0);
    with.no_meta = true;
    CU_ASSERT_EQUAL(ops->node_meta(self, out, sizeof out), -KITH_EAGAIN);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, "node_meta() gave none"));
    with.no_meta = false;
    with.greedy = true;
    CU_ASSERT_EQUAL(ops->node_meta(self, out, sizeof out), -KITH_ETOOBIG);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, "node_meta() returned more"));
    CU_ASSERT_EQUAL(counted("a", "contract_breaches"), 1);
    close_fan();
}

static void test_seal_meta(void)
{
    struct kith_member m = {.size = sizeof m};
    uint8_t meta[16] = "abc";
    file();
    open_fan();
    CU_ASSERT_EQUAL(ops->seal_meta(self, &m, meta, 3, sizeof meta), 3);
    close_fan();
    file();
    entry(&sealer, "a", NULL);
    open_fan();
    CU_ASSERT_EQUAL(ops->seal_meta(self, &m, meta, 3, sizeof meta), 4);
    CU_ASSERT(memcmp(meta, "abc!", 4) == 0);
    static const int wrong[] = {2, 17};
    for (size_t i = 0; i < 2; i++) { /* shorter than what it got, longer than there is room */
        with.seal = wrong[i];
        CU_ASSERT_EQUAL(ops->seal_meta(self, &m, meta, 3, sizeof meta), -KITH_ETOOBIG);
        CU_ASSERT_EQUAL(counted("a", "contract_breaches"), i + 1);
    }
    with.seal = -KITH_EIO;
    CU_ASSERT_EQUAL(ops->seal_meta(self, &m, meta, 3, sizeof meta), -KITH_EIO);
    CU_ASSERT_EQUAL(counted("a", "contract_breaches"), 2);
    close_fan();
}

/* An older plugin: what lies behind its struct is not read. */
static void test_ops_that_end_early(void)
{
    static struct {
        struct kith_delegate_ops ops;
    } old;
    static struct kith_plugin plugin = PROBE(&old.ops, NULL);
    old.ops = listener_ops;
    old.ops.size = offsetof(struct kith_delegate_ops, message);
    memset((char *)&old.ops + old.ops.size, 0xA5, sizeof old.ops - old.ops.size);
    file();
    entry(&plugin, "a", NULL);
    entry(&producer, "b", NULL);
    open_fan();
    joins();
    arrives("x", 1, false);
    kith_delegates_deliver(fan);
    CU_ASSERT_STRING_EQUAL(diary, "a:join b:join b:msg(x) ");
    close_fan();
}

/* ------------------------------------------------------------------------------------ reload */

static void test_reload_keeps_what_did_not_change(void)
{
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "b", "kv");
    entry(&listener, "gone", NULL);
    open_fan();
    struct kith_instance *kept = kith_delegates_find(fan, "a");
    arrives("before", 6, false);
    file(); /* the old config's memory goes: instances keep copies */
    config.settings.handoff_queue_depth = 8;
    entry(&listener, "a", NULL);
    entry(&listener, "B", "kv");
    entry(&listener, "c", NULL);
    CU_ASSERT_EQUAL(reload(), 0);
    CU_ASSERT_STRING_EQUAL(diary, "B:init c:init gone:stop gone:fini B:adopt(b) c:start b:fini ");
    CU_ASSERT_PTR_EQUAL(kith_delegates_find(fan, "a"), kept);
    CU_ASSERT_PTR_NULL(kith_delegates_find(fan, "gone"));
    void *self_now;
    CU_ASSERT_PTR_EQUAL(kith_delegates_ops(fan, &self_now), ops);
    CU_ASSERT_PTR_EQUAL(self_now, self);
    diary[0] = 0;
    kith_delegates_deliver(fan); /* what waited is not lost */
    CU_ASSERT_STRING_EQUAL(diary, "a:msg(before) c:msg(before) ");
    close_fan();
}

static void test_allow_is_a_setting(void)
{
    file();
    entry(&listener, "a", NULL);
    open_fan();
    file();
    entry(&listener, "a", NULL)->allow = KITH_ALLOW_KEYS;
    CU_ASSERT_EQUAL(reload(), 0);
    CU_ASSERT_STRING_EQUAL(diary, "a:init a:adopt(a) a:fini ");
    close_fan();
}

static void test_reload_that_is_given_up(void)
{
    file();
    entry(&listener, "a", NULL);
    open_fan();
    file();
    entry(&listener, "a", NULL);
    entry(&listener, "new", NULL);
    struct kith_delegates *next = kith_delegates_new(&config, &setup, fan, &err);
    kith_delegates_free(next); /* something else can't be */
    CU_ASSERT_STRING_EQUAL(diary, "new:init new:fini ");
    diary[0] = 0;
    joins();
    CU_ASSERT_STRING_EQUAL(diary, "a:join ");
    close_fan();
}

/* Before the node has begun, a new file simply takes the place of the one before. */
static void test_reload_before_the_start(void)
{
    file();
    entry(&listener, "a", NULL);
    make_fan(&setup);
    file();
    entry(&listener, "a", NULL);
    struct kith_delegates *next = kith_delegates_new(&config, &setup, fan, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(next);
    kith_delegates_free(fan);
    fan = next;
    CU_ASSERT_EQUAL(kith_delegates_start(fan, &err), 0);
    ops = kith_delegates_ops(fan, &self);
    joins();
    CU_ASSERT_STRING_EQUAL(diary, "a:init a:fini a:start a:join ");
    CU_ASSERT_EQUAL(ops->judges, KITH_CLAIM_ALIVE);
    close_fan();
}

/* Who can't start keeps its old instance, or is left out; the others go on. */
static void test_reload_that_fails_in_part(void)
{
    file();
    entry(&stubborn, "a", NULL);
    entry(&listener, "b", NULL);
    open_fan();
    file();
    with.fail_start = true;
    entry(&stubborn, "A", NULL);
    entry(&listener, "NEW", NULL);
    entry(&listener, "B", NULL);
    CU_ASSERT_EQUAL(reload(), -KITH_EIO);
    CU_ASSERT_STRING_EQUAL(err.text, "a: no luck");
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, "new: no luck"));
    CU_ASSERT_STRING_EQUAL(diary, "A:init NEW:init B:init a:stop A:start a:start A:fini "
                                  "NEW:start NEW:fini B:adopt(b) b:fini ");
    diary[0] = 0;
    joins();
    CU_ASSERT_STRING_EQUAL(diary, "a:join B:join ");
    close_fan();
}

static void test_reload_that_fails_to_adopt(void)
{
    file();
    entry(&listener, "a", NULL);
    open_fan();
    for (int i = 0; i < 2; i++) {
        file();
        with.fail_adopt = i == 0;
        entry(&listener, "A", NULL);
        CU_ASSERT_EQUAL(reload(), i ? 0 : -KITH_EIO);
        diary[0] = 0;
        joins();
        CU_ASSERT_STRING_EQUAL(diary, i ? "A:join " : "a:join ");
    }
    close_fan();
}

/* Its place and name, whatever it is that fails. */
static void test_failures_name_the_place(void)
{
    file();
    fan_maker.file = "node.yaml";
    entry(&provider, "A", NULL);
    make_fan(&setup);
    with.fail_start = true;
    CU_ASSERT_EQUAL(kith_delegates_start(fan, &err), -KITH_EIO);
    CU_ASSERT_STRING_EQUAL(err.text, "node.yaml:10:5: error: a: no luck");
    close_fan();
}

/* ----------------------------------------------------------------------- the program's own */

static void leaving_event(void *who, const struct kith_event *e)
{
    note(who, "bye");
    kith_delegates_unlisten(fan, who);
}

static void test_listeners(void)
{
    static const struct kith_delegate_ops leaving = {.size = sizeof leaving,
                                                     .event = leaving_event};
    static struct probe one = {.tag = "one"}, two = {.tag = "two"}, three = {.tag = "three"};
    file();
    entry(&producer, "a", NULL);
    open_fan();
    struct kith_delegate_ops half = leaving;
    half.size -= sizeof(void *) / 2;
    CU_ASSERT_EQUAL(kith_delegates_listen(fan, &half, &one), -KITH_EINVAL);
    CU_ASSERT_EQUAL(kith_delegates_listen(fan, &leaving, &one), 0);
    CU_ASSERT_EQUAL(kith_delegates_listen(fan, &listener_ops, &two), 0);
    CU_ASSERT_EQUAL(kith_delegates_listen(fan, &producer_ops, &three), -KITH_EEXIST);
    joins();
    joins();
    CU_ASSERT_STRING_EQUAL(diary, "a:join one:bye two:join a:join two:join ");
    kith_delegates_unlisten(fan, &two);
    diary[0] = 0;
    joins();
    CU_ASSERT_STRING_EQUAL(diary, "a:join ");
    close_fan();
}

/* The program's own came first; the file names a delegate that wants its part. */
static void test_the_programs_own_has_the_part(void)
{
    static struct probe own = {.tag = "own"};
    file();
    open_fan();
    CU_ASSERT_EQUAL(kith_delegates_listen(fan, &producer_ops, &own), 0);
    file();
    fan_maker.file = "node.yaml";
    entry(&producer, "a", NULL);
    CU_ASSERT_PTR_NULL(kith_delegates_new(&config, &setup, fan, &err));
    CU_ASSERT_STRING_EQUAL(err.text,
                           "node.yaml:10:5: error: a: it and the program's own delegate both "
                           "produce messages or state; only one can");
    close_fan();
}

KITH_TESTS("plugins/delegates", {"state beside members", test_state_beside_members},
           {"life and order", test_life_and_order},
           {"events of every kind", test_events_of_every_kind},
           {"events say when", test_events_say_when},
           {"bad manners are counted", test_bad_manners_are_counted},
           {"the key of hashes comes from the host", test_key_comes_from_the_host},
           {"exclusions name both lines", test_exclusions_name_both_lines},
           {"names differ", test_names_differ}, {"the first veto wins", test_first_veto_wins},
           {"judges are those of the moment", test_judges_are_those_of_the_moment},
           {"meta", test_meta}, {"meta is sealed", test_seal_meta},
           {"ops that end early", test_ops_that_end_early},
           {"a reload keeps what did not change", test_reload_keeps_what_did_not_change},
           {"allow is a setting", test_allow_is_a_setting},
           {"a reload that is given up", test_reload_that_is_given_up},
           {"a reload before the start", test_reload_before_the_start},
           {"a reload that fails in part", test_reload_that_fails_in_part},
           {"a reload that fails to adopt", test_reload_that_fails_to_adopt},
           {"failures name the place", test_failures_name_the_place}, {"listeners", test_listeners},
           {"the program's own has the part", test_the_programs_own_has_the_part})
