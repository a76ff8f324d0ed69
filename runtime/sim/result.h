/*
 * result.h - what a simulation showed, as values: filled by measure.c, told by reports as text,
 * JSON and HTML. Times are seconds, since the start where they are a point in time. Knows nothing
 * of how it was found out or how it is shown.
 */
#ifndef KITH_RESULT_H
#define KITH_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A distribution. values: all of them, sorted; count 0: nothing, and the rest is 0. */
struct kith_spread {
    size_t count;
    double min, p50, p95, p99, max, mean;
    double *values;
};

/* Over virtual time in equal steps: values[i] is of the step that ends at (i + 1) * step. */
struct kith_series {
    const char *name, *unit; /* constant */
    double step;
    size_t count;
    double *values;
};

/* Something that was done, and how the others heard of it. */
struct kith_happening {
    double at;
    char *text;       /* "kill n7" */
    const char *kind; /* "kill"; constant */
    size_t about;     /* how many nodes it was done to */
    /* About each of these nodes: seconds until anybody took notice (suspected it; of a leave, a
     * meta or a join: was told), and until each running node was told (dead or left; joined; of the
     * new meta). */
    struct kith_spread noticed, told;
    size_t told_count, told_most; /* pairs of nodes that were told, of how many */
};

/* Messages of one happening. */
struct kith_reach {
    double at;
    char *text;
    size_t messages, bytes;    /* bytes of each */
    size_t reached, most;      /* pairs of message and node: reached, of how many */
    struct kith_spread time;   /* seconds to each that was reached */
    struct kith_series series; /* part of them reached by then, from the first message on */
};

/* What was received: packets by the messages in them, streams. A node and second. */
struct kith_traffic_of {
    const char *message;    /* "ping", "ack", "alive", "push_pull"; constant */
    double messages, bytes; /* before layers */
};

struct kith_left_out {
    char *what, *why;
};

struct kith_result {
    /* what was asked for */
    char *file, *scenario; /* NULL: built in */
    size_t nodes;
    uint64_t seed;
    const char *profile;
    char *send; /* "lzw, crc32" */
    struct kith_left_out *left_out;
    size_t left_out_count;
    double time; /* virtual seconds */

    /* members */
    struct kith_spread full_view; /* of each node: from its start until it knew all that ran */
    size_t full_view_of;          /* how many nodes could have */
    struct kith_happening *happenings;
    size_t happening_count;
    struct kith_reach *messages;
    size_t message_count;
    uint64_t suspicions, deaths,
        refutations; /* as told to delegates; refutations: by the accused */
    /* of them about a node that ran, was not paused, and not cut off, at the time */
    uint64_t false_suspicions, false_deaths;

    /* traffic */
    struct kith_traffic_of *traffic;
    size_t traffic_count;
    double packets, packet_bytes, stream_bytes; /* sent, on the network, a node and second */
    double packets_lost;                        /* part of the packets that did not arrive */

    struct kith_series *series; /* by name */
    size_t series_count;

    /* what it cost */
    double cpu;          /* seconds */
    double wall;         /* seconds */
    double cpu_per_node; /* a node and virtual second */
    uint64_t memory;     /* bytes, at most */
};

void kith_result_free(struct kith_result *);

#endif
