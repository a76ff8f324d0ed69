/*
 * host_node.c - what an instance asks of its node: settings, names to resolve, answers to what came
 * with an id, events, and the tables that plugins offer each other. The node's part comes through
 * the hooks of the setup.
 */
#include "host_parts.h"
#include <stdlib.h>

enum { OFFER_ID_MAX = 64, LOOKUPS_MAX = 64, NAME_TEXT_MAX = 1024 };

struct host_lookup {
    struct host_lookup *next, **link;
    struct host *host; /* NULL: who asked has stopped */
    kith_resolved_fn *fn;
    void *arg;
    /* The answer, and that it came while the node was paused: then `addrs` is a copy. */
    struct host_late late;
    int status;
    const struct kith_addr *addrs;
    struct kith_addr *copy;
    size_t count;
};

/* Of one id there may be several, of instances of one entry during a reload: the latest counts. */
struct host_offer {
    struct host_offer *next;
    struct host *by;
    const void *table;
    char id[OFFER_ID_MAX];
};

/* What can't be right, and would end in a crash: blamed. */
static int unsound(struct host *h, const char *what)
{
    kith_host_blame(h, "%s", what);
    return -KITH_EINVAL;
}

int kith_host_setting(const struct kith_host *table, const char *key, struct kith_value *out)
{
    if (kith_host_foreign(table, "setting")) return -KITH_EINVAL;
    struct host *h = host_of(table);
    const struct kith_services_setup *setup = &h->services->setup;
    if (!key || !out) return unsound(h, "setting without a key or room for it");
    struct kith_value value = {.size = sizeof value};
    int rc = -KITH_ENOTFOUND;
    if (strcmp(key, KITH_SETTING_ENTRY_NAME) == 0)
        rc = kith_setting_entry_name(h->name, &value);
    else if (setup->setting)
        rc = setup->setting(setup->ctx, key, &value);
    if (rc) return rc;
    KITH_GIVE(out, &value);
    return 0;
}

/* ---------------------------------------------------------------------------- names to resolve */

static void drop_lookup(struct kith_services *s, struct host_lookup *l)
{
    kith_host_not_due(s, &l->late);
    *l->link = l->next;
    if (l->next) l->next->link = l->link;
    if (l->host) l->host->lookups--;
    free(l->copy);
    free(l);
}

static void tell_asker(struct host_late *late)
{
    struct host_lookup *it =
        (struct host_lookup *)((char *)late - offsetof(struct host_lookup, late));
    struct host_lookup l = *it;
    it->copy = NULL;
    drop_lookup(l.host->services, it);
    struct host_call call = kith_host_enter(l.host);
    l.fn(l.arg, l.status, l.addrs, l.count);
    kith_host_leave(l.host, call, "resolve");
    free(l.copy);
}

static void keep_answer(struct host_lookup *l)
{
    l->copy = l->count ? calloc(l->count, sizeof *l->copy) : NULL;
    if (l->copy)
        memcpy(l->copy, l->addrs, l->count * sizeof *l->copy);
    else if (l->count)
        l->status = -KITH_ENOMEM;
    l->addrs = l->copy;
    l->count = l->copy ? l->count : 0;
}

static void on_resolved(void *arg, int status, const struct kith_addr *addrs, size_t count)
{
    struct host_lookup *l = arg;
    if (!l->host) {
        drop_lookup(NULL, l);
        return;
    }
    l->status = status;
    l->addrs = addrs;
    l->count = count;
    if (kith_host_behind(l->host->services)) keep_answer(l);
    kith_host_due(l->host->services, &l->late, tell_asker);
}

int kith_host_resolve(const struct kith_host *table, struct kith_bytes text, kith_resolved_fn *fn,
                      void *arg)
{
    if (kith_host_foreign(table, "resolve")) return -KITH_EINVAL;
    struct host *h = host_of(table);
    struct kith_services *s = h->services;
    if (!fn) return unsound(h, "resolve without a function");
    if (h->closed) return -KITH_ECLOSED;
    if (!s->setup.resolve) return -KITH_EUNSUPPORTED;
    if (!text.data || !text.len || text.len > NAME_TEXT_MAX || memchr(text.data, 0, text.len))
        return -KITH_EINVAL;
    if (h->lookups == LOOKUPS_MAX) return -KITH_EAGAIN;
    struct host_lookup *l = malloc(sizeof *l);
    if (!l) return -KITH_ENOMEM;
    *l = (struct host_lookup){
        .next = s->lookups, .link = &s->lookups, .host = h, .fn = fn, .arg = arg};
    if (l->next) l->next->link = &l->next;
    s->lookups = l;
    h->lookups++;
    int rc = s->setup.resolve(s->setup.ctx, text, on_resolved, l);
    if (rc) drop_lookup(s, l);
    return rc;
}

