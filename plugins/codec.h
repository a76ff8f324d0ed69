/*
 * codec.h - private to plugins/: a codec entry in use, and calls into it. Knows nothing of chains.
 *
 * What a codec returns is not trusted: 0 is success, a negative code a failure, KITH_PASS (on
 * sealing, from one that may pass) "left as it was"; anything else breaks the contract.
 */
#ifndef KITH_CODEC_IN_USE_H
#define KITH_CODEC_IN_USE_H

#include "pipeline.h"

/* Pipelines share the codecs of entries that a reload left as they were. */
struct kith_codec {
    unsigned refs;
    struct kith_instance *instance;
    const struct kith_codec_ops *ops;
    struct kith_form forms[KITH_STREAM + 1]; /* by plane, layer bytes decided */
    struct kith_room room;                   /* what it adds, without what the host writes */
    uint32_t provides; /* as the plugin says; who authenticates also notices accidents */
    bool may_pass;     /* a message may go out without this layer: it guards nothing */
    struct kith_codec_stats stats;
    unsigned seal_turn, open_turn; /* for sampling */
};

int kith_codec_new(struct kith_codec **, const struct kith_entry *, const struct kith_host_maker *,
                   struct kith_keyring *ring, uint8_t protocol, struct kith_error *);
void kith_codec_unref(struct kith_codec *);
/* Would this one have been made from that entry? */
bool kith_codec_fits(const struct kith_codec *, const struct kith_entry *,
                     struct kith_keyring *ring, uint8_t protocol);
/* A call took ns for a message of len bytes: who holds up the node is blamed. */
void kith_codec_timed(struct kith_codec *, const char *call, uint64_t ns, size_t len);

/* First bytes that are layers, also when nobody here opens them; never messages. */
static inline bool kith_is_layer(uint8_t first)
{
    return first == 9 || first == 10 || first == 12 || (first >= 0x80 && first <= 0xEF);
}

#define KITH_STREAM_HEAD 5 /* layer byte and length of a FRAMED layer */

/* A length from the wire: as wide as sums of it need, also where size_t has 32 bits. */
static inline uint64_t kith_be32(const uint8_t *in)
{
    return (uint64_t)in[0] << 24 | (uint64_t)in[1] << 16 | (uint64_t)in[2] << 8 | in[3];
}

/* Bytes that the host itself writes in front of a layer. */
static inline size_t kith_framing_bytes(const struct kith_form *form, enum kith_plane plane)
{
    if (form->framing == KITH_OWN) return 0;
    return plane == KITH_PACKET ? 1 : KITH_STREAM_HEAD;
}

/* Weight of this timing sample; 0: don't time this message. */
static inline unsigned kith_sample(unsigned turn)
{
    return turn < 64 ? 1 : turn % 64 == 0 ? 64 : 0;
}

/* ------------------------------------------------------------------------------------- calls */

static inline int kith_codec_seal(struct kith_codec *c, struct kith_buf *buf, struct kith_frame *f)
{
    struct kith_instance *in = c->instance;
    kith_instance_enter(in);
    int rc = c->ops->seal(in->self, buf, f);
    kith_instance_leave(in);
    return rc < 0 ? kith_code_of(rc) : rc;
}

static inline int kith_codec_open(struct kith_codec *c, struct kith_buf *buf, struct kith_frame *f)
{
    struct kith_instance *in = c->instance;
    kith_instance_enter(in);
    int rc = c->ops->open(in->self, buf, f);
    kith_instance_leave(in);
    return rc < 0 ? kith_code_of(rc) : rc;
}

static inline size_t kith_codec_sealed_size(struct kith_codec *c, size_t len,
                                            const struct kith_frame *f)
{
    if (!c->ops->sealed_size) return len + c->room.head + c->room.tail;
    struct kith_instance *in = c->instance;
    kith_instance_enter(in);
    size_t n = c->ops->sealed_size(in->self, len, f);
    kith_instance_leave(in);
    return n;
}

static inline int kith_codec_extent(struct kith_codec *c, const uint8_t *data, size_t len,
                                    size_t *need)
{
    struct kith_instance *in = c->instance;
    kith_instance_enter(in);
    int rc = c->ops->extent(in->self, data, len, need);
    kith_instance_leave(in);
    return rc;
}

#endif
