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
    int seen;   /* that run and are not paused, as alive */
    bool wrong; /* one that does not run, or is suspected */
};

/* Of one that is paused nobody can say which view is right: it may go on, or never. */
static bool look_at(void *arg, const struct kith_member *m)
{
    struct look *look = arg;
    if (m->state == KITH_DEAD || m->state == KITH_LEFT) return true;
    int i = kith_cluster_find(look->cluster, m->name);
    const struct kith_cluster_node *n = i < 0 ? NULL : look->cluster->nodes[i];
    if (n && n->k && n->paused) return true;
    if (m->state == KITH_ALIVE && n && n->k)
        look->seen++;
    else
        look->wrong = true;
    return true;
}

static struct look look_from(const struct kith_cluster *c, const struct kith_cluster_node *n)
{
    struct look look = {.cluster = c};
    const struct kith_node *table = kith_table(n->k);
    uint64_t cursor = 0;
    if (kith_node_ready(n->k)) table->members(table, &cursor, SIZE_MAX, look_at, &look);
    return look;
}

static bool is_asked(const struct kith_cluster_node *n) { return n->k && !n->paused; }

static int asked(const struct kith_cluster *c)
{
    int count = 0;
    for (int i = 0; i < c->size; i++) count += is_asked(c->nodes[i]);
    return count;
}

struct kith_views kith_cluster_views(const struct kith_cluster *c)
{
    int running = asked(c);
    struct kith_views v = {.running = (size_t)running, .least = (size_t)running};
    for (int i = 0; i < c->size; i++) {
        if (!is_asked(c->nodes[i])) continue;
        struct look look = look_from(c, c->nodes[i]);
        size_t seen = (size_t)look.seen;
        if (!look.wrong && look.seen == running) v.right++;
        if (seen < v.least) v.least = seen;
        if (seen > v.most) v.most = seen;
    }
    return v;
}

bool kith_cluster_agrees(const struct kith_cluster *c)
{
    int running = asked(c);
    for (int i = 0; i < c->size; i++) {
        if (!is_asked(c->nodes[i])) continue;
        struct look look = look_from(c, c->nodes[i]);
        if (look.wrong || look.seen != running) return false;
    }
    return true;
}
