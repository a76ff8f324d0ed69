/*
 * cmd_meta.c - `kith meta`: show or change the node's meta.
 */
#include "cmd.h"

#include "arguments.h"
#include "ask.h"
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
    "      --base64          the text is base64\n" KITH_ASK_HELP;

static int show_meta(struct kith_ask *ask)
{
    json_t *answer = kith_ask_node(ask, json_pack("{s:s}", "cmd", "meta"), PATIENCE);
    if (answer && ask->json) {
        kith_tool_json(answer);
    } else if (answer) {
        char *text = kith_tool_printable(json_string_value(json_object_get(answer, "meta")));
        puts(text ? text : "");
        free(text);
    }
    json_decref(answer);
    kith_ask_close(ask);
    return ask->code;
}

struct request {
    struct kith_ask ask;
    json_t *tags;
    bool base64;
};

static int take_option(int c, struct request *r)
{
    switch (c) {
    case 't':
        if (strchr(optarg, '=') && !json_array_append_new(r->tags, json_string(optarg)))
            return KITH_GO_ON;
        return kith_tool_usage("meta", "--tag is NAME=VALUE in UTF-8, not '%s'", optarg);
    case 'b': r->base64 = true; return KITH_GO_ON;
    default: return kith_ask_option(&r->ask, c, help);
    }
}

static int parse_options(int argc, char **argv, struct request *r)
{
    static const struct option options[] = {{"tag", required_argument, NULL, 't'},
                                            {"base64", no_argument, NULL, 'b'},
                                            KITH_ASK_OPTIONS};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        int code = take_option(c, r);
        if (code != KITH_GO_ON) return code;
    }
    bool tagged = json_array_size(r->tags) > 0;
    if (argc - optind > !tagged) return kith_tool_usage("meta", "what is '%s'?", argv[argc - 1]);
    if (r->base64 && optind == argc) return kith_tool_usage("meta", "--base64 is for a text");
    return KITH_GO_ON;
}

/* text: NULL for tags. */
static int change_meta(struct request *r, const char *text)
{
    json_t *request = json_pack("{s:s}", "cmd", "meta");
    if (!text)
        json_object_set(request, "tags", r->tags);
    else
        json_object_set_new(request, "payload",
                            r->base64 ? json_string(text) : kith_tool_payload("meta", text));
    return kith_ask_do(&r->ask, request, PATIENCE);
}

int kith_cmd_meta(int argc, char **argv)
{
    struct request r = {.ask = {.tool = "meta", .too_big = "too big: meta holds 512 bytes at most"},
                        .tags = json_array()};
    int code = parse_options(argc, argv, &r);
    if (code == KITH_GO_ON)
        code = optind < argc || json_array_size(r.tags) ? change_meta(&r, argv[optind])
                                                        : show_meta(&r.ask);
    json_decref(r.tags);
    return code;
}
