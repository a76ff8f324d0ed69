/*
 * node.h - what the files of the core share: one struct per idea, and the node that holds them.
 *
 * members   who is known, by name and in probe order            members.c
 * merge     alive, suspect, dead: what a claim changes           merge.c, suspicion.c
 * probe     pings of our own, relayed ones, their answers        probe.c, pending.c
 * gossip    packets and what rides on them                       gossip.c, packet.c
 * sync      push/pull and join                                   sync.c
 * stream    message boundaries on byte streams, deadlines        stream.c
 * output    what the node wants done, requests that end          output.c
 *
 * Private to core/; core.h is all that others see.
 */
#ifndef KITH_NODE_H
#define KITH_NODE_H

#include "broadcast.h"
#include "core.h"
#include "stats.h"
#include "wire.h"

#include <assert.h>

enum {
    KITH_NAME_LIMIT = 255,        /* bytes of a member's name */
    KITH_META_MAX = 512,          /* our own meta (PROTOCOL.md 1.13) */
    KITH_META_LIMIT = 4096,       /* others' meta; memberlist has no limit here */
    KITH_NODES_MAX = 1024 * 1024, /* entries that a push/pull may announce (PROTOCOL.md 1.13) */
    KITH_REPLIES_MAX = 128,       /* packets that one packet may make us send */
    KITH_NESTING_MAX = 8          /* compounds in compounds */
};

/* ------------------------------------------------------------------------------- random.c */

struct kith_random {
    uint64_t state;
};
uint64_t kith_random_next(struct kith_random *);
/* Uniform in [0, n); 0 when n is 0. */
uint64_t kith_random_below(struct kith_random *, uint64_t n);
uint64_t kith_hash(uint64_t seed, const void *data, size_t len);

/* ------------------------------------------------------------------------------- alarms.c */

/* Something that happens at a time. Embedded in what waits; at most once in the heap. */
struct kith_alarm {
    uint64_t at;
    uint32_t place; /* in the heap, from 1; 0: not set */
    uint32_t order; /* first set, first fired, among equals */
    void (*fire)(struct kith_core *, struct kith_alarm *);
};

struct kith_alarms {
    struct kith_alarm **heap;
    uint32_t count, cap, owners, order;
};

/* Each alarm that may be set has to be announced, so that setting one can't fail. */
int kith_alarms_reserve(struct kith_alarms *, uint32_t owners);
void kith_alarms_release(struct kith_alarms *, uint32_t owners);
void kith_alarm_set(struct kith_alarms *, struct kith_alarm *, uint64_t at);
void kith_alarm_clear(struct kith_alarms *, struct kith_alarm *);
/* The first one due by now, taken out; NULL: none. */
struct kith_alarm *kith_alarms_due(struct kith_alarms *, uint64_t now);

#define KITH_OF(alarm, type, member) ((type *)(void *)((char *)(alarm)-offsetof(type, member)))

/* a + b without running over: durations come from people. */
static inline uint64_t kith_later(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - 1 - a ? UINT64_MAX - 1 : a + b;
}

/* A ticker's next time: those that were missed are missed. */
static inline uint64_t kith_next_tick(uint64_t at, uint64_t interval, uint64_t now)
{
    uint64_t late = now > at ? now - at : 0;
    return kith_later(at, (late / interval + 1) * interval);
}

/* ------------------------------------------------------------------------------- members.c */

struct kith_suspicion;

/* A member. Addresses, meta and name share the memory behind the struct as long as they fit. */
struct kith_peer {
    uint64_t since; /* of the state */
    uint32_t hash, incarnation;
    uint16_t port, meta_len;
    uint16_t room; /* bytes behind the struct */
    uint8_t versions[6];
    uint8_t name_len, addr_len, accuser_len;
    uint8_t state : 2, meta_set : 1, outside : 1;
    uint8_t *bytes; /* name NUL address meta accuser; outside: in memory of its own */
    struct kith_suspicion *suspicion;
    uint8_t inside[];
};

