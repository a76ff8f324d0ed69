/*
 * rows.h - a table on stdout: each column as wide as it needs.
 *
 * Rows are held back until their widths are known, but no more than some MiB of them: of a longer
 * table the next part is printed in columns at least as wide as those before.
 */
#ifndef KITH_TOOLS_ROWS_H
#define KITH_TOOLS_ROWS_H

#include <stddef.h>

struct kith_rows;
struct kith_rows *kith_rows_new(size_t columns, const char *const *header); /* NULL: no header */
/* The cells are copied and made harmless (screen.h); NULL is an empty one. */
void kith_rows_add(struct kith_rows *, const char *const *cells);
void kith_rows_end(struct kith_rows *); /* print what is left, and free */

#endif
