/*
 * engine.c - time, and cores in it: takes the next event, lets it happen, carries out what the core
 * wants. Knows the core by core.h alone.
 */
#include "engine.h"

/* ------------------------------------------------------------------------------------ chance */

uint64_t sim_random(struct sim *s)
{
    uint64_t z = s->rng += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

static void mix(struct sim *s, uint64_t word)
{
    s->trace = (s->trace ^ word) * 0x9E3779B97F4A7C15ull;
    s->trace ^= s->trace >> 32;
}

static void trace(struct sim *s, unsigned what, int node, const void *data, size_t len)
{
    mix(s, s->now);
    mix(s, (uint64_t)what << 32 | (uint32_t)node);
    mix(s, len);
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, (const uint8_t *)data + i, len - i < 8 ? len - i : 8);
        mix(s, word);
    }
}

/* -------------------------------------------------------------------------------------- events */

struct event *sim_event(enum event_kind kind, int node, const void *data, size_t len)
{
    struct event *e = malloc(sizeof *e + len);
    *e = (struct event){.kind = kind, .node = node, .len = len};
    if (len) memcpy(e->data, data, len);
    return e;
}

void sim_event_free(struct event *e)
{
    if (e->stream) sim_stream_drop(e->stream);
    free(e);
}

void sim_list_add(struct list *l, struct event *e)
{
    e->next = NULL;
    *(l->first ? l->last : &l->first) = e;
    l->last = &e->next;
    l->count++;
}

struct event *sim_list_take(struct list *l)
{
    struct event *e = l->first;
    l->first = e->next;
    l->count--;
    return e;
}

void sim_list_free(struct list *l)
{
    while (l->count) sim_event_free(sim_list_take(l));
}

/* --------------------------------------------------------------------------------- the queue */

static const uint64_t last = UINT64_C(1) << 63; /* of equal times */

