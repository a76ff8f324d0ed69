/*
 * addresses.c - is a member there?
 *
 * A table with open addressing. Nothing is ever taken out of it: an entry is a hint, and the record
 * says whether it still holds; who is gone makes room. An entry lies at most WINDOW slots from
 * where its hash points to, which is plenty in a table that is never fuller than five eighths: one
 * in e^12 would lie further off. It is made anew half full at most, so that not every newcomer
 * makes it anew. Any number of names may claim one address: the first few are noted.
 */
#include "addresses.h"
#include "compare.h"

#include <stdlib.h>

enum { FIRST = 64, WINDOW = 128, CLAIMS = 4 };

int kith_addresses_init(struct kith_addresses *a)
{
    a->slots = calloc(FIRST, sizeof *a->slots);
    a->mask = FIRST - 1;
    a->used = 0;
    return a->slots ? 0 : -KITH_ENOMEM;
}

void kith_addresses_fini(struct kith_addresses *a)
{
    free(a->slots);
    a->slots = NULL;
}

uint32_t kith_addresses_hash(const struct kith_members *m, struct kith_bytes addr, uint16_t port)
{
    uint8_t key[KITH_ADDR_MAX + 2];
    addr = kith_addr_short(addr);
    memcpy(key, addr.data, addr.len);
    key[addr.len] = (uint8_t)(port >> 8);
    key[addr.len + 1] = (uint8_t)port;
    return kith_members_hash(m, kith_bytes_of(key, addr.len + 2));
}

static bool lives_at(const struct kith_record *p, struct kith_bytes addr, uint16_t port)
{
    return p->port == port && !kith_record_gone(p) &&
           kith_short_equal(kith_addr_short(kith_record_addr(p)), addr);
}

static void put(struct kith_addresses *a, const struct kith_members *m, uint32_t index)
{
    const struct kith_record *p = m->by_age[index];
    struct kith_bytes addr = kith_addr_short(kith_record_addr(p));
    uint32_t hash = kith_addresses_hash(m, addr, p->port);
    unsigned claims = 0;
    for (uint32_t i = 0; i < WINDOW && claims < CLAIMS; i++) {
        uint32_t *slot = &a->slots[(hash + i) & a->mask];
        if (*slot == index + 1) return;
        if (*slot && !kith_record_gone(m->by_age[*slot - 1])) {
            claims += lives_at(m->by_age[*slot - 1], addr, p->port);
            continue;
        }
        a->used += *slot == 0;
        *slot = index + 1;
        return;
    }
}

void kith_addresses_rebuild(struct kith_addresses *a, const struct kith_members *m)
{
    size_t size = FIRST;
    while (size < 2 * (size_t)m->count) size *= 2;
    uint32_t *slots = size != (size_t)a->mask + 1 ? calloc(size, sizeof *slots) : NULL;
    if (slots) {
        free(a->slots);
        a->slots = slots;
        a->mask = (uint32_t)(size - 1);
    } else { /* the same size, or no memory for another one */
        memset(a->slots, 0, ((size_t)a->mask + 1) * sizeof *a->slots);
    }
    a->used = 0;
    for (uint32_t i = 0; i < m->count; i++)
        if (!kith_record_gone(m->by_age[i])) put(a, m, i);
}

void kith_addresses_put(struct kith_addresses *a, const struct kith_members *m,
                        const struct kith_record *p)
{
    if (8 * (size_t)a->used > 5 * (size_t)a->mask)
        kith_addresses_rebuild(a, m);
    else
        put(a, m, kith_members_since(m, p->born));
}

struct kith_record *kith_addresses_find(const struct kith_addresses *a,
                                        const struct kith_members *m, const struct kith_addr *addr)
{
    struct kith_bytes bytes = kith_addr_short(kith_bytes_of(addr->bytes, addr->len));
    uint32_t hash = kith_addresses_hash(m, bytes, addr->port);
    for (uint32_t i = 0; i < WINDOW; i++) {
        uint32_t slot = a->slots[(hash + i) & a->mask];
        if (!slot) return NULL;
        struct kith_record *p = m->by_age[slot - 1];
        if (lives_at(p, bytes, addr->port)) return p;
    }
    return NULL;
}