static inline struct kith_bytes kith_peer_name(const struct kith_peer *p)
{
    return kith_bytes_of(p->bytes, p->name_len);
}
static inline struct kith_bytes kith_peer_addr(const struct kith_peer *p)
{
    return kith_bytes_of(p->bytes + p->name_len + 1, p->addr_len);
}
/* data NULL: nil on the wire. */
static inline struct kith_bytes kith_peer_meta(const struct kith_peer *p)
{
    return kith_bytes_of(p->meta_set ? p->bytes + p->name_len + 1 + p->addr_len : NULL,
                         p->meta_len);
}
static inline struct kith_bytes kith_peer_accuser(const struct kith_peer *p)
{
    return kith_bytes_of(p->bytes + p->name_len + 1 + p->addr_len + p->meta_len, p->accuser_len);
}
static inline bool kith_peer_gone(const struct kith_peer *p)
{
    return p->state == KITH_DEAD || p->state == KITH_LEFT;
}
/* Names and addresses are short: worth no call. */
static inline bool kith_bytes_equal(struct kith_bytes a, struct kith_bytes b)
{
    uint64_t x, y;
    uint32_t v, w;
    if (a.len != b.len) return false;
    if (a.len > 16) return memcmp(a.data, b.data, a.len) == 0;
    if (a.len >= 8) {
        memcpy(&x, a.data, 8);
        memcpy(&y, b.data, 8);
        if (x != y) return false;
        memcpy(&x, a.data + a.len - 8, 8);
        memcpy(&y, b.data + b.len - 8, 8);
        return x == y;
    }
    if (a.len >= 4) {
        memcpy(&v, a.data, 4);
        memcpy(&w, b.data, 4);
        if (v != w) return false;
        memcpy(&v, a.data + a.len - 4, 4);
        memcpy(&w, b.data + b.len - 4, 4);
        return v == w;
    }
    for (size_t i = 0; i < a.len; i++)
        if (a.data[i] != b.data[i]) return false;
    return true;
}

struct kith_members {
    struct kith_peer **list;  /* in probe order */
    struct kith_peer **slots; /* by hash of the name, linear probing */
    uint16_t
        *tags; /* of each slot, from other bits of the hash: 0 nobody; saves looks at strangers */
    uint32_t count, cap, mask;
    uint32_t in_state[4];
    uint64_t seed; /* of the hash */
};

int kith_members_init(struct kith_members *, uint64_t seed);
void kith_members_fini(struct kith_members *);
struct kith_peer *kith_members_find(const struct kith_members *, struct kith_bytes name,
                                    uint32_t hash);
static inline uint32_t kith_members_hash(const struct kith_members *m, struct kith_bytes name)
{
    uint64_t h = kith_hash(m->seed, name.data, name.len);
    return (uint32_t)(h ^ h >> 32);
}
/* A stranger, as dead with incarnation 0, at a random place of the list (PROTOCOL.md 2.3.4). NULL:
 * no memory. */
struct kith_peer *kith_members_add(struct kith_members *, struct kith_random *,
                                   struct kith_bytes name, uint32_t hash, struct kith_bytes addr,
                                   uint16_t port, struct kith_bytes meta);
/* Forget those of which `gone` says so, shuffle the rest (PROTOCOL.md 2.11). How many were
 * forgotten. */
uint32_t kith_members_reap(struct kith_members *, struct kith_random *, struct kith_core *,
                           bool (*gone)(struct kith_core *, const struct kith_peer *));
void kith_members_state(struct kith_members *, struct kith_peer *, enum kith_state, uint64_t now);
/* The arguments may point into the peer. -KITH_ENOMEM: nothing changed. */
int kith_peer_store(struct kith_peer *, struct kith_bytes addr, struct kith_bytes meta,
                    struct kith_bytes accuser);
int kith_peer_accuse(struct kith_peer *, struct kith_bytes accuser);
void kith_peer_address(const struct kith_peer *, struct kith_addr *out);
void kith_peer_view(const struct kith_peer *, struct kith_member *out);
/* Up to k different ones that are eligible, at random (PROTOCOL.md 2.9, the rule of v0.6.0). The
 * list is scratch. */
