/*
 * peek.h - a codec that is linked into a test: it adds what the test says around a message, and
 * notes what it is shown of it. It has one setting, `number`, so that its entry can change.
 */
#ifndef KITH_TEST_PEEK_H
#define KITH_TEST_PEEK_H

#include <kith/plugin.h>

/* What it does and has seen, of all its instances together. */
struct peek_seen {
    size_t head, tail;         /* what it says that it adds */
    size_t sealed_size;        /* 0: what is true */
    size_t tail_left;          /* of tail: what sealing does not add */
    size_t headroom, tailroom; /* around the last message that was sealed */
    size_t seals, opens;
    unsigned refreshed_keys, refreshed_files;
    uint32_t provides;     /* of the last peer that something came from */
    uint32_t protocol_max; /* of the last peer, either way */
    bool unended;          /* a text had no NUL behind it */
    char name[64], identity[64];
    int init; /* what init returns */
    int (*command)(const struct kith_host *, const struct kith_call *);
};

extern struct peek_seen peek;
extern const struct kith_plugin peek_plugin;

#endif
