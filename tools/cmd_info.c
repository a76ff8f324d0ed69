/*
 * cmd_info.c - `kith info`: the node about itself, its plugins, and every number it counts.
 */
#include "cmd.h"

#include "arguments.h"
#include "ask.h"
#include "fail.h"
#include "rows.h"
#include "screen.h"
#include <stdlib.h>

#define PATIENCE 30000000000u

static const char help[] =
    "Usage: kith info [OPTIONS]\n\n"
    "What the node says about itself: address, members, layers, keys (by\n"
    "fingerprint), and all that it counts, drops by reason among it.\n\n"
    "      --wait monitors=N   wait until that many 'kith monitor' listen, and for\n"
    "                          the node to come up\n"
    "      --timeout TIME      how long to wait (30s); exit 5 when it is over\n" KITH_ASK_HELP;

static void line(const char *name, json_t *value)
{
    if (json_is_string(value))
        printf("  %-18s %s\n", name, kith_tool_text(value));
    else if (json_is_integer(value))
        printf("  %-18s %lld\n", name, (long long)json_integer_value(value));
    else if (json_is_real(value))
        printf("  %-18s %.3f\n", name, json_real_value(value));
}

static void words(const char *name, const json_t *list)
{
    size_t i;
    json_t *item;
    printf("  %-18s", name);
    json_array_foreach(list, i, item)
        printf(" %s", json_is_string(item) ? kith_tool_text(item) : "?");
    puts(json_array_size(list) ? "" : " (none)");
}

/* What is not all well; nothing when all is. */
static void print_degraded(const json_t *list)
{
    size_t i;
    json_t *one;
    if (json_array_size(list)) puts("\ndegraded");
    json_array_foreach(list, i, one)
        printf("  %-18s %s\n", kith_tool_text(json_object_get(one, "entry")),
               kith_tool_text(json_object_get(one, "why")));
}

static void print_plugins(const json_t *list)
{
    size_t i;
    json_t *p;
    puts("\nplugins");
    json_array_foreach(list, i, p)
    {
        const char *name = kith_tool_text(json_object_get(p, "name"));
        const char *plugin = kith_tool_text(json_object_get(p, "plugin"));
        printf("  %-18s %s", kith_tool_text(json_object_get(p, "kind")), name);
        if (strcmp(name, plugin) != 0) printf(" (%s)", plugin);
        printf(" %s\n", kith_tool_text(json_object_get(p, "version")));
    }
}

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

/* "auth 3, size 1", or 0. */
static void failures(const json_t *c, char *out, size_t cap)
{
    static const char *const reasons[] = {"auth", "checksum", "malformed", "size"};
    size_t used = 0;
    snprintf(out, cap, "0");
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons && used < cap; i++) {
        char key[32];
        snprintf(key, sizeof key, "failed_%s", reasons[i]);
        if (number(c, key) > 0)
            used += (size_t)snprintf(out + used, cap - used, "%s%s %.0f", used ? ", " : "",
                                     reasons[i], number(c, key));
    }
}

static void print_codecs(const json_t *list)
{
    enum { COLUMNS = 12 };
    static const char *const keys[COLUMNS] = {
        "name",  "sealed", "seal_in", "seal_out", "seal_ns_each", "passed",
        "ratio", "opened", "open_in", "open_out", "open_ns_each", "failed"};
    static const char *const header[COLUMNS] = {"  CODEC",  "SEALED", "BYTES IN", "OUT",
                                                "NS EACH",  "PASSED", "RATIO",    "OPENED",
                                                "BYTES IN", "OUT",    "NS EACH",  "FAILED"};
    struct kith_rows *rows = kith_rows_new(COLUMNS, header);
    size_t i;
    json_t *c;
    json_array_foreach(list, i, c)
    {
        char cell[COLUMNS][100];
        const char *cells[COLUMNS];
        for (int k = 0; k < COLUMNS; k++) {
            cells[k] = cell[k];
            snprintf(cell[k], sizeof cell[k], k == 6 ? "%.2f" : "%.0f", number(c, keys[k]));
        }
        snprintf(cell[0], sizeof cell[0], "  %s", json_string_value(json_object_get(c, "name")));
        failures(c, cell[COLUMNS - 1], sizeof cell[0]);
        kith_rows_add(rows, cells);
    }
    puts("");
    kith_rows_end(rows);
}

