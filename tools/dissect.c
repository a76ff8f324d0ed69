/*
 * dissect.c - `kith dissect`: bytes of a packet or stream in, layers and messages out as one JSON object.
 *
 * The layers are peeled by the same pipeline and the same codecs that a node uses: this file only makes a config that
 * accepts every one of them, and listens to the pipeline's trace.
 */
#include "dissect.h"
#include "tools.h"

#include "config.h"
#include "host.h"
#include "plugins.h"

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_KEYS = 16, MAX_INPUT = 64 << 20 };

struct request {
    const char *keys[MAX_KEYS];
    size_t key_count;
    const char *label;
    char label_found[256];
    bool stream, reply;
    uint8_t *bytes;
    size_t len;
};

struct peeled {
    json_t *layers;
    char failed[64];
    size_t offset;
};

static void help(void)
{
    puts("Usage: kith dissect [--key HEX]... [--label TEXT] [--stream] [--reply] HEX|-\n\n"
         "Takes a packet apart, layer by layer, and prints one JSON object: \"layers\" from the outside in, and\n"
         "\"messages\" with their fields. Byte strings are hex. '-' reads the hex from standard input.\n\n"
         "      --key HEX      a key to decrypt with (16, 24 or 32 bytes); may be repeated\n"
         "      --label TEXT   the cluster's label; default: the one in the bytes\n"
         "      --stream       the bytes are a stream's, from the side that opened it\n"
         "      --reply        the bytes are a stream's, from the side that accepted it\n"
         "  -h, --help");
}

/* ------------------------------------------------------------------------------------------------ input */

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
        char *more = cap < MAX_INPUT ? realloc(text, cap *= 2) : NULL;
        if (!more) free(text);
        text = more;
    }
    if (text) text[n] = 0;
    return text;
}

static int parse_arguments(int argc, char **argv, struct request *r)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'},    {"key", required_argument, NULL, 'k'},
                                            {"label", required_argument, NULL, 'l'}, {"stream", no_argument, NULL, 's'},
                                            {"reply", no_argument, NULL, 'r'},   {0}};
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h') return help(), -1;
        if (c == '?') return kith_tool_usage("dissect", "wrong option");
        if (c == 'k' && r->key_count == MAX_KEYS) return kith_tool_usage("dissect", "more than %d keys", MAX_KEYS);
        if (c == 'k') r->keys[r->key_count++] = optarg;
        if (c == 'l') r->label = optarg;
        if (c == 'r') r->reply = true;
        if (c == 's') r->stream = true;
    }
    r->stream |= r->reply;
    if (optind + 1 != argc) return kith_tool_usage("dissect", "give the bytes once, as hex or '-'");
    char *text = !strcmp(argv[optind], "-") ? read_all(stdin) : strdup(argv[optind]);
    int rc = text ? parse_hex(text, &r->bytes, &r->len) : -KITH_ENOMEM;
    free(text);
    if (rc == -KITH_EINVAL) return kith_tool_usage("dissect", "the bytes are not hex");
    if (rc) return kith_tool_fail("dissect", KITH_EXIT_FAILED, "out of memory, or more than %d MiB of input", MAX_INPUT >> 20);
    /* The label is part of what is authenticated; without one given, believe the one in the bytes. */
    if (!r->label && r->len > 2 && r->bytes[0] == 0xF4 && r->len >= 2u + r->bytes[1]) {
        memcpy(r->label_found, r->bytes + 2, r->bytes[1]);
        r->label = r->label_found;
    }
    return 0;
}

/* ------------------------------------------------------------------------------------------------ a pipeline that takes all */

