/*
 * network.c - the endpoints of a network, by name and by number, and where their chance begins.
 */
#include "network_parts.h"
#include <stdlib.h>

enum { FIRST_ROOM = 16 };

static uint64_t hash_of(struct kith_bytes name)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < name.len; i++) h = (h ^ name.data[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

static void begin_chance(struct kith_network_endpoint *e, uint64_t seed)
{
    e->chance = seed ^ e->hash;
    e->chance = kith_network_chance(e);
}

struct kith_network *kith_network_new(uint64_t seed)
{
    struct kith_network *net = calloc(1, sizeof *net);
    if (net) net->seed = seed;
    return net;
}

void kith_network_free(struct kith_network *net)
{
    if (!net) return;
    kith_network_rules_free(net);
    for (uint32_t i = 0; i < net->end; i++) free(net->endpoints[i].name);
    free(net->endpoints);
    free(net->buckets);
    free(net);
}

void kith_network_seed(struct kith_network *net, int endpoint, uint64_t seed)
{
    begin_chance(&net->endpoints[endpoint], seed);
}

static uint32_t *bucket_of(const struct kith_network *net, uint64_t hash)
{
    return &net->buckets[hash & (net->room - 1)];
}

static void link_in(struct kith_network *net, uint32_t i)
{
    uint32_t *bucket = bucket_of(net, net->endpoints[i].hash);
    net->endpoints[i].next = *bucket;
    *bucket = i + 1;
}

/* Twice the room, or nothing changed. */
static bool grow(struct kith_network *net)
{
    uint32_t room = net->room ? 2 * net->room : FIRST_ROOM;
    if (room > KITH_NETWORK_ENDPOINTS || !kith_network_rules_grow(net, room)) return false;
    struct kith_network_endpoint *endpoints =
        realloc(net->endpoints, room * sizeof *net->endpoints);
    if (endpoints) net->endpoints = endpoints;
    uint32_t *buckets = endpoints ? calloc(room, sizeof *buckets) : NULL;
    if (!buckets) return false;
    free(net->buckets);
    net->buckets = buckets;
    net->room = room;
    for (uint32_t i = 0; i < net->end; i++)
        if (net->endpoints[i].name) link_in(net, i);
    return true;
}

/* The lowest number that nobody has; there is one. */
static uint32_t free_number(const struct kith_network *net)
{
    uint32_t i = net->gone ? 0 : net->end;
    while (i < net->end && net->endpoints[i].name) i++;
    return i;
}

int kith_network_add(struct kith_network *net, struct kith_bytes name)
{
    if (!name.len || name.len > KITH_ADDR_MAX) return -KITH_EINVAL;
    if (kith_network_find(net, name) >= 0) return -KITH_EEXIST;
    if (!net->gone && net->end == net->room && !grow(net)) return -KITH_ENOMEM;
    uint8_t *copy = malloc(name.len);
    if (!copy) return -KITH_ENOMEM;
    memcpy(copy, name.data, name.len);
    uint32_t i = free_number(net);
    if (i == net->end)
        net->end++;
    else
        net->gone--;
    struct kith_network_endpoint *e = &net->endpoints[i];
    *e = (struct kith_network_endpoint){
        .name = copy, .len = name.len, .hash = hash_of(name), .link = net->standard};
    begin_chance(e, net->seed);
    link_in(net, i);
    kith_network_rules_place(net, i);
    return (int)i;
}

void kith_network_remove(struct kith_network *net, int endpoint)
{
    struct kith_network_endpoint *e = &net->endpoints[endpoint];
    uint32_t *at = bucket_of(net, e->hash);
    while (*at != (uint32_t)endpoint + 1) at = &net->endpoints[*at - 1].next;
    *at = e->next;
    free(e->name);
    e->name = NULL;
    net->gone++;
    kith_network_rules_place(net, (uint32_t)endpoint);
}

int kith_network_find(const struct kith_network *net, struct kith_bytes name)
{
    if (!net->room) return -KITH_ENOTFOUND;
    uint64_t hash = hash_of(name);
    for (uint32_t i = *bucket_of(net, hash); i; i = net->endpoints[i - 1].next) {
        const struct kith_network_endpoint *e = &net->endpoints[i - 1];
        if (e->hash == hash && e->len == name.len && memcmp(e->name, name.data, e->len) == 0)
            return (int)i - 1;
    }
    return -KITH_ENOTFOUND;
}
