/*
 * notify.c - what delegates hear of: events, messages, states; and what they may refuse.
 */
#include "notify.h"
#include "core_log.h"
#include "state.h"
#include "view.h"

void kith_notify_event(struct kith_core *c, enum kith_event_kind kind, struct kith_event *event)
{
    event->size = sizeof *event;
    event->kind = kind;
    if (c->ops.event) KITH_ASK(c, c->ops.event(c->env.delegate_self, event));
}

void kith_notify_member(struct kith_core *c, enum kith_event_kind kind, const struct kith_record *p)
{
    struct kith_member view;
    struct kith_event event = {.member = &view};
    if (!c->ops.event) return;
    kith_view_record(c, p, &view);
    kith_notify_event(c, kind, &event);
}

static void hand_over(struct kith_core *c, void (*fn)(void *, const struct kith_message *),
                      const struct kith_peer *from, struct kith_bytes bytes, uint32_t flags)
{
    struct kith_message m = {.size = sizeof m, .flags = flags, .bytes = bytes, .peer = from};
    if (fn) KITH_ASK(c, fn(c->env.delegate_self, &m));
}

void kith_notify_message(struct kith_core *c, const struct kith_peer *from,
                         struct kith_bytes payload, uint32_t flags)
{
    kith_count(c, KITH_COUNT_USER_MESSAGES_RECEIVED);
    hand_over(c, c->ops.message, from, payload, flags);
}

void kith_notify_relayed(struct kith_core *c, const struct kith_peer *from,
                         struct kith_bytes channel, struct kith_bytes body)
{
    struct kith_message m = {
        .size = sizeof m, .flags = KITH_RELAYED, .bytes = body, .peer = from, .channel = channel};
    if (c->ops.message) KITH_ASK(c, c->ops.message(c->env.delegate_self, &m));
}

void kith_notify_state(struct kith_core *c, const struct kith_peer *from, struct kith_bytes state,
                       uint32_t flags)
{
    hand_over(c, c->ops.remote_state, from, state, flags);
}

/* ------------------------------------------------------------------------------- vetoes */

bool kith_judges(const struct kith_core *c, enum kith_claim_kind kind)
{
    return c->ops.judge && (c->env.delegate->judges & (uint64_t)kind); /* a copy goes stale */
}

static const char *claim_name(enum kith_claim_kind kind)
{
    switch (kind) {
    case KITH_CLAIM_ALIVE: return "alive message";
    case KITH_CLAIM_SUSPECT: return "suspect message";
    case KITH_CLAIM_DEAD: return "dead message";
    case KITH_CLAIM_LEAVE: return "leave";
    default: return "push/pull merge";
    }
}

static void log_veto(struct kith_core *c, const struct kith_claim *claim, const char *why)
{
    const struct kith_addr *from = claim->from ? claim->from->addr : NULL;
    const char *what = claim_name((enum kith_claim_kind)claim->kind);
    if (claim->kind == KITH_CLAIM_MERGE)
        kith_core_log_some(c, KITH_LOG_ERROR, from, "Refused %s: %s", what, why);
    else
        kith_core_log_some(c, KITH_LOG_WARN, from, "Ignoring %s for %.*s: %s", what,
                           KITH_STR(claim->members->name), why);
}

bool kith_judged(struct kith_core *c, enum kith_claim_kind kind, const struct kith_member *members,
                 size_t count, const struct kith_peer *from)
{
    struct kith_claim claim = {.size = sizeof claim,
                               .kind = kind,
                               .members = members,
                               .count = count,
                               .stride = sizeof *members,
                               .from = from};
    struct kith_error err = {.size = sizeof err};
    int no;
    if (!kith_judges(c, kind)) return true;
    KITH_ASK(c, no = c->ops.judge(c->env.delegate_self, &claim, &err));
    if (!no) return true;
    kith_count_drop(c, KITH_DROP_VETOED);
    if (!err.text[0]) strncpy(err.text, "no reason given", sizeof err.text - 1);
    memcpy(c->veto, err.text, sizeof c->veto - 1); /* cut; its last byte stays NUL */
    log_veto(c, &claim, c->veto);
    return false;
}
