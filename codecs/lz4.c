/*
 * lz4.c - LZ4: `length of the message (LEB128) | block`, framed by the host (docs/WIRE.md, layer
 * 0x89). The fastest.
 */
#include <kith/plugin.h>
#include <lz4.h>

enum { LAYER = 0x89, FRAMING = 5, LENGTH_MAX = 5 };

struct lz4 {
    uint32_t acceleration;
    uint64_t min_size;
    const struct kith_host *host;
};

/* 16 KiB that nothing needs between calls: the world's. */
static void *state_of(const struct lz4 *z)
{
    return z->host->scratch(z->host, (size_t)LZ4_sizeofState());
}

static int lz4_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct lz4 *z = self;
    z->host = host;
    return state_of(z) ? 0 : kith_fail(err, KITH_ENOMEM, "no memory for lz4");
}

static void lz4_room(const void *self, struct kith_room *room)
{
    room->head = 0;
    room->tail = 0;
}

static unsigned length_write(uint8_t *out, size_t len)
{
    unsigned n = 0;
    for (; len >= 0x80; len >>= 7) out[n++] = (uint8_t)(len | 0x80);
    out[n++] = (uint8_t)len;
    return n;
}

/* Bytes taken, 0: none. In one way only: no zeroes at the end. */
static unsigned length_read(const struct kith_buf *buf, uint64_t *len)
{
    *len = 0;
    for (unsigned n = 0; n < LENGTH_MAX && n < buf->len; n++) {
        *len |= (uint64_t)(buf->data[n] & 0x7F) << 7 * n;
        if (!(buf->data[n] & 0x80)) return n && !buf->data[n] ? 0 : n + 1;
    }
    return 0;
}

static int lz4_seal(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    struct lz4 *z = self;
    uint8_t length[LENGTH_MAX + 5];
    unsigned head = length_write(length, buf->len);
    size_t framing = frame->plane == KITH_PACKET ? 1 : FRAMING;
    int rc, n;
    if (buf->len < z->min_size || buf->len > LZ4_MAX_INPUT_SIZE || buf->len <= framing + head + 1)
        return KITH_PASS;
    size_t most = buf->len - framing - 1; /* with the host's bytes still smaller */
    if ((rc = frame->reserve(frame, most)) < 0) return rc;
    uint8_t *out = frame->scratch->data, *state = state_of(z);
    if (!state) return -KITH_ENOMEM;
    n = LZ4_compress_fast_extState(state, (const char *)buf->data, (char *)out + head,
                                   (int)buf->len, (int)(most - head), (int)z->acceleration);
    if (n <= 0) return KITH_PASS;
    memcpy(out, length, head);
    kith_buf_put(frame->scratch, head + (size_t)n);
    kith_buf_swap(buf, frame->scratch);
    return 0;
}

static int lz4_open(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    uint64_t len;
    unsigned head = length_read(buf, &len);
    int rc;
    if (!head || len > LZ4_MAX_INPUT_SIZE || buf->len - head > LZ4_MAX_INPUT_SIZE)
        return -KITH_EMALFORMED;
    if (len > frame->limit) return -KITH_ETOOBIG;
    if ((rc = frame->reserve(frame, (size_t)len)) < 0) return rc;
    rc = LZ4_decompress_safe((const char *)buf->data + head, (char *)frame->scratch->data,
                             (int)(buf->len - head), (int)len);
    if (rc < 0 || (uint64_t)rc != len) return -KITH_EMALFORMED;
    kith_buf_put(frame->scratch, (size_t)len);
    kith_buf_swap(buf, frame->scratch);
    return 0;
}

static const struct kith_param lz4_params[] = {
    KITH_PARAM(struct lz4, acceleration, UINT, 0, "1", "1", "65537", "more is faster and larger"),
    KITH_PARAM(struct lz4, min_size, SIZE, 0, "128", "0", "1MiB",
               "messages below are sent as they are"),
    KITH_PARAM_END,
};

static const struct kith_codec_ops lz4_ops = {
    .size = sizeof lz4_ops,
    .provides = KITH_COMPRESSES,
    .packet = {.framing = KITH_FRAMED, .first = LAYER, .last = LAYER},
    .stream = {.framing = KITH_FRAMED, .first = LAYER, .last = LAYER},
    .room = lz4_room,
    .seal = lz4_seal,
    .open = lz4_open,
};

KITH_PLUGIN(lz4) = {
    KITH_HEADER(CODEC),
    .name = "lz4",
    .version = "1.0",
    .summary = "LZ4 compression: the fastest",
    .instance_size = sizeof(struct lz4),
    .params = lz4_params,
    .ops = &lz4_ops,
    .init = lz4_init,
};
