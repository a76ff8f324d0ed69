/*
 * loader.h - private to plugins/: from a file to a checked, normalised copy of the plugin struct in
 * it.
 */
#ifndef KITH_LOADER_H
#define KITH_LOADER_H

#include <kith/plugin.h>

/* ------------------------------------------------------------------------ files (loader.c) */

struct kith_mapped {
    const struct kith_plugin *raw; /* as it is in the file: nothing of it has been checked */
    size_t extent;                 /* bytes that the symbol has, 0 when not known */
    bool ran;                      /* also when it failed: its constructors did, and it stays */
};

/* Map the file and find its struct. path: absolute. former: how many other files of this path stay
 * mapped. */
int kith_loader_open(const char *path, unsigned former, struct kith_mapped *, struct kith_error *);
/* While root: -KITH_EACCES when others than root may change what path names (file or folder). */
int kith_loader_trust(const char *path, struct kith_error *);

/* ------------------------------------------------------------------------ structs (abi.c) */

/* Check what a plugin says of itself and copy it: struct, ops and parameters at today's size,
 * zero-extended. One allocation, to be freed with free(). */
int kith_abi_copy(struct kith_plugin **, const struct kith_plugin *raw, size_t extent,
                  struct kith_error *);
const char *kith_abi_kind(uint32_t kind); /* "transport" ... "unknown kind" */
bool kith_abi_name_ok(const char *name);  /* [a-z][a-z0-9_]*, at most 63 bytes */

/* ----------------------------------------------------------- linked in (static.c, generated) */

/* Plugins that are linked in; ends with NULL. */
extern const struct kith_plugin *const kith_static_plugins[];

#endif
