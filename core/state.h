/*
 * state.h - struct kith_core itself, and the few lines that every file with a core in hand needs.
 * Private to core/; core.h is all that others see. local.mk lists the files in the order in which
 * they stand on each other.
 */
#ifndef KITH_STATE_H
#define KITH_STATE_H

#include "addresses.h"
#include "alarms.h"
#include "broadcast.h"
#include "choose.h"
#include "completion.h"
#include "core.h"
#include "counters.h"
#include "exchange.h"
#include "farewell.h"
#include "former.h"
#include "hearsay.h"
#include "known.h"
#include "members.h"
#include "moving.h"
#include "output.h"
#include "pending.h"
#include "probe.h"
#include "random.h"
#include "relay.h"
#include "remind.h"
#include "rounds.h"
#include "young.h"

#include <assert.h>

struct kith_core {
    struct kith_settings set;
    struct kith_core_env env;
    struct kith_delegate_ops ops; /* as much of it as there is */
    struct kith_addr advertise;
    char name[KITH_NAME_LIMIT + 1];
    uint8_t name_len;
    uint8_t versions[6];
    uint32_t headroom, tailroom;
    uint16_t default_port;
    uint8_t meta[KITH_META_MAX]; /* ours, without what a delegate seals it with */
    uint16_t meta_len;
    bool meta_set; /* false: nil on the wire */
    uint32_t first_incarnation;
    bool started, left;
    bool joined;    /* has met somebody else */
    bool busy;      /* inside a call of the delegate */
    char veto[256]; /* what the delegate said when it refused last */
    bool dying;     /* being freed */
    uint64_t now;
    /* Until then packets may be from a time when we stood still; what they say of deaths is old. */
    uint64_t behind_until;
    uint64_t quiet_until; /* when kith_core_log_some may say more */
    unsigned quiet_lines;
    /* What the packet in hand may still make us send: answers, and of these to strangers. */
    unsigned replies, stranger_packets;
    size_t stranger_bytes;
    /* News beside answers: so many more packets until then. */
    uint64_t carrying_until;
    uint32_t carrying;
    unsigned health;
    uint32_t request_id;
    struct kith_random random;
    struct kith_alarms alarms;
    struct kith_members members;
    struct kith_addresses addresses;
    struct kith_record *self;
    struct kith_choice choice;
    struct kith_probe probe;
    struct kith_pendings pendings;
    struct kith_broadcasts queue, user_queue; /* sent in this order */
    struct kith_exchanges exchanges;
    struct kith_account *memory, own_memory; /* of streams: the one in use, and ours if it is */
    struct kith_known known;
    struct kith_hearsay hearsay;
    struct kith_moving moving;
    struct kith_reminders reminders;
    struct kith_formers formers;
    struct kith_young young;
    struct kith_relay relay;
    struct kith_rounds rounds;
    struct kith_items items;
    struct kith_request *waiting; /* for a broadcast to end, the newest first */
    bool leave_under_way;
    struct kith_farewell farewell;
    struct kith_alarm probe_alarm, sync_alarm, ask_alarm, queue_alarm;
    struct kith_counters counters;
};

static inline struct kith_bytes kith_self_name(const struct kith_core *c)
{
    return kith_bytes_of(c->name, c->name_len);
}

static inline void kith_count(struct kith_core *c, enum kith_counter i) { c->counters.counts[i]++; }
static inline void kith_count_drop(struct kith_core *c, enum kith_drop i)
{
    c->counters.drops[i]++;
}

/* Count it, and say so (core_log.c). */
void kith_stood_still(struct kith_core *, uint64_t ns);

/* Does a delegate add to packets? Not from the copy: whether anybody does changes with a reload. */
static inline bool kith_delegate_gossips(const struct kith_core *c)
{
    const struct kith_delegate_ops *ops = c->env.delegate;
    return ops && ops->size > offsetof(struct kith_delegate_ops, get_broadcasts) &&
           ops->get_broadcasts;
}

/* When something is to be done, but for states (sync.h). UINT64_MAX: nothing. */
static inline uint64_t kith_due(const struct kith_core *c)
{
    uint64_t alarm = kith_alarms_next(&c->alarms), round = kith_rounds_deadline(c);
    return alarm < round ? alarm : round;
}

/* Every call that changes the core begins with this. A delegate must not make one, and time never
 * goes back. Who is called a probe interval after something was due has stood still. */
static inline void kith_enter(struct kith_core *c, uint64_t now)
{
    assert(!c->busy);
    if (now <= c->now) return;
    uint64_t due = kith_due(c), interval = c->set.probe_interval;
    if (due < c->now) due = c->now;
    kith_rounds_pass(c, now);
    c->now = now;
    if (now <= due || now - due <= interval || !interval) return;
    c->behind_until = kith_later(now, interval);
    kith_stood_still(c, now - due);
}

/* The other member that is alive, or a suspect, at this address; NULL: a stranger is. */
static inline struct kith_record *kith_peer_at(const struct kith_core *c,
                                               const struct kith_addr *addr)
{
    struct kith_record *p = kith_addresses_find(&c->addresses, &c->members, addr);
    return p == c->self ? NULL : p;
}

static inline void kith_observe(struct kith_core *c, enum kith_core_histogram which, double value)
{
    kith_counters_observe(&c->counters, which, value);
}

/* Around each call of the delegate: it must not call back. */
#define KITH_ASK(c, ...) \
    do { \
        assert(!(c)->busy); \
        (c)->busy = true; \
        __VA_ARGS__; \
        (c)->busy = false; \
    } while (0)

#endif
