/*
 * tree.h - YAML text as a tree in which every node knows its place.
 *
 * What the files of this project need of YAML and no more: maps, lists, scalars. Scalars stay text
 * until a parameter says their type, so that YAML 1.1's surprises (no, 010, 1e3) can't happen.
 */
#ifndef KITH_CONFIG_TREE_H
#define KITH_CONFIG_TREE_H

#include "arena.h"
#include "config.h"

enum { KITH_CONFIG_MAX = 1 << 20, KITH_YAML_DEPTH = 16, KITH_YAML_KEYS = 256 };

enum kith_yaml_kind { KITH_YAML_SCALAR, KITH_YAML_MAP, KITH_YAML_LIST };

struct kith_yaml {
    enum kith_yaml_kind kind;
    bool plain; /* a scalar without quotes */
    bool bad;   /* something was said about it already: say no more */
    struct kith_pos pos, end;
    char *text; /* scalars: ends in NUL, holds none */
    size_t len;
    struct kith_yaml *key; /* what is left of the colon; NULL in a list */
    struct kith_yaml *first, *last, *next;
    size_t count;
};

/* NULL after errors of syntax. Aliases, anchors, tags and duplicate keys are reported too, and
 * leave nodes marked bad. */
struct kith_yaml *kith_yaml_parse(const char *text, size_t len, struct kith_arena *,
                                  struct kith_diag *);

/* A text that stands nowhere; copied. */
struct kith_yaml *kith_yaml_scalar(struct kith_arena *, const char *text);

/* The value of a key; NULL when absent, or when map is not one. */
struct kith_yaml *kith_yaml_get(const struct kith_yaml *map, const char *key);
/* `key:` with nothing after it, ~ or null. */
bool kith_yaml_empty(const struct kith_yaml *);

#endif
