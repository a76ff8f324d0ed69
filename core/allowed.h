/*
 * allowed.h - which addresses may be members: cidrs_allowed (PROTOCOL.md 2.12).
 */
#ifndef KITH_ALLOWED_H
#define KITH_ALLOWED_H

#include <kith/plugin.h>

struct kith_core;

bool kith_allowed(const struct kith_core *, struct kith_bytes addr);

#endif
