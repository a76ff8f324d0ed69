/*
 * delegates_parts.h - private to plugins/: what the files about delegates share.
 *
 *   kith_delegates_shared  lives as long as the node, over all reloads: the queue of user messages,
 *                          ids that were seen, the program's own listeners, requests under way
 *   kith_delegates         the listeners of one config, in its order
 *   kith_listener          one delegate: its callbacks, its channel, its own node table. During a
 *                          reload those whose entry did not change are in two kith_delegates
 *
 * Each file calls only those further down: delegates_life.c, delegates.c, delegate_table.c,
 * leaving.c, emitted.c, strangers.c, listener.c, delegates_clash.c.
 */
#ifndef KITH_DELEGATES_PARTS_H
#define KITH_DELEGATES_PARTS_H

#include "channel.h"
#include "delegates.h"
#include "handoff.h"
#include "scratch.h"

struct kith_delegates_shared;
struct kith_delegate_request;
struct kith_leaving;

struct kith_listener {
    struct kith_node node; /* first: a table that a delegate asks with leads to its listener */
    unsigned refs;
    struct kith_delegates_shared *shared;
    struct kith_listener *next, **link; /* all of the node, in no order */
    struct kith_instance *instance;     /* NULL: one of the program's own, or it has ended */
    const struct kith_host *host;       /* the instance's: stays; NULL: one of the program's own */
    void *self;
    struct kith_delegate_ops ops; /* a copy; zeroed once it listens no more */
    bool produces;                /* it may send raw, in its stop, too */
    struct kith_bytes channel;    /* len 0: raw */
    unsigned generation;          /* shared->generation when it was made */
};

/* Events on their way from who emitted them to the others, and answers on their way back. */
struct kith_emitted {
    struct kith_emission *first, **last; /* waiting; last NULL: none yet */
    size_t count, bytes;
    struct kith_round *rounds; /* that still wait for answers, or for handing them over */
    size_t round_count, answer_bytes, open; /* open: ids that wait for an answer */
    bool answered;                          /* there is something to hand over */
    uint64_t sent, answers;
};

/* Addresses of members, to tell strangers from them, and what strangers may still be sent. */
struct kith_strangers {
    uint64_t *known; /* hashes; 0: empty */
    size_t slots, count;
    uint8_t key[16]; /* of the hash */
    bool stale;
    uint64_t tokens, filled_at; /* in thousandths */
    uint64_t sent, refused;
};

/* What the file or a command says that the meta is: malloc'd. */
struct kith_fixed_meta {
    uint8_t *bytes;
    size_t len;
};

