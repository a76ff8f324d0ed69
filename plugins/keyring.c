/*
 * keyring.c - a ring of keys, with memberlist's semantics (PROTOCOL.md 4): the first is the primary
 * and seals, all open.
 *
 * Keys and what is derived from them lie in locked memory and are wiped; nothing of them is ever
 * printed, only fingerprints. Writing the ring back to its file is keyfile.c's part. Knows of
 * plugins no more than names and flags.
 */
#include "growth.h"
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
    struct key *next; /* of those that are gone, and held */
    unsigned refs;    /* rings that hold it */
    uint8_t *data;
    uint32_t len;
    struct subkey *subkeys;
};

struct listener {
    int (*changed)(void *arg, struct kith_error *err);
    void *arg;
};

struct kith_keyring {
    unsigned refs;
    struct key **keys; /* primary first */
    size_t count;
    char *file; /* where it came from when that is one file; else NULL */
    enum kith_keyfile_form form;
    bool unwritten; /* the file could not be written: it has other keys */
    struct listener *listeners;
    size_t listener_count;
    void (*watch)(void *arg); /* hears of changes that all have taken over */
    void *watch_arg;
    struct key *gone; /* whose bytes a listener still uses: it could not take a change over */
    bool hold;        /* so it is with this change */
    /* The ring that this one will be joined to; once joined, this is an alias of it. NULL: an
     * ordinary ring. */
    struct kith_keyring *ahead;
    bool joined;
};

/* The ring that this one is by now. */
static struct kith_keyring *now_is(const struct kith_keyring *ring)
{
    return ring->joined ? ring->ahead : (struct kith_keyring *)(uintptr_t)ring;
}

/* The ring that this one is or is to be. */
static const struct kith_keyring *will_be(const struct kith_keyring *ring)
{
    return ring && ring->ahead ? ring->ahead : ring;
}

/* -------------------------------------------------------------------------------------- keys */

