/*
 * begin.c - from a running transport to a member: what others shall call us by, the core, the
 * delegates, the first join. A transport may not know its address yet, or change it later: both
 * ways lead here. Knows nothing of turns.
 */
#include "inside.h"

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

static void because(void *ctx, uint32_t request, const char *fmt, va_list ap)
{
    kith_commands_because(ctx, request, fmt, ap);
}

static void channel_broadcasts(void *ctx, size_t overhead, size_t limit,
                               const struct kith_sink *sink)
{
    struct kith *k = ctx;
    kith_delegates_channel_broadcasts(k->delegates, overhead, limit, sink);
}

static void channel_state(void *ctx, bool join, const struct kith_sink *sink)
{
    struct kith *k = ctx;
    kith_delegates_channel_state(k->delegates, join, sink);
}

static int make_core(struct kith *k, const struct kith_addr *advertise, struct kith_error *err)
{
    struct kith_core_config config = {
        .settings = k->config->settings,
        .headroom = k->room.head + k->link_head,
        .tailroom = k->room.tail + k->link_tail,
        .advertise = *advertise,
        .wall = kith_loop_wall(k->loop),
    };
    config.default_port = advertise->port ? advertise->port : k->link->ops->default_port;
    k->default_port = config.default_port;
    k->env = (struct kith_core_env){
        .ctx = k,
        .log = core_log,
        .because = because,
        .packet_budget = kith_packets_budget,
        .channel_broadcasts = channel_broadcasts,
        .channel_state = channel_state,
        .memory = &k->memory,
    };
    k->env.delegate = kith_delegates_ops(k->delegates, &k->env.delegate_self);
    uint64_t seed;
    kith_loop_random(k->loop, &seed, sizeof seed);
    kith_loop_random(k->loop, config.hash_key, sizeof config.hash_key);
    return kith_core_new(&k->core, &config, &k->env, seed, kith_node_now(k), err);
}

int kith_begin(struct kith *k, struct kith_error *err)
{
    struct kith_addr advertise;
    int rc = kith_link_advertise(k->link, &advertise, err);
    if (rc == -KITH_EAGAIN) {
        kith_node_log(k, KITH_LOG_INFO, "the transport does not know its address yet: waiting");
        return 0;
    }
    if (!rc) rc = make_core(k, &advertise, err);
    if (!rc) rc = kith_delegates_start(k->delegates, err);
    if (!rc) rc = kith_core_start(k->core, kith_node_now(k), err);
    if (rc) return rc;
    k->begun = true;
    struct kith_event started = {.size = sizeof started, .kind = KITH_EVENT_STARTED};
    kith_delegates_event(k->delegates, &started);
    kith_node_wake(k);
    return kith_joiner_start(k) ? kith_fail(err, KITH_ENOMEM, "out of memory") : 0;
}

int kith_begin_advertise(struct kith *k, struct kith_error *err)
{
    struct kith_addr now;
    struct kith_member self = {.size = sizeof self};
    int rc = kith_link_advertise(k->link, &now, err);
    if (rc == -KITH_EAGAIN) return 0; /* KITH_CHANGED_ADDRESS follows */
    if (rc) return rc;
    kith_core_self(k->core, &self);
    if (kith_addr_equal(&self.addr, &now)) return 0;
    return kith_core_advertise(k->core, kith_node_now(k), &now, err);
}
