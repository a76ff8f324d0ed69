/*
 * sync.c - full states: writing ours, judging and merging a peer's, the push/pull tick
 * (PROTOCOL.md 2.10, 2.13).
 */
#include "sync.h"
#include "choose.h"
#include "core_log.h"
#include "merge.h"
#include "state.h"
#include "view.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------- writing */

static bool reserve(struct kith_buf *buf, size_t more)
{
    if (kith_buf_tailroom(buf) >= more) return true;
    size_t cap = buf->cap ? buf->cap : 4096;
    while (cap < buf->len + more) cap *= 2;
    uint8_t *base = realloc(buf->base, cap);
    if (!base) return false;
    buf->base = buf->data = base;
    buf->cap = cap;
    return true;
}

struct state_sink {
    struct kith_buf buf;
    size_t limit;
};

static int state_write(void *ctx, const void *data, size_t len)
{
    struct state_sink *s = ctx;
    if (len > s->limit - s->buf.len) return -KITH_ETOOBIG;
    if (!reserve(&s->buf, len)) return -KITH_ENOMEM;
    if (len) memcpy(kith_buf_put(&s->buf, len), data, len);
    return 0;
}

static void node_state(const struct kith_record *p, struct kith_msg *msg)
{
    memset(msg, 0, sizeof *msg);
    msg->node = kith_record_name(p);
    msg->addr = kith_record_addr(p);
    msg->port = p->port;
    msg->meta = kith_record_meta(p);
    msg->incarnation = p->incarnation;
    msg->state = p->state;
    msg->vsn = kith_bytes_of(p->versions, sizeof p->versions);
}

static bool append(struct kith_buf *buf, enum kith_body body, const struct kith_msg *msg)
{
    if (kith_wire_write(buf, body, msg) == 0) return true;
    return reserve(buf, kith_wire_size(body, msg)) && kith_wire_write(buf, body, msg) == 0;
}

int kith_sync_send(struct kith_core *c, struct kith_exchange *s, bool join, bool last)
{
    struct state_sink user = {.limit = (size_t)c->set.max_stream_size};
    struct kith_sink sink = {sizeof sink, &user, state_write};
    struct kith_buf buf = {0};
    struct kith_msg msg = {.join = join, .nodes = c->members.count};
    if (c->ops.local_state) KITH_ASK(c, c->ops.local_state(c->env.delegate_self, join, &sink));
    msg.user_state_len = (int64_t)user.buf.len;
    bool ok = reserve(&buf, 1);
    if (ok) *kith_buf_put(&buf, 1) = KITH_MSG_PUSH_PULL;
    ok = ok && append(&buf, KITH_BODY_PUSH_PULL, &msg);
    for (uint32_t i = 0; ok && i < c->members.count; i++) {
        node_state(c->members.list[i], &msg);
        ok = append(&buf, KITH_BODY_NODE_STATE, &msg);
    }
    ok = ok && reserve(&buf, user.buf.len);
    if (ok && user.buf.len) memcpy(kith_buf_put(&buf, user.buf.len), user.buf.data, user.buf.len);
    free(user.buf.base);
    if (!ok) {
        free(buf.base);
        kith_count_drop(c, KITH_DROP_NO_MEMORY);
        return -KITH_ENOMEM;
    }
    kith_observe(c, KITH_HIST_STATE, (double)buf.len);
    if (s->kind != KITH_EXCHANGE_INBOUND) kith_count(c, KITH_COUNT_PUSH_PULLS_SENT);
    kith_exchange_write(c, s, buf.base, buf.len, last);
    return 0;
}

/* ------------------------------------------------------------------------------- judging */

struct cursor {
    const uint8_t *at, *end;
};

/* The entries were read once when they arrived: they are well-formed. */
static bool next(struct cursor *k, struct kith_msg *msg)
{
    size_t used;
    if (k->at == k->end ||
        kith_wire_read(msg, KITH_BODY_NODE_STATE, k->at, (size_t)(k->end - k->at), &used) < 0)
        return false;
    k->at += used;
    return true;
}

struct range {
    uint8_t pmin, pmax, dmin, dmax;
};

