/* SPDX-License-Identifier: MIT */
/*
 * kith/plugin.h - everything a Kith plugin sees.
 *
 * A plugin is a shared object that exports one constant, `kith_plugin_v1`. Nothing of it runs when
 * it is loaded or looked at; no symbol of Kith has to be linked. This header needs the C library's
 * headers only and may be copied into your own tree.
 *
 * Three kinds of plugin exist:
 *   transport   moves packets and byte streams between addresses            struct
 * kith_transport_ops codec       one layer around a message: compression, checksum, cipher   struct
 * kith_codec_ops delegate    what the application wants to know and to add                struct
 * kith_delegate_ops
 *
 * THREADS. One thread runs a node, and every call into an instance comes from it. Of the host's
 * services `log` and `post` may be called from any thread, all others only from that one. The marks
 * [loop] and [any] say which.
 *
 * LIFE. For each entry of the YAML file the host allocates `instance_size` zeroed bytes, stores the
 * parsed parameters in them, and calls init -> start -> ... -> stop -> fini init   checks
 * combinations and derives; opens nothing, so that a config check can run it start  opens sockets,
 * starts threads stop   when it returns, no thread of the plugin touches host or instance any more
 *   fini   frees; also called after an init or start that failed, so it must accept a half-made
 * instance All may be NULL. A reload leaves an entry whose settings did not change alone. Where
 * they changed it makes a new instance, which may take over sockets and state from the old one in
 * `adopt` (called after init, before start; the old one is stopped and freed afterwards).
 *
 * GROWTH. Every struct that crosses the line begins with its size and only grows at its end, except
 * kith_buf, kith_bytes, kith_addr, kith_strings, kith_form and kith_room, which are frozen. The
 * host copies what both sides know into a zeroed struct of its own, so a missing or NULL member
 * means "as before this member existed". Arrays carry their element size. What a plugin can't do
 * without is a bit in `requires`; a host that does not know the bit refuses the plugin and says so.
 *
 * ERRORS. Functions return 0 or a negative KITH_E code. Slow calls (init, start, ...) also fill
 * `err`, best with kith_fail(). On the data path only the code is returned: the host counts it,
 * nothing is logged per packet.
 */
#ifndef KITH_PLUGIN_H
#define KITH_PLUGIN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KITH_ABI_MAJOR 1
#define KITH_ABI_MINOR 0

#if defined(__GNUC__)
#define KITH_EXPORT       __attribute__((visibility("default")))
#define KITH_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define KITH_EXPORT
#define KITH_PRINTF(f, a)
#endif

/* ----------------------------------------------------------------------------------- results */

enum kith_code {
    KITH_OK = 0,
    KITH_PASS = 1,         /* a codec has nothing to do for this message and left it untouched */
    KITH_EINVAL = 1,       /* (all errors are returned negated) wrong argument or setting */
    KITH_ENOMEM = 2,       /* no memory, or a limit on memory */
    KITH_ETOOBIG = 3,      /* over a limit of size; for a codec: does not fit the room given */
    KITH_EMALFORMED = 4,   /* bytes that the format does not allow */
    KITH_EAUTH = 5,        /* no key opens it, or it was changed on its way */
    KITH_ECHECKSUM = 6,    /* checksum differs */
    KITH_EPOLICY = 7,      /* a layer that `require` asks for is missing, or not accepted */
    KITH_EUNSUPPORTED = 8, /* known to exist, not to us */
    KITH_EADDRINUSE = 9,
    KITH_EACCES = 10,
    KITH_ENOTFOUND = 11,
    KITH_EEXIST = 12,
    KITH_EAGAIN = 13, /* would block, or a queue is full: try later */
    KITH_ETIMEOUT = 14,
    KITH_EREFUSED = 15, /* the peer or a veto said no */
    KITH_ECLOSED = 16,  /* gone: stream, socket, node that left */
    KITH_EIO = 17,      /* the system said no in another way */
    KITH_EUNREACHABLE = 18,
    KITH_ENAME = 19, /* not an address literal: a name that somebody must resolve */
    KITH_ECODE_MAX = 20
};

/* What went wrong, in words, for a person. Caller-owned; text always ends in NUL. */
struct kith_error {
    uint32_t size;
    int32_t code; /* negative KITH_E code */
    char text[500];
};

