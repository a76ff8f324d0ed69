/*
 * measure_parts.h - the inside of a measurement: what its files share. Each calls only those
 * further down:
 *
 *   measure.c          begin, run, end; takes callbacks and passes them out
 *   measure_news.c     what was done, and who heard of it; suspicions and deaths
 *   measure_reach.c    messages, and whom they reached
 *   measure_views.c    whom each node knows; when it knew all
 *   measure_totals.c   what went over the network; curves
 *   measure_bits.c     a bit for each node
 */
#ifndef KITH_MEASURE_PARTS_H
#define KITH_MEASURE_PARTS_H

#include "measure.h"
#include "sample.h"

/* A bit for each node. */
struct kith_bits {
    uint64_t *words;
    size_t count;
};

/* The lives that began, or were told to join, in one happening. */
struct kith_measure_crowd {
    uint64_t last;        /* when the last of them was told */
    struct kith_bits all; /* who ran then, and still does: these are to be known */
    int count;            /* how many that is */
};

/* The messages of a happening. */
struct kith_measure_sent {
    size_t messages, bytes, to_get;
    struct kith_sample got;
};

struct kith_measure_happening {
    uint64_t at;
    char *text, *kind;
    size_t about, to_tell, silent, suspected_by, to_suspect, dead;
    struct kith_sample noticed, told;
    struct kith_measure_crowd crowd;
    struct kith_measure_sent sent[2]; /* to one, and broadcasts */
};

/* Something that was done to one node, on its way to the others. */
struct kith_measure_news {
    bool fresh;    /* there is something to hear */
    int happening; /* by number */
    uint64_t at;
    uint64_t until; /* what comes from then on is of something else; 0: it goes on */
    bool silent;    /* the node was killed or stopped */
    bool noticed, told, dead;
    struct kith_bits missing; /* who should be told, and is not yet */
    size_t missing_count, to_suspect;
    struct kith_bits suspects; /* who suspected it */
};

enum kith_measure_topic { KITH_NEWS_BAD, KITH_NEWS_GOOD, KITH_NEWS_META, KITH_NEWS_TOPICS };

struct kith_measure_node {
    bool runs, paused;
    uint64_t began;     /* this life */
    int crowd;          /* of this life: the happening's number; -1: of none */
    bool complete;      /* it knew all that its crowd has to know */
    uint64_t completed; /* and when */
    struct kith_bits known;
    int have; /* how many of those that run it knows */
    struct kith_measure_news news[KITH_NEWS_TOPICS];
};

/* A message on its way, by number. */
struct kith_measure_message {
    int happening;
    bool broadcast;
    uint64_t at;
    struct kith_bits got;
};

/* A life that is over, and knew all. */
struct kith_measure_life {
    int crowd;
    uint64_t completed;
};

/* An accusation, until the links are looked at. */
struct kith_measure_charge {
    int by, about;
    bool death;
};

enum kith_measure_curve {
    KITH_CURVE_LEAST,
    KITH_CURVE_MEDIAN,
    KITH_CURVE_MOST,
    KITH_CURVE_RUNNING,
    KITH_CURVE_PACKETS,
    KITH_CURVE_BYTES,
    KITH_CURVE_QUEUE_MEAN,
    KITH_CURVE_QUEUE_MOST,
    KITH_CURVE_SUSPICIONS,
    KITH_CURVE_DEATHS,
    KITH_CURVES
};

/* Sums over nodes and their lives. */
struct kith_measure_totals {
    double packets, bytes, stream_bytes, dropped;
    struct kith_message_rate *messages; /* of a name */
    size_t message_count;
};

struct kith_measure {
    struct kith_cluster_setup former; /* whose callbacks we pass things on to */
    struct kith_cluster *cluster;     /* NULL: not begun */
    uint64_t step, began, counted_to;
    double cpu_began, wall_began;
    bool no_memory;

    struct kith_measure_node *nodes;
    int node_count, running;
    struct kith_bits runs;

    struct kith_measure_crowd first; /* of lives that began before the first happening */
    struct kith_measure_life *former_lives;
    size_t former_life_count, former_life_room;

    struct kith_measure_happening *happenings;
    int happening_count, current; /* current: what is done now is part of; -1: none */
    int network; /* the happening that did something to the network last; -1: none */
    bool network_noticed;
    struct kith_measure_message *messages;
    size_t message_count;

    struct kith_sample full_view;
    size_t lives;
    uint64_t suspicions, deaths, refutations, false_suspicions, false_deaths;
    struct kith_measure_charge *charges;
    size_t charge_count, charge_room;

    struct kith_measure_totals before, gone; /* at the beginning; of lives that ended */
    double node_time;                        /* ns */
    double former_packets, former_bytes;     /* of the curves */
    uint64_t former_suspicions, former_deaths;
    double *curves[KITH_CURVES];
    size_t points, point_room;
};

/* Seconds. */
static inline double kith_measure_since(const struct kith_measure *m, uint64_t at)
{
    return (double)(kith_cluster_now(m->cluster) - at) / 1e9;
}

/* ---- measure_news.c */
void kith_news_act(struct kith_measure *, enum kith_cluster_act, int node);
void kith_news_event(struct kith_measure *, int node, const struct kith_event *);
/* The links are as they were when it was said. */
void kith_news_judge(struct kith_measure *);
/* Nothing more comes. */
void kith_news_end(struct kith_measure *);

/* ---- measure_reach.c */
void kith_reach_message(struct kith_measure *, int node, const struct kith_message *);

/* ---- measure_views.c */
/* Makes room for nodes that came since. */
bool kith_views_grow(struct kith_measure *);
/* Those that run already, and know whom they know. */
void kith_views_begin(struct kith_measure *);
/* A life begins (again, when it is told to join), or ends. */
void kith_views_start(struct kith_measure *, int node);
void kith_views_join(struct kith_measure *, int node);
void kith_views_end(struct kith_measure *, int node);
void kith_views_told(struct kith_measure *, int node, int about, bool there);
/* Into full_view. */
void kith_views_tell(struct kith_measure *);

/* ---- measure_totals.c */
void kith_totals_begin(struct kith_measure *);
/* A life is about to end. */
void kith_totals_gone(struct kith_measure *, int node);
/* Node-seconds up to now, at the numbers that run. */
void kith_totals_time(struct kith_measure *);
void kith_totals_sample(struct kith_measure *);
bool kith_totals_tell(struct kith_measure *, struct kith_result *);

/* ---- measure_bits.c */
/* false: no memory; it stays unset. */
bool kith_bits_set(struct kith_bits *, int i, bool on);
bool kith_bits_get(const struct kith_bits *, int i);
/* All of b are in a. */
bool kith_bits_cover(const struct kith_bits *a, const struct kith_bits *b);
/* false: no memory; to is empty. */
bool kith_bits_copy(struct kith_bits *to, const struct kith_bits *from);
void kith_bits_clear(struct kith_bits *); /* keeps its memory */
void kith_bits_free(struct kith_bits *);

#endif
