/*
 * members.h - who is known: found by name in one step, walked in probe order. Knows no rule that
 * changes a member; those are in merge.h.
 */
#ifndef KITH_MEMBERS_H
#define KITH_MEMBERS_H

#include "hash.h"
#include "random.h"
#include "record.h"

struct kith_core;

struct kith_members {
    struct kith_record **by_age; /* in the order in which they became known */
    uint32_t *order;             /* indices in it, in probe order */
    /* By hash of the name, linear probing: such an index, and 8 other bits of the hash, which save
     * most looks at a record that is not meant. 0: empty. */
    uint32_t *slots;
    uint32_t count, cap, mask;
    uint32_t in_state[4];
    uint32_t doubted; /* members whose own word is wanted */
    struct kith_hash_key key;
    uint64_t births; /* names that were ever new */
    uint64_t bytes;  /* of all their entries in a state, at most */
};

int kith_members_init(struct kith_members *, const struct kith_hash_key *);
void kith_members_fini(struct kith_members *);

/* The i-th in probe order. */
static inline struct kith_record *kith_members_at(const struct kith_members *m, uint32_t i)
{
    return m->by_age[m->order[i]];
}
/* Before those from `first` to under `end` are looked at one after the other: have all of them wait
 * for memory together. They are read, because a prefetch stops at a page that is not at hand. */
static inline void kith_members_expect_at(const struct kith_members *m, uint32_t first,
                                          uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        const volatile struct kith_record *p = kith_members_at(m, i);
        (void)p->hash;
        (void)p->inside[0];
    }
}
static inline uint32_t kith_members_hash(const struct kith_members *m, struct kith_bytes name)
{
    return (uint32_t)kith_hash(&m->key, name.data, name.len);
}
/* hash: kith_members_hash of the name. NULL: not known. */
struct kith_record *kith_members_find(const struct kith_members *, struct kith_bytes name,
                                      uint32_t hash);
struct kith_record *kith_members_named(const struct kith_members *, struct kith_bytes name);
/* These will be looked for soon: the memory that it takes is asked for, of all at once, where it
 * would be waited for one after the other. */
void kith_members_expect(const struct kith_members *, const uint32_t *hashes, size_t count);

/* A new member, dead with incarnation 0, at a random place of the order (PROTOCOL.md 2.3.4). NULL:
 * no memory. */
struct kith_record *kith_members_add(struct kith_members *, struct kith_random *,
                                     struct kith_bytes name, uint32_t hash, struct kith_bytes addr,
                                     uint16_t port, struct kith_bytes meta);
/* Forget the dead and left members of which `gone` says so, shuffle the rest (PROTOCOL.md 2.11).
 * Returns how many were forgotten. */
uint32_t kith_members_reap(struct kith_members *, struct kith_random *, struct kith_core *,
                           bool (*gone)(struct kith_core *, const struct kith_record *));
/* Index in by_age of the first member with serial >= born, or count. */
uint32_t kith_members_since(const struct kith_members *, uint64_t born);
/* kith_record_store() of one of them, its accuser forgotten. */
int kith_members_store(struct kith_members *, struct kith_record *, struct kith_bytes addr,
                       struct kith_bytes meta);
void kith_members_doubt(struct kith_members *, struct kith_record *, bool);
void kith_members_state(struct kith_members *, struct kith_record *, enum kith_state, uint64_t now);

#endif
