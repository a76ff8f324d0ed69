/*
 * delegates_life.c - the fan-out from its config to its end, and from one config to the next.
 *
 * The hub lives as long as the node. A reload makes a second fan-out on it; seats whose entry did
 * not change are in both. Nothing of the old one is touched before the new one has started, so a
 * reload that fails has changed nothing.
 */
#include "fanout.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------ what excludes what */

enum role { MESSAGES, STATE, META, ACK, ROLES };
static const char *const role_words[ROLES] = {"produce messages", "produce state", "provide meta",
                                              "provide the ack payload"};

static bool plays(const struct kith_delegate_ops *ops, enum role role)
{
    switch (role) {
    case MESSAGES: return ops->get_broadcasts;
    case STATE: return ops->local_state;
    case META: return ops->node_meta;
    default: return ops->ack_payload;
    }
}

/* On the wire one's messages can't be told from the other's; meta and ack payload belong to the
 * whole node. */
static bool collide(enum role role, const char *a, const char *b)
{
    if (role == META || role == ACK) return true;
    return strcmp(a ? a : "", b ? b : "") == 0;
}

static int check_pair(const struct kith_entry *a, const struct kith_entry *b,
                      struct kith_error *err)
{
    for (enum role role = 0; role < ROLES; role++) {
        if (!plays(a->plugin->ops, role) || !plays(b->plugin->ops, role) ||
            !collide(role, a->channel, b->channel))
            continue;
        const char *where = role == META || role == ACK ? ""
                            : a->channel                ? " on the same channel"
                                                        : " without a channel";
        return kith_fail(err, KITH_EEXIST,
                         "delegates `%s` (line %u) and `%s` (line %u) both %s%s; one can", a->use,
                         a->pos.line, b->use, b->pos.line, role_words[role], where);
    }
    return 0;
}

const struct kith_entry *kith_delegates_clash(const struct kith_config *config,
                                              struct kith_error *err)
{
    const struct kith_entries *all = &config->delegates;
    for (size_t i = 0; i < all->count; i++) {
        const struct kith_entry *entry = &all->items[i];
        if (entry->channel &&
            (!*entry->channel || strlen(entry->channel) > KITH_CHANNEL_NAME_MAX)) {
            kith_fail(err, KITH_EINVAL,
                      "delegate `%s` (line %u): a channel's name has 1 to %d bytes", entry->use,
                      entry->pos.line, KITH_CHANNEL_NAME_MAX);
            return entry;
        }
        for (size_t j = 0; j < i; j++)
            if (check_pair(&all->items[j], entry, err) != 0) return entry;
    }
    return NULL;
}

/* ----------------------------------------------------------------------------------- the hub */

static struct kith_hub *hub_new(const struct kith_node *base)
{
    struct kith_hub *hub = calloc(1, sizeof *hub);
    if (!hub) return NULL;
    hub->base = base;
    hub->relayed.seed = hub->direct.seed =
        (uintptr_t)hub * 0x9E3779B97F4A7C15u; /* the loader's randomness will do */
    return hub;
}

static void hub_unref(struct kith_hub *hub)
{
    if (--hub->refs) return;
    for (size_t i = 0; i < hub->listener_count; i++) kith_seat_unref(hub->listeners[i]);
    kith_hub_drop_tickets(hub);
    kith_handoff_fini(&hub->waiting);
    kith_handoff_fini(&hub->spare);
    kith_seen_fini(&hub->relayed);
    kith_seen_fini(&hub->direct);
    kith_scratch_fini(&hub->frame);
    kith_scratch_fini(&hub->state);
    free(hub->listeners);
    free(hub->meta);
    free(hub);
}

/* -------------------------------------------------------------------------- new, start, free */

static bool same_channel(const struct kith_entry *a, const struct kith_entry *b)
{
    return strcmp(a->channel ? a->channel : "", b->channel ? b->channel : "") == 0;
}

static bool has(const struct kith_delegates *d, const struct kith_seat *seat)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->seats[i] == seat) return true;
    return false;
}

/* The seat of old that an entry continues: unchanged when `exactly`, else the same plugin on the
 * same channel. */
static struct kith_seat *former(const struct kith_delegates *d, const struct kith_entry *entry,
                                bool exactly)
{
    for (size_t i = 0; d->old && i < d->old->count; i++) {
        struct kith_seat *seat = d->old->seats[i];
        const struct kith_entry *was = seat->instance->entry;
        if (has(d, seat) || seat->succeeded || seat->instance->plugin != entry->plugin ||
            !same_channel(was, entry))
            continue;
        if (!exactly || memcmp(was->digest, entry->digest, sizeof was->digest) == 0) return seat;
    }
    return NULL;
}

