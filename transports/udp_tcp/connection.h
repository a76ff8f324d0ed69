/*
 * connection.h - one connection, and the table of all (connection.c). connection_life.c begins
 * them, stream_io.c moves their bytes.
 */
#ifndef KITH_UDP_TCP_CONNECTION_H
#define KITH_UDP_TCP_CONNECTION_H

#include "udp_tcp.h"

/*
 *              state        what holds then
 *   open ────▶ connecting   the node writes nothing; finish is noted and done once connected
 *                │ connected: stream_opened
 *   accept ──▶ live         bytes go both ways; paused: none are read; blocked: a write took less
 *                │          than all, so writable is owed
 *                ├─ finish ──────────▶ we finished: only reading   ─┐ the other one too:
 *                ├─ the peer's end ──▶ got_end: only writing       ─┴▶ ended, 0
 *                └─ writing failed ──▶ broken: only reading, until the peer's end or a pause: ended
 *
 *   any of these ── error, idle too long ──▶ ended: fd -1, reason set, in the list of the ended
 *   ended ── at the end of the turn: stream_closed ──▶ gone
 *   any, also ended ── reset by the node ──▶ gone, without a word
 *
 * A paused stream that breaks, or whose peer had finished already, has nothing more to read: it
 * ends at once. Adoption changes no state; it gives new watches and timers.
 */
struct kith_ut_stream {
    struct kith_ut *owner;
    uint64_t id;
    int fd; /* -1: over, only closed is still to be said */
    struct kith_watch *watch;
    struct kith_timer *timer;
    uint64_t moved;    /* when a byte last moved */
    uint64_t timeout;  /* of connecting */
    uint64_t waits_in; /* the round of turns in which it had to wait; 0: none */
    struct kith_addr peer;
    bool inbound; /* accepted, so counted for its source */
    bool connecting;
    bool paused;   /* the node does not want to read */
    bool got_end;  /* the peer finished */
    bool finished; /* we finished */
    bool blocked;  /* a write took less; writable is owed */
    int broken;    /* writing failed with this; what the peer had sent is still read */
    int reason;    /* with fd -1 */
    struct kith_ut_stream *next_of_source, *next_ended;
};

/* The live stream with this id, or NULL. */
struct kith_ut_stream *kith_ut_stream_find(struct kith_ut *, uint64_t id);
/* Watch what the stream's state asks for. */
void kith_ut_stream_arm(struct kith_ut_stream *);
/* It is over: close the connection now and say so in a turn of its own, never inside a call of the
 * node. */
void kith_ut_stream_end(struct kith_ut_stream *, int reason);
/* KITH_E code (negative) for the system's. */
int kith_ut_stream_code(int error);
/* The same, of one to somebody else that can't be made; it is said. */
int kith_ut_stream_failed(struct kith_ut_stream *, int error);

/* Gives the stream a slot and its id. False: no memory, or too many. */
bool kith_ut_stream_add(struct kith_ut *, struct kith_ut_stream *);
/* Close the connection. reset: the peer shall notice; else what was written still arrives. */
void kith_ut_stream_hang_up(struct kith_ut_stream *, bool reset);
/* After hanging up: give the slot back and free it. */
void kith_ut_stream_forget(struct kith_ut_stream *);
/* The inbound streams whose sources hash as this one does; how many have this very source. */
struct kith_ut_stream **kith_ut_streams_of(struct kith_ut *, const struct kith_addr *);
uint32_t kith_ut_streams_from(struct kith_ut *, const struct kith_addr *);
/* Take new connections, or leave them in the backlog. */
void kith_ut_listeners_watch(struct kith_ut *, bool on);

/* A descriptor for a connection that comes when there is no other. */
void kith_ut_keep_reserve(struct kith_ut *);

/* later.c: how much of `want` bytes this stream may read now; and it needs no more. */
size_t kith_ut_stream_share(struct kith_ut_stream *, size_t want);
void kith_ut_stream_waits_no_more(struct kith_ut_stream *);

/* stream_io.c: from the watch, once connected. */
void kith_ut_stream_ready(struct kith_ut_stream *, unsigned events);

#endif
