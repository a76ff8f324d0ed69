/*
 * utf8.c - see utf8.h. What can be shown is <kith/shown.h>'s to say.
 */
#include "utf8.h"

#include <kith/shown.h>

static size_t character(const char *s, size_t len)
{
    return kith_utf8_char((const uint8_t *)s, len, NULL);
}

bool kith_utf8_text(const char *text)
{
    for (size_t len = strlen(text), n; len; text += n, len -= n)
        if (!(n = character(text, len))) return false;
    return true;
}

size_t kith_utf8_shown(const char *s, size_t len)
{
    return len && *s == '\t' ? 1 : kith_shown_char((const uint8_t *)s, len);
}

bool kith_utf8_line(const char *text)
{
    for (size_t len = strlen(text), n; len; text += n, len -= n)
        if (!(n = kith_utf8_shown(text, len))) return false;
    return true;
}

size_t kith_utf8_mark(const char *text, size_t len)
{
    return len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}
