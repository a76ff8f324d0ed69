/*
 * requests.c - what the owner of a core asks for: join, leave, update, broadcast, send, ping.
 *
 * Each request that is accepted ends in exactly one KITH_OUT_DONE (completion.h).
 */
#include "completion.h"
#include "core_log.h"
#include "exchange.h"
#include "farewell.h"
#include "joining.h"
#include "merge.h"
#include "packet.h"
#include "peer.h"
#include "pending.h"
#include "self.h"
#include "state.h"
#include "sync.h"

#include <stdlib.h>

/* Whom a request is for. */
struct target {
    struct kith_peer peer; /* its address is the one below */
    struct kith_addr to;
};

/* Find the address: the one given, else that of the member of that name. */
static int find_target(struct kith_core *c, const struct kith_peer *whom, struct target *out)
{
    struct kith_bytes name = whom->name;
    if (!c->started) return -KITH_ECLOSED;
    if (name.len > KITH_NAME_LIMIT || (c->set.require_node_names && name.len == 0))
        return -KITH_EINVAL;
    out->peer = kith_peer_of(&out->to, name, 0);
    if (whom->addr) {
        if (whom->addr->len == 0 || whom->addr->len > KITH_ADDR_MAX) return -KITH_EINVAL;
        kith_addr_copy(&out->to, whom->addr);
        if (out->to.port == 0) out->to.port = c->default_port;
        return 0;
    }
    if (name.len == 0) return -KITH_EINVAL;
    const struct kith_record *p = kith_members_named(&c->members, name);
    if (!p) return -KITH_ENOTFOUND;
    kith_record_address(p, &out->to);
    out->peer.protocol_max = p->versions[1];
    return 0;
}

int64_t kith_core_join(struct kith_core *c, uint64_t now, const struct kith_peer *whom)
{
    struct target t;
    kith_enter(c, now);
    int err = find_target(c, whom, &t);
    if (err < 0) return err;
    if (c->left) return -KITH_ECLOSED;
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_OTHER);
    if (!r) return -KITH_ENOMEM;
    err = kith_joining_begin(c, &t.peer, r);
    if (err < 0) {
        kith_request_cancel(c, r);
        return err;
    }
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
        bool wait = kith_request_company(c);
        kith_moving_end(c);
        c->left = true;
        kith_dead(c, &dead, NULL, wait ? r : NULL);
        c->leave_under_way = r->queued;
        err = r->refused;
        if (r->queued) kith_farewell_begin(c);
    }
    if (c->leave_under_way)
        kith_request_timeout(c, r, timeout);
    else
        kith_request_done(c, r, err, 0);
    return id;
}

static int check_fit(struct kith_core *c, struct kith_bytes meta)
{
    char why[KITH_SELF_WHY];
    int err = kith_self_fits(c, meta, kith_packet_budget(c, NULL), why);
    if (err < 0) kith_core_log(c, KITH_LOG_ERROR, NULL, "Meta stays as it is: %s", why);
    return err;
}

int64_t kith_core_update(struct kith_core *c, uint64_t now, uint64_t timeout)
{
    uint8_t buf[KITH_META_MAX], sealed[KITH_META_MAX];
    struct kith_bytes meta;
    struct kith_msg alive;
    kith_enter(c, now);
    if (!c->started || c->left) return -KITH_ECLOSED;
    int err = kith_self_meta(c, buf, &meta);
    if (err == 0) err = check_fit(c, meta);
    if (err < 0) return err; /* what others know of us stays as it is */
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_UPDATE);
    if (!r) return -KITH_ENOMEM;
    uint32_t id = r->id;
    bool wait = kith_request_company(c);
    kith_self_alive(c, &alive, kith_self_next(c), meta, sealed);
    if (!kith_alive(c, &alive, NULL, wait ? r : NULL)) {
        kith_request_cancel(c, r);
        return -KITH_EREFUSED;
    }
    kith_self_keep(c, meta);
    if (r->queued)
        kith_request_timeout(c, r, timeout);
    else
        kith_request_done(c, r, r->refused, 0);
    return id;
}

/* Queue `08 | payload`; tag: of the request that waits for its end, or 0. */
static int queue_payload(struct kith_broadcasts *q, struct kith_bytes payload,
                         struct kith_bytes key, uint32_t priority, uint64_t tag)
{
    size_t len = payload.len + 1;
    uint8_t *msg = malloc(len);
    if (!msg) return -KITH_ENOMEM;
    msg[0] = KITH_MSG_USER;
    if (payload.len) memcpy(msg + 1, payload.data, payload.len);
    int err = kith_broadcasts_add(q, key, priority, kith_bytes_of(msg, len), tag);
    free(msg);
    return err;
}

