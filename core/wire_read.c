/*
 * wire_read.c - bytes to struct, as tolerant as memberlist's own decoders (PROTOCOL.md 1.2):
 * integers in any form that fits, str8 and bin where they take it, unknown keys skipped whatever
 * they hold, the last of equal keys, a struct as map or as array. Where its two generations of
 * decoders differ, the stricter: keys and strings as bin are refused, and so is an integer over
 * 2^63-1 for a Go int. One rule is our own: a byte string that comes as an array of integers is
 * taken when its bytes lie in the input as they are, that is all under 128; nothing is allocated
 * here to put others together.
 *
 * This is a direct reader and not an instance of msgpack-c's unpack template. What a value may be
 * depends on the field that it is for, which the template's callbacks can't know before the value
 * is complete, nor do they learn where an array began; and it costs two and a half times as much
 * (85 against 34 ns an alive). It is one checked pass without recursion: a value to skip needs a
 * counter, no stack, however deep it nests.
 */
#include "wire_fields.h"

struct reader {
    const uint8_t *p, *end;
    bool exact; /* all of it stands as wire_write.c would write it */
};

enum { NIL = 0xc0, FALSE = 0xc2, TRUE = 0xc3 };

static inline size_t left(const struct reader *r) { return (size_t)(r->end - r->p); }

/* n big-endian bytes after the header byte; moves on behind them. */
static int take_be(struct reader *r, unsigned n, uint64_t *v)
{
    if (left(r) < 1 + (size_t)n) return -KITH_EAGAIN;
    uint64_t x = 0;
    for (unsigned i = 1; i <= n; i++) x = x << 8 | r->p[i];
    r->p += 1 + n;
    *v = x;
    return 0;
}

/* ---------------------------------------------------------------------------------- skipping */

/* What follows a header byte: n bytes of length or number, how the value goes on, how many elements
 * or bytes follow. */
enum shape { SCALAR, BLOB, EXT, ARRAY, MAP, NEVER };
struct header {
    uint8_t shape, size;
};

static struct header header_of(uint8_t b)
{
    static const struct header upper[32] = {[0x00] = {SCALAR, 0},
                                            [0x01] = {NEVER, 0},
                                            [0x02] = {SCALAR, 0},
                                            [0x03] = {SCALAR, 0},
                                            [0x04] = {BLOB, 1},
                                            [0x05] = {BLOB, 2},
                                            [0x06] = {BLOB, 4},
                                            [0x07] = {EXT, 1},
                                            [0x08] = {EXT, 2},
                                            [0x09] = {EXT, 4},
                                            [0x0a] = {SCALAR, 4},
                                            [0x0b] = {SCALAR, 8},
                                            [0x0c] = {SCALAR, 1},
                                            [0x0d] = {SCALAR, 2},
                                            [0x0e] = {SCALAR, 4},
                                            [0x0f] = {SCALAR, 8},
                                            [0x10] = {SCALAR, 1},
                                            [0x11] = {SCALAR, 2},
                                            [0x12] = {SCALAR, 4},
                                            [0x13] = {SCALAR, 8},
                                            /* fixext: a type byte and 1 to 16 bytes */
                                            [0x14] = {SCALAR, 2},
                                            [0x15] = {SCALAR, 3},
                                            [0x16] = {SCALAR, 5},
                                            [0x17] = {SCALAR, 9},
                                            [0x18] = {SCALAR, 17},
                                            [0x19] = {BLOB, 1},
                                            [0x1a] = {BLOB, 2},
                                            [0x1b] = {BLOB, 4},
                                            [0x1c] = {ARRAY, 2},
                                            [0x1d] = {ARRAY, 4},
                                            [0x1e] = {MAP, 2},
                                            [0x1f] = {MAP, 4}};
    if (b < 0x80 || b >= 0xe0) return (struct header){SCALAR, 0};
    if (b < 0x90) return (struct header){MAP, 0};
    if (b < 0xa0) return (struct header){ARRAY, 0};
    if (b < 0xc0) return (struct header){BLOB, 0};
    return upper[b - 0xc0];
}

