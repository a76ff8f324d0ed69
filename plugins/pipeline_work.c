/*
 * pipeline_work.c - what sealing and opening a message share: scratch buffers, associated data, and
 * checks of what a codec hands back.
 *
 * A codec is somebody else's code that gets our buffers. When it breaks its contract, that costs a
 * log line with its name, a counter and the message.
 */
#include "pipeline_parts.h"

#include <stdlib.h>
#include <time.h>

uint64_t kith_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int kith_work_breach(struct kith_work *w, struct kith_codec *c, const char *what)
{
    w->breached = true;
    w->failed = c;
    w->why = KITH_REFUSED_BREACH;
    kith_instance_blame(c->instance, "%s; the message is dropped", what);
    return -KITH_EIO;
}

struct kith_bytes kith_pipeline_ad(struct kith_pipeline *p, size_t framing)
{
    return kith_bytes_of(kith_pipeline_label(p) - framing, framing + p->label_len);
}

int kith_refuse(struct kith_pipeline *p, int rc, enum kith_refusal why, enum kith_refusal *out)
{
    p->shared->refused[why]++;
    if (out) *out = why;
    return rc;
}

int kith_work_grow(struct kith_work *w, struct kith_buf *buf, size_t cap, bool keep)
{
    size_t at = buf->base ? (size_t)(buf->data - buf->base) : 0;
    if (buf->base && cap <= buf->cap) return 0;
    if (cap < 64) cap = 64; /* malloc(0) may return NULL */
    if (!kith_account_grow(w->memory, w->stranger, buf->cap, cap)) return -KITH_ENOMEM;
    uint8_t *base = keep ? realloc(buf->base, cap) : malloc(cap);
    if (!base) {
        kith_account_give(w->memory, w->stranger, cap - buf->cap);
        return -KITH_ENOMEM;
    }
    if (!keep) free(buf->base);
    buf->data = base + at;
    buf->base = base;
    buf->cap = cap;
    return 0;
}

static int reserve(struct kith_frame *frame, size_t n)
{
    struct kith_work *w = (struct kith_work *)frame;
    int rc;
    if (n > w->most) return -KITH_ETOOBIG;
    if (w->plane == KITH_STREAM) {
        w->scratch.data = w->scratch.base;
        rc = kith_work_grow(w, &w->scratch, w->head + n + w->tail + 1, false);
        if (rc) return rc;
    }
    w->scratch.data = w->scratch.base + w->head;
    w->scratch.len = 0;
    w->given = w->scratch;
    return 0;
}

void kith_work_init(struct kith_work *w, struct kith_pipeline *p, enum kith_plane plane,
                    const struct kith_peer *peer)
{
    memset(w, 0, sizeof *w);
    w->frame.size = sizeof w->frame;
    w->frame.plane = plane;
    w->frame.peer = peer;
    w->frame.protocol = p->protocol;
    w->frame.scratch = &w->scratch;
    w->frame.reserve = reserve;
    w->p = p;
    w->plane = plane;
    w->memory = p->shared->memory;
    if (plane == KITH_PACKET) {
        w->head = p->room[plane].head;
        w->tail = p->room[plane].tail;
        w->most = p->fixed[0].cap - w->head - w->tail;
    }
}

void kith_work_scratch(struct kith_work *w, const struct kith_buf *cur)
{
    const struct kith_buf *fixed = w->p->fixed;
    if (w->plane == KITH_PACKET) w->scratch = fixed[cur->base == fixed[0].base];
    w->given = w->scratch;
}

static bool within(const struct kith_buf *b, const struct kith_buf *storage)
{
    return b->base == storage->base && b->cap == storage->cap && b->data >= b->base &&
           (size_t)(b->data - b->base) <= b->cap && b->len <= b->cap - (size_t)(b->data - b->base);
}

bool kith_work_sane(struct kith_work *w, struct kith_codec *c, struct kith_buf *cur,
                    const struct kith_buf *before)
{
    if (within(cur, before) && w->scratch.base == w->given.base && w->scratch.cap == w->given.cap)
        return true;
    if (within(cur, &w->given) && w->scratch.base == before->base && w->scratch.cap == before->cap)
        return true;
    *cur = *before;
    w->scratch = w->given;
    kith_work_breach(w, c, "it returned a buffer that it was not given");
    return false;
}

void kith_work_undo(struct kith_work *w, struct kith_buf *cur, const struct kith_buf *before)
{
    if (cur->base != before->base) kith_buf_swap(cur, &w->scratch);
    *cur = *before;
}
