/*
 * plugins_check.h - what only the plugins can say about a config: the init of each instance, what
 * the transport gives and which addresses it takes, and delegates that exclude each other.
 */
#ifndef KITH_PLUGINS_CHECK_H
#define KITH_PLUGINS_CHECK_H

#include "config.h"

/* The time, the number and the chance that init may ask for: those of the node that is made of the
 * config. */
struct kith_check_world {
    void *ctx;
    uint64_t (*now)(void *ctx), (*wall)(void *ctx), (*world)(void *ctx);
    void (*random)(void *ctx, void *out, size_t len);
};

/* Every problem goes to diag, at its place. Nothing is started. world: NULL: the system's. lines:
 * what init logs goes there too, from a warning on; not where a node is made of it, whose instances
 * log the same once more. */
void kith_plugins_check(struct kith_config *, const struct kith_check_world *, struct kith_diag *,
                        bool lines);

#endif
