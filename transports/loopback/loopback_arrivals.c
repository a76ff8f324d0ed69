/*
 * loopback_arrivals.c - what has come is told to the node, by its timer: as much in one turn as it
 * takes, the rest in the next.
 *
 * What comes on a stream is kept at its end first, and told from there in order: as long as the
 * node reads, and a share a turn, so that nobody is told twice while another waits.
 */
#include "loopback.h"

/* ----------------------------------------------------------------------------- bytes and ends */

/* These tell, without the lock, and come back with it. */

static void tell_data(struct kith_lo *l, struct kith_lo_stream *s, unsigned end,
                      struct kith_lo_item *item)
{
    struct kith_lo_end *e = &s->end[end];
    uint64_t id = e->id, now = l->host->now(l->host);
    l->port->count[KITH_LO_N_STREAM_RECEIVED] += item->len;
    kith_lo_unlock(l->net);
    l->up->stream_data(l->up, id, kith_bytes_of(kith_lo_item_bytes(item), item->len));
    kith_lo_lock(l->net);
    e->unsaid += item->len;
    if (e->unsaid < KITH_LO_WINDOW / 4 || e->broken) return;
    kith_lo_say(l->net, s, end, KITH_LO_CREDIT, 0, e->unsaid, now);
    e->unsaid = 0;
}

static void tell_closed(struct kith_lo *l, struct kith_lo_stream *s, unsigned end, int reason)
{
    struct kith_lo_end *e = &s->end[end];
    struct kith_addr peer = s->end[!end].port->addr;
    uint64_t id = e->id;
    bool opening = e->state == KITH_LO_OPENING;
    if (reason) l->port->count[opening ? KITH_LO_N_FAILED : KITH_LO_N_BROKEN]++;
    if (reason) kith_lo_items_free(l->net, &e->unsent); /* for nobody */
    if (reason == -KITH_ETIMEOUT)
        kith_lo_end_reset(l, s, end); /* what was asked may still get there */
    else
        kith_lo_end_forget(l, s, end);
    kith_lo_unlock(l->net);
    l->up->stream_closed(l->up, id, reason);
    if (opening && reason == -KITH_EREFUSED) l->up->peer_unreachable(l->up, &peer);
    kith_lo_lock(l->net);
}

static void tell_end(struct kith_lo *l, struct kith_lo_stream *s, unsigned end)
{
    struct kith_lo_end *e = &s->end[end];
    e->got_end = true;
    kith_lo_unlock(l->net);
    l->up->stream_end(l->up, e->id);
    kith_lo_lock(l->net);
    if (e->finished) tell_closed(l, s, end, 0);
}

static void tell_next(struct kith_lo *l, struct kith_lo_stream *s, unsigned end)
{
    struct kith_lo_item *item = kith_lo_list_take(&s->end[end].kept);
    if (item->kind == KITH_LO_DATA)
        tell_data(l, s, end, item);
    else if (item->kind == KITH_LO_END)
        tell_end(l, s, end);
    else
        tell_closed(l, s, end, item->reason);
    kith_lo_item_free(l->net, item);
}

/* The rest is for the next turn; who had a share in this one comes after those who had none. */
static void go_on_later(struct kith_lo *l, struct kith_lo_stream *s, unsigned end, bool had_share)
{
    struct kith_lo_item *item = kith_lo_item_new(l->net, KITH_LO_GO_ON, 0);
    if (!item) return;
    s->end[end].going_on = true;
    item->end = (uint8_t)end;
    item->stream = s;
    kith_lo_stream_hold(s);
    kith_lo_list_add(had_share ? &l->had_share : &l->had_none, item);
}

/* Bytes wait for a node that does not read; that nothing comes any more it hears at once. */
static bool may_tell(const struct kith_lo_end *e)
{
    return e->kept.first && !e->going_on && (!e->paused || e->kept.first->kind == KITH_LO_CLOSE);
}

/* Tell what is kept at the end, as much as this turn may. */
static void tell_kept(struct kith_lo *l, struct kith_lo_stream *s, unsigned end)
{
    struct kith_lo_end *e = &s->end[end];
    size_t told = 0;
    while (may_tell(e)) {
        size_t len = e->kept.first->kind == KITH_LO_DATA ? e->kept.first->len : 0;
        if (len && (told + len > KITH_LO_TURN_SHARE || len > l->turn_bytes)) {
            go_on_later(l, s, end, told > 0);
            return;
        }
        told += len;
        l->turn_bytes -= len;
        tell_next(l, s, end);
    }
}

/* ------------------------------------------------------------------------- streams come to be */

static void accept(struct kith_lo *l, struct kith_lo_stream *s)
{
    struct kith_lo_end *e = &s->end[1];
    struct kith_peer from = {.size = sizeof from, .addr = &s->end[0].port->addr};
    uint64_t now = l->host->now(l->host), id = kith_lo_end_add(l, s, 1);
    bool wanted = false;
    if (id) {
        e->state = KITH_LO_IS_UP;
        kith_lo_unlock(l->net);
        wanted = l->up->stream_accepted(l->up, id, &from) == 0;
        kith_lo_lock(l->net);
    }
    l->port->count[wanted ? KITH_LO_N_ACCEPTED : KITH_LO_N_REFUSED]++;
    kith_lo_say(l->net, s, 1, wanted ? KITH_LO_IS_OPEN : KITH_LO_CLOSE, wanted ? 0 : -KITH_EREFUSED,
                0, now);
    if (wanted) return;
    e->state = KITH_LO_GONE;
    if (id) kith_lo_end_forget(l, s, 1);
}

