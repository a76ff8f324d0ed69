/*
 * play_queue.c - what is to be done, by time: a heap. Knows nothing of what it is.
 */
#include "play_parts.h"
#include <stdlib.h>

static bool before(const struct kith_todo *a, const struct kith_todo *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct kith_todo *a, struct kith_todo *b)
{
    struct kith_todo other = *a;
    *a = *b;
    *b = other;
}

bool kith_queue_add(struct kith_queue *q, struct kith_todo todo)
{
    if (q->count == q->room) {
        size_t room = q->room ? 2 * q->room : 64;
        struct kith_todo *items = realloc(q->items, room * sizeof *items);
        if (!items) return false;
        q->items = items;
        q->room = room;
    }
    size_t i = q->count++;
    q->items[i] = todo;
    q->items[i].order = q->order++;
    for (; i && before(&q->items[i], &q->items[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&q->items[i], &q->items[(i - 1) / 2]);
    return true;
}

uint64_t kith_queue_next(const struct kith_queue *q)
{
    return q->count ? q->items[0].at : UINT64_MAX;
}

struct kith_todo kith_queue_take(struct kith_queue *q)
{
    struct kith_todo first = q->items[0];
    q->items[0] = q->items[--q->count];
    for (size_t i = 0, least;; i = least) {
        least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < q->count; child++)
            if (before(&q->items[child], &q->items[least])) least = child;
        if (least == i) return first;
        swap(&q->items[i], &q->items[least]);
    }
}

void kith_queue_free(struct kith_queue *q)
{
    free(q->items);
    *q = (struct kith_queue){0};
}
