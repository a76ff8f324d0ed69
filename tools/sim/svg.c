/*
 * svg.c - see svg.h.
 */
#include "svg.h"

#include <math.h>
#include <stdlib.h>

/* ------------------------------------------------------------------------------------- ticks */

struct scale {
    double from, factor; /* of values from there on */
    const char *suffix;
};

static const struct scale *scale_of(const struct kith_axis *a)
{
    static const struct scale seconds[] = {{6 * 3600, 3600, " h"},
                                           {300, 60, " min"},
                                           {0.5, 1, " s"},
                                           {0.0005, 0.001, " ms"},
                                           {0, 0.000001, " µs"}};
    static const struct scale bytes[] = {
        {1e12, 1e12, " TB"}, {1e9, 1e9, " GB"}, {1e6, 1e6, " MB"}, {1e3, 1e3, " kB"}, {0, 1, " B"}};
    static const struct scale counts[] = {
        {1e12, 1e12, " T"}, {1e9, 1e9, " G"}, {1e6, 1e6, " M"}, {0, 1, ""}};
    static const struct scale percent[] = {{0, 1, " %"}};
    static const struct scale *const all[] = {counts, seconds, bytes, percent};
    const struct scale *s = all[a->unit];
    while (a->most < s->from) s++;
    return s;
}

/* 1, 2 or 5 times a power of ten. */
static double nice(double v)
{
    double power = pow(10, floor(log10(v))), digit = v / power;
    return power * (digit <= 1.0001 ? 1 : digit <= 2.0001 ? 2 : digit <= 5.0001 ? 5 : 10);
}

