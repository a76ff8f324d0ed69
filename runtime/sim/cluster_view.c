/*
 * cluster_view.c - what the nodes of a cluster see of each other, as their node tables say.
 */
#include "cluster_parts.h"

int kith_cluster_state(const struct kith_cluster *c, int node, int other)
{
    struct kith_cluster_node *n = kith_cluster_at(c, node, NULL);
    struct kith_member m = {.size = sizeof m};
    if (!n || other < 0 || other >= c->size || !kith_node_ready(n->k)) return -1;
    const struct kith_node *table = kith_table(n->k);
    return table->member(table, kith_text(c->nodes[other]->name), &m) ? -1 : (int)m.state;
}

struct look {
    const struct kith_cluster *cluster;
    int seen;   /* that run, as alive */
    bool wrong; /* one that does not run, or is suspected */
};

static bool look_at(void *arg, const struct kith_member *m)
{
    struct look *look = arg;
    if (m->state == KITH_DEAD || m->state == KITH_LEFT) return true;
    int i = kith_cluster_find(look->cluster, m->name);
    look->wrong = m->state != KITH_ALIVE || i < 0 || !look->cluster->nodes[i]->k;
    look->seen++;
    return !look->wrong;
}

static bool sees_all(const struct kith_cluster *c, const struct kith_cluster_node *n)
{
    struct look look = {.cluster = c};
    const struct kith_node *table = kith_table(n->k);
    uint64_t cursor = 0;
    if (!kith_node_ready(n->k)) return false;
    table->members(table, &cursor, SIZE_MAX, look_at, &look);
    return !look.wrong && look.seen == c->running;
}

bool kith_cluster_agrees(const struct kith_cluster *c)
{
    for (int i = 0; i < c->size; i++) {
        const struct kith_cluster_node *n = c->nodes[i];
        if (n->k && !n->paused && !sees_all(c, n)) return false;
    }
    return true;
}
