/*
 * stack.c - sim.h over a cluster of whole nodes.
 */
#include "stack.h"

#include <inttypes.h>

static const char *const pipelines[] = {
    "pipeline: { send: [ { use: lzw }, { use: crc32 } ] }\n",
    "secret_key: AAECAwQFBgcICQoLDA0ODw==\n", /* lzw, aes_gcm */
    "pipeline: { send: [ ] }\n",
};
enum { PIPELINES = sizeof pipelines / sizeof *pipelines };

static struct kith_error err = {.size = sizeof err};

static void must(int rc)
{
    if (rc < 0) printf("\n    %s\n", err.text);
    CU_ASSERT_FATAL(rc >= 0);
}

/* ------------------------------------------------------------------------------------ config */

static void read_config(struct sim *s, void (*tune)(struct kith_settings *))
{
    char text[512];
    struct kith_registry *registry = kith_world_registry(s->world);
    struct kith_config_finder finder = kith_registry_finder(registry);
    struct kith_diag *diag = kith_diag_new();
    snprintf(text, sizeof text,
             "node: { name: nobody }\n"
             "transport: { use: loopback, delay: 1ms, jitter: 1ms, refuses: false }\n%s",
             pipelines[s->seed % PIPELINES]);
    s->file = kith_config_parse("stack", text, strlen(text), &finder, diag);
    kith_diag_print(diag, stdout);
    kith_diag_free(diag);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->file);
    must(kith_cluster_config(&s->config, s->file, registry, NULL, NULL, &err));
    if (tune) tune(&s->config.settings);
}

/* One more of a name that is taken has an address of its own. */
static const struct kith_config *config_of_twin(struct sim *s, int number)
{
    char address[32];
    struct kith_setting_text settings[] = {
        {"address", address}, {"delay", "1ms"}, {"jitter", "1ms"}};
    CU_ASSERT_PTR_NULL_FATAL(s->twin_transport.plugin); /* one is enough */
    snprintf(address, sizeof address, "n%d", number);
    must(kith_entry_init(&s->twin_transport, s->config.transport.plugin, KITH_PROFILE_LAN, settings,
                         3, &err));
    s->twins = s->config;
    s->twins.texts = NULL;
    s->twins.transport = s->twin_transport;
    return &s->twins;
}

/* ------------------------------------------------------------------------------------- nodes */

static ssize_t hash_trace(void *cookie, const char *text, size_t len)
{
    struct sim *s = cookie;
    for (size_t i = 0; i < len; i++)
        s->trace_hash = (s->trace_hash ^ (uint8_t)text[i]) * 0x100000001B3ull;
    return (ssize_t)len;
}

static int opened(void *ctx, int node, struct kith *k, struct kith_error *why)
{
    struct sim *s = ctx;
    return stack_look_on(s->nodes[node], k, why);
}

static void write_log(void *ctx, int node, enum kith_log_level level, const char *line)
{
    const struct sim *s = ctx;
    if (getenv("KITH_LOG"))
        printf("    %10.6f %s\n", (double)kith_cluster_now(s->cluster) / 1e9, line);
}

