/*
 * measure_news.c - what was done to nodes, as news on its way to the others; and what nodes say of
 * each other without a reason.
 *
 * Of each node there is at most one piece of bad news (it was killed or paused, or leaves), one of
 * good news (it was started or resumed, or joins), and one of new meta: a later one takes the place
 * of the earlier, which nobody can be told of any more. Bad news end with good ones, but for what
 * a suspicion that is under way may lead to, until the network is changed. Those who have to be
 * told are those to whom it is new: each pair of a node and a teller counts once.
 */
#include "measure_parts.h"

#include "formulas.h"
#include <stdlib.h>

/* ------------------------------------------------------------------------------- what was done */

static bool over(const struct kith_measure *m, const struct kith_measure_news *news)
{
    return !news->fresh || (news->until && kith_cluster_now(m->cluster) >= news->until);
}

static void forget(struct kith_measure_news *news)
{
    struct kith_bits missing = news->missing, suspects = news->suspects;
    kith_bits_clear(&missing);
    kith_bits_clear(&suspects);
    *news = (struct kith_measure_news){.missing = missing, .suspects = suspects};
}

/* Of a stop that ended before anybody was told a death, nobody should have been. */
static void shut(struct kith_measure *m, int node, enum kith_measure_topic topic)
{
    struct kith_measure_news *news = &m->nodes[node].news[topic];
    if (news->fresh && topic == KITH_NEWS_BAD && !news->told)
        m->happenings[news->happening].to_tell -= news->missing_count;
    forget(news);
}

/* It is undone: what a suspicion of it can still lead to is its own, and nothing later. */
static void end_bad(struct kith_measure *m, int node)
{
    struct kith_measure_news *news = &m->nodes[node].news[KITH_NEWS_BAD];
    const struct kith_settings *s = &m->former.config->settings;
    if (!news->fresh || news->until) return;
    uint64_t least = kith_suspicion_min(s->suspicion_mult, (size_t)m->running, s->probe_interval);
    news->until = kith_cluster_now(m->cluster) + least * s->suspicion_max_timeout_mult;
}

/* A node that is killed and started at once was not gone. */
static void annul_bad(struct kith_measure *m, int node)
{
    struct kith_measure_news *news = &m->nodes[node].news[KITH_NEWS_BAD];
    struct kith_measure_happening *h = &m->happenings[news->happening];
    h->about--;
    h->silent -= news->silent;
    h->to_tell -= news->missing_count;
    h->to_suspect -= news->to_suspect;
    forget(news);
}

/* What is done to a node takes the place of what was done to it before. */
static void replace(struct kith_measure *m, int node, enum kith_measure_topic topic)
{
    struct kith_measure_news *bad = &m->nodes[node].news[KITH_NEWS_BAD];
    shut(m, node, topic);
    if (topic == KITH_NEWS_BAD) shut(m, node, KITH_NEWS_GOOD);
    if (topic != KITH_NEWS_GOOD || !bad->fresh) return;
    if (bad->happening == m->current)
        annul_bad(m, node);
    else
        end_bad(m, node);
}

static void miss(struct kith_measure *m, int node, struct kith_measure_news *news)
{
    if (!kith_bits_set(&news->missing, node, true)) m->no_memory = true;
    news->missing_count++;
    m->happenings[news->happening].to_tell++;
}

/* Whether that node can be told anything new by this. */
static bool has_to_hear(const struct kith_measure *m, int node, int about,
                        enum kith_measure_topic topic)
{
    const struct kith_measure_node *n = &m->nodes[node];
    if (node == about || !n->runs || n->paused) return false;
    bool knows = kith_bits_get(&n->known, about);
    if (topic != KITH_NEWS_GOOD || !knows) return knows == (topic != KITH_NEWS_GOOD);
    return kith_cluster_state(m->cluster, node, about) == KITH_SUSPECT;
}

/* A start and a join of one happening are one piece of news. */
static void spread(struct kith_measure *m, int node, enum kith_measure_topic topic, bool silent)
{
    struct kith_measure_news *news = &m->nodes[node].news[topic];
    int happening = m->current;
    if (happening < 0) return;
    if (news->fresh && news->happening == happening) return;
    struct kith_measure_happening *h = &m->happenings[happening];
    replace(m, node, topic);
    news->fresh = true;
    news->happening = happening;
    news->at = kith_cluster_now(m->cluster);
    news->silent = silent;
    h->about++;
    h->silent += silent;
    for (int i = 0; i < m->node_count; i++)
        if (has_to_hear(m, i, node, topic)) miss(m, i, news);
    news->to_suspect = silent ? news->missing_count : 0;
    h->to_suspect += news->to_suspect;
}

