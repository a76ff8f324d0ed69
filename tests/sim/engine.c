/*
 * engine.c - time, the network, and cores in it: takes the next event, lets it happen, carries out
 * what the core wants. Knows the core by core.h alone.
 */
#include "engine.h"

#include <math.h>

/* ------------------------------------------------------------------------------------ chance */

uint64_t sim_random(struct sim *s)
{
    uint64_t z = s->rng += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}

static double uniform(struct sim *s) { return (double)(sim_random(s) >> 11) / 9007199254740992.0; }
static bool chance(struct sim *s, double p) { return p > 0 && uniform(s) < p; }

static uint64_t delay(struct sim *s)
{
    uint64_t d = s->delay_min + (uint64_t)(-log(1 - uniform(s)) * (double)s->delay_mean);
    if (chance(s, s->reorder)) d += sim_random(s) % (s->reorder_late + 1);
    return d;
}

static void mix(struct sim *s, const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        s->trace = (s->trace ^ ((const uint8_t *)data)[i]) * 0x100000001B3ull;
}

static void trace(struct sim *s, unsigned what, int node, const void *data, size_t len)
{
    uint64_t head[4] = {s->now, what, (uint64_t)node, len};
    mix(s, head, sizeof head);
    mix(s, data, len);
}

void sim_violation(struct sim *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (s->violations++ < 5) {
        printf("\n    seed %llu, at %.6f s: ", (unsigned long long)s->seed,
               (double)(s->now - SIM_EPOCH) / 1e9);
        vprintf(fmt, ap);
        CU_FAIL("what must always hold does not");
    }
    va_end(ap);
}

/* --------------------------------------------------------------------------------- the queue */

static bool before(const struct event *a, const struct event *b)
{
    if (a->at != b->at) return a->at < b->at;
    if ((a->kind == EV_WAKE) != (b->kind == EV_WAKE)) return b->kind == EV_WAKE;
    return a->order < b->order;
}

static void swap(struct event *a, struct event *b)
{
    struct event t = *a;
    *a = *b;
    *b = t;
}

static void push(struct sim *s, struct event e)
{
    if (s->heap_n == s->heap_cap) {
        s->heap_cap = s->heap_cap ? 2 * s->heap_cap : 256;
        s->heap = realloc(s->heap, s->heap_cap * sizeof *s->heap);
    }
    e.order = s->order++;
    size_t i = s->heap_n++;
    s->heap[i] = e;
    for (; i && before(&s->heap[i], &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&s->heap[i], &s->heap[(i - 1) / 2]);
}

static struct event pop(struct sim *s)
{
    struct event top = s->heap[0];
    s->heap[0] = s->heap[--s->heap_n];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < s->heap_n; c++)
            if (before(&s->heap[c], &s->heap[least])) least = c;
        if (least == i) return top;
        swap(&s->heap[i], &s->heap[least]);
        i = least;
    }
}

static uint8_t *copy(const void *data, size_t len)
{
    uint8_t *p = malloc(len ? len : 1);
    if (len) memcpy(p, data, len);
    return p;
}

/* --------------------------------------------------------------------- what must always hold */

static int by_name(const struct sim *s, struct kith_bytes name)
{
    int guess = atoi((const char *)name.data + 1); /* most are n<number> */
    if (name.len > 1 && name.data[0] == 'n' && guess < s->n &&
        strcmp(s->nodes[guess].name, (const char *)name.data) == 0)
        return guess;
    for (int i = 0; i < s->n; i++)
        if (strlen(s->nodes[i].name) == name.len &&
            memcmp(s->nodes[i].name, name.data, name.len) == 0)
            return i;
    return -1;
}

static void reaped(void *arg, const struct kith_stat *st)
{
    if (strcmp(st->name, "members_reaped") == 0) *(double *)arg = st->value;
}

