/*
 * dissect_layers.c - the layers of a packet or stream, peeled by the same pipeline and the same
 * codecs that a node uses: this file only makes a config that accepts every one of them and
 * requires nothing, and listens to the pipeline's trace.
 */
#include "dissect.h"

#include "config.h"
#include "host.h"
#include "plugins.h"

#include <stdlib.h>

struct kith_dissector {
    struct kith_registry *registry;
    struct kith_config *config;
    struct kith_keyring *ring;
    struct kith_pipeline *pipeline;
    struct kith_loop *loop;
    struct kith_log *log;
    struct kith_services *services;
};

/* What the trace has told of one message. */
struct peeled {
    json_t *layers;
    char failed[64];
    size_t offset;
};

/* ----------------------------------------------------------------- a pipeline that takes all */

/* A config that accepts every codec there is and requires nothing. Keys travel in the environment,
 * as a node's may. */
static struct kith_config *make_config(const struct kith_dissect_keys *r,
                                       struct kith_registry *registry)
{
    struct kith_config_finder finder = kith_registry_finder(registry);
    json_t *keyring = json_array(), *accept = json_array();
    for (size_t i = 0; i < r->count; i++) {
        char name[48];
        snprintf(name, sizeof name, "KITH_DISSECT_KEY_%zu", i);
        setenv(name, r->keys[i], 1);
        json_array_append_new(keyring, json_pack("{s:s}", "env", name));
    }
    for (const char *const *names = finder.names(finder.ctx, KITH_CODEC); *names; names++) {
        const struct kith_plugin *p = kith_registry_find(registry, KITH_CODEC, *names, NULL);
        const struct kith_codec_ops *ops = p ? p->ops : NULL;
        if (ops && (r->count || !(ops->flags & KITH_CODEC_KEYED)))
            json_array_append_new(accept, json_pack("{s:s}", "use", p->name));
    }
    json_t *file = json_pack("{s:{s:s,s:s},s:{s:s},s:{s:[],s:o,s:[]}}", "node", "name", "dissect",
                             "label", r->label ? r->label : "", "transport", "use", "udp_tcp",
                             "pipeline", "send", "accept", accept, "require");
    if (json_array_size(keyring))
        json_object_set_new(file, "keyring", keyring);
    else
        json_decref(keyring);
    char *text = file ? json_dumps(file, 0) : NULL;
    json_decref(file);
    struct kith_diag *diag = kith_diag_new();
    struct kith_config *config =
        text && diag ? kith_config_parse("(dissect)", text, strlen(text), &finder, diag) : NULL;
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
        json_object_set_new(o, "label",
                            json_stringn((const char *)layer->label.data, layer->label.len));
    } else if (compresses(layer->name, t->registry)) {
        json_object_set_new(o, "in", json_integer((json_int_t)layer->in));
        json_object_set_new(o, "out", json_integer((json_int_t)layer->out));
    }
    if (layer->version != UINT32_MAX)
        json_object_set_new(o, "version", json_integer(layer->version));
    if (layer->key != UINT32_MAX) json_object_set_new(o, "key", json_integer(layer->key));
    json_array_append_new(t->peeled->layers, o);
}

/* ---------------------------------------------------------------------------------- the work */

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

bool kith_dissect_label(struct kith_bytes in, char *out)
{
    if (in.len <= 2 || in.data[0] != 0xF4 || in.len < 2u + in.data[1]) return false;
    memcpy(out, in.data + 2, in.data[1]);
    out[in.data[1]] = 0;
    return true;
}

static int open_packet(struct kith_pipeline *pipeline, struct kith_bytes in, struct kith_buf *plain)
{
    enum kith_refusal refusal;
    *plain = (struct kith_buf){.cap = in.len + 1};
    plain->base = plain->data = malloc(plain->cap);
    if (!plain->base) return -KITH_ENOMEM;
    memcpy(plain->data, in.data, plain->len = in.len);
    uint8_t *mine = plain->base;
    int rc = kith_pipeline_open_packet(pipeline, plain, &refusal);
    if (plain->base == mine) return rc;
    /* Opened into the pipeline's own buffer: keep a copy. */
    uint8_t *copy = realloc(mine, plain->len + 1);
    if (!copy) return free(mine), -KITH_ENOMEM;
    memcpy(copy, plain->data, plain->len);
    *plain =
        (struct kith_buf){.base = copy, .data = copy, .len = plain->len, .cap = plain->len + 1};
    return rc;
}

