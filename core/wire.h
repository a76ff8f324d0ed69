/*
 * wire.h - memberlist's messages, both ways: bytes to struct and struct to bytes.
 *
 * The dialect is old-spec msgpack as go-msgpack writes it: struct = map with sorted Go field names,
 * strings and byte strings both `raw` (docs/WIRE.md). Reading is tolerant exactly as memberlist's
 * own decoders are; it makes no tree and allocates nothing: strings and byte strings point into the
 * input. Writing is byte-identical to go-msgpack 0.5.x. Knows nothing of members, time, streams'
 * state or layers.
 */
#ifndef KITH_WIRE_H
#define KITH_WIRE_H

#include <kith/plugin.h>

enum kith_msg_type {
    KITH_MSG_PING = 0,
    KITH_MSG_INDIRECT_PING = 1,
    KITH_MSG_ACK = 2,
    KITH_MSG_SUSPECT = 3,
    KITH_MSG_ALIVE = 4,
    KITH_MSG_DEAD = 5,
    KITH_MSG_PUSH_PULL = 6,
    KITH_MSG_COMPOUND = 7,
    KITH_MSG_USER = 8,
    KITH_MSG_COMPRESS = 9, /* the last four are layers: the pipeline's, not read here */
    KITH_MSG_ENCRYPT = 10,
    KITH_MSG_NACK = 11,
    KITH_MSG_CRC = 12,
    KITH_MSG_ERR = 13,
    KITH_MSG_LABEL = 244
};

/* One struct for every message that is a msgpack map: members that a type does not have stay zero.
 * data == NULL: a byte string is nil on the wire; an empty one has a pointer. */
struct kith_msg {
    uint8_t type;              /* enum kith_msg_type */
    uint32_t seq_no;           /* ping indirect_ping ack nack */
    uint32_t incarnation;      /* suspect alive dead, node state */
    struct kith_bytes node;    /* ping indirect_ping suspect alive dead; node state's Name */
    struct kith_bytes from;    /* suspect dead */
    struct kith_bytes target;  /* indirect_ping */
    struct kith_bytes addr;    /* alive, node state */
    struct kith_bytes meta;    /* alive, node state */
    struct kith_bytes vsn;     /* alive, node state: 6 bytes when well-formed */
    struct kith_bytes payload; /* ack */
    struct kith_bytes source_addr, source_node; /* ping indirect_ping; left out when empty */
    struct kith_bytes error;                    /* err */
    struct kith_bytes kith; /* ping ack push/pull, node state; left out when empty (relay.h) */
    uint16_t port, source_port;
    bool nack;                     /* indirect_ping */
    bool join;                     /* push/pull header */
    int64_t nodes, user_state_len; /* push/pull header */
    int64_t user_msg_len;          /* user message header on streams */
    int64_t state;                 /* node state */
    bool exact;                    /* it was read from what kith_wire_write makes of it */
    struct kith_bytes whole;       /* set by who knows: type byte and map, exactly; or NULL */
};

/* What map follows the type byte, or stands alone in a stream. */
enum kith_body {
    KITH_BODY_PING = KITH_MSG_PING,
    KITH_BODY_INDIRECT_PING = KITH_MSG_INDIRECT_PING,
    KITH_BODY_ACK = KITH_MSG_ACK,
    KITH_BODY_SUSPECT = KITH_MSG_SUSPECT,
    KITH_BODY_ALIVE = KITH_MSG_ALIVE,
    KITH_BODY_DEAD = KITH_MSG_DEAD,
    KITH_BODY_PUSH_PULL = KITH_MSG_PUSH_PULL,
    KITH_BODY_USER_HEADER = KITH_MSG_USER,
    KITH_BODY_NACK = KITH_MSG_NACK,
    KITH_BODY_ERR = KITH_MSG_ERR,
    KITH_BODY_NODE_STATE = 64
};

/* Read the map of `body` at data. 0: read, *used bytes long. -KITH_EAGAIN: ends before the map does
 * (a stream may bring more). -KITH_EMALFORMED: never valid. On an error *used tells how far it came
 * (for dissect). Sets everything of *msg but type. */
int kith_wire_read(struct kith_msg *msg, enum kith_body body, const uint8_t *data, size_t len,
                   size_t *used);

/* Append the map to buf. -KITH_ETOOBIG when it does not fit, buf is as before then. */
int kith_wire_write(struct kith_buf *buf, enum kith_body body, const struct kith_msg *msg);

/* Type byte and map: what a packet carries. */
int kith_wire_write_message(struct kith_buf *buf, const struct kith_msg *msg);

/* Bytes that kith_wire_write would append. */
size_t kith_wire_size(enum kith_body body, const struct kith_msg *msg);

/* Parts to send in one compound; libraries up to v0.2.3 crash on more (PROTOCOL.md 1.5). */
#define KITH_COMPOUND_MAX 127

/* Compound: `07 count lengths parts`. The iterator checks everything; parts that run past the end
 * are counted. */
struct kith_compound {
    const uint8_t *lengths, *part, *end;
    unsigned count, next, truncated;
};
/* data: after the type byte. 0 or -KITH_EMALFORMED. */
int kith_compound_open(struct kith_compound *, const uint8_t *data, size_t len);
/* The next whole part; false at the end, `truncated` then holds how many were cut off. A part may
 * be empty. */
bool kith_compound_next(struct kith_compound *, struct kith_bytes *part);

const char *kith_msg_name(uint8_t type); /* "indirect_ping"; "unknown" */

#endif
