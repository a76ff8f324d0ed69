/*
 * kin.h - which members run Kith, in an order that all of them agree on: by a hash of the name that
 * has no key. A broadcast runs down a tree that follows from it. Knows no broadcasts.
 */
#ifndef KITH_RELAY_KIN_H
#define KITH_RELAY_KIN_H

#include "record.h"
#include "wire.h"

struct kith_core;

enum {
    KITH_KIN_CHILDREN = 4,
    /* What is said in pings, acks and headers of states: a version and the summary. */
    KITH_SAID_VERSION = 1,
    KITH_SAID = 9
};

/* The order is made when it is asked for and members have changed, not more than ten times a
 * second. */
struct kith_kin {
    struct kith_kin_place {
        uint64_t place, born; /* the hash; the record's serial, as records come and go */
    } * all;
    uint32_t count, cap;
    uint64_t made_at, changes;
    uint64_t marks; /* how often one was found to run Kith, or no longer */
    uint8_t said[KITH_SAID];
    bool met; /* there was ever one, and since when */
    uint64_t met_at;
};

/* Are there such broadcasts? Without them nobody is told, or asked, who runs Kith. */
bool kith_kin_on(const struct kith_core *);
/* That we run Kith, into a ping, an ack or a header; and into an entry of a state, of whom it is
 * true. */
void kith_kin_say(struct kith_core *, struct kith_msg *);
struct kith_bytes kith_kin_entry(const struct kith_core *, const struct kith_record *);
static inline bool kith_kin_speaks(const struct kith_msg *msg) { return msg->kith.len > 0; }
/* Does this member (NULL: nobody) understand frames? Without such broadcasts that is up to who
 * sends them. */
static inline bool kith_kin_hears(const struct kith_core *c, const struct kith_record *p)
{
    return !kith_kin_on(c) || (p && p->kin);
}

/* It says that it runs Kith, or speaks without saying so. */
void kith_kin_mark(struct kith_core *, struct kith_record *, bool);
/* Nobody is known to run it any more: whoever is met next is met for the first time, so that what
 * was broadcast before is not asked for. */
void kith_kin_forget(struct kith_core *);
/* The member with that serial, if it is there and still runs Kith. */
struct kith_record *kith_kin_of(const struct kith_core *, uint64_t born);
/* Whom this node passes the broadcasts of `origin` on to. How many. */
size_t kith_kin_children(struct kith_core *, struct kith_bytes origin,
                         struct kith_record *out[KITH_KIN_CHILDREN]);
/* Anybody, but not this node. NULL: there is none. */
struct kith_record *kith_kin_any(struct kith_core *);
void kith_kin_fini(struct kith_kin *);

#endif
