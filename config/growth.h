/*
 * growth.h - structs that grow (plugin.h, GROWTH): who reads one looks no further than the size it
 * finds, and so does who fills one. All of the host that reads or fills a struct of the other side
 * does it with these two; only the core, which sees no folder of ours, has its own for members
 * (view.c). Knows no struct by name.
 */
#ifndef KITH_GROWTH_H
#define KITH_GROWTH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What the other side filled, at today's size: what it did not know of is zero. */
#define KITH_TAKE(to, from) kith_take((to), sizeof *(to), 1 ? (from) : (to))
static inline void kith_take(void *to, size_t today, const void *from)
{
    uint32_t size;
    memcpy(&size, from, sizeof size);
    memset(to, 0, today);
    memcpy(to, from, size < today ? size : today);
    size = (uint32_t)today;
    memcpy(to, &size, sizeof size);
}

/* Fill what the other side handed over: as much as there is room for, and its size says how much.
 * Without room for a size nothing is written. */
#define KITH_GIVE(out, full) kith_give((out), sizeof *(out), 1 ? (full) : (out))
static inline void kith_give(void *out, size_t today, const void *full)
{
    uint32_t size;
    memcpy(&size, out, sizeof size);
    if (size > today) size = (uint32_t)today;
    if (size < sizeof size) return;
    memcpy(out, full, size);
    memcpy(out, &size, sizeof size);
}

#endif
