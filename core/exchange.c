/*
 * exchange.c - the slots of exchanges: taken, filled, ended.
 *
 * Nothing is allocated because a length on the wire says so: a buffer grows with the bytes that are
 * there. What an end needs is allocated at the beginning, so that ending never fails.
 */
#include "exchange.h"
#include "completion.h"
#include "peer.h"
#include "state.h"

#include <stdlib.h>

enum {
    FIRST_BUFFER = 512,
    OPEN_MAX = 0xfff0 /* a handle has 16 bits for the slot */
};

uint32_t kith_exchange_handle(const struct kith_exchange *s)
{
    return (uint32_t)s->generation << 16 | (s->index + 1u);
}

struct kith_exchange *kith_exchange_find(struct kith_core *c, uint32_t handle)
{
    uint32_t index = (handle & 0xffff) - 1u;
    struct kith_exchange *s = index < c->exchanges.cap ? c->exchanges.table[index] : NULL;
    return s && s->kind && s->generation == handle >> 16 ? s : NULL;
}

static void timed_out(struct kith_core *c, struct kith_alarm *alarm)
{
    kith_exchange_refuse(c, KITH_OF(alarm, struct kith_exchange, alarm), KITH_DROP_STREAM_TIMEOUT,
                         -KITH_ETIMEOUT);
}

/* ------------------------------------------------------------------------------- beginning */

static struct kith_exchange *new_slot(struct kith_core *c)
{
    struct kith_exchanges *t = &c->exchanges;
    struct kith_exchange **table = realloc(t->table, (t->cap + 1u) * sizeof *table);
    if (!table) return NULL;
    t->table = table;
    struct kith_exchange *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    if (kith_alarms_reserve(&c->alarms, 1) < 0) {
        free(s);
        return NULL;
    }
    s->alarm.fire = timed_out;
    s->index = (uint16_t)t->cap;
    s->generation = 1;
    table[t->cap++] = s;
    return s;
}

static struct kith_exchange *take_slot(struct kith_core *c)
{
    struct kith_exchange *s = c->exchanges.free_list;
    if (!s) return new_slot(c);
    c->exchanges.free_list = s->next_free;
    return s;
}

static struct kith_exchange *begin(struct kith_core *c, enum kith_exchange_kind kind,
                                   const struct kith_peer *peer, uint64_t deadline)
{
    struct kith_exchanges *t = &c->exchanges;
    uint32_t max = c->set.max_streams;
    if (kind == KITH_EXCHANGE_INBOUND)
        max -= max / 16; /* reserve 1/16 of the slots for streams that we open */
    if (t->open >= max || t->open >= OPEN_MAX) {
        kith_count_drop(c, KITH_DROP_MAX_STREAMS);
        return NULL;
    }
    struct kith_item *closing = kith_item_new(&c->items);
    struct kith_exchange *s = closing ? take_slot(c) : NULL;
    if (!s) {
        kith_item_drop(&c->items, closing);
        kith_count_drop(c, KITH_DROP_NO_MEMORY);
        return NULL;
    }
    t->open++;
    s->closing = closing;
    s->kind = (uint8_t)kind;
    s->phase = kind == KITH_EXCHANGE_INBOUND ? KITH_PHASE_TYPE : KITH_PHASE_DIAL;
    s->begun = c->now;
    kith_addr_copy(&s->to, peer->addr);
    kith_alarm_set(&c->alarms, &s->alarm, deadline);
    return s;
}

bool kith_exchange_identify(struct kith_exchange *s, const struct kith_peer *peer)
{
    struct kith_bytes identity = peer->identity;
    if (identity.len > KITH_IDENTITY_LIMIT) return false;
    s->provides = peer->provides;
    if (peer->protocol_max) s->protocol_max = peer->protocol_max;
    s->identity_len = (uint8_t)identity.len;
    if (identity.len) memcpy(s->identity, identity.data, identity.len);
    return true;
}

