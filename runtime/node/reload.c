/*
 * reload.c - a new reading of the file comes into force between two turns.
 *
 *   made      config, keys, pipeline, delegates, log, resolver, transport: beside what is in force
 *   checked   the core would take the settings, the transport can send: nothing has changed yet
 *   swapped   settings, keys and pipeline at once: packets are sealed and opened by the new chain
 *             from that turn on, while streams end with the chain they began with but must meet the
 *             new `require`
 *   started   delegates and transport whose entry changed: each takes over from its old instance,
 *             or keeps it
 *
 * Who refuses in the first two is named and nothing changes. Who does not start afterwards is named
 * too and the reload fails, though the rest is as the new file says: it keeps its old instance, and
 * the next reload tries again. Only a transport that can't go back to its old instance ends the
 * node, with that error. Entries that did not change are told to read their files again. What a
 * running node can't change is reported as needing a restart, and stays.
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
    const char *name; /* as the file has it; the node keeps its own */
    struct kith_pipeline *pipeline;
    struct kith_delegates *delegates;
    struct kith_link *link;         /* NULL: the transport there is goes on */
    struct kith_resolver *resolver; /* NULL: the one there is goes on */
    struct kith_secrets former;     /* the ring as it was, to go back to */
    bool keys_taken, log_taken, keys_told;
    bool transport_waits;
};

static void next_free(struct kith *k, struct next *n)
{
    if (n->delegates) kith_delegates_free(n->delegates);
    kith_link_end(n->link);
    kith_places_lost(k, n->resolver);
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
    if (n->config) n->name = n->config->settings.name;
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
    n->keys_told = k->keys_changed;
    int rc = remember_keys(k, n);
    if (!rc && n->config->keyring.count) rc = kith_keyring_replace(k->ring, &n->config->keyring);
    n->keys_taken = !rc;
    return rc ? kith_fail(err, (enum kith_code)(-rc), "the new keys can't be taken over: %s",
                          kith_code_text(rc))
              : 0;
}

/* ------------------------------------------------------------------------------------ making */

static void see_wait(void *arg, const char *key, const char *was, const char *now, bool restart)
{
    if (restart && strncmp(key, "transport.", 10) == 0) *(bool *)arg = true;
}

/* Was the running transport made from an entry like this one? */
static bool runs(const struct kith *k, const struct kith_entry *e)
{
    return memcmp(k->transport->entry->digest, e->digest, sizeof e->digest) == 0;
}

/* A changed entry makes a new instance. Another plugin, or a setting that can't change while the
 * node runs, waits for a restart: the addresses of all members would be of another kind. */
static int make_transport(struct kith *k, struct next *n, struct kith_error *err)
{
    const struct kith_entry *entry = &n->config->transport;
    struct kith_instance *in;
    bool waits = k->transport_waits;
    if (runs(k, entry)) return 0;
    kith_config_diff(k->config, n->config, see_wait, &waits);
    n->transport_waits = k->started && (waits || entry->plugin != k->transport->plugin);
    if (n->transport_waits) return 0;
    int rc = kith_instance_new(&in, entry, &k->maker, k->ring, err);
    if (rc) return rc;
    n->link = kith_link_new(k, in);
    if (n->link) return kith_link_check(n->link, err);
    kith_instance_free(in);
    return kith_fail(err, KITH_ENOMEM, "out of memory");
}

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
    n->delegates = kith_node_delegates_new(k, n->config, k->delegates, err);
    if (!n->delegates) return err->code ? err->code : -KITH_EINVAL;
    rc = make_resolver(k, n, err);
    if (!rc) rc = make_transport(k, n, err);
    if (rc) return rc;
    rc = kith_log_change(k->log, &setup, err);
    n->log_taken = !rc;
    return rc;
}

/* ---------------------------------------------------------------------------------- checking */

static int check_settings(struct kith *k, const struct next *n, struct kith_error *err)
{
    struct kith_limits limits = kith_link_limits(n->link ? n->link : k->link);
    if (!k->core) return 0;
    return kith_core_check(
        k->core, &n->config->settings,
        kith_packets_fit(limits.packet, &n->config->settings, kith_pipeline_room(n->pipeline)),
        err);
}

static int prepare(struct kith *k, struct next *n, struct kith_error *err)
{
    int rc = read_next(k, n, err);
    if (!rc) rc = make_next(k, n, err);
    return rc ? rc : check_settings(k, n, err);
}

static void go_back(struct kith *k, struct next *n)
{
    struct kith_log_setup setup = kith_node_log_setup(k, k->config);
    if (n->keys_taken) kith_keyring_replace(k->ring, &n->former);
    if (n->log_taken) kith_log_change(k->log, &setup, NULL);
    k->keys_changed = n->keys_told; /* nothing has changed that anybody should hear of */
}

/* ---------------------------------------------------------------------------------- swapping */

/* The core has said that it takes these settings; a delegate may still veto what is announced of
 * them. */
static int give_settings(struct kith *k, struct kith_error *err)
{
    kith_packets_measure(k);
    if (!k->core) return 0;
    return kith_core_reconfigure(k->core, &k->config->settings,
                                 (uint16_t)(k->room.head + k->link_head),
                                 (uint16_t)(k->room.tail + k->link_tail), kith_node_now(k), err);
}

/* Config and pipeline that were in force go into n. */
static void swap_values(struct kith *k, struct next *n)
{
    struct kith_config *config = k->config;
    struct kith_pipeline *pipeline = k->pipeline;
    k->config = n->config;
    k->pipeline = n->pipeline;
    k->config->settings.name = k->name;
    n->config = config;
    n->pipeline = pipeline;
}

