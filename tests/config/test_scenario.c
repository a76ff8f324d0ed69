/*
 * test_scenario.c - a scenario that is right: every key ends up where it belongs, every way to say
 * who is meant means those. What is said of wrong ones is test_errors.c's matter.
 */
#include "scenario.h"
#include "test.h"
#include <jansson.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

static struct kith_scenario *scenario;

/* Read from a file, as all are; over: "nodes" from elsewhere, NULL: none. */
static void read_text(const char *text, const char *nodes)
{
    char path[] = "/tmp/kith-scenario-XXXXXX";
    const struct kith_setting_text over = {"nodes", nodes};
    struct kith_diag *diag = kith_diag_new();
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL_FATAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    kith_scenario_free(scenario);
    scenario = kith_scenario_load(path, &over, nodes ? 1 : 0, diag);
    kith_diag_print(diag, stdout);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scenario);
    kith_diag_free(diag);
    unlink(path);
}

static void done(void)
{
    kith_scenario_free(scenario);
    scenario = NULL;
}

static const struct kith_scenario_event *event(size_t i)
{
    CU_ASSERT_FATAL(i < scenario->event_count);
    return &scenario->events[i];
}

static void test_the_margin(void)
{
    read_text("nodes: 12\ntime: 90s\nseed: 4\nseeds: 20\n", NULL);
    CU_ASSERT_EQUAL(scenario->nodes, 12);
    CU_ASSERT_EQUAL(scenario->time, 90 * SECOND);
    CU_ASSERT_EQUAL(scenario->seed, 4);
    CU_ASSERT_EQUAL(scenario->seeds, 12); /* there are no more */
    CU_ASSERT_EQUAL(scenario->event_count, 0);
    read_text("\n  # nodes: 12\n", "7");
    CU_ASSERT_EQUAL(scenario->nodes, 7);
    CU_ASSERT_EQUAL(scenario->time, 300 * SECOND);
    CU_ASSERT_EQUAL(scenario->seeds, 3);
    done();
}

static void test_links(void)
{
    read_text("nodes: 20\n"
              "groups: { eu: n0..n9, far: [ eu, n1?, '!n19' ] }\n"
              "links:\n"
              "  - { delay: 1ms, jitter: 2ms, loss: 0.5%, duplicate: 0.25, reorder: 1%,\n"
              "      reorder_late: 3ms, bandwidth: 64KiB, backlog: 1KiB }\n"
              "  - { from: n1*, to: '!n3', both: true, delay: 80ms }\n"
              "  - { from: eu, to: far, loss: 0 }\n",
              NULL);
    CU_ASSERT_EQUAL_FATAL(scenario->link_count, 3);
    const struct kith_scenario_link *l = scenario->links;
    CU_ASSERT_STRING_EQUAL(l[0].change, "delay=1ms jitter=2ms loss=0.005 duplicate=0.25 "
                                        "reorder=0.01 reorder_late=3ms bandwidth=64KiB "
                                        "backlog=1KiB");
    CU_ASSERT_STRING_EQUAL(l[0].from.set, "all");
    CU_ASSERT_STRING_EQUAL(l[0].to.set, "all");
    CU_ASSERT_FALSE(l[0].both);
    CU_ASSERT_STRING_EQUAL(l[1].from.set, "n1*");
    CU_ASSERT_EQUAL(l[1].from.count, 11);
    CU_ASSERT_STRING_EQUAL(l[1].to.set, "!n3");
    CU_ASSERT_EQUAL(l[1].to.count, 19);
    CU_ASSERT_TRUE(l[1].both);
    CU_ASSERT_STRING_EQUAL(l[2].from.set, "n0,n1,n2,n3,n4,n5,n6,n7,n8,n9");
    CU_ASSERT_EQUAL(l[2].to.count, 19);
    CU_ASSERT_FALSE(l[2].to.in[19]);
    CU_ASSERT_STRING_EQUAL(l[2].change, "loss=0");
    done();
}

static void test_who(void)
{
    read_text("nodes: 30\n"
              "groups: { eu: [ n0..n3, n7 ] }\n"
              "events:\n"
              "  - { at: 1s, kill: 'eu, !n2' }\n"
              "  - { at: 2s, stop: [ n2?, '!n20..n28' ] }\n"
              "  - { at: 3s, leave: '!eu,!n8' }\n"
              "  - { at: 4s, restart: 4 }\n"
              "  - { at: 5s, restart: 12.5% }\n",
              NULL);
    const struct kith_nodes *who = &event(0)->who;
    CU_ASSERT_STRING_EQUAL(who->text, "eu,!n2");
    CU_ASSERT_EQUAL(who->count, 4);
    CU_ASSERT(who->in[0] && who->in[1] && !who->in[2] && who->in[3] && who->in[7]);
    CU_ASSERT_EQUAL(event(1)->who.count, 1);
    CU_ASSERT_TRUE(event(1)->who.in[29]);
    CU_ASSERT_EQUAL(event(2)->who.count, 24);
    CU_ASSERT_EQUAL(event(3)->who.number, 4);
    CU_ASSERT_PTR_NULL(event(3)->who.set);
    CU_ASSERT_EQUAL(event(3)->who.count, 30); /* drawn from all */
    CU_ASSERT_EQUAL(event(4)->who.share, 0.125);
    done();
}

