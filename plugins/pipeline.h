/*
 * pipeline.h - the chain of codecs that every message goes through, both ways. Packets are sealed
 * and opened whole; what comes in on streams is opened piece by piece (inflow.h). Knows nothing of
 * what messages mean, nor of sockets.
 */
#ifndef KITH_PIPELINE_H
#define KITH_PIPELINE_H

#include "instance.h"

/* Why messages were refused; each is a counter. */
enum kith_refusal {
    KITH_REFUSED_EMPTY,
    KITH_REFUSED_LABEL,
    KITH_REFUSED_DOUBLE_LABEL,
    KITH_REFUSED_POLICY,
    KITH_REFUSED_AUTH,
    KITH_REFUSED_CHECKSUM,
    KITH_REFUSED_MALFORMED,
    KITH_REFUSED_TOO_BIG,
    KITH_REFUSED_LAYERS,
    KITH_REFUSED_MEMORY,
    KITH_REFUSED_BREACH, /* one of our own codecs broke its contract */
    KITH_REFUSED_COUNT
};
const char *kith_refusal_name(enum kith_refusal);
const char *kith_refusal_text(enum kith_refusal); /* behind "refused: " */

/* A layer as it was put on or peeled: for dissect, monitor --wire and tests. */
struct kith_layer {
    const char *name;        /* "label", the codec entry's, or "layer": no codec is here for it */
    uint8_t first;           /* its first byte; of one that is opened only */
    struct kith_bytes label; /* "label" only */
    size_t in, out;          /* bytes before and after */
    uint32_t key, version;   /* UINT32_MAX: says nothing */
    int status;              /* 0, KITH_PASS, or the code it failed with: last layer then */
    bool sealing;            /* put on */
    size_t offset;           /* where in the bytes given the layer began, for outer ones; else 0 */
};

struct kith_codec_stats {
    const char *name;
    uint64_t sealed, opened, passed;               /* messages */
    uint64_t seal_in, seal_out, open_in, open_out; /* bytes */
    uint64_t failed_auth, failed_checksum, failed_malformed, failed_size;
    /* Time is taken of the first 64 messages, then of one in 64, which counts 64 times. `timed`
     * says how many messages the time stands for, those that passed included. */
    uint64_t seal_ns, open_ns;
    uint64_t seal_timed, open_timed;
};

struct kith_pipeline;

/* Make a pipeline of a chain, which is not needed afterwards. old: NULL, or the pipeline that this
 * one replaces. Codecs whose entry did not change are shared with it, with their counters; changed
 * ones are made and started anew, and adopt nothing, because the old pipeline may still serve
 * streams. */
int kith_pipeline_new(struct kith_pipeline **, const struct kith_chain *,
                      const struct kith_host_maker *, struct kith_keyring *,
                      struct kith_pipeline *old, struct kith_error *);
struct kith_pipeline *kith_pipeline_ref(struct kith_pipeline *);
void kith_pipeline_unref(struct kith_pipeline *);
/* A reload left codecs alone (they are shared with a pipeline from before, which is still there):
 * they are to read again what `what` says (enum kith_refresh). */
void kith_pipeline_refresh(struct kith_pipeline *, uint32_t what, const struct kith_failures *);
/* What sealing adds to a packet at most, label included: the core packs that much less. */
struct kith_room kith_pipeline_room(const struct kith_pipeline *);

/* What `require` asks of others and this node does not give to all that it sends, over a transport
 * that gives `provides` (enum kith_provides). */
uint32_t kith_pipeline_unmet(const struct kith_pipeline *, uint32_t provides);

/* The other end is told to codecs (frame->peer), and what its transport did for a message counts
 * towards `require`. NULL: not known. Lent for the call. */

/* Seal in place or into scratch: *buf then points there, valid until a packet is sealed or opened
 * by this or another pipeline of the world. */
int kith_pipeline_seal_packet(struct kith_pipeline *, struct kith_buf *buf,
                              const struct kith_peer *to);
/* Peel all layers and check the policy. 0, or a negative code; *why (may be NULL) tells the counter
 * that went up. *buf then points into its own storage or into scratch, likewise. */
int kith_pipeline_open_packet(struct kith_pipeline *, struct kith_buf *buf,
                              const struct kith_peer *from, enum kith_refusal *why);
/* A whole message for a stream, sealed into out (malloc'd storage that grows; start with zeroes,
 * free base). initiator: the label goes first. What it takes is counted in the account of streams
 * while it lasts, and not afterwards: -KITH_ENOMEM when there is no room. */
int kith_pipeline_seal_stream(struct kith_pipeline *, struct kith_bytes msg, bool initiator,
                              const struct kith_peer *to, struct kith_buf *out);

/* Be told each layer of each message sealed or opened; NULL: no more. */
void kith_pipeline_trace(struct kith_pipeline *,
                         void (*layer)(void *arg, const struct kith_layer *), void *arg);
/* The codec of an entry of that name that runs; the first, when there are several. NULL: none. */
struct kith_instance *kith_pipeline_find(const struct kith_pipeline *, const char *name);
/* What codec i did. How many codecs there are. */
size_t kith_pipeline_stats(const struct kith_pipeline *, size_t i, struct kith_codec_stats *out);
/* How many messages were refused for this reason; counted on over reloads. */
uint64_t kith_pipeline_refused(const struct kith_pipeline *, enum kith_refusal);

#endif
