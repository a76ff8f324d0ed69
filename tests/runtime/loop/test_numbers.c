/*
 * test_numbers.c - counters, gauges and histograms as a plugin gets them and as they are shown;
 * who is degraded.
 */
#include "../../test.h"
#include "series.h"
#include "fixture.h"
#include <math.h>

#define TAIL "metric_series_refused=0|"

static struct kith_pair pair(const char *name, const char *value)
{
    return (struct kith_pair){kith_text(name), kith_text(value)};
}

static void expect(struct fixture *f, const char *text)
{
    struct shown s = {.count = 0};
    kith_services_stats(f->services, fixture_show, &s);
    CU_ASSERT_STRING_EQUAL(s.text, text);
}

static void test_kinds(void)
{
    struct fixture f;
    fixture_begin(&f, false, NULL);
    const struct kith_host *h = f.host;
    *h->counter(h, "drops", "Packets dropped.", NULL, 0) += 5;
    *h->gauge(h, "depth", NULL, NULL, 0) = -0.5;
    const double bounds[] = {0.1, 1, 10};
    struct kith_histogram *t = h->histogram(h, "took_seconds", "Time.", NULL, 0, bounds, 3);
    static const double seen[] = {0.1, 0.5, 20, -1, NAN};
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) h->observe(t, seen[i]);
    expect(&f, "drops{entry=thing}=5|depth{entry=thing}=-0.5|"
               "took_seconds{entry=thing}=19.6(4 0.1:2 1:3 10:3)|" TAIL);
    fixture_end(&f);
}

/* Same name and labels, same number; other labels, another one. */
static void test_labels(void)
{
    struct fixture f;
    fixture_begin(&f, false, NULL);
    const struct kith_host *h = f.host;
    struct kith_pair ab[] = {pair("a", "1"), pair("b", "2")};
    struct kith_pair ba[] = {ab[1], ab[0]}, other[] = {ab[0], pair("b", "3")};
    uint64_t *first = h->counter(h, "x", NULL, ab, 2);
    *first = 7;
    CU_ASSERT_PTR_EQUAL(h->counter(h, "x", NULL, ba, 2), first);
    CU_ASSERT_PTR_NOT_EQUAL(h->counter(h, "x", NULL, other, 2), first);
    CU_ASSERT_PTR_NOT_EQUAL(h->counter(h, "x", NULL, ab, 1), first);
    CU_ASSERT_PTR_NOT_EQUAL(h->counter(h, "x", NULL, NULL, 0), first);
    CU_ASSERT_PTR_NOT_EQUAL(h->counter(h, "y", NULL, ab, 2), first);
    expect(&f, "x{entry=thing,a=1,b=2}=7|x{entry=thing,a=1,b=3}=0|x{entry=thing,a=1}=0|"
               "x{entry=thing}=0|y{entry=thing,a=1,b=2}=0|" TAIL);
    fixture_end(&f);
}

static void test_node_labels(void)
{
    struct fixture f;
    struct kith_pair labels[] = {pair("dc", "eu"), pair("rack", "r1")};
    struct kith_services_setup setup = {.labels = labels, .label_count = 2};
    fixture_begin(&f, false, &setup);
    labels[0] = pair("dc", "gone"); /* it was copied */
    struct kith_pair own = pair("rack", "mine");
    f.host->counter(f.host, "x", NULL, NULL, 0);
    f.host->counter(f.host, "y", NULL, &own, 1);
    expect(&f, "x{entry=thing,dc=eu,rack=r1}=0|y{entry=thing,dc=eu,rack=mine}=0|"
               "metric_series_refused{dc=eu,rack=r1}=0|");
    CU_ASSERT_EQUAL(kith_services_labels(f.services, NULL, 0), 0);
    expect(&f, "x{entry=thing}=0|y{entry=thing,rack=mine}=0|" TAIL);
    fixture_end(&f);
}

struct twice {
    struct fixture *f;
    struct shown outer, inner;
};