/* A config that accepts every codec there is and requires nothing. Keys travel in the environment, as a node's may. */
static struct kith_config *make_config(const struct request *r, struct kith_registry *registry)
{
    struct kith_config_finder finder = kith_registry_finder(registry);
    json_t *keyring = json_array(), *accept = json_array();
    for (size_t i = 0; i < r->key_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "KITH_DISSECT_KEY_%zu", i);
        setenv(name, r->keys[i], 1);
        json_array_append_new(keyring, json_pack("{s:s}", "env", name));
    }
    for (const char *const *names = finder.names(finder.ctx, KITH_CODEC); *names; names++) {
        const struct kith_plugin *p = kith_registry_find(registry, KITH_CODEC, *names, NULL);
        const struct kith_codec_ops *ops = p ? p->ops : NULL;
        if (ops && (r->key_count || !(ops->flags & KITH_CODEC_KEYED)))
            json_array_append_new(accept, json_pack("{s:s}", "use", p->name));
    }
    json_t *file = json_pack("{s:{s:s,s:s},s:{s:s},s:{s:[],s:o,s:[]}}", "node", "name", "dissect", "label", r->label ? r->label : "",
                             "transport", "use", "udp_tcp", "pipeline", "send", "accept", accept, "require");
    if (json_array_size(keyring))
        json_object_set_new(file, "keyring", keyring);
    else
        json_decref(keyring);
    char *text = file ? json_dumps(file, 0) : NULL;
    json_decref(file);
    struct kith_diag *diag = kith_diag_new();
    struct kith_config *config = text && diag ? kith_config_parse("(dissect)", text, strlen(text), &finder, diag) : NULL;
    if (!config && diag) kith_diag_print(diag, stderr);
    kith_diag_free(diag);
    free(text);
    return config;
}

/* Which layers state their sizes: those that change them on purpose. */
static bool compresses(const char *name, void *registry)
{
    const struct kith_plugin *p = kith_registry_find(registry, KITH_CODEC, name, NULL);
    return p && ((const struct kith_codec_ops *)p->ops)->provides & KITH_COMPRESSES;
}

struct trace {
    struct peeled *peeled;
    struct kith_registry *registry;
};

static void on_layer(void *arg, const struct kith_layer *layer)
{
    struct trace *t = arg;
    if (layer->status) {
        snprintf(t->peeled->failed, sizeof t->peeled->failed, "%s", layer->name);
        t->peeled->offset = layer->offset;
        return;
    }
    json_t *o = json_pack("{s:s}", "layer", layer->name);
    if (!strcmp(layer->name, "label")) {
        json_object_set_new(o, "label", json_stringn((const char *)layer->label.data, layer->label.len));
    } else if (compresses(layer->name, t->registry)) {
        json_object_set_new(o, "in", json_integer((json_int_t)layer->in));
        json_object_set_new(o, "out", json_integer((json_int_t)layer->out));
    }
    if (layer->version != UINT32_MAX) json_object_set_new(o, "version", json_integer(layer->version));
    if (layer->key != UINT32_MAX) json_object_set_new(o, "key", json_integer(layer->key));
    json_array_append_new(t->peeled->layers, o);
}

/* ------------------------------------------------------------------------------------------------ the work */

static void collect(void *arg, const uint8_t *data, size_t len)
{
    struct kith_buf *out = arg;
    if (len > out->cap - out->len) {
        uint8_t *more = realloc(out->base, out->cap = 2 * out->cap + len);
        if (!more) return;
        out->base = out->data = more;
    }
    memcpy(out->data + out->len, data, len);
    out->len += len;
}

static const char *why(int code)
{
    switch (-code) {
    case KITH_EAUTH: return "no key given opens it";
    case KITH_ECHECKSUM: return "checksum differs";
    case KITH_ETOOBIG: return "opens to more than a node would take";
    case KITH_EPOLICY: return "not the label given, or no label";
    default: return "malformed";
    }
}

static int open_packet(const struct request *r, struct kith_pipeline *pipeline, struct kith_buf *plain)
{
    enum kith_refusal refusal;
    *plain = (struct kith_buf){.cap = r->len + 1};
    plain->base = plain->data = malloc(plain->cap);
    if (!plain->base) return -KITH_ENOMEM;
    memcpy(plain->data, r->bytes, plain->len = r->len);
    uint8_t *mine = plain->base;
    int rc = kith_pipeline_open_packet(pipeline, plain, &refusal);
    if (plain->base == mine) return rc;
    /* Opened into the pipeline's own buffer: keep a copy. */
    uint8_t *copy = realloc(mine, plain->len + 1);
    if (!copy) return free(mine), -KITH_ENOMEM;
    memcpy(copy, plain->data, plain->len);
    *plain = (struct kith_buf){.base = copy, .data = copy, .len = plain->len, .cap = plain->len + 1};
    return rc;
}

