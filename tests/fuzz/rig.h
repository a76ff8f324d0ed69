/*
 * rig.h - a started core to throw things at: node "self" that knows "a", "b" and "c", with a delegate that reads every
 * byte it is given. After whatever happened the node must still be there: rig_end() says so.
 */
#ifndef KITH_FUZZ_RIG_H
#define KITH_FUZZ_RIG_H

#include "core.h"

#include "fuzz.h"

struct rig {
    struct kith_core *core;
    uint64_t now;
    size_t packets, acks;                /* sent by the node */
    uint32_t dialled;                    /* the stream it asked for last */
    uint32_t sum;                        /* of the bytes the delegate saw */
};

void rig_begin(struct rig *);
/* Let ns pass, firing what is due on the way, and take all output. */
void rig_pass(struct rig *, uint64_t ns);
void rig_drain(struct rig *);
/* A packet from "a", in a buffer of its own. */
void rig_packet(struct rig *, const uint8_t *data, size_t len);
/* Check that it lives (answers a ping, is alive in its own list, keeps its limits) and free it. */
void rig_end(struct rig *);

#endif
