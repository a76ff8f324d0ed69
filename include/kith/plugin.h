/* SPDX-License-Identifier: MIT */
/*
 * kith/plugin.h - everything a Kith plugin sees.
 *
 * A plugin is a shared object that exports one constant, `kith_plugin_v1`. Nothing of it runs when
 * it is loaded or looked at; no symbol of Kith has to be linked. This header needs the C library's
 * headers only and may be copied into your own tree.
 *
 *   transport   moves packets and byte streams between addresses          kith_transport_ops
 *   codec       one layer around a message: compression, check, cipher    kith_codec_ops
 *   delegate    what the application wants to know and to add             kith_delegate_ops
 *
 * LIFE. For each entry of the YAML file the host allocates `instance_size` zeroed bytes, stores the
 * parsed parameters in them, and calls, in this order and no other,
 *     init -> start, or adopt -> ... -> stop -> fini                        (each may be NULL)
 *   init   checks and derives; opens nothing: a config check runs it. Of the host's services it may
 *          use log, now, wall, random, world, numbers, keys, setting, scratch.
 *   start  opens sockets, starts threads.
 *   adopt  instead of start, when a reload changed this entry's settings: takes over what it wants
 *          of the old, running instance: sockets, streams with their ids, state. Free the old
 *          one's watches and timers yourself, then make new ones: a descriptor has one watch at a
 *          time. 0: the new one runs, the old one gets fini and nothing else: its posts, and the
 *          ends of what it asked for, are dropped; ask again. Negative: nothing was changed, the
 *          old one goes on (-KITH_ECLOSED: neither works any more). Without adopt: old stop, new
 *          start, old fini; when start fails the old one is started again, so start must work after
 *          stop. A codec never adopts: the new one is started beside the old one, with which open
 *          streams come to their end.
 *   stop   when it returns no thread of the plugin uses host or instance any more.
 *   fini   frees; comes also after an init, start or adopt that failed.
 * Watches and timers left after stop, after a start or adopt that failed, or with the old instance
 * after adopt, call nobody any more. The host frees those that fini does not free; each counts as a
 * breach and is logged by name.
 * An entry whose settings did not change is left alone by a reload, but for `refresh`.
 *
 * THREADS. One thread runs a node; every call into an instance comes from it, and nothing called
 * may wait. Services marked [any] may be called from every thread, all else (node and uplink, too)
 * from that one only: from another one it is refused, a breach. A plugin's own static variables are
 * the process's: several nodes, worlds and threads share them. So are signals and their handlers:
 * change none. `kith run` ignores SIGPIPE, other programs may not: send with MSG_NOSIGNAL, ignore
 * nothing. After fork only exec: descriptors are CLOEXEC.
 *
 * TURN. Descriptors that are ready, in no order; posts, in theirs; timers that are due, by time,
 * then as they were set; at the end what all that led to: messages and emitted events for
 * delegates, commands, sends, flush. Other events don't wait for the end: they show members as they
 * are at that moment. `now` stands still. A timer set to now or earlier fires in this turn when a
 * watch or a post set it, in the next one when a timer or the end of the turn did. So timers can't
 * starve descriptors.
 *
 * NO CALL FROM INSIDE A CALL. A transport makes no upcall from inside a call of the node (init,
 * start, adopt, stop included), and the node calls no transport from inside an upcall but for what
 * only asks (limits, packet_limit, parse, format): what an upcall leads to happens at the end of
 * the turn. A delegate may ask its node at any time; changes are queued and end in `done`, never
 * inside of the call. A breach costs a line with your name.
 *
 * GROWTH. Every struct begins with its size, ends without padding (a member put there would not
 * change the size) and only grows at its end, except those marked frozen.
 * Who is handed a struct reads no further than its size (KITH_KNOWS, KITH_HAS). Who fills one for
 * the other writes no more than the size it finds there, and sets size to what it wrote: KITH_ZERO
 * it before. A size that is below 4, or cuts a pointer in half, is a breach. What the host lends a
 * plugin to fill is zeroed and has room for 512 bytes: just write what you know. Absent or NULL:
 * "as before this member existed". Arrays come with their stride. Enums and flags grow too: ignore
 * kinds, codes and bits that you do not know. What a plugin can't do without is a bit in
 * `must_know`; a host that does not know it refuses the plugin, and says so.
 *
 * ERRORS. Functions return 0 or a negated KITH_E code; another negative number counts as KITH_EIO,
 * a positive one that is not promised is a breach. Slow calls also fill `err`: kith_fail(). On the
 * data path only the code is returned and counted, nothing is logged per packet.
 *
 * BYTES. Names, keys, meta and messages are bytes with a length and may hold anything, NUL too.
 * What is handed in is lent for the call, if nothing else is said.
 *
 * C++ (17 and later). No exception may leave a call, or a callback: it ends the program.
 *     `static constexpr auto ops = kith_make<kith_codec_ops>([](auto &o) { ... });`
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
#if defined(__clang__) /* as gcc has it in extern "C": this is C */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wold-style-cast"
#pragma clang diagnostic ignored "-Wzero-as-null-pointer-constant"
#endif
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

/* Does *p reach as far as member? And is it set (pointers, numbers)? */
#define KITH_KNOWS(p, member) \
    ((p)->size >= (size_t)((const char *)&(p)->member - (const char *)(p)) + sizeof((p)->member))
#define KITH_HAS(p, member) (KITH_KNOWS(p, member) && (p)->member)
#define KITH_ZERO(p)        (memset((p), 0, sizeof *(p)), (void)((p)->size = (uint32_t)sizeof *(p)))

/* ---------------------------------------------------------------------------------- results */

