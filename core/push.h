/*
 * push.h - broadcasts that are new to this node go on at once, or with others some milliseconds
 * later: to its children in the tree, and to a few members more.
 */
#ifndef KITH_RELAY_PUSH_H
#define KITH_RELAY_PUSH_H

#include "alarms.h"
#include "lives.h"

/* Something to pass on. The life may be gone when its time comes. */
struct kith_push {
    uint64_t life, number;
};
struct kith_pushes {
    struct kith_push *items;
    size_t count, cap, bytes;
    uint64_t flushed_at;
};

void kith_push(struct kith_core *, const struct kith_life *, uint64_t number, size_t bytes);
void kith_push_flush(struct kith_core *, struct kith_alarm *);
void kith_pushes_fini(struct kith_pushes *);

#endif
