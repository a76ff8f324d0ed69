/*
 * diag.c - problems with their place, kept until all are known, then printed in the order of the
 * file:
 *
 *     node.yaml:4:8: error: 'mtu' is out of range: 70000
 *         4 |   mtu: 70000
 *           |        ^
 *           = help: use 576 to 65507
 *
 * Keeps a copy of the text to show lines of, in which everything that looks like a key is starred
 * out. Knows nothing of YAML or of keys.
 */
#include "diag.h"
#include "arena.h"
#include "utf8.h"
#include <sodium.h>
#include <stdlib.h>

enum { KEEP = 100, WIDTH = 160 };

struct problem {
    struct kith_pos pos;
    size_t order;
    bool warning;
    const char *text, *help;
};

struct kith_diag {
    struct kith_arena *arena;
    const char *path;
    char *source;
    size_t source_len;
    struct problem problems[KEEP];
    size_t count, errors, warnings;
};

struct kith_diag *kith_diag_new(void)
{
    struct kith_diag *d = calloc(1, sizeof *d);
    if (!d) abort();
    d->arena = kith_arena_new();
    d->path = "config";
    return d;
}

void kith_diag_free(struct kith_diag *d)
{
    if (!d) return;
    kith_arena_free(d->arena);
    free(d);
}

static bool key_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' ||
           c == '/' || c == '=';
}

/* A line with a mistake in its syntax may hold a key all the same. */
static void hide_keys(char *text, size_t len)
{
    uint8_t key[KITH_KEY_MAX];
    for (size_t i = 0, n; i < len; i += n + 1) {
        for (n = 0; i + n < len && key_char(text[i + n]); n++) {}
        if (n >= 22 && kith_secret_parse(text + i, n, key) > 0) memset(text + i, '*', n);
    }
    sodium_memzero(key, sizeof key);
}

void kith_diag_source(struct kith_diag *d, const char *path, const char *text, size_t len)
{
    d->path = kith_arena_strdup(d->arena, path && *path ? path : "config");
    size_t mark = kith_utf8_mark(text, len);
    d->source_len = len - mark;
    d->source = kith_arena_strndup(d->arena, text + mark, d->source_len);
    hide_keys(d->source, d->source_len);
}

static size_t line_start(const struct kith_diag *d, unsigned line)
{
    size_t i = 0;
    for (unsigned l = 1; l < line && i < d->source_len; i++) l += d->source[i] == '\n';
    return i;
}

static bool continues(char c) { return ((uint8_t)c & 0xC0) == 0x80; }

static size_t offset_of(const struct kith_diag *d, struct kith_pos pos)
{
    size_t i = line_start(d, pos.line);
    for (unsigned col = 1; col < pos.col && i < d->source_len && d->source[i] != '\n'; col++)
        for (i++; i < d->source_len && continues(d->source[i]); i++) {}
    return i;
}

void kith_diag_hide(struct kith_diag *d, struct kith_pos from, struct kith_pos to)
{
    if (!d->source || !from.line) return;
    size_t end = offset_of(d, to);
    for (size_t i = offset_of(d, from); i < end; i++)
        if (d->source[i] != '\n') d->source[i] = '*';
}

/* -------------------------------------------------------------------------------- collecting */

static void add(struct kith_diag *d, bool warning, struct kith_pos pos, const char *help,
                const char *fmt, va_list ap)
{
    if (warning)
        d->warnings++;
    else
        d->errors++;
    if (d->count == KEEP) return;
    char text[1000];
    vsnprintf(text, sizeof text, fmt, ap);
    struct problem *p = &d->problems[d->count];
    *p = (struct problem){pos, d->count++, warning, kith_arena_strdup(d->arena, text), NULL};
    if (help) p->help = kith_arena_strdup(d->arena, help);
}

void kith_diag_error(struct kith_diag *d, struct kith_pos pos, const char *help, const char *fmt,
                     ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, false, pos, help, fmt, ap);
    va_end(ap);
}

void kith_diag_warning(struct kith_diag *d, struct kith_pos pos, const char *help, const char *fmt,
                       ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, true, pos, help, fmt, ap);
    va_end(ap);
}

size_t kith_diag_errors(const struct kith_diag *d) { return d->errors; }

const char *kith_diag_first(const struct kith_diag *d, const char **help)
{
    for (size_t i = 0; i < d->count; i++)
        if (!d->problems[i].warning) {
            *help = d->problems[i].help;
            return d->problems[i].text;
        }
    return NULL;
}

