/*
 * choose.c - some members at random (PROTOCOL.md 2.9, the rule of v0.6.0).
 */
#include "choose.h"
#include "state.h"

#include <stdlib.h>

static int reserve(struct kith_choice *w, size_t chosen, size_t order)
{
    if (chosen > w->chosen_cap) {
        struct kith_record **list = realloc(w->chosen, chosen * sizeof *list);
        if (!list) return -KITH_ENOMEM;
        w->chosen = list;
        w->chosen_cap = chosen;
    }
    if (order > w->order_cap) {
        uint32_t *list = realloc(w->order, order * sizeof *list);
        if (!list) return -KITH_ENOMEM;
        w->order = list;
        w->order_cap = order;
    }
    return 0;
}

/* Few members for so many wanted: shuffle them as far as needed. */
static size_t by_shuffle(struct kith_core *c, size_t k,
                         bool (*eligible)(struct kith_core *, const struct kith_record *))
{
    struct kith_choice *w = &c->choice;
    uint32_t n = c->members.count;
    size_t got = 0;
    for (uint32_t i = 0; i < n; i++) w->order[i] = i;
    for (uint64_t i = 0; i < n && got < k; i++) {
        uint64_t j = i + kith_random_below(&c->random, n - i);
        uint32_t t = w->order[i];
        w->order[i] = w->order[j];
        w->order[j] = t;
        struct kith_record *p = kith_members_at(&c->members, w->order[i]);
        if (eligible(c, p)) w->chosen[got++] = p;
    }
    return got;
}

static bool has(const struct kith_choice *w, size_t got, const struct kith_record *p)
{
    for (size_t i = 0; i < got; i++)
        if (w->chosen[i] == p) return true;
    return false;
}

/* Many members: draw, at most three times as often as there are members. */
static size_t by_draws(struct kith_core *c, size_t k,
                       bool (*eligible)(struct kith_core *, const struct kith_record *))
{
    struct kith_choice *w = &c->choice;
    uint64_t n = c->members.count;
    size_t got = 0;
    for (uint64_t draws = 3 * n; draws > 0 && got < k; draws--) {
        struct kith_record *p =
            kith_members_at(&c->members, (uint32_t)kith_random_below(&c->random, n));
        if (!has(w, got, p) && eligible(c, p)) w->chosen[got++] = p;
    }
    return got;
}

size_t kith_choose(struct kith_core *c, size_t k,
                   bool (*eligible)(struct kith_core *, const struct kith_record *),
                   struct kith_record ***chosen)
{
    uint64_t n = c->members.count;
    if (k > n) k = n;
    bool few = n < 3 * (uint64_t)k;
    if (reserve(&c->choice, k, few ? n : 0) < 0) return 0;
    *chosen = c->choice.chosen;
    return few ? by_shuffle(c, k, eligible) : by_draws(c, k, eligible);
}

void kith_choice_fini(struct kith_choice *w)
{
    free(w->chosen);
    free(w->order);
    memset(w, 0, sizeof *w);
}
