/*
 * host.c - see host.h: the table that an instance gets, its life, and what needs a line only.
 */
#include "host_parts.h"
#include <stdlib.h>

enum { KINDS = 3, DEGRADED_MAX = 255 };

/* Slots of scratch memory: of instances, then those that belong to none. */
enum { MAKERS_SLOTS = 2, INSTANCES_SLOTS = KITH_SCRATCH_SLOTS - MAKERS_SLOTS };

/* -------------------------------------------------------------------------------- log and time */

static void host_log(const struct kith_host *, enum kith_log_level, const char *, ...)
    KITH_PRINTF(3, 4);
static void host_log(const struct kith_host *table, enum kith_log_level level, const char *fmt, ...)
{
    struct host *h = host_of(table);
    va_list ap;
    va_start(ap, fmt);
    pthread_mutex_lock(&h->lock); /* a thread that is too late must not meet a log that is gone */
    if (h->services) kith_log_vwrite(h->services->log, level, h->name, fmt, ap);
    pthread_mutex_unlock(&h->lock);
    va_end(ap);
}

/* What can't be refused, as it has no way to say so, is answered all the same. */
static uint64_t host_now(const struct kith_host *table)
{
    (void)kith_host_foreign(table, "now");
    return kith_loop_now(host_of(table)->loop);
}

static uint64_t host_wall(const struct kith_host *table)
{
    (void)kith_host_foreign(table, "wall");
    return kith_loop_wall(host_of(table)->loop);
}

static uint64_t host_world(const struct kith_host *table)
{
    (void)kith_host_foreign(table, "world");
    return kith_loop_world(host_of(table)->loop);
}

static void host_random(const struct kith_host *table, void *out, size_t len)
{
    (void)kith_host_foreign(table, "random");
    kith_loop_random(host_of(table)->loop, out, len);
}

/* ------------------------------------------------------------------------------- memory, keys */

/* Calls nest across kinds, so each kind has its own scratch block; delegates may also nest among
 * themselves, then an extra one is used. */
static void *host_scratch(const struct kith_host *table, size_t len)
{
    struct host *h = host_of(table);
    if (kith_host_foreign(table, "scratch")) return NULL;
    unsigned slot = h->services->nested * KINDS + (h->entry->plugin->kind - KITH_TRANSPORT);
    return slot < INSTANCES_SLOTS ? kith_loop_scratch(h->loop, slot, len) : NULL;
}

static size_t host_keys(const struct kith_host *table, size_t i, struct kith_key *out)
{
    struct host *h = host_of(table);
    if (kith_host_foreign(table, "keys") || !h->ring) return 0;
    size_t count = kith_keyring_count(h->ring);
    if (i >= count || !out) return count;
    return kith_keyring_key(h->ring, i, kith_keyring_name(h->entry), out) ? 0 : count;
}

static void host_degraded(const struct kith_host *table, const char *why)
{
    struct host *h = host_of(table);
    if (kith_host_foreign(table, "degraded")) return;
    char *copy = why ? strndup(why, DEGRADED_MAX) : NULL;
    if (why && !copy) return; /* out of memory: keep the previous reason */
    free(h->degraded);
    h->degraded = copy;
}

static const struct kith_host services_table = {
    .size = sizeof services_table,
    .abi_minor = KITH_ABI_MINOR,
    .log = host_log,
    .post = kith_host_post,
    .now = host_now,
    .wall = host_wall,
    .world = host_world,
    .random = host_random,
    .watch = kith_host_watch,
    .watch_set = kith_host_watch_set,
    .watch_free = kith_host_watch_free,
    .timer = kith_host_timer,
    .timer_set = kith_host_timer_set,
    .timer_free = kith_host_timer_free,
    .counter = kith_host_counter,
    .gauge = kith_host_gauge,
    .histogram = kith_host_histogram,
    .observe = kith_histogram_observe,
    .degraded = host_degraded,
    .scratch = host_scratch,
    .keys = host_keys,
    .setting = kith_host_setting,
    .resolve = kith_host_resolve,
    .reply = kith_host_reply,
    .finish = kith_host_finish,
    .emit = kith_host_emit,
    .query = kith_host_query,
    .offer = kith_host_offer,
};

/* -------------------------------------------------------------------------- life of an instance */