size_t kith_members_choose(struct kith_core *, size_t k,
                           bool (*eligible)(struct kith_core *, const struct kith_peer *),
                           struct kith_peer ***chosen);

/* ------------------------------------------------------------------ suspicion.c, awareness.c */

struct kith_suspicion {
    struct kith_alarm alarm;
    struct kith_peer *peer;
    uint64_t start, min, max;
    uint32_t k, count; /* confirmations wanted and had */
    uint64_t from[];   /* who: 1 + k hashes, the first accuser's too */
};

/* The tables of PROTOCOL.md 2.6, in the unit of the interval. */
uint64_t kith_suspicion_min(uint32_t mult, size_t n, uint64_t interval);
int64_t kith_suspicion_remaining(uint32_t count, uint32_t k, uint64_t elapsed, uint64_t min,
                                 uint64_t max);
int kith_suspicion_begin(struct kith_core *, struct kith_peer *, struct kith_bytes from);
void kith_suspicion_forget(struct kith_core *, struct kith_peer *);
bool kith_suspicion_confirm(struct kith_core *, struct kith_peer *, struct kith_bytes from);

unsigned kith_awareness_apply(unsigned score, int delta, unsigned max_multiplier);
void kith_awareness(struct kith_core *, int delta);

/* Interval times this between two push/pulls (PROTOCOL.md 2.10). */
uint32_t kith_push_pull_scale(size_t n);

/* ------------------------------------------------------------------------------- merge.c */

enum kith_origin {
    KITH_FROM_PEER, /* a claim from outside */
    KITH_FROM_LIST, /* an entry of a peer's full state */
    KITH_FROM_SELF  /* our own finding or doing */
};

/* request: whom to tell when the broadcast has ended, or NULL. They return whether the claim was
 * taken. */
struct kith_request;
bool kith_alive(struct kith_core *, const struct kith_msg *, enum kith_origin,
                struct kith_request *);
bool kith_suspect(struct kith_core *, const struct kith_msg *, enum kith_origin);
bool kith_dead(struct kith_core *, const struct kith_msg *, enum kith_origin,
               struct kith_request *);
bool kith_allowed(const struct kith_core *, struct kith_bytes addr);
/* What we say of ourselves: meta as given. */
void kith_self_message(const struct kith_core *, struct kith_msg *, uint32_t incarnation,
                       struct kith_bytes meta);
/* A member as a message tells it; name_copy takes KITH_NAME_LIMIT + 1 bytes. */
void kith_member_of(struct kith_member *, const struct kith_msg *, struct kith_bytes name,
                    char *name_copy);

/* ------------------------------------------------------------------------------- output.c */

/* What waits to be polled. */
struct kith_item {
    struct kith_item *next;
    struct kith_output out;
    struct kith_buf buf;  /* packets: base is ours */
    struct kith_buf lent; /* the same for whoever polls: may be moved and exchanged */
    uint8_t *bytes;       /* writes: ours */
    struct kith_addr to;
    char name[KITH_NAME_LIMIT + 1];
};

struct kith_items {
    struct kith_item *first, **last;
    struct kith_item *lent; /* what poll gave last */
    struct kith_item *spare, *spare_packets;
    uint32_t spares, spare_packet_count;
};

void kith_items_init(struct kith_items *);
void kith_items_fini(struct kith_items *);
struct kith_item *kith_item_new(struct kith_items *);
/* With an empty buffer of at least `size` bytes between headroom and tailroom, KITH_COMPOUND_HEAD
 * more in front. */
struct kith_item *kith_item_packet(struct kith_items *, uint16_t headroom, size_t size,
                                   uint16_t tailroom);
void kith_item_drop(struct kith_items *, struct kith_item *);
void kith_item_address(struct kith_item *, const struct kith_addr *, struct kith_bytes name);
void kith_items_push(struct kith_items *, struct kith_item *);

