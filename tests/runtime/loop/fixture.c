/*
 * fixture.c - see fixture.h.
 */
#include "fixture.h"
#include "../../test.h"

size_t kith_keyring_count(const struct kith_keyring *ring) { return ring->count; }

const char *kith_keyring_name(const struct kith_entry *entry)
{
    return entry->plugin->flags & KITH_RAW_KEYS ? NULL : entry->plugin->name;
}

int kith_keyring_key(struct kith_keyring *ring, size_t i, const char *name, struct kith_key *out)
{
    out->len = name ? 32 : 16;
    out->data = (const uint8_t *)(name ? name : "raw");
    return 0;
}

int kith_asks_reply(struct kith_asks *asks, const struct kith_host *owner, uint64_t id,
                    struct kith_bytes bytes)
{
    asks->owner = owner;
    asks->id = id;
    if (asks->inside) asks->inside(asks->arg);
    return asks->rc;
}

int kith_asks_finish(struct kith_asks *asks, const struct kith_host *owner, uint64_t id, int status,
                     const char *text)
{
    asks->status = status;
    return kith_asks_reply(asks, owner, id, kith_bytes_of(NULL, 0));
}

static void keep(void *ctx, enum kith_log_level level, const char *line)
{
    struct fixture *f = ctx;
    size_t used = strlen(f->lines);
    snprintf(f->lines + used, sizeof f->lines - used, "%s|", line);
}

void fixture_begin(struct fixture *f, bool real, const struct kith_services_setup *setup)
{
    memset(f, 0, sizeof *f);
    struct kith_log_setup log = {.level = KITH_LOG_TRACE, .hook = keep, .hook_ctx = f};
    struct kith_services_setup hooks = {0};
    if (setup) hooks = *setup;
    hooks.asks = &f->asks;
    f->loop = real ? kith_loop_new() : kith_loop_new_virtual(3, 1000);
    CU_ASSERT_EQUAL_FATAL(kith_log_new(&f->log, &log, NULL), 0);
    f->services = kith_services_new(f->loop, f->log, &hooks);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->services);
    f->maker = kith_services_maker(f->services);
    f->plugin = (struct kith_plugin){KITH_HEADER(DELEGATE), .name = "thing"};
    f->entry = (struct kith_entry){
        .use = "thing", .name = "thing", .kind = KITH_DELEGATE, .plugin = &f->plugin};
    f->ring.count = 2;
    f->host = fixture_host(f);
}

struct kith_host *fixture_host(struct fixture *f)
{
    struct kith_host *host = f->maker.make(f->maker.ctx, &f->entry, &f->ring);
    CU_ASSERT_PTR_NOT_NULL_FATAL(host);
    return host;
}

void fixture_free_host(struct fixture *f, struct kith_host **host)
{
    if (*host) f->maker.free(f->maker.ctx, *host);
    *host = NULL;
}

void fixture_end_services(struct fixture *f)
{
    fixture_free_host(f, &f->host);
    kith_services_free(f->services);
    f->services = NULL;
    kith_log_free(f->log);
    f->log = NULL;
}

void fixture_end(struct fixture *f)
{
    if (f->services) fixture_end_services(f);
    kith_loop_free(f->loop);
}

void fixture_show(void *arg, const struct kith_stat *stat)
{
    struct shown *s = arg;
    char *at = s->text + strlen(s->text), *end = s->text + sizeof s->text;
    s->count++;
    at += snprintf(at, (size_t)(end - at), "%s", stat->name);
    for (size_t i = 0; i < stat->label_count && at < end; i++)
        at += snprintf(at, (size_t)(end - at), "%c%s=%s", i ? ',' : '{',
                       (const char *)stat->labels[i].name.data,
                       (const char *)stat->labels[i].value.data);
    if (at < end)
        at += snprintf(at, (size_t)(end - at), "%s=%g", stat->label_count ? "}" : "", stat->value);
    if (stat->kind == KITH_HISTOGRAM && at < end) {
        at += snprintf(at, (size_t)(end - at), "(%llu", (unsigned long long)stat->count);
        for (size_t i = 0; i < stat->bound_count && at < end; i++)
            at += snprintf(at, (size_t)(end - at), " %g:%llu", stat->bounds[i],
                           (unsigned long long)stat->counts[i]);
        if (at < end) at += snprintf(at, (size_t)(end - at), ")");
    }
    if (at < end) snprintf(at, (size_t)(end - at), "|");
}
