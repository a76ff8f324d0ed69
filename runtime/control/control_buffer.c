/*
 * control_buffer.c - bytes that came, or that wait to go. A request may hold a key, so whatever
 * leaves a buffer is wiped behind it: when it was taken, when the buffer grows, when it is freed.
 */
#include "control_inside.h"
#include <sodium.h>
#include <stdlib.h>

/* What a buffer of FIRST bytes grows to stays while something is in it, or while it is no more
 * than KEEP. */
enum { FIRST = 4096, KEEP = 2 * KITH_CONTROL_PIECE };

void kith_buffer_free(struct kith_buffer *b)
{
    if (b->data) sodium_memzero(b->data, b->cap);
    free(b->data);
    *b = (struct kith_buffer){0};
}

static bool grow(struct kith_buffer *b, size_t need)
{
    size_t cap = b->cap ? b->cap : FIRST, waiting = kith_buffer_waiting(b);
    while (cap < need) cap *= 2;
    char *grown = malloc(cap);
    if (!grown) return false;
    memcpy(grown, b->data ? b->data + b->head : "", waiting);
    kith_buffer_free(b);
    *b = (struct kith_buffer){.data = grown, .len = waiting, .cap = cap};
    return true;
}

char *kith_buffer_room(struct kith_buffer *b, size_t len)
{
    size_t waiting = kith_buffer_waiting(b);
    if (b->len + len <= b->cap) return b->data + b->len;
    if (waiting + len > b->cap) {
        if (!grow(b, waiting + len)) return NULL;
    } else {
        memmove(b->data, b->data + b->head, waiting);
        sodium_memzero(b->data + waiting, b->len - waiting);
        b->head = 0;
        b->len = waiting;
    }
    return b->data + b->len;
}

bool kith_buffer_add(struct kith_buffer *b, const char *data, size_t len)
{
    char *room = kith_buffer_room(b, len);
    if (!room) return false;
    memcpy(room, data, len);
    b->len += len;
    return true;
}

void kith_buffer_take(struct kith_buffer *b, size_t len)
{
    if (!len) return;
    sodium_memzero(b->data + b->head, len);
    b->head += len;
    if (b->head < b->len) return;
    b->head = b->len = 0;
    if (b->cap > KEEP) kith_buffer_free(b);
}