static int skip_bytes(struct reader *r, uint64_t n)
{
    if (left(r) < n) return -KITH_EAGAIN;
    r->p += n;
    return 0;
}

/* Skip `values` values. The sum can't overflow: each header of a container adds less than 2^33. */
static int skip(struct reader *r, uint64_t values)
{
    while (values--) {
        if (!left(r)) return -KITH_EAGAIN;
        uint8_t b = *r->p;
        struct header h = header_of(b);
        int e;
        if (h.shape == NEVER) return -KITH_EMALFORMED;
        if (h.shape == SCALAR) {
            if ((e = skip_bytes(r, 1u + h.size)) != 0) return e;
            continue;
        }
        uint64_t n = h.shape == BLOB ? b & 0x1f : b & 0x0f;
        if (h.size) {
            if ((e = take_be(r, h.size, &n)) != 0) return e;
        } else {
            r->p++;
        }
        if (h.shape == MAP)
            values += 2 * n;
        else if (h.shape == ARRAY)
            values += n;
        else if ((e = skip_bytes(r, n + (h.shape == EXT))) != 0)
            return e;
    }
    return 0;
}

/* ------------------------------------------------------------------------------------ values */

/* An integer of any form, 0..max. Negative ones and other types are refused. */
static int read_uint(struct reader *r, uint64_t max, uint64_t *v)
{
    uint8_t b = *r->p;
    if (b < 0x80) {
        r->p++;
        *v = b;
        return 0;
    }
    if (b == NIL) {
        r->p++;
        *v = 0;
        return 0;
    }
    if (b < 0xcc || b > 0xd3) return -KITH_EMALFORMED;
    unsigned n = 1u << (b & 3);
    const struct reader before = *r;
    int e = take_be(r, n, v);
    if (e) return e;
    if (*v > max || (b >= 0xd0 && *v >> (8 * n - 1))) {
        *r = before;
        return -KITH_EMALFORMED;
    }
    return 0;
}

static int64_t sign_extend(uint64_t v, unsigned bytes)
{
    unsigned shift = 64 - 8 * bytes;
    return (int64_t)(v << shift) >> shift;
}

/* A Go int: negative ones too. */
static int read_int(struct reader *r, int64_t *out)
{
    uint8_t b = *r->p;
    uint64_t v;
    int e;
    if (b >= 0xe0) {
        r->p++;
        *out = (int8_t)b;
        return 0;
    }
    if (b >= 0xd0 && b <= 0xd3) {
        unsigned n = 1u << (b & 3);
        if ((e = take_be(r, n, &v)) != 0) return e;
        *out = sign_extend(v, n);
        return 0;
    }
    if ((e = read_uint(r, INT64_MAX, &v)) != 0) return e;
    *out = (int64_t)v;
    return 0;
}

static int read_bool(struct reader *r, bool *v)
{
    switch (*r->p) {
    case TRUE:
    case 1: *v = true; break;
    case FALSE:
    case NIL:
    case 0: *v = false; break;
    default: return -KITH_EMALFORMED;
    }
    r->p++;
    return 0;
}

static int take_blob(struct reader *r, uint64_t n, struct kith_bytes *out)
{
    if (left(r) < n) return -KITH_EAGAIN;
    *out = kith_bytes_of(r->p, (size_t)n);
    r->p += n;
    return 0;
}

/* A byte string sent as an array: taken while each element is one byte, 0 to 127. */
static int read_byte_array(struct reader *r, struct kith_bytes *out)
{
    struct header h = header_of(*r->p);
    uint64_t n = *r->p & 0x0f;
    int e = 0;
    if (h.size)
        e = take_be(r, h.size, &n);
    else
        r->p++;
    if (e) return e;
    const uint8_t *first = r->p;
    for (; n; n--, r->p++) {
        if (!left(r)) return -KITH_EAGAIN;
        if (*r->p >= 0x80) return -KITH_EMALFORMED;
    }
    *out = kith_bytes_of(first, (size_t)(r->p - first));
    return 0;
}

