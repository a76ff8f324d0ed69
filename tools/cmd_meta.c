/*
 * cmd_meta.c - `kith meta`: show or change the node's meta.
 */
#include "cmd.h"

#include "arguments.h"
#include "client.h"
#include "fail.h"
#include "screen.h"
#include <stdlib.h>

#define PATIENCE 60000000000u

static const char help[] =
    "Usage: kith meta [OPTIONS] [TEXT|-]\n"
    "       kith meta [OPTIONS] --tag NAME=VALUE...\n\n"
    "Show the node's meta, or change it and tell the others. It lasts until the\n"
    "node ends or the file's meta changes.\n\n"
    "      --tag NAME=VALUE  tags in Serf's form; repeat for more\n"
    "      --base64          the text is base64\n" KITH_CLIENT_HELP;

static int show_meta(struct kith_ask *ask)
{
    json_t *answer = kith_client_ask(ask, json_pack("{s:s}", "cmd", "meta"), PATIENCE);
    if (answer && ask->json) {
        kith_tool_json(answer);
    } else if (answer) {
        char *text = kith_tool_printable(json_string_value(json_object_get(answer, "meta")));
        puts(text ? text : "");
        free(text);
    }
    json_decref(answer);
    kith_client_close(ask);
    return ask->code;
}

int kith_cmd_meta(int argc, char **argv)
{
    static const struct option options[] = {{"tag", required_argument, NULL, 't'},
                                            {"base64", no_argument, NULL, 'b'},
                                            KITH_CLIENT_OPTIONS};
    struct kith_ask ask = {.tool = "meta", .too_big = "too big: meta holds 512 bytes at most"};
    json_t *tags = json_array();
    bool base64 = false;
    int code = -1;
    for (int c; code < 0 && (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 't') {
            if (!strchr(optarg, '=') || json_array_append_new(tags, json_string(optarg)))
                code = kith_tool_usage("meta", "--tag is NAME=VALUE in UTF-8, not '%s'", optarg);
        } else if (c == 'b') {
            base64 = true;
        } else {
            code = kith_client_option(&ask, c, help);
        }
    }
    bool tagged = json_array_size(tags) > 0;
    if (code < 0 && argc - optind > !tagged)
        code = kith_tool_usage("meta", "what is '%s'?", argv[argc - 1]);
    if (code < 0 && !tagged && argc == optind) code = show_meta(&ask);
    if (code >= 0) {
        json_decref(tags);
        return code;
    }
    json_t *request = json_pack("{s:s}", "cmd", "meta");
    if (tagged)
        json_object_set(request, "tags", tags);
    else
        json_object_set_new(request, "payload",
                            base64 ? json_string(argv[optind])
                                   : kith_tool_payload("meta", argv[optind]));
    json_decref(tags);
    return kith_client_do(&ask, request, PATIENCE);
}
