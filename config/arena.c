/*
 * arena.c - see arena.h. Blocks of a few kilobytes in a list, filled from the start; a big request
 * gets its own block. Knows nothing of what is stored.
 */
#include "arena.h"
#include <sodium.h>
#include <stdlib.h>

enum { BLOCK = 4096, ALIGN = 16 };

struct block {
    struct block *next;
    size_t used, cap;
    _Alignas(ALIGN) uint8_t data[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *arg);
    void *arg;
};

struct kith_arena {
    struct block *blocks;
    struct deferred *deferred;
};

static void *must(void *p)
{
    if (!p) {
        fputs("kith: out of memory while reading a config\n", stderr);
        abort();
    }
    return p;
}

struct kith_arena *kith_arena_new(void) { return must(calloc(1, sizeof(struct kith_arena))); }

void kith_arena_free(struct kith_arena *a)
{
    if (!a) return;
    for (struct deferred *d = a->deferred; d; d = d->next) d->fn(d->arg);
    for (struct block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        sodium_memzero(b->data, b->used);
        free(b);
    }
    free(a);
}

void *kith_arena_alloc(struct kith_arena *a, size_t size)
{
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct block *b = a->blocks;
    if (!b || b->cap - b->used < size) {
        size_t cap = size > BLOCK ? size : BLOCK;
        b = must(calloc(1, sizeof *b + cap));
        b->cap = cap;
        b->next = a->blocks;
        a->blocks = b;
    }
    void *p = b->data + b->used;
    b->used += size;
    return p;
}

char *kith_arena_strndup(struct kith_arena *a, const char *text, size_t len)
{
    char *copy = kith_arena_alloc(a, len + 1);
    memcpy(copy, text, len);
    return copy;
}

char *kith_arena_strdup(struct kith_arena *a, const char *text)
{
    return kith_arena_strndup(a, text, strlen(text));
}

char *kith_arena_printf(struct kith_arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *text = kith_arena_alloc(a, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

char *kith_arena_path(struct kith_arena *a, const char *dir, const char *path)
{
    if (!*path || *path == '/' || !*dir) return kith_arena_strdup(a, path);
    while (path[0] == '.' && path[1] == '/') path += 1 + strspn(path + 1, "/");
    return kith_arena_printf(a, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, path);
}

void kith_arena_defer(struct kith_arena *a, void (*fn)(void *arg), void *arg)
{
    struct deferred *d = kith_arena_alloc(a, sizeof *d);
    *d = (struct deferred){a->deferred, fn, arg};
    a->deferred = d;
}
