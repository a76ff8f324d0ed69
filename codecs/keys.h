/*
 * keys.h - the ring's keys as libsodium's functions want them: pointers to 32 bytes of the host's
 * locked memory, which stay valid until the next refresh.
 */
#ifndef KITH_KEYS_H
#define KITH_KEYS_H

#include <kith/plugin.h>
#include <stdlib.h>

struct keys {
    const uint8_t **items; /* the primary first */
    size_t count;
};

static inline void keys_fini(struct keys *k)
{
    free(k->items);
    *k = (struct keys){0};
}

/* In init and refresh: an error leaves *k as it was. */
static inline int keys_read(struct keys *k, const struct kith_host *host, struct kith_error *err)
{
    struct kith_key key = {.size = sizeof key};
    struct keys fresh = {.count = host->keys(host, 0, &key)};
    if (fresh.count && !(fresh.items = calloc(fresh.count, sizeof *fresh.items)))
        return kith_fail(err, KITH_ENOMEM, "no memory for its keys");
    for (size_t i = 0; i < fresh.count; i++) {
        host->keys(host, i, &key);
        if (key.len != 32) {
            keys_fini(&fresh);
            return kith_fail(err, KITH_EINVAL, "a key has %u bytes, not 32", (unsigned)key.len);
        }
        fresh.items[i] = key.data;
    }
    keys_fini(k);
    *k = fresh;
    return 0;
}

#endif
