/*
 * report_plots.c - plots over the time of the run: members, load, suspicions. On top of each stand
 * the numbers of what was done, so that one sees what came of it.
 */
#include "svg.h"

#include <stdlib.h>
#include <string.h>

enum pick { PICK_LEAST, PICK_MOST, PICK_MEAN, PICK_SUM };

struct series {
    const char *curve, *label, *class;
    enum pick pick; /* of the points that fall together when there are too many */
};

struct time_plot {
    const char *title, *about;
    enum kith_unit unit;
    bool whole, bars, band; /* band: between the second and the third */
    struct series series[4];
    size_t count;
};

/* A curve with no more points than can be told apart. */
struct points {
    double *values, step;
    size_t count;
};

static double pick(const struct kith_curve *c, size_t from, size_t to, enum pick how)
{
    double v = c->values[from], sum = 0;
    for (size_t i = from; i < to; i++) {
        sum += c->values[i];
        if (how == PICK_LEAST ? c->values[i] < v : c->values[i] > v) v = c->values[i];
    }
    return how == PICK_SUM ? sum : how == PICK_MEAN ? sum / (double)(to - from) : v;
}

static bool take(const struct kith_curve *c, size_t most, enum pick how, struct points *out)
{
    size_t each = c ? (c->count + most - 1) / most : 0;
    *out = (struct points){0};
    if (!each) return true;
    out->values = calloc(c->count / each + 1, sizeof *out->values);
    if (!out->values) return false;
    out->step = c->step * (double)each;
    for (size_t at = 0; at < c->count; at += each) {
        size_t end = at + each < c->count ? at + each : c->count;
        out->values[out->count++] = pick(c, at, end, how);
    }
    return true;
}

/* ------------------------------------------------------------------------------------- marks */

/* Half of its width. */
static double badge(struct kith_svg *s, double x, double y, size_t first, size_t last)
{
    struct kith_words w;
    if (first == last)
        snprintf(w.s, sizeof w.s, "%zu", first);
    else
        snprintf(w.s, sizeof w.s, "%zu–%zu", first, last);
    double half = kith_svg_text_width(kith_text_width(w.s)) / 2 + 4;
    if (half < 8) half = 8;
    if (x + half > s->width) x = s->width - half;
    if (x < half) x = half;
    fprintf(s->out,
            "<g><title>%s</title><rect class=\"badge\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
            "height=\"16\" rx=\"8\"/>",
            w.s, x - half, y - 8, 2 * half);
    kith_svg_text(s, x, y + 4, "middle", "number", w.s, 0);
    fputs("</g>\n", s->out);
    return half;
}

static void mark_lines(struct kith_svg *s, const struct kith_marks *m, double top)
{
    if (!m->count) return;
    fputs("<path class=\"mark\" d=\"", s->out);
    double before = -1;
    for (size_t i = 0; i < m->count; i++) {
        double x = kith_svg_x(s, m->all[i].at);
        if (x - before < 1) continue;
        fprintf(s->out, "M%.1f %.1fV%.1f", x, top, s->height - s->bottom);
        before = x;
    }
    fputs("\"/>\n", s->out);
}

/* Those that would overlap stand in one badge: "3–5". */
static void mark_badges(struct kith_svg *s, const struct kith_marks *m)
{
    for (size_t i = 0, last; i < m->count; i = last + 1) {
        double x = kith_svg_x(s, m->all[i].at);
        for (last = i; last + 1 < m->count; last++)
            if (kith_svg_x(s, m->all[last + 1].at) - x > (last > i || last > 8 ? 44 : 19)) break;
        badge(s, last > i ? (x + kith_svg_x(s, m->all[last].at)) / 2 : x, 10, i + 1, last + 1);
    }
}

/* Where the words of a mark stand, so that they touch no others: in a lane above the plot, behind
 * their number or before it. From above: the line of a mark goes down past the lanes below it. */
enum { LANES = 6, LANE = 18, WORDS = 24 };
struct place {
    unsigned char lane;
    bool before;
};

/* How many lanes it takes; 0: there are too many for words. */
static size_t place_words(const struct kith_svg *s, const struct kith_marks *m,
                          struct place *places)
{
    double ends[LANES];
    size_t used = 0;
    for (size_t i = 0; i < LANES; i++) ends[i] = -1e9;
    for (size_t i = 0; i < m->count; i++) {
        size_t characters = kith_text_width(m->all[i].text), lane = 0;
        double width = kith_svg_text_width(characters < WORDS ? characters : WORDS) + 26;
        double x = kith_svg_x(s, m->all[i].at);
        bool before = x + width > s->width;
        while (lane < LANES && ends[lane] > x - (before ? width : 0) - 14) lane++;
        if (lane == LANES) return 0;
        ends[lane] = before ? x : x + width;
        places[i] = (struct place){.lane = (unsigned char)lane, .before = before};
        if (lane + 1 > used) used = lane + 1;
    }
    return used;
}

