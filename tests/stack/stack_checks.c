/*
 * stack_checks.c - what must hold in every cluster at any time, looked at after each turn in what
 * changed in it; and the delegate that each node has.
 *
 *   nobody is known whom the simulation does not have, and nobody twice
 *   what was told is what the list shows
 *   an incarnation only rises, until the name was forgotten
 *   nobody is suspected while nothing was ever done to links and nodes
 *   what a message says it comes from is there
 *   time goes on
 */
#include "stack.h"

void sim_violation(struct sim *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (s->violations++ < 5) {
        printf("\n    seed %llu, at %.6f s: ", (unsigned long long)s->seed,
               (double)(sim_now(s) - SIM_EPOCH) / 1e9);
        vprintf(fmt, ap);
        CU_FAIL("what must always hold does not");
    }
    va_end(ap);
}

/* Names that are sooner forgotten: those of the dead, when they were so for this long. */
static uint64_t remembered(const struct sim *s)
{
    return s->config.settings.gossip_to_the_dead_time;
}

static int number_of(struct stack_node *n, struct kith_bytes name)
{
    int k = kith_cluster_find(n->sim->cluster, name);
    if (k < 0)
        sim_violation(n->sim, "%s knows %.*s, whom nobody made", n->name, (int)name.len,
                      (const char *)name.data);
    return k;
}

/* ------------------------------------------------------------------------------ what was told */

static void touch(struct stack_node *n, int k)
{
    if (n->touched[k]) return;
    n->touched[k] = true;
    n->touched_names[n->touched_count++] = k;
}

static void rises(struct stack_node *n, int k, const struct kith_member *m)
{
    struct stack_known *known = &n->known[k];
    bool forgotten = known->gone && sim_now(n->sim) - known->gone >= remembered(n->sim);
    if (m->incarnation < known->incarnation && !forgotten)
        sim_violation(n->sim, "%s saw %s fall from %u to %u", n->name, n->sim->nodes[k]->name,
                      known->incarnation, m->incarnation);
    known->incarnation = m->incarnation;
    touch(n, k);
}

static void on_join(struct stack_node *n, const struct kith_member *m)
{
    int k = number_of(n, m->name);
    n->counts.joins++;
    if (k < 0) return;
    if (n->known[k].joined)
        sim_violation(n->sim, "%s was told twice that %s joined", n->name, n->sim->nodes[k]->name);
    rises(n, k, m);
    n->known[k].joined = true;
    n->known[k].gone = 0;
}

static void on_leave(struct stack_node *n, const struct kith_member *m)
{
    int k = number_of(n, m->name);
    n->counts.leaves++;
    if (n->sim->perfect && m->state == KITH_DEAD)
        sim_violation(n->sim, "%s took %s for dead for no reason", n->name,
                      (const char *)m->name.data);
    if (k < 0) return;
    if (!n->known[k].joined)
        sim_violation(n->sim, "%s was told that %s left, who was not there", n->name,
                      n->sim->nodes[k]->name);
    rises(n, k, m);
    n->known[k].joined = false;
    n->known[k].gone = sim_now(n->sim);
}

static void on_change(struct stack_node *n, const struct kith_member *m)
{
    int k = number_of(n, m->name);
    if (k >= 0) rises(n, k, m);
}

static void on_suspect(struct stack_node *n, const struct kith_member *m)
{
    on_change(n, m);
    if (m->state != KITH_SUSPECT) return;
    n->counts.suspicions++;
    if (kith_bytes_equal(m->accuser, kith_text(n->name))) n->counts.accusations++;
    if (n->sim->perfect)
        sim_violation(n->sim, "%s suspects %s for no reason", n->name, (const char *)m->name.data);
}

static void d_event(void *self, const struct kith_event *e)
{
    struct stack_node *n = self;
    switch (e->kind) {
    case KITH_EVENT_JOIN: on_join(n, e->member); break;
    case KITH_EVENT_LEAVE: on_leave(n, e->member); break;
    case KITH_EVENT_SUSPECT: on_suspect(n, e->member); break;
    case KITH_EVENT_UPDATE:
        n->counts.updates++;
        on_change(n, e->member);
        break;
    case KITH_EVENT_CONFLICT: n->counts.conflicts++; break;
    default: break;
    }
}

/* -------------------------------------------------------------------------- the rest of it */

