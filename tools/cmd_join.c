/*
 * cmd_join.c - `kith join`: join a cluster by way of other members.
 */
#include "cmd.h"

#include "ask.h"
#include "fail.h"
#include "screen.h"
#include <stdlib.h>

#define PATIENCE 60000000000u

static const char help[] =
    "Usage: kith join [OPTIONS] PLACE...\n\n"
    "Join the cluster by way of other members. PLACE is [name/]host[:port]; a host\n"
    "name may stand for several addresses. Exit 1 when a place did not answer.\n" KITH_ASK_HELP;

/* The places on the command line. NULL after a word on stderr. */
static json_t *places_of(char **words)
{
    json_t *where = json_array();
    for (; *words; words++)
        if (json_array_append_new(where, json_string(*words))) {
            json_decref(where);
            kith_tool_usage("join", "'%s' is not UTF-8", *words);
            return NULL;
        }
    return where;
}

static void print_results(const json_t *results, bool json)
{
    size_t i;
    json_t *one;
    json_array_foreach(results, i, one)
    {
        const char *place = json_string_value(json_object_get(one, "where")),
                   *error = json_string_value(json_object_get(one, "error"));
        if (error)
            kith_tool_fail("join", KITH_EXIT_FAILED, "%s: %s", place, error);
        else if (!json)
            printf("%s: joined, %lld address(es)\n", place,
                   (long long)json_integer_value(json_object_get(one, "met")));
    }
}

int kith_cmd_join(int argc, char **argv)
{
    static const struct option options[] = {KITH_ASK_OPTIONS};
    struct kith_ask ask = {.tool = "join"};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;)
        if ((c = kith_ask_option(&ask, c, help)) != KITH_GO_ON) return c;
    if (optind == argc) return kith_tool_usage("join", "say where");
    json_t *where = places_of(argv + optind);
    if (!where) return KITH_EXIT_USAGE;
    json_t *answer =
        kith_ask_node(&ask, json_pack("{s:s,s:o}", "cmd", "join", "where", where), PATIENCE);
    if (answer && ask.json) kith_tool_json(answer);
    print_results(json_object_get(answer, "results"), ask.json);
    if (answer && !json_is_true(json_object_get(answer, "complete"))) ask.code = KITH_EXIT_FAILED;
    json_decref(answer);
    kith_ask_close(&ask);
    return ask.code;
}
