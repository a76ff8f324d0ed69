/*
 * output.c - what the core wants done, in order, until somebody polls for it.
 *
 * Spent entries are kept for the next ones, packets with their buffers: nothing is allocated per
 * packet once a node has warmed up. There are enough of them for all that one turn of a busy node
 * leads to, as nobody polls before its end; the last one back is the first one out, so that a quiet
 * node keeps to the few that the cache knows.
 */
#include "output.h"
#include "peer.h"

#include <stdlib.h>

enum {
    SPARE_FEW = 4,                /* idle ones that are kept */
    SPARE_MAX = 512,              /* entries of each of the two lists */
    SPARE_BYTES_MAX = 1024 * 1024 /* in the buffers of spare packets */
};

void kith_items_init(struct kith_items *q, struct kith_account *memory)
{
    memset(q, 0, sizeof *q);
    q->last = &q->first;
    q->memory = memory;
}

static void free_bytes(struct kith_items *q, struct kith_item *item)
{
    free(item->bytes);
    kith_account_give(q->memory, false, item->charged);
    item->bytes = NULL;
    item->charged = 0;
}

static void item_free(struct kith_items *q, struct kith_item *item)
{
    if (!item) return;
    free(item->buf.base);
    free_bytes(q, item);
    free(item);
}

static void list_free(struct kith_items *q, struct kith_item *item)
{
    while (item) {
        struct kith_item *next = item->next;
        item_free(q, item);
        item = next;
    }
}

void kith_items_fini(struct kith_items *q)
{
    list_free(q, q->first);
    list_free(q, q->spare);
    list_free(q, q->spare_packets);
    item_free(q, q->lent);
    kith_items_init(q, q->memory);
}

struct kith_item *kith_item_new(struct kith_items *q)
{
    struct kith_item *item = q->spare;
    if (item) {
        q->spare = item->next;
        q->spares--;
    } else {
        item = malloc(sizeof *item);
        if (!item) return NULL;
        item->buf.base = NULL;
        item->bytes = NULL;
        item->charged = 0;
    }
    item->next = NULL;
    memset(&item->out, 0, sizeof item->out);
    return item;
}

static struct kith_item *spare_packet(struct kith_items *q)
{
    struct kith_item *item = q->spare_packets;
    if (!item) return NULL;
    q->spare_packets = item->next;
    q->spare_bytes -= item->buf.cap;
    if (--q->spare_packet_count < q->idle) q->idle = q->spare_packet_count;
    return item;
}

void kith_items_trim(struct kith_items *q)
{
    uint32_t keep = q->idle / 2 > SPARE_FEW ? q->idle / 2 : SPARE_FEW;
    for (uint32_t n = q->idle; n > keep; n--) item_free(q, spare_packet(q));
    q->idle = q->spare_packet_count;
}

struct kith_item *kith_item_packet(struct kith_items *q, uint32_t headroom, size_t size,
                                   uint32_t tailroom)
{
    size_t head = (size_t)headroom + KITH_COMPOUND_HEAD, need = head + size + tailroom;
    struct kith_item *item = spare_packet(q);
    if (item) {
        item->next = NULL;
        memset(&item->out, 0, sizeof item->out);
    } else {
        item = kith_item_new(q);
        if (!item) return NULL;
        item->buf.cap = 0;
    }
    if (item->buf.cap < need) {
        free(item->buf.base);
        item->buf.base = malloc(need);
        item->buf.cap = need;
    }
    if (!item->buf.base) {
        free(item);
        return NULL;
    }
    item->out.kind = KITH_OUT_PACKET;
    item->out.buf = &item->lent;
    item->buf.data = item->buf.base + head;
    item->buf.len = 0;
    return item;
}

void kith_item_drop(struct kith_items *q, struct kith_item *item)
{
    if (!item) return;
    if (item->buf.base && q->spare_packet_count < SPARE_MAX &&
        q->spare_bytes + item->buf.cap <= SPARE_BYTES_MAX) {
        item->next = q->spare_packets;
        q->spare_packets = item;
        q->spare_packet_count++;
        q->spare_bytes += item->buf.cap;
    } else if (!item->buf.base && q->spares < SPARE_MAX) {
        free_bytes(q, item);
        item->next = q->spare;
        q->spare = item;
        q->spares++;
    } else {
        item_free(q, item);
    }
}

void kith_item_peer(struct kith_item *item, const struct kith_peer *peer)
{
    struct kith_bytes name = peer->name;
    kith_addr_copy(&item->to, peer->addr);
    if (name.len > KITH_NAME_LIMIT) name.len = 0;
    if (name.len) memcpy(item->name, name.data, name.len);
    item->name[name.len] = 0;
    name.data = (const uint8_t *)item->name;
    item->out.peer = kith_peer_of(&item->to, name, (uint8_t)peer->protocol_max);
}

void kith_items_push(struct kith_items *q, struct kith_item *item)
{
    item->next = NULL;
    *q->last = item;
    q->last = &item->next;
}

bool kith_items_poll(struct kith_items *q, struct kith_output *out)
{
    kith_item_drop(q, q->lent);
    q->lent = q->first;
    if (!q->lent) return false;
    q->first = q->lent->next;
    if (!q->first) q->last = &q->first;
    q->lent->lent = q->lent->buf;
    *out = q->lent->out;
    return true;
}
