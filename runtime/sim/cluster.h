/*
 * cluster.h - a cluster in one process: many nodes of one config in one virtual world, on one
 * loopback network, driven from outside.
 *
 *     struct kith_cluster_setup setup = {.size = sizeof setup, .world = w, .config = &c};
 *     kith_cluster_new(&cluster, &setup, &err);
 *     for (int i = 0; i < 3; i++) kith_cluster_add(cluster, NULL, &err);     n0, n1, n2
 *     for (int i = 0; i < 3; i++) kith_cluster_start(cluster, i, &err);
 *     kith_cluster_join(cluster, 1, "n0", NULL, NULL, &err);
 *     kith_cluster_run(cluster, 10 * SECONDS);
 *     kith_cluster_kill(cluster, 2);
 *
 * The nodes are real ones: core, pipeline, plugins from their files. Only time is virtual, and the
 * network is in memory. The world's seed decides all chance, so a run repeats exactly, and its
 * trace byte for byte; nothing in it may depend on addresses in memory, real time or the
 * environment.
 *
 * Everything runs in the caller's thread. What changes something is called between runs, and not
 * from inside a callback of the setup. Times are nanoseconds since kith_cluster_new(). Names are
 * text. Functions that fail return a negative KITH_E code and words in err (NULL-able).
 */
#ifndef KITH_CLUSTER_H
#define KITH_CLUSTER_H

#include "node.h"

struct kith_cluster;

/* ------------------------------------------------------------------------- config
 * (cluster_config.c)
 */

/* The config of all nodes from the one that somebody wrote for one: the transport is loopback, what
 * works outside of the process (KITH_OUTSIDE), the control socket and the list of seeds are left
 * out. Each of these is told: what ("delegate exec", "join"), and why. theirs, from the registry's
 * plugins, stays as it is and must outlive out. Not refused: settings that no node needs here. */
int kith_cluster_config(struct kith_config *out, const struct kith_config *theirs,
                        struct kith_registry *,
                        void (*left_out)(void *arg, const char *what, const char *why), void *arg,
                        struct kith_error *err);
/* Of a config that this function filled; the nodes go first. All zero is fine. */
void kith_cluster_config_fini(struct kith_config *);

/* ----------------------------------------------------------------------------------------- life */

/* What was done to the cluster: also what the trace tells. */
enum kith_cluster_act {
    KITH_CLUSTER_START = 1, /* for a second time: a restart, of which the node knows nothing */
    KITH_CLUSTER_KILL,
    KITH_CLUSTER_PAUSE,
    KITH_CLUSTER_RESUME,
    KITH_CLUSTER_LEAVE,
    KITH_CLUSTER_END,    /* a node ended: it has left, or it failed (then words say why) */
    KITH_CLUSTER_JOIN,   /* words: whom */
    KITH_CLUSTER_META,   /* words: the new one, as far as it is text */
    KITH_CLUSTER_SEND,   /* words: to whom, or "all" */
    KITH_CLUSTER_NETWORK /* words: the command; no node */
};

struct kith_cluster_setup {
    struct kith_world *world;         /* virtual; held until kith_cluster_free() */
    const struct kith_config *config; /* as kith_cluster_config() makes it; lent until then */
    const char *prefix;               /* of the names; NULL: "n" */
    FILE *trace;                      /* NULL: none; see kith_cluster_trace */
    void *ctx;                        /* of all callbacks, each of which may be NULL */
    /* Lines that nodes log. Without it they are made into text for nobody: leave `log.level` low.
     */
    void (*log)(void *ctx, int node, enum kith_log_level, const char *line);
    /* A node was opened and is about to start: for listeners and observers of one's own. Negative:
     * the start fails. */
    int (*opened)(void *ctx, int node, struct kith *, struct kith_error *err);
    /* A node's delegates are told of an event, or handed a message. */
    void (*event)(void *ctx, int node, const struct kith_event *);
    void (*message)(void *ctx, int node, const struct kith_message *);
    /* Something was done to it. node: -1 if to none of them. */
    void (*act)(void *ctx, enum kith_cluster_act, int node, const char *words);
};

int kith_cluster_new(struct kith_cluster **, const struct kith_cluster_setup *,
                     struct kith_error *err);
