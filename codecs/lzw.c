/*
 * lzw.c - memberlist's compression layer: `09 | msgpack {Algo: 0, Buf: LZW}` (docs/WIRE.md;
 * PROTOCOL.md 1.6).
 *
 * Packets are compressed only when that makes them smaller, streams always, as memberlist does.
 * Reading is as tolerant as its msgpack decoders: any order of keys, unknown keys, all integer
 * forms, raw, str and bin.
 */
#include <kith/plugin.h>

#include "lzw.h"

/* WORTH: the shortest message that may become shorter. The k-th code stands for k bytes at most, so
 * 24 bytes take seven codes, a clear and an end, of nine bits: 11 bytes behind 13 of msgpack. */
enum { LAYER = 9, HEAD = 12, HEAD_MAX = HEAD + 5, WORTH = 25, FOREIGN_MAX = 1024 };

/* 09, a map of two, "Algo" 0, "Buf": what every sender writes. The length of Buf follows. */
static const uint8_t head[HEAD] = {LAYER, 0x82, 0xA4, 'A', 'l', 'g', 'o', 0, 0xA3, 'B', 'u', 'f'};

struct lzw {
    uint64_t min_size;
    const struct kith_host *host;
    struct lzw_mix mix;
};

/* 176 KiB, which all who compress in a world share. */
union tables {
    struct lzw_encoder encoder;
    struct lzw_decoder decoder;
};

static union tables *tables_of(const struct lzw *z)
{
    return z->host->scratch(z->host, sizeof(union tables));
}

static int lzw_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct lzw *z = self;
    uint64_t seed;
    z->host = host;
    host->random(host, &seed, sizeof seed);
    kith_lzw_mix(&z->mix, seed);
    return tables_of(z) ? 0 : kith_fail(err, KITH_ENOMEM, "no memory for its tables");
}

static void lzw_room(const void *self, struct kith_room *room)
{
    room->head = 0;
    room->tail = 0;
}

/* msgpack raw, old style. */
static unsigned raw_header(uint8_t *out, size_t len)
{
    if (len < 32) {
        out[0] = (uint8_t)(0xA0 | len);
        return 1;
    }
    unsigned n = len < 65536 ? 2 : 4;
    out[0] = n == 2 ? 0xDA : 0xDB;
    for (unsigned i = 0; i < n; i++) out[1 + i] = (uint8_t)(len >> 8 * (n - 1 - i));
    return 1 + n;
}

static int lzw_seal(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    struct lzw *z = self;
    uint8_t raw[5];
    size_t cap = lzw_bound(buf->len);
    int rc;

    if (buf->len < z->min_size) return KITH_PASS;
    if (frame->plane == KITH_PACKET) {
        if (buf->len < WORTH) return KITH_PASS;
        cap = buf->len - 1 - HEAD - 1; /* worth it only when the whole is smaller */
    }
    if ((rc = frame->reserve(frame, HEAD_MAX + cap + LZW_SLACK)) < 0) return rc;
    union tables *t = tables_of(z);
    if (!t) return -KITH_ENOMEM;
    frame->scratch->data += HEAD_MAX;
    size_t n =
        kith_lzw_encode(&t->encoder, &z->mix, buf->data, buf->len, frame->scratch->data, cap);
    unsigned r = raw_header(raw, n);
    if (!n || (frame->plane == KITH_PACKET && HEAD + r + n >= buf->len)) return KITH_PASS;

    kith_buf_put(frame->scratch, n);
    memcpy(kith_buf_push(frame->scratch, r), raw, r);
    memcpy(kith_buf_push(frame->scratch, HEAD), head, HEAD);
    kith_buf_swap(buf, frame->scratch);
    return 0;
}

/* --------------------------------------------------------------------------- reading the map */

enum kind { NIL, INT, BYTES, ARRAY, MAP, OTHER };

/* One msgpack header: what it is, its value or count, and the bytes that belong to it. */
struct item {
    enum kind kind;
    uint64_t value; /* of INT; items in ARRAY and MAP */
    size_t size;    /* of the header */
    uint64_t body;  /* bytes after it, as the wire says: compared before it is narrowed */
};

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    while (n--) v = v << 8 | *p++;
    return v;
}

/* By first byte 0xC0..0xDF: kind, bytes of length or value after it, bytes of body that every one
 * has (the type of an ext). */