/* Who comes with others has to hear of those who came before him. */
static void come(struct kith_measure *m, int node)
{
    for (int i = 0; i < m->node_count; i++) {
        struct kith_measure_news *news = &m->nodes[i].news[KITH_NEWS_GOOD];
        if (i != node && news->fresh && news->happening == m->current) miss(m, node, news);
    }
}

/* Who goes need not be told any more. */
static void go(struct kith_measure *m, int node)
{
    for (int i = 0; i < m->node_count; i++)
        for (int topic = 0; topic < KITH_NEWS_TOPICS; topic++) {
            struct kith_measure_news *news = &m->nodes[i].news[topic];
            if (!news->fresh || !kith_bits_get(&news->missing, node)) continue;
            kith_bits_set(&news->missing, node, false);
            news->missing_count--;
            m->happenings[news->happening].to_tell--;
            if (!news->silent || kith_bits_get(&news->suspects, node)) continue;
            news->to_suspect--;
            m->happenings[news->happening].to_suspect--;
        }
}

static void end_life(struct kith_measure *m, int node)
{
    kith_totals_gone(m, node);
    kith_views_end(m, node);
    go(m, node);
    shut(m, node, KITH_NEWS_GOOD);
    shut(m, node, KITH_NEWS_META);
}

static void close_ended(struct kith_measure *m)
{
    for (int i = 0; i < m->node_count; i++)
        if (m->nodes[i].news[KITH_NEWS_BAD].until) shut(m, i, KITH_NEWS_BAD);
}

static void network(struct kith_measure *m)
{
    close_ended(m);
    m->network = m->current;
    m->network_noticed = false;
}

void kith_news_act(struct kith_measure *m, enum kith_cluster_act act, int node)
{
    if (act == KITH_CLUSTER_NETWORK) {
        network(m);
        return;
    }
    struct kith_measure_node *n = &m->nodes[node];
    switch (act) {
    case KITH_CLUSTER_START:
        kith_views_start(m, node);
        spread(m, node, KITH_NEWS_GOOD, false);
        come(m, node);
        break;
    case KITH_CLUSTER_KILL:
        end_life(m, node);
        spread(m, node, KITH_NEWS_BAD, true);
        break;
    case KITH_CLUSTER_END: end_life(m, node); break;
    case KITH_CLUSTER_PAUSE:
        n->paused = true;
        spread(m, node, KITH_NEWS_BAD, true);
        break;
    case KITH_CLUSTER_RESUME:
        n->paused = false;
        spread(m, node, KITH_NEWS_GOOD, false);
        break;
    case KITH_CLUSTER_JOIN:
        kith_views_join(m, node);
        spread(m, node, KITH_NEWS_GOOD, false);
        break;
    case KITH_CLUSTER_LEAVE: spread(m, node, KITH_NEWS_BAD, false); break;
    case KITH_CLUSTER_META: spread(m, node, KITH_NEWS_META, false); break;
    default: break;
    }
}

/* --------------------------------------------------------------------------------- who heard */

/* Seconds that this node could have been told in: before it was there, it could not. */
static double waited(const struct kith_measure *m, int node, const struct kith_measure_news *news)
{
    uint64_t began = m->nodes[node].began;
    return kith_measure_since(m, began > news->at ? began : news->at);
}

static void notice(struct kith_measure *m, int node, struct kith_measure_news *news)
{
    if (over(m, news) || news->noticed) return;
    news->noticed = true;
    if (!kith_sample_add(&m->happenings[news->happening].noticed, waited(m, node, news)))
        m->no_memory = true;
}

static void hear(struct kith_measure *m, int node, int about, enum kith_measure_topic topic)
{
    struct kith_measure_news *news = &m->nodes[about].news[topic];
    if (over(m, news) || !kith_bits_get(&news->missing, node)) return;
    notice(m, node, news);
    kith_bits_set(&news->missing, node, false);
    news->missing_count--;
    news->told = true;
    if (!kith_sample_add(&m->happenings[news->happening].told, waited(m, node, news)))
        m->no_memory = true;
}

/* Who is told at once that it is dead did not suspect it. */
static void suspect(struct kith_measure *m, int node, int about)
{
    struct kith_measure_news *news = &m->nodes[about].news[KITH_NEWS_BAD];
    notice(m, node, news);
    if (over(m, news) || !news->silent || !kith_bits_get(&news->missing, node) ||
        kith_bits_get(&news->suspects, node))
        return;
    if (!kith_bits_set(&news->suspects, node, true)) m->no_memory = true;
    m->happenings[news->happening].suspected_by++;
}

