/*
 * pipeline_seal.c - what a node emits: each codec of `send` in turn, the label last.
 */
#include "pipeline_parts.h"

#include <stdlib.h>

static void write_framing(uint8_t *out, const struct kith_form *form, size_t framing, size_t len)
{
    out[0] = form->first;
    for (size_t i = 1; i < framing; i++) out[i] = (uint8_t)(len >> 8 * (framing - 1 - i));
}

static size_t sealed_size(const struct kith_slot *s, size_t len, const struct kith_frame *frame)
{
    return s->ops->sealed ? s->ops->sealed(s->instance->self, len, frame)
                          : len + s->room.head + s->room.tail;
}

/* The overhead law, and what the framing promised: a breach, or 0. */
static int check_sealed(const struct kith_work *w, struct kith_slot *s, const struct kith_buf *cur,
                        size_t before, size_t promised)
{
    const struct kith_form *form = &s->forms[w->plane];
    bool may_grow = w->plane == KITH_STREAM && s->ops->provides & KITH_COMPRESSES;
    if (!may_grow && cur->len > before + s->room.head + s->room.tail)
        return kith_slot_breach(s, "it made a message longer than its room says");
    if (form->framing == KITH_OWN &&
        (!cur->len || cur->data[0] < form->first || cur->data[0] > form->last))
        return kith_slot_breach(s, "what it sealed does not begin with its layer byte");
    if (promised && cur->len != promised)
        return kith_slot_breach(s, "what it sealed has another length than it said");
    return 0;
}

/* One layer. KITH_PASS when the codec passed. */
static int seal_layer(struct kith_work *w, struct kith_slot *s, struct kith_buf *cur)
{
    struct kith_pipeline *p = w->p;
    const struct kith_form *form = &s->forms[w->plane];
    size_t framing = form->framing == KITH_OWN ? 0
                     : w->plane == KITH_PACKET ? 1
                                               : KITH_STREAM_HEAD,
           promised = 0;
    struct kith_buf before = *cur;
    int rc;

    w->frame.ad = kith_pipeline_ad(p, framing);
    if (framing) {
        size_t len = sealed_size(s, cur->len, &w->frame);
        write_framing((uint8_t *)(uintptr_t)w->frame.ad.data, form, framing, len);
        if (framing == KITH_STREAM_HEAD && s->ops->provides & KITH_AUTHENTICATES) promised = len;
    }
    kith_work_scratch(w, cur);
    rc = s->ops->seal(s->instance->self, cur, &w->frame);
    if (!kith_work_sane(w, s, cur, &before)) return -KITH_EIO;
    if (rc < 0) return rc;
    if (rc != 0) {
        if (cur->base != before.base) kith_buf_swap(cur, &w->scratch);
        *cur = before;
        return KITH_PASS;
    }
    if ((rc = check_sealed(w, s, cur, before.len, promised)) < 0) return rc;
    if (cur->base != before.base && before.len > kith_open_limit(p, s, w->plane, cur->len)) {
        w->scratch = *cur; /* better than we would believe of others: nobody would open it */
        *cur = before;
        return KITH_PASS;
    }
    if (!framing) return 0;
    if (w->plane == KITH_STREAM && cur->len > p->max_stream_size) return -KITH_ETOOBIG;
    size_t len = cur->len;
    uint8_t *head = kith_buf_push(cur, framing);
    if (!head) return -KITH_ETOOBIG;
    write_framing(head, form, framing, len);
    return 0;
}

static void trace(const struct kith_pipeline *p, const char *name, struct kith_bytes label,
                  size_t in, size_t out, int status)
{
    const struct kith_shared *shared = p->shared;
    if (!shared->trace) return;
    struct kith_layer layer = {
        .name = name,
        .label = label,
        .in = in,
        .out = out,
        .key = UINT32_MAX,
        .version = UINT32_MAX,
        .status = status,
        .sealing = true,
    };
    shared->trace(shared->trace_arg, &layer);
}

static int seal_layers(struct kith_work *w, struct kith_buf *cur)
{
    for (size_t i = 0; i < w->p->sends; i++) {
        struct kith_slot *s = w->p->send[i];
        if (s->forms[w->plane].framing == KITH_NONE) continue;
        if (w->plane == KITH_PACKET && s->ops->flags & KITH_CODEC_PEER_CRC &&
            w->frame.peer_pmax < 5)
            continue;
        size_t in = cur->len;
        unsigned timed = kith_sample(s->seal_turn++);
        uint64_t start = timed ? kith_clock() : 0;
        int rc = seal_layer(w, s, cur);
        if (timed) s->stats.seal_ns += (kith_clock() - start) * timed;
        s->stats.seal_timed += timed;
        trace(w->p, s->stats.name, (struct kith_bytes){0}, in, rc < 0 ? 0 : cur->len, rc);
        if (rc < 0) return rc;
        if (rc == KITH_PASS) {
            s->stats.passed++;
            continue;
        }
        s->stats.sealed++;
        s->stats.seal_in += in;
        s->stats.seal_out += cur->len;
    }
    return 0;
}

static int push_label(struct kith_pipeline *p, struct kith_buf *cur)
{
    if (!p->label_len) return 0;
    uint8_t *head = kith_buf_push(cur, 2 + p->label_len);
    if (!head) return -KITH_ETOOBIG;
    trace(p, "label", kith_bytes_of(kith_pipeline_label(p), p->label_len),
          cur->len - 2 - p->label_len, cur->len, 0);
    head[0] = KITH_LABEL_BYTE;
    head[1] = (uint8_t)p->label_len;
    memcpy(head + 2, kith_pipeline_label(p), p->label_len);
    return 0;
}

int kith_pipeline_seal_packet(struct kith_pipeline *p, struct kith_buf *buf, uint8_t peer_pmax)
{
    struct kith_work w;
    if (buf->len > KITH_PACKET_MAX) return -KITH_ETOOBIG;
    kith_work_init(&w, p, KITH_PACKET, peer_pmax);
    int rc = seal_layers(&w, buf);
    if (rc == 0) rc = push_label(p, buf);
    return rc == 0 && buf->len > KITH_PACKET_MAX ? -KITH_ETOOBIG : rc;
}

int kith_pipeline_seal_stream(struct kith_pipeline *p, struct kith_bytes msg, bool initiator,
                              struct kith_buf *out)
{
    struct kith_work w;
    int rc;
    if (msg.len > p->max_stream_size) return -KITH_ETOOBIG;
    kith_work_init(&w, p, KITH_STREAM, 0);
    w.head = p->room[KITH_STREAM].head;
    w.tail = p->room[KITH_STREAM].tail;
    w.most = 2 * p->max_stream_size + KITH_PACKET_MAX;
    out->data = out->base;
    if ((rc = kith_work_grow(&w, out, w.head + msg.len + w.tail, false)) < 0) return rc;
    out->data = out->base + w.head;
    out->len = msg.len;
    if (msg.len) memcpy(out->data, msg.data, msg.len);
    rc = seal_layers(&w, out);
    if (rc == 0 && initiator) rc = push_label(p, out);
    free(w.scratch.base);
    return rc;
}