static void key_unref(struct key *key)
{
    if (!key || --key->refs) return;
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
    if (!key) return NULL;
    key->refs = 1;
    key->data = kith_secret_alloc(len);
    if (!key->data) {
        key_unref(key);
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

static void gone_free(struct kith_keyring *ring)
{
    for (struct key *key; (key = ring->gone);) {
        ring->gone = key->next;
        key_unref(key);
    }
}

/* It is in the ring no more, and all were told. */
static void let_go(struct kith_keyring *ring, struct key *key)
{
    if (!ring->hold || key->refs > 1) {
        key_unref(key);
        return;
    }
    key->next = ring->gone;
    ring->gone = key;
}

static void keys_free(struct key **keys, size_t count)
{
    for (size_t i = 0; i < count; i++) key_unref(keys[i]);
    free(keys);
}

/* The key that a ring holds already, whose bytes plugins may point to, or a new one. ring NULL:
 * none. */
static struct key *key_of(const struct kith_keyring *ring, const uint8_t *data, size_t len)
{
    for (size_t i = 0; ring && i < ring->count; i++) {
        if (!key_is(ring->keys[i], data, len)) continue;
        ring->keys[i]->refs++;
        return ring->keys[i];
    }
    return key_new(data, len);
}

/* Keys of a config without repetitions, in their order. *out may be NULL when there are none. */
static int keys_from(const struct kith_secrets *secrets, const struct kith_keyring *beside,
                     struct key ***out, size_t *count)
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
        keys[n] = length_ok(s->len) ? key_of(beside, s->data, s->len) : NULL;
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
        ring->form = kith_keyfile_form_of(ring->file,
                                          kith_bytes_of(ring->keys[0]->data, ring->keys[0]->len));
}

/* ---------------------------------------------------------------------------------- the ring */

static struct kith_keyring *keyring_ref(struct kith_keyring *ring)
{
    ring->refs++;
    return ring;
}

static struct kith_keyring *ring_new(const struct kith_secrets *secrets, struct kith_keyring *ahead)
{
    if (sodium_init() < 0) return NULL;
    struct kith_keyring *ring = calloc(1, sizeof *ring);
    if (!ring) return NULL;
    ring->refs = 1;
    if (keys_from(secrets, ahead, &ring->keys, &ring->count) != 0) {
        free(ring);
        return NULL;
    }
    if (ahead) ring->ahead = keyring_ref(ahead);
    note_file(ring, secrets);
    return ring;
}

struct kith_keyring *kith_keyring_new(const struct kith_secrets *secrets)
{
    return ring_new(secrets, NULL);
}

struct kith_keyring *kith_keyring_next(struct kith_keyring *ring,
                                       const struct kith_secrets *secrets)
{
    return ring_new(secrets, now_is(ring));
}

bool kith_keyring_same(const struct kith_keyring *a, const struct kith_keyring *b)
{
    return will_be(a) == will_be(b);
}

void kith_keyring_unref(struct kith_keyring *ring)
{
    if (!ring || --ring->refs) return;
    keys_free(ring->keys, ring->count);
    gone_free(ring);
    kith_keyring_unref(ring->ahead);
    free(ring->listeners);
    free(ring->file);
    free(ring);
}

size_t kith_keyring_count(const struct kith_keyring *ring) { return now_is(ring)->count; }

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

static void give(struct kith_key *out, const uint8_t *data, size_t len)
{
    const struct kith_key key = {.size = sizeof key, .len = (uint32_t)len, .data = data};
    KITH_GIVE(out, &key);
}

int kith_keyring_key(struct kith_keyring *ring, size_t i, const char *name, struct kith_key *out)
{
    ring = now_is(ring);
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
    ring = now_is(ring);
    if (ring->count != secrets->count) return false;
    for (size_t i = 0; i < ring->count; i++)
        if (!key_is(ring->keys[i], secrets->items[i].data, secrets->items[i].len)) return false;
    return true;
}

void kith_keyring_fingerprint(const struct kith_keyring *ring, size_t i, char out[KITH_FINGERPRINT])
{
    ring = now_is(ring);
    unsigned char sum[32];
    out[0] = 0;
    if (i >= ring->count) return;
    crypto_generichash(sum, sizeof sum, ring->keys[i]->data, ring->keys[i]->len, NULL, 0);
    sodium_bin2hex(out, KITH_FINGERPRINT, sum, (KITH_FINGERPRINT - 1) / 2);
}

int kith_keyring_find(const struct kith_keyring *ring, const char *fingerprint)
{
    ring = now_is(ring);
    for (size_t i = 0; i < ring->count; i++) {
        char text[KITH_FINGERPRINT];
        kith_keyring_fingerprint(ring, i, text);
        if (strcmp(text, fingerprint) == 0) return (int)i;
    }
    return -KITH_ENOTFOUND;
}

/* --------------------------------------------------------------------------------- listeners */

void kith_keyring_listen(struct kith_keyring *ring,
                         int (*changed)(void *arg, struct kith_error *err), void *arg)
{
    ring = now_is(ring);
    struct listener *more = realloc(ring->listeners, (ring->listener_count + 1) * sizeof *more);
    if (!more) abort(); /* who misses a change would seal with a dead key */
    ring->listeners = more;
    more[ring->listener_count++] = (struct listener){changed, arg};
}

void kith_keyring_unlisten(struct kith_keyring *ring,
                           int (*changed)(void *arg, struct kith_error *err), void *arg)
{
    ring = now_is(ring);
    for (size_t i = 0; i < ring->listener_count; i++) {
        if (ring->listeners[i].changed != changed || ring->listeners[i].arg != arg) continue;
        memmove(&ring->listeners[i], &ring->listeners[i + 1],
                (--ring->listener_count - i) * sizeof *ring->listeners);
        return;
    }
}

void kith_keyring_watch(struct kith_keyring *ring, void (*watch)(void *arg), void *arg)
{
    ring->watch = watch;
    ring->watch_arg = arg;
}

void kith_keyring_hold(struct kith_keyring *ring) { now_is(ring)->hold = true; }

/* ----------------------------------------------------------------------------------- changes */

static void set(struct kith_keyring *ring, struct key **keys, size_t count)
{
    ring->keys = keys;
    ring->count = count;
}

/* Roll back: listeners already told are told again, with the former keys. */
static void take_back(struct kith_keyring *ring, size_t told)
{
    struct kith_error unsaid = {.size = sizeof unsaid};
    ring->hold = false;
    while (told--) (void)ring->listeners[told].changed(ring->listeners[told].arg, &unsaid);
}

/* All that use the keys come along, or none: whoever refuses ends it. 0: the former list is freed.
 * Else the new one stays the caller's. Keys are the caller's in every case. */
static int put(struct kith_keyring *ring, struct key **keys, size_t count, struct kith_error *err)
{
    struct key **was = ring->keys;
    size_t had = ring->count, told = 0;
    struct kith_error mine = {.size = sizeof mine};
    int rc = 0;
    set(ring, keys, count);
    while (!rc && told < ring->listener_count) {
        const struct listener *l = &ring->listeners[told++];
        rc = l->changed(l->arg, err ? err : &mine);
    }
    if (rc) {
        set(ring, was, had);
        take_back(ring, told);
        return rc;
    }
    free(was);
    gone_free(ring); /* all have read the keys anew */
    if (ring->watch) ring->watch(ring->watch_arg);
    return 0;
}

/* The ring has changed even when the file can't be written. */
static void save(struct kith_keyring *ring, bool *saved, struct kith_error *err)
{
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
    ring->unwritten = ring->file && !written;
    if (saved) *saved = written;
}

/* The same keys, with room for one more at the end. */
static struct key **copy_list(const struct kith_keyring *ring)
{
    struct key **list = calloc(ring->count + 1, sizeof *list);
    if (list && ring->count) memcpy(list, ring->keys, ring->count * sizeof *list);
    return list;
}

static int unchanged(struct kith_keyring *ring, bool *saved, struct kith_error *err)
{
    if (ring->unwritten)
        save(ring, saved, err);
    else if (saved)
        *saved = ring->file != NULL;
    return 0;
}

static int no_such_key(size_t i, struct kith_error *err)
{
    return kith_fail(err, KITH_ENOTFOUND, "the ring has no key number %zu", i + 1);
}

int kith_keyring_install(struct kith_keyring *ring, const uint8_t *key, size_t len, bool *saved,
                         struct kith_error *err)
{
    ring = now_is(ring);
    if (!length_ok(len))
        return kith_fail(err, KITH_EINVAL, "a key has 16, 24 or 32 bytes, not %zu", len);
    for (size_t i = 0; i < ring->count; i++)
        if (key_is(ring->keys[i], key, len)) return unchanged(ring, saved, err);
    struct key *fresh = key_new(key, len), **keys = copy_list(ring);
    if (!fresh || !keys) {
        key_unref(fresh);
        free(keys);
        return kith_fail(err, KITH_ENOMEM, "no memory for another key");
    }
    keys[ring->count] = fresh;
    int rc = put(ring, keys, ring->count + 1, err);
    if (!rc) save(ring, saved, err);
    if (rc) let_go(ring, fresh);
    if (rc) free(keys);
    return rc;
}

int kith_keyring_use(struct kith_keyring *ring, size_t i, bool *saved, struct kith_error *err)
{
    ring = now_is(ring);
    if (i >= ring->count) return no_such_key(i, err);
    if (i == 0) return unchanged(ring, saved, err);
    struct key **keys = copy_list(ring);
    if (!keys) return kith_fail(err, KITH_ENOMEM, "no memory to use another key");
    memcpy(&keys[1], &ring->keys[0], i * sizeof *keys);
    keys[0] = ring->keys[i];
    int rc = put(ring, keys, ring->count, err);
    if (!rc) save(ring, saved, err);
    if (rc) free(keys);
    return rc;
}

int kith_keyring_remove(struct kith_keyring *ring, size_t i, bool *saved, struct kith_error *err)
{
    ring = now_is(ring);
    if (i >= ring->count) return no_such_key(i, err);
    if (i == 0)
        return kith_fail(err, KITH_EINVAL,
                         "the primary key can't be removed: use another one first");
    struct key *gone = ring->keys[i], **keys = copy_list(ring);
    if (!keys) return kith_fail(err, KITH_ENOMEM, "no memory to remove a key");
    memmove(&keys[i], &keys[i + 1], (ring->count - i) * sizeof *keys);
    int rc = put(ring, keys, ring->count - 1, err);
    if (rc) {
        free(keys);
        return rc;
    }
    save(ring, saved, err);
    key_unref(gone); /* its bytes may be in use until all are told */
    return 0;
}

static bool same_keys(const struct kith_keyring *a, const struct kith_keyring *b)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->keys[i] != b->keys[i]) return false; /* equal ones are shared */
    return true;
}

