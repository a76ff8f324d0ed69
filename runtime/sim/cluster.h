/*
 * cluster.h - a cluster in one process: many nodes in one virtual world on one loopback network,
 * driven from outside.
 *
 *     struct kith_cluster_setup setup = {.world = world, .config = &config};
 *     kith_cluster_new(&c, &setup, &err);
 *     for (int i = 0; i < 3; i++) kith_cluster_add(c, NULL, NULL, &err);     n0, n1, n2
 *     for (int i = 0; i < 3; i++) kith_cluster_start(c, i, &err);
 *     kith_cluster_join(c, 1, "n0", NULL, NULL, &err);
 *     kith_cluster_run(c, 10 * SECOND);
 *     kith_cluster_kill(c, 1);
 *
 * The nodes are real ones: core, pipeline, plugins from their files. Only time is virtual, and the
 * network is in memory. The world's seed decides all chance, so a run repeats exactly, and its
 * trace byte for byte.
 *
 * All runs in the caller's thread. What changes something is called between runs, not from inside
 * a callback. Times are nanoseconds since kith_cluster_new(). err is NULL-able. Who measures is
 * measure.h.
 */
#ifndef KITH_CLUSTER_H
#define KITH_CLUSTER_H

#include "node.h"
#include "result.h"

struct kith_cluster;

/* ---------------------------------------------------------------- config (cluster_config.c) */

/* The config of all nodes, from the one that somebody wrote for one of them: the transport is
 * loopback, and what works outside of the process (KITH_OUTSIDE), the list of seeds and the log's
 * place are left out. Who loses something by that is told what ("delegate exec"), and why. theirs
 * is not changed, and must outlive out. */
int kith_cluster_config(struct kith_config *out, const struct kith_config *theirs,
                        struct kith_registry *,
                        void (*left_out)(void *arg, const char *what, const char *why), void *arg,
                        struct kith_error *err);
/* After the nodes that have it. Of one that could not be made: fine. */
void kith_cluster_config_fini(struct kith_config *);

/* ------------------------------------------------------------------------ life (cluster.c) */

/* What was done to the cluster. The words that go with it are the trace's. */
enum kith_cluster_act {
    KITH_CLUSTER_START = 1,
    KITH_CLUSTER_KILL,
    KITH_CLUSTER_PAUSE,
    KITH_CLUSTER_RESUME,
    KITH_CLUSTER_END,    /* a node ended by itself; words: "left", or why */
    KITH_CLUSTER_JOIN,   /* words: the seed */
    KITH_CLUSTER_LEAVE,  /* it said that it will */
    KITH_CLUSTER_META,   /* words: how long it is */
    KITH_CLUSTER_SEND,   /* words: to whom, how long */
    KITH_CLUSTER_NETWORK /* words: the command */
};

struct kith_cluster_setup {
    struct kith_world *world;         /* virtual; held until kith_cluster_free() */
    const struct kith_config *config; /* as kith_cluster_config() makes it; lent until then */
    const char *prefix;               /* of the names; NULL: "n" */
    FILE *trace;                      /* NULL: none; what it tells is below */

    void *ctx; /* of the callbacks, each of which may be NULL */
    void (*log)(void *ctx, int node, enum kith_log_level, const char *line);
    /* A node was opened and is about to start: the place for listeners and observers of one's own.
     * Negative, with words: it does not start. */
    int (*opened)(void *ctx, int node, struct kith *, struct kith_error *err);
    /* What the node tells its delegates. */
    void (*event)(void *ctx, int node, const struct kith_event *);
    void (*message)(void *ctx, int node, const struct kith_message *);
    /* node: -1: the network's. */
    void (*act)(void *ctx, enum kith_cluster_act, int node, const char *words);
};

int kith_cluster_new(struct kith_cluster **, const struct kith_cluster_setup *,
                     struct kith_error *err);
/* Kills all that run, silently. NULL is fine. */
void kith_cluster_free(struct kith_cluster *);

/* One more node, which does not run yet: its number, from 0 on. name: NULL: prefix and number; also
 * its address, when the config says no other. config: NULL: the setup's; else lent like that. */
