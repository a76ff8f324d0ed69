/*
 * keyring.c - a ring of keys, with memberlist's semantics (PROTOCOL.md 4): the first is the primary
 * and seals, all open.
 *
 * Keys and what is derived from them lie in locked memory and are wiped; nothing of them is ever
 * printed, only fingerprints. Writing the ring back to its file is keyfile.c's part. Knows of
 * plugins no more than names and flags.
 */
#include "keyfile.h"
#include "keyring.h"

#include <sodium.h>
#include <stdlib.h>

enum { SUBKEY = 32 };

/* Derived once per name, because a plugin is promised that the bytes stay where they are. */
struct subkey {
    struct subkey *next;
    uint8_t *data;
    char name[];
};

struct key {
    uint8_t *data;
    uint32_t len;
    struct subkey *subkeys;
};

struct listener {
    void (*changed)(void *arg);
    void *arg;
};

struct kith_keyring {
    unsigned refs;
    struct key **keys; /* primary first */
    size_t count;
    char *file; /* where it came from when that is one file; else NULL */
    enum kith_keyfile_form form;
    struct listener *listeners;
    size_t listener_count;
};

/* -------------------------------------------------------------------------------------- keys */

static void key_free(struct key *key)
{
    if (!key) return;
    while (key->subkeys) {
        struct subkey *sub = key->subkeys;
        key->subkeys = sub->next;
        kith_secret_free(sub->data);
        free(sub);
    }
    if (key->data) kith_secret_free(key->data);
    free(key);
}

static struct key *key_new(const uint8_t *data, size_t len)
{
    struct key *key = calloc(1, sizeof *key);
    if (key) key->data = kith_secret_alloc(len);
    if (!key || !key->data) {
        key_free(key);
        return NULL;
    }
    memcpy(key->data, data, len);
    key->len = (uint32_t)len;
    return key;
}

static bool key_is(const struct key *key, const uint8_t *data, size_t len)
{
    return key->len == len && sodium_memcmp(key->data, data, len) == 0;
}

/* memberlist's ValidateKey. */
static bool length_ok(size_t len) { return len == 16 || len == 24 || len == 32; }

static void keys_free(struct key **keys, size_t count)
{
    for (size_t i = 0; i < count; i++) key_free(keys[i]);
    free(keys);
}

/* Keys of a config without repetitions, in their order. *out may be NULL when there are none. */
static int keys_from(const struct kith_secrets *secrets, struct key ***out, size_t *count)
{
    *out = NULL;
    *count = 0;
    if (!secrets || !secrets->count) return 0;
    struct key **keys = calloc(secrets->count, sizeof *keys);
    if (!keys) return -KITH_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; i < secrets->count; i++) {
        const struct kith_secret *s = &secrets->items[i];
        bool known = false;
        for (size_t j = 0; j < n; j++) known |= key_is(keys[j], s->data, s->len);
        if (known) continue;
        keys[n] = length_ok(s->len) ? key_new(s->data, s->len) : NULL;
        if (!keys[n]) {
            keys_free(keys, n);
            return length_ok(s->len) ? -KITH_ENOMEM : -KITH_EINVAL;
        }
        n++;
    }
    *out = keys;
    *count = n;
    return 0;
}

/* Remember the file that all keys came from, when it was one file. */
static void note_file(struct kith_keyring *ring, const struct kith_secrets *secrets)
{
    free(ring->file);
    ring->file = NULL;
    if (!secrets || secrets->source_count != 1 || secrets->sources[0].kind != KITH_KEYS_FILE)
        return;
    ring->file = strdup(secrets->sources[0].where);
    ring->form = KITH_KEYFILE_SERF;
    if (ring->file && ring->count)
        ring->form =
            kith_keyfile_form(ring->file, kith_bytes_of(ring->keys[0]->data, ring->keys[0]->len));
}

/* ---------------------------------------------------------------------------------- the ring */

struct kith_keyring *kith_keyring_new(const struct kith_secrets *secrets)
{
    if (sodium_init() < 0) return NULL;
    struct kith_keyring *ring = calloc(1, sizeof *ring);
    if (!ring) return NULL;
    ring->refs = 1;
    if (keys_from(secrets, &ring->keys, &ring->count) != 0) {
        free(ring);
        return NULL;
    }
    note_file(ring, secrets);
    return ring;
}

static struct kith_keyring *keyring_ref(struct kith_keyring *ring)
{
    ring->refs++;
    return ring;
}

void kith_keyring_unref(struct kith_keyring *ring)
{
    if (!ring || --ring->refs) return;
    keys_free(ring->keys, ring->count);
    free(ring->listeners);
    free(ring->file);
    free(ring);
}

