/*
 * cmd_leave.c - `kith leave`: say goodbye, then end the node.
 */
#include "cmd.h"

#include "arguments.h"
#include "client.h"
#include "fail.h"

#define PATIENCE 60000000000u

static const char help[] =
    "Usage: kith leave [OPTIONS]\n\n"
    "Say goodbye to the cluster, then end the node.\n\n"
    "      --stay           the node goes on running (and answering)\n"
    "      --timeout TIME   for the goodbye to be sent often enough (5s)\n" KITH_CLIENT_HELP;

int kith_cmd_leave(int argc, char **argv)
{
    static const struct option options[] = {{"stay", no_argument, NULL, 's'},
                                            {"timeout", required_argument, NULL, 't'},
                                            KITH_CLIENT_OPTIONS};
    struct kith_ask ask = {.tool = "leave"};
    uint64_t timeout = 5000000000u;
    bool stay = false;
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 's')
            stay = true;
        else if (c == 't')
            timeout = kith_tool_duration(optarg);
        else if ((c = kith_client_option(&ask, c, help)) >= 0)
            return c;
    }
    if (timeout == UINT64_MAX) return kith_tool_usage("leave", "--timeout is a duration like 5s");
    if (optind < argc) return kith_tool_usage("leave", "what is '%s'?", argv[optind]);
    json_t *request = json_pack("{s:s,s:f,s:b}", "cmd", "leave", "timeout", (double)timeout / 1e9,
                                "stop", (int)!stay);
    return kith_client_do(&ask, request, timeout + PATIENCE);
}