static void visit_again(void *arg, const struct kith_stat *stat)
{
    struct twice *t = arg;
    t->inner = (struct shown){.count = 0};
    kith_services_stats(t->f->services, fixture_show, &t->inner);
    fixture_show(&t->outer, stat);
}

/* Who is shown one number may ask for all of them. */
static void test_a_visit_inside_of_a_visit(void)
{
    struct fixture f;
    struct twice t = {.f = &f};
    const char *all = "x{entry=thing}=0|y{entry=thing}=0|x{entry=other}=0|" TAIL;
    fixture_begin(&f, false, NULL);
    f.entry.name = "other";
    struct kith_host *other = fixture_host(&f);
    f.host->counter(f.host, "x", NULL, NULL, 0);
    f.host->counter(f.host, "y", NULL, NULL, 0);
    other->counter(other, "x", NULL, NULL, 0);
    kith_services_stats(f.services, visit_again, &t);
    CU_ASSERT_STRING_EQUAL(t.outer.text, all);
    CU_ASSERT_STRING_EQUAL(t.inner.text, all);
    fixture_free_host(&f, &other);
    fixture_end(&f);
}

/* Over a reload two instances of an entry count in one place; the last one takes it along. */
static void test_life(void)
{
    struct fixture f;
    fixture_begin(&f, false, NULL);
    uint64_t *x = f.host->counter(f.host, "x", NULL, NULL, 0);
    ++*x;
    struct kith_host *next = fixture_host(&f);
    fixture_free_host(&f, &f.host);
    CU_ASSERT_PTR_EQUAL(next->counter(next, "x", NULL, NULL, 0), x);
    ++*x;
    f.entry.name = "other";
    struct kith_host *other = fixture_host(&f);
    CU_ASSERT_PTR_NOT_EQUAL(other->counter(other, "x", NULL, NULL, 0), x);
    expect(&f, "x{entry=thing}=2|x{entry=other}=0|" TAIL);
    fixture_free_host(&f, &next);
    expect(&f, "x{entry=other}=0|" TAIL);
    f.entry.name = "thing";
    next = fixture_host(&f);
    CU_ASSERT_EQUAL(*next->counter(next, "x", NULL, NULL, 0), 0);
    expect(&f, "x{entry=other}=0|x{entry=thing}=0|" TAIL);
    fixture_free_host(&f, &next);
    fixture_free_host(&f, &other);
    fixture_end(&f);
}

static struct kith_pair numbered(char text[16], unsigned n)
{
    snprintf(text, 16, "%u", n);
    return pair("n", text);
}

static void test_limit(void)
{
    struct fixture f;
    char text[16];
    fixture_begin(&f, false, NULL);
    const struct kith_host *h = f.host;
    uint64_t *all[KITH_SERIES_MAX];
    for (unsigned i = 0; i < KITH_SERIES_MAX; i++) {
        struct kith_pair l = numbered(text, i);
        all[i] = h->counter(h, "x", NULL, &l, 1);
        *all[i] = i;
    }
    for (unsigned i = 0; i < KITH_SERIES_MAX; i++) {
        struct kith_pair l = numbered(text, i);
        CU_ASSERT(h->counter(h, "x", NULL, &l, 1) == all[i] && *all[i] == i);
    }
    CU_ASSERT_STRING_EQUAL(f.lines, "");
    uint64_t *more = h->counter(h, "more", NULL, NULL, 0);
    double *gauge = h->gauge(h, "gauge", NULL, NULL, 0), bound = 1;
    struct kith_histogram *times = h->histogram(h, "times", NULL, NULL, 0, &bound, 1);
    CU_ASSERT(more && gauge && times);
    *more = 1;
    *gauge = 1;
    h->observe(times, 0.5);
    CU_ASSERT_STRING_EQUAL(
        f.lines, "thing: a number that nobody will see: more: there are 1000 series already|");
    struct shown s = {.count = 0};
    kith_services_stats(f.services, fixture_show, &s);
    CU_ASSERT_EQUAL(s.count, KITH_SERIES_MAX + 1);
    /* Another entry has room of its own. */
    f.entry.name = "other";
    struct kith_host *other = fixture_host(&f);
    CU_ASSERT_PTR_NOT_EQUAL(other->counter(other, "more", NULL, NULL, 0), more);
    fixture_free_host(&f, &other);
    fixture_end(&f);
}