size_t kith_keyring_count(const struct kith_keyring *ring) { return ring->count; }

/* BLAKE2b keyed with the ring's key over a fixed prefix and the plugin's name, so that each plugin
 * has keys of its own (docs/WIRE.md). */
static struct subkey *derive(const struct key *key, const char *name)
{
    static const char prefix[] = "kith subkey 1: ";
    size_t len = strlen(name);
    struct subkey *sub = malloc(sizeof *sub + len + 1);
    if (!sub) return NULL;
    memcpy(sub->name, name, len + 1);
    sub->data = kith_secret_alloc(SUBKEY);
    if (!sub->data) {
        free(sub);
        return NULL;
    }
    crypto_generichash_state state;
    crypto_generichash_init(&state, key->data, key->len, SUBKEY);
    crypto_generichash_update(&state, (const unsigned char *)prefix, sizeof prefix - 1);
    crypto_generichash_update(&state, (const unsigned char *)name, len);
    crypto_generichash_final(&state, sub->data, SUBKEY);
    sodium_memzero(&state, sizeof state);
    return sub;
}

/* What there is room for, as the header promises to plugins. */
static void give(struct kith_key *out, const uint8_t *data, size_t len)
{
    struct kith_key key = {.size = out->size, .len = (uint32_t)len, .data = data};
    if (key.size > sizeof key) key.size = sizeof key;
    memcpy(out, &key, key.size);
}

int kith_keyring_key(struct kith_keyring *ring, size_t i, const char *name, struct kith_key *out)
{
    if (i >= ring->count) return -KITH_ENOTFOUND;
    struct key *key = ring->keys[i];
    if (!name) {
        give(out, key->data, key->len);
        return 0;
    }
    struct subkey *sub = key->subkeys;
    while (sub && strcmp(sub->name, name) != 0) sub = sub->next;
    if (!sub) {
        if (!(sub = derive(key, name))) return -KITH_ENOMEM;
        sub->next = key->subkeys;
        key->subkeys = sub;
    }
    give(out, sub->data, SUBKEY);
    return 0;
}

struct kith_keyring *kith_keyring_of(const struct kith_entry *entry, struct kith_keyring *node)
{
    const struct kith_plugin *plugin = entry->plugin;
    bool keyed = plugin->flags & KITH_KEYED;
    if (keyed && entry->has_keys) return kith_keyring_new(&entry->keys);
    bool shares = plugin->kind == KITH_DELEGATE ? entry->allow & KITH_ALLOW_KEYS : keyed;
    return shares && node ? keyring_ref(node) : NULL;
}

const char *kith_keyring_name(const struct kith_entry *entry)
{
    const struct kith_plugin *plugin = entry->plugin;
    if (plugin->kind == KITH_DELEGATE) return entry->has_keys ? plugin->name : NULL;
    bool raw = plugin->kind == KITH_CODEC && plugin->flags & KITH_RAW_KEYS;
    return raw ? NULL : plugin->name;
}

bool kith_keyring_holds(const struct kith_keyring *ring, const struct kith_secrets *secrets)
{
    if (ring->count != secrets->count) return false;
    for (size_t i = 0; i < ring->count; i++)
        if (!key_is(ring->keys[i], secrets->items[i].data, secrets->items[i].len)) return false;
    return true;
}

void kith_keyring_fingerprint(const struct kith_keyring *ring, size_t i, char out[KITH_FINGERPRINT])
{
    unsigned char sum[32];
    out[0] = 0;
    if (i >= ring->count) return;
    crypto_generichash(sum, sizeof sum, ring->keys[i]->data, ring->keys[i]->len, NULL, 0);
    sodium_bin2hex(out, KITH_FINGERPRINT, sum, (KITH_FINGERPRINT - 1) / 2);
}

int kith_keyring_find(const struct kith_keyring *ring, const char *fingerprint)
{
    for (size_t i = 0; i < ring->count; i++) {
        char text[KITH_FINGERPRINT];
        kith_keyring_fingerprint(ring, i, text);
        if (strcmp(text, fingerprint) == 0) return (int)i;
    }
    return -KITH_ENOTFOUND;
}

/* --------------------------------------------------------------------------------- listeners */

void kith_keyring_listen(struct kith_keyring *ring, void (*changed)(void *arg), void *arg)
{
    struct listener *more = realloc(ring->listeners, (ring->listener_count + 1) * sizeof *more);
    if (!more) abort(); /* who misses a change would seal with a dead key */
    ring->listeners = more;
    more[ring->listener_count++] = (struct listener){changed, arg};
}

