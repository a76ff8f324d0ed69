/*
 * scenario_event.c - links and events, one by one: what each says, and whether its keys go
 * together. What one event means for another is not looked at here.
 */
#include "scenario_parts.h"
#include "units.h"
#include <stdlib.h>

enum { EVENTS_MAX = 4096, SETS_MAX = 254 };

static struct kith_scenario_reading *all_of(struct kith_reading *r)
{
    return (struct kith_scenario_reading *)(void *)r;
}

/* ------------------------------------------------------------------------------------- types */

/* The same in another text, at the same place. */
static const struct kith_yaml *in_place_of(struct kith_reading *r, const struct kith_yaml *v,
                                           const char *text)
{
    struct kith_yaml *other = kith_yaml_scalar(r->temp, text);
    other->pos = v->pos;
    other->key = v->key;
    return other;
}

/* "5%" without its sign; NULL: it is no such thing. */
static const char *percent(struct kith_reading *r, const struct kith_yaml *v)
{
    size_t len = v->kind == KITH_YAML_SCALAR ? v->len : 0;
    return len > 1 && v->text[len - 1] == '%' ? kith_arena_strndup(r->temp, v->text, len - 1)
                                              : NULL;
}

static void read_part(struct kith_reading *r, const struct kith_param *p, const struct kith_yaml *v,
                      double *out)
{
    const char *digits = percent(r, v);
    const struct kith_param number = {.name = p->name,
                                      .type = KITH_PARAM_FLOAT,
                                      .min = digits ? NULL : "0",
                                      .max = digits ? NULL : "1",
                                      .def = "0"};
    kith_schema_value(r, &number, digits ? in_place_of(r, v, digits) : v, out);
    if (!digits) return;
    *out /= 100;
    if (*out >= 0 && *out <= 1) return;
    kith_diag_error(r->diag, v->pos, NULL, "'%s': %s is out of range, 0%% to 100%% are possible",
                    p->name, v->text);
    *out = 0;
}

/* A part of the whole time is for scenarios that fit any. */
static void read_when(struct kith_reading *r, const struct kith_param *p, const struct kith_yaml *v,
                      uint64_t *out)
{
    const struct kith_param duration = {
        .name = p->name, .type = KITH_PARAM_DURATION, .max = "1000h", .def = "0"};
    double part = 0;
    if (!percent(r, v)) {
        kith_schema_value(r, &duration, v, out);
        return;
    }
    read_part(r, p, v, &part);
    *out = (uint64_t)(part * (double)all_of(r)->scenario->time);
}

static void read_sets(struct kith_scenario_reading *rd, const struct kith_yaml *v,
                      struct kith_scenario_event *e)
{
    bool list = v->kind == KITH_YAML_LIST;
    size_t room = list ? v->count : 1;
    e->sets = kith_arena_alloc(rd->r.arena, (room + 1) * sizeof *e->sets);
    if (room > SETS_MAX)
        kith_diag_error(rd->r.diag, v->pos, NULL,
                        "'partition' has %zu sets, at most %d are "
                        "possible",
                        room, SETS_MAX);
    if (room > SETS_MAX || v->bad) return;
    for (const struct kith_yaml *i = list ? v->first : v; i; i = list ? i->next : NULL)
        kith_nodes_read(rd, "partition", i, &e->sets[e->set_count++]);
    if (!e->set_count)
        kith_diag_error(rd->r.diag, v->pos, "write [ eu, us ], or one group",
                        "'partition' is empty");
}

void kith_scenario_type_read(struct kith_reading *r, const struct kith_param *p,
                             const struct kith_yaml *v, void *at, const char *path)
{
    if (!v) return;
    switch (p->type) {
    case KITH_TYPE_GROUPS:
    case KITH_TYPE_LINKS:
    case KITH_TYPE_EVENTS: *(const struct kith_yaml **)at = v; break;
    case KITH_TYPE_NODES: kith_nodes_read(all_of(r), p->name, v, at); break;
    case KITH_TYPE_NODE_SETS:
        read_sets(all_of(r), v, (void *)((char *)at - offsetof(struct kith_scenario_event, sets)));
        break;
    case KITH_TYPE_WHEN: read_when(r, p, v, at); break;
    case KITH_TYPE_PART: read_part(r, p, v, at); break;
    default: abort();
    }
}

/* ------------------------------------------------------------------------------------- links */

