/*
 * merge.c - what a claim about a member changes: alive, suspect, dead (PROTOCOL.md 2.3 to 2.5), and
 * how this node answers claims about itself.
 *
 * Comments number the steps as PROTOCOL.md does. A claim's strings point into the packet, or into
 * the record itself: encode and queue it before the record is touched. A delegate is asked last,
 * when nothing else stands against a claim and it would change something: memberlist asks earlier
 * (docs/WIRE.md).
 *
 * What was claimed at the top, incarnation 2^32-1, could never be outdone, and there memberlist's
 * counter wraps. So hearsay lifts nobody far up: past half of all numbers (KITH_INCARNATION_STEEP)
 * by a few at a time, once in a while, near the top (KITH_INCARNATION_HIGH) not at all, and we
 * ourselves follow no such claim. What is not believed for that, or contradicts who is known up
 * there, makes the member *doubted*: it is asked itself, and what it says of itself on a stream
 * that we opened to its address is taken, whatever its incarnation. A leave is believed, too, of
 * who does not answer. Our own number stops at 2^32-1 (docs/WIRE.md).
 */
#include "merge.h"
#include "allowed.h"
#include "compare.h"
#include "completion.h"
#include "core_log.h"
#include "farewell.h"
#include "former.h"
#include "formulas.h"
#include "notify.h"
#include "peer.h"
#include "remind.h"
#include "self.h"
#include "spread.h"
#include "state.h"
#include "suspicion.h"
#include "versions.h"
#include "view.h"

/* ------------------------------------------------------------------------------ near the top */

static bool high(uint32_t incarnation) { return incarnation >= KITH_INCARNATION_HIGH; }
static bool steep(uint32_t incarnation) { return incarnation >= KITH_INCARNATION_STEEP; }

/* May hearsay lift it so high? Whether we follow, and when, is to be seen (answers()). */
static bool within_reach(struct kith_core *c, const struct kith_record *p, uint32_t claimed)
{
    if (high(claimed)) return false;
    if (!steep(claimed) || claimed <= p->incarnation) return true;
    return claimed - p->incarnation <= KITH_INCARNATION_STEP &&
           (p == c->self || kith_may_lift(c, p));
}

static void too_high(struct kith_core *c, const struct kith_msg *msg)
{
    kith_count_drop(c, KITH_DROP_MAX_INCARNATION);
    kith_core_log_some(c, KITH_LOG_WARN, NULL,
                       "Not believed: %s message about %.*s with incarnation %u, near its top",
                       kith_msg_name(msg->type), KITH_STR(msg->node), msg->incarnation);
}

/* Do we answer what is said of us at this incarnation? Not far up if we just did. */
static bool answers(struct kith_core *c, uint32_t claimed)
{
    uint32_t ours = c->self->incarnation;
    if (kith_self_away(c, claimed)) return false;
    if (high(ours) || !(steep(ours) || steep(claimed)) || kith_may_lift(c, c->self)) return true;
    kith_count_drop(c, KITH_DROP_MAX_INCARNATION);
    return false;
}

/* Whoever keeps a connection to where that member was may give it up. */
static void gone(struct kith_core *c, const struct kith_record *p)
{
    if (p == c->self) return;
    struct kith_item *item = kith_item_new(&c->items);
    struct kith_addr addr;
    if (!item) {
        kith_count_drop(c, KITH_DROP_NO_MEMORY);
        return;
    }
    kith_record_address(p, &addr);
    struct kith_peer peer = kith_peer_of(&addr, kith_record_name(p), p->versions[1]);
    item->out.kind = KITH_OUT_GONE;
    kith_item_peer(item, &peer);
    kith_items_push(&c->items, item);
}

/* ------------------------------------------------------------------------------- alive */

/* Limits that memberlist does not have. */
static bool acceptable(struct kith_core *c, const struct kith_msg *msg)
{
    if (msg->node.len == 0 || msg->node.len > KITH_NAME_LIMIT) {
        kith_count_drop(c, KITH_DROP_BAD_NAME);
        return false;
    }
    if (msg->addr.len == 0 || msg->addr.len > KITH_ADDR_MAX) {
        kith_count_drop(c, KITH_DROP_BAD_ADDRESS);
        return false;
    }
    if (msg->meta.len > KITH_META_LIMIT) {
        kith_count_drop(c, KITH_DROP_META_TOO_LONG);
        return false;
    }
    return true;
}

