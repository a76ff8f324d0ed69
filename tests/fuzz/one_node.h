/*
 * one_node.h - a whole node for one input: in virtual time, on a network inside of the process,
 * with a member "a" that is not there, and clients of its control socket.
 */
#ifndef KITH_FUZZ_ONE_NODE_H
#define KITH_FUZZ_ONE_NODE_H

#include "fuzz.h"

#include "control_inside.h"
#include "inside.h"

enum { HEARD_MAX = 8 << 20 };

struct one_node {
    struct kith_world *world;
    struct kith_loop *loop;
    struct kith *k;
    struct kith_control *control;
    size_t logged; /* lines */
};

/* From the text of a file. */
void one_node_begin(struct one_node *, const char *text);
void one_node_end(struct one_node *);
bool one_node_stopped(struct one_node *);

/* A connection to its control socket; close it before the end. */
int one_node_dial(struct one_node *);
/* What has come back so far, behind *len bytes that came before. False: there will be no more. */
bool one_node_hear(int fd, char heard[HEARD_MAX], size_t *len);
/* All whole lines are JSON objects; how many of them are answers. */
size_t one_node_answers(const char *heard, size_t len);
/* It answers somebody new, unless it was told to stop. */
void one_node_check(struct one_node *);

#endif
