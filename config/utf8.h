/*
 * utf8.h - UTF-8, and what of it may be shown: the texts of files, plugins and other nodes go to
 * terminals, and into JSON, which takes nothing else.
 */
#ifndef KITH_CONFIG_UTF8_H
#define KITH_CONFIG_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at s, of which there are len, when it can be shown (<kith/shown.h>) or is
 * a tab; else 0. */
size_t kith_utf8_shown(const char *s, size_t len);
/* Is all of a text UTF-8? */
bool kith_utf8_text(const char *text);
/* Can all of a text be shown, on one line? */
bool kith_utf8_line(const char *text);
/* Bytes of the byte order mark that editors on other systems write first: 3, or 0. libyaml would
 * count it as a column. */
size_t kith_utf8_mark(const char *text, size_t len);

#endif