/* raw and str; bytes: bin and an array of integers too. nil makes data NULL. */
static int read_blob(struct reader *r, bool bytes, struct kith_bytes *out)
{
    uint8_t b = *r->p;
    if ((b & 0xe0) == 0xa0) {
        r->p++;
        return take_blob(r, b & 0x1f, out);
    }
    if (b == NIL) {
        r->p++;
        *out = (struct kith_bytes){NULL, 0};
        return 0;
    }
    struct header h = header_of(b);
    if (bytes && h.shape == ARRAY) return read_byte_array(r, out);
    if (h.shape != BLOB || (b < 0xd9 && !bytes)) return -KITH_EMALFORMED;
    uint64_t n;
    int e = take_be(r, h.size, &n);
    return e ? e : take_blob(r, n, out);
}

static int read_value(struct reader *r, const struct kith_wire_field *f, struct kith_msg *msg)
{
    void *member = (uint8_t *)msg + f->offset;
    uint64_t v;
    int e;
    if (r->p == r->end) return -KITH_EAGAIN;
    switch ((enum kith_wire_kind)f->kind) {
    case KITH_WIRE_BOOL: return read_bool(r, member);
    case KITH_WIRE_U16:
        if ((e = read_uint(r, UINT16_MAX, &v)) == 0) *(uint16_t *)member = (uint16_t)v;
        return e;
    case KITH_WIRE_U32:
        if ((e = read_uint(r, UINT32_MAX, &v)) == 0) *(uint32_t *)member = (uint32_t)v;
        return e;
    case KITH_WIRE_INT: return read_int(r, member);
    case KITH_WIRE_STRING: return read_blob(r, false, member);
    case KITH_WIRE_BYTES: return read_blob(r, true, member);
    }
    return -KITH_EMALFORMED;
}

/* ------------------------------------------------------------------------------------- maps */

/* Is f's key at p, written as go-msgpack writes it? Wide compares where the input is long enough.
 */
static inline bool key_is_here(const uint8_t *p, const uint8_t *end,
                               const struct kith_wire_field *f)
{
    size_t ahead = (size_t)(end - p);
    uint64_t in[2], key[2], mask[2];
    memcpy(key, &f->key, sizeof key);
    memcpy(mask, f->mask, sizeof mask);
    if (ahead >= KITH_WIRE_KEY) {
        memcpy(in, p, sizeof in);
        return (((in[0] ^ key[0]) & mask[0]) | ((in[1] ^ key[1]) & mask[1])) == 0;
    }
    if (ahead >= 8 && f->key_len <= 8) {
        memcpy(in, p, 8);
        return ((in[0] ^ key[0]) & mask[0]) == 0;
    }
    return ahead >= f->key_len && memcmp(p, &f->key, f->key_len) == 0;
}

/* Fast path: f's value in the forms that are usual, and that wire_write.c uses. Returns what
 * follows it, or NULL: use read_value(). */
static inline const uint8_t *quick_value(const uint8_t *p, const uint8_t *end,
                                         const struct kith_wire_field *f, struct kith_msg *msg)
{
    void *member = (uint8_t *)msg + f->offset;
    if (p == end) return NULL;
    uint8_t b = *p++;
    if (f->kind >= KITH_WIRE_STRING) {
        struct kith_bytes *out = member;
        if (b == NIL && f->kind == KITH_WIRE_BYTES) {
            *out = kith_bytes_of(NULL, 0);
            return p;
        }
        size_t len = b & 0x1f;
        if ((b & 0xe0) != 0xa0 || (size_t)(end - p) < len) return NULL;
        *out = kith_bytes_of(p, len);
        return p + len;
    }
    uint32_t v = b;
    if (b == 0xcd && end - p >= 2 && p[0]) {
        v = (uint32_t)p[0] << 8 | p[1];
        p += 2;
    } else if (b >= 0x80) {
        return NULL;
    }
    if (f->kind == KITH_WIRE_U16)
        *(uint16_t *)member = (uint16_t)v;
    else if (f->kind == KITH_WIRE_U32)
        *(uint32_t *)member = v;
    else if (f->kind == KITH_WIRE_INT)
        *(int64_t *)member = v;
    else
        return NULL;
    return p;
}

