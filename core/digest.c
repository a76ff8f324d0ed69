/*
 * digest.c - see digest.h.
 */
#include "digest.h"
#include "state.h"
#include "active.h"
#include "kin.h"
#include "post.h"
#include "repair.h"

#include <stdlib.h>

#define SETTLED 80000000u /* ns: what was sent that long ago has arrived, or is lost */
#define SECOND  1000000000u
enum {
    TARGETS = 2,
    UNHEARD = 10 /* s: for so long those that we joined may not have heard of a new life */
};

static uint64_t seconds_since(const struct kith_core *c, uint64_t at)
{
    return c->now > at ? (c->now - at) / SECOND : 0;
}

static bool add(const struct kith_core *c, struct kith_relay_list *list, const struct kith_life *l)
{
    return kith_relay_add(list, l->id, l->next, seconds_since(c, l->began));
}

/* ----------------------------------------------------------------------------------- telling */

static struct kith_life **end_of(struct kith_life **list)
{
    while (*list) list = &(*list)->active.next;
    return list;
}

/* The next ones in turn; each goes to the end until it was told often enough. */
static void fill(struct kith_core *c, struct kith_relay_list *list)
{
    struct kith_life *told = NULL, *life;
    while ((life = c->relay.active) && add(c, list, life)) {
        kith_life_unlink(&life->active, offsetof(struct kith_life, active));
        if (life->tells <= 1) continue; /* 0: retransmit_mult may be */
        life->tells--;
        kith_life_link(life, offsetof(struct kith_life, active), &told);
    }
    while ((life = told)) {
        kith_life_unlink(&life->active, offsetof(struct kith_life, active));
        kith_life_link(life, offsetof(struct kith_life, active), end_of(&c->relay.active));
    }
}

void kith_digest_tick(struct kith_core *c, struct kith_alarm *alarm)
{
    struct kith_relay_list list;
    if (c->left) return;
    for (int i = 0; i < TARGETS && c->relay.active; i++) {
        const struct kith_record *p = kith_kin_any(c);
        kith_relay_list(&list, KITH_RELAY_HAVE, kith_post_list_most(c));
        fill(c, &list);
        if (!p) continue; /* whoever comes is told in a state */
        kith_count(c, KITH_COUNT_RELAY_DIGESTS_SENT);
        kith_post_list_to(c, p, &list);
    }
    if (c->relay.active)
        kith_alarm_set(&c->alarms, alarm, kith_later(c->now, KITH_DIGEST_INTERVAL));
}

static int latest_first(const void *a, const void *b)
{
    const struct kith_life *const *x = a, *const *y = b;
    return (*x)->changed > (*y)->changed ? -1 : (*x)->changed < (*y)->changed;
}

/* All when they fit. Else those that changed last, and as many of the others, from anywhere on. */
void kith_digest_newest(struct kith_core *c, const struct kith_record *p)
{
    struct kith_lives *l = &c->relay.lives;
    struct kith_relay_list list;
    if (c->now - c->relay.compared_at < KITH_DIGEST_INTERVAL || !l->count) return;
    c->relay.compared_at = c->now;
    kith_relay_list(&list, KITH_RELAY_HAVE, kith_post_list_most(c));
    qsort(l->all, l->count, sizeof(struct kith_life *), latest_first);
    for (uint32_t i = 0; i < l->count; i++) l->all[i]->index = i;
    size_t most = list.most;
    list.most = list.len + (most - list.len) / 2;
    uint32_t i = 0;
    while (i < l->count && l->all[i]->hot && add(c, &list, l->all[i])) i++;
    list.most = most;
    uint32_t rest = l->count - i, from = (uint32_t)kith_random_below(&c->random, rest);
    for (uint32_t k = 0; k < rest; k++) {
        const struct kith_life *life = l->all[i + (from + k) % rest];
        if (life->hot && !add(c, &list, life)) break;
    }
    kith_count(c, KITH_COUNT_RELAY_DIGESTS_SENT);
    kith_post_list_to(c, p, &list);
}

/* --------------------------------------------------------------------------------- comparing */

