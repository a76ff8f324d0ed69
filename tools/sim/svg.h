/*
 * svg.h - one plot as inline SVG: axes from 0 with sensible ticks, lines, bars, texts that keep
 * apart. How things look is the page's (classes of report_style.c); what they mean is the caller's.
 *
 *     struct kith_svg s = {.out = out, .width = CARD, .height = 220, .top = 12, .right = 16,
 *                          .x = {.unit = KITH_SECONDS, .most = 60, .exact = true},
 *                          .y = {.unit = KITH_BYTES, .most = 3100}};
 *     kith_svg_begin(&s, id, "card", "Traffic", "Bytes over time.");
 *     kith_svg_path(&s, "line c1");
 *     for (...) kith_svg_to(&s, x, y);
 *     kith_svg_path_end(&s);
 *     kith_svg_end(&s);
 */
#ifndef KITH_SVG_H
#define KITH_SVG_H

#include "report_parts.h"

/* Of a plot in a card, px. Small enough that its words can be read on a telephone. */
enum { CARD = 380 };

struct kith_axis {
    enum kith_unit unit;
    double most; /* what must fit; kith_svg_begin() makes it the axis' end */
    bool whole;  /* there is nothing between 1 and 2 */
    bool exact;  /* ends at `most`, not at the next tick */
    /* kith_svg_begin() says these: values between ticks, and what a tick is told in */
    double step, factor;
    const char *suffix;
};

struct kith_svg {
    FILE *out;
    double width, height;
    double left, top, right, bottom; /* margins; left and bottom: kith_svg_begin() says them */
    struct kith_axis x, y;
    bool begun; /* the path under way has a point */
};

/* Both axes, and a grid. id: of the page's parts, two numbers from there on. */
void kith_svg_begin(struct kith_svg *, unsigned id, const char *class, const char *title,
                    const char *desc);
void kith_svg_end(struct kith_svg *);

/* Where a value is, in px. */
double kith_svg_x(const struct kith_svg *, double);
double kith_svg_y(const struct kith_svg *, double);

void kith_svg_path(struct kith_svg *, const char *class);
void kith_svg_to(struct kith_svg *, double x, double y);
void kith_svg_path_end(struct kith_svg *);
/* From px to px, with words for who points at it. */
void kith_svg_bar(struct kith_svg *, const char *class, double x0, double y0, double x1, double y1,
                  const char *words);

/* anchor: "start", "middle", "end" */
void kith_svg_text(struct kith_svg *, double x, double y, const char *anchor, const char *class,
                   const char *text, size_t most);
/* px that a text takes, rather more than less. */
double kith_svg_text_width(size_t characters);

/* Names of lines beside their ends, moved apart where they would overlap. */
struct kith_label {
    double y; /* px */
    const char *text, *class;
};
void kith_svg_labels(struct kith_svg *, struct kith_label *, size_t count);

#endif
