/*
 * kin.c - see kin.h. The tree: in the common order, turned so that the origin comes first, who is
 * at place r serves those at 4r + 1 to 4r + 4. Views that differ cost a message, which repair
 * brings.
 */
#include "kin.h"
#include "state.h"

#include <stdlib.h>

#define STALE 100000000u /* ns: at least between two makings */
enum { TRIES = 8 };

bool kith_kin_on(const struct kith_core *c) { return c->set.relay_window > 0; }

void kith_kin_say(struct kith_core *c, struct kith_msg *msg)
{
    uint8_t *said = c->relay.kin.said;
    if (!kith_kin_on(c)) return;
    said[0] = KITH_SAID_VERSION;
    for (int i = 0; i < 8; i++) said[1 + i] = (uint8_t)(c->relay.summary >> (56 - 8 * i));
    msg->kith = kith_bytes_of(said, KITH_SAID);
}

struct kith_bytes kith_kin_entry(const struct kith_core *c, const struct kith_record *p)
{
    static const uint8_t version = KITH_SAID_VERSION;
    bool kin = kith_kin_on(c) && (p == c->self || (p->kin && !kith_record_gone(p)));
    return kith_bytes_of(kin ? &version : NULL, kin);
}

void kith_kin_mark(struct kith_core *c, struct kith_record *p, bool kin)
{
    struct kith_kin *k = &c->relay.kin;
    if (p == c->self) return;
    p->heard = true;
    if (p->kin == kin) return;
    p->kin = kin;
    k->marks++;
    if (!kin || k->met) return;
    k->met = true;
    k->met_at = c->now;
}

void kith_kin_forget(struct kith_core *c)
{
    for (uint32_t i = 0; i < c->members.count; i++)
        c->members.by_age[i]->kin = c->members.by_age[i]->heard = 0;
    c->relay.kin.marks++;
    c->relay.kin.met = false;
}

static bool serves(const struct kith_core *c, const struct kith_record *p)
{
    return p == c->self || (p->kin && !kith_record_gone(p));
}

struct kith_record *kith_kin_of(const struct kith_core *c, uint64_t born)
{
    uint32_t i = kith_members_since(&c->members, born);
    struct kith_record *p = i < c->members.count ? c->members.by_age[i] : NULL;
    return p && p->born == born && p != c->self && serves(c, p) ? p : NULL;
}

static uint64_t place_of(struct kith_bytes name)
{
    static const struct kith_hash_key none;
    return kith_hash(&none, name.data, name.len);
}

static int by_place(const void *a, const void *b)
{
    const struct kith_kin_place *x = a, *y = b;
    return x->place < y->place ? -1 : x->place > y->place;
}

static uint64_t changes(const struct kith_core *c)
{
    const uint64_t *n = c->counters.counts;
    return n[KITH_COUNT_ALIVE_CHANGES] + n[KITH_COUNT_DEAD_CHANGES] + n[KITH_COUNT_MEMBERS_REAPED] +
           c->relay.kin.marks;
}

static bool reserve(struct kith_kin *k, uint32_t count)
{
    if (count <= k->cap) return true;
    struct kith_kin_place *all = realloc(k->all, 2 * (size_t)count * sizeof *all);
    if (!all) return false;
    k->all = all;
    k->cap = 2 * count;
    return true;
}

static void make(struct kith_core *c)
{
    struct kith_kin *k = &c->relay.kin;
    if (k->made_at && (k->changes == changes(c) || c->now - k->made_at < STALE)) return;
    k->made_at = c->now ? c->now : 1;
    k->changes = changes(c);
    k->count = 0;
    for (uint32_t i = 0; i < c->members.count; i++) {
        const struct kith_record *p = c->members.by_age[i];
        if (!serves(c, p)) continue;
        if (!reserve(k, k->count + 1)) break;
        k->all[k->count].place = place_of(kith_record_name(p));
        k->all[k->count++].born = p->born;
    }
    if (k->count) qsort(k->all, k->count, sizeof *k->all, by_place);
}

/* Index of the first at this place or behind it. */
static uint32_t find(const struct kith_kin *k, uint64_t place)
{
    uint32_t low = 0, high = k->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (k->all[mid].place < place)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

size_t kith_kin_children(struct kith_core *c, struct kith_bytes origin,
                         struct kith_record *out[KITH_KIN_CHILDREN])
{
    struct kith_kin *k = &c->relay.kin;
    uint64_t first = place_of(origin);
    size_t n = 0;
    make(c);
    if (k->count < 2) return 0;
    uint32_t root = find(k, first), me = find(k, place_of(kith_self_name(c)));
    bool there = root < k->count && k->all[root].place == first;
    /* An origin that is not among them stands before the one at `root`. */
    uint64_t whole = (uint64_t)k->count + !there, shift = !there;
    uint64_t rank = (me + k->count - root) % k->count + shift;
    for (uint64_t i = 4 * rank + 1; i <= 4 * rank + 4 && i < whole; i++) {
        struct kith_record *p = kith_kin_of(c, k->all[(root + i - shift) % k->count].born);
        if (p) out[n++] = p;
    }
    return n;
}

struct kith_record *kith_kin_any(struct kith_core *c)
{
    struct kith_kin *k = &c->relay.kin;
    make(c);
    for (int i = 0; k->count && i < TRIES; i++) {
        uint64_t at = kith_random_below(&c->random, k->count);
        struct kith_record *p = kith_kin_of(c, k->all[at].born);
        if (p) return p;
    }
    return NULL;
}

void kith_kin_fini(struct kith_kin *k)
{
    free(k->all);
    k->all = NULL;
    k->count = k->cap = 0;
}
