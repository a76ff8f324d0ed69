/*
 * lives.h - what is known of broadcasts: who says them, up to which number they were delivered, and
 * those of them that are kept for members that miss some. Knows no packets and no peers.
 *
 * An *origin* is a member's name. A *life* is what one process of that name says: numbered from 1,
 * under an id that grows from one life of the name to the next. Of a life:
 *
 *     low        the first number that may be kept; those below are gone
 *     next       the first that was not delivered: all below were, or will never be
 *     high       behind the last that is kept; what lies between next and there is held back
 *
 * Everything kept counts in one window (relay.window). What is over it goes from the life that
 * holds most, its oldest first; what is older than relay.age goes, too.
 */
#ifndef KITH_RELAY_LIVES_H
#define KITH_RELAY_LIVES_H

#include "frames.h"

struct kith_core;

#define KITH_LIVES_SWEEP 5000000000u /* ns between two sweeps, as long as there are any */

enum {
    KITH_LIVES_MAX = 4096,        /* of all members together */
    KITH_LIVES_A_NAME = 4,        /* of one */
    KITH_RELAY_HOLD = 32768,      /* numbers above `next` that are held back */
    KITH_RELAY_SPAN = 131072,     /* and from `low` on, at most; a power of two */
    KITH_RELAY_HOLDERS = 4,       /* members remembered that have more of a life */
    KITH_RELAY_WINDOW_MIN = 65536 /* bytes */
};

/* A whole numbered frame. */
struct kith_kept {
    uint64_t at; /* when it came */
    uint32_t len;
    uint8_t frame[];
};

/* Who says that there is more of a life. */
struct kith_holder {
    uint64_t born; /* its record's serial; 0: somebody unknown */
    uint64_t told; /* numbers below this exist */
    uint64_t gone; /* it has none below this; 0: it did not say so */
    uint8_t unanswered;
};

/* A place in a list of lives; lists are ended by NULL. */
struct kith_life_link {
    struct kith_life *next, **at; /* at NULL: in none */
};

struct kith_life {
    struct kith_life *chain; /* of its bucket */
    struct kith_origin *origin;
    uint32_t index;                    /* among all */
    uint64_t id, began, changed, seen; /* began: at the latest; seen: when we first heard of it */
    uint64_t next, low, high;
    struct kith_kept **ring; /* number n in ring[n % cap] */
    uint32_t cap;
    size_t bytes;
    bool hot; /* its next is part of the summary */
    /* to be told (digest.c) */
    struct kith_life_link active;
    unsigned tells;
    /* something of it is missing (repair.c) */
    struct kith_life_link lacking;
    uint64_t lacks_since, asked_at, wait;
    uint64_t told[3];  /* numbers below exist: so it is said; was said some time ago; longer ago */
    uint64_t asked;    /* numbers below were asked for */
    uint64_t progress; /* messages that came since it was asked for the first of what is missing */
    unsigned further;  /* questions for more since then */
    struct kith_holder holders[KITH_RELAY_HOLDERS];
    uint8_t holder_count, turn;
};

struct kith_origin {
    struct kith_origin *chain;
    struct kith_life *lives[KITH_LIVES_A_NAME]; /* by id, the oldest first */
    uint8_t count;
    uint8_t name_len;
    char name[]; /* NUL */
};

struct kith_lives {
    struct kith_life **by_id; /* buckets; NULL: there was none yet */
    struct kith_origin **by_name;
    struct kith_life **all;
    uint32_t count, cap;
    size_t bytes; /* of all that is kept */
};

void kith_lives_fini(struct kith_core *);
size_t kith_lives_window(const struct kith_core *); /* bytes */
struct kith_life *kith_life_find(const struct kith_core *, uint64_t id);
/* The one of that id, or a new one of this origin of which nothing is known, whose next is `start`.
 * NULL: another's, too many, or no memory (counted). */
struct kith_life *kith_life_get(struct kith_core *, struct kith_bytes origin, uint64_t id,
                                uint64_t start, uint64_t age);
/* NULL: not kept. */
struct kith_kept *kith_life_kept(const struct kith_life *, uint64_t number);
/* Was it delivered, or does it only wait for those before it? */
static inline bool kith_life_has(const struct kith_life *life, uint64_t number)
{
    return number < life->next || kith_life_kept(life, number);
}
/* Keep a copy. -KITH_EEXIST: known; -KITH_EAGAIN: too far ahead; -KITH_ENOMEM. */
int kith_life_keep(struct kith_core *, struct kith_life *, uint64_t number,
                   struct kith_bytes frame);
/* Forget what is too old, and lives that nobody needs. True: something is left to come for. */
bool kith_lives_age(struct kith_core *);

/* Everything below is delivered, or will never be. */
static inline void kith_life_skip(struct kith_life *life, uint64_t next)
{
    life->next = next;
    if (life->low == life->high) life->low = life->high = next;
}

static inline struct kith_bytes kith_life_name(const struct kith_life *life)
{
    return kith_bytes_of(life->origin->name, life->origin->name_len);
}

/* Lists of lives. offset: where in a life the link is. */
static inline struct kith_life_link *kith_life_link_of(struct kith_life *life, size_t offset)
{
    return (struct kith_life_link *)(void *)((char *)life + offset);
}
static inline void kith_life_link(struct kith_life *life, size_t offset, struct kith_life **list)
{
    struct kith_life_link *link = kith_life_link_of(life, offset);
    link->next = *list;
    link->at = list;
    if (link->next) kith_life_link_of(link->next, offset)->at = &link->next;
    *list = life;
}
static inline void kith_life_unlink(struct kith_life_link *link, size_t offset)
{
    if (!link->at) return;
    *link->at = link->next;
    if (link->next) kith_life_link_of(link->next, offset)->at = link->at;
    *link = (struct kith_life_link){0};
}

#endif