static int open_stream(struct kith_pipeline *pipeline, struct kith_bytes in, bool reply,
                       struct kith_buf *plain)
{
    struct kith_inflow *inflow = kith_inflow_new(pipeline, !reply);
    if (!inflow) return -KITH_ENOMEM;
    *plain = (struct kith_buf){0};
    int rc = kith_inflow_feed(inflow, in.data, in.len, collect, plain, NULL, NULL);
    if (!rc) rc = kith_inflow_end(inflow);
    kith_inflow_free(inflow);
    return rc;
}

/* The first bytes of a ping and an indirect ping are also those of AES-GCM's two versions. When
 * such a packet is no message either, it was most likely encrypted: say that first. */
static void explain_ambiguity(struct kith_bytes in, struct kith_bytes opened,
                              struct kith_dissect_error *err)
{
    enum { SMALLEST_SEALED = 29 };
    struct kith_dissect_error plain = *err;
    if (opened.len < SMALLEST_SEALED || opened.data[0] > 1 || in.len - opened.len > 2 + 255) return;
    if (memcmp(in.data + (in.len - opened.len), opened.data, opened.len))
        return; /* more than the label was taken off */
    snprintf(err->text, sizeof err->text,
             "aes_gcm: no key given opens it, at offset %zu (read as plain: %.100s)",
             in.len - opened.len, plain.text);
}

int kith_dissect(struct kith_dissector *d, struct kith_bytes in, bool stream, bool reply,
                 json_t **result, struct kith_dissect_error *err)
{
    struct peeled peeled = {.layers = json_array()};
    struct trace trace = {&peeled, d->registry};
    struct kith_buf plain = {0};
    json_t *messages = json_array();
    *result = json_pack("{s:o,s:o}", "layers", peeled.layers, "messages", messages);

    kith_pipeline_trace(d->pipeline, on_layer, &trace);
    int rc =
        stream ? open_stream(d->pipeline, in, reply, &plain) : open_packet(d->pipeline, in, &plain);
    kith_pipeline_trace(d->pipeline, NULL, NULL);
    struct kith_bytes opened = {plain.data, plain.len};
    if (rc)
        snprintf(err->text, sizeof err->text, "%s: %s, at offset %zu",
                 *peeled.failed ? peeled.failed
                 : stream       ? "stream"
                                : "packet",
                 why(rc), peeled.offset);
    else if (stream)
        rc = kith_dissect_stream(opened, peeled.layers, messages, err);
    else
        rc = kith_dissect_packet(opened, peeled.layers, messages, err);
    if (rc && opened.len && !stream) explain_ambiguity(in, opened, err);
    free(plain.base);
    return rc;
}

void kith_dissector_free(struct kith_dissector *d)
{
    if (!d) return;
    kith_pipeline_unref(d->pipeline);
    if (d->ring) kith_keyring_unref(d->ring);
    kith_config_free(d->config);
    kith_services_free(d->services);
    kith_log_free(d->log);
    if (d->loop) kith_loop_free(d->loop);
    kith_registry_free(d->registry);
    free(d);
}

struct kith_dissector *kith_dissector_new(const struct kith_dissect_keys *keys,
                                          struct kith_error *err)
{
    struct kith_dissector *d = calloc(1, sizeof *d);
    if (!d || !(d->registry = kith_registry_new(NULL)) ||
        !(d->loop = kith_loop_new_virtual(1, 0)) ||
        kith_log_new(&d->log, &(struct kith_log_setup){.level = KITH_LOG_ERROR}, err) ||
        !(d->services = kith_services_new(d->loop, d->log))) {
        if (!*err->text) kith_fail(err, KITH_ENOMEM, "out of memory");
        kith_dissector_free(d);
        return NULL;
    }
    struct kith_host_maker maker = kith_services_maker(d->services);
    if (!(d->config = make_config(keys, d->registry))) {
        kith_fail(err, KITH_EINVAL, "these keys or this label can't be used");
    } else if (!(d->ring = kith_keyring_new(&d->config->keyring))) {
        kith_fail(err, KITH_ENOMEM, "out of memory");
    } else if (kith_pipeline_new(&d->pipeline, &d->config->chain, &maker, d->ring, NULL, err) ==
               0) {
        return d;
    }
    kith_dissector_free(d);
    return NULL;
}
