/*
 * zstd.c - Zstandard: `frame`, framed by the host (docs/WIRE.md, layer 0x88). The best ratio, and
 * fast.
 *
 * Frames carry the size of their content, so a receiver knows before it writes a byte whether it is
 * willing; frames that do not say it are refused. With a dictionary (made by `zstd --train` from
 * samples) small packets shrink too; every node needs the same one.
 *
 * Contexts, 150 kB to 600, are a thread's: all instances that it calls share them, whatever their
 * level and dictionary. They are kept: what they allocate, they allocate for the first messages.
 */
#include <errno.h>
#include <fcntl.h>
#include <kith/plugin.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { LAYER = 0x88, DICTIONARY_MAX = 1 << 20, FRAMING = 5 };

struct zstd {
    const struct kith_host *host;
    uint32_t level;
    uint64_t min_size;
    const char *dictionary;
    ZSTD_CDict *seal_dictionary; /* NULL: none */
    ZSTD_DDict *open_dictionary;
};

struct contexts {
    ZSTD_CCtx *seal;
    ZSTD_DCtx *open;
};

static pthread_key_t contexts_key;
static pthread_once_t contexts_once = PTHREAD_ONCE_INIT;
static bool contexts_can_be; /* the process had a key left */

static void contexts_free(void *contexts)
{
    struct contexts *c = contexts;
    ZSTD_freeCCtx(c->seal);
    ZSTD_freeDCtx(c->open);
    free(c);
}

static void contexts_begin(void)
{
    contexts_can_be = pthread_key_create(&contexts_key, contexts_free) == 0;
}

/* This thread's; they go with it. NULL: no memory. */
static struct contexts *contexts_get(void)
{
    pthread_once(&contexts_once, contexts_begin);
    struct contexts *c = contexts_can_be ? pthread_getspecific(contexts_key) : NULL;
    if (c || !contexts_can_be || !(c = calloc(1, sizeof *c))) return c;
    c->seal = ZSTD_createCCtx();
    c->open = ZSTD_createDCtx();
    if (c->seal && c->open && pthread_setspecific(contexts_key, c) == 0) return c;
    contexts_free(c);
    return NULL;
}

static int zstd_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    struct zstd *z = self;
    z->host = host;
    return contexts_get() ? 0 : kith_fail(err, KITH_ENOMEM, "no memory for zstd");
}

/* Its bytes, or negative. The writer of a pipe would be waited for. */
static ssize_t read_dictionary(const char *path, uint8_t *out, size_t cap, struct kith_error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    bool plain = fd < 0 || fstat(fd, &st) || S_ISREG(st.st_mode);
    ssize_t n = fd >= 0 && plain ? read(fd, out, cap) : -1;
    if (n < 0)
        (void)kith_fail(err, KITH_EIO, "dictionary %s: %s", path,
                        plain ? strerror(errno) : "it is no plain file");
    if (fd >= 0) close(fd);
    return n;
}

static int load(struct zstd *z, struct kith_error *err)
{
    uint8_t *data = malloc(DICTIONARY_MAX + 1);
    if (!data) return kith_fail(err, KITH_ENOMEM, "dictionary %s: out of memory", z->dictionary);
    ssize_t n = read_dictionary(z->dictionary, data, DICTIONARY_MAX + 1, err);
    int rc = n < 0 ? -KITH_EIO : 0;
    if (n > DICTIONARY_MAX) {
        rc = kith_fail(err, KITH_EINVAL, "dictionary %s is longer than 1 MiB", z->dictionary);
    } else if (!rc) {
        z->seal_dictionary = ZSTD_createCDict(data, (size_t)n, (int)z->level);
        z->open_dictionary = ZSTD_createDDict(data, (size_t)n);
        if (!n || !z->seal_dictionary || !z->open_dictionary)
            rc = kith_fail(err, KITH_EINVAL, "dictionary %s is none (make one with `zstd --train`)",
                           z->dictionary);
    }
    free(data);
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
    const struct zstd *z = self;
    const struct contexts *c = contexts_get();
    size_t framing = frame->plane == KITH_PACKET ? 1 : FRAMING, n;
    int rc;
    if (!c) return -KITH_ENOMEM;
    if (buf->len < z->min_size || buf->len <= framing + 1) return KITH_PASS;
    size_t most = buf->len - framing - 1; /* with the host's bytes still smaller */
    if ((rc = frame->reserve(frame, most)) < 0) return rc;
    uint8_t *out = frame->scratch->data;
    n = z->seal_dictionary
            ? ZSTD_compress_usingCDict(c->seal, out, most, buf->data, buf->len, z->seal_dictionary)
            : ZSTD_compressCCtx(c->seal, out, most, buf->data, buf->len, (int)z->level);
    if (ZSTD_isError(n)) return KITH_PASS; /* does not fit: not worth it */
    kith_buf_put(frame->scratch, n);
    kith_buf_swap(buf, frame->scratch);
    return 0;
}

static int zstd_open(void *self, struct kith_buf *buf, struct kith_frame *frame)
{
    const struct zstd *z = self;
    const struct contexts *c = contexts_get();
    unsigned long long size = ZSTD_getFrameContentSize(buf->data, buf->len);
    int rc;
    if (!c) return -KITH_ENOMEM;
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) return -KITH_EMALFORMED;
    if (size > frame->limit) return -KITH_ETOOBIG;
    if ((rc = frame->reserve(frame, (size_t)size)) < 0) return rc;
    size_t n = ZSTD_decompress_usingDDict(c->open, frame->scratch->data, (size_t)size, buf->data,
                                          buf->len, z->open_dictionary);
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
