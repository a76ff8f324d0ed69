/*
 * control_wire.c - a message on its way, layer by layer, as the event that `kith monitor` shows
 * (docs/CONTROL.md). Knows nothing of clients.
 */
#include "control_inside.h"

static json_t *layer_json(const struct kith_layer *l)
{
    json_t *o = json_pack("{s:s,s:I}", "layer", l->name, "in", (json_int_t)l->in);
    if (l->status == 0) json_object_set_new(o, "out", json_integer((json_int_t)l->out));
    if (l->label.len) json_object_set_new(o, "label", kith_json_name(l->label));
    if (l->key != UINT32_MAX) json_object_set_new(o, "key", json_integer(l->key));
    if (l->version != UINT32_MAX) json_object_set_new(o, "version", json_integer(l->version));
    if (l->status == KITH_PASS) json_object_set_new(o, "passed", json_true());
    if (l->status < 0) json_object_set_new(o, "failed", json_string(kith_code_name(l->status)));
    return o;
}

json_t *kith_traffic_event(struct kith *k, const struct kith_traffic *m)
{
    char peer[KITH_ADDR_TEXT] = "";
    json_t *layers = json_array();
    for (size_t i = 0; i < m->layer_count; i++)
        json_array_append_new(layers, layer_json(&m->layers[i]));
    if (m->peer && m->peer->addr) kith_node_format(k, m->peer->addr, peer, sizeof peer);
    const char *before = m->out ? "message" : "wire", *after = m->out ? "wire" : "message";
    json_int_t plain = (json_int_t)m->plain, wire = (json_int_t)m->wire;
    json_t *event =
        json_pack("{s:s,s:s,s:s,s:s,s:I,s:o}", "event", "wire", "plane",
                  m->plane == KITH_STREAM ? "stream" : "packet", "direction", m->out ? "out" : "in",
                  "peer", peer, before, m->out ? plain : wire, "layers", layers);
    if (!event) return NULL;
    if (m->status < 0)
        json_object_set_new(
            event, "refused",
            json_string(m->out ? kith_code_name(m->status) : kith_refusal_name(m->why)));
    else
        json_object_set_new(event, after, json_integer(m->out ? wire : plain));
    return event;
}
