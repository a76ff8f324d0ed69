/*
 * provenance.c - where each value of a config came from: the file, a profile, a default.
 */
#include "provenance.h"

void kith_provenance_set(struct kith_provenances *o, const char *path,
                         enum kith_provenance_kind kind, struct kith_pos pos, struct kith_pos key,
                         const char *note)
{
    if (o->count == o->cap) {
        o->cap = o->cap ? o->cap * 2 : 16;
        struct kith_provenance *items = kith_arena_alloc(o->arena, o->cap * sizeof *items);
        if (o->count) memcpy(items, o->items, o->count * sizeof *items);
        o->items = items;
    }
    o->items[o->count++] =
        (struct kith_provenance){kith_arena_strdup(o->arena, path), kind, pos, key,
                                 note ? kith_arena_strdup(o->arena, note) : NULL};
}

const struct kith_provenance *kith_provenance_find(const struct kith_provenances *o,
                                                   const char *path)
{
    for (size_t i = o ? o->count : 0; i; i--) /* the newest counts */
        if (strcmp(o->items[i - 1].path, path) == 0) return &o->items[i - 1];
    return NULL;
}

struct kith_pos kith_pos_of(const struct kith_config *c, const char *path)
{
    const struct kith_provenance *o = kith_provenance_find(c->provenances, path);
    return o ? o->pos : (struct kith_pos){0};
}

const struct kith_provenance *kith_provenance_given(const struct kith_config *c, const char *path)
{
    const struct kith_provenance *o = kith_provenance_find(c->provenances, path);
    return o && o->kind == KITH_FROM_FILE ? o : NULL;
}
