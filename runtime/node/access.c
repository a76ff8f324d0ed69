/*
 * access.c - what every file of a node needs, and what those who look on may see: time, log, the
 * mark that it wants a turn, the parts of a node. Calls nothing else of the node but its
 * transport's format.
 */
#include "inside.h"

bool kith_node_ready(const struct kith *k) { return k->begun; }

uint64_t kith_node_now(const struct kith *k) { return kith_loop_now(k->loop); }

uint64_t kith_node_uptime(const struct kith *k) { return kith_loop_wall(k->loop) - k->started_at; }

unsigned kith_node_health(const struct kith *k) { return k->core ? kith_core_health(k->core) : 0; }

size_t kith_node_count(const struct kith *k, enum kith_state state)
{
    return k->core ? kith_core_count(k->core, state) : 0;
}

void kith_node_load(const struct kith *k, struct kith_node_load *out)
{
    *out = (struct kith_node_load){.packets_sent = k->packets_out,
                                   .bytes_sent = k->bytes_out,
                                   .broadcasts = k->core ? kith_core_queued(k->core) : 0};
}

struct kith_loop *kith_node_loop(const struct kith *k) { return k->loop; }

struct kith_log *kith_node_logger(const struct kith *k) { return k->log; }

const struct kith_options *kith_node_options(const struct kith *k) { return &k->options; }

const struct kith_config *kith_node_config(const struct kith *k) { return k->config; }

struct kith_keyring *kith_node_keyring(const struct kith *k) { return k->ring; }

struct kith_pipeline *kith_node_pipeline(const struct kith *k) { return k->pipeline; }

struct kith_delegates *kith_node_delegates(const struct kith *k) { return k->delegates; }

struct kith_asks *kith_node_asks(const struct kith *k) { return k->asks; }

struct kith_instance *kith_node_instance(const struct kith *k, struct kith_bytes entry)
{
    if (kith_bytes_equal(kith_text(kith_instance_name(k->transport)), entry)) return k->transport;
    if (memchr(entry.data ? entry.data : (const uint8_t *)"", 0, entry.len)) return NULL;
    char name[256];
    if (entry.len >= sizeof name) return NULL;
    snprintf(name, sizeof name, "%.*s", (int)entry.len, (const char *)entry.data);
    struct kith_instance *in = kith_delegates_find(k->delegates, name);
    return in ? in : kith_pipeline_find(k->pipeline, name);
}

int kith_node_call(struct kith *k, struct kith_bytes entry, const struct kith_bytes *words,
                   size_t count, uint32_t flags, uint64_t deadline, const struct kith_asker *asker,
                   uint64_t *id, struct kith_error *err)
{
    kith_loop_enter(k->loop);
    struct kith_instance *in = kith_node_instance(k, entry);
    if (id) *id = 0;
    if (!in)
        return kith_fail(err, KITH_ENOTFOUND, "no entry is called %.*s", (int)entry.len,
                         (const char *)entry.data);
    if (!in->plugin->command)
        return kith_fail(err, KITH_EUNSUPPORTED, "%s takes no commands", kith_instance_name(in));
    uint64_t made = kith_instance_call(in, k->asks, words, count, flags, deadline, asker);
    if (id) *id = made;
    kith_node_wake(k); /* what it asked for, and its deadline */
    return 0;
}

void kith_node_running(const struct kith *k, void (*visit)(void *arg, const struct kith_instance *),
                       void *arg)
{
    visit(arg, k->transport);
    kith_delegates_running(k->delegates, visit, arg);
}

static const char *entry_name(const struct kith_entry *e)
{
    return e->name ? e->name : e->plugin->name;
}

/* It could not be started by a reload, nor could its former self go on. */
static bool lacks(const struct kith *k, size_t delegate)
{
    const struct kith_entry *e = &k->config->delegates.items[delegate];
    return !kith_delegates_find(k->delegates, entry_name(e));
}

void kith_node_degraded(const struct kith *k,
                        void (*visit)(void *arg, struct kith_bytes entry, const char *why),
                        void *arg)
{
    if (k->started && !k->begun)
        visit(arg, kith_text(kith_instance_name(k->transport)), "its address is not known yet");
    for (size_t i = 0; k->begun && i < k->config->delegates.count; i++)
        if (lacks(k, i))
            visit(arg, kith_text(entry_name(&k->config->delegates.items[i])), "it does not run");
    const struct kith_link *l = k->link;
    if (l && *l->mute) visit(arg, kith_text(kith_instance_name(k->transport)), l->mute);
    if (l && *l->unfit) visit(arg, kith_text(kith_instance_name(k->transport)), l->unfit);
    kith_services_visit_degraded(k->services, visit, arg);
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
    if (kith_link_format(k->link, addr, out, cap) < 0) snprintf(out, cap, "?");
}

void kith_node_wake(struct kith *k)
{
    if (k->idle && !k->in_turn && !k->paused) kith_loop_idle_mark(k->idle);
}

void kith_node_former_config(struct kith *k, struct kith_config *config)
{
    if (!config) return;
    config->next = k->former;
    k->former = config;
}

void kith_node_free_former(struct kith *k)
{
    for (struct kith_config *c; (c = k->former);) {
        k->former = c->next;
        kith_config_free(c);
    }
}

void kith_stop(struct kith *k)
{
    atomic_store(&k->stop, true);
    kith_loop_wake(k->loop);
}

bool kith_node_ended(const struct kith *k, int *code)
{
    if (!atomic_load(&k->stop)) return false;
    *code = k->failed;
    return true;
}

void kith_node_fail(struct kith *k, int code)
{
    if (!k->failed) k->failed = code;
    kith_stop(k);
    kith_node_wake(k); /* who looks on sees it at the end of this turn */
}
