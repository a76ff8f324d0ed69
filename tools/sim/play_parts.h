/*
 * play_parts.h - the inside of playing a scenario: what its files share. Each calls only those
 * further down:
 *
 *   play.c        begin, time, end
 *   play_event.c  an event when its time has come: to whom it happens, and when it is undone
 *   play_deed.c   one deed to one node, or to the network
 *   play_lots.c   who is meant, drawn where the scenario leaves it to chance
 *   play_queue.c  what is to be done, by time
 */
#ifndef KITH_SIM_PLAY_PARTS_H
#define KITH_SIM_PLAY_PARTS_H

#include "play.h"

struct kith_play;

/* One time that an event happens. */
struct kith_occurrence {
    struct kith_occurrence *next;
    const struct kith_scenario_event *e;
    uint32_t times;         /* how often it did before */
    int happening, undoing; /* of the measurement; -1: not yet */
    int *who, *to;          /* drawn, or all */
    size_t who_count, to_count;
    char *names;   /* "n37", "25 nodes"; NULL: as the scenario says */
    uint32_t rule; /* of the network; 0: none */
};

enum kith_todo_kind {
    KITH_TODO_EVENT, /* an event begins */
    KITH_TODO_ONE,   /* its deed to one node */
    KITH_TODO_UNDO_ONE,
    KITH_TODO_UNDO_RULE
};

struct kith_todo {
    uint64_t at, order; /* of one time: in the order in which they came */
    enum kith_todo_kind kind;
    const struct kith_scenario_event *e;
    struct kith_occurrence *of; /* EVENT: NULL */
    int node;
    uint32_t times; /* EVENT, ONE: how often before */
};

struct kith_queue {
    struct kith_todo *items;
    size_t count, room;
    uint64_t order;
};

struct kith_play {
    const struct kith_play_setup *setup;
    const struct kith_scenario *scenario;
    struct kith_cluster *cluster;
    struct kith_measure *measure;
    struct kith_queue queue;
    struct kith_occurrence *occurrences;
    /* What nodes join: the seeds, or what an event says. Only who may have one of their own does.
     */
    struct kith_config config;
    struct kith_config *own; /* of each node */
    struct kith_seed *seeds;
    struct kith_seed **own_seeds;
    bool no_memory;
    unsigned steps; /* done since the beginning: turns, and things that happened */
    bool stopped;   /* somebody has seen enough */
};

/* ---- play_queue.c. false: no memory. */
bool kith_queue_add(struct kith_queue *, struct kith_todo);
/* When the first is due; UINT64_MAX: there is none. */
uint64_t kith_queue_next(const struct kith_queue *);
struct kith_todo kith_queue_take(struct kith_queue *);
void kith_queue_free(struct kith_queue *);

/* ---- play_lots.c. Whether it can be done to this node now. */
bool kith_deed_fits(const struct kith_play *, const struct kith_occurrence *, int node);
/* Who is meant, in order; NULL: no memory. salt: for two lots of one occurrence. taken (NULL-able):
 * of each node, who is drawn already; those drawn are added. */
int *kith_lots_draw(const struct kith_play *, const struct kith_occurrence *,
                    const struct kith_nodes *, unsigned salt, bool *taken, size_t *count);

/* ---- play_deed.c */
void kith_deed_do(struct kith_play *, struct kith_occurrence *, int node);
/* Is it still as the deed left it? What else was done to it meanwhile stays. */
bool kith_deed_stands(const struct kith_play *, const struct kith_occurrence *, int node);
void kith_deed_undo(struct kith_play *, struct kith_occurrence *, int node);
void kith_deed_network(struct kith_play *, struct kith_occurrence *);
void kith_deed_network_undo(struct kith_play *, struct kith_occurrence *);
void kith_deed_message(struct kith_play *, struct kith_occurrence *, int node);
/* It could not be done. node: -1: to nobody in particular. */
void kith_deed_failed(struct kith_play *, const struct kith_occurrence *, int node,
                      const char *why);
/* "kill 10% (25 nodes)"; malloc'd, NULL: no memory. */
char *kith_deed_text(const struct kith_occurrence *);

/* ---- play_event.c */
void kith_event_do(struct kith_play *, const struct kith_todo *);

#endif
