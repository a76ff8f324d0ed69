/*
 * cmd_send.c - `kith send`: a user message to one member.
 */
#include "cmd.h"

#include "arguments.h"
#include "ask.h"
#include "fail.h"
#include "screen.h"
#include <stdlib.h>

#define PATIENCE 60000000000u

static const char help[] =
    "Usage: kith send [OPTIONS] NODE TEXT|-\n\n"
    "Send a user message to one member; '-' takes it from standard input. Up to\n"
    "1,500,000 bytes can be handed over; how large a packet or a stream may be\n"
    "is said by node.udp_buffer_size and limits.max_stream_size.\n\n"
    "      --channel NAME   for the delegates of that channel; else it is for who\n"
    "                       listens to users: 'kith monitor', the delegate log\n"
    "      --raw            the bytes alone: for members that do not run Kith\n"
    "      --address        NODE is not a name but an address, as `kith members`\n"
    "                       shows them\n"
    "      --reliable       on a stream, which notices when it does not arrive;\n"
    "                       else as one packet, best effort\n" KITH_ASK_HELP;

int kith_cmd_send(int argc, char **argv)
{
    static const struct option options[] = {{"address", no_argument, NULL, 'a'},
                                            {"reliable", no_argument, NULL, 'r'},
                                            {"channel", required_argument, NULL, KITH_OPT_CHANNEL},
                                            {"raw", no_argument, NULL, KITH_OPT_RAW},
                                            KITH_ASK_OPTIONS};
    struct kith_ask ask = {.tool = "send"};
    struct kith_on_channel on = {0};
    const char *to = "name";
    bool reliable = false;
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'a')
            to = "address";
        else if (c == 'r')
            reliable = true;
        else if (kith_tool_channel_option(&on, c, optarg))
            continue;
        else if ((c = kith_ask_option(&ask, c, help)) != KITH_GO_ON)
            return c;
    }
    if (argc - optind != 2) return kith_tool_usage("send", "say to whom, and what");
    json_t *payload = kith_tool_payload("send", argv[optind + 1]);
    if (!payload) return KITH_EXIT_FAILED;
    json_t *request =
        json_pack("{s:s,s:o,s:o,s:b}", "cmd", "send", to, kith_tool_string(argv[optind]), "payload",
                  payload, "reliable", (int)reliable);
    if (!request) return kith_tool_fail("send", KITH_EXIT_FAILED, "out of memory");
    kith_tool_on_channel(&on, request);
    ask.too_big = reliable ? "too big: limits.max_stream_size is less"
                           : "too big for a packet of node.udp_buffer_size; try --reliable";
    return kith_ask_do(&ask, request, PATIENCE);
}
