/*
 * echo.h - a join that leads back to this node: by a balancer, or another address of its machine.
 */
#ifndef KITH_ECHO_H
#define KITH_ECHO_H

#include "exchange.h"

/* We have sent this list of members on a stream; or somebody has sent us one on his. */
void kith_echo_said(const struct kith_core *, struct kith_exchange *, struct kith_bytes members);
void kith_echo_heard(struct kith_core *, struct kith_bytes members);

#endif
