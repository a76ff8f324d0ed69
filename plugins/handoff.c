/*
 * handoff.c - user messages between the core, which must not wait, and the delegates, which are
 * called at the end of the turn. One block of bytes and a list of places in it: nothing is
 * allocated per message once it has grown.
 */
#include "handoff.h"

enum { KEPT = 1 << 20 }; /* bytes that are kept for the next turn */

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

int kith_handoff_add(struct kith_handoff *q, const struct kith_handoff_limits *limits,
                     struct kith_bytes msg, bool reliable)
{
    if (q->count >= limits->depth || msg.len > limits->bytes || q->len > limits->bytes - msg.len)
        return -KITH_EAGAIN;
    uint8_t *bytes = kith_scratch(&q->bytes, q->len + msg.len + 1); /* never NULL, even for "" */
    if (!bytes || more_items(q) != 0) return -KITH_ENOMEM;
    if (msg.len) memcpy(bytes + q->len, msg.data, msg.len);
    q->items[q->count++] = (struct kith_handoff_item){q->len, msg.len, reliable};
    q->len += msg.len;
    return 0;
}

void kith_handoff_clear(struct kith_handoff *q)
{
    q->count = q->len = 0;
    if (q->bytes.cap > KEPT) kith_scratch_free(&q->bytes);
}

void kith_handoff_fini(struct kith_handoff *q)
{
    kith_scratch_free(&q->bytes);
    free(q->items);
    memset(q, 0, sizeof *q);
}
