/* The life of an instance: in which order a plugin is called, what its failures look like, and what
 * stays as it was. */
#include "fake_host.h"
#include "test.h"

struct one {
    char tag;
    const char *text;
};

static char diary[512];
static int init_rc, adopt_rc, start_rc, refresh_rc, command_rc;
static char fails_only;  /* tag of who gets start_rc; 0: all */
static const char *says; /* in err, when it fails */
static struct kith_instance *a, *b;
static unsigned outside; /* calls that the host did not know to be inside of */
static struct kith_asks *asks;
static struct kith_error err;

static int note(void *self, const char *what, int rc, struct kith_error *said)
{
    size_t used = strlen(diary);
    snprintf(diary + used, sizeof diary - used, "%c:%s ", ((struct one *)self)->tag, what);
    if (a && self == a->self && !kith_instance_inside(a)) outside++;
    if (b && self == b->self && !kith_instance_inside(b)) outside++;
    if (rc && says) kith_fail(said, KITH_EIO, "%s", says);
    return rc;
}

static int one_init(void *self, const struct kith_host *host, struct kith_error *said)
{
    return note(self, "init", init_rc, said);
}

/* Answers what its former self was asked. */
static uint64_t adopted_id;
static int one_adopt(void *self, void *old, struct kith_error *said)
{
    if (a && old == a->self && !kith_instance_inside(a)) outside++;
    if (adopted_id) kith_asks_reply(asks, b->host, adopted_id, kith_text("from b"));
    return note(self, "adopt", adopt_rc, said);
}
static int one_start(void *self, struct kith_error *said)
{
    bool fails = !fails_only || ((struct one *)self)->tag == fails_only;
    return note(self, "start", fails ? start_rc : 0, said);
}
static void one_stop(void *self) { note(self, "stop", 0, NULL); }
static void one_fini(void *self) { note(self, "fini", 0, NULL); }
static int one_refresh(void *self, uint32_t what, struct kith_error *said)
{
    return note(self, what == KITH_REFRESH_KEYS ? "keys" : "files", refresh_rc, said);
}

static uint64_t called_id;
static bool finishes_inside;
static int one_command(void *self, const struct kith_call *call, struct kith_error *said)
{
    called_id = call->id;
    for (size_t i = 0; i < call->count; i++)
        kith_asks_reply(asks, a->host, call->id, call->words[i]);
    if (finishes_inside) kith_asks_finish(asks, a->host, call->id, 0, NULL);
    return note(self, call->flags & KITH_CALL_JSON ? "json" : "text", command_rc, said);
}

static const struct kith_delegate_ops no_ops = {.size = sizeof no_ops};
static const struct kith_param params[] = {
    KITH_PARAM(struct one, text, STRING, 0, NULL, NULL, NULL, "a text"), KITH_PARAM_END};
static const struct kith_plugin plugin = {
    KITH_HEADER(DELEGATE), .flags = KITH_KEYED,
    .name = "one",         .instance_size = sizeof(struct one),
    .params = params,      .ops = &no_ops,
    .init = one_init,      .adopt = one_adopt,
    .start = one_start,    .stop = one_stop,
    .fini = one_fini,      .refresh = one_refresh,
    .command = one_command};

static void released(void *ctx, struct kith_host *host, const char *after)
{
    strcat(diary, a && host == a->host ? "a-released " : "b-released ");
}
static void revived(void *ctx, struct kith_host *host) { strcat(diary, "revived "); }

static uint8_t key[] = "0123456789abcdef", other_key[] = "fedcba9876543210";
static struct kith_secret secret = {.data = key, .len = 16};

static int make(struct kith_instance **out, const struct kith_plugin *p, char tag)
{
    struct one filled = {tag, "lent"};
    char name[] = {tag, 0};
    struct kith_host_maker maker = fake_maker;
    maker.file = "node.yaml";
    maker.release = released;
    maker.revive = revived;
    maker.asks = asks;
    struct kith_entry entry = {.use = "one",
                               .name = name,
                               .plugin = p,
                               .pos = {12, 5},
                               .params = &filled,
                               .has_keys = true,
                               .keys = {.items = &secret, .count = 1}};
    err = (struct kith_error){.size = sizeof err, .text = "of an earlier call"};
    return kith_instance_new(out, &entry, &maker, NULL, &err);
}

