/*
 * reload.c - a new reading of the file comes into force between two turns.
 *
 *   made      config, a second ring of keys, pipeline, delegates, resolver, transport: beside what
 *             is in force
 *   checked   the core would take the settings, the transport that will run can send and gives what
 *             is required: nothing has changed yet, but for the log, which goes back
 *   swapped   the transport, if its entry changed; then settings, pipeline and keys at once: from
 *             that turn on packets go through the new chain, while streams end with the chain they
 *             began with but must meet the new `require`
 *   started   delegates whose entry changed: each takes over from its old instance, or keeps it
 *
 * Who refuses in the first two is named and nothing changes. A transport that does not start goes
 * on as it was, and so does all else if that one can't carry it. A delegate that does not start is
 * named too and the reload fails, though the rest is as the new file says; the next reload tries
 * again. So it is with meta that a delegate vetoes. Only a transport that can't go back to its old
 * instance ends the node, with that error. Entries that did not change are told to read their files
 * again. What a running node can't change is reported as needing a restart, and stays. What is said
 * about it all: reload_report.h.
 */
#include "reload_report.h"
#include <stdlib.h>

/* Made beside what is in force. */
struct next {
    struct kith_config *config;
    struct kith_keyring *ring; /* of what is made; the one there is becomes it in swap() */
    struct kith_pipeline *pipeline;
    struct kith_delegates *delegates;
    struct kith_link *link;         /* NULL: the transport there is goes on */
    struct kith_resolver *resolver; /* NULL: the one there is goes on */
    bool log_taken, transport_waits;
};

static void next_free(struct kith *k, struct next *n)
{
    k->making = NULL;
    if (n->delegates) kith_delegates_free(n->delegates);
    kith_link_end(n->link);
    kith_places_lost(k, n->resolver);
    kith_resolver_free(n->resolver);
    if (n->pipeline) kith_pipeline_unref(n->pipeline);
    if (n->ring) kith_keyring_drop(n->ring); /* a transport that has taken over may have it */
    kith_keyring_unref(n->ring);
    kith_node_former_config(k, n->config);
}

static void tell_problem(void *arg, bool warning, const char *text)
{
    struct kith_report *r = arg;
    if (!warning && r->line) r->line(r->arg, text); /* the log has them */
}

/* What a running node can't change stays, and is reported as the file has it. */
static void keep_lasting(struct kith_report *r, struct kith_config *next)
{
    struct kith *k = r->k;
    r->file = *next;
    next->settings.name = k->name;
    if (k->started) kith_config_keep(next, k->config);
}

static int read_next(struct kith_report *r, struct next *n, struct kith_error *err)
{
    struct kith *k = r->k;
    struct kith_diag *diag = kith_diag_new();
    if (!diag) return kith_fail(err, KITH_ENOMEM, "out of memory");
    n->config = k->making = kith_node_read(k, diag);
    if (n->config) keep_lasting(r, n->config);
    int rc = kith_node_tell(k, diag, err);
    if (kith_diag_errors(diag) > 1) kith_diag_each(diag, tell_problem, r);
    kith_diag_free(diag);
    return n->config || rc ? rc : kith_fail(err, KITH_EINVAL, "%s: can't be read", k->path);
}

/* ------------------------------------------------------------------------------------ making */

static void see_wait(void *arg, const char *key, const char *was, const char *now, bool restart)
{
    if (restart && strncmp(key, "transport.", 10) == 0) *(bool *)arg = true;
}

/* A changed entry makes a new instance. Another plugin, or a setting that can't change while the
 * node runs, waits for a restart: the addresses of all members would be of another kind. */
static int make_transport(struct kith *k, struct next *n, struct kith_error *err)
{
    const struct kith_entry *entry = &n->config->transport;
    struct kith_instance *in;
    bool waits = k->transport_waits;
    if (kith_report_transport_runs(k, entry)) return 0;
    kith_config_diff(k->config, n->config, see_wait, &waits);
    n->transport_waits = k->started && (waits || entry->plugin != k->transport->plugin);
    if (n->transport_waits) return 0;
    int rc = kith_instance_new(&in, entry, &k->maker, n->ring, err);
    if (rc) return rc;
    n->link = kith_link_new(k, in);
    if (n->link) return kith_link_check(n->link, err);
    kith_instance_free(in);
    return kith_fail(err, KITH_ENOMEM, "out of memory");
}

