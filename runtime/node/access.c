/*
 * access.c - what every file of a node needs, and what those who look on may see: time, log, the
 * wake-up of a turn, the parts of a node. Calls nothing else of the node.
 */
#include "inside.h"

bool kith_node_ready(const struct kith *k) { return k->core != NULL; }

uint64_t kith_node_now(const struct kith *k) { return kith_loop_now(k->loop); }

uint64_t kith_node_uptime(const struct kith *k) { return kith_loop_wall(k->loop) - k->started_at; }

unsigned kith_node_health(const struct kith *k) { return k->core ? kith_core_health(k->core) : 0; }

struct kith_loop *kith_node_loop(const struct kith *k) { return k->loop; }

struct kith_log *kith_node_logger(const struct kith *k) { return k->log; }

const struct kith_options *kith_node_options(const struct kith *k) { return &k->options; }

const struct kith_config *kith_node_config(const struct kith *k) { return k->config; }

struct kith_keyring *kith_node_keyring(const struct kith *k) { return k->ring; }

struct kith_pipeline *kith_node_pipeline(const struct kith *k) { return k->pipeline; }

struct kith_delegates *kith_node_delegates(const struct kith *k) { return k->delegates; }

struct kith_instance *kith_node_instance(const struct kith *k, const char *name)
{
    if (!strcmp(name, k->transport->plugin->name)) return k->transport;
    return kith_delegates_find(k->delegates, name);
}

int kith_node_check_place(const struct kith *k, const char *text, struct kith_error *err)
{
    struct kith_where where;
    return kith_where_parse(&where, text, k->default_port, err);
}

void kith_node_log(struct kith *k, enum kith_log_level level, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    kith_log_vwrite(k->log, level, "", fmt, ap);
    va_end(ap);
}

void kith_node_format(const struct kith *k, const struct kith_addr *addr, char *out, size_t cap)
{
    int n = k->ops->format(k->transport->self, addr, out, cap);
    if (n < 0) snprintf(out, cap, "?");
}

/* Does nothing: that it ran makes a turn, and a turn has an end. */
static void woken(void *ctx) {}

void kith_node_wake(struct kith *k)
{
    if (k->in_turn || k->woken || !k->idle) return;
    k->woken = kith_loop_post(k->loop, woken, k) == 0;
}

void kith_node_unwake(struct kith *k) { kith_loop_unpost(k->loop, woken, k); }
