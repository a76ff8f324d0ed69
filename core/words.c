/*
 * words.c - see words.h.
 */
#include "words.h"

#include <string.h>

void kith_words(char *text, size_t cap, const char *more)
{
    size_t len = strlen(text), add = strlen(more), room = cap - len - 1;
    if (add > room) add = room;
    memcpy(text + len, more, add);
    text[len + add] = 0;
}

void kith_words_number(char *text, size_t cap, uint64_t number, const char *unit)
{
    char digits[24], *p = digits + sizeof digits - 1;
    *p = 0;
    do {
        *--p = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    kith_words(text, cap, p);
    kith_words(text, cap, unit);
}
