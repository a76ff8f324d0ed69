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

/* max_members is no more than the indices that a slot has room for. */
enum { FIRST_SLOTS = 16, INDEX_BITS = 24, INDEX = (1 << INDEX_BITS) - 1 };

/* Never 0. */
static uint32_t tag_of(uint32_t hash) { return (hash | 1u << INDEX_BITS) & ~(uint32_t)INDEX; }

static int new_table(struct kith_members *m, uint32_t mask)
{
    uint32_t *slots = calloc((size_t)mask + 1, sizeof *slots);
    if (!slots) return -KITH_ENOMEM;
    free(m->slots);
    m->slots = slots;
    m->mask = mask;
    return 0;
}

int kith_members_init(struct kith_members *m, const struct kith_hash_key *key)
{
    m->key = *key;
    return new_table(m, FIRST_SLOTS - 1);
}

void kith_members_fini(struct kith_members *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->by_age[i]->suspected) free(m->by_age[i]->suspicion);
        kith_record_free(m->by_age[i]);
    }
    free(m->by_age);
    free(m->order);
    free(m->slots);
    memset(m, 0, sizeof *m);
}

struct kith_record *kith_members_find(const struct kith_members *m, struct kith_bytes name,
                                      uint32_t hash)
{
    uint32_t tag = tag_of(hash);
    for (uint32_t i = hash & m->mask, slot; (slot = m->slots[i]); i = (i + 1) & m->mask) {
        if ((slot & ~(uint32_t)INDEX) != tag) continue;
        struct kith_record *p = m->by_age[slot & INDEX];
        if (p->hash == hash && kith_short_equal(kith_record_name(p), name)) return p;
    }
    return NULL;
}

void kith_members_expect(const struct kith_members *m, const uint32_t *hashes, size_t count)
{
    for (size_t i = 0; i < count; i++) __builtin_prefetch(&m->slots[hashes[i] & m->mask]);
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = m->slots[hashes[i] & m->mask];
        if (slot) __builtin_prefetch(&m->by_age[slot & INDEX]);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = m->slots[hashes[i] & m->mask];
        if (slot) __builtin_prefetch(m->by_age[slot & INDEX]);
    }
}

struct kith_record *kith_members_named(const struct kith_members *m, struct kith_bytes name)
{
    return kith_members_find(m, name, kith_members_hash(m, name));
}

static void slot_put(struct kith_members *m, uint32_t index)
{
    uint32_t hash = m->by_age[index]->hash, i = hash & m->mask;
    while (m->slots[i]) i = (i + 1) & m->mask;
    m->slots[i] = tag_of(hash) | index;
}

/* Room for one more: the table stays at most two thirds full. */
static int grow(struct kith_members *m)
{
    if (m->count == m->cap) {
        uint32_t cap = m->cap ? m->cap + m->cap / 4 : 16;
        struct kith_record **by_age = realloc(m->by_age, cap * sizeof *by_age);
        if (by_age) m->by_age = by_age;
        uint32_t *order = realloc(m->order, cap * sizeof *order);
        if (order) m->order = order;
        if (!order || !by_age) return -KITH_ENOMEM;
        m->cap = cap;
    }
    if ((uint64_t)(m->count + 1) * 3 <= (uint64_t)(m->mask + 1) * 2) return 0;
    if (new_table(m, m->mask * 2 + 1) < 0) return -KITH_ENOMEM;
    for (uint32_t i = 0; i < m->count; i++) slot_put(m, i);
    return 0;
}

static void swap(uint32_t *a, uint32_t *b)
{
    uint32_t t = *a;
    *a = *b;
    *b = t;
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
    m->by_age[m->count] = p;
    slot_put(m, m->count);
    uint32_t at = (uint32_t)kith_random_below(random, m->count);
    m->order[m->count] = m->count;
    swap(&m->order[at], &m->order[m->count]);
    p->born = ++m->births;
    m->bytes += kith_record_entry(p);
    m->count++;
    m->in_state[KITH_DEAD]++;
    return p;
}

static void shuffle(struct kith_members *m, struct kith_random *random)
{
    for (uint32_t i = 0; i < m->count; i++) m->order[i] = i;
    for (uint32_t i = m->count; i > 1; i--) {
        uint32_t j = (uint32_t)kith_random_below(random, i);
        swap(&m->order[i - 1], &m->order[j]);
    }
}

uint32_t kith_members_reap(struct kith_members *m, struct kith_random *random,
                           struct kith_core *core,
                           bool (*gone)(struct kith_core *, const struct kith_record *))
{
    uint32_t kept = 0, before = m->count;
    for (uint32_t i = 0; i < before; i++) {
        struct kith_record *p = m->by_age[i];
        if (!gone(core, p)) {
            m->by_age[kept++] = p;
            continue;
        }
        assert(!p->suspected); /* it is not gone, then */
        m->in_state[p->state]--;
        m->doubted -= p->doubted;
        m->bytes -= kith_record_entry(p);
        kith_record_free(p);
    }
    m->count = kept;
    if (kept < before) {
        memset(m->slots, 0, ((size_t)m->mask + 1) * sizeof *m->slots);
        for (uint32_t i = 0; i < kept; i++) slot_put(m, i);
    }
    shuffle(m, random);
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

int kith_members_store(struct kith_members *m, struct kith_record *p, struct kith_bytes addr,
                       struct kith_bytes meta)
{
    uint32_t before = kith_record_entry(p);
    int err = kith_record_store(p, addr, meta, kith_bytes_of(NULL, 0));
    m->bytes += (uint64_t)kith_record_entry(p) - before;
    return err;
}

void kith_members_doubt(struct kith_members *m, struct kith_record *p, bool doubted)
{
    m->doubted += (uint32_t)doubted - p->doubted;
    p->doubted = doubted;
}

void kith_members_state(struct kith_members *m, struct kith_record *p, enum kith_state state,
                        uint64_t now)
{
    m->in_state[p->state]--;
    m->in_state[state]++;
    p->state = state;
    if (!p->suspected) p->since = now;
    if (kith_record_gone(p))
        p->kin = p->heard = 0; /* who comes back under the name may run something else */
}
