/*
 * blake2b.c - keyed BLAKE2b: who does not have the key can't change or make a message, but may read
 * it. For networks where contents are no secret, or under a transport that encrypts but does not
 * know who is a member.
 *
 *     message | tag (16)        framed by the host (docs/WIRE.md, layer 0x81)
 *
 * The tag is over the length of the associated data (8 bytes, little endian), the associated data,
 * and the message. The hash is libsodium's; keys are derived from the ring for this codec.
 */
#include <kith/plugin.h>
#include <sodium.h>

#include "keys.h"

enum { LAYER = 0x81, TAG = 16 };

struct blake2b {
    const struct kith_host *host;
    struct keys keys;
};

static int blake2b_refresh(void *self, uint32_t what, struct kith_error *err)
{
    struct blake2b *b = self;
    return what & KITH_REFRESH_KEYS ? keys_read(&b->keys, b->host, err) : 0;
}

static int blake2b_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct blake2b *b = self;
    b->host = host;
    if (sodium_init() < 0) return kith_fail(err, KITH_EIO, "libsodium can't be initialised");
    return keys_read(&b->keys, host, err);
}

static void blake2b_fini(void *self)
{
    struct blake2b *b = self;
    keys_fini(&b->keys);
}

static void blake2b_room(const void *self, struct kith_room *room)
{
    room->head = 0;
    room->tail = TAG;
}

static void sum(const uint8_t *key, struct kith_bytes ad, const uint8_t *data, size_t len,
                uint8_t tag[TAG])
{
    crypto_generichash_state state;
    uint8_t size[8];
    for (int i = 0; i < 8; i++) size[i] = (uint8_t)((uint64_t)ad.len >> 8 * i);
    crypto_generichash_init(&state, key, 32, TAG);
    crypto_generichash_update(&state, size, sizeof size);
    crypto_generichash_update(&state, ad.data, ad.len);
    crypto_generichash_update(&state, data, len);
    crypto_generichash_final(&state, tag, TAG);
    sodium_memzero(&state, sizeof state);
}

static int blake2b_seal(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    struct blake2b *b = self;
    size_t len = buf->len;
    uint8_t *tag = kith_buf_put(buf, TAG);
    if (!b->keys.count) return -KITH_EAUTH;
    if (!tag) return -KITH_ETOOBIG;
    sum(b->keys.items[0], frame->ad, buf->data, len, tag);
    return 0;
}

static int blake2b_open(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    struct blake2b *b = self;
    uint8_t right[TAG];
    const uint8_t *tag = kith_buf_trim(buf, TAG);
    if (!tag) return -KITH_EMALFORMED;
    for (size_t i = 0; i < b->keys.count; i++) {
        sum(b->keys.items[i], frame->ad, buf->data, buf->len, right);
        if (sodium_memcmp(right, tag, TAG) != 0) continue;
        frame->key = (uint32_t)i;
        return 0;
    }
    return -KITH_EAUTH;
}

static const struct kith_codec_ops blake2b_ops = {
    .size = sizeof blake2b_ops,
    .provides = KITH_CHECKS | KITH_AUTHENTICATES,
    .packet = {.framing = KITH_FRAMED, .first = LAYER, .last = LAYER},
    .stream = {.framing = KITH_FRAMED, .first = LAYER, .last = LAYER},
    .room = blake2b_room,
    .seal = blake2b_seal,
    .open = blake2b_open,
};

KITH_PLUGIN(blake2b) = {
    KITH_HEADER(CODEC),
    .flags = KITH_KEYED,
    .name = "blake2b",
    .version = "1.0",
    .summary = "Keyed BLAKE2b: authenticates messages without hiding them",
    .instance_size = sizeof(struct blake2b),
    .ops = &blake2b_ops,
    .init = blake2b_init,
    .fini = blake2b_fini,
    .refresh = blake2b_refresh,
};
