/*
 * crowd.c - strangers and members in a crowd: who is counted where, and who goes.
 *
 * Nothing is sorted while there is room. When there is none, a walk over what is open finds the one
 * that goes; max_streams bounds it.
 */
#include "crowd.h"
#include "known.h"
#include "state.h"

enum { SILENT = 1000000000 }; /* ns */

/* ------------------------------------------------------------------------------------ sources */

static uint32_t source_hash(const struct kith_core *c, const struct kith_addr *addr)
{
    size_t len = addr->len == 16 ? 8 : addr->len;
    return kith_members_hash(&c->members, kith_bytes_of(addr->bytes, len));
}

/* There are as many places as slots, so that one is always free. */
static uint32_t find_source(struct kith_exchanges *t, uint32_t hash)
{
    uint32_t empty = t->source_count;
    for (uint32_t i = 0; i < t->source_count; i++) {
        if (t->sources[i].open && t->sources[i].hash == hash) return i;
        if (!t->sources[i].open) empty = i;
    }
    if (empty == t->source_count) t->source_count++;
    t->sources[empty] = (struct kith_source){.hash = hash};
    return empty;
}

void kith_crowd_enter(struct kith_core *c, struct kith_exchange *s)
{
    struct kith_exchanges *t = &c->exchanges;
    s->source = find_source(t, source_hash(c, &s->to));
    s->stranger = !kith_known(c, &s->to);
    t->sources[s->source].open++;
    t->strangers += s->stranger;
}

void kith_crowd_leave(struct kith_core *c, struct kith_exchange *s)
{
    struct kith_exchanges *t = &c->exchanges;
    t->sources[s->source].open--;
    while (t->source_count && !t->sources[t->source_count - 1].open) t->source_count--;
    t->strangers -= s->stranger;
}

static bool inbound(const struct kith_exchange *s) { return s->kind == KITH_EXCHANGE_INBOUND; }

/* Ours is the source that has the fewest. */
static uint32_t fullness(const struct kith_core *c, const struct kith_exchange *s)
{
    return inbound(s) ? c->exchanges.sources[s->source].open : 0;
}

/* ----------------------------------------------------------------------------------- who goes */

bool kith_crowd_many(const struct kith_core *c, const struct kith_exchange *s)
{
    const struct kith_exchanges *t = &c->exchanges;
    uint32_t max = c->set.max_streams;
    return t->open > max - max / 16 || (s->stranger && t->strangers > kith_crowd_of_strangers(max));
}

/* In all one less than the limit: memberlist counts so. */
bool kith_crowd_many_push_pulls(const struct kith_core *c, const struct kith_exchange *s)
{
    const struct kith_exchanges *t = &c->exchanges;
    uint32_t max = c->set.max_push_pulls;
    return t->push_pulls >= max ||
           (s->stranger && t->stranger_pulls > kith_crowd_of_strangers(max));
}

/* Its peer has said everything and waits for us. */
static bool our_turn(const struct kith_exchange *s) { return s->owes || s->whole; }

static bool silent(const struct kith_core *c, const struct kith_exchange *s)
{
    return !our_turn(s) && c->now - s->heard >= SILENT;
}

/* Of one source: silent ones go first, then those that say something, then those that are owed an
 * answer. */
static unsigned patience(const struct kith_core *c, const struct kith_exchange *s)
{
    return our_turn(s) ? 2 : !silent(c, s);
}

/* Should it go rather than the other? */
static bool before(const struct kith_core *c, const struct kith_exchange *s,
                   const struct kith_exchange *other)
{
    if (!other) return true;
    uint32_t a = fullness(c, s), b = fullness(c, other);
    if (a != b) return a > b;
    unsigned p = patience(c, s), q = patience(c, other);
    return p != q ? p < q : s->heard < other->heard;
}

static struct kith_exchange *first(const struct kith_core *c, const struct kith_exchange *but,
                                   bool strangers, bool push_pulls)
{
    struct kith_exchange *found = NULL;
    for (uint32_t i = 0; i < c->exchanges.cap; i++) {
        struct kith_exchange *s = c->exchanges.table[i];
        bool may = s != but && inbound(s) && s->stranger >= strangers && s->push_pull >= push_pulls;
        if (may && before(c, s, found)) found = s;
    }
    return found;
}

struct kith_exchange *kith_crowd_goes(const struct kith_core *c, const struct kith_exchange *s,
                                      bool push_pull)
{
    struct kith_exchange *goes = first(c, s, s->stranger, push_pull);
    uint32_t mine = fullness(c, s), theirs = goes ? fullness(c, goes) : 0;
    bool fuller = theirs > mine || (theirs == mine && goes && silent(c, goes));
    return fuller ? goes : NULL;
}

struct kith_exchange *kith_crowd_first(const struct kith_core *c)
{
    return first(c, NULL, true, false);
}

/* -------------------------------------------------------------------------------- who is next */

static unsigned rank(const struct kith_exchange *s) { return inbound(s) ? 1u + s->stranger : 0; }

/* One that waits for its sender, too, comes after those that are all there. */
static bool half(const struct kith_exchange *s) { return s->waits && !s->whole; }

/* Is it served before the other one? */
static bool sooner(const struct kith_core *c, const struct kith_exchange *s,
                   const struct kith_exchange *other)
{
    if (!other || rank(s) != rank(other)) return !other || rank(s) < rank(other);
    if (half(s) != half(other)) return half(other);
    return fullness(c, s) < fullness(c, other);
}

struct kith_exchange *kith_crowd_next(const struct kith_core *c)
{
    struct kith_exchange *found = NULL;
    for (struct kith_exchange *s = c->exchanges.owing; s; s = s->owes_after)
        if (sooner(c, s, found)) found = s;
    return found;
}

struct kith_exchange *kith_crowd_waiting(const struct kith_core *c)
{
    const struct kith_exchanges *t = &c->exchanges;
    uint32_t max = c->set.max_push_pulls;
    bool strangers = t->stranger_pulls < kith_crowd_of_strangers(max);
    struct kith_exchange *found = NULL;
    if (t->push_pulls + 1 >= max) return NULL;
    for (uint32_t i = 0; i < t->cap; i++) {
        struct kith_exchange *s = t->table[i];
        if (s->waits && (strangers || !s->stranger) && sooner(c, s, found)) found = s;
    }
    return found;
}

/* Making and sealing it takes three times its length, for a moment; what waits then is once that,
 * and the peer's. When nothing is held it is tried in any case. */
bool kith_crowd_has_memory(const struct kith_core *c, const struct kith_exchange *s, uint64_t len)
{
    const struct kith_account *a = c->memory;
    if (!a->held) return true;
    bool half = len <= KITH_ACCOUNT_SMALL || a->strangers + len <= a->limit / 2;
    return kith_account_has(a, false, 3 * len, 3 * len) && (half || !s->stranger);
}