/* All that can't fail but for a veto. */
static int swap(struct kith *k, struct next *n, struct kith_error *err)
{
    if (k->core) kith_turn_drain(k); /* what was packed for the old chain goes through it */
    swap_values(k, n);
    int rc = give_settings(k, err);
    if (rc) {
        swap_values(k, n);
        (void)give_settings(k, NULL);
        return rc;
    }
    if (!k->config->keyring.count) kith_keyring_replace(k->ring, &k->config->keyring);
    if (n->resolver) {
        struct kith_resolver *former = k->former_resolver;
        k->former_resolver = k->resolver;
        k->resolver = n->resolver;
        n->resolver = former;
    }
    k->transport_waits = n->transport_waits;
    kith_streams_require(k, k->config->chain.require);
    (void)kith_services_labels(k->services, k->config->metric_labels.items,
                               k->config->metric_labels.count);
    return 0;
}

/* ---------------------------------------------------------------------------------- starting */

static bool same_entries(const struct kith_entries *a, const struct kith_entries *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = memcmp(a->items[i].digest, b->items[i].digest, sizeof a->items[i].digest) == 0;
    return same;
}

static bool same_text(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : "") == 0; }

static bool same_seeds(const struct kith_seeds *a, const struct kith_seeds *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = same_text(a->items[i].name, b->items[i].name) &&
               same_text(a->items[i].address, b->items[i].address);
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
    int rc = same ? 0 : kith_delegates_meta(k->delegates, k->config->meta);
    struct kith_command c = {.kind = KITH_DO_UPDATE, .timeout = KITH_UPDATE_TIMEOUT};
    if (!rc && k->core) rc = kith_commands_add(k, &c);
    if (rc) tell(r, "node.meta: taken, but the cluster is not told: %s", kith_code_text(rc));
}

static int start_delegates(struct kith *k, struct next *n, struct kith_error *err)
{
    struct kith_delegates *former = k->delegates;
    int rc = 0;
    if (k->begun)
        rc = kith_delegates_start(n->delegates, err);
    else
        kith_delegates_put(n->delegates);
    k->delegates = n->delegates;
    n->delegates = former;
    return rc;
}

/* Streams go over when the transport adopts; else they are gone with their old one. */
static int start_transport(struct kith *k, struct next *n, struct kith_error *err)
{
    struct kith_link *former = k->link, *link = n->link;
    if (!link) return 0;
    bool adopts = link->in->plugin->adopt != NULL;
    int rc = k->started ? kith_link_start(link, former, err) : 0;
    if (k->started && k->core && !adopts) kith_streams_lost(k);
    if (rc) {
        if (!kith_instance_runs(former->in)) kith_node_fail(k, rc);
        return rc;
    }
    kith_delegates_forget(k->delegates, former->in->host); /* answers to events of the old one */
    n->link = former;
    k->link = link;
    k->transport = link->in;
    if (k->started) k->changed |= KITH_CHANGED_ADDRESS;
    return give_settings(k, err); /* this one may want other room in packets */
}

/* Who is left alone may have files to read again. */
static void refresh(struct kith *k, const struct next *n)
{
    if (!n->link) kith_instance_refresh(k->transport, KITH_REFRESH_FILES);
    kith_delegates_refresh(k->delegates, KITH_REFRESH_FILES);
    kith_pipeline_refresh(k->pipeline, KITH_REFRESH_FILES);
}

/* ------------------------------------------------------------------------------------ the whole */

static void see_replaced(struct report *r, const struct kith_entry *e)
{
    if (!kith_registry_replaced(r->k->registry, e->plugin)) return;
    tell(r, "%s: its file was replaced; what runs is the old one until a restart", e->use);
}

static void see_all_replaced(struct report *r)
{
    const struct kith_config *c = r->k->config;
    const struct kith_entries *lists[] = {&c->chain.send, &c->chain.accept, &c->delegates};
    see_replaced(r, &c->transport);
    for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
        for (size_t i = 0; i < lists[l]->count; i++) see_replaced(r, &lists[l]->items[i]);
}

/* The new values are in force: entries follow. The first error; err names it. */
static int follow(struct report *r, struct next *n, struct kith_error *err)
{
    struct kith *k = r->k;
    struct kith_error later = {.size = sizeof later};
    int rc = start_delegates(k, n, err);
    int transport = start_transport(k, n, rc ? &later : err);
    if (rc && transport) tell(r, "%s", later.text);
    refresh(k, n);
    renew_meta(r, n->config);
    see_all_replaced(r);
    if (!same_seeds(&n->config->join, &k->config->join)) kith_joiner_kick(k);
    if (k->begun && !k->failed) {
        struct kith_event e = {.size = sizeof e, .kind = KITH_EVENT_RELOADED};
        kith_delegates_event(k->delegates, &e);
    }
    return rc ? rc : transport;
}

/* n has what was in force. */
static void report_changes(struct report *r, const struct next *n)
{
    struct kith_config before = *n->config, after = *r->k->config;
    after.settings.name = n->name;
    before.keyring = n->former; /* keys may have changed since the file was read */
    r->transport_runs = !n->transport_waits;
    kith_config_diff(&before, &after, changed, r);
    if (n->transport_waits) tell(r, "transport: stays as it was until a restart");
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
    if (!rc) rc = swap(k, &n, err);
    bool swapped = !rc;
    if (swapped) {
        report_changes(&r, &n);
        rc = follow(&r, &n, err);
    } else {
        go_back(k, &n);
    }
    if (rc)
        kith_node_log(k, KITH_LOG_ERROR, "reload: %s: %s",
                      k->failed ? "the node ends"
                      : swapped ? "who failed goes on as it was"
                                : "nothing changed",
                      err->text);
    else if (!r.changes)
        tell(&r, "nothing changed");
    next_free(k, &n);
    kith_node_wake(k);
    return rc;
}
