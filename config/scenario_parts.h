/*
 * scenario_parts.h - the inside of reading a scenario: what its files share. Each calls only those
 * further down:
 *
 *   scenario.c         the file, from its bytes to struct kith_scenario
 *   scenario_event.c   links and events, one by one
 *   scenario_check.c   what must hold between events
 *   scenario_nodes.c   who is meant: names, patterns, groups, numbers, shares
 *   scenario_tables.c  every key, and which go together
 *
 * scenario_builtin.c and scenario_manual.c stand beside them.
 */
#ifndef KITH_CONFIG_SCENARIO_PARTS_H
#define KITH_CONFIG_SCENARIO_PARTS_H

#include "scenario.h"
#include "schema.h"

struct kith_node_sets {
    struct kith_nodes *items;
    size_t count;
};

struct kith_scenario_group {
    const char *name;
    struct kith_nodes nodes;
};

/* One load. The reading comes first, so that who is handed it finds the rest. */
struct kith_scenario_reading {
    struct kith_reading r;
    struct kith_scenario *scenario;
    struct kith_scenario_group *groups;
    size_t group_count;
};

/* What the file says at its left margin. */
struct kith_scenario_file {
    uint32_t nodes, seed, seeds;
    uint64_t time;
    const struct kith_yaml *groups, *links, *events;
};

/* The values of a link. */
struct kith_scenario_values {
    uint64_t delay, jitter, reorder_late, bandwidth, backlog;
    double loss, duplicate, reorder;
};

/* ---- scenario_tables.c */
extern const struct kith_param kith_scenario_keys[]; /* of struct kith_scenario_file */
extern const struct kith_param kith_link_keys[];     /* of struct kith_scenario_link */
extern const struct kith_param kith_value_keys[];    /* of struct kith_scenario_values */
extern const struct kith_param kith_event_keys[];    /* of struct kith_scenario_event; those of
                                                        deeds first, in their order */
/* Whether the key of an event has a meaning for this deed. */
bool kith_deed_takes(enum kith_deed, const char *key);
/* "kill, stop and set": all whose events can have the key. */
const char *kith_deeds_that_take(struct kith_arena *, const char *key);

/* ---- scenario_nodes.c */
void kith_groups_read(struct kith_scenario_reading *, const struct kith_yaml *);
void kith_nodes_read(struct kith_scenario_reading *, const char *key, const struct kith_yaml *,
                     struct kith_nodes *);
/* All of them. */
void kith_nodes_all(struct kith_scenario_reading *, struct kith_nodes *);

/* ---- scenario_check.c */
void kith_scenario_consistency(struct kith_scenario_reading *);

/* ---- scenario_event.c */
void kith_links_read(struct kith_scenario_reading *, const struct kith_yaml *);
void kith_events_read(struct kith_scenario_reading *, const struct kith_yaml *);
/* What read_type is for a scenario. */
void kith_scenario_type_read(struct kith_reading *, const struct kith_param *,
                             const struct kith_yaml *, void *at, const char *path);

#endif