static void mark_words(struct kith_svg *s, const struct kith_marks *m, const struct place *places)
{
    for (size_t i = 0; i < m->count; i++) {
        double x = kith_svg_x(s, m->all[i].at), y = 9 + LANE * places[i].lane;
        double away = badge(s, x, y, i + 1, i + 1) + 4;
        kith_svg_text(s, places[i].before ? x - away : x + away, y + 4,
                      places[i].before ? "end" : "start", "what", m->all[i].text, WORDS);
    }
}

/* -------------------------------------------------------------------------------------- data */

static void draw_line(struct kith_svg *s, const struct points *p, const char *class)
{
    char words[40];
    snprintf(words, sizeof words, "line %s", class);
    kith_svg_path(s, words);
    if (p->count == 1) kith_svg_to(s, 0, p->values[0]);
    for (size_t i = 0; i < p->count; i++) kith_svg_to(s, (double)(i + 1) * p->step, p->values[i]);
    kith_svg_path_end(s);
}

static void draw_band(struct kith_svg *s, const struct points *low, const struct points *high)
{
    kith_svg_path(s, "band");
    for (size_t i = 0; i < high->count; i++)
        kith_svg_to(s, (double)(i + 1) * high->step, high->values[i]);
    for (size_t i = low->count; i-- > 0;)
        kith_svg_to(s, (double)(i + 1) * low->step, low->values[i]);
    kith_svg_path_end(s);
}

/* In each step the series stand beside each other. */
static void draw_bars(struct kith_svg *s, const struct time_plot *t, const struct points *p)
{
    for (size_t c = 0; c < t->count; c++)
        for (size_t i = 0; i < p[c].count; i++) {
            double from = kith_svg_x(s, (double)i * p[c].step);
            double wide = kith_svg_x(s, (double)(i + 1) * p[c].step) - from;
            double bar = wide * 0.86 / (double)t->count;
            double x = from + wide * 0.07 + bar * (double)c;
            struct kith_words w;
            if (!(p[c].values[i] > 0)) continue;
            snprintf(w.s, sizeof w.s, "%.16s: %.30s", t->series[c].label,
                     kith_number(KITH_COUNT, p[c].values[i]).s);
            kith_svg_bar(s, t->series[c].class, x, kith_svg_y(s, p[c].values[i]), x + bar,
                         s->height - s->bottom, w.s);
        }
}

static void draw_names(struct kith_svg *s, const struct time_plot *t, const struct points *p)
{
    struct kith_label labels[4];
    size_t n = 0;
    for (size_t c = 0; c < t->count; c++)
        if (p[c].count)
            labels[n++] = (struct kith_label){.y = kith_svg_y(s, p[c].values[p[c].count - 1]),
                                              .text = t->series[c].label,
                                              .class = t->series[c].class};
    if (t->count > 1 && !t->bars) kith_svg_labels(s, labels, n);
}

static void draw_series(struct kith_svg *s, const struct time_plot *t, const struct points *p)
{
    if (t->bars) draw_bars(s, t, p);
    if (t->band) draw_band(s, &p[2], &p[1]);
    for (size_t c = 0; c < t->count && !t->bars; c++) draw_line(s, &p[c], t->series[c].class);
}

/* -------------------------------------------------------------------------------------- plots */

static void say_series(FILE *out, const struct kith_result *r, const struct time_plot *t)
{
    for (size_t c = 0; c < t->count; c++) {
        const struct kith_curve *curve = kith_result_curve(r, t->series[c].curve);
        if (!curve || !curve->count) continue;
        double most = pick(curve, 0, curve->count, PICK_MOST);
        fprintf(out, "%s%s: at most %s", c ? "; " : "", t->series[c].label,
                kith_number(t->unit, most).s);
        fprintf(out, ", at the end %s", kith_number(t->unit, curve->values[curve->count - 1]).s);
    }
}

static void draw(struct kith_page *page, const struct time_plot *t, struct kith_svg *s,
                 const struct points *p, const struct place *places, const char *class)
{
    char *desc = NULL;
    size_t len;
    FILE *words = open_memstream(&desc, &len);
    if (!words) return;
    say_series(words, page->r, t);
    fclose(words);
    kith_svg_begin(s, page->ids, class, t->title, desc);
    page->ids += 2;
    mark_lines(s, &page->marks, places ? 0 : 10);
    draw_series(s, t, p);
    draw_names(s, t, p);
    if (places)
        mark_words(s, &page->marks, places);
    else
        mark_badges(s, &page->marks);
    kith_svg_end(s);
    free(desc);
}

