/*
 * merge.c - what a claim about a member changes: alive, suspect, dead (PROTOCOL.md 2.3 to 2.5), and
 * how this node answers claims about itself.
 *
 * The steps carry the sheet's numbers. A claim's strings point into the packet, or into the member
 * itself: encode and queue it before the member is touched.
 *
 * At incarnation 2^32-1 memberlist's counter wraps and a node can never refute again. Here it stops
 * there instead, accusations at that height are believed of our own probing only, and a suspect at
 * that height may be cleared by an alive of the same height (docs/WIRE.md).
 */
#include "node.h"

/* One key for our refutations, apart from the one of our name (PROTOCOL.md T18). No member can have
 * such a long name. */
static const char refute_key[KITH_NAME_LIMIT + 1] = "refute";

bool kith_allowed(const struct kith_core *c, struct kith_bytes addr)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (c->set.cidrs_count == 0) return true;
    if (addr.len == 16 && memcmp(addr.data, mapped, 12) == 0)
        addr = kith_bytes_of(addr.data + 12, 4);
    for (size_t i = 0; i < c->set.cidrs_count; i++) {
        const struct kith_cidr *net = &c->set.cidrs_allowed[i];
        unsigned whole = net->prefix / 8, bits = net->prefix % 8;
        if (net->len != addr.len || memcmp(net->bytes, addr.data, whole) != 0) continue;
        if (bits == 0 || ((net->bytes[whole] ^ addr.data[whole]) >> (8 - bits)) == 0) return true;
    }
    return false;
}

void kith_self_message(const struct kith_core *c, struct kith_msg *msg, uint32_t incarnation,
                       struct kith_bytes meta)
{
    memset(msg, 0, sizeof *msg);
    msg->type = KITH_MSG_ALIVE;
    msg->incarnation = incarnation;
    msg->node = kith_self_name(c);
    msg->addr = kith_bytes_of(c->advertise.bytes, c->advertise.len);
    msg->port = c->advertise.port;
    msg->meta = meta;
    msg->vsn = kith_bytes_of(c->versions, sizeof c->versions);
}

void kith_member_of(struct kith_member *out, const struct kith_msg *msg, struct kith_bytes name,
                    char *name_copy)
{
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    out->incarnation = msg->incarnation;
    out->state = (uint32_t)msg->state;
    if (msg->vsn.len >= sizeof out->versions)
        memcpy(out->versions, msg->vsn.data, sizeof out->versions);
    if (name.len) memcpy(name_copy, name.data, name.len);
    name_copy[name.len] = 0;
    out->name = kith_bytes_of(name_copy, name.len);
    out->meta = msg->meta;
    out->addr.len = (uint8_t)msg->addr.len;
    out->addr.port = msg->port;
    if (msg->addr.len) memcpy(out->addr.bytes, msg->addr.data, msg->addr.len);
}

/* Queue a message under the name of the member it is about (PROTOCOL.md 2.17), or ours to refute.
 * request->queued tells whether it is there. */
static void broadcast(struct kith_core *c, const struct kith_msg *msg, const char *key,
                      size_t key_len, struct kith_request *request)
{
    struct kith_buf buf = {c->scratch, c->scratch, 0, sizeof c->scratch};
    if (kith_wire_write_message(&buf, msg) < 0 ||
        kith_broadcasts_add(&c->queue, key, key_len, kith_bytes_of(buf.data, buf.len),
                            (uintptr_t)request) < 0) {
        kith_drop(c, KITH_DROP_NO_MEMORY);
    } else if (request) {
        request->queued = true;
    }
}

static void broadcast_named(struct kith_core *c, const struct kith_msg *msg,
                            struct kith_request *request)
{
    broadcast(c, msg, (const char *)msg->node.data, msg->node.len, request);
}

static void notify(struct kith_core *c, void (*fn)(void *, const struct kith_member *),
                   const struct kith_peer *p)
{
    struct kith_member view;
    if (!fn) return;
    kith_peer_view(p, &view);
    KITH_ASK(c, fn(c->env.delegate_self, &view));
}