enum { NEVER = 255 };
static const struct form {
    uint8_t kind, bytes, extra;
} forms[32] = {
    {NIL, 0, 0},    {OTHER, NEVER, 0}, {OTHER, 0, 0}, {OTHER, 0, 0}, {BYTES, 1, 0}, {BYTES, 2, 0},
    {BYTES, 4, 0},  {OTHER, 1, 1},     {OTHER, 2, 1}, {OTHER, 4, 1}, {OTHER, 0, 4}, {OTHER, 0, 8},
    {INT, 1, 0},    {INT, 2, 0},       {INT, 4, 0},   {INT, 8, 0},   {INT, 1, 0},   {INT, 2, 0},
    {INT, 4, 0},    {INT, 8, 0},       {OTHER, 0, 2}, {OTHER, 0, 3}, {OTHER, 0, 5}, {OTHER, 0, 9},
    {OTHER, 0, 17}, {BYTES, 1, 0},     {BYTES, 2, 0}, {BYTES, 4, 0}, {ARRAY, 2, 0}, {ARRAY, 4, 0},
    {MAP, 2, 0},    {MAP, 4, 0},
};

struct message {
    uint64_t algo;
    struct kith_bytes buf;
};

struct cursor {
    const uint8_t *data;
    size_t len, at;
    uint64_t need;    /* bytes that must be there to go on */
    uint64_t foreign; /* bytes so far that are not Buf's */
};

/* The forms that one byte says all of: integers from -32 to 127, and what is short. */
static bool short_form(uint8_t b, struct item *it)
{
    if (b < 0x80 || b >= 0xE0) {
        it->kind = INT;
        it->value = (uint64_t)(int64_t)(int8_t)b;
    } else if (b < 0xA0) {
        it->kind = b < 0x90 ? MAP : ARRAY;
        it->value = b & 0x0F;
    } else if (b < 0xC0) {
        it->kind = BYTES;
        it->value = it->body = b & 0x1F;
    } else {
        return false;
    }
    return true;
}

static bool is_negative(const uint8_t *p) { return p[0] >= 0xD0 && p[0] <= 0xD3 && p[1] & 0x80; }

/* Read a header. 1: read; 0: it is not all there; negative: no msgpack. */
static int header_read(const uint8_t *p, size_t len, struct item *it)
{
    *it = (struct item){.size = 1};
    if (!len) return 0;
    if (short_form(p[0], it)) return 1;
    const struct form *form = &forms[p[0] - 0xC0];
    if (form->bytes == NEVER) return -KITH_EMALFORMED;
    it->size += form->bytes;
    if (len < it->size) return 0;
    it->kind = (enum kind)form->kind;
    it->value = big_endian(p + 1, form->bytes);
    it->body = form->extra;
    if (it->kind == BYTES || it->kind == OTHER) it->body += it->value;
    if (is_negative(p)) it->value = UINT64_MAX; /* too large for any field */
    return 1;
}

/* Read a header and step over its body. As header_read; 0 sets need. */
static int next(struct cursor *c, struct item *it, bool foreign)
{
    int rc = header_read(c->data + c->at, c->len - c->at, it);
    if (rc < 0) return rc;
    if (foreign && (c->foreign += it->size + it->body) > FOREIGN_MAX) return -KITH_EMALFORMED;
    if (!rc || c->len - c->at - it->size < it->body) {
        c->need = c->at + it->size + it->body;
        return 0;
    }
    c->at += it->size + (size_t)it->body;
    return 1;
}

static uint64_t children(const struct item *it)
{
    return it->kind == MAP ? it->value * 2 : it->kind == ARRAY ? it->value : 0;
}

enum field { ALGO, BUF, UNKNOWN };

/* Which field comes next: in a map its key says it; an array has the fields in Go's order of
 * declaration. Returns as next(). */
static int field_read(struct cursor *c, const struct item *top, uint64_t place, enum field *field)
{
    struct item key;
    *field = place < UNKNOWN ? (enum field)place : UNKNOWN;
    if (top->kind == ARRAY) return 1;
    int rc = next(c, &key, true);
    if (rc <= 0) return rc;
    if (key.kind != BYTES) return -KITH_EMALFORMED;
    const uint8_t *name = c->data + c->at - (size_t)key.body;
    *field = key.body == 4 && !memcmp(name, "Algo", 4)  ? ALGO
             : key.body == 3 && !memcmp(name, "Buf", 3) ? BUF
                                                        : UNKNOWN;
    return 1;
}