struct kith_peer kith_exchange_peer(const struct kith_exchange *s)
{
    struct kith_peer peer = kith_peer_of(&s->to, kith_bytes_of(s->name, s->name_len), 0);
    peer.provides = s->provides;
    peer.protocol_max = s->protocol_max;
    peer.identity = kith_bytes_of(s->identity, s->identity_len);
    return peer;
}

struct kith_exchange *kith_exchange_accept(struct kith_core *c, const struct kith_peer *from)
{
    if (from->identity.len > KITH_IDENTITY_LIMIT) {
        kith_count_drop(c, KITH_DROP_BAD_IDENTITY);
        return NULL;
    }
    struct kith_exchange *s =
        begin(c, KITH_EXCHANGE_INBOUND, from, kith_later(c->now, c->set.tcp_timeout));
    if (!s) return NULL;
    kith_exchange_identify(s, from);
    kith_count(c, KITH_COUNT_STREAMS_ACCEPTED);
    return s;
}

struct kith_exchange *kith_exchange_dial(struct kith_core *c, enum kith_exchange_kind kind,
                                         const struct kith_peer *to, uint64_t deadline,
                                         kith_exchange_ended_fn *ended)
{
    if (c->set.require_node_names && to->name.len == 0) {
        kith_count_drop(c, KITH_DROP_NO_NODE_NAME);
        return NULL;
    }
    struct kith_item *item = kith_item_new(&c->items);
    struct kith_exchange *s = item ? begin(c, kind, to, deadline) : NULL;
    if (!s) {
        kith_item_drop(&c->items, item);
        return NULL;
    }
    s->ended = ended;
    s->protocol_max = to->protocol_max;
    s->name_len = (uint8_t)to->name.len;
    if (s->name_len) memcpy(s->name, to->name.data, s->name_len);
    item->out.kind = KITH_OUT_DIAL;
    item->out.stream = kith_exchange_handle(s);
    kith_item_peer(item, to);
    kith_items_push(&c->items, item);
    kith_count(c, KITH_COUNT_STREAMS_DIALED);
    return s;
}

/* ---------------------------------------------------------------------------- what is read */

/* Room for `len` bytes in all, within the memory that all streams share. */
static bool grow(struct kith_core *c, struct kith_exchange *s, size_t len, uint64_t limit)
{
    struct kith_exchanges *t = &c->exchanges;
    size_t cap = s->cap ? s->cap : FIRST_BUFFER;
    while (cap < len) cap *= 2;
    if (cap > limit) cap = (size_t)limit;
    if (t->memory - s->cap + cap > c->set.max_stream_memory) return false;
    uint8_t *more = realloc(s->data, cap);
    if (!more) return false;
    t->memory += cap - s->cap;
    s->data = more;
    s->cap = cap;
    return true;
}

size_t kith_exchange_most(const struct kith_core *c)
{
    uint64_t most = c->set.max_stream_size;
    return most > KITH_EXCHANGE_SLACK ? (size_t)(most - KITH_EXCHANGE_SLACK) : 0;
}

bool kith_exchange_gather(struct kith_core *c, struct kith_exchange *s, const uint8_t *data,
                          size_t len)
{
    uint64_t limit = c->set.max_stream_size + KITH_EXCHANGE_SLACK;
    if (len > limit - s->len) {
        kith_exchange_refuse(c, s, KITH_DROP_MAX_STREAM_SIZE, -KITH_ETOOBIG);
        return false;
    }
    if (s->len + len > s->cap && !grow(c, s, s->len + len, limit)) {
        kith_exchange_refuse(c, s, KITH_DROP_MAX_STREAM_MEMORY, -KITH_ENOMEM);
        return false;
    }
    memcpy(s->data + s->len, data, len);
    s->len += len;
    return true;
}

/* ------------------------------------------------------------------------- what is written */

