/*
 * listener.c - one delegate that takes part: the node table it asks with, bound to its channel, and
 * an eye on how it behaves.
 *
 * What it asks for goes on to the node's own table. A request that wants an answer is kept in a
 * list until the answer comes, so that a delegate that has ended meanwhile is not called any more.
 * Knows nothing of what is asked.
 */
#include "delegates_parts.h"

#include <stdlib.h>
#include <time.h>

/* While a callback runs no ack is answered: one that takes this long is complained about. */
#define SLOW_NS 200000000u

struct kith_delegate_request {
    struct kith_delegate_request *next, **link;
    struct kith_listener *l; /* NULL: it has ended, nobody wants to know */
    kith_done_fn *done;
    void (*resolved)(void *arg, int status, const struct kith_addr *, size_t n);
    void *arg;
};

/* ---------------------------------------------------------------------- requests under way */

static struct kith_delegate_request *request_new(struct kith_listener *l, void *arg)
{
    struct kith_delegate_request *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->l = l;
    r->arg = arg;
    r->next = l->shared->requests;
    r->link = &l->shared->requests;
    if (r->next) r->next->link = &r->next;
    l->shared->requests = r;
    return r;
}

static void request_free(struct kith_delegate_request *r)
{
    *r->link = r->next;
    if (r->next) r->next->link = r->link;
    free(r);
}

static void forget_requests(struct kith_listener *l)
{
    for (struct kith_delegate_request *r = l->shared->requests; r; r = r->next)
        if (r->l == l) r->l = NULL;
}

void kith_requests_drop(struct kith_delegates_shared *shared)
{
    while (shared->requests) request_free(shared->requests);
}

static void on_done(void *arg, int status, uint64_t value)
{
    struct kith_delegate_request r = *(struct kith_delegate_request *)arg;
    request_free(arg);
    if (!r.l) return;
    uint64_t entered = kith_listener_enter(r.l);
    r.done(r.arg, status, value);
    kith_listener_leave(r.l, entered, "done");
}

static void on_resolved(void *arg, int status, const struct kith_addr *addrs, size_t n)
{
    struct kith_delegate_request r = *(struct kith_delegate_request *)arg;
    request_free(arg);
    if (!r.l) return;
    uint64_t entered = kith_listener_enter(r.l);
    r.resolved(r.arg, status, addrs, n);
    kith_listener_leave(r.l, entered, "done");
}

/* --------------------------------------------------------------------------------- the table */

static struct kith_listener *listener_of(const struct kith_node *node)
{
    return (struct kith_listener *)node;
}
static const struct kith_node *base_of(const struct kith_node *node)
{
    return listener_of(node)->shared->base;
}

static size_t node_members(const struct kith_node *n,
                           bool (*visit)(void *arg, const struct kith_member *), void *arg)
{
    return base_of(n)->members(base_of(n), visit, arg);
}

static int node_member(const struct kith_node *n, const char *name, struct kith_member *out)
{
    return base_of(n)->member(base_of(n), name, out);
}

static void node_local(const struct kith_node *n, struct kith_member *out)
{
    base_of(n)->local(base_of(n), out);
}

static void node_stats(const struct kith_node *n,
                       void (*visit)(void *arg, const struct kith_stat *), void *arg)
{
    base_of(n)->stats(base_of(n), visit, arg);
}

static int node_format(const struct kith_node *n, const struct kith_addr *addr, char *out,
                       size_t cap)
{
    return base_of(n)->format(base_of(n), addr, out, cap);
}

/* Ask with on_done and a request in place of done and arg; `call` is an expression that uses them
 * as done_ and r_. */
#define ASK(n, done_fn, arg_ptr, call) \
    do { \
        struct kith_delegate_request *r_ = NULL; \
        kith_done_fn *done_ = NULL; \
        if (done_fn) { \
            if (!(r_ = request_new(listener_of(n), arg_ptr))) return -KITH_ENOMEM; \
            r_->done = done_fn; \
            done_ = on_done; \
        } \
        int rc_ = call; \
        if (rc_ < 0 && r_) request_free(r_); \
        return rc_; \
    } while (0)

static int node_resolve(const struct kith_node *n, const char *host,
                        void (*done)(void *arg, int status, const struct kith_addr *, size_t n),
                        void *arg)
{
    struct kith_delegate_request *r = request_new(listener_of(n), arg);
    if (!r) return -KITH_ENOMEM;
    r->resolved = done;
    int rc = base_of(n)->resolve(base_of(n), host, on_resolved, r);
    if (rc < 0) request_free(r);
    return rc;
}

static int node_join(const struct kith_node *n, const char *where, kith_done_fn *done, void *arg)
{
    ASK(n, done, arg, base_of(n)->join(base_of(n), where, done_, r_));
}

static int node_leave(const struct kith_node *n, uint64_t timeout, kith_done_fn *done, void *arg)
{
    ASK(n, done, arg, base_of(n)->leave(base_of(n), timeout, done_, r_));
}

static int node_set_meta(const struct kith_node *n, struct kith_bytes meta, kith_done_fn *done,
                         void *arg)
{
    ASK(n, done, arg, base_of(n)->set_meta(base_of(n), meta, done_, r_));
}

static int node_ping(const struct kith_node *n, const char *name, kith_done_fn *done, void *arg)
{
    ASK(n, done, arg, base_of(n)->ping(base_of(n), name, done_, r_));
}

