/*
 * report_parts.h - the inside of reports: what their files share. Each calls only those further
 * down:
 *
 *   report_html.c      the page: tiles, cards, tables
 *   report_plots.c     which plots a result gives, and what is drawn in each
 *   svg.c              a plot: axes, lines, bars, texts (svg.h)
 *   report_style.c     colours and sizes of the page
 *   report_text.c      for a terminal
 *   report_json.c      for programs
 *   report_marks.c     what is found in a result before it is told
 *   report_numbers.c   numbers and texts, as people read them
 */
#ifndef KITH_REPORT_PARTS_H
#define KITH_REPORT_PARTS_H

#include "report.h"
#include <kith/plugin.h>

/* ---------------------------------------------------- numbers, texts (report_numbers.c) */

enum kith_unit { KITH_COUNT, KITH_SECONDS, KITH_BYTES, KITH_PERCENT };

/* By value, so that it can be written where it is used: kith_number(KITH_BYTES, n).s */
struct kith_words {
    char s[64];
};
/* With its unit and about three digits: "1,234", "12.3 ms", "4.56 kB", "99.9 %". */
struct kith_words kith_number(enum kith_unit, double);
/* part of whole in percent; only all of it is 100, and only nothing is 0. */
struct kith_words kith_share(double part, double whole);
/* "12 nodes", "1 node" */
struct kith_words kith_some(size_t n, const char *one, const char *more);
/* "98 of 99" */
struct kith_words kith_of(double part, double whole);

/* How many of those that it was done to were declared dead: "2 of 3", "none"; of the network:
 * "4 deaths". */
struct kith_words kith_deaths_of(const struct kith_happening *);

enum kith_escape { KITH_PLAIN, KITH_MARKUP };
/* At most so many characters of it; 0: all. What can't be shown becomes '?'. */
void kith_put_text(FILE *, enum kith_escape, const char *text, size_t most);
/* As fprintf(), for the page: what it says is no markup. Of short texts. */
void kith_put_words(FILE *, const char *fmt, ...) KITH_PRINTF(2, 3);
/* Characters of it. */
size_t kith_text_width(const char *);

/* ---------------------------------------------------- found in a result (report_marks.c) */

/* The command that gives this result again. */
void kith_put_command(FILE *, enum kith_escape, const struct kith_result *);

/* The middle value, and the last, of all happenings of a kind together. */
struct kith_spread_of_kind {
    size_t happenings, about, count, to_tell;
    double noticed_p50, noticed_max, told_p50, told_max;
};
/* -KITH_ENOMEM */
int kith_result_kind(const struct kith_result *, const char *kind, struct kith_spread_of_kind *);

/* Those with most bytes, or most messages, first. malloc'd, of pointers into the result; NULL: no
 * memory. */
const struct kith_message_rate **kith_traffic_sorted(const struct kith_result *, bool by_bytes);

/* What was done and the messages, numbered in the order of their times. */
struct kith_mark {
    double at;
    const char *text;
    const struct kith_happening *happening; /* or */
    const struct kith_reach *reach;
};
struct kith_marks {
    struct kith_mark *all;
    size_t count;
};
int kith_marks_of(const struct kith_result *, struct kith_marks *); /* -KITH_ENOMEM */

/* ------------------------------------------------------------------ the page's parts */

extern const char kith_report_style[]; /* report_style.c */

/* report_plots.c: each writes a figure, or several; nothing if there is nothing to be seen. */
struct kith_page {
    FILE *out;
    const struct kith_result *r;
    struct kith_marks marks;
    unsigned ids; /* given to the parts of plots, so that no two have one */
};
void kith_plot_members(struct kith_page *);
/* Is there one to be drawn by the next two? */
bool kith_plots_of_spreads(const struct kith_result *);
void kith_plot_full_view(struct kith_page *);
void kith_plot_happenings(struct kith_page *);
void kith_plot_reach(struct kith_page *);
void kith_plot_traffic(struct kith_page *);
void kith_plot_load(struct kith_page *);

#endif