static void begin(void)
{
    diary[0] = fake_log_text[0] = 0;
    init_rc = adopt_rc = start_rc = refresh_rc = command_rc = 0;
    fails_only = 0;
    says = NULL;
    a = b = NULL;
    outside = 0;
    adopted_id = 0;
    finishes_inside = false;
    if (!asks) asks = kith_asks_new(1);
}

static void end(void)
{
    kith_instance_free(b);
    b = NULL;
    kith_instance_free(a);
    a = NULL;
    kith_asks_free(asks);
    asks = NULL;
    CU_ASSERT_EQUAL(outside, 0);
    CU_ASSERT_EQUAL(fake_hosts_alive, 0);
}

static void test_in_order(void)
{
    begin();
    CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
    CU_ASSERT_EQUAL(a->state, KITH_INSTANCE_MADE);
    CU_ASSERT_STRING_EQUAL(((struct one *)a->self)->text, "lent"); /* and copied */
    CU_ASSERT_STRING_EQUAL(kith_instance_name(a), "a");
    CU_ASSERT_EQUAL(kith_instance_start(a, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_instance_start(a, NULL, &err), 0); /* runs already */
    CU_ASSERT(kith_instance_runs(a) && !kith_instance_inside(a));
    end();
    CU_ASSERT_STRING_EQUAL(diary, "a:init a:start a:stop a-released a:fini ");

    begin(); /* never started, never stopped */
    CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
    end();
    CU_ASSERT_STRING_EQUAL(diary, "a:init a:fini ");
}

static void test_failures_name_entry_and_place(void)
{
    static const struct {
        int returned, rc;
        const char *says, *text;
    } cases[] = {
        {-KITH_EIO, -KITH_EIO, "no luck", "node.yaml:12:5: error: a: no luck"},
        {-KITH_ENAME, -KITH_ENAME, NULL,
         "node.yaml:12:5: error: a: failed to %s: a name that can't be resolved"},
        {7, -KITH_EIO, NULL, "node.yaml:12:5: error: a: failed to %s (with the unknown code 7)"},
        {KITH_LATER, -KITH_EIO, "no luck", "node.yaml:12:5: error: a: no luck"},
        {-5000, -KITH_EIO, "no luck", "node.yaml:12:5: error: a: no luck"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        begin();
        says = cases[i].says;
        init_rc = cases[i].returned;
        fake_log_text[0] = 0;
        CU_ASSERT_EQUAL(make(&a, &plugin, 'a'), cases[i].rc);
        CU_ASSERT_EQUAL(strstr(fake_log_text, "broke its contract: it returned") != NULL,
                        cases[i].returned > 0);
        CU_ASSERT_EQUAL(err.code, cases[i].rc);
        snprintf(text, sizeof text, cases[i].text, "initialise");
        CU_ASSERT_STRING_EQUAL(err.text, text);
        CU_ASSERT_STRING_EQUAL(diary, "a:init a:fini ");

        begin();
        says = cases[i].says;
        start_rc = cases[i].returned;
        CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
        CU_ASSERT_EQUAL(kith_instance_start(a, NULL, &err), cases[i].rc);
        CU_ASSERT_EQUAL(a->state, KITH_INSTANCE_FAILED);
        snprintf(text, sizeof text, cases[i].text, "start");
        CU_ASSERT_STRING_EQUAL(err.text, text);
        end(); /* what it began is taken back, it is not stopped */
        CU_ASSERT_STRING_EQUAL(diary, "a:init a:start a-released a:fini ");
    }
}

/* Words that are too long lose their end, never the place. */
static void test_long_words(void)
{
    char words[600];
    memset(words, 'w', sizeof words);
    words[499] = 0;
    begin();
    says = words;
    init_rc = -KITH_EIO;
    CU_ASSERT_EQUAL(make(&a, &plugin, 'a'), -KITH_EIO);
    CU_ASSERT_EQUAL(strlen(err.text), sizeof err.text - 1);
    CU_ASSERT_EQUAL(strncmp(err.text, "node.yaml:12:5: error: a: wwww", 30), 0);
    end();
}

static void test_a_failed_start_may_be_tried_again(void)
{
    begin();
    start_rc = -KITH_EADDRINUSE;
    CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
    CU_ASSERT_EQUAL(kith_instance_start(a, NULL, &err), -KITH_EADDRINUSE);
    start_rc = 0;
    CU_ASSERT_EQUAL(kith_instance_start(a, NULL, &err), 0);
    end();
    CU_ASSERT_STRING_EQUAL(diary,
                           "a:init a:start a-released revived a:start a:stop a-released a:fini ");
}

/* ------------------------------------------------------------------------------- replacement */

static void begin_replacement(const struct kith_plugin *other)
{
    begin();
    CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
    CU_ASSERT_EQUAL_FATAL(kith_instance_start(a, NULL, &err), 0);
    CU_ASSERT_EQUAL_FATAL(make(&b, other, 'b'), 0);
    diary[0] = 0;
}

static void test_adopted(void)
{
    begin_replacement(&plugin);
    CU_ASSERT_EQUAL(kith_instance_start(b, a, &err), 0);
    CU_ASSERT(kith_instance_runs(b));
    CU_ASSERT_EQUAL(a->state, KITH_INSTANCE_HANDED_OVER);
    kith_instance_free(a);
    a = NULL;
    end(); /* fini, and nothing else, for the former one */
    CU_ASSERT_STRING_EQUAL(diary, "b:adopt a-released a:fini b:stop b-released b:fini ");

    begin_replacement(&plugin); /* nothing changed: the former one goes on */
    adopt_rc = -KITH_EIO;
    CU_ASSERT_EQUAL(kith_instance_start(b, a, &err), -KITH_EIO);
    CU_ASSERT_STRING_EQUAL(diary, "b:adopt b-released ");
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "b: failed to take over from its former self"));
    CU_ASSERT(kith_instance_runs(a) && b->state == KITH_INSTANCE_FAILED);
    end();

    begin_replacement(&plugin); /* neither works any more */
    adopt_rc = -KITH_ECLOSED;
    CU_ASSERT_EQUAL(kith_instance_start(b, a, &err), -KITH_ECLOSED);
    CU_ASSERT_STRING_EQUAL(diary, "b:adopt a-released b-released ");
    CU_ASSERT(!kith_instance_runs(a) && !kith_instance_runs(b));
    end(); /* what failed is not stopped */
    CU_ASSERT_STRING_EQUAL(diary, "b:adopt a-released b-released b:fini a:fini ");
}