/* What runs keeps its ring until the swap, so a failed reload does not touch it. */
static int make_keys(struct kith *k, struct next *n, struct kith_error *err)
{
    n->ring = kith_keyring_next(k->ring, &n->config->keyring);
    return n->ring ? 0 : kith_fail(err, KITH_ENOMEM, "no memory for the new keys");
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
    int rc = make_keys(k, n, err);
    if (!rc)
        rc = kith_pipeline_new(&n->pipeline, &n->config->chain, &k->maker, n->ring, k->pipeline,
                               err);
    if (rc) return rc;
    n->delegates = kith_node_delegates_new(k, n->config, n->ring, k->delegates, err);
    if (!n->delegates) return err->code ? err->code : -KITH_EINVAL;
    rc = make_resolver(k, n, err);
    return rc ? rc : make_transport(k, n, err);
}

/* ---------------------------------------------------------------------------------- checking */

/* Do this transport and the codecs meet the new `require`? Reading the file checked only the file's
 * transport, which may wait for a restart or not start. */
static int check_require(struct kith *k, const struct kith_config *c, struct kith_link *link,
                         struct kith_error *err)
{
    struct kith_diag *diag = kith_diag_new();
    if (!diag) return kith_fail(err, KITH_ENOMEM, "out of memory");
    kith_diag_source(diag, k->path, "", 0);
    kith_config_check_require(c, kith_link_limits(link).provides, diag);
    int rc = kith_diag_errors(diag) ? kith_node_tell(k, diag, err) : 0;
    kith_diag_free(diag);
    return rc;
}

static bool same_bytes(struct kith_bytes a, struct kith_bytes b)
{
    return a.len == b.len && !a.data == !b.data && (!a.len || memcmp(a.data, b.data, a.len) == 0);
}

/* Meta that was set at run time stays unless the file's changed. */
static bool same_meta(const struct kith *k, const struct kith_config *was,
                      const struct kith_config *now)
{
    return !k->meta_refused && same_bytes(was->meta, now->meta);
}

/* Meta that the file changes must be fit to be announced. */
static int check_meta(struct kith *k, const struct kith_config *c, struct kith_core_budget budget,
                      struct kith_error *err)
{
    char why[sizeof err->text];
    if (same_meta(k, k->config, c)) return 0;
    int rc = kith_core_check_meta(k->core, c->meta, budget, err);
    if (!rc) return 0;
    snprintf(why, sizeof why, "%s", err->text);
    return kith_fail(err, (enum kith_code)(-rc), "node.meta: %.480s", why);
}

/* Can this transport carry what the new file asks for? */
static int check_with(struct kith *k, const struct next *n, struct kith_link *link,
                      struct kith_error *err)
{
    int rc = kith_link_check(link, err);
    if (!rc) rc = check_require(k, n->config, link, err);
    if (rc || !k->core) return rc;
    const struct kith_settings *s = &n->config->settings;
    const struct kith_core_budget budget =
        kith_packets_fit(kith_link_limits(link).packet, s, kith_pipeline_room(n->pipeline));
    rc = kith_core_check(k->core, s, budget, err);
    return rc ? rc : check_meta(k, n->config, budget, err);
}

static int check_next(struct kith *k, const struct next *n, struct kith_error *err)
{
    int rc = check_with(k, n, n->link ? n->link : k->link, err);
    if (!rc || !n->transport_waits) return rc;
    char why[sizeof err->text];
    snprintf(why, sizeof why, "%s", err->text);
    snprintf(err->text, sizeof err->text, "%.380s; the transport stays `%.60s` until a restart",
             why, k->transport->plugin->name);
    return rc;
}

/* The last that may fail with nothing changed; its own change can be taken back. */
static int take_log(struct kith *k, struct next *n, struct kith_error *err)
{
    struct kith_log_setup setup = kith_node_log_setup(k, n->config);
    int rc = kith_log_change(k->log, &setup, err);
    n->log_taken = !rc;
    return rc;
}

static int prepare(struct kith_report *r, struct next *n, struct kith_error *err)
{
    int rc = read_next(r, n, err);
    if (!rc) rc = make_next(r->k, n, err);
    if (!rc) rc = check_next(r->k, n, err);
    return rc ? rc : take_log(r->k, n, err);
}

static void go_back(struct kith *k, struct next *n)
{
    struct kith_log_setup setup = kith_node_log_setup(k, k->config);
    if (n->log_taken) kith_log_change(k->log, &setup, NULL);
}

/* ---------------------------------------------------------------------------------- swapping */

