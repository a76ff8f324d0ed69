/*
 * hooks.c - what plugins ask of their host and only a node can answer: settings by key, names to
 * addresses, events for the other entries; and what the fan-out to delegates asks in turn. Knows
 * nothing of the tables that plugins see.
 */
#include "inside.h"

static void touched(void *ctx) { kith_node_wake(ctx); }

/* While a reload makes and starts entries, they are told what it is about to put in force. */
static int setting(void *ctx, const char *key, struct kith_value *out)
{
    struct kith *k = ctx;
    return kith_config_setting(k->making ? k->making : k->config, key, out);
}

static int resolve(void *ctx, struct kith_bytes text, kith_resolved_fn *fn, void *arg)
{
    struct kith *k = ctx;
    struct kith_place place;
    if (!k->link || k->closing) return -KITH_ECLOSED; /* nobody can say what is a name */
    int rc = kith_place_parse(k, text, &place, NULL);
    return rc ? rc : kith_place_resolve(k, &place, fn, arg);
}

static int emit(void *ctx, const struct kith_host *by, const struct kith_event *event,
                kith_answer_fn *answer, void *arg)
{
    struct kith *k = ctx;
    if (!k->delegates || k->closing) return -KITH_ECLOSED;
    int rc = kith_delegates_emit(k->delegates, by, event, answer, arg);
    if (!rc) kith_node_wake(k);
    return rc;
}

static void forget(void *ctx, const struct kith_host *by)
{
    struct kith *k = ctx;
    if (k->delegates) kith_delegates_forget(k->delegates, by);
}

struct kith_services *kith_node_services(struct kith *k)
{
    struct kith_services_setup setup = {
        .asks = k->asks,
        .labels = k->config->metric_labels.items,
        .label_count = k->config->metric_labels.count,
        .ctx = k,
        .touched = touched,
        .setting = setting,
        .resolve = resolve,
        .emit = emit,
        .forget = forget,
    };
    return kith_services_new(k->loop, k->log, &setup);
}

static struct kith_instance *instance_of(void *ctx, const struct kith_host *host)
{
    struct kith *k = ctx;
    return kith_instance_of(k->all, host);
}

static uint64_t now(void *ctx)
{
    struct kith *k = ctx;
    return kith_loop_now(k->loop);
}

static uint64_t wall(void *ctx)
{
    struct kith *k = ctx;
    return kith_loop_wall(k->loop);
}

static uint64_t world(void *ctx)
{
    struct kith *k = ctx;
    return kith_loop_world(k->loop);
}

static void chance(void *ctx, void *out, size_t len)
{
    struct kith *k = ctx;
    kith_loop_random(k->loop, out, len);
}

struct kith_check_world kith_node_check_world(struct kith *k)
{
    return (struct kith_check_world){
        .ctx = k, .now = now, .wall = wall, .world = world, .random = chance};
}

struct kith_delegates *kith_node_delegates_new(struct kith *k, const struct kith_config *c,
                                               struct kith_keyring *ring,
                                               struct kith_delegates *old, struct kith_error *err)
{
    struct kith_delegates_setup setup = {
        .maker = &k->maker,
        .node = &k->lent.table,
        .ring = ring,
        .ctx = k,
        .now = now,
        .wall = wall,
        .instance_of = instance_of,
    };
    return kith_delegates_new(c, &setup, old, err);
}
