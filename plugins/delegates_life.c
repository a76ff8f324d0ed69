/*
 * delegates_life.c - the delegates of a node from its config to their end, and from one config to
 * the next.
 *
 * A reload makes a second struct kith_delegates over the same shared part. Listeners whose entry
 * did not change are in both. The old one is in force until the new one is started; from then on
 * the new one is, with the old instance of every entry that could not be replaced.
 */
#include "delegates_parts.h"

/* -------------------------------------------------------------------- what all reloads share */

static struct kith_delegates_shared *shared_new(const struct kith_delegates_setup *setup)
{
    struct kith_delegates_shared *shared = calloc(1, sizeof *shared);
    if (!shared) return NULL;
    shared->setup = *setup;
    shared->asks = setup->maker->asks;
    shared->ops = kith_all_ops;
    setup->maker->random(setup->maker->ctx, shared->seen.key, sizeof shared->seen.key);
    shared->waiting.memory = shared->spare.memory = setup->maker->memory;
    return shared;
}

static void shared_unref(struct kith_delegates_shared *shared)
{
    if (--shared->refs) return;
    for (size_t i = 0; i < shared->own_count; i++) kith_listener_unref(shared->own[i]);
    kith_emitted_fini(shared);
    kith_leaving_fini(shared);
    kith_delegate_requests_drop(shared);
    kith_handoff_fini(&shared->waiting);
    kith_handoff_fini(&shared->spare);
    kith_seen_fini(&shared->seen);
    kith_strangers_fini(&shared->strangers);
    kith_scratch_free(&shared->frame);
    kith_scratch_free(&shared->state);
    kith_scratch_free(&shared->name);
    kith_scratch_free(&shared->sender);
    free(shared->own);
    free(shared->meta.bytes);
    free(shared->former_meta.bytes);
    free(shared);
}

/* What the core may leave out: nobody wants to judge it, or to add to packets. */
static void collect_wishes(struct kith_delegates_shared *shared)
{
    shared->ops.judges = 0;
    shared->ops.get_broadcasts = NULL;
    const struct kith_listener *l;
    for (size_t i = 0; (l = kith_listener_at(shared, i)); i++) {
        if (l->ops.judge) shared->ops.judges |= l->ops.judges;
        if (l->ops.get_broadcasts) shared->ops.get_broadcasts = kith_all_ops.get_broadcasts;
    }
}

/* From now on these are the delegates that are called. */
static void activate(struct kith_delegates *d)
{
    if (d->shared->next == d) d->shared->next = NULL;
    d->shared->active = d;
    d->shared->limits = d->limits;
    d->shared->max_state = d->max_state;
    collect_wishes(d->shared);
}

/* ------------------------------------------------------------------------------- new and free */

static const char *text(const char *s) { return s ? s : ""; }

static const char *name_of(const struct kith_entry *e)
{
    return e->name ? e->name : e->plugin->name;
}

/* The listener of the old config that this entry continues: by its name, whatever plugin it was. */
static struct kith_listener *former(const struct kith_delegates *d, const struct kith_entry *entry)
{
    for (size_t i = 0; d->old && i < d->old->count; i++) {
        struct kith_listener *l = d->old->listeners[i];
        if (l->instance && strcmp(kith_instance_name(l->instance), name_of(entry)) == 0) return l;
    }
    return NULL;
}

