/*
 * cluster.c - the nodes of a cluster, their lives, and time. A node that ends by itself is closed
 * when the turn of the loop is over, as it can't be from inside of one.
 */
#include "cluster_parts.h"
#include <stdlib.h>

/* -------------------------------------------------------------------------------------- new */

int kith_cluster_new(struct kith_cluster **out, const struct kith_cluster_setup *setup,
                     struct kith_error *err)
{
    *out = NULL;
    if (!kith_loop_is_virtual(kith_world_loop(setup->world)))
        return kith_fail(err, KITH_EINVAL, "a cluster lives in virtual time");
    struct kith_cluster *c = calloc(1, sizeof *c);
    if (!c) return kith_fail(err, KITH_ENOMEM, "out of memory");
    c->setup = *setup;
    if (!c->setup.prefix) c->setup.prefix = "n";
    kith_world_ref(setup->world);
    c->loop = kith_world_loop(setup->world);
    c->began = kith_loop_now(c->loop);
    c->config = *setup->config;
    c->config.arena = NULL;
    c->config.texts = NULL;
    /* A line that nobody reads need not be made. */
    if (!setup->log) c->config.log_level = KITH_LOG_ERROR;
    *out = c;
    return 0;
}

/* ------------------------------------------------------------------------------------- names */

/* FNV-1a. */
static uint32_t hash_of(struct kith_bytes name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < name.len; i++) h = (h ^ name.data[i]) * 16777619u;
    return h;
}

static int *bucket_of(const struct kith_cluster *c, struct kith_bytes name)
{
    return &c->buckets[hash_of(name) & (uint32_t)(c->room - 1)];
}

int kith_cluster_find(const struct kith_cluster *c, struct kith_bytes name)
{
    if (!c->size) return -KITH_ENOTFOUND;
    int i = *bucket_of(c, name);
    while (i >= 0 && !kith_bytes_equal(kith_text(c->nodes[i]->name), name))
        i = c->nodes[i]->same_hash;
    return i < 0 ? -KITH_ENOTFOUND : i;
}

/* Behind those of its bucket, so that the first of a name is found. */
static void put(struct kith_cluster *c, int number)
{
    struct kith_cluster_node *n = c->nodes[number];
    int *at = bucket_of(c, kith_text(n->name));
    while (*at >= 0) at = &c->nodes[*at]->same_hash;
    *at = number;
    n->same_hash = -1;
}

static bool grow(struct kith_cluster *c)
{
    if (c->size < c->room) return true;
    int room = c->room ? 2 * c->room : 16;
    struct kith_cluster_node **nodes = realloc(c->nodes, (size_t)room * sizeof *nodes);
    if (nodes) c->nodes = nodes;
    int *buckets = nodes ? realloc(c->buckets, (size_t)room * sizeof *buckets) : NULL;
    if (!buckets) return false;
    c->buckets = buckets;
    c->room = room;
    memset(buckets, 0xff, (size_t)room * sizeof *buckets);
    for (int i = 0; i < c->size; i++) put(c, i);
    return true;
}

static void turn_ended(void *self);

int kith_cluster_add(struct kith_cluster *c, const char *name, const struct kith_config *config,
                     struct kith_error *err)
{
    char numbered[128];
    snprintf(numbered, sizeof numbered, "%s%d", c->setup.prefix, c->size);
    struct kith_cluster_node *n = grow(c) ? calloc(1, sizeof *n) : NULL;
    if (n) n->name = strdup(name ? name : numbered);
    if (!n || !n->name) {
        free(n);
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    }
    n->cluster = c;
    n->config = config ? config : &c->config;
    n->number = c->size;
    n->observer = (struct kith_observer){.self = n, .turn_ended = turn_ended};
    c->nodes[c->size++] = n;
    put(c, n->number);
    return n->number;
}

int kith_cluster_size(const struct kith_cluster *c) { return c->size; }

struct kith_cluster_node *kith_cluster_at(const struct kith_cluster *c, int node,
                                          struct kith_error *err)
{
    if (node < 0 || node >= c->size) {
        (void)kith_fail(err, KITH_ENOTFOUND, "there is no node %d", node);
        return NULL;
    }
    if (c->nodes[node]->k) return c->nodes[node];
    (void)kith_fail(err, KITH_ECLOSED, "%s does not run", c->nodes[node]->name);
    return NULL;
}

const char *kith_cluster_name(const struct kith_cluster *c, int node)
{
    return c->nodes[node]->name;
}

struct kith *kith_cluster_node(const struct kith_cluster *c, int node) { return c->nodes[node]->k; }

bool kith_cluster_is_paused(const struct kith_cluster *c, int node)
{
    return c->nodes[node]->paused;
}

unsigned kith_cluster_lives(const struct kith_cluster *c, int node)
{
    return c->nodes[node]->lives;
}

int kith_cluster_running(const struct kith_cluster *c) { return c->running; }

/* ------------------------------------------------------------------------------------ a life */

