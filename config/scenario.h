/*
 * scenario.h - what happens to a simulated cluster, as a YAML file: how many nodes, for how long,
 * over which links, and what is done to whom at which time.
 *
 * Read with the same tables and checks as a node's file; everything wrong with it is found in one
 * go. Says what is to happen and to whom it can; who does it, and draws lots, is not known here.
 *
 *     nodes: 200
 *     time: 5m
 *     groups: { eu: [ n0..n99 ] }
 *     links:
 *       - { delay: 1ms, jitter: 1ms, loss: 0.5% }
 *       - { from: eu, both: true, delay: 80ms }
 *     events:
 *       - { at: 60s, kill: n7 }
 *       - { at: 2m, partition: eu, for: 1m }
 *       - { at: 4m, leave: 10%, over: 5s }
 */
#ifndef KITH_CONFIG_SCENARIO_H
#define KITH_CONFIG_SCENARIO_H

#include "config.h"

/* Some of the nodes, which are called n0, n1, ...: those of `in`, or that many of them, drawn when
 * the time has come. */
struct kith_nodes {
    const char *text; /* as written: "eu,!n3", "10%"; NULL: not given */
    struct kith_pos pos;
    bool *in;        /* of each node */
    size_t count;    /* how many are */
    const char *set; /* the same as patterns that a network's rules take; drawn ones: NULL */
    uint32_t number; /* draw so many, */
    double share;    /* or this part of them; both 0: all of `in` */
};

enum kith_deed {
    KITH_DEED_JOIN, /* start, and join the seeds; one that runs joins those of `to` */
    KITH_DEED_KILL,
    KITH_DEED_RESTART,
    KITH_DEED_STOP,
    KITH_DEED_CONTINUE,
    KITH_DEED_LEAVE,
    KITH_DEED_CUT,
    KITH_DEED_PARTITION,
    KITH_DEED_HEAL,
    KITH_DEED_SET,
    KITH_DEED_META,
    KITH_DEED_BROADCAST,
    KITH_DEED_SEND,
    KITH_DEEDS
};

struct kith_scenario_event {
    enum kith_deed deed;
    struct kith_pos pos;
    uint64_t at;    /* ns from the beginning */
    uint64_t over;  /* spread evenly over so long */
    uint64_t lasts; /* `for`: then it is undone; 0: it stays */
    uint64_t every; /* again after so long; 0: once */
    uint32_t count; /* how often in all; 0: until the end */
    struct kith_nodes who, to;
    struct kith_nodes *sets; /* PARTITION */
    size_t set_count;
    bool both, reliable;
    const char *change; /* SET: "delay=80ms loss=0.01" */
    const char *value;  /* META */
    uint64_t bytes;     /* of a message */
};

struct kith_scenario_link {
    struct kith_nodes from, to;
    bool both;
    const char *change; /* "delay=80ms loss=0.01" */
};

struct kith_scenario {
    const char *path; /* NULL: the built-in one */
    uint32_t nodes, seed, seeds;
    uint64_t time;
    struct kith_scenario_link *links;
    size_t link_count;
    struct kith_scenario_event *events; /* by time; of one time as in the file */
    size_t event_count;
    struct kith_arena *arena;
};

/* Words for enum kith_deed: the key that asks for it. */
extern const char *const kith_deed_words[];

/* over: keys of the file that somebody else decides ("nodes", "time", "seed"), in place of what it
 * says. path: NULL: the built-in one. NULL when there is any error; diag says all of them. */
struct kith_scenario *kith_scenario_load(const char *path, const struct kith_setting_text *over,
                                         size_t count, struct kith_diag *);
void kith_scenario_free(struct kith_scenario *);
/* Whether such a key can have this value. -KITH_EINVAL: err says why not. */
int kith_scenario_check(const struct kith_setting_text *, struct kith_error *err);

/* The built-in one as YAML. */
extern const char kith_scenario_builtin[];
/* JSON Schema of the file; all keys as POD, the source of kith-scenario(5). */
void kith_scenario_schema(FILE *);
void kith_scenario_doc(FILE *);

#endif
