/*
 * stack.h - inside of the stack ring: what stack.c (sim.h over a cluster of whole nodes) and
 * stack_checks.c (what must always hold) share.
 *
 * The scenarios are those of tests/sim, from the same files. There they run on cores alone; here on
 * nodes with runtime, pipeline and transport from their .so files, in a virtual world. The pipeline
 * follows from the seed, so that each of PIPELINES has its share of the scenarios.
 */
#ifndef STACK_H
#define STACK_H

#include "cluster.h"
#include "observer.h"
#include "sim.h"

#define SIM_MAX 128 /* nodes */

struct stack_node {
    struct sim *sim;
    int number;
    unsigned life;
    char name[32], meta[64], state[64];
    struct sim_counts counts;
    struct kith_observer observer;
    /* Of every name: what this life knows of it. */
    struct stack_known {
        bool joined;          /* told of it, and of no leave since */
        uint32_t incarnation; /* highest */
        uint64_t gone;        /* when a leave was told; 0: never */
    } known[SIM_MAX];
    bool touched[SIM_MAX]; /* in the turn under way */
    int touched_names[SIM_MAX], touched_count;
    bool looked_on; /* its first event of this life came */
};

struct stack_request {
    struct sim *sim;
    int node, status;
    unsigned life;
    bool ended;
};

struct sim {
    uint64_t seed, chance, turns;
    bool perfect; /* nothing was ever done to links or nodes */
    struct kith_world *world;
    struct kith_config *file;
    struct kith_config config, twins; /* twins: of nodes that have somebody else's name */
    struct kith_entry twin_transport;
    struct kith_cluster *cluster;
    struct stack_node *nodes[SIM_MAX];
    struct stack_request **requests;
    int request_count;
    FILE *trace;
    uint64_t trace_hash;
    uint64_t stood_since; /* the time that turns have, and how many had it */
    unsigned stood_turns;
    unsigned violations, failures_before;
};

void sim_violation(struct sim *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- stack_checks.c */
/* A node was opened: look on, and take part as a delegate. */
int stack_look_on(struct stack_node *, struct kith *, struct kith_error *err);
/* Its whole list: each name once, all of them known to the simulation. */
void stack_check_list(struct sim *, int node);
void stack_check_turn(struct sim *);

#endif
