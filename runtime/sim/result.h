/*
 * result.h - what a simulation showed, as values: measure.h fills it, reports tell it as text, JSON
 * and HTML. Points in time are seconds since the beginning, spans are seconds. Knows nothing of how
 * it was found out, or how it is shown.
 */
#ifndef KITH_RESULT_H
#define KITH_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A distribution. All but `values` is of everything; count 0: there was nothing, and all is 0.
 * values: sorted; of very many a part that was drawn by chance. */
struct kith_spread {
    size_t count;
    double min, p50, p95, p99, max, mean;
    double *values;
    size_t value_count;
};

/* Over time in equal steps: values[i] is of the step that ends at (i + 1) * step. */
struct kith_curve {
    const char *name, *unit; /* "packets_sent", "a node and second" */
    double step;
    double *values;
    size_t count;
};

/* What nodes see of each other at one time. All is about those that run and are not paused. A view
 * is right that has all of these as alive, and nobody else as alive or suspect; how it has those
 * that are paused is left open. */
struct kith_views {
    size_t running, right;
    size_t least, most; /* how many of these a node has as alive */
};

/* Something that was done to some nodes, and how the others heard of it. */
struct kith_happening {
    double at;
    char *text, *kind; /* "kill n7", "kill" */
    size_t about;      /* nodes that it was done to; 0: to the network */
    /* Of each of these nodes: until the first of the others took notice, by a suspicion, or being
     * told. From when it was done to that node; for others that started later from their start. Of
     * the network: until the first suspicion. */
    struct kith_spread noticed;
    /* Likewise, until each of the others was told: that it joined, left or is dead, is suspected no
     * more, has other meta. Of the network: until each declaration of a death. */
    struct kith_spread told;
    size_t to_tell; /* how many there were to whom it was new; of a stop that ended before anybody
                       was told a death: none */
    /* Of those of them that were killed or stopped. suspected_by: pairs of a node and who suspected
     * it, of to_suspect that there are. dead: those of them that somebody declared dead. Of the
     * network: silent is 0, the others count suspicions and deaths. */
    size_t silent, suspected_by, to_suspect, dead;
};

/* Messages that were sent at one time. */
struct kith_reach {
    double at;
    char *text;             /* "broadcast n1" */
    bool broadcast;         /* by its origin alone, some times: nobody promises that all get it */
    size_t messages, bytes; /* bytes: of each */
    struct kith_spread got; /* until each that got it did */
    size_t to_get;          /* how many it was for */
};

/* Messages received in packets and on streams, a node and second. */
struct kith_message_rate {
    char *message;       /* "ping", "alive", "push_pull" */
    double count, bytes; /* bytes: before layers */
};

struct kith_left_out {
    char *what, *why;
};

struct kith_result {
    /* What was asked for. */
    char *file, *scenario; /* scenario: NULL: the built-in one */
    char *profile, *send;  /* send: "lzw, crc32" */
    size_t nodes;
    uint64_t seed;
    double time;  /* how long it went on */
    double asked; /* and was to; more: it was interrupted */
    struct kith_left_out *left_out;
    size_t left_out_count;

    /* Members. */
    /* Of each life that got there: from when the last of those that were told to join, or began,
     * together with it was, until it knew all that ran then. */
    struct kith_spread full_view;
    size_t lives;
    struct kith_views at_end;
    struct kith_happening *happenings;
    size_t happening_count;
    struct kith_reach *messages;
    size_t message_count;
    uint64_t suspicions, deaths; /* that somebody raised, or declared; not those who heard of it */
    uint64_t refutations;        /* by the accused */
    /* Those of them that were about a node that ran, was not paused, and could exchange packets
     * with the accuser, at that time. */
    uint64_t false_suspicions, false_deaths;

    /* Traffic, a node and second. */
    struct kith_message_rate *traffic;
    size_t traffic_count;
    double packets_sent, packet_bytes_sent, stream_bytes_sent; /* as on the wire */
    double packets_dropped; /* lost, cut off, for who is gone, or too many for link or receiver */

    /* members_least, members_median, members_most: how many of those that run a node knows;
     * running; packets_sent, packet_bytes_sent; queue_mean, queue_most: broadcasts that wait;
     * suspicions, deaths: in each step. */
    struct kith_curve *curves;
    size_t curve_count;

    /* What it cost this process. */
    double cpu, wall;
    uint64_t memory;     /* bytes, at most */
    double node_seconds; /* seconds of virtual time that nodes ran, all together */
};

/* Frees all that it points to, and zeroes it. */
void kith_result_free(struct kith_result *);
/* The curve of that name; NULL: there is none. */
const struct kith_curve *kith_result_curve(const struct kith_result *, const char *name);

#endif
