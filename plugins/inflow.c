/*
 * inflow.c - opening one direction of one stream, piece by piece.
 *
 *   [label, what an initiator sends only] then messages: each either layered (collected whole, then
 * opened) or plain (from its first byte to the end of the stream: only the core knows where a plain
 * message ends)
 *
 * A stranger is at the other end: lengths are checked before anything is stored, storage grows with
 * what really came, and all inflows share one limit. Knows nothing of messages.
 */
#include "pipeline_parts.h"

#include <stdlib.h>

enum state { LABEL, LAYERS, PLAIN, FAILED };

struct kith_inflow {
    struct kith_pipeline *p;
    uint32_t require;
    enum state state;
    struct kith_buf buf; /* what was collected; counted in the shared stream_memory */
    uint64_t need;       /* bytes that must be in buf to go on */
    uint64_t skipped;    /* bytes of the stream before those in buf */
    int failure;
};

struct kith_inflow *kith_inflow_new(struct kith_pipeline *p, bool acceptor)
{
    struct kith_inflow *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->p = kith_pipeline_ref(p);
    f->require = p->require;
    f->state = acceptor ? LABEL : LAYERS;
    f->need = 1;
    return f;
}

static void drop(struct kith_inflow *f, struct kith_buf *b)
{
    f->p->shared->stream_memory -= b->cap;
    free(b->base);
    *b = (struct kith_buf){0};
}

void kith_inflow_free(struct kith_inflow *f)
{
    if (!f) return;
    drop(f, &f->buf);
    kith_pipeline_unref(f->p);
    free(f);
}

/* A stream ends with the chain it began with, but what is required now holds too. */
void kith_inflow_require(struct kith_inflow *f, uint32_t require) { f->require |= require; }

static void init_work(struct kith_inflow *f, struct kith_work *w)
{
    kith_work_init(w, f->p, KITH_STREAM, 0);
    w->memory = &f->p->shared->stream_memory;
    w->max_memory = f->p->max_stream_memory;
    w->require = f->require;
}

/* --------------------------------------------------------------------- what to tell the peer */

/* memberlist's words where it has them, so that operators find them in its documentation and in
 * their log searches. */
static void explain(const struct kith_inflow *f, const struct kith_work *w, char *text)
{
    const struct kith_slot *s = w->failed;
    const char *say = "";
    bool cipher = s && s->ops->provides & KITH_ENCRYPTS;
    switch (w->why) {
    case KITH_REFUSED_AUTH:
        say = cipher ? "No installed keys could decrypt the message"
                     : "No installed keys could authenticate the message";
        break;
    case KITH_REFUSED_POLICY:
        if (w->have == 0 && f->buf.len && f->buf.data[0] == 10 && !s)
            say = "Remote state is encrypted and encryption is not configured";
        else if (f->require & KITH_ENCRYPTS & ~w->have)
            say = "Encryption is configured but remote state is not encrypted";
        else if (f->require & ~w->have)
            say = "Authentication is configured but remote state is not authenticated";
        else
            say = "Remote state has a layer that is not configured";
        break;
    case KITH_REFUSED_TOO_BIG:
        snprintf(text, KITH_INFLOW_TEXT, "Remote node state is larger than limit (%llu)",
                 (unsigned long long)f->p->max_stream_size);
        return;
    case KITH_REFUSED_CHECKSUM: say = "Got invalid checksum"; break;
    case KITH_REFUSED_EMPTY: say = "missing message type byte"; break;
    case KITH_REFUSED_MALFORMED:
    case KITH_REFUSED_LAYERS:
        say =
            cipher ? "No installed keys could decrypt the message" : "Failed to decompress payload";
        break;
    default: break; /* label and memory: closed without a word */
    }
    snprintf(text, KITH_INFLOW_TEXT, "%s", say);
}

static int fail(struct kith_inflow *f, struct kith_work *w, int rc, enum kith_refusal *why,
                char *text)
{
    if (text) explain(f, w, text);
    drop(f, &f->buf);
    f->state = FAILED;
    f->failure = rc;
    return kith_refuse(f->p, rc, w->why, why);
}

static int fail_as(struct kith_work *w, int rc, enum kith_refusal reason)
{
    w->why = reason;
    return rc;
}

/* -------------------------------------------------------------------------------- collecting */

/* Take bytes over until `need` are there. How many, or negative. */
static int64_t collect(struct kith_inflow *f, struct kith_work *w, const uint8_t *data, size_t len)
{
    size_t n = f->need - f->buf.len < len ? (size_t)(f->need - f->buf.len) : len;
    size_t cap = f->buf.cap, want = f->buf.len + n;
    if (want > cap) { /* doubled, but never beyond what is needed: a length alone takes no memory */
        cap = cap * 2 > want ? cap * 2 : want < 512 ? 512 : want;
        if (cap > f->need && f->need > 512) cap = (size_t)f->need;
        if (kith_work_grow(w, &f->buf, cap, true) < 0)
            return fail_as(w, -KITH_ENOMEM, KITH_REFUSED_MEMORY);
        f->buf.data = f->buf.base;
    }
    memcpy(f->buf.data + f->buf.len, data, n);
    f->buf.len += n;
    return (int64_t)n;
}