/* The values that the map gives, as "delay=80ms loss=0.01". */
static const char *change_of(struct kith_scenario_reading *rd, const struct kith_yaml *map,
                             const struct kith_scenario_values *values)
{
    const char *change = "";
    for (const struct kith_param *p = kith_value_keys; p->name; p++) {
        static const struct kith_param part = {.type = KITH_PARAM_FLOAT};
        if (!kith_yaml_get(map, p->name)) continue;
        char *text = kith_param_text(p->type == KITH_TYPE_PART ? &part : p,
                                     (const char *)values + p->offset);
        change =
            kith_arena_printf(rd->r.arena, "%s%s%s=%s", change, *change ? " " : "", p->name, text);
        free(text);
    }
    return change;
}

static void read_link(struct kith_scenario_reading *rd, const struct kith_yaml *v, size_t i,
                      struct kith_scenario_link *link)
{
    struct kith_scenario_values values = {0};
    const struct kith_part parts[] = {{kith_link_keys, link}, {kith_value_keys, &values}};
    size_t before = kith_diag_errors(rd->r.diag);
    kith_schema_read(&rd->r, v, kith_arena_printf(rd->r.temp, "link %zu", i + 1), "links", parts,
                     2);
    if (!link->from.text) kith_nodes_all(rd, &link->from);
    if (!link->to.text) kith_nodes_all(rd, &link->to);
    link->change = change_of(rd, v, &values);
    if (kith_diag_errors(rd->r.diag) != before) return;
    if (!*link->change)
        kith_diag_error(rd->r.diag, v->pos, "write delay, jitter, loss, bandwidth, ...",
                        "link %zu says nothing of the link", i + 1);
    if (!link->from.set || !link->to.set)
        kith_diag_error(rd->r.diag, link->from.set ? link->to.pos : link->from.pos,
                        "name them: n0..n9", "the nodes of a link are not drawn");
}

/* The items of a list, which is one of maps; false: said why it is not. */
static bool is_list(struct kith_scenario_reading *rd, const struct kith_yaml *v, const char *key)
{
    if (!v || v->bad) return false;
    if (v->kind != KITH_YAML_LIST)
        kith_diag_error(rd->r.diag, v->pos, "begin each with a dash: `- { ... }`",
                        "'%s' takes a list", key);
    else if (v->count > EVENTS_MAX)
        kith_diag_error(rd->r.diag, v->pos, NULL, "'%s' has %zu items, at most %d are possible",
                        key, v->count, EVENTS_MAX);
    return v->kind == KITH_YAML_LIST && v->count <= EVENTS_MAX;
}

void kith_links_read(struct kith_scenario_reading *rd, const struct kith_yaml *v)
{
    struct kith_scenario *s = rd->scenario;
    if (!is_list(rd, v, "links")) return;
    s->links = kith_arena_alloc(rd->r.arena, (v->count + 1) * sizeof *s->links);
    for (const struct kith_yaml *i = v->first; i; i = i->next, s->link_count++)
        read_link(rd, i, s->link_count, &s->links[s->link_count]);
}

/* ------------------------------------------------------------------------------------ events */

/* Which deed the map asks for; KITH_DEEDS after saying why it is none, or not one. */
static enum kith_deed deed_of(struct kith_scenario_reading *rd, const struct kith_yaml *map,
                              bool known)
{
    enum kith_deed found = KITH_DEEDS;
    for (unsigned i = 0; i < KITH_DEEDS; i++) {
        const struct kith_yaml *v = kith_yaml_get(map, kith_deed_words[i]);
        if (!v) continue;
        if (found != KITH_DEEDS) {
            kith_diag_error(rd->r.diag, v->key->pos, "make it two events",
                            "an event has one deed: this one has '%s' and '%s'",
                            kith_deed_words[found], kith_deed_words[i]);
            return KITH_DEEDS;
        }
        found = i;
    }
    if (found == KITH_DEEDS && known)
        kith_diag_error(
            rd->r.diag, map->pos,
            kith_arena_printf(rd->r.temp, "add one of: %s", kith_deeds_that_take(rd->r.temp, "at")),
            "an event says what is done, and to whom");
    return found;
}

static bool is_deed(const char *key)
{
    for (unsigned i = 0; i < KITH_DEEDS; i++)
        if (strcmp(key, kith_deed_words[i]) == 0) return true;
    return false;
}

