/*
 * cmd_members.c - `kith members`: who is in the cluster, as one node sees it.
 */
#include "cmd.h"

#include "arguments.h"
#include "ask.h"
#include "fail.h"
#include "rows.h"
#include "screen.h"
#include <stdlib.h>

/* ns: --wait without --timeout, and what a node may take to answer */
#define PATIENCE 30000000000u

enum { COLUMNS = 5 };
#define OPENING "{\"members\":["

static const char help[] =
    "Usage: kith members [OPTIONS]\n\n"
    "List the members that the node knows, by name: alive, suspect, dead and left.\n\n"
    "      --state STATE    only those that are alive, suspect, dead or left\n"
    "      --wait STATE=N   wait until at least N members are in that state\n"
    "                       (STATE==N: exactly N), and for the node to come up\n"
    "      --timeout TIME   how long to wait (30s); exit 5 when it is over\n" KITH_ASK_HELP;

static bool is_state(const char *text)
{
    return !strcmp(text, "alive") || !strcmp(text, "suspect") || !strcmp(text, "dead") ||
           !strcmp(text, "left");
}

static bool shown(const json_t *m, const char *state)
{
    const char *is = json_string_value(json_object_get(m, "state"));
    return !state || (is && !strcmp(is, state));
}

struct request {
    struct kith_ask ask;
    const char *wait, *state;
    uint64_t timeout;
    struct kith_rows *rows; /* NULL: none was shown yet */
    uint64_t count;         /* of members shown as JSON */
};

static void add_row(struct kith_rows *rows, const json_t *m)
{
    char incarnation[24];
    snprintf(incarnation, sizeof incarnation, "%lld",
             (long long)json_integer_value(json_object_get(m, "incarnation")));
    char *meta = kith_tool_printable(json_string_value(json_object_get(m, "meta")));
    const char *cells[COLUMNS] = {kith_tool_text(json_object_get(m, "name")),
                                  kith_tool_text(json_object_get(m, "address")),
                                  kith_tool_text(json_object_get(m, "state")), incarnation, meta};
    kith_rows_add(rows, cells);
    free(meta);
}

/* With the first answer, so that a node that says no shows no table. */
static void begin_rows(struct request *r)
{
    static const char *const header[COLUMNS] = {"NAME", "ADDRESS", "STATE", "INCARNATION", "META"};
    if (!r->rows) r->rows = kith_rows_new(COLUMNS, r->ask.no_header ? NULL : header);
}

/* A member, as soon as the node has told it. */
static void show(void *arg, const json_t *m)
{
    struct request *r = arg;
    if (!shown(m, r->state)) return;
    if (!r->ask.json) {
        begin_rows(r);
        add_row(r->rows, m);
        return;
    }
    fputs(r->count++ ? "," : OPENING, stdout);
    kith_tool_json_part(m);
}

static int take_option(int c, struct request *r)
{
    switch (c) {
    case 'w': r->wait = optarg; return KITH_GO_ON;
    case 't': return kith_tool_timeout("members", optarg, &r->timeout);
    case 's':
        r->state = optarg;
        if (is_state(optarg)) return KITH_GO_ON;
        return kith_tool_usage("members", "--state is alive, suspect, dead or left, not '%s'",
                               optarg);
    default: return kith_ask_option(&r->ask, c, help);
    }
}

static int members(struct request *r)
{
    json_t *request = json_pack("{s:s}", "cmd", "members");
    int code = kith_ask_wait(&r->ask, request, r->wait, r->timeout);
    if (code != KITH_GO_ON) {
        json_decref(request);
        return code;
    }
    json_t *answer = kith_ask_each(&r->ask, request, r->timeout + PATIENCE, "members", show, r);
    if (answer && r->ask.json)
        printf("%s]}\n", r->count ? "" : OPENING);
    else if (answer)
        begin_rows(r);
    kith_rows_end(r->rows);
    json_decref(answer);
    kith_ask_close(&r->ask);
    return r->ask.code;
}

int kith_cmd_members(int argc, char **argv)
{
    static const struct option options[] = {{"wait", required_argument, NULL, 'w'},
                                            {"timeout", required_argument, NULL, 't'},
                                            {"state", required_argument, NULL, 's'},
                                            KITH_ASK_OPTIONS};
    struct request r = {.ask = {.tool = "members"}, .timeout = PATIENCE};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        int code = take_option(c, &r);
        if (code != KITH_GO_ON) return code;
    }
    if (optind < argc) return kith_tool_usage("members", "what is '%s'?", argv[optind]);
    return members(&r);
}
