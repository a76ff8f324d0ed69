/*
 * aes_gcm.c - memberlist's encryption: `version | nonce (12) | ciphertext | tag (16)`, AES-128,
 * -192 or -256 by the length of the key (docs/WIRE.md; PROTOCOL.md 1.9).
 *
 * Version 0 pads the message to 16 bytes (PKCS #7), version 1 does not; we send 0 only when the
 * node speaks protocol 1 and read both. The version byte is not authenticated, so the whole padding
 * is checked: a flipped one does not go unnoticed. On packets these bytes stand alone and look like
 * a ping's or indirect ping's type (a tentative form): opening writes elsewhere and leaves the
 * message as it was when no key fits. On streams the host frames them with byte 10 and a length.
 *
 * The cipher is libcrypto's. Scheduling a key costs as much as sealing a packet, so each key keeps
 * its contexts.
 */
#include <kith/plugin.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>

enum { STREAM_LAYER = 10, NONCE = 12, TAG = 16, HEAD = 1 + NONCE, BLOCK = 16, PRINT = 8 };

struct ring {
    EVP_CIPHER_CTX *seal;  /* the primary key's */
    EVP_CIPHER_CTX **open; /* one for each key, in ring order */
    size_t count;
};

struct aes_gcm {
    uint32_t warn_after; /* parameter */
    const struct kith_host *host;
    struct ring ring;
    uint64_t *sealed; /* messages with the key that seals, by this node: a number for each key */
    uint64_t warn_at;
};

static const struct kith_param aes_gcm_params[] = {
    KITH_PARAM(struct aes_gcm, warn_after, UINT, 0, "2147483648", "1", NULL,
               "Messages this node may seal with one key before the log warns; random nonces allow "
               "2^32 of all nodes together. Counted since the node started"),
    KITH_PARAM_END,
};

static void ring_fini(struct ring *r)
{
    EVP_CIPHER_CTX_free(r->seal); /* wipes its key */
    for (size_t i = 0; i < r->count; i++) EVP_CIPHER_CTX_free(r->open[i]);
    free(r->open);
    *r = (struct ring){0};
}

static EVP_CIPHER_CTX *context_new(const struct kith_key *key, int encrypt)
{
    const EVP_CIPHER *cipher = key->len == 16   ? EVP_aes_128_gcm()
                               : key->len == 24 ? EVP_aes_192_gcm()
                               : key->len == 32 ? EVP_aes_256_gcm()
                                                : NULL;
    EVP_CIPHER_CTX *ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;
    if (ctx && EVP_CipherInit_ex(ctx, cipher, NULL, key->data, NULL, encrypt) == 1) return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

static int ring_init(struct ring *r, const struct kith_host *host)
{
    struct kith_key key = {.size = sizeof key};
    size_t n = host->keys(host, 0, &key);
    *r = (struct ring){0};
    if (!n) return 0;
    if (!(r->open = calloc(n, sizeof *r->open))) return -KITH_ENOMEM;
    if (!(r->seal = context_new(&key, 1))) goto fail;
    while (r->count < n) {
        host->keys(host, r->count, &key);
        if (!(r->open[r->count] = context_new(&key, 0))) goto fail;
        r->count++;
    }
    return 0;

fail:
    ring_fini(r);
    return -KITH_EINVAL;
}

/* The number of the key that seals, by the fingerprint that `kith keys list` shows: it goes on when
 * the key comes back, and over reloads. */
static void count_for(struct aes_gcm *a)
{
    struct kith_key key = {.size = sizeof key};
    uint8_t digest[32];
    char print[2 * PRINT + 1];
    if (!a->host->keys(a->host, 0, &key)) return;
    crypto_generichash(digest, sizeof digest, key.data, key.len, NULL, 0);
    sodium_bin2hex(print, sizeof print, digest, PRINT);
    struct kith_pair label = {kith_text("key"), kith_text(print)};
    a->sealed = a->host->counter(a->host, "key_messages_sealed",
                                 "Messages that this node has sealed with a key", &label, 1);
    a->warn_at = a->warn_after;
    while (a->warn_at <= *a->sealed) a->warn_at *= 2;
}

static void count(struct aes_gcm *a)
{
    if (++*a->sealed < a->warn_at) return;
    a->warn_at *= 2;
    a->host->log(a->host, KITH_LOG_WARN,
                 "this node has sealed %llu messages with the primary key; all nodes together "
                 "should stay below 4294967296 (2^32): change it with `kith keys rotate`",
                 (unsigned long long)*a->sealed);
}

/* Take the keys as they are now; an error leaves those from before. */
static int take_keys(struct aes_gcm *a, struct kith_error *err)
{
    struct ring fresh;
    int rc = ring_init(&fresh, a->host);
    if (rc < 0)
        return kith_fail(err, (enum kith_code)(-rc),
                         "can't set up its keys (16, 24 or 32 bytes each)");
    ring_fini(&a->ring);
    a->ring = fresh;
    count_for(a);
    return 0;
}

static int aes_gcm_refresh(void *self, uint32_t what, struct kith_error *err)
{
    return what & KITH_REFRESH_KEYS ? take_keys(self, err) : 0;
}

static int aes_gcm_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct aes_gcm *a = self;
    a->host = host;
    return take_keys(a, err);
}

