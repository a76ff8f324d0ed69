/* handoff.h - private to plugins/: user messages that wait for the end of the turn. */
#ifndef KITH_HANDOFF_H
#define KITH_HANDOFF_H

#include <kith/plugin.h>

#include "scratch.h"

struct kith_handoff_item {
    size_t offset, len;
    bool reliable;
};
struct kith_handoff {
    struct kith_scratch bytes;
    size_t len;
    struct kith_handoff_item *items;
    size_t count, item_cap;
};
struct kith_handoff_limits {
    size_t depth, bytes;
};

/* Copy a message to the end. -KITH_EAGAIN: full; -KITH_ENOMEM. */
int kith_handoff_add(struct kith_handoff *, const struct kith_handoff_limits *, struct kith_bytes,
                     bool reliable);
/* Forget all; gives memory back when it was unusually much. */
void kith_handoff_clear(struct kith_handoff *);
void kith_handoff_fini(struct kith_handoff *);

#endif