static uint64_t draw(struct sim *s)
{
    uint64_t z = s->chance += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

static int up(struct sim *s, int node)
{
    struct stack_node *n = s->nodes[node];
    n->life++;
    n->looked_on = false;
    memset(n->known, 0, sizeof n->known);
    must(kith_cluster_start(s->cluster, node, &err));
    return node;
}

int sim_add(struct sim *s, const char *name)
{
    bool twin = kith_cluster_find(s->cluster, kith_text(name)) >= 0;
    int number = kith_cluster_size(s->cluster);
    CU_ASSERT_FATAL(number < SIM_MAX);
    struct stack_node *n = calloc(1, sizeof *n);
    n->sim = s;
    n->number = number;
    snprintf(n->name, sizeof n->name, "%s", name);
    snprintf(n->state, sizeof n->state, "state n%d", number);
    s->nodes[number] = n;
    must(kith_cluster_add(s->cluster, name, twin ? config_of_twin(s, number) : NULL, &err));
    return up(s, number);
}

struct sim *sim_new_tuned(unsigned n, uint64_t seed, void (*tune)(struct kith_settings *))
{
    static const cookie_io_functions_t sink = {.write = hash_trace};
    struct sim *s = calloc(1, sizeof *s);
    const char *env = getenv("KITH_SEED");
    s->seed = s->chance = env ? strtoull(env, NULL, 0) : seed;
    s->perfect = true;
    s->trace_hash = 0xCBF29CE484222325ull;
    s->failures_before = CU_get_number_of_failures();
    s->trace = fopencookie(s, "w", sink);
    s->world = kith_world_new_virtual(NULL, s->seed);
    read_config(s, tune);
    struct kith_cluster_setup setup = {.world = s->world,
                                       .config = &s->config,
                                       .trace = s->trace,
                                       .ctx = s,
                                       .opened = opened,
                                       .log = getenv("KITH_LOG") ? write_log : NULL};
    must(kith_cluster_new(&s->cluster, &setup, &err));
    for (unsigned i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%u", i);
        sim_add(s, name);
        sim_run(s, draw(s) % (20 * MS));
    }
    return s;
}

struct sim *sim_new(unsigned n, uint64_t seed) { return sim_new_tuned(n, seed, NULL); }

static bool is_up(const struct sim *s, int node)
{
    return kith_cluster_node(s->cluster, node) != NULL;
}

static void check_requests(struct sim *s)
{
    for (int i = 0; i < s->request_count; i++) {
        const struct stack_request *q = s->requests[i];
        bool could = (is_up(s, q->node) && !kith_cluster_is_paused(s->cluster, q->node) &&
                      s->nodes[q->node]->life == q->life);
        if (!q->ended && could)
            sim_violation(s, "request %d, of %s, never ended", i, s->nodes[q->node]->name);
    }
}

void sim_free(struct sim *s)
{
    check_requests(s);
    for (int i = 0; i < kith_cluster_size(s->cluster); i++) stack_check_list(s, i);
    int size = kith_cluster_size(s->cluster);
    kith_cluster_free(s->cluster);
    for (int i = 0; i < s->request_count; i++)
        if (!s->requests[i]->ended) sim_violation(s, "request %d outlives its node", i);
    if (CU_get_number_of_failures() > s->failures_before)
        printf("\n    KITH_SEED=%" PRIu64 " repeats this\n", s->seed);
    kith_cluster_config_fini(&s->config);
    kith_entry_fini(&s->twin_transport);
    kith_config_free(s->file);
    kith_world_unref(s->world);
    fclose(s->trace);
    for (int i = 0; i < size; i++) free(s->nodes[i]);
    for (int i = 0; i < s->request_count; i++) free(s->requests[i]);
    free(s->requests);
    free(s);
}

void sim_pause(struct sim *s, int node)
{
    s->perfect = false;
    must(kith_cluster_pause(s->cluster, node, true, &err));
}

void sim_resume(struct sim *s, int node)
{
    must(kith_cluster_pause(s->cluster, node, false, &err));
}

void sim_kill(struct sim *s, int node)
{
    s->perfect = false;
    if (is_up(s, node)) must(kith_cluster_kill(s->cluster, node, &err));
}

void sim_restart(struct sim *s, int node)
{
    CU_ASSERT_FALSE_FATAL(is_up(s, node));
    up(s, node);
}

/* ------------------------------------------------------------------------------------- knobs */

static void network(struct sim *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void network(struct sim *s, const char *fmt, ...)
{
    char words[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    must(kith_cluster_network(s->cluster, words, NULL, NULL, &err));
}

/* Addresses are numbered, whatever the names. */
static const char *set_of(int node, char out[16])
{
    snprintf(out, 16, node == SIM_ALL ? "all" : "n%d", node);
    return out;
}

static void set(struct sim *s, int from, int to, const char *name, double value, const char *unit)
{
    char a[16], b[16];
    network(s, "set %s %s %s=%.6f%s", set_of(from, a), set_of(to, b), name, value, unit);
}

void sim_delay(struct sim *s, uint64_t min, uint64_t mean)
{
    set(s, SIM_ALL, SIM_ALL, "delay", (double)min / 1e6, "ms");
    set(s, SIM_ALL, SIM_ALL, "jitter", (double)mean / 1e6, "ms");
}

void sim_loss(struct sim *s, int from, int to, double p)
{
    s->perfect = false;
    set(s, from, to, "loss", p, "");
}

void sim_duplicate(struct sim *s, double p) { set(s, SIM_ALL, SIM_ALL, "duplicate", p, ""); }

void sim_reorder(struct sim *s, double p, uint64_t late)
{
    set(s, SIM_ALL, SIM_ALL, "reorder", p, "");
    set(s, SIM_ALL, SIM_ALL, "reorder_late", (double)late / 1e6, "ms");
}

void sim_cut(struct sim *s, int from, int to)
{
    char a[16], b[16];
    s->perfect = false;
    network(s, "cut %s %s", set_of(from, a), set_of(to, b));
}

void sim_heal(struct sim *s, int from, int to)
{
    char a[16], b[16];
    if (from == SIM_ALL && to == SIM_ALL)
        network(s, "heal");
    else
        network(s, "set %s %s cut=false", set_of(from, a), set_of(to, b));
}

void sim_partition(struct sim *s, const int *side, unsigned n)
{
    char words[512] = "partition ";
    s->perfect = false;
    for (unsigned i = 0; i < n; i++) {
        size_t have = strlen(words);
        snprintf(words + have, sizeof words - have, "%sn%d", i ? "," : "", side[i]);
    }
    network(s, "%s", words);
}

/* ---------------------------------------------------------------------------------- commands */

static struct stack_request *request(struct sim *s, int node)
{
    s->requests = realloc(s->requests, (size_t)(s->request_count + 1) * sizeof *s->requests);
    struct stack_request *q = calloc(1, sizeof *q);
    *q = (struct stack_request){.sim = s, .node = node, .status = 1, .life = s->nodes[node]->life};
    s->requests[s->request_count++] = q;
    return q;
}

static void done(void *arg, int status, uint64_t value)
{
    struct stack_request *q = arg;
    if (q->ended)
        sim_violation(q->sim, "a request of %s ended twice", q->sim->nodes[q->node]->name);
    q->ended = true;
    q->status = status;
}

static int asked(struct sim *s, struct stack_request *q, int rc)
{
    if (rc < 0) {
        q->ended = true;
        q->status = rc;
    }
    return s->request_count - 1;
}

int sim_join(struct sim *s, int node, int seed_node)
{
    char seed[16];
    struct stack_request *q = request(s, node);
    return asked(s, q, kith_cluster_join(s->cluster, node, set_of(seed_node, seed), done, q, &err));
}

/* It leaves, but runs on: what tests/sim does. kith_cluster_leave() is for tests of its own. */
int sim_leave(struct sim *s, int node, uint64_t timeout)
{
    struct stack_request *q = request(s, node);
    const struct kith_node *table = kith_table(kith_cluster_node(s->cluster, node));
    return asked(s, q, table->leave(table, timeout, done, q));
}

int sim_broadcast(struct sim *s, int node, const char *text)
{
    struct stack_request *q = request(s, node);
    return asked(s, q,
                 kith_cluster_send(s->cluster, node, -1, kith_text(text), false, done, q, &err));
}

int sim_send(struct sim *s, int node, int to, const char *text, bool reliable)
{
    struct stack_request *q = request(s, node);
    return asked(s, q,
                 kith_cluster_send(s->cluster, node, to, kith_text(text), reliable, done, q, &err));
}

/* Its delegate gives the meta: the node only has to ask for it. */
void sim_set_meta(struct sim *s, int node, const char *meta)
{
    struct stack_request *q = request(s, node);
    const struct kith_node *table = kith_table(kith_cluster_node(s->cluster, node));
    snprintf(s->nodes[node]->meta, sizeof s->nodes[node]->meta, "%s", meta);
    asked(s, q, table->set_meta(table, NULL, done, q));
}

static bool has_ended(struct sim *s, const void *arg)
{
    return s->requests[*(const int *)arg]->ended;
}

void sim_join_all(struct sim *s)
{
    for (int i = 1; i < kith_cluster_size(s->cluster); i++) {
        int q = sim_join(s, i, 0);
        sim_wait(s, has_ended, &q, 20 * SEC);
        CU_ASSERT_EQUAL(sim_status(s, q), 0);
    }
}

int sim_status(const struct sim *s, int q)
{
    return s->requests[q]->ended ? s->requests[q]->status : 1;
}

/* -------------------------------------------------------------------------------------- time */

uint64_t sim_now(const struct sim *s) { return SIM_EPOCH + kith_cluster_now(s->cluster); }

struct waiting {
    struct sim *s;
    bool (*until)(struct sim *, const void *);
    const void *arg;
    uint64_t look;
};

static bool after_turn(void *arg)
{
    struct waiting *w = arg;
    uint64_t now = kith_cluster_now(w->s->cluster);
    stack_check_turn(w->s);
    if (!w->until || now < w->look) return false;
    w->look = now + 10 * MS;
    return w->until(w->s, w->arg);
}

bool sim_wait(struct sim *s, bool (*until)(struct sim *, const void *), const void *arg,
              uint64_t timeout)
{
    struct waiting w = {s, until, arg, 0};
    return kith_cluster_run_till(s->cluster, kith_cluster_now(s->cluster) + timeout, after_turn,
                                 &w) ||
           (until && until(s, arg));
}

void sim_run(struct sim *s, uint64_t duration) { sim_wait(s, NULL, NULL, duration); }

/* ----------------------------------------------------------------------------------- looking */

int sim_state(const struct sim *s, int observer, int node)
{
    return kith_cluster_state(s->cluster, observer, node);
}

static bool look_up(const struct sim *s, int observer, int node, struct kith_member *m)
{
    *m = (struct kith_member){.size = sizeof *m};
    const struct kith_node *table = kith_table(kith_cluster_node(s->cluster, observer));
    return table->member(table, kith_text(s->nodes[node]->name), m) == 0;
}

uint32_t sim_incarnation(const struct sim *s, int observer, int node)
{
    struct kith_member m;
    return look_up(s, observer, node, &m) ? m.incarnation : 0;
}

bool sim_meta_is(const struct sim *s, int observer, int node, const char *meta)
{
    struct kith_member m;
    return look_up(s, observer, node, &m) && kith_bytes_equal(m.meta, kith_text(meta));
}

static bool left(const struct sim *s, int i) { return sim_state(s, i, i) == KITH_LEFT; }

/* Who has left and runs on is nobody's member. */
static bool mesh(struct sim *s, const void *arg)
{
    int size = kith_cluster_size(s->cluster);
    for (int i = 0; i < size; i++) {
        if (!is_up(s, i) || kith_cluster_is_paused(s->cluster, i) || left(s, i)) continue;
        for (int k = 0; k < size; k++) {
            bool in = is_up(s, k) && !left(s, k);
            int state = sim_state(s, i, k);
            if (in ? state != KITH_ALIVE : state == KITH_ALIVE || state == KITH_SUSPECT)
                return false;
        }
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
    for (int i = 0; i < kith_cluster_size(s->cluster); i++)
        if (i != w->node && is_up(s, i) && !kith_cluster_is_paused(s->cluster, i) &&
            sim_state(s, i, w->node) != w->state)
            return false;
    return true;
}

bool sim_wait_state(struct sim *s, int observer, int node, int state, uint64_t timeout)
{
    return sim_wait(s, has_state, &(struct state_wait){observer, node, state}, timeout);
}

unsigned sim_health(const struct sim *s, int node)
{
    return kith_node_health(kith_cluster_node(s->cluster, node));
}

const struct sim_counts *sim_counts(const struct sim *s, int node)
{
    return &s->nodes[node]->counts;
}

static void mix(void *arg, struct kith_bytes text)
{
    hash_trace(arg, (const char *)text.data, text.len);
}

/* The trace, and what the network says that went over it. */
uint64_t sim_trace(const struct sim *s)
{
    struct sim *mine = (struct sim *)(uintptr_t)s;
    fflush(mine->trace);
    must(kith_cluster_network(mine->cluster, "stats", mix, mine, &err));
    return mine->trace_hash;
}

uint64_t sim_events(const struct sim *s) { return s->turns; }

unsigned sim_violations(const struct sim *s) { return s->violations; }
