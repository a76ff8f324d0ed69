/*
 * wire_fields.c - names, order and types of the fields of memberlist's messages
 * (PROTOCOL.md 1.1, 1.3). A new field is a row here and its member in struct kith_msg; reader,
 * writer and `kith dissect` follow.
 */
#include "wire_fields.h"

/* A row: name, kind, member of struct kith_msg, place in Go's struct. Rows are sorted by name. */
#define FIELD(name, k, member, in_go)  ROW(name, k, member, in_go, false)
#define OPTION(name, k, member, in_go) ROW(name, k, member, in_go, true)
#define OURS(name, k, member, last)    ROW(name, k, member, last, true, .ours = true)

#define ROW(text, k, member, in_go, optional, ...) \
    { \
        .key = {0xa0 | (sizeof(text) - 1), text}, .mask = MASK(sizeof(text)), \
        .key_len = sizeof(text), .kind = KITH_WIRE_##k, .place = in_go, .omit_empty = optional, \
        .offset = offsetof(struct kith_msg, member), __VA_ARGS__ \
    }
/* Length of the key and its header byte: as many ff. */
#define MASK(n) \
    { \
        FF4(n, 0), FF4(n, 4), FF4(n, 8), FF4(n, 12) \
    }
#define FF4(n, i) FF(n, i), FF(n, i + 1), FF(n, i + 2), FF(n, i + 3)
#define FF(n, i)  ((n) > (i) ? 255 : 0)

#define BODY(...) \
    { \
        .count = sizeof((struct kith_wire_field[]){__VA_ARGS__}) / sizeof(struct kith_wire_field), \
        .fields = { \
            __VA_ARGS__ \
        } \
    }

/* clang-format off */
/* Who asks; the last three of Go's struct. */
#define SOURCE(first) \
    OPTION("SourceAddr", BYTES, source_addr, first), \
    OPTION("SourceNode", STRING, source_node, first + 2), \
    OPTION("SourcePort", U16, source_port, first + 1)

static const struct kith_wire_body ping = BODY(
    OURS("Kith", BYTES, kith, 5),
    FIELD("Node", STRING, node, 1),
    FIELD("SeqNo", U32, seq_no, 0),
    SOURCE(2)
);

static const struct kith_wire_body indirect_ping = BODY(
    FIELD("Nack", BOOL, nack, 4),
    FIELD("Node", STRING, node, 3),
    FIELD("Port", U16, port, 2),
    FIELD("SeqNo", U32, seq_no, 0),
    SOURCE(5),
    FIELD("Target", BYTES, target, 1)
);

static const struct kith_wire_body ack = BODY(
    OURS("Kith", BYTES, kith, 2),
    FIELD("Payload", BYTES, payload, 1),
    FIELD("SeqNo", U32, seq_no, 0)
);

static const struct kith_wire_body nack = BODY(
    FIELD("SeqNo", U32, seq_no, 0)
);

static const struct kith_wire_body err = BODY(
    FIELD("Error", STRING, error, 0)
);

/* suspect and dead */
static const struct kith_wire_body accusation = BODY(
    FIELD("From", STRING, from, 2),
    FIELD("Incarnation", U32, incarnation, 0),
    FIELD("Node", STRING, node, 1)
);

static const struct kith_wire_body alive = BODY(
    FIELD("Addr", BYTES, addr, 2),
    FIELD("Incarnation", U32, incarnation, 0),
    FIELD("Meta", BYTES, meta, 4),
    FIELD("Node", STRING, node, 1),
    FIELD("Port", U16, port, 3),
    FIELD("Vsn", BYTES, vsn, 5)
);

static const struct kith_wire_body push_pull = BODY(
    FIELD("Join", BOOL, join, 2),
    OURS("Kith", BYTES, kith, 3),
    FIELD("Nodes", INT, nodes, 0),
    FIELD("UserStateLen", INT, user_state_len, 1)
);

static const struct kith_wire_body node_state = BODY(
    FIELD("Addr", BYTES, addr, 1),
    FIELD("Incarnation", U32, incarnation, 4),
    OURS("Kith", BYTES, kith, 7),
    FIELD("Meta", BYTES, meta, 3),
    FIELD("Name", STRING, node, 0),
    FIELD("Port", U16, port, 2),
    FIELD("State", INT, state, 5),
    FIELD("Vsn", BYTES, vsn, 6)
);

static const struct kith_wire_body user_header = BODY(
    FIELD("UserMsgLen", INT, user_msg_len, 0)
);
/* clang-format on */

const struct kith_wire_body *kith_wire_body_of(enum kith_body body)
{
    switch (body) {
    case KITH_BODY_PING: return &ping;
    case KITH_BODY_INDIRECT_PING: return &indirect_ping;
    case KITH_BODY_ACK: return &ack;
    case KITH_BODY_SUSPECT:
    case KITH_BODY_DEAD: return &accusation;
    case KITH_BODY_ALIVE: return &alive;
    case KITH_BODY_PUSH_PULL: return &push_pull;
    case KITH_BODY_USER_HEADER: return &user_header;
    case KITH_BODY_NACK: return &nack;
    case KITH_BODY_ERR: return &err;
    case KITH_BODY_NODE_STATE: return &node_state;
    }
    return NULL;
}

const char *kith_msg_name(uint8_t type)
{
    static const char *const names[] = {
        "ping",     "indirect_ping", "ack",      "suspect", "alive", "dead", "push_pull",
        "compound", "user",          "compress", "encrypt", "nack",  "crc",  "err"};
    if (type == KITH_MSG_LABEL) return "label";
    return type < sizeof names / sizeof *names ? names[type] : "unknown";
}
