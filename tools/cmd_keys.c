/*
 * cmd_keys.c - `kith keys`: the keyring of a node; `rotate`, of a whole cluster, is in rotate.c.
 */
#include "cmd.h"

#include "arguments.h"
#include "ask.h"
#include "fail.h"
#include "rotate.h"
#include "rows.h"
#include "screen.h"
#include "config.h"
#include <errno.h>
#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE 60000000000u

enum { SOCKETS_MAX = 1024, KEY_LINE_MAX = 512 };

static const char help[] =
    "Usage: kith keys [OPTIONS] list\n"
    "       kith keys [OPTIONS] install KEY|-\n"
    "       kith keys [OPTIONS] use|remove FINGERPRINT\n"
    "       kith keys [OPTIONS] [--socket PATH]... rotate\n\n"
    "The keyring of the node. KEY is 16, 24 or 32 bytes in base64 or hex; '-' reads\n"
    "it from standard input, which keeps it out of the process list. Keys are shown\n"
    "by their fingerprints only. The first one, the primary, seals; all open. A\n"
    "change is written to the file that the ring came from (atomically, mode 0600),\n"
    "and is in memory only when that fails (exit 1) or there is no such file.\n\n"
    "rotate gives a cluster a new primary: all nodes install it, then all use it,\n"
    "then all remove the old one. It stops when a node is missing, and says how to\n"
    "go on (exit 1).\n\n"
    "      --key-file FILE  rotate: the new key; without it a fresh one, as long as\n"
    "                       the old one\n"
    "      --timeout TIME   rotate: how long to wait for a node that does not\n"
    "                       answer (5s)\n"
    "      --partial        rotate: also when more members are alive than sockets\n"
    "                       are named\n" KITH_ASK_HELP;

/* All that JSON was is wiped, here and in rotate.c: there may be a key in it. */
static void wipe_and_free(void *p)
{
    if (p) sodium_memzero(p, malloc_usable_size(p));
    free(p);
}

/* The first line of standard input, past the buffers of stdio; NULL: there is none. */
static char *read_key(void)
{
    char *line = (char *)kith_secret_alloc(KEY_LINE_MAX);
    size_t len = 0;
    for (ssize_t n = 1; n > 0 && len < KEY_LINE_MAX - 1 && !memchr(line, '\n', len);) {
        n = read(STDIN_FILENO, line + len, KEY_LINE_MAX - 1 - len);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            len += (size_t)n;
    }
    line[len] = 0;
    line[strcspn(line, "\r\n")] = 0;
    if (len) return line;
    kith_secret_free((uint8_t *)line);
    return NULL;
}

static json_t *install_request(const char *what)
{
    char *line = strcmp(what, "-") ? NULL : read_key();
    const char *key = line ? line : what;
    json_t *request = json_pack("{s:s,s:s,s:s}", "cmd", "keys", "do", "install", "key", key);
    kith_secret_free((uint8_t *)line);
    return request;
}

static json_t *key_request(const char *verb, const char *what)
{
    if (!strcmp(verb, "list"))
        return what ? NULL : json_pack("{s:s,s:s}", "cmd", "keys", "do", "list");
    if (!what) return NULL;
    if (!strcmp(verb, "install")) return install_request(what);
    return json_pack("{s:s,s:s,s:s}", "cmd", "keys", "do", verb, "fingerprint", what);
}

static void print_keys(const json_t *answer, bool no_header)
{
    static const char *const header[] = {"FINGERPRINT", "BITS", "ROLE"};
    struct kith_rows *rows = kith_rows_new(3, no_header ? NULL : header);
    json_t *key;
    size_t i;
    json_array_foreach(json_object_get(answer, "keys"), i, key)
    {
        char bits[16];
        snprintf(bits, sizeof bits, "%lld",
                 (long long)json_integer_value(json_object_get(key, "bits")));
        const char *cells[] = {json_string_value(json_object_get(key, "fingerprint")), bits,
                               json_is_true(json_object_get(key, "primary")) ? "primary" : ""};
        kith_rows_add(rows, cells);
    }
    kith_rows_end(rows);
}

/* A ring that comes from a file and could not be written to it will be the old one after a restart:
 * that is a failure. One that comes from no file is as it was meant. */
static int check_saved(const json_t *answer)
{
    if (!json_is_false(json_object_get(answer, "saved"))) return KITH_EXIT_OK;
    const char *why = kith_tool_text(json_object_get(answer, "unsaved"));
    return kith_tool_fail("keys", why ? KITH_EXIT_FAILED : KITH_EXIT_OK,
                          "changed in memory only: %s",
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
    json_t *answer = kith_ask_node(ask, request, PATIENCE);
    if (answer && ask->json)
        kith_tool_json(answer);
    else if (answer)
        print_keys(answer, ask->no_header);
    if (answer) ask->code = check_saved(answer);
    json_decref(answer);
    kith_ask_close(ask);
    return ask->code;
}

struct request {
    struct kith_ask ask;
    struct kith_rotation all;
    const char *sockets[SOCKETS_MAX];
    bool of_rotate; /* an option that only rotate takes */
};

static int add_socket(struct request *r, const char *path)
{
    if (r->all.count == SOCKETS_MAX)
        return kith_tool_usage("keys", "more than %d nodes", SOCKETS_MAX);
    for (size_t i = 0; i < r->all.count; i++)
        if (!strcmp(r->sockets[i], path))
            return kith_tool_usage("keys", "--socket %s is given twice", path);
    r->sockets[r->all.count++] = path;
    return kith_ask_option(&r->ask, KITH_OPT_SOCKET, help);
}

static int take_option(int c, struct request *r)
{
    r->of_rotate |= c == 'k' || c == 't' || c == 'p';
    switch (c) {
    case KITH_OPT_SOCKET: return add_socket(r, optarg);
    case 'k': r->all.key_file = optarg; return KITH_GO_ON;
    case 't': return kith_tool_timeout("keys", optarg, &r->all.patience);
    case 'p': r->all.partial = true; return KITH_GO_ON;
    default: return kith_ask_option(&r->ask, c, help);
    }
}

static int rotate(struct request *r, const char *more)
{
    if (more) return kith_tool_usage("keys", "rotate takes its key from --key-file");
    if (!r->all.count) r->all.count = 1; /* the one that is found */
    return kith_rotate(&r->ask, &r->all);
}

int kith_cmd_keys(int argc, char **argv)
{
    static const struct option options[] = {{"key-file", required_argument, NULL, 'k'},
                                            {"timeout", required_argument, NULL, 't'},
                                            {"partial", no_argument, NULL, 'p'},
                                            KITH_ASK_OPTIONS};
    struct request r = {.ask = {.tool = "keys"}, .all = {.patience = 5000000000u}};
    r.all.sockets = r.sockets;
    json_set_alloc_funcs(malloc, wipe_and_free);
    for (int c; (c = getopt_long_only(argc, argv, "h", options, NULL)) != -1;) {
        int code = take_option(c, &r);
        if (code != KITH_GO_ON) return code;
    }
    const char *verb = optind < argc ? argv[optind++] : "list";
    if (argc - optind > 1) return kith_tool_usage("keys", "what is '%s'?", argv[optind + 1]);
    if (!strcmp(verb, "rotate")) return rotate(&r, argv[optind]);
    if (r.of_rotate)
        return kith_tool_usage("keys", "--key-file, --timeout and --partial are for rotate");
    if (r.all.count > 1) return kith_tool_usage("keys", "one --socket is enough, but for rotate");
    return one_node(&r.ask, verb, argv[optind]);
}
