/*
 * growth.h - structs that grow (plugin.h, GROWTH): who reads one looks no further than the size it
 * finds, and so does who fills one. All of the host that reads or fills a struct of the other side
 * does it with these two; only the core, which sees no folder of ours, has its own for members
 * (view.c). Knows no struct by name.
 */
#ifndef KITH_GROWTH_H
#define KITH_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What the other side filled, at today's size: what it did not know of is zero. false: no version
 * of the struct ends there, a pointer might be cut in half; it knows of nothing then. */
#define KITH_TAKE(to, from) \
    kith_take((to), sizeof *(to), __alignof__(__typeof__(*(to))), 1 ? (from) : (to))
static inline bool kith_take(void *to, size_t today, size_t align, const void *from)
{
    uint32_t size, known;
    memcpy(&size, from, sizeof size);
    bool fits = size >= sizeof size && size % align == 0;
    known = !fits ? 0 : size < today ? size : (uint32_t)today;
    memset(to, 0, today);
    memcpy(to, from, known);
    size = (uint32_t)today;
    memcpy(to, &size, sizeof size);
    return fits;
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
