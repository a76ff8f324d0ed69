/*
 * dissect_layers.c - the layers of a packet or stream, peeled by the same pipeline and the same
 * codecs that a node uses: this file only makes a chain that accepts every one of them and
 * requires nothing, and listens to the pipeline's trace.
 */
#include "dissect.h"

#include "config.h"
#include "host.h"
#include "inflow.h"
#include "plugin_survey.h"
#include "registry.h"

#include <kith/shown.h>
#include <sodium.h>
#include <stdlib.h>

/* As a node has them unless its file says otherwise. */
enum { PROTOCOL = 2, STREAM_MAX = 20 << 20, STREAMS_MAX = 128 << 20 };

struct kith_dissector {
    struct kith_registry *registry;
    const struct kith_dissect_setup *setup;
    struct kith_chain chain; /* opens all there is, requires nothing */
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
    uint8_t first; /* of the layer that failed */
    size_t offset;
};

/* ----------------------------------------------------------------- a pipeline that takes all */

/* The private byte that was named for a codec, or for the file it is in; 0: none. */
static uint8_t layer_byte_of(const struct kith_dissector *d, const struct kith_plugin *p)
{
    const struct kith_dissect_setup *s = d->setup;
    for (size_t i = 0; i < s->layer_byte_count; i++)
        if (kith_registry_find(d->registry, KITH_CODEC, s->layer_bytes[i].codec, NULL) == p)
            return s->layer_bytes[i].byte;
    return 0;
}

static bool needs_byte(const struct kith_form *form)
{
    return form->framing == KITH_FRAMED && !form->first;
}

static int remake(struct kith_dissector *d, struct kith_error *err)
{
    struct kith_host_maker maker = kith_services_maker(d->services);
    struct kith_pipeline *more = NULL;
    int rc = kith_pipeline_new(&more, &d->chain, &maker, d->ring, d->pipeline, err);
    if (rc) return rc;
    kith_pipeline_unref(d->pipeline);
    d->pipeline = more;
    return 0;
}

/* One codec more that is opened. One that wants a private byte or a key and has none is not there;
 * that another can't be used is said, and does not keep the others from their work. */
static void accept_codec(struct kith_dissector *d, const struct kith_plugin *p)
{
    const struct kith_codec_ops *ops = p->ops;
    struct kith_error err = {.size = sizeof err};
    uint8_t byte = layer_byte_of(d, p);
    if (!byte && (needs_byte(&ops->packet) || needs_byte(&ops->stream))) return;
    if (p->flags & KITH_KEYED && !kith_keyring_count(d->ring)) return;
    struct kith_entries *accept = &d->chain.accept;
    int rc = kith_entries_add(accept, p, KITH_PROFILE_LAN, NULL, 0, &err);
    if (!rc) {
        struct kith_entry *entry = &accept->items[accept->count - 1];
        entry->layer_byte = byte;
        kith_entry_digest(entry);
        rc = remake(d, &err);
        if (rc) kith_entry_fini(&accept->items[--accept->count]);
    }
    if (rc) fprintf(stderr, "kith dissect: codec '%s' is left out: %s\n", p->name, err.text);
}

static int accept_all(struct kith_dissector *d, struct kith_error *err)
{
    const struct kith_dissect_setup *s = d->setup;
    for (size_t i = 0; i < s->layer_byte_count; i++) /* also loads what is named by its file */
        if (!kith_registry_find(d->registry, KITH_CODEC, s->layer_bytes[i].codec, err))
            return err->code;
    int rc = remake(d, err);
    for (size_t i = 0; !rc && i < s->layer_byte_count; i++)
        accept_codec(d, kith_registry_find(d->registry, KITH_CODEC, s->layer_bytes[i].codec, NULL));
    kith_survey_load(d->registry, "dissect");
    struct kith_config_finder finder = kith_registry_finder(d->registry);
    for (const char *const *name = finder.names(finder.ctx, KITH_CODEC); !rc && *name; name++) {
        const struct kith_plugin *p = kith_registry_find(d->registry, KITH_CODEC, *name, NULL);
        if (p && !layer_byte_of(d, p)) accept_codec(d, p);
    }
    return rc;
}

