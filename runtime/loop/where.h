/*
 * where.h - places as people write them: `name/` in front of an address, and `host:port` as
 * memberlist reads it (PROTOCOL.md 2.14). For texts that no transport has understood whole. Pure.
 */
#ifndef KITH_WHERE_H
#define KITH_WHERE_H

#include <kith/plugin.h>

enum { KITH_HOST_TEXT_MAX = 256 }; /* of a host name, with its NUL */

/* Cut off `name/`, a member's name. Both point into text. False: there is none, or it is empty, or
 * nothing follows it. */
bool kith_where_cut_name(struct kith_bytes text, struct kith_bytes *name, struct kith_bytes *rest);

/* `host`, `host:port`, `[v6]`, `[v6]:port`, `v6`: the host without brackets, pointing into text.
 * *port stays as it is when none is written. 0, or -KITH_EINVAL with words. */
int kith_where_host(struct kith_bytes text, struct kith_bytes *host, uint16_t *port,
                    struct kith_error *err);

#endif