static void test_not_adopted(void)
{
    struct kith_plugin other = plugin, plain = plugin;
    plain.adopt = NULL;
    const struct kith_plugin *const cases[] = {&other, &plain};
    for (size_t i = 0; i < 2; i++) {
        begin_replacement(cases[i]);
        CU_ASSERT_EQUAL(kith_instance_start(b, a, &err), 0);
        CU_ASSERT_STRING_EQUAL(diary, "a:stop a-released b:start ");
        CU_ASSERT(kith_instance_runs(b) && !kith_instance_runs(a));
        kith_instance_free(a);
        a = NULL;
        CU_ASSERT_STRING_EQUAL(diary, "a:stop a-released b:start a:fini ");
        end();

        begin_replacement(cases[i]); /* in vain: the former one is started again */
        start_rc = -KITH_EADDRINUSE;
        fails_only = 'b';
        CU_ASSERT_EQUAL(kith_instance_start(b, a, &err), -KITH_EADDRINUSE);
        CU_ASSERT_STRING_EQUAL(diary, "a:stop a-released b:start b-released revived a:start ");
        CU_ASSERT(kith_instance_runs(a));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "b: failed to start"));
        end();

        begin_replacement(cases[i]); /* and that in vain, too */
        start_rc = -KITH_EADDRINUSE;
        CU_ASSERT_EQUAL(kith_instance_start(b, a, &err), -KITH_EADDRINUSE);
        CU_ASSERT(!kith_instance_runs(a) && !kith_instance_runs(b));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "b: failed to start"));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the former one can't go on"));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "a: failed to start"));
        end();
    }
}