static bool take_all(const struct kith_result *r, const struct time_plot *t, struct kith_svg *s,
                     struct points *p)
{
    bool ok = true;
    size_t most = (size_t)s->width / (t->bars ? 8 : 2), widest = 0;
    for (size_t c = 0; c < t->count; c++) {
        ok &= take(kith_result_curve(r, t->series[c].curve), most, t->series[c].pick, &p[c]);
        for (size_t i = 0; i < p[c].count; i++)
            if (p[c].values[i] > s->y.most) s->y.most = p[c].values[i];
        size_t width = kith_text_width(t->series[c].label);
        if (width > widest) widest = width;
    }
    if (t->count > 1 && !t->bars) s->right = kith_svg_text_width(widest) + 14;
    return ok;
}

/* words: above the plot, of what was done; else its numbers alone. */
static void time_plot(struct kith_page *page, const struct time_plot *t, double width,
                      double height, bool words, const char *class)
{
    const struct kith_marks *m = &page->marks;
    struct points p[4] = {{0}};
    struct kith_svg s = {.out = page->out, .width = width, .left = 50, .right = 16};
    struct place *places = words && m->count ? calloc(m->count, sizeof *places) : NULL;
    size_t lanes = 0;
    s.y = (struct kith_axis){.unit = t->unit, .whole = t->whole};
    s.x = (struct kith_axis){.unit = KITH_SECONDS, .most = page->r->time, .exact = true};
    bool ok = take_all(page->r, t, &s, p);
    if (places) lanes = place_words(&s, m, places);
    s.top = lanes ? (double)(lanes * LANE) + 14 : m->count ? 26 : 12;
    s.height = height + s.top;
    if (ok) draw(page, t, &s, p, lanes ? places : NULL, class);
    free(places);
    for (size_t c = 0; c < t->count; c++) free(p[c].values);
}

static void begin_figure(struct kith_page *page, const struct time_plot *t, const char *class)
{
    fprintf(page->out, "<figure class=\"%s\"><figcaption><b>%s</b><span>%s</span>", class, t->title,
            t->about);
    for (size_t c = 0; t->bars && c < t->count; c++)
        fprintf(page->out, "<span class=\"key\"><i class=\"%s\"></i>%s</span>", t->series[c].class,
                t->series[c].label);
    fputs("</figcaption>\n", page->out);
}

static bool has(const struct kith_result *r, const char *name)
{
    const struct kith_curve *c = kith_result_curve(r, name);
    return c && c->count;
}

static bool has_any(const struct kith_result *r, const char *name)
{
    const struct kith_curve *c = kith_result_curve(r, name);
    return c && c->count && pick(c, 0, c->count, PICK_MOST) > 0;
}

/* Three times, of which the page's style shows the one that fits the window. */
void kith_plot_members(struct kith_page *page)
{
    static const struct time_plot t = {
        .title = "Members that a node knows",
        .about = "of those that run: the least, median and most of any node",
        .whole = true,
        .band = true,
        .series = {{"running", "running", "c4", PICK_MEAN},
                   {"members_most", "most", "c3", PICK_MOST},
                   {"members_least", "least", "c2", PICK_LEAST},
                   {"members_median", "median", "c1", PICK_MEAN}},
        .count = 4};
    if (!has(page->r, "members_median")) return;
    begin_figure(page, &t, "card wide");
    time_plot(page, &t, 400, 230, false, "plot small");
    time_plot(page, &t, 760, 250, true, "plot middle");
    time_plot(page, &t, 1200, 270, true, "plot large");
    fputs("</figure>\n", page->out);
}

void kith_plot_load(struct kith_page *page)
{
    static const struct time_plot plots[] = {
        {.title = "Packets sent",
         .about = "a node and second, over time",
         .series = {{"packets_sent", "packets", "c1", PICK_MEAN}},
         .count = 1},
        {.title = "Bytes sent in packets",
         .about = "a node and second, over time",
         .unit = KITH_BYTES,
         .series = {{"packet_bytes_sent", "bytes", "c1", PICK_MEAN}},
         .count = 1},
        {.title = "Broadcasts that wait",
         .about = "in the queue of a node, over time",
         .whole = true,
         .series = {{"queue_mean", "mean", "c1", PICK_MEAN},
                    {"queue_most", "most", "c2", PICK_MOST}},
         .count = 2},
        {.title = "Suspicions and deaths",
         .about = "raised or declared, over time",
         .whole = true,
         .bars = true,
         .series = {{"suspicions", "suspicions", "c2", PICK_SUM},
                    {"deaths", "deaths", "c1", PICK_SUM}},
         .count = 2},
    };
    for (size_t i = 0; i < sizeof plots / sizeof *plots; i++) {
        if (!has(page->r, plots[i].series[0].curve)) continue;
        if (plots[i].bars && !has_any(page->r, "suspicions") && !has_any(page->r, "deaths"))
            continue;
        begin_figure(page, &plots[i], "card");
        time_plot(page, &plots[i], CARD, 180, false, "plot");
        fputs("</figure>\n", page->out);
    }
}
