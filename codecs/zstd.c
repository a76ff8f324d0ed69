/*
 * zstd.c - Zstandard: `frame`, framed by the host (docs/WIRE.md, layer 0x88). The best ratio, and
 * fast.
 *
 * Frames carry the size of their content, so a receiver knows before it writes a byte whether it is
 * willing; frames that do not say it are refused. With a dictionary (made by `zstd --train` from
 * samples) small packets shrink too; every node needs the same one.
 *
 * Contexts are kept: what they allocate, they allocate for the first messages.
 */
#include <errno.h>
#include <kith/plugin.h>
#include <stdlib.h>
#include <zstd.h>

enum { LAYER = 0x88, DICTIONARY_MAX = 1 << 20, FRAMING = 5 };

struct zstd {
    const struct kith_host *host;
    uint32_t level;
    uint64_t min_size;
    const char *dictionary;
    ZSTD_CCtx *seal;
    ZSTD_DCtx *open;
    ZSTD_CDict *seal_dictionary;
    ZSTD_DDict *open_dictionary;
};

static int zstd_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct zstd *z = self;
    z->host = host;
    z->seal = ZSTD_createCCtx();
    z->open = ZSTD_createDCtx();
    if (!z->seal || !z->open) return kith_fail(err, KITH_ENOMEM, "no memory for zstd");
    ZSTD_CCtx_setParameter(z->seal, ZSTD_c_compressionLevel, (int)z->level);
    return 0;
}

static int load(struct zstd *z, struct kith_error *err)
{
    FILE *f = fopen(z->dictionary, "rb");
    uint8_t *data = malloc(DICTIONARY_MAX + 1);
    int rc = 0;
    size_t n;
    if (!f || !data) {
        rc = kith_fail(err, KITH_EIO, "dictionary %s: %s", z->dictionary,
                       strerror(f ? ENOMEM : errno));
        goto out;
    }
    n = fread(data, 1, DICTIONARY_MAX + 1, f);
    if (ferror(f) || n > DICTIONARY_MAX) {
        rc = kith_fail(err, KITH_EINVAL, "dictionary %s can't be read, or is longer than 1 MiB",
                       z->dictionary);
        goto out;
    }
    z->seal_dictionary = ZSTD_createCDict(data, n, (int)z->level);
    z->open_dictionary = ZSTD_createDDict(data, n);
    if (!n || !z->seal_dictionary || !z->open_dictionary)
        rc = kith_fail(err, KITH_EINVAL, "dictionary %s is none (make one with `zstd --train`)",
                       z->dictionary);
    else if (ZSTD_isError(ZSTD_CCtx_refCDict(z->seal, z->seal_dictionary)) ||
             ZSTD_isError(ZSTD_DCtx_refDDict(z->open, z->open_dictionary)))
        rc = kith_fail(err, KITH_ENOMEM, "no memory for dictionary %s", z->dictionary);
out:
    free(data);
    if (f) fclose(f);
    return rc;
}

static int zstd_start(void *self, struct kith_error *err)
{
    struct zstd *z = self;
    return z->dictionary ? load(z, err) : 0;
}

static void zstd_fini(void *self)
{
    struct zstd *z = self;
    ZSTD_freeCCtx(z->seal);
    ZSTD_freeDCtx(z->open);
    ZSTD_freeCDict(z->seal_dictionary);
    ZSTD_freeDDict(z->open_dictionary);
}

static void zstd_room(const void *self, struct kith_room *room)
{
    room->head = 0;
    room->tail = 0;
}

static int zstd_seal(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    struct zstd *z = self;
    size_t framing = frame->plane == KITH_PACKET ? 1 : FRAMING, n;
    int rc;
    if (buf->len < z->min_size || buf->len <= framing + 1) return KITH_PASS;
    size_t most = buf->len - framing - 1; /* with the host's bytes still smaller */
    if ((rc = frame->reserve(frame, most)) < 0) return rc;
    n = ZSTD_compress2(z->seal, frame->scratch->data, most, buf->data, buf->len);
    if (ZSTD_isError(n)) return KITH_PASS; /* does not fit: not worth it */
    kith_buf_put(frame->scratch, n);
    kith_buf_swap(buf, frame->scratch);
    return 0;
}

static int zstd_open(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    struct zstd *z = self;
    unsigned long long size = ZSTD_getFrameContentSize(buf->data, buf->len);
    int rc;
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) return -KITH_EMALFORMED;
    if (size > frame->limit) return -KITH_ETOOBIG;
    if ((rc = frame->reserve(frame, (size_t)size)) < 0) return rc;
    size_t n =
        ZSTD_decompressDCtx(z->open, frame->scratch->data, (size_t)size, buf->data, buf->len);
    if (ZSTD_isError(n) || n != size) return -KITH_EMALFORMED;
    kith_buf_put(frame->scratch, n);
    kith_buf_swap(buf, frame->scratch);
    return 0;
}

static const struct kith_param zstd_params[] = {
    KITH_PARAM(struct zstd, level, UINT, 0, "1", "1", "19", "1 is fast, 19 small"),
    KITH_PARAM(struct zstd, min_size, SIZE, 0, "128", "0", "1MiB",
               "messages below are sent as they are"),
    KITH_PARAM(struct zstd, dictionary, PATH, 0, NULL, NULL, NULL,
               "file made by `zstd --train`; the same on every node"),
    KITH_PARAM_END,
};

static const struct kith_codec_ops zstd_ops = {
    .size = sizeof zstd_ops,
    .provides = KITH_COMPRESSES,
    .packet = {.framing = KITH_FRAMED, .first = LAYER, .last = LAYER},
    .stream = {.framing = KITH_FRAMED, .first = LAYER, .last = LAYER},
    .room = zstd_room,
    .seal = zstd_seal,
    .open = zstd_open,
};

KITH_PLUGIN(zstd) = {
    KITH_HEADER(CODEC),
    .name = "zstd",
    .version = "1.0",
    .summary = "Zstandard compression: the best ratio",
    .instance_size = sizeof(struct zstd),
    .params = zstd_params,
    .ops = &zstd_ops,
    .init = zstd_init,
    .start = zstd_start,
    .fini = zstd_fini,
};
