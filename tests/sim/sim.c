/*
 * sim.c - nodes, knobs, commands and questions of sim.h.
 */
#include "engine.h"

/* ------------------------------------------------------------------------------------- nodes */

int sim_add(struct sim *s, const char *name)
{
    CU_ASSERT_FATAL(s->n < SIM_MAX);
    struct node *n = &s->nodes[s->n];
    *n = (struct node){.sim = s, .index = s->n};
    snprintf(n->name, sizeof n->name, "%s", name);
    snprintf(n->state, sizeof n->state, "state n%d", s->n);
    n->addr = (struct kith_addr){.port = 7946, .len = 4, .bytes = {10, 0, 0, (uint8_t)(s->n + 1)}};
    s->n++;
    sim_up(s, n);
    return n->index;
}

struct sim *sim_new_tuned(unsigned n, uint64_t seed, void (*tune)(struct kith_settings *))
{
    struct sim *s = calloc(1, sizeof *s);
    const char *env = getenv("KITH_SEED");
    s->seed = s->rng = env ? strtoull(env, NULL, 0) : seed;
    s->now = SIM_EPOCH;
    s->trace = 0xCBF29CE484222325ull;
    s->perfect = true;
    s->delay_min = s->delay_mean = MS;
    s->tune = tune;
    s->failures_before = CU_get_number_of_failures();
    for (unsigned i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%u", i);
        sim_add(s, name);
        sim_run(s, sim_random(s) % (20 * MS));
    }
    return s;
}

struct sim *sim_new(unsigned n, uint64_t seed) { return sim_new_tuned(n, seed, NULL); }

static void down(struct sim *s, struct node *n)
{
    kith_core_free(n->core);
    n->core = NULL;
    for (size_t i = 0; i < n->inbox_n; i++) free(n->inbox[i].data);
    n->inbox_n = 0;
    n->paused = false;
    memset(n->seen, 0, sizeof n->seen);
}

void sim_free(struct sim *s)
{
    for (int i = 0; i < s->requests_n; i++) {
        const struct request *q = &s->requests[i];
        const struct node *n = &s->nodes[q->node];
        if (!q->ended && n->core && !n->paused && n->life == q->life)
            sim_violation(s, "request %lld of %s never ended", (long long)q->number, n->name);
    }
    if (CU_get_number_of_failures() > s->failures_before)
        printf("\n    KITH_SEED=%llu repeats this\n", (unsigned long long)s->seed);
    for (int i = 0; i < s->n; i++) {
        if (s->nodes[i].core) down(s, &s->nodes[i]);
        free(s->nodes[i].inbox);
    }
    while (s->heap_n) free(s->heap[--s->heap_n].data);
    free(s->heap);
    free(s->conns);
    free(s->requests);
    free(s);
}

void sim_pause(struct sim *s, int node)
{
    s->perfect = false;
    s->nodes[node].paused = true;
}

void sim_resume(struct sim *s, int node)
{
    struct node *n = &s->nodes[node];
    n->paused = false;
    for (size_t i = 0; i < n->inbox_n; i++) {
        sim_deliver(s, n, &n->inbox[i]);
        free(n->inbox[i].data);
    }
    n->inbox_n = 0;
    sim_tick(s, n);
}

void sim_kill(struct sim *s, int node)
{
    struct node *n = &s->nodes[node];
    s->perfect = false;
    if (!n->core) return;
    down(s, n);
    for (int i = 0; i < s->conns_n; i++)
        for (int end = 0; end < 2; end++)
            if (s->conns[i].used && s->conns[i].end[end].node == node &&
                s->conns[i].end[end].handle)
                sim_forget_end(s, &s->conns[i], end, false);
}

void sim_restart(struct sim *s, int node)
{
    CU_ASSERT_PTR_NULL_FATAL(s->nodes[node].core);
    sim_up(s, &s->nodes[node]);
}

/* ------------------------------------------------------------------------------------- knobs */

#define EACH(var, which) \
    for (int var = (which) == SIM_ALL ? 0 : (which); \
         var < ((which) == SIM_ALL ? SIM_MAX : (which) + 1); var++)

void sim_delay(struct sim *s, uint64_t min, uint64_t mean)
{
    s->delay_min = min;
    s->delay_mean = mean;
}

void sim_loss(struct sim *s, int from, int to, double p)
{
    s->perfect = false;
    EACH(i, from) EACH(k, to) s->loss[i][k] = p;
}

void sim_duplicate(struct sim *s, double p) { s->duplicate = p; }

void sim_reorder(struct sim *s, double p, uint64_t late)
{
    s->reorder = p;
    s->reorder_late = late;
}

void sim_cut(struct sim *s, int from, int to)
{
    s->perfect = false;
    EACH(i, from) EACH(k, to) s->cut[i][k] = i != k;
}

void sim_heal(struct sim *s, int from, int to) { EACH(i, from) EACH(k, to) s->cut[i][k] = false; }

void sim_partition(struct sim *s, const int *side, unsigned n)
{
    bool here[SIM_MAX] = {false};
    for (unsigned i = 0; i < n; i++) here[side[i]] = true;
    s->perfect = false;
    EACH(i, SIM_ALL) EACH(k, SIM_ALL) if (here[i] != here[k]) s->cut[i][k] = true;
}

/* ---------------------------------------------------------------------------------- commands */

