/*
 * keyring.h - a ring of keys that plugins and tools share. Knows of plugins no more than names and
 * flags.
 */
#ifndef KITH_KEYRING_H
#define KITH_KEYRING_H

#include "config.h"

/* A ring of keys with memberlist's semantics (PROTOCOL.md 4): the first is the primary and seals,
 * all open. Reference counted; each codec entry that uses it listens for changes. Keys are in
 * locked memory and are never shown; a fingerprint is the first 8 bytes of BLAKE2b of the key, in
 * hex. */
struct kith_keyring;
#define KITH_FINGERPRINT 17 /* with its NUL */

/* Copies the keys; may be empty. */
struct kith_keyring *kith_keyring_new(const struct kith_secrets *);
void kith_keyring_unref(struct kith_keyring *);
size_t kith_keyring_count(const struct kith_keyring *);
/* i = 0: the primary. name NULL: the raw key, else the 32-byte subkey for the plugin of that name.
 * Writes no more of *out than its size says. The bytes stay until the ring has told its listeners
 * that they are gone, and longer when one of them could not take that over. */
int kith_keyring_key(struct kith_keyring *, size_t i, const char *name, struct kith_key *out);
/* The ring this entry uses, with a reference: its own (`keys:`), the node's, or NULL: none. A
 * delegate sees the node's when it says `allow: [keys]`. With has_keys NULL means no memory. */
struct kith_keyring *kith_keyring_of(const struct kith_entry *, struct kith_keyring *node);
/* For which name that entry's keys are derived; NULL: it sees them as they are. */
const char *kith_keyring_name(const struct kith_entry *);
/* Does it hold these keys, in this order? */
bool kith_keyring_holds(const struct kith_keyring *, const struct kith_secrets *);
void kith_keyring_fingerprint(const struct kith_keyring *, size_t i, char out[KITH_FINGERPRINT]);
/* Its index, or -KITH_ENOTFOUND. */
int kith_keyring_find(const struct kith_keyring *, const char *fingerprint);
/* Each validates, then changes, then tells the listeners, then writes the file the ring came from
 * (when it came from one file). *saved: NULL or set to whether it was written. A listener that
 * refuses leaves ring and file as they were; err is as it said. */
int kith_keyring_install(struct kith_keyring *, const uint8_t *key, size_t len, bool *saved,
                         struct kith_error *);
int kith_keyring_use(struct kith_keyring *, size_t i, bool *saved, struct kith_error *);
int kith_keyring_remove(struct kith_keyring *, size_t i, bool *saved, struct kith_error *);
/* A reload's second ring, beside the one in force. NULL: no memory, or a key of a wrong length.
 * kith_keyring_join() copies its keys into the ring in force, tells that ring's listeners if they
 * differ, and makes this struct an alias of it; when a listener refuses, nothing has changed.
 * Dropped, its own keys are gone, it is an alias as well, and whoever was made with it and lives on
 * is told the keys in force. */
struct kith_keyring *kith_keyring_next(struct kith_keyring *, const struct kith_secrets *);
int kith_keyring_join(struct kith_keyring *next, struct kith_error *);
void kith_keyring_drop(struct kith_keyring *next); /* nothing if it has joined */
/* Are they one ring, or will they be? Both may be NULL. */
bool kith_keyring_same(const struct kith_keyring *, const struct kith_keyring *);
/* Who uses the keys: called with the ring changed; 0, or a negative code and words. Called again
 * when somebody refused: the ring is then as before. */
void kith_keyring_listen(struct kith_keyring *, int (*changed)(void *arg, struct kith_error *),
                         void *arg);
void kith_keyring_unlisten(struct kith_keyring *, int (*changed)(void *arg, struct kith_error *),
                           void *arg);
/* Who only wants to know that it has changed: one, NULL: none. */
void kith_keyring_watch(struct kith_keyring *, void (*watch)(void *arg), void *arg);
/* From inside of `changed`: this listener goes on with the keys that it had. Their bytes stay until
 * all listeners have taken over another change. */
void kith_keyring_hold(struct kith_keyring *);

#endif
