/*
 * core_log.h - lines for the log of whoever owns the core.
 */
#ifndef KITH_CORE_LOG_H
#define KITH_CORE_LOG_H

#include "bounds.h"

#include <kith/shown.h>

struct kith_core;

/* peer: whom it is about, or NULL. */
void kith_core_log(struct kith_core *, enum kith_log_level, const struct kith_addr *peer,
                   const char *fmt, ...) KITH_PRINTF(4, 5);
/* The same for what a peer can cause at will: a few lines a second. */
void kith_core_log_some(struct kith_core *, enum kith_log_level, const struct kith_addr *peer,
                        const char *fmt, ...) KITH_PRINTF(4, 5);

struct kith_request;

/* Likewise, and it is why a request fails. r may be NULL. */
void kith_request_because(struct kith_core *, enum kith_log_level, const struct kith_request *r,
                          const struct kith_addr *peer, const char *fmt, ...) KITH_PRINTF(5, 6);

/* How an exchange ended: kith_core_status_text(), or that it did not work. */
const char *kith_status_text(int status);

/* A name, for %.*s: as it can be shown. */
#define KITH_STR(bytes) \
    KITH_SHOWN_ROOM(KITH_NAME_LIMIT), \
        kith_core_shown((char[KITH_SHOWN_ROOM(KITH_NAME_LIMIT)]){0}, (bytes))

static inline const char *kith_core_shown(char *out, struct kith_bytes name)
{
    kith_show(out, KITH_SHOWN_ROOM(KITH_NAME_LIMIT), name);
    return out;
}

#endif