static void aes_gcm_fini(void *self)
{
    struct aes_gcm *a = self;
    ring_fini(&a->ring);
}

static size_t padding(size_t len, unsigned protocol)
{
    return protocol == 1 ? BLOCK - len % BLOCK : 0;
}

static void aes_gcm_room(const void *self, struct kith_room *room)
{
    room->head = HEAD;
    room->tail = room->protocol > 1 ? TAG : TAG + BLOCK;
}

static size_t aes_gcm_sealed_size(const void *self, size_t len, const struct kith_frame *frame)
{
    return HEAD + len + padding(len, frame->protocol) + TAG;
}

/* One message through a context; in and out may be the same. */
static bool run(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, struct kith_bytes ad, const uint8_t *in,
                size_t len, uint8_t *out)
{
    int n;
    return EVP_CipherInit_ex(ctx, NULL, NULL, NULL, nonce, -1) == 1 &&
           (!ad.len || EVP_CipherUpdate(ctx, NULL, &n, ad.data, (int)ad.len) == 1) &&
           (!len || EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1);
}

static int aes_gcm_seal(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    struct aes_gcm *a = self;
    size_t len = buf->len, pad = padding(len, frame->protocol);
    uint8_t end[BLOCK];
    int n;
    if (!a->ring.seal) return -KITH_EAUTH;
    if (kith_buf_headroom(buf) < HEAD || kith_buf_tailroom(buf) < pad + TAG ||
        len > INT32_MAX - BLOCK)
        return -KITH_ETOOBIG;

    uint8_t *text = buf->data, *head = kith_buf_push(buf, HEAD),
            *tail = kith_buf_put(buf, pad + TAG);
    memset(tail, (int)pad, pad);
    head[0] = frame->protocol == 1 ? 0 : 1;
    /* Drawn for each message: what is drawn ahead comes twice after a fork, and in each copy of a
     * virtual machine that goes on from one snapshot. Twice the same nonce gives the key away. */
    a->host->random(a->host, head + 1, NONCE);
    if (!run(a->ring.seal, head + 1, frame->ad, text, len + pad, text) ||
        EVP_CipherFinal_ex(a->ring.seal, end, &n) != 1 ||
        EVP_CIPHER_CTX_ctrl(a->ring.seal, EVP_CTRL_AEAD_GET_TAG, TAG, tail + pad) != 1)
        return -KITH_EIO;
    count(a);
    return 0;
}

/* A message as it came. */
struct sealed {
    unsigned version;
    uint8_t *nonce, *text, *tag;
    size_t len; /* of the text */
};