struct kith_delegates_shared {
    unsigned refs;       /* kith_delegates on it: two during a reload */
    unsigned busy;       /* callbacks that have not returned: listeners may not be moved then */
    unsigned generation; /* counts the kith_delegates that were made */
    uint64_t clock;      /* when the last of a row of callbacks ended; 0: no row */
    struct kith_delegates_setup setup;
    struct kith_asks *asks;
    struct kith_delegate_ops ops;         /* what the core calls */
    struct kith_delegates *active, *next; /* next: made, and not started yet */
    struct kith_listener *all;
    struct kith_listener **own; /* the program's, behind those of the file */
    size_t own_count;
    struct kith_delegate_request *requests;
    struct kith_handoff waiting, spare;
    struct kith_handoff_limits limits;
    struct kith_seen seen;
    struct kith_scratch frame, state; /* in the making */
    struct kith_scratch name, sender; /* this node's name, and a claimed one with its NUL */
    size_t name_len;
    size_t max_state;
    struct kith_emitted emitted;
    struct kith_strangers strangers;
    struct kith_leaving *leaving;
    struct kith_fixed_meta meta, former_meta;
    size_t turn; /* which channel may add to a packet first */
    uint64_t dropped, malformed, unknown, repeated;
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
/* End its instance now, whoever still refers to the listener: it is called no more. */
void kith_listener_end(struct kith_listener *);
const char *kith_listener_name(const struct kith_listener *);
/* Of the instance that runs with this host table; NULL: none. */
struct kith_listener *kith_listener_of(const struct kith_delegates_shared *,
                                       const struct kith_host *);
/* Around each callback: one that takes long is counted and logged. */
uint64_t kith_listener_enter(struct kith_listener *);
void kith_listener_leave(struct kith_listener *, uint64_t entered, const char *callback);
/* Many callbacks follow each other: the end of one counts as the begin of the next, which saves
 * every second look at the clock. */
void kith_listeners_in_a_row(struct kith_delegates_shared *, bool on);
/* It did what the contract forbids. */
void kith_listener_blame(struct kith_listener *, const char *what);

/* A request to the node, under way. `done` is called in the listener, if that still runs. */
struct kith_delegate_request *kith_delegate_request_new(struct kith_listener *, kith_done_fn *,
                                                        void *arg);
void kith_delegate_request_free(struct kith_delegate_request *);
void kith_delegate_request_done(void *request, int status, uint64_t value); /* a kith_done_fn */
/* Cancel this listener's requests; cancel all. */
void kith_delegate_requests_forget(struct kith_listener *);
void kith_delegate_requests_drop(struct kith_delegates_shared *);

/* The i-th that is called: those of the file, then the program's. NULL: no more. */
static inline struct kith_listener *kith_listener_at(const struct kith_delegates_shared *shared,
                                                     size_t i)
{
    size_t n = shared->active ? shared->active->count : 0;
    if (i < n) return shared->active->listeners[i];
    return i - n < shared->own_count ? shared->own[i - n] : NULL;
}

/* Run `call` for each listener that has the callback `fn`; inside, `l` is the one. */
#define KITH_EACH(shared, fn, call) \
    do { \
        struct kith_listener *l; \
        for (size_t i_ = 0; (l = kith_listener_at(shared, i_)); i_++) { \
            if (!l->ops.fn) continue; \
            uint64_t entered_ = kith_listener_enter(l); \
            call; \
            kith_listener_leave(l, entered_, #fn); \
        } \
    } while (0)

/* ----------------------------------------------------------------- strangers (strangers.c) */

/* Strangers are sent that many messages a second, and that many at once. */
#define KITH_STRANGER_RATE  100u
#define KITH_STRANGER_BURST 100u

/* May a message go to this address? 0, or -KITH_EAGAIN: no member's, and too many went there. */
int kith_strangers_allow(struct kith_delegates_shared *, const struct kith_addr *);
void kith_strangers_changed(struct kith_strangers *); /* members came, went or moved */
void kith_strangers_fini(struct kith_strangers *);

/* ------------------------------------------------------------------------ events (emitted.c) */

void kith_emitted_deliver(struct kith_delegates_shared *);
bool kith_emitted_waiting(const struct kith_delegates_shared *);
void kith_emitted_forget(struct kith_delegates_shared *, const struct kith_host *);
void kith_emitted_fini(struct kith_delegates_shared *);

/* ------------------------------------------------------- the word before a leave (leaving.c) */

void kith_leaving_deliver(struct kith_delegates_shared *);
bool kith_leaving_waiting(const struct kith_delegates_shared *);
void kith_leaving_fini(struct kith_delegates_shared *);

/* --------------------------------------------------- what a delegate asks (delegate_table.c) */

extern const struct kith_node kith_delegate_table;
/* Our own name, with a NUL behind it; empty while the node has none. */
struct kith_bytes kith_delegates_name(struct kith_delegates_shared *);
/* What stands in front of the direct messages of a listener; 0 for a raw one. */
size_t kith_listener_head(struct kith_listener *);

/* --------------------------------------------------- what excludes what (delegates_clash.c) */

enum kith_role { KITH_ROLE_PRODUCER, KITH_ROLE_META, KITH_ROLE_SEAL, KITH_ROLE_ACK, KITH_ROLES };
/* Does a delegate with these ops, on this channel (NULL: raw), play the role? */
bool kith_role_played(const struct kith_delegate_ops *, const char *channel, enum kith_role);
/* Can only one of two play it when they have these channels? */
bool kith_role_exclusive(enum kith_role, const char *channel, const char *other);
const char *kith_role_words(enum kith_role); /* "produce messages or state" */

/* ------------------------------------------------------- what the core calls (delegates.c) */

extern const struct kith_delegate_ops kith_all_ops;

#endif