/* One packet may do both: end a round, which forgets names, and bring one of them back. */
static bool met_anew(struct node *n, int k)
{
    double before = n->reaped;
    kith_core_stats(n->core, reaped, &n->reaped);
    return n->joined[k] && n->reaped > before;
}

struct look {
    struct sim *sim;
    struct node *node;
    bool known[SIM_MAX];
};

static bool look_at(void *arg, const struct kith_member *m)
{
    struct look *look = arg;
    struct sim *s = look->sim;
    struct node *n = look->node;
    int k = by_name(s, m->name);
    if (k < 0) {
        sim_violation(s, "%s knows somebody who does not exist", n->name);
        return true;
    }
    if (look->known[k]) sim_violation(s, "%s knows %s twice", n->name, s->nodes[k].name);
    look->known[k] = true;
    if (m->incarnation < n->seen[k] && !met_anew(n, k))
        sim_violation(s, "%s knew %s at incarnation %u, now at %u", n->name, s->nodes[k].name,
                      n->seen[k], m->incarnation);
    n->seen[k] = m->incarnation;
    return true;
}

/* What is known of a member's incarnation only rises, until the name is forgotten. */
static void check_incarnations(struct sim *s, struct node *n)
{
    struct look look = {.sim = s, .node = n};
    uint64_t cursor = 0;
    size_t size = kith_core_size(n->core), seen = 0;
    if (size > (size_t)s->n) sim_violation(s, "%s knows %zu names", n->name, size);
    while (cursor != UINT64_MAX) seen += kith_core_visit(n->core, &cursor, 7, look_at, &look);
    if (seen != size) sim_violation(s, "%s shows %zu of %zu names", n->name, seen, size);
    for (int k = 0; k < s->n; k++)
        if (!look.known[k]) n->seen[k] = 0;
    memset(n->joined, 0, sizeof n->joined);
}

/* ------------------------------------------------------------------------------ the delegate */

static int d_node_meta(void *self, uint8_t *out, size_t cap)
{
    struct node *n = self;
    memcpy(out, n->meta, strlen(n->meta));
    return (int)strlen(n->meta);
}

static void check_peer(struct node *n, const struct kith_message *m)
{
    for (int i = 0; i < n->sim->n; i++)
        if (kith_addr_equal(&n->sim->nodes[i].addr, m->peer->addr)) return;
    sim_violation(n->sim, "%s was handed something by nobody", n->name);
}

static void d_message(void *self, const struct kith_message *m)
{
    check_peer(self, m);
    ((struct node *)self)->counts.messages++;
}

static void d_local_state(void *self, bool join, const struct kith_sink *sink)
{
    struct node *n = self;
    sink->write(sink, kith_text(n->state));
}

static void d_remote_state(void *self, const struct kith_message *m)
{
    struct node *n = self;
    check_peer(n, m);
    n->counts.states++;
    if (m->bytes.len < 7 || memcmp(m->bytes.data, "state n", 7))
        sim_violation(n->sim, "%s got a broken user state", n->name);
}

static void on_join(struct node *n, const struct kith_member *m)
{
    int k = by_name(n->sim, m->name);
    n->counts.joins++;
    if (k >= 0) n->joined[k] = true;
}

static void on_leave(struct node *n, const struct kith_member *m)
{
    n->counts.leaves++;
    if (n->sim->perfect && m->state == KITH_DEAD)
        sim_violation(n->sim, "%s took %s for dead for no reason", n->name,
                      (const char *)m->name.data);
}

static void on_suspect(struct node *n, const struct kith_member *m)
{
    if (m->state != KITH_SUSPECT) return;
    n->counts.suspicions++;
    if (m->accuser.len == strlen(n->name) && memcmp(m->accuser.data, n->name, m->accuser.len) == 0)
        n->counts.accusations++;
    if (n->sim->perfect)
        sim_violation(n->sim, "%s suspects %s for no reason", n->name, (const char *)m->name.data);
}

