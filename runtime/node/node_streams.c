/*
 * node_streams.c - the table of streams (node_streams.h): by the transport's id, by the core's
 * handle, those that are released, those that are due. Feeds nothing and sends nothing.
 */
#include "node_streams.h"
#include <stdlib.h>

enum { BUCKETS = KITH_STREAM_BUCKETS };

int kith_streams_new(struct kith *k)
{
    k->streams = calloc(1, sizeof *k->streams);
    return k->streams ? 0 : -KITH_ENOMEM;
}

size_t kith_streams_count(const struct kith *k) { return k->streams->count; }

bool kith_streams_kept(const struct kith *k) { return k->streams->keeping > 0; }

struct kith_stream *kith_stream_by_id(struct kith *k, uint64_t id)
{
    struct kith_stream *s = k->streams->ids[id % BUCKETS];
    while (s && s->id != id) s = s->by_id;
    return s;
}

bool kith_stream_id_take(struct kith_link *l, const char *what, uint64_t id)
{
    uint64_t *last = &l->k->streams->last_id;
    if (id > *last) {
        *last = id;
        return true;
    }
    kith_instance_blame(l->in, "%s with id %llu after id %llu: ids only grow", what,
                        (unsigned long long)id, (unsigned long long)*last);
    return false;
}

struct kith_stream *kith_stream_by_handle(struct kith *k, uint32_t handle)
{
    struct kith_stream *s = k->streams->handles[handle % BUCKETS];
    while (s && s->handle != handle) s = s->by_handle;
    return s;
}

int kith_stream_meet(struct kith_stream *s, const struct kith_peer *peer)
{
    size_t name = peer->name.len, identity = peer->identity.len;
    uint8_t *names = NULL;
    if (name + identity) {
        names = calloc(1, name + identity + 2); /* a NUL behind each */
        if (!names) return -KITH_ENOMEM;
        if (name) memcpy(names, peer->name.data, name);
        if (identity) memcpy(names + name + 1, peer->identity.data, identity);
    }
    free(s->names);
    s->names = names;
    if (peer->addr) s->addr = *peer->addr;
    s->peer = *peer;
    s->peer.size = sizeof s->peer;
    s->peer.addr = &s->addr;
    s->peer.name = kith_bytes_of(names, name);
    s->peer.identity = kith_bytes_of(identity ? names + name + 1 : NULL, identity);
    return 0;
}

struct kith_stream *kith_stream_new(struct kith *k, uint64_t id, const struct kith_peer *peer,
                                    bool ours)
{
    struct kith_stream *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->in = kith_inflow_new(k->pipeline, !ours);
    if (!s->in || kith_stream_meet(s, peer)) {
        if (s->in) kith_inflow_free(s->in);
        free(s);
        return NULL;
    }
    s->id = id;
    s->ours = ours;
    s->pipeline = kith_pipeline_ref(k->pipeline);
    s->by_id = k->streams->ids[id % BUCKETS];
    k->streams->ids[id % BUCKETS] = s;
    k->streams->count++;
    return s;
}

void kith_stream_handle(struct kith *k, struct kith_stream *s, uint32_t handle)
{
    s->handle = handle;
    s->by_handle = k->streams->handles[handle % BUCKETS];
    k->streams->handles[handle % BUCKETS] = s;
}

void kith_stream_detach(struct kith *k, struct kith_stream *s)
{
    if (!s->handle) return;
    struct kith_stream **p = &k->streams->handles[s->handle % BUCKETS];
    while (*p != s) p = &(*p)->by_handle;
    *p = s->by_handle;
    s->handle = 0;
}

void kith_stream_due(struct kith *k, struct kith_stream *s)
{
    struct kith_streams *all = k->streams;
    if (s->due) return;
    s->due = true;
    s->due_before = all->last_due;
    s->due_after = NULL;
    *(all->last_due ? &all->last_due->due_after : &all->due) = s;
    all->last_due = s;
}

void kith_stream_not_due(struct kith *k, struct kith_stream *s)
{
    struct kith_streams *all = k->streams;
    if (!s->due) return;
    s->due = false;
    *(s->due_before ? &s->due_before->due_after : &all->due) = s->due_after;
    *(s->due_after ? &s->due_after->due_before : &all->last_due) = s->due_before;
}

void kith_stream_free(struct kith *k, struct kith_stream *s)
{
    struct kith_streams *all = k->streams;
    kith_stream_detach(k, s);
    kith_stream_not_due(k, s);
    struct kith_stream **p = &all->ids[s->id % BUCKETS];
    while (*p != s) p = &(*p)->by_id;
    *p = s->by_id;
    if (s->released) {
        *(s->older ? &s->older->newer : &all->oldest) = s->newer;
        *(s->newer ? &s->newer->older : &all->newest) = s->older;
    }
    all->count--;
    all->queued -= s->tail - s->head + s->kept_len;
    if (s->kept_len) all->keeping--;
    kith_inflow_free(s->in);
    kith_pipeline_unref(s->pipeline);
    free(s->queue);
    free(s->kept);
    free(s->names);
    free(s);
}

void kith_streams_free(struct kith *k)
{
    if (!k->streams) return;
    for (size_t i = 0; i < BUCKETS; i++)
        while (k->streams->ids[i]) kith_stream_free(k, k->streams->ids[i]);
    free(k->streams->scratch.base);
    free(k->streams);
    k->streams = NULL;
}

void kith_streams_lost(struct kith *k)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (k->streams->ids[i]) {
            uint32_t handle = k->streams->ids[i]->handle;
            kith_stream_free(k, k->streams->ids[i]);
            if (handle) kith_core_stream_closed(k->core, kith_node_now(k), handle, -KITH_ECLOSED);
        }
    }
    k->streams->last_id = 0; /* whoever starts counts anew */
}

void kith_streams_require(struct kith *k, uint32_t require)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct kith_stream *s = k->streams->ids[i]; s; s = s->by_id)
            kith_inflow_require(s->in, require);
}