/* ------------------------------------------------------------------------------ what it is told */

static void test_refresh(void)
{
    begin();
    CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
    CU_ASSERT_EQUAL(kith_instance_refresh(a, KITH_REFRESH_FILES, NULL), 0); /* not yet */
    kith_keyring_install(a->ring, other_key, 16, NULL, &err); /* it read the keys in init */
    CU_ASSERT_EQUAL(kith_instance_start(a, NULL, &err), 0);
    CU_ASSERT_EQUAL(kith_instance_refresh(a, KITH_REFRESH_FILES, NULL), 0);
    kith_keyring_use(a->ring, 1, NULL, &err);
    CU_ASSERT_STRING_EQUAL(diary, "a:init a:keys a:start a:files a:keys ");
    CU_ASSERT_STRING_EQUAL(fake_log_text, "");

    refresh_rc = -KITH_EINVAL; /* said, and all goes on */
    says = "a certificate that is none";
    CU_ASSERT_EQUAL(kith_instance_refresh(a, KITH_REFRESH_FILES, NULL), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, "a: a certificate that is none"));
    kith_keyring_use(a->ring, 1, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, "the former ones stay"));
    CU_ASSERT(kith_instance_runs(a));

    /* So they do for all: a change that one can't take over is none. */
    struct kith_key raw = {.size = sizeof raw}, derived = raw;
    kith_keyring_key(a->ring, 1, NULL, &raw);
    kith_keyring_key(a->ring, 1, "one", &derived);
    uint8_t before[32];
    memcpy(before, derived.data, sizeof before);
    CU_ASSERT_EQUAL(kith_keyring_remove(a->ring, 1, NULL, &err), -KITH_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "a: a certificate that is none"));
    const struct kith_secret others = {.data = other_key, .len = 16};
    const struct kith_secrets replaced = {.items = (struct kith_secret *)&others, .count = 1};
    struct kith_keyring *next = kith_keyring_next(a->ring, &replaced);
    CU_ASSERT_EQUAL(kith_keyring_join(next, &err), -KITH_EINVAL);
    kith_keyring_unref(next);
    CU_ASSERT_EQUAL(kith_keyring_count(a->ring), 2);
    CU_ASSERT_EQUAL(memcmp(raw.data, key, 16), 0);
    CU_ASSERT_EQUAL(memcmp(derived.data, before, sizeof before), 0);
    refresh_rc = 0;
    CU_ASSERT_EQUAL(kith_keyring_use(a->ring, 1, NULL, &err), 0);
    end();
}

static void test_no_keys(void)
{
    begin();
    secret.len = 0;
    struct kith_entry entry = {.use = "one", .name = "a", .plugin = &plugin};
    CU_ASSERT_EQUAL(kith_instance_new(&a, &entry, &fake_maker, NULL, &err), -KITH_EINVAL);
    CU_ASSERT_STRING_EQUAL(err.text, "a: needs a key: give it `keys:`, or `allow: [keys]` and the "
                                     "node a `keyring:`");
    secret.len = 16;
    CU_ASSERT_STRING_EQUAL(diary, ""); /* no code of it has run */
    a = NULL;
    end();
}

static void test_not_in_a_simulation(void)
{
    struct kith_plugin outside_world = plugin;
    outside_world.flags |= KITH_OUTSIDE;
    begin();
    fake_world_number = 7;
    CU_ASSERT_EQUAL(make(&a, &plugin, 'a'), 0);
    CU_ASSERT_EQUAL(make(&b, &outside_world, 'b'), -KITH_EUNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "b: works with files, sockets"));
    fake_world_number = 0;
    CU_ASSERT_EQUAL(make(&b, &outside_world, 'b'), 0);
    end();
}

/* ---------------------------------------------------------------------------------- commands */

struct answer {
    char text[64];
    unsigned ends;
    int status;
    char why[64];
};

