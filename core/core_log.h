/*
 * core_log.h - lines for the log of whoever owns the core.
 */
#ifndef KITH_CORE_LOG_H
#define KITH_CORE_LOG_H

#include <kith/plugin.h>

struct kith_core;

/* peer: whom it is about, or NULL. */
void kith_core_log(struct kith_core *, enum kith_log_level, const struct kith_addr *peer,
                   const char *fmt, ...) KITH_PRINTF(4, 5);
/* The same for what a peer can cause at will: a few lines a second. */
void kith_core_log_some(struct kith_core *, enum kith_log_level, const struct kith_addr *peer,
                        const char *fmt, ...) KITH_PRINTF(4, 5);

#define KITH_STR(bytes) (int)(bytes).len, (const char *)(bytes).data

#endif
