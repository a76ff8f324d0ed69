/*
 * cmd_dissect.c - `kith dissect`: bytes of a packet or stream in, layers and messages out as one
 * JSON object; or a capture file in, one line a packet out.
 */
#include "cmd.h"

#include "arguments.h"
#include "dissect.h"
#include "fail.h"
#include "file.h"
#include <getopt.h>
#include <sodium.h>
#include <stdlib.h>

enum { INPUT_MAX = 64 << 20 };

struct request {
    struct kith_dissect_setup setup;
    char label_found[256];
    const char *pcap;
    bool stream, reply, json;
    uint8_t *bytes;
    size_t len;
};

static const char help[] =
    "Usage: kith dissect [OPTIONS] HEX|-\n"
    "       kith dissect [OPTIONS] --pcap FILE\n\n"
    "Takes a packet apart, layer by layer, and prints one JSON object: \"layers\" from the\n"
    "outside in, and \"messages\" with their fields. Byte strings are hex. '-' reads the hex\n"
    "from standard input.\n\n"
    "      --key-file FILE      keys to decrypt with: base64, hex, raw, or Serf's keyring; '-'\n"
    "                           takes them from standard input; may be repeated\n"
    "      --key KEY            one in base64 or hex; others may see it in the list of\n"
    "                           processes and in your shell's history: use --key-file\n"
    "      --label TEXT         the cluster's label; default: the one in the bytes\n"
    "      --layer-byte CODEC=BYTE\n"
    "                           the private byte (0xC0 to 0xEF) that names the layer of a codec\n"
    "                           without one of its own, as `layer_byte:` in the file; may be\n"
    "                           repeated\n"
    "      --stream             the bytes are a stream's, from the side that opened it\n"
    "      --reply              the bytes are a stream's, from the side that accepted it\n"
    "      --pcap FILE          a capture as tcpdump and Wireshark write it (pcap or pcapng; '-'\n"
    "                           with --label takes one from standard input): a line for each\n"
    "                           UDP packet and each direction of a TCP stream, with layers and\n"
    "                           their sizes\n"
    "      --format FORMAT      text, one line each (default with --pcap), or json\n"
    "      --plugin-path DIRS   look for codecs here, colon separated\n"
    "  -h, --help\n";

/* ------------------------------------------------------------------------------------- input */

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Hex with spaces, colons and newlines anywhere between bytes. */
static int parse_hex(const char *text, uint8_t **out, size_t *len)
{
    *out = malloc(strlen(text) / 2 + 1);
    *len = 0;
    if (!*out) return -KITH_ENOMEM;
    for (const char *p = text; *p;) {
        if (strchr(" :\t\r\n", *p)) {
            p++;
            continue;
        }
        int high = hex_digit(p[0]), low = high < 0 ? -1 : hex_digit(p[1]);
        if (low < 0) return -KITH_EINVAL;
        (*out)[(*len)++] = (uint8_t)(high << 4 | low);
        p += 2;
    }
    return 0;
}

static char *read_all(FILE *in)
{
    size_t cap = 1 << 16, n = 0;
    char *text = malloc(cap);
    for (size_t got; text && (got = fread(text + n, 1, cap - n - 1, in)) > 0;) {
        n += got;
        if (n + 1 < cap) continue;
        char *more = cap < INPUT_MAX ? realloc(text, cap *= 2) : NULL;
        if (!more) free(text);
        text = more;
    }
    if (text) text[n] = 0;
    return text;
}

/* "fletcher=0xC7" */
static int add_layer_byte(struct kith_dissect_setup *s, char *text)
{
    char *eq = strrchr(text, '=');
    if (s->layer_byte_count == KITH_DISSECT_LAYER_BYTES)
        return kith_tool_usage("dissect", "more than %d private bytes", KITH_DISSECT_LAYER_BYTES);
    if (!eq || eq == text ||
        !kith_tool_layer_byte(eq + 1, &s->layer_bytes[s->layer_byte_count].byte))
        return kith_tool_usage("dissect", "--layer-byte is CODEC=BYTE, 0xC0 to 0xEF, not '%s'",
                               text);
    *eq = 0;
    s->layer_bytes[s->layer_byte_count++].codec = text;
    return KITH_GO_ON;
}

/* It is hidden from the list of processes as soon as it was read. */
static int add_key(struct kith_secrets *keys, char *text)
{
    uint8_t key[KITH_KEY_MAX];
    int len = kith_secret_parse(text, strlen(text), key);
    if (len > 0) len = kith_secrets_add(keys, key, (size_t)len);
    sodium_memzero(key, sizeof key);
    memset(text, '*', strlen(text));
    if (len >= 0) return KITH_GO_ON;
    return kith_tool_usage("dissect", "--key is 16, 24 or 32 bytes in base64 or hex");
}

