/*
 * reports.c - tells results that were made by hand: reports WHICH text|json|html. For tests of what
 * `kith sim` says, whose own results nobody knows beforehand.
 */
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 10, STEPS = 60 };

static struct kith_spread spread(size_t count, double first, double step)
{
    struct kith_spread s = {.count = count, .value_count = count};
    s.values = calloc(count + 1, sizeof *s.values);
    for (size_t i = 0; i < count; i++) s.values[i] = first + step * (double)i;
    for (size_t i = 0; i < count; i++) s.mean += s.values[i] / (double)count;
    if (!count) return s;
    s.min = s.values[0];
    s.p50 = s.values[count / 2];
    s.p95 = s.values[count * 95 / 100];
    s.p99 = s.values[count * 99 / 100];
    s.max = s.values[count - 1];
    return s;
}

static void curve(struct kith_result *r, const char *name, double (*value)(size_t), size_t count)
{
    struct kith_curve *c;
    r->curves = realloc(r->curves, (r->curve_count + 1) * sizeof *r->curves);
    c = &r->curves[r->curve_count++];
    *c = (struct kith_curve){.name = name, .unit = "u", .step = 1, .count = count};
    c->values = calloc(count + 1, sizeof *c->values);
    for (size_t i = 0; i < count; i++) c->values[i] = value(i);
}

static double ten(size_t i) { return i < 30 ? NODES : NODES - 1; }
static double fewer(size_t i) { return i < 5 ? (double)(2 * i) : NODES - 1; }
static double wave(size_t i) { return 2.5 + sin((double)i / 5); }
static double seldom(size_t i) { return i == 31 ? 4 : 0; }
static double endless(size_t i) { return i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : 1e300; }

static void curves(struct kith_result *r, double (*others)(size_t), size_t count)
{
    curve(r, "members_least", others ? others : fewer, count);
    curve(r, "members_median", others ? others : ten, count);
    curve(r, "members_most", others ? others : ten, count);
    curve(r, "running", others ? others : ten, count);
    curve(r, "packets_sent", others ? others : wave, count);
    curve(r, "packet_bytes_sent", others ? others : wave, count);
    curve(r, "queue_mean", others ? others : wave, count);
    curve(r, "queue_most", others ? others : wave, count);
    curve(r, "suspicions", others ? others : seldom, count);
    curve(r, "deaths", others ? others : seldom, count);
}

static void happen(struct kith_result *r, double at, const char *kind, const char *text,
                   struct kith_spread noticed, struct kith_spread told, size_t about,
                   size_t to_tell)
{
    bool silent = strcmp(kind, "kill") == 0 || strcmp(kind, "stop") == 0;
    r->happenings = realloc(r->happenings, (r->happening_count + 1) * sizeof *r->happenings);
    r->happenings[r->happening_count++] = (struct kith_happening){.at = at,
                                                                  .text = strdup(text),
                                                                  .kind = strdup(kind),
                                                                  .about = about,
                                                                  .noticed = noticed,
                                                                  .told = told,
                                                                  .to_tell = to_tell,
                                                                  .silent = silent ? about : 0,
                                                                  .to_suspect = silent ? 9 : 0,
                                                                  .suspected_by = silent ? 7 : 0,
                                                                  .dead = to_tell && silent};
}

static void message(struct kith_result *r, double at, const char *text, struct kith_spread got,
                    size_t to_get)
{
    r->messages = realloc(r->messages, (r->message_count + 1) * sizeof *r->messages);
    r->messages[r->message_count++] =
        (struct kith_reach){.at = at,
                            .text = strdup(text),
                            .broadcast = strncmp(text, "broadcast", 9) == 0,
                            .messages = 1,
                            .bytes = 512,
                            .got = got,
                            .to_get = to_get};
}

static void traffic(struct kith_result *r, const char *name, double count, double bytes)
{
    r->traffic = realloc(r->traffic, (r->traffic_count + 1) * sizeof *r->traffic);
    r->traffic[r->traffic_count++] =
        (struct kith_message_rate){.message = strdup(name), .count = count, .bytes = bytes};
}

static void left_out(struct kith_result *r, const char *what, const char *why)
{
    r->left_out = realloc(r->left_out, (r->left_out_count + 1) * sizeof *r->left_out);
    r->left_out[r->left_out_count++] =
        (struct kith_left_out){.what = strdup(what), .why = strdup(why)};
}

