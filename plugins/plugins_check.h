/*
 * plugins_check.h - what only the plugins can say about a config: the init of each instance, what
 * the transport gives and which addresses it takes, and delegates that exclude each other.
 */
#ifndef KITH_PLUGINS_CHECK_H
#define KITH_PLUGINS_CHECK_H

#include "config.h"

/* Every problem goes to diag, at its place. Nothing is started. lines: so does what init logs, from
 * a warning on; not where a node is made of it, whose instances log the same once more. */
void kith_plugins_check(struct kith_config *, struct kith_diag *, bool lines);

#endif
