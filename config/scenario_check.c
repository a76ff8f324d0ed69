/*
 * scenario_check.c - what must hold between the events of a scenario: nothing after the end, and
 * nothing asked of nodes that can't be running by then. What lots decide may be so or so; only what
 * is a mistake whatever is drawn counts as one.
 */
#include "scenario_parts.h"
#include "units.h"
#include <stdlib.h>

/* An event, or the end of what it does. */
struct moment {
    uint64_t at;
    const struct kith_scenario_event *e;
    enum { BEGINS, IS_DONE, IS_UNDONE } what;
    size_t order;
};

/* What can be known of a node. */
struct fate {
    bool may_run, may_be_stopped;
    const struct kith_scenario_event *gone; /* why it does not run */
};

struct story {
    struct kith_scenario_reading *rd;
    struct fate *fates;
};

static const char *duration(struct kith_scenario_reading *rd, uint64_t ns)
{
    const struct kith_param p = {.type = KITH_PARAM_DURATION};
    char *text = kith_param_text(&p, &ns);
    const char *out = kith_arena_strdup(rd->r.temp, text);
    free(text);
    return out;
}

static bool is_network(const struct kith_scenario_event *e)
{
    return e->deed == KITH_DEED_CUT || e->deed == KITH_DEED_PARTITION ||
           e->deed == KITH_DEED_HEAL || e->deed == KITH_DEED_SET;
}

static bool sends(const struct kith_scenario_event *e)
{
    return e->deed == KITH_DEED_BROADCAST || e->deed == KITH_DEED_SEND;
}

static bool is_drawn(const struct kith_nodes *n) { return !n->set; }

/* ------------------------------------------------------------------------------------- times */

static void check_times(struct kith_scenario_reading *rd, const struct kith_scenario_event *e)
{
    uint64_t end = rd->scenario->time;
    const char *help =
        kith_arena_printf(rd->r.temp, "the end is at %s: 'time' says so", duration(rd, end));
    if (e->at >= end)
        kith_diag_error(rd->r.diag, e->pos, help, "'at': %s is beyond the end",
                        duration(rd, e->at));
    else if (e->over > end - e->at)
        kith_diag_error(rd->r.diag, e->pos, help, "'over': it goes on until %s, beyond the end",
                        duration(rd, e->at + e->over));
    if (e->every && e->every < e->over && !sends(e))
        kith_diag_error(rd->r.diag, e->pos, NULL, "it comes again every %s, but takes %s ('over')",
                        duration(rd, e->every), duration(rd, e->over));
    else if (e->every && e->lasts && e->every < e->lasts && e->count != 1 &&
             (is_network(e) || !is_drawn(&e->who)))
        kith_diag_error(rd->r.diag, e->pos, NULL,
                        "it comes again every %s, before it is undone after %s ('for')",
                        duration(rd, e->every), duration(rd, e->lasts));
}

/* ----------------------------------------------------------------------------------- how often */

/* Each time is a row of the report, and a message some memory. */
enum { TIMES_MAX = 10000, MESSAGES_MAX = 1000000 };

static double how_many(const struct kith_scenario_reading *rd, const struct kith_nodes *n)
{
    if (n->number) return n->number;
    return n->share > 0 ? n->share * rd->scenario->nodes : (double)n->count;
}

/* How often it happens: of messages, how many there are. */
static double times_of(const struct kith_scenario_reading *rd, const struct kith_scenario_event *e)
{
    double times = e->count ? e->count : 1;
    if (e->every) {
        double most = (double)((rd->scenario->time - e->at - 1) / e->every + 1);
        times = e->count && e->count < most ? e->count : most;
    }
    if (sends(e)) times *= how_many(rd, &e->who);
    if (e->deed == KITH_DEED_SEND) times *= how_many(rd, &e->to);
    return times;
}

static void check_how_often(struct kith_scenario_reading *rd)
{
    const struct kith_scenario *s = rd->scenario;
    double times = 0, messages = 0;
    for (size_t i = 0; i < s->event_count; i++) {
        const struct kith_scenario_event *e = &s->events[i];
        double *sum = sends(e) ? &messages : &times, most = sends(e) ? MESSAGES_MAX : TIMES_MAX;
        double more = times_of(rd, e);
        if (*sum <= most && *sum + more > most)
            kith_diag_error(rd->r.diag, e->pos, "make 'every' longer, or 'count' lower",
                            "'%s': with it there are %.0f %s, at most %.0f are possible",
                            kith_deed_words[e->deed], *sum + more,
                            sends(e) ? "messages" : "times that an event happens", most);
        *sum += more;
    }
}

/* -------------------------------------------------------------------------------- between whom */

static bool is_one_node(const struct kith_nodes *a, const struct kith_nodes *b, uint32_t nodes)
{
    if (!a->set || !b->set || a->count != 1 || b->count != 1) return false;
    return memcmp(a->in, b->in, nodes * sizeof *a->in) == 0;
}