static bool is_known(const char *key)
{
    for (const struct kith_param *p = kith_event_keys; p->name; p++)
        if (strcmp(p->name, key) == 0) return true;
    for (const struct kith_param *p = kith_value_keys; p->name; p++)
        if (strcmp(p->name, key) == 0) return true;
    return false;
}

static bool knows_all(const struct kith_yaml *map)
{
    for (const struct kith_yaml *i = map->first; i; i = i->next)
        if (!is_known(i->key->text)) return false;
    return true;
}

/* Keys that have no meaning for this deed. */
static void check_keys(struct kith_scenario_reading *rd, const struct kith_yaml *map,
                       enum kith_deed deed)
{
    for (const struct kith_yaml *i = map->first; i; i = i->next) {
        const char *key = i->key->text;
        if (is_deed(key) || !is_known(key) || kith_deed_takes(deed, key)) continue;
        kith_diag_error(
            rd->r.diag, i->key->pos,
            kith_arena_printf(rd->r.temp, "it goes with %s", kith_deeds_that_take(rd->r.temp, key)),
            "'%s' has no meaning for '%s'", key, kith_deed_words[deed]);
    }
}

static void need(struct kith_scenario_reading *rd, const struct kith_yaml *map,
                 const struct kith_scenario_event *e, const char *key, const char *example)
{
    if (kith_yaml_get(map, key)) return;
    kith_diag_error(rd->r.diag, map->pos, kith_arena_printf(rd->r.temp, "add `%s`", example),
                    "'%s' needs '%s'", kith_deed_words[e->deed], key);
}

static void check_event(struct kith_scenario_reading *rd, const struct kith_yaml *map,
                        const struct kith_scenario_event *e)
{
    bool sends = e->deed == KITH_DEED_BROADCAST || e->deed == KITH_DEED_SEND;
    need(rd, map, e, "at", "at: 1m");
    if (e->deed == KITH_DEED_SEND) need(rd, map, e, "to", "to: n1");
    if (e->deed == KITH_DEED_META) need(rd, map, e, "value", "value: hello");
    if (e->deed == KITH_DEED_SET && !*e->change)
        kith_diag_error(rd->r.diag, map->pos, "add `loss: 10%`, `delay: 100ms`, ...",
                        "'set' says nothing of the link");
    if (e->deed == KITH_DEED_HEAL && e->who.in && strcmp(e->who.text, "all") != 0)
        kith_diag_error(rd->r.diag, e->who.pos,
                        "write `heal: all`; one cut alone is taken back by its own `for`",
                        "'heal' is about all cuts and partitions, not '%s'", e->who.text);
    const struct kith_yaml *count = kith_yaml_get(map, "count"),
                           *every = kith_yaml_get(map, "every");
    if (count && !every && !sends)
        kith_diag_error(rd->r.diag, count->key->pos, "add `every: 10s`", "'count' needs 'every'");
    if (every && !e->every && !every->bad)
        kith_diag_error(rd->r.diag, every->pos, NULL, "'every' is more than 0");
}

static void read_event(struct kith_scenario_reading *rd, const struct kith_yaml *map,
                       struct kith_scenario_event *e)
{
    struct kith_scenario_values values = {0};
    const struct kith_part parts[] = {{kith_event_keys, e}, {kith_value_keys, &values}};
    size_t before = kith_diag_errors(rd->r.diag);
    e->pos = map->pos;
    e->deed = KITH_DEEDS;
    if (map->bad || map->kind != KITH_YAML_MAP) {
        kith_schema_read(&rd->r, map, "an event", "events", parts, 2);
        return;
    }
    e->deed = deed_of(rd, map, knows_all(map));
    kith_schema_read(&rd->r, map, "an event", "events", parts, 2);
    if (e->deed == KITH_DEEDS) return;
    check_keys(rd, map, e->deed);
    e->change = change_of(rd, map, &values);
    if (kith_diag_errors(rd->r.diag) == before) check_event(rd, map, e);
}

void kith_events_read(struct kith_scenario_reading *rd, const struct kith_yaml *v)
{
    struct kith_scenario *s = rd->scenario;
    if (!is_list(rd, v, "events")) return;
    s->events = kith_arena_alloc(rd->r.arena, (v->count + 1) * sizeof *s->events);
    for (const struct kith_yaml *i = v->first; i; i = i->next)
        read_event(rd, i, &s->events[s->event_count++]);
}