/* Any key in any form; NULL in *out: not one of ours. */
static int read_key(struct reader *r, const struct kith_wire_body *body,
                    const struct kith_wire_field **out)
{
    struct kith_bytes key;
    *out = NULL;
    if (!left(r)) return -KITH_EAGAIN;
    if (*r->p == NIL) return -KITH_EMALFORMED;
    int e = read_blob(r, false, &key);
    if (e) return e;
    for (size_t i = 0; i < body->count; i++) {
        const struct kith_wire_field *f = &body->fields[i];
        if (key.len + 1 == f->key_len && memcmp(key.data, f->key.name, key.len) == 0) *out = f;
    }
    return 0;
}

/* `at` is a variable of its own, apart from r, so that it stays in a register on the quick way. */
static int read_map(struct reader *r, const struct kith_wire_body *body, uint64_t pairs,
                    struct kith_msg *msg)
{
    const uint8_t *at = r->p, *const end = r->end;
    size_t next = 0; /* the field that a sender of sorted keys writes next */
    bool exact = pairs == body->count;
    for (; pairs; pairs--) {
        while (next + 1 < body->count && body->fields[next].omit_empty &&
               !key_is_here(at, end, &body->fields[next]))
            next++;
        const struct kith_wire_field *f = &body->fields[next];
        int e;
        if (next < body->count && key_is_here(at, end, f)) {
            const uint8_t *behind = quick_value(at + f->key_len, end, f, msg);
            next++;
            if (behind) {
                at = behind;
                exact &= !f->omit_empty;
                continue;
            }
            r->p = at + f->key_len;
        } else {
            r->p = at;
            if ((e = read_key(r, body, &f)) != 0) return e;
            if (f) next = (size_t)(f - body->fields) + 1;
        }
        e = f ? read_value(r, f, msg) : skip(r, 1);
        if (e) return e;
        exact = false;
        at = r->p;
    }
    r->p = at;
    r->exact = exact;
    return 0;
}

static int read_array(struct reader *r, const struct kith_wire_body *body, uint64_t values,
                      struct kith_msg *msg)
{
    for (size_t i = 0; i < body->count && values; i++, values--) {
        const struct kith_wire_field *f = kith_wire_declared(body, i);
        if (f->ours) break;
        int e = read_value(r, f, msg);
        if (e) return e;
    }
    return skip(r, values);
}

static int read_body(struct reader *r, const struct kith_wire_body *body, struct kith_msg *msg)
{
    if (!left(r)) return -KITH_EAGAIN;
    uint8_t b = *r->p;
    if ((b & 0xf0) == 0x80) {
        r->p++;
        return read_map(r, body, b & 0x0f, msg);
    }
    if (b == NIL) {
        r->p++;
        return 0;
    }
    struct header h = header_of(b);
    if (h.shape != MAP && h.shape != ARRAY) return -KITH_EMALFORMED;
    uint64_t n = b & 0x0f;
    int e = 0;
    if (h.size)
        e = take_be(r, h.size, &n);
    else
        r->p++;
    if (e) return e;
    e = h.shape == MAP ? read_map(r, body, n, msg) : read_array(r, body, n, msg);
    r->exact = false;
    return e;
}

/* The C library's memset: of a length that it knows gcc makes a `rep stos`, which takes as long as
 * the whole of a short message. */
static __attribute__((noinline)) void clear(struct kith_msg *msg, const struct kith_msg *end)
{
    memset(msg, 0, (size_t)((const uint8_t *)end - (uint8_t *)msg));
}

int kith_wire_read(struct kith_msg *msg, enum kith_body body, const uint8_t *data, size_t len,
                   size_t *used)
{
    const struct kith_wire_body *shape = kith_wire_body_of(body);
    *used = 0;
    if (!shape) return -KITH_EINVAL;
    uint8_t type = msg->type;
    clear(msg, msg + 1);
    msg->type = type;
    struct reader r = {data, data + len, false};
    int e = read_body(&r, shape, msg);
    msg->exact = r.exact;
    *used = (size_t)(r.p - data);
    return e;
}
