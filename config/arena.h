/*
 * arena.h - memory that is freed all at once.
 *
 * A config is a few kilobytes of strings and lists that live and die together. Allocation never
 * fails: what a file can ask for is bounded by KITH_CONFIG_MAX, and where not even that is left,
 * abort() is the answer. Freeing wipes.
 */
#ifndef KITH_CONFIG_ARENA_H
#define KITH_CONFIG_ARENA_H

#include <kith/plugin.h>

struct kith_arena;
struct kith_arena *kith_arena_new(void);
/* Runs what was deferred, newest first, then wipes and frees all. NULL is fine. */
void kith_arena_free(struct kith_arena *);

/* Zeroed, aligned for anything. */
void *kith_arena_alloc(struct kith_arena *, size_t size);
char *kith_arena_strndup(struct kith_arena *, const char *text, size_t len);
char *kith_arena_strdup(struct kith_arena *, const char *text);
char *kith_arena_printf(struct kith_arena *, const char *fmt, ...) KITH_PRINTF(2, 3);
/* What a file in this folder means by a path: in the folder, unless it is absolute, empty, or dir
 * is "": no folder. */
char *kith_arena_path(struct kith_arena *, const char *dir, const char *path);
/* Call fn(arg) when the arena is freed. */
void kith_arena_defer(struct kith_arena *, void (*fn)(void *arg), void *arg);

#endif
