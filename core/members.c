/*
 * members.c - who is known: found by name in one step, walked in probe order, kept small.
 *
 * The table of names has open addressing with linear probing; nothing is ever scanned to handle a
 * packet.
 */
#include "members.h"
#include "compare.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_SLOTS = 16 };

static uint16_t tag_of(uint32_t hash) { return (uint16_t)(hash >> 16 | 1); }

static int new_table(struct kith_members *m, uint32_t mask)
{
    struct kith_record **slots = calloc((size_t)mask + 1, sizeof *slots);
    uint16_t *tags = calloc((size_t)mask + 1, sizeof *tags);
    if (!slots || !tags) {
        free(slots);
        free(tags);
        return -KITH_ENOMEM;
    }
    free(m->slots);
    free(m->tags);
    m->slots = slots;
    m->tags = tags;
    m->mask = mask;
    return 0;
}

int kith_members_init(struct kith_members *m, uint64_t seed)
{
    m->seed = seed;
    return new_table(m, FIRST_SLOTS - 1);
}

void kith_members_fini(struct kith_members *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->list[i]->suspected) free(m->list[i]->suspicion);
        kith_record_free(m->list[i]);
    }
    free(m->list);
    free(m->by_age);
    free(m->slots);
    free(m->tags);
    memset(m, 0, sizeof *m);
}

struct kith_record *kith_members_find(const struct kith_members *m, struct kith_bytes name,
                                      uint32_t hash)
{
    uint16_t tag = tag_of(hash);
    for (uint32_t i = hash & m->mask; m->tags[i]; i = (i + 1) & m->mask) {
        if (m->tags[i] != tag) continue;
        struct kith_record *p = m->slots[i];
        if (p->hash == hash && kith_short_equal(kith_record_name(p), name)) return p;
    }
    return NULL;
}

struct kith_record *kith_members_named(const struct kith_members *m, struct kith_bytes name)
{
    return kith_members_find(m, name, kith_members_hash(m, name));
}

static void slot_put(struct kith_members *m, struct kith_record *p)
{
    uint32_t i = p->hash & m->mask;
    while (m->tags[i]) i = (i + 1) & m->mask;
    m->slots[i] = p;
    m->tags[i] = tag_of(p->hash);
}

/* Room for one more: the table stays at most two thirds full. */
static int grow(struct kith_members *m)
{
    if (m->count == m->cap) {
        uint32_t cap = m->cap ? m->cap + m->cap / 4 : 16;
        struct kith_record **list = realloc(m->list, cap * sizeof *list);
        if (list) m->list = list;
        struct kith_record **by_age = realloc(m->by_age, cap * sizeof *by_age);
        if (by_age) m->by_age = by_age;
        if (!list || !by_age) return -KITH_ENOMEM;
        m->cap = cap;
    }
    if ((uint64_t)(m->count + 1) * 3 <= (uint64_t)(m->mask + 1) * 2) return 0;
    if (new_table(m, m->mask * 2 + 1) < 0) return -KITH_ENOMEM;
    for (uint32_t i = 0; i < m->count; i++) slot_put(m, m->list[i]);
    return 0;
}

struct kith_record *kith_members_add(struct kith_members *m, struct kith_random *random,
                                     struct kith_bytes name, uint32_t hash, struct kith_bytes addr,
                                     uint16_t port, struct kith_bytes meta)
{
    if (grow(m) < 0) return NULL;
    struct kith_record *p = kith_record_new(name, addr, port, meta);
    if (!p) return NULL;
    p->hash = hash;
    p->state = KITH_DEAD;
    slot_put(m, p);
    uint32_t at = (uint32_t)kith_random_below(random, m->count);
    m->list[m->count] = m->count ? m->list[at] : p;
    m->list[at] = p;
    m->by_age[m->count] = p;
    p->born = ++m->births;
    m->count++;
    m->in_state[KITH_DEAD]++;
    return p;
}

static void slot_remove(struct kith_members *m, const struct kith_record *p)
{
    uint32_t hole = p->hash & m->mask;
    while (m->slots[hole] != p) hole = (hole + 1) & m->mask;
    for (uint32_t i = (hole + 1) & m->mask; m->tags[i]; i = (i + 1) & m->mask) {
        uint32_t home = m->slots[i]->hash & m->mask;
        if (((i - home) & m->mask) < ((i - hole) & m->mask)) continue;
        m->slots[hole] = m->slots[i];
        m->tags[hole] = m->tags[i];
        hole = i;
    }
    m->slots[hole] = NULL;
    m->tags[hole] = 0;
}

uint32_t kith_members_reap(struct kith_members *m, struct kith_random *random,
                           struct kith_core *core,
                           bool (*gone)(struct kith_core *, const struct kith_record *))
{
    uint32_t kept = 0, old = 0, before = m->count;
    for (uint32_t i = 0; i < before; i++) {
        struct kith_record *p = m->by_age[i];
        if (gone(core, p))
            p->born = 0; /* a mark for the second pass */
        else
            m->by_age[old++] = p;
    }
    for (uint32_t i = 0; i < before; i++) {
        struct kith_record *p = m->list[i];
        if (p->born) {
            m->list[kept++] = p;
            continue;
        }
        assert(!p->suspected); /* suspects only have one, and they are not gone */
        slot_remove(m, p);
        m->in_state[p->state]--;
        kith_record_free(p);
    }
    assert(kept == old);
    m->count = kept;
    for (uint32_t i = kept; i > 1; i--) {
        uint32_t j = (uint32_t)kith_random_below(random, i);
        struct kith_record *p = m->list[i - 1];
        m->list[i - 1] = m->list[j];
        m->list[j] = p;
    }
    return before - kept;
}

uint32_t kith_members_since(const struct kith_members *m, uint64_t born)
{
    uint32_t low = 0, high = m->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (m->by_age[middle]->born < born)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void kith_members_state(struct kith_members *m, struct kith_record *p, enum kith_state state,
                        uint64_t now)
{
    m->in_state[p->state]--;
    m->in_state[state]++;
    p->state = state;
    if (!p->suspected) p->since = now;
}