static int request(struct sim *s, int node, int64_t number)
{
    s->requests = realloc(s->requests, (size_t)(s->requests_n + 1) * sizeof *s->requests);
    struct request *q = &s->requests[s->requests_n];
    *q = (struct request){.node = node,
                          .life = s->nodes[node].life,
                          .number = number,
                          .ended = number < 0,
                          .status = number < 0 ? (int)number : 1};
    s->requests_n++;
    sim_settle(s, &s->nodes[node]);
    return s->requests_n - 1;
}

int sim_join(struct sim *s, int node, int seed_node)
{
    struct kith_peer seed = {.size = sizeof seed, .addr = &s->nodes[seed_node].addr};
    return request(s, node, kith_core_join(s->nodes[node].core, s->now, &seed));
}

int sim_leave(struct sim *s, int node, uint64_t timeout)
{
    return request(s, node, kith_core_leave(s->nodes[node].core, s->now, timeout));
}

int sim_broadcast(struct sim *s, int node, const char *text)
{
    struct kith_bytes no_key = {NULL, 0};
    return request(s, node,
                   kith_core_broadcast(s->nodes[node].core, s->now, kith_text(text), no_key, 0));
}

int sim_send(struct sim *s, int node, int to, const char *text, bool reliable)
{
    struct kith_peer whom = {.size = sizeof whom, .name = kith_text(s->nodes[to].name)};
    return request(s, node,
                   kith_core_send(s->nodes[node].core, s->now, &whom, kith_text(text), reliable));
}

void sim_set_meta(struct sim *s, int node, const char *meta)
{
    snprintf(s->nodes[node].meta, sizeof s->nodes[node].meta, "%s", meta);
    request(s, node, kith_core_update(s->nodes[node].core, s->now, 0));
}

void sim_join_all(struct sim *s)
{
    for (int i = 1; i < s->n; i++) {
        int q = sim_join(s, i, 0);
        for (uint64_t end = s->now + 20 * SEC; sim_status(s, q) == 1 && s->now < end;)
            sim_step(s, end);
        CU_ASSERT_EQUAL(sim_status(s, q), 0);
    }
}

int sim_status(const struct sim *s, int q)
{
    return s->requests[q].ended ? s->requests[q].status : 1;
}

/* ----------------------------------------------------------------------------------- looking */

uint64_t sim_now(const struct sim *s) { return s->now; }

void sim_run(struct sim *s, uint64_t duration)
{
    for (uint64_t until = s->now + duration; sim_step(s, until);) {}
}

bool sim_wait(struct sim *s, bool (*until)(struct sim *, const void *), const void *arg,
              uint64_t timeout)
{
    uint64_t end = s->now + timeout, look = s->now;
    do {
        if (s->now < look) continue;
        if (until(s, arg)) return true;
        look = s->now + 10 * MS;
    } while (sim_step(s, end));
    return until(s, arg);
}

int sim_state(const struct sim *s, int observer, int node)
{
    struct kith_member m = {.size = sizeof m};
    if (kith_core_find(s->nodes[observer].core, kith_text(s->nodes[node].name), &m)) return -1;
    return (int)m.state;
}

uint32_t sim_incarnation(const struct sim *s, int observer, int node)
{
    struct kith_member m = {.size = sizeof m};
    return kith_core_find(s->nodes[observer].core, kith_text(s->nodes[node].name), &m)
               ? 0
               : m.incarnation;
}

bool sim_meta_is(const struct sim *s, int observer, int node, const char *meta)
{
    struct kith_member m = {.size = sizeof m};
    return kith_core_find(s->nodes[observer].core, kith_text(s->nodes[node].name), &m) == 0 &&
           m.meta.len == strlen(meta) && memcmp(m.meta.data, meta, m.meta.len) == 0;
}

static bool awake(const struct sim *s, int i) { return s->nodes[i].core && !s->nodes[i].paused; }

static bool left(const struct sim *s, int i) { return sim_state(s, i, i) == KITH_LEFT; }

static bool mesh(struct sim *s, const void *arg)
{
    for (int i = 0; i < s->n; i++) {
        if (!awake(s, i) || left(s, i)) continue;
        size_t want = 0;
        for (int k = 0; k < s->n; k++) {
            bool in = s->nodes[k].core && !left(s, k);
            want += in;
            if (in && sim_state(s, i, k) != KITH_ALIVE) return false;
        }
        if (kith_core_alive(s->nodes[i].core) != want) return false;
    }
    return true;
}

bool sim_wait_mesh(struct sim *s, uint64_t timeout) { return sim_wait(s, mesh, NULL, timeout); }

struct state_wait {
    int observer, node, state;
};

static bool has_state(struct sim *s, const void *arg)
{
    const struct state_wait *w = arg;
    if (w->observer != SIM_ALL) return sim_state(s, w->observer, w->node) == w->state;
    for (int i = 0; i < s->n; i++)
        if (i != w->node && awake(s, i) && sim_state(s, i, w->node) != w->state) return false;
    return true;
}

bool sim_wait_state(struct sim *s, int observer, int node, int state, uint64_t timeout)
{
    return sim_wait(s, has_state, &(struct state_wait){observer, node, state}, timeout);
}

unsigned sim_health(const struct sim *s, int node) { return kith_core_health(s->nodes[node].core); }
const struct sim_counts *sim_counts(const struct sim *s, int node)
{
    return &s->nodes[node].counts;
}
uint64_t sim_trace(const struct sim *s) { return s->trace; }
uint64_t sim_events(const struct sim *s) { return s->events; }
unsigned sim_violations(const struct sim *s) { return s->violations; }