/* Whoever passed on others would have Go nodes crash, or refuse every state that names the member
 * (PROTOCOL.md 2.3.2, 2.13, T6). */
static bool sound(struct kith_core *c, const struct kith_msg *msg)
{
    if (kith_versions_sound(msg->vsn)) return true;
    kith_count_drop(c, KITH_DROP_BAD_VERSIONS);
    kith_core_log_some(c, KITH_LOG_WARN, NULL,
                       "Ignoring an alive message for %.*s: protocol version(s) are wrong",
                       KITH_STR(msg->node));
    return false;
}

/* An alive claim on its way through the steps. */
struct alive {
    const struct kith_msg *msg;
    const struct kith_peer *from;
    struct kith_record *record; /* NULL: not known yet */
    bool ours;                  /* our own doing */
    bool first_hand;            /* the member's own word */
    bool self;                  /* about us, whoever says so */
    bool moved;                 /* the name comes from another address, and may */
};

/* Does the delegate agree (PROTOCOL.md 2.3.3)? */
static bool agreed(struct kith_core *c, const struct alive *a)
{
    const struct kith_record *p = a->record;
    char name[KITH_NAME_LIMIT + 1];
    struct kith_member view;
    if (!kith_judges(c, KITH_CLAIM_ALIVE)) return true;
    kith_view_message(c, a->msg, name, &view);
    view.since = p && p->state == KITH_ALIVE ? p->since : c->now;
    return kith_judged(c, KITH_CLAIM_ALIVE, &view, 1, a->from);
}

/* All members together must stay so small that a full state can be sent: else nobody could join any
 * more. `before`: bytes of the member's entry now. */
static bool has_room(struct kith_core *c, const struct kith_msg *msg, uint32_t before)
{
    uint32_t size = kith_entry_size(msg->node.len, msg->addr.len, msg->meta.len);
    if (size <= before ||
        c->members.bytes + size - before <= kith_members_most(c->set.max_stream_size))
        return true;
    kith_count_drop(c, KITH_DROP_MAX_STATE);
    kith_core_log_some(
        c, KITH_LOG_ERROR, NULL,
        "Not taken: %.*s with %u bytes. The members that are known have %llu: a full "
        "state would not fit into max_stream_size",
        KITH_STR(msg->node), size, (unsigned long long)c->members.bytes);
    return false;
}

/* May a name that was not known come in (PROTOCOL.md 2.3.4)? */
static bool may_enter(struct kith_core *c, const struct kith_msg *msg)
{
    if (!kith_allowed(c, msg->addr)) {
        kith_count_drop(c, KITH_DROP_ADDRESS_NOT_ALLOWED);
        kith_core_log_some(c, KITH_LOG_WARN, NULL,
                           "Rejected node %.*s: address not in cidrs_allowed", KITH_STR(msg->node));
        return false;
    }
    if (c->self && c->members.count >= c->set.max_members) {
        kith_count_drop(c, KITH_DROP_MAX_MEMBERS);
        kith_core_log_some(c, KITH_LOG_ERROR, NULL,
                           "Not taken: %.*s. There are max_members already", KITH_STR(msg->node));
        return false;
    }
    return !c->self || has_room(c, msg, 0);
}

/* Make its record. False: no memory. */
static bool enter(struct kith_core *c, struct alive *a, uint32_t hash)
{
    const struct kith_msg *msg = a->msg;
    struct kith_record *p =
        kith_members_add(&c->members, &c->random, msg->node, hash, msg->addr, msg->port, msg->meta);
    if (!p) {
        kith_count_drop(c, KITH_DROP_NO_MEMORY);
        return false;
    }
    memcpy(p->versions, msg->vsn.data, sizeof p->versions);
    a->record = p;
    if (a->ours) c->self = p;
    return true;
}