static int take_apart(const struct kith_buf *buf, struct sealed *s)
{
    if (buf->len < HEAD + TAG || buf->len > INT32_MAX) return -KITH_EMALFORMED;
    s->version = buf->data[0];
    s->nonce = buf->data + 1;
    s->text = buf->data + HEAD;
    s->len = buf->len - HEAD - TAG;
    s->tag = s->text + s->len;
    return s->version > 1 || (s->version == 0 && s->len < BLOCK) ? -KITH_EMALFORMED : 0;
}

static bool opens(EVP_CIPHER_CTX *ctx, const struct sealed *s, struct kith_bytes ad, uint8_t *out)
{
    uint8_t end[BLOCK];
    int n;
    return run(ctx, s->nonce, ad, s->text, s->len, out) &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, s->tag) == 1 &&
           EVP_CipherFinal_ex(ctx, end, &n) == 1;
}

/* Which key of the ring opens it into out, or -KITH_EAUTH. Where out is the text itself, a wrong
 * key is taken back by using it again, for the cipher is an exclusive or. */
static int open_with_ring(const struct ring *r, const struct sealed *s, struct kith_bytes ad,
                          uint8_t *out)
{
    for (size_t i = 0; i < r->count; i++) {
        if (opens(r->open[i], s, ad, out)) return (int)i;
        if (out == s->text && i + 1 < r->count) run(r->open[i], s->nonce, ad, out, s->len, out);
    }
    return -KITH_EAUTH;
}

/* PKCS #7: the last byte says how many bytes, 1 to 16, all of that value. */
static bool unpad(const uint8_t *text, size_t *len)
{
    size_t pad = *len ? text[*len - 1] : 0;
    if (pad < 1 || pad > BLOCK || pad > *len || *len % BLOCK) return false;
    for (size_t i = *len - pad; i < *len; i++)
        if (text[i] != pad) return false;
    *len -= pad;
    return true;
}

/* Packets are opened into scratch, so that they stay as they were if that fails: a tentative form
 * must. Streams may be large, so they are opened in place. */
static int aes_gcm_open(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    const struct aes_gcm *a = self;
    bool in_place = frame->plane == KITH_STREAM;
    struct sealed s;
    int rc = take_apart(buf, &s);
    if (!rc && !in_place) rc = frame->reserve(frame, s.len);
    if (rc < 0) return rc;

    uint8_t *out = in_place ? s.text : frame->scratch->data;
    int key = open_with_ring(&a->ring, &s, frame->ad, out);
    if (key < 0) return key;
    frame->key = (uint32_t)key;
    frame->version = s.version;

    size_t len = s.len;
    if (s.version == 0 && !unpad(out, &len)) return -KITH_EMALFORMED;
    if (in_place) {
        kith_buf_pull(buf, HEAD);
        kith_buf_trim(buf, buf->len - len);
    } else {
        kith_buf_put(frame->scratch, len);
        kith_buf_swap(buf, frame->scratch);
    }
    return 0;
}

static const struct kith_codec_ops aes_gcm_ops = {
    .size = sizeof aes_gcm_ops,
    .provides = KITH_AUTHENTICATES | KITH_ENCRYPTS,
    .packet = {.framing = KITH_OWN, .first = 0, .last = 1, .tentative = 1},
    .stream = {.framing = KITH_FRAMED, .first = STREAM_LAYER, .last = STREAM_LAYER},
    .room = aes_gcm_room,
    .seal = aes_gcm_seal,
    .open = aes_gcm_open,
    .sealed_size = aes_gcm_sealed_size,
};

KITH_PLUGIN(aes_gcm) = {
    KITH_HEADER(CODEC),
    .flags = KITH_KEYED | KITH_RAW_KEYS,
    .name = "aes_gcm",
    .version = "1.0",
    .summary = "AES-GCM encryption, as memberlist does it",
    .instance_size = sizeof(struct aes_gcm),
    .params = aes_gcm_params,
    .ops = &aes_gcm_ops,
    .init = aes_gcm_init,
    .fini = aes_gcm_fini,
    .refresh = aes_gcm_refresh,
};
