/*
 * choose.h - some members at random: whom to gossip to, whom to ask for an indirect probe, with
 * whom to sync (PROTOCOL.md 2.9, the rule of v0.6.0).
 */
#ifndef KITH_CHOOSE_H
#define KITH_CHOOSE_H

#include "record.h"

struct kith_core;

/* Memory that choosing needs, kept from one choice to the next. */
struct kith_choice {
    struct kith_record **chosen;
    uint32_t *order;
    size_t chosen_cap, order_cap;
};

/* Up to k different ones that are eligible. The list is valid until the next choice. */
size_t kith_choose(struct kith_core *, size_t k,
                   bool (*eligible)(struct kith_core *, const struct kith_record *),
                   struct kith_record ***chosen);
void kith_choice_fini(struct kith_choice *);

#endif
