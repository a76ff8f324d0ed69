/*
 * manage.c - `kith join`, `leave`, `reload`, `keys` and `command`: what an operator does to a
 * running node.
 */
#include "rotate.h"

#include <stdlib.h>

#define PATIENCE 60000000000u

enum { SOCKETS_MAX = 1024 };

static const char join_help[] = "Usage: kith join [OPTIONS] PLACE...\n\n"
                                "Join the cluster by way of other members. PLACE is "
                                "[name/]host[:port]; a host name may stand for several addresses.\n"
                                "Exit 1 when any place did not answer.\n" KITH_CLIENT_HELP;

static const char leave_help[] =
    "Usage: kith leave [OPTIONS]\n\n"
    "Say goodbye to the cluster, then end the node.\n\n"
    "      --stay           the node goes on running (and answering) after it has left\n"
    "      --timeout TIME   for the goodbye to be sent often enough (5s)\n" KITH_CLIENT_HELP;

static const char reload_help[] = "Usage: kith reload [OPTIONS]\n\n"
                                  "Have the node read its file again. Waits, and reports what "
                                  "changed, key by key, and what needs a restart. When the file\n"
                                  "has errors nothing changes.\n" KITH_CLIENT_HELP;

static const char keys_help[] =
    "Usage: kith keys [OPTIONS] list\n"
    "       kith keys [OPTIONS] install KEY|-\n"
    "       kith keys [OPTIONS] use|remove FINGERPRINT\n"
    "       kith keys [OPTIONS] [--socket PATH]... [--key-file FILE] rotate\n\n"
    "The keyring of the node. KEY is 16, 24 or 32 bytes in base64 or hex ('-': from standard "
    "input, which keeps it out of the\n"
    "process list); keys are shown by their fingerprints only. The first one, the primary, seals; "
    "all open. A change is written\n"
    "to the file that the ring came from (atomically, mode 0600); a ring from elsewhere changes in "
    "memory only.\n\n"
    "rotate gives a cluster a new primary: all nodes install it, then all use it, then all remove "
    "the old one. It stops when a\n"
    "node is missing, and says how to go on (exit 1).\n\n"
    "      --key-file FILE  rotate: the new key (default: a fresh one, as long as the old one)\n"
    "      --timeout TIME   rotate: how long to wait for a node that does not answer (5s)\n"
    "      --partial        rotate: also when more members are alive than sockets are "
    "named\n" KITH_CLIENT_HELP;

static const char command_help[] = "Usage: kith command [OPTIONS] INSTANCE WORD...\n\n"
                                   "Ask the transport or a delegate of the running node something "
                                   "that only it understands.\n" KITH_CLIENT_HELP;

int kith_tool_join(int argc, char **argv)
{
    static const struct option options[] = {KITH_CLIENT_OPTIONS};
    struct kith_ask ask = {.tool = "join"};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;)
        if ((c = kith_client_option(&ask, c, join_help)) >= 0) return c;
    if (optind == argc) return kith_tool_usage("join", "say where");
    json_t *where = json_array(), *one;
    for (; optind < argc; optind++)
        if (json_array_append_new(where, json_string(argv[optind]))) {
            json_decref(where);
            return kith_tool_usage("join", "'%s' is not UTF-8", argv[optind]);
        }
    json_t *answer =
        kith_client_ask(&ask, json_pack("{s:s,s:o}", "cmd", "join", "where", where), PATIENCE);
    size_t i;
    if (answer && ask.json) kith_tool_json(answer);
    json_array_foreach(json_object_get(answer, "results"), i, one)
    {
        const char *place = json_string_value(json_object_get(one, "where")),
                   *error = json_string_value(json_object_get(one, "error"));
        if (error)
            kith_tool_fail("join", KITH_EXIT_FAILED, "%s: %s", place, error);
        else if (!ask.json)
            printf("%s: joined, %lld address(es)\n", place,
                   (long long)json_integer_value(json_object_get(one, "met")));
    }
    if (answer && !json_is_true(json_object_get(answer, "complete"))) ask.code = KITH_EXIT_FAILED;
    json_decref(answer);
    kith_client_close(&ask);
    return ask.code;
}

int kith_tool_leave(int argc, char **argv)
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
        else if ((c = kith_client_option(&ask, c, leave_help)) >= 0)
            return c;
    }
    if (timeout == UINT64_MAX) return kith_tool_usage("leave", "--timeout is a duration like 5s");
    if (optind < argc) return kith_tool_usage("leave", "what is '%s'?", argv[optind]);
    json_t *request = json_pack("{s:s,s:f,s:b}", "cmd", "leave", "timeout", (double)timeout / 1e9,
                                "stop", (int)!stay);
    json_t *answer = kith_client_ask(&ask, request, timeout + PATIENCE);
    if (answer && ask.json) kith_tool_json(answer);
    json_decref(answer);
    kith_client_close(&ask);
    return ask.code;
}

int kith_tool_reload(int argc, char **argv)
{
    static const struct option options[] = {KITH_CLIENT_OPTIONS};
    struct kith_ask ask = {.tool = "reload"};
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;)
        if ((c = kith_client_option(&ask, c, reload_help)) >= 0) return c;
    if (optind < argc) return kith_tool_usage("reload", "what is '%s'?", argv[optind]);
    json_t *answer = kith_client_ask(&ask, json_pack("{s:s}", "cmd", "reload"), PATIENCE), *line;
    size_t i;
    if (answer && ask.json)
        kith_tool_json(answer);
    else
        json_array_foreach(json_object_get(answer, "changes"), i, line)
            puts(json_string_value(line));
    json_decref(answer);
    kith_client_close(&ask);
    return ask.code;
}

/* ------------------------------------------------------------------------------------- keys */

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

int kith_tool_keys(int argc, char **argv)
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
        else if ((c = kith_client_option(&ask, c, keys_help)) >= 0)
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

int kith_tool_command(int argc, char **argv)
{
    static const struct option options[] = {KITH_CLIENT_OPTIONS};
    struct kith_ask ask = {.tool = "command"};
    for (int c; (c = getopt_long_only(argc, argv, "+h", options, NULL)) != -1;)
        if ((c = kith_client_option(&ask, c, command_help)) >= 0) return c;
    if (argc - optind < 1) return kith_tool_usage("command", "say which instance, and what");
    const char *instance = argv[optind++];
    json_t *list = json_array();
    for (; optind < argc; optind++) json_array_append_new(list, json_string(argv[optind]));
    json_t *answer = kith_client_ask(
        &ask, json_pack("{s:s,s:s,s:o}", "cmd", "command", "instance", instance, "words", list),
        PATIENCE);
    if (answer && ask.json)
        kith_tool_json(answer);
    else if (answer)
        fputs(json_string_value(json_object_get(answer, "output")), stdout);
    json_decref(answer);
    kith_client_close(&ask);
    return ask.code;
}
