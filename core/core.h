/*
 * core.h - the membership protocol as a pure state machine.
 *
 * SWIM with Lifeguard as memberlist does it. The core performs no I/O, reads no clock, draws no
 * randomness of its own, resolves no name, starts no thread. Things happen to it (packets, stream
 * bytes, requests, the passing of time), each with the time `now`; what it wants done is polled; it
 * sleeps until one absolute deadline. Only the delegate is called synchronously: vetoes, meta and
 * state need an answer at once, and an event shows members as they are at that moment. A delegate
 * that calls back into the core is a bug that an assertion finds.
 *
 * The use, after anything that happened:
 *     while (kith_core_poll(core, &out)) carry_out(&out);
 *     sleep_until(kith_core_deadline(core));
 *
 * Times are nanoseconds of one monotonic clock. All memory of the core belongs to it; what it hands
 * out is lent until the next call into it. Messages in and out are plain: label, encryption,
 * checksums and compression are the pipeline's work. The rules are in docs/PROTOCOL.md;
 * comments cite its sections.
 */
#ifndef KITH_CORE_H
#define KITH_CORE_H

#include <kith/account.h>
#include <kith/plugin.h>
#include <kith/settings.h>

struct kith_core;

/* Bytes of the largest plain packet, what the pipeline adds already subtracted; and the limit that
 * binds, for error messages: "udp_buffer_size", "the transport's limit". Not NULL; static. */
struct kith_core_budget {
    size_t bytes;
    const char *limit;
};

/* What surrounds a core. All of it must outlive the core. */
struct kith_core_env {
    void *ctx;
    /* peer: whom it is about, or NULL. Lines that peers can cause at will are limited to a few a
     * second. */
    void (*log)(void *ctx, enum kith_log_level, const struct kith_addr *peer, const char *fmt,
                va_list);
    /* Why a request that is about to end badly does so: the same words, for whoever asked. May be
     * NULL. */
    void (*because)(void *ctx, uint32_t request, const char *fmt, va_list);
    /* Asked for each packet: cheap. `to` NULL: what holds towards everybody. Without it:
     * udp_buffer_size. */
    struct kith_core_budget (*packet_budget)(void *ctx, const struct kith_peer *to);
    /* What the delegates of channels add to a packet and to a state; asked only where a member gets
     * it that is known to be Kith. May be NULL. */
    void (*channel_broadcasts)(void *ctx, size_t overhead, size_t limit, const struct kith_sink *);
    void (*channel_state)(void *ctx, bool join, const struct kith_sink *);
    /* What all streams hold, the core's buffers included; others may count in it, too. NULL: the
     * core has one of its own, of max_stream_memory. */
    struct kith_account *memory;
    /* May be NULL. Of its events wall is 0; its before_leave is not called. */
    const struct kith_delegate_ops *delegate;
    void *delegate_self;
};

struct kith_core_config {
    struct kith_settings settings; /* copied; strings and lists are lent, see settings.h */
    /* What others shall use; in the same form over restarts (PROTOCOL.md 1.4). */
    struct kith_addr advertise;
    uint16_t default_port;       /* for addresses that come with port 0 */
    uint32_t headroom, tailroom; /* to leave around each packet for pipeline and transport */
    uint32_t incarnation;        /* first one to use, 0: memberlist's 1 */
    uint64_t wall;               /* ns since 1970 at the start: lives of broadcasts rise with it */
    /* Chance from a source for secrets, apart from the seed: the key of every hash over names. */
    uint64_t hash_key[2];
};

/* err may be NULL. The node is not alive before kith_core_start(). */
int kith_core_new(struct kith_core **, const struct kith_core_config *,
                  const struct kith_core_env *, uint64_t seed, uint64_t now,
                  struct kith_error *err);
void kith_core_free(struct kith_core *);

/* Mark the own node alive (KITH_EVENT_JOIN comes for it) and begin the periodic work.
 * -KITH_EREFUSED: vetoed. -KITH_ETOOBIG: its alive message, with its meta, does not fit a packet.
 */
int kith_core_start(struct kith_core *, uint64_t now, struct kith_error *err);

/* Would kith_core_reconfigure take these settings, in packets of that budget? Changes nothing. A
 * delegate may still veto the announcement of other versions. */
int kith_core_check(const struct kith_core *, const struct kith_settings *, struct kith_core_budget,
                    struct kith_error *err);

/* Could this be our meta, in packets of that budget? Else -KITH_ETOOBIG. */
int kith_core_check_meta(const struct kith_core *, struct kith_bytes meta, struct kith_core_budget,
                         struct kith_error *err);

/* New settings without losing state. Name and advertised address stay what they are. On an error
 * of kith_core_check nothing has changed; -KITH_ETOOBIG: packets have become too small to gossip
 * this node's own alive message. */
int kith_core_reconfigure(struct kith_core *, const struct kith_settings *, uint32_t headroom,
                          uint32_t tailroom, uint64_t now, struct kith_error *err);

