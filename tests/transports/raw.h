/*
 * raw.h - sockets of the tests' own, as a peer that is no Kith would have them.
 */
#ifndef KITH_TEST_RAW_H
#define KITH_TEST_RAW_H

#include "test.h"
#include <kith/plugin.h>

int open_fds(void);
/* Bound to a port of 127.0.0.1 that the system chose. */
int raw_socket(int type, uint16_t *port);
/* Connecting to that port of 127.0.0.1; never blocks. */
int raw_connect(uint16_t port);
/* 127.0.0.1 */
struct kith_addr v4(uint16_t port);

#endif