static void d_event(void *self, const struct kith_event *e)
{
    struct node *n = self;
    switch (e->kind) {
    case KITH_EVENT_JOIN: on_join(n, e->member); break;
    case KITH_EVENT_LEAVE: on_leave(n, e->member); break;
    case KITH_EVENT_UPDATE: n->counts.updates++; break;
    case KITH_EVENT_SUSPECT: on_suspect(n, e->member); break;
    case KITH_EVENT_CONFLICT: n->counts.conflicts++; break;
    default: break;
    }
}

static const struct kith_delegate_ops sim_delegate = {
    .size = sizeof sim_delegate,
    .event = d_event,
    .message = d_message,
    .remote_state = d_remote_state,
    .node_meta = d_node_meta,
    .local_state = d_local_state,
};

/* ------------------------------------------------------------------------------- the network */

enum { BUDGET = 1400, INBOX = 2000 };

static int at_addr(const struct sim *s, const struct kith_addr *a)
{
    for (int i = 0; i < s->n; i++)
        if (kith_addr_equal(&s->nodes[i].addr, a)) return i;
    return -1;
}

static void send_packet(struct sim *s, struct node *n, const struct kith_addr *to,
                        const uint8_t *data, size_t len)
{
    if (len > BUDGET) sim_violation(s, "%s sends a packet of %zu bytes", n->name, len);
    int k = at_addr(s, to);
    if (k < 0) sim_violation(s, "%s sends to an address that nobody has", n->name);
    if (k < 0 || s->cut[n->index][k] || chance(s, s->loss[n->index][k])) return;
    for (int copies = chance(s, s->duplicate) ? 2 : 1; copies; copies--)
        push(s, (struct event){.at = s->now + delay(s),
                               .kind = EV_PACKET,
                               .node = k,
                               .from = n->addr,
                               .data = copy(data, len),
                               .len = len});
}

static struct conn *find_conn(struct sim *s, const struct node *n, uint32_t handle, int *end)
{
    for (int i = 0; i < s->conns_n; i++)
        for (*end = 0; *end < 2; ++*end)
            if (s->conns[i].used && s->conns[i].end[*end].handle == handle &&
                s->conns[i].end[*end].node == n->index && s->conns[i].end[*end].life == n->life)
                return &s->conns[i];
    return NULL;
}

/* Something goes to the other end of a stream, behind all that went before. Lost packets only cost
 * time. */
static void stream_event(struct sim *s, struct conn *c, int to_end, struct event e)
{
    int from = c->end[!to_end].node, to = c->end[to_end].node;
    if (s->cut[from][to]) {
        free(e.data);
        return; /* retransmitted for ever; whoever waits has a deadline */
    }
    e.at = s->now + delay(s);
    while (chance(s, s->loss[from][to])) e.at += 200 * MS;
    if (e.at < c->end[!to_end].busy) e.at = c->end[!to_end].busy;
    c->end[!to_end].busy = e.at;
    e.node = to;
    e.conn = (int)(c - s->conns);
    e.end = to_end;
    push(s, e);
}

static void dial(struct sim *s, struct node *n, const struct kith_output *out)
{
    int i = 0, to = at_addr(s, out->peer.addr);
    for (; i < s->conns_n && s->conns[i].used; i++) {}
    if (i == s->conns_n) {
        s->conns = realloc(s->conns, (size_t)(i + 1) * sizeof *s->conns);
        s->conns_n++;
    }
    struct conn *c = &s->conns[i];
    *c = (struct conn){.used = true};
    c->end[0].node = n->index;
    c->end[0].life = n->life;
    c->end[0].handle = out->stream;
    c->end[1].node = to < 0 ? n->index : to;
    if (to < 0 || s->cut[n->index][to] || s->cut[to][n->index])
        push(s, (struct event){.at = s->now + 10 * SEC,
                               .kind = EV_CLOSED,
                               .node = n->index,
                               .conn = i,
                               .reason = -KITH_ETIMEOUT});
    else
        stream_event(s, c, 1, (struct event){.kind = EV_ACCEPT, .from = n->addr});
}