static void test_refused(void)
{
    struct kith_pair many[KITH_LABELS_MAX + 1], twice[] = {pair("a", "1"), pair("a", "2")};
    char names[KITH_LABELS_MAX + 1][16];
    for (unsigned i = 0; i <= KITH_LABELS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "l%u", i);
        many[i] = pair(names[i], "");
    }
    struct kith_pair entry = pair("entry", "x"), upper = pair("Dc", "x"), none = pair("", "x");
    const struct {
        const char *name;
        const struct kith_pair *labels;
        size_t count;
    } cases[] = {{"", NULL, 0},     {"Upper", NULL, 0}, {"9x", NULL, 0},
                 {"a-b", NULL, 0},  {"x", &entry, 1},   {"x", &upper, 1},
                 {"x", &none, 1},   {"x", twice, 2},    {"x", many, KITH_LABELS_MAX + 1},
                 {"gauge", NULL, 0}};
    static const double level[] = {1, 1}, nan[] = {NAN};
    struct fixture f;
    fixture_begin(&f, false, NULL);
    const struct kith_host *h = f.host;
    h->gauge(h, "gauge", NULL, NULL, 0);
    uint64_t *unread = h->counter(h, "NO", NULL, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t *n = h->counter(h, cases[i].name, NULL, cases[i].labels, cases[i].count);
        CU_ASSERT_PTR_EQUAL(n, unread);
    }
    CU_ASSERT_PTR_NOT_NULL(h->histogram(h, "t", NULL, NULL, 0, level, 2));
    CU_ASSERT_PTR_NOT_NULL(h->histogram(h, "t", NULL, NULL, 0, nan, 1));
    expect(&f, "gauge{entry=thing}=0|metric_series_refused=13|");
    CU_ASSERT_PTR_NOT_NULL(strstr(f.lines, "label 'entry' is the host's"));
    CU_ASSERT_PTR_NOT_NULL(h->counter(h, "x", NULL, many, KITH_LABELS_MAX));
    fixture_end(&f);
}

static void note(void *arg, struct kith_bytes entry, const char *why)
{
    char *text = arg;
    sprintf(text + strlen(text), "%s: %s|", (const char *)entry.data, why);
}

static void test_degraded(void)
{
    struct fixture f;
    char text[400] = "", longest[400];
    fixture_begin(&f, false, NULL);
    kith_services_visit_degraded(f.services, note, text);
    CU_ASSERT_STRING_EQUAL(text, "");
    f.host->degraded(f.host, "no disk");
    f.host->degraded(f.host, "no memory");
    kith_services_visit_degraded(f.services, note, text);
    CU_ASSERT_STRING_EQUAL(text, "thing: no memory|");
    f.host->degraded(f.host, NULL);
    text[0] = 0;
    kith_services_visit_degraded(f.services, note, text);
    CU_ASSERT_STRING_EQUAL(text, "");
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    f.host->degraded(f.host, longest);
    kith_services_visit_degraded(f.services, note, text);
    CU_ASSERT_EQUAL(strlen(text), strlen("thing: |") + 255);
    f.maker.release(f.maker.ctx, f.host, "stop"); /* who has stopped is not ill */
    text[0] = 0;
    kith_services_visit_degraded(f.services, note, text);
    CU_ASSERT_STRING_EQUAL(text, "");
    fixture_end(&f);
}

KITH_TESTS("runtime/numbers", {"counter, gauge, histogram", test_kinds}, {"labels", test_labels},
           {"labels of the node", test_node_labels},
           {"a visit inside of a visit", test_a_visit_inside_of_a_visit},
           {"they live as long as the entry's name", test_life},
           {"1000 series an entry", test_limit}, {"refused, but never NULL", test_refused},
           {"degraded", test_degraded})
