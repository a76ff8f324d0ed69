/*
 * pipeline_open.c - taking layers off: by the first byte, at most 8, under limits of size, with the
 * policy of `require`.
 *
 * Everything here is fed by strangers. Nothing is unpacked before it is authenticated where
 * `require` asks for that; no output is longer than its limit; what is refused leaves a counter and
 * no log line.
 */
#include "pipeline_parts.h"

uint64_t kith_open_limit(const struct kith_pipeline *p, const struct kith_codec *c,
                         enum kith_plane plane, size_t in)
{
    if (plane == KITH_PACKET) return KITH_PACKET_MAX;
    if (!(c->provides & KITH_COMPRESSES)) return p->max_stream_size;
    uint64_t most = 2 * p->max_stream_size; /* memberlist's limit on what it decompresses */
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

static void count(struct kith_codec *c, int rc, size_t in, size_t out)
{
    struct kith_codec_stats *st = &c->stats;
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

static void trace(struct kith_work *w, const struct kith_codec *c, uint8_t first, const uint8_t *at,
                  size_t in, size_t out, int status)
{
    const struct kith_pipeline_shared *shared = w->p->shared;
    if (!shared->trace) return;
    struct kith_layer layer = {
        .name = c ? c->stats.name : "layer",
        .first = first,
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
    const size_t framing = kith_framing_bytes(form, w->plane);
    w->frame.ad = kith_pipeline_ad(w->p, framing);
    if (!framing) return 0;
    const uint8_t *head = kith_buf_pull(cur, framing);
    if (!head) return -KITH_EMALFORMED;
    memcpy((uint8_t *)(uintptr_t)w->frame.ad.data, head, framing);
    if (w->plane == KITH_PACKET) return 0;
    return kith_be32(head + 1) == cur->len ? 0 : -KITH_EMALFORMED;
}

/* One layer, with the codec that its first byte names. */
static int open_layer(struct kith_work *w, struct kith_codec *c, struct kith_buf *cur)
{
    const struct kith_form *form = &c->forms[w->plane];
    struct kith_buf before = *cur;
    uint64_t limit = kith_open_limit(w->p, c, w->plane, cur->len);
    int rc = strip_framing(w, form, cur);
    if (rc < 0) return rc;
    w->frame.limit = limit < SIZE_MAX ? (size_t)limit : SIZE_MAX;
    w->most = w->frame.limit;
    kith_work_scratch(w, cur);
    rc = kith_codec_open(c, cur, &w->frame);
    if (!kith_work_sane(w, c, cur, &before)) return -KITH_EIO;
    if (rc > 0) return kith_work_breach(w, c, "open() returned a positive number");
    if (rc == 0 && cur->len > limit)
        return kith_work_breach(w, c, "it opened a message to more than the limit");
    if (rc < 0 && form->tentative) kith_work_undo(w, cur, &before);
    return rc;
}

static int open_and_count(struct kith_work *w, struct kith_codec *c, struct kith_buf *cur)
{
    unsigned timed = kith_sample(c->open_turn++);
    uint64_t start = timed ? kith_clock() : 0;
    size_t in = cur->len;
    int rc = open_layer(w, c, cur);
    if (timed) {
        uint64_t took = kith_clock() - start;
        c->stats.open_ns += took * timed;
        c->stats.open_timed += timed;
        kith_codec_timed(c, "open", took, in > cur->len ? in : cur->len);
    }
    if (rc < 0 && !w->breached) w->why = refusal_of(rc);
    return rc;
}

static int refuse_layer(struct kith_work *w, int rc, enum kith_refusal why)
{
    w->why = why;
    return rc;
}

/* Whose layer is in front? NULL: nobody's, what is left is a message. Negative: a layer that is not
 * to be opened here. */
static int find_layer(struct kith_work *w, uint8_t first, struct kith_codec **out)
{
    struct kith_codec *c = kith_pipeline_opener(w->p, w->plane, first);
    const uint32_t guards = w->require & (KITH_AUTHENTICATES | KITH_ENCRYPTS);
    *out = NULL;
    if (!c && !kith_is_layer(first)) return 0;
    if (c && c->forms[w->plane].tentative && w->layers) return 0; /* within a layer it is a ping */
    *out = c;
    w->failed = c;
    w->frame.key = w->frame.version = UINT32_MAX;
    if (!c) return refuse_layer(w, -KITH_EPOLICY, KITH_REFUSED_POLICY);
    if (c->provides & KITH_COMPRESSES && (w->have & guards) != guards)
        return refuse_layer(w, -KITH_EPOLICY, KITH_REFUSED_POLICY);
    if (w->layers == KITH_LAYERS_MAX) return refuse_layer(w, -KITH_EMALFORMED, KITH_REFUSED_LAYERS);
    return 0;
}

/* A tentative layer that does not open is a ping, unless `require` asks for what it gives and the
 * transport has not given it already. */
static bool is_ping_after_all(const struct kith_work *w, const struct kith_codec *c)
{
    return c->forms[w->plane].tentative && !(w->require & ~w->have & c->ops->provides) &&
           !w->breached;
}

int kith_open_layers(struct kith_work *w, struct kith_buf *cur)
{
    while (cur->len) {
        struct kith_codec *c;
        const uint8_t *at = cur->base == w->base ? cur->data : NULL;
        size_t in = cur->len;
        uint8_t first = cur->data[0];
        int rc = find_layer(w, first, &c);
        if (rc == 0 && !c) return 0;
        if (rc == 0) {
            rc = open_and_count(w, c, cur);
            if (rc < 0 && is_ping_after_all(w, c)) return 0;
            if (!w->breached) count(c, rc, in, cur->len);
        }
        trace(w, c, first, at, in, rc == 0 ? cur->len : 0, rc);
        if (rc < 0) return rc;
        w->have |= c->provides;
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

int kith_pipeline_open_packet(struct kith_pipeline *p, struct kith_buf *buf,
                              const struct kith_peer *from, enum kith_refusal *why)
{
    struct kith_work w;
    enum kith_refusal reason = KITH_REFUSED_EMPTY;
    int rc = -KITH_EMALFORMED;
    if (!buf->len) return kith_refuse(p, rc, reason, why);
    if (buf->len > KITH_PACKET_MAX) return kith_refuse(p, -KITH_ETOOBIG, KITH_REFUSED_TOO_BIG, why);
    kith_work_init(&w, p, KITH_PACKET, from);
    w.have = kith_peer_provides(from);
    w.require = p->require;
    w.base = buf->base;
    w.origin = buf->data;
    if ((rc = open_label(p, buf, &reason)) < 0) return kith_refuse(p, rc, reason, why);
    if ((rc = kith_open_layers(&w, buf)) < 0 || (rc = kith_open_policy(&w)) < 0)
        return kith_refuse(p, rc, w.why, why);
    return buf->len ? 0 : kith_refuse(p, -KITH_EMALFORMED, KITH_REFUSED_EMPTY, why);
}
