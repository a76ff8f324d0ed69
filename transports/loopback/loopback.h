/*
 * loopback.h - what the files of this transport share.
 *
 *   loopback.c            the plugin: parameters, life, reload, addresses
 *   loopback_networks.c   networks of the process by world and name, and who is on them
 *   loopback_items.c      the memory of what is under way, kept for the next
 *   loopback_mailbox.c    what is under way to one node, by time; when it is to be looked at
 *   loopback_packets.c    packets, both ways
 *   loopback_pipes.c      what goes from one end of a stream to the other
 *   loopback_ends.c       the ends of streams as a node knows them, by id
 *   loopback_streams.c    what the node asks of streams
 *   loopback_arrivals.c   what comes to a node, told to it in turns
 *   loopback_answers.c    answers to commands, as fast as who asked reads them
 *   loopback_values.c     text to values of a link, and back
 *   loopback_links.c      the commands about links
 *   loopback_command.c    commands: which there are; numbers
 *   network.h             what a network does to packets and streams; knows nothing of all this
 *
 * A network is in the memory of one process. What a node sends is copied, lies in the mailbox of
 * the receiver until its time has come, and is told to it by a timer of its own host: never from
 * inside a call, never by the sender's thread.
 *
 * THREADS. Nodes of world 0 may run on threads of their own, so a network has a lock; functions
 * below say [lock] where their caller holds it. It is never held in an upcall. A virtual world has
 * one thread, and its networks no lock. `struct kith_lo` belongs to its node's thread, but for what
 * is marked [lock].
 */
#ifndef KITH_LOOPBACK_H
#define KITH_LOOPBACK_H

#include "network.h"
#include <pthread.h>

enum {
    KITH_LO_ROOM = 64,              /* around each packet that is told */
    KITH_LO_PACKET_MAX = 65507,     /* as UDP over IPv4 */
    KITH_LO_WINDOW = 256 << 10,     /* bytes of a stream and direction that the peer has not read */
    KITH_LO_PIECE = 16 << 10,       /* of a stream, under way at once */
    KITH_LO_FLIGHT = 64 << 20,      /* memory of packets under way to one node */
    KITH_LO_KEPT = 8 << 20,         /* memory of a network that waits to be used again */
    KITH_LO_STREAMS = 65535,        /* of one node */
    KITH_LO_HINTS = 64,             /* under way to one node */
    KITH_LO_TURN_PACKETS = 2048,    /* what one turn tells, */
    KITH_LO_TURN_BYTES = 512 << 10, /* of streams, */
    KITH_LO_TURN_SHARE = 64 << 10,  /* and of one of them */
    KITH_LO_CLASSES = 11
};

struct kith_lo;
struct kith_lo_net;
struct kith_lo_port;
struct kith_lo_stream;

#define KITH_LO_COUNTERS(ROW) \
    ROW(SENT, "packets_sent", NULL, "Packets sent.") \
    ROW(SENT_BYTES, "bytes_sent", NULL, "Bytes of packets sent.") \
    ROW(RECEIVED, "packets_received", NULL, "Packets received.") \
    ROW(RECEIVED_BYTES, "bytes_received", NULL, "Bytes of packets received.") \
    ROW(DOUBLED, "packets_doubled", NULL, "Packets sent that the network made two of.") \
    ROW(LOST, "packets_dropped", "loss", "Packets dropped.") \
    ROW(CUT, "packets_dropped", "cut", "Packets dropped.") \
    ROW(BACKLOG, "packets_dropped", "backlog", "Packets dropped.") \
    ROW(NOBODY, "packets_dropped", "nobody", "Packets dropped.") \
    ROW(FLIGHT, "packets_dropped", "in_flight", "Packets dropped.") \
    ROW(MEMORY, "packets_dropped", "memory", "Packets dropped.") \
    ROW(FULL, "packets_dropped", "receive_buffer", "Packets dropped.") \
    ROW(OPENED, "streams_opened", NULL, "Streams opened to others.") \
    ROW(ACCEPTED, "streams_accepted", NULL, "Streams that others opened.") \
    ROW(FAILED, "streams_failed", NULL, "Streams to others that could not be opened.") \
    ROW(REFUSED, "streams_refused", NULL, "Streams of others that were not accepted.") \
    ROW(BROKEN, "streams_broken", NULL, "Streams that the peer reset, or that were given up.") \
    ROW(STREAM_SENT, "stream_bytes_sent", NULL, "Bytes taken for streams.") \
    ROW(STREAM_RECEIVED, "stream_bytes_received", NULL, "Bytes received on streams.")

