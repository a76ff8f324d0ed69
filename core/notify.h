/*
 * notify.h - what delegates hear of: events, messages, states; and what they may refuse. Knows no
 * rule that makes any of it.
 */
#ifndef KITH_NOTIFY_H
#define KITH_NOTIFY_H

#include "record.h"

struct kith_core;

/* What has happened to a member: KITH_EVENT_JOIN, LEAVE, UPDATE, SUSPECT. */
void kith_notify_member(struct kith_core *, enum kith_event_kind, const struct kith_record *);
/* Any other event; size and kind are filled in here. */
void kith_notify_event(struct kith_core *, enum kith_event_kind, struct kith_event *);
/* A user message. flags: enum kith_message_flags. */
void kith_notify_message(struct kith_core *, const struct kith_peer *from, struct kith_bytes,
                         uint32_t flags);
/* One that was broadcast on a channel; from: its origin. */
void kith_notify_relayed(struct kith_core *, const struct kith_peer *from,
                         struct kith_bytes channel, struct kith_bytes);
/* The user state of a peer. */
void kith_notify_state(struct kith_core *, const struct kith_peer *from, struct kith_bytes,
                       uint32_t flags);

/* Does the delegate want to be asked about claims of this kind? */
bool kith_judges(const struct kith_core *, enum kith_claim_kind);
/* Ask it about members that would become as shown. from: who brought the claim; NULL: we found out
 * ourselves. True: nobody is against it. False: counted, and logged in the delegate's words. */
bool kith_judged(struct kith_core *, enum kith_claim_kind, const struct kith_member *members,
                 size_t count, const struct kith_peer *from);

#endif