static void check_peer(struct stack_node *n, const struct kith_message *m)
{
    const struct kith_addr *a = m->peer->addr; /* numbered, and not ended by a NUL */
    char addr[KITH_ADDR_MAX + 1] = "", want[KITH_ADDR_MAX + 1] = "";
    memcpy(addr, a->bytes, a->len);
    int k = addr[0] == 'n' ? atoi(addr + 1) : -1;
    snprintf(want, sizeof want, "n%d", k);
    if (k < 0 || k >= kith_cluster_size(n->sim->cluster) || strcmp(addr, want) != 0)
        sim_violation(n->sim, "%s was handed something by nobody", n->name);
}

static void d_message(void *self, const struct kith_message *m)
{
    struct stack_node *n = self;
    check_peer(n, m);
    n->counts.messages++;
}

static void d_local_state(void *self, bool join, const struct kith_sink *sink)
{
    struct stack_node *n = self;
    sink->write(sink, kith_text(n->state));
}

static void d_remote_state(void *self, const struct kith_message *m)
{
    struct stack_node *n = self;
    check_peer(n, m);
    n->counts.states++;
    if (m->bytes.len < 7 || memcmp(m->bytes.data, "state n", 7))
        sim_violation(n->sim, "%s got a broken user state", n->name);
}

static int d_node_meta(void *self, uint8_t *out, size_t cap)
{
    const struct stack_node *n = self;
    memcpy(out, n->meta, strlen(n->meta));
    return (int)strlen(n->meta);
}

static const struct kith_delegate_ops delegate = {
    .size = sizeof delegate,
    .event = d_event,
    .message = d_message,
    .remote_state = d_remote_state,
    .node_meta = d_node_meta,
    .local_state = d_local_state,
};

/* ------------------------------------------------------------------------------ what is shown */

static void check_touched(struct stack_node *n, int k)
{
    const struct stack_known *known = &n->known[k];
    struct kith_member m = {.size = sizeof m};
    const struct kith_node *table = kith_table(kith_cluster_node(n->sim->cluster, n->number));
    const char *name = n->sim->nodes[k]->name;
    if (table->member(table, kith_text(name), &m)) {
        sim_violation(n->sim, "%s was told of %s and does not show it", n->name, name);
        return;
    }
    bool there = m.state == KITH_ALIVE || m.state == KITH_SUSPECT;
    if (there != known->joined)
        sim_violation(n->sim, "%s shows %s in state %u, and told otherwise", n->name, name,
                      m.state);
    if (m.incarnation < known->incarnation)
        sim_violation(n->sim, "%s shows %s at %u, and told %u", n->name, name, m.incarnation,
                      known->incarnation);
}

static void turn_ended(void *self)
{
    struct stack_node *n = self;
    n->sim->turns++;
    for (int i = 0; i < n->touched_count; i++) {
        check_touched(n, n->touched_names[i]);
        n->touched[n->touched_names[i]] = false;
    }
    n->touched_count = 0;
}

int stack_look_on(struct stack_node *n, struct kith *k, struct kith_error *err)
{
    n->observer = (struct kith_observer){.self = n, .turn_ended = turn_ended};
    memset(n->touched, 0, sizeof n->touched);
    n->touched_count = 0;
    kith_observer_add(k, &n->observer);
    int rc = kith_delegates_listen(kith_node_delegates(k), &delegate, n);
    return rc ? kith_fail(err, KITH_EEXIST, "the test's delegate can't take part") : 0;
}

struct look {
    struct stack_node *node;
    bool seen[SIM_MAX];
};

static bool look_at(void *arg, const struct kith_member *m)
{
    struct look *look = arg;
    int k = number_of(look->node, m->name);
    if (k < 0) return true;
    if (look->seen[k])
        sim_violation(look->node->sim, "%s shows %s twice", look->node->name,
                      (const char *)m->name.data);
    look->seen[k] = true;
    return true;
}

/* In pieces, as the control socket does. */
void stack_check_list(struct sim *s, int node)
{
    struct look look = {.node = s->nodes[node]};
    uint64_t cursor = 0;
    if (!kith_cluster_node(s->cluster, node)) return;
    const struct kith_node *table = kith_table(kith_cluster_node(s->cluster, node));
    while (cursor != UINT64_MAX) table->members(table, &cursor, 7, look_at, &look);
    for (int k = 0; k < kith_cluster_size(s->cluster); k++)
        if (s->nodes[node]->known[k].joined && !look.seen[k])
            sim_violation(s, "%s was told of %s and does not show it", s->nodes[node]->name,
                          s->nodes[k]->name);
}

void stack_check_turn(struct sim *s)
{
    uint64_t now = sim_now(s);
    if (now != s->stood_since) {
        s->stood_since = now;
        s->stood_turns = 0;
    } else if (++s->stood_turns == 100000) {
        sim_violation(s, "time stands still");
        exit(1);
    }
}
