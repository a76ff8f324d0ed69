/*
 * known.c - the addresses of live members, as hashes in a table. It is made when somebody asks, and
 * made again when members have changed; but not for every question of a stranger, who could make
 * members change as well. Two addresses with one hash let a stranger pass as a member, who has that
 * member's rights to streams and nothing else.
 */
#include "known.h"
#include "state.h"

#include <stdlib.h>

enum { FIRST = 64 };
#define STALE 100000000u /* ns: at least between two makings */

static uint64_t changes(const struct kith_core *c)
{
    const uint64_t *n = c->counters.counts;
    return n[KITH_COUNT_ALIVE_CHANGES] + n[KITH_COUNT_DEAD_CHANGES] + n[KITH_COUNT_MEMBERS_REAPED];
}

static uint32_t hash_of(const struct kith_core *c, struct kith_bytes addr)
{
    uint32_t hash = kith_members_hash(&c->members, addr);
    return hash ? hash : 1;
}

static uint32_t *place(const struct kith_known *k, uint32_t hash)
{
    uint32_t i = hash & k->mask;
    while (k->hashes[i] && k->hashes[i] != hash) i = (i + 1) & k->mask;
    return &k->hashes[i];
}

/* Room for twice as many as there are. */
static bool reserve(struct kith_known *k, uint32_t count)
{
    uint32_t size = FIRST;
    while (size < 2 * count) size *= 2;
    if (!k->hashes || size != k->mask + 1) {
        free(k->hashes);
        k->hashes = calloc(size, sizeof *k->hashes);
        k->mask = size - 1;
    } else {
        memset(k->hashes, 0, size * sizeof *k->hashes);
    }
    return k->hashes != NULL;
}

static void make(struct kith_core *c)
{
    struct kith_known *k = &c->known;
    k->made_at = c->now;
    k->changes = changes(c);
    if (!reserve(k, c->members.count)) return;
    for (uint32_t i = 0; i < c->members.count; i++) {
        const struct kith_record *p = c->members.by_age[i];
        if (p == c->self || kith_record_gone(p)) continue;
        uint32_t hash = hash_of(c, kith_record_addr(p));
        *place(k, hash) = hash;
    }
}

bool kith_known(struct kith_core *c, const struct kith_addr *addr)
{
    const struct kith_known *k = &c->known;
    bool old = c->now - k->made_at >= STALE && k->changes != changes(c);
    if (!k->hashes || old) make(c);
    if (!k->hashes) return false;
    uint32_t hash = hash_of(c, kith_bytes_of(addr->bytes, addr->len));
    return *place(k, hash) == hash;
}

void kith_known_fini(struct kith_known *k)
{
    free(k->hashes);
    *k = (struct kith_known){.hashes = NULL};
}
