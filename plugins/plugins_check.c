/*
 * plugins_check.c - what only the plugins themselves can say about a config: make each instance,
 * ask its init, and take it down again. Nothing is started. The host that they get has what a
 * plugin may use in init: time, numbers, keys, randomness, settings; no watch, timer or post.
 */
#include "plugins_check.h"
#include "delegates.h"
#include "slow.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

/* What a check is about, and where its words go. */
struct check {
    struct kith_config *config;
    const struct kith_check_world *world;
    struct kith_diag *diag;
    bool lines; /* those that are logged, too */
};

struct block {
    struct block *former;
    _Alignas(max_align_t) uint8_t bytes[];
};

struct still_host {
    struct kith_host host;
    struct kith_keyring *ring;
    const struct kith_entry *entry;
    const char *key_name; /* whose subkeys; NULL: the keys as they are */
    struct check *check;
    struct block *scratch; /* all that were given: good until the call ends */
    uint64_t counted;
    double gauged;
};

static struct still_host *still_of(const struct kith_host *h)
{
    return (struct still_host *)(uintptr_t)h;
}

static void still_log(const struct kith_host *h, enum kith_log_level level, const char *fmt, ...)
    KITH_PRINTF(3, 4);
static void still_log(const struct kith_host *h, enum kith_log_level level, const char *fmt, ...)
{
    const struct still_host *still = still_of(h);
    char text[500];
    va_list ap;
    if (!still->check->lines || level > KITH_LOG_WARN) return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const struct kith_entry *entry = still->entry;
    kith_diag_warning(still->check->diag, entry->pos, NULL, "%s: %s",
                      entry->name ? entry->name : entry->plugin->name, text);
}
static int still_post(const struct kith_host *h, void (*fn)(void *arg), void *arg)
{
    return -KITH_ECLOSED;
}
static uint64_t still_now(const struct kith_host *h)
{
    const struct kith_check_world *w = still_of(h)->check->world;
    return w->now(w->ctx);
}
static uint64_t still_wall(const struct kith_host *h)
{
    const struct kith_check_world *w = still_of(h)->check->world;
    return w->wall(w->ctx);
}
static uint64_t still_world(const struct kith_host *h)
{
    const struct kith_check_world *w = still_of(h)->check->world;
    return w->world(w->ctx);
}
static void still_random(const struct kith_host *h, void *out, size_t len)
{
    const struct kith_check_world *w = still_of(h)->check->world;
    w->random(w->ctx, out, len);
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

/* Numbers that nobody reads: all are one. */
static uint64_t *still_counter(const struct kith_host *h, const char *name, const char *help,
                               const struct kith_pair *labels, size_t count)
{
    return &still_of(h)->counted;
}
static double *still_gauge(const struct kith_host *h, const char *name, const char *help,
                           const struct kith_pair *labels, size_t count)
{
    return &still_of(h)->gauged;
}
static struct kith_histogram *still_histogram(const struct kith_host *h, const char *name,
                                              const char *help, const struct kith_pair *labels,
                                              size_t count, const double *bounds,
                                              size_t bound_count)
{
    return (struct kith_histogram *)(void *)still_of(h); /* opaque; our observe() ignores it */
}
static void still_observe(struct kith_histogram *histogram, double value) {}
static void still_degraded(const struct kith_host *h, const char *why) {}

static void *still_scratch(const struct kith_host *h, size_t len)
{
    struct still_host *still = still_of(h);
    if (len > SIZE_MAX - sizeof(struct block)) return NULL;
    struct block *block = malloc(sizeof *block + len);
    if (!block) return NULL;
    block->former = still->scratch;
    still->scratch = block;
    return block->bytes;
}

static size_t still_keys(const struct kith_host *h, size_t i, struct kith_key *out)
{
    const struct still_host *still = still_of(h);
    if (!still->ring) return 0;
    if (out) kith_keyring_key(still->ring, i, still->key_name, out);
    return kith_keyring_count(still->ring);
}

static int still_setting(const struct kith_host *h, const char *key, struct kith_value *out)
{
    struct kith_config *config = still_of(h)->check->config;
    const struct kith_entry *entry = still_of(h)->entry;
    if (strcmp(key, KITH_SETTING_ENTRY_NAME) == 0)
        return kith_setting_entry_name(entry->name ? entry->name : entry->plugin->name, out);
    return config ? kith_config_setting(config, key, out) : -KITH_ENOTFOUND;
}

static int still_resolve(const struct kith_host *h, struct kith_bytes text, kith_resolved_fn *fn,
                         void *arg)
{
    return -KITH_ECLOSED;
}
static int still_reply(const struct kith_host *h, uint64_t id, struct kith_bytes piece)
{
    return -KITH_ECLOSED;
}
static int still_finish(const struct kith_host *h, uint64_t id, int status, const char *text)
{
    return -KITH_ECLOSED;
}
static int still_emit(const struct kith_host *h, const struct kith_event *event,
                      kith_answer_fn *answer, void *arg)
{
    return -KITH_ECLOSED;
}
static const void *still_query(const struct kith_host *h, const char *id) { return NULL; }
static int still_offer(const struct kith_host *h, const char *id, const void *table)
{
    return -KITH_ECLOSED;
}

static const struct kith_host still_table = {
    .size = sizeof still_table,
    .abi_minor = KITH_ABI_MINOR,
    .log = still_log,
    .post = still_post,
    .now = still_now,
    .wall = still_wall,
    .world = still_world,
    .random = still_random,
    .watch = still_watch,
    .watch_set = still_watch_set,
    .watch_free = still_watch_free,
    .timer = still_timer,
    .timer_set = still_timer_set,
    .timer_free = still_timer_free,
    .counter = still_counter,
    .gauge = still_gauge,
    .histogram = still_histogram,
    .observe = still_observe,
    .degraded = still_degraded,
    .scratch = still_scratch,
    .keys = still_keys,
    .setting = still_setting,
    .resolve = still_resolve,
    .reply = still_reply,
    .finish = still_finish,
    .emit = still_emit,
    .query = still_query,
    .offer = still_offer,
};

static struct kith_host *still_make(void *check, const struct kith_entry *entry,
                                    struct kith_keyring *ring)
{
    struct still_host *still = calloc(1, sizeof *still);
    if (!still) return NULL;
    still->host = still_table;
    still->ring = ring;
    still->entry = entry;
    still->key_name = kith_keyring_name(entry);
    still->check = check;
    return &still->host;
}

static void still_free(void *check, struct kith_host *host)
{
    struct still_host *still = still_of(host);
    for (struct block *block; (block = still->scratch);) {
        still->scratch = block->former;
        free(block);
    }
    free(host);
}

/* An instance that has been initialized; NULL after saying why there is none. */
static struct kith_instance *make(struct check *check, const struct kith_entry *entry,
                                  struct kith_keyring *ring)
{
    const struct kith_host_maker maker = {.ctx = check, .make = still_make, .free = still_free};
    struct kith_error err = {.size = sizeof err};
    struct kith_instance *in = NULL;
    if (kith_instance_new(&in, entry, &maker, ring, &err) != 0)
        kith_diag_error(check->diag, entry->pos, NULL, "%s", err.text);
    return in;
}

static void check_entry(struct check *check, const struct kith_entry *entry,
                        struct kith_keyring *ring)
{
    kith_instance_free(make(check, entry, ring));
}

/* -------------------------------------------------------------------------------- transport */

/* Whether the transport takes the address as it is, or with a name to resolve in it. */
static bool takes(const struct kith_instance *in, const char *text)
{
    const struct kith_transport_ops *ops = in->plugin->ops;
    struct kith_addr addr = {0};
    struct kith_bytes host = {0};
    int rc = *text ? ops->parse(in->self, kith_text(text), &addr, &host) : -KITH_EINVAL;
    return rc == 0 || rc == -KITH_ENAME;
}

/* An address, or a name before a slash and an address. */
static void check_seed(const struct kith_instance *in, const struct kith_seed *seed,
                       struct kith_diag *diag)
{
    const char *slash = seed->name ? NULL : strchr(seed->address, '/');
    if (takes(in, seed->address) || (slash && slash > seed->address && takes(in, slash + 1)))
        return;
    kith_diag_error(
        diag, seed->pos, "write ADDRESS, NAME/ADDRESS or { name: NAME, address: ADDRESS }",
        "can't join '%s': transport '%s' knows no such address", seed->address, in->plugin->name);
}

static void check_transport(struct check *check, struct kith_keyring *ring)
{
    struct kith_config *config = check->config;
    struct kith_instance *in = make(check, &config->transport, ring);
    if (!in) return;
    const struct kith_transport_ops *ops = in->plugin->ops;
    KITH_LEND(kith_limits, lent);
    ops->limits(in->self, &lent.out);
    kith_config_check_require(config, lent.out.provides, check->diag);
    for (size_t i = 0; i < config->join.count; i++)
        check_seed(in, &config->join.items[i], check->diag);
    kith_instance_free(in);
}

/* Without `accept` in the file it holds the entries of `send` again: each is checked once. */
static bool said_before(const struct kith_entries *before, const struct kith_entry *entry)
{
    for (size_t i = 0; i < before->count; i++)
        if (memcmp(before->items[i].digest, entry->digest, sizeof entry->digest) == 0) return true;
    return false;
}

static uint64_t system_now(void *ctx) { return kith_slow_clock(); }
static uint64_t system_wall(void *ctx)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static uint64_t real_world(void *ctx) { return 0; }
static void system_random(void *ctx, void *out, size_t len) { randombytes_buf(out, len); }
static const struct kith_check_world system_world = {
    .now = system_now, .wall = system_wall, .world = real_world, .random = system_random};

void kith_plugins_check(struct kith_config *config, const struct kith_check_world *world,
                        struct kith_diag *diag, bool lines)
{
    struct kith_error err = {.size = sizeof err};
    struct check check = {
        .config = config, .world = world ? world : &system_world, .diag = diag, .lines = lines};
    struct kith_keyring *ring = kith_keyring_new(&config->keyring);
    check_transport(&check, ring);
    for (size_t i = 0; i < config->chain.send.count; i++)
        check_entry(&check, &config->chain.send.items[i], ring);
    for (size_t i = 0; i < config->chain.accept.count; i++)
        if (!said_before(&config->chain.send, &config->chain.accept.items[i]))
            check_entry(&check, &config->chain.accept.items[i], ring);
    for (size_t i = 0; i < config->delegates.count; i++)
        check_entry(&check, &config->delegates.items[i], ring);
    const struct kith_entry *clash = kith_delegates_clash(config, &err);
    if (clash) kith_diag_error(diag, clash->pos, NULL, "%s", err.text);
    kith_keyring_unref(ring);
}
