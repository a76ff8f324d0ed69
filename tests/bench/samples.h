/*
 * samples.h - what codecs see in a cluster, made with the core's own writer: gossip packets of
 * alive messages and the state of 1,000 members as push/pull sends it. Names, addresses and meta
 * differ as those of a real cluster do.
 */
#ifndef KITH_SAMPLES_H
#define KITH_SAMPLES_H

#include <stdlib.h>
#include "wire.h"

static uint64_t sample_seed = 7;
static unsigned sample_random(unsigned n)
{
    sample_seed = sample_seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(sample_seed >> 33) % n;
}

static void sample_member(struct kith_msg *m, uint8_t type, unsigned i)
{
    static const char *const roles[] = {"web", "db", "cache", "worker"};
    static char name[64], meta[64];
    static uint8_t addr[4], vsn[6] = {1, 5, 2, 2, 5, 4};
    int n = snprintf(name, sizeof name, "%s-%04u.eu-%u.example.net", roles[sample_random(4)], i,
                     sample_random(3));
    int k = snprintf(meta, sizeof meta,
                     "\xFF\x82\xA4role\xA3%s\xA4zone\xA4"
                     "eu-%u",
                     roles[i % 4], sample_random(3));
    addr[0] = 10;
    addr[1] = (uint8_t)sample_random(4);
    addr[2] = (uint8_t)(i >> 8);
    addr[3] = (uint8_t)i;
    *m = (struct kith_msg){.type = type,
                           .incarnation = 1 + sample_random(40),
                           .port = 7946,
                           .node = kith_bytes_of(name, (size_t)n),
                           .meta = kith_bytes_of(meta, (size_t)k),
                           .addr = kith_bytes_of(addr, 4),
                           .vsn = kith_bytes_of(vsn, 6)};
}

/* A compound of alives, at most `budget` bytes. */
static size_t sample_gossip(uint8_t *out, size_t budget)
{
    uint8_t one[512];
    size_t lens[KITH_COMPOUND_MAX], n = 0, at = 0;
    uint8_t *parts = malloc(budget);
    for (;;) {
        struct kith_msg m;
        struct kith_buf b = {one, one, 0, sizeof one};
        sample_member(&m, KITH_MSG_ALIVE, sample_random(1000));
        kith_wire_write_message(&b, &m);
        if (2 + 2 * (n + 1) + at + b.len > budget) break;
        memcpy(parts + at, b.data, b.len);
        at += lens[n++] = b.len;
    }
    out[0] = KITH_MSG_COMPOUND;
    out[1] = (uint8_t)n;
    for (size_t i = 0; i < n; i++) {
        out[2 + 2 * i] = (uint8_t)(lens[i] >> 8);
        out[3 + 2 * i] = (uint8_t)lens[i];
    }
    memcpy(out + 2 + 2 * n, parts, at);
    free(parts);
    return 2 + 2 * n + at;
}

static size_t sample_state(uint8_t *out, size_t cap, unsigned members)
{
    struct kith_buf b = {out, out, 0, cap};
    struct kith_msg m = {.nodes = members};
    *kith_buf_put(&b, 1) = KITH_MSG_PUSH_PULL;
    kith_wire_write(&b, KITH_BODY_PUSH_PULL, &m);
    for (unsigned i = 0; i < members; i++) {
        sample_member(&m, 0, i);
        kith_wire_write(&b, KITH_BODY_NODE_STATE, &m);
    }
    return b.len;
}

#endif
