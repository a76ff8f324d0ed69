/*
 * rounds.h - when the next round of gossip is due. Rounds keep the beat that they began with
 * (PROTOCOL.md 2.9), but nobody is woken for one in which there is nothing to say.
 */
#ifndef KITH_ROUNDS_H
#define KITH_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

struct kith_core;

/* UINT64_MAX: never. */
struct kith_rounds {
    uint64_t at;   /* when the beat comes next, whether or not there is something to say */
    uint64_t trim; /* when queues and packets give back what they did not need */
};

/* No round before one interval has passed; 0: none at all. */
void kith_rounds_begin(struct kith_core *, uint64_t interval);
/* It is going to be `now`: until then there was nothing to say, if there is nothing yet. */
void kith_rounds_pass(struct kith_core *, uint64_t now);
/* When kith_rounds_due() may be true or queues give something back. UINT64_MAX: not before
 * something is queued. */
uint64_t kith_rounds_deadline(const struct kith_core *);
/* Is a round due? Then the next one comes a beat later. */
bool kith_rounds_due(struct kith_core *);
/* Have queues and spare packets give back what they do not need, when it is time for that. */
void kith_rounds_trim(struct kith_core *);

#endif