/* "{entry=log,reason=queue}" */
static void print_labels(json_t *labels)
{
    const char *name;
    json_t *value;
    bool any = false;
    json_object_foreach(labels, name, value)
    {
        printf("%s%s=%s", any ? "," : "{", name, kith_tool_text(value));
        any = true;
    }
    if (any) putchar('}');
}

/* The numbers of the node itself are many: those that never moved are left out. What an entry made
 * is always shown, so that its author sees it. */
static void print_stats(const json_t *list)
{
    size_t i;
    json_t *s;
    puts("\ncounters (of the node itself those that are not 0)");
    json_array_foreach(list, i, s)
    {
        const char *name = json_string_value(json_object_get(s, "name"));
        json_t *value = json_object_get(s, "value");
        json_t *count = json_object_get(s, "count");
        if (!value) value = count;
        bool own = json_object_get(json_object_get(s, "labels"), "entry");
        if (!name || !strncmp(name, "codec_", 6)) continue;
        if (!own && json_number_value(value) == 0) continue;
        printf("  %s", name);
        print_labels(json_object_get(s, "labels"));
        printf(" %.15g", json_number_value(value));
        if (count && json_number_value(count) > 0)
            printf(" times, %.3g on average",
                   json_number_value(json_object_get(s, "sum")) / json_number_value(count));
        putchar('\n');
    }
}

static void print_text(const json_t *i)
{
    static const char *const state_names[] = {"alive", "suspect", "dead", "left"};
    static const char *const self[] = {"name",
                                       "version",
                                       "pid",
                                       "uptime_seconds",
                                       "file",
                                       "profile",
                                       "label",
                                       "state",
                                       "incarnation",
                                       "health",
                                       "monitors",
                                       "clients",
                                       "clients_dropped",
                                       "clients_refused"};
    puts("node");
    for (size_t n = 0; n < sizeof self / sizeof *self; n++)
        line(self[n], json_object_get(i, self[n]));
    line("address", json_object_get(i, "address"));
    char *meta = kith_tool_printable(json_string_value(json_object_get(i, "meta")));
    printf("  %-18s %s\n", "meta", meta ? meta : "");
    free(meta);
    words("require", json_object_get(i, "require"));
    words("keys", json_object_get(i, "keys"));
    print_degraded(json_object_get(i, "degraded"));
    puts("\nmembers");
    for (int n = 0; n < 4; n++)
        line(state_names[n], json_object_get(json_object_get(i, "members"), state_names[n]));
    print_plugins(json_object_get(i, "plugins"));
    print_codecs(json_object_get(i, "codecs"));
    print_stats(json_object_get(i, "stats"));
}

static int info(struct kith_ask *ask, const char *wait, uint64_t timeout)
{
    json_t *request = json_pack("{s:s}", "cmd", "info");
    int code = kith_ask_wait(ask, request, wait, timeout);
    if (code != KITH_GO_ON) {
        json_decref(request);
        return code;
    }
    json_t *answer = kith_ask_node(ask, request, timeout + PATIENCE);
    if (answer && ask->json)
        kith_tool_json(answer);
    else if (answer)
        print_text(answer);
    json_decref(answer);
    kith_ask_close(ask);
    return ask->code;
}

int kith_cmd_info(int argc, char **argv)
{
    static const struct option options[] = {{"wait", required_argument, NULL, 'w'},
                                            {"timeout", required_argument, NULL, 't'},
                                            KITH_ASK_OPTIONS};
    struct kith_ask ask = {.tool = "info"};
    uint64_t timeout = PATIENCE;
    const char *wait = NULL;
    int code = KITH_GO_ON;
    for (int c;
         code == KITH_GO_ON && (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'w')
            wait = optarg;
        else if (c == 't')
            code = kith_tool_timeout("info", optarg, &timeout);
        else
            code = kith_ask_option(&ask, c, help);
    }
    if (code != KITH_GO_ON) return code;
    if (optind < argc) return kith_tool_usage("info", "what is '%s'?", argv[optind]);
    return info(&ask, wait, timeout);
}
