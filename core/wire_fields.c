/*
 * wire_fields.c - names, order and types of the fields of memberlist's messages
 * (PROTOCOL.md 1.1, 1.3).
 */
#include "wire_fields.h"

/* A key of n letters: the header byte a0|n and the name. */
#define KEY(n, name) .key = HEAD_##n name, .mask = MASK_##n, .key_len = sizeof(name)
#define HEAD_3       "\xa3"
#define HEAD_4       "\xa4"
#define HEAD_5       "\xa5"
#define HEAD_6       "\xa6"
#define HEAD_7       "\xa7"
#define HEAD_a       "\xaa"
#define HEAD_b       "\xab"
#define HEAD_c       "\xac"
#define FF4          255, 255, 255, 255
/* clang-format off */
#define MASK_3       {FF4}
#define MASK_4       {FF4, 255}
#define MASK_5       {FF4, 255, 255}
#define MASK_6       {FF4, 255, 255, 255}
#define MASK_7       {FF4, FF4}
#define MASK_a       {FF4, FF4, 255, 255, 255}
#define MASK_b       {FF4, FF4, FF4}
#define MASK_c       {FF4, FF4, FF4, 255}
/* clang-format on */
#define FIELD(n, name, k, member) \
    { \
        KEY(n, name), .kind = KITH_WIRE_##k, .offset = offsetof(struct kith_msg, member) \
    }
#define OPTION(n, name, k, member) \
    { \
        KEY(n, name), .kind = KITH_WIRE_##k, .offset = offsetof(struct kith_msg, member), \
                      .omit_empty = true \
    }

#define SOURCE \
    OPTION(a, "SourceAddr", BYTES, source_addr), OPTION(a, "SourceNode", STRING, source_node), \
        OPTION(a, "SourcePort", U16, source_port)

static const struct kith_wire_body ping = {
    5, {FIELD(4, "Node", STRING, node), FIELD(5, "SeqNo", U32, seq_no), SOURCE}, {1, 0, 2, 4, 3}};

static const struct kith_wire_body indirect_ping = {
    8,
    {FIELD(4, "Nack", BOOL, nack), FIELD(4, "Node", STRING, node), FIELD(4, "Port", U16, port),
     FIELD(5, "SeqNo", U32, seq_no), SOURCE, FIELD(6, "Target", BYTES, target)},
    {3, 7, 2, 1, 0, 4, 6, 5}};

static const struct kith_wire_body ack = {
    2, {FIELD(7, "Payload", BYTES, payload), FIELD(5, "SeqNo", U32, seq_no)}, {1, 0}};

static const struct kith_wire_body nack = {1, {FIELD(5, "SeqNo", U32, seq_no)}, {0}};

static const struct kith_wire_body err = {1, {FIELD(5, "Error", STRING, error)}, {0}};

/* suspect and dead */
static const struct kith_wire_body accusation = {3,
                                                 {FIELD(4, "From", STRING, from),
                                                  FIELD(b, "Incarnation", U32, incarnation),
                                                  FIELD(4, "Node", STRING, node)},
                                                 {1, 2, 0}};

static const struct kith_wire_body alive = {
    6,
    {FIELD(4, "Addr", BYTES, addr), FIELD(b, "Incarnation", U32, incarnation),
     FIELD(4, "Meta", BYTES, meta), FIELD(4, "Node", STRING, node), FIELD(4, "Port", U16, port),
     FIELD(3, "Vsn", BYTES, vsn)},
    {1, 3, 0, 4, 2, 5}};

static const struct kith_wire_body push_pull = {3,
                                                {FIELD(4, "Join", BOOL, join),
                                                 FIELD(5, "Nodes", INT, nodes),
                                                 FIELD(c, "UserStateLen", INT, user_state_len)},
                                                {1, 2, 0}};

static const struct kith_wire_body node_state = {
    7,
    {FIELD(4, "Addr", BYTES, addr), FIELD(b, "Incarnation", U32, incarnation),
     FIELD(4, "Meta", BYTES, meta), FIELD(4, "Name", STRING, node), FIELD(4, "Port", U16, port),
     FIELD(5, "State", INT, state), FIELD(3, "Vsn", BYTES, vsn)},
    {3, 0, 4, 2, 1, 5, 6}};

static const struct kith_wire_body user_header = {
    1, {FIELD(a, "UserMsgLen", INT, user_msg_len)}, {0}};

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
