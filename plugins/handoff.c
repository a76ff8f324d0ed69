/*
 * handoff.c - user messages between the core, which must not wait, and the delegates, which are
 * called at the end of the turn. One block of bytes and a list of places in it: nothing is
 * allocated per message once it has grown.
 */
#include "fanout.h"

#include <stdlib.h>

enum { KEPT = 1 << 20 };

static void *grown(void *old, size_t *cap, size_t need, size_t each)
{
    if (need <= *cap) return old;
    size_t more = *cap * 2 > need ? *cap * 2 : need;
    void *p = realloc(old, more * each);
    if (p) *cap = more;
    return p;
}

int kith_handoff_add(struct kith_handoff *q, const struct kith_handoff_limits *limits,
                     struct kith_bytes msg, bool reliable)
{
    if (q->count >= limits->depth || msg.len > limits->bytes || q->len > limits->bytes - msg.len)
        return -KITH_EAGAIN;
    struct kith_handoff_item *items = grown(q->items, &q->item_cap, q->count + 1, sizeof *items);
    if (!items) return -KITH_ENOMEM;
    q->items = items;
    uint8_t *bytes = grown(q->bytes, &q->cap, q->len + msg.len + 1, 1);
    if (!bytes) return -KITH_ENOMEM;
    q->bytes = bytes;
    if (msg.len) memcpy(bytes + q->len, msg.data, msg.len);
    items[q->count++] = (struct kith_handoff_item){q->len, msg.len, reliable};
    q->len += msg.len;
    return 0;
}

void kith_handoff_clear(struct kith_handoff *q)
{
    q->count = q->len = 0;
    if (q->cap <= KEPT) return;
    free(q->bytes);
    q->bytes = NULL;
    q->cap = 0;
}

void kith_handoff_fini(struct kith_handoff *q)
{
    free(q->bytes);
    free(q->items);
    memset(q, 0, sizeof *q);
}
