/*
 * lives.c - see lives.h.
 */
#include "lives.h"
#include "active.h"
#include "state.h"

#include <stdlib.h>

enum { BUCKETS = 1024, RING_FIRST = 16 };

static size_t cost(const struct kith_kept *k) { return sizeof *k + k->len + 2 * sizeof k; }

static uint32_t bucket(const struct kith_core *c, const void *data, size_t len)
{
    return (uint32_t)kith_hash(&c->members.key, data, len) % BUCKETS;
}

/* ------------------------------------------------------------------------------- what is kept */

struct kith_kept *kith_life_kept(const struct kith_life *life, uint64_t number)
{
    return number >= life->low && number < life->high ? life->ring[number & (life->cap - 1)] : NULL;
}

/* What a life holds, its ring included, is part of the window. */
static void count_bytes(struct kith_core *c, struct kith_life *life, size_t more, size_t less)
{
    life->bytes += more - less;
    c->relay.lives.bytes += more - less;
}

static void forget(struct kith_core *c, struct kith_life *life, uint64_t number)
{
    struct kith_kept **at = &life->ring[number & (life->cap - 1)];
    if (!*at) return;
    count_bytes(c, life, 0, cost(*at));
    free(*at);
    *at = NULL;
}

static void free_ring(struct kith_core *c, struct kith_life *life)
{
    count_bytes(c, life, 0, life->cap * sizeof *life->ring);
    free(life->ring);
    life->ring = NULL;
    life->cap = 0;
    life->low = life->high = life->next;
}

/* The oldest that was delivered, or else the last that is held back, which can come again. */
static void forget_one(struct kith_core *c, struct kith_life *life)
{
    if (life->low < life->next && life->low < life->high)
        forget(c, life, life->low++);
    else if (life->high > life->low)
        forget(c, life, --life->high);
    if (life->low == life->high) free_ring(c, life);
}

/* A power of two that takes `span` numbers. */
static bool grow(struct kith_core *c, struct kith_life *life, uint64_t span)
{
    uint32_t cap = life->cap ? life->cap : RING_FIRST;
    while (cap < span) cap *= 2;
    if (cap == life->cap) return true;
    struct kith_kept **ring = calloc(cap, sizeof *ring);
    if (!ring) return false;
    for (uint64_t n = life->low; n < life->high; n++)
        ring[n & (cap - 1)] = life->ring[n & (life->cap - 1)];
    free(life->ring);
    count_bytes(c, life, cap * sizeof *ring, life->cap * sizeof *ring);
    life->ring = ring;
    life->cap = cap;
    return true;
}

size_t kith_lives_window(const struct kith_core *c)
{
    uint64_t window = c->set.relay_window;
    return window < KITH_RELAY_WINDOW_MIN ? KITH_RELAY_WINDOW_MIN : (size_t)window;
}

/* The one that has most; `spared` only if no other has anything. */
static struct kith_life *largest(const struct kith_lives *l, struct kith_life *spared)
{
    struct kith_life *most = NULL;
    for (uint32_t i = 0; i < l->count; i++)
        if (l->all[i] != spared && (!most || l->all[i]->bytes > most->bytes)) most = l->all[i];
    return most && most->bytes ? most : spared;
}

/* Some at a time, so that the one that has most is not looked for each time. What came just now was
 * not delivered yet: where it is alone, others go. */
static void make_room(struct kith_core *c, struct kith_life *life)
{
    struct kith_life *spared = life->high - life->low == 1 ? life : NULL;
    struct kith_lives *l = &c->relay.lives;
    size_t window = kith_lives_window(c);
    if (l->bytes <= window) return;
    while (l->bytes > window - window / 64) {
        struct kith_life *most = largest(l, spared);
        size_t enough = most->bytes - most->bytes / 64;
        while (most->cap && most->bytes >= enough) forget_one(c, most);
    }
}

/* What is kept lies within KITH_RELAY_SPAN below `end`. There may be most of all numbers between:
 * only those that are kept are gone through. */
static void make_span(struct kith_core *c, struct kith_life *life, uint64_t end)
{
    while (life->low < life->high && end - life->low > KITH_RELAY_SPAN)
        forget(c, life, life->low++);
    if (life->low == life->high) life->low = life->high = life->next;
}

