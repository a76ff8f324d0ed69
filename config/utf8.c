/*
 * utf8.c - see utf8.h. The ranges are RFC 3629's.
 */
#include "utf8.h"

#include <stdint.h>
#include <string.h>

/* What the first byte of a sequence allows the second one to be. */
static const struct range {
    uint8_t first, last;     /* of first bytes */
    uint8_t len;             /* of the sequence */
    uint8_t lowest, highest; /* second byte: no overlong forms, no surrogates, not over U+10FFFF */
} ranges[] = {
    {0x00, 0x7f, 1, 0x00, 0xff}, {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

size_t kith_utf8(const char *s, size_t len)
{
    const uint8_t *b = (const uint8_t *)s;
    const struct range *r = ranges, *end = ranges + sizeof ranges / sizeof *ranges;
    while (len && r < end && (b[0] < r->first || b[0] > r->last)) r++;
    if (!len || r == end || r->len > len) return 0;
    if (r->len > 1 && (b[1] < r->lowest || b[1] > r->highest)) return 0;
    for (size_t i = 2; i < r->len; i++)
        if ((b[i] & 0xc0) != 0x80) return 0;
    return r->len;
}

bool kith_utf8_text(const char *text)
{
    for (size_t len = strlen(text), n; len; text += n, len -= n)
        if (!(n = kith_utf8(text, len))) return false;
    return true;
}

static bool control(const uint8_t *b, size_t n)
{
    if (n == 1) return (*b < 0x20 && *b != '\t') || *b == 0x7f;
    return n == 2 && b[0] == 0xc2 && b[1] < 0xa0;
}

size_t kith_utf8_shown(const char *s, size_t len)
{
    size_t n = kith_utf8(s, len);
    return control((const uint8_t *)s, n) ? 0 : n;
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
