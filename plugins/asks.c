/*
 * asks.c - ids of what was asked and is not answered yet. Knows nothing of who asks or answers.
 */
#include "asks.h"

#include <stdlib.h>

enum { FEW = 16, MANY = 1024 }; /* buckets */

/*
 *   open ──reply*──▶ open ──┬─ finish, expire, close_owner, free ─▶ dead, `end` was called
 *                           └─ cancel, or `piece` says -KITH_ECLOSED ─▶ dead, without a word
 *
 * An ask leaves the table before anything of its asker is called for the last time: whatever that
 * leads to finds the id dead.
 */
struct ask {
    uint64_t id, deadline;
    const struct kith_host *owner;
    struct kith_asker asker;
    struct ask *chain;       /* of its bucket */
    struct ask *prev, *next; /* in the order of opening */
};

struct kith_asks {
    uint64_t next_id;
    uint64_t soonest; /* no ask has an earlier deadline */
    size_t count;
    struct ask *first, *last;
    struct ask **buckets; /* ids are consecutive: they spread by themselves */
    size_t bucket_count;  /* 0: nothing was ever asked */
};

static struct ask **bucket_of(const struct kith_asks *asks, uint64_t id)
{
    return &asks->buckets[id % asks->bucket_count];
}

static void enter(struct kith_asks *asks, struct ask *ask)
{
    struct ask **bucket = bucket_of(asks, ask->id);
    ask->chain = *bucket;
    *bucket = ask;
}

/* As many buckets as there are asks. False: none, for want of memory. */
static bool reserve(struct kith_asks *asks)
{
    size_t count = asks->bucket_count ? 2 * asks->bucket_count : FEW;
    if (asks->count < asks->bucket_count || count > MANY) return true;
    struct ask **buckets = calloc(count, sizeof *buckets);
    if (!buckets) return asks->bucket_count > 0;
    free(asks->buckets);
    asks->buckets = buckets;
    asks->bucket_count = count;
    for (struct ask *ask = asks->first; ask; ask = ask->next) enter(asks, ask);
    return true;
}

static struct ask *find(const struct kith_asks *asks, uint64_t id)
{
    struct ask *ask = asks->bucket_count ? *bucket_of(asks, id) : NULL;
    while (ask && ask->id != id) ask = ask->chain;
    return ask;
}

static struct ask *find_owned(const struct kith_asks *asks, const struct kith_host *owner,
                              uint64_t id)
{
    struct ask *ask = find(asks, id);
    return ask && ask->owner == owner ? ask : NULL;
}

/* The id is dead from here on. */
static struct kith_asker take(struct kith_asks *asks, struct ask *ask)
{
    struct kith_asker asker = ask->asker;
    struct ask **link = bucket_of(asks, ask->id);
    while (*link != ask) link = &(*link)->chain;
    *link = ask->chain;
    *(ask->prev ? &ask->prev->next : &asks->first) = ask->next;
    *(ask->next ? &ask->next->prev : &asks->last) = ask->prev;
    asks->count--;
    free(ask);
    return asker;
}

static void end(struct kith_asks *asks, struct ask *ask, int status, const char *text)
{
    struct kith_asker asker = take(asks, ask);
    asker.end(asker.arg, status, text);
}

struct kith_asks *kith_asks_new(uint64_t seed)
{
    struct kith_asks *asks = calloc(1, sizeof *asks);
    if (!asks) return NULL;
    asks->next_id = (seed >> 2) + 1; /* not 0, and far from ever wrapping around */
    asks->soonest = UINT64_MAX;
    return asks;
}

void kith_asks_free(struct kith_asks *asks)
{
    if (!asks) return;
    while (asks->first) end(asks, asks->first, -KITH_ECLOSED, NULL);
    free(asks->buckets);
    free(asks);
}

uint64_t kith_asks_open(struct kith_asks *asks, const struct kith_host *owner,
                        const struct kith_asker *asker, uint64_t deadline)
{
    if (asks->count >= KITH_ASKS_MAX || !reserve(asks)) return 0;
    struct ask *ask = calloc(1, sizeof *ask);
    if (!ask) return 0;
    ask->id = asks->next_id++;
    ask->deadline = deadline;
    ask->owner = owner;
    ask->asker = *asker;
    enter(asks, ask);
    ask->prev = asks->last;
    *(asks->last ? &asks->last->next : &asks->first) = ask;
    asks->last = ask;
    asks->count++;
    if (deadline < asks->soonest) asks->soonest = deadline;
    return ask->id;
}

int kith_asks_reply(struct kith_asks *asks, const struct kith_host *owner, uint64_t id,
                    struct kith_bytes piece)
{
    struct ask *ask = find_owned(asks, owner, id);
    if (!ask) return -KITH_ECLOSED;
    if (!ask->asker.piece) return 0;
    int rc = ask->asker.piece(ask->asker.arg, piece);
    if (rc == -KITH_ECLOSED) kith_asks_cancel(asks, id); /* perhaps ended meanwhile */
    return rc;
}

int kith_asks_finish(struct kith_asks *asks, const struct kith_host *owner, uint64_t id, int status,
                     const char *text)
{
    struct ask *ask = find_owned(asks, owner, id);
    if (!ask) return -KITH_ECLOSED;
    end(asks, ask, status > 0 ? -KITH_EIO : status, text);
    return status > 0 ? -KITH_EINVAL : 0;
}

bool kith_asks_waits(const struct kith_asks *asks, const struct kith_host *owner, uint64_t id)
{
    return find_owned(asks, owner, id) != NULL;
}

void kith_asks_move(struct kith_asks *asks, const struct kith_host *from,
                    const struct kith_host *to)
{
    for (struct ask *ask = asks->first; ask; ask = ask->next)
        if (ask->owner == from) ask->owner = to;
}

/* `end` may do anything to the table: begin again after each. What is opened meanwhile is not
 * looked at, so this ends. */
void kith_asks_close_owner(struct kith_asks *asks, const struct kith_host *owner, const char *text)
{
    const uint64_t before = asks->next_id;
    struct ask *ask = asks->first;
    while (ask && ask->id < before) {
        if (ask->owner == owner) {
            end(asks, ask, -KITH_ECLOSED, text);
            ask = asks->first;
        } else {
            ask = ask->next;
        }
    }
}

void kith_asks_cancel(struct kith_asks *asks, uint64_t id)
{
    struct ask *ask = find(asks, id);
    if (ask) take(asks, ask);
}

void kith_asks_hasten(struct kith_asks *asks, uint64_t id, uint64_t deadline)
{
    struct ask *ask = find(asks, id);
    if (ask && deadline < ask->deadline) ask->deadline = deadline;
    if (ask && deadline < asks->soonest) asks->soonest = deadline;
}

void kith_asks_expire(struct kith_asks *asks, uint64_t now)
{
    const uint64_t before = asks->next_id;
    if (now < asks->soonest) return;
    struct ask *ask = asks->first;
    while (ask && ask->id < before) {
        if (ask->deadline <= now) {
            end(asks, ask, -KITH_ETIMEOUT, "no answer in time");
            ask = asks->first;
        } else {
            ask = ask->next;
        }
    }
    asks->soonest = UINT64_MAX;
    for (ask = asks->first; ask; ask = ask->next)
        if (ask->deadline < asks->soonest) asks->soonest = ask->deadline;
}

uint64_t kith_asks_deadline(const struct kith_asks *asks) { return asks->soonest; }

size_t kith_asks_open_count(const struct kith_asks *asks) { return asks->count; }