static void opened(struct kith_lo *l, struct kith_lo_stream *s)
{
    struct kith_lo_end *e = &s->end[0];
    struct kith_peer to = {.size = sizeof to, .addr = &s->end[1].port->addr};
    uint64_t now = l->host->now(l->host);
    e->state = KITH_LO_IS_UP;
    l->port->count[KITH_LO_N_OPENED]++;
    if (e->finished) kith_lo_say(l->net, s, 0, KITH_LO_END, 0, 0, now);
    kith_lo_unlock(l->net);
    l->up->stream_opened(l->up, e->id, &to);
    kith_lo_lock(l->net);
}

static void credited(struct kith_lo *l, struct kith_lo_end *e, size_t len)
{
    e->under_way -= len;
    if (!e->waits) return;
    e->waits = false;
    kith_lo_unlock(l->net);
    l->up->stream_writable(l->up, e->id);
    kith_lo_lock(l->net);
}

/* ------------------------------------------------------------------------------------- a turn */

/* To a stream as such, at an end that its node knows, or is to get to know. */
static void happened(struct kith_lo *l, struct kith_lo_stream *s, const struct kith_lo_item *item)
{
    struct kith_lo_end *e = &s->end[item->end];
    switch (item->kind) {
    case KITH_LO_OPEN: accept(l, s); break;
    case KITH_LO_IS_OPEN: opened(l, s); break;
    case KITH_LO_CREDIT: credited(l, e, item->len); break;
    case KITH_LO_TIMEOUT:
        if (e->state == KITH_LO_OPENING) tell_closed(l, s, item->end, -KITH_ETIMEOUT);
        break;
    case KITH_LO_OVER: tell_closed(l, s, item->end, 0); break;
    case KITH_LO_GO_ON:
        e->going_on = false;
        tell_kept(l, s, item->end);
        break;
    default: break;
    }
}

static bool is_content(const struct kith_lo_item *item)
{
    return item->kind == KITH_LO_DATA || item->kind == KITH_LO_END || item->kind == KITH_LO_CLOSE;
}

/* Takes the item. */
static void stream_arrived(struct kith_lo *l, struct kith_lo_item *item)
{
    struct kith_lo_stream *s = item->stream;
    kith_lo_lock(l->net);
    if (item->kind == KITH_LO_AGAIN) {
        kith_lo_try_again(l->net, s, item->end, l->host->now(l->host));
    } else if (s->end[item->end].state != KITH_LO_GONE && is_content(item)) {
        kith_lo_list_add(&s->end[item->end].kept, item);
        tell_kept(l, s, item->end);
        item = NULL;
    } else if (s->end[item->end].state != KITH_LO_GONE) {
        happened(l, s, item);
    }
    kith_lo_item_free(l->net, item);
    kith_lo_stream_drop(l->net, s);
    kith_lo_unlock(l->net);
}

static void hint_arrived(struct kith_lo *l, const struct kith_lo_item *item)
{
    kith_lo_lock(l->net);
    l->port->hints--;
    kith_lo_unlock(l->net);
    l->up->peer_unreachable(l->up, &item->addr);
}

/* Tell what was taken; what is used up is collected. */
static struct kith_lo_list tell(struct kith_lo *l, struct kith_lo_list taken)
{
    struct kith_lo_list used = {NULL, NULL};
    for (struct kith_lo_item *item; (item = kith_lo_list_take(&taken));) {
        if (item->stream) {
            stream_arrived(l, item);
            continue;
        }
        if (item->kind == KITH_LO_A_PACKET)
            kith_lo_packet_arrived(l, item);
        else
            hint_arrived(l, item);
        kith_lo_list_add(&used, item);
    }
    return used;
}

/* Into the mailbox, for the next turn. */
static void queue_again(struct kith_lo *l, struct kith_lo_list *list, uint64_t now)
{
    for (struct kith_lo_item *item; (item = kith_lo_list_take(list));) {
        struct kith_lo_stream *s = item->stream;
        unsigned end = item->end;
        if (!kith_lo_push(l->net, l->port, item, now, now)) continue;
        s->end[end].going_on = false;
        kith_lo_stream_drop(l->net, s);
    }
}

static void count_received(struct kith_lo_port *p, const struct kith_lo_list *taken)
{
    for (const struct kith_lo_item *item = taken->first; item; item = item->next) {
        if (item->kind != KITH_LO_A_PACKET) continue;
        p->count[KITH_LO_N_RECEIVED]++;
        p->count[KITH_LO_N_RECEIVED_BYTES] += item->len;
    }
}

void kith_lo_due(void *self)
{
    struct kith_lo *l = self;
    uint64_t now = l->host->now(l->host);
    kith_lo_lock(l->net);
    l->armed = 0; /* nobody else has to see to it now */
    l->turn_bytes = KITH_LO_TURN_BYTES;
    struct kith_lo_list taken = kith_lo_take(l->net, l->port, now);
    count_received(l->port, &taken);
    kith_lo_unlock(l->net);

    struct kith_lo_list used = tell(l, taken);

    kith_lo_lock(l->net);
    kith_lo_items_free(l->net, &used);
    queue_again(l, &l->had_none, now);
    queue_again(l, &l->had_share, now);
    kith_lo_show(l);
    uint64_t next = l->armed = kith_lo_next(l->port);
    kith_lo_unlock(l->net);
    l->host->timer_set(l->timer, next);
}
