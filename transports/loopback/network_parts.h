/*
 * network_parts.h - inside of the network: what network.c, network_rules.c and network_way.c share.
 */
#ifndef KITH_NETWORK_PARTS_H
#define KITH_NETWORK_PARTS_H

#include "network.h"

enum kith_network_lane { KITH_NETWORK_PACKETS, KITH_NETWORK_STREAMS, KITH_NETWORK_LANES };

/* A bandwidth of one sender, and what waits for it: as the time that it takes alone. */
struct kith_network_line {
    uint64_t rate, now; /* as it was last used, and when */
    uint64_t work[KITH_NETWORK_LANES];
};

struct kith_network_endpoint {
    uint8_t *name; /* NULL: nobody has this number */
    size_t len;
    uint64_t hash;
    uint32_t next; /* of the same bucket, from 1; 0: none */
    uint64_t chance;
    struct kith_network_link link; /* of what it sends, but for rules */
    uint32_t own;                  /* fields of it that are no default */
    struct kith_network_line line; /* of link's bandwidth */
};

struct kith_network {
    uint64_t seed;
    struct kith_network_endpoint *endpoints;
    uint32_t *buckets; /* as many as there is room for endpoints: a power of two */
    uint32_t room, end;
    uint32_t gone; /* numbers below end that nobody has */
    struct kith_network_link standard;
    struct kith_network_rule **rules;
    size_t rule_count, rule_room;
    uint32_t last_id;
};

/* The next of an endpoint's chance, even over all 64 bits. */
static inline uint64_t kith_network_chance(struct kith_network_endpoint *e)
{
    uint64_t z = e->chance += 0x9e3779b97f4a7c15u; /* splitmix64 (Steele, Lea, Flood 2014) */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* kith_network_link(), and the line that its bandwidth is of. */
struct kith_network_line *kith_network_between(const struct kith_network *, int from, int to,
                                               struct kith_network_link *out);

/* The rules' view of who is there: before there are more numbers, and when a number has a name or
 * has it no more. */
bool kith_network_rules_grow(struct kith_network *, uint32_t room);
void kith_network_rules_place(struct kith_network *, uint32_t endpoint);
void kith_network_rules_free(struct kith_network *);

#endif
