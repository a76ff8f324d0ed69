/*
 * versions.h - the six bytes in which a member says what it speaks: lowest, highest and current
 * protocol version, then the same of the delegates' protocol.
 */
#ifndef KITH_VERSIONS_H
#define KITH_VERSIONS_H

#include <kith/plugin.h>

/* More bytes than six may come: they say nothing. */
static inline bool kith_versions_sound(struct kith_bytes vsn)
{
    const uint8_t *v = vsn.data;
    return vsn.len >= 6 && v[0] >= 1 && v[0] <= v[2] && v[2] <= v[1] && v[3] <= v[5] &&
           v[5] <= v[4];
}

#endif
