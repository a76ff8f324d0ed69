/*
 * test_loopback_links.c - loopback's commands: what they change, what they answer, in text and in
 * JSON, what they say when something is wrong; and what becomes of streams under cuts.
 */
#include "ends.h"
#include <jansson.h>

#define MS      UINT64_C(1000000)
#define SECOND  UINT64_C(1000000000)
#define L(name) "use: loopback, as: " name ", address: " name

static char answer[1 << 20], error_text[512];
static size_t pieces_left; /* until the asker is slow */
static int finished;

static void run(uint64_t ns)
{
    kith_loop_run_until(loop, kith_loop_now(loop) + ns);
    for (int i = 0; i < 4; i++) ends_turn(0);
}

static int take_piece(const struct kith_host *host, uint64_t id, struct kith_bytes piece)
{
    size_t had = strlen(answer);
    if (!pieces_left) return -KITH_EAGAIN;
    pieces_left--;
    CU_ASSERT_FATAL(had + piece.len < sizeof answer);
    memcpy(answer + had, piece.data, piece.len);
    answer[had + piece.len] = '\0';
    return 0;
}

static int nobody_asks(const struct kith_host *host, uint64_t id, struct kith_bytes piece)
{
    return -KITH_ECLOSED;
}

static int finish(const struct kith_host *host, uint64_t id, int status, const char *text)
{
    CU_ASSERT_EQUAL(status, 0);
    finished++;
    return 0;
}

/* What `kith command loopback WORDS` gives. */
static int ask(struct end *e, bool json, const char *words)
{
    static char copy[512];
    struct kith_bytes list[64];
    struct kith_error err = {.size = sizeof err};
    struct kith_call call = {.size = sizeof call,
                             .flags = json ? KITH_CALL_JSON : 0,
                             .id = 1,
                             .deadline = UINT64_MAX,
                             .words = list};
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        list[call.count++] = kith_text(word);
    answer[0] = error_text[0] = '\0';
    pieces_left = 1000;
    e->in->host->reply = take_piece;
    e->in->host->finish = finish;
    e->in_call = true;
    int rc = e->in->plugin->command(e->self, &call, &err);
    e->in_call = false;
    snprintf(error_text, sizeof error_text, "%s", rc < 0 ? err.text : "");
    return rc;
}

/* The whole of the answer in text. */
static void check(struct end *e, const char *words, const char *wanted)
{
    int rc = ask(e, false, words);
    if (rc) printf("\n    %s: %s", words, error_text);
    CU_ASSERT_EQUAL(rc, 0);
    if (strcmp(answer, wanted)) printf("\n    %s: %s", words, answer);
    CU_ASSERT_STRING_EQUAL(answer, wanted);
}

static void check_error(struct end *e, const char *words, int code, const char *wanted)
{
    CU_ASSERT_EQUAL(ask(e, false, words), -code);
    if (!strstr(error_text, wanted)) printf("\n    %s: %s", words, error_text);
    CU_ASSERT_PTR_NOT_NULL(strstr(error_text, wanted));
    CU_ASSERT_STRING_EQUAL(answer, "");
}

/* The answer's line with this member, of JSON. */
static json_t *line_with(const char *key, const char *value)
{
    static char copy[sizeof answer];
    memcpy(copy, answer, sizeof copy);
    for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *object = json_loads(line, 0, NULL);
        CU_ASSERT_TRUE_FATAL(json_is_object(object));
        const json_t *member = json_object_get(object, key);
        if (member && (!value || !strcmp(json_string_value(member), value))) return object;
        json_decref(object);
    }
    CU_FAIL("the answer lacks a line");
    return NULL;
}

static void number_is(json_t *object, const char *key, double value)
{
    double is = json_number_value(json_object_get(object, key));
    if (is < value - 1e-9 || is > value + 1e-9) printf("\n    %s: %g", key, is);
    CU_ASSERT(json_is_number(json_object_get(object, key)));
    CU_ASSERT_DOUBLE_EQUAL(is, value, 1e-9);
}