/* Seconds since this node met others. */
static uint64_t here_for(const struct kith_core *c)
{
    return c->relay.kin.met ? seconds_since(c, c->relay.kin.met_at) : 0;
}

uint64_t kith_digest_start(const struct kith_core *c, uint64_t age, uint64_t number)
{
    return age > here_for(c) + UNHEARD ? number : 1;
}

/* A life that we never heard of: where it comes from stands in its messages. */
static void unknown(struct kith_core *c, const struct kith_record *p,
                    const struct kith_relay_entry *e)
{
    if (p && e->a > 1 && kith_digest_start(c, e->b, e->a) == 1)
        kith_repair_ask_unknown(c, p, e->life, e->a);
}

void kith_digest_told(struct kith_core *c, const struct kith_addr *from,
                      const struct kith_record *p, struct kith_bytes entries)
{
    struct kith_relay_entry e;
    struct kith_relay_list back;
    bool asked = false;
    kith_relay_list(&back, KITH_RELAY_HAVE, kith_post_list_most(c));
    while (kith_relay_next(&entries, &e) > 0) {
        struct kith_life *life = kith_life_find(c, e.life);
        if (!life && !asked) {
            unknown(c, p, &e);
            asked = true; /* one a packet: it need not be true */
        } else if (life && e.a > life->next) {
            kith_repair_told(c, life, e.a, p);
        } else if (life && e.a < life->next && c->now - life->changed > SETTLED) {
            add(c, &back, life);
        }
    }
    kith_post_list(c, from, p, &back);
}

/* ------------------------------------------------------------------------------------ states */

static bool write_life(const struct kith_core *c, const struct kith_sink *sink,
                       const struct kith_life *life, size_t *whole)
{
    uint8_t bytes[KITH_TRAILER_ENTRY + 255];
    struct kith_relay_told told = {.life = life->id,
                                   .next = life->next,
                                   .age = seconds_since(c, life->began),
                                   .idle = seconds_since(c, life->changed),
                                   .origin = kith_life_name(life)};
    size_t len = kith_trailer_entry(bytes, &told);
    if (sink->write(sink, kith_bytes_of(bytes, len)) != 0) return false;
    *whole += len;
    return true;
}

void kith_digest_write(struct kith_core *c, const struct kith_sink *sink)
{
    const struct kith_lives *l = &c->relay.lives;
    uint8_t head[KITH_TRAILER_HEAD], foot[KITH_TRAILER_FOOT];
    size_t whole = sizeof head + sizeof foot;
    kith_trailer_head(head);
    if (!l->count || sink->write(sink, kith_bytes_of(head, sizeof head)) != 0) return;
    for (uint32_t i = 0; i < l->count && write_life(c, sink, l->all[i], &whole); i++) {}
    kith_trailer_foot(foot, whole);
    sink->write(sink, kith_bytes_of(foot, sizeof foot));
}

/* Who joins where somebody is suspected does not know that one yet, and must know all the same
 * where to begin with it: so who was asked by us is believed. */
static void read_life(struct kith_core *c, const struct kith_record *p, bool asked,
                      const struct kith_relay_told *t)
{
    bool known = kith_life_find(c, t->life) != NULL;
    uint64_t start = t->age > here_for(c) ? t->next : 1;
    if (!asked && !kith_members_named(&c->members, t->origin)) return;
    struct kith_life *life = kith_life_get(c, t->origin, t->life, start, t->age);
    if (!life) return;
    uint64_t idle = t->idle < UINT64_MAX / SECOND ? t->idle * SECOND : UINT64_MAX;
    if (!known) kith_active_since(c, life, idle);
    kith_repair_told(c, life, t->next, p);
}

void kith_digest_read(struct kith_core *c, const struct kith_record *p, bool asked,
                      struct kith_bytes *state)
{
    struct kith_bytes entries = kith_trailer_split(state);
    struct kith_relay_told told;
    int more = 0; /* nobody has more lives; each one over that would push out another */
    for (unsigned n = 0; n < KITH_LIVES_MAX && (more = kith_trailer_next(&entries, &told)) > 0; n++)
        if (told.next) read_life(c, p, asked, &told);
    if (more < 0) kith_count_drop(c, KITH_DROP_RELAY_MALFORMED);
}