static void narrow(struct range *r, const uint8_t *v)
{
    if (v[0] > r->pmin) r->pmin = v[0];
    if (v[1] < r->pmax) r->pmax = v[1];
    if (v[3] > r->dmin) r->dmin = v[3];
    if (v[4] < r->dmax) r->dmax = v[4];
}

static bool speaks(struct kith_core *c, const struct kith_exchange *s, const struct range *r,
                   struct kith_bytes name, uint8_t p, uint8_t d)
{
    if (p < r->pmin || p > r->pmax) {
        kith_core_log_some(c, KITH_LOG_ERROR, &s->to,
                           "Node '%.*s' protocol version (%u) is incompatible: [%u, %u]",
                           KITH_STR(name), p, r->pmin, r->pmax);
        return false;
    }
    if (d < r->dmin || d > r->dmax) {
        kith_core_log_some(c, KITH_LOG_ERROR, &s->to,
                           "Node '%.*s' delegate protocol version (%u) is incompatible: [%u, %u]",
                           KITH_STR(name), d, r->dmin, r->dmax);
        return false;
    }
    return true;
}

/* Every member must speak what all that are alive understand, the dead ones too (PROTOCOL.md 2.13,
 * T24). */
static bool compatible(struct kith_core *c, const struct kith_exchange *s, struct cursor list)
{
    struct range r = {0, UINT8_MAX, 0, UINT8_MAX};
    struct kith_msg msg;
    for (struct cursor k = list; next(&k, &msg);)
        if (msg.state == KITH_ALIVE && msg.vsn.len >= 5) narrow(&r, msg.vsn.data);
    for (uint32_t i = 0; i < c->members.count; i++)
        if (c->members.list[i]->state == KITH_ALIVE) narrow(&r, c->members.list[i]->versions);
    for (struct cursor k = list; next(&k, &msg);) {
        bool has = msg.vsn.len >= 6;
        if (!speaks(c, s, &r, msg.node, has ? msg.vsn.data[2] : 0, has ? msg.vsn.data[5] : 0))
            return false;
    }
    for (uint32_t i = 0; i < c->members.count; i++) {
        const struct kith_record *p = c->members.list[i];
        if (!speaks(c, s, &r, kith_record_name(p), p->versions[2], p->versions[5])) return false;
    }
    return true;
}

/* Ask the delegate whether to merge with all these. */
static int ask_merge(struct kith_core *c, const struct kith_exchange *s, struct cursor list)
{
    struct kith_msg msg;
    struct kith_error err = {.size = sizeof err};
    size_t count = 0, names = 0;
    for (struct cursor k = list; next(&k, &msg); count++) names += msg.node.len + 1;
    if (!c->ops.notify_merge) return 0;
    size_t size = count * sizeof(struct kith_member) + names;
    struct kith_member *members = size > c->set.max_stream_memory ? NULL : malloc(size + 1);
    if (!members) {
        kith_count_drop(c, KITH_DROP_MAX_STREAM_MEMORY);
        return -KITH_ENOMEM;
    }
    char *name = (char *)(members + count);
    count = 0;
    for (struct cursor k = list; next(&k, &msg); count++) {
        if (msg.addr.len > KITH_ADDR_MAX) msg.addr.len = 0;
        kith_view_message(&msg, name, &members[count]);
        name += msg.node.len + 1;
    }
    int no;
    KITH_ASK(c,
             no = c->ops.notify_merge(c->env.delegate_self, members, count, sizeof *members, &err));
    free(members);
    if (!no) return 0;
    kith_core_log_some(c, KITH_LOG_ERROR, &s->to, "Failed push/pull merge: %s", err.text);
    return -KITH_EREFUSED;
}

/* ------------------------------------------------------------------------------- merging */