/* The core has said that it takes these settings; a delegate may still veto what is announced of
 * them. */
static int give_settings(struct kith *k, struct kith_error *err)
{
    kith_packets_measure(k);
    k->memory.limit = k->config->settings.max_stream_memory;
    if (!k->core) return 0;
    return kith_core_reconfigure(k->core, &k->config->settings, k->room.head + k->link_head,
                                 k->room.tail + k->link_tail, kith_node_now(k), err);
}

/* Streams go over when the transport adopts; else they are gone with their old one. */
static void replace_transport(struct kith *k, struct next *n)
{
    struct kith_link *former = k->link;
    k->link = n->link;
    n->link = former;
    k->transport = k->link->in;
    if (k->started) k->changed |= KITH_CHANGED_ADDRESS;
}

/* Only now that it runs is it known what it can do. */
static int start_transport(struct kith_report *r, struct next *n, struct kith_error *err)
{
    struct kith *k = r->k;
    struct kith_link *former = k->link, *link = n->link;
    bool adopts = kith_instance_adopts(link->in, former->in);
    int rc = k->started ? kith_link_start(link, former, err) : 0;
    if (k->started && k->core && !adopts) kith_streams_lost(k);
    if (rc) return rc;
    rc = check_with(k, n, link, err);
    if (!rc || !k->started || adopts) {
        replace_transport(k, n);
        return rc;
    }
    struct kith_error again = {.size = sizeof again};
    kith_link_end(link);
    n->link = NULL;
    (void)kith_link_start(former, NULL, &again);
    return rc;
}

/* 0: one runs that can carry the rest. */
static int swap_transport(struct kith_report *r, struct next *n, struct kith_error *err)
{
    struct kith *k = r->k;
    const struct kith_link *former = k->link;
    if (!n->link) return 0;
    int rc = start_transport(r, n, err);
    if (!rc) return 0;
    struct kith_error can = {.size = sizeof can};
    bool runs_on = kith_instance_runs(k->transport), replaced = k->link != former;
    kith_report_error(r, "transport: %s: %s",
                      replaced  ? "the new one runs, and can't go back"
                      : runs_on ? "goes on as it was"
                                : "runs no more",
                      err->text);
    if (!runs_on) kith_node_fail(k, rc);
    if (!runs_on || check_with(k, n, k->link, &can)) return rc;
    kith_report_note(r, err);
    return 0;
}

/* Config and pipeline that were in force go into n. */
static void swap_values(struct kith *k, struct next *n)
{
    struct kith_config *config = k->config;
    struct kith_pipeline *pipeline = k->pipeline;
    k->config = n->config;
    k->pipeline = n->pipeline;
    n->config = config;
    n->pipeline = pipeline;
}

static int give_values(struct kith *k, struct next *n, struct kith_error *err)
{
    swap_values(k, n);
    int rc = give_settings(k, err);
    if (!rc) rc = kith_keyring_join(n->ring, err);
    if (!rc) return 0;
    swap_values(k, n);
    (void)give_settings(k, NULL);
    return rc;
}

static int swap(struct kith_report *r, struct next *n, struct kith_error *err)
{
    struct kith *k = r->k;
    const struct kith_link *former = k->link;
    if (k->core) kith_turn_drain(k); /* what was packed for the old chain goes through it */
    int rc = swap_transport(r, n, err);
    if (rc) return rc;
    rc = give_values(k, n, err);
    if (rc && k->link != former)
        kith_report_error(r, "transport: the new one runs; all else did not change");
    if (rc) return rc;
    if (n->resolver) {
        struct kith_resolver *before = k->former_resolver;
        k->former_resolver = k->resolver;
        k->resolver = n->resolver;
        n->resolver = before;
    }
    k->transport_waits = n->transport_waits;
    kith_streams_require(k, k->config->chain.require);
    (void)kith_services_labels(k->services, k->config->metric_labels.items,
                               k->config->metric_labels.count);
    return 0;
}

/* ---------------------------------------------------------------------------------- starting */

static bool same_text(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : "") == 0; }

static bool same_seeds(const struct kith_seeds *a, const struct kith_seeds *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = same_text(a->items[i].name, b->items[i].name) &&
               same_text(a->items[i].address, b->items[i].address);
    return same;
}

/* The others are told when the file's meta changed, or when somebody else makes or seals it now.
 * A node that has left, or is no member yet, has nobody to tell. */
