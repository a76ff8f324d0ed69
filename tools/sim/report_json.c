/*
 * report_json.c - a result for programs: the keys are those of result.h, numbers are numbers. A
 * distribution tells, beside its figures, "percentiles": 101 values, from the least to the most;
 * none of nothing. What is no number is null.
 */
#include "report_parts.h"

#include "utf8.h"
#include <jansson.h>
#include <math.h>
#include <string.h>

static json_t *number(double v)
{
    if (!isfinite(v)) return json_null();
    if (v == floor(v) && fabs(v) < 9e15) return json_integer((json_int_t)v);
    return json_real(v);
}

/* JSON takes UTF-8 alone. */
static json_t *text(const char *s)
{
    if (!s) return json_null();
    if (kith_utf8_text(s)) return json_string(s);
    char *clean = NULL;
    size_t len;
    FILE *out = open_memstream(&clean, &len);
    if (!out) return NULL;
    kith_put_text(out, KITH_PLAIN, s, 0);
    fclose(out);
    json_t *string = json_string(clean);
    free(clean);
    return string;
}

static json_t *whole(uint64_t v)
{
    return v <= INT64_MAX ? json_integer((json_int_t)v) : json_real((double)v);
}

static json_t *percentiles(const struct kith_spread *s)
{
    json_t *list = json_array();
    if (!s->value_count) return list;
    for (size_t i = 0; i <= 100; i++) {
        size_t at = (size_t)((double)(s->value_count - 1) * (double)i / 100 + 0.5);
        json_array_append_new(list, number(i == 100 ? s->max : s->values[at]));
    }
    return list;
}

static json_t *spread(const struct kith_spread *s)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "count", whole(s->count), "min",
                     number(s->min), "p50", number(s->p50), "p95", number(s->p95), "p99",
                     number(s->p99), "max", number(s->max), "mean", number(s->mean), "percentiles",
                     percentiles(s));
}

static json_t *happenings(const struct kith_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->happening_count; i++) {
        const struct kith_happening *h = &r->happenings[i];
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "at",
                            number(h->at), "text", text(h->text), "kind", text(h->kind), "about",
                            whole(h->about), "noticed", spread(&h->noticed), "told",
                            spread(&h->told), "to_tell", whole(h->to_tell), "silent",
                            whole(h->silent), "suspected_by", whole(h->suspected_by), "to_suspect",
                            whole(h->to_suspect), "dead", whole(h->dead)));
    }
    return list;
}

static json_t *messages(const struct kith_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->message_count; i++) {
        const struct kith_reach *m = &r->messages[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "at", number(m->at),
                                        "text", text(m->text), "broadcast", m->broadcast,
                                        "messages", whole(m->messages), "bytes", whole(m->bytes),
                                        "got", spread(&m->got), "to_get", whole(m->to_get)));
    }
    return list;
}

static json_t *traffic(const struct kith_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->traffic_count; i++) {
        const struct kith_message_rate *t = &r->traffic[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:o}", "message", text(t->message), "count",
                                        number(t->count), "bytes", number(t->bytes)));
    }
    return list;
}

static json_t *curves(const struct kith_result *r)
{
    json_t *all = json_object();
    for (size_t i = 0; i < r->curve_count; i++) {
        const struct kith_curve *c = &r->curves[i];
        json_t *values = json_array();
        for (size_t v = 0; v < c->count; v++) json_array_append_new(values, number(c->values[v]));
        json_object_set_new(all, c->name,
                            json_pack("{s:o, s:o, s:o}", "unit", text(c->unit), "step",
                                      number(c->step), "values", values));
    }
    return all;
}

static json_t *views(const struct kith_views *v)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "running", whole(v->running), "right", whole(v->right),
                     "least", whole(v->least), "most", whole(v->most));
}

static json_t *left_out(const struct kith_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->left_out_count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "what", text(r->left_out[i].what),
                                              "why", text(r->left_out[i].why)));
    return list;
}

int kith_report_json(FILE *out, const struct kith_result *r)
{
    json_t *all = json_object();
    const struct {
        const char *key;
        json_t *value;
    } rows[] = {
        {"file", text(r->file)},
        {"scenario", text(r->scenario)},
        {"profile", text(r->profile)},
        {"send", text(r->send)},
        {"nodes", whole(r->nodes)},
        {"seed", whole(r->seed)},
        {"time", number(r->time)},
        {"asked", number(r->asked > r->time ? r->asked : r->time)},
        {"left_out", left_out(r)},
        {"full_view", spread(&r->full_view)},
        {"lives", whole(r->lives)},
        {"at_end", views(&r->at_end)},
        {"happenings", happenings(r)},
        {"messages", messages(r)},
        {"suspicions", whole(r->suspicions)},
        {"deaths", whole(r->deaths)},
        {"refutations", whole(r->refutations)},
        {"false_suspicions", whole(r->false_suspicions)},
        {"false_deaths", whole(r->false_deaths)},
        {"traffic", traffic(r)},
        {"packets_sent", number(r->packets_sent)},
        {"packet_bytes_sent", number(r->packet_bytes_sent)},
        {"stream_bytes_sent", number(r->stream_bytes_sent)},
        {"packets_dropped", number(r->packets_dropped)},
        {"curves", curves(r)},
        {"cpu", number(r->cpu)},
        {"wall", number(r->wall)},
        {"memory", whole(r->memory)},
        {"node_seconds", number(r->node_seconds)},
    };
    int missing = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        missing |= json_object_set_new(all, rows[i].key, rows[i].value);
    int rc = missing ? -KITH_ENOMEM : 0;
    if (!rc && json_dumpf(all, out, JSON_COMPACT | JSON_REAL_PRECISION(9))) rc = -KITH_EIO;
    if (!rc && fputc('\n', out) == EOF) rc = -KITH_EIO;
    json_decref(all);
    return rc;
}
