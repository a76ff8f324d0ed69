/*
 * nearest.c - "did you mean": which of the known words a person may have meant.
 */
#include "nearest.h"
#include <stdint.h>
#include <string.h>

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Edits between two words, a swap of neighbours counting as one (Damerau; optimal string
 * alignment). */
static size_t distance(const char *a, const char *b)
{
    enum { MAX = 40 };
    size_t la = strlen(a), lb = strlen(b), d[MAX + 1][MAX + 1];
    if (la > MAX || lb > MAX) return SIZE_MAX;
    for (size_t i = 0; i <= la; i++) d[i][0] = i;
    for (size_t j = 0; j <= lb; j++) d[0][j] = j;
    for (size_t i = 1; i <= la; i++)
        for (size_t j = 1; j <= lb; j++) {
            d[i][j] = least(d[i - 1][j - 1] + (a[i - 1] != b[j - 1]),
                            1 + least(d[i - 1][j], d[i][j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    return d[la][lb];
}

const char *kith_nearest(const char *word, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t len = strlen(word), nearest = len / 3 + 2; /* one in three letters may be wrong */
    for (size_t i = 0; i < count; i++) {
        size_t n = distance(word, names[i]);
        if (n < nearest) {
            nearest = n;
            best = names[i];
        }
    }
    for (size_t i = 0; i < count && !best && len >= 3; i++)
        if (strncmp(names[i], word, len) == 0 || strstr(word, names[i])) best = names[i];
    return best;
}
