/*
 * core_rig.h - one core on a bench, for tests of single rules: one call in, then look at state and
 * outputs.
 *
 * A rig owns a core named "self" at 10.0.0.1:7946, its virtual clock, and a delegate that plays a
 * script and writes down what it is told. Packets that the core sends are taken apart, compounds
 * too; every packet is checked against the budget. Messages in are built with core/wire.h. Nothing
 * here knows how the core works inside.
 */
#ifndef KITH_TESTS_CORE_RIG_H
#define KITH_TESTS_CORE_RIG_H

#include "../lan_settings.h"
#include "../test.h"

#include <core.h>
#include <wire.h>

#define RIG_EPOCH (1000 * SEC)

/* Something polled from the core; bytes are copies. */
struct rig_out {
    enum kith_out_kind kind;
    uint64_t at;
    struct kith_addr to;
    char name[260];
    uint8_t pmax;
    bool last;
    uint32_t stream, request;
    int status;
    uint64_t value;
    uint8_t *data;
    size_t len;
};

/* One message of a packet that was sent. A user message has its bytes in msg.payload. */
struct rig_sent {
    struct kith_msg msg;
    size_t out;     /* index of the packet in outs */
    unsigned parts; /* messages in that packet */
};

struct rig {
    struct kith_core *core;
    struct kith_core_config config;
    struct kith_core_env env;
    uint64_t now;
    uint64_t seed;

    /* the script */
    size_t budget;
    size_t budget_towards[256]; /* by the last byte of an address, 0: as above */
    char meta[520];             /* NodeMeta */
    int meta_len;               /* negative: the delegate fails */
    const char *user_broadcast; /* GetBroadcasts: this one, while broadcasts_left > 0 */
    unsigned broadcasts_left;
    bool reticent; /* has no GetBroadcasts */
    bool greedy;   /* tries to write more of them than allowed, and of state */
    const char *local_state, *ack_payload;
    const char *veto_alive; /* a member's name; alive claims about it are refused */
    bool veto_merge;
    uint64_t judges, vetoes;      /* claim kinds to be asked about beside MERGE, and to refuse */
    bool seals;                   /* appends "#<incarnation>" to our meta */
    bool answer_pings;            /* whoever is pinged answers at once, but */
    const char *mute;             /* for this one */
    void (*inside)(struct rig *); /* runs inside the event of a join */
    bool lingers;                 /* a stream that the core closes is not gone at once */

    /* what happened */
    char events[8192];     /* "join b;leave b dead;" */
    char suspicions[2048]; /* "b suspect;b alive;" */
    char own[512];         /* "joined;refuted 2;" */
    char claims[4096];     /* "suspect b:suspect 1 by m2 from 3;" */
    char log[4096];        /* the first lines since it was emptied */
    char last_meta[520];   /* of the last join or update */
    unsigned alive_asked, merge_asked, logged;
    size_t merge_count;
    uint64_t ping_rtt;
    size_t limit_seen;                          /* what GetBroadcasts was allowed, last time */
    struct kith_member conflict, merged, asked; /* the other; the first of a list; the last alive */
    struct kith_message heard;                  /* the last message or state, but its bytes */
    struct kith_addr heard_from;
    char heard_identity[300];

    struct rig_out *outs;
    size_t outs_n, outs_cap;
    struct rig_sent *sent;
    size_t sent_n, sent_cap;
};

/* The delegate that plays the script (rig_delegate.c), as rig_start takes it. */
const struct kith_delegate_ops *rig_delegate(const struct rig *);

/* LAN defaults. rig_init, change config and script, rig_start; or rig_new for both. rig_start gives
 * the result of kith_core_start. */
void rig_init(struct rig *);
int rig_start(struct rig *);
void rig_new(struct rig *);
void rig_fini(struct rig *);

struct kith_addr rig_addr(unsigned n);   /* 10.0.n/256.n%256:7946 */
struct kith_bytes rig_str(const char *); /* NULL: nil */
struct kith_peer rig_peer(const char *name, const struct kith_addr *);
#define WHOM(name, addr) (&(struct kith_peer[1]){rig_peer(name, addr)}[0])
#define NO_KEY           rig_str(NULL)
#define RIG_VSN          "\1\5\2\0\0\0"

