/*
 * control_info.c - what a node says of itself, as JSON: numbers are numbers, names are text. No
 * secret is ever in it. How much it counts is its entries' choice, so the numbers are told in
 * pieces.
 */
#include "control_inside.h"
#include <stdlib.h>
#include <unistd.h>

static const char *const plugin_kinds[] = {
    [KITH_TRANSPORT] = "transport", [KITH_CODEC] = "codec", [KITH_DELEGATE] = "delegate"};

/* ---------------------------------------------------------------------------------- the node */

/* Whole values as integers: 3, not 3.0. */
static json_t *number(double value)
{
    bool whole = value >= 0 && value < 9e15 && value == (double)(json_int_t)value;
    return whole ? json_integer((json_int_t)value) : json_real(value);
}

static void add_buckets(json_t *one, const struct kith_stat *s)
{
    json_t *buckets = json_array();
    for (size_t i = 0; i < s->bound_count; i++)
        json_array_append_new(
            buckets, json_pack("{s:f,s:I}", "le", s->bounds[i], "count", (json_int_t)s->counts[i]));
    json_object_set_new(one, "count", json_integer((json_int_t)s->count));
    json_object_set_new(one, "buckets", buckets);
}

static json_t *labels(const struct kith_stat *s)
{
    json_t *all = json_object();
    for (size_t i = 0; i < s->label_count; i++) /* the host gives text: it ends in NUL */
        json_object_set_new(all, (const char *)s->labels[i].name.data,
                            kith_json_name(s->labels[i].value));
    return all;
}

static json_t *stat_json(const struct kith_stat *s)
{
    static const char *const kinds[] = {
        [KITH_COUNTER] = "counter", [KITH_GAUGE] = "gauge", [KITH_HISTOGRAM] = "histogram"};
    json_t *one = json_pack("{s:s,s:s}", "name", s->name, "kind", kinds[s->kind]);
    if (!one) return NULL;
    json_object_set_new(one, s->kind == KITH_HISTOGRAM ? "sum" : "value", number(s->value));
    if (s->label_count) json_object_set_new(one, "labels", labels(s));
    if (s->help) json_object_set_new(one, "help", json_string(s->help));
    if (s->kind == KITH_HISTOGRAM) add_buckets(one, s);
    return one;
}

static void add_plugin(json_t *list, const struct kith_entry *e)
{
    json_t *one =
        json_pack("{s:s,s:s,s:s,s:s}", "kind", plugin_kinds[e->kind], "name", e->name, "plugin",
                  e->plugin->name, "version", e->plugin->version ? e->plugin->version : "");
    if (one && e->channel) json_object_set_new(one, "channel", json_string(e->channel));
    json_array_append_new(list, one);
}

static void add_running(void *arg, const struct kith_instance *in) { add_plugin(arg, in->entry); }

/* The chain is swapped as a whole: all of it runs as its file says. */
static json_t *plugins(const struct kith *k)
{
    const struct kith_entries *send = &kith_node_config(k)->chain.send;
    json_t *list = json_array();
    for (size_t i = 0; i < send->count; i++) add_plugin(list, &send->items[i]);
    kith_node_running(k, add_running, list);
    return list;
}

/* Compressors judge by what they sent; a node that only listens, by what came. */
static double ratio(const struct kith_codec_stats *s)
{
    if (s->seal_out) return (double)s->seal_in / (double)s->seal_out;
    return s->open_in ? (double)s->open_out / (double)s->open_in : 1;
}

