/*
 * seat.c - one delegate at the table: the node table it asks with, bound to its channel, and an eye
 * on how it behaves.
 *
 * What is asked for is passed on to the node's own table. Each request that wants an answer gets a
 * ticket, so that a delegate that was stopped meanwhile is not called any more.
 */
#include "fanout.h"

#include <stdlib.h>
#include <time.h>

/* A callback that takes longer holds up everybody's acks. */
#define SLOW_NS 200000000u

struct kith_ticket {
    struct kith_ticket *next, **link;
    struct kith_seat *seat; /* NULL: stopped, nobody wants to know */
    kith_done_fn *done;
    void (*resolved)(void *arg, int status, const struct kith_addr *, size_t n);
    void *arg;
};

/* ----------------------------------------------------------------------------------- tickets */

static struct kith_ticket *ticket_new(struct kith_seat *seat, void *arg)
{
    struct kith_ticket *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->seat = seat;
    t->arg = arg;
    t->next = seat->hub->tickets;
    t->link = &seat->hub->tickets;
    if (t->next) t->next->link = &t->next;
    seat->hub->tickets = t;
    return t;
}

static void ticket_free(struct kith_ticket *t)
{
    *t->link = t->next;
    if (t->next) t->next->link = t->link;
    free(t);
}

static void forget_tickets(struct kith_seat *seat)
{
    for (struct kith_ticket *t = seat->hub->tickets; t; t = t->next)
        if (t->seat == seat) t->seat = NULL;
}

void kith_hub_drop_tickets(struct kith_hub *hub)
{
    while (hub->tickets) ticket_free(hub->tickets);
}

static void on_done(void *arg, int status, uint64_t value)
{
    struct kith_ticket t = *(struct kith_ticket *)arg;
    ticket_free(arg);
    if (!t.seat) return;
    uint64_t entered = kith_seat_enter(t.seat);
    t.done(t.arg, status, value);
    kith_seat_leave(t.seat, entered, "done");
}

static void on_resolved(void *arg, int status, const struct kith_addr *addrs, size_t n)
{
    struct kith_ticket t = *(struct kith_ticket *)arg;
    ticket_free(arg);
    if (!t.seat) return;
    uint64_t entered = kith_seat_enter(t.seat);
    t.resolved(t.arg, status, addrs, n);
    kith_seat_leave(t.seat, entered, "done");
}

/* --------------------------------------------------------------------------------- the table */

