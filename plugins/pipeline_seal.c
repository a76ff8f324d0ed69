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

/* A sealed message must be no longer than promised, and begin as promised. 0 or a breach. */
static int check_sealed(struct kith_work *w, struct kith_codec *c, const struct kith_buf *cur,
                        size_t before, size_t promised)
{
    const struct kith_form *form = &c->forms[w->plane];
    bool may_grow = w->plane == KITH_STREAM && c->provides & KITH_COMPRESSES;
    if (!may_grow && cur->len > before + c->room.head + c->room.tail)
        return kith_work_breach(w, c, "it made a message longer than its room says");
    if (form->framing == KITH_OWN &&
        (!cur->len || cur->data[0] < form->first || cur->data[0] > form->last))
        return kith_work_breach(w, c, "what it sealed does not begin with its layer byte");
    if (promised && cur->len != promised)
        return kith_work_breach(w, c, "what it sealed has another length than it said");
    return 0;
}

/* seal() returned something positive. KITH_PASS: the message stays as it was, for codecs that may
 * leave their layer out. A cipher that could pass would send plaintext. */
static int take_pass(struct kith_work *w, struct kith_codec *c, struct kith_buf *cur,
                     const struct kith_buf *before, int rc)
{
    if (rc != KITH_PASS)
        return kith_work_breach(w, c, "seal() returned a positive number that is not KITH_PASS");
    if (!c->may_pass) return kith_work_breach(w, c, "it guards messages, but left one as it was");
    kith_work_undo(w, cur, before);
    return KITH_PASS;
}

/* memberlist compresses streams also when that makes them longer, by two fifths at most. So what is
 * within max_stream_size may come out over it, where no peer takes it. */
static bool too_long(const struct kith_work *w, const struct kith_codec *c,
                     const struct kith_buf *cur, const struct kith_buf *before)
{
    const struct kith_room *room = &w->p->room[KITH_STREAM];
    return w->plane == KITH_STREAM && c->provides & KITH_COMPRESSES && cur->len > before->len &&
           cur->len + room->head + room->tail > w->p->max_stream_size;
}

/* A receiver would refuse it for its ratio or its length; send without this layer, if allowed. */
static int leave_out(struct kith_work *w, struct kith_codec *c, struct kith_buf *cur,
                     const struct kith_buf *before)
{
    if (!c->may_pass || cur->base == before->base) return -KITH_ETOOBIG;
    kith_work_undo(w, cur, before);
    return KITH_PASS;
}

/* Write the host's bytes in front of a FRAMED layer. */
static int push_framing(struct kith_work *w, const struct kith_form *form, size_t framing,
                        struct kith_buf *cur)
{
    size_t len = cur->len;
    if (w->plane == KITH_STREAM && len > w->p->max_stream_size) return -KITH_ETOOBIG;
    uint8_t *head = kith_buf_push(cur, framing);
    if (!head) return -KITH_ETOOBIG;
    write_framing(head, form, framing, len);
    return 0;
}

/* One layer. KITH_PASS: the message goes on without it. */
static int seal_layer(struct kith_work *w, struct kith_codec *c, struct kith_buf *cur)
{
    const struct kith_form *form = &c->forms[w->plane];
    const size_t framing = kith_framing_bytes(form, w->plane);
    size_t promised = 0;
    struct kith_buf before = *cur;
    int rc;

    w->frame.ad = kith_pipeline_ad(w->p, framing);
    if (framing) {
        size_t len = kith_codec_sealed_size(c, cur->len, &w->frame);
        write_framing((uint8_t *)(uintptr_t)w->frame.ad.data, form, framing, len);
        if (framing == KITH_STREAM_HEAD && c->provides & KITH_AUTHENTICATES) promised = len;
    }
    kith_work_scratch(w, cur);
    rc = kith_codec_seal(c, cur, &w->frame);
    if (!kith_work_sane(w, c, cur, &before)) return -KITH_EIO;
    if (rc < 0) return rc;
    if (rc > 0) return take_pass(w, c, cur, &before, rc);
    if ((rc = check_sealed(w, c, cur, before.len, promised)) < 0) return rc;
    if (before.len > kith_open_limit(w->p, c, w->plane, cur->len) || too_long(w, c, cur, &before))
        return leave_out(w, c, cur, &before);
    return framing ? push_framing(w, form, framing, cur) : 0;
}

static void trace(const struct kith_pipeline *p, const char *name, struct kith_bytes label,
                  size_t in, size_t out, int status)
{
    const struct kith_pipeline_shared *shared = p->shared;
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
        struct kith_codec *c = w->p->send[i];
        if (c->forms[w->plane].framing == KITH_NONE) continue;
        size_t in = cur->len;
        unsigned timed = kith_sample(c->seal_turn++);
        uint64_t start = timed ? kith_clock() : 0;
        int rc = seal_layer(w, c, cur);
        if (timed) {
            uint64_t took = kith_clock() - start;
            c->stats.seal_ns += took * timed;
            c->stats.seal_timed += timed;
            kith_codec_timed(c, "seal", took, in);
        }
        trace(w->p, c->stats.name, (struct kith_bytes){0}, in, rc < 0 ? 0 : cur->len, rc);
        if (rc < 0) return rc;
        if (rc == KITH_PASS) {
            c->stats.passed++;
            continue;
        }
        c->stats.sealed++;
        c->stats.seal_in += in;
        c->stats.seal_out += cur->len;
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

int kith_pipeline_seal_packet(struct kith_pipeline *p, struct kith_buf *buf,
                              const struct kith_peer *to)
{
    struct kith_work w;
    if (buf->len > KITH_PACKET_MAX) return -KITH_ETOOBIG;
    kith_work_init(&w, p, KITH_PACKET, to);
    int rc = seal_layers(&w, buf);
    if (rc == 0) rc = push_label(p, buf);
    return rc == 0 && buf->len > KITH_PACKET_MAX ? -KITH_ETOOBIG : rc;
}

int kith_pipeline_seal_stream(struct kith_pipeline *p, struct kith_bytes msg, bool initiator,
                              const struct kith_peer *to, struct kith_buf *out)
{
    struct kith_work w;
    const size_t before = out->cap;
    int rc;
    if (msg.len > p->max_stream_size) return -KITH_ETOOBIG;
    kith_work_init(&w, p, KITH_STREAM, to);
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
    /* The two may have changed places, and what goes on is the caller's to count. */
    kith_account_give(w.memory, false, out->cap + w.scratch.cap - before);
    return rc;
}
