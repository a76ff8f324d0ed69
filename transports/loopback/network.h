/*
 * network.h - what a network does to what is sent through it: delay, loss, duplicates, reordering,
 * a narrow link, cuts and partitions.
 *
 * Pure: no clock, no I/O, no thread, no randomness of its own, and no memory for a packet. It keeps
 * no packet either: it says when something arrives, and who asked carries it there. So the loopback
 * transport and the simulator of cores (tests/sim) have one network.
 *
 * Endpoints have a name, and while they are there a number below KITH_NETWORK_ENDPOINTS. All chance
 * of an endpoint comes from the network's seed and its own name: the same seed, names and sends
 * give the same arrivals, whoever else is there.
 *
 * What holds between two endpoints is the default link, or what the sender has of its own, changed
 * by rules in the order in which they were made: a later one wins where both say something. No rule
 * is about what an endpoint sends to itself.
 *
 * A set of endpoints is a list of patterns, "web-*,db-?,!web-7": the last one that matches a name
 * decides, and `!` leaves out; a list that begins with `!` begins with all; "all" is all. An
 * endpoint that comes later joins the sets that match its name.
 *
 * A bandwidth is a line of the sender's: its own for all that it sends, one of a rule for all that
 * it sends to where that rule decides. So each sender has the whole of a rule's, shares it between
 * those whom the rule is about, and what waits on one line keeps nothing of another one waiting.
 * Packets and streams share a line half and half while both have something. A line is as old as its
 * rule: another in its place begins empty. What was sent arrives when it was to, whatever changes
 * later.
 *
 * network.c has endpoints and chance, network_rules.c sets and rules, network_way.c what happens to
 * packets and streams.
 */
#ifndef KITH_NETWORK_H
#define KITH_NETWORK_H

#include <kith/plugin.h>

enum {
    KITH_NETWORK_ENDPOINTS = 65536,
    KITH_NETWORK_RULES = 1024,
    KITH_NETWORK_SETS = 254 /* of one rule */
};

struct kith_network_link {
    uint64_t delay;        /* ns, one way */
    uint64_t jitter;       /* ns: mean of an exponential on top */
    double loss;           /* part of the packets; on streams they are sent again, later */
    double duplicate;      /* part of the packets that come twice */
    double reorder;        /* part that comes up to reorder_late later, uniformly */
    uint64_t reorder_late; /* ns */
    uint64_t bandwidth;    /* bytes a second of a sender, see below; 0: no limit */
    uint64_t backlog;      /* bytes of packets that may wait for it */
    bool cut;              /* nothing passes */
};

/* Which of them a rule says something about. */
enum kith_network_field {
    KITH_NETWORK_DELAY = 1,
    KITH_NETWORK_JITTER = 2,
    KITH_NETWORK_LOSS = 4,
    KITH_NETWORK_DUPLICATE = 8,
    KITH_NETWORK_REORDER = 16,
    KITH_NETWORK_REORDER_LATE = 32,
    KITH_NETWORK_BANDWIDTH = 64,
    KITH_NETWORK_BACKLOG = 128,
    KITH_NETWORK_CUT = 256
};

enum kith_network_shape {
    KITH_NETWORK_ONE_WAY,   /* from the first set to the second */
    KITH_NETWORK_BOTH_WAYS, /* and back */
    KITH_NETWORK_APART      /* between any two of the sets; one set: between it and all others.
                               Who is in several belongs to the first of them; who is in none of
                               several has to do with all */
};

struct kith_network;
struct kith_network_line;

struct kith_network_rule {
    uint32_t id; /* not 0, never used again */
    enum kith_network_shape shape;
    uint32_t fields; /* enum kith_network_field bits */
    struct kith_network_link link;
    char **sets;
    size_t set_count;
    uint8_t *sides; /* of each endpoint: bits, or for APART its set, from 1; 0: none */
    struct kith_network_line *lines; /* of each endpoint; NULL: no bandwidth is said */
};

