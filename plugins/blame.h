/*
 * blame.h - what a plugin did wrong, counted and logged in its name without a flood: at most one
 * line a second of a kind, which says how many there were without one. Knows the host that it has,
 * and nothing of instances.
 */
#ifndef KITH_BLAME_H
#define KITH_BLAME_H

#include <kith/plugin.h>

/* Of one kind, by whoever has one host. All zero: none yet. */
struct kith_complaints {
    uint64_t *counter; /* NULL before the first */
    uint64_t unsaid, said_at;
};

/* It broke its contract (contract_breaches): "watch without a function". */
void kith_blame(const struct kith_host *, struct kith_complaints *, const char *what);
/* A call made the node wait (slow_calls): "seal()", "a timer callback". */
void kith_blame_slow(const struct kith_host *, struct kith_complaints *, const char *call,
                     uint64_t ns);

#endif
