/*
 * pipeline_open.c - taking layers off: by the first byte, at most 8, under limits of size, with the
 * policy of `require`.
 *
 * Everything here is fed by strangers. Nothing is unpacked before it is authenticated where
 * `require` asks for that; no output is longer than its limit; what is refused leaves a counter and
 * no log line.
 */
#include "pipeline_parts.h"

bool kith_is_layer(uint8_t first)
{
    return first == 9 || first == 10 || first == 12 || (first >= 0x80 && first <= 0xEF);
}

uint64_t kith_open_limit(const struct kith_pipeline *p, const struct kith_slot *s,
                         enum kith_plane plane, size_t in)
{
    if (plane == KITH_PACKET) return KITH_PACKET_MAX;
    if (!(s->ops->provides & KITH_COMPRESSES)) return p->max_stream_size;
    uint64_t most =
        2 * p->max_stream_size; /* as memberlist: twice what a message's largest part may have */
    uint64_t ratio = (uint64_t)in * KITH_RATIO_MAX;
    if (ratio < KITH_RATIO_FREE) ratio = KITH_RATIO_FREE;
    return ratio < most ? ratio : most;
}

static enum kith_refusal refusal_of(int rc)
{
    switch (-rc) {
    case KITH_EAUTH: return KITH_REFUSED_AUTH;
    case KITH_ECHECKSUM: return KITH_REFUSED_CHECKSUM;
    case KITH_ETOOBIG: return KITH_REFUSED_TOO_BIG;
    case KITH_ENOMEM: return KITH_REFUSED_MEMORY;
    case KITH_EPOLICY: return KITH_REFUSED_POLICY;
    default: return KITH_REFUSED_MALFORMED;
    }
}

static void count(struct kith_slot *s, int rc, size_t in, size_t out)
{
    struct kith_codec_stats *st = &s->stats;
    switch (-rc) {
    case 0:
        st->opened++;
        st->open_in += in;
        st->open_out += out;
        break;
    case KITH_EAUTH: st->failed_auth++; break;
    case KITH_ECHECKSUM: st->failed_checksum++; break;
    case KITH_ETOOBIG:
    case KITH_ENOMEM: st->failed_size++; break;
    default: st->failed_malformed++;
    }
}

static void trace(struct kith_work *w, const struct kith_slot *s, const uint8_t *at, size_t in,
                  size_t out, int status)
{
    const struct kith_shared *shared = w->p->shared;
    if (!shared->trace) return;
    struct kith_layer layer = {
        .name = s->instance->plugin->name,
        .in = in,
        .out = out,
        .key = w->frame.key,
        .version = w->frame.version,
        .status = status,
        .offset = at ? (size_t)(at - w->origin + (ptrdiff_t)w->skipped) : 0,
    };
    shared->trace(shared->trace_arg, &layer);
}

/* The host's bytes before a FRAMED layer: also set the associated data. */
static int strip_framing(struct kith_work *w, const struct kith_form *form, struct kith_buf *cur)
{
    size_t framing = form->framing == KITH_OWN ? 0 : w->plane == KITH_PACKET ? 1 : KITH_STREAM_HEAD;
    w->frame.ad = kith_pipeline_ad(w->p, framing);
    if (!framing) return 0;
    const uint8_t *head = kith_buf_pull(cur, framing);
    if (!head) return -KITH_EMALFORMED;
    memcpy((uint8_t *)(uintptr_t)w->frame.ad.data, head, framing);
    if (w->plane == KITH_PACKET) return 0;
    size_t len = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
    return len == cur->len ? 0 : -KITH_EMALFORMED;
}

static int open_layer(struct kith_work *w, struct kith_slot *s, struct kith_buf *cur)
{
    const struct kith_form *form = &s->forms[w->plane];
    struct kith_buf before = *cur;
    uint64_t limit = kith_open_limit(w->p, s, w->plane, cur->len);
    w->frame.key = w->frame.version = UINT32_MAX;
    int rc = strip_framing(w, form, cur);
    if (rc < 0) return rc;
    w->frame.limit = limit < SIZE_MAX ? (size_t)limit : SIZE_MAX;
    w->most = w->frame.limit;
    kith_work_scratch(w, cur);
    rc = s->ops->open(s->instance->self, cur, &w->frame);
    if (!kith_work_sane(w, s, cur, &before)) return -KITH_EIO;
    if (rc == 0 && cur->len > limit)
        return kith_slot_breach(s, "it opened a message to more than the limit");
    if (rc > 0) return kith_slot_breach(s, "it passed on opening");
    if (rc < 0 && form->tentative) {
        if (cur->base != before.base) kith_buf_swap(cur, &w->scratch);
        *cur = before;
    }
    return rc;
}

