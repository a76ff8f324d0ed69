/*
 * report_spreads.c - plots of distributions: what part had happened after how long. And the bars of
 * traffic by message.
 */
#include "svg.h"

#include <stdlib.h>
#include <string.h>

/* What part of all had happened, in steps. */
struct rise {
    const struct kith_spread *spread;
    double whole;
    const char *label, *class;
};

enum { MOST_STEPS = 200, MOST_FIGURES = 12, MOST_RATES = 20 };

static double part(const struct rise *r, double fraction)
{
    double whole = r->whole > (double)r->spread->count ? r->whole : (double)r->spread->count;
    return whole > 0 ? 100 * fraction * (double)r->spread->count / whole : 0;
}

static void draw_rise(struct kith_svg *s, const struct rise *r)
{
    const struct kith_spread *d = r->spread;
    size_t n = d->value_count, steps = n < MOST_STEPS ? n : MOST_STEPS;
    char class[40];
    if (!n) return;
    snprintf(class, sizeof class, "line %s", r->class);
    kith_svg_path(s, class);
    kith_svg_to(s, 0, 0);
    for (size_t i = 0; i < steps; i++) {
        size_t at = (i + 1) * n / steps - 1;
        double v = i + 1 == steps ? d->max : d->values[at];
        kith_svg_to(s, v, part(r, (double)(i * n / steps) / (double)n));
        kith_svg_to(s, v, part(r, (double)(at + 1) / (double)n));
    }
    kith_svg_to(s, s->x.most, part(r, 1));
    kith_svg_path_end(s);
}

/* Beside the line at its middle: to the right of the last, to the left of another, where there is
 * room. */
static void name_rise(struct kith_svg *s, const struct rise *r, bool last, double high)
{
    const struct kith_spread *d = r->spread;
    if (!d->value_count) return;
    size_t at = (size_t)((double)(d->value_count - 1) * high);
    double x = kith_svg_x(s, d->values[at]), y = kith_svg_y(s, part(r, high)) + 4;
    double width = kith_svg_text_width(kith_text_width(r->label)) + 8;
    bool right = last ? x + width < s->width : x - width < s->left;
    kith_svg_text(s, right ? x + 7 : x - 7, y, right ? "start" : "end", r->class, r->label, 0);
}

static void say_rise(FILE *out, const struct rise *r)
{
    const struct kith_spread *d = r->spread;
    if (!d->count) {
        fprintf(out, "%s: nothing. ", r->label);
        return;
    }
    fprintf(out, "%s: half after %s, ", r->label, kith_number(KITH_SECONDS, d->p50).s);
    fprintf(out, "the last after %s. ", kith_number(KITH_SECONDS, d->max).s);
}

static void plot_rises(struct kith_page *page, const char *title, const struct rise *rises,
                       size_t count)
{
    struct kith_svg s = {.out = page->out, .width = CARD, .height = 190, .top = 12, .right = 16};
    char *desc = NULL;
    size_t len;
    s.x = (struct kith_axis){.unit = KITH_SECONDS};
    s.y = (struct kith_axis){.unit = KITH_PERCENT, .most = 100};
    FILE *words = open_memstream(&desc, &len);
    if (!words) return;
    for (size_t i = 0; i < count; i++) {
        if (rises[i].spread->max > s.x.most) s.x.most = rises[i].spread->max;
        say_rise(words, &rises[i]);
    }
    fclose(words);
    s.x.most *= 1.04; /* that the last step is seen */
    kith_svg_begin(&s, page->ids, "plot", title, desc);
    page->ids += 2;
    for (size_t i = 0; i < count; i++) draw_rise(&s, &rises[i]);
    for (size_t i = 0; i < count && count > 1; i++)
        name_rise(&s, &rises[i], i + 1 == count, i + 1 == count ? 0.35 : 0.75);
    kith_svg_end(&s);
    free(desc);
}

/* number: 0: none */
static void begin_figure(struct kith_page *page, size_t number, const char *title, double at)
{
    FILE *out = page->out;
    fputs("<figure class=\"card\"><figcaption><b>", out);
    if (number) fprintf(out, "<em>%zu</em> ", number);
    kith_put_text(out, KITH_MARKUP, title, 60);
    fputs("</b><span>", out);
    if (number) kith_put_words(out, "at %s; ", kith_number(KITH_SECONDS, at).s);
}

static void end_caption(struct kith_page *page) { fputs("</span></figcaption>\n", page->out); }

void kith_plot_full_view(struct kith_page *page)
{
    const struct kith_result *r = page->r;
    struct rise rise = {&r->full_view, (double)r->lives, "knew all", "c1"};
    if (!r->full_view.value_count) return;
    begin_figure(page, 0, "Until they knew all", 0);
    kith_put_words(page->out, "part of %s, after the last that joined with them",
                   kith_some(r->lives, "life", "lives").s);
    end_caption(page);
    plot_rises(page, "Until they knew all", &rise, 1);
    fputs("</figure>\n", page->out);
}

static bool heard_of(const struct kith_happening *h)
{
    return h->noticed.value_count || h->told.value_count;
}

bool kith_plots_of_spreads(const struct kith_result *r)
{
    bool any = r->full_view.value_count > 0;
    for (size_t i = 0; i < r->happening_count; i++) any |= heard_of(&r->happenings[i]);
    return any;
}