static void stream_write(struct sim *s, struct node *n, const struct kith_output *out)
{
    int end;
    struct conn *c = find_conn(s, n, out->stream, &end);
    if (!c || c->end[end].finished) {
        sim_violation(s, "%s writes to a stream that is not open", n->name);
        return;
    }
    for (size_t at = 0, piece; at < out->bytes.len; at += piece) {
        bool small = chance(s, 0.2);
        piece = 1 + sim_random(s) % (small ? 20 : 5000);
        if (piece > out->bytes.len - at) piece = out->bytes.len - at;
        stream_event(s, c, !end,
                     (struct event){
                         .kind = EV_DATA, .data = copy(out->bytes.data + at, piece), .len = piece});
    }
    if (!out->last) return;
    c->end[end].finished = true;
    stream_event(s, c, !end, (struct event){.kind = EV_END});
}

void sim_forget_end(struct sim *s, struct conn *c, int end, bool orderly)
{
    c->end[end].handle = 0;
    if (c->end[!end].handle || !c->end[!end].life) {
        if (!orderly)
            stream_event(s, c, !end, (struct event){.kind = EV_CLOSED, .reason = -KITH_ECLOSED});
        else if (!c->end[end].finished)
            stream_event(s, c, !end, (struct event){.kind = EV_END});
        c->end[end].finished = true;
    }
}

/* ---------------------------------------------------------------------------- running a core */