enum kith_request_kind {
    KITH_REQUEST_LEAVE = 1,
    KITH_REQUEST_UPDATE,
    KITH_REQUEST_BROADCAST,
    KITH_REQUEST_OTHER
};

/* A command that has not ended. It lives until it was answered and no queue knows it any more. */
struct kith_request {
    struct kith_alarm alarm;
    struct kith_request *next, **link; /* among the leaves */
    struct kith_item *done;            /* its answer, allocated before; NULL: given */
    uint32_t id;
    uint8_t kind;
    bool queued; /* a broadcast queue holds it */
};

struct kith_request *kith_request_new(struct kith_core *, enum kith_request_kind);
/* Give it up without an answer; the command fails at once instead. */
void kith_request_cancel(struct kith_core *, struct kith_request *);
void kith_request_timeout(struct kith_core *, struct kith_request *, uint64_t timeout);
void kith_request_done(struct kith_core *, struct kith_request *, int status, uint64_t value);
void kith_request_broadcast_end(void *core, uint64_t tag, enum kith_broadcast_end);

/* ------------------------------------------------------------------------------- packet.c */

enum { KITH_COMPOUND_HEAD = 2 + 2 * KITH_COMPOUND_MAX };

/* A packet, or several, in the making: parts go behind the room for the longest compound header. */
struct kith_packer {
    struct kith_core *core;
    const struct kith_addr *to;
    struct kith_bytes name;
    uint8_t pmax;
    size_t size; /* payload to make room for */
    struct kith_item *item;
    unsigned parts;
    uint16_t lengths[KITH_COMPOUND_MAX];
};

void kith_packer_begin(struct kith_packer *, struct kith_core *, const struct kith_addr *to,
                       struct kith_bytes name, uint8_t pmax);
/* False: dropped and counted. */
bool kith_packer_add(struct kith_packer *, struct kith_bytes part);
bool kith_packer_add_user(struct kith_packer *, struct kith_bytes payload);
bool kith_packer_add_message(struct kith_packer *, const struct kith_msg *);
/* Add what is to be gossiped, within limit bytes, each part with 2 bytes of overhead
 * (PROTOCOL.md 2.17). Bytes used. */
size_t kith_packer_fill(struct kith_packer *, size_t limit);
void kith_packer_end(struct kith_packer *);

size_t kith_budget(const struct kith_core *, const struct kith_addr *to);
/* One message and what fits beside it: ping, ack, nack, indirect ping. */
void kith_send_piggyback(struct kith_core *, const struct kith_addr *to, struct kith_bytes name,
                         const struct kith_msg *);

/* ------------------------------------------------------------------------ pending.c, probe.c */

enum kith_pending_kind { KITH_PENDING_PROBE, KITH_PENDING_RELAY, KITH_PENDING_PING };

/* A ping that waits for its ack. */
struct kith_pending {
    struct kith_alarm alarm;
    struct kith_pending *next; /* in its chain, or among the spare ones */
    uint32_t seq_no;
    uint8_t kind;
    bool nack;                    /* relay: a nack was asked for */
    uint32_t their_seq_no;        /* relay */
    uint64_t sent;                /* ping */
    struct kith_request *request; /* ping */
    struct kith_addr to;          /* relay: the requester */
    uint8_t name_len;
    char name[KITH_NAME_LIMIT + 1];
};

struct kith_pendings {
    struct kith_pending **chains;
    uint32_t mask, count;
    struct kith_pending *spare;
};

int kith_pendings_init(struct kith_pendings *);
void kith_pendings_fini(struct kith_core *);
/* NULL: no memory, or max_pending (counted). */
struct kith_pending *kith_pending_new(struct kith_core *, enum kith_pending_kind);
void kith_pending_add(struct kith_pendings *, struct kith_pending *);
struct kith_pending *kith_pending_find(struct kith_pendings *, uint32_t seq_no);
/* Take it out of the table; its alarm is cleared. */
void kith_pending_remove(struct kith_core *, struct kith_pending *);
void kith_pending_free(struct kith_core *, struct kith_pending *);