static bool passes(struct end *from, struct end *to)
{
    size_t had = to->packets;
    end_send(from, &to->addr, 10);
    run(SECOND);
    return to->packets > had;
}

/* ---------------------------------------------------------------------------------- commands */

static void test_cut_and_heal(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a")), *b = end_new(L("b")), *c = end_new(L("c"));
    check(a, "cut a b", "rule 1: a (1) -> b (1): cut=true\n");
    CU_ASSERT(!passes(a, b) && passes(b, a) && passes(a, c));
    check(c, "cut --both b c,x-*", "rule 2: b (1) <-> c,x-* (1): cut=true\n");
    CU_ASSERT(!passes(b, c) && !passes(c, b));
    check(b, "heal 1", "1 rule taken back\n");
    CU_ASSERT(passes(a, b) && !passes(b, c));
    check(a, "set a b loss=1", "rule 3: a (1) -> b (1): loss=1\n");
    CU_ASSERT(!passes(a, b));
    check(a, "heal", "1 rule taken back\n");
    CU_ASSERT(!passes(a, b) && passes(b, c));
    check(a, "heal all", "1 rule taken back\n");
    CU_ASSERT(passes(a, b));
    check(a, "partition a b,c", "rule 4: a (1) | b,c (2): cut=true\n");
    CU_ASSERT(!passes(a, b) && !passes(c, a) && passes(b, c));
    check(a, "partition b", "rule 5: b (1) | all others: cut=true\n");
    CU_ASSERT(!passes(b, c));
    check(a, "heal 4 5", "2 rules taken back\n");
    CU_ASSERT(passes(a, b) && passes(c, a) && passes(b, c));
    check(a, "cut all all", "rule 6: all (3) -> all (3): cut=true\n");
    CU_ASSERT(passes(a, a)); /* itself */
    check(a, "set a b cut=true loss=1", "rule 7: a (1) -> b (1): loss=1 cut=true\n");
    check(a, "heal", "2 rules taken back\n");
    CU_ASSERT(!ask(a, false, "links a b") && strstr(answer, "loss=1 ")); /* still */
    check(a, "cut nobody1 all",
          "rule 8: nobody1 (0) -> all (3): cut=true\n"
          "warning: there is no node `nobody1` yet\n");
    end_free(a);
    end_free(b);
    end_free(c);
    ends_finish();
}

static void test_links(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a") ", delay: 1ms"), *b = end_new(L("b") ", delay: 1ms");
    static const char same[] = "delay=1ms jitter=0 loss=0 duplicate=0 reorder=0 "
                               "reorder_late=20ms bandwidth=0 backlog=256KiB";
    char wanted[1024];
    snprintf(wanted, sizeof wanted, "network \"default\": 2 nodes\nof all: %s\n", same);
    check(a, "links", wanted);
    struct end *c = end_new(L("c") ", delay: 1m1s1ms1us1ns, loss: 0.125, bandwidth: 1KiB");
    check(a,
          "set a,b c --both delay=1h jitter=1.5s loss=2.5% duplicate=1 reorder=0.25 "
          "reorder_late=0 bandwidth=1.5MiB backlog=100 cut=false",
          "rule 1: a,b (2) <-> c (1): delay=1h jitter=1s500ms loss=0.025 duplicate=1 "
          "reorder=0.25 reorder_late=0 bandwidth=1536KiB backlog=100 cut=false\n");
    snprintf(wanted, sizeof wanted,
             "network \"default\": 3 nodes\nof a: %s\nof b: %s\n"
             "of c: delay=1m1s1ms1us1ns jitter=0 loss=0.125 duplicate=0 reorder=0 "
             "reorder_late=20ms bandwidth=1KiB backlog=256KiB\n"
             "rule 1: a,b (2) <-> c (1): delay=1h jitter=1s500ms loss=0.025 duplicate=1 "
             "reorder=0.25 reorder_late=0 bandwidth=1536KiB backlog=100 cut=false\n",
             same, same);
    check(b, "links", wanted);
    snprintf(wanted, sizeof wanted, "a -> b: %s cut=false\n", same);
    check(c, "links a b", wanted);
    check(c, "links c a",
          "c -> a: delay=1h jitter=1s500ms loss=0.025 duplicate=1 reorder=0.25 reorder_late=0 "
          "bandwidth=1536KiB backlog=100 cut=false\n");
    end_free(a);
    end_free(b);
    end_free(c);
    ends_finish();
}

