/*
 * joining.h - how a join begins: with whom it was asked for.
 */
#ifndef KITH_JOINING_H
#define KITH_JOINING_H

#include <kith/plugin.h>

struct kith_core;
struct kith_request;

/* For a request. -KITH_EAGAIN: too many streams, no memory; the request is untouched. */
int kith_joining_begin(struct kith_core *, const struct kith_peer *to, struct kith_request *);

#endif
