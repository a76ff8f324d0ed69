/*
 * moving.c - leaving under one address and coming back under another (moving.h).
 */
#include "moving.h"
#include "core_log.h"
#include "farewell.h"
#include "formulas.h"
#include "merge.h"
#include "self.h"
#include "spread.h"
#include "state.h"

enum { SPREADS = 2 }; /* times that a broadcast takes to be sent, before all should have heard it */
#define SPREAD_LEAST UINT64_C(1000000000)

static void wait_for_news(struct kith_core *c)
{
    unsigned sends = kith_retransmit_limit(c->set.retransmit_mult, c->members.count);
    uint64_t time = SPREADS * sends * c->set.gossip_interval;
    if (time < SPREAD_LEAST) time = SPREAD_LEAST;
    kith_alarm_set(&c->alarms, &c->moving.alarm, kith_later(c->now, time));
}

static bool say(struct kith_core *c, uint32_t incarnation)
{
    uint8_t buf[KITH_META_MAX];
    struct kith_msg alive;
    kith_self_alive(c, &alive, incarnation, kith_self_kept(c), buf);
    return kith_alive(c, &alive, NULL, NULL);
}

static void go_away(struct kith_core *c)
{
    c->moving.state = KITH_MOVING_AWAY;
    c->moving.left_at = c->moving.claimed = c->self->incarnation;
    kith_say_left(c);
    kith_farewell_begin(c); /* who missed it would refuse us at the new address */
    wait_for_news(c);
}

static void come_back(struct kith_core *c)
{
    uint32_t incarnation = kith_self_next(c), claimed = c->moving.claimed;
    if (claimed >= incarnation) incarnation = claimed < UINT32_MAX ? claimed + 1 : claimed;
    c->moving.state = KITH_MOVING_SETTLED;
    kith_farewell_end(c);
    if (say(c, incarnation)) {
        kith_core_log(c, KITH_LOG_INFO, NULL, "Came back under another address");
        return;
    }
    c->moving.state = KITH_MOVING_AWAY; /* refused: perhaps not for ever */
    wait_for_news(c);
}

void kith_moving_begin(struct kith_core *c, const struct kith_addr *from)
{
    if (c->moving.state != KITH_MOVING_SETTLED) return; /* on the way: to c->advertise */
    c->moving.from = *from;
    c->moving.state = KITH_MOVING_CLAIMING;
    kith_core_log(c, KITH_LOG_INFO, NULL,
                  "Leaving, to come back under another address: others take none while they hold "
                  "it to be alive at the former");
    (void)say(c, kith_self_next(c));
    wait_for_news(c);
}

void kith_moving_end(struct kith_core *c)
{
    c->moving.state = KITH_MOVING_SETTLED;
    kith_alarm_clear(&c->alarms, &c->moving.alarm);
}

void kith_moving_alarm(struct kith_core *c, struct kith_alarm *alarm)
{
    bool again =
        c->moving.state == KITH_MOVING_CLAIMING || c->moving.left_at != c->self->incarnation;
    if (again)
        go_away(c);
    else
        come_back(c);
}
