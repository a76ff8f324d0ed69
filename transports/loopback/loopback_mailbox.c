/*
 * loopback_mailbox.c - what is under way to one node: in a heap by time, then, arrived, in a list.
 * It sees to it that the node's thread looks in time, and knows nothing of what the items mean, but
 * that packets have limits: of memory under way, and of memory that waits for a node that does not
 * read.
 *
 * In a virtual world the receiver's timer is set by whoever sends. In the real one the receiver may
 * run on another thread, and only a post reaches it.
 */
#include "loopback.h"
#include <stdlib.h>

static bool before(const struct kith_lo_due *a, const struct kith_lo_due *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static bool heap_add(struct kith_lo_port *p, struct kith_lo_due due)
{
    if (p->heap_count == p->heap_room) {
        size_t room = p->heap_room ? 2 * p->heap_room : 16;
        struct kith_lo_due *heap = realloc(p->heap, room * sizeof *heap);
        if (!heap) return false;
        p->heap = heap;
        p->heap_room = room;
    }
    size_t i = p->heap_count++;
    for (; i && before(&due, &p->heap[(i - 1) / 2]); i = (i - 1) / 2)
        p->heap[i] = p->heap[(i - 1) / 2];
    p->heap[i] = due;
    return true;
}

static struct kith_lo_item *heap_take(struct kith_lo_port *p)
{
    struct kith_lo_item *item = p->heap[0].item;
    struct kith_lo_due last = p->heap[--p->heap_count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < p->heap_count; i = child) {
        if (child + 1 < p->heap_count && before(&p->heap[child + 1], &p->heap[child])) child++;
        if (!before(&p->heap[child], &last)) break;
        p->heap[i] = p->heap[child];
    }
    p->heap[i] = last;
    return item;
}

/* What has come by now is in the receiver's buffer, or was too much for it. */
static void settle(struct kith_lo_net *net, struct kith_lo_port *p, uint64_t now)
{
    while (p->heap_count && p->heap[0].at <= now) {
        struct kith_lo_item *item = heap_take(p);
        if (item->kind == KITH_LO_A_PACKET) {
            size_t memory = kith_lo_item_memory(item);
            p->flying -= memory;
            if (p->waiting && p->waiting + memory > p->receive_buffer) { /* one always fits */
                p->count[KITH_LO_N_FULL]++;
                kith_lo_item_free(net, item);
                continue;
            }
            p->waiting += memory;
        }
        kith_lo_list_add(&p->arrived, item);
    }
}

uint64_t kith_lo_next(const struct kith_lo_port *p)
{
    if (p->arrived.first) return 0;
    return p->heap_count ? p->heap[0].at : UINT64_MAX;
}

void kith_lo_knock(void *self)
{
    struct kith_lo *l = self;
    kith_lo_lock(l->net);
    l->posted = false;
    uint64_t next = l->armed = kith_lo_next(l->port);
    kith_lo_unlock(l->net);
    l->host->timer_set(l->timer, next);
}

/* The node looks into its mailbox at that time, if not earlier. */
static void arm(struct kith_lo_net *net, struct kith_lo *node, uint64_t at)
{
    if (at >= node->armed) return;
    if (net->world) {
        node->armed = at;
        node->host->timer_set(node->timer, at);
    } else if (!node->posted) {
        /* Without memory for a post the next one that sends tries again. */
        node->posted = node->host->post(node->host, kith_lo_knock, node) == 0;
    }
}

int kith_lo_push(struct kith_lo_net *net, struct kith_lo_port *p, struct kith_lo_item *item,
                 uint64_t at, uint64_t now)
{
    size_t memory = item->kind == KITH_LO_A_PACKET ? kith_lo_item_memory(item) : 0;
    int dropped = 0;
    settle(net, p, now);
    if (memory && p->flying + memory > KITH_LO_FLIGHT)
        dropped = KITH_LO_N_FLIGHT;
    else if (!heap_add(p, (struct kith_lo_due){at, p->order++, item}))
        dropped = KITH_LO_N_MEMORY;
    if (dropped) {
        kith_lo_item_free(net, item);
        return dropped;
    }
    p->flying += memory;
    arm(net, p->node, at);
    return 0;
}

struct kith_lo_list kith_lo_take(struct kith_lo_net *net, struct kith_lo_port *p, uint64_t now)
{
    struct kith_lo_list taken = {NULL, NULL};
    settle(net, p, now);
    for (unsigned packets = 0; p->arrived.first && packets < KITH_LO_TURN_PACKETS;) {
        struct kith_lo_item *item = kith_lo_list_take(&p->arrived);
        if (item->kind == KITH_LO_A_PACKET) {
            packets++;
            p->waiting -= kith_lo_item_memory(item);
        }
        kith_lo_list_add(&taken, item);
    }
    return taken;
}

struct kith_lo_list kith_lo_take_all(struct kith_lo_port *p)
{
    struct kith_lo_list all = p->arrived;
    while (p->heap_count) kith_lo_list_add(&all, heap_take(p));
    p->arrived = (struct kith_lo_list){NULL, NULL};
    p->waiting = p->flying = 0;
    p->hints = 0;
    free(p->heap);
    p->heap = NULL;
    p->heap_room = 0;
    return all;
}