/* All that there is, once. */
static void fill(struct kith_result *r)
{
    *r = (struct kith_result){.file = strdup("node.yaml"),
                              .profile = strdup("lan"),
                              .send = strdup("lzw, crc32"),
                              .nodes = NODES,
                              .seed = 7,
                              .time = STEPS,
                              .full_view = spread(NODES, 0.5, 0.25),
                              .lives = NODES,
                              .at_end = {NODES - 1, NODES - 2, NODES - 2, NODES - 1},
                              .suspicions = 4,
                              .deaths = 1234,
                              .refutations = 2,
                              .false_suspicions = 1,
                              .packets_sent = 2.5,
                              .packet_bytes_sent = 250,
                              .stream_bytes_sent = 1500,
                              .packets_dropped = 0.125,
                              .cpu = 1.5,
                              .wall = 2,
                              .memory = 65000000,
                              .node_seconds = 600};
    happen(r, 0, "join", "join all", spread(9, 0.125, 0.125), spread(81, 0.25, 0.0625), 9, 81);
    happen(r, 30, "kill", "kill n7", spread(1, 1.5, 0), spread(8, 6.5, 0.125), 1, 9);
    happen(r, 40, "stop", "stop n3 for 2s", spread(1, 1.5, 0), spread(0, 0, 0), 1, 0);
    happen(r, 45, "cut", "cut n1 n2", spread(0, 0, 0), spread(0, 0, 0), 0, 0);
    message(r, 15, "broadcast n1", spread(8, 0.125, 0.25), 9);
    message(r, 16, "send n1 to n2", spread(1, 0.125, 0), 1);
    traffic(r, "ping", 1, 30);
    traffic(r, "push_pull", 0.03125, 200.5);
    left_out(r, "delegate exec", "it runs programs");
    curves(r, NULL, STEPS);
}

/* Texts of somebody who means harm. */
static void spoil(struct kith_result *r)
{
    const char *bad = "<script>alert(1)</script>&amp;\"'\x1b[31m\xff\n", *name = "a 'b'.yaml";
    free(r->file);
    r->file = strdup(name);
    r->scenario = strdup(bad);
    happen(r, 50, "meta", bad, spread(1, 0, 0), spread(3, 0.5, 0), 1, 9);
    message(r, 55, bad, spread(1, 0.5, 0), 9);
    traffic(r, bad, 1, 1);
    left_out(r, bad, bad);
    r->at_end.right = r->at_end.least = r->at_end.running;
}

/* More, larger and stranger than it should be. */
static void overdo(struct kith_result *r)
{
    static const double odd[] = {1e300, -5, 0, INFINITY, 1e-300};
    for (size_t i = 0; i < 500; i++) {
        double v = odd[i % 5];
        happen(r, (double)i / 9, i % 2 ? "kill" : "join", "something that takes many, many words",
               spread(i % 7, v, v), spread(i % 90, v, 1), i % 7, i % 100);
        message(r, v, "broadcast", spread(i % 5, v, 1), i % 7);
        traffic(r, "a_message_with_a_name_that_is_too_long_for_its_place", v, v);
    }
    r->packets_sent = r->cpu = NAN;
    r->packet_bytes_sent = INFINITY;
    r->stream_bytes_sent = 1e300;
    r->memory = r->suspicions = r->false_deaths = UINT64_MAX;
    r->nodes = r->lives = SIZE_MAX;
    r->time = 1e9;
    r->at_end = (struct kith_views){SIZE_MAX, 0, 0, SIZE_MAX};
    curves(r, endless, 100000);
}

/* Until it was interrupted. */
static void extend(struct kith_result *r)
{
    r->time = 510;
    r->asked = 5400.0005;
}

int main(int argc, char **argv)
{
    struct kith_result r = {0};
    const char *which = argc == 3 ? argv[1] : "", *format = argc == 3 ? argv[2] : "";
    if (strcmp(which, "empty") != 0) fill(&r);
    if (strcmp(which, "hostile") == 0) spoil(&r);
    if (strcmp(which, "huge") == 0) overdo(&r);
    if (strcmp(which, "long") == 0) extend(&r);
    int rc = strcmp(format, "text") == 0   ? kith_report_text(stdout, &r)
             : strcmp(format, "json") == 0 ? kith_report_json(stdout, &r)
             : strcmp(format, "html") == 0 ? kith_report_html(stdout, &r)
                                           : -1;
    kith_result_free(&r);
    return rc != 0;
}