static int take(void *arg, struct kith_bytes bytes)
{
    strncat(((struct answer *)arg)->text, (const char *)bytes.data, bytes.len);
    return 0;
}
static void ended(void *arg, int status, const char *text)
{
    struct answer *answer = arg;
    answer->ends++;
    answer->status = status;
    snprintf(answer->why, sizeof answer->why, "%s", text ? text : "-");
}

static uint64_t call(struct answer *answer, uint32_t flags)
{
    const struct kith_bytes words[] = {kith_text("hello "), kith_text("there")};
    const struct kith_asker asker = {.arg = answer, .piece = take, .end = ended};
    memset(answer, 0, sizeof *answer);
    return kith_instance_call(a, asks, words, 2, flags, UINT64_MAX, &asker);
}

static void test_commands(void)
{
    static const struct {
        int returned;
        const char *says;
        int status;
        const char *why;
    } cases[] = {{0, NULL, 0, "-"},
                 {-KITH_ENOTFOUND, "no such word", -KITH_ENOTFOUND, "no such word"},
                 {-KITH_ENOTFOUND, NULL, -KITH_ENOTFOUND, "-"},
                 {KITH_PASS, NULL, -KITH_EIO, "-"},
                 {-1000, NULL, -KITH_EIO, "-"}};
    struct answer answer;
    begin();
    CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
    CU_ASSERT_EQUAL(call(&answer, 0), 0);
    CU_ASSERT(answer.ends == 1 && answer.status == -KITH_EUNSUPPORTED); /* does not run */
    CU_ASSERT_EQUAL_FATAL(kith_instance_start(a, NULL, &err), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        command_rc = cases[i].returned;
        says = cases[i].says;
        CU_ASSERT_EQUAL(call(&answer, i % 2 ? KITH_CALL_JSON : 0), 0);
        CU_ASSERT_STRING_EQUAL(answer.text, "hello there");
        CU_ASSERT(answer.ends == 1 && answer.status == cases[i].status);
        CU_ASSERT_STRING_EQUAL(answer.why, cases[i].why);
        CU_ASSERT_EQUAL(kith_asks_open_count(asks), 0);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, "broke its contract: command() returned 256"));
    CU_ASSERT_STRING_EQUAL(diary, "a:init a:start a:text a:json a:text a:json a:text ");

    command_rc = KITH_LATER;
    uint64_t id = call(&answer, 0);
    CU_ASSERT(id && id == called_id && answer.ends == 0);
    CU_ASSERT_EQUAL(kith_asks_finish(asks, a->host, id, 0, NULL), 0);
    CU_ASSERT(answer.ends == 1 && answer.status == 0);
    CU_ASSERT_EQUAL(kith_asks_reply(asks, a->host, id, kith_text("x")), -KITH_ECLOSED);

    finishes_inside = true; /* and says KITH_LATER all the same: the asker is told of no id */
    CU_ASSERT_EQUAL(call(&answer, 0), 0);
    CU_ASSERT(answer.ends == 1 && answer.status == 0);
    finishes_inside = false;

    call(&answer, 0); /* what stop overtakes is closed */
    kith_instance_free(a);
    a = NULL;
    CU_ASSERT(answer.ends == 1 && answer.status == -KITH_ECLOSED);
    CU_ASSERT_STRING_EQUAL(answer.why, "a stopped before it answered");
    end();
}

/* Who waits is told that asking again helps. */
static void test_question_of_a_replaced_one(void)
{
    struct kith_plugin stubborn = plugin;
    struct answer answer;
    stubborn.adopt = NULL;
    begin_replacement(&stubborn);
    command_rc = KITH_LATER;
    call(&answer, 0);
    CU_ASSERT_EQUAL(kith_instance_start(b, a, &err), 0);
    CU_ASSERT(answer.ends == 1 && answer.status == -KITH_ECLOSED);
    CU_ASSERT_STRING_EQUAL(answer.why, "a was restarted by a reload; ask again");
    end();
}

/* What the former one was asked, the one that adopts can answer; also if it fails, nothing is lost.
 */
