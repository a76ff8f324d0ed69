/*
 * cmd_monitor.c - `kith monitor`: what happens on a node, as it happens.
 */
#include "cmd.h"

#include "arguments.h"
#include "ask.h"
#include "fail.h"
#include "screen.h"
#include <stdlib.h>
#include <time.h>

#define PATIENCE 30000000000u

static const char help[] =
    "Usage: kith monitor [OPTIONS]\n\n"
    "Follow a node: events of its members, of itself and of its plugins, and user\n"
    "messages, until interrupted or the node ends.\n\n"
    "      --events LIST      only these, comma separated: join, leave, update,\n"
    "                         suspect, conflict, ping, lost, started, joined,\n"
    "                         refuted, reloaded, keys, emitted, message, log, wire;\n"
    "                         without it all but ping, log and wire\n"
    "      --wire             packets and stream messages, layer by layer with their\n"
    "                         sizes; alone, or beside --events\n"
    "      --log-level LEVEL  also the node's log lines, down to error, warn, info,\n"
    "                         debug or trace\n"
    "      --count N          end after N events (exit 0)\n"
    "      --timeout TIME     end after that time; exit 5 when --count was not\n"
    "                         reached\n" KITH_ASK_HELP;

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static const char *str(const json_t *o, const char *key)
{
    const char *s = kith_tool_text(json_object_get(o, key));
    return s ? s : "";
}

static void write_wire(FILE *f, const json_t *e)
{
    bool out = !strcmp(str(e, "direction"), "out");
    const json_t *layers = json_object_get(e, "layers");
    json_t *l, *key;
    size_t i;
    fprintf(f, "%s  %s  %s  %lld", out ? "out" : "in ", str(e, "plane"), str(e, "peer"),
            (long long)json_integer_value(json_object_get(e, out ? "message" : "wire")));
    json_array_foreach(layers, i, l)
    {
        fprintf(f, "  %s", str(l, "layer"));
        if (*str(l, "label")) fprintf(f, " '%s'", str(l, "label"));
        if ((key = json_object_get(l, "key")))
            fprintf(f, " (key %lld)", (long long)json_integer_value(key));
        if (json_is_true(json_object_get(l, "passed")))
            fputs(" passed", f);
        else if (json_integer_value(json_object_get(l, "out")))
            fprintf(f, " %lld", (long long)json_integer_value(json_object_get(l, "out")));
    }
    if (*str(e, "refused"))
        fprintf(f, "  refused: %s", str(e, "refused"));
    else if (!json_array_size(layers))
        fputs("  plain", f);
}

static void write_member(FILE *out, const char *event, const json_t *e)
{
    char *meta = kith_tool_printable(str(e, "meta"));
    const json_t *other = json_object_get(e, "other");
    fprintf(out, "%-8s  %s  %s  %s", event, str(e, "name"), str(e, "address"), str(e, "state"));
    if (*str(e, "accuser")) fprintf(out, "  by %s", str(e, "accuser"));
    if (other) fprintf(out, "  claimed by %s", str(other, "address"));
    if (meta && *meta) fprintf(out, "  %s", meta);
    free(meta);
}

static void write_number(FILE *out, const json_t *e, const char *key, const char *unit)
{
    json_t *number = json_object_get(e, key);
    if (number) fprintf(out, "  %s%lld", unit, (long long)json_integer_value(number));
}

static void write_payload(FILE *out, const json_t *e)
{
    char *bytes = kith_tool_printable(str(e, "payload"));
    if (bytes && *bytes) fprintf(out, "  %s", bytes);
    free(bytes);
}

/* What says nothing of a member: the node's own events, and those of plugins with their fields. */
static void write_other(FILE *out, const char *event, const json_t *e)
{
    size_t i;
    json_t *field;
    fprintf(out, "%-8s", event);
    json_array_foreach(json_object_get(e, "fields"), i, field)
        fprintf(out, "  %s=%s", str(field, "name"), str(field, "value"));
    if (json_object_get(e, "member"))
        fprintf(out, "  %s", str(json_object_get(e, "member"), "name"));
    write_number(out, e, "incarnation", "incarnation ");
    write_number(out, e, "messages", "messages ");
    write_payload(out, e);
}

static void write_message(FILE *out, const json_t *e)
{
    char *bytes = kith_tool_printable(str(e, "payload"));
    const char *from = str(e, "from"), *identity = str(e, "identity"), *on = str(e, "channel");
    fprintf(out, "message   %s", bytes ? bytes : "");
    if (json_is_true(json_object_get(e, "relayed"))) fputs("  (relayed)", out);
    if (json_is_true(json_object_get(e, "reliable"))) fputs("  (reliable)", out);
    if (*from && *on) fprintf(out, "  from %s", from);
    if (*identity) fprintf(out, "  %s %s", *from && *on ? "by way of" : "from", identity);
    free(bytes);
}

static void write_lost(FILE *out, const json_t *e)
{
    fprintf(out, "lost      %lld messages of %s: ",
            (long long)json_integer_value(json_object_get(e, "messages")), str(e, "origin"));
    if (json_is_true(json_object_get(e, "missed")))
        fputs("this node misses them for good", out);
    else
        fprintf(out, "%s asked for them", *str(e, "from") ? str(e, "from") : str(e, "peer"));
}

