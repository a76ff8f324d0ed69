/*
 * param_types.h - what a type of parameter is: one row each.
 *
 * All that is known of a type stands in its row; who handles parameters asks the row. A new type is
 * a new row in param_types.c and nothing else.
 */
#ifndef KITH_CONFIG_PARAM_TYPES_H
#define KITH_CONFIG_PARAM_TYPES_H

#include "arena.h"

/* Why a text is not a value, for a person. */
struct kith_complaint {
    char text[400], help[400];
};

/* What reading a value may need. */
struct kith_param_in {
    /* strings are copied here; NULL: they are lent, and there are no lists */
    struct kith_arena *arena;
    const char *dir; /* what relative paths are relative to; "": nothing */
    struct kith_complaint *why;
};

/* How a value is written. */
enum kith_param_shape { KITH_SHAPE_ONE, KITH_SHAPE_LIST, KITH_SHAPE_MAP };
/* The C type of a number; KITH_NUMBER_NONE has no range. */
enum kith_number_type {
    KITH_NUMBER_NONE,
    KITH_NUMBER_I32,
    KITH_NUMBER_U32,
    KITH_NUMBER_U64,
    KITH_NUMBER_F64
};

/* Memory that copies are put into: base NULL measures only. */
struct kith_pool {
    char *base;
    size_t used;
};

struct kith_value_type {
    const char *name; /* as in KITH_PARAM(): "SIZE" */
    uint32_t type;
    enum kith_param_shape shape;
    size_t size, align;           /* in C */
    enum kith_number_type number; /* min and max are its range */
    const char *lowest, *highest; /* numbers: what the C type can hold, as written in YAML */
    bool text;           /* min and max are its length in bytes, of each item of a list or map */
    const char *words;   /* for the reference page: "a size, as 1400 or 64KiB" */
    const char *json;    /* JSON's type; NULL: any scalar */
    const char *pattern; /* texts that JSON may have instead */
    /* One value, or one more item of a list or map, where it is called name (else NULL). 0;
     * -KITH_EINVAL: said why in in->why; -KITH_ETOOBIG: a number that the C type can't hold. */
    int (*read)(const struct kith_param *, const char *name, const char *text, void *at,
                const struct kith_param_in *);
    void (*print)(const struct kith_param *, const void *at, FILE *); /* as YAML, flow style */
    void (*copy)(void *at, struct kith_pool *); /* what it points to; NULL: it points to nothing */
};

/* NULL: no such type, or none that a row can say (schema.h). */
const struct kith_value_type *kith_value_type_of(const struct kith_param *);

/* Write a complaint. Always -KITH_EINVAL. */
int kith_complain(struct kith_complaint *, const char *help, const char *fmt, ...)
    KITH_PRINTF(3, 4);

#endif