static void test_adopted_questions(void)
{
    static const struct {
        int adopt_rc;
        bool goes_on, is_new;
    } cases[] = {{0, true, true}, {-KITH_EIO, true, false}, {-KITH_ECLOSED, false, false}};
    for (size_t i = 0; i < 3; i++) {
        struct answer answer;
        begin_replacement(&plugin);
        command_rc = KITH_LATER;
        adopted_id = call(&answer, 0);
        answer.text[0] = 0;
        adopt_rc = cases[i].adopt_rc;
        kith_instance_start(b, a, &err);
        CU_ASSERT_STRING_EQUAL(answer.text, "from b");
        CU_ASSERT_EQUAL(answer.ends, !cases[i].goes_on);
        CU_ASSERT_EQUAL(kith_asks_reply(asks, b->host, adopted_id, kith_text("x")),
                        cases[i].is_new ? 0 : -KITH_ECLOSED);
        CU_ASSERT_EQUAL(kith_asks_finish(asks, a->host, adopted_id, 0, NULL),
                        cases[i].goes_on && !cases[i].is_new ? 0 : -KITH_ECLOSED);
        end();
        CU_ASSERT_EQUAL(answer.ends, 1);
    }
}

/* ------------------------------------------------------------------------------------- blame */

static unsigned lines(const char *text)
{
    unsigned n = 0;
    for (; (text = strchr(text, '\n')); text++) n++;
    return n;
}

/* Every breach is counted; a line a second says how many were not said. */
static void test_blame(void)
{
    begin();
    CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
    for (int i = 0; i < 5; i++) kith_instance_blame(a, "number %d", i);
    CU_ASSERT_STRING_EQUAL(fake_log_text, "broke its contract: number 0\n");
    fake_clock += 999999999;
    kith_instance_blame(a, "too soon");
    CU_ASSERT_EQUAL(lines(fake_log_text), 1);
    fake_clock += 1;
    kith_instance_blame(a, "a second later");
    CU_ASSERT_PTR_NOT_NULL(strstr(
        fake_log_text, "broke its contract: a second later (and 5 more since the last line)\n"));
    const struct fake_host *fake = (const struct fake_host *)a->host;
    CU_ASSERT_STRING_EQUAL(fake->counters[0].name, "contract_breaches");
    CU_ASSERT_EQUAL(fake->counters[0].value, 7);

    kith_instance_slow(a, "seal", 15000000); /* another kind has lines of its own */
    CU_ASSERT_PTR_NOT_NULL(strstr(fake_log_text, "seal() took 15 ms: the whole node waited\n"));
    CU_ASSERT_STRING_EQUAL(fake->counters[1].name, "slow_calls");
    end();
}

/* A crash names whose call it was inside of, also when calls lead into each other. */
static void test_who_is_called(void)
{
    begin();
    CU_ASSERT_EQUAL_FATAL(make(&a, &plugin, 'a'), 0);
    CU_ASSERT_EQUAL_FATAL(make(&b, &plugin, 'b'), 0);
    CU_ASSERT_PTR_NULL(kith_crash_noted);
    struct kith_instance *const chain[] = {a, b, a, a, b};
    const size_t n = sizeof chain / sizeof *chain;
    for (size_t i = 0; i < n; i++) kith_instance_enter(chain[i]);
    for (size_t i = n; i--;) {
        CU_ASSERT_PTR_EQUAL(kith_crash_noted, &chain[i]->note);
        kith_instance_leave(chain[i]);
    }
    CU_ASSERT_PTR_NULL(kith_crash_noted);
    CU_ASSERT_STRING_EQUAL(a->note.doing, "called");
    CU_ASSERT_PTR_NOT_NULL(a->note.file);
    end();
}

KITH_TESTS("plugins/instance", {"in order", test_in_order},
           {"failures name the entry and its place", test_failures_name_entry_and_place},
           {"long words", test_long_words},
           {"a failed start may be tried again", test_a_failed_start_may_be_tried_again},
           {"adopted", test_adopted}, {"not adopted", test_not_adopted}, {"refresh", test_refresh},
           {"no keys", test_no_keys}, {"not in a simulation", test_not_in_a_simulation},
           {"commands", test_commands}, {"adopted questions", test_adopted_questions},
           {"the question of one that a reload replaces", test_question_of_a_replaced_one},
           {"blame", test_blame}, {"who is called", test_who_is_called})
