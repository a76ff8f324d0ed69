/*
 * allocations.c - counts every allocation of the process that it is preloaded into, those of
 * libraries too: for `kith plugin bench`, which starts itself again with it. A library of its own,
 * so that a node's malloc is nobody's but the system's. For glibc, which says how to stand in for
 * its functions: free and the rest stay its own.
 */
#include <errno.h>
#include <kith/plugin.h>
#include <stdlib.h>

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

static unsigned long calls;

KITH_EXPORT unsigned long kith_allocations(void);
KITH_EXPORT unsigned long kith_allocations(void)
{
    return __atomic_load_n(&calls, __ATOMIC_RELAXED);
}

static void count(void) { __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED); }

KITH_EXPORT void *malloc(size_t n)
{
    count();
    return __libc_malloc(n);
}

KITH_EXPORT void *calloc(size_t n, size_t size)
{
    count();
    return __libc_calloc(n, size);
}

KITH_EXPORT void *realloc(void *p, size_t n)
{
    count();
    return __libc_realloc(p, n);
}

KITH_EXPORT void *memalign(size_t align, size_t n);
KITH_EXPORT void *memalign(size_t align, size_t n)
{
    count();
    return __libc_memalign(align, n);
}

KITH_EXPORT void *aligned_alloc(size_t align, size_t n)
{
    count();
    return __libc_memalign(align, n);
}

KITH_EXPORT int posix_memalign(void **out, size_t align, size_t n)
{
    if (align % sizeof(void *) || !align || align & (align - 1)) return EINVAL;
    count();
    void *p = __libc_memalign(align, n);
    if (!p) return ENOMEM;
    *out = p;
    return 0;
}
