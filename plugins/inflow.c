/*
 * inflow.c - opening one direction of one stream, piece by piece.
 *
 *   LABEL ──its end, or no label──▶ MESSAGE ──first byte of a layer──▶ LAYER
 *   (what an initiator sends)         │ ▲                                │
 *                                     │ └────────all of it opened────────┘
 *                                     └──any other first byte──▶ PLAIN
 *
 *   LABEL    the label is collected
 *   MESSAGE  between messages
 *   LAYER    a message in layers is collected whole, then opened
 *   PLAIN    the rest of the stream is one or more messages without layers, passed on as it comes:
 *            only the core knows where a message ends
 *   FAILED   after any error, from all states; nothing is stored any more
 *
 * A stranger is at the other end: lengths are checked before anything is stored, storage grows with
 * what really came, and is counted in the node's account. Knows nothing of messages.
 */
#include "inflow.h"
#include "pipeline_parts.h"

#include <stdlib.h>

enum state { LABEL, MESSAGE, LAYER, PLAIN, FAILED };

struct kith_inflow {
    struct kith_pipeline *p;
    uint32_t require;
    enum state state;
    bool stranger;
    struct kith_buf buf; /* what was collected; counted in the account */
    uint64_t need;       /* bytes that must be in buf before the next look at it */
    uint64_t skipped;    /* bytes of the stream before those in buf */
    int failure;
};

/* What one call of kith_inflow_feed() brought: bytes not yet used, and where opened ones go. */
struct input {
    const uint8_t *data;
    size_t len;
    void (*plain)(void *arg, const uint8_t *data, size_t len);
    void *arg;
};

struct kith_inflow *kith_inflow_new(struct kith_pipeline *p, bool acceptor)
{
    struct kith_inflow *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->p = kith_pipeline_ref(p);
    f->require = p->require;
    f->state = acceptor ? LABEL : MESSAGE;
    f->need = 1;
    return f;
}

