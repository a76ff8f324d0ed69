/*
 * completion.c - requests that have not ended, until each ended in exactly one KITH_OUT_DONE.
 */
#include "completion.h"
#include "state.h"

#include <stdlib.h>

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
    if (kind != KITH_REQUEST_OTHER) {
        r->next = c->waiting;
        r->link = &c->waiting;
        if (r->next) r->next->link = &r->next;
        c->waiting = r;
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

void kith_request_leave_done(struct kith_core *c, int status)
{
    c->leave_under_way = false;
    for (struct kith_request *r = c->waiting, *next; r; r = next) {
        next = r->next;
        if (r->kind == KITH_REQUEST_LEAVE) kith_request_done(c, r, status, 0);
    }
}

bool kith_request_company(const struct kith_core *c)
{
    uint32_t live = c->members.in_state[KITH_ALIVE] + c->members.in_state[KITH_SUSPECT];
    return live > (kith_record_gone(c->self) ? 0u : 1u);
}

void kith_request_gone(struct kith_core *c)
{
    if (!c->waiting || kith_request_company(c)) return;
    while (c->waiting) kith_request_done(c, c->waiting, 0, 0);
    c->leave_under_way = false;
}

/* Gossip has said it often enough, but those who were told directly have not all answered yet. */
static bool leave_waits(struct kith_core *c, struct kith_request *r, int status)
{
    if (r->kind != KITH_REQUEST_LEAVE || status < 0 || !c->farewell.waits || c->dying) return false;
    c->farewell.gossiped = true;
    request_release(c, r);
    return true;
}

/* A broadcast that somebody waits for is over; replaced counts as sent (PROTOCOL.md T18). */
void kith_request_broadcast_end(void *core, uint64_t tag, enum kith_broadcast_end end)
{
    struct kith_core *c = core;
    struct kith_request *r = (struct kith_request *)(uintptr_t)tag;
    bool leave = r->kind == KITH_REQUEST_LEAVE;
    int status = end == KITH_BROADCAST_DROPPED && !c->dying ? -KITH_EAGAIN : 0;
    r->queued = false;
    if (leave_waits(c, r, status)) return;
    kith_request_done(c, r, status, 0);
    if (leave) kith_request_leave_done(c, status);
}
