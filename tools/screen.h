/*
 * screen.h - what people read on the screen: others' names and messages made harmless, JSON.
 */
#ifndef KITH_TOOLS_SCREEN_H
#define KITH_TOOLS_SCREEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Meta or a payload for people: printable text, tags as name=value, else base64. malloc'd. */
char *kith_tool_printable(const char *base64);
void kith_tool_json(const json_t *); /* to stdout, without the envelope's `ok` */

void kith_tool_json_part(const json_t *); /* a value in a longer text: no line end */

/* Others choose names and messages: control characters, and what is no UTF-8, become '?', so that
 * they can't play with a terminal. In place. */
char *kith_tool_clean(char *text);
/* A string of an answer, clean; NULL when it is none. A NUL in it would hide what follows, so that
 * one name passes for another: it becomes '?', too. In place: for printing, not for JSON. */
const char *kith_tool_text(json_t *string);
/* The same of a longer text, whose lines and tabs stay. */
void kith_tool_write(const char *text, size_t len, FILE *out);
/* As it can be shown; a name that is given so is read back. */
json_t *kith_tool_string(const char *text);

#endif
