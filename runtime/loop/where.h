/*
 * where.h - what a user writes to name a place: `[name/]host[:port]`, as memberlist reads it
 * (PROTOCOL.md 2.14). Nothing is looked up.
 */
#ifndef KITH_WHERE_H
#define KITH_WHERE_H

#include <kith/plugin.h>

enum { KITH_HOST_TEXT_MAX = 256 }; /* of a host name, with its NUL */

/* `[name/]host[:port]`. */
struct kith_where {
    struct kith_bytes name;        /* of the member; empty: not known. Points into the text */
    char host[KITH_HOST_TEXT_MAX]; /* without brackets */
    uint16_t port;                 /* the default, when none was written */
};

/* 0 or -KITH_EINVAL with words. Nothing is looked up. */
int kith_where_parse(struct kith_where *, const char *text, uint16_t default_port,
                     struct kith_error *err);

#endif
