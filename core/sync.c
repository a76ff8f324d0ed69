/*
 * sync.c - full states: writing ours, judging and merging a peer's, the push/pull tick
 * (PROTOCOL.md 2.10, 2.13).
 */
#include "sync.h"
#include "formulas.h"
#include "choose.h"
#include "compare.h"
#include "core_log.h"
#include "echo.h"
#include "crowd.h"
#include "merge.h"
#include "notify.h"
#include "peer.h"
#include "state.h"
#include "versions.h"
#include "view.h"

#include <stdlib.h>

/* ------------------------------------------------------------------------------- writing */

enum {
    HEAD_MOST = 64,        /* type byte and header */
    AHEAD = 32,            /* members to have the memory of */
    STATES_TURN = 1 << 20, /* bytes made between two ticks, but for the last state */
    ASKED_AT_ONCE = 4,     /* members whose own word is wanted... */
    ASK_PAUSE = 2,         /* ...and seconds until the next may be: a forger makes us dial them */
    EVICT_PAUSE = 10000000 /* ns between two streams that are reset for the sake of memory */
};

/* A state in the making: the header goes in front last, as it says how long user state is. */
struct making {
    struct kith_sink sink; /* first: the delegate hands it back */
    struct kith_core *core;
    struct kith_buf buf;
    uint64_t charged; /* to the account, as cap */
    size_t limit;     /* of user state */
};

static bool reserve(struct making *m, size_t more)
{
    struct kith_buf *buf = &m->buf;
    if (buf->base && kith_buf_tailroom(buf) >= more) return true;
    size_t at = buf->base ? (size_t)(buf->data - buf->base) : HEAD_MOST;
    size_t cap = at + buf->len + more;
    if (buf->base) cap += cap / 4;
    if (!kith_account_grow(m->core->memory, false, m->charged, cap)) return false;
    m->charged = cap;
    uint8_t *base = realloc(buf->base, cap);
    if (!base) return false;
    buf->base = base;
    buf->data = base + at;
    buf->cap = cap;
    return true;
}

static int user_state(const struct kith_sink *sink, struct kith_bytes piece)
{
    struct making *m = (struct making *)(uintptr_t)sink;
    if (piece.len > m->limit) return -KITH_ETOOBIG;
    if (!reserve(m, piece.len)) return -KITH_ENOMEM;
    if (piece.len) memcpy(kith_buf_put(&m->buf, piece.len), piece.data, piece.len);
    m->limit -= piece.len;
    return 0;
}

static void node_state(const struct kith_core *c, const struct kith_record *p, struct kith_msg *msg)
{
    msg->node = kith_record_name(p);
    msg->addr = kith_record_addr(p);
    msg->port = p->port;
    msg->meta = kith_record_meta(p);
    msg->incarnation = p->incarnation;
    msg->state = p->state;
    if (p == c->self && c->moving.state == KITH_MOVING_AWAY) msg->state = KITH_LEFT;
    msg->vsn = kith_bytes_of(p->versions, sizeof p->versions);
    msg->kith = kith_kin_entry(c, p);
}

static bool write_members(struct making *m)
{
    const struct kith_members *all = &m->core->members;
    struct kith_msg msg = {0};
    if (!reserve(m, all->bytes)) return false;
    for (uint32_t i = 0; i < all->count; i++) {
        if (i % AHEAD == 0)
            kith_members_expect_at(all, i, i + AHEAD < all->count ? i + AHEAD : all->count);
        node_state(m->core, kith_members_at(all, i), &msg);
        if (kith_wire_write(&m->buf, KITH_BODY_NODE_STATE, &msg) < 0)
            assert(!"an entry has no more than its bytes");
    }
    return true;
}

/* Do we send it to somebody who runs Kith? */
static bool to_kin(const struct kith_core *c, const struct kith_exchange *s)
{
    if (s->kind == KITH_EXCHANGE_INBOUND) return s->speaks || !kith_kin_on(c);
    return kith_kin_hears(c, kith_peer_at(c, &s->to));
}

