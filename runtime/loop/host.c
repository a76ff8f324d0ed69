/*
 * host.c - see host.h.
 */
#include "host.h"
#include <pthread.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 64 };

/* A list is enough: an instance looks up each of its counters once, at start. */
struct counter {
    struct counter *next;
    char plugin[NAME_MAX_BYTES];
    char *name, *help;
    uint64_t value;
};

struct kith_services {
    struct kith_loop *loop;
    struct kith_log *log;
    struct kith_idle *idle;
    struct kith_timer *flush; /* summaries of repeated log lines */
    bool flushing;
    struct counter *counters, **counters_end;
};

struct queue {
    struct {
        void (*fn)(void *arg);
        void *arg;
    } * items;
    size_t count, cap;
};

struct host {
    struct kith_host table; /* first: the plugin hands it back */
    struct kith_services *services;
    const struct kith_entry *entry;
    struct kith_keyring *ring;
    char name[NAME_MAX_BYTES];
    /* What it posted, in a queue of its own that dies with it. */
    pthread_mutex_t lock;
    struct queue posted, running;
};

static struct host *host_of(const struct kith_host *table) { return (struct host *)table; }

static void host_log(const struct kith_host *, enum kith_log_level, const char *, ...)
    KITH_PRINTF(3, 4);
static void host_log(const struct kith_host *table, enum kith_log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    kith_log_vwrite(host_of(table)->services->log, level, host_of(table)->name, fmt, ap);
    va_end(ap);
}

/* ------------------------------------------------------------------------------------- posts */

static void run_posted(void *arg)
{
    struct host *h = arg;
    pthread_mutex_lock(&h->lock);
    struct queue q = h->running;
    h->running = h->posted;
    h->posted = q;
    pthread_mutex_unlock(&h->lock);
    for (size_t i = 0; i < h->running.count; i++) h->running.items[i].fn(h->running.items[i].arg);
    h->running.count = 0;
}

static int host_post(const struct kith_host *table, void (*fn)(void *arg), void *arg)
{
    struct host *h = host_of(table);
    struct queue *q = &h->posted;
    int rc = 0;
    pthread_mutex_lock(&h->lock);
    if (q->count == q->cap) {
        size_t cap = q->cap ? 2 * q->cap : 16;
        void *items = realloc(q->items, cap * sizeof *q->items);
        if (items) {
            q->items = items;
            q->cap = cap;
        } else {
            rc = -KITH_ENOMEM;
        }
    }
    if (!rc && !q->count) rc = kith_loop_post(h->services->loop, run_posted, h);
    if (!rc) {
        q->items[q->count].fn = fn;
        q->items[q->count++].arg = arg;
    }
    pthread_mutex_unlock(&h->lock);
    return rc;
}

/* ------------------------------------------------------------------------------------- loop */

static uint64_t host_now(const struct kith_host *table)
{
    return kith_loop_now(host_of(table)->services->loop);
}

static uint64_t host_wall(const struct kith_host *table)
{
    return kith_loop_wall(host_of(table)->services->loop);
}

static void host_random(const struct kith_host *table, void *out, size_t len)
{
    kith_loop_random(host_of(table)->services->loop, out, len);
}

static struct kith_watch *host_watch(const struct kith_host *table, int fd, unsigned events,
                                     void (*fn)(void *arg, unsigned events), void *arg)
{
    return kith_loop_watch(host_of(table)->services->loop, fd, events, fn, arg);
}

static struct kith_timer *host_timer(const struct kith_host *table, void (*fn)(void *arg),
                                     void *arg)
{
    return kith_loop_timer(host_of(table)->services->loop, fn, arg);
}

/* --------------------------------------------------------------------- counters, keys, query */

static uint64_t *host_counter(const struct kith_host *table, const char *name, const char *help)
{
    struct host *h = host_of(table);
    struct kith_services *s = h->services;
    for (struct counter *c = s->counters; c; c = c->next)
        if (strcmp(c->plugin, h->name) == 0 && strcmp(c->name, name) == 0) return &c->value;
    struct counter *c = calloc(1, sizeof *c);
    if (c) c->name = strdup(name), c->help = strdup(help ? help : "");
    if (!c || !c->name || !c->help) {
        if (c) free(c->name), free(c->help);
        free(c);
        return NULL;
    }
    memcpy(c->plugin, h->name, sizeof c->plugin);
    *s->counters_end = c;
    s->counters_end = &c->next;
    return &c->value;
}

