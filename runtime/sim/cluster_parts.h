/*
 * cluster_parts.h - the inside of a cluster: what its files share. Each calls only those further
 * down:
 *
 *   cluster_acts.c     joins, leaves, meta, messages
 *   cluster_view.c     what nodes see of each other
 *   cluster.c          nodes, their lives, time
 *   cluster_network.c  commands of the network
 *   cluster_trace.c    lines for what was done and told
 *
 * cluster_config.c stands beside them.
 */
#ifndef KITH_CLUSTER_PARTS_H
#define KITH_CLUSTER_PARTS_H

#include "cluster.h"
#include "observer.h"

struct kith_cluster_node {
    struct kith_cluster *cluster;
    struct kith *k; /* NULL: it does not run */
    char *name;
    const struct kith_config *config;
    int number, same_hash; /* same_hash: the next in its bucket, -1: none */
    unsigned lives;
    bool paused;
    bool ended, left; /* by itself: to be closed when the turn is over */
    struct kith_cluster_node *next_ended;
    struct kith_observer observer;
};

struct kith_cluster {
    struct kith_cluster_setup setup;
    struct kith_config config; /* the setup's, as quiet as it may be */
    struct kith_loop *loop;
    uint64_t began; /* on the loop's clock */
    struct kith_cluster_node **nodes;
    int size, room, running;
    int *buckets; /* by hash of the name; room of them */
    struct kith_cluster_node *ended;
    /* All commands about the network so far: a network ends with its last node, and the next one
     * is to be the same. */
    char **commands;
    size_t command_count, commands_told; /* told: to the network that is */
};

/* NULL, and words: there is no such node, or it does not run. */
struct kith_cluster_node *kith_cluster_at(const struct kith_cluster *, int node,
                                          struct kith_error *err);

/* A node runs: the commands that its network does not know yet. */
int kith_cluster_network_begin(struct kith_cluster *, struct kith_error *err);

/* Something was done: to the trace, and to who looks on. n: NULL: the network's; words: NULL: there
 * is nothing to add. */
void kith_cluster_did(struct kith_cluster *, enum kith_cluster_act,
                      const struct kith_cluster_node *n, const char *words);
/* A node told this. */
void kith_cluster_told(const struct kith_cluster_node *, const struct kith_event *);
void kith_cluster_got(const struct kith_cluster_node *, const struct kith_message *);

#endif
