/*
 * exchange.c - the slots of exchanges: taken, filled, ended.
 *
 * Nothing is allocated because a length on the wire says so: a buffer grows with the bytes that are
 * there. What an end needs is allocated at the beginning, so that ending never fails.
 */
#include "exchange.h"
#include "cause.h"
#include "completion.h"
#include "core_log.h"
#include "crowd.h"
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
    struct kith_exchange *s = KITH_OF(alarm, struct kith_exchange, alarm);
    if (s->phase != KITH_PHASE_LINGER)
        kith_exchange_refuse(c, s, s->waits ? KITH_DROP_MAX_PUSH_PULLS : KITH_DROP_STREAM_TIMEOUT,
                             -KITH_ETIMEOUT);
    else if (!kith_exchange_break(c, s, -KITH_ETIMEOUT)) /* no memory: later */
        kith_alarm_set(&c->alarms, alarm, kith_later(c->now, c->set.tcp_timeout));
}

/* ------------------------------------------------------------------------------- beginning */

static struct kith_exchange *new_slot(struct kith_core *c)
{
    struct kith_exchanges *t = &c->exchanges;
    struct kith_exchange **table = realloc(t->table, (t->cap + 1u) * sizeof *table);
    if (!table) return NULL;
    t->table = table;
    struct kith_source *sources = realloc(t->sources, (t->cap + 1u) * sizeof *sources);
    if (!sources) return NULL;
    t->sources = sources;
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
    bool full = kind != KITH_EXCHANGE_INBOUND && t->open >= c->set.max_streams;
    if (full || t->open >= OPEN_MAX) {
        struct kith_exchange none = {.kind = (uint8_t)kind};
        kith_addr_copy(&none.to, peer->addr);
        kith_exchange_say(c, &none, KITH_DROP_MAX_STREAMS);
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
    s->begun = s->heard = c->now;
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
    kith_crowd_enter(c, s);
    if (kith_crowd_many(c, s)) {
        struct kith_exchange *goes = kith_crowd_goes(c, s, false);
        if (!goes || !kith_exchange_evict(c, goes, KITH_DROP_MAX_STREAMS)) {
            kith_exchange_say(c, s, KITH_DROP_MAX_STREAMS);
            kith_exchange_lost(c, s, -KITH_EAGAIN);
            return NULL;
        }
    }
    kith_exchange_identify(s, from);
    kith_count(c, KITH_COUNT_STREAMS_ACCEPTED);
    return s;
}

static void count_push_pull(struct kith_core *c, struct kith_exchange *s, bool on)
{
    if (s->push_pull == on) return;
    s->push_pull = on;
    c->exchanges.push_pulls += on ? 1u : -1u;
    if (s->stranger) c->exchanges.stranger_pulls += on ? 1u : -1u;
}

static void wait(struct kith_core *c, struct kith_exchange *s, bool on)
{
    if (s->waits == on) return;
    s->waits = on;
    c->exchanges.waiting += on ? 1u : -1u;
}

bool kith_exchange_count_push_pull(struct kith_core *c, struct kith_exchange *s)
{
    wait(c, s, false);
    count_push_pull(c, s, true);
    if (!kith_crowd_many_push_pulls(c, s)) return true;
    struct kith_exchange *goes = kith_crowd_goes(c, s, true);
    if (goes && kith_exchange_evict(c, goes, KITH_DROP_MAX_PUSH_PULLS)) return true;
    count_push_pull(c, s, false);
    wait(c, s, true);
    return false;
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
    size_t cap = s->cap ? s->cap : FIRST_BUFFER;
    while (cap < len) cap *= 2;
    if (cap > limit) cap = (size_t)limit;
    if (!kith_account_grow(c->memory, s->stranger, s->cap, cap)) return false;
    uint8_t *more = realloc(s->cap ? s->data : NULL, cap);
    if (!more) {
        kith_account_give(c->memory, s->stranger, cap - s->cap);
        return false;
    }
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
    if (!s->len && !s->cap) { /* often it is all that comes: then it need not be copied */
        s->data = (uint8_t *)(uintptr_t)data;
        s->len = len;
        return true;
    }
    if (s->len + len > s->cap && !grow(c, s, s->len + len, limit)) {
        kith_exchange_refuse(c, s, KITH_DROP_MAX_STREAM_MEMORY, -KITH_ENOMEM);
        return false;
    }
    memcpy(s->data + s->len, data, len);
    s->len += len;
    return true;
}

void kith_exchange_keep(struct kith_core *c, struct kith_exchange *s)
{
    const uint8_t *lent = s->data;
    if (s->cap || !s->len) return;
    if (!grow(c, s, s->len, c->set.max_stream_size + KITH_EXCHANGE_SLACK))
        kith_exchange_refuse(c, s, KITH_DROP_MAX_STREAM_MEMORY, -KITH_ENOMEM);
    else
        memcpy(s->data, lent, s->len);
}

void kith_exchange_forget(struct kith_core *c, struct kith_exchange *s)
{
    if (s->cap) free(s->data);
    kith_account_give(c->memory, s->stranger, s->cap);
    s->data = NULL;
    s->len = s->cap = 0;
}

/* ------------------------------------------------------------------------- what is written */

void kith_exchange_write(struct kith_core *c, struct kith_exchange *s, struct kith_buf *owned,
                         uint64_t charged, bool last)
{
    struct kith_item *item = owned->base ? kith_item_new(&c->items) : NULL;
    if (!item) {
        free(owned->base);
        kith_account_give(c->memory, false, charged);
        kith_count_drop(c, KITH_DROP_NO_MEMORY);
        return;
    }
    item->bytes = owned->base;
    item->charged = charged;
    item->out.kind = KITH_OUT_WRITE;
    item->out.stream = kith_exchange_handle(s);
    item->out.bytes = kith_bytes_of(owned->data, owned->len);
    item->out.last = last;
    kith_items_push(&c->items, item);
    c->counters.counts[KITH_COUNT_STREAM_BYTES_SENT] += owned->len;
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
    kith_exchange_write(c, s, &buf, 0, last);
}

int kith_exchange_prepare(struct kith_core *c, struct kith_exchange *s, uint8_t *owned, size_t len)
{
    if (!kith_account_grow(c->memory, false, 0, len)) {
        free(owned);
        return -KITH_EAGAIN;
    }
    s->out = owned;
    s->out_len = len;
    return 0;
}

void kith_exchange_write_prepared(struct kith_core *c, struct kith_exchange *s)
{
    struct kith_buf buf = {.base = s->out, .data = s->out, .len = s->out_len, .cap = s->out_len};
    s->out = NULL;
    s->out_len = 0;
    kith_exchange_write(c, s, &buf, buf.len, true);
}

void kith_exchange_owe(struct kith_core *c, struct kith_exchange *s)
{
    struct kith_exchange **at = &c->exchanges.owing;
    while (*at) at = &(*at)->owes_after;
    *at = s;
    s->owes = true;
}

void kith_exchange_owe_no_more(struct kith_core *c, struct kith_exchange *s)
{
    struct kith_exchange **at = &c->exchanges.owing;
    if (!s->owes) return;
    while (*at != s) at = &(*at)->owes_after;
    *at = s->owes_after;
    s->owes_after = NULL;
    s->owes = false;
}

/* ------------------------------------------------------------------------------- the end */

/* What it holds but the slot. */
static void give_back(struct kith_core *c, struct kith_exchange *s)
{
    wait(c, s, false);
    s->whole = false;
    kith_exchange_owe_no_more(c, s);
    kith_exchange_forget(c, s);
    free(s->out);
    kith_account_give(c->memory, false, s->out_len);
    s->out = NULL;
    s->out_len = 0;
}

static void release(struct kith_core *c, struct kith_exchange *s)
{
    struct kith_exchanges *t = &c->exchanges;
    uint16_t index = s->index, generation = (uint16_t)(s->generation + 1);
    kith_alarm_clear(&c->alarms, &s->alarm);
    give_back(c, s);
    count_push_pull(c, s, false);
    if (s->kind == KITH_EXCHANGE_INBOUND) kith_crowd_leave(c, s);
    t->open--;
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
    s->ended = NULL;
    s->request = NULL;
}

static void say(struct kith_core *c, struct kith_exchange *s, struct kith_item *item,
                enum kith_out_kind kind)
{
    if (item == s->closing) s->closing = NULL;
    item->out.kind = kind;
    item->out.stream = kith_exchange_handle(s);
    kith_items_push(&c->items, item);
}

/* False: it lingers, and there is no memory to say so. */
bool kith_exchange_break(struct kith_core *c, struct kith_exchange *s, int status)
{
    struct kith_item *item = s->closing ? s->closing : kith_item_new(&c->items);
    if (!item) return false;
    say(c, s, item, KITH_OUT_RESET);
    end_requests(c, s, status, 0);
    release(c, s);
    return true;
}

void kith_exchange_finish(struct kith_core *c, struct kith_exchange *s, int status, uint64_t value)
{
    if (status == -KITH_ETIMEOUT || (status < 0 && s->kind != KITH_EXCHANGE_INBOUND)) {
        kith_exchange_break(c, s, status);
        return;
    }
    say(c, s, s->closing, KITH_OUT_CLOSE);
    s->phase = KITH_PHASE_LINGER;
    kith_alarm_set(&c->alarms, &s->alarm, kith_later(c->now, c->set.tcp_timeout));
    give_back(c, s);
    end_requests(c, s, status, value);
}

bool kith_exchange_evict(struct kith_core *c, struct kith_exchange *s, enum kith_drop lacks)
{
    struct kith_addr whose = s->to;
    char text[KITH_CAUSE_TEXT] = "";
    kith_cause_text(c, s, lacks, text);
    if (!kith_exchange_break(c, s, -KITH_EAGAIN)) return false;
    kith_count_drop(c, KITH_DROP_CROWDED_OUT);
    kith_core_log_some(c, KITH_LOG_WARN, &whose, "Reset a stream to make room for another: %s",
                       text);
    return true;
}

void kith_exchange_say(struct kith_core *c, const struct kith_exchange *s, enum kith_drop why)
{
    char text[KITH_CAUSE_TEXT];
    kith_count_drop(c, why);
    if (!kith_cause_text(c, s, why, text)) return;
    if (s->kind == KITH_EXCHANGE_INBOUND)
        kith_core_log_some(c, KITH_LOG_WARN, &s->to, "Refused a stream: %s", text);
    else
        kith_request_because(c, KITH_LOG_WARN, s->request, &s->to, "No exchange: %s", text);
}

static void tell(struct kith_core *c, struct kith_exchange *s, enum kith_drop why)
{
    char text[KITH_CAUSE_TEXT];
    if (!kith_cause_is_told(s, why) || !kith_cause_text(c, s, why, text)) return;
    struct kith_msg err = {.type = KITH_MSG_ERR, .error = kith_bytes_of(text, strlen(text))};
    kith_exchange_write_message(c, s, &err, true);
    kith_count(c, KITH_COUNT_STREAM_ERRORS_SENT);
}

void kith_exchange_refuse(struct kith_core *c, struct kith_exchange *s, enum kith_drop why,
                          int status)
{
    kith_exchange_say(c, s, why);
    tell(c, s, why);
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
    free(t->sources);
    memset(t, 0, sizeof *t);
}
