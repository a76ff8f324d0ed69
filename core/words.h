/*
 * words.h - text that is put together: printf is not for a pure core.
 */
#ifndef KITH_WORDS_H
#define KITH_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* Append to what stands in text, which holds cap bytes, as much as there is room for. */
void kith_words(char *text, size_t cap, const char *more);
/* A number, and what it counts. */
void kith_words_number(char *text, size_t cap, uint64_t number, const char *unit);

#endif