static void on_log(void *self, enum kith_log_level level, const char *line)
{
    const struct kith_cluster_node *n = self;
    const struct kith_cluster_setup *s = &n->cluster->setup;
    if (s->log) s->log(s->ctx, n->number, level, line);
}

static void on_event(void *self, const struct kith_event *e) { kith_cluster_told(self, e); }

static void on_message(void *self, const struct kith_message *m) { kith_cluster_got(self, m); }

static const struct kith_delegate_ops listener = {
    .size = sizeof listener, .event = on_event, .message = on_message};

static int open_node(struct kith_cluster_node *n, struct kith_error *err)
{
    const struct kith_cluster_setup *s = &n->cluster->setup;
    struct kith_node_setup setup = {.config = n->config, .world = s->world};
    struct kith_options options = {.size = sizeof options,
                                   .control = "",
                                   .log = on_log,
                                   .log_ctx = n,
                                   .delegate = &listener,
                                   .delegate_self = n,
                                   .name = n->name};
    int rc = kith_node_open(&n->k, &setup, &options, err);
    if (rc) return rc;
    kith_observer_add(n->k, &n->observer);
    return s->opened ? s->opened(s->ctx, n->number, n->k, err) : 0;
}

/* Whatever it calls back on its end sees it as gone already. */
static void close_node(struct kith_cluster_node *n)
{
    struct kith_cluster *c = n->cluster;
    struct kith *k = n->k;
    n->k = NULL;
    n->paused = false;
    c->running--;
    if (!c->running) c->commands_told = 0;
    kith_close(k);
}

int kith_cluster_start(struct kith_cluster *c, int node, struct kith_error *err)
{
    if (node < 0 || node >= c->size)
        return kith_fail(err, KITH_ENOTFOUND, "there is no node %d", node);
    struct kith_cluster_node *n = c->nodes[node];
    if (n->k) return kith_fail(err, KITH_EEXIST, "%s runs already", n->name);
    n->ended = n->left = false;
    c->running++;
    kith_cluster_did(c, KITH_CLUSTER_START, n, NULL);
    int rc = open_node(n, err);
    if (!rc) rc = kith_start(n->k, err);
    if (!rc) rc = kith_cluster_network_begin(c, err);
    if (rc) {
        kith_cluster_did(c, KITH_CLUSTER_END, n, kith_code_text(rc));
        close_node(n);
    } else {
        n->lives++;
    }
    return rc;
}

int kith_cluster_kill(struct kith_cluster *c, int node, struct kith_error *err)
{
    struct kith_cluster_node *n = kith_cluster_at(c, node, err);
    if (!n) return -KITH_ECLOSED;
    kith_cluster_did(c, KITH_CLUSTER_KILL, n, NULL);
    close_node(n);
    return 0;
}

int kith_cluster_pause(struct kith_cluster *c, int node, bool paused, struct kith_error *err)
{
    struct kith_cluster_node *n = kith_cluster_at(c, node, err);
    if (!n) return -KITH_ECLOSED;
    if (n->paused == paused) return 0;
    n->paused = paused;
    kith_cluster_did(c, paused ? KITH_CLUSTER_PAUSE : KITH_CLUSTER_RESUME, n, NULL);
    kith_node_pause(n->k, paused);
    return 0;
}

void kith_cluster_free(struct kith_cluster *c)
{
    if (!c) return;
    for (int i = 0; i < c->size; i++)
        if (c->nodes[i]->k) close_node(c->nodes[i]);
    for (int i = 0; i < c->size; i++) {
        free(c->nodes[i]->name);
        free(c->nodes[i]);
    }
    for (size_t i = 0; i < c->command_count; i++) free(c->commands[i]);
    kith_world_unref(c->setup.world);
    free(c->commands);
    free(c->nodes);
    free(c->buckets);
    free(c);
}

/* -------------------------------------------------------------------------------------- time */

static void turn_ended(void *self)
{
    struct kith_cluster_node *n = self;
    int code;
    if (n->ended || !kith_node_ended(n->k, &code)) return;
    n->ended = true;
    n->next_ended = n->cluster->ended;
    n->cluster->ended = n;
}

static void close_ended(struct kith_cluster *c)
{
    for (struct kith_cluster_node *n; (n = c->ended);) {
        int code = 0;
        c->ended = n->next_ended;
        kith_node_ended(n->k, &code);
        kith_cluster_did(c, KITH_CLUSTER_END, n,
                         n->left ? "left"
                         : code  ? kith_code_text(code)
                                 : "stopped");
        close_node(n);
    }
}

uint64_t kith_cluster_now(const struct kith_cluster *c)
{
    return kith_loop_now(c->loop) - c->began;
}

bool kith_cluster_run_till(struct kith_cluster *c, uint64_t until, bool (*enough)(void *arg),
                           void *arg)
{
    for (uint64_t now; !enough || !enough(arg);) {
        if ((now = kith_cluster_now(c)) >= until) return false;
        kith_loop_turn(c->loop, until - now);
        if (c->ended) close_ended(c);
    }
    return true;
}

void kith_cluster_run(struct kith_cluster *c, uint64_t until)
{
    kith_cluster_run_till(c, until, NULL, NULL);
}