/* PROTOCOL.md 2.5, refute. */
static void refute(struct kith_core *c, uint32_t accused)
{
    struct kith_peer *self = c->self;
    struct kith_msg alive;
    uint32_t inc = self->incarnation < UINT32_MAX ? self->incarnation + 1 : UINT32_MAX;
    if (accused >= inc) inc = accused < UINT32_MAX ? accused + 1 : UINT32_MAX;
    self->incarnation = inc;
    kith_awareness(c, 1);
    kith_count(c, KITH_COUNT_REFUTED);
    kith_self_message(c, &alive, inc, kith_peer_meta(self));
    alive.vsn = kith_bytes_of(self->versions, sizeof self->versions);
    broadcast(c, &alive, refute_key, sizeof refute_key, NULL);
}

/* Limits that memberlist does not have. */
static bool acceptable(struct kith_core *c, const struct kith_msg *msg)
{
    if (msg->node.len == 0 || msg->node.len > KITH_NAME_LIMIT) {
        kith_drop(c, KITH_DROP_BAD_NAME);
        return false;
    }
    if (msg->addr.len == 0 || msg->addr.len > KITH_ADDR_MAX) {
        kith_drop(c, KITH_DROP_BAD_ADDRESS);
        return false;
    }
    if (msg->meta.len > KITH_META_LIMIT) {
        kith_drop(c, KITH_DROP_META_TOO_LONG);
        return false;
    }
    return true;
}

/* 2.3.2 and 2.3.3 */
static bool vetted(struct kith_core *c, const struct kith_msg *msg)
{
    const uint8_t *v = msg->vsn.data;
    if (msg->vsn.len >= 3 && (v[0] == 0 || v[1] == 0 || v[0] > v[1])) {
        kith_drop(c, KITH_DROP_BAD_VERSIONS);
        kith_log_some(c, KITH_LOG_WARN, NULL,
                      "Ignoring an alive message for %.*s: protocol version(s) are wrong",
                      KITH_STR(msg->node));
        return false;
    }
    if (!c->ops.notify_alive) return true;
    if (msg->vsn.len < 6) {
        kith_drop(c, KITH_DROP_BAD_VERSIONS);
        return false;
    }
    char name[KITH_NAME_LIMIT + 1];
    struct kith_member view;
    struct kith_error err = {.size = sizeof err};
    int no;
    kith_member_of(&view, msg, msg->node, name);
    KITH_ASK(c, no = c->ops.notify_alive(c->env.delegate_self, &view, &err));
    if (!no) return true;
    kith_drop(c, KITH_DROP_VETOED);
    kith_log_some(c, KITH_LOG_WARN, NULL, "ignoring alive message for %.*s: %s",
                  KITH_STR(msg->node), err.text);
    return false;
}

/* 2.3.4; NULL: dropped. */
static struct kith_peer *stranger(struct kith_core *c, const struct kith_msg *msg, uint32_t hash)
{
    if (!kith_allowed(c, msg->addr)) {
        kith_drop(c, KITH_DROP_ADDRESS_NOT_ALLOWED);
        kith_log_some(c, KITH_LOG_WARN, NULL, "Rejected node %.*s: address not in cidrs_allowed",
                      KITH_STR(msg->node));
        return NULL;
    }
    if (c->self && c->members.count >= c->set.max_members) {
        kith_drop(c, KITH_DROP_MAX_MEMBERS);
        return NULL;
    }
    struct kith_peer *p =
        kith_members_add(&c->members, &c->random, msg->node, hash, msg->addr, msg->port, msg->meta);
    if (!p) {
        kith_drop(c, KITH_DROP_NO_MEMORY);
        return NULL;
    }
    if (msg->vsn.len >= 6) memcpy(p->versions, msg->vsn.data, 6);
    return p;
}

