/*
 * cmd_reload.c - `kith reload`: the node reads its file again.
 */
#include "cmd.h"

#include "ask.h"
#include "fail.h"
#include "screen.h"

#define PATIENCE 60000000000u

static const char help[] =
    "Usage: kith reload [OPTIONS]\n\n"
    "Have the node read its file again. Waits, and reports what changed, key by\n"
    "key, what needs a restart, and which entry could not follow. When the file\n"
    "has errors nothing changes.\n" KITH_ASK_HELP;

/* Also of a reload that failed: something may be in force all the same. */
static void show(const struct kith_ask *ask, const json_t *answer)
{
    json_t *line;
    size_t i;
    if (ask->json)
        kith_tool_json(answer);
    else
        json_array_foreach(json_object_get(answer, "changes"), i, line) puts(kith_tool_text(line));
    fflush(stdout);
}

int kith_cmd_reload(int argc, char **argv)
{
    static const struct option options[] = {KITH_ASK_OPTIONS};
    struct kith_ask ask = {.tool = "reload", .refused = show};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;)
        if ((c = kith_ask_option(&ask, c, help)) != KITH_GO_ON) return c;
    if (optind < argc) return kith_tool_usage("reload", "what is '%s'?", argv[optind]);
    json_t *answer = kith_ask_node(&ask, json_pack("{s:s}", "cmd", "reload"), PATIENCE);
    if (answer) show(&ask, answer);
    json_decref(answer);
    kith_ask_close(&ask);
    return ask.code;
}