/* -------------------------------------------------------------------- what happens to a node */

/* Peers that come in have an address; what else is known of them is handed on to the delegates
 * that hear of a message or claim: whose hands it came from. An identity has at most 255 bytes: who
 * has a longer one is not heard (counted), because half of a name is somebody else's. */

/* A packet, opened. received_at: when it was read (round trip times); not after now. wire: how many
 * bytes it had on the wire; what a stranger gets for it is measured by them. */
void kith_core_packet(struct kith_core *, uint64_t now, uint64_t received_at,
                      const struct kith_peer *from, const uint8_t *msg, size_t len, size_t wire);

/* The core names streams by handles. KITH_OUT_DIAL brings the handle of a stream that it asks for;
 * `accepted` returns one for a stream that a peer opened, or 0: refuse it. The peer is copied.
 * A stream keeps its slot until it is gone: after KITH_OUT_CLOSE until `closed`, or until the core
 * resets it, because that takes too long or others need the slot (crowd.h). Who comes from no
 * member's address is a stranger, who gets what is left of slots and memory. */
bool kith_core_is_member(struct kith_core *, uint64_t now, const struct kith_peer *from);
uint32_t kith_core_stream_accepted(struct kith_core *, uint64_t now, const struct kith_peer *from);
void kith_core_stream_opened(struct kith_core *, uint64_t now, uint32_t stream,
                             const struct kith_peer *to);
/* Opened bytes, in order, in any pieces. */
void kith_core_stream_data(struct kith_core *, uint64_t now, uint32_t stream, const uint8_t *data,
                           size_t len);
/* Bytes moved on it, either way, and are in layers that are not whole yet, or in a queue: it is not
 * silent. */
void kith_core_stream_moved(struct kith_core *, uint64_t now, uint32_t stream);
/* An outer layer could not be opened. When the peer opened the stream, it is sent an err message
 * with this text (PROTOCOL.md 1.12); with "" the stream is closed without a message, as memberlist
 * does when the label is wrong. */
void kith_core_stream_error(struct kith_core *, uint64_t now, uint32_t stream, int code,
                            const char *text);
/* The peer sends no more. */
void kith_core_stream_end(struct kith_core *, uint64_t now, uint32_t stream);
/* Whoever carries the streams can take no more: some of strangers are reset, so that others can
 * come. */
void kith_core_crowded(struct kith_core *, uint64_t now);
/* The stream is gone and the handle is dead. */
void kith_core_stream_closed(struct kith_core *, uint64_t now, uint32_t stream, int reason);

/* A hint that nobody answers there: the member of that address, if there is one, is probed next.
 * Nothing else follows from it, and never more than every second probe follows a hint. */
void kith_core_unreachable(struct kith_core *, uint64_t now, const struct kith_addr *);
/* Our address is another now. Others who hold the name alive at the old one would take the new one
 * for a conflict (PROTOCOL.md 2.3.5): so this node leaves there, and comes back, which takes some
 * gossip intervals (moving.h). Before kith_core_start: only noted. On an error nothing has changed:
 * -KITH_EINVAL, -KITH_ECLOSED (left), -KITH_EREFUSED (not in cidrs_allowed, vetoed), -KITH_ETOOBIG.
 */
int kith_core_advertise(struct kith_core *, uint64_t now, const struct kith_addr *,
                        struct kith_error *err);

/* Everything that was readable has been fed: let the time reach now. */
void kith_core_tick(struct kith_core *, uint64_t now);
/* UINT64_MAX: nothing to wait for. */
uint64_t kith_core_deadline(const struct kith_core *);

/* ------------------------------------------------------------------------ what it wants done */

enum kith_out_kind {
    KITH_OUT_PACKET = 1, /* peer, buf */
    KITH_OUT_DIAL,       /* stream, peer: open a stream; opened or closed follows */
    KITH_OUT_WRITE,      /* stream, bytes: one whole message; last: nothing follows, finish */
    KITH_OUT_CLOSE,      /* stream: deliver what was written, and let go of it; `closed` follows */
    KITH_OUT_RESET,      /* stream: forget it now; the handle is dead */
    KITH_OUT_DONE,       /* request, status, value: a request has ended */
    KITH_OUT_GONE        /* peer: that member is dead, has left, or is under another address now */
};

/* Full states are made when they are polled for, one at a time; of those that wait, our own first,
 * then members', then those of strangers with few streams. After 1 MiB of them the rest waits for
 * the next tick, which the deadline asks for at once.
 *
 * Lent until the next call into the core. buf may be sealed in place, or made to point elsewhere:
 * its memory stays the core's all the same. */
struct kith_output {
    enum kith_out_kind kind;
    bool last;
    uint32_t stream;
    /* addr is set; name is empty when not known; protocol_max is 0 where memberlist would not know
     * it (PROTOCOL.md 1.7). */
    struct kith_peer peer;
    struct kith_buf *buf;
    struct kith_bytes bytes;
    uint32_t request;
    int status; /* 0 or negative KITH_E code */
    uint64_t value;
};

