/*
 * node_streams.h - the streams of a node, between their three files. A stream is three things: the
 * transport's id, the core's handle, and between them the layers: an inflow that opens what comes,
 * and a queue of sealed bytes that the transport has not taken yet.
 *
 * None of it knows what the bytes mean.
 */
#ifndef KITH_NODE_STREAMS_H
#define KITH_NODE_STREAMS_H

#include "inside.h"

/*
 * The life of a stream:
 *
 *   dialled   the core asked for it; the transport connects; what is written waits in the queue
 *             -> open      the transport says opened
 *   open      here at once when a peer opened it: both sides may send
 *             -> released  the core says CLOSE
 *   released  the core wants nothing more of it: the queue is sent and the stream finished, what
 *             still comes is discarded. It keeps its slot in the core until it ends, so that a peer
 *             that asks and never reads can't pile up answers; one tcp_timeout later the core says
 *             RESET
 *
 * From each state it goes when the transport says closed, the core says RESET or a message can't be
 * queued; the core is told, unless it said so itself. If bytes are kept when both sides have
 * finished and the transport says so, it is closed first:
 *
 *   closed    the transport has forgotten it, and is told and asked nothing about it any more; what
 *             is kept is fed in the turns to come
 *             -> gone      it is used up
 *
 * Beside that each direction has an end of its own. In: `finished_in`, the peer has said that
 * nothing follows; `broken`, a layer could not be opened or was cut short; the core was told,
 * nothing more is fed. Out: `ending`, the last message is in the queue; `finished`, the queue is
 * out and the transport was told that nothing follows.
 *
 * Bytes over what one turn may bring are kept, and the stream is paused until they are fed. So are
 * those of a stream that may bring a user message, while the delegates have enough to hear: what
 * came reliably is not dropped because a flood of packets was before it.
 *
 * From inside an upcall no transport is called: what is to be done then makes the stream `due`, at
 * the end of the turn.
 */
struct kith_stream {
    struct kith_stream *by_id, *by_handle; /* the next in the bucket */
    struct kith_stream *due_before, *due_after;
    uint64_t id;
    uint32_t handle; /* the core's */
    bool ours;       /* we opened it */
    bool stranger;   /* not from a member: whose share of memory it takes */
    bool opened, released, closed, due;
    bool finished_in, broken, paused;
    bool overrun; /* more came while it was paused than the transport said: to be reset */
    bool labelled, ending, finished; /* labelled: our label went out */
    struct kith_addr addr;
    struct kith_peer peer; /* its bytes are in `names` */
    uint8_t *names;
    struct kith_pipeline *pipeline;
    struct kith_inflow *in;
    uint8_t *queue; /* to be sent */
    size_t head, tail, cap;
    uint8_t *kept; /* to be fed */
    size_t kept_len;
    uint64_t late; /* bytes that came since it was paused */
};

struct kith_streams {
    struct kith_stream **ids, **handles; /* by bucket: as many as there were streams at once */
    size_t buckets;
    struct kith_stream *due, *last_due; /* in the order in which they became so */
    uint64_t last_id;                   /* of all that the transport gave */
    size_t count, keeping;              /* keeping: streams that have bytes kept */
    struct kith_buf scratch;
    bool held;                         /* some are kept because the delegates have enough to hear */
    const struct kith_stream *feeding; /* the one whose bytes are being opened */
};

struct kith_stream *kith_stream_by_id(struct kith *, uint64_t id);
/* The id of a new stream is larger than all before it, or `what` was a breach: what is told of the
 * old one late would be taken for the new one's. */
bool kith_stream_id_take(struct kith_link *, const char *what, uint64_t id);
struct kith_stream *kith_stream_by_handle(struct kith *, uint32_t handle);
/* NULL: no memory. */
struct kith_stream *kith_stream_new(struct kith *, uint64_t id, const struct kith_peer *, bool ours,
                                    bool stranger);
/* Who is at the other end, as is known now. 0 or -KITH_ENOMEM. */
int kith_stream_meet(struct kith_stream *, const struct kith_peer *);
void kith_stream_handle(struct kith *, struct kith_stream *, uint32_t handle);
/* Something is to be done for it at the end of the turn. */
void kith_stream_due(struct kith *, struct kith_stream *);
void kith_stream_not_due(struct kith *, struct kith_stream *);
void kith_stream_free(struct kith *, struct kith_stream *);

/* What the transport tells of streams that it may tell of (uplink.c has checked the id). */
int kith_stream_accepted(struct kith *, uint64_t id, const struct kith_peer *from);
void kith_stream_opened(struct kith *, struct kith_stream *, const struct kith_peer *to);
void kith_stream_data(struct kith *, struct kith_stream *, struct kith_bytes);
void kith_stream_end(struct kith *, struct kith_stream *);
void kith_stream_closed(struct kith *, struct kith_stream *, int reason);

#endif