/* May a known name move to another address (PROTOCOL.md 2.3.5)? If not, the delegate hears of the
 * conflict. */
static bool may_move(struct kith_core *c, const struct kith_record *p, const struct kith_msg *msg)
{
    if (!kith_allowed(c, msg->addr)) {
        kith_count_drop(c, KITH_DROP_ADDRESS_NOT_ALLOWED);
        kith_core_log_some(c, KITH_LOG_WARN, NULL,
                           "Rejected IP update for %.*s: address not in cidrs_allowed",
                           KITH_STR(msg->node));
        return false;
    }
    uint64_t reclaim = c->set.dead_node_reclaim_time;
    if (p->state == KITH_LEFT ||
        (p->state == KITH_DEAD && reclaim > 0 && c->now - p->since > reclaim)) {
        kith_core_log_some(c, KITH_LOG_INFO, NULL, "Updating address for left or failed node %.*s",
                           KITH_STR(msg->node));
        return true;
    }
    char name[KITH_NAME_LIMIT + 1];
    struct kith_member ours, other;
    struct kith_event event = {.member = &ours, .other = &other};
    kith_view_message(c, msg, name, &other);
    kith_count(c, KITH_COUNT_CONFLICTS);
    kith_core_log_some(c, KITH_LOG_ERROR, &other.addr,
                       "Conflicting address for %.*s. Old state: %u", KITH_STR(msg->node),
                       (unsigned)p->state);
    kith_view_record(c, p, &ours);
    kith_notify_event(c, KITH_EVENT_CONFLICT, &event);
    return false;
}

/* Tell the delegate what has changed (PROTOCOL.md 2.3.10). */
static void alive_events(struct kith_core *c, const struct kith_record *p, unsigned was,
                         bool updated)
{
    if (was == KITH_DEAD || was == KITH_LEFT) {
        kith_notify_member(c, KITH_EVENT_JOIN, p);
        if (p == c->self || c->joined) return;
        struct kith_event event = {.number = 0};
        c->joined = true;
        kith_notify_event(c, KITH_EVENT_JOINED, &event);
        return;
    }
    if (was == KITH_SUSPECT) kith_notify_member(c, KITH_EVENT_SUSPECT, p);
    if (updated) kith_notify_member(c, KITH_EVENT_UPDATE, p);
}

/* Step 5: another address needs a reason. */
static bool in_place(struct kith_core *c, struct alive *a)
{
    const struct kith_msg *msg = a->msg;
    const struct kith_record *p = a->record;
    if (p->port == msg->port && kith_short_equal(kith_record_addr(p), msg->addr)) return true;
    a->moved = a->ours || may_move(c, p, msg);
    return a->moved;
}

static bool says_what_is_known(const struct alive *a)
{
    const struct kith_record *p = a->record;
    return kith_short_equal(kith_record_meta(p), a->msg->meta) &&
           memcmp(p->versions, a->msg->vsn.data, sizeof p->versions) == 0;
}

/* Far up: is it hearsay that would lift, change, or hide, what the member is? */
static bool doubtful(struct kith_core *c, const struct alive *a)
{
    struct kith_record *p = a->record;
    uint32_t inc = a->msg->incarnation;
    if (a->ours || a->first_hand) return false;
    bool reached = within_reach(c, p, inc);
    if (a->moved && reached) return false;
    if (a->self) {
        if (reached || high(p->incarnation)) return false; /* where we are we answer */
    } else {
        if (reached && (inc >= p->incarnation || !steep(p->incarnation))) return false;
        if (inc <= p->incarnation && p->state == KITH_ALIVE && says_what_is_known(a)) return false;
        kith_doubt(c, p, a->from);
    }
    if (!reached) too_high(c, a->msg);
    return true;
}

/* Steps 6 and 7: is the claim older than what is known? */
static bool stale(const struct alive *a)
{
    const struct kith_record *p = a->record;
    uint32_t inc = a->msg->incarnation;
    if (a->self) return inc < p->incarnation;
    if (a->first_hand && steep(p->incarnation))
        return inc == p->incarnation && p->state == KITH_ALIVE && says_what_is_known(a);
    return !a->moved && inc <= p->incarnation;
}

