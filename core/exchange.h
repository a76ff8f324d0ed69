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
 *     BYTES   --a peer's state is whole-> ANSWER  an inbound one waits for a place before; ours is
 *                                                to be sent then, and waits for its turn
 *     ANSWER  --it was sent-------------> LINGER
 *
 * An inbound exchange begins with TYPE. A whole message ends it (MAP, BYTES), and so does from any
 * phase a deadline, a limit, a message that can't be, or the peer. Then whoever waits is told, and
 * one KITH_OUT_CLOSE or KITH_OUT_RESET is among the outputs unless the stream itself is gone. After
 * a CLOSE it lingers, because what was written has yet to arrive: it holds nothing but its slot,
 * until it is said to be closed, or one tcp_timeout later is reset. The next exchange in that slot
 * has another handle.
 */
enum kith_exchange_phase {
    KITH_PHASE_DIAL,
    KITH_PHASE_TYPE,   /* the type byte */
    KITH_PHASE_MAP,    /* ping, ack, err: one map */
    KITH_PHASE_HEADER, /* of a push/pull or user message */
    KITH_PHASE_NODES,
    KITH_PHASE_BYTES,  /* user state or user message */
    KITH_PHASE_ANSWER, /* nothing more: our state is to be sent */
    KITH_PHASE_LINGER  /* it is over; the stream is not yet */
};

struct kith_exchange;

/* How an exchange ended: 0 or a negative KITH_E code. */
typedef void kith_exchange_ended_fn(struct kith_core *, struct kith_exchange *, int status);

struct kith_exchange {
    struct kith_alarm alarm;
    uint16_t generation, index;
    uint8_t kind, phase, type; /* kind 0: a free slot */
    bool push_pull;            /* counts among the inbound push/pulls */
    bool replied;              /* the peer has begun to answer */
    bool stranger;             /* inbound: not from a member's address */
    bool came_back;            /* join: what was said came in on another stream (echo.h) */
    bool waits;                /* an inbound push/pull for which there was no place yet */
    bool whole;                /* it waits, and is all there */
    bool speaks;               /* push/pull: the peer runs Kith, as it says */
    bool owes;                 /* it is to send our state, and among those that wait for that */
    uint8_t name_len, identity_len;
    struct kith_item *closing; /* allocated beforehand, for KITH_OUT_CLOSE or RESET */
    struct kith_exchange *owes_after;
    uint32_t source;               /* inbound: index of whose it is */
    int verdict;                   /* ANSWER: what became of the peer's state */
    struct kith_request *request;  /* join, user: waits for the end */
    kith_exchange_ended_fn *ended; /* NULL: nobody else does */
    uint32_t seq_no;               /* ping */
    uint64_t said;                 /* join: print of the members we told of; 0: not yet */
    uint64_t begun, heard;         /* heard: when bytes moved last, or our answer was written */
    /* What was read, from the type byte on. cap 0: it is lent, from the call under way. */
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

/* Whom inbound streams come from (crowd.h), and how many are open. */
struct kith_source {
    uint32_t hash, open;
};

struct kith_exchanges {
    struct kith_exchange **table;
    uint32_t cap, open, strangers;
    uint32_t push_pulls, stranger_pulls; /* inbound, being read or answered */
    struct kith_source *sources;         /* cap places, of which source_count are in use */
    uint32_t source_count;
    struct kith_exchange *free_list;
    uint32_t waiting;            /* for a place among the inbound push/pulls */
    struct kith_exchange *owing; /* to send our state, in the order in which they came to that */
    uint64_t built;              /* bytes of states made since the last tick */
    uint64_t state_len;          /* of the last one */
    uint64_t evict_at;           /* when another one may go for the sake of memory */
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
/* Put what came behind what is there; lent if nothing is. False: over a limit, and the exchange is
 * over. When all of it was looked at, kith_exchange_keep(): what is lent is copied. */
bool kith_exchange_gather(struct kith_core *, struct kith_exchange *, const uint8_t *, size_t len);
void kith_exchange_keep(struct kith_core *, struct kith_exchange *);
/* What was read is not needed any more. */
void kith_exchange_forget(struct kith_core *, struct kith_exchange *);
/* It is one of the inbound push/pulls now. False: there are too many, and it waits for a place: it
 * is read, and not merged. */
bool kith_exchange_count_push_pull(struct kith_core *, struct kith_exchange *);
/* Go on with one that waits for a place, when there is one. False: there is none, or nobody waits
 * (stream.c). */
bool kith_streams_go_on(struct kith_core *);
/* It is to send our state, when its turn comes; or not any more. */
void kith_exchange_owe(struct kith_core *, struct kith_exchange *);
void kith_exchange_owe_no_more(struct kith_core *, struct kith_exchange *);
/* Keep `owned` until the stream is open. -KITH_EAGAIN: no stream memory left; it is freed. */
int kith_exchange_prepare(struct kith_core *, struct kith_exchange *, uint8_t *owned, size_t len);
/* Write what was prepared: nothing follows. */
void kith_exchange_write_prepared(struct kith_core *, struct kith_exchange *);
/* Write a whole message; its memory becomes the output's, and so do the bytes charged for it to the
 * account, as our own. last: nothing follows. */
void kith_exchange_write(struct kith_core *, struct kith_exchange *, struct kith_buf *owned,
                         uint64_t charged, bool last);
void kith_exchange_write_message(struct kith_core *, struct kith_exchange *,
                                 const struct kith_msg *, bool last);
/* End it, close the stream (orderly) or reset it. value: for the request. */
void kith_exchange_finish(struct kith_core *, struct kith_exchange *, int status, uint64_t value);
/* The same, count why, and say it (cause.h): in the log, to whoever waits for it, and to the peer
 * if it can be told. */
void kith_exchange_refuse(struct kith_core *, struct kith_exchange *, enum kith_drop, int status);
/* End it by a reset. False: it lingers, and there is no memory to say so. */
bool kith_exchange_break(struct kith_core *, struct kith_exchange *, int status);
/* Reset it for the sake of another one, as there is no more of what `lacks` says; say so. False: no
 * memory. */
bool kith_exchange_evict(struct kith_core *, struct kith_exchange *, enum kith_drop lacks);
/* Count why, and say it. */
void kith_exchange_say(struct kith_core *, const struct kith_exchange *, enum kith_drop);
/* End it: the stream itself is already gone. */
void kith_exchange_lost(struct kith_core *, struct kith_exchange *, int status);

#endif
