/*
 * spread.c - what this node has gossiped about members: claims that it took, its refutations, its
 * leave. Does not know which claims are taken: merge.c decides.
 *
 * A message is written, and queued, before the record is touched that its strings may point into.
 */
#include "spread.h"
#include "awareness.h"
#include "compare.h"
#include "completion.h"
#include "core_log.h"
#include "notify.h"
#include "packet.h"
#include "self.h"
#include "state.h"

/* One key for our refutations, apart from the one of our name (PROTOCOL.md T18). No member can have
 * such a long name. */
static const char refute_key[KITH_NAME_LIMIT + 1] = "refute";

/* Queue the message under a key: it replaces what the key had (PROTOCOL.md 2.17). One that came as
 * we would write it is passed on as it is. One that no packet can carry is not kept: it would wait
 * for ever. */
static int queue(struct kith_core *c, const struct kith_msg *msg, struct kith_bytes key,
                 uint64_t tag)
{
    uint8_t storage[KITH_MESSAGE_MAX];
    struct kith_buf buf = {storage, storage, 0, sizeof storage};
    struct kith_bytes bytes = msg->whole;
    struct kith_core_budget budget = kith_packet_budget(c, NULL);
    size_t max = kith_packet_broadcast_max(budget.bytes);
    if (!bytes.data && kith_wire_write_message(&buf, msg) == 0)
        bytes = kith_bytes_of(buf.data, buf.len);
    if (!bytes.data || bytes.len > max) {
        kith_count_drop(c, KITH_DROP_BROADCAST_TOO_BIG);
        kith_core_log_some(c, KITH_LOG_WARN, NULL,
                           "Not gossiped: %s message about %.*s has %u bytes, packets take %u (the "
                           "limit is %s)",
                           kith_msg_name(msg->type), KITH_STR(msg->node),
                           (unsigned)kith_wire_size((enum kith_body)msg->type, msg) + 1,
                           (unsigned)max, budget.limit);
        return -KITH_ETOOBIG;
    }
    int err = kith_broadcasts_add(&c->queue, key, 0, bytes, tag);
    if (err < 0) kith_count_drop(c, KITH_DROP_NO_MEMORY);
    return err;
}

void kith_spread(struct kith_core *c, const struct kith_msg *msg, struct kith_request *request)
{
    int err = queue(c, msg, msg->node, (uintptr_t)request);
    if (!request) return;
    request->queued = err == 0;
    request->refused = err;
}

void kith_say_left(struct kith_core *c)
{
    struct kith_msg dead = {.type = KITH_MSG_DEAD,
                            .incarnation = c->self->incarnation,
                            .node = kith_self_name(c),
                            .from = kith_self_name(c)};
    kith_spread(c, &dead, NULL);
}

/* Our alive at this incarnation, its meta sealed anew and noted in our record: others will tell us
 * what we said. buf takes KITH_META_MAX bytes. */
static void say_again(struct kith_core *c, struct kith_msg *alive, uint32_t inc, uint8_t *buf)
{
    struct kith_record *self = c->self;
    kith_self_alive(c, alive, inc, kith_self_kept(c), buf);
    alive->vsn = kith_bytes_of(self->versions, sizeof self->versions);
    if (kith_short_equal(alive->meta, kith_record_meta(self))) return;
    if (kith_members_store(&c->members, self, kith_record_addr(self), alive->meta) < 0) {
        kith_count_drop(c, KITH_DROP_NO_MEMORY);
        alive->meta = kith_record_meta(self);
    }
}

void kith_refute(struct kith_core *c, uint32_t accused)
{
    struct kith_record *self = c->self;
    struct kith_msg alive;
    uint8_t buf[KITH_META_MAX];
    uint32_t inc = kith_self_next(c);
    if (accused >= inc) inc = accused < UINT32_MAX ? accused + 1 : UINT32_MAX;
    self->incarnation = inc;
    kith_awareness_change(c, 1);
    kith_count(c, KITH_COUNT_REFUTED);
    say_again(c, &alive, inc, buf);
    queue(c, &alive, kith_bytes_of(refute_key, sizeof refute_key), 0);
    struct kith_event event = {.number = inc};
    kith_notify_event(c, KITH_EVENT_REFUTED, &event);
}
