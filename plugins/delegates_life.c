/*
 * delegates_life.c - the delegates of a node from its config to their end, and from one config to
 * the next.
 *
 * A reload makes a second struct kith_delegates over the same shared part. Listeners whose entry
 * did not change are in both. The old one is in force until every delegate of the new one has
 * started.
 */
#include "delegates_parts.h"

/* -------------------------------------------------------------------- what all reloads share */

static struct kith_delegates_shared *shared_new(const struct kith_host_maker *maker,
                                                const struct kith_node *base)
{
    struct kith_delegates_shared *shared = calloc(1, sizeof *shared);
    if (!shared) return NULL;
    shared->base = base;
    maker->random(maker->ctx, &shared->relayed.seed, sizeof shared->relayed.seed);
    shared->direct.seed = shared->relayed.seed;
    return shared;
}

static void shared_unref(struct kith_delegates_shared *shared)
{
    if (--shared->refs) return;
    for (size_t i = 0; i < shared->own_count; i++) kith_listener_unref(shared->own[i]);
    kith_requests_drop(shared);
    kith_handoff_fini(&shared->waiting);
    kith_handoff_fini(&shared->spare);
    kith_seen_fini(&shared->relayed);
    kith_seen_fini(&shared->direct);
    kith_scratch_free(&shared->frame);
    kith_scratch_free(&shared->state);
    free(shared->own);
    free(shared->meta);
    free(shared);
}

/* -------------------------------------------------------------------------- new, start, free */

static bool same_channel(const struct kith_entry *a, const struct kith_entry *b)
{
    return strcmp(a->channel ? a->channel : "", b->channel ? b->channel : "") == 0;
}

static bool has(const struct kith_delegates *d, const struct kith_listener *l)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->listeners[i] == l) return true;
    return false;
}

/* The listener of the old config that this entry continues. exactly: no setting changed; otherwise
 * the same plugin on the same channel will do. */
static struct kith_listener *former(const struct kith_delegates *d, const struct kith_entry *entry,
                                    bool exactly)
{
    for (size_t i = 0; d->old && i < d->old->count; i++) {
        struct kith_listener *l = d->old->listeners[i];
        const struct kith_entry *was = l->instance->entry;
        if (has(d, l) || l->succeeded || l->instance->plugin != entry->plugin ||
            !same_channel(was, entry))
            continue;
        if (!exactly || memcmp(was->digest, entry->digest, sizeof was->digest) == 0) return l;
    }
    return NULL;
}

/* A reload before this one may have found some, and failed. */
static void forget_successors(struct kith_delegates *old)
{
    for (size_t i = 0; old && i < old->count; i++) old->listeners[i]->succeeded = false;
}

static struct kith_listener *make_listener(struct kith_delegates *d, const struct kith_entry *entry,
                                           const struct kith_host_maker *maker,
                                           struct kith_error *err)
{
    struct kith_listener *l = former(d, entry, true);
    if (l) {
        l->refs++;
        return l;
    }
    struct kith_instance *instance;
    if (kith_instance_new(&instance, entry, maker, NULL, err) != 0) return NULL;
    l = kith_listener_new(d->shared, instance, entry->plugin->ops, instance->self,
                          instance->entry->channel);
    if (l) return l;
    kith_error_clear(err);
    kith_instance_failed(instance, -KITH_ENOMEM, "get memory", err);
    kith_instance_free(instance);
    return NULL;
}

static struct kith_delegates *alloc(const struct kith_config *config,
                                    const struct kith_host_maker *maker,
                                    const struct kith_node *node, struct kith_delegates *old)
{
    struct kith_delegates *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->listeners = calloc(config->delegates.count + 1, sizeof *d->listeners);
    d->shared = old ? old->shared : shared_new(maker, node);
    if (!d->listeners || !d->shared) {
        if (!old) free(d->shared);
        free(d->listeners);
        free(d);
        return NULL;
    }
    d->shared->refs++;
    d->old = old;
    d->limits.depth = config->settings.handoff_queue_depth;
    d->limits.bytes = config->settings.max_stream_memory;
    d->max_state = config->settings.max_stream_size;
    return d;
}