static void plot_happening(struct kith_page *page, size_t number, const struct kith_happening *h)
{
    const struct rise rises[] = {
        {&h->noticed, (double)h->about, h->about ? "noticed" : "suspected", "c2"},
        {&h->told, (double)h->to_tell, h->about ? "told" : "declared dead", "c1"}};
    begin_figure(page, number, h->text, h->at);
    if (h->silent && !h->dead)
        kith_put_words(page->out, "suspected by %s, declared dead: none",
                       kith_number(KITH_COUNT, (double)h->suspected_by).s);
    else if (h->about)
        kith_put_words(page->out, "told %s", kith_of((double)h->told.count, (double)h->to_tell).s);
    else
        kith_put_words(page->out, "%s", kith_deaths_of(h).s);
    if (h->told.count)
        kith_put_words(page->out, ", half after %s", kith_number(KITH_SECONDS, h->told.p50).s);
    end_caption(page);
    plot_rises(page, h->text, rises, 2);
    fputs("</figure>\n", page->out);
}

/* Those of which nothing was heard are in the table alone. */
void kith_plot_happenings(struct kith_page *page)
{
    size_t drawn = 0, more = 0;
    for (size_t i = 0; i < page->marks.count; i++) {
        const struct kith_happening *h = page->marks.all[i].happening;
        if (!h || !heard_of(h)) continue;
        if (drawn++ < MOST_FIGURES)
            plot_happening(page, i + 1, h);
        else
            more++;
    }
    if (more)
        fprintf(page->out, "<p class=\"more\">%s in the table only.</p>\n",
                kith_some(more, "more is", "more are").s);
}

void kith_plot_reach(struct kith_page *page)
{
    size_t drawn = 0, more = 0;
    for (size_t i = 0; i < page->marks.count; i++) {
        const struct kith_reach *m = page->marks.all[i].reach;
        if (!m || !m->got.value_count) continue;
        if (drawn++ >= MOST_FIGURES) {
            more++;
            continue;
        }
        struct rise rise = {&m->got, (double)m->to_get, "got it", "c3"};
        begin_figure(page, i + 1, m->text, m->at);
        kith_put_words(page->out, m->broadcast ? "%s of %s, reached %s" : "%s of %s, got by %s",
                       kith_some(m->messages, "message", "messages").s,
                       kith_number(KITH_BYTES, (double)m->bytes).s,
                       kith_share((double)m->got.count, (double)m->to_get).s);
        end_caption(page);
        plot_rises(page, m->text, &rise, 1);
        fputs("</figure>\n", page->out);
    }
    if (more)
        fprintf(page->out, "<p class=\"more\">%s in the table only.</p>\n",
                kith_some(more, "more is", "more are").s);
}

/* ----------------------------------------------------------------------------------- traffic */

/* Rows of bars, each with its name before it and its number behind it. */
static void plot_rates(struct kith_page *page, const struct kith_message_rate *const *rows,
                       size_t count, bool bytes)
{
    struct kith_svg s = {.out = page->out, .width = CARD};
    const char *title = bytes ? "Bytes received by message" : "Messages received";
    double most = 0, left = 0, right = kith_svg_text_width(8) + 6;
    s.height = 22 * (double)count + 4;
    for (size_t i = 0; i < count; i++) {
        double v = bytes ? rows[i]->bytes : rows[i]->count;
        double width = kith_svg_text_width(kith_text_width(rows[i]->message)) + 8;
        if (v > most && v < 1e300) most = v;
        if (width > left) left = width < 170 ? width : 170;
    }
    fprintf(page->out,
            "<figure class=\"card\"><figcaption><b>%s</b><span>a node and second%s</span>"
            "</figcaption>\n<svg class=\"plot\" viewBox=\"0 0 %d %.0f\" role=\"img\" "
            "aria-labelledby=\"p%u\"><title id=\"p%u\">%s, a node and second</title>\n",
            title, bytes ? ", before layers" : "", CARD, s.height, page->ids, page->ids, title);
    page->ids++;
    for (size_t i = 0; i < count; i++) {
        double v = bytes ? rows[i]->bytes : rows[i]->count, y = 22 * (double)i + 3;
        double share = most > 0 && v > 0 ? (v < most ? v / most : 1) : 0;
        double end = left + share * (s.width - left - right);
        struct kith_words w = kith_number(bytes ? KITH_BYTES : KITH_COUNT, v);
        kith_svg_text(&s, left - 8, y + 13, "end", "tick", rows[i]->message, 23);
        kith_svg_bar(&s, bytes ? "c1" : "c3", left, y, v > 0 && end < left + 1 ? left + 1 : end,
                     y + 17, w.s);
        kith_svg_text(&s, end + 6, y + 13, "start", "value", w.s, 0);
    }
    fputs("</svg></figure>\n", page->out);
}

void kith_plot_traffic(struct kith_page *page)
{
    size_t count = page->r->traffic_count < MOST_RATES ? page->r->traffic_count : MOST_RATES;
    for (int bytes = 1; bytes >= 0 && count; bytes--) {
        const struct kith_message_rate **rows = kith_traffic_sorted(page->r, bytes);
        if (rows) plot_rates(page, rows, count, bytes);
        free(rows);
    }
}