static void test_json(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a") ", delay: 1500us, loss: 0.25"), *b = end_new(L("b"));
    struct end *odd = end_new("use: loopback, as: odd, address: '\"\\\xc3\xa4'");
    CU_ASSERT_EQUAL(ask(a, true, "cut a b,!x --both"), 0);
    json_t *o = line_with("rule", NULL);
    number_is(o, "rule", 1);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(o, "shape")), "both_ways");
    CU_ASSERT_TRUE(json_is_true(json_object_get(o, "cut")));
    const json_t *set = json_array_get(json_object_get(o, "sets"), 1);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(set, "set")), "b,!x");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(set, "nodes")), 1);
    json_decref(o);
    CU_ASSERT_EQUAL(ask(a, true, "links"), 0);
    json_decref(line_with("network", "default"));
    json_decref(line_with("node", "\"\\\xc3\xa4"));
    json_decref(line_with("rule", NULL));
    o = line_with("node", "a");
    number_is(o, "delay_seconds", 0.0015);
    number_is(o, "loss", 0.25);
    number_is(o, "backlog", 262144);
    json_decref(o);
    CU_ASSERT_EQUAL(ask(a, true, "links a b"), 0);
    o = line_with("from", "a");
    CU_ASSERT_TRUE(json_is_true(json_object_get(o, "cut")));
    json_decref(o);
    CU_ASSERT_EQUAL(ask(a, true, "heal"), 0);
    CU_ASSERT_STRING_EQUAL(answer, "{\"removed\":1}\n");

    /* An address that somebody claims may be anything. */
    struct kith_addr claimed = {.len = 9, .bytes = {0, 7, 0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80, '"'}};
    end_open(a, &claimed);
    CU_ASSERT_EQUAL(ask(a, true, "stats"), 0);
    char *odd_line = strstr(answer, "{\"node\":\"\\u0000");
    CU_ASSERT_PTR_NOT_NULL_FATAL(odd_line);
    json_t *said = json_loads(odd_line, JSON_ALLOW_NUL | JSON_DISABLE_EOF_CHECK, NULL);
    CU_ASSERT_PTR_NOT_NULL(said);
    json_decref(said);
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\"\\u0000\\u0007\\ufffd"));
    CU_ASSERT_EQUAL(ask(a, false, "stats"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "\n???"));
    end_free(a);
    end_free(b);
    end_free(odd);
    ends_finish();
}

static void test_stats(void)
{
    struct kith_addr nobody = {.len = 1, .bytes = {'z'}};
    ends_begin_world(1);
    struct end *a = end_new(L("a")), *b = end_new(L("b"));
    for (int i = 0; i < 3; i++) end_send(a, &b->addr, 100);
    end_send(a, &nobody, 50);
    ask(a, false, "cut a b");
    end_send(a, &b->addr, 100);
    run(SECOND);
    check(a, "stats",
          "NODE                       SENT        BYTES   RECEIVED        BYTES  DROPPED  "
          "WAITING\n"
          "a                             5          450          0            0        2        "
          "0\n"
          "b                             0            0          3          300        0        "
          "0\n"
          "all                           5          450          3          300        2        "
          "0\n"
          "dropped: cut 1, nobody 1\n");
    ask(a, false, "heal");
    CU_ASSERT_EQUAL(end_send(a, &b->addr, 100), 0);
    CU_ASSERT_EQUAL(ask(b, true, "stats"), 0);
    json_t *o = line_with("node", "a"), *drops = json_object_get(o, "packets_dropped");
    number_is(o, "packets_sent", 6);
    number_is(drops, "cut", 1);
    number_is(drops, "nobody", 1);
    number_is(drops, "receive_buffer", 0);
    json_decref(o);
    o = line_with("node", "b");
    CU_ASSERT(json_integer_value(json_object_get(o, "in_flight_bytes")) > 100);
    CU_ASSERT_TRUE(json_is_true(json_object_get(o, "listens")));
    json_decref(o);
    end_free(b);
    ask(a, true, "stats");
    o = line_with("node", "b");
    CU_ASSERT_TRUE(json_is_false(json_object_get(o, "listens")));
    number_is(json_object_get(o, "packets_dropped"), "nobody", 1); /* it never arrived */
    json_decref(o);
    end_free(a);
    ends_finish();
}

