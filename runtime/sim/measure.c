/*
 * measure.c - the way of a measurement: it takes the callbacks of a cluster, hands what comes to
 * who knows what to make of it, and puts the result together.
 */
#include "measure_parts.h"
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --------------------------------------------------------------------------------- new, free */

struct kith_measure *kith_measure_new(void)
{
    struct kith_measure *m = calloc(1, sizeof *m);
    if (m) m->network = m->current = -1;
    return m;
}

static void free_messages(struct kith_message_rate *all, size_t count)
{
    for (size_t i = 0; i < count; i++) free(all[i].message);
    free(all);
}

static void free_node(struct kith_measure_node *n)
{
    kith_bits_free(&n->known);
    for (int i = 0; i < KITH_NEWS_TOPICS; i++) {
        kith_bits_free(&n->news[i].missing);
        kith_bits_free(&n->news[i].suspects);
    }
}

static void free_happening(struct kith_measure_happening *h)
{
    free(h->text);
    free(h->kind);
    free(h->noticed.values);
    free(h->told.values);
    free(h->sent[false].got.values);
    free(h->sent[true].got.values);
    kith_bits_free(&h->crowd.all);
}

void kith_measure_free(struct kith_measure *m)
{
    if (!m) return;
    for (int i = 0; i < m->node_count; i++) free_node(&m->nodes[i]);
    for (int i = 0; i < m->happening_count; i++) free_happening(&m->happenings[i]);
    for (size_t i = 0; i < m->message_count; i++) kith_bits_free(&m->messages[i].got);
    for (int i = 0; i < KITH_CURVES; i++) free(m->curves[i]);
    free_messages(m->before.messages, m->before.message_count);
    free_messages(m->gone.messages, m->gone.message_count);
    kith_bits_free(&m->runs);
    kith_bits_free(&m->first.all);
    free(m->former_lives);
    free(m->full_view.values);
    free(m->nodes);
    free(m->happenings);
    free(m->messages);
    free(m->charges);
    free(m);
}

/* --------------------------------------------------------------------------------- callbacks */

static void on_log(void *ctx, int node, enum kith_log_level level, const char *line)
{
    struct kith_measure *m = ctx;
    m->former.log(m->former.ctx, node, level, line);
}

static int on_opened(void *ctx, int node, struct kith *k, struct kith_error *err)
{
    struct kith_measure *m = ctx;
    return m->former.opened(m->former.ctx, node, k, err);
}

/* A cluster that is not measured yet has nobody to be measured. */
static bool ready(struct kith_measure *m) { return m->cluster && kith_views_grow(m); }

static void on_event(void *ctx, int node, const struct kith_event *e)
{
    struct kith_measure *m = ctx;
    if (ready(m)) kith_news_event(m, node, e);
    if (m->former.event) m->former.event(m->former.ctx, node, e);
}

static void on_message(void *ctx, int node, const struct kith_message *message)
{
    struct kith_measure *m = ctx;
    if (ready(m)) kith_reach_message(m, node, message);
    if (m->former.message) m->former.message(m->former.ctx, node, message);
}

static void on_act(void *ctx, enum kith_cluster_act act, int node, const char *words)
{
    struct kith_measure *m = ctx;
    if (ready(m)) kith_news_act(m, act, node);
    if (m->former.act) m->former.act(m->former.ctx, act, node, words);
}

void kith_measure_watch(struct kith_measure *m, struct kith_cluster_setup *setup)
{
    m->former = *setup;
    setup->ctx = m;
    setup->event = on_event;
    setup->message = on_message;
    setup->act = on_act;
    if (setup->log) setup->log = on_log;
    if (setup->opened) setup->opened = on_opened;
}

/* -------------------------------------------------------------------------- begin, run, end */

void kith_measure_begin(struct kith_measure *m, struct kith_cluster *cluster, uint64_t step)
{
    m->cluster = cluster;
    m->step = step;
    m->began = m->counted_to = kith_cluster_now(cluster);
    m->cpu_began = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    m->wall_began = seconds_of(CLOCK_MONOTONIC);
    if (!kith_views_grow(m)) return;
    kith_views_begin(m);
    kith_totals_begin(m);
}