/* Step 9 for a claim of others about us: correct it unless it says what we say. */
static void contradict(struct kith_core *c, const struct alive *a)
{
    const struct kith_msg *msg = a->msg;
    const struct kith_record *p = a->record;
    if (msg->incarnation == p->incarnation && says_what_is_known(a)) return;
    if (!answers(c, msg->incarnation)) return;
    kith_core_log_some(c, KITH_LOG_WARN, NULL, "Refuting an alive message for %.*s",
                       KITH_STR(msg->node));
    kith_refute(c, msg->incarnation);
    kith_count(c, KITH_COUNT_ALIVE_CHANGES);
}

/* Store address and meta. False: no memory; nothing has changed. */
static bool store(struct kith_core *c, const struct alive *a, bool meta_changed)
{
    const struct kith_msg *msg = a->msg;
    struct kith_record *p = a->record;
    bool same =
        !a->moved && !meta_changed && !p->accuser_len && p->meta_set == (msg->meta.data != NULL);
    if (same || kith_members_store(&c->members, p, msg->addr, msg->meta) == 0) return true;
    kith_count_drop(c, KITH_DROP_NO_MEMORY);
    return false;
}

/* Versions that came with more than their six bytes go on without. */
static void spread_alive(struct kith_core *c, const struct kith_msg *msg,
                         struct kith_request *request)
{
    const size_t six = sizeof c->versions;
    if (msg->vsn.len == six) {
        kith_spread(c, msg, request);
        return;
    }
    struct kith_msg relayed = *msg;
    relayed.vsn.len = six;
    relayed.whole.data = NULL;
    kith_spread(c, &relayed, request);
}

/* Steps 8 to 10: the claim is taken, spread and told. */
static bool take(struct kith_core *c, const struct alive *a, struct kith_request *request)
{
    const struct kith_msg *msg = a->msg;
    struct kith_record *p = a->record;
    unsigned was = p->state;
    uint32_t before = p->incarnation;
    bool meta_changed = !kith_short_equal(kith_record_meta(p), msg->meta);
    bool versions_changed = memcmp(p->versions, msg->vsn.data, sizeof p->versions) != 0;
    spread_alive(c, msg, request);
    if (a->moved) gone(c, p);
    if (!store(c, a, meta_changed)) return false;
    kith_suspicion_forget(c, p);
    memcpy(p->versions, msg->vsn.data, sizeof p->versions);
    p->incarnation = msg->incarnation;
    p->port = msg->port;
    if (was != KITH_ALIVE) kith_members_state(&c->members, p, KITH_ALIVE, c->now);
    if (was == KITH_DEAD || was == KITH_LEFT) kith_addresses_put(&c->addresses, &c->members, p);
    kith_count(c, KITH_COUNT_ALIVE_CHANGES);
    if (a->moved && !a->ours && before >= p->incarnation) kith_former_life(c, p, before, a->from);
    alive_events(c, p, was, meta_changed || versions_changed || a->moved);
    return true;
}

/* Of a name that is not known; then those of one that is. */
static bool take_new(struct kith_core *c, struct alive *a, uint32_t hash,
                     struct kith_request *request)
{
    if (!may_enter(c, a->msg) || !agreed(c, a) || !enter(c, a, hash)) return false; /* 3, 4 */
    return !stale(a) && take(c, a, request);
}

static bool take_known(struct kith_core *c, struct alive *a, struct kith_request *request)
{
    if (!in_place(c, a)) return false; /* 5 */
    if (doubtful(c, a)) return false;
    if (stale(a)) return false; /* 6, 7 */
    if (a->self && !a->ours) {  /* 9 */
        contradict(c, a);
        return false;
    }
    if (!a->ours && !has_room(c, a->msg, kith_record_entry(a->record))) return false;
    return agreed(c, a) && take(c, a, request); /* 3, 8, 9, 10 */
}

