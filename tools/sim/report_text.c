/*
 * report_text.c - a result for a terminal: what a stranger wants to know first comes first, then
 * tables of what was done, of messages and of traffic.
 */
#include "report_parts.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------ tables */

enum { COLUMNS = 10, CELL = 64, WHAT = 28 };

struct table {
    char (*cells)[COLUMNS][CELL]; /* a row each; the first is the head */
    size_t rows, columns;
    bool no_memory;
};

static void cell(struct table *t, size_t column, const char *text)
{
    if (t->no_memory) return;
    FILE *out = fmemopen(t->cells[t->rows - 1][column], CELL, "w");
    if (!out) {
        t->no_memory = true;
        return;
    }
    kith_put_text(out, KITH_PLAIN, text, WHAT);
    fclose(out);
}

static void row(struct table *t)
{
    void *grown = realloc(t->cells, (t->rows + 1) * sizeof *t->cells);
    t->no_memory = t->no_memory || !grown;
    if (!grown) return;
    t->cells = grown;
    memset(t->cells[t->rows++], 0, sizeof *t->cells);
}

static void head(struct table *t, size_t columns, const char *const *names)
{
    *t = (struct table){.columns = columns};
    row(t);
    for (size_t i = 0; i < columns; i++) cell(t, i, names[i]);
}

/* The columns before `numbers` begin at the left; numbers end at the right. */
static int print(struct table *t, size_t numbers, FILE *out)
{
    size_t widths[COLUMNS] = {0};
    for (size_t r = 0; r < t->rows; r++)
        for (size_t c = 0; c < t->columns; c++) {
            size_t width = kith_text_width(t->cells[r][c]);
            if (width > widths[c]) widths[c] = width;
        }
    for (size_t r = 0; r < t->rows; r++) {
        size_t blanks = 2; /* owed before the next text, so that no line ends on one */
        for (size_t c = 0; c < t->columns; c++) {
            size_t room = widths[c] - kith_text_width(t->cells[r][c]);
            if (c >= numbers) blanks += room;
            if (t->cells[r][c][0]) {
                fprintf(out, "%*s%s", (int)blanks, "", t->cells[r][c]);
                blanks = 0;
            }
            blanks += c >= numbers ? 2 : room + 2;
        }
        fputc('\n', out);
    }
    int rc = t->no_memory ? -KITH_ENOMEM : 0;
    free(t->cells);
    return rc;
}

/* ------------------------------------------------------------------------------------- parts */

static void print_title(FILE *out, const struct kith_result *r)
{
    fprintf(out, "%s for %s%s, seed %llu: ", kith_some(r->nodes, "node", "nodes").s,
            kith_number(KITH_SECONDS, r->time).s, r->asked > r->time ? " (interrupted)" : "",
            (unsigned long long)r->seed);
    kith_put_text(out, KITH_PLAIN, r->file ? r->file : "a config", 0);
    if (r->profile) fputs(", profile ", out);
    kith_put_text(out, KITH_PLAIN, r->profile, 0);
    if (r->send && *r->send) fputs(", sends ", out);
    kith_put_text(out, KITH_PLAIN, r->send, 0);
    fputs(r->scenario ? ", scenario " : ", built-in scenario", out);
    kith_put_text(out, KITH_PLAIN, r->scenario, 0);
    fputc('\n', out);
}

static void print_end(FILE *out, const struct kith_views *v)
{
    fputs("  at the end   ", out);
    if (!v->running) {
        fputs("nobody runs\n", out);
        return;
    }
    fprintf(out, "%s nodes know all that run, and nobody else",
            kith_of((double)v->right, (double)v->running).s);
    if (v->right < v->running)
        fprintf(out, "; least %s, most %s", kith_number(KITH_COUNT, (double)v->least).s,
                kith_number(KITH_COUNT, (double)v->most).s);
    fputc('\n', out);
}

