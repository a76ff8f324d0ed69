/*
 * commands.c - what the owner of a node asks for: join, leave, update, broadcast, send; and what it
 * wants to know.
 *
 * Each command that is accepted ends in exactly one KITH_OUT_DONE.
 */
#include "node.h"

#include <stdlib.h>

/* Members besides us that are not dead: somebody to wait for. */
static bool company(const struct kith_core *c)
{
    uint32_t live = c->members.in_state[KITH_ALIVE] + c->members.in_state[KITH_SUSPECT];
    return live > (kith_peer_gone(c->self) ? 0u : 1u);
}

int kith_command(struct kith_core *c, uint64_t now, const char *name, const struct kith_addr *addr,
                 struct kith_addr *to)
{
    kith_enter(c, now);
    size_t len = name ? strlen(name) : 0;
    if (!c->started) return -KITH_ECLOSED;
    if (len > KITH_NAME_LIMIT || (c->set.require_node_names && len == 0)) return -KITH_EINVAL;
    if (addr) {
        if (addr->len == 0 || addr->len > KITH_ADDR_MAX) return -KITH_EINVAL;
        *to = *addr;
        if (to->port == 0) to->port = c->default_port;
        return 0;
    }
    if (len == 0) return -KITH_EINVAL;
    struct kith_bytes key = kith_bytes_of(name, len);
    struct kith_peer *p = kith_members_find(&c->members, key, kith_members_hash(&c->members, key));
    if (!p) return -KITH_ENOTFOUND;
    kith_peer_address(p, to);
    return 0;
}

int64_t kith_core_join(struct kith_core *c, uint64_t now, const struct kith_addr *addr,
                       const char *name)
{
    struct kith_addr to;
    struct kith_bytes peer = kith_bytes_of(name, name ? strlen(name) : 0);
    int err = kith_command(c, now, name, addr, &to);
    if (err < 0) return err;
    if (c->left) return -KITH_ECLOSED;
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_OTHER);
    if (!r) return -KITH_ENOMEM;
    struct kith_stream *s =
        kith_stream_dial(c, KITH_STREAM_JOIN, &to, peer, kith_later(c->now, c->set.tcp_timeout));
    if (!s) {
        kith_request_cancel(c, r);
        return -KITH_EAGAIN;
    }
    s->request = r;
    return r->id;
}

int64_t kith_core_leave(struct kith_core *c, uint64_t now, uint64_t timeout)
{
    kith_enter(c, now);
    if (!c->started) return -KITH_ECLOSED;
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_LEAVE);
    if (!r) return -KITH_ENOMEM;
    uint32_t id = r->id;
    int err = 0;
    if (!c->left) {
        struct kith_msg dead = {.type = KITH_MSG_DEAD,
                                .incarnation = c->self->incarnation,
                                .node = kith_self_name(c),
                                .from = kith_self_name(c)};
        bool wait = company(c);
        c->left = true;
        kith_dead(c, &dead, KITH_FROM_SELF, wait ? r : NULL);
        c->leave_under_way = r->queued;
        err = wait && !r->queued ? -KITH_ENOMEM : 0;
    }
    if (c->leave_under_way)
        kith_request_timeout(c, r, timeout);
    else
        kith_request_done(c, r, err, 0);
    return id;
}

int64_t kith_core_update(struct kith_core *c, uint64_t now, uint64_t timeout)
{
    uint8_t buf[KITH_META_MAX];
    struct kith_bytes meta;
    struct kith_msg alive;
    kith_enter(c, now);
    if (!c->started || c->left) return -KITH_ECLOSED;
    if (c->self->incarnation == UINT32_MAX) return -KITH_EREFUSED;
    int err = kith_own_meta(c, buf, &meta);
    if (err < 0) return err; /* it stays as it is */
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_UPDATE);
    if (!r) return -KITH_ENOMEM;
    uint32_t id = r->id;
    bool wait = company(c);
    kith_self_message(c, &alive, c->self->incarnation + 1, meta);
    if (!kith_alive(c, &alive, KITH_FROM_SELF, wait ? r : NULL)) {
        kith_request_cancel(c, r);
        return -KITH_EREFUSED;
    }
    if (r->queued)
        kith_request_timeout(c, r, timeout);
    else
        kith_request_done(c, r, wait ? -KITH_ENOMEM : 0, 0);
    return id;
}

int64_t kith_core_broadcast(struct kith_core *c, uint64_t now, struct kith_bytes payload)
{
    kith_enter(c, now);
    if (!c->started) return -KITH_ECLOSED;
    if (payload.len + 5 > kith_budget(c, NULL)) return -KITH_ETOOBIG;
    if (kith_broadcasts_count(&c->user_queue) >= c->set.max_broadcasts) return -KITH_EAGAIN;
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_BROADCAST);
    uint8_t *msg = r ? malloc(payload.len + 1) : NULL;
    bool wait = company(c);
    int err = msg ? 0 : -KITH_ENOMEM;
    if (msg) {
        msg[0] = KITH_MSG_USER;
        if (payload.len) memcpy(msg + 1, payload.data, payload.len);
        r->queued = wait;
        err = kith_broadcasts_add(&c->user_queue, NULL, 0, kith_bytes_of(msg, payload.len + 1),
                                  wait ? (uintptr_t)r : 0);
    }
    free(msg);
    if (err < 0) {
        if (r) {
            r->queued = false;
            kith_request_cancel(c, r);
        }
        return err;
    }
    kith_count(c, KITH_COUNT_USER_BROADCASTS);
    uint32_t id = r->id;
    if (!wait) kith_request_done(c, r, 0, 0);
    return id;
}