enum kith_code {
    KITH_OK = 0,
    KITH_EINVAL = 1,     /* all errors are returned negated; wrong argument or setting */
    KITH_ENOMEM = 2,     /* no memory, or a limit on memory */
    KITH_ETOOBIG = 3,    /* over a limit of size; for a codec: does not fit the room given */
    KITH_EMALFORMED = 4, /* bytes that the format does not allow */
    KITH_EAUTH = 5,      /* no key opens it, or it was changed on its way */
    KITH_ECHECKSUM = 6,
    KITH_EPOLICY = 7,      /* a layer that `require` asks for is missing, or not accepted */
    KITH_EUNSUPPORTED = 8, /* a valid request that this build does not implement */
    KITH_EADDRINUSE = 9,
    KITH_EACCES = 10, /* not allowed: by the system, or by this entry's `allow:` */
    KITH_ENOTFOUND = 11,
    KITH_EEXIST = 12, /* there already */
    KITH_EAGAIN = 13, /* would block, or a queue is full: try later */
    KITH_ETIMEOUT = 14,
    KITH_EREFUSED = 15, /* the peer or a veto said no */
    KITH_ECLOSED = 16,  /* gone: stream, socket, asker, node that left */
    KITH_EIO = 17,      /* the system said no in another way */
    KITH_EUNREACHABLE = 18,
    KITH_ENAME = 19, /* not an address but a name that somebody must resolve */
    /* Successes of calls that promise them. No error, negated or not, equals one. */
    KITH_PASS = 256, /* a compressor has nothing to do for this message, left untouched */
    KITH_LATER = 257 /* host->finish() will end it */
};

/* What went wrong, in words, for a person. Caller-owned; text always ends in NUL. Frozen. */
struct kith_error {
    uint32_t size;
    int32_t code; /* negative KITH_E code */
    char text[500];
};

/* Fill err (may be NULL; all is copied) and return -code:
 * `return kith_fail(err, KITH_EINVAL, "level %d", n);` */
static inline int kith_fail(struct kith_error *err, enum kith_code code, const char *fmt, ...)
    KITH_PRINTF(3, 4);
static inline int kith_fail(struct kith_error *err, enum kith_code code, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        err->code = -(int32_t)code;
        (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
        va_end(ap);
    }
    return -(int)code;
}

/* ---------------------------------------------------------------------------------- bytes */

/* Frozen. What the host gives as text (names, words, values) has a NUL behind its last byte. */
struct kith_bytes {
    const uint8_t *data;
    size_t len;
};

/* A name and its value: labels of a metric, fields of an event, a map in YAML. Frozen. */
struct kith_pair {
    struct kith_bytes name, value;
};

/* A message in a larger storage: base <= data, data + len <= base + cap. Frozen.
 * What is before data is headroom, what is after data + len is tailroom. */
struct kith_buf {
    uint8_t *base, *data;
    size_t len, cap;
};

/* Where a node can be reached, in the transport's own terms: up to 128 opaque bytes and a port. An
 * IP address is just 4 or 16 of them. Never rewrite somebody else's. Frozen. */
#define KITH_ADDR_MAX 128
struct kith_addr {
    uint16_t port;
    uint8_t len;
    uint8_t bytes[KITH_ADDR_MAX];
};

static inline size_t kith_buf_headroom(const struct kith_buf *b)
{
    return (size_t)(b->data - b->base);
}
static inline size_t kith_buf_tailroom(const struct kith_buf *b)
{
    return b->cap - kith_buf_headroom(b) - b->len;
}
/* push, put: n more bytes at the front, at the end. pull, trim: n bytes off the front, off the end.
 * The first of these bytes, or NULL when there is no room or there are fewer (nothing changed). */
