/*
 * dissect_messages.c - memberlist's messages as JSON: each field of the wire's own table in snake
 * case, byte strings as hex, what is nil or absent left out. Knows nothing of layers but the
 * compound.
 */
#include "dissect.h"

#include "wire_fields.h"

#include <kith/shown.h>
#include <stdlib.h>

enum { NESTING = 16 };

static int malformed(struct kith_dissect_error *err, const char *what, size_t offset)
{
    snprintf(err->text, sizeof err->text, "%s: malformed at offset %zu", what, offset);
    return -KITH_EMALFORMED;
}

static int truncated(struct kith_dissect_error *err, const char *what, size_t offset)
{
    snprintf(err->text, sizeof err->text, "%s: ends too early, at offset %zu", what, offset);
    return -KITH_EMALFORMED;
}

/* ------------------------------------------------------------------------------------ values */

static void put_hex(json_t *o, const char *key, struct kith_bytes b)
{
    if (!b.data) return;
    char *text = malloc(2 * b.len + 1);
    if (!text) return;
    for (size_t i = 0; i < b.len; i++) {
        text[2 * i] = "0123456789abcdef"[b.data[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[b.data[i] & 15];
    }
    json_object_set_new(o, key, json_stringn(text, 2 * b.len));
    free(text);
}

/* A name, as it can be shown. */
static void put_text(json_t *o, const char *key, struct kith_bytes b)
{
    char *text = malloc(KITH_SHOWN_ROOM(b.len));
    if (!text) return;
    size_t n = kith_show(text, KITH_SHOWN_ROOM(b.len), b);
    json_object_set_new(o, key, json_stringn(text, n));
    free(text);
}

/* Go's name of a field as the rest of Kith writes names: SeqNo, seq_no. */
static void snake(const struct kith_wire_field *f, char out[2 * KITH_WIRE_KEY])
{
    size_t n = 0;
    for (const char *c = f->key.name; *c; c++) {
        bool upper = *c >= 'A' && *c <= 'Z';
        if (upper && n) out[n++] = '_';
        out[n++] = (char)(upper ? *c - 'A' + 'a' : *c);
    }
    out[n] = 0;
}

static json_t *number_json(const struct kith_wire_field *f, const void *at)
{
    switch (f->kind) {
    case KITH_WIRE_BOOL: return json_boolean(*(const bool *)at);
    case KITH_WIRE_U16: return json_integer(*(const uint16_t *)at);
    case KITH_WIRE_U32: return json_integer(*(const uint32_t *)at);
    default: return json_integer(*(const int64_t *)at);
    }
}

static void put_field(json_t *o, const struct kith_wire_field *f, const struct kith_msg *m)
{
    const void *at = (const char *)m + f->offset;
    const struct kith_bytes *bytes = at;
    char key[2 * KITH_WIRE_KEY];
    snake(f, key);
    if (f->kind == KITH_WIRE_STRING || f->kind == KITH_WIRE_BYTES) {
        if (f->omit_empty && !bytes->len) return;
        f->kind == KITH_WIRE_STRING ? put_text(o, key, *bytes) : put_hex(o, key, *bytes);
        return;
    }
    json_t *number = number_json(f, at);
    if (f->omit_empty && json_integer_value(number) == 0 && !json_is_true(number))
        json_decref(number);
    else
        json_object_set_new(o, key, number);
}

/* The fields of a map, in the order in which Go declares them. */
static void put_fields(json_t *o, enum kith_body body, const struct kith_msg *m)
{
    const struct kith_wire_body *shape = kith_wire_body_of(body);
    for (unsigned i = 0; shape && i < shape->count; i++)
        put_field(o, kith_wire_declared(shape, i), m);
}

static json_t *message_json(uint8_t type, const struct kith_msg *m)
{
    json_t *o = json_pack("{s:s}", "type", kith_msg_name(type));
    put_fields(o, (enum kith_body)type, m);
    return o;
}

/* ----------------------------------------------------------------------------------- packets */

/* Messages that are a map and nothing else, and so may be in a packet. */
static bool is_map(uint8_t type)
{
    bool headed = type == KITH_MSG_PUSH_PULL || type == KITH_MSG_USER; /* more follows the map */
    return !headed && type != KITH_BODY_NODE_STATE && kith_wire_body_of((enum kith_body)type);
}

static int read_map(enum kith_body body, struct kith_bytes in, size_t *at, struct kith_msg *m,
                    const char *what, struct kith_dissect_error *err)
{
    size_t used = 0;
    int rc = kith_wire_read(m, body, in.data + *at, in.len - *at, &used);
    *at += used;
    if (rc == -KITH_EAGAIN) return truncated(err, what, *at);
    return rc ? malformed(err, what, *at) : 0;
}

/* One message at `base` of the opened packet; compounds nest. */
static int read_packet(struct kith_bytes in, size_t base, int depth, json_t *layers,
                       json_t *messages, struct kith_dissect_error *err)
{
    if (!in.len) return truncated(err, "message", base);
    uint8_t type = in.data[0];
    if (type == KITH_MSG_COMPOUND) {
        struct kith_compound c;
        struct kith_bytes part;
        if (depth == NESTING) return malformed(err, "compound (nested too deep)", base);
        if (kith_compound_open(&c, in.data + 1, in.len - 1))
            return truncated(err, "compound", base + 1);
        json_array_append_new(layers,
                              json_pack("{s:s,s:i}", "layer", "compound", "parts", in.data[1]));
        int rc = 0;
        while (!rc && kith_compound_next(&c, &part))
            rc = read_packet(part, base + (size_t)(part.data - in.data), depth + 1, layers,
                             messages, err);
        return rc ? rc : c.truncated ? truncated(err, "compound", base + in.len) : 0;
    }
    if (type == KITH_MSG_USER) {
        json_t *o = json_pack("{s:s}", "type", "user");
        put_hex(o, "payload", kith_bytes_of(in.data + 1, in.len - 1));
        json_array_append_new(messages, o);
        return 0;
    }
    struct kith_msg m = {0};
    size_t at = 1;
    if (!is_map(type)) {
        snprintf(err->text, sizeof err->text,
                 "message: type %u (%s) can't be in a packet, at offset %zu", type,
                 kith_msg_name(type), base);
        return -KITH_EMALFORMED;
    }
    int rc = read_map((enum kith_body)type, in, &at, &m, kith_msg_name(type), err);
    if (rc) return rc;
    json_array_append_new(messages, message_json(type, &m));
    return 0;
}

int kith_dissect_packet(struct kith_bytes in, json_t *layers, json_t *messages,
                        struct kith_dissect_error *err)
{
    return read_packet(in, 0, 0, layers, messages, err);
}

/* ----------------------------------------------------------------------------------- streams */

static int read_push_pull(struct kith_bytes in, size_t *at, json_t *messages,
                          struct kith_dissect_error *err)
{
    struct kith_msg head = {0}, node = {0};
    int rc = read_map(KITH_BODY_PUSH_PULL, in, at, &head, "push_pull header", err);
    if (rc) return rc;
    if (head.nodes < 0 || head.user_state_len < 0) return malformed(err, "push_pull header", *at);
    json_t *o = message_json(KITH_MSG_PUSH_PULL, &head), *nodes = json_array();
    json_object_set_new(o, "nodes", nodes); /* themselves, instead of their number */
    json_object_del(o, "user_state_len");
    json_array_append_new(messages, o);
    for (int64_t i = 0; i < head.nodes; i++) {
        memset(&node, 0, sizeof node);
        rc = read_map(KITH_BODY_NODE_STATE, in, at, &node, "push_pull node", err);
        if (rc) return rc;
        json_t *n = json_object();
        put_fields(n, KITH_BODY_NODE_STATE, &node);
        json_array_append_new(nodes, n);
    }
    if ((uint64_t)head.user_state_len > in.len - *at)
        return truncated(err, "push_pull user state", in.len);
    put_hex(o, "user_state", kith_bytes_of(in.data + *at, (size_t)head.user_state_len));
    *at += (size_t)head.user_state_len;
    return 0;
}

static int read_user(struct kith_bytes in, size_t *at, json_t *messages,
                     struct kith_dissect_error *err)
{
    struct kith_msg head = {0};
    int rc = read_map(KITH_BODY_USER_HEADER, in, at, &head, "user header", err);
    if (rc) return rc;
    if (head.user_msg_len < 0) return malformed(err, "user header", *at);
    if ((uint64_t)head.user_msg_len > in.len - *at) return truncated(err, "user", in.len);
    json_t *o = json_pack("{s:s}", "type", "user");
    put_hex(o, "payload", kith_bytes_of(in.data + *at, (size_t)head.user_msg_len));
    json_array_append_new(messages, o);
    *at += (size_t)head.user_msg_len;
    return 0;
}

int kith_dissect_stream(struct kith_bytes in, json_t *layers, json_t *messages,
                        struct kith_dissect_error *err)
{
    if (!in.len) return truncated(err, "message", 0);
    uint8_t type = in.data[0];
    size_t at = 1;
    if (type == KITH_MSG_PUSH_PULL) return read_push_pull(in, &at, messages, err);
    if (type == KITH_MSG_USER) return read_user(in, &at, messages, err);
    if (type != KITH_MSG_PING && type != KITH_MSG_ACK && type != KITH_MSG_ERR) {
        snprintf(err->text, sizeof err->text,
                 "message: type %u (%s) can't be on a stream, at offset 0", type,
                 kith_msg_name(type));
        return -KITH_EMALFORMED;
    }
    struct kith_msg m = {0};
    int rc = read_map((enum kith_body)type, in, &at, &m, kith_msg_name(type), err);
    if (rc) return rc;
    json_array_append_new(messages, message_json(type, &m));
    return 0;
}
