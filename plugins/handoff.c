/*
 * handoff.c - user messages between the core, which must not wait, and the delegates, which are
 * called at the end of the turn. One block of bytes and a list of places in it: nothing is
 * allocated per message once it has grown.
 */
#include "handoff.h"

enum { KEPT = 1 << 20 }; /* bytes that are kept for the next turn */

static int more_bytes(struct kith_handoff *q, size_t len, bool always)
{
    const size_t before = q->bytes.cap, want = q->len + len;
    const size_t cap = want <= before ? before : 2 * before > want ? 2 * before : want;
    if (q->memory && always)
        kith_account_take(q->memory, cap - before);
    else if (q->memory && !kith_account_grow(q->memory, false, before, cap))
        return -KITH_EAGAIN;
    if (kith_scratch_room(&q->bytes, cap)) return 0;
    if (q->memory) kith_account_give(q->memory, false, cap - before);
    return -KITH_ENOMEM;
}

static void free_bytes(struct kith_handoff *q)
{
    if (q->memory) kith_account_give(q->memory, false, q->bytes.cap);
    kith_scratch_free(&q->bytes);
}

static int more_items(struct kith_handoff *q)
{
    if (q->count < q->item_cap) return 0;
    size_t cap = q->item_cap ? 2 * q->item_cap : 1;
    struct kith_handoff_item *items = realloc(q->items, cap * sizeof *items);
    if (!items) return -KITH_ENOMEM;
    q->items = items;
    q->item_cap = cap;
    return 0;
}

/* Append bytes, and the NUL that is promised behind names. */
static void append(struct kith_handoff *q, struct kith_bytes b)
{
    if (b.len) memcpy(q->bytes.data + q->len, b.data, b.len);
    q->bytes.data[q->len + b.len] = 0;
    q->len += b.len + 1;
}

int kith_handoff_add(struct kith_handoff *q, const struct kith_handoff_limits *limits,
                     const struct kith_message *m)
{
    static const struct kith_peer nobody = {.size = sizeof nobody};
    const struct kith_peer *peer = m->peer ? m->peer : &nobody;
    const bool relayed = m->flags & KITH_RELAYED;
    size_t len = m->bytes.len + peer->identity.len + peer->name.len + m->channel.len + 4;
    if (!relayed && (q->limited >= limits->depth || kith_handoff_full(q, limits, len)))
        return -KITH_EAGAIN;
    int rc = more_bytes(q, len, relayed);
    if (!rc) rc = more_items(q);
    if (rc) return rc;
    struct kith_handoff_item *item = &q->items[q->count++];
    item->offset = q->len;
    item->len = m->bytes.len;
    item->identity_len = peer->identity.len;
    item->name_len = peer->name.len;
    item->channel_len = m->channel.len;
    item->flags = m->flags;
    item->provides = peer->provides;
    item->protocol_max = peer->protocol_max;
    item->has_peer = m->peer;
    item->has_addr = peer->addr;
    if (peer->addr) {
        item->addr.port = peer->addr->port;
        item->addr.len = peer->addr->len;
        memcpy(item->addr.bytes, peer->addr->bytes, peer->addr->len);
    }
    append(q, m->bytes);
    append(q, peer->identity);
    append(q, peer->name);
    append(q, m->channel);
    q->limited += !relayed;
    q->limited_len += relayed ? 0 : len;
    return 0;
}

bool kith_handoff_full(const struct kith_handoff *q, const struct kith_handoff_limits *limits,
                       size_t len)
{
    if (!q->limited) return false;
    return q->limited >= limits->depth || len > limits->bytes ||
           q->limited_len > limits->bytes - len;
}

void kith_handoff_get(const struct kith_handoff *q, size_t i, struct kith_message *m,
                      struct kith_peer *peer)
{
    const struct kith_handoff_item *item = &q->items[i];
    const uint8_t *identity = q->bytes.data + item->offset + item->len + 1;
    const uint8_t *name = identity + item->identity_len + 1;
    *peer = (struct kith_peer){
        .size = sizeof *peer,
        .provides = item->provides,
        .protocol_max = item->protocol_max,
        .addr = item->has_addr ? &item->addr : NULL,
        .identity = kith_bytes_of(identity, item->identity_len),
        .name = kith_bytes_of(name, item->name_len),
    };
    *m = (struct kith_message){
        .size = sizeof *m,
        .flags = item->flags,
        .bytes = kith_bytes_of(q->bytes.data + item->offset, item->len),
        .peer = item->has_peer ? peer : NULL,
        .channel = kith_bytes_of(name + item->name_len + 1, item->channel_len),
    };
}

void kith_handoff_clear(struct kith_handoff *q)
{
    q->count = q->len = q->limited = q->limited_len = 0;
    if (q->bytes.cap > KEPT) free_bytes(q);
}

void kith_handoff_fini(struct kith_handoff *q)
{
    free_bytes(q);
    free(q->items);
    memset(q, 0, sizeof *q);
}
