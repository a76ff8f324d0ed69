/*
 * life.c - the life of an open node: its parts are started in order, run, and are stopped in
 * reverse. Who talks to whom in between is in the files that inside.h lists.
 */
#include "inside.h"
#include <stdlib.h>

const char *kith_version(void) { return KITH_VERSION; }

/* ---------------------------------------------------------------------------------- starting */

static void core_log(void *ctx, enum kith_log_level level, const struct kith_addr *peer,
                     const char *fmt, va_list ap)
{
    struct kith *k = ctx;
    if (!kith_log_wanted(k->log, level)) return;
    if (!peer) {
        kith_log_vwrite(k->log, level, "", fmt, ap);
        return;
    }
    char from[KITH_ADDR_TEXT];
    kith_node_format(k, peer, from, sizeof from);
    kith_log_vwrite_about(k->log, level, "", from, fmt, ap);
}

static int make_core(struct kith *k, struct kith_error *err)
{
    struct kith_limits limits = {.size = sizeof limits};
    k->ops->limits(k->transport->self, &limits);
    struct kith_core_config config = {
        .settings = k->config->settings,
        .headroom = (uint16_t)(k->room.head + limits.headroom),
        .tailroom = (uint16_t)(k->room.tail + limits.tailroom),
    };
    kith_error_clear(err);
    int rc = k->ops->advertise(k->transport->self, &config.advertise, err);
    if (rc) return kith_instance_failed(k->transport, rc, "say where it can be reached", err);
    config.default_port = config.advertise.port ? config.advertise.port : k->ops->default_port;
    k->default_port = config.default_port;
    k->env = (struct kith_core_env){
        .ctx = k,
        .log = core_log,
        .packet_budget = kith_wiring_budget,
    };
    k->env.delegate = kith_delegates_ops(k->delegates, &k->env.delegate_self);
    uint64_t seed;
    kith_loop_random(k->loop, &seed, sizeof seed);
    return kith_core_new(&k->core, &config, &k->env, seed, kith_node_now(k), err);
}

int kith_start(struct kith *k, struct kith_error *err)
{
    if (k->started) return 0;
    k->started_at = kith_loop_wall(k->loop);
    int rc = kith_wiring_attach(k, k->transport, &k->config->settings, err);
    /* First: the control socket of another node of this name says so before we bind. */
    if (!rc) rc = kith_observers_start(k, err);
    if (!rc) rc = kith_instance_start(k->transport, NULL, err);
    if (rc) return rc;
    kith_wiring_measure(k);
    rc = make_core(k, err);
    if (!rc) rc = kith_delegates_start(k->delegates, err);
    if (!rc) rc = kith_core_start(k->core, kith_node_now(k), err);
    if (!rc) rc = kith_wiring_start(k, err);
    if (rc) return rc;
    k->started = true;
    return kith_joiner_start(k) ? kith_fail(err, KITH_ENOMEM, "out of memory") : 0;
}

/* ------------------------------------------------------------------------- running, stopping */

int kith_run(struct kith *k)
{
    int rc = atomic_load(&k->stop) ? 0 : kith_loop_run(k->loop);
    return k->failed ? k->failed : rc;
}

void kith_stop(struct kith *k)
{
    atomic_store(&k->stop, true);
    kith_loop_stop(k->loop);
}

int kith_fd(const struct kith *k) { return kith_loop_fd(k->loop); }

uint64_t kith_timeout(const struct kith *k) { return kith_loop_timeout(k->loop); }

int kith_dispatch(struct kith *k)
{
    if (!atomic_load(&k->stop)) kith_loop_turn(k->loop, 0);
    if (!atomic_load(&k->stop)) return 0;
    return k->failed ? k->failed : -KITH_ECLOSED;
}

const struct kith_node *kith_node(const struct kith *k) { return &k->table; }

void kith_close(struct kith *k)
{
    if (!k) return;
    kith_wiring_stop(k);
    kith_commands_free(k); /* their askers are told before they go */
    kith_resolver_free(k->resolver);
    kith_resolver_free(k->former_resolver);
    kith_joiner_free(k);
    kith_observers_stop(k);
    if (k->delegates) kith_delegates_free(k->delegates);
    kith_instance_free(k->transport);
    kith_streams_free(k);
    kith_core_free(k->core);
    if (k->pipeline) kith_pipeline_unref(k->pipeline);
    if (k->ring) kith_keyring_unref(k->ring);
    if (k->services) kith_services_free(k->services);
    kith_log_free(k->log);
    kith_config_free(k->config);
    if (k->own_registry && k->registry) kith_registry_free(k->registry);
    if (k->own_loop && k->loop) kith_loop_free(k->loop);
    free(k->path);
    free(k->name);
    free(k->text);
    free(k);
}
