/*
 * engine_network.c - packets and streams on their way from one core to another. What the network
 * does to them says transports/loopback/network.h; here is who has which address, which streams
 * there are, and what waits for a cut to heal.
 */
#include "engine.h"

/* ----------------------------------------------------------------------------------- packets */

/* 10.0.0.1 and on: the address tells the number. */
struct kith_addr sim_addr(int node)
{
    uint32_t a = (10u << 24) + (uint32_t)node + 1;
    return (struct kith_addr){
        .port = 7946,
        .len = 4,
        .bytes = {(uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a}};
}

int sim_at_addr(const struct sim *s, const struct kith_addr *a)
{
    int k = (a->bytes[1] << 16 | a->bytes[2] << 8 | a->bytes[3]) - 1;
    return k >= 0 && k < s->n && kith_addr_equal(&s->nodes[k]->addr, a) ? k : -1;
}

void sim_packet(struct sim *s, struct node *n, const struct kith_output *out)
{
    size_t len = out->buf->len;
    uint64_t at[2];
    if (len > SIM_BUDGET) sim_violation(s, "%s sends a packet of %zu bytes", n->name, len);
    int k = sim_at_addr(s, out->peer.addr);
    if (k < 0) {
        sim_violation(s, "%s sends to an address that nobody has", n->name);
        return;
    }
    int copies = kith_network_packet(s->network, n->index, k, len, s->now, at);
    for (int i = 0; i < copies; i++) {
        struct event *e = sim_event(EV_PACKET, k, out->buf->data, len);
        e->from = n->index;
        sim_push(s, e, at[i]);
    }
}

/* -------------------------------------------------------------------------- streams by handle */

static struct stream_end **bucket_of(struct sim *s, int node, uint32_t handle)
{
    uint32_t h = handle * 2654435761u ^ (uint32_t)node * 2246822519u;
    return &s->streams[(h ^ h >> 15) % STREAM_BUCKETS];
}

static struct stream_end **find(struct sim *s, const struct node *n, uint32_t handle)
{
    struct stream_end **at = bucket_of(s, n->index, handle);
    while (*at && ((*at)->node != n->index || (*at)->handle != handle)) at = &(*at)->next;
    return at;
}

static void known(struct sim *s, struct stream *c, int end, uint32_t handle)
{
    struct stream_end *e = &c->end[end], **at = bucket_of(s, e->node, handle);
    e->stream = c;
    e->which = end;
    e->handle = handle;
    e->next = *at;
    *at = e;
    c->users++;
}

void sim_end_forgotten(struct sim *s, struct stream *c, int end)
{
    struct stream_end *e = &c->end[end];
    if (e->handle) {
        struct stream_end **at = find(s, s->nodes[e->node], e->handle);
        *at = e->next;
        e->handle = 0;
        e->gone = true;
        sim_stream_drop(c);
    }
}

void sim_stream_drop(struct stream *c)
{
    if (--c->users) return;
    sim_list_free(&c->end[0].held);
    sim_list_free(&c->end[1].held);
    free(c);
}

/* ------------------------------------------------------------------- what goes over a stream */

static void push(struct sim *s, struct stream *c, int end, struct event *e, uint64_t at)
{
    e->stream = c;
    e->end = end;
    e->node = c->end[end].node;
    c->users++;
    sim_push(s, e, at);
}

static void tell_self(struct sim *s, struct stream *c, int end, int reason, uint64_t at)
{
    struct event *e = sim_event(EV_CLOSED, 0, NULL, 0);
    e->reason = reason;
    push(s, c, end, e, at);
}

/* What waits at this end goes, up to what a cut holds back. */
static void pump(struct sim *s, struct stream *c, int from)
{
    struct stream_end *e = &c->end[from], *to = &c->end[!from];
    uint64_t at;
    while (e->held.count) {
        switch (kith_network_piece(s->network, e->node, to->node, e->held.first->len, s->now,
                                   &e->way, &at)) {
        case KITH_NETWORK_ARRIVES: push(s, c, !from, sim_list_take(&e->held), at); break;
        case KITH_NETWORK_HELD: push(s, c, from, sim_event(EV_AGAIN, 0, NULL, 0), at); return;
        case KITH_NETWORK_BROKEN:
            e->broken = true;
            sim_list_free(&e->held);
            tell_self(s, c, from, -KITH_ETIMEOUT, s->now);
            break;
        }
    }
}

static void put(struct sim *s, struct stream *c, int from, struct event *e)
{
    struct stream_end *end = &c->end[from];
    e->from = end->node;
    sim_list_add(&end->held, e);
    if (end->broken)
        sim_list_free(&end->held);
    else if (end->held.count == 1)
        pump(s, c, from);
}

static void say(struct sim *s, struct stream *c, int from, enum event_kind kind, int reason)
{
    struct event *e = sim_event(kind, 0, NULL, 0);
    e->reason = reason;
    put(s, c, from, e);
}

void sim_send_again(struct sim *s, struct stream *c, int end) { pump(s, c, end); }

/* -------------------------------------------------------------------------- what a core wants */

void sim_dial(struct sim *s, struct node *n, const struct kith_output *out)
{
    int to = sim_at_addr(s, out->peer.addr);
    struct stream *c = calloc(1, sizeof *c);
    c->end[0].node = n->index;
    known(s, c, 0, out->stream);
    if (to < 0) {
        c->end[1].gone = true;
        tell_self(s, c, 0, -KITH_ETIMEOUT, s->now + 10 * SEC);
        return;
    }
    c->end[1].node = to;
    say(s, c, 0, EV_ACCEPT, 0);
}

/* In pieces of any size, as the kernel of the other side would hand them over. */
void sim_write(struct sim *s, struct node *n, const struct kith_output *out)
{
    struct stream_end *e = *find(s, n, out->stream);
    if (!e || e->finished) {
        sim_violation(s, "%s writes to a stream that is not open", n->name);
        return;
    }
    for (size_t at = 0, piece; at < out->bytes.len; at += piece) {
        bool small = sim_random(s) % 5 == 0;
        piece = 1 + sim_random(s) % (small ? 20 : 5000);
        if (piece > out->bytes.len - at) piece = out->bytes.len - at;
        put(s, e->stream, e->which, sim_event(EV_DATA, 0, out->bytes.data + at, piece));
    }
    if (!out->last) return;
    e->finished = true;
    say(s, e->stream, e->which, EV_END, 0);
}

static void forget(struct sim *s, struct stream_end *e, bool orderly)
{
    struct stream *c = e->stream;
    bool unsent = e->held.count && e->held.first->kind == EV_ACCEPT;
    if (unsent)
        sim_list_free(&e->held); /* nobody has heard of it */
    else if (!c->end[!e->which].gone && !orderly)
        say(s, c, e->which, EV_CLOSED, -KITH_ECLOSED);
    else if (!c->end[!e->which].gone && !e->finished)
        say(s, c, e->which, EV_END, 0);
    e->finished = true;
    sim_end_forgotten(s, c, e->which);
}

void sim_close(struct sim *s, struct node *n, uint32_t handle, bool orderly)
{
    struct stream_end *e = *find(s, n, handle);
    if (e)
        forget(s, e, orderly);
    else
        sim_violation(s, "%s closes a stream that it has not", n->name);
}

void sim_reset_all(struct sim *s, struct node *n)
{
    for (int i = 0; i < STREAM_BUCKETS; i++)
        for (struct stream_end *e = s->streams[i], *next; e; e = next) {
            next = e->next;
            if (e->node == n->index) forget(s, e, false);
        }
}

void sim_accept(struct sim *s, struct node *n, struct stream *c)
{
    struct kith_peer from = {.size = sizeof from, .addr = &s->nodes[c->end[0].node]->addr};
    uint32_t handle = n->core ? kith_core_stream_accepted(n->core, s->now, &from) : 0;
    if (!handle) {
        c->end[1].gone = true;
        say(s, c, 1, EV_CLOSED, -KITH_EREFUSED);
        return;
    }
    known(s, c, 1, handle);
    say(s, c, 1, EV_OPENED, 0);
}