static struct kith_seat *make_seat(struct kith_delegates *d, const struct kith_entry *entry,
                                   const struct kith_host_maker *maker, struct kith_error *err)
{
    struct kith_seat *seat = former(d, entry, true);
    if (seat) {
        seat->refs++;
        return seat;
    }
    struct kith_instance *instance;
    if (kith_instance_new(&instance, entry, maker, NULL, err) != 0) return NULL;
    seat = kith_seat_new(d->hub, instance, entry->plugin->ops, instance->self,
                         instance->entry->channel);
    if (seat) return seat;
    kith_instance_free(instance);
    kith_fail(err, KITH_ENOMEM, "no memory for delegate `%s`", entry->use);
    return NULL;
}

static struct kith_delegates *alloc(const struct kith_config *config, const struct kith_node *node,
                                    struct kith_delegates *old)
{
    struct kith_delegates *d = calloc(1, sizeof *d);
    if (!d) return NULL;
    d->seats = calloc(config->delegates.count + 1, sizeof *d->seats);
    d->hub = old ? old->hub : hub_new(node);
    if (!d->seats || !d->hub) {
        if (!old) free(d->hub);
        free(d->seats);
        free(d);
        return NULL;
    }
    d->hub->refs++;
    d->old = old;
    d->limits.depth = config->settings.handoff_queue_depth;
    d->limits.bytes = config->settings.max_stream_memory;
    d->max_state = config->settings.max_stream_size;
    return d;
}

/* The hub turns to a fan-out. */
static void activate(struct kith_delegates *d)
{
    d->hub->active = d;
    d->hub->limits = d->limits;
    d->hub->max_state = d->max_state;
}

struct kith_delegates *kith_delegates_new(const struct kith_config *config,
                                          const struct kith_host_maker *maker,
                                          const struct kith_node *node, struct kith_delegates *old,
                                          struct kith_error *err)
{
    if (kith_delegates_clash(config, err)) return NULL;
    struct kith_delegates *d = alloc(config, node, old);
    if (!d) {
        kith_fail(err, KITH_ENOMEM, "no memory for the delegates");
        return NULL;
    }
    for (size_t i = 0; i < config->delegates.count; i++) {
        struct kith_seat *seat = make_seat(d, &config->delegates.items[i], maker, err);
        if (!seat) {
            kith_delegates_free(d);
            return NULL;
        }
        d->seats[d->count++] = seat;
    }
    if (!old) activate(d);
    return d;
}

static int start_seat(struct kith_delegates *d, struct kith_seat *seat, struct kith_error *err)
{
    struct kith_instance *in = seat->instance;
    if (in->started) return 0;
    int rc = 0;
    if (err) err->text[0] = 0;
    if (!seat->attached && seat->ops.attach) rc = seat->ops.attach(seat->self, &seat->node, err);
    if (rc) {
        char text[400];
        snprintf(text, sizeof text, "%.390s", err && *err->text ? err->text : "does not take part");
        return kith_fail(err, rc < 0 && rc > -KITH_ECODE_MAX ? (enum kith_code) - rc : KITH_EINVAL,
                         "%s: %s", in->plugin->name, text);
    }
    seat->attached = true;
    struct kith_seat *old = former(d, in->entry, false);
    if (old) {
        old->succeeded = true;
        rc = kith_instance_adopt(in, old->instance, err);
    }
    return rc ? rc : kith_instance_start(in, err);
}

/* Does a listener play what a delegate of the new fan-out plays? */
static int check_listeners(const struct kith_delegates *d, struct kith_error *err)
{
    for (size_t i = 0; i < d->count; i++)
        for (size_t j = 0; j < d->hub->listener_count; j++)
            for (enum role role = 0; role < ROLES; role++) {
                const struct kith_entry *entry = d->seats[i]->instance->entry;
                if (plays(&d->seats[i]->ops, role) && plays(&d->hub->listeners[j]->ops, role) &&
                    collide(role, entry->channel, NULL))
                    return kith_fail(
                        err, KITH_EEXIST,
                        "delegate `%s` (line %u) and the program's own both %s; one can",
                        entry->use, entry->pos.line, role_words[role]);
            }
    return 0;
}

int kith_delegates_start(struct kith_delegates *d, struct kith_error *err)
{
    int rc = check_listeners(d, err);
    for (size_t i = 0; d->old && i < d->old->count; i++) d->old->seats[i]->succeeded = false;
    for (size_t i = 0; i < d->count && !rc; i++) rc = start_seat(d, d->seats[i], err);
    if (rc) return rc;
    activate(d);
    return 0;
}

void kith_delegates_free(struct kith_delegates *d)
{
    if (!d) return;
    while (d->count) {
        struct kith_seat *seat = d->seats[--d->count];
        d->seats[d->count] = NULL;
        kith_seat_unref(seat);
    }
    struct kith_hub *hub = d->hub;
    if (hub->active == d) {
        hub->active = NULL;
        if (d->old) activate(d->old);
    } else if (hub->active && hub->active->old == d) {
        hub->active->old = NULL;
    }
    hub_unref(hub);
    free(d->seats);
    free(d);
}