static void test_events(void)
{
    read_text("nodes: 10\ntime: 200s\n"
              "events:\n"
              "  - { at: 50%, broadcast: n1, bytes: 200, count: 3, every: 1s, over: 2s }\n"
              "  - { at: 0s, join: all, to: n0, over: 5% }\n"
              "  - { at: 10s, kill: n1, for: 4s }\n"
              "  - { at: 20s, restart: n2 }\n"
              "  - { at: 30s, stop: n3 }\n"
              "  - { at: 40s, continue: n3 }\n"
              "  - { at: 50s, cut: n1, to: n2, both: true, for: 1s }\n"
              "  - { at: 60s, partition: [ n1, [ n2, n3 ], 10% ] }\n"
              "  - { at: 70s, heal: all }\n"
              "  - { at: 80s, set: n1, loss: 10%, delay: 1s }\n"
              "  - { at: 90s, meta: n4, value: no }\n"
              "  - { at: 110s, send: n1, to: n2, reliable: true }\n"
              "  - { at: 110s, leave: n9 }\n",
              NULL);
    static const enum kith_deed order[] = {
        KITH_DEED_JOIN,     KITH_DEED_KILL, KITH_DEED_RESTART,   KITH_DEED_STOP,
        KITH_DEED_CONTINUE, KITH_DEED_CUT,  KITH_DEED_PARTITION, KITH_DEED_HEAL,
        KITH_DEED_SET,      KITH_DEED_META, KITH_DEED_BROADCAST, KITH_DEED_SEND,
        KITH_DEED_LEAVE};
    CU_ASSERT_EQUAL_FATAL(scenario->event_count, KITH_DEEDS);
    for (size_t i = 0; i < KITH_DEEDS; i++) CU_ASSERT_EQUAL(event(i)->deed, order[i]);
    CU_ASSERT_EQUAL(event(0)->over, 10 * SECOND);
    CU_ASSERT_STRING_EQUAL(event(0)->to.text, "n0");
    CU_ASSERT_EQUAL(event(1)->lasts, 4 * SECOND);
    CU_ASSERT_TRUE(event(5)->both);
    CU_ASSERT_STRING_EQUAL(event(5)->to.set, "n2");
    CU_ASSERT_EQUAL(event(6)->set_count, 3);
    CU_ASSERT_STRING_EQUAL(event(6)->sets[1].set, "n2,n3");
    CU_ASSERT_EQUAL(event(6)->sets[2].share, 0.1);
    CU_ASSERT_STRING_EQUAL(event(8)->change, "delay=1s loss=0.1");
    CU_ASSERT_STRING_EQUAL(event(9)->value, "no");
    CU_ASSERT_EQUAL(event(10)->at, 100 * SECOND);
    CU_ASSERT_EQUAL(event(10)->bytes, 200);
    CU_ASSERT_EQUAL(event(10)->count, 3);
    CU_ASSERT_EQUAL(event(10)->every, SECOND);
    CU_ASSERT_EQUAL(event(10)->over, 2 * SECOND);
    CU_ASSERT_TRUE(event(11)->reliable);
    CU_ASSERT_EQUAL(event(11)->bytes, 64);
    done();
}

/* It is to fit any number and any time. */
static void test_the_builtin_one(void)
{
    static const char *const sizes[][2] = {
        {"1", "1s"}, {"2", "10s"}, {"100", "5m"}, {"1000", "10m"}, {"65536", "1000h"}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct kith_setting_text over[] = {{"nodes", sizes[i][0]}, {"time", sizes[i][1]}};
        struct kith_diag *diag = kith_diag_new();
        struct kith_scenario *s = kith_scenario_load(NULL, over, 2, diag);
        char *said = kith_diag_text(diag);
        CU_ASSERT_STRING_EQUAL(said, "");
        CU_ASSERT_PTR_NOT_NULL(s);
        kith_scenario_free(s);
        kith_diag_free(diag);
        free(said);
    }
}

static void test_a_key_from_elsewhere(void)
{
    struct kith_error err = {.size = sizeof err};
    const struct kith_setting_text good = {"time", "10m"}, none = {"nodes", "0"},
                                   unit = {"time", "10"};
    CU_ASSERT_EQUAL(kith_scenario_check(&good, &err), 0);
    CU_ASSERT_EQUAL(kith_scenario_check(&none, &err), -KITH_EINVAL);
    CU_ASSERT_STRING_EQUAL(err.text, "'nodes': 0 is out of range, 1 to 65536 are possible");
    CU_ASSERT_EQUAL(kith_scenario_check(&unit, &err), -KITH_EINVAL);
    CU_ASSERT_STRING_EQUAL(err.text,
                           "'time' is a duration and needs a unit: 10; write 10s or 10ms");
}

/* What the tables print: JSON, with each deed; and a page that names each. */
static void test_schema_and_manual(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    kith_scenario_schema(f);
    fclose(f);
    json_t *schema = json_loads(text, 0, NULL);
    json_t *properties = json_object_get(
        json_object_get(json_object_get(json_object_get(schema, "properties"), "events"), "items"),
        "properties");
    for (size_t i = 0; kith_deed_words[i]; i++)
        CU_ASSERT_PTR_NOT_NULL(json_object_get(properties, kith_deed_words[i]));
    json_decref(schema);
    free(text);
    f = open_memstream(&text, &len);
    kith_scenario_doc(f);
    fclose(f);
    for (size_t i = 0; kith_deed_words[i]; i++) {
        char item[40];
        snprintf(item, sizeof item, "=item B<%s>\n", kith_deed_words[i]);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, item));
    }
    free(text);
}

KITH_TESTS("config/scenario", {"the margin", test_the_margin}, {"links", test_links},
           {"who is meant", test_who}, {"events", test_events},
           {"the built-in one", test_the_builtin_one},
           {"a key from elsewhere", test_a_key_from_elsewhere},
           {"schema and manual", test_schema_and_manual})