/* `08 | map | bytes` (PROTOCOL.md 1.8) */
static int say(struct kith_core *c, struct kith_stream *s, struct kith_bytes payload)
{
    struct kith_msg header = {.type = KITH_MSG_USER, .user_msg_len = (int64_t)payload.len};
    struct kith_buf buf = {0};
    buf.cap = 1 + kith_wire_size(KITH_BODY_USER_HEADER, &header) + payload.len;
    if (c->streams.memory + buf.cap > c->set.max_stream_memory) return -KITH_EAGAIN;
    buf.base = buf.data = malloc(buf.cap);
    if (!buf.base) return -KITH_ENOMEM;
    *kith_buf_put(&buf, 1) = KITH_MSG_USER;
    if (kith_wire_write(&buf, KITH_BODY_USER_HEADER, &header) < 0)
        assert(!"wire_size and wire_write agree");
    if (payload.len) memcpy(kith_buf_put(&buf, payload.len), payload.data, payload.len);
    s->out = buf.base;
    s->out_len = buf.len;
    c->streams.memory += buf.len;
    return 0;
}

static int64_t send_reliable(struct kith_core *c, struct kith_bytes name,
                             const struct kith_addr *to, struct kith_bytes payload)
{
    if (payload.len > c->set.max_stream_size) return -KITH_ETOOBIG;
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_OTHER);
    if (!r) return -KITH_ENOMEM;
    struct kith_stream *s =
        kith_stream_dial(c, KITH_STREAM_USER, to, name, kith_later(c->now, c->set.tcp_timeout));
    int err = s ? say(c, s, payload) : -KITH_EAGAIN;
    if (err < 0) {
        kith_request_cancel(c, r);
        if (s) kith_stream_finish(c, s, err, 0);
        return err;
    }
    s->request = r;
    kith_count(c, KITH_COUNT_USER_MESSAGES_SENT);
    return r->id;
}

int64_t kith_core_send(struct kith_core *c, uint64_t now, const char *name,
                       const struct kith_addr *addr, struct kith_bytes payload, bool reliable)
{
    struct kith_addr to;
    struct kith_bytes peer = kith_bytes_of(name, name ? strlen(name) : 0);
    int err = kith_command(c, now, name, addr, &to);
    if (err < 0) return err;
    if (reliable) return send_reliable(c, peer, &to, payload);
    if (payload.len + 1 > kith_budget(c, &to)) return -KITH_ETOOBIG;
    const struct kith_peer *p =
        kith_members_find(&c->members, peer, kith_members_hash(&c->members, peer));
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_OTHER);
    if (!r) return -KITH_ENOMEM;
    uint32_t id = r->id;
    struct kith_packer pk;
    kith_packer_begin(&pk, c, &to, peer, p && !addr ? p->versions[1] : 0);
    bool ok = kith_packer_add_user(&pk, payload);
    kith_packer_end(&pk);
    if (ok) kith_count(c, KITH_COUNT_USER_MESSAGES_SENT);
    kith_request_done(c, r, ok ? 0 : -KITH_ENOMEM, 0);
    return id;
}

/* ----------------------------------------------------------------------------- what it knows */

size_t kith_core_size(const struct kith_core *c) { return c->members.count; }

size_t kith_core_alive(const struct kith_core *c)
{
    return c->members.in_state[KITH_ALIVE] + c->members.in_state[KITH_SUSPECT];
}

void kith_core_member(const struct kith_core *c, size_t i, struct kith_member *out)
{
    assert(i < c->members.count);
    kith_peer_view(c->members.list[i], out);
}

int kith_core_find(const struct kith_core *c, const char *name, struct kith_member *out)
{
    struct kith_bytes key = kith_bytes_of(name, strlen(name));
    const struct kith_peer *p =
        kith_members_find(&c->members, key, kith_members_hash(&c->members, key));
    if (!p) return -KITH_ENOTFOUND;
    kith_peer_view(p, out);
    return 0;
}

void kith_core_self(const struct kith_core *c, struct kith_member *out)
{
    if (c->self) {
        kith_peer_view(c->self, out);
        return;
    }
    memset(out, 0, sizeof *out);
    out->size = sizeof *out;
    out->state = KITH_LEFT;
    memcpy(out->versions, c->versions, sizeof out->versions);
    out->name = kith_self_name(c);
    out->addr = c->advertise;
}

unsigned kith_core_health(const struct kith_core *c) { return c->health; }

bool kith_core_left(const struct kith_core *c) { return c->left; }
