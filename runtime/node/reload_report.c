/*
 * reload_report.c - see reload_report.h.
 */
#include "reload_report.h"
#include <stdlib.h>

/* ------------------------------------------------------------------------------------- before */

bool kith_report_transport_runs(const struct kith *k, const struct kith_entry *e)
{
    return memcmp(k->transport->entry->digest, e->digest, sizeof e->digest) == 0;
}

static bool delegate_runs(const struct kith *k, const struct kith_entry *e)
{
    return !k->begun || kith_delegates_runs(k->delegates, e);
}

static int remember_keys(struct kith_report *r)
{
    const struct kith *k = r->k;
    struct kith_secrets *was = &r->was.keys;
    size_t count = kith_keyring_count(k->ring);
    was->sources = k->config->keyring.sources;
    was->source_count = k->config->keyring.source_count;
    was->items = calloc(count + 1, sizeof *was->items);
    if (!was->items) return -KITH_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct kith_key key = {.size = sizeof key};
        int rc = kith_keyring_key(k->ring, i, NULL, &key);
        if (rc < 0) return rc;
        uint8_t *copy = kith_secret_alloc(key.len);
        if (!copy) return -KITH_ENOMEM;
        memcpy(copy, key.data, key.len);
        was->items[was->count++] = (struct kith_secret){.data = copy, .len = key.len};
    }
    return 0;
}

int kith_report_begin(struct kith_report *r, struct kith_error *err)
{
    const struct kith_entries *all = &r->k->config->delegates;
    r->was.off = calloc(all->count + 1, sizeof *r->was.off);
    if (!r->was.off) return kith_fail(err, KITH_ENOMEM, "out of memory");
    for (size_t i = 0; i < all->count; i++) r->was.off[i] = !delegate_runs(r->k, &all->items[i]);
    r->was.meta_off = r->k->meta_refused;
    r->was.transport_off = !kith_report_transport_runs(r->k, &r->k->config->transport);
    int rc = remember_keys(r);
    return rc ? kith_fail(err, (enum kith_code)(-rc), "the keys can't be read") : 0;
}

void kith_report_end(struct kith_report *r)
{
    for (size_t i = 0; i < r->was.keys.count; i++) kith_secret_free(r->was.keys.items[i].data);
    free(r->was.keys.items);
    free(r->was.off);
}

/* -------------------------------------------------------------------------------------- lines */

static void say(struct kith_report *r, enum kith_log_level level, const char *fmt, va_list ap)
{
    char text[1024];
    vsnprintf(text, sizeof text, fmt, ap);
    if (r->line) r->line(r->arg, text);
    kith_node_log(r->k, level, "reload: %s", text);
}

void kith_report_line(struct kith_report *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(r, KITH_LOG_INFO, fmt, ap);
    va_end(ap);
}

void kith_report_error(struct kith_report *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    say(r, KITH_LOG_ERROR, fmt, ap);
    va_end(ap);
}

void kith_report_note(struct kith_report *r, const struct kith_error *why)
{
    if (r->rc) return;
    r->rc = why->code ? why->code : -KITH_EIO;
    if (r->err != why) kith_fail(r->err, (enum kith_code)(-r->rc), "%s", why->text);
}

void kith_report_failed(void *report, const char *entry, bool kept, const struct kith_error *why)
{
    struct kith_report *r = report;
    kith_report_error(r, "%s.%s: %s: %s", r->section, entry,
                      kept ? "goes on as it was" : "does not run", why->text);
    kith_report_note(r, why);
}

/* ------------------------------------------------------------------------------------ changes */

struct comparison {
    struct kith_report *r;
    const struct kith_config *old;
    bool waits; /* the new transport, for a restart */
};

static bool of_transport(const char *key) { return strncmp(key, "transport.", 10) == 0; }

static bool of_delegate(const char *key, const char *name)
{
    size_t len = strlen(name);
    return strncmp(key, "delegates.", 10) == 0 && strncmp(key + 10, name, len) == 0 &&
           key[10 + len] == '.';
}

/* What is not as its file says, like entries that do not run: reporting their keys as changed would
 * be false. */
static bool astray(const struct comparison *c, const char *key)
{
    const struct kith_report *r = c->r;
    const struct kith_config *in_force = r->k->config;
    const struct kith_entries *was = &c->old->delegates, *now = &in_force->delegates;
    if (strcmp(key, "node.meta") == 0) return r->was.meta_off || r->k->meta_refused;
    if (of_transport(key))
        return r->was.transport_off ||
               (!c->waits && !kith_report_transport_runs(r->k, &in_force->transport));
    for (size_t i = 0; i < was->count; i++)
        if (r->was.off[i] && of_delegate(key, was->items[i].name)) return true;
    for (size_t i = 0; i < now->count; i++)
        if (of_delegate(key, now->items[i].name) && !delegate_runs(r->k, &now->items[i]))
            return true;
    return false;
}

static void changed(void *arg, const char *key, const char *was, const char *now, bool restart)
{
    const struct comparison *c = arg;
    if (astray(c, key)) return;
    c->r->changes++;
    if (!c->waits && of_transport(key)) restart = false;
    kith_report_line(c->r, "%s: %s -> %s%s", key, *was ? was : "(none)", *now ? now : "(none)",
                     restart ? " (needs a restart)" : "");
}

static const struct kith_entry *named(const struct kith_entries *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->items[i].name, name) == 0) return &all->items[i];
    return NULL;
}

/* Left behind by an earlier reload, brought into force by this one. */
static void caught_up(const struct comparison *c)
{
    struct kith_report *r = c->r;
    const struct kith_config *in_force = r->k->config;
    for (size_t i = 0; i < c->old->delegates.count; i++) {
        const char *name = c->old->delegates.items[i].name;
        const struct kith_entry *now = named(&in_force->delegates, name);
        if (!r->was.off[i] || !now || !delegate_runs(r->k, now)) continue;
        r->changes++;
        kith_report_line(r, "delegates.%s: runs as the file says now", name);
    }
    if (r->was.meta_off && !r->k->meta_refused) {
        r->changes++;
        kith_report_line(r, "node.meta: is as the file says now");
    }
    if (!r->was.transport_off || !kith_report_transport_runs(r->k, &in_force->transport)) return;
    r->changes++;
    kith_report_line(r, "transport: runs as the file says now");
}

void kith_report_changes(struct kith_report *r, const struct kith_config *old, bool waits)
{
    struct comparison c = {r, old, waits};
    struct kith_config before = *old;
    before.keyring = r->was.keys; /* keys may have changed since the file was read */
    kith_config_diff(&before, &r->file, changed, &c);
    caught_up(&c);
    if (waits) kith_report_line(r, "transport: stays as it was until a restart");
}

static void replaced(struct kith_report *r, const struct kith_entry *e)
{
    if (!kith_registry_replaced(kith_world_registry(r->k->world), e->plugin)) return;
    kith_report_line(
        r, "%s: its file was replaced or is gone; what runs is the old one until a restart",
        e->use);
}

void kith_report_replaced(struct kith_report *r)
{
    const struct kith_config *c = r->k->config;
    const struct kith_entries *lists[] = {&c->chain.send, &c->chain.accept, &c->delegates};
    replaced(r, &c->transport);
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (size_t i = 0; i < lists[l]->count; i++) replaced(r, &lists[l]->items[i]);
}