int kith_measure_happening(struct kith_measure *m, const char *kind, const char *text)
{
    struct kith_measure_happening *all =
        realloc(m->happenings, (size_t)(m->happening_count + 1) * sizeof *all);
    if (all) m->happenings = all;
    char *copies[] = {all ? strdup(kind) : NULL, all ? strdup(text) : NULL};
    if (!copies[0] || !copies[1]) {
        free(copies[0]);
        free(copies[1]);
        m->no_memory = true;
        return -1;
    }
    all[m->happening_count] = (struct kith_measure_happening){
        .at = kith_cluster_now(m->cluster), .kind = copies[0], .text = copies[1]};
    return m->current = m->happening_count++;
}

void kith_measure_again(struct kith_measure *m, int happening)
{
    if (happening >= 0 && happening < m->happening_count) m->current = happening;
}

bool kith_measure_run_till(struct kith_measure *m, uint64_t until, bool (*enough)(void *arg),
                           void *arg)
{
    bool stopped = false;
    for (uint64_t now; !stopped && (now = kith_cluster_now(m->cluster)) < until;) {
        uint64_t next = m->began + ((now - m->began) / m->step + 1) * m->step;
        stopped = kith_cluster_run_till(m->cluster, next < until ? next : until, enough, arg);
        kith_news_judge(m);
        if (next <= until && !stopped) kith_totals_sample(m);
    }
    return stopped;
}

void kith_measure_run(struct kith_measure *m, uint64_t until)
{
    kith_measure_run_till(m, until, NULL, NULL);
}

static bool tell_messages(struct kith_measure_happening *h, bool broadcast, struct kith_result *r)
{
    struct kith_measure_sent *sent = &h->sent[broadcast];
    if (!sent->messages) return false;
    struct kith_reach *out = &r->messages[r->message_count++];
    *out = (struct kith_reach){.at = (double)h->at / 1e9,
                               .text = strdup(h->text),
                               .broadcast = broadcast,
                               .messages = sent->messages,
                               .bytes = sent->bytes / sent->messages,
                               .to_get = sent->to_get};
    kith_sample_end(&sent->got, &out->got);
    return true;
}

/* A happening that nobody had to hear of, because it was all about messages, is told as such. */
static void tell_happening(struct kith_measure_happening *h, struct kith_result *r)
{
    bool sent = tell_messages(h, false, r), broadcast = tell_messages(h, true, r);
    if ((sent || broadcast) && !h->about) return;
    struct kith_happening *out = &r->happenings[r->happening_count++];
    *out = (struct kith_happening){.at = (double)h->at / 1e9,
                                   .text = h->text,
                                   .kind = h->kind,
                                   .about = h->about,
                                   .to_tell = h->to_tell,
                                   .silent = h->silent,
                                   .suspected_by = h->suspected_by,
                                   .to_suspect = h->to_suspect,
                                   .dead = h->dead};
    h->text = h->kind = NULL;
    kith_sample_end(&h->noticed, &out->noticed);
    kith_sample_end(&h->told, &out->told);
}

static bool tell_happenings(struct kith_measure *m, struct kith_result *r)
{
    size_t count = (size_t)m->happening_count;
    r->happenings = calloc(count ? count : 1, sizeof *r->happenings);
    r->messages = calloc(count ? 2 * count : 1, sizeof *r->messages);
    if (!r->happenings || !r->messages) return false;
    for (size_t i = 0; i < count; i++) tell_happening(&m->happenings[i], r);
    return true;
}

int kith_measure_end(struct kith_measure *m, struct kith_result *r)
{
    struct rusage usage;
    kith_news_judge(m);
    kith_news_end(m);
    kith_views_tell(m);
    kith_totals_time(m);
    *r = (struct kith_result){
        .nodes = (size_t)kith_cluster_size(m->cluster),
        .time = kith_measure_since(m, m->began),
        .lives = m->lives,
        .at_end = kith_cluster_views(m->cluster),
        .suspicions = m->suspicions,
        .deaths = m->deaths,
        .refutations = m->refutations,
        .false_suspicions = m->false_suspicions,
        .false_deaths = m->false_deaths,
        .cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - m->cpu_began,
        .wall = seconds_of(CLOCK_MONOTONIC) - m->wall_began,
        .node_seconds = m->node_time / 1e9,
    };
    if (getrusage(RUSAGE_SELF, &usage) == 0) r->memory = (uint64_t)usage.ru_maxrss * 1024;
    kith_sample_end(&m->full_view, &r->full_view);
    bool ok = tell_happenings(m, r);
    ok = kith_totals_tell(m, r) && ok;
    return ok && !m->no_memory ? 0 : -KITH_ENOMEM;
}