static inline uint8_t *kith_buf_push(struct kith_buf *b, size_t n)
{
    if (kith_buf_headroom(b) < n) return NULL;
    b->data -= n;
    b->len += n;
    return b->data;
}
static inline uint8_t *kith_buf_put(struct kith_buf *b, size_t n)
{
    if (kith_buf_tailroom(b) < n) return NULL;
    b->len += n;
    return b->data + b->len - n;
}
static inline uint8_t *kith_buf_pull(struct kith_buf *b, size_t n)
{
    if (b->len < n) return NULL;
    b->data += n;
    b->len -= n;
    return b->data - n;
}
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
static inline struct kith_bytes kith_text(const char *s) { return kith_bytes_of(s, strlen(s)); }
static inline bool kith_bytes_equal(struct kith_bytes a, struct kith_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}
static inline bool kith_addr_equal(const struct kith_addr *a, const struct kith_addr *b)
{
    return a->port == b->port && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* ---------------------------------------------------------------------------------- peers */

/* What a layer or a transport gives to a message. `require:` is checked against all of them. */
enum kith_provides {
    KITH_COMPRESSES = 1,
    KITH_CHECKS = 2,        /* notices accidents */
    KITH_AUTHENTICATES = 4, /* notices changes on purpose */
    KITH_ENCRYPTS = 8
};

/* The other end: where a packet, stream or message comes from, or goes to. */
struct kith_peer {
    uint32_t size;
    uint32_t provides;            /* in: what the transport did for it (enum kith_provides) */
    uint32_t protocol_max;        /* highest protocol version it speaks; 0: not known */
    const struct kith_addr *addr; /* out: NULL: the member called `name` */
    struct kith_bytes name;       /* the member's; empty: not known (the wire seldom says) */
    struct kith_bytes identity;   /* in: name that the transport verified for whoever delivered
                                     this, not necessarily whom it is about; empty: none */
};

/* The values of memberlist; they travel in push/pull. */
enum kith_state { KITH_ALIVE = 0, KITH_SUSPECT = 1, KITH_DEAD = 2, KITH_LEFT = 3 };
enum kith_member_flags { KITH_MEMBER_LOCAL = 1 };

/* A member as this node sees it. Its bytes stay valid until the callback that got it (visit, event)
 * returns; those of `member` and `local` until your current call returns to the host. */
struct kith_member {
    uint32_t size;
    uint32_t state; /* enum kith_state */
    uint32_t incarnation;
    uint32_t flags;      /* enum kith_member_flags */
    uint8_t versions[8]; /* protocol min, max, current; delegate protocol likewise; 0, 0 */
    struct kith_addr addr;
    struct kith_bytes name, meta;
    struct kith_bytes accuser; /* suspect, dead: who said so; empty when not known */
    uint64_t since;            /* in this state since, `now`'s clock; 0: not known, learned from
                                  another member's list */
};

/* ---------------------------------------------------------------------------------- the host */

enum kith_log_level {
    KITH_LOG_ERROR,
    KITH_LOG_WARN,
    KITH_LOG_INFO,
    KITH_LOG_DEBUG,
    KITH_LOG_TRACE
};
enum kith_readiness { KITH_READABLE = 1, KITH_WRITABLE = 2 };

struct kith_watch; /* a watched file descriptor */
struct kith_timer; /* a timer, armed or not */
struct kith_histogram;
struct kith_event;  /* below */
struct kith_node;   /* below: what a delegate may ask */
struct kith_uplink; /* below: what a transport tells */

/* One key of the ring that this entry uses. */
struct kith_key {
    uint32_t size;
    uint32_t len;        /* bytes */
    const uint8_t *data; /* locked memory, valid until `refresh` with KITH_REFRESH_KEYS */
};

/* A setting of the node's configuration. text: as `config show` prints it. number: bool, int, uint,
 * size (bytes), duration (ns), index of an enum; real: float. Lent until the turn ends. */
struct kith_value {
    uint32_t size;
    uint32_t type; /* enum kith_param_type */
    int64_t number;
    double real;
    struct kith_bytes text;
};

/* The end of what was asked for: 0 or a negative code; value: what the call says. Never called from
 * inside of the call that asked, nor after `stop`. */
typedef void kith_done_fn(void *arg, int status, uint64_t value);
typedef void kith_resolved_fn(void *arg, int status, const struct kith_addr *, size_t count);
/* One listener's whole answer to an event that was emitted; by: its entry. */
typedef void kith_answer_fn(void *arg, struct kith_bytes by, int status, struct kith_bytes);

/* What the host does for an instance. Each instance has a table of its own and hands it back as
 * first argument. Time, randomness, timers and descriptor events come from here only: then a plugin
 * runs in the simulator too. The table itself stays until the world ends, also after `fini`; in a
 * virtual world, which has no threads, until its node does. */
struct kith_host {
    uint32_t size;
    uint32_t abi_minor;
    const struct kith_node *node;     /* delegates, from start on; else NULL */
    const struct kith_uplink *uplink; /* transports, from start on; else NULL */

    /* [any] One line without newline, copied, cut at 1023 bytes; the host adds entry, time and
     * place, and limits repeats. A config check shows a warning or worse as a warning. */
    void (*log)(const struct kith_host *, enum kith_log_level, const char *fmt, ...)
        KITH_PRINTF(3, 4);

    /* [any] Run fn(arg) on the node's thread soon, in the order of the calls. 0, -KITH_ENOMEM,
     * and -KITH_ECLOSED once stop has returned, also from a thread that is too late. Posts
     * still queued at stop are dropped: don't rely on fn to free memory. */
    int (*post)(const struct kith_host *, void (*fn)(void *arg), void *arg);

    /* Monotonic nanoseconds as of this turn; `wall`: nanoseconds since 1970 UTC. */
    uint64_t (*now)(const struct kith_host *);
    uint64_t (*wall)(const struct kith_host *);
    /* 0: real time. Else the number of a virtual world: no descriptor, process or thread is there,
     * and instances of other worlds must not be met. */
    uint64_t (*world)(const struct kith_host *);
    /* The system's CSPRNG; in a virtual world the seed's sequence. Cannot fail. */
    void (*random)(const struct kith_host *, void *out, size_t len);

    /* fn whenever fd is ready for one of `events` (level-triggered). NULL: no memory, watched
     * already, not to be watched. watch_set changes the events (0 pauses). watch_free ends it, also
     * from inside fn; close the fd after, not before. */
    struct kith_watch *(*watch)(const struct kith_host *, int fd, unsigned events,
                                void (*fn)(void *arg, unsigned events), void *arg);
    void (*watch_set)(struct kith_watch *, unsigned events);
    void (*watch_free)(struct kith_watch *);

    /* One-shot timers on `now`'s clock. Setting an armed one moves it; UINT64_MAX disarms. The
     * past counts as now; see TURN. */
    struct kith_timer *(*timer)(const struct kith_host *, void (*fn)(void *arg), void *arg);
    void (*timer_set)(struct kith_timer *, uint64_t at);
    void (*timer_free)(struct kith_timer *);

    /* Numbers that `kith info` and the metrics delegate show; write to them yourself. Never
     * NULL: when memory or the limit of series (1000 an entry) is out, one that nobody reads.
     * They live as long as the entry, over reloads; same name and labels, same number. Name:
     * snake case in base units; help: one sentence. Bounds rise; +Inf is implied. */
    uint64_t *(*counter)(const struct kith_host *, const char *name, const char *help,
                         const struct kith_pair *labels, size_t count);
    double *(*gauge)(const struct kith_host *, const char *name, const char *help,
                     const struct kith_pair *labels, size_t count);
    struct kith_histogram *(*histogram)(const struct kith_host *, const char *name,
                                        const char *help, const struct kith_pair *labels,
                                        size_t count, const double *bounds, size_t bound_count);
    void (*observe)(struct kith_histogram *, double value);

    /* NULL: all is well. Else why not, for `kith info`: up to 255 bytes, copied. */
    void (*degraded)(const struct kith_host *, const char *why);

    /* Working memory until this call into the instance returns; NULL: no memory. All instances of a
     * world share it, contents as the last left them. One block: asking again in the same call may
     * return it, or a larger one with other contents; a call into another plugin's table (query)
     * may overwrite it. Ask for your largest size in init: later requests up to it cost nothing. */
    void *(*scratch)(const struct kith_host *, size_t len);

    /* How many keys the ring of this entry has (its `keys:`, else `keyring:`); out (NULL-able)
     * gets the i-th. 0 is the primary: it seals, all open. 32 bytes derived for the plugin's
     * name, unless KITH_RAW_KEYS. A delegate without `keys:` has the node's ring only if its entry
     * says `allow: [keys]`, and as it is, not derived. */
    size_t (*keys)(const struct kith_host *, size_t i, struct kith_key *out);

    /* "node.name", "node.label", "node.profile", "gossip.interval"; of lists "join.0", "join.1"
     * and so on; "entry.name": what the file calls this entry. -KITH_ENOTFOUND, -KITH_ENOMEM, and
     * -KITH_EACCES for a secret. */
    int (*setting)(const struct kith_host *, const char *key, struct kith_value *out);

    /* An address as the transport reads it, or a name or SRV name, with or without port: all its
     * addresses. -KITH_EINVAL at once when it is neither. */
    int (*resolve)(const struct kith_host *, struct kith_bytes text, kith_resolved_fn *, void *arg);

    /* Answer a command or event that came with an id, and end it. reply: any number of pieces, each
     * taken whole or not at all, copied, put together without a newline; to an event 1 MiB in all,
     * then -KITH_ETOOBIG; to a command any number, each under 1 MiB.
     * -KITH_EAGAIN: the asker is slow, not taken, try later; -KITH_ECLOSED: nobody asks any more,
     * forget the id. finish: once; text (NULL-able) says why not. Ids are never used again, never
     * dangle, and are the entry's: adopt may take them over, stop ends them with -KITH_ECLOSED. */
    int (*reply)(const struct kith_host *, uint64_t id, struct kith_bytes);
    int (*finish)(const struct kith_host *, uint64_t id, int status, const char *text);

    /* An event of this entry's own, to all other delegates, monitor and embedder, when this call
     * into the plugin has ended. `name`, `fields`, `data`, `number`, `member`, `deadline` are
     * copied. answer (NULL-able) comes once per listener that answers, and a last time with empty
     * `by`, by `deadline` at the latest. -KITH_ECLOSED: nobody hears it: in init, and while the
     * node is opened or closed. */
    int (*emit)(const struct kith_host *, const struct kith_event *, kith_answer_fn *answer,
                void *arg);

    /* A table that a plugin of this node offers, by an id with a revision ("kith.http/1"); NULL:
     * not here. Good until this call into the plugin ends: ask again. offer: to the plugins of this
     * node; NULL takes it back, and so does stop. */
    const void *(*query)(const struct kith_host *, const char *id);
    int (*offer)(const struct kith_host *, const char *id, const void *table);
};

/* ---------------------------------------------------------------------------------- parameters */

/* The type of a parameter, and the C type of the member that it is stored in. */
enum kith_param_type {
    KITH_PARAM_BOOL = 1, /* bool              true, false */
    KITH_PARAM_INT,      /* int32_t */
    KITH_PARAM_UINT,     /* uint32_t */
    KITH_PARAM_SIZE,     /* uint64_t          bytes: 1400, 64KiB, 2MiB */
    KITH_PARAM_DURATION, /* uint64_t          nanoseconds: 200ms, 5s, 1m30s; 0 */
    KITH_PARAM_FLOAT,    /* double */
    KITH_PARAM_STRING,   /* const char *      UTF-8 without NUL; NULL when absent */
    KITH_PARAM_PATH,     /* const char *      relative ones are relative to the config file */
    KITH_PARAM_ENUM,     /* uint32_t          index into `choices` */
    KITH_PARAM_LIST,     /* struct kith_list  of strings, or one */
    KITH_PARAM_MAP       /* struct kith_map   of strings, in the file's order */
};

enum kith_param_flags {
    KITH_PARAM_REQUIRED = 1, /* without a default */
    KITH_PARAM_SECRET = 2,   /* never shown, in no message, `config show` or report */
    KITH_PARAM_RESTART = 4   /* of a transport: a change waits for the node's restart */
};

/* Both frozen. */
struct kith_list {
    const char *const *items;
    size_t count;
};
struct kith_map {
    const struct kith_pair *items;
    size_t count;
};

/* One parameter. The host parses, checks, and stores the value at `offset` before init; what it
 * points to lives as long as the instance. */
struct kith_param {
    const char *name; /* [a-z][a-z0-9_]*; not use, as, keys, layer_byte, channel, allow */
    uint32_t type, flags;
    size_t offset, width; /* of the member; a width that does not fit the type is refused */
    const char *def;      /* as written in YAML ("5s", "[a, b]"); NULL: absent, zero */
    const char *def_wan, *def_local; /* under these profiles; NULL: as `def` */
    const char *min, *max;           /* as written in YAML: numbers; strings and lists: length */
    const char *const *choices;      /* ENUM: NULL-terminated; each once, one line */
    const char *doc;                 /* one line */
};
/* clang-format off */
#define KITH_PARAM(S, member, TYPE, flags, def, min, max, doc) \
    {#member, KITH_PARAM_##TYPE, flags, offsetof(S, member), sizeof(((S *)0)->member), \
     def, NULL, NULL, min, max, NULL, doc}
#define KITH_PARAM_CHOICE(S, member, flags, def, choices, doc) \
    {#member, KITH_PARAM_ENUM, flags, offsetof(S, member), sizeof(((S *)0)->member), \
     def, NULL, NULL, NULL, NULL, choices, doc}
/* Ends every table. Without it the host reads past the end: undefined, refused where it is
 * noticed. */
#define KITH_PARAM_END {NULL, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL}
/* clang-format on */

/* ---------------------------------------------------------------------------------- the plugin */

enum kith_kind { KITH_TRANSPORT = 1, KITH_CODEC = 2, KITH_DELEGATE = 3 };

enum kith_plugin_flags {
    KITH_KEYED = 1,    /* uses keys: may have `keys:`; an entry that has none is an error */
    KITH_RAW_KEYS = 2, /* codec: wants the ring's keys as they are (16, 24, 32 bytes) */
    KITH_OUTSIDE = 4   /* files, sockets, programs of its own: not in a virtual world (world) */
};

#define KITH_MUST_KNOW 0u /* bits of `must_know` that are defined: none yet */

enum kith_refresh {
    KITH_REFRESH_KEYS = 1, /* the ring changed: read the keys again, wipe the old */
    KITH_REFRESH_FILES = 2 /* a reload, own settings as before: read certificates again */
};

/* What somebody asks of an entry: `kith command NAME words`. */
struct kith_call {
    uint32_t size;
    uint32_t flags;    /* enum kith_call_flags */
    uint64_t id;       /* for host->reply and host->finish */
    uint64_t deadline; /* the asker waits until then, `now`'s clock; or UINT64_MAX */
    const struct kith_bytes *words;
    size_t count;
};
enum kith_call_flags { KITH_CALL_JSON = 1 /* answer in JSON, one value a line; else text */ };

struct kith_plugin {
    uint32_t size; /* size, abi_minor, kind, param_size are set by KITH_HEADER */
    uint32_t abi_minor;
    uint32_t kind; /* enum kith_kind */
    uint32_t param_size;
    uint64_t must_know;
    uint32_t flags;   /* enum kith_plugin_flags */
    const char *name; /* what YAML says: [a-z][a-z0-9_]*; the file may have any name */
    const char *version, *summary;
    size_t instance_size;
    const struct kith_param *params; /* ended by KITH_PARAM_END; NULL: none */
    const void *ops;                 /* the struct of the kind */

    int (*init)(void *self, const struct kith_host *, struct kith_error *err);
    int (*start)(void *self, struct kith_error *err);
    int (*adopt)(void *self, void *old, struct kith_error *err);
    void (*stop)(void *self);
    void (*fini)(void *self);

    /* what: enum kith_refresh bits. Negative: all goes on with what it had, and err is logged. */
    int (*refresh)(void *self, uint32_t what, struct kith_error *err);
    /* 0: what was replied meanwhile is the answer. KITH_LATER: host->finish ends it. Many may wait
     * for one entry; a node keeps 4096 ids open for all of them, and refuses what is more. */
    int (*command)(void *self, const struct kith_call *, struct kith_error *err);
};

#define KITH_PLUGIN_SYMBOL "kith_plugin_v1"
#ifdef __cplusplus
#define KITH_EXTERN extern "C"
#else
#define KITH_EXTERN extern
#endif
#ifdef KITH_STATIC_PLUGINS
#define KITH_PLUGIN(id) \
    KITH_EXTERN const struct kith_plugin kith_plugin_v1_##id; \
    const struct kith_plugin kith_plugin_v1_##id
#else
#define KITH_PLUGIN(id) \
    KITH_EXTERN KITH_EXPORT const struct kith_plugin kith_plugin_v1; \
    const struct kith_plugin kith_plugin_v1
#endif
/* In C: KITH_PLUGIN(x) = {KITH_HEADER(CODEC), .name = "x", ...}; C++: see kith_make_plugin. */
#define KITH_HEADER(k) \
    .size = sizeof(struct kith_plugin), .abi_minor = KITH_ABI_MINOR, .kind = KITH_##k, \
    .param_size = sizeof(struct kith_param)

/* ---------------------------------------------------------------------------------- codec */

enum kith_plane { KITH_PACKET = 1, KITH_STREAM = 2 };

/* One message on its way through one codec. */
struct kith_frame {
    uint32_t size;
    uint32_t plane;               /* enum kith_plane */
    struct kith_bytes ad;         /* to authenticate with it: [layer byte and length,] label */
    const struct kith_peer *peer; /* whom it comes from or goes to; NULL: not known */
    uint32_t protocol;            /* our own configured protocol version, 1..5 */
    size_t limit;                 /* open: the output may not be longer than this */
    struct kith_buf *scratch;     /* a second buffer: write the result there and kith_buf_swap() */
    /* Make scratch empty with at least `len` bytes of tailroom and as much headroom as the other
     * layers need. -KITH_ETOOBIG over the limit, -KITH_ENOMEM. */
    int (*reserve)(struct kith_frame *, size_t len);
    /* Set by open, for `kith dissect` and `kith monitor --wire`: index of the key, version of the
     * format; UINT32_MAX before. */
    uint32_t key, version;
};

/* How a layer shows on one plane.
 *   FRAMED  the host writes and strips the layer's byte (on streams a 4-byte big-endian length
 *           after it); they come first in frame->ad. The codec sees its own bytes only.
 *   OWN     sealed bytes begin with one of first..last, written by the codec: memberlist's formats
 *   NONE    no form on this plane: the layer is skipped there */
enum kith_framing { KITH_FRAMED = 0, KITH_OWN = 1, KITH_NONE = 2 };

struct kith_form { /* frozen */
    uint8_t framing;
    uint8_t first, last; /* FRAMED: equal, 0x80..0xBF as docs/WIRE.md lists, or 0: the host
                            takes 0xC0..0xEF from the entry's `layer_byte:` */
    uint8_t tentative;   /* OWN: first byte is ambiguous (memberlist's 0 and 1): tried only as
                            outermost layer; if it doesn't open and `require` allows, it is
                            plaintext */
};

/* Most that sealing adds to a message, whatever it holds; 0 and 0 is fine. Frozen. */
struct kith_room {
    uint32_t head, tail;
    uint32_t protocol; /* in: as frame->protocol will be, if the answer depends on it */
};

struct kith_codec_ops {
    uint32_t size;
    uint32_t provides; /* bits of enum kith_provides */
    struct kith_form packet, stream;

    /* Constant after init, but for out->protocol. What the host writes itself is not counted. */
    void (*room)(const void *self, struct kith_room *out);

    /* Add this layer in place (push, put: at most room()), or into frame->scratch, swapped. No
     * allocation. KITH_PASS: not worth it, untouched; only for codecs without KITH_KEYED that
     * neither authenticate nor encrypt: from others it is a breach and the message is dropped, as
     * with any other positive number. On streams a compressor may grow a message further, by what
     * `reserve` gives. */
    int (*seal)(void *self, struct kith_buf *, struct kith_frame *);
    /* Take this layer off, likewise. Negative: the bytes may be anything then, except for a
     * tentative form, which must leave them untouched. */
    int (*open)(void *self, struct kith_buf *, struct kith_frame *);
    /* OWN streams: where does the layer that begins at data end? 1: after *need bytes, all there.
     * 0: come back with at least *need bytes (*need > len). Negative: malformed. */
    int (*extent)(const void *self, const uint8_t *data, size_t len, size_t *need);
    /* FRAMED streams of codecs that authenticate: how long seal makes a message of len bytes,
     * exactly (the length is part of frame->ad). NULL: len and all of room(). */
    size_t (*sealed_size)(const void *self, size_t len, const struct kith_frame *);
};

/* ---------------------------------------------------------------------------------- transport */

enum kith_changed {
    KITH_CHANGED_LIMITS = 1,  /* ask `limits` again */
    KITH_CHANGED_ADDRESS = 2, /* ask `advertise` again and tell the others */
    KITH_CHANGED_CROWDED = 4  /* it has no room for another stream: reset some of strangers */
};

/* What the transport tells the node, between a successful start or adopt and stop. Peers are
 * lent for the call. Stream ids are the transport's to choose, when it reports or opens one: each
 * larger than all before it, ours and theirs, since start (adopt goes on from the old one's). So
 * none comes twice; dead after stream_closed and stream_reset. Until an upcall returns the node
 * calls nothing of the transport but what only asks (NO CALL FROM INSIDE A CALL), so what is lent
 * may lie in the transport's own state.
 * Report at most 2048 packets and 512 KiB of stream bytes a turn, the rest in the next. Packets
 * beyond 16384 are dropped; stream bytes beyond 4 MiB are kept and their streams paused. */
struct kith_uplink {
    uint32_t size;
    /* buf is lent and may be changed; received_at: `now`'s clock, as of the read. */
    void (*packet_in)(const struct kith_uplink *, const struct kith_peer *from, struct kith_buf *,
                      uint64_t received_at);
    /* A peer opened a stream. Non-zero: not wanted; reset it, the id is dead. */
    int (*stream_accepted)(const struct kith_uplink *, uint64_t id, const struct kith_peer *from);
    /* The stream of stream_open is connected, to this peer. Once; the node writes nothing before.
     */
    void (*stream_opened)(const struct kith_uplink *, uint64_t id, const struct kith_peer *to);
    void (*stream_data)(const struct kith_uplink *, uint64_t id, struct kith_bytes);
    void (*stream_writable)(const struct kith_uplink *, uint64_t id); /* after a short write */
    void (*stream_end)(const struct kith_uplink *, uint64_t id);      /* the peer has finished */
    /* 0: both sides finished and all was sent. Else the reason: -KITH_ECLOSED reset by the peer,
     * -KITH_ETIMEOUT, -KITH_EREFUSED, ... */
    void (*stream_closed)(const struct kith_uplink *, uint64_t id, int reason);
    void (*changed)(const struct kith_uplink *, uint32_t what); /* enum kith_changed bits */
    /* A hint to probe it now, never a verdict: connection refused, reset, lost. */
    void (*peer_unreachable)(const struct kith_uplink *, const struct kith_addr *);
};

struct kith_limits {
    uint32_t size;
    uint32_t provides;           /* what every message gets at least. A file is refused whose
                                    `require` neither this nor the codecs meet; if it is less
                                    later, nothing is sent until it is there again. What is
                                    received is judged by its peer's `provides` */
    uint64_t packet;             /* largest packet towards any peer, bytes; not 0 */
    uint64_t stream_window;      /* most that may still come on a paused stream, 0: nothing;
                                    more is a breach, and the node resets it */
    uint32_t headroom, tailroom; /* what send_packet finds around its bytes */
};

/* Mandatory: limits, advertise, parse, format, send_packet. Without stream_open: packets only. */
struct kith_transport_ops {
    uint32_t size;
    /* For addresses without a port as long as our own address has none: else our own port counts,
     * as memberlist's BindPort. parse leaves port 0. */
    uint16_t default_port;

    void (*limits)(void *self, struct kith_limits *out); /* also after init alone */
    /* Largest packet towards `to`; asked for each packet: cheap. NULL: limits().packet. */
    size_t (*packet_limit)(void *self, const struct kith_peer *to);
    /* The address that others shall use. -KITH_EAGAIN: not known yet, KITH_CHANGED_ADDRESS
     * follows. */
    int (*advertise)(void *self, struct kith_addr *out, struct kith_error *err);

    /* The whole text as written, with port, brackets and slashes, to an address; nothing is
     * resolved. -KITH_ENAME: *host is the part to resolve, out->port its port or 0; the node puts 4
     * or 16 bytes of IP there. -KITH_EINVAL: no address of this transport. format: the reverse; the
     * length as snprintf. Also after init alone. */
    int (*parse)(void *self, struct kith_bytes text, struct kith_addr *out,
                 struct kith_bytes *host);
    int (*format)(void *self, const struct kith_addr *, char *out, size_t cap);

    /* Best effort; the buffer is lent for the call and may be changed. Negative: it can't have been
     * sent. flush ends a turn: send what was batched. */
    int (*send_packet)(void *self, const struct kith_peer *to, struct kith_buf *);
    void (*flush)(void *self);

    /* open: the id at once, then stream_opened or stream_closed; negative: there is no stream, and
     * no stream_closed follows. write takes what it can and says how much; less than all:
     * stream_writable follows; negative: broken, the node resets it. finish: no more from us; what
     * the kernel does not take yet is still sent, and stream_closed(0) is due once all is written
     * and the peer has finished too. reset: forget it now, no stream_closed follows. read: off:
     * stop reading, so that the peer is held up; what was read may still come, up to stream_window.
     */
    int (*stream_open)(void *self, const struct kith_peer *to, uint64_t *id);
    int64_t (*stream_write)(void *self, uint64_t id, struct kith_bytes);
    void (*stream_finish)(void *self, uint64_t id);
    void (*stream_reset)(void *self, uint64_t id);
    void (*stream_read)(void *self, uint64_t id, bool on);

    /* Dead, left, or under another address: idle connections to it may go. */
    void (*member_gone)(void *self, const struct kith_peer *);
};

/* ---------------------------------------------------------------------------------- delegate */

enum kith_message_flags {
    KITH_RELIABLE = 1, /* on a stream */
    KITH_RELAYED = 2,  /* in: on a channel: to all; docs/WIRE.md says what is promised */
    KITH_JOIN = 4      /* remote state: the exchange is a join */
};

/* A message or state of a delegate. In: peer says what is known of the sender: address and identity
 * of who handed it over, on a channel also `name`, which the sender claims. Out: peer is the
 * receiver, a member or an address; NULL: all. To all, raw: sent by this node some times, without a
 * promise; a later one with the same key replaces one that waits, smaller priority goes first.
 * To all, channel: every member that runs Kith gets it once; key and priority are refused. To one,
 * channel: -KITH_EUNSUPPORTED where a member is not known to run Kith. */
struct kith_message {
    uint32_t size;
    uint32_t flags;    /* enum kith_message_flags */
    uint32_t priority; /* out */
    struct kith_bytes bytes;
    const struct kith_peer *peer;
    struct kith_bytes key;     /* out; empty: replaces nothing */
    struct kith_bytes channel; /* in, and out of an embedding program; empty: raw */
};

enum kith_event_kind {
    /* about `member`, as memberlist has them */
    KITH_EVENT_JOIN = 1,     /* NotifyJoin */
    KITH_EVENT_LEAVE = 2,    /* NotifyLeave; state: KITH_DEAD or KITH_LEFT */
    KITH_EVENT_UPDATE = 3,   /* NotifyUpdate: meta, address or versions are new */
    KITH_EVENT_CONFLICT = 4, /* NotifyConflict: `other` claims the name of `member` */
    KITH_EVENT_PING = 5,     /* NotifyPingComplete: number: round trip, ns; data: ack payload */
    KITH_EVENT_SUSPECT = 6,  /* suspected, or (state KITH_ALIVE) no longer */
    /* number: so many messages that the member named `data` broadcast on channels are kept by
     * nobody any more. peer NULL: this node misses them for good; else peer asked for them here */
    KITH_EVENT_LOST = 7,
    /* of this node */
    KITH_EVENT_STARTED = 16,
    KITH_EVENT_JOINED = 17,   /* met somebody else for the first time */
    KITH_EVENT_REFUTED = 18,  /* answered an accusation; number: the new incarnation */
    KITH_EVENT_RELOADED = 20, /* read settings again */
    KITH_EVENT_KEYS = 21,     /* the keyring changed */
    /* of a plugin: host->emit */
    KITH_EVENT_EMITTED = 32
};

struct kith_event {
    uint32_t size;
    uint32_t kind;   /* enum kith_event_kind */
    uint64_t wall;   /* when */
    uint64_t number; /* as the kind says */
    const struct kith_member *member, *other;
    const struct kith_peer *peer;
    struct kith_bytes data; /* as the kind says; EMITTED: the payload */
    /* EMITTED: "serf", "user_event", {name: deploy, ltime: 7}; shown as serf.user_event */
    struct kith_bytes by;   /* entry that emitted it */
    struct kith_bytes name; /* [a-z][a-z0-9_]*: a kind of event, not its user's words */
    const struct kith_pair *fields;
    size_t field_count;
    uint64_t id;       /* not 0: an answer is welcome: host->reply, host->finish */
    uint64_t deadline; /* until then */
};

enum kith_claim_kind {
    KITH_CLAIM_ALIVE = 1,
    KITH_CLAIM_SUSPECT = 2,
    KITH_CLAIM_DEAD = 4,
    KITH_CLAIM_LEAVE = 8,
    KITH_CLAIM_MERGE = 16
};

/* What somebody says about members, before it is believed. members[i] shows what would be. */
struct kith_claim {
    uint32_t size;
    uint32_t kind;                     /* one of enum kith_claim_kind */
    const struct kith_member *members; /* MERGE: all that the peer lists; else one */
    size_t count, stride;
    const struct kith_peer *from; /* who brought it; NULL: this node itself found out */
};
static inline const struct kith_member *kith_claim_member(const struct kith_claim *c, size_t i)
{
    return (const struct kith_member *)(const void *)((const char *)c->members + i * c->stride);
}

enum kith_stat_kind { KITH_COUNTER = 1, KITH_GAUGE = 2, KITH_HISTOGRAM = 3 };

struct kith_stat {
    uint32_t size;
    uint32_t kind;                  /* enum kith_stat_kind */
    const char *name, *help;        /* "packets_received": snake case, base units */
    const struct kith_pair *labels; /* "reason": "too_short"; node.metric_labels included */
    size_t label_count;
    double value;         /* counter, gauge; histogram: sum */
    uint64_t count;       /* histogram: how many */
    const double *bounds; /* histogram: upper bounds, and how many up to each of them */
    const uint64_t *counts;
    uint64_t bound_count; /* as wide as `count`: no padding behind it on 32 bits */
};

/* Where a producer puts its pieces: 0, or -KITH_ETOOBIG when this one does not fit. */
struct kith_sink {
    uint32_t size;
    int (*write)(const struct kith_sink *, struct kith_bytes);
};

enum kith_fits {
    KITH_FITS_PACKET = 1,
    KITH_FITS_STREAM,
    KITH_FITS_BROADCAST,
    KITH_FITS_META,
    KITH_FITS_ACK,
    KITH_FITS_RELAYED /* to all, on a channel: name of the channel and message together */
};
enum kith_key_change { KITH_KEY_INSTALL = 1, KITH_KEY_USE, KITH_KEY_REMOVE };

/* What a delegate may ask of its node. Reads answer at once, also inside callbacks. Changes
 * return 0 (queued) or a negative code (refused, no `done` follows) and end in `done`
 * (NULL-able). */
struct kith_node {
    uint32_t size;

    /* Visit at most max members from *cursor on (0 at first; UINT64_MAX after the last); who is
     * there all the while is seen once. visit: false ends it. How many were visited. */
    size_t (*members)(const struct kith_node *, uint64_t *cursor, size_t max,
                      bool (*visit)(void *arg, const struct kith_member *), void *arg);
    int (*member)(const struct kith_node *, struct kith_bytes name, struct kith_member *out);
    void (*local)(const struct kith_node *, struct kith_member *out);
    void (*stats)(const struct kith_node *, void (*visit)(void *arg, const struct kith_stat *),
                  void *arg);
    int (*format)(const struct kith_node *, const struct kith_addr *, char *out, size_t cap);
    /* Longest message, meta, payload of this entry, framing deducted. to: NULL: any. */
    size_t (*fits)(const struct kith_node *, enum kith_fits, const struct kith_peer *to);

    /* Push/pull with an address; a name beside it: that member must be the one that answers. To
     * addresses that are no member's, join, ping and send share so many a second: -KITH_EAGAIN
     * beyond. */
    int (*join)(const struct kith_node *, const struct kith_peer *, kith_done_fn *done, void *arg);
    /* timeout: ns; 0: no limit. -KITH_EAGAIN: no member yet, just stop it. */
    int (*leave)(const struct kith_node *, uint64_t timeout, kith_done_fn *done, void *arg);
    /* The node ends; status: 0, or a negative code: `kith run` exits with 1. */
    int (*stop)(const struct kith_node *, int status, const char *why);
    /* NULL: ask node_meta again. Bytes: -KITH_EACCES where another delegate gives the meta,
     * -KITH_EINVAL where this one does. After a refusal it is as it was; -KITH_ETIMEOUT: it is
     * announced, but not often enough yet. */
    int (*set_meta)(const struct kith_node *, const struct kith_bytes *, kith_done_fn *done,
                    void *arg);
    /* done: given to the transport; to all: it has left the queue, or nobody else is alive. */
    int (*send)(const struct kith_node *, const struct kith_message *, kith_done_fn *done,
                void *arg);
    int (*ping)(const struct kith_node *, const struct kith_peer *, kith_done_fn *done, void *arg);
    /* Of the node's ring, its file included. -KITH_EACCES unless the entry says `allow: [keys]`;
     * done with -KITH_EIO: changed, but the file was not. */
    int (*key)(const struct kith_node *, enum kith_key_change, struct kith_bytes,
               kith_done_fn *done, void *arg);
};

enum kith_delegate_flags {
    KITH_DELEGATE_SENDS = 1, /* raw: calls `send`, so it is the producer */
    KITH_DELEGATE_USER = 2   /* raw: hears the channel `user` too, on which `kith broadcast` is */
};

/* Every method of memberlist's delegates, and more; each may be NULL. At most one entry gives meta,
 * seals meta, gives the ack payload; events go out in the file's order; the first veto wins. */
struct kith_delegate_ops {
    uint32_t size;
    uint32_t flags;  /* enum kith_delegate_flags */
    uint64_t judges; /* bits of enum kith_claim_kind that `judge` wants */

    void (*event)(void *self, const struct kith_event *);          /* EventDelegate and others */
    void (*message)(void *self, const struct kith_message *);      /* NotifyMsg */
    void (*remote_state)(void *self, const struct kith_message *); /* MergeRemoteState */
    /* NotifyAlive, NotifyMerge, and a veto on bad news. Non-zero refuses, err says why. */
    int (*judge)(void *self, const struct kith_claim *, struct kith_error *err);

    /* NodeMeta: write at most cap bytes; how many, or negative: it stays as it is. */
    int (*node_meta)(void *self, uint8_t *out, size_t cap);
    /* Append a trailer to the meta of len bytes, for what is about to be announced (name, address,
     * incarnation): the new length, at most cap, or negative: announced as it is. */
    int (*seal_meta)(void *self, const struct kith_member *local, uint8_t *meta, size_t len,
                     size_t cap);
    /* GetBroadcasts: messages to add to a packet; each costs its length and overhead of limit. */
    void (*get_broadcasts)(void *self, size_t overhead, size_t limit, const struct kith_sink *);
    void (*local_state)(void *self, bool join, const struct kith_sink *); /* LocalState */
    /* AckPayload: at most cap bytes; how many, or negative for none. */
    int (*ack_payload)(void *self, uint8_t *out, size_t cap);

    /* The node is about to leave. 0: go on. KITH_LATER: at host->finish(id), or at deadline, or
     * earlier when another leave is asked for that has less time; all delegates are asked at once,
     * and once. Not called by a stop without leave. */
    int (*before_leave)(void *self, uint64_t id, uint64_t deadline);
};

#ifdef __cplusplus
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
}
/* C++: a zeroed struct with its size, filled by f, at compile time; designated initializers would
 * need C++20 and warn about every member left out. */
template <class T, class F> constexpr T kith_make(F f)
{
    T t{};
    t.size = static_cast<uint32_t>(sizeof t);
    f(t);
    return t;
}
template <class F> constexpr kith_plugin kith_make_plugin(kith_kind kind, F f)
{
    kith_plugin p{};
    p.size = static_cast<uint32_t>(sizeof p);
    p.abi_minor = KITH_ABI_MINOR;
    p.kind = static_cast<uint32_t>(kind);
    p.param_size = static_cast<uint32_t>(sizeof(kith_param));
    f(p);
    return p;
}
#endif
#endif