static void merge_entry(struct kith_core *c, struct kith_msg *msg)
{
    if (c->set.protocol_version < 2 || msg->port == 0) msg->port = c->default_port;
    switch (msg->state) {
    case KITH_ALIVE:
        msg->type = KITH_MSG_ALIVE;
        kith_alive(c, msg, KITH_FROM_LIST, NULL);
        break;
    case KITH_LEFT:
        msg->type = KITH_MSG_DEAD;
        msg->from = msg->node;
        kith_dead(c, msg, KITH_FROM_LIST, NULL);
        break;
    case KITH_SUSPECT:
    case KITH_DEAD: /* no more than a suspicion, and ours from here on (PROTOCOL.md T14) */
        msg->type = KITH_MSG_SUSPECT;
        msg->from = kith_self_name(c);
        kith_suspect(c, msg, KITH_FROM_LIST);
        break;
    default: break;
    }
}

int kith_sync_merge(struct kith_core *c, struct kith_exchange *s)
{
    struct cursor list = {s->data + s->body, s->data + s->tail};
    struct kith_bytes user = kith_bytes_of(s->data + s->tail, (size_t)s->header.user_state_len);
    bool join = s->kind == KITH_EXCHANGE_INBOUND ? s->header.join : s->kind == KITH_EXCHANGE_JOIN;
    struct kith_msg msg;
    int err = compatible(c, s, list) ? 0 : -KITH_EREFUSED;
    if (err == 0 && join) err = ask_merge(c, s, list);
    if (err < 0) {
        kith_count(c, KITH_COUNT_MERGES_REFUSED);
        return err;
    }
    for (struct cursor k = list; next(&k, &msg);) merge_entry(c, &msg);
    if (user.len && c->ops.merge_remote_state)
        KITH_ASK(c, c->ops.merge_remote_state(c->env.delegate_self, user, join));
    return 0;
}

/* ------------------------------------------------------------------------------- beginning */

static void ended(struct kith_core *c, const struct kith_exchange *s, int status)
{
    kith_observe(c, KITH_HIST_PUSH_PULL, (double)(c->now - s->begun) / 1e9);
    if (status == 0) return;
    /* A caller waits for a join: it gets the error and logs it. Nobody waits for the others. */
    enum kith_log_level level = s->kind == KITH_EXCHANGE_JOIN ? KITH_LOG_DEBUG : KITH_LOG_ERROR;
    kith_count(c, KITH_COUNT_PUSH_PULLS_FAILED);
    if (s->name_len)
        kith_core_log(c, level, &s->to, "Push/Pull with %.*s failed", (int)s->name_len, s->name);
    else
        kith_core_log(c, level, &s->to, "Push/Pull with an unnamed member failed");
}

struct kith_exchange *kith_sync_dial(struct kith_core *c, enum kith_exchange_kind kind,
                                     const struct kith_addr *to, struct kith_bytes name)
{
    return kith_exchange_dial(c, kind, to, name, kith_later(c->now, c->set.tcp_timeout), ended);
}

/* ------------------------------------------------------------------------------- the tick */

static bool partner(struct kith_core *c, const struct kith_record *p)
{
    return p != c->self && p->state == KITH_ALIVE;
}

uint32_t kith_push_pull_scale(size_t n)
{
    uint32_t times = 1;
    for (uint64_t limit = 32; n > limit; limit *= 2) times++;
    return times;
}

void kith_sync_schedule(struct kith_core *c, bool first)
{
    uint64_t interval = c->set.push_pull_interval, scale = kith_push_pull_scale(c->members.count);
    uint64_t wait = interval > INT64_MAX / scale ? INT64_MAX : interval * scale;
    kith_alarm_clear(&c->alarms, &c->sync_alarm);
    if (interval == 0) return;
    if (first) wait += kith_random_below(&c->random, interval);
    kith_alarm_set(&c->alarms, &c->sync_alarm, kith_later(c->now, wait));
}

void kith_sync_tick(struct kith_core *c, struct kith_alarm *alarm)
{
    struct kith_record **chosen;
    struct kith_addr to;
    kith_sync_schedule(c, false);
    if (kith_choose(c, 1, partner, &chosen) == 0) return;
    kith_record_address(chosen[0], &to);
    kith_core_log(c, KITH_LOG_DEBUG, &to, "Initiating push/pull sync with: %.*s",
                  KITH_STR(kith_record_name(chosen[0])));
    kith_sync_dial(c, KITH_EXCHANGE_PUSH_PULL, &to, kith_record_name(chosen[0]));
}
