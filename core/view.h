/*
 * view.h - a member as delegates and the owner of the core see it: struct kith_member of the ABI.
 */
#ifndef KITH_VIEW_H
#define KITH_VIEW_H

#include "record.h"
#include "wire.h"

struct kith_core;

/* Both fill *out whole; what it points to belongs to the record, or to the message. */
void kith_view_record(const struct kith_core *, const struct kith_record *,
                      struct kith_member *out);
/* name_copy takes KITH_NAME_LIMIT + 1 bytes: names in messages have no NUL behind them. */
void kith_view_message(const struct kith_core *, const struct kith_msg *, char *name_copy,
                       struct kith_member *out);

/* Copy as much of `full` to *out as out->size says there is room for, and set out->size to what was
 * written. A size that can't even hold itself leaves *out alone. */
void kith_view_give(const struct kith_member *full, struct kith_member *out);

#endif
