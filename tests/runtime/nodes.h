/*
 * nodes.h - whole nodes in one process: YAML, plugins from their .so files, pipeline, core, sockets
 * on loopback, one real loop. Every wait is for an event, bounded by patience; ports are the
 * system's choice.
 */
#ifndef NODES_H
#define NODES_H

#include "../test.h"
#include "inside.h"

enum { NODES = 3, PATIENCE_SECONDS = 30 };

/* A node and what its delegate saw. */
struct node {
    struct kith *k;
    unsigned joins, leaves, updates, packets, streams, deaths;
    unsigned started, reloaded, keys; /* events of the node itself */
    size_t bytes;
    char last[64], from[64]; /* message, and the identity that brought it */
    bool veto;               /* refuse the next alive message of whomever */
    int status;
    unsigned done;
    uint64_t value;
    char path[128], report[4096], logged[4096];
};

extern char dir[];
extern struct kith_world *world;
extern struct kith_loop *loop; /* the world's */
extern struct node nodes[NODES];
extern const char *node_label; /* of the nodes to be made; "" at the beginning of a test */
extern const struct kith_delegate_ops watcher; /* self: a struct node */

/* Around each test: a folder, a world in real time, no nodes. */
void begin(void);
void end(void);
/* Another world in its place, before there are nodes. */
void begin_world(struct kith_world *);

void write_file(const char *path, const char *text);
/* The node's file: a name, a control socket, udp_tcp, and what is given. */
void config(struct node *, const char *extra);
/* What else is done with a node before it starts (kith_control_attach); NULL: nothing. begin()
 * forgets it. */
extern int (*node_opened)(struct kith *, struct kith_error *);
/* Open and start a node; from that file. */
void start_node(struct node *, const struct kith_node_setup *);
void open_node(struct node *, const char *extra);

void where_is(const struct node *, char *out, size_t cap);
size_t count(const struct node *, enum kith_state);
double stat_of(const struct node *, const char *name, const char *label);

/* Asked for, and waited for. */
void done(void *node, int status, uint64_t value);
int join(struct node *, const struct node *to);
int say(struct node *, const char *to, const void *data, size_t len, bool reliable);

uint64_t seconds(void);
/* Turn the loop until it holds. */
#define UNTIL(condition) \
    do { \
        uint64_t end_ = seconds() + PATIENCE_SECONDS; \
        while (!(condition) && seconds() < end_) kith_loop_turn(loop, 100000000); \
        CU_ASSERT_FATAL(condition); \
    } while (0)

/* Two keys, as $KITH_TEST_KEY_A and _B. */
#define KEY_A  "keyring: [ { env: KITH_TEST_KEY_A } ]\n"
#define KEY_B  "keyring: [ { env: KITH_TEST_KEY_B } ]\n"
#define SEALED "pipeline: { send: [ { use: lzw }, { use: crc32 }, { use: aes_gcm } ] }\n"
void set_keys(void);

#endif