/* Kills all. NULL is fine. */
void kith_cluster_free(struct kith_cluster *);

/* One more node, which does not run yet: its number, from 0 on. name, which is its address, too:
 * NULL: prefix and number. address: NULL: the name; one of its own for two nodes of one name. */
int kith_cluster_add(struct kith_cluster *, const char *name, struct kith_error *err);
int kith_cluster_size(const struct kith_cluster *);
const char *kith_cluster_name(const struct kith_cluster *, int node);
int kith_cluster_find(const struct kith_cluster *, const char *name); /* -KITH_ENOTFOUND */

/* As a process that starts: of an earlier life it knows nothing. -KITH_EEXIST: it runs. */
int kith_cluster_start(struct kith_cluster *, int node, struct kith_error *err);
/* As SIGKILL: nobody is told; streams are reset, as the system would. Also while it is paused. */
int kith_cluster_kill(struct kith_cluster *, int node);
/* As SIGSTOP and SIGCONT. */
int kith_cluster_pause(struct kith_cluster *, int node, bool paused);

/* NULL: it does not run. Lent until it ends: then it is another one. */
struct kith *kith_cluster_node(const struct kith_cluster *, int node);
bool kith_cluster_runs(const struct kith_cluster *, int node);
bool kith_cluster_paused(const struct kith_cluster *, int node);
unsigned kith_cluster_lives(const struct kith_cluster *, int node); /* how often it was started */
int kith_cluster_running(const struct kith_cluster *);              /* how many run */

/* ---------------------------------------------------------------------------------------- time */

uint64_t kith_cluster_now(const struct kith_cluster *);
/* On until that time; a time in the past: nothing happens. */
void kith_cluster_run(struct kith_cluster *, uint64_t until);
/* ... but ask after each turn whether it is enough. What it said last. */
bool kith_cluster_run_till(struct kith_cluster *, uint64_t until, bool (*enough)(void *arg),
                           void *arg);

/* ------------------------------------------------------------------ what is done to the cluster */

/* -KITH_ECLOSED: the node does not run. done (NULL-able) is called once when it was not refused,
 * with -KITH_ECLOSED when the node is killed before. A paused node does all this when it is
 * resumed. */

int kith_cluster_join(struct kith_cluster *, int node, const char *seed, kith_done_fn *done,
                      void *arg, struct kith_error *err);
/* It says goodbye, for at most timeout ns, and ends, as `kith leave` has it. */
int kith_cluster_leave(struct kith_cluster *, int node, uint64_t timeout, kith_done_fn *done,
                       void *arg, struct kith_error *err);
int kith_cluster_meta(struct kith_cluster *, int node, struct kith_bytes, kith_done_fn *done,
                      void *arg, struct kith_error *err);
/* to: a node, or -1: a broadcast. */
int kith_cluster_send(struct kith_cluster *, int node, int to, struct kith_bytes, bool reliable,
                      kith_done_fn *done, void *arg, struct kith_error *err);
/* A command of the loopback network: "cut n1 n2 --both", "set all all loss=5%", "heal"; `kith
 * command loopback help` lists them. It counts for all nodes, also for those to come. answer
 * (NULL-able): what it says, in JSON. At least one node has to run. */
int kith_cluster_network(struct kith_cluster *, const char *words,
                         void (*answer)(void *arg, struct kith_bytes), void *arg,
                         struct kith_error *err);

/* ------------------------------------------------------------------------------- what they see */

/* How node sees a name: enum kith_state; -1: it does not know it, or does not run. */
int kith_cluster_state(const struct kith_cluster *, int node, int about);
/* Does each that runs see all that run as alive, and nobody else alive or suspected? Those that are
 * paused don't count as onlookers. */
bool kith_cluster_agrees(const struct kith_cluster *);

/* ---------------------------------------------------------------------------------- the trace
 *
 * One line for all that was done, and for each event that a node is told of:
 *
 *     12.000000000 - cut n1 n2 --both
 *     12.000000000 n7 kill
 *     12.731054201 n3 suspect n7 2 by n3
 *
 * Seconds; the node, or `-`; what; about whom, incarnation, and what else belongs to it. */

#endif
