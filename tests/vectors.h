/* vectors.h - bytes of tests/data/vectors.json by name: what the real libraries wrote. */
#ifndef KITH_VECTORS_H
#define KITH_VECTORS_H

#include <jansson.h>
#include <kith/plugin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline json_t *vectors(void)
{
    static json_t *all;
    char path[4096];
    const char *srcdir = getenv("srcdir");
    if (all) return all;
    snprintf(path, sizeof path, "%s/tests/data/vectors.json", srcdir ? srcdir : ".");
    json_error_t error;
    if (!(all = json_load_file(path, 0, &error))) {
        fprintf(stderr, "%s: %s\n", path, error.text);
        exit(2);
    }
    return all;
}

/* Malloc'd. */
static inline uint8_t *from_hex(const char *hex, size_t *len)
{
    *len = strlen(hex) / 2;
    uint8_t *out = malloc(*len ? *len : 1);
    for (size_t i = 0; i < *len; i++) {
        unsigned byte;
        sscanf(hex + 2 * i, "%2x", &byte);
        out[i] = (uint8_t)byte;
    }
    return out;
}

static inline uint8_t *vector_bytes(const char *name, size_t *len)
{
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(vectors(), "vectors"), i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "name")), name) == 0)
            return from_hex(json_string_value(json_object_get(one, "hex")), len);
    }
    fprintf(stderr, "no vector %s\n", name);
    exit(2);
}

/* The same as kith_bytes, to be dropped: exactly as long as the text, so that ASan sees a read
 * behind it. */
static inline struct kith_bytes unhex(const char *hex)
{
    size_t len;
    uint8_t *data = from_hex(hex, &len);
    return kith_bytes_of(data, len);
}
static inline struct kith_bytes vector(const char *name)
{
    size_t len;
    uint8_t *data = vector_bytes(name, &len);
    return kith_bytes_of(data, len);
}
static inline void drop(struct kith_bytes b) { free((void *)(uintptr_t)b.data); }

#endif