static void renew_meta(struct kith_report *r, const struct kith_config *old,
                       const void *const makers[2])
{
    struct kith *k = r->k;
    const void *now[2];
    int64_t rc;
    kith_delegates_meta_makers(k->delegates, now);
    bool same = same_meta(k, old, k->config);
    if (same && now[0] == makers[0] && now[1] == makers[1]) return;
    if (!k->core)
        rc = kith_delegates_meta(k->delegates, k->config->meta);
    else if (same)
        rc = kith_core_update(k->core, kith_node_now(k), KITH_UPDATE_TIMEOUT);
    else
        rc = kith_commands_meta(k, k->config->meta);
    bool refused = rc < 0 && rc != -KITH_ECLOSED;
    k->meta_refused = refused && !same;
    if (!refused) return;
    struct kith_error err = {.size = sizeof err};
    kith_fail(&err, (enum kith_code)(-rc), "node.meta: stays as it was: %s",
              kith_code_text((int)rc));
    kith_report_error(r, "%s", err.text);
    kith_report_note(r, &err);
}

static void start_delegates(struct kith_report *r, struct next *n)
{
    struct kith *k = r->k;
    struct kith_delegates *former = k->delegates;
    const struct kith_failures failures = {kith_report_failed, r};
    struct kith_error first = {.size = sizeof first}; /* told like the others */
    const void *makers[2];
    kith_delegates_meta_makers(former, makers);
    r->section = "delegates";
    if (k->begun)
        (void)kith_delegates_follow(n->delegates, &failures, &first);
    else
        kith_delegates_put(n->delegates);
    k->delegates = n->delegates;
    n->delegates = former;
    renew_meta(r, n->config, makers);
}

/* Who is left alone may have files to read again. */
static void refresh(struct kith_report *r, bool transport)
{
    struct kith *k = r->k;
    const struct kith_failures failures = {kith_report_failed, r};
    r->section = "transport";
    if (!transport) (void)kith_instance_refresh(k->transport, KITH_REFRESH_FILES, &failures);
    r->section = "delegates";
    kith_delegates_refresh(k->delegates, KITH_REFRESH_FILES, &failures);
    r->section = "pipeline";
    kith_pipeline_refresh(k->pipeline, KITH_REFRESH_FILES, &failures);
}

/* ------------------------------------------------------------------------------------ the whole */

/* The new values are in force: entries follow. */
static void follow(struct kith_report *r, struct next *n, bool transport)
{
    struct kith *k = r->k;
    start_delegates(r, n);
    refresh(r, transport);
    kith_report_changes(r, n->config, n->transport_waits);
    kith_report_replaced(r);
    if (!same_seeds(&n->config->join, &k->config->join)) kith_joiner_kick(k);
    if (k->begun && !k->failed) {
        struct kith_event e = {.size = sizeof e, .kind = KITH_EVENT_RELOADED};
        kith_delegates_event(k->delegates, &e);
    }
}

/* What a reload that failed has left. */
static const char *outcome(const struct kith *k, bool swapped, bool transport)
{
    if (k->failed) return "the node ends";
    if (swapped) return "all else is as the file says";
    return transport ? "refused, nothing but the transport changed" : "refused, nothing changed";
}

int kith_reload(struct kith *k, void (*line)(void *arg, const char *line), void *arg,
                struct kith_error *err)
{
    struct kith_error mine = {.size = sizeof mine};
    kith_loop_enter(k->loop);
    if (!err) err = &mine;
    err->code = 0;
    err->text[0] = 0;
    if (k->shared)
        return kith_fail(err, KITH_EUNSUPPORTED,
                         "this node was made by a program, not from a file");
    struct kith_report r = {.k = k, .line = line, .arg = arg, .err = err};
    struct next n = {0};
    const struct kith_link *link = k->link;
    int rc = kith_report_begin(&r, err);
    if (!rc) rc = prepare(&r, &n, err);
    if (!rc) rc = swap(&r, &n, err);
    bool swapped = !rc;
    if (swapped) {
        follow(&r, &n, link != k->link);
        rc = r.rc;
    } else {
        go_back(k, &n);
    }
    if (rc)
        kith_node_log(k, KITH_LOG_ERROR, "reload: %s: %s", outcome(k, swapped, k->link != link),
                      err->text);
    else if (!r.changes)
        kith_report_line(&r, "nothing changed");
    next_free(k, &n);
    kith_report_end(&r);
    kith_node_wake(k);
    return rc;
}
