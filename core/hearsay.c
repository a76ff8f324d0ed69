/*
 * hearsay.c - whose own word is wanted, and who is asked next; how often hearsay lifts a member.
 *
 * A forger may invent any number of members and have them doubted, and few are asked at a time. So
 * who seems to be there comes first: who says something else than what is known from where it is
 * known to be, then who answered before. Addresses of packets can be forged: but the latest of
 * these is the first, so nothing stands before the true one when forging has ended.
 */
#include "hearsay.h"
#include "compare.h"
#include "state.h"

static bool speaks_up(const struct kith_record *p, const struct kith_peer *from)
{
    if (!from || !from->addr || from->addr->len > KITH_ADDR_MAX) return false;
    struct kith_bytes source = {from->addr->bytes, from->addr->len};
    return kith_short_equal(kith_addr_short(source), kith_addr_short(kith_record_addr(p)));
}

static void put_last(struct kith_hearsay *h, uint64_t born)
{
    unsigned at = 0;
    while (at < h->count && h->latest[at] != born) at++;
    if (at == h->count && h->count < KITH_HEARSAY_LATEST) h->count++;
    if (at == KITH_HEARSAY_LATEST) at = 0;
    for (; at + 1 < h->count; at++) h->latest[at] = h->latest[at + 1];
    h->latest[h->count - 1] = born;
}

void kith_doubt(struct kith_core *c, struct kith_record *p, const struct kith_peer *from)
{
    kith_members_doubt(&c->members, p, true);
    if (speaks_up(p, from)) put_last(&c->hearsay, p->born);
    if (!c->ask_alarm.place) kith_alarm_set(&c->alarms, &c->ask_alarm, c->now);
}

struct kith_record *kith_doubted_latest(struct kith_core *c)
{
    struct kith_hearsay *h = &c->hearsay;
    while (h->count) {
        uint64_t born = h->latest[h->count - 1];
        uint32_t at = kith_members_since(&c->members, born);
        struct kith_record *p = at < c->members.count ? c->members.by_age[at] : NULL;
        if (p && p->born == born && p->doubted) return p;
        h->count--;
    }
    return NULL;
}

struct kith_record *kith_doubted_first(const struct kith_core *c)
{
    const struct kith_members *m = &c->members;
    struct kith_record *first = NULL;
    unsigned best = 4;
    for (uint32_t i = 0; i < m->count && m->doubted && best > 0; i++) {
        struct kith_record *p = m->by_age[i];
        unsigned rank = (p->met ? 0 : 2) + (p->asked ? 1 : 0);
        if (!p->doubted || rank >= best) continue;
        first = p;
        best = rank;
    }
    return first;
}

bool kith_may_lift(struct kith_core *c, const struct kith_record *p)
{
    struct kith_hearsay *h = &c->hearsay;
    uint32_t place = p->hash % KITH_HEARSAY_LIFTS;
    uint64_t *word = &h->lifted[place / 64], bit = UINT64_C(1) << place % 64;
    if (c->now >= h->lifts_until) {
        memset(h->lifted, 0, sizeof h->lifted);
        h->lifts_until = kith_later(c->now, KITH_LIFT_PAUSE);
    }
    if (*word & bit) return false;
    *word |= bit;
    return true;
}
