/*
 * repair.c - see repair.h.
 *
 * Packets overtake each other, so what is missing is asked for when that has been known for two
 * ticks. What was asked for and does not come is asked for again, of another of up to four members
 * that said they have it, later each time while nothing comes.
 *
 * It is given up when all that had it say that it has fallen out of their windows, or when it is
 * older than anybody keeps.
 */
#include "repair.h"
#include "state.h"
#include "deliver.h"
#include "kin.h"
#include "post.h"

#include <stdlib.h>

#define TICK         20000000u /* ns */
#define FIRST_WAIT   100000000u
#define LONGEST_WAIT 5000000000u
#define GIVE_UP      2000000000u /* not before; others may still have it */

enum {
    UNANSWERED_MOST = 6,    /* questions until a holder counts no more */
    EVENTS = 4,             /* that one question may bring */
    FURTHER = 4,            /* questions for more, while nothing came of the first */
    ASK_PACKETS = 32,       /* packets that one question may bring */
    TYPICAL = 256,          /* bytes of a message, when there is none to tell */
    ASKER_RATE = 256 << 10, /* bytes a second that one member is sent again */
    ASKS = 4                /* members that are asked in one tick */
};

/* ------------------------------------------------------------------------------ who has more */

static struct kith_holder *holder_of(struct kith_core *c, struct kith_life *life, uint64_t born)
{
    for (unsigned i = 0; i < life->holder_count; i++)
        if (life->holders[i].born == born) return &life->holders[i];
    uint64_t i = life->holder_count < KITH_RELAY_HOLDERS
                     ? life->holder_count++
                     : kith_random_below(&c->random, KITH_RELAY_HOLDERS);
    life->holders[i] = (struct kith_holder){.born = born};
    life->wait = FIRST_WAIT; /* it is asked soon */
    return &life->holders[i];
}

static void begin_lacking(struct kith_core *c, struct kith_life *life)
{
    if (life->lacking.at) return;
    kith_life_link(life, offsetof(struct kith_life, lacking), &c->relay.lacking);
    life->lacks_since = c->now;
    life->told[1] = life->told[2] = life->asked = 0;
    life->asked_at = 0;
    life->wait = FIRST_WAIT;
    if (!c->relay.repair.place)
        kith_alarm_set(&c->alarms, &c->relay.repair, kith_later(c->now, TICK));
}

void kith_repair_told(struct kith_core *c, struct kith_life *life, uint64_t below,
                      const struct kith_record *p)
{
    if (life == c->relay.own || below <= life->next) return;
    struct kith_holder *s = holder_of(c, life, p ? p->born : 0);
    if (below > s->told) s->told = below;
    if (below > life->told[0]) life->told[0] = below;
    begin_lacking(c, life);
}

void kith_repair_gone(struct kith_life *life, uint64_t kept, uint64_t next,
                      const struct kith_record *p)
{
    uint64_t born = p ? p->born : 0;
    life->asked_at = 0; /* that was an answer: the next one is asked */
    for (unsigned i = 0; i < life->holder_count; i++) {
        struct kith_holder *s = &life->holders[i];
        if (s->born != born) continue;
        s->unanswered = 0;
        s->gone = kept;
        if (next < s->told) s->told = next;
    }
}

void kith_repair_came(struct kith_life *life, const struct kith_record *p)
{
    life->progress++;
    for (unsigned i = 0; p && i < life->holder_count; i++)
        if (life->holders[i].born == p->born) life->holders[i].unanswered = 0;
}

/* The claim is that of its holder, and goes with it. */
static void drop_holder(struct kith_life *life, unsigned i)
{
    uint64_t told = 0;
    life->holders[i] = life->holders[--life->holder_count];
    for (unsigned k = 0; k < life->holder_count; k++)
        if (life->holders[k].told > told) told = life->holders[k].told;
    for (unsigned k = 0; k < 3; k++)
        if (life->told[k] > told) life->told[k] = told;
}

/* The first number that is kept behind what is missing, or where that ends. */
static uint64_t behind_hole(const struct kith_life *life)
{
    uint64_t n = life->next;
    while (n < life->high && !kith_life_kept(life, n)) n++;
    return n < life->high ? n : life->told[0];
}

/* Up to where it is to be given up; 0: not yet. */
static uint64_t hopeless(const struct kith_core *c, const struct kith_life *life)
{
    uint64_t since = life->changed > life->lacks_since ? life->changed : life->lacks_since;
    uint64_t below = 0;
    if (c->now - since >= c->set.relay_age) return behind_hole(life);
    if (c->now - since < GIVE_UP) return 0;
    for (unsigned i = 0; i < life->holder_count; i++) {
        const struct kith_holder *s = &life->holders[i];
        if (s->told <= life->next) continue;
        if (s->gone <= life->next) return 0;
        if (!below || s->gone < below) below = s->gone;
    }
    return below;
}