/* No node has to do with itself. */
static void check_others(struct kith_scenario_reading *rd, const struct kith_scenario_event *e)
{
    if (!e->who.in || !e->to.in || !is_one_node(&e->who, &e->to, rd->scenario->nodes)) return;
    const char *what = e->deed == KITH_DEED_SEND   ? "can't send to"
                       : e->deed == KITH_DEED_JOIN ? "can't join"
                                                   : "has no link to";
    kith_diag_error(rd->r.diag, e->to.pos, NULL, "'%s': %s %s itself", kith_deed_words[e->deed],
                    e->who.text, what);
}

static void check_links(struct kith_scenario_reading *rd)
{
    const struct kith_scenario *s = rd->scenario;
    for (size_t i = 0; i < s->link_count && s->nodes > 1; i++)
        if (is_one_node(&s->links[i].from, &s->links[i].to, s->nodes))
            kith_diag_error(rd->r.diag, s->links[i].to.pos, NULL,
                            "link %zu: %s has no link to itself", i + 1, s->links[i].from.text);
}

static void check_apart(struct kith_scenario_reading *rd, const struct kith_nodes *a,
                        const struct kith_nodes *b)
{
    for (uint32_t i = 0; i < rd->scenario->nodes; i++) {
        if (!a->in[i] || !b->in[i]) continue;
        kith_diag_error(rd->r.diag, b->pos, "who is in two sets is apart from nobody",
                        "'partition': n%u is in '%s' and in '%s'", i, a->text, b->text);
        return;
    }
}

static void check_partition(struct kith_scenario_reading *rd, const struct kith_scenario_event *e)
{
    const struct kith_nodes *sets = e->sets;
    for (size_t i = 0; i < e->set_count; i++)
        for (size_t k = 0; k < i; k++)
            if (sets[i].set && sets[k].set) check_apart(rd, &sets[k], &sets[i]);
    if (e->set_count == 1 && how_many(rd, sets) >= rd->scenario->nodes)
        kith_diag_error(rd->r.diag, sets->pos, "name some of them, or two groups",
                        "'partition': %s is everybody, and nobody is left to be apart from",
                        sets->text);
}

/* ------------------------------------------------------------------------------------- order */