void kith_exchange_write(struct kith_core *c, struct kith_exchange *s, uint8_t *owned, size_t len,
                         bool last)
{
    struct kith_item *item = owned ? kith_item_new(&c->items) : NULL;
    if (!item) {
        free(owned);
        kith_count_drop(c, KITH_DROP_NO_MEMORY);
        return;
    }
    item->bytes = owned;
    item->out.kind = KITH_OUT_WRITE;
    item->out.stream = kith_exchange_handle(s);
    item->out.bytes = kith_bytes_of(owned, len);
    item->out.last = last;
    kith_items_push(&c->items, item);
    c->counters.counts[KITH_COUNT_STREAM_BYTES_SENT] += len;
}

void kith_exchange_write_message(struct kith_core *c, struct kith_exchange *s,
                                 const struct kith_msg *msg, bool last)
{
    size_t cap = kith_wire_size((enum kith_body)msg->type, msg) + 1;
    struct kith_buf buf = {0};
    buf.base = buf.data = malloc(cap);
    buf.cap = cap;
    if (buf.base && kith_wire_write_message(&buf, msg) < 0)
        assert(!"wire_size and wire_write agree");
    kith_exchange_write(c, s, buf.base, buf.len, last);
}

int kith_exchange_prepare(struct kith_core *c, struct kith_exchange *s, uint8_t *owned, size_t len)
{
    if (c->exchanges.memory + len > c->set.max_stream_memory) {
        free(owned);
        return -KITH_EAGAIN;
    }
    s->out = owned;
    s->out_len = len;
    c->exchanges.memory += len;
    return 0;
}

void kith_exchange_write_prepared(struct kith_core *c, struct kith_exchange *s)
{
    uint8_t *owned = s->out;
    size_t len = s->out_len;
    s->out = NULL;
    s->out_len = 0;
    c->exchanges.memory -= len;
    kith_exchange_write(c, s, owned, len, true);
}

/* ------------------------------------------------------------------------------- the end */

static void release(struct kith_core *c, struct kith_exchange *s)
{
    struct kith_exchanges *t = &c->exchanges;
    uint16_t index = s->index, generation = (uint16_t)(s->generation + 1);
    kith_alarm_clear(&c->alarms, &s->alarm);
    if (s->push_pull) t->push_pulls--;
    t->memory -= s->cap + s->out_len;
    t->open--;
    free(s->data);
    free(s->out);
    memset(s, 0, sizeof *s);
    s->alarm.fire = timed_out;
    s->index = index;
    s->generation = generation ? generation : 1;
    s->next_free = t->free_list;
    t->free_list = s;
}

/* For whoever waits for it. */
static void end_requests(struct kith_core *c, struct kith_exchange *s, int status, uint64_t value)
{
    if (s->ended) s->ended(c, s, status);
    if (s->request) kith_request_done(c, s->request, status, value);
    s->request = NULL;
}

void kith_exchange_finish(struct kith_core *c, struct kith_exchange *s, int status, uint64_t value)
{
    bool reset = status == -KITH_ETIMEOUT || (status < 0 && s->kind != KITH_EXCHANGE_INBOUND);
    struct kith_item *closing = s->closing;
    s->closing = NULL;
    closing->out.kind = reset ? KITH_OUT_RESET : KITH_OUT_CLOSE;
    closing->out.stream = kith_exchange_handle(s);
    kith_items_push(&c->items, closing);
    end_requests(c, s, status, value);
    release(c, s);
}

void kith_exchange_refuse(struct kith_core *c, struct kith_exchange *s, enum kith_drop why,
                          int status)
{
    kith_count_drop(c, why);
    kith_exchange_finish(c, s, status, 0);
}

void kith_exchange_lost(struct kith_core *c, struct kith_exchange *s, int status)
{
    kith_item_drop(&c->items, s->closing);
    s->closing = NULL;
    end_requests(c, s, status, 0);
    release(c, s);
}

void kith_exchanges_fini(struct kith_core *c)
{
    struct kith_exchanges *t = &c->exchanges;
    for (uint32_t i = 0; i < t->cap; i++) {
        struct kith_exchange *s = t->table[i];
        if (s->kind) {
            s->ended = NULL;
            kith_exchange_lost(c, s, -KITH_ECLOSED);
        }
        free(s);
    }
    free(t->table);
    memset(t, 0, sizeof *t);
}
