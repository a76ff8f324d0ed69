/*
 * members.c - who is known: found by name in one step, walked in probe order, kept small.
 *
 * One allocation per member holds what is fixed, then name, address, meta and accuser as long as
 * they fit. The table of names has open addressing with linear probing; nothing is ever scanned to
 * handle a packet.
 */
#include "node.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 16 };

static uint16_t tag_of(uint32_t hash) { return (uint16_t)(hash >> 16 | 1); }

static int new_table(struct kith_members *m, uint32_t mask)
{
    struct kith_peer **slots = calloc((size_t)mask + 1, sizeof *slots);
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

static void peer_free(struct kith_peer *p)
{
    if (p->outside) free(p->bytes);
    free(p);
}

void kith_members_fini(struct kith_members *m)
{
    for (uint32_t i = 0; i < m->count; i++) {
        free(m->list[i]->suspicion);
        peer_free(m->list[i]);
    }
    free(m->list);
    free(m->slots);
    free(m->tags);
    memset(m, 0, sizeof *m);
}

struct kith_peer *kith_members_find(const struct kith_members *m, struct kith_bytes name,
                                    uint32_t hash)
{
    uint16_t tag = tag_of(hash);
    for (uint32_t i = hash & m->mask; m->tags[i]; i = (i + 1) & m->mask) {
        if (m->tags[i] != tag) continue;
        struct kith_peer *p = m->slots[i];
        if (p->hash == hash && kith_bytes_equal(kith_peer_name(p), name)) return p;
    }
    return NULL;
}

static void slot_put(struct kith_members *m, struct kith_peer *p)
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
        uint32_t cap = m->cap ? m->cap + m->cap / 2 : 16;
        struct kith_peer **list = realloc(m->list, cap * sizeof *list);
        if (!list) return -KITH_ENOMEM;
        m->list = list;
        m->cap = cap;
    }
    if ((uint64_t)(m->count + 1) * 3 <= (uint64_t)(m->mask + 1) * 2) return 0;
    if (new_table(m, m->mask * 2 + 1) < 0) return -KITH_ENOMEM;
    for (uint32_t i = 0; i < m->count; i++) slot_put(m, m->list[i]);
    return 0;
}

static void lay_out(struct kith_peer *p, uint8_t *to, struct kith_bytes name,
                    struct kith_bytes addr, struct kith_bytes meta, struct kith_bytes accuser)
{
    memcpy(to, name.data, name.len);
    to[name.len] = 0;
    to += name.len + 1;
    if (addr.len) memcpy(to, addr.data, addr.len);
    if (meta.len) memcpy(to + addr.len, meta.data, meta.len);
    if (accuser.len) memcpy(to + addr.len + meta.len, accuser.data, accuser.len);
    p->name_len = (uint8_t)name.len;
    p->addr_len = (uint8_t)addr.len;
    p->meta_len = (uint16_t)meta.len;
    p->meta_set = meta.data != NULL;
    p->accuser_len = (uint8_t)accuser.len;
}

int kith_peer_store(struct kith_peer *p, struct kith_bytes addr, struct kith_bytes meta,
                    struct kith_bytes accuser)
{
    struct kith_bytes name = kith_peer_name(p);
    uint8_t near[512], *to = near;
    size_t len = name.len + 1 + addr.len + meta.len + accuser.len;
    bool fits = len <= p->room;
    if (!fits || len > sizeof near) {
        to = malloc(len);
        if (!to) return -KITH_ENOMEM;
    }
    uint8_t *old = p->outside ? p->bytes : NULL;
    lay_out(p, to, name, addr, meta, accuser); /* never in place: the arguments may point there */
    p->outside = !fits;
    p->bytes = fits ? memcpy(p->inside, to, len) : to;
    if (fits && to != near) free(to);
    free(old);
    return 0;
}

int kith_peer_accuse(struct kith_peer *p, struct kith_bytes accuser)
{
    if (accuser.len > KITH_NAME_LIMIT) accuser.len = 0;
    if (kith_bytes_equal(kith_peer_accuser(p), accuser)) return 0;
    return kith_peer_store(p, kith_peer_addr(p), kith_peer_meta(p), accuser);
}

