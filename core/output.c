/*
 * output.c - what the node wants done, in order, until somebody polls for it; and the commands that
 * have not ended.
 *
 * Spent entries are kept for the next ones, packets with their buffers: nothing is allocated per
 * packet once a node has warmed up.
 */
#include "node.h"

#include <stdlib.h>

enum { SPARE_MAX = 64 };

void kith_items_init(struct kith_items *q)
{
    memset(q, 0, sizeof *q);
    q->last = &q->first;
}

static void item_free(struct kith_item *item)
{
    if (!item) return;
    free(item->buf.base);
    free(item->bytes);
    free(item);
}

static void list_free(struct kith_item *item)
{
    while (item) {
        struct kith_item *next = item->next;
        item_free(item);
        item = next;
    }
}

void kith_items_fini(struct kith_items *q)
{
    list_free(q->first);
    list_free(q->spare);
    list_free(q->spare_packets);
    item_free(q->lent);
    kith_items_init(q);
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
    }
    item->next = NULL;
    memset(&item->out, 0, sizeof item->out);
    item->name[0] = 0;
    item->out.name = item->name;
    return item;
}

struct kith_item *kith_item_packet(struct kith_items *q, uint16_t headroom, size_t size,
                                   uint16_t tailroom)
{
    size_t head = (size_t)headroom + KITH_COMPOUND_HEAD, need = head + size + tailroom;
    struct kith_item *item = q->spare_packets;
    if (item) {
        q->spare_packets = item->next;
        q->spare_packet_count--;
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
    item->out.name = item->name;
    item->buf.data = item->buf.base + head;
    item->buf.len = 0;
    return item;
}

void kith_item_drop(struct kith_items *q, struct kith_item *item)
{
    if (!item) return;
    if (item->buf.base && q->spare_packet_count < SPARE_MAX) {
        item->next = q->spare_packets;
        q->spare_packets = item;
        q->spare_packet_count++;
    } else if (!item->buf.base && q->spares < SPARE_MAX) {
        free(item->bytes);
        item->bytes = NULL;
        item->next = q->spare;
        q->spare = item;
        q->spares++;
    } else {
        item_free(item);
    }
}

void kith_item_address(struct kith_item *item, const struct kith_addr *to, struct kith_bytes name)
{
    item->to.port = to->port;
    item->to.len = to->len;
    memcpy(item->to.bytes, to->bytes, to->len);
    item->out.to = &item->to;
    if (name.len > KITH_NAME_LIMIT) name.len = 0;
    if (name.len) memcpy(item->name, name.data, name.len);
    item->name[name.len] = 0;
}

void kith_items_push(struct kith_items *q, struct kith_item *item)
{
    item->next = NULL;
    *q->last = item;
    q->last = &item->next;
}

bool kith_core_poll(struct kith_core *c, struct kith_output *out)
{
    struct kith_items *q = &c->items;
    assert(!c->busy);
    kith_item_drop(q, q->lent);
    q->lent = q->first;
    if (!q->lent) return false;
    q->first = q->lent->next;
    if (!q->first) q->last = &q->first;
    q->lent->lent = q->lent->buf;
    *out = q->lent->out;
    return true;
}

/* ------------------------------------------------------------------------------- requests */

static void request_unlink(struct kith_request *r)
{
    if (!r->link) return;
    *r->link = r->next;
    if (r->next) r->next->link = r->link;
    r->link = NULL;
}

static void request_release(struct kith_core *c, struct kith_request *r)
{
    if (r->done || r->queued) return;
    kith_alarms_release(&c->alarms, 1);
    free(r);
}

static void request_timed_out(struct kith_core *c, struct kith_alarm *alarm)
{
    kith_request_done(c, KITH_OF(alarm, struct kith_request, alarm), -KITH_ETIMEOUT, 0);
}

struct kith_request *kith_request_new(struct kith_core *c, enum kith_request_kind kind)
{
    struct kith_request *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->done = kith_item_new(&c->items);
    if (!r->done || kith_alarms_reserve(&c->alarms, 1) < 0) {
        kith_item_drop(&c->items, r->done);
        free(r);
        return NULL;
    }
    if (++c->request_id == 0) c->request_id = 1;
    r->id = c->request_id;
    r->kind = (uint8_t)kind;
    r->alarm.fire = request_timed_out;
    if (kind == KITH_REQUEST_LEAVE) {
        r->next = c->leaves;
        r->link = &c->leaves;
        if (c->leaves) c->leaves->link = &r->next;
        c->leaves = r;
    }
    return r;
}

void kith_request_timeout(struct kith_core *c, struct kith_request *r, uint64_t timeout)
{
    if (timeout) kith_alarm_set(&c->alarms, &r->alarm, kith_later(c->now, timeout));
}

void kith_request_cancel(struct kith_core *c, struct kith_request *r)
{
    kith_item_drop(&c->items, r->done);
    r->done = NULL;
    kith_request_done(c, r, 0, 0);
}

void kith_request_done(struct kith_core *c, struct kith_request *r, int status, uint64_t value)
{
    if (r->done) {
        r->done->out.kind = KITH_OUT_DONE;
        r->done->out.request = r->id;
        r->done->out.status = status;
        r->done->out.value = value;
        kith_items_push(&c->items, r->done);
        r->done = NULL;
    }
    kith_alarm_clear(&c->alarms, &r->alarm);
    request_unlink(r);
    request_release(c, r);
}

/* A broadcast that somebody waits for is over; replaced counts as sent (PROTOCOL.md T18). */
void kith_request_broadcast_end(void *core, uint64_t tag, enum kith_broadcast_end end)
{
    struct kith_core *c = core;
    struct kith_request *r = (struct kith_request *)(uintptr_t)tag;
    bool leave = r->kind == KITH_REQUEST_LEAVE;
    int status = end == KITH_BROADCAST_DROPPED && !c->dying ? -KITH_EAGAIN : 0;
    r->queued = false;
    kith_request_done(c, r, status, 0);
    if (!leave) return;
    c->leave_under_way = false;
    while (c->leaves) kith_request_done(c, c->leaves, status, 0);
}
