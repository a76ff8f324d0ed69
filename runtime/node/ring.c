/*
 * ring.c - changes of the node's keyring: by whom they are asked for is all one. The entries that
 * use the ring listen to it themselves; here the others come to know that it changed.
 */
#include "inside.h"

static void ring_changed(void *ctx)
{
    struct kith *k = ctx;
    k->keys_changed = true; /* the event goes out at the end of the turn */
    kith_node_wake(k);
}

void kith_ring_watch(struct kith *k) { kith_keyring_watch(k->ring, ring_changed, k); }

void kith_ring_unwatch(struct kith *k) { kith_keyring_watch(k->ring, NULL, NULL); }

static int find(struct kith_keyring *ring, struct kith_bytes key)
{
    for (size_t i = 0; i < kith_keyring_count(ring); i++) {
        struct kith_key has = {.size = sizeof has};
        if (kith_keyring_key(ring, i, NULL, &has) < 0) continue;
        if (kith_bytes_equal(kith_bytes_of(has.data, has.len), key)) return (int)i;
    }
    return -KITH_ENOTFOUND;
}

int kith_node_key(struct kith *k, enum kith_key_change change, struct kith_bytes key,
                  struct kith_error *err)
{
    struct kith_error mine = {.size = sizeof mine};
    if (!err) err = &mine;
    kith_error_clear(err);
    bool saved = false;
    int i = change == KITH_KEY_INSTALL ? 0 : find(k->ring, key), rc;
    if (i < 0) return kith_fail(err, KITH_ENOTFOUND, "this key is not installed");
    switch (change) {
    case KITH_KEY_INSTALL:
        rc = kith_keyring_install(k->ring, key.data, key.len, &saved, err);
        break;
    case KITH_KEY_USE: rc = kith_keyring_use(k->ring, (size_t)i, &saved, err); break;
    case KITH_KEY_REMOVE: rc = kith_keyring_remove(k->ring, (size_t)i, &saved, err); break;
    default: return kith_fail(err, KITH_EINVAL, "no such change of a key");
    }
    if (rc < 0) return rc;
    return saved || !*err->text ? 0 : -KITH_EIO; /* no words: there is no file to write */
}
