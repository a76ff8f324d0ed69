/*
 * relay.c - see relay.h: what comes in, and what this node broadcasts itself.
 */
#include "relay.h"
#include "compare.h"
#include "packet.h"
#include "state.h"
#include "active.h"
#include "deliver.h"

#include <stdlib.h>

#define SECOND  1000000000u
#define ALLOWED 5         /* s: half a window in so many */
#define AHEAD   86400000u /* ms */

void kith_relay_init(struct kith_core *c, uint64_t wall)
{
    struct kith_relay *r = &c->relay;
    r->epoch = c->now;
    r->epoch_wall = wall;
}

void kith_relay_stop(struct kith_core *c)
{
    struct kith_relay *r = &c->relay;
    kith_lives_fini(c);
    r->pushes.count = r->pushes.bytes = 0;
    kith_alarm_clear(&c->alarms, &r->flush);
    kith_alarm_clear(&c->alarms, &r->repair);
    kith_alarm_clear(&c->alarms, &r->digest);
    kith_alarm_clear(&c->alarms, &r->sweep);
    kith_kin_forget(c);
}

void kith_relay_fini(struct kith_core *c)
{
    kith_lives_fini(c);
    kith_kin_fini(&c->relay.kin);
    kith_pushes_fini(&c->relay.pushes);
    free(c->relay.askers);
}

/* ------------------------------------------------------------------------------- who runs Kith */

void kith_relay_said(struct kith_core *c, const struct kith_addr *from, const struct kith_msg *msg)
{
    struct kith_record *p = kith_kin_on(c) ? kith_peer_at(c, from) : NULL;
    uint64_t summary = 0;
    if (!p) return;
    kith_kin_mark(c, p, kith_kin_speaks(msg));
    if (msg->type != KITH_MSG_ACK || msg->kith.len < KITH_SAID ||
        msg->kith.data[0] != KITH_SAID_VERSION)
        return;
    for (int i = 0; i < 8; i++) summary = summary << 8 | msg->kith.data[1 + i];
    if (summary != c->relay.summary) kith_digest_newest(c, p);
}

void kith_relay_entry(struct kith_core *c, const struct kith_msg *entry)
{
    if (!kith_kin_on(c) || !kith_kin_speaks(entry) || entry->state != KITH_ALIVE) return;
    struct kith_record *p = kith_members_named(&c->members, entry->node);
    if (p && !kith_record_gone(p)) kith_kin_mark(c, p, true);
}

/* ---------------------------------------------------------------------------------- coming in */

void kith_relay_sweep(struct kith_core *c, struct kith_alarm *alarm)
{
    if (kith_lives_age(c)) kith_alarm_set(&c->alarms, alarm, kith_later(c->now, KITH_LIVES_SWEEP));
}

static uint64_t milliseconds(const struct kith_core *c)
{
    const struct kith_relay *r = &c->relay;
    return (r->epoch_wall + (c->now - r->epoch)) / 1000000;
}

/* An earlier process of our name, or who says so: our next life begins above it, unless it is from
 * far in the future. */
static void heard_of_ourselves(struct kith_core *c, uint64_t life)
{
    struct kith_relay *r = &c->relay;
    if ((r->own && life <= r->own->id) || life >> 16 > milliseconds(c) + AHEAD) return;
    if (life > r->above) r->above = life;
    if (r->own && c->now - r->own->seen >= SECOND) r->own = NULL;
}

static void numbered(struct kith_core *c, const struct kith_addr *from, const struct kith_record *p,
                     const struct kith_relay_frame *f, struct kith_bytes frame)
{
    if (!kith_members_named(&c->members, f->origin)) {
        kith_count_drop(c, KITH_DROP_RELAY_STRANGER);
        return;
    }
    if (kith_short_equal(f->origin, kith_self_name(c))) heard_of_ourselves(c, f->life);
    uint64_t start = kith_digest_start(c, f->age, f->number);
    struct kith_life *life = kith_life_get(c, f->origin, f->life, start, f->age);
    if (!life || life == c->relay.own) return;
    int err = kith_life_keep(c, life, f->number, frame);
    if (err == -KITH_EEXIST) {
        kith_count(c, KITH_COUNT_RELAYS_REPEATED);
        return;
    }
    if (err == -KITH_EAGAIN) kith_count_drop(c, KITH_DROP_RELAY_AHEAD);
    if (err == -KITH_ENOMEM) kith_count_drop(c, KITH_DROP_NO_MEMORY);
    if (err == 0) {
        kith_repair_came(life, p);
        kith_push(c, life, f->number, frame.len);
        kith_deliver(c, life, from);
    }
    if (f->number >= life->next) kith_repair_told(c, life, f->number + 1, p);
}

static void gone(struct kith_core *c, const struct kith_record *p, struct kith_bytes entries)
{
    struct kith_relay_entry e;
    while (kith_relay_next(&entries, &e) > 0) {
        struct kith_life *life = kith_life_find(c, e.life);
        if (life) kith_repair_gone(life, e.a, e.b, p);
    }
}

