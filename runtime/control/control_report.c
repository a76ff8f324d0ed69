/*
 * control_report.c - members and node as JSON, for programs: numbers are numbers, bytes are base64,
 * names are text. No secret is ever in it.
 */
#include "control_inside.h"
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char *const states[] = {"alive", "suspect", "dead", "left"};
static const char *const plugin_kinds[] = {
    [KITH_TRANSPORT] = "transport", [KITH_CODEC] = "codec", [KITH_DELEGATE] = "delegate"};

int kith_state_parse(const char *text)
{
    for (int i = 0; text && i < 4; i++)
        if (!strcmp(text, states[i])) return i;
    return -KITH_EINVAL;
}

static json_t *versions(const uint8_t v[3])
{
    return json_pack("{s:i,s:i,s:i}", "min", v[0], "max", v[1], "version", v[2]);
}

json_t *kith_report_member(struct kith *k, const struct kith_member *m)
{
    char address[KITH_ADDR_TEXT], addr[KITH_ADDR_TEXT];
    struct kith_addr host = m->addr;
    host.port = 0; /* formatted without it */
    kith_node_format(k, &m->addr, address, sizeof address);
    kith_node_format(k, &host, addr, sizeof addr);
    json_t *out =
        json_pack("{s:o,s:o,s:o,s:i,s:s,s:I,s:o,s:o,s:o}", "name", kith_json_bytes(m->name),
                  "address", kith_json_text(address), "addr", kith_json_text(addr), "port",
                  (int)m->addr.port, "state", states[m->state & 3], "incarnation",
                  (json_int_t)m->incarnation, "meta", kith_json_base64(m->meta), "protocol",
                  versions(m->versions), "delegate_protocol", versions(m->versions + 3));
    if (out && m->accuser.len) json_object_set_new(out, "accuser", kith_json_bytes(m->accuser));
    uint64_t now = kith_node_now(k);
    if (out && m->since && m->since <= now)
        json_object_set_new(out, "since_seconds",
                            json_real((double)((now - m->since) / 1000000u) / 1e3));
    return out;
}

/* ----------------------------------------------------------------------------------- members */

static void visit_members(struct kith *k, bool (*visit)(void *arg, const struct kith_member *),
                          void *arg)
{
    const struct kith_node *node = kith_table(k);
    uint64_t cursor = 0;
    while (cursor != UINT64_MAX) node->members(node, &cursor, SIZE_MAX, visit, arg);
}

struct listing {
    struct kith *k;
    json_t **items;
    size_t count, cap;
    size_t in_state[4];
};

static bool list_member(void *arg, const struct kith_member *m)
{
    struct listing *l = arg;
    if (l->count == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 64;
        json_t **grown = realloc(l->items, cap * sizeof *grown);
        if (!grown) return true;
        l->items = grown;
        l->cap = cap;
    }
    if ((l->items[l->count] = kith_report_member(l->k, m))) l->count++;
    return true;
}

static int by_name(const void *a, const void *b)
{
    const char *x = json_string_value(json_object_get(*(json_t *const *)a, "name"));
    const char *y = json_string_value(json_object_get(*(json_t *const *)b, "name"));
    return strcmp(x ? x : "", y ? y : "");
}

json_t *kith_report_members(struct kith *k)
{
    struct listing l = {.k = k};
    json_t *array = json_array();
    visit_members(k, list_member, &l);
    if (l.count) qsort(l.items, l.count, sizeof *l.items, by_name);
    for (size_t i = 0; i < l.count; i++) json_array_append_new(array, l.items[i]);
    free(l.items);
    return json_pack("{s:o}", "members", array);
}

static bool count_member(void *arg, const struct kith_member *m)
{
    struct listing *l = arg;
    l->in_state[m->state & 3]++;
    return true;
}

size_t kith_report_count(struct kith *k, enum kith_state state)
{
    struct listing l = {.k = k};
    visit_members(k, count_member, &l);
    return l.in_state[state & 3];
}

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
                            kith_json_bytes(s->labels[i].value));
    return all;
}

static void add_stat(void *arg, const struct kith_stat *s)
{
    static const char *const kinds[] = {
        [KITH_COUNTER] = "counter", [KITH_GAUGE] = "gauge", [KITH_HISTOGRAM] = "histogram"};
    json_t *one = json_pack("{s:s,s:s}", "name", s->name, "kind", kinds[s->kind]);
    if (!one) return;
    json_object_set_new(one, s->kind == KITH_HISTOGRAM ? "sum" : "value", number(s->value));
    if (s->label_count) json_object_set_new(one, "labels", labels(s));
    if (s->help) json_object_set_new(one, "help", json_string(s->help));
    if (s->kind == KITH_HISTOGRAM) add_buckets(one, s);
    json_array_append_new(arg, one);
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
        arg, json_pack("{s:o,s:o}", "entry", kith_json_bytes(entry), "why", kith_json_text(why)));
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
    static const char *const names[] = {"compress", "check", "authenticate", "encrypt"};
    json_t *list = json_array();
    for (unsigned i = 0; i < 4; i++)
        if (bits & 1u << i) json_array_append_new(list, json_string(names[i]));
    return list;
}

static json_t *counts(const struct listing *l)
{
    return json_pack("{s:I,s:I,s:I,s:I}", "alive", (json_int_t)l->in_state[0], "suspect",
                     (json_int_t)l->in_state[1], "dead", (json_int_t)l->in_state[2], "left",
                     (json_int_t)l->in_state[3]);
}

json_t *kith_report_info(struct kith *k)
{
    static const char *const profiles[] = {"lan", "wan", "local"};
    const struct kith_node *node = kith_table(k);
    const struct kith_config *config = kith_node_config(k);
    const struct kith_settings *set = &config->settings;
    struct kith_member self = {.size = sizeof self};
    struct listing l = {.k = k};
    node->local(node, &self);
    visit_members(k, count_member, &l);
    json_t *out = kith_report_member(k, &self), *stats = json_array();
    if (!out) {
        json_decref(stats);
        return NULL;
    }
    double up = (double)(kith_node_uptime(k) / 1000000u) / 1e3;
    json_object_set_new(out, "version", json_string(kith_version()));
    json_object_set_new(out, "pid", json_integer(getpid()));
    json_object_set_new(out, "uptime_seconds", json_real(up));
    json_object_set_new(out, "file", json_string(config->path));
    json_object_set_new(out, "profile", json_string(profiles[set->profile % 3]));
    json_object_set_new(out, "label", kith_json_text(set->label ? set->label : ""));
    json_object_set_new(out, "health", json_integer(kith_node_health(k)));
    json_object_set_new(out, "degraded", degraded(k));
    json_object_set_new(out, "members", counts(&l));
    json_object_set_new(out, "require", require(config->chain.require));
    json_object_set_new(out, "keys", fingerprints(k));
    json_object_set_new(out, "plugins", plugins(k));
    json_object_set_new(out, "codecs", codecs(k));
    json_object_set_new(out, "refused", refused(k));
    node->stats(node, add_stat, stats);
    json_object_set_new(out, "stats", stats);
    return out;
}