/* Where does the layer that begins in buf end? Sets need; 1 when it is all there. */
static int measure(struct kith_inflow *f, struct kith_work *w)
{
    struct kith_slot *s = f->p->opens[KITH_STREAM][f->buf.data[0]];
    const uint8_t *d = f->buf.data;
    size_t need = KITH_STREAM_HEAD;
    uint64_t most = f->p->max_stream_size + KITH_STREAM_HEAD;
    int rc = 0;
    if (!s) return 1; /* opening says why not */
    if (s->forms[KITH_STREAM].framing == KITH_OWN) {
        most += f->p->max_stream_size; /* memberlist's compression may make a message longer */
        rc = s->ops->extent(s->instance->self, d, f->buf.len, &need);
        if (rc < 0 || (rc == 0 && need <= f->buf.len)) {
            w->failed = s;
            return fail_as(w, -KITH_EMALFORMED, KITH_REFUSED_MALFORMED);
        }
    } else if (f->buf.len >= KITH_STREAM_HEAD) {
        need += (size_t)d[1] << 24 | (size_t)d[2] << 16 | (size_t)d[3] << 8 | d[4];
        rc = f->buf.len == need;
    }
    if (need > most) {
        w->failed = s;
        return fail_as(w, -KITH_ETOOBIG, KITH_REFUSED_TOO_BIG);
    }
    f->need = need;
    return rc;
}

/* ------------------------------------------------------------------------------------- steps */

/* A whole layer is in buf: open it and all in it. */
static int open_message(struct kith_inflow *f, struct kith_work *w,
                        void (*plain)(void *arg, const uint8_t *data, size_t len), void *arg)
{
    struct kith_buf cur = f->buf;
    size_t whole = cur.len;
    w->base = cur.base;
    w->origin = cur.data;
    w->skipped = f->skipped;
    int rc = kith_open_layers(w, &cur);
    if (rc == 0) rc = kith_open_policy(w);
    if (rc == 0 && !cur.len) rc = fail_as(w, -KITH_EMALFORMED, KITH_REFUSED_EMPTY);
    if (rc == 0) {
        if (w->scratch.base) drop(f, &w->scratch);
        f->buf = cur; /* may have come from scratch: one of the two is ours */
        plain(arg, cur.data, cur.len);
        drop(f, &f->buf);
        f->skipped += whole;
        f->need = 1;
        return 0;
    }
    f->buf = cur;
    if (w->scratch.base) drop(f, &w->scratch);
    return rc;
}

/* The first byte of a message is there: layers, or plain from here on? */
static int begin_message(struct kith_inflow *f, struct kith_work *w, uint8_t first)
{
    if (kith_is_layer(first)) return 0;
    int rc = kith_open_policy(w);
    if (rc == 0) f->state = PLAIN;
    return rc;
}

/* 0 or negative; label done when state is no longer LABEL. */
static int label_step(struct kith_inflow *f, struct kith_work *w)
{
    int size = kith_label_size(f->buf.data, f->buf.len);
    if (size == -KITH_EAGAIN) {
        f->need = f->buf.len < 2 ? 2 : 2u + f->buf.data[1];
        return 0;
    }
    struct kith_bytes label =
        size > 0 ? kith_bytes_of(f->buf.data + 2, (size_t)size - 2) : (struct kith_bytes){0};
    w->why = KITH_REFUSED_LABEL;
    int rc = size < 0 ? -KITH_EMALFORMED : kith_label_check(f->p, label, &w->why);
    kith_trace_label(f->p, label, f->buf.len, rc);
    if (rc < 0) return rc;
    f->state = LAYERS;
    f->need = 1;
    f->skipped += (size_t)size;
    kith_buf_pull(
        &f->buf, (size_t)size); /* either the label alone was collected, or one byte that is none */
    f->buf.data = f->buf.len ? memmove(f->buf.base, f->buf.data, f->buf.len) : f->buf.base;
    return 0;
}

int kith_inflow_feed(struct kith_inflow *f, const uint8_t *data, size_t len,
                     void (*plain)(void *arg, const uint8_t *data, size_t len), void *arg,
                     enum kith_refusal *why, char *text)
{
    struct kith_work w;
    int rc = 0;
    if (text) *text = 0;
    while (f->state != FAILED) {
        init_work(f, &w);
        if (f->state == PLAIN) {
            if (!len) return 0;
            if ((rc = kith_open_policy(&w)) < 0)
                return fail(f, &w, rc, why, text); /* required only meanwhile */
            plain(arg, data, len);
            return 0;
        }
        if (f->buf.len < f->need) {
            if (!len) return 0;
            if (f->state == LAYERS && !f->buf.len) {
                if ((rc = begin_message(f, &w, data[0])) < 0) return fail(f, &w, rc, why, text);
                if (f->state == PLAIN) continue;
            }
            int64_t n = collect(f, &w, data, len);
            if (n < 0) return fail(f, &w, (int)n, why, text);
            data += n;
            len -= (size_t)n;
            if (f->buf.len < f->need) return 0;
        }
        if (f->state == LABEL) {
            rc = label_step(f, &w);
            if (rc == 0 && f->state == LAYERS &&
                f->buf.len) { /* the byte that was no label begins a message */
                rc = begin_message(f, &w, f->buf.data[0]);
                if (rc == 0 && f->state == PLAIN) {
                    plain(arg, f->buf.data, f->buf.len);
                    drop(f, &f->buf);
                }
            }
        } else {
            rc = measure(f, &w);
            if (rc == 1) rc = open_message(f, &w, plain, arg);
        }
        if (rc < 0) return fail(f, &w, rc, why, text);
    }
    return f->failure;
}

int kith_inflow_end(struct kith_inflow *f)
{
    if (f->state == FAILED) return f->failure;
    return f->buf.len ? kith_refuse(f->p, -KITH_EMALFORMED, KITH_REFUSED_MALFORMED, NULL) : 0;
}
