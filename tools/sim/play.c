/*
 * play.c - a scenario from its first moment to its end: nodes and links are made, then time goes
 * from one thing to do to the next.
 */
#include "param.h"
#include "play_parts.h"
#include <stdlib.h>

#define SECOND UINT64_C(1000000000)

/* What a scenario without links has. */
static const struct kith_scenario_link usual_link = {
    .from.set = "all", .to.set = "all", .change = "delay=500us jitter=500us"};
/* All join, when no event says who does. */
static const struct kith_scenario_event usual_join = {.deed = KITH_DEED_JOIN};

/* -------------------------------------------------------------------------------------- begin */

static bool joins_others(const struct kith_scenario_event *e)
{
    return e->deed == KITH_DEED_JOIN && e->to.in;
}

/* Who may be told to join others than the seeds has a config of its own. */
static bool give_own_configs(struct kith_play *p)
{
    size_t nodes = p->scenario->nodes;
    p->own = calloc(nodes, sizeof *p->own);
    p->own_seeds = calloc(nodes, sizeof *p->own_seeds);
    if (!p->own || !p->own_seeds) return false;
    for (size_t k = 0; k < p->scenario->event_count; k++) {
        const struct kith_scenario_event *e = &p->scenario->events[k];
        for (size_t i = 0; joins_others(e) && i < nodes; i++) {
            if (!e->who.in[i] || p->own_seeds[i]) continue;
            p->own_seeds[i] = calloc(nodes, sizeof *p->own_seeds[i]);
            if (!p->own_seeds[i]) return false;
            p->own[i] = p->config;
        }
    }
    return true;
}

static int add_nodes(struct kith_play *p, struct kith_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc >= 0 && i < p->scenario->nodes; i++)
        rc = kith_cluster_add(p->cluster, NULL, p->own_seeds[i] ? &p->own[i] : &p->config, err);
    return rc < 0 ? rc : 0;
}

/* Their names are addresses on loopback. */
static bool list_seeds(struct kith_play *p)
{
    size_t n = p->scenario->seeds;
    p->seeds = calloc(n, sizeof *p->seeds);
    for (size_t i = 0; p->seeds && i < n; i++) {
        char *name = NULL;
        if (asprintf(&name, "n%zu", i) < 0) return false;
        p->seeds[i].address = name;
    }
    p->config = *p->setup->config;
    p->config.join = (struct kith_seeds){p->seeds, n};
    return p->seeds != NULL;
}

/* Does the node's file say it of its loopback? 0 is what who says nothing has. name: of what
 * "delay=1ms" begins with. */
static bool file_says(const struct kith_play *p, const char *name)
{
    const struct kith_entry *e = &p->config.transport;
    size_t len = strcspn(name, "=");
    const struct kith_param *k = e->plugin->params;
    while (k && k->name && (strlen(k->name) != len || strncmp(k->name, name, len) != 0)) k++;
    if (!k || !k->name) return false;
    char *text = kith_param_text(k, (const char *)e->params + k->offset);
    bool says = text && strtod(text, NULL) != 0;
    free(text);
    return says;
}

/* yields: to the node's file. */
static int set_link(struct kith_play *p, const struct kith_scenario_link *l, bool yields,
                    struct kith_error *err)
{
    char *command = NULL;
    size_t len = 0, words = 0;
    FILE *out = open_memstream(&command, &len);
    if (!out) return kith_fail(err, KITH_ENOMEM, "out of memory");
    fprintf(out, "set %s %s%s", l->from.set, l->to.set, l->both ? " --both" : "");
    for (const char *at = l->change; *(at += strspn(at, " ")); at += strcspn(at, " ")) {
        if (yields && file_says(p, at)) continue;
        fprintf(out, " %.*s", (int)strcspn(at, " "), at);
        words++;
    }
    fclose(out);
    int rc = words ? kith_cluster_network(p->cluster, command, NULL, NULL, err) : 0;
    free(command);
    return rc;
}

/* What nobody asked for, the usual and the built-in scenario's, yields to what the file says. */
static int set_links(struct kith_play *p, struct kith_error *err)
{
    const struct kith_scenario *s = p->scenario;
    int rc = 0;
    if (!s->link_count) return set_link(p, &usual_link, true, err);
    for (size_t i = 0; !rc && i < s->link_count; i++) rc = set_link(p, &s->links[i], !s->path, err);
    return rc;
}

static bool has_join(const struct kith_scenario *s)
{
    for (size_t i = 0; i < s->event_count; i++)
        if (s->events[i].deed == KITH_DEED_JOIN) return true;
    return false;
}

