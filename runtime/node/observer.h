/*
 * observer.h - who looks on at a node: when it starts, each turn that ended, each message on its
 * way layer by layer, when it closes. The control socket is one, a simulator may be another. The
 * node knows none of them by name and runs without.
 *
 * All is called on the loop's thread. An observer changes a node through the node table and
 * kith_reload() like everybody else, and not from inside `message`. Membership events are the
 * delegates' matter (kith_delegates_listen).
 */
#ifndef KITH_OBSERVER_H
#define KITH_OBSERVER_H

#include "node.h"

/* A message that was sealed or opened, or refused. Lent for the call. */
struct kith_traffic {
    enum kith_plane plane;
    bool out;
    const struct kith_peer *peer; /* whom it came from or goes to */
    size_t plain, wire;    /* bytes without and with its layers; 0: not known, it was refused */
    int status;            /* 0, or the code of what went wrong */
    enum kith_refusal why; /* status < 0 and not `out` */
    const struct kith_layer *layers; /* in the order in which they were put on or peeled */
    size_t layer_count;
};

/* Owned by the observer; any callback may be NULL. Stays in place until `stop`. */
struct kith_observer {
    void *self;
    /* kith_start() was called and nothing is bound yet. Negative with words: it fails. */
    int (*start)(void *self, struct kith_error *err);
    /* The end of a turn: all that happened in it is done. */
    void (*turn_ended)(void *self);
    /* Only while traffic_wanted. */
    void (*message)(void *self, const struct kith_traffic *);
    /* The node closes, started or not. Requests under way have been answered, delegates and log are
     * still there. The last call: the observer may free itself. */
    void (*stop)(void *self);

    bool traffic_wanted;        /* set by kith_observer_want_traffic() */
    struct kith_observer *next; /* the node's */
};

/* Before kith_start(). Callbacks come in the order in which observers were added, `stop` in the
 * reverse order. */
void kith_observer_add(struct kith *, struct kith_observer *);
/* Begin, or end, to be told of messages. While nobody is, a message costs one look at a flag. */
void kith_observer_want_traffic(struct kith *, struct kith_observer *, bool wanted);

#endif