void kith_keyring_unlisten(struct kith_keyring *ring, void (*changed)(void *arg), void *arg)
{
    for (size_t i = 0; i < ring->listener_count; i++) {
        if (ring->listeners[i].changed != changed || ring->listeners[i].arg != arg) continue;
        memmove(&ring->listeners[i], &ring->listeners[i + 1],
                (--ring->listener_count - i) * sizeof *ring->listeners);
        return;
    }
}

static void tell(struct kith_keyring *ring)
{
    for (size_t i = 0; i < ring->listener_count; i++)
        ring->listeners[i].changed(ring->listeners[i].arg);
}

/* ----------------------------------------------------------------------------------- changes */

/* Tell those who use the keys, then write the file. The ring has changed even when the file could
 * not be written. */
static int changed(struct kith_keyring *ring, bool *saved, struct kith_error *err)
{
    tell(ring);
    bool written = false;
    if (ring->file) {
        struct kith_bytes *keys = calloc(ring->count ? ring->count : 1, sizeof *keys);
        for (size_t i = 0; keys && i < ring->count; i++)
            keys[i] = kith_bytes_of(ring->keys[i]->data, ring->keys[i]->len);
        if (ring->count > 1) ring->form = KITH_KEYFILE_SERF;
        if (keys)
            written = kith_keyfile_write(ring->file, ring->form, keys, ring->count, err) == 0;
        else
            kith_fail(err, KITH_ENOMEM, "no memory to write %s", ring->file);
        free(keys);
    }
    if (saved) *saved = written;
    return 0;
}

static int unchanged(const struct kith_keyring *ring, bool *saved)
{
    if (saved) *saved = ring->file != NULL;
    return 0;
}

static int no_such_key(size_t i, struct kith_error *err)
{
    return kith_fail(err, KITH_ENOTFOUND, "the ring has no key number %zu", i + 1);
}

int kith_keyring_install(struct kith_keyring *ring, const uint8_t *key, size_t len, bool *saved,
                         struct kith_error *err)
{
    if (!length_ok(len))
        return kith_fail(err, KITH_EINVAL, "a key has 16, 24 or 32 bytes, not %zu", len);
    for (size_t i = 0; i < ring->count; i++)
        if (key_is(ring->keys[i], key, len)) return unchanged(ring, saved);
    struct key *fresh = key_new(key, len);
    struct key **more = fresh ? realloc(ring->keys, (ring->count + 1) * sizeof *more) : NULL;
    if (!more) {
        key_free(fresh);
        return kith_fail(err, KITH_ENOMEM, "no memory for another key");
    }
    ring->keys = more;
    more[ring->count++] = fresh;
    return changed(ring, saved, err);
}

int kith_keyring_use(struct kith_keyring *ring, size_t i, bool *saved, struct kith_error *err)
{
    if (i >= ring->count) return no_such_key(i, err);
    if (i == 0) return unchanged(ring, saved);
    struct key *primary = ring->keys[i];
    memmove(&ring->keys[1], &ring->keys[0], i * sizeof *ring->keys);
    ring->keys[0] = primary;
    return changed(ring, saved, err);
}

int kith_keyring_remove(struct kith_keyring *ring, size_t i, bool *saved, struct kith_error *err)
{
    if (i >= ring->count) return no_such_key(i, err);
    if (i == 0)
        return kith_fail(err, KITH_EINVAL,
                         "the primary key can't be removed: use another one first");
    struct key *gone = ring->keys[i];
    memmove(&ring->keys[i], &ring->keys[i + 1], (--ring->count - i) * sizeof *ring->keys);
    int rc = changed(ring, saved, err);
    key_free(gone); /* its bytes may be in use until all are told */
    return rc;
}

static bool same_keys(const struct kith_keyring *ring, struct key **keys, size_t count)
{
    if (count != ring->count) return false;
    for (size_t i = 0; i < count; i++)
        if (!key_is(ring->keys[i], keys[i]->data, keys[i]->len)) return false;
    return true;
}

int kith_keyring_replace(struct kith_keyring *ring, const struct kith_secrets *secrets)
{
    struct key **keys, **old = ring->keys;
    size_t count, old_count = ring->count;
    int rc = keys_from(secrets, &keys, &count);
    if (rc) return rc;
    bool same = same_keys(ring, keys, count);
    ring->keys = keys;
    ring->count = count;
    note_file(ring, secrets);
    if (same) {
        ring->keys = old; /* plugins point to these bytes */
        keys_free(keys, count);
        return 0;
    }
    tell(ring);
    keys_free(old, old_count);
    return 0;
}
