/*
 * plugins_check.c - what only the plugins themselves can say about a config: make each instance,
 * ask its init, and take it down again. Nothing is attached or started. The host that they get has
 * keys, randomness and counters; no watch, timer or post.
 */
#include "plugins_check.h"
#include "delegates.h"

#include <sodium.h>
#include <stdlib.h>

struct still_host {
    struct kith_host host;
    struct kith_keyring *ring;
    const char *codec; /* whose subkeys; NULL: the keys as they are */
    uint64_t counted;
};

static void still_log(const struct kith_host *h, enum kith_log_level level, const char *fmt, ...)
    KITH_PRINTF(3, 4);
static void still_log(const struct kith_host *h, enum kith_log_level level, const char *fmt, ...) {}
static int still_post(const struct kith_host *h, void (*fn)(void *arg), void *arg)
{
    return -KITH_EUNSUPPORTED;
}
static uint64_t still_time(const struct kith_host *h) { return 0; }
static void still_random(const struct kith_host *h, void *out, size_t len)
{
    randombytes_buf(out, len);
}
static struct kith_watch *still_watch(const struct kith_host *h, int fd, unsigned events,
                                      void (*fn)(void *, unsigned), void *arg)
{
    return NULL;
}
static void still_watch_set(struct kith_watch *w, unsigned events) {}
static void still_watch_free(struct kith_watch *w) {}
static struct kith_timer *still_timer(const struct kith_host *h, void (*fn)(void *), void *arg)
{
    return NULL;
}
static void still_timer_set(struct kith_timer *t, uint64_t at) {}
static void still_timer_free(struct kith_timer *t) {}
static uint64_t *still_counter(const struct kith_host *h, const char *name, const char *help)
{
    return &((struct still_host *)h)->counted;
}
static const void *still_query(const struct kith_host *h, const char *id) { return NULL; }

static size_t still_keys(const struct kith_host *h, size_t i, struct kith_key *out)
{
    const struct still_host *still = (const struct still_host *)h;
    if (!still->ring) return 0;
    if (out) kith_keyring_key(still->ring, i, still->codec, out);
    return kith_keyring_count(still->ring);
}

static const struct kith_host still_table = {
    .size = sizeof still_table,
    .abi_minor = KITH_ABI_MINOR,
    .log = still_log,
    .post = still_post,
    .now = still_time,
    .wall = still_time,
    .random = still_random,
    .watch = still_watch,
    .watch_set = still_watch_set,
    .watch_free = still_watch_free,
    .timer = still_timer,
    .timer_set = still_timer_set,
    .timer_free = still_timer_free,
    .counter = still_counter,
    .keys = still_keys,
    .query = still_query,
};

static struct kith_host *still_make(void *ctx, const struct kith_entry *entry,
                                    struct kith_keyring *ring)
{
    struct still_host *still = calloc(1, sizeof *still);
    if (!still) return NULL;
    still->host = still_table;
    still->ring = ring;
    const struct kith_codec_ops *ops =
        entry->plugin->kind == KITH_CODEC ? entry->plugin->ops : NULL;
    if (ops && !(ops->flags & KITH_CODEC_RAW_KEYS)) still->codec = entry->plugin->name;
    return &still->host;
}

static void still_free(void *ctx, struct kith_host *host) { free(host); }

static void check_entry(const struct kith_entry *entry, struct kith_keyring *ring,
                        struct kith_diag *diag)
{
    const struct kith_host_maker maker = {.make = still_make, .free = still_free};
    struct kith_error err = {.size = sizeof err};
    struct kith_instance *in = NULL;
    struct kith_keyring *own = entry->has_keys ? kith_keyring_new(&entry->keys) : NULL;
    if (kith_instance_new(&in, entry, &maker, own ? own : ring, &err) != 0)
        kith_diag_error(diag, entry->pos, NULL, "%s", err.text);
    kith_instance_free(in);
    kith_keyring_unref(own);
}

/* Without `accept` in the file it holds the entries of `send` again: each is checked once. */
static bool said_before(const struct kith_entries *before, const struct kith_entry *entry)
{
    for (size_t i = 0; i < before->count; i++)
        if (memcmp(before->items[i].digest, entry->digest, sizeof entry->digest) == 0) return true;
    return false;
}

void kith_plugins_check(const struct kith_config *config, struct kith_diag *diag)
{
    struct kith_error err = {.size = sizeof err};
    struct kith_keyring *ring = kith_keyring_new(&config->keyring);
    check_entry(&config->transport, ring, diag);
    for (size_t i = 0; i < config->chain.send.count; i++)
        check_entry(&config->chain.send.items[i], ring, diag);
    for (size_t i = 0; i < config->chain.accept.count; i++)
        if (!said_before(&config->chain.send, &config->chain.accept.items[i]))
            check_entry(&config->chain.accept.items[i], ring, diag);
    for (size_t i = 0; i < config->delegates.count; i++)
        check_entry(&config->delegates.items[i], NULL, diag);
    const struct kith_entry *clash = kith_delegates_clash(config, &err);
    if (clash) kith_diag_error(diag, clash->pos, NULL, "%s", err.text);
    kith_keyring_unref(ring);
}