static void print_members(FILE *out, const struct kith_result *r)
{
    const struct kith_spread *s = &r->full_view;
    fputs("\nmembers\n  knew all     ", out);
    if (s->count)
        fprintf(out, "half after %s, 95 %% %s, last %s; ", kith_number(KITH_SECONDS, s->p50).s,
                kith_number(KITH_SECONDS, s->p95).s, kith_number(KITH_SECONDS, s->max).s);
    fprintf(out, "%s lives\n", kith_of((double)s->count, (double)r->lives).s);
    print_end(out, &r->at_end);
    fprintf(out, "  suspicions   %s, %s of them false; %s refuted\n",
            kith_number(KITH_COUNT, (double)r->suspicions).s,
            kith_number(KITH_COUNT, (double)r->false_suspicions).s,
            kith_number(KITH_COUNT, (double)r->refutations).s);
    fprintf(out, "  deaths       %s, %s of them false\n",
            kith_number(KITH_COUNT, (double)r->deaths).s,
            kith_number(KITH_COUNT, (double)r->false_deaths).s);
}

static const char *after(const struct kith_spread *s, double v, struct kith_words *w)
{
    *w = s->count ? kith_number(KITH_SECONDS, v) : (struct kith_words){"-"};
    return w->s;
}

/* A terminal has no use for more. */
enum { ROWS_SHOWN = 200 };

static int print_happenings(FILE *out, const struct kith_result *r)
{
    static const char *const above[] = {"", "", "noticed", "", "told", "", "", "", "suspected", ""};
    static const char *const names[] = {"at",   "what", "half",   "last", "half",
                                        "95 %", "last", "of all", "by",   "dead"};
    struct table t;
    struct kith_words w;
    if (!r->happening_count) return 0;
    fputs(
        "\nwhat was done; after how long half of them were noticed and the last one, and half of\n"
        "the others told, and the last; by how many who was silent was suspected, and how many\n"
        "of them were declared dead\n",
        out);
    head(&t, 10, above);
    row(&t);
    for (size_t i = 0; i < 10; i++) cell(&t, i, names[i]);
    for (size_t i = 0; i < r->happening_count && i < ROWS_SHOWN; i++) {
        const struct kith_happening *h = &r->happenings[i];
        double told = (double)h->told.count;
        row(&t);
        cell(&t, 0, kith_number(KITH_SECONDS, h->at).s);
        cell(&t, 1, h->text);
        cell(&t, 2, after(&h->noticed, h->noticed.p50, &w));
        cell(&t, 3, after(&h->noticed, h->noticed.max, &w));
        cell(&t, 4, after(&h->told, h->told.p50, &w));
        cell(&t, 5, after(&h->told, h->told.p95, &w));
        cell(&t, 6, after(&h->told, h->told.max, &w));
        cell(&t, 7, h->to_tell ? kith_share(told, (double)h->to_tell).s : "-");
        cell(&t, 8,
             h->to_suspect ? kith_of((double)h->suspected_by, (double)h->to_suspect).s : "-");
        cell(&t, 9, h->silent || !h->about ? kith_deaths_of(h).s : "-");
    }
    int rc = print(&t, 2, out);
    if (r->happening_count > ROWS_SHOWN)
        fprintf(out, "  and %zu more, which --format json and --report tell\n",
                r->happening_count - ROWS_SHOWN);
    return rc;
}