static bool sound(struct kith_bytes entries)
{
    struct kith_relay_entry e;
    int more;
    while ((more = kith_relay_next(&entries, &e)) > 0) {}
    return more == 0;
}

static void take(struct kith_core *c, const struct kith_peer *from, struct kith_bytes frame)
{
    struct kith_relay_frame f;
    int err = kith_relay_parse(frame, &f);
    if (err == 0 && f.kind != KITH_RELAY_NUMBERED && !sound(f.entries)) err = -KITH_EMALFORMED;
    if (err < 0) {
        kith_count_drop(c, err == -KITH_EUNSUPPORTED ? KITH_DROP_RELAY_UNKNOWN
                                                     : KITH_DROP_RELAY_MALFORMED);
        return;
    }
    struct kith_record *p = kith_peer_at(c, from->addr);
    if (!p && !kith_known(c, from->addr)) {
        kith_count_drop(c, KITH_DROP_RELAY_STRANGER);
        return;
    }
    if (p) kith_kin_mark(c, p, true);
    switch (f.kind) {
    case KITH_RELAY_NUMBERED: numbered(c, from->addr, p, &f, frame); break;
    case KITH_RELAY_HAVE: kith_digest_told(c, from->addr, p, f.entries); break;
    case KITH_RELAY_ASK: kith_repair_asked(c, from->addr, p, f.entries); break;
    default: gone(c, p, f.entries); break;
    }
}

bool kith_relay_packet(struct kith_core *c, const struct kith_peer *from, struct kith_bytes msg)
{
    if (!kith_relay_is(msg)) return false;
    if (!kith_kin_on(c))
        kith_count_drop(c, KITH_DROP_RELAY_UNKNOWN);
    else
        take(c, from, msg);
    return true;
}

/* ---------------------------------------------------------------------------------- our own */

size_t kith_relay_fits(const struct kith_core *c)
{
    size_t packet = kith_packet_broadcast_max(kith_packet_budget(c, NULL).bytes);
    size_t head = 1 + KITH_RELAY_HEAD + c->name_len;
    return kith_kin_on(c) && packet > head ? packet - head : 0;
}

/* More than half a window in a while would push out what others still miss. */
static bool too_fast(struct kith_core *c, size_t bytes)
{
    struct kith_relay *r = &c->relay;
    size_t half = kith_lives_window(c) / 2;
    uint64_t passed = c->now - r->own_since;
    if (passed >= ALLOWED * (uint64_t)SECOND) {
        r->own_bytes = 0;
        r->own_since = c->now;
    }
    if (r->own_bytes + bytes > half) return true;
    r->own_bytes += bytes;
    return false;
}

/* Milliseconds since 1970 in 48 bits, and 16 of chance. */
static uint64_t new_id(struct kith_core *c)
{
    struct kith_relay *r = &c->relay;
    uint64_t id = (milliseconds(c) + 1) << 16 | kith_random_below(&c->random, 1 << 16);
    return id > r->above ? id : r->above + 1;
}

static struct kith_life *own_life(struct kith_core *c)
{
    struct kith_relay *r = &c->relay;
    if (!r->own) {
        r->own = kith_life_get(c, kith_self_name(c), new_id(c), 1, 0);
        if (r->own) r->above = r->own->id;
    }
    return r->own;
}

static int say(struct kith_core *c, struct kith_life *life, struct kith_bytes frame)
{
    uint64_t number = life->next;
    if (too_fast(c, frame.len)) return -KITH_EAGAIN;
    int err = kith_life_keep(c, life, number, frame);
    if (err < 0) return err;
    kith_count(c, KITH_COUNT_RELAYS_SENT);
    kith_push(c, life, number, frame.len);
    kith_deliver(c, life, NULL);
    return 0;
}

int kith_core_relay(struct kith_core *c, uint64_t now, struct kith_bytes channel,
                    struct kith_bytes body)
{
    kith_enter(c, now);
    if (!c->started || c->left) return -KITH_ECLOSED;
    if (!kith_kin_on(c)) return -KITH_EUNSUPPORTED;
    if (channel.len == 0 || channel.len > KITH_CHANNEL_NAME_LIMIT) return -KITH_EINVAL;
    if (channel.len + body.len > kith_relay_fits(c)) return -KITH_ETOOBIG;
    struct kith_life *life = own_life(c);
    uint8_t *frame = malloc(KITH_RELAY_HEAD + c->name_len + channel.len + body.len);
    int err = life && frame ? 0 : -KITH_ENOMEM;
    if (!err) {
        struct kith_relay_frame f = {.life = life->id,
                                     .number = life->next,
                                     .age = (c->now - life->began) / SECOND,
                                     .origin = kith_self_name(c),
                                     .channel = channel,
                                     .body = body};
        err = say(c, life, kith_bytes_of(frame, kith_relay_write(frame, &f)));
    }
    free(frame);
    return err;
}