/* NULL: no memory. The default link is one without delay and loss. */
struct kith_network *kith_network_new(uint64_t seed);
void kith_network_free(struct kith_network *);
/* An endpoint's chance begins anew, from this seed and its name. */
void kith_network_seed(struct kith_network *, int endpoint, uint64_t seed);

/* ---- endpoints. add: the number; -KITH_EEXIST, -KITH_EINVAL (no name, over KITH_ADDR_MAX bytes),
 * -KITH_ENOMEM. remove: the number may come back. find: the number, or -KITH_ENOTFOUND. */
int kith_network_add(struct kith_network *, struct kith_bytes name);
void kith_network_remove(struct kith_network *, int endpoint);
int kith_network_find(const struct kith_network *, struct kith_bytes name);

/* ---- links. Of *link the given fields count. -KITH_EINVAL: a value is out of its range.
 * default: of all endpoints, also of those that come. own: of what this one sends, whatever the
 * default says of these fields. */
int kith_network_set_default(struct kith_network *, uint32_t fields,
                             const struct kith_network_link *link, struct kith_error *err);
int kith_network_set_own(struct kith_network *, int endpoint, uint32_t fields,
                         const struct kith_network_link *link, struct kith_error *err);
/* What holds from one to the other now; to itself: what it has before rules. */
void kith_network_link(const struct kith_network *, int from, int to,
                       struct kith_network_link *out);

/* A rule, behind all others. One of the same shape and sets about nothing else goes: it has no say
 * any more. id (NULL-able): to take it back. */
int kith_network_rule_add(struct kith_network *, enum kith_network_shape,
                          const struct kith_bytes *sets, size_t set_count, uint32_t fields,
                          const struct kith_network_link *link, uint32_t *id,
                          struct kith_error *err);
/* One that will be taken back: all others stay, and hold again after it. */
int kith_network_rule_cover(struct kith_network *, enum kith_network_shape,
                            const struct kith_bytes *sets, size_t set_count, uint32_t fields,
                            const struct kith_network_link *link, uint32_t *id,
                            struct kith_error *err);
/* false: there is no such rule. */
bool kith_network_rule_remove(struct kith_network *, uint32_t id);
/* Takes back what cuts, and leaves what else such a rule says; of how many. */
size_t kith_network_heal(struct kith_network *);
/* The i-th in order; NULL: there are no more. */
const struct kith_network_rule *kith_network_rule(const struct kith_network *, size_t i);
/* How many endpoints are in its i-th set now. */
size_t kith_network_rule_members(const struct kith_network *, const struct kith_network_rule *,
                                 size_t i);

/* ---- packets. How many copies arrive, 1 or 2, and when; or why none does. */
enum kith_network_drop {
    KITH_NETWORK_LOST = -1,
    KITH_NETWORK_IS_CUT = -2,
    KITH_NETWORK_FULL = -3 /* too much waits for the bandwidth */
};
int kith_network_packet(struct kith_network *, int from, int to, size_t len, uint64_t now,
                        uint64_t at[2]);

/* ---- streams. One direction of a stream; all zero: nothing was sent yet. */
struct kith_network_way {
    uint64_t behind; /* nothing arrives before what was sent before it */
    uint64_t since;  /* held since */
    uint32_t tries;  /* and sent so often; 0: not held */
    bool begun;
};
enum kith_network_piece {
    KITH_NETWORK_ARRIVES = 0, /* at *at, behind all that went before */
    KITH_NETWORK_HELD = 1,    /* cut: ask again at *at, and until then for no later piece */
    KITH_NETWORK_BROKEN = 2   /* held for so long that the sender gives the stream up */
};
/* A piece of len bytes is sent. The first one of each way opens the stream and has no bytes. What
 * is lost is sent again after the time that TCP would take, so it comes later, never not at all. */
enum kith_network_piece kith_network_piece(struct kith_network *, int from, int to, size_t len,
                                           uint64_t now, struct kith_network_way *, uint64_t *at);

#endif
