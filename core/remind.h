/*
 * remind.h - who accuses us of an incarnation that we have refuted has missed the refutation: it is
 * told again, by us, alone (docs/WIRE.md). memberlist drops such an accusation without a word; if
 * the accuser hears of the refutation from nobody else, it declares us dead.
 */
#ifndef KITH_REMIND_H
#define KITH_REMIND_H

#include "wire.h"

struct kith_core;
struct kith_record;

/* So many in a second, and as many are remembered; to one accuser one in a second. */
enum { KITH_REMINDERS = 10 };

/* The last ones, the oldest at `next`. */
struct kith_reminders {
    struct {
        uint32_t whom; /* hash of a name */
        uint64_t at;   /* 0: never */
    } last[KITH_REMINDERS];
    unsigned next;
};

/* May we tell this member something now that it seems to have missed? Then it counts as told. */
bool kith_may_remind(struct kith_core *, const struct kith_record *);
/* A suspect or dead message about us, of an incarnation before ours. */
void kith_remind(struct kith_core *, const struct kith_msg *);

#endif
