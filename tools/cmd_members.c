/*
 * cmd_members.c - `kith members`: who is in the cluster, as one node sees it.
 */
#include "cmd.h"

#include "arguments.h"
#include "client.h"
#include "fail.h"
#include "screen.h"
#include <stdlib.h>

#define PATIENCE \
    30000000000u /* ns: --wait without --timeout, and what a node may take to answer \
                  */

static const char help[] =
    "Usage: kith members [OPTIONS]\n\n"
    "List the members that the node knows, by name: alive, suspect, dead and left.\n\n"
    "      --state STATE    only those that are alive, suspect, dead or left\n"
    "      --wait STATE=N   wait until at least N members are in that state\n"
    "                       (STATE==N: exactly N), and for the node to come up\n"
    "      --timeout TIME   how long to wait (30s); exit 5 when it is over\n" KITH_CLIENT_HELP;

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

static void print_text(const json_t *members, const char *state, bool no_header)
{
    static const char *const header[] = {"NAME", "ADDRESS", "STATE", "INCARNATION", "META"};
    struct kith_rows *rows = kith_rows_new(5);
    kith_rows_add(rows, header);
    size_t i;
    json_t *m;
    json_array_foreach(members, i, m)
    {
        if (!shown(m, state)) continue;
        char where[600], incarnation[24];
        const char *addr = json_string_value(json_object_get(m, "addr"));
        int port = (int)json_integer_value(json_object_get(m, "port"));
        snprintf(where, sizeof where,
                 addr && strchr(addr, ':') && *addr != '[' ? "[%s]:%d" : "%s:%d", addr ? addr : "?",
                 port);
        snprintf(incarnation, sizeof incarnation, "%lld",
                 (long long)json_integer_value(json_object_get(m, "incarnation")));
        char *meta = kith_tool_printable(json_string_value(json_object_get(m, "meta")));
        const char *cells[] = {json_string_value(json_object_get(m, "name")), where,
                               json_string_value(json_object_get(m, "state")), incarnation, meta};
        kith_rows_add(rows, cells);
        free(meta);
    }
    kith_rows_print(rows, no_header);
}

static void print_json(json_t *answer, const char *state)
{
    json_t *members = json_object_get(answer, "members");
    for (size_t i = json_array_size(members); state && i-- > 0;)
        if (!shown(json_array_get(members, i), state)) json_array_remove(members, i);
    kith_tool_json(answer);
}

int kith_cmd_members(int argc, char **argv)
{
    static const struct option options[] = {{"wait", required_argument, NULL, 'w'},
                                            {"timeout", required_argument, NULL, 't'},
                                            {"state", required_argument, NULL, 's'},
                                            KITH_CLIENT_OPTIONS};
    struct kith_ask ask = {.tool = "members"};
    uint64_t timeout = PATIENCE;
    const char *wait = NULL, *state = NULL;
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'w')
            wait = optarg;
        else if (c == 's')
            state = optarg;
        else if (c == 't')
            timeout = kith_tool_duration(optarg);
        else if ((c = kith_client_option(&ask, c, help)) >= 0)
            return c;
    }
    if (timeout == UINT64_MAX)
        return kith_tool_usage("members", "--timeout is a duration like 30s");
    if (state && !is_state(state))
        return kith_tool_usage("members", "--state is alive, suspect, dead or left, not '%s'",
                               state);
    if (optind < argc) return kith_tool_usage("members", "what is '%s'?", argv[optind]);
    json_t *request = json_pack("{s:s,s:f}", "cmd", "members", "timeout", (double)timeout / 1e9);
    json_t *condition = wait ? kith_tool_wait(wait) : NULL;
    if (wait && !condition) {
        json_decref(request);
        return kith_tool_usage("members", "--wait is STATE=N, not '%s'", wait);
    }
    if (condition) {
        json_object_set_new(request, "wait", condition);
        ask.patience = timeout;
    }
    json_t *answer = kith_client_ask(&ask, request, timeout + PATIENCE);
    if (answer && ask.json)
        print_json(answer, state);
    else if (answer)
        print_text(json_object_get(answer, "members"), state, ask.no_header);
    json_decref(answer);
    kith_client_close(&ask);
    return ask.code;
}
