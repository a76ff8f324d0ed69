/*
 * wire_watch.c - collects the layers of the one message that is in the pipeline, then makes an
 * event of them. Collecting takes no memory, and keeps what it needs: a layer's bytes are gone when
 * the next is peeled. Knows nothing of clients.
 */
#include "wire_watch.h"

#include "control.h"
#include <stdlib.h>

enum { LAYERS = 16, LABEL = 255 }; /* more than a pipeline allows */

struct kith_wire {
    struct kith *k;
    void (*tell)(void *arg, json_t *event);
    void *arg;
    struct kith_layer layers[LAYERS];
    size_t count;
    uint8_t label[LABEL];
};

static void on_layer(void *arg, const struct kith_layer *layer)
{
    struct kith_wire *w = arg;
    if (w->count == LAYERS) return;
    struct kith_layer *mine = &w->layers[w->count++];
    *mine = *layer;
    if (!layer->label.len) return;
    mine->label = kith_bytes_of(w->label, layer->label.len < LABEL ? layer->label.len : LABEL);
    memcpy(w->label, layer->label.data, mine->label.len);
}

struct kith_wire *kith_wire_new(struct kith *k, void (*tell)(void *arg, json_t *event), void *arg)
{
    struct kith_wire *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    *w = (struct kith_wire){.k = k, .tell = tell, .arg = arg};
    kith_pipeline_trace(k->pipeline, on_layer, w);
    return w;
}

void kith_wire_free(struct kith_wire *w)
{
    if (!w) return;
    kith_pipeline_trace(w->k->pipeline, NULL, NULL);
    free(w);
}

void kith_wire_begin(struct kith_wire *w) { w->count = 0; }

static json_t *layer_json(const struct kith_layer *l)
{
    json_t *o = json_pack("{s:s,s:I}", "layer", l->name, "in", (json_int_t)l->in);
    if (l->status == 0) json_object_set_new(o, "out", json_integer((json_int_t)l->out));
    if (l->label.len) json_object_set_new(o, "label", kith_report_text(l->label));
    if (l->key != UINT32_MAX) json_object_set_new(o, "key", json_integer(l->key));
    if (l->version != UINT32_MAX) json_object_set_new(o, "version", json_integer(l->version));
    if (l->status == KITH_PASS) json_object_set_new(o, "passed", json_true());
    if (l->status < 0) json_object_set_new(o, "failed", json_string(kith_code_name(l->status)));
    return o;
}

/* The first layer peeled that is not the label, which travels apart on streams. */
static size_t outermost(const struct kith_wire *w)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->layers[i].name, "label") != 0) return w->layers[i].in;
    return 0;
}

void kith_wire_end(struct kith_wire *w, const struct kith_wire_message *m)
{
    char peer[KITH_ADDR_TEXT] = "";
    json_t *layers = json_array();
    size_t from = m->from ? m->from : outermost(w);
    if (!from && m->status >= 0) from = m->to;
    for (size_t i = 0; i < w->count; i++) json_array_append_new(layers, layer_json(&w->layers[i]));
    kith_node_format(w->k, m->peer, peer, sizeof peer);
    json_t *event =
        json_pack("{s:s,s:s,s:s,s:s,s:I,s:o}", "event", "wire", "plane",
                  m->stream ? "stream" : "packet", "direction", m->out ? "out" : "in", "peer", peer,
                  m->out ? "message" : "wire", (json_int_t)from, "layers", layers);
    if (event && m->status < 0)
        json_object_set_new(
            event, "refused",
            json_string(m->out ? kith_code_name(m->status) : kith_refusal_name(m->why)));
    else if (event)
        json_object_set_new(event, m->out ? "wire" : "message", json_integer((json_int_t)m->to));
    w->count = 0;
    if (event) w->tell(w->arg, event);
}