/* From now on these are the delegates that are called. */
static void activate(struct kith_delegates *d)
{
    d->shared->active = d;
    d->shared->limits = d->limits;
    d->shared->max_state = d->max_state;
}

struct kith_delegates *kith_delegates_new(const struct kith_config *config,
                                          const struct kith_host_maker *maker,
                                          const struct kith_node *node, struct kith_delegates *old,
                                          struct kith_error *err)
{
    if (kith_delegates_clash(config, err)) return NULL;
    struct kith_delegates *d = alloc(config, maker, node, old);
    if (!d) {
        kith_fail(err, KITH_ENOMEM, "no memory for the delegates");
        return NULL;
    }
    forget_successors(old);
    for (size_t i = 0; i < config->delegates.count; i++) {
        struct kith_listener *l = make_listener(d, &config->delegates.items[i], maker, err);
        if (!l) {
            kith_delegates_free(d);
            return NULL;
        }
        d->listeners[d->count++] = l;
    }
    if (!old) activate(d);
    return d;
}

static int start_listener(struct kith_delegates *d, struct kith_listener *l, struct kith_error *err)
{
    struct kith_instance *in = l->instance;
    if (kith_instance_runs(in)) return 0;
    int rc = kith_listener_attach(l, err);
    if (rc) return rc;
    struct kith_listener *old = former(d, in->entry, false);
    if (old) old->succeeded = true;
    return kith_instance_start(in, old ? old->instance : NULL, err);
}

/* Does one of the program's own play a part that this delegate of the file claims? */
static int check_own(const struct kith_delegates_shared *shared, const struct kith_listener *l,
                     struct kith_error *err)
{
    const struct kith_instance *in = l->instance;
    for (size_t i = 0; i < shared->own_count; i++)
        for (enum kith_role role = 0; role < KITH_ROLES; role++) {
            if (!kith_role_played(&l->ops, role) || !kith_role_played(&shared->own[i]->ops, role) ||
                !kith_role_exclusive(role, in->entry->channel, NULL))
                continue;
            int rc = kith_fail(err, KITH_EEXIST,
                               "it and the program's own delegate both %s; only one can",
                               kith_role_words(role));
            return kith_entry_failed(in->entry, in->maker.file, rc, err);
        }
    return 0;
}

int kith_delegates_start(struct kith_delegates *d, struct kith_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < d->count && !rc; i++) rc = check_own(d->shared, d->listeners[i], err);
    forget_successors(d->old);
    for (size_t i = 0; i < d->count && !rc; i++) rc = start_listener(d, d->listeners[i], err);
    if (rc) return rc;
    activate(d);
    return 0;
}

void kith_delegates_free(struct kith_delegates *d)
{
    if (!d) return;
    while (d->count) {
        struct kith_listener *l = d->listeners[--d->count];
        d->listeners[d->count] = NULL;
        kith_listener_unref(l);
    }
    struct kith_delegates_shared *shared = d->shared;
    if (shared->active == d) {
        shared->active = NULL;
        if (d->old) activate(d->old);
    } else if (shared->active && shared->active->old == d) {
        shared->active->old = NULL;
    }
    shared_unref(shared);
    free(d->listeners);
    free(d);
}

/* --------------------------------------------------------------------------------- listeners */

/* Free those that went while a callback ran. */
static void sweep(struct kith_delegates_shared *shared)
{
    size_t kept = 0;
    for (size_t i = 0; i < shared->own_count; i++) {
        if (shared->own[i]->self)
            shared->own[kept++] = shared->own[i];
        else
            kith_listener_unref(shared->own[i]);
    }
    shared->own_count = kept;
}