static size_t host_keys(const struct kith_host *table, size_t i, struct kith_key *out)
{
    struct host *h = host_of(table);
    const struct kith_plugin *plugin = h->entry->plugin;
    if (!h->ring) return 0;
    size_t count = kith_keyring_count(h->ring);
    if (i >= count || !out) return count;
    bool raw = plugin->kind == KITH_CODEC &&
               ((const struct kith_codec_ops *)plugin->ops)->flags & KITH_CODEC_RAW_KEYS;
    uint32_t known = out->size; /* a plugin of an older header has a shorter struct */
    struct kith_key key = {.size = sizeof key};
    if (kith_keyring_key(h->ring, i, raw ? NULL : plugin->name, &key)) return 0;
    if (known > sizeof key || !known) known = sizeof key;
    memcpy(out, &key, known);
    out->size = known;
    return count;
}

/* This host has nothing yet that is newer than plugin.h. */
static const void *host_query(const struct kith_host *table, const char *id) { return NULL; }

void kith_services_stats(const struct kith_services *s,
                         void (*visit)(void *arg, const struct kith_stat *), void *arg)
{
    for (const struct counter *c = s->counters; c; c = c->next) {
        struct kith_stat stat = {.size = sizeof stat,
                                 .kind = KITH_COUNTER,
                                 .name = c->name,
                                 .help = c->help,
                                 .label = "plugin",
                                 .label_value = c->plugin,
                                 .value = (double)c->value};
        visit(arg, &stat);
    }
}

/* --------------------------------------------------------------------------------- instances */

static const struct kith_host services_table = {
    .size = sizeof services_table,
    .abi_minor = KITH_ABI_MINOR,
    .log = host_log,
    .post = host_post,
    .now = host_now,
    .wall = host_wall,
    .random = host_random,
    .watch = host_watch,
    .watch_set = kith_loop_watch_set,
    .watch_free = kith_loop_watch_free,
    .timer = host_timer,
    .timer_set = kith_loop_timer_set,
    .timer_free = kith_loop_timer_free,
    .counter = host_counter,
    .keys = host_keys,
    .query = host_query,
};

static struct kith_host *make_host(void *ctx, const struct kith_entry *entry,
                                   struct kith_keyring *ring)
{
    struct kith_services *s = ctx;
    struct host *h = calloc(1, sizeof *h);
    if (!h) return NULL;
    h->table = services_table;
    h->services = s;
    h->entry = entry;
    h->ring = ring;
    snprintf(h->name, sizeof h->name, entry->channel ? "%s[%s]" : "%s", entry->plugin->name,
             entry->channel);
    pthread_mutex_init(&h->lock, NULL);
    return &h->table;
}

static void free_host(void *ctx, struct kith_host *table)
{
    if (!table) return;
    struct host *h = host_of(table);
    kith_loop_unpost(h->services->loop, run_posted, h);
    pthread_mutex_destroy(&h->lock);
    free(h->posted.items);
    free(h->running.items);
    free(h);
}

static void maker_random(void *ctx, void *out, size_t len)
{
    struct kith_services *s = ctx;
    kith_loop_random(s->loop, out, len);
}

struct kith_host_maker kith_services_maker(struct kith_services *s)
{
    return (struct kith_host_maker){
        .ctx = s, .make = make_host, .free = free_host, .random = maker_random};
}

/* ------------------------------------------------------------------------------------- life */

enum { FLUSH_SECONDS = 5 };

static void arm_flush(struct kith_services *s)
{
    kith_loop_timer_set(s->flush, kith_loop_now(s->loop) + FLUSH_SECONDS * UINT64_C(1000000000));
}

static void on_flush(void *arg)
{
    struct kith_services *s = arg;
    kith_log_flush(s->log);
    s->flushing = kith_log_holding(s->log);
    if (s->flushing) arm_flush(s);
}

/* A turn ended: did the log begin to hold lines back? */
static void on_idle(void *arg)
{
    struct kith_services *s = arg;
    if (s->flushing || !kith_log_holding(s->log)) return;
    s->flushing = true;
    arm_flush(s);
}

struct kith_services *kith_services_new(struct kith_loop *loop, struct kith_log *log)
{
    struct kith_services *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    *s = (struct kith_services){.loop = loop, .log = log};
    s->counters_end = &s->counters;
    s->idle = kith_loop_idle(loop, on_idle, s);
    s->flush = kith_loop_timer(loop, on_flush, s);
    if (s->idle && s->flush) return s;
    kith_services_free(s);
    return NULL;
}

void kith_services_free(struct kith_services *s)
{
    if (!s) return;
    kith_loop_idle_free(s->idle);
    kith_loop_timer_free(s->flush);
    for (struct counter *c = s->counters, *next; c; c = next) {
        next = c->next;
        free(c->name);
        free(c->help);
        free(c);
    }
    free(s);
}
