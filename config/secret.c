/*
 * secret.c - keys: the texts that stand for one, and the locked memory they are kept in.
 *
 * A key is written in base64 (as `serf keygen` prints it), in hex, or is the raw 16, 24 or 32
 * bytes. Knows nothing of where keys come from (secret_load.c), of rings and of codecs.
 */
#include "secret.h"
#include <sodium.h>
#include <stdlib.h>

/* ----------------------------------------------------------------------------- locked memory */

/* sodium_malloc() keeps the bytes out of swap and core dumps, surrounds them with guard pages and
 * wipes them when freed. Its mlock may be refused (RLIMIT_MEMLOCK): it gives the memory all the
 * same. */
uint8_t *kith_secret_alloc(size_t len)
{
    if (sodium_init() < 0) abort();
    uint8_t *p = sodium_malloc(len);
    if (!p) abort();
    return p;
}

void kith_secret_free(uint8_t *p)
{
    if (p) sodium_free(p);
}

/* ----------------------------------------------------------------------------------- one key */

static bool good_length(size_t n) { return n == 16 || n == 24 || n == 32; }

static bool decode(const char *text, size_t len, uint8_t out[KITH_KEY_MAX], size_t *n)
{
    const char *end;
    if (good_length(len / 2) && len % 2 == 0 &&
        sodium_hex2bin(out, KITH_KEY_MAX, text, len, NULL, n, &end) == 0 && end == text + len)
        return good_length(*n);
    for (int pad = 0; pad < 2; pad++) {
        int variant =
            pad ? sodium_base64_VARIANT_ORIGINAL_NO_PADDING : sodium_base64_VARIANT_ORIGINAL;
        if (sodium_base642bin(out, KITH_KEY_MAX, text, len, NULL, n, &end, variant) == 0 &&
            end == text + len && good_length(*n))
            return true;
    }
    return false;
}

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

int kith_secret_parse(const char *text, size_t len, uint8_t out[KITH_KEY_MAX])
{
    size_t from = 0, to = len, n;
    while (from < to && blank(text[from])) from++;
    while (to > from && blank(text[to - 1])) to--;
    if (decode(text + from, to - from, out, &n)) return (int)n;
    if (to > from && text[to - 1] == '=')
        return -KITH_EINVAL; /* base64 of a wrong length is no raw key */
    /* Raw bytes may begin or end with what looks like white space; an editor may have added a line
     * end to them. */
    if (!good_length(len)) {
        text += from;
        len = to - from;
    }
    if (!good_length(len)) return -KITH_EINVAL;
    memcpy(out, text, len);
    return (int)len;
}

/* ---------------------------------------------------------------------------- a list of keys */

static void free_items(struct kith_secret *items, size_t count)
{
    for (size_t i = 0; i < count; i++) kith_secret_free(items[i].data);
    free(items);
}

void kith_secrets_free(struct kith_secrets *s)
{
    free_items(s->items, s->count);
    s->items = NULL;
    s->count = 0;
}

/* A key that is there already is not added again (memberlist's AddKey). */
void kith_secrets_add_from(struct kith_secrets *s, uint32_t source, const uint8_t *key, size_t len)
{
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].len == len && sodium_memcmp(s->items[i].data, key, len) == 0) return;
    struct kith_secret *items = realloc(s->items, (s->count + 1) * sizeof *items);
    if (!items) abort();
    s->items = items;
    items[s->count] = (struct kith_secret){kith_secret_alloc(len), (uint32_t)len, source};
    memcpy(items[s->count++].data, key, len);
}

int kith_secrets_add(struct kith_secrets *s, const uint8_t *key, size_t len)
{
    if (!good_length(len)) return -KITH_EINVAL;
    kith_secrets_add_from(s, 0, key, len);
    return 0;
}

int kith_secrets_add_text(struct kith_secrets *s, uint32_t source, const char *text, size_t len,
                          bool raw)
{
    uint8_t key[KITH_KEY_MAX];
    size_t bytes;
    int n = raw                              ? kith_secret_parse(text, len, key)
            : decode(text, len, key, &bytes) ? (int)bytes
                                             : -KITH_EINVAL;
    if (n > 0) kith_secrets_add_from(s, source, key, (size_t)n);
    sodium_memzero(key, sizeof key);
    return n > 0 ? 0 : n;
}