/* What the delegates add: as much as is left of the limit; and how far we are with broadcasts. */
static int64_t write_user_state(struct making *m, bool join, bool kin)
{
    struct kith_core *c = m->core;
    size_t most = kith_exchange_most(c), used = m->buf.len;
    m->limit = most > used + HEAD_MOST ? most - used - HEAD_MOST : 0;
    if (c->ops.local_state) KITH_ASK(c, c->ops.local_state(c->env.delegate_self, join, &m->sink));
    if (kin && c->env.channel_state) KITH_ASK(c, c->env.channel_state(c->env.ctx, join, &m->sink));
    if (kin && kith_kin_on(c)) kith_digest_write(c, &m->sink);
    return (int64_t)(m->buf.len - used);
}

static void write_head(struct making *m, bool join, int64_t user_state_len)
{
    struct kith_msg msg = {
        .join = join, .nodes = m->core->members.count, .user_state_len = user_state_len};
    kith_kin_say(m->core, &msg);
    uint8_t storage[HEAD_MOST];
    struct kith_buf head = {.base = storage, .data = storage, .cap = sizeof storage};
    *kith_buf_put(&head, 1) = KITH_MSG_PUSH_PULL;
    if (kith_wire_write(&head, KITH_BODY_PUSH_PULL, &msg) < 0) assert(!"a header has its room");
    memcpy(kith_buf_push(&m->buf, head.len), head.data, head.len);
}

static void send_state(struct kith_core *c, struct kith_exchange *s)
{
    bool inbound = s->kind == KITH_EXCHANGE_INBOUND;
    bool join = inbound ? s->header.join : s->kind == KITH_EXCHANGE_JOIN;
    struct making m = {.sink = {sizeof m.sink, user_state}, .core = c};
    kith_exchange_owe_no_more(c, s);
    if (!write_members(&m)) {
        free(m.buf.base);
        kith_account_give(c->memory, false, m.charged);
        kith_exchange_refuse(c, s, KITH_DROP_MAX_STREAM_MEMORY, -KITH_ENOMEM);
        return;
    }
    kith_echo_said(c, s, kith_bytes_of(m.buf.data, m.buf.len));
    write_head(&m, join, write_user_state(&m, join, to_kin(c, s)));
    kith_observe(c, KITH_HIST_STATE, (double)m.buf.len);
    if (!inbound) kith_count(c, KITH_COUNT_PUSH_PULLS_SENT);
    c->exchanges.built += m.buf.len;
    c->exchanges.state_len = m.buf.len;
    kith_exchange_write(c, s, &m.buf, m.charged, inbound);
    s->heard = c->now; /* from here on it is the peer's turn */
    if (inbound) kith_exchange_finish(c, s, s->verdict, 0);
}

/* One whose source has more than that of this one goes: who holds a state, or else anybody. */
static bool make_way(struct kith_core *c, const struct kith_exchange *s)
{
    struct kith_exchange *goes = kith_crowd_goes(c, s, true);
    if (!goes) goes = kith_crowd_goes(c, s, false);
    c->exchanges.evict_at = kith_later(c->now, EVICT_PAUSE);
    return goes && kith_exchange_evict(c, goes, KITH_DROP_MAX_STREAM_MEMORY);
}

bool kith_sync_send_next(struct kith_core *c)
{
    const struct kith_exchanges *t = &c->exchanges;
    if (!t->owing || t->built >= STATES_TURN) return false;
    struct kith_exchange *s = kith_crowd_next(c);
    if (!kith_crowd_has_memory(c, s, t->state_len)) return t->evict_at <= c->now && make_way(c, s);
    send_state(c, s);
    return true;
}