/* Somebody says so on his own, not because he heard of it. */
static bool is_own(const struct kith_measure *m, int node, const struct kith_member *member)
{
    return kith_bytes_equal(member->accuser, kith_text(kith_cluster_name(m->cluster, node)));
}

static void charge(struct kith_measure *m, int by, int about, bool death)
{
    if (!m->nodes[about].runs || m->nodes[about].paused) return; /* with good reason */
    if (m->charge_count == m->charge_room) {
        size_t room = m->charge_room ? 2 * m->charge_room : 16;
        struct kith_measure_charge *all = realloc(m->charges, room * sizeof *all);
        if (!all) {
            m->no_memory = true;
            return;
        }
        m->charges = all;
        m->charge_room = room;
    }
    m->charges[m->charge_count++] = (struct kith_measure_charge){by, about, death};
}

/* Of who was stopped, goes, or is gone, the network is not the cause. */
static void blame_network(struct kith_measure *m, int about, bool death)
{
    const struct kith_measure_node *n = &m->nodes[about];
    if (m->network < 0 || !n->runs || n->paused || !over(m, &n->news[KITH_NEWS_BAD])) return;
    struct kith_measure_happening *h = &m->happenings[m->network];
    double time = kith_measure_since(m, h->at);
    bool ok = !death || kith_sample_add(&h->told, time);
    if (!m->network_noticed) ok = kith_sample_add(&h->noticed, time) && ok;
    m->network_noticed = true;
    m->no_memory |= !ok;
    h->suspected_by += !death;
    h->dead += death;
}

static void on_suspect(struct kith_measure *m, int node, int about,
                       const struct kith_member *member)
{
    if (member->state != KITH_SUSPECT) {
        hear(m, node, about, KITH_NEWS_GOOD);
        return;
    }
    suspect(m, node, about);
    if (!is_own(m, node, member)) return;
    m->suspicions++;
    blame_network(m, about, false);
    charge(m, node, about, false);
}

static void count_death(struct kith_measure *m, int about)
{
    struct kith_measure_news *news = &m->nodes[about].news[KITH_NEWS_BAD];
    if (over(m, news) || !news->silent || news->dead) return;
    news->dead = true;
    m->happenings[news->happening].dead++;
}

static void on_leave(struct kith_measure *m, int node, int about, const struct kith_member *member)
{
    kith_views_told(m, node, about, false);
    hear(m, node, about, KITH_NEWS_BAD);
    if (member->state != KITH_DEAD || !is_own(m, node, member)) return;
    m->deaths++;
    count_death(m, about);
    blame_network(m, about, true);
    charge(m, node, about, true);
}

void kith_news_event(struct kith_measure *m, int node, const struct kith_event *e)
{
    if (e->kind == KITH_EVENT_REFUTED) m->refutations++;
    int about = e->member ? kith_cluster_find(m->cluster, e->member->name) : -1;
    if (about < 0) return;
    switch (e->kind) {
    case KITH_EVENT_JOIN:
        kith_views_told(m, node, about, true);
        hear(m, node, about, KITH_NEWS_GOOD);
        break;
    case KITH_EVENT_LEAVE: on_leave(m, node, about, e->member); break;
    case KITH_EVENT_SUSPECT: on_suspect(m, node, about, e->member); break;
    case KITH_EVENT_UPDATE: hear(m, node, about, KITH_NEWS_META); break;
    default: break;
    }
}

/* ------------------------------------------------------------------------------- false charges */

static bool has(struct kith_bytes text, const char *words)
{
    return memmem(text.data, text.len, words, strlen(words)) != NULL;
}

/* A link that loses all is cut as well. */
static void look_for_cut(void *arg, struct kith_bytes text)
{
    if (has(text, "\"cut\":true") || has(text, "\"loss\":1,")) *(bool *)arg = true;
}

static bool is_cut(struct kith_measure *m, int from, int to)
{
    char words[600];
    bool cut = false;
    snprintf(words, sizeof words, "links %.255s %.255s", kith_cluster_name(m->cluster, from),
             kith_cluster_name(m->cluster, to));
    kith_cluster_network(m->cluster, words, look_for_cut, &cut, NULL);
    return cut;
}

void kith_news_judge(struct kith_measure *m)
{
    for (size_t i = 0; i < m->charge_count; i++) {
        const struct kith_measure_charge *c = &m->charges[i];
        if (is_cut(m, c->by, c->about) || is_cut(m, c->about, c->by)) continue;
        m->false_suspicions += !c->death;
        m->false_deaths += c->death;
    }
    m->charge_count = 0;
}

void kith_news_end(struct kith_measure *m) { close_ended(m); }
