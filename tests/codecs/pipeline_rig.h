/*
 * pipeline_rig.h - a pipeline for tests and benchmarks: a host with seeded randomness and counters,
 * plugins from the registry, a config made by hand.
 */
#ifndef KITH_TESTS_PIPELINE_RIG_H
#define KITH_TESTS_PIPELINE_RIG_H

#include "inflow.h"
#include "registry.h"

/* Under AddressSanitizer memory is not ours to count. */
#if defined(__SANITIZE_ADDRESS__)
#define RIG_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RIG_SANITIZED 1
#endif
#endif

/* Reset by rig_init. */
struct fake_host {
    uint64_t seed;     /* randomness: a sequence of its own... */
    bool vector_nonce; /* ...or A0, A1, ... AB over and over: the nonce of vectors.json */
    uint64_t now;      /* a second later whenever it is asked: no line is left out for its rate */
    unsigned logs;
    size_t drawn;       /* random bytes */
    char log[256];      /* the last line */
    bool scratch_lasts; /* benchmarks: between calls nobody else has used it */
};
extern struct fake_host fake;
extern const struct kith_host_maker fake_maker;

struct rig {
    struct kith_config config; /* set what you like before rig_build */
    struct kith_entry send[16], accept[16];
    struct kith_secret keys[8];
    struct kith_keyring *ring;
    struct kith_pipeline *p;
    struct kith_error err;
};

/* memberlist's defaults, no codecs, no key. */
void rig_init(struct rig *);
void rig_fini(struct rig *);
/* Names separated by blanks, each `name` or `name:param=value,param=value` (and layer_byte=0xC0);
 * NULL: as before. accept NULL at first: as send. */
void rig_chain(struct rig *, const char *send, const char *accept);
/* Append a key of the node's ring: the bytes first, first + 1, ... as in vectors.json for first 0.
 */
void rig_key(struct rig *, uint8_t first, size_t len);
/* Make the ring and the pipeline; the former pipeline is the old one of a reload. */
int rig_build(struct rig *);
/* The same; prints and exits when it fails. */
void rig_must(struct rig *, const char *send, const char *accept, uint32_t require);

/* Somebody of whom no more is known than the highest protocol version: a checksum of memberlist's
 * is only for those with 5. Stays as it is until the next call. */
const struct kith_peer *rig_peer(uint32_t protocol_max);

/* A message in a buffer with room for the chain; free with rig_buf_free (buf->base may be the
 * pipeline's scratch). */
struct rig_buf {
    struct kith_buf buf;
    uint8_t *storage;
};
struct rig_buf rig_buf(const struct rig *, const void *data, size_t len);
void rig_buf_free(struct rig_buf *);

/* A stream's bytes through an inflow in pieces of at most `chop` (0: random sizes). The opened
 * bytes are in out. */
struct rig_plain {
    uint8_t *data;
    size_t len, cap;
    enum kith_refusal why;
    char text[KITH_INFLOW_TEXT];
};
int rig_feed(struct kith_pipeline *, bool acceptor, struct kith_bytes, size_t chop,
             struct rig_plain *out);
void rig_plain_free(struct rig_plain *);

/* Random bytes of the tests' own sequence. */
uint64_t rig_random(void);
void rig_fill(uint8_t *, size_t);       /* incompressible */
void rig_fill_state(uint8_t *, size_t); /* like members' states: compressible */

#endif