static bool taken(const struct kith_delegates_shared *shared, const struct kith_delegate_ops *ops)
{
    for (enum kith_role role = 0; role < KITH_ROLES; role++) {
        if (!kith_role_played(ops, role)) continue;
        for (size_t i = 0; shared->active && i < shared->active->count; i++)
            if (kith_role_played(&shared->active->listeners[i]->ops, role) &&
                kith_role_exclusive(role, shared->active->listeners[i]->instance->entry->channel,
                                    NULL))
                return true;
        for (size_t i = 0; i < shared->own_count; i++)
            if (kith_role_played(&shared->own[i]->ops, role)) return true;
    }
    return false;
}

int kith_delegates_listen(struct kith_delegates *d, const struct kith_delegate_ops *ops, void *self)
{
    struct kith_delegates_shared *shared = d->shared;
    if (!shared->busy) sweep(shared);
    struct kith_listener *l = kith_listener_new(shared, NULL, ops, self ? self : shared, NULL);
    if (!l) return -KITH_ENOMEM;
    int rc = taken(shared, &l->ops) ? -KITH_EEXIST : 0;
    struct kith_listener **more =
        rc ? NULL : realloc(shared->own, (shared->own_count + 1) * sizeof *more);
    if (!rc && !more) rc = -KITH_ENOMEM;
    if (more) shared->own = more;
    if (!rc) rc = kith_listener_attach(l, NULL);
    if (rc) {
        kith_listener_unref(l);
        return rc;
    }
    more[shared->own_count++] = l;
    return 0;
}

void kith_delegates_unlisten(struct kith_delegates *d, void *self)
{
    struct kith_delegates_shared *shared = d->shared;
    for (size_t i = 0; i < shared->own_count; i++) {
        struct kith_listener *l = shared->own[i];
        if (l->self != (self ? self : shared)) continue;
        l->self = NULL;
        memset(&l->ops, 0, sizeof l->ops);
        break;
    }
    if (!shared->busy) sweep(shared);
}

/* ---------------------------------------------------------------------------------- the rest */

void kith_delegates_meta(struct kith_delegates *d, struct kith_bytes meta)
{
    struct kith_delegates_shared *shared = d->shared;
    uint8_t *copy = meta.len ? malloc(meta.len) : NULL;
    if (meta.len && !copy) return;
    if (copy) memcpy(copy, meta.data, meta.len);
    free(shared->meta);
    shared->meta = copy;
    shared->meta_len = meta.len;
}

struct kith_instance *kith_delegates_find(struct kith_delegates *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct kith_entry *e = d->listeners[i]->instance->entry;
        char with_channel[2 * KITH_CHANNEL_NAME_MAX + 256];
        snprintf(with_channel, sizeof with_channel, "%s:%s", e->plugin->name,
                 e->channel ? e->channel : "");
        if (strcmp(e->plugin->name, name) == 0 || strcmp(e->use, name) == 0 ||
            strcmp(with_channel, name) == 0)
            return d->listeners[i]->instance;
    }
    return NULL;
}

void kith_delegates_stats(const struct kith_delegates *d,
                          void (*visit)(void *arg, const struct kith_stat *), void *arg)
{
    const struct kith_delegates_shared *shared = d->shared;
    const struct {
        const char *name, *help;
        uint64_t value;
        uint32_t kind;
    } all[] = {
        {"user_messages_waiting", "User messages waiting for the delegates.", shared->waiting.count,
         KITH_GAUGE},
        {"user_messages_dropped",
         "User messages dropped because the queue for the delegates was full.", shared->dropped,
         KITH_COUNTER},
        {"channel_malformed", "Channel messages and states that could not be read.",
         shared->malformed, KITH_COUNTER},
        {"channel_repeated", "Channel messages that had been seen before.", shared->repeated,
         KITH_COUNTER},
        {"channel_relayed", "Channel broadcasts passed on.", shared->passed_on, KITH_COUNTER},
        {"channel_relay_dropped",
         "Channel broadcasts not passed on because the broadcast queue was full.",
         shared->not_passed_on, KITH_COUNTER},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct kith_stat stat = {.size = sizeof stat,
                                 .kind = all[i].kind,
                                 .name = all[i].name,
                                 .help = all[i].help,
                                 .value = (double)all[i].value};
        visit(arg, &stat);
    }
}