/* The one probe of ours that may be under way (PROTOCOL.md 2.8). */
struct kith_probe {
    struct kith_pending pending; /* its entry in the ack table; set as long as acks count */
    bool active, indirect;
    bool missed;  /* a tick fell into it: the next probe follows at once */
    bool contact; /* the stream ping was answered */
    uint8_t state, pmax;
    uint8_t name_len;
    char name[KITH_NAME_LIMIT + 1];
    struct kith_addr to;
    uint32_t incarnation;
    uint32_t expected_nacks, nacks;
    uint32_t index;  /* in the probe list */
    uint32_t stream; /* of the stream ping */
    uint64_t sent, begun, deadline;
};

void kith_probe_tick(struct kith_core *, struct kith_alarm *);
void kith_probe_alarm(struct kith_core *, struct kith_alarm *);
void kith_probe_stream(struct kith_core *, uint32_t seq_no, bool contact);
void kith_on_ping(struct kith_core *, const struct kith_addr *from, const struct kith_msg *);
void kith_on_indirect_ping(struct kith_core *, const struct kith_addr *from,
                           const struct kith_msg *);
void kith_on_ack(struct kith_core *, const struct kith_msg *, uint64_t received_at);
void kith_on_nack(struct kith_core *, const struct kith_msg *);
uint32_t kith_next_seq_no(struct kith_core *);
void kith_ping_message(const struct kith_core *, struct kith_msg *, uint32_t seq_no,
                       struct kith_bytes name);

/* ------------------------------------------------------------------------------- gossip.c */

void kith_gossip_tick(struct kith_core *, struct kith_alarm *);
void kith_queue_tick(struct kith_core *, struct kith_alarm *);

/* -------------------------------------------------------------------------- stream.c, sync.c */

enum kith_stream_kind {
    KITH_STREAM_INBOUND = 1,
    KITH_STREAM_JOIN, /* a push/pull with a request */
    KITH_STREAM_PUSH_PULL,
    KITH_STREAM_PING,
    KITH_STREAM_USER
};

enum kith_stream_phase {
    KITH_PHASE_DIAL,
    KITH_PHASE_TYPE,   /* the type byte comes next */
    KITH_PHASE_MAP,    /* ping, ack, err: one map */
    KITH_PHASE_HEADER, /* of a push/pull or user message */
    KITH_PHASE_NODES,
    KITH_PHASE_BYTES /* user state or user message */
};

struct kith_stream {
    struct kith_alarm alarm;
    uint16_t generation, index;
    uint8_t kind, phase, type;
    bool push_pull; /* counts among the inbound push/pulls */
    bool replied;   /* the peer has begun to answer */
    uint8_t name_len;
    struct kith_item *closing;    /* allocated before, for KITH_OUT_CLOSE or RESET */
    struct kith_request *request; /* join, user */
    uint32_t seq_no;              /* ping */
    uint64_t begun;
    /* what was read, from the type byte on */
    uint8_t *data;
    size_t len, cap;
    size_t scanned;  /* so far is known to be whole values */
    uint64_t skip;   /* bytes of the current value still to come */
    uint64_t values; /* values of the current map still to come */
    size_t body;     /* where the nodes begin, or the bytes */
    size_t tail;     /* where user state begins */
    struct kith_msg header;
    int64_t nodes_left;
    uint8_t *out; /* user: what to say when it is open */
    size_t out_len;
    struct kith_stream *next_free;
    struct kith_addr to;
    char name[KITH_NAME_LIMIT + 1];
};

struct kith_streams {
    struct kith_stream **table;
    uint32_t cap, open;
    uint32_t push_pulls; /* inbound, being read or answered */
    size_t memory;
    struct kith_stream *free_list;
};

void kith_streams_fini(struct kith_core *);
uint32_t kith_stream_handle(const struct kith_stream *);
/* Ask for a stream. NULL: too many, no memory (counted). */
struct kith_stream *kith_stream_dial(struct kith_core *, enum kith_stream_kind,
                                     const struct kith_addr *, struct kith_bytes name,
                                     uint64_t deadline);
