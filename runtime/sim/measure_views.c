/*
 * measure_views.c - whom each node knows, kept up with what it is told; so that the moment is found
 * at which it knows all of its crowd.
 *
 * A crowd are the lives that began, or were told to join, in one happening. What each of them has
 * to know is all that run when the last of them was told: before, nobody can know all, though he
 * may know all that run already. A life is of one crowd: that in which it was told to join last.
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

/* ------------------------------------------------------------------------------------ crowds */

static struct kith_measure_crowd *crowd_of(struct kith_measure *m, int number)
{
    return number < 0 ? &m->first : &m->happenings[number].crowd;
}

static void look(struct kith_measure *m, int node)
{
    struct kith_measure_node *n = &m->nodes[node];
    if (!n->runs || n->complete) return;
    const struct kith_measure_crowd *crowd = crowd_of(m, n->crowd);
    /* have may count others, too: it is the quick half of the question */
    if (n->have < crowd->count || !kith_bits_cover(&n->known, &crowd->all)) return;
    n->complete = true;
    n->completed = kith_cluster_now(m->cluster);
}

/* One more has to be known, so who knew all of the crowd does not any more. */
static void enter(struct kith_measure *m, int node)
{
    struct kith_measure_crowd *crowd = crowd_of(m, m->current);
    m->nodes[node].crowd = m->current;
    crowd->last = kith_cluster_now(m->cluster);
    crowd->count = m->running;
    if (!kith_bits_copy(&crowd->all, &m->runs)) m->no_memory = true;
    for (int i = 0; i < m->node_count; i++) {
        if (!m->nodes[i].runs || m->nodes[i].crowd != m->current) continue;
        m->nodes[i].complete = false;
        look(m, i);
    }
}

static void leave(struct kith_measure *m, int node)
{
    for (int i = -1; i < m->happening_count; i++) {
        struct kith_measure_crowd *crowd = crowd_of(m, i);
        if (!kith_bits_get(&crowd->all, node)) continue;
        kith_bits_set(&crowd->all, node, false);
        crowd->count--;
    }
    for (int i = 0; i < m->node_count; i++) look(m, i);
}

static void keep_life(struct kith_measure *m, const struct kith_measure_node *n)
{
    if (!n->complete) return;
    if (m->former_life_count == m->former_life_room) {
        size_t room = m->former_life_room ? 2 * m->former_life_room : 16;
        struct kith_measure_life *all = realloc(m->former_lives, room * sizeof *all);
        if (!all) {
            m->no_memory = true;
            return;
        }
        m->former_lives = all;
        m->former_life_room = room;
    }
    m->former_lives[m->former_life_count++] = (struct kith_measure_life){n->crowd, n->completed};
}

static void tell_life(struct kith_measure *m, int crowd, uint64_t completed)
{
    uint64_t last = crowd_of(m, crowd)->last;
    if (completed < last) return; /* it ended before all had come */
    if (!kith_sample_add(&m->full_view, (double)(completed - last) / 1e9)) m->no_memory = true;
}

void kith_views_tell(struct kith_measure *m)
{
    for (size_t i = 0; i < m->former_life_count; i++)
        tell_life(m, m->former_lives[i].crowd, m->former_lives[i].completed);
    for (int i = 0; i < m->node_count; i++)
        if (m->nodes[i].runs && m->nodes[i].complete)
            tell_life(m, m->nodes[i].crowd, m->nodes[i].completed);
}

/* ------------------------------------------------------------------------------------- lives */

/* One more, or one less, to be known. */
static void changed(struct kith_measure *m, int node, int by)
{
    for (int i = 0; i < m->node_count; i++)
        if (kith_bits_get(&m->nodes[i].known, node)) m->nodes[i].have += by;
    m->running += by;
    if (!kith_bits_set(&m->runs, node, by > 0)) m->no_memory = true;
}

void kith_views_start(struct kith_measure *m, int node)
{
    struct kith_measure_node *n = &m->nodes[node];
    kith_totals_time(m);
    n->runs = true;
    n->paused = n->complete = false;
    n->have = 0;
    n->began = kith_cluster_now(m->cluster);
    kith_bits_clear(&n->known);
    m->lives++;
    changed(m, node, 1);
    enter(m, node);
}

void kith_views_join(struct kith_measure *m, int node) { enter(m, node); }

void kith_views_end(struct kith_measure *m, int node)
{
    kith_totals_time(m);
    keep_life(m, &m->nodes[node]);
    m->nodes[node].runs = false;
    changed(m, node, -1);
    leave(m, node);
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