enum kith_lo_count {
#define ROW(id, name, reason, help) KITH_LO_N_##id,
    KITH_LO_COUNTERS(ROW)
#undef ROW
        KITH_LO_NUMBERS
};

/* ---- what is under way */

enum kith_lo_kind {
    KITH_LO_A_PACKET,
    KITH_LO_A_HINT,  /* nobody is at addr */
    KITH_LO_OPEN,    /* streams: asks the acceptor */
    KITH_LO_IS_OPEN, /* says yes to the dialler */
    KITH_LO_DATA,
    KITH_LO_END,
    KITH_LO_CLOSE,   /* with its reason: no, or a reset */
    KITH_LO_OVER,    /* both have finished */
    KITH_LO_CREDIT,  /* len bytes were read at the other end */
    KITH_LO_TIMEOUT, /* of the dialler */
    KITH_LO_AGAIN,   /* what the cut holds back is tried again */
    KITH_LO_GO_ON    /* what was kept back is told now */
};

struct kith_lo_item {
    struct kith_lo_item *next;
    struct kith_lo_stream *stream; /* in a mailbox: held by it */
    uint8_t kind, end;             /* end: to which of the stream's two */
    uint8_t size_class;
    int16_t reason;
    uint32_t len;
    struct kith_addr addr; /* packets: whom from; hints: whom about */
};

struct kith_lo_list {
    struct kith_lo_item *first, *last;
};

/* ---- who is there */

struct kith_lo_due {
    uint64_t at, order;
    struct kith_lo_item *item;
};

/* A name on a network. It stays when its node has gone, with its rules and numbers, until the
 * network ends: then its host is there and nobody listens. One that was only ever called goes when
 * nobody calls it any more. All of it: [lock]. */
struct kith_lo_port {
    int index; /* on the network */
    struct kith_addr addr;
    struct kith_lo *node; /* NULL: nobody listens */
    bool lived, refuses;
    size_t ends; /* of streams */

    struct kith_lo_due *heap; /* under way; the root is the next */
    size_t heap_count, heap_room;
    uint64_t order;
    struct kith_lo_list arrived; /* to be told, in order */
    size_t waiting;              /* packets in it, bytes of memory */
    size_t flying;               /* and in the heap */
    unsigned hints;
    uint64_t receive_buffer;
    uint64_t count[KITH_LO_NUMBERS];
};

struct kith_lo_net {
    struct kith_lo_net *next;
    uint64_t world;
    char *name;
    pthread_mutex_t lock;
    struct kith_network *network; /* and all below: [lock] */
    struct kith_lo_port **ports;  /* by index */
    int port_room;
    size_t nodes; /* that listen */
    struct kith_lo_item *spare[KITH_LO_CLASSES];
    size_t kept; /* bytes of them */
};

/* ---- streams. All of it: [lock]. */

enum kith_lo_state {
    KITH_LO_NOT_YET, /* the acceptor was not asked yet */
    KITH_LO_OPENING, /* ours, not answered yet */
    KITH_LO_IS_UP,
    KITH_LO_GONE /* its node has forgotten it, or refused */
};

struct kith_lo_end {
    struct kith_lo_port *port;
    uint64_t id; /* of its node; 0: it has none (any more) */
    enum kith_lo_state state;
    struct kith_network_way way; /* to the other end */
    struct kith_lo_list unsent;  /* to the other end, held back by a cut */
    struct kith_lo_list kept;    /* from the other end, not told yet */
    size_t under_way;            /* bytes sent that the peer has not read */
    size_t unsaid;               /* bytes read that the peer was not told of */
    bool finished, got_end, paused;
    bool waits;    /* the last write was short */
    bool going_on; /* a GO_ON is in the mailbox */
    bool broken;   /* given up; it will hear of it */
};

struct kith_lo_stream {
    size_t users; /* ends that a node knows, items in mailboxes, and who works with it */
    struct kith_lo_end end[2]; /* 0 has dialled */
};

struct kith_lo_slot {
    struct kith_lo_stream *stream; /* NULL: free */
    uint64_t id;
    unsigned end;
    size_t next_free; /* from 1; 0: none */
};

struct kith_lo_answer;

struct kith_lo {
    const char *network_name, *address;
    uint64_t delay, jitter, reorder_late, bandwidth, backlog, receive_buffer, mtu;
    double loss, duplicate, reorder;
    uint32_t seed;
    bool refuses;

