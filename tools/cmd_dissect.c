/*
 * cmd_dissect.c - `kith dissect`: bytes of a packet or stream in, layers and messages out as one
 * JSON object; or a capture file in, one line a packet out.
 */
#include "cmd.h"

#include "dissect.h"
#include "fail.h"
#include <getopt.h>
#include <stdlib.h>

enum { MAX_INPUT = 64 << 20 };

struct request {
    struct kith_dissect_keys keys;
    char label_found[256];
    const char *pcap;
    bool stream, reply, json;
    uint8_t *bytes;
    size_t len;
};

static void help(void)
{
    puts("Usage: kith dissect [--key HEX]... [--label TEXT] [--stream] [--reply] HEX|-\n"
         "       kith dissect [--key HEX]... [--label TEXT] [--format json] --pcap FILE\n\n"
         "Takes a packet apart, layer by layer, and prints one JSON object: \"layers\" from the "
         "outside in, and\n"
         "\"messages\" with their fields. Byte strings are hex. '-' reads the hex from standard "
         "input.\n\n"
         "      --key HEX      a key to decrypt with (16, 24 or 32 bytes); may be repeated\n"
         "      --label TEXT   the cluster's label; default: the one in the bytes\n"
         "      --stream       the bytes are a stream's, from the side that opened it\n"
         "      --reply        the bytes are a stream's, from the side that accepted it\n"
         "      --pcap FILE    a capture as tcpdump -w writes it: a line for each UDP packet and "
         "each direction of a TCP\n"
         "                     stream, with its layers and their sizes\n"
         "      --format json  --pcap: one JSON object a line\n"
         "  -h, --help");
}

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

static bool is_key(const char *text)
{
    size_t n = strlen(text);
    return (n == 32 || n == 48 || n == 64) && strspn(text, "0123456789abcdefABCDEF") == n;
}

static char *read_all(FILE *in)
{
    size_t cap = 1 << 16, n = 0;
    char *text = malloc(cap);
    for (size_t got; text && (got = fread(text + n, 1, cap - n - 1, in)) > 0;) {
        n += got;
        if (n + 1 < cap) continue;
        char *more = cap < MAX_INPUT ? realloc(text, cap *= 2) : NULL;
        if (!more) free(text);
        text = more;
    }
    if (text) text[n] = 0;
    return text;
}

static int parse_arguments(int argc, char **argv, struct request *r)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},         {"key", required_argument, NULL, 'k'},
        {"label", required_argument, NULL, 'l'},  {"stream", no_argument, NULL, 's'},
        {"reply", no_argument, NULL, 'r'},        {"pcap", required_argument, NULL, 'p'},
        {"format", required_argument, NULL, 'f'}, {0}};
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h') return help(), -1;
        if (c == '?') return kith_tool_wrong_option("dissect");
        if (c == 'k' && r->keys.count == KITH_DISSECT_KEYS)
            return kith_tool_usage("dissect", "more than %d keys", KITH_DISSECT_KEYS);
        if (c == 'k' && !is_key(optarg))
            return kith_tool_usage("dissect", "--key is 16, 24 or 32 bytes in hex");
        if (c == 'k') r->keys.keys[r->keys.count++] = optarg;
        if (c == 'l') r->keys.label = optarg;
        if (c == 'p') r->pcap = optarg;
        if (c == 'f') r->json = !strcmp(optarg, "json");
        if (c == 'r') r->reply = true;
        if (c == 's') r->stream = true;
    }
    r->stream |= r->reply;
    if (r->pcap)
        return optind == argc ? 0 : kith_tool_usage("dissect", "--pcap takes no other bytes");
    if (optind + 1 != argc) return kith_tool_usage("dissect", "give the bytes once, as hex or '-'");
    char *text = !strcmp(argv[optind], "-") ? read_all(stdin) : strdup(argv[optind]);
    int rc = text ? parse_hex(text, &r->bytes, &r->len) : -KITH_ENOMEM;
    free(text);
    if (rc == -KITH_EINVAL) return kith_tool_usage("dissect", "the bytes are not hex");
    if (rc)
        return kith_tool_fail("dissect", KITH_EXIT_FAILED,
                              "out of memory, or more than %d MiB of input", MAX_INPUT >> 20);
    /* The label is part of what is authenticated; without one given, believe the one in the bytes.
     */
    if (!r->keys.label && kith_dissect_label(kith_bytes_of(r->bytes, r->len), r->label_found))
        r->keys.label = r->label_found;
    return 0;
}

static int dissect(const struct request *r, struct kith_dissector *dissector)
{
    struct kith_dissect_error err = {""};
    json_t *result;
    int rc = kith_dissect(dissector, kith_bytes_of(r->bytes, r->len), r->stream, r->reply, &result,
                          &err);
    if (rc) {
        kith_tool_fail("dissect", 0, "%s", err.text);
    } else {
        json_dumpf(result, stdout, JSON_COMPACT);
        putchar('\n');
    }
    json_decref(result);
    return rc ? KITH_EXIT_FAILED : KITH_EXIT_OK;
}

int kith_cmd_dissect(int argc, char **argv)
{
    struct request r = {0};
    struct kith_error err = {.size = sizeof err};
    int code = parse_arguments(argc, argv, &r);
    if (code < 0) {
        code = KITH_EXIT_OK;
    } else if (!code && r.pcap) {
        code = kith_dissect_pcap(r.pcap, &r.keys, r.json);
    } else if (!code) {
        struct kith_dissector *dissector = kith_dissector_new(&r.keys, &err);
        code = dissector ? dissect(&r, dissector)
                         : kith_tool_fail("dissect", KITH_EXIT_USAGE, "%s", err.text);
        kith_dissector_free(dissector);
    }
    free(r.bytes);
    return code;
}