/* Clocks do not count in tens. Minutes and hours are whole. */
static double nice_minutes(double seconds)
{
    static const double steps[] = {60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (seconds <= steps[i] * 1.0001) return steps[i];
    return nice(seconds / 86400) * 86400;
}

static void fit(struct kith_axis *a, double ticks)
{
    if (!isfinite(a->most) || a->most <= 0) a->most = 1;
    if (a->most > 1e15) a->most = 1e15; /* beyond is no number that a page can show */
    if (a->most < 1e-6) a->most = 1e-6;
    if (a->whole && a->most < 1) a->most = 1;
    const struct scale *scale = scale_of(a);
    a->factor = scale->factor;
    a->suffix = scale->suffix;
    if (a->unit == KITH_SECONDS && a->factor >= 60)
        a->step = fmax(nice_minutes(a->most / ticks), a->factor);
    else
        a->step = nice(a->most / a->factor / ticks) * a->factor;
    if (a->whole && a->step < 1) a->step = 1;
    if (!a->exact) a->most = ceil(a->most / a->step - 1e-9) * a->step;
}

static struct kith_words tick_words(const struct kith_axis *a, double v, bool with_unit)
{
    struct kith_words w, n = kith_number(KITH_COUNT, v / a->factor);
    snprintf(w.s, sizeof w.s, "%.40s%s", n.s, with_unit ? a->suffix : "");
    return w;
}

static size_t tick_count(const struct kith_axis *a)
{
    return (size_t)floor(a->most / a->step + 1e-9);
}

/* ------------------------------------------------------------------------------------ places */

static double clamped(double v, double low, double high)
{
    return !(v > low) ? low : v > high ? high : v;
}

double kith_svg_x(const struct kith_svg *s, double v)
{
    return s->left + clamped(v / s->x.most, 0, 1) * (s->width - s->left - s->right);
}

double kith_svg_y(const struct kith_svg *s, double v)
{
    double low = s->height - s->bottom;
    return low - clamped(v / s->y.most, 0, 1) * (low - s->top);
}

double kith_svg_text_width(size_t characters) { return 7.2 * (double)characters; }

/* -------------------------------------------------------------------------------------- axes */

static void draw_rows(struct kith_svg *s)
{
    size_t n = tick_count(&s->y);
    for (size_t i = 0; i <= n; i++) {
        double y = kith_svg_y(s, (double)i * s->y.step);
        fprintf(s->out, "<path class=\"%s\" d=\"M%.1f %.1fH%.1f\"/>", i ? "grid" : "axis", s->left,
                y, s->width - s->right);
        kith_svg_text(s, s->left - 6, y + 4, "end", "tick",
                      tick_words(&s->y, (double)i * s->y.step, i > 0).s, 0);
    }
}

/* The last one tells the unit, and stays inside. */
static void draw_columns(struct kith_svg *s)
{
    size_t n = tick_count(&s->x);
    double low = s->height - s->bottom;
    for (size_t i = 0; i <= n; i++) {
        double x = kith_svg_x(s, (double)i * s->x.step);
        struct kith_words w = tick_words(&s->x, (double)i * s->x.step, i == n);
        double half = kith_svg_text_width(kith_text_width(w.s)) / 2;
        bool over = x + half > s->width - 1;
        fprintf(s->out, "<path class=\"axis\" d=\"M%.1f %.1fv4\"/>", x, low);
        kith_svg_text(s, over ? s->width - 1 : x, low + 17, over ? "end" : "middle", "tick", w.s,
                      0);
    }
}

void kith_svg_begin(struct kith_svg *s, unsigned id, const char *class, const char *title,
                    const char *desc)
{
    s->bottom = 24;
    fit(&s->y, clamped((s->height - s->top - s->bottom) / 45, 2, 6));
    size_t widest = 1;
    for (size_t i = 0, n = tick_count(&s->y); i <= n; i++) {
        size_t width = kith_text_width(tick_words(&s->y, (double)i * s->y.step, i > 0).s);
        if (width > widest) widest = width;
    }
    s->left = kith_svg_text_width(widest) + 10;
    fit(&s->x, (s->width - s->left - s->right) / 64);
    fprintf(s->out,
            "<svg class=\"%s\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
            "aria-labelledby=\"p%u p%u\">\n<title id=\"p%u\">",
            class, s->width, s->height, id, id + 1, id);
    kith_put_text(s->out, KITH_MARKUP, title, 0);
    fprintf(s->out, "</title><desc id=\"p%u\">", id + 1);
    kith_put_text(s->out, KITH_MARKUP, desc, 0);
    fputs("</desc>\n", s->out);
    draw_rows(s);
    draw_columns(s);
    fputc('\n', s->out);
}

void kith_svg_end(struct kith_svg *s) { fputs("</svg>\n", s->out); }

/* ------------------------------------------------------------------------------------ shapes */

void kith_svg_path(struct kith_svg *s, const char *class)
{
    fprintf(s->out, "<path class=\"%s\" d=\"", class);
    s->begun = false;
}

void kith_svg_to(struct kith_svg *s, double x, double y)
{
    fprintf(s->out, "%c%.1f %.1f", s->begun ? 'L' : 'M', kith_svg_x(s, x), kith_svg_y(s, y));
    s->begun = true;
}

void kith_svg_path_end(struct kith_svg *s) { fputs("\"/>\n", s->out); }

void kith_svg_bar(struct kith_svg *s, const char *class, double x0, double y0, double x1, double y1,
                  const char *words)
{
    fprintf(s->out,
            "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>",
            class, x0, y0, fmax(x1 - x0, 0), fmax(y1 - y0, 0));
    kith_put_text(s->out, KITH_MARKUP, words, 0);
    fputs("</title></rect>\n", s->out);
}

void kith_svg_text(struct kith_svg *s, double x, double y, const char *anchor, const char *class,
                   const char *text, size_t most)
{
    fprintf(s->out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", class, x, y,
            anchor);
    kith_put_text(s->out, KITH_MARKUP, text, most);
    fputs("</text>\n", s->out);
}

/* ------------------------------------------------------------------------------------ labels */

static int compare_labels(const void *a, const void *b)
{
    const struct kith_label *x = a, *y = b;
    return (x->y > y->y) - (x->y < y->y);
}

/* From above each pushes the next down; from below, what was pushed out pushes back. */
void kith_svg_labels(struct kith_svg *s, struct kith_label *all, size_t count)
{
    const double apart = 15, low = s->height - s->bottom;
    if (count) qsort(all, count, sizeof *all, compare_labels);
    for (size_t i = 1; i < count; i++) all[i].y = fmax(all[i].y, all[i - 1].y + apart);
    for (size_t i = count; i-- > 0;)
        all[i].y = fmin(all[i].y, i + 1 < count ? all[i + 1].y - apart : low);
    for (size_t i = 0; i < count; i++)
        kith_svg_text(s, s->width - s->right + 6, all[i].y + 4, "start", all[i].class, all[i].text,
                      0);
}
