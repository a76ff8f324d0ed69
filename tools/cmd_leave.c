/*
 * cmd_leave.c - `kith leave`: say goodbye, then end the node.
 */
#include "cmd.h"

#include "arguments.h"
#include "ask.h"
#include "fail.h"

#define PATIENCE 60000000000u

static const char help[] =
    "Usage: kith leave [OPTIONS]\n\n"
    "Say goodbye to the cluster, then end the node.\n\n"
    "      --stay           the node goes on running (and answering)\n"
    "      --timeout TIME   for the goodbye to be sent often enough (5s)\n" KITH_ASK_HELP;

int kith_cmd_leave(int argc, char **argv)
{
    static const struct option options[] = {{"stay", no_argument, NULL, 's'},
                                            {"timeout", required_argument, NULL, 't'},
                                            KITH_ASK_OPTIONS};
    struct kith_ask ask = {.tool = "leave"};
    uint64_t timeout = 5000000000u;
    bool stay = false;
    int code = KITH_GO_ON;
    for (int c;
         code == KITH_GO_ON && (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 's')
            stay = true;
        else if (c == 't')
            code = kith_tool_timeout("leave", optarg, &timeout);
        else
            code = kith_ask_option(&ask, c, help);
    }
    if (code != KITH_GO_ON) return code;
    if (optind < argc) return kith_tool_usage("leave", "what is '%s'?", argv[optind]);
    json_t *request = json_pack("{s:s,s:f,s:b}", "cmd", "leave", "timeout", (double)timeout / 1e9,
                                "stop", (int)!stay);
    return kith_ask_do(&ask, request, timeout + PATIENCE);
}