/* The numbers are the steps of PROTOCOL.md 2.3. */
static bool alive(struct kith_core *c, struct alive *a, uint32_t hash, struct kith_request *request)
{
    const struct kith_msg *msg = a->msg;
    if (!acceptable(c, msg)) return false;
    a->record = kith_members_find(&c->members, msg->node, hash);
    a->self = a->ours || a->record == c->self;
    if (a->self && c->left) return false; /* 1 */
    if (!sound(c, msg)) return false;     /* 2 */
    return a->record ? take_known(c, a, request) : take_new(c, a, hash, request);
}

void kith_alive_hashed(struct kith_core *c, const struct kith_msg *msg, uint32_t hash,
                       const struct kith_peer *from)
{
    struct alive a = {.msg = msg, .from = from};
    alive(c, &a, hash, NULL);
}

bool kith_alive(struct kith_core *c, const struct kith_msg *msg, const struct kith_peer *from,
                struct kith_request *request)
{
    struct alive a = {.msg = msg, .from = from, .ours = !from};
    return alive(c, &a, kith_members_hash(&c->members, msg->node), request);
}

/* ------------------------------------------------------------------------ suspect and dead */

static bool leaves(const struct kith_msg *msg)
{
    return msg->type == KITH_MSG_DEAD && kith_short_equal(msg->node, msg->from);
}

/* Far up: is it hearsay, or an accusation of us that would lift us there? Who is said to have left
 * up there is asked, and whoever is accused where it is. */
static bool incredible(struct kith_core *c, struct kith_record *p, const struct kith_msg *msg,
                       const struct kith_peer *from)
{
    uint32_t inc = msg->incarnation;
    bool reached = within_reach(c, p, inc);
    bool hidden = inc < p->incarnation && steep(p->incarnation);
    if (p == c->self ? reached || high(p->incarnation) : reached && !hidden) return false;
    if (p != c->self && (leaves(msg) || (!hidden && steep(p->incarnation)))) {
        if (leaves(msg)) p->leaving = !kith_record_gone(p);
        kith_doubt(c, p, leaves(msg) ? from : NULL);
    }
    if (!reached) too_high(c, msg);
    return true;
}

/* Steps 1 and 2 of PROTOCOL.md 2.4 and 2.5; from: whose hearsay it is, or NULL. NULL: unknown
 * member, stale claim, or over a limit; ignored. */
static struct kith_record *accused(struct kith_core *c, const struct kith_msg *msg,
                                   const struct kith_peer *from)
{
    struct kith_record *p = kith_members_named(&c->members, msg->node);
    if (!p || (from && incredible(c, p, msg, from))) return NULL;
    if (msg->incarnation < p->incarnation && (from || !steep(p->incarnation))) {
        if (p == c->self && from) kith_remind(c, msg);
        return NULL;
    }
    if (from && p != c->self && kith_former_accused(c, p, msg)) return NULL;
    if (msg->from.len <= KITH_NAME_LIMIT) return p;
    kith_count_drop(c, KITH_DROP_BAD_NAME);
    return NULL;
}

/* Does the delegate agree that the member becomes what the message says? */
static bool convinced(struct kith_core *c, enum kith_claim_kind kind, const struct kith_record *p,
                      const struct kith_msg *msg, const struct kith_peer *from)
{
    static const enum kith_state states[] = {[KITH_CLAIM_SUSPECT] = KITH_SUSPECT,
                                             [KITH_CLAIM_DEAD] = KITH_DEAD,
                                             [KITH_CLAIM_LEAVE] = KITH_LEFT};
    char accuser[KITH_NAME_LIMIT + 1];
    struct kith_member view;
    if (!kith_judges(c, kind)) return true;
    kith_view_record(c, p, &view);
    if (view.state != states[kind]) view.since = c->now;
    view.state = states[kind];
    view.incarnation = msg->incarnation;
    if (msg->from.len) memcpy(accuser, msg->from.data, msg->from.len);
    accuser[msg->from.len] = 0;
    view.accuser = kith_bytes_of(accuser, msg->from.len);
    return kith_judged(c, kind, &view, 1, from);
}

