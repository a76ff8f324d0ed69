/*
 * node_streams.c - the table of streams (node_streams.h): by the transport's id, by the core's
 * handle, those that are released, those that are due. Feeds nothing and sends nothing.
 */
#include "node_streams.h"
#include <stdlib.h>

enum { FEW = 8, MANY = 65536 }; /* buckets */

int kith_streams_new(struct kith *k)
{
    k->streams = calloc(1, sizeof *k->streams);
    return k->streams ? 0 : -KITH_ENOMEM;
}

static struct kith_stream **id_bucket(const struct kith_streams *all, uint64_t id)
{
    return &all->ids[(id * 0x9E3779B97F4A7C15u >> 32) & (all->buckets - 1)];
}

static struct kith_stream **handle_bucket(const struct kith_streams *all, uint32_t handle)
{
    return &all->handles[handle & (all->buckets - 1)];
}

static void enter_id(struct kith_streams *all, struct kith_stream *s)
{
    struct kith_stream **bucket = id_bucket(all, s->id);
    s->by_id = *bucket;
    *bucket = s;
}

static void enter_handle(struct kith_streams *all, struct kith_stream *s)
{
    struct kith_stream **bucket = handle_bucket(all, s->handle);
    s->by_handle = *bucket;
    *bucket = s;
}

/* Room for one more. Without memory for larger tables these become crowded. */
static int reserve(struct kith_streams *all)
{
    struct kith_streams was = *all;
    size_t buckets = was.buckets ? 2 * was.buckets : FEW;
    if (was.count < was.buckets || buckets > MANY) return 0;
    all->ids = calloc(2 * buckets, sizeof *all->ids);
    if (!all->ids) {
        all->ids = was.ids;
        return was.buckets ? 0 : -KITH_ENOMEM;
    }
    all->handles = all->ids + buckets;
    all->buckets = buckets;
    for (size_t i = 0; i < was.buckets; i++) {
        for (struct kith_stream *s = was.ids[i], *next; s; s = next) {
            next = s->by_id;
            enter_id(all, s);
            if (s->handle) enter_handle(all, s);
        }
    }
    free(was.ids);
    return 0;
}

size_t kith_streams_count(const struct kith *k) { return k->streams->count; }

bool kith_streams_kept(const struct kith *k) { return k->streams->keeping > 0; }

struct kith_stream *kith_stream_by_id(struct kith *k, uint64_t id)
{
    struct kith_stream *s = k->streams->buckets ? *id_bucket(k->streams, id) : NULL;
    while (s && (s->id != id || s->closed)) s = s->by_id;
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
    struct kith_stream *s = k->streams->buckets ? *handle_bucket(k->streams, handle) : NULL;
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
                                    bool ours, bool stranger)
{
    struct kith_stream *s = reserve(k->streams) ? NULL : calloc(1, sizeof *s);
    if (!s) return NULL;
    s->in = kith_inflow_new(k->pipeline, !ours);
    if (!s->in || kith_stream_meet(s, peer)) {
        if (s->in) kith_inflow_free(s->in);
        free(s);
        return NULL;
    }
    s->id = id;
    s->ours = ours;
    s->stranger = stranger;
    if (stranger) kith_inflow_stranger(s->in);
    s->pipeline = kith_pipeline_ref(k->pipeline);
    enter_id(k->streams, s);
    k->streams->count++;
    return s;
}

void kith_stream_handle(struct kith *k, struct kith_stream *s, uint32_t handle)
{
    s->handle = handle;
    enter_handle(k->streams, s);
}

static void detach(struct kith *k, struct kith_stream *s)
{
    if (!s->handle) return;
    struct kith_stream **p = handle_bucket(k->streams, s->handle);
    while (*p != s) p = &(*p)->by_handle;
    *p = s->by_handle;
    s->handle = 0;
}

void kith_stream_due(struct kith *k, struct kith_stream *s)
{
    struct kith_streams *all = k->streams;
    if (s->due || s->closed) return;
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
    detach(k, s);
    kith_stream_not_due(k, s);
    struct kith_stream **p = id_bucket(all, s->id);
    while (*p != s) p = &(*p)->by_id;
    *p = s->by_id;
    all->count--;
    kith_account_give(&k->memory, s->stranger, s->cap + s->kept_len);
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
    for (size_t i = 0; i < k->streams->buckets; i++)
        while (k->streams->ids[i]) kith_stream_free(k, k->streams->ids[i]);
    free(k->streams->ids);
    free(k->streams->scratch.base);
    free(k->streams);
    k->streams = NULL;
}

void kith_streams_lost(struct kith *k)
{
    for (size_t i = 0; i < k->streams->buckets; i++) {
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
    for (size_t i = 0; i < k->streams->buckets; i++)
        for (struct kith_stream *s = k->streams->ids[i]; s; s = s->by_id)
            kith_inflow_require(s->in, require);
}