static bool same_settings(const struct kith_entry *a, const struct kith_entry *b)
{
    return a->allow == b->allow && strcmp(text(a->channel), text(b->channel)) == 0 &&
           memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

/* Answers and `done` of what it asked are for memory that may be gone. */
static void forget(struct kith_listener *l)
{
    kith_delegate_requests_forget(l);
    if (l->instance) kith_emitted_forget(l->shared, l->instance->host);
}

static void drop(struct kith_listener *l)
{
    if (l->refs == 1) forget(l);
    kith_listener_unref(l);
}

/* Does one of the program's own play a part that this delegate of the file claims? */
static int check_own(const struct kith_delegates_shared *shared, const struct kith_listener *l,
                     struct kith_error *err)
{
    const struct kith_instance *in = l->instance;
    for (size_t i = 0; i < shared->own_count; i++)
        for (enum kith_role role = 0; role < KITH_ROLES; role++) {
            if (!kith_role_played(&l->ops, in->entry->channel, role) ||
                !kith_role_played(&shared->own[i]->ops, NULL, role) ||
                !kith_role_exclusive(role, in->entry->channel, NULL))
                continue;
            int rc = kith_fail(err, KITH_EEXIST,
                               "it and the program's own delegate both %s; only one can",
                               kith_role_words(role));
            return kith_entry_failed(in->entry, in->maker.file, rc, err);
        }
    return 0;
}

static struct kith_listener *make_listener(struct kith_delegates *d, const struct kith_entry *entry,
                                           const struct kith_delegates_setup *setup,
                                           struct kith_error *err)
{
    struct kith_listener *l = former(d, entry);
    if (l && kith_instance_runs(l->instance) && l->instance->plugin == entry->plugin &&
        same_settings(l->instance->entry, entry)) {
        l->refs++;
        return l;
    }
    struct kith_instance *instance;
    if (kith_instance_new(&instance, entry, setup->maker, setup->ring, err) != 0) return NULL;
    l = kith_listener_new(d->shared, instance, entry->plugin->ops, instance->self,
                          instance->entry->channel);
    if (!l) {
        kith_error_clear(err);
        kith_instance_failed(instance, -KITH_ENOMEM, "get memory", err);
        kith_instance_free(instance);
        return NULL;
    }
    l->node = kith_delegate_table;
    if (check_own(d->shared, l, err) == 0) return l;
    kith_listener_unref(l);
    return NULL;
}

static struct kith_delegates *alloc(const struct kith_config *config,
                                    const struct kith_delegates_setup *setup,
                                    struct kith_delegates *old)
{
    struct kith_delegates *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->listeners = calloc(config->delegates.count + 1, sizeof *d->listeners);
    d->shared = old ? old->shared : shared_new(setup);
    if (!d->listeners || !d->shared) {
        if (!old) free(d->shared);
        free(d->listeners);
        free(d);
        return NULL;
    }
    d->shared->refs++;
    d->shared->generation++;
    d->old = old;
    d->limits.depth = config->settings.handoff_queue_depth;
    d->limits.bytes = config->settings.max_stream_memory / 4;
    d->max_state = config->settings.max_stream_size;
    return d;
}

struct kith_delegates *kith_delegates_new(const struct kith_config *config,
                                          const struct kith_delegates_setup *setup,
                                          struct kith_delegates *old, struct kith_error *err)
{
    if (kith_delegates_clash(config, err)) return NULL;
    struct kith_delegates *d = alloc(config, setup, old);
    if (!d) {
        kith_fail(err, KITH_ENOMEM, "no memory for the delegates");
        return NULL;
    }
    for (size_t i = 0; i < config->delegates.count; i++) {
        struct kith_listener *l = make_listener(d, &config->delegates.items[i], setup, err);
        if (!l) {
            kith_delegates_free(d);
            return NULL;
        }
        d->listeners[d->count++] = l;
    }
    d->shared->next = d;
    if (!old) activate(d);
    return d;
}

/* Freed before its successor started: the successor becomes active, with nothing to take over. */
static void succeed(struct kith_delegates *d)
{
    struct kith_delegates_shared *shared = d->shared;
    if (shared->next == d) shared->next = NULL;
    if (shared->active == d) shared->active = NULL;
    if (shared->active && shared->active->old == d) shared->active->old = NULL;
    if (!shared->next || shared->next->old != d) return;
    shared->next->old = NULL;
    activate(shared->next);
}

void kith_delegates_free(struct kith_delegates *d)
{
    if (!d) return;
    struct kith_delegates_shared *shared = d->shared;
    succeed(d);
    while (d->count) drop(d->listeners[--d->count]);
    shared_unref(shared);
    free(d->listeners);
    free(d);
}

/* ------------------------------------------------------------------------------------- start */

/* Without adopt, drop the old instance's requests before it stops; with adopt, only after it
 * succeeded. */
static int start_listener(struct kith_delegates *d, struct kith_listener *l, struct kith_error *err)
{
    struct kith_instance *in = l->instance;
    if (kith_instance_runs(in)) return 0;
    struct kith_listener *old = former(d, in->entry);
    in->host->node = &l->node;
    if (old && !kith_instance_adopts(in, old->instance)) forget(old);
    int rc = kith_instance_start(in, old ? old->instance : NULL, err);
    if (old && !rc) forget(old);
    return rc;
}

/* Entries that the new file has no more: they end before others may want what they hold. */
static void end_removed(struct kith_delegates *d)
{
    for (size_t i = d->old->count; i--;) {
        struct kith_listener *l = d->old->listeners[i];
        bool goes_on = false;
        for (size_t j = 0; j < d->count && !goes_on; j++)
            goes_on = former(d, d->listeners[j]->instance->entry) == l;
        if (goes_on) continue;
        forget(l);
        kith_listener_end(l);
    }
}

/* The new ones on their way in, and who did not make it. */
struct starting {
    struct kith_delegates *d;
    const struct kith_failures *told; /* NULL: those after the first are logged */
    struct kith_error *err;           /* of the first */
    int rc;
};

/* It ran, but must go: its old instance comes back, if it has not handed over all it had. */
static void take_back(struct kith_listener *l, struct kith_listener *old)
{
    struct kith_error again = {.size = sizeof again};
    forget(l);
    kith_listener_end(l);
    if (old && old->instance->state == KITH_INSTANCE_STOPPED)
        (void)kith_instance_start(old->instance, NULL, &again);
}

/* The new one is out: the old instance keeps its place, if it still runs. */
static void refuse(struct starting *s, size_t i, int rc, const struct kith_error *why)
{
    struct kith_delegates *d = s->d;
    struct kith_listener *l = d->listeners[i], *old = former(d, l->instance->entry);
    char name[256];
    snprintf(name, sizeof name, "%s", kith_instance_name(l->instance));
    if (s->rc && !s->told)
        l->instance->host->log(l->instance->host, KITH_LOG_ERROR, "%s", why->text);
    if (kith_instance_runs(l->instance)) take_back(l, old);
    bool kept = old && kith_instance_runs(old->instance);
    if (kept) {
        old->refs++;
        d->listeners[i] = old;
    } else {
        d->count--;
        memmove(&d->listeners[i], &d->listeners[i + 1], (d->count - i) * sizeof *d->listeners);
    }
    drop(l);
    if (s->told) s->told->tell(s->told->arg, name, kept, why);
    if (!s->rc) {
        s->rc = rc;
        kith_fail(s->err, (enum kith_code)(-rc), "%s", why->text);
    }
}

static bool both_claim(const struct kith_listener *a, const struct kith_listener *b,
                       enum kith_role role)
{
    const char *of_a = a->instance->entry->channel, *of_b = b->instance->entry->channel;
    return kith_role_played(&a->ops, of_a, role) && kith_role_played(&b->ops, of_b, role) &&
           kith_role_exclusive(role, of_a, of_b);
}

/* Entries of one file never claim the same part. An old instance that keeps its place may play one
 * that the new file gave to somebody else: that one waits. */
static int check_kept(const struct kith_delegates *d, const struct kith_listener *l,
                      struct kith_error *err)
{
    const unsigned now = d->shared->generation;
    for (size_t i = 0; l->generation == now && i < d->count; i++) {
        const struct kith_listener *old = d->listeners[i];
        if (old->generation == now) continue;
        for (enum kith_role role = 0; role < KITH_ROLES; role++) {
            if (!both_claim(l, old, role)) continue;
            kith_fail(err, KITH_EEXIST, "it and `%s`, which goes on as it was, both %s; one can",
                      kith_listener_name(old), kith_role_words(role));
            return kith_entry_failed(l->instance->entry, l->instance->maker.file, -KITH_EEXIST,
                                     err);
        }
    }
    return 0;
}

/* Refuse one new delegate that claims a part which a kept old instance still plays. True: there was
 * one. */
static bool refuse_one(struct starting *s)
{
    struct kith_error why = {.size = sizeof why};
    for (size_t i = 0; i < s->d->count; i++) {
        int rc = check_kept(s->d, s->d->listeners[i], &why);
        if (rc) refuse(s, i, rc, &why);
        if (rc) return true;
    }
    return false;
}

int kith_delegates_follow(struct kith_delegates *d, const struct kith_failures *told,
                          struct kith_error *err)
{
    struct starting s = {.d = d, .told = told, .err = err};
    if (d->old) end_removed(d);
    for (size_t i = 0; i < d->count;) {
        struct kith_error why = {.size = sizeof why};
        size_t before = d->count;
        int rc = check_kept(d, d->listeners[i], &why);
        if (!rc) rc = start_listener(d, d->listeners[i], &why);
        if (rc && !d->old) return kith_fail(err, (enum kith_code)(-rc), "%s", why.text);
        if (rc) refuse(&s, i, rc, &why);
        if (d->count == before) i++;
    }
    while (refuse_one(&s)) continue;
    activate(d);
    return s.rc;
}

int kith_delegates_start(struct kith_delegates *d, struct kith_error *err)
{
    return kith_delegates_follow(d, NULL, err);
}

void kith_delegates_put(struct kith_delegates *d)
{
    activate(d);
    d->old = NULL;
}

void kith_delegates_refresh(struct kith_delegates *d, uint32_t what,
                            const struct kith_failures *told)
{
    for (size_t i = 0; i < d->count; i++) {
        struct kith_listener *l = d->listeners[i];
        if (l->instance && l->generation != d->shared->generation)
            (void)kith_instance_refresh(l->instance, what, told);
    }
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
    const struct kith_listener *l;
    for (enum kith_role role = 0; role < KITH_ROLES; role++) {
        if (!kith_role_played(ops, NULL, role)) continue;
        for (size_t i = 0; (l = kith_listener_at(shared, i)); i++) {
            const char *channel = l->instance ? l->instance->entry->channel : NULL;
            if (kith_role_played(&l->ops, channel, role) &&
                kith_role_exclusive(role, channel, NULL))
                return true;
        }
    }
    return false;
}

int kith_delegates_listen(struct kith_delegates *d, const struct kith_delegate_ops *ops, void *self)
{
    struct kith_delegates_shared *shared = d->shared;
    struct kith_delegate_ops today;
    if (!KITH_TAKE(&today, ops)) return -KITH_EINVAL;
    if (!shared->busy) sweep(shared);
    struct kith_listener *l = kith_listener_new(shared, NULL, &today, self ? self : shared, NULL);
    if (!l) return -KITH_ENOMEM;
    int rc = taken(shared, &l->ops) ? -KITH_EEXIST : 0;
    struct kith_listener **more =
        rc ? NULL : realloc(shared->own, (shared->own_count + 1) * sizeof *more);
    if (!rc && !more) rc = -KITH_ENOMEM;
    if (rc) {
        kith_listener_unref(l);
        return rc;
    }
    shared->own = more;
    more[shared->own_count++] = l;
    collect_wishes(shared);
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
    collect_wishes(shared);
    if (!shared->busy) sweep(shared);
}

/* ---------------------------------------------------------------------------------- the rest */

const struct kith_delegate_ops *kith_delegates_ops(struct kith_delegates *d, void **self)
{
    *self = d->shared;
    return &d->shared->ops;
}

int kith_delegates_meta(struct kith_delegates *d, struct kith_bytes meta)
{
    struct kith_delegates_shared *shared = d->shared;
    uint8_t *copy = meta.len ? malloc(meta.len) : NULL;
    if (meta.len && !copy) return -KITH_ENOMEM;
    if (copy) memcpy(copy, meta.data, meta.len);
    free(shared->former_meta.bytes);
    shared->former_meta = shared->meta;
    shared->meta = (struct kith_fixed_meta){copy, meta.len};
    return 0;
}

void kith_delegates_meta_back(struct kith_delegates *d)
{
    struct kith_fixed_meta refused = d->shared->meta;
    d->shared->meta = d->shared->former_meta;
    d->shared->former_meta = refused;
}

bool kith_delegates_gives_meta(const struct kith_delegates *d)
{
    const struct kith_listener *l;
    for (size_t i = 0; (l = kith_listener_at(d->shared, i)); i++)
        if (l->ops.node_meta) return true;
    return false;
}

void kith_delegates_meta_makers(const struct kith_delegates *d, const void *makers[2])
{
    const struct kith_listener *l;
    makers[0] = makers[1] = NULL;
    for (size_t i = 0; (l = kith_listener_at(d->shared, i)); i++) {
        if (l->ops.node_meta) makers[0] = l->self;
        if (l->ops.seal_meta) makers[1] = l->self;
    }
}

bool kith_delegates_runs(const struct kith_delegates *d, const struct kith_entry *entry)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct kith_instance *in = d->listeners[i]->instance;
        if (in && kith_instance_runs(in) && in->plugin == entry->plugin &&
            strcmp(kith_instance_name(in), name_of(entry)) == 0)
            return same_settings(in->entry, entry);
    }
    return false;
}

void kith_delegates_running(const struct kith_delegates *d,
                            void (*visit)(void *arg, const struct kith_instance *), void *arg)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct kith_instance *in = d->listeners[i]->instance;
        if (in && kith_instance_runs(in)) visit(arg, in);
    }
}

struct kith_instance *kith_delegates_find(struct kith_delegates *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++) {
        struct kith_instance *in = d->listeners[i]->instance;
        if (in && kith_instance_runs(in) && strcmp(kith_instance_name(in), name) == 0) return in;
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
        {"channel_unknown", "Channel messages of a later version, which were ignored.",
         shared->unknown, KITH_COUNTER},
        {"channel_repeated", "Channel messages that had been seen before.", shared->repeated,
         KITH_COUNTER},
        {"events_emitted", "Events of plugins that were handed to the others.",
         shared->emitted.sent, KITH_COUNTER},
        {"events_answered", "Answers of plugins to events of others.", shared->emitted.answers,
         KITH_COUNTER},
        {"stranger_messages", "Messages of delegates to addresses that are no member's.",
         shared->strangers.sent, KITH_COUNTER},
        {"stranger_messages_refused",
         "Messages of delegates refused because too many went to addresses that are no member's.",
         shared->strangers.refused, KITH_COUNTER},
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
