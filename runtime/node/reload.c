/*
 * reload.c - a new reading of the file comes into force between two turns, or nothing changes.
 *
 * What the new file asks for is made beside what is in force; then all that can refuse it is asked,
 * and what can't be undone comes last:
 *
 *   made      config, keys, pipeline, delegates, log, resolver, transport
 *   asked     the core takes the settings; changed delegates start; a changed transport takes over
 *   swapped   packets are sealed and opened by the new chain from that turn on, while streams end
 *             with the chain they began with but must meet the new `require`
 *
 * Whoever refuses is named, all before it goes back, and the reload fails. One thing can't go back:
 * a transport that took everything over and then does not start. The node ends then, with that
 * error. What a running node can't change is reported as needing a restart, and stays.
 */
#include "inside.h"
#include <stdlib.h>

struct report {
    struct kith *k;
    void (*line)(void *arg, const char *line);
    void *arg;
    unsigned changes;
    bool transport_runs; /* the transport will be what the new file wants */
};

static void tell(struct report *r, const char *fmt, ...) KITH_PRINTF(2, 3);
static void tell(struct report *r, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (r->line) r->line(r->arg, text);
    kith_node_log(r->k, KITH_LOG_INFO, "reload: %s", text);
}

static void changed(void *arg, const char *key, const char *was, const char *now, bool restart)
{
    struct report *r = arg;
    r->changes++;
    if (r->transport_runs && strncmp(key, "transport.", 10) == 0)
        restart = false; /* the file is back at what is running */
    tell(r, "%s: %s -> %s%s", key, *was ? was : "(none)", *now ? now : "(none)",
         restart ? " (needs a restart)" : "");
}

/* Made beside what is in force. */
struct next {
    struct kith_config *config;
    struct kith_pipeline *pipeline;
    struct kith_delegates *delegates;
    struct kith_instance *transport; /* NULL: the one there is goes on */
    struct kith_resolver *resolver;  /* NULL: the one there is goes on */
    struct kith_secrets former;      /* the ring as it was, to go back to */
    bool keys_taken, log_taken, settings_taken;
    bool transport_waits;
};

static void next_free(struct next *n)
{
    if (n->delegates) kith_delegates_free(n->delegates);
    kith_instance_free(n->transport);
    kith_resolver_free(n->resolver);
    if (n->pipeline) kith_pipeline_unref(n->pipeline);
    if (n->config) kith_config_free(n->config);
    for (size_t i = 0; i < n->former.count; i++) kith_secret_free(n->former.items[i].data);
    free(n->former.items);
}

static int read_next(struct kith *k, struct next *n, struct kith_error *err)
{
    struct kith_diag *diag = kith_diag_new();
    if (!diag) return kith_fail(err, KITH_ENOMEM, "out of memory");
    n->config = kith_node_read(k, diag);
    int rc = kith_node_tell(k, diag, err);
    kith_diag_free(diag);
    return n->config || rc ? rc : kith_fail(err, KITH_EINVAL, "%s: can't be read", k->path);
}

/* ------------------------------------------------------------------------------------- keys */

static int remember_keys(struct kith *k, struct next *n)
{
    size_t count = kith_keyring_count(k->ring);
    n->former.sources = k->config->keyring.sources;
    n->former.source_count = k->config->keyring.source_count;
    n->former.items = calloc(count + 1, sizeof *n->former.items);
    if (!n->former.items) return -KITH_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct kith_key key = {.size = sizeof key};
        int rc = kith_keyring_key(k->ring, i, NULL, &key);
        if (rc < 0) return rc;
        uint8_t *copy = kith_secret_alloc(key.len);
        if (!copy) return -KITH_ENOMEM;
        memcpy(copy, key.data, key.len);
        n->former.items[n->former.count++] = (struct kith_secret){.data = copy, .len = key.len};
    }
    return 0;
}

/* The new chain may need keys that the old one had not: they come first. When the new file has no
 * keys the old ones stay until the swap. */
static int take_keys(struct kith *k, struct next *n, struct kith_error *err)
{
    int rc = remember_keys(k, n);
    if (!rc && n->config->keyring.count) rc = kith_keyring_replace(k->ring, &n->config->keyring);
    n->keys_taken = !rc;
    return rc ? kith_fail(err, (enum kith_code) - rc, "the new keys can't be taken over: %s",
                          kith_code_text(rc))
              : 0;
}

