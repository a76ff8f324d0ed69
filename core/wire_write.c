/*
 * wire_write.c - struct to bytes, byte-identical to go-msgpack 0.5.x: sorted keys, strings and byte
 * strings as `raw`, integers unsigned and as short as they go (PROTOCOL.md 1.2). The bytes of the
 * dialect come from msgpack-c's packer template, told to append to a struct kith_buf: nothing of
 * the library is linked.
 */
#include "wire_fields.h"

#include <msgpack/pack_define.h>

/* Where bytes go. It counts on when there is no room, so the same walk measures, writes and notices
 * an overflow. */
struct sink {
    uint8_t *out;
    size_t room, len;
};

/* All of it is inlined, so that what is known of a field's room counts for each byte of it. */
#define INLINE static inline __attribute__((always_inline))

INLINE void sink_append(struct sink *s, const void *bytes, size_t n)
{
    if (n && s->len + n <= s->room) memcpy(s->out + s->len, bytes, n);
    s->len += n;
}

/* Names, addresses, versions: few bytes, which are not worth a call. Those that are copied twice
 * are the same both times. */
INLINE void copy_short(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n >= 8) {
        memcpy(to, from, 8);
        memcpy(to + n - 8, from + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, from, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else {
        for (size_t i = 0; i < n; i++) to[i] = from[i];
    }
}

#define PACK INLINE __attribute__((unused)) int

/* The template's names for what we give it; it calls msgpack_pack_ext() before declaring it. */
#define msgpack_pack_inline_func(name)             PACK wire_pack##name
#define msgpack_pack_inline_func_cint(name)        PACK wire_pack##name
#define msgpack_pack_inline_func_fixint(name)      PACK wire_pack_fix##name
#define msgpack_pack_ext                           wire_pack_ext
#define msgpack_pack_user                          struct sink *
#define msgpack_pack_append_buffer(user, bytes, n) return sink_append((user), (bytes), (n)), 0
#include <msgpack/timestamp.h>
#include <msgpack/pack_template.h>

INLINE void put_raw(struct sink *s, struct kith_bytes b)
{
    wire_pack_v4raw(s, b.len);
    if (b.len <= 16 && s->len + b.len <= s->room) {
        copy_short(s->out + s->len, b.data, b.len);
        s->len += b.len;
    } else {
        wire_pack_v4raw_body(s, b.data, b.len);
    }
}

static bool is_empty(const struct kith_wire_field *f, const uint8_t *member)
{
    switch ((enum kith_wire_kind)f->kind) {
    case KITH_WIRE_BOOL: return !*(const bool *)member;
    case KITH_WIRE_U16: return *(const uint16_t *)member == 0;
    case KITH_WIRE_U32: return *(const uint32_t *)member == 0;
    case KITH_WIRE_INT: return *(const int64_t *)member == 0;
    case KITH_WIRE_STRING:
    case KITH_WIRE_BYTES: break;
    }
    return ((const struct kith_bytes *)member)->len == 0;
}

/* A key stands in the table as msgpack has it; where there is room, a copy of fixed size is the
 * quicker one. */
INLINE void put_key(struct sink *s, const struct kith_wire_field *f)
{
    if (s->len + KITH_WIRE_KEY <= s->room) {
        memcpy(s->out + s->len, &f->key, KITH_WIRE_KEY);
        s->len += f->key_len;
    } else {
        sink_append(s, &f->key, f->key_len);
    }
}

INLINE void put_pair(struct sink *s, const struct kith_wire_field *f, const uint8_t *member)
{
    put_key(s, f);
    switch ((enum kith_wire_kind)f->kind) {
    case KITH_WIRE_BOOL: *(const bool *)member ? wire_pack_true(s) : wire_pack_false(s); return;
    case KITH_WIRE_U16: wire_pack_uint16(s, *(const uint16_t *)member); return;
    case KITH_WIRE_U32: wire_pack_uint32(s, *(const uint32_t *)member); return;
    case KITH_WIRE_INT: wire_pack_int64(s, *(const int64_t *)member); return;
    case KITH_WIRE_STRING: put_raw(s, *(const struct kith_bytes *)member); return;
    case KITH_WIRE_BYTES:
        if (((const struct kith_bytes *)member)->data)
            put_raw(s, *(const struct kith_bytes *)member);
        else
            wire_pack_nil(s);
        return;
    }
}

/* Where it surely fits nothing is looked at again. */
static void put_field(struct sink *s, const struct kith_wire_field *f, const uint8_t *member)
{
    size_t most = 2 * KITH_WIRE_KEY;
    if (f->kind >= KITH_WIRE_STRING) most += ((const struct kith_bytes *)member)->len;
    if (s->len + most <= s->room) {
        struct sink roomy = {.out = s->out, .room = SIZE_MAX, .len = s->len};
        put_pair(&roomy, f, member);
        s->len = roomy.len;
    } else {
        put_pair(s, f, member);
    }
}

/* The head of the map, whose count is known last, is a byte: fields are no more than 15. */
static void put_body(struct sink *s, const struct kith_wire_body *body, const struct kith_msg *msg)
{
    struct sink head = *s;
    size_t n = 0;
    s->len++;
    for (size_t i = 0; i < body->count; i++) {
        const struct kith_wire_field *f = &body->fields[i];
        const uint8_t *member = (const uint8_t *)msg + f->offset;
        if (f->omit_empty && is_empty(f, member)) continue;
        put_field(s, f, member);
        n++;
    }
    wire_pack_map(&head, n);
}

/* Append a type byte (when >= 0) and the map. */
static int append(struct kith_buf *buf, int type, const struct kith_wire_body *body,
                  const struct kith_msg *msg)
{
    if (!body) return -KITH_EINVAL;
    struct sink s = {.out = buf->data + buf->len, .room = kith_buf_tailroom(buf)};
    if (type >= 0) sink_append(&s, &(uint8_t){(uint8_t)type}, 1);
    put_body(&s, body, msg);
    if (s.len > s.room) return -KITH_ETOOBIG;
    buf->len += s.len;
    return 0;
}

int kith_wire_write(struct kith_buf *buf, enum kith_body body, const struct kith_msg *msg)
{
    return append(buf, -1, kith_wire_body_of(body), msg);
}

int kith_wire_write_message(struct kith_buf *buf, const struct kith_msg *msg)
{
    return append(buf, msg->type,
                  msg->type == KITH_BODY_NODE_STATE ? NULL
                                                    : kith_wire_body_of((enum kith_body)msg->type),
                  msg);
}

size_t kith_wire_size(enum kith_body body, const struct kith_msg *msg)
{
    struct sink s = {0};
    const struct kith_wire_body *shape = kith_wire_body_of(body);
    if (shape) put_body(&s, shape, msg);
    return s.len;
}