static bool before(const struct slot *a, const struct slot *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void sim_push(struct sim *s, struct event *e, uint64_t at)
{
    if (s->heap_n == s->heap_cap) {
        s->heap_cap = s->heap_cap ? 2 * s->heap_cap : 256;
        s->heap = realloc(s->heap, s->heap_cap * sizeof *s->heap);
    }
    struct slot new = {at, s->order++ | (e->kind == EV_WAKE ? last : 0), e};
    size_t i = s->heap_n++;
    for (; i && before(&new, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        s->heap[i] = s->heap[(i - 1) / 2];
    s->heap[i] = new;
}

static struct slot pop(struct sim *s)
{
    struct slot top = s->heap[0], moved = s->heap[--s->heap_n];
    size_t i = 0, c;
    while ((c = 2 * i + 1) < s->heap_n) {
        if (c + 1 < s->heap_n && before(&s->heap[c + 1], &s->heap[c])) c++;
        if (!before(&s->heap[c], &moved)) break;
        s->heap[i] = s->heap[c];
        i = c;
    }
    s->heap[i] = moved;
    return top;
}

/* ---------------------------------------------------------------------------- running a core */

static void request_done(struct sim *s, struct node *n, const struct kith_output *out)
{
    for (int i = s->requests_n; i-- > 0;) { /* it is one of the last, as a rule */
        struct request *q = &s->requests[i];
        if (q->node != n->index || q->life != n->life || q->number != out->request) continue;
        if (q->ended) sim_violation(s, "request %u of %s ended twice", out->request, n->name);
        q->ended = true;
        q->status = out->status;
        return;
    }
    sim_violation(s, "request %u of %s ended, which nobody made", out->request, n->name);
}

static void carry_out(struct sim *s, struct node *n, const struct kith_output *out)
{
    trace(s, 100 + out->kind, n->index, &out->status, sizeof out->status);
    switch (out->kind) {
    case KITH_OUT_PACKET:
        trace(s, 200, n->index, out->buf->data, out->buf->len);
        sim_packet(s, n, out);
        memset(out->buf->data, 0xA5, out->buf->len);
        break;
    case KITH_OUT_DIAL: sim_dial(s, n, out); break;
    case KITH_OUT_WRITE: sim_write(s, n, out); break;
    case KITH_OUT_CLOSE:
        sim_close(s, n, out->stream, true);
        kith_core_stream_closed(n->core, s->now, out->stream, 0);
        break;
    case KITH_OUT_RESET: sim_close(s, n, out->stream, false); break;
    case KITH_OUT_DONE: request_done(s, n, out); break;
    case KITH_OUT_GONE:
        if (sim_at_addr(s, out->peer.addr) < 0) sim_violation(s, "%s lost nobody", n->name);
        break;
    }
}

/* After anything that happened to a node. */
void sim_settle(struct sim *s, struct node *n)
{
    struct kith_output out;
    while (kith_core_poll(n->core, &out)) carry_out(s, n, &out);
    sim_check(s, n);
    uint64_t d = kith_core_deadline(n->core);
    if (d < n->wake) {
        n->wake = d > s->now ? d : s->now;
        sim_push(s, sim_event(EV_WAKE, n->index, NULL, 0), n->wake);
    }
}

/* A deadline that has come must be gone after the tick, or after a few. */
void sim_tick(struct sim *s, struct node *n)
{
    struct kith_output out;
    for (int i = 0; i == 0 || kith_core_deadline(n->core) <= s->now; i++) {
        if (i == 100) {
            sim_violation(s, "the deadline of %s is in the past and stays there", n->name);
            break;
        }
        kith_core_tick(n->core, s->now);
        while (kith_core_poll(n->core, &out)) carry_out(s, n, &out);
    }
    sim_settle(s, n);
}

static void deliver_to_stream(struct sim *s, struct node *n, const struct event *e)
{
    struct stream *c = e->stream;
    uint32_t h = c->end[e->end].handle;
    if (!h) return;
    if (e->kind == EV_OPENED) {
        struct kith_peer peer = {.size = sizeof peer, .addr = &s->nodes[e->from]->addr};
        kith_core_stream_opened(n->core, s->now, h, &peer);
    }
    if (e->kind == EV_DATA) kith_core_stream_data(n->core, s->now, h, e->data, e->len);
    if (e->kind == EV_END) kith_core_stream_end(n->core, s->now, h);
    if (e->kind == EV_CLOSED) {
        sim_end_forgotten(s, c, e->end);
        kith_core_stream_closed(n->core, s->now, h, e->reason);
    }
}

void sim_deliver(struct sim *s, struct node *n, const struct event *e)
{
    if (e->kind == EV_PACKET) {
        struct kith_peer peer = {.size = sizeof peer, .addr = &s->nodes[e->from]->addr};
        kith_core_packet(n->core, s->now, s->now, &peer, e->data, e->len, e->len);
    } else if (e->kind == EV_ACCEPT) {
        sim_accept(s, n, e->stream);
    } else {
        deliver_to_stream(s, n, e);
    }
    sim_settle(s, n);
}

static void wake(struct sim *s, struct node *n)
{
    n->wake = UINT64_MAX;
    if (!n->core || n->paused) return;
    if (kith_core_deadline(n->core) <= s->now)
        sim_tick(s, n);
    else
        sim_settle(s, n);
}

enum { INBOX = 2000 };

/* True: it is over; false: it waits for the node, who is paused. */
static bool happen(struct sim *s, struct event *e)
{
    struct node *n = s->nodes[e->node];
    s->events++;
    trace(s, e->kind, e->node, e->data, e->len);
    if (e->kind == EV_WAKE) {
        wake(s, n);
    } else if (e->kind == EV_AGAIN) {
        sim_send_again(s, e->stream, e->end);
    } else if (n->core && n->paused) {
        if (n->inbox.count >= INBOX) return true; /* the socket's buffer is full */
        sim_list_add(&n->inbox, e);
        return false;
    } else if (n->core) {
        sim_deliver(s, n, e);
    } else if (e->kind == EV_ACCEPT) {
        sim_accept(s, n, e->stream);
    }
    return true;
}

bool sim_step(struct sim *s, uint64_t until)
{
    if (!s->heap_n || s->heap[0].at > until) {
        s->now = until;
        return false;
    }
    struct slot next = pop(s);
    s->now = next.at;
    if (happen(s, next.event)) sim_event_free(next.event);
    return true;
}

/* ----------------------------------------------------------------------------- a node's core */

static void write_log(void *ctx, enum kith_log_level level, const struct kith_addr *peer,
                      const char *fmt, va_list ap)
{
    struct node *n = ctx;
    if (!getenv("KITH_LOG")) return;
    printf("    %10.6f %s: ", (double)(n->sim->now - SIM_EPOCH) / 1e9, n->name);
    vprintf(fmt, ap);
    putchar('\n');
}

static struct kith_core_budget packet_budget(void *ctx, const struct kith_peer *to)
{
    return (struct kith_core_budget){SIM_BUDGET, "the simulator"};
}

void sim_up(struct sim *s, struct node *n)
{
    struct kith_core_config config = {.settings = lan_settings(n->name),
                                      .advertise = n->addr,
                                      .default_port = 7946,
                                      .wall = s->now,
                                      .headroom = 16,
                                      .tailroom = 16};
    if (s->tune) s->tune(&config.settings);
    struct kith_core_env env = {.ctx = n,
                                .log = write_log,
                                .packet_budget = packet_budget,
                                .delegate = &sim_delegate,
                                .delegate_self = n};
    struct kith_error err = {.size = sizeof err};
    n->life++;
    n->reaped = 0;
    n->known = 0;
    memset(n->seen, 0, (size_t)s->room * sizeof *n->seen);
    n->wake = UINT64_MAX;
    CU_ASSERT_EQUAL_FATAL(kith_core_new(&n->core, &config, &env, sim_random(s), s->now, &err), 0);
    CU_ASSERT_EQUAL_FATAL(kith_core_start(n->core, s->now, &err), 0);
    sim_settle(s, n);
}

void sim_down(struct sim *s, struct node *n)
{
    kith_core_free(n->core);
    n->core = NULL;
    n->paused = false;
    sim_list_free(&n->inbox);
}

static void *more(void *array, int had, int room, size_t size)
{
    char *p = realloc(array, (size_t)room * size);
    memset(p + (size_t)had * size, 0, (size_t)(room - had) * size);
    return p;
}

void sim_grow(struct sim *s)
{
    int had = s->room, room = had ? 2 * had : 8;
    if (s->n < had) return;
    s->room = room;
    s->nodes = more(s->nodes, had, room, sizeof(struct node *));
    s->names = more(s->names, had, room, sizeof *s->names);
    s->touched = more(s->touched, had, room, sizeof *s->touched);
    s->told = more(s->told, had, room, sizeof *s->told);
    s->looked = more(s->looked, had, room, sizeof *s->looked);
    for (int i = 0; i < room; i++) s->names[i] = -1;
    for (int i = 0; i < s->n; i++) {
        s->nodes[i]->seen = more(s->nodes[i]->seen, had, room, sizeof(uint32_t));
        sim_name_add(s, s->nodes[i]);
    }
}