int kith_cluster_add(struct kith_cluster *, const char *name, const struct kith_config *config,
                     struct kith_error *err);
int kith_cluster_size(const struct kith_cluster *);
const char *kith_cluster_name(const struct kith_cluster *, int node);
/* The first of that name; -KITH_ENOTFOUND. */
int kith_cluster_find(const struct kith_cluster *, struct kith_bytes name);

/* As a process that starts; of an earlier life it knows nothing. -KITH_EEXIST: it runs. */
int kith_cluster_start(struct kith_cluster *, int node, struct kith_error *err);
/* As SIGKILL: it says nothing to anybody; its streams are reset, as the system would. */
int kith_cluster_kill(struct kith_cluster *, int node, struct kith_error *err);
/* As SIGSTOP and SIGCONT. */
int kith_cluster_pause(struct kith_cluster *, int node, bool paused, struct kith_error *err);

/* NULL: it does not run. Good until it is killed or ends. */
struct kith *kith_cluster_node(const struct kith_cluster *, int node);
bool kith_cluster_is_paused(const struct kith_cluster *, int node);
unsigned kith_cluster_lives(const struct kith_cluster *, int node); /* how often it was started */
int kith_cluster_running(const struct kith_cluster *);              /* how many run */

/* ------------------------------------------------------------------------ time (cluster.c) */

uint64_t kith_cluster_now(const struct kith_cluster *);
/* On to that time, if it is not past. */
void kith_cluster_run(struct kith_cluster *, uint64_t until);
/* ...or until somebody, who is asked after each turn, has seen enough: true. */
bool kith_cluster_run_till(struct kith_cluster *, uint64_t until, bool (*enough)(void *arg),
                           void *arg);

/* ----------------------------------------------------------- things to do (cluster_acts.c) */

/* -KITH_ECLOSED: the node does not run. When it is not refused, done (NULL-able) comes once: with
 * -KITH_ECLOSED when the node goes before. A paused node does it when it is resumed. */

int kith_cluster_join(struct kith_cluster *, int node, const char *seed, kith_done_fn *done,
                      void *arg, struct kith_error *err);
/* As `kith leave`: it says goodbye, for at most timeout ns (0: as long as it takes), and ends. */
int kith_cluster_leave(struct kith_cluster *, int node, uint64_t timeout, kith_done_fn *done,
                       void *arg, struct kith_error *err);
int kith_cluster_meta(struct kith_cluster *, int node, struct kith_bytes meta, kith_done_fn *done,
                      void *arg, struct kith_error *err);
/* to: a node, or -1: a broadcast, which is never reliable. */
int kith_cluster_send(struct kith_cluster *, int node, int to, struct kith_bytes, bool reliable,
                      kith_done_fn *done, void *arg, struct kith_error *err);
/* cluster_network.c: a command of loopback: "cut n1 n2 --both", "partition a* b*", "set all all
 * loss=5%", "heal". It is about the network, and so about all nodes, those to come too. While
 * nobody runs there is no network: then the command waits for the first node, whose start fails if
 * it is wrong. answer (NULL-able): the pieces of what it says, in JSON. */
int kith_cluster_network(struct kith_cluster *, const char *command,
                         void (*answer)(void *arg, struct kith_bytes), void *arg,
                         struct kith_error *err);

/* ---------------------------------------------------------- what they see (cluster_view.c) */

/* How a node sees another (enum kith_state); -1: it does not know it, or does not run. */
int kith_cluster_state(const struct kith_cluster *, int node, int other);
/* What they all see now. */
struct kith_views kith_cluster_views(const struct kith_cluster *);
/* Are all views right? */
bool kith_cluster_agrees(const struct kith_cluster *);

/* ----------------------------------------------------------------- trace (cluster_trace.c) */

/* A line for each act and for what the nodes tell their delegates, but for pings: seconds, the node
 * or `-`, what, and what belongs to it.
 *
 *     60.000000000 n7 kill
 *     61.204411032 n3 suspect n7 1 by n3
 *     66.310024117 n3 dead n7 1
 *     90.000000000 - network cut n1 n2
 */

#endif