static int open_stream(const struct request *r, struct kith_pipeline *pipeline, struct kith_buf *plain)
{
    struct kith_inflow *inflow = kith_inflow_new(pipeline, !r->reply);
    if (!inflow) return -KITH_ENOMEM;
    *plain = (struct kith_buf){0};
    int rc = kith_inflow_feed(inflow, r->bytes, r->len, collect, plain, NULL, NULL);
    if (!rc) rc = kith_inflow_end(inflow);
    kith_inflow_free(inflow);
    return rc;
}

static int dissect(const struct request *r, struct kith_pipeline *pipeline, struct kith_registry *registry)
{
    struct peeled peeled = {.layers = json_array()};
    struct trace trace = {&peeled, registry};
    struct kith_dissect_error err = {""};
    struct kith_buf plain = {0};
    json_t *messages = json_array(), *result = json_pack("{s:o,s:o}", "layers", peeled.layers, "messages", messages);
    int code = KITH_EXIT_FAILED;

    kith_pipeline_trace(pipeline, on_layer, &trace);
    int rc = r->stream ? open_stream(r, pipeline, &plain) : open_packet(r, pipeline, &plain);
    kith_pipeline_trace(pipeline, NULL, NULL);
    if (rc) {
        kith_tool_fail("dissect", 0, "%s: %s, at offset %zu", *peeled.failed ? peeled.failed : r->stream ? "stream" : "packet", why(rc),
                       peeled.offset);
        goto out;
    }
    struct kith_bytes in = {plain.data, plain.len};
    rc = r->stream ? kith_dissect_stream(in, peeled.layers, messages, &err) : kith_dissect_packet(in, peeled.layers, messages, &err);
    if (rc) {
        kith_tool_fail("dissect", 0, "%s", err.text);
        goto out;
    }
    json_dumpf(result, stdout, JSON_COMPACT);
    putchar('\n');
    code = KITH_EXIT_OK;
out:
    free(plain.base);
    json_decref(result);
    return code;
}

int kith_tool_dissect(int argc, char **argv)
{
    struct request r = {0};
    struct kith_error err = {.size = sizeof err};
    struct kith_registry *registry = NULL;
    struct kith_config *config = NULL;
    struct kith_keyring *ring = NULL;
    struct kith_pipeline *pipeline = NULL;
    struct kith_loop *loop = NULL;
    struct kith_services *services = NULL;
    struct kith_log *log = NULL;
    int code = parse_arguments(argc, argv, &r);
    if (code) {
        free(r.bytes);
        return code < 0 ? KITH_EXIT_OK : code;
    }

    code = KITH_EXIT_FAILED;
    if (!(registry = kith_registry_new(NULL)) || !(loop = kith_loop_new_virtual(1, 0)) || kith_log_new(&log, &(struct kith_log_setup){.level = KITH_LOG_ERROR}, &err) ||
        !(services = kith_services_new(loop, log))) {
        kith_tool_fail("dissect", code, "out of memory");
        goto out;
    }
    struct kith_host_maker maker = kith_services_maker(services);
    if (!(config = make_config(&r, registry))) goto out;
    if (!(ring = kith_keyring_new(&config->keyring)) || kith_pipeline_new(&pipeline, config, &maker, ring, NULL, &err)) {
        kith_tool_fail("dissect", code, "%s", *err.text ? err.text : "out of memory");
        goto out;
    }
    code = dissect(&r, pipeline, registry);
out:
    kith_pipeline_unref(pipeline);
    if (ring) kith_keyring_unref(ring);
    kith_config_free(config);
    kith_services_free(services);
    kith_log_free(log);
    if (loop) kith_loop_free(loop);
    kith_registry_free(registry);
    free(r.bytes);
    return code;
}
