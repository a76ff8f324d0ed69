/*
 * rig_delegate.c - the delegate of a rig: plays its script, writes down what it is told and checks
 * what every delegate may rely on.
 */
#include "core_rig.h"

static void note(char *log, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void note(char *log, size_t cap, const char *fmt, ...)
{
    size_t n = strlen(log);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(log + n, cap - n, fmt, ap);
    va_end(ap);
}
#define NOTE(r, ...) note((r)->events, sizeof(r)->events, __VA_ARGS__)

static const char *state_name(uint32_t s)
{
    static const char *const names[] = {"alive", "suspect", "dead", "left"};
    return s < 4 ? names[s] : "?";
}

static int d_node_meta(void *self, uint8_t *out, size_t cap)
{
    struct rig *r = self;
    CU_ASSERT_EQUAL(cap, 512);
    if (r->meta_len > 0)
        memcpy(out, r->meta, (size_t)r->meta_len < cap ? (size_t)r->meta_len : cap);
    return r->meta_len;
}

static void remember_peer(struct rig *r, const struct kith_message *m)
{
    r->heard = *m;
    CU_ASSERT_PTR_NOT_NULL_FATAL(m->peer);
    CU_ASSERT_PTR_NOT_NULL_FATAL(m->peer->addr);
    r->heard_from = *m->peer->addr;
    snprintf(r->heard_identity, sizeof r->heard_identity, "%.*s", (int)m->peer->identity.len,
             (const char *)m->peer->identity.data);
}

static void d_message(void *self, const struct kith_message *m)
{
    if (m->flags & KITH_RELAYED) {
        CU_ASSERT(m->channel.len > 0);
        NOTE((struct rig *)self, "%.*s: %.*s;", (int)m->peer->name.len,
             (const char *)m->peer->name.data, (int)m->bytes.len, (const char *)m->bytes.data);
        return;
    }
    CU_ASSERT_EQUAL(m->channel.len, 0);
    remember_peer(self, m);
    NOTE((struct rig *)self, "msg %.*s%s;", (int)m->bytes.len, (const char *)m->bytes.data,
         m->flags & KITH_RELIABLE ? " reliable" : "");
}

static void d_get_broadcasts(void *self, size_t overhead, size_t limit,
                             const struct kith_sink *sink)
{
    struct rig *r = self;
    r->limit_seen = limit;
    while (r->user_broadcast && r->broadcasts_left) {
        size_t len = strlen(r->user_broadcast);
        if (!r->greedy && len + overhead > limit) return;
        if (sink->write(sink, kith_bytes_of(r->user_broadcast, len))) return;
        limit -= r->greedy ? 0 : len + overhead;
        r->broadcasts_left--;
    }
}

static void d_local_state(void *self, bool join, const struct kith_sink *sink)
{
    struct rig *r = self;
    NOTE(r, "local_state%s;", join ? " join" : "");
    while (r->greedy && sink->write(sink, rig_str("x")) == 0) continue;
    if (r->local_state) CU_ASSERT_EQUAL(sink->write(sink, rig_str(r->local_state)), 0);
}

static void d_remote_state(void *self, const struct kith_message *m)
{
    remember_peer(self, m);
    CU_ASSERT(m->flags & KITH_RELIABLE);
    NOTE((struct rig *)self, "remote_state %.*s%s;", (int)m->bytes.len, (const char *)m->bytes.data,
         m->flags & KITH_JOIN ? " join" : "");
}

static void remember_meta(struct rig *r, const struct kith_member *m)
{
    size_t n = m->meta.len < sizeof r->last_meta - 1 ? m->meta.len : sizeof r->last_meta - 1;
    if (n) memcpy(r->last_meta, m->meta.data, n);
    r->last_meta[n] = 0;
}

static void check_text(struct kith_bytes name) { CU_ASSERT_EQUAL(name.data[name.len], 0); }

static void on_join(struct rig *r, const struct kith_member *m)
{
    NOTE(r, "join %s;", (const char *)m->name.data);
    remember_meta(r, m);
    if (r->inside) r->inside(r);
}

static void on_suspect(struct rig *r, const struct kith_member *m)
{
    check_text(m->accuser);
    note(r->suspicions, sizeof r->suspicions, "%s %s;", (const char *)m->name.data,
         state_name(m->state));
}

static void on_conflict(struct rig *r, const struct kith_member *ours,
                        const struct kith_member *other)
{
    CU_ASSERT_EQUAL(ours->name.len, other->name.len);
    NOTE(r, "conflict %s;", (const char *)ours->name.data);
    r->conflict = *other;
}

static void on_ping(struct rig *r, const struct kith_event *e)
{
    NOTE(r, "ping %s %.*s;", (const char *)e->member->name.data, (int)e->data.len,
         (const char *)e->data.data);
    r->ping_rtt = e->number;
}

static void d_event(void *self, const struct kith_event *e)
{
    struct rig *r = self;
    const struct kith_member *m = e->member;
    CU_ASSERT_EQUAL(e->size, sizeof *e);
    CU_ASSERT_EQUAL(e->wall, 0);
    if (m) check_text(m->name);
    switch (e->kind) {
    case KITH_EVENT_JOIN: on_join(r, m); break;
    case KITH_EVENT_LEAVE:
        NOTE(r, "leave %s %s;", (const char *)m->name.data, state_name(m->state));
        break;
    case KITH_EVENT_UPDATE:
        NOTE(r, "update %s;", (const char *)m->name.data);
        remember_meta(r, m);
        break;
    case KITH_EVENT_CONFLICT: on_conflict(r, m, e->other); break;
    case KITH_EVENT_PING: on_ping(r, e); break;
    case KITH_EVENT_SUSPECT: on_suspect(r, m); break;
    case KITH_EVENT_LOST:
        NOTE(r, "%s %.*s %u;", e->peer ? "gone" : "lost", (int)e->data.len,
             (const char *)e->data.data, (unsigned)e->number);
        break;
    case KITH_EVENT_JOINED: note(r->own, sizeof r->own, "joined;"); break;
    case KITH_EVENT_REFUTED: note(r->own, sizeof r->own, "refuted %u;", (unsigned)e->number); break;
    default: CU_FAIL("an event that the core does not make");
    }
}

static int judge_merge(struct rig *r, const struct kith_claim *c, struct kith_error *err)
{
    r->merge_asked++;
    r->merge_count = c->count;
    CU_ASSERT_PTR_NOT_NULL(c->from);
    if (c->count) r->merged = *c->members;
    for (size_t i = 0; i < c->count; i++) {
        const struct kith_member *e = kith_claim_member(c, i);
        check_text(e->name);
        NOTE(r, "merge %.*s %s;", (int)e->name.len, (const char *)e->name.data,
             state_name(e->state));
    }
    return r->veto_merge ? kith_fail(err, KITH_EREFUSED, "no merge today") : 0;
}

static const char *kind_name(uint32_t kind)
{
    return kind == KITH_CLAIM_ALIVE     ? "alive"
           : kind == KITH_CLAIM_SUSPECT ? "suspect"
           : kind == KITH_CLAIM_DEAD    ? "dead"
                                        : "leave";
}

static int d_judge(void *self, const struct kith_claim *c, struct kith_error *err)
{
    struct rig *r = self;
    const struct kith_member *m = c->members;
    char from[16] = "self";
    CU_ASSERT_EQUAL(c->size, sizeof *c);
    CU_ASSERT(c->stride >= sizeof *m);
    if (c->kind == KITH_CLAIM_MERGE) return judge_merge(r, c, err);
    CU_ASSERT_EQUAL(c->count, 1);
    CU_ASSERT(c->kind & r->env.delegate->judges);
    check_text(m->name);
    if (m->accuser.len) check_text(m->accuser);
    if (c->from) snprintf(from, sizeof from, "%u", c->from->addr->bytes[3]);
    note(r->claims, sizeof r->claims, "%s %s:%s %u by %.*s from %s;", kind_name(c->kind),
         (const char *)m->name.data, state_name(m->state), (unsigned)m->incarnation,
         (int)m->accuser.len, (const char *)m->accuser.data, from);
    if (c->kind == KITH_CLAIM_ALIVE) {
        r->alive_asked++;
        r->asked = *m;
        if (r->veto_alive && rig_is(m->name, r->veto_alive))
            return kith_fail(err, KITH_EREFUSED, "not you");
    }
    return c->kind & r->vetoes ? kith_fail(err, KITH_EREFUSED, "not believed") : 0;
}

static int d_seal_meta(void *self, const struct kith_member *local, uint8_t *meta, size_t len,
                       size_t cap)
{
    struct rig *r = self;
    char trailer[16];
    int n = snprintf(trailer, sizeof trailer, "#%u", (unsigned)local->incarnation);
    CU_ASSERT(local->flags & KITH_MEMBER_LOCAL);
    CU_ASSERT(rig_is(local->name, "self"));
    CU_ASSERT(cap <= 512);
    if (!r->seals || len + (size_t)n > cap) return -KITH_ETOOBIG;
    memcpy(meta + len, trailer, (size_t)n);
    return (int)len + n;
}

static int d_ack_payload(void *self, uint8_t *out, size_t cap)
{
    struct rig *r = self;
    if (!r->ack_payload) return -1;
    size_t n = strlen(r->ack_payload);
    if (n <= cap) memcpy(out, r->ack_payload, n);
    return (int)n;
}

/* Asked about merges only: whether it is about alives changes what the core accepts (PROTOCOL.md
 * 2.3.3). Tests ask for more. */
static const struct kith_delegate_ops plain_ops = {
    .size = sizeof(struct kith_delegate_ops),
    .judges = KITH_CLAIM_MERGE,
    .event = d_event,
    .message = d_message,
    .remote_state = d_remote_state,
    .judge = d_judge,
    .node_meta = d_node_meta,
    .get_broadcasts = d_get_broadcasts,
    .local_state = d_local_state,
    .ack_payload = d_ack_payload,
};
static struct kith_delegate_ops script_ops;

const struct kith_delegate_ops *rig_delegate(const struct rig *r)
{
    uint64_t more = r->judges | (r->veto_alive ? KITH_CLAIM_ALIVE : 0);
    script_ops = plain_ops;
    script_ops.judges |= more;
    if (r->reticent) script_ops.get_broadcasts = NULL;
    if (r->seals) script_ops.seal_meta = d_seal_meta;
    return &script_ops;
}
