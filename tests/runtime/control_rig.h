/*
 * control_rig.h - one node with a control socket, and clients of it in the same process.
 */
#ifndef CONTROL_RIG_H
#define CONTROL_RIG_H

#include "nodes.h"
#include "control_inside.h"

struct kith_control *control(void);  /* of nodes[0] */
void begin_alone(const char *extra); /* nodes[0], whom nothing disturbs; end() as always */

void meet(const char *name); /* a member that is not there */
void go_pings(void);         /* it pings, and does not say that it runs Kith */

int client_socket(void);
void dial_with(int fd); /* connect, whether it is accepted or not */
int dial(void);         /* accepted */
void ask(int fd, const char *line);
/* The next line, as far as it fits into MiBs. NULL: the node has closed the connection. */
json_t *next_line(int fd);
bool answers(int fd);                /* a request that is simple */
const char *code_of(json_t *answer); /* "ok", or its code; takes it over */

#endif
