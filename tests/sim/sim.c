/*
 * sim.c - nodes, knobs, commands and questions of sim.h.
 */
#include "engine.h"

/* ------------------------------------------------------------------------------------- nodes */

int sim_add(struct sim *s, const char *name)
{
    char endpoint[16];
    struct node *n = calloc(1, sizeof *n);
    sim_grow(s);
    *n = (struct node){.sim = s, .index = s->n, .addr = sim_addr(s->n)};
    n->seen = calloc((size_t)s->room, sizeof *n->seen);
    snprintf(n->name, sizeof n->name, "%s", name);
    snprintf(n->state, sizeof n->state, "state n%d", s->n);
    snprintf(endpoint, sizeof endpoint, "n%d", s->n); /* names may be there twice */
    CU_ASSERT_EQUAL_FATAL(kith_network_add(s->network, kith_text(endpoint)), s->n);
    s->nodes[s->n++] = n;
    sim_name_add(s, n);
    sim_up(s, n);
    return n->index;
}

static void run(struct sim *s, uint64_t duration)
{
    for (uint64_t until = s->now + duration; sim_step(s, until);) {}
}

struct sim *sim_new_tuned(unsigned n, uint64_t seed, void (*tune)(struct kith_settings *))
{
    struct sim *s = calloc(1, sizeof *s);
    const char *env = getenv("KITH_SEED");
    s->seed = s->rng = env ? strtoull(env, NULL, 0) : seed;
    s->now = SIM_EPOCH;
    s->trace = 0xCBF29CE484222325ull;
    s->perfect = true;
    s->tune = tune;
    s->failures_before = CU_get_number_of_failures();
    s->network = kith_network_new(s->seed);
    sim_delay(s, MS, MS);
    for (unsigned i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%u", i);
        sim_add(s, name);
        run(s, sim_random(s) % (20 * MS));
    }
    return s;
}

struct sim *sim_new(unsigned n, uint64_t seed) { return sim_new_tuned(n, seed, NULL); }

static void check_requests(struct sim *s)
{
    for (int i = 0; i < s->requests_n; i++) {
        const struct request *q = &s->requests[i];
        const struct node *n = s->nodes[q->node];
        if (!q->ended && n->core && !n->paused && n->life == q->life)
            sim_violation(s, "request %lld of %s never ended", (long long)q->number, n->name);
    }
}

void sim_free(struct sim *s)
{
    check_requests(s);
    sim_check_all(s);
    if (CU_get_number_of_failures() > s->failures_before)
        printf("\n    KITH_SEED=%llu repeats this\n", (unsigned long long)s->seed);
    for (int i = 0; i < s->n; i++) {
        if (!s->nodes[i]->core) continue;
        sim_reset_all(s, s->nodes[i]);
        sim_down(s, s->nodes[i]);
    }
    while (s->heap_n) sim_event_free(s->heap[--s->heap_n].event);
    for (int i = 0; i < s->n; i++) {
        free(s->nodes[i]->seen);
        free(s->nodes[i]);
    }
    kith_network_free(s->network);
    free(s->nodes);
    free(s->names);
    free(s->touched);
    free(s->told);
    free(s->looked);
    free(s->heap);
    free(s->requests);
    free(s);
}

void sim_pause(struct sim *s, int node)
{
    s->perfect = false;
    s->nodes[node]->paused = true;
}

void sim_resume(struct sim *s, int node)
{
    struct node *n = s->nodes[node];
    n->paused = false;
    while (n->inbox.count) {
        struct event *e = sim_list_take(&n->inbox);
        sim_deliver(s, n, e);
        sim_event_free(e);
    }
    sim_tick(s, n);
}

void sim_kill(struct sim *s, int node)
{
    struct node *n = s->nodes[node];
    s->perfect = false;
    if (!n->core) return;
    sim_down(s, n);
    sim_reset_all(s, n);
}

void sim_restart(struct sim *s, int node)
{
    CU_ASSERT_PTR_NULL_FATAL(s->nodes[node]->core);
    sim_up(s, s->nodes[node]);
}

/* ------------------------------------------------------------------------------------- knobs */

static void set_default(struct sim *s, uint32_t fields, struct kith_network_link link)
{
    CU_ASSERT_EQUAL_FATAL(kith_network_set_default(s->network, fields, &link, NULL), 0);
}