static json_t *codecs(struct kith *k)
{
    json_t *list = json_array();
    struct kith_codec_stats s;
    for (size_t i = 0; i < kith_pipeline_stats(kith_node_pipeline(k), i, &s); i++) {
        const struct {
            const char *name;
            uint64_t value;
        } numbers[] = {
            {"sealed", s.sealed},
            {"opened", s.opened},
            {"passed", s.passed},
            {"seal_in", s.seal_in},
            {"seal_out", s.seal_out},
            {"open_in", s.open_in},
            {"open_out", s.open_out},
            {"failed_auth", s.failed_auth},
            {"failed_size", s.failed_size},
            {"failed_checksum", s.failed_checksum},
            {"seal_ns", s.seal_ns},
            {"failed_malformed", s.failed_malformed},
            {"open_ns", s.open_ns},
            {"seal_ns_each", s.seal_timed ? s.seal_ns / s.seal_timed : 0},
            {"open_ns_each", s.open_timed ? s.open_ns / s.open_timed : 0},
        };
        json_t *one = json_pack("{s:s,s:f}", "name", s.name, "ratio", ratio(&s));
        for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++)
            json_object_set_new(one, numbers[n].name, json_integer((json_int_t)numbers[n].value));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *refused(struct kith *k)
{
    json_t *out = json_object();
    for (int why = 0; why < KITH_REFUSED_COUNT; why++)
        json_object_set_new(
            out, kith_refusal_name(why),
            json_integer((json_int_t)kith_pipeline_refused(kith_node_pipeline(k), why)));
    return out;
}

static void add_degraded(void *arg, struct kith_bytes entry, const char *why)
{
    json_array_append_new(
        arg, json_pack("{s:o,s:o}", "entry", kith_json_name(entry), "why", kith_json_text(why)));
}

static json_t *degraded(const struct kith *k)
{
    json_t *list = json_array();
    kith_node_degraded(k, add_degraded, list);
    return list;
}

static json_t *fingerprints(struct kith *k)
{
    json_t *list = json_array();
    char text[KITH_FINGERPRINT];
    struct kith_keyring *ring = kith_node_keyring(k);
    for (size_t i = 0; i < kith_keyring_count(ring); i++) {
        kith_keyring_fingerprint(ring, i, text);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static json_t *require(uint32_t bits)
{
    json_t *list = json_array();
    for (unsigned i = 0; kith_requirements[i]; i++)
        if (bits & 1u << i) json_array_append_new(list, json_string(kith_requirements[i]));
    return list;
}

static json_t *counts(const struct kith *k)
{
    return json_pack("{s:I,s:I,s:I,s:I}", "alive", (json_int_t)kith_node_count(k, KITH_ALIVE),
                     "suspect", (json_int_t)kith_node_count(k, KITH_SUSPECT), "dead",
                     (json_int_t)kith_node_count(k, KITH_DEAD), "left",
                     (json_int_t)kith_node_count(k, KITH_LEFT));
}

/* All but the numbers. */
static json_t *about(struct kith *k, struct kith_control *control)
{
    static const char *const profiles[] = {"lan", "wan", "local"};
    const struct kith_config *config = kith_node_config(k);
    const struct kith_settings *set = &config->settings;
    struct kith_member self = {.size = sizeof self};
    kith_table(k)->local(kith_table(k), &self);
    json_t *out = kith_report_member(k, &self);
    if (!out) return NULL;
    double up = (double)(kith_node_uptime(k) / 1000000u) / 1e3;
    json_object_set_new(out, "version", json_string(kith_version()));
    json_object_set_new(out, "pid", json_integer(getpid()));
    json_object_set_new(out, "uptime_seconds", json_real(up));
    json_object_set_new(out, "file", json_string(config->path));
    json_object_set_new(out, "profile", json_string(profiles[set->profile % 3]));
    json_object_set_new(out, "label", kith_json_name(kith_text(set->label ? set->label : "")));
    json_object_set_new(out, "health", json_integer(kith_node_health(k)));
    json_object_set_new(out, "degraded", degraded(k));
    json_object_set_new(out, "members", counts(k));
    json_object_set_new(out, "monitors",
                        json_integer((json_int_t)kith_monitor_count(control->monitor)));
    json_object_set_new(out, "clients", json_integer((json_int_t)control->count));
    json_object_set_new(out, "clients_dropped", json_integer((json_int_t)control->dropped));
    json_object_set_new(out, "clients_refused", json_integer((json_int_t)control->refused));
    json_object_set_new(out, "require", require(config->chain.require));
    json_object_set_new(out, "keys", fingerprints(k));
    json_object_set_new(out, "plugins", plugins(k));
    json_object_set_new(out, "codecs", codecs(k));
    json_object_set_new(out, "refused", refused(k));
    return out;
}

/* ---------------------------------------------------------------------------------- in pieces */

/* Where in the numbers it is. Each piece visits them all and tells some: a visit is cheap. */
struct telling {
    struct kith_client *client;
    size_t next, at; /* the first that was not told; the one that is visited */
};

static void tell_stat(void *arg, const struct kith_stat *s)
{
    struct telling *t = arg;
    if (t->at++ < t->next || kith_client_waiting(t->client) >= KITH_CONTROL_PIECE) return;
    kith_client_put_text(t->client, t->next++ ? "," : "");
    kith_client_put_json(t->client, stat_json(s));
}

static bool more(void *self, struct kith_client *c)
{
    struct telling *t = self;
    const struct kith_node *node = kith_table(kith_client_node(c));
    t->at = 0;
    node->stats(node, tell_stat, t);
    if (t->next < t->at) return true;
    kith_client_put_text(c, "]");
    return false;
}

void kith_info_answer(struct kith_client *c, const struct kith_wait *wait)
{
    struct telling *t = calloc(1, sizeof *t);
    json_t *all = about(kith_client_node(c), kith_client_control(c));
    char *text = all ? json_dumps(all, KITH_CONTROL_JSON) : NULL;
    json_decref(all);
    if (!t || !text) {
        free(t);
        free(text);
        kith_client_fail(c, KITH_ENOMEM, "out of memory");
        return;
    }
    t->client = c;
    struct kith_source source = {.more = more, .free = free, .self = t};
    kith_client_put(c, text, strlen(text) - 1); /* its closing brace comes last */
    free(text);
    kith_client_put_text(c, ",\"stats\":[");
    kith_client_stream(c, &source);
}