/* --------------------------------------------------------------------------------- transport */

static void see_wait(void *arg, const char *key, const char *was, const char *now, bool restart)
{
    if (restart && strncmp(key, "transport.", 10) == 0) *(bool *)arg = true;
}

/* Was the running transport made from an entry like this one? */
static bool runs(const struct kith *k, const struct kith_entry *e)
{
    return memcmp(k->transport->entry->digest, e->digest, sizeof e->digest) == 0;
}

static bool same_setup(const struct kith_settings *was, const struct kith_settings *now)
{
    return was->tcp_timeout == now->tcp_timeout && was->udp_buffer_size == now->udp_buffer_size;
}

/* A changed entry makes a new instance. Before the start it simply replaces the old one. */
static int make_transport(struct kith *k, struct next *n, struct kith_error *err)
{
    const struct kith_entry *entry = &n->config->transport;
    bool same = runs(k, entry), waits = k->transport_waits;
    bool adopts = entry->plugin == k->transport->plugin && entry->plugin->adopt;
    if (same && same_setup(&k->config->settings, &n->config->settings)) return 0;
    kith_config_diff(k->config, n->config, see_wait, &waits);
    n->transport_waits = k->started && (!adopts || (waits && !same));
    if (n->transport_waits) return 0;
    int rc = kith_instance_new(&n->transport, entry, &k->maker, k->ring, err);
    return rc || !k->started ? rc : kith_wiring_attach(k, n->transport, &n->config->settings, err);
}

/* Sockets and streams go over. When adopt fails the old one still runs; when start fails after it
 * there is none that could go on. */
static int take_transport(struct kith *k, struct next *n, struct kith_error *err)
{
    if (!n->transport || !k->started) return 0;
    int rc = kith_instance_start(n->transport, k->transport, err);
    if (!rc || kith_instance_runs(k->transport)) return rc;
    k->failed = rc;
    kith_stop(k);
    return rc;
}

/* ------------------------------------------------------------------------------------ making */

/* Lookups under way end with the resolver they began with. */
static int make_resolver(struct kith *k, struct next *n, struct kith_error *err)
{
    const char *was = k->config->settings.dns_config_path;
    const char *now = n->config->settings.dns_config_path;
    if (strcmp(was ? was : "", now ? now : "") == 0) return 0;
    n->resolver = kith_node_resolver(k, n->config);
    return n->resolver ? 0 : kith_fail(err, KITH_ENOMEM, "out of memory");
}

static int make_next(struct kith *k, struct next *n, struct kith_error *err)
{
    struct kith_log_setup setup = kith_node_log_setup(k, n->config);
    int rc = take_keys(k, n, err);
    if (!rc)
        rc = kith_pipeline_new(&n->pipeline, &n->config->chain, &k->maker, k->ring, k->pipeline,
                               err);
    if (rc) return rc;
    n->delegates = kith_delegates_new(n->config, &k->maker, &k->table, k->delegates, err);
    if (!n->delegates) return err->code ? err->code : -KITH_EINVAL;
    rc = make_resolver(k, n, err);
    if (!rc) rc = make_transport(k, n, err);
    if (rc) return rc;
    rc = kith_log_change(k->log, &setup, err);
    n->log_taken = !rc;
    return rc;
}

/* ------------------------------------------------------------------------------------ asking */

/* The settings of c to the core, with the room that pipeline and transport want in packets. */
static int give_settings(struct kith *k, const struct kith_config *c,
                         const struct kith_pipeline *pipeline, struct kith_error *err)
{
    struct kith_limits limits = {.size = sizeof limits};
    struct kith_room room = kith_pipeline_room(pipeline);
    if (!k->core) return 0;
    k->ops->limits(k->transport->self, &limits);
    return kith_core_reconfigure(k->core, &c->settings, (uint16_t)(room.head + limits.headroom),
                                 (uint16_t)(room.tail + limits.tailroom), kith_node_now(k), err);
}

static int ask_all(struct kith *k, struct next *n, struct kith_error *err)
{
    n->settings_taken = true; /* also when it refuses them: it may have taken some */
    int rc = give_settings(k, n->config, n->pipeline, err);
    if (!rc) rc = kith_delegates_start(n->delegates, err);
    return rc ? rc : take_transport(k, n, err);
}

