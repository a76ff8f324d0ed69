/*
 * world.h - what several nodes of one process share: a loop, real or virtual, with the scratch
 * memory of all who run on it, and the registry of plugins. Who opens a node without naming a world
 * gets one of its own.
 *
 * One thread runs all nodes of a world. Worlds share nothing but the files of plugins, so each may
 * have a thread of its own; two virtual ones with the same seed and the same nodes do the same.
 * Knows no node.
 */
#ifndef KITH_WORLD_H
#define KITH_WORLD_H

#include "loop.h"
#include "registry.h"

struct kith_world;

/* In real time. plugin_path: colon separated folders, before those that are looked in anyway; NULL
 * or "": only those. NULL: errno says why. */
struct kith_world *kith_world_new(const char *plugin_path);
/* In virtual time, which begins at one second; randomness comes from the seed. */
struct kith_world *kith_world_new_virtual(const char *plugin_path, uint64_t seed);
/* A node holds the world that it runs in until kith_close(). The last one who lets go of it frees
 * it. The world's thread. NULL is fine. */
struct kith_world *kith_world_ref(struct kith_world *);
void kith_world_unref(struct kith_world *);

/* The world's: they live as long as it does. */
struct kith_loop *kith_world_loop(const struct kith_world *);
struct kith_registry *kith_world_registry(const struct kith_world *);

#endif