static int take_keys(struct kith_dissector *d, struct kith_error *err)
{
    d->ring = kith_keyring_new(&d->setup->keys);
    return d->ring ? 0 : kith_fail(err, KITH_ENOMEM, "out of memory");
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
        t->peeled->first = layer->first;
        t->peeled->offset = layer->offset;
        return;
    }
    json_t *o = json_pack("{s:s}", "layer", layer->name);
    if (!strcmp(layer->name, "label")) {
        char label[KITH_SHOWN_ROOM(255)];
        kith_show(label, sizeof label, layer->label);
        json_object_set_new(o, "label", json_string(label));
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

static const char *why(int code, const struct peeled *peeled)
{
    switch (-code) {
    case KITH_EAUTH: return "no key given opens it";
    case KITH_ECHECKSUM: return "checksum differs";
    case KITH_ETOOBIG: return "opens to more than a node would take";
    case KITH_EPOLICY:
        return strcmp(peeled->failed, "label") ? "not authenticated, as what it holds must be"
                                               : "not the label given, or no label";
    default: return "malformed";
    }
}

static void no_codec(const struct peeled *p, struct kith_dissect_error *err)
{
    bool is_private = p->first >= 0xC0 && p->first <= 0xEF;
    snprintf(err->text, sizeof err->text, "no codec for layer byte 0x%02X, at offset %zu%s",
             p->first, p->offset, is_private ? ": say which it is with --layer-byte" : "");
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
    int rc = kith_pipeline_open_packet(pipeline, plain, NULL, &refusal);
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
    int rc = kith_inflow_feed(inflow, NULL, in.data, in.len, collect, plain, NULL, NULL);
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
    if (rc == -KITH_EPOLICY && !strcmp(peeled.failed, "layer"))
        no_codec(&peeled, err);
    else if (rc)
        snprintf(err->text, sizeof err->text, "%s: %s, at offset %zu",
                 *peeled.failed ? peeled.failed
                 : stream       ? "stream"
                                : "packet",
                 why(rc, &peeled), peeled.offset);
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
    kith_entries_free(&d->chain.accept);
    if (d->ring) kith_keyring_unref(d->ring);
    kith_services_free(d->services);
    kith_log_free(d->log);
    if (d->loop) kith_loop_free(d->loop);
    kith_registry_free(d->registry);
    free(d);
}

static int make_parts(struct kith_dissector *d, struct kith_error *err)
{
    if (sodium_init() < 0 || !(d->registry = kith_registry_new(d->setup->plugin_path)) ||
        !(d->loop = kith_loop_new_virtual(1, 0)))
        return kith_fail(err, KITH_ENOMEM, "out of memory");
    int rc = kith_log_new(&d->log, &(struct kith_log_setup){.level = KITH_LOG_ERROR}, err);
    if (rc) return rc;
    d->services = kith_services_new(d->loop, d->log, NULL);
    if (!d->services) return kith_fail(err, KITH_ENOMEM, "out of memory");
    rc = take_keys(d, err);
    return rc ? rc : accept_all(d, err);
}

struct kith_dissector *kith_dissector_new(const struct kith_dissect_setup *setup,
                                          struct kith_error *err)
{
    struct kith_dissector *d = calloc(1, sizeof *d);
    if (!d) {
        kith_fail(err, KITH_ENOMEM, "out of memory");
        return NULL;
    }
    d->setup = setup;
    d->chain = (struct kith_chain){.protocol = PROTOCOL,
                                   .label = setup->label,
                                   .max_stream_size = STREAM_MAX,
                                   .max_stream_memory = STREAMS_MAX};
    if (make_parts(d, err) == 0) return d;
    kith_dissector_free(d);
    return NULL;
}
