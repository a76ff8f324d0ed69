/*
 * registry.h - plugins by kind and name: those linked in and those found in folders. Knows nothing
 * of instances.
 */
#ifndef KITH_REGISTRY_H
#define KITH_REGISTRY_H

#include "config.h"

/* Plugins by kind and name: those linked in and those found in folders. What it hands out are
 * copies that this host can use as they are: every struct zero-extended to today's size, parameters
 * re-strided. Nothing is ever unloaded. A file that was refused is looked at again when it is asked
 * for again; once code of it ran, only when another file has taken its place. */
struct kith_registry;

/* dirs: separated by colons, searched in order. NULL: $KITH_PLUGIN_PATH (not when setuid), or the
 * compiled-in folder without it. */
struct kith_registry *kith_registry_new(const char *dirs);
void kith_registry_free(struct kith_registry *);
/* name: bare, or a path with a slash, for which kind 0 means any. NULL: err says why (not found in
 * which folders, no symbol, newer major, unknown `must_know` bit, wrong kind, name differs, missing
 * library, writable by others while root). */
const struct kith_plugin *kith_registry_find(struct kith_registry *, enum kith_kind,
                                             const char *name, struct kith_error *);
/* Every plugin in the folders, sorted by kind and name; then those that can't be used (plugin NULL,
 * err says why). Loads them all, and with that runs code that nobody asked for by name. */
void kith_registry_list(struct kith_registry *,
                        void (*visit)(void *arg, const char *path, const struct kith_plugin *,
                                      const struct kith_error *),
                        void *arg);
/* Every folder that it looks in, whether it is there or not. */
void kith_registry_folders(const struct kith_registry *, void (*visit)(void *arg, const char *path),
                           void *arg);
/* Every file in the folders that may be a plugin; nothing is loaded. */
void kith_registry_files(struct kith_registry *, void (*visit)(void *arg, const char *path),
                         void *arg);
/* Somebody tried the file elsewhere and it can't be used: it is not loaded, who asks for it hears
 * why. path: as kith_registry_files() has it. */
void kith_registry_refuse(struct kith_registry *, const char *path, const char *why);
/* Is the file that it was loaded from another one now, or gone? What runs is the old one until the
 * program is started anew: a reload says so. Never for one that is linked in. */
bool kith_registry_replaced(const struct kith_registry *, const struct kith_plugin *);
/* The file a plugin came from; "" when linked in. */
const char *kith_registry_path(const struct kith_registry *, const struct kith_plugin *);
/* The names it tells are those of plugins that are loaded, and of files as they are on disk. */
struct kith_config_finder kith_registry_finder(struct kith_registry *);

#endif