/* Step over all that an array or a map holds, however deep. Returns as next(). */
static int children_skip(struct cursor *c, const struct item *parent)
{
    struct item it;
    for (uint64_t left = children(parent); left; left += children(&it) - 1) {
        int rc = next(c, &it, true);
        if (rc <= 0) return rc;
    }
    return 1;
}

static int value_read(struct cursor *c, enum field field, struct message *m)
{
    struct item it;
    int rc = next(c, &it, field != BUF);
    if (rc <= 0) return rc;
    if (field == UNKNOWN) return children_skip(c, &it);
    if (it.kind != NIL && it.kind != (field == ALGO ? INT : BYTES)) return -KITH_EMALFORMED;
    if (field == ALGO)
        m->algo = it.value;
    else
        m->buf = kith_bytes_of(c->data + c->at - (size_t)it.body, (size_t)it.body);
    return 1;
}

/* Read `09 map`. 1: done, c->at bytes long; 0: go on with c->need bytes. Negative: malformed.
 * Senders may know more keys than we do: what is not Buf may take FOREIGN_MAX bytes. */
static int message_read(struct cursor *c, struct message *m)
{
    struct item top;
    *m = (struct message){0};
    c->at = c->need = 1;
    if (!c->len) return 0;
    int rc = next(c, &top, true);
    if (rc == 1 && top.kind != MAP && top.kind != ARRAY) return -KITH_EMALFORMED;
    for (uint64_t i = 0; rc == 1 && i < top.value; i++) {
        enum field field;
        rc = field_read(c, &top, i, &field);
        if (rc == 1) rc = value_read(c, field, m);
    }
    return rc;
}

static int lzw_extent(const void *self, const uint8_t *data, size_t len, size_t *need)
{
    struct cursor c = {.data = data, .len = len};
    struct message m;
    int rc = message_read(&c, &m);
    if (rc == 1)
        *need = c.at;
    else
        *need = c.need < SIZE_MAX ? (size_t)c.need : SIZE_MAX; /* more than anybody takes */
    return rc;
}

/* Have room for what it decodes to. For a packet there is room for the longest; for a stream it is
 * measured first, or little would take much. Returns as kith_lzw_measure(). */
static int64_t room_for(struct kith_bytes in, struct lzw_decoder *d, struct kith_frame *frame,
                        int *rc)
{
    uint64_t limit = frame->limit < UINT32_MAX ? frame->limit : UINT32_MAX;
    int64_t n = (int64_t)limit;
    if (frame->plane == KITH_STREAM) n = kith_lzw_measure(d, in.data, in.len, limit);
    if (n >= 0) *rc = frame->reserve(frame, (size_t)n);
    return n;
}

static int lzw_open(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    struct lzw *z = self;
    struct cursor c = {.data = buf->data, .len = buf->len};
    struct message m;
    int rc = 0;
    if (message_read(&c, &m) != 1 || m.algo) return -KITH_EMALFORMED;

    union tables *t = tables_of(z);
    if (!t) return -KITH_ENOMEM;
    int64_t n = room_for(m.buf, &t->decoder, frame, &rc);
    if (rc < 0) return rc;
    if (n >= 0)
        n = kith_lzw_decode(&t->decoder, m.buf.data, m.buf.len, frame->scratch->data, (size_t)n);
    if (n < 0) return n == -1 ? -KITH_EMALFORMED : -KITH_ETOOBIG;
    kith_buf_put(frame->scratch, (size_t)n);
    kith_buf_swap(buf, frame->scratch);
    return 0;
}

static const struct kith_param lzw_params[] = {
    KITH_PARAM(struct lzw, min_size, SIZE, 0, "0", "0", "1MiB",
               "messages below are sent as they are; memberlist compresses every stream"),
    KITH_PARAM_END,
};

static const struct kith_codec_ops lzw_ops = {
    .size = sizeof lzw_ops,
    .provides = KITH_COMPRESSES,
    .packet = {.framing = KITH_OWN, .first = LAYER, .last = LAYER},
    .stream = {.framing = KITH_OWN, .first = LAYER, .last = LAYER},
    .room = lzw_room,
    .seal = lzw_seal,
    .open = lzw_open,
    .extent = lzw_extent,
};

KITH_PLUGIN(lzw) = {
    KITH_HEADER(CODEC),
    .name = "lzw",
    .version = "1.0",
    .summary = "LZW compression, as memberlist does it",
    .instance_size = sizeof(struct lzw),
    .params = lzw_params,
    .ops = &lzw_ops,
    .init = lzw_init,
};
