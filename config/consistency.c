/*
 * consistency.c - what must hold between several values: the rules that no table can say.
 *
 * Errors for what can't work, warnings for what surely is not meant. The pipeline has its own rules
 * in chain_check.c, entries have theirs in entries_check.c.
 */
#include "schema.h"
#include <stdlib.h>

/* The first of two keys that the file gives. */
static struct kith_pos either(const struct kith_config *c, const char *path, const char *other)
{
    struct kith_pos pos = kith_pos_of(c, path);
    return pos.line ? pos : kith_pos_of(c, other);
}

static void check_node(struct kith_reading *r)
{
    const struct kith_config *c = r->config;
    const struct kith_settings *s = &c->settings;
    if (s->delegate_protocol_min > s->delegate_protocol_version ||
        s->delegate_protocol_version > s->delegate_protocol_max)
        kith_diag_error(
            r->diag, kith_pos_of(c, "node.delegate_protocol"),
            "a Serf cluster asks for { min: 2, max: 5, version: 4 }; leave it out for all zero",
            "'delegate_protocol' must have min <= version <= max, not %u <= %u <= %u",
            s->delegate_protocol_min, s->delegate_protocol_version, s->delegate_protocol_max);
    if (c->log_to == KITH_LOG_TO_FILE && !c->log_file)
        kith_diag_error(r->diag, kith_pos_of(c, "node.log.to"), "add `file: PATH`",
                        "'log' goes to a file, but to which?");
    if (c->log_to != KITH_LOG_TO_FILE && c->log_file)
        kith_diag_warning(r->diag, kith_pos_of(c, "node.log.file"), "add `to: file`",
                          "'log.file' is not used: the log goes elsewhere");
    if (s->skip_inbound_label_check && !*s->label)
        kith_diag_warning(r->diag, kith_pos_of(c, "node.skip_inbound_label_check"), NULL,
                          "'skip_inbound_label_check' has no effect without a label");
    if (s->max_stream_memory / 5 < s->max_stream_size)
        kith_diag_error(r->diag, either(c, "limits.max_stream_memory", "limits.max_stream_size"),
                        "'max_stream_memory' is at least five times 'max_stream_size'",
                        "'max_stream_memory' leaves no room for one message of 'max_stream_size': "
                        "what is opened or sealed takes several times its length");
    if (s->max_push_pulls > s->max_streams)
        kith_diag_warning(r->diag, either(c, "limits.max_push_pulls", "limits.max_streams"), NULL,
                          "'max_push_pulls' is more than the %u streams that 'max_streams' allows",
                          s->max_streams);
}

/* A period that is not zero must leave time for something else. */
static void check_periods(struct kith_reading *r)
{
    const struct kith_settings *s = &r->config->settings;
    const struct {
        const char *path;
        uint64_t ns, least;
    } periods[] = {{"probe.interval", s->probe_interval, 1000000},
                   {"gossip.interval", s->gossip_interval, 1000000},
                   {"push_pull.interval", s->push_pull_interval, 10000000}};
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++)
        if (periods[i].ns && periods[i].ns < periods[i].least) {
            static const struct kith_param duration = {.type = KITH_PARAM_DURATION};
            char *text = kith_param_text(&duration, &periods[i].ns);
            kith_diag_error(r->diag, kith_pos_of(r->config, periods[i].path), "0 switches it off",
                            "'%s': %s is out of range, 0 or at least %ums is possible",
                            periods[i].path, text, (unsigned)(periods[i].least / 1000000));
            free(text);
        }
}

static void check_detection(struct kith_reading *r)
{
    const struct kith_config *c = r->config;
    const struct kith_settings *s = &c->settings;
    if (s->probe_interval && s->probe_timeout >= s->probe_interval)
        kith_diag_warning(
            r->diag, either(c, "probe.timeout", "probe.interval"),
            "keep the timeout well below the interval",
            "'probe.timeout' is not below 'probe.interval': no time is left to ask others");
    if (!s->probe_interval)
        kith_diag_warning(r->diag, kith_pos_of(c, "probe.interval"),
                          "no failure will be noticed, and the dead are never forgotten",
                          "'probe.interval' is 0: probing is off");
    if ((!s->gossip_interval || !s->gossip_nodes) && !s->probe_interval && !s->push_pull_interval)
        kith_diag_error(
            r->diag, either(c, "gossip.interval", "gossip.nodes"), "leave one of them on",
            "gossip, probes and push/pull are all off: no news would ever leave this node");
    if (s->probe_interval && s->gossip_to_the_dead_time < s->probe_interval)
        kith_diag_warning(
            r->diag, either(c, "gossip.to_the_dead_time", "probe.interval"),
            "make it several times 'probe.interval'",
            "'gossip.to_the_dead_time' is shorter than 'probe.interval': the dead can't refute");
}

/* ------------------------------------------------------------------------------------ labels */

static bool is_label(const char *s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    return *s && !(*s >= '0' && *s <= '9') && !s[strspn(s, letters)];
}

static void check_labels(struct kith_reading *r, const struct kith_yaml *map)
{
    for (const struct kith_yaml *i = map && map->kind == KITH_YAML_MAP ? map->first : NULL; i;
         i = i->next) {
        if (strcmp(i->key->text, "entry") == 0 || strcmp(i->key->text, "le") == 0)
            kith_diag_error(r->diag, i->key->pos, "choose another name",
                            "'%s' is a label that metrics have already", i->key->text);
        if (!is_label(i->key->text))
            kith_diag_error(r->diag, i->key->pos,
                            "letters, digits and _, not beginning with a digit",
                            "'%s' is no name for a metric's label", i->key->text);
    }
}

void kith_consistency_check(struct kith_reading *r, const struct kith_yaml *root)
{
    check_node(r);
    check_periods(r);
    check_detection(r);
    check_labels(r, kith_yaml_get(kith_yaml_get(root, "node"), "metric_labels"));
}