/* Step 3 of 2.4: another accuser of a suspect. */
static void confirm(struct kith_core *c, struct kith_record *p, const struct kith_msg *msg,
                    const struct kith_peer *from)
{
    if (!kith_suspicion_counts(c, p, msg->from) || !convinced(c, KITH_CLAIM_SUSPECT, p, msg, from))
        return;
    kith_suspicion_confirm(c, p, msg->from);
    kith_spread(c, msg, NULL);
}

static void refute_accusation(struct kith_core *c, const struct kith_msg *msg)
{
    if (!answers(c, msg->incarnation)) return;
    kith_core_log_some(c, KITH_LOG_WARN, NULL, "Refuting a %s message (from: %.*s)",
                       kith_msg_name(msg->type), KITH_STR(msg->from));
    kith_refute(c, msg->incarnation);
}

/* A suspect did not refute in time. A delegate that does not want it dead is asked again later. */
static void suspicion_expired(struct kith_core *c, struct kith_alarm *alarm)
{
    const uint64_t second = 1000000000;
    struct kith_suspicion *s = KITH_OF(alarm, struct kith_suspicion, alarm);
    struct kith_record *p = s->record;
    struct kith_msg dead = {.type = KITH_MSG_DEAD,
                            .incarnation = p->incarnation,
                            .node = kith_record_name(p),
                            .from = p->leaving ? kith_record_name(p) : kith_self_name(c)};
    unsigned confirmations = s->count;
    bool degraded = s->count < s->k;
    uint64_t again = kith_later(c->now, s->min > second ? s->min : second);
    if (!kith_dead(c, &dead, NULL, NULL)) {
        kith_alarm_set(&c->alarms, alarm, again);
        return;
    }
    kith_count(c, KITH_COUNT_SUSPICIONS_EXPIRED);
    if (degraded) kith_count(c, KITH_COUNT_SUSPICIONS_DEGRADED);
    kith_core_log(c, KITH_LOG_INFO, NULL,
                  "Marking %.*s as failed, suspect timeout reached (%u peer confirmations)",
                  KITH_STR(kith_record_name(p)), confirmations);
}

/* Who is dead already is dead at the highest incarnation that was claimed: an alive from before
 * must not bring it back (docs/WIRE.md). */
static void dead_at(struct kith_record *p, const struct kith_msg *msg)
{
    p->incarnation = msg->incarnation;
}

/* Step 6 of 2.4. */
static void suspect(struct kith_core *c, struct kith_record *p, const struct kith_msg *msg,
                    const struct kith_peer *from)
{
    if (kith_suspicion_begin(c, p, msg->from, suspicion_expired) < 0) {
        kith_count_drop(c, KITH_DROP_NO_MEMORY);
        return;
    }
    kith_spread(c, msg, NULL);
    p->incarnation = msg->incarnation;
    kith_members_state(&c->members, p, KITH_SUSPECT, c->now);
    if (from && steep(p->incarnation)) kith_doubt(c, p, NULL); /* we did not ask it ourselves */
    if (kith_record_accuse(p, msg->from) < 0) kith_count_drop(c, KITH_DROP_NO_MEMORY);
    kith_count(c, KITH_COUNT_SUSPECT_CHANGES);
    kith_notify_member(c, KITH_EVENT_SUSPECT, p);
}

/* Steps 3 to 6 of PROTOCOL.md 2.4. */
static void suspicion(struct kith_core *c, struct kith_record *p, const struct kith_msg *msg,
                      const struct kith_peer *from)
{
    if (p->suspected) { /* 3 */
        confirm(c, p, msg, from);
    } else if (kith_record_gone(p)) {                 /* 4 */
        if (msg->state == KITH_DEAD) dead_at(p, msg); /* so a list said */
    } else if (p == c->self) {                        /* 5 */
        refute_accusation(c, msg);
    } else if (convinced(c, KITH_CLAIM_SUSPECT, p, msg, from)) {
        suspect(c, p, msg, from);
    }
}

void kith_suspect(struct kith_core *c, const struct kith_msg *msg, const struct kith_peer *from)
{
    struct kith_record *p = accused(c, msg, from); /* PROTOCOL.md 2.4.1, 2 */
    if (p) suspicion(c, p, msg, from);
}

