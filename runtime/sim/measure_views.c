/*
 * measure_views.c - whom each node knows, kept up with what it is told; so that the moment is found
 * at which it knows all that run.
 */
#include "measure_parts.h"
#include <stdlib.h>

bool kith_views_grow(struct kith_measure *m)
{
    int size = kith_cluster_size(m->cluster);
    if (size <= m->node_count) return true;
    struct kith_measure_node *nodes = realloc(m->nodes, (size_t)size * sizeof *nodes);
    if (!nodes) {
        m->no_memory = true;
        return false;
    }
    memset(nodes + m->node_count, 0, (size_t)(size - m->node_count) * sizeof *nodes);
    m->nodes = nodes;
    m->node_count = size;
    return true;
}

static void look(struct kith_measure *m, int node)
{
    struct kith_measure_node *n = &m->nodes[node];
    if (!n->runs || n->complete || n->have < m->running) return;
    n->complete = true;
    if (!kith_sample_add(&m->full_view, kith_measure_since(m, n->began))) m->no_memory = true;
}

/* One more, or one less, to be known. */
static void changed(struct kith_measure *m, int node, int by)
{
    for (int i = 0; i < m->node_count; i++)
        if (kith_bits_get(&m->nodes[i].known, node)) m->nodes[i].have += by;
    m->running += by;
    for (int i = 0; by < 0 && i < m->node_count; i++) look(m, i);
}

void kith_views_start(struct kith_measure *m, int node)
{
    struct kith_measure_node *n = &m->nodes[node];
    kith_totals_time(m);
    n->runs = true;
    n->paused = n->complete = false;
    n->began = kith_cluster_now(m->cluster);
    n->have = 0;
    if (n->known.count) memset(n->known.words, 0, n->known.count * sizeof *n->known.words);
    m->lives++;
    changed(m, node, 1);
}

void kith_views_join(struct kith_measure *m, int node)
{
    struct kith_measure_node *n = &m->nodes[node];
    if (!n->complete) n->began = kith_cluster_now(m->cluster);
}

void kith_views_end(struct kith_measure *m, int node)
{
    kith_totals_time(m);
    m->nodes[node].runs = false;
    changed(m, node, -1);
}

void kith_views_told(struct kith_measure *m, int node, int about, bool there)
{
    struct kith_measure_node *n = &m->nodes[node];
    if (kith_bits_get(&n->known, about) == there) return;
    if (!kith_bits_set(&n->known, about, there)) {
        m->no_memory = true;
        return;
    }
    if (m->nodes[about].runs) n->have += there ? 1 : -1;
    look(m, node);
}

/* ---------------------------------------------------------------------------------- the begin */

struct look {
    struct kith_measure *m;
    int node;
};

static bool look_at(void *arg, const struct kith_member *member)
{
    struct look *look = arg;
    int about = kith_cluster_find(look->m->cluster, member->name);
    bool there = member->state == KITH_ALIVE || member->state == KITH_SUSPECT;
    if (about >= 0 && there) kith_views_told(look->m, look->node, about, true);
    return true;
}

void kith_views_begin(struct kith_measure *m)
{
    for (int i = 0; i < m->node_count; i++) {
        if (!kith_cluster_node(m->cluster, i)) continue;
        kith_views_start(m, i);
        m->nodes[i].paused = kith_cluster_is_paused(m->cluster, i);
    }
    for (int i = 0; i < m->node_count; i++) {
        struct look look = {m, i};
        uint64_t cursor = 0;
        if (!m->nodes[i].runs) continue;
        const struct kith_node *table = kith_table(kith_cluster_node(m->cluster, i));
        table->members(table, &cursor, SIZE_MAX, look_at, &look);
    }
}
