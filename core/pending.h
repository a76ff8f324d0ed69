/*
 * pending.h - pings that wait for their ack, by sequence number. Does not know what an ack changes.
 */
#ifndef KITH_PENDING_H
#define KITH_PENDING_H

#include "alarms.h"
#include "bounds.h"

#include <kith/plugin.h>

struct kith_request;

enum kith_pending_kind { KITH_PENDING_PROBE, KITH_PENDING_RELAY, KITH_PENDING_PING };

/* A ping that waits for its ack.
 *
 *     new     taken from the spare ones, with a fresh sequence number; its owner sets alarm.fire
 *     add     in the table: acks of that number find it
 *     remove  out of the table, the alarm cleared: an ack came, or the alarm fired
 *     free    back among the spare ones
 *
 *               ack                              alarm
 *     PROBE     the probe ends well              others are asked; then judged (probe.h)
 *     RELAY     the requester gets an ack        the requester gets a nack if it wants one
 *     PING      the request ends, round trip     the request ends with -KITH_ETIMEOUT
 *
 * The probe's own entry is a part of struct kith_probe: it is added and removed, never new or free.
 */
struct kith_pending {
    struct kith_alarm alarm;
    struct kith_pending *next; /* in its chain, or among the spare ones */
    uint32_t seq_no;
    uint8_t kind;
    bool nack;                    /* relay: a nack was asked for */
    uint32_t their_seq_no;        /* relay */
    uint64_t sent;                /* ping */
    struct kith_request *request; /* ping */
    uint16_t share;               /* relay: the requester's */
    struct kith_addr to;          /* relay: the requester */
    uint8_t name_len;
    char name[KITH_NAME_LIMIT + 1];
};

/* Relays that one member may have under way. It asks for one when a probe of its fails, and its
 * probes come one after the other; ours end after probe_timeout. */
enum { KITH_RELAYS_EACH = 32, KITH_SHARES = 1024 };

struct kith_pendings {
    struct kith_pending **chains;
    uint32_t mask, count;
    uint32_t seq_no; /* the last one given out */
    struct kith_pending *spare;
    uint8_t relays[KITH_SHARES]; /* under way, by hash of the requester's address */
};

int kith_pendings_init(struct kith_pendings *);
void kith_pendings_fini(struct kith_core *);
uint32_t kith_pendings_next_seq_no(struct kith_pendings *);
/* The first of so many in a row, whose acks somebody else waits for (farewell.h). */
uint32_t kith_pendings_seq_nos(struct kith_pendings *, uint32_t count);
/* NULL: no memory, or max_pending (counted). */
struct kith_pending *kith_pending_new(struct kith_core *, enum kith_pending_kind);
/* A relay for whoever is at that address; NULL also when it has its share of them. */
struct kith_pending *kith_pending_relay(struct kith_core *, const struct kith_addr *requester);
void kith_pending_add(struct kith_pendings *, struct kith_pending *);
struct kith_pending *kith_pending_find(struct kith_pendings *, uint32_t seq_no);
void kith_pending_remove(struct kith_core *, struct kith_pending *);
void kith_pending_free(struct kith_core *, struct kith_pending *);

#endif
