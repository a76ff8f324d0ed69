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

/* Longest key (UserStateLen, 12) and its header byte, padded for two 64-bit compares. */
#define KITH_WIRE_KEY 16

struct kith_wire_field {
    uint8_t key[KITH_WIRE_KEY];  /* as it stands on the wire: header byte, name, zeroes */
    uint8_t mask[KITH_WIRE_KEY]; /* ff where key counts */
    uint8_t key_len;             /* header byte included */
    uint8_t kind;                /* enum kith_wire_kind */
    bool omit_empty;             /* left out when zero (the Source* of pings) */
    uint16_t offset;             /* of the member in struct kith_msg */
};

struct kith_wire_body {
    uint8_t count;
    struct kith_wire_field fields[8]; /* sorted by key, as go-msgpack writes them */
    /* The order of the array form: Go's declaration order, as indices of fields. */
    uint8_t declared[8];
};

/* NULL when no map belongs to it. */
const struct kith_wire_body *kith_wire_body_of(enum kith_body);

#endif
