/*
 * rows.c - a table on stdout. Knows nothing of what is in it.
 */
#include "rows.h"

#include "screen.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_MAX = 4 << 20, GAP = 2 };

struct kith_rows {
    size_t columns, count, cap; /* rows */
    size_t bytes;               /* in all cells */
    char **cells;
    size_t widths[]; /* of each column, so far */
};

struct kith_rows *kith_rows_new(size_t columns, const char *const *header)
{
    struct kith_rows *r = calloc(1, sizeof *r + columns * sizeof r->widths[0]);
    if (!r) return NULL;
    r->columns = columns;
    if (header) kith_rows_add(r, header);
    return r;
}

/* Characters, as far as UTF-8 tells. */
static size_t width(const char *s)
{
    size_t n = 0;
    for (; *s; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void print_row(const struct kith_rows *r, char *const *cells)
{
    size_t filled = r->columns; /* no blanks at the end of a line */
    while (filled && !*cells[filled - 1]) filled--;
    for (size_t i = 0; i < filled; i++) {
        fputs(cells[i], stdout);
        if (i + 1 < filled) printf("%*s", (int)(r->widths[i] - width(cells[i]) + GAP), "");
    }
    putchar('\n');
}

static void print_held(struct kith_rows *r)
{
    for (size_t i = 0; i < r->count; i++) print_row(r, &r->cells[i * r->columns]);
    for (size_t i = 0; i < r->count * r->columns; i++) free(r->cells[i]);
    r->count = 0;
    r->bytes = 0;
}

static bool grow(struct kith_rows *r)
{
    size_t cap = r->cap ? 2 * r->cap : 16;
    char **grown = realloc(r->cells, cap * r->columns * sizeof *grown);
    if (!grown) return false;
    r->cells = grown;
    r->cap = cap;
    return true;
}

void kith_rows_add(struct kith_rows *r, const char *const *cells)
{
    if (!r || (r->count == r->cap && !grow(r))) return;
    char **row = &r->cells[r->count++ * r->columns];
    for (size_t i = 0; i < r->columns; i++) {
        row[i] = kith_tool_clean(strdup(cells[i] ? cells[i] : ""));
        if (!row[i]) abort();
        size_t w = width(row[i]);
        if (w > r->widths[i]) r->widths[i] = w;
        r->bytes += strlen(row[i]) + 1;
    }
    if (r->bytes > HELD_MAX) print_held(r);
}

void kith_rows_end(struct kith_rows *r)
{
    if (!r) return;
    print_held(r);
    free(r->cells);
    free(r);
}
