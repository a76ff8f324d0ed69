/*
 * talk.c - `kith send`, `broadcast` and `meta`: what this node says to others and of itself.
 */
#include "client.h"

#include <stdlib.h>

#define PATIENCE 60000000000u

static const char send_help[] =
    "Usage: kith send [OPTIONS] NODE TEXT|-\n\n"
    "Send a user message to one member; '-' takes it from standard input.\n\n"
    "      --reliable       on a stream, which notices when it does not arrive; else one packet, "
    "best effort\n" KITH_CLIENT_HELP;

static const char broadcast_help[] =
    "Usage: kith broadcast [OPTIONS] TEXT|-\n\n"
    "Gossip a user message, as memberlist does: sent by this node a number of times, without a "
    "promise of reach.\n" KITH_CLIENT_HELP;

static const char meta_help[] = "Usage: kith meta [OPTIONS] [TEXT|-]\n"
                                "       kith meta [OPTIONS] --tag NAME=VALUE...\n\n"
                                "Show the node's meta, or change it and tell the others. It lasts "
                                "until the node ends or the file's meta changes.\n\n"
                                "      --tag NAME=VALUE  tags in Serf's form; repeat for more\n"
                                "      --base64          the text is base64\n" KITH_CLIENT_HELP;

/* Requests whose answer says only that it is done. */
static int simple(struct kith_ask *ask, json_t *request, const char *said)
{
    json_t *answer = kith_client_ask(ask, request, PATIENCE);
    if (answer && ask->json)
        kith_tool_json(answer);
    else if (answer && said)
        puts(said);
    json_decref(answer);
    kith_client_close(ask);
    return ask->code;
}

int kith_tool_send(int argc, char **argv)
{
    static const struct option options[] = {{"reliable", no_argument, NULL, 'r'},
                                            KITH_CLIENT_OPTIONS};
    struct kith_ask ask = {.tool = "send"};
    bool reliable = false;
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'r')
            reliable = true;
        else if ((c = kith_client_option(&ask, c, send_help)) >= 0)
            return c;
    }
    if (argc - optind != 2) return kith_tool_usage("send", "say to whom, and what");
    json_t *payload = kith_tool_payload("send", argv[optind + 1]);
    if (!payload) return KITH_EXIT_FAILED;
    json_t *request = json_pack("{s:s,s:s,s:o,s:b}", "cmd", "send", "to", argv[optind], "payload",
                                payload, "reliable", (int)reliable);
    if (!request) return kith_tool_usage("send", "a member's name is UTF-8 text");
    ask.too_big = reliable ? "too big: limits.max_stream_size is less"
                           : "too big for a packet of node.udp_buffer_size; try --reliable";
    return simple(&ask, request, NULL);
}

int kith_tool_broadcast(int argc, char **argv)
{
    static const struct option options[] = {KITH_CLIENT_OPTIONS};
    struct kith_ask ask = {.tool = "broadcast",
                           .too_big =
                               "too big: a broadcast goes in one packet of node.udp_buffer_size"};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;)
        if ((c = kith_client_option(&ask, c, broadcast_help)) >= 0) return c;
    if (argc - optind != 1) return kith_tool_usage("broadcast", "say what");
    json_t *payload = kith_tool_payload("broadcast", argv[optind]);
    if (!payload) return KITH_EXIT_FAILED;
    return simple(&ask, json_pack("{s:s,s:o}", "cmd", "broadcast", "payload", payload), NULL);
}

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

int kith_tool_meta(int argc, char **argv)
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
            code = kith_client_option(&ask, c, meta_help);
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
    return simple(&ask, request, NULL);
}