static int print_messages(FILE *out, const struct kith_result *r)
{
    bool broadcasts = false;
    static const char *const names[] = {"at",   "what", "messages", "size",
                                        "half", "95 %", "last",     "of all"};
    struct table t;
    struct kith_words w;
    if (!r->message_count) return 0;
    for (size_t i = 0; i < r->message_count; i++) broadcasts |= r->messages[i].broadcast;
    fputs("\nmessages, and after how long they were there\n", out);
    if (broadcasts)
        fputs("(only its origin sends a broadcast, to some by chance: not to all)\n", out);
    head(&t, 8, names);
    for (size_t i = 0; i < r->message_count; i++) {
        const struct kith_reach *m = &r->messages[i];
        row(&t);
        cell(&t, 0, kith_number(KITH_SECONDS, m->at).s);
        cell(&t, 1, m->text);
        cell(&t, 2, kith_number(KITH_COUNT, (double)m->messages).s);
        cell(&t, 3, kith_number(KITH_BYTES, (double)m->bytes).s);
        cell(&t, 4, after(&m->got, m->got.p50, &w));
        cell(&t, 5, after(&m->got, m->got.p95, &w));
        cell(&t, 6, after(&m->got, m->got.max, &w));
        cell(&t, 7, kith_share((double)m->got.count, (double)m->to_get).s);
    }
    return print(&t, 2, out);
}

static void print_queues(FILE *out, const struct kith_result *r)
{
    const struct kith_curve *mean = kith_result_curve(r, "queue_mean");
    const struct kith_curve *most = kith_result_curve(r, "queue_most");
    double sum = 0, top = 0;
    if (!mean || !most || !mean->count) return;
    for (size_t i = 0; i < mean->count; i++) sum += mean->values[i];
    for (size_t i = 0; i < most->count; i++)
        if (most->values[i] > top) top = most->values[i];
    fprintf(out, "  queued       %s broadcasts at a node, on average; at most %s\n",
            kith_number(KITH_COUNT, sum / (double)mean->count).s, kith_number(KITH_COUNT, top).s);
}

static int print_traffic(FILE *out, const struct kith_result *r)
{
    static const char *const names[] = {"received", "messages", "bytes before layers"};
    struct table t;
    const struct kith_message_rate **rows = kith_traffic_sorted(r, true);
    int rc = 0;
    if (!rows) return -KITH_ENOMEM;
    fputs("\ntraffic, a node and second\n", out);
    fprintf(out, "  sent         %s in %s packets, %s in streams; %s packets dropped\n",
            kith_number(KITH_BYTES, r->packet_bytes_sent).s,
            kith_number(KITH_COUNT, r->packets_sent).s,
            kith_number(KITH_BYTES, r->stream_bytes_sent).s,
            kith_number(KITH_COUNT, r->packets_dropped).s);
    print_queues(out, r);
    if (!r->traffic_count) goto out;
    head(&t, 3, names);
    for (size_t i = 0; i < r->traffic_count; i++) {
        row(&t);
        cell(&t, 0, rows[i]->message);
        cell(&t, 1, kith_number(KITH_COUNT, rows[i]->count).s);
        cell(&t, 2, kith_number(KITH_BYTES, rows[i]->bytes).s);
    }
    rc = print(&t, 1, out);
out:
    free(rows);
    return rc;
}

static void print_rest(FILE *out, const struct kith_result *r)
{
    fprintf(out, "\ncost           %s of CPU for %s of nodes' time, %s of memory\n",
            kith_number(KITH_SECONDS, r->cpu).s, kith_number(KITH_SECONDS, r->node_seconds).s,
            kith_number(KITH_BYTES, (double)r->memory).s);
    for (size_t i = 0; i < r->left_out_count; i++) {
        fputs(i ? "               " : "left out       ", out);
        kith_put_text(out, KITH_PLAIN, r->left_out[i].what, 0);
        fputs(": ", out);
        kith_put_text(out, KITH_PLAIN, r->left_out[i].why, 0);
        fputc('\n', out);
    }
    fputs("again          ", out);
    kith_put_command(out, KITH_PLAIN, r);
    fputc('\n', out);
}

int kith_report_text(FILE *out, const struct kith_result *r)
{
    print_title(out, r);
    print_members(out, r);
    int rc = print_happenings(out, r);
    if (!rc) rc = print_messages(out, r);
    if (!rc) rc = print_traffic(out, r);
    if (rc) return rc;
    print_rest(out, r);
    return fflush(out) || ferror(out) ? -KITH_EIO : 0;
}
