/*
 * host.h - the services that a node gives to its plugins: struct kith_host over a loop and a log.
 *
 * One table per instance, which carries the entry's name: its log lines, numbers, offers and the
 * line that blames it for what it left behind. What needs the node (settings, names to resolve,
 * events) comes through hooks. Knows nothing of the core.
 */
#ifndef KITH_HOST_H
#define KITH_HOST_H

#include "instance.h"
#include "logger.h"
#include "loop.h"

struct kith_services;

/* What the services can't do alone. Each may be NULL or 0: then what needs it is refused with
 * -KITH_EUNSUPPORTED, a setting is not found, and nobody waits for an answer. */
struct kith_services_setup {
    struct kith_asks *asks; /* outlives the services */
    /* node.metric_labels: in every kith_stat of the services. Copied. */
    const struct kith_pair *labels;
    size_t label_count;

    void *ctx;
    /* A callback that an instance has asked for, of the loop or of a name, is about to run. */
    void (*touched)(void *ctx);
    /* out is whole: the services cut it to what the plugin knows. */
    int (*setting)(void *ctx, const char *key, struct kith_value *out);
    /* As host->resolve. fn is called once, not from inside the call; or never, when the resolver
     * ends before the services do. Who asked may have stopped meanwhile: the services see to it. */
    int (*resolve)(void *ctx, struct kith_bytes text, kith_resolved_fn *fn, void *arg);
    int (*emit)(void *ctx, const struct kith_host *by, const struct kith_event *,
                kith_answer_fn *answer, void *arg);
    /* This host ended or restarts: do not call `answer` for its events. */
    void (*forget)(void *ctx, const struct kith_host *by);
};

/* loop and log outlive the services, the services all instances made with them; the host tables
 * stay until the loop is freed, so that a thread that is too late is refused; on a virtual loop,
 * where no thread is, until the services are. setup is copied;
 * NULL: no hooks. NULL: no memory. */
struct kith_services *kith_services_new(struct kith_loop *, struct kith_log *,
                                        const struct kith_services_setup *);
/* After whatever may still call a kith_resolved_fn. NULL is fine. */
void kith_services_free(struct kith_services *);

/* What plugins/ wants. After `release` nothing that the instance asked the loop for runs. */
struct kith_host_maker kith_services_maker(struct kith_services *);

/* While they are paused no post, timer, watch or resolved name of an instance runs. Then what came
 * due meanwhile does, in the order in which it did, and before what comes due later; descriptors
 * are looked at first, as always. */
void kith_services_pause(struct kith_services *, bool paused);
/* The node's turn ended: see to what was logged in it. */
void kith_services_turn_ended(struct kith_services *);
/* A reload read other node.metric_labels. -KITH_ENOMEM: those from before stay. */
int kith_services_labels(struct kith_services *, const struct kith_pair *, size_t count);

/* Every number of every entry, with label `entry`, the node's labels and its own; then how many
 * series were refused. Lent for the call of visit. */
void kith_services_stats(const struct kith_services *,
                         void (*visit)(void *arg, const struct kith_stat *), void *arg);
/* Each instance that says it is not well, and why. */
void kith_services_visit_degraded(const struct kith_services *,
                                  void (*visit)(void *arg, struct kith_bytes entry,
                                                const char *why),
                                  void *arg);

#endif