/* --------------------------------------------------------------------------------- listeners */

/* Those who went while a callback ran. */
static void sweep(struct kith_hub *hub)
{
    size_t kept = 0;
    for (size_t i = 0; i < hub->listener_count; i++) {
        if (hub->listeners[i]->self)
            hub->listeners[kept++] = hub->listeners[i];
        else
            kith_seat_unref(hub->listeners[i]);
    }
    hub->listener_count = kept;
}

static bool taken(const struct kith_hub *hub, const struct kith_delegate_ops *ops)
{
    for (enum role role = 0; role < ROLES; role++) {
        if (!plays(ops, role)) continue;
        for (size_t i = 0; hub->active && i < hub->active->count; i++)
            if (plays(&hub->active->seats[i]->ops, role) &&
                collide(role, hub->active->seats[i]->instance->entry->channel, NULL))
                return true;
        for (size_t i = 0; i < hub->listener_count; i++)
            if (plays(&hub->listeners[i]->ops, role)) return true;
    }
    return false;
}

int kith_delegates_listen(struct kith_delegates *d, const struct kith_delegate_ops *ops, void *self)
{
    struct kith_hub *hub = d->hub;
    if (!hub->busy) sweep(hub);
    struct kith_seat *seat = kith_seat_new(hub, NULL, ops, self ? self : hub, NULL);
    if (!seat) return -KITH_ENOMEM;
    int rc = taken(hub, &seat->ops) ? -KITH_EEXIST : 0;
    struct kith_seat **more =
        rc ? NULL : realloc(hub->listeners, (hub->listener_count + 1) * sizeof *more);
    if (!rc && !more) rc = -KITH_ENOMEM;
    if (more) hub->listeners = more;
    if (!rc && seat->ops.attach) rc = seat->ops.attach(seat->self, &seat->node, NULL);
    if (rc) {
        kith_seat_unref(seat);
        return rc < 0 ? rc : -KITH_EREFUSED;
    }
    seat->attached = true;
    more[hub->listener_count++] = seat;
    return 0;
}

void kith_delegates_unlisten(struct kith_delegates *d, void *self)
{
    struct kith_hub *hub = d->hub;
    for (size_t i = 0; i < hub->listener_count; i++) {
        struct kith_seat *seat = hub->listeners[i];
        if (seat->self != (self ? self : hub)) continue;
        seat->self = NULL;
        memset(&seat->ops, 0, sizeof seat->ops);
        break;
    }
    if (!hub->busy) sweep(hub);
}

/* ---------------------------------------------------------------------------------- the rest */

void kith_delegates_meta(struct kith_delegates *d, struct kith_bytes meta)
{
    struct kith_hub *hub = d->hub;
    uint8_t *copy = meta.len ? malloc(meta.len) : NULL;
    if (meta.len && !copy) return;
    if (copy) memcpy(copy, meta.data, meta.len);
    free(hub->meta);
    hub->meta = copy;
    hub->meta_len = meta.len;
}

struct kith_instance *kith_delegates_find(struct kith_delegates *d, const char *name)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct kith_entry *e = d->seats[i]->instance->entry;
        char with_channel[2 * KITH_CHANNEL_NAME_MAX + 256];
        snprintf(with_channel, sizeof with_channel, "%s:%s", e->plugin->name,
                 e->channel ? e->channel : "");
        if (strcmp(e->plugin->name, name) == 0 || strcmp(e->use, name) == 0 ||
            strcmp(with_channel, name) == 0)
            return d->seats[i]->instance;
    }
    return NULL;
}

uint64_t kith_delegates_dropped(const struct kith_delegates *d) { return d->hub->dropped; }

void kith_delegates_stats(const struct kith_delegates *d,
                          void (*visit)(void *arg, const struct kith_stat *), void *arg)
{
    const struct kith_hub *hub = d->hub;
    const struct {
        const char *name, *help;
        uint64_t value;
        uint32_t kind;
    } all[] = {
        {"user_messages_waiting", "User messages waiting for the delegates.", hub->waiting.count,
         KITH_GAUGE},
        {"user_messages_dropped",
         "User messages dropped because the queue for the delegates was full.", hub->dropped,
         KITH_COUNTER},
        {"channel_malformed", "Channel messages and states that could not be read.", hub->malformed,
         KITH_COUNTER},
        {"channel_repeated", "Channel messages that had been seen before.", hub->repeated,
         KITH_COUNTER},
        {"channel_relayed", "Channel broadcasts passed on.", hub->passed_on, KITH_COUNTER},
        {"channel_relay_dropped",
         "Channel broadcasts not passed on because the broadcast queue was full.",
         hub->not_passed_on, KITH_COUNTER},
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