/* Fill err (which may be NULL) and return -code: `return kith_fail(err, KITH_EINVAL, "level %d:
 * ...", n);` */
static inline int kith_fail(struct kith_error *err, enum kith_code code, const char *fmt, ...)
    KITH_PRINTF(3, 4);
static inline int kith_fail(struct kith_error *err, enum kith_code code, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        err->code = -(int32_t)code;
        vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
    }
    return -(int)code;
}

/* ------------------------------------------------------------------------------------- bytes */

/* Bytes that belong to somebody else and are valid for the call only. Frozen. */
struct kith_bytes {
    const uint8_t *data;
    size_t len;
};

/* A message in a larger storage: base <= data, data + len <= base + cap. Frozen.
 * What is before data is headroom, what is after data + len is tailroom. */
struct kith_buf {
    uint8_t *base, *data;
    size_t len, cap;
};

static inline size_t kith_buf_headroom(const struct kith_buf *b)
{
    return (size_t)(b->data - b->base);
}
static inline size_t kith_buf_tailroom(const struct kith_buf *b)
{
    return b->cap - kith_buf_headroom(b) - b->len;
}

/* Grow at the front by n; the new first byte, or NULL when it does not fit (nothing changed). */
static inline uint8_t *kith_buf_push(struct kith_buf *b, size_t n)
{
    if (kith_buf_headroom(b) < n) return NULL;
    b->data -= n;
    b->len += n;
    return b->data;
}

/* Grow at the end by n; the first new byte, or NULL when it does not fit (nothing changed). */
static inline uint8_t *kith_buf_put(struct kith_buf *b, size_t n)
{
    if (kith_buf_tailroom(b) < n) return NULL;
    b->len += n;
    return b->data + b->len - n;
}

/* Take n bytes off the front; the first of them, or NULL when there are fewer (nothing changed). */
static inline uint8_t *kith_buf_pull(struct kith_buf *b, size_t n)
{
    if (b->len < n) return NULL;
    b->data += n;
    b->len -= n;
    return b->data - n;
}

/* Take n bytes off the end; the first of them, or NULL when there are fewer (nothing changed). */
static inline uint8_t *kith_buf_trim(struct kith_buf *b, size_t n)
{
    if (b->len < n) return NULL;
    b->len -= n;
    return b->data + b->len;
}

static inline void kith_buf_swap(struct kith_buf *a, struct kith_buf *b)
{
    struct kith_buf t = *a;
    *a = *b;
    *b = t;
}

static inline struct kith_bytes kith_bytes_of(const void *data, size_t len)
{
    struct kith_bytes b = {(const uint8_t *)data, len};
    return b;
}

/* Where a node can be reached, in the transport's own terms: up to 128 opaque bytes and a port. An
 * IP address is just 4 or 16 bytes. They travel as they are: never rewrite somebody else's. Frozen.
 */
#define KITH_ADDR_MAX 128
struct kith_addr {
    uint16_t port;
    uint8_t len;
    uint8_t bytes[KITH_ADDR_MAX];
};

