/*
 * push.c - see push.h.
 */
#include "push.h"
#include "state.h"
#include "kin.h"
#include "post.h"

#include <stdlib.h>

#define COLLECT 10000000u /* ns */
enum {
    QUEUE_PACKETS = 256, /* beyond that others ask for it */
    FEW_PACKETS = 4      /* so many go to one more; one goes to two */
};

static bool reserve(struct kith_pushes *q)
{
    if (q->count < q->cap) return true;
    size_t cap = q->cap ? 2 * q->cap : 64;
    struct kith_push *items = realloc(q->items, cap * sizeof *items);
    if (!items) return false;
    q->items = items;
    q->cap = cap;
    return true;
}

void kith_push(struct kith_core *c, const struct kith_life *life, uint64_t number, size_t bytes)
{
    struct kith_pushes *q = &c->relay.pushes;
    size_t packet = kith_packet_budget(c, NULL).bytes;
    if (q->bytes + bytes > QUEUE_PACKETS * packet || !reserve(q)) {
        kith_count_drop(c, KITH_DROP_MAX_PUSHES);
        return;
    }
    q->items[q->count++] = (struct kith_push){life->id, number};
    q->bytes += bytes + 3;
    if (c->relay.flush.place) return;
    uint64_t at = kith_later(q->flushed_at, COLLECT);
    kith_alarm_set(&c->alarms, &c->relay.flush, at > c->now ? at : c->now);
}

/* Those from `first` to under `end` to one member. */
static void send(struct kith_core *c, const struct kith_record *p, size_t first, size_t end)
{
    const struct kith_push *items = c->relay.pushes.items;
    struct kith_addr to;
    struct kith_post post;
    kith_record_address(p, &to);
    kith_post_begin(&post, c, &to, p);
    for (size_t i = first; i < end; i++) {
        const struct kith_life *life = kith_life_find(c, items[i].life);
        const struct kith_kept *kept = life ? kith_life_kept(life, items[i].number) : NULL;
        if (kept && kith_post_add(&post, kith_bytes_of(kept->frame, kept->len)))
            kith_count(c, KITH_COUNT_RELAYS_PUSHED);
    }
    kith_post_end(&post);
}

static int by_life(const void *a, const void *b)
{
    const struct kith_push *x = a, *y = b;
    if (x->life != y->life) return x->life < y->life ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void to_children(struct kith_core *c, size_t first, size_t end)
{
    struct kith_record *children[KITH_KIN_CHILDREN];
    const struct kith_life *life = kith_life_find(c, c->relay.pushes.items[first].life);
    if (!life) return;
    size_t n = kith_kin_children(c, kith_life_name(life), children);
    for (size_t i = 0; i < n; i++) send(c, children[i], first, end);
}

void kith_push_flush(struct kith_core *c, struct kith_alarm *alarm)
{
    struct kith_pushes *q = &c->relay.pushes;
    size_t packet = kith_packet_budget(c, NULL).bytes;
    (void)alarm;
    if (q->count) qsort(q->items, q->count, sizeof *q->items, by_life);
    for (size_t first = 0, end; first < q->count; first = end) {
        for (end = first; end < q->count && q->items[end].life == q->items[first].life;) end++;
        to_children(c, first, end);
    }
    int more = q->bytes <= packet ? 2 : q->bytes <= FEW_PACKETS * packet ? 1 : 0;
    for (int i = 0; i < more; i++) {
        const struct kith_record *p = kith_kin_any(c);
        if (p) send(c, p, 0, q->count);
    }
    q->count = q->bytes = 0;
    q->flushed_at = c->now;
}

void kith_pushes_fini(struct kith_pushes *q)
{
    free(q->items);
    *q = (struct kith_pushes){0};
}
