/*
 * rotate.h - `kith keys rotate`, as cmd_keys.c hands it on.
 */
#ifndef KITH_TOOLS_ROTATE_H
#define KITH_TOOLS_ROTATE_H

#include "ask.h"

struct kith_rotation {
    const char *const *sockets; /* NULL among them: the one that `ask` finds */
    size_t count;
    const char *key_file; /* NULL: a fresh key */
    uint64_t patience;    /* ns: for a node that does not answer yet */
    bool partial;         /* other members of the cluster are somebody else's business */
};

int kith_rotate(const struct kith_ask *, const struct kith_rotation *);

#endif