static inline bool kith_addr_equal(const struct kith_addr *a, const struct kith_addr *b)
{
    return a->port == b->port && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* ---------------------------------------------------------------------------------- the host */

enum kith_log_level {
    KITH_LOG_ERROR,
    KITH_LOG_WARN,
    KITH_LOG_INFO,
    KITH_LOG_DEBUG,
    KITH_LOG_TRACE
};

enum { KITH_READABLE = 1, KITH_WRITABLE = 2 };

struct kith_watch; /* a watched file descriptor */
struct kith_timer; /* a timer, armed or not */

/* One key of the ring that this entry uses. The primary comes first; it seals, all open. */
struct kith_key {
    uint32_t size;
    uint32_t len; /* bytes */
    const uint8_t
        *data; /* locked memory of the host, valid until `rekey` is called or the instance ends */
};

/* What the host does for an instance. Each instance gets a table of its own and passes it back as
 * first argument. The plugin must take time, randomness, timers and file descriptor events from
 * here only: then it runs in the simulator too. */
struct kith_host {
    uint32_t size;
    uint32_t abi_minor;

    /* [any] One line without newline; the host adds instance, time and place, and limits repeats.
     */
    void (*log)(const struct kith_host *, enum kith_log_level, const char *fmt, ...)
        KITH_PRINTF(3, 4);

    /* [any] Run fn(arg) on the loop soon, in the order of the calls. 0, or -KITH_ENOMEM. After
     * `stop` nothing that was posted runs any more. */
    int (*post)(const struct kith_host *, void (*fn)(void *arg), void *arg);

    /* [loop] Monotonic nanoseconds as of this loop turn; `wall` is nanoseconds since 1970 UTC. */
    uint64_t (*now)(const struct kith_host *);
    uint64_t (*wall)(const struct kith_host *);

    /* [loop] Fill with random bytes: the system's CSPRNG, or the seed's sequence in simulation.
     * Cannot fail. */
    void (*random)(const struct kith_host *, void *out, size_t len);

    /* [loop] Call fn whenever fd is ready for one of `events` (level-triggered). NULL: no memory,
     * or not an fd that can be watched. `watch_set` changes the events (0 pauses). `watch_free`
     * ends it, also from inside fn; the fd stays open and must be closed after, not before. */
    struct kith_watch *(*watch)(const struct kith_host *, int fd, unsigned events,
                                void (*fn)(void *arg, unsigned events), void *arg);
    void (*watch_set)(struct kith_watch *, unsigned events);
    void (*watch_free)(struct kith_watch *);

    /* [loop] One-shot timers on `now`'s clock. Setting an armed timer moves it; UINT64_MAX disarms
     * it. */
    struct kith_timer *(*timer)(const struct kith_host *, void (*fn)(void *arg), void *arg);
    void (*timer_set)(struct kith_timer *, uint64_t at);
    void (*timer_free)(struct kith_timer *);

    /* [loop] A counter of this instance that `kith info` shows; add to it yourself. Valid as long
     * as the instance; NULL only when out of memory. Same name: same counter. Name: snake case;
     * help: one sentence. */
    uint64_t *(*counter)(const struct kith_host *, const char *name, const char *help);

    /* [loop] Keys of the ring this entry uses (its own `keys:`, else the node's `keyring:`); how
     * many there are. i = 0 is the primary. Codecs without KITH_CODEC_RAW_KEYS get 32-byte keys
     * derived for their name. */
    size_t (*keys)(const struct kith_host *, size_t i, struct kith_key *out);

    /* [loop] Something newer than this header, by an id that carries its revision ("kith.thing/1");
     * NULL: not here. */
    const void *(*query)(const struct kith_host *, const char *id);
};

/* Does this host table (or any other sized struct) reach to `member`, and is it set? */
#define KITH_HAS(p, member) \
    ((p)->size >= \
         (uint32_t)((const char *)&(p)->member - (const char *)(p)) + sizeof(p)->member && \
     (p)->member)

/* -------------------------------------------------------------------------------- parameters */

/* The type of a parameter, and the C type of the member it is stored in. */
enum kith_param_type {
    KITH_PARAM_BOOL = 1, /* bool         true, false */
    KITH_PARAM_UINT,     /* uint32_t     decimal */
    KITH_PARAM_SIZE,     /* uint64_t     bytes: 1400, 64KiB, 2MiB */
    KITH_PARAM_DURATION, /* uint64_t     nanoseconds: 200ms, 5s, 1m30s; 0 */
    KITH_PARAM_STRING, /* const char * UTF-8; NULL when absent and without default; lives as long as
                          the instance */
    KITH_PARAM_ENUM,   /* uint32_t     index into `choices` */
    KITH_PARAM_STRINGS, /* struct kith_strings  a list of strings, or one */
    KITH_PARAM_PATH, /* const char * a file name; relative ones are made relative to the config file
                      */
    KITH_PARAM_FLOAT /* double */
};

enum {
    KITH_PARAM_REQUIRED = 1,
    KITH_PARAM_SECRET = 2, /* STRING: never shown, in no message, `config show` or report */
    KITH_PARAM_RESTART =
        4 /* of a transport: a change waits for the node's restart; others reach `adopt` */
};

struct kith_strings {
    const char *const *items;
    size_t count;
};

/* One parameter. The host parses, checks the range, and stores the value at `offset` of the
 * instance before init. */
struct kith_param {
    const char *name; /* [a-z][a-z0-9_]* */
    uint32_t type;    /* enum kith_param_type */
    uint32_t flags;
    size_t offset;       /* offsetof(struct instance, member) */
    const char *def;     /* default as written in YAML; for lists comma separated; NULL: absent */
    const char *def_wan; /* default under profile wan and local; NULL: as `def` */
    const char *def_local;
    uint64_t min,
        max; /* range of numbers, sizes and durations (max 0: no limit); length of strings */
    const char *const *choices; /* ENUM: NULL-terminated */
    const char *doc;            /* one line */
};

/* -------------------------------------------------------------------------------- the plugin */

enum kith_kind { KITH_TRANSPORT = 1, KITH_CODEC = 2, KITH_DELEGATE = 3 };

/* Bits of `requires`. None is defined yet; a host refuses a plugin that sets one it does not know.
 */
#define KITH_REQUIRES_KNOWN 0u

/* Where a command or a list writes its answer. */
struct kith_sink {
    uint32_t size;
    void *ctx;
    int (*write)(void *ctx, const void *data,
                 size_t len); /* 0, or -KITH_ETOOBIG when it does not fit (nothing written) */
};

struct kith_plugin {
    uint32_t size; /* of this struct, set by KITH_HEADER; likewise the next three */
    uint32_t abi_minor;
    uint32_t kind; /* enum kith_kind */
    uint32_t param_size;
    uint64_t requires;
    const char *name; /* what YAML says: [a-z][a-z0-9_]*; the file may have any name */
    const char *version;
    const char *summary; /* one line */
    size_t instance_size;
    const struct kith_param *params; /* ended by one without a name; NULL: none */
    const void *ops;                 /* the struct of the kind */

    int (*init)(void *self, const struct kith_host *, struct kith_error *err);
    int (*adopt)(void *self, void *old, struct kith_error *err);
    int (*start)(void *self, struct kith_error *err);
    void (*stop)(void *self);
    void (*fini)(void *self);

    /* `kith ... NAME words`: answer into sink, as text. */
    int (*command)(void *self, const char *const *words, const struct kith_sink *,
                   struct kith_error *err);
};

#ifdef KITH_STATIC_PLUGINS
#define KITH_PLUGIN(id) \
    extern const struct kith_plugin kith_plugin_v1_##id; \
    const struct kith_plugin kith_plugin_v1_##id
#else
#define KITH_PLUGIN(id) \
    extern KITH_EXPORT const struct kith_plugin kith_plugin_v1; \
    const struct kith_plugin kith_plugin_v1
#endif
#define KITH_PLUGIN_SYMBOL "kith_plugin_v1"
#define KITH_HEADER(k) \
    .size = sizeof(struct kith_plugin), .abi_minor = KITH_ABI_MINOR, .kind = KITH_##k, \
    .param_size = sizeof(struct kith_param)

/* ------------------------------------------------------------------------------------- codec */

enum kith_plane { KITH_PACKET = 1, KITH_STREAM = 2 };

/* What a layer gives to a message. `require:` is checked against the union of the layers that were
 * peeled. */
enum kith_provides {
    KITH_COMPRESSES = 1,
    KITH_CHECKS = 2,        /* notices accidents */
    KITH_AUTHENTICATES = 4, /* notices changes on purpose */
    KITH_ENCRYPTS = 8
};

/* One message on its way through one codec. */
struct kith_frame {
    uint32_t size;
    uint32_t plane;       /* enum kith_plane */
    struct kith_bytes ad; /* associated data to authenticate: [layer byte and length,] label */
    uint8_t peer_pmax;    /* seal: the peer's highest protocol version, 0 when not known */
    uint8_t protocol;     /* our own configured protocol version, 1..5 */
    uint16_t reserved;
    size_t limit;             /* open: the output may not be longer than this */
    struct kith_buf *scratch; /* a second buffer, data/len undefined; write the result there and
                                 kith_buf_swap() */

    /* Make scratch empty with at least `n` bytes of tailroom and as much headroom as the other
     * layers need. -KITH_ETOOBIG over the limit, -KITH_ENOMEM. */
    int (*reserve)(struct kith_frame *, size_t n);

    /* open, for those who look (`kith dissect`): index of the key that opened it, version of the
     * format. The host sets both to UINT32_MAX before; a codec that knows better says so. */
    uint32_t key, version;
};

/* How a layer shows on one plane.
 *   KITH_FRAMED  the host writes and strips the layer's byte (and on streams a 4-byte big-endian
 * length after it); they come first in frame->ad. The codec sees its own bytes only. The default
 * choice. KITH_OWN     the sealed bytes begin with one of first..last, written by the codec, as
 * memberlist's formats do KITH_NONE    no form on this plane: the layer is skipped there */
enum kith_framing { KITH_FRAMED = 0, KITH_OWN = 1, KITH_NONE = 2 };

struct kith_form {
    uint8_t framing; /* enum kith_framing */
    uint8_t first,
        last; /* first bytes; FRAMED: first == last, 0x80..0xBF registered in docs/WIRE.md, or 0:
                 the host gives a private one, 0xC0..0xEF, from the entry's `wire:` */
    uint8_t tentative; /* OWN: the bytes are ambiguous (memberlist's 0 and 1); tried as outermost
                          layer only, and taken for plaintext when opening fails and `require` does
                          not ask for it */
};

/* Most that sealing adds to a message, whatever it holds. */
struct kith_room {
    uint32_t head, tail;
    uint32_t protocol; /* in: as frame->protocol will be, should the answer depend on it */
};

enum kith_codec_flags {
    KITH_CODEC_KEYED =
        1, /* uses keys: the entry may have `keys:`, and a node without any key is an error */
    KITH_CODEC_RAW_KEYS = 2, /* wants the ring's keys as they are (16, 24 or 32 bytes) */
    KITH_CODEC_PEER_CRC =
        4 /* on packets, sealed only for peers whose protocol maximum is 5 or more */
};

struct kith_codec_ops {
    uint32_t size;
    uint32_t provides; /* bits of enum kith_provides */
    uint32_t flags;    /* bits of enum kith_codec_flags */
    struct kith_form packet, stream;

    /* [loop] Constant after init, but for out->protocol. What the host writes itself is not
     * counted. */
    void (*room)(const void *self, struct kith_room *out);

    /* [loop] Add this layer: in place (push/put, at most room()), or into frame->scratch, swapped.
     * KITH_PASS: not worth it or not possible, message untouched. The host has left room. No
     * allocation. On streams a compressor may grow a message further, by what `reserve` gives. */
    int (*seal)(void *self, struct kith_buf *, struct kith_frame *);

    /* [loop] Take this layer off, in place or into frame->scratch, swapped. -KITH_EAUTH,
     * -KITH_ECHECKSUM, -KITH_EMALFORMED or -KITH_ETOOBIG; the bytes may be anything then, except
     * for a tentative form, which must leave them untouched. */
    int (*open)(void *self, struct kith_buf *, struct kith_frame *);

    /* [loop] KITH_OWN streams only: where does the layer that begins at data end? 1: after *need
     * bytes, which are all there. 0: not known yet or not all there: come back with at least *need
     * bytes (*need > len). Negative: malformed. */
    int (*extent)(const void *self, const uint8_t *data, size_t len, size_t *need);

    /* [loop] The keys changed: read them again. A negative result keeps the entry working with what
     * it had. */
    int (*rekey)(void *self);

    /* [loop] KITH_FRAMED streams of codecs that authenticate: how long seal makes a message of len
     * bytes, exactly. The length is part of frame->ad and so has to be known before. NULL: len and
     * all of room(). */
    size_t (*sealed)(const void *self, size_t len, const struct kith_frame *);
};

/* --------------------------------------------------------------------------------- transport */

/* Why a stream ended: 0 orderly, else negative KITH_E code (ECLOSED reset by the peer, ETIMEOUT,
 * EREFUSED, EUNREACHABLE, EIO). */

/* What the transport tells the node. [loop] Never called from inside a call of the node into the
 * transport. */
struct kith_uplink {
    uint32_t size;
    void *ctx;

    /* A packet. buf is lent for the call and may be changed; received_at is `now` as of the read.
     */
    void (*packet_in)(void *ctx, const struct kith_addr *from, struct kith_buf *buf,
                      uint64_t received_at);

    /* A peer opened a stream. Non-zero: not wanted; the transport resets it and the id is dead. */
    int (*stream_accepted)(void *ctx, uint32_t id, const struct kith_addr *from);
    void (*stream_opened)(void *ctx, uint32_t id); /* ours is connected */
    void (*stream_data)(void *ctx, uint32_t id, const uint8_t *data, size_t len);
    void (*stream_writable)(void *ctx, uint32_t id); /* after a write that took less */
    void (*stream_end)(void *ctx, uint32_t id);      /* the peer finished; we may still write */
    void (*stream_closed)(void *ctx, uint32_t id, int reason); /* the id is dead */

    void (*limits_changed)(void *ctx);
};

struct kith_limits {
    uint32_t size;
    uint32_t flags;              /* enum kith_transport_flags */
    uint64_t packet;             /* largest packet towards any peer, bytes */
    uint32_t headroom, tailroom; /* what the transport itself adds in place */
};

enum kith_transport_flags {
    KITH_TRANSPORT_SECURE = 1,  /* authenticates and encrypts by itself */
    KITH_TRANSPORT_RELIABLE = 2 /* packets arrive or the peer is gone */
};

/* What the node decides for its transport. */
struct kith_transport_setup {
    uint32_t size;
    uint32_t reserved;
    const struct kith_uplink *uplink; /* valid as long as the instance */
    uint64_t tcp_timeout;             /* connecting may take that long, ns */
    uint64_t buffer_size;             /* udp_buffer_size: what a packet is packed to, bytes */
};

struct kith_transport_ops {
    uint32_t size;
    uint16_t default_port; /* for peers' addresses without a port */
    uint16_t reserved;

    /* [loop] Between init and start. */
    int (*attach)(void *self, const struct kith_transport_setup *, struct kith_error *err);
    void (*limits)(void *self, struct kith_limits *out);
    /* [loop] Largest packet towards `to`; NULL: limits().packet everywhere. */
    size_t (*packet_limit)(void *self, const struct kith_addr *to);

    /* [loop] After start: the address that others shall use. */
    int (*advertise)(void *self, struct kith_addr *out, struct kith_error *err);

    /* [any] Text to address and back; nothing is resolved. parse: -KITH_ENAME when host is a name
     * to be resolved. `host` comes without port and brackets. format: "host:port" ("[v6]:port"),
     * host alone when port is 0; the length as snprintf. */
    int (*parse)(void *self, const char *host, uint16_t port, struct kith_addr *out);
    int (*format)(void *self, const struct kith_addr *, char *out, size_t cap);

    /* [loop] Packets are best effort; the bytes are lent for the call. name: the member's, "" when
     * not known. A negative result says at once that it can't have been sent. flush ends a loop
     * turn: send what was batched. */
    int (*send_packet)(void *self, const struct kith_addr *to, const char *name, struct kith_bytes);
    void (*flush)(void *self);

    /* [loop] Streams. open returns at once with an id > 0 that no live stream has, opened or closed
     * follows. write takes what it can and returns how much; fewer than len: stream_writable
     * follows. finish: no more from us, the rest is still sent. reset: forget it now, no closed
     * follows. read: pause and resume reading. */
    int (*stream_open)(void *self, const struct kith_addr *to, const char *name, uint32_t *id);
    int64_t (*stream_write)(void *self, uint32_t id, const uint8_t *data, size_t len);
    void (*stream_finish)(void *self, uint32_t id);
    void (*stream_reset)(void *self, uint32_t id);
    void (*stream_read)(void *self, uint32_t id, bool on);
};

/* ---------------------------------------------------------------------------------- delegate */

/* The values of memberlist; they travel in push/pull. */
enum kith_state { KITH_ALIVE = 0, KITH_SUSPECT = 1, KITH_DEAD = 2, KITH_LEFT = 3 };

/* A member as this node sees it. Everything in it is lent for the call. Names may hold any byte. */
struct kith_member {
    uint32_t size;
    uint32_t state; /* enum kith_state */
    uint32_t incarnation;
    uint8_t versions[6]; /* protocol min, max, current; delegate protocol min, max, current; 0s: not
                            known */
    uint8_t reserved[2];
    struct kith_bytes name; /* a NUL follows the last byte */
    struct kith_bytes meta;
    struct kith_addr addr;
    uint64_t
        since; /* when it came into this state, `now`'s clock; 0 when from somebody else's list */
    struct kith_bytes accuser; /* suspect, dead: who said so; empty when not known */
};

enum kith_stat_kind { KITH_COUNTER = 1, KITH_GAUGE = 2, KITH_HISTOGRAM = 3 };

struct kith_stat {
    uint32_t size;
    uint32_t kind;
    const char *name, *help;         /* "packets_received": snake case, base units */
    const char *label, *label_value; /* one label ("reason", "too_short"), or NULLs */
    double value;                    /* counter, gauge; histogram: sum */
    uint64_t count;                  /* histogram: how many */
    const double *bounds; /* histogram: upper bounds, n of them, and the counts up to each */
    const uint64_t *counts;
    uint32_t n;
};

/* The end of something that was asked for: 0 or a negative KITH_E code; value: what the call says.
 */
typedef void kith_done_fn(void *arg, int status, uint64_t value);

/* What a delegate may ask of its node. [loop] Reads answer at once. Changes are queued, never done
 * inside the call, and end in `done` (NULL: not interested), which is called unless the instance
 * was stopped before. */
struct kith_node {
    uint32_t size;
    uint32_t reserved;

    size_t (*members)(const struct kith_node *,
                      bool (*visit)(void *arg, const struct kith_member *), void *arg);
    int (*member)(const struct kith_node *, const char *name, struct kith_member *out);
    void (*local)(const struct kith_node *, struct kith_member *out);
    void (*stats)(const struct kith_node *, void (*visit)(void *arg, const struct kith_stat *),
                  void *arg);
    int (*format)(const struct kith_node *, const struct kith_addr *, char *out, size_t cap);

    int (*resolve)(const struct kith_node *, const char *host,
                   void (*done)(void *arg, int status, const struct kith_addr *, size_t n),
                   void *arg);
    int (*join)(const struct kith_node *, const char *where, kith_done_fn *done,
                void *arg); /* value: addresses met */
    int (*leave)(const struct kith_node *, uint64_t timeout, kith_done_fn *done, void *arg);
    int (*set_meta)(const struct kith_node *, struct kith_bytes, kith_done_fn *done, void *arg);
    /* On this delegate's channel, or raw. Raw: sent by this node only; on a channel: relayed,
     * reaches all. */
    int (*broadcast)(const struct kith_node *, struct kith_bytes, kith_done_fn *done, void *arg);
    int (*send)(const struct kith_node *, const char *name, struct kith_bytes, bool reliable,
                kith_done_fn *done, void *arg);
    int (*ping)(const struct kith_node *, const char *name, kith_done_fn *done,
                void *arg); /* value: ns */
};

/* Every method of memberlist's delegate interfaces; each may be NULL. [loop] They must not block,
 * and everything handed in is lent for the call. */
struct kith_delegate_ops {
    uint32_t size;
    uint32_t reserved;

    /* Between init and start; the table is valid as long as the instance. */
    int (*attach)(void *self, const struct kith_node *, struct kith_error *err);

    /* Meta of this node: write at most cap bytes; how many, or negative. At start, and after
     * set_meta and reload. */
    int (*node_meta)(void *self, uint8_t *out, size_t cap);
    /* A user message; memberlist's wire does not say who sent it. reliable: it came on a stream. */
    void (*notify_msg)(void *self, struct kith_bytes, bool reliable);
    /* Messages to add to a packet: write() each as one; each costs its length plus overhead of
     * limit. */
    void (*get_broadcasts)(void *self, size_t overhead, size_t limit, const struct kith_sink *);
    /* State for a push/pull: write() any number of pieces. join: the exchange is a join. */
    void (*local_state)(void *self, bool join, const struct kith_sink *);
    void (*merge_remote_state)(void *self, struct kith_bytes, bool join);

    void (*notify_join)(void *self, const struct kith_member *);
    void (*notify_leave)(void *self,
                         const struct kith_member *); /* state: KITH_DEAD or KITH_LEFT */
    void (*notify_update)(void *self, const struct kith_member *);
    void (*notify_suspect)(
        void *self, const struct kith_member *); /* beyond memberlist: suspected, or no longer */
    void (*notify_conflict)(void *self, const struct kith_member *ours,
                            const struct kith_member *other);
    /* Vetoes: non-zero refuses, err says why. merge: all that the peer lists, count of them, size
     * bytes apart. */
    int (*notify_merge)(void *self, const struct kith_member *, size_t count, size_t size,
                        struct kith_error *err);
    int (*notify_alive)(void *self, const struct kith_member *, struct kith_error *err);

    /* Bytes to send with each ack: at most cap; how many, or negative for none. */
    int (*ack_payload)(void *self, uint8_t *out, size_t cap);
    void (*ping_complete)(void *self, const struct kith_member *, uint64_t rtt,
                          struct kith_bytes payload);
};

#ifdef __cplusplus
}
#endif
#endif