static void write_event(FILE *out, const json_t *e)
{
    const char *event = str(e, "event"), *time = str(e, "time");
    if (*time) fprintf(out, "%s  ", time);
    if (!strcmp(event, "message")) {
        write_message(out, e);
    } else if (!strcmp(event, "lost")) {
        write_lost(out, e);
    } else if (!strcmp(event, "log")) {
        fprintf(out, "%-8s  %s%s%s", str(e, "level"), str(e, "source"),
                *str(e, "source") ? ": " : "", str(e, "text"));
    } else if (!strcmp(event, "wire")) {
        write_wire(out, e);
    } else if (!strcmp(event, "dropped")) {
        fprintf(out, "dropped   %lld events that were not read in time",
                (long long)json_integer_value(json_object_get(e, "count")));
    } else if (json_object_get(e, "state")) {
        write_member(out, event, e);
        write_number(out, e, "rtt_ns", "ns ");
        write_payload(out, e);
    } else {
        write_other(out, event, e);
    }
}

static void print_text(const json_t *e)
{
    char *line = NULL;
    size_t len;
    FILE *out = open_memstream(&line, &len);
    if (!out) return;
    write_event(out, e);
    fclose(out);
    puts(kith_tool_clean(line));
    free(line);
}

static json_t *event_list(const char *text)
{
    json_t *list = json_array();
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, ",");
        json_array_append_new(list, json_stringn(p, n));
        p += n + (p[n] == ',');
    }
    return list;
}

/* After the last event, how the command ends. */
static int ended(const struct kith_ask *ask, long count)
{
    if (count <= 0) return KITH_EXIT_OK;
    if (ask->code == KITH_EXIT_TIMEOUT) return KITH_EXIT_TIMEOUT;
    return kith_tool_fail("monitor", KITH_EXIT_UNREACHABLE, "the node has ended");
}

static int follow(struct kith_ask *ask, long count, uint64_t timeout)
{
    uint64_t end = clock_ns() + timeout;
    for (long seen = 0; count <= 0 || seen < count; seen++) {
        uint64_t now = clock_ns();
        json_t *event = NULL;
        if (!timeout || now < end)
            event = kith_ask_next(ask, timeout ? end - now : 0);
        else
            ask->code = KITH_EXIT_TIMEOUT;
        if (!event) return ended(ask, count);
        if (ask->json)
            kith_tool_json(event);
        else
            print_text(event);
        json_decref(event);
        if (fflush(stdout)) return KITH_EXIT_FAILED;
    }
    return KITH_EXIT_OK;
}

struct request {
    struct kith_ask ask;
    json_t *json;
    uint64_t timeout;
    long count;
    bool wire;
};

static int take_option(int c, struct request *r)
{
    switch (c) {
    case 'e': json_object_set_new(r->json, "events", event_list(optarg)); return KITH_GO_ON;
    case 'l': json_object_set_new(r->json, "log_level", json_string(optarg)); return KITH_GO_ON;
    case 't': return kith_tool_timeout("monitor", optarg, &r->timeout);
    case 'c':
        r->count = strtol(optarg, NULL, 10);
        if (r->count > 0) return KITH_GO_ON;
        return kith_tool_usage("monitor", "--count is a number from 1, not '%s'", optarg);
    case 'w': r->wire = true; return KITH_GO_ON;
    default: return kith_ask_option(&r->ask, c, help);
    }
}

static int parse_options(int argc, char **argv, struct request *r)
{
    static const struct option options[] = {
        {"events", required_argument, NULL, 'e'},    {"wire", no_argument, NULL, 'w'},
        {"log-level", required_argument, NULL, 'l'}, {"count", required_argument, NULL, 'c'},
        {"timeout", required_argument, NULL, 't'},   KITH_ASK_OPTIONS};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        int code = take_option(c, r);
        if (code != KITH_GO_ON) return code;
    }
    if (optind < argc) return kith_tool_usage("monitor", "what is '%s'?", argv[optind]);
    if (r->wire && !json_object_get(r->json, "events"))
        json_object_set_new(r->json, "events", json_array());
    if (r->wire) json_array_append_new(json_object_get(r->json, "events"), json_string("wire"));
    return KITH_GO_ON;
}

int kith_cmd_monitor(int argc, char **argv)
{
    struct request r = {.ask = {.tool = "monitor"}, .json = json_pack("{s:s}", "cmd", "monitor")};
    int code = parse_options(argc, argv, &r);
    if (code != KITH_GO_ON) {
        json_decref(r.json);
        return code;
    }
    json_t *hello = kith_ask_node(&r.ask, r.json, PATIENCE);
    if (hello) {
        if (r.ask.json) kith_tool_json(hello);
        fflush(stdout);
        r.ask.code = follow(&r.ask, r.count, r.timeout);
    }
    json_decref(hello);
    kith_ask_close(&r.ask);
    return r.ask.code;
}
