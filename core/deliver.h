/*
 * deliver.h - broadcasts go to the delegates: of each life in order, each once.
 */
#ifndef KITH_RELAY_DELIVER_H
#define KITH_RELAY_DELIVER_H

#include "lives.h"

/* Deliver what is next, as far as it is kept. from: who handed over what came last, or NULL. */
void kith_deliver(struct kith_core *, struct kith_life *, const struct kith_addr *from);
/* Nobody has what is missing below this number: give it up, and deliver what is there. */
void kith_deliver_without(struct kith_core *, struct kith_life *, uint64_t below);
/* Is there an older life of the same name, not whole yet, that is waited for? */
bool kith_deliver_waits(const struct kith_core *, const struct kith_life *);
/* An event: so many of them are kept by nobody any more. asker: who asked for them, or NULL: they
 * are missed here. */
void kith_deliver_lost(struct kith_core *, const struct kith_life *, uint64_t count,
                       const struct kith_addr *asker);

#endif
