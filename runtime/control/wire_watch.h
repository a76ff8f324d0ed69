/*
 * wire_watch.h - what is on the wire, message by message and layer by layer: between the way of a
 * message (wiring.c, streams.c) and whoever looks on (control_monitor.c). While nobody does, struct
 * kith's `wire` is NULL and a message pays for one look at it.
 */
#ifndef KITH_WIRE_WATCH_H
#define KITH_WIRE_WATCH_H

#include "runtime.h"
#include <jansson.h>

struct kith_wire;

/* A message that was sealed or opened, or was not. */
struct kith_wire_message {
    bool stream, out;
    const struct kith_addr *peer;
    size_t from, to; /* bytes before and after; from 0: what its outermost layer says, or `to` */
    int status;
    enum kith_refusal why; /* status < 0, coming in */
};

/* Begin to look on: each message is told as an event (docs/CONTROL.md), which `tell` takes over.
 * NULL: out of memory. */
struct kith_wire *kith_wire_new(struct kith *, void (*tell)(void *arg, json_t *event), void *arg);
void kith_wire_free(struct kith_wire *); /* NULL is fine */

/* Before a message goes into the pipeline, and when it is out. */
void kith_wire_begin(struct kith_wire *);
void kith_wire_end(struct kith_wire *, const struct kith_wire_message *);

#endif
