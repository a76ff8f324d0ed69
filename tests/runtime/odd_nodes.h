/*
 * odd_nodes.h - a node on odd_transport, in virtual time: nothing happens but what the test does.
 * It is nodes[0], and called n0.
 */
#ifndef ODD_NODES_H
#define ODD_NODES_H

#include "nodes.h"
#include "peek.h"
#include "../transports/odd_transport.h"

#define PLAIN "pipeline: { send: [], accept: [], require: [] }\n"

/* The transport as the file finds it; begin_odd() makes it odd_transport again. */
extern struct kith_plugin odd_plugin;
extern struct kith_transport_ops odd_ops;

/* A codec, `layer`, and a delegate, `spy`: in each call they do what the test says.
 * `peek` of peek.h is there, too. */
enum spy_call {
    SPY_INIT, /* of both */
    SPY_CODEC_START,
    SPY_CODEC_STOP,
    SPY_CODEC_SEAL,
    SPY_CODEC_OPEN,
    SPY_START,
    SPY_ADOPT,
    SPY_STOP,
    SPY_COMMAND,
    SPY_REFRESH,
    SPY_EVENT,
    SPY_MESSAGE,
    SPY_JUDGE,
    SPY_LEAVE, /* before_leave */
    SPY_CALLS
};
extern struct spy {
    void (*in[SPY_CALLS])(void);
    int rc[SPY_CALLS];
    unsigned calls[SPY_CALLS];
    const struct kith_host *made;             /* of whose init ran last */
    const struct kith_host *codec, *delegate; /* of those that started last */
    uint32_t event;                           /* the kind of the last one */
    uint64_t leave_by;                        /* the deadline of before_leave */
    int meta;                                 /* what node_meta of `spy_meta` returns... */
    size_t meta_cap;                          /* ...and was to write at most */
} spy;
#define SPY_LAYER \
    "pipeline: { send: [ { use: layer, layer_byte: 0xC1 } ], accept: [ { use: layer, layer_byte: " \
    "0xC1 } ], " \
    "require: [] }\n"
#define SPY_DELEGATE   "delegates: [ { use: spy } ]\n"
#define SPY_GIVES_META "delegates: [ { use: spy_meta, as: spy } ]\n"

extern const char *more_node; /* settings of the node: begin_odd() forgets them */

void begin_odd(void);
/* The file: the transport's address, and what else is in it. */
void config_odd(struct node *, const char *name, const char *extra);
const struct kith_node_setup *setup_odd(const struct node *);
void open_odd(const char *extra);
/* What the test tells comes as from a callback of the loop: a turn ends after it. */
void turn(void);
double breaches(void); /* of the transport */

/* memberlist's messages as they are on the wire: a byte for the type, then msgpack. The members
 * are n0 and b. */
struct kith_bytes ping(void);
struct kith_bytes alive(void);
struct kith_bytes dead(void);
struct kith_bytes user_head(uint32_t len); /* a user message on a stream: how it begins */
extern const struct kith_bytes nothing;
void packet(struct kith_bytes message); /* from odd/b, and a turn */

#endif