    const struct kith_host *host;
    const struct kith_uplink *up;
    struct kith_addr addr;
    struct kith_lo_net *net; /* NULL: it does not run */
    struct kith_lo_port *port;
    struct kith_timer *timer;
    uint64_t armed; /* [lock] when the timer fires; 0: it is being told, or about to be */
    bool posted;    /* [lock] a post will set the timer */

    struct kith_lo_slot *slots;
    size_t slot_count, slot_room, free_slot; /* free_slot: from 1 */
    uint64_t last_stream;
    size_t turn_bytes;                       /* of streams, that this turn may still tell */
    struct kith_lo_list had_share, had_none; /* streams of it, to go on in the next one */

    uint64_t *counters[KITH_LO_NUMBERS];
    uint64_t shown[KITH_LO_NUMBERS];

    struct kith_lo_answer *answers;
    struct kith_timer *answer_timer;
};

/* ---- loopback_networks.c */
/* Onto the network of its world and name, which begins with its first node and ends with its last.
 * -KITH_EADDRINUSE, -KITH_ENOMEM. */
int kith_lo_enter(struct kith_lo *, struct kith_error *err);
/* No stream of it is there any more, and nothing is in its mailbox. */
void kith_lo_leave(struct kith_lo *);
void kith_lo_lock(struct kith_lo_net *);
void kith_lo_unlock(struct kith_lo_net *);
/* [lock] NULL: there is none. */
struct kith_lo_port *kith_lo_port_find(struct kith_lo_net *, const struct kith_addr *);
/* [lock] It is made when there is none; NULL: no memory, or too many. */
struct kith_lo_port *kith_lo_port_get(struct kith_lo_net *, const struct kith_addr *);
/* [lock] An end of a stream begins, or ends. */
void kith_lo_port_hold(struct kith_lo_port *);
void kith_lo_port_drop(struct kith_lo_net *, struct kith_lo_port *);
/* [lock] Its numbers, to the host's. */
void kith_lo_show(struct kith_lo *);

/* ---- loopback_items.c [lock] */
struct kith_lo_item *kith_lo_item_new(struct kith_lo_net *, enum kith_lo_kind, size_t len);
void kith_lo_item_free(struct kith_lo_net *, struct kith_lo_item *);
size_t kith_lo_item_memory(const struct kith_lo_item *);
uint8_t *kith_lo_item_bytes(struct kith_lo_item *); /* KITH_LO_ROOM behind its beginning */
void kith_lo_items_free(struct kith_lo_net *, struct kith_lo_list *);
void kith_lo_list_add(struct kith_lo_list *, struct kith_lo_item *);
struct kith_lo_item *kith_lo_list_take(struct kith_lo_list *); /* NULL: it is empty */

/* ---- loopback_mailbox.c [lock] */
/* Takes the item, for a node that listens. 0: it is told at `at`, or dropped and counted there when
 * the receiver's buffer is full. Else it is free, and the sender counts this number. */
int kith_lo_push(struct kith_lo_net *, struct kith_lo_port *, struct kith_lo_item *, uint64_t at,
                 uint64_t now);
/* What has arrived and a turn may tell. */
struct kith_lo_list kith_lo_take(struct kith_lo_net *, struct kith_lo_port *, uint64_t now);
/* When there will be something to take; UINT64_MAX: never. */
uint64_t kith_lo_next(const struct kith_lo_port *);
/* Sets the timer; posted when something came from another thread. No lock. */
void kith_lo_knock(void *self);
/* All that is in it, also what has not arrived. */
struct kith_lo_list kith_lo_take_all(struct kith_lo_port *);

/* ---- loopback_packets.c */
int kith_lo_send_packet(void *self, const struct kith_peer *to, struct kith_buf *);
void kith_lo_packet_arrived(struct kith_lo *, struct kith_lo_item *); /* no lock */

/* ---- loopback_pipes.c [lock] */
struct kith_lo_stream *kith_lo_stream_new(struct kith_lo_port *from, struct kith_lo_port *to);
void kith_lo_stream_hold(struct kith_lo_stream *);
void kith_lo_stream_drop(struct kith_lo_net *, struct kith_lo_stream *);
/* From that end to the other, behind all that went before. Takes the item; NULL: there was no
 * memory for it, so the stream stalls until a deadline of its node. */
void kith_lo_put(struct kith_lo_net *, struct kith_lo_stream *, unsigned from,
                 struct kith_lo_item *, uint64_t now);