static void go_back(struct kith *k, struct next *n)
{
    struct kith_log_setup setup = kith_node_log_setup(k, k->config);
    if (n->settings_taken) give_settings(k, k->config, k->pipeline, NULL);
    if (n->keys_taken) kith_keyring_replace(k->ring, &n->former);
    if (n->log_taken) kith_log_change(k->log, &setup, NULL);
}

/* ---------------------------------------------------------------------------------- swapping */

static bool same_entries(const struct kith_entries *a, const struct kith_entries *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = memcmp(a->items[i].digest, b->items[i].digest, sizeof a->items[i].digest) == 0;
    return same;
}

static bool same_strings(const struct kith_strings *a, const struct kith_strings *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++) same = strcmp(a->items[i], b->items[i]) == 0;
    return same;
}

static bool same_bytes(struct kith_bytes a, struct kith_bytes b)
{
    return a.len == b.len && !a.data == !b.data && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

/* Meta that was set at run time stays unless the file's changed. */
static void renew_meta(struct report *r, const struct kith_config *old)
{
    struct kith *k = r->k;
    bool same = same_bytes(old->meta, k->config->meta);
    if (same && same_entries(&old->delegates, &k->config->delegates)) return;
    if (!same) kith_delegates_meta(k->delegates, k->config->meta);
    struct kith_command c = {.kind = KITH_DO_UPDATE, .timeout = KITH_UPDATE_TIMEOUT};
    int rc = k->core ? kith_commands_add(k, &c) : 0;
    if (rc) tell(r, "node.meta: taken, but the cluster is not told: %s", kith_code_text(rc));
}

/* What is in force goes into n, to be freed with it. */
static void swap_parts(struct kith *k, struct next *n)
{
    struct next old = {.config = k->config, .pipeline = k->pipeline, .delegates = k->delegates};
    if (n->transport) {
        old.transport = k->transport;
        k->transport = n->transport;
        k->ops = k->transport->plugin->ops;
    }
    if (n->resolver) {
        old.resolver = k->former_resolver;
        k->former_resolver = k->resolver;
        k->resolver = n->resolver;
    }
    k->transport_waits = n->transport_waits;
    k->config = n->config;
    k->delegates = n->delegates;
    k->pipeline = n->pipeline;
    k->config->settings.name = k->name;
    old.former = n->former;
    *n = old;
}

static void swap(struct report *r, struct next *n)
{
    struct kith *k = r->k;
    swap_parts(k, n);
    if (!k->config->keyring.count) kith_keyring_replace(k->ring, &k->config->keyring);
    kith_streams_require(k, k->config->chain.require);
    if (k->core) kith_wiring_measure(k);
    /* Once more: it has accepted these settings, but the new transport may want other room. */
    give_settings(k, k->config, k->pipeline, NULL);
    renew_meta(r, n->config);
    if (k->started && !same_strings(&n->config->join, &k->config->join)) kith_joiner_kick(k);
}

static int prepare(struct kith *k, struct next *n, struct kith_error *err)
{
    int rc = read_next(k, n, err);
    if (rc) return rc;
    if (k->core) kith_wiring_drain(k); /* what was packed for the old chain goes through it */
    rc = make_next(k, n, err);
    return rc ? rc : ask_all(k, n, err);
}

int kith_reload(struct kith *k, void (*line)(void *arg, const char *line), void *arg,
                struct kith_error *err)
{
    struct kith_error mine = {.size = sizeof mine};
    if (!err) err = &mine;
    err->code = 0;
    err->text[0] = 0;
    struct report r = {.k = k, .line = line, .arg = arg};
    struct next n = {0};
    int rc = prepare(k, &n, err);
    if (rc) {
        go_back(k, &n);
        kith_node_log(k, KITH_LOG_ERROR, "reload: %s: %s",
                      k->failed ? "the node ends" : "nothing changed", err->text);
        next_free(&n);
        return rc;
    }
    struct kith_config before = *k->config;
    before.keyring = n.former; /* keys may have changed since the file was read */
    r.transport_runs = !n.transport_waits;
    kith_config_diff(&before, n.config, changed, &r);
    if (n.transport_waits) tell(&r, "transport: stays as it was until a restart");
    swap(&r, &n);
    if (!r.changes) tell(&r, "nothing changed");
    next_free(&n);
    if (k->core) kith_node_wake(k);
    return 0;
}
