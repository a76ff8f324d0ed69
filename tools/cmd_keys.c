/*
 * cmd_keys.c - `kith keys`: the keyring of a node; `rotate`, of a whole cluster, is in rotate.c.
 */
#include "cmd.h"

#include "arguments.h"
#include "client.h"
#include "fail.h"
#include "screen.h"
#include "rotate.h"

#define PATIENCE 60000000000u

enum { SOCKETS_MAX = 1024 };

static const char help[] =
    "Usage: kith keys [OPTIONS] list\n"
    "       kith keys [OPTIONS] install KEY|-\n"
    "       kith keys [OPTIONS] use|remove FINGERPRINT\n"
    "       kith keys [OPTIONS] [--socket PATH]... rotate\n\n"
    "The keyring of the node. KEY is 16, 24 or 32 bytes in base64 or hex; '-' reads\n"
    "it from standard input, which keeps it out of the process list. Keys are shown\n"
    "by their fingerprints only. The first one, the primary, seals; all open. A\n"
    "change is written to the file that the ring came from (atomically, mode 0600);\n"
    "a ring from elsewhere changes in memory only.\n\n"
    "rotate gives a cluster a new primary: all nodes install it, then all use it,\n"
    "then all remove the old one. It stops when a node is missing, and says how to\n"
    "go on (exit 1).\n\n"
    "      --key-file FILE  rotate: the new key; without it a fresh one, as long as\n"
    "                       the old one\n"
    "      --timeout TIME   rotate: how long to wait for a node that does not\n"
    "                       answer (5s)\n"
    "      --partial        rotate: also when more members are alive than sockets\n"
    "                       are named\n" KITH_CLIENT_HELP;

static json_t *key_request(const char *verb, const char *what)
{
    char line[128] = "";
    if (!strcmp(verb, "list"))
        return what ? NULL : json_pack("{s:s,s:s}", "cmd", "keys", "do", "list");
    if (!what) return NULL;
    if (strcmp(verb, "install") != 0)
        return json_pack("{s:s,s:s,s:s}", "cmd", "keys", "do", verb, "fingerprint", what);
    if (!strcmp(what, "-")) {
        if (!fgets(line, sizeof line, stdin)) return NULL;
        line[strcspn(line, "\r\n")] = 0;
        what = line;
    }
    return json_pack("{s:s,s:s,s:s}", "cmd", "keys", "do", "install", "key", what);
}

static void print_keys(const json_t *answer, bool no_header)
{
    static const char *const header[] = {"FINGERPRINT", "BITS", "ROLE"};
    struct kith_rows *rows = kith_rows_new(3);
    json_t *key, *saved = json_object_get(answer, "saved");
    size_t i;
    kith_rows_add(rows, header);
    json_array_foreach(json_object_get(answer, "keys"), i, key)
    {
        char bits[16];
        snprintf(bits, sizeof bits, "%lld",
                 (long long)json_integer_value(json_object_get(key, "bits")));
        const char *cells[] = {json_string_value(json_object_get(key, "fingerprint")), bits,
                               json_is_true(json_object_get(key, "primary")) ? "primary" : ""};
        kith_rows_add(rows, cells);
    }
    kith_rows_print(rows, no_header);
    if (!json_is_false(saved)) return;
    const char *why = json_string_value(json_object_get(answer, "unsaved"));
    fprintf(stderr, "kith keys: changed in memory only: %s\n",
            why ? why : "the ring does not come from one file");
}

static int one_node(struct kith_ask *ask, const char *verb, const char *what)
{
    static const char *const verbs[] = {"list", "install", "use", "remove"};
    bool known = false;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) known |= !strcmp(verbs[i], verb);
    json_t *request = known ? key_request(verb, what) : NULL;
    if (!request)
        return kith_tool_usage(
            "keys", "say list, install KEY, use FINGERPRINT, remove FINGERPRINT or rotate");
    json_t *answer = kith_client_ask(ask, request, PATIENCE);
    if (answer && ask->json)
        kith_tool_json(answer);
    else if (answer)
        print_keys(answer, ask->no_header);
    json_decref(answer);
    kith_client_close(ask);
    return ask->code;
}

int kith_cmd_keys(int argc, char **argv)
{
    static const struct option options[] = {{"key-file", required_argument, NULL, 'k'},
                                            {"timeout", required_argument, NULL, 't'},
                                            {"partial", no_argument, NULL, 'p'},
                                            KITH_CLIENT_OPTIONS};
    const char *sockets[SOCKETS_MAX] = {NULL};
    struct kith_rotation all = {.sockets = sockets, .patience = 5000000000u};
    struct kith_ask ask = {.tool = "keys"};
    bool of_rotate = false;
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        if (c == KITH_OPT_SOCKET && all.count == SOCKETS_MAX)
            return kith_tool_usage("keys", "more than %d nodes", SOCKETS_MAX);
        for (size_t i = 0; c == KITH_OPT_SOCKET && i < all.count; i++)
            if (!strcmp(sockets[i], optarg))
                return kith_tool_usage("keys", "--socket %s is given twice", optarg);
        if (c == KITH_OPT_SOCKET) sockets[all.count++] = optarg;
        of_rotate |= c == 'k' || c == 't' || c == 'p';
        if (c == 'k')
            all.key_file = optarg;
        else if (c == 't')
            all.patience = kith_tool_duration(optarg);
        else if (c == 'p')
            all.partial = true;
        else if ((c = kith_client_option(&ask, c, help)) >= 0)
            return c;
    }
    if (all.patience == UINT64_MAX)
        return kith_tool_usage("keys", "--timeout is a duration like 5s");
    const char *verb = optind < argc ? argv[optind++] : "list";
    if (argc - optind > 1) return kith_tool_usage("keys", "what is '%s'?", argv[optind + 1]);
    if (strcmp(verb, "rotate") != 0) {
        if (of_rotate)
            return kith_tool_usage("keys", "--key-file, --timeout and --partial are for rotate");
        if (all.count > 1) return kith_tool_usage("keys", "one --socket is enough, but for rotate");
        return one_node(&ask, verb, argv[optind]);
    }
    if (optind < argc) return kith_tool_usage("keys", "rotate takes its key from --key-file");
    if (!all.count) all.count = 1;
    return kith_rotate(&ask, &all);
}
