/*
 * leaving.c - the word that delegates have before the node leaves: all are asked at once, and the
 * leave goes on when the last of them has finished, or the deadline is over.
 */
#include "delegates_parts.h"

#include <stdlib.h>

struct kith_leaving {
    struct kith_delegates_shared *shared;
    void (*done)(void *arg);
    void *arg;
    size_t open, count, room;
    struct word {
        struct kith_leaving *of;
        uint64_t id; /* 0: it has ended */
    } * words;       /* one for each that was asked */
};

static void word_end(void *arg, int status, const char *text)
{
    struct word *word = arg;
    word->id = 0;
    word->of->open--;
}

static void leaving_free(struct kith_leaving *leaving)
{
    for (size_t i = 0; i < leaving->count; i++)
        if (leaving->words[i].id) kith_asks_cancel(leaving->shared->asks, leaving->words[i].id);
    free(leaving->words);
    free(leaving);
}

void kith_leaving_fini(struct kith_delegates_shared *shared)
{
    if (shared->leaving) leaving_free(shared->leaving);
    shared->leaving = NULL;
}

static struct kith_leaving *leaving_new(struct kith_delegates_shared *shared)
{
    struct kith_leaving *leaving = calloc(1, sizeof *leaving);
    size_t n = 0;
    while (kith_listener_at(shared, n)) n++;
    if (leaving) leaving->words = calloc(n + 1, sizeof *leaving->words);
    if (!leaving || !leaving->words) {
        free(leaving);
        return NULL;
    }
    leaving->shared = shared;
    leaving->room = n;
    return leaving;
}

static void open_word(struct kith_leaving *leaving, struct kith_listener *l, struct word *word,
                      uint64_t deadline)
{
    struct kith_asks *asks = leaving->shared->asks;
    const struct kith_asker asker = {.arg = word, .end = word_end};
    word->of = leaving;
    word->id = asks && l->instance ? kith_asks_open(asks, l->instance->host, &asker, deadline) : 0;
    if (word->id) leaving->open++;
}

/* One delegate. Only who says KITH_LATER holds the leave up, until it finishes. */
static void ask(struct kith_leaving *leaving, struct kith_listener *l, uint64_t deadline)
{
    struct word *word = &leaving->words[leaving->count++];
    open_word(leaving, l, word, deadline);
    uint64_t entered = kith_listener_enter(l);
    int rc = l->ops.before_leave(l->self, word->id, deadline);
    if (rc && rc != KITH_LATER)
        kith_listener_blame(l, "before_leave() returned neither 0 nor KITH_LATER");
    if (rc != KITH_LATER && word->id) {
        kith_asks_cancel(leaving->shared->asks, word->id);
        word->id = 0;
        leaving->open--;
    }
    kith_listener_leave(l, entered, "before_leave");
}

int kith_delegates_before_leave(struct kith_delegates *d, uint64_t deadline,
                                void (*done)(void *arg), void *arg)
{
    struct kith_delegates_shared *shared = d->shared;
    struct kith_leaving *leaving = leaving_new(shared);
    if (!leaving) return 0; /* a node without memory may leave */
    kith_leaving_fini(shared);
    leaving->done = done;
    leaving->arg = arg;
    struct kith_listener *l; /* one that comes meanwhile is not asked */
    for (size_t i = 0; (l = kith_listener_at(shared, i)) && i < leaving->room; i++)
        if (l->ops.before_leave) ask(leaving, l, deadline);
    if (leaving->open) {
        shared->leaving = leaving;
        return KITH_LATER;
    }
    leaving_free(leaving);
    return 0;
}

void kith_delegates_leave_by(struct kith_delegates *d, uint64_t deadline)
{
    const struct kith_leaving *leaving = d->shared->leaving;
    for (size_t i = 0; leaving && i < leaving->count; i++)
        kith_asks_hasten(d->shared->asks, leaving->words[i].id, deadline);
}

bool kith_leaving_waiting(const struct kith_delegates_shared *shared)
{
    return shared->leaving && !shared->leaving->open;
}

void kith_leaving_deliver(struct kith_delegates_shared *shared)
{
    if (!kith_leaving_waiting(shared)) return;
    struct kith_leaving leaving = *shared->leaving;
    kith_leaving_fini(shared);
    leaving.done(leaving.arg);
}
