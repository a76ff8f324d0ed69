/*
 * delegates_parts.h - private to plugins/: what the files about delegates share.
 *
 *   kith_delegates_shared  lives as long as the node, over all reloads: the queue of user messages,
 *                          ids that were seen, the program's own listeners, requests under way
 *   kith_delegates         the listeners of one config, in its order
 *   kith_listener          one delegate: its callbacks, its channel, its own node table. During a
 *                          reload those whose entry did not change are in two kith_delegates
 */
#ifndef KITH_DELEGATES_PARTS_H
#define KITH_DELEGATES_PARTS_H

#include "channel.h"
#include "delegates.h"
#include "handoff.h"
#include "scratch.h"

struct kith_delegates_shared;
struct kith_delegate_request;

struct kith_listener {
    struct kith_node node; /* first: a table that a delegate asks with leads to its listener */
    unsigned refs;
    struct kith_delegates_shared *shared;
    struct kith_instance *instance; /* NULL: one of the program's own */
    void *self;
    struct kith_delegate_ops ops; /* a copy; zeroed once it listens no more */
    struct kith_bytes channel;    /* len 0: raw */
    uint64_t *slow, *broken;
    bool attached;
    bool succeeded; /* another one has its place in this reload */
};

struct kith_delegates_shared {
    unsigned refs; /* kith_delegates on it: two during a reload */
    unsigned busy; /* callbacks that have not returned: listeners may not be moved then */
    const struct kith_node *base;
    struct kith_delegates *active;
    struct kith_listener **own; /* the program's, behind those of the file */
    size_t own_count;
    struct kith_delegate_request *requests;
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
    struct kith_delegates_shared *shared;
    struct kith_listener **listeners; /* in the order of the file */
    size_t count;
    struct kith_delegates *old; /* until started: what it takes over from */
    struct kith_handoff_limits limits;
    size_t max_state;
};

/* --------------------------------------------------------------------------- one (listener.c) */

/* Takes the instance over when it succeeds. NULL: no memory. */
struct kith_listener *kith_listener_new(struct kith_delegates_shared *, struct kith_instance *,
                                        const struct kith_delegate_ops *, void *self,
                                        const char *channel);
/* The last reference ends its instance; what it had asked for is not answered any more. */
void kith_listener_unref(struct kith_listener *);
/* Give it its node table; nothing when it has it. 0, or what its attach said. */
int kith_listener_attach(struct kith_listener *, struct kith_error *);
const char *kith_listener_name(const struct kith_listener *);
/* Around each callback: one that takes long is counted and logged. */
uint64_t kith_listener_enter(struct kith_listener *);
void kith_listener_leave(struct kith_listener *, uint64_t entered, const char *callback);
/* It did what the contract forbids. */
void kith_listener_broke(struct kith_listener *, const char *what);
/* The node ends: nobody is told of what is still under way. */
void kith_requests_drop(struct kith_delegates_shared *);

/* --------------------------------------------------- what excludes what (delegates_clash.c) */

enum kith_role { KITH_ROLE_MESSAGES, KITH_ROLE_STATE, KITH_ROLE_META, KITH_ROLE_ACK, KITH_ROLES };
/* Does a delegate with these ops play the role? */
bool kith_role_played(const struct kith_delegate_ops *, enum kith_role);
/* Can only one of two play it when they have these channels (NULL: raw)? */
bool kith_role_exclusive(enum kith_role, const char *channel, const char *other);
const char *kith_role_words(enum kith_role); /* "produce messages" */

#endif
