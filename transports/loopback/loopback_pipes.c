/*
 * loopback_pipes.c - what goes from one end of a stream to the other, in order, over the network.
 *
 * What a cut holds back waits at its sender and is tried again as TCP would, by the mailbox of
 * whoever listens at the other end, so that it also goes when the sender's node has finished with
 * the stream, or is gone. Knows the ends' places and states, not what their nodes know of them.
 */
#include "loopback.h"
#include <stdlib.h>

/* ------------------------------------------------------------------------------------- life */

struct kith_lo_stream *kith_lo_stream_new(struct kith_lo_port *from, struct kith_lo_port *to)
{
    struct kith_lo_stream *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->users = 1;
    s->end[0].port = from;
    s->end[1].port = to;
    s->end[0].state = KITH_LO_OPENING;
    kith_lo_port_hold(from);
    kith_lo_port_hold(to);
    return s;
}

void kith_lo_stream_hold(struct kith_lo_stream *s) { s->users++; }

void kith_lo_stream_drop(struct kith_lo_net *net, struct kith_lo_stream *s)
{
    if (--s->users) return;
    for (int i = 0; i < 2; i++) {
        kith_lo_items_free(net, &s->end[i].unsent);
        kith_lo_items_free(net, &s->end[i].kept);
        kith_lo_port_drop(net, s->end[i].port);
    }
    free(s);
}

/* ------------------------------------------------------------------------------------ sending */

/* Into the mailbox of one of the ends. Takes the item. */
static bool mail(struct kith_lo_net *net, struct kith_lo_stream *s, unsigned end,
                 struct kith_lo_port *to, struct kith_lo_item *item, uint64_t at, uint64_t now)
{
    item->stream = s;
    item->end = (uint8_t)end;
    if (kith_lo_push(net, to, item, at, now)) return false;
    kith_lo_stream_hold(s);
    return true;
}

bool kith_lo_tell_self(struct kith_lo_net *net, struct kith_lo_stream *s, unsigned end,
                       enum kith_lo_kind kind, int reason, uint64_t at, uint64_t now)
{
    struct kith_lo_port *p = s->end[end].port;
    struct kith_lo_item *item = p->node ? kith_lo_item_new(net, kind, 0) : NULL;
    if (!item) return false;
    item->reason = (int16_t)reason;
    return mail(net, s, end, p, item, at, now);
}

/* What `from` holds back is tried again at `at`. When nobody is left to do it, it is gone. */
static void try_later(struct kith_lo_net *net, struct kith_lo_stream *s, unsigned from, uint64_t at,
                      uint64_t now)
{
    struct kith_lo_port *here = s->end[from].port, *there = s->end[!from].port;
    struct kith_lo_port *p = there->node ? there : here->node ? here : NULL;
    struct kith_lo_item *item = p ? kith_lo_item_new(net, KITH_LO_AGAIN, 0) : NULL;
    if (!item || !mail(net, s, from, p, item, at, now))
        kith_lo_items_free(net, &s->end[from].unsent);
}

static void give_up(struct kith_lo_net *net, struct kith_lo_stream *s, unsigned from, uint64_t now)
{
    struct kith_lo_end *e = &s->end[from];
    e->broken = true;
    kith_lo_items_free(net, &e->unsent);
    if (e->state != KITH_LO_GONE)
        kith_lo_tell_self(net, s, from, KITH_LO_CLOSE, -KITH_ETIMEOUT, now, now);
}

/* To the other end, unless its node has forgotten the stream. Takes the item. */
static void arrive(struct kith_lo_net *net, struct kith_lo_stream *s, unsigned to,
                   struct kith_lo_item *item, uint64_t at, uint64_t now)
{
    const struct kith_lo_end *e = &s->end[to];
    if (e->port->node && e->state != KITH_LO_GONE)
        (void)mail(net, s, to, e->port, item, at, now);
    else
        kith_lo_item_free(net, item);
}

static void refuse(struct kith_lo_net *net, struct kith_lo_stream *s, uint64_t when, uint64_t now);

/* Send what waits; when: not before now. */
static void pump(struct kith_lo_net *net, struct kith_lo_stream *s, unsigned from, uint64_t when,
                 uint64_t now)
{
    struct kith_lo_end *e = &s->end[from], *other = &s->end[!from];
    while (e->unsent.first) {
        size_t len = e->unsent.first->kind == KITH_LO_DATA ? e->unsent.first->len : 0;
        uint64_t at;
        enum kith_network_piece fate = kith_network_piece(
            net->network, e->port->index, other->port->index, len, when, &e->way, &at);
        if (fate == KITH_NETWORK_HELD) {
            try_later(net, s, from, at, now);
            return;
        }
        if (fate == KITH_NETWORK_BROKEN) {
            give_up(net, s, from, now);
            return;
        }
        struct kith_lo_item *item = kith_lo_list_take(&e->unsent);
        bool refused = item->kind == KITH_LO_OPEN && !other->port->node;
        arrive(net, s, !from, item, at, now);
        if (refused) refuse(net, s, at, now);
    }
}

/* Nobody listens where the stream was to go: its host says so, or there is none. */
static void refuse(struct kith_lo_net *net, struct kith_lo_stream *s, uint64_t when, uint64_t now)
{
    const struct kith_lo_port *nobody = s->end[1].port;
    const struct kith_lo *dialler = s->end[0].port->node;
    bool says_so = nobody->lived ? nobody->refuses : dialler && dialler->refuses;
    struct kith_lo_item *no = says_so ? kith_lo_item_new(net, KITH_LO_CLOSE, 0) : NULL;
    s->end[1].state = KITH_LO_GONE;
    if (!no) return;
    no->reason = -KITH_EREFUSED;
    kith_lo_list_add(&s->end[1].unsent, no);
    pump(net, s, 1, when, now);
}

void kith_lo_put(struct kith_lo_net *net, struct kith_lo_stream *s, unsigned from,
                 struct kith_lo_item *item, uint64_t now)
{
    struct kith_lo_end *e = &s->end[from];
    if (!item) return;
    if (e->broken) {
        kith_lo_item_free(net, item);
        return;
    }
    bool held = e->unsent.first != NULL;
    kith_lo_list_add(&e->unsent, item);
    if (!held) pump(net, s, from, now, now);
}

void kith_lo_say(struct kith_lo_net *net, struct kith_lo_stream *s, unsigned from,
                 enum kith_lo_kind kind, int reason, size_t len, uint64_t now)
{
    struct kith_lo_item *item = kith_lo_item_new(net, kind, 0);
    if (!item) return;
    item->reason = (int16_t)reason;
    item->len = (uint32_t)len;
    kith_lo_put(net, s, from, item, now);
}

void kith_lo_try_again(struct kith_lo_net *net, struct kith_lo_stream *s, unsigned from,
                       uint64_t now)
{
    pump(net, s, from, now, now);
}

void kith_lo_undelivered(struct kith_lo_net *net, struct kith_lo_item *item, uint64_t now)
{
    struct kith_lo_stream *s = item->stream;
    if (item->kind == KITH_LO_OPEN) refuse(net, s, now, now);
    if (item->kind == KITH_LO_AGAIN) try_later(net, s, item->end, now, now);
    kith_lo_item_free(net, item);
    if (s) kith_lo_stream_drop(net, s);
}