static struct kith_seat *seat_of(const struct kith_node *node) { return (struct kith_seat *)node; }
static const struct kith_node *base_of(const struct kith_node *node)
{
    return seat_of(node)->hub->base;
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

/* Ask with a ticket in place of done and arg; `call` is an expression that uses both. */
#define ASK(n, done_fn, arg_ptr, call) \
    do { \
        struct kith_ticket *t_ = NULL; \
        kith_done_fn *done_ = NULL; \
        if (done_fn) { \
            if (!(t_ = ticket_new(seat_of(n), arg_ptr))) return -KITH_ENOMEM; \
            t_->done = done_fn; \
            done_ = on_done; \
        } \
        int rc_ = call; \
        if (rc_ < 0 && t_) ticket_free(t_); \
        return rc_; \
    } while (0)

static int node_resolve(const struct kith_node *n, const char *host,
                        void (*done)(void *arg, int status, const struct kith_addr *, size_t n),
                        void *arg)
{
    struct kith_ticket *t = ticket_new(seat_of(n), arg);
    if (!t) return -KITH_ENOMEM;
    t->resolved = done;
    int rc = base_of(n)->resolve(base_of(n), host, on_resolved, t);
    if (rc < 0) ticket_free(t);
    return rc;
}

static int node_join(const struct kith_node *n, const char *where, kith_done_fn *done, void *arg)
{
    ASK(n, done, arg, base_of(n)->join(base_of(n), where, done_, t_));
}

static int node_leave(const struct kith_node *n, uint64_t timeout, kith_done_fn *done, void *arg)
{
    ASK(n, done, arg, base_of(n)->leave(base_of(n), timeout, done_, t_));
}

static int node_set_meta(const struct kith_node *n, struct kith_bytes meta, kith_done_fn *done,
                         void *arg)
{
    ASK(n, done, arg, base_of(n)->set_meta(base_of(n), meta, done_, t_));
}

static int node_ping(const struct kith_node *n, const char *name, kith_done_fn *done, void *arg)
{
    ASK(n, done, arg, base_of(n)->ping(base_of(n), name, done_, t_));
}

/* Frame a message for the seat's channel; a raw one stays as it is. */
static int framed(struct kith_seat *seat, enum kith_channel_kind kind, struct kith_bytes *msg)
{
    if (!seat->channel.len) return 0;
    struct kith_channel_frame frame = {.kind = (uint8_t)kind, .name = seat->channel};
    if (kind == KITH_CHANNEL_RELAYED) frame.hops = KITH_CHANNEL_HOPS;
    seat->instance->host->random(seat->instance->host, &frame.id, sizeof frame.id);
    size_t head = kith_channel_head(seat->channel.len);
    uint8_t *out = kith_scratch(&seat->hub->frame, head + msg->len);
    if (!out) return -KITH_ENOMEM;
    kith_channel_write_head(out, &frame);
    if (msg->len) memcpy(out + head, msg->data, msg->len);
    *msg = kith_bytes_of(out, head + msg->len);
    if (kind == KITH_CHANNEL_RELAYED)
        kith_seen_add(&seat->hub->relayed, frame.id); /* our own comes back */
    return 0;
}

static int node_broadcast(const struct kith_node *n, struct kith_bytes msg, kith_done_fn *done,
                          void *arg)
{
    int rc = framed(seat_of(n), KITH_CHANNEL_RELAYED, &msg);
    if (rc) return rc;
    ASK(n, done, arg, base_of(n)->broadcast(base_of(n), msg, done_, t_));
}

static int node_send(const struct kith_node *n, const char *name, struct kith_bytes msg,
                     bool reliable, kith_done_fn *done, void *arg)
{
    int rc = framed(seat_of(n), KITH_CHANNEL_DIRECT, &msg);
    if (rc) return rc;
    ASK(n, done, arg, base_of(n)->send(base_of(n), name, msg, reliable, done_, t_));
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

/* ---------------------------------------------------------------------------------- the seat */

struct kith_seat *kith_seat_new(struct kith_hub *hub, struct kith_instance *instance,
                                const struct kith_delegate_ops *ops, void *self,
                                const char *channel)
{
    struct kith_seat *seat = calloc(1, sizeof *seat);
    if (!seat) return NULL;
    seat->node = table;
    seat->refs = 1;
    seat->hub = hub;
    seat->self = self;
    seat->instance = instance;
    memcpy(&seat->ops, ops, ops->size < sizeof seat->ops ? ops->size : sizeof seat->ops);
    if (channel) seat->channel = kith_bytes_of(channel, strlen(channel));
    if (instance) {
        seat->slow = instance->host->counter(instance->host, "slow_calls",
                                             "Callbacks that held up the node.");
        seat->broken = instance->host->counter(instance->host, "broken_calls",
                                               "Callbacks that broke their contract.");
    }
    return seat;
}

void kith_seat_unref(struct kith_seat *seat)
{
    if (!seat || --seat->refs) return;
    forget_tickets(seat);
    kith_instance_free(seat->instance);
    forget_tickets(seat); /* what it asked for in its stop */
    free(seat);
}

const char *kith_seat_name(const struct kith_seat *seat)
{
    return seat->instance ? seat->instance->plugin->name : "the program's own delegate";
}

void kith_seat_log(const struct kith_seat *seat, enum kith_log_level level, const char *fmt, ...)
{
    if (!seat->instance) return;
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    seat->instance->host->log(seat->instance->host, level, "%s", text);
}

/* Real time on purpose, on a virtual loop too: this is about the machine that runs us. */
static uint64_t real_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t kith_seat_enter(struct kith_seat *seat)
{
    seat->refs++; /* a listener may go from inside */
    seat->hub->busy++;
    return real_now();
}

void kith_seat_leave(struct kith_seat *seat, uint64_t entered, const char *callback)
{
    uint64_t took = real_now() - entered;
    seat->hub->busy--;
    if (took > SLOW_NS) {
        if (seat->slow) ++*seat->slow;
        kith_seat_log(seat, KITH_LOG_WARN, "%s() held up the node for %u ms", callback,
                      (unsigned)(took / 1000000));
    }
    kith_seat_unref(seat);
}

void kith_seat_broke(struct kith_seat *seat, const char *what)
{
    if (seat->broken) ++*seat->broken;
    kith_seat_log(seat, KITH_LOG_ERROR, "%s", what);
}
