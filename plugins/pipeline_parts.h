/*
 * pipeline_parts.h - what the files of the pipeline share: the chain, and the work on one message.
 * Private to pipeline*.c and inflow.c.
 */
#ifndef KITH_PIPELINE_PARTS_H
#define KITH_PIPELINE_PARTS_H

#include "codec.h"

#define KITH_LAYERS_MAX 8     /* on one message */
#define KITH_PACKET_MAX 65536 /* a packet, sealed or opened */
#define KITH_LABEL_BYTE 0xF4
#define KITH_LABEL_MAX  255
#define KITH_RATIO_MAX  1024                /* a stream layer may inflate that many times... */
#define KITH_RATIO_FREE ((uint64_t)1 << 20) /* ...and always to this */

/* What lives on over reloads. */
struct kith_pipeline_shared {
    unsigned refs;
    uint64_t refused[KITH_REFUSED_COUNT];
    struct kith_account *memory, own_memory; /* of streams: the one in use, and ours if it is */
    void (*trace)(void *arg, const struct kith_layer *);
    void *trace_arg;
};

struct kith_pipeline {
    unsigned refs;
    struct kith_pipeline_shared *shared;
    struct kith_codec **codecs;
    size_t count;
    struct kith_codec *send[KITH_LAYERS_MAX];
    size_t sends;
    uint8_t opens[KITH_STREAM + 1][256]; /* by plane and first byte: the codec's index + 1; 0 */
    uint32_t require;
    uint8_t protocol;
    bool skip_label;
    uint64_t max_stream_size;
    struct kith_room room[KITH_STREAM + 1];        /* of all layers, label included */
    uint8_t ad[KITH_STREAM_HEAD + KITH_LABEL_MAX]; /* a layer's byte and length, then the label */
    size_t label_len;
    struct kith_buf fixed[2]; /* scratch for packets; shared with other pipelines of the world... */
    bool fixed_own;           /* ...or not */
};

/* Whose layers begin with this byte? NULL: nobody's. */
static inline struct kith_codec *kith_pipeline_opener(const struct kith_pipeline *p,
                                                      enum kith_plane plane, uint8_t first)
{
    uint8_t i = p->opens[plane][first];
    return i ? p->codecs[i - 1] : NULL;
}

/* One message on its way through the chain, and one codec after the other at work on it:
 *
 *   ready ──scratch, ad set──▶ lent to a codec ──▶ returned ──sane──▶ ready, one layer more or less
 *                                                      └─ failed (why) or breached: dropped
 *
 * The message is in a kith_buf of the caller's, `cur`. A codec changes it in place, or writes to
 * scratch and swaps the two. On packets scratch is one of two fixed buffers and never
 * grows. On streams it is malloc'd, changes owner with each swap, and is counted in `memory`. */
struct kith_work {
    struct kith_frame frame; /* first: reserve() finds the rest by it */
    struct kith_pipeline *p;
    enum kith_plane plane;
    struct kith_buf scratch, given; /* given: scratch as it was before the codec had it */
    size_t head, tail;              /* to leave around what codecs write to scratch */
    uint64_t most;                  /* that may be reserved */
    struct kith_account *memory;    /* of streams */
    bool stranger;                  /* whose share of it */
    uint32_t require, have;
    unsigned layers;
    const struct kith_codec *failed; /* whose layer it was */
    enum kith_refusal why;
    bool breached; /* by that codec: the message is dropped, whatever else would be done with it */
    const uint8_t *base, *origin; /* the bytes as they came, for offsets... */
    uint64_t skipped;             /* ...and how many came before them */
};

static inline uint8_t *kith_pipeline_label(struct kith_pipeline *p)
{
    return p->ad + KITH_STREAM_HEAD;
}

void kith_work_init(struct kith_work *, struct kith_pipeline *, enum kith_plane,
                    const struct kith_peer *);
/* What a message has from its transport; who authenticates also notices accidents. */
static inline uint32_t kith_peer_provides(const struct kith_peer *peer)
{
    uint32_t has = peer ? peer->provides : 0;
    return has & KITH_AUTHENTICATES ? has | KITH_CHECKS : has;
}
/* Set scratch for the next layer around cur. */
void kith_work_scratch(struct kith_work *, const struct kith_buf *cur);
/* Make buf's storage at least cap long, with or without what is in it; under the work's memory
 * limit. */
int kith_work_grow(struct kith_work *, struct kith_buf *buf, size_t cap, bool keep);
/* Is cur still one of the two storages that the codec had, within its bounds? If not: restore both,
 * blame the codec. */
bool kith_work_sane(struct kith_work *, struct kith_codec *, struct kith_buf *cur,
                    const struct kith_buf *before);
/* Give the message up: this codec broke its contract. Always -KITH_EIO. */
int kith_work_breach(struct kith_work *, struct kith_codec *, const char *what);
/* Back to the message as it was before the codec had it, which it did not change. */
void kith_work_undo(struct kith_work *, struct kith_buf *cur, const struct kith_buf *before);
/* Associated data of a layer: framing bytes (which the caller fills) and label. */
struct kith_bytes kith_pipeline_ad(struct kith_pipeline *, size_t framing);
uint64_t kith_clock(void);

/* Peel all layers, under the limits and the policy of decompressors. cur: a whole message. 0, or a
 * negative code and w->why. Does not check w->require at the end: kith_open_policy does. */
int kith_open_layers(struct kith_work *, struct kith_buf *cur);
int kith_open_policy(struct kith_work *);
/* How long may a layer of `in` bytes become when it is taken off? */
uint64_t kith_open_limit(const struct kith_pipeline *, const struct kith_codec *, enum kith_plane,
                         size_t in);
/* The label at the front: 0 none, else its whole size (with byte and length); -KITH_EAGAIN when
 * more bytes are needed to know, -KITH_EMALFORMED. */
int kith_label_size(const uint8_t *data, size_t len);
/* Is this label right (len 0: none was there)? 0 or a negative code and *why. */
int kith_label_check(struct kith_pipeline *, struct kith_bytes label, enum kith_refusal *why);
void kith_trace_label(struct kith_pipeline *, struct kith_bytes label, size_t in, int status);
int kith_refuse(struct kith_pipeline *, int rc, enum kith_refusal why, enum kith_refusal *out);

#endif
