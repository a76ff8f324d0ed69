/*
 * cmd_command.c - `kith command ENTRY`, and `kith ENTRY` for short: ask a plugin of the node
 * something that only it understands.
 */
#include "cmd.h"

#include "arguments.h"
#include "ask.h"
#include "fail.h"
#include "screen.h"
#include <unistd.h>

#define PATIENCE 60000000000u
#define GRACE    5000000000u /* ns: for the node to say that the time is over */

static const char help[] =
    "Usage: kith command [OPTIONS] ENTRY [WORD]...\n"
    "       kith ENTRY [OPTIONS] [WORD]...\n\n"
    "Ask an entry of the running node, transport, codec or delegate, something that\n"
    "only it understands. ENTRY is its name in the node's file: `as:`, or else the\n"
    "plugin's name. With --format json the entry is asked to answer in JSON, one\n"
    "value a line.\n\n"
    "      --timeout TIME   how long it may take (1m); exit 5 when it is over\n" KITH_ASK_HELP;

/* The answer as it comes: byte for byte to a program, and clean to a terminal, as it may hold what
 * strangers have said. */
static void write_piece(void *arg, const json_t *piece)
{
    const json_t *output = json_object_get(piece, "output");
    const char *text = json_string_value(output);
    if (isatty(STDOUT_FILENO))
        kith_tool_write(text, json_string_length(output), stdout);
    else
        fwrite(text, 1, json_string_length(output), stdout);
    fflush(stdout);
}

static json_t *request_of(const char *entry, char **words, bool json)
{
    json_t *list = json_array();
    for (; *words; words++)
        if (json_array_append_new(list, json_string(*words))) {
            json_decref(list);
            return NULL;
        }
    return json_pack("{s:s,s:s,s:o,s:b}", "cmd", "command", "entry", entry, "words", list, "json",
                     (int)json);
}

/* entry NULL: it is the first word. */
static int command(struct kith_ask *ask, const char *entry, int argc, char **argv)
{
    static const struct option options[] = {{"timeout", required_argument, NULL, 't'},
                                            KITH_ASK_OPTIONS};
    uint64_t timeout = PATIENCE;
    for (int c; (c = getopt_long_only(argc, argv, "+h", options, NULL)) != -1;) {
        c = c == 't' ? kith_tool_timeout(ask->tool, optarg, &timeout)
                     : kith_ask_option(ask, c, help);
        if (c != KITH_GO_ON) return c;
    }
    if (!entry && optind == argc) return kith_tool_usage("command", "say which entry, and what");
    if (!entry) entry = argv[optind++];
    json_t *request = request_of(entry, argv + optind, ask->json);
    if (!request) return kith_tool_usage(ask->tool, "words are UTF-8 text");
    json_object_set_new(request, "timeout", json_real((double)timeout / 1e9));
    json_decref(kith_ask_pieces(ask, request, timeout + GRACE, write_piece, NULL));
    kith_ask_close(ask);
    return ask->code;
}

int kith_cmd_command(int argc, char **argv)
{
    return command(&(struct kith_ask){.tool = "command"}, NULL, argc, argv);
}

/* The node's own words; what an entry can't find is another matter. */
static bool no_such_entry(const struct kith_ask *ask, const char *entry)
{
    char text[sizeof ask->refusal];
    snprintf(text, sizeof text, "no entry is called %s", entry);
    return ask->code == KITH_EXIT_NOTFOUND && !strcmp(text, ask->refusal);
}

int kith_cmd_entry(const char *entry, int argc, char **argv)
{
    struct kith_ask ask = {.tool = entry};
    int code = command(&ask, entry, argc, argv);
    if (code == KITH_EXIT_UNREACHABLE || no_such_entry(&ask, entry))
        fprintf(stderr,
                "'%s' is no command of kith, so it was taken for an entry of the node. "
                "Try 'kith --help'.\n",
                entry);
    return code;
}