static void test_errors(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a")), *b = end_new(L("b"));
    ask(a, false, "");
    CU_ASSERT_PTR_NOT_NULL(strstr(answer, "partition SET [SET...]"));
    check_error(a, "break", KITH_EINVAL, "commands: links, set, cut, partition, heal, stats");
    check_error(a, "cut a", KITH_EINVAL, "usage: cut FROM TO [--both]");
    check_error(a, "cut a b c", KITH_EINVAL, "usage: cut");
    check_error(a, "cut a b,,c", KITH_EINVAL, "b,,c: a name or pattern is missing");
    check_error(a, "partition", KITH_EINVAL, "usage: partition");
    check_error(a, "set a b", KITH_EINVAL, "usage: set FROM TO [--both] [--keep] NAME=VALUE...");
    check_error(a, "set a b loss", KITH_EINVAL, "`loss`: write NAME=VALUE");
    check_error(a, "set a b los=1", KITH_EINVAL, "`los` is nothing of a link: delay, jitter");
    check_error(a, "set a b loss=1.5", KITH_EINVAL, "between 0 and 1");
    check_error(a, "set a b loss=101%", KITH_EINVAL, "between 0 and 1");
    check_error(a, "set a b loss=-1", KITH_EINVAL, "loss is a part, as 0.05 or 5%, not `-1`");
    check_error(a, "set a b loss=5%%", KITH_EINVAL, "loss is a part");
    check_error(a, "set a b delay=5", KITH_EINVAL, "delay is a duration, as 200ms");
    check_error(a, "set a b delay=", KITH_EINVAL, "delay is a duration");
    check_error(a, "set a b delay=1ms2", KITH_EINVAL, "delay is a duration");
    check_error(a, "set a b delay=61m", KITH_EINVAL, "at most 1h");
    check_error(a, "set a b delay=99999999999999999999h", KITH_EINVAL, "delay is a duration");
    check_error(a, "set a b delay=9999999999h", KITH_EINVAL, "delay is a duration");
    check_error(a, "set a b delay=9999999999999999999h", KITH_EINVAL, "delay is a duration");
    check_error(a, "set a b delay=5124095h34m33.709551616s", KITH_EINVAL, "delay is a duration");
    check_error(a, "set a b delay=5124095h34m33.709551615s", KITH_EINVAL, "at most 1h");
    check_error(a, "set a b bandwidth=1kB", KITH_EINVAL, "a size, as 1400 or 64KiB, not `1kB`");
    check_error(a, "set a b bandwidth=1MiB1", KITH_EINVAL, "a size");
    check_error(a, "set a b cut=yes", KITH_EINVAL, "cut is true or false, not `yes`");
    check_error(a, "heal 1", KITH_ENOTFOUND, "there is no rule 1; `links` shows all");
    check_error(a, "heal x", KITH_EINVAL, "`x` is no rule's number");
    check_error(a, "heal all 1", KITH_EINVAL, "`all` alone");
    check_error(a, "heal all --format json", KITH_EINVAL,
                "`all` alone; `--format` is unknown here");
    check_error(a, "cut a b --format json", KITH_EINVAL, "options of kith come before the words");
    check_error(a, "links a", KITH_EINVAL, "usage: links [FROM TO]");
    check_error(a, "links a z", KITH_ENOTFOUND, "network \"default\" has no node `z`");
    check_error(a, "stats now", KITH_EINVAL, "usage: stats");
    ask(a, false, "cut a b");
    check_error(a, "heal 1 2", KITH_ENOTFOUND, "there is no rule 2");
    CU_ASSERT_FALSE(passes(a, b)); /* nothing was taken back */
    end_free(a);
    end_free(b);
    ends_finish();
}

