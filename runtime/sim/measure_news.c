/*
 * measure_news.c - what was done to nodes, as news on its way to the others; and what nodes say of
 * each other without a reason.
 *
 * Of each node there is at most one piece of bad news (it was killed or paused, or leaves), one of
 * good news (it was started or resumed, or joins), and one of new meta: a later one takes the place
 * of the earlier, which nobody can be told of any more.
 */
#include "measure_parts.h"
#include <stdlib.h>

/* ------------------------------------------------------------------------------- what was done */

/* How many others there are to be told. */
static size_t others(const struct kith_measure *m, int node)
{
    size_t n = 0;
    for (int i = 0; i < m->node_count; i++)
        n += i != node && m->nodes[i].runs && !m->nodes[i].paused;
    return n;
}

static void forget(struct kith_measure_news *news)
{
    struct kith_bits told = news->told;
    if (told.count) memset(told.words, 0, told.count * sizeof *told.words);
    *news = (struct kith_measure_news){.told = told};
}

/* A start and a join of one happening are one piece of news. */
static void spread(struct kith_measure *m, int node, enum kith_measure_topic topic)
{
    struct kith_measure_news *news = &m->nodes[node].news[topic];
    int happening = m->current;
    if (happening < 0) return;
    if (news->fresh && news->happening == happening) return;
    forget(news);
    news->fresh = true;
    news->happening = happening;
    news->at = kith_cluster_now(m->cluster);
    m->happenings[happening].about++;
    m->happenings[happening].to_tell += others(m, node);
}

static void end_life(struct kith_measure *m, int node)
{
    kith_totals_gone(m, node);
    kith_views_end(m, node);
    forget(&m->nodes[node].news[KITH_NEWS_GOOD]);
    forget(&m->nodes[node].news[KITH_NEWS_META]);
}

static void network(struct kith_measure *m, const char *words)
{
    m->network = m->current;
    m->network_noticed = false;
    if (strncmp(words, "cut ", 4) == 0 || strncmp(words, "partition ", 10) == 0 ||
        strstr(words, "cut=true"))
        m->cuts = true;
    else if (strcmp(words, "heal") == 0 || strcmp(words, "heal all") == 0)
        m->cuts = false;
}

void kith_news_act(struct kith_measure *m, enum kith_cluster_act act, int node, const char *words)
{
    if (act == KITH_CLUSTER_NETWORK) {
        network(m, words);
        return;
    }
    struct kith_measure_node *n = &m->nodes[node];
    switch (act) {
    case KITH_CLUSTER_START:
        kith_views_start(m, node);
        spread(m, node, KITH_NEWS_GOOD);
        break;
    case KITH_CLUSTER_KILL:
        end_life(m, node);
        spread(m, node, KITH_NEWS_BAD);
        break;
    case KITH_CLUSTER_END: end_life(m, node); break;
    case KITH_CLUSTER_PAUSE:
        n->paused = true;
        spread(m, node, KITH_NEWS_BAD);
        break;
    case KITH_CLUSTER_RESUME:
        n->paused = false;
        spread(m, node, KITH_NEWS_GOOD);
        break;
    case KITH_CLUSTER_JOIN:
        kith_views_join(m, node);
        spread(m, node, KITH_NEWS_GOOD);
        break;
    case KITH_CLUSTER_LEAVE: spread(m, node, KITH_NEWS_BAD); break;
    case KITH_CLUSTER_META: spread(m, node, KITH_NEWS_META); break;
    default: break;
    }
}

/* --------------------------------------------------------------------------------- who heard */

static void notice(struct kith_measure *m, struct kith_measure_news *news)
{
    if (!news->fresh || news->noticed) return;
    news->noticed = true;
    if (!kith_sample_add(&m->happenings[news->happening].noticed, kith_measure_since(m, news->at)))
        m->no_memory = true;
}

static void hear(struct kith_measure *m, int node, int about, enum kith_measure_topic topic)
{
    struct kith_measure_news *news = &m->nodes[about].news[topic];
    if (!news->fresh || node == about || kith_bits_get(&news->told, node)) return;
    notice(m, news);
    bool ok =
        kith_bits_set(&news->told, node, true) &&
        kith_sample_add(&m->happenings[news->happening].told, kith_measure_since(m, news->at));
    m->no_memory |= !ok;
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

static void blame_network(struct kith_measure *m, bool death)
{
    if (m->network < 0) return;
    struct kith_measure_happening *h = &m->happenings[m->network];
    double time = kith_measure_since(m, h->at);
    bool ok = !death || kith_sample_add(&h->told, time);
    if (!m->network_noticed) ok = kith_sample_add(&h->noticed, time) && ok;
    m->network_noticed = true;
    m->no_memory |= !ok;
}

static void on_suspect(struct kith_measure *m, int node, int about,
                       const struct kith_member *member)
{
    if (member->state != KITH_SUSPECT) {
        hear(m, node, about, KITH_NEWS_GOOD);
        return;
    }
    notice(m, &m->nodes[about].news[KITH_NEWS_BAD]);
    if (!is_own(m, node, member)) return;
    m->suspicions++;
    blame_network(m, false);
    charge(m, node, about, false);
}

static void on_leave(struct kith_measure *m, int node, int about, const struct kith_member *member)
{
    kith_views_told(m, node, about, false);
    hear(m, node, about, KITH_NEWS_BAD);
    if (member->state != KITH_DEAD || !is_own(m, node, member)) return;
    m->deaths++;
    blame_network(m, true);
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

static void look_for_cut(void *arg, struct kith_bytes text)
{
    static const char cut[] = "\"cut\":true";
    if (memmem(text.data, text.len, cut, sizeof cut - 1)) *(bool *)arg = true;
}

static bool is_cut(struct kith_measure *m, int from, int to)
{
    char words[600];
    bool cut = false;
    if (!m->cuts) return false;
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
