/*
 * crc32.c - memberlist's checksum layer: `0C | CRC-32 (IEEE), big endian | message`.
 *
 * Packets only, outermost but for encryption, and only towards peers that announce protocol 5 or
 * more (docs/WIRE.md). The checksum itself is zlib's.
 */
#include <kith/plugin.h>
#include <zlib.h>

enum { LAYER = 12, HEADER = 5, PROTOCOL = 5 };

static void crc32_room(const void *self, struct kith_room *room)
{
    room->head = HEADER;
    room->tail = 0;
}

static int crc32_seal(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    if (!frame->peer || frame->peer->protocol_max < PROTOCOL) return KITH_PASS;
    uint32_t sum = (uint32_t)crc32(0, buf->data, (uInt)buf->len);
    uint8_t *head = kith_buf_push(buf, HEADER);
    if (!head) return -KITH_ETOOBIG;
    head[0] = LAYER;
    head[1] = (uint8_t)(sum >> 24);
    head[2] = (uint8_t)(sum >> 16);
    head[3] = (uint8_t)(sum >> 8);
    head[4] = (uint8_t)sum;
    return 0;
}

static int crc32_open(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    const uint8_t *head = kith_buf_pull(buf, HEADER);
    if (!head) return -KITH_EMALFORMED;
    uint32_t sum =
        (uint32_t)head[1] << 24 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 8 | head[4];
    return sum == (uint32_t)crc32(0, buf->data, (uInt)buf->len) ? 0 : -KITH_ECHECKSUM;
}

static const struct kith_codec_ops crc32_ops = {
    .size = sizeof crc32_ops,
    .provides = KITH_CHECKS,
    .packet = {.framing = KITH_OWN, .first = LAYER, .last = LAYER},
    .stream = {.framing = KITH_NONE},
    .room = crc32_room,
    .seal = crc32_seal,
    .open = crc32_open,
};

KITH_PLUGIN(crc32) = {
    KITH_HEADER(CODEC), .name = "crc32",
    .version = "1.0",   .summary = "CRC-32 checksum of packets, as memberlist sends it",
    .instance_size = 1, .ops = &crc32_ops,
};
