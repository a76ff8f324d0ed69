/*
 * keyfile_form.c - what a ring's file holds: the form is recognised by the key that came out of it,
 * and keys are rendered in a form. Reading is config's work, writing keyfile.c's.
 */
#include "keyfile.h"

#include "file.h"
#include <sodium.h>
#include <strings.h>

enum { KEY_MAX = 32, LINE = 96 };

/* Does the file hold this text, with nothing but white space around it? */
static bool holds(const char *file, size_t len, const char *text)
{
    static const char space[] = " \t\r\n";
    while (len && file[len - 1] && strchr(space, file[len - 1])) len--;
    while (len && *file && strchr(space, *file)) file++, len--;
    size_t n = strlen(text);
    while (n && text[n - 1] == '=' && n > len) n--; /* padding may be missing */
    return n == len && strncasecmp(file, text, n) == 0;
}

enum kith_keyfile_form kith_keyfile_form_of(const char *path, struct kith_bytes key)
{
    char old[256], text[LINE + KEY_MAX];
    ssize_t n = kith_file_load(path, old, sizeof old, KITH_FILE_NOW, NULL);
    enum kith_keyfile_form form = KITH_KEYFILE_SERF;
    if (n > 0 && key.len <= KEY_MAX) {
        if ((size_t)n == key.len && sodium_memcmp(old, key.data, key.len) == 0)
            form = KITH_KEYFILE_RAW;
        sodium_bin2hex(text, sizeof text, key.data, key.len);
        if (holds(old, (size_t)n, text)) form = KITH_KEYFILE_HEX;
        sodium_bin2base64(text, sizeof text, key.data, key.len, sodium_base64_VARIANT_ORIGINAL);
        if (holds(old, (size_t)n, text)) form = KITH_KEYFILE_BASE64;
    }
    sodium_memzero(old, sizeof old);
    sodium_memzero(text, sizeof text);
    return form;
}

size_t kith_keyfile_room(size_t count) { return count * LINE + 2 * KEY_MAX + 8; }

size_t kith_keyfile_render(enum kith_keyfile_form form, const struct kith_bytes *keys, size_t count,
                           char *out)
{
    size_t cap = kith_keyfile_room(count);
    if (count == 1 && form == KITH_KEYFILE_RAW) {
        memcpy(out, keys[0].data, keys[0].len);
        return keys[0].len;
    }
    if (count == 1 && form == KITH_KEYFILE_HEX) {
        sodium_bin2hex(out, cap, keys[0].data, keys[0].len);
        strcat(out, "\n");
        return strlen(out);
    }
    bool list = form == KITH_KEYFILE_SERF || count != 1;
    size_t used = 0;
    if (list) used += (size_t)snprintf(out, cap, "[");
    for (size_t i = 0; i < count; i++) {
        char text[LINE];
        sodium_bin2base64(text, sizeof text, keys[i].data, keys[i].len,
                          sodium_base64_VARIANT_ORIGINAL);
        used += (size_t)snprintf(out + used, cap - used, list ? "%s\n  \"%s\"" : "%s%s",
                                 i ? "," : "", text);
        sodium_memzero(text, sizeof text);
    }
    used += (size_t)snprintf(out + used, cap - used, list ? "\n]\n" : "\n");
    return used;
}