bool kith_core_poll(struct kith_core *, struct kith_output *);
/* What a join or another exchange that ended so has met, in words; NULL: the code says all. */
const char *kith_core_status_text(int status);

/* ------------------------------------------------------------------------------- requests */

/* Each returns a request number > 0 that KITH_OUT_DONE ends, or a negative KITH_E code at once.
 * Whom it is for: an address, a member's name, or both; the address goes before the name. */

/* Push/pull with join set. A name beside the address must be who answers, as far as the answer
 * shows: the list that comes back has it alive, and nobody else at that address; else
 * -KITH_EREFUSED, and nothing is merged. */
int64_t kith_core_join(struct kith_core *, uint64_t now, const struct kith_peer *);
/* Leave, then wait until all have acknowledged that they heard of it (farewell.h), or until it was
 * gossiped often enough and told thrice to who is silent, or nobody is left to hear it. timeout 0:
 * no limit; when it is over the request ends with -KITH_ETIMEOUT, and the node has left all the
 * same. */
int64_t kith_core_leave(struct kith_core *, uint64_t now, uint64_t timeout);
/* Ask the delegate for meta again and spread it. -KITH_ETOOBIG: it does not fit a packet (the log
 * says the sizes and the limit); what others know stays as it is. */
int64_t kith_core_update(struct kith_core *, uint64_t now, uint64_t timeout);
/* Gossip a raw user message, sent by this node only; done when it was sent often enough, or
 * replaced. With no other live member, or when the last one goes, it completes immediately and
 * stays queued for members that join later. key: a later one with the same key (1 to 255 bytes)
 * replaces one that waits; empty: replaces nothing. Smaller priority goes first. -KITH_EAGAIN:
 * queue full. -KITH_ETOOBIG: no packet can carry it. -KITH_EINVAL: the key is too long. */
int64_t kith_core_broadcast(struct kith_core *, uint64_t now, struct kith_bytes,
                            struct kith_bytes key, uint32_t priority);
/* Broadcast on a channel (1 to 63 bytes): every Kith member that is alive gets it once, in the
 * order in which this node said it, as long as somebody keeps it who can be reached (docs/WIRE.md,
 * Channels). It is on its way when this returns. 0, -KITH_ETOOBIG: over what
 * kith_core_fits(KITH_FITS_RELAYED) says; -KITH_EAGAIN: more than half a window in five seconds;
 * -KITH_EUNSUPPORTED: relay_window is 0. */
int kith_core_relay(struct kith_core *, uint64_t now, struct kith_bytes channel,
                    struct kith_bytes body);
/* Send a user message. -KITH_ETOOBIG: over what kith_core_fits says. */
int64_t kith_core_send(struct kith_core *, uint64_t now, const struct kith_peer *,
                       struct kith_bytes, bool reliable);
/* Ping once. value: round trip in ns. */
int64_t kith_core_ping(struct kith_core *, uint64_t now, const struct kith_peer *);

/* ----------------------------------------------------------------------------- what it knows */

size_t kith_core_size(const struct kith_core *);  /* names known, all states: memberlist's n */
size_t kith_core_alive(const struct kith_core *); /* alive and suspect, self included */
size_t kith_core_count(const struct kith_core *, enum kith_state);
size_t kith_core_queued(const struct kith_core *); /* broadcasts that wait, of members and users */

/* May whoever is there (an address, a member's name, or both) understand frames of channels? Not
 * who is no member, or spoke to us without saying that it runs Kith. */
bool kith_core_speaks(const struct kith_core *, const struct kith_peer *);

/* Longest raw user message, meta or ack payload. to: NULL: towards everybody; a member's name that
 * is not known counts as NULL. */
size_t kith_core_fits(const struct kith_core *, enum kith_fits, const struct kith_peer *to);

/* These fill *out as far as out->size reaches, which the caller sets, and set it to what they
 * wrote; size 0: nothing is written. What it points to is lent until the next call. */
int kith_core_find(const struct kith_core *, struct kith_bytes name, struct kith_member *out);
void kith_core_self(const struct kith_core *, struct kith_member *out);

/* Visit at most `max` members from *cursor on (0 at first; UINT64_MAX after the last). Who is known
 * all the while is seen once, whatever happens between the calls; who comes meanwhile is seen too.
 * visit: false ends it; it may ask the core, not change it. Returns how many were visited. */
size_t kith_core_visit(const struct kith_core *, uint64_t *cursor, size_t max,
                       bool (*visit)(void *arg, const struct kith_member *), void *arg);

unsigned kith_core_health(const struct kith_core *); /* local health score, 0 best */
void kith_core_stats(const struct kith_core *, void (*visit)(void *arg, const struct kith_stat *),
                     void *arg);

#endif
