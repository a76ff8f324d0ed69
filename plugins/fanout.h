/*
 * fanout.h - private to plugins/: the parts of the delegate fan-out.
 *
 *   hub        what lives as long as the node, over all reloads: queue, ids, listeners, requests
 * under way seat       one delegate: its callbacks, its channel, its own node table; shared by the
 * fan-outs before and after a reload fan-out    struct kith_delegates: the seats of one config, in
 * its order
 */
#ifndef KITH_FANOUT_H
#define KITH_FANOUT_H

#include "channel.h"
#include "plugins.h"

struct kith_hub;

struct kith_seat {
    struct kith_node node; /* first: what the delegate asks; seat.c gets from it to the seat */
    unsigned refs;
    struct kith_hub *hub;
    struct kith_instance *instance; /* NULL: a listener of the node's own */
    void *self;
    struct kith_delegate_ops ops; /* a copy; zeroed when a listener has gone */
    struct kith_bytes channel;    /* len 0: raw */
    uint64_t *slow, *broken;
    bool attached, succeeded; /* succeeded: another one has taken over from it in this reload */
};

/* handoff.c: user messages that wait for the end of the turn. */
struct kith_handoff_item {
    size_t offset, len;
    bool reliable;
};
struct kith_handoff {
    uint8_t *bytes;
    size_t len, cap;
    struct kith_handoff_item *items;
    size_t count, item_cap;
};
struct kith_handoff_limits {
    size_t depth, bytes;
};
/* Copy a message to the end. -KITH_EAGAIN: full; -KITH_ENOMEM. */
int kith_handoff_add(struct kith_handoff *, const struct kith_handoff_limits *, struct kith_bytes,
                     bool reliable);
/* Forget all; gives memory back when it was unusually much. */
void kith_handoff_clear(struct kith_handoff *);
void kith_handoff_fini(struct kith_handoff *);

struct kith_ticket;

struct kith_scratch {
    uint8_t *data;
    size_t cap;
};

struct kith_hub {
    unsigned refs; /* fan-outs */
    unsigned busy; /* callbacks on the stack: listeners may not be moved then */
    const struct kith_node *base;
    struct kith_delegates *active;
    struct kith_seat **listeners;
    size_t listener_count;
    struct kith_ticket *tickets;
    struct kith_handoff waiting, spare;
    struct kith_handoff_limits limits;
    struct kith_seen relayed, direct;
    struct kith_scratch frame, state; /* in the making */
    size_t max_state;
    uint8_t *meta;
    size_t meta_len;
    size_t turn; /* which channel may add to a packet first */
    uint64_t dropped, malformed, repeated, passed_on, not_passed_on;
};

struct kith_delegates {
    struct kith_hub *hub;
    struct kith_seat **seats; /* in the order of the file */
    size_t count;
    struct kith_delegates *old; /* until started: what it takes over from */
    struct kith_handoff_limits limits;
    size_t max_state;
};

/* At least n bytes, or NULL. What was in them stays. */
uint8_t *kith_scratch(struct kith_scratch *, size_t n);
void kith_scratch_fini(struct kith_scratch *);

/* seat.c */
struct kith_seat *kith_seat_new(struct kith_hub *, struct kith_instance *,
                                const struct kith_delegate_ops *, void *self, const char *channel);
void kith_seat_unref(
    struct kith_seat *); /* the last one: its instance too, and what it had asked for */
const char *kith_seat_name(const struct kith_seat *);
void kith_seat_log(const struct kith_seat *, enum kith_log_level, const char *fmt, ...)
    KITH_PRINTF(3, 4);
/* Around each callback: one that takes long is counted and logged. */
uint64_t kith_seat_enter(struct kith_seat *);
void kith_seat_leave(struct kith_seat *, uint64_t entered, const char *callback);
/* It did what the contract forbids. */
void kith_seat_broke(struct kith_seat *, const char *what);
void kith_hub_drop_tickets(struct kith_hub *);

#endif
