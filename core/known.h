/*
 * known.h - is this address one of a live member? By the bytes alone: the port that a stream comes
 * from is none that anybody listens on.
 */
#ifndef KITH_KNOWN_H
#define KITH_KNOWN_H

#include <kith/plugin.h>

struct kith_core;

struct kith_known {
    uint32_t *hashes; /* open-addressed; 0: empty. NULL before the first question */
    uint32_t mask;
    uint64_t made_at, changes; /* when, and how many changes of members there had been */
};

/* Whoever became a member less than a tenth of a second ago may not be known yet. Without memory
 * nobody is. */
bool kith_known(struct kith_core *, const struct kith_addr *);
void kith_known_fini(struct kith_known *);

#endif