/* Frame a message for the listener's channel; that of a raw one stays as it is. */
static int framed(struct kith_listener *l, enum kith_channel_kind kind, struct kith_bytes *msg)
{
    if (!l->channel.len) return 0;
    struct kith_channel_frame frame = {.kind = (uint8_t)kind, .name = l->channel};
    if (kind == KITH_CHANNEL_RELAYED) frame.hops = KITH_CHANNEL_HOPS;
    l->instance->host->random(l->instance->host, &frame.id, sizeof frame.id);
    size_t head = kith_channel_head(l->channel.len);
    uint8_t *out = kith_scratch(&l->shared->frame, head + msg->len);
    if (!out) return -KITH_ENOMEM;
    kith_channel_write_head(out, &frame);
    if (msg->len) memcpy(out + head, msg->data, msg->len);
    *msg = kith_bytes_of(out, head + msg->len);
    if (kind == KITH_CHANNEL_RELAYED)
        kith_seen_add(&l->shared->relayed, frame.id); /* it comes back to us */
    return 0;
}

static int node_broadcast(const struct kith_node *n, struct kith_bytes msg, kith_done_fn *done,
                          void *arg)
{
    int rc = framed(listener_of(n), KITH_CHANNEL_RELAYED, &msg);
    if (rc) return rc;
    ASK(n, done, arg, base_of(n)->broadcast(base_of(n), msg, done_, r_));
}

static int node_send(const struct kith_node *n, const char *name, struct kith_bytes msg,
                     bool reliable, kith_done_fn *done, void *arg)
{
    int rc = framed(listener_of(n), KITH_CHANNEL_DIRECT, &msg);
    if (rc) return rc;
    ASK(n, done, arg, base_of(n)->send(base_of(n), name, msg, reliable, done_, r_));
}

static const struct kith_node table = {
    .size = sizeof table,
    .members = node_members,
    .member = node_member,
    .local = node_local,
    .stats = node_stats,
    .format = node_format,
    .resolve = node_resolve,
    .join = node_join,
    .leave = node_leave,
    .set_meta = node_set_meta,
    .broadcast = node_broadcast,
    .send = node_send,
    .ping = node_ping,
};

/* ---------------------------------------------------------------------------------- the listener
 */

struct kith_listener *kith_listener_new(struct kith_delegates_shared *shared,
                                        struct kith_instance *instance,
                                        const struct kith_delegate_ops *ops, void *self,
                                        const char *channel)
{
    struct kith_listener *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->node = table;
    l->refs = 1;
    l->shared = shared;
    l->self = self;
    l->instance = instance;
    memcpy(&l->ops, ops, ops->size < sizeof l->ops ? ops->size : sizeof l->ops);
    if (channel) l->channel = kith_bytes_of(channel, strlen(channel));
    if (instance) {
        l->slow = instance->host->counter(instance->host, "slow_calls",
                                          "Callbacks that held up the node.");
        l->broken = instance->host->counter(instance->host, "broken_calls",
                                            "Callbacks that broke their contract.");
    }
    return l;
}

void kith_listener_unref(struct kith_listener *l)
{
    if (!l || --l->refs) return;
    forget_requests(l);
    kith_instance_free(l->instance);
    forget_requests(l); /* what it asked for in its stop */
    free(l);
}

int kith_listener_attach(struct kith_listener *l, struct kith_error *err)
{
    if (l->attached) return 0;
    int rc = 0;
    if (l->ops.attach) {
        kith_error_clear(err);
        uint64_t entered = kith_listener_enter(l);
        rc = l->ops.attach(l->self, &l->node, err);
        kith_listener_leave(l, entered, "attach");
    }
    if (rc && l->instance) return kith_instance_failed(l->instance, rc, "take part", err);
    if (rc) return rc < 0 ? rc : -KITH_EREFUSED;
    l->attached = true;
    return 0;
}

const char *kith_listener_name(const struct kith_listener *l)
{
    return l->instance ? l->instance->plugin->name : "the program's own delegate";
}

static void complain(const struct kith_listener *l, enum kith_log_level level, const char *fmt, ...)
    KITH_PRINTF(3, 4);
static void complain(const struct kith_listener *l, enum kith_log_level level, const char *fmt, ...)
{
    if (!l->instance) return;
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    l->instance->host->log(l->instance->host, level, "%s", text);
}

/* Real time, on a virtual loop too: how long a callback takes is about the machine we run on. */
static uint64_t real_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t kith_listener_enter(struct kith_listener *l)
{
    l->refs++; /* it may be told to listen no more from inside */
    l->shared->busy++;
    if (l->instance) kith_instance_enter(l->instance);
    return real_now();
}

void kith_listener_leave(struct kith_listener *l, uint64_t entered, const char *callback)
{
    uint64_t took = real_now() - entered;
    if (l->instance) kith_instance_leave(l->instance);
    l->shared->busy--;
    if (took > SLOW_NS) {
        if (l->slow) ++*l->slow;
        complain(l, KITH_LOG_WARN, "%s() held up the node for %u ms", callback,
                 (unsigned)(took / 1000000));
    }
    kith_listener_unref(l);
}

void kith_listener_broke(struct kith_listener *l, const char *what)
{
    if (l->broken) ++*l->broken;
    complain(l, KITH_LOG_ERROR, "%s", what);
}
