/*
 * consistency.c - what must hold between several values: the rules that no table can say.
 *
 * Errors for what can't work, warnings for what surely is not meant. The pipeline has its own rules
 * in chain_check.c.
 */
#include "schema.h"

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
    if (s->max_stream_memory < s->max_stream_size)
        kith_diag_error(r->diag, either(c, "limits.max_stream_memory", "limits.max_stream_size"),
                        "make it at least that large",
                        "'max_stream_memory' leaves no room for one message of 'max_stream_size'");
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
        const char *path, *name;
        uint64_t ns, least;
    } periods[] = {{"probe.interval", "interval", s->probe_interval, 1000000},
                   {"gossip.interval", "interval", s->gossip_interval, 1000000},
                   {"push_pull.interval", "interval", s->push_pull_interval, 10000000}};
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++)
        if (periods[i].ns && periods[i].ns < periods[i].least) {
            char help[100];
            snprintf(help, sizeof help, "use at least %ums, or 0 to switch it off",
                     (unsigned)(periods[i].least / 1000000));
            kith_diag_error(r->diag, kith_pos_of(r->config, periods[i].path), help,
                            "'%s' is out of range", periods[i].path);
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
         i = i->next)
        if (!is_label(i->key->text))
            kith_diag_error(r->diag, i->key->pos,
                            "letters, digits and _, not beginning with a digit",
                            "'%s' is no name for a metric's label", i->key->text);
}

/* --------------------------------------------------------------------------------- delegates */

struct claim {
    const char *what, *help;
    const struct kith_entry *first;
};

/* Only one of the delegates may have it: an error at the second names both. */
static void claim(struct kith_reading *r, struct claim *c, const struct kith_entry *e)
{
    if (!c->first) {
        c->first = e;
        return;
    }
    kith_diag_error(r->diag, e->pos, c->help, "delegates '%s' (line %u) and '%s' (line %u) both %s",
                    c->first->plugin->name, c->first->pos.line, e->plugin->name, e->pos.line,
                    c->what);
}

static void check_meta(struct kith_reading *r, const struct kith_entry *e)
{
    const struct kith_config *c = r->config;
    if (c->meta.data)
        kith_diag_error(r->diag, e->pos, "keep one of them",
                        "'meta' (line %u) and delegate '%s' (line %u) both provide the node's meta",
                        kith_pos_of(c, "node.meta").line, e->plugin->name, e->pos.line);
}

/* Whether an earlier delegate has the channel of the i-th. */
static void check_channel(struct kith_reading *r, size_t i)
{
    const struct kith_entry *all = r->config->delegates.items, *e = &all[i];
    for (size_t k = 0; e->channel && k < i; k++)
        if (all[k].channel && strcmp(all[k].channel, e->channel) == 0)
            kith_diag_error(r->diag, e->pos, "give each a name of its own",
                            "delegates '%s' (line %u) and '%s' (line %u) both use channel '%s'",
                            all[k].plugin->name, all[k].pos.line, e->plugin->name, e->pos.line,
                            e->channel);
}

static void check_delegates(struct kith_reading *r)
{
    struct claim raw = {"send raw messages or state",
                        "give one of them a `channel: NAME` of its own", NULL};
    struct claim meta = {"provide the node's meta", "keep one of them", NULL};
    struct claim ack = {"provide what goes with acks", "keep one of them", NULL};
    for (size_t i = 0; i < r->config->delegates.count; i++) {
        const struct kith_entry *e = &r->config->delegates.items[i];
        const struct kith_delegate_ops *ops = e->plugin->ops;
        if (!e->channel && (ops->get_broadcasts || ops->local_state)) claim(r, &raw, e);
        if (ops->node_meta) claim(r, &meta, e);
        if (ops->ack_payload) claim(r, &ack, e);
        if (ops->node_meta) check_meta(r, e);
        check_channel(r, i);
    }
}

/* ------------------------------------------------------------------------------------- join */

/* The colon before a port: after the ] of an IPv6 address, or the only one. NULL: none. */
static const char *port_colon(const char *host)
{
    if (*host == '[') {
        const char *end = strrchr(host, ']');
        return end && end[1] == ':' ? end + 1 : NULL;
    }
    const char *first = strchr(host, ':');
    return first && !strchr(first + 1, ':') ? first : NULL;
}

static bool is_port(const char *s)
{
    unsigned long port = 0;
    size_t n = strspn(s, "0123456789");
    for (size_t i = 0; i < n && port < 100000; i++) port = port * 10 + (unsigned long)(s[i] - '0');
    return n && !s[n] && port <= 65535;
}

/* [name/]host[:port] (PROTOCOL.md 2.14). Why it is not; NULL: it is. */
static const char *bad_seed(const char *text)
{
    if (*text == '/') return "the name before the / is empty";
    const char *slash = strchr(text, '/'), *host = slash ? slash + 1 : text;
    if (!*host) return "there is no host after the /";
    if (*host == '[' && !strrchr(host, ']')) return "the [ is not closed";
    const char *colon = port_colon(host);
    return colon && !is_port(colon + 1) ? "the port is not a number up to 65535" : NULL;
}

static void check_join(struct kith_reading *r, const struct kith_yaml *list)
{
    if (!list || list->bad) return;
    for (const struct kith_yaml *i = list->kind == KITH_YAML_LIST ? list->first : list; i;
         i = i->next) {
        const char *why = i->kind == KITH_YAML_SCALAR && *i->text ? bad_seed(i->text) : NULL;
        if (why)
            kith_diag_error(r->diag, i->pos, "write host, host:port, [v6]:port, or name/host:port",
                            "can't join '%s': %s", i->text, why);
        if (i == list) break;
    }
}

void kith_consistency_check(struct kith_reading *r, const struct kith_yaml *root)
{
    check_node(r);
    check_periods(r);
    check_detection(r);
    check_labels(r, kith_yaml_get(kith_yaml_get(root, "node"), "metric_labels"));
    check_delegates(r);
    check_join(r, kith_yaml_get(root, "join"));
}
