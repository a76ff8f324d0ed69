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
    "Tell all members that run Kith something, in order and once to each, as long\n"
    "as relay.window keeps it; '-' takes it from standard input.\n\n"
    "      --channel NAME   for the delegates of that channel; else it is for who\n"
    "                       listens to users: 'kith monitor', the delegate log\n"
    "      --raw            as memberlist does, to others than Kith, too: this node\n"
    "                       alone sends it a number of times, without a promise\n"
    "                       that it reaches all\n" KITH_ASK_HELP;

int kith_cmd_broadcast(int argc, char **argv)
{
    static const struct option options[] = {{"channel", required_argument, NULL, KITH_OPT_CHANNEL},
                                            {"raw", no_argument, NULL, KITH_OPT_RAW},
                                            KITH_ASK_OPTIONS};
    struct kith_ask ask = {.tool = "broadcast",
                           .too_big =
                               "too big: a broadcast goes in one packet of node.udp_buffer_size"};
    struct kith_on_channel on = {0};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        if (kith_tool_channel_option(&on, c, optarg)) continue;
        if ((c = kith_ask_option(&ask, c, help)) != KITH_GO_ON) return c;
    }
    if (argc - optind != 1) return kith_tool_usage("broadcast", "say what");
    json_t *payload = kith_tool_payload("broadcast", argv[optind]);
    if (!payload) return KITH_EXIT_FAILED;
    json_t *request = json_pack("{s:s,s:o}", "cmd", "broadcast", "payload", payload);
    kith_tool_on_channel(&on, request);
    return kith_ask_do(&ask, request, PATIENCE);
}