int64_t kith_core_broadcast(struct kith_core *c, uint64_t now, struct kith_bytes payload,
                            struct kith_bytes key, uint32_t priority)
{
    kith_enter(c, now);
    if (!c->started) return -KITH_ECLOSED;
    if (key.len > KITH_NAME_LIMIT) return -KITH_EINVAL;
    if (payload.len >= kith_packet_broadcast_max(kith_packet_budget(c, NULL).bytes))
        return -KITH_ETOOBIG;
    if (kith_broadcasts_count(&c->user_queue) >= c->set.max_broadcasts &&
        !kith_broadcasts_has(&c->user_queue, key))
        return -KITH_EAGAIN;
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_BROADCAST);
    if (!r) return -KITH_ENOMEM;
    bool wait = kith_request_company(c);
    int err = queue_payload(&c->user_queue, payload, key, priority, wait ? (uintptr_t)r : 0);
    r->queued = err == 0 && wait;
    if (err < 0) {
        kith_request_cancel(c, r);
        return err;
    }
    kith_count(c, KITH_COUNT_USER_BROADCASTS);
    uint32_t id = r->id;
    if (!wait) kith_request_done(c, r, 0, 0);
    return id;
}

/* `08 | map | bytes` (PROTOCOL.md 1.8), to be written when the stream is open. */
static int prepare_payload(struct kith_core *c, struct kith_exchange *s, struct kith_bytes payload)
{
    struct kith_msg header = {.type = KITH_MSG_USER, .user_msg_len = (int64_t)payload.len};
    struct kith_buf buf = {0};
    buf.cap = 1 + kith_wire_size(KITH_BODY_USER_HEADER, &header) + payload.len;
    buf.base = buf.data = malloc(buf.cap);
    if (!buf.base) return -KITH_ENOMEM;
    *kith_buf_put(&buf, 1) = KITH_MSG_USER;
    if (kith_wire_write(&buf, KITH_BODY_USER_HEADER, &header) < 0)
        assert(!"wire_size and wire_write agree");
    if (payload.len) memcpy(kith_buf_put(&buf, payload.len), payload.data, payload.len);
    return kith_exchange_prepare(c, s, buf.base, buf.len);
}

static int64_t send_reliable(struct kith_core *c, const struct kith_peer *to,
                             struct kith_bytes payload)
{
    if (payload.len > kith_exchange_most(c)) return -KITH_ETOOBIG;
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_OTHER);
    if (!r) return -KITH_ENOMEM;
    struct kith_exchange *s =
        kith_exchange_dial(c, KITH_EXCHANGE_USER, to, kith_later(c->now, c->set.tcp_timeout), NULL);
    int err = s ? prepare_payload(c, s, payload) : -KITH_EAGAIN;
    if (err < 0) {
        kith_request_cancel(c, r);
        if (s) kith_exchange_finish(c, s, err, 0);
        return err;
    }
    s->request = r;
    kith_count(c, KITH_COUNT_USER_MESSAGES_SENT);
    return r->id;
}

static int64_t send_packet(struct kith_core *c, const struct kith_peer *to,
                           struct kith_bytes payload)
{
    if (payload.len >= kith_packet_budget(c, to).bytes) return -KITH_ETOOBIG;
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_OTHER);
    if (!r) return -KITH_ENOMEM;
    uint32_t id = r->id;
    struct kith_packer pk;
    kith_packer_begin(&pk, c, to);
    bool ok = kith_packer_add_user(&pk, payload);
    kith_packer_end(&pk);
    if (ok) kith_count(c, KITH_COUNT_USER_MESSAGES_SENT);
    kith_request_done(c, r, ok ? 0 : -KITH_ENOMEM, 0);
    return id;
}

int64_t kith_core_send(struct kith_core *c, uint64_t now, const struct kith_peer *whom,
                       struct kith_bytes payload, bool reliable)
{
    struct target t;
    kith_enter(c, now);
    int err = find_target(c, whom, &t);
    if (err < 0) return err;
    return reliable ? send_reliable(c, &t.peer, payload) : send_packet(c, &t.peer, payload);
}

static void ping_expired(struct kith_core *c, struct kith_alarm *alarm)
{
    struct kith_pending *p = KITH_OF(alarm, struct kith_pending, alarm);
    kith_pending_remove(c, p);
    kith_request_done(c, p->request, -KITH_ETIMEOUT, 0);
    kith_pending_free(c, p);
}

int64_t kith_core_ping(struct kith_core *c, uint64_t now, const struct kith_peer *whom)
{
    struct target t;
    kith_enter(c, now);
    int err = find_target(c, whom, &t);
    if (err < 0) return err;
    struct kith_request *r = kith_request_new(c, KITH_REQUEST_OTHER);
    struct kith_pending *p = r ? kith_pending_new(c, KITH_PENDING_PING) : NULL;
    uint32_t id = r ? r->id : 0;
    if (!p) {
        if (r) kith_request_cancel(c, r);
        return r ? -KITH_EAGAIN : -KITH_ENOMEM;
    }
    p->alarm.fire = ping_expired;
    p->request = r;
    p->sent = c->now;
    kith_pending_add(&c->pendings, p);
    uint64_t wait = c->set.probe_timeout;
    if (c->set.probe_interval && c->set.probe_interval < wait) wait = c->set.probe_interval;
    kith_alarm_set(&c->alarms, &p->alarm, kith_later(c->now, wait));
    struct kith_msg ping;
    kith_self_ping(c, &ping, p->seq_no, t.peer.name);
    kith_send_piggyback(c, &t.to, t.peer.name, &ping);
    return id;
}
