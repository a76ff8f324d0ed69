/*
 * remind.c - see remind.h.
 */
#include "remind.h"
#include "packet.h"
#include "peer.h"
#include "self.h"
#include "state.h"

#define SECOND 1000000000u

static bool too_soon(const struct kith_core *c, uint64_t at) { return at && c->now - at < SECOND; }

/* Has it been told a moment ago, or have many? */
static bool often(const struct kith_core *c, uint32_t whom)
{
    const struct kith_reminders *r = &c->reminders;
    for (unsigned i = 0; i < KITH_REMINDERS; i++)
        if (r->last[i].whom == whom && too_soon(c, r->last[i].at)) return true;
    return too_soon(c, r->last[r->next].at);
}

bool kith_may_remind(struct kith_core *c, const struct kith_record *p)
{
    struct kith_reminders *r = &c->reminders;
    if (c->left || c->moving.state != KITH_MOVING_SETTLED || often(c, p->hash)) return false;
    r->last[r->next].whom = p->hash;
    r->last[r->next].at = c->now;
    r->next = (r->next + 1) % KITH_REMINDERS;
    return true;
}

void kith_remind(struct kith_core *c, const struct kith_msg *accusation)
{
    struct kith_record *p = kith_members_named(&c->members, accusation->from);
    struct kith_msg alive;
    struct kith_addr to;
    struct kith_packer pk;
    if (!c->set.suspicion_remind || !p || p == c->self || !kith_may_remind(c, p)) return;
    kith_count(c, KITH_COUNT_REMINDERS_SENT);
    kith_self_said(c, &alive);
    kith_record_address(p, &to);
    struct kith_peer peer = kith_peer_of(&to, kith_record_name(p), p->versions[1]);
    kith_packer_begin(&pk, c, &peer);
    kith_packer_add_message(&pk, &alive);
    kith_packer_end(&pk);
}
