/*
 * loopback_items.c - the memory of what is under way. It comes in sizes of powers of two, and a
 * network keeps what has been told for the next: in steady state nothing is allocated.
 */
#include "loopback.h"
#include <stdlib.h>

enum { SMALLEST = 64 };

static size_t capacity(unsigned size_class) { return (size_t)SMALLEST << size_class; }

static size_t memory(unsigned size_class)
{
    return sizeof(struct kith_lo_item) + 2 * KITH_LO_ROOM + capacity(size_class);
}

_Static_assert((SMALLEST << (KITH_LO_CLASSES - 1)) >= KITH_LO_PACKET_MAX, "the largest packet");

static unsigned class_of(size_t len)
{
    unsigned c = 0;
    while (capacity(c) < len) c++;
    return c;
}

struct kith_lo_item *kith_lo_item_new(struct kith_lo_net *net, enum kith_lo_kind kind, size_t len)
{
    unsigned c = class_of(len);
    struct kith_lo_item *item = net->spare[c];
    if (item) {
        net->spare[c] = item->next;
        net->kept -= memory(c);
    } else if (!(item = malloc(memory(c)))) {
        return NULL;
    }
    item->next = NULL;
    item->stream = NULL;
    item->kind = (uint8_t)kind;
    item->end = 0;
    item->size_class = (uint8_t)c;
    item->reason = 0;
    item->len = (uint32_t)len;
    return item;
}

void kith_lo_item_free(struct kith_lo_net *net, struct kith_lo_item *item)
{
    if (!item) return;
    if (net->kept + memory(item->size_class) > KITH_LO_KEPT) {
        free(item);
        return;
    }
    net->kept += memory(item->size_class);
    item->next = net->spare[item->size_class];
    net->spare[item->size_class] = item;
}

size_t kith_lo_item_memory(const struct kith_lo_item *item) { return memory(item->size_class); }

uint8_t *kith_lo_item_bytes(struct kith_lo_item *item)
{
    return (uint8_t *)(item + 1) + KITH_LO_ROOM;
}

void kith_lo_list_add(struct kith_lo_list *list, struct kith_lo_item *item)
{
    item->next = NULL;
    if (list->first)
        list->last->next = item;
    else
        list->first = item;
    list->last = item;
}

struct kith_lo_item *kith_lo_list_take(struct kith_lo_list *list)
{
    struct kith_lo_item *item = list->first;
    if (item) list->first = item->next;
    return item;
}

void kith_lo_items_free(struct kith_lo_net *net, struct kith_lo_list *list)
{
    for (struct kith_lo_item *item; (item = kith_lo_list_take(list));) kith_lo_item_free(net, item);
}
