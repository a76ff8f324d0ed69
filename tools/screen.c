/*
 * screen.c - text for people: others' names, meta and messages.
 */
#include "screen.h"

#include "config.h"
#include "control.h"
#include "utf8.h"
#include <kith/shown.h>
#include <sodium.h>
#include <stdlib.h>

/* base64 to bytes; malloc'd, NUL behind. NULL: it is none. */
static uint8_t *decode(const char *base64, size_t *len)
{
    size_t n = base64 ? strlen(base64) : 0;
    uint8_t *out = base64 ? malloc(n + 1) : NULL;
    if (!out) return NULL;
    if (sodium_base642bin(out, n + 1, base64, n, NULL, len, NULL, sodium_base64_VARIANT_ORIGINAL)) {
        free(out);
        return NULL;
    }
    out[*len] = 0;
    return out;
}

char *kith_tool_clean(char *text)
{
    for (char *p = text, *end = text ? text + strlen(text) : text; p < end;) {
        size_t n = *p == '\t' ? 0 : kith_utf8_shown(p, (size_t)(end - p));
        if (!n) *p = '?';
        p += n ? n : 1;
    }
    return text;
}

const char *kith_tool_text(json_t *string)
{
    char *text = (char *)(uintptr_t)json_string_value(string);
    if (!text) return NULL;
    for (char *end = text + json_string_length(string), *nul = text;; *nul = '?')
        if (!(nul = memchr(nul, 0, (size_t)(end - nul)))) break;
    return kith_tool_clean(text);
}

void kith_tool_write(const char *text, size_t len, FILE *out)
{
    for (size_t i = 0, n; i < len; i += n ? n : 1) {
        n = text[i] == '\n' ? 1 : kith_utf8_shown(text + i, len - i);
        fwrite(n ? text + i : "?", 1, n ? n : 1, out);
    }
}

json_t *kith_tool_string(const char *text)
{
    size_t room = KITH_SHOWN_ROOM(strlen(text));
    char *shown = malloc(room);
    if (!shown) return NULL;
    size_t len = kith_show_as(shown, room, kith_text(text), false);
    json_t *string = json_stringn(shown, len);
    free(shown);
    return string;
}

/* One of several texts on a line: as it can be shown. */
static void put_shown(FILE *out, struct kith_bytes text)
{
    for (size_t i = 0, used; i < text.len; i += used) {
        char piece[4];
        size_t n = kith_show_next(piece, text.data + i, text.len - i, true, &used);
        fwrite(piece, 1, n, out);
    }
}

static char *tags_text(struct kith_bytes meta)
{
    struct kith_tags tags;
    struct kith_pair tag;
    char *text = NULL;
    size_t cap;
    FILE *out = kith_tags_begin(&tags, meta) ? open_memstream(&text, &cap) : NULL;
    if (!out) return NULL;
    for (const char *between = ""; kith_tags_next(&tags, &tag); between = " ") {
        fputs(between, out);
        put_shown(out, tag.name);
        fputc('=', out);
        put_shown(out, tag.value);
    }
    return fclose(out) ? NULL : text;
}

static bool is_plain(struct kith_bytes b)
{
    for (size_t i = 0, n; i < b.len; i += n)
        if (!(n = kith_utf8_shown((const char *)b.data + i, b.len - i))) return false;
    return true;
}

char *kith_tool_printable(const char *base64)
{
    size_t len = 0;
    uint8_t *bytes = decode(base64, &len);
    if (!bytes) return strdup("");
    char *out = tags_text(kith_bytes_of(bytes, len));
    if (!out && is_plain(kith_bytes_of(bytes, len)))
        out = kith_tool_clean(strdup((char *)bytes)); /* decode() put a NUL behind */
    else if (!out && (out = malloc(strlen(base64) + 8)))
        sprintf(out, "base64:%s", base64);
    free(bytes);
    return out;
}

void kith_tool_json_part(const json_t *value) { json_dumpf(value, stdout, KITH_CONTROL_JSON); }

void kith_tool_json(const json_t *value)
{
    json_t *copy = json_copy((json_t *)value);
    json_object_del(copy, "ok");
    kith_tool_json_part(copy);
    putchar('\n');
    json_decref(copy);
}
