/*
 * cmd_reload.c - `kith reload`: the node reads its file again.
 */
#include "cmd.h"

#include "client.h"
#include "fail.h"
#include "screen.h"

#define PATIENCE 60000000000u

static const char help[] =
    "Usage: kith reload [OPTIONS]\n\n"
    "Have the node read its file again. Waits, and reports what changed, key by\n"
    "key, and what needs a restart. When the file has errors nothing changes.\n" KITH_CLIENT_HELP;

int kith_cmd_reload(int argc, char **argv)
{
    static const struct option options[] = {KITH_CLIENT_OPTIONS};
    struct kith_ask ask = {.tool = "reload"};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;)
        if ((c = kith_client_option(&ask, c, help)) >= 0) return c;
    if (optind < argc) return kith_tool_usage("reload", "what is '%s'?", argv[optind]);
    json_t *answer = kith_client_ask(&ask, json_pack("{s:s}", "cmd", "reload"), PATIENCE), *line;
    size_t i;
    if (answer && ask.json)
        kith_tool_json(answer);
    else
        json_array_foreach(json_object_get(answer, "changes"), i, line)
            puts(json_string_value(line));
    json_decref(answer);
    kith_client_close(&ask);
    return ask.code;
}