/* ------------------------------------------------------------------------------------ asking */

/* Lists of questions in the making, each for one member. */
struct asks {
    struct kith_core *core;
    struct {
        uint64_t born;
        struct kith_relay_list list;
    } to[ASKS];
    unsigned count;
};

static void post(struct asks *a, unsigned i)
{
    const struct kith_record *p = kith_kin_of(a->core, a->to[i].born);
    if (!p || !a->to[i].list.count) return;
    kith_count(a->core, KITH_COUNT_RELAY_ASKS_SENT);
    kith_post_list_to(a->core, p, &a->to[i].list);
}

static struct kith_relay_list *list_for(struct asks *a, uint64_t born)
{
    for (unsigned i = 0; i < a->count; i++)
        if (a->to[i].born == born) return &a->to[i].list;
    unsigned i = a->count < ASKS ? a->count++ : 0;
    if (a->count == ASKS && i == 0) post(a, i);
    a->to[i].born = born;
    kith_relay_list(&a->to[i].list, KITH_RELAY_ASK, kith_post_list_most(a->core));
    return &a->to[i].list;
}

/* Numbers that ASK_PACKETS packets take. */
static uint64_t most_numbers(const struct kith_core *c, const struct kith_life *life)
{
    uint64_t held = life->high - life->low;
    size_t one = held && life->bytes ? life->bytes / held : TYPICAL;
    size_t packet = kith_packet_budget(c, NULL).bytes;
    return ASK_PACKETS * (packet / (one ? one : 1) + 1);
}

/* Ask for what is missing from `from` to under `below`; to where it was asked for. */
static uint64_t ask(struct asks *a, const struct kith_life *life, uint64_t from, uint64_t below,
                    uint64_t born)
{
    struct kith_relay_list *list = list_for(a, born);
    uint64_t most = most_numbers(a->core, life), n = from;
    while (n < below && most) {
        while (n < below && kith_life_has(life, n)) n++;
        uint64_t first = n;
        for (; n < below && most && !kith_life_has(life, n); n++) most--;
        if (n > first && !kith_relay_add(list, life->id, first, n - first)) return first;
    }
    return n;
}

/* Whom to ask; the next one each time. False: nobody is left. */
static bool next_holder(struct kith_core *c, struct kith_life *life, uint64_t from, bool again,
                        uint64_t *born)
{
    for (unsigned i = 0; i < life->holder_count; i++) {
        unsigned at = (life->turn + i) % life->holder_count;
        struct kith_holder *s = &life->holders[at];
        const struct kith_record *p = s->born ? kith_kin_of(c, s->born) : kith_kin_any(c);
        if (s->told <= from || !p || (s->gone > from && life->holder_count > 1)) continue;
        life->turn = (uint8_t)(at + 1);
        s->unanswered += again; /* the answers to others are still on their way */
        *born = p->born;
        return true;
    }
    return false;
}

static void drop_silent(struct kith_core *c, struct kith_life *life)
{
    for (unsigned i = life->holder_count; i-- > 0;) {
        const struct kith_holder *s = &life->holders[i];
        bool away = s->born && !kith_kin_of(c, s->born);
        if (away || s->unanswered > UNANSWERED_MOST || s->told <= life->next) drop_holder(life, i);
    }
}

static void ask_again(struct kith_core *c, struct kith_life *life)
{
    if (life->progress)
        life->wait = FIRST_WAIT;
    else if (life->asked_at)
        life->wait = life->wait < LONGEST_WAIT / 2 ? 2 * life->wait : LONGEST_WAIT;
    life->progress = 0;
    life->asked_at = c->now ? c->now : 1;
}

static void ask_for(struct asks *a, struct kith_life *life)
{
    struct kith_core *c = a->core;
    uint64_t below = life->told[2], from = life->asked > life->next ? life->asked : life->next;
    uint64_t born;
    bool again = !life->asked_at || c->now - life->asked_at >= life->wait;
    life->told[2] = life->told[1];
    life->told[1] = life->told[0];
    if (again) from = life->next;
    if (below > life->next && below - life->next > KITH_RELAY_HOLD)
        below = life->next + KITH_RELAY_HOLD;
    if (from >= below || (!again && !life->progress && life->further >= FURTHER)) return;
    if (!next_holder(c, life, from, again, &born)) return;
    if (again) ask_again(c, life);
    life->further = again ? 0 : life->further + 1;
    life->asked = ask(a, life, from, below, born);
}

/* False: it lacks nothing any more, or what it lacks is only said to be. What is held back behind a
 * gap waits until that is given up, though nobody is left to ask: the gap is no mere claim. */
