/*
 * main.c - kith(1): find the subcommand and hand over.
 */
#include "cmd.h"
#include "crash.h"
#include "fail.h"
#include "standard.h"

#include <kith/kith.h>
#include <errno.h>
#include <stdlib.h>

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} tools[] = {
    {"run", "run a node from its file", kith_cmd_run},
    {"sim", "try a node's file on many nodes, in virtual time", kith_cmd_sim},
    {"members", "who is in the cluster", kith_cmd_members},
    {"join", "join by way of other members", kith_cmd_join},
    {"leave", "say goodbye and end the node", kith_cmd_leave},
    {"info", "the node about itself, and all it counts", kith_cmd_info},
    {"send", "a user message to one member", kith_cmd_send},
    {"broadcast", "a user message to the cluster", kith_cmd_broadcast},
    {"monitor", "events and messages as they happen", kith_cmd_monitor},
    {"meta", "show or change the node's meta", kith_cmd_meta},
    {"reload", "read the node's file again", kith_cmd_reload},
    {"keys", "list, install, use, remove and rotate keys", kith_cmd_keys},
    {"command", "ask an entry of the node; 'kith ENTRY' for short", kith_cmd_command},
    {"config", "check, show or document a node's file", kith_cmd_config},
    {"plugin", "list, inspect and measure plugins", kith_cmd_plugin},
    {"dissect", "take a packet or stream apart, layer by layer", kith_cmd_dissect},
};

static void help(FILE *to)
{
    fputs("Usage: kith COMMAND [ARGUMENTS]\n\n"
          "A gossip membership node that speaks the wire protocol of HashiCorp memberlist.\n\n",
          to);
    for (size_t i = 0; i < sizeof tools / sizeof *tools; i++)
        fprintf(to, "  %-10s %s\n", tools[i].name, tools[i].summary);
    fputs("\n'kith COMMAND --help' tells more. Exit codes: 0 done, 1 failed, 2 wrong usage or\n"
          "config, 3 no node there, 4 not found, 5 timed out, 6 not allowed. Manual: kith(1),\n"
          "kith.yaml(5).\n",
          to);
}

/* A command of our own; any other word is an entry of the running node. */
static int run(int argc, char **argv)
{
    const char *name = argv[1];
    size_t count = sizeof tools / sizeof *tools, i = 0;
    char program[64];
    while (i < count && strcmp(name, tools[i].name) != 0) i++;
    if (i == count && *name == '-') {
        fprintf(stderr, "kith: unknown option '%s'\nTry 'kith --help'.\n", name);
        return KITH_EXIT_USAGE;
    }
    snprintf(program, sizeof program, "kith %s", name);
    argv[1] = program; /* what getopt begins its messages with */
    kith_tool_watch_crashes();
    return i < count ? tools[i].run(argc - 1, argv + 1) : kith_cmd_entry(name, argc - 1, argv + 1);
}

/* What was said has arrived, or the command has failed. Some file systems find out at the end only.
 * A standard output that was closed from the beginning is one to which nothing need go. */
static int end(const char *name, int code)
{
    bool lost = ferror(stdout);
    errno = 0;
    if (fflush(stdout) != 0 || (fclose(stdout) != 0 && errno != EBADF)) lost = true;
    if (!lost) return code;
    const char *why = errno && errno != EBADF ? strerror(errno) : "not all of it was taken";
    return kith_tool_fail(name, code ? code : KITH_EXIT_FAILED, "can't write the output: %s", why);
}

int main(int argc, char **argv)
{
    kith_standard_hold();
    if (argc < 2) {
        help(stderr);
        return KITH_EXIT_USAGE;
    }
    const char *name = argv[1]; /* run() changes it */
    int code = KITH_EXIT_OK;
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
        help(stdout);
    else if (!strcmp(name, "--version"))
        printf("kith %s, plugin ABI %d.%d\n", PACKAGE_VERSION, KITH_ABI_MAJOR, KITH_ABI_MINOR);
    else
        code = run(argc, argv);
    return end(name, code);
}
