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
    "Join the cluster by way of other members. PLACE is an address as the node's\n"
    "transport writes it, of udp_tcp host[:port], or NAME/ADDRESS; a host name may\n"
    "stand for several addresses. Exit 1 when a place did not answer.\n\n"
    "      --name NAME      the member that must answer; every PLACE is an address\n"
    "                       then, slashes and all\n" KITH_ASK_HELP;

/* The places on the command line, of the member `name` when it is given. NULL after a word on
 * stderr. */
static json_t *places_of(const char *name, char **words)
{
    json_t *where = json_array();
    for (; *words; words++)
        if (json_array_append_new(where,
                                  name ? json_pack("{s:s,s:s}", "name", name, "address", *words)
                                       : json_string(*words))) {
            json_decref(where);
            kith_tool_usage("join", "names and places are UTF-8 text");
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
        json_t *where = json_object_get(one, "where");
        const char *place = kith_tool_text(where);
        const char *error = kith_tool_text(json_object_get(one, "error"));
        if (!place) place = kith_tool_text(json_object_get(where, "address"));
        if (error)
            kith_tool_fail("join", KITH_EXIT_FAILED, "%s: %s", place, error);
        else if (!json)
            printf("%s: joined, %lld address(es)\n", place,
                   (long long)json_integer_value(json_object_get(one, "met")));
    }
}

int kith_cmd_join(int argc, char **argv)
{
    static const struct option options[] = {{"name", required_argument, NULL, 'n'},
                                            KITH_ASK_OPTIONS};
    struct kith_ask ask = {.tool = "join"};
    const char *name = NULL;
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'n')
            name = optarg;
        else if ((c = kith_ask_option(&ask, c, help)) != KITH_GO_ON)
            return c;
    }
    if (optind == argc) return kith_tool_usage("join", "say where");
    json_t *where = places_of(name, argv + optind);
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
