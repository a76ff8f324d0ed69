/*
 * cluster_acts.c - what a node of the cluster is asked to do: as a person at `kith` would, or a
 * program that has it embedded.
 */
#include "cluster_parts.h"
#include <stdlib.h>

static int refused(int rc, struct kith_error *err)
{
    return rc < 0 ? kith_fail(err, (enum kith_code)(-rc), "%s", kith_code_text(rc)) : rc;
}

/* NULL: it does not run, or is no member yet. */
static const struct kith_node *table_of(struct kith_cluster *c, int node,
                                        struct kith_cluster_node **n, struct kith_error *err)
{
    *n = kith_cluster_at(c, node, err);
    return *n ? kith_table((*n)->k) : NULL;
}

int kith_cluster_join(struct kith_cluster *c, int node, const char *seed, kith_done_fn *done,
                      void *arg, struct kith_error *err)
{
    struct kith_cluster_node *n = kith_cluster_at(c, node, err);
    if (!n) return -KITH_ECLOSED;
    int rc = kith_join(n->k, seed, done, arg);
    if (!rc) kith_cluster_did(c, KITH_CLUSTER_JOIN, n, seed);
    return refused(rc, err);
}

/* A leave under way; the node is not closed before it has ended. */
struct goodbye {
    struct kith_cluster_node *n;
    kith_done_fn *done;
    void *arg;
};

static void left(void *arg, int status, uint64_t value)
{
    struct goodbye *g = arg;
    if (g->n->k) { /* else it was killed */
        g->n->left = true;
        kith_stop(g->n->k);
    }
    if (g->done) g->done(g->arg, status, value);
    free(g);
}

int kith_cluster_leave(struct kith_cluster *c, int node, uint64_t timeout, kith_done_fn *done,
                       void *arg, struct kith_error *err)
{
    struct kith_cluster_node *n;
    const struct kith_node *table = table_of(c, node, &n, err);
    if (!table) return -KITH_ECLOSED;
    struct goodbye *g = malloc(sizeof *g);
    if (!g) return kith_fail(err, KITH_ENOMEM, "out of memory");
    *g = (struct goodbye){.n = n, .done = done, .arg = arg};
    int rc = table->leave(table, timeout, left, g);
    if (rc) {
        free(g);
        return refused(rc, err);
    }
    kith_cluster_did(c, KITH_CLUSTER_LEAVE, n, NULL);
    return 0;
}

int kith_cluster_meta(struct kith_cluster *c, int node, struct kith_bytes meta, kith_done_fn *done,
                      void *arg, struct kith_error *err)
{
    struct kith_cluster_node *n;
    char words[32];
    const struct kith_node *table = table_of(c, node, &n, err);
    if (!table) return -KITH_ECLOSED;
    int rc = table->set_meta(table, &meta, done, arg);
    snprintf(words, sizeof words, "%zu", meta.len);
    if (!rc) kith_cluster_did(c, KITH_CLUSTER_META, n, words);
    return refused(rc, err);
}

int kith_cluster_send(struct kith_cluster *c, int node, int to, struct kith_bytes bytes,
                      bool reliable, kith_done_fn *done, void *arg, struct kith_error *err)
{
    struct kith_cluster_node *n;
    char words[300];
    struct kith_peer peer = {.size = sizeof peer};
    struct kith_message m = {.size = sizeof m, .bytes = bytes};
    const struct kith_node *table = table_of(c, node, &n, err);
    if (!table) return -KITH_ECLOSED;
    if (to >= c->size) return kith_fail(err, KITH_ENOTFOUND, "there is no node %d", to);
    if (to >= 0) {
        peer.name = kith_text(c->nodes[to]->name);
        m.peer = &peer;
        m.flags = reliable ? KITH_RELIABLE : 0;
    }
    int rc = table->send(table, &m, done, arg);
    snprintf(words, sizeof words, "%.255s %zu%s", to >= 0 ? c->nodes[to]->name : "all", bytes.len,
             to >= 0 && reliable ? " reliable" : "");
    if (!rc) kith_cluster_did(c, KITH_CLUSTER_SEND, n, words);
    return refused(rc, err);
}