/* ---------------------------------------------------------------------------------- printing */

static int by_place(const void *x, const void *y)
{
    const struct problem *a = x, *b = y;
    if (a->pos.line != b->pos.line) return a->pos.line < b->pos.line ? -1 : 1;
    if (a->pos.col != b->pos.col) return a->pos.col < b->pos.col ? -1 : 1;
    return a->order < b->order ? -1 : 1;
}

/* A file's text may be anything; what is not clean shows as '?'. */
static void put_clean(FILE *out, const char *text, size_t len)
{
    for (size_t i = 0, n; i < len; i += n ? n : 1) {
        n = kith_utf8_shown(text + i, len - i);
        if (n)
            fwrite(text + i, 1, n, out);
        else
            fputc('?', out);
    }
}

/* The part of a line that is shown, from and to in the source; a very long one is cut. */
struct excerpt {
    size_t start, end;
    bool cut, cut_end;
};

static struct excerpt excerpt(const struct kith_diag *d, size_t start, size_t end, size_t at)
{
    struct excerpt e = {start, end, at - start > WIDTH - 20, false};
    if (e.cut) {
        e.start = at - (WIDTH - 20);
        while (e.start < at && continues(d->source[e.start])) e.start++;
    }
    e.cut_end = end - e.start > WIDTH;
    if (e.cut_end) {
        e.end = e.start + WIDTH;
        while (e.end > at && continues(d->source[e.end])) e.end--;
    }
    return e;
}

static size_t line_end(const struct kith_diag *d, size_t i)
{
    while (i < d->source_len && d->source[i] != '\n' && d->source[i] != '\r') i++;
    return i;
}

static void show_line(const struct kith_diag *d, struct kith_pos pos, FILE *out)
{
    size_t start = line_start(d, pos.line), at = offset_of(d, pos), end = line_end(d, start);
    if (start >= d->source_len && pos.line > 1) return;
    if (at > end) at = end;
    struct excerpt e = excerpt(d, start, end, at);
    fprintf(out, "%5u | %s", pos.line, e.cut ? "..." : "");
    put_clean(out, d->source + e.start, e.end - e.start);
    fprintf(out, "%s\n      | %s", e.cut_end ? "..." : "", e.cut ? "   " : "");
    for (size_t i = e.start; i < at; i++)
        if (!continues(d->source[i])) fputc(d->source[i] == '\t' ? '\t' : ' ', out);
    fputs("^\n", out);
}

static void sort(const struct kith_diag *d, struct problem sorted[KEEP])
{
    memcpy(sorted, d->problems, d->count * sizeof *sorted);
    qsort(sorted, d->count, sizeof *sorted, by_place);
}

static void put_head(const struct kith_diag *d, const struct problem *p, FILE *out)
{
    put_clean(out, d->path, strlen(d->path));
    if (p->pos.line) fprintf(out, ":%u:%u", p->pos.line, p->pos.col);
    fprintf(out, ": %s: ", p->warning ? "warning" : "error");
    put_clean(out, p->text, strlen(p->text));
}

void kith_diag_each(const struct kith_diag *d,
                    void (*visit)(void *arg, bool warning, const char *text), void *arg)
{
    struct problem sorted[KEEP];
    sort(d, sorted);
    for (size_t i = 0; i < d->count; i++) {
        char *text = NULL;
        size_t len = 0;
        FILE *f = open_memstream(&text, &len);
        if (!f) abort();
        put_head(d, &sorted[i], f);
        fclose(f);
        visit(arg, sorted[i].warning, text);
        free(text);
    }
}

void kith_diag_print(const struct kith_diag *d, FILE *out)
{
    struct problem sorted[KEEP];
    sort(d, sorted);
    for (size_t i = 0; i < d->count; i++) {
        const struct problem *p = &sorted[i];
        put_head(d, p, out);
        fputc('\n', out);
        if (p->pos.line && d->source) show_line(d, p->pos, out);
        if (!p->help) continue;
        fprintf(out, "      = help: ");
        put_clean(out, p->help, strlen(p->help));
        fputc('\n', out);
    }
    size_t rest = d->errors + d->warnings - d->count;
    if (!rest) return;
    put_clean(out, d->path, strlen(d->path));
    fprintf(out, ": %zu more problems are not shown\n", rest);
}

char *kith_diag_text(const struct kith_diag *d)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out) abort();
    kith_diag_print(d, out);
    fclose(out);
    return text;
}