int kith_open_layers(struct kith_work *w, struct kith_buf *cur)
{
    uint32_t first_of_all = w->require & (KITH_AUTHENTICATES | KITH_ENCRYPTS);
    while (cur->len) {
        struct kith_slot *s = w->p->opens[w->plane][cur->data[0]];
        const uint8_t *at = cur->base == w->base ? cur->data : NULL;
        size_t in = cur->len;
        int rc = 0;
        if (!s && !kith_is_layer(cur->data[0])) return 0;
        if (s && s->forms[w->plane].tentative && w->layers)
            return 0; /* only outermost: here it is a ping */
        w->failed = s;
        if (!s ||
            (s->ops->provides & KITH_COMPRESSES && (w->have & first_of_all) != first_of_all)) {
            w->why = KITH_REFUSED_POLICY;
            rc = -KITH_EPOLICY;
        } else if (w->layers == KITH_LAYERS_MAX) {
            w->why = KITH_REFUSED_LAYERS;
            rc = -KITH_EMALFORMED;
        }
        if (rc < 0) {
            w->frame.key = w->frame.version = UINT32_MAX;
            if (s) trace(w, s, at, in, 0, rc);
            return rc;
        }
        unsigned timed = kith_sample(s->open_turn++);
        uint64_t start = timed ? kith_clock() : 0;
        rc = open_layer(w, s, cur);
        if (timed) s->stats.open_ns += (kith_clock() - start) * timed;
        s->stats.open_timed += timed;
        if (rc < 0 && s->forms[w->plane].tentative && !(w->require & s->ops->provides))
            return 0; /* a ping after all */
        count(s, rc, in, cur->len);
        trace(w, s, at, in, rc == 0 ? cur->len : 0, rc);
        if (rc < 0) {
            w->why = refusal_of(rc);
            return rc;
        }
        w->have |= kith_slot_provides(s);
        w->layers++;
    }
    return 0;
}

int kith_open_policy(struct kith_work *w)
{
    if ((w->have & w->require) == w->require) return 0;
    w->why = KITH_REFUSED_POLICY;
    w->failed = NULL;
    return -KITH_EPOLICY;
}

/* ------------------------------------------------------------------------------------- label */

int kith_label_size(const uint8_t *data, size_t len)
{
    if (!len || data[0] != KITH_LABEL_BYTE) return 0;
    if (len < 2) return -KITH_EAGAIN;
    if (!data[1]) return -KITH_EMALFORMED;
    return len < 2u + data[1] ? -KITH_EAGAIN : 2 + data[1];
}

/* PROTOCOL.md 1.10: equal, both empty included. Where the check is left to a front-end that strips
 * labels, there must be none, and the message counts as having ours. */
int kith_label_check(struct kith_pipeline *p, struct kith_bytes label, enum kith_refusal *why)
{
    if (p->any_label) {
        if (label.len) {
            memcpy(kith_pipeline_label(p), label.data, label.len);
            p->label_len = label.len;
        }
        return 0;
    }
    *why = p->skip_label ? KITH_REFUSED_DOUBLE_LABEL : KITH_REFUSED_LABEL;
    if (p->skip_label) return label.len ? -KITH_EPOLICY : 0;
    bool same = label.len == p->label_len &&
                (!label.len || memcmp(label.data, kith_pipeline_label(p), label.len) == 0);
    return same ? 0 : -KITH_EPOLICY;
}

void kith_trace_label(struct kith_pipeline *p, struct kith_bytes label, size_t in, int status)
{
    if (!p->shared->trace || (!label.len && status == 0)) return;
    struct kith_layer layer = {
        .name = "label",
        .label = label,
        .in = in,
        .out = status == 0 ? in - 2 - label.len : 0,
        .key = UINT32_MAX,
        .version = UINT32_MAX,
        .status = status,
    };
    p->shared->trace(p->shared->trace_arg, &layer);
}

static int open_label(struct kith_pipeline *p, struct kith_buf *buf, enum kith_refusal *why)
{
    int size = kith_label_size(buf->data, buf->len), rc;
    struct kith_bytes label =
        size > 0 ? kith_bytes_of(buf->data + 2, (size_t)size - 2) : (struct kith_bytes){0};
    *why = KITH_REFUSED_LABEL;
    rc = size < 0 ? -KITH_EMALFORMED : kith_label_check(p, label, why);
    kith_trace_label(p, label, buf->len, rc);
    if (rc == 0 && size > 0) kith_buf_pull(buf, (size_t)size);
    return rc;
}

int kith_pipeline_open_packet(struct kith_pipeline *p, struct kith_buf *buf, enum kith_refusal *why)
{
    struct kith_work w;
    enum kith_refusal reason = KITH_REFUSED_EMPTY;
    int rc = -KITH_EMALFORMED;
    if (!buf->len) return kith_refuse(p, rc, reason, why);
    if (buf->len > KITH_PACKET_MAX) return kith_refuse(p, -KITH_ETOOBIG, KITH_REFUSED_TOO_BIG, why);
    kith_work_init(&w, p, KITH_PACKET, 0);
    w.require = p->require;
    w.base = buf->base;
    w.origin = buf->data;
    if ((rc = open_label(p, buf, &reason)) < 0) return kith_refuse(p, rc, reason, why);
    if ((rc = kith_open_layers(&w, buf)) < 0 || (rc = kith_open_policy(&w)) < 0)
        return kith_refuse(p, rc, w.why, why);
    return buf->len ? 0 : kith_refuse(p, -KITH_EMALFORMED, KITH_REFUSED_EMPTY, why);
}