/* Who reads slowly gets it all; who goes away is forgotten; a reload in between costs nothing. */
static void test_slow_askers(void)
{
    enum { NODES = 500 };
    static struct end *all[NODES]; /* some hundred kilobytes of answer */
    char settings[160];
    ends_begin_world(1);
    struct end *a = end_new(L("a"));
    for (int i = 0; i < NODES; i++) {
        snprintf(settings, sizeof settings, L("node-%d") ", loss: 0.1", i, i);
        all[i] = end_new(settings);
    }
    CU_ASSERT_EQUAL(ask(a, true, "stats"), 0);
    static char whole[1 << 20];
    snprintf(whole, sizeof whole, "%s", answer);
    CU_ASSERT_FATAL(strlen(whole) > 3 * 65536);

    answer[0] = '\0';
    finished = 0;
    a->in->host->reply = take_piece;
    struct kith_bytes word = kith_text("stats");
    struct kith_call call = {.size = sizeof call,
                             .flags = KITH_CALL_JSON,
                             .id = 7,
                             .deadline = UINT64_MAX,
                             .words = &word,
                             .count = 1};
    struct kith_error err = {.size = sizeof err};
    pieces_left = 1;
    CU_ASSERT_EQUAL(a->in->plugin->command(a->self, &call, &err), KITH_LATER);
    CU_ASSERT_EQUAL(a->in->plugin->command(a->self, &call, &err), KITH_LATER); /* for the other */
    run(SECOND);
    CU_ASSERT_EQUAL(finished, 0);
    struct end *next = end_made(L("a") ", mtu: 1000");
    next->in->host->reply = take_piece;
    next->in->host->finish = finish;
    CU_ASSERT_TRUE_FATAL(end_start(next, a));
    end_free(a);
    pieces_left = 1000;
    run(SECOND);
    CU_ASSERT_EQUAL(finished, 2);
    CU_ASSERT_EQUAL(strlen(answer), 2 * strlen(whole));

    pieces_left = 0;
    finished = 0;
    CU_ASSERT_EQUAL(next->in->plugin->command(next->self, &call, &err), KITH_LATER);
    next->in->host->reply = nobody_asks;
    run(SECOND);
    CU_ASSERT_EQUAL(finished, 1); /* which the real host refuses */
    next->in->host->reply = take_piece;
    CU_ASSERT_EQUAL(next->in->plugin->command(next->self, &call, &err), KITH_LATER);
    end_free(next);
    for (int i = 0; i < NODES; i++) end_free(all[i]);
    ends_finish();
}

/* ------------------------------------------------------------------------------------ streams */