/* ---------------------------------------------------------------------------- answers, events */

int kith_host_reply(const struct kith_host *table, uint64_t id, struct kith_bytes bytes)
{
    if (kith_host_foreign(table, "reply")) return -KITH_EINVAL;
    struct kith_services *s = host_of(table)->services;
    if (bytes.len && !bytes.data) return unsound(host_of(table), "reply with bytes at NULL");
    if (!s->setup.asks) return -KITH_ECLOSED;
    s->nested++;
    int rc = kith_asks_reply(s->setup.asks, table, id, bytes);
    s->nested--;
    return rc;
}

int kith_host_finish(const struct kith_host *table, uint64_t id, int status, const char *text)
{
    if (kith_host_foreign(table, "finish")) return -KITH_EINVAL;
    struct kith_services *s = host_of(table)->services;
    if (!s->setup.asks) return -KITH_ECLOSED;
    s->nested++;
    int rc = kith_asks_finish(s->setup.asks, table, id, status, text);
    s->nested--;
    return rc;
}

/* Why an event can't be read; NULL: it can. */
static const char *unreadable(const struct kith_event *e)
{
    if (!e) return "emit without an event";
    if (KITH_HAS(e, field_count) && !e->fields) return "emit with fields at NULL";
    if (KITH_HAS(e, member) && KITH_KNOWS(e->member, addr) && !kith_addr_sound(&e->member->addr))
        return "emit of a member with an address that is too long";
    return NULL;
}

int kith_host_emit(const struct kith_host *table, const struct kith_event *event,
                   kith_answer_fn *answer, void *arg)
{
    if (kith_host_foreign(table, "emit")) return -KITH_EINVAL;
    struct host *h = host_of(table);
    const struct kith_services_setup *setup = &h->services->setup;
    const char *why = unreadable(event);
    if (why) return unsound(h, why);
    if (h->closed) return -KITH_ECLOSED;
    return setup->emit ? setup->emit(setup->ctx, table, event, answer, arg) : -KITH_EUNSUPPORTED;
}

/* ------------------------------------------------------------------------------------- offers */

const void *kith_host_query(const struct kith_host *table, const char *id)
{
    if (kith_host_foreign(table, "query")) return NULL;
    if (!id) (void)unsound(host_of(table), "query without an id");
    const struct host_offer *o = id ? host_of(table)->services->offers : NULL;
    for (; o; o = o->next)
        if (strcmp(o->id, id) == 0) return o->table;
    return NULL;
}

/* Those of by with this id; NULL: all of them. */
static int take_back(struct kith_services *s, const struct host *by, const char *id)
{
    int rc = -KITH_ENOTFOUND;
    for (struct host_offer **at = &s->offers, *o; (o = *at);) {
        if (o->by != by || (id && strcmp(o->id, id) != 0)) {
            at = &o->next;
            continue;
        }
        *at = o->next;
        free(o);
        rc = 0;
    }
    return rc;
}

int kith_host_offer(const struct kith_host *table, const char *id, const void *offered)
{
    if (kith_host_foreign(table, "offer")) return -KITH_EINVAL;
    struct host *h = host_of(table);
    struct kith_services *s = h->services;
    if (!id) return unsound(h, "offer without an id");
    size_t len = strlen(id);
    if (!len || len >= OFFER_ID_MAX) return -KITH_EINVAL;
    if (!offered) return take_back(s, h, id);
    if (h->closed) return -KITH_ECLOSED;
    for (const struct host_offer *o = s->offers; o; o = o->next)
        if (strcmp(o->id, id) == 0 && strcmp(o->by->name, h->name) != 0) return -KITH_EEXIST;
    struct host_offer *offer = calloc(1, sizeof *offer);
    if (!offer) return -KITH_ENOMEM;
    take_back(s, h, id);
    *offer = (struct host_offer){.next = s->offers, .by = h, .table = offered};
    memcpy(offer->id, id, len);
    s->offers = offer;
    return 0;
}

/* --------------------------------------------------------------------------------------- ends */

void kith_host_node_release(struct host *h)
{
    take_back(h->services, h, NULL);
    for (struct host_lookup *l = h->services->lookups, *next; l; l = next) {
        next = l->next;
        if (l->host != h) continue;
        if (l->late.link)
            drop_lookup(h->services, l); /* answered, and nobody is there to hear it */
        else
            l->host = NULL;
    }
    h->lookups = 0;
}

void kith_host_node_free_all(struct kith_services *s)
{
    while (s->lookups) drop_lookup(s, s->lookups);
}