/* 2.3.5: may the name move to another address? */
static bool may_move(struct kith_core *c, const struct kith_peer *p, const struct kith_msg *msg)
{
    if (!kith_allowed(c, msg->addr)) {
        kith_drop(c, KITH_DROP_ADDRESS_NOT_ALLOWED);
        kith_log_some(c, KITH_LOG_WARN, NULL,
                      "Rejected IP update for %.*s: address not in cidrs_allowed",
                      KITH_STR(msg->node));
        return false;
    }
    uint64_t reclaim = c->set.dead_node_reclaim_time;
    if (p->state == KITH_LEFT ||
        (p->state == KITH_DEAD && reclaim > 0 && c->now - p->since > reclaim)) {
        kith_log_some(c, KITH_LOG_INFO, NULL, "Updating address for left or failed node %.*s",
                      KITH_STR(msg->node));
        return true;
    }
    char name[KITH_NAME_LIMIT + 1];
    struct kith_member ours, other;
    kith_member_of(&other, msg, msg->node, name);
    kith_count(c, KITH_COUNT_CONFLICTS);
    kith_log_some(c, KITH_LOG_ERROR, &other.addr, "Conflicting address for %.*s. Old state: %u",
                  KITH_STR(msg->node), (unsigned)p->state);
    if (!c->ops.notify_conflict) return false;
    kith_peer_view(p, &ours);
    KITH_ASK(c, c->ops.notify_conflict(c->env.delegate_self, &ours, &other));
    return false;
}

/* 2.3.10 */
static void alive_events(struct kith_core *c, struct kith_peer *p, unsigned was, bool meta_changed)
{
    if (was == KITH_DEAD || was == KITH_LEFT) {
        notify(c, c->ops.notify_join, p);
        return;
    }
    if (was == KITH_SUSPECT) notify(c, c->ops.notify_suspect, p);
    if (meta_changed) notify(c, c->ops.notify_update, p);
}

bool kith_alive(struct kith_core *c, const struct kith_msg *msg, enum kith_origin origin,
                struct kith_request *request)
{
    bool ours = origin == KITH_FROM_SELF, moved = false;
    if (!acceptable(c, msg)) return false;
    uint32_t hash = kith_members_hash(&c->members, msg->node);
    struct kith_peer *p = kith_members_find(&c->members, msg->node, hash);
    bool self = ours || p == c->self;
    if (self && c->left) return false; /* 1 */
    if (!vetted(c, msg)) return false; /* 2, 3 */
    if (!p) {                          /* 4 */
        p = stranger(c, msg, hash);
        if (!p) return false;
        if (ours) c->self = p;
    } else if (p->port != msg->port || !kith_bytes_equal(kith_peer_addr(p), msg->addr)) { /* 5 */
        moved = may_move(c, p, msg);
        if (!moved) return false;
    }
    bool cleared =
        p->state == KITH_SUSPECT && p->incarnation == UINT32_MAX && msg->incarnation == UINT32_MAX;
    if (!self && msg->incarnation <= p->incarnation && !moved && !cleared) return false; /* 6 */
    if (self && msg->incarnation < p->incarnation) return false;                         /* 7 */
    bool meta_changed = !kith_bytes_equal(kith_peer_meta(p), msg->meta);
    if (self && !ours) { /* 9 */
        if (msg->incarnation == p->incarnation && !meta_changed &&
            kith_bytes_equal(msg->vsn, kith_bytes_of(p->versions, 6)))
            return false;
        kith_log_some(c, KITH_LOG_WARN, NULL, "Refuting an alive message for %.*s",
                      KITH_STR(msg->node));
        refute(c, msg->incarnation);
        kith_count(c, KITH_COUNT_ALIVE_CHANGES);
        return true;
    }
    struct kith_msg relayed = *msg;
    if (msg->vsn.len != 6)
        relayed.vsn = kith_bytes_of(NULL, 0); /* 1 to 5 bytes crash memberlist up to v0.6.0 (T6) */
    broadcast_named(c, &relayed, request);
    bool same =
        !moved && !meta_changed && !p->accuser_len && p->meta_set == (msg->meta.data != NULL);
    if (!same && kith_peer_store(p, msg->addr, msg->meta, kith_bytes_of(NULL, 0)) < 0) {
        kith_drop(c, KITH_DROP_NO_MEMORY);
        return false;
    }
    kith_suspicion_forget(c, p); /* 8 */
    unsigned was = p->state;
    if (msg->vsn.len >= 6) memcpy(p->versions, msg->vsn.data, 6);
    p->incarnation = msg->incarnation;
    p->port = msg->port;
    if (was != KITH_ALIVE) kith_members_state(&c->members, p, KITH_ALIVE, c->now);
    kith_count(c, KITH_COUNT_ALIVE_CHANGES);
    alive_events(c, p, was, meta_changed);
    return true;
}

