/*
 * stream.h - one connection, as streams.c and stream_io.c see it.
 */
#ifndef KITH_UDP_TCP_STREAM_H
#define KITH_UDP_TCP_STREAM_H

#include "udp_tcp.h"

struct kith_ut_stream {
    struct kith_ut *owner;
    uint32_t id;
    int fd; /* -1: over, only closed is still to be said */
    struct kith_watch *watch;
    struct kith_timer *timer;
    uint64_t moved; /* when a byte last moved */
    struct kith_addr peer;
    bool inbound, connecting;
    bool paused;   /* the node does not want to read */
    bool got_end;  /* the peer finished */
    bool finished; /* we finished */
    bool blocked;  /* a write took less; writable is owed */
    int broken;    /* writing failed with this; what the peer had sent is still read */
    int reason;    /* with fd -1 */
    struct kith_ut_stream *next_of_source, *next_ended;
};

/* The live stream with this id, or NULL. */
struct kith_ut_stream *kith_ut_stream(struct kith_ut *, uint32_t id);
/* Watch what the stream's state asks for. */
void kith_ut_stream_arm(struct kith_ut_stream *);
/* It is over: close the connection now and say so in a turn of its own, never inside a call of the
 * node. */
void kith_ut_stream_end(struct kith_ut_stream *, int reason);
/* KITH_E code (negative) for the system's. */
int kith_ut_stream_code(int error);
/* From the watch, once connected. */
void kith_ut_stream_ready(struct kith_ut_stream *, unsigned events);

#endif
