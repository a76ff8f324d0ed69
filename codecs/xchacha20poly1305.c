/*
 * xchacha20poly1305.c - encryption for clusters of Kith nodes: `nonce (24) | ciphertext | tag
 * (16)`, framed by the host (docs/WIRE.md, layer 0x80). Unlike memberlist's its packets are marked
 * as encrypted, everything in them is authenticated, and nonces are long enough to be random for
 * ever.
 *
 * The cipher is libsodium's, in place. Keys are derived from the ring for this codec, 32 bytes
 * each.
 */
#include <kith/plugin.h>
#include <sodium.h>

#include "keys.h"

enum {
    LAYER = 0x80,
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES
};

struct xchacha {
    const struct kith_host *host;
    struct keys keys;
};

static int xchacha_refresh(void *self, uint32_t what, struct kith_error *err)
{
    struct xchacha *x = self;
    return what & KITH_REFRESH_KEYS ? keys_read(&x->keys, x->host, err) : 0;
}

static int xchacha_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct xchacha *x = self;
    x->host = host;
    if (sodium_init() < 0) return kith_fail(err, KITH_EIO, "libsodium can't be initialised");
    return keys_read(&x->keys, host, err);
}

static void xchacha_fini(void *self)
{
    struct xchacha *x = self;
    keys_fini(&x->keys);
}

static void xchacha_room(const void *self, struct kith_room *room)
{
    room->head = NONCE;
    room->tail = TAG;
}

static int xchacha_seal(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    struct xchacha *x = self;
    size_t len = buf->len;
    uint8_t *text = buf->data, *nonce, *tag;
    if (!x->keys.count) return -KITH_EAUTH;
    if (!(nonce = kith_buf_push(buf, NONCE)) || !(tag = kith_buf_put(buf, TAG)))
        return -KITH_ETOOBIG;
    x->host->random(x->host, nonce, NONCE); /* each anew: see aes_gcm.c */
    crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
        text, tag, NULL, text, len, frame->ad.data, frame->ad.len, NULL, nonce, x->keys.items[0]);
    return 0;
}

static int xchacha_open(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    struct xchacha *x = self;
    const uint8_t *nonce = kith_buf_pull(buf, NONCE), *tag = nonce ? kith_buf_trim(buf, TAG) : NULL;
    if (!tag) return -KITH_EMALFORMED;
    for (size_t i = 0; i < x->keys.count; i++) {
        const uint8_t *key = x->keys.items[i];
        bool more = i + 1 < x->keys.count;
        /* A failure would wipe the output: while there are other keys to try, first only look at
         * the tag. */
        if (more && crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
                        NULL, NULL, buf->data, buf->len, tag, frame->ad.data, frame->ad.len, nonce,
                        key) != 0)
            continue;
        if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(buf->data, NULL, buf->data,
                                                                buf->len, tag, frame->ad.data,
                                                                frame->ad.len, nonce, key) != 0)
            break;
        frame->key = (uint32_t)i;
        return 0;
    }
    return -KITH_EAUTH;
}

static const struct kith_codec_ops xchacha_ops = {
    .size = sizeof xchacha_ops,
    .provides = KITH_AUTHENTICATES | KITH_ENCRYPTS,
    .packet = {.framing = KITH_FRAMED, .first = LAYER, .last = LAYER},
    .stream = {.framing = KITH_FRAMED, .first = LAYER, .last = LAYER},
    .room = xchacha_room,
    .seal = xchacha_seal,
    .open = xchacha_open,
};

KITH_PLUGIN(xchacha20poly1305) = {
    KITH_HEADER(CODEC),
    .flags = KITH_KEYED,
    .name = "xchacha20poly1305",
    .version = "1.0",
    .summary = "XChaCha20-Poly1305 encryption: the choice for a cluster of Kith nodes",
    .instance_size = sizeof(struct xchacha),
    .ops = &xchacha_ops,
    .init = xchacha_init,
    .fini = xchacha_fini,
    .refresh = xchacha_refresh,
};
