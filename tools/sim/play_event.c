/*
 * play_event.c - an event when its time has come: to whom it happens, one after the other if it is
 * spread over a time; when it is undone, and when it comes again.
 */
#include "play_parts.h"
#include <stdlib.h>

static void add(struct kith_play *p, struct kith_todo todo)
{
    if (!kith_queue_add(&p->queue, todo)) p->no_memory = true;
}

static bool is_message(const struct kith_scenario_event *e)
{
    return e->deed == KITH_DEED_BROADCAST || e->deed == KITH_DEED_SEND;
}

static bool is_network(const struct kith_scenario_event *e)
{
    return e->deed == KITH_DEED_CUT || e->deed == KITH_DEED_PARTITION ||
           e->deed == KITH_DEED_HEAL || e->deed == KITH_DEED_SET;
}

/* Once more? times: how often it was. */
static bool comes_again(const struct kith_scenario_event *e, uint32_t times)
{
    return (e->every || e->count) && (!e->count || times + 1 < e->count);
}

/* --------------------------------------------------------------------------------- who and what */

/* Who was drawn: by name, when there are few. */
static char *drawn_names(struct kith_play *p, const struct kith_occurrence *o)
{
    char *text = NULL;
    size_t len = 0;
    if (o->e->who.set || !o->who_count) return NULL;
    FILE *out = open_memstream(&text, &len);
    if (!out) return NULL;
    if (o->who_count > 3) fprintf(out, "%zu nodes", o->who_count);
    for (size_t i = 0; i < o->who_count && o->who_count <= 3; i++)
        fprintf(out, "%s%s", i ? ", " : "", kith_cluster_name(p->cluster, o->who[i]));
    fclose(out);
    return text;
}

static int new_happening(struct kith_play *p, const struct kith_occurrence *o, const char *kind,
                         const char *before)
{
    char *text = kith_deed_text(o), *all = NULL;
    if (text && asprintf(&all, "%s%s", before, text) < 0) all = NULL;
    int number = all ? kith_measure_happening(p->measure, kind, all) : -1;
    if (!all) p->no_memory = true;
    free(text);
    free(all);
    return number;
}

static struct kith_occurrence *new_occurrence(struct kith_play *p, const struct kith_todo *todo)
{
    struct kith_occurrence *o = calloc(1, sizeof *o);
    if (!o) return NULL;
    *o = (struct kith_occurrence){
        .next = p->occurrences, .e = todo->e, .times = todo->times, .happening = -1, .undoing = -1};
    p->occurrences = o;
    if (o->e->who.in && !is_network(o->e)) {
        o->who = kith_lots_draw(p, o, &o->e->who, 0, NULL, &o->who_count);
        if (!o->who) return NULL;
        o->names = drawn_names(p, o);
    }
    if (o->e->to.in && !is_network(o->e)) {
        o->to = kith_lots_draw(p, o, &o->e->to, 1, NULL, &o->to_count);
        if (!o->to) return NULL;
    }
    return o;
}

/* ------------------------------------------------------------------------------------- kinds */

static void begin_event(struct kith_play *p, const struct kith_todo *todo)
{
    const struct kith_scenario_event *e = todo->e;
    if (!is_message(e) && comes_again(e, todo->times))
        add(p, (struct kith_todo){.at = todo->at + e->every,
                                  .kind = KITH_TODO_EVENT,
                                  .e = e,
                                  .times = todo->times + 1});
    struct kith_occurrence *o = new_occurrence(p, todo);
    if (!o) {
        p->no_memory = true;
        return;
    }
    if (!is_network(e) && !o->who_count) {
        kith_deed_failed(p, o, -1, "there is nobody that it can be done to");
        return;
    }
    o->happening = new_happening(p, o, kith_deed_words[e->deed], "");
    if (is_network(e)) kith_deed_network(p, o);
    if (is_network(e) && e->lasts)
        add(p, (struct kith_todo){
                   .at = todo->at + e->lasts, .kind = KITH_TODO_UNDO_RULE, .e = e, .of = o});
    for (size_t i = 0; i < o->who_count; i++)
        add(p, (struct kith_todo){.at = todo->at + e->over / o->who_count * i,
                                  .kind = KITH_TODO_ONE,
                                  .e = e,
                                  .of = o,
                                  .node = o->who[i]});
}

static void do_one(struct kith_play *p, const struct kith_todo *todo)
{
    const struct kith_scenario_event *e = todo->e;
    if (is_message(e) && comes_again(e, todo->times)) {
        struct kith_todo next = *todo;
        next.at += e->every;
        next.times++;
        add(p, next);
    }
    if (!kith_deed_fits(p, todo->of, todo->node)) {
        kith_deed_failed(p, todo->of, todo->node,
                         e->deed == KITH_DEED_JOIN ? "it runs already" : "it does not run");
        return;
    }
    if (is_message(e))
        kith_deed_message(p, todo->of, todo->node);
    else
        kith_deed_do(p, todo->of, todo->node);
    if (e->lasts)
        add(p, (struct kith_todo){.at = todo->at + e->lasts,
                                  .kind = KITH_TODO_UNDO_ONE,
                                  .e = e,
                                  .of = todo->of,
                                  .node = todo->node});
}

static void undo(struct kith_play *p, const struct kith_todo *todo)
{
    struct kith_occurrence *o = todo->of;
    bool rule = todo->kind == KITH_TODO_UNDO_RULE, killed = o->e->deed == KITH_DEED_KILL;
    const char *kind = rule ? "heal" : killed ? "restart" : "continue";
    if (rule ? !o->rule : !kith_deed_stands(p, o, todo->node)) return;
    if (o->undoing < 0) o->undoing = new_happening(p, o, kind, "end of ");
    if (rule)
        kith_deed_network_undo(p, o);
    else
        kith_deed_undo(p, o, todo->node);
}

void kith_event_do(struct kith_play *p, const struct kith_todo *todo)
{
    switch (todo->kind) {
    case KITH_TODO_EVENT: begin_event(p, todo); break;
    case KITH_TODO_ONE: do_one(p, todo); break;
    case KITH_TODO_UNDO_ONE:
    case KITH_TODO_UNDO_RULE: undo(p, todo); break;
    }
}