static void rule(struct sim *s, enum kith_network_shape shape, const char *from, const char *to,
                 uint32_t fields, struct kith_network_link link)
{
    struct kith_bytes sets[2] = {kith_text(from), kith_text(to ? to : "")};
    int rc = kith_network_rule_add(s->network, shape, sets, to ? 2 : 1, fields, &link, NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(rc, 0);
}

static void one_way(struct sim *s, int from, int to, uint32_t fields, struct kith_network_link link)
{
    char a[16], b[16];
    snprintf(a, sizeof a, from == SIM_ALL ? "all" : "n%d", from);
    snprintf(b, sizeof b, to == SIM_ALL ? "all" : "n%d", to);
    rule(s, KITH_NETWORK_ONE_WAY, a, b, fields, link);
}

void sim_delay(struct sim *s, uint64_t min, uint64_t mean)
{
    set_default(s, KITH_NETWORK_DELAY | KITH_NETWORK_JITTER,
                (struct kith_network_link){.delay = min, .jitter = mean});
}

void sim_loss(struct sim *s, int from, int to, double p)
{
    s->perfect = false;
    one_way(s, from, to, KITH_NETWORK_LOSS, (struct kith_network_link){.loss = p});
}

void sim_duplicate(struct sim *s, double p)
{
    set_default(s, KITH_NETWORK_DUPLICATE, (struct kith_network_link){.duplicate = p});
}

void sim_reorder(struct sim *s, double p, uint64_t late)
{
    set_default(s, KITH_NETWORK_REORDER | KITH_NETWORK_REORDER_LATE,
                (struct kith_network_link){.reorder = p, .reorder_late = late});
}

void sim_cut(struct sim *s, int from, int to)
{
    s->perfect = false;
    one_way(s, from, to, KITH_NETWORK_CUT, (struct kith_network_link){.cut = true});
}

void sim_heal(struct sim *s, int from, int to)
{
    if (from == SIM_ALL && to == SIM_ALL)
        kith_network_heal(s->network);
    else
        one_way(s, from, to, KITH_NETWORK_CUT, (struct kith_network_link){.cut = false});
}

void sim_partition(struct sim *s, const int *side, unsigned n)
{
    char *set = calloc(n, 16);
    size_t len = 0;
    s->perfect = false;
    for (unsigned i = 0; i < n; i++)
        len += (size_t)sprintf(set + len, "%sn%d", i ? "," : "", side[i]);
    rule(s, KITH_NETWORK_APART, set, NULL, KITH_NETWORK_CUT,
         (struct kith_network_link){.cut = true});
    free(set);
}

/* ---------------------------------------------------------------------------------- commands */

static int request(struct sim *s, int node, int64_t number)
{
    s->requests = realloc(s->requests, (size_t)(s->requests_n + 1) * sizeof *s->requests);
    struct request *q = &s->requests[s->requests_n];
    *q = (struct request){.node = node,
                          .life = s->nodes[node]->life,
                          .number = number,
                          .ended = number < 0,
                          .status = number < 0 ? (int)number : 1};
    s->requests_n++;
    sim_settle(s, s->nodes[node]);
    return s->requests_n - 1;
}

int sim_join(struct sim *s, int node, int seed_node)
{
    struct kith_peer seed = {.size = sizeof seed, .addr = &s->nodes[seed_node]->addr};
    return request(s, node, kith_core_join(s->nodes[node]->core, s->now, &seed));
}

int sim_leave(struct sim *s, int node, uint64_t timeout)
{
    return request(s, node, kith_core_leave(s->nodes[node]->core, s->now, timeout));
}

int sim_broadcast(struct sim *s, int node, const char *text)
{
    struct kith_bytes no_key = {NULL, 0};
    return request(s, node,
                   kith_core_broadcast(s->nodes[node]->core, s->now, kith_text(text), no_key, 0));
}

int sim_relay(struct sim *s, int node, const char *text)
{
    struct kith_core *core = s->nodes[node]->core;
    int rc = kith_core_relay(core, s->now, kith_text("sim"), kith_text(text));
    sim_settle(s, s->nodes[node]);
    return rc;
}

void sim_hear(struct sim *s, void (*heard)(void *arg, int node, const struct kith_message *),
              void *arg)
{
    s->heard = heard;
    s->heard_arg = arg;
}

int sim_send(struct sim *s, int node, int to, const char *text, bool reliable)
{
    struct kith_peer whom = {.size = sizeof whom, .name = kith_text(s->nodes[to]->name)};
    return request(s, node,
                   kith_core_send(s->nodes[node]->core, s->now, &whom, kith_text(text), reliable));
}

void sim_set_meta(struct sim *s, int node, const char *meta)
{
    snprintf(s->nodes[node]->meta, sizeof s->nodes[node]->meta, "%s", meta);
    request(s, node, kith_core_update(s->nodes[node]->core, s->now, 0));
}

static int answered(struct sim *s, int q)
{
    for (uint64_t end = s->now + 20 * SEC; sim_status(s, q) == 1 && s->now < end;) sim_step(s, end);
    return sim_status(s, q);
}

/* Over links that lose a lot TCP may need longer than a join has: then again, as a node does. */
void sim_join_all(struct sim *s)
{
    for (int i = 1; i < s->n; i++) {
        int status = answered(s, sim_join(s, i, 0));
        for (int again = 0; status && !s->perfect && again < 2; again++)
            status = answered(s, sim_join(s, i, 0));
        CU_ASSERT_EQUAL(status, 0);
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
    run(s, duration);
    sim_check_all(s);
}

bool sim_wait(struct sim *s, bool (*until)(struct sim *, const void *), const void *arg,
              uint64_t timeout)
{
    uint64_t end = s->now + timeout, look = s->now;
    bool is_so = false;
    do {
        if (s->now < look) continue;
        is_so = until(s, arg);
        look = s->now + 10 * MS;
    } while (!is_so && sim_step(s, end));
    sim_check_all(s);
    return is_so || until(s, arg);
}

int sim_state(const struct sim *s, int observer, int node)
{
    struct kith_member m = {.size = sizeof m};
    if (kith_core_find(s->nodes[observer]->core, kith_text(s->nodes[node]->name), &m)) return -1;
    return (int)m.state;
}

uint32_t sim_incarnation(const struct sim *s, int observer, int node)
{
    struct kith_member m = {.size = sizeof m};
    return kith_core_find(s->nodes[observer]->core, kith_text(s->nodes[node]->name), &m)
               ? 0
               : m.incarnation;
}

bool sim_meta_is(const struct sim *s, int observer, int node, const char *meta)
{
    struct kith_member m = {.size = sizeof m};
    return kith_core_find(s->nodes[observer]->core, kith_text(s->nodes[node]->name), &m) == 0 &&
           m.meta.len == strlen(meta) && memcmp(m.meta.data, meta, m.meta.len) == 0;
}

static bool awake(const struct sim *s, int i) { return s->nodes[i]->core && !s->nodes[i]->paused; }

static bool left(const struct sim *s, int i)
{
    struct kith_member self = {.size = sizeof self};
    kith_core_self(s->nodes[i]->core, &self);
    return self.state == KITH_LEFT;
}

/* The cheap question first: it is asked often until it holds. */
static bool counts_agree(struct sim *s, const bool *in, size_t want)
{
    for (int i = 0; i < s->n; i++)
        if (in[i] && awake(s, i) && kith_core_alive(s->nodes[i]->core) != want) return false;
    return true;
}

static bool all_see_all(struct sim *s, const bool *in)
{
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < s->n && in[i] && awake(s, i); k++)
            if (in[k] && sim_state(s, i, k) != KITH_ALIVE) return false;
    return true;
}

static bool mesh(struct sim *s, const void *arg)
{
    bool *in = calloc((size_t)s->n + 1, sizeof *in);
    size_t want = 0;
    for (int k = 0; k < s->n; k++) want += in[k] = s->nodes[k]->core && !left(s, k);
    bool whole = counts_agree(s, in, want) && all_see_all(s, in);
    free(in);
    return whole;
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

unsigned sim_health(const struct sim *s, int node)
{
    return kith_core_health(s->nodes[node]->core);
}
const struct sim_counts *sim_counts(const struct sim *s, int node)
{
    return &s->nodes[node]->counts;
}
uint64_t sim_trace(const struct sim *s) { return s->trace; }
uint64_t sim_events(const struct sim *s) { return s->events; }
unsigned sim_violations(const struct sim *s) { return s->violations; }