/* Of one time in the order of the file; after those that are under way already. */
static bool plan(struct kith_play *p, struct kith_scenario_event *join)
{
    const struct kith_scenario *s = p->scenario;
    bool ok = true;
    if (!has_join(s)) {
        *join = usual_join;
        join->who = (struct kith_nodes){.text = "all", .set = "all", .count = s->nodes};
        join->who.in = calloc(s->nodes, sizeof *join->who.in);
        if (!join->who.in) return false;
        memset(join->who.in, true, s->nodes);
        ok = kith_queue_add(&p->queue, (struct kith_todo){.kind = KITH_TODO_EVENT, .e = join});
    }
    for (size_t i = 0; i < s->event_count; i++)
        ok = ok && kith_queue_add(&p->queue, (struct kith_todo){.at = s->events[i].at,
                                                                .kind = KITH_TODO_EVENT,
                                                                .e = &s->events[i]});
    return ok;
}

static int begin(struct kith_play *p, struct kith_scenario_event *join, struct kith_error *err)
{
    const struct kith_play_setup *setup = p->setup;
    struct kith_cluster_setup cluster = {
        .world = setup->world, .config = setup->config, .trace = setup->trace};
    p->measure = kith_measure_new();
    if (!p->measure || !list_seeds(p) || !give_own_configs(p) || !plan(p, join))
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    kith_measure_watch(p->measure, &cluster);
    int rc = kith_cluster_new(&p->cluster, &cluster, err);
    if (!rc) rc = add_nodes(p, err);
    if (!rc) rc = set_links(p, err);
    return rc;
}

/* --------------------------------------------------------------------------------------- time */

static bool goes_on(struct kith_play *p)
{
    const struct kith_play_setup *s = p->setup;
    return !s->progress ||
           s->progress(s->ctx, kith_cluster_now(p->cluster), kith_cluster_running(p->cluster));
}

/* Points of a curve: some hundred, however long it goes on. */
static uint64_t step_of(uint64_t time)
{
    uint64_t step = time / 300;
    return step < SECOND / 10 ? SECOND / 10 : step;
}

/* Asking costs more than a turn of a few nodes. */
enum { STEPS_BETWEEN = 64 };

/* After each turn, and after each thing that was done: of many nodes either takes long. */
static bool enough(void *arg)
{
    struct kith_play *p = arg;
    if (p->steps++ % STEPS_BETWEEN == 0 && !goes_on(p)) p->stopped = true;
    return p->stopped;
}

static void run(struct kith_play *p)
{
    uint64_t end = p->scenario->time, now;
    while (!p->stopped && (now = kith_cluster_now(p->cluster)) < end) {
        while (kith_queue_next(&p->queue) <= now && !enough(p)) {
            struct kith_todo todo = kith_queue_take(&p->queue);
            kith_event_do(p, &todo);
        }
        uint64_t next = kith_queue_next(&p->queue);
        if (!p->stopped) kith_measure_run_till(p->measure, next < end ? next : end, enough, p);
    }
}

/* ---------------------------------------------------------------------------------------- end */

static void free_occurrences(struct kith_play *p)
{
    for (struct kith_occurrence *o; (o = p->occurrences);) {
        p->occurrences = o->next;
        free(o->who);
        free(o->to);
        free(o->names);
        free(o);
    }
}

static void end(struct kith_play *p)
{
    kith_cluster_free(p->cluster);
    kith_measure_free(p->measure);
    kith_queue_free(&p->queue);
    free_occurrences(p);
    for (size_t i = 0; p->own_seeds && i < p->scenario->nodes; i++) free(p->own_seeds[i]);
    for (size_t i = 0; p->seeds && i < p->scenario->seeds; i++)
        free((char *)(uintptr_t)p->seeds[i].address);
    free(p->own_seeds);
    free(p->own);
    free(p->seeds);
}

int kith_play(const struct kith_play_setup *setup, struct kith_result *result,
              struct kith_error *err)
{
    struct kith_play p = {.setup = setup, .scenario = setup->scenario};
    struct kith_scenario_event join = {.at = 0};
    *result = (struct kith_result){0};
    int rc = begin(&p, &join, err);
    if (!rc) {
        kith_measure_begin(p.measure, p.cluster, step_of(setup->scenario->time));
        run(&p);
        rc = kith_measure_end(p.measure, result);
        if (rc || p.no_memory) rc = kith_fail(err, KITH_ENOMEM, "out of memory");
    }
    end(&p);
    free(join.who.in);
    return rc;
}
