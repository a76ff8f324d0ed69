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

void kith_remind(struct kith_core *c, const struct kith_msg *accusation)
{
    struct kith_reminders *r = &c->reminders;
    struct kith_record *p = kith_members_named(&c->members, accusation->from);
    struct kith_msg alive;
    struct kith_addr to;
    struct kith_packer pk;
    if (!c->set.suspicion_remind || c->left || c->leave_under_way) return;
    if (c->moving.state != KITH_MOVING_SETTLED || !p || p == c->self || often(c, p->hash)) return;
    r->last[r->next].whom = p->hash;
    r->last[r->next].at = c->now;
    r->next = (r->next + 1) % KITH_REMINDERS;
    kith_count(c, KITH_COUNT_REMINDERS_SENT);
    kith_self_said(c, &alive);
    kith_record_address(p, &to);
    struct kith_peer peer = kith_peer_of(&to, kith_record_name(p), p->versions[1]);
    kith_packer_begin(&pk, c, &peer);
    kith_packer_add_message(&pk, &alive);
    kith_packer_end(&pk);
}
