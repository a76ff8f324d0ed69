/*
 * cmd_join.c - `kith join`: join a cluster by way of other members.
 */
#include "cmd.h"

#include "client.h"
#include "fail.h"
#include "screen.h"
#include <stdlib.h>

#define PATIENCE 60000000000u

static const char help[] =
    "Usage: kith join [OPTIONS] PLACE...\n\n"
    "Join the cluster by way of other members. PLACE is [name/]host[:port]; a host\n"
    "name may stand for several addresses. Exit 1 when a place did not answer.\n" KITH_CLIENT_HELP;

int kith_cmd_join(int argc, char **argv)
{
    static const struct option options[] = {KITH_CLIENT_OPTIONS};
    struct kith_ask ask = {.tool = "join"};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;)
        if ((c = kith_client_option(&ask, c, help)) >= 0) return c;
    if (optind == argc) return kith_tool_usage("join", "say where");
    json_t *where = json_array(), *one;
    for (; optind < argc; optind++)
        if (json_array_append_new(where, json_string(argv[optind]))) {
            json_decref(where);
            return kith_tool_usage("join", "'%s' is not UTF-8", argv[optind]);
        }
    json_t *answer =
        kith_client_ask(&ask, json_pack("{s:s,s:o}", "cmd", "join", "where", where), PATIENCE);
    size_t i;
    if (answer && ask.json) kith_tool_json(answer);
    json_array_foreach(json_object_get(answer, "results"), i, one)
    {
        const char *place = json_string_value(json_object_get(one, "where")),
                   *error = json_string_value(json_object_get(one, "error"));
        if (error)
            kith_tool_fail("join", KITH_EXIT_FAILED, "%s: %s", place, error);
        else if (!ask.json)
            printf("%s: joined, %lld address(es)\n", place,
                   (long long)json_integer_value(json_object_get(one, "met")));
    }
    if (answer && !json_is_true(json_object_get(answer, "complete"))) ask.code = KITH_EXIT_FAILED;
    json_decref(answer);
    kith_client_close(&ask);
    return ask.code;
}
