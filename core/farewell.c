/*
 * farewell.c - see farewell.h.
 *
 * Gossip reaches a few members in each round, and whoever leaves soon stops: in a cluster of 120
 * most have not heard of the leave when it is said to be done. An ack is something that every
 * release of memberlist sends; so who has heard it is known, and the others are told again.
 */
#include "farewell.h"
#include "completion.h"
#include "core_log.h"
#include "packet.h"
#include "peer.h"
#include "self.h"
#include "state.h"

#include <stdlib.h>

enum { AT_ONCE = 64 };
#define PAUSE UINT64_C(10000000) /* ns, between so many */

/* ns from the end of a round to the next one, or until nobody is waited for any more. */
static const uint64_t waits[] = {200000000, 400000000, 400000000};
enum { ROUNDS = sizeof waits / sizeof *waits };

static bool hears(const struct kith_core *c, const struct kith_record *p)
{
    return p != c->self && !kith_record_gone(p);
}

static struct kith_record *member(const struct kith_core *c, uint64_t born)
{
    uint32_t at = kith_members_since(&c->members, born);
    struct kith_record *p = at < c->members.count ? c->members.by_age[at] : NULL;
    return p && p->born == born && hears(c, p) ? p : NULL;
}

/* As many as there shall be of those who hear, each with the same chance. */
static void choose(struct kith_core *c, uint32_t rest, uint32_t wanted)
{
    struct kith_farewell *f = &c->farewell;
    for (uint32_t i = 0; i < c->members.count && wanted; i++) {
        const struct kith_record *p = c->members.by_age[i];
        if (!hears(c, p)) continue;
        bool taken = wanted == rest || kith_random_below(&c->random, rest) < wanted;
        rest--;
        if (!taken) continue;
        f->waits[f->count++] = p->born;
        wanted--;
    }
    f->deaf = f->count;
}

void kith_farewell_end(struct kith_core *c)
{
    struct kith_farewell *f = &c->farewell;
    kith_alarm_clear(&c->alarms, &f->alarm);
    free(f->waits);
    f->waits = NULL;
    f->count = f->deaf = 0;
}

/* The request to leave ends with us when all have heard it, or when it waits for nothing else. */
static void finish(struct kith_core *c)
{
    struct kith_farewell *f = &c->farewell;
    uint32_t deaf = f->deaf;
    bool done = f->gossiped || (f->all && !deaf);
    if (deaf)
        kith_core_log(c, KITH_LOG_INFO, NULL,
                      "%u of %u members did not say that they heard of the leave", deaf, f->count);
    kith_farewell_end(c);
    if (done && c->leave_under_way) kith_request_leave_done(c, 0);
}

static void heard(struct kith_core *c, uint64_t *wait)
{
    *wait = 0;
    if (--c->farewell.deaf == 0) finish(c);
}

/* False: no packet takes both, and an ack would say nothing. */
static bool tell(struct kith_core *c, const struct kith_record *p, uint32_t seq_no)
{
    struct kith_msg ping, dead = {.type = KITH_MSG_DEAD,
                                  .incarnation = c->farewell.incarnation,
                                  .node = kith_self_name(c),
                                  .from = kith_self_name(c)};
    struct kith_addr to;
    struct kith_packer pk;
    kith_record_address(p, &to);
    struct kith_peer peer = kith_peer_of(&to, kith_record_name(p), p->versions[1]);
    kith_self_ping(c, &ping, seq_no, peer.name);
    size_t bytes = kith_wire_size(KITH_BODY_DEAD, &dead) + kith_wire_size(KITH_BODY_PING, &ping);
    kith_packer_begin(&pk, c, &peer);
    if (bytes + 2 + 2 * (2 + 1) > pk.size) return false; /* head; lengths and types */
    kith_packer_add_message(&pk, &dead);
    kith_packer_add_message(&pk, &ping);
    kith_packer_end(&pk);
    kith_count(c, KITH_COUNT_LEAVES_TOLD);
    return true;
}

/* The next ones of this round. */
static void go_on(struct kith_core *c)
{
    struct kith_farewell *f = &c->farewell;
    uint32_t told = 0;
    for (; f->next < f->count && told < AT_ONCE; f->next++) {
        uint32_t i = f->next;
        const struct kith_record *p = f->waits[i] ? member(c, f->waits[i]) : NULL;
        if (p && tell(c, p, f->first_seq_no + i)) {
            told++;
            continue;
        }
        if (p) f->all = false;
        if (f->waits[i]) f->deaf--;
        f->waits[i] = 0;
    }
    uint64_t wait = f->next < f->count ? PAUSE : waits[f->round];
    kith_alarm_set(&c->alarms, &f->alarm, kith_later(c->now, wait));
}

void kith_farewell_alarm(struct kith_core *c, struct kith_alarm *alarm)
{
    struct kith_farewell *f = &c->farewell;
    if (f->next == f->count) {
        f->next = 0;
        f->round++;
    }
    if (f->round < ROUNDS && f->deaf) go_on(c);
    if (f->round == ROUNDS || !f->deaf) finish(c);
}

void kith_farewell_begin(struct kith_core *c)
{
    struct kith_farewell *f = &c->farewell;
    uint32_t others = c->members.in_state[KITH_ALIVE] + c->members.in_state[KITH_SUSPECT];
    uint32_t wanted = c->set.leave_direct;
    kith_farewell_end(c);
    if (!kith_record_gone(c->self)) others--; /* we move, and are there to ourselves */
    if (wanted > others) wanted = others;
    if (!wanted) return;
    f->waits = malloc(wanted * sizeof *f->waits);
    if (!f->waits) {
        kith_count_drop(c, KITH_DROP_NO_MEMORY);
        return;
    }
    f->all = wanted == others;
    f->gossiped = false;
    f->next = f->round = 0;
    f->incarnation = c->self->incarnation;
    choose(c, others, wanted);
    f->first_seq_no = kith_pendings_seq_nos(&c->pendings, f->count);
    go_on(c);
    if (!f->deaf) kith_farewell_end(c); /* no packet takes it: gossip alone says it */
}

bool kith_farewell_acked(struct kith_core *c, uint32_t seq_no)
{
    struct kith_farewell *f = &c->farewell;
    uint32_t i = seq_no - f->first_seq_no;
    bool told = f->round > 0 || i < f->next;
    if (i >= f->count || !told) return false; /* nobody answers what was not sent */
    if (!f->waits[i]) return true;            /* it was told twice, and answers twice */
    kith_count(c, KITH_COUNT_LEAVES_ACKED);
    heard(c, &f->waits[i]);
    return true;
}

void kith_farewell_gone(struct kith_core *c, const struct kith_record *p)
{
    struct kith_farewell *f = &c->farewell;
    for (uint32_t i = 0; i < f->count; i++)
        if (f->waits[i] == p->born) {
            heard(c, &f->waits[i]);
            return;
        }
}
