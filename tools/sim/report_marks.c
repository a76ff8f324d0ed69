/*
 * report_marks.c - what is found in a result before it is told: the command that gives it again,
 * kinds of happenings taken together, and all that was done in the order of time.
 */
#include "report_parts.h"

#include "units.h"
#include <stdlib.h>
#include <string.h>

/* ----------------------------------------------------------------------------------- command */

/* A word as a shell takes it. */
static void put_word(FILE *out, enum kith_escape how, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_./:=@%+,";
    if (*word && strspn(word, plain) == strlen(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (const char *quote; (quote = strchr(word, '\'')); word = quote + 1) {
        char *before = strndup(word, (size_t)(quote - word));
        kith_put_text(out, how, before, 0);
        free(before);
        fputs("'\\''", out);
    }
    kith_put_text(out, how, word, 0);
    fputc('\'', out);
}

/* To the nanosecond, as it was asked for: in the largest unit that says the same number. */
static void put_time(FILE *out, double time)
{
    uint64_t ns = 0;
    if (time > 0 && time < 1e10)
        for (uint64_t unit = 1000000000; unit && (double)ns / 1e9 != time; unit /= 10)
            ns = (uint64_t)(time * (1e9 / (double)unit) + 0.5) * unit;
    kith_duration_print(ns, out);
}

void kith_put_command(FILE *out, enum kith_escape how, const struct kith_result *r)
{
    fputs("kith sim ", out);
    put_word(out, how, r->file ? r->file : "node.yaml");
    fprintf(out, " --nodes %zu --time ", r->nodes);
    put_time(out, r->asked > r->time ? r->asked : r->time);
    fprintf(out, " --seed %llu", (unsigned long long)r->seed);
    if (r->scenario) fputs(" --scenario ", out);
    if (r->scenario) put_word(out, how, r->scenario);
}

/* ------------------------------------------------------------------------------------- kinds */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static const struct kith_spread *spread_of(const struct kith_happening *h, bool told)
{
    return told ? &h->told : &h->noticed;
}

static int middle(const struct kith_result *r, const char *kind, bool told, double *p50,
                  double *max)
{
    size_t n = 0, at = 0;
    for (size_t i = 0; i < r->happening_count; i++)
        if (strcmp(r->happenings[i].kind, kind) == 0)
            n += spread_of(&r->happenings[i], told)->value_count;
    double *all = malloc((n + 1) * sizeof *all);
    if (!all) return -KITH_ENOMEM;
    for (size_t i = 0; i < r->happening_count; i++) {
        const struct kith_spread *s = spread_of(&r->happenings[i], told);
        if (strcmp(r->happenings[i].kind, kind) != 0) continue;
        for (size_t v = 0; v < s->value_count; v++) all[at++] = s->values[v];
        if (s->max > *max) *max = s->max;
    }
    qsort(all, n, sizeof *all, compare_doubles);
    *p50 = n ? all[n / 2] : 0;
    free(all);
    return 0;
}

int kith_result_kind(const struct kith_result *r, const char *kind, struct kith_spread_of_kind *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < r->happening_count; i++) {
        const struct kith_happening *h = &r->happenings[i];
        if (strcmp(h->kind, kind) != 0) continue;
        out->happenings++;
        out->about += h->about;
        out->count += h->told.count;
        out->to_tell += h->to_tell;
    }
    int rc = middle(r, kind, false, &out->noticed_p50, &out->noticed_max);
    return rc ? rc : middle(r, kind, true, &out->told_p50, &out->told_max);
}

/* ----------------------------------------------------------------------------------- traffic */

static int compare_rates(double x, double y, const char *a, const char *b)
{
    return x != y ? (x < y ? 1 : -1) : strcmp(a, b);
}

static int compare_bytes(const void *a, const void *b)
{
    const struct kith_message_rate *x = *(const struct kith_message_rate *const *)a;
    const struct kith_message_rate *y = *(const struct kith_message_rate *const *)b;
    return compare_rates(x->bytes, y->bytes, x->message, y->message);
}

static int compare_counts(const void *a, const void *b)
{
    const struct kith_message_rate *x = *(const struct kith_message_rate *const *)a;
    const struct kith_message_rate *y = *(const struct kith_message_rate *const *)b;
    return compare_rates(x->count, y->count, x->message, y->message);
}

const struct kith_message_rate **kith_traffic_sorted(const struct kith_result *r, bool by_bytes)
{
    const struct kith_message_rate **rows = calloc(r->traffic_count + 1, sizeof(void *));
    for (size_t i = 0; rows && i < r->traffic_count; i++) rows[i] = &r->traffic[i];
    if (rows)
        qsort(rows, r->traffic_count, sizeof(void *), by_bytes ? compare_bytes : compare_counts);
    return rows;
}

/* ------------------------------------------------------------------------------------- marks */

static int compare_marks(const void *a, const void *b)
{
    const struct kith_mark *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    if (!x->happening != !y->happening) return x->happening ? -1 : 1;
    if (x->happening) return (x->happening > y->happening) - (x->happening < y->happening);
    return (x->reach > y->reach) - (x->reach < y->reach);
}

int kith_marks_of(const struct kith_result *r, struct kith_marks *out)
{
    out->count = 0;
    out->all = calloc(r->happening_count + r->message_count + 1, sizeof *out->all);
    if (!out->all) return -KITH_ENOMEM;
    for (size_t i = 0; i < r->happening_count; i++) {
        const struct kith_happening *h = &r->happenings[i];
        out->all[out->count++] = (struct kith_mark){.at = h->at, .text = h->text, .happening = h};
    }
    for (size_t i = 0; i < r->message_count; i++) {
        const struct kith_reach *m = &r->messages[i];
        out->all[out->count++] = (struct kith_mark){.at = m->at, .text = m->text, .reach = m};
    }
    qsort(out->all, out->count, sizeof *out->all, compare_marks);
    return 0;
}