/* Messages. rig_feed delivers a packet from `from` and polls. */
struct kith_msg rig_alive_msg(const char *node, uint32_t inc, const struct kith_addr *,
                              const char *meta);
struct kith_msg rig_accusation(enum kith_msg_type, const char *node, uint32_t inc,
                               const char *from);
void rig_packet(struct rig *, const struct kith_addr *from, const void *data, size_t len);
void rig_feed(struct rig *, unsigned from, const struct kith_msg *);
void rig_alive(struct rig *, const char *node, uint32_t inc, unsigned addr); /* no meta */
void rig_suspect(struct rig *, const char *node, uint32_t inc, const char *from);
void rig_dead(struct rig *, const char *node, uint32_t inc, const char *from);
void rig_ack(struct rig *, unsigned from, uint32_t seq);
void rig_nack(struct rig *, unsigned from, uint32_t seq);
void rig_populate(struct rig *, unsigned from,
                  unsigned to); /* alive m<from>..m<to> at rig_addr of the number */

/* Time and outputs. rig_run lets the clock reach `until`, ticking at each deadline on the way. */
void rig_poll(struct rig *);
void rig_run(struct rig *, uint64_t until);
void rig_clear(struct rig *); /* forget outputs and sent messages */
/* Forget what was sent before; then `sent` holds what a packet of gossip would. */
void rig_flush(struct rig *);
/* Somebody at that address pings; forget what was sent before. Is it answered? */
bool rig_answers(struct rig *, unsigned from);

/* The i-th sent message (from 0) of that type about that node (NULL: any); NULL when there are not
 * so many. */
const struct rig_sent *rig_find(const struct rig *, enum kith_msg_type, const char *node,
                                unsigned i);
unsigned rig_count(const struct rig *, enum kith_msg_type, const char *node);
const struct rig_out *rig_out(const struct rig *, enum kith_out_kind, unsigned i);
unsigned rig_outs(const struct rig *, enum kith_out_kind);
const struct rig_out *rig_done(const struct rig *, int64_t request); /* its DONE; NULL: not yet */
unsigned rig_dones(const struct rig *, int64_t request);
bool rig_is(struct kith_bytes, const char *);

/* State of a member (enum kith_state), -1: not known. */
int rig_state(const struct rig *, const char *node);
uint32_t rig_inc(const struct rig *, const char *node);
double rig_stat(const struct rig *, const char *name,
                const char *label_value); /* -1: there is none */
double rig_drops(const struct rig *);     /* all of them together */

/* Compare what the delegate was told with `want` and begin anew; says the difference. */
bool rig_told(struct rig *, const char *want);
#define TOLD(r, want) CU_ASSERT(rig_told(&(r), want))
/* The same for r.claims, r.own. */
bool rig_same(char *log, const char *want);

/* Streams: a whole push/pull into buf. */
struct rig_entry {
    const char *name;
    int64_t state;
    uint32_t inc;
    unsigned addr;
    const char *meta;
    const char *vsn; /* RIG_VSN when NULL */
    size_t vsn_len;
};
struct rig_bytes {
    uint8_t storage[70000];
    struct kith_buf buf;
};
void rig_bytes_init(struct rig_bytes *);
void rig_push_pull(struct rig_bytes *, bool join, const struct rig_entry *, size_t n,
                   const char *user_state);
void rig_data(struct rig *, uint32_t stream, const void *, size_t);
uint32_t rig_accept(struct rig *, unsigned from);
/* A peer opens a stream, sends bytes and waits; the handle. */
uint32_t rig_request(struct rig *, unsigned from, const struct rig_bytes *);
/* The stream that was dialled first is open; its handle. */
uint32_t rig_opened(struct rig *);
/* It is a ping's that asks whether the member of that name is there: it is. The stream that is
 * dialled then. */
uint32_t rig_is_there(struct rig *, uint32_t stream);
bool rig_gone(const struct rig *, uint32_t stream); /* CLOSE or RESET was polled for it */

/* A push/pull as the core wrote it. */
struct rig_state_list {
    struct kith_msg header;
    struct kith_msg nodes[200];
    struct kith_bytes user_state;
    bool whole;
};
void rig_read_push_pull(struct rig_state_list *, const uint8_t *, size_t);

#endif
