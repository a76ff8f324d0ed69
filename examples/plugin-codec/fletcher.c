/*
 * fletcher.c - a complete codec outside of Kith's tree: Fletcher's checksum behind each message.
 *
 * It shows everything a codec needs and nothing else: a parameter, room, seal, open, a counter. As
 * a checksum it is weaker than crc32, but unlike it also works on streams. Needs <kith/plugin.h>
 * only:
 *
 *     make && make check        then, in the YAML file of every node:
 *     pipeline:
 *       send: [ { use: lzw }, { use: /path/to/fletcher.so, layer_byte: 0xC7, bits: 32 } ]
 */
#include <kith/plugin.h>

enum { BITS_16, BITS_32 };
static const char *const bits[] = {"16", "32", NULL};

/* The host allocates this zeroed and stores the parameters in it. */
struct fletcher {
    uint32_t bits; /* parameter */
    size_t tail;   /* bytes behind each message */
    uint64_t *wrong;
};

static const struct kith_param params[] = {
    KITH_PARAM_CHOICE(struct fletcher, bits, 0, "32", bits,
                      "width of the checksum; the same on every node"),
    KITH_PARAM_END,
};

/* J. Fletcher, "An Arithmetic Checksum for Serial Transmissions" (1982): sums modulo 2^n - 1 of
 * n-bit words, here n = 8 and 16. The sums are reduced often enough that they cannot overflow. */
static uint32_t sum16(const uint8_t *data, size_t len)
{
    uint32_t a = 0, b = 0;
    for (size_t i = 0; i < len; i++) {
        a = (a + data[i]) % 255;
        b = (b + a) % 255;
    }
    return b << 8 | a;
}

static uint32_t sum32(const uint8_t *data, size_t len)
{
    uint32_t a = 0, b = 0;
    for (size_t i = 0; i < len; i += 2) {
        uint32_t word = (uint32_t)data[i] << 8 | (i + 1 < len ? data[i + 1] : 0);
        a = (a + word) % 65535;
        b = (b + a) % 65535;
    }
    return b << 16 | a;
}

static void write_sum(const struct fletcher *f, const uint8_t *data, size_t len, uint8_t out[4])
{
    uint32_t sum = f->bits == BITS_16 ? sum16(data, len) : sum32(data, len);
    for (size_t i = 0; i < f->tail; i++) out[i] = (uint8_t)(sum >> 8 * (f->tail - 1 - i));
}

/* Opens nothing: a config check runs it too. The number shows in `kith info` and the metrics; the
 * host always gives one. */
static int init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct fletcher *f = self;
    f->tail = f->bits == BITS_16 ? 2 : 4;
    f->wrong =
        host->counter(host, "wrong_sums", "Messages whose Fletcher checksum differed.", NULL, 0);
    (void)err;
    return 0;
}

/* The most that seal adds; the budget of every packet is computed from it. The layer's byte is the
 * host's. */
static void room(const void *self, struct kith_room *out)
{
    out->head = 0;
    out->tail = (uint32_t)((const struct fletcher *)self)->tail;
}

static int seal(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    const struct fletcher *f = self;
    size_t len = buf->len;
    (void)frame;
    uint8_t *tail = kith_buf_put(buf, f->tail);
    if (!tail) return -KITH_ETOOBIG;
    write_sum(f, buf->data, len, tail);
    return 0;
}

static int open_layer(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    struct fletcher *f = self;
    (void)frame;
    uint8_t want[4];
    const uint8_t *tail = kith_buf_trim(buf, f->tail);
    if (!tail) return -KITH_EMALFORMED;
    write_sum(f, buf->data, buf->len, want);
    if (memcmp(want, tail, f->tail) == 0) return 0;
    ++*f->wrong;
    return -KITH_ECHECKSUM;
}

static const struct kith_codec_ops ops = {
    .size = sizeof ops,
    .provides = KITH_CHECKS,
    /* no registered byte: the file gives a private one with `layer_byte:` */
    .packet = {.framing = KITH_FRAMED},
    .stream = {.framing = KITH_FRAMED},
    .room = room,
    .seal = seal,
    .open = open_layer,
};

KITH_PLUGIN(fletcher) = {
    KITH_HEADER(CODEC),
    .name = "fletcher",
    .version = "1.0",
    .summary = "Fletcher's checksum behind each message",
    .instance_size = sizeof(struct fletcher),
    .params = params,
    .ops = &ops,
    .init = init,
};
