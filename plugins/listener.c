/*
 * listener.c - one delegate that takes part, and an eye on how it behaves.
 *
 * A request to the node that wants an answer is kept in a list until the answer comes, so that a
 * delegate that has ended meanwhile is not called any more. Knows nothing of what is asked.
 */
#include "delegates_parts.h"
#include "slow.h"

#include <stdlib.h>

struct kith_delegate_request {
    struct kith_delegate_request *next, **link;
    struct kith_listener *l; /* NULL: it has ended, nobody wants to know */
    kith_done_fn *done;
    void *arg;
};

/* ---------------------------------------------------------------------- requests under way */

struct kith_delegate_request *kith_delegate_request_new(struct kith_listener *l, kith_done_fn *done,
                                                        void *arg)
{
    struct kith_delegate_request *r = malloc(sizeof *r);
    if (!r) return NULL;
    *r = (struct kith_delegate_request){.next = l->shared->requests,
                                        .link = &l->shared->requests,
                                        .l = l,
                                        .done = done,
                                        .arg = arg};
    if (r->next) r->next->link = &r->next;
    l->shared->requests = r;
    return r;
}

void kith_delegate_request_free(struct kith_delegate_request *r)
{
    *r->link = r->next;
    if (r->next) r->next->link = r->link;
    free(r);
}

void kith_delegate_request_done(void *request, int status, uint64_t value)
{
    struct kith_delegate_request r = *(struct kith_delegate_request *)request;
    kith_delegate_request_free(request);
    if (!r.l) return;
    uint64_t entered = kith_listener_enter(r.l);
    r.done(r.arg, status, value);
    kith_listener_leave(r.l, entered, "done");
}

void kith_delegate_requests_forget(struct kith_listener *l)
{
    for (struct kith_delegate_request *r = l->shared->requests; r; r = r->next)
        if (r->l == l) r->l = NULL;
}

void kith_delegate_requests_drop(struct kith_delegates_shared *shared)
{
    while (shared->requests) kith_delegate_request_free(shared->requests);
}

/* -------------------------------------------------------------------------------------- life */

struct kith_listener *kith_listener_new(struct kith_delegates_shared *shared,
                                        struct kith_instance *instance,
                                        const struct kith_delegate_ops *ops, void *self,
                                        const char *channel)
{
    struct kith_listener *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->refs = 1;
    l->shared = shared;
    l->self = self;
    l->instance = instance;
    l->host = instance ? instance->host : NULL;
    l->generation = shared->generation;
    (void)KITH_TAKE(&l->ops, ops);
    l->produces = kith_role_played(&l->ops, channel, KITH_ROLE_PRODUCER);
    if (channel) l->channel = kith_bytes_of(channel, strlen(channel));
    l->next = shared->all;
    l->link = &shared->all;
    if (l->next) l->next->link = &l->next;
    shared->all = l;
    return l;
}

void kith_listener_end(struct kith_listener *l)
{
    struct kith_instance *instance = l->instance;
    kith_delegate_requests_forget(l);
    memset(&l->ops, 0, sizeof l->ops);
    kith_instance_free(instance);
    l->instance = NULL;
    kith_delegate_requests_forget(l); /* what it asked for in its stop */
}

void kith_listener_unref(struct kith_listener *l)
{
    if (!l || --l->refs) return;
    l->refs = 1; /* its stop may ask the node, and so enter and leave */
    kith_listener_end(l);
    *l->link = l->next;
    if (l->next) l->next->link = l->link;
    free(l);
}

const char *kith_listener_name(const struct kith_listener *l)
{
    return l->instance ? kith_instance_name(l->instance) : "the program's own delegate";
}

struct kith_listener *kith_listener_of(const struct kith_delegates_shared *shared,
                                       const struct kith_host *host)
{
    struct kith_listener *l = shared->all;
    while (l && !(l->instance && l->instance->host == host)) l = l->next;
    return l;
}

/* --------------------------------------------------------------------------------- behaviour */

void kith_listeners_in_a_row(struct kith_delegates_shared *shared, bool on)
{
    shared->clock = on ? kith_slow_clock() : 0;
}

uint64_t kith_listener_enter(struct kith_listener *l)
{
    uint64_t entered = l->shared->clock && !l->shared->busy ? l->shared->clock : kith_slow_clock();
    l->refs++; /* it may be told to listen no more from inside */
    l->shared->busy++;
    if (l->instance) kith_instance_enter(l->instance);
    return entered;
}

void kith_listener_leave(struct kith_listener *l, uint64_t entered, const char *callback)
{
    uint64_t now = kith_slow_clock(), took = now - entered;
    if (l->shared->clock) l->shared->clock = now;
    if (l->instance) kith_instance_leave(l->instance);
    l->shared->busy--;
    if (took > KITH_SLOW_NS && l->instance) kith_instance_slow(l->instance, callback, took);
    kith_listener_unref(l);
}

void kith_listener_blame(struct kith_listener *l, const char *what)
{
    if (l->instance) kith_instance_blame(l->instance, "%s", what);
}
