/*
 * cmd_command.c - `kith command`: ask a plugin of the node something that only it understands.
 */
#include "cmd.h"

#include "ask.h"
#include "fail.h"
#include "screen.h"

#define PATIENCE 60000000000u

static const char help[] =
    "Usage: kith command [OPTIONS] INSTANCE WORD...\n\n"
    "Ask the transport or a delegate of the running node something that only it\n"
    "understands.\n" KITH_ASK_HELP;

int kith_cmd_command(int argc, char **argv)
{
    static const struct option options[] = {KITH_ASK_OPTIONS};
    struct kith_ask ask = {.tool = "command"};
    for (int c; (c = getopt_long_only(argc, argv, "+h", options, NULL)) != -1;)
        if ((c = kith_ask_option(&ask, c, help)) != KITH_GO_ON) return c;
    if (argc - optind < 1) return kith_tool_usage("command", "say which instance, and what");
    const char *instance = argv[optind++];
    json_t *list = json_array();
    for (; optind < argc; optind++) json_array_append_new(list, json_string(argv[optind]));
    json_t *answer = kith_ask_node(
        &ask, json_pack("{s:s,s:s,s:o}", "cmd", "command", "instance", instance, "words", list),
        PATIENCE);
    if (answer && ask.json)
        kith_tool_json(answer);
    else if (answer)
        fputs(json_string_value(json_object_get(answer, "output")), stdout);
    json_decref(answer);
    kith_ask_close(&ask);
    return ask.code;
}
