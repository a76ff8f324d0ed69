/*
 * arena.c - see arena.h. Blocks in a list, each twice as large as the one before up to some
 * kilobytes. What must be aligned fills a block from the start, texts from the end. Knows nothing
 * of what is stored.
 */
#include "arena.h"
#include <sodium.h>
#include <stdlib.h>

enum { FIRST = 1024, MOST = 8192, ALIGN = 16 };

struct block {
    struct block *next;
    size_t used, end, cap; /* free: from used to end */
    _Alignas(ALIGN) uint8_t data[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *arg);
    void *arg;
};

struct kith_arena {
    struct block *blocks; /* the first is the one with most room left */
    size_t next_cap;
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
        sodium_memzero(b->data, b->cap);
        free(b);
    }
    free(a);
}

static size_t left(const struct block *b) { return b->end - b->used; }

/* A block with room for size bytes. One that is made for a large request stands behind that which
 * has more room left. */
static struct block *block_for(struct kith_arena *a, size_t size)
{
    struct block *first = a->blocks;
    if (first && left(first) >= size) return first;
    if (!a->next_cap) a->next_cap = FIRST;
    size_t cap = size > a->next_cap ? size : a->next_cap;
    if (a->next_cap < MOST) a->next_cap *= 2;
    struct block *b = must(calloc(1, sizeof *b + cap));
    b->cap = b->end = cap;
    if (first && left(first) > cap - size) {
        b->next = first->next;
        first->next = b;
    } else {
        b->next = first;
        a->blocks = b;
    }
    return b;
}

void *kith_arena_alloc(struct kith_arena *a, size_t size)
{
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct block *b = block_for(a, size);
    void *p = b->data + b->used;
    b->used += size;
    return p;
}

/* Zeroed, for bytes. */
static char *alloc_text(struct kith_arena *a, size_t size)
{
    struct block *b = block_for(a, size);
    b->end -= size;
    return (char *)b->data + b->end;
}

char *kith_arena_strndup(struct kith_arena *a, const char *text, size_t len)
{
    char *copy = alloc_text(a, len + 1);
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
    char *text = alloc_text(a, (size_t)n + 1);
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