int kith_life_keep(struct kith_core *c, struct kith_life *life, uint64_t number,
                   struct kith_bytes frame)
{
    if (kith_life_has(life, number)) return -KITH_EEXIST;
    if (number - life->next >= KITH_RELAY_HOLD || number == UINT64_MAX) return -KITH_EAGAIN;
    uint64_t end = number < life->high ? life->high : number + 1;
    make_span(c, life, end);
    struct kith_kept *k = malloc(sizeof *k + frame.len);
    if (!k || !grow(c, life, end - life->low)) {
        free(k);
        return -KITH_ENOMEM;
    }
    k->at = c->now;
    k->len = (uint32_t)frame.len;
    memcpy(k->frame, frame.data, frame.len);
    life->high = end;
    life->ring[number & (life->cap - 1)] = k;
    count_bytes(c, life, cost(k), 0);
    make_room(c, life);
    return 0;
}

/* ------------------------------------------------------------------------------------- lives */

static bool make_tables(struct kith_lives *l)
{
    if (l->by_id) return true;
    l->by_id = calloc(BUCKETS, sizeof *l->by_id);
    l->by_name = calloc(BUCKETS, sizeof *l->by_name);
    if (l->by_id && l->by_name) return true;
    free(l->by_id);
    free(l->by_name);
    l->by_id = NULL;
    l->by_name = NULL;
    return false;
}

struct kith_life *kith_life_find(const struct kith_core *c, uint64_t id)
{
    const struct kith_lives *l = &c->relay.lives;
    struct kith_life *life = l->by_id ? l->by_id[bucket(c, &id, sizeof id)] : NULL;
    while (life && life->id != id) life = life->chain;
    return life;
}

static struct kith_origin **origin_at(struct kith_core *c, struct kith_bytes name)
{
    struct kith_origin **at = &c->relay.lives.by_name[bucket(c, name.data, name.len)];
    while (*at && !kith_bytes_equal(kith_bytes_of((*at)->name, (*at)->name_len), name))
        at = &(*at)->chain;
    return at;
}

static struct kith_origin *origin_of(struct kith_core *c, struct kith_bytes name)
{
    struct kith_origin **at = origin_at(c, name), *o = *at;
    if (o) return o;
    o = calloc(1, sizeof *o + name.len + 1);
    if (!o) return NULL;
    o->name_len = (uint8_t)name.len;
    memcpy(o->name, name.data, name.len);
    *at = o;
    return o;
}

static void leave_origin(struct kith_core *c, struct kith_origin *o, const struct kith_life *life)
{
    unsigned i = 0;
    while (i < o->count && o->lives[i] != life) i++;
    if (i < o->count) {
        memmove(&o->lives[i], &o->lives[i + 1], (o->count - i - 1u) * sizeof *o->lives);
        o->count--;
    }
    if (o->count) return;
    *origin_at(c, kith_bytes_of(o->name, o->name_len)) = o->chain;
    free(o);
}

static void drop(struct kith_core *c, struct kith_life *life)
{
    struct kith_lives *l = &c->relay.lives;
    struct kith_life **at = &l->by_id[bucket(c, &life->id, sizeof life->id)];
    while (*at != life) at = &(*at)->chain;
    *at = life->chain;
    while (life->cap) forget_one(c, life);
    kith_active_cool(c, life);
    kith_life_unlink(&life->active, offsetof(struct kith_life, active));
    kith_life_unlink(&life->lacking, offsetof(struct kith_life, lacking));
    leave_origin(c, life->origin, life);
    l->all[life->index] = l->all[--l->count];
    l->all[life->index]->index = life->index;
    if (c->relay.own == life) c->relay.own = NULL;
    free(life);
}

