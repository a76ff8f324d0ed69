/* wire_vectors.h - which of the vectors are messages of the core's. */
#ifndef KITH_WIRE_VECTORS_H
#define KITH_WIRE_VECTORS_H

#include "vectors.h"
#include "wire.h"

/* A vector that is one message with a map and no layer around it. */
static inline bool is_plain_message(json_t *v, struct kith_bytes bytes)
{
    if (json_object_get(v, "crypto") || !bytes.len) return false;
    switch (bytes.data[0]) {
    case KITH_MSG_PING:
    case KITH_MSG_INDIRECT_PING:
    case KITH_MSG_ACK:
    case KITH_MSG_SUSPECT:
    case KITH_MSG_ALIVE:
    case KITH_MSG_DEAD:
    case KITH_MSG_NACK:
    case KITH_MSG_ERR: return true;
    default: return false;
    }
}

#endif
