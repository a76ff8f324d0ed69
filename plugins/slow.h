/*
 * slow.h - how long a call into a plugin holds up the node, told apart from what it leads to: a
 * transport's watch brings packets to codecs and delegates, and who is slow among them is blamed
 * once. Real time, on a virtual loop too: it is about the machine that we run on.
 */
#ifndef KITH_SLOW_H
#define KITH_SLOW_H

#include <stdint.h>

/* While a plugin runs no ack is answered: a call that takes this long is complained about. */
#define KITH_SLOW_NS 200000000u

/* A call under way. */
struct kith_slow {
    uint64_t began, blamed;
};

uint64_t kith_slow_clock(void);
struct kith_slow kith_slow_begin(void);
/* It returned. How long it took, without calls inside of it that were blamed; 0: not too long. */
uint64_t kith_slow_end(struct kith_slow);
/* Somebody was blamed for this much time: calls around it are not. */
void kith_slow_blamed(uint64_t ns);

#endif