struct kith_peer *kith_members_add(struct kith_members *m, struct kith_random *random,
                                   struct kith_bytes name, uint32_t hash, struct kith_bytes addr,
                                   uint16_t port, struct kith_bytes meta)
{
    size_t room = name.len + 1 + addr.len + meta.len;
    struct kith_bytes nobody = {0};
    if (grow(m) < 0) return NULL;
    struct kith_peer *p = malloc(sizeof *p + room);
    if (!p) return NULL;
    memset(p, 0, sizeof *p);
    p->room = (uint16_t)room;
    p->bytes = p->inside;
    p->hash = hash;
    p->port = port;
    p->state = KITH_DEAD;
    lay_out(p, p->inside, name, addr, meta, nobody);
    slot_put(m, p);
    uint32_t at = (uint32_t)kith_random_below(random, m->count);
    m->list[m->count] = m->count ? m->list[at] : p;
    m->list[at] = p;
    m->count++;
    m->in_state[KITH_DEAD]++;
    return p;
}

static void slot_remove(struct kith_members *m, const struct kith_peer *p)
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
                           bool (*gone)(struct kith_core *, const struct kith_peer *))
{
    uint32_t kept = 0, before = m->count;
    for (uint32_t i = 0; i < before; i++) {
        struct kith_peer *p = m->list[i];
        if (!gone(core, p)) {
            m->list[kept++] = p;
            continue;
        }
        kith_suspicion_forget(core, p);
        slot_remove(m, p);
        m->in_state[p->state]--;
        peer_free(p);
    }
    m->count = kept;
    for (uint32_t i = kept; i > 1; i--) {
        uint32_t j = (uint32_t)kith_random_below(random, i);
        struct kith_peer *p = m->list[i - 1];
        m->list[i - 1] = m->list[j];
        m->list[j] = p;
    }
    return before - kept;
}

void kith_members_state(struct kith_members *m, struct kith_peer *p, enum kith_state state,
                        uint64_t now)
{
    m->in_state[p->state]--;
    m->in_state[state]++;
    p->state = state;
    p->since = now;
}

void kith_peer_address(const struct kith_peer *p, struct kith_addr *out)
{
    struct kith_bytes addr = kith_peer_addr(p);
    out->port = p->port;
    out->len = (uint8_t)addr.len;
    memcpy(out->bytes, addr.data, addr.len);
}

void kith_peer_view(const struct kith_peer *p, struct kith_member *out)
{
    out->size = sizeof *out;
    out->state = p->state;
    out->incarnation = p->incarnation;
    memcpy(out->versions, p->versions, sizeof out->versions);
    out->reserved[0] = out->reserved[1] = 0;
    out->name = kith_peer_name(p);
    out->meta = kith_peer_meta(p);
    kith_peer_address(p, &out->addr);
    out->since = p->since;
    out->accuser = kith_peer_accuser(p);
}

static int scratch(struct kith_core *c, size_t chosen, size_t order)
{
    if (chosen > c->chosen_cap) {
        struct kith_peer **list = realloc(c->chosen, chosen * sizeof *list);
        if (!list) return -KITH_ENOMEM;
        c->chosen = list;
        c->chosen_cap = chosen;
    }
    if (order > c->order_cap) {
        uint32_t *list = realloc(c->order, order * sizeof *list);
        if (!list) return -KITH_ENOMEM;
        c->order = list;
        c->order_cap = order;
    }
    return 0;
}

size_t kith_members_choose(struct kith_core *c, size_t k,
                           bool (*eligible)(struct kith_core *, const struct kith_peer *),
                           struct kith_peer ***chosen)
{
    struct kith_members *m = &c->members;
    uint64_t n = m->count;
    size_t got = 0;
    if (k > n) k = n;
    bool few = n < 3 * (uint64_t)k;
    if (scratch(c, k, few ? n : 0) < 0) return 0;
    *chosen = c->chosen;
    if (few) {
        for (uint32_t i = 0; i < n; i++) c->order[i] = i;
        for (uint64_t i = 0; i < n && got < k; i++) {
            uint64_t j = i + kith_random_below(&c->random, n - i);
            uint32_t t = c->order[i];
            c->order[i] = c->order[j];
            c->order[j] = t;
            struct kith_peer *p = m->list[c->order[i]];
            if (eligible(c, p)) c->chosen[got++] = p;
        }
        return got;
    }
    for (uint64_t draws = 3 * n; draws > 0 && got < k; draws--) {
        struct kith_peer *p = m->list[kith_random_below(&c->random, n)];
        bool again = false;
        for (size_t i = 0; i < got && !again; i++) again = c->chosen[i] == p;
        if (!again && eligible(c, p)) c->chosen[got++] = p;
    }
    return got;
}