static void request_done(struct sim *s, struct node *n, const struct kith_output *out)
{
    for (int i = 0; i < s->requests_n; i++) {
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
    int end;
    struct conn *c;
    trace(s, 100 + out->kind, n->index, &out->status, sizeof out->status);
    switch (out->kind) {
    case KITH_OUT_PACKET:
        trace(s, 200, n->index, out->buf->data, out->buf->len);
        send_packet(s, n, out->peer.addr, out->buf->data, out->buf->len);
        memset(out->buf->data, 0xA5, out->buf->len);
        break;
    case KITH_OUT_DIAL: dial(s, n, out); break;
    case KITH_OUT_WRITE: stream_write(s, n, out); break;
    case KITH_OUT_CLOSE:
    case KITH_OUT_RESET:
        c = find_conn(s, n, out->stream, &end);
        if (!c)
            sim_violation(s, "%s closes a stream that it has not", n->name);
        else
            sim_forget_end(s, c, end, out->kind == KITH_OUT_CLOSE);
        break;
    case KITH_OUT_DONE: request_done(s, n, out); break;
    case KITH_OUT_GONE:
        if (at_addr(s, out->peer.addr) < 0) sim_violation(s, "%s lost nobody", n->name);
        break;
    }
}

/* After anything that happened to a node. */
void sim_settle(struct sim *s, struct node *n)
{
    struct kith_output out;
    while (kith_core_poll(n->core, &out)) carry_out(s, n, &out);
    check_incarnations(s, n);
    uint64_t d = kith_core_deadline(n->core);
    if (d < n->wake) {
        n->wake = d > s->now ? d : s->now;
        push(s, (struct event){.at = n->wake, .kind = EV_WAKE, .node = n->index});
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

static void stream_accept(struct sim *s, struct node *n, const struct event *e)
{
    struct conn *c = &s->conns[e->conn];
    struct kith_peer from = {.size = sizeof from, .addr = &e->from};
    uint32_t handle = n->core ? kith_core_stream_accepted(n->core, s->now, &from) : 0;
    if (!handle) {
        stream_event(s, c, 0, (struct event){.kind = EV_CLOSED, .reason = -KITH_EREFUSED});
        return;
    }
    c->end[1].life = n->life;
    c->end[1].handle = handle;
    stream_event(s, c, 0, (struct event){.kind = EV_OPENED});
}

void sim_deliver(struct sim *s, struct node *n, const struct event *e)
{
    struct kith_peer peer = {.size = sizeof peer, .addr = &e->from};
    if (e->kind == EV_PACKET) {
        kith_core_packet(n->core, s->now, s->now, &peer, e->data, e->len);
    } else if (e->kind == EV_ACCEPT) {
        stream_accept(s, n, e);
    } else {
        struct conn *c = &s->conns[e->conn];
        uint32_t h = c->end[e->end].handle;
        if (!h || c->end[e->end].life != n->life) return;
        if (e->kind == EV_OPENED) {
            peer.addr = &s->nodes[c->end[!e->end].node].addr;
            kith_core_stream_opened(n->core, s->now, h, &peer);
        }
        if (e->kind == EV_DATA) kith_core_stream_data(n->core, s->now, h, e->data, e->len);
        if (e->kind == EV_END) kith_core_stream_end(n->core, s->now, h);
        if (e->kind == EV_CLOSED) {
            c->end[e->end].handle = 0;
            kith_core_stream_closed(n->core, s->now, h, e->reason);
        }
    }
    sim_settle(s, n);
}

static void happen(struct sim *s, struct event *e)
{
    struct node *n = &s->nodes[e->node];
    s->events++;
    trace(s, e->kind, e->node, e->data, e->len);
    if (e->kind == EV_WAKE) {
        n->wake = UINT64_MAX;
        if (!n->core || n->paused) return;
        if (kith_core_deadline(n->core) <= s->now)
            sim_tick(s, n);
        else
            sim_settle(s, n);
    } else if (n->core && n->paused) {
        if (n->inbox_n >= INBOX) return; /* the socket's buffer is full */
        if (n->inbox_n == n->inbox_cap) {
            n->inbox_cap = n->inbox_cap ? 2 * n->inbox_cap : 64;
            n->inbox = realloc(n->inbox, n->inbox_cap * sizeof *n->inbox);
        }
        n->inbox[n->inbox_n++] = *e;
        e->data = NULL;
    } else if (n->core) {
        sim_deliver(s, n, e);
    } else if (e->kind == EV_ACCEPT) {
        stream_accept(s, n, e);
    }
}

/* Reuse a stream that both ends have forgotten, with nothing of it under way. */
static void sweep(struct sim *s)
{
    for (int i = 0; i < s->conns_n; i++) {
        struct conn *c = &s->conns[i];
        if (!c->used || c->end[0].handle || c->end[1].handle) continue;
        bool under_way = false;
        for (size_t k = 0; k < s->heap_n && !under_way; k++)
            under_way = s->heap[k].kind >= EV_ACCEPT && s->heap[k].kind <= EV_CLOSED &&
                        s->heap[k].conn == i;
        for (int k = 0; k < s->n; k++) under_way |= s->nodes[k].inbox_n > 0;
        c->used = under_way;
    }
}

bool sim_step(struct sim *s, uint64_t until)
{
    if (!s->heap_n || s->heap[0].at > until) {
        s->now = until;
        return false;
    }
    struct event e = pop(s);
    s->now = e.at;
    happen(s, &e);
    free(e.data);
    if (s->events % 1024 == 0) sweep(s);
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
    return (struct kith_core_budget){BUDGET, "the simulator"};
}

void sim_up(struct sim *s, struct node *n)
{
    struct kith_core_config config = {.settings = lan_settings(n->name),
                                      .advertise = n->addr,
                                      .default_port = 7946,
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
    n->wake = UINT64_MAX;
    CU_ASSERT_EQUAL_FATAL(kith_core_new(&n->core, &config, &env, sim_random(s), s->now, &err), 0);
    CU_ASSERT_EQUAL_FATAL(kith_core_start(n->core, s->now, &err), 0);
    sim_settle(s, n);
}
