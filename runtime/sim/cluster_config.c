/*
 * cluster_config.c - from the config of a real node to that of a cluster's nodes. It is made of the
 * same entries; only the transport's is new. Knows plugins by what they say of themselves, but for
 * loopback.
 */
#include "cluster.h"
#include "param.h"
#include "registry.h"
#include <stdlib.h>

struct leaving_out {
    void (*fn)(void *arg, const char *what, const char *why);
    void *arg;
};

static void leave_out(const struct leaving_out *out, const char *why, const char *fmt, ...)
    KITH_PRINTF(3, 4);
static void leave_out(const struct leaving_out *out, const char *why, const char *fmt, ...)
{
    char what[300];
    va_list ap;
    if (!out->fn) return;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    out->fn(out->arg, what, why);
}

/* --------------------------------------------------------------------------------- transport */

enum { PARAMS_MAX = 32 };

/* One node's address is not another one's, and the network's name is of no matter. */
static bool is_own(const struct kith_param *p)
{
    return strcmp(p->name, "address") == 0 || strcmp(p->name, "network") == 0;
}

/* What the file says of its loopback. How many. */
static size_t take_settings(const struct kith_entry *theirs, struct kith_setting_text *out)
{
    size_t n = 0;
    for (const struct kith_param *p = theirs->plugin->params; p && p->name && n < PARAMS_MAX; p++) {
        const void *at = (const char *)theirs->params + p->offset;
        if (is_own(p) || !kith_param_given(p, at)) continue;
        out[n++] = (struct kith_setting_text){p->name, kith_param_text(p, at)};
    }
    return n;
}

static int make_transport(struct kith_entry *out, const struct kith_config *theirs,
                          struct kith_registry *registry, const struct leaving_out *lost,
                          struct kith_error *err)
{
    struct kith_setting_text settings[PARAMS_MAX] = {{0}};
    const struct kith_plugin *loopback =
        kith_registry_find(registry, KITH_TRANSPORT, "loopback", err);
    if (!loopback) return err->code;
    size_t n = 0;
    if (theirs->transport.plugin == loopback)
        n = take_settings(&theirs->transport, settings);
    else if (theirs->transport.plugin)
        leave_out(lost, "loopback takes its place, a network in memory", "transport %s",
                  theirs->transport.plugin->name);
    int rc = kith_entry_init(out, loopback, theirs->settings.profile, settings, n, err);
    while (n) free((char *)(uintptr_t)settings[--n].text);
    return rc;
}

/* ----------------------------------------------------------------------------------- entries */

/* NULL: it can stay. */
static const char *why_not(const struct kith_entry *e)
{
    if (e->plugin->flags & KITH_OUTSIDE)
        return "it works outside of the process, where time is real";
    for (const struct kith_param *p = e->plugin->params; p && p->name; p++)
        if (p->type == KITH_PARAM_PATH && kith_param_given(p, (char *)e->params + p->offset))
            return "it has a file, which all nodes would share";
    return NULL;
}

static int keep_inside(struct kith_entries *out, const struct kith_entries *theirs,
                       const char *kind, const struct leaving_out *lost, struct kith_error *err)
{
    *out = (struct kith_entries){0};
    if (!theirs->count) return 0;
    out->items = calloc(theirs->count, sizeof *out->items);
    if (!out->items) return kith_fail(err, KITH_ENOMEM, "out of memory");
    for (size_t i = 0; i < theirs->count; i++) {
        const struct kith_entry *e = &theirs->items[i];
        const char *why = why_not(e);
        if (!why)
            out->items[out->count++] = *e;
        else if (kind)
            leave_out(lost, why, "%s %s", kind, e->name ? e->name : e->plugin->name);
    }
    return 0;
}

/* A chain by hand may have one list for both. */
static int keep_chain(struct kith_chain *out, const struct kith_chain *theirs,
                      const struct leaving_out *lost, struct kith_error *err)
{
    int rc = keep_inside(&out->send, &theirs->send, "codec", lost, err);
    out->accept = (struct kith_entries){0};
    return rc ? rc : keep_inside(&out->accept, &theirs->accept, NULL, lost, err);
}

int kith_cluster_config(struct kith_config *out, const struct kith_config *theirs,
                        struct kith_registry *registry,
                        void (*left_out)(void *arg, const char *what, const char *why), void *arg,
                        struct kith_error *err)
{
    const struct leaving_out lost = {left_out, arg};
    struct kith_error mine = {.size = sizeof mine};
    if (!err) err = &mine;
    *out = *theirs;
    out->arena = NULL; /* and it is their memory that we point to */
    out->texts = NULL;
    out->control = "";
    out->log_file = NULL;
    out->log_to = KITH_LOG_TO_STDERR;
    out->join = (struct kith_seeds){0};
    out->chain.send = out->chain.accept = out->delegates = (struct kith_entries){0};
    out->transport = (struct kith_entry){0};
    int rc = make_transport(&out->transport, theirs, registry, &lost, err);
    if (!rc) rc = keep_chain(&out->chain, &theirs->chain, &lost, err);
    if (!rc) rc = keep_inside(&out->delegates, &theirs->delegates, "delegate", &lost, err);
    if (theirs->control && *theirs->control)
        leave_out(&lost, "nodes of a simulation have no socket", "node.control");
    if (theirs->log_to != KITH_LOG_TO_STDERR)
        leave_out(&lost, "nodes of a simulation keep no log", "node.log");
    if (theirs->join.count) leave_out(&lost, "its addresses are those of another network", "join");
    if (rc) kith_cluster_config_fini(out);
    return rc;
}

void kith_cluster_config_fini(struct kith_config *config)
{
    kith_config_free(config); /* what settings were asked for */
    kith_entry_fini(&config->transport);
    free(config->chain.send.items);
    free(config->chain.accept.items);
    free(config->delegates.items);
    *config = (struct kith_config){0};
}