struct kith_stream *kith_stream_find(struct kith_core *, uint32_t handle);
/* Say it; the bytes become the output's. */
void kith_stream_write(struct kith_core *, struct kith_stream *, uint8_t *owned, size_t len,
                       bool last);
/* The end of an exchange: tells whoever waits, closes (orderly) or resets. */
void kith_stream_finish(struct kith_core *, struct kith_stream *, int status, uint64_t value);

int kith_sync_send(struct kith_core *, struct kith_stream *, bool join, bool last);
int kith_sync_merge(struct kith_core *, struct kith_stream *);
void kith_sync_tick(struct kith_core *, struct kith_alarm *);
void kith_sync_schedule(struct kith_core *, bool first);

/* ------------------------------------------------------------------------------- core.c */

struct kith_core {
    struct kith_settings set;
    struct kith_core_env env;
    struct kith_delegate_ops ops; /* as much of it as there is */
    struct kith_addr advertise;
    char name[KITH_NAME_LIMIT + 1];
    uint8_t name_len;
    uint8_t versions[6];
    uint16_t default_port, headroom, tailroom;
    uint32_t first_incarnation;
    bool started, left, busy, dying;
    uint64_t now;
    uint64_t quiet_until; /* of the log, for what strangers cause */
    unsigned quiet_lines;
    unsigned replies; /* packets made by the packet being handled */
    unsigned health;
    uint32_t seq_no, request_id;
    struct kith_random random;
    struct kith_alarms alarms;
    struct kith_members members;
    struct kith_peer *self;
    struct kith_probe probe;
    struct kith_pendings pendings;
    struct kith_broadcasts queue, user_queue;
    struct kith_streams streams;
    struct kith_items items;
    struct kith_request *leaves; /* that wait for the broadcast to end */
    bool leave_under_way;
    struct kith_alarm probe_alarm, gossip_alarm, sync_alarm, queue_alarm;
    struct kith_peer **chosen; /* scratch of kith_members_choose */
    uint32_t *order;
    size_t chosen_cap, order_cap;
    struct kith_stats stats;
    uint8_t scratch[8192]; /* a message being written; ack payload */
};

static inline struct kith_bytes kith_self_name(const struct kith_core *c)
{
    return kith_bytes_of(c->name, c->name_len);
}

/* At each entry that changes something: not from a delegate; time goes forward only. */
static inline void kith_enter(struct kith_core *c, uint64_t now)
{
    assert(!c->busy);
    if (now > c->now) c->now = now;
}

/* Ask the delegate for our meta; buf takes KITH_META_MAX bytes. Negative: it failed, or gave too
 * much. */
int kith_own_meta(struct kith_core *, uint8_t *buf, struct kith_bytes *meta);
/* A command begins: find the address. name or addr may be NULL. */
int kith_command(struct kith_core *, uint64_t now, const char *name, const struct kith_addr *,
                 struct kith_addr *to);

void kith_log(struct kith_core *, enum kith_log_level, const struct kith_addr *, const char *fmt,
              ...) KITH_PRINTF(4, 5);
/* The same for what a peer can cause at will: a few lines a second. */
void kith_log_some(struct kith_core *, enum kith_log_level, const struct kith_addr *,
                   const char *fmt, ...) KITH_PRINTF(4, 5);
#define KITH_STR(bytes) (int)(bytes).len, (const char *)(bytes).data

static inline void kith_count(struct kith_core *c, enum kith_counter i) { c->stats.counters[i]++; }
static inline void kith_drop(struct kith_core *c, enum kith_drop i) { c->stats.drops[i]++; }

/* Around each call of the delegate: it must not call back. */
#define KITH_ASK(c, ...) \
    do { \
        assert(!(c)->busy); \
        (c)->busy = true; \
        __VA_ARGS__; \
        (c)->busy = false; \
    } while (0)

#endif