static int by_time(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static int events_by_time(const void *a, const void *b)
{
    const struct kith_scenario_event *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    if (x->pos.line != y->pos.line) return x->pos.line < y->pos.line ? -1 : 1;
    return x->pos.col < y->pos.col ? -1 : x->pos.col > y->pos.col;
}

/* ------------------------------------------------------------------------------------- fates */

static const char *participle(enum kith_deed deed)
{
    return deed == KITH_DEED_LEAVE ? "left" : deed == KITH_DEED_STOP ? "was stopped" : "was killed";
}

static const struct kith_scenario_event *next_join(const struct story *s,
                                                   const struct kith_scenario_event *e)
{
    const struct kith_scenario *all = s->rd->scenario;
    for (size_t i = 0; i < all->event_count; i++) {
        const struct kith_scenario_event *j = &all->events[i];
        if (j->at < e->at || (j->deed != KITH_DEED_JOIN && j->deed != KITH_DEED_RESTART)) continue;
        for (uint32_t k = 0; k < all->nodes; k++)
            if (e->who.in[k] && j->who.in[k]) return j;
    }
    return NULL;
}

static void nobody_runs(struct story *s, const struct kith_scenario_event *e,
                        const struct kith_nodes *who, const struct fate *fate)
{
    struct kith_arena *temp = s->rd->r.temp;
    const struct kith_scenario_event *later = next_join(s, e);
    const char *help = NULL;
    if (fate->gone)
        help = kith_arena_printf(temp, "it %s at %s, by the event in line %u",
                                 participle(fate->gone->deed), duration(s->rd, fate->gone->at),
                                 fate->gone->pos.line);
    else if (later)
        help = kith_arena_printf(temp, "it joins at %s, by the event in line %u",
                                 duration(s->rd, later->at), later->pos.line);
    else
        help = kith_arena_printf(temp, "add `- { at: 0s, join: %s }`", who->text);
    kith_diag_error(s->rd->r.diag, who->pos, help, "'%s': %s does not run at %s",
                    kith_deed_words[e->deed], who->text, duration(s->rd, e->at));
}

/* Somebody must be there who can. */
static void check_runs(struct story *s, const struct kith_scenario_event *e,
                       const struct kith_nodes *who)
{
    const struct fate *last = NULL;
    for (uint32_t i = 0; i < s->rd->scenario->nodes; i++) {
        if (!who->in[i]) continue;
        if (s->fates[i].may_run) return;
        last = &s->fates[i];
    }
    if (last) nobody_runs(s, e, who, last);
}

static void check_stopped(struct story *s, const struct kith_scenario_event *e)
{
    for (uint32_t i = 0; i < s->rd->scenario->nodes; i++)
        if (e->who.in[i] && s->fates[i].may_be_stopped) return;
    kith_diag_error(s->rd->r.diag, e->who.pos, "a 'stop' comes before it; or has its own `for`",
                    "'continue': %s is not stopped at %s", e->who.text, duration(s->rd, e->at));
}

static void begins(struct story *s, const struct kith_scenario_event *e)
{
    bool starts = e->deed == KITH_DEED_JOIN || e->deed == KITH_DEED_RESTART;
    if (!starts) check_runs(s, e, &e->who);
    if (e->deed == KITH_DEED_SEND && e->to.in) check_runs(s, e, &e->to);
    if (e->deed == KITH_DEED_CONTINUE) check_stopped(s, e);
    for (uint32_t i = 0; i < s->rd->scenario->nodes; i++) {
        struct fate *f = &s->fates[i];
        if (!e->who.in[i]) continue;
        if (starts) *f = (struct fate){.may_run = true, .may_be_stopped = f->may_be_stopped};
        if (e->deed == KITH_DEED_STOP) f->may_be_stopped = true;
    }
}

/* All of them are gone, or go on: whatever was drawn. */
static void is_done(struct story *s, const struct kith_scenario_event *e)
{
    bool ends = e->deed == KITH_DEED_KILL || e->deed == KITH_DEED_LEAVE;
    for (uint32_t i = 0; i < s->rd->scenario->nodes; i++) {
        if (is_drawn(&e->who) || !e->who.in[i]) continue;
        if (ends) s->fates[i] = (struct fate){.gone = e};
        if (e->deed == KITH_DEED_CONTINUE) s->fates[i].may_be_stopped = false;
    }
}

static void is_undone(struct story *s, const struct kith_scenario_event *e)
{
    for (uint32_t i = 0; i < s->rd->scenario->nodes; i++) {
        if (!e->who.in[i]) continue;
        if (e->deed == KITH_DEED_KILL) s->fates[i] = (struct fate){.may_run = true};
    }
}

static void check_fates(struct story *s)
{
    const struct kith_scenario *all = s->rd->scenario;
    struct moment *moments =
        kith_arena_alloc(s->rd->r.temp, (3 * all->event_count + 1) * sizeof *moments);
    size_t n = 0;
    for (size_t i = 0; i < all->event_count; i++) {
        const struct kith_scenario_event *e = &all->events[i];
        if (is_network(e)) continue;
        moments[n] = (struct moment){e->at, e, BEGINS, n};
        n++;
        bool again = e->every && e->count != 1; /* what holds after all of them is open */
        bool one_by_one = e->over && e->lasts;  /* the first come back before the last have gone */
        if (!again && !one_by_one)
            moments[n] = (struct moment){e->at + e->over, e, IS_DONE, n}, n++;
        if (!again && e->lasts)
            moments[n] = (struct moment){e->at + e->lasts, e, IS_UNDONE, n}, n++;
    }
    qsort(moments, n, sizeof *moments, by_time);
    for (size_t i = 0; i < n; i++) {
        if (moments[i].what == BEGINS) begins(s, moments[i].e);
        if (moments[i].what == IS_DONE) is_done(s, moments[i].e);
        if (moments[i].what == IS_UNDONE) is_undone(s, moments[i].e);
    }
}

/* ---------------------------------------------------------------------------------- all of it */

static bool has_join(const struct kith_scenario *s)
{
    for (size_t i = 0; i < s->event_count; i++)
        if (s->events[i].deed == KITH_DEED_JOIN) return true;
    return false;
}

static void warn_of_the_lonely(struct story *s)
{
    uint32_t n = 0, nodes = s->rd->scenario->nodes;
    for (uint32_t i = 0; i < nodes; i++) n += !s->fates[i].may_run && !s->fates[i].gone;
    if (n)
        kith_diag_warning(s->rd->r.diag, (struct kith_pos){0}, "add `- { at: 0s, join: all }`",
                          "%u of the %u nodes never join", n, nodes);
}

void kith_scenario_consistency(struct kith_scenario_reading *rd)
{
    struct kith_scenario *s = rd->scenario;
    size_t before = kith_diag_errors(rd->r.diag);
    if (s->seeds > s->nodes) s->seeds = s->nodes;
    if (s->event_count) qsort(s->events, s->event_count, sizeof *s->events, events_by_time);
    check_links(rd);
    for (size_t i = 0; i < s->event_count; i++) {
        check_times(rd, &s->events[i]);
        check_others(rd, &s->events[i]);
        check_partition(rd, &s->events[i]);
    }
    if (kith_diag_errors(rd->r.diag) != before) return;
    check_how_often(rd);
    if (kith_diag_errors(rd->r.diag) != before) return;
    struct story story = {.rd = rd,
                          .fates = kith_arena_alloc(rd->r.temp, s->nodes * sizeof *story.fates)};
    for (uint32_t i = 0; i < s->nodes && !has_join(s); i++) story.fates[i].may_run = true;
    check_fates(&story);
    warn_of_the_lonely(&story);
}
