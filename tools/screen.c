/*
 * screen.c - text for people: others' names, meta and messages.
 */
#include "screen.h"

#include "control.h"
#include "utf8.h"
#include <msgpack.h>
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
    for (char *end = text + json_string_length(string), *nul = text; text; *nul = '?')
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
    json_t *string = json_string(text);
    if (string) return string;
    char *copy = strdup(text);
    string = copy ? json_string(kith_tool_clean(copy)) : NULL;
    free(copy);
    return string;
}

/* Serf's tags: FF and a msgpack map of strings. NULL: something else. */
static char *tags_text(const uint8_t *bytes, size_t len)
{
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    char *text = NULL;
    size_t used = 1, cap;
    FILE *out = NULL;
    if (len < 2 || bytes[0] != 0xff ||
        msgpack_unpack_next(&unpacked, (const char *)bytes, len, &used) != MSGPACK_UNPACK_SUCCESS ||
        unpacked.data.type != MSGPACK_OBJECT_MAP || used != len ||
        !(out = open_memstream(&text, &cap)))
        goto out;
    for (uint32_t i = 0; i < unpacked.data.via.map.size; i++) {
        const msgpack_object_kv *kv = &unpacked.data.via.map.ptr[i];
        if (kv->key.type != MSGPACK_OBJECT_STR || kv->val.type != MSGPACK_OBJECT_STR) continue;
        fprintf(out, "%s%.*s=%.*s", i ? " " : "", (int)kv->key.via.str.size, kv->key.via.str.ptr,
                (int)kv->val.via.str.size, kv->val.via.str.ptr);
    }
    fclose(out);
out:
    msgpack_unpacked_destroy(&unpacked);
    return text;
}

char *kith_tool_printable(const char *base64)
{
    size_t len = 0;
    uint8_t *bytes = decode(base64, &len);
    if (!bytes) return strdup("");
    char *tags = tags_text(bytes, len);
    json_t *utf8 = json_stringn((const char *)bytes, len);
    bool plain = utf8 != NULL;
    for (size_t i = 0; i < len; i++)
        plain = plain && (bytes[i] >= 0x20 || bytes[i] == '\t') && bytes[i] != 0x7f;
    json_decref(utf8);
    if (tags || plain) {
        char *out = tags ? tags : strdup((char *)bytes);
        free(bytes);
        return kith_tool_clean(out);
    }
    free(bytes);
    char *out = malloc(strlen(base64) + 8);
    if (out) sprintf(out, "base64:%s", base64);
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
