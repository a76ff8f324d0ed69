/*
 * cause.h - why an exchange is refused, in words: for the log, for whoever waits here, and for the
 * peer where an err message can be sent. Knows the limits, and does nothing.
 */
#ifndef KITH_CAUSE_H
#define KITH_CAUSE_H

#include "exchange.h"

enum { KITH_CAUSE_TEXT = 128 };

/* False: whoever refuses it says it. */
bool kith_cause_text(const struct kith_core *, const struct kith_exchange *, enum kith_drop,
                     char out[KITH_CAUSE_TEXT]);
/* Is a peer that opened the stream told? It asked for what is right, but for more than we have. */
bool kith_cause_is_told(const struct kith_exchange *, enum kith_drop);

#endif
