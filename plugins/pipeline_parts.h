/*
 * pipeline_parts.h - what the files of the pipeline share: the codec slots, the chain, and the work
 * on one message. Private to pipeline*.c and inflow.c.
 */
#ifndef KITH_PIPELINE_PARTS_H
#define KITH_PIPELINE_PARTS_H

#include "plugins.h"

#define KITH_LAYERS_MAX  8     /* on one message */
#define KITH_PACKET_MAX  65536 /* a packet, sealed or opened */
#define KITH_LABEL_BYTE  0xF4
#define KITH_LABEL_MAX   255
#define KITH_STREAM_HEAD 5                   /* layer byte and length of a FRAMED layer */
#define KITH_RATIO_MAX   1024                /* a stream layer may inflate that many times... */
#define KITH_RATIO_FREE  ((uint64_t)1 << 20) /* ...and always to this */

/* A codec entry in use. Pipelines share the slots of entries that a reload left as they were. */
struct kith_slot {
    unsigned refs;
    struct kith_instance *instance;
    const struct kith_codec_ops *ops;
    struct kith_keyring *ring;               /* that it listens to, or NULL */
    struct kith_form forms[KITH_STREAM + 1]; /* by plane, layer bytes decided */
    struct kith_room room;                   /* what the codec adds, without what the host writes */
    struct kith_codec_stats stats;
    unsigned seal_turn, open_turn; /* for sampling */
    uint64_t *breaches;            /* counter, NULL before the first */
};

/* What lives on over reloads. */
struct kith_shared {
    unsigned refs;
    uint64_t refused[KITH_REFUSED_COUNT];
    uint64_t stream_memory; /* bytes that all inflows hold */
    void (*trace)(void *arg, const struct kith_layer *);
    void *trace_arg;
};

struct kith_pipeline {
    unsigned refs;
    struct kith_shared *shared;
    struct kith_slot **slots;
    size_t count;
    struct kith_slot *send[KITH_LAYERS_MAX];
    size_t sends;
    struct kith_slot *opens[KITH_STREAM + 1][256]; /* by plane and first byte */
    uint32_t require;
    uint8_t protocol;
    bool skip_label, any_label;
    uint64_t max_stream_size, max_stream_memory;
    struct kith_room room[KITH_STREAM + 1]; /* of all layers, label included */
    uint8_t ad[KITH_STREAM_HEAD +
               KITH_LABEL_MAX]; /* room for a layer's byte and length, then the label */
    size_t label_len;
    struct kith_buf fixed[2]; /* scratch for packets */
};

/* One message on its way through the chain. On packets scratch is one of the pipeline's fixed
 * buffers and never grows; on streams it is malloc'd, changes owner with each swap, and grows under
 * `memory`. */
struct kith_work {
    struct kith_frame frame; /* first: reserve() finds the rest by it */
    struct kith_pipeline *p;
    enum kith_plane plane;
    struct kith_buf scratch, given; /* given: scratch as it was before the codec had it */
    size_t head, tail;              /* to leave around what codecs write to scratch */
    uint64_t most;                  /* that may be reserved */
    uint64_t *memory, max_memory;   /* NULL: not counted */
    uint32_t require, have;
    unsigned layers;
    const struct kith_slot *failed; /* whose layer it was */
    enum kith_refusal why;
    const uint8_t *base, *origin; /* the bytes as they came, for offsets... */
    uint64_t skipped;             /* ...and how many came before them */
};

/* For how many messages does the time of this one stand? 0: it is not taken. */
static inline unsigned kith_sample(unsigned turn)
{
    return turn < 64 ? 1 : turn % 64 == 0 ? 64 : 0;
}

/* What authenticates also notices accidents. */
static inline uint32_t kith_slot_provides(const struct kith_slot *s)
{
    return s->ops->provides | (s->ops->provides & KITH_AUTHENTICATES ? KITH_CHECKS : 0);
}

static inline uint8_t *kith_pipeline_label(struct kith_pipeline *p)
{
    return p->ad + KITH_STREAM_HEAD;
}

void kith_work_init(struct kith_work *, struct kith_pipeline *, enum kith_plane, uint8_t peer_pmax);
/* Set scratch for the next layer around cur. */
void kith_work_scratch(struct kith_work *, const struct kith_buf *cur);
/* Make buf's storage at least cap long, with or without what is in it; under the work's memory
 * limit. */
int kith_work_grow(struct kith_work *, struct kith_buf *buf, size_t cap, bool keep);
/* Is cur still one of the two storages that the codec had, within its bounds? If not: restore both,
 * blame the codec. */
bool kith_work_sane(struct kith_work *, struct kith_slot *, struct kith_buf *cur,
                    const struct kith_buf *before);
/* A codec broke its contract: log, count. Always -KITH_EIO. */
int kith_slot_breach(struct kith_slot *, const char *what);
/* Associated data of a layer: framing bytes (which the caller fills) and label. */
struct kith_bytes kith_pipeline_ad(struct kith_pipeline *, size_t framing);
uint64_t kith_clock(void);

/* Peel all layers, under the limits and the policy of decompressors. cur: a whole message. 0, or a
 * negative code and w->why. Does not check w->require at the end: kith_open_policy does. */
int kith_open_layers(struct kith_work *, struct kith_buf *cur);
int kith_open_policy(struct kith_work *);
/* How long may a layer of `in` bytes become when it is taken off? */
uint64_t kith_open_limit(const struct kith_pipeline *, const struct kith_slot *, enum kith_plane,
                         size_t in);
/* First bytes that are layers, also when nobody here opens them; never messages. */
bool kith_is_layer(uint8_t first);
/* The label at the front: 0 none, else its whole size (with byte and length); -KITH_EAGAIN when
 * more bytes are needed to know, -KITH_EMALFORMED. */
int kith_label_size(const uint8_t *data, size_t len);
/* Is this label right (len 0: none was there)? 0 or a negative code and *why. */
int kith_label_check(struct kith_pipeline *, struct kith_bytes label, enum kith_refusal *why);
void kith_trace_label(struct kith_pipeline *, struct kith_bytes label, size_t in, int status);
int kith_refuse(struct kith_pipeline *, int rc, enum kith_refusal why, enum kith_refusal *out);

#endif
