/*
 * engine.h - inside of the simulator: what its parts share. sim.c has knobs, commands and
 * questions; engine.c time and cores; engine_network.c what goes from one to the other;
 * engine_checks.c what must always hold.
 */
#ifndef KITH_TESTS_SIM_ENGINE_H
#define KITH_TESTS_SIM_ENGINE_H

#include "sim.h"

#include <network.h>

enum event_kind {
    EV_PACKET,
    EV_ACCEPT,
    EV_OPENED,
    EV_DATA,
    EV_END,
    EV_CLOSED,
    EV_AGAIN, /* what a stream's end holds back is sent again */
    EV_WAKE
};

struct event {
    enum event_kind kind;
    int node, from;        /* whom it happens to; who sent it */
    struct stream *stream; /* NULL: of no stream */
    int end;               /* of the stream, which it happens to */
    int reason;
    struct event *next; /* of the same list */
    size_t len;
    uint8_t data[];
};

struct list {
    struct event *first, **last; /* last: NULL while empty */
    unsigned count;
};

/* In the queue. order: of equal times the earlier made; ticks after all that can be read. */
struct slot {
    uint64_t at, order;
    struct event *event;
};

/* end 0 dialled. */
struct stream {
    unsigned users; /* ends that a core knows, and events */
    struct stream_end {
        struct stream_end *next; /* of the same bucket */
        struct stream *stream;
        int which;
        int node;
        uint32_t handle; /* 0: not (any more) known to the core */
        bool gone;       /* known no more */
        bool finished;   /* sends no more */
        bool broken;     /* nothing that it sends arrives */
        struct kith_network_way way;
        struct list held; /* back by a cut, on its way to the other end */
    } end[2];
};

struct node {
    struct sim *sim;
    int index;
    char name[32];
    int same_name; /* the next of the same bucket, -1: none */
    struct kith_addr addr;
    struct kith_core *core; /* NULL: not up */
    unsigned life;
    bool paused;
    uint64_t wake;     /* when a WAKE is queued, UINT64_MAX: none */
    struct list inbox; /* arrived while paused */
    char meta[64], state[64];
    struct sim_counts counts;
    uint32_t *seen;   /* of each node: the incarnation it is known at, 0: it is not known */
    size_t known;     /* how many are */
    double reaped;    /* names forgotten, as of the last time that mattered */
    unsigned settled; /* how often */
};

struct request {
    int node;
    unsigned life;
    int64_t number;
    bool ended;
    int status;
};

enum { STREAM_BUCKETS = 4096 };

struct sim {
    uint64_t now, seed, rng, order, trace, events;
    struct slot *heap;
    size_t heap_n, heap_cap;
    struct node **nodes;
    int n, room; /* room: a power of two */
    int *names;  /* buckets, as many as there is room: the first node of each */
    struct kith_network *network;
    struct stream_end *streams[STREAM_BUCKETS]; /* ends that a core knows, by node and handle */
    struct request *requests;
    int requests_n;
    bool perfect; /* nothing was ever done to links or nodes */
    unsigned violations, failures_before;
    void (*tune)(struct kith_settings *);
    void (*heard)(void *arg, int node, const struct kith_message *);
    void *heard_arg;
    /* Of the core that runs: who was told to have changed in it, and of each name how. */
    int *touched, touched_n;
    uint8_t *told;
    uint32_t *looked, look; /* of each name: the last full look that found it */
};

/* ---- engine.c */
/* All chance of a simulation but the network's. */
uint64_t sim_random(struct sim *);
struct event *sim_event(enum event_kind, int node, const void *data, size_t len);
void sim_push(struct sim *, struct event *, uint64_t at);
/* Frees it, and its stream when that was the last that had to do with it. */
void sim_event_free(struct event *);
void sim_list_add(struct list *, struct event *);
struct event *sim_list_take(struct list *);
void sim_list_free(struct list *);
/* Room for one more node. */
void sim_grow(struct sim *);
/* Make and start a node's core; end it at once. */
void sim_up(struct sim *, struct node *);
void sim_down(struct sim *, struct node *);
/* After anything that was done to a core: carry out what it wants, look whether all is well. */
void sim_settle(struct sim *, struct node *);
/* The node's time moves on. */
void sim_tick(struct sim *, struct node *);
/* An event reaches a core that is up and awake. */
void sim_deliver(struct sim *, struct node *, const struct event *);
/* The next event until then; false: there is none, the time is `until` now. */
bool sim_step(struct sim *, uint64_t until);

/* ---- engine_network.c */
enum { SIM_BUDGET = 1400 };

struct kith_addr sim_addr(int node);
int sim_at_addr(const struct sim *, const struct kith_addr *); /* -1: nobody */
void sim_packet(struct sim *, struct node *, const struct kith_output *);
void sim_dial(struct sim *, struct node *, const struct kith_output *);
void sim_write(struct sim *, struct node *, const struct kith_output *);
/* The core has forgotten it; orderly: the other end sees an end, else a reset. */
void sim_close(struct sim *, struct node *, uint32_t handle, bool orderly);
void sim_reset_all(struct sim *, struct node *);
void sim_accept(struct sim *, struct node *, struct stream *);
void sim_send_again(struct sim *, struct stream *, int end);
/* The core knows the handle no more. */
void sim_end_forgotten(struct sim *, struct stream *, int end);
void sim_stream_drop(struct stream *);

/* ---- engine_checks.c */
extern const struct kith_delegate_ops sim_delegate;
/* Report that something does not hold which always must. */
void sim_violation(struct sim *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sim_name_add(struct sim *, struct node *);
/* What changed in a core since the last time; and all that it knows. */
void sim_check(struct sim *, struct node *);
void sim_check_all(struct sim *);

#endif
