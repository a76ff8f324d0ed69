/*
 * yaml_write.c - a text as YAML that reads back as the same text, whatever bytes it has.
 */
#include "yaml_write.h"
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool bare_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("_./@+=%-:", c));
}

static bool bare(const char *s)
{
    static const char *const nothing[] = {"null", "Null", "NULL"};
    if (!*s || strchr("-=%@:+", *s)) return false;
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (strcmp(s, nothing[i]) == 0) return false;
    for (; *s; s++)
        if (!bare_char((uint8_t)*s) || (*s == ':' && !bare_char((uint8_t)s[1]))) return false;
    return true;
}

/* One character that can't stand for itself, in double quotes; how many bytes, 0: it can. */
static size_t escape(const uint8_t *s, FILE *out)
{
    if (*s == '"' || *s == '\\') return fprintf(out, "\\%c", *s), 1;
    if (*s == '\n') return fputs("\\n", out), 1;
    if (*s < 0x20 || *s == 0x7F) return fprintf(out, "\\x%02X", *s), 1;
    if (s[0] == 0xC2 && s[1] < 0xA0) /* C1 controls */
        return fprintf(out, "\\x%02X", s[1]), 2;
    if (s[0] == 0xE2 && s[1] == 0x80 && (s[2] & 0xFE) == 0xA8) /* U+2028, U+2029 */
        return fprintf(out, "\\u20%02X", s[2] - 0x80), 3;
    if (s[0] == 0xEF && s[1] == 0xBB && s[2] == 0xBF) /* U+FEFF */
        return fputs("\\uFEFF", out), 3;
    return 0;
}

void kith_yaml_write(const char *text, FILE *out)
{
    if (bare(text)) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (const uint8_t *s = (const uint8_t *)text; *s;) {
        size_t n = escape(s, out);
        if (!n) fputc(*s, out);
        s += n ? n : 1;
    }
    fputc('"', out);
}
