/*
 * strangers.c - what delegates send to addresses that are no member's, pings and joins included: so
 * many messages a second and no more, because whoever makes a delegate send must not make it a
 * cannon.
 *
 * The addresses of members are kept as keyed hashes in a table. It is made when the first delegate
 * sends to an address, and made again after members came, went or moved. A hash that two addresses
 * share lets one stranger pass, which does no harm.
 */
#include "delegates_parts.h"

#include <sodium.h>
#include <stdlib.h>

enum { THOUSAND = 1000, TURN = 256 /* members in one piece */ };

static uint64_t hash(const struct kith_strangers *s, const struct kith_addr *addr)
{
    uint8_t bytes[KITH_ADDR_MAX + 2] = {(uint8_t)addr->port, (uint8_t)(addr->port >> 8)};
    uint64_t h;
    memcpy(bytes + 2, addr->bytes, addr->len);
    crypto_shorthash((uint8_t *)&h, bytes, addr->len + 2u, s->key);
    return h ? h : 1;
}

/* Its place in the table, or the empty one where it belongs. */
static uint64_t *place(const struct kith_strangers *s, uint64_t h)
{
    size_t i = h % s->slots;
    while (s->known[i] && s->known[i] != h) i = (i + 1) % s->slots;
    return &s->known[i];
}

static bool grow(struct kith_strangers *s)
{
    struct kith_strangers bigger = *s;
    bigger.slots = s->slots ? 2 * s->slots : 64;
    bigger.known = calloc(bigger.slots, sizeof *bigger.known);
    if (!bigger.known) return false;
    for (size_t i = 0; i < s->slots; i++)
        if (s->known[i]) *place(&bigger, s->known[i]) = s->known[i];
    free(s->known);
    *s = bigger;
    return true;
}

static bool learn(void *arg, const struct kith_member *m)
{
    struct kith_strangers *s = arg;
    if (m->state != KITH_ALIVE && m->state != KITH_SUSPECT) return true;
    if (2 * (s->count + 1) > s->slots && !grow(s)) return false; /* the rest are strangers */
    uint64_t h = hash(s, &m->addr), *at = place(s, h);
    if (!*at) s->count++;
    *at = h;
    return true;
}

static void learn_all(struct kith_delegates_shared *shared)
{
    struct kith_strangers *s = &shared->strangers;
    const struct kith_node *node = shared->setup.node;
    if (!s->known) shared->setup.maker->random(shared->setup.maker->ctx, s->key, sizeof s->key);
    if (s->known) memset(s->known, 0, s->slots * sizeof *s->known);
    s->count = 0;
    s->stale = false;
    for (uint64_t cursor = 0; cursor != UINT64_MAX;)
        if (!node->members(node, &cursor, TURN, learn, s)) break;
}

/* One message of what strangers may be sent. */
static bool take_token(struct kith_strangers *s, uint64_t now)
{
    const uint64_t full = (uint64_t)KITH_STRANGER_BURST * THOUSAND;
    uint64_t passed = (now - s->filled_at) / (1000000000u / THOUSAND / KITH_STRANGER_RATE);
    if (!s->filled_at || passed >= full - s->tokens) {
        s->tokens = full;
        s->filled_at = now;
    } else {
        s->tokens += passed;
        s->filled_at += passed * (1000000000u / THOUSAND / KITH_STRANGER_RATE);
    }
    if (s->tokens < THOUSAND) return false;
    s->tokens -= THOUSAND;
    return true;
}

int kith_strangers_allow(struct kith_delegates_shared *shared, const struct kith_addr *addr)
{
    struct kith_strangers *s = &shared->strangers;
    if (!s->known || s->stale) learn_all(shared);
    if (s->known && *place(s, hash(s, addr))) return 0;
    if (!take_token(s, shared->setup.now(shared->setup.ctx))) {
        s->refused++;
        return -KITH_EAGAIN;
    }
    s->sent++;
    return 0;
}

void kith_strangers_changed(struct kith_strangers *s) { s->stale = true; }

void kith_strangers_fini(struct kith_strangers *s)
{
    free(s->known);
    s->known = NULL;
}
