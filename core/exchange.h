/*
 * exchange.h - exchanges of messages, one on each byte stream (PROTOCOL.md 1.12): their slots,
 * deadlines, buffers and ends. Does not know what the messages say: stream.c reads them, sync.c
 * makes full states.
 */
#ifndef KITH_EXCHANGE_H
#define KITH_EXCHANGE_H

#include "alarms.h"
#include "counters.h"
#include "output.h"
#include "scan.h"
#include "wire.h"

struct kith_request;

enum kith_exchange_kind {
    KITH_EXCHANGE_INBOUND = 1, /* a peer opened the stream; what it wants, it says */
    KITH_EXCHANGE_JOIN,        /* a push/pull with a request */
    KITH_EXCHANGE_PUSH_PULL,
    KITH_EXCHANGE_PING,
    KITH_EXCHANGE_USER
};

/* What comes next:
 *
 *     DIAL    --opened------------------> TYPE    our message is written
 *     TYPE    --ping, ack, err----------> MAP
 *     TYPE    --push/pull, user message-> HEADER
 *     HEADER  --entries announced-------> NODES
 *     HEADER  --none--------------------> BYTES
 *     NODES   --the last entry----------> BYTES
 *
 * An inbound exchange begins with TYPE. A whole message ends it (MAP, BYTES), and so does from any
 * phase a deadline, a limit, a message that can't be, or the peer. Then whoever waits is told, one
 * KITH_OUT_CLOSE or KITH_OUT_RESET is among the outputs unless the stream itself is gone, and the
 * slot is free; the next exchange in it has another handle.
 */
enum kith_exchange_phase {
    KITH_PHASE_DIAL,
    KITH_PHASE_TYPE,   /* the type byte */
    KITH_PHASE_MAP,    /* ping, ack, err: one map */
    KITH_PHASE_HEADER, /* of a push/pull or user message */
    KITH_PHASE_NODES,
    KITH_PHASE_BYTES /* user state or user message */
};

struct kith_exchange;

/* How an exchange ended: 0 or a negative KITH_E code. */
typedef void kith_exchange_ended_fn(struct kith_core *, const struct kith_exchange *, int status);

struct kith_exchange {
    struct kith_alarm alarm;
    uint16_t generation, index;
    uint8_t kind, phase, type; /* kind 0: a free slot */
    bool push_pull;            /* counts among the inbound push/pulls */
    bool replied;              /* the peer has begun to answer */
    uint8_t name_len, identity_len;
    struct kith_item *closing;     /* allocated beforehand, for KITH_OUT_CLOSE or RESET */
    struct kith_request *request;  /* join, user: waits for the end */
    kith_exchange_ended_fn *ended; /* NULL: nobody else does */
    uint32_t seq_no;               /* ping */
    uint64_t begun;
    /* what was read, from the type byte on */
    uint8_t *data;
    size_t len, cap;
    struct kith_scan scan;
    size_t body; /* where the nodes begin, or the bytes */
    size_t tail; /* where user state begins */
    struct kith_msg header;
    int64_t nodes_left;
    uint8_t *out; /* user: what to say when it is open */
    size_t out_len;
    struct kith_exchange *next_free;
    /* whom it is with */
    struct kith_addr to;
    uint32_t provides, protocol_max;
    char name[KITH_NAME_LIMIT + 1]; /* whom we dialled; inbound: not known */
    char identity[KITH_IDENTITY_LIMIT + 1];
};

struct kith_exchanges {
    struct kith_exchange **table;
    uint32_t cap, open;
    uint32_t push_pulls; /* inbound, being read or answered */
    size_t memory;
    struct kith_exchange *free_list;
};

enum { KITH_EXCHANGE_SLACK = 64 }; /* bytes over max_stream_size, for headers */
/* Longest payload or state: a message with headers and the layers around it is over no limit. */
size_t kith_exchange_most(const struct kith_core *);

void kith_exchanges_fini(struct kith_core *);
uint32_t kith_exchange_handle(const struct kith_exchange *);
struct kith_exchange *kith_exchange_find(struct kith_core *, uint32_t handle);
/* A peer opened a stream. NULL: too many, no memory, identity too long (counted). */
struct kith_exchange *kith_exchange_accept(struct kith_core *, const struct kith_peer *from);
/* Ask for a stream. NULL: too many, no memory (counted). */
struct kith_exchange *kith_exchange_dial(struct kith_core *, enum kith_exchange_kind,
                                         const struct kith_peer *, uint64_t deadline,
                                         kith_exchange_ended_fn *);
/* Note what the transport says of the peer. False: the identity is too long. */
bool kith_exchange_identify(struct kith_exchange *, const struct kith_peer *);
/* Whom it is with; what it points to lives as long as the exchange. */
struct kith_peer kith_exchange_peer(const struct kith_exchange *);
/* Keep what was read. False: over a limit, and the exchange is over. */
bool kith_exchange_gather(struct kith_core *, struct kith_exchange *, const uint8_t *, size_t len);
/* Keep `owned` until the stream is open. -KITH_EAGAIN: no stream memory left; it is freed. */
int kith_exchange_prepare(struct kith_core *, struct kith_exchange *, uint8_t *owned, size_t len);
/* Write what was prepared: nothing follows. */
void kith_exchange_write_prepared(struct kith_core *, struct kith_exchange *);
/* Write a whole message; the bytes become the output's. last: nothing follows. */
void kith_exchange_write(struct kith_core *, struct kith_exchange *, uint8_t *owned, size_t len,
                         bool last);
void kith_exchange_write_message(struct kith_core *, struct kith_exchange *,
                                 const struct kith_msg *, bool last);
/* End it, close the stream (orderly) or reset it. value: for the request. */
void kith_exchange_finish(struct kith_core *, struct kith_exchange *, int status, uint64_t value);
/* The same, and count why. */
void kith_exchange_refuse(struct kith_core *, struct kith_exchange *, enum kith_drop, int status);
/* End it: the stream itself is already gone. */
void kith_exchange_lost(struct kith_core *, struct kith_exchange *, int status);

#endif
