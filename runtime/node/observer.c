/*
 * observer.c - tells those who look on (observer.h), and collects the layers of the message that is
 * in the pipeline for them. Does not know who they are.
 */
#include "inside.h"

void kith_observer_add(struct kith *k, struct kith_observer *o)
{
    struct kith_observer **last = &k->observers;
    while (*last) last = &(*last)->next;
    o->next = NULL;
    *last = o;
}

int kith_observers_start(struct kith *k, struct kith_error *err)
{
    int rc = 0;
    for (struct kith_observer *o = k->observers; o && !rc; o = o->next)
        if (o->start) rc = o->start(o->self, err);
    return rc;
}

void kith_observers_turn_ended(struct kith *k)
{
    for (struct kith_observer *o = k->observers; o; o = o->next)
        if (o->turn_ended) o->turn_ended(o->self);
}

void kith_observers_stop(struct kith *k)
{
    while (k->observers) {
        struct kith_observer **last = &k->observers;
        while ((*last)->next) last = &(*last)->next;
        struct kith_observer *o = *last;
        *last = NULL;
        if (o->stop) o->stop(o->self);
    }
}

/* ---------------------------------------------------------------------------------- messages */

static void on_layer(void *arg, const struct kith_layer *layer)
{
    struct kith_traffic_layers *all = arg;
    if (all->count == KITH_TRAFFIC_LAYERS) return;
    struct kith_layer *mine = &all->items[all->count++];
    *mine = *layer;
    if (!layer->label.len) return;
    size_t len = layer->label.len < KITH_TRAFFIC_LABEL ? layer->label.len : KITH_TRAFFIC_LABEL;
    mine->label = kith_bytes_of(all->label, len);
    memcpy(all->label, layer->label.data, len);
}

void kith_observer_want_traffic(struct kith *k, struct kith_observer *who, bool wanted)
{
    who->traffic_wanted = wanted;
    k->traffic_watched = false;
    for (struct kith_observer *o = k->observers; o; o = o->next)
        k->traffic_watched |= o->traffic_wanted;
    kith_pipeline_trace(k->pipeline, k->traffic_watched ? on_layer : NULL, &k->layers);
}

void kith_traffic_begin(struct kith *k) { k->layers.count = 0; }

/* The first layer peeled that is not the label, which travels apart on streams. */
static size_t outermost(const struct kith_traffic_layers *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->items[i].name, "label") != 0) return all->items[i].in;
    return 0;
}

void kith_traffic_end(struct kith *k, const struct kith_traffic *message)
{
    struct kith_traffic m = *message;
    m.layers = k->layers.items;
    m.layer_count = k->layers.count;
    if (!m.wire && !m.out) {
        m.wire = outermost(&k->layers);
        if (!m.wire && m.status >= 0) m.wire = m.plain; /* it had no layers */
    }
    for (struct kith_observer *o = k->observers; o; o = o->next)
        if (o->traffic_wanted && o->message) o->message(o->self, &m);
    k->layers.count = 0;
}
