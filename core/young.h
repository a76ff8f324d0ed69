/*
 * young.h - when a node that may not know everybody yet does its next push/pull. With whom, and
 * what is said, is sync.c's.
 */
#ifndef KITH_YOUNG_H
#define KITH_YOUNG_H

#include "alarms.h"

#include <stdbool.h>

struct kith_young {
    struct kith_alarm alarm; /* the next one is due; not set: none is */
    uint32_t begun;          /* in this life */
    uint8_t step;            /* of how long the next wait is */
    bool under_way;
};

/* A push/pull of ours taught us names: one more may teach us others. */
void kith_young_learned(struct kith_core *);
/* Names came some other way. Only who is young is moved by that. */
void kith_young_heard(struct kith_core *);
/* The alarm went off. False: not now. True: one is under way until it ended, or none could be; it
 * counts when it was dialled. */
bool kith_young_begin(struct kith_core *);
void kith_young_dialled(struct kith_core *);
void kith_young_ended(struct kith_core *);

#endif
