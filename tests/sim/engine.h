/*
 * engine.h - inside of the simulator: what sim.c (nodes, knobs, questions) and engine.c (time,
 * network, cores) share.
 */
#ifndef KITH_TESTS_SIM_ENGINE_H
#define KITH_TESTS_SIM_ENGINE_H

#include "sim.h"

enum event_kind { EV_PACKET, EV_ACCEPT, EV_OPENED, EV_DATA, EV_END, EV_CLOSED, EV_WAKE };

struct event {
    uint64_t at,
        order; /* order: of equal times the earlier made; ticks after all that can be read */
    enum event_kind kind;
    int node;      /* whom it happens to */
    int conn, end; /* streams: which, and which end it happens to */
    struct kith_addr from;
    int reason;
    uint8_t *data;
    size_t len;
};

/* A stream. end 0 dialled. */
struct conn {
    bool used;
    struct {
        int node;
        unsigned life;   /* of the node, when it was opened */
        uint32_t handle; /* 0: not (any more) known to the core */
        uint64_t busy;   /* nothing that is sent to the other end arrives before */
        bool finished;   /* sends no more */
    } end[2];
};

struct node {
    struct sim *sim;
    int index;
    char name[32];
    struct kith_addr addr;
    struct kith_core *core; /* NULL: not up */
    unsigned life;
    bool paused;
    uint64_t wake;       /* when a WAKE is queued, UINT64_MAX: none */
    struct event *inbox; /* arrived while paused */
    size_t inbox_n, inbox_cap;
    char meta[64], state[64];
    struct sim_counts counts;
    uint32_t seen[SIM_MAX]; /* highest incarnation known of each node, 0 when not known */
    bool joined[SIM_MAX];   /* NotifyJoin since the last look */
    double reaped;          /* names forgotten, as of the last time that mattered */
};

struct request {
    int node;
    unsigned life;
    int64_t number;
    bool ended;
    int status;
};

struct sim {
    uint64_t now, seed, rng, order, trace, events;
    struct event *heap;
    size_t heap_n, heap_cap;
    struct node nodes[SIM_MAX];
    int n;
    struct conn *conns;
    int conns_n;
    struct request *requests;
    int requests_n;
    double loss[SIM_MAX][SIM_MAX], duplicate, reorder;
    bool cut[SIM_MAX][SIM_MAX];
    uint64_t delay_min, delay_mean, reorder_late;
    bool perfect; /* nothing was ever done to links or nodes */
    unsigned violations, failures_before;
    void (*tune)(struct kith_settings *);
};

/* All chance of a simulation. */
uint64_t sim_random(struct sim *);
/* Report that something does not hold which always must. */
void sim_violation(struct sim *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Make and start a node's core. */
void sim_up(struct sim *, struct node *);
/* After anything that was done to a core: carry out what it wants, look whether all is well. */
void sim_settle(struct sim *, struct node *);
/* The node's time moves on. */
void sim_tick(struct sim *, struct node *);
/* An event reaches a core that is up and awake. */
void sim_deliver(struct sim *, struct node *, const struct event *);
/* One end of a stream is gone; orderly: the other end sees an end, else a reset. */
void sim_forget_end(struct sim *, struct conn *, int end, bool orderly);
/* The next event until then; false: there is none, the time is `until` now. */
bool sim_step(struct sim *, uint64_t until);

#endif
