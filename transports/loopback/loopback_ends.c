/*
 * loopback_ends.c - the ends of streams that a node knows, by id: begun, found, forgotten.
 *
 * An id is a slot of the node's table (low 16 bits, from 1) and how many streams it had before
 * (high 48 bits): found at once, and never given again.
 */
#include "loopback.h"
#include <stdlib.h>

static bool slots_reserve(struct kith_lo *l)
{
    if (l->free_slot || l->slot_count < l->slot_room) return true;
    if (l->slot_count >= KITH_LO_STREAMS) return false;
    size_t room = l->slot_room ? 2 * l->slot_room : 8;
    struct kith_lo_slot *slots = realloc(l->slots, room * sizeof *slots);
    if (!slots) return false;
    l->slots = slots;
    l->slot_room = room;
    return true;
}

uint64_t kith_lo_end_add(struct kith_lo *l, struct kith_lo_stream *s, unsigned end)
{
    if (!slots_reserve(l)) return 0;
    size_t slot = l->free_slot ? l->free_slot : ++l->slot_count;
    struct kith_lo_slot *place = &l->slots[slot - 1];
    if (l->free_slot) l->free_slot = place->next_free;
    *place = (struct kith_lo_slot){.stream = s, .id = ++l->last_stream << 16 | slot, .end = end};
    s->end[end].id = place->id;
    kith_lo_stream_hold(s);
    return place->id;
}

static struct kith_lo_slot *slot_of(struct kith_lo *l, uint64_t id)
{
    size_t slot = (size_t)(id & 0xffff);
    struct kith_lo_slot *place = slot && slot <= l->slot_count ? &l->slots[slot - 1] : NULL;
    return place && place->stream && place->id == id ? place : NULL;
}

struct kith_lo_stream *kith_lo_end_find(struct kith_lo *l, uint64_t id, unsigned *end)
{
    struct kith_lo_slot *place = slot_of(l, id);
    if (!place) return NULL;
    *end = place->end;
    return place->stream;
}

void kith_lo_end_forget(struct kith_lo *l, struct kith_lo_stream *s, unsigned end)
{
    struct kith_lo_end *e = &s->end[end];
    struct kith_lo_slot *place = slot_of(l, e->id);
    place->stream = NULL;
    place->next_free = l->free_slot;
    l->free_slot = (size_t)(e->id & 0xffff);
    e->id = 0;
    e->state = KITH_LO_GONE;
    e->waits = false;
    kith_lo_items_free(l->net, &e->kept);
    kith_lo_stream_drop(l->net, s);
}

/* Bytes that are held back are not sent any more; when not even the question was, there is nobody
 * to tell. */
void kith_lo_end_reset(struct kith_lo *l, struct kith_lo_stream *s, unsigned end)
{
    uint64_t now = l->host->now(l->host);
    struct kith_lo_end *e = &s->end[end];
    kith_lo_items_free(l->net, &e->unsent);
    if (e->way.begun && s->end[!end].state != KITH_LO_GONE)
        kith_lo_say(l->net, s, end, KITH_LO_CLOSE, -KITH_ECLOSED, 0, now);
    kith_lo_end_forget(l, s, end);
}

void kith_lo_ends_reset_all(struct kith_lo *l)
{
    for (size_t i = 0; i < l->slot_count; i++)
        if (l->slots[i].stream) kith_lo_end_reset(l, l->slots[i].stream, l->slots[i].end);
}

void kith_lo_ends_adopt(struct kith_lo *l, struct kith_lo *old)
{
    l->slots = old->slots;
    l->slot_count = old->slot_count;
    l->slot_room = old->slot_room;
    l->free_slot = old->free_slot;
    l->last_stream = old->last_stream;
    old->slots = NULL;
    old->slot_count = old->slot_room = old->free_slot = 0;
}

void kith_lo_ends_free(struct kith_lo *l)
{
    free(l->slots);
    l->slots = NULL;
    l->slot_count = l->slot_room = l->free_slot = 0;
}
