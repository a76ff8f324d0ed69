/*
 * hash.h - the hash of everything that comes from the wire: SipHash-1-3 (Aumasson and Bernstein,
 * 2012). Its key is secret, so nobody outside can choose names that collide. Knows no tables.
 */
#ifndef KITH_HASH_H
#define KITH_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Two words of chance that nothing else is drawn from: what a node chooses is seen by its peers,
 * and must tell nothing of them. */
struct kith_hash_key {
    uint64_t words[2];
};

uint64_t kith_hash(const struct kith_hash_key *, const void *data, size_t len);

#endif
