/*
 * control_json.c - bytes as JSON text.
 */
#include "control_inside.h"
#include <sodium.h>
#include <stdlib.h>

json_t *kith_json_bytes(struct kith_bytes b)
{
    json_t *plain = json_stringn((const char *)b.data, b.len);
    if (plain || (b.len && !b.data)) return plain ? plain : json_string("");
    char *text = malloc(b.len * 4 + 1), *p = text;
    if (!text) return NULL;
    for (size_t i = 0; i < b.len; i++) {
        if (b.data[i] < 0x80)
            *p++ = (char)b.data[i];
        else
            p += sprintf(p, "\\x%02x", b.data[i]);
    }
    plain = json_stringn(text, (size_t)(p - text));
    free(text);
    return plain;
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

json_t *kith_json_text(const char *text)
{
    return kith_json_bytes(kith_bytes_of(text, strlen(text)));
}