/* A short item of that kind, likewise. */
void kith_lo_say(struct kith_lo_net *, struct kith_lo_stream *, unsigned from, enum kith_lo_kind,
                 int reason, size_t len, uint64_t now);
/* To the end itself, at that time. false: no memory. */
bool kith_lo_tell_self(struct kith_lo_net *, struct kith_lo_stream *, unsigned end,
                       enum kith_lo_kind, int reason, uint64_t at, uint64_t now);
/* What was held back is tried again. */
void kith_lo_try_again(struct kith_lo_net *, struct kith_lo_stream *, unsigned from, uint64_t now);
/* An item that can't be told any more, as its receiver stopped. Takes it. */
void kith_lo_undelivered(struct kith_lo_net *, struct kith_lo_item *, uint64_t now);

/* ---- loopback_ends.c */
/* [lock] The end gets an id, which holds the stream. 0: no memory, or too many. */
uint64_t kith_lo_end_add(struct kith_lo *, struct kith_lo_stream *, unsigned end);
/* [lock] NULL: there is none of that id. */
struct kith_lo_stream *kith_lo_end_find(struct kith_lo *, uint64_t id, unsigned *end);
/* [lock] The node knows it no more. */
void kith_lo_end_forget(struct kith_lo *, struct kith_lo_stream *, unsigned end);
/* [lock] ...and the peer hears that it was reset. */
void kith_lo_end_reset(struct kith_lo *, struct kith_lo_stream *, unsigned end);
void kith_lo_ends_reset_all(struct kith_lo *); /* [lock] */
void kith_lo_ends_adopt(struct kith_lo *, struct kith_lo *old);
void kith_lo_ends_free(struct kith_lo *);

/* ---- loopback_streams.c */
int kith_lo_stream_open(void *self, const struct kith_peer *to, uint64_t *id);
int64_t kith_lo_stream_write(void *self, uint64_t id, struct kith_bytes);
void kith_lo_stream_finish(void *self, uint64_t id);
void kith_lo_stream_reset(void *self, uint64_t id);
void kith_lo_stream_read(void *self, uint64_t id, bool on);

/* ---- loopback_arrivals.c */
void kith_lo_due(void *self); /* the timer's */

/* ---- loopback_answers.c */
struct kith_lo_text {
    char *text;
    size_t len, room;
    bool failed; /* no memory */
};
void kith_lo_print(struct kith_lo_text *, const char *fmt, ...) KITH_PRINTF(2, 3);
void kith_lo_text_free(struct kith_lo_text *);
/* Bytes as a string of JSON, or for people, without what could move their cursor. */
void kith_lo_print_json(struct kith_lo_text *, struct kith_bytes);
void kith_lo_print_plain(struct kith_lo_text *, struct kith_bytes);
/* What a command returns. Takes the text. */
int kith_lo_answer(struct kith_lo *, const struct kith_call *, struct kith_lo_text *,
                   struct kith_error *err);
int kith_lo_answers_start(struct kith_lo *, struct kith_error *err);
void kith_lo_answers_adopt(struct kith_lo *, struct kith_lo *old);
void kith_lo_answers_stop(struct kith_lo *);

/* ---- loopback_values.c */
/* "loss=5%" into link, and its bit into fields. -KITH_EINVAL. */
int kith_lo_read_value(struct kith_bytes word, struct kith_network_link *, uint32_t *fields,
                       struct kith_error *err);
/* "delay=1ms loss=0.05", or members of a JSON object; fields: which. */
void kith_lo_print_link(struct kith_lo_text *, const struct kith_network_link *, uint32_t fields,
                        bool json);

/* ---- loopback_links.c: words[0] is the command itself. */
int kith_lo_links(struct kith_lo *, const struct kith_call *, struct kith_lo_text *,
                  struct kith_error *err);
int kith_lo_set(struct kith_lo *, const struct kith_call *, struct kith_lo_text *,
                struct kith_error *err);
int kith_lo_cut(struct kith_lo *, const struct kith_call *, struct kith_lo_text *,
                struct kith_error *err);
int kith_lo_partition(struct kith_lo *, const struct kith_call *, struct kith_lo_text *,
                      struct kith_error *err);
int kith_lo_heal(struct kith_lo *, const struct kith_call *, struct kith_lo_text *,
                 struct kith_error *err);

/* ---- loopback_command.c */
int kith_lo_command(void *self, const struct kith_call *, struct kith_error *err);

#endif
