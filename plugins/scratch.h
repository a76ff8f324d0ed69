/* scratch.h - private to plugins/: memory that grows and is used again. */
#ifndef KITH_SCRATCH_H
#define KITH_SCRATCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct kith_scratch {
    uint8_t *data;
    size_t cap;
};

/* At least n bytes, or NULL. What was in them stays. */
static inline uint8_t *kith_scratch_room(struct kith_scratch *s, size_t n)
{
    if (n <= s->cap) return s->data;
    size_t cap = 2 * s->cap > n ? 2 * s->cap : n;
    uint8_t *data = realloc(s->data, cap);
    if (!data) return NULL;
    s->data = data;
    s->cap = cap;
    return data;
}

static inline void kith_scratch_free(struct kith_scratch *s)
{
    free(s->data);
    *s = (struct kith_scratch){0};
}

#endif
