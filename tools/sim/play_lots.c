/*
 * play_lots.c - who is meant: those that a scenario names, or lots drawn among those to whom it can
 * be done at that time. The lots of an event come from the scenario's seed, its place in the file
 * and how often it happened before, so another event beside it changes none of them.
 */
#include "play_parts.h"
#include <stdlib.h>

bool kith_deed_fits(const struct kith_play *p, const struct kith_occurrence *o, int node)
{
    bool runs = kith_cluster_node(p->cluster, node) != NULL;
    bool paused = runs && kith_cluster_is_paused(p->cluster, node);
    switch (o->e->deed) {
    case KITH_DEED_JOIN: return !runs || (o->e->to.in && !paused);
    case KITH_DEED_RESTART: return true;
    case KITH_DEED_CONTINUE: return paused;
    case KITH_DEED_KILL: return runs;
    case KITH_DEED_STOP:
    case KITH_DEED_LEAVE:
    case KITH_DEED_META:
    case KITH_DEED_BROADCAST:
    case KITH_DEED_SEND: return runs && !paused;
    default: return runs; /* links: also of those that are stopped */
    }
}

/* Who is drawn to be started again is one of those that are down. */
static bool is_candidate(const struct kith_play *p, const struct kith_occurrence *o,
                         const struct kith_nodes *nodes, int node)
{
    bool drawn = !nodes->set, runs = kith_cluster_node(p->cluster, node) != NULL;
    if (!nodes->in[node]) return false;
    if (nodes == &o->e->to) return runs || !drawn;
    if (drawn && o->e->deed == KITH_DEED_RESTART) return !runs;
    return kith_deed_fits(p, o, node);
}

/* A stream of numbers from a seed (splitmix64). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static uint64_t begin_random(const struct kith_play *p, const struct kith_occurrence *o,
                             unsigned salt)
{
    uint64_t state = p->scenario->seed;
    uint64_t parts[] = {o->e->pos.line, o->e->pos.col, o->times, salt};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        state = next_random(&state) ^ parts[i];
    return state;
}

static size_t how_many(const struct kith_nodes *nodes, size_t candidates)
{
    size_t n = nodes->number ? nodes->number : (size_t)(nodes->share * (double)candidates + 0.5);
    if (!nodes->number && !n) n = 1;
    return n < candidates ? n : candidates;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

/* The first n of them are drawn from all. */
static void shuffle(int *all, size_t count, size_t n, uint64_t state)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = i + next_random(&state) % (count - i);
        int other = all[i];
        all[i] = all[k];
        all[k] = other;
    }
    qsort(all, n, sizeof *all, by_number);
}

int *kith_lots_draw(const struct kith_play *p, const struct kith_occurrence *o,
                    const struct kith_nodes *nodes, unsigned salt, bool *taken, size_t *count)
{
    size_t n = 0;
    int *all = malloc((p->scenario->nodes + 1) * sizeof *all);
    if (!all) return NULL;
    for (int i = 0; i < (int)p->scenario->nodes; i++)
        if (is_candidate(p, o, nodes, i) && !(taken && taken[i])) all[n++] = i;
    *count = n;
    if (!nodes->set) {
        /* A share is one of all candidates, also where some are taken already. */
        size_t candidates = n;
        for (int i = 0; taken && i < (int)p->scenario->nodes; i++) candidates += taken[i];
        size_t want = how_many(nodes, candidates);
        *count = want < n ? want : n;
        if (*count) shuffle(all, n, *count, begin_random(p, o, salt));
    }
    for (size_t i = 0; taken && i < *count; i++) taken[all[i]] = true;
    return all;
}
