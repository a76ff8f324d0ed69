/*
 * place.c - from text to addresses. The whole text belongs to the transport, whatever its addresses
 * look like; what it takes for a name is looked up; only what it refuses is read as `NAME/` and an
 * address, as memberlist reads it (PROTOCOL.md 2.14). Knows nothing of joins.
 */
#include "inside.h"
#include <stdlib.h>

static int ask_transport(struct kith *k, struct kith_bytes text, struct kith_place *p)
{
    p->status = kith_link_parse(k->link, text, &p->addr, &p->host);
    if (p->status == -KITH_ENAME) return 0;
    if (!p->status && !p->addr.port) p->addr.port = k->default_port;
    return p->status;
}

int kith_place_parse(struct kith *k, struct kith_bytes text, struct kith_place *p,
                     struct kith_error *err)
{
    *p = (struct kith_place){.name = kith_bytes_of(text.data, 0)};
    int rc = text.len ? ask_transport(k, text, p) : -KITH_EINVAL;
    struct kith_bytes name, rest;
    if (rc && kith_where_cut_name(text, &name, &rest)) {
        p->name = name;
        rc = ask_transport(k, rest, p);
    }
    if (!rc) return 0;
    return kith_fail(err, KITH_EINVAL, "`%.*s` is no address of %s", (int)text.len,
                     (const char *)text.data, k->transport->plugin->name);
}

int kith_node_check_place(const struct kith *k, const char *text, struct kith_error *err)
{
    struct kith_place place;
    return kith_place_parse((struct kith *)(uintptr_t)k, kith_text(text), &place, err);
}

/*
 * One resolution:
 *
 *   known    the transport knew the address: told from a post
 *   looking  the resolver is asked
 *            -> ended  done was called
 */
struct lookup {
    struct lookup *next, **link;
    struct kith *k;
    const struct kith_resolver *by; /* NULL: known */
    struct kith_addr addr;
    kith_resolved_fn *done;
    void *arg;
};

enum { LOOKUPS_MAX = 1024 };

struct kith_places {
    struct lookup *first;
    size_t count;
};

int kith_places_new(struct kith *k)
{
    k->places = calloc(1, sizeof *k->places);
    return k->places ? 0 : -KITH_ENOMEM;
}

static void unlink_it(struct lookup *l)
{
    *l->link = l->next;
    if (l->next) l->next->link = l->link;
    l->k->places->count--;
}

static void end(struct lookup *l, int status, const struct kith_addr *addrs, size_t n)
{
    unlink_it(l);
    l->done(l->arg, status, addrs, n);
    free(l);
}

static void tell_known(void *arg)
{
    struct lookup *l = arg;
    end(l, 0, &l->addr, 1);
}

static void resolved(void *arg, int status, const struct kith_addr *addrs, size_t n)
{
    end(arg, status, addrs, n);
}

void kith_places_free(struct kith *k)
{
    if (!k->places) return;
    while (k->places->first) {
        struct lookup *l = k->places->first;
        kith_loop_unpost(k->loop, tell_known, l);
        unlink_it(l);
        free(l);
    }
    free(k->places);
    k->places = NULL;
}

void kith_places_lost(struct kith *k, const struct kith_resolver *by)
{
    for (struct lookup *l = k->places->first, *next; by && l; l = next) {
        next = l->next;
        if (l->by == by) end(l, -KITH_ECLOSED, NULL, 0);
    }
}

int kith_place_resolve(struct kith *k, const struct kith_place *p, kith_resolved_fn *done,
                       void *arg)
{
    struct kith_places *all = k->places;
    if (k->closing) return -KITH_ECLOSED;
    if (all->count >= LOOKUPS_MAX) return -KITH_EAGAIN;
    struct lookup *l = calloc(1, sizeof *l);
    if (!l) return -KITH_ENOMEM;
    *l = (struct lookup){.k = k, .addr = p->addr, .done = done, .arg = arg};
    if (p->status) l->by = k->resolver;
    uint16_t port = p->addr.port ? p->addr.port : k->default_port;
    int rc = p->status ? kith_resolve(k->resolver, p->host, port, resolved, l)
                       : kith_loop_post(k->loop, tell_known, l);
    if (rc) {
        free(l);
        return rc;
    }
    l->next = all->first;
    l->link = &all->first;
    if (l->next) l->next->link = &l->next;
    all->first = l;
    all->count++;
    return 0;
}