static void end_host(struct kith_kept *kept)
{
    struct host *h = (struct host *)((char *)kept - offsetof(struct host, kept));
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static struct kith_host *make_host(void *ctx, const struct kith_entry *entry,
                                   struct kith_keyring *ring)
{
    struct kith_services *s = ctx;
    const char *name = entry->name ? entry->name : entry->plugin->name;
    struct host *h = calloc(1, sizeof *h);
    if (!h) return NULL;
    *h = (struct host){.table = services_table,
                       .kept.end = end_host,
                       .loop = s->loop,
                       .services = s,
                       .entry = entry,
                       .ring = ring,
                       .note = kith_crash_note_of(entry->plugin, "called"),
                       .name = strdup(name),
                       .numbers = kith_host_numbers_take(s, name)};
    if (!h->name || !h->numbers || pthread_mutex_init(&h->lock, NULL)) {
        kith_host_numbers_drop(s, h->numbers);
        free(h->name);
        free(h);
        return NULL;
    }
    h->next = s->hosts;
    s->hosts = h;
    return &h->table;
}

static void release_host(void *ctx, struct kith_host *table, const char *after)
{
    struct host *h = host_of(table);
    h->after = after;
    kith_host_blame_strays(h);
    kith_host_loop_release(h);
    kith_host_node_release(h);
    if (h->services->setup.forget) h->services->setup.forget(h->services->setup.ctx, table);
    host_degraded(table, NULL);
}

static void revive_host(void *ctx, struct kith_host *table)
{
    kith_host_loop_revive(host_of(table));
}

static void free_host(void *ctx, struct kith_host *table)
{
    if (!table) return;
    struct host *h = host_of(table);
    release_host(ctx, table, h->closed ? h->after : "init");
    kith_host_loop_free(h);
    kith_host_numbers_drop(h->services, h->numbers);
    h->numbers = NULL;
    h->entry = NULL;
    h->ring = NULL;
}

static void maker_random(void *ctx, void *out, size_t len)
{
    struct kith_services *s = ctx;
    kith_loop_random(s->loop, out, len);
}

static void *maker_scratch(void *ctx, unsigned which, size_t len)
{
    struct kith_services *s = ctx;
    return kith_loop_scratch(s->loop, INSTANCES_SLOTS + which, len);
}

struct kith_host_maker kith_services_maker(struct kith_services *s)
{
    return (struct kith_host_maker){.ctx = s,
                                    .make = make_host,
                                    .free = free_host,
                                    .release = release_host,
                                    .revive = revive_host,
                                    .random = maker_random,
                                    .foreign = kith_host_foreign,
                                    .scratch = maker_scratch,
                                    .asks = s->setup.asks};
}

/* ------------------------------------------------------------------------- life of the services */

/* Earlier than it is armed, if the log has something to see to. */
static void arm_flush(struct kith_services *s)
{
    uint64_t in = kith_log_due(s->log), at = in ? kith_loop_now(s->loop) + in : 0;
    if (!in || (s->flush_at && s->flush_at <= at)) return;
    s->flush_at = at;
    kith_loop_timer_set(s->flush, at);
}

static void on_flush(void *arg)
{
    struct kith_services *s = arg;
    kith_log_flush(s->log);
    s->flush_at = 0;
    arm_flush(s);
}

void kith_services_pause(struct kith_services *s, bool paused)
{
    kith_host_pause_set(s, paused);
    for (struct host *h = s->hosts; h; h = h->next) kith_host_loop_pause(h, paused);
}

/* Who was called from another thread meanwhile? Does the log hold lines back, or keep them? */
void kith_services_turn_ended(struct kith_services *s)
{
    if (atomic_exchange(&s->strayed, false))
        for (struct host *h = s->hosts; h; h = h->next) kith_host_blame_strays(h);
    arm_flush(s);
}

struct kith_services *kith_services_new(struct kith_loop *loop, struct kith_log *log,
                                        const struct kith_services_setup *setup)
{
    struct kith_services *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    *s = (struct kith_services){.loop = loop, .log = log};
    if (setup) s->setup = *setup;
    s->numbers_end = &s->numbers;
    int rc = kith_services_labels(s, s->setup.labels, s->setup.label_count);
    s->setup.labels = NULL; /* the copy counts */
    s->setup.label_count = 0;
    s->flush = kith_loop_timer(loop, on_flush, s);
    if (!rc) rc = kith_host_pause_init(s);
    if (!rc && s->flush) return s;
    kith_services_free(s);
    return NULL;
}

/* The table stays with the loop, for a thread that is too late. In a virtual world there is none,
 * and nodes may come and go by the thousand. */
static void retire(struct host *h)
{
    pthread_mutex_lock(&h->lock);
    h->services = NULL;
    free(h->name);
    h->name = NULL;
    pthread_mutex_unlock(&h->lock);
    if (kith_loop_world(h->loop))
        end_host(&h->kept);
    else
        kith_loop_keep(h->loop, &h->kept);
}

void kith_services_free(struct kith_services *s)
{
    if (!s) return;
    kith_loop_timer_free(s->flush);
    kith_host_pause_fini(s);
    kith_host_node_free_all(s);
    kith_host_loop_free_left(s);
    for (struct host *h = s->hosts, *next; h; h = next) {
        next = h->next;
        retire(h);
    }
    while (s->numbers) kith_host_numbers_drop(s, s->numbers);
    free(s->labels);
    free(s);
}
