/*
 * wire_fields.h - the shape of every map on the wire: one table that both the reader and the writer
 * walk (PROTOCOL.md 1.3), and `kith dissect` after them.
 */
#ifndef KITH_WIRE_FIELDS_H
#define KITH_WIRE_FIELDS_H

#include "wire.h"

enum kith_wire_kind {
    KITH_WIRE_BOOL,
    KITH_WIRE_U16,
    KITH_WIRE_U32,
    KITH_WIRE_INT,
    KITH_WIRE_STRING,
    KITH_WIRE_BYTES
};

/* A name (at most 14 letters) and its header byte, padded for two 64-bit compares. */
#define KITH_WIRE_KEY    16
#define KITH_WIRE_FIELDS 8 /* at most, in one map */

struct kith_wire_field {
    struct {
        uint8_t head;                 /* msgpack's: a0 | length */
        char name[KITH_WIRE_KEY - 1]; /* Go's, and zeroes */
    } key;                            /* as it stands on the wire */
    uint8_t mask[KITH_WIRE_KEY];      /* ff where key counts */
    uint8_t key_len;                  /* header byte included */
    uint8_t kind;                     /* enum kith_wire_kind */
    uint8_t place;                    /* in Go's struct, from 0: the order of the array form */
    bool ours;                        /* Kith's, not Go's: not in the array form, placed last */
    bool omit_empty;                  /* left out when zero (the Source* of pings) */
    uint16_t offset;                  /* of the member in struct kith_msg */
};

struct kith_wire_body {
    uint8_t count;
    struct kith_wire_field fields[KITH_WIRE_FIELDS]; /* sorted by key, as go-msgpack writes them */
};

/* The field that Go declares in this place, below count. */
static inline const struct kith_wire_field *kith_wire_declared(const struct kith_wire_body *body,
                                                               size_t place)
{
    const struct kith_wire_field *f = body->fields;
    while (f->place != place && f < body->fields + body->count - 1) f++;
    return f;
}

/* NULL when no map belongs to it. */
const struct kith_wire_body *kith_wire_body_of(enum kith_body);

#endif