static bool look_after(struct asks *a, struct kith_life *life)
{
    struct kith_core *c = a->core;
    kith_deliver(c, life, NULL);
    uint64_t below = hopeless(c, life);
    if (below > life->next) kith_deliver_without(c, life, below);
    drop_silent(c, life);
    if (life->holder_count == 0 && life->high <= life->next && !kith_deliver_waits(c, life))
        return false;
    ask_for(a, life);
    return true;
}

void kith_repair_tick(struct kith_core *c, struct kith_alarm *alarm)
{
    struct asks asks;
    asks.core = c;
    asks.count = 0;
    for (struct kith_life *life = c->relay.lacking, *next; life; life = next) {
        next = life->lacking.next;
        if (look_after(&asks, life)) continue;
        kith_life_unlink(&life->lacking, offsetof(struct kith_life, lacking));
        life->told[0] = 0;
    }
    for (unsigned i = 0; i < asks.count; i++) post(&asks, i);
    if (c->relay.lacking) kith_alarm_set(&c->alarms, alarm, kith_later(c->now, TICK));
}

void kith_repair_ask_unknown(struct kith_core *c, const struct kith_record *p, uint64_t life,
                             uint64_t below)
{
    struct kith_relay_list list;
    kith_relay_list(&list, KITH_RELAY_ASK, kith_post_list_most(c));
    kith_relay_add(&list, life, 1, below - 1 < TYPICAL ? below - 1 : TYPICAL);
    kith_count(c, KITH_COUNT_RELAY_ASKS_SENT);
    kith_post_list_to(c, p, &list);
}

/* --------------------------------------------------------------------------------- answering */

/* What a member may be sent again, as of now. NULL: no memory. */
static struct kith_asker *asker_of(struct kith_core *c, const struct kith_addr *to)
{
    uint32_t hash = kith_members_hash(&c->members, kith_bytes_of(to->bytes, to->len)) + to->port;
    struct kith_asker *askers = c->relay.askers;
    if (!askers) askers = c->relay.askers = calloc(KITH_ASKERS, sizeof *askers);
    if (!askers) return NULL;
    struct kith_asker *a = &askers[hash % KITH_ASKERS];
    uint64_t more = (c->now - a->at) / 1000 * ASKER_RATE / 1000000;
    if (!a->at || more > ASKER_RATE) more = ASKER_RATE;
    a->at = c->now ? c->now : 1;
    a->bytes = a->bytes + more > ASKER_RATE ? ASKER_RATE : (uint32_t)(a->bytes + more);
    return a;
}

/* An answer in the making. */
struct answer {
    struct kith_post post;
    struct kith_relay_list gone;
    struct kith_asker *asker;
    size_t left;     /* bytes that one question may bring */
    unsigned events; /* that it brought here */
};

/* The first from `n` on that we have; those before it we had, or gave up. */
static uint64_t first_kept(const struct kith_life *life, uint64_t n)
{
    if (n >= life->next) return n;
    if (n < life->low) n = life->low;
    while (n < life->next && n < life->high && !kith_life_kept(life, n)) n++;
    return n < life->high ? n : life->next;
}

static void answer_entry(struct kith_core *c, struct answer *a, const struct kith_addr *to,
                         const struct kith_relay_entry *e)
{
    const struct kith_life *life = kith_life_find(c, e->life);
    if (!life) return;
    uint64_t end = e->b < KITH_RELAY_HOLD ? e->a + e->b : e->a + KITH_RELAY_HOLD;
    uint64_t n = first_kept(life, e->a);
    if (n > e->a && e->b && kith_relay_add(&a->gone, life->id, n, life->next) &&
        a->events++ < EVENTS)
        kith_deliver_lost(c, life, (end < n ? end : n) - e->a, to);
    for (; n < end && n < life->high; n++) {
        const struct kith_kept *kept = kith_life_kept(life, n);
        if (!kept) continue;
        if (a->left < kept->len) return;
        if (!a->asker || a->asker->bytes < kept->len) {
            kith_count_drop(c, KITH_DROP_MAX_REPAIRS);
            a->left = 0;
            return;
        }
        a->left -= kept->len;
        a->asker->bytes -= kept->len;
        kith_count(c, KITH_COUNT_RELAYS_REPAIRED);
        kith_post_add(&a->post, kith_bytes_of(kept->frame, kept->len));
    }
}

void kith_repair_asked(struct kith_core *c, const struct kith_addr *from,
                       const struct kith_record *p, struct kith_bytes entries)
{
    struct kith_relay_entry e;
    struct answer a;
    kith_post_begin(&a.post, c, from, p);
    kith_relay_list(&a.gone, KITH_RELAY_GONE, kith_post_list_most(c));
    a.asker = asker_of(c, from);
    a.left = ASK_PACKETS * a.post.most;
    a.events = 0;
    while (kith_relay_next(&entries, &e) > 0) answer_entry(c, &a, from, &e);
    kith_post_end(&a.post);
    kith_post_list(c, from, p, &a.gone);
}
