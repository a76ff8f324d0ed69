/*
 * log_line.c - a line of the delegate `log` in the making: names, bytes and times, as they can be
 * shown and read back. Knows nothing of events.
 */
#include "log_line.h"

#include <kith/shown.h>

#include <stdlib.h>
#include <time.h>

static void add(struct kith_log_line *l, const char *data, size_t len)
{
    if (l->len + len > l->cap) {
        size_t cap = 2 * (l->len + len);
        char *more = realloc(l->data, cap);
        if (!more) return; /* the line loses a piece */
        l->data = more;
        l->cap = cap;
    }
    if (len) memcpy(l->data + l->len, data, len);
    l->len += len;
}

void kith_line_text(struct kith_log_line *l, const char *text) { add(l, text, strlen(text)); }

void kith_line_f(struct kith_log_line *l, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    kith_line_text(l, text);
}

static bool is_utf8(struct kith_bytes b)
{
    for (size_t i = 0, n; i < b.len; i += n)
        if (!(n = kith_utf8_char(b.data + i, b.len - i, NULL))) return false;
    return true;
}

/* A name, as it can be shown and read back. */
void kith_line_shown(struct kith_log_line *l, struct kith_bytes b)
{
    for (size_t i = 0, used; i < b.len; i += used) {
        char piece[4];
        size_t n = kith_show_next(piece, b.data + i, b.len - i, true, &used);
        add(l, piece, n);
    }
}

void kith_line_quoted(struct kith_log_line *l, struct kith_bytes b)
{
    kith_line_text(l, "\"");
    for (size_t i = 0; i < b.len; i++) {
        char c = (char)b.data[i];
        if (c == '"' || c == '\\')
            kith_line_f(l, "\\%c", c);
        else if (c >= ' ' && c <= '~')
            add(l, &c, 1);
        else
            kith_line_f(l, "\\x%02x", b.data[i]);
    }
    kith_line_text(l, "\"");
}

/* A character of a JSON string; what could move a cursor is escaped as JSON has it. */
static void add_character(struct kith_log_line *l, const uint8_t *s, size_t n, uint32_t code)
{
    if (code == '"' || code == '\\')
        kith_line_f(l, "\\%c", (char)code);
    else if (!kith_utf8_is_odd(code))
        add(l, (const char *)s, n);
    else if (code < 0x10000)
        kith_line_f(l, "\\u%04x", code);
    else /* two halves */
        kith_line_f(l, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
                    0xdc00 + (code & 0x3ff));
}

/* A JSON string; b is UTF-8. */
static void add_string(struct kith_log_line *l, struct kith_bytes b)
{
    kith_line_text(l, "\"");
    for (size_t i = 0, n; i < b.len; i += n) {
        uint32_t code = 0;
        if (!(n = kith_utf8_char(b.data + i, b.len - i, &code))) break;
        add_character(l, b.data + i, n, code);
    }
    kith_line_text(l, "\"");
}

void kith_line_base64(struct kith_log_line *l, struct kith_bytes b)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    kith_line_text(l, "\"");
    for (size_t i = 0; i < b.len; i += 3) {
        size_t left = b.len - i;
        uint32_t v = (uint32_t)b.data[i] << 16 | (left > 1 ? (uint32_t)b.data[i + 1] << 8 : 0) |
                     (left > 2 ? b.data[i + 2] : 0);
        char out[4] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
                       left > 2 ? digits[v & 63] : '='};
        add(l, out, sizeof out);
    }
    kith_line_text(l, "\"");
}

/* `"key":"text"`, or `"key_base64":"..."` when it is no text. */
void kith_line_key(struct kith_log_line *l, const char *key, struct kith_bytes b)
{
    bool text = is_utf8(b);
    kith_line_f(l, "\"%s%s\":", key, text ? "" : "_base64");
    if (text)
        add_string(l, b);
    else
        kith_line_base64(l, b);
}

void kith_line_bytes(struct kith_log_line *l, const char *key, struct kith_bytes b)
{
    kith_line_text(l, ",");
    kith_line_key(l, key, b);
}

/* `"key":"name"`: as it can be shown, in a JSON string. */
void kith_line_name(struct kith_log_line *l, const char *key, struct kith_bytes b)
{
    kith_line_f(l, ",\"%s\":\"", key);
    for (size_t i = 0, used; i < b.len; i += used) {
        char piece[4];
        size_t n = kith_show_next(piece, b.data + i, b.len - i, true, &used);
        for (size_t k = 0; k < n; k++) {
            if (piece[k] == '"' || piece[k] == '\\') kith_line_text(l, "\\");
            add(l, &piece[k], 1);
        }
    }
    kith_line_text(l, "\"");
}

void kith_line_time(struct kith_log_line *l, uint64_t wall)
{
    char when[40];
    time_t seconds = (time_t)(wall / 1000000000u);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(when + n, sizeof when - n, ".%03uZ", (unsigned)(wall / 1000000u % 1000u));
    kith_line_text(l, when);
}