static void drop(struct kith_inflow *f, struct kith_buf *b)
{
    kith_account_give(f->p->shared->memory, f->stranger, b->cap);
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

void kith_inflow_stranger(struct kith_inflow *f) { f->stranger = true; }

void kith_inflow_require(struct kith_inflow *f, uint32_t require) { f->require |= require; }

static void init_work(struct kith_inflow *f, struct kith_work *w, const struct kith_peer *from)
{
    kith_work_init(w, f->p, KITH_STREAM, from);
    w->have = kith_peer_provides(from);
    w->stranger = f->stranger;
    w->require = f->require;
}

/* --------------------------------------------------------------------- what to tell the peer */

static const char *lacks(const struct kith_inflow *f, const struct kith_work *w)
{
    bool unopened = w->layers == 0 && !w->failed && f->buf.len && f->buf.data[0] == 10;
    if (unopened) return "Remote state is encrypted and encryption is not configured";
    if (f->require & KITH_ENCRYPTS & ~w->have)
        return "Encryption is configured but remote state is not encrypted";
    if (f->require & KITH_AUTHENTICATES & ~w->have)
        return "Authentication is configured but remote state is not authenticated";
    if (f->require & KITH_COMPRESSES & ~w->have)
        return "Compression is required but remote state is not compressed";
    if (f->require & ~w->have) return "A checksum is required but remote state has none";
    return "Remote state has a layer that is not configured";
}

/* memberlist's words where it has them: operators know them, and search their logs for them. */
static const char *words_for(const struct kith_inflow *f, const struct kith_work *w)
{
    bool cipher = w->failed && w->failed->provides & KITH_ENCRYPTS;
    const char *undecrypted = "No installed keys could decrypt the message";
    switch (w->why) {
    case KITH_REFUSED_AUTH:
        return cipher ? undecrypted : "No installed keys could authenticate the message";
    case KITH_REFUSED_POLICY: return lacks(f, w);
    case KITH_REFUSED_CHECKSUM: return "Got invalid checksum";
    case KITH_REFUSED_EMPTY: return "missing message type byte";
    case KITH_REFUSED_MALFORMED:
    case KITH_REFUSED_LAYERS: return cipher ? undecrypted : "Failed to decompress payload";
    default: return ""; /* label, memory, a breach of ours: closed without a word */
    }
}

static void explain(const struct kith_inflow *f, const struct kith_work *w, char *text)
{
    if (w->why == KITH_REFUSED_TOO_BIG)
        snprintf(text, KITH_INFLOW_TEXT, "Remote node state is larger than limit (%llu)",
                 (unsigned long long)f->p->max_stream_size);
    else
        snprintf(text, KITH_INFLOW_TEXT, "%s", words_for(f, w));
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

/* Store bytes until `need` are there. 1: they are; 0: that was all the input; or negative. */
static int collect(struct kith_inflow *f, struct kith_work *w, struct input *in)
{
    if (f->buf.len >= f->need) return 1;
    size_t n = f->need - f->buf.len < in->len ? (size_t)(f->need - f->buf.len) : in->len;
    size_t cap = f->buf.cap, want = f->buf.len + n;
    if (!n) return 0;
    if (want > cap) { /* doubled, but never beyond what is needed: a length alone takes no memory */
        cap = cap * 2 > want ? cap * 2 : want < 512 ? 512 : want;
        if (cap > f->need && f->need > 512) cap = (size_t)f->need;
        if (kith_work_grow(w, &f->buf, cap, true) < 0)
            return fail_as(w, -KITH_ENOMEM, KITH_REFUSED_MEMORY);
        f->buf.data = f->buf.base;
    }
    memcpy(f->buf.data + f->buf.len, in->data, n);
    f->buf.len += n;
    in->data += n;
    in->len -= n;
    return f->buf.len >= f->need;
}

/* Ask the codec where the layer in buf ends, as extent() does. */
static int ask_extent(struct kith_inflow *f, struct kith_work *w, struct kith_codec *c,
                      uint64_t *out)
{
    const size_t len = f->buf.len;
    size_t need = 0;
    int rc = kith_codec_extent(c, f->buf.data, len, &need);
    *out = need;
    if (rc < 0) return fail_as(w, -KITH_EMALFORMED, KITH_REFUSED_MALFORMED);
    if (rc > 1) return kith_work_breach(w, c, "extent() returned a positive number that is not 1");
    if (rc == 1 ? need > len : need <= len)
        return kith_work_breach(w, c, "extent() contradicts itself about where the layer ends");
    return rc;
}

/* Where does the layer that begins in buf end? Sets need; 1 when it is all there. */
static int measure(struct kith_inflow *f, struct kith_work *w)
{
    struct kith_codec *c = kith_pipeline_opener(f->p, KITH_STREAM, f->buf.data[0]);
    const uint8_t *d = f->buf.data;
    uint64_t need = KITH_STREAM_HEAD; /* wider than size_t: no length may wrap here */
    uint64_t most = f->p->max_stream_size + KITH_STREAM_HEAD;
    int rc = 0;
    if (!c) return 1; /* opening says why not */
    w->failed = c;
    if (c->forms[KITH_STREAM].framing == KITH_OWN) {
        most += f->p->max_stream_size; /* memberlist's compression may make a message longer */
        if ((rc = ask_extent(f, w, c, &need)) < 0) return rc;
    } else if (f->buf.len >= KITH_STREAM_HEAD) {
        need += kith_be32(d + 1);
        rc = f->buf.len == need;
    }
    if (need > most) return fail_as(w, -KITH_ETOOBIG, KITH_REFUSED_TOO_BIG);
    f->need = need;
    return rc;
}

/* ------------------------------------------------------------------------------------- steps */

/* Each step returns 1: go on in the state that it set; 0: it has used all the input; or negative,
 * with w->why. */

static int label_step(struct kith_inflow *f, struct kith_work *w, struct input *in)
{
    int rc = collect(f, w, in);
    if (rc <= 0) return rc;
    int size = kith_label_size(f->buf.data, f->buf.len);
    if (size == -KITH_EAGAIN) {
        f->need = f->buf.len < 2 ? 2 : 2u + f->buf.data[1];
        return 1;
    }
    struct kith_bytes label =
        size > 0 ? kith_bytes_of(f->buf.data + 2, (size_t)size - 2) : (struct kith_bytes){0};
    w->why = KITH_REFUSED_LABEL;
    rc = size < 0 ? -KITH_EMALFORMED : kith_label_check(f->p, label, &w->why);
    kith_trace_label(f->p, label, f->buf.len, rc);
    if (rc < 0) return rc;
    f->state = MESSAGE;
    f->need = 1;
    f->skipped += (size_t)size;
    /* Either the label alone was collected, or one byte that begins a message already. */
    kith_buf_pull(&f->buf, (size_t)size);
    f->buf.data = f->buf.len ? memmove(f->buf.base, f->buf.data, f->buf.len) : f->buf.base;
    return 1;
}

static int message_step(struct kith_inflow *f, struct kith_work *w, struct input *in)
{
    if (!f->buf.len && !in->len) return 0;
    uint8_t first = f->buf.len ? f->buf.data[0] : in->data[0];
    if (kith_is_layer(first)) {
        f->state = LAYER;
        return 1;
    }
    int rc = kith_open_policy(w);
    if (rc < 0) return rc;
    f->state = PLAIN;
    if (f->buf.len) in->plain(in->arg, f->buf.data, f->buf.len);
    drop(f, &f->buf);
    return 1;
}

/* All of a message in layers is in buf: open it and pass it on. */
static int open_message(struct kith_inflow *f, struct kith_work *w, const struct input *in)
{
    struct kith_buf cur = f->buf;
    const size_t whole = cur.len;
    w->base = cur.base;
    w->origin = cur.data;
    w->skipped = f->skipped;
    w->failed = NULL;
    int rc = kith_open_layers(w, &cur);
    if (rc == 0) rc = kith_open_policy(w);
    if (rc == 0 && !cur.len) rc = fail_as(w, -KITH_EMALFORMED, KITH_REFUSED_EMPTY);
    f->buf = cur; /* codecs may have swapped it with scratch: the other one goes */
    if (w->scratch.base) drop(f, &w->scratch);
    if (rc < 0) return rc;
    in->plain(in->arg, f->buf.data, f->buf.len);
    drop(f, &f->buf);
    f->state = MESSAGE;
    f->need = 1;
    f->skipped += whole;
    return 1;
}

static int layer_step(struct kith_inflow *f, struct kith_work *w, struct input *in)
{
    int rc = collect(f, w, in);
    if (rc <= 0) return rc;
    rc = measure(f, w);
    if (rc < 0) return rc;
    return rc ? open_message(f, w, in) : 1;
}

/* The policy is asked each time: a reload may require more than when the stream began. */
static int plain_step(struct kith_work *w, struct input *in)
{
    if (!in->len) return 0;
    int rc = kith_open_policy(w);
    if (rc == 0) in->plain(in->arg, in->data, in->len);
    return rc;
}

int kith_inflow_feed(struct kith_inflow *f, const struct kith_peer *from, const uint8_t *data,
                     size_t len, void (*plain)(void *arg, const uint8_t *data, size_t len),
                     void *arg, enum kith_refusal *why, char *text)
{
    struct input in = {data, len, plain, arg};
    struct kith_work w;
    int rc = 1;
    if (text) *text = 0;
    if (f->state == FAILED) return f->failure;
    while (rc > 0) {
        init_work(f, &w, from);
        switch (f->state) {
        case LABEL: rc = label_step(f, &w, &in); break;
        case MESSAGE: rc = message_step(f, &w, &in); break;
        case LAYER: rc = layer_step(f, &w, &in); break;
        default: rc = plain_step(&w, &in); break;
        }
    }
    return rc < 0 ? fail(f, &w, rc, why, text) : 0;
}

int kith_inflow_end(struct kith_inflow *f)
{
    if (f->state == FAILED) return f->failure;
    return f->buf.len ? kith_refuse(f->p, -KITH_EMALFORMED, KITH_REFUSED_MALFORMED, NULL) : 0;
}
