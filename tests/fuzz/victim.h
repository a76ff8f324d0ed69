/*
 * victim.h - a started core to throw things at: node "self" that knows "a", "b" and "c", with a
 * delegate that reads every byte it is given. After whatever happened the node must still be there:
 * victim_end() says so.
 */
#ifndef KITH_FUZZ_VICTIM_H
#define KITH_FUZZ_VICTIM_H

#include "core.h"

#include "fuzz.h"

struct victim {
    struct kith_core *core;
    uint64_t now;
    size_t packets, acks; /* sent by the node */
    uint32_t dialled;     /* the stream it asked for last */
    uint32_t sum;         /* of the bytes the delegate saw */
};

void victim_begin(struct victim *);
/* Let ns pass, firing what is due on the way, and take all output. */
void victim_pass(struct victim *, uint64_t ns);
void victim_drain(struct victim *);
/* A packet from "a", in a buffer of its own. */
void victim_packet(struct victim *, const uint8_t *data, size_t len);
/* Check that it lives (answers a ping, is alive in its own list, keeps its limits) and free it. */
void victim_end(struct victim *);

#endif
