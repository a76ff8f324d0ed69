/*
 * host_parts.h - private to host*.c: one instance's host, and what all hosts of a node share.
 *
 *   host_numbers.c  what it counts, and what it is blamed for
 *   host_pause.c    what came due while the node was paused
 *   host_loop.c     what it asks of the loop: posts, watches, timers
 *   host_node.c     what it asks of the node: settings, names to resolve, answers, events, offers
 *   host.c          the table itself; life and release; calls the others
 */
#ifndef KITH_HOST_PARTS_H
#define KITH_HOST_PARTS_H

#include "blame.h"
#include "crash_note.h"
#include "host.h"
#include "series.h"
#include "slow.h"
#include <pthread.h>
#include <stdatomic.h>

/* The numbers of one entry: of all instances that carry its name, as long as there is one. */
struct host_numbers {
    struct host_numbers *next, **link;
    char *name;
    size_t users;
    bool full; /* that no more are taken was said */
    struct kith_series_set *set;
};

struct kith_services {
    struct kith_loop *loop;
    struct kith_log *log;
    struct kith_services_setup setup;
    struct kith_timer *flush; /* summaries of repeated log lines */
    uint64_t flush_at;        /* 0: the timer is not armed */

    /* What every kith_stat carries: `entry`, whose value each visit fills into its own copy, and
     * the node's labels with their text, in one block. */
    struct kith_pair *labels;
    size_t label_count;
    struct host_numbers *numbers, **numbers_end;
    uint64_t series_refused;
    atomic_bool strayed; /* some host has calls of other threads to be blamed for */

    struct host *hosts;
    struct host_offer *offers;   /* the latest first */
    struct host_lookup *lookups; /* names that are being resolved */
    struct host_held *left;      /* watches and timers that instances left behind: handles that
                                    are ended, but that a plugin may still hand in */
    unsigned nested;             /* calls of plugins that may lead into another one */

    bool paused;
    struct host_late *late, **last_late; /* the first to come due first */
    struct kith_timer *catch_up;
};

/* A member of what may come due while the node is paused: a timer, posts, addresses of a name. */
struct host_late {
    struct host_late *next, **link; /* link NULL: it does not wait */
    void (*run)(struct host_late *);
};

struct host_queue {
    struct host_post {
        void (*fn)(void *arg);
        void *arg;
    } * items;
    size_t count, cap;
};

/*
 * The host of one instance:
 *
 *   open      from make, or revive, on
 *   closed    from release on: what it asked of the loop is ended, and no more is taken
 *   ended     from free on: nothing is left but the table. `services` is NULL once they are gone;
 *             the loop frees it, or a virtual one does not keep it
 */
struct host {
    struct kith_host table; /* first: the plugin hands it back */
    struct kith_kept kept;
    struct host *next;
    struct kith_loop *loop;
    struct kith_services *services;
    const struct kith_entry *entry;
    struct kith_keyring *ring;
    struct host_numbers *numbers;
    union kith_number unread[KITH_HISTOGRAM + 1]; /* by kind: written to, shown to nobody */
    char *name;
    char *degraded; /* why, or NULL: all is well */
    struct host_held *held;
    const char *after; /* closed: what ended it, "stop" or "adopt" */
    size_t lookups;
    struct kith_complaints breaches, slow;
    struct kith_crash_note note; /* that a callback of it runs */

    /* What other threads may use. Posts are in a queue of its own, so that they end with it. */
    pthread_mutex_t lock;
    bool closed;
    _Atomic(const char *) stray; /* the last call from another thread, to be blamed; NULL: none */
    atomic_uint strays;          /* how many were */
    struct host_queue posted, running;
    struct host_late late; /* `posted` is to run */
};

static inline struct host *host_of(const struct kith_host *table) { return (struct host *)table; }

/* host_numbers.c */
struct host_numbers *kith_host_numbers_take(struct kith_services *, const char *entry);
void kith_host_numbers_drop(struct kith_services *, struct host_numbers *); /* NULL is fine */
uint64_t *kith_host_counter(const struct kith_host *, const char *name, const char *help,
                            const struct kith_pair *labels, size_t count);
double *kith_host_gauge(const struct kith_host *, const char *name, const char *help,
                        const struct kith_pair *labels, size_t count);
struct kith_histogram *kith_host_histogram(const struct kith_host *, const char *name,
                                           const char *help, const struct kith_pair *labels,
                                           size_t count, const double *bounds, size_t bound_count);
/* In the plugin's name: it broke its contract. */
void kith_host_blame(struct host *, const char *fmt, ...) KITH_PRINTF(2, 3);

/* Is this service called by another thread than the node's? Then it is to be refused; the breach is
 * noted, as only the node's thread can blame. */
bool kith_host_foreign(const struct kith_host *, const char *service);
void kith_host_blame_strays(struct host *);

/* Around each callback that it gave to the loop or the node. what: "watch". It may free what led to
 * the call, but not the host. */
struct host_call {
    const struct kith_crash_note *outer;
    struct kith_slow timed;
};
struct host_call kith_host_enter(struct host *);
void kith_host_leave(struct host *, struct host_call, const char *what);

/* host_pause.c */
int kith_host_pause_init(struct kith_services *);
void kith_host_pause_set(struct kith_services *, bool paused);
void kith_host_pause_fini(struct kith_services *);
/* Is the node paused, or has not caught up yet? */
bool kith_host_behind(const struct kith_services *);
/* It came due: run it, now or else when its turn comes after the pause. */
void kith_host_due(struct kith_services *, struct host_late *, void (*run)(struct host_late *));
void kith_host_not_due(struct kith_services *, struct host_late *); /* also when it is not */

/* host_loop.c */
int kith_host_post(const struct kith_host *, void (*fn)(void *arg), void *arg);
struct kith_watch *kith_host_watch(const struct kith_host *, int fd, unsigned events,
                                   void (*fn)(void *arg, unsigned events), void *arg);
void kith_host_watch_set(struct kith_watch *, unsigned events);
void kith_host_watch_free(struct kith_watch *);
struct kith_timer *kith_host_timer(const struct kith_host *, void (*fn)(void *arg), void *arg);
void kith_host_timer_set(struct kith_timer *, uint64_t at);
void kith_host_timer_free(struct kith_timer *);
/* Watches of a host are off while its node is paused. */
void kith_host_loop_pause(struct host *, bool paused);
/* Refuse posts, drop those that wait, end watches and timers. */
void kith_host_loop_release(struct host *);
/* Both blame it for what it was to free and did not. */
void kith_host_loop_revive(struct host *);
void kith_host_loop_free(struct host *);
void kith_host_loop_free_left(struct kith_services *);

/* host_node.c */
int kith_host_resolve(const struct kith_host *, struct kith_bytes text, kith_resolved_fn *,
                      void *arg);
int kith_host_reply(const struct kith_host *, uint64_t id, struct kith_bytes);
int kith_host_finish(const struct kith_host *, uint64_t id, int status, const char *text);
int kith_host_emit(const struct kith_host *, const struct kith_event *, kith_answer_fn *,
                   void *arg);
const void *kith_host_query(const struct kith_host *, const char *id);
int kith_host_offer(const struct kith_host *, const char *id, const void *offered);
int kith_host_setting(const struct kith_host *, const char *key, struct kith_value *out);
/* Take back its offers; nobody waits for its names any more. */
void kith_host_node_release(struct host *);
void kith_host_node_free_all(struct kith_services *);

#endif