/* Steps 3 to 6 of PROTOCOL.md 2.5. */
static bool dead(struct kith_core *c, struct kith_record *p, const struct kith_msg *msg,
                 const struct kith_peer *from, struct kith_request *request)
{
    if (kith_record_gone(p)) { /* 4 */
        dead_at(p, msg);
        return false;
    }
    if (p == c->self && !c->left) { /* 5 */
        refute_accusation(c, msg);
        return true;
    }
    bool left = leaves(msg);
    enum kith_claim_kind kind = left ? KITH_CLAIM_LEAVE : KITH_CLAIM_DEAD;
    if (p != c->self && !convinced(c, kind, p, msg, from)) return false;
    kith_suspicion_forget(c, p); /* 3 */
    kith_spread(c, msg, request);
    p->incarnation = msg->incarnation; /* 6 */
    kith_members_state(&c->members, p, left ? KITH_LEFT : KITH_DEAD, c->now);
    if (kith_record_accuse(p, msg->from) < 0) kith_count_drop(c, KITH_DROP_NO_MEMORY);
    kith_count(c, KITH_COUNT_DEAD_CHANGES);
    gone(c, p);
    kith_notify_member(c, KITH_EVENT_LEAVE, p);
    if (p == c->self) return true;
    kith_farewell_gone(c, p);
    kith_request_gone(c);
    return true;
}

/* Why this death or leave is taken for a suspicion; NULL: it is believed. If we stood still it may
 * be from that time, and refuted since. */
static const char *doubts(struct kith_core *c, const struct kith_record *p,
                          const struct kith_msg *msg, const struct kith_peer *from)
{
    bool behind = c->set.suspicion_doubt_backlog && c->now < c->behind_until;
    if (!from || p == c->self || kith_record_gone(p)) return NULL;
    if (behind && !leaves(msg)) return "this node stood still";
    return kith_former_perhaps(c, p, msg, from) ? "it may be of its former life" : NULL;
}

bool kith_dead(struct kith_core *c, const struct kith_msg *msg, const struct kith_peer *from,
               struct kith_request *request)
{
    struct kith_record *p = accused(c, msg, from); /* PROTOCOL.md 2.5.1, 2 */
    const char *why = p ? doubts(c, p, msg, from) : NULL;
    if (!why) return p && dead(c, p, msg, from, request);
    struct kith_msg doubted = *msg;
    doubted.type = KITH_MSG_SUSPECT;
    if (leaves(msg)) doubted.from = kith_self_name(c); /* as of a state's entry */
    doubted.whole.data = NULL; /* it came as another message than the one to pass on */
    kith_count(c, KITH_COUNT_DEATHS_DOUBTED);
    kith_core_log_some(c, KITH_LOG_INFO, NULL,
                       "%.*s is said to be dead (from: %.*s): taken for a suspicion, as %s",
                       KITH_STR(msg->node), KITH_STR(msg->from), why);
    suspicion(c, p, &doubted, from);
    return true;
}

void kith_own_word(struct kith_core *c, const struct kith_msg *msg, const struct kith_peer *from)
{
    struct kith_record *p = kith_members_named(&c->members, msg->node);
    if (p) {
        kith_members_doubt(&c->members, p, false);
        p->leaving = p->asked = false;
        p->met = true;
    }
    if (msg->type == KITH_MSG_DEAD) {
        p = accused(c, msg, NULL);
        if (p) dead(c, p, msg, from, NULL);
        return;
    }
    struct alive a = {.msg = msg, .from = from, .first_hand = true};
    alive(c, &a, kith_members_hash(&c->members, msg->node), NULL);
}

void kith_was_asked(struct kith_core *c, struct kith_bytes name)
{
    struct kith_record *p = kith_members_named(&c->members, name);
    if (!p || !p->leaving) return;
    struct kith_msg leave = {
        .type = KITH_MSG_DEAD, .incarnation = p->incarnation, .node = name, .from = name};
    p->leaving = false;
    dead(c, p, &leave, NULL, NULL);
}