/* Room in the list of all: that of the one that has been still for longest, if it is cold. */
static bool place_among_all(struct kith_core *c)
{
    struct kith_lives *l = &c->relay.lives;
    if (l->count == KITH_LIVES_MAX) {
        struct kith_life *oldest = l->all[0];
        for (uint32_t i = 1; i < l->count; i++)
            if (l->all[i]->changed < oldest->changed) oldest = l->all[i];
        if (oldest->hot || oldest == c->relay.own) return false;
        drop(c, oldest);
    }
    if (l->count < l->cap) return true;
    uint32_t cap = l->cap ? 2 * l->cap : 16;
    struct kith_life **all = realloc(l->all, cap * sizeof *all);
    if (!all) return false;
    l->all = all;
    l->cap = cap;
    return true;
}

/* In the order of their ids. When there are too many, the one that has been still for longest goes:
 * so nobody is silenced by lives that others invent in his name. */
static void place_in_origin(struct kith_core *c, struct kith_origin *o, struct kith_life *life)
{
    if (o->count == KITH_LIVES_A_NAME) {
        struct kith_life *oldest = NULL;
        for (unsigned i = 0; i < o->count; i++)
            if (o->lives[i] != c->relay.own && (!oldest || o->lives[i]->changed < oldest->changed))
                oldest = o->lives[i];
        drop(c, oldest);
    }
    unsigned i = o->count++;
    for (; i && o->lives[i - 1]->id > life->id; i--) o->lives[i] = o->lives[i - 1];
    o->lives[i] = life;
    life->origin = o;
}

static struct kith_life *make(struct kith_core *c, struct kith_bytes name, uint64_t id)
{
    struct kith_lives *l = &c->relay.lives;
    struct kith_life *life = make_tables(l) && place_among_all(c) ? calloc(1, sizeof *life) : NULL;
    struct kith_origin *o = life ? origin_of(c, name) : NULL;
    if (!o) {
        kith_count_drop(c, KITH_DROP_MAX_LIVES);
        free(life);
        return NULL;
    }
    life->id = id;
    place_in_origin(c, o, life);
    struct kith_life **at = &l->by_id[bucket(c, &id, sizeof id)];
    life->chain = *at;
    *at = life;
    life->index = l->count;
    l->all[l->count++] = life;
    struct kith_alarm *alarm = &c->relay.sweep;
    if (!alarm->place) kith_alarm_set(&c->alarms, alarm, kith_later(c->now, KITH_LIVES_SWEEP));
    return life;
}

struct kith_life *kith_life_get(struct kith_core *c, struct kith_bytes name, uint64_t id,
                                uint64_t start, uint64_t age)
{
    struct kith_life *life = kith_life_find(c, id);
    if (life) return kith_bytes_equal(kith_life_name(life), name) ? life : NULL;
    life = make(c, name, id);
    if (!life) return NULL;
    uint64_t lasted = age < UINT64_MAX / 1000000000u ? age * 1000000000u : UINT64_MAX;
    life->began = lasted < c->now ? c->now - lasted : 0;
    life->seen = life->changed = c->now;
    life->next = life->low = life->high = start;
    return life;
}

/* A life is remembered as long as somebody might speak of it: while its member is known, or
 * something of it is young. */
static bool needed(const struct kith_core *c, const struct kith_life *life)
{
    const struct kith_origin *o = life->origin;
    if (life == c->relay.own || life->bytes || life->lacking.at) return true;
    if (c->now - life->changed < c->set.relay_age) return true;
    return o->lives[o->count - 1] == life && kith_members_named(&c->members, kith_life_name(life));
}

bool kith_lives_age(struct kith_core *c)
{
    struct kith_lives *l = &c->relay.lives;
    uint64_t age = c->set.relay_age;
    for (uint32_t i = l->count; i-- > 0;) {
        struct kith_life *life = l->all[i];
        for (struct kith_kept *k; life->low < life->next && life->low < life->high;) {
            k = life->ring[life->low & (life->cap - 1)];
            if (k && c->now - k->at < age) break;
            forget_one(c, life);
        }
        if (c->now - life->changed >= age) kith_active_cool(c, life);
        if (!needed(c, life)) drop(c, life);
    }
    return l->count > 0;
}

void kith_lives_fini(struct kith_core *c)
{
    struct kith_lives *l = &c->relay.lives;
    while (l->count) drop(c, l->all[l->count - 1]);
    free(l->all);
    free(l->by_id);
    free(l->by_name);
    *l = (struct kith_lives){0};
}