static void test_streams_wait_for_the_cut(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a")), *b = end_new(L("b"));
    struct end_stream *s = end_open(a, &b->addr), *t = &b->streams[0];
    run(SECOND);
    ask(a, false, "cut a b");
    CU_ASSERT_EQUAL(end_write(a, s, "held", 4), 4);
    CU_ASSERT_EQUAL(end_write(b, t, "back", 4), 4); /* the other way is open */
    end_finish(a, s);
    run(5 * SECOND);
    CU_ASSERT(t->got == 0 && !t->ended && s->got == 4);
    ask(a, false, "heal");
    run(10 * SECOND); /* at its next try */
    CU_ASSERT(t->got == 4 && t->ended);
    end_finish(b, t);
    run(SECOND);
    CU_ASSERT(s->closed && !s->reason && t->closed && !t->reason);

    /* Opened while cut: when it heals in time, and when it does not. */
    ask(a, false, "cut b a");
    s = end_open(a, &b->addr);
    run(5 * SECOND);
    CU_ASSERT_FALSE(s->opened || s->closed);
    ask(a, false, "heal");
    run(5 * SECOND);
    CU_ASSERT_TRUE(s->opened);
    ask(a, false, "cut a b");
    s = end_open(a, &b->addr);
    run(10 * SECOND);
    CU_ASSERT_TRUE(s->closed && s->reason == -KITH_ETIMEOUT);
    size_t known = b->stream_count;
    ask(a, false, "heal");
    run(100 * SECOND);
    CU_ASSERT_EQUAL(b->stream_count, known); /* it is not asked any more */
    ask(a, false, "cut b a");                /* asked, but the answer is lost */
    s = end_open(a, &b->addr);
    run(10 * SECOND);
    CU_ASSERT_TRUE(s->closed && s->reason == -KITH_ETIMEOUT);
    CU_ASSERT_EQUAL_FATAL(b->stream_count, known + 1);
    CU_ASSERT_TRUE(b->streams[known].closed && b->streams[known].reason == -KITH_ECLOSED);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* Nobody reads what is held back for a quarter of an hour: the sender gives up. The other one knows
 * nothing of it, as with TCP, until its own deadline. */
static void test_given_up(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a")), *b = end_new(L("b"));
    struct end_stream *s = end_open(a, &b->addr);
    run(SECOND);
    ask(a, false, "cut all all");
    end_write(a, s, "x", 1);
    run(899 * SECOND);
    CU_ASSERT_FALSE(s->closed);
    run(150 * SECOND);
    CU_ASSERT_TRUE(s->closed && s->reason == -KITH_ETIMEOUT);
    CU_ASSERT_FALSE(b->streams[0].closed);
    ask(a, false, "heal");
    end_write(b, &b->streams[0], "y", 1);
    run(SECOND);
    CU_ASSERT_EQUAL(s->got, 0);
    end_free(a);
    end_free(b);
    ends_finish();
}

/* Who is cut off and stops leaves nobody hanging: what it held back goes on trying. */
static void test_stop_while_cut(void)
{
    ends_begin_world(1);
    struct end *a = end_new(L("a")), *b = end_new(L("b")), *c = end_new(L("c"));
    struct end_stream *s = end_open(a, &b->addr);
    run(SECOND);
    struct end_stream *finished_in_time = end_open(a, &b->addr);
    run(SECOND);
    end_finish(b, &b->streams[1]);
    run(SECOND);
    ask(a, false, "partition a");
    end_write(a, s, "x", 1);
    end_write(a, finished_in_time, "last", 4);
    end_finish(a, finished_in_time);
    run(MS);
    CU_ASSERT_TRUE(finished_in_time->closed && !finished_in_time->reason);
    struct end_stream *dialled = end_open(a, &b->addr);
    CU_ASSERT_PTR_NOT_NULL(dialled);
    end_free(a);
    ask(b, false, "heal");
    run(20 * SECOND);
    CU_ASSERT_TRUE(b->streams[0].closed && b->streams[0].reason == -KITH_ECLOSED);
    CU_ASSERT_EQUAL(b->streams[1].got, 4);
    CU_ASSERT_TRUE(b->streams[1].closed && b->streams[1].reason == 0);
    CU_ASSERT_EQUAL(b->stream_count, 2); /* who dialled is gone, and so is the question */

    /* And the other way round: the one that would have heard it. */
    ask(b, false, "partition b");
    s = end_open(b, &c->addr);
    end_free(c);
    run(20 * SECOND);
    CU_ASSERT_TRUE(s->closed && s->reason == -KITH_ETIMEOUT);
    end_free(b);
    ends_finish();
}

KITH_TESTS("transports/loopback_links", {"cut, partition, heal", test_cut_and_heal},
           {"links", test_links}, {"answers in JSON", test_json}, {"numbers", test_stats},
           {"what is wrong is said", test_errors}, {"slow askers", test_slow_askers},
           {"streams wait for the cut to heal", test_streams_wait_for_the_cut},
           {"streams are given up", test_given_up}, {"stop while cut", test_stop_while_cut})
