/*
 * repair.h - what is missing of a life is asked for, from members that say they have it; and what
 * others miss is sent to them.
 */
#ifndef KITH_RELAY_REPAIR_H
#define KITH_RELAY_REPAIR_H

#include "alarms.h"
#include "lives.h"

struct kith_record;

/* How much each member is sent again, by a bucket of its address. */
enum { KITH_ASKERS = 256 };
struct kith_asker {
    uint64_t at; /* when it was filled up last */
    uint32_t bytes;
};

/* A member (NULL: one that is not known by its address) says that all below this number exist. */
void kith_repair_told(struct kith_core *, struct kith_life *, uint64_t below,
                      const struct kith_record *);
/* It has none below `kept` any more, and none from `next` on. */
void kith_repair_gone(struct kith_life *, uint64_t kept, uint64_t next, const struct kith_record *);
/* Something came that had been missing. */
void kith_repair_came(struct kith_life *, const struct kith_record *);
void kith_repair_tick(struct kith_core *, struct kith_alarm *);
/* Ask for numbers of a life that is not known yet, where they come from is told then. */
void kith_repair_ask_unknown(struct kith_core *, const struct kith_record *, uint64_t life,
                             uint64_t below);
/* A member asks. */
void kith_repair_asked(struct kith_core *, const struct kith_addr *from, const struct kith_record *,
                       struct kith_bytes entries);

#endif