uint64_t kith_sync_deadline(const struct kith_core *c)
{
    const struct kith_exchanges *t = &c->exchanges;
    if (!t->owing) return UINT64_MAX;
    if (t->built >= STATES_TURN) return c->now;
    return t->evict_at > c->now ? t->evict_at
                                : UINT64_MAX; /* there is no memory, and nobody goes */
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

/* Lowest, highest and current version of each. */
static bool understand(const uint8_t *a, const uint8_t *b)
{
    return a[2] >= b[0] && a[2] <= b[1] && b[2] >= a[0] && b[2] <= a[1];
}

/* May it be merged: does its member speak as we do? Of those that are not alive only that is taken;
 * what is said of ourselves is answered. */
static bool fits(const struct kith_core *c, const struct kith_msg *entry)
{
    const uint8_t *v = entry->vsn.data;
    if (entry->state != KITH_ALIVE || kith_short_equal(entry->node, kith_self_name(c))) return true;
    return kith_versions_sound(entry->vsn) && understand(v, c->versions) &&
           understand(v + 3, c->versions + 3);
}

static bool next_fitting(const struct kith_core *c, struct cursor *k, struct kith_msg *msg)
{
    while (next(k, msg))
        if (fits(c, msg)) return true;
    return false;
}

/* Count and say what does not fit. */
static void leave_out(struct kith_core *c, const struct kith_exchange *s,
                      const struct kith_msg *entry)
{
    const uint8_t *v = entry->vsn.data, *ours = c->versions;
    if (!kith_versions_sound(entry->vsn)) {
        kith_count_drop(c, KITH_DROP_BAD_VERSIONS);
        kith_request_because(c, KITH_LOG_WARN, s->request, &s->to,
                             "Left out '%.*s': protocol version(s) are wrong",
                             KITH_STR(entry->node));
        return;
    }
    bool delegate = understand(v, ours);
    v += delegate ? 3 : 0;
    ours += delegate ? 3 : 0;
    kith_count_drop(c, KITH_DROP_INCOMPATIBLE_VERSIONS);
    kith_request_because(
        c, KITH_LOG_ERROR, s->request, &s->to,
        "Left out '%.*s': its %sprotocol version %u of [%u, %u] is incompatible with "
        "ours, %u of [%u, %u]",
        KITH_STR(entry->node), delegate ? "delegate " : "", v[2], v[0], v[1], ours[2], ours[0],
        ours[1]);
}

/* memberlist refuses a state for one entry that does not fit, dead or alive (PROTOCOL.md 2.13).
 * Here it is refused when nobody in it fits who is alive: then it is another cluster's. Mostly the
 * first entry tells. */
static bool compatible(struct kith_core *c, const struct kith_exchange *s, struct cursor list)
{
    struct kith_msg msg;
    bool all_fit = true;
    for (struct cursor k = list; next(&k, &msg);) {
        if (!fits(c, &msg))
            all_fit = false;
        else if (msg.state == KITH_ALIVE && !kith_short_equal(msg.node, kith_self_name(c)))
            return true;
    }
    for (struct cursor k = list; !all_fit && next(&k, &msg);)
        if (!fits(c, &msg)) leave_out(c, s, &msg);
    return all_fit;
}

/* We joined a named member: does the list look like its answer? It must be alive in it, with nobody
 * else at the address dialled. */
static bool answered_by(const struct kith_exchange *s, struct cursor list)
{
    struct kith_bytes name = {(const uint8_t *)s->name, s->name_len};
    struct kith_bytes dialled = {s->to.bytes, s->to.len};
    bool there = false;
    struct kith_msg msg;
    for (struct cursor k = list; next(&k, &msg);) {
        if (msg.state != KITH_ALIVE) continue;
        if (kith_short_equal(msg.node, name))
            there = true;
        else if (msg.port == s->to.port && kith_short_equal(msg.addr, dialled))
            return false;
    }
    return there;
}

static int check_name(struct kith_core *c, const struct kith_exchange *s, struct cursor list)
{
    if (s->kind != KITH_EXCHANGE_JOIN || s->name_len == 0 || answered_by(s, list)) return 0;
    kith_request_because(c, KITH_LOG_ERROR, s->request, &s->to,
                         "Whoever answered, it was not '%.*s'",
                         KITH_STR(kith_bytes_of(s->name, s->name_len)));
    return -KITH_ENOTFOUND;
}

static int met_ourselves(struct kith_core *c, const struct kith_exchange *s)
{
    kith_request_because(c, KITH_LOG_WARN, s->request, &s->to,
                         "Joined nobody: that leads back to this node itself");
    return -KITH_EEXIST;
}

/* Ask the delegate whether to merge with all who fit. */
static int ask_merge(struct kith_core *c, const struct kith_exchange *s, struct cursor list)
{
    struct kith_peer from = kith_exchange_peer(s);
    struct kith_msg msg;
    uint64_t count = 0, size = 1;
    if (!kith_judges(c, KITH_CLAIM_MERGE)) return 0;
    for (struct cursor k = list; next_fitting(c, &k, &msg); count++) size += msg.node.len + 1;
    size += count * sizeof(struct kith_member);
    bool room = kith_account_grow(c->memory, false, 0, size);
    struct kith_member *members = room ? malloc((size_t)size) : NULL;
    if (!members) {
        if (room) kith_account_give(c->memory, false, size);
        kith_count_drop(c, KITH_DROP_MAX_STREAM_MEMORY);
        return -KITH_ENOMEM;
    }
    char *name = (char *)(members + count);
    count = 0;
    for (struct cursor k = list; next_fitting(c, &k, &msg); count++) {
        if (msg.addr.len > KITH_ADDR_MAX) msg.addr.len = 0;
        kith_view_message(c, &msg, name, &members[count]);
        name += msg.node.len + 1;
    }
    bool yes = kith_judged(c, KITH_CLAIM_MERGE, members, (size_t)count, &from);
    free(members);
    kith_account_give(c->memory, false, size);
    if (yes) return 0;
    kith_request_because(c, KITH_LOG_DEBUG, s->request, &s->to, "A delegate refused the merge");
    return -KITH_EACCES;
}

/* ------------------------------------------------------------------------------- merging */

/* Does a member speak of itself, where we went to ask it? */
static bool own_word(const struct kith_exchange *s, const struct kith_msg *msg)
{
    return s->kind != KITH_EXCHANGE_INBOUND && msg->port == s->to.port &&
           kith_short_equal(msg->addr, kith_bytes_of(s->to.bytes, s->to.len)) &&
           kith_short_equal(msg->node, kith_bytes_of(s->name, s->name_len));
}

static void merge_entry(struct kith_core *c, const struct kith_exchange *s,
                        const struct kith_peer *from, struct kith_msg *msg)
{
    if (c->set.protocol_version < 2 || msg->port == 0) msg->port = c->default_port;
    bool own = own_word(s, msg);
    switch (msg->state) {
    case KITH_ALIVE:
        msg->type = KITH_MSG_ALIVE;
        if (own)
            kith_own_word(c, msg, from);
        else
            kith_alive(c, msg, from, NULL);
        kith_relay_entry(c, msg);
        break;
    case KITH_LEFT:
        msg->type = KITH_MSG_DEAD;
        msg->from = msg->node;
        if (own)
            kith_own_word(c, msg, from);
        else
            kith_dead(c, msg, from, NULL);
        break;
    case KITH_SUSPECT:
    case KITH_DEAD: /* no more than a suspicion, and ours from here on (PROTOCOL.md T14) */
        msg->type = KITH_MSG_SUSPECT;
        msg->from = kith_self_name(c);
        kith_suspect(c, msg, from);
        break;
    default:
        kith_count_drop(c, KITH_DROP_UNKNOWN_STATE);
        kith_core_log_some(c, KITH_LOG_WARN, from->addr, "Left out '%.*s': its state is unknown",
                           KITH_STR(msg->node));
    }
}

static void taught(struct kith_core *c, const struct kith_exchange *s)
{
    if (s->kind == KITH_EXCHANGE_INBOUND)
        kith_young_heard(c);
    else
        kith_young_learned(c);
}

int kith_sync_merge(struct kith_core *c, struct kith_exchange *s)
{
    struct cursor list = {s->data + s->body, s->data + s->tail};
    struct kith_bytes user = kith_bytes_of(s->data + s->tail, (size_t)s->header.user_state_len);
    bool join = s->kind == KITH_EXCHANGE_INBOUND ? s->header.join : s->kind == KITH_EXCHANGE_JOIN;
    struct kith_msg msg;
    struct kith_peer from = kith_exchange_peer(s);
    if (join && s->kind == KITH_EXCHANGE_INBOUND)
        kith_echo_heard(c, kith_bytes_of(list.at, (size_t)(list.end - list.at)));
    int err = s->came_back ? met_ourselves(c, s) : 0;
    if (err == 0) err = compatible(c, s, list) ? check_name(c, s, list) : -KITH_EUNSUPPORTED;
    if (err == 0 && join) err = ask_merge(c, s, list);
    if (err < 0) {
        kith_count(c, KITH_COUNT_MERGES_REFUSED);
        return err;
    }
    uint64_t births = c->members.births;
    for (struct cursor k = list; next(&k, &msg);) {
        if (fits(c, &msg))
            merge_entry(c, s, &from, &msg);
        else
            leave_out(c, s, &msg);
    }
    if (c->members.births > births) taught(c, s);
    struct kith_record *p = s->kind != KITH_EXCHANGE_INBOUND ? kith_peer_at(c, &s->to) : NULL;
    if (p && kith_kin_on(c)) kith_kin_mark(c, p, s->speaks);
    if (s->speaks && !s->stranger)
        kith_digest_read(c, kith_peer_at(c, &s->to), s->kind != KITH_EXCHANGE_INBOUND, &user);
    if (user.len) kith_notify_state(c, &from, user, KITH_RELIABLE | (join ? KITH_JOIN : 0));
    return 0;
}

/* ------------------------------------------------------------------------------- beginning */

static void ended(struct kith_core *c, struct kith_exchange *s, int status)
{
    kith_observe(c, KITH_HIST_PUSH_PULL, (double)(c->now - s->begun) / 1e9);
    if (status == 0) return;
    /* A caller waits for a join: it gets the error and logs it. Nobody waits for the others. */
    enum kith_log_level level = s->kind == KITH_EXCHANGE_JOIN ? KITH_LOG_DEBUG : KITH_LOG_ERROR;
    kith_count(c, KITH_COUNT_PUSH_PULLS_FAILED);
    if (s->name_len)
        kith_core_log(c, level, &s->to, "Push/Pull with %.*s failed: %s",
                      KITH_STR(kith_bytes_of(s->name, s->name_len)), kith_status_text(status));
    else
        kith_core_log(c, level, &s->to, "Push/Pull with an unnamed member failed: %s",
                      kith_status_text(status));
}

struct kith_exchange *kith_sync_dial(struct kith_core *c, enum kith_exchange_kind kind,
                                     const struct kith_peer *to)
{
    return kith_exchange_dial(c, kind, to, kith_later(c->now, c->set.tcp_timeout), ended);
}

/* ------------------------------------------------------------------------------- the tick */

static bool partner(struct kith_core *c, const struct kith_record *p)
{
    return p != c->self && p->state == KITH_ALIVE;
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

static struct kith_exchange *sync_with(struct kith_core *c, const struct kith_record *p)
{
    struct kith_addr to;
    kith_record_address(p, &to);
    kith_core_log(c, KITH_LOG_DEBUG, &to, "Initiating push/pull sync with: %.*s",
                  KITH_STR(kith_record_name(p)));
    struct kith_peer peer = kith_peer_of(&to, kith_record_name(p), p->versions[1]);
    return kith_sync_dial(c, KITH_EXCHANGE_PUSH_PULL, &peer);
}

void kith_sync_tick(struct kith_core *c, struct kith_alarm *alarm)
{
    struct kith_record **chosen;
    kith_sync_schedule(c, false);
    if (kith_choose(c, 1, partner, &chosen) > 0) sync_with(c, chosen[0]);
}

static void young_ended(struct kith_core *c, struct kith_exchange *s, int status)
{
    ended(c, s, status);
    if (!c->dying) kith_young_ended(c);
}

void kith_sync_young(struct kith_core *c, struct kith_alarm *alarm)
{
    struct kith_record **chosen;
    if (!kith_young_begin(c)) return;
    struct kith_exchange *s =
        kith_choose(c, 1, partner, &chosen) > 0 ? sync_with(c, chosen[0]) : NULL;
    if (!s) {
        kith_young_ended(c);
        return;
    }
    s->ended = young_ended;
    kith_young_dialled(c);
}

/* ------------------------------------------------------------------------------- asking */

/* Of those whose own word is wanted: who spoke up, then, whoever forges that, the others. */
static struct kith_record *doubted(struct kith_core *c, int turn)
{
    struct kith_record *p = turn < ASKED_AT_ONCE / 2 ? kith_doubted_latest(c) : NULL;
    return p ? p : kith_doubted_first(c);
}

static void asked(struct kith_core *c, struct kith_exchange *s, int status)
{
    ended(c, s, status);
    if (!c->dying) kith_was_asked(c, kith_bytes_of(s->name, s->name_len));
}

/* Who does not answer is not asked again before it is doubted again. */
void kith_sync_ask(struct kith_core *c, struct kith_alarm *alarm)
{
    struct kith_record *p;
    if (c->members.doubted)
        kith_alarm_set(&c->alarms, alarm, kith_later(c->now, ASK_PAUSE * UINT64_C(1000000000)));
    for (int i = 0; i < ASKED_AT_ONCE && (p = doubted(c, i)); i++) {
        struct kith_exchange *s = sync_with(c, p);
        if (!s) return;
        s->ended = asked;
        p->asked = true;
        kith_members_doubt(&c->members, p, false);
    }
}
