/*
 * provenance.h - where each value of a config came from: for `config show`, and for errors that
 * name two places.
 */
#ifndef KITH_CONFIG_PROVENANCE_H
#define KITH_CONFIG_PROVENANCE_H

#include "arena.h"
#include "config.h"

/* Where a value came from. Of one that nothing is known of that is the default of its table. */
enum kith_provenance_kind { KITH_FROM_PROFILE, KITH_FROM_FILE, KITH_FROM_NOTE };

struct kith_provenance {
    const char *path; /* "gossip.interval", "pipeline.send[0].min_size" */
    enum kith_provenance_kind kind;
    struct kith_pos pos, key; /* FILE: of the value, of its key */
    const char *note;         /* NOTE: in words */
};

struct kith_provenances {
    struct kith_arena *arena;
    struct kith_provenance *items;
    size_t count, cap;
};

/* path and note are copied. */
void kith_provenance_set(struct kith_provenances *, const char *path, enum kith_provenance_kind,
                         struct kith_pos pos, struct kith_pos key, const char *note);
/* NULL: nothing is known, as of defaults, and of all in a config that code made. */
const struct kith_provenance *kith_provenance_find(const struct kith_provenances *,
                                                   const char *path);

/* Where the file says it; NULL when it does not. */
const struct kith_provenance *kith_provenance_given(const struct kith_config *, const char *path);
/* Where the value of a key is; nowhere when it was not given. */
struct kith_pos kith_pos_of(const struct kith_config *, const char *path);

#endif
