/*
 * loop_memory.h - private to runtime/loop: memory that is as old as a loop. Blocks to work in, and
 * what was given to it to keep. One thread.
 */
#ifndef KITH_LOOP_MEMORY_H
#define KITH_LOOP_MEMORY_H

#include "loop.h"

/* Start with zeroes. */
struct kith_memory {
    struct {
        struct kith_block *block; /* the largest so far, the former ones behind it */
        size_t size;
    } slots[KITH_SCRATCH_SLOTS];
    struct kith_kept *kept;
};

void *kith_memory_scratch(struct kith_memory *, unsigned slot, size_t len);
void kith_memory_keep(struct kith_memory *, struct kith_kept *);
void kith_memory_fini(struct kith_memory *);

#endif