/* These keys never came into force, but a listener may still point to them: keep the bytes. */
static void hold_all(struct kith_keyring *ring, struct key **keys, size_t count)
{
    for (size_t i = 0; ring->hold && i < count; i++) {
        if (keys[i]->refs > 1) continue; /* the ring has it too */
        keys[i]->refs++;
        keys[i]->next = ring->gone;
        ring->gone = keys[i];
    }
}

static void take_file(struct kith_keyring *ring, struct kith_keyring *from)
{
    free(ring->file);
    ring->file = from->file;
    ring->form = from->form;
    ring->unwritten = false;
    from->file = NULL;
}

/* From here on it has nothing of its own: who listened to it listens to the ring in force. */
static void become(struct kith_keyring *ring, struct kith_keyring *in_force)
{
    set(ring, NULL, 0);
    ring->joined = true;
    for (size_t i = 0; i < ring->listener_count; i++)
        kith_keyring_listen(in_force, ring->listeners[i].changed, ring->listeners[i].arg);
    ring->listener_count = 0;
}

/* Who listened to the ring before is told; who came with the new one has read the keys. */
int kith_keyring_join(struct kith_keyring *ring, struct kith_error *err)
{
    struct kith_keyring *old = ring->ahead;
    struct key **keys = copy_list(old);
    size_t count = old->count;
    if (!keys) return kith_fail(err, KITH_ENOMEM, "no memory for the new keys");
    bool same = same_keys(old, ring);
    int rc = same ? 0 : put(old, ring->keys, ring->count, err);
    if (rc) hold_all(old, ring->keys, ring->count);
    if (rc) free(keys);
    if (rc) return rc;
    if (same) keys_free(ring->keys, ring->count); /* the ring has them too */
    for (size_t i = 0; i < count && !same; i++) key_unref(keys[i]);
    free(keys);
    take_file(old, ring);
    become(ring, old);
    return 0;
}

/* The other way round: who came with it has read keys that will never be in force. */
void kith_keyring_drop(struct kith_keyring *ring)
{
    struct kith_keyring *in_force = ring->ahead;
    if (ring->joined) return;
    bool same = same_keys(in_force, ring);
    struct key **keys = ring->keys;
    size_t count = ring->count, before = in_force->listener_count;
    struct kith_error unsaid = {.size = sizeof unsaid};
    become(ring, in_force);
    in_force->hold = false;
    for (size_t i = before; !same && i < in_force->listener_count; i++)
        (void)in_force->listeners[i].changed(in_force->listeners[i].arg, &unsaid);
    hold_all(in_force, keys, count);
    keys_free(keys, count);
}