static int add_key_file(struct kith_secrets *keys, const char *path)
{
    struct kith_key_source source = {.kind = KITH_KEYS_FILE,
                                     .where = strcmp(path, "-") ? path : "/dev/stdin"};
    struct kith_secrets more = {.sources = &source, .source_count = 1};
    struct kith_diag *diag = kith_diag_new();
    int rc = kith_secrets_load(&more, KITH_FILE_EVER, diag);
    kith_diag_print(diag, stderr);
    kith_diag_free(diag);
    for (size_t i = 0; i < more.count && rc >= 0; i++)
        rc = kith_secrets_add(keys, more.items[i].data, more.items[i].len);
    kith_secrets_free(&more);
    return rc < 0 ? KITH_EXIT_FAILED : KITH_GO_ON;
}

/* KITH_GO_ON, or an exit code. */
static int take_option(int c, struct request *r, bool *format)
{
    switch (c) {
    case 'h': fputs(help, stdout); return KITH_EXIT_OK;
    case 'k': return add_key(&r->setup.keys, optarg);
    case 'K': return add_key_file(&r->setup.keys, optarg);
    case 'l': r->setup.label = optarg; return KITH_GO_ON;
    case 'b': return add_layer_byte(&r->setup, optarg);
    case 'r': r->reply = true; /* fall through */
    case 's': r->stream = true; return KITH_GO_ON;
    case 'p': r->pcap = optarg; return KITH_GO_ON;
    case 'f': *format = true; return kith_tool_format("dissect", optarg, &r->json);
    case 'P': r->setup.plugin_path = optarg; return KITH_GO_ON;
    default: return kith_tool_wrong_option("dissect");
    }
}

/* KITH_GO_ON, or an exit code. */
static int parse_options(int argc, char **argv, struct request *r)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},
                                            {"key", required_argument, NULL, 'k'},
                                            {"key-file", required_argument, NULL, 'K'},
                                            {"label", required_argument, NULL, 'l'},
                                            {"layer-byte", required_argument, NULL, 'b'},
                                            {"stream", no_argument, NULL, 's'},
                                            {"reply", no_argument, NULL, 'r'},
                                            {"pcap", required_argument, NULL, 'p'},
                                            {"format", required_argument, NULL, 'f'},
                                            {"plugin-path", required_argument, NULL, 'P'},
                                            {0}};
    bool format = false;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        int code = take_option(c, r, &format);
        if (code != KITH_GO_ON) return code;
    }
    if (!format) r->json = !r->pcap;
    if (r->pcap && (r->stream || optind < argc))
        return kith_tool_usage("dissect", "--pcap takes no other bytes");
    return KITH_GO_ON;
}

/* KITH_GO_ON, or an exit code. */
static int read_bytes(const char *given, struct request *r)
{
    char *text = !strcmp(given, "-") ? read_all(stdin) : strdup(given);
    int rc = text ? parse_hex(text, &r->bytes, &r->len) : -KITH_ENOMEM;
    free(text);
    if (rc == -KITH_EINVAL) return kith_tool_usage("dissect", "the bytes are not hex");
    if (rc)
        return kith_tool_fail("dissect", KITH_EXIT_FAILED,
                              "out of memory, or more than %d MiB of input", INPUT_MAX >> 20);
    /* The label is part of what is authenticated; without one given, believe the bytes'. */
    if (!r->setup.label && kith_dissect_label(kith_bytes_of(r->bytes, r->len), r->label_found))
        r->setup.label = r->label_found;
    return KITH_GO_ON;
}

static int dissect(const struct request *r, struct kith_dissector *dissector)
{
    struct kith_dissect_error err = {""};
    json_t *result;
    int rc = kith_dissect(dissector, kith_bytes_of(r->bytes, r->len), r->stream, r->reply, &result,
                          &err);
    if (rc) {
        kith_tool_fail("dissect", 0, "%s", err.text);
    } else if (r->json) {
        json_dumpf(result, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        char *line = kith_dissect_line(result);
        puts(line ? line : "");
        free(line);
    }
    json_decref(result);
    return rc ? KITH_EXIT_FAILED : KITH_EXIT_OK;
}

static int dissect_bytes(const struct request *r)
{
    struct kith_error err = {.size = sizeof err};
    struct kith_dissector *dissector = kith_dissector_new(&r->setup, &err);
    if (!dissector) return kith_tool_fail("dissect", KITH_EXIT_USAGE, "%s", err.text);
    int code = dissect(r, dissector);
    kith_dissector_free(dissector);
    return code;
}

static int dissect_what(struct request *r, int argc, char **argv)
{
    if (r->pcap) return kith_dissect_pcap(r->pcap, &r->setup, r->json);
    if (optind + 1 != argc) return kith_tool_usage("dissect", "give the bytes once, as hex or '-'");
    int code = read_bytes(argv[optind], r);
    return code == KITH_GO_ON ? dissect_bytes(r) : code;
}

int kith_cmd_dissect(int argc, char **argv)
{
    struct request r = {0};
    int code = parse_options(argc, argv, &r);
    if (code == KITH_GO_ON) code = dissect_what(&r, argc, argv);
    kith_secrets_free(&r.setup.keys);
    free(r.bytes);
    return code;
}
