/*
 * pending.c - pings that wait for their ack: our probe, probes relayed for others, pings that
 * the owner asked for.
 *
 * Sequence numbers are our own and count up, so their low bits are a fine hash.
 */
#include "pending.h"
#include "completion.h"
#include "state.h"

#include <stdlib.h>

enum { CHAINS = 8, CHAINS_MAX = 4096 };

int kith_pendings_init(struct kith_pendings *t)
{
    t->chains = calloc(CHAINS, sizeof *t->chains);
    t->mask = CHAINS - 1;
    return t->chains ? 0 : -KITH_ENOMEM;
}

static void put(struct kith_pending **chains, uint32_t mask, struct kith_pending *p)
{
    p->next = chains[p->seq_no & mask];
    chains[p->seq_no & mask] = p;
}

/* As many chains as there are entries, so that each is short. Without memory they grow longer. */
static void spread(struct kith_pendings *t)
{
    uint32_t count = 2 * (t->mask + 1);
    struct kith_pending **chains = calloc(count, sizeof *chains);
    if (!chains) return;
    for (uint32_t i = 0; i <= t->mask; i++) {
        for (struct kith_pending *p = t->chains[i], *next; p; p = next) {
            next = p->next;
            put(chains, count - 1, p);
        }
    }
    free(t->chains);
    t->chains = chains;
    t->mask = count - 1;
}

void kith_pendings_fini(struct kith_core *c)
{
    struct kith_pendings *t = &c->pendings;
    for (uint32_t i = 0; t->chains && i <= t->mask; i++) {
        while (t->chains[i]) {
            struct kith_pending *p = t->chains[i];
            kith_pending_remove(c, p);
            if (p->request) kith_request_done(c, p->request, -KITH_ECLOSED, 0);
            kith_pending_free(c, p);
        }
    }
    while (t->spare) {
        struct kith_pending *p = t->spare;
        t->spare = p->next;
        free(p);
    }
    free(t->chains);
    t->chains = NULL;
}

uint32_t kith_pendings_next_seq_no(struct kith_pendings *t) { return ++t->seq_no; }

uint32_t kith_pendings_seq_nos(struct kith_pendings *t, uint32_t count)
{
    uint32_t first = t->seq_no + 1;
    t->seq_no += count;
    return first;
}

struct kith_pending *kith_pending_new(struct kith_core *c, enum kith_pending_kind kind)
{
    struct kith_pendings *t = &c->pendings;
    struct kith_pending *p = t->spare;
    uint32_t max = c->set.max_pending;
    if (kind == KITH_PENDING_RELAY)
        max -= max / 16; /* reserve 1/16 of the entries for pings of our own */
    if (t->count >= max) {
        kith_count_drop(c, KITH_DROP_MAX_PENDING);
        return NULL;
    }
    if (p) {
        t->spare = p->next;
    } else {
        p = malloc(sizeof *p);
        if (p && kith_alarms_reserve(&c->alarms, 1) < 0) {
            free(p);
            p = NULL;
        }
        if (!p) {
            kith_count_drop(c, KITH_DROP_NO_MEMORY);
            return NULL;
        }
    }
    t->count++;
    memset(p, 0, offsetof(struct kith_pending, to));
    p->name_len = 0;
    p->kind = (uint8_t)kind;
    p->seq_no = kith_pendings_next_seq_no(t);
    return p;
}

struct kith_pending *kith_pending_relay(struct kith_core *c, const struct kith_addr *requester)
{
    uint32_t share =
        kith_addresses_hash(&c->members, kith_bytes_of(requester->bytes, requester->len),
                            requester->port) %
        KITH_SHARES;
    if (c->pendings.relays[share] == KITH_RELAYS_EACH) {
        kith_count_drop(c, KITH_DROP_MAX_INDIRECT_PINGS);
        return NULL;
    }
    struct kith_pending *p = kith_pending_new(c, KITH_PENDING_RELAY);
    if (!p) return NULL;
    c->pendings.relays[share]++;
    p->share = (uint16_t)share;
    p->to = *requester;
    return p;
}

void kith_pending_add(struct kith_pendings *t, struct kith_pending *p)
{
    if (t->count > t->mask && t->mask < CHAINS_MAX - 1) spread(t);
    put(t->chains, t->mask, p);
}

struct kith_pending *kith_pending_find(struct kith_pendings *t, uint32_t seq_no)
{
    struct kith_pending *p = t->chains[seq_no & t->mask];
    while (p && p->seq_no != seq_no) p = p->next;
    return p;
}

void kith_pending_remove(struct kith_core *c, struct kith_pending *p)
{
    struct kith_pending **link = &c->pendings.chains[p->seq_no & c->pendings.mask];
    while (*link && *link != p) link = &(*link)->next;
    if (*link) *link = p->next;
    kith_alarm_clear(&c->alarms, &p->alarm);
}

void kith_pending_free(struct kith_core *c, struct kith_pending *p)
{
    if (p->kind == KITH_PENDING_PROBE) return;
    if (p->kind == KITH_PENDING_RELAY) c->pendings.relays[p->share]--;
    p->next = c->pendings.spare;
    c->pendings.spare = p;
    c->pendings.count--;
}
