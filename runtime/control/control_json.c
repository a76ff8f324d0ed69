/*
 * control_json.c - bytes as JSON text.
 */
#include "control_inside.h"
#include <sodium.h>
#include <stdlib.h>

static json_t *shown(struct kith_bytes b, bool name)
{
    size_t room = KITH_SHOWN_ROOM(b.len);
    char *text = malloc(room);
    if (!text) return NULL;
    size_t len = kith_show_as(text, room, b, name);
    json_t *out = json_stringn(text, len);
    free(text);
    return out;
}

json_t *kith_json_name(struct kith_bytes b) { return shown(b, true); }

int kith_json_unshow(const json_t *string, uint8_t *out, struct kith_bytes *name)
{
    struct kith_bytes text = kith_bytes_of(json_string_value(string), json_string_length(string));
    if (!json_is_string(string)) return -KITH_EINVAL;
    if (text.len >= KITH_SHOWN_ROOM(KITH_NAME_LIMIT)) return -KITH_ETOOBIG;
    int n = kith_unshow(out, text);
    if (n < 0) return n;
    *name = kith_bytes_of(out, (size_t)n);
    return 0;
}

json_t *kith_json_text(const char *text) { return shown(kith_bytes_of(text, strlen(text)), false); }

json_t *kith_json_output(struct kith_bytes b)
{
    char *text = malloc(KITH_SHOWN_ROOM(b.len)), *p = text;
    if (!text) return NULL;
    for (size_t i = 0, used; i < b.len; i += used) {
        used = kith_utf8_char(b.data + i, b.len - i, NULL);
        if (used) memcpy(p, b.data + i, used);
        p += used ? used : kith_show_next(p, b.data + i, 1, false, &used);
    }
    json_t *out = json_stringn(text, (size_t)(p - text));
    free(text);
    return out;
}

json_t *kith_json_base64(struct kith_bytes b)
{
    size_t cap = sodium_base64_ENCODED_LEN(b.len, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(cap);
    if (!text) return NULL;
    sodium_bin2base64(text, cap, b.data, b.len, sodium_base64_VARIANT_ORIGINAL);
    json_t *out = json_string(text);
    free(text);
    return out;
}
