/*
 * loop_memory.c - see loop_memory.h.
 */
#include "loop_memory.h"
#include <assert.h>
#include <stdlib.h>

struct kith_block {
    struct kith_block *former;
    _Alignas(max_align_t) uint8_t bytes[];
};

void *kith_memory_scratch(struct kith_memory *m, unsigned slot, size_t len)
{
    assert(slot < KITH_SCRATCH_SLOTS);
    if (m->slots[slot].block && len <= m->slots[slot].size) return m->slots[slot].block->bytes;
    /* At least twice as much as before: all former ones together are not larger than it. */
    size_t size = 2 * m->slots[slot].size > len ? 2 * m->slots[slot].size : len;
    if (size > SIZE_MAX - sizeof(struct kith_block)) return NULL;
    /* Zeroed, so that checkers take it for what it is: memory that may be read. */
    struct kith_block *block = calloc(1, sizeof *block + size);
    if (!block) return NULL;
    block->former = m->slots[slot].block;
    m->slots[slot].block = block;
    m->slots[slot].size = size;
    return block->bytes;
}

void kith_memory_keep(struct kith_memory *m, struct kith_kept *kept)
{
    kept->next = m->kept;
    m->kept = kept;
}

void kith_memory_fini(struct kith_memory *m)
{
    for (size_t i = 0; i < KITH_SCRATCH_SLOTS; i++) {
        for (struct kith_block *b = m->slots[i].block, *former; b; b = former) {
            former = b->former;
            free(b);
        }
    }
    for (struct kith_kept *k = m->kept, *next; k; k = next) {
        next = k->next;
        k->end(k);
    }
    *m = (struct kith_memory){0};
}
