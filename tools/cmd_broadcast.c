/*
 * cmd_broadcast.c - `kith broadcast`: a user message to the cluster.
 */
#include "cmd.h"

#include "arguments.h"
#include "ask.h"
#include "fail.h"
#include <stdlib.h>

#define PATIENCE 60000000000u

static const char help[] =
    "Usage: kith broadcast [OPTIONS] TEXT|-\n\n"
    "Gossip a user message, as memberlist does: this node sends it a number of\n"
    "times, without a promise that it reaches all. '-' takes it from standard "
    "input.\n" KITH_ASK_HELP;

int kith_cmd_broadcast(int argc, char **argv)
{
    static const struct option options[] = {KITH_ASK_OPTIONS};
    struct kith_ask ask = {.tool = "broadcast",
                           .too_big =
                               "too big: a broadcast goes in one packet of node.udp_buffer_size"};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;)
        if ((c = kith_ask_option(&ask, c, help)) != KITH_GO_ON) return c;
    if (argc - optind != 1) return kith_tool_usage("broadcast", "say what");
    json_t *payload = kith_tool_payload("broadcast", argv[optind]);
    if (!payload) return KITH_EXIT_FAILED;
    return kith_ask_do(&ask, json_pack("{s:s,s:o}", "cmd", "broadcast", "payload", payload),
                       PATIENCE);
}