/* An accusation at the end of the range could never be answered: only our own probing makes one
 * there, and a member that itself stands there may say that it leaves. */
static bool too_high(struct kith_core *c, const struct kith_peer *p, const struct kith_msg *msg,
                     enum kith_origin origin)
{
    if (msg->incarnation != UINT32_MAX || origin == KITH_FROM_SELF || p == c->self) return false;
    if (msg->type == KITH_MSG_DEAD && p->incarnation == UINT32_MAX &&
        kith_bytes_equal(msg->node, msg->from))
        return false;
    kith_drop(c, KITH_DROP_MAX_INCARNATION);
    return true;
}

/* 2.4 and 2.5, steps 1 and 2. NULL: not worth a thought. */
static struct kith_peer *accused(struct kith_core *c, const struct kith_msg *msg,
                                 enum kith_origin origin)
{
    struct kith_peer *p =
        kith_members_find(&c->members, msg->node, kith_members_hash(&c->members, msg->node));
    if (!p || msg->incarnation < p->incarnation || too_high(c, p, msg, origin)) return NULL;
    if (msg->from.len <= KITH_NAME_LIMIT) return p;
    kith_drop(c, KITH_DROP_BAD_NAME);
    return NULL;
}

bool kith_suspect(struct kith_core *c, const struct kith_msg *msg, enum kith_origin origin)
{
    struct kith_peer *p = accused(c, msg, origin);
    if (!p) return false;
    if (p->suspicion) { /* 3 */
        if (!kith_suspicion_confirm(c, p, msg->from)) return false;
        broadcast_named(c, msg, NULL);
        return true;
    }
    if (p->state != KITH_ALIVE) return false; /* 4 */
    if (p == c->self) {                       /* 5 */
        kith_log_some(c, KITH_LOG_WARN, NULL, "Refuting a suspect message (from: %.*s)",
                      KITH_STR(msg->from));
        refute(c, msg->incarnation);
        return true;
    }
    if (kith_suspicion_begin(c, p, msg->from) < 0) {
        kith_drop(c, KITH_DROP_NO_MEMORY);
        return false;
    }
    broadcast_named(c, msg, NULL);
    p->incarnation = msg->incarnation; /* 6 */
    kith_members_state(&c->members, p, KITH_SUSPECT, c->now);
    kith_peer_accuse(p, msg->from);
    kith_count(c, KITH_COUNT_SUSPECT_CHANGES);
    notify(c, c->ops.notify_suspect, p);
    return true;
}

bool kith_dead(struct kith_core *c, const struct kith_msg *msg, enum kith_origin origin,
               struct kith_request *request)
{
    struct kith_peer *p = accused(c, msg, origin);
    if (!p || kith_peer_gone(p)) return false; /* 4 */
    if (p == c->self && !c->left) {            /* 5 */
        kith_log_some(c, KITH_LOG_WARN, NULL, "Refuting a dead message (from: %.*s)",
                      KITH_STR(msg->from));
        refute(c, msg->incarnation);
        return true;
    }
    bool left = kith_bytes_equal(msg->node, msg->from);
    kith_suspicion_forget(c, p); /* 3 */
    broadcast_named(c, msg, request);
    p->incarnation = msg->incarnation; /* 6 */
    kith_members_state(&c->members, p, left ? KITH_LEFT : KITH_DEAD, c->now);
    kith_peer_accuse(p, msg->from);
    kith_count(c, KITH_COUNT_DEAD_CHANGES);
    notify(c, c->ops.notify_leave, p);
    return true;
}
